/* SPDX-License-Identifier: Apache-2.0 */
#include "support/craft.h"

static struct pki *root, *alice, *dca;
static struct craft_keys ours;

static void setup(void)
{
    craft_init();
    root = pki_ca("Acme root");
    alice = pki_person(root, "alice@acme.test");
    dca = pki_role(root, "domain-confidentiality-authority", "acme.test");
    craft_keys_open(&ours, (const struct pki *const[]){dca, NULL}, ROLE_DOMAIN_CONFIDENTIALITY);
}

static void teardown(void)
{
    craft_keys_close(&ours);
    pki_free(root);
    pki_free(alice);
    pki_free(dca);
}

TestSuite(open, .init = setup, .fini = teardown);

static enum opened open_text(const char *text, struct layer *layer, struct error *error)
{
    CRAFT_PART part = craft_part_of(g_strdup(text), strlen(text));
    *error = (struct error){0};
    return craft_open(part.part, ours.keys, &craft_limits, layer, error);
}

Test(open, names)
{
    cr_expect_str_eq(layer_type_name(LAYER_SIGNED), "signed-data");
    cr_expect_str_eq(layer_type_name(LAYER_ENVELOPED), "enveloped-data");
    cr_expect_str_eq(layer_type_name(LAYER_AUTHENVELOPED), "authenveloped-data");
    cr_expect_str_eq(layer_type_name(LAYER_COMPRESSED), "compressed-data");
    cr_expect_str_eq(layer_type_name((enum layer_type)99), "unknown");
}

#define MIME7 "Content-Transfer-Encoding: base64\r\n\r\n"
#define SIGNED                                                                                                         \
    "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=b\r\n\r\n"
#define SIGNATURE "Content-Type: application/pkcs7-signature\r\n" MIME7

