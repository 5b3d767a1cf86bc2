/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that two parsers read differently: what is verified must be what is shown, and nothing of the sender's may
 * reach a header, a log or a report as anything but text.
 */
#include "support/attack.h"
#include "support/counted.h"

#define SIGN "outbound = { protect = \"sign\"; }; null_signature = false;"
#define DOMAIN SIGNATURE_TYPE_DOMAIN

/* A signature by the domain over entity, as base64 lines. */
static char *signature_over(const struct rig *rig, const char *entity)
{
    CMS_ContentInfo *cms = attack_sign(
        &(struct attack){.signer = rig->acme.dsa, .types = DOMAIN, .flags = CMS_DETACHED, .content = entity});
    GByteArray *der = attack_der(cms);
    char *text = attack_base64(der->data, der->len);
    g_byte_array_unref(der);
    CMS_ContentInfo_free(cms);
    return text;
}

#define P7S "Content-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n"
#define TYPED "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; "
#define SIGNED TYPED "boundary=b"

/* %e: what was signed, %s: the signature. */
static char *fill(const char *shape, const char *entity, const char *signature)
{
    GString *text = g_string_new(ATTACK_TOP);
    g_string_append(text, shape);
    g_string_replace(text, "%e", entity, 0);
    g_string_replace(text, "%s", signature, 0);
    return g_string_free(text, FALSE);
}

