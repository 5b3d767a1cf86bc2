/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of signed attributes: which there are, what must hold of each, and who makes and reads it. An attribute
 * that has no row is let be: it is not read, and is carried over like any other.
 */
#include "attributes.h"
#include "smime_private.h"

#include <openssl/err.h>
#include <string.h>

/* The content is of type data or a receipt, which is checked before (RFC 5652 §11.1). */
static const char *read_content_type(const ASN1_TYPE *value, const struct reading *reading)
{
    int expected = reading->facts->receipt ? NID_id_smime_ct_receipt : NID_pkcs7_data;
    return OBJ_obj2nid(value->value.object) == expected ? NULL : "attribute differs from the content's type";
}

/* A claim, in either form (RFC 8551 §2.5.1). If it cannot be parsed, it counts as absent. */
static const char *read_signing_time(const ASN1_TYPE *value, const struct reading *reading)
{
    int type = ASN1_TYPE_get(value);
    struct tm parts;
    if ((type == V_ASN1_UTCTIME || type == V_ASN1_GENERALIZEDTIME) && ASN1_TIME_to_tm(value->value.asn1_string, &parts))
        reading->facts->signing_time = timegm(&parts);
    return NULL;
}

/* Content type, message digest and signing time are added by OpenSSL, or by edwards.c. */
static const struct signed_attribute attributes[] = {
    {
        .oid = "1.2.840.113549.1.9.3", /* RFC 5652 §11.1 */
        .name = "content type",
        .role = ATTRIBUTE_OF_SIGNATURE,
        .type = V_ASN1_OBJECT,
        .read = read_content_type,
        .required = true,
        .single = true,
        .must_be_signed = true,
    },
    {
        .oid = "1.2.840.113549.1.9.4", /* RFC 5652 §11.2 */
        .name = "message digest",
        .role = ATTRIBUTE_OF_SIGNATURE,
        .type = V_ASN1_OCTET_STRING,
        .required = true,
        .single = true,
        .must_be_signed = true,
    },
    {
        .oid = "1.2.840.113549.1.9.5", /* RFC 5652 §11.3 */
        .name = "signing time",
        .role = ATTRIBUTE_OF_SIGNATURE,
        .read = read_signing_time,
        .single = true,
        .must_be_signed = true,
    },
    {
        .oid = "1.2.840.113549.1.9.15", /* RFC 8551 §2.5.2 */
        .name = "capabilities",
        .role = ATTRIBUTE_OF_SIGNATURE,
        .add = capabilities_add,
        .read = capabilities_read,
        .single = true,
        .must_be_signed = true,
    },
    {
        .oid = "1.2.840.113549.1.9.16.2.11", /* RFC 8551 §2.5.3 */
        .name = "encryption key preference",
        .role = ATTRIBUTE_OF_SIGNATURE,
        .add = key_preference_add,
        .read = key_preference_read,
        .single = true,
        .must_be_signed = true,
    },
    {
        .oid = "1.2.840.113549.1.9.52", /* RFC 6211 */
        .name = "CMS algorithm protection",
        .role = ATTRIBUTE_OF_SIGNATURE,
        .type = V_ASN1_SEQUENCE,
        .read = algorithm_protection_read,
        .single = true,
        .must_be_signed = true,
    },
    {
        .oid = "1.2.840.113549.1.9.16.2.47", /* RFC 5035 §3 */
        .name = "signing certificate",
        .role = ATTRIBUTE_OF_CERTIFICATE,
        .type = V_ASN1_SEQUENCE,
        .add = signing_certificate_add,
        .read = signing_certificate_read,
        .single = true,
        .must_be_signed = true,
    },
    {
        .oid = "1.2.840.113549.1.9.16.2.12", /* RFC 2634 §5.4 */
        .name = "signing certificate",
        .role = ATTRIBUTE_OF_CERTIFICATE,
        .type = V_ASN1_SEQUENCE,
        .read = signing_certificate_read_sha1,
        .single = true,
        .must_be_signed = true,
    },
    {
        .oid = OID_SIGNATURE_TYPE, /* RFC 3183 §3.1.2 */
        .name = "signature type",
        .role = ATTRIBUTE_OF_MESSAGE,
        .type = V_ASN1_SEQUENCE,
        .add = signature_type_add,
        .read = signature_type_read,
        .single = true,
        .must_be_signed = true,
    },
    /* RFC 2634 §1.3.4: all of its attributes MUST be signed. */
    {
        .oid = OID_SECURITY_LABEL,
        .name = "security label",
        .role = ATTRIBUTE_OF_MESSAGE,
        .type = V_ASN1_SET,
        .add = ess_add_label,
        .read = ess_read_label,
        .single = true,
        .must_be_signed = true,
        .carried = true,
    },
    {
        .oid = OID_EQUIVALENT_LABELS,
        .name = "equivalent labels",
        .role = ATTRIBUTE_OF_MESSAGE,
        .type = V_ASN1_SEQUENCE,
        .add = ess_add_equivalents,
        .read = ess_read_equivalents,
        .single = true,
        .must_be_signed = true,
        .carried = true,
    },
    {
        .oid = OID_RECEIPT_REQUEST,
        .name = "receipt request",
        .role = ATTRIBUTE_OF_MESSAGE,
        .type = V_ASN1_SEQUENCE,
        .read = ess_read_receipt_request,
        .single = true,
        .must_be_signed = true,
        .carried = true,
    },
    {
        .oid = OID_ML_EXPANSION_HISTORY,
        .name = "mailing list expansion history",
        .role = ATTRIBUTE_OF_MESSAGE,
        .type = V_ASN1_SEQUENCE,
        .read = ess_read_history,
        .single = true,
        .must_be_signed = true,
        .carried = true,
    },
};

