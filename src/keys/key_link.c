/* SPDX-License-Identifier: Apache-2.0 */
#include "key_link.h"

#include "key_server.h"
#include "keys/keys.h"

#include <openssl/err.h>
#include <string.h>
#include <sys/stat.h>

struct key_link {
    gint references;
    struct key_server *server; /* inside this process; else NULL */
    struct key_link_options options;
    GRWLock lock;                  /* of what follows, and of the numbers of all keys */
    struct key_channels *channels; /* NULL: there is no process */
    bool sealed;
    GPtrArray *keys;    /* struct linked_key *, not owned */
    char *refused_file; /* with the PIN or passphrase that was refused last; NULL: none */
    struct stat refused_stat;
    struct error refusal;
};

struct linked_key {
    unsigned references; /* under the lock of the link */
    struct key_link *link;
    char *location, *secret_file;
    EVP_PKEY *public_key;
    unsigned can;
    uint32_t number;
    bool lost; /* the process that runs now does not have it */
};

/* --- failures --- */

static _Thread_local unsigned failures;
static _Thread_local struct error last_failure;

unsigned keys_failures(void)
{
    return failures;
}

const char *keys_failure(void)
{
    return last_failure.text;
}

static enum key_answer fail(enum key_answer answer, const struct error *error)
{
    failures++;
    last_failure = *error;
    return answer;
}

/* --- links --- */

static struct key_link *link_new(void)
{
    struct key_link *link = g_new0(struct key_link, 1);
    link->references = 1;
    link->keys = g_ptr_array_new();
    g_rw_lock_init(&link->lock);
    return link;
}

struct key_link *key_link_local(const struct key_holder_type *type, const char *place, struct error *error)
{
    const struct key_server_options options = {.type = type, .place = place};
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
    g_free(link->refused_file);
    g_rw_lock_clear(&link->lock);
    g_free(link);
}

struct key_channels *key_link_channels(struct key_link *link)
{
    g_rw_lock_reader_lock(&link->lock);
    struct key_channels *channels = link->channels != NULL ? key_channels_ref(link->channels) : NULL;
    g_rw_lock_reader_unlock(&link->lock);
    return channels;
}

static bool ask_here(struct key_server *server, struct key_request *request, unsigned char *octets,
                     struct key_reply *reply, struct error *error)
{
    g_autofree unsigned char *asked = g_malloc(KEY_REQUEST_MAX);
    bool gone;
    size_t length = key_request_write(request, asked, KEY_REQUEST_MAX);
    size_t answered = length > 0 ? key_server_answer(server, asked, length, octets, &gone) : 0;
    return (answered > 0 && key_reply_read(octets, answered, reply)) ||
           error_set(error, ERROR_PERMANENT, "more than %d octets for a key", KEY_INPUT_MAX);
}

/* channels NULL: in this process, or there is no process at present. */
static bool ask(struct key_link *link, struct key_channels *channels, struct key_request *request,
                unsigned char *octets, struct key_reply *reply, struct error *error)
{
    if (link->server != NULL)
        return ask_here(link->server, request, octets, reply, error);
    if (channels == NULL)
        return error_set(error, ERROR_TEMPORARY, "the key process does not run");
    bool answered = key_channels_ask(channels, request, link->options.milliseconds, octets, reply, error);
    if (!answered && link->options.lost != NULL && key_channels_are_dead(channels))
        link->options.lost(link->options.context, link);
    return answered;
}

/* A reply that says why something failed. */
static bool refused(const struct key_reply *reply, struct error *error)
{
    enum error_kind kind = reply->kind != ERROR_NONE ? reply->kind : ERROR_TEMPORARY;
    return error_set(error, kind, "%.*s", (int)reply->text.len, reply->text.data != NULL ? reply->text.data : "");
}

/* --- keys --- */

struct linked_key *linked_key_ref(struct linked_key *key)
{
    g_rw_lock_writer_lock(&key->link->lock);
    key->references++;
    g_rw_lock_writer_unlock(&key->link->lock);
    return key;
}

