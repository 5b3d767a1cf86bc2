/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openssl_ocsp: the OCSP responder of the openssl command, in a process of its own, on a free port.
 *
 *     struct openssl_ocsp *ocsp = openssl_ocsp_start(ca, ca);
 *     g_autofree char *url = openssl_ocsp_url(ocsp);
 */
#ifndef DOMSEC_TESTS_SUPPORT_OPENSSL_OCSP_H
#define DOMSEC_TESTS_SUPPORT_OPENSSL_OCSP_H

#include "support/pki.h"

struct openssl_ocsp;

/* Answers for certificates of ca, with signatures of signer. Of serial 1 it says good, of serial 2 revoked, and it
 * knows no other. */
#define OPENSSL_OCSP_GOOD 1
#define OPENSSL_OCSP_REVOKED 2
#define OPENSSL_OCSP_UNKNOWN 3
struct openssl_ocsp *openssl_ocsp_start(const struct pki *ca, const struct pki *signer);
void openssl_ocsp_stop(struct openssl_ocsp *ocsp);
char *openssl_ocsp_url(const struct openssl_ocsp *ocsp); /* g_free() */
/* It accepts connections, and says nothing any more. */
void openssl_ocsp_hang(struct openssl_ocsp *ocsp);

DECLARE_OWNED(openssl_ocsp, struct openssl_ocsp *, openssl_ocsp_stop)

#endif
