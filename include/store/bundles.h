/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundles: trust bundles as they were fetched, so that a restart has them at once.
 */
#ifndef DOMSEC_STORE_BUNDLES_H
#define DOMSEC_STORE_BUNDLES_H

#include "store/store.h"

struct store_bundle {
    char *contents; /* as they came; NULL: none came yet */
    size_t length;
    int64_t fetched; /* the last success; 0: none */
    int64_t failed;  /* the last failure; 0: none */
    char *fault;     /* why; NULL: it never failed */
};
/* scope: from where it came and whose it is. bundle: zeroed; clear it after FOUND. */
enum found store_bundle_find(struct store *store, const char *scope, struct store_bundle *bundle, struct error *error);
/* Puts contents in the place of those before. */
bool store_bundle_put(struct store *store, const char *scope, struct slice contents, int64_t fetched,
                      struct error *error);
/* Notes that it could not be fetched, or was not taken. */
bool store_bundle_fail(struct store *store, const char *scope, int64_t failed, const char *fault, struct error *error);
void store_bundle_clear(struct store_bundle *bundle);

static inline __attribute__((unused)) void cleanup_store_bundle(struct store_bundle *bundle)
{
    store_bundle_clear(bundle);
}

#endif
