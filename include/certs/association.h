/* SPDX-License-Identifier: Apache-2.0 */
/*
 * association: what a zone says of the certificates of a mailbox in SMIMEA records (RFC 8162, with the fields of RFC
 * 6698 §2.1). Such records are alternatives: a certificate has to agree with one of them. Immutable; thread-safe.
 */
#ifndef DOMSEC_CERTS_ASSOCIATION_H
#define DOMSEC_CERTS_ASSOCIATION_H

#include "base/bytes.h"
#include "base/openssl.h"

enum association_usage {
    USAGE_AUTHORITY,   /* PKIX-TA: an authority in the path, which leads to an anchor of ours */
    USAGE_CERTIFICATE, /* PKIX-EE: the certificate itself, whose path leads to an anchor of ours */
    USAGE_ANCHOR,      /* DANE-TA: an authority to which the path leads, whether we know it or not */
    USAGE_ZONE,        /* DANE-EE: the certificate itself; the zone vouches for it in place of a path */
};
#define ASSOCIATION_USAGES 4

struct associations;

/* NULL: no record can be used. *unusable gets the number of those that cannot: a value that RFC 6698 does not define, a
 * digest of the wrong length, data that is no certificate. associations_unref(). */
struct associations *associations_read(const struct slice *records, size_t count, size_t *unusable);
struct associations *associations_ref(struct associations *associations);
void associations_unref(void *associations);

/* True if there is a record with that usage. */
bool associations_have(const struct associations *associations, enum association_usage usage);
/* True if a record with that usage names this certificate: in full, by its key, or by a digest of either. */
bool associations_name(const struct associations *associations, enum association_usage usage, const X509 *certificate);
/* The certificates that stand in the records in full, in their order; lent. */
STACK_OF(X509) * associations_certificates(const struct associations *associations);

/* Where the SMIMEA records of a mailbox are (RFC 8162 §3). local: without quotes. g_free(). */
char *smimea_name(const char *local, const char *domain);

/* The certificate of a CERT record (RFC 4398) of type PKIX, with the identifier of §2.3 before it or, as zones have it,
 * without. NULL: it has no certificate. X509_free(). */
X509 *cert_record_read(struct slice rdata);

DECLARE_OWNED(associations, struct associations *, associations_unref)

#endif
