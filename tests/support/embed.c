/* SPDX-License-Identifier: Apache-2.0 */
#include "support/embed.h"

#include <criterion/criterion.h>
#include <openssl/asn1t.h>

struct other {
    ASN1_OBJECT *format;
    ASN1_STRING *value;
};

struct choice {
    int type;
    union {
        ASN1_STRING *list;
        struct other *other;
    } value;
};

/* A SignedData; what is not of interest stays encoded. */
struct fields {
    ASN1_INTEGER *version;
    ASN1_STRING *digests, *content, *certificates, *signers;
    STACK_OF(choice) * revocations;
};

struct outer {
    ASN1_OBJECT *type;
    struct fields *fields;
};

/* clang-format off */
ASN1_SEQUENCE(OTHER) = {
    ASN1_SIMPLE(struct other, format, ASN1_OBJECT),
    ASN1_SIMPLE(struct other, value, ASN1_SEQUENCE),
} static_ASN1_SEQUENCE_END_name(struct other, OTHER)

ASN1_CHOICE(CHOICE) = {
    ASN1_SIMPLE(struct choice, value.list, ASN1_SEQUENCE),
    ASN1_IMP(struct choice, value.other, OTHER, 1),
} static_ASN1_CHOICE_END_name(struct choice, CHOICE)

#define RAW_SET(field)                                                                                                 \
    ASN1_EX_TYPE(ASN1_TFLG_IMPTAG | ASN1_TFLG_UNIVERSAL, V_ASN1_SET, struct fields, field, ASN1_SEQUENCE)

ASN1_SEQUENCE(FIELDS) = {
    ASN1_SIMPLE(struct fields, version, ASN1_INTEGER),
    RAW_SET(digests),
    ASN1_SIMPLE(struct fields, content, ASN1_SEQUENCE),
    ASN1_IMP_OPT(struct fields, certificates, ASN1_SEQUENCE, 0),
    ASN1_IMP_SET_OF_OPT(struct fields, revocations, CHOICE, 1),
    RAW_SET(signers),
} static_ASN1_SEQUENCE_END_name(struct fields, FIELDS)

ASN1_SEQUENCE(OUTER) = {
    ASN1_SIMPLE(struct outer, type, ASN1_OBJECT),
    ASN1_EXP(struct outer, fields, FIELDS, 0),
} static_ASN1_SEQUENCE_END_name(struct outer, OUTER)

SKM_DEFINE_STACK_OF(choice, struct choice, struct choice)
    /* clang-format on */

    static void unref(void *bytes)
{
    g_bytes_unref(bytes);
}

GPtrArray *embed_list(void)
{
    return g_ptr_array_new_with_free_func(unref);
}

void embed_add(GPtrArray *answers, GByteArray *answer)
{
    g_ptr_array_add(answers, g_byte_array_free_to_bytes(answer));
}

static void add(struct fields *fields, const char *format, GBytes *bytes)
{
    gsize length;
    const void *der = g_bytes_get_data(bytes, &length);
    struct choice *choice = (struct choice *)ASN1_item_new(ASN1_ITEM_rptr(CHOICE));
    choice->type = 1;
    choice->value.other = (struct other *)ASN1_item_new(ASN1_ITEM_rptr(OTHER));
    ASN1_OBJECT_free(choice->value.other->format);
    choice->value.other->format = OBJ_txt2obj(format, 1);
    cr_assert(ASN1_STRING_set(choice->value.other->value, der, (int)length) == 1);
    if (fields->revocations == NULL)
        fields->revocations = sk_choice_new_null();
    cr_assert(sk_choice_push(fields->revocations, choice) > 0);
}

CMS_ContentInfo *embed_in(CMS_ContentInfo *cms, const char *format, const GPtrArray *values)
{
    unsigned char *der = NULL, *changed = NULL;
    int length = i2d_CMS_ContentInfo(cms, &der);
    const unsigned char *at = der;
    struct outer *outer = (struct outer *)ASN1_item_d2i(NULL, &at, length, ASN1_ITEM_rptr(OUTER));
    cr_assert_not_null(outer);
    for (guint i = 0; i < values->len; i++)
        add(outer->fields, format, g_ptr_array_index(values, i));
    length = ASN1_item_i2d((ASN1_VALUE *)outer, &changed, ASN1_ITEM_rptr(OUTER));
    at = changed;
    CMS_ContentInfo *result = d2i_CMS_ContentInfo(NULL, &at, length);
    cr_assert_not_null(result);
    ASN1_item_free((ASN1_VALUE *)outer, ASN1_ITEM_rptr(OUTER));
    OPENSSL_free(der);
    OPENSSL_free(changed);
    CMS_ContentInfo_free(cms);
    return result;
}
