/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation: a group `revocation`, as data.
 */
#ifndef DOMSEC_CONF_REVOCATION_H
#define DOMSEC_CONF_REVOCATION_H

#include <stdbool.h>

/* What is done about a certificate of which it is not known whether it has been revoked. */
enum revocation_check {
    REVOCATION_CHECK_OFF,  /* nothing: only what comes with a message can revoke */
    REVOCATION_CHECK_SOFT, /* it passes, and the result says so */
    REVOCATION_CHECK_HARD, /* the message is deferred */
};

/* A group `revocation`. */
struct revocation_conf {
    enum revocation_check check;
    char **crls;                    /* files or folders; empty in a partner's: the global ones */
    bool fetch, ocsp;               /* keys: lists are fetched, responders are asked */
    bool ocsp_nonce;                /* key */
    bool says_fetch, says_ocsp;     /* private to conf/: the group has the key */
    unsigned check_line, crls_line; /* of these keys, for faults; 0: not there */
};

#endif
