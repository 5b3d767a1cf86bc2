/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_work: keys in a token at work, found again after the token has forgotten them.
 */
#ifndef DOMSEC_KEYS_TOKEN_WORK_H
#define DOMSEC_KEYS_TOKEN_WORK_H

#include "token_trial.h"

/* Thread-safe, also for one key. */
enum key_answer token_work(struct token *token, struct token_key *key, const struct key_work *work,
                           struct key_output *output);

#endif
