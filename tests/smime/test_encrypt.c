/* SPDX-License-Identifier: Apache-2.0 */
#include "support/craft.h"

#include <openssl/rsa.h>

static struct pki *root, *rsa, *ec, *p384;

static void setup(void)
{
    craft_init();
    root = pki_ca("Acme root");
    rsa = pki_role_with(root, "domain-confidentiality-authority", "acme.test", PKI_RSA);
    ec = pki_role_with(root, "domain-confidentiality-authority", "partner.test", PKI_EC);
    p384 = pki_role_with(root, "domain-confidentiality-authority", "other.test", PKI_P384);
}

static void teardown(void)
{
    pki_free(root);
    pki_free(rsa);
    pki_free(ec);
    pki_free(p384);
}

TestSuite(encrypt, .init = setup, .fini = teardown);

static const struct {
    enum cipher cipher;
    const char *name, *smime_type;
    enum layer_type type;
} ciphers[] = {
    {CIPHER_AES_128_GCM, "aes-128-gcm", "authEnveloped-data", LAYER_AUTHENVELOPED},
    {CIPHER_AES_256_GCM, "aes-256-gcm", "authEnveloped-data", LAYER_AUTHENVELOPED},
    {CIPHER_AES_128_CBC, "aes-128-cbc", "enveloped-data", LAYER_ENVELOPED},
    {CIPHER_AES_256_CBC, "aes-256-cbc", "enveloped-data", LAYER_ENVELOPED},
};

/* Around a block, around a piece, around the spool's memory limit. */
static const size_t sizes[] = {0, 1, 15, 16, 17, 1000, 48 << 10, (48 << 10) + 1, 700 << 10};

static bool openssl_decrypts(const struct part *part, const struct pki *recipient, struct slice expected)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_cms(part);
    owned(BIO) BIO *out = BIO_new(BIO_s_mem());
    char *data;
    long length;
    if (CMS_decrypt(cms, recipient->key, recipient->cert, NULL, out, CMS_BINARY) != 1)
        return false;
    length = BIO_get_mem_data(out, &data);
    return slice_equal((struct slice){data, (size_t)length}, expected);
}

static void round_trip(size_t cipher, const struct pki *recipient, enum key_transport transport, size_t size,
                       const struct keys *keys)
{
    struct encrypt_options options = {
        .cipher = ciphers[cipher].cipher, .key_transport = transport, .limits = &craft_limits};
    g_autofree char *body = craft_text(size);
    g_autofree char *expected = NULL;
    struct error error = {0};
    CRAFT_LAYER layer;
    body[size] = '\0';
    expected = g_strconcat(CRAFT_HEADER "\r\n", body, NULL);
    struct entity content = craft_entity(CRAFT_HEADER, slice_of(body)), out = {0};
    cr_assert(smime_encrypt(&(X509 *){recipient->cert}, 1, &options, &content, &out, &error), "%s", error.text);
    entity_clear(&content);
    CRAFT_PART made = craft_part_of_entity(&out);
    cr_expect_str_eq(made.part->type, "application/pkcs7-mime");
    cr_expect_str_eq(part_parameter(made.part, "smime-type"), ciphers[cipher].smime_type);
    cr_expect_eq(made.part->encoding, ENCODING_BASE64);
    cr_expect(openssl_decrypts(made.part, recipient, slice_of(expected)), "%s, %zu", ciphers[cipher].name, size);
    cr_assert_eq(craft_open(made.part, keys, &craft_limits, &layer, &error), OPENED, "%s", error.text);
    cr_expect(craft_inner_is(&layer, expected), "%s, %zu", ciphers[cipher].name, size);
    cr_expect_eq(layer.facts.type, ciphers[cipher].type);
    cr_expect_str_eq(layer.facts.cipher, ciphers[cipher].name);
    cr_expect_eq(layer.facts.authenticated, layer.facts.type == LAYER_AUTHENVELOPED);
    cr_expect_eq(X509_cmp(layer.identity->certificate, recipient->cert), 0);
}

Test(encrypt, every_cipher_key_and_size)
{
    CRAFT_KEYS keys;
    craft_keys_open(&keys, (const struct pki *const[]){rsa, ec, p384, NULL}, ROLE_DOMAIN_CONFIDENTIALITY);
    for (size_t c = 0; c < G_N_ELEMENTS(ciphers); c++) {
        for (size_t s = 0; s < G_N_ELEMENTS(sizes); s++)
            round_trip(c, ec, KEY_TRANSPORT_RSA_OAEP, sizes[s], keys.keys);
        round_trip(c, rsa, KEY_TRANSPORT_RSA_OAEP, 1000, keys.keys);
        round_trip(c, rsa, KEY_TRANSPORT_RSA_PKCS1, 1000, keys.keys);
        round_trip(c, p384, KEY_TRANSPORT_RSA_OAEP, 1000, keys.keys);
    }
}

static CMS_RecipientInfo *only_recipient(CMS_ContentInfo *cms)
{
    STACK_OF(CMS_RecipientInfo) *infos = CMS_get0_RecipientInfos(cms);
    cr_assert_eq(sk_CMS_RecipientInfo_num(infos), 1);
    return sk_CMS_RecipientInfo_value(infos, 0);
}

