/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certs: takes a batch of queries through the ordered sources, each source only for what is still open. A source that
 * is down harms only the queries that reach it. search.c says what the replies mean.
 */
#include "flights.h"
#include "search.h"

#include <string.h>

/* Their names are those of the key `sources`. */
static const struct certs_source *const known[] = {&certs_source_pinned, &certs_source_directory,
                                                   &certs_source_store,  &certs_source_ldap,
                                                   &certs_source_dns,    &certs_source_harvest};

#define TIMEOUT_DEFAULT (10 * G_USEC_PER_SEC)
#define CACHE_MOST 20000 /* certificates and answers: about 100 MB at the most */

struct certs {
    struct cache *cache;
    struct flights *flights; /* NULL: no source waits */
    size_t count;
    struct certs_opened opened[];
};

struct certs *certs_with(const struct certs_opened *opened, size_t count)
{
    struct certs *certs = g_malloc0(sizeof(*certs) + count * sizeof(*opened));
    certs->count = count;
    for (size_t i = 0; i < count; i++)
        certs->opened[i] = opened[i];
    certs->cache = cache_new(CACHE_MOST);
    certs_set_timeout(certs, TIMEOUT_DEFAULT);
    return certs;
}

/* Each source that waits has the same share, so that one that hangs leaves time for the others. */
void certs_set_timeout(struct certs *certs, int64_t microseconds)
{
    int64_t waiting = 0;
    for (size_t i = 0; i < certs->count; i++)
        waiting += certs->opened[i].source->waits;
    flights_free(certs->flights);
    certs->flights = waiting > 0 ? flights_new(certs->cache, microseconds / waiting) : NULL;
}

static const struct certs_source *source_named(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (strcmp(known[i]->name, name) == 0)
            return known[i];
    return NULL;
}

struct certs *certs_open(const struct conf *conf, struct faults *faults)
{
    struct certs_opened opened[G_N_ELEMENTS(known)] = {{0}};
    size_t count = 0;
    bool good = true;
    for (char **name = conf->sources; *name != NULL; name++) {
        struct certs_opened next = {.source = source_named(*name)};
        if (next.source == NULL || count == G_N_ELEMENTS(opened))
            continue;
        good = next.source->open(conf, &next.state, faults) && good;
        if (next.state != NULL)
            opened[count++] = next;
    }
    owned(certs) struct certs *certs = certs_with(opened, count);
    certs_set_timeout(certs, (int64_t)conf->lookup_timeout * G_USEC_PER_SEC);
    return good ? steal(&certs) : NULL;
}

void certs_close(struct certs *certs)
{
    if (certs == NULL)
        return;
    flights_free(certs->flights);
    cache_free(certs->cache);
    for (size_t i = 0; i < certs->count; i++)
        certs->opened[i].source->close(certs->opened[i].state);
    g_free(certs);
}

bool certs_has_more(const struct certs *certs)
{
    for (size_t i = 0; i < certs->count; i++)
        if (certs->opened[i].source != &certs_source_pinned && certs->opened[i].source != &certs_source_directory)
            return true;
    return false;
}

/* --- asking --- */

static void choose_all(GPtrArray *open, const struct certs_acceptance *accept)
{
    bool found = false;
    for (guint i = 0; i < open->len; i++) {
        const struct search *search = g_ptr_array_index(open, i);
        found = found || search->answer->count > search->checked;
    }
    if (!found || accept == NULL || accept->check == NULL)
        return;
    if (accept->begin != NULL)
        accept->begin(accept->context);
    for (guint i = 0; i < open->len; i++) {
        struct search *search = g_ptr_array_index(open, i);
        if (search->query->purpose == CERTS_ENCRYPT)
            search_choose(search, accept);
    }
    if (accept->end != NULL)
        accept->end(accept->context);
}

