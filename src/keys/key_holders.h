/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_holders: the list of all kinds of key_holder.
 */
#ifndef DOMSEC_KEYS_KEY_HOLDERS_H
#define DOMSEC_KEYS_KEY_HOLDERS_H

#include "key_holder.h"

/* By the scheme of a key's URI; NULL: there is no such kind. */
const struct key_holder_type *key_holder_of(const char *scheme);

#endif
