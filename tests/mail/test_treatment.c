/* SPDX-License-Identifier: Apache-2.0 */
/* treatment: what is delivered has the same content, and nothing in it that a mail server changes. */
#include "mail/lines.h"
#include "support/mime_help.h"

TestSuite(treatment, .init = mime_init);

static bool write_sealed(const struct part *part, const struct limits *limits, struct spool *out, struct error *error)
{
    (void)limits;
    if (part->child_count != 2)
        return error_set(error, ERROR_PERMANENT, "no signature");
    return spool_write(out, "U0VBTEVE\r\n", 10, error);
}

static char *deliverable(const char *message, size_t length, bool eight_bit, bool *opaque, size_t *made)
{
    size_t out_length;
    const struct transport transport = {
        .eight_bit = eight_bit, .opaque_header = "Content-Type: sealed\r\n", .write_opaque = write_sealed};
    owned(part) struct part *root = help_parse(message, length);
    owned(entity) struct entity entity = {0};
    struct error error = {0};
    cr_assert(mime_deliverable(root, &transport, &help_limits, &entity, &error), "%s", error.text);
    *opaque = entity.opaque;
    owned(rope) struct rope *bytes = entity_bytes(&entity);
    char *out = rope_flatten(bytes, &out_length);
    unsigned troubles = lines_scan((struct slice){out, out_length});
    cr_expect_eq(entity.eight_bit, (troubles & TROUBLE_EIGHT_BIT) != 0, "%s", out);
    if (made != NULL)
        *made = out_length;
    return out;
}

#define ASCII "Content-Type: text/plain; charset=us-ascii\r\n"
#define UTF8 "Content-Type: text/plain; charset=utf-8\r\n"
#define OCTETS "Content-Type: application/octet-stream\r\n"
#define CTE "Content-Transfer-Encoding: "
#define QP CTE "quoted-printable\r\n"
#define B64 CTE "base64\r\n"
#define BINARY CTE "binary\r\n"
#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n"
#define SIGNED "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=b\r\n"
#define PGP "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=b\r\n"
#define P7S "Content-Type: application/pkcs7-signature\r\n"
#define RFC822 "Content-Type: message/rfc822\r\n"
#define LONG                                                                                                           \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901" \
    "2345678901234567890123456789012345678901234567890123456789"
#define LONGER LONG LONG LONG LONG LONG LONG /* 1008 */

