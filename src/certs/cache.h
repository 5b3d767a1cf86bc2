/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache: keeps what sources have said, found or none, for as long as they say. Bounded; what was not used for the
 * longest time goes first. Thread-safe. Private to certs/.
 */
#ifndef DOMSEC_CERTS_CACHE_H
#define DOMSEC_CERTS_CACHE_H

#include "reply.h"

struct cache;

/* most: certificates and answers together. */
struct cache *cache_new(size_t most);
void cache_free(struct cache *cache);
/* What a source is asked, in a word; g_free(). */
char *cache_key(const struct certs_source *source, const struct certs_query *query);
/* Times are microseconds of g_get_monotonic_time(). A failure, and what its source does not want to be kept, is not
 * put. version: of what the source knew. */
void cache_put(struct cache *cache, const char *key, struct certs_reply *reply, uint64_t version, int64_t now);
/* A new reference; NULL: no reply is valid and of this version. */
struct certs_reply *cache_find(struct cache *cache, const char *key, uint64_t version, int64_t now);
/* The same with certificates whose validity ended no longer than grace microseconds ago. */
struct certs_reply *cache_find_old(struct cache *cache, const char *key, int64_t grace, int64_t now);

#endif
