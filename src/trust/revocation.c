/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation: the ordered list of sources, and what their answers come to for a path.
 *
 * The first source that knows a certificate decides about it. Revoked anywhere in the path is a failure; not known is
 * "try again" where the configuration insists (`check` is hard), and otherwise no obstacle (RFC 8550 §2.1: what a
 * message brings can revoke).
 */
#include "revocation.h"

#include "path.h"

static const struct revocation_source *const built_in[] = {&revocation_source_crls, &revocation_source_ocsp, NULL};

struct revocation {
    size_t count;
    struct {
        const struct revocation_source *source;
        void *state;
    } list[];
};

struct revocation *revocation_open(const struct revocation_setup *setup, const struct revocation_source *const *sources,
                                   struct faults *faults)
{
    size_t count = 0;
    if (sources == NULL)
        sources = built_in;
    while (sources[count] != NULL)
        count++;
    owned(revocation) struct revocation *revocation =
        g_malloc0(sizeof(struct revocation) + count * sizeof(revocation->list[0]));
    for (; revocation->count < count; revocation->count++) {
        const struct revocation_source *source = sources[revocation->count];
        void *state = source->open(setup, faults);
        if (state == NULL)
            return NULL;
        revocation->list[revocation->count].source = source;
        revocation->list[revocation->count].state = state;
    }
    return steal(&revocation);
}

void revocation_close(struct revocation *revocation)
{
    if (revocation == NULL)
        return;
    for (size_t i = 0; i < revocation->count; i++)
        revocation->list[i].source->close(revocation->list[i].state);
    g_free(revocation);
}

/* The place of the first anchor of the path. The path goes on behind it if the anchor's own issuer is an anchor, too.
 */
static int first_anchor(const struct revocation_query *query)
{
    int i = 0, last = sk_X509_num(query->chain) - 1;
    while (i < last && !anchors_have(query->anchors, sk_X509_value(query->chain, i)))
        i++;
    return i;
}

/* The revoked certificate next to the leaf; without one the unknown certificate next to the anchor. -1: all are good.
 * RFC 5280 §6.1: an anchor is no part of the path, and nothing has to be known of it. What revokes an anchor that has
 * an issuer in the path counts. */
static int decisive(const struct revocation_query *query, const struct revocation_answer *answers)
{
    int unknown = -1, anchor = first_anchor(query);
    for (int i = 0; i < sk_X509_num(query->chain) - 1; i++) {
        if (answers[i].status == REVOCATION_REVOKED)
            return i;
        if (i < anchor && answers[i].status == REVOCATION_UNKNOWN && (answers[i].reason != NULL || unknown < 0))
            unknown = i;
    }
    return unknown;
}

static uint64_t unknown_of(const struct revocation_answer *answers, int count)
{
    uint64_t unknown = 0;
    for (int i = 0; i < MIN(count, 64); i++)
        if (answers[i].status == REVOCATION_UNKNOWN)
            unknown |= (uint64_t)1 << i;
    return unknown;
}

void revocation_check(const struct revocation *revocation, const struct revocation_query *query,
                      struct revocation_result *result, struct finding *finding)
{
    int count = sk_X509_num(query->chain);
    g_autofree struct revocation_answer *answers = g_new0(struct revocation_answer, (gsize)count);
    for (int i = 0; i < count; i++)
        answers[i].until = G_MAXINT64;
    for (size_t i = 0; i < revocation->count; i++)
        revocation->list[i].source->ask(revocation->list[i].state, query, answers);
    *result =
        (struct revocation_result){.status = REVOCATION_GOOD, .until = G_MAXINT64, .below_anchor = first_anchor(query)};
    for (int i = 0; i < count - 1; i++)
        result->until = MIN(result->until, answers[i].until);
    int depth = decisive(query, answers);
    if (depth < 0)
        return;
    if (answers[depth].status == REVOCATION_UNKNOWN && query->check != REVOCATION_CHECK_OFF)
        result->unknown = unknown_of(answers, result->below_anchor);
    const char *reason = answers[depth].reason != NULL ? answers[depth].reason
                                                       : "cannot be checked for revocation: nothing knows about it";
    if (answers[depth].status == REVOCATION_UNKNOWN && query->check != REVOCATION_CHECK_HARD) {
        result->unchecked = query->check == REVOCATION_CHECK_SOFT ? reason : NULL;
        return;
    }
    result->status = answers[depth].status;
    result->depth = depth;
    const X509 *certificate = sk_X509_value(query->chain, depth);
    if (answers[depth].status == REVOCATION_REVOKED)
        path_explain_one(certificate, OUTCOME_FAIL, "is revoked", finding);
    else
        path_explain_one(certificate, OUTCOME_TEMPERROR, reason, finding);
}
