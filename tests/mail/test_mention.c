/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/address.h"

#include <criterion/criterion.h>
#include <gmime/gmime.h>

static const struct {
    const char *value;
    bool mentioned;
} rows[] = {
    {" x@evil.test, alice@acme.test", true},
    {" <alice@ACME.test", true},
    {" alice @ acme . test <", true},
    {" alice@acme(x).te(y)st(", true},
    {" \"alice@ac\"me.test", true},
    {" =?utf-8?q?alice=40acme=2Etest?= <", true},
    {" =?utf-8?b?YWxpY2VAYWNtZS50ZXN0?= <", true},
    {" =?utf-8?b?eA==?= =?utf-8?b?YWxpY2VAYWNtZS50ZXN0?= <", true},
    {" alice@sales.acme.test,,@", true},
    {" alice@\xef\xbd\x81\xef\xbd\x83\xef\xbd\x8d\xef\xbd\x85.test <", true}, /* full width */
    {" alice\xef\xbc\xa0\xef\xbd\x81"
     "cme.test <",
     true}, /* the "@" too */
    {" =?utf-8?q?x=00?= =?utf-8?b?YWxpY2VAYWNtZS50ZXN0?= <", true},
    {" =?iso-2022-jp?q?=1B$B?= =?iso-2022-jp?q?alice=40acme.test?= <", true}, /* each word by itself */
    {" =?utf-8?b?eA==YWxpY2VAYWNtZS50ZXN0?= <", true},                        /* not behind padding for all */
    {" =?utf-8?b?YWxpY2VAY!WNtZS50ZXN0?= <", true},
    {" =?utf-16?b?AGEAQABhAGMAbQBlAC4AdABlAHMAdA==?= <", true}, /* in which byte order? */
    {" =?utf-8?b?YWxpY2VAYWNtZS50ZXN0 <", true},
    {" =?utf-8?b?eA?= =?utf-8?q?Gr=C3?= =?utf-8?q?=BC_x?= \"=?us-ascii?q?a b?=\" <", false},
    {" alice@evil.test <", false},
    {" alice@acme.example", false},
    {"", false},
};

static bool mentioned(struct slice value, const char *domain)
{
    owned(mentions) struct mentions *mentions = mentions_new();
    mentions_add(mentions, value);
    return mentions_hold(mentions, domain);
}

Test(mention, rows)
{
    g_mime_init();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        cr_expect_eq(mentioned(slice_of(rows[i].value), "acme.test"), rows[i].mentioned, "%s", rows[i].value);
    cr_expect(mentioned((struct slice){"x\0@acme.test", 12}, "acme.test"), "behind a NUL");
}

Test(mention, several_fields)
{
    g_mime_init();
    owned(mentions) struct mentions *mentions = mentions_new();
    cr_expect_not(mentions_hold(mentions, "acme.test"));
    mentions_add(mentions, slice_of(" x@y.test"));
    mentions_add(mentions, slice_of(" \"a\"@sub.acme.test ,"));
    cr_expect(mentions_hold(mentions, "y.test") && mentions_hold(mentions, "acme.test"));
    cr_expect_not(mentions_hold(mentions, "other.acme.test"));
}

/* A header full of names, and many rules to be asked for: no work for minutes, and nobody gets away by hiding in it. */
Test(mention, header_full_of_names, .timeout = 20)
{
    g_mime_init();
    owned(mentions) struct mentions *mentions = mentions_new();
    GString *text = g_string_new(" ");
    for (unsigned i = 0; i < 60000; i++)
        g_string_append(text, "@\xc3\xa9");
    mentions_add(mentions, slice_of(text->str));
    for (unsigned i = 0; i < 1000; i++)
        cr_assert(mentions_hold(mentions, "acme.test"));
    g_string_free(text, TRUE);
}

/* To ask for so many charsets takes seconds: whoever makes us do so mentions everybody. */
Test(mention, many_words, .timeout = 20)
{
    g_mime_init();
    GString *text = g_string_new(NULL);
    for (unsigned i = 0; i < 900; i++)
        g_string_append(text, " =?big5?q?a?=");
    cr_expect_not(mentioned(slice_of(text->str), "acme.test"));
    for (unsigned i = 0; i < 200; i++)
        g_string_append(text, " =?big5?q?a?=");
    cr_expect(mentioned(slice_of(text->str), "acme.test"));
    g_string_free(text, TRUE);
}

/* The marks on one letter are sorted by whoever normalises a text: that takes long where they stand the wrong way
 * round. */
Test(mention, many_marks_on_a_letter, .timeout = 20)
{
    g_mime_init();
    GString *text = g_string_new(" a");
    for (unsigned i = 0; i < 65000; i++)
        g_string_append(text, "\xcc\x95");
    for (unsigned i = 0; i < 65000; i++)
        g_string_append(text, "\xcc\x96");
    g_string_append(text, " alice\xef\xbc\xa0\xef\xbd\x81"
                          "cme.test");
    cr_expect(mentioned(slice_of(text->str), "acme.test"));
    cr_expect_not(mentioned(slice_of(text->str), "other.test"));
    g_string_free(text, TRUE);
}
