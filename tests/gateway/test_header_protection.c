/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What leaves with header_protection (RFC 9788), as an observer sees it on the way, and as the other gateway delivers
 * it.
 */
#include "gateway/leaving_header.h"
#include "support/attack.h"
#include "support/schema.h"

#include <string.h>

#define TOP "From: \"Alice A.\" <alice@acme.test>\r\nTo: Bob <bob@partner.test>\r\n"
#define DATE "Date: Sat, 1 Jan 2000 09:00:00 +0900\r\n"
#define REAL "Subject: the real subject\r\n"
#define TEXT "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nline\r\n"
#define POLICY(headers) "outbound = { protect = \"sign+encrypt\"; header_protection = \"" headers "\"; };"
#define REQUIRE "inbound = { require = \"sign+encrypt\"; };"
#define LONG_100 "0123456789abcdefghij0123456789abcdefghij0123456789abcdefghij0123456789abcdefghij0123456789abcdefghij"
#define LONG_1000 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100 LONG_100

/* The header of the message, g_free(). *body: the rest. */
static char *header_of(const struct sent *sent, const char **body)
{
    const char *end = strstr(sent->bytes, "\r\n\r\n");
    cr_assert_not_null(end, "%s", sent->bytes);
    if (body != NULL)
        *body = end + 4;
    return g_strndup(sent->bytes, (gsize)(end + 2 - sent->bytes));
}

/* All fields of that name, as they are; g_free(). */
static char *fields_named(const char *header, const char *name)
{
    const struct limits limits = {.header_size = 1000000, .header_count = 1000};
    struct fields fields = {0};
    struct error error = {0};
    GString *found = g_string_new(NULL);
    cr_assert(fields_parse(slice_of(header), &limits, &fields, &error), "%s", error.text);
    for (size_t i = 0; i < fields.count; i++)
        if (slice_equal_nocase(fields.list[i].name, name)) {
            const struct field *field = &fields.list[i];
            g_string_append_len(found, field->name.data, field->value.data + field->value.len - field->name.data);
            g_string_append(found, "\r\n");
        }
    fields_clear(&fields);
    return g_string_free(found, FALSE);
}

/* The header of what the layers hold; g_free(). */
static char *inner_header(const struct sent *in)
{
    const struct examination *examination = in->result->mail.examination;
    const struct part *payload = examination_entity(examination, examination->whole);
    cr_assert_not_null(payload);
    return g_strndup(payload->header.data, payload->header.len);
}

