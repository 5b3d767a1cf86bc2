/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/lines.h"
#include "support/mime_help.h"

#include <gmime/gmime.h>

TestSuite(canonical, .init = mime_init);

/* The bytes, which are as the facts about them say. */
static char *bytes_of(const struct entity *entity, size_t *length)
{
    owned(rope) struct rope *bytes = entity_bytes(entity);
    char *out = rope_flatten(bytes, length);
    unsigned troubles = lines_scan((struct slice){out, *length});
    cr_expect_eq(entity->eight_bit, (troubles & TROUBLE_EIGHT_BIT) != 0, "%s", out);
    cr_expect_eq(entity->fragile, (troubles & TROUBLE_HARD) != 0, "%s", out);
    return out;
}

static char *canonical(const char *message, size_t length)
{
    owned(part) struct part *root = help_parse(message, length);
    owned(entity) struct entity entity = {NULL, NULL};
    struct error error = {0};
    cr_assert(mime_canonical(root, &help_limits, &entity, &error), "%s", error.text);
    return bytes_of(&entity, &length);
}

#define ASCII "Content-Type: text/plain; charset=us-ascii\r\n"
#define UTF8 "Content-Type: text/plain; charset=utf-8\r\n"
#define CTE "Content-Transfer-Encoding: "
#define QP CTE "quoted-printable\r\n"
#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n"
#define TEN(text) text text text text text text text text text text

struct row {
    const char *name, *in, *out; /* out NULL: same as in */
};

