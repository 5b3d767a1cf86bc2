/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_holder_pkcs11: private keys in tokens (PKCS #11): smart cards, HSMs, SoftHSM, cloud services, by the module of
 * their maker.
 *
 * Keys of one token share a process: its module may hang or crash, and only a new process surely recovers what it
 * lost. Two tokens of one module have two processes, so that a token that is gone does not disturb the other.
 */
#include "key_holder.h"

#include "token_find.h"
#include "token_work.h"

#include <string.h>

static P11KitUri *parse(const char *location, struct error *error)
{
    g_autofree char *uri = g_strconcat("pkcs11:", location, NULL);
    P11KitUri *parsed = token_uri_parse(uri, error);
    if (parsed == NULL)
        error_prefix(error, "key \"pkcs11:\"");
    return parsed;
}

/* The module and the token, as a location. */
static char *place(const char *location, struct error *error)
{
    owned(token_uri) P11KitUri *uri = parse(location, error);
    char *text = NULL;
    if (uri == NULL)
        return NULL;
    p11_kit_uri_clear_attributes(uri);
    p11_kit_uri_set_pin_source(uri, NULL);
    if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_ANY, &text) != P11_KIT_URI_OK) {
        error_set(error, ERROR_TEMPORARY, "out of memory");
        return NULL;
    }
    char *result = g_strdup(text + strlen("pkcs11:"));
    free(text);
    return result;
}

struct state {
    P11KitUri *uri;
    struct token *token;
};

static void close_state(void *data)
{
    struct state *state = data;
    token_close(state->token);
    p11_kit_uri_free(state->uri);
    g_free(state);
}

static bool open_state(const char *where, const char *memory, void **data, struct error *error)
{
    struct state *state = g_new0(struct state, 1);
    state->uri = parse(where, error);
    state->token = state->uri != NULL ? token_open(state->uri, memory, false, error) : NULL;
    if (state->token == NULL) {
        close_state(state);
        return false;
    }
    *data = state;
    return true;
}

static char *note_of(const struct token_key *key)
{
    if (key->object.public_key == NULL)
        return g_strdup("not usable: the token shows no public key");
    if (key->can == 0)
        return g_strdup("not usable: a trial of each mechanism failed");
    if (key->raw)
        return g_strdup("decrypts by raw RSA; domsec takes the padding off");
    bool decrypts = (key->can & (KEY_CAN(KEY_DECRYPT_RSA_PKCS1) | KEY_CAN(KEY_DECRYPT_RSA_OAEP))) != 0;
    if (decrypts && (key->oaep & (1U << KEY_SHA256)) == 0)
        return g_strdup("cannot decrypt OAEP with SHA-256");
    return key->unclear ? g_strdup("each decryption costs two operations: the token does not tell a damaged message "
                                   "from a fault of its own")
                        : NULL;
}

static bool describe(const struct state *state, const struct token_key *key, struct held_key *held, struct error *error)
{
    g_mutex_lock(&state->token->lock); /* not while the module is initialised anew */
    char *location = token_object_location(state->token, &key->object);
    g_mutex_unlock(&state->token->lock);
    if (location == NULL)
        return error_set(error, ERROR_TEMPORARY, "the token shows no label and serial number now");
    held->location = g_strdup(location);
    free(location);
    held->can = key->can;
    held->oaep = key->oaep;
    held->note = note_of(key);
    held->public_key = key->object.public_key;
    if (held->public_key != NULL)
        EVP_PKEY_up_ref(held->public_key);
    return true;
}

static void set_pin_file(struct state *state, const P11KitUri *uri, const char *secret_file)
{
    g_autofree char *pin_file = token_uri_pin_file(uri);
    token_set_pin_file(state->token, secret_file != NULL ? secret_file : pin_file);
}

static bool find(void *data, const char *location, const char *secret_file, struct held_key *held, struct error *error)
{
    struct state *state = data;
    owned(token_uri) P11KitUri *uri = parse(location, error);
    if (uri == NULL)
        return false;
    set_pin_file(state, uri, secret_file);
    struct token_key *key = token_key_find(state->token, uri, error);
    if (key == NULL)
        return false;
    held->handle = key;
    if (describe(state, key, held, error))
        return true;
    token_key_free(key);
    return false;
}

static void forget(void *data, void *handle)
{
    (void)data;
    token_key_free(handle);
}

static struct held_key **list(void *data, const char *location, const char *secret_file, struct error *error)
{
    struct state *state = data;
    owned(token_uri) P11KitUri *uri = parse(location, error);
    if (uri == NULL)
        return NULL;
    set_pin_file(state, uri, secret_file);
    g_autoptr(GPtrArray) keys = token_key_list(state->token, error);
    if (keys == NULL)
        return NULL;
    struct held_key **held = g_new0(struct held_key *, keys->len + 1);
    for (guint i = 0, count = 0; i < keys->len; i++) {
        struct held_key *each = g_new0(struct held_key, 1);
        if (describe(state, g_ptr_array_index(keys, i), each, error))
            held[count++] = each;
        else
            g_free(each);
    }
    return held;
}

static enum key_answer work(void *data, void *handle, const struct key_work *request, struct key_output *output)
{
    return token_work(((struct state *)data)->token, handle, request, output);
}

const struct key_holder_type key_holder_pkcs11 = {.scheme = "pkcs11",
                                                  .place = place,
                                                  .open = open_state,
                                                  .close = close_state,
                                                  .find = find,
                                                  .forget = forget,
                                                  .list = list,
                                                  .work = work};
