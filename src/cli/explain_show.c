/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain_show: the answer of `domsec explain`, for people and for programs.
 */
#include "explain.h"

#include "describe.h"
#include "gateway/signing.h"
#include "output.h"
#include "search_lines.h"

#include <string.h>

#define UNLESS_PROTECTED ", unless it is signed or encrypted as the rule requires"

const char *explain_treatment(const struct outbound_decision *decision)
{
    if (decision->triple)
        return "sign, encrypt, sign";
    if (decision->sign && decision->encrypt)
        return "sign, encrypt";
    if (decision->sign)
        return "sign";
    return decision->encrypt ? "encrypt" : "leave unchanged";
}

/* How a recipient's copy is made. */
static struct treatment treatment_of(const struct outbound_decision *decision)
{
    return (struct treatment){.sign = decision->sign, .triple = decision->triple, .sign_as = decision->sign_as};
}

static const struct wrapping *wrapping_of(const struct plan *plan, size_t recipient)
{
    return plan->shares != NULL ? &plan->manners[plan->shares[recipient].manner].wrapping : &plan->wrapping;
}

/* The same facts as a table, or as members of a JSON object: "delivered to" becomes "delivered_to", and "because" has
 * the name of the report. Those without a value are left out. */
static void show_facts(const char *const (*rows)[2], size_t count, unsigned indent, json_t *json)
{
    owned(table) struct table *table = table_new(2);
    for (size_t i = 0; i < count; i++) {
        if (rows[i][0] == NULL || rows[i][1] == NULL || *rows[i][1] == '\0')
            continue;
        const char *name = strcmp(rows[i][0], "because") == 0 ? "reason" : rows[i][0];
        g_autofree char *key = g_strdelimit(g_strdup(name), " ", '_');
        if (json != NULL)
            json_object_set_new(json, key, describe_string(rows[i][1]));
        else
            table_row(table, rows[i]);
    }
    table_print(table, stdout, indent, false);
}

/* Of all rules that count for the recipient; NULL: nothing is protected. */
static const char *header_protection(const struct passage *passage, size_t index)
{
    const struct recipient_view *recipient = &passage->lookups.recipients[index];
    const struct outbound_decision *decision = &passage->plan.recipients[index];
    enum protect_headers headers = PROTECT_HEADERS_NONE;
    for (size_t i = 0; i < recipient->claim_count; i++)
        headers = MAX(headers, recipient->claims[i].rule->outbound.header_protection);
    if (headers == PROTECT_HEADERS_NONE || !(decision->sign || decision->encrypt))
        return NULL;
    return protect_headers_name(decision->encrypt ? headers : PROTECT_HEADERS_SIGN);
}

/* The rules that were tried; the base alone needs no words. */
static void print_rules(const GPtrArray *notes)
{
    owned(table) struct table *table = table_new(2);
    const char *const heading[] = {"rule", "note"};
    table_row(table, heading);
    for (guint i = 0; i < notes->len; i++) {
        const struct rule_note *note = g_ptr_array_index(notes, i);
        const char *cells[] = {policy_rule_name(note->rule).text, note->note};
        table_row(table, cells);
    }
    if (notes->len < 2)
        return;
    printf("  rules\n");
    table_print(table, stdout, 4, true);
}

char *explain_place(const struct value_origin *origin)
{
    return origin->file != NULL ? g_strdup_printf("%s:%u", origin->file, origin->line) : NULL;
}

/* The values that some file has; all others are defaults. */
static void print_settings(const struct passage *passage, const GPtrArray *notes)
{
    owned(table) struct table *table = table_new(3);
    const char *const heading[] = {"setting", "value", "from"};
    table_row(table, heading);
    g_autoptr(GPtrArray) settings = passage_settings(passage, notes);
    for (guint i = 0; i < settings->len; i++) {
        const struct rule_setting *setting = g_ptr_array_index(settings, i);
        g_autofree char *place = explain_place(&setting->origin);
        const char *cells[] = {setting->key, setting->value, place};
        if (place != NULL)
            table_row(table, cells);
    }
    if (table_rows(table) < 2)
        return;
    printf("  settings\n");
    table_print(table, stdout, 4, true);
}

