/* SPDX-License-Identifier: Apache-2.0 */
#include "support/mime_help.h"

TestSuite(mime, .init = mime_init);

Test(mime, pkcs7_mime)
{
    static const struct {
        const char *header;
        bool expected;
    } table[] = {
        {"Content-Type: application/pkcs7-mime; smime-type=enveloped-data", true},
        {"Content-Type: Application/X-PKCS7-mime", true},
        {"Content-Type: application/octet-stream; name=smime.p7m", true},
        {"Content-Type: application/octet-stream; name=\"SMIME.P7M\"", true},
        {"Content-Type: application/octet-stream; name=smime.p7z", true},
        {"Content-Type: application/octet-stream; name=\"smime.p7m \"", true},
        {"Content-Type: application/octet-stream; name*=utf-8''smime.p7m", true},
        {"Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=x.P7m", true},
        {"Content-Type: application/octet-stream; name=a\r\nContent-Disposition: inline;\r\n filename=\"x.p7m\"", true},
        {"Content-Type: application/octet-stream; name=smime.p7s", false},
        {"Content-Type: application/octet-stream; name=\"=?utf-8?b?eC5wN20=?=\"", true},
        {"Content-Type: application/octet-stream; name=\"=?utf-8?b?eA==?=\r\n =?utf-8?q?.p7m?=\"", true},
        {"Content-Type: application/octet-stream; name=a\r\nContent-Disposition: inline;\r\n"
         " filename=\"=?utf-8?b?eC5wN20=?=\"",
         true},
        /* Not what some find behind the padding. */
        {"Content-Type: application/octet-stream; name=\"=?utf-8?b?eA==LnA3bQ==?=\"", false},
        {"Content-Type: application/octet-stream; name=a\r\nContent-Disposition: inline;\r\n"
         " filename=\"=?utf-8?b?eA==LnA3bQ==?=\"",
         false},
        {"Content-Type: application/octet-stream; name=.p7m", false},
        {"Content-Type: application/octet-stream; name=p7m", false},
        {"Content-Type: application/octet-stream", false},
        {"Content-Type: application/pdf; name=smime.p7m", false},
        {"Content-Type: application/pkcs7-signature; name=smime.p7m", false},
        {"Subject: application/pkcs7-mime", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autofree char *message = g_strconcat(table[i].header, "\r\n\r\n", NULL);
        owned(part) struct part *part = help_parse(message, strlen(message));
        cr_expect_eq(part_is_pkcs7_mime(part), table[i].expected, "%s", table[i].header);
    }
}

Test(mime, entities)
{
    static const struct {
        const char *text;
        bool expected;
    } table[] = {
        {"Content-Type: text/plain\r\n\r\nx", true},
        {"content-transfer-encoding : 7bit\n\nx", true},
        {"X: y\r\nMIME-VERSION: 1.0\r\n\r\n", true},
        {"Content-Type: text/plain;\r\n charset=utf-8\r\n\r\nx", true},
        {"Content-Type: text/plain", true},
        {"\r\nx", true},
        {"\nx", true},
        {"", false},
        {"\r", false},
        {"x", false},
        {"Subject: x\r\n\r\nContent-Type: text/plain\r\n", false},
        {"Subject: x\n\nContent-Type: text/plain\r\n\r\n", false},
        {"Content-Type: text/plain\r\n<xml/>\r\n\r\nx", false},
        {"Content-: x\r\n\r\n", false},
        {"MIME-Versions: 1.0\r\n\r\n", false},
    };
    const struct limits limits = {.header_size = 100, .header_count = 3};
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
        cr_expect_eq(mime_is_entity(slice_of(table[i].text), &limits), table[i].expected, "%s", table[i].text);
    cr_expect_not(mime_is_entity(SLICE_NONE, &limits));
    cr_expect(mime_is_entity(slice_of("a: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\n\r\n"), &limits), "over a limit");
    g_autofree char *far = g_strnfill(200, 'x');
    g_autofree char *text = g_strconcat("a: ", far, "\r\nMIME-Version: 1.0\r\n\r\n", NULL);
    cr_expect_not(mime_is_entity(slice_of(text), &limits), "not looked for so far inside");
}

Test(mime, multipart_signed)
{
    static const struct {
        const char *type, *second;
        bool expected;
    } table[] = {
        {"multipart/signed; protocol=\"application/pkcs7-signature\"", "application/pkcs7-signature", true},
        {"multipart/signed; protocol=\"application/x-pkcs7-signature\"", "application/x-pkcs7-signature", true},
        {"Multipart/SIGNED; PROTOCOL=\"Application/PKCS7-Signature\"", "text/plain", true},
        {"multipart/signed", "application/pkcs7-signature", true},
        {"multipart/signed", "application/octet-stream; name=\"Smime.P7S\"", true},
        {"multipart/signed; protocol=\"application/pgp-signature\"", "application/pgp-signature", false},
        {"multipart/signed", "application/octet-stream; name=x", false},
        {"multipart/mixed; protocol=\"application/pkcs7-signature\"", "application/pkcs7-signature", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autofree char *message = g_strdup_printf("Content-Type: %s; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n"
                                                   "Content-Type: %s\r\n\r\nx\r\n--b--\r\n",
                                                   table[i].type, table[i].second);
        owned(part) struct part *part = help_parse(message, strlen(message));
        cr_expect_eq(part_is_multipart_signed(part), table[i].expected, "%s", message);
    }
    owned(part) struct part *bare = help_parse("Content-Type: multipart/signed\r\n\r\n", 34);
    cr_expect_not(part_is_multipart_signed(bare));
}

Test(mime, entity_bytes)
{
    struct entity entity = {rope_new(), rope_new()};
    rope_borrow(entity.header, slice_of("A: b\r\n"));
    rope_borrow(entity.body, slice_of("x\r\n"));
    owned(rope) struct rope *bytes = entity_bytes(&entity);
    size_t length;
    g_autofree char *text = rope_flatten(bytes, &length);
    cr_assert_str_eq(text, "A: b\r\n\r\nx\r\n");
    entity_clear(&entity);
    cr_assert_null(entity.header);
    cr_assert_null(entity.body);
}

Test(mime, split)
{
    static const struct {
        const char *whole, *header, *body;
        bool has_empty_line;
    } table[] = {
        {"", "", "", true},
        {"\r\n", "", "", true},
        {"\r\nx", "", "x", true},
        {"A: b\r\n\r\n", "A: b\r\n", "", true},
        {"A: b\r\n\r\nx\r\n\r\ny", "A: b\r\n", "x\r\n\r\ny", true},
        {"A: b\r\n", "A: b\r\n", "", false},
        {"A: b\n\nx", "A: b\n\nx", "", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        struct slice header, body;
        cr_expect_eq(part_split(help_slice(table[i].whole), &header, &body), table[i].has_empty_line);
        cr_expect(slice_equal(header, help_slice(table[i].header)), "%zu", i);
        cr_expect(slice_equal(body, help_slice(table[i].body)), "%zu", i);
    }
}

Test(mime, line_ends)
{
    static const struct {
        const char *in, *out;
    } table[] = {
        {"", ""},
        {"a\r\n", "a\r\n"},
        {"a\r\nb\r\n", "a\r\nb\r\n"},
        {"\r\n", "\r\n"},
        {"a", "a\r\n"},
        {"a\nb\n", "a\r\nb\r\n"},
        {"a\rb", "a\r\nb\r\n"},
        {"a\r", "a\r\n"},
        {"a\n", "a\r\n"},
        {"\n", "\r\n"},
        {"\r", "\r\n"},
        {"\r\r\n", "\r\n\r\n"},
        {"\n\r", "\r\n\r\n"},
        {"\r\n\n", "\r\n\r\n"},
        {"a\n.\nMAIL FROM:<x>\r\n", "a\r\n.\r\nMAIL FROM:<x>\r\n"},
        {"a\r\n.\r\r\n", "a\r\n.\r\n\r\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        owned(spool) struct spool *spool = spool_new(&help_limits);
        struct error error = {0};
        struct slice bytes;
        bool changed;
        cr_assert(mime_line_ends(help_slice(table[i].in), spool, &changed, &error));
        cr_assert(spool_finish(spool, &bytes, &error));
        cr_expect(slice_equal(bytes, help_slice(table[i].out)), "%zu", i);
        cr_expect_eq(changed, strcmp(table[i].in, table[i].out) != 0, "%zu", i);
        cr_expect_eq(mime_is_canonical(help_slice(table[i].in)), !changed, "%zu", i);
        cr_expect(mime_is_canonical(bytes), "%zu", i);
    }
}

Test(mime, line_ends_with_nul_and_none)
{
    static const char text[] = "a\0\nb\0";
    owned(spool) struct spool *spool = spool_new(&help_limits);
    struct error error = {0};
    struct slice bytes;
    bool changed;
    cr_assert(mime_line_ends((struct slice){text, 5}, spool, &changed, &error));
    cr_assert(mime_line_ends(SLICE_NONE, spool, &changed, &error));
    cr_assert(spool_finish(spool, &bytes, &error));
    cr_assert(slice_equal(bytes, (struct slice){"a\0\r\nb\0\r\n", 8}));
}

Test(mime, line_ends_take_linear_time, .timeout = 60)
{
    static const char *const table[] = {"\r", "\n", "\r\n", "\r\r\n", "x\r"};
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        while (text->len < 4 << 20)
            g_string_append(text, table[i]);
        owned(spool) struct spool *spool = spool_new(&help_limits);
        struct error error = {0};
        bool changed;
        cr_assert(mime_line_ends((struct slice){text->str, text->len}, spool, &changed, &error));
    }
}
