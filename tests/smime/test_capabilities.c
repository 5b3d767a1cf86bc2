/* SPDX-License-Identifier: Apache-2.0 */
/* SMIMECapabilities and SMIMEEncryptionKeyPreference (RFC 8551 §2.5.2, §2.5.3, RFC 4262) of others. */
#include "smime/smime_private.h"
#include "support/craft.h"

#include <openssl/pkcs7.h>
#include <openssl/rsa.h>

static struct pki *root, *alice, *other, *bare;

static void setup(void)
{
    craft_init();
    root = pki_ca("Acme root");
    alice = pki_person(root, "alice@acme.test");
    other = pki_person(root, "alice@acme.test");
    bare = pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=bare"), .no_key_ids = true});
}

static void teardown(void)
{
    pki_free(bare);
    pki_free(other);
    pki_free(alice);
    pki_free(root);
}

TestSuite(capabilities, .init = setup, .fini = teardown);

/* What the next signature says. */
static GByteArray *said;
static int said_nid, said_type;
static const struct pki *along[2];

static void say(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    for (size_t i = 0; i < G_N_ELEMENTS(along); i++)
        if (along[i] != NULL)
            cr_assert(CMS_add1_cert(cms, along[i]->cert));
    ASN1_STRING *value = ASN1_STRING_type_new(said_type);
    cr_assert(ASN1_STRING_set(value, said->data, (int)said->len));
    X509_ATTRIBUTE *attribute = X509_ATTRIBUTE_create(said_nid, said_type, value);
    cr_assert(CMS_signed_add1_attr(info, attribute));
    X509_ATTRIBUTE_free(attribute);
}

/* Returns the only signer; layer must be cleared. */
static const struct signer *read_said(int nid, int type, struct layer *layer)
{
    struct error error = {0};
    said_nid = nid;
    said_type = type;
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_sign_by_hand(alice, CMS_CADES, "SHA256", say);
    CRAFT_PART part = craft_part_of_cms(cms);
    cr_assert_eq(craft_open(part.part, NULL, &craft_limits, layer, &error), OPENED, "%s", error.text);
    cr_assert_eq(layer->facts.signer_count, 1);
    cr_expect(layer->facts.signers[0].valid, "%s", layer->facts.signers[0].reason);
    return &layer->signers[0];
}

static X509_ALGOR *oaep(int digest, int mask)
{
    RSA_OAEP_PARAMS *parameters = RSA_OAEP_PARAMS_new();
    ASN1_STRING *packed = NULL, *inner = NULL;
    X509_ALGOR *algorithm = X509_ALGOR_new(), *hash = X509_ALGOR_new();
    if (digest != NID_undef) {
        parameters->hashFunc = X509_ALGOR_new();
        X509_ALGOR_set0(parameters->hashFunc, OBJ_nid2obj(digest), V_ASN1_NULL, NULL);
    }
    if (mask != NID_undef) {
        X509_ALGOR_set0(hash, OBJ_nid2obj(mask), V_ASN1_NULL, NULL);
        cr_assert(ASN1_item_pack(hash, ASN1_ITEM_rptr(X509_ALGOR), &inner));
        parameters->maskGenFunc = X509_ALGOR_new();
        X509_ALGOR_set0(parameters->maskGenFunc, OBJ_nid2obj(NID_mgf1), V_ASN1_SEQUENCE, inner);
    }
    cr_assert(ASN1_item_pack(parameters, ASN1_ITEM_rptr(RSA_OAEP_PARAMS), &packed));
    X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_rsaesOaep), V_ASN1_SEQUENCE, packed);
    X509_ALGOR_free(hash);
    RSA_OAEP_PARAMS_free(parameters);
    return algorithm;
}

static X509_ALGOR *plain(int nid)
{
    X509_ALGOR *algorithm = X509_ALGOR_new();
    X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid), V_ASN1_UNDEF, NULL);
    return algorithm;
}

/* Takes the algorithms, up to the first NULL. */
static GByteArray *list_of(X509_ALGOR *const *algorithms)
{
    STACK_OF(X509_ALGOR) *list = sk_X509_ALGOR_new_null();
    unsigned char *der = NULL;
    for (; *algorithms != NULL; algorithms++)
        sk_X509_ALGOR_push(list, *algorithms);
    int length = i2d_X509_ALGORS(list, &der);
    cr_assert_gt(length, 0);
    GByteArray *bytes = g_byte_array_append(g_byte_array_new(), der, (guint)length);
    OPENSSL_free(der);
    sk_X509_ALGOR_pop_free(list, X509_ALGOR_free);
    return bytes;
}

