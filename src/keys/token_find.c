/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_find: which private key a URI means, and which work it really does.
 *
 * What a token announces is not what it does: SoftHSM 2.6 lists OAEP and refuses SHA-256 in it, and a key may not be
 * allowed to do what its token can. So each kind of work that may be asked for later is tried once, and checked with
 * the public key.
 */
#include "token_find.h"

#include <string.h>

#define TRIES 3
#define OTHERS_SHOWN 5
#define ALL_DIGESTS ((1U << KEY_DIGESTS) - 1)

void token_key_free(struct token_key *key)
{
    if (key == NULL)
        return;
    token_object_clear(&key->object);
    g_free(key);
}
DECLARE_OWNED(token_key, struct token_key *, token_key_free)

static void free_key(gpointer key)
{
    token_key_free(key);
}

/* --- what it can do --- */

struct probe {
    struct token_use use;
    struct token_key *key;
    CK_RV trouble; /* what the token said that is no refusal; CKR_OK: nothing */
};

static bool works(struct probe *probe, const struct key_work *kind)
{
    if (!token_call_known(&probe->use, kind))
        return false;
    CK_RV code = token_trial(&probe->use, kind);
    if (code == CKR_OK) {
        probe->key->can |= KEY_CAN(kind->scheme);
        probe->key->proof = *kind;
    } else if (token_class(code) != TOKEN_CANNOT) {
        probe->trouble = code;
    }
    return code == CKR_OK;
}

static void probe_native_decryption(struct probe *probe)
{
    struct token_key *key = probe->key;
    for (unsigned i = 0; i < KEY_DIGESTS; i++)
        if (works(probe, &(struct key_work){KEY_DECRYPT_RSA_OAEP, i, i, 0, SLICE_NONE, SLICE_NONE}))
            key->oaep |= 1U << i;
    works(probe, &(struct key_work){.scheme = KEY_DECRYPT_RSA_PKCS1});
    if ((key->can & (KEY_CAN(KEY_DECRYPT_RSA_PKCS1) | KEY_CAN(KEY_DECRYPT_RSA_OAEP))) == 0)
        return;
    static const enum key_scheme schemes[] = {KEY_DECRYPT_RSA_OAEP, KEY_DECRYPT_RSA_PKCS1};
    for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++) {
        if ((key->can & KEY_CAN(schemes[i])) == 0)
            continue;
        bool is_oaep = schemes[i] == KEY_DECRYPT_RSA_OAEP; /* with the first digest that it has for it */
        enum key_digest digest = is_oaep ? (enum key_digest)g_bit_nth_lsf(key->oaep, -1) : KEY_SHA1;
        const struct key_work kind = {schemes[i], digest, digest, 0, SLICE_NONE, SLICE_NONE};
        CK_RV code = token_trial_damaged(&probe->use, &kind);
        /* CKR_OK: it gives random octets instead. */
        key->unclear = key->unclear || (token_class(code) != TOKEN_BAD_INPUT && code != CKR_OK);
    }
}

static void probe_rsa(struct probe *probe)
{
    struct token_key *key = probe->key;
    works(probe, &(struct key_work){.scheme = KEY_SIGN_RSA_PKCS1, .digest = KEY_SHA256});
    works(probe, &(struct key_work){KEY_SIGN_RSA_PSS, KEY_SHA256, KEY_SHA256, 32, SLICE_NONE, SLICE_NONE});
    key->raw = true;
    if (works(probe, &(struct key_work){.scheme = KEY_DECRYPT_RSA_PKCS1})) {
        key->can |= KEY_CAN(KEY_DECRYPT_RSA_OAEP);
        key->oaep = ALL_DIGESTS;
        return;
    }
    key->raw = false;
    probe_native_decryption(probe);
}

static void probe_ec(struct probe *probe)
{
    const struct key_work agreement = {.scheme = KEY_DERIVE};
    works(probe, &(struct key_work){.scheme = KEY_SIGN_ECDSA, .digest = KEY_SHA256});
    if (works(probe, &agreement))
        return;
    probe->key->wrapped_point = true;
    probe->key->wrapped_point = works(probe, &agreement);
}

/* CKR_OK if it can do something. */
static CK_RV try_key(struct token *token, CK_SESSION_HANDLE session, struct token_key *key)
{
    struct probe probe = {{token, session, key->object.handle, key}, key, CKR_OK};
    const EVP_PKEY *public_key = key->object.public_key;
    key->can = key->oaep = 0;
    if (public_key == NULL)
        return CKR_OK;
    if (EVP_PKEY_is_a(public_key, "RSA") && token_key_size(key) <= KEY_OUTPUT_MAX)
        probe_rsa(&probe);
    else if (EVP_PKEY_is_a(public_key, "EC"))
        probe_ec(&probe);
    else if (EVP_PKEY_is_a(public_key, "ED25519") || EVP_PKEY_is_a(public_key, "ED448"))
        works(&probe, &(struct key_work){.scheme = KEY_SIGN_EDDSA, .digest = KEY_SHA256});
    return key->can == 0 ? probe.trouble : CKR_OK;
}

static struct token_key *take_key(struct token_object *object, unsigned generation)
{
    struct token_key *key = g_new0(struct token_key, 1);
    key->object = *object;
    key->generation = generation;
    *object = (struct token_object){0};
    return key;
}

