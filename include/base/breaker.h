/* SPDX-License-Identifier: Apache-2.0 */
/*
 * breaker: leaves a server alone that does not answer, so that not every message waits for it in vain.
 *
 *     if (!breaker_allows(breaker, g_get_monotonic_time(), &error))
 *         return false;                          asked at once, nothing is waited for
 *     ... ask, with a time limit ...
 *     answered ? breaker_answered(breaker) : breaker_failed(breaker, g_get_monotonic_time());
 *
 * After three failures in a row it opens: nothing is asked for two seconds. Then one question is a probe, while all
 * others are still refused. An answer closes the breaker; a probe that fails, or whose end is never told, doubles the
 * pause up to twenty seconds. "None" is an answer. Thread-safe. Times are microseconds of g_get_monotonic_time().
 */
#ifndef DOMSEC_BASE_BREAKER_H
#define DOMSEC_BASE_BREAKER_H

#include "base/cleanup.h"
#include "base/error.h"

#include <stdint.h>

struct breaker;

/* what: the server, for people. */
struct breaker *breaker_new(const char *what);
void breaker_free(struct breaker *breaker);
/* Returns false, with a temporary error, if it must not be asked now. */
bool breaker_allows(struct breaker *breaker, int64_t now, struct error *error);
/* Returns true if that changes the state: it was left alone, and is no longer. */
bool breaker_answered(struct breaker *breaker);
/* Returns true if that changes the state: it is left alone from now on. */
bool breaker_failed(struct breaker *breaker, int64_t now);

DECLARE_OWNED(breaker, struct breaker *, breaker_free)

#endif
