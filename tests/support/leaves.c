/* SPDX-License-Identifier: Apache-2.0 */
#include "support/leaves.h"

#include <criterion/criterion.h>
#include <string.h>

static void add(const struct part *part, const struct limits *limits, GString *out);

static void add_entity(struct slice whole, const struct limits *limits, GString *out)
{
    struct error error = {0};
    owned(part) struct part *part = part_parse_entity(whole, limits, &error);
    if (part != NULL)
        add(part, limits, out);
    else
        g_string_append(out, "unparsed\n");
}

/* False: it is no signature. */
static bool add_signed(const struct part *part, const struct limits *limits, GString *out)
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
    add_entity(layer.inner, limits, out);
    layer_clear(&layer);
    return true;
}

static void add(const struct part *part, const struct limits *limits, GString *out)
{
    owned(spool) struct spool *spool = spool_new(limits);
    struct error error = {0};
    struct slice content;
    if (add_signed(part, limits, out))
        return;
    for (size_t i = 0; i < part->child_count; i++)
        add(&part->children[i], limits, out);
    if (part->child_count > 0)
        return;
    if (strcmp(part->type, "message/rfc822") == 0) {
        add_entity(part->body, limits, out);
        return;
    }
    if (!part_decode(part, spool, &error) || !spool_finish(spool, &content, &error))
        content = part->body;
    g_autofree char *digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)content.data, content.len);
    g_string_append_printf(out, "%s %zu %s\n", part->type, content.len, digest);
}

char *leaves(struct slice header, struct slice body, const struct limits *limits)
{
    struct error error = {0};
    GString *out = g_string_new(NULL);
    owned(part) struct part *part = part_parse(header, body, limits, &error);
    cr_assert_not_null(part, "%s", error.text);
    add(part, limits, out);
    return g_string_free(out, FALSE);
}
