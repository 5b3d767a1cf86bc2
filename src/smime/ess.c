/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ess: the values of labels, receipt requests and mailing list histories among the signed attributes (RFC 2634).
 *
 * A label is an ASN.1 SET whose members may stand in any order in BER, so it is read and made as a set of any types and
 * told apart by type; OpenSSL sorts it for DER. What a label means for a message is policy's to say.
 */
#include "attributes.h"
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

static void any_free(ASN1_SEQUENCE_ANY *set)
{
    sk_ASN1_TYPE_pop_free(set, ASN1_TYPE_free);
}

DECLARE_OWNED(any, ASN1_SEQUENCE_ANY *, any_free)
DECLARE_OWNED(asn1_type, ASN1_TYPE *, ASN1_TYPE_free)

/* A SET or SEQUENCE as a list of its members; NULL if it is neither, or has trailing octets. */
static ASN1_SEQUENCE_ANY *members(const ASN1_STRING *encoding, bool is_set)
{
    const unsigned char *at = ASN1_STRING_get0_data(encoding), *end = at + ASN1_STRING_length(encoding);
    owned(any) ASN1_SEQUENCE_ANY *list =
        is_set ? d2i_ASN1_SET_ANY(NULL, &at, end - at) : d2i_ASN1_SEQUENCE_ANY(NULL, &at, end - at);
    return list != NULL && at == end ? steal(&list) : NULL;
}

static bool read_mark(const ASN1_STRING *string, struct security_label *label)
{
    owned(openssl_bytes) unsigned char *text = NULL;
    int length = ASN1_STRING_to_UTF8(&text, string);
    if (length < 0 || label->privacy_mark[0] != '\0')
        return false;
    text_printable(label->privacy_mark, sizeof(label->privacy_mark), (const char *)text, (size_t)length);
    return true;
}

static void digest_categories(const ASN1_STRING *encoding, struct security_label *label)
{
    g_autofree char *digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, ASN1_STRING_get0_data(encoding),
                                                          (gsize)ASN1_STRING_length(encoding));
    g_strlcpy(label->categories_sha256, digest, sizeof(label->categories_sha256));
}

static bool read_member(const ASN1_TYPE *member, struct security_label *label)
{
    owned(any) ASN1_SEQUENCE_ANY *categories = NULL;
    int length;
    switch (ASN1_TYPE_get(member)) {
    case V_ASN1_OBJECT:
        if (label->policy[0] != '\0')
            return false;
        /* A truncated policy would be a different one. */
        length = OBJ_obj2txt(label->policy, sizeof(label->policy), member->value.object, 1);
        return length > 0 && (size_t)length < sizeof(label->policy);
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
        digest_categories(member->value.set, label);
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

#define UNREADABLE "attribute cannot be parsed"

const char *ess_read_label(const ASN1_TYPE *value, const struct reading *reading)
{
    return read_label(value->value.set, &reading->facts->ess.label) ? NULL : UNREADABLE;
}

const char *ess_read_equivalents(const ASN1_TYPE *value, const struct reading *reading)
{
    owned(any) ASN1_SEQUENCE_ANY *list = members(value->value.sequence, false);
    struct ess *ess = &reading->facts->ess;
    if (list == NULL || sk_ASN1_TYPE_num(list) > ESS_EQUIVALENTS_MAX)
        return UNREADABLE;
    for (int i = 0; i < sk_ASN1_TYPE_num(list); i++) {
        const ASN1_TYPE *each = sk_ASN1_TYPE_value(list, i);
        if (ASN1_TYPE_get(each) != V_ASN1_SET || !read_label(each->value.set, &ess->equivalents[i]))
            return UNREADABLE;
        ess->equivalent_count++;
    }
    return NULL;
}

const char *ess_read_history(const ASN1_TYPE *value, const struct reading *reading)
{
    owned(any) ASN1_SEQUENCE_ANY *list = members(value->value.sequence, false);
    if (list == NULL || sk_ASN1_TYPE_num(list) == 0)
        return UNREADABLE;
    reading->facts->ess.ml_expansions = (unsigned)sk_ASN1_TYPE_num(list);
    return NULL;
}

/* The reader answers the request, not a gateway. */
const char *ess_read_receipt_request(const ASN1_TYPE *value, const struct reading *reading)
{
    (void)value;
    reading->facts->ess.receipt_requested = true;
    return NULL;
}

/* --- making --- */

/* False also where there is no value. */
static bool push_copy(ASN1_SEQUENCE_ANY *list, int type, const void *value)
{
    owned(asn1_type) ASN1_TYPE *member = ASN1_TYPE_new();
    if (value == NULL || member == NULL || !ASN1_TYPE_set1(member, type, value) || sk_ASN1_TYPE_push(list, member) <= 0)
        return false;
    steal(&member);
    return true;
}

static bool push_policy(ASN1_SEQUENCE_ANY *list, const char *policy)
{
    owned(ASN1_OBJECT) ASN1_OBJECT *object = OBJ_txt2obj(policy, 1);
    return push_copy(list, V_ASN1_OBJECT, object);
}

static bool push_number(ASN1_SEQUENCE_ANY *list, int number)
{
    owned(ASN1_STRING) ASN1_INTEGER *integer = ASN1_INTEGER_new();
    return integer != NULL && ASN1_INTEGER_set(integer, number) && push_copy(list, V_ASN1_INTEGER, integer);
}

/* A UTF8String may hold any text, where PrintableString takes not even all of ASCII (RFC 2634 §3.2). */
static bool push_mark(ASN1_SEQUENCE_ANY *list, const char *mark)
{
    owned(ASN1_STRING) ASN1_STRING *string = ASN1_STRING_type_new(V_ASN1_UTF8STRING);
    return string != NULL && ASN1_STRING_set(string, mark, (int)strlen(mark)) &&
           push_copy(list, V_ASN1_UTF8STRING, string);
}

static ASN1_STRING *encode_label(const struct security_label *label, struct error *error)
{
    owned(any) ASN1_SEQUENCE_ANY *list = sk_ASN1_TYPE_new_null();
    owned(openssl_bytes) unsigned char *der = NULL;
    int length = -1;
    if (list != NULL && push_policy(list, label->policy) &&
        (label->classification < 0 || push_number(list, label->classification)) &&
        (label->privacy_mark[0] == '\0' || push_mark(list, label->privacy_mark)))
        length = i2d_ASN1_SET_ANY(list, &der);
    return der_string(V_ASN1_SET, der_slice(der, length), error);
}

bool ess_add_label(const struct signing *signing, ASN1_STRING **value, struct error *error)
{
    if (signing->options->label != NULL)
        *value = encode_label(signing->options->label, error);
    return signing->options->label == NULL || *value != NULL;
}

bool ess_add_equivalents(const struct signing *signing, ASN1_STRING **value, struct error *error)
{
    const struct sign_options *options = signing->options;
    if (options->equivalent_count == 0)
        return true;
    owned(any) ASN1_SEQUENCE_ANY *list = sk_ASN1_TYPE_new_null();
    owned(openssl_bytes) unsigned char *der = NULL;
    for (unsigned i = 0; i < options->equivalent_count; i++) {
        owned(ASN1_STRING) ASN1_STRING *label = encode_label(&options->equivalents[i], error);
        if (label == NULL)
            return false;
        if (list == NULL || !push_copy(list, V_ASN1_SET, label))
            return error_set_openssl(error, ERROR_TEMPORARY, "encoding");
    }
    int length = i2d_ASN1_SEQUENCE_ANY(list, &der);
    *value = der_string(V_ASN1_SEQUENCE, der_slice(der, length), error);
    return *value != NULL;
}
