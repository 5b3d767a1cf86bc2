/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certs: takes a batch of queries through the ordered sources, each source only for what is still open. A source that
 * is down harms only the queries that reach it. search.c says what the replies mean.
 */
#include "search.h"

#include <string.h>

/* Their names are those of the key `sources`. */
static const struct certs_source *const known[] = {&certs_source_pinned, &certs_source_directory, &certs_source_store};

struct certs {
    size_t count;
    struct certs_opened opened[];
};

struct certs *certs_with(const struct certs_opened *opened, size_t count)
{
    struct certs *certs = g_malloc0(sizeof(*certs) + count * sizeof(*opened));
    certs->count = count;
    for (size_t i = 0; i < count; i++)
        certs->opened[i] = opened[i];
    return certs;
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
    struct certs_opened opened[G_N_ELEMENTS(known)];
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
    return good ? steal(&certs) : NULL;
}

void certs_close(struct certs *certs)
{
    if (certs == NULL)
        return;
    for (size_t i = 0; i < certs->count; i++)
        certs->opened[i].source->close(certs->opened[i].state);
    g_free(certs);
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

/* One source's answers to what is open. */
static void ask_source(const struct certs_opened *opened, GPtrArray *open, int64_t deadline)
{
    g_autofree struct certs_question *questions = g_new0(struct certs_question, open->len);
    g_autofree struct certs_question **asked = g_new0(struct certs_question *, open->len);
    size_t count = 0;
    int64_t began = g_get_monotonic_time();
    for (guint i = 0; i < open->len; i++) {
        const struct search *search = g_ptr_array_index(open, i);
        if (search->query->here && opened->source->waits)
            continue;
        questions[i] = (struct certs_question){search->query, reply_new(opened->source)};
        asked[count++] = &questions[i];
    }
    if (count > 0)
        opened->source->ask(opened->state, asked, count, deadline);
    for (guint i = 0; i < open->len; i++) {
        if (questions[i].reply == NULL)
            continue;
        reply_complete(&questions[i], began);
        search_add(g_ptr_array_index(open, i), questions[i].reply, false);
        reply_unref(questions[i].reply);
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
        ask_source(&certs->opened[i], open, deadline);
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
        g_clear_pointer(&answers[i].held, g_ptr_array_unref);
        answers[i] = (struct certs_answer){0};
    }
}
