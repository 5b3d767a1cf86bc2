/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_store: finds the store of a key by the scheme of its URI, opens it when it is first needed, and explains a key
 * that is not there. Knows nothing of any particular store but its place in the table.
 */
#include "key_store.h"

#include <string.h>

#define OTHERS_SHOWN 5

static const struct key_store_type *const built_in[] = {&key_store_file, NULL};

struct key_store {
    const struct key_store_type *type;
    void *state;
    bool is_open;
    struct error error; /* why it could not be opened */
};

struct key_stores {
    const struct conf *conf;
    size_t count;
    struct key_store list[];
};

struct key_stores *key_stores_new(const struct key_store_type *const *types, const struct conf *conf)
{
    size_t count = 0;
    if (types == NULL)
        types = built_in;
    while (types[count] != NULL)
        count++;
    struct key_stores *stores = g_malloc0(sizeof(struct key_stores) + count * sizeof(struct key_store));
    stores->conf = conf;
    stores->count = count;
    for (size_t i = 0; i < count; i++)
        stores->list[i].type = types[i];
    return stores;
}

void key_stores_free(struct key_stores *stores)
{
    if (stores == NULL)
        return;
    for (size_t i = 0; i < stores->count; i++)
        if (stores->list[i].is_open && stores->list[i].type->close != NULL)
            stores->list[i].type->close(stores->list[i].state);
    g_free(stores);
}

static void unknown_scheme(const struct key_stores *stores, const char *uri, struct error *error)
{
    g_autoptr(GString) known = g_string_new(NULL);
    for (size_t i = 0; i < stores->count; i++)
        g_string_append_printf(known, "%s\"%s:\"", i > 0 ? ", " : "", stores->list[i].type->scheme);
    error_set(error, ERROR_CONFIGURATION, "key \"%s\": not a URI of a supported key store; supported: %s", uri,
              known->str);
}

/* location is set to the URI behind its scheme. */
static struct key_store *store_for(struct key_stores *stores, const char *uri, const char **location)
{
    for (size_t i = 0; i < stores->count; i++) {
        size_t length = strlen(stores->list[i].type->scheme);
        if (g_ascii_strncasecmp(uri, stores->list[i].type->scheme, length) == 0 && uri[length] == ':') {
            *location = uri + length + 1;
            return &stores->list[i];
        }
    }
    return NULL;
}

static bool open_once(const struct key_stores *stores, struct key_store *store, struct error *error)
{
    if (!store->is_open && store->error.kind == ERROR_NONE)
        store->is_open = store->type->open == NULL || store->type->open(stores->conf, &store->state, &store->error);
    if (!store->is_open)
        *error = store->error;
    return store->is_open;
}

/* Says which keys are there instead: a slip of the pen is the most frequent cause. */
static void add_others(const struct key_store *store, const char *location, struct error *error)
{
    struct error ignored = {0}, before = *error;
    g_auto(GStrv) others = store->type->list(store->state, location, &ignored);
    const char *slash = strrchr(location, '/');
    size_t folder = slash != NULL ? (size_t)(slash - location) + 1 : 0;
    guint count = others != NULL ? g_strv_length(others) : 0;
    if (count == 0 || g_strv_contains((const char *const *)others, location))
        return;
    g_autoptr(GString) names = g_string_new(NULL);
    for (guint i = 0; i < MIN(count, OTHERS_SHOWN); i++) {
        bool beside = strncmp(others[i], location, folder) == 0;
        g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", others[i] + (beside ? folder : 0));
    }
    if (count > OTHERS_SHOWN)
        g_string_append_printf(names, " and %u more", count - OTHERS_SHOWN);
    error_set(error, before.kind, "%s; the other keys there are %s", before.text, names->str);
}

EVP_PKEY *key_stores_load(struct key_stores *stores, const char *uri, const char *passphrase, struct error *error)
{
    const char *location = NULL;
    struct key_store *store = store_for(stores, uri, &location);
    if (store == NULL) {
        unknown_scheme(stores, uri, error);
        return NULL;
    }
    if (!open_once(stores, store, error))
        return NULL;
    EVP_PKEY *key = store->type->load(store->state, location, passphrase, error);
    if (key == NULL && error->kind == ERROR_CONFIGURATION)
        add_others(store, location, error);
    return key;
}