static const struct {
    const char *what, *shape;
    bool believed; /* odd, but all parsers agree */
} shapes[] = {
    {"sound", SIGNED "\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n", true},
    {"white space behind the boundary", SIGNED "\r\n\r\n--b  \r\n%e\r\n--b\t\r\n" P7S "%s\r\n--b-- \r\n", true},
    {"comments",
     "Content-Type: (a) multipart (b) / (c) signed (d); boundary=b (e); "
     "protocol=\"application/pkcs7-signature\"\r\n\r\n"
     "--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n",
     false}, /* GMime does not read them so */
    {"two Content-Type",
     "Content-Type: text/html\r\n" SIGNED "\r\n\r\n<b>You are fired.</b>\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n",
     false},
    {"two Content-Type, signed first",
     SIGNED "\r\nContent-type: text/html\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n", false},
    {"Content-Type with a space before its colon",
     SIGNED "\r\nContent-Type : text/html\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n", false},
    {"two boundaries",
     SIGNED "; boundary=c\r\n\r\n--c\r\n\r\nYou are fired.\r\n--c\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n",
     false},
    {"boundary in RFC 2231 form beside it",
     SIGNED "; boundary*=us-ascii''c\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n", false},
    {"boundary in sections",
     "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary*0=b; boundary*1=c\r\n\r\n"
     "--bc\r\n%e\r\n--bc\r\n" P7S "%s\r\n--bc--\r\n",
     false},
    {"boundary with a NUL escape",
     "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary*=us-ascii''b%00c\r\n\r\n"
     "--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n",
     false},
    {"boundary with quotes and backslash",
     "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=\"b\\\r\n\r\n"
     "--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n",
     false},
    {"boundary behind a comment",
     TYPED "boundary=(c) b\r\n\r\n--(c)\r\n\r\nYou are fired.\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n", false},
    {"comment behind its name", TYPED "boundary (c) = b\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n", false},
    {"boundary with a quoted pair",
     TYPED "boundary=\"\\b\"\r\n\r\n--\\b\r\n\r\nYou are fired.\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n", false},
    {"another boundary in a quoted string",
     TYPED "x=\"; Boundary=c; \"; boundary=b\r\n\r\n--c\r\n\r\nYou are fired.\r\n--b\r\n%e\r\n--b\r\n" P7S
           "%s\r\n--b--\r\n",
     false},
    {"another boundary in a comment",
     TYPED "(boundary = c;) boundary=b\r\n\r\n--c\r\n\r\nYou are fired.\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n",
     false},
    {"another boundary by a longer name",
     TYPED "x-boundary=c; boundary=b\r\n\r\n--c\r\n\r\nYou are fired.\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n",
     false},
    {"blanks around its name", TYPED "BOUNDARY =\r\n \"b\"\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n", true},
    {"boundary in a boundary",
     TYPED "boundary=\"b_boundary=c\"\r\n\r\n--b_boundary=c\r\n%e\r\n--b_boundary=c\r\n" P7S
           "%s\r\n--b_boundary=c--\r\n",
     true},
    {"no boundary",
     "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S
     "%s\r\n--b--\r\n",
     false},
    {"empty boundary",
     "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; "
     "boundary=\"\"\r\n\r\n--\r\n%e\r\n--\r\n" P7S "%s\r\n----\r\n",
     false},
    {"not closed", SIGNED "\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n", false},
    {"goes on", SIGNED "\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n--b\r\n\r\nYou are fired.\r\n--b--\r\n",
     false},
    {"a longer boundary", SIGNED "\r\n\r\n--bb\r\n\r\nYou are fired.\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n",
     false},
    {"bare LF before a boundary",
     SIGNED "\r\n\r\nx\n--b\r\n\r\nYou are fired.\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n", false},
    {"bare CR before a boundary",
     SIGNED "\r\n\r\nx\r--b\r\n\r\nYou are fired.\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n", false},
    {"three parts", SIGNED "\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b\r\n\r\nYou are fired.\r\n--b--\r\n", false},
    {"one part", SIGNED "\r\n\r\n--b\r\n" P7S "%s\r\n--b--\r\n", false},
    {"another first", SIGNED "\r\n\r\n--b\r\n\r\nYou are fired.\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n", false},
    {"signature first", SIGNED "\r\n\r\n--b\r\n" P7S "%s\r\n--b\r\n%e\r\n--b--\r\n", false},
    {"two signatures", SIGNED "\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b\r\n" P7S "%s\r\n--b--\r\n", false},
    {"encoded multipart",
     SIGNED "\r\nContent-Transfer-Encoding: base64\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n", false},
    {"two encodings of the signature",
     SIGNED "\r\n\r\n--b\r\n%e\r\n--b\r\nContent-Transfer-Encoding: 7bit\r\n" P7S "%s\r\n--b--\r\n", false},
    {"padding in the middle", SIGNED "\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "MA==%s\r\n--b--\r\n", false},
    {"something behind the padding", SIGNED "\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s====\r\n--b--\r\n", false},
    {"odd characters in base64", SIGNED "\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "!%s\r\n--b--\r\n", false},
    {"header without an empty line", SIGNED "\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n", false},
    {"a line that is no field", "You are fired.\r\n" SIGNED "\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n",
     false},
    {"a line of white space in the header of a part",
     SIGNED "\r\n\r\n--b\r\n%e\r\n--b\r\nX: y\r\n \r\n" P7S "%s\r\n--b--\r\n", false},
    {"a bare CR in the header",
     "X: y\rContent-Type: text/html\r\n" SIGNED "\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n", false},
    {"a multipart inside with a boundary that begins alike",
     "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" SIGNED "x\r\n\r\n--bx\r\n%e\r\n--bx\r\n" P7S
     "%s\r\n--bx--\r\n--b--\r\n",
     false},
};

Test(parser, multipart_signed)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    g_autofree char *signature = signature_over(rig, ATTACK_ENTITY);
    for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++) {
        g_autofree char *text = fill(shapes[i].shape, ATTACK_ENTITY, signature);
        AUTO_SENT struct sent in = attack_in(rig, text);
        if (shapes[i].believed)
            attack_expect_believed(&in, true, shapes[i].what);
        else
            attack_expect_refused(&in, shapes[i].what);
    }
}

/* Legal (RFC 5322 §4.2), and yet the end of the header for some readers: what is behind it would be a body in front of
 * the signed one. So it is delivered without that line, and every reader sees the same header. */
