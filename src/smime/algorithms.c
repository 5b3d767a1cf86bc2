/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Algorithm handles. They are fetched once and read-only afterwards, because a
 * fetch per message costs more than the digest of a small one. policy/ decides which algorithm a message gets.
 */
#include "smime_private.h"

#include <openssl/asn1.h>
#include <openssl/decoder.h>
#include <openssl/encoder.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/objects.h>

static struct {
    EVP_MD *digests[3];
    EVP_CIPHER *ciphers[CIPHER_AES_256_CBC + 1];
} algorithms;

static const char *const digest_names[] = {
    [DIGEST_SHA256] = "SHA256", [DIGEST_SHA384] = "SHA384", [DIGEST_SHA512] = "SHA512"};
static const char *const micalg_names[] = {
    [DIGEST_SHA256] = "sha-256", [DIGEST_SHA384] = "sha-384", [DIGEST_SHA512] = "sha-512"};
static const int cipher_nids[] = {
    [CIPHER_AES_128_GCM] = NID_aes_128_gcm, [CIPHER_AES_256_GCM] = NID_aes_256_gcm,
    [CIPHER_AES_128_CBC] = NID_aes_128_cbc, [CIPHER_AES_192_CBC] = NID_aes_192_cbc,
    [CIPHER_AES_256_CBC] = NID_aes_256_cbc,
};
/* OpenSSL fetches the operations of a key when a key is first used. If memory is short at that moment, it remembers
 * permanently that the operation does not exist, and every later message is refused. One key of each kind fetches
 * all of them here. A missing algorithm fails when it is needed. */
static void fetch_operations(void)
{
    EVP_SIGNATURE_free(EVP_SIGNATURE_fetch(NULL, "RSA", NULL));
    EVP_ASYM_CIPHER_free(EVP_ASYM_CIPHER_fetch(NULL, "RSA", NULL));
    EVP_KEYEXCH_free(EVP_KEYEXCH_fetch(NULL, "ECDH", NULL));
    EVP_KDF_free(EVP_KDF_fetch(NULL, "X963KDF", NULL));
    EVP_MAC_free(EVP_MAC_fetch(NULL, "HMAC", NULL));
    EVP_RAND_free(EVP_RAND_fetch(NULL, "CTR-DRBG", NULL));
    OSSL_ENCODER_free(OSSL_ENCODER_fetch(NULL, "RSA", NULL));
    OSSL_DECODER_free(OSSL_DECODER_fetch(NULL, "RSA", NULL));
    ERR_clear_error();
}

bool algorithms_init(struct error *error)
{
    fetch_operations();
    for (size_t i = 0; i < G_N_ELEMENTS(digest_names); i++) {
        if (algorithms.digests[i] == NULL)
            algorithms.digests[i] = EVP_MD_fetch(NULL, digest_names[i], NULL);
        if (algorithms.digests[i] == NULL)
            return error_set_openssl(error, ERROR_CONFIGURATION, "OpenSSL has no %s", digest_names[i]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(cipher_nids); i++) {
        if (algorithms.ciphers[i] == NULL)
            algorithms.ciphers[i] = EVP_CIPHER_fetch(NULL, OBJ_nid2sn(cipher_nids[i]), NULL);
        if (algorithms.ciphers[i] == NULL)
            return error_set_openssl(error, ERROR_CONFIGURATION, "OpenSSL has no %s", OBJ_nid2ln(cipher_nids[i]));
    }
    return true;
}

const EVP_MD *algorithm_digest(enum digest digest)
{
    return algorithms.digests[digest];
}

const char *algorithm_micalg(enum digest digest)
{
    return micalg_names[digest];
}

const EVP_CIPHER *algorithm_cipher(enum cipher cipher)
{
    return algorithms.ciphers[cipher];
}

void *algorithm_parameters(const X509_ALGOR *algorithm, const ASN1_ITEM *item)
{
    const void *value;
    int type;
    X509_ALGOR_get0(NULL, &type, &value, algorithm);
    return type == V_ASN1_SEQUENCE ? ASN1_item_unpack(value, item) : NULL;
}

void algorithm_name(const ASN1_OBJECT *algorithm, char *name, size_t size)
{
    int nid = OBJ_obj2nid(algorithm);
    if (nid != NID_undef) {
        g_strlcpy(name, OBJ_nid2ln(nid), size);
    } else if (OBJ_obj2txt(name, (int)size, algorithm, 1) <= 0) {
        g_strlcpy(name, "unknown", size);
    }
}