static const struct row {
    const char *name, *in;
    const char *seven; /* where 8-bit does not pass; NULL: as it is */
    const char *eight; /* where it does; NULL: as it is; "": as seven */
    bool opaque;
} rows[] = {
    {"what some MTAs change stays", ASCII "\r\nx \r\nFrom y\r\n.\r\n", NULL, NULL, false},
    {"8-bit label", ASCII CTE "8bit\r\n\r\nx\r\n", NULL, NULL, false},
    {"binary label", OCTETS BINARY "\r\nx\r\n", OCTETS CTE "7bit\r\n\r\nx\r\n", "", false},
    {"8-bit", UTF8 CTE "8bit\r\n\r\n\xc3\xbc\r\n", UTF8 QP "\r\n=C3=BC\r\n", NULL, false},
    {"8-bit in binary", UTF8 BINARY "\r\n\xc3\xbc\r\n", UTF8 QP "\r\n=C3=BC\r\n", UTF8 CTE "8bit\r\n\r\n\xc3\xbc\r\n",
     false},
    {"bare ends in binary", OCTETS BINARY "\r\na\rb\nc\r\n", OCTETS B64 "\r\nYQ1iCmMNCg==\r\n", "", false},
    {"bare ends in lines", UTF8 "\r\na\rb\nc\r\n", UTF8 "\r\na\r\nb\r\nc\r\n", "", false},
    {"bare ends in text that is binary", UTF8 BINARY "\r\na\nb", UTF8 QP "\r\na=0Ab=\r\n", "", false},
    {"no line end", ASCII "\r\nx", ASCII QP "\r\nx=\r\n", "", false},
    {"no line end after base64", OCTETS B64 "\r\nYQ==", OCTETS B64 "\r\nYQ==\r\n", "", false},
    {"bare ends in base64", OCTETS B64 "\r\nYQ\n==\n", OCTETS B64 "\r\nYQ==\r\n", "", false},
    {"broken base64", OCTETS B64 "\r\nYQ=\n", OCTETS B64 "\r\nYQ=\r\n", "", false},
    {"broken base64 with an 8-bit octet", ASCII B64 "\r\nY\xc3\r\n", NULL, NULL, false},
    {"unknown encoding", UTF8 CTE "x\r\n\r\n\xc3\n", UTF8 CTE "x\r\n\r\n\xc3\r\n", "", false},
    {"unknown encoding of a long line", UTF8 CTE "x\r\n\r\n" LONGER "\r\n", "?", "?", false},
    {"long line", ASCII "\r\n" LONGER "\r\n", "?", "?", false},
    {"two labels", UTF8 CTE "8bit\r\n" CTE "7bit\r\n\r\n\xc3\xbc\r\n", "?", NULL, false},
    {"opaque signature in binary", "Content-Type: application/pkcs7-mime\r\n" BINARY "\r\n\x30\x80",
     "Content-Type: application/pkcs7-mime\r\n" B64 "\r\nMIA=\r\n", "", false},
    {"parts", MIXED BINARY "\r\np\r\n--b\r\n" UTF8 "\r\n\xc3\xbc\r\n--b\r\n" OCTETS BINARY "\r\n\r\r\n--b--\r\ne\r\n",
     MIXED CTE "7bit\r\n\r\np\r\n--b\r\n" UTF8 QP "\r\n=C3=BC\r\n--b\r\n" OCTETS B64 "\r\nDQ==\r\n\r\n--b--\r\ne\r\n",
     MIXED CTE "8bit\r\n\r\np\r\n--b\r\n" UTF8 "\r\n\xc3\xbc\r\n--b\r\n" OCTETS B64 "\r\nDQ==\r\n\r\n--b--\r\ne\r\n",
     false},
    {"not closed", MIXED "\r\n--b\r\n" OCTETS BINARY "\r\n\x01\n\r\n",
     MIXED "\r\n--b\r\n" OCTETS B64 "\r\nAQoNCg==\r\n", "", false},
    {"no boundary", "Content-Type: multipart/mixed\r\n\r\n\xc3\r\n", NULL, NULL, false},
    {"no boundary, and a long line", "Content-Type: multipart/mixed\r\n\r\n" LONGER "\r\n", "?", "?", false},
    {"a label that ends in a bare LF", MIXED "\r\n--b\r\n" CTE "binary\nX: y\r\n\r\n\xc3\n\r\n--b--\r\n",
     MIXED "\r\n--b\r\n" QP "X: y\r\n\r\n=C3=0A\r\n--b--\r\n", "", false},
    {"header of a part", MIXED "\r\n--b\r\nContent-Description: \xc3\xbc\nX: y\r\n\r\nx\r\n--b--\r\n",
     MIXED "\r\n--b\r\nContent-Description: \xc3\xbc\r\nX: y\r\n\r\nx\r\n--b--\r\n", "", false},
    {"a part without header and empty line", MIXED "\r\n--b\r\nx\xc3\r\n--b--\r\n",
     MIXED "\r\n--b\r\n" QP "\r\nx=C3\r\n--b--\r\n", NULL, false},
    {"a part of one octet without header and empty line", MIXED "\r\n--b\r\n\xc3\r\n--b--\r\n",
     MIXED "\r\n--b\r\n" QP "\r\n=C3\r\n--b--\r\n", NULL, false},
    {"a part without empty line that is as it was", MIXED "\r\n--b\r\nx\r\n--b\r\n\r\n\xc3\r\n--b--\r\n",
     MIXED "\r\n--b\r\nx\r\n--b\r\n" QP "\r\n=C3\r\n--b--\r\n", NULL, false},
    {"a part that is only a header", MIXED "\r\n--b\r\nX: a\nY: b\r\n--b--\r\n",
     MIXED "\r\n--b\r\nX: a\r\nY: b\r\n--b--\r\n", "", false},
    {"preamble", MIXED "\r\n\xc3\r\n--b\r\n\r\nx\r\n--b--\r\n", MIXED "\r\n--b\r\n\r\nx\r\n--b--\r\n", NULL, false},
    {"forwarded", RFC822 BINARY "\r\nA: \xc3\xbc\r\n" UTF8 BINARY "\r\n\xc3\xbc\n\r\n",
     RFC822 CTE "8bit\r\n\r\nA: \xc3\xbc\r\n" UTF8 QP "\r\n=C3=BC=0A\r\n", "", false},
    {"forwarded, with a bare LF in its header", RFC822 "\r\nA: a\nB: b\r\n\r\nx\r\n",
     RFC822 "\r\nA: a\r\nB: b\r\n\r\nx\r\n", "", false},
    {"forwarded 8-bit", RFC822 "\r\nA: b\r\n\r\n\xc3\xbc\r\n", RFC822 "\r\nA: b\r\n" QP "\r\n=C3=BC\r\n", NULL, false},
    {"forwarded twice", RFC822 "\r\n" RFC822 "\r\nA: b\r\n\r\n\xc3\xbc\r\n",
     RFC822 "\r\n" RFC822 "\r\nA: b\r\n" QP "\r\n=C3=BC\r\n", NULL, false},
    {"forwarded, with a header that cannot pass", RFC822 "\r\nA: " LONGER "\r\n\r\nx\r\n", "?", "?", false},
    {"global DSN", "Content-Type: message/global-delivery-status\r\n\r\nA: \xc3\xbc\r\n",
     "Content-Type: message/global-delivery-status\r\n" QP "\r\nA: =C3=BC\r\n", NULL, false},
    {"… in an unknown encoding", "Content-Type: message/global-delivery-status\r\n" CTE "x\r\n\r\nA: \xc3\xbc\r\n",
     NULL, NULL, false},
    {"DSN", "Content-Type: message/delivery-status\r\n\r\nA: \xc3\xbc\r\n", NULL, NULL, false},
    {"DSN without line end", "Content-Type: message/delivery-status\r\n\r\nA: b",
     "Content-Type: message/delivery-status\r\n\r\nA: b\r\n", "", false},
    {"forwarded, and only says that it is binary", RFC822 BINARY "\r\n" OCTETS BINARY "\r\nx\r\n",
     RFC822 CTE "7bit\r\n\r\n" OCTETS CTE "7bit\r\n\r\nx\r\n", "", false},
    {"forwarded in base64", RFC822 B64 "\r\nQTogYg0KDQp4DQo=\n", RFC822 B64 "\r\nQTogYg0KDQp4DQo=\r\n", "", false},
    {"international message", "Content-Type: message/global\r\n\r\nA: \xc3\xbc\r\n\r\n\xc3\xbc\r\n",
     "Content-Type: message/global\r\n\r\nA: \xc3\xbc\r\n" QP "\r\n=C3=BC\r\n", NULL, false},
    {"binary DSN", "Content-Type: message/delivery-status\r\n" BINARY "\r\nA: b\r\n",
     "Content-Type: message/delivery-status\r\n" CTE "7bit\r\n\r\nA: b\r\n", "", false},
    {"a signature that passes", SIGNED "\r\n--b\r\n" BINARY "\r\nx\r\n--b\r\n" P7S BINARY "\r\n\x80\r\n--b--\r\n",
     SIGNED "\r\n--b\r\n" BINARY "\r\nx\r\n--b\r\n" P7S B64 "\r\ngA==\r\n\r\n--b--\r\n",
     SIGNED "\r\n--b\r\n" BINARY "\r\nx\r\n--b\r\n" P7S CTE "8bit\r\n\r\n\x80\r\n--b--\r\n", false},
    {"a signature over 8-bit in binary", SIGNED BINARY "\r\n--b\r\n\r\n\xc3\xbc\r\n--b\r\n" P7S "\r\nx\r\n--b--\r\n",
     "Content-Type: sealed\r\n\r\nU0VBTEVE\r\n",
     SIGNED CTE "8bit\r\n\r\n--b\r\n\r\n\xc3\xbc\r\n--b\r\n" P7S "\r\nx\r\n--b--\r\n", true},
    {"a signature that some read otherwise", SIGNED "\r\n--b\r\n\r\n\xc3\xbc\r\n--b\r\n" P7S "\r\nx\r\n", NULL, NULL,
     false},
    {"a signature over 8-bit",
     SIGNED "Content-Description: c\r\n\r\n--b\r\n\r\n\xc3\xbc\r\n--b\r\n" P7S "\r\nx\r\n--b--\r\n",
     "Content-Type: sealed\r\nContent-Description: c\r\n\r\nU0VBTEVE\r\n", NULL, true},
    {"a signature over NUL among others",
     MIXED "\r\n--b\r\nContent-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=c\r\n"
           "Content-Disposition: inline\r\n\r\n--c\r\n\r\n\r\r\n--c\r\n" P7S "\r\nx\r\n--c--\r\n--b--\r\n",
     MIXED "\r\n--b\r\nContent-Type: sealed\r\n\r\nU0VBTEVE\r\n\r\n--b--\r\n", "", true},
    {"a signature that is none", SIGNED "\r\n--b\r\n\r\n\xc3\xbc\r\n--b--\r\n",
     SIGNED "\r\n--b\r\n" QP "\r\n=C3=BC\r\n--b--\r\n", NULL, false},
    {"a signature that is none in binary",
     MIXED BINARY "\r\n--b\r\nContent-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; "
                  "boundary=c\r\n\r\n--c\r\n\r\n\xc3\r\n--c--\r\n--b--\r\n",
     MIXED CTE "7bit\r\n\r\n--b\r\nContent-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; "
               "boundary=c\r\n\r\n--c\r\n" QP "\r\n=C3\r\n--c--\r\n--b--\r\n",
     MIXED CTE "8bit\r\n\r\n--b\r\nContent-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; "
               "boundary=c\r\n\r\n--c\r\n\r\n\xc3\r\n--c--\r\n--b--\r\n",
     false},
    {"PGP behind an 8-bit preamble", PGP BINARY "\r\n\xc3\r\n--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--\r\n",
     PGP CTE "7bit\r\n\r\n--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--\r\n",
     PGP CTE "8bit\r\n\r\n\xc3\r\n--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--\r\n", false},
    {"PGP over 8-bit", PGP "\r\n--b\r\n\r\n\xc3\xbc\r\n--b\r\n\r\nx\r\n--b--\r\n", NULL, NULL, false},
    {"PGP over bare ends", PGP "\r\n--b\r\n" BINARY "\r\n\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
     PGP "\r\n--b\r\n" QP "\r\n=0A\r\n--b\r\n\r\nx\r\n--b--\r\n", "", false},
};

