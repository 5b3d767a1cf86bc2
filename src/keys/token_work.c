/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_work: what is done when a token says no.
 *
 * A session, a login or a handle that is gone is got anew, and the key is proven before it is used again: the same id
 * may name another key now. An error that says little is tried once more in a new session. What helps no more is
 * KEY_GONE: the process ends, and a new one loads the module anew. Nothing else helps after a token was away:
 * opening sessions anew and even finding the key succeed, and using it fails for ever.
 */
#include "token_work.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

#define TRIES 3

static enum key_answer answer_of(enum token_class class)
{
    switch (class) {
    case TOKEN_GOOD:
        return KEY_DONE;
    case TOKEN_BAD_INPUT:
        return KEY_WRONG;
    case TOKEN_CANNOT:
        return KEY_UNSUPPORTED;
    case TOKEN_FULL:
    case TOKEN_PIN:
        return KEY_BUSY;
    default:
        return KEY_GONE;
    }
}

/* --- whether the work fits the key --- */

static bool is_able(const struct token_key *key, const struct key_work *work)
{
    return (key->can & KEY_CAN(work->scheme)) != 0 &&
           (work->scheme != KEY_DECRYPT_RSA_OAEP || (key->oaep & (1U << work->digest)) != 0);
}

static bool fits_modulus(const struct token_key *key, struct slice block)
{
    BIGNUM *modulus = NULL;
    bool fits = block.len <= token_key_size(key) && EVP_PKEY_get_bn_param(key->object.public_key, "n", &modulus) == 1;
    owned(BIGNUM) BIGNUM *value = fits ? BN_bin2bn((const unsigned char *)block.data, (int)block.len, NULL) : NULL;
    fits = value != NULL && BN_cmp(value, modulus) < 0;
    BN_free(modulus);
    return fits;
}

/* Also of the right form: the only one that all tokens take. */
static bool is_on_curve(const struct token_key *key, struct slice point)
{
    if (point.len != 1 + 2 * token_key_size(key) || point.data[0] != POINT_CONVERSION_UNCOMPRESSED)
        return false;
    owned(EVP_PKEY) EVP_PKEY *other = EVP_PKEY_new();
    bool good = other != NULL && EVP_PKEY_copy_parameters(other, key->object.public_key) == 1 &&
                EVP_PKEY_set1_encoded_public_key(other, (const unsigned char *)point.data, point.len) == 1;
    ERR_clear_error();
    return good;
}

/* So that an error of the token is not the doing of who made the input. */
static bool input_fits(const struct token_key *key, const struct key_work *work)
{
    if (work->scheme == KEY_DERIVE)
        return is_on_curve(key, work->input);
    if (work->scheme == KEY_DECRYPT_RSA_OAEP || work->scheme == KEY_DECRYPT_RSA_PKCS1)
        return fits_modulus(key, work->input);
    return work->scheme == KEY_SIGN_EDDSA ||
           work->input.len == (size_t)EVP_MD_get_size(EVP_get_digestbyname(key_digest_name(work->digest)));
}

/* --- one try --- */

static bool is_final(enum token_class class)
{
    return class == TOKEN_CANNOT || class == TOKEN_BAD_INPUT;
}

/* Sets the handle of the key, which is looked for and proven if the token has forgotten it. */
static CK_RV settle_handle(struct token_use *use, struct token_key *key, unsigned generation)
{
    struct token *token = use->token;
    g_mutex_lock(&token->lock);
    bool is_current = key->generation == generation;
    use->handle = key->object.handle;
    g_mutex_unlock(&token->lock);
    if (is_current)
        return CKR_OK;
    CK_RV code = token_object_handle(token, use->session, &key->object, &use->handle);
    if (code == CKR_OK)
        code = token_trial(use, &key->proof);
    if (code != CKR_OK)
        return code;
    g_mutex_lock(&token->lock);
    key->object.handle = use->handle;
    key->generation = generation;
    g_mutex_unlock(&token->lock);
    return CKR_OK;
}

/* Where a damaged block cannot be told from a fault of the token, the token is asked once more after each block, also
 * after a good one, so that the time does not tell them apart either. */
static CK_RV call_twice(const struct token_use *use, const struct key_work *work, struct key_output *output)
{
    CK_RV code = token_call(use, work, output);
    CK_RV proof = token_trial(use, &use->key->proof);
    if (code == CKR_OK)
        return CKR_OK;
    return proof == CKR_OK && token_class(code) != TOKEN_STALE ? CKR_ENCRYPTED_DATA_INVALID : code;
}

/* It worked when the key was tried: now the token refuses this input, or does not do this work any more. */
static CK_RV doubt(const struct token_use *use, const struct key_work *work)
{
    const struct key_work signature = {.scheme = work->scheme,
                                       .digest = KEY_SHA256,
                                       .mgf1_digest = KEY_SHA256,
                                       .salt_length = 32}; /* as it was tried */
    bool signs = work->scheme <= KEY_SIGN_EDDSA;
    CK_RV code = token_trial(use, signs ? &signature : &use->key->proof);
    return code == CKR_OK ? CKR_MECHANISM_PARAM_INVALID : CKR_GENERAL_ERROR;
}

static CK_RV try_once(struct token *token, const struct token_session *session, struct token_key *key,
                      const struct key_work *work, struct key_output *output)
{
    bool decrypts = work->scheme == KEY_DECRYPT_RSA_PKCS1 || work->scheme == KEY_DECRYPT_RSA_OAEP;
    struct token_use use = {token, session->handle, 0, key};
    CK_RV code = settle_handle(&use, key, session->generation);
    if (code != CKR_OK)
        return is_final(token_class(code)) ? CKR_GENERAL_ERROR : code; /* it says nothing about the work */
    code = decrypts && key->unclear ? call_twice(&use, work, output) : token_call(&use, work, output);
    if (token_class(code) == TOKEN_CANNOT || (token_class(code) == TOKEN_BAD_INPUT && !decrypts))
        return doubt(&use, work);
    return code;
}

/* True if another try may help. */
static bool settle(struct token *token, const struct token_session *session, enum token_class class)
{
    switch (class) {
    case TOKEN_GOOD:
    case TOKEN_BAD_INPUT:
    case TOKEN_CANNOT:
        token_give(token, session);
        return false;
    case TOKEN_STALE:
        token_drop(token, session);
        token_age(token, session->generation);
        return true;
    default:
        token_drop(token, session);
        return class == TOKEN_UNCLEAR;
    }
}

static enum key_answer try_all(struct token *token, struct token_key *key, const struct key_work *work,
                               struct key_output *output)
{
    enum token_class class = TOKEN_BROKEN;
    for (int i = 0; i < TRIES; i++) {
        struct token_session session;
        struct error ignored = {0};
        class = token_class(token_take(token, &session, &ignored));
        if (class == TOKEN_CANNOT)
            class = TOKEN_FULL; /* it is not the work that the token refuses */
        bool again = class == TOKEN_STALE || class == TOKEN_UNCLEAR;
        if (class == TOKEN_GOOD) {
            class = token_class(try_once(token, &session, key, work, output));
            again = settle(token, &session, class);
        }
        if (!again)
            break;
    }
    return answer_of(class);
}

enum key_answer token_work(struct token *token, struct token_key *key, const struct key_work *work,
                           struct key_output *output)
{
    output->length = 0;
    if (!is_able(key, work))
        return KEY_UNSUPPORTED;
    if (!input_fits(key, work))
        return KEY_WRONG;
    return try_all(token, key, work, output);
}
