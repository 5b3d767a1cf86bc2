/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reason: the sentence that goes with a decision. Private to policy/.
 */
#ifndef DOMSEC_POLICY_REASON_H
#define DOMSEC_POLICY_REASON_H

#include <stddef.h>

/* Writes one printable line, cut at size; what was quoted in it may be hostile. */
void reason_set(char *reason, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* " (text)", or "" for NULL and "". g_free(). */
char *reason_detail(const char *text);

#endif
