/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rate: a bucket of tokens for each key. The time is the caller's.
 */
#include "rate.h"

struct bucket {
    int64_t full_at; /* when it will be full again */
};

struct rate {
    GHashTable *buckets; /* key → struct bucket * */
    unsigned at_once;
    int64_t each; /* microseconds for a token */
};

struct rate *rate_new(unsigned at_once, unsigned a_second)
{
    struct rate *rate = g_new0(struct rate, 1);
    rate->buckets = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    rate->at_once = at_once;
    rate->each = G_USEC_PER_SEC / a_second;
    return rate;
}

void rate_free(struct rate *rate)
{
    g_hash_table_destroy(rate->buckets);
    g_free(rate);
}

bool rate_allows(struct rate *rate, const void *key, int64_t now)
{
    struct bucket *bucket = g_hash_table_lookup(rate->buckets, key);
    if (bucket == NULL) {
        bucket = g_new0(struct bucket, 1);
        bucket->full_at = now;
        g_hash_table_insert(rate->buckets, (void *)key, bucket);
    }
    int64_t full_at = MAX(bucket->full_at, now) + rate->each;
    if (full_at > now + rate->each * rate->at_once)
        return false;
    bucket->full_at = full_at;
    return true;
}
