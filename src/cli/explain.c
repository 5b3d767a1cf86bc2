/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: shows what would happen to a message from A to B, and why: the rule, the decision, and each certificate
 * that was found with the reason why it is used or not. It calls gateway_explain(), so the answer is the daemon's.
 * There is no message, so the answer is for one that is neither signed nor encrypted.
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

static void print_recipient(const struct reported_recipient *recipient, bool leaves)
{
    const struct outbound_decision *decision = &recipient->decision;
    bool accepted = leaves && decision->verdict == VERDICT_ACCEPT;
    g_autofree char *what = g_strdup_printf("%s%s%s", verdict_name(decision->verdict), accepted ? ": " : "",
                                            accepted ? treatment(decision) : "");
    printf("\n%s%s%s\n", output_style(stdout, STYLE_BOLD), recipient->address, output_style(stdout, STYLE_PLAIN));
    owned(table) struct table *facts = table_new(2);
    const char *const rows[][2] = {{"rule", recipient->rule}, {"decision", what}, {"because", decision->reason}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        table_row(facts, rows[i]);
    table_print(facts, stdout, 2, false);
    if (!leaves)
        return;
    if (recipient->certificate_count == 0) {
        printf("  certificates  none found\n");
        return;
    }
    printf("  certificates\n");
    owned(table) struct table *table = table_new(4);
    const char *const heading[] = {"sha256", "from", "subject", "note"};
    table_row(table, heading);
    for (size_t i = 0; i < recipient->certificate_count; i++) {
        const struct reported_certificate *found = &recipient->certificates[i];
        g_autofree char *id = g_strndup(found->sha256 != NULL ? found->sha256 : "", DESCRIBE_ID_DIGITS);
        const char *cells[] = {id, found->source, found->subject, found->note};
        table_row(table, cells);
    }
    table_print(table, stdout, 4, true);
}

static int verdict_status(enum verdict verdict)
{
    if (verdict == VERDICT_REJECT)
        return EX_DATAERR;
    return verdict == VERDICT_ACCEPT || verdict == VERDICT_QUARANTINE ? EX_OK : EX_TEMPFAIL;
}

static int explain(const char *configuration, const struct envelope *envelope, const char *subject)
{
    owned(gateway) struct gateway *gateway = cli_gateway(configuration);
    if (gateway == NULL)
        return EX_CONFIG;
    const char *from = envelope->sender.text;
    owned(result) struct result *result = gateway_explain(gateway, envelope, from, time(NULL));
    owned(table) struct table *table = table_new(2);
    g_autofree char *reply = g_strdup_printf("%u %s%s%s", result->code, result->status,
                                             strcmp(result->reply, result->reason) != 0 ? " " : "",
                                             strcmp(result->reply, result->reason) != 0 ? result->reply : "");
    bool leaves = result->direction == DIRECTION_OUTBOUND;
    g_autofree char *verdict = g_strconcat(verdict_name(result->verdict),
                                           !leaves && result->verdict != VERDICT_ACCEPT ? UNLESS_PROTECTED : "", NULL);
    bool stranger = envelope->authenticated == NULL && envelope->client_address == NULL;
    const char *const rows[][2] = {
        {"from", from},
        {"subject", subject},
        {"login", envelope->authenticated},
        {"client", stranger ? "not trusted (neither --auth nor --client is given)" : envelope->client_address},
        {"direction", leaves ? "outbound" : "inbound"},
        {"verdict", verdict},
        {"because", result->reason},
        {result->verdict == VERDICT_ACCEPT ? NULL : "reply", reply},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i][0] != NULL && rows[i][1] != NULL && *rows[i][1] != '\0')
            table_row(table, rows[i]);
    table_print(table, stdout, 0, false);
    for (size_t i = 0; i < result->recipient_count; i++)
        print_recipient(&result->recipients[i], leaves);
    return verdict_status(result->verdict);
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *file = CLI_CONFIGURATION, *from = NULL, *login = NULL, *client = NULL, *subject = NULL;
    g_autoptr(GPtrArray) to = g_ptr_array_new();
    const struct option_spec options[] = {
        CLI_OPTION_CONFIGURATION(file),
        {"from", 'f', OPTION_TEXT, &from, "ADDRESS", "sender, in the envelope and in From"},
        {"to", 't', OPTION_LIST, to, "ADDRESS", "recipient; may be repeated"},
        {"auth", 0, OPTION_TEXT, &login, "NAME", "login name of a client that used SMTP AUTH"},
        {"client", 0, OPTION_TEXT, &client, "IP", "address of the client"},
        {"subject", 0, OPTION_TEXT, &subject, "TEXT", "shown in the answer; the rules do not use it"},
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
    if (!cli_address(from, &envelope->sender) || !cli_recipients(envelope, to))
        return EX_USAGE;
    return explain(file, envelope, subject);
}

const struct command command_explain = {
    .name = "explain",
    .arguments = "[-c FILE] --from A --to B [--to C]... [--auth NAME] [--client IP] [--subject TEXT]",
    .summary = "show what would be done for each recipient, and why",
    .details = "The answer is for a plain message, which is neither signed nor encrypted.\n"
               "The exit status gives the verdict: 0 accepted or quarantined, 65 rejected, 75 deferred.\n",
    .run = run,
};
