/* SPDX-License-Identifier: Apache-2.0 */
#include "support/leaves.h"

#include <criterion/criterion.h>
#include <string.h>

static void add(const struct part *part, bool loosely, const struct limits *limits, GString *out);

static void add_entity(struct slice whole, bool loosely, const struct limits *limits, GString *out)
{
    struct error error = {0};
    owned(part) struct part *part = part_parse_entity(whole, limits, &error);
    if (part != NULL)
        add(part, loosely, limits, out);
    else
        g_string_append(out, "unparsed\n");
}

/* False: it is no signature. */
static bool add_signed(const struct part *part, bool loosely, const struct limits *limits, GString *out)
{
    struct layer layer = {0};
    struct error error = {0};
    bool holds = true;
    if (smime_open(part, &(struct open_options){.limits = limits}, &layer, &error) != OPENED ||
        layer.facts.type != LAYER_SIGNED) {
        layer_clear(&layer);
        return false;
    }
    for (size_t i = 0; i < layer.facts.signer_count; i++)
        holds &= layer.facts.signers[i].valid;
    g_string_append(out, holds ? "signed holds\n" : "signed broken\n");
    add_entity(layer.inner, loosely, limits, out);
    layer_clear(&layer);
    return true;
}

static void add_content(const struct part *part, bool loosely, const struct limits *limits, GString *out)
{
    owned(spool) struct spool *spool = spool_new(limits), *lines = spool_new(limits);
    struct error error = {0};
    struct slice content;
    bool changed;
    if (!part_decode(part, spool, &error) || !spool_finish(spool, &content, &error))
        content = part->body;
    if (loosely) {
        cr_assert(mime_line_ends(content, lines, &changed, &error) && spool_finish(lines, &content, &error));
        while (content.len > 0 && strchr("\r\n", content.data[content.len - 1]) != NULL)
            content.len--;
    }
    g_autofree char *digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)content.data, content.len);
    g_string_append_printf(out, "%s %zu %s\n", loosely ? "content" : part->type, content.len, digest);
}

static void add(const struct part *part, bool loosely, const struct limits *limits, GString *out)
{
    if (add_signed(part, loosely, limits, out))
        return;
    for (size_t i = 0; i < part->child_count; i++)
        add(&part->children[i], loosely, limits, out);
    if (part->child_count == 0 && strcmp(part->type, "message/rfc822") == 0)
        add_entity(part->body, loosely, limits, out);
    else if (part->child_count == 0)
        add_content(part, loosely, limits, out);
}

char *leaves(struct slice header, struct slice body, bool loosely, const struct limits *limits)
{
    struct error error = {0};
    GString *out = g_string_new(NULL);
    owned(part) struct part *part = part_parse(header, body, limits, &error);
    cr_assert_not_null(part, "%s", error.text);
    add(part, loosely, limits, out);
    return g_string_free(out, FALSE);
}

static bool is_doubtful(const struct part *part, const struct limits *limits)
{
    owned(spool) struct spool *spool = spool_new(limits);
    struct error error = {0};
    for (size_t i = 0; i < part->child_count; i++)
        if (is_doubtful(&part->children[i], limits))
            return true;
    return part->fault != NULL || !part_decode(part, spool, &error);
}

unsigned leaves_certainty(struct slice header, struct slice body, const struct limits *limits)
{
    struct error error = {0};
    owned(part) struct part *part = part_parse(header, body, limits, &error);
    if (part == NULL)
        return 0;
    if (part->child_count == 0 && !text_begins_with(part->type, "multipart/") && !part_is_pkcs7_mime(part))
        return is_doubtful(part, limits) ? 1 : 2;
    return is_doubtful(part, limits) ? 0 : 2;
}
