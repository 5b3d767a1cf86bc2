/* SPDX-License-Identifier: Apache-2.0 */
/*
 * courier: an errand is one certificate. Its OCSP responders are asked first, because their answers are small and of
 * the hour; if none of them decides, the lists are fetched that it names, and then their deltas. A failure leaves the
 * reason, and what was known before.
 *
 * Another kind of errand is a certificate whose issuer is not at hand, and which may therefore be anyone's. Such
 * errands wait behind the others, have few threads at a time, and are soon forgotten.
 *
 * Threads come and go with the errands, up to a limit, so that a process that fetches nothing has none. An errand whose
 * message has given up waiting goes on: a large list that arrives later serves the next try.
 */
#include "courier.h"

#include "errand.h"
#include "points.h"

#include <openssl/crypto.h>
#include <string.h>

#define WORKERS_MAX 8
#define SEEKERS_MAX 4  /* of them, that fetch issuers */
#define SOUGHT_MAX 200 /* errands for issuers */
#define ERRANDS_MAX 20000
#define RETRY ((int64_t)30 * G_USEC_PER_SEC) /* after any end */
#define IN_USE_FOR ((time_t)7 * 86400)       /* what was not asked about for so long is not renewed */
#define TICK ((int64_t)15 * G_USEC_PER_SEC)

struct courier {
    struct conf *conf;
    struct kept *kept;
    struct fetcher *fetcher;
    GMutex lock;
    GCond changed;
    GHashTable *errands;  /* struct errand_key, in the errand → struct errand * */
    GQueue queue, sought; /* sought: the errands for issuers */
    unsigned workers, seekers, sought_count;
    bool stopped;
    GThread *keeper;
};

/* --- errands --- */

static void unref(void *errand)
{
    errand_unref(errand);
}

static guint key_hash(gconstpointer key)
{
    guint hash;
    memcpy(&hash, key, sizeof(hash));
    return hash;
}

static gboolean key_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(struct errand_key)) == 0;
}

static gboolean is_idle(gpointer key, gpointer value, gpointer data)
{
    const struct errand *errand = value;
    (void)key;
    return !errand->key.issuer && !errand->busy && errand->used < *(const time_t *)data;
}

static bool may_start(const struct errand *errand)
{
    return !errand->busy && g_get_monotonic_time() >= errand->next_try;
}

static gboolean is_past(gpointer key, gpointer value, gpointer data)
{
    (void)key;
    (void)data;
    return ((const struct errand *)value)->key.issuer && may_start(value);
}

/* With the lock held. */
static bool has_room(struct courier *courier, bool for_issuer)
{
    if (for_issuer) {
        if (courier->sought_count >= SOUGHT_MAX)
            courier->sought_count -= g_hash_table_foreach_remove(courier->errands, is_past, NULL);
        return courier->sought_count < SOUGHT_MAX;
    }
    time_t yesterday = time(NULL) - 86400;
    if (g_hash_table_size(courier->errands) >= ERRANDS_MAX)
        g_hash_table_foreach_remove(courier->errands, is_idle, &yesterday);
    return g_hash_table_size(courier->errands) < ERRANDS_MAX;
}

static struct errand *find_errand(struct courier *courier, const struct errand_order *order,
                                  const struct errand_key *key)
{
    g_mutex_lock(&courier->lock);
    struct errand *errand = g_hash_table_lookup(courier->errands, key);
    if (errand == NULL && has_room(courier, key->issuer)) {
        errand = errand_new(order, key);
        if (errand != NULL)
            g_hash_table_insert(courier->errands, &errand->key, errand);
        courier->sought_count += errand != NULL && key->issuer;
    } else if (errand != NULL && key->issuer && !errand->busy && !may_start(errand)) {
        errand = NULL; /* it has just been tried */
    }
    if (errand != NULL) {
        errand->used = time(NULL);
        errand_ref(errand);
    }
    g_mutex_unlock(&courier->lock);
    return errand;
}

struct errand *courier_errand(struct courier *courier, const struct errand_order *order)
{
    struct errand_key key = {.fetch = order->conf->fetch, .ocsp = order->conf->ocsp, .nonce = order->conf->ocsp_nonce};
    if ((!key.fetch && !key.ocsp) || !points_are_named(order->certificate) ||
        !kept_key(order->certificate, order->issuer, &key.certificate))
        return NULL;
    return find_errand(courier, order, &key);
}

struct errand *courier_issuer_errand(struct courier *courier, X509 *certificate)
{
    struct errand_key key = {.issuer = 1};
    const struct errand_order order = {.certificate = certificate};
    return kept_orphan_key(certificate, &key.certificate) ? find_errand(courier, &order, &key) : NULL;
}

/* --- the work --- */

/* With the lock held. NULL: there is nothing to do. */
static struct errand *next_errand(struct courier *courier)
{
    struct errand *errand = g_queue_pop_head(&courier->queue);
    if (errand != NULL || courier->seekers >= SEEKERS_MAX)
        return errand;
    errand = g_queue_pop_head(&courier->sought);
    courier->seekers += errand != NULL;
    return errand;
}

