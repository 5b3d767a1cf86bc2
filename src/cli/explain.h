/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: the answers of `domsec explain`.
 */
#ifndef DOMSEC_CLI_EXPLAIN_H
#define DOMSEC_CLI_EXPLAIN_H

#include "cli.h"

#include <jansson.h>

/* from and subject as they were given; subject may be NULL. Fills json; NULL: prints for people. */
void explain_show(const struct passage *passage, const char *from, const char *subject, json_t *json);
/* Shows for each line of a file (a sender, a recipient, perhaps a login) what another configuration would change.
 * Returns the exit status. */
int explain_batch(const char *configuration, const char *against, const char *file, const char *client);

/* What is put on for one recipient. */
const char *explain_treatment(const struct outbound_decision *decision);
/* "partner.test.conf:12"; NULL: a default. g_free(). */
char *explain_place(const struct value_origin *origin);

#endif
