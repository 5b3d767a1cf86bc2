/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: one result shown in three ways: as JSON for programs, as one log line for people, as counters. All three read
 * the same struct, so that they cannot differ.
 */
#include "base/metrics.h"
#include "internal.h"

#include <jansson.h>
#include <string.h>

/* Text from outside as a JSON string (printable UTF-8), or null. */
static json_t *text(const char *string)
{
    char printable[1024];
    if (string == NULL)
        return json_null();
    text_printable(printable, sizeof(printable), string, strlen(string));
    return json_string(printable);
}

/* A header field's value on one line. */
static json_t *unfolded(const char *value)
{
    if (value == NULL)
        return json_null();
    GString *line = g_string_new(value);
    g_string_replace(line, "\r\n", "", 0);
    g_strdelimit(line->str, "\t", ' ');
    json_t *string = json_string(g_strstrip(line->str));
    g_string_free(line, TRUE);
    return string;
}

static json_t *finding(const struct finding *finding, const char *name)
{
    return json_pack("{s:s, s:o, s:o}", "result", outcome_name(finding->outcome), "name", text(name), "reason",
                     text(finding->reason));
}

static json_t *types(unsigned set)
{
    static const enum signature_type all[] = {SIGNATURE_TYPE_ORIGINATOR, SIGNATURE_TYPE_DOMAIN,
                                              SIGNATURE_TYPE_ATTRIBUTES, SIGNATURE_TYPE_REVIEW};
    json_t *list = json_array();
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        if (set & all[i])
            json_array_append_new(list, json_string(signature_type_name(all[i])));
    return list;
}

static json_t *label(const struct security_label *label)
{
    char buffer[16];
    if (label->policy[0] == '\0')
        return json_null();
    return json_pack("{s:o, s:o, s:o}", "policy", text(label->policy), "classification",
                     label->classification < 0 ? json_null() : text(classification_name(label->classification, buffer)),
                     "privacy_mark", text(label->privacy_mark[0] != '\0' ? label->privacy_mark : NULL));
}

/* RFC 2634: what the signature says beside what it signs. Only where it says something. */
static void add_ess(json_t *object, const struct ess *ess)
{
    json_t *equivalents = json_array();
    for (unsigned i = 0; i < ess->equivalent_count; i++)
        json_array_append_new(equivalents, label(&ess->equivalents[i]));
    if (ess->label.policy[0] != '\0')
        json_object_set_new(object, "security_label", label(&ess->label));
    if (ess->equivalent_count > 0)
        json_object_set(object, "equivalent_labels", equivalents);
    json_decref(equivalents);
    if (ess->receipt_requested)
        json_object_set_new(object, "receipt_requested", json_true());
    if (ess->ml_expansions > 0)
        json_object_set_new(object, "mailing_list_expansions", json_integer(ess->ml_expansions));
}

static json_t *layer(const struct reported_layer *layer)
{
    json_t *signers = json_array();
    for (size_t i = 0; i < layer->signer_count; i++) {
        const struct reported_signer *signer = &layer->signers[i];
        json_array_append_new(signers, json_pack("{s:o, s:o, s:o, s:o, s:o}", "address", text(signer->address),
                                                 "subject", text(signer->subject), "serial", text(signer->serial),
                                                 "issuer", text(signer->issuer), "sha256", text(signer->sha256)));
    }
    json_t *object = json_pack("{s:s, s:o, s:s, s:o, s:b, s:b, s:o, s:o}", "type", layer_type_name(layer->type), "part",
                               text(layer->part), "result", outcome_name(layer->finding.outcome), "reason",
                               text(layer->finding.reason), "partial", layer->partial, "removed", layer->removed,
                               "signature_types", types(layer->signature_types), "signers", signers);
    if (object != NULL)
        add_ess(object, &layer->ess);
    return object;
}

static const char *protection(const struct result *result)
{
    enum protect protect = PROTECT_NONE;
    if (result->triple)
        protect = PROTECT_TRIPLE;
    else if (result->sign && result->encrypt)
        protect = PROTECT_SIGN_ENCRYPT;
    else if (result->encrypt)
        protect = PROTECT_ENCRYPT;
    else if (result->sign)
        protect = PROTECT_SIGN;
    return protect_name(protect);
}

/* All recipients get the same bytes, so they are one group; the rules that had a say are named once each. */
static json_t *groups(const struct result *result)
{
    json_t *groups = json_array(), *recipients, *certificates;
    GString *rules = g_string_new(NULL);
    if (result->recipient_count == 0 || result->verdict != VERDICT_ACCEPT) {
        g_string_free(rules, TRUE);
        return groups;
    }
    recipients = json_array();
    certificates = json_array();
    for (size_t i = 0; i < result->recipient_count; i++) {
        const struct reported_recipient *recipient = &result->recipients[i];
        json_array_append_new(recipients, text(recipient->address));
        if (strstr(rules->str, recipient->rule) == NULL)
            g_string_append_printf(rules, "%s%s", rules->len > 0 ? ", " : "", recipient->rule);
        for (size_t j = 0; j < recipient->certificate_count; j++)
            if (recipient->certificates[j].used)
                json_array_append_new(certificates,
                                      json_pack("{s:o, s:o, s:s}", "sha256", text(recipient->certificates[j].sha256),
                                                "subject", text(recipient->certificates[j].subject), "source",
                                                recipient->certificates[j].source));
    }
    json_array_append_new(groups,
                          json_pack("{s:o, s:s, s:o, s:o}", "recipients", recipients, "protect", protection(result),
                                    "rule", text(rules->str), "certificates", certificates));
    g_string_free(rules, TRUE);
    return groups;
}

