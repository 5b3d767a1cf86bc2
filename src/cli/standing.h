/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standing: where each of our identities stands while one takes the place of another.
 */
#ifndef DOMSEC_CLI_STANDING_H
#define DOMSEC_CLI_STANDING_H

#include "keys/keys.h"

enum standing {
    STANDING_UNREADABLE,
    STANDING_AWAITED,  /* the authority is still to send its certificate */
    STANDING_WAITING,  /* its date, or that of its certificate, is still to come */
    STANDING_IN_FORCE, /* it signs, or partners encrypt to it */
    STANDING_REPLACED, /* a newer one signs */
    STANDING_DECRYPTS, /* a newer one is in force, or its certificate has expired; its key decrypts */
    STANDING_EXPIRED,  /* its certificate has, and it does not decrypt */
    STANDING_ENDED,    /* its `until` has come */
};

/* One for each identity of conf, in its order; g_free(). own: their certificates, NULL where one cannot be read. */
enum standing *standing_read(const struct conf *conf, X509 *const *own, time_t at);
const char *standing_name(enum standing standing);
/* With its dates, as "in force, until 2028-01-01"; g_free(). */
char *standing_text(enum standing standing, const struct identity_conf *identity);
/* What the private key of a certificate is for, in that identity. */
bool standing_signs(const struct identity_conf *identity, X509 *certificate);
bool standing_decrypts(const struct identity_conf *identity, X509 *certificate);

#endif
