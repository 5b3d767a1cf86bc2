/* SPDX-License-Identifier: Apache-2.0 */
#include "support/craft.h"

#include <dlfcn.h>
#include <openssl/rsa.h>

static unsigned decoded, decoded_fails; /* this one of what is decoded fails; 0: none */

CMS_ContentInfo *d2i_CMS_ContentInfo(CMS_ContentInfo **cms, const unsigned char **der, long length)
{
    CMS_ContentInfo *(*real)(CMS_ContentInfo **, const unsigned char **, long) =
        (CMS_ContentInfo * (*)(CMS_ContentInfo **, const unsigned char **, long))
            dlsym(RTLD_NEXT, "d2i_CMS_ContentInfo");
    return ++decoded == decoded_fails ? NULL : real(cms, der, length);
}

static struct pki *root, *rsa, *ec, *x25519;
static struct craft_keys ours;

static void setup(void)
{
    craft_init();
    root = pki_ca("Acme root");
    rsa = pki_role_with(root, "domain-confidentiality-authority", "acme.test", PKI_RSA);
    ec = pki_role_with(root, "domain-confidentiality-authority", "acme.test", PKI_EC);
    x25519 = pki_role_with(root, "domain-confidentiality-authority", "acme.test", PKI_X25519);
    craft_keys_open(&ours, (const struct pki *const[]){rsa, ec, x25519, NULL}, ROLE_DOMAIN_CONFIDENTIALITY);
}

static void teardown(void)
{
    craft_keys_close(&ours);
    pki_free(root);
    pki_free(rsa);
    pki_free(ec);
    pki_free(x25519);
}

TestSuite(decrypt, .init = setup, .fini = teardown, .timeout = 100);

#define CANNOT "cannot be decrypted"

static enum opened open_der(const unsigned char *der, size_t length, struct layer *layer, struct error *error)
{
    CRAFT_PART part = craft_part_of_der(der, length);
    *error = (struct error){0};
    return smime_open(part.part, &(struct open_options){.limits = &craft_limits, .keys = ours.keys}, layer, error);
}

/* Whatever octet is changed: an authenticated layer opens to what was sent or not at all. */
static void flip_everywhere(const struct pki *recipient, enum cipher cipher, size_t *opened_changed)
{
    CRAFT_PART part = craft_encrypted(recipient, cipher, KEY_TRANSPORT_RSA_OAEP);
    GByteArray *der = craft_der(part.part);
    for (guint i = 0; i < der->len; i++) {
        struct error error;
        CRAFT_LAYER layer;
        der->data[i] ^= 1u << (i % 8);
        enum opened opened = open_der(der->data, der->len, &layer, &error);
        der->data[i] ^= 1u << (i % 8);
        if (opened == OPENED && !craft_inner_is(&layer, CRAFT_WHOLE)) {
            cr_expect(!layer.facts.authenticated, "octet %u", i);
            (*opened_changed)++;
        }
        if (opened != OPENED)
            cr_expect((layer.inner.data == NULL || opened == OPENED_BROKEN) && error.text[0] != '\0', "octet %u", i);
    }
    g_byte_array_unref(der);
}

Test(decrypt, flips_in_gcm)
{
    size_t changed = 0;
    flip_everywhere(ec, CIPHER_AES_256_GCM, &changed);
    flip_everywhere(ec, CIPHER_AES_128_GCM, &changed);
    flip_everywhere(rsa, CIPHER_AES_256_GCM, &changed);
    flip_everywhere(x25519, CIPHER_AES_256_GCM, &changed);
    cr_expect_eq(changed, 0u);
}

/* CBC is malleable; that is why a layer says whether it was authenticated. */
Test(decrypt, flips_in_cbc)
{
    size_t changed = 0;
    flip_everywhere(ec, CIPHER_AES_256_CBC, &changed);
    cr_expect_gt(changed, 0u, "the test sees what it is to see");
}

Test(decrypt, truncations)
{
    CRAFT_PART part = craft_encrypted(ec, CIPHER_AES_256_GCM, KEY_TRANSPORT_RSA_OAEP);
    GByteArray *der = craft_der(part.part);
    for (guint length = 0; length < der->len; length++) {
        struct error error;
        CRAFT_LAYER layer;
        cr_expect_eq(open_der(der->data, length, &layer, &error), OPENED_FAILED, "%u octets", length);
    }
    g_byte_array_unref(der);
}

Test(decrypt, what_follows_the_object_is_refused)
{
    CRAFT_PART part = craft_encrypted(ec, CIPHER_AES_256_GCM, KEY_TRANSPORT_RSA_OAEP);
    GByteArray *der = craft_der(part.part);
    struct error error;
    CRAFT_LAYER layer;
    g_byte_array_append(der, (const guint8 *)"\x05\x00", 2);
    cr_expect_eq(open_der(der->data, der->len, &layer, &error), OPENED_FAILED);
    cr_expect(strstr(error.text, "followed") != NULL, "%s", error.text);
    g_byte_array_unref(der);
}

static ASN1_OCTET_STRING *content_of(CMS_ContentInfo *cms)
{
    return *CMS_get0_content(cms);
}

static void set_content(CMS_ContentInfo *cms, int drop, int flip)
{
    ASN1_OCTET_STRING *content = content_of(cms);
    g_autofree unsigned char *copy = g_memdup2(ASN1_STRING_get0_data(content), (gsize)ASN1_STRING_length(content));
    int length = ASN1_STRING_length(content) - drop;
    if (flip >= 0)
        copy[flip] ^= 0x80;
    cr_assert(ASN1_OCTET_STRING_set(content, copy, length));
}

static enum opened open_cms(const CMS_ContentInfo *cms, const struct keys *keys, struct error *error)
{
    CRAFT_PART part = craft_part_of_cms(cms);
    CRAFT_LAYER layer;
    return craft_open(part.part, keys, &craft_limits, &layer, error);
}

/* Wrong key, wrong padding of the key, wrong padding of the content, wrong tag, content cut: one outcome, one text (RFC
 * 3218). */
