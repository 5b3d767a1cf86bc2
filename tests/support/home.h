/* SPDX-License-Identifier: Apache-2.0 */
/*
 * home: identities in a folder of their own, and a configuration that names them.
 */
#ifndef DOMSEC_TESTS_SUPPORT_HOME_H
#define DOMSEC_TESTS_SUPPORT_HOME_H

#include "keys/keys.h"
#include "support/pki.h"

#define HOME_MAX 1010

struct home {
    char *folder;
    struct conf conf;
    struct identity_conf identities[HOME_MAX];
    struct faults *faults;
};

struct home *home_new(void);
void home_free(struct home *home);

/* An identity with the certificate of pki and the key of key, in files; its line is 10 and up. */
void home_add(struct home *home, enum role role, const char *domain, const struct pki *pki, const struct pki *key);
/* The same with its key in a store of another kind. */
void home_add_uri(struct home *home, enum role role, const char *domain, const struct pki *pki, const char *uri);

/* An identity of mailboxes: addresses and patterns in their normal form, up to a NULL; uri NULL: its key in a file. */
void home_add_mailbox(struct home *home, const char *const *addresses, const struct pki *pki, const char *uri);

bool home_has_fault(const struct home *home, const char *text);

#endif
