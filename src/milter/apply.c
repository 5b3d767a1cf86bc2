/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply: turns edits into libmilter calls.
 *
 * Postfix accepts header edits only before body edits, and the body only in one run. Ropes have many small slices and
 * each call is a write, so small slices are gathered and large ones are sent as they are. What was sent of a mapped
 * file leaves memory, or a large message would be in memory as a whole once more. edits_finish() has already set the
 * order of the header edits.
 */
#include "apply.h"

#include <string.h>

#define FORGET_AFTER ((size_t)16 * APPLY_CHUNK)

char *apply_value(const char *value, bool leading_space)
{
    GString *text = g_string_sized_new(strlen(value));
    if (!leading_space && *value == ' ')
        value++;
    for (; *value != '\0'; value++)
        if (value[0] != '\r' || value[1] != '\n')
            g_string_append_c(text, *value);
    return g_string_free(text, FALSE);
}

static bool apply_edit(const struct edit *edit, bool leading_space, const struct apply_target *target)
{
    if (edit->kind == EDIT_DELETE)
        return target->change(target->context, edit->name, edit->index, NULL);
    if (edit->value == NULL)
        return false;

    g_autofree char *value = apply_value(edit->value, leading_space);
    switch (edit->kind) {
    case EDIT_INSERT:
        return target->insert(target->context, edit->name, value);
    case EDIT_APPEND:
        return target->append(target->context, edit->name, value);
    case EDIT_CHANGE:
        /* In the protocol an empty value means deletion. */
        return target->change(target->context, edit->name, edit->index, *value != '\0' ? value : " ");
    case EDIT_DELETE:
        break;
    }
    return false;
}

static bool send_chunks(struct slice bytes, size_t size, const struct apply_target *target)
{
    while (bytes.len > 0) {
        struct slice chunk = {bytes.data, MIN(bytes.len, size)};
        if (!target->replace_body(target->context, chunk))
            return false;
        bytes.data += chunk.len;
        bytes.len -= chunk.len;
    }
    return true;
}

/* Sends whole chunks of a slice. */
static bool send_middle(const struct rope *body, size_t index, size_t begin, size_t end, size_t size,
                        const struct apply_target *target)
{
    struct slice slice = rope_at(body, index);
    for (size_t at = begin, next; at < end; at = next) {
        next = MIN(at + FORGET_AFTER / size * size, end);
        if (!send_chunks((struct slice){slice.data + at, next - at}, size, target))
            return false;
        rope_forget(body, index, next);
    }
    return true;
}

/* As large as possible, or as many as the edits ask for. */
static size_t chunk_size(const struct edits *edits)
{
    size_t length = rope_length(edits->body), chunks = edits->body_chunks;
    return chunks > 1 ? CLAMP((length + chunks - 1) / chunks, 1, APPLY_CHUNK) : APPLY_CHUNK;
}

static bool apply_body(const struct rope *body, size_t size, const struct apply_target *target)
{
    g_autofree char *buffer = g_malloc(size);
    size_t used = 0;
    bool good = true;
    /* An empty body also replaces the body. */
    if (rope_length(body) == 0)
        return target->replace_body(target->context, (struct slice){"", 0});
    for (size_t i = 0; i < rope_count(body) && good; i++) {
        struct slice slice = rope_at(body, i);
        if (slice.len == 0)
            continue;
        if (slice.len <= size - used) {
            memcpy(buffer + used, slice.data, slice.len);
            used += slice.len;
            continue;
        }
        /* Fills the buffer, sends the middle without a copy, and keeps the rest. */
        size_t fill = used > 0 ? size - used : 0;
        if (used > 0) {
            memcpy(buffer + used, slice.data, fill);
            good = send_chunks((struct slice){buffer, size}, size, target);
        }
        size_t middle = (slice.len - fill) / size * size;
        good = good && send_middle(body, i, fill, fill + middle, size, target);
        used = slice.len - fill - middle;
        memcpy(buffer, slice.data + fill + middle, used);
    }
    return good && send_chunks((struct slice){buffer, used}, size, target);
}

bool apply_edits(const struct edits *edits, bool leading_space, const struct apply_target *target, struct error *error)
{
    for (size_t i = 0; i < edits->count; i++)
        if (!apply_edit(&edits->list[i], leading_space, target))
            return error_set(error, ERROR_TEMPORARY, "the mail server did not accept the change of header field %s",
                             edits->list[i].name);
    if (edits->body != NULL && !apply_body(edits->body, chunk_size(edits), target))
        return error_set(error, ERROR_TEMPORARY, "the mail server did not accept the new body");
    return true;
}
