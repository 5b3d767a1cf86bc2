/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flights: a question on its way to a source is a flight. A message that has the same question while it is under way
 * waits for the same flight. The time that a flight has does not depend on who asked first, so its failure is one for
 * all that wait.
 *
 * A flight has a thread, because no library's call can be ended from outside: a message leaves at its deadline,
 * whatever its source does. The questions of one message are shared out by domain, so that a domain that hangs does not
 * keep the others waiting. Strangers can make us look up signers of any domain, so there is a rate for those.
 */
#include "flights.h"

#include "base/breaker.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "rate.h"

#include <openssl/crypto.h>
#include <string.h>

#define JOBS_MOST 512       /* threads at a time */
#define JOBS_OF_ONE_MOST 64 /* for one batch and source */
#define BREAKERS_MOST 10000
#define LAST_WORD (G_USEC_PER_SEC / 10)
#define SIGNERS_AT_ONCE 60 /* lookups for the policies of one partner */
#define SIGNERS_A_SECOND 1

struct flights {
    GMutex lock;
    GCond idle;
    struct cache *cache;
    GHashTable *under_way; /* key → struct flight * */
    GHashTable *breakers;  /* "source domain" → struct breaker *, of those that did not answer */
    struct rate *signers;
    int64_t limit;
    unsigned jobs;
};

struct flight {
    int references;
    char *key, *place; /* of the cache, and of the breakers */
    struct certs_query query;
    struct address address;
    struct certs_reply *reply; /* NULL: under way */
    GPtrArray *waiters;        /* struct waiter *, on the stacks of those that wait */
};

struct waiter {
    GCond landed;
    size_t open; /* flights that it waits for */
};

/* What one thread asks. */
struct job {
    struct flights *flights;
    const struct certs_opened *opened;
    GPtrArray *list; /* struct flight *, by domain */
};

static void flight_unref(void *data)
{
    struct flight *flight = data;
    if (flight == NULL || !g_atomic_int_dec_and_test(&flight->references))
        return;
    g_free(flight->key);
    g_free(flight->place);
    address_clear(&flight->address);
    if (flight->reply != NULL)
        reply_unref(flight->reply);
    g_ptr_array_unref(flight->waiters);
    g_free(flight);
}

static struct flight *flight_ref(struct flight *flight)
{
    g_atomic_int_inc(&flight->references);
    return flight;
}

struct flights *flights_new(struct cache *cache, int64_t limit)
{
    struct flights *flights = g_new0(struct flights, 1);
    g_mutex_init(&flights->lock);
    g_cond_init(&flights->idle);
    flights->cache = cache;
    flights->under_way = g_hash_table_new(g_str_hash, g_str_equal);
    flights->breakers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)breaker_free);
    flights->signers = rate_new(SIGNERS_AT_ONCE, SIGNERS_A_SECOND);
    flights->limit = limit;
    return flights;
}

void flights_free(struct flights *flights)
{
    if (flights == NULL)
        return;
    g_mutex_lock(&flights->lock);
    while (flights->jobs > 0)
        g_cond_wait(&flights->idle, &flights->lock);
    g_mutex_unlock(&flights->lock);
    g_hash_table_destroy(flights->under_way);
    g_hash_table_destroy(flights->breakers);
    rate_free(flights->signers);
    g_cond_clear(&flights->idle);
    g_mutex_clear(&flights->lock);
    g_free(flights);
}

/* An answer that no source gave. */
static struct certs_reply *refused(const struct certs_source *source, const struct certs_query *query,
                                   const struct error *error)
{
    struct certs_question question = {query, reply_new(source)};
    certs_question_failed(&question, true, error);
    reply_complete(&question, g_get_monotonic_time());
    reply_sign(question.reply);
    return question.reply;
}

/* --- in the thread of a flight; under the lock --- */

static void count_break(const char *source, const char *state)
{
    g_autofree char *labels = g_strdup_printf("source=\"%s\",state=\"%s\"", source, state);
    metrics_add("domsec_lookup_breaks_total", labels, 1);
}

