/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_link_move: takes the keys of a link to another process.
 */
#include "key_link_inside.h"

static bool is_well(struct key_link *link, struct key_channels *channels, struct error *error)
{
    struct key_request request = {.operation = KEY_PROBE};
    unsigned char octets[KEY_REPLY_MAX];
    struct key_reply reply = {0};
    return key_link_ask_once(link, channels, &request, octets, &reply, error) &&
           (reply.answer == KEY_DONE || key_link_refused(&reply, error));
}

/* A key of the list and what the new process says of it. */
struct moved_key {
    struct linked_key *key; /* a reference */
    uint32_t number;
    bool found;
};

static void moved_clear(gpointer data)
{
    linked_key_unref(((struct moved_key *)data)->key);
}

static GArray *keys_in_use(struct key_link *link)
{
    GArray *list = g_array_new(FALSE, TRUE, sizeof(struct moved_key));
    g_array_set_clear_func(list, moved_clear);
    g_mutex_lock(&link->lock);
    for (guint i = 0; i < link->keys->len; i++) {
        struct moved_key moved = {.key = g_ptr_array_index(link->keys, i)};
        moved.key->references++;
        g_array_append_val(list, moved);
    }
    g_mutex_unlock(&link->lock);
    return list;
}

/* The key must be the one that its certificate belongs to: a file or an object may have been replaced. */
static bool find_again(struct key_link *link, struct key_channels *channels, struct moved_key *moved,
                       struct error *error)
{
    const struct linked_key *key = moved->key;
    struct found_key found = {0};
    if (!key_link_look(link, channels, key->location, key->secret_file, &found, error))
        return false;
    moved->found = EVP_PKEY_eq(found.public_key, key->public_key) == 1;
    moved->number = found.number;
    EVP_PKEY_free(found.public_key);
    return moved->found || error_set(error, ERROR_CONFIGURATION, "%s is another key now", key->location);
}

static void replace(struct key_link *link, struct key_channels *channels, const GArray *keys, struct error *error)
{
    g_mutex_lock(&link->lock);
    struct key_channels *old = link->channels;
    link->channels = key_channels_ref(channels);
    for (guint i = 0; i < link->keys->len; i++)
        ((struct linked_key *)g_ptr_array_index(link->keys, i))->lost = true;
    for (guint i = 0; i < keys->len; i++) {
        const struct moved_key *moved = &g_array_index(keys, struct moved_key, i);
        moved->key->lost = !moved->found;
        moved->key->number = moved->number;
    }
    if (link->keys->len > keys->len && error->kind == ERROR_NONE)
        error_set(error, ERROR_TEMPORARY, "a key was added meanwhile");
    if (error->kind != ERROR_TEMPORARY)
        link->lost = 0;
    else if (link->lost == 0)
        link->lost = g_get_monotonic_time();
    link->reason = *error;
    g_cond_broadcast(&link->changed);
    g_mutex_unlock(&link->lock);
    key_channels_unref(old);
}

static bool move(struct key_link *link, struct key_channels *channels, struct error *error)
{
    g_autoptr(GArray) keys = keys_in_use(link);
    bool any = keys->len == 0;
    if (!is_well(link, channels, error))
        return false;
    for (guint i = 0; i < keys->len; i++) {
        any = find_again(link, channels, &g_array_index(keys, struct moved_key, i), error) || any;
        if (key_channels_are_dead(channels))
            return false;
    }
    if (!any || (link->sealed && !key_link_seal_process(link, channels, error)))
        return false;
    replace(link, channels, keys, error);
    return true;
}

bool key_link_connect(struct key_link *link, struct key_channels *channels, struct error *error)
{
    if (move(link, channels, error))
        return true;
    g_mutex_lock(&link->lock);
    if (link->lost == 0 && (link->channels == NULL || key_channels_are_dead(link->channels)))
        link->lost = g_get_monotonic_time();
    link->reason = *error;
    g_mutex_unlock(&link->lock);
    return false;
}
