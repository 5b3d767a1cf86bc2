/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ess: labels, receipts and mailing list histories among the signed attributes (RFC 2634).
 *
 * A label is an ASN.1 SET whose members may stand in any order in BER, so it is read and made as a set of any types and
 * told apart by type; OpenSSL sorts it for DER. What a label means for a message is policy's to say.
 */
#include "smime_private.h"

#include <openssl/objects.h>
#include <string.h>

static const char *const classifications[] = {"unmarked",     "unclassified", "restricted",
                                              "confidential", "secret",       "top-secret"};

const char *classification_name(int classification, char buffer[16])
{
    if (classification >= 0 && (size_t)classification < G_N_ELEMENTS(classifications))
        return classifications[classification];
    g_snprintf(buffer, 16, "%d", classification);
    return buffer;
}

int classification_parse(const char *word)
{
    guint64 number;

    for (size_t i = 0; i < G_N_ELEMENTS(classifications); i++)
        if (g_ascii_strcasecmp(word, classifications[i]) == 0)
            return (int)i;
    /* RFC 2634 §3.2: ub-integer-options. */
    return g_ascii_string_to_unsigned(word, 10, 0, 256, &number, NULL) ? (int)number : -1;
}

static void any_free(ASN1_SEQUENCE_ANY *set)
{
    sk_ASN1_TYPE_pop_free(set, ASN1_TYPE_free);
}

DECLARE_OWNED(any, ASN1_SEQUENCE_ANY *, any_free)
DECLARE_OWNED(asn1_string, ASN1_STRING *, ASN1_STRING_free)

/* The only value of a signed attribute. *value is NULL when the attribute is absent. */
static bool get_value(CMS_SignerInfo *signer, const char *oid, int type, const ASN1_STRING **value, struct error *error)
{
    owned(ASN1_OBJECT) ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);

    *value = NULL;
    if (object == NULL)
        return error_set_openssl(error, ERROR_TEMPORARY, "attribute %s", oid);
    if (CMS_unsigned_get_attr_by_OBJ(signer, object, -1) >= 0)
        return error_set(error, ERROR_PERMANENT, "attribute %s is not signed (RFC 2634 section 1.3.4)", oid);
    int first = CMS_signed_get_attr_by_OBJ(signer, object, -1);
    if (first < 0)
        return true;
    X509_ATTRIBUTE *attribute = CMS_signed_get_attr(signer, first);
    if (CMS_signed_get_attr_by_OBJ(signer, object, first) >= 0 || X509_ATTRIBUTE_count(attribute) != 1)
        return error_set(error, ERROR_PERMANENT, "attribute %s has not exactly one value", oid);
    const ASN1_TYPE *any = X509_ATTRIBUTE_get0_type(attribute, 0);
    if (any == NULL || ASN1_TYPE_get(any) != type)
        return error_set(error, ERROR_PERMANENT, "attribute %s cannot be parsed", oid);
    *value = any->value.asn1_string;
    return true;
}

/* A SET or SEQUENCE as a list of its members; NULL if it is none or has trailing octets. */
static ASN1_SEQUENCE_ANY *members(const ASN1_STRING *encoding, bool is_set)
{
    const unsigned char *at = ASN1_STRING_get0_data(encoding), *end = at + ASN1_STRING_length(encoding);
    owned(any) ASN1_SEQUENCE_ANY *list = is_set ? d2i_ASN1_SET_ANY(NULL, &at, end - at)
                                                : d2i_ASN1_SEQUENCE_ANY(NULL, &at, end - at);

    return list != NULL && at == end ? steal(&list) : NULL;
}

static bool read_mark(const ASN1_STRING *string, struct security_label *label)
{
    owned(openssl_bytes) unsigned char *text = NULL;
    int length = ASN1_STRING_to_UTF8(&text, string);

    if (length < 0 || label->privacy_mark[0] != '\0')
        return false;
    text_printable(label->privacy_mark, sizeof label->privacy_mark, (const char *)text, (size_t)length);
    return true;
}

static bool read_member(const ASN1_TYPE *member, struct security_label *label)
{
    owned(any) ASN1_SEQUENCE_ANY *categories = NULL;
    int length;

    switch (ASN1_TYPE_get(member)) {
    case V_ASN1_OBJECT:
        if (label->policy[0] != '\0')
            return false;
        /* A policy that is cut off would be another one. */
        length = OBJ_obj2txt(label->policy, sizeof label->policy, member->value.object, 1);
        return length > 0 && (size_t)length < sizeof label->policy;
    case V_ASN1_INTEGER: {
        long number = ASN1_INTEGER_get(member->value.integer);
        if (label->classification >= 0 || number < 0 || number > 256)
            return false;
        label->classification = (int)number;
        return true;
    }
    case V_ASN1_PRINTABLESTRING:
    case V_ASN1_UTF8STRING:
        return read_mark(member->value.asn1_string, label);
    case V_ASN1_SET:
        categories = members(member->value.set, true);
        if (categories == NULL || label->categories != 0)
            return false;
        label->categories = (unsigned)sk_ASN1_TYPE_num(categories);
        return true;
    default:
        return false;
    }
}

