/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flights: asks sources that wait for others, in threads of their own. Questions for one name are asked once at a time;
 * each message waits for the answer until its own deadline, and an answer that comes later is kept for the next one.
 * Thread-safe. Private to certs/.
 */
#ifndef DOMSEC_CERTS_FLIGHTS_H
#define DOMSEC_CERTS_FLIGHTS_H

#include "cache.h"

struct flights;

/* limit: microseconds that a source has for a question. The cache must outlive it. */
struct flights *flights_new(struct cache *cache, int64_t limit);
/* Waits for what is still under way. */
void flights_free(struct flights *flights);

/* One question and its answer, which is never NULL. */
struct asked {
    const struct certs_query *query;
    struct certs_reply *reply; /* a new reference */
    struct certs_reply *old;   /* an old answer that counts in its place, because it is a failure; NULL */
    bool cached;               /* the reply was */
};
/* Asks and returns by the deadline. how: tell alone; NULL. */
void flights_ask(struct flights *flights, const struct certs_opened *opened, struct asked *list, size_t count,
                 int64_t deadline, const struct certs_acceptance *how);

#endif
