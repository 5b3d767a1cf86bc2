/* SPDX-License-Identifier: Apache-2.0 */
#include "support/scripted_keys.h"

#include <criterion/criterion.h>

struct scripted_keys scripted_keys;

static bool scripted_open(const struct conf *conf, void **state, struct error *error)
{
    scripted_keys.opened++;
    scripted_keys.conf = conf;
    *state = &scripted_keys;
    return scripted_keys.at_open == ERROR_NONE || error_set(error, scripted_keys.at_open, "no session");
}

static void scripted_close(void *state)
{
    cr_expect_eq(state, &scripted_keys);
    scripted_keys.closed++;
}

static EVP_PKEY *scripted_load(void *state, const char *location, const char *passphrase, struct error *error)
{
    (void)passphrase;
    cr_expect_eq(state, &scripted_keys);
    scripted_keys.loads++;
    g_strlcpy(scripted_keys.location, location, sizeof(scripted_keys.location));
    if (scripted_keys.at_load != ERROR_NONE) {
        error_set(error, scripted_keys.at_load, "no key %s", location);
        return NULL;
    }
    cr_assert(EVP_PKEY_up_ref(scripted_keys.key));
    return scripted_keys.key;
}

static char **scripted_list(void *state, const char *location, struct error *error)
{
    (void)state;
    (void)location;
    if (scripted_keys.there == NULL)
        error_set(error, ERROR_TEMPORARY, "cannot list");
    return g_strdupv((char **)scripted_keys.there);
}

const struct key_store_type scripted_keys_type = {
    .scheme = "scripted",
    .open = scripted_open,
    .close = scripted_close,
    .load = scripted_load,
    .list = scripted_list,
};

/* --- keys that fail when they are used --- */

/* The public half of what the file holds. */
static EVP_PKEY *lost_load(void *state, const char *location, const char *passphrase, struct error *error)
{
    owned(EVP_PKEY) EVP_PKEY *whole = key_store_file.load(state, location, passphrase, error);
    unsigned char *der = NULL;
    int length = whole != NULL ? i2d_PUBKEY(whole, &der) : -1;
    const unsigned char *at = der;
    EVP_PKEY *half = length > 0 ? d2i_PUBKEY(NULL, &at, length) : NULL;
    OPENSSL_free(der);
    return half;
}

static const struct key_store_type lost_type = {.scheme = "file", .load = lost_load};

void scripted_keys_lose(struct keys **keys, const struct conf *conf)
{
    owned(faults) struct faults *faults = faults_new();
    keys_close(*keys);
    *keys = keys_open_with(conf, (const struct key_store_type *const[]){&lost_type, NULL}, faults);
    cr_assert_not_null(*keys, "%s", faults_count(faults) > 0 ? faults_at(faults, 0) : "");
}
