/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attributes: signed attributes with one value, and among them the SignatureType of RFC 3183 §3.1.2 (OID from RFC
 * 7107).
 */
#ifndef DOMSEC_SMIME_ATTRIBUTES_H
#define DOMSEC_SMIME_ATTRIBUTES_H

#include "base/error.h"
#include "base/openssl.h"

#define OID_SIGNATURE_TYPE "1.2.840.113549.1.9.16.2.28"

/* A set of values under id-sti, as bits. */
enum signature_type {
    SIGNATURE_TYPE_ORIGINATOR = 1 << 1, /* id-sti 1 */
    SIGNATURE_TYPE_DOMAIN = 1 << 2,
    SIGNATURE_TYPE_ATTRIBUTES = 1 << 3,
    SIGNATURE_TYPE_REVIEW = 1 << 4,
};
const char *
signature_type_name(enum signature_type type); /* "originator", "domain", "additional-attributes", "review" */

/* Adds the attribute with these values. */
bool attributes_add_type(CMS_SignerInfo *signer, unsigned types, struct error *error);

/* Reads it. *types is 0 when the attribute is absent. Fails with ERROR_PERMANENT: repeated, unsigned, empty, more than
 * one attribute value, unparsable, additional-attributes beside another. Unknown identifiers are ignored when a known
 * one is there; alone, an error. */
bool attributes_get_type(CMS_SignerInfo *signer, unsigned *types, struct error *error);

/* An attribute that MUST be signed, not repeated, and have one value: V_ASN1_SET, V_ASN1_SEQUENCE or a string. */
struct attribute_kind {
    const char *oid;
    int type;
    const char *name; /* in an error's text */
};
/* Lends its value; *value is NULL when the attribute is absent. Fails with ERROR_PERMANENT when it is not as it must
 * be. */
bool attributes_get_value(CMS_SignerInfo *signer, const struct attribute_kind *kind, const ASN1_STRING **value,
                          struct error *error);

#endif
