/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof: whether the mail server brings sealed messages back. Thread-safe.
 */
#ifndef DOMSEC_GATEWAY_PROOF_H
#define DOMSEC_GATEWAY_PROOF_H

#include "gateway/box.h"
#include "gateway/split.h"

struct proof;

struct proof *proof_open(const struct conf *conf, const char *key_id);
void proof_close(struct proof *proof);

/* Whether a message may be sealed and let go now; then it is the one that is waited for. queue_id may be NULL.
 * ERROR_CONFIGURATION otherwise. */
bool proof_may_go(struct proof *proof, const char *queue_id, time_t now, struct error *error);
/* A message that was sealed with this key has come back. */
void proof_came_back(struct proof *proof, const char *key_id, time_t now);
/* Returns true, with the text for the log, once for each message that does not come back in time. */
bool proof_complain(struct proof *proof, time_t now, struct error *error);

#endif
