/* SPDX-License-Identifier: Apache-2.0 */
/*
 * errand: one certificate about which something is fetched, and the fetching. When and in which thread is the courier's
 * to say.
 */
#ifndef DOMSEC_TRUST_ERRAND_H
#define DOMSEC_TRUST_ERRAND_H

#include "courier.h"
#include "fetch.h"

struct errand_key {
    struct kept_key certificate;
    unsigned char fetch, ocsp, nonce, issuer; /* issuer: for this alone */
};

struct errand {
    int references;
    struct errand_key key;
    X509 *certificate;
    STACK_OF(X509) * signers; /* the issuer, then others */
    /* under the courier's lock */
    bool busy; /* queued or under way */
    int64_t next_try;
    time_t due, used; /* used: last asked about */
};

struct errand *errand_new(const struct errand_order *order, const struct errand_key *key);
struct errand *errand_ref(struct errand *errand);

struct errand_means {
    struct fetcher *fetcher;
    struct kept *kept;
};
/* Blocks. Returns when something of it should be fetched again; 0: nothing came. */
time_t errand_run(const struct errand *errand, const struct errand_means *means);

#endif
