/* SPDX-License-Identifier: Apache-2.0 */
#include "support/mime_help.h"

TestSuite(encoding, .init = mime_init);

static struct part leaf(enum encoding encoding, const char *body, size_t length)
{
    return (struct part){.id = (char *)"1", .encoding = encoding, .body = {body, length}};
}

Test(encoding, decode)
{
    static const struct {
        enum encoding encoding;
        const char *body, *decoded; /* NULL: an error */
    } table[] = {
        {ENCODING_7BIT, "a\r\n", "a\r\n"},
        {ENCODING_8BIT, "\xc3\xa9", "\xc3\xa9"},
        {ENCODING_BINARY, "\xff\n", "\xff\n"},
        {ENCODING_UNKNOWN, "a", NULL},
        {ENCODING_7BIT, "", ""},
        {ENCODING_BASE64, "", ""},
        {ENCODING_BASE64, " \r\n\t", ""},
        {ENCODING_BASE64, "YQ==", "a"},
        {ENCODING_BASE64, "YWI=", "ab"},
        {ENCODING_BASE64, "YWJj", "abc"},
        {ENCODING_BASE64, "Y W\tJ\r\nj\r\n", "abc"},
        {ENCODING_BASE64, "YWJjYQ==\r\n\r\n  ", "abca"},
        {ENCODING_BASE64, "YQ= =\r\n", "a"},
        {ENCODING_BASE64, "+/+/", "\xfb\xff\xbf"},
        {ENCODING_BASE64, "YQ==YQ==", NULL},
        {ENCODING_BASE64, "YQ=a", NULL},
        {ENCODING_BASE64, "Y===", NULL},
        {ENCODING_BASE64, "====", NULL},
        {ENCODING_BASE64, "=", NULL},
        {ENCODING_BASE64, "YQ=", NULL},
        {ENCODING_BASE64, "YQ", NULL},
        {ENCODING_BASE64, "YWJjY", NULL},
        {ENCODING_BASE64, "YW*j", NULL},
        {ENCODING_BASE64, "YWJ-", NULL},
        {ENCODING_BASE64, "YWJj----", NULL},
        {ENCODING_BASE64, "----YWJj", NULL},
        {ENCODING_BASE64, "YWJj\x0b", NULL},
        {ENCODING_BASE64, "YWJj\x80\x80\x80\x80", NULL},
        {ENCODING_BASE64, "YWJj\r\n-- \r\nfooter of a list", NULL},
        {ENCODING_BASE64, "YQ==\r\nlist", NULL},
        {ENCODING_QUOTED_PRINTABLE, "a=20b=\r\nc=3D\r\n", "a bc=\r\n"},
        {ENCODING_QUOTED_PRINTABLE, "=c3=A9", "\xc3\xa9"},
        {ENCODING_QUOTED_PRINTABLE, "x=", "x"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        owned(spool) struct spool *spool = spool_new(&help_limits);
        struct error error = {0};
        struct part part = leaf(table[i].encoding, table[i].body, strlen(table[i].body));
        bool good = part_decode(&part, spool, &error);
        cr_expect_eq(good, table[i].decoded != NULL, "%s", table[i].body);
        if (!good) {
            cr_expect_eq(error.kind, ERROR_PERMANENT);
            continue;
        }
        struct slice bytes;
        cr_assert(spool_finish(spool, &bytes, &error));
        if (table[i].decoded != NULL)
            cr_expect(slice_equal(bytes, help_slice(table[i].decoded)), "%s", table[i].body);
    }
}

Test(encoding, base64_with_nul)
{
    owned(spool) struct spool *spool = spool_new(&help_limits);
    struct error error = {0};
    struct part part = leaf(ENCODING_BASE64, "YWJj\0\0\0\0", 8);
    cr_assert_not(part_decode(&part, spool, &error));
}

static GString *noise(size_t length, guint32 seed)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    GString *bytes = g_string_sized_new(length);
    for (size_t i = 0; i < length; i++)
        g_string_append_c(bytes, (char)g_rand_int_range(random, 0, 256));
    return bytes;
}

