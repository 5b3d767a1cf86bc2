/* SPDX-License-Identifier: Apache-2.0 */
/* Signs of tampering in what was decrypted without authentication. */
#include "gateway/malleable.h"

#include "support/mime_help.h"

TestSuite(malleable, .init = mime_init);

#define OPAQUE "Content-Type: application/pkcs7-mime\r\n"
#define BASE64 OPAQUE "Content-Transfer-Encoding: base64\r\n"
#define CLEAR "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=b\r\n"
#define SIGNATURE "Content-Type: application/pkcs7-signature\r\n\r\nMAA=\r\n"
#define NOISE "\x85\xfe"

static const struct {
    const char *name, *entity;
    bool has_noise;
} rows[] = {
    {"text", "Content-Type: text/plain\r\n\r\n" NOISE, false},
    {"another multipart", "Content-Type: multipart/mixed; boundary=b\r\n\r\n" NOISE "\r\n--b\r\n\r\nx\r\n--b--\r\n",
     false},

    {"base64", BASE64 "\r\nMAA=\r\n", false},
    {"base64 without lines", BASE64 "\r\n", false},
    {"noise behind the base64", BASE64 "\r\nMAA=\r\n" NOISE, true},
    {"a control character behind the base64", BASE64 "\r\nMAA=\r\n\x01", true},
    {"… one that is the last of a line", BASE64 "\r\nMAA=\x7f\r\n", true},
    {"letters and tabs around the base64", BASE64 "\r\n\xc3\xa9\r\n\tMAA=\r\n", false},
    {"noise in the fields", BASE64 "Content-Description: " NOISE "\r\n\r\nMAA=\r\n", true},
    {"a control character in the fields", BASE64 "Content-Description: \x1b\r\n\r\nMAA=\r\n", true},
    {"letters in the fields", BASE64 "Content-Description: \xc3\xa9\r\n\r\nMAA=\r\n", false},
    {"binary", OPAQUE "Content-Transfer-Encoding: binary\r\n\r\n" NOISE, false},
    {"noise in the fields of the binary", OPAQUE "X: " NOISE "\r\n\r\nx", true},

    {"clear", CLEAR "\r\n--b\r\n\r\nx\r\n--b\r\n" SIGNATURE "--b--\r\n", false},
    {"clear, and the content is noise", CLEAR "\r\n--b\r\n\r\n" NOISE "\x01\r\n--b\r\n" SIGNATURE "--b--\r\n", false},
    {"clear, and the content begins with noise", CLEAR "\r\n--b\r\n\x01\r\n\r\nx\r\n--b\r\n" SIGNATURE "--b--\r\n",
     false},
    {"noise before the content", CLEAR "\r\n" NOISE "\r\n--b\r\n\r\nx\r\n--b\r\n" SIGNATURE "--b--\r\n", true},
    {"noise in the signature", CLEAR "\r\n--b\r\n\r\nx\r\n--b\r\n" NOISE SIGNATURE "--b--\r\n", true},
    {"noise behind the signature", CLEAR "\r\n--b\r\n\r\nx\r\n--b\r\n" SIGNATURE "--b--\r\n" NOISE, true},
    {"noise in its fields", CLEAR "X: " NOISE "\r\n\r\n--b\r\n\r\nx\r\n--b\r\n" SIGNATURE "--b--\r\n", true},
    {"text around it", CLEAR "\r\nb\xc3\xa9\r\n--b\r\n\r\nx\r\n--b\r\n" SIGNATURE "--b--\r\ne\xc3\xa9\r\n", false},
    {"clear, and has no parts", CLEAR "\r\nx\r\n", true},
    {"clear, and has one part", CLEAR "\r\n--b\r\n\r\nx\r\n--b--\r\n", false},
};

Test(malleable, noise)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct part *part = help_parse(rows[i].entity, strlen(rows[i].entity));
        cr_expect_eq(malleable_has_noise(part), rows[i].has_noise, "%s", rows[i].name);
        part_free(part);
    }
    cr_expect_not(malleable_has_noise(NULL));
}

/* A NUL is no text, either. */
Test(malleable, nul)
{
    static const char entity[] = BASE64 "\r\nMAA=\r\n\0\r\n";
    struct part *part = help_parse(entity, sizeof(entity) - 1);
    cr_expect(malleable_has_noise(part));
    part_free(part);
}

Test(malleable, unsigned_attributes_of_any_signer)
{
    static const char *const entities[] = {OPAQUE "\r\nx", BASE64 "\r\nMAA=\r\n"};
    for (unsigned i = 0; i < 16; i++) {
        bool first = i & 1, second = i & 2, detached = i & 4, encoded = i & 8;
        const struct signer_facts beyond = {.has_unsigned = true};
        struct signer_facts signers[] = {{.has_unsigned = first}, {.has_unsigned = second}, beyond};
        const struct layer_facts layer = {.signers = signers, .signer_count = 2, .detached = detached};
        const char *entity = entities[encoded];
        struct part *part = help_parse(entity, strlen(entity));
        cr_expect_eq(malleable_is_open_ended(part, &layer), (first || second) && !detached && !encoded, "%u", i);
        part_free(part);
    }
}
