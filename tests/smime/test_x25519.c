/* SPDX-License-Identifier: Apache-2.0 */
#include "support/craft.h"

static struct pki *root, *rsa, *ec, *x25519;
static struct craft_keys ours;

static void setup(void)
{
    craft_init();
    root = pki_ca("Acme root");
    rsa = pki_role_with(root, "domain-confidentiality-authority", "acme.test", PKI_RSA);
    ec = pki_role_with(root, "domain-confidentiality-authority", "acme.test", PKI_EC);
    x25519 = pki_role_with(root, "domain-confidentiality-authority", "acme.test", PKI_X25519);
    craft_keys_open(&ours, (const struct pki *const[]){x25519, NULL}, ROLE_DOMAIN_CONFIDENTIALITY);
}

static void teardown(void)
{
    craft_keys_close(&ours);
    pki_free(root);
    pki_free(rsa);
    pki_free(ec);
    pki_free(x25519);
}

TestSuite(x25519, .init = setup, .fini = teardown);

#define CANNOT "cannot be decrypted"
#define UNKNOWN "the key transport is unknown, or its parameters are malformed"

/* RFC 8418 §7, RFC 8410 §3, RFC 3565 §2.3.2: as they stand in DER. */
#define OID_HKDF_SHA256 "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x03\x13"
#define OID_X25519 "\x06\x03\x2b\x65\x6e"
#define OID_WRAP_128 "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x05"
#define OID_WRAP_192 "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x19"
#define OID_WRAP_256 "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2d"

static unsigned char *place(const GByteArray *der, const char *bytes, size_t length)
{
    unsigned char *at = memmem(der->data, der->len, bytes, length);
    cr_assert_not_null(at);
    cr_assert_null(memmem(at + 1, der->len - (size_t)(at + 1 - der->data), bytes, length), "only once");
    return at;
}
#define PLACE(der, bytes) place(der, bytes, sizeof(bytes) - 1)

/* BIT STRING of 32 octets behind the algorithm in originatorKey */
static unsigned char *ephemeral_of(const GByteArray *der)
{
    unsigned char *at = PLACE(der, OID_X25519) + sizeof(OID_X25519) - 1;
    cr_assert_eq(memcmp(at, "\x03\x21\x00", 3), 0);
    return at + 3;
}

static enum opened open_der(const GByteArray *der, struct error *error)
{
    CRAFT_PART part = craft_part_of_der(der->data, der->len);
    CRAFT_LAYER layer;
    enum opened opened;
    *error = (struct error){0};
    opened = smime_open(part.part, &(struct open_options){.limits = &craft_limits, .keys = ours.keys}, &layer, error);
    if (opened == OPENED)
        cr_expect(craft_inner_is(&layer, CRAFT_WHOLE));
    return opened;
}

/* RFC 8418 §3.2, RFC 8551 §2.3: HKDF with SHA-256, a wrap as long as the content key, an ephemeral key each time. */
Test(x25519, form)
{
    static const struct {
        enum cipher cipher;
        const char *wrap;
    } rows[] = {{CIPHER_AES_128_GCM, OID_WRAP_128},
                {CIPHER_AES_256_GCM, OID_WRAP_256},
                {CIPHER_AES_128_CBC, OID_WRAP_128},
                {CIPHER_AES_192_CBC, OID_WRAP_192},
                {CIPHER_AES_256_CBC, OID_WRAP_256}};
    unsigned char last[32] = {0};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        CRAFT_PART part = craft_encrypted(x25519, rows[i].cipher, KEY_TRANSPORT_RSA_OAEP);
        GByteArray *der = craft_der(part.part);
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_cms(part.part);
        STACK_OF(CMS_RecipientInfo) *infos = CMS_get0_RecipientInfos(cms);
        struct error error;
        cr_assert_eq(sk_CMS_RecipientInfo_num(infos), 1);
        cr_expect_eq(CMS_RecipientInfo_type(sk_CMS_RecipientInfo_value(infos, 0)), CMS_RECIPINFO_AGREE);
        PLACE(der, OID_HKDF_SHA256);
        place(der, rows[i].wrap, sizeof(OID_WRAP_128) - 1);
        /* version 3, and [0] [1] for originatorKey */
        cr_expect_not_null(memmem(der->data, der->len, "\x02\x01\x03\xa0\x2c\xa1\x2a\x30\x05" OID_X25519, 14));
        cr_expect_neq(memcmp(ephemeral_of(der), last, sizeof(last)), 0);
        memcpy(last, ephemeral_of(der), sizeof(last));
        cr_expect_eq(open_der(der, &error), OPENED, "%s", error.text);
        g_byte_array_unref(der);
    }
}

