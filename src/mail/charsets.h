/* SPDX-License-Identifier: Apache-2.0 */
/*
 * charsets: converts text, and keeps GMime's memory of character sets small. Private to mail/.
 */
#ifndef DOMSEC_MAIL_CHARSETS_H
#define DOMSEC_MAIL_CHARSETS_H

#include <stddef.h>

/* Enclose every call that makes GMime decode length bytes of text from outside. Do not nest. */
void charsets_enter(size_t length);
void charsets_leave(void);

/* Text in another character set, followed by NULs. NULL: it cannot be converted. A lack of memory is noted with
 * memory_note_failure(). g_free(). */
char *charsets_convert(const char *text, size_t length, const char *to, const char *from, size_t *converted);

#endif
