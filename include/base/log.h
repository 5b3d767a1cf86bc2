/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: writes one line to syslog (facility mail), or to standard error in the foreground. Thread-safe. Only milter/
 * and cli/ log; all other folders return errors and results. Lines are made printable (base/error.h).
 */
#ifndef DOMSEC_BASE_LOG_H
#define DOMSEC_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* name is shown before each line; it must live as long as the process. */
void log_open(const char *name, bool to_stderr, enum log_level level);
void log_set_level(enum log_level level);
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