static void expect_row(const struct row *row, bool eight_bit)
{
    const char *wanted = eight_bit && (row->eight == NULL || row->eight[0] != '\0') ? row->eight : row->seven;
    bool opaque;
    g_autofree char *out = deliverable(row->in, strlen(row->in), eight_bit, &opaque, NULL);
    if (wanted == NULL || wanted[0] != '?')
        cr_expect_str_eq(out, wanted != NULL ? wanted : row->in, "%s, %d: %s", row->name, eight_bit, out);
    else
        cr_expect_str_neq(out, row->in, "%s", row->name);
    cr_expect_eq(opaque, row->opaque && wanted == row->seven, "%s", row->name);
    bool again_opaque;
    g_autofree char *again = deliverable(out, strlen(out), eight_bit, &again_opaque, NULL);
    cr_expect_str_eq(again, out, "%s, again: %s", row->name, again);
}

Test(treatment, table)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        expect_row(&rows[i], false);
        expect_row(&rows[i], true);
    }
}

Test(treatment, what_passes_is_borrowed)
{
    const char *text = MIXED "\r\n--b\r\n" UTF8 CTE "8bit\r\n\r\n\xc3\xbc \r\n--b--\r\n";
    const struct transport transport = {.eight_bit = true};
    owned(part) struct part *root = help_parse(text, strlen(text));
    owned(entity) struct entity entity = {0};
    struct error error = {0};
    cr_assert(mime_deliverable(root, &transport, &help_limits, &entity, &error));
    cr_expect_eq(rope_count(entity.body), 1);
    cr_expect_eq(rope_at(entity.body, 0).data, root->body.data);
}

