/* SPDX-License-Identifier: Apache-2.0 */
/*
 * testing: policies with mode = "test" decide and do nothing. What they decide is kept apart from what is done, and
 * never makes a message better or worse. Where a policy in force applies beside one, it is carried out as if it were
 * alone.
 */
#include "policy/plan.h"

#include "reason.h"

bool policy_tests(const struct recipient_view *recipient, const struct rule *rule)
{
    bool is_clear = recipient->unclear == UNCLEAR_NOT ||
                    (recipient->unclear == UNCLEAR_RULE && recipient->undecided->partner->mode == MODE_TEST);
    return rule->partner->mode == MODE_TEST && is_clear && !recipient->local;
}

static bool authors_only_test(const struct authors *authors)
{
    for (size_t i = 0; i < authors->count; i++)
        if (authors->partners[i]->mode != MODE_TEST)
            return false;
    return authors->count > 0;
}

bool policy_counts(const struct authors *authors, size_t index)
{
    return authors->partners[index]->mode != MODE_TEST || authors_only_test(authors);
}

bool policy_only_tests(const struct plan_input *input, enum direction direction)
{
    size_t tested = 0;
    if (direction == DIRECTION_INBOUND)
        return authors_only_test(input->authors);
    for (size_t i = 0; i < input->recipient_count; i++) {
        const struct recipient_view *recipient = &input->recipients[i];
        for (size_t j = 0; j < recipient->claim_count && !recipient->local; j++) {
            if (!policy_tests(recipient, recipient->claims[j].rule))
                return false;
            tested++;
        }
    }
    return tested > 0;
}

struct outbound_decision *plan_tested(struct plan *plan, size_t recipient)
{
    if (plan->tested == NULL)
        plan->tested = g_new0(struct outbound_decision, plan->recipient_count + 1);
    return &plan->tested[recipient];
}

const char *policy_treatment_name(const struct outbound_decision *decision)
{
    if (decision->verdict != VERDICT_ACCEPT)
        return verdict_name(decision->verdict);
    if (decision->triple)
        return protect_name(PROTECT_TRIPLE);
    if (decision->sign && decision->encrypt)
        return protect_name(PROTECT_SIGN_ENCRYPT);
    if (decision->sign || decision->encrypt)
        return protect_name(decision->sign ? PROTECT_SIGN : PROTECT_ENCRYPT);
    return protect_name(PROTECT_NONE);
}

void policy_leave_alone(const struct plan_input *input, const struct outbound_decision *tested,
                        struct outbound_decision *decision)
{
    const struct error *missing = &input->own[OWN_DOMAIN].missing;
    *decision = (struct outbound_decision){.verdict = VERDICT_ACCEPT};
    reason_set(decision->reason, sizeof(decision->reason), "mode = \"test\": nothing is done; in force: %s%s%s",
               policy_treatment_name(tested), tested->sign && missing->kind != ERROR_NONE ? ", but " : "",
               tested->sign && missing->kind != ERROR_NONE ? missing->text : "");
}
