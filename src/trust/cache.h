/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache: paths that were found valid, and for how long that is known to stay so. Thread-safe.
 */
#ifndef DOMSEC_TRUST_CACHE_H
#define DOMSEC_TRUST_CACHE_H

#include "store.h"

struct path_cache *path_cache_new(void);
void path_cache_free(struct path_cache *cache);

/* True if the leaf of this query has a path to these anchors that is known to be valid at query->at. */
bool path_cache_holds(struct path_cache *cache, const struct path_query *query);
/* Notes that query has passed with this chain (leaf first). */
void path_cache_add(struct path_cache *cache, const struct path_query *query, const STACK_OF(X509) * chain);

#endif
