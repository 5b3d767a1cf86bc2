/* SPDX-License-Identifier: Apache-2.0 */
/*
 * charsets: keeps GMime's memory of character sets small. Private to mail/.
 */
#ifndef DOMSEC_MAIL_CHARSETS_H
#define DOMSEC_MAIL_CHARSETS_H

#include <stddef.h>

/* Enclose every call that makes GMime decode length bytes of text from outside. Do not nest. */
void charsets_enter(size_t length);
void charsets_leave(void);

#endif
