/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: one passage as JSON for programs (etc/report.schema.json), and as counters. log_line.c shows it to people.
 * All of them read the same five structs, so that they cannot differ.
 */
#include "gateway/search.h"
#include "gateway/signing.h"
#include "internal.h"
#include "learn.h"
#include "tested.h"

#include "base/memory.h"
#include "base/metrics.h"

#include <jansson.h>
#include <string.h>

/* --- JSON --- */

/* Text from outside as a JSON string (printable UTF-8), or null. */
static json_t *text(const char *string)
{
    char printable[1024];
    if (string == NULL)
        return json_null();
    text_printable(printable, sizeof(printable), string, strlen(string));
    return json_string(printable);
}

static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value);
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
    json_t *object = json_object();
    set(object, "result", text(outcome_name(finding->outcome)));
    set(object, "name", text(name));
    set(object, "reason", text(finding->reason));
    return object;
}

static json_t *types(unsigned types)
{
    static const enum signature_type all[] = {SIGNATURE_TYPE_ORIGINATOR, SIGNATURE_TYPE_DOMAIN,
                                              SIGNATURE_TYPE_ATTRIBUTES, SIGNATURE_TYPE_REVIEW};
    json_t *list = json_array();
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        if (types & all[i])
            json_array_append_new(list, text(signature_type_name(all[i])));
    return list;
}

static json_t *label(const struct security_label *label)
{
    char buffer[16];
    if (label->policy[0] == '\0')
        return json_null();
    json_t *object = json_object();
    set(object, "policy", text(label->policy));
    set(object, "classification",
        label->classification < 0 ? json_null() : text(classification_name(label->classification, buffer)));
    set(object, "privacy_mark", text(label->privacy_mark[0] != '\0' ? label->privacy_mark : NULL));
    return object;
}

/* RFC 2634: what the signature says beside what it signs. Only where it says something. */
static void add_ess(json_t *object, const struct ess *ess)
{
    if (ess->label.policy[0] != '\0')
        set(object, "security_label", label(&ess->label));
    if (ess->equivalent_count > 0) {
        json_t *equivalents = json_array();
        for (unsigned i = 0; i < ess->equivalent_count; i++)
            json_array_append_new(equivalents, label(&ess->equivalents[i]));
        set(object, "equivalent_labels", equivalents);
    }
    if (ess->receipt_requested)
        set(object, "receipt_requested", json_true());
    if (ess->ml_expansions > 0)
        set(object, "mailing_list_expansions", json_integer(ess->ml_expansions));
}

