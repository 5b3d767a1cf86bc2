/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_home: a folder with a store in it, for the tests of store/. The certificates are any bytes: store/ reads none.
 */
#ifndef DOMSEC_TESTS_SUPPORT_STORE_HOME_H
#define DOMSEC_TESTS_SUPPORT_STORE_HOME_H

#include "store/store.h"
#include "support/folder.h"

#include <criterion/criterion.h>

#define STORE_NOW 1800000000
#define STORE_DAY 86400

struct store_home {
    char *folder, *file, *uri;
    struct store *store;
};

struct store_home *store_home_new(void);
void store_home_free(struct store_home *home);
DECLARE_OWNED(store_home, struct store_home *, store_home_free)

/* Adds one imported certificate whose bytes are the text, valid from `from` to `until`, in days from STORE_NOW, under
 * one name. */
bool store_home_add(struct store *store, const char *text, const char *name, int from, int until, struct error *error);

/* The texts of what is found under the name, separated by spaces; "none", or "failed: " and the text of the error.
 * g_free(). */
char *store_home_find(struct store *store, const char *name);

/* How many certificates are there, counted page by page; -1 if that fails. */
long store_home_count(struct store *store, struct error *error);

#endif