static const struct row rows[] = {
    {"nothing to do", ASCII "\r\nhello\r\n", NULL},
    {"empty body", ASCII "\r\n", NULL},
    {"no header", "Subject: x\r\n\r\nhello\r\n", ASCII "\r\nhello\r\n"},
    {"other fields stay outside",
     "From: a@b\r\nContent-Language: de\r\nSubject: x\r\nMIME-Version: 1.0\r\ncontent-type: text/html;\r\n "
     "charset=x\r\n\r\nhello\r\n",
     "Content-Language: de\r\ncontent-type: text/html;\r\n charset=x\r\n\r\nhello\r\n"},
    {"8-bit text without a type", "Subject: x\r\n\r\n\xe9\r\n", "Content-Type: text/plain\r\n" QP "\r\n=E9\r\n"},
    {"8-bit text",
     UTF8 CTE "8bit\r\n\r\nb\xc3\xbc"
              "cher = x\r\n",
     UTF8 QP "\r\nb=C3=BCcher =3D x\r\n"},
    {"field order is kept", CTE "8bit\r\n" UTF8 "Content-Language: de\r\n\r\n\xc3\xbc\r\n",
     QP UTF8 "Content-Language: de\r\n\r\n=C3=BC\r\n"},
    {"label alone", UTF8 CTE "8bit\r\n\r\nx\r\n", UTF8 CTE "7bit\r\n\r\nx\r\n"},
    {"binary label alone", UTF8 CTE "BINARY\r\n\r\nx\r\n", UTF8 CTE "7bit\r\n\r\nx\r\n"},
    {"7bit label stays", UTF8 CTE "7Bit\r\n\r\nx\r\n", NULL},
    {"trailing space", ASCII "\r\nx \r\ny\t\r\n-- \r\n", ASCII QP "\r\nx=20\r\ny=09\r\n=2D-=20\r\n"},
    {"From line", ASCII "\r\nFrom here\r\nand From there\r\n", ASCII QP "\r\n=46rom here\r\nand From there\r\n"},
    {"bare CR and LF", ASCII "\r\na\rb\nc\r\n", ASCII QP "\r\na=0Db=0Ac\r\n"},
    {"no final newline", ASCII "\r\nhello", ASCII QP "\r\nhello=\r\n"},
    {"lone dot", ASCII "\r\n.\r\n.x\r\nx \r\n", ASCII QP "\r\n=2E\r\n.x\r\nx=20\r\n"},
    {"binary", "Content-Type: application/x\r\n\r\n\xff\n",
     "Content-Type: application/x\r\n" CTE "base64\r\n\r\n/wo=\r\n"},
    {"base64 without final newline", "Content-Type: application/x\r\n" CTE "base64\r\n\r\nYQ==",
     "Content-Type: application/x\r\n" CTE "base64\r\n\r\nYQ==\r\n"},
    {"base64 with trailing space", "Content-Type: text/plain\r\n" CTE "Base64\r\n\r\nY Q== \r\n\r\n",
     "Content-Type: text/plain\r\n" CTE "base64\r\n\r\nYQ==\r\n"},
    {"broken base64", ASCII CTE "base64\r\n\r\nYQ== x \nz", ASCII CTE "base64\r\n\r\nYQ== x \r\nz\r\n"},
    {"broken base64 with 8-bit octets", ASCII CTE "base64\r\n\r\nYQ\xe9\n", ASCII CTE "base64\r\n\r\nYQ\xe9\r\n"},
    {"the same in a multipart, which says 8bit then",
     MIXED CTE "8bit\r\n\r\n--b\r\n" CTE "base64\r\n\r\nYQ\xe9\r\n--b\r\n\r\nx \r\n--b--\r\n",
     MIXED CTE "8bit\r\n\r\n--b\r\n" CTE "base64\r\n\r\nYQ\xe9\r\n--b\r\n" QP "\r\nx=20\r\n--b--\r\n"},
    {"quoted-printable that is fine", UTF8 QP "\r\n=C3=BC=\r\n\r\n", NULL},
    {"quoted-printable with trouble", UTF8 QP "\r\n\xc3=BC =\r\nFrom\r\nFrom x=2\r\n", NULL},
    {"unknown encoding", ASCII CTE "x-uuencode\r\n\r\nbegin \n", ASCII CTE "x-uuencode\r\n\r\nbegin \r\n"},
    {"opaque S/MIME", "Content-Type: application/pkcs7-mime\r\n" CTE "base64\r\n\r\nYQ== \r\n", NULL},
    {"opaque S/MIME in binary", "Content-Type: application/pkcs7-mime\r\n" CTE "binary\r\n\r\n\x80",
     "Content-Type: application/pkcs7-mime\r\n" CTE "base64\r\n\r\ngA==\r\n"},
    {"signed", "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n\xc3\xbc \r\n--b\r\n\r\nx\r\n--b--\r\n",
     NULL},
    {"signed without final newline",
     "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n \r\n--b\r\n\r\nx\r\n--b--",
     "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n \r\n--b\r\n\r\nx\r\n--b--\r\n"},
    {"message", "Content-Type: message/rfc822\r\n" CTE "8bit\r\n\r\nSubject: x\r\n\r\n\xc3\xbc \r\n", NULL},

    {"multipart that is fine", MIXED "\r\npre\r\n--b\r\n" ASCII "\r\nx\r\n--b--\r\nepi\r\n", NULL},
    {"multipart without final newline", MIXED "\r\n--b\r\n\r\nx\r\n--b--", MIXED "\r\n--b\r\n\r\nx\r\n--b--\r\n"},
    {"one leaf of three",
     MIXED CTE "8bit\r\n\r\npre\r\n--b\r\n" ASCII "\r\nx\r\n--b\r\nX-A: b \r\n" CTE "8bit\r\n" UTF8
               "\r\n\xc3\xbc\r\n--b \r\n\r\ny"
               "\r\n--b--\r\nepi\r\n",
     MIXED CTE "7bit\r\n\r\npre\r\n--b\r\n" ASCII "\r\nx\r\n--b\r\nX-A: b \r\n" QP UTF8 "\r\n=C3=BC\r\n--b \r\n\r\ny"
               "\r\n--b--\r\nepi\r\n"},
    {"leaf without final newline", MIXED "\r\n--b\r\n\r\nx \r\n--b--\r\n",
     MIXED "\r\n--b\r\n" QP "\r\nx=20\r\n--b--\r\n"},
    {"leaf with final newline", MIXED "\r\n--b\r\n\r\nx \r\n\r\n--b--\r\n",
     MIXED "\r\n--b\r\n" QP "\r\nx=20\r\n\r\n--b--\r\n"},
    {"binary leaf", MIXED "\r\n--b\r\nContent-Type: image/x\r\n\r\n\x80\r\n--b--\r\n",
     MIXED "\r\n--b\r\nContent-Type: image/x\r\n" CTE "base64\r\n\r\ngA==\r\n\r\n--b--\r\n"},
    {"two labels in a leaf make a fault", MIXED "\r\n--b\r\n" CTE "8bit\r\n" CTE "7bit\r\n\r\n\xff\n\r\n--b--\r\n",
     MIXED "\r\n--b\r\n" CTE "8bit\r\n" CTE "7bit\r\n\r\n\xff\r\n\r\n--b--\r\n"},
    {"odd preamble and epilogue go", MIXED "\r\np\xc3\xbc\r\n--b\r\n\r\nx\r\n--b--\r\nepi \r\n",
     MIXED "\r\n--b\r\n\r\nx\r\n--b--\r\n"},
    {"label in a leaf", MIXED "\r\n--b\r\n" CTE "8bit\r\n\r\nx\r\n--b--\r\n",
     MIXED "\r\n--b\r\n" CTE "7bit\r\n\r\nx\r\n--b--\r\n"},
    {"label of a leaf that is only a header", MIXED "\r\n--b\r\n" CTE "8bit\r\n\r\n--b--\r\n",
     MIXED "\r\n--b\r\n" CTE "7bit\r\n\r\n--b--\r\n"},
    {"8-bit message keeps the label",
     MIXED CTE "8bit\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n" CTE
               "8bit\r\n\r\nA: b\r\n\r\n\xc3\xbc\r\n--b--\r\n",
     NULL},
    {"signed leaf beside another",
     MIXED
     "\r\n--b\r\nContent-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n\r\n\xc3\xbc \r\n--c\r\n\r\ny\r\n--c--\r\n"
     "--b\r\n" UTF8 "\r\n\xc3\xbc\r\n--b--\r\n",
     MIXED
     "\r\n--b\r\nContent-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n\r\n\xc3\xbc \r\n--c\r\n\r\ny\r\n--c--\r\n"
     "--b\r\n" UTF8 QP "\r\n=C3=BC\r\n--b--\r\n"},
    {"not closed", MIXED "\r\n--b\r\n\r\nx \ny", MIXED "\r\n--b\r\n\r\nx \r\ny\r\n"},
    {"two types", ASCII UTF8 "\r\nx \r\n", NULL},
    {"bare CR in a field", "Content-Description: a\rb\r\n" ASCII "\r\nx\r\n",
     "Content-Description: a b\r\n" ASCII "\r\nx\r\n"},
    {"bare CR in the header of a part", MIXED "\r\n--b\r\nX: a\rb\r\n\r\nx\r\n--b--\r\n",
     MIXED "\r\n--b\r\nX: a\r\nb\r\n\r\nx\r\n--b--\r\n"},
    {"long line in a field", "Content-Description: " TEN(TEN(TEN("x"))) "\r\n" ASCII "\r\nx\r\n", NULL},
    {"raw UTF-8 in a field", "Content-Description: \xc3\xbc\r\n" ASCII "\r\nx\r\n", NULL},
};

