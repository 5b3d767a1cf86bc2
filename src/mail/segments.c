/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segments: see segments.h. A rope alone does not suffice, because the bytes of a spool have no address until the
 * spool is finished.
 */
#include "segments.h"

#include <glib.h>

struct segment {
    struct slice borrowed; /* data NULL: length bytes of the spool from offset on */
    size_t offset, length;
};

void segments_init(struct segments *segments, const struct limits *limits)
{
    *segments = (struct segments){.limits = limits};
    segments->list = g_array_new(FALSE, FALSE, sizeof(struct segment));
}

void segments_nest(struct segments *inner, struct segments *base)
{
    segments_init(inner, base->limits);
    inner->base = base;
}

void segments_clear(struct segments *segments)
{
    g_array_free(segments->list, TRUE);
    spool_free(segments->spool);
    segments->list = NULL;
    segments->spool = NULL;
}

static void append(struct segments *segments, const struct segment *segment)
{
    struct segment *last =
        segments->list->len == 0 ? NULL : &g_array_index(segments->list, struct segment, segments->list->len - 1);
    struct slice bytes = segment->borrowed;
    if (bytes.data == NULL) {
        g_array_append_vals(segments->list, segment, 1);
        segments->is_open = false;
        return;
    }
    if (last != NULL && last->borrowed.data != NULL && last->borrowed.data + last->borrowed.len == bytes.data)
        last->borrowed.len += bytes.len;
    else
        g_array_append_vals(segments->list, segment, 1);
    last = &g_array_index(segments->list, struct segment, segments->list->len - 1);
    bytes = last->borrowed;
    segments->is_open = bytes.len < 2 || bytes.data[bytes.len - 1] != '\n' || bytes.data[bytes.len - 2] != '\r';
}

void segments_merge(struct segments *segments, struct segments *inner)
{
    for (guint i = 0; i < inner->list->len; i++)
        append(segments, &g_array_index(inner->list, struct segment, i));
    segments_clear(inner);
}

void segments_borrow(struct segments *segments, struct slice bytes)
{
    if (bytes.len > 0)
        append(segments, &(struct segment){bytes, 0, 0});
}

struct spool *segments_spool(struct segments *segments)
{
    while (segments->base != NULL)
        segments = segments->base;
    if (segments->spool == NULL)
        segments->spool = spool_new(segments->limits);
    return segments->spool;
}

void segments_begin(struct segments *segments)
{
    segments->start = spool_length(segments_spool(segments));
}

void segments_end(struct segments *segments)
{
    size_t length = spool_length(segments_spool(segments)) - segments->start;
    if (length > 0)
        append(segments, &(struct segment){SLICE_NONE, segments->start, length});
}

bool segments_copy(struct segments *segments, struct slice bytes, struct error *error)
{
    segments_begin(segments);
    if (!spool_write(segments_spool(segments), bytes.data, bytes.len, error))
        return false;
    segments_end(segments);
    return true;
}

bool segments_is_open(const struct segments *segments)
{
    return segments->list->len > 0 && segments->is_open;
}

struct rope *segments_rope(struct segments *segments, struct error *error)
{
    struct slice new_bytes = SLICE_NONE;
    if (segments->spool != NULL && !spool_finish(segments->spool, &new_bytes, error))
        return NULL;
    struct rope *rope = rope_new();
    for (guint i = 0; i < segments->list->len; i++) {
        const struct segment *segment = &g_array_index(segments->list, struct segment, i);
        if (segment->borrowed.data != NULL)
            rope_borrow(rope, segment->borrowed);
        else
            rope_borrow(rope, (struct slice){new_bytes.data + segment->offset, segment->length});
    }
    if (segments->spool != NULL)
        spool_give(steal(&segments->spool), rope);
    return rope;
}
