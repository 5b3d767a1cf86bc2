/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status_rollover: the rollovers that are under way, for `domsec status`.
 */
#ifndef DOMSEC_CLI_STATUS_ROLLOVER_H
#define DOMSEC_CLI_STATUS_ROLLOVER_H

#include "keys/keys.h"

#include <jansson.h>

/* One for each identity that is to take the place of another; nothing without such an identity. own: as own_read() has
 * it. */
void rollovers_print(const struct conf *conf, X509 *const *own);
/* An array; a new reference. */
json_t *rollovers_json(const struct conf *conf, X509 *const *own);

#endif
