/* SPDX-License-Identifier: Apache-2.0 */
#include "support/craft.h"

#include <zlib.h>

TestSuite(decompress, .init = craft_init);

/* CompressedData (RFC 3274 §1.1) around these octets, in OpenSSL's generator syntax: Debian's library makes none. */
static GByteArray *compressed_data(const unsigned char *bytes, size_t length, const char *content_type)
{
    GString *config = g_string_new(NULL);
    GByteArray *der = g_byte_array_new();
    unsigned char *encoded = NULL;
    CONF *conf = NCONF_new(NULL);
    ASN1_TYPE *made;
    BIO *memory;
    long line;
    int encoded_length;
    g_string_append_printf(config,
                           "[outer]\ntype=OID:1.2.840.113549.1.9.16.1.9\ncontent=EXPLICIT:0,SEQUENCE:data\n"
                           "[data]\nversion=INTEGER:0\nalgorithm=SEQUENCE:zlib\ncontent=SEQUENCE:inner\n"
                           "[zlib]\noid=OID:1.2.840.113549.1.9.16.3.8\n"
                           "[inner]\ntype=OID:%s\n",
                           content_type);
    if (bytes != NULL)
        g_string_append(config, "content=EXPLICIT:0,FORMAT:HEX,OCTETSTRING:");
    for (size_t i = 0; bytes != NULL && i < length; i++)
        g_string_append_printf(config, "%02x", bytes[i]);
    g_string_append_c(config, '\n');
    memory = BIO_new_mem_buf(config->str, (int)config->len);
    cr_assert_gt(NCONF_load_bio(conf, memory, &line), 0);
    made = ASN1_generate_nconf("SEQUENCE:outer", conf);
    cr_assert_not_null(made);
    encoded_length = i2d_ASN1_TYPE(made, &encoded);
    g_byte_array_append(der, encoded, (guint)encoded_length);
    OPENSSL_free(encoded);
    ASN1_TYPE_free(made);
    BIO_free(memory);
    NCONF_free(conf);
    g_string_free(config, TRUE);
    return der;
}

static unsigned char *deflated(const char *text, size_t length, uLongf *out_length)
{
    unsigned char *out = g_malloc(compressBound(length));
    *out_length = compressBound(length);
    cr_assert_eq(compress2(out, out_length, (const unsigned char *)text, length, 9), Z_OK);
    return out;
}

static enum opened open_der(const GByteArray *der, const struct limits *limits, struct layer *layer,
                            struct error *error)
{
    CRAFT_PART part = craft_part_of_der(der->data, der->len);
    *error = (struct error){0};
    return craft_open(part.part, NULL, limits, layer, error);
}

#define DATA "1.2.840.113549.1.7.1"

Test(decompress, small_large_and_empty)
{
    static const size_t sizes[] = {0, 10, 5000, (size_t)400 << 10};
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree char *body = craft_text(sizes[i]);
        uLongf length;
        g_autofree unsigned char *bytes = deflated(body, strlen(body), &length);
        struct error error;
        CRAFT_LAYER layer;
        if (sizes[i] > 20000) { /* the generator reads lines of limited length */
            g_free(bytes);
            g_free(body);
            body = g_strnfill(sizes[i], 'a');
            bytes = deflated(body, sizes[i], &length);
        }
        GByteArray *der = compressed_data(bytes, length, DATA);
        cr_assert_eq(open_der(der, &craft_limits, &layer, &error), OPENED, "%zu: %s", sizes[i], error.text);
        cr_expect_eq(layer.facts.type, LAYER_COMPRESSED);
        cr_expect(craft_inner_is(&layer, body), "%zu", sizes[i]);
        g_byte_array_unref(der);
    }
}

/* 4 MB of nothing in 4 kB, and a limit of 1 MB. */
Test(decompress, a_bomb_ends_at_the_limit)
{
    size_t size = (size_t)4 << 20;
    g_autofree char *zeros = g_malloc0(size);
    uLongf length;
    g_autofree unsigned char *bytes = deflated(zeros, size, &length);
    GByteArray *der = compressed_data(bytes, length, DATA);
    struct limits limits = craft_limits;
    struct error error;
    CRAFT_LAYER layer;
    cr_assert_lt(length, 8192u);
    limits.message_size = (size_t)1 << 20;
    cr_expect_eq(open_der(der, &limits, &layer, &error), OPENED_FAILED);
    cr_expect(strstr(error.text, "message_size_limit") != NULL, "%s", error.text);
    cr_expect_null(layer.inner.data);
    limits.message_size = size;
    CRAFT_LAYER again;
    cr_expect_eq(open_der(der, &limits, &again, &error), OPENED, "just at the limit: %s", error.text);
    g_byte_array_unref(der);
}

Test(decompress, broken)
{
    uLongf length;
    g_autofree unsigned char *bytes = deflated(CRAFT_WHOLE, strlen(CRAFT_WHOLE), &length);
    g_autofree unsigned char *longer = g_malloc0(length + 1);
    struct error error;
    memcpy(longer, bytes, length);
    for (uLongf cut = 1; cut < length; cut++) {
        GByteArray *der = compressed_data(bytes, cut, DATA);
        CRAFT_LAYER layer;
        cr_expect_eq(open_der(der, &craft_limits, &layer, &error), OPENED_FAILED, "%lu octets", cut);
        g_byte_array_unref(der);
    }
    for (uLongf i = 0; i < length; i++) {
        CRAFT_LAYER layer;
        bytes[i] ^= 1;
        GByteArray *der = compressed_data(bytes, length, DATA);
        bytes[i] ^= 1;
        if (open_der(der, &craft_limits, &layer, &error) == OPENED)
            cr_expect(craft_inner_is(&layer, CRAFT_WHOLE), "octet %lu: Adler-32 holds", i);
        g_byte_array_unref(der);
    }
    const struct {
        GByteArray *der;
        const char *text;
    } rows[] = {
        {compressed_data(longer, length + 1, DATA), "corrupt"},
        {compressed_data(NULL, 0, DATA), "missing"},
        {compressed_data(bytes, length, "1.2.840.113549.1.7.2"), "not of type data"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        CRAFT_LAYER layer;
        cr_expect_eq(open_der(rows[i].der, &craft_limits, &layer, &error), OPENED_FAILED);
        cr_expect(strstr(error.text, rows[i].text) != NULL, "%s", error.text);
        cr_expect_eq(layer.facts.type, LAYER_COMPRESSED);
        g_byte_array_unref(rows[i].der);
    }
}
