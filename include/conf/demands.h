/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demands: the group `require_certificate` of a policy file, as data.
 */
#ifndef DOMSEC_CONF_DEMANDS_H
#define DOMSEC_CONF_DEMANDS_H

#include <stdbool.h>

/* A group `require_certificate`: what a partner's certificates must be, beyond trusted. An empty list asks for nothing.
 */
struct demands_conf {
    char **types;          /* key `smime_br`: "mailbox", "organization", "sponsor", "individual" */
    char **generations;    /* key `generations`: "legacy", "multipurpose", "strict" */
    char **policies;       /* dotted OIDs, one of which each certificate of the path asserts */
    char **keys;           /* kinds of keys, as in keys/profile.h */
    char **issuers;        /* files with authorities, one of which is in the path */
    bool split_keys;       /* a key signs or is encrypted to, not both */
    unsigned issuers_line; /* of that key, for faults; 0: not there */
};

#endif
