/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock: the milliseconds of a clock, for the tools that measure.
 */
#ifndef DOMSEC_TESTS_TOOLS_CLOCK_H
#define DOMSEC_TESTS_TOOLS_CLOCK_H

#include <time.h>

static inline double clock_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

#endif
