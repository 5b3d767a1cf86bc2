/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_pending: `domsec cert list --pending`, `cert approve` and `cert reject`: certificates that messages brought, and
 * that wait for a decision.
 */
#ifndef DOMSEC_CLI_CERT_PENDING_H
#define DOMSEC_CLI_CERT_PENDING_H

#include "cli.h"

int cert_list_pending(const struct conf *conf, bool as_json);
extern const struct command command_cert_approve, command_cert_reject;

#endif
