/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demands: the groups `require_certificate` and `sign_with` of a policy file, as data.
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

/* What a configuration says of something: nothing, that it is not so, or that it is. */
enum stated { STATED_NOTHING, STATED_FALSE, STATED_TRUE };

/* Where a key was made, and is kept. */
enum key_origin {
    ORIGIN_UNKNOWN,
    ORIGIN_CA,
    ORIGIN_TOKEN,
    ORIGIN_OS,
    ORIGIN_APPLICATION,
    ORIGIN_GATEWAY,
    ORIGIN_CLOUD,
};
/* "token"; NULL: unknown. Static. */
const char *key_origin_name(enum key_origin origin);
/* The origin with that name; ORIGIN_UNKNOWN for other words and NULL. */
enum key_origin key_origin_of(const char *word);

/* A group `sign_with`: what the keys must be that sign. */
struct sign_with_conf {
    char **origins; /* key `origin`: names of origins, one of which is the key's; empty: any */
    enum stated escrowed, dual_use, content_commitment; /* STATED_NOTHING: either */
};

#endif
