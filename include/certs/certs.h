/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certs: address → certificates to encrypt for. An ordered list of sources (struct certs_source in src/certs/): the
 * partner's pinned files, then the local store (certificate_directory, one PEM file a certificate, kept by `domsec
 * cert`). Read once at gateway_open(); thread-safe. Answers candidates; whether one is fit is trust's to say.
 */
#ifndef DOMSEC_CERTS_CERTS_H
#define DOMSEC_CERTS_CERTS_H

#include "base/lookup.h"
#include "keys/keys.h"
#include "mail/address.h"

struct candidate {
    X509 *certificate;  /* a reference of its own */
    const char *source; /* "file", "store"; static */
    bool pinned;        /* named by the partner's `certificates` */
    bool personal;      /* one of its addresses is the recipient's own; else it may act for the domain */
    STACK_OF(X509) *
        authorities; /* CA certificates of the same source, for its path (chain_query.untrusted); lent, maybe NULL */
};

struct candidates {
    struct candidate *list;
    size_t count;
};
void candidates_clear(struct candidates *candidates);

struct certs;

/* conf must outlive it; partners given to certs_find() are conf's. NULL if there was an error. */
struct certs *certs_open(const struct conf *conf, struct faults *faults);
void certs_close(struct certs *certs);

/* Candidates for a recipient under its partner, in order of preference: pinned ones in the order of the file; then from
 * the store the recipient's own, then those named for its domain or a parent of it up to the registrable domain.
 * FOUND_FAILED with the reason if a source could not be asked. Key usage is looked at by trust, not here. */
enum found certs_find(const struct certs *certs, const struct partner *partner, const struct address *recipient,
                      struct candidates *candidates, struct error *error);

/* The store as files, for `domsec cert`. import writes certificate_directory/<sha256>.pem (atomically; the same
 * again is no error); remove takes a fingerprint or a unique prefix of it of at least 8 digits. */
bool certs_store_import(const struct conf *conf, X509 *certificate, struct error *error);
bool certs_store_remove(const struct conf *conf, const char *fingerprint, struct error *error);
/* All of the store, sorted by file name; unreadable files are faults. NULL stack never. */
STACK_OF(X509) * certs_store_list(const struct conf *conf, struct faults *faults);

DECLARE_OWNED(certs, struct certs *, certs_close)
static inline __attribute__((unused)) void cleanup_candidates(struct candidates *candidates)
{
    candidates_clear(candidates);
}

#endif