Test(parser, line_of_white_space_in_the_header)
{
    static const char *const blanks[] = {
        SIGNED "\r\n \r\nX: y\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n",
        "Y: z\r\n\t\r\n you are fired\r\n" SIGNED "\r\nX: y\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n",
        "X: y\r\n  \r\n \r\n" SIGNED "\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n",
        "X:\r\n \r\n y\r\nContent-Type: multipart/signed;\r\n \r\n boundary=b; protocol=\"application/pkcs7-signature\""
        "\r\n\r\n--b\r\n%e\r\n--b\r\n" P7S "%s\r\n--b--\r\n",
    };
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    g_autofree char *signature = signature_over(rig, ATTACK_ENTITY);
    for (size_t i = 0; i < G_N_ELEMENTS(blanks); i++) {
        g_autofree char *text = fill(blanks[i], ATTACK_ENTITY, signature);
        AUTO_SENT struct sent in = attack_in(rig, text);
        attack_expect_believed(&in, true, blanks[i]);
        owned(message) struct message *message = rig_message(&rig->partner, in.bytes, in.length);
        const struct fields *fields = message_fields(message);
        for (size_t f = 0; f < fields->count; f++)
            cr_expect(field_is_plain(&fields->list[f]), "%s", in.bytes);
        const struct field *x = fields_find(fields, "X", 1);
        cr_expect(x != NULL && memchr(x->value.data, 'y', x->value.len) != NULL, "%s", in.bytes);
    }
}

/* The header of an opaque signature; %s its base64. */
static const struct {
    const char *header;
    bool believed;
} opaques[] = {
    {"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n%s", true},
    {"Content-Type: application/x-pkcs7-mime; smime-type=enveloped-data\r\nContent-Transfer-Encoding: BASE64\r\n\r\n%s",
     true},
    {"Content-Type: application/octet-stream; name=SMIME.P7M\r\nContent-Transfer-Encoding: base64\r\n\r\n%s", true},
    {"Content-Type: application/octet-stream; name*=us-ascii''smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n%s",
     true},
    {"MIME-Version: 2.0\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n%s", true},
    {"Content-Type: application/pkcs7-mime\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n%s",
     false},
    {"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: "
     "7bit\r\n\r\n%s",
     false},
    {"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n%s", false},
    {"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n%s", false},
    {"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\nYou are fired: %s", false},
    {"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\nMA==", false},
    {"Content-Type: application/pkcs7-mime; a=\"\r\nContent-Transfer-Encoding: base64\r\n\r\n%s", false},
    {"Content-Type: application/pkcs7-mime;;\r\nContent-Transfer-Encoding: base64\r\n\r\n%s", false},
    {"Content-Type: application/pkcs7-mime/x\r\nContent-Transfer-Encoding: base64\r\n\r\n%s", false},
    {"Content-Type: application/pkcs7-mime\x01\r\nContent-Transfer-Encoding: base64\r\n\r\n%s", false},
    {"Content-Type: application/pkcs7-mime, text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n%s", false},
    {"Content-Type: application/pkcs10\r\nContent-Transfer-Encoding: base64\r\n\r\n%s", false},
    {"Content-Type: text/plain\r\nContent-Disposition: attachment; filename=smime.p7m\r\nContent-Transfer-Encoding: "
     "base64\r\n\r\n%s",
     false},
};

Test(parser, opaque)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    g_autofree char *whole = attack_message(&(struct attack){.signer = rig->acme.dsa, .types = DOMAIN});
    const char *base64 = strstr(whole, "\r\n\r\n") + 4;
    for (size_t i = 0; i < G_N_ELEMENTS(opaques); i++) {
        g_autofree char *text = fill(opaques[i].header, "", base64);
        AUTO_SENT struct sent in = attack_in(rig, text);
        if (opaques[i].believed)
            attack_expect_believed(&in, true, opaques[i].header);
        else
            attack_expect_refused(&in, opaques[i].header);
    }
}

/* --- SMTP smuggling: what the signed or encrypted content holds does not end a message for the next server --- */

static const char *const smuggling[] = {
    "a\n.\nMAIL FROM:<x@evil.test>\r\n",
    "a\n.\r\nMAIL\r\n",
    "a\r\n.\rMAIL\r\n",
    "a\r.\rMAIL\r\n",
    "a\r.\nMAIL\r\n",
    "a\r\n.\nMAIL\r\n",
    "a\r\r\n.\r\r\nMAIL\r\n",
    "a\r\n\0.\r\nMAIL\r\n",
    "a\r",
    "a\n",
    ".",
    "\r",
};

