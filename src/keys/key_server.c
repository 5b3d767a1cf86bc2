/* SPDX-License-Identifier: Apache-2.0 */
#include "key_server.h"

#include <openssl/crypto.h>
#include <string.h>

struct served_key {
    void *handle;
    size_t block; /* of RSA: the length of what is decrypted at most */
};

struct key_server {
    struct key_server_options options;
    void *state;
    GRWLock lock;        /* of what follows */
    GArray *keys;        /* struct served_key */
    GHashTable *numbers; /* location and public key, a GBytes → number */
    bool sealed;
};

static void unref_bytes(gpointer bytes)
{
    g_bytes_unref(bytes);
}

struct key_server *key_server_new(const struct key_server_options *options, struct error *error)
{
    void *state = NULL;
    if (options->type->open != NULL && !options->type->open(options->place, options->memory, &state, error))
        return NULL;
    struct key_server *server = g_new0(struct key_server, 1);
    server->options = *options;
    server->state = state;
    server->keys = g_array_new(FALSE, FALSE, sizeof(struct served_key));
    server->numbers = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, unref_bytes, NULL);
    g_rw_lock_init(&server->lock);
    return server;
}

void key_server_free(struct key_server *server)
{
    if (server == NULL)
        return;
    const struct key_holder_type *type = server->options.type;
    for (guint i = 0; i < server->keys->len; i++)
        type->forget(server->state, g_array_index(server->keys, struct served_key, i).handle);
    if (type->close != NULL)
        type->close(server->state);
    g_array_unref(server->keys);
    g_hash_table_unref(server->numbers);
    g_rw_lock_clear(&server->lock);
    g_free(server);
}

static char *text_of(struct slice slice)
{
    return slice.len > 0 ? g_strndup(slice.data, slice.len) : NULL;
}

static bool may_find(struct key_server *server, const char *location, const char *secret_file, struct error *error)
{
    g_rw_lock_reader_lock(&server->lock);
    bool sealed = server->sealed;
    g_rw_lock_reader_unlock(&server->lock);
    if (sealed)
        return error_set(error, ERROR_CONFIGURATION, "the key process takes no more keys");
    if (server->options.allows != NULL && !server->options.allows(server->options.context, location, secret_file))
        return error_set(error, ERROR_CONFIGURATION, "the configuration file names no such key");
    return true;
}

static GBytes *name_of(const struct held_key *found, struct slice public_key)
{
    GByteArray *name = g_byte_array_new();
    g_byte_array_append(name, (const guint8 *)found->location, (guint)strlen(found->location) + 1);
    g_byte_array_append(name, (const guint8 *)public_key.data, (guint)public_key.len);
    return g_byte_array_free_to_bytes(name);
}

/* A key that is found again, as at a reload, keeps its number. */
static uint32_t add_key(struct key_server *server, const struct held_key *found, struct slice public_key)
{
    bool is_rsa = EVP_PKEY_is_a(found->public_key, "RSA");
    const struct served_key key = {found->handle, is_rsa ? (size_t)EVP_PKEY_get_size(found->public_key) : 0};
    GBytes *name = name_of(found, public_key);
    gpointer number;
    g_rw_lock_writer_lock(&server->lock);
    bool is_known = g_hash_table_lookup_extended(server->numbers, name, NULL, &number);
    if (!is_known) {
        number = GUINT_TO_POINTER(server->keys->len);
        g_array_append_val(server->keys, key);
        g_hash_table_insert(server->numbers, g_bytes_ref(name), number);
    }
    g_rw_lock_writer_unlock(&server->lock);
    g_bytes_unref(name);
    if (is_known)
        server->options.type->forget(server->state, found->handle);
    return GPOINTER_TO_UINT(number);
}

static size_t failed(const struct key_request *request, const struct error *error, unsigned char *octets)
{
    const struct key_reply reply = {
        .id = request->id, .answer = KEY_UNSUPPORTED, .kind = error->kind, .text = slice_of(error->text)};
    return key_reply_write(&reply, octets, KEY_REPLY_MAX);
}

