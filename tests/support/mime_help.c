/* SPDX-License-Identifier: Apache-2.0 */
#include "support/mime_help.h"

const struct limits help_limits = {
    .message_size = 100 << 20,
    .memory = 1 << 20,
    .spool_dir = (char *)"/tmp",
    .header_size = 65536,
    .header_count = 500,
    .nesting = 20,
    .layers = 10,
    .parts = 200,
};

struct slice help_slice(const char *text)
{
    return (struct slice){text, strlen(text)};
}

struct part *help_parse(const char *message, size_t length)
{
    struct error error = {0};
    struct part *part = part_parse_entity((struct slice){message, length}, &help_limits, &error);
    cr_assert_not_null(part, "%s", error.text);
    return part;
}

char *help_decode(const struct part *part, size_t *length)
{
    owned(spool) struct spool *spool = spool_new(&help_limits);
    struct error error = {0};
    struct slice bytes;
    cr_assert(part_decode(part, spool, &error), "%s", error.text);
    cr_assert(spool_finish(spool, &bytes, &error));
    char *copy = g_malloc(bytes.len + 1);
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    copy[bytes.len] = '\0';
    *length = bytes.len;
    return copy;
}

void help_describe(const struct part *part, GString *out)
{
    g_string_append_printf(out, "%s%s", part->type, part->fault != NULL ? "!" : "");
    if (part->child_count == 0) {
        g_string_append_c(out, '{');
        for (size_t i = 0; i < part->body.len; i++) {
            char c = part->body.data[i];
            g_string_append_c(out, c == '\r' ? '$' : c == '\n' ? '~' : c);
        }
        g_string_append_c(out, '}');
        return;
    }
    for (size_t i = 0; i < part->child_count; i++) {
        g_string_append_c(out, i == 0 ? '[' : '|');
        help_describe(&part->children[i], out);
    }
    g_string_append_c(out, ']');
}
