/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter: runs a message from standard input through the gateway, as the daemon would, and writes the result. It calls
 * the same functions as the milter, with an envelope made from options, and with files instead of a mail server. The
 * report is written before the message, so a program that sees the message can rely on the report.
 */
#include "cli.h"

#include "output.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

struct request {
    const char *configuration, *direction, *from, *login, *client, *daemon, *at, *report, *output;
    GPtrArray *to;
};

/* Adds the mailboxes of all fields of that name as recipients. */
static bool take_recipients(struct envelope *envelope, const struct fields *fields, const char *name,
                            struct error *error)
{
    const struct field *field = NULL;
    for (unsigned nth = 1; (field = fields_find(fields, name, nth)) != NULL; nth++) {
        struct addresses addresses = {0};
        if (!addresses_parse(field->value, &addresses, error))
            return error_prefix(error, "the recipients in the %s field are ambiguous; use --to", name);
        for (size_t i = 0; i < addresses.count; i++)
            envelope_add_recipient(envelope, &addresses.list[i]);
        addresses_clear(&addresses);
    }
    return true;
}

/* Takes the first mailbox in From as the sender, or the null reverse-path if From has none or is malformed, which
 * the gateway will judge. */
static void take_sender(struct envelope *envelope, const struct fields *fields)
{
    struct error ignored = {0};
    struct addresses addresses = {0};
    const struct field *field = fields_find(fields, "From", 1);
    if (field != NULL && addresses_parse(field->value, &addresses, &ignored) && addresses.count > 0 &&
        address_parse(slice_of(addresses.list[0].text), &envelope->sender, &ignored)) {
        addresses_clear(&addresses);
        return;
    }
    addresses_clear(&addresses);
    address_clear(&envelope->sender);
    (void)address_parse(slice_of("<>"), &envelope->sender, &ignored);
}

/* Takes from the header what the options do not set. Returns CLI_GO or an exit status. */
static int complete_envelope(const struct request *request, struct envelope *envelope, const struct message *message)
{
    struct error error = {0};
    const struct fields *fields = message_fields(message);
    if (request->from == NULL)
        take_sender(envelope, fields);
    if (envelope->recipient_count == 0 &&
        (!take_recipients(envelope, fields, "To", &error) || !take_recipients(envelope, fields, "Cc", &error))) {
        fprintf(stderr, "domsec: %s\n", error.text);
        return EX_USAGE;
    }
    if (envelope->recipient_count == 0) {
        fprintf(stderr, "domsec: the message has no recipients; use --to\n");
        return EX_USAGE;
    }
    return CLI_GO;
}

static bool write_report(const struct request *request, const struct passage *passage, struct error *error)
{
    if (request->report == NULL)
        return true;
    g_autofree char *text = passage_report(passage);
    if (text == NULL)
        return error_set(error, ERROR_TEMPORARY, "out of memory for the report");
    owned(rope) struct rope *rope = rope_new();
    rope_borrow(rope, slice_of(text));
    if (strcmp(request->report, "-") == 0)
        return output_write_rope(STDERR_FILENO, "standard error", rope, error);
    if (!g_file_test(request->report, G_FILE_TEST_EXISTS) || g_file_test(request->report, G_FILE_TEST_IS_REGULAR))
        return output_replace(request->report, 0600, rope, error);
    /* a device or a named pipe cannot be replaced */
    FILE *stream = fopen(request->report, "we");
    if (stream == NULL)
        return error_set(error, ERROR_TEMPORARY, "cannot open %s: %s", request->report, g_strerror(errno));
    fputs(text, stream);
    return output_close_stream(stream, request->report, error);
}

static char *form_path(const struct request *request, size_t number)
{
    g_autofree char *name = g_strdup_printf("%zu.eml", number);
    return g_build_filename(request->output, name, NULL);
}