/* What was said of a domain within the time counts for its breaker; a quick failure says nothing of the next one. */
static void tell_breaker(struct flights *flights, const struct flight *flight, bool timed_out, int64_t now)
{
    struct breaker *breaker = g_hash_table_lookup(flights->breakers, flight->place);
    const char *source = flight->reply->source->name;
    if (!reply_has_failed(flight->reply)) {
        if (breaker != NULL && breaker_answered(breaker))
            count_break(source, "closed");
        g_hash_table_remove(flights->breakers, flight->place);
        return;
    }
    if (!timed_out)
        return;
    if (breaker == NULL) {
        if (g_hash_table_size(flights->breakers) >= BREAKERS_MOST)
            g_hash_table_remove_all(flights->breakers);
        breaker = breaker_new(flight->place);
        g_hash_table_insert(flights->breakers, g_strdup(flight->place), breaker);
    }
    if (breaker_failed(breaker, now))
        count_break(source, "open");
}

static void land(struct flights *flights, struct flight *flight)
{
    g_hash_table_remove(flights->under_way, flight->key);
    for (guint i = 0; i < flight->waiters->len; i++) {
        struct waiter *waiter = g_ptr_array_index(flight->waiters, i);
        if (--waiter->open == 0)
            g_cond_signal(&waiter->landed);
    }
}

/* Takes the replies to those flights of one domain. */
static void land_domain(struct job *job, guint from, guint to, struct certs_reply *const *replies, bool timed_out)
{
    struct flights *flights = job->flights;
    int64_t now = g_get_monotonic_time();
    g_mutex_lock(&flights->lock);
    for (guint i = from; i < to; i++) {
        struct flight *flight = g_ptr_array_index(job->list, i);
        flight->reply = replies[i - from];
        cache_put(flights->cache, flight->key, flight->reply, 0, now);
        if (i == from) /* a batch counts once */
            tell_breaker(flights, flight, timed_out, now);
        land(flights, flight);
    }
    g_mutex_unlock(&flights->lock);
}

static void ask_domain(struct job *job, guint from, guint to, int64_t deadline)
{
    guint length = to - from;
    g_autofree struct certs_question *questions = g_new0(struct certs_question, length);
    g_autofree struct certs_question **asked = g_new0(struct certs_question *, length);
    g_autofree struct certs_reply **replies = g_new0(struct certs_reply *, length);
    int64_t began = g_get_monotonic_time();
    unsigned failures = memory_failures();
    for (guint i = 0; i < length; i++) {
        const struct flight *flight = g_ptr_array_index(job->list, from + i);
        replies[i] = reply_new(job->opened->source);
        questions[i] = (struct certs_question){&flight->query, replies[i]};
        asked[i] = &questions[i];
    }
    job->opened->source->ask(job->opened->state, asked, length, deadline);
    int64_t now = g_get_monotonic_time();
    bool timed_out = now - began >= job->flights->limit / 2 && now >= deadline - (deadline - began) / 10;
    for (guint i = 0; i < length; i++) {
        struct error memory = {0};
        if (memory_failures() != failures) {
            error_set(&memory, ERROR_TEMPORARY, "there was not enough memory");
            certs_question_failed(&questions[i], true, &memory);
        }
        reply_complete(&questions[i], began);
        reply_sign(replies[i]);
        reply_count(replies[i], false);
    }
    land_domain(job, from, to, replies, timed_out);
}

static void refuse_domain(struct job *job, guint from, guint to, const char *why)
{
    struct error error = {0};
    g_autofree struct certs_reply **replies = g_new0(struct certs_reply *, to - from);
    error_set(&error, ERROR_TEMPORARY, "%s", why);
    for (guint i = from; i < to; i++) {
        const struct flight *flight = g_ptr_array_index(job->list, i);
        replies[i - from] = refused(job->opened->source, &flight->query, &error);
    }
    land_domain(job, from, to, replies, false);
}

/* The end of the flights of one domain that begin there. */
static guint domain_end(const GPtrArray *list, guint from)
{
    const struct flight *first = g_ptr_array_index(list, from);
    guint to = from + 1;
    while (to < list->len && strcmp(((const struct flight *)g_ptr_array_index(list, to))->place, first->place) == 0)
        to++;
    return to;
}

