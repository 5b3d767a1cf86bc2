/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tested: what policies in test mode would have done, for the log, the report and the counters.
 */
#ifndef DOMSEC_GATEWAY_TESTED_H
#define DOMSEC_GATEWAY_TESTED_H

#include "gateway/gateway.h"

#include <jansson.h>

/* For each recipient, or for what arrives: an array; empty: no policy in test mode applies. */
json_t *tested_json(const struct passage *passage);
/* "bob@partner.test: reject: …; …"; empty: the same. g_free(). */
char *tested_text(const struct passage *passage);
void tested_count(const struct passage *passage);

#endif
