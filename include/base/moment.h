/* SPDX-License-Identifier: Apache-2.0 */
/*
 * moment: points in time as people write them (RFC 3339).
 */
#ifndef DOMSEC_BASE_MOMENT_H
#define DOMSEC_BASE_MOMENT_H

#include <stdbool.h>
#include <time.h>

/* "2026-01-01T08:00:00+01:00", or a date, which is its beginning in UTC. Returns false if the text is neither. */
bool moment_parse(const char *text, time_t *at);
/* "2026-01-01T07:00:00Z"; NULL: that year cannot be written; g_free(). */
char *moment_rfc3339(time_t at);
/* "2026-01-01" for a midnight in UTC, else as moment_rfc3339(), or "?"; g_free(). */
char *moment_text(time_t at);

#endif
