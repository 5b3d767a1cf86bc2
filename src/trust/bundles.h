/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundles: the trust bundles that a configuration fetches from web servers, in threads of their own, and keeps in the
 * store. A new one is taken whole, or not at all. Thread-safe.
 */
#ifndef DOMSEC_TRUST_BUNDLES_H
#define DOMSEC_TRUST_BUNDLES_H

#include "keys/keys.h"
#include "notices.h"

struct bundles;
/* One of them; the same for each partner that fetches it from the same place, and has the same signers. */
struct remote_bundle;

/* Takes a reference to conf. previous: in whose place it comes, NULL: none; it is needed while bundles are added.
 * notices has to outlive it. Nothing is fetched before bundles_renew() or bundles_wait(). */
struct bundles *bundles_new(const struct conf *conf, const struct bundles *previous, struct notices *notices);
void bundles_free(struct bundles *bundles);
/* Breaks off what is under way; nothing is fetched any more. */
void bundles_stop(struct bundles *bundles);
/* Calls changed() after a bundle has got other anchors, in the thread that fetched it. After all were added, and before
 * anything is fetched. */
void bundles_watch(struct bundles *bundles, void (*changed)(void *context), void *context);

/* Adds one that has a URL, with the anchors that the store has kept. Lent by bundles. NULL: its signers cannot be read.
 */
struct remote_bundle *bundles_add(struct bundles *bundles, const struct bundle_conf *conf, struct error *error);

/* A copy of what is in force, with references of its own; NULL: it has not come yet. */
STACK_OF(X509) * remote_bundle_anchors(struct remote_bundle *bundle);
bool remote_bundle_has_come(struct remote_bundle *bundle);
const char *remote_bundle_url(const struct remote_bundle *bundle); /* lent */

/* Starts to fetch what is due. */
void bundles_renew(struct bundles *bundles, time_t now);
/* Starts to fetch a bundle that has not come yet, unless that has just been tried, and waits until the deadline (of
 * g_get_monotonic_time()). False if it is still being fetched then. */
bool bundles_wait(struct bundles *bundles, struct remote_bundle *bundle, int64_t deadline);

/* Waits until each bundle that has not come yet was tried, at most until the deadline. */
void bundles_await(struct bundles *bundles, int64_t deadline);

/* The key under which the store keeps it; g_free(). */
char *bundle_key(const struct bundle_conf *conf);
/* Reads the certificates of its signers; an empty stack: it has none. NULL with the error. */
STACK_OF(X509) * bundle_signers(const struct bundle_conf *conf, struct error *error);

DECLARE_OWNED(bundles, struct bundles *, bundles_free)

#endif
