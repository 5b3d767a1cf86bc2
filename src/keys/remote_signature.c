/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote_signature: signing with a linked key: RSA (PKCS #1, PSS), ECDSA, EdDSA. The content is hashed here, and the
 * digest goes over the link; EdDSA sends the message, which in CMS is the signed attributes.
 */
#include "remote_key.h"

#include <openssl/rsa.h>
#include <string.h>

struct signing {
    struct remote_key *key;
    EVP_PKEY_CTX *inner;  /* of the public half: padding, digests, salt; NULL: EdDSA has no parameters */
    EVP_MD_CTX *digested; /* NULL: the caller gives the digest */
};

static void *signing_new(void *context, const char *properties)
{
    (void)context;
    (void)properties;
    return g_new0(struct signing, 1);
}

static void signing_free(void *data)
{
    struct signing *signing = data;
    if (signing == NULL)
        return;
    remote_key_unref(signing->key);
    EVP_PKEY_CTX_free(signing->inner);
    EVP_MD_CTX_free(signing->digested);
    g_free(signing);
}

DECLARE_OWNED(signing, struct signing *, signing_free)

/* EVP_DigestSignFinal() works on a copy. */
static void *signing_dup(void *data)
{
    const struct signing *from = data;
    owned(signing) struct signing *copy = g_new0(struct signing, 1);
    copy->key = from->key != NULL ? remote_key_ref(from->key) : NULL;
    copy->inner = from->inner != NULL ? EVP_PKEY_CTX_dup(from->inner) : NULL;
    copy->digested = from->digested != NULL ? EVP_MD_CTX_new() : NULL;
    if ((from->inner != NULL && copy->inner == NULL) ||
        (from->digested != NULL && (copy->digested == NULL || !EVP_MD_CTX_copy_ex(copy->digested, from->digested))))
        return NULL;
    return steal(&copy);
}

static bool is_edwards(const struct remote_key *key)
{
    return strcmp(key->type, "ED25519") == 0 || strcmp(key->type, "ED448") == 0;
}

static int set_parameters(void *data, const OSSL_PARAM parameters[])
{
    struct signing *signing = data;
    if (parameters == NULL || parameters[0].key == NULL)
        return 1;
    return signing->inner != NULL && EVP_PKEY_CTX_set_params(signing->inner, parameters) > 0;
}

/* A certificate request asks for its AlgorithmIdentifier. */
static bool get_edwards_parameters(const struct signing *signing, OSSL_PARAM parameters[])
{
    EVP_PKEY_CTX *context = NULL; /* of verification */
    EVP_MD_CTX *verification = EVP_MD_CTX_new();
    bool good = verification != NULL &&
                EVP_DigestVerifyInit(verification, &context, NULL, NULL, signing->key->public_half) > 0 &&
                EVP_PKEY_CTX_get_params(context, parameters) > 0;
    EVP_MD_CTX_free(verification);
    return good;
}

static int get_parameters(void *data, OSSL_PARAM parameters[])
{
    struct signing *signing = data;
    if (signing->key != NULL && is_edwards(signing->key))
        return get_edwards_parameters(signing, parameters);
    return signing->inner != NULL && EVP_PKEY_CTX_get_params(signing->inner, parameters) > 0;
}

static const OSSL_PARAM parameter_list[] = {
    OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
    OSSL_PARAM_END,
};

static const OSSL_PARAM *list_parameters(void *data, void *context)
{
    (void)data;
    (void)context;
    return parameter_list;
}

/* An operation begins anew also with a context that was used before, then with key NULL. */
static int sign_init(void *data, void *key, const OSSL_PARAM parameters[])
{
    struct signing *signing = data;
    if (key != NULL) {
        remote_key_unref(signing->key);
        signing->key = remote_key_ref(key);
    }
    if (signing->key == NULL || signing->key->linked == NULL)
        return 0;
    EVP_PKEY_CTX_free(signing->inner);
    EVP_MD_CTX_free(signing->digested);
    signing->inner = NULL;
    signing->digested = NULL;
    if (is_edwards(signing->key))
        return set_parameters(signing, parameters);
    signing->inner = EVP_PKEY_CTX_new(signing->key->public_half, NULL);
    return signing->inner != NULL && EVP_PKEY_verify_init(signing->inner) > 0 && set_parameters(signing, parameters);
}

static const EVP_MD *digest_of(const struct signing *signing)
{
    const EVP_MD *md = NULL;
    return EVP_PKEY_CTX_get_signature_md(signing->inner, &md) > 0 ? md : NULL;
}

static int digest_init(void *data, const char *name, void *key, const OSSL_PARAM parameters[])
{
    struct signing *signing = data;
    char standard[80] = "";
    if (!sign_init(data, key, NULL))
        return 0;
    if (is_edwards(signing->key))
        return (name == NULL || *name == '\0') && set_parameters(signing, parameters);
    if (name == NULL && EVP_PKEY_get_default_digest_name(signing->key->public_half, standard, sizeof(standard)) > 0)
        name = standard;
    const OSSL_PARAM digest[] = {OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, (char *)name, 0),
                                 OSSL_PARAM_END};
    if (name == NULL || !set_parameters(signing, digest) || !set_parameters(signing, parameters))
        return 0;
    signing->digested = EVP_MD_CTX_new();
    return signing->digested != NULL && EVP_DigestInit_ex(signing->digested, digest_of(signing), NULL);
}

