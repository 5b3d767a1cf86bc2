/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words: encoded words (RFC 2047) as a reader shows them. Private to mail/.
 */
#ifndef DOMSEC_MAIL_WORDS_H
#define DOMSEC_MAIL_WORDS_H

/* The text with its encoded words decoded, wherever one is complete by itself. g_free(). */
char *words_decode(const char *text);

#endif
