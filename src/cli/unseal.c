/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unseal: opens a sealed message that went astray: the message itself, one that has it attached (also a bounce), or the
 * attached file.
 */
#include "cli.h"

#include "base/file.h"
#include "base/moment.h"
#include "output.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEPTH_MAX 5 /* messages within messages */

/* A message from bytes. */
static struct message *message_of(struct slice bytes, const struct limits *limits, struct error *error)
{
    int fd = memfd_create("message", MFD_CLOEXEC);
    struct message *message = NULL;
    if (fd >= 0 && output_write(fd, "memory", bytes, error) && lseek(fd, 0, SEEK_SET) == 0)
        message = message_read(fd, limits, error);
    else if (fd < 0)
        error_set(error, ERROR_TEMPORARY, "no memory for the message");
    if (fd >= 0)
        close(fd);
    return message;
}

/* Opens the first part that is a box. kind ERROR_NONE: no part is a box. */
static struct opened_box *open_parts(const struct part *part, unsigned depth, const struct box_keys *keys,
                                     const struct limits *limits, struct error *error)
{
    struct opened_box *opened = NULL;
    for (size_t i = 0; i < part->child_count && opened == NULL; i++)
        opened = open_parts(&part->children[i], depth, keys, limits, error);
    if (opened != NULL || part->child_count > 0)
        return opened;
    struct error ignored = {0};
    struct slice bytes = SLICE_NONE;
    owned(spool) struct spool *decoded = spool_new(limits);
    if (!part_decode(part, decoded, &ignored) || !spool_finish(decoded, &bytes, &ignored))
        return NULL;
    if (box_is_box(bytes))
        return box_open(keys, bytes, limits, error);
    owned(part) struct part *inner = strcmp(part->type, "message/rfc822") == 0 && depth < DEPTH_MAX
                                         ? part_parse_entity(bytes, limits, &ignored)
                                         : NULL;
    return inner != NULL ? open_parts(inner, depth + 1, keys, limits, error) : NULL;
}

static struct opened_box *open_bytes(struct slice bytes, const struct box_keys *keys, const struct limits *limits,
                                     struct error *error)
{
    if (box_is_box(bytes))
        return box_open(keys, bytes, limits, error);
    owned(message) struct message *message = message_of(bytes, limits, error);
    owned(part) struct part *root = message != NULL ? part_parse_message(message, limits, NULL, error) : NULL;
    if (root == NULL)
        return NULL;
    struct opened_box *opened = open_parts(root, 0, keys, limits, error);
    if (opened == NULL && error->kind == ERROR_NONE)
        error_set(error, ERROR_PERMANENT, "there is no sealed message in it");
    return opened;
}

/* What is not in the message itself. */
static void print_facts(const struct opened_box *opened)
{
    const struct envelope *envelope = opened->envelope;
    g_autofree char *time = moment_rfc3339((time_t)opened->contents.at);
    owned(table) struct table *table = table_new(2);
    const char *const rows[][2] = {{"sealed", time},
                                   {"key", opened->key_id},
                                   {"queue id", envelope->queue_id},
                                   {"sender", envelope->sender.text},
                                   {"login", envelope->authenticated},
                                   {"client", envelope->client_address}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        table_row(table, rows[i]);
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        const char *cells[] = {"recipient", envelope->recipients[i].address.text};
        table_row(table, cells);
    }
    table_print(table, stderr, 0, false);
}

static int unseal(const struct conf *conf, const char *file)
{
    struct error error = {0};
    size_t length = 0;
    struct limits limits = conf->limits;
    limits.message_size = SIZE_MAX / 2;
    owned(faults) struct faults *faults = faults_new();
    owned(box_keys) struct box_keys *keys = box_keys_open(conf, faults);
    cli_print_faults(stderr, faults);
    if (keys == NULL && faults_errors(faults) == 0)
        fprintf(stderr, "domsec unseal: %s has no split.keys\n", conf->file);
    if (keys == NULL)
        return EX_CONFIG;
    g_autofree char *text = file_read(file, &length, &error);
    owned(opened_box) struct opened_box *opened =
        text != NULL ? open_bytes((struct slice){text, length}, keys, &limits, &error) : NULL;
    if (opened == NULL) {
        error_prefix(&error, "%s", file);
        return cli_bad_input(&error);
    }
    print_facts(opened);
    owned(rope) struct rope *rope = rope_new();
    rope_borrow(rope, message_bytes(opened->message));
    return output_write_rope(STDOUT_FILENO, "standard output", rope, &error) ? EX_OK : cli_failed(&error);
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *file = CLI_CONFIGURATION;
    int operands = 0;
    const struct option_spec options[] = {CLI_OPTION_CONFIGURATION(file)};
    int status = cli_options(self, options, G_N_ELEMENTS(options), argc, argv, &operands);
    if (status != CLI_GO)
        return status;
    if (argc - operands > 1)
        return cli_usage(self, "one FILE at a time");
    owned(conf) struct conf *conf = cli_conf(file);
    if (conf == NULL)
        return EX_CONFIG;
    return unseal(conf, argc > operands ? argv[operands] : "/dev/stdin");
}

const struct command command_unseal = {
    .name = "unseal",
    .arguments = "[-c FILE] [MESSAGE]",
    .summary = "open a sealed message that has left by mistake",
    .details = "MESSAGE is the message as it was received, one that has it attached, or the attached file; default:\n"
               "standard input. The message is written to standard output as it was sent, and who sent it to whom to\n"
               "standard error.\n",
    .run = run,
};
