/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status_split: what `domsec status` says of the keys that seal, so that gateways that differ are seen, and of whether
 * the mail server brings sealed messages back.
 */
#ifndef DOMSEC_CLI_STATUS_SPLIT_H
#define DOMSEC_CLI_STATUS_SPLIT_H

#include "gateway/box.h"
#include "gateway/split.h"

#include <jansson.h>

struct split_status {
    struct box_keys *keys; /* NULL: they cannot be read, or messages are not split */
    bool is_used;          /* messages are split */
    struct proof_state proof;
};

/* Returns false if the keys cannot be read. */
bool split_status_read(const struct conf *conf, struct split_status *status);
void split_status_clear(struct split_status *status);
/* Prints nothing if messages are not split. */
void split_status_print(const struct split_status *status);
/* null if messages are not split. */
json_t *split_status_json(const struct split_status *status);

#endif
