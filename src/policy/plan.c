/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: turns the facts about a message into the actions on it. It judges the layers, decides for each recipient
 * (outbound) or by each author's rule (inbound), and refuses an impossible action before anything is done. Every path
 * that does not reach the end of a plan defers or refuses the message.
 */
#include "policy/plan.h"

#include "reason.h"

#include <string.h>

#define EXPLAIN(plan, ...) reason_set((plan)->reason, sizeof((plan)->reason), __VA_ARGS__)

/* --- the originator, RFC 3183 §3.2 --- */

bool policy_is_authentic(const struct plan_input *input, const struct judgement *judgement, char *reason, size_t size)
{
    const struct originator *originator = input->originator;
    if (originator->fault[0] != '\0') {
        g_strlcpy(reason, originator->fault, size);
        return false;
    }
    /* Programs that decode names before they look for addresses would take our signature for another's. */
    if (originator->from.hides_another) {
        g_strlcpy(reason, originator->misleading, size);
        return false;
    }
    for (size_t i = 0; i < originator->from.count; i++)
        if (!conf_is_local_domain(input->conf, originator->from.list[i].domain)) {
            g_snprintf(reason, size, "From %s is not in local_domains", originator->from.list[i].text);
            return false;
        }
    g_strlcpy(reason, input->client->reason, size);
    if (input->client->trusted)
        return true;
    if (judgement == NULL || !judgement->originator_visible || judgement->originator.outcome != OUTCOME_PASS)
        return false;
    g_snprintf(reason, size, "originator's signature: %s", judgement->originator.reason);
    return true;
}

/* --- what leaves --- */

/* Encrypted by somebody else, as a whole: no plaintext can leave. What only says so (a media type, a file name) may
 * hold anything; of what is really encrypted the cipher is known, and one that keeps a secret is AES (RFC 8551 §2.7).
 */
static bool keeps_secret(const struct layer_facts *facts)
{
    return layer_is_encrypted(facts) && text_begins_with(facts->cipher, "aes-");
}

/* The first encryption around the whole message, to us or to others; NULL if there is no such layer. */
static const struct layer_facts *encryption(const struct layers_view *layers)
{
    for (size_t i = 0; i < layers->whole; i++)
        if (layer_is_encrypted(layers->list[i].facts))
            return layers->list[i].facts;
    return NULL;
}

/* A single part suffices to hide something. */
static bool is_unreadable(const struct layers_view *layers, const struct judgement *judgement)
{
    for (size_t i = layers->whole; i < layers->count; i++)
        if (layer_is_encrypted(layers->list[i].facts))
            return true;
    return judgement->undecryptable;
}

/* The originator would be authentic if a signature that could not be checked now had turned out good. Not if it may be
 * encrypted to us: a stranger must not learn whether our key opens the message. */
static bool may_be_authentic(const struct plan_input *input, const struct judgement *judgement)
{
    char ignored[720];
    struct judgement hoped = {.originator = {.outcome = OUTCOME_PASS}, .originator_visible = true};
    return judgement->originator.outcome == OUTCOME_TEMPERROR && encryption(input->layers) == NULL &&
           policy_is_authentic(input, &hoped, ignored, sizeof(ignored));
}

static void gather_facts(const struct plan_input *input, const struct judgement *judgement, bool authentic,
                         struct outbound_facts *facts)
{
    const struct layers_view *layers = input->layers;
    const struct layer_facts *encrypted = encryption(layers);
    if (judgement->bad_signature[0] != '\0')
        facts->bad_signature = judgement->bad_signature;
    facts->originator_authentic = authentic;
    if (authentic && judgement->bad_for_now)
        facts->unchecked = judgement->bad_signature;
    else if (!authentic && may_be_authentic(input, judgement))
        facts->unchecked = judgement->originator.reason;
    facts->signed_by_author = judgement->originator.outcome == OUTCOME_PASS;
    facts->encrypted_to_us = encrypted != NULL;
    facts->proof = input->client->proof;
    facts->own = input->own;
    if (!input->client->proves_author)
        facts->no_mailbox = input->client->proof;
    facts->unreadable = is_unreadable(layers, judgement);
    facts->already_encrypted =
        judgement->undecryptable && keeps_secret(layers->list[layers->whole - 1].facts); /* one of them is shut */
    /* Layers are not removed for strangers, who must not learn whether our key could decrypt. */
    if (!authentic && encrypted != NULL) {
        facts->unreadable = true;
        facts->already_encrypted = keeps_secret(encrypted);
    }
}

