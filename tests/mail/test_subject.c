/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mime.h"
#include "mail/subject.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

static const char *const marks[] = {"[verified]", NULL, "[not verified]"};

static const struct {
    const char *value, *mark, *expected; /* NULL: unchanged */
} rows[] = {
    {" Hello", NULL, NULL},
    {" Hello", "[verified]", " [verified] Hello"},
    {NULL, "[verified]", " [verified]"},
    {" [verified] Hello", NULL, " Hello"},
    {" [VERIFIED] Hello", "[not verified]", " [not verified] Hello"},
    {" Re: [verified] Hello", NULL, " Re: Hello"},
    {" [veri[verified]fied] Hello", NULL, " Hello"},
    {" =?utf-8?Q?=5Bverified=5D?= Hello", NULL, " Hello"},
    {" =?utf-8?B?W3ZlcmlmaWVkXQ==?= Hello", NULL, " Hello"},
    {" \xef\xbc\xbbverified\xef\xbc\xbd Hello", NULL, " Hello"}, /* full-width brackets */
    {" =?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "[verified]", " [verified] =?UTF-8?B?R3LDvMOfZQ==?="},
    {" a\r\n b", "[verified]", " [verified] a b"},
    /* Padding in each of neighbouring words, or left out; a character cut in two. */
    {" =?utf-8?B?eA==?= =?utf-8?B?W3ZlcmlmaWVkXQ==?=", NULL, " x"},
    {" =?utf-8?B?eA?=\r\n =?utf-8?B?W3ZlcmlmaWVkXQ?=", NULL, " x"},
    {" =?utf-8?B?W3Zlcmk=?= =?utf-8?B?ZmllZF0=?= Hello", NULL, " Hello"},
    {" =?utf-8?B?SGVsbG8=?= =?utf-8?B?V29ybGQ=?=", "[verified]", " [verified] HelloWorld"},
    {" =?utf-8?B?QUHD?= =?utf-8?B?vA==?=", "[verified]", " [verified] =?UTF-8?B?QUHDvA==?="},
    {" x?b?YQ?= [verified]", NULL, " x?b?YQ?="}, /* no encoded word */
    /* Accents on it, characters in it that nobody sees, another kind of blank. */
    {" [verified]\xcc\x81 Hello", NULL, " Hello"},
    {" [ver\xe2\x80\x8bif\xc2\xadied] Hello", NULL, " Hello"},
    {" [ver\xc2\x85ified] Hello", NULL, " Hello"}, /* U+0085 */
    {" [v\xcc\x81\x65ri\xef\xac\x81\x65\x64] Hello", NULL, " Hello"},
    {" [not\xc2\xa0verified] Hello", NULL, " Hello"},
    {" [ver\xe2\xa0\x80if ied]x [not  verified] [notverified]", NULL, " x"},
    /* An encoded word that comes into being when a mark has gone, or that was encoded itself. */
    {" =[verified]?utf-8?Q?=5Bverified=5D?=", NULL, " = ?utf-8?Q?=5Bverified=5D?="},
    {" =?utf-8?Q?=3D=3Futf-8=3FQ=3F=3D5Bverified=3D5D=3F=3D?=", "[verified]",
     " [verified] = ?utf-8?Q?=5Bverified=5D?="},
    /* A control character is shown as a blank, or written as one. */
    {" [not\x01verified] [not\tverified] x", NULL, " x"},
    {" =?utf-8?Q?x=0D=0ABcc:_evil?=", "[verified]", " [verified] x  Bcc: evil"},
    {" [veri\x01\x7f"
     "fied] x",
     NULL, " x"},
    {" =?utf-8?Q?[veri=0Dfied]?= x", NULL, " x"},
    {" [veri\tfied] x", NULL, " x"},
    /* GMime ends a text at a NUL. */
    {" =?utf-8?Q?[veri=00fied]?= x", NULL, " x"},
    {" =?us-ascii?Q?x=00?= =?iso-8859-1?B?W3ZlcmlmaWVkXQ==?=", NULL, " x"},
    {" =?utf-16?B?AAA=?= [verified] x", NULL, " x"},
    {" =?utf-16be?B?AFsAdgBlAHIAaQBmAGkAZQBkAF0?= x", NULL, " x"}, /* without its padding */
    {" =?utf-16be?B?AFsAdgBlAHI?=\r\n =?utf-16be?B?AGkAZgBpAGUAZABd?= x", NULL, " x"},
    {" =?utf-8?B?YQA?= [verified] x", NULL, " a x"},
    {" =?utf-16be?B?AEcA/ABu?= x", "[verified]", " [verified] =?UTF-8?B?R8O8bg==?= x"},
    /* Charsets that are none, but for some. */
    {" =?utf-16-be?B?AFsAdgBlAHIAaQBmAGkAZQBkAF0=?= x", NULL, " x"},
    {" =??Q?=5Bverified=5D?= x", NULL, " x"},
    /* Base64 that some read on where others stop, or read without what is none. */
    {" =?utf-8?B?eA==W3ZlcmlmaWVkXQ==?=", NULL, " x"},
    {" =?utf-8?B?eA==?= =?utf-8?B?eQ==W3ZlcmlmaWVkXQ==?= z", NULL, " xy z"},
    {" =?utf-8?B?W3ZlcmlmeA==aWVkXQ==?= x", NULL, " [verifx x"},
    {" =?utf-8?B?SGVs!bG8=?=", NULL, " Hello"},
    {" =?utf-8?B?SGVsbG8?=", NULL, " Hello"},
    {" =?utf-8?B?SGVsbG9=?=", NULL, " Hello"},
    {" =?utf-8?B?SGVs\r\n bG8=?=", NULL, " Hello"},
    {" =?utf-8?B?W3ZlcmlmZQ?= =?utf-8?B?aWVkXQ==?=", NULL, " [verifeied]"},
    {" =?utf-8?Q?a=?=", NULL, " a"},
    {" =?utf-8?Q?Hello World?=", NULL, " Hello World"},
    {" =?utf-8?B?eA==?W3ZlcmlmaWVkXQ==?= y", NULL, " x y"},
    {" =?utf-8?B?eA=!W3ZlcmlmaWVkXQ==?= y", NULL, " x y"},
    {" =?utf-8?B?eA= =?= =?utf-8?B?W3ZlcmlmaWVkXQ==?= y", NULL, " xy"},
    {" =?utf-8?B?eHh4?= =?utf-8?B?eA==W3ZlcmlmaWVkXQ==?= =?utf-8?B?eQ==?= z", NULL, " xxxxy z"},
    {" =?utf-8?B?W3ZlcmlmaWVkXQA==?= y", NULL, " y"},
    /* Words that do not end, stand in no white space, or come out of others. */
    {" =?utf-8?B?W3ZlcmlmaWVkXQ", NULL, " = ?utf-8?B?W3ZlcmlmaWVkXQ"},
    {" =?utf-8?B?SGVsbG8=?==?utf-8?B?SGVsbG8=?=", NULL, " HelloHello"},
    {" (=?utf-8?Q?Hello?=)", NULL, " (Hello)"},
    {" =?utf-8?Q?=3D=3Futf-8=3FQ=3F=3D5Bverified=3D5D=3F=3D?=", NULL, " = ?utf-8?Q?=5Bverified=5D?="},
    {" =?utf-8?\r\n B?W3ZlcmlmaWVkXQ==?=", NULL, " = ?utf-8? B?W3ZlcmlmaWVkXQ== ?="},
    {" =?a=?utf-8?B?W3ZlcmlmaWVkXQ==?=", NULL, " = ?a"},
    {" x=?= =?utf-8?B?W3ZlcmlmaWVkXQ==?=", NULL, " x= ?="},
    {" =?*en?Q?=5Bverified=5D?= x", NULL, " x"},
    /* Octets that say something else in another charset, or in none; what one word opens, the next is read in. */
    {" =?utf-16?B?AFsAdgBlAHIAaQBmAGkAZQBkAF0=?=", NULL, " =?UTF-8?B?5ayA55iA5pSA54iA5qSA5piA5qSA5pSA5pCA5bSA?="},
    {" =?utf-16be?Q?[verified]?=", NULL, " =?UTF-8?B?5a225pWy5qWm5qWl5pGd?="},
    {" =?iso-2022-kr?B?GyQpQw5bdmVyaWZpZWRd?=", NULL, " =?UTF-8?B?5rOV5aWE6L+C6Jme5bq1?="},
    {" =?iso-2022-jp?Q?=1B$B?= =?iso-2022-jp?Q?[verified]?=", NULL, " =?UTF-8?B?5qSB57qI6JyA6JyI57Gf?="},
    {" =?utf-8?Q?Gr=C3?= =?utf-8?Q?=BC=C3=9Fe?=", NULL, " =?UTF-8?B?R3LDvMOfZQ==?="},
    {" [veri\x1b(Bfied]", NULL, " [veri (Bfied]"},
    {" \xe2\x80\xae]deifirev[", NULL, " ]deifirev["}, /* shown backwards */
    /* Octets that some leave out, or do not know. */
    {" [veri\xff"
     "fied] x",
     NULL, " x"},
    {" =?utf-8?Q?[veri=FFfied]?= x", NULL, " [veri?fied] x"},
    {" =?gbk?Q?[v=AD=65rified]?=", NULL, " =?UTF-8?B?W3bnkq1yaWZpZWRd?="},
    /* One reading. */
    {" 1 + 1 =? 2", NULL, NULL},
    {" http://x.test/?a=?b", NULL, NULL},
    {" =?utf-8?Q?Gr=C3=BC=c3=9fe?= =?utf-8*de?B?SGVsbG8=?= x", NULL, NULL},
    {" =?iso-2022-jp?B?GyRCJUYbKEI=?=\r\n =?ISO-2022-JP?B?GyRCJUYbKEI=?=", NULL, NULL},
    {" =?gb2312?B?1tDOxA==?= =?big5?q?=A4=A4=A4=E5?= =?windows-1252?Q?it=92s?=", NULL, NULL},
    {" =?shift_jis?B?g1t2?= =?us-ascii?q?x?=", NULL, NULL},
    {" Gr\xc3\xbc\xc3\x9f\x65 \xe9", NULL, NULL},
};

Test(subject, marks)
{
    mime_init();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *value = subject_mark(slice_of(rows[i].value), marks, 3, rows[i].mark);
        if (rows[i].expected == NULL)
            cr_expect_null(value, "%zu: %s", i, value);
        else
            cr_expect(value != NULL && strcasecmp(value, rows[i].expected) == 0, "%zu: [%s]", i, value);
    }
}

