/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes: a slice is a view of bytes with another owner. A rope is an ordered list of slices, so that a message can be
 * wrapped, signed and sent without a copy. A rope may own objects that keep its slices alive. Not thread-safe. If
 * memory runs out, the program aborts, as in GLib.
 */
#ifndef DOMSEC_BASE_BYTES_H
#define DOMSEC_BASE_BYTES_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

struct slice {
    const char *data;
    size_t len;
};

#define SLICE_NONE ((struct slice){NULL, 0})
struct slice slice_of(const char *text); /* without the NUL; NULL gives SLICE_NONE */
bool slice_equal(struct slice a, struct slice b);
bool slice_equal_nocase(struct slice a, const char *b); /* ASCII case-insensitive */
/* Reads no further in text than beginning is long; g_str_has_prefix() may ask for the length of text first. False if
 * text is NULL. */
bool text_begins_with(const char *text, const char *beginning);

struct rope;

struct rope *rope_new(void);
void rope_free(struct rope *rope);

/* The bytes must stay unchanged until the rope is freed. */
void rope_borrow(struct rope *rope, struct slice bytes);
/* As rope_borrow(), for bytes of a mapped file. rope_forget() may drop their pages from memory. */
void rope_borrow_file(struct rope *rope, struct slice bytes);
/* Copies; for small texts. */
void rope_copy(struct rope *rope, struct slice bytes);
void rope_printf(struct rope *rope, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Borrows every slice of source, which must outlive rope. */
void rope_borrow_all(struct rope *rope, const struct rope *source);
/* Moves all slices and owned objects of source to the end of rope and frees source. */
void rope_take(struct rope *rope, struct rope *source);
/* destroy(object) is called when the rope is freed; slices of other ropes may not outlive it. */
void rope_own(struct rope *rope, void *object, void (*destroy)(void *));

size_t rope_length(const struct rope *rope); /* in bytes */
size_t rope_count(const struct rope *rope);  /* in slices */
struct slice rope_at(const struct rope *rope, size_t index);
/* Drops the pages of the first length bytes of a slice from memory. They return from the file when they are read. No
 * effect on bytes that rope_borrow_file() did not add. */
void rope_forget(const struct rope *rope, size_t index, size_t length);
/* All bytes in one new block, NUL-terminated beyond its length; free with g_free(). */
char *rope_flatten(const struct rope *rope, size_t *length);

DECLARE_OWNED(rope, struct rope *, rope_free)

#endif