/* No Subject is lost, and all come back as they were, octet by octet. */
Test(header_protection, subjects_come_back)
{
    static const struct {
        const char *subject;
        bool kept; /* it cannot come back as it was, and is kept in a part */
    } rows[] = {
        {REAL, false},
        {"subject:the real subject\r\n", false},
        {"SUBJECT:\t the  real\tsubject \r\n", false},
        {"Subject: =?utf-8?q?the_real_s=C3=BCbject?=\r\n =?iso-8859-1?q?=FC?= =?utf-8?b?w7w=?=\r\n", false},
        {"Subject: the real\r\n subject\r\n\tfolded\r\n", false},
        {"Subject:\r\n the real subject\r\n", false},
        {"Subject: the real s\xc3\xbc\x62ject\r\n", false},
        {"Subject: the real s\xfc\x62ject\r\n", false},
        {"Subject: the real " LONG_1000 LONG_1000 "\r\n", false},
        {"Subject: the real " LONG_1000 "\r\n " LONG_1000 LONG_1000 "\r\n " LONG_1000 "\r\n", false},
        {"Subject: [...]\r\n", false},
        {"Subject: the real \"subject\"; hp=\"clear\"\r\n", false},
        {"Subject: \r\n", false},
        {"Subject:\r\n", false},
        {"", false},
        {"Subject: the real one\r\nSubject: the real other\r\n", true},
        {"Subject: \r\nSubject: the real other\r\n", true},
    };
    static const char *const policies[] = {POLICY("baseline"), POLICY("shy") "null_signature = false;",
                                           POLICY("baseline") "format = \"opaque\";",
                                           "outbound = { protect = \"triple\"; header_protection = \"baseline\"; };"};
    for (size_t p = 0; p < G_N_ELEMENTS(policies); p++) {
        owned(rig) struct rig *rig = rig_new(policies[p], REQUIRE);
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
            g_autofree char *text = g_strconcat(TOP, rows[i].subject, TEXT, NULL);
            AUTO_SENT struct sent out = rig_outbound(rig, text);
            AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
            const char *body;
            g_autofree char *outer = header_of(&out, NULL), *header = header_of(&in, &body);
            g_autofree char *outside = fields_named(outer, "Subject"), *subject = fields_named(header, "Subject");
            cr_assert_eq(rig_verdict(&out), VERDICT_ACCEPT, "%zu, %zu: %s", p, i, rig_reason(&out));
            cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT, "%zu, %zu: %s", p, i, rig_reason(&in));
            cr_expect_null(strstr(outer, "real"), "%zu, %zu: %s", p, i, outer);
            if (rows[i].kept) {
                cr_expect_not_null(strstr(body, "Content-Type: text/rfc822-headers"), "%zu, %zu: %s", p, i, body);
                cr_expect_not_null(strstr(body, "the real other"), "%zu, %zu: %s", p, i, body);
                continue;
            }
            g_autofree char *name = g_strndup(rows[i].subject, strcspn(rows[i].subject, ":"));
            g_autofree char *placeholder = g_strconcat(name, ": [...]\r\n", NULL);
            if (strlen(rows[i].subject) > strlen("Subject: \r\n"))
                cr_expect_str_eq(outside, placeholder, "%zu, %zu: %s", p, i, outer);
            cr_expect_str_eq(subject, rows[i].subject, "%zu, %zu: %s", p, i, header);
            if (p != 1) /* shy: the names stand in a part */
                cr_expect_str_eq(body, "line\r\n", "%zu, %zu: %s", p, i, body);
        }
    }
}

