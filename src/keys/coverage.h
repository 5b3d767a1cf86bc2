/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coverage: is there an identity for each role and mailbox at all times?
 */
#ifndef DOMSEC_KEYS_COVERAGE_H
#define DOMSEC_KEYS_COVERAGE_H

#include "keys/keys.h"

/* Warns where the identities that stand side by side leave a time without one: now, or until the next begins. Notes
 * those that have ended. identities: struct identity *, those that could be opened. */
void coverage_check(const struct conf *conf, const GPtrArray *identities, time_t at, struct faults *faults);

#endif
