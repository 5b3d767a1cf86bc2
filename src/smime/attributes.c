/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SignatureType attribute (RFC 3183 §3.1.2): which service a signature stands for.
 *
 * Encoded and decoded by OpenSSL's ASN.1 templates; OpenSSL itself does not know the attribute. It is looked up on
 * every SignerInfo, also among the unsigned attributes, because an unsigned one can be put there by anybody. What a
 * value means for a verdict is the gateway's to say.
 */
#include "attributes.h"

#include <openssl/asn1t.h>

/* RFC 3183 §3.1.2: SignatureType ::= SEQUENCE OF OBJECT IDENTIFIER */
/* clang-format off */
ASN1_ITEM_TEMPLATE(SIGNATURE_TYPE_LIST) = ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SEQUENCE_OF, 0, types, ASN1_OBJECT)
static_ASN1_ITEM_TEMPLATE_END(SIGNATURE_TYPE_LIST)
    /* clang-format on */

    static const struct {
    unsigned type;
    const char *oid; /* RFC 3183 §3.1.2, under id-sti */
    const char *name;
} known_types[] = {
    {SIGNATURE_TYPE_ORIGINATOR, "1.2.840.113549.1.9.16.9.1", "originator"},
    {SIGNATURE_TYPE_DOMAIN, "1.2.840.113549.1.9.16.9.2", "domain"},
    {SIGNATURE_TYPE_ATTRIBUTES, "1.2.840.113549.1.9.16.9.3", "additional-attributes"},
    {SIGNATURE_TYPE_REVIEW, "1.2.840.113549.1.9.16.9.4", "review"},
};

static void object_list_free(STACK_OF(ASN1_OBJECT) * list)
{
    sk_ASN1_OBJECT_pop_free(list, ASN1_OBJECT_free);
}

DECLARE_OWNED(object_list, STACK_OF(ASN1_OBJECT) *, object_list_free)

const char *signature_type_name(enum signature_type type)
{
    for (size_t i = 0; i < G_N_ELEMENTS(known_types); i++)
        if (known_types[i].type == (unsigned)type)
            return known_types[i].name;
    return "unknown";
}

static bool push_type(STACK_OF(ASN1_OBJECT) * list, const char *oid)
{
    owned(ASN1_OBJECT) ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    if (object == NULL || sk_ASN1_OBJECT_push(list, object) <= 0)
        return false;
    steal(&object);
    return true;
}

static STACK_OF(ASN1_OBJECT) * list_of_types(unsigned types)
{
    owned(object_list) STACK_OF(ASN1_OBJECT) *list = sk_ASN1_OBJECT_new_null();
    if (list == NULL)
        return NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(known_types); i++)
        if ((types & known_types[i].type) != 0 && !push_type(list, known_types[i].oid))
            return NULL;
    return steal(&list);
}

bool attributes_add_type(CMS_SignerInfo *signer, unsigned types, struct error *error)
{
    owned(object_list) STACK_OF(ASN1_OBJECT) *list = list_of_types(types);
    owned(ASN1_OBJECT) ASN1_OBJECT *oid = OBJ_txt2obj(OID_SIGNATURE_TYPE, 1);
    unsigned char *der = NULL;
    int length, added;
    if (list == NULL || oid == NULL)
        return error_set_openssl(error, ERROR_TEMPORARY, "signature type attribute");
    if (sk_ASN1_OBJECT_num(list) == 0)
        return error_set(error, ERROR_BUG, "signature type attribute without a value");
    length = ASN1_item_i2d((const ASN1_VALUE *)list, &der, ASN1_ITEM_rptr(SIGNATURE_TYPE_LIST));
    if (length <= 0)
        return error_set_openssl(error, ERROR_TEMPORARY, "signature type attribute");
    added = CMS_signed_add1_attr_by_OBJ(signer, oid, V_ASN1_SEQUENCE, der, length);
    OPENSSL_free(der);
    if (added <= 0)
        return error_set_openssl(error, ERROR_TEMPORARY, "signature type attribute");
    return true;
}

