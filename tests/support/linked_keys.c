/* SPDX-License-Identifier: Apache-2.0 */
#include "support/linked_keys.h"

#include "keys/remote_provider.h"
#include "support/folder.h"
#include "support/pki.h"

#include <criterion/criterion.h>

enum key_answer linked_keys_answer = KEY_DONE;

static enum key_answer work_or_fail(void *state, void *handle, const struct key_work *work, struct key_output *output)
{
    return linked_keys_answer == KEY_DONE ? key_holder_file.work(state, handle, work, output) : linked_keys_answer;
}

static struct key_link *new_link(struct error *error)
{
    static struct key_holder_type holder;
    static gsize made;
    if (g_once_init_enter(&made)) {
        holder = key_holder_file;
        holder.work = work_or_fail;
        g_once_init_leave(&made, 1);
    }
    return key_link_local(&holder, NULL, NULL, error);
}

EVP_PKEY *linked_keys_of(EVP_PKEY *key)
{
    const struct pki pki = {.key = key};
    struct error error = {0};
    char *folder = folder_new();
    g_autofree char *file = pki_write_key(folder, "linked.key", &pki);
    owned(key_link) struct key_link *link = new_link(&error);
    cr_assert_not_null(link, "%s", error.text);
    EVP_PKEY *linked = remote_provider_load(link, file, NULL, NULL, &error);
    cr_assert_not_null(linked, "%s", error.text);
    folder_remove(folder);
    return linked;
}

static bool open_link(const struct conf *conf, void **state, struct error *error)
{
    (void)conf;
    *state = new_link(error);
    return *state != NULL;
}

static void close_link(void *state)
{
    key_link_unref(state);
}

static EVP_PKEY *load(void *state, const char *location, const char *passphrase, struct error *error)
{
    cr_assert_null(passphrase, "not with a passphrase");
    return remote_provider_load(state, location, NULL, NULL, error);
}

static const struct key_store_type type = {.scheme = "file", .open = open_link, .close = close_link, .load = load};

const struct key_store_type *const linked_keys_stores[] = {&type, NULL};

const struct key_store_type *const *linked_keys_chosen(void)
{
    return g_strcmp0(g_getenv("DOMSEC_TEST_KEYS"), "linked") == 0 ? linked_keys_stores : NULL;
}

EVP_PKEY *linked_keys_chosen_of(EVP_PKEY *key)
{
    static GMutex lock;
    static GHashTable *known; /* EVP_PKEY → its linked one, for the life of the test */
    if (linked_keys_chosen() == NULL)
        return key;
    g_autoptr(GMutexLocker) locked = g_mutex_locker_new(&lock);
    if (known == NULL)
        known = g_hash_table_new(NULL, NULL);
    EVP_PKEY *linked = g_hash_table_lookup(known, key);
    if (linked == NULL || EVP_PKEY_eq(linked, key) != 1) {
        linked = linked_keys_of(key);
        g_hash_table_insert(known, key, linked);
    }
    return linked;
}

void linked_keys_choose(struct keys **keys, const struct conf *conf)
{
    if (linked_keys_chosen() != NULL)
        linked_keys_open(keys, conf);
}

void linked_keys_open(struct keys **keys, const struct conf *conf)
{
    owned(faults) struct faults *faults = faults_new();
    keys_close(*keys);
    *keys = keys_open_with(conf, linked_keys_stores, faults);
    cr_assert_not_null(*keys, "%s", faults_count(faults) > 0 ? faults_at(faults, 0) : "");
}