static size_t find(struct key_server *server, const struct key_request *request, unsigned char *octets)
{
    g_autofree char *location = text_of(request->location), *secret_file = text_of(request->secret_file);
    owned(openssl_bytes) unsigned char *der = NULL;
    struct held_key found = {0};
    struct error error = {0};
    if (!may_find(server, location != NULL ? location : "", secret_file, &error) ||
        !server->options.type->find(server->state, location != NULL ? location : "", secret_file, &found, &error))
        return failed(request, &error, octets);
    int length = i2d_PUBKEY(found.public_key, &der);
    const struct slice public_key = {(const char *)der, length > 0 ? (size_t)length : 0};
    const struct key_reply reply = {.id = request->id,
                                    .answer = KEY_DONE,
                                    .key = add_key(server, &found, public_key),
                                    .can = found.can,
                                    .oaep = found.oaep,
                                    .public_key = public_key,
                                    .note = slice_of(found.note)};
    size_t written = key_reply_write(&reply, octets, KEY_REPLY_MAX);
    held_key_clear(&found);
    return written;
}

static size_t seal(struct key_server *server, const struct key_request *request, unsigned char *octets)
{
    struct error error = {0};
    g_rw_lock_writer_lock(&server->lock);
    bool done = server->sealed || server->options.seal == NULL || server->options.seal(server->options.context, &error);
    server->sealed = true;
    g_rw_lock_writer_unlock(&server->lock);
    const struct key_reply reply = {.id = request->id, .answer = KEY_DONE};
    return done ? key_reply_write(&reply, octets, KEY_REPLY_MAX) : failed(request, &error, octets);
}

static bool served(struct key_server *server, uint32_t number, struct served_key *key)
{
    g_rw_lock_reader_lock(&server->lock);
    bool is_there = number < server->keys->len;
    if (is_there)
        *key = g_array_index(server->keys, struct served_key, number);
    g_rw_lock_reader_unlock(&server->lock);
    return is_there;
}

static size_t work(struct key_server *server, const struct key_request *request, unsigned char *octets, bool *gone)
{
    struct served_key key;
    struct key_output output;
    struct key_reply reply = {.id = request->id, .answer = KEY_UNSUPPORTED};
    output.length = 0;
    if (served(server, request->key, &key)) {
        memset(&output, 0, sizeof(output)); /* what a failed decryption leaves is copied further on */
        reply.answer = server->options.type->work(server->state, key.handle, &request->work, &output);
        reply.output = (struct slice){(const char *)output.octets, output.length};
        if (request->work.scheme == KEY_DECRYPT_RSA_PKCS1 || request->work.scheme == KEY_DECRYPT_RSA_OAEP)
            reply.padding = output.length < key.block ? (uint32_t)(key.block - output.length) : 0;
    }
    *gone = reply.answer == KEY_GONE;
    size_t written = key_reply_write(&reply, octets, KEY_REPLY_MAX);
    OPENSSL_cleanse(&output, sizeof(output));
    return written;
}

static size_t probe(struct key_server *server, const struct key_request *request, unsigned char *octets, bool *gone)
{
    const struct key_holder_type *type = server->options.type;
    const struct key_reply reply = {.id = request->id,
                                    .answer = type->probe != NULL ? type->probe(server->state) : KEY_DONE};
    *gone = reply.answer == KEY_GONE;
    return key_reply_write(&reply, octets, KEY_REPLY_MAX);
}

size_t key_server_answer(struct key_server *server, const unsigned char *request, size_t length, unsigned char *reply,
                         bool *gone)
{
    struct key_request asked;
    *gone = false;
    if (!key_request_read(request, length, &asked))
        return 0;
    switch (asked.operation) {
    case KEY_FIND:
        return find(server, &asked, reply);
    case KEY_SEAL:
        return seal(server, &asked, reply);
    case KEY_WORK:
        return work(server, &asked, reply, gone);
    default:
        return probe(server, &asked, reply, gone);
    }
}
