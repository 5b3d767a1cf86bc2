/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output: writes files and streams completely or says that it could not, and prints aligned tables.
 */
#ifndef DOMSEC_CLI_OUTPUT_H
#define DOMSEC_CLI_OUTPUT_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdio.h>
#include <sys/types.h>

/* All bytes to a descriptor; name is for the error (ERROR_TEMPORARY). */
bool output_write(int fd, const char *name, struct slice bytes, struct error *error);
bool output_write_rope(int fd, const char *name, const struct rope *rope, struct error *error);
/* What stdio holds back goes out, and the stream is closed; false if any of it was lost. */
bool output_close_stream(FILE *stream, const char *name, struct error *error);

/* A new file with these bytes, on disk when it returns true. An existing one is never touched: ERROR_PERMANENT. What
 * failed halfway is removed. */
bool output_create(const char *path, mode_t mode, struct slice bytes, struct error *error);
/* Puts a file in place at once (temporary file beside it, then rename), over an old one too. */
bool output_replace(const char *path, mode_t mode, const struct rope *rope, struct error *error);

/* Rows of columns, each as wide as its widest cell in characters; the last one is not padded, and wrapped on a
 * terminal that is too narrow. */
struct table;
struct table *table_new(size_t columns); /* up to 8 */
void table_free(struct table *table);
/* Takes `columns` strings, NULL shows as "-"; copied, made printable. */
void table_row(struct table *table, const char *const *cells);
/* The first row in bold on a terminal if heading is set. Each line starts with indent spaces. */
void table_print(const struct table *table, FILE *stream, unsigned indent, bool heading);
/* Columns of a terminal; 0: stream is none, or its width is not known, and nothing is wrapped. */
unsigned output_width(FILE *stream);
/* Writes text, the first word at that column, and a line end. Where a word would pass width, a new line begins with
 * left spaces. Line ends in text count as spaces. width 0: never. */
void output_wrap(FILE *stream, const char *text, unsigned column, unsigned left, unsigned width);
size_t table_rows(const struct table *table);

/* Escape sequences for a terminal, "" elsewhere or when NO_COLOR is set. */
enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_GOOD, STYLE_BAD };
const char *output_style(FILE *stream, enum style style);

DECLARE_OWNED(table, struct table *, table_free)

#endif
