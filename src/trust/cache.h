/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache: paths that were found valid, for the same certificate comes with every message of a partner.
 */
#ifndef DOMSEC_TRUST_CACHE_H
#define DOMSEC_TRUST_CACHE_H

#include "store.h"

struct path_cache *path_cache_new(void);
void path_cache_free(struct path_cache *cache);

#endif
