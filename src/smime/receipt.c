/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receipt: the content of a signed receipt (RFC 2634 §2.8). It is looked at only to know that it is one: what it
 * answers is the business of the mail program that asked for it.
 */
#include "smime_private.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>

struct receipt {
    ASN1_INTEGER *version;
    ASN1_OBJECT *content_type;
    ASN1_OCTET_STRING *identifier, *signature;
};

/* clang-format off */
ASN1_SEQUENCE(RECEIPT) = {
    ASN1_SIMPLE(struct receipt, version, ASN1_INTEGER),
    ASN1_SIMPLE(struct receipt, content_type, ASN1_OBJECT),
    ASN1_SIMPLE(struct receipt, identifier, ASN1_OCTET_STRING),
    ASN1_SIMPLE(struct receipt, signature, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END_name(struct receipt, RECEIPT)
    /* clang-format on */

    bool receipt_is_sound(struct slice der)
{
    const unsigned char *at = (const unsigned char *)der.data;
    ASN1_VALUE *receipt = der.len <= INT_MAX ? ASN1_item_d2i(NULL, &at, (long)der.len, ASN1_ITEM_rptr(RECEIPT)) : NULL;
    bool sound = receipt != NULL && at == (const unsigned char *)der.data + der.len;
    ASN1_item_free(receipt, ASN1_ITEM_rptr(RECEIPT));
    ERR_clear_error();
    return sound;
}
