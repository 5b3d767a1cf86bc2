/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agreed_key: the key-encryption key that X25519 and a key derivation give two sides (RFC 8418 §2). What is wrapped
 * under it is x25519.c's to say, which goes together with this file.
 */
#include "x25519.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <string.h>

#define SECRET_LENGTH 32 /* RFC 7748 §6.1 */

DECLARE_OWNED(kdf_context, EVP_KDF_CTX *, EVP_KDF_CTX_free)

enum kdf { KDF_HKDF, KDF_X963 };
static const char *const kdf_names[] = {[KDF_HKDF] = "HKDF", [KDF_X963] = "X963KDF"};
static EVP_KDF *kdfs[G_N_ELEMENTS(kdf_names)];

/* RFC 8418 §7. The first is what we send: RFC 8551 §2.3. */
static const struct scheme {
    const char *oid;
    enum kdf kdf;
    const char *digest;
} schemes[] = {
    {"1.2.840.113549.1.9.16.3.19", KDF_HKDF, "SHA256"},
    {"1.2.840.113549.1.9.16.3.20", KDF_HKDF, "SHA384"},
    {"1.2.840.113549.1.9.16.3.21", KDF_HKDF, "SHA512"},
    {"1.3.132.1.11.1", KDF_X963, "SHA256"},
    {"1.3.132.1.11.2", KDF_X963, "SHA384"},
    {"1.3.132.1.11.3", KDF_X963, "SHA512"},
};

bool agreed_key_init(struct error *error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kdf_names); i++) {
        if (kdfs[i] == NULL)
            kdfs[i] = EVP_KDF_fetch(NULL, kdf_names[i], NULL);
        if (kdfs[i] == NULL)
            return error_set_openssl(error, ERROR_CONFIGURATION, "OpenSSL has no %s", kdf_names[i]);
    }
    return true;
}

static const struct scheme *scheme_of(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *object;
    char oid[64];
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    if (OBJ_obj2txt(oid, sizeof(oid), object, 1) <= 0)
        return NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++)
        if (strcmp(oid, schemes[i].oid) == 0)
            return &schemes[i];
    return NULL;
}

static const struct {
    int nid;
    size_t length;
} wraps[] = {{NID_id_aes128_wrap, 16}, {NID_id_aes192_wrap, 24}, {NID_id_aes256_wrap, 32}};

/* 0: not a wrap that we know */
static size_t wrap_length(const X509_ALGOR *wrap)
{
    const ASN1_OBJECT *oid;
    X509_ALGOR_get0(&oid, NULL, NULL, wrap);
    for (size_t i = 0; i < G_N_ELEMENTS(wraps); i++)
        if (OBJ_obj2nid(oid) == wraps[i].nid)
            return wraps[i].length;
    return 0;
}

/* OpenSSL refuses a secret of all zeros, as RFC 8418 §2 demands. */
static bool agree(EVP_PKEY *own, EVP_PKEY *other, unsigned char secret[SECRET_LENGTH])
{
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(own, NULL);
    size_t length = SECRET_LENGTH;
    return context != NULL && EVP_PKEY_derive_init(context) > 0 && EVP_PKEY_derive_set_peer(context, other) > 0 &&
           EVP_PKEY_derive(context, secret, &length) > 0 && length == SECRET_LENGTH;
}

/* RFC 8418 §2: by HKDF a ukm is salt, too. */
static bool derive(const struct scheme *scheme, X509_ALGOR *wrap, ASN1_OCTET_STRING *ukm,
                   unsigned char secret[SECRET_LENGTH], unsigned char *key, size_t length)
{
    owned(kdf_context) EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdfs[scheme->kdf]);
    owned(openssl_bytes) unsigned char *info = NULL;
    int info_length = CMS_SharedInfo_encode(&info, wrap, ukm, (int)length);
    OSSL_PARAM parameters[5] = {OSSL_PARAM_END, OSSL_PARAM_END, OSSL_PARAM_END, OSSL_PARAM_END, OSSL_PARAM_END};
    if (context == NULL || info_length <= 0)
        return false;
    parameters[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)scheme->digest, 0);
    parameters[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, SECRET_LENGTH);
    parameters[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, (size_t)info_length);
    if (scheme->kdf == KDF_HKDF && ukm != NULL)
        parameters[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)ASN1_STRING_get0_data(ukm),
                                                          (size_t)ASN1_STRING_length(ukm));
    return EVP_KDF_derive(context, key, length, parameters) > 0;
}

size_t agreed_key(const X509_ALGOR *algorithm, ASN1_OCTET_STRING *ukm, EVP_PKEY *own, EVP_PKEY *other,
                  unsigned char key[AGREED_KEY_MAX])
{
    const struct scheme *scheme = scheme_of(algorithm);
    owned(X509_ALGOR) X509_ALGOR *wrap = algorithm_parameters(algorithm, ASN1_ITEM_rptr(X509_ALGOR));
    size_t length = scheme != NULL && wrap != NULL ? wrap_length(wrap) : 0;
    unsigned char secret[SECRET_LENGTH];
    bool derived = length > 0 && agree(own, other, secret) && derive(scheme, wrap, ukm, secret, key, length);
    OPENSSL_cleanse(secret, sizeof(secret));
    return derived ? length : 0;
}

bool agreed_key_is_known(const X509_ALGOR *algorithm)
{
    owned(X509_ALGOR) X509_ALGOR *wrap = algorithm_parameters(algorithm, ASN1_ITEM_rptr(X509_ALGOR));
    return scheme_of(algorithm) != NULL && wrap != NULL && wrap_length(wrap) > 0;
}

bool agreed_key_set_algorithm(X509_ALGOR *algorithm, size_t key_length)
{
    owned(X509_ALGOR) X509_ALGOR *wrap = X509_ALGOR_new();
    owned(ASN1_OBJECT) ASN1_OBJECT *oid = OBJ_txt2obj(schemes[0].oid, 1);
    owned(ASN1_STRING) ASN1_STRING *packed = NULL;
    size_t i = 0;
    while (i < G_N_ELEMENTS(wraps) && wraps[i].length != key_length)
        i++;
    if (wrap == NULL || oid == NULL || i == G_N_ELEMENTS(wraps) ||
        !X509_ALGOR_set0(wrap, OBJ_nid2obj(wraps[i].nid), V_ASN1_UNDEF, NULL))
        return false;
    packed = ASN1_item_pack(wrap, ASN1_ITEM_rptr(X509_ALGOR), NULL);
    if (packed == NULL || !X509_ALGOR_set0(algorithm, oid, V_ASN1_SEQUENCE, packed))
        return false;
    steal(&oid);
    steal(&packed);
    return true;
}