/* why: of what is not even tried; NULL. */
static void do_job(struct job *job, const char *why)
{
    struct flights *flights = job->flights;
    int64_t limit = flights->limit;
    /* Those that wait are there a little longer than the source has, for what it has to say in the end. */
    int64_t deadline = g_get_monotonic_time() + limit - MIN(limit / 5, LAST_WORD);
    for (guint from = 0, to = 0; from < job->list->len; from = to) {
        to = domain_end(job->list, from);
        if (why == NULL && g_get_monotonic_time() >= deadline)
            why = "no time was left for this domain";
        if (why == NULL)
            ask_domain(job, from, to, deadline);
        else
            refuse_domain(job, from, to, why);
    }
    g_ptr_array_unref(job->list); /* may free certificates, and flights_free() waits for that, too */
    g_free(job);
}

static void note_end(struct flights *flights)
{
    g_mutex_lock(&flights->lock);
    if (--flights->jobs == 0)
        g_cond_signal(&flights->idle);
    g_mutex_unlock(&flights->lock);
}

static void *run_job(void *data)
{
    struct job *job = data;
    struct flights *flights = job->flights;
    do_job(job, NULL);
    OPENSSL_thread_stop(); /* or it would clean up behind this thread, when exit() may be doing so */
    note_end(flights);
    return NULL;
}

/* --- in the thread of the message --- */

static gint by_place(gconstpointer a, gconstpointer b)
{
    const struct flight *const *first = a, *const *second = b;
    return strcmp((*first)->place, (*second)->place);
}

static void start_job(struct job *job)
{
    struct flights *flights = job->flights;
    GThread *thread = g_thread_try_new("lookup", run_job, job, NULL);
    if (thread != NULL) {
        g_thread_unref(thread);
        return;
    }
    do_job(job, "no thread for a lookup could be started");
    note_end(flights);
}

/* Takes the references of the list. A domain has a thread, unless the message has very many. */
static void start(struct flights *flights, const struct certs_opened *opened, GPtrArray *list)
{
    guint domains = 0, jobs = 0, nth = 0;
    g_ptr_array_sort(list, by_place);
    for (guint from = 0; from < list->len; from = domain_end(list, from))
        domains++;
    jobs = MIN(domains, JOBS_OF_ONE_MOST);
    g_mutex_lock(&flights->lock);
    flights->jobs += jobs;
    g_mutex_unlock(&flights->lock);
    for (guint i = 0, from = 0; i < jobs; i++) {
        struct job *job = g_new0(struct job, 1);
        *job = (struct job){flights, opened, g_ptr_array_new_with_free_func(flight_unref)};
        for (; nth < domains * (i + 1) / jobs; nth++)
            for (guint to = domain_end(list, from); from < to; from++)
                g_ptr_array_add(job->list, g_ptr_array_index(list, from));
        start_job(job);
    }
}

static bool may_start(struct flights *flights, const struct certs_query *query, const char *place, int64_t now,
                      struct error *error)
{
    struct breaker *breaker = g_hash_table_lookup(flights->breakers, place);
    if (flights->jobs >= JOBS_MOST)
        return error_set(error, ERROR_TEMPORARY, "too many lookups are under way");
    if (breaker != NULL && !breaker_allows(breaker, now, error))
        return false;
    return query->purpose != CERTS_SIGNER || rate_allows(flights->signers, query->partner, now) ||
           error_set(error, ERROR_TEMPORARY, "too many certificates of signers are looked up");
}

static struct flight *flight_new(const struct certs_query *query, char *key, char *place)
{
    struct flight *flight = g_new0(struct flight, 1);
    *flight = (struct flight){.references = 1, .key = key, .place = place, .query = *query};
    flight->address = (struct address){g_strdup(query->address->local), g_strdup(query->address->domain),
                                       g_strdup(query->address->text), g_strdup(query->address->route)};
    flight->query.address = &flight->address;
    flight->waiters = g_ptr_array_new();
    return flight;
}

