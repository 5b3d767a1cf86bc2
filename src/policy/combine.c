/* SPDX-License-Identifier: Apache-2.0 */
/*
 * combine: one treatment for all recipients of a message that is not split. A recipient may get more than its rule
 * asks, never less: a message that one of them must have encrypted leaves encrypted for all, or not at all.
 */
#include "policy/plan.h"

#include "reason.h"

#define EXPLAIN(plan, ...) reason_set((plan)->reason, sizeof((plan)->reason), __VA_ARGS__)

static bool is_tempfail(const struct outbound_decision *decision)
{
    return decision->verdict != VERDICT_ACCEPT && decision->verdict != VERDICT_REJECT; /* an unknown one too */
}

static bool is_reject(const struct outbound_decision *decision)
{
    return decision->verdict == VERDICT_REJECT;
}

static void refuse(struct plan *plan, enum verdict verdict, size_t culprit)
{
    plan->verdict = verdict;
    plan->culprit = culprit;
    plan->treatment = (struct treatment){0};
}

/* The first recipient whose decision fits. */
static bool refuse_first(const struct outbound_decision *decisions, const struct recipient_view *recipients,
                         size_t count, bool (*fits)(const struct outbound_decision *decision), enum verdict verdict,
                         struct plan *plan)
{
    for (size_t i = 0; i < count; i++) {
        if (!fits(&decisions[i]))
            continue;
        refuse(plan, verdict, i);
        EXPLAIN(plan, "%s: %s", recipients[i].text, decisions[i].reason);
        return true;
    }
    return false;
}

bool policy_find_refusal(const struct outbound_decision *decisions, const struct recipient_view *recipients,
                         size_t count, struct plan *plan)
{
    return refuse_first(decisions, recipients, count, is_tempfail, VERDICT_TEMPFAIL, plan) ||
           refuse_first(decisions, recipients, count, is_reject, VERDICT_REJECT, plan);
}

/* An encrypting decision is above every other, and one that demands it above one that does not. */
static unsigned strictness(const struct outbound_decision *decision)
{
    unsigned encrypts = decision->opportunistic ? 2 : 4;
    return (decision->encrypt ? encrypts : 0) + (decision->sign ? 1 : 0) + (decision->triple ? 8 : 0);
}

enum sign_as policy_sign_as_both(enum sign_as a, enum sign_as b)
{
    return a == b ? a : SIGN_AS_BOTH;
}

void policy_stricter(const struct outbound_decision *other, struct outbound_decision *decision)
{
    const struct outbound_decision both[] = {*decision, *other};
    static bool (*const refusals[])(const struct outbound_decision *decision) = {is_tempfail, is_reject};
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++)
        for (size_t j = 0; j < G_N_ELEMENTS(both); j++)
            if (refusals[i](&both[j])) {
                *decision = both[j];
                return;
            }
    *decision = both[strictness(&both[1]) > strictness(&both[0]) ? 1 : 0];
    decision->sign = both[0].sign || both[1].sign; /* the stricter one has all else that either has */
    if (both[0].sign && both[1].sign)
        decision->sign_as = policy_sign_as_both(both[0].sign_as, both[1].sign_as);
    else
        decision->sign_as = both[both[1].sign ? 1 : 0].sign_as;
}

/* Combines everything that any rule requires. Returns the recipient whose rule requires most. */
static size_t combine(const struct outbound_decision *decisions, size_t count, struct plan *plan)
{
    size_t strictest = 0;
    for (size_t i = 0; i < count; i++) {
        if (decisions[i].sign)
            plan->treatment.sign_as = plan->treatment.sign
                                          ? policy_sign_as_both(plan->treatment.sign_as, decisions[i].sign_as)
                                          : decisions[i].sign_as;
        plan->treatment.sign |= decisions[i].sign;
        plan->treatment.encrypt |= decisions[i].encrypt;
        plan->treatment.triple |= decisions[i].triple;
        if (strictness(&decisions[i]) > strictness(&decisions[strictest]))
            strictest = i;
    }
    return strictest;
}

/* Whom an encrypted copy may not serve: first one whose lookup failed, then one without a certificate. Returns count if
 * it serves all. */
static size_t find_unserved(const struct recipient_view *recipients, size_t count)
{
    size_t unserved = count;
    for (size_t i = 0; i < count; i++) {
        if (recipients[i].certificate == FOUND)
            continue;
        if (recipients[i].certificate != FOUND_NONE)
            return i;
        unserved = MIN(unserved, i);
    }
    return unserved;
}

/* One copy serves all, and the strictest decision encrypts it. */
static void serve_unserved(enum mixed mixed, const struct outbound_decision *strictest, const char *strictest_name,
                           const struct recipient_view *unserved, struct plan *plan)
{
    if (unserved->certificate != FOUND_NONE) { /* never "none": with a certificate, the copy would serve all */
        g_autofree char *why = reason_detail(unserved->certificate_reason);
        plan->verdict = VERDICT_TEMPFAIL;
        EXPLAIN(plan, "%s: the certificate could not be looked up%s, and one copy serves %s, too (%s)", unserved->text,
                why, strictest_name, strictest->reason);
    } else if (strictest->opportunistic) {
        plan->treatment.encrypt = false;
        EXPLAIN(plan, "not encrypted, since one copy serves all and %s has no certificate; %s: %s", unserved->text,
                strictest_name, strictest->reason);
    } else {
        plan->needs_split = true;
        plan->verdict = mixed == MIXED_REJECT ? VERDICT_REJECT : VERDICT_TEMPFAIL;
        EXPLAIN(
            plan,
            "mixed_recipients = \"%s\": %s has no certificate, and %s must receive the message encrypted (%s); send it "
            "to each of them separately",
            mixed_name(mixed), unserved->text, strictest_name, strictest->reason);
    }
}

void policy_combine(enum mixed mixed, const struct outbound_decision *decisions,
                    const struct recipient_view *recipients, size_t count, struct plan *plan)
{
    plan->treatment = (struct treatment){0};
    plan->needs_split = false;
    if (count == 0) {
        refuse(plan, VERDICT_TEMPFAIL, 0);
        EXPLAIN(plan, "the message has no recipients");
        return;
    }
    if (policy_find_refusal(decisions, recipients, count, plan))
        return;
    plan->verdict = VERDICT_ACCEPT;
    size_t strictest = combine(decisions, count, plan);
    EXPLAIN(plan, "%s: %s", recipients[strictest].text, decisions[strictest].reason);
    size_t unserved = plan->treatment.encrypt ? find_unserved(recipients, count) : count;
    if (unserved == count)
        return;
    serve_unserved(mixed, &decisions[strictest], recipients[strictest].text, &recipients[unserved], plan);
    if (plan->verdict != VERDICT_ACCEPT)
        refuse(plan, plan->verdict, unserved);
}
