/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layers: judges the layers of a message one by one and sums them up in two results, the domain's and the person's;
 * says which layers come off, inbound and outbound. A failed check is never hidden by a good one.
 */
#include "policy/layers.h"

#include "signature.h"

#include <string.h>

/* --- one layer --- */

/* The first reason stays, but a signature that is bad outranks one that could not be checked now. */
static void note_bad(struct judgement *judgement, bool for_now, const char *reason)
{
    bool is_first = judgement->bad_signature[0] == '\0';
    if (!is_first && (for_now || !judgement->bad_for_now))
        return;
    g_strlcpy(judgement->bad_signature, reason, sizeof(judgement->bad_signature));
    judgement->bad_for_now = for_now;
}

static void note_bad_finding(struct judgement *judgement, const struct finding *finding)
{
    if (finding->outcome != OUTCOME_PASS)
        note_bad(judgement, finding->outcome == OUTCOME_TEMPERROR, finding->reason);
}

static void note_bad_signature(struct judgement *judgement, const struct layer_view *view,
                               const struct judged_layer *judged)
{
    if (view->opened == OPENED && view->facts->signer_count > 0)
        note_bad_finding(judgement, &judged->finding);
}

static void judge_decrypted(const struct layer_view *view, struct judged_layer *judged)
{
    const struct layer_facts *facts = view->facts;
    finding_set(&judged->finding, facts->weak ? OUTCOME_POLICY : OUTCOME_PASS, "decrypted with the key of %s%s%s%s",
                view->identity != NULL ? view->identity : "this gateway", facts->weak ? "; weak cipher " : "",
                facts->weak ? facts->cipher : "",
                facts->authenticated ? "" : "; the encryption does not protect against changes");
    if (view->encrypter.outcome != OUTCOME_PASS)
        judged->finding = view->encrypter;
}

static void judge_opened(const struct layer_view *view, const struct originator *originator,
                         const struct authors *authors, struct judgement *judgement, struct judged_layer *judged)
{
    judged->holds = true;
    if (view->facts->type == LAYER_SIGNED) {
        signature_judge(view, originator, authors, judged);
        for (size_t i = 0; i < view->facts->signer_count; i++)
            judged->holds &= view->facts->signers[i].valid;
        note_bad_signature(judgement, view, judged);
    } else if (view->facts->type == LAYER_COMPRESSED) {
        finding_set(&judged->finding, OUTCOME_NONE, "compressed, opened");
    } else {
        judgement->decrypted = true;
        judge_decrypted(view, judged);
    }
}

/* The layer, or the entity inside it, cannot be read. */
static void judge_shut(const struct layer_view *view, struct judgement *judgement, struct judged_layer *judged)
{
    bool encrypted = layer_is_encrypted(view->facts);
    bool no_key = view->opened == OPENED_NO_KEY;
    judged->holds = false;
    if (no_key) {
        finding_set(&judged->finding, OUTCOME_NEUTRAL, "%s", view->error->said);
    } else if (view->error->kind != ERROR_PERMANENT) {
        finding_set(&judged->finding, OUTCOME_TEMPERROR, "%s", view->error->said);
    } else {
        finding_set(&judged->finding, encrypted ? OUTCOME_FAIL : OUTCOME_PERMERROR, "%s", view->error->said);
        judged->shut = !encrypted;
        if (!encrypted) /* whether the signatures in it hold is not known then */
            note_bad(judgement, false, view->error->said);
    }
    judgement->spoiled |= encrypted && !no_key && judgement->malleable;
    if (encrypted) {
        judgement->undecryptable = true;
        g_strlcpy(judgement->undecryptable_reason, judged->finding.reason, sizeof(judgement->undecryptable_reason));
    }
}

static void judge_whole(const struct layer_view *view, const struct originator *originator,
                        const struct authors *authors, struct judgement *judgement, struct judged_layer *judged)
{
    judgement->weakly_encrypted |= view->facts->attempted && view->facts->weak;
    if (view->opened == OPENED)
        judge_opened(view, originator, authors, judgement, judged);
    if (view->opened != OPENED || view->error->kind != ERROR_NONE)
        judge_shut(view, judgement, judged);
}

