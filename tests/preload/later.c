/* SPDX-License-Identifier: Apache-2.0 */
/*
 * later: a program that lives in the future, by as many seconds as the variable LATER says.
 *
 *     LATER=2592000 LD_PRELOAD=…/later.so domsec-milter …
 *
 * Only time() is changed, which says what time it is; what waits for something counts with other clocks.
 */
#include <stdlib.h>
#include <time.h>

time_t time(time_t *result)
{
    struct timespec now = {0};
    const char *later = getenv("LATER");
    clock_gettime(CLOCK_REALTIME, &now);
    time_t then = now.tv_sec + (later != NULL ? (time_t)strtoll(later, NULL, 10) : 0);
    if (result != NULL)
        *result = then;
    return then;
}