/* Blanks around a mark are not what it is known by. */
Test(subject, marks_with_blanks)
{
    const char *const own[] = {" [seen by us] "};
    static const char *const values[] = {" [seen by us]", " [seen by us]x", " x [seen  by\xe2\x80\x83us]",
                                         " [seenbyus]"};
    mime_init();
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        g_autofree char *value = subject_mark(slice_of(values[i]), own, 1, NULL);
        cr_assert_not_null(value, "%s", values[i]);
        cr_expect_null(strchr(value, '['), "%s: %s", values[i], value);
    }
}

/* One that is no UTF-8 may still be shown as such. */
Test(subject, marks_beside_octets_of_another_charset)
{
    const char *const own[] = {"[gepr\xc3\xbc"
                               "ft]"};
    mime_init();
    g_autofree char *value = subject_mark(slice_of(" [gepr\xc3\xbc"
                                                   "ft] x\xff"),
                                          own, 1, NULL);
    cr_assert_not_null(value);
    cr_expect_null(strstr(value, "gepr"));
}

Test(subject, long_ones_are_folded_and_stay_in_the_field)
{
    g_autofree char *words = g_strnfill(3000, 'w');
    for (size_t i = 9; i < 3000; i += 10)
        words[i] = ' ';
    mime_init();
    g_autofree char *value = subject_mark(slice_of(words), marks, 3, "[verified]");
    for (const char *end = strstr(value, "\r\n"); end != NULL; end = strstr(end + 1, "\r\n"))
        cr_assert(end[2] == ' ' || end[2] == '\t');
    cr_assert_not_null(strstr(value, "\r\n"));
}

