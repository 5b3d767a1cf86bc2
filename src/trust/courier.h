/* SPDX-License-Identifier: Apache-2.0 */
/*
 * courier: fetches lists and asks OCSP responders, in threads of its own, and puts what comes into `kept`. Who needs an
 * answer waits for it, or goes on without. Thread-safe.
 */
#ifndef DOMSEC_TRUST_COURIER_H
#define DOMSEC_TRUST_COURIER_H

#include "kept.h"
#include "notices.h"

struct courier;

/* Takes a reference to conf. The others have to outlive it. No thread is started before there is something to do. */
struct courier *courier_new(const struct conf *conf, struct kept *kept, struct notices *notices);
/* Breaks off what is under way. */
void courier_free(struct courier *courier);
/* The same, and no thread is left; nothing is fetched any more. */
void courier_stop(struct courier *courier);

/* One certificate about which something is to be fetched. */
struct errand;
struct errand_order {
    X509 *certificate, *issuer;
    STACK_OF(X509) * others; /* other certificates at hand: one of them may have signed a list; may be NULL */
    const struct revocation_conf *conf;
    time_t known_until; /* until then what is known of it holds, and it is not due at once; 0: nothing is known */
};
/* The errand for it, with a reference. The certificate stands in a path to an anchor. NULL: it names nothing to be
 * asked, conf asks for nothing, or there are too many. */
struct errand *courier_errand(struct courier *courier, const struct errand_order *order);
/* The errand for the issuer of a certificate that is not known to lead to an anchor. NULL: it has just been
 * tried, or there are too many. */
struct errand *courier_issuer_errand(struct courier *courier, X509 *certificate);
void errand_unref(struct errand *errand);

/* Starts the errands that are not under way, and waits until all are done, or the deadline (of g_get_monotonic_time())
 * passes. What has just been tried is not tried again. What is under way at the deadline goes on. Returns
 * false then. */
bool courier_run(struct courier *courier, struct errand *const *errands, size_t count, int64_t deadline);

/* From now on everything that is in use is fetched anew before it runs out. */
void courier_keep_fresh(struct courier *courier);
/* Starts what is due at that time; courier_keep_fresh() does it. Returns how many errands it started. */
unsigned courier_renew(struct courier *courier, time_t now);
/* Waits until nothing is under way; for tests. */
void courier_settle(struct courier *courier);

DECLARE_OWNED(courier, struct courier *, courier_free)
DECLARE_OWNED(errand, struct errand *, errand_unref)

#endif
