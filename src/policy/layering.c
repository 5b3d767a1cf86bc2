/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layering: how a treatment is carried out: what comes off first, how the layers are made, and whether every identity
 * and certificate for them is there.
 */
#include "policy/plan.h"

#include "reason.h"

void policy_fail(struct plan *plan, const struct error *error)
{
    plan->verdict = VERDICT_TEMPFAIL; /* the reply says what the kind of error makes of it */
    plan->failure = error->kind;
    plan->treatment = (struct treatment){0};
    reason_set(plan->reason, sizeof(plan->reason), "%s", error->text);
    g_strlcpy(plan->public_reason, error->said, sizeof(plan->public_reason));
}

/* The identities that the layers need, in the order in which a missing one is reported. */
static const struct error *missing_identity(const struct plan_input *input, const struct plan *plan)
{
    enum own signers[OWN_COUNT];
    size_t count = policy_signers(&plan->treatment, &plan->wrapping, signers);
    for (size_t i = 0; i < count; i++)
        if (input->own[signers[i]].kind != ERROR_NONE)
            return &input->own[signers[i]];
    if (plan->treatment.encrypt && plan->wrapping.encrypt_to_self && input->own[OWN_AUDITOR].kind != ERROR_NONE)
        return &input->own[OWN_AUDITOR];
    return NULL;
}

void policy_plan_layers(const struct plan_input *input, bool authentic, struct plan *plan)
{
    policy_unwrap(input->layers, authentic, &plan->unwrapping);
    if (!plan->treatment.sign && !plan->unwrapping.decrypted)
        plan->unwrapping.depth = 0; /* only a new signature takes the place of the mailing list agent's */
    plan->treatment.encrypt |= plan->unwrapping.reencrypt;
    for (size_t i = 0; i < input->recipient_count; i++) {
        const struct recipient_view *recipient = &input->recipients[i];
        for (size_t j = 0; j < recipient->claim_count && !recipient->local; j++)
            if (!policy_tests(recipient, recipient->claims[j].rule))
                wrapping_add(recipient->claims[j].rule, &recipient->capabilities, input->message, &plan->wrapping);
    }
    if (input->least != NULL)
        wrapping_raise(input->least, &plan->wrapping);
    const struct error *missing = missing_identity(input, plan);
    if (missing != NULL)
        policy_fail(plan, missing);
    for (size_t i = 0; i < input->recipient_count && plan->treatment.encrypt; i++) {
        struct error error = {0};
        if (input->recipients[i].certificate == FOUND)
            continue;
        error_set(&error, ERROR_CONFIGURATION, "no certificate for %s, whose copy must be encrypted",
                  input->recipients[i].text);
        policy_fail(plan, &error);
    }
}
