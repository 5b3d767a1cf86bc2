/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ed25519 signatures in CMS (RFC 8419). OpenSSL has the algorithm, but its CMS before 3.5 gives every key a digest and
 * EdDSA takes none: so the signed attributes are put in, encoded and signed here, whatever the version. Without them
 * the signature is over the content itself: read, not made.
 *
 * Unnecessary from OpenSSL 4.0 on, whose CMS_SignerInfo_verify_ex() also verifies signatures without signed attributes;
 * 3.5 signs and verifies only those with them. To remove it: git rm edwards.[ch], then let the compiler name the lines
 * in sign.c, signer.c and init.c. digest_for() of sign.c keeps its rule that Ed25519 goes with SHA-512.
 */
#include "edwards.h"

#include <openssl/asn1t.h>
#include <openssl/ec.h>

/* RFC 5652 §5.4: what is signed is the DER of the SET OF. */
/* clang-format off */
ASN1_ITEM_TEMPLATE(ATTRIBUTE_SET) = ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SET_OF, 0, attributes, X509_ATTRIBUTE)
static_ASN1_ITEM_TEMPLATE_END(ATTRIBUTE_SET)
    /* clang-format on */

    static void borrowed_attributes_free(STACK_OF(X509_ATTRIBUTE) * list)
{
    sk_X509_ATTRIBUTE_free(list);
}

DECLARE_OWNED(borrowed_attributes, STACK_OF(X509_ATTRIBUTE) *, borrowed_attributes_free)
DECLARE_OWNED(ASN1_TIME, ASN1_TIME *, ASN1_TIME_free)

static EVP_PKEY *stand_in_key;

bool edwards_init(struct error *error)
{
    if (stand_in_key == NULL)
        stand_in_key = EVP_EC_gen("P-256");
    return stand_in_key != NULL || error_set_openssl(error, ERROR_CONFIGURATION, "OpenSSL cannot create a P-256 key");
}

bool edwards_is(const EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "ED25519");
}

/* From OpenSSL 3.2 to 3.4 CMS_add1_signer() fails for an Ed25519 key: it looks for a signature algorithm made of
 * SHA-512 and Ed25519. Issuer and number are all that it takes from a certificate, so it gets them with a key that it
 * knows, the same for all; edwards_sign() then says the algorithm. */
CMS_SignerInfo *edwards_add_signer(CMS_ContentInfo *cms, X509 *certificate, unsigned flags)
{
    owned(X509) X509 *stand_in = X509_dup(certificate);
    if (stand_in == NULL || !X509_set_pubkey(stand_in, stand_in_key) || !CMS_add1_cert(cms, certificate))
        return NULL;
    return CMS_add1_signer(cms, stand_in, stand_in_key, algorithm_digest(DIGEST_SHA512), flags | CMS_NOCERTS);
}

static int encode_attributes(CMS_SignerInfo *info, unsigned char **der)
{
    owned(borrowed_attributes) STACK_OF(X509_ATTRIBUTE) *list = sk_X509_ATTRIBUTE_new_null();
    for (int i = 0; list != NULL && i < CMS_signed_get_attr_count(info); i++)
        if (sk_X509_ATTRIBUTE_push(list, CMS_signed_get_attr(info, i)) <= 0)
            return -1;
    return list != NULL ? ASN1_item_i2d((const ASN1_VALUE *)list, der, ASN1_ITEM_rptr(ATTRIBUTE_SET)) : -1;
}

static bool add_attributes(CMS_SignerInfo *info, const unsigned char *digest, unsigned length)
{
    owned(ASN1_TIME) ASN1_TIME *now = X509_gmtime_adj(NULL, 0);
    return now != NULL &&
           CMS_signed_add1_attr_by_NID(info, NID_pkcs9_contentType, V_ASN1_OBJECT, OBJ_nid2obj(NID_pkcs7_data), -1) >
               0 &&
           CMS_signed_add1_attr_by_NID(info, NID_pkcs9_signingTime, ASN1_STRING_type(now), now, -1) > 0 &&
           CMS_signed_add1_attr_by_NID(info, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING, digest, (int)length) > 0;
}

static bool digest_content(const struct rope *content, unsigned char *digest, unsigned *length)
{
    owned(evp_md_ctx) EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || !EVP_DigestInit_ex(context, algorithm_digest(DIGEST_SHA512), NULL))
        return false;
    for (size_t i = 0; i < rope_count(content); i++)
        if (!EVP_DigestUpdate(context, rope_at(content, i).data, rope_at(content, i).len))
            return false;
    return EVP_DigestFinal_ex(context, digest, length) > 0;
}

bool edwards_sign(CMS_SignerInfo *info, EVP_PKEY *key, const struct rope *content, struct error *error)
{
    owned(evp_md_ctx) EVP_MD_CTX *context = EVP_MD_CTX_new();
    owned(openssl_bytes) unsigned char *der = NULL;
    unsigned char digest[EVP_MAX_MD_SIZE], signature[64];
    size_t signature_length = sizeof(signature);
    X509_ALGOR *algorithm;
    unsigned length;
    int der_length;
    if (context == NULL || !digest_content(content, digest, &length) || !add_attributes(info, digest, length) ||
        (der_length = encode_attributes(info, &der)) <= 0)
        return error_set_openssl(error, ERROR_TEMPORARY, "preparing the signature");
    if (EVP_DigestSignInit(context, NULL, NULL, NULL, key) <= 0 ||
        EVP_DigestSign(context, signature, &signature_length, der, (size_t)der_length) <= 0)
        return error_set_openssl(error, ERROR_TEMPORARY, "signing");
    CMS_SignerInfo_get0_algs(info, NULL, NULL, NULL, &algorithm);
    if (!X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_ED25519), V_ASN1_UNDEF, NULL) ||
        !ASN1_OCTET_STRING_set(CMS_SignerInfo_get0_signature(info), signature, (int)signature_length))
        return error_set_openssl(error, ERROR_TEMPORARY, "signing");
    return true;
}

/* RFC 8419 §2.2, §2.3: no parameters; SHA-512 for the message digest, where there is one. */
static bool algorithms_fit(CMS_SignerInfo *info)
{
    X509_ALGOR *digest, *signature;
    const ASN1_OBJECT *digest_oid, *signature_oid;
    int parameters;
    CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, &signature);
    X509_ALGOR_get0(&digest_oid, NULL, NULL, digest);
    X509_ALGOR_get0(&signature_oid, &parameters, NULL, signature);
    return OBJ_obj2nid(signature_oid) == NID_ED25519 && parameters == V_ASN1_UNDEF &&
           (CMS_signed_get_attr_count(info) < 0 || OBJ_obj2nid(digest_oid) == NID_sha512);
}

bool edwards_verify(CMS_SignerInfo *info, EVP_PKEY *key, struct slice content)
{
    owned(evp_md_ctx) EVP_MD_CTX *context = EVP_MD_CTX_new();
    owned(openssl_bytes) unsigned char *der = NULL;
    const ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(info);
    if (context == NULL || !algorithms_fit(info))
        return false;
    if (CMS_signed_get_attr_count(info) >= 0) {
        int length = encode_attributes(info, &der);
        if (length <= 0)
            return false;
        content = (struct slice){(const char *)der, (size_t)length};
    }
    return EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) > 0 &&
           EVP_DigestVerify(context, ASN1_STRING_get0_data(signature), (size_t)ASN1_STRING_length(signature),
                            (const unsigned char *)content.data, content.len) == 1;
}