/* What stands where. */
Test(header_protection, forms)
{
    static const struct {
        const char *policy;
        const char *outside[6]; /* lines of the header on the way, up to NULL */
        const char *not_outside[4];
        const char *inside[10];
        const char *not_inside[4];
        const char *said; /* of it */
    } rows[] = {
        {POLICY("none"), {REAL, "Keywords: k\r\n"}, {NULL}, {NULL}, {"hp=", "HP-Outer", "Subject"}, "none"},
        {POLICY("sign"),
         {REAL, "Keywords: k\r\n", TOP, DATE},
         {NULL},
         {"hp=\"cipher\"", "\r\n" REAL, "\r\nKeywords: k\r\n", TOP, DATE, "HP-Outer: Subject: the real subject\r\n",
          "HP-Outer: Keywords: k\r\n", "HP-Outer: From: \"Alice A.\" <alice@acme.test>\r\n"},
         {"hp-legacy-display", "\r\nBcc", "X-Any"},
         "sign"},
        {POLICY("baseline"),
         {"Subject: [...]\r\n", TOP, DATE, "X-Any: a\r\n"},
         {"real", "Keywords", "Thread-Topic"},
         {"hp=\"cipher\"", "hp-legacy-display=\"1\"", "\r\n" REAL, "\r\nKeywords: k\r\n", TOP, DATE,
          "HP-Outer: Subject: [...]\r\n", "Thread-Topic: the real subject\r\n",
          "HP-Outer: Date: Sat, 1 Jan 2000 09:00:00 +0900\r\n"},
         {"HP-Outer: Keywords", "HP-Outer: Thread-Topic", "\r\nBcc", "X-Any"},
         "baseline"},
        {POLICY("shy"),
         {"Subject: [...]\r\n", "From: alice@acme.test\r\n", "To: bob@partner.test\r\n",
          "Date: Sat, 01 Jan 2000 00:00:00 +0000\r\n", "X-Any: a\r\n"},
         {"real", "Keywords", "Thread-Topic", "Alice"},
         {"hp=\"cipher\"", "\r\n" REAL, TOP, DATE, "HP-Outer: From: alice@acme.test\r\n",
          "HP-Outer: To: bob@partner.test\r\n", "HP-Outer: Date: Sat, 01 Jan 2000 00:00:00 +0000\r\n"},
         {"\r\nBcc", "X-Any"},
         "shy"},
        {"outbound = { protect = \"sign\"; header_protection = \"shy\"; };",
         {REAL, "Keywords: k\r\n", TOP, DATE, "Thread-Topic: the real subject\r\n"},
         {NULL},
         {"hp=\"clear\"", "\r\n" REAL, "\r\nKeywords: k\r\n", TOP, DATE},
         {"HP-Outer", "hp-legacy-display", "\r\nBcc", "X-Any"},
         "sign"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_new(rows[i].policy, ATTACK_LAX);
        AUTO_SENT struct sent out =
            rig_outbound(rig, TOP DATE REAL "Keywords: k\r\nThread-Topic: the real subject\r\nX-Any: a\r\n"
                                            "Received: by x\r\nBcc: carol@acme.test\r\n" TEXT);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        g_autofree char *outer = header_of(&out, NULL), *inner = inner_header(&in);
        g_autofree char *report = passage_report(out.result), *line = passage_log_line(out.result);
        g_autofree char *in_report = g_strdup_printf("\"header_protection\": \"%s\"", rows[i].said);
        g_autofree char *in_line = g_strdup_printf(" header_protection=%s", rows[i].said);
        schema_expect(report, rows[i].policy);
        cr_expect_not_null(strstr(report, in_report), "row %zu: %s", i, report);
        cr_expect_eq(strstr(line, in_line) == NULL, strcmp(rows[i].said, "none") == 0, "row %zu: %s", i, line);
        cr_expect_eq(rig_verdict(&out), VERDICT_ACCEPT, "row %zu: %s", i, rig_reason(&out));
        cr_expect_null(out.result->made.note, "row %zu: %s", i, out.result->made.note);
        for (size_t j = 0; j < G_N_ELEMENTS(rows[i].outside) && rows[i].outside[j] != NULL; j++)
            cr_expect_not_null(strstr(outer, rows[i].outside[j]), "row %zu, %s: %s", i, rows[i].outside[j], outer);
        for (size_t j = 0; j < G_N_ELEMENTS(rows[i].not_outside) && rows[i].not_outside[j] != NULL; j++)
            cr_expect_null(strstr(outer, rows[i].not_outside[j]), "row %zu, %s: %s", i, rows[i].not_outside[j], outer);
        for (size_t j = 0; j < G_N_ELEMENTS(rows[i].inside) && rows[i].inside[j] != NULL; j++)
            cr_expect_not_null(strstr(inner, rows[i].inside[j]), "row %zu, %s: %s", i, rows[i].inside[j], inner);
        for (size_t j = 0; j < G_N_ELEMENTS(rows[i].not_inside) && rows[i].not_inside[j] != NULL; j++)
            cr_expect_null(strstr(inner, rows[i].not_inside[j]), "row %zu, %s: %s", i, rows[i].not_inside[j], inner);
    }
}

/* Also where there is but one. */
Test(header_protection, one_field)
{
    owned(rig) struct rig *rig = rig_new(POLICY("sign"), REQUIRE);
    AUTO_SENT struct sent out = rig_outbound(rig, "From: alice@acme.test\r\n" TEXT);
    AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
    g_autofree char *inner = inner_header(&in);
    cr_expect_not_null(strstr(inner, "hp=\"cipher\""), "%s", inner);
    cr_expect_not_null(strstr(inner, "HP-Outer: From: alice@acme.test\r\n"), "%s", inner);
}

Test(header_protection, without_a_message)
{
    owned(rig) struct rig *rig = rig_new(POLICY("sign"), REQUIRE);
    owned(message) struct message *message = rig_message(&rig->acme, TOP TEXT, strlen(TOP TEXT));
    struct examination none = {0};
    const struct passage passage = {.gateway = rig->acme.gateway, .mail = {.message = message, .examination = &none}};
    struct made made = {0};
    struct entity entity = {0};
    struct error error = {0};
    cr_expect_not(leaving_header_make(&passage, &made, &entity, &error));
    cr_expect_eq(error.kind, ERROR_BUG, "%s", error.text);
}

/* All that is hidden comes back where it may, and what may not is kept. The names that were left out are no reason for
 * a report. */
Test(header_protection, what_is_delivered)
{
    static const struct {
        const char *headers;
        bool kept; /* names and the time zone stand in a part */
    } rows[] = {{POLICY("none"), false}, {POLICY("sign"), false}, {POLICY("baseline"), false}, {POLICY("shy"), true}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_new(rows[i].headers, REQUIRE);
        AUTO_SENT struct sent out =
            rig_outbound(rig, TOP DATE REAL "Keywords: k\r\nComments: c\r\nThread-Topic: the real subject\r\n" TEXT);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        const char *body;
        g_autofree char *header = header_of(&in, &body), *line = passage_log_line(in.result);
        cr_expect_not_null(strstr(header, "\r\n" REAL), "row %zu: %s", i, header);
        cr_expect_not_null(strstr(header, "\r\nKeywords: k\r\n"), "row %zu: %s", i, header);
        cr_expect_not_null(strstr(header, "\r\nComments: c\r\n"), "row %zu: %s", i, header);
        cr_expect_not_null(strstr(header, "\r\nThread-Topic: the real subject\r\n"), "row %zu: %s", i, header);
        cr_expect_null(strstr(line, "protected_policy"), "row %zu: %s", i, line);
        if (!rows[i].kept) {
            cr_expect_str_eq(body, "line\r\n", "row %zu: %s", i, body);
            continue;
        }
        cr_expect_not_null(strstr(header, "From: alice@acme.test\r\n"), "row %zu: %s", i, header);
        cr_expect_not_null(strstr(body, "\r\n\r\n" TOP DATE "\r\n--"), "row %zu: %s", i, body);
        cr_expect_not_null(strstr(body, "\r\n\r\nline\r\n\r\n--"), "row %zu: %s", i, body);
    }
}

/* Programs that know none of this show the fields with the text; where they come back, the text is as it was. */
Test(header_protection, the_text_shows_what_is_hidden)
{
    static const struct {
        const char *subject, *entity;
        const char *shown; /* in what the layers hold; NULL: nothing is */
    } rows[] = {
        {REAL, "Content-Type: text/plain\r\n\r\nline\r\n", "\r\n\r\nSubject: the real subject\r\n\r\nline\r\n"},
        {REAL, "\r\nline\r\n", "\r\n\r\nSubject: the real subject\r\n\r\nline\r\n"},
        {REAL, "Content-Type: text/plain\r\n\r\n", "\r\n\r\nSubject: the real subject\r\n\r\n"},
        {REAL, "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nbGluZQ0K\r\n",
         "U3ViamVjdDogdGhlIHJlYWwgc3ViamVjdA0KDQpsaW5lDQo="},
        {"Subject: =?iso-8859-1?q?s=FCbject_real?=\r\n",
         "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nl=C3=AE\r\n",
         "Subject: s=C3=BCbject real\r\n\r\nl=C3=AE\r\n"},
        {"Subject: =?utf-8?q?s=C3=BCbject_real?=\r\n",
         "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nl=EE\r\n",
         "Subject: s=FCbject real\r\n\r\nl=EE\r\n"},
        {"Subject: =?utf-8?q?s=C3=BCbject_=E2=82=AC_real?=\r\n",
         "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nl=EE\r\n",
         "Subject: =3D?utf-8?q?s=3DC3=3DBCbject_=3DE2=3D82=3DAC_real?=3D\r\n\r\nl=EE\r\n"},
        {"Subject: =?utf-8?q?s=C3=BCbject_real?=\r\n", "Content-Type: text/plain; charset=us-ascii\r\n\r\nline\r\n",
         "Subject: s=C3=BCbject real\r\n\r\nline\r\n"},
        {"Subject: <a> & real\r\n",
         "Content-Type: text/html; charset=utf-8\r\n\r\n<html><body class=\"x\"><p>t</p></body></html>\r\n",
         "<html><body class=\"x\"><div class=\"header-protection-legacy-display\"><pre>Subject: &lt;a&gt; &amp; "
         "real\r\n"
         "</pre></div><p>t</p></body></html>\r\n"},
        {REAL, "Content-Type: text/html\r\n\r\n</body><bodyx><BODY\r\nid=x><body>t\r\n",
         "</body><bodyx><BODY\r\nid=x><div class=\"header-protection-legacy-display\"><pre>Subject: the real "
         "subject\r\n"
         "</pre></div><body>t\r\n"},
        {"Subject: =?utf-8?q?s=C3=BC_real?=\r\n", "Content-Type: text/html\r\n\r\n<p>t</p>\r\n",
         "<pre>Subject: s&#252; real\r\n</pre></div><p>t</p>\r\n"},
        {REAL,
         "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/alternative; "
         "boundary=c\r\n\r\n--c\r\n\r\nplain\r\n--c\r\nContent-Type: text/html\r\n\r\n<p>t</p>\r\n--c--\r\n--b\r\n"
         "Content-Type: text/plain\r\n\r\nattached\r\n--b--\r\n",
         "--b\r\nContent-Type: text/plain\r\n\r\nattached\r\n--b--\r\n"},
        /* what is said twice is said once, or left as it is */
        {REAL, "Content-Type: text/plain\r\nContent-Type: text/plain\r\n\r\nline\r\n",
         "\r\n\r\nSubject: the real subject\r\n\r\nline\r\n"},
        {REAL,
         "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n"
         "Content-Type: text/plain\r\n\r\nline\r\n--b--\r\n",
         NULL},
        {REAL, "Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\n", NULL},
        {REAL, "Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nline\r\n", NULL},
        {REAL, "Content-Type: text/plain; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n\r\nAGE=\r\n", NULL},
        {REAL, "Content-Type: text/plain; charset=x-unheard-of\r\n\r\nline\r\n", NULL},
        {"Keywords: real\r\n", "Content-Type: text/plain\r\n\r\nline\r\n", "\r\n\r\nKeywords: real\r\n\r\nline\r\n"},
        {"Thread-Topic: real\r\n", "Content-Type: text/plain\r\n\r\nline\r\n", NULL},
    };
    owned(rig) struct rig *rig = rig_new(POLICY("baseline"), REQUIRE);
    owned(rig) struct rig *plain = rig_new(POLICY("none"), REQUIRE);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strconcat(TOP "MIME-Version: 1.0\r\n", rows[i].subject, rows[i].entity, NULL);
        AUTO_SENT struct sent out = rig_outbound(rig, text), other = rig_outbound(plain, text);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        AUTO_SENT struct sent as_ever = rig_inbound(plain, other.bytes, other.length);
        const struct examination *examination = in.result->mail.examination;
        const struct part *payload = examination_entity(examination, examination->whole);
        g_autofree char *whole = g_strdup_printf("%.*s\r\n%.*s", (int)payload->header.len, payload->header.data,
                                                 (int)payload->body.len, payload->body.data);
        const char *body, *expected;
        g_autofree char *outer = header_of(&out, NULL), *header = header_of(&in, &body),
                        *other_header = header_of(&as_ever, &expected);
        cr_expect_eq(rig_verdict(&out), VERDICT_ACCEPT, "row %zu: %s", i, rig_reason(&out));
        cr_expect_null(strstr(outer, "real"), "row %zu: %s", i, outer);
        cr_expect_not_null(strstr(header, rows[i].subject), "row %zu: %s", i, header);
        if (rows[i].shown != NULL)
            cr_expect_not_null(strstr(whole, rows[i].shown), "row %zu: %s", i, whole);
        cr_expect_eq(strstr(whole, "hp-legacy-display=\"1\"") != NULL, rows[i].shown != NULL, "row %zu: %s", i, whole);
        if (strstr(rows[i].entity, "--c\r\n\r\nplain") == NULL)
            cr_expect_str_eq(body, expected, "row %zu", i);
        cr_expect_null(strstr(body, "real"), "row %zu: %s", i, body);
        cr_expect_null(strstr(in.bytes, "hp"), "row %zu: %s", i, in.bytes);
    }
}

