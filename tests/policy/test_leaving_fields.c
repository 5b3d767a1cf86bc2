/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/leaving_fields.h"

#include "mail/mime.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(leaving_fields, .init = mime_init);

static const struct row {
    enum protect_headers how;
    bool not_encrypted;
    const char *fields;
    const char *leaves; /* "Name=value;" of those that are protected: "~" before a hidden one, "-": it does not leave */
} rows[] = {
    {PROTECT_HEADERS_NONE, false, "Subject: s\r\nFrom: a@b.test\r\n", ""},
    {PROTECT_HEADERS_SIGN, false, "Subject: s\r\nFrom: A <a@b.test>\r\nKeywords: k\r\n", "Subject;From;Keywords;"},
    {PROTECT_HEADERS_BASELINE, true, "Subject: s\r\nFrom: a@b.test\r\nKeywords: k\r\n", "Subject;From;Keywords;"},
    {PROTECT_HEADERS_BASELINE, false,
     "SUBJECT: s\r\nFrom: A <a@b.test>\r\nkeywords: k\r\nKeywords: l\r\nComments: c\r\nThread-Topic: s\r\n"
     "Date: Sat, 1 Jan 2000 09:00:00 +0900\r\n",
     "~SUBJECT= [...];From;~keywords=-;~Keywords=-;~Comments=-;~Thread-Topic=-;Date;"},

    /* what was in it, and how often */
    {PROTECT_HEADERS_BASELINE, false, "From: a@b.test\r\n", "From;"},
    {PROTECT_HEADERS_BASELINE, false, "Subject:\r\n", "Subject;"},
    {PROTECT_HEADERS_BASELINE, false, "Subject: \r\n \r\n", "Subject;"},
    {PROTECT_HEADERS_BASELINE, false, "Subject: [...]\r\n", "Subject;"},
    {PROTECT_HEADERS_BASELINE, false, "Subject: [...] x\r\n", "~Subject= [...];"},
    {PROTECT_HEADERS_BASELINE, false, "Subject: a\r\nSubject: b\r\n", "~Subject= [...];~Subject=-;"},
    {PROTECT_HEADERS_BASELINE, false, "Subject:\r\nSubject: b\r\n", "Subject;~Subject=-;"},

    /* hcp_shy */
    {PROTECT_HEADERS_SHY, false,
     "From: \"A, B\" <a@b.test>\r\nTo: X <x@y.test>,\r\n z@y.test (Z)\r\nCc: Team: t@y.test;\r\n"
     "Date: Sat, 1 Jan 2000 09:00:00 +0900\r\nReply-To: R <r@b.test>\r\n",
     "~From= a@b.test;~To= x@y.test, z@y.test;~Cc= t@y.test;~Date= Sat, 01 Jan 2000 00:00:00 +0000;Reply-To;"},
    {PROTECT_HEADERS_SHY, false, "From: <a@b.test>\r\nTo: a@b.test,c@d.test\r\nCc: x@y.test,\r\n z@y.test\r\n",
     "~From= a@b.test;~To= a@b.test, c@d.test;Cc;"},
    {PROTECT_HEADERS_SHY, false,
     "From: a@b.test\r\nTo: undisclosed-recipients:;\r\nDate: Sat, 1 Jan 2000 09:00:00 GMT\r\n", "From;To;Date;"},
    {PROTECT_HEADERS_SHY, false, "From: A a@b.test\r\nTo: <>, x\r\nDate: yesterday\r\n", "From;To;Date;"},
    {PROTECT_HEADERS_SHY, false, "To: A <a@b.test>\r\nTo: C <c@d.test>\r\n", "To;To;"},
    {PROTECT_HEADERS_SHY, true, "From: A <a@b.test>\r\nSubject: s\r\n", "From;Subject;"},

    /* what a mail server writes, or takes out */
    {PROTECT_HEADERS_SHY, false,
     "Received: r\r\nReturn-Path: <p>\r\nBcc: b@b.test\r\nResent-Bcc: b@b.test\r\nDKIM-Signature: d\r\nX-Any: a\r\n"
     "Authentication-Results: x\r\nARC-Seal: a\r\nList-Id: <l>\r\nContent-Language: en\r\nMIME-Version: 1.0\r\n"
     "HP-Outer: Subject: x\r\nUser-Agent: u\r\nX-Originating-IP: 192.0.2.1\r\n",
     ""},
    {PROTECT_HEADERS_SIGN, false,
     "Message-ID: <m@b.test>\r\nIn-Reply-To: <i>\r\nReferences: <r>\r\nSender: s@b.test\r\n",
     "Message-ID;In-Reply-To;References;Sender;"},
};