/* Around what is encoded anew. */
Test(treatment, what_is_beside_is_borrowed)
{
    const char *text = MIXED "\r\n--b\r\nX: y\r\n\r\nx\r\n--b\r\n" OCTETS BINARY "\r\n\n\r\n--b--\r\n";
    const struct transport transport = {.eight_bit = true};
    owned(part) struct part *root = help_parse(text, strlen(text));
    owned(entity) struct entity entity = {0};
    struct error error = {0};
    cr_assert(mime_deliverable(root, &transport, &help_limits, &entity, &error));
    cr_assert_gt(rope_count(entity.body), 1);
    struct slice last = rope_at(entity.body, rope_count(entity.body) - 1);
    cr_expect_eq(rope_at(entity.body, 0).data, root->body.data);
    cr_expect_eq(last.data + last.len, root->body.data + root->body.len);
}

static bool write_nothing(const struct part *part, const struct limits *limits, struct spool *out, struct error *error)
{
    (void)part;
    (void)limits;
    (void)out;
    return error_set(error, ERROR_TEMPORARY, "no memory");
}

/* A signature that cannot be taken apart now is not broken for that. */
Test(treatment, a_failure_of_ours)
{
    static const char *const texts[] = {
        SIGNED "\r\n--b\r\n\r\n\xc3\r\n--b\r\n" P7S "\r\nx\r\n--b--\r\n",
        "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n" SIGNED "\r\n--b\r\n\r\n\xc3\r\n--b\r\n" P7S
        "\r\nx\r\n--b--\r\n--c--\r\n",
    };
    const struct transport transport = {.opaque_header = "Content-Type: sealed\r\n", .write_opaque = write_nothing};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        owned(part) struct part *root = help_parse(texts[i], strlen(texts[i]));
        owned(entity) struct entity entity = {0};
        struct error error = {0};
        cr_expect_not(mime_deliverable(root, &transport, &help_limits, &entity, &error), "row %zu", i);
        cr_expect_eq(error.kind, ERROR_TEMPORARY, "row %zu", i);
        cr_expect_null(entity.body, "row %zu", i);
    }
}