/* A parameter that no program would be sure to find is none: such an entity gets one around it. */
Test(header_protection, an_odd_content_type)
{
    static const char *const rows[] = {
        "Content-Type: text/plain; name=\"open\r\n\r\nline\r\n",
        "Content-Type: text/plain; x=(open\r\n\r\nline\r\n",
        "Content-Type: plain\r\n\r\nline\r\n",
        "Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nline\r\n",
    };
    owned(rig) struct rig *rig = rig_new(POLICY("baseline"), REQUIRE);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strconcat(TOP REAL "MIME-Version: 1.0\r\n", rows[i], NULL);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        const char *body;
        g_autofree char *outer = header_of(&out, NULL), *header = header_of(&in, &body);
        cr_expect_eq(rig_verdict(&out), VERDICT_ACCEPT, "row %zu: %s", i, rig_reason(&out));
        cr_expect_null(strstr(outer, "real"), "row %zu: %s", i, outer);
        cr_expect_not_null(strstr(header, "\r\n" REAL), "row %zu: %s", i, header);
        cr_expect_not_null(strstr(header, "Content-Type: multipart/mixed; boundary="), "row %zu: %s", i, header);
        cr_expect_not_null(strstr(body, rows[i]), "row %zu: %s", i, body);
    }
}

/* A clear signature over a field that a mail server may change would break. */
Test(header_protection, odd_fields_are_signed_in_opaque_form)
{
    static const struct {
        const char *text;
        bool opaque;
    } rows[] = {
        {TOP REAL TEXT, false},
        {TOP "Subject: s\xc3\xbc\x62ject\r\n" TEXT, true},
        {TOP "Subject: " LONG_1000 "\r\n" TEXT, true},
        {TOP "Subject: s\xc3\xbc\x62ject\r\nContent-Type: plain\r\n\r\nline\r\n", true},
        {TOP REAL "Content-Type: plain\r\n\r\nline\r\n", false},
    };
    owned(rig) struct rig *rig =
        rig_new("outbound = { protect = \"sign\"; header_protection = \"sign\"; }; null_signature = false;", "");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        AUTO_SENT struct sent out = rig_outbound(rig, rows[i].text);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        g_autofree char *outer = header_of(&out, NULL);
        attack_expect_believed(&in, true, rows[i].text);
        cr_expect_eq(strstr(outer, "Content-Type: application/pkcs7-mime") != NULL, rows[i].opaque, "row %zu: %s", i,
                     outer);
    }
}