#define BIT(x) (1U << (x))

Test(capabilities, which_are_read)
{
    struct {
        X509_ALGOR *algorithms[4];
        struct capabilities read;
    } rows[] = {
        {{plain(NID_aes_256_gcm), plain(NID_aes_128_cbc)},
         {.ciphers = BIT(CIPHER_AES_256_GCM) | BIT(CIPHER_AES_128_CBC)}},
        {{plain(NID_aes_128_gcm), plain(NID_aes_192_cbc), plain(NID_aes_256_cbc)},
         {.ciphers = BIT(CIPHER_AES_128_GCM) | BIT(CIPHER_AES_192_CBC) | BIT(CIPHER_AES_256_CBC)}},
        {{plain(NID_des_ede3_cbc), plain(NID_rc2_cbc), plain(NID_sha1)}, {0}},
        {{plain(NID_rsaEncryption)}, {.key_transports = BIT(KEY_TRANSPORT_RSA_PKCS1)}},
        {{oaep(NID_sha256, NID_sha256)}, {.key_transports = BIT(KEY_TRANSPORT_RSA_OAEP)}},
        {{oaep(NID_sha256, NID_undef), oaep(NID_undef, NID_sha256), oaep(NID_undef, NID_undef)}, {0}},
        {{oaep(NID_sha1, NID_sha1), oaep(NID_sha512, NID_sha512), plain(NID_rsaesOaep)}, {0}},
        {{plain(NID_sha256), plain(NID_sha384WithRSAEncryption), plain(NID_ecdsa_with_SHA512)},
         {.digests = BIT(DIGEST_SHA256) | BIT(DIGEST_SHA384) | BIT(DIGEST_SHA512)}},
        {{plain(NID_sha256WithRSAEncryption), plain(NID_sha384), plain(NID_sha512WithRSAEncryption)},
         {.digests = BIT(DIGEST_SHA256) | BIT(DIGEST_SHA384) | BIT(DIGEST_SHA512)}},
        {{plain(NID_ecdsa_with_SHA256), plain(NID_ecdsa_with_SHA384), plain(NID_sha512)},
         {.digests = BIT(DIGEST_SHA256) | BIT(DIGEST_SHA384) | BIT(DIGEST_SHA512)}},
        {{NULL}, {0}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        CRAFT_LAYER layer;
        said = list_of(rows[i].algorithms);
        const struct capabilities *read =
            &read_said(NID_SMIMECapabilities, V_ASN1_SEQUENCE, &layer)->facts->capabilities;
        cr_expect_eq(read->ciphers, rows[i].read.ciphers, "row %zu: %x", i, read->ciphers);
        cr_expect_eq(read->key_transports, rows[i].read.key_transports, "row %zu: %x", i, read->key_transports);
        cr_expect_eq(read->digests, rows[i].read.digests, "row %zu: %x", i, read->digests);
        g_byte_array_unref(said);
    }
}

/* The signature holds whatever they say. */
Test(capabilities, rubbish_says_nothing)
{
    static const struct {
        int type;
        const char *bytes;
        unsigned length;
    } rows[] = {
        {V_ASN1_SEQUENCE, "\x30\x02\x05\x00", 4},
        {V_ASN1_SEQUENCE, "\x30\x04\x30\x02\x05\x00", 6},
        {V_ASN1_SEQUENCE, "\x30\x0f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2e\x05\x00", 17},
        {V_ASN1_UTF8STRING, "aes", 3},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        CRAFT_LAYER layer;
        said = g_byte_array_append(g_byte_array_new(), (const guint8 *)rows[i].bytes, rows[i].length);
        const struct capabilities *read = &read_said(NID_SMIMECapabilities, rows[i].type, &layer)->facts->capabilities;
        cr_expect_eq(read->ciphers | read->key_transports | read->digests, 0, "row %zu", i);
        g_byte_array_unref(said);
    }
}

Test(capabilities, of_a_certificate)
{
    PKI_AUTO struct pki *able = pki_issue(
        &(struct pki_spec){.issuer = root,
                           .subject = PKI_LIST("CN=able"),
                           .extensions = PKI_LIST("1.2.840.113549.1.9.15=DER:300d300b060960864801650304012e")});
    struct capabilities read;
    smime_certificate_capabilities(able->cert, &read);
    cr_expect_eq(read.ciphers, BIT(CIPHER_AES_256_GCM), "%x", read.ciphers);
    memset(&read, 0xff, sizeof(read));
    smime_certificate_capabilities(alice->cert, &read);
    cr_expect_eq(read.ciphers | read.key_transports | read.digests, 0);
}

/* --- to which certificate the signer wants to be encrypted to --- */

enum reference { BY_ISSUER, BY_RECIPIENT_KEY, BY_SUBJECT_KEY };

/* The reference in DER. */
static GByteArray *refer(enum reference form, X509 *certificate)
{
    GByteArray *bytes = g_byte_array_new();
    unsigned char *der = NULL;
    int length;
    if (form == BY_ISSUER) {
        PKCS7_ISSUER_AND_SERIAL *reference = PKCS7_ISSUER_AND_SERIAL_new();
        cr_assert(X509_NAME_set(&reference->issuer, X509_get_issuer_name(certificate)));
        ASN1_INTEGER_free(reference->serial);
        reference->serial = ASN1_INTEGER_dup(X509_get0_serialNumber(certificate));
        length = i2d_PKCS7_ISSUER_AND_SERIAL(reference, &der);
        der[0] = 0xa0;
        PKCS7_ISSUER_AND_SERIAL_free(reference);
    } else {
        const ASN1_OCTET_STRING *key = X509_get0_subject_key_id(certificate);
        length = i2d_ASN1_OCTET_STRING(key, &der);
        if (form == BY_SUBJECT_KEY)
            der[0] = 0x82;
    }
    if (form == BY_RECIPIENT_KEY) {
        const guint8 head[] = {0xa1, (guint8)length};
        g_byte_array_append(bytes, head, sizeof(head));
    }
    cr_assert_gt(length, 0);
    g_byte_array_append(bytes, der, (guint)length);
    OPENSSL_free(der);
    return bytes;
}

Test(capabilities, key_preference)
{
    const struct {
        enum reference form;
        const struct pki *to, *along[2];
        bool found;
    } rows[] = {
        {BY_ISSUER, other, {other, bare}, true},      {BY_RECIPIENT_KEY, other, {bare, other}, true},
        {BY_SUBJECT_KEY, other, {bare, other}, true}, {BY_ISSUER, alice, {NULL, NULL}, true},
        {BY_SUBJECT_KEY, alice, {other, NULL}, true}, {BY_ISSUER, bare, {other, bare}, true},
        {BY_ISSUER, other, {bare, NULL}, false}, /* it is not in the message */
        {BY_SUBJECT_KEY, other, {bare, NULL}, false}, {BY_RECIPIENT_KEY, other, {NULL, NULL}, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        CRAFT_LAYER layer;
        said = refer(rows[i].form, rows[i].to->cert);
        memcpy(along, rows[i].along, sizeof(along));
        const struct signer *signer = read_said(NID_id_smime_aa_encrypKeyPref, V_ASN1_OTHER, &layer);
        cr_expect_eq(signer->encryption != NULL, rows[i].found, "row %zu", i);
        if (signer->encryption != NULL)
            cr_expect_eq(X509_cmp(signer->encryption, rows[i].to->cert), 0, "row %zu", i);
        g_byte_array_unref(said);
    }
    memset(along, 0, sizeof(along));
}

Test(capabilities, a_key_preference_that_cannot_be_read)
{
    GByteArray *good = refer(BY_SUBJECT_KEY, alice->cert);
    for (unsigned change = 0; change < 3; change++) {
        CRAFT_LAYER layer;
        said = g_byte_array_append(g_byte_array_new(), good->data, good->len);
        if (change == 0)
            said->data[0] = 0x83; /* no such choice */
        else if (change == 1)
            said->data[0] = 0xa0, said->data[1] = 2, said->data[2] = 5, said->data[3] = 0, said->len = 4;
        const struct signer *signer =
            read_said(NID_id_smime_aa_encrypKeyPref, change == 2 ? V_ASN1_OCTET_STRING : V_ASN1_OTHER, &layer);
        cr_expect_null(signer->encryption, "change %u", change);
        g_byte_array_unref(said);
    }
    g_byte_array_unref(good);
}
