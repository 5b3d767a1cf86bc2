/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key agreement by X25519 in CMS (RFC 8551 §2.3, RFC 8418), which OpenSSL's CMS does not do: it has the curve, the key
 * derivations and the key wrap, but nothing that puts them together. It does have recipients that hold a
 * key-encryption key already (KEKRecipientInfo, RFC 5652 §6.2.3), and the agreement's result is such a key. So only the
 * agreement is ours (agreed_key.c); wrapping, unwrapping and all content is left to OpenSSL, by exchanging one for the
 * other:
 *
 *     out   KEKRecipientInfo, wrapped by OpenSSL ─▶ KeyAgreeRecipientInfo with that wrapped key
 *     in    KeyAgreeRecipientInfo ─▶ KEKRecipientInfo with its wrapped key, unwrapped by OpenSSL
 *
 * A stand-in must never be sent: until it is exchanged, no recipient can unwrap its key.
 *
 * Necessary with every OpenSSL up to 4.1. When CMS_add1_recipient_cert() and CMS_decrypt_set1_pkey_and_peer() take an
 * X25519 key: git rm x25519.[ch] and agreed_key.c, then let the compiler name the lines in encrypt.c (x25519_der()
 * becomes frame_der()), decrypt.c and init.c.
 */
#include "x25519.h"

#include "../enveloped.h"

#include <openssl/err.h>
#include <openssl/pkcs7.h>

/* KEKIdentifier and RecipientKeyIdentifier (RFC 5652 §6.2.2, §6.2.3) */
struct key_identifier {
    ASN1_OCTET_STRING *id;
    ASN1_GENERALIZEDTIME *date;
    ASN1_STRING *other;
};

/* KeyAgreeRecipientIdentifier */
struct recipient_identifier {
    int type; /* enum identified_by */
    union {
        PKCS7_ISSUER_AND_SERIAL *issuer_and_serial;
        struct key_identifier *key;
    } by;
};
enum identified_by { BY_ISSUER_AND_SERIAL, BY_KEY };

/* RecipientEncryptedKey */
struct encrypted_key {
    struct recipient_identifier *recipient;
    ASN1_OCTET_STRING *key;
};
SKM_DEFINE_STACK_OF(encrypted_key, struct encrypted_key, struct encrypted_key)

/* KeyAgreeRecipientInfo, with an ephemeral key (RFC 8418 §3.2). OriginatorPublicKey has the form of a public key in a
 * certificate. */
struct agreement {
    ASN1_INTEGER *version;
    X509_PUBKEY *originator;
    ASN1_OCTET_STRING *ukm;
    X509_ALGOR *algorithm;
    STACK_OF(encrypted_key) * keys;
};

/* KEKRecipientInfo */
struct stand_in {
    ASN1_INTEGER *version;
    struct key_identifier *identifier;
    X509_ALGOR *wrap;
    ASN1_OCTET_STRING *key;
};

/* clang-format off */
ASN1_SEQUENCE(KEY_IDENTIFIER) = {
    ASN1_SIMPLE(struct key_identifier, id, ASN1_OCTET_STRING),
    ASN1_OPT(struct key_identifier, date, ASN1_GENERALIZEDTIME),
    ASN1_OPT(struct key_identifier, other, ASN1_SEQUENCE),
} static_ASN1_SEQUENCE_END_name(struct key_identifier, KEY_IDENTIFIER)

ASN1_CHOICE(RECIPIENT_IDENTIFIER) = {
    ASN1_SIMPLE(struct recipient_identifier, by.issuer_and_serial, PKCS7_ISSUER_AND_SERIAL),
    ASN1_IMP(struct recipient_identifier, by.key, KEY_IDENTIFIER, 0),
} static_ASN1_CHOICE_END_selector(struct recipient_identifier, RECIPIENT_IDENTIFIER, type)