/* A source that never waits answers at once; its answers may be kept, too. */
static void ask_here(const struct certs *certs, const struct certs_opened *opened, struct asked *list, size_t count,
                     int64_t deadline)
{
    g_autofree struct certs_question *questions = g_new0(struct certs_question, count);
    g_autofree struct certs_question **asked = g_new0(struct certs_question *, count);
    g_auto(GStrv) keys = g_new0(char *, count + 1);
    const struct certs_source *source = opened->source;
    uint64_t version = source->version != NULL ? source->version(opened->state) : 0;
    int64_t began = g_get_monotonic_time();
    size_t open = 0;
    for (size_t i = 0; i < count; i++) {
        keys[i] = source->version != NULL ? cache_key(source, list[i].query) : g_strdup("");
        list[i].reply = source->version != NULL ? cache_find(certs->cache, keys[i], version, began) : NULL;
        list[i].cached = list[i].reply != NULL;
        if (list[i].cached)
            continue;
        questions[i] = (struct certs_question){list[i].query, reply_new(source)};
        asked[open++] = &questions[i];
    }
    if (open > 0)
        source->ask(opened->state, asked, open, deadline);
    for (size_t i = 0; i < count; i++) {
        if (list[i].cached)
            continue;
        reply_complete(&questions[i], began);
        list[i].reply = questions[i].reply;
        if (source->version != NULL)
            cache_put(certs->cache, keys[i], list[i].reply, version, began);
    }
}

/* One source's answers to what is open. */
static void ask_source(const struct certs *certs, const struct certs_opened *opened, GPtrArray *open, int64_t deadline,
                       const struct certs_acceptance *how)
{
    g_autofree struct asked *list = g_new0(struct asked, open->len);
    g_autofree struct search **searches = g_new0(struct search *, open->len);
    size_t count = 0;
    for (guint i = 0; i < open->len; i++) {
        struct search *search = g_ptr_array_index(open, i);
        if (search->query->here && opened->source->waits)
            continue;
        searches[count] = search;
        list[count++].query = search->query;
    }
    if (count == 0)
        return;
    if (opened->source->waits)
        flights_ask(certs->flights, opened, list, count, deadline, how);
    else
        ask_here(certs, opened, list, count, deadline);
    for (size_t i = 0; i < count; i++) {
        if (!opened->source->waits)
            reply_count(list[i].reply, list[i].cached);
        search_add(searches[i], &list[i]);
        reply_unref(list[i].reply);
        if (list[i].old != NULL)
            reply_unref(list[i].old);
    }
}

static void fail_all(GPtrArray *open)
{
    struct error error = {0};
    error_set(&error, ERROR_TEMPORARY, "the deadline of this message's lookups has passed");
    for (guint i = 0; i < open->len; i++) {
        search_fail(g_ptr_array_index(open, i), CERTIFICATE_OWN, &error);
        search_fail(g_ptr_array_index(open, i), CERTIFICATE_DOMAIN, &error);
    }
}

static void keep_open(GPtrArray *open)
{
    for (guint i = open->len; i-- > 0;)
        if (((struct search *)g_ptr_array_index(open, i))->settled)
            g_ptr_array_remove_index(open, i);
}

void certs_ask(const struct certs *certs, const struct certs_query *queries, size_t count, int64_t deadline,
               const struct certs_acceptance *accept, struct certs_answer *answers)
{
    g_autofree struct search *searches = g_new0(struct search, count);
    g_autoptr(GPtrArray) open = g_ptr_array_sized_new((guint)count);
    for (size_t i = 0; i < count; i++) {
        const char *domain = queries[i].address->domain;
        search_begin(&searches[i], &queries[i], i, &answers[i]);
        if (domain != NULL && domain[0] != '\0')
            g_ptr_array_add(open, &searches[i]);
    }
    for (size_t i = 0; i < certs->count && open->len > 0; i++) {
        if (g_get_monotonic_time() >= deadline) {
            fail_all(open);
            break;
        }
        ask_source(certs, &certs->opened[i], open, deadline, accept);
        choose_all(open, accept);
        keep_open(open);
    }
    bool chooses = accept != NULL && accept->check != NULL;
    for (size_t i = 0; i < count; i++)
        search_end(&searches[i], chooses && queries[i].purpose == CERTS_ENCRYPT);
}

void certs_answers_clear(struct certs_answer *answers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < answers[i].count; j++)
            X509_free(answers[i].list[j].certificate);
        g_free(answers[i].list);
        g_free(answers[i].steps);
        if (answers[i].held != NULL)
            g_ptr_array_unref(answers[i].held);
        answers[i] = (struct certs_answer){0};
    }
}
