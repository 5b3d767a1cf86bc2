/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks into an EnvelopedData or AuthEnvelopedData: cipher, its parameters, length of the authentication tag.
 *
 * OpenSSL 3.0 has no accessors for these, and they are to be known before any key is used. So the structure is encoded
 * once more without its content, which makes it small, and decoded by a template that is open to us. Decrypts nothing.
 */
#include "smime_private.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>

/* RFC 5652 §6.1 */
struct encrypted_content_info {
    ASN1_OBJECT *type;
    X509_ALGOR *cipher;
};

/* EnvelopedData (RFC 5652 §6.1) and AuthEnvelopedData (RFC 5083 §2.1) in one; OpenSSL 3.0 numbers the attributes of the
 * latter differently, hence the tags on both sides. */
struct envelope {
    ASN1_INTEGER *version;
    ASN1_STRING *originator;
    STACK_OF(ASN1_TYPE) * recipients;
    struct encrypted_content_info *content;
    STACK_OF(ASN1_TYPE) * attributes_1;
    STACK_OF(ASN1_TYPE) * attributes_2;
    ASN1_OCTET_STRING *mac;
    STACK_OF(ASN1_TYPE) * attributes_3;
    STACK_OF(ASN1_TYPE) * attributes_4;
};

struct envelope_outside {
    ASN1_OBJECT *type;
    struct envelope *envelope;
};

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

ASN1_SEQUENCE(ENVELOPE) = {
    ASN1_SIMPLE(struct envelope, version, ASN1_INTEGER),
    ASN1_IMP_OPT(struct envelope, originator, ASN1_SEQUENCE, 0),
    ASN1_SET_OF(struct envelope, recipients, ASN1_ANY),
    ASN1_SIMPLE(struct envelope, content, ENCRYPTED_CONTENT_INFO),
    ASN1_IMP_SET_OF_OPT(struct envelope, attributes_1, ASN1_ANY, 1),
    ASN1_IMP_SET_OF_OPT(struct envelope, attributes_2, ASN1_ANY, 2),
    ASN1_OPT(struct envelope, mac, ASN1_OCTET_STRING),
    ASN1_IMP_SET_OF_OPT(struct envelope, attributes_3, ASN1_ANY, 2),
    ASN1_IMP_SET_OF_OPT(struct envelope, attributes_4, ASN1_ANY, 3),
} static_ASN1_SEQUENCE_END_name(struct envelope, ENVELOPE)

ASN1_SEQUENCE(ENVELOPE_OUTSIDE) = {
    ASN1_SIMPLE(struct envelope_outside, type, ASN1_OBJECT),
    ASN1_EXP(struct envelope_outside, envelope, ENVELOPE, 0),
} static_ASN1_SEQUENCE_END_name(struct envelope_outside, ENVELOPE_OUTSIDE)

ASN1_SEQUENCE(GCM_PARAMETERS) = {
    ASN1_SIMPLE(struct gcm_parameters, nonce, ASN1_OCTET_STRING),
    ASN1_OPT(struct gcm_parameters, tag_length, ASN1_INTEGER),
} static_ASN1_SEQUENCE_END_name(struct gcm_parameters, GCM_PARAMETERS)
    /* clang-format on */

    static void outside_free(struct envelope_outside * outside)
{
    ASN1_item_free((ASN1_VALUE *)outside, ASN1_ITEM_rptr(ENVELOPE_OUTSIDE));
}

static void gcm_parameters_free(struct gcm_parameters *parameters)
{
    ASN1_item_free((ASN1_VALUE *)parameters, ASN1_ITEM_rptr(GCM_PARAMETERS));
}

DECLARE_OWNED(envelope_outside, struct envelope_outside *, outside_free)
DECLARE_OWNED(gcm_parameters, struct gcm_parameters *, gcm_parameters_free)

static struct envelope_outside *without_content(CMS_ContentInfo *cms, struct error *error)
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
    outside = ASN1_item_d2i(NULL, &at, length, ASN1_ITEM_rptr(ENVELOPE_OUTSIDE));
    if (outside == NULL)
        error_set_openssl(error, ERROR_PERMANENT, "the CMS object cannot be parsed");
    return (struct envelope_outside *)outside;
}

/* OpenSSL before 3.0.19 writes a longer nonce over its stack (CVE-2025-15467); RFC 5084 §3.2 recommends 12 octets. */
static bool is_usable_nonce(const ASN1_OCTET_STRING *nonce)
{
    return ASN1_STRING_length(nonce) > 0 && ASN1_STRING_length(nonce) <= EVP_MAX_IV_LENGTH;
}

/* -1: the parameters cannot be used */
static long gcm_tag_length(const X509_ALGOR *cipher)
{
    owned(gcm_parameters) struct gcm_parameters *parameters = NULL;
    const void *value;
    int type;
    gint64 length = GCM_TAG_LENGTH_DEFAULT;

    X509_ALGOR_get0(NULL, &type, &value, cipher);
    if (type == V_ASN1_SEQUENCE)
        parameters = ASN1_item_unpack(value, ASN1_ITEM_rptr(GCM_PARAMETERS));
    if (parameters == NULL || !is_usable_nonce(parameters->nonce) ||
        (parameters->tag_length != NULL && !ASN1_INTEGER_get_int64(&length, parameters->tag_length)))
        length = -1;
    ERR_clear_error();
    return length >= 0 && length <= EVP_MAX_BLOCK_LENGTH ? (long)length : -1;
}

bool envelope_info_read(CMS_ContentInfo *cms, struct envelope_info *info, struct error *error)
{
    owned(envelope_outside) struct envelope_outside *outside = without_content(cms, error);
    const ASN1_OBJECT *oid;
    const struct envelope *envelope;

    if (outside == NULL)
        return false;
    envelope = outside->envelope;
    X509_ALGOR_get0(&oid, NULL, NULL, envelope->content->cipher);
    info->cipher_nid = OBJ_obj2nid(oid);
    algorithm_name(oid, info->cipher, sizeof(info->cipher));
    info->authenticated = OBJ_obj2nid(CMS_get0_type(cms)) == NID_id_smime_ct_authEnvelopedData;
    info->mac_length = envelope->mac != NULL ? (size_t)ASN1_STRING_length(envelope->mac) : 0;
    info->tag_length = info->authenticated ? gcm_tag_length(envelope->content->cipher) : 0;
    return true;
}
