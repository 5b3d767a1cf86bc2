/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status_bundles: what `domsec status` says of the trust bundles that are fetched.
 */
#ifndef DOMSEC_CLI_STATUS_BUNDLES_H
#define DOMSEC_CLI_STATUS_BUNDLES_H

#include "conf/conf.h"

#include <jansson.h>

struct bundles_status;

/* Reads the store. What it cannot read is said on standard error. */
struct bundles_status *bundles_status_read(const struct conf *conf);
void bundles_status_free(struct bundles_status *status);
/* False if one is stale, or could not be read. */
bool bundles_status_is_good(const struct bundles_status *status);
/* Prints nothing without bundles. */
void bundles_status_print(const struct bundles_status *status);
json_t *bundles_status_json(const struct bundles_status *status);

#endif