/* --- one key --- */

static void add_others(struct token *token, CK_SESSION_HANDLE session, struct error *error)
{
    struct error ignored = {0}, before = *error;
    CK_RV code;
    owned(token_uri) P11KitUri *any = p11_kit_uri_new();
    g_autoptr(GPtrArray) all = any != NULL ? token_objects(token, session, any, &code, &ignored) : NULL;
    g_autoptr(GString) names = g_string_new(NULL);
    for (guint i = 0; all != NULL && i < MIN(all->len, OTHERS_SHOWN); i++) {
        const struct token_object *each = g_ptr_array_index(all, i);
        gsize length = 0;
        const unsigned char *id = g_bytes_get_data(each->id, &length);
        g_string_append_printf(names, "%sobject=%s id=", i > 0 ? ", " : "", each->label);
        for (gsize j = 0; j < length; j++)
            g_string_append_printf(names, "%%%02x", id[j]);
    }
    if (all != NULL && all->len > OTHERS_SHOWN)
        g_string_append_printf(names, " and %u more", all->len - OTHERS_SHOWN);
    error_set(error, before.kind, "%s; %s%s", before.text,
              names->len > 0 ? "the keys there are " : "it has no private key", names->str);
}

static bool is_the_one(const GPtrArray *objects, struct error *error)
{
    if (objects->len == 1)
        return true;
    return error_set(error, ERROR_CONFIGURATION,
                     objects->len == 0 ? "the token has no such private key"
                                       : "several private keys fit; write object and id into the URI");
}

static bool is_fit(const struct token_key *key, CK_RV code, struct error *error)
{
    if (key->object.public_key == NULL)
        return error_set(error, ERROR_CONFIGURATION,
                         "the token shows no public key for it; write the public key or the certificate beside it with "
                         "the same id (pkcs11-tool --write-object)");
    if (code != CKR_OK)
        return token_code_fails(code,
                                code == CKR_KEY_CHANGED ? "its public key in the token is that of another key"
                                                        : "a trial of the key failed",
                                error);
    return key->can != 0 || error_set(error, ERROR_CONFIGURATION,
                                      "the token can do nothing with it that a gateway needs (CKA_SIGN, CKA_DECRYPT, "
                                      "CKA_DERIVE; its mechanisms)");
}

/* The code of the last call; CKR_OBJECT_HANDLE_INVALID if the key, or its public half, is not there. CKR_OK with no
 * key: none fits. */
static CK_RV find_in(struct token *token, const struct token_session *session, const P11KitUri *uri,
                     struct token_key **key, struct error *error)
{
    CK_RV code = CKR_OK;
    g_autoptr(GPtrArray) objects = token_objects(token, session->handle, uri, &code, error);
    if (objects == NULL)
        return code;
    if (!is_the_one(objects, error)) {
        add_others(token, session->handle, error);
        return objects->len == 0 ? CKR_OBJECT_HANDLE_INVALID : CKR_OK;
    }
    owned(token_key) struct token_key *found = take_key(g_ptr_array_index(objects, 0), session->generation);
    code = try_key(token, session->handle, found);
    if (is_fit(found, code, error))
        *key = steal(&found);
    else if (found->object.public_key == NULL)
        code = CKR_OBJECT_HANDLE_INVALID;
    return code;
}

static bool is_worth_another(enum token_class class)
{
    return class == TOKEN_STALE || class == TOKEN_UNCLEAR;
}

/* SoftHSM misses objects if several processes start at once, so that one that is not there is looked for again. */
struct token_key *token_key_find(struct token *token, const P11KitUri *uri, struct error *error)
{
    struct token_key *key = NULL;
    enum token_class class = TOKEN_STALE;
    CK_RV code = CKR_OK;
    for (int i = 0; i < TRIES && key == NULL && is_worth_another(class); i++) {
        struct token_session session;
        if (code == CKR_OBJECT_HANDLE_INVALID)
            token_refresh(token);
        class = token_class(token_take(token, &session, error));
        if (class != TOKEN_GOOD)
            continue;
        code = find_in(token, &session, uri, &key, error);
        class = token_class(code);
        if (class == TOKEN_GOOD) {
            token_give(token, &session);
        } else {
            token_drop(token, &session);
            token_age(token, session.generation);
        }
    }
    return key;
}

/* --- all keys --- */

GPtrArray *token_key_list(struct token *token, struct error *error)
{
    struct token_session session;
    CK_RV code = token_take(token, &session, error);
    if (code != CKR_OK)
        return NULL;
    owned(token_uri) P11KitUri *any = p11_kit_uri_new();
    g_autoptr(GPtrArray) objects = any != NULL ? token_objects(token, session.handle, any, &code, error) : NULL;
    GPtrArray *keys = objects != NULL ? g_ptr_array_new_with_free_func(free_key) : NULL;
    for (guint i = 0; objects != NULL && i < objects->len; i++) {
        struct token_key *key = take_key(g_ptr_array_index(objects, i), session.generation);
        (void)try_key(token, session.handle, key);
        g_ptr_array_add(keys, key);
    }
    token_drop(token, &session);
    return keys;
}
