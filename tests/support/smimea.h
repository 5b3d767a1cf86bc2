/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smimea: the RDATA of SMIMEA and CERT records for the tests.
 */
#ifndef DOMSEC_TESTS_SUPPORT_SMIMEA_H
#define DOMSEC_TESTS_SUPPORT_SMIMEA_H

#include "base/openssl.h"

#include <glib.h>

/* What agrees with this certificate, by RFC 6698 §2.1. */
GBytes *smimea_rdata(unsigned usage, unsigned selector, unsigned matching, const X509 *certificate);
/* Lines of a zone file, in the form of RFC 3597, so that only the numbers count. owner: "@", a label. g_free(). */
char *smimea_line(const char *owner, unsigned type, GBytes *rdata);
/* The owner of a mailbox's SMIMEA records within its zone. g_free(). */
char *smimea_owner(const char *local);
/* A CERT record of type PKIX, raw. */
GBytes *cert_rdata(const X509 *certificate);

#endif
