/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote_exchange: key agreement with a linked key: ECDH, alone or with the key derivation of X9.63, as CMS uses it
 * (RFC 5753 §7.2); X25519 and X448. The secret comes over the link, the derivation is done here.
 */
#include "remote_key.h"

#include <openssl/ec.h>
#include <openssl/kdf.h>
#include <string.h>

struct exchange {
    struct remote_key *key;
    struct remote_key *peer;
    char kdf_digest[32]; /* "": the secret itself is wanted */
    bool derives;
    size_t kdf_length;
    GByteArray *kdf_info; /* NULL: none was set */
};

static void *exchange_new(void *context)
{
    (void)context;
    return g_new0(struct exchange, 1);
}

static void exchange_free(void *data)
{
    struct exchange *exchange = data;
    if (exchange == NULL)
        return;
    remote_key_unref(exchange->key);
    remote_key_unref(exchange->peer);
    if (exchange->kdf_info != NULL)
        g_byte_array_unref(exchange->kdf_info);
    g_free(exchange);
}

static void *exchange_dup(void *data)
{
    const struct exchange *from = data;
    struct exchange *copy = g_new(struct exchange, 1);
    *copy = *from;
    copy->key = from->key != NULL ? remote_key_ref(from->key) : NULL;
    copy->peer = from->peer != NULL ? remote_key_ref(from->peer) : NULL;
    copy->kdf_info = from->kdf_info != NULL ? g_byte_array_ref(from->kdf_info) : NULL;
    return copy;
}

static bool set_kdf_type(struct exchange *exchange, const OSSL_PARAM *type)
{
    const char *name = NULL;
    if (type == NULL)
        return true;
    if (!OSSL_PARAM_get_utf8_string_ptr(type, &name) || name == NULL)
        return false;
    exchange->derives = *name != '\0';
    return *name == '\0' || strcmp(name, OSSL_KDF_NAME_X963KDF) == 0;
}

static bool set_kdf_digest(struct exchange *exchange, const OSSL_PARAM *digest)
{
    char *name = exchange->kdf_digest;
    return digest == NULL || OSSL_PARAM_get_utf8_string(digest, &name, sizeof(exchange->kdf_digest));
}

static bool set_kdf_info(struct exchange *exchange, const OSSL_PARAM *info)
{
    const void *octets = NULL;
    size_t length = 0;
    if (info == NULL)
        return true;
    if (!OSSL_PARAM_get_octet_string_ptr(info, &octets, &length))
        return false;
    if (exchange->kdf_info != NULL)
        g_byte_array_unref(exchange->kdf_info);
    exchange->kdf_info = g_byte_array_new();
    if (length > 0)
        g_byte_array_append(exchange->kdf_info, octets, (guint)length);
    return true;
}

/* The curves of mail have the cofactor 1, so that its mode makes no difference. */
static int set_parameters(void *data, const OSSL_PARAM parameters[])
{
    struct exchange *exchange = data;
    if (parameters == NULL)
        return 1;
    const OSSL_PARAM *length = OSSL_PARAM_locate_const(parameters, OSSL_EXCHANGE_PARAM_KDF_OUTLEN);
    return set_kdf_type(exchange, OSSL_PARAM_locate_const(parameters, OSSL_EXCHANGE_PARAM_KDF_TYPE)) &&
           set_kdf_digest(exchange, OSSL_PARAM_locate_const(parameters, OSSL_EXCHANGE_PARAM_KDF_DIGEST)) &&
           set_kdf_info(exchange, OSSL_PARAM_locate_const(parameters, OSSL_EXCHANGE_PARAM_KDF_UKM)) &&
           (length == NULL || OSSL_PARAM_get_size_t(length, &exchange->kdf_length));
}

static const OSSL_PARAM *list_parameters(void *data, void *context)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_int(OSSL_EXCHANGE_PARAM_EC_ECDH_COFACTOR_MODE, NULL),
        OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_TYPE, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_DIGEST, NULL, 0),
        OSSL_PARAM_size_t(OSSL_EXCHANGE_PARAM_KDF_OUTLEN, NULL),
        OSSL_PARAM_octet_string(OSSL_EXCHANGE_PARAM_KDF_UKM, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)data;
    (void)context;
    return list;
}

static int derive_init(void *data, void *key, const OSSL_PARAM parameters[])
{
    struct exchange *exchange = data;
    struct remote_key *own = key;
    if (own == NULL || own->linked == NULL)
        return 0;
    remote_key_unref(exchange->key);
    exchange->key = remote_key_ref(own);
    return set_parameters(data, parameters);
}

