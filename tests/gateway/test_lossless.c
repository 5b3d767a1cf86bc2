/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is inside a layer may be binary (RFC 8551 §3.1.2), and a mail server carries lines. Every octet arrives, in
 * every form, and every signature that stays still holds.
 */
#include "support/leaves.h"
#include "support/rig.h"

#include <string.h>

#define TOP "From: alice@acme.test\r\nTo: bob@partner.test\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
#define BINARY "Content-Transfer-Encoding: binary\r\n"
#define ACCEPT "inbound = { require = \"none\"; otherwise = \"tag\"; };"
#define BYTES(text) ((struct slice){text, sizeof(text) - 1})

/* What a mail server would change, or refuse. */
static const struct {
    const char *name, *header;
    struct slice body;
    bool eight_bit; /* nothing else is wrong with it */
} contents[] = {
    {"NUL", "Content-Type: application/pdf\r\n" BINARY, BYTES("%PDF\0\x01\xff\r\n\0"), false},
    {"bare CR", "Content-Type: image/png\r\n" BINARY, BYTES("\x89PNG\r\r\n\r\x1a"), false},
    {"bare LF", "Content-Type: application/octet-stream\r\n" BINARY, BYTES("a\nb\n\nc\r\n.\r\nd\n"), false},
    {"text that says it is binary", "Content-Type: text/csv; charset=us-ascii\r\n" BINARY, BYTES("a,b\nc,d\n"), false},
    {"UTF-16", "Content-Type: text/plain; charset=utf-16le\r\n" BINARY, BYTES("a\0\r\0\n\0b\0"), false},
    {"8-bit", "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n",
     BYTES("b\xc3\xbc"
           "cher\r\n"),
     true},
    {"8-bit, not declared", "Content-Type: text/plain; charset=utf-8\r\n", BYTES("b\xc3\xbcro \r\nFrom x\r\n"), true},
    {"no line end", "Content-Type: application/x\r\n" BINARY, BYTES("a"), true},
    {"nothing wrong", "Content-Type: application/x\r\n" BINARY, BYTES("a\r\n"), true},
    {"long line", "Content-Type: text/html\r\n", BYTES("<p>"), false}, /* the rest is added */
};

static GString *content_of(size_t i)
{
    GString *body = g_string_new_len(contents[i].body.data, (gssize)contents[i].body.len);
    if (strcmp(contents[i].name, "long line") == 0)
        for (int c = 0; c < 1500; c++)
            g_string_append_c(body, c % 7 == 0 ? ' ' : 'x');
    return body;
}

/* The content alone, or among other parts. header and body are the caller's. */
enum shape { SINGLE, MIXED, NESTED, FORWARDED, FORWARDED_WITHIN, SHAPES };

static void append(GString *out, const char *header, const GString *body)
{
    g_string_append_printf(out, "%s\r\n", header);
    g_string_append_len(out, body->str, (gssize)body->len);
}

static void shape(enum shape shape, size_t i, GString *header, GString *body)
{
    g_autoptr(GString) inner = content_of(i);
    if (shape == SINGLE) {
        g_string_append(header, contents[i].header);
        g_string_append_len(body, inner->str, (gssize)inner->len);
        return;
    }
    if (shape == FORWARDED) {
        g_string_append(header, "Content-Type: message/rfc822\r\n" BINARY);
        g_string_append(body, "From: Caf\xc3\xa9 <c@d.test>\r\nSubject: y\r\n");
        g_string_append(body, "Content-Type: multipart/mixed; boundary=fwd\r\n" BINARY "\r\n--fwd\r\n");
        append(body, contents[i].header, inner);
        g_string_append(body, "\r\n--fwd--\r\n");
        return;
    }
    g_string_append(header, "Content-Type: multipart/mixed; boundary=outer\r\n" BINARY);
    g_string_append(body, "--outer\r\nContent-Type: text/plain\r\n\r\ntext\r\n--outer\r\n");
    if (shape == MIXED) {
        append(body, contents[i].header, inner);
    } else if (shape == NESTED) {
        g_string_append(body, "Content-Type: multipart/related; boundary=\"inner\"\r\n" BINARY "\r\n--inner\r\n");
        append(body, contents[i].header, inner);
        g_string_append(body, "\r\n--inner\r\n\r\nmore\r\n--inner--");
    } else {
        g_string_append(body, "Content-Type: message/rfc822\r\n\r\nSubject: z\r\n");
        append(body, contents[i].header, inner);
    }
    g_string_append(body, "\r\n--outer--\r\n");
}

