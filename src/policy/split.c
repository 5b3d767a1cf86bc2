/* SPDX-License-Identifier: Apache-2.0 */
/*
 * split: a message that no single form serves. Each recipient gets what a message to it alone would get; the MTA makes
 * the copies, and each of them comes back and is planned once more (design: the mail server splits, its queue keeps the
 * promise that each recipient gets one). So everything that could refuse a copy is asked here, before anything has
 * left.
 *
 * Where one form serves all, there is one copy, unless it would name a recipient of a blind copy in its RecipientInfos.
 */
#include "policy/plan.h"

#include "reason.h"

#include <string.h>

#define EXPLAIN(plan, ...) reason_set((plan)->reason, sizeof((plan)->reason), __VA_ARGS__)

bool policy_may_split(const struct plan_input *input)
{
    return input->conf->mixed_recipients == MIXED_SPLIT && input->least == NULL;
}

static size_t find_manner(struct plan *plan, const struct plan *alone)
{
    size_t i = 0;
    for (; i < plan->manner_count; i++) {
        const struct treatment *treatment = &plan->manners[i].treatment;
        if (treatment->sign == alone->treatment.sign && treatment->encrypt == alone->treatment.encrypt &&
            treatment->triple == alone->treatment.triple && treatment->sign_as == alone->treatment.sign_as &&
            wrapping_equal(&plan->manners[i].wrapping, &alone->wrapping, treatment))
            return i;
    }
    if ((i & (i - 1)) == 0)
        plan->manners = g_renew(struct manner, plan->manners, i != 0 ? i * 2 : 1);
    plan->manners[plan->manner_count++] = (struct manner){alone->treatment, alone->wrapping};
    return i;
}

/* Plans a message for this recipient alone. Returns false, with verdict and reason in plan, if it cannot be served. */
static bool plan_alone(const struct plan_input *input, size_t index, bool authentic, struct plan *plan)
{
    const struct outbound_decision *decision = &plan->recipients[index];
    struct plan_input one = *input;
    struct plan alone = {.direction = plan->direction,
                         .verdict = VERDICT_ACCEPT,
                         .treatment = {decision->sign, decision->encrypt, decision->triple, decision->sign_as}};
    one.recipients = &input->recipients[index];
    one.recipient_count = 1;
    if (alone.treatment.sign || alone.treatment.encrypt)
        policy_plan_layers(&one, authentic, &alone);
    if (alone.verdict == VERDICT_ACCEPT) {
        plan->shares[index].manner = find_manner(plan, &alone);
        plan->shares[index].opportunistic = decision->opportunistic && !alone.unwrapping.reencrypt;
        return true;
    }
    plan->verdict = alone.verdict;
    plan->failure = alone.failure;
    plan->culprit = index;
    EXPLAIN(plan, "%s: %s", one.recipients->text, alone.reason);
    if (alone.public_reason[0] != '\0')
        reason_set(plan->public_reason, sizeof(plan->public_reason), "%s: %s", one.recipients->text,
                   alone.public_reason);
    return false;
}

static const struct manner *manner_of(const struct plan *plan, size_t recipient)
{
    return &plan->manners[plan->shares[recipient].manner];
}

/* Copies for the same certificate are the same but for the key that encrypts them. */
static void number_forms(const struct plan_input *input, struct plan *plan)
{
    g_autoptr(GHashTable) forms = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t i = 0; i < plan->recipient_count; i++) {
        const char *id = manner_of(plan, i)->treatment.encrypt ? input->recipients[i].certificate_id : NULL;
        g_autofree char *key = g_strdup_printf("%zu %s", plan->shares[i].manner, id != NULL ? id : "");
        void *known = NULL;
        if (!g_hash_table_lookup_extended(forms, key, NULL, &known)) {
            known = GSIZE_TO_POINTER(plan->form_count++);
            g_hash_table_insert(forms, steal(&key), known);
        }
        plan->shares[i].form = GPOINTER_TO_SIZE(known);
    }
}

