/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search: what the replies of the sources mean for one query.
 *
 * A failure is remembered until something is accepted, because failed is never none: a directory outage must not turn
 * mail into plaintext. A failure of the preferred kind stays in force longer, or an outage would move mail from a
 * person's certificate to the domain's.
 */
#include "search.h"

void search_begin(struct search *search, const struct certs_query *query, size_t index, struct certs_answer *answer)
{
    *search = (struct search){.query = query, .index = index, .answer = answer, .best = CERTIFICATE_UNWANTED};
    *answer = (struct certs_answer){0};
    answer->held = g_ptr_array_new_with_free_func(reply_unref);
}

void search_fail(struct search *search, enum certificate_kind kind, const struct error *error)
{
    if (!search->failed || (kind == CERTIFICATE_OWN && !search->kind_failed[CERTIFICATE_OWN]))
        search->answer->error = *error;
    search->failed = search->kind_failed[kind] = true;
}

/* --- what a source said --- */

/* A group's certificate may also be that of one of its addresses, and the partner may prefer either kind. What a zone
 * says may be all that speaks for one. */
static bool is_there(const struct certs_answer *answer, const struct candidate *candidate)
{
    for (size_t i = 0; i < answer->count; i++)
        if ((answer->list[i].group != NULL) == (candidate->group != NULL) &&
            (candidate->associations == NULL || answer->list[i].associations != NULL) &&
            X509_cmp(answer->list[i].certificate, candidate->certificate) == 0)
            return true;
    return false;
}

static bool add_candidate(struct certs_answer *answer, const struct candidate *candidate)
{
    if (is_there(answer, candidate))
        return false;
    answer->list = g_renew(struct candidate, answer->list, answer->count + 1);
    X509_up_ref(candidate->certificate);
    answer->list[answer->count++] = *candidate;
    return true;
}

static void add_reply(struct search *search, struct certs_reply *reply, bool cached)
{
    struct certs_answer *answer = search->answer;
    guint next = 0;
    g_ptr_array_add(answer->held, reply_ref(reply));
    answer->steps = g_renew(struct certs_step, answer->steps, answer->step_count + reply->steps->len);
    for (guint i = 0; i < reply->steps->len; i++) {
        struct certs_step step = g_array_index(reply->steps, struct certs_step, i);
        size_t all = step.count;
        step.count = 0;
        for (size_t j = 0; j < all; j++)
            step.count += add_candidate(answer, &g_array_index(reply->candidates, struct candidate, next++));
        step.again = all - step.count;
        step.cached = cached;
        answer->steps[answer->step_count++] = step;
    }
}

void search_add(struct search *search, const struct asked *asked)
{
    const struct certs_reply *reply = asked->reply;
    add_reply(search, asked->reply, asked->cached);
    if (asked->old != NULL) { /* in place of the failure */
        add_reply(search, asked->old, true);
        return;
    }
    for (int kind = 0; kind < CERTIFICATE_KINDS; kind++)
        if (reply->failed[kind])
            search_fail(search, (enum certificate_kind)kind, &reply->errors[kind]);
}

/* --- choosing --- */

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
static bool prefers(const struct search *search)
{
    const struct partner *partner = search->query->partner;
    return partner != NULL && partner->prefer != NULL && partner->prefer[0] != NULL;
}

/* Without a partner the kinds have their usual order. */
static unsigned rank_of(const struct search *search, enum certificate_kind kind)
{
    const struct partner *partner = search->query->partner;
    return partner != NULL ? conf_preference(partner, kind) : (unsigned)kind;
}

/* A certificate of a better kind may be there: one of this kind is not taken in its place. */
static bool is_held_back(const struct search *search, const struct candidate *candidate)
{
    unsigned rank = rank_of(search, kind_of(candidate));
    for (int kind = 0; kind < CERTIFICATE_KINDS; kind++)
        if (search->kind_failed[kind] && rank_of(search, (enum certificate_kind)kind) < rank)
            return true;
    return false;
}

static void hold_back(const struct search *search, struct candidate *candidate)
{
    static const char *const whose[] = {"is the person's own", "is the group's", "acts for the domain"};
    finding_set(&candidate->finding, OUTCOME_TEMPERROR, "%s, and the lookup of %s failed: %s",
                whose[kind_of(candidate)],
                kind_of(candidate) == CERTIFICATE_DOMAIN && !prefers(search) ? "the person's own" : "a preferred one",
                search->answer->error.said);
}

static void take(struct search *search, size_t index)
{
    struct candidate *candidate = &search->answer->list[index];
    search->answer->chosen = index;
    search->best = rank_of(search, kind_of(candidate));
    if (prefers(search) && search->best > 0)
        return; /* a later source may have a better one */
    search->settled = !is_held_back(search, candidate);
    if (!search->settled)
        hold_back(search, candidate);
}

void search_choose(struct search *search, const struct certs_acceptance *accept)
{
    struct certs_answer *answer = search->answer;
    for (size_t i = search->checked; i < answer->count && !search->settled; i++) {
        struct candidate *candidate = &answer->list[i];
        struct error error = {0};
        unsigned rank = rank_of(search, kind_of(candidate));
        if (rank == CERTIFICATE_UNWANTED) {
            finding_set(&candidate->finding, OUTCOME_POLICY, "\"prefer\" leaves this kind out: %s",
                        certificate_kind_name(kind_of(candidate)));
            continue;
        }
        if (prefers(search) && search->best <= rank)
            continue;
        if (accept->check(accept->context, search->index, candidate, &candidate->finding)) {
            take(search, i);
        } else if (!is_ruled_out(&candidate->finding)) {
            error_set(&error, ERROR_TEMPORARY, "%s", candidate->finding.reason);
            search_fail(search, kind_of(candidate), &error);
        }
    }
    search->checked = answer->count;
}

/* With partner->prefer, once all sources were asked. */
static void settle(struct search *search)
{
    if (search->settled || !prefers(search) || search->best == CERTIFICATE_UNWANTED)
        return;
    struct candidate *candidate = &search->answer->list[search->answer->chosen];
    search->settled = !is_held_back(search, candidate);
    if (!search->settled)
        hold_back(search, candidate);
}

void search_end(struct search *search, bool choosing)
{
    struct certs_answer *answer = search->answer;
    settle(search);
    if (!search->settled)
        answer->chosen = answer->count;
    if (search->settled || (!search->failed && !choosing && answer->count > 0)) {
        answer->found = FOUND;
        answer->error = (struct error){0};
    } else if (search->failed) {
        answer->found = FOUND_FAILED;
    } else {
        answer->found = FOUND_NONE;
        error_set(&answer->error, ERROR_PERMANENT, "%s",
                  answer->count > 0 ? answer->list[0].finding.reason : "no source knows one");
    }
}
