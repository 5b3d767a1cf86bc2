/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: what a process may ask of the kernel from here on (seccomp). A call that only an attacker makes, such as to
 * start a program, ends the process; any other that is not on the list fails with ENOSYS, as on an older kernel, so
 * that a library that tries something new goes on without it.
 */
#ifndef DOMSEC_BASE_SANDBOX_H
#define DOMSEC_BASE_SANDBOX_H

#include "base/error.h"

enum sandbox {
    SANDBOX_DAEMON, /* files, sockets, threads */
    SANDBOX_KEYS,   /* the sockets that are open, and memory */
};

/* Keeps the memory of this process, and of those that it forks, from other processes of its account and out of core
 * files, for good. account_become() keeps it so. */
void sandbox_hide(void);

/* For all threads, and for good. A forbidden call raises SIGSYS in the daemon, so that the handler of crashes can note
 * the message in hand, and kills a key process at once. */
bool sandbox_enter(enum sandbox sandbox, struct error *error);

#endif
