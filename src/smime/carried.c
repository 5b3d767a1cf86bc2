/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a mailing list agent signed goes on another signature, since its own comes off (RFC 3183 §5, step 4). Attributes
 * are carried as they are, unknown ones too, except what belongs to one signature only.
 */
#include "attributes.h"

#include <openssl/objects.h>

struct carried_attributes {
    STACK_OF(X509_ATTRIBUTE) * list;
};

static bool is_carried(X509_ATTRIBUTE *attribute)
{
    char oid[96];
    if (OBJ_obj2txt(oid, sizeof(oid), X509_ATTRIBUTE_get0_object(attribute), 1) <= 0)
        return false;
    const struct signed_attribute *known = attributes_find(oid);
    return known == NULL || known->carried;
}

struct carried_attributes *carried_attributes_of(CMS_SignerInfo *info)
{
    struct carried_attributes *carried = g_new0(struct carried_attributes, 1);
    int count = CMS_signed_get_attr_count(info);
    carried->list = sk_X509_ATTRIBUTE_new_null();
    for (int i = 0; i < count; i++) {
        X509_ATTRIBUTE *attribute = CMS_signed_get_attr(info, i);
        if (!is_carried(attribute))
            continue;
        attribute = X509_ATTRIBUTE_dup(attribute);
        if (attribute == NULL || sk_X509_ATTRIBUTE_push(carried->list, attribute) <= 0)
            g_error("out of memory");
    }
    return carried;
}

void carried_attributes_free(struct carried_attributes *carried)
{
    if (carried == NULL)
        return;
    sk_X509_ATTRIBUTE_pop_free(carried->list, X509_ATTRIBUTE_free);
    g_free(carried);
}

bool carried_attributes_add(CMS_SignerInfo *info, const struct carried_attributes *carried, struct error *error)
{
    for (int i = 0; i < sk_X509_ATTRIBUTE_num(carried->list); i++)
        if (CMS_signed_add1_attr(info, sk_X509_ATTRIBUTE_value(carried->list, i)) <= 0)
            return error_set_openssl(error, ERROR_TEMPORARY, "attributes of the mailing list agent's signature");
    return true;
}