static json_t *signers(const struct layer_lookup *detail)
{
    json_t *list = json_array();
    for (size_t i = 0; i < detail->signer_count; i++) {
        const struct signer_name *name = &detail->names[i];
        json_t *object = json_object();
        set(object, "address", text(name->address));
        set(object, "subject", text(name->subject));
        set(object, "serial", text(name->serial));
        set(object, "issuer", text(name->issuer));
        set(object, "sha256", text(name->sha256));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *layer(const struct passage *passage, size_t i)
{
    const struct layer_view *view = &passage->lookups.views[i];
    const struct layer_lookup *detail = &passage->lookups.details[i];
    const struct judged_layer *judged = &passage->plan.judgement.layers[i];
    json_t *object = json_object();
    set(object, "type", text(layer_type_name(view->facts->type)));
    set(object, "part", text(view->part));
    set(object, "result", text(outcome_name(judged->finding.outcome)));
    set(object, "reason", text(judged->finding.reason));
    set(object, "partial", json_boolean(view->partial));
    set(object, "removed", json_boolean(i < passage->made.removed));
    set(object, "opened_by", text(judged->holds ? view->identity : NULL));
    set(object, "signature_types", types(judged->signature_types));
    set(object, "signers", signers(detail));
    if (detail->signer_count > 0)
        add_ess(object, &view->facts->signers[0].ess);
    return object;
}

static json_t *layers(const struct passage *passage)
{
    const struct judgement *judgement = &passage->plan.judgement;
    json_t *list = json_array();
    for (size_t i = 0; i < judgement->layer_count; i++)
        if (!judgement->layers[i].hidden)
            json_array_append_new(list, layer(passage, i));
    return list;
}

static enum protect protect_of(const struct treatment *treatment)
{
    if (treatment->triple)
        return PROTECT_TRIPLE;
    if (treatment->encrypt)
        return treatment->sign ? PROTECT_SIGN_ENCRYPT : PROTECT_ENCRYPT;
    return treatment->sign ? PROTECT_SIGN : PROTECT_NONE;
}

const char *passage_protection(const struct passage *passage)
{
    return passage->made.sealed[0] != '\0' ? "split" : protect_name(protect_of(&passage->made.treatment));
}

const char *passage_header_protection(const struct passage *passage)
{
    enum protect_headers headers = passage->plan.wrapping.headers;
    if (passage->made.leaving.count == 0)
        return protect_headers_name(PROTECT_HEADERS_NONE);
    return protect_headers_name(passage->made.treatment.encrypt ? headers : PROTECT_HEADERS_SIGN);
}

/* --- groups: who gets which form --- */

/* A message that is not split has one form. */
static size_t form_of(const struct plan *plan, size_t recipient)
{
    return plan->shares != NULL ? plan->shares[recipient].form : 0;
}

static const struct treatment *treatment_of(const struct passage *passage, size_t recipient)
{
    const struct plan *plan = &passage->plan;
    return plan->shares != NULL ? &plan->manners[plan->shares[recipient].manner].treatment : &passage->made.treatment;
}

static const struct wrapping *wrapping_of(const struct passage *passage, size_t recipient)
{
    const struct plan *plan = &passage->plan;
    return plan->shares != NULL ? &plan->manners[plan->shares[recipient].manner].wrapping : &plan->wrapping;
}

static const char *headers_of(const struct passage *passage, size_t recipient)
{
    const struct plan *plan = &passage->plan;
    if (plan->shares == NULL)
        return passage_header_protection(passage);
    const struct manner *manner = &plan->manners[plan->shares[recipient].manner];
    const struct treatment *treatment = &manner->treatment;
    enum protect_headers headers = manner->wrapping.headers;
    if (!treatment->encrypt)
        headers = treatment->sign ? MIN(headers, PROTECT_HEADERS_SIGN) : PROTECT_HEADERS_NONE;
    return protect_headers_name(headers);
}

static void add_certificate(json_t *list, const struct certs_answer *answer)
{
    char sha256[65] = "";
    if (answer->found != FOUND || answer->chosen >= answer->count)
        return;
    const struct candidate *chosen = &answer->list[answer->chosen];
    g_autofree char *subject = certificate_subject(chosen->certificate);
    certificate_fingerprint(chosen->certificate, sha256);
    json_t *object = json_object();
    set(object, "sha256", text(sha256));
    set(object, "subject", text(subject));
    set(object, "source", text(chosen->source));
    json_array_append_new(list, object);
}

static json_t *line(unsigned number)
{
    return number > 0 ? json_integer(number) : json_null();
}

static json_t *group(const struct passage *passage, size_t form)
{
    const struct envelope *envelope = passage->mail.envelope;
    json_t *group = json_object(), *recipients = json_array(), *certificates = json_array();
    g_autoptr(GPtrArray) rules = g_ptr_array_new();
    const struct treatment none = {0}, *treatment = &none;
    const struct wrapping *wrapping = NULL;
    const char *headers = NULL;
    unsigned rule_line = 0;
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        if (form_of(&passage->plan, i) != form)
            continue;
        treatment = treatment_of(passage, i);
        wrapping = wrapping_of(passage, i);
        headers = headers_of(passage, i);
        json_array_append_new(recipients, text(envelope->recipients[i].address.text));
        passage_add_rules_of(passage, i, rules);
        if (rule_line == 0)
            rule_line = passage_rule_line(passage, i);
        bool is_first = json_array_size(certificates) == 0; /* a form of a split message has one */
        if (treatment->encrypt && (is_first || passage->plan.shares == NULL))
            add_certificate(certificates, &passage->lookups.answers[i].certificates);
    }
    g_ptr_array_add(rules, NULL);
    g_autofree char *names = g_strjoinv(", ", (char **)rules->pdata);
    set(group, "recipients", recipients);
    set(group, "protect", text(protect_name(protect_of(treatment))));
    set(group, "header_protection", text(headers));
    set(group, "rule", text(names));
    set(group, "rule_line", line(rule_line));
    set(group, "certificates", certificates);
    set(group, "signed_by", passage_signers_json(passage, treatment, wrapping));
    return group;
}

static json_t *groups(const struct passage *passage)
{
    const struct plan *plan = &passage->plan;
    json_t *list = json_array();
    bool leaves = plan->direction == DIRECTION_OUTBOUND || plan->needs_split;
    if (!leaves || passage->mail.envelope->recipient_count == 0 || passage->reply.verdict != VERDICT_ACCEPT)
        return list;
    for (size_t form = 0; form < (plan->needs_split ? plan->form_count : 1); form++)
        json_array_append_new(list, group(passage, form));
    return list;
}

/* The recipients that the MTA delivers to other addresses than those given. */
static json_t *redirections(const struct envelope *envelope)
{
    json_t *list = json_array();
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        const struct recipient *recipient = &envelope->recipients[i];
        if (!recipient_is_redirected(recipient))
            continue;
        json_t *object = json_object();
        set(object, "recipient", text(recipient->address.text));
        set(object, "delivered_to", text(recipient->resolved.text));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *field_text(const struct field *field)
{
    g_autofree char *value = field != NULL ? field_unfolded(field->value) : NULL;
    return text(value);
}

static json_t *restored(const struct made_fields *fields)
{
    json_t *list = json_array();
    for (size_t i = 0; i < fields->restored_count; i++) {
        g_autofree char *name = g_strndup(fields->restored[i]->name.data, fields->restored[i]->name.len);
        json_array_append_new(list, text(name));
    }
    return list;
}

/* Protected fields that the message has with other values. */
static json_t *differences(const struct made_fields *fields)
{
    json_t *list = json_array();
    for (size_t i = 0; i < fields->difference_count; i++) {
        json_t *object = json_object();
        set(object, "name", text(fields->differences[i].name));
        set(object, "result", text(outcome_name(OUTCOME_POLICY)));
        set(object, "protected", field_text(fields->differences[i].inside));
        set(object, "received", field_text(fields->differences[i].outside));
        json_array_append_new(list, object);
    }
    return list;
}

static json_t *reply(const struct reply *reply)
{
    if (reply->code < 400)
        return json_null();
    g_autofree char *line = g_strdup_printf("%u %s %s", reply->code, reply->status, reply->text);
    return text(line);
}

const char *made_null_signature(const struct made *made)
{
    if (made->null_layer)
        return "applied";
    return made->null_layer_omitted ? "left out" : "not needed";
}

/* The authenticated domain and address, or those that are claimed. */
static const char *domain_name(const struct passage *passage)
{
    return passage->plan.judgement.domain_layer != JUDGED_NO_LAYER ? originator_domain(&passage->mail.originator)
                                                                   : NULL;
}

const char *passage_author(const struct passage *passage)
{
    const struct addresses *from = &passage->mail.originator.from;
    return from->count > 0 ? from->list[0].text : NULL;
}

static const char *originator_name(const struct passage *passage)
{
    return passage->plan.judgement.originator_layer != JUDGED_NO_LAYER ? passage_author(passage) : NULL;
}

char *passage_report(const struct passage *passage)
{
    const struct judgement *judgement = &passage->plan.judgement;
    unsigned failures = memory_failures();
    json_t *report = json_object();
    set(report, "direction", text(direction_name(passage->plan.direction)));
    set(report, "verdict", text(verdict_name(passage->reply.verdict)));
    set(report, "reply", reply(&passage->reply));
    set(report, "reason", text(passage->reply.reason));
    set(report, "domain", finding(&judgement->domain, domain_name(passage)));
    set(report, "originator", finding(&judgement->originator, originator_name(passage)));
    set(report, "layers", layers(passage));
    set(report, "groups", groups(passage));
    json_t *searches = json_array();
    passage_searches_json(passage, searches);
    set(report, "lookups", searches);
    set(report, "redirections", redirections(passage->mail.envelope));
    set(report, "authentication_results", unfolded(passage->made.authentication_results));
    set(report, "note", text(passage->made.note));
    set(report, "split", json_boolean(passage->plan.needs_split));
    set(report, "test", tested_json(passage));
    if (passage->plan.direction == DIRECTION_OUTBOUND) {
        set(report, "null_signature", text(made_null_signature(&passage->made)));
    } else {
        g_autofree char *rules = passage_rules(passage);
        set(report, "rule", text(rules));
        set(report, "rule_line", line(passage_rule_line(passage, 0)));
        set(report, "restored_fields", restored(&passage->made.fields));
        set(report, "protected_fields", differences(&passage->made.fields));
        set(report, "harvested", learned_json(&passage->learned));
    }
    char *dump = json_dumps(report, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    json_decref(report);
    bool is_whole = dump != NULL && memory_failures() == failures; /* jansson leaves out what it has no memory for */
    char *out = is_whole ? g_strconcat(dump, "\n", NULL) : NULL;
    free(dump);
    return out;
}

/* --- counters --- */

/* Adds one to a counter with two labels; the second may be NULL. */
static void count(const char *name, const char *key, const char *value, const char *key2, const char *value2)
{
    g_autofree char *labels = key2 != NULL ? g_strdup_printf("%s=\"%s\",%s=\"%s\"", key, value, key2, value2)
                                           : g_strdup_printf("%s=\"%s\"", key, value);
    metrics_add(name, labels, 1);
}

static void count_split(const struct passage *passage)
{
    const struct copy *copy = passage->copy;
    bool accepted = reply_accepts(&passage->reply);
    if (passage->made.sealed[0] != '\0')
        metrics_add("domsec_split_sealed_total", NULL, 1);
    else if (passage->plan.needs_split)
        metrics_add("domsec_split_unsealed_total", NULL, 1);
    if (copy != NULL && copy->opened != NULL && accepted)
        metrics_add("domsec_split_copies_total", NULL, 1);
    else if (passage->is_second)
        count("domsec_split_refused_total", "opened", copy != NULL ? "yes" : "no", NULL, NULL);
}

void passage_count(const struct passage *passage)
{
    const struct judgement *judgement = &passage->plan.judgement;
    count_split(passage);
    tested_count(passage);
    count("domsec_messages_total", "direction", direction_name(passage->plan.direction), "verdict",
          verdict_name(passage->reply.verdict));
    if (passage->untouched) {
        count("domsec_untouched_total", "direction", direction_name(passage->plan.direction), NULL, NULL);
        return;
    }
    if (passage->plan.direction == DIRECTION_OUTBOUND) {
        if (passage->reply.verdict == VERDICT_ACCEPT &&
            !passage->plan.needs_split) /* what was refused did not leave unprotected */
            count("domsec_protected_total", "protect", passage_protection(passage), NULL, NULL);
        return;
    }
    learned_count(&passage->learned);
    count("domsec_signatures_total", "by", "domain", "result", outcome_name(judgement->domain.outcome));
    count("domsec_signatures_total", "by", "originator", "result", outcome_name(judgement->originator.outcome));
    for (size_t i = 0; i < judgement->layer_count; i++)
        if (!judgement->layers[i].hidden)
            count("domsec_layers_total", "type", layer_type_name(passage->lookups.views[i].facts->type), "result",
                  outcome_name(judgement->layers[i].finding.outcome));
}
