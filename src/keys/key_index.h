/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_index: finds identities without a walk over all of them: by role and name, by role alone, and by what an
 * encrypted message calls its recipient. Built once, then read-only, so that threads share it without a lock.
 */
#ifndef DOMSEC_KEYS_KEY_INDEX_H
#define DOMSEC_KEYS_KEY_INDEX_H

#include "keys/keys.h"

struct key_index;

struct key_index *key_index_new(void);
void key_index_free(struct key_index *index);

/* The identity is lent and must outlive the index. position: its place in the configuration. */
void key_index_add(struct key_index *index, const struct identity *identity, guint position);

/* The positions (guint) of the identities with that role for exactly that domain, or that sign for exactly that mailbox
 * or pattern, ascending; lent. NULL: no such identity. */
const GArray *key_index_named(const struct key_index *index, enum role role, const char *name);
/* All with that role. */
const GArray *key_index_role(const struct key_index *index, enum role role);
/* Those that decrypt and whose certificate has this identifier. */
const GArray *key_index_recipient(const struct key_index *index, const struct recipient_id *id);

#endif