/* NULL if there is no room. */
static char *make_in(const struct part *root, bool signs, const struct limits *limits)
{
    const struct transport transport = {.opaque_header = "Content-Type: sealed\r\n", .write_opaque = write_sealed};
    owned(entity) struct entity entity = {0};
    struct error error = {0};
    bool made = signs ? mime_canonical(root, limits, &entity, &error)
                      : mime_deliverable(root, &transport, limits, &entity, &error);
    cr_expect_eq(error.kind, made ? ERROR_NONE : ERROR_TEMPORARY, "%s", error.text);
    cr_expect(made || strstr(error.text, "file in spool_directory: open") != NULL, "the first cause: %s", error.text);
    cr_expect_eq(entity.body != NULL, made);
    if (!made)
        return NULL;
    owned(rope) struct rope *bytes = entity_bytes(&entity);
    return rope_flatten(bytes, NULL);
}

/* A full disk makes no entity of less than everything. */
Test(treatment, no_room_in_the_spool)
{
    static const char *const texts[] = {
        MIXED "\r\n--b\r\nX: a\nY: b\r\n\r\nx\n\r\n--b\r\n" OCTETS BINARY "\r\n\n\r\n--b--\r\n",
        MIXED "\r\n--b\r\n" OCTETS B64 "\r\nYQ==\n\r\n--b\r\n" UTF8 BINARY "\r\n\xc3\r\n--b--\r\n",
        RFC822 BINARY "\r\nA: b\nC: d\r\n" UTF8 "\r\n\xc3\r\n",
        SIGNED "\r\n--b\r\n\r\n\xc3\r\n--b\r\n" P7S "\r\nx\r\n--b--\r\n",
        "Content-Type: message/delivery-status\r\n\r\nA: b",
        ASCII B64 "\r\nYQ== \r\n",
    };
    struct limits limits = help_limits;
    limits.spool_dir = (char *)"/nonexistent";
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        owned(part) struct part *root = help_parse(texts[i], strlen(texts[i]));
        for (int signs = 0; signs < 2; signs++) {
            g_autofree char *whole = make_in(root, signs, &help_limits);
            cr_assert_not_null(whole);
            for (limits.memory = 0; limits.memory <= strlen(whole); limits.memory++) {
                g_autofree char *out = make_in(root, signs, &limits);
                cr_expect(out != NULL ? strcmp(out, whole) == 0 : limits.memory < strlen(whole), "row %zu: %s", i, out);
            }
        }
    }
}

/* Many messages in parts, each of some parts: together no more are looked into than one message may have. */
static void forward_many(unsigned children, unsigned parts, unsigned expected)
{
    g_autoptr(GString) text = g_string_new(MIXED "\r\n");
    unsigned encoded = 0;
    for (int i = 0; i < 50; i++) {
        g_string_append(text, "--b\r\n" RFC822 "\r\n");
        g_string_append(text, children > 0 ? "Content-Type: multipart/mixed; boundary=c\r\n\r\n"
                                           : "A: b\r\n\r\n\xc3\xbc\r\n");
        for (unsigned c = 0; c < children; c++)
            g_string_append(text, "--c\r\n\r\n\xc3\xbc\r\n");
        g_string_append(text, children > 0 ? "--c--\r\n" : "");
    }
    g_string_append(text, "--b--\r\n");
    struct limits limits = help_limits;
    limits.parts = parts;
    const struct transport transport = {.opaque_header = "Content-Type: sealed\r\n", .write_opaque = write_sealed};
    struct error error = {0};
    owned(part) struct part *root = help_parse(text->str, text->len);
    owned(entity) struct entity entity = {0};
    cr_assert(mime_deliverable(root, &transport, &limits, &entity, &error), "%s", error.text);
    owned(rope) struct rope *bytes = entity_bytes(&entity);
    g_autofree char *out = rope_flatten(bytes, NULL);
    for (const char *c = out; (c = strstr(c, "=C3=BC")) != NULL; c++)
        encoded++;
    cr_expect_eq(encoded, expected, "%u parts: %u", parts, encoded);
    cr_expect_null(strstr(out, OCTETS), "the others stay 8-bit messages");
}

