/* SPDX-License-Identifier: Apache-2.0 */
/*
 * awaited: identities whose certificate is still to come.
 */
#ifndef DOMSEC_KEYS_AWAITED_H
#define DOMSEC_KEYS_AWAITED_H

#include "keys/keys.h"

/* Says what is missing: a note, or a warning once the identity should be in force. */
void awaited_note(const struct conf *conf, const struct identity_conf *identity, time_t at, struct faults *faults);
/* keys_arrivals() of these struct identity_conf. */
uint64_t awaited_arrivals(const GPtrArray *awaited);

#endif