/* Whatever a message said of itself where nothing was protected. */
Test(header_protection, a_claim_without_protection_is_replaced)
{
    static const char *const rows[] = {
        "Content-Type: text/plain; hp=\"clear\"; x=y\r\n\r\nline\r\n",
        "Content-Type: text/plain; HP=cipher; hp-legacy-display=\"1\"\r\n\r\nline\r\n",
        "Content-Type: text/plain; hp*=us-ascii''clear\r\n\r\nline\r\n",
        "Content-Type: text/plain; hp*0=cl; hp*1=ear;\r\n\r\nline\r\n",
    };
    owned(rig) struct rig *rig = rig_new(POLICY("baseline"), REQUIRE);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strconcat(TOP REAL "HP-Outer: Subject: x\r\nMIME-Version: 1.0\r\n", rows[i], NULL);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        const char *body;
        g_autofree char *outer = header_of(&out, NULL), *header = header_of(&in, &body), *inner = inner_header(&in);
        cr_expect_null(strstr(outer, "real"), "row %zu: %s", i, outer);
        cr_expect_not_null(strstr(header, "\r\n" REAL), "row %zu: %s", i, header);
        cr_expect_not_null(strstr(inner, "hp=\"cipher\""), "row %zu: %s", i, inner);
        cr_expect_null(strstr(inner, "clear"), "row %zu: %s", i, inner);
        cr_expect_null(strstr(inner, "HP-Outer: Subject: x"), "row %zu: %s", i, inner);
        cr_expect_str_eq(body, "line\r\n", "row %zu: %s", i, body);
    }
}