Test(open, what_is_no_smime_and_what_is_broken)
{
    static const struct {
        const char *text;
        enum opened opened;
        enum layer_type type;
    } rows[] = {
        {"Content-Type: text/plain\r\n\r\nhello\r\n", OPENED_NOT_SMIME, 0},
        {"\r\nhello\r\n", OPENED_NOT_SMIME, 0},
        {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n", OPENED_NOT_SMIME, 0},
        {"Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; "
         "boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n"
         "Content-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n",
         OPENED_NOT_SMIME, 0},
        {"Content-Type: application/pkcs7-signature\r\n" MIME7 "AAAA\r\n", OPENED_NOT_SMIME, 0},

        {"Content-Type: application/pkcs7-mime\r\n" MIME7, OPENED_FAILED, LAYER_ENVELOPED},
        {"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n" MIME7, OPENED_FAILED, LAYER_SIGNED},
        {"Content-Type: application/pkcs7-mime; smime-type=authEnveloped-data\r\n" MIME7 "AAAA\r\n", OPENED_FAILED,
         LAYER_AUTHENVELOPED},
        {"Content-Type: application/pkcs7-mime; smime-type=compressed-data\r\n" MIME7 "AAAA\r\n", OPENED_FAILED,
         LAYER_COMPRESSED},
        {"Content-Type: application/pkcs7-mime\r\n" MIME7 "!!!!\r\n", OPENED_FAILED, LAYER_ENVELOPED},
        {"Content-Type: application/pkcs7-mime\r\n" MIME7 "MIAGCSqGSIb3DQEHA6CA\r\n", OPENED_FAILED, LAYER_ENVELOPED},
        /* lengths of 2^31, 2^63, indefinite without end, of a megabyte that is not there */
        {"Content-Type: application/pkcs7-mime\r\n" MIME7 "MISAAAAABgkqhkiG9w0BBwM=\r\n", OPENED_FAILED,
         LAYER_ENVELOPED},
        {"Content-Type: application/pkcs7-mime\r\n" MIME7 "MIh//////////wYJKoZIhvcNAQcD\r\n", OPENED_FAILED,
         LAYER_ENVELOPED},
        {"Content-Type: application/pkcs7-mime\r\n" MIME7 "MIAwgDCAMIAwgDCAMIAwgDCAMIAwgA==\r\n", OPENED_FAILED,
         LAYER_ENVELOPED},
        {"Content-Type: application/pkcs7-mime\r\n" MIME7 "MIMQAAAGCSqGSIb3DQEHA6CDD///\r\n", OPENED_FAILED,
         LAYER_ENVELOPED},
        /* id-data outside, an OID that nobody knows */
        {"Content-Type: application/pkcs7-mime\r\n" MIME7 "MBIGCSqGSIb3DQEHAaAFBANhYmM=\r\n", OPENED_NOT_SMIME, 0},
        {"Content-Type: application/pkcs7-mime\r\n" MIME7 "MAwGAyoDBKAFBANhYmM=\r\n", OPENED_FAILED, LAYER_ENVELOPED},

        {SIGNED "--b\r\n\r\nx\r\n--b--\r\n", OPENED_FAILED, LAYER_SIGNED},
        {SIGNED "--b\r\n\r\nx\r\n--b\r\n" SIGNATURE "AAAA\r\n--b--\r\n", OPENED_FAILED, LAYER_SIGNED},
        {SIGNED "--b\r\n\r\nx\r\n--b\r\n" SIGNATURE "\r\n--b--\r\n", OPENED_FAILED, LAYER_SIGNED},
        {SIGNED "--b\r\n\r\nx\r\n--b\r\n" SIGNATURE "AAAA\r\n--b\r\n\r\nextra\r\n--b--\r\n", OPENED_FAILED,
         LAYER_SIGNED},
        {SIGNED "--b\r\n\r\nx\r\n--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--\r\n", OPENED_FAILED, LAYER_SIGNED},
        {SIGNED "no boundary at all\r\n", OPENED_FAILED, LAYER_SIGNED},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct error error;
        CRAFT_LAYER layer;
        cr_expect_eq(open_text(rows[i].text, &layer, &error), rows[i].opened, "%s", rows[i].text);
        if (rows[i].opened == OPENED_NOT_SMIME)
            continue;
        cr_expect_eq(error.kind, ERROR_PERMANENT, "%s", rows[i].text);
        cr_expect_neq(error.text[0], '\0', "%s", rows[i].text);
        cr_expect_eq(layer.facts.type, rows[i].type, "%s is %s", rows[i].text, layer_type_name(layer.facts.type));
        cr_expect_null(layer.inner.data, "%s", rows[i].text);
    }
}

/* The CMS decides, not the parameter. */
Test(open, smime_type_is_not_believed)
{
    CRAFT_PART part = craft_signed(alice, FORMAT_OPAQUE, 0);
    static const char *const types[] = {"enveloped-data", "certs-only", "compressed-data", "nonsense"};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        g_auto(GStrv) pieces = g_strsplit(part.bytes, "signed-data", 2);
        g_autofree char *text = g_strjoinv(types[i], pieces);
        struct error error;
        CRAFT_LAYER layer;

        cr_assert_eq(open_text(text, &layer, &error), OPENED, "%s: %s", types[i], error.text);
        cr_expect_eq(layer.facts.type, LAYER_SIGNED);
        cr_expect(layer.facts.signers[0].valid);
    }
}

/* micalg neither. */
Test(open, micalg_is_not_believed)
{
    CRAFT_PART part = craft_signed(alice, FORMAT_CLEAR, 0);
    static const char *const words[] = {"md5", "sha1", "nonsense"};
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        g_auto(GStrv) pieces = g_strsplit(part.bytes, "sha-256", 2);
        g_autofree char *text = g_strjoinv(words[i], pieces);
        struct error error;
        CRAFT_LAYER layer;

        cr_assert_eq(open_text(text, &layer, &error), OPENED, "%s: %s", words[i], error.text);
        cr_expect(layer.facts.signers[0].valid && !layer.facts.signers[0].weak);
    }
}

/* RFC 1847 §2.1: the second part is of the type that protocol says. Others, who go by it, would see a PGP signature or
 * none. */