/* Marks that only come together when others are gone. */
Test(subject, marks_within_marks)
{
    GString *text = g_string_new(" ");
    mime_init();
    for (size_t i = 0; i < 400; i++)
        g_string_append(text, i % 2 ? "[veri" : "[not veri");
    for (size_t i = 400; i > 0; i--)
        g_string_append(text, "fied]");
    g_autofree char *value = subject_mark(slice_of(text->str), marks, 3, NULL);
    cr_assert_not_null(value);
    cr_expect_null(strstr(value, "veri"));
    g_string_free(text, TRUE);
}

static size_t walked;

/* In place of libc's, also for GLib and GMime: what makes work the square of the length asks for the length of what is
 * left, again and again. */
__attribute__((noinline)) size_t strlen(const char *text)
{
    size_t length = strnlen(text, PTRDIFF_MAX);
    walked += length;
    return length;
}

/* As long as a header may be, work grows with the length: each of these took seconds, or would for ever. */
Test(subject, work_grows_with_the_length, .timeout = 120)
{
    static const char *const units[] = {
        "x",
        "[",
        "[verified]",
        "[not [verified]",
        "[veri[verified]",
        "\xc3\xa9",
        "\xe9",
        "[\xcc\xa3\xcc\x81",
        "\xef\xb7\xba", /* one character that stands for eighteen */
        "=?utf-8?B?eA==",
        "=?utf-8?B?eA==?=",
        "?b?eA==?==?",
        "=?gbk?B?eA==?= =?big5?B?eA==?= ",
        "=?utf-16?B?AFs=?= ",
        "=?x?b?",
        "\x01",
        "\xe2\x80\xae", /* what follows is shown backwards */
        "\xe2\x80\xae\x7f",
        "=?=",
        "=?utf-8?Q?=01?= ",
    };
    mime_init();
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        GString *text = g_string_new(" ");
        while (text->len < 262144)
            g_string_append(text, units[i]);
        walked = 0;
        g_autofree char *value = subject_mark((struct slice){text->str, text->len}, marks, 3, "[verified]");
        cr_expect_not_null(value);
        cr_expect_geq(walked, text->len, "it is counted");
        cr_expect_lt(walked, 200 * text->len, "%s: %zu octets", units[i], walked);
        g_string_free(text, TRUE);
    }
}
