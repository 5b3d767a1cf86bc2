/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads cipher, parameters and the length of the authentication tag of an EnvelopedData or AuthEnvelopedData.
 *
 * OpenSSL 3.0 has no accessors for these, and they must be known before any key is used. So the structure is encoded
 * again without its content, which makes it small, and decoded by our own template. It decrypts nothing.
 */
#include "enveloped.h"

#include <openssl/err.h>

/* RFC 5084 §3.2 */
struct gcm_parameters {
    ASN1_OCTET_STRING *nonce;
    ASN1_INTEGER *tag_length; /* DEFAULT 12 */
};
#define GCM_TAG_LENGTH_DEFAULT 12

/* clang-format off */
ASN1_SEQUENCE(ENCRYPTED_CONTENT_INFO) = {
    ASN1_SIMPLE(struct encrypted_content_info, type, ASN1_OBJECT),
    ASN1_SIMPLE(struct encrypted_content_info, cipher, X509_ALGOR),
} static_ASN1_SEQUENCE_END_name(struct encrypted_content_info, ENCRYPTED_CONTENT_INFO)

ASN1_SEQUENCE(ENVELOPED) = {
    ASN1_SIMPLE(struct enveloped, version, ASN1_INTEGER),
    ASN1_IMP_OPT(struct enveloped, originator, ASN1_SEQUENCE, 0),
    ASN1_SET_OF(struct enveloped, recipients, ASN1_ANY),
    ASN1_SIMPLE(struct enveloped, content, ENCRYPTED_CONTENT_INFO),
    ASN1_IMP_SET_OF_OPT(struct enveloped, attributes_1, ASN1_ANY, 1),
    ASN1_IMP_SET_OF_OPT(struct enveloped, attributes_2, ASN1_ANY, 2),
    ASN1_OPT(struct enveloped, mac, ASN1_OCTET_STRING),
    ASN1_IMP_SET_OF_OPT(struct enveloped, attributes_3, ASN1_ANY, 2),
    ASN1_IMP_SET_OF_OPT(struct enveloped, attributes_4, ASN1_ANY, 3),
} static_ASN1_SEQUENCE_END_name(struct enveloped, ENVELOPED)

ASN1_SEQUENCE(ENVELOPED_OUTSIDE) = {
    ASN1_SIMPLE(struct enveloped_outside, type, ASN1_OBJECT),
    ASN1_EXP(struct enveloped_outside, data, ENVELOPED, 0),
} static_ASN1_SEQUENCE_END_name(struct enveloped_outside, ENVELOPED_OUTSIDE)

ASN1_SEQUENCE(GCM_PARAMETERS) = {
    ASN1_SIMPLE(struct gcm_parameters, nonce, ASN1_OCTET_STRING),
    ASN1_OPT(struct gcm_parameters, tag_length, ASN1_INTEGER),
} static_ASN1_SEQUENCE_END_name(struct gcm_parameters, GCM_PARAMETERS)
    /* clang-format on */

    void enveloped_free(struct enveloped_outside * outside)
{
    ASN1_item_free((ASN1_VALUE *)outside, ASN1_ITEM_rptr(ENVELOPED_OUTSIDE));
}

static void gcm_parameters_free(struct gcm_parameters *parameters)
{
    ASN1_item_free((ASN1_VALUE *)parameters, ASN1_ITEM_rptr(GCM_PARAMETERS));
}

DECLARE_OWNED(gcm_parameters, struct gcm_parameters *, gcm_parameters_free)

struct enveloped_outside *enveloped_without_content(CMS_ContentInfo *cms, struct error *error)
{
    ASN1_OCTET_STRING **place = CMS_get0_content(cms);
    ASN1_OCTET_STRING *content = *place;
    owned(openssl_bytes) unsigned char *der = NULL;
    const unsigned char *at;
    ASN1_VALUE *outside;
    long length;
    *place = NULL;
    length = frame_der(cms, &der, error);
    *place = content;
    if (length < 0)
        return NULL;
    at = der;
    outside = ASN1_item_d2i(NULL, &at, length, ASN1_ITEM_rptr(ENVELOPED_OUTSIDE));
    if (outside == NULL)
        error_set_openssl(error, ERROR_PERMANENT, "the CMS object cannot be parsed");
    return (struct enveloped_outside *)outside;
}

long enveloped_encode(const struct enveloped_outside *outside, unsigned char **der, struct error *error)
{
    int length = ASN1_item_i2d((const ASN1_VALUE *)outside, der, ASN1_ITEM_rptr(ENVELOPED_OUTSIDE));
    if (length <= 0)
        error_set_openssl(error, ERROR_TEMPORARY, "encoding the CMS object");
    return length > 0 ? length : -1;
}

