/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authentication_results: what was found out about a message that arrives, as a field of it (RFC 8601, 7281), and the
 * removal of fields that only claim to be ours. How such a field is written is mail/authres.c; what the findings are,
 * policy/layers.c.
 */
#include "internal.h"
#include "mail/authres.h"

#include <string.h>

static void describe(const struct passage *passage, const struct finding *finding, size_t index, const char *comment,
                     struct authres_result *out)
{
    size_t n = 0;
    out->result = outcome_name(finding->outcome);
    out->comment = comment;
    out->reason = finding->reason;
    if (index == JUDGED_NO_LAYER)
        return;
    const struct layer_lookup *detail = &passage->lookups.details[index];
    out->properties[n++] = (struct authres_property){"body.smime-part", passage->lookups.views[index].part};
    if (detail->signer_count == 0)
        return;
    const struct signer_name *signer = &detail->names[passage->plan.judgement.layers[index].signer_judged];
    if (signer->address != NULL)
        out->properties[n++] = (struct authres_property){"body.smime-identifier", signer->address};
    /* RFC 7281 §3.2.1: serial and issuer go together. */
    if (signer->serial != NULL && signer->issuer != NULL) {
        out->properties[n++] = (struct authres_property){"body.smime-serial", signer->serial};
        out->properties[n++] = (struct authres_property){"body.smime-issuer", signer->issuer};
    }
}

/* A review or additional-attributes signature authenticates no one (RFC 3183 §3.3, §3.4), nor does a mailing list
 * agent's; but a failure of one is reported. */
static const char *aside_name(const struct judged_layer *layer)
{
    if (layer->around_others)
        return layer->by_list_agent ? "mailing list agent's signature" : "signature around others";
    if (layer->signature_types & (SIGNATURE_TYPE_DOMAIN | SIGNATURE_TYPE_ORIGINATOR))
        return NULL;
    if (layer->signature_types & SIGNATURE_TYPE_REVIEW)
        return "review signature";
    return layer->signature_types & SIGNATURE_TYPE_ATTRIBUTES ? "additional attributes signature" : NULL;
}

/* A good review signature is reported, too: a reader may want to see that someone has released the message. */
static size_t good_review(const struct judgement *judgement)
{
    for (size_t i = 0; i < judgement->layer_count; i++) {
        const struct judged_layer *layer = &judgement->layers[i];
        bool is_review =
            aside_name(layer) != NULL && !layer->around_others && (layer->signature_types & SIGNATURE_TYPE_REVIEW);
        if (is_review && layer->finding.outcome == OUTCOME_PASS)
            return i;
    }
    return JUDGED_NO_LAYER;
}

/* Without a name: a reader who looks for one in the whole field must not find this signer's beside a pass. */
static struct authres_result aside_result(const struct passage *passage, size_t layer)
{
    const struct judged_layer *judged = &passage->plan.judgement.layers[layer];
    return (struct authres_result){
        .result = outcome_name(judged->finding.outcome),
        .comment = aside_name(judged),
        .reason = judged->finding.reason,
        .properties = {{"body.smime-part", passage->lookups.views[layer].part}},
    };
}

static size_t failed_aside(const struct judgement *judgement)
{
    size_t worst = JUDGED_NO_LAYER;
    for (size_t i = 0; i < judgement->layer_count; i++) {
        enum outcome so_far = worst != JUDGED_NO_LAYER ? judgement->layers[worst].finding.outcome : OUTCOME_NEUTRAL;
        if (aside_name(&judgement->layers[i]) != NULL && outcome_is_worse(judgement->layers[i].finding.outcome, so_far))
            worst = i;
    }
    return worst;
}

/* How many layers there are to speak of. */
static size_t seen_layers(const struct judgement *judgement)
{
    size_t count = 0;
    for (size_t i = 0; i < judgement->layer_count; i++)
        count += !judgement->layers[i].hidden;
    return count;
}

static bool is_ascii(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] >= 0x80)
            return false;
    return true;
}

/* RFC 8601 §2.2, RFC 6532 §3: UTF-8 is for the header of a message that has it already; others have a question mark for
 * each character outside ASCII. */
static void make_ascii(char *text)
{
    char *out = text;
    for (const char *c = text, *next; *c != '\0'; c = next) {
        next = g_utf8_next_char(c);
        *out++ = (unsigned char)*c < 0x80 ? *c : '?';
    }
    *out = '\0';
}

static bool all_pass(const struct authres_result *results, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(results[i].result, outcome_name(OUTCOME_PASS)) != 0)
            return false;
    return true;
}

/* Of a message without a signature. In CBC the reason is about as long whether or not it could be decrypted. */
static const char *unsigned_reason(const struct judgement *judgement)
{
    if (judgement->undecryptable)
        return judgement->undecryptable_reason;
    return judgement->malleable ? "may have been changed" : NULL;
}

/* RFC 7281 §3.1: a signature that is good, but not all that is required, is "policy". */
char *authentication_results(const struct passage *passage, const char *missing)
{
    const struct judgement *judgement = &passage->plan.judgement;
    size_t aside = failed_aside(judgement), review = good_review(judgement), count = 0;
    bool tagged = missing != NULL;
    struct authres_result results[5] = {0};
    if (seen_layers(judgement) == 0 && !tagged)
        return NULL;
    if (judgement->domain.outcome != OUTCOME_NONE)
        describe(passage, &judgement->domain, judgement->domain_layer, "domain signature", &results[count++]);
    if (judgement->originator.outcome != OUTCOME_NONE)
        describe(passage, &judgement->originator, judgement->originator_layer, "originator signature",
                 &results[count++]);
    if (aside != JUDGED_NO_LAYER)
        results[count++] = aside_result(passage, aside);
    if (count == 0 || (tagged && all_pass(results, count))) {
        results[count].result = outcome_name(count == 0 ? OUTCOME_NONE : OUTCOME_POLICY);
        results[count].reason = tagged ? missing : unsigned_reason(judgement);
        count++;
    }
    if (review != JUDGED_NO_LAYER) /* behind what authenticates someone */
        results[count++] = aside_result(passage, review);
    char *field = authres_format(passage->gateway->conf->authserv_id, results, count);
    if (is_ascii(message_header(passage->mail.message)))
        make_ascii(field);
    return field;
}

/* RFC 8601 §5: what claims to be ours and came from outside goes. */
bool results_has_ours(const struct gateway *gateway, const struct message *message)
{
    const struct fields *fields = message_fields(message);
    const struct field *field;
    for (unsigned i = 1; (field = fields_find(fields, "Authentication-Results", i)) != NULL; i++)
        if (authres_is_from(field->value, gateway->conf->authserv_id))
            return true;
    return false;
}

void results_remove_forged(const struct gateway *gateway, const struct message *message, struct edits *edits)
{
    const struct fields *fields = message_fields(message);
    const struct field *field;
    for (unsigned i = 1; (field = fields_find(fields, "Authentication-Results", i)) != NULL; i++)
        if (authres_is_from(field->value, gateway->conf->authserv_id))
            edits_delete(edits, "Authentication-Results", field->index);
}
