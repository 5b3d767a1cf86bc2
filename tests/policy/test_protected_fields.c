/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/protected_fields.h"

#include "mail/mime.h"

#include <criterion/criterion.h>
#include <string.h>

#define PLAIN "From: a@b\r\nTo: c@d\r\nDate: now\r\nSubject: [...]\r\n"
#define SENT "HP-Outer: Subject: [...]\r\n"
#define LONG_40 "0123456789012345678901234567890123456789"
#define LONG_1000                                                                                                      \
    LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40    \
        LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40 LONG_40

static const struct row {
    const char *name, *hp, *inside, *outside;
    bool may_not;         /* no signature, or the rules say no */
    const char *restored; /* "Subject=real": one after another */
    const char *differs;
} rows[] = {
    {"no fields", "cipher", "", PLAIN, false, "", ""},
    {"the real subject", "cipher", SENT "Subject: real\r\n", PLAIN, false, "Subject=real;", ""},
    {"of what was only signed", "clear", "Subject: real\r\n", PLAIN, false, "Subject=real;", ""},
    {"the parameter in another case", "CIPHER", SENT "Subject: real\r\n", PLAIN, false, "Subject=real;", ""},
    {"without the parameter", NULL, SENT "Subject: real\r\nFrom: x@y\r\n", PLAIN, false, "", ""},
    {"an unknown parameter", "v1", SENT "Subject: real\r\nFrom: x@y\r\n", PLAIN, false, "", ""},
    {"without a signature", "cipher", SENT "Subject: real\r\nFrom: x@y\r\n", PLAIN, true, "", "From "},
    {"it is the same", "clear", "Subject: [...]\r\n", PLAIN, false, "", ""},
    {"an encoded word", "clear", "Subject: =?utf-8?q?gr=C3=BC?=\r\n", PLAIN, false, "Subject==?utf-8?q?gr=C3=BC?=;",
     ""},
    {"all that may be", "clear", "KEYWORDS: k\r\nThread-Topic: t\r\nComments: c\r\nSubject: s\r\n", "From: a@b\r\n",
     false, "Subject=s;Keywords=k;Comments=c;Thread-Topic=t;", ""},
    {"what never may", "clear",
     "From: x@y\r\nSender: s\r\nReply-To: r\r\nTo: x\r\nCc: c\r\nBcc: b\r\nDate: d\r\nMessage-ID: <m>\r\n"
     "Received: r\r\nReturn-Path: <p>\r\nList-Id: <l>\r\nDKIM-Signature: d\r\nAuthentication-Results: x\r\n"
     "In-Reply-To: <i>\r\nReferences: <r>\r\nX-Spam: no\r\nContent-Language: en\r\nMIME-Version: 1.0\r\n",
     PLAIN, false, "", "From To Date "},

    /* HP-Outer */
    {"without it", "cipher", "Subject: real\r\n", PLAIN, false, "", ""},
    {"another value arrived", "cipher", SENT "Subject: real\r\n", "Subject: [list] [...]\r\n", false, "", ""},
    {"nothing arrived", "cipher", SENT "Subject: real\r\n", "From: a@b\r\n", false, "", ""},
    {"nothing was sent", "cipher", "Subject: real\r\n", "From: a@b\r\n", false, "Subject=real;", ""},
    {"of another field", "cipher", "HP-Outer: Comments: [...]\r\nSubject: real\r\n", PLAIN, false, "", ""},
    {"of a longer name", "cipher", "HP-Outer: Subject-X: [...]\r\nSubject: real\r\n", PLAIN, false, "", ""},
    {"without a name", "cipher", "HP-Outer: [...]\r\nSubject: real\r\n", PLAIN, false, "", ""},
    {"of another kind", "cipher", "X-Outer: Subject: [...]\r\nSubject: real\r\n", PLAIN, false, "", ""},
    {"empty", "cipher", "HP-Outer:\r\nSubject: real\r\n", PLAIN, false, "", ""},
    {"twice", "cipher", SENT SENT "Subject: real\r\n", PLAIN, false, "", ""},
    {"another case and folding", "cipher", "hp-outer:  SUBJECT :a\r\n b\r\nSubject: real\r\n", "subject: a b \r\n",
     false, "Subject=real;", ""},
    {"means nothing where nothing is hidden", "clear", "HP-Outer: Subject: x\r\nSubject: real\r\n", PLAIN, false,
     "Subject=real;", ""},

    /* which one? */
    {"two inside", "clear", "Subject: a\r\nSubject: b\r\n", PLAIN, false, "", ""},
    {"two outside", "clear", "Subject: a\r\n", "Subject: [...]\r\nsubject: [...]\r\n", false, "", ""},
    {"two outside that hide", "cipher", SENT "Subject: a\r\n", "Subject: [...]\r\nSubject: [...]\r\n", false, "", ""},
    {"only the one in doubt", "clear", "Subject: a\r\nSubject: b\r\nKeywords: k\r\n", PLAIN, false, "Keywords=k;", ""},

    /* what a mail server may change, or a reader */
    {"folded", "clear", "Subject: a\r\n\tb\r\n", PLAIN, false, "Subject=a\tb;", ""},
    {"8-bit octets", "clear", "Subject: gr\xc3\xbc\r\n", PLAIN, false, "Subject=gr\xc3\xbc;", ""},
    {"control characters", "clear", "Subject: a\x1b[31m\r\n", PLAIN, false, "", ""},
    {"… at the beginning", "clear", "Subject:\x1b[31m\r\n", PLAIN, false, "", ""},
    {"a CR by itself", "clear", "Subject: a\rBcc: x\r\n", PLAIN, false, "", ""},
    {"a line of blanks", "clear", "Subject: a\r\n \r\n b\r\n", PLAIN, false, "", ""},
    {"a blank before the colon", "clear", "Subject : a\r\n", PLAIN, false, "", ""},
    {"a long line", "clear", "Subject: " LONG_1000 "\r\n", PLAIN, false, "Subject=" LONG_1000 ";", ""},
    {"too long a value", "clear",
     "Subject: " LONG_1000 LONG_1000 LONG_1000 LONG_1000 LONG_1000 LONG_1000 LONG_1000 LONG_1000 LONG_1000 LONG_1000
         LONG_1000 LONG_1000 LONG_1000 LONG_1000 LONG_1000 LONG_1000 LONG_1000 "\r\n",
     PLAIN, false, "", ""},
    {"a long value", "clear", "Subject: a\r\n " LONG_40 LONG_40 "\r\n", PLAIN, false, "Subject=a " LONG_40 LONG_40 ";",
     ""},

    /* what is reported */
    {"another author", "clear", "From: x@y\r\n", PLAIN, false, "", "From "},
    {"another spelling only", "clear", "FROM:  a@b \r\n", PLAIN, false, "", ""},
    {"two authors inside", "clear", "From: a@b\r\nFrom: a@b\r\n", PLAIN, false, "", "From "},
    {"names that the sender left out", "cipher",
     "From: \"A\" <a@b.test>\r\nTo: C <c@d.test>\r\nDate: Sat, 1 Jan 2000 09:00:00 +0900\r\n"
     "HP-Outer: From: a@b.test\r\nHP-Outer: To: c@d.test\r\nHP-Outer: Date: Sat, 01 Jan 2000 00:00:00 +0000\r\n",
     "From: a@b.test\r\nTo: c@d.test\r\nDate: Sat, 01 Jan 2000 00:00:00 +0000\r\n", false, "", ""},
    {"names that somebody else left out", "cipher",
     "From: A <a@b.test>\r\nTo: C <c@d.test>\r\nHP-Outer: To: C <c@d.test>\r\n", "From: a@b.test\r\nTo: c@d.test\r\n",
     false, "", "From To "},
    {"names where nothing is hidden", "clear", "From: A <a@b.test>\r\nHP-Outer: From: a@b.test\r\n",
     "From: a@b.test\r\n", false, "", "From "},
    {"another address that the sender put outside", "cipher",
     "From: x@y.test\r\nTo: c@d.test, e@f.test\r\nDate: Sat, 1 Jan 2000 09:00:00 +0900\r\n"
     "HP-Outer: From: a@b.test\r\nHP-Outer: To: c@d.test\r\nHP-Outer: Date: Sat, 01 Jan 2000 09:00:00 +0000\r\n",
     "From: a@b.test\r\nTo: c@d.test\r\nDate: Sat, 01 Jan 2000 09:00:00 +0000\r\n", false, "", "From To Date "},
    {"none outside", "cipher", "Date: then\r\n", "From: a@b\r\n", false, "", "Date "},
};

