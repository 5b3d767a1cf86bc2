/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process: background, user, PID file and systemd: the functions that make the program a daemon.
 */
#ifndef DOMSEC_MILTER_PROCESS_H
#define DOMSEC_MILTER_PROCESS_H

#include "base/error.h"

#include <stdbool.h>

/* Goes into the background. The parent waits for process_ready() and exits with 0, or with the child's status if it
 * ended before. Returns only in the child. Must be called before any thread starts. */
bool process_background(struct error *error);
/* Releases the parent of process_background() and points the standard streams at /dev/null. Does nothing in the
 * foreground. */
void process_ready(void);

/* Raises the limit of open files to the hard limit: each connection of the MTA is one. */
void process_raise_limit(void);

/* NULL path: no file. */
bool process_write_pid(const char *path, struct error *error);

/* systemd's readiness protocol. Does nothing without NOTIFY_SOCKET. */
bool process_under_systemd(void);
void process_notify_ready(void);
void process_notify_reloading(void);
void process_notify_stopping(void);

#endif