Test(decrypt, failures_cannot_be_told_apart)
{
    static const struct {
        const char *name;
        bool is_rsa;
        enum cipher cipher;
        enum key_transport transport;
        int drop, flip; /* of the content; -1 flips its last octet but 16, -2: nothing */
    } rows[] = {
        {"rsa pkcs1 cbc, padding", true, CIPHER_AES_256_CBC, KEY_TRANSPORT_RSA_PKCS1, 0, -1},
        {"rsa pkcs1 cbc, cut", true, CIPHER_AES_256_CBC, KEY_TRANSPORT_RSA_PKCS1, 5, -2},
        {"rsa oaep gcm, content", true, CIPHER_AES_256_GCM, KEY_TRANSPORT_RSA_OAEP, 0, 3},
        {"rsa oaep gcm, cut", true, CIPHER_AES_256_GCM, KEY_TRANSPORT_RSA_OAEP, 1, -2},
        {"ecdh gcm, content", false, CIPHER_AES_128_GCM, KEY_TRANSPORT_RSA_OAEP, 0, 3},
        {"ecdh cbc, cut", false, CIPHER_AES_128_CBC, KEY_TRANSPORT_RSA_OAEP, 7, -2},
        {"rsa pkcs1 cbc, everything cut", true, CIPHER_AES_256_CBC, KEY_TRANSPORT_RSA_PKCS1, 1000, -2},
        {"ecdh gcm, everything cut", false, CIPHER_AES_128_GCM, KEY_TRANSPORT_RSA_OAEP, 1000, -2},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        CRAFT_PART part = craft_encrypted(rows[i].is_rsa ? rsa : ec, rows[i].cipher, rows[i].transport);
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_cms(part.part);
        int length = ASN1_STRING_length(content_of(cms));
        int flip = rows[i].flip == -1 ? length - 17 : rows[i].flip;
        struct error error;
        set_content(cms, MIN(rows[i].drop, length), flip);
        /* A length that no CBC content has can be seen by anybody; a wrong padding cannot. */
        cr_expect_eq(open_cms(cms, ours.keys, &error), rows[i].flip == -1 ? OPENED_BROKEN : OPENED_FAILED, "%s",
                     rows[i].name);
        cr_expect_str_eq(error.text, CANNOT, "%s", rows[i].name);
        cr_expect_eq(error.kind, ERROR_PERMANENT);
    }
}

/* The RSA block itself, changed at every octet, in both paddings and with both ciphers. */
Test(decrypt, a_broken_key_block_gives_the_same_text)
{
    static const enum cipher ciphers[] = {CIPHER_AES_256_CBC, CIPHER_AES_256_GCM};
    for (size_t c = 0; c < G_N_ELEMENTS(ciphers); c++) {
        for (int transport = KEY_TRANSPORT_RSA_OAEP; transport <= KEY_TRANSPORT_RSA_PKCS1; transport++) {
            CRAFT_PART part = craft_encrypted(rsa, ciphers[c], (enum key_transport)transport);
            GByteArray *der = craft_der(part.part);
            /* The only OCTET STRING of 256: 04 82 01 00 */
            unsigned char *block = memmem(der->data, der->len, "\x04\x82\x01\x00", 4);
            cr_assert_not_null(block);
            for (int i = 0; i < 256; i += 17) {
                struct error error;
                CRAFT_LAYER layer;
                block[4 + i] ^= 0x10;
                cr_expect_eq(open_der(der->data, der->len, &layer, &error),
                             ciphers[c] == CIPHER_AES_256_CBC ? OPENED_BROKEN : OPENED_FAILED);
                cr_expect_str_eq(error.text, CANNOT, "octet %d: %s", i, error.text);
                block[4 + i] ^= 0x10;
            }
            g_byte_array_unref(der);
        }
    }
}

/* Same issuer and serial number, another key. */
Test(decrypt, the_wrong_key_under_the_right_name)
{
    static const enum pki_key kinds[] = {PKI_RSA, PKI_EC, PKI_X25519};
    for (size_t kind = 0; kind < G_N_ELEMENTS(kinds); kind++) {
        struct pki_spec spec = {.issuer = root,
                                .subject = PKI_LIST("CN=x"),
                                .serial = 77,
                                .slot = 5,
                                .key = kinds[kind],
                                .no_key_ids = true};
        PKI_AUTO struct pki *right = pki_issue(&spec);
        spec.slot = 6;
        PKI_AUTO struct pki *wrong = pki_issue(&spec);
        CRAFT_PART part = craft_encrypted(right, CIPHER_AES_256_GCM, KEY_TRANSPORT_RSA_OAEP);
        CRAFT_KEYS keys;
        struct error error = {0};
        CRAFT_LAYER layer;

        craft_keys_open(&keys, (const struct pki *const[]){wrong, NULL}, ROLE_DOMAIN_CONFIDENTIALITY);
        cr_expect_eq(
            smime_open(part.part, &(struct open_options){.limits = &craft_limits, .keys = keys.keys}, &layer, &error),
            OPENED_FAILED);
        cr_expect_str_eq(error.text, CANNOT);
        cr_expect_eq(layer.facts.type, LAYER_AUTHENVELOPED);
        cr_expect_null(layer.inner.data);
        cr_expect_null(layer.identity);

        /* Beside the right one it does not disturb, in either order. */
        CRAFT_KEYS both;
        craft_keys_open(&both, (const struct pki *const[]){wrong, right, NULL}, ROLE_DOMAIN_CONFIDENTIALITY);
        error = (struct error){0};
        CRAFT_LAYER again;
        cr_expect_eq(
            smime_open(part.part, &(struct open_options){.limits = &craft_limits, .keys = both.keys}, &again, &error),
            OPENED, "%s", error.text);
        cr_expect_eq(error.kind, ERROR_NONE, "%s", error.text); /* with an error, the layer would count as shut */
        cr_expect(craft_inner_is(&again, CRAFT_WHOLE));
    }
}

