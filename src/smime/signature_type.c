/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SignatureType attribute (RFC 3183 §3.1.2): which service a signature stands for.
 *
 * Encoded and decoded by OpenSSL's ASN.1 templates; OpenSSL itself does not know the attribute. What a value means for
 * a verdict is policy's to say.
 */
#include "attributes.h"
#include "smime_private.h"

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

bool signature_type_add(const struct signing *signing, ASN1_STRING **value, struct error *error)
{
    if (signing->options->types == 0)
        return true;
    owned(object_list) STACK_OF(ASN1_OBJECT) *list = list_of_types(signing->options->types);
    owned(openssl_bytes) unsigned char *der = NULL;
    if (list == NULL)
        return error_set_openssl(error, ERROR_TEMPORARY, "encoding");
    if (sk_ASN1_OBJECT_num(list) == 0)
        return error_set(error, ERROR_BUG, "no type that is known");
    int length = ASN1_item_i2d((const ASN1_VALUE *)list, &der, ASN1_ITEM_rptr(SIGNATURE_TYPE_LIST));
    *value = der_string(V_ASN1_SEQUENCE, der_slice(der, length), error);
    return *value != NULL;
}

static unsigned type_of(const char *oid)
{
    for (size_t i = 0; i < G_N_ELEMENTS(known_types); i++)
        if (strcmp(oid, known_types[i].oid) == 0)
            return known_types[i].type;
    return 0;
}

static const char *types_of(const STACK_OF(ASN1_OBJECT) * list, unsigned *types)
{
    bool others = false; /* also unknown ones */
    for (int i = 0; i < sk_ASN1_OBJECT_num(list); i++) {
        char oid[80];
        if (OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(list, i), 1) <= 0)
            return "attribute cannot be parsed";
        unsigned type = type_of(oid);
        *types |= type;
        others |= type != SIGNATURE_TYPE_ATTRIBUTES;
    }
    if ((*types & SIGNATURE_TYPE_ATTRIBUTES) != 0 && others)
        return "additional-attributes is combined with another type (RFC 3183 section 3.3)";
    return *types == 0 ? "attribute has only unknown values" : NULL;
}

/* Unknown identifiers are ignored when a known one is there; alone, an error. */
const char *signature_type_read(const ASN1_TYPE *value, const struct reading *reading)
{
    const ASN1_STRING *sequence = value->value.sequence;
    const unsigned char *at = ASN1_STRING_get0_data(sequence);
    const unsigned char *end = at + ASN1_STRING_length(sequence);
    owned(object_list) STACK_OF(ASN1_OBJECT) *list = (STACK_OF(ASN1_OBJECT) *)ASN1_item_d2i(
        NULL, &at, ASN1_STRING_length(sequence), ASN1_ITEM_rptr(SIGNATURE_TYPE_LIST));
    unsigned types = 0;
    if (list == NULL || at != end)
        return "attribute cannot be parsed";
    if (sk_ASN1_OBJECT_num(list) == 0)
        return "attribute is empty";
    const char *fault = types_of(list, &types);
    if (fault == NULL)
        reading->facts->types = types;
    return fault;
}