/* RFC 4055 §4.1: id-RSAES-OAEP with SHA-256 and MGF1 SHA-256; named by issuer and serial. */
Test(encrypt, oaep_parameters)
{
    CRAFT_PART made = craft_encrypted(rsa, CIPHER_AES_256_GCM, KEY_TRANSPORT_RSA_OAEP);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_cms(made.part);
    CMS_RecipientInfo *info = only_recipient(cms);
    ASN1_OCTET_STRING *key_identifier = NULL;
    X509_NAME *issuer = NULL;
    ASN1_INTEGER *serial = NULL;
    RSA_OAEP_PARAMS *parameters;
    X509_ALGOR *algorithm, *mask;
    const ASN1_OBJECT *oid;
    const void *value;
    int type;
    cr_assert(CMS_RecipientInfo_ktri_get0_algs(info, NULL, NULL, &algorithm));
    X509_ALGOR_get0(&oid, &type, &value, algorithm);
    cr_assert_eq(OBJ_obj2nid(oid), NID_rsaesOaep);
    parameters = ASN1_item_unpack(value, ASN1_ITEM_rptr(RSA_OAEP_PARAMS));
    cr_assert_not_null(parameters);
    cr_expect_eq(OBJ_obj2nid(parameters->hashFunc->algorithm), NID_sha256);
    X509_ALGOR_get0(&oid, &type, &value, parameters->maskGenFunc);
    cr_expect_eq(OBJ_obj2nid(oid), NID_mgf1);
    mask = ASN1_item_unpack(value, ASN1_ITEM_rptr(X509_ALGOR));
    cr_expect_eq(OBJ_obj2nid(mask->algorithm), NID_sha256);
    X509_ALGOR_free(mask);
    RSA_OAEP_PARAMS_free(parameters);
    cr_expect(CMS_RecipientInfo_ktri_get0_signer_id(info, &key_identifier, &issuer, &serial));
    cr_expect_null(key_identifier);
    cr_expect_not_null(serial);
}

/* RFC 5753 §7.1.4: a KDF with SHA-256; the key wrap fits the cipher. */
Test(encrypt, ecdh_parameters)
{
    for (size_t c = 0; c < G_N_ELEMENTS(ciphers); c++) {
        CRAFT_PART made = craft_encrypted(ec, ciphers[c].cipher, KEY_TRANSPORT_RSA_OAEP);
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_cms(made.part);
        bool is_256 = strstr(ciphers[c].name, "256") != NULL;
        X509_ALGOR *algorithm, *wrap;
        const ASN1_OBJECT *oid;
        const void *value;
        int type;
        cr_assert(CMS_RecipientInfo_kari_get0_alg(only_recipient(cms), &algorithm, NULL));
        X509_ALGOR_get0(&oid, &type, &value, algorithm);
        cr_expect_eq(OBJ_obj2nid(oid), NID_dhSinglePass_stdDH_sha256kdf_scheme);
        wrap = ASN1_item_unpack(value, ASN1_ITEM_rptr(X509_ALGOR));
        cr_assert_not_null(wrap);
        cr_expect_eq(OBJ_obj2nid(wrap->algorithm), is_256 ? NID_id_aes256_wrap : NID_id_aes128_wrap, "%s",
                     ciphers[c].name);
        X509_ALGOR_free(wrap);
    }
}

Test(encrypt, several_recipients_each_once)
{
    X509 *recipients[] = {rsa->cert, ec->cert, rsa->cert, p384->cert, ec->cert};
    struct encrypt_options options = {.cipher = CIPHER_AES_256_GCM, .limits = &craft_limits};
    struct entity content = craft_entity(CRAFT_HEADER, slice_of(CRAFT_BODY)), out = {0};
    struct error error = {0};
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = NULL;
    cr_assert(smime_encrypt(recipients, G_N_ELEMENTS(recipients), &options, &content, &out, &error), "%s", error.text);
    CRAFT_PART made = craft_part_of_entity(&out);
    cms = craft_cms(made.part);
    cr_expect_eq(sk_CMS_RecipientInfo_num(CMS_get0_RecipientInfos(cms)), 3);
    for (size_t i = 0; i < G_N_ELEMENTS(recipients); i++) {
        const struct pki *each = i == 0 || i == 2 ? rsa : i == 3 ? p384 : ec;
        cr_expect(openssl_decrypts(made.part, each, slice_of(CRAFT_WHOLE)), "recipient %zu", i);
    }
}

Test(encrypt, two_messages_share_nothing)
{
    CRAFT_PART one = craft_encrypted(ec, CIPHER_AES_256_GCM, KEY_TRANSPORT_RSA_OAEP);
    CRAFT_PART two = craft_encrypted(ec, CIPHER_AES_256_GCM, KEY_TRANSPORT_RSA_OAEP);
    GByteArray *a = craft_der(one.part), *b = craft_der(two.part);
    cr_assert_gt(a->len, 40u);
    cr_expect(a->len != b->len || memcmp(a->data + a->len - 40, b->data + b->len - 40, 40) != 0);
    cr_expect_null(memmem(a->data, a->len, "quick brown", 11), "no plaintext");
    g_byte_array_unref(a);
    g_byte_array_unref(b);
}

Test(encrypt, keys_that_cannot_be_encrypted_for)
{
    PKI_AUTO struct pki *edwards =
        pki_issue(&(struct pki_spec){.issuer = root, .subject = PKI_LIST("CN=e"), .key = PKI_ED25519});
    struct encrypt_options options = {.cipher = CIPHER_AES_256_GCM, .limits = &craft_limits};
    X509 *recipients[] = {ec->cert, edwards->cert};
    struct entity content = craft_entity(CRAFT_HEADER, slice_of(CRAFT_BODY)), out = {0};
    struct error error = {0};
    cr_expect(!smime_encrypt(recipients, 2, &options, &content, &out, &error));
    cr_expect_eq(error.kind, ERROR_PERMANENT, "%s", error.text);
    cr_expect_null(out.body, "nothing comes out");
    error = (struct error){0};
    cr_expect(!smime_encrypt(recipients, 0, &options, &content, &out, &error), "nobody");
    cr_expect_eq(error.kind, ERROR_BUG);
    cr_expect_null(out.body);
    entity_clear(&content);
}