Test(decrypt, not_for_us)
{
    PKI_AUTO struct pki *other = pki_person(root, "eve@elsewhere.test");
    CRAFT_PART part = craft_encrypted(other, CIPHER_AES_256_GCM, KEY_TRANSPORT_RSA_OAEP);
    CRAFT_PART mine = craft_encrypted(ec, CIPHER_AES_128_CBC, KEY_TRANSPORT_RSA_OAEP);
    struct error error = {0};
    CRAFT_LAYER layer, second, third;
    CRAFT_KEYS signing;
    cr_expect_eq(
        smime_open(part.part, &(struct open_options){.limits = &craft_limits, .keys = ours.keys}, &layer, &error),
        OPENED_NO_KEY);
    cr_expect_eq(layer.facts.type, LAYER_AUTHENVELOPED);
    cr_expect_str_eq(layer.facts.cipher, "aes-256-gcm");
    cr_expect_eq(smime_open(part.part, &(struct open_options){.limits = &craft_limits, .keys = NULL}, &second, &error),
                 OPENED_NO_KEY, "no keys at all");
    /* Only confidentiality authorities decrypt (RFC 3183 §4). */
    craft_keys_open(&signing, (const struct pki *const[]){ec, NULL}, ROLE_DOMAIN_SIGNING);
    cr_expect_eq(
        smime_open(mine.part, &(struct open_options){.limits = &craft_limits, .keys = signing.keys}, &third, &error),
        OPENED_NO_KEY);
}

/* --- what is refused before a key is used --- */

static CMS_ContentInfo *encrypt_text(const EVP_CIPHER *cipher, const struct pki *recipient, unsigned flags,
                                     const char *text)
{
    STACK_OF(X509) *to = sk_X509_new_null();
    BIO *data = BIO_new_mem_buf(text, -1);
    CMS_ContentInfo *cms;
    sk_X509_push(to, recipient->cert);
    cms = CMS_encrypt(to, data, cipher, CMS_BINARY | flags);
    cr_assert_not_null(cms, "%s", ERR_reason_error_string(ERR_peek_last_error()));
    sk_X509_free(to);
    BIO_free(data);
    return cms;
}

static CMS_ContentInfo *encrypt_by_hand(const EVP_CIPHER *cipher, const struct pki *recipient, unsigned flags)
{
    return encrypt_text(cipher, recipient, flags, CRAFT_WHOLE);
}

Test(decrypt, ciphers)
{
    static const struct {
        int nid;
        enum opened opened;
        const char *text;
    } rows[] = {
        {NID_aes_128_cbc, OPENED, ""},
        {NID_aes_192_cbc, OPENED, ""},
        {NID_aes_256_gcm, OPENED, ""},
        {NID_aes_192_gcm, OPENED, ""},
        {NID_des_ede3_cbc, OPENED, ""},
        {NID_camellia_256_cbc, OPENED_FAILED, "camellia-256-cbc is not supported"},
        {NID_aes_256_cfb128, OPENED_FAILED, "not supported in EnvelopedData"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = encrypt_by_hand(EVP_get_cipherbynid(rows[i].nid), rsa, 0);
        struct error error;
        cr_expect_eq(open_cms(cms, ours.keys, &error), rows[i].opened, "%s: %s", OBJ_nid2sn(rows[i].nid), error.text);
        cr_expect(strstr(error.text, rows[i].text) != NULL, "%s: %s", OBJ_nid2sn(rows[i].nid), error.text);
    }
}

/* The DER with one run of octets replaced by another of any length, and the lengths around it made right again:
 * possible because each element around it has a length of two octets (82 xx xx). */
static GByteArray *replace(const GByteArray *der, const void *old, size_t old_length, const void *new,
                           size_t new_length)
{
    unsigned char *place = memmem(der->data, der->len, old, old_length);
    GByteArray *made = g_byte_array_new();
    int delta = (int)new_length - (int)old_length;
    cr_assert_not_null(place);
    g_byte_array_append(made, der->data, (guint)(place - der->data));
    g_byte_array_append(made, new, (guint)new_length);
    g_byte_array_append(made, place + old_length, (guint)(der->data + der->len - place - old_length));
    for (guint i = 0; i + 4 <= (guint)(place - der->data); i++) {
        const unsigned char *at = der->data + i;
        guint length = (guint)at[2] << 8 | at[3];
        if ((at[0] == 0x30 || at[0] == 0xa0) && at[1] == 0x82 && at + 4 + length >= place + old_length &&
            at + 4 + length <= der->data + der->len) {
            length = (guint)((int)length + delta);
            made->data[i + 2] = (guint8)(length >> 8);
            made->data[i + 3] = (guint8)length;
        }
    }
    return made;
}

/* A GCM message in DER whose lengths around have two octets each. */
static GByteArray *large_gcm(void)
{
    struct encrypt_options options = {.cipher = CIPHER_AES_256_GCM, .limits = &craft_limits};
    g_autofree char *body = craft_text(2000);
    struct entity content = craft_entity(CRAFT_HEADER, slice_of(body)), out = {0};
    struct error error = {0};
    cr_assert(smime_encrypt(&(X509 *){rsa->cert}, 1, &options, &content, &out, &error), "%s", error.text);
    CRAFT_PART part = craft_part_of_entity(&out);
    return craft_der(part.part);
}

/* RFC 5084 §3.2: a tag that is short, or not of the length that the parameters say. */
Test(decrypt, tags)
{
    static const struct {
        guint length;  /* of the tag left over */
        int parameter; /* aes-ICVlen; 0: as it was */
        enum opened opened;
    } rows[] = {
        {16, 0, OPENED},         {15, 0, OPENED_FAILED},  {12, 0, OPENED_FAILED},  {4, 0, OPENED_FAILED},
        {1, 0, OPENED_FAILED},   {0, 0, OPENED_FAILED},   {4, 4, OPENED_FAILED},   {8, 8, OPENED_FAILED},
        {11, 11, OPENED_FAILED}, {1, 1, OPENED_FAILED},   {16, 17, OPENED_FAILED}, {16, 12, OPENED_FAILED},
        {12, 12, OPENED},        {17, 17, OPENED_FAILED}, {17, 0, OPENED_FAILED},
    };
    GByteArray *der = large_gcm();
    struct error error = {0};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        guint8 old[18], new[19] = {0};
        CRAFT_LAYER layer;
        memcpy(old, der->data + der->len - 18, 18);
        cr_assert(old[0] == 4 && old[1] == 16);
        memcpy(new, old, 18);
        new[1] = (guint8)rows[i].length;
        GByteArray *made = replace(der, old, 18, new, 2 + rows[i].length);
        if (rows[i].parameter != 0) {
            unsigned char *parameter = memmem(made->data, made->len, "\x02\x01\x10", 3);
            cr_assert_not_null(parameter);
            parameter[2] = (unsigned char)rows[i].parameter;
        }
        cr_expect_eq(open_der(made->data, made->len, &layer, &error), rows[i].opened, "%u, %d: %s", rows[i].length,
                     rows[i].parameter, error.text);
        cr_expect_eq(layer.facts.attempted, rows[i].opened == OPENED ? 1u : 0u, "%u, %d: seen before a key is used",
                     rows[i].length, rows[i].parameter);
        g_byte_array_unref(made);
    }
    g_byte_array_unref(der);
}