Test(canonical, table)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct row *row = &rows[i];
        if (strcmp(row->name, "quoted-printable with trouble") == 0)
            continue; /* its own test */
        g_autofree char *out = canonical(row->in, strlen(row->in));
        cr_expect_str_eq(out, row->out != NULL ? row->out : row->in, "%s: %s", row->name, out);
        /* What was made is not made anew. */
        g_autofree char *again = canonical(out, strlen(out));
        cr_expect_str_eq(again, out, "%s, again: %s", row->name, again);
    }
}

Test(canonical, untouched_bodies_are_borrowed)
{
    static const char *const table[] = {
        ASCII "\r\nhello\r\n",
        MIXED "\r\n--b\r\n\r\nx\r\n--b--\r\n",
        "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n\xc3\xbc \r\n--b\r\n\r\nx\r\n--b--\r\n",
        MIXED "\r\n--b\r\nContent-Type: text/plain; \r\n charset=x\r\n\r\nx\r\n--b--\r\n",
        ASCII CTE "x-unknown\r\n\r\n\xc3 \r\n",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        owned(part) struct part *root = help_parse(table[i], strlen(table[i]));
        owned(entity) struct entity entity = {NULL, NULL};
        struct error error = {0};
        cr_assert(mime_canonical(root, &help_limits, &entity, &error));
        cr_expect_eq(rope_count(entity.body), 1);
        cr_expect_eq(rope_at(entity.body, 0).data, root->body.data);
        cr_expect_eq(rope_at(entity.body, 0).len, root->body.len);
    }
}