static void expect_line_ends(const struct sent *in, size_t which)
{
    for (size_t k = 1; k < in->length; k++)
        cr_expect((in->bytes[k] != '\n' || in->bytes[k - 1] == '\r') &&
                      (in->bytes[k - 1] != '\r' || in->bytes[k] == '\n'),
                  "%zu: a bare line end at %zu", which, k);
}

Test(parser, smuggling_in_opaque_signatures)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    for (size_t i = 0; i < G_N_ELEMENTS(smuggling); i++) {
        g_autofree char *entity = g_strconcat("Content-Type: text/plain\r\n\r\n", smuggling[i], NULL);
        g_autofree char *inner = attack_opaque(
            "", attack_sign(&(struct attack){.signer = rig->acme.dsa, .types = DOMAIN, .content = entity}));
        g_autofree char *text =
            attack_opaque(ATTACK_TOP, attack_envelop(EVP_aes_256_cbc(), rig->partner.dca, inner, false));
        AUTO_SENT struct sent in = attack_in(rig, text);
        attack_expect_believed(&in, true, smuggling[i]);
        expect_line_ends(&in, i);
    }
}

Test(parser, smuggling_in_clear_signatures)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    for (size_t i = 0; i < G_N_ELEMENTS(smuggling); i++) {
        g_autofree char *entity = g_strconcat("Content-Type: text/plain\r\n\r\n", smuggling[i], NULL);
        g_autofree char *text = attack_message(
            &(struct attack){.signer = rig->acme.dsa, .types = DOMAIN, .content = entity, .flags = CMS_DETACHED});
        AUTO_SENT struct sent in = attack_in(rig, text);
        attack_expect_safe(&in, smuggling[i]);
        if ((0 < in.result->made.removed))
            expect_line_ends(&in, i);
        else
            cr_expect_str_eq(strstr(in.bytes, "\r\n\r\n"), strstr(text, "\r\n\r\n"), "what stays is not touched");
    }
}

/* --- what is inside without a header --- */

static const struct {
    const char *content, *body;
} headless[] = {
    {"Content-Type: text/plain\r\n\r\nx\r\n", "x\r\n"},
    {"\r\nx\r\n", "x\r\n"},
    {"x\r\n", "x\r\n"},
    {"X: 1\r\n", "X: 1\r\n"},
    {"x\r\n\r\ny\r\n", "x\r\n\r\ny\r\n"},
    {"X: 1\r\nx\r\n\r\ny\r\n", "X: 1\r\nx\r\n\r\ny\r\n"},
    {"x\r\nX: 1\r\n\r\ny\r\n", "x\r\nX: 1\r\n\r\ny\r\n"},
};

Test(parser, what_has_no_header_is_all_body)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    for (size_t i = 0; i < G_N_ELEMENTS(headless); i++) {
        struct attack attack = {.signer = rig->acme.dsa, .types = DOMAIN, .content = headless[i].content};
        g_autofree char *text = attack_message(&attack);
        AUTO_SENT struct sent in = attack_in(rig, text);
        attack_expect_believed(&in, true, headless[i].content);
        const char *end = strstr(in.bytes, "\r\n\r\n");
        cr_assert_not_null(end);
        cr_expect_str_eq(end + 4, headless[i].body, "%zu: %s", i, in.bytes);
    }
}

Test(parser, a_header_inside_that_is_beyond_a_limit)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    struct limits *limits = (struct limits *)&gateway_conf(rig->partner.gateway)->limits;
    limits->header_count = 20;
    for (unsigned count = 20; count <= 21; count++) {
        g_autoptr(GString) content = g_string_new(NULL);
        for (unsigned i = 0; i < count; i++)
            g_string_append_printf(content, "X-%u: x\r\n", i);
        g_string_append(content, "\r\nx\r\n");
        struct attack attack = {.signer = rig->acme.dsa, .types = DOMAIN, .content = content->str};
        g_autofree char *text = attack_message(&attack);
        AUTO_SENT struct sent in = attack_in(rig, text);
        if (count == 20)
            attack_expect_believed(&in, true, "at the limit");
        else
            attack_expect_refused(&in, "beyond the limit");
    }
}

