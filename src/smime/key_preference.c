/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_preference: SMIMEEncryptionKeyPreference (RFC 8551 §2.5.3): to which certificate a signer wants to be encrypted
 * to, by a reference to one that comes with the signature. It is a wish of the signer and proves nothing: whether that
 * certificate may be used is for others to say. A reference that cannot be read, or that leads to none of the
 * certificates in the message, counts as absent.
 */
#include "attributes.h"
#include "smime_private.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/pkcs7.h>

struct recipient_key {
    ASN1_OCTET_STRING *subject_key;
    ASN1_GENERALIZEDTIME *date;
    ASN1_TYPE *other;
};

/* clang-format off */
ASN1_SEQUENCE(RECIPIENT_KEY) = {
    ASN1_SIMPLE(struct recipient_key, subject_key, ASN1_OCTET_STRING),
    ASN1_OPT(struct recipient_key, date, ASN1_GENERALIZEDTIME),
    ASN1_OPT(struct recipient_key, other, ASN1_ANY),
} static_ASN1_SEQUENCE_END_name(struct recipient_key, RECIPIENT_KEY)

enum key_reference { REFERENCE_BY_ISSUER, REFERENCE_BY_RECIPIENT_KEY, REFERENCE_BY_SUBJECT_KEY };

struct key_preference {
    int type;
    union {
        PKCS7_ISSUER_AND_SERIAL *issuer;
        struct recipient_key *recipient_key;
        ASN1_OCTET_STRING *subject_key;
    } value;
};

ASN1_CHOICE(KEY_PREFERENCE) = {
    ASN1_IMP(struct key_preference, value.issuer, PKCS7_ISSUER_AND_SERIAL, REFERENCE_BY_ISSUER),
    ASN1_IMP(struct key_preference, value.recipient_key, RECIPIENT_KEY, REFERENCE_BY_RECIPIENT_KEY),
    ASN1_IMP(struct key_preference, value.subject_key, ASN1_OCTET_STRING, REFERENCE_BY_SUBJECT_KEY),
} static_ASN1_CHOICE_END_name(struct key_preference, KEY_PREFERENCE)
    /* clang-format on */

    static void key_preference_free(struct key_preference * preference)
{
    ASN1_item_free((ASN1_VALUE *)preference, ASN1_ITEM_rptr(KEY_PREFERENCE));
}

DECLARE_OWNED(key_preference, struct key_preference *, key_preference_free)

static bool has_key(X509 *certificate, const ASN1_OCTET_STRING *subject_key)
{
    const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(certificate);
    return own != NULL && ASN1_OCTET_STRING_cmp(own, subject_key) == 0;
}

static bool means(const struct key_preference *preference, X509 *certificate)
{
    switch ((enum key_reference)preference->type) {
    case REFERENCE_BY_ISSUER:
        return X509_NAME_cmp(X509_get_issuer_name(certificate), preference->value.issuer->issuer) == 0 &&
               ASN1_INTEGER_cmp(X509_get0_serialNumber(certificate), preference->value.issuer->serial) == 0;
    case REFERENCE_BY_RECIPIENT_KEY:
        return has_key(certificate, preference->value.recipient_key->subject_key);
    case REFERENCE_BY_SUBJECT_KEY:
        return has_key(certificate, preference->value.subject_key);
    }
    return false;
}

bool key_preference_add(const struct signing *signing, ASN1_STRING **value, struct error *error)
{
    X509 *certificate = signing->options->encryption;
    if (certificate == NULL)
        return true;
    PKCS7_ISSUER_AND_SERIAL reference = {.issuer = X509_get_issuer_name(certificate),
                                         .serial = X509_get_serialNumber(certificate)};
    struct key_preference preference = {.type = REFERENCE_BY_ISSUER, .value.issuer = &reference};
    owned(openssl_bytes) unsigned char *der = NULL;
    int length = ASN1_item_i2d((const ASN1_VALUE *)&preference, &der, ASN1_ITEM_rptr(KEY_PREFERENCE));
    *value = der_string(V_ASN1_OTHER, der_slice(der, length), error);
    return *value != NULL;
}

const char *key_preference_read(const ASN1_TYPE *value, const struct reading *reading)
{
    if (ASN1_TYPE_get(value) != V_ASN1_OTHER || reading->signer == NULL)
        return NULL;
    const ASN1_STRING *der = value->value.asn1_string; /* with its tag */
    const unsigned char *at = ASN1_STRING_get0_data(der), *end = at + ASN1_STRING_length(der);
    owned(key_preference) struct key_preference *preference =
        (struct key_preference *)ASN1_item_d2i(NULL, &at, ASN1_STRING_length(der), ASN1_ITEM_rptr(KEY_PREFERENCE));
    ERR_clear_error();
    for (int i = 0; preference != NULL && at == end && i < sk_X509_num(reading->certificates); i++) {
        X509 *each = sk_X509_value(reading->certificates, i);
        if (!means(preference, each))
            continue;
        X509_up_ref(each);
        reading->signer->encryption = each;
        break;
    }
    return NULL;
}
