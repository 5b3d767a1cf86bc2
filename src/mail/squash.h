/* SPDX-License-Identifier: Apache-2.0 */
/*
 * squash: a text without everything that can hide a name in it. Private to mail/.
 */
#ifndef DOMSEC_MAIL_SQUASH_H
#define DOMSEC_MAIL_SQUASH_H

#include <stdbool.h>
#include <stddef.h>

/* In lower case, without the characters that parsers skip: white space, control characters, quotes, backslashes,
 * parentheses and, if requested, the comments between them. g_free(). */
char *squash(const char *text, size_t length, bool without_comments);

/* UTF-8 with each character in its plain form: a full-width "@" becomes "@". g_free(). */
char *plain_forms(const char *text);

#endif
