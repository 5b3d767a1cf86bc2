/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certs: takes a batch of queries through the ordered sources, each source only for what is still open.
 *
 * A source that is down harms only the queries that reach it. Its failure is remembered until something is accepted,
 * because failed is never none: a directory outage must not turn mail into plaintext. A failure of the preferred kind
 * stays in force longer, or an outage would move mail from a person's certificate to the domain's.
 *
 * Whether a candidate may be used is the caller's decision, and time limits of single sources are theirs.
 */
#include "source.h"

static const struct certs_source *const sources[] = {&certs_source_pinned, &certs_source_directory};

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

struct certs *certs_open(const struct conf *conf, struct faults *faults)
{
    struct certs_opened opened[G_N_ELEMENTS(sources)];
    bool good = true;
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
        opened[i] = (struct certs_opened){sources[i], sources[i]->open(conf, faults)};
        good = good && opened[i].state != NULL;
    }
    owned(certs) struct certs *certs = certs_with(opened, G_N_ELEMENTS(opened));
    return good ? steal(&certs) : NULL;
}

void certs_close(struct certs *certs)
{
    if (certs == NULL)
        return;
    for (size_t i = 0; i < certs->count; i++)
        if (certs->opened[i].state != NULL)
            certs->opened[i].source->close(certs->opened[i].state);
    g_free(certs);
}

static bool is_ruled_out(const struct finding *finding)
{
    return finding->outcome == OUTCOME_FAIL || finding->outcome == OUTCOME_POLICY ||
           finding->outcome == OUTCOME_PERMERROR;
}

static enum certificate_kind kind_of(const struct candidate *candidate)
{
    if (candidate->personal)
        return CERTIFICATE_OWN;
    return candidate->group != NULL ? CERTIFICATE_GROUP : CERTIFICATE_DOMAIN;
}

/* Whether the best kind counts, wherever it comes from. */
static bool prefers(const struct certs_question *question)
{
    const struct partner *partner = question->query->partner;
    return partner != NULL && partner->prefer != NULL && partner->prefer[0] != NULL;
}

/* Without a partner the kinds have their usual order. */
static unsigned rank_of(const struct certs_question *question, enum certificate_kind kind)
{
    const struct partner *partner = question->query->partner;
    return partner != NULL ? conf_preference(partner, kind) : (unsigned)kind;
}

/* A certificate of a better kind may be there: one of this kind is not taken in its place. */
static bool is_held_back(const struct certs_question *question, const struct candidate *candidate)
{
    unsigned rank = rank_of(question, kind_of(candidate));
    for (int kind = 0; kind < CERTIFICATE_KINDS; kind++)
        if (question->kind_failed[kind] && rank_of(question, (enum certificate_kind)kind) < rank)
            return true;
    return false;
}

static void hold_back(const struct certs_question *question, struct candidate *candidate)
{
    static const char *const whose[] = {"is the person's own", "is the group's", "acts for the domain"};
    finding_set(&candidate->finding, OUTCOME_TEMPERROR, "%s, and the lookup of %s failed: %s",
                whose[kind_of(candidate)],
                kind_of(candidate) == CERTIFICATE_DOMAIN && !prefers(question) ? "the person's own" : "a preferred one",
                question->answer->error.said);
}

static void take(struct certs_question *question, size_t index)
{
    struct candidate *candidate = &question->answer->list[index];
    question->answer->chosen = index;
    question->best = rank_of(question, kind_of(candidate));
    if (prefers(question) && question->best > 0)
        return; /* a later source may have a better one */
    question->settled = !is_held_back(question, candidate);
    if (!question->settled)
        hold_back(question, candidate);
}

/* Checks the candidates that the last source gave. */
static void choose(struct certs_question *question, size_t first, const struct certs_acceptance *accept)
{
    struct certs_answer *answer = question->answer;
    for (size_t i = first; i < answer->count && !question->settled; i++) {
        struct candidate *candidate = &answer->list[i];
        struct error error = {0};
        unsigned rank = rank_of(question, kind_of(candidate));
        if (rank == CERTIFICATE_UNWANTED) {
            finding_set(&candidate->finding, OUTCOME_POLICY, "\"prefer\" leaves this kind out: %s",
                        certificate_kind_name(kind_of(candidate)));
            continue;
        }
        if (prefers(question) && question->best <= rank)
            continue;
        if (accept->check(accept->context, question->index, candidate, &candidate->finding)) {
            take(question, i);
        } else if (!is_ruled_out(&candidate->finding)) {
            error_set(&error, ERROR_TEMPORARY, "%s", candidate->finding.reason);
            certs_question_failed_kind(question, kind_of(candidate), &error);
        }
    }
}