/* RFC 5084 §3.2: aes-ICVlen is 12 where it is not said. OpenSSL does not know that. */
Test(decrypt, tag_of_the_default_length)
{
    GByteArray *der = large_gcm();
    guint8 tag[18], short_tag[14] = {0x04, 12}, parameters[32], without[29];
    struct error error = {0};
    memcpy(tag, der->data + der->len - 18, sizeof(tag));
    memcpy(short_tag + 2, tag + 2, 12);
    /* SEQUENCE { aes256-GCM, SEQUENCE { nonce, 16 } } */
    memcpy(parameters, memmem(der->data, der->len, "\x30\x1e\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2e", 13), 32);
    memcpy(without, parameters, 29);
    without[1] -= 3;
    without[14] -= 3;
    GByteArray *silent = replace(der, parameters, 32, without, 29);
    GByteArray *made = replace(silent, tag, 18, short_tag, 14);
    CRAFT_LAYER layer, full, cut, lost;
    cr_expect_eq(open_der(made->data, made->len, &layer, &error), OPENED, "%s", error.text);
    decoded = 0;
    decoded_fails = 2; /* with the length in it: there is no memory */
    cr_expect_eq(open_der(made->data, made->len, &lost, &error), OPENED_FAILED);
    cr_expect_eq(error.kind, ERROR_TEMPORARY);
    cr_expect_str_eq(error.said, "the length of the authentication tag");
    decoded_fails = 0;
    cr_expect_eq(open_der(silent->data, silent->len, &full, &error), OPENED_FAILED, "16 octets are not 12");
    made->data[made->len - 1] ^= 1;
    cr_expect_eq(open_der(made->data, made->len, &cut, &error), OPENED_FAILED, "the tag is looked at");
    cr_expect_str_eq(error.text, CANNOT);
    g_byte_array_unref(made);
    g_byte_array_unref(silent);
    g_byte_array_unref(der);
}

/* RFC 5084 §3.2: OpenSSL takes up to 16 octets, and before 3.0.19 writes what is longer over its stack. */
Test(decrypt, nonces)
{
    static const struct {
        guint8 length;
        bool usable;
    } rows[] = {{0, false}, {1, true}, {12, true}, {16, true}, {17, false}, {64, false}, {100, false}};
    GByteArray *der = large_gcm();
    struct error error = {0};

    /* SEQUENCE { aes256-GCM, SEQUENCE { nonce, 16 } } */
    unsigned char *algorithm = memmem(der->data, der->len, "\x30\x1e\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2e", 13);
    cr_assert_not_null(algorithm);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        guint8 length = rows[i].length, new[160] = {0x30, (guint8)(length + 18)};
        CRAFT_LAYER layer;
        memcpy(new + 2, algorithm + 2, 11);
        memcpy(new + 13, (const guint8[]){0x30, (guint8)(length + 5), 0x04, length}, 4);
        memcpy(new + 17 + length, "\x02\x01\x10", 3);
        GByteArray *made = replace(der, algorithm, 32, new, (size_t)length + 20);
        cr_expect_eq(open_der(made->data, made->len, &layer, &error), OPENED_FAILED);
        cr_expect_eq(strcmp(error.text, CANNOT) == 0, rows[i].usable, "%u: %s", length, error.text);
        g_byte_array_unref(made);
    }
    g_byte_array_unref(der);
}

static CMS_ContentInfo *agreed(int wrap_nid, int parameters)
{
    CMS_ContentInfo *cms = encrypt_by_hand(EVP_aes_256_gcm(), ec, 0);
    CMS_RecipientInfo *info = sk_CMS_RecipientInfo_value(CMS_get0_RecipientInfos(cms), 0);
    X509_ALGOR *algorithm = NULL, *wrap = X509_ALGOR_new();
    ASN1_STRING *encoded = NULL;
    X509_ALGOR_set0(wrap, OBJ_nid2obj(wrap_nid), V_ASN1_UNDEF, NULL);
    cr_assert(CMS_RecipientInfo_kari_get0_alg(info, &algorithm, NULL));
    if (parameters == V_ASN1_SEQUENCE)
        cr_assert_not_null(ASN1_item_pack(wrap, ASN1_ITEM_rptr(X509_ALGOR), &encoded));
    X509_ALGOR_set0(algorithm, OBJ_dup(algorithm->algorithm), parameters, encoded);
    X509_ALGOR_free(wrap);
    return cms;
}

