/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard: can an account that we do not trust read or change a file? It reads owners and modes, and not access lists.
 */
#ifndef DOMSEC_BASE_GUARD_H
#define DOMSEC_BASE_GUARD_H

#include "base/error.h"

#include <sys/types.h>

/* The accounts and groups that we trust. */
struct guard {
    uid_t uids[3];
    gid_t gids[3];
    unsigned count;
};

/* root, the account that runs this program, and the account `user`, if it exists; each with its group. NULL user:
 * none. */
void guard_init(struct guard *guard, const char *user);

enum guard_kind {
    GUARD_SECRET, /* a file that others must neither read nor change */
    GUARD_FILE,   /* a file that others must not change */
    GUARD_FOLDER, /* a directory in which others must not create files */
};

enum guard_verdict {
    GUARD_GOOD,     /* also for a file that does not exist, or that we cannot see */
    GUARD_DOUBTFUL, /* a directory further up belongs to another account */
    GUARD_BAD,
};

/* Looks at the file, at its directory, and at each directory above that holds it or a symbolic link on the way to it.
 * path is absolute. Unless GUARD_GOOD, why says what is wrong and how to correct it, and *culprit is the file or
 * directory in question; g_free(). */
enum guard_verdict guard_check(const struct guard *guard, const char *path, enum guard_kind kind, char **culprit,
                               struct error *why);

#endif