/* Where it cannot be encoded it stays, and the signature is opaque. */
Test(canonical, nul_in_a_header)
{
    static const char in[] = MIXED "\r\n--b\r\nX: a\0b\r\n\r\nx\r\n--b--\r\n";
    static const char plain[] = "Content-Description: a\0b\r\n\r\nx\r\n";
    owned(part) struct part *root = help_parse(in, sizeof(in) - 1);
    owned(entity) struct entity entity = {NULL, NULL};
    struct error error = {0};
    size_t length;
    cr_assert(mime_canonical(root, &help_limits, &entity, &error));
    g_autofree char *made = bytes_of(&entity, &length);
    cr_expect(length == sizeof(in) - 1 && memcmp(made, in, length) == 0);
    g_autofree char *field = canonical(plain, sizeof(plain) - 1);
    cr_expect_str_eq(field, ASCII "Content-Description: a b\r\n\r\nx\r\n");
}

Test(canonical, an_inner_entity_keeps_all_fields)
{
    const char *text = "Subject: x\r\n" ASCII "X-Y: z\r\n\r\nhello\r\n";
    owned(part) struct part *root = help_parse(text, strlen(text));
    owned(entity) struct entity entity = {NULL, NULL};
    struct error error = {0};
    size_t length;
    cr_assert(mime_canonical_inner(root, &help_limits, &entity, &error));
    g_autofree char *out = bytes_of(&entity, &length);
    cr_expect_str_eq(out, text);
}

/* What MTAs do to a line on the way: nothing may be left for them to do. */
static void check_survives(const char *text, bool eight_bit_allowed)
{
    size_t length = strlen(text);
    cr_assert(length == 0 || g_str_has_suffix(text, "\r\n"), "no final line end");
    for (const char *line = text; line < text + length;) {
        const char *end = memmem(line, (size_t)(text + length - line), "\r\n", 2);
        cr_assert_not_null(end);
        cr_assert_leq(end - line, 998, "line too long: %ld", (long)(end - line));
        cr_assert(end - line < 5 || memcmp(line, "From ", 5) != 0, "From line");
        cr_assert(end == line || (end[-1] != ' ' && end[-1] != '\t'), "trailing space");
        for (const char *p = line; p < end; p++) {
            cr_assert(*p != '\r' && *p != '\n', "bare CR or LF");
            cr_assert(eight_bit_allowed || (unsigned char)*p < 0x80, "8-bit");
        }
        line = end + 2;
    }
}

static void compare_leaves(const struct part *a, const struct part *b)
{
    cr_assert_str_eq(a->type, b->type);
    cr_assert_str_eq(a->id, b->id);
    cr_assert_null(b->fault, "%s", b->fault);
    cr_assert_eq(a->child_count, b->child_count);
    for (size_t i = 0; i < a->child_count; i++)
        compare_leaves(&a->children[i], &b->children[i]);
    if (a->child_count > 0)
        return;
    size_t a_length, b_length;
    g_autofree char *a_bytes = help_decode(a, &a_length);
    g_autofree char *b_bytes = help_decode(b, &b_length);
    cr_assert_eq(a_length, b_length, "%s: %zu, %zu", a->id, a_length, b_length);
    cr_assert_eq(memcmp(a_bytes, b_bytes, a_length), 0);
}

Test(canonical, quoted_printable_with_trouble)
{
    const char *in = UTF8 QP "\r\n\xc3=BC =\r\nFrom\r\n\tFrom x=20 \r\nz=";
    g_autofree char *out = canonical(in, strlen(in));
    check_survives(out, false);
    owned(part) struct part *before = help_parse(in, strlen(in));
    owned(part) struct part *after = help_parse(out, strlen(out));
    compare_leaves(before, after);
}

/* A line of text that only wrapping brings to the beginning of a line must not become a delimiter or a From line there.
 */
Test(canonical, wrapping_makes_no_delimiter)
{
    for (int shift = 0; shift < 80; shift++) {
        for (int kind = 0; kind < 2; kind++) {
            g_autoptr(GString) message = g_string_new(MIXED "\r\n--b\r\n" UTF8 "\r\n\xc3\xbc ");
            for (int i = 0; i < shift; i++)
                g_string_append_c(message, 'x');
            for (int i = 0; i < 30; i++)
                g_string_append(message, kind == 0 ? "--b--From " : "From --b--");
            g_string_append(message, "\r\n=2D-b\r\n--b--\r\n");
            g_autofree char *out = canonical(message->str, message->len);
            check_survives(out, false);
            owned(part) struct part *before = help_parse(message->str, message->len);
            owned(part) struct part *after = help_parse(out, strlen(out));
            compare_leaves(before, after);
        }
    }
}

