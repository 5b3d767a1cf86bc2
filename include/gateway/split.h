/* SPDX-License-Identifier: Apache-2.0 */
/*
 * split: what the daemon remembers of whether the mail server brings sealed messages back.
 */
#ifndef DOMSEC_GATEWAY_SPLIT_H
#define DOMSEC_GATEWAY_SPLIT_H

#include "conf/conf.h"

#include <time.h>

struct proof_state {
    bool is_given;  /* split.proven says so */
    bool proven;    /* a message that was sealed with the key has come back; `at` is the first time */
    char *queue_id; /* of the message that is waited for since `at`; NULL: no message is waited for */
    time_t at;
};

/* What is known of the key with this identifier (box_keys_id(keys, 0)). Reads the file in the state directory. */
void proof_read(const struct conf *conf, const char *key_id, struct proof_state *state);
void proof_state_clear(struct proof_state *state);

#endif
