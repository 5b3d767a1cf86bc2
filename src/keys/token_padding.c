/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_padding: OAEP, PKCS #1 and DigestInfo by OpenSSL, for tokens that only have bare RSA.
 *
 * The two checks are deprecated since OpenSSL 3.0, but still there in 3.5, and nothing else takes a padding off a block
 * in constant time: EVP wants the private key for that.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "token_padding.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

DECLARE_OWNED(X509_SIG, X509_SIG *, X509_SIG_free)

bool token_padding_remove(const struct key_work *work, struct slice block, struct key_output *output)
{
    const unsigned char *octets = (const unsigned char *)block.data;
    int size = (int)block.len, length;
    if (work->scheme == KEY_DECRYPT_RSA_OAEP)
        length = RSA_padding_check_PKCS1_OAEP_mgf1(output->octets, KEY_OUTPUT_MAX, octets, size, size,
                                                   (const unsigned char *)work->label.data, (int)work->label.len,
                                                   EVP_get_digestbyname(key_digest_name(work->digest)),
                                                   EVP_get_digestbyname(key_digest_name(work->mgf1_digest)));
    else
        length = RSA_padding_check_PKCS1_type_2(output->octets, KEY_OUTPUT_MAX, octets, size, size);
    ERR_clear_error();
    output->length = length >= 0 ? (size_t)length : 0;
    return length >= 0;
}

size_t token_padding_digest_info(const struct key_work *work, unsigned char **der)
{
    X509_ALGOR *algorithm = NULL;
    ASN1_OCTET_STRING *digest = NULL;
    owned(X509_SIG) X509_SIG *info = X509_SIG_new();
    const EVP_MD *type = EVP_get_digestbyname(key_digest_name(work->digest));
    if (info == NULL || type == NULL)
        return 0;
    X509_SIG_getm(info, &algorithm, &digest);
    if (!X509_ALGOR_set0(algorithm, OBJ_nid2obj(EVP_MD_get_type(type)), V_ASN1_NULL, NULL) ||
        !ASN1_OCTET_STRING_set(digest, (const unsigned char *)work->input.data, (int)work->input.len))
        return 0;
    int length = i2d_X509_SIG(info, der);
    return length > 0 ? (size_t)length : 0;
}
