/* SPDX-License-Identifier: Apache-2.0 */
#include "missing.h"

#include "courier.h"
#include "points.h"

struct missing {
    GPtrArray *errands;
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
    g_free(missing);
}

static void add(struct missing **missing, struct errand *errand)
{
    if (*missing == NULL) {
        *missing = g_new0(struct missing, 1);
        (*missing)->errands = g_ptr_array_new_with_free_func(unref);
    }
    g_ptr_array_add((*missing)->errands, errand);
}

bool missing_note(const struct trust *trust, const struct revocation_query *query,
                  const struct revocation_result *result, const struct revocation_conf *conf, struct missing **missing)
{
    bool is_some = false;
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
                                           .known_until = is_unknown ? 0 : result->until};
        owned(errand) struct errand *errand = missing != NULL ? courier_errand(trust->courier, &order) : NULL;
        if (errand != NULL && is_unknown)
            add(missing, steal(&errand));
    }
    return is_some;
}

bool trust_fetch(const struct trust *trust, const struct missing *missing, int64_t deadline)
{
    return missing == NULL || courier_run(trust->courier, (struct errand *const *)missing->errands->pdata,
                                          missing->errands->len, deadline);
}

void trust_keep_fresh(const struct trust *trust)
{
    courier_keep_fresh(trust->courier);
}

void trust_stop_fetching(const struct trust *trust)
{
    courier_stop(trust->courier);
}