/* In one step with leaving the list, so that what walks over the list never meets a key without a reference. */
void linked_key_unref(struct linked_key *key)
{
    if (key == NULL)
        return;
    g_rw_lock_writer_lock(&key->link->lock);
    bool last = --key->references == 0;
    if (last)
        g_ptr_array_remove_fast(key->link->keys, key);
    g_rw_lock_writer_unlock(&key->link->lock);
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

unsigned linked_key_can(const struct linked_key *key)
{
    return key->can;
}

static EVP_PKEY *public_key_of(struct slice der)
{
    const unsigned char *at = (const unsigned char *)der.data;
    EVP_PKEY *key = der.len > 0 ? d2i_PUBKEY(NULL, &at, (long)der.len) : NULL;
    ERR_clear_error();
    return key;
}

/* What a holder says of a key; public_key is the caller's to free. */
struct finding_of_key {
    EVP_PKEY *public_key;
    unsigned can;
    uint32_t number;
};

static struct stat stat_of(const char *file)
{
    struct stat status = {0};
    return stat(file, &status) == 0 ? status : (struct stat){0};
}

/* A token locks itself after a few wrong PINs: the same one is not tried twice. */
static bool was_refused(struct key_link *link, const char *secret_file, struct error *error)
{
    bool same = false;
    g_rw_lock_reader_lock(&link->lock);
    if (secret_file != NULL && g_strcmp0(secret_file, link->refused_file) == 0) {
        const struct stat now = stat_of(secret_file), *then = &link->refused_stat;
        same = now.st_ino == then->st_ino && now.st_size == then->st_size &&
               now.st_mtim.tv_sec == then->st_mtim.tv_sec && now.st_mtim.tv_nsec == then->st_mtim.tv_nsec;
        if (same)
            *error = link->refusal;
    }
    g_rw_lock_reader_unlock(&link->lock);
    return same;
}

static bool remember_refusal(struct key_link *link, const char *secret_file, const struct error *error)
{
    if (secret_file == NULL || error->kind != ERROR_PERMANENT)
        return false;
    g_rw_lock_writer_lock(&link->lock);
    g_free(link->refused_file);
    link->refused_file = g_strdup(secret_file);
    link->refused_stat = stat_of(secret_file);
    link->refusal = *error;
    g_rw_lock_writer_unlock(&link->lock);
    return false;
}

static bool find(struct key_link *link, struct key_channels *channels, const char *location, const char *secret_file,
                 struct finding_of_key *found, struct error *error)
{
    struct key_request request = {
        .operation = KEY_FIND, .location = slice_of(location), .secret_file = slice_of(secret_file)};
    unsigned char octets[KEY_REPLY_MAX];
    struct key_reply reply = {0};
    if (was_refused(link, secret_file, error) || !ask(link, channels, &request, octets, &reply, error))
        return false;
    if (reply.answer != KEY_DONE)
        return refused(&reply, error) || remember_refusal(link, secret_file, error);
    *found = (struct finding_of_key){public_key_of(reply.public_key), reply.can, reply.key};
    return found->public_key != NULL ||
           error_set(error, ERROR_CONFIGURATION, "%s: its public key cannot be read", location);
}

struct linked_key *key_link_find(struct key_link *link, const char *location, const char *secret_file,
                                 struct error *error)
{
    owned(key_channels) struct key_channels *channels = key_link_channels(link);
    struct finding_of_key found = {0};
    if (!find(link, channels, location, secret_file, &found, error))
        return NULL;
    struct linked_key *key = g_new0(struct linked_key, 1);
    *key = (struct linked_key){.references = 1,
                               .link = key_link_ref(link),
                               .location = g_strdup(location),
                               .secret_file = g_strdup(secret_file),
                               .public_key = found.public_key,
                               .can = found.can,
                               .number = found.number};
    g_rw_lock_writer_lock(&link->lock);
    key->lost = link->channels != channels; /* a new process came between */
    g_ptr_array_add(link->keys, key);
    g_rw_lock_writer_unlock(&link->lock);
    return key;
}

static bool seal(struct key_link *link, struct key_channels *channels, struct error *error)
{
    struct key_request request = {.operation = KEY_SEAL};
    unsigned char octets[KEY_REPLY_MAX];
    struct key_reply reply = {0};
    return ask(link, channels, &request, octets, &reply, error) && (reply.answer == KEY_DONE || refused(&reply, error));
}

bool key_link_seal(struct key_link *link, struct error *error)
{
    owned(key_channels) struct key_channels *channels = key_link_channels(link);
    g_rw_lock_writer_lock(&link->lock);
    link->sealed = true;
    g_rw_lock_writer_unlock(&link->lock);
    return seal(link, channels, error);
}

/* --- work --- */

/* The channels to ask, as a reference, and the number of the key there. False: it is not there. */
static bool place_of(struct linked_key *key, struct key_channels **channels, uint32_t *number)
{
    struct key_link *link = key->link;
    g_rw_lock_reader_lock(&link->lock);
    bool is_there = !key->lost;
    *channels = link->channels != NULL ? key_channels_ref(link->channels) : NULL;
    *number = key->number;
    g_rw_lock_reader_unlock(&link->lock);
    return is_there;
}

enum key_answer linked_key_work(struct linked_key *key, const struct key_work *work, struct key_output *output)
{
    owned(key_channels) struct key_channels *channels = NULL;
    struct key_request request = {.operation = KEY_WORK, .work = *work};
    unsigned char octets[KEY_REPLY_MAX];
    struct key_reply reply = {0};
    struct error error = {0};
    output->length = 0;
    if (!place_of(key, &channels, &request.key)) {
        error_set(&error, ERROR_TEMPORARY, "%s is not there at present", key->location);
        return fail(KEY_BUSY, &error);
    }
    if (!ask(key->link, channels, &request, octets, &reply, &error))
        return fail(KEY_BUSY, &error);
    if (reply.answer == KEY_BUSY || reply.answer == KEY_GONE) {
        error_set(&error, ERROR_TEMPORARY, "%s: %s", key->location,
                  reply.answer == KEY_GONE ? "its token does not work at present" : "not usable at present");
        return fail(reply.answer, &error);
    }
    /* The same work for KEY_WRONG: what follows the output in the reply is as long as it is short. */
    memcpy(output->octets, reply.output.data, MIN(reply.output.len + reply.padding, sizeof(output->octets)));
    output->length = reply.output.len;
    OPENSSL_cleanse(octets, sizeof(octets));
    return reply.answer;
}

/* --- a new process --- */

static bool is_well(struct key_link *link, struct key_channels *channels, struct error *error)
{
    struct key_request request = {.operation = KEY_PROBE};
    unsigned char octets[KEY_REPLY_MAX];
    struct key_reply reply = {0};
    return ask(link, channels, &request, octets, &reply, error) &&
           (reply.answer == KEY_DONE || error_set(error, ERROR_TEMPORARY, "the keys cannot be used"));
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
    g_rw_lock_writer_lock(&link->lock);
    for (guint i = 0; i < link->keys->len; i++) {
        struct moved_key moved = {.key = g_ptr_array_index(link->keys, i)};
        moved.key->references++;
        g_array_append_val(list, moved);
    }
    g_rw_lock_writer_unlock(&link->lock);
    return list;
}

/* The key must be the one that its certificate belongs to: a file or an object may have been replaced. */
static bool find_again(struct key_link *link, struct key_channels *channels, struct moved_key *moved,
                       struct error *error)
{
    const struct linked_key *key = moved->key;
    struct finding_of_key found = {0};
    if (!find(link, channels, key->location, key->secret_file, &found, error))
        return false;
    moved->found = EVP_PKEY_eq(found.public_key, key->public_key) == 1;
    moved->number = found.number;
    EVP_PKEY_free(found.public_key);
    return moved->found || error_set(error, ERROR_CONFIGURATION, "%s is another key now", key->location);
}

static void replace(struct key_link *link, struct key_channels *channels, const GArray *keys)
{
    g_rw_lock_writer_lock(&link->lock);
    struct key_channels *old = link->channels;
    link->channels = key_channels_ref(channels);
    for (guint i = 0; i < link->keys->len; i++)
        ((struct linked_key *)g_ptr_array_index(link->keys, i))->lost = true;
    for (guint i = 0; i < keys->len; i++) {
        const struct moved_key *moved = &g_array_index(keys, struct moved_key, i);
        moved->key->lost = !moved->found;
        moved->key->number = moved->number;
    }
    g_rw_lock_writer_unlock(&link->lock);
    key_channels_unref(old);
}

bool key_link_connect(struct key_link *link, struct key_channels *channels, struct error *error)
{
    g_autoptr(GArray) keys = keys_in_use(link);
    bool any = keys->len == 0;
    for (guint i = 0; i < keys->len; i++) {
        any = find_again(link, channels, &g_array_index(keys, struct moved_key, i), error) || any;
        if (key_channels_are_dead(channels))
            return false;
    }
    if (!any || (link->sealed && !seal(link, channels, error)) || (keys->len > 0 && !is_well(link, channels, error)))
        return false;
    replace(link, channels, keys);
    return true;
}
