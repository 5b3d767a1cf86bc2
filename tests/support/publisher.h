/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publisher: makes trust bundles, good ones and bad ones.
 *
 *     g_autoptr(GByteArray) plain = publisher_pack(PUBLISHER_DER, root->cert, other->cert, NULL);
 *     g_autoptr(GByteArray) bundle = publisher_sign(plain, &(struct publisher_seal){.signer = signer});
 */
#ifndef DOMSEC_TESTS_SUPPORT_PUBLISHER_H
#define DOMSEC_TESTS_SUPPORT_PUBLISHER_H

#include "support/pki.h"

#include <glib.h>

enum publisher_form {
    PUBLISHER_CERTIFICATES, /* PEM, one after another */
    PUBLISHER_DER,          /* PKCS #7 with certificates only */
    PUBLISHER_PEM,          /* the same */
};
/* What was written into a memory BIO. */
GByteArray *publisher_octets(BIO *bio);

/* The certificates of all arguments; NULL ends them. */
GByteArray *publisher_pack(enum publisher_form form, ...) __attribute__((sentinel));

struct publisher_seal {
    const struct pki *signer, *second; /* second: NULL: one signs */
    unsigned more;                     /* signatures of the first */
    time_t at;                         /* signing time; 0: now; -1: none, and no signed attributes at all */
    const char *digest;                /* "SHA256" by default */
    const char *type;                  /* of the content, as an OID; NULL: data */
    bool as_pem;
};
GByteArray *publisher_sign(const GByteArray *content, const struct publisher_seal *seal);

/* Writes it. */
void publisher_write(const char *folder, const char *name, const GByteArray *bundle);

#endif