Test(x25519, beside_other_keys)
{
    PKI_AUTO struct pki *second = pki_role_with(root, "domain-confidentiality-authority", "partner.test", PKI_X25519);
    const struct pki *const all[] = {x25519, rsa, second, ec};
    X509 *recipients[] = {x25519->cert, rsa->cert, second->cert, ec->cert, x25519->cert};
    struct encrypt_options options = {.cipher = CIPHER_AES_256_CBC, .originator = rsa->cert, .limits = &craft_limits};
    struct entity content = craft_entity(CRAFT_HEADER, slice_of(CRAFT_BODY)), out = {0};
    struct error error = {0};
    cr_assert(smime_encrypt(recipients, G_N_ELEMENTS(recipients), &options, &content, &out, &error), "%s", error.text);
    CRAFT_PART part = craft_part_of_entity(&out);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_cms(part.part);
    cr_expect_eq(sk_CMS_RecipientInfo_num(CMS_get0_RecipientInfos(cms)), 4);
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        CRAFT_KEYS one;
        CRAFT_LAYER layer;
        craft_keys_open(&one, (const struct pki *const[]){all[i], NULL}, ROLE_DOMAIN_CONFIDENTIALITY);
        cr_expect_eq(
            smime_open(part.part, &(struct open_options){.limits = &craft_limits, .keys = one.keys}, &layer, &error),
            OPENED, "%zu: %s", i, error.text);
        cr_expect(craft_inner_is(&layer, CRAFT_WHOLE), "%zu", i);
    }
}

/* What everybody can see is told; what depends on a key is not. */
Test(x25519, malformed)
{
    static const struct {
        const char *bytes;
        size_t length, at;
        unsigned char value;
        const char *text;
    } rows[] = {
        {OID_HKDF_SHA256, 13, 12, 0x14, CANNOT},  /* SHA-384: known, and another one than was used */
        {OID_HKDF_SHA256, 13, 12, 0x16, UNKNOWN}, /* none */
        {OID_WRAP_256, 11, 10, 0x05, CANNOT},     /* AES-128: known, and another one */
        {OID_WRAP_256, 11, 10, 0x30, UNKNOWN},    /* with padding: nobody's in mail */
        {OID_X25519, 5, 4, 0x6f, UNKNOWN},        /* X448 */
        {OID_X25519 "\x03\x21", 7, 6, 0x20, "parsed"},
    };
    CRAFT_PART part = craft_encrypted(x25519, CIPHER_AES_256_GCM, KEY_TRANSPORT_RSA_OAEP);
    GByteArray *der = craft_der(part.part);

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        unsigned char *at = place(der, rows[i].bytes, rows[i].length) + rows[i].at;
        unsigned char kept = *at;
        struct error error;
        *at = rows[i].value;
        cr_expect_eq(open_der(der, &error), OPENED_FAILED, "%zu", i);
        cr_expect_not_null(strstr(error.text, rows[i].text), "%zu: %s", i, error.text);
        *at = kept;
    }
    g_byte_array_unref(der);
}