/* RFC 5753 §7.1.5: what wraps the content key has to be said, and is one of a few. */
Test(decrypt, agreements_that_say_no_known_wrap)
{
    static const struct {
        int wrap, parameters;
        const char *text;
    } rows[] = {
        {NID_id_aes256_wrap, V_ASN1_SEQUENCE, ""},
        {NID_id_aes128_wrap, V_ASN1_SEQUENCE, CANNOT}, /* known, and another one than was used */
        {NID_id_aes256_wrap_pad, V_ASN1_SEQUENCE, "unknown"},
        {NID_aes_256_cbc, V_ASN1_SEQUENCE, "unknown"},
        {NID_id_smime_alg_CMS3DESwrap, V_ASN1_SEQUENCE, "unknown"}, /* weaker than what it wraps */
        {NID_id_aes256_wrap, V_ASN1_NULL, "unknown"},
        {NID_id_aes256_wrap, V_ASN1_UNDEF, "unknown"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = agreed(rows[i].wrap, rows[i].parameters);
        struct error error;
        enum opened opened = open_cms(cms, ours.keys, &error);
        cr_expect_eq(opened, rows[i].text[0] == '\0' ? OPENED : OPENED_FAILED, "%zu: %s", i, error.text);
        cr_expect_not_null(strstr(error.text, rows[i].text), "%zu: %s", i, error.text);
    }
}

static const unsigned char *enter(const unsigned char *at, const unsigned char *end, long *length)
{
    int tag, class;
    cr_assert_eq(ASN1_get_object(&at, length, &tag, &class, end - at) & 0x80, 0);
    return at;
}

/* The first of the RecipientInfos becomes the last. */
static void rotate_recipients(GByteArray *der)
{
    const unsigned char *at = der->data, *end = at + der->len;
    long length, first;
    at = enter(at, end, &length);          /* ContentInfo */
    at = enter(at, end, &length) + length; /* its type */
    at = enter(at, end, &length);          /* [0] */
    at = enter(at, end, &length);          /* EnvelopedData */
    at = enter(at, end, &length) + length; /* its version */
    at = enter(at, end, &length);
    size_t size = (size_t)(enter(at, end, &first) + first - at), rest = (size_t)length - size;
    g_autofree unsigned char *moved = g_memdup2(at, size);
    unsigned char *place = der->data + (at - der->data);
    memmove(place, place + size, rest);
    memcpy(place + rest, moved, size);
}

/* In an order that DER does not have: the agreement of another comes first. */
Test(decrypt, an_unknown_transport_behind_an_agreement)
{
    struct encrypt_options options = {
        .cipher = CIPHER_AES_256_CBC, .key_transport = KEY_TRANSPORT_RSA_OAEP, .limits = &craft_limits};
    struct entity content = craft_entity(CRAFT_HEADER, slice_of(CRAFT_BODY)), out = {0};
    PKI_AUTO struct pki *other = pki_person(root, "eve@elsewhere.test");
    X509 *const recipients[] = {rsa->cert, other->cert};
    struct error error = {0};
    X509_ALGOR *algorithm;
    CRAFT_LAYER layer;
    cr_assert(smime_encrypt(recipients, 2, &options, &content, &out, &error), "%s", error.text);
    CRAFT_PART sent = craft_part_of_entity(&out);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_cms(sent.part);
    CMS_RecipientInfo *info = sk_CMS_RecipientInfo_value(CMS_get0_RecipientInfos(cms), 0);
    cr_assert(CMS_RecipientInfo_ktri_get0_algs(info, NULL, NULL, &algorithm));
    cr_assert(X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_rsassaPss), V_ASN1_UNDEF, NULL));
    CRAFT_PART changed = craft_part_of_cms(cms);
    g_autoptr(GByteArray) der = craft_der(changed.part);
    rotate_recipients(der);
    CRAFT_PART rotated = craft_part_of_der(der->data, der->len);
    cr_expect_eq(craft_open(rotated.part, ours.keys, &craft_limits, &layer, &error), OPENED_FAILED);
    cr_expect_str_eq(error.text, "the key transport is unknown, or its parameters are malformed");
    cr_expect_eq(layer.facts.attempted, 0u);
}

/* What older gateways send: triple DES around triple DES. It counts as weak. */
Test(decrypt, triple_des_wraps_triple_des)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = encrypt_by_hand(EVP_des_ede3_cbc(), ec, 0);
    CRAFT_PART part = craft_part_of_cms(cms);
    struct error error;
    CRAFT_LAYER layer;
    cr_expect_eq(craft_open(part.part, ours.keys, &craft_limits, &layer, &error), OPENED, "%s", error.text);
    cr_expect(layer.facts.weak);
}