/* --- layers --- */

static void sign(const struct pki *by, unsigned types, enum format format, struct entity *entity)
{
    static const struct limits limits = {.memory = 1 << 20, .message_size = 1 << 20, .spool_dir = (char *)"/tmp"};
    struct identity signer = {.certificate = by->cert, .key = by->key};
    struct sign_options options = {.types = types, .format = format, .limits = &limits};
    struct entity out = {0};
    struct error error = {0};
    entity->fragile = false; /* other software is not so careful */
    cr_assert(smime_sign(&signer, &options, entity, &out, &error), "%s", error.text);
    entity_clear(entity);
    *entity = out;
}

static void encrypt(const struct org *org, enum cipher cipher, struct entity *entity)
{
    struct encrypt_options options = {.cipher = cipher, .limits = &gateway_conf(org->gateway)->limits};
    struct entity out = {0};
    struct error error = {0};
    cr_assert(smime_encrypt(&org->dca->cert, 1, &options, entity, &out, &error), "%s", error.text);
    entity_clear(entity);
    *entity = out;
}

/* d, D: the domain's signature, clear and opaque; a, A: Alice's; e, E: encrypted, CBC and GCM. From the inside out. */
static void wrap(const struct rig *rig, const struct org *to, const char *layers, struct entity *entity)
{
    for (; *layers != '\0'; layers++) {
        if (g_ascii_tolower(*layers) == 'e')
            encrypt(to, *layers == 'e' ? CIPHER_AES_256_CBC : CIPHER_AES_256_GCM, entity);
        else
            sign(g_ascii_tolower(*layers) == 'd' ? rig->acme.dsa : rig->acme.alice,
                 g_ascii_tolower(*layers) == 'd' ? SIGNATURE_TYPE_DOMAIN : 0,
                 g_ascii_islower(*layers) ? FORMAT_CLEAR : FORMAT_OPAQUE, entity);
    }
}

/* The whole message; *before: its leaves below the layers that come off. */
static GString *message_of(const struct rig *rig, const struct org *to, enum shape how, size_t i, const char *stays,
                           const char *goes, char **before)
{
    g_autoptr(GString) header = g_string_new(NULL), body = g_string_new(NULL);
    const struct limits *limits = &gateway_conf(to->gateway)->limits;
    struct entity entity = {.header = rope_new(), .body = rope_new()};
    size_t length;
    shape(how, i, header, body);
    rope_copy(entity.header, (struct slice){header->str, header->len});
    rope_copy(entity.body, (struct slice){body->str, body->len});
    wrap(rig, to, stays, &entity);
    g_autofree char *kept_header = rope_flatten(entity.header, &length);
    struct slice kept = {kept_header, length};
    g_autofree char *kept_body = rope_flatten(entity.body, &length);
    *before = leaves(kept, (struct slice){kept_body, length}, false, limits);
    wrap(rig, to, goes, &entity);

    owned(rope) struct rope *bytes = entity_bytes(&entity);
    g_autofree char *text = rope_flatten(bytes, &length);
    GString *message = g_string_new(TOP);
    g_string_append_len(message, text, (gssize)length);
    entity_clear(&entity);
    return message;
}

static void expect_transportable(const struct sent *sent, const char *what)
{
    const char *line = sent->bytes, *end = sent->bytes + sent->length;
    for (const char *c = sent->bytes; c < end; c++) {
        cr_assert(*c != '\0', "%s: NUL", what);
        cr_assert((*c != '\n' || (c > sent->bytes && c[-1] == '\r')) && (*c != '\r' || (c + 1 < end && c[1] == '\n')),
                  "%s: bare line end: %s", what, sent->bytes);
        /* The name in the forwarded message's header cannot be encoded. */
        cr_assert((unsigned char)*c < 0x80 || strstr(line, "<c@d.test>") != NULL, "%s: 8-bit: %s", what, sent->bytes);
        if (*c == '\n') {
            cr_assert_leq(c - line, 999, "%s: %s", what, line);
            line = c + 1;
        }
    }
}

static void expect_leaves(const struct org *org, const struct sent *sent, const char *before, const char *what)
{
    owned(message) struct message *message = rig_message(org, sent->bytes, sent->length);
    g_autofree char *after =
        leaves(message_header(message), message_body(message), false, &gateway_conf(org->gateway)->limits);
    cr_assert_str_eq(after, before, "%s: %s", what, sent->bytes);
}

