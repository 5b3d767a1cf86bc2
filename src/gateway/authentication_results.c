/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authentication_results: what was found out about a message that arrives, as a field of it (RFC 8601, 7281), and the
 * removal of fields that only claim to be ours. How such a field is written is mail/authres.c; what the findings are,
 * summary.c.
 */
#include "internal.h"
#include "mail/authres.h"

#include <string.h>

static void describe(const struct finding *finding, const struct reported_layer *layer, const char *comment,
                     struct authres_result *out)
{
    const struct reported_signer *signer;
    size_t n = 0;
    out->result = outcome_name(finding->outcome);
    out->comment = comment;
    out->reason = finding->reason;
    if (layer == NULL)
        return;
    out->properties[n++] = (struct authres_property){"body.smime-part", layer->part};
    if (layer->signer_count == 0)
        return;
    signer = &layer->signers[layer->signer_judged];
    if (signer->address != NULL)
        out->properties[n++] = (struct authres_property){"body.smime-identifier", signer->address};
    /* RFC 7281 §3.2.1: serial and issuer go together. */
    if (signer->serial != NULL && signer->issuer != NULL) {
        out->properties[n++] = (struct authres_property){"body.smime-serial", signer->serial};
        out->properties[n++] = (struct authres_property){"body.smime-issuer", signer->issuer};
    }
}

/* A review or additional-attributes signature authenticates nobody (RFC 3183 §3.3, §3.4), nor does a mailing list
 * agent's; but that one fails is told. */
static const char *aside_name(const struct reported_layer *layer)
{
    if (layer->by_list_agent)
        return "mailing list agent's signature";
    if (layer->signature_types & (SIGNATURE_TYPE_DOMAIN | SIGNATURE_TYPE_ORIGINATOR))
        return NULL;
    if (layer->signature_types & SIGNATURE_TYPE_REVIEW)
        return "review signature";
    return layer->signature_types & SIGNATURE_TYPE_ATTRIBUTES ? "additional attributes signature" : NULL;
}

static const struct reported_layer *failed_aside(const struct examination *examination)
{
    const struct reported_layer *worst = NULL;
    for (size_t i = 0; i < examination->reported_count; i++) {
        const struct reported_layer *layer = &examination->reported[i];
        if (aside_name(layer) != NULL &&
            outcome_is_worse(layer->finding.outcome, worst != NULL ? worst->finding.outcome : OUTCOME_NEUTRAL))
            worst = layer;
    }
    return worst;
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

/* RFC 7281 §3.1: a signature that is good, but not all that is required, is "policy". */
char *authentication_results(const struct gateway *gateway, const struct message *message,
                             const struct examination *examination, const char *missing)
{
    const struct reported_layer *aside = failed_aside(examination);
    bool tagged = missing != NULL;
    struct authres_result results[4] = {0};
    size_t count = 0;
    if (examination->reported_count == 0 && !tagged)
        return NULL;
    if (examination->domain.outcome != OUTCOME_NONE)
        describe(&examination->domain, examination->domain_from, "domain signature", &results[count++]);
    if (examination->originator.outcome != OUTCOME_NONE)
        describe(&examination->originator, examination->originator_from, "originator signature", &results[count++]);
    if (aside != NULL) /* no name: who looks for one in the whole field must not find this signer's beside a pass */
        results[count++] = (struct authres_result){
            .result = outcome_name(aside->finding.outcome),
            .comment = aside_name(aside),
            .reason = aside->finding.reason,
            .properties = {{"body.smime-part", aside->part}},
        };
    if (count == 0 || (tagged && all_pass(results, count))) {
        results[count].result = outcome_name(count == 0 ? OUTCOME_NONE : OUTCOME_POLICY);
        results[count].reason = tagged                       ? missing
                                : examination->undecryptable ? examination->undecryptable_reason
                                                             : NULL;
        count++;
    }
    char *field = authres_format(gateway->conf->authserv_id, results, count);
    if (is_ascii(message_header(message)))
        make_ascii(field);
    return field;
}

/* RFC 8601 §5: what claims to be ours and came from outside goes. */
void results_remove_forged(const struct gateway *gateway, const struct message *message, struct edits *edits)
{
    const struct fields *fields = message_fields(message);
    const struct field *field;
    for (unsigned i = 1; (field = fields_find(fields, "Authentication-Results", i)) != NULL; i++)
        if (authres_is_from(field->value, gateway->conf->authserv_id))
            edits_delete(edits, "Authentication-Results", field->index);
}
