/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals: SIGHUP and SIGUSR1 reload, SIGTERM and SIGINT end, in a thread of our own; SIGUSR2, SIGPIPE and SIGXFSZ are
 * ignored.
 */
#ifndef DOMSEC_MILTER_SIGNALS_H
#define DOMSEC_MILTER_SIGNALS_H

#include "base/error.h"

struct signals_handler {
    void *context;
    void (*reload)(void *context);
    void (*stop)(void *context); /* ends the process; does not return */
    void (*tick)(void *context); /* every few seconds */
};

/* Blocks the signals in the calling thread and in all threads that it will start. Call it before any thread starts. */
void signals_block(void);
/* Starts the thread. handler must live as long as the process. */
bool signals_start(const struct signals_handler *handler, struct error *error);

#endif
