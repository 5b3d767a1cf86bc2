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

/* Each rule would be satisfied by itself, and no key satisfies all. */
static void refuse_signing(const struct plan_input *input, const struct error *error, struct plan *plan)
{
    enum mixed mixed = input->conf->mixed_recipients;
    bool several = input->recipient_count > 1;
    plan->verdict = several && mixed == MIXED_TEMPFAIL ? VERDICT_TEMPFAIL : VERDICT_REJECT;
    plan->treatment = (struct treatment){0};
    if (several)
        reason_set(plan->reason, sizeof(plan->reason),
                   "mixed_recipients = \"%s\": one copy serves all recipients, and %s; send it to each of them "
                   "separately",
                   mixed_name(mixed), error->text);
    else
        reason_set(plan->reason, sizeof(plan->reason), "%s", error->text);
}

/* Chooses the identities that the layers need. The first that is missing, in the order of the signatures, is reported.
 */
static void choose_identities(const struct plan_input *input, struct plan *plan)
{
    enum own signers[OWN_COUNT];
    size_t count = policy_signers(&plan->treatment, &plan->wrapping, signers);
    for (size_t i = 0; i < count; i++) {
        struct error error = {0};
        const struct own_view *own = &input->own[signers[i]];
        if (own_find(own, &plan->wrapping.sign_with, &plan->wrapping.chosen[signers[i]], &error))
            continue;
        if (own->missing.kind == ERROR_NONE && error.kind == ERROR_PERMANENT)
            refuse_signing(input, &error, plan);
        else
            policy_fail(plan, &error);
        return;
    }
    const struct error *no_auditor = &input->own[OWN_AUDITOR].missing;
    if (plan->treatment.encrypt && plan->wrapping.encrypt_to_self && no_auditor->kind != ERROR_NONE)
        policy_fail(plan, no_auditor);
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
    choose_identities(input, plan);
    for (size_t i = 0; i < input->recipient_count && plan->treatment.encrypt; i++) {
        struct error error = {0};
        if (input->recipients[i].certificate == FOUND)
            continue;
        error_set(&error, ERROR_CONFIGURATION, "no certificate for %s, whose copy must be encrypted",
                  input->recipients[i].text);
        policy_fail(plan, &error);
    }
}