static void judge_partial(const struct layer_view *view, const struct originator *originator,
                          const struct authors *authors, struct judgement *judgement, struct judged_layer *judged)
{
    bool permanent = view->error->kind == ERROR_PERMANENT;
    judgement->encrypted_part |= view->opened != OPENED && layer_is_encrypted(view->facts);
    if (view->opened == OPENED && view->facts->type == LAYER_SIGNED)
        signature_judge(view, originator, authors, judged);
    else if (view->opened == OPENED)
        finding_set(&judged->finding, OUTCOME_NEUTRAL, "%s part among other parts",
                    view->facts->type == LAYER_COMPRESSED ? "a compressed" : "an encrypted");
    else if (view->opened == OPENED_NO_KEY)
        finding_set(&judged->finding, OUTCOME_NEUTRAL, "an encrypted part among other parts is not decrypted");
    else
        finding_set(&judged->finding, OUTCOME_NEUTRAL, "a part that cannot be opened on its own: %s",
                    view->error->said);
    judged->shut = view->opened == OPENED_FAILED && !layer_is_encrypted(view->facts);
    if (judged->shut && permanent)
        note_bad(judgement, false, view->error->said);
    note_bad_signature(judgement, view, judged);
    if (view->opened == OPENED && permanent) /* its content cannot be read */
        note_bad(judgement, false, view->error->said);
    /* Not TEMPERROR either: at no other time is it about the whole message. */
    if (judged->finding.outcome == OUTCOME_TEMPERROR)
        judged->finding.outcome = OUTCOME_NEUTRAL;
    if (judged->finding.outcome == OUTCOME_PASS)
        finding_set(&judged->finding, OUTCOME_NEUTRAL, "the signature covers only part %s of the message", view->part);
}

static void judge_layer(const struct layer_view *view, const struct originator *originator,
                        const struct authors *authors, struct judgement *judgement, struct judged_layer *judged)
{
    judged->hidden = view->hidden;
    if (view->hidden)
        return;
    if (view->over_limit) {
        finding_set(&judged->finding, OUTCOME_PERMERROR, "%s", view->error->said);
        g_strlcpy(judgement->bad_signature, view->error->said, sizeof(judgement->bad_signature));
        judgement->bad_for_now = false;
    } else if (view->partial) {
        judge_partial(view, originator, authors, judgement, judged);
    } else {
        judge_whole(view, originator, authors, judgement, judged);
    }
}

/* --- all of them --- */

static bool has_signers(const struct layer_view *view)
{
    return view->opened == OPENED && view->facts->signer_count > 0 && !view->hidden;
}

bool judged_is_originators(const struct layer_view *view, const struct judged_layer *judged)
{
    return has_signers(view) && !judged->around_others &&
           (judged->signature_types == 0 || (judged->signature_types & SIGNATURE_TYPE_ORIGINATOR));
}

static bool has_history(const struct layer_facts *facts)
{
    for (size_t i = 0; i < facts->signer_count; i++)
        if (facts->signers[i].ess.ml_expansions > 0)
            return true;
    return false;
}

/* A signature without a type with none inside is taken for the originator's. So is one that is bad, or in the author's
 * own name, unless it is a mailing list agent's: somebody's good signature around another's authenticates no one. */
static void settle_those_around_others(const struct layers_view *view, struct judgement *judgement)
{
    bool encapsulates = false;
    for (size_t i = view->count; i > 0; i--) {
        struct judged_layer *judged = &judgement->layers[i - 1];
        bool own = !has_history(view->list[i - 1].facts) &&
                   (judged->finding.outcome != OUTCOME_PASS || judged->as_originators.outcome == OUTCOME_PASS);
        if (judged->around_others && (own || !encapsulates)) {
            judged->around_others = false;
            if (judged->finding.outcome == OUTCOME_PASS)
                judged->finding = judged->as_originators;
            note_bad_finding(judgement, &judged->as_originators);
        }
        encapsulates |= has_signers(&view->list[i - 1]) && !view->list[i - 1].partial;
    }
}

void policy_count(const struct layers_view *view, const struct judgement *judgement, size_t depth, bool hoping,
                  struct counting *counting)
{
    bool inside = !view->malleable;
    *counting = (struct counting){false, false};
    for (size_t i = 0; i < MIN(depth, view->whole); i++) {
        const struct layer_facts *facts = view->list[i].facts;
        const struct judged_layer *judged = &judgement->layers[i];
        bool good = finding_holds(&judged->finding, hoping);
        counting->domain |= inside && good && (judged->signature_types & SIGNATURE_TYPE_DOMAIN);
        counting->originator |= inside && good && judged_is_originators(&view->list[i], judged);
        inside |= facts->attempted && !facts->authenticated;
    }
}

