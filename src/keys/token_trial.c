/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_trial: one small operation of each kind, with random input, checked by OpenSSL.
 */
#include "token_trial.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#define SECRET_SIZE 32

DECLARE_OWNED(EVP_MD_CTX, EVP_MD_CTX *, EVP_MD_CTX_free)

int token_trial_padding(enum key_scheme scheme)
{
    switch (scheme) {
    case KEY_SIGN_RSA_PSS:
        return RSA_PKCS1_PSS_PADDING;
    case KEY_DECRYPT_RSA_OAEP:
        return RSA_PKCS1_OAEP_PADDING;
    case KEY_SIGN_RSA_PKCS1:
    case KEY_DECRYPT_RSA_PKCS1:
        return RSA_PKCS1_PADDING;
    default:
        return 0;
    }
}

/* --- signatures --- */

static bool set_verification(EVP_PKEY_CTX *context, const struct key_work *work)
{
    const EVP_MD *digest = EVP_get_digestbyname(key_digest_name(work->digest));
    int padding = token_trial_padding(work->scheme);
    if (EVP_PKEY_verify_init(context) != 1 || EVP_PKEY_CTX_set_signature_md(context, digest) != 1 ||
        (padding != 0 && EVP_PKEY_CTX_set_rsa_padding(context, padding) != 1))
        return false;
    return work->scheme != KEY_SIGN_RSA_PSS ||
           (EVP_PKEY_CTX_set_rsa_pss_saltlen(context, (int)work->salt_length) == 1 &&
            EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_get_digestbyname(key_digest_name(work->mgf1_digest))) == 1);
}

static bool verifies(EVP_PKEY *public_key, const struct key_work *work, const struct key_output *signature)
{
    const unsigned char *input = (const unsigned char *)work->input.data;
    if (work->scheme == KEY_SIGN_EDDSA) {
        owned(EVP_MD_CTX) EVP_MD_CTX *digest = EVP_MD_CTX_new();
        return digest != NULL && EVP_DigestVerifyInit(digest, NULL, NULL, NULL, public_key) == 1 &&
               EVP_DigestVerify(digest, signature->octets, signature->length, input, work->input.len) == 1;
    }
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, public_key, NULL);
    return context != NULL && set_verification(context, work) &&
           EVP_PKEY_verify(context, signature->octets, signature->length, input, work->input.len) == 1;
}

/* --- decryption --- */

static bool encrypts(EVP_PKEY *public_key, const struct key_work *kind, const unsigned char *secret,
                     unsigned char *block, size_t *length)
{
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, public_key, NULL);
    if (context == NULL || EVP_PKEY_encrypt_init(context) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(context, token_trial_padding(kind->scheme)) != 1)
        return false;
    if (kind->scheme == KEY_DECRYPT_RSA_OAEP &&
        (EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_get_digestbyname(key_digest_name(kind->digest))) != 1 ||
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_get_digestbyname(key_digest_name(kind->mgf1_digest))) != 1))
        return false;
    return EVP_PKEY_encrypt(context, block, length, secret, SECRET_SIZE) == 1;
}

/* --- key agreement --- */

/* Another key of the same group. */
static EVP_PKEY *other_side(EVP_PKEY *public_key)
{
    EVP_PKEY *key = NULL;
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, public_key, NULL);
    if (context == NULL || EVP_PKEY_keygen_init(context) != 1 || EVP_PKEY_keygen(context, &key) != 1)
        return NULL;
    return key;
}

static bool agrees(EVP_PKEY *ours, EVP_PKEY *public_key, struct key_output *secret)
{
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL);
    secret->length = KEY_OUTPUT_MAX;
    return context != NULL && EVP_PKEY_derive_init(context) == 1 &&
           EVP_PKEY_derive_set_peer(context, public_key) == 1 &&
           EVP_PKEY_derive(context, secret->octets, &secret->length) == 1;
}

/* --- trials --- */

static bool is_equal(const struct key_output *output, const void *expected, size_t length)
{
    return output->length == length && CRYPTO_memcmp(output->octets, expected, length) == 0;
}

static CK_RV try_signature(const struct token_use *use, const struct key_work *kind)
{
    struct key_work work = *kind;
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct key_output output;
    int size = EVP_MD_get_size(EVP_get_digestbyname(key_digest_name(work.digest)));
    if (RAND_bytes(digest, size) != 1)
        return CKR_HOST_MEMORY;
    work.input = (struct slice){(char *)digest, (size_t)size};
    CK_RV code = token_call(use, &work, &output);
    return code != CKR_OK || verifies(use->key->object.public_key, &work, &output) ? code : CKR_KEY_CHANGED;
}

static CK_RV try_decryption(const struct token_use *use, const struct key_work *kind)
{
    struct key_work work = *kind;
    unsigned char secret[SECRET_SIZE], block[KEY_OUTPUT_MAX];
    struct key_output output;
    size_t length = sizeof(block);
    if (RAND_bytes(secret, sizeof(secret)) != 1)
        return CKR_HOST_MEMORY;
    if (!encrypts(use->key->object.public_key, &work, secret, block, &length))
        return CKR_MECHANISM_PARAM_INVALID; /* the modulus is too short for it */
    work.input = (struct slice){(char *)block, length};
    CK_RV code = token_call(use, &work, &output);
    if (code == CKR_OK && !is_equal(&output, secret, sizeof(secret)))
        return CKR_KEY_CHANGED;
    /* The padding that we made is right, so this is what another key makes of it. */
    return token_class(code) == TOKEN_BAD_INPUT ? CKR_KEY_CHANGED : code;
}

static CK_RV try_agreement(const struct token_use *use, const struct key_work *kind)
{
    struct key_work work = *kind;
    EVP_PKEY *public_key = use->key->object.public_key;
    owned(EVP_PKEY) EVP_PKEY *other = other_side(public_key);
    struct key_output output, expected;
    unsigned char *point = NULL;
    size_t length = other != NULL ? EVP_PKEY_get1_encoded_public_key(other, &point) : 0;
    if (length == 0 || !agrees(other, public_key, &expected)) {
        OPENSSL_free(point);
        return CKR_HOST_MEMORY;
    }
    work.input = (struct slice){(char *)point, length};
    CK_RV code = token_call(use, &work, &output);
    OPENSSL_free(point);
    return code != CKR_OK || is_equal(&output, expected.octets, expected.length) ? code : CKR_KEY_CHANGED;
}

CK_RV token_trial(const struct token_use *use, const struct key_work *kind)
{
    CK_RV code;
    if (kind->scheme == KEY_DERIVE)
        code = try_agreement(use, kind);
    else if (kind->scheme == KEY_DECRYPT_RSA_PKCS1 || kind->scheme == KEY_DECRYPT_RSA_OAEP)
        code = try_decryption(use, kind);
    else
        code = try_signature(use, kind);
    ERR_clear_error();
    return code;
}

CK_RV token_trial_damaged(const struct token_use *use, const struct key_work *kind)
{
    unsigned char block[KEY_OUTPUT_MAX];
    struct key_output output;
    struct key_work work = *kind;
    size_t size = token_key_size(use->key);
    if (RAND_bytes(block, (int)size) != 1)
        return CKR_HOST_MEMORY;
    block[0] = 0; /* below the modulus */
    work.input = (struct slice){(char *)block, size};
    return token_call(use, &work, &output);
}
