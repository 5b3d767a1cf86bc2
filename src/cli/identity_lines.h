/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity_lines: the groups of `identities` that fit a certificate, as text for domsec.conf.
 */
#ifndef DOMSEC_CLI_IDENTITY_LINES_H
#define DOMSEC_CLI_IDENTITY_LINES_H

#include "keys/keys.h"

struct identity_wanted {
    const char *certificate, *key; /* paths */
    const char *passphrase_file;   /* NULL: none */
    const char *domain;            /* NULL: as the certificate says */
    const enum role *role;         /* NULL: as the certificate says */
};

/* For the roles that it names; for its addresses if it names none; without any, for what it can be used. g_free().
 * NULL: it is of no use. */
char *identity_lines(const X509 *certificate, const struct identity_wanted *wanted);

#endif
