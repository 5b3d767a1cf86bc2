/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_link: the link itself, the questions that it puts, and the list of its keys. linked_key.c works with a key, and
 * key_link_move.c takes all keys to another process.
 */
#include "key_link_inside.h"

#include <openssl/err.h>
#include <string.h>

/* --- links --- */

static struct key_link *link_new(void)
{
    struct key_link *link = g_new0(struct key_link, 1);
    link->references = 1;
    link->keys = g_ptr_array_new();
    g_mutex_init(&link->lock);
    g_cond_init(&link->changed);
    return link;
}

struct key_link *key_link_local(const struct key_holder_type *type, const char *place, const char *memory,
                                struct error *error)
{
    const struct key_server_options options = {.type = type, .place = place, .memory = memory};
    owned(key_server) struct key_server *server = key_server_new(&options, error);
    if (server == NULL)
        return NULL;
    struct key_link *link = link_new();
    link->server = steal(&server);
    return link;
}

struct key_link *key_link_remote(const struct key_link_options *options)
{
    struct key_link *link = link_new();
    link->options = *options;
    return link;
}

struct key_link *key_link_away(const struct error *reason)
{
    struct key_link *link = link_new();
    link->reason = *reason;
    return link;
}

struct key_link *key_link_ref(struct key_link *link)
{
    g_atomic_int_inc(&link->references);
    return link;
}

bool key_link_try_ref(struct key_link *link)
{
    gint seen;
    do {
        seen = g_atomic_int_get(&link->references);
        if (seen == 0)
            return false;
    } while (!g_atomic_int_compare_and_exchange(&link->references, seen, seen + 1));
    return true;
}

void key_link_unref(struct key_link *link)
{
    if (link == NULL || !g_atomic_int_dec_and_test(&link->references))
        return;
    if (link->options.released != NULL)
        link->options.released(link->options.context, link);
    key_server_free(link->server);
    key_channels_unref(link->channels);
    g_ptr_array_unref(link->keys);
    secret_refusal_clear(&link->refused);
    g_mutex_clear(&link->lock);
    g_cond_clear(&link->changed);
    g_free(link);
}

bool key_link_misses(struct key_link *link)
{
    g_mutex_lock(&link->lock);
    bool misses = link->lost != 0;
    g_mutex_unlock(&link->lock);
    return misses;
}

struct key_channels *key_link_channels(struct key_link *link)
{
    g_mutex_lock(&link->lock);
    struct key_channels *channels = link->channels != NULL ? key_channels_ref(link->channels) : NULL;
    g_mutex_unlock(&link->lock);
    return channels;
}

static enum asked ask_here(struct key_server *server, struct key_request *request, unsigned char *octets,
                           struct key_reply *reply, struct error *error)
{
    g_autofree unsigned char *asked = g_malloc(KEY_REQUEST_MAX);
    bool gone;
    size_t length = key_request_write(request, asked, KEY_REQUEST_MAX);
    size_t answered = length > 0 ? key_server_answer(server, asked, length, octets, &gone) : 0;
    if (answered > 0 && key_reply_read(octets, answered, reply))
        return ASKED_ANSWERED;
    error_set(error, ERROR_PERMANENT, "more than %d octets for a key", KEY_INPUT_MAX);
    return ASKED_FAILED;
}

void key_link_lose(struct key_link *link, struct key_channels *channels, enum key_loss loss)
{
    key_channels_bury(channels);
    g_mutex_lock(&link->lock);
    bool in_use = link->channels == channels;
    if (in_use && link->lost == 0)
        link->lost = g_get_monotonic_time();
    g_mutex_unlock(&link->lock);
    if (in_use && link->options.lost != NULL)
        link->options.lost(link->options.context, link, loss);
}

gint64 key_link_deadline(const struct key_link *link)
{
    return g_get_monotonic_time() + link->options.milliseconds * 1000;
}

enum asked key_link_ask(struct key_link *link, struct key_channels *channels, struct key_request *request,
                        unsigned char *octets, struct key_reply *reply, struct error *error)
{
    if (link->server != NULL)
        return ask_here(link->server, request, octets, reply, error);
    if (channels == NULL) {
        g_mutex_lock(&link->lock);
        *error = link->reason;
        g_mutex_unlock(&link->lock);
        if (error->kind == ERROR_NONE)
            error_set(error, ERROR_TEMPORARY, "the key process does not run");
        return ASKED_FAILED;
    }
    enum asked asked = key_channels_ask(channels, request, octets, reply, error);
    if (asked != ASKED_ANSWERED && key_channels_are_dead(channels))
        key_link_lose(link, channels, KEY_PROCESS_LOST);
    return asked;
}

bool key_link_ask_once(struct key_link *link, struct key_channels *channels, struct key_request *request,
                       unsigned char *octets, struct key_reply *reply, struct error *error)
{
    request->deadline = key_link_deadline(link);
    return key_link_ask(link, channels, request, octets, reply, error) == ASKED_ANSWERED;
}

bool key_link_refused(const struct key_reply *reply, struct error *error)
{
    enum error_kind kind = reply->kind != ERROR_NONE ? reply->kind : ERROR_TEMPORARY;
    return error_set(error, kind, "%.*s", (int)reply->text.len, reply->text.data != NULL ? reply->text.data : "");
}

