/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capabilities: SMIMECapabilities (RFC 8551 §2.5.2), which algorithms somebody's software reads: those that we announce
 * and those of others, in a signed attribute or an extension of a certificate (RFC 4262). What cannot be read says
 * nothing, and so does an algorithm that we do not use. What is made of them is policy's to say.
 */
#include "attributes.h"
#include "smime_private.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

static void algorithm_list_free(STACK_OF(X509_ALGOR) * list)
{
    sk_X509_ALGOR_pop_free(list, X509_ALGOR_free);
}

DECLARE_OWNED(algorithm_list, STACK_OF(X509_ALGOR) *, algorithm_list_free)

/* --- ours --- */

static struct {
    unsigned char *der;
    int length;
} announced;

/* In order of preference (RFC 8551 §2.7). Our library opens all of them whatever key is used; so how keys are
 * transported is not announced, as a token need not know it. */
static const int announced_nids[] = {NID_aes_256_gcm, NID_aes_128_gcm, NID_aes_256_cbc, NID_aes_128_cbc};

bool capabilities_init(struct error *error)
{
    owned(algorithm_list) STACK_OF(X509_ALGOR) *list = NULL;
    bool good = true;
    if (announced.der != NULL)
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(announced_nids) && good; i++)
        good = CMS_add_simple_smimecap(&list, announced_nids[i], -1);
    if (good)
        announced.length = i2d_X509_ALGORS(list, &announced.der);
    return (good && announced.length > 0) || error_set_openssl(error, ERROR_CONFIGURATION, "S/MIME capabilities");
}

bool capabilities_add(const struct signing *signing, ASN1_STRING **value, struct error *error)
{
    (void)signing;
    *value = der_string(V_ASN1_SEQUENCE, der_slice(announced.der, announced.length), error);
    return *value != NULL;
}

/* --- those of others --- */

/* A digest stands for itself, or in a signature algorithm. */
static const struct {
    int nid;
    unsigned ciphers, key_transports, digests;
} known[] = {
    {.nid = NID_aes_128_gcm, .ciphers = 1U << CIPHER_AES_128_GCM},
    {.nid = NID_aes_256_gcm, .ciphers = 1U << CIPHER_AES_256_GCM},
    {.nid = NID_aes_128_cbc, .ciphers = 1U << CIPHER_AES_128_CBC},
    {.nid = NID_aes_192_cbc, .ciphers = 1U << CIPHER_AES_192_CBC},
    {.nid = NID_aes_256_cbc, .ciphers = 1U << CIPHER_AES_256_CBC},
    {.nid = NID_rsaEncryption, .key_transports = 1U << KEY_TRANSPORT_RSA_PKCS1},
    {.nid = NID_sha256, .digests = 1U << DIGEST_SHA256},
    {.nid = NID_sha384, .digests = 1U << DIGEST_SHA384},
    {.nid = NID_sha512, .digests = 1U << DIGEST_SHA512},
    {.nid = NID_sha256WithRSAEncryption, .digests = 1U << DIGEST_SHA256},
    {.nid = NID_sha384WithRSAEncryption, .digests = 1U << DIGEST_SHA384},
    {.nid = NID_sha512WithRSAEncryption, .digests = 1U << DIGEST_SHA512},
    {.nid = NID_ecdsa_with_SHA256, .digests = 1U << DIGEST_SHA256},
    {.nid = NID_ecdsa_with_SHA384, .digests = 1U << DIGEST_SHA384},
    {.nid = NID_ecdsa_with_SHA512, .digests = 1U << DIGEST_SHA512},
};

static bool is_sha256(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *oid = NULL;
    if (algorithm != NULL)
        X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
    return oid != NULL && OBJ_obj2nid(oid) == NID_sha256;
}

/* OAEP as we write it: SHA-256 for both. Its default is SHA-1 (RFC 4055 §4.1). */
static bool is_our_oaep(const X509_ALGOR *algorithm)
{
    RSA_OAEP_PARAMS *parameters = algorithm_parameters(algorithm, ASN1_ITEM_rptr(RSA_OAEP_PARAMS));
    X509_ALGOR *mask = NULL;
    if (parameters != NULL && parameters->maskGenFunc != NULL)
        mask = algorithm_parameters(parameters->maskGenFunc, ASN1_ITEM_rptr(X509_ALGOR));
    bool ours = parameters != NULL && is_sha256(parameters->hashFunc) && is_sha256(mask);
    X509_ALGOR_free(mask);
    RSA_OAEP_PARAMS_free(parameters);
    return ours;
}

static void add(const X509_ALGOR *algorithm, struct capabilities *capabilities)
{
    const ASN1_OBJECT *oid;
    X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
    int nid = OBJ_obj2nid(oid);
    if (nid == NID_rsaesOaep && is_our_oaep(algorithm))
        capabilities->key_transports |= 1U << KEY_TRANSPORT_RSA_OAEP;
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (known[i].nid == nid) {
            capabilities->ciphers |= known[i].ciphers;
            capabilities->key_transports |= known[i].key_transports;
            capabilities->digests |= known[i].digests;
        }
}

static void read_der(const ASN1_STRING *der, struct capabilities *capabilities)
{
    const unsigned char *at = ASN1_STRING_get0_data(der), *end = at + ASN1_STRING_length(der);
    owned(algorithm_list) STACK_OF(X509_ALGOR) *list = d2i_X509_ALGORS(NULL, &at, ASN1_STRING_length(der));
    for (int i = 0; at == end && i < sk_X509_ALGOR_num(list); i++)
        add(sk_X509_ALGOR_value(list, i), capabilities);
    ERR_clear_error();
}

const char *capabilities_read(const ASN1_TYPE *value, const struct reading *reading)
{
    if (ASN1_TYPE_get(value) == V_ASN1_SEQUENCE)
        read_der(value->value.sequence, &reading->facts->capabilities);
    return NULL;
}

void smime_certificate_capabilities(const X509 *certificate, struct capabilities *capabilities)
{
    int at = X509_get_ext_by_NID(certificate, NID_SMIMECapabilities, -1);
    *capabilities = (struct capabilities){0};
    if (at >= 0)
        read_der(X509_EXTENSION_get_data(X509_get_ext(certificate, at)), capabilities);
}
