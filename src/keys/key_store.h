/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_store: a place that holds private keys. One file per kind of place fills a struct key_store_type; the table of
 * all kinds is in key_store.c.
 */
#ifndef DOMSEC_KEYS_KEY_STORE_H
#define DOMSEC_KEYS_KEY_STORE_H

#include "keys/key_service.h"
#include "keys/keys.h"

/* An error's kind is ERROR_TEMPORARY if trying again may help (a session was lost, too many open files), and
 * ERROR_CONFIGURATION if an administrator has to act. `location` is a key's URI without its scheme and colon. A
 * function that is optional may be NULL. */
struct key_store_type {
    const char *scheme; /* of a key's URI, without the colon */
    /* Optional, for a store with state: called once, before its first key is loaded. conf is NULL on the command line.
     * What *state is set to is passed to all functions below. */
    bool (*open)(const struct conf *conf, void **state, struct error *error);
    /* Optional; called once after a successful open. A key that was loaded may outlive the store: it holds what it
     * needs. */
    void (*close)(void *state);
    /* Returns a reference of its own, or NULL. passphrase may be NULL. */
    EVP_PKEY *(*load)(void *state, const char *location, const char *passphrase, struct error *error);
    /* The locations of the keys beside `location` (in its folder, in its token), NULL-terminated; g_strfreev(). */
    char **(*list)(void *state, const char *location, struct error *error);
};

extern const struct key_store_type key_store_file;

/* The stores of one configuration. Each is opened when its first key is loaded; one that could not be opened is not
 * asked again. Not thread-safe. */
struct key_stores;

/* types: NULL-terminated, lent; NULL: all kinds of this build. conf may be NULL. With a service, which is lent, keys
 * are held by its processes, as conf wants. */
struct key_stores *key_stores_new(const struct key_store_type *const *types, const struct conf *conf,
                                  struct key_service *service);
void key_stores_free(struct key_stores *stores);

/* Returns a reference of its own, or NULL. secret_file: passphrase or PIN in its first line; may be NULL. expected: as
 * for key_link_find(), of a key in a token. */
EVP_PKEY *key_stores_load(struct key_stores *stores, const char *uri, const char *secret_file, EVP_PKEY *expected,
                          struct error *error);
/* After the last load: what was needed for that alone is given up. */
bool key_stores_seal(struct key_stores *stores, struct error *error);

DECLARE_OWNED(key_stores, struct key_stores *, key_stores_free)

/* keys_open() with other key stores: for tests. */
struct keys *keys_open_with(const struct conf *conf, const struct key_store_type *const *types, struct faults *faults);

#endif