static void expect_arrives(const struct rig *rig, enum shape how, size_t i, const char *stays, const char *goes)
{
    g_autofree char *before = NULL;
    g_autofree char *what = g_strdup_printf("%s, shape %d, \"%s\" in \"%s\"", contents[i].name, how, stays, goes);
    g_autoptr(GString) text = message_of(rig, &rig->partner, how, i, stays, goes, &before);
    AUTO_SENT struct sent in = rig_inbound(rig, text->str, text->len);
    cr_assert_eq(in.result->reply.verdict, VERDICT_ACCEPT, "%s: %s", what, in.result->reply.reason);
    cr_assert_eq(in.result->made.removed, strlen(goes), "%s", what);
    cr_assert_null(strstr(before, "broken"), "%s: %s", what, before);
    expect_leaves(&rig->partner, &in, before, what);
    expect_transportable(&in, what);
    if (stays[0] == '\0' && how != FORWARDED_WITHIN) /* others' labels stay where nothing else is wrong */
        cr_assert_null(strstr(in.bytes, "ncoding: binary"), "%s: %s", what, in.bytes);
}

static const char *const removed[] = {"D", "d", "e", "E", "De", "dE", "DeD"};

Test(lossless, every_octet_arrives_in_every_form)
{
    owned(rig) struct rig *rig = rig_new("", ACCEPT);
    for (size_t i = 0; i < G_N_ELEMENTS(contents); i++)
        for (enum shape how = SINGLE; how < SHAPES; how++)
            for (size_t g = 0; g < G_N_ELEMENTS(removed); g++)
                expect_arrives(rig, how, i, "", removed[g]);
}

/* Alice's own signature stays on, and is one over such octets. */
Test(lossless, a_signature_that_stays_holds)
{
    owned(rig) struct rig *rig = rig_new("", ACCEPT);
    for (size_t i = 0; i < G_N_ELEMENTS(contents); i++)
        for (enum shape how = SINGLE; how < SHAPES; how++)
            for (int opaque = 0; opaque < 2; opaque++) {
                expect_arrives(rig, how, i, opaque ? "A" : "a", "E");
                expect_arrives(rig, how, i, opaque ? "A" : "a", "De");
            }
}

/* A clear signature is left as it is where it can be, and the report says where it cannot. */
Test(lossless, the_form_of_a_signature_changes_only_where_it_must)
{
    owned(rig) struct rig *rig = rig_new("", ACCEPT);
    for (size_t i = 0; i < G_N_ELEMENTS(contents); i++) {
        for (int eight_bit = 0; eight_bit < 2; eight_bit++) {
            g_autofree char *before = NULL;
            g_autoptr(GString) text = message_of(rig, &rig->partner, MIXED, i, "a", "E", &before);
            bool must = !contents[i].eight_bit || (!eight_bit && strchr(contents[i].name, '8') != NULL);
            owned(message) struct message *message = rig_message(&rig->partner, text->str, text->len);
            owned(envelope) struct envelope *envelope =
                rig_envelope(&(struct rig_envelope){"alice@acme.test", "bob@partner.test", NULL, NULL, "198.51.100.1"});
            envelope->eight_bit = eight_bit;
            owned(passage) struct passage *passage =
                rig_take(rig->partner.gateway, DIRECTION_INBOUND, envelope, message, time(NULL));
            owned(rope) struct rope *rope = edits_apply(&passage->made.edits, message);
            g_autofree char *bytes = rope_flatten(rope, NULL);
            cr_expect_eq(strstr(bytes, "multipart/signed") == NULL, must, "%s, %d: %s", contents[i].name, eight_bit,
                         bytes);
            cr_expect_eq(passage->made.note != NULL, must, "%s, %d", contents[i].name, eight_bit);
        }
    }
}

