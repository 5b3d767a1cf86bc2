/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arriving: applies the rules of the authors to a message that arrives. It turns the judgement into the facts that
 * each rule needs, and combines their decisions: the most severe counts, but a message that is only delayed is not
 * rejected.
 */
#include "policy/matching.h"

#include "reason.h"

#include <string.h>

#define OUTSIDE "it is outside the encryption, which does not protect against changes"
#define NOT_ENCRYPTED "the message is not encrypted to this gateway"

/* hoping: as if what could not be checked now had turned out good. RFC 3183 §3.2: a good domain signature authenticates
 * the message; one that does not hold is not outweighed by an originator's inside it. */
static bool signed_as_required(const struct rule *rule, const struct judgement *judgement, bool hoping)
{
    const struct finding *domain = &judgement->domain, *originator = &judgement->originator;
    bool domain_broken = !finding_holds(domain, hoping) && outcome_is_worse(domain->outcome, OUTCOME_NEUTRAL);
    return policy_signed_ok(rule, finding_holds(domain, hoping) && judgement->domain_counts,
                            finding_holds(originator, hoping) && judgement->originator_counts && !domain_broken);
}

/* Even where the rule requires no signature: what such signatures cover begins inside this many layers. */
static size_t restores_from(const struct rule *rule, const struct layers_view *layers,
                            const struct judgement *judgement)
{
    struct counting counting;
    if (rule->inbound.protected_headers != PROTECTED_HEADERS_RESTORE || !signed_as_required(rule, judgement, false))
        return PLAN_RESTORES_NONE;
    for (size_t depth = 1; depth <= layers->whole; depth++) {
        policy_count(layers, judgement, depth, false, &counting);
        if (policy_signed_ok(rule, counting.domain, counting.originator))
            return depth;
    }
    return PLAN_RESTORES_NONE;
}

/* The fault of the signature that the rule requires, never the merit of another one. */
static const char *sign_reason(const struct rule *rule, const struct finding *domain, const struct finding *originator)
{
    bool domain_broken = outcome_is_worse(domain->outcome, OUTCOME_NEUTRAL);
    const struct finding *wrong = originator;
    if (rule->inbound.signed_by == SIGNED_BY_ANY && domain->outcome == OUTCOME_NONE &&
        originator->outcome == OUTCOME_NONE)
        return "neither the domain's nor the originator's";
    switch (rule->inbound.signed_by) {
    case SIGNED_BY_DOMAIN:
        wrong = domain;
        break;
    case SIGNED_BY_ORIGINATOR:
        wrong = domain_broken ? domain : originator;
        break;
    case SIGNED_BY_BOTH:
        wrong = domain->outcome != OUTCOME_PASS ? domain : originator;
        break;
    case SIGNED_BY_ANY:
        wrong = domain_broken || originator->outcome == OUTCOME_NONE ? domain : originator;
        break;
    }
    return wrong->outcome == OUTCOME_PASS ? OUTSIDE : wrong->reason;
}

static const char *encrypt_reason(const struct judgement *judgement)
{
    if (judgement->undecryptable)
        return judgement->undecryptable_reason;
    return judgement->weakly_encrypted ? "the cipher is weak" : NOT_ENCRYPTED;
}

static void decide_by(const struct rule *rule, const struct layers_view *layers, const struct judgement *judgement,
                      struct inbound_decision *decision)
{
    char label_reason[320] = "";
    bool sign_due = policy_requires_signature(rule);
    struct inbound_facts facts = {
        .signed_ok = signed_as_required(rule, judgement, false),
        .encrypted_ok = (judgement->decrypted || judgement->spoiled) && !judgement->weakly_encrypted,
        .undecryptable = judgement->undecryptable && !judgement->spoiled,
        .encrypted_part = judgement->encrypted_part,
        .sign_reason = sign_reason(rule, &judgement->domain, &judgement->originator),
        .encrypt_reason = encrypt_reason(judgement),
    };
    /* True if a later check could succeed; of the labels only where no signature is required. */
    facts.failed_temporarily = sign_due && !facts.signed_ok && signed_as_required(rule, judgement, true);
    if (labels_are_refused(rule, layers, judgement, false, label_reason, sizeof(label_reason))) {
        facts.label_reason = label_reason;
        facts.failed_temporarily |=
            !sign_due && !labels_are_refused(rule, layers, judgement, true, label_reason, sizeof(label_reason));
    }
    policy_inbound(rule, &facts, decision);
}