static void parse(const char *text, struct fields *fields)
{
    const struct limits limits = {.header_size = 100000, .header_count = 1000};
    struct error error = {0};
    cr_assert(fields_parse(slice_of(text), &limits, fields, &error), "%s", error.text);
}

TestSuite(protected_fields, .init = mime_init);

Test(protected_fields, table)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct row *row = &rows[i];
        struct fields inside = {0}, outside = {0};
        const struct field *restored[RESTORABLE_COUNT];
        struct protected_difference differences[DIFFERENCE_COUNT];
        g_autoptr(GString) got = g_string_new(NULL), differs = g_string_new(NULL);
        parse(row->inside, &inside);
        parse(row->outside, &outside);
        const struct protected_view view = {header_protection_of(row->hp), &inside, &outside, !row->may_not};
        size_t count = policy_restorable(&view, restored);
        for (size_t j = 0; j < count; j++) {
            g_autofree char *value = field_unfolded(restored[j]->value);
            const char *name = restored[j]->name.data[0] == 'K' ? "Keywords" : NULL;
            if (name != NULL)
                g_string_append(got, name);
            else
                g_string_append_len(got, restored[j]->name.data, (gssize)restored[j]->name.len);
            g_string_append_printf(got, "=%s;", value);
        }
        count = policy_differences(&view, differences);
        for (size_t j = 0; j < count; j++)
            g_string_append_printf(differs, "%s ", differences[j].name);
        cr_expect_str_eq(got->str, row->restored, "%s", row->name);
        cr_expect_str_eq(differs->str, row->differs, "%s", row->name);
        fields_clear(&inside);
        fields_clear(&outside);
    }
}

