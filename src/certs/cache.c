/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache: answers by key, in the order of their use. An answer stays when its time is over, because an outage may make
 * it welcome; it is never taken for a valid one. A failure is never kept: it is not an answer.
 */
#include "cache.h"

#include <string.h>

#define LONGEST 86400 /* seconds: certificates are replaced and revoked */
#define WEIGHT_MOST 1000

struct entry {
    char *key;
    struct certs_reply *reply;
    uint64_t version;
    int64_t until;
    size_t weight;
    GList link; /* in cache->order */
};

struct cache {
    GMutex lock;
    GHashTable *entries; /* key → struct entry * */
    GQueue order;        /* the last that was used comes first */
    size_t weight, most;
};

static void entry_free(void *data)
{
    struct entry *entry = data;
    g_free(entry->key);
    reply_unref(entry->reply);
    g_free(entry);
}

struct cache *cache_new(size_t most)
{
    struct cache *cache = g_new0(struct cache, 1);
    g_mutex_init(&cache->lock);
    cache->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free);
    cache->most = most;
    return cache;
}

void cache_free(struct cache *cache)
{
    if (cache == NULL)
        return;
    g_hash_table_destroy(cache->entries); /* the links are in the entries */
    g_mutex_clear(&cache->lock);
    g_free(cache);
}

/* The local part as it is written: a source may tell cases apart. */
char *cache_key(const struct certs_source *source, const struct certs_query *query)
{
    char partner[2 + 2 * sizeof(void *) + 1];
    g_snprintf(partner, sizeof(partner), "%p", (const void *)query->partner);
    return g_strconcat(source->name, query->purpose == CERTS_SIGNER ? " signer " : " ", partner, " ",
                       query->address->local, "@", query->address->domain, NULL);
}

static size_t weigh(const struct certs_reply *reply)
{
    size_t weight = 1 + reply->candidates->len;
    for (guint i = 0; i < reply->kept->len; i++)
        weight += (size_t)sk_X509_num(g_ptr_array_index(reply->kept, i));
    return weight;
}

static void drop(struct cache *cache, struct entry *entry)
{
    g_queue_unlink(&cache->order, &entry->link);
    cache->weight -= entry->weight;
    g_hash_table_remove(cache->entries, entry->key);
}

void cache_put(struct cache *cache, const char *key, struct certs_reply *reply, uint64_t version, int64_t now)
{
    size_t weight = weigh(reply);
    if (reply_has_failed(reply) || reply->seconds == 0 || weight > WEIGHT_MOST)
        return;
    struct entry *entry = g_new0(struct entry, 1);
    *entry = (struct entry){.key = g_strdup(key),
                            .reply = reply_ref(reply),
                            .version = version,
                            .until = now + (int64_t)MIN(reply->seconds, LONGEST) * G_USEC_PER_SEC,
                            .weight = weight,
                            .link = {.data = entry}};
    g_mutex_lock(&cache->lock);
    struct entry *before = g_hash_table_lookup(cache->entries, key);
    if (before != NULL)
        drop(cache, before);
    while (cache->weight + weight > cache->most && cache->order.tail != NULL)
        drop(cache, cache->order.tail->data);
    g_hash_table_insert(cache->entries, entry->key, entry);
    g_queue_push_head_link(&cache->order, &entry->link);
    cache->weight += weight;
    g_mutex_unlock(&cache->lock);
}

static struct certs_reply *use(struct cache *cache, struct entry *entry)
{
    g_queue_unlink(&cache->order, &entry->link);
    g_queue_push_head_link(&cache->order, &entry->link);
    return reply_ref(entry->reply);
}

struct certs_reply *cache_find(struct cache *cache, const char *key, uint64_t version, int64_t now)
{
    struct certs_reply *reply = NULL;
    g_mutex_lock(&cache->lock);
    struct entry *entry = g_hash_table_lookup(cache->entries, key);
    if (entry != NULL && entry->version == version && now < entry->until)
        reply = use(cache, entry);
    g_mutex_unlock(&cache->lock);
    return reply;
}

/* That there was none is no help: it may have come since. */
struct certs_reply *cache_find_old(struct cache *cache, const char *key, int64_t grace, int64_t now)
{
    struct certs_reply *reply = NULL;
    g_mutex_lock(&cache->lock);
    struct entry *entry = g_hash_table_lookup(cache->entries, key);
    if (entry != NULL && entry->reply->candidates->len > 0 && now < entry->until + grace)
        reply = use(cache, entry);
    g_mutex_unlock(&cache->lock);
    return reply;
}