/* Every one of a recipient's rules has to be satisfied; those of policies in test mode only in theory. */
static void decide_recipient(const struct plan_input *input, size_t index, struct outbound_facts *facts,
                             struct plan *plan)
{
    const struct recipient_view *recipient = &input->recipients[index];
    struct outbound_decision *decision = &plan->recipients[index];
    bool is_decided[] = {false, false}; /* in force, in test mode */
    facts->local_recipient = recipient->local;
    facts->unclear = recipient->unclear;
    facts->undecided = recipient->undecided;
    facts->certificate = recipient->certificate;
    facts->certificate_reason = recipient->certificate_reason;
    for (size_t i = 0; i < recipient->claim_count; i++) {
        const struct claim *claim = &recipient->claims[i];
        bool tests = policy_tests(recipient, claim->rule);
        struct outbound_decision one, *all = tests ? plan_tested(plan, index) : decision;
        facts->reviewed = policy_reviewed(input->layers, &plan->judgement, claim->reviewers);
        facts->may_be_reviewed = policy_may_be_reviewed(input->layers, &plan->judgement, claim->reviewers);
        policy_outbound(claim->rule, facts, &one);
        if (is_decided[tests])
            policy_stricter(&one, all);
        else
            *all = one;
        is_decided[tests] = true;
    }
    if (!is_decided[false] && is_decided[true])
        policy_leave_alone(input, plan_tested(plan, index), decision);
}

static void decide_recipients(const struct plan_input *input, const char *authentic_reason,
                              struct outbound_facts *facts, struct plan *plan)
{
    facts->originator_reason = authentic_reason;
    for (size_t i = 0; i < input->recipient_count; i++)
        decide_recipient(input, i, facts, plan);
    plan->is_test = policy_only_tests(input, DIRECTION_OUTBOUND);
}

static void plan_leaving(const struct plan_input *input, struct plan *plan)
{
    char reason[720] = "";
    struct outbound_facts facts = {0};
    bool authentic = policy_is_authentic(input, &plan->judgement, reason, sizeof(reason));
    gather_facts(input, &plan->judgement, authentic, &facts);
    decide_recipients(input, reason, &facts, plan);
    if (policy_may_split(input) && input->recipient_count > 1) {
        policy_split(input, authentic, plan);
        if (plan->verdict != VERDICT_ACCEPT || plan->needs_split)
            return;
    }
    policy_combine(input->conf->mixed_recipients, plan->recipients, input->recipients, input->recipient_count, plan);
    if (input->least != NULL && plan->verdict == VERDICT_ACCEPT)
        policy_raise(input->least, plan);
    if (plan->treatment.sign || plan->treatment.encrypt)
        policy_plan_layers(input, authentic, plan);
}

/* --- what arrives --- */

/* Only if each author's rule says so. */
static bool removes_originators(const struct authors *authors)
{
    bool removes = authors->count > 0;
    for (size_t i = 0; i < authors->count; i++)
        removes &= policy_rule(authors->partners[i])->inbound.originator_signatures == ORIGINATOR_SIGNATURES_REMOVE;
    return removes;
}

/* Done whether or not a decryption has failed. */
static void foresee_endings(const struct plan_input *input, bool originators, struct plan *plan)
{
    struct judgement judgement;
    policy_judge(input->if_opened, input->originator, input->authors, &judgement);
    plan->ending_count = policy_endings(input->if_opened, &judgement, originators, &plan->endings);
    judgement_clear(&judgement);
}

/* Judges the message once more, as if it had not been decrypted. layers: becomes what is seen of it then, in list
 * (g_free()). */