/* Written in pieces of each odd size it is the same as GLib's, in lines of 76, and decodes to what it was. */
Test(encoding, base64_round_trip)
{
    static const size_t lengths[] = {0, 1, 2, 3, 56, 57, 58, 113, 114, 115, 1000, 29184, 29185, 49152, 100000, 300001};
    static const size_t pieces[] = {1, 2, 55, 56, 57, 58, 4096, 65536, 1 << 20};
    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autoptr(GString) bytes = noise(lengths[i], (guint32)i);
        g_autofree char *expected = g_base64_encode((const guchar *)bytes->str, bytes->len);
        for (size_t j = 0; j < G_N_ELEMENTS(pieces); j++) {
            owned(spool) struct spool *spool = spool_new(&help_limits);
            struct error error = {0};
            struct base64_state state = {.carried = 0};
            for (size_t done = 0; done < bytes->len; done += pieces[j]) {
                struct slice piece = {bytes->str + done, MIN(pieces[j], bytes->len - done)};
                cr_assert(base64_write(&state, piece, false, spool, &error));
            }
            cr_assert(base64_write(&state, SLICE_NONE, true, spool, &error));
            struct slice text;
            cr_assert(spool_finish(spool, &text, &error));

            g_autoptr(GString) lines = g_string_new(NULL);
            for (size_t done = 0, all = strlen(expected); done < all; done += 76)
                g_string_append_printf(lines, "%.76s\r\n", expected + done);
            cr_assert(slice_equal(text, (struct slice){lines->str, lines->len}), "%zu in %zu", lengths[i], pieces[j]);
            struct part part = leaf(ENCODING_BASE64, text.data, text.len);
            size_t length;
            g_autofree char *decoded = help_decode(&part, &length);
            cr_assert_eq(length, bytes->len);
            cr_assert_eq(memcmp(decoded, bytes->str, length), 0);
        }
    }
}

/* One wrong character anywhere in a long body is found, also where the decoder's pieces meet. */
Test(encoding, base64_is_strict_everywhere)
{
    g_autoptr(GString) bytes = noise(120000, 7);
    g_autofree char *text = g_base64_encode((const guchar *)bytes->str, bytes->len);
    size_t length = strlen(text);
    for (size_t at = 0; at < length; at += at % 49152 < 8 || at % 49152 > 49140 ? 1 : 997) {
        static const char wrong[] = {'=', '-', '\0', '\x80', '!'};
        for (size_t i = 0; i < sizeof(wrong); i++) {
            char kept = text[at];
            text[at] = wrong[i];
            owned(spool) struct spool *spool = spool_new(&help_limits);
            struct error error = {0};
            struct part part = leaf(ENCODING_BASE64, text, length);
            cr_expect_not(part_decode(&part, spool, &error), "%zu %zu", at, i);
            text[at] = kept;
        }
    }
}

/* A soft line break or an escape may lie across two pieces. */
Test(encoding, quoted_printable_in_pieces)
{
    for (size_t shift = 0; shift < 6; shift++) {
        g_autoptr(GString) text = g_string_new(NULL), expected = g_string_new(NULL);
        for (size_t i = 0; i < shift; i++)
            g_string_append_c(text, 'x');
        while (text->len < 200000)
            g_string_append(text, "=41=\r\n");
        for (size_t i = 0; i < shift; i++)
            g_string_append_c(expected, 'x');
        for (size_t i = 0; i < (text->len - shift) / 6; i++)
            g_string_append_c(expected, 'A');
        struct part part = leaf(ENCODING_QUOTED_PRINTABLE, text->str, text->len);
        size_t length;
        g_autofree char *decoded = help_decode(&part, &length);
        cr_assert_eq(length, expected->len);
        cr_assert_str_eq(decoded, expected->str);
    }
}

/* Also where the padding ends one of the decoder's pieces. */
Test(encoding, base64_after_padding)
{
    for (size_t groups = 12286; groups <= 12290; groups++) {
        for (int more = 0; more <= 1; more++) {
            g_autoptr(GString) text = g_string_new(NULL);
            for (size_t i = 1; i < groups; i++)
                g_string_append(text, "YWJj");
            g_string_append(text, more ? "YQ==YWJj" : "YQ==\r\n ");
            owned(spool) struct spool *spool = spool_new(&help_limits);
            struct error error = {0};
            struct part part = leaf(ENCODING_BASE64, text->str, text->len);
            cr_expect_eq(part_decode(&part, spool, &error), more == 0, "%zu", groups);
        }
    }
}
