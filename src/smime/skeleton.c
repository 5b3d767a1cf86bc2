/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures a large CMS object before it is decoded: how much of it is not content.
 *
 * A decoded set of small elements takes twenty times the octets that it came in, and a certificate takes as long as
 * 100 kB of content; a sender could fill a message with them. So a large object is decoded once by a template that
 * takes its parts as they are, unopened; what is beside the content must stay below a fixed size. Certificates and CRLs
 * of honest messages are far below it.
 */
#include "smime_private.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>

#define SMALL ((size_t)4 << 10) /* such an object may be anything, and is paid for as the most expensive */
#define COST_OF_CERTIFICATES                                                                                           \
    400 /* an octet of certificates: OpenSSL decodes the key in each, and they may be short                            \
         */
#define BESIDE_CONTENT_MAX ((long)2 << 20)

/* The fields of SignedData, EnvelopedData, AuthEnvelopedData and CompressedData in one row (RFC 5652 §5.1, §6.1, RFC
 * 5083 §2.1, RFC 3274 §1.1); ASN1_SEQUENCE is OpenSSL's name for an element that stays encoded. */
struct raw_fields {
    ASN1_INTEGER *version;
    ASN1_STRING *originator, *first_set;
    ASN1_STRING *content, *compressed_content;
    ASN1_STRING *certificates, *tag_1, *tag_2;
    ASN1_OCTET_STRING *mac;
    ASN1_STRING *last_set, *last_tag_2, *last_tag_3;
};

struct skeleton {
    ASN1_OBJECT *type;
    struct raw_fields *fields;
};

#define RAW_SET(field)                                                                                                 \
    ASN1_EX_TYPE(ASN1_TFLG_IMPTAG | ASN1_TFLG_UNIVERSAL | ASN1_TFLG_OPTIONAL, V_ASN1_SET, struct raw_fields, field,    \
                 ASN1_SEQUENCE)

/* clang-format off */
ASN1_SEQUENCE(RAW_FIELDS) = {
    ASN1_SIMPLE(struct raw_fields, version, ASN1_INTEGER),
    ASN1_IMP_OPT(struct raw_fields, originator, ASN1_SEQUENCE, 0),
    RAW_SET(first_set),
    ASN1_OPT(struct raw_fields, content, ASN1_SEQUENCE),
    ASN1_OPT(struct raw_fields, compressed_content, ASN1_SEQUENCE),
    ASN1_IMP_OPT(struct raw_fields, certificates, ASN1_SEQUENCE, 0),
    ASN1_IMP_OPT(struct raw_fields, tag_1, ASN1_SEQUENCE, 1),
    ASN1_IMP_OPT(struct raw_fields, tag_2, ASN1_SEQUENCE, 2),
    ASN1_OPT(struct raw_fields, mac, ASN1_OCTET_STRING),
    RAW_SET(last_set),
    ASN1_IMP_OPT(struct raw_fields, last_tag_2, ASN1_SEQUENCE, 2),
    ASN1_IMP_OPT(struct raw_fields, last_tag_3, ASN1_SEQUENCE, 3),
} static_ASN1_SEQUENCE_END_name(struct raw_fields, RAW_FIELDS)

ASN1_SEQUENCE(SKELETON) = {
    ASN1_SIMPLE(struct skeleton, type, ASN1_OBJECT),
    ASN1_EXP(struct skeleton, fields, RAW_FIELDS, 0),
} static_ASN1_SEQUENCE_END_name(struct skeleton, SKELETON)
    /* clang-format on */

    static void skeleton_free(struct skeleton * skeleton)
{
    ASN1_item_free((ASN1_VALUE *)skeleton, ASN1_ITEM_rptr(SKELETON));
}

DECLARE_OWNED(skeleton, struct skeleton *, skeleton_free)

static uint64_t length_of(const ASN1_STRING *field)
{
    return field != NULL ? (uint64_t)ASN1_STRING_length(field) : 0;
}

static long length_beside_content(const struct raw_fields *fields)
{
    const ASN1_STRING *const beside[] = {fields->originator, fields->first_set, fields->certificates,
                                         fields->tag_1,      fields->tag_2,     fields->last_set,
                                         fields->last_tag_2, fields->last_tag_3};
    long length = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(beside); i++)
        length += (long)length_of(beside[i]);
    return length;
}

static struct skeleton *skeleton_read(struct slice der)
{
    const unsigned char *at = (const unsigned char *)der.data;
    return (struct skeleton *)ASN1_item_d2i(NULL, &at, (long)der.len, ASN1_ITEM_rptr(SKELETON));
}

static GPtrArray *answers_of(const struct skeleton *skeleton)
{
    bool is_signed = OBJ_obj2nid(skeleton->type) == NID_pkcs7_signed;
    return is_signed && skeleton->fields->tag_1 != NULL ? embedded_answers(skeleton->fields->tag_1) : NULL;
}

bool skeleton_check(struct slice der, struct budget *budget, int *nid, GPtrArray **answers, struct error *error)
{
    bool is_small = der.len <= SMALL;
    if (!budget_spend(budget, der.len * (is_small ? COST_OF_CERTIFICATES : COST_READ), error))
        return false;
    owned(skeleton) struct skeleton *skeleton = skeleton_read(der);
    if (skeleton == NULL && is_small) { /* who decodes it says what is wrong */
        ERR_clear_error();
        return true;
    }
    if (skeleton == NULL)
        return error_set_openssl(error, ERROR_PERMANENT, "the CMS object cannot be parsed");
    if (answers != NULL)
        *answers = answers_of(skeleton);
    if (is_small)
        return true;
    *nid = OBJ_obj2nid(skeleton->type);
    if (length_beside_content(skeleton->fields) > BESIDE_CONTENT_MAX)
        return error_set(error, ERROR_PERMANENT, "the CMS object has too much data besides its content");
    uint64_t certificates = length_of(skeleton->fields->certificates) + length_of(skeleton->fields->originator);
    uint64_t beside = (uint64_t)length_beside_content(skeleton->fields) + length_of(skeleton->fields->tag_1);
    return budget_spend(budget, certificates * COST_OF_CERTIFICATES + beside * COST_DER, error);
}