static void shut_malleable(const struct plan_input *input, struct layers_view *layers, struct layer_view **list,
                           struct error *error, struct plan *plan)
{
    size_t i = 0;
    while (i + 1 < layers->whole && (!layers->list[i].facts->attempted || layers->list[i].facts->authenticated))
        i++;
    *list = g_memdup2(layers->list, (i + 1) * sizeof(**list));
    error_set(error, ERROR_PERMANENT,
              "encrypted without protection against changes (%s), which the rule accepts only around the signature "
              "that it requires",
              layers->list[i].facts->cipher);
    (*list)[i].opened = OPENED_FAILED;
    (*list)[i].error = error;
    (*list)[i].has_content = false;
    (*list)[i].identity = NULL;
    *layers = (struct layers_view){.list = *list, .count = i + 1, .whole = i + 1};
    judgement_clear(&plan->judgement);
    policy_judge(layers, input->originator, input->authors, &plan->judgement);
    plan->judgement.domain_counts = plan->judgement.originator_counts = false; /* outside the encryption */
}

static void plan_arriving(const struct plan_input *input, const struct layers_view *all, struct plan *plan)
{
    g_autofree struct layer_view *list = NULL;
    struct layers_view layers = *all;
    struct error error = {0};
    plan->internal = plan->client_is_ours;
    plan->restores_from = PLAN_RESTORES_NONE;
    if (plan->internal) {
        plan->verdict = VERDICT_ACCEPT;
        EXPLAIN(plan, "from our own client to our own domains");
    } else {
        if (policy_shuts_malleable(input->authors, &plan->judgement))
            shut_malleable(input, &layers, &list, &error, plan);
        policy_arriving(input, &layers, &plan->judgement, plan);
    }
    if (plan->is_test)
        return;
    bool originators = !plan->internal && removes_originators(input->authors);
    plan->removable = policy_removable(&layers, &plan->judgement, originators);
    if (plan->judgement.malleable)
        foresee_endings(input, originators, plan);
}

/* --- what arrives for us and for others at once --- */

static bool serves_local(const struct plan_input *input)
{
    for (size_t i = 0; i < input->recipient_count; i++)
        if (input->recipients[i].arrives)
            return true;
    return false;
}

/* Returns true if our key was used, whether it opened the layer or not. */
static bool is_encrypted_to_us(const struct layers_view *layers)
{
    for (size_t i = 0; i < layers->whole; i++)
        if (layers->list[i].facts->attempted)
            return true;
    return false;
}

/* Our own signature depends on content that only our key shows, which must not appear in a stranger's reply: inbound,
 * no such part is opened. */
static struct layer_view as_arriving(const struct layer_view *layer)
{
    struct layer_view seen = *layer;
    seen.hidden = layer->by_our_key;
    if (layer->partial && layer->facts->attempted)
        seen.opened = OPENED_NO_KEY;
    return seen;
}

/* An external recipient must not be a way around the rules for our own recipients: a stranger's message for both is
 * judged as inbound, too. Content that was encrypted to us is not opened for others. */
static void judge_arrival_too(const struct plan_input *input, struct plan *plan)
{
    struct plan arriving = {.direction = DIRECTION_INBOUND, .client_is_ours = plan->client_is_ours};
    g_autofree struct layer_view *seen = g_new0(struct layer_view, input->layers->count + 1);
    struct layers_view layers = *input->layers;
    layers.list = seen;
    for (size_t i = 0; i < layers.count; i++)
        seen[i] = as_arriving(&input->layers->list[i]);
    policy_judge(&layers, input->originator, input->authors, &arriving.judgement);
    plan_arriving(input, &layers, &arriving);
    bool leaves_protected = plan->treatment.sign || plan->treatment.encrypt;
    if (arriving.verdict == VERDICT_ACCEPT && leaves_protected) {
        plan_clear(&arriving);
        return;
    }
    bool refuses = arriving.verdict == VERDICT_REJECT || arriving.verdict == VERDICT_TEMPFAIL;
    bool splits = policy_may_split(input) && input->recipient_count > 1;
    if (splits && !refuses && (plan->needs_split || is_encrypted_to_us(input->layers))) {
        plan_clear(&arriving);
        if (!plan->needs_split)
            policy_split_alike(input, plan);
        return;
    }
    if (is_encrypted_to_us(input->layers) && !splits) {
        arriving.verdict = input->conf->mixed_recipients == MIXED_TEMPFAIL ? VERDICT_TEMPFAIL : VERDICT_REJECT;
        arriving.public_reason[0] = '\0';
        EXPLAIN(
            &arriving,
            "encrypted to this gateway, and addressed to other domains as well; send it to each recipient separately");
    }
    arriving.recipients = g_steal_pointer(&plan->recipients);
    arriving.recipient_count = plan->recipient_count;
    plan_clear(plan);
    *plan = arriving;
}