/* With one manner. A recipient that others know may be named to all; so may a certificate that all have. */
static bool discloses_someone(const struct plan_input *input, const struct plan *plan)
{
    g_autoptr(GHashTable) shown = g_hash_table_new(g_str_hash, g_str_equal);
    if (!plan->manners[0].treatment.encrypt || plan->form_count < 2)
        return false;
    for (size_t i = 0; i < input->recipient_count; i++)
        if (!input->recipients[i].hidden && input->recipients[i].certificate_id != NULL)
            g_hash_table_add(shown, (void *)input->recipients[i].certificate_id);
    for (size_t i = 0; i < input->recipient_count; i++) {
        const struct recipient_view *recipient = &input->recipients[i];
        if (recipient->hidden &&
            (recipient->certificate_id == NULL || !g_hash_table_contains(shown, recipient->certificate_id)))
            return true;
    }
    return false;
}

static void forget(struct plan *plan)
{
    g_free(plan->manners);
    g_free(plan->shares);
    plan->manners = NULL;
    plan->shares = NULL;
    plan->manner_count = plan->form_count = 0;
}

/* One recipient's manner, and then another one. */
static void explain(const struct plan_input *input, struct plan *plan)
{
    size_t other = 0;
    while (other < plan->recipient_count && plan->shares[other].manner == plan->shares[0].manner)
        other++;
    if (other == plan->recipient_count) {
        EXPLAIN(plan, "split: no recipient of a blind copy is named to another");
        return;
    }
    EXPLAIN(plan, "split: %s: %s; %s: %s", input->recipients[0].text, plan->recipients[0].reason,
            input->recipients[other].text, plan->recipients[other].reason);
}

void policy_split(const struct plan_input *input, bool authentic, struct plan *plan)
{
    plan->needs_split = false;
    if (policy_find_refusal(plan->recipients, input->recipients, input->recipient_count, plan))
        return;
    plan->verdict = VERDICT_ACCEPT;
    plan->shares = g_new0(struct share, input->recipient_count);
    bool served = true;
    for (size_t i = 0; i < input->recipient_count && served; i++)
        served = plan_alone(input, i, authentic, plan);
    if (served) {
        number_forms(input, plan);
        plan->needs_split = plan->manner_count > 1 || discloses_someone(input, plan);
    }
    if (plan->needs_split)
        explain(input, plan);
    else
        forget(plan);
}

void policy_split_alike(const struct plan_input *input, struct plan *plan)
{
    forget(plan);
    plan->manners = g_new0(struct manner, 1);
    plan->shares = g_new0(struct share, plan->recipient_count + 1);
    plan->manners[plan->manner_count++] = (struct manner){plan->treatment, plan->wrapping};
    for (size_t i = 0; i < plan->recipient_count; i++)
        plan->shares[i].opportunistic = plan->recipients[i].opportunistic && !plan->unwrapping.reencrypt;
    number_forms(input, plan);
    plan->treatment = (struct treatment){0};
    plan->needs_split = true;
}

/* --- one copy --- */

void policy_raise(const struct least *least, struct plan *plan)
{
    if (least->treatment.sign)
        plan->treatment.sign_as = plan->treatment.sign
                                      ? policy_sign_as_both(plan->treatment.sign_as, least->treatment.sign_as)
                                      : least->treatment.sign_as;
    plan->treatment.sign |= least->treatment.sign;
    plan->treatment.encrypt |= least->treatment.encrypt;
    plan->treatment.triple |= least->treatment.triple;
}

bool policy_is_due(const struct least *least)
{
    return least != NULL && (least->treatment.sign || least->treatment.encrypt || least->treatment.triple);
}

static bool lacks(const struct treatment *given, const struct treatment *due)
{
    return (due->sign && !given->sign) || (due->encrypt && !given->encrypt) || (due->triple && !given->triple);
}

void policy_hold(const struct least *least, struct plan *plan)
{
    if (least->is_planned && plan->verdict == VERDICT_REJECT)
        plan->verdict = VERDICT_TEMPFAIL;
    if (least->is_planned && (plan->failure == ERROR_PERMANENT || plan->failure == ERROR_TOO_LARGE))
        plan->failure = ERROR_TEMPORARY;
    if (plan->verdict == VERDICT_TEMPFAIL || plan->verdict == VERDICT_REJECT ||
        !lacks(&plan->treatment, &least->treatment))
        return;
    plan->verdict = VERDICT_TEMPFAIL;
    if (plan->direction == DIRECTION_INBOUND)
        EXPLAIN(plan, "protection was planned for this recipient, which now is in a local domain");
    else
        EXPLAIN(plan, "protection was planned for this recipient, and cannot be put on now");
}
