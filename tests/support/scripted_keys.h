/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scripted_keys: a key store that answers by a script and counts what it is asked. There is one script in a process;
 * each test writes its own.
 *
 *     scripted_keys = (struct scripted_keys){.key = dsa->key};
 *     struct keys *keys = keys_open_with(conf, (const struct key_store_type *const[]){&scripted_keys_type, NULL},
 * faults);
 *
 * In a gateway: scripted_keys_lose().
 */
#ifndef DOMSEC_TESTS_SUPPORT_SCRIPTED_KEYS_H
#define DOMSEC_TESTS_SUPPORT_SCRIPTED_KEYS_H

#include "keys/key_store.h"

struct scripted_keys {
    /* the script */
    enum error_kind at_open;  /* ERROR_NONE: opens */
    enum error_kind at_load;  /* ERROR_NONE: loads */
    EVP_PKEY *key;            /* what each location holds */
    const char *const *there; /* what list() answers; NULL: it fails */
    /* what was asked */
    unsigned opened, closed, loads;
    const struct conf *conf; /* as it was opened with */
    char location[40];       /* of the last load */
};

extern struct scripted_keys scripted_keys;

/* For URIs "scripted:LOCATION". */
extern const struct key_store_type scripted_keys_type;

/* Closes *keys and opens those of conf again, as after a token lost its private keys: each identity is there, and each
 * operation with its key fails. The configuration's keys are files. */
void scripted_keys_lose(struct keys **keys, const struct conf *conf);

#endif
