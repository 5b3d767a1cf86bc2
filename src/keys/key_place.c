/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_place: reads the configuration, so that only keys that it names can be asked for: the daemon, which a message may
 * have taken over, must not get to use other keys of the machine. Files are read with the privileges of the daemon's
 * start, which are dropped when all are read; tokens are used without, because their modules are foreign code.
 */
#include "key_place.h"

#include "base/account.h"
#include "base/sandbox.h"
#include "conf/conf.h"
#include "key_holders.h"
#include "key_process.h"
#include "keys/key_environment.h"

#include <string.h>

struct place {
    const struct key_holder_type *type;
    char *name; /* NULL: the kind has one place */
    char *memory;
    struct account account;
    bool seccomp;
    GHashTable *allowed; /* see allowance() */
    struct error error;  /* why it cannot serve */
};

/* One string for a key and its secret. */
static char *allowance(const char *location, const char *secret_file)
{
    return g_strconcat(location, "\n", secret_file, NULL);
}

static bool allows(void *context, const char *location, const char *secret_file)
{
    const struct place *place = context;
    g_autofree char *wanted = allowance(location, secret_file);
    return g_hash_table_contains(place->allowed, wanted);
}

static bool seal(void *context, struct error *error)
{
    const struct place *place = context;
    return account_become(&place->account, error) && (!place->seccomp || sandbox_enter(SANDBOX_KEYS, error));
}

static void allow_keys(struct place *place, const struct conf *conf)
{
    size_t scheme = strlen(place->type->scheme);
    place->allowed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t i = 0; i < conf->identity_count; i++) {
        const struct identity_conf *identity = &conf->identities[i];
        const char *colon = strchr(identity->key, ':');
        if (colon == identity->key + scheme && g_ascii_strncasecmp(identity->key, place->type->scheme, scheme) == 0)
            g_hash_table_add(place->allowed, allowance(colon + 1, identity->passphrase_file));
    }
}

static bool prepare(struct place *place, const char *file, const char *order)
{
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load(file, faults);
    const char *colon = strchr(order, ':');
    g_autofree char *scheme = colon != NULL ? g_strndup(order, (gsize)(colon - order)) : NULL;
    place->type = scheme != NULL ? key_holder_of(scheme) : NULL;
    if (place->type == NULL)
        return error_set(&place->error, ERROR_BUG, "a key process for an unknown kind of place");
    if (conf == NULL)
        return error_set(&place->error, ERROR_CONFIGURATION, "%s has changed, and cannot be read", file);
    if (place->type->place != NULL)
        key_environment_set(conf);
    place->name = place->type->place != NULL ? g_strdup(colon + 1) : NULL;
    place->memory = g_strdup(conf_state_folder(conf));
    place->seccomp = conf->seccomp;
    allow_keys(place, conf);
    return account_find(conf->user, &place->account, &place->error) &&
           (place->type->place == NULL || account_become(&place->account, &place->error));
}

void key_place_serve(const void *context, const char *order, const int channels[], unsigned count)
{
    static struct place place; /* for the life of the process */
    key_process_lock_memory();
    bool is_ready = prepare(&place, context, order);
    const struct key_server_options options = {.type = place.type,
                                               .place = place.name,
                                               .memory = place.memory,
                                               .allows = allows,
                                               .seal = seal,
                                               .context = &place};
    key_process_serve(is_ready ? &options : NULL, &place.error, channels, count);
}