/* The flight of a question, which is under way or is added to the new ones; NULL: *asked has its answer. */
static struct flight *board(struct flights *flights, const struct certs_source *source, struct asked *asked,
                            GPtrArray *new_ones)
{
    int64_t now = g_get_monotonic_time();
    struct error error = {0};
    g_autofree char *key = cache_key(source, asked->query);
    asked->reply = cache_find(flights->cache, key, 0, now);
    asked->cached = asked->reply != NULL;
    if (asked->cached)
        return NULL;
    struct flight *flight = g_hash_table_lookup(flights->under_way, key);
    if (flight != NULL)
        return flight_ref(flight);
    /* What strangers ask says nothing of what our own mail needs. */
    g_autofree char *place =
        g_strconcat(source->name, asked->query->purpose == CERTS_SIGNER ? " for signers of " : " for ",
                    asked->query->address->domain, NULL);
    if (!may_start(flights, asked->query, place, now, &error)) {
        asked->reply = refused(source, asked->query, &error);
        return NULL;
    }
    flight = flight_new(asked->query, steal(&key), steal(&place));
    g_hash_table_insert(flights->under_way, flight->key, flight);
    g_ptr_array_add(new_ones, flight);
    return flight_ref(flight);
}

/* Until all have landed, or the deadline. */
static void wait_for(struct flights *flights, struct waiter *waiter, int64_t deadline,
                     const struct certs_acceptance *how)
{
    void (*tell)(void *context) = how != NULL ? how->tell : NULL;
    int64_t tell_at = tell != NULL ? g_get_monotonic_time() + how->tell_every : INT64_MAX;
    g_mutex_lock(&flights->lock);
    while (waiter->open > 0 && g_get_monotonic_time() < deadline) {
        (void)g_cond_wait_until(&waiter->landed, &flights->lock, MIN(deadline, tell_at));
        if (tell == NULL || g_get_monotonic_time() < tell_at)
            continue;
        tell_at += how->tell_every;
        g_mutex_unlock(&flights->lock);
        tell(how->context);
        g_mutex_lock(&flights->lock);
    }
    g_mutex_unlock(&flights->lock);
}

/* Takes the reference of the flight. Under the lock. */
static void leave(const struct certs_source *source, struct flight *flight, struct waiter *waiter, struct asked *asked)
{
    struct error late = {0};
    if (flight->reply != NULL) {
        asked->reply = reply_ref(flight->reply);
    } else {
        g_ptr_array_remove_fast(flight->waiters, waiter);
        error_set(&late, ERROR_TEMPORARY, "no answer in time");
        asked->reply = refused(source, asked->query, &late);
    }
    flight_unref(flight);
}

/* Where policy allows it, an old answer is better than a failure. */
static void look_back(struct flights *flights, const struct certs_source *source, struct asked *asked)
{
    const struct partner *partner = asked->query->partner;
    if (partner == NULL || partner->lookup_grace == 0 || !reply_has_failed(asked->reply))
        return;
    g_autofree char *key = cache_key(source, asked->query);
    asked->old =
        cache_find_old(flights->cache, key, (int64_t)partner->lookup_grace * G_USEC_PER_SEC, g_get_monotonic_time());
}

void flights_ask(struct flights *flights, const struct certs_opened *opened, struct asked *list, size_t count,
                 int64_t deadline, const struct certs_acceptance *how)
{
    const struct certs_source *source = opened->source;
    g_autoptr(GPtrArray) new_ones = g_ptr_array_new();
    g_autofree struct flight **boarded = g_new0(struct flight *, count);
    struct waiter waiter = {.open = 0};
    g_cond_init(&waiter.landed);
    g_mutex_lock(&flights->lock);
    for (size_t i = 0; i < count; i++) {
        boarded[i] = board(flights, source, &list[i], new_ones);
        if (boarded[i] == NULL)
            continue;
        g_ptr_array_add(boarded[i]->waiters, &waiter);
        waiter.open++;
    }
    g_mutex_unlock(&flights->lock);
    start(flights, opened, new_ones);
    int64_t end = g_get_monotonic_time() + flights->limit;
    wait_for(flights, &waiter, MIN(end, deadline), how);
    g_mutex_lock(&flights->lock);
    for (size_t i = 0; i < count; i++)
        if (boarded[i] != NULL)
            leave(source, boarded[i], &waiter, &list[i]);
    g_mutex_unlock(&flights->lock);
    g_cond_clear(&waiter.landed);
    for (size_t i = 0; i < count; i++) {
        if (list[i].cached)
            reply_count(list[i].reply, true);
        look_back(flights, source, &list[i]);
    }
}