static void say_what_counts(const struct layers_view *view, struct judgement *judgement)
{
    struct counting counting;
    policy_count(view, judgement, view->whole, true, &counting);
    judgement->domain_counts = counting.domain;
    judgement->originator_counts = counting.originator;
}

/* Anybody can send on what was encrypted to us, with the signature that is inside. */
static void say_what_is_visible(const struct layers_view *view, struct judgement *judgement)
{
    for (size_t i = 0; i < view->whole && !layer_is_encrypted(view->list[i].facts); i++)
        judgement->originator_visible |= judgement->layers[i].finding.outcome == OUTCOME_PASS &&
                                         judged_is_originators(&view->list[i], &judgement->layers[i]);
}

/* The result of one kind of signature: the worst that was found. The partial layers come last, and count only where
 * none covers the whole message. */
static void sum_up(const struct layers_view *view, const struct judgement *judgement, size_t i, struct finding *sum,
                   size_t *layer)
{
    if (view->list[i].partial && *layer != JUDGED_NO_LAYER && !view->list[*layer].partial)
        return;
    if (*layer == JUDGED_NO_LAYER || outcome_is_worse(judgement->layers[i].finding.outcome, sum->outcome)) {
        *sum = judgement->layers[i].finding;
        *layer = i;
    }
}

static void sum_up_all(const struct layers_view *view, struct judgement *judgement)
{
    for (size_t i = 0; i < view->count; i++) {
        const struct layer_view *layer = &view->list[i];
        const struct judged_layer *judged = &judgement->layers[i];
        enum outcome outcome = judged->finding.outcome;
        /* Who signed it cannot be seen; nor can it where a compressed layer does not open. */
        bool broken = (layer->facts->type == LAYER_SIGNED || layer->facts->type == LAYER_COMPRESSED) &&
                      !has_signers(layer) && outcome != OUTCOME_NONE && outcome != OUTCOME_NEUTRAL;
        if (broken || (judged->signature_types & SIGNATURE_TYPE_DOMAIN))
            sum_up(view, judgement, i, &judgement->domain, &judgement->domain_layer);
        if (broken || judged_is_originators(layer, judged))
            sum_up(view, judgement, i, &judgement->originator, &judgement->originator_layer);
    }
}

void judgement_init(struct judgement *judgement)
{
    *judgement = (struct judgement){.domain_layer = JUDGED_NO_LAYER, .originator_layer = JUDGED_NO_LAYER};
    finding_set(&judgement->domain, OUTCOME_NONE, "no domain signature");
    finding_set(&judgement->originator, OUTCOME_NONE, "no originator's signature");
}

static bool has_domain_signature(const struct layer_view *view)
{
    unsigned types = 0;
    for (size_t i = 0; i < view->facts->signer_count; i++)
        types |= view->facts->signers[i].types;
    return types & SIGNATURE_TYPE_DOMAIN;
}

static bool has_one_signer(const struct layer_view *view, const char *sha256)
{
    return has_signers(view) && view->facts->signer_count == 1 &&
           (sha256 == NULL || g_strcmp0(view->signers[0].sha256, sha256) == 0);
}

/* The signature that no other signature is around, unless one in the message says that it is the domain's; and those
 * below it that the same certificate made: a gateway that wraps a message three times signs inside its encryption and
 * around it. */
static void mark_outermost(const struct layers_view *view, struct judgement *judgement)
{
    const char *sha256 = NULL;
    for (size_t i = 0; i < view->whole; i++)
        if (has_domain_signature(&view->list[i]))
            return;
    for (size_t i = 0; i < view->whole; i++) {
        const struct layer_view *layer = &view->list[i];
        if (layer->facts->type != LAYER_SIGNED)
            continue;
        if (!has_one_signer(layer, sha256))
            return;
        judgement->layers[i].outermost = true;
        sha256 = layer->signers[0].sha256;
        if (sha256 == NULL)
            return;
    }
}

void policy_judge(const struct layers_view *view, const struct originator *originator, const struct authors *authors,
                  struct judgement *judgement)
{
    judgement_init(judgement);
    judgement->layers = g_new0(struct judged_layer, view->count + 1);
    judgement->layer_count = view->count;
    judgement->malleable = view->malleable;
    mark_outermost(view, judgement);
    for (size_t i = 0; i < view->count; i++)
        judge_layer(&view->list[i], originator, authors, judgement, &judgement->layers[i]);
    settle_those_around_others(view, judgement);
    say_what_counts(view, judgement);
    say_what_is_visible(view, judgement);
    sum_up_all(view, judgement);
}

