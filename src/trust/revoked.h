/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revoked: the entries of a revocation list, 24 octets each.
 */
#ifndef DOMSEC_TRUST_REVOKED_H
#define DOMSEC_TRUST_REVOKED_H

#include "base/openssl.h"

#include <stdbool.h>

struct revoked;

struct revoked_of {
    X509_NAME *issuer; /* of the list; lent for as long as its entries are there */
    bool is_indirect;  /* an entry may name another issuer */
};
/* list: revokedCertificates (RFC 5280 §5.1) as it is encoded; NULL: the field is missing. NULL, with *refusal
 * (unknown.h), if it cannot be used. */
struct revoked *revoked_read(const ASN1_STRING *list, const struct revoked_of *of, const char **refusal);
void revoked_free(struct revoked *revoked);

enum crl_entry { CRL_ENTRY_NONE, CRL_ENTRY_REVOKED, CRL_ENTRY_REMOVED };
enum crl_entry revoked_find(const struct revoked *revoked, const ASN1_INTEGER *serial, const X509_NAME *issuer);
size_t revoked_count(const struct revoked *revoked);

DECLARE_OWNED(revoked, struct revoked *, revoked_free)

#endif
