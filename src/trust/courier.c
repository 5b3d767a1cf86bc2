/* SPDX-License-Identifier: Apache-2.0 */
/*
 * courier: an errand is one certificate. Its OCSP responders are asked first, because their answers are small and of
 * the hour; if none of them decides, the lists are fetched that it names, and then their deltas. A failure leaves the
 * reason, and what was known before.
 *
 * Threads come and go with the errands, up to a limit, so that a process that fetches nothing has none. An errand whose
 * message has given up waiting goes on: a large list that arrives later serves the next try.
 */
#include "courier.h"

#include "fetch.h"
#include "points.h"
#include "unknown.h"

#include <string.h>

#define WORKERS_MAX 8
#define ERRANDS_MAX 20000
#define OTHERS_MAX 16
#define RETRY ((int64_t)30 * G_USEC_PER_SEC) /* after any end */
#define IN_USE_FOR ((time_t)7 * 86400)       /* what nobody has asked about for so long is not renewed */
#define TICK ((int64_t)15 * G_USEC_PER_SEC)

struct errand_key {
    struct kept_key certificate;
    unsigned char fetch, ocsp, nonce;
};

struct errand {
    int references;
    struct errand_key key;
    X509 *certificate;
    STACK_OF(X509) * signers; /* the issuer, then others */
    /* under the courier's lock */
    bool busy; /* queued or under way */
    int64_t next_try;
    time_t due, used; /* used: last asked about */
};

struct courier {
    struct conf *conf;
    struct kept *kept;
    struct fetcher *fetcher;
    GMutex lock;
    GCond changed;
    GHashTable *errands; /* struct errand_key, in the errand → struct errand * */
    GQueue queue;
    unsigned workers;
    bool stopped;
    GThread *keeper;
};

/* --- errands --- */

void errand_unref(struct errand *errand)
{
    if (errand == NULL || !g_atomic_int_dec_and_test(&errand->references))
        return;
    X509_free(errand->certificate);
    sk_X509_pop_free(errand->signers, X509_free);
    g_free(errand);
}

static struct errand *errand_ref(struct errand *errand)
{
    g_atomic_int_inc(&errand->references);
    return errand;
}

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

/* Who may sign lists, but is no authority of the path (RFC 5280 §6.3.3 (f)). */
static bool add_signers(STACK_OF(X509) * signers, const struct errand_order *order)
{
    if (!X509_add_cert(signers, order->issuer, X509_ADD_FLAG_UP_REF))
        return false;
    for (int i = 0; i < sk_X509_num(order->others) && sk_X509_num(signers) < OTHERS_MAX; i++) {
        X509 *other = sk_X509_value(order->others, i);
        if ((X509_get_key_usage(other) & X509v3_KU_CRL_SIGN) != 0 &&
            !X509_add_cert(signers, other, X509_ADD_FLAG_UP_REF | X509_ADD_FLAG_NO_DUP))
            return false;
    }
    return true;
}

static struct errand *errand_new(const struct errand_order *order, const struct errand_key *key)
{
    owned(errand) struct errand *errand = g_new0(struct errand, 1);
    errand->references = 1;
    errand->key = *key;
    errand->certificate = X509_up_ref(order->certificate) ? order->certificate : NULL;
    errand->signers = sk_X509_new_null();
    errand->due = order->known_until != 0 ? fetch_due(time(NULL), order->known_until) : 0;
    return errand->certificate != NULL && errand->signers != NULL && add_signers(errand->signers, order)
               ? steal(&errand)
               : NULL;
}

static gboolean is_idle(gpointer key, gpointer value, gpointer data)
{
    const struct errand *errand = value;
    (void)key;
    return !errand->busy && errand->used < *(const time_t *)data;
}

/* With the lock held. */
static bool has_room(struct courier *courier)
{
    time_t yesterday = time(NULL) - 86400;
    if (g_hash_table_size(courier->errands) >= ERRANDS_MAX)
        g_hash_table_foreach_remove(courier->errands, is_idle, &yesterday);
    return g_hash_table_size(courier->errands) < ERRANDS_MAX;
}

struct errand *courier_errand(struct courier *courier, const struct errand_order *order)
{
    struct errand_key key = {.fetch = order->conf->fetch, .ocsp = order->conf->ocsp, .nonce = order->conf->ocsp_nonce};
    if ((!key.fetch && !key.ocsp) || !points_are_named(order->certificate) ||
        !kept_key(order->certificate, order->issuer, &key.certificate))
        return NULL;
    g_mutex_lock(&courier->lock);
    struct errand *errand = g_hash_table_lookup(courier->errands, &key);
    if (errand == NULL && has_room(courier)) {
        errand = errand_new(order, &key);
        if (errand != NULL)
            g_hash_table_insert(courier->errands, &errand->key, errand);
    }
    if (errand != NULL) {
        errand->used = time(NULL);
        errand_ref(errand);
    }
    g_mutex_unlock(&courier->lock);
    return errand;
}

