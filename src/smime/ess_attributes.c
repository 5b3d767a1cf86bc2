/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ess_attributes: what a mailing list agent signed goes on another signature, since its own comes off (RFC 3183 §5,
 * step 4). Attributes are carried as they are, also those that nobody here knows, but for what belongs to one signature
 * only.
 */
#include "attributes.h"

#include <openssl/objects.h>
#include <string.h>

struct ess_attributes {
    STACK_OF(X509_ATTRIBUTE) * list;
};

static bool belongs_to_signature(X509_ATTRIBUTE *attribute)
{
    static const char *const own[] = {
        "1.2.840.113549.1.9.3",                                     /* content type */
        "1.2.840.113549.1.9.4",                                     /* message digest */
        "1.2.840.113549.1.9.5",                                     /* signing time */
        "1.2.840.113549.1.9.15",                                    /* S/MIME capabilities */
        "1.2.840.113549.1.9.52",                                    /* CMS algorithm protection */
        "1.2.840.113549.1.9.16.2.12",                               /* signing certificate */
        "1.2.840.113549.1.9.16.2.47",                               /* signing certificate v2 */
        OID_SIGNATURE_TYPE,           "1.2.840.113549.1.9.16.2.11", /* encryption key preference */
    };
    char oid[96];

    if (OBJ_obj2txt(oid, sizeof(oid), X509_ATTRIBUTE_get0_object(attribute), 1) <= 0)
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
    attributes->list = sk_X509_ATTRIBUTE_new_null();
    for (int i = 0; i < count; i++) {
        X509_ATTRIBUTE *attribute = CMS_signed_get_attr(signer, i);
        if (belongs_to_signature(attribute))
            continue;
        attribute = X509_ATTRIBUTE_dup(attribute);
        if (attribute == NULL || sk_X509_ATTRIBUTE_push(attributes->list, attribute) <= 0)
            g_error("out of memory");
    }
    return attributes;
}

void ess_attributes_free(struct ess_attributes *attributes)
{
    if (attributes == NULL)
        return;
    sk_X509_ATTRIBUTE_pop_free(attributes->list, X509_ATTRIBUTE_free);
    g_free(attributes);
}

bool ess_attributes_add(CMS_SignerInfo *signer, const struct ess_attributes *attributes, struct error *error)
{
    for (int i = 0; i < sk_X509_ATTRIBUTE_num(attributes->list); i++)
        if (CMS_signed_add1_attr(signer, sk_X509_ATTRIBUTE_value(attributes->list, i)) <= 0)
            return error_set_openssl(error, ERROR_TEMPORARY, "attributes of the mailing list agent's signature");
    return true;
}