ASN1_SEQUENCE(ENCRYPTED_KEY) = {
    ASN1_SIMPLE(struct encrypted_key, recipient, RECIPIENT_IDENTIFIER),
    ASN1_SIMPLE(struct encrypted_key, key, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END_name(struct encrypted_key, ENCRYPTED_KEY)

/* originatorKey, one of the three in OriginatorIdentifierOrKey */
ASN1_ITEM_TEMPLATE(ORIGINATOR_KEY) = ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_IMPLICIT, 1, key, X509_PUBKEY)
static_ASN1_ITEM_TEMPLATE_END(ORIGINATOR_KEY)

ASN1_SEQUENCE(AGREEMENT) = {
    ASN1_SIMPLE(struct agreement, version, ASN1_INTEGER),
    ASN1_EXP(struct agreement, originator, ORIGINATOR_KEY, 0),
    ASN1_EXP_OPT(struct agreement, ukm, ASN1_OCTET_STRING, 1),
    ASN1_SIMPLE(struct agreement, algorithm, X509_ALGOR),
    ASN1_SEQUENCE_OF(struct agreement, keys, ENCRYPTED_KEY),
} static_ASN1_SEQUENCE_END_name(struct agreement, AGREEMENT)

ASN1_SEQUENCE(STAND_IN) = {
    ASN1_SIMPLE(struct stand_in, version, ASN1_INTEGER),
    ASN1_SIMPLE(struct stand_in, identifier, KEY_IDENTIFIER),
    ASN1_SIMPLE(struct stand_in, wrap, X509_ALGOR),
    ASN1_SIMPLE(struct stand_in, key, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END_name(struct stand_in, STAND_IN)

/* Their places in RecipientInfo (RFC 5652 §6.2) */
ASN1_ITEM_TEMPLATE(RECIPIENT_AGREEMENT) = ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_IMPLICIT, 1, kari, AGREEMENT)
static_ASN1_ITEM_TEMPLATE_END(RECIPIENT_AGREEMENT)
ASN1_ITEM_TEMPLATE(RECIPIENT_STAND_IN) = ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_IMPLICIT, 2, kekri, STAND_IN)
static_ASN1_ITEM_TEMPLATE_END(RECIPIENT_STAND_IN)
    /* clang-format on */

    static void agreement_free(struct agreement * agreement)
{
    ASN1_item_free((ASN1_VALUE *)agreement, ASN1_ITEM_rptr(AGREEMENT));
}

static void stand_in_free(struct stand_in *stand_in)
{
    ASN1_item_free((ASN1_VALUE *)stand_in, ASN1_ITEM_rptr(STAND_IN));
}

DECLARE_OWNED(agreement, struct agreement *, agreement_free)
DECLARE_OWNED(stand_in, struct stand_in *, stand_in_free)

bool x25519_is(const EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "X25519");
}

/* --- out --- */

static bool add_key(struct agreement *agreement, X509 *recipient)
{
    struct encrypted_key *key = (struct encrypted_key *)ASN1_item_new(ASN1_ITEM_rptr(ENCRYPTED_KEY));
    PKCS7_ISSUER_AND_SERIAL *identifier = PKCS7_ISSUER_AND_SERIAL_new();
    if (key == NULL || sk_encrypted_key_push(agreement->keys, key) <= 0) {
        ASN1_item_free((ASN1_VALUE *)key, ASN1_ITEM_rptr(ENCRYPTED_KEY));
        PKCS7_ISSUER_AND_SERIAL_free(identifier);
        return false;
    }
    key->recipient->type = BY_ISSUER_AND_SERIAL;
    key->recipient->by.issuer_and_serial = identifier;
    return identifier != NULL && X509_NAME_set(&identifier->issuer, X509_get_issuer_name(recipient)) &&
           ASN1_STRING_copy(identifier->serial, X509_get0_serialNumber(recipient));
}

/* Without the wrapped key, which is not known yet. */
static struct agreement *agreement_new(X509 *recipient, EVP_PKEY *ephemeral, size_t key_length)
{
    owned(agreement) struct agreement *agreement = (struct agreement *)ASN1_item_new(ASN1_ITEM_rptr(AGREEMENT));
    if (agreement == NULL || !ASN1_INTEGER_set(agreement->version, 3) ||
        !X509_PUBKEY_set(&agreement->originator, ephemeral) ||
        !agreed_key_set_algorithm(agreement->algorithm, key_length) || !add_key(agreement, recipient))
        return NULL;
    return steal(&agreement);
}

/* The stand-in is known by the DER of what it stands for. */
static bool add_stand_in(CMS_ContentInfo *cms, const struct agreement *agreement, const unsigned char *kek,
                         size_t key_length)
{
    unsigned char *identifier = NULL, *key = OPENSSL_memdup(kek, key_length);
    int length = ASN1_item_i2d((const ASN1_VALUE *)agreement, &identifier, ASN1_ITEM_rptr(AGREEMENT));
    if (key != NULL && length > 0 &&
        CMS_add0_recipient_key(cms, NID_undef, key, key_length, identifier, (size_t)length, NULL, NULL, NULL) != NULL)
        return true;
    OPENSSL_clear_free(key, key_length);
    OPENSSL_free(identifier);
    return false;
}

