/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_batch: puts certificates where `domsec cert import` keeps them, many at a time, and prints a line for each in
 * the order in which they came. What the output says to be imported is on disk.
 */
#ifndef DOMSEC_CLI_CERT_BATCH_H
#define DOMSEC_CLI_CERT_BATCH_H

#include "certs/certs.h"

struct cert_batch;

/* only_show: nothing is written. conf must outlive it. */
struct cert_batch *cert_batch_new(const struct conf *conf, bool only_show);
void cert_batch_free(struct cert_batch *batch);

/* Prints a line. */
void cert_batch_say(struct cert_batch *batch, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds a certificate. note: behind its line; may be NULL. False: what came before could not be written. */
bool cert_batch_add(struct cert_batch *batch, X509 *certificate, const char *note, struct error *error);
/* Writes and prints what is left. */
bool cert_batch_flush(struct cert_batch *batch, struct error *error);

/* How many were, or would be, new; how many were there. */
unsigned cert_batch_imported(const struct cert_batch *batch);
unsigned cert_batch_known(const struct cert_batch *batch);

DECLARE_OWNED(cert_batch, struct cert_batch *, cert_batch_free)

#endif
