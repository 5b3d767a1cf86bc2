/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch: one list, answer or issuer from the place that a certificate names, put into `kept`. Each address is fetched
 * by one thread at a time, not again before it is due, and not at all while its server does not answer. Blocks.
 * Thread-safe.
 */
#ifndef DOMSEC_TRUST_FETCH_H
#define DOMSEC_TRUST_FETCH_H

#include "kept.h"
#include "notices.h"

struct fetcher;

/* All have to outlive it. */
struct fetcher *fetcher_new(const struct conf *conf, struct kept *kept, struct notices *notices);
void fetcher_free(struct fetcher *fetcher);
/* What is under way ends soon, and nothing is fetched any more. */
void fetcher_stop(struct fetcher *fetcher);

/* When something should be fetched again that holds until then; 0: it does not say. */
time_t fetch_due(time_t now, time_t until);

/* Certificates by one of which a list has to be signed. NULL: the list is there, and *due is when it should be fetched
 * again. Otherwise why not (unknown.h). */
const char *fetch_list(struct fetcher *fetcher, const char *url, const STACK_OF(X509) * signers, time_t *due);

struct fetch_question {
    X509 *certificate, *issuer;
    const struct kept_key *key;
    bool has_nonce;
};
const char *fetch_answer(struct fetcher *fetcher, const char *url, const struct fetch_question *question, time_t *due);

/* What lies at this address is put into kept_issuers(). NULL: that has been done just now, or within a minute. */
const char *fetch_issuers(struct fetcher *fetcher, const char *url);

DECLARE_OWNED(fetcher, struct fetcher *, fetcher_free)

#endif
