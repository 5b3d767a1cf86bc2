/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attributes: signed attributes in a SignerInfo: the SignatureType of RFC 3183 §3.1.2 (OID from RFC 7107) and those of
 * Enhanced Security Services (RFC 2634).
 */
#ifndef DOMSEC_SMIME_ATTRIBUTES_H
#define DOMSEC_SMIME_ATTRIBUTES_H

#include "smime/smime.h"

#define OID_SIGNATURE_TYPE "1.2.840.113549.1.9.16.2.28"
#define OID_RECEIPT_REQUEST "1.2.840.113549.1.9.16.2.1"
#define OID_SECURITY_LABEL "1.2.840.113549.1.9.16.2.2"
#define OID_ML_EXPANSION_HISTORY "1.2.840.113549.1.9.16.2.3"
#define OID_EQUIVALENT_LABELS "1.2.840.113549.1.9.16.2.9"

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

/* Reads all four of RFC 2634. Absent ones leave their members empty. Fails with ERROR_PERMANENT when one is there and
 * cannot be read, is repeated, has not exactly one value, or stands among the unsigned attributes (RFC 2634 §1.3.4:
 * MUST be signed). */
bool ess_read(CMS_SignerInfo *signer, struct ess *ess, struct error *error);

bool ess_add_label(CMS_SignerInfo *signer, const struct security_label *label, struct error *error);
bool ess_add_equivalents(CMS_SignerInfo *signer, const struct security_label *labels, unsigned count,
                         struct error *error);

struct ess_attributes *ess_attributes_keep(CMS_SignerInfo *signer);
bool ess_attributes_add(CMS_SignerInfo *signer, const struct ess_attributes *attributes, struct error *error);

#endif