static bool read_label(const ASN1_STRING *encoding, struct security_label *label)
{
    owned(any) ASN1_SEQUENCE_ANY *list = members(encoding, true);

    *label = (struct security_label){.classification = -1};
    for (int i = 0; i < sk_ASN1_TYPE_num(list); i++)
        if (!read_member(sk_ASN1_TYPE_value(list, i), label))
            return false;
    return label->policy[0] != '\0';
}

static bool read_equivalents(const ASN1_STRING *encoding, struct ess *ess)
{
    owned(any) ASN1_SEQUENCE_ANY *list = members(encoding, false);

    if (list == NULL || sk_ASN1_TYPE_num(list) > ESS_EQUIVALENTS_MAX)
        return false;
    for (int i = 0; i < sk_ASN1_TYPE_num(list); i++) {
        const ASN1_TYPE *each = sk_ASN1_TYPE_value(list, i);

        if (ASN1_TYPE_get(each) != V_ASN1_SET || !read_label(each->value.set, &ess->equivalents[i]))
            return false;
        ess->equivalent_count++;
    }
    return true;
}

bool ess_read(CMS_SignerInfo *signer, struct ess *ess, struct error *error)
{
    const ASN1_STRING *label, *equivalents, *receipt, *history;

    *ess = (struct ess){.label.classification = -1};
    if (!get_value(signer, OID_SECURITY_LABEL, V_ASN1_SET, &label, error) ||
        !get_value(signer, OID_EQUIVALENT_LABELS, V_ASN1_SEQUENCE, &equivalents, error) ||
        !get_value(signer, OID_RECEIPT_REQUEST, V_ASN1_SEQUENCE, &receipt, error) ||
        !get_value(signer, OID_ML_EXPANSION_HISTORY, V_ASN1_SEQUENCE, &history, error))
        return false;
    if (label != NULL && !read_label(label, &ess->label))
        return error_set(error, ERROR_PERMANENT, "security label cannot be parsed");
    if (equivalents != NULL && !read_equivalents(equivalents, ess))
        return error_set(error, ERROR_PERMANENT, "equivalent labels cannot be parsed");
    ess->receipt_requested = receipt != NULL;
    if (history != NULL) {
        owned(any) ASN1_SEQUENCE_ANY *list = members(history, false);

        if (list == NULL || sk_ASN1_TYPE_num(list) == 0)
            return error_set(error, ERROR_PERMANENT, "mailing list expansion history cannot be parsed");
        ess->ml_expansions = (unsigned)sk_ASN1_TYPE_num(list);
    }
    return true;
}

/* --- making --- */

/* Takes value whether it succeeds or not. */
static bool push_member(ASN1_SEQUENCE_ANY *list, int type, void *value, void (*destroy)(void *))
{
    ASN1_TYPE *member = value != NULL ? ASN1_TYPE_new() : NULL;

    if (member == NULL) {
        destroy(value);
        return false;
    }
    ASN1_TYPE_set(member, type, value);
    if (sk_ASN1_TYPE_push(list, member) > 0)
        return true;
    ASN1_TYPE_free(member);
    return false;
}

static bool push_number(ASN1_SEQUENCE_ANY *list, int number)
{
    ASN1_INTEGER *integer = ASN1_INTEGER_new();

    if (integer != NULL && ASN1_INTEGER_set(integer, number) != 1) {
        ASN1_INTEGER_free(integer);
        integer = NULL;
    }
    return push_member(list, V_ASN1_INTEGER, integer, (void (*)(void *))ASN1_INTEGER_free);
}

static ASN1_STRING *string_of(int type, const void *data, int length)
{
    ASN1_STRING *string = ASN1_STRING_type_new(type);

    if (string != NULL && ASN1_STRING_set(string, data, length) != 1) {
        ASN1_STRING_free(string);
        return NULL;
    }
    return string;
}

/* The mark is a UTF8String, which may hold any text, where PrintableString takes not even all of ASCII (RFC 2634 §3.2). */
static ASN1_STRING *encode_label(const struct security_label *label)
{
    owned(any) ASN1_SEQUENCE_ANY *list = sk_ASN1_TYPE_new_null();
    owned(openssl_bytes) unsigned char *der = NULL;
    const char *mark = label->privacy_mark;

    if (list == NULL || !push_member(list, V_ASN1_OBJECT, OBJ_txt2obj(label->policy, 1), (void (*)(void *))ASN1_OBJECT_free))
        return NULL;
    if (label->classification >= 0 && !push_number(list, label->classification))
        return NULL;
    if (mark[0] != '\0' && !push_member(list, V_ASN1_UTF8STRING, string_of(V_ASN1_UTF8STRING, mark, (int)strlen(mark)),
                                        (void (*)(void *))ASN1_STRING_free))
        return NULL;
    int length = i2d_ASN1_SET_ANY(list, &der);
    return length > 0 ? string_of(V_ASN1_SET, der, length) : NULL;
}