static json_t *reply(const struct result *result)
{
    g_autofree char *line = NULL;
    if (result->code < 400)
        return json_null();
    line = g_strdup_printf("%u %s %s", result->code, result->status, result->reply);
    return text(line);
}

static const char *null_signature(const struct result *result)
{
    if (result->null_layer)
        return "applied";
    return result->null_layer_omitted ? "left out" : "not needed";
}

char *result_report(const struct result *result)
{
    bool outbound = result->direction == DIRECTION_OUTBOUND;
    json_t *layers = json_array();
    for (size_t i = 0; i < result->layer_count; i++)
        json_array_append_new(layers, layer(&result->layers[i]));
    json_t *report =
        json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "direction", outbound ? "outbound" : "inbound",
                  "verdict", verdict_name(result->verdict), "reply", reply(result), "reason", text(result->reason),
                  "domain", finding(&result->domain, result->domain_name), "originator",
                  finding(&result->originator, result->originator_name), "layers", layers, "groups", groups(result),
                  "authentication_results", unfolded(result->authentication_results));
    if (report == NULL)
        return g_strdup("{ \"verdict\": \"tempfail\", \"reason\": \"the report could not be made\" }\n");
    if (outbound)
        json_object_set_new(report, "null_signature", json_string(null_signature(result)));
    else
        json_object_set_new(report, "rule", text(result->rule));

    char *dump = json_dumps(report, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    char *out = g_strconcat(dump, "\n", NULL);
    free(dump);
    json_decref(report);
    return out;
}

/* key="value" with the quotes escaped, so that a line can be taken apart again. */
static void append_quoted(GString *line, const char *key, const char *value)
{
    char printable[700];
    text_printable(printable, sizeof(printable), value, strlen(value));
    g_string_append_printf(line, " %s=\"", key);
    for (const char *c = printable; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            g_string_append_c(line, '\\');
        g_string_append_c(line, *c);
    }
    g_string_append_c(line, '"');
}

static void append_layers(GString *line, const struct result *result)
{
    if (result->layer_count == 0)
        return;
    g_string_append(line, " layers=");
    for (size_t i = 0; i < result->layer_count; i++)
        g_string_append_printf(line, "%s%s%s:%s", i > 0 ? "," : "", result->layers[i].partial ? "partial-" : "",
                               layer_type_name(result->layers[i].type),
                               outcome_name(result->layers[i].finding.outcome));
}

char *result_log_line(const struct result *result, const struct envelope *envelope)
{
    bool outbound = result->direction == DIRECTION_OUTBOUND;
    GString *line = g_string_new(NULL);
    g_string_append_printf(line, "%s: direction=%s", envelope->queue_id != NULL ? envelope->queue_id : "NOQUEUE",
                           outbound ? "outbound" : "inbound");
    append_quoted(line, "from", result->from != NULL ? result->from : "");
    append_quoted(line, "sender", envelope->sender.text != NULL ? envelope->sender.text : "");
    append_quoted(line, "to", envelope->recipient_count > 0 ? envelope->recipients[0].text : "");
    g_string_append_printf(line, " nrcpt=%zu verdict=%s code=%u status=%s", envelope->recipient_count,
                           verdict_name(result->verdict), result->code, result->status);
    if (outbound)
        g_string_append_printf(line, " protect=%s null_signature=\"%s\"", protection(result), null_signature(result));
    else
        append_quoted(line, "rule", result->rule != NULL ? result->rule : "");
    g_string_append_printf(line, " domain=%s originator=%s", outcome_name(result->domain.outcome),
                           outcome_name(result->originator.outcome));
    append_layers(line, result);
    append_quoted(line, "reason", result->reason);
    if (outcome_is_worse(result->domain.outcome, OUTCOME_NONE))
        append_quoted(line, "domain_reason", result->domain.reason);
    if (outcome_is_worse(result->originator.outcome, OUTCOME_NONE))
        append_quoted(line, "originator_reason", result->originator.reason);
    return g_string_free(line, FALSE);
}

void result_count(const struct result *result)
{
    bool outbound = result->direction == DIRECTION_OUTBOUND;
    char labels[160];
    g_snprintf(labels, sizeof(labels), "direction=\"%s\",verdict=\"%s\"", outbound ? "outbound" : "inbound",
               verdict_name(result->verdict));
    metrics_add("domsec_messages_total", labels, 1);
    if (outbound) {
        g_snprintf(labels, sizeof(labels), "protect=\"%s\"", protection(result));
        if (result->verdict == VERDICT_ACCEPT) /* what was refused did not leave unprotected */
            metrics_add("domsec_protected_total", labels, 1);
        return;
    }
    g_snprintf(labels, sizeof(labels), "by=\"domain\",result=\"%s\"", outcome_name(result->domain.outcome));
    metrics_add("domsec_signatures_total", labels, 1);
    g_snprintf(labels, sizeof(labels), "by=\"originator\",result=\"%s\"", outcome_name(result->originator.outcome));
    metrics_add("domsec_signatures_total", labels, 1);
    for (size_t i = 0; i < result->layer_count; i++) {
        g_snprintf(labels, sizeof(labels), "type=\"%s\",result=\"%s\"", layer_type_name(result->layers[i].type),
                   outcome_name(result->layers[i].finding.outcome));
        metrics_add("domsec_layers_total", labels, 1);
    }
}
