/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watchdog: ends the reading from a socket at a deadline. It is for libraries that read without a limit of time, as
 * libldap does in a TLS handshake. Thread-safe.
 */
#ifndef DOMSEC_NET_WATCHDOG_H
#define DOMSEC_NET_WATCHDOG_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

struct watchdog;

/* Its thread starts with the first watch, so that a daemon may fork before that. */
struct watchdog *watchdog_new(void);
/* Nothing may be watched any more. */
void watchdog_free(struct watchdog *watchdog);

/* One socket that is watched; the caller's memory, which stays where it is until watchdog_leave(). */
struct watch {
    int fd;
    int64_t deadline;
    bool bitten;
};

/* At the deadline (microseconds of g_get_monotonic_time()) each read from fd, also one that waits, finds the end.
 * Returns false, and watches nothing, if its thread cannot be started. */
bool watchdog_watch(struct watchdog *watchdog, struct watch *watch, int fd, int64_t deadline);
/* Before fd is closed. Returns whether the deadline came first: the socket is of no use then. */
bool watchdog_leave(struct watchdog *watchdog, struct watch *watch);

DECLARE_OWNED(watchdog, struct watchdog *, watchdog_free)

#endif
