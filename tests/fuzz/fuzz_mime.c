/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_mime: any bytes as an entity: tree, decoding, canonical form. What holds for all input is checked: slices stay
 * within the input, canonical form of a tree without faults has the same leaves, and is its own canonical form.
 */
#include "mail/mime.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct limits limits = {
    .message_size = 10 << 20,
    .memory = 1 << 20,
    .spool_dir = (char *)"/tmp",
    .header_size = 65536,
    .header_count = 200,
    .nesting = 8,
    .parts = 50,
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_inside(struct slice inner, struct slice outer)
{
    if (inner.len > 0)
        require(inner.data >= outer.data && inner.data + inner.len <= outer.data + outer.len);
}

static bool has_fault(const struct part *part)
{
    if (part->fault != NULL)
        return true;
    for (size_t i = 0; i < part->child_count; i++)
        if (has_fault(&part->children[i]))
            return true;
    return false;
}

static void check_tree(const struct part *part, struct slice all)
{
    check_inside(part->header, all);
    check_inside(part->body, all);
    check_inside(part->preamble, part->body);
    check_inside(part->epilogue, part->body);
    require(part->type != NULL && part->id != NULL);
    part_is_pkcs7_mime(part);
    part_is_multipart_signed(part);
    const char *end = part->body.data;
    for (size_t i = 0; i < part->child_count; i++) {
        check_inside(part->children[i].whole, part->body);
        require(part->children[i].whole.data >= end);
        end = part->children[i].whole.data + part->children[i].whole.len;
        check_tree(&part->children[i], all);
    }
}

/* NULL if the body cannot be decoded. */
static struct spool *decode(const struct part *part, struct slice *bytes)
{
    struct error error = {0};
    owned(spool) struct spool *spool = spool_new(&limits);
    if (!part_decode(part, spool, &error))
        return NULL;
    require(spool_finish(spool, bytes, &error));
    return steal(&spool);
}

static void compare_leaves(const struct part *a, const struct part *b)
{
    require(a->child_count == b->child_count && strcmp(a->type, b->type) == 0);
    for (size_t i = 0; i < a->child_count; i++)
        compare_leaves(&a->children[i], &b->children[i]);
    if (a->child_count > 0 || a->encoding == ENCODING_UNKNOWN)
        return;
    struct slice before = SLICE_NONE, after = SLICE_NONE;
    owned(spool) struct spool *a_bytes = decode(a, &before);
    owned(spool) struct spool *b_bytes = decode(b, &after);
    require((a_bytes == NULL) == (b_bytes == NULL));
    /* A message that is passed on as it is may get the line end it lacks. */
    bool is_closed = after.len == before.len + 2 && g_str_has_prefix(a->type, "message/");
    if (a_bytes != NULL && !is_closed)
        require(before.len == after.len && (before.len == 0 || memcmp(before.data, after.data, before.len) == 0));
}

static char *canonical(const struct part *part, size_t *length)
{
    struct error error = {0};
    owned(entity) struct entity entity = {NULL, NULL};
    require(mime_canonical(part, &limits, &entity, &error));
    owned(rope) struct rope *bytes = entity_bytes(&entity);
    return rope_flatten(bytes, length);
}

static void check_line_ends(struct slice all)
{
    struct error error = {0};
    struct slice bytes;
    bool changed;
    owned(spool) struct spool *spool = spool_new(&limits);
    require(mime_line_ends(all, spool, &changed, &error));
    require(spool_finish(spool, &bytes, &error));
    require(mime_is_canonical(bytes) && changed == !mime_is_canonical(all));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_ready;
    if (!is_ready)
        mime_init();
    is_ready = true;

    struct slice all = {(const char *)data, size};
    struct error error = {0};
    check_line_ends(all);
    owned(part) struct part *part = part_parse_entity(all, &limits, &error);
    if (part == NULL)
        return 0;
    check_tree(part, all);
    size_t length, again_length;
    g_autofree char *text = canonical(part, &length);
    if (has_fault(part))
        return 0;
    owned(part) struct part *after = part_parse_entity((struct slice){text, length}, &limits, &error);
    require(after != NULL && !has_fault(after));
    compare_leaves(part, after);
    g_autofree char *again = canonical(after, &again_length);
    require(length == again_length && memcmp(text, again, length) == 0);
    return 0;
}
