/* SPDX-License-Identifier: Apache-2.0 */
#include "own_checks.h"

#include <glib.h>

#define STANDS_FOR 60 /* seconds */

struct own_checks {
    GMutex lock;
    GHashTable *known; /* name → struct own_check * */
};

struct own_checks *own_checks_new(void)
{
    struct own_checks *own = g_new0(struct own_checks, 1);
    g_mutex_init(&own->lock);
    own->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return own;
}

void own_checks_free(struct own_checks *own)
{
    g_hash_table_destroy(own->known);
    g_mutex_clear(&own->lock);
    g_free(own);
}

bool own_checks_find(struct own_checks *own, const char *name, unsigned generation, time_t at, bool *revoked)
{
    g_mutex_lock(&own->lock);
    const struct own_check *check = g_hash_table_lookup(own->known, name);
    bool stands =
        check != NULL && check->generation == generation && at >= check->from && at < check->from + STANDS_FOR;
    if (stands)
        *revoked = check->revoked;
    g_mutex_unlock(&own->lock);
    return stands;
}

void own_checks_put(struct own_checks *own, const char *name, const struct own_check *check)
{
    g_mutex_lock(&own->lock);
    g_hash_table_insert(own->known, g_strdup(name), g_memdup2(check, sizeof(*check)));
    g_mutex_unlock(&own->lock);
}
