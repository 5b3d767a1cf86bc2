/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics: process-wide counters and gauges in the Prometheus text exposition format. Thread-safe.
 */
#ifndef DOMSEC_BASE_METRICS_H
#define DOMSEC_BASE_METRICS_H

#include "base/error.h"

#include <stdio.h>

/* Adds to the counter `name` with the label list `labels` (for example `direction="inbound",result="pass"`, or NULL).
 * name must be one of the documented metrics in domsec-milter(8). */
void metrics_add(const char *name, const char *labels, double value);

/* Sets a gauge, with a name and labels as above. */
void metrics_set(const char *name, const char *labels, double value);
/* Drops all samples of that name, before gauges are set anew. */
void metrics_forget(const char *name);

/* Writes all samples, sorted, with # TYPE lines. */
void metrics_print(FILE *stream);

/* Replaces the file atomically (temporary file beside it, then rename), for node_exporter's textfile collector. */
bool metrics_save(const char *path, struct error *error);

/* Back to nothing; for tests. */
void metrics_reset(void);

#endif