/* Escaped in the original, because it would have been a delimiter. */
Test(canonical, reencoding_makes_no_delimiter)
{
    const char *in = MIXED "\r\n--b\r\n" QP "\r\n=2D-b\r\ntrailing \r\n=2D-b--\r\n=46rom x\r\n--b--\r\n";
    g_autofree char *out = canonical(in, strlen(in));
    owned(part) struct part *before = help_parse(in, strlen(in));
    owned(part) struct part *after = help_parse(out, strlen(out));
    check_survives(out, false);
    compare_leaves(before, after);
}

/* --- random trees --- */

static void append_content(GRand *random, GString *out)
{
    static const char *const pieces[] = {
        "hello world",
        "\r\n",
        "\r\n",
        "\r\n\r\n",
        " \r\n",
        "\t\r\n",
        "\n",
        "\r",
        "From ",
        "\r\nFrom me",
        "b\xc3\xbc"
        "cher",
        "\xff\xfe",
        "=",
        "=3D",
        "--",
        "\r\n--",
        "\r\n-- \r\n",
        ".",
        "\r\n.\r\n",
        "........................................................................",
        " ",
        "x",
    };
    /* Mostly tame ones, so that all treatments occur. */
    int wild = g_rand_int_range(random, 0, 3) == 0 ? (int)G_N_ELEMENTS(pieces) : 4;
    for (int i = g_rand_int_range(random, 0, 40); i > 0; i--)
        g_string_append(out, pieces[g_rand_int_range(random, 0, wild)]);
    if (wild > 4 && g_rand_int_range(random, 0, 4) == 0)
        g_string_append_len(out, "\0x\0", 3);
    if (g_rand_int_range(random, 0, 8) == 0)
        for (int i = g_rand_int_range(random, 900, 3000); i > 0; i--)
            g_string_append_c(out, "ab \t-F="[g_rand_int_range(random, 0, 7)]);
}

static void append_encoded(GRand *random, GString *out, const GString *content, GMimeContentEncoding how)
{
    GMimeEncoding state;
    g_mime_encoding_init_encode(&state, how);
    g_autofree char *text = g_malloc(g_mime_encoding_outlen(&state, content->len) + 100);
    size_t length = g_mime_encoding_flush(&state, content->str, content->len, text);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n') {
            if (g_rand_int_range(random, 0, 40) == 0)
                g_string_append_c(out, ' ');
            g_string_append_c(out, '\r');
        }
        g_string_append_c(out, text[i]);
    }
}

static void append_leaf(GRand *random, GString *out)
{
    static const char *const types[] = {
        "", ASCII, UTF8, "Content-Type: application/octet-stream\r\n", "Content-Type: image/png; name=\"x.png\"\r\n",
    };
    static const char *const labels[] = {"", CTE "7bit\r\n", CTE "8bit\r\n", CTE "binary\r\n"};
    g_autoptr(GString) content = g_string_new(NULL);
    append_content(random, content);
    g_string_append(out, types[g_rand_int_range(random, 0, 5)]);
    int how = g_rand_int_range(random, 0, 6);
    if (how < 4) {
        g_string_append_printf(out, "%s\r\n", labels[how]);
        g_string_append_len(out, content->str, (gssize)content->len);
    } else if (how == 4) {
        g_string_append(out, CTE "base64\r\n\r\n");
        append_encoded(random, out, content, GMIME_CONTENT_ENCODING_BASE64);
    } else {
        g_string_append(out, QP "\r\n");
        append_encoded(random, out, content, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    }
}

static void append_part(GRand *random, GString *out, unsigned depth, unsigned *serial)
{
    if (depth == 0 || g_rand_int_range(random, 0, 3) == 0) {
        append_leaf(random, out);
        return;
    }
    unsigned boundary = (*serial)++;
    static const char *const labels[] = {"", "", CTE "8bit\r\n", CTE "7bit\r\n"};
    g_string_append_printf(out, "Content-Type: multipart/%s; boundary=\"=_%04u_=\"\r\n%s\r\n",
                           g_rand_boolean(random) ? "mixed" : "alternative", boundary,
                           labels[g_rand_int_range(random, 0, 4)]);
    if (g_rand_boolean(random))
        g_string_append(out, g_rand_boolean(random) ? "preamble\r\n"
                                                    : "pr\xc3\xa4"
                                                      "ambel \r\n");
    for (int i = g_rand_int_range(random, 1, 4); i > 0; i--) {
        g_string_append_printf(out, "--=_%04u_=\r\n", boundary);
        append_part(random, out, depth - 1, serial);
        g_string_append(out, "\r\n");
    }
    g_string_append_printf(out, "--=_%04u_=--", boundary);
    if (g_rand_boolean(random))
        g_string_append(out, g_rand_boolean(random) ? "\r\n" : "\r\nepilogue\xff");
}

Test(canonical, random_trees, .timeout = 100)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(20);
    for (int round = 0; round < 4000; round++) {
        g_autoptr(GString) message = g_string_new("Subject: x\r\n");
        unsigned serial = 0;
        append_part(random, message, (unsigned)g_rand_int_range(random, 0, 4), &serial);
        owned(part) struct part *before = help_parse(message->str, message->len);
        owned(entity) struct entity entity = {NULL, NULL};
        struct error error = {0};
        cr_assert(mime_canonical(before, &help_limits, &entity, &error), "%s", error.text);
        size_t length;
        g_autofree char *out = bytes_of(&entity, &length);
        cr_assert_eq(strlen(out), length, "NUL");
        check_survives(out, false);
        owned(part) struct part *after = help_parse(out, length);
        compare_leaves(before, after);
        g_autofree char *again = canonical(out, length);
        cr_assert_str_eq(again, out);
    }
}

