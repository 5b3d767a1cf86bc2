/* SPDX-License-Identifier: Apache-2.0 */
/* mime_help: what the tests of MIME share: limits, parsing from C strings, a tree in one line. */
#ifndef DOMSEC_TESTS_SUPPORT_MIME_HELP_H
#define DOMSEC_TESTS_SUPPORT_MIME_HELP_H

#include "mail/mime.h"

#include <criterion/criterion.h>
#include <string.h>

/* Wide enough for every message of these tests. */
extern const struct limits help_limits;

struct slice help_slice(const char *text);

/* Parses an entity: header, empty line, body. message has to outlive the part. part_free(). */
struct part *help_parse(const char *message, size_t length);

/* The part's content without its transfer encoding, NUL-terminated beyond its length; g_free(). */
char *help_decode(const struct part *part, size_t *length);

/* Appends the tree: "multipart/mixed[text/plain{body}|text/html!{body}]", with "!" for a fault; CR as $, LF as ~. */
void help_describe(const struct part *part, GString *out);

#endif