/* A milter can send no longer one. */
Test(protected_fields, the_longest_value)
{
    for (size_t length = 16383; length <= 16385; length++) {
        g_autofree char *value = g_strnfill(length, 'x'), *text = g_strconcat("Subject:", value, "\r\n", NULL);
        const struct field *restored[RESTORABLE_COUNT];
        struct fields inside = {0}, outside = {0};
        parse(text, &inside);
        parse(PLAIN, &outside);
        const struct protected_view view = {HEADER_PROTECTION_CLEAR, &inside, &outside, true};
        cr_expect_eq(policy_restorable(&view, restored), length <= 16384 ? 1 : 0, "%zu", length);
        fields_clear(&inside);
        fields_clear(&outside);
    }
}

/* A header that ends without a line end. What lies behind it is not read. */
Test(protected_fields, at_the_end_of_a_header)
{
    static const char *const ends[] = {"Subject: real", "Subject: real\r\nHP-Outer: Subject: [...]"};
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        const struct limits limits = {.header_size = 1000, .header_count = 10};
        g_autofree char *memory = g_strconcat(ends[i], "\x1b", NULL);
        const struct field *restored[RESTORABLE_COUNT];
        struct fields inside = {0}, outside = {0};
        struct error error = {0};
        cr_assert(fields_parse((struct slice){memory, strlen(ends[i])}, &limits, &inside, &error), "%s", error.text);
        parse(PLAIN, &outside);
        const struct protected_view view = {i == 0 ? HEADER_PROTECTION_CLEAR : HEADER_PROTECTION_CIPHER, &inside,
                                            &outside, true};
        cr_assert_eq(policy_restorable(&view, restored), 1, "%zu", i);
        cr_expect_eq(restored[0], &inside.list[0], "%zu", i);
        fields_clear(&inside);
        fields_clear(&outside);
    }
}
