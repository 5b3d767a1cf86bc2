/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: shows what would happen to a message from A to B, and why: the rule, the decision, and each certificate
 * that was found with the reason why it is used or not. It takes the daemon's way without a message, so the answer is
 * for one that is neither signed nor encrypted.
 */
#include "explain.h"

#include "describe.h"

#include <string.h>

struct request {
    const char *configuration, *against, *batch, *from, *login, *client, *daemon, *subject;
    GPtrArray *to, *delivered_to, *headers;
    const char *size;
    bool json;
};

static int verdict_status(enum verdict verdict)
{
    if (verdict == VERDICT_REJECT)
        return EX_DATAERR;
    return verdict == VERDICT_ACCEPT || verdict == VERDICT_QUARANTINE ? EX_OK : EX_TEMPFAIL;
}

/* --- what is known of the message --- */

struct known {
    char *header; /* what fields and entity point into */
    struct fields fields;
    struct part *entity;
    struct question question;
};

static void known_clear(struct known *known)
{
    fields_clear(&known->fields);
    part_free(known->entity);
    g_free(known->header);
}

static bool is_field(const char *text)
{
    size_t name = strcspn(text, ": \t");
    return name > 0 && text[name] == ':' && strpbrk(text, "\r\n") == NULL;
}

/* Returns EX_OK, or the exit status of a usage error. */
static int read_known(const struct command *self, const struct request *request, struct known *known)
{
    const struct limits limits = {.header_size = SIZE_MAX, .header_count = UINT_MAX, .nesting = 1, .parts = 1};
    struct error error = {0};
    char *end = NULL;
    GString *header = g_string_new(NULL);
    if (request->subject != NULL)
        g_string_append_printf(header, "Subject: %s\r\n", request->subject);
    for (guint i = 0; i < request->headers->len; i++)
        g_string_append_printf(header, "%s\r\n", (const char *)g_ptr_array_index(request->headers, i));
    known->header = g_string_free(header, FALSE);
    for (guint i = 0; i < request->headers->len; i++)
        if (!is_field(g_ptr_array_index(request->headers, i)))
            return cli_usage(self, "%s is not a header field; write 'NAME: VALUE'",
                             (const char *)g_ptr_array_index(request->headers, i));
    if (request->subject != NULL && strpbrk(request->subject, "\r\n") != NULL)
        return cli_usage(self, "--subject must be one line");
    known->question.size = request->size != NULL ? (size_t)g_ascii_strtoull(request->size, &end, 10) : 0;
    if (end != NULL && (*end != '\0' || end == request->size))
        return cli_usage(self, "%s is not a size in bytes", request->size);
    mime_init();
    known->entity = part_parse(slice_of(known->header), slice_of(""), &limits, &error);
    if (known->entity == NULL || !fields_parse(slice_of(known->header), &limits, &known->fields, &error))
        return cli_usage(self, "%s", error.text);
    known->question.fields = &known->fields;
    known->question.entity = known->entity;
    return EX_OK;
}

/* --- the answer --- */

static int explain(const struct request *request, const struct envelope *envelope, const struct known *known)
{
    owned(gateway) struct gateway *gateway = cli_gateway(request->configuration);
    if (gateway == NULL)
        return EX_CONFIG;
    const struct passage_request question = {
        .envelope = envelope, .from = envelope->sender.text, .question = &known->question, .at = time(NULL)};
    owned(passage) struct passage *passage = gateway_pass(gateway, &question);
    json_t *json = request->json ? json_object() : NULL;
    explain_show(passage, envelope->sender.text, request->subject, json);
    if (json != NULL)
        describe_print_json(json);
    return verdict_status(passage->reply.verdict);
}

static int explain_one(const struct command *self, const struct request *request)
{
    if (request->from == NULL || request->to->len == 0)
        return cli_usage(self, "--from and --to are required");
    owned(envelope) struct envelope *envelope = envelope_new();
    envelope->authenticated = g_strdup(request->login);
    envelope->client_address = g_strdup(request->client);
    envelope->daemon_name = g_strdup(request->daemon);
    if (!cli_address(request->from, &envelope->sender) || !cli_recipients(envelope, request->to) ||
        !cli_delivered_to(envelope, request->delivered_to))
        return EX_USAGE;
    struct known known = {0};
    int status = read_known(self, request, &known);
    if (status == EX_OK)
        status = explain(request, envelope, &known);
    known_clear(&known);
    return status;
}

static int run(const struct command *self, int argc, char **argv)
{
    g_autoptr(GPtrArray) to = g_ptr_array_new();
    g_autoptr(GPtrArray) delivered_to = g_ptr_array_new();
    g_autoptr(GPtrArray) headers = g_ptr_array_new();
    struct request request = {
        .configuration = CLI_CONFIGURATION, .to = to, .delivered_to = delivered_to, .headers = headers};
    const struct option_spec options[] = {
        CLI_OPTION_CONFIGURATION(request.configuration),
        {"from", 'f', OPTION_TEXT, &request.from, "ADDRESS", "sender, in the envelope and in From"},
        {"to", 't', OPTION_LIST, to, "ADDRESS", "recipient; may be repeated"},
        CLI_OPTION_DELIVERED_TO(delivered_to),
        {"auth", 0, OPTION_TEXT, &request.login, "NAME", "login name of a client that used SMTP AUTH"},
        {"client", 0, OPTION_TEXT, &request.client, "IP", "address of the client"},
        CLI_OPTION_DAEMON(request.daemon),
        {"subject", 0, OPTION_TEXT, &request.subject, "TEXT", "Subject of the message, perhaps with a tag"},
        {"header", 0, OPTION_LIST, headers, "FIELD", "header field, as 'NAME: VALUE'; may be repeated"},
        {"size", 0, OPTION_TEXT, &request.size, "BYTES", "size of the message"},
        {"json", 0, OPTION_FLAG, &request.json, NULL, "print a JSON object"},
        {"batch", 0, OPTION_TEXT, &request.batch, "FILE",
         "compare: a sender, a recipient and perhaps a login in a line"},
        {"against", 0, OPTION_TEXT, &request.against, "FILE", "with --batch: the other configuration"},
    };
    int status = cli_options_only(self, options, G_N_ELEMENTS(options), argc, argv);
    if (status != CLI_GO)
        return status;
    if (!cli_client(request.client))
        return cli_usage(self, "%s is not an IP address", request.client);
    if ((request.batch == NULL) != (request.against == NULL))
        return cli_usage(self, "--batch and --against go together");
    if (request.batch == NULL)
        return explain_one(self, &request);
    if (request.from != NULL || to->len > 0)
        return cli_usage(self, "--batch takes --from and --to from its file");
    return explain_batch(request.configuration, request.against, request.batch, request.client);
}

const struct command command_explain = {
    .name = "explain",
    .arguments = "[-c FILE] --from A --to B [--to C]... [--delivered-to D]... [--auth NAME] [--client IP] "
                 "[--daemon NAME] [--subject TEXT] [--header FIELD]... [--size BYTES] [--json] | "
                 "[-c FILE] --batch FILE --against FILE [--client IP]",
    .summary = "show what would be done for each recipient, and why",
    .details = "The answer is for a plain message, which is neither signed nor encrypted.\n"
               "The exit status gives the verdict: 0 accepted or quarantined, 65 rejected, 75 deferred.\n"
               "With --batch, it shows what another configuration would change, and the exit status is 0.\n",
    .run = run,
};