/* With partner->prefer, once all sources were asked. */
static void settle(struct certs_question *question)
{
    if (question->settled || !prefers(question) || question->best == CERTIFICATE_UNWANTED)
        return;
    struct candidate *candidate = &question->answer->list[question->answer->chosen];
    question->settled = !is_held_back(question, candidate);
    if (!question->settled)
        hold_back(question, candidate);
}

static void choose_all(GPtrArray *open, const size_t *before, const struct certs_acceptance *accept)
{
    if (accept->begin != NULL)
        accept->begin(accept->context);
    for (guint i = 0; i < open->len; i++) {
        struct certs_question *question = g_ptr_array_index(open, i);
        if (question->query->purpose == CERTS_ENCRYPT)
            choose(question, before[i], accept);
    }
    if (accept->end != NULL)
        accept->end(accept->context);
}

/* One source's answers to what is open. */
static void ask_source(const struct certs_opened *opened, GPtrArray *open, int64_t deadline,
                       const struct certs_acceptance *accept)
{
    g_autofree size_t *before = g_new(size_t, open->len);
    bool found = false;
    for (guint i = 0; i < open->len; i++) {
        struct certs_question *question = g_ptr_array_index(open, i);
        question->source = opened->source;
        question->answered = false;
        before[i] = question->answer->count;
    }
    opened->source->ask(opened->state, (struct certs_question *const *)open->pdata, open->len, deadline);
    for (guint i = 0; i < open->len; i++) {
        struct certs_question *question = g_ptr_array_index(open, i);
        struct error silent = {0};
        if (!question->answered) {
            error_set(&silent, ERROR_BUG, "the source \"%s\" did not answer", opened->source->name);
            certs_question_failed(question, true, &silent);
        }
        found |= question->answer->count > before[i];
    }
    if (accept != NULL && found)
        choose_all(open, before, accept);
}

static void fail_all(GPtrArray *open)
{
    struct error error = {0};
    error_set(&error, ERROR_TEMPORARY, "the deadline of this message's lookups has passed");
    for (guint i = 0; i < open->len; i++)
        certs_question_failed(g_ptr_array_index(open, i), true, &error);
}

static void finish(struct certs_question *question, bool choosing)
{
    struct certs_answer *answer = question->answer;
    settle(question);
    if (!question->settled)
        answer->chosen = answer->count;
    if (question->settled || (!question->failed && !choosing && answer->count > 0)) {
        answer->found = FOUND;
        answer->error = (struct error){0};
    } else if (question->failed) {
        answer->found = FOUND_FAILED;
    } else {
        answer->found = FOUND_NONE;
        error_set(&answer->error, ERROR_PERMANENT, "%s",
                  answer->count > 0 ? answer->list[0].finding.reason : "no source knows one");
    }
}

static void keep_open(GPtrArray *open)
{
    for (guint i = open->len; i-- > 0;)
        if (((struct certs_question *)g_ptr_array_index(open, i))->settled)
            g_ptr_array_remove_index(open, i);
}

void certs_ask(const struct certs *certs, const struct certs_query *queries, size_t count, int64_t deadline,
               const struct certs_acceptance *accept, struct certs_answer *answers)
{
    g_autofree struct certs_question *questions = g_new0(struct certs_question, count);
    g_autoptr(GPtrArray) open = g_ptr_array_sized_new((guint)count);
    for (size_t i = 0; i < count; i++) {
        const char *domain = queries[i].address->domain;
        answers[i] = (struct certs_answer){0};
        questions[i] = (struct certs_question){
            .query = &queries[i], .index = i, .answer = &answers[i], .best = CERTIFICATE_UNWANTED};
        if (domain != NULL && domain[0] != '\0')
            g_ptr_array_add(open, &questions[i]);
    }
    for (size_t i = 0; i < certs->count && open->len > 0; i++) {
        if (g_get_monotonic_time() >= deadline) {
            fail_all(open);
            break;
        }
        ask_source(&certs->opened[i], open, deadline, accept);
        keep_open(open);
    }
    for (size_t i = 0; i < count; i++)
        finish(&questions[i], accept != NULL && queries[i].purpose == CERTS_ENCRYPT);
}

void certs_answers_clear(struct certs_answer *answers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < answers[i].count; j++)
            X509_free(answers[i].list[j].certificate);
        g_free(answers[i].list);
        answers[i] = (struct certs_answer){0};
    }
}