/* RFC 8410 §3 has no parameters; Bouncy Castle writes a NULL. */
Test(x25519, originator_with_null_parameters)
{
    CRAFT_PART part = craft_encrypted(x25519, CIPHER_AES_256_GCM, KEY_TRANSPORT_RSA_OAEP);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_cms(part.part);
    CMS_RecipientInfo *info = sk_CMS_RecipientInfo_value(CMS_get0_RecipientInfos(cms), 0);
    X509_ALGOR *originator = NULL;
    struct error error = {0};
    CRAFT_LAYER layer;
    cr_assert(CMS_RecipientInfo_kari_get0_orig_id(info, &originator, NULL, NULL, NULL, NULL));
    cr_assert(X509_ALGOR_set0(originator, OBJ_nid2obj(NID_X25519), V_ASN1_NULL, NULL));
    CRAFT_PART changed = craft_part_of_cms(cms);
    cr_expect_eq(craft_open(changed.part, ours.keys, &craft_limits, &layer, &error), OPENED, "%s", error.text);
    cr_expect(craft_inner_is(&layer, CRAFT_WHOLE));
}

/* RFC 8418 §2: a secret of all zeros is refused. Points of small order give it, whatever our key is. */
Test(x25519, points_of_small_order)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    CRAFT_PART part = craft_encrypted(x25519, CIPHER_AES_256_CBC, KEY_TRANSPORT_RSA_OAEP);
    GByteArray *der = craft_der(part.part);
    for (size_t i = 0; i < G_N_ELEMENTS(points); i++) {
        struct error error;
        long length;
        unsigned char *point = OPENSSL_hexstr2buf(points[i], &length);
        cr_assert_eq(length, 32);
        memcpy(ephemeral_of(der), point, 32);
        OPENSSL_free(point);
        cr_expect_eq(open_der(der, &error), OPENED_FAILED, "%s", points[i]);
        cr_expect_str_eq(error.text, CANNOT);
    }
    g_byte_array_unref(der);
}

/* One of two recipients, both of them ours, whose agreement gives nothing: the other opens the message. */
Test(x25519, a_point_of_small_order_beside_a_good_one)
{
    static unsigned char zeros[32];
    struct encrypt_options options = {.cipher = CIPHER_AES_256_CBC, .limits = &craft_limits};
    PKI_AUTO struct pki *second = pki_role_with(root, "domain-confidentiality-authority", "acme.test", PKI_X25519);
    const struct pki *const list[] = {x25519, second, NULL};
    CRAFT_KEYS keys;
    craft_keys_open(&keys, list, ROLE_DOMAIN_CONFIDENTIALITY);
    for (int bad = 0; bad < 2; bad++) {
        struct entity content = craft_entity(CRAFT_HEADER, slice_of(CRAFT_BODY)), out = {0};
        struct error error = {0};
        CRAFT_LAYER layer;
        X509 *const recipients[] = {x25519->cert, second->cert};
        cr_assert(smime_encrypt(recipients, 2, &options, &content, &out, &error), "%s", error.text);
        CRAFT_PART sent = craft_part_of_entity(&out);
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_cms(sent.part);
        STACK_OF(CMS_RecipientInfo) *infos = CMS_get0_RecipientInfos(cms);
        for (int i = 0; i < 2; i++) {
            CMS_RecipientInfo *info = sk_CMS_RecipientInfo_value(infos, i);
            CMS_RecipientEncryptedKey *key =
                sk_CMS_RecipientEncryptedKey_value(CMS_RecipientInfo_kari_get0_reks(info), 0);
            ASN1_BIT_STRING *point;
            cr_assert(CMS_RecipientInfo_kari_get0_orig_id(info, NULL, &point, NULL, NULL, NULL));
            if (CMS_RecipientEncryptedKey_cert_cmp(key, list[bad]->cert) == 0)
                cr_assert(ASN1_BIT_STRING_set(point, zeros, sizeof(zeros)));
        }
        CRAFT_PART part = craft_part_of_cms(cms);
        cr_expect_eq(craft_open(part.part, keys.keys, &craft_limits, &layer, &error), OPENED, "%d: %s", bad,
                     error.text);
        cr_expect_eq(error.kind, ERROR_NONE, "%d: %s", bad, error.text);
        cr_expect_eq(layer.facts.attempted, 2u, "%d", bad);
        cr_expect_eq(layer.identity, keys_at(keys.keys, (size_t)!bad), "%d", bad);
        cr_expect(craft_inner_is(&layer, CRAFT_WHOLE), "%d", bad);
    }
}