static json_t *rules_json(const GPtrArray *notes)
{
    json_t *list = json_array();
    for (guint i = 0; i < notes->len; i++) {
        const struct rule_note *note = g_ptr_array_index(notes, i);
        json_t *entry = json_object();
        json_object_set_new(entry, "rule", describe_string(note->rule->partner->name));
        json_object_set_new(entry, "rule_line", note->rule->line > 0 ? json_integer(note->rule->line) : json_null());
        json_object_set_new(entry, "taken", json_boolean(note->is_taken));
        json_object_set_new(entry, "note", describe_string(note->note));
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *settings_json(const struct passage *passage, const GPtrArray *notes)
{
    json_t *list = json_array();
    g_autoptr(GPtrArray) settings = passage_settings(passage, notes);
    for (guint i = 0; i < settings->len; i++) {
        const struct rule_setting *setting = g_ptr_array_index(settings, i);
        g_autofree char *place = explain_place(&setting->origin);
        json_t *entry = json_object();
        json_object_set_new(entry, "key", describe_string(setting->key));
        json_object_set_new(entry, "value", describe_string(setting->value));
        json_object_set_new(entry, "from", place != NULL ? describe_string(place) : json_null());
        json_array_append_new(list, entry);
    }
    return list;
}

static void show_rules(const struct passage *passage, const GPtrArray *notes, json_t *json)
{
    if (json == NULL) {
        print_rules(notes);
        print_settings(passage, notes);
        return;
    }
    json_object_set_new(json, "rules", rules_json(notes));
    json_object_set_new(json, "settings", settings_json(passage, notes));
}

/* What programs read in place of "decision". */
static void add_decision(json_t *json, const struct outbound_decision *decision, enum verdict verdict)
{
    json_object_set_new(json, "verdict", describe_string(verdict_name(verdict)));
    json_object_set_new(json, "sign", json_boolean(decision != NULL && decision->sign));
    json_object_set_new(json, "encrypt", json_boolean(decision != NULL && decision->encrypt));
    json_object_set_new(json, "triple", json_boolean(decision != NULL && decision->triple));
}

/* A search that was not needed has no steps. json NULL: as text. */
static void show_search(const struct passage *passage, size_t index, json_t *json)
{
    const struct recipient_search about = {passage, index};
    const struct certificate_search search = passage_search(&about);
    if (json == NULL) {
        search_print(&search, 2);
        return;
    }
    json_t *lookups = json_array();
    certificate_search_json(&search, lookups);
    json_object_set_new(json, "certificates", search_certificates_json(&search));
    json_object_set_new(json, "lookups", lookups);
}

/* json NULL: as text. */
static void show_recipient(const struct passage *passage, size_t index, json_t *json)
{
    const struct plan *plan = &passage->plan;
    bool leaves = passage->mail.direction == DIRECTION_OUTBOUND && plan->recipients != NULL;
    const struct outbound_decision *decision = leaves ? &plan->recipients[index] : NULL;
    enum verdict verdict = leaves ? decision->verdict : passage->reply.verdict;
    bool accepted = leaves && verdict == VERDICT_ACCEPT;
    g_autofree char *what = g_strdup_printf("%s%s%s", verdict_name(verdict), accepted ? ": " : "",
                                            accepted ? explain_treatment(decision) : "");
    const struct recipient *recipient = &passage->mail.envelope->recipients[index];
    g_autofree char *rule = leaves ? passage_rules_of(passage, index) : passage_rules(passage);
    g_autoptr(GPtrArray) notes = passage_rule_notes(passage, index);
    const struct treatment treatment = accepted ? treatment_of(decision) : (struct treatment){0};
    const struct wrapping *wrapping = wrapping_of(plan, index);
    g_autofree char *by = passage_signers_text(passage, &treatment, wrapping);
    g_autofree char *form =
        plan->shares != NULL ? g_strdup_printf("%zu of %zu", plan->shares[index].form + 1, plan->form_count) : NULL;
    if (json == NULL)
        printf("\n%s%s%s\n", output_style(stdout, STYLE_BOLD), recipient->address.text,
               output_style(stdout, STYLE_PLAIN));
    const char *const rows[][2] = {
        {"delivered to", recipient_is_redirected(recipient) ? recipient->resolved.text : NULL},
        {"rule", rule},
        {"decision", json == NULL ? what : NULL},
        {"headers", accepted ? header_protection(passage, index) : NULL},
        {"form", json == NULL ? form : NULL},
        {"because", leaves ? decision->reason : passage->reply.reason},
        {"signed by", by}};
    if (json != NULL)
        json_object_set_new(json, "recipient", describe_string(recipient->address.text));
    show_facts(rows, G_N_ELEMENTS(rows), 2, json);
    show_rules(passage, notes, json);
    if (json != NULL) {
        add_decision(json, accepted ? decision : NULL, verdict);
        if (plan->shares != NULL)
            json_object_set_new(json, "form", json_integer((json_int_t)plan->shares[index].form + 1));
        json_object_set_new(json, "signers", passage_signers_json(passage, &treatment, wrapping));
        json_object_set_new(json, "certificates", json_array());
        json_object_set_new(json, "lookups", json_array());
    }
    if (leaves)
        show_search(passage, index, json);
}

/* json NULL: as text. */
void explain_show(const struct passage *passage, const char *from, const char *subject, json_t *json)
{
    const struct envelope *envelope = passage->mail.envelope;
    const struct reply *reply = &passage->reply;
    bool accepted = reply->verdict == VERDICT_ACCEPT;
    bool other_text = strcmp(reply->text, reply->reason) != 0;
    bool stranger = envelope->authenticated == NULL && envelope->client_address == NULL;
    g_autofree char *split = passage->plan.needs_split
                                 ? g_strdup_printf("the mail server splits the message, which takes %zu form%s",
                                                   passage->plan.form_count, passage->plan.form_count == 1 ? "" : "s")
                                 : NULL;
    g_autofree char *line =
        g_strdup_printf("%u %s%s%s", reply->code, reply->status, other_text ? " " : "", other_text ? reply->text : "");
    g_autofree char *verdict =
        g_strconcat(verdict_name(reply->verdict),
                    passage->plan.direction == DIRECTION_INBOUND && !accepted ? UNLESS_PROTECTED : "", NULL);
    const char *const rows[][2] = {
        {"from", from},
        {"subject", subject},
        {"login", envelope->authenticated},
        {"client",
         stranger && json == NULL ? "not trusted (neither --auth nor --client is given)" : envelope->client_address},
        {"listener", envelope->daemon_name},
        {"direction", direction_name(passage->mail.direction)},
        {"verdict", verdict},
        {"because", reply->reason},
        {"split", json == NULL ? split : NULL},
        {accepted ? NULL : "reply", line},
    };
    show_facts(rows, G_N_ELEMENTS(rows), 0, json);
    json_t *recipients = json != NULL ? json_array() : NULL;
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        json_t *recipient = json != NULL ? json_object() : NULL;
        show_recipient(passage, i, recipient);
        if (json != NULL)
            json_array_append_new(recipients, recipient);
    }
    if (json == NULL)
        return;
    json_object_set_new(json, "verdict", describe_string(verdict_name(reply->verdict))); /* the word alone */
    if (passage->plan.needs_split)
        json_object_set_new(json, "forms", json_integer((json_int_t)passage->plan.form_count));
    json_object_set_new(json, "recipients", recipients);
}
