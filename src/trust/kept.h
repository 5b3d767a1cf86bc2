/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept: what has been fetched: lists, answers of OCSP responders, and certificates of issuers. Thread-safe.
 */
#ifndef DOMSEC_TRUST_KEPT_H
#define DOMSEC_TRUST_KEPT_H

#include "crl_table.h"
#include "issuers.h"
#include "revocation.h"

/* A certificate for which something is kept: its issuer's key and its serial number. */
struct kept_key {
    unsigned char octets[KEY_DIGEST];
};
/* False: out of memory. */
bool kept_key(const X509 *certificate, const X509 *issuer, struct kept_key *key);

/* The same of a certificate whose issuer is not known, for kept_fault(). */
bool kept_orphan_key(const X509 *certificate, struct kept_key *key);

struct kept_answer {
    enum revocation_status status; /* GOOD or REVOKED */
    time_t from;                   /* thisUpdate */
    time_t until;                  /* the last second for which it is good */
    time_t responder_until;        /* when the certificate of the responder ends; 0: it is the authority itself */
};

struct kept;

/* store: a URI for store_open(), of what was kept before, and where to keep what comes; NULL: in memory alone. */
struct kept *kept_new(const char *store);
/* The same with all that another one knows, for a configuration that takes the place of another; with the same store it
 * is the other one. previous NULL: as kept_new(). */
struct kept *kept_after(struct kept *previous, const char *store);
void kept_unref(struct kept *kept);

/* Takes a reference. Of each scope the newest list is kept. der: the whole list. False: the one that is kept is newer.
 */
bool kept_add_list(struct kept *kept, struct crl_table *table, struct slice der);
/* Lists of this issuer, and the indirect ones; g_ptr_array_unref(). */
GPtrArray *kept_lists(struct kept *kept, const X509_NAME *issuer);
/* Of all lists that speak of the chain's certificates, the last second until which none runs out or begins. */
time_t kept_stable_until(struct kept *kept, const STACK_OF(X509) * chain, time_t at);

/* False: the answer that is kept is newer. */
bool kept_add_answer(struct kept *kept, const struct kept_key *key, const struct kept_answer *answer);
bool kept_find_answer(struct kept *kept, const struct kept_key *key, struct kept_answer *answer);

/* Lent. */
struct issuers *kept_issuers(const struct kept *kept);

/* Why it is not known of this certificate; static, as in struct revocation_answer. NULL takes it back. */
void kept_set_fault(struct kept *kept, const struct kept_key *key, const char *fault);
const char *kept_fault(struct kept *kept, const struct kept_key *key);

/* Another number each time that something was added: what was concluded before may not hold any more. */
unsigned kept_generation(const struct kept *kept);

/* Sets the gauges of what holds at that time. */
void kept_measure(struct kept *kept, time_t at);

DECLARE_OWNED(kept, struct kept *, kept_unref)

#endif