Test(open, protocol_of_another_kind)
{
    static const struct {
        const char *protocol;
        enum opened opened;
    } rows[] = {
        {"application/pkcs7-signature", OPENED},   {"application/x-pkcs7-signature", OPENED},
        {"Application/PKCS7-Signature", OPENED},   {"application/pgp-signature", OPENED_FAILED},
        {"application/pkcs7-mime", OPENED_FAILED}, {"", OPENED_FAILED},
    };
    CRAFT_PART part = craft_signed(alice, FORMAT_CLEAR, 0);

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(GStrv) pieces = g_strsplit(part.bytes, "\"application/pkcs7-signature\"", 2);
        g_autofree char *quoted = g_strdup_printf("\"%s\"", rows[i].protocol);
        g_autofree char *text = g_strjoinv(quoted, pieces);
        struct error error;
        CRAFT_LAYER layer;

        cr_expect_eq(open_text(text, &layer, &error), rows[i].opened, "%s: %s", rows[i].protocol, error.text);
    }
}

/* Layers in layers, each opened by its own call: signed, encrypted, signed once more. */
Test(open, triple_wrapped)
{
    struct identity signer = craft_signer(alice, NULL, NULL);
    struct sign_options sign = {.format = FORMAT_CLEAR, .types = SIGNATURE_TYPE_ORIGINATOR, .limits = &craft_limits};
    struct encrypt_options encrypt = {.cipher = CIPHER_AES_256_GCM, .limits = &craft_limits};
    struct entity one = craft_entity(CRAFT_HEADER, slice_of(CRAFT_BODY)), two = {0}, three = {0}, four = {0};
    static const enum layer_type wanted[] = {LAYER_SIGNED, LAYER_AUTHENVELOPED, LAYER_SIGNED};
    struct error error = {0};
    struct slice inner;
    struct layer layers[3];
    struct craft_part parts[3];
    cr_assert(smime_sign(&signer, &sign, &one, &two, &error), "%s", error.text);
    cr_assert(smime_encrypt(&dca->cert, 1, &encrypt, &two, &three, &error), "%s", error.text);
    sign.format = FORMAT_OPAQUE;
    sign.types = SIGNATURE_TYPE_DOMAIN;
    cr_assert(smime_sign(&signer, &sign, &three, &four, &error), "%s", error.text);
    parts[0] = craft_part_of_entity(&four);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(craft_open(parts[i].part, ours.keys, &craft_limits, &layers[i], &error), OPENED, "%d: %s", i,
                     error.text);
        cr_expect_eq(layers[i].facts.type, wanted[i]);
        inner = layers[i].inner;
        if (wanted[i] == LAYER_SIGNED)
            cr_expect(layers[i].facts.signers[0].valid, "%s", layers[i].facts.signers[0].reason);
        if (i < 2)
            parts[i + 1] = craft_part_of(g_strndup(inner.data, inner.len), inner.len);
    }
    cr_expect(slice_equal(inner, slice_of(CRAFT_WHOLE)));
    cr_expect_eq(layers[0].facts.signers[0].types, SIGNATURE_TYPE_DOMAIN);
    cr_expect_eq(layers[2].facts.signers[0].types, SIGNATURE_TYPE_ORIGINATOR);
    cr_expect(layers[2].facts.detached);
    for (int i = 0; i < 3; i++) {
        layer_clear(&layers[i]);
        craft_part_clear(&parts[i]);
    }
    entity_clear(&one);
    entity_clear(&two);
    entity_clear(&three);
    sk_X509_free(signer.chain);
}

/* BER of indefinite length in many segments, as streaming software sends it. */
Test(open, ber)
{
    g_autofree char *body = craft_text(100000);
    g_autofree char *whole = g_strconcat(CRAFT_HEADER "\r\n", body, NULL);
    STACK_OF(X509) *to = sk_X509_new_null();
    sk_X509_push(to, dca->cert);
    for (int kind = 0; kind < 3; kind++) {
        BIO *data = BIO_new_mem_buf(whole, -1), *out = BIO_new(BIO_s_mem());
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = NULL;
        struct error error = {0};
        CRAFT_LAYER layer;
        char *ber;
        long length;
        if (kind == 0)
            cms = CMS_sign(alice->cert, alice->key, NULL, data, CMS_STREAM | CMS_BINARY);
        else
            cms = CMS_encrypt(to, data, kind == 1 ? EVP_aes_256_gcm() : EVP_aes_256_cbc(), CMS_STREAM | CMS_BINARY);
        cr_assert(i2d_CMS_bio_stream(out, cms, data, CMS_STREAM | CMS_BINARY));
        length = BIO_get_mem_data(out, &ber);
        cr_assert_eq((unsigned char)ber[1], 0x80u, "indefinite");
        CRAFT_PART part = craft_part_of_der((unsigned char *)ber, (size_t)length);
        cr_assert_eq(craft_open(part.part, ours.keys, &craft_limits, &layer, &error), OPENED, "%d: %s", kind,
                     error.text);
        cr_expect(craft_inner_is(&layer, whole), "%d", kind);
        if (kind == 0)
            cr_expect(layer.facts.signers[0].valid, "%s", layer.facts.signers[0].reason);
        BIO_free(data);
        BIO_free(out);
    }
    sk_X509_free(to);
}