/* --- the work --- */

static void note_due(time_t due, time_t *first)
{
    if (due != 0 && (*first == 0 || due < *first))
        *first = due;
}

/* Any address of a point will do. NULL: one did. */
static const char *fetch_point(struct courier *courier, const struct errand *errand, const char *addresses,
                               time_t *first)
{
    const char *fault = UNKNOWN_NO_URL;
    g_auto(GStrv) urls = g_strsplit(addresses, " ", -1);
    for (char **url = urls; *url != NULL; url++) {
        time_t due = 0;
        fault = fetch_list(courier->fetcher, *url, errand->signers, &due);
        if (fault == NULL) {
            note_due(due, first);
            return NULL;
        }
    }
    return fault;
}

/* NULL: all of them came, and there was one at least. */
static const char *fetch_points(struct courier *courier, const struct errand *errand, char *const *points,
                                time_t *first)
{
    const char *fault = points[0] == NULL ? UNKNOWN_NO_URL : NULL;
    for (; *points != NULL; points++) {
        const char *failed = fetch_point(courier, errand, *points, first);
        fault = fault == NULL ? failed : fault;
    }
    return fault;
}

/* Without them the full lists still count. */
static void fetch_deltas(struct courier *courier, const struct errand *errand, time_t *first)
{
    g_auto(GStrv) named = points_of_deltas(errand->certificate);
    (void)fetch_points(courier, errand, named, first);
    g_autoptr(GPtrArray) lists = kept_lists(courier->kept, X509_get_issuer_name(errand->certificate));
    for (guint i = 0; i < lists->len; i++) {
        g_auto(GStrv) points = points_of_deltas_in(crl_table_hollow(g_ptr_array_index(lists, i)));
        (void)fetch_points(courier, errand, points, first);
    }
}

static const char *ask_responders(struct courier *courier, const struct errand *errand, time_t *first)
{
    const char *fault = UNKNOWN_NO_URL;
    const struct fetch_question question = {.certificate = errand->certificate,
                                            .issuer = sk_X509_value(errand->signers, 0),
                                            .key = &errand->key.certificate,
                                            .has_nonce = errand->key.nonce};
    g_auto(GStrv) responders = points_of_responders(errand->certificate);
    for (char **url = responders; *url != NULL && fault != NULL; url++) {
        time_t due = 0;
        fault = fetch_answer(courier->fetcher, *url, &question, &due);
        if (fault == NULL)
            note_due(due, first);
    }
    return fault;
}

static time_t run(struct courier *courier, const struct errand *errand)
{
    time_t first = 0;
    const char *fault = errand->key.ocsp ? ask_responders(courier, errand, &first) : UNKNOWN_NO_URL;
    if (fault != NULL && errand->key.fetch) {
        g_auto(GStrv) points = points_of_lists(errand->certificate);
        const char *of_lists = fetch_points(courier, errand, points, &first);
        fault = of_lists == NULL || strcmp(fault, UNKNOWN_NO_URL) == 0 ? of_lists : fault;
        if (of_lists == NULL)
            fetch_deltas(courier, errand, &first);
    }
    kept_set_fault(courier->kept, &errand->key.certificate, fault);
    return first;
}

static gpointer work(gpointer data)
{
    struct courier *courier = data;
    struct errand *errand;
    g_mutex_lock(&courier->lock);
    while ((errand = g_queue_pop_head(&courier->queue)) != NULL) {
        bool stopped = courier->stopped;
        g_mutex_unlock(&courier->lock);
        time_t due = stopped ? 0 : run(courier, errand);
        g_mutex_lock(&courier->lock);
        errand->busy = false;
        errand->due = due != 0 ? due : time(NULL);
        errand->next_try = g_get_monotonic_time() + RETRY;
        g_cond_broadcast(&courier->changed);
        errand_unref(errand);
    }
    courier->workers--;
    g_cond_broadcast(&courier->changed);
    g_mutex_unlock(&courier->lock);
    return NULL;
}

/* With the lock held. urgent: a message waits. */
static bool start(struct courier *courier, struct errand *errand, bool urgent)
{
    if (courier->stopped || errand->busy || g_get_monotonic_time() < errand->next_try)
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
    if (urgent)
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
        if (errand->due <= now && errand->used > now - IN_USE_FOR)
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

struct courier *courier_new(const struct conf *conf, struct kept *kept)
{
    struct courier *courier = g_new0(struct courier, 1);
    courier->conf = conf_ref((struct conf *)conf);
    courier->kept = kept;
    courier->fetcher = fetcher_new(conf, kept);
    g_mutex_init(&courier->lock);
    g_cond_init(&courier->changed);
    g_queue_init(&courier->queue);
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