/* One structure's content type with the other's cipher, or with an unknown one. */
Test(decrypt, modes_are_not_mixed)
{
    static const struct {
        enum cipher from;
        guint8 arc; /* under 2.16.840.1.101.3.4.1 */
        const char *text;
    } rows[] = {
        {CIPHER_AES_256_GCM, 2, "content encryption aes-128-cbc is not supported in AuthEnvelopedData"},
        {CIPHER_AES_256_GCM, 22, "content encryption aes-192-cbc is not supported in AuthEnvelopedData"},
        {CIPHER_AES_256_GCM, 42, "content encryption aes-256-cbc is not supported in AuthEnvelopedData"},
        {CIPHER_AES_256_GCM, 99, "content encryption 2.16.840.1.101.3.4.1.99 is not supported in AuthEnvelopedData"},
        {CIPHER_AES_256_CBC, 6, "content encryption aes-128-gcm is not supported in EnvelopedData"},
        {CIPHER_AES_256_CBC, 26, "content encryption aes-192-gcm is not supported in EnvelopedData"},
        {CIPHER_AES_256_CBC, 46, "content encryption aes-256-gcm is not supported in EnvelopedData"},
        {CIPHER_AES_256_CBC, 99, "content encryption 2.16.840.1.101.3.4.1.99 is not supported in EnvelopedData"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        CRAFT_PART part = craft_encrypted(rsa, rows[i].from, KEY_TRANSPORT_RSA_OAEP);
        g_autoptr(GByteArray) der = craft_der(part.part);
        const char *was = rows[i].from == CIPHER_AES_256_GCM ? "\x60\x86\x48\x01\x65\x03\x04\x01\x2e"
                                                             : "\x60\x86\x48\x01\x65\x03\x04\x01\x2a";
        unsigned char *oid = memmem(der->data, der->len, was, 9);
        struct error error;
        CRAFT_LAYER layer;
        cr_assert_not_null(oid);
        oid[8] = rows[i].arc;
        cr_expect_eq(open_der(der->data, der->len, &layer, &error), OPENED_FAILED, "row %zu", i);
        cr_expect_str_eq(error.text, rows[i].text, "row %zu: %s", i, error.text);
        cr_expect_eq(error.kind, ERROR_PERMANENT, "row %zu", i);
        cr_expect_eq(layer.facts.attempted, 0u, "row %zu", i);
    }
}

/* The vector of CBC as a text: OpenSSL refuses it when the key is there already. */
Test(decrypt, parameters_that_are_refused_last)
{
    const struct pki *const list[] = {rsa, ec, x25519};
    for (size_t i = 0; i < G_N_ELEMENTS(list); i++) {
        CRAFT_PART part = craft_encrypted(list[i], CIPHER_AES_256_CBC, KEY_TRANSPORT_RSA_OAEP);
        g_autoptr(GByteArray) der = craft_der(part.part);
        unsigned char *cipher = memmem(der->data, der->len, "\x60\x86\x48\x01\x65\x03\x04\x01\x2a\x04\x10", 11);
        struct error error;
        CRAFT_LAYER layer;
        cr_assert_not_null(cipher);
        cipher[9] = V_ASN1_UTF8STRING;
        CRAFT_PART changed = craft_part_of_der(der->data, der->len);
        cr_expect_eq(craft_open(changed.part, ours.keys, &craft_limits, &layer, &error), OPENED_FAILED, "%zu", i);
        cr_expect_str_eq(error.text, CANNOT, "%zu", i);
        cr_expect_eq(error.kind, ERROR_PERMANENT, "%zu", i);
        cr_expect_null(layer.inner.data, "%zu", i);
    }
}

/* --- the disk is full --- */

static struct limits disk;

/* Asked when the message has been decoded, and before it is decrypted. */
static bool fill_disk(const void *context, const struct identity *identity)
{
    (void)context;
    (void)identity;
    disk.memory = 1000;
    disk.spool_dir = (char *)"/nonexistent";
    return true;
}

/* In the first of several pieces or in the last block: nothing comes out, and it is no matter of the message. */
Test(decrypt, no_room_for_what_is_decrypted)
{
    static const struct {
        size_t length;
        enum opened opened;
    } rows[] = {{1000, OPENED}, {1001, OPENED_FAILED}, {2000, OPENED_FAILED}, {200000, OPENED_FAILED}};
    for (size_t i = 0; i < 2 * G_N_ELEMENTS(rows); i++) {
        struct encrypt_options options = {.cipher = i & 1 ? CIPHER_AES_256_GCM : CIPHER_AES_256_CBC,
                                          .limits = &craft_limits};
        g_autofree char *body = g_strnfill(rows[i / 2].length - strlen(CRAFT_HEADER "\r\n"), 'x');
        struct entity content = craft_entity(CRAFT_HEADER, slice_of(body)), out = {0};
        struct error error = {0};
        cr_assert(smime_encrypt(&ec->cert, 1, &options, &content, &out, &error), "%s", error.text);
        CRAFT_PART part = craft_part_of_entity(&out);
        disk = craft_limits;
        disk.memory = (size_t)1 << 20;
        const struct open_options opening = {.limits = &disk, .keys = ours.keys, .admits = fill_disk};
        CRAFT_LAYER layer;
        cr_expect_eq(smime_open(part.part, &opening, &layer, &error), rows[i / 2].opened, "row %zu: %s", i, error.text);
        cr_expect_eq(layer.facts.attempted, 1u, "row %zu", i);
        if (rows[i / 2].opened == OPENED)
            continue;
        cr_expect_eq(error.kind, ERROR_TEMPORARY, "row %zu: %s", i, error.text);
        cr_expect_str_eq(error.said, "file in spool_directory: open", "row %zu: %s", i, error.text);
        cr_expect_null(layer.inner.data, "row %zu", i);
    }
}

/* Too weak to be read at all. */
Test(decrypt, weak_ciphers)
{
    static const guint8 arcs[] = {2, 4}; /* of 1.2.840.113549.3: RC2 and RC4, in place of Triple DES */
    for (size_t i = 0; i < G_N_ELEMENTS(arcs); i++) {
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = encrypt_by_hand(EVP_des_ede3_cbc(), rsa, 0);
        CRAFT_PART part = craft_part_of_cms(cms);
        GByteArray *der = craft_der(part.part);
        unsigned char *oid = memmem(der->data, der->len, "\x2a\x86\x48\x86\xf7\x0d\x03\x07", 8);
        struct error error;
        CRAFT_LAYER layer;
        cr_assert_not_null(oid);
        oid[7] = arcs[i];
        cr_expect_eq(open_der(der->data, der->len, &layer, &error), OPENED_FAILED);
        cr_expect_not_null(strstr(error.text, "encrypted with the weak cipher rc"), "%s", error.text);
        cr_expect_eq(error.kind, ERROR_PERMANENT);
        cr_expect_eq(layer.facts.attempted, 0u);
        g_byte_array_unref(der);
    }
}

Test(decrypt, recipients_that_are_no_certificates)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_EnvelopedData_create(EVP_aes_256_cbc());
    unsigned char *key = OPENSSL_zalloc(32), *identifier = OPENSSL_zalloc(4);
    BIO *data = BIO_new_mem_buf(CRAFT_WHOLE, -1);
    struct error error;
    cr_assert_not_null(CMS_add0_recipient_key(cms, NID_undef, key, 32, identifier, 4, NULL, NULL, NULL));
    cr_assert_not_null(
        CMS_add0_recipient_password(cms, -1, NID_undef, NID_undef, (unsigned char *)OPENSSL_strdup("secret"), 6, NULL));
    cr_assert(CMS_set_detached(cms, 0) && CMS_final(cms, data, NULL, CMS_BINARY));
    cr_expect_eq(open_cms(cms, ours.keys, &error), OPENED_NO_KEY, "%s", error.text);
    BIO_free(data);
}

Test(decrypt, too_many_recipients)
{
    for (unsigned beyond = 0; beyond < 2; beyond++) {
        for (int agrees = 0; agrees < 2; agrees++) {
            owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_EnvelopedData_create(EVP_aes_256_cbc());
            owned(BIO) BIO *data = BIO_new_mem_buf(CRAFT_WHOLE, -1);
            struct error error;
            for (unsigned i = 0; i < craft_limits.signers * 100 + beyond; i++)
                cr_assert_not_null(CMS_add1_recipient_cert(cms, agrees && i == 0 ? ec->cert : rsa->cert, 0));
            cr_assert(CMS_set_detached(cms, 0) && CMS_final(cms, data, NULL, CMS_BINARY));
            enum opened opened = open_cms(cms, ours.keys, &error);
            cr_expect_eq(opened, beyond ? OPENED_FAILED : OPENED, "%s", error.text);
            cr_expect(!beyond || strstr(error.text, "more than 300 recipients") != NULL, "%s", error.text);
        }
    }
}

