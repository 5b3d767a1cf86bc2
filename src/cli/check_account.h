/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_account: what the daemon's account can read and write, for `domsec check`.
 */
#ifndef DOMSEC_CLI_CHECK_ACCOUNT_H
#define DOMSEC_CLI_CHECK_ACCOUNT_H

#include "gateway/gateway.h"

/* Opens everything as the daemon does. *conf: NULL if there are faults in it. NULL if faults has errors. */
struct gateway *check_open(const char *file, struct conf **conf, struct faults *faults);

/* Adds what that account cannot read or write: `user`, or domsec, if root asks and the account exists, and otherwise
 * the account that asks. */
void check_account(const struct conf *conf, struct faults *faults);

#endif
