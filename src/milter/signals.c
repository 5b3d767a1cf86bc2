/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals: handles signals in a thread of our own.
 *
 * libmilter has a thread that waits for SIGHUP, SIGTERM and SIGINT with sigwait() and stops at any of them: it frees
 * its sessions while other threads use them. Both threads would race for every signal. So this program defines its own
 * sigwait(), which the dynamic linker prefers to that of the C library, and which never returns. libmilter is its only
 * caller; we wait with sigtimedwait().
 */
#include "signals.h"

#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define TICK_SECONDS 5

int sigwait(const sigset_t *set, int *number)
{
    (void)set;
    *number = 0;
    for (;;)
        pause();
}

static void fill(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGHUP);
    sigaddset(set, SIGUSR1);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
}

void signals_block(void)
{
    sigset_t set;
    fill(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    /* A closed connection shows as EPIPE. */
    signal(SIGPIPE, SIG_IGN);
    /* A file that may not grow (ulimit -f) shows as EFBIG. */
    signal(SIGXFSZ, SIG_IGN);
    /* It has no meaning here and must not end the daemon. */
    signal(SIGUSR2, SIG_IGN);
}

static void *signals_thread(void *argument)
{
    const struct signals_handler *handler = argument;
    const struct timespec tick = {TICK_SECONDS, 0};
    sigset_t set;
    fill(&set);
    for (;;) {
        switch (sigtimedwait(&set, NULL, &tick)) {
        case SIGHUP:
        case SIGUSR1: /* what OpenDKIM and OpenDMARC reload on */
            handler->reload(handler->context);
            break;
        case SIGTERM:
        case SIGINT:
            handler->stop(handler->context);
            break;
        default: /* the time is up, or EINTR */
            handler->tick(handler->context);
            break;
        }
    }
    return NULL;
}

bool signals_start(const struct signals_handler *handler, struct error *error)
{
    pthread_t thread;
    int cause = pthread_create(&thread, NULL, signals_thread, (void *)handler);
    if (cause != 0)
        return error_set(error, ERROR_TEMPORARY, "signal thread: %s", g_strerror(cause));
    pthread_detach(thread);
    return true;
}
