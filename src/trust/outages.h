/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outages: which addresses fail, for the log: a line when one begins to fail, and a line when it answers again. One
 * that changes its mind all the time has a line every ten minutes at most. Thread-safe.
 */
#ifndef DOMSEC_TRUST_OUTAGES_H
#define DOMSEC_TRUST_OUTAGES_H

#include "notices.h"

#include <time.h>

struct outages;

/* notices has to outlive it. */
struct outages *outages_new(struct notices *notices);
void outages_free(struct outages *outages);
/* What came of one request. why NULL: an answer. */
void outages_note(struct outages *outages, const char *url, const char *why, time_t now);

#endif