/* The DER, with one of its elements so many times and the lengths around it made right. */
static void repeat(GByteArray *out, struct slice der, const unsigned char *element, unsigned times)
{
    const unsigned char *at = (const unsigned char *)der.data, *end = at + der.len;
    while (at < end) {
        const unsigned char *content = at;
        long length;
        int tag, class, form = ASN1_get_object(&content, &length, &tag, &class, end - at);
        bool surrounds = (form & V_ASN1_CONSTRUCTED) != 0 && element >= content && element < content + length;
        if (surrounds) {
            g_autoptr(GByteArray) inside = g_byte_array_new();
            unsigned char header[16], *header_end = header;
            repeat(inside, (struct slice){(const char *)content, (size_t)length}, element, times);
            ASN1_put_object(&header_end, 1, (int)inside->len, tag, class);
            g_byte_array_append(out, header, (guint)(header_end - header));
            g_byte_array_append(out, inside->data, inside->len);
        }
        for (unsigned i = 0; !surrounds && i < (at == element ? times : 1); i++)
            g_byte_array_append(out, at, (guint)(content + length - at));
        at = content + length;
    }
}

/* One agreement may wrap the key for many. */
Test(decrypt, too_many_keys_in_one_agreement)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = encrypt_by_hand(EVP_aes_256_cbc(), ec, CMS_USE_KEYID);
    CRAFT_PART part = craft_part_of_cms(cms);
    g_autoptr(GByteArray) der = craft_der(part.part);
    /* SEQUENCE { [0] { OCTET STRING (20) }, OCTET STRING (40) } */
    const unsigned char *key = memmem(der->data, der->len, "\x30\x42\xa0\x16\x04\x14", 6);
    cr_assert_not_null(key);
    for (unsigned beyond = 0; beyond < 2; beyond++) {
        g_autoptr(GByteArray) many = g_byte_array_new();
        struct error error;
        CRAFT_LAYER layer;
        repeat(many, (struct slice){(const char *)der->data, der->len}, key, craft_limits.signers * 100 + beyond);
        cr_expect_eq(open_der(many->data, many->len, &layer, &error), beyond ? OPENED_FAILED : OPENED, "%s",
                     error.text);
        cr_expect(!beyond || strstr(error.text, "more than 300 recipients") != NULL, "%s", error.text);
    }
}

/* Those of originatorInfo (RFC 5652 §6.1) are handed out up to the limit. */
Test(decrypt, certificates_of_the_originator)
{
    struct encrypt_options options = {.cipher = CIPHER_AES_256_GCM, .originator = ec->cert, .limits = &craft_limits};
    struct entity content = craft_entity(CRAFT_HEADER, slice_of(CRAFT_BODY)), out = {0};
    struct error error = {0};
    cr_assert(smime_encrypt(&ec->cert, 1, &options, &content, &out, &error), "%s", error.text);
    CRAFT_PART part = craft_part_of_entity(&out);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_cms(part.part);
    for (unsigned count = 1; count <= craft_limits.certificates + 1; count++) {
        CRAFT_PART sent = craft_part_of_cms(cms);
        CRAFT_LAYER layer;
        bool allowed = count <= craft_limits.certificates;
        cr_expect_eq(craft_open(sent.part, ours.keys, &craft_limits, &layer, &error), allowed ? OPENED : OPENED_FAILED,
                     "%u: %s", count, error.text);
        if (allowed)
            cr_expect_eq(sk_X509_num(layer.certificates), (int)count);
        else
            cr_expect_str_eq(error.text, "more certificates than certificates_limit");
        cr_expect_eq(layer.facts.attempted, allowed ? 1u : 0u);
        PKI_AUTO struct pki *another = pki_person(root, "x@acme.test");
        cr_assert(CMS_add1_cert(cms, another->cert));
    }
}

/* What work_limit does not allow is no matter of keys. */
Test(decrypt, a_budget_that_ends_anywhere)
{
    static const enum cipher ciphers[] = {CIPHER_AES_128_CBC, CIPHER_AES_256_GCM};
    for (size_t i = 0; i < G_N_ELEMENTS(ciphers); i++) {
        CRAFT_PART part = craft_encrypted(rsa, ciphers[i], KEY_TRANSPORT_RSA_OAEP);
        unsigned failures = 0, successes = 0;
        for (uint64_t limit = 1; successes == 0; limit += 1 + limit / 64) {
            struct budget budget = {.limit = limit};
            const struct open_options options = {.limits = &craft_limits, .keys = ours.keys, .budget = &budget};
            struct error error = {0};
            CRAFT_LAYER layer;
            enum opened opened = smime_open(part.part, &options, &layer, &error);
            if (opened == OPENED) {
                cr_expect(craft_inner_is(&layer, CRAFT_WHOLE));
                successes++;
                continue;
            }
            failures++;
            cr_expect_eq(opened, OPENED_FAILED, "row %zu: %lu", i, (unsigned long)limit);
            cr_expect_str_eq(error.text, BUDGET_SPENT, "row %zu: %lu", i, (unsigned long)limit);
            cr_expect_eq(layer.facts.attempted, 0u);
        }
        cr_expect_gt(failures, 10u);
    }
}

Test(decrypt, content_that_is_not_there_or_not_data)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *detached = encrypt_by_hand(EVP_aes_256_cbc(), rsa, 0);
    owned(CMS_ContentInfo) CMS_ContentInfo *odd = encrypt_by_hand(EVP_aes_256_cbc(), rsa, 0);
    struct error error;
    cr_assert(CMS_set_detached(detached, 1));
    cr_expect_eq(open_cms(detached, ours.keys, &error), OPENED_FAILED);
    cr_expect(strstr(error.text, "missing") != NULL, "%s", error.text);
    cr_assert(CMS_set1_eContentType(odd, OBJ_nid2obj(NID_pkcs7_signed)));
    cr_expect_eq(open_cms(odd, ours.keys, &error), OPENED_FAILED);
    cr_expect(strstr(error.text, "not of type data") != NULL, "%s", error.text);
}

Test(decrypt, found_by_key_identifier)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *transport = encrypt_by_hand(EVP_aes_256_cbc(), rsa, CMS_USE_KEYID);
    owned(CMS_ContentInfo) CMS_ContentInfo *agreement = encrypt_by_hand(EVP_aes_256_gcm(), ec, CMS_USE_KEYID);
    struct error error;
    cr_expect_eq(open_cms(transport, ours.keys, &error), OPENED, "%s", error.text);
    cr_expect_eq(open_cms(agreement, ours.keys, &error), OPENED, "%s", error.text);
}