/* RFC 3183 §5: encrypted to our own gateway on its way out. */
Test(lossless, every_octet_leaves_unwrapped)
{
    static const char *const acme[] = {
        "outbound = { protect = \"sign\"; };", "outbound = { protect = \"sign\"; }; null_signature = false;",
        "outbound = { protect = \"sign+encrypt\"; };", "outbound = { protect = \"encrypt\"; };"};
    for (size_t p = 0; p < G_N_ELEMENTS(acme); p++) {
        owned(rig) struct rig *rig = rig_new(acme[p], ACCEPT);
        for (size_t i = 0; i < G_N_ELEMENTS(contents); i++) {
            for (int kept = 0; kept < 2; kept++) {
                g_autofree char *before = NULL;
                g_autoptr(GString) text = message_of(rig, &rig->acme, MIXED, i, kept ? "a" : "", "e", &before);
                AUTO_SENT struct sent out =
                    rig_pass(&rig->acme, DIRECTION_OUTBOUND,
                             &(struct rig_envelope){"alice@acme.test", "bob@partner.test", NULL, "alice", "192.0.2.1"},
                             text->str, text->len);
                cr_assert_eq(rig_verdict(&out), VERDICT_ACCEPT, "%s: %s", contents[i].name, rig_reason(&out));
                expect_transportable(&out, contents[i].name);
                AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
                cr_assert_eq(rig_verdict(&in), VERDICT_ACCEPT, "%s: %s", contents[i].name, rig_reason(&in));
                expect_transportable(&in, contents[i].name);
                expect_leaves(&rig->partner, &in, before, contents[i].name);
            }
        }
    }
}

/* Header and text have the line ends of Unix; only the attachment is octets. */
Test(lossless, binary_parts_of_an_entity_with_unix_line_ends)
{
    static const char *const headers[] = {"Content-Type: multipart/mixed; boundary=b\n",
                                          "Content-Type: image/x\n" BINARY, "Content-Type: image/x\n" BINARY,
                                          "Content-Type: message/rfc822\n" BINARY};
    static const char *const inside[] = {
        "\r\n\r\nCg0KDQB4Cg==\r\n", "\r\n\r\nCg0KDQB4Cg==\r\n", "\r\n\r\nCg0KDQB4\r\n",
        "\r\n\r\nA: b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=BC\r\n"};
    static const struct slice bodies[] = {
        BYTES("--b\nContent-Type: text/plain\n\na\nb\n\n--b\nContent-Type: application/x\n"
              "Content-Transfer-Encoding: binary\n\n\n\r\n\r\0x\n\n--b\n\nc\n--b--\n"),
        BYTES("\n\r\n\r\0x\n"), BYTES("\n\r\n\r\0x"), BYTES("A: b\n\n\xc3\xbc\n")};
    owned(rig) struct rig *rig = rig_new("", ACCEPT);
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        struct entity entity = {.header = rope_new(), .body = rope_new()};
        size_t length;
        rope_copy(entity.header, slice_of(headers[i]));
        rope_copy(entity.body, bodies[i]);
        wrap(rig, &rig->partner, "E", &entity);
        owned(rope) struct rope *bytes = entity_bytes(&entity);
        g_autofree char *text = rope_flatten(bytes, &length);
        g_autofree char *whole = g_strconcat(TOP, text, NULL);
        entity_clear(&entity);
        AUTO_SENT struct sent in = rig_inbound(rig, whole, strlen(whole));
        expect_transportable(&in, headers[i]);
        cr_expect_not_null(strstr(in.bytes, inside[i]), "%zu: %s", i, in.bytes);
        cr_expect(i > 0 || strstr(in.bytes, "\r\n\r\na\r\nb\r\n\r\n--b\r\n") != NULL, "%s", in.bytes);
    }
}

/* --- what cannot be recoded --- */

#define FORWARD(field, text)                                                                                           \
    TOP "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee below\r\n--b\r\n"                             \
        "Content-Type: message/rfc822\r\n" field "\r\nSubject: y\r\n\r\n" text "\r\n--b--\r\n"
#define A100 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define A1000 A100 A100 A100 A100 A100 A100 A100 A100 A100 A100

