/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notices: lines that threads of trust/ have for the log, until the program fetches them. Thread-safe.
 */
#ifndef DOMSEC_TRUST_NOTICES_H
#define DOMSEC_TRUST_NOTICES_H

#include "base/cleanup.h"
#include "base/log.h"

struct notices;

struct notices *notices_new(void);
void notices_free(struct notices *notices);
/* Of many at once the later ones are dropped. */
void notices_add(struct notices *notices, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The oldest one, g_free(); NULL: there is no more. */
char *notices_take(struct notices *notices, enum log_level *level);

#endif
