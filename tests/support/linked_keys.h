/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linked_keys: keys whose private half lies behind a key_link, for tests.
 */
#ifndef DOMSEC_TESTS_SUPPORT_LINKED_KEYS_H
#define DOMSEC_TESTS_SUPPORT_LINKED_KEYS_H

#include "keys/key_link.h"
#include "keys/key_store.h"

/* What the holders of all linked keys answer in place of their work, as a token that is away; KEY_DONE: they work. */
extern enum key_answer linked_keys_answer;

/* The same key behind a link of its own, inside this process. EVP_PKEY_free(). */
EVP_PKEY *linked_keys_of(EVP_PKEY *key);

/* Key stores whose files are behind links inside this process; for keys_open_with(). */
extern const struct key_store_type *const linked_keys_stores[];

/* What the tests open keys with: linked_keys_stores if DOMSEC_TEST_KEYS is "linked", else NULL. So that the tests of
 * other folders can be run with such keys, too. */
const struct key_store_type *const *linked_keys_chosen(void);
/* The same for one key, which lives as long as the test; without DOMSEC_TEST_KEYS the key itself. */
EVP_PKEY *linked_keys_chosen_of(EVP_PKEY *key);

/* Opens those of a gateway again, behind links. */
void linked_keys_open(struct keys **keys, const struct conf *conf);
/* The same, if that is chosen. */
void linked_keys_choose(struct keys **keys, const struct conf *conf);

#endif
