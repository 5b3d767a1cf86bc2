/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names_cache: the names of certificates that were asked for lately. Thread-safe.
 */
#ifndef DOMSEC_TRUST_NAMES_CACHE_H
#define DOMSEC_TRUST_NAMES_CACHE_H

#include "keys/names.h"

struct names_cache;

struct names_cache *names_cache_new(void);
void names_cache_free(struct names_cache *cache);
/* certificate_names_unref() */
struct certificate_names *names_cache_get(struct names_cache *cache, const X509 *certificate);

#endif
