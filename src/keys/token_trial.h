/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_trial: asks a token for work whose result we can check with the public key.
 *
 * That is the only proof that a token works, that it has a mechanism (some announce what they refuse), and that a
 * handle names the key that is meant.
 */
#ifndef DOMSEC_KEYS_TOKEN_TRIAL_H
#define DOMSEC_KEYS_TOKEN_TRIAL_H

#include "token_call.h"

/* kind: the work without its input. CKR_KEY_CHANGED if the result is that of another key. */
CK_RV token_trial(const struct token_use *use, const struct key_work *kind);
/* What the token says to a block that was never encrypted. */
CK_RV token_trial_damaged(const struct token_use *use, const struct key_work *kind);

/* The EVP padding of an RSA scheme; 0: no RSA. */
int token_trial_padding(enum key_scheme scheme);

#endif
