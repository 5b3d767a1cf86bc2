/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote_cipher: RSA decryption with a linked key: OAEP and PKCS #1 v1.5. As in OpenSSL's CMS, a wrong padding is an
 * error, which CMS then replaces by a random content key (RFC 3218 §2.3); "implicit rejection" is not done, which CMS
 * would switch off.
 */
#include "remote_key.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

struct decryption {
    struct remote_key *key;
    EVP_PKEY_CTX *inner; /* of the public half: padding, digests, label */
};

static void *decryption_new(void *context)
{
    (void)context;
    return g_new0(struct decryption, 1);
}

static void decryption_free(void *data)
{
    struct decryption *decryption = data;
    if (decryption == NULL)
        return;
    remote_key_unref(decryption->key);
    EVP_PKEY_CTX_free(decryption->inner);
    g_free(decryption);
}

static int set_parameters(void *data, const OSSL_PARAM parameters[])
{
    struct decryption *decryption = data;
    return parameters == NULL || parameters[0].key == NULL ||
           EVP_PKEY_CTX_set_params(decryption->inner, parameters) > 0;
}

static int get_parameters(void *data, OSSL_PARAM parameters[])
{
    struct decryption *decryption = data;
    return EVP_PKEY_CTX_get_params(decryption->inner, parameters) > 0;
}

static const OSSL_PARAM *list_parameters(void *data, void *context)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)data;
    (void)context;
    return list;
}

static int decrypt_init(void *data, void *key, const OSSL_PARAM parameters[])
{
    struct decryption *decryption = data;
    if (key != NULL) {
        remote_key_unref(decryption->key);
        decryption->key = remote_key_ref(key);
    }
    if (decryption->key == NULL || decryption->key->linked == NULL)
        return 0;
    EVP_PKEY_CTX_free(decryption->inner);
    decryption->inner = EVP_PKEY_CTX_new(decryption->key->public_half, NULL);
    return decryption->inner != NULL && EVP_PKEY_encrypt_init(decryption->inner) > 0 &&
           set_parameters(data, parameters);
}

static bool describe(struct decryption *decryption, struct key_work *work)
{
    const EVP_MD *digest = NULL, *mgf1 = NULL;
    unsigned char *label = NULL;
    int padding = 0;
    if (EVP_PKEY_CTX_get_rsa_padding(decryption->inner, &padding) <= 0)
        return false;
    if (padding == RSA_PKCS1_PADDING) {
        work->scheme = KEY_DECRYPT_RSA_PKCS1;
        return true;
    }
    if (padding != RSA_PKCS1_OAEP_PADDING || EVP_PKEY_CTX_get_rsa_oaep_md(decryption->inner, &digest) <= 0 ||
        EVP_PKEY_CTX_get_rsa_mgf1_md(decryption->inner, &mgf1) <= 0)
        return false;
    int label_length = EVP_PKEY_CTX_get0_rsa_oaep_label(decryption->inner, &label);
    work->scheme = KEY_DECRYPT_RSA_OAEP;
    work->label = (struct slice){(const char *)label, label_length > 0 ? (size_t)label_length : 0};
    return remote_digest(digest, &work->digest) && remote_digest(mgf1, &work->mgf1_digest);
}

/* The answer of the holder decides at the end only, without a branch before that depends on it. */
static int decrypt(void *data, unsigned char *out, size_t *length, size_t size, const unsigned char *octets,
                   size_t octets_length)
{
    struct decryption *decryption = data;
    struct key_work work = {.input = {(const char *)octets, octets_length}};
    size_t block = (size_t)EVP_PKEY_get_size(decryption->key->public_half);
    struct key_output output;
    if (out == NULL) {
        *length = block;
        return 1;
    }
    if (size < block || block > sizeof(output.octets) || !describe(decryption, &work))
        return 0;
    enum key_answer answer = linked_key_work(decryption->key->linked, &work, &output);
    if (answer != KEY_DONE && answer != KEY_WRONG)
        return 0;
    memcpy(out, output.octets, block);
    *length = output.length;
    OPENSSL_cleanse(&output, sizeof(output));
    return answer == KEY_DONE;
}

#define FUNCTION(id, function)                                                                                         \
    {                                                                                                                  \
        id, (void (*)(void))(function)                                                                                 \
    }

static const OSSL_DISPATCH functions[] = {
    FUNCTION(OSSL_FUNC_ASYM_CIPHER_NEWCTX, decryption_new),
    FUNCTION(OSSL_FUNC_ASYM_CIPHER_FREECTX, decryption_free),
    FUNCTION(OSSL_FUNC_ASYM_CIPHER_DECRYPT_INIT, decrypt_init),
    FUNCTION(OSSL_FUNC_ASYM_CIPHER_DECRYPT, decrypt),
    FUNCTION(OSSL_FUNC_ASYM_CIPHER_GET_CTX_PARAMS, get_parameters),
    FUNCTION(OSSL_FUNC_ASYM_CIPHER_GETTABLE_CTX_PARAMS, list_parameters),
    FUNCTION(OSSL_FUNC_ASYM_CIPHER_SET_CTX_PARAMS, set_parameters),
    FUNCTION(OSSL_FUNC_ASYM_CIPHER_SETTABLE_CTX_PARAMS, list_parameters),
    {0, NULL},
};

const OSSL_ALGORITHM remote_ciphers[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", REMOTE_PROPERTIES, functions, NULL},
    {NULL, NULL, NULL, NULL},
};