/* RFC 8551 §3.1.3: binary has to be read; behind it SMTP puts the end of the last line. */
Test(open, octets_that_are_not_encoded)
{
    static const struct {
        const char *encoding, *behind;
        enum opened opened;
    } rows[] = {
        {"binary", "", OPENED},          {"binary", "\r\n", OPENED},
        {"8bit", "\r\n", OPENED},        {"binary", "\r\n\r\n", OPENED_FAILED},
        {"binary", "\n", OPENED_FAILED}, {"binary", "x\r\n", OPENED_FAILED},
    };
    BIO *data = BIO_new_mem_buf(CRAFT_HEADER "\r\n" CRAFT_BODY, -1);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_sign(alice->cert, alice->key, NULL, data, CMS_BINARY);
    unsigned char *der = NULL;
    int length = i2d_CMS_ContentInfo(cms, &der);

    cr_assert_gt(length, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        GString *text = g_string_new("Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: ");
        struct error error = {0};
        CRAFT_LAYER layer;
        g_string_append_printf(text, "%s\r\n\r\n", rows[i].encoding);
        g_string_append_len(text, (const char *)der, length);
        g_string_append(text, rows[i].behind);
        gsize size = text->len;
        CRAFT_PART part = craft_part_of(g_string_free(text, FALSE), size);
        cr_expect_eq(craft_open(part.part, ours.keys, &craft_limits, &layer, &error), rows[i].opened, "row %zu: %s", i,
                     error.text);
    }
    OPENSSL_free(der);
    BIO_free(data);
}

