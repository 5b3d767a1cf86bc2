/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dial: opens a TCP connection to a host by a deadline, with the name resolved as the system does. Thread-safe.
 */
#ifndef DOMSEC_NET_DIAL_H
#define DOMSEC_NET_DIAL_H

#include "base/cleanup.h"
#include "base/error.h"

#include <stdint.h>

struct dialler;

struct dialler *dialler_new(void);
/* Resolutions that hang are left behind; they free what is theirs. */
void dialler_free(struct dialler *dialler);

/* A connected, blocking socket; close(). -1 with ERROR_TEMPORARY. Each address of the host is tried. deadline:
 * microseconds of g_get_monotonic_time(). */
int dial(struct dialler *dialler, const char *host, unsigned port, int64_t deadline, struct error *error);

DECLARE_OWNED(dialler, struct dialler *, dialler_free)

#endif