/* A CBC message whose key block is broken is decrypted with a random key: one in 256 ends in a right padding. None of
 * them may be handed out as a message. */
Test(decrypt, random_plaintext_is_no_message)
{
    CRAFT_PART part = craft_encrypted(rsa, CIPHER_AES_128_CBC, KEY_TRANSPORT_RSA_PKCS1);
    GByteArray *der = craft_der(part.part);
    unsigned char *block = memmem(der->data, der->len, "\x04\x82\x01\x00", 4);
    struct error error;
    cr_assert_not_null(block);
    block[40] ^= 1;
    for (int i = 0; i < 800; i++) {
        CRAFT_LAYER layer;
        cr_expect_eq(open_der(der->data, der->len, &layer, &error), OPENED_BROKEN);
        cr_expect_str_eq(error.text, CANNOT);
    }
    g_byte_array_unref(der);
}

Test(decrypt, one_octet)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = encrypt_text(EVP_aes_256_gcm(), rsa, 0, "x");
    CRAFT_PART part = craft_part_of_cms(cms);
    struct error error;
    CRAFT_LAYER layer;
    cr_expect_eq(craft_open(part.part, ours.keys, &craft_limits, &layer, &error), OPENED, "%s", error.text);
    cr_expect(craft_inner_is(&layer, "x"));
}

/* What follows a field name counts, too: one octet in 256 is a colon. */
Test(decrypt, what_a_random_plaintext_cannot_be)
{
    static const struct {
        const char *text;
        enum opened opened;
    } rows[] = {
        {"Subject: \033$B%5%V%8%'%/%H\033(B\r\n\r\nx", OPENED},
        {"X-Name: caf\xe9\r\n\r\n\001\002\003", OPENED},
        {"X:", OPENED},
        {"bare text\r\n", OPENED},
        {"X : y\r\n\r\n\001", OPENED},
        {"X\t: y\r\n\r\n\001", OPENED},
        {"X: y\001", OPENED_BROKEN},
        {": y\r\n\r\n\001", OPENED_BROKEN},
        {"X y: z\r\n\r\n\001", OPENED_BROKEN},
        {"X\177: y\r\n\r\n\001", OPENED_BROKEN},
        {"X\xe9: y\r\n\r\n\001", OPENED_BROKEN},
        {"X\r\n: y\r\n\r\n\001", OPENED_BROKEN},
        {"\001: y\r\n\r\n", OPENED_BROKEN},
        {"\001bare text\r\n", OPENED_BROKEN},
        {"\001", OPENED_BROKEN},
        {"x", OPENED},
        {"a:\001\002\003\r\n\r\nx", OPENED_BROKEN},
        {"Subject: x\177\r\n\r\n\001", OPENED_BROKEN},
        {"\001\002\003", OPENED_BROKEN},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = encrypt_text(EVP_aes_128_cbc(), rsa, 0, rows[i].text);
        struct error error;
        cr_expect_eq(open_cms(cms, ours.keys, &error), rows[i].opened, "row %zu: %s", i, error.text);
    }
}

Test(decrypt, the_beginning_of_a_text_is_looked_at)
{
    for (size_t length = 510; length <= 512; length++) {
        g_autofree char *line = g_strnfill(length, 'x');
        g_autofree char *text = g_strconcat(line, "\001", NULL);
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = encrypt_text(EVP_aes_128_cbc(), rsa, 0, text);
        struct error error;
        cr_expect_eq(open_cms(cms, ours.keys, &error), length < 512 ? OPENED_BROKEN : OPENED, "%zu: %s", length,
                     error.text);
    }
}

/* Each padding that RFC 5652 §6.3 allows, and those next to it. The last block is chosen through the one before it. */
Test(decrypt, padding_of_every_length)
{
    static const char content[] =
        "Content-Type: text/plain\r\n\r\n0123456789abcdefghij"; /* three blocks; all padding follows */
    STACK_OF(X509) *to = sk_X509_new_null();
    BIO *data = BIO_new_mem_buf(content, 48);
    sk_X509_push(to, rsa->cert);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_encrypt(to, data, EVP_aes_128_cbc(), CMS_BINARY);
    CRAFT_PART part = craft_part_of_cms(cms);
    for (unsigned last = 0; last < 256; last++) {
        for (unsigned odd = 0; odd <= 16; odd++) { /* this octet from the end is wrong; 0: none */
            GByteArray *der = craft_der(part.part);
            unsigned char *before = der->data + der->len - 32;
            bool right = last >= 1 && last <= 16 && (odd == 0 || odd > last);
            struct error error;
            CRAFT_LAYER layer;

            for (unsigned i = 1; i <= 16; i++)
                before[16 - i] ^= (unsigned char)(16 ^ last ^ (i == odd ? 1 : 0));
            if (odd == 1) /* then another length is said */
                right = last == 0;
            enum opened opened = open_der(der->data, der->len, &layer, &error);
            cr_expect_eq(opened, right ? OPENED : OPENED_BROKEN, "%u, octet %u odd", last, odd);
            g_byte_array_unref(der);
        }
    }
    sk_X509_free(to);
    BIO_free(data);
}

Test(decrypt, bare_text_inside_cbc_is_a_message)
{
    static const char *const texts[] = {"hello, no header here\n", "\r\nonly a body", "", "\xc3\xa4 UTF-8\r\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        STACK_OF(X509) *to = sk_X509_new_null();
        BIO *data = BIO_new_mem_buf(texts[i], -1);
        struct error error = {0};
        CRAFT_LAYER layer;
        sk_X509_push(to, rsa->cert);
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_encrypt(to, data, EVP_aes_256_cbc(), CMS_BINARY);
        CRAFT_PART part = craft_part_of_cms(cms);
        cr_expect_eq(
            smime_open(part.part, &(struct open_options){.limits = &craft_limits, .keys = ours.keys}, &layer, &error),
            OPENED, "%zu: %s", i, error.text);
        cr_expect(craft_inner_is(&layer, texts[i]), "%zu", i);
        sk_X509_free(to);
        BIO_free(data);
    }
}