static int set_peer(void *data, void *key)
{
    struct exchange *exchange = data;
    struct remote_key *peer = key;
    if (peer == NULL || peer->public_half == NULL ||
        (strcmp(peer->type, "EC") == 0 && EVP_PKEY_parameters_eq(peer->public_half, exchange->key->public_half) != 1))
        return 0;
    remote_key_unref(exchange->peer);
    exchange->peer = remote_key_ref(peer);
    return 1;
}

/* Of an EC key X9.62 §4.3.6, whatever form the sender gave it; of the others the octets. */
static bool point_of(EVP_PKEY *key, unsigned char *point, size_t size, size_t *length)
{
    if (!EVP_PKEY_is_a(key, "EC"))
        return EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, size, length) > 0;
    owned(EVP_PKEY) EVP_PKEY *copy = EVP_PKEY_dup(key);
    return copy != NULL &&
           EVP_PKEY_set_utf8_string_param(copy, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                          OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) > 0 &&
           EVP_PKEY_get_octet_string_param(copy, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point, size, length) > 0;
}

static bool agree(const struct exchange *exchange, struct key_output *secret)
{
    unsigned char point[1 + 2 * 72]; /* P-521 has 66 */
    size_t length = 0;
    if (exchange->key == NULL || exchange->peer == NULL ||
        !point_of(exchange->peer->public_half, point, sizeof(point), &length))
        return false;
    const struct key_work work = {.scheme = KEY_DERIVE, .input = {(const char *)point, length}};
    return linked_key_work(exchange->key->linked, &work, secret) == KEY_DONE;
}

static bool derive_key(const struct exchange *exchange, const struct key_output *secret, unsigned char *out)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_X963KDF, NULL);
    EVP_KDF_CTX *context = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    const GByteArray *info = exchange->kdf_info;
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)exchange->kdf_digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret->octets, secret->length),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info != NULL ? info->data : NULL,
                                          info != NULL ? info->len : 0),
        OSSL_PARAM_END};
    bool derived = context != NULL && EVP_KDF_derive(context, out, exchange->kdf_length, parameters) > 0;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return derived;
}

static size_t secret_length(const struct exchange *exchange)
{
    EVP_PKEY *key = exchange->key->public_half;
    return EVP_PKEY_is_a(key, "EC") ? (size_t)(EVP_PKEY_get_bits(key) + 7) / 8 : (size_t)EVP_PKEY_get_size(key);
}

static int derive(void *data, unsigned char *out, size_t *length, size_t size)
{
    const struct exchange *exchange = data;
    struct key_output secret;
    if (exchange->key == NULL)
        return 0;
    size_t wanted = exchange->derives ? exchange->kdf_length : secret_length(exchange);
    if (out == NULL) {
        *length = wanted;
        return 1;
    }
    if (wanted == 0 || size < wanted)
        return 0;
    bool done = agree(exchange, &secret);
    if (done && exchange->derives)
        done = derive_key(exchange, &secret, out);
    else if (done && (done = secret.length == wanted))
        memcpy(out, secret.octets, wanted);
    OPENSSL_cleanse(&secret, sizeof(secret));
    *length = wanted;
    return done;
}

#define FUNCTION(id, function)                                                                                         \
    {                                                                                                                  \
        id, (void (*)(void))(function)                                                                                 \
    }

static const OSSL_DISPATCH functions[] = {
    FUNCTION(OSSL_FUNC_KEYEXCH_NEWCTX, exchange_new),
    FUNCTION(OSSL_FUNC_KEYEXCH_FREECTX, exchange_free),
    FUNCTION(OSSL_FUNC_KEYEXCH_DUPCTX, exchange_dup),
    FUNCTION(OSSL_FUNC_KEYEXCH_INIT, derive_init),
    FUNCTION(OSSL_FUNC_KEYEXCH_SET_PEER, set_peer),
    FUNCTION(OSSL_FUNC_KEYEXCH_DERIVE, derive),
    FUNCTION(OSSL_FUNC_KEYEXCH_SET_CTX_PARAMS, set_parameters),
    FUNCTION(OSSL_FUNC_KEYEXCH_SETTABLE_CTX_PARAMS, list_parameters),
    {0, NULL},
};

const OSSL_ALGORITHM remote_exchanges[] = {
    {"ECDH", REMOTE_PROPERTIES, functions, NULL},
    {"X25519:1.3.101.110", REMOTE_PROPERTIES, functions, NULL},
    {"X448:1.3.101.111", REMOTE_PROPERTIES, functions, NULL},
    {NULL, NULL, NULL, NULL},
};
