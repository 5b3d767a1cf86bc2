/* SPDX-License-Identifier: Apache-2.0 */
/*
 * charsets: keeps GMime's memory of character sets small. Private to mail/.
 */
#ifndef DOMSEC_MAIL_CHARSETS_H
#define DOMSEC_MAIL_CHARSETS_H

#include <stddef.h>

/* Around whatever lets GMime decode length bytes of text from outside. Not one within another. */
void charsets_enter(size_t length);
void charsets_leave(void);

#endif
