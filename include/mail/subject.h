/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subject: puts a mark before a Subject, and removes marks that came from outside.
 */
#ifndef DOMSEC_MAIL_SUBJECT_H
#define DOMSEC_MAIL_SUBJECT_H

#include "base/bytes.h"

/* The value with every occurrence of the marks taken out (any case, also from within encoded-words, RFC 2047; NULL
 * marks are passed over) and `mark`, if not NULL, and a space put before. One that can be read in more than one way is
 * written anew, so that it cannot. With its leading space and CRLF folding; g_free(). NULL if nothing is to be changed.
 * value is raw, SLICE_NONE for an absent field. */
char *subject_mark(struct slice value, const char *const *marks, size_t count, const char *mark);

#endif