bool policy_shuts_malleable(const struct authors *authors, const struct judgement *judgement)
{
    for (size_t i = 0; i < authors->count && judgement->malleable; i++) {
        const struct rule *rule = policy_rule(authors->partners[i]);
        if (policy_counts(authors, i) && rule->inbound.malleable != MALLEABLE_ACCEPT &&
            !signed_as_required(rule, judgement, true))
            return true;
    }
    return false;
}

static unsigned severity(const struct inbound_decision *decision)
{
    switch (decision->verdict) {
    case VERDICT_ACCEPT:
        return decision->met ? 0 : 1;
    case VERDICT_QUARANTINE:
        return 2;
    case VERDICT_REJECT:
        return 3;
    case VERDICT_TEMPFAIL:
        break;
    }
    return 4; /* an unknown verdict defers */
}

/* Optional, for people to read. The mark of the first author whose rule has one; a rule that is not met comes before
 * every rule that is met. */
struct marks {
    const char *verified, *unverified;
};

static void add_mark(struct marks *marks, const struct rule *rule, bool met)
{
    const struct inbound_rule *inbound = &rule->inbound;
    if (!met && marks->unverified == NULL)
        marks->unverified = inbound->subject_unverified;
    else if (met && inbound->require != REQUIRE_NONE && marks->verified == NULL)
        marks->verified = inbound->subject_verified;
}

/* The first decision of all is taken as it is. */
static void add_worse(struct inbound_decision *worst, size_t *count, const struct inbound_decision *decision)
{
    if ((*count)++ == 0 || severity(decision) > severity(worst))
        *worst = *decision;
}

/* Only policies in test mode apply. */
static void leave_alone(struct plan *plan)
{
    const struct inbound_decision *tested = &plan->tested_arrival;
    plan->met = true;
    plan->restores_from = PLAN_RESTORES_NONE;
    plan->verdict = VERDICT_ACCEPT;
    reason_set(plan->reason, sizeof(plan->reason), "mode = \"test\": nothing is done; in force: %s: %s",
               verdict_name(tested->verdict), tested->reason);
}

void policy_arriving(const struct plan_input *input, const struct layers_view *layers,
                     const struct judgement *judgement, struct plan *plan)
{
    const struct authors *authors = input->authors;
    struct inbound_decision worst = {.verdict = VERDICT_TEMPFAIL, .reason = "no rule applies"};
    size_t enforced = 0, tested = 0;
    struct marks marks = {0};
    plan->met = authors->count > 0;
    plan->restores_from = authors->count > 0 ? 0 : PLAN_RESTORES_NONE;
    plan->is_test = policy_only_tests(input, DIRECTION_INBOUND);
    for (size_t i = 0; i < authors->count; i++) {
        const struct rule *rule = policy_arriving_rule(authors->partners[i], input->facts);
        struct inbound_decision decision = {0};
        decide_by(rule, layers, judgement, &decision);
        if (rule->partner->mode == MODE_TEST) {
            add_worse(&plan->tested_arrival, &tested, &decision);
            continue;
        }
        plan->met &= decision.met;
        size_t from = decision.met ? restores_from(rule, layers, judgement) : PLAN_RESTORES_NONE;
        plan->restores_from = MAX(plan->restores_from, from);
        add_mark(&marks, rule, decision.met);
        add_worse(&worst, &enforced, &decision);
    }
    if (plan->is_test) {
        leave_alone(plan);
        return;
    }
    plan->mark = plan->met ? marks.verified : marks.unverified;
    plan->verdict = worst.verdict;
    g_strlcpy(plan->reason, worst.reason, sizeof(plan->reason));
    if (judgement->malleable && (worst.verdict == VERDICT_REJECT || worst.verdict == VERDICT_TEMPFAIL))
        g_strlcpy(plan->public_reason, "the encrypted message does not meet the requirements of this gateway",
                  sizeof(plan->public_reason));
}
