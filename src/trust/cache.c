/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache: the certificate of a partner's gateway comes with each of its messages, and the path from it is the same each
 * time.
 *
 * Only a valid path is kept: the reasons of a failure depend on what a message brings, a valid path does not. It is
 * kept for the leaf's fingerprint, the anchors, the certificates beside it, the strength and the revocation asked for,
 * and holds from the time that was asked for until the first certificate of the chain runs out, an hour at most. That
 * nothing in it is revoked is kept with it, for as long as the sources said; what the CRLs of one message say is not.
 * Full, it begins anew.
 */
#include "cache.h"

#include <time.h>

#define ENTRIES_MAX 4096
#define LIFETIME 3600 /* seconds */
#define UNTRUSTED_MAX 8

struct entry {
    struct anchors *anchors; /* so that no others can have their address, by which they are known here */
    STACK_OF(X509) * chain;
    time_t from, until;     /* valid; both included */
    time_t unrevoked_until; /* nothing in it is revoked, also from `from` on; included */
    unsigned generation;    /* … by what was known then */
    const char *unchecked;  /* … as far as is known: why not further; NULL */
};

struct path_cache {
    GMutex lock;
    GHashTable *entries; /* text of key_new() → struct entry * */
};

static void entry_free(void *data)
{
    struct entry *entry = data;
    anchors_unref(entry->anchors);
    sk_X509_pop_free(entry->chain, X509_free);
    g_free(entry);
}

struct path_cache *path_cache_new(void)
{
    struct path_cache *cache = g_new0(struct path_cache, 1);
    g_mutex_init(&cache->lock);
    cache->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
    return cache;
}

void path_cache_free(struct path_cache *cache)
{
    if (cache == NULL)
        return;
    g_hash_table_destroy(cache->entries);
    g_mutex_clear(&cache->lock);
    g_free(cache);
}

void path_cache_clear(struct path_cache *cache)
{
    g_mutex_lock(&cache->lock);
    g_hash_table_remove_all(cache->entries);
    g_mutex_unlock(&cache->lock);
}

static bool append_fingerprint(GString *key, const X509 *certificate)
{
    char hex[65];
    certificate_fingerprint(certificate, hex);
    g_string_append(key, hex);
    return hex[0] != '\0';
}

/* NULL: not to be cached. */
static char *key_new(const struct path_query *query)
{
    int count = sk_X509_num(query->untrusted);
    if (count > UNTRUSTED_MAX)
        return NULL;
    g_autoptr(GString) key = g_string_new(NULL);
    g_string_printf(key, "%p %p %d ", (const void *)query->anchors, (const void *)query->revocation, query->strength);
    bool good = append_fingerprint(key, query->leaf);
    for (int i = 0; i < count && good; i++)
        good = append_fingerprint(key, sk_X509_value(query->untrusted, i));
    return good ? g_strdup(key->str) : NULL;
}

/* NULL: not known. With the lock held. */
static const struct entry *find(struct path_cache *cache, const char *key, const struct path_query *query)
{
    const struct entry *entry = g_hash_table_lookup(cache->entries, key);
    return entry != NULL && entry->from <= query->at && query->at <= entry->until ? entry : NULL;
}

bool path_cache_is_unrevoked(struct path_cache *cache, const struct path_query *query, unsigned generation,
                             const char **unchecked)
{
    g_autofree char *key = key_new(query);
    if (key == NULL)
        return false;
    g_mutex_lock(&cache->lock);
    const struct entry *entry = find(cache, key, query);
    bool unrevoked = entry != NULL && entry->generation == generation && query->at <= entry->unrevoked_until;
    if (unrevoked)
        *unchecked = entry->unchecked;
    g_mutex_unlock(&cache->lock);
    return unrevoked;
}

STACK_OF(X509) * path_cache_find(struct path_cache *cache, const struct path_query *query)
{
    g_autofree char *key = key_new(query);
    if (key == NULL)
        return NULL;
    g_mutex_lock(&cache->lock);
    const struct entry *entry = find(cache, key, query);
    STACK_OF(X509) *chain = entry != NULL ? X509_chain_up_ref(entry->chain) : NULL;
    g_mutex_unlock(&cache->lock);
    return chain;
}

void path_cache_add(struct path_cache *cache, const struct path_query *query, const STACK_OF(X509) * chain,
                    const struct revocation_result *known, unsigned generation)
{
    struct entry entry = {.from = query->at, .until = query->at + LIFETIME, .generation = generation};
    if (known != NULL) {
        entry.unrevoked_until = known->until;
        entry.unchecked = known->unchecked;
    }
    for (int i = 0; i < sk_X509_num(chain); i++)
        entry.until = MIN(entry.until, certificate_ends(sk_X509_value(chain, i)) - 1);
    char *key = key_new(query);
    entry.chain = key != NULL ? X509_chain_up_ref((STACK_OF(X509) *)chain) : NULL;
    if (entry.chain == NULL) {
        g_free(key);
        return;
    }
    entry.anchors = anchors_ref(query->anchors);
    g_mutex_lock(&cache->lock);
    if (g_hash_table_size(cache->entries) >= ENTRIES_MAX)
        g_hash_table_remove_all(cache->entries);
    g_hash_table_insert(cache->entries, key, g_memdup2(&entry, sizeof(entry)));
    g_mutex_unlock(&cache->lock);
}