/* --- a certificate's fields are text, wherever they show up --- */

static const char *const injections[] = {
    "%0d%0aX-Evil: 1",
    "%0aX-Evil: 1",
    "%0dX-Evil: 1",
    "%00",
    "%1b[31m",
    "%c2%85X-Evil",
    "%e2%80%a8X-Evil",
    "%e2%80%aeevil",
    "%ff%fe",
    "\"; smime=pass; x=\"",
    "(;smime=pass)",
    "\\\"",
    "%25s%25n%25s",
    "%0d%0a.%0d%0a",
    "%7f",
    "=?utf-8?q?=0d=0a?=",
};

Test(parser, certificate_fields)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    for (size_t i = 0; i < G_N_ELEMENTS(injections); i++) {
        g_autofree char *cn = g_strconcat("CN=domain-signing-authority", injections[i], NULL);
        g_autofree char *o = g_strconcat("O=", injections[i], NULL);
        g_autofree char *mail = g_strconcat("email:alice", injections[i], "@acme.test", NULL);
        PKI_AUTO struct pki *ca = pki_issue(&(struct pki_spec){.ca = true, .subject = PKI_LIST(o, cn)});
        PKI_AUTO struct pki *leaf =
            pki_issue(&(struct pki_spec){.issuer = ca, .subject = PKI_LIST(o, cn), .san = PKI_LIST(mail)});
        PKI_AUTO struct pki *ours =
            pki_issue(&(struct pki_spec){.issuer = rig->acme.ca, .subject = PKI_LIST(o, cn), .san = PKI_LIST(mail)});
        const struct attack attacks[] = {{.signer = leaf, .types = DOMAIN},
                                         {.signer = leaf},
                                         {.signer = ours, .types = DOMAIN},
                                         {.signer = ours},
                                         {.signer = leaf, .flags = CMS_NOCERTS}};
        for (size_t a = 0; a < G_N_ELEMENTS(attacks); a++) {
            g_autofree char *text = attack_message(&attacks[a]);
            AUTO_SENT struct sent in = attack_in(rig, text);
            attack_expect_refused(&in, injections[i]);
            cr_expect_null(strstr(in.bytes, "\nX-Evil"), "%s", in.bytes);
            cr_expect_null(strstr(in.bytes, "\n."), "%s", in.bytes);
            cr_expect_null(strchr(in.bytes, 0x1b));
        }
    }
}

/* --- too much --- */

Test(parser, layers_by_the_dozen)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    for (unsigned depth = 9; depth <= 14; depth++) {
        char *entity = g_strdup(ATTACK_ENTITY);
        for (unsigned i = 0; i < depth; i++) {
            char *next = attack_opaque(
                "", attack_sign(&(struct attack){.signer = rig->acme.dsa, .types = DOMAIN, .content = entity}));
            g_free(entity);
            entity = next;
        }
        g_autofree char *text = g_strconcat(ATTACK_TOP, entity, NULL);
        AUTO_SENT struct sent in = attack_in(rig, text);
        g_free(entity);
        if (depth <= 10)
            attack_expect_believed(&in, true, "ten layers");
        else
            attack_expect_refused(&in, "more");
        struct work work = rig_work(&rig->partner, text, false);
        cr_expect_eq(work.layers, MIN(depth, 11), "%u: what is deeper is not looked into: %u", depth, work.layers);
    }
}

/* Small enough to pass when it comes, too large when it is opened, or more than one message may cost. */
Test(parser, compression_bombs)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    size_t limit = gateway_conf(rig->partner.gateway)->limits.message_size;
    g_autofree char *zeros = g_malloc0(limit + 1000);
    g_autofree char *head = g_strdup(ATTACK_ENTITY);
    memcpy(zeros, head, strlen(head));
    const size_t sizes[] = {10000000, limit - 1000, limit + 1000};
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        char *entity = attack_compress(zeros, sizes[i]);
        for (int j = 0; j < 5; j++) {
            char *next = attack_compress(entity, strlen(entity));
            g_free(entity);
            entity = next;
        }
        g_autofree char *text = g_strconcat(ATTACK_TOP, entity, NULL);
        g_free(entity);
        counted = (struct counted){0};
        AUTO_SENT struct sent in = attack_in(rig, text);
        attack_expect_refused(&in, "bomb");
        attack_expect_outcome(&in.result->plan.judgement.domain, i > 0 ? OUTCOME_PERMERROR : OUTCOME_NONE, NULL,
                              "bomb");
        cr_expect_lt(in.length, 100000, "it is not delivered unfolded");
        cr_expect_leq(counted.inflated, limit, "%zu: %zu octets", i, counted.inflated);
    }
}

