/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An EnvelopedData or AuthEnvelopedData without its content, as a template that is open to us: OpenSSL 3.0 keeps its
 * own to itself, and its recipients, cipher and parameters behind it.
 */
#ifndef DOMSEC_SMIME_ENVELOPED_H
#define DOMSEC_SMIME_ENVELOPED_H

#include "smime_private.h"

#include <openssl/asn1t.h>

/* RFC 5652 §6.1 */
struct encrypted_content_info {
    ASN1_OBJECT *type;
    X509_ALGOR *cipher;
};

/* EnvelopedData (RFC 5652 §6.1) and AuthEnvelopedData (RFC 5083 §2.1) in one; OpenSSL 3.0 numbers the attributes of the
 * latter differently, hence the tags on both sides. */
struct enveloped {
    ASN1_INTEGER *version;
    ASN1_STRING *originator;
    STACK_OF(ASN1_TYPE) * recipients;
    struct encrypted_content_info *content;
    STACK_OF(ASN1_TYPE) * attributes_1;
    STACK_OF(ASN1_TYPE) * attributes_2;
    ASN1_OCTET_STRING *mac;
    STACK_OF(ASN1_TYPE) * attributes_3;
    STACK_OF(ASN1_TYPE) * attributes_4;
};

struct enveloped_outside {
    ASN1_OBJECT *type;
    struct enveloped *data;
};

void enveloped_free(struct enveloped_outside *outside);
DECLARE_OWNED(enveloped_outside, struct enveloped_outside *, enveloped_free)

/* Of a CMS, whose content is not copied; NULL: error is set. */
struct enveloped_outside *enveloped_without_content(CMS_ContentInfo *cms, struct error *error);
/* Its DER; free with OPENSSL_free(). Negative: error is set. */
long enveloped_encode(const struct enveloped_outside *outside, unsigned char **der, struct error *error);

/* As OpenSSL takes it; CMS_ContentInfo_free(). NULL: it does not. */
CMS_ContentInfo *enveloped_cms(const struct enveloped_outside *outside, struct error *error);

/* What is to be known before any key is used. */
struct enveloped_info {
    char cipher[32];
    int cipher_nid;
    bool authenticated;         /* AuthEnvelopedData */
    long tag_length;            /* by the algorithm's parameters; 0 without */
    bool tag_length_is_default; /* they do not say it */
    size_t mac_length;          /* as it is there */
};
bool enveloped_info_read(CMS_ContentInfo *cms, struct enveloped_info *info, struct error *error);
/* The same without its content, in which the parameters say the tag's length: OpenSSL does not know the default. NULL:
 * error is set. */
CMS_ContentInfo *enveloped_tell_tag_length(CMS_ContentInfo *cms, struct error *error);

#endif