/* number: 1 for the first form. */
static bool write_form(const struct request *request, const struct passage *passage, const struct message *message,
                       size_t number, struct error *error)
{
    owned(rope) struct rope *rope = NULL;
    if (edits_are_empty(&passage->made.edits)) {
        rope = rope_new();
        rope_borrow(rope, message_original(message));
    } else {
        rope = edits_apply(&passage->made.edits, message);
    }
    if (request->output == NULL)
        return output_write_rope(STDOUT_FILENO, "standard output", rope, error);
    if (g_mkdir_with_parents(request->output, 0700) != 0)
        return error_set(error, ERROR_TEMPORARY, "cannot create %s: %s", request->output, g_strerror(errno));
    g_autofree char *path = form_path(request, number);
    return output_replace(path, 0600, rope, error);
}

/* An older file must not be mistaken for a form of this message, which has so many. */
static void remove_forms(const struct request *request, size_t count)
{
    bool removed = request->output != NULL;
    while (removed) {
        g_autofree char *path = form_path(request, ++count);
        removed = g_unlink(path) == 0;
    }
}

static int tell_failure(const struct error *error)
{
    (void)cli_failed(error);
    return EX_TEMPFAIL;
}

/* Unless the report says it in the same place. */
static void tell_reply(const struct request *request, const struct reply *reply)
{
    bool report_is_seen = request->report != NULL && strcmp(request->report, "-") == 0;
    if (reply->verdict != VERDICT_ACCEPT && !report_is_seen)
        fprintf(stderr, "%s: %u %s %s\n", verdict_name(reply->verdict), reply->code, reply->status, reply->text);
}

/* The message was not accepted, or there is no message. */
static int refuse(const struct request *request, const struct passage *passage)
{
    struct error error = {0};
    if (!write_report(request, passage, &error))
        return tell_failure(&error);
    remove_forms(request, 0);
    tell_reply(request, &passage->reply);
    return passage->reply.verdict == VERDICT_REJECT ? EX_DATAERR : EX_TEMPFAIL;
}

/* A message as it came, and a passage for each of its forms. */
struct delivery {
    const struct message *message;
    struct passage *const *forms;
    size_t count;
};

static int deliver(const struct request *request, const struct passage *whole, const struct delivery *delivery)
{
    struct error error = {0};
    bool good = write_report(request, whole, &error);
    for (size_t i = 0; i < delivery->count && good; i++)
        good = write_form(request, delivery->forms[i], delivery->message, i + 1, &error);
    if (!good)
        return tell_failure(&error);
    remove_forms(request, delivery->count);
    tell_reply(request, &whole->reply);
    return EX_OK;
}

/* All forms are made before one is written, because one of them may fail. */
static int deliver_split(const struct request *request, struct gateway *gateway, const struct passage_request *asked,
                         const struct passage *whole)
{
    size_t count = whole->plan.form_count;
    g_autoptr(GPtrArray) forms = g_ptr_array_new_with_free_func((GDestroyNotify)passage_free);
    if (count > 1 && request->output == NULL) {
        fprintf(stderr, "domsec filter: the message takes %zu forms; use --output\n", count);
        return EX_USAGE;
    }
    for (size_t i = 0; i < count; i++) {
        struct passage *form = gateway_pass_form(gateway, asked, whole, i);
        g_ptr_array_add(forms, form);
        if (!reply_accepts(&form->reply))
            return refuse(request, form);
    }
    const struct delivery delivery = {asked->message, (struct passage *const *)forms->pdata, count};
    return deliver(request, whole, &delivery);
}

/* Without --direction it is derived from the recipients, as the daemon does. */
static bool parse_direction(const char *text, enum direction *direction)
{
    *direction = g_strcmp0(text, "inbound") == 0 ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
    return text == NULL || strcmp(text, direction_name(*direction)) == 0;
}