/* SignedData with this many octets of digestAlgorithms, each {1.2.3.4}, or of certificates that are none. */
static GByteArray *overloaded(size_t octets, bool certificates)
{
    static const unsigned char element[] = {0x30, 0x05, 0x06, 0x03, 0x2a, 0x03, 0x04};
    GByteArray *list = g_byte_array_new(), *der = g_byte_array_new();
    unsigned char *header, *at;
    const unsigned char head[] = {0x02, 0x01, 0x01},
                        encap[] = {0x30, 0x13, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,
                                   0x07, 0x01, 0xa0, 0x06, 0x04, 0x04, 'a',  ':',  '\r', '\n'};
    const unsigned char type[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02};
    int list_size, inner, wrapped;
    while (list->len < octets)
        g_byte_array_append(list, element, sizeof(element));
    list_size = ASN1_object_size(1, (int)list->len, V_ASN1_SET);
    inner = (int)sizeof(head) + list_size + (int)sizeof(encap) + 2 + (certificates ? 2 : 0);
    wrapped = ASN1_object_size(1, inner, V_ASN1_SEQUENCE);
    header = at = g_malloc(64);
    ASN1_put_object(&at, 1, (int)sizeof(type) + ASN1_object_size(1, wrapped, 0), V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    memcpy(at, type, sizeof(type));
    at += sizeof(type);
    ASN1_put_object(&at, 1, wrapped, 0, V_ASN1_CONTEXT_SPECIFIC);
    ASN1_put_object(&at, 1, inner, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    g_byte_array_append(der, header, (guint)(at - header));
    g_byte_array_append(der, head, sizeof(head));
    at = header;
    if (certificates) {
        g_byte_array_append(der, (const guint8 *)"\x31\x00", 2);
        g_byte_array_append(der, encap, sizeof(encap));
        ASN1_put_object(&at, 1, (int)list->len, 0, V_ASN1_CONTEXT_SPECIFIC);
    } else {
        ASN1_put_object(&at, 1, (int)list->len, V_ASN1_SET, V_ASN1_UNIVERSAL);
    }
    g_byte_array_append(der, header, (guint)(at - header));
    g_byte_array_append(der, list->data, list->len);
    if (!certificates)
        g_byte_array_append(der, encap, sizeof(encap));
    g_byte_array_append(der, (const guint8 *)"\x31\x00", 2);
    g_byte_array_unref(list);
    g_free(header);
    return der;
}

Test(open, sets_that_would_fill_the_memory)
{
    for (int i = 0; i < 3; i++) {
        GByteArray *der = overloaded(i == 0 ? 3000 : (size_t)3 << 20, i == 2);
        CRAFT_PART part = craft_part_of_der(der->data, der->len);
        struct error error = {0};
        CRAFT_LAYER layer;
        cr_expect_eq(craft_open(part.part, NULL, &craft_limits, &layer, &error), i == 0 ? OPENED : OPENED_FAILED, "%d",
                     i);
        if (i > 0)
            cr_expect(strstr(error.text, "besides its content") != NULL, "%s", error.text);
        g_byte_array_unref(der);
    }
}

/* A full or missing spool is our failure, not the message's: temporary, and nothing comes out. */
Test(open, no_room_in_the_spool)
{
    g_autofree char *body = craft_text(5000);
    struct limits limits = craft_limits;
    struct sign_options sign = {.format = FORMAT_OPAQUE, .limits = &limits};
    struct encrypt_options encrypt = {.cipher = CIPHER_AES_256_GCM, .limits = &limits};
    struct identity signer = craft_signer(alice, NULL, NULL);
    struct entity content = craft_entity(CRAFT_HEADER, slice_of(body)), out = {0};
    struct error error = {0};
    CRAFT_LAYER layer;
    limits.memory = 1000;
    limits.spool_dir = (char *)"/nonexistent";
    cr_expect(!smime_sign(&signer, &sign, &content, &out, &error));
    cr_expect_eq(error.kind, ERROR_TEMPORARY, "%s", error.text);
    error = (struct error){0};
    cr_expect(!smime_encrypt(&dca->cert, 1, &encrypt, &content, &out, &error));
    cr_expect_eq(error.kind, ERROR_TEMPORARY, "%s", error.text);
    error = (struct error){0};
    cr_expect(!smime_wrap_unsigned(&limits, &content, &out, &error));
    cr_expect_eq(error.kind, ERROR_TEMPORARY, "%s", error.text);
    cr_expect(out.header == NULL && out.body == NULL);

    encrypt.limits = &craft_limits;
    error = (struct error){0};
    cr_assert(smime_encrypt(&dca->cert, 1, &encrypt, &content, &out, &error), "%s", error.text);
    CRAFT_PART part = craft_part_of_entity(&out);
    for (size_t memory = 1000; memory <= 5600;
         memory += 4600) { /* the second holds the CMS, but not the plaintext too */
        limits.memory = memory;
        error = (struct error){0};
        enum opened opened = craft_open(part.part, ours.keys, &limits, &layer, &error);
        if (opened == OPENED)
            continue;
        cr_expect_eq(opened, OPENED_FAILED);
        cr_expect_eq(error.kind, ERROR_TEMPORARY, "%s", error.text);
        cr_expect_null(layer.inner.data);
    }
    entity_clear(&content);
    sk_X509_free(signer.chain);
}

Test(open, a_cleared_layer_is_empty)
{
    struct layer layer = {0};
    CRAFT_PART part = craft_signed(alice, FORMAT_OPAQUE, 0);
    struct error error = {0};
    cr_assert_eq(craft_open(part.part, NULL, &craft_limits, &layer, &error), OPENED);
    layer_clear(&layer);
    cr_expect(layer.signers == NULL && layer.certificates == NULL && layer.owner == NULL &&
              layer.facts.signer_count == 0);
    layer_clear(&layer);
}