void judgement_clear(struct judgement *judgement)
{
    g_free(judgement->layers);
    *judgement = (struct judgement){0};
}

/* --- what comes off --- */

static bool is_removable_signature(const struct layers_view *view, const struct judgement *judgement, bool originators,
                                   size_t i)
{
    const struct layer_view *layer = &view->list[i];
    const struct judged_layer *judged = &judgement->layers[i];
    if (!judged->holds || !layer->has_content || layer->facts->type != LAYER_SIGNED)
        return false;
    if (layer->facts->signer_count == 0)
        return i > 0; /* by itself it came from elsewhere, and no rule asked for it to be opened */
    if (judged_is_originators(layer, judged))
        return originators && layer->facts->signer_count == 1 && judged->finding.outcome == OUTCOME_PASS;
    /* The history that a mailing list agent keeps in its signature is for the next agent (RFC 2634 §4.2). */
    return !judged->around_others;
}

/* Few mail programs read compressed mail: the compression goes with the layer around it, or with one inside. */
size_t policy_removable(const struct layers_view *view, const struct judgement *judgement, bool originators)
{
    size_t removable = 0;
    for (size_t i = 0; i < view->whole; i++)
        if (view->list[i].identity != NULL && view->list[i].has_content)
            removable = i + 1;
    for (size_t i = removable; i < view->whole; i++) {
        bool compressed = view->list[i].facts->type == LAYER_COMPRESSED && view->list[i].has_content;
        if (!compressed && !is_removable_signature(view, judgement, originators, i))
            break;
        if (!compressed || (i > 0 && i == removable))
            removable = i + 1;
    }
    return removable;
}

size_t policy_endings(const struct layers_view *view, const struct judgement *judgement, bool originators,
                      size_t **list)
{
    size_t count = 0;
    *list = g_new0(size_t, view->whole + 1);
    for (size_t i = 0; i < view->whole; i++) {
        const struct layer_facts *facts = view->list[i].facts;
        const struct layers_view outside = {.list = view->list, .count = i, .whole = i};
        if (facts->attempted && !facts->authenticated)
            (*list)[count++] = policy_removable(&outside, judgement, originators);
    }
    (*list)[count++] = policy_removable(view, judgement, originators);
    return count;
}

/* RFC 3183 §5. The first encrypted layer ends the search: the signatures outside it come off with it. A mailing list
 * agent's signature before it comes off too, and its attributes are remembered for a new one. Without either, nothing
 * comes off. */
void policy_unwrap(const struct layers_view *view, bool authentic, struct unwrapping *unwrapping)
{
    *unwrapping = (struct unwrapping){.history_layer = JUDGED_NO_LAYER};
    for (size_t i = 0; authentic && i < view->whole; i++) {
        const struct layer_view *layer = &view->list[i];
        bool encrypted = layer_is_encrypted(layer->facts);
        if (!layer->has_content)
            unwrapping->reencrypt |= unwrapping->decrypted && encrypted;
        else if (unwrapping->decrypted)
            unwrapping->reencrypt |= encrypted;
        else if (encrypted) {
            unwrapping->decrypted = true;
            unwrapping->depth = i + 1;
        } else if (unwrapping->history_layer == JUDGED_NO_LAYER && has_history(layer->facts)) {
            unwrapping->history_layer = i;
            unwrapping->depth = i + 1;
        }
    }
}

static bool has_review(const struct layers_view *view, const struct judgement *judgement, const char *const *reviewers,
                       enum outcome outcome)
{
    for (size_t i = 0; reviewers != NULL && i < view->whole; i++) {
        const struct layer_view *layer = &view->list[i];
        if (judgement->layers[i].finding.outcome != outcome ||
            !(judgement->layers[i].signature_types & SIGNATURE_TYPE_REVIEW))
            continue;
        for (size_t j = 0; j < layer->facts->signer_count; j++)
            if (layer->signers[j].sha256 != NULL && g_strv_contains(reviewers, layer->signers[j].sha256))
                return true;
    }
    return false;
}

bool policy_reviewed(const struct layers_view *view, const struct judgement *judgement, const char *const *reviewers)
{
    return has_review(view, judgement, reviewers, OUTCOME_PASS);
}

bool policy_may_be_reviewed(const struct layers_view *view, const struct judgement *judgement,
                            const char *const *reviewers)
{
    return has_review(view, judgement, reviewers, OUTCOME_TEMPERROR);
}