bool x25519_add_recipient(CMS_ContentInfo *cms, X509 *recipient, size_t key_length, struct error *error)
{
    owned(EVP_PKEY) EVP_PKEY *ephemeral = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    owned(agreement) struct agreement *agreement = NULL;
    unsigned char kek[AGREED_KEY_MAX];
    bool added;
    if (ephemeral != NULL)
        agreement = agreement_new(recipient, ephemeral, key_length);
    added = agreement != NULL &&
            agreed_key(agreement->algorithm, NULL, ephemeral, X509_get0_pubkey(recipient), kek) == key_length &&
            add_stand_in(cms, agreement, kek, key_length);
    OPENSSL_cleanse(kek, sizeof(kek));
    return added || error_set_openssl(error, ERROR_PERMANENT, "cannot encrypt for a recipient's key");
}

static void *recipient_decode(const ASN1_TYPE *recipient, const ASN1_ITEM *item)
{
    const unsigned char *at;
    if (recipient->type != V_ASN1_OTHER)
        return NULL;
    at = ASN1_STRING_get0_data(recipient->value.asn1_string);
    return ASN1_item_d2i(NULL, &at, ASN1_STRING_length(recipient->value.asn1_string), item);
}

static ASN1_TYPE *recipient_encode(const void *recipient, const ASN1_ITEM *item)
{
    owned(openssl_bytes) unsigned char *der = NULL;
    int length = ASN1_item_i2d(recipient, &der, item);
    const unsigned char *at = der;
    return length > 0 ? d2i_ASN1_TYPE(NULL, &at, length) : NULL;
}

/* The agreement that a stand-in stands for, with the key that OpenSSL wrapped. */
static ASN1_TYPE *agreement_of(const struct stand_in *stand_in)
{
    const unsigned char *at = ASN1_STRING_get0_data(stand_in->identifier->id);
    owned(agreement) struct agreement *agreement = (struct agreement *)ASN1_item_d2i(
        NULL, &at, ASN1_STRING_length(stand_in->identifier->id), ASN1_ITEM_rptr(AGREEMENT));
    struct encrypted_key *key = agreement != NULL ? sk_encrypted_key_value(agreement->keys, 0) : NULL;
    if (key == NULL || !ASN1_STRING_copy(key->key, stand_in->key))
        return NULL;
    return recipient_encode(agreement, ASN1_ITEM_rptr(RECIPIENT_AGREEMENT));
}

/* How many were exchanged: one that is not, for want of memory, must not go out as it is. Negative: it failed. */
static int exchange_all(STACK_OF(ASN1_TYPE) * recipients)
{
    int count = 0;
    for (int i = 0; i < sk_ASN1_TYPE_num(recipients); i++) {
        owned(stand_in) struct stand_in *stand_in =
            recipient_decode(sk_ASN1_TYPE_value(recipients, i), ASN1_ITEM_rptr(RECIPIENT_STAND_IN));
        if (stand_in == NULL)
            continue;
        ASN1_TYPE *agreement = agreement_of(stand_in);
        if (agreement == NULL)
            return -1;
        ASN1_TYPE_free(sk_ASN1_TYPE_value(recipients, i));
        sk_ASN1_TYPE_set(recipients, i, agreement);
        count++;
    }
    ERR_clear_error(); /* of those that were none */
    return count;
}

static int count_stand_ins(CMS_ContentInfo *cms)
{
    STACK_OF(CMS_RecipientInfo) *infos = CMS_get0_RecipientInfos(cms);
    int count = 0;
    for (int i = 0; i < sk_CMS_RecipientInfo_num(infos); i++)
        count += CMS_RecipientInfo_type(sk_CMS_RecipientInfo_value(infos, i)) == CMS_RECIPINFO_KEK;
    return count;
}

long x25519_der(CMS_ContentInfo *cms, unsigned char **der, struct error *error)
{
    owned(enveloped_outside) struct enveloped_outside *outside = NULL;
    int stand_ins = count_stand_ins(cms);
    if (stand_ins == 0)
        return frame_der(cms, der, error);
    outside = enveloped_without_content(cms, error);
    if (outside == NULL)
        return -1;
    if (exchange_all(outside->data->recipients) != stand_ins) {
        error_set_openssl(error, ERROR_TEMPORARY, "encoding a recipient");
        return -1;
    }
    return enveloped_encode(outside, der, error);
}

/* --- in --- */

bool x25519_is_known(CMS_RecipientInfo *info)
{
    X509_ALGOR *algorithm = NULL, *originator = NULL;
    const ASN1_OBJECT *oid;
    if (!CMS_RecipientInfo_kari_get0_alg(info, &algorithm, NULL) ||
        !CMS_RecipientInfo_kari_get0_orig_id(info, &originator, NULL, NULL, NULL, NULL) || originator == NULL)
        return false;
    X509_ALGOR_get0(&oid, NULL, NULL, originator);
    bool known = OBJ_obj2nid(oid) == NID_X25519 && agreed_key_is_known(algorithm);
    ERR_clear_error();
    return known;
}

