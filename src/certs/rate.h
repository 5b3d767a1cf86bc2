/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rate: how often something may be done for others: so many times at once, and so many a second from then on. Not
 * thread-safe. Private to certs/.
 */
#ifndef DOMSEC_CERTS_RATE_H
#define DOMSEC_CERTS_RATE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct rate;

struct rate *rate_new(unsigned at_once, unsigned a_second);
void rate_free(struct rate *rate);
/* Counts it for that key (a pointer, compared alone) and returns true, or returns false if it is too often. */
bool rate_allows(struct rate *rate, const void *key, int64_t now);

#endif
