/* SPDX-License-Identifier: Apache-2.0 */
#include "cache.h"
struct path_cache {
    int unused;
};
struct path_cache *path_cache_new(void)
{
    return g_new0(struct path_cache, 1);
}
void path_cache_free(struct path_cache *cache)
{
    g_free(cache);
}
