/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crl_table: a revocation list that was fetched, verified once, and kept as a table of serial numbers.
 */
#ifndef DOMSEC_TRUST_CRL_TABLE_H
#define DOMSEC_TRUST_CRL_TABLE_H

#include "base/bytes.h"
#include "revoked.h"

#include <time.h>

#define KEY_DIGEST 32
struct key_digest {
    unsigned char octets[KEY_DIGEST]; /* SHA-256 of a public key with its algorithm */
};
/* False: out of memory, or there is no key. */
bool key_digest(const X509 *certificate, struct key_digest *digest);

struct crl_table;

/* Reads a list in DER or PEM. One of the certificates has to have signed it. NULL, with *refusal
 * (unknown.h), if it is no list, or its signature does not hold. */
struct crl_table *crl_table_read(struct slice bytes, const STACK_OF(X509) * signers, const char **refusal);
/* The same for a list that was verified before, with that key. */
struct crl_table *crl_table_restore(struct slice der, const struct key_digest *signer);
struct crl_table *crl_table_ref(struct crl_table *table);
void crl_table_unref(struct crl_table *table);

/* The list without its entries, lent: what OpenSSL looks at. */
X509_CRL *crl_table_hollow(const struct crl_table *table);
/* The table that belongs to such a list; NULL: it is another one. */
const struct crl_table *crl_table_of(X509_CRL *crl);
/* True if this key has signed it. */
bool crl_table_is_signed_by(const struct crl_table *table, const X509 *issuer);
const struct key_digest *crl_table_signer(const struct crl_table *table);

enum crl_entry crl_table_find(const struct crl_table *table, const ASN1_INTEGER *serial, const X509_NAME *issuer);
size_t crl_table_count(const struct crl_table *table);

/* What the list is about: its signer, its name and its distribution point, as a text that can be compared; lent. */
const char *crl_table_scope(const struct crl_table *table);
bool crl_table_is_indirect(const struct crl_table *table);
/* True if other, of the same scope, is newer: by its number (RFC 5280 §5.2.3), or without numbers by its date. */
bool crl_table_is_older(const struct crl_table *table, const struct crl_table *other);
time_t crl_table_from(const struct crl_table *table);
time_t crl_table_until(const struct crl_table *table); /* 0: it names no next one */

DECLARE_OWNED(crl_table, struct crl_table *, crl_table_unref)

#endif