static bool add_value(CMS_SignerInfo *signer, const char *oid, int type, const ASN1_STRING *value, struct error *error)
{
    owned(ASN1_OBJECT) ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);

    if (value == NULL || object == NULL ||
        CMS_signed_add1_attr_by_OBJ(signer, object, type, ASN1_STRING_get0_data(value), ASN1_STRING_length(value)) <= 0)
        return error_set_openssl(error, ERROR_TEMPORARY, "attribute %s", oid);
    return true;
}

bool ess_add_label(CMS_SignerInfo *signer, const struct security_label *label, struct error *error)
{
    owned(asn1_string) ASN1_STRING *encoding = encode_label(label);

    return add_value(signer, OID_SECURITY_LABEL, V_ASN1_SET, encoding, error);
}

bool ess_add_equivalents(CMS_SignerInfo *signer, const struct security_label *labels, unsigned count,
                         struct error *error)
{
    owned(any) ASN1_SEQUENCE_ANY *list = sk_ASN1_TYPE_new_null();
    owned(openssl_bytes) unsigned char *der = NULL;

    for (unsigned i = 0; i < count; i++)
        if (list == NULL ||
            !push_member(list, V_ASN1_SET, encode_label(&labels[i]), (void (*)(void *))ASN1_STRING_free))
            return error_set_openssl(error, ERROR_TEMPORARY, "equivalent labels");
    int length = i2d_ASN1_SEQUENCE_ANY(list, &der);
    owned(asn1_string) ASN1_STRING *encoding = length > 0 ? string_of(V_ASN1_SEQUENCE, der, length) : NULL;
    return add_value(signer, OID_EQUIVALENT_LABELS, V_ASN1_SEQUENCE, encoding, error);
}

/* --- keeping for another signature --- */

struct ess_attributes {
    GPtrArray *list; /* of X509_ATTRIBUTE */
};

static bool belongs_to_signature(const X509_ATTRIBUTE *attribute)
{
    static const char *const own[] = {
        "1.2.840.113549.1.9.3",        /* content type */
        "1.2.840.113549.1.9.4",        /* message digest */
        "1.2.840.113549.1.9.5",        /* signing time */
        "1.2.840.113549.1.9.15",       /* S/MIME capabilities */
        "1.2.840.113549.1.9.52",       /* CMS algorithm protection */
        "1.2.840.113549.1.9.16.2.12",  /* signing certificate */
        "1.2.840.113549.1.9.16.2.47",  /* signing certificate v2 */
        "1.2.840.113549.1.9.16.2.28",  /* signature type */
        "1.2.840.113549.1.9.16.2.11",  /* encryption key preference */
    };
    char oid[96];

    if (OBJ_obj2txt(oid, sizeof oid, X509_ATTRIBUTE_get0_object((X509_ATTRIBUTE *)attribute), 1) <= 0)
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(own); i++)
        if (strcmp(oid, own[i]) == 0)
            return true;
    return false;
}

struct ess_attributes *ess_attributes_keep(CMS_SignerInfo *signer)
{
    struct ess_attributes *attributes = g_new0(struct ess_attributes, 1);
    int count = CMS_signed_get_attr_count(signer);

    attributes->list = g_ptr_array_new_with_free_func((GDestroyNotify)X509_ATTRIBUTE_free);
    for (int i = 0; i < count; i++) {
        X509_ATTRIBUTE *attribute = CMS_signed_get_attr(signer, i);

        if (!belongs_to_signature(attribute)) {
            X509_ATTRIBUTE *copy = X509_ATTRIBUTE_dup(attribute);
            if (copy == NULL)
                g_error("out of memory");
            g_ptr_array_add(attributes->list, copy);
        }
    }
    return attributes;
}

void ess_attributes_free(struct ess_attributes *attributes)
{
    if (attributes == NULL)
        return;
    g_ptr_array_unref(attributes->list);
    g_free(attributes);
}

bool ess_attributes_add(CMS_SignerInfo *signer, const struct ess_attributes *attributes, struct error *error)
{
    for (guint i = 0; i < attributes->list->len; i++)
        if (CMS_signed_add1_attr(signer, g_ptr_array_index(attributes->list, i)) <= 0)
            return error_set_openssl(error, ERROR_TEMPORARY, "attributes of the mailing list agent's signature");
    return true;
}