/* Bodies beyond the memory limit go through the spool file. */
Test(canonical, large_bodies)
{
    g_autoptr(GString) message = g_string_new(MIXED "\r\n--b\r\n" UTF8 "\r\n");
    while (message->len < 3 << 20)
        g_string_append(message, "eine Zeile f\xc3\xbcr den Test\r\n");
    g_string_append(message, "\r\n--b\r\nContent-Type: application/x\r\n\r\n");
    while (message->len < 6 << 20)
        g_string_append(message, "\x80\x81\n");
    g_string_append(message, "\r\n--b--\r\n");
    g_autofree char *out = canonical(message->str, message->len);
    check_survives(out, false);
    owned(part) struct part *before = help_parse(message->str, message->len);
    owned(part) struct part *after = help_parse(out, strlen(out));
    compare_leaves(before, after);
}

/* RFC 2045 §6.7 (5): no line of quoted-printable is longer than 76. */
Test(canonical, quoted_printable_lines)
{
    static const char *const pieces[] = {"x", "-", " ", "=", "\t", "\xff", "\r\n", "\n"};
    g_autoptr(GRand) random = g_rand_new_with_seed(3);
    for (int round = 0; round < 500; round++) {
        g_autoptr(GString) message = g_string_new(UTF8 "\r\n\xc3\xbc");
        for (int i = g_rand_int_range(random, 0, 400); i > 0; i--)
            g_string_append(message, pieces[g_rand_int_range(random, 0, G_N_ELEMENTS(pieces))]);
        for (int i = g_rand_int_range(random, 60, 90); i > 0; i--)
            g_string_append_c(message, 'y');
        if (g_rand_boolean(random))
            g_string_append(message, "\r\n");
        g_autofree char *out = canonical(message->str, message->len);
        check_survives(out, false);
        g_auto(GStrv) lines = g_strsplit(strstr(out, "\r\n\r\n") + 4, "\r\n", -1);
        for (char **line = lines; *line != NULL; line++)
            cr_assert_leq(strlen(*line), 76, "%s", *line);
        owned(part) struct part *before = help_parse(message->str, message->len);
        owned(part) struct part *after = help_parse(out, strlen(out));
        compare_leaves(before, after);
    }
}

Test(canonical, longest_line)
{
    for (int length = 997; length <= 1000; length++) {
        for (int nested = 0; nested <= 1; nested++) {
            g_autoptr(GString) message = g_string_new(nested ? MIXED "\r\n--b\r\n\r\n" : ASCII "\r\n");
            for (int i = 0; i < length; i++)
                g_string_append_c(message, 'x');
            g_string_append(message, nested ? "\r\n--b--\r\n" : "\r\n");
            g_autofree char *out = canonical(message->str, message->len);
            check_survives(out, false);
            cr_expect_eq(strcmp(out, message->str) == 0, length <= 998, "%d", length);
        }
    }
}