static bool identifies(const struct recipient_identifier *identifier, X509 *certificate)
{
    const PKCS7_ISSUER_AND_SERIAL *by = identifier->by.issuer_and_serial;
    const ASN1_OCTET_STRING *key_id = X509_get0_subject_key_id(certificate);
    if (identifier->type == BY_ISSUER_AND_SERIAL)
        return X509_NAME_cmp(by->issuer, X509_get_issuer_name(certificate)) == 0 &&
               ASN1_INTEGER_cmp(by->serial, X509_get0_serialNumber(certificate)) == 0;
    return key_id != NULL && ASN1_OCTET_STRING_cmp(identifier->by.key->id, key_id) == 0;
}

static const struct encrypted_key *key_for(const struct agreement *agreement, X509 *certificate)
{
    for (int i = 0; i < sk_encrypted_key_num(agreement->keys); i++) {
        const struct encrypted_key *key = sk_encrypted_key_value(agreement->keys, i);
        if (identifies(key->recipient, certificate))
            return key;
    }
    return NULL;
}

/* The first that fits, as OpenSSL takes it for other keys. */
static struct agreement *find_agreement(STACK_OF(ASN1_TYPE) * recipients, X509 *certificate)
{
    for (int i = 0; i < sk_ASN1_TYPE_num(recipients); i++) {
        owned(agreement) struct agreement *agreement =
            recipient_decode(sk_ASN1_TYPE_value(recipients, i), ASN1_ITEM_rptr(RECIPIENT_AGREEMENT));
        if (agreement != NULL && key_for(agreement, certificate) != NULL)
            return steal(&agreement);
    }
    return NULL;
}

static ASN1_TYPE *stand_in_for(const struct agreement *agreement, X509 *certificate)
{
    owned(stand_in) struct stand_in *stand_in = (struct stand_in *)ASN1_item_new(ASN1_ITEM_rptr(STAND_IN));
    if (stand_in == NULL)
        return NULL;
    X509_ALGOR_free(stand_in->wrap);
    stand_in->wrap = algorithm_parameters(agreement->algorithm, ASN1_ITEM_rptr(X509_ALGOR));
    if (stand_in->wrap == NULL || !ASN1_INTEGER_set(stand_in->version, 4) ||
        !ASN1_STRING_copy(stand_in->key, key_for(agreement, certificate)->key))
        return NULL;
    return recipient_encode(stand_in, ASN1_ITEM_rptr(RECIPIENT_STAND_IN));
}

/* The envelope with this recipient alone, which it takes. */
static CMS_ContentInfo *enveloped_for(struct enveloped_outside *outside, ASN1_TYPE *recipient)
{
    STACK_OF(ASN1_TYPE) *recipients = outside->data->recipients;
    struct error error = {0};
    while (sk_ASN1_TYPE_num(recipients) > 0)
        ASN1_TYPE_free(sk_ASN1_TYPE_pop(recipients));
    if (recipient == NULL || sk_ASN1_TYPE_push(recipients, recipient) <= 0) {
        ASN1_TYPE_free(recipient);
        return NULL;
    }
    return enveloped_cms(outside, &error);
}

/* Whatever parameters it has: RFC 8410 §3 has none, but some write a NULL, with which OpenSSL decodes no key. */
static EVP_PKEY *originator_of(const struct agreement *agreement)
{
    const unsigned char *point;
    ASN1_OBJECT *oid;
    int length;
    if (!X509_PUBKEY_get0_param(&oid, &point, &length, NULL, agreement->originator) || OBJ_obj2nid(oid) != NID_X25519)
        return NULL;
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, point, (size_t)length);
}

CMS_ContentInfo *x25519_decrypt(CMS_ContentInfo *cms, const struct identity *identity)
{
    struct error error = {0};
    owned(enveloped_outside) struct enveloped_outside *outside = enveloped_without_content(cms, &error);
    owned(agreement) struct agreement *agreement = NULL;
    owned(CMS_ContentInfo) CMS_ContentInfo *exchanged = NULL;
    owned(EVP_PKEY) EVP_PKEY *originator = NULL;
    unsigned char kek[AGREED_KEY_MAX];
    size_t length;
    if (outside != NULL)
        agreement = find_agreement(outside->data->recipients, identity->certificate);
    if (agreement != NULL)
        originator = originator_of(agreement);
    if (originator == NULL)
        return NULL;
    length = agreed_key(agreement->algorithm, agreement->ukm, identity->key, originator, kek);
    if (length > 0)
        exchanged = enveloped_for(outside, stand_in_for(agreement, identity->certificate));
    if (exchanged != NULL)
        CMS_decrypt_set1_key(exchanged, kek, length, NULL, 0);
    OPENSSL_cleanse(kek, sizeof(kek));
    return steal(&exchanged);
}