/* --- keys --- */

struct linked_key *linked_key_ref(struct linked_key *key)
{
    g_mutex_lock(&key->link->lock);
    key->references++;
    g_mutex_unlock(&key->link->lock);
    return key;
}

/* In one step with leaving the list, so that what walks over the list never meets a key without a reference. */
void linked_key_unref(struct linked_key *key)
{
    if (key == NULL)
        return;
    g_mutex_lock(&key->link->lock);
    bool last = --key->references == 0;
    if (last)
        g_ptr_array_remove_fast(key->link->keys, key);
    g_mutex_unlock(&key->link->lock);
    if (!last)
        return;
    key_link_unref(key->link);
    EVP_PKEY_free(key->public_key);
    g_free(key->location);
    g_free(key->secret_file);
    g_free(key);
}

EVP_PKEY *linked_key_public(const struct linked_key *key)
{
    return key->public_key;
}

static EVP_PKEY *public_key_of(struct slice der)
{
    const unsigned char *at = (const unsigned char *)der.data;
    EVP_PKEY *key = der.len > 0 ? d2i_PUBKEY(NULL, &at, (long)der.len) : NULL;
    ERR_clear_error();
    return key;
}

static bool was_refused(struct key_link *link, const char *secret_file, struct error *error)
{
    g_mutex_lock(&link->lock);
    bool same = secret_refusal_holds(&link->refused, secret_file);
    if (same)
        *error = link->refusal;
    g_mutex_unlock(&link->lock);
    return same;
}

static bool remember_refusal(struct key_link *link, const char *secret_file, const struct error *error)
{
    if (secret_file == NULL || error->kind != ERROR_PERMANENT)
        return false;
    g_mutex_lock(&link->lock);
    secret_refusal_note(&link->refused, secret_file);
    link->refusal = *error;
    g_mutex_unlock(&link->lock);
    return false;
}

bool key_link_look(struct key_link *link, struct key_channels *channels, const char *location, const char *secret_file,
                   struct found_key *found, struct error *error)
{
    struct key_request request = {
        .operation = KEY_FIND, .location = slice_of(location), .secret_file = slice_of(secret_file)};
    unsigned char octets[KEY_REPLY_MAX];
    struct key_reply reply = {0};
    if (was_refused(link, secret_file, error) || !key_link_ask_once(link, channels, &request, octets, &reply, error))
        return false;
    if (reply.answer != KEY_DONE)
        return key_link_refused(&reply, error) || remember_refusal(link, secret_file, error);
    *found = (struct found_key){public_key_of(reply.public_key), reply.key};
    return found->public_key != NULL ||
           error_set(error, ERROR_CONFIGURATION, "%s: its public key cannot be read", location);
}

/* A key that the process with these channels has; found NULL: it does not have it now. */
static struct linked_key *add_key(struct key_link *link, const struct key_channels *channels, const char *location,
                                  const char *secret_file, EVP_PKEY *public_key, const struct found_key *found)
{
    struct linked_key *key = g_new0(struct linked_key, 1);
    *key = (struct linked_key){.references = 1,
                               .link = key_link_ref(link),
                               .location = g_strdup(location),
                               .secret_file = g_strdup(secret_file),
                               .public_key = public_key,
                               .number = found != NULL ? found->number : 0};
    g_mutex_lock(&link->lock);
    key->lost = found == NULL || link->channels != channels; /* a new process came between */
    g_ptr_array_add(link->keys, key);
    g_mutex_unlock(&link->lock);
    return key;
}

/* It is looked for again, with the others of the link. */
static void miss(struct key_link *link, const struct error *reason)
{
    g_mutex_lock(&link->lock);
    if (link->lost == 0)
        link->lost = g_get_monotonic_time();
    link->reason = *reason;
    g_mutex_unlock(&link->lock);
    if (link->options.lost != NULL)
        link->options.lost(link->options.context, link, KEY_IS_MISSED);
}

struct linked_key *key_link_find(struct key_link *link, const char *location, const char *secret_file,
                                 EVP_PKEY *expected, struct error *error)
{
    owned(key_channels) struct key_channels *channels = key_link_channels(link);
    struct found_key found = {0};
    if (key_link_look(link, channels, location, secret_file, &found, error))
        return add_key(link, channels, location, secret_file, found.public_key, &found);
    if (expected == NULL || error->kind != ERROR_TEMPORARY || EVP_PKEY_up_ref(expected) != 1)
        return NULL;
    struct linked_key *key = add_key(link, channels, location, secret_file, expected, NULL);
    miss(link, error);
    return key;
}

bool key_link_seal_process(struct key_link *link, struct key_channels *channels, struct error *error)
{
    struct key_request request = {.operation = KEY_SEAL};
    unsigned char octets[KEY_REPLY_MAX];
    struct key_reply reply = {0};
    return key_link_ask_once(link, channels, &request, octets, &reply, error) &&
           (reply.answer == KEY_DONE || key_link_refused(&reply, error));
}

bool key_link_seal(struct key_link *link, struct error *error)
{
    owned(key_channels) struct key_channels *channels = key_link_channels(link);
    g_mutex_lock(&link->lock);
    link->sealed = true;
    g_mutex_unlock(&link->lock);
    return key_link_seal_process(link, channels, error);
}
