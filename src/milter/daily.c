/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daily: by the wall clock, since a machine that sleeps at night would never reach a day of uptime.
 */
#include "daily.h"

#define DAY 86400

bool daily_is_due(time_t *next, time_t now)
{
    if (now < *next && *next - now <= 2 * DAY)
        return false;
    *next = now + DAY;
    return true;
}