Test(treatment, many_forwarded)
{
    forward_many(99, 1000, 10 * 99);
    forward_many(99, 2990, 29 * 99); /* more than mime_nesting_limit, but not in one another */
    forward_many(0, 7, 7);
}

/* Each costs a CMS object that is parsed. */
Test(treatment, many_signatures)
{
    g_autoptr(GString) text = g_string_new(MIXED "\r\n");
    unsigned sealed = 0;
    for (unsigned i = 0; i < help_limits.layers + 5; i++)
        g_string_append(text,
                        "--b\r\nContent-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=c"
                        "\r\n\r\n--c\r\n\r\n\xc3\xbc\r\n--c\r\n" P7S "\r\nx\r\n--c--\r\n");
    g_string_append(text, "--b--\r\n");
    bool opaque;
    g_autofree char *out = deliverable(text->str, text->len, false, &opaque, NULL);
    for (const char *c = out; (c = strstr(c, "U0VBTEVE")) != NULL; c++)
        sealed++;
    cr_expect_eq(sealed, help_limits.layers, "%u", sealed);
    cr_expect_not_null(strstr(out, "=C3=BC"), "the rest is content all the same");
}

/* Messages in messages do not make the stack grow without bound. */
Test(treatment, deeply_forwarded)
{
    g_autoptr(GString) text = g_string_new(NULL);
    unsigned messages = 0;
    for (int i = 0; i < 3000; i++)
        g_string_append(text, RFC822 "\r\n");
    g_string_append(text, "\r\nx\ry\r\n");
    struct limits limits = help_limits;
    limits.parts = 100000;
    const struct transport transport = {.eight_bit = false};
    struct error error = {0};
    owned(part) struct part *root = help_parse(text->str, text->len);
    owned(entity) struct entity entity = {0};
    cr_assert(mime_deliverable(root, &transport, &limits, &entity, &error), "%s", error.text);
    owned(rope) struct rope *bytes = entity_bytes(&entity);
    g_autofree char *out = rope_flatten(bytes, NULL);
    for (const char *c = out; (c = strstr(c, RFC822)) != NULL; c++)
        messages++;
    cr_expect_eq(messages, limits.nesting, "%u", messages);
    cr_expect_not_null(strstr(out, OCTETS B64), "beyond mime_nesting_limit it is octets");
}

Test(treatment, nul)
{
#define BYTES(text) text, sizeof(text) - 1
    static const struct {
        const char *in;
        size_t length;
        const char *out;
    } nul[] = {
        {BYTES(MIXED BINARY "\r\n--b\r\nX: a\0b\r\n\r\nc\0\r\n--b--\r\n"),
         MIXED CTE "7bit\r\n\r\n--b\r\nX: a b\r\n" QP "\r\nc=00\r\n--b--\r\n"},
        {BYTES(MIXED "\r\n--b\r\n\0X: y\r\n\r\nx\r\n--b--\r\n"), MIXED "\r\n--b\r\n X: y\r\n\r\nx\r\n--b--\r\n"},
        {BYTES(RFC822 "\r\nA: \0\r\n\r\nx\r\n"), OCTETS B64 "\r\nQTogAA0KDQp4DQo=\r\n"},
        {BYTES(CTE "x\r\n\r\n\0\r\n"), OCTETS B64 "\r\nAA0K\r\n"}, /* one type, although there was none */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(nul); i++) {
        bool opaque;
        size_t length;
        g_autofree char *made = deliverable(nul[i].in, nul[i].length, true, &opaque, &length);
        cr_expect_str_eq(made, nul[i].out, "row %zu: %s", i, made);
        cr_expect_eq(length, strlen(nul[i].out), "row %zu", i);
    }
}
