/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: what a place that holds private keys has to offer. One file per place; the table of all is in keys.c.
 */
#ifndef DOMSEC_KEYS_STORE_H
#define DOMSEC_KEYS_STORE_H

#include "keys/keys.h"

struct key_store {
    const char *scheme; /* of the key's URI, without the colon */
    /* location is the URI behind the colon. A reference of its own, or NULL with ERROR_CONFIGURATION. */
    EVP_PKEY *(*load)(const char *location, struct error *error);
    /* True if others than the owner can read the key. NULL: the place guards its keys itself. */
    bool (*is_exposed)(const char *location);
};

extern const struct key_store key_store_file;

#endif
