/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attributes: the signed attributes of a SignerInfo that domsec makes, reads or carries over, in one table
 * (attributes.c). A new one is a row of that table and its two functions; what it says gets a member in struct
 * sign_options or struct signer_facts.
 */
#ifndef DOMSEC_SMIME_ATTRIBUTES_H
#define DOMSEC_SMIME_ATTRIBUTES_H

#include "smime/smime.h"

#define OID_SIGNATURE_TYPE "1.2.840.113549.1.9.16.2.28"
#define OID_RECEIPT_REQUEST "1.2.840.113549.1.9.16.2.1"
#define OID_SECURITY_LABEL "1.2.840.113549.1.9.16.2.2"
#define OID_ML_EXPANSION_HISTORY "1.2.840.113549.1.9.16.2.3"
#define OID_EQUIVALENT_LABELS "1.2.840.113549.1.9.16.2.9"

/* The consequence of a malformed attribute. */
enum attribute_role {
    ATTRIBUTE_OF_SIGNATURE,   /* the signature does not hold (RFC 5652 §11) */
    ATTRIBUTE_OF_CERTIFICATE, /* it does not hold with this certificate (RFC 5035 §5.4) */
    ATTRIBUTE_OF_MESSAGE,     /* it holds, but the statements of its attributes are not reliable */
};

/* A signature that is being made. */
struct signing {
    const struct identity *signer;
    enum digest digest;
    const struct sign_options *options;
};

/* A signature that is being read. */
struct reading {
    CMS_SignerInfo *info;          /* ATTRIBUTE_OF_SIGNATURE: whose attributes they are */
    const X509 *certificate;       /* ATTRIBUTE_OF_CERTIFICATE: the signer's, perhaps */
    struct signer *signer;         /* ATTRIBUTE_OF_SIGNATURE: where what refers to certificates goes */
    STACK_OF(X509) * certificates; /* … those in the message */
    struct signer_facts *facts;    /* the other roles: where it goes */
    struct budget *budget;         /* NULL: none */
};

struct signed_attribute {
    const char *oid;
    const char *name; /* in an error's text, before "attribute" */
    enum attribute_role role;
    int type; /* of its value: V_ASN1_SEQUENCE …; 0: any */

    /* The value to add, in DER as a SEQUENCE or SET; ASN1_STRING_free(). NULL, and true, where `signing` asks for none.
     * A function that is NULL: domsec adds none, or OpenSSL does. */
    bool (*add)(const struct signing *signing, ASN1_STRING **value, struct error *error);
    /* Its value, which has the right type. Returns what is wrong with it, to stand behind the name, or NULL. A
     * function that is NULL finds nothing wrong. */
    const char *(*read)(const ASN1_TYPE *value, const struct reading *reading);

    bool required;       /* where there are signed attributes, it is among them */
    bool single;         /* not repeated, and with one value */
    bool must_be_signed; /* not among the unsigned attributes */
    bool carried;        /* goes from a mailing list agent's signature on ours (RFC 3183 §5, step 4) */
};

/* By smime_init(), once. */
bool attributes_init(struct error *error);

/* The row of this object identifier, or NULL. */
const struct signed_attribute *attributes_find(const char *oid);

/* Adds every attribute that `signing` requests. */
bool attributes_add(CMS_SignerInfo *info, const struct signing *signing, struct error *error);

/* Reads those of this role, up to the first that is not as it must be: then ERROR_PERMANENT, "NAME attribute is …". */
bool attributes_read(CMS_SignerInfo *info, enum attribute_role role, const struct reading *reading,
                     struct error *error);

/* --- functions of the table --- */

/* signature_type.c */
bool signature_type_add(const struct signing *signing, ASN1_STRING **value, struct error *error);
const char *signature_type_read(const ASN1_TYPE *value, const struct reading *reading);

/* algorithm_protection.c */
const char *algorithm_protection_read(const ASN1_TYPE *value, const struct reading *reading);

/* capabilities.c */
bool capabilities_init(struct error *error); /* by smime_init() */
bool capabilities_add(const struct signing *signing, ASN1_STRING **value, struct error *error);
const char *capabilities_read(const ASN1_TYPE *value, const struct reading *reading);

/* key_preference.c */
bool key_preference_add(const struct signing *signing, ASN1_STRING **value, struct error *error);
const char *key_preference_read(const ASN1_TYPE *value, const struct reading *reading);

/* signing_certificate.c: a signature names its certificate; in version 1 by SHA-1. */
bool signing_certificate_init(struct error *error); /* by smime_init() */
bool signing_certificate_add(const struct signing *signing, ASN1_STRING **value, struct error *error);
const char *signing_certificate_read(const ASN1_TYPE *value, const struct reading *reading);
const char *signing_certificate_read_sha1(const ASN1_TYPE *value, const struct reading *reading);

/* ess.c */
bool ess_add_label(const struct signing *signing, ASN1_STRING **value, struct error *error);
bool ess_add_equivalents(const struct signing *signing, ASN1_STRING **value, struct error *error);
const char *ess_read_label(const ASN1_TYPE *value, const struct reading *reading);
const char *ess_read_equivalents(const ASN1_TYPE *value, const struct reading *reading);
const char *ess_read_receipt_request(const ASN1_TYPE *value, const struct reading *reading);
const char *ess_read_history(const ASN1_TYPE *value, const struct reading *reading);

/* --- carried.c --- */

/* The attributes of a signature that may be carried to another one. */
struct carried_attributes *carried_attributes_of(CMS_SignerInfo *info);
bool carried_attributes_add(CMS_SignerInfo *info, const struct carried_attributes *carried, struct error *error);

#endif
