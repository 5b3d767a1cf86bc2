/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daily: what the daemon does once a day.
 */
#ifndef DOMSEC_MILTER_DAILY_H
#define DOMSEC_MILTER_DAILY_H

#include <stdbool.h>
#include <time.h>

/* Returns true if it is time, and sets *next to a day later. *next is 0 in the beginning, which is always due. A clock
 * that is set back by days does not stop it. */
bool daily_is_due(time_t *next, time_t now);

#endif