static int digest_update(void *data, const unsigned char *octets, size_t length)
{
    struct signing *signing = data;
    return signing->digested != NULL && EVP_DigestUpdate(signing->digested, octets, length);
}

/* --- what goes over the link --- */

/* In octets. What the context says may be a length or one of OpenSSL's negative numbers for one. */
static bool salt_length(const struct signing *signing, const EVP_MD *digest, unsigned *length)
{
    int said = 0, size = EVP_MD_get_size(digest);
    int room = (EVP_PKEY_get_bits(signing->key->public_half) + 6) / 8 - size - 2; /* RFC 8017 §9.1.1 */
    if (EVP_PKEY_CTX_get_rsa_pss_saltlen(signing->inner, &said) <= 0)
        return false;
    if (said == RSA_PSS_SALTLEN_DIGEST)
        said = size;
    else if (said < 0)
        said = said == RSA_PSS_SALTLEN_AUTO || said == RSA_PSS_SALTLEN_MAX ? room : MIN(room, size);
    *length = (unsigned)said;
    return said >= 0 && said <= room;
}

static bool describe_rsa(const struct signing *signing, const EVP_MD *digest, struct key_work *work)
{
    const EVP_MD *mgf1 = NULL;
    int padding = 0;
    if (EVP_PKEY_CTX_get_rsa_padding(signing->inner, &padding) <= 0)
        return false;
    work->scheme = padding == RSA_PKCS1_PSS_PADDING ? KEY_SIGN_RSA_PSS : KEY_SIGN_RSA_PKCS1;
    if (padding == RSA_PKCS1_PADDING)
        return true;
    return padding == RSA_PKCS1_PSS_PADDING && EVP_PKEY_CTX_get_rsa_mgf1_md(signing->inner, &mgf1) > 0 &&
           remote_digest(mgf1, &work->mgf1_digest) && salt_length(signing, digest, &work->salt_length);
}

static bool describe(const struct signing *signing, struct key_work *work)
{
    const EVP_MD *digest = digest_of(signing);
    if (!remote_digest(digest, &work->digest) || work->input.len != (size_t)EVP_MD_get_size(digest))
        return false;
    if (strcmp(signing->key->type, "EC") != 0)
        return describe_rsa(signing, digest, work);
    work->scheme = KEY_SIGN_ECDSA;
    return true;
}

static int send_work(const struct signing *signing, const struct key_work *work, unsigned char *out, size_t *length,
                     size_t size)
{
    struct key_output output;
    bool done = linked_key_work(signing->key->linked, work, &output) == KEY_DONE && output.length <= size;
    if (done) {
        memcpy(out, output.octets, output.length);
        *length = output.length;
    }
    return done;
}

static int sign(void *data, unsigned char *out, size_t *length, size_t size, const unsigned char *octets,
                size_t octets_length)
{
    struct signing *signing = data;
    struct key_work work = {.input = {(const char *)octets, octets_length}};
    if (out == NULL) {
        *length = (size_t)EVP_PKEY_get_size(signing->key->public_half);
        return 1;
    }
    return signing->inner != NULL && describe(signing, &work) && send_work(signing, &work, out, length, size);
}

static int digest_final(void *data, unsigned char *out, size_t *length, size_t size)
{
    struct signing *signing = data;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_length = 0;
    if (out == NULL)
        return sign(data, NULL, length, 0, NULL, 0);
    return signing->digested != NULL && EVP_DigestFinal_ex(signing->digested, digest, &digest_length) &&
           sign(data, out, length, size, digest, digest_length);
}

static int edwards_sign(void *data, unsigned char *out, size_t *length, size_t size, const unsigned char *message,
                        size_t message_length)
{
    const struct key_work work = {.scheme = KEY_SIGN_EDDSA, .input = {(const char *)message, message_length}};
    if (out == NULL)
        return sign(data, NULL, length, 0, NULL, 0);
    return send_work(data, &work, out, length, size);
}

#define FUNCTION(id, function)                                                                                         \
    {                                                                                                                  \
        id, (void (*)(void))(function)                                                                                 \
    }

#define COMMON                                                                                                         \
    FUNCTION(OSSL_FUNC_SIGNATURE_NEWCTX, signing_new), FUNCTION(OSSL_FUNC_SIGNATURE_FREECTX, signing_free),            \
        FUNCTION(OSSL_FUNC_SIGNATURE_DUPCTX, signing_dup),                                                             \
        FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, digest_init),                                                   \
        FUNCTION(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, get_parameters),                                                  \
        FUNCTION(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, list_parameters),                                            \
        FUNCTION(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, set_parameters),                                                  \
        FUNCTION(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, list_parameters)

static const OSSL_DISPATCH digests[] = {
    COMMON,
    FUNCTION(OSSL_FUNC_SIGNATURE_SIGN_INIT, sign_init),
    FUNCTION(OSSL_FUNC_SIGNATURE_SIGN, sign),
    FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, digest_update),
    FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, digest_final),
    {0, NULL},
};

static const OSSL_DISPATCH messages[] = {
    COMMON,
    FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, edwards_sign),
    {0, NULL},
};

const OSSL_ALGORITHM remote_signatures[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", REMOTE_PROPERTIES, digests, NULL},
    {"ECDSA", REMOTE_PROPERTIES, digests, NULL},
    {"ED25519:1.3.101.112", REMOTE_PROPERTIES, messages, NULL},
    {"ED448:1.3.101.113", REMOTE_PROPERTIES, messages, NULL},
    {NULL, NULL, NULL, NULL},
};