CMS_ContentInfo *enveloped_cms(const struct enveloped_outside *outside, struct error *error)
{
    owned(openssl_bytes) unsigned char *der = NULL;
    long length = enveloped_encode(outside, &der, error);
    const unsigned char *at = der;
    return length >= 0 ? d2i_CMS_ContentInfo(NULL, &at, length) : NULL;
}

/* OpenSSL before 3.0.19 writes a longer nonce over its stack (CVE-2025-15467); RFC 5084 §3.2 recommends 12 octets. */
static bool is_usable_nonce(const ASN1_OCTET_STRING *nonce)
{
    return ASN1_STRING_length(nonce) > 0 && ASN1_STRING_length(nonce) <= EVP_MAX_IV_LENGTH;
}

/* -1: the parameters cannot be used */
static long gcm_tag_length(const X509_ALGOR *cipher, bool *is_default)
{
    owned(gcm_parameters) struct gcm_parameters *parameters =
        algorithm_parameters(cipher, ASN1_ITEM_rptr(GCM_PARAMETERS));
    gint64 length = GCM_TAG_LENGTH_DEFAULT;
    if (parameters == NULL || !is_usable_nonce(parameters->nonce) ||
        (parameters->tag_length != NULL && !ASN1_INTEGER_get_int64(&length, parameters->tag_length)))
        length = -1;
    *is_default = parameters != NULL && parameters->tag_length == NULL;
    ERR_clear_error();
    return length >= 0 && length <= EVP_MAX_BLOCK_LENGTH ? (long)length : -1;
}

bool enveloped_info_read(CMS_ContentInfo *cms, struct enveloped_info *info, struct error *error)
{
    owned(enveloped_outside) struct enveloped_outside *outside = enveloped_without_content(cms, error);
    const ASN1_OBJECT *oid;
    const struct enveloped *data;
    if (outside == NULL)
        return false;
    data = outside->data;
    /* RFC 5083 §2.1: authAttrs are [1] and unauthAttrs [2], behind the MAC. An OpenSSL that numbers them differently
     * would take others, which no MAC covers. */
    if (data->attributes_2 != NULL || data->attributes_4 != NULL)
        return error_set(error, ERROR_PERMANENT, "attributes under a tag that is not theirs (RFC 5083 section 2.1)");
    X509_ALGOR_get0(&oid, NULL, NULL, data->content->cipher);
    info->cipher_nid = OBJ_obj2nid(oid);
    algorithm_name(oid, info->cipher, sizeof(info->cipher));
    info->authenticated = OBJ_obj2nid(CMS_get0_type(cms)) == NID_id_smime_ct_authEnvelopedData;
    info->mac_length = data->mac != NULL ? (size_t)ASN1_STRING_length(data->mac) : 0;
    if (info->authenticated)
        info->tag_length = gcm_tag_length(data->content->cipher, &info->tag_length_is_default);
    return true;
}

static bool tell_tag_length(X509_ALGOR *cipher)
{
    owned(gcm_parameters) struct gcm_parameters *parameters =
        algorithm_parameters(cipher, ASN1_ITEM_rptr(GCM_PARAMETERS));
    ASN1_OBJECT *oid = NULL;
    ASN1_STRING *packed = NULL;
    if (parameters == NULL)
        return false;
    parameters->tag_length = ASN1_INTEGER_new();
    if (parameters->tag_length == NULL || !ASN1_INTEGER_set(parameters->tag_length, GCM_TAG_LENGTH_DEFAULT) ||
        ASN1_item_pack(parameters, ASN1_ITEM_rptr(GCM_PARAMETERS), &packed) == NULL)
        return false;
    oid = OBJ_dup(cipher->algorithm);
    if (oid != NULL && X509_ALGOR_set0(cipher, oid, V_ASN1_SEQUENCE, packed))
        return true;
    ASN1_OBJECT_free(oid);
    ASN1_STRING_free(packed);
    return false;
}

CMS_ContentInfo *enveloped_tell_tag_length(CMS_ContentInfo *cms, struct error *error)
{
    owned(enveloped_outside) struct enveloped_outside *outside = enveloped_without_content(cms, error);
    CMS_ContentInfo *told;
    if (outside == NULL)
        return NULL;
    told = tell_tag_length(outside->data->content->cipher) ? enveloped_cms(outside, error) : NULL;
    if (told == NULL)
        error_set_openssl(error, ERROR_TEMPORARY, "the length of the authentication tag");
    return told;
}
