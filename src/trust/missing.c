/* SPDX-License-Identifier: Apache-2.0 */
#include "missing.h"

#include "bundles.h"
#include "courier.h"
#include "points.h"
#include "unknown.h"

#include <string.h>

struct missing {
    GPtrArray *errands;
    GPtrArray *bundles; /* struct remote_bundle *, lent by trust */
    bool is_for_issuers;
};

static void unref(void *errand)
{
    errand_unref(errand);
}

void missing_free(struct missing *missing)
{
    if (missing == NULL)
        return;
    g_ptr_array_free(missing->errands, TRUE);
    g_ptr_array_free(missing->bundles, TRUE);
    g_free(missing);
}

static struct missing *made(struct missing **missing)
{
    if (*missing == NULL) {
        *missing = g_new0(struct missing, 1);
        (*missing)->errands = g_ptr_array_new_with_free_func(unref);
        (*missing)->bundles = g_ptr_array_new();
    }
    return *missing;
}

static void add_bundle(void *context, struct remote_bundle *bundle)
{
    g_ptr_array_add(made(context)->bundles, bundle);
}

void missing_note_bundles(const struct trust *trust, const struct partner *partner, struct missing **missing)
{
    if (missing != NULL)
        scope_each_unfetched(trust_scope(trust, partner), add_bundle, missing);
}

bool missing_note(const struct trust *trust, const struct revocation_query *query,
                  const struct revocation_result *result, const struct revocation_conf *conf, struct missing **missing)
{
    bool is_some = false;
    bool is_by_sender = query->embedded != NULL || sk_X509_CRL_num(query->received) > 0;
    if (conf->check == REVOCATION_CHECK_OFF || (!conf->fetch && !conf->ocsp))
        return false;
    for (int i = 0; i < MIN(result->below_anchor, 64); i++) {
        X509 *certificate = sk_X509_value(query->chain, i);
        bool is_unknown = (result->unknown >> i & 1) != 0;
        if (!points_are_named(certificate))
            continue;
        is_some = is_some || is_unknown;
        const struct errand_order order = {.certificate = certificate,
                                           .issuer = sk_X509_value(query->chain, i + 1),
                                           .others = query->untrusted,
                                           .conf = conf,
                                           .known_until = is_unknown || is_by_sender ? 0 : result->until};
        owned(errand) struct errand *errand = missing != NULL ? courier_errand(trust->courier, &order) : NULL;
        if (errand != NULL && is_unknown)
            g_ptr_array_add(made(missing)->errands, steal(&errand));
    }
    return is_some;
}

/* All bundles are under way before the first is waited for. */
static bool fetch_bundles(const struct trust *trust, const GPtrArray *list, int64_t deadline)
{
    bool done = true;
    for (guint i = 0; i < list->len; i++)
        (void)bundles_wait(trust->bundles, g_ptr_array_index(list, i), 0);
    for (guint i = 0; i < list->len; i++)
        done = bundles_wait(trust->bundles, g_ptr_array_index(list, i), deadline) && done;
    return done;
}

#define ORPHANS_MAX 4 /* of one path */

static bool is_for_now(const char *fault)
{
    return strcmp(fault, UNKNOWN_ISSUER_UNFETCHED) == 0 || strcmp(fault, UNKNOWN_ISSUER_LATE) == 0 ||
           strcmp(fault, UNKNOWN_ISSUER_NOT_YET) == 0;
}

/* A message may have it fetched while it has not had too many. */
static void seek(const struct trust *trust, const struct chain_query *query, X509 *orphan)
{
    if (query->missing == NULL || query->issuers == NULL || *query->issuers == 0)
        return;
    struct errand *errand = courier_issuer_errand(trust->courier, orphan);
    if (errand == NULL)
        return;
    --*query->issuers;
    struct missing *missing = made(query->missing);
    g_ptr_array_add(missing->errands, errand);
    missing->is_for_issuers = true;
}

const char *missing_note_issuers(const struct trust *trust, const STACK_OF(X509) * orphans,
                                 const struct chain_query *query, X509 **orphan, bool *for_now)
{
    const char *reason = NULL;
    *for_now = false;
    for (int i = 0; trust->fetches_issuers && i < MIN(sk_X509_num(orphans), ORPHANS_MAX); i++) {
        struct kept_key key;
        X509 *each = sk_X509_value(orphans, i);
        g_auto(GStrv) urls = points_of_issuers(each);
        if (urls[0] == NULL || !kept_orphan_key(each, &key))
            continue;
        const char *fault = kept_fault(trust->kept, &key);
        if (fault == NULL)
            fault = UNKNOWN_ISSUER_NOT_YET;
        if (reason == NULL || (is_for_now(fault) && !*for_now)) {
            reason = fault;
            *orphan = each;
        }
        *for_now = *for_now || is_for_now(fault);
        seek(trust, query, each);
    }
    return reason;
}

bool trust_missing_issuers(const struct missing *missing)
{
    return missing != NULL && missing->is_for_issuers;
}

bool trust_fetch(const struct trust *trust, const struct missing *missing, int64_t deadline)
{
    if (missing == NULL)
        return true;
    bool done = fetch_bundles(trust, missing->bundles, deadline);
    return courier_run(trust->courier, (struct errand *const *)missing->errands->pdata, missing->errands->len,
                       deadline) &&
           done;
}

void trust_renew_bundles(const struct trust *trust, time_t now)
{
    bundles_renew(trust->bundles, now);
}

void trust_await_bundles(const struct trust *trust, int64_t deadline)
{
    bundles_await(trust->bundles, deadline);
}

char *trust_next_notice(const struct trust *trust, enum log_level *level)
{
    return notices_take(trust->notices, level);
}

void trust_keep_fresh(const struct trust *trust)
{
    courier_keep_fresh(trust->courier);
}

void trust_stop_fetching(const struct trust *trust)
{
    courier_stop(trust->courier);
    bundles_stop(trust->bundles);
}