static int filter(const struct request *request, struct envelope *envelope, time_t at)
{
    enum direction direction;
    (void)parse_direction(request->direction, &direction);
    owned(gateway) struct gateway *gateway = cli_gateway(request->configuration);
    if (gateway == NULL)
        return EX_CONFIG;
    struct error error = {0};
    owned(message) struct message *message = message_read(STDIN_FILENO, &gateway_conf(gateway)->limits, &error);
    if (message == NULL) {
        owned(passage) struct passage *failed = passage_failed(gateway, envelope, reply_kind_of(&error), &error);
        if (request->direction != NULL)
            failed->plan.direction = direction;
        return refuse(request, failed);
    }
    int status = complete_envelope(request, envelope, message);
    if (status != CLI_GO)
        return status;
    const struct passage_request asked = {.envelope = envelope,
                                          .message = message,
                                          .at = at,
                                          .direction = request->direction != NULL ? &direction : NULL,
                                          .shows_forms = true};
    owned(passage) struct passage *passage = gateway_pass(gateway, &asked);
    if (!reply_accepts(&passage->reply))
        return refuse(request, passage);
    if (passage->plan.needs_split)
        return deliver_split(request, gateway, &asked, passage);
    const struct delivery delivery = {message, (struct passage *const[]){passage}, 1};
    return deliver(request, passage, &delivery);
}

static int run(const struct command *self, int argc, char **argv)
{
    g_autoptr(GPtrArray) to = g_ptr_array_new();
    g_autoptr(GPtrArray) delivered_to = g_ptr_array_new();
    struct request request = {.configuration = CLI_CONFIGURATION, .to = to};
    const struct option_spec options[] = {
        CLI_OPTION_CONFIGURATION(request.configuration),
        {"direction", 'd', OPTION_TEXT, &request.direction, "WORD",
         "outbound or inbound; default: as the recipients are local or not"},
        {"from", 'f', OPTION_TEXT, &request.from, "ADDRESS",
         "envelope sender, \"\" for the null sender; default: the mailbox in From"},
        {"to", 't', OPTION_LIST, to, "ADDRESS", "recipient; may be repeated; default: the mailboxes in To and Cc"},
        CLI_OPTION_DELIVERED_TO(delivered_to),
        {"auth", 0, OPTION_TEXT, &request.login, "NAME", "login name of a client that used SMTP AUTH"},
        {"client", 0, OPTION_TEXT, &request.client, "IP", "address of the client"},
        CLI_OPTION_DAEMON(request.daemon),
        {"at", 0, OPTION_TEXT, &request.at, "TIME", "evaluate certificates as of TIME (RFC 3339)"},
        {"report", 'r', OPTION_TEXT, &request.report, "FILE", "write the report (JSON) to FILE; - is standard error"},
        {"output", 'o', OPTION_TEXT, &request.output, "DIR", "write each form of the message: DIR/1.eml, DIR/2.eml, …"},
    };
    int status = cli_options_only(self, options, G_N_ELEMENTS(options), argc, argv);
    if (status != CLI_GO)
        return status;
    enum direction direction;
    if (!parse_direction(request.direction, &direction))
        return cli_usage(self, "%s is not a direction; use outbound or inbound", request.direction);
    time_t at = 0;
    if (!cli_time(request.at, &at))
        return cli_usage(self, "%s is not an RFC 3339 time (example: 2026-05-04T12:00:00Z)", request.at);
    if (!cli_client(request.client))
        return cli_usage(self, "%s is not an IP address", request.client);
    owned(envelope) struct envelope *envelope = envelope_new();
    envelope->authenticated = g_strdup(request.login);
    envelope->client_address = g_strdup(request.client);
    envelope->daemon_name = g_strdup(request.daemon);
    if ((request.from != NULL && !cli_address(request.from, &envelope->sender)) || !cli_recipients(envelope, to) ||
        !cli_delivered_to(envelope, delivered_to))
        return EX_USAGE;
    return filter(&request, envelope, at);
}

const struct command command_filter = {
    .name = "filter",
    .arguments = "[-c FILE] [--direction outbound|inbound] [--from A] [--to B]... [--delivered-to C]... [--auth NAME] "
                 "[--client IP] [--daemon NAME] [--at TIME] "
                 "[--report FILE] [--output DIR] <MESSAGE",
    .summary = "run a message from standard input through the gateway and write the result",
    .details =
        "The exit status gives the verdict: 0 accepted or quarantined (the message is written), 65 rejected, 75\n"
        "temporary failure; in the last two cases only the reply is written, to standard error. 78 means that the\n"
        "configuration is bad. A message that needs no change is written as it was read, byte for byte.\n"
        "If recipients get different forms of the message, --output is needed: the forms are written in the order of\n"
        "the report's \"groups\".\n",
    .run = run,
};
