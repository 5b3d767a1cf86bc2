/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output: writes files and streams completely or reports that it could not, and prints aligned tables.
 */
#ifndef DOMSEC_CLI_OUTPUT_H
#define DOMSEC_CLI_OUTPUT_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdio.h>
#include <sys/types.h>

/* Writes all bytes to a descriptor. name is for the error (ERROR_TEMPORARY). */
bool output_write(int fd, const char *name, struct slice bytes, struct error *error);
bool output_write_rope(int fd, const char *name, const struct rope *rope, struct error *error);
/* Flushes the stream. True if its reader (`| head`) has seen enough and went away: what it did not take is no loss. */
bool output_reader_left(FILE *stream);
/* Flushes and closes the stream. Returns false if any output was lost. */
bool output_close_stream(FILE *stream, const char *name, struct error *error);

/* Creates a file with these bytes, which are on disk when it returns true. An existing file is never changed:
 * ERROR_PERMANENT. A partial file is removed. */
bool output_create(const char *path, mode_t mode, struct slice bytes, struct error *error);
/* Replaces or creates a file atomically (temporary file beside it, then rename). */
bool output_replace(const char *path, mode_t mode, const struct rope *rope, struct error *error);

/* Rows of columns. Each column is as wide as its widest cell in characters. The last one is not padded, and is
 * wrapped on a terminal that is too narrow. */
struct table;
struct table *table_new(size_t columns); /* up to 8 */
void table_free(struct table *table);
/* Adds `columns` strings, which are copied and made printable. NULL shows as "-". */
void table_row(struct table *table, const char *const *cells);
/* Prints the table, with the first row in bold on a terminal if heading is set. Each line begins with indent spaces. */
void table_print(const struct table *table, FILE *stream, unsigned indent, bool heading);
/* The width of a terminal in columns. 0 if the stream is not a terminal or its width is not known; then nothing is
 * wrapped. */
unsigned output_width(FILE *stream);
/* Writes text, with the first word at that column, and a line end. If a word would exceed width, a new line begins
 * with left spaces. Line ends in text count as spaces. width 0: no limit. */
void output_wrap(FILE *stream, const char *text, unsigned column, unsigned left, unsigned width);
size_t table_rows(const struct table *table);

/* An escape sequence on a terminal; "" elsewhere or if NO_COLOR is set. */
enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_GOOD, STYLE_BAD };
const char *output_style(FILE *stream, enum style style);

DECLARE_OWNED(table, struct table *, table_free)

#endif