/* --- what the originator's program has signed or encrypted --- */

/* Signed by alice, encrypted for our own authority, or both; g_free(). */
static char *by_originator(const struct rig *rig, const char *outer, const char *entity, bool sign, bool encrypt)
{
    struct attack attack = {.signer = rig->acme.alice, .content = entity};
    g_autofree char *opaque = sign ? attack_opaque("", attack_sign(&attack)) : g_strdup(entity);
    if (!encrypt)
        return g_strconcat(outer, opaque, NULL);
    char *body = strstr(opaque, "\r\n\r\n");
    g_autofree char *header = g_strndup(opaque, (gsize)(body + 2 - opaque));
    return rig_encrypt(&rig->acme, outer, header, body + 4);
}

#define OUTER TOP REAL "MIME-Version: 1.0\r\n"

Test(header_protection, around_what_the_originator_protected)
{
    static const struct {
        const char *outer, *entity;
        bool sign, encrypt;
        bool hidden;        /* the Subject leaves as "[...]" */
        const char *inside; /* the header of what the originator wrote; NULL: not looked at */
        bool note;
        const char *delivered; /* the Subject */
    } rows[] = {
        /* The signature stays, and ours protects the fields around it. */
        {OUTER, "Content-Type: text/plain\r\n\r\nline\r\n", true, false, true, "Content-Type: text/plain\r\n", false,
         REAL},
        {OUTER, "Content-Type: text/plain\r\n\r\nline\r\n", true, true, true, "Content-Type: text/plain\r\n", false,
         REAL},
        {OUTER, "Content-Type: text/plain\r\n\r\nline\r\n", false, true, true, NULL, false, REAL},
        /* It says that nothing is hidden: what it has inside need not be outside as well. */
        {OUTER, "Content-Type: text/plain; hp=\"clear\"\r\n" TOP REAL "\r\nline\r\n", true, false, true,
         "Content-Type: text/plain; hp=\"clear\"\r\n" TOP REAL, true, REAL},
        {OUTER, "Content-Type: text/plain; hp=\"clear\"\r\n" TOP "Subject: another\r\n\r\nline\r\n", true, false, false,
         "Content-Type: text/plain; hp=\"clear\"\r\n" TOP "Subject: another\r\n", true, "Subject: another\r\n"},
        {OUTER, "Content-Type: text/plain; hp=\"clear\"\r\n" TOP "\r\nline\r\n", true, false, false,
         "Content-Type: text/plain; hp=\"clear\"\r\n" TOP, true, REAL},
        /* It has hidden what it would. */
        {TOP "Subject: ...\r\nMIME-Version: 1.0\r\n",
         "Content-Type: text/plain; hp=\"cipher\"\r\nHP-Outer: Subject: ...\r\n" REAL "\r\nline\r\n", true, true, false,
         "Content-Type: text/plain; hp=\"cipher\"\r\nHP-Outer: Subject: ...\r\n" REAL, true, REAL},
        {TOP "Subject: ...\r\nMIME-Version: 1.0\r\n",
         "Content-Type: text/plain; hp=\"cipher\"\r\nHP-Outer: Subject: ...\r\n" REAL "\r\nline\r\n", false, true,
         false, "Content-Type: text/plain; hp=\"cipher\"\r\nHP-Outer: Subject: ...\r\n" REAL, true, REAL},
        /* Fields that claim nothing are neither promoted nor lost. */
        {TOP "Subject: ...\r\nMIME-Version: 1.0\r\n", "Content-Type: text/plain\r\n" REAL "\r\nline\r\n", false, true,
         false, "Content-Type: text/plain\r\n" REAL, true, "Subject: ...\r\n"},
        {TOP "Subject: ...\r\nSubject-Line: the real subject\r\nAnother: the real subject\r\nMIME-Version: 1.0\r\n",
         "Content-Type: text/plain\r\n" REAL "\r\nline\r\n", false, true, false, "Content-Type: text/plain\r\n" REAL,
         true, "Subject: ...\r\n"},
        {TOP "Subject: ...\r\nMIME-Version: 1.0\r\n", REAL "Content-Type: text/plain\r\n\r\nline\r\n", false, true,
         false, REAL "Content-Type: text/plain\r\n", true, "Subject: ...\r\n"},
        {OUTER, "Content-Type: text/plain\r\nMIME-Version: 1.0\r\n" TOP REAL "\r\nline\r\n", false, true, true, NULL,
         false, REAL},
        /* What it left outside stays there. */
        {OUTER, "Content-Type: text/plain; hp=\"cipher\"\r\nHP-Outer: " REAL REAL "\r\nline\r\n", true, true, false,
         "Content-Type: text/plain; hp=\"cipher\"\r\nHP-Outer: " REAL REAL, true, REAL},
        {"From: alice@acme.test\r\nMIME-Version: 1.0\r\n",
         "Content-Type: text/plain; hp=\"clear\"\r\nFrom: alice@acme.test\r\n\r\nline\r\n", true, false, false,
         "Content-Type: text/plain; hp=\"clear\"\r\nFrom: alice@acme.test\r\n", true, ""},
        {TOP REAL, "Content-Type: text/plain\r\nMIME-Version: 1.0\r\n\r\nline\r\n", false, true, true, NULL, false,
         REAL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_new(POLICY("baseline"), REQUIRE);
        g_autofree char *text = by_originator(rig, rows[i].outer, rows[i].entity, rows[i].sign, rows[i].encrypt);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        g_autofree char *outer = header_of(&out, NULL), *header = header_of(&in, NULL), *inner = inner_header(&in);
        g_autofree char *subject = fields_named(header, "Subject"), *shape = rig_shape(&in);
        cr_expect_eq(rig_verdict(&out), VERDICT_ACCEPT, "row %zu: %s", i, rig_reason(&out));
        cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT, "row %zu: %s", i, rig_reason(&in));
        cr_expect_eq(strstr(outer, "Subject: [...]\r\n") != NULL, rows[i].hidden, "row %zu: %s", i, outer);
        cr_expect(!rows[i].hidden || strstr(outer, "real") == NULL, "row %zu: %s", i, outer);
        if (rows[i].inside != NULL)
            cr_expect_str_eq(inner, rows[i].inside, "row %zu", i);
        cr_expect_eq(out.result->made.note != NULL, rows[i].note, "row %zu: %s", i, out.result->made.note);
        cr_expect_str_eq(subject, rows[i].delivered, "row %zu: %s", i, header);
        cr_expect_str_eq(shape, rows[i].sign ? "EDS" : "ED0", "row %zu", i);
    }
}