static unsigned type_of(const char *oid)
{
    for (size_t i = 0; i < G_N_ELEMENTS(known_types); i++)
        if (strcmp(oid, known_types[i].oid) == 0)
            return known_types[i].type;
    return 0;
}

static bool read_list(const ASN1_STRING *value, unsigned *types, struct error *error)
{
    const unsigned char *at = ASN1_STRING_get0_data(value);
    const unsigned char *end = at + ASN1_STRING_length(value);
    owned(object_list) STACK_OF(ASN1_OBJECT) *list = (STACK_OF(ASN1_OBJECT) *)ASN1_item_d2i(
        NULL, &at, ASN1_STRING_length(value), ASN1_ITEM_rptr(SIGNATURE_TYPE_LIST));
    bool others = false; /* also unknown ones */

    if (list == NULL || at != end)
        return error_set_openssl(error, ERROR_PERMANENT, "signature type attribute cannot be parsed");
    if (sk_ASN1_OBJECT_num(list) == 0)
        return error_set(error, ERROR_PERMANENT, "signature type attribute is empty");
    for (int i = 0; i < sk_ASN1_OBJECT_num(list); i++) {
        char oid[80];
        if (OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(list, i), 1) <= 0)
            return error_set_openssl(error, ERROR_PERMANENT, "signature type attribute cannot be parsed");
        unsigned type = type_of(oid);
        *types |= type;
        others |= type != SIGNATURE_TYPE_ATTRIBUTES;
    }
    if ((*types & SIGNATURE_TYPE_ATTRIBUTES) != 0 && others)
        return error_set(error, ERROR_PERMANENT,
                         "signature type additional-attributes is combined with another type (RFC 3183 section 3.3)");
    return true;
}

bool attributes_get_value(CMS_SignerInfo *signer, const struct attribute_kind *kind, const ASN1_STRING **value,
                          struct error *error)
{
    owned(ASN1_OBJECT) ASN1_OBJECT *oid = OBJ_txt2obj(kind->oid, 1);
    *value = NULL;
    if (oid == NULL)
        return error_set_openssl(error, ERROR_TEMPORARY, "%s attribute", kind->name);
    if (CMS_unsigned_get_attr_by_OBJ(signer, oid, -1) >= 0)
        return error_set(error, ERROR_PERMANENT, "%s attribute is not signed", kind->name);
    int first = CMS_signed_get_attr_by_OBJ(signer, oid, -1);
    if (first < 0)
        return true;
    if (CMS_signed_get_attr_by_OBJ(signer, oid, first) >= 0)
        return error_set(error, ERROR_PERMANENT, "%s attribute is repeated", kind->name);
    X509_ATTRIBUTE *attribute = CMS_signed_get_attr(signer, first);
    if (X509_ATTRIBUTE_count(attribute) != 1)
        return error_set(error, ERROR_PERMANENT, "%s attribute does not have exactly one value", kind->name);
    const ASN1_TYPE *any = X509_ATTRIBUTE_get0_type(attribute, 0);
    if (any == NULL || ASN1_TYPE_get(any) != kind->type)
        return error_set(error, ERROR_PERMANENT, "%s attribute cannot be parsed", kind->name);
    *value = any->value.asn1_string;
    return true;
}

bool attributes_get_type(CMS_SignerInfo *signer, unsigned *types, struct error *error)
{
    static const struct attribute_kind kind = {OID_SIGNATURE_TYPE, V_ASN1_SEQUENCE, "signature type"};
    const ASN1_STRING *value;
    *types = 0;
    if (!attributes_get_value(signer, &kind, &value, error))
        return false;
    if (value == NULL)
        return true;
    if (!read_list(value, types, error)) {
        *types = 0;
        return false;
    }
    if (*types == 0)
        return error_set(error, ERROR_PERMANENT, "signature type attribute has only unknown values");
    return true;
}
