/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account: the user that a process becomes when it drops privileges.
 */
#ifndef DOMSEC_BASE_ACCOUNT_H
#define DOMSEC_BASE_ACCOUNT_H

#include "base/error.h"

#include <sys/types.h>

struct account {
    char *name;
    uid_t uid;
    gid_t gid;
};

/* Looks up a user. name NULL or "": the account stays unchanged (uid and gid -1). */
bool account_find(const char *name, struct account *account, struct error *error);
/* Becomes that user permanently, with its groups. */
bool account_become(const struct account *account, struct error *error);
void account_clear(struct account *account);

#endif