/* --- both --- */

bool recipient_wants(const struct recipient_view *recipient, bool (*asks)(const struct rule *rule))
{
    for (size_t i = 0; i < recipient->claim_count; i++)
        if (!recipient->local && asks(recipient->claims[i].rule))
            return true;
    return false;
}

/* How a name in From misleads its readers is for the partner to judge, as long as it hides no author. */
static void judge_leaving(const struct plan_input *input, struct judgement *judgement)
{
    struct originator originator = *input->originator;
    if (!originator.from.hides_another)
        originator.misleading[0] = '\0';
    policy_judge(input->layers, &originator, input->authors, judgement);
}

/* Nothing comes off for strangers: a lookup would show them what our key opens. */
static bool may_reencrypt(const struct plan_input *input)
{
    char ignored[720];
    struct judgement judgement;
    struct unwrapping unwrapping;
    judge_leaving(input, &judgement);
    policy_unwrap(input->layers, policy_is_authentic(input, &judgement, ignored, sizeof(ignored)), &unwrapping);
    judgement_clear(&judgement);
    return unwrapping.reencrypt;
}

bool policy_wants_certificates(const struct plan_input *input)
{
    if (input->least != NULL && input->least->treatment.encrypt)
        return true;
    for (size_t i = 0; i < input->recipient_count; i++)
        if (recipient_wants(&input->recipients[i], policy_encrypts))
            return true;
    return may_reencrypt(input);
}

/* An alias among our own addresses may lead outside, and only a copy that comes back shows it. */
static bool may_lead_outside(const struct plan_input *input)
{
    return policy_may_split(input) && input->conf->split.aliases && input->client->trusted && serves_local(input);
}

static void plan_by_direction(const struct plan_input *input, struct plan *plan)
{
    if (input->direction == DIRECTION_INBOUND) {
        policy_judge(input->layers, input->originator, input->authors, &plan->judgement);
        plan_arriving(input, input->layers, plan);
        return;
    }
    judge_leaving(input, &plan->judgement);
    plan_leaving(input, plan);
    if (plan->verdict == VERDICT_ACCEPT && serves_local(input) && !plan->client_is_ours)
        judge_arrival_too(input, plan);
}

/* A message that cannot be worked on, and for which nothing is to be done. */
static void let_go(struct plan *plan)
{
    g_autofree char *why = g_strdup(plan->reason);
    plan->is_test = true;
    plan->verdict = VERDICT_ACCEPT;
    plan->failure = ERROR_NONE;
    plan->public_reason[0] = '\0';
    EXPLAIN(plan, "mode = \"test\": nothing is done; in force: %s", why);
}

void policy_plan(const struct plan_input *input, struct plan *plan)
{
    char ignored[720];
    *plan = (struct plan){.direction = input->direction, .verdict = VERDICT_TEMPFAIL};
    plan->recipient_count = input->recipient_count;
    plan->recipients = g_new0(struct outbound_decision, input->recipient_count + 1);
    plan->client_is_ours = policy_is_authentic(input, NULL, ignored, sizeof(ignored));
    if (input->failure->kind != ERROR_NONE) {
        judgement_init(&plan->judgement);
        policy_fail(plan, input->failure);
        bool arrives_too = input->direction == DIRECTION_OUTBOUND && serves_local(input) && !plan->client_is_ours;
        if (policy_only_tests(input, input->direction) && !arrives_too && !policy_is_due(input->least))
            let_go(plan);
    } else {
        plan_by_direction(input, plan);
    }
    if (plan->verdict == VERDICT_ACCEPT && !plan->needs_split && may_lead_outside(input))
        policy_split_alike(input, plan);
    if (input->least != NULL)
        policy_hold(input->least, plan);
}

void plan_clear(struct plan *plan)
{
    judgement_clear(&plan->judgement);
    g_free(plan->recipients);
    g_free(plan->tested);
    g_free(plan->endings);
    g_free(plan->manners);
    g_free(plan->shares);
    *plan = (struct plan){0};
}
