/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: shows what would happen to a message from A to B, and why: the rule, the decision, and each certificate
 * that was found with the reason why it is used or not. It takes the daemon's way without a message, so the answer is
 * for one that is neither signed nor encrypted.
 */
#include "cli.h"

#include "describe.h"
#include "output.h"

#include <string.h>

#define UNLESS_PROTECTED ", unless it is signed or encrypted as the rule requires"

static const char *treatment(const struct outbound_decision *decision)
{
    if (decision->triple)
        return "sign, encrypt, sign";
    if (decision->sign && decision->encrypt)
        return "sign, encrypt";
    if (decision->sign)
        return "sign";
    return decision->encrypt ? "encrypt" : "leave unchanged";
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

static json_t *certificates_json(const struct passage *passage, size_t recipient)
{
    json_t *list = json_array();
    const struct certs_answer *answer = &passage->lookups.answers[recipient].certificates;
    for (size_t i = 0; i < answer->count; i++) {
        json_t *entry = describe_json(answer->list[i].certificate);
        g_autofree char *note = passage_note(passage, recipient, i);
        json_object_set_new(entry, "source", describe_string(answer->list[i].source));
        json_object_set_new(entry, "note", describe_string(note));
        json_array_append_new(list, entry);
    }
    return list;
}

static void print_certificates(const struct passage *passage, size_t recipient)
{
    const struct certs_answer *answer = &passage->lookups.answers[recipient].certificates;
    if (answer->count == 0) {
        printf("  certificates  none found\n");
        return;
    }
    printf("  certificates\n");
    owned(table) struct table *table = table_new(4);
    const char *const heading[] = {"sha256", "from", "subject", "note"};
    table_row(table, heading);
    for (size_t i = 0; i < answer->count; i++) {
        const struct candidate *candidate = &answer->list[i];
        char sha256[65] = "";
        g_autofree char *subject = certificate_subject(candidate->certificate);
        g_autofree char *note = passage_note(passage, recipient, i);
        certificate_fingerprint(candidate->certificate, sha256);
        sha256[FINGERPRINT_DIGITS] = '\0';
        const char *cells[] = {sha256, candidate->source, subject, note};
        table_row(table, cells);
    }
    table_print(table, stdout, 4, true);
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

/* What programs read in place of "decision". */
static void add_decision(json_t *json, const struct outbound_decision *decision, enum verdict verdict)
{
    json_object_set_new(json, "verdict", describe_string(verdict_name(verdict)));
    json_object_set_new(json, "sign", json_boolean(decision != NULL && decision->sign));
    json_object_set_new(json, "encrypt", json_boolean(decision != NULL && decision->encrypt));
    json_object_set_new(json, "triple", json_boolean(decision != NULL && decision->triple));
}

/* json NULL: as text. */
static void show_recipient(const struct passage *passage, size_t index, json_t *json)
{
    const struct plan *plan = &passage->plan;
    bool leaves = passage->mail.direction == DIRECTION_OUTBOUND && plan->recipients != NULL;
    const struct outbound_decision *decision = leaves ? &plan->recipients[index] : NULL;
    enum verdict verdict = leaves ? decision->verdict : passage->reply.verdict;
    bool accepted = leaves && verdict == VERDICT_ACCEPT;
    g_autofree char *what =
        g_strdup_printf("%s%s%s", verdict_name(verdict), accepted ? ": " : "", accepted ? treatment(decision) : "");
    const struct recipient *recipient = &passage->mail.envelope->recipients[index];
    g_autofree char *rule = leaves ? passage_rules_of(passage, index) : passage_rules(passage);
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
        {"because", leaves ? decision->reason : passage->reply.reason}};
    if (json != NULL)
        json_object_set_new(json, "recipient", describe_string(recipient->address.text));
    show_facts(rows, G_N_ELEMENTS(rows), 2, json);
    if (json != NULL) {
        add_decision(json, accepted ? decision : NULL, verdict);
        if (plan->shares != NULL)
            json_object_set_new(json, "form", json_integer((json_int_t)plan->shares[index].form + 1));
        json_object_set_new(json, "certificates", leaves ? certificates_json(passage, index) : json_array());
    } else if (leaves) {
        print_certificates(passage, index);
    }
}

static int verdict_status(enum verdict verdict)
{
    if (verdict == VERDICT_REJECT)
        return EX_DATAERR;
    return verdict == VERDICT_ACCEPT || verdict == VERDICT_QUARANTINE ? EX_OK : EX_TEMPFAIL;
}

/* json NULL: as text. */
static void show_passage(const struct passage *passage, const char *from, const char *subject, json_t *json)
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

static int explain(const char *configuration, const struct envelope *envelope, const char *subject, bool as_json)
{
    owned(gateway) struct gateway *gateway = cli_gateway(configuration);
    if (gateway == NULL)
        return EX_CONFIG;
    const struct passage_request request = {.envelope = envelope, .from = envelope->sender.text, .at = time(NULL)};
    owned(passage) struct passage *passage = gateway_pass(gateway, &request);
    json_t *json = as_json ? json_object() : NULL;
    show_passage(passage, envelope->sender.text, subject, json);
    if (json != NULL)
        describe_print_json(json);
    return verdict_status(passage->reply.verdict);
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *file = CLI_CONFIGURATION, *from = NULL, *login = NULL, *client = NULL, *subject = NULL, *daemon = NULL;
    bool as_json = false;
    g_autoptr(GPtrArray) to = g_ptr_array_new();
    g_autoptr(GPtrArray) delivered_to = g_ptr_array_new();
    const struct option_spec options[] = {
        CLI_OPTION_CONFIGURATION(file),
        {"from", 'f', OPTION_TEXT, &from, "ADDRESS", "sender, in the envelope and in From"},
        {"to", 't', OPTION_LIST, to, "ADDRESS", "recipient; may be repeated"},
        CLI_OPTION_DELIVERED_TO(delivered_to),
        {"auth", 0, OPTION_TEXT, &login, "NAME", "login name of a client that used SMTP AUTH"},
        {"client", 0, OPTION_TEXT, &client, "IP", "address of the client"},
        CLI_OPTION_DAEMON(daemon),
        {"subject", 0, OPTION_TEXT, &subject, "TEXT", "shown in the answer; the rules do not use it"},
        {"json", 0, OPTION_FLAG, &as_json, NULL, "print a JSON object"},
    };
    int status = cli_options_only(self, options, G_N_ELEMENTS(options), argc, argv);
    if (status != CLI_GO)
        return status;
    if (from == NULL || to->len == 0)
        return cli_usage(self, "--from and --to are required");
    if (!cli_client(client))
        return cli_usage(self, "%s is not an IP address", client);
    owned(envelope) struct envelope *envelope = envelope_new();
    envelope->authenticated = g_strdup(login);
    envelope->client_address = g_strdup(client);
    envelope->daemon_name = g_strdup(daemon);
    if (!cli_address(from, &envelope->sender) || !cli_recipients(envelope, to) ||
        !cli_delivered_to(envelope, delivered_to))
        return EX_USAGE;
    return explain(file, envelope, subject, as_json);
}

const struct command command_explain = {
    .name = "explain",
    .arguments = "[-c FILE] --from A --to B [--to C]... [--delivered-to D]... [--auth NAME] [--client IP] "
                 "[--daemon NAME] [--subject TEXT] [--json]",
    .summary = "show what would be done for each recipient, and why",
    .details = "The answer is for a plain message, which is neither signed nor encrypted.\n"
               "The exit status gives the verdict: 0 accepted or quarantined, 65 rejected, 75 deferred.\n",
    .run = run,
};