/* What its originator has encrypted for somebody there stays shut, and its Subject is hidden all the same. */
Test(header_protection, around_what_stays_encrypted)
{
    owned(rig) struct rig *rig = rig_new(POLICY("baseline"), REQUIRE);
    g_autofree char *text =
        attack_opaque(OUTER, attack_envelop(EVP_aes_256_gcm(), rig->partner.alice, ATTACK_ENTITY, false));
    AUTO_SENT struct sent out = rig_outbound(rig, text);
    AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
    const char *body;
    g_autofree char *outer = header_of(&out, NULL), *header = header_of(&in, &body), *shape = rig_shape(&in);
    cr_expect_str_eq(shape, "ED0X", "%s", rig_reason(&in));
    cr_expect_not_null(strstr(outer, "Subject: [...]\r\n"), "%s", outer);
    cr_expect_not_null(strstr(header, "\r\n" REAL), "%s", header);
    cr_expect_not_null(strstr(header, "\r\nContent-Type: application/pkcs7-mime; "), "%s", header);
    cr_expect_null(strstr(header, "hp="), "%s", header);
    cr_expect_str_eq(body, strstr(text, "\r\n\r\n") + 4);
}

/* The originator's signature does not cover what ours has around it: where only the originator's counts, nothing comes
 * back from there. */
Test(header_protection, under_the_signature_that_counts)
{
    owned(rig) struct rig *rig = rig_new(
        POLICY("baseline"), "inbound = { require = \"sign\"; signed_by = \"originator\"; otherwise = \"tag\"; };");
    g_autofree char *text = by_originator(rig, OUTER, "Content-Type: text/plain\r\n\r\nline\r\n", true, false);
    AUTO_SENT struct sent out = rig_outbound(rig, text);
    AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
    const char *body;
    g_autofree char *header = header_of(&in, &body);
    cr_expect_not_null(strstr(header, "Subject: [...]\r\n"), "%s", header);
    cr_expect_not_null(strstr(body, "\r\n\r\n" REAL), "%s", body);
}
