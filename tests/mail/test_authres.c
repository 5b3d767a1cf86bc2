/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/authres.h"
#include "support/mime_help.h"

TestSuite(authres, .init = mime_init);

Test(authres, is_from)
{
    static const struct {
        const char *value;
        bool expected;
    } table[] = {
        {" gw.acme.test; none", true},
        {"gw.acme.test; smime=pass", true},
        {" gw.acme.test;smime=pass", true},
        {" GW.Acme.TEST; none", true},
        {" gw.acme.test 1; none", true},
        {" gw.acme.test/1; none", true}, /* malformed */
        {" gw.acme.test", true},
        {" gw.acme.test.; none", true},
        {" \"gw.acme.test\"; none", true},
        {" \"gw\\.acme.test\"; none", true},
        {" \"gw.acme.test\" 1; none", true},
        {" (a comment) gw.acme.test (another (nested \\) one)) 1 (x); none", true},
        {"\r\n\tgw.acme.test\r\n ;\r\n\tnone", true},
        {"\r\n (x\r\n y) gw.acme.test;none", true},
        {"\n gw.acme.test; none", true},
        {" gw (x) .acme.test; none", true}, /* two words: in doubt */
        {" gw.acme. test; none", true},     /* in doubt */
        {" (gw.acme.test; none", true},     /* unterminated */
        {" \"gw.acme.test; none", true},    /* unterminated */
        {" g\"w.acme.test\"; none", true},  /* quoted in the middle */
        {" =?us-ascii?q?gw=2Eacme=2Etest?=; none", true},
        {" =?us-ascii?b?eA==Z3cuYWNtZS50ZXN0?=; none", true}, /* read by some behind the padding */
        {" =?us-ascii?b?Z3cuYWNtZS50ZXN0; none", true},
        {" ; gw.acme.test; none", true},
        {" other.test gw.acme.test; none", true},
        {" <gw.acme.test>; none", true},
        {"\x01gw.acme.test; none", true},
        {" gw.acme.test\x01; none", true},
        {"\r\ngw.acme.test; none", true},
        {" \"gw.acme.test \"; none", true},
        {" \"gw.acme.test;\"; none", true},
        {" \xef\xbd\x87\xef\xbd\x97.acme.test; none", true}, /* full width */
        {" gw\xe3\x80\x82"
         "acme\xe3\x80\x82test; none",
         true}, /* ideographic full stop */

        {"", false},
        {" ", false},
        {" none", false},
        {" other.test; none", false},
        {" acme.test; smime=pass", false},
        {" sub.gw.acme.test; none", false},
        {" gw.acme.test.example; none", false},
        {" notgw.acme.test; none", false},
        {" other.test; smime=pass header.from=gw.acme.test", false},
        {" other.test (gw.acme.test); none", false},
        {" (gw.acme.test) other.test 1; none", false},
        {" (gw.acme.test \\( ) other.test; none", false},
        {" (gw.acme.test \\) (x)) other.test; none", false},
        {" \"other.test\"; reason=\"gw.acme.test; none\"", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
        cr_expect_eq(authres_is_from(help_slice(table[i].value), "gw.acme.test"), table[i].expected, "%s",
                     table[i].value);
}

Test(authres, is_from_with_nul)
{
    cr_expect(authres_is_from((struct slice){" gw.\0acme.test; none", 20}, "gw.acme.test"));
    cr_expect(authres_is_from((struct slice){"\0 gw.acme.test; none", 20}, "gw.acme.test"));
    cr_expect(authres_is_from((struct slice){" x\0 =?us-ascii?q?gw=2Eacme=2Etest?=; none", 41}, "gw.acme.test"));
    cr_expect_not(authres_is_from(SLICE_NONE, "gw.acme.test"));
}

Test(authres, is_from_international)
{
    cr_expect(authres_is_from(help_slice(" xn--bcher-kva.test; none"), "b\xc3\xbc"
                                                                       "cher.test"));
    cr_expect(authres_is_from(help_slice(" b\xc3\xbc"
                                         "cher.test; none"),
                              "xn--bcher-kva.test"));
    cr_expect(authres_is_from(help_slice(" \"B\xc3\x9c"
                                         "CHER.test\"; none"),
                              "xn--bcher-kva.test"));
    cr_expect(authres_is_from(help_slice(" b\xc3\xbc"
                                         "cher.test x; none"),
                              "xn--bcher-kva.test"));
    cr_expect_not(authres_is_from(help_slice(" bucher.test; none"), "xn--bcher-kva.test"));
    /* An identifier need not be a domain. */
    cr_expect(authres_is_from(help_slice(" MX_1; none"), "mx_1"));
    cr_expect_not(authres_is_from(help_slice(" mx_2; none"), "mx_1"));
}

Test(authres, format)
{
    static const struct {
        struct authres_result result;
        const char *expected;
    } table[] = {
        {{.result = "pass"}, " gw.acme.test;\r\n\tsmime=pass"},
        {{.result = "pass", .comment = "domain signature"}, " gw.acme.test;\r\n\tsmime=pass (domain signature)"},
        {{.result = "fail", .reason = "it is broken"}, " gw.acme.test;\r\n\tsmime=fail reason=\"it is broken\""},
        {{.result = "pass", .properties = {{"body.smime-part", "1.2"}, {"body.smime-identifier", "a@acme.test"}}},
         " gw.acme.test;\r\n\tsmime=pass body.smime-part=1.2 body.smime-identifier=\"a@acme.test\""},
        {{.result = "pass", .comment = "x) (y \\ \r\nBcc: z"},
         " gw.acme.test;\r\n\tsmime=pass (x\\) \\(y \\\\ ??Bcc: z)"},
        {{.result = "policy", .reason = "\"; smime=pass (\\"},
         " gw.acme.test;\r\n\tsmime=policy reason=\"\\\"; smime?pass (\\\\\""},
        {{.result = "fail", .properties = {{"body.smime-issuer", "CN=x\r\nX: y"}}},
         " gw.acme.test;\r\n\tsmime=fail body.smime-issuer=\"CN=x??X: y\""},
        {{.result = "fail", .properties = {{"body.smime-issuer", "\x01\x7f\t\x1b"}}},
         " gw.acme.test;\r\n\tsmime=fail body.smime-issuer=\"\?\?\?\?\""},
        {{.result = "fail", .properties = {{"body.smime-issuer", ""}}},
         " gw.acme.test;\r\n\tsmime=fail body.smime-issuer=\"\""},
        {{.result = "fail",
          .reason = "b\xc3\xbc"
                    "cher \xff \xe2\x80\xae \xc2\x85 \xc3"},
         " gw.acme.test;\r\n\tsmime=fail reason=\"b\xc3\xbc"
         "cher ? ? ? ?\""},
        {{.result = "pass; dkim=pass"}, " gw.acme.test;\r\n\tsmime=permerror"},
        {{.result = ""}, " gw.acme.test;\r\n\tsmime=permerror"},
        {{.result = NULL}, " gw.acme.test;\r\n\tsmime=permerror"},
        {{.result = "none", .properties = {{"a b", "x"}, {"nodot", "x"}, {"a.b", NULL}, {"c.d", "x"}}},
         " gw.acme.test;\r\n\tsmime=none c.d=x"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autofree char *text = authres_format("gw.acme.test", &table[i].result, 1);
        cr_expect_str_eq(text, table[i].expected, "%s", text);
        cr_expect(authres_is_from(slice_of(text), "gw.acme.test"), "%s", text);
    }
}

Test(authres, format_several)
{
    g_autofree char *none = authres_format("gw.acme.test", NULL, 0);
    cr_expect_str_eq(none, " gw.acme.test; none");
    const struct authres_result results[] = {{.result = "pass"}, {.result = "none"}};
    g_autofree char *two = authres_format("gw.acme.test", results, 2);
    cr_expect_str_eq(two, " gw.acme.test;\r\n\tsmime=pass;\r\n\tsmime=none");
    g_autofree char *quoted = authres_format("a b", results, 1);
    cr_expect_str_eq(quoted, " \"a b\";\r\n\tsmime=pass");
}

/* However long and odd the values: no line beyond the limit, no line break that is no fold, no control character, and
 * each value ends where it should, so that the number of results stays. */
Test(authres, format_is_safe_for_anything)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(11);
    for (int round = 0; round < 2000; round++) {
        char texts[5][600];
        for (int i = 0; i < 5; i++) {
            int length = g_rand_int_range(random, 0, 599);
            for (int j = 0; j < length; j++) {
                static const char likely[] = "\r\n\"\\()=; \t";
                texts[i][j] = g_rand_boolean(random) ? likely[g_rand_int_range(random, 0, 10)]
                                                     : (char)g_rand_int_range(random, 1, 256);
            }
            texts[i][length] = '\0';
        }
        const struct authres_result result = {
            .result = "fail",
            .comment = texts[0],
            .reason = texts[1],
            .properties = {{"a.b", texts[2]}, {"c.d", texts[3]}, {"e.f", texts[4]}},
        };
        g_autofree char *text = authres_format("gw.acme.test", &result, 1);
        cr_assert(g_utf8_validate(text, -1, NULL));
        size_t column = 0;
        for (const char *p = text; *p != '\0'; p++) {
            if (*p == '\r') {
                cr_assert(p[1] == '\n' && p[2] == '\t', "%s", text);
                p += 2;
                column = 0;
                continue;
            }
            cr_assert((unsigned char)*p >= 0x20 && *p != 0x7f, "%s", text);
            cr_assert_lt(++column, 990);
        }
        /* Outside quotes and comments there is one semicolon. */
        unsigned semicolons = 0, depth = 0;
        bool quoted = false;
        for (const char *p = text; *p != '\0'; p++) {
            if (*p == '\\' && (quoted || depth > 0))
                p++;
            else if (*p == '"' && depth == 0)
                quoted = !quoted;
            else if (!quoted && *p == '(')
                depth++;
            else if (!quoted && *p == ')')
                depth--;
            else if (!quoted && depth == 0 && *p == ';')
                semicolons++;
        }
        cr_assert(semicolons == 1 && depth == 0 && !quoted, "%s", text);
    }
}

/* Filters search the field for these words. */
Test(authres, values_hold_no_result)
{
    const struct authres_result result = {.result = "fail",
                                          .comment = "SMIME=pass",
                                          .reason = "CN=\"; smime=pass",
                                          .properties = {{"a.b", "x;dkim=pass spf=pass"}}};
    g_autofree char *text = authres_format("gw.acme.test", &result, 1);
    g_autofree char *lower = g_ascii_strdown(text, -1);
    cr_assert_null(strstr(lower, "=pass"), "%s", text);
    cr_assert_not_null(strstr(text, "CN="));
}