/* With the lock held. */
static void finish(struct courier *courier, struct errand *errand, time_t due)
{
    errand->busy = false;
    errand->due = due != 0 ? due : time(NULL);
    errand->next_try = g_get_monotonic_time() + RETRY;
    courier->seekers -= errand->key.issuer;
    g_cond_broadcast(&courier->changed);
    errand_unref(errand);
}

static gpointer work(gpointer data)
{
    struct courier *courier = data;
    struct errand *errand;
    g_mutex_lock(&courier->lock);
    while ((errand = next_errand(courier)) != NULL) {
        bool stopped = courier->stopped;
        g_mutex_unlock(&courier->lock);
        time_t due = stopped ? 0 : errand_run(errand, &(struct errand_means){courier->fetcher, courier->kept});
        g_mutex_lock(&courier->lock);
        finish(courier, errand, due);
    }
    OPENSSL_thread_stop(); /* or it would clean up behind this thread, when exit() may be doing so */
    courier->workers--;
    g_cond_broadcast(&courier->changed);
    g_mutex_unlock(&courier->lock);
    return NULL;
}

/* With the lock held. urgent: a message waits. */
static bool start(struct courier *courier, struct errand *errand, bool urgent)
{
    if (courier->stopped || !may_start(errand))
        return false;
    if (courier->workers < WORKERS_MAX) {
        GThread *thread = g_thread_try_new("fetch", work, courier, NULL);
        courier->workers += thread != NULL;
        if (thread != NULL)
            g_thread_unref(thread);
    }
    if (courier->workers == 0) /* no thread can be had now */
        return false;
    errand->busy = true;
    if (errand->key.issuer)
        g_queue_push_tail(&courier->sought, errand_ref(errand));
    else if (urgent)
        g_queue_push_head(&courier->queue, errand_ref(errand));
    else
        g_queue_push_tail(&courier->queue, errand_ref(errand));
    return true;
}

static bool are_done(struct errand *const *errands, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (errands[i]->busy)
            return false;
    return true;
}

bool courier_run(struct courier *courier, struct errand *const *errands, size_t count, int64_t deadline)
{
    g_mutex_lock(&courier->lock);
    for (size_t i = 0; i < count; i++)
        start(courier, errands[i], true);
    while (!are_done(errands, count) && !courier->stopped)
        if (!g_cond_wait_until(&courier->changed, &courier->lock, deadline))
            break;
    bool done = are_done(errands, count);
    g_mutex_unlock(&courier->lock);
    return done;
}

/* --- ahead of the mail --- */

/* With the lock held. */
static unsigned renew(struct courier *courier, time_t now)
{
    GHashTableIter each;
    gpointer value;
    unsigned started = 0;
    g_hash_table_iter_init(&each, courier->errands);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        struct errand *errand = value;
        if (!errand->key.issuer && errand->due <= now && errand->used > now - IN_USE_FOR)
            started += start(courier, errand, false);
    }
    return started;
}

unsigned courier_renew(struct courier *courier, time_t now)
{
    g_mutex_lock(&courier->lock);
    unsigned started = renew(courier, now);
    g_mutex_unlock(&courier->lock);
    return started;
}

static gpointer keep(gpointer data)
{
    struct courier *courier = data;
    g_mutex_lock(&courier->lock);
    while (!courier->stopped) {
        renew(courier, time(NULL));
        kept_measure(courier->kept, time(NULL));
        int64_t next = g_get_monotonic_time() + TICK;
        while (!courier->stopped && g_cond_wait_until(&courier->changed, &courier->lock, next))
            ;
    }
    g_mutex_unlock(&courier->lock);
    return NULL;
}

void courier_keep_fresh(struct courier *courier)
{
    if (courier->keeper == NULL)
        courier->keeper = g_thread_try_new("renew", keep, courier, NULL);
}

void courier_settle(struct courier *courier)
{
    g_mutex_lock(&courier->lock);
    while (courier->workers > 0)
        g_cond_wait(&courier->changed, &courier->lock);
    g_mutex_unlock(&courier->lock);
}

/* --- its life --- */

struct courier *courier_new(const struct conf *conf, struct kept *kept, struct notices *notices)
{
    struct courier *courier = g_new0(struct courier, 1);
    courier->conf = conf_ref((struct conf *)conf);
    courier->kept = kept;
    courier->fetcher = fetcher_new(conf, kept, notices);
    g_mutex_init(&courier->lock);
    g_cond_init(&courier->changed);
    g_queue_init(&courier->queue);
    g_queue_init(&courier->sought);
    courier->errands = g_hash_table_new_full(key_hash, key_equal, NULL, unref);
    return courier;
}

void courier_stop(struct courier *courier)
{
    fetcher_stop(courier->fetcher);
    g_mutex_lock(&courier->lock);
    courier->stopped = true;
    g_cond_broadcast(&courier->changed);
    g_mutex_unlock(&courier->lock);
    courier_settle(courier);
    if (courier->keeper != NULL)
        g_thread_join(courier->keeper);
    courier->keeper = NULL;
}

void courier_free(struct courier *courier)
{
    if (courier == NULL)
        return;
    courier_stop(courier);
    g_hash_table_destroy(courier->errands);
    fetcher_free(courier->fetcher);
    conf_unref(courier->conf);
    g_cond_clear(&courier->changed);
    g_mutex_clear(&courier->lock);
    g_free(courier);
}
