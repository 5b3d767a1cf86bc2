/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_find: finds keys in a token, and finds out what each can do.
 */
#ifndef DOMSEC_KEYS_TOKEN_FIND_H
#define DOMSEC_KEYS_TOKEN_FIND_H

#include "token_trial.h"

/* The key that the URI names, tried; token_key_free() it. ERROR_CONFIGURATION if there is no such key, several, or one
 * that cannot do anything for us: the text names the keys that are there. */
struct token_key *token_key_find(struct token *token, const P11KitUri *uri, struct error *error);
/* All private keys of the token, tried, as struct token_key *; g_ptr_array_unref() it. One that does not work, or that
 * shows no public key, has `can` 0. */
GPtrArray *token_key_list(struct token *token, struct error *error);
void token_key_free(struct token_key *key);

#endif