static void parse(const char *text, struct fields *fields)
{
    const struct limits limits = {.header_size = 100000, .header_count = 1000};
    struct error error = {0};
    cr_assert(fields_parse(slice_of(text), &limits, fields, &error), "%s", error.text);
}

static char *summary(const struct leaving_fields *leaving)
{
    GString *all = g_string_new(NULL);
    for (size_t i = 0; i < leaving->count; i++) {
        const struct leaving_field *each = &leaving->list[i];
        g_string_append(all, each->hidden ? "~" : "");
        g_string_append_len(all, each->field->name.data, (gssize)each->field->name.len);
        if (each->hidden)
            g_string_append_printf(all, "=%s", each->outside != NULL ? each->outside : "-");
        g_string_append(all, ";");
    }
    return g_string_free(all, FALSE);
}

Test(leaving_fields, table)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct fields fields = {0};
        struct leaving_fields leaving;
        parse(rows[i].fields, &fields);
        policy_leaving_fields(&fields, rows[i].how, !rows[i].not_encrypted, &leaving);
        g_autofree char *got = summary(&leaving);
        cr_expect_str_eq(got, rows[i].leaves, "row %zu", i);
        leaving_fields_clear(&leaving);
        fields_clear(&fields);
    }
}

/* Many recipients are folded, and are the same. */
Test(leaving_fields, long_lists)
{
    g_autoptr(GString) text = g_string_new("To: ");
    for (unsigned i = 0; i < 40; i++)
        g_string_append_printf(text, "%s\"Person No. %u\" <person%u@a-rather-long-domain.test>", i > 0 ? ",\r\n " : "",
                               i, i);
    g_string_append(text, "\r\n");
    struct fields fields = {0};
    struct leaving_fields leaving;
    parse(text->str, &fields);
    policy_leaving_fields(&fields, PROTECT_HEADERS_SHY, true, &leaving);
    cr_assert_not_null(leaving.list[0].outside);
    g_auto(GStrv) lines = g_strsplit(leaving.list[0].outside, "\r\n ", -1);
    cr_expect_gt(g_strv_length(lines), 15);
    for (char **line = lines; *line != NULL; line++)
        cr_expect_leq(strlen(*line), 78, "%s", *line);
    cr_expect_not_null(strstr(leaving.list[0].outside, "person39@a-rather-long-domain.test"));
    leaving_fields_clear(&leaving);
    fields_clear(&fields);
}

Test(leaving_fields, only_what_stands_inside)
{
    static const struct {
        const char *inside, *leaves;
    } limits[] = {
        {"", "Subject;Keywords;"},
        {"Subject: s\r\n", "~Subject= [...];Keywords;"},
        {"subject:  s\r\nKeywords: other\r\n", "~Subject= [...];Keywords;"},
        {"Subject: s\r\nSubject: s\r\n", "Subject;Keywords;"},
        {"Subject: s t\r\nKeywords: k\r\n", "Subject;~Keywords=-;"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
        struct fields outside = {0}, inside = {0};
        struct leaving_fields leaving;
        parse("Subject: s\r\nKeywords: k\r\n", &outside);
        parse(limits[i].inside, &inside);
        policy_leaving_fields(&outside, PROTECT_HEADERS_BASELINE, true, &leaving);
        leaving_fields_limit(&leaving, &inside);
        g_autofree char *got = summary(&leaving);
        cr_expect_str_eq(got, limits[i].leaves, "row %zu", i);
        leaving_fields_clear(&leaving);
        fields_clear(&outside);
        fields_clear(&inside);
    }
}