static ASN1_OBJECT *oids[G_N_ELEMENTS(attributes)];

bool attributes_init(struct error *error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++) {
        if (oids[i] == NULL)
            oids[i] = OBJ_txt2obj(attributes[i].oid, 1);
        if (oids[i] == NULL)
            return error_set_openssl(error, ERROR_TEMPORARY, "object identifier %s", attributes[i].oid);
    }
    return true;
}

const struct signed_attribute *attributes_find(const char *oid)
{
    for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++)
        if (strcmp(oid, attributes[i].oid) == 0)
            return &attributes[i];
    return NULL;
}

/* Takes value. CMS_signed_add1_attr_by_OBJ() takes V_ASN1_OTHER for a kind of text. */
static bool add_value(CMS_SignerInfo *info, const ASN1_OBJECT *oid, ASN1_STRING **value)
{
    int type = ASN1_STRING_type(*value);
    if (type != V_ASN1_OTHER)
        return CMS_signed_add1_attr_by_OBJ(info, oid, type, ASN1_STRING_get0_data(*value), ASN1_STRING_length(*value)) >
               0;
    X509_ATTRIBUTE *attribute = X509_ATTRIBUTE_create(OBJ_obj2nid(oid), type, *value);
    if (attribute == NULL)
        return false;
    steal(value);
    bool added = CMS_signed_add1_attr(info, attribute) > 0;
    X509_ATTRIBUTE_free(attribute);
    return added;
}

bool attributes_add(CMS_SignerInfo *info, const struct signing *signing, struct error *error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++) {
        owned(ASN1_STRING) ASN1_STRING *value = NULL;
        if (attributes[i].add == NULL)
            continue;
        if (!attributes[i].add(signing, &value, error))
            return error_prefix(error, "%s attribute", attributes[i].name);
        if (value != NULL && !add_value(info, oids[i], &value))
            return error_set_openssl(error, ERROR_TEMPORARY, "%s attribute", attributes[i].name);
    }
    return true;
}

/* Returns the fault of the attribute at this place of the table, before its value is read; *value is NULL if it is
 * absent. The unsigned attributes are searched, too, because anyone can add one there. */
static const char *find(CMS_SignerInfo *info, size_t index, const ASN1_TYPE **value)
{
    const struct signed_attribute *attribute = &attributes[index];
    const ASN1_OBJECT *oid = oids[index];
    *value = NULL;
    if (attribute->must_be_signed && CMS_unsigned_get_attr_by_OBJ(info, oid, -1) >= 0)
        return "attribute is not signed";
    int first = CMS_signed_get_attr_by_OBJ(info, oid, -1);
    if (first < 0)
        return attribute->required ? "attribute is missing" : NULL;
    if (attribute->single && CMS_signed_get_attr_by_OBJ(info, oid, first) >= 0)
        return "attribute is repeated";
    X509_ATTRIBUTE *found = CMS_signed_get_attr(info, first);
    if (attribute->single && X509_ATTRIBUTE_count(found) != 1)
        return "attribute does not have exactly one value";
    *value = X509_ATTRIBUTE_get0_type(found, 0);
    if (attribute->type != 0 && (*value == NULL || ASN1_TYPE_get(*value) != attribute->type))
        return "attribute cannot be parsed";
    return NULL;
}

static uint64_t length_of(const ASN1_TYPE *value)
{
    bool is_string = ASN1_TYPE_get(value) != V_ASN1_NULL && ASN1_TYPE_get(value) != V_ASN1_BOOLEAN &&
                     ASN1_TYPE_get(value) != V_ASN1_OBJECT;
    return is_string ? (uint64_t)ASN1_STRING_length(value->value.asn1_string) : 0;
}

bool attributes_read(CMS_SignerInfo *info, enum attribute_role role, const struct reading *reading, struct error *error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++) {
        const ASN1_TYPE *value;
        if (attributes[i].role != role)
            continue;
        const char *fault = find(info, i, &value);
        ERR_clear_error(); /* what is in OpenSSL's queue then is about the value */
        if (value != NULL && !budget_spend(reading->budget, length_of(value) * COST_DER, error))
            return false;
        if (fault == NULL && value != NULL && attributes[i].read != NULL)
            fault = attributes[i].read(value, reading);
        if (fault != NULL)
            return error_set_openssl(error, ERROR_PERMANENT, "%s %s", attributes[i].name, fault);
    }
    return true;
}
