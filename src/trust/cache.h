/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache: paths that were found valid, for how long they are known to stay so, and for how long it is known that nothing
 * in them is revoked. Thread-safe.
 */
#ifndef DOMSEC_TRUST_CACHE_H
#define DOMSEC_TRUST_CACHE_H

#include "path.h"
#include "revocation.h"

struct path_cache;

struct path_cache *path_cache_new(void);
void path_cache_free(struct path_cache *cache);

/* True if the leaf of this query has a path to these anchors that is known to be valid, with nothing revoked, at
 * query->at. generation: of what is known about revocation; what was noted at another one does not count. *unchecked:
 * as of struct revocation_result. */
bool path_cache_is_unrevoked(struct path_cache *cache, const struct path_query *query, unsigned generation,
                             const char **unchecked);
/* Forgets all. For when anchors are replaced. */
void path_cache_clear(struct path_cache *cache);

/* A path that is known to be valid at query->at, leaf first, with references of its own; NULL: none is known. */
STACK_OF(X509) * path_cache_find(struct path_cache *cache, const struct path_query *query);
/* Notes that this path is valid at query->at and what is known of revocation from then to known->until; NULL: nothing
 * is. generation: before it was asked. */
void path_cache_add(struct path_cache *cache, const struct path_query *query, const STACK_OF(X509) * chain,
                    const struct revocation_result *known, unsigned generation);

#endif
