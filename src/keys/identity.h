/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity: loads one identity of a configuration.
 */
#ifndef DOMSEC_KEYS_IDENTITY_H
#define DOMSEC_KEYS_IDENTITY_H

#include "key_store.h"

/* Adds what is wrong to faults, at the identity's line. NULL: it cannot be used. */
struct identity *identity_open(const struct conf *conf, const struct identity_conf *entry, struct key_stores *stores,
                               struct faults *faults);
void identity_free(struct identity *identity);

#endif
