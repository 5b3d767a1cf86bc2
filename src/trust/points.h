/* SPDX-License-Identifier: Apache-2.0 */
/*
 * points: where a certificate, or a list, says that more about revocation, or its issuer, can be fetched. Addresses
 * that net/ does not follow (ldap:, names in a directory) are left out. g_strfreev(); never NULL.
 */
#ifndef DOMSEC_TRUST_POINTS_H
#define DOMSEC_TRUST_POINTS_H

#include "base/openssl.h"

#include <stdbool.h>

/* OCSP responders (RFC 5280 §4.2.2.1). */
char **points_of_responders(const X509 *certificate);
/* Certificates of its issuer (caIssuers, as above). */
char **points_of_issuers(const X509 *certificate);
/* One list for each distribution point (RFC 5280 §4.2.1.13), its addresses in their order, one after the other with a
 * space between them: any of them will do. A point that has none is left out. */
char **points_of_lists(const X509 *certificate);
/* The same of delta lists (RFC 5280 §4.2.1.15, §5.2.6). */
char **points_of_deltas(const X509 *certificate);
char **points_of_deltas_in(const X509_CRL *list);
/* True if the certificate says where to look at all, in whatever form. */
bool points_are_named(const X509 *certificate);

#endif
