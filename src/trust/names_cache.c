/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names_cache: each message of a correspondent brings the same certificate, whose names need not be decoded again. What
 * a message costs of its work_limit does not depend on this: the price is that of a certificate that is not known.
 *
 * Kept by the fingerprint. Full, it begins anew.
 */
#include "names_cache.h"

#include "base/memory.h"

#define OCTETS_MAX ((size_t)8 * 1024 * 1024)

struct names_cache {
    GMutex lock;
    GHashTable *entries; /* fingerprint → struct certificate_names * */
    size_t octets;
};

static void unref(void *names)
{
    certificate_names_unref(names);
}

struct names_cache *names_cache_new(void)
{
    struct names_cache *cache = g_new0(struct names_cache, 1);
    g_mutex_init(&cache->lock);
    cache->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref);
    return cache;
}

void names_cache_free(struct names_cache *cache)
{
    if (cache == NULL)
        return;
    g_hash_table_destroy(cache->entries);
    g_mutex_clear(&cache->lock);
    g_free(cache);
}

/* With the lock held. */
static void keep(struct names_cache *cache, const char *sha256, struct certificate_names *names)
{
    if (names->octets > OCTETS_MAX / 8 || g_hash_table_contains(cache->entries, sha256))
        return;
    if (cache->octets + names->octets > OCTETS_MAX) {
        g_hash_table_remove_all(cache->entries);
        cache->octets = 0;
    }
    cache->octets += names->octets;
    g_hash_table_insert(cache->entries, g_strdup(sha256), certificate_names_ref(names));
}

struct certificate_names *names_cache_get(struct names_cache *cache, const X509 *certificate)
{
    char sha256[65];
    certificate_fingerprint(certificate, sha256);
    g_mutex_lock(&cache->lock);
    struct certificate_names *names = sha256[0] != '\0' ? g_hash_table_lookup(cache->entries, sha256) : NULL;
    if (names != NULL)
        certificate_names_ref(names);
    g_mutex_unlock(&cache->lock);
    if (names != NULL)
        return names;
    unsigned failures = memory_failures();
    names = certificate_names_new(certificate);
    if (sha256[0] == '\0' || memory_failures() != failures) /* what lacks memory is not kept */
        return names;
    g_mutex_lock(&cache->lock);
    keep(cache, sha256, names);
    g_mutex_unlock(&cache->lock);
    return names;
}