/* What mail programs cannot read is not what they get, but where a person's signature is around it, or nothing of ours.
 */
Test(parser, compression_comes_off)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    const struct attack by_domain = {.signer = rig->acme.dsa, .types = DOMAIN};
    g_autofree char *plain = attack_compress(ATTACK_ENTITY, strlen(ATTACK_ENTITY));
    g_autofree char *twice = attack_compress(plain, strlen(plain));
    g_autofree char *signed_by_domain = attack_opaque("", attack_sign(&by_domain));
    g_autofree char *signed_by_alice = attack_opaque("", attack_sign(&(struct attack){.signer = rig->acme.alice}));
    g_autofree char *around_domain = attack_compress(signed_by_domain, strlen(signed_by_domain));
    g_autofree char *around_alice = attack_compress(signed_by_alice, strlen(signed_by_alice));
    g_autofree char *encrypted = attack_opaque("", attack_envelop(EVP_aes_128_gcm(), rig->partner.dca, plain, false));
    const struct {
        const char *what;
        const struct pki *signer; /* of what follows; NULL: it stands alone */
        const char *content;
        size_t removed;
    } rows[] = {
        {"in the domain's signature", rig->acme.dsa, plain, 2},
        {"twice in it", rig->acme.dsa, twice, 3},
        {"around it", NULL, around_domain, 2},
        {"encrypted", NULL, encrypted, 2},
        {"around alice's, in the domain's", rig->acme.dsa, around_alice, 2},
        {"in alice's", rig->acme.alice, plain, 0},
        {"around alice's", NULL, around_alice, 0},
        {"alone", NULL, plain, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct attack attack = {.signer = rows[i].signer, .content = rows[i].content};
        attack.types = rows[i].signer == rig->acme.dsa ? DOMAIN : 0;
        g_autofree char *text =
            rows[i].signer != NULL ? attack_message(&attack) : g_strconcat(ATTACK_TOP, rows[i].content, NULL);
        AUTO_SENT struct sent in = attack_in(rig, text);
        size_t removed = 0;

        for (size_t j = 0; j < in.result->plan.judgement.layer_count; j++)
            removed += (j < in.result->made.removed);
        cr_expect_eq(removed, rows[i].removed, "%s: %zu", rows[i].what, removed);
        cr_expect_eq(g_str_has_suffix(in.bytes, ATTACK_ENTITY + strlen("Content-Type: text/plain\r\n")),
                     rows[i].removed == in.result->plan.judgement.layer_count, "%s: %s", rows[i].what, in.bytes);
    }
}

Test(parser, compression_hides_nothing)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    g_autofree char *sound = attack_opaque("", attack_sign(&(struct attack){.signer = rig->acme.dsa, .types = DOMAIN}));
    g_autofree char *outside = attack_compress(sound, strlen(sound));
    g_autofree char *plain = attack_compress(ATTACK_ENTITY, strlen(ATTACK_ENTITY));
    g_autofree char *around = g_strconcat(ATTACK_TOP, outside, NULL);
    g_autofree char *nothing = g_strconcat(ATTACK_TOP, plain, NULL);
    g_autofree char *inside =
        attack_message(&(struct attack){.signer = rig->acme.dsa, .types = DOMAIN, .content = plain});
    AUTO_SENT struct sent first = attack_in(rig, around);
    AUTO_SENT struct sent second = attack_in(rig, inside);
    AUTO_SENT struct sent third = attack_in(rig, nothing);
    attack_expect_believed(&first, true, "around the signature");
    attack_expect_believed(&second, true, "inside it");
    attack_expect_refused(&third, "compressed alone");
}