/* The encryptedKey (RFC 5652 §6.2.2), behind the algorithm of its wrap and the identifier of its recipient. Its place
 * is read, not searched: everything around it is random. */
static unsigned char *wrapped_key(const GByteArray *der, long expected)
{
    const unsigned char *at = PLACE(der, OID_WRAP_256) + sizeof(OID_WRAP_256) - 1, *end = der->data + der->len;
    long length;
    int tag, class;
    for (int depth = 0; depth < 2; depth++) /* recipientEncryptedKeys, and the first one of them */
        cr_assert(ASN1_get_object(&at, &length, &tag, &class, end - at) == V_ASN1_CONSTRUCTED &&
                  tag == V_ASN1_SEQUENCE);
    cr_assert((ASN1_get_object(&at, &length, &tag, &class, end - at) & 0x80) == 0);
    at += length;
    cr_assert(ASN1_get_object(&at, &length, &tag, &class, end - at) == 0 && tag == V_ASN1_OCTET_STRING);
    cr_assert_eq(length, expected);
    return der->data + (at - der->data);
}

/* A key that does not come out of its wrap: the content is decrypted with a random one, as with RSA. */
Test(x25519, a_broken_wrap)
{
    static const enum cipher ciphers[] = {CIPHER_AES_256_CBC, CIPHER_AES_256_GCM};
    for (size_t c = 0; c < G_N_ELEMENTS(ciphers); c++) {
        CRAFT_PART part = craft_encrypted(x25519, ciphers[c], KEY_TRANSPORT_RSA_OAEP);
        GByteArray *der = craft_der(part.part);
        unsigned char *wrapped = wrapped_key(der, 40); /* 32 and a block (RFC 3394 §2.2.1) */
        for (int i = 0; i < 40; i += 3) {
            struct error error;
            wrapped[i] ^= 0x10;
            cr_expect_eq(open_der(der, &error), ciphers[c] == CIPHER_AES_256_CBC ? OPENED_BROKEN : OPENED_FAILED);
            cr_expect_str_eq(error.text, CANNOT, "octet %d: %s", i, error.text);
            wrapped[i] ^= 0x10;
        }
        g_byte_array_unref(der);
    }
}

/* An agreement on another curve in our name, and an X25519 one in the name of a key on another curve. */
Test(x25519, curves_are_not_mixed)
{
    struct pki_spec spec = {
        .issuer = root, .subject = PKI_LIST("CN=x"), .serial = 77, .key = PKI_X25519, .no_key_ids = true};
    PKI_AUTO struct pki *one = pki_issue(&spec);
    spec.key = PKI_EC;
    PKI_AUTO struct pki *other = pki_issue(&spec);
    const struct pki *const pairs[][2] = {{one, other}, {other, one}};

    for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
        CRAFT_PART part = craft_encrypted(pairs[i][0], CIPHER_AES_256_GCM, KEY_TRANSPORT_RSA_OAEP);
        struct error error = {0};
        CRAFT_LAYER layer;
        CRAFT_KEYS keys;
        craft_keys_open(&keys, (const struct pki *const[]){pairs[i][1], NULL}, ROLE_DOMAIN_CONFIDENTIALITY);
        cr_expect_eq(
            smime_open(part.part, &(struct open_options){.limits = &craft_limits, .keys = keys.keys}, &layer, &error),
            OPENED_FAILED, "%zu", i);
    }
}