static const struct {
    const char *name, *text;
    bool opaque;
} fragile[] = {
    {"forwarded ASCII", FORWARD("", "plain \r\nFrom here"), false},
    {"forwarded 8-bit", FORWARD("Content-Transfer-Encoding: 8bit\r\n", "b\xc3\xbcro"), true},
    {"forwarded 8-bit, not declared", FORWARD("", "b\xc3\xbcro"), true},
    {"forwarded long line", FORWARD("", A1000), true},
    {"8-bit text of our own", TOP "Content-Type: text/plain; charset=utf-8\r\n\r\nb\xc3\xbcro\r\n", false},
    {"long line of our own", TOP "\r\n" A1000 "\r\n", false},
    {"8-bit file name",
     TOP "Content-Type: application/pdf; name=\"\xc3\x9c.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n",
     true},
    {"8-bit file name of a part",
     TOP "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n"
         "Content-Disposition: attachment; filename=\"\xc3\x9c.txt\"\r\n\r\nx \r\n--b--\r\n",
     true},
    {"long header line of a part",
     TOP "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Description: " A1000 "\r\n\r\nx\r\n--b--\r\n",
     true},
    {"global DSN",
     TOP "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n"
         "Content-Type: message/global-delivery-status\r\n\r\nReporting-MTA: dns; b\xc3\xbcro.test\r\n--b--\r\n",
     true},
    {"8-bit in a signature",
     TOP "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=b\r\n\r\n--b\r\n"
         "\r\nb\xc3\xbcro\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n",
     true},
    {"unknown transfer encoding", TOP "Content-Transfer-Encoding: x-old\r\n\r\nb\xc3\xbcro\r\n", true},
};

/* Whatever the format, no clear signature is over what a mail server may change. */
Test(lossless, what_cannot_be_recoded_is_signed_in_opaque_form)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; }; null_signature = false;", ACCEPT);
    owned(rig) struct rig *layered = rig_new("outbound = { protect = \"sign\"; };", ACCEPT);
    owned(rig) struct rig *asked = rig_new("outbound = { protect = \"sign\"; }; null_signature = false; "
                                           "format = \"opaque\";",
                                           ACCEPT);
    for (size_t i = 0; i < G_N_ELEMENTS(fragile); i++) {
        AUTO_SENT struct sent out = rig_outbound(rig, fragile[i].text);
        cr_assert_eq(rig_verdict(&out), VERDICT_ACCEPT, "%s: %s", fragile[i].name, rig_reason(&out));
        cr_expect_eq(strstr(out.bytes, "multipart/signed; protocol=\"application/pkcs7") == NULL, fragile[i].opaque,
                     "%s: %s", fragile[i].name, out.bytes);
        cr_expect_eq(out.result->made.note != NULL, fragile[i].opaque, "%s", fragile[i].name);
        expect_transportable(&out, fragile[i].name);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        cr_expect_eq(in.result->plan.judgement.domain.outcome, OUTCOME_PASS, "%s: %s", fragile[i].name,
                     rig_reason(&in));

        AUTO_SENT struct sent outer = rig_outbound(layered, fragile[i].text);
        cr_expect_not_null(strstr(outer.bytes, "multipart/signed; protocol=\"application/pkcs7"), "%s",
                           fragile[i].name);
        cr_expect_null(outer.result->made.note, "%s: the empty layer holds it", fragile[i].name);

        AUTO_SENT struct sent opaque = rig_outbound(asked, fragile[i].text);
        cr_expect_null(opaque.result->made.note, "%s: the rule asks for it", fragile[i].name);
    }
}

Test(lossless, report_says_why_a_signature_is_opaque)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; }; null_signature = false;", ACCEPT);
    AUTO_SENT struct sent out = rig_outbound(rig, fragile[1].text);
    g_autofree char *report = passage_report(out.result), *line = passage_log_line(out.result);
    cr_expect_not_null(strstr(report, "\"note\": \"signed in opaque form"), "%s", report);
    cr_expect_not_null(strstr(line, " note=\"signed in opaque form"), "%s", line);
    AUTO_SENT struct sent plain = rig_outbound(rig, fragile[0].text);
    g_autofree char *nothing = passage_report(plain.result);
    cr_expect_not_null(strstr(nothing, "\"note\": null"), "%s", nothing);
}

/* The milter protocol has no packet for such a field; that must be no answer to who changes what is encrypted. */
Test(lossless, a_header_inside_that_is_too_large)
{
    owned(rig) struct rig *rig = rig_new("", ACCEPT);
    g_autofree char *value = g_strnfill(70000, 'x');
    g_autofree char *header = g_strconcat("Content-Description: ", value, "\r\nContent-Type: text/plain\r\n", NULL);
    g_autofree char *text = rig_encrypt(&rig->partner, TOP, header, "inside\r\n");
    AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
    cr_assert_eq(rig_verdict(&in), VERDICT_ACCEPT, "%s", rig_reason(&in));
    cr_expect_eq(in.result->made.removed, 0);
    cr_expect_not_null(in.result->made.note);
    cr_expect_not_null(strstr(in.bytes, "application/pkcs7-mime"));
    cr_expect_null(strstr(in.bytes, "inside"));
}
