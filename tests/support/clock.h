/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock: a clock that jumps. The definitions take the place of those of the libraries in the program that includes
 * them; what waits for something still waits by the clock of the system.
 */
#ifndef DOMSEC_TESTS_SUPPORT_CLOCK_H
#define DOMSEC_TESTS_SUPPORT_CLOCK_H

#include <glib.h>
#include <time.h>

static gint clock_jumped; /* seconds */

time_t time(time_t *result)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    time_t then = now.tv_sec + g_atomic_int_get(&clock_jumped);
    if (result != NULL)
        *result = then;
    return then;
}

gint64 g_get_monotonic_time(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return ((gint64)now.tv_sec + g_atomic_int_get(&clock_jumped)) * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

void clock_jump(int seconds);
void clock_jump(int seconds)
{
    g_atomic_int_add(&clock_jumped, seconds);
}

#endif
