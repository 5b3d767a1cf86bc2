/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_store: finds the store of a key by the scheme of its URI, opens it when it is first needed, and explains a key
 * that is not there. Knows nothing of any particular store but its place in the table.
 *
 * A key comes out as it is (a store), or as one whose private half is held elsewhere (a link to a holder): tokens
 * always, files in the daemon.
 */
#include "key_store.h"

#include "key_holders.h"
#include "key_links.h"
#include "keys/key_environment.h"
#include "passphrase.h"
#include "remote_provider.h"

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
    struct key_service *service; /* NULL: holders are inside this process */
    GHashTable *links;           /* "SCHEME:PLACE" → struct key_link */
    size_t count;
    struct key_store list[];
};

static void unref_link(gpointer link)
{
    key_link_unref(link);
}

struct key_stores *key_stores_new(const struct key_store_type *const *types, const struct conf *conf,
                                  struct key_service *service)
{
    size_t count = 0;
    if (types == NULL)
        types = built_in;
    while (types[count] != NULL)
        count++;
    struct key_stores *stores = g_malloc0(sizeof(struct key_stores) + count * sizeof(struct key_store));
    stores->conf = conf;
    stores->service = service;
    stores->links = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref_link);
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
    g_hash_table_unref(stores->links);
    g_free(stores);
}

static void unknown_scheme(const struct key_stores *stores, const char *uri, struct error *error)
{
    g_autoptr(GString) known = g_string_new(NULL);
    for (size_t i = 0; i < stores->count; i++)
        g_string_append_printf(known, "\"%s:\", ", stores->list[i].type->scheme);
    g_string_append_printf(known, "\"%s:\"", key_holder_pkcs11.scheme);
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

static EVP_PKEY *load_stored(const struct key_stores *stores, struct key_store *store, const char *location,
                             const char *secret_file, struct error *error)
{
    owned(passphrase) char *passphrase = secret_file != NULL ? passphrase_read(secret_file, error) : NULL;
    if ((secret_file != NULL && passphrase == NULL) || !open_once(stores, store, error))
        return NULL;
    return store->type->load(store->state, location, passphrase, error);
}

/* --- keys that are held elsewhere --- */

/* NULL: the key comes out as it is. */
static const struct key_holder_type *holder_for(const struct key_stores *stores, const char *uri, bool is_stored)
{
    const char *colon = strchr(uri, ':');
    g_autofree char *scheme = colon != NULL ? g_strndup(uri, (gsize)(colon - uri)) : NULL;
    const struct key_holder_type *holder = scheme != NULL ? key_holder_of(scheme) : NULL;
    bool is_apart = stores->service != NULL && stores->conf != NULL && stores->conf->key_process;
    return holder != NULL && (!is_stored || is_apart) ? holder : NULL;
}

/* To a holder in this process. If it is away now, it is so for the life of a command. */
static struct key_link *link_here(const struct key_stores *stores, const struct key_holder_type *holder,
                                  const char *place, struct error *error)
{
    const struct conf *conf = stores->conf;
    const char *memory = conf == NULL ? NULL : conf_state_folder(conf);
    struct error away = {0};
    if (conf != NULL && place != NULL)
        key_environment_set(conf);
    struct key_link *link = key_link_local(holder, place, memory, &away);
    if (link == NULL && away.kind == ERROR_TEMPORARY)
        return key_link_away(&away);
    if (link == NULL)
        *error = away;
    return link;
}

/* Lent. */
static struct key_link *link_to(struct key_stores *stores, const struct key_holder_type *holder, const char *place,
                                struct error *error)
{
    g_autofree char *name = g_strconcat(holder->scheme, ":", place, NULL);
    struct key_link *link = g_hash_table_lookup(stores->links, name);
    if (link != NULL)
        return link;
    link = stores->service != NULL
               ? key_service_link(stores->service, holder->scheme, place, (gint64)stores->conf->lookup_timeout * 1000)
               : link_here(stores, holder, place, error);
    if (link != NULL)
        g_hash_table_insert(stores->links, steal(&name), link);
    return link;
}

static EVP_PKEY *load_held(struct key_stores *stores, const struct key_holder_type *holder, const char *location,
                           const char *secret_file, EVP_PKEY *expected, struct error *error)
{
    g_autofree char *place = holder->place != NULL ? holder->place(location, error) : NULL;
    if (holder->place != NULL && place == NULL)
        return NULL;
    struct key_link *link = link_to(stores, holder, place, error);
    /* A token may be away, and a file may not. */
    return link != NULL ? remote_provider_load(link, location, secret_file, place != NULL ? expected : NULL, error)
                        : NULL;
}

EVP_PKEY *key_stores_load(struct key_stores *stores, const char *uri, const char *secret_file, EVP_PKEY *expected,
                          struct error *error)
{
    const char *location = NULL;
    struct key_store *store = store_for(stores, uri, &location);
    const struct key_holder_type *holder = holder_for(stores, uri, store != NULL);
    struct error ignored = {0};
    EVP_PKEY *key = NULL;
    if (holder != NULL)
        key = load_held(stores, holder, strchr(uri, ':') + 1, secret_file, expected, error);
    else if (store != NULL)
        key = load_stored(stores, store, location, secret_file, error);
    else
        unknown_scheme(stores, uri, error);
    if (key == NULL && store != NULL && error->kind == ERROR_CONFIGURATION && open_once(stores, store, &ignored))
        add_others(store, location, error);
    return key;
}

bool key_stores_seal(struct key_stores *stores, struct error *error)
{
    /* A process that others share goes on to look for keys. */
    struct key_link *files = g_hash_table_lookup(stores->links, "file:");
    return files == NULL || key_link_seal(files, error);
}
