/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes: slices and ropes.
 *
 * A rope is an array of slices and an array of the objects that it must free. Small copies are packed into blocks, and
 * consecutive copies become one slice, so a header built from many small texts has few slices. Empty slices are not
 * kept. A rope grows only at its end and cannot be edited in the middle.
 */
#include "base/bytes.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCK_SIZE 1024

struct owned_object {
    void *object;
    void (*destroy)(void *);
};

struct piece {
    struct slice bytes;
    bool is_file; /* a mapped file */
};

struct rope {
    struct piece *pieces;
    size_t count, room;
    struct owned_object *objects;
    size_t object_count, object_room;
    size_t length;
    char *block; /* where the next copy goes; one of objects */
    size_t block_used, block_size;
};

struct slice slice_of(const char *text)
{
    return text != NULL ? (struct slice){text, strlen(text)} : SLICE_NONE;
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool slice_equal_nocase(struct slice a, const char *b)
{
    return strlen(b) == a.len && (a.len == 0 || g_ascii_strncasecmp(a.data, b, a.len) == 0);
}

bool text_begins_with(const char *text, const char *beginning)
{
    return text != NULL && strncmp(text, beginning, strlen(beginning)) == 0;
}

struct rope *rope_new(void)
{
    return g_new0(struct rope, 1);
}

void rope_free(struct rope *rope)
{
    if (rope == NULL)
        return;
    while (rope->object_count > 0) {
        struct owned_object *last = &rope->objects[--rope->object_count];
        last->destroy(last->object);
    }
    g_free(rope->objects);
    g_free(rope->pieces);
    g_free(rope);
}

static void push(struct rope *rope, struct piece piece)
{
    if (rope->count == rope->room) {
        rope->room = rope->room != 0 ? rope->room * 2 : 8;
        rope->pieces = g_renew(struct piece, rope->pieces, rope->room);
    }
    rope->pieces[rope->count++] = piece;
    rope->length += piece.bytes.len;
}

void rope_borrow(struct rope *rope, struct slice bytes)
{
    if (bytes.len > 0)
        push(rope, (struct piece){.bytes = bytes});
}

void rope_borrow_file(struct rope *rope, struct slice bytes)
{
    if (bytes.len > 0)
        push(rope, (struct piece){.bytes = bytes, .is_file = true});
}

void rope_own(struct rope *rope, void *object, void (*destroy)(void *))
{
    if (object == NULL)
        return;
    if (rope->object_count == rope->object_room) {
        rope->object_room = rope->object_room != 0 ? rope->object_room * 2 : 4;
        rope->objects = g_renew(struct owned_object, rope->objects, rope->object_room);
    }
    rope->objects[rope->object_count++] = (struct owned_object){object, destroy};
}

static bool ends_at(const struct rope *rope, const char *position)
{
    if (rope->count == 0)
        return false;
    struct slice last = rope->pieces[rope->count - 1].bytes;
    return last.data + last.len == position;
}

void rope_copy(struct rope *rope, struct slice bytes)
{
    if (bytes.len == 0)
        return;
    if (bytes.len > rope->block_size - rope->block_used) {
        rope->block_size = MAX(bytes.len, BLOCK_SIZE);
        rope->block_used = 0;
        rope->block = g_malloc(rope->block_size);
        rope_own(rope, rope->block, g_free);
    }
    char *copy = rope->block + rope->block_used;
    memcpy(copy, bytes.data, bytes.len);

    if (rope->block_used > 0 && ends_at(rope, copy)) {
        rope->pieces[rope->count - 1].bytes.len += bytes.len;
        rope->length += bytes.len;
    } else {
        push(rope, (struct piece){.bytes = {copy, bytes.len}});
    }
    rope->block_used += bytes.len;
}

void rope_printf(struct rope *rope, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    rope_copy(rope, slice_of(text));
}

void rope_borrow_all(struct rope *rope, const struct rope *source)
{
    size_t count = source->count; /* source may be rope itself */
    for (size_t i = 0; i < count; i++)
        push(rope, source->pieces[i]);
}

void rope_take(struct rope *rope, struct rope *source)
{
    if (source == NULL || source == rope)
        return;
    rope_borrow_all(rope, source);
    for (size_t i = 0; i < source->object_count; i++)
        rope_own(rope, source->objects[i].object, source->objects[i].destroy);
    source->object_count = 0;
    rope_free(source);
}

size_t rope_length(const struct rope *rope)
{
    return rope->length;
}

size_t rope_count(const struct rope *rope)
{
    return rope->count;
}

struct slice rope_at(const struct rope *rope, size_t index)
{
    return index < rope->count ? rope->pieces[index].bytes : SLICE_NONE;
}

void rope_forget(const struct rope *rope, size_t index, size_t length)
{
    if (index >= rope->count || !rope->pieces[index].is_file)
        return;
    struct slice bytes = rope->pieces[index].bytes;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t before = (uintptr_t)bytes.data % page; /* of the page in which the slice begins */
    size_t whole = (before + MIN(length, bytes.len)) / page * page;
    if (whole > 0)
        madvise((void *)(uintptr_t)(bytes.data - before), whole, MADV_DONTNEED);
}

char *rope_flatten(const struct rope *rope, size_t *length)
{
    char *flat = g_malloc(rope->length + 1);
    size_t used = 0;
    for (size_t i = 0; i < rope->count; i++) {
        struct slice bytes = rope->pieces[i].bytes;
        memcpy(flat + used, bytes.data, bytes.len);
        used += bytes.len;
    }
    flat[used] = '\0';
    if (length != NULL)
        *length = used;
    return flat;
}
