/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process: what makes a program a daemon: background, user, PID file, systemd.
 */
#ifndef DOMSEC_MILTER_PROCESS_H
#define DOMSEC_MILTER_PROCESS_H

#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

/* Goes into the background. The parent waits for process_ready() and exits with 0, or with the status that the child
 * ended with before. Returns in the child only; before any thread is started. */
bool process_background(struct error *error);
/* Lets the parent of process_background() go and points the standard streams at /dev/null. No-op in the foreground. */
void process_ready(void);

/* As many open files as the hard limit lets us have: each connection of the MTA is one. */
void process_raise_limit(void);

struct account {
    char *name;
    uid_t uid;
    gid_t gid;
};
/* Looks up a user; name NULL or "": the account stays as it is (uid and gid -1). */
bool process_account(const char *name, struct account *account, struct error *error);
/* Becomes that user for good, groups too. */
bool process_become(const struct account *account, struct error *error);
void account_clear(struct account *account);

/* NULL path: no file. */
bool process_write_pid(const char *path, struct error *error);

/* systemd's readiness protocol; nothing without NOTIFY_SOCKET. */
bool process_under_systemd(void);
void process_notify_ready(void);
void process_notify_reloading(void);
void process_notify_stopping(void);

#endif
