/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain_batch: what another configuration would change, for a list of correspondents. Both are asked in the same way,
 * and only what differs is shown.
 */
#include "explain.h"

#include "base/file.h"
#include "output.h"

#include <string.h>

struct batch {
    struct gateway *now, *then;
    const char *file, *client;
    unsigned line, asked, changed;
    struct table *table;
};

/* "accept: sign, encrypt (1f2e3d…)" */
static char *outcome(struct gateway *gateway, const struct envelope *envelope)
{
    const struct passage_request request = {.envelope = envelope, .from = envelope->sender.text, .at = time(NULL)};
    owned(passage) struct passage *passage = gateway_pass(gateway, &request);
    const struct plan *plan = &passage->plan;
    enum verdict verdict = passage->reply.verdict;
    if (plan->direction == DIRECTION_INBOUND || plan->recipients == NULL || verdict != VERDICT_ACCEPT)
        return g_strdup_printf("%s: %s", verdict_name(verdict), passage->reply.reason);
    const struct outbound_decision *decision = &plan->recipients[0];
    const struct certs_answer *answer = &passage->lookups.answers[0].certificates;
    char sha256[65] = "";
    if (decision->encrypt && answer->found == FOUND && answer->chosen < answer->count)
        certificate_fingerprint(answer->list[answer->chosen].certificate, sha256);
    sha256[FINGERPRINT_DIGITS] = '\0';
    bool encrypted = sha256[0] != '\0';
    return g_strdup_printf("%s: %s%s%s%s", verdict_name(verdict), explain_treatment(decision), encrypted ? " (" : "",
                           sha256, encrypted ? ")" : "");
}

static void compare(struct batch *batch, const struct envelope *envelope)
{
    g_autofree char *now = outcome(batch->now, envelope), *then = outcome(batch->then, envelope);
    const char *cells[] = {envelope->sender.text, envelope->recipients[0].address.text, envelope->authenticated, now,
                           then};
    batch->asked++;
    if (strcmp(now, then) == 0)
        return;
    batch->changed++;
    table_row(batch->table, cells);
}

static bool fault(const struct batch *batch)
{
    fprintf(stderr, "domsec: %s:%u: this line must have a sender, a recipient and perhaps a login\n", batch->file,
            batch->line);
    return false;
}

/* Returns false if the line cannot be read. */
static bool read_line(struct batch *batch, const char *line)
{
    g_auto(GStrv) pieces = g_strsplit_set(line, " \t\r,", -1);
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    for (char **piece = pieces; *piece != NULL; piece++)
        if (**piece != '\0')
            g_ptr_array_add(words, *piece);
    if (words->len == 0 || ((const char *)g_ptr_array_index(words, 0))[0] == '#')
        return true;
    if (words->len < 2 || words->len > 3)
        return fault(batch);
    owned(envelope) struct envelope *envelope = envelope_new();
    g_autoptr(GPtrArray) to = g_ptr_array_new();
    g_ptr_array_add(to, g_ptr_array_index(words, 1));
    envelope->authenticated = words->len > 2 ? g_strdup(g_ptr_array_index(words, 2)) : NULL;
    envelope->client_address = g_strdup(batch->client);
    if (!cli_address(g_ptr_array_index(words, 0), &envelope->sender) || !cli_recipients(envelope, to))
        return fault(batch);
    compare(batch, envelope);
    return true;
}

static int compare_all(struct batch *batch, const char *text)
{
    static const char *const heading[] = {"from", "to", "login", "now", "then"};
    owned(table) struct table *table = table_new(G_N_ELEMENTS(heading));
    batch->table = table;
    table_row(table, heading);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        batch->line++;
        if (!read_line(batch, *line))
            return EX_DATAERR;
    }
    if (batch->changed > 0)
        table_print(table, stdout, 0, true);
    printf("%u asked, %u would change\n", batch->asked, batch->changed);
    return EX_OK;
}

int explain_batch(const char *configuration, const char *against, const char *file, const char *client)
{
    struct error error = {0};
    size_t length = 0;
    g_autofree char *text = file_read(file, &length, &error);
    if (text == NULL) {
        fprintf(stderr, "domsec: %s: %s\n", file, error.text);
        return EX_NOINPUT;
    }
    owned(gateway) struct gateway *now = cli_gateway(configuration);
    owned(gateway) struct gateway *then = now != NULL ? cli_gateway(against) : NULL;
    if (then == NULL)
        return EX_CONFIG;
    struct batch batch = {.now = now, .then = then, .file = file, .client = client};
    return compare_all(&batch, text);
}
