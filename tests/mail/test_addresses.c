/* SPDX-License-Identifier: Apache-2.0 */
/* addresses: header fields that try to name two senders. */
#include "mail/address.h"
#include "mail/mime.h"

#include <criterion/criterion.h>
#include <string.h>

#define BYTES(text) text, sizeof(text) - 1

static void initialise(void)
{
    mime_init();
}
TestSuite(addresses, .init = initialise);

/* Header fields that have one reading. */
static const struct {
    const char *value;
    const char *addresses; /* separated by a space */
} readable[] = {
    {" a@b.test", "a@b.test"},
    {"a@b.test", "a@b.test"},
    {" <a@b.test>", "a@b.test"},
    {" < a@b.test >", "a@b.test"},
    {" Bob <a@b.test>", "a@b.test"},
    {" Bob<a@b.test>", "a@b.test"},
    {" Bob Q. Public <a@b.test>", "a@b.test"},
    {" Dr. Bob <a@b.test>", "a@b.test"},
    {" \"Public, Bob Q.\" <a@b.test>", "a@b.test"},
    {" \"Bob \\\"B\\\" Public\" <a@b.test>", "a@b.test"},
    {" \"a@good.test\" <b@evil.test>", "b@evil.test"},
    {" \"a@good.test via List\" <list@b.test>", "list@b.test"},
    {" \"<a@good.test>\" <b@evil.test>", "b@evil.test"},
    {" 'Bob' <a@b.test>", "a@b.test"},
    {" a@b.test (Bob Public)", "a@b.test"},
    {" (Bob) a@b.test", "a@b.test"},
    {" Bob (the (real) one) <a@b.test> (home)", "a@b.test"},
    {" a@b.test (50% \\) off)", "a@b.test"},
    {" Bob\r\n\tPublic\r\n <a@b.test>", "a@b.test"},
    {"\r\n a@b.test", "a@b.test"},
    {" Bob\n <a@b.test>", "a@b.test"},
    {" =?utf-8?q?J=C3=B6rg?= <j@b.test>", "j@b.test"},
    {" =?utf-8?q?J=C3=B6rg_=28j=40b.test=29?= <J@B.test>", "J@b.test"},
    {" =?utf-8?b?SsO2cmcg?= =?utf-8?b?KGpAYi50ZXN0KQ==?= <j@b.test>", "j@b.test"},
    {" =?utf-8?q?j=40b.test?= <j@b.test>", "j@b.test"},
    {" =?utf-8?B?SsO2cmc=?= =?utf-8?q?_M=C3=BCller?= <j@b.test>", "j@b.test"},
    {" =?utf-8?q?Doe=2C_John?= <j@b.test>", "j@b.test"},
    {" =?iso-8859-1?Q?J=F6rg_=28IT=29?= <j@b.test>", "j@b.test"},
    {" \"=?utf-8?q?J=C3=B6rg?=\" <j@b.test>", "j@b.test"},
    {" j@b.test (=?utf-8?q?J=C3=B6rg?=)", "j@b.test"},
    {" =?utf-8?B?SsO2cmc?= <j@b.test>", "j@b.test"}, /* without its padding, folded, cut, in no white space */
    {" =?utf-8?B?SsO2\r\n cmc=?= <j@b.test>", "j@b.test"},
    {" =?utf-8?q?J=C3?= =?utf-8?q?=B6rg?= <j@b.test>", "j@b.test"},
    {" =?utf-8?q?J=C3=B6rg?==?utf-8?q?_M?= <j@b.test>", "j@b.test"},
    {" =?iso-2022-jp?B?GyRCOzNFREJATzobKEI=?= <j@b.test>", "j@b.test"},
    {" J\xc3\xb6rg M\xc3\xbcller <j@b.test>", "j@b.test"},
    {" \xf0\x9f\x8e\x84 Sale <s@b.test>", "s@b.test"},
    {" j\xc3\xb6rg@b\xc3\xbc"
     "cher.test",
     "j\xc3\xb6rg@xn--bcher-kva.test"},
    {" A@B.Test", "A@b.test"},
    {" a@[192.0.2.1]", "a@[192.0.2.1]"},
    {" \"a b\"@b.test", "\"a b\"@b.test"},
    {" \"x y\" <\"a b\"@b.test>", "\"a b\"@b.test"},
    {" a@b.test, c@d.test", "a@b.test c@d.test"},
    {" a@good.test, <b@evil.test>", "a@good.test b@evil.test"},
    {" Bob <a@b.test>, \"C, D\" <c@d.test>,\r\n\te@f.test", "a@b.test c@d.test e@f.test"},
    {" a@b.test,", "a@b.test"},
    {" a@b.test,, c@d.test", "a@b.test c@d.test"},
    {" Friends: a@b.test, Bob <c@d.test>;", "a@b.test c@d.test"},
    {" Friends: a@b.test;, e@f.test", "a@b.test e@f.test"},
    {" \"My: Friends\": a@b.test;", "a@b.test"},
    {" a@b.test (mail me: <x>)", "a@b.test"},
};

static char *told(const struct addresses *addresses)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < addresses->count; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? " " : "", addresses->list[i].text);
    return g_string_free(text, FALSE);
}

Test(addresses, readable_fields)
{
    for (size_t i = 0; i < G_N_ELEMENTS(readable); i++) {
        struct addresses addresses;
        struct error error = {0};
        cr_expect(addresses_parse(slice_of(readable[i].value), &addresses, &error), "%s: %s", readable[i].value,
                  error.text);
        g_autofree char *text = told(&addresses);
        cr_expect_str_eq(text, readable[i].addresses, "%s: %s", readable[i].value, text);
        addresses_clear(&addresses);
        cr_expect(addresses.list == NULL && addresses.count == 0);
    }
}

/* Header fields that have none, or that two parsers read differently. */
static const struct {
    const char *value;
    size_t length;
} ambiguous[] = {
    /* no mailbox */
    {BYTES("")},
    {BYTES(" ")},
    {BYTES(" ,")},
    {BYTES(" <>")},
    {BYTES(" Bob")},
    {BYTES(" Bob <>")},
    {BYTES(" (a@b.test)")},
    {BYTES(" \"a@b.test\"")},
    {BYTES(" undisclosed-recipients:;")},
    {BYTES(" g: ;")},
    {BYTES(" g:;, a@b.test")},
    {BYTES(" root")},
    {BYTES(" root <root>")},
    {BYTES(" :")},
    {BYTES(" ;")},
    {BYTES(" @")},
    {BYTES(" a@")},
    {BYTES(" @b.test")},
    /* an address where a name stands */
    {BYTES(" a@good.test <b@evil.test>")},
    {BYTES(" Bob a@good.test <b@evil.test>")},
    {BYTES(" Bob a@good.test")},
    {BYTES(" a@good.test Bob <b@evil.test>")},
    {BYTES(" \"Bob\" a@good.test")},
    {BYTES(" Bob @ Home <b@evil.test>")},
    /* more than one */
    {BYTES(" <a@good.test> <b@evil.test>")},
    {BYTES(" <a@good.test>, <b@evil.test> <c@d.test>")},
    {BYTES(" Bob <a@good.test> <b@evil.test>")},
    {BYTES(" <a@good.test>b@evil.test")},
    {BYTES(" <<a@good.test>>")},
    {BYTES(" <a@good.test <b@evil.test>>")},
    {BYTES(" a@good.test b@evil.test")},
    {BYTES(" a@good.test; b@evil.test")},
    {BYTES(" a@b.test>")},
    {BYTES(" <a@b.test")},
    {BYTES(" a@good.test@evil.test")},
    {BYTES(" <a@b.test,c@d.test>")},
    {BYTES(" <a@b.test> Bob")},
    {BYTES(" a@b.test;")},
    {BYTES(" Doe, John <j@b.test>")},
    /* routes, obsolete spacing, comments inside */
    {BYTES(" <@good.test:b@evil.test>")},
    {BYTES(" <@good.test,@x.test:b@evil.test>")},
    {BYTES(" a @b.test")},
    {BYTES(" a@ b.test")},
    {BYTES(" a . b@c.test")},
    {BYTES(" a(x)@b.test")},
    {BYTES(" a@(x)b.test")},
    {BYTES(" <a@b.test(x)>")},
    {BYTES(" <(x)a@b.test>")},
    {BYTES(" \"a\".b@c.test")},
    {BYTES(" a@[192.0.2.1] x")},
    {BYTES(" a@[192.0.2.1")},
    {BYTES(" a@[19\\2.0.2.1]")},
    /* what does not end, or nests */
    {BYTES(" \"Bob <a@b.test>")},
    {BYTES(" (Bob <a@b.test>")},
    {BYTES(" a@b.test (Bob")},
    {BYTES(" a@b.test )")},
    {BYTES(" a@b.test \"")},
    {BYTES(" \"Bob\\\" <a@b.test>")},
    {BYTES(" (Bob\\) <a@b.test>")},
    {BYTES(" Bob\\")},
    {BYTES(" a@b.test (x\\")},
    {BYTES(" \"x\\")},
    {BYTES(" (a (b) <a@good.test>) b@evil.test")},
    {BYTES(" \"a\\\" <a@good.test>, \\\"\" <b@evil.test>")},
    {BYTES(" (a \\) <a@good.test>) b@evil.test")},
    {BYTES(" \"a@good.test\"@evil.test")},
    {BYTES(" <\"a@good.test>\"@evil.test>")},
    /* groups */
    {BYTES(" g: a@b.test")},
    {BYTES(" g: a@b.test, c@d.test")},
    {BYTES(" g: h: a@b.test;;")},
    {BYTES(" : a@b.test;")},
    {BYTES(" a@good.test: b@evil.test;")},
    {BYTES(" g: a@b.test;;")},
    {BYTES(" g: a@b.test; c@d.test")},
    {BYTES(" g: <a@b.test>; <c@d.test>")},
    /* encoded words */
    {BYTES(" =?utf-8?q?a=40good.test?=")},
    {BYTES(" b@evil.test (=?utf-8?q?a=40good.test?=)")},
    {BYTES(" =?utf-8?q?a?=@good.test")},
    {BYTES(" <=?utf-8?q?a?=@good.test>")},
    {BYTES(" a@=?utf-8?q?good?=.test")},
    {BYTES(" =?utf-8?q?a=40good.test=0A?= <b@evil.test>")},
    {BYTES(" =?utf-8?q?=28j=40b.test=29?=: j@b.test;")},
    {BYTES(" j@b.test (=?utf-8?q?j=40b.test?=)")},
    {BYTES(" =?utf-8?q?a=0Ab?= <b@evil.test>")},
    {BYTES(" =?utf-8?b?eA==YUBnb29kLnRlc3Q=?= <b@evil.test>")},
    {BYTES(" =?utf-8?b?YUBnb2!9kLnRlc3Q=?= <b@evil.test>")},
    {BYTES(" =?utf-8?b?YUBnb29kLnRlc3Q= <b@evil.test>")},
    {BYTES(" \"=?utf-8?b?eA==YUBnb29kLnRlc3Q=?=\" <b@evil.test>")},
    {BYTES(" b@evil.test (=?utf-8?b?eA==YUBnb29kLnRlc3Q=?=)")},
    {BYTES(" =?utf-16?b?AGEAQABnAG8AbwBkAC4AdABlAHMAdA==?= <b@evil.test>")},
    /* bytes */
    {BYTES(" a@b.test\0")},
    {BYTES(" \0a@b.test")},
    {BYTES(" a@b.test\0, c@d.test")},
    {BYTES(" B\x01ob <a@b.test>")},
    {BYTES(" Bob\x7f <a@b.test>")},
    {BYTES(" Bob\r\nX: <a@b.test>")},
    {BYTES(" Bob\r <a@b.test>")},
    {BYTES(" a@b.test\r\n")},
    {BYTES(" a@b.test\n")},
    {BYTES(" a@b.test\r")},
    {BYTES(" J\xf6rg <j@b.test>")},
    {BYTES(" [Bob] <a@b.test>")},
    {BYTES(" Bob; <a@b.test>")},
    {BYTES(" a@b,test")},
    {BYTES(" a@-b.test")},
    {BYTES(" a@b.test., c@d..test")},
};

Test(addresses, ambiguous_fields)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ambiguous); i++) {
        struct addresses addresses;
        struct error error = {0};
        g_autofree char *copy = ambiguous[i].length > 0 ? g_memdup2(ambiguous[i].value, ambiguous[i].length) : NULL;
        bool taken = addresses_parse((struct slice){copy, ambiguous[i].length}, &addresses, &error);
        g_autofree char *text = told(&addresses);
        cr_expect(!taken, "row %zu, %s: %s", i, ambiguous[i].value, text);
        cr_expect(taken || (error.kind == ERROR_PERMANENT && error.text[0] != '\0'), "row %zu", i);
        cr_expect(taken || (addresses.list == NULL && addresses.count == 0), "row %zu", i);
        addresses_clear(&addresses);
    }
}

/* The mailbox is clear, but a name or comment shows another address, or hides one in encoded words. */
static const struct {
    const char *value, *addresses;
    bool shows, hides;
} named[] = {
    {" =?utf-8?q?a=40good.test?= <b@evil.test>", "b@evil.test", true, true},
    {" =?utf-8?b?YUBnb29kLnRlc3Q=?= <b@evil.test>", "b@evil.test", true, true},
    {" =?utf-8?b?eA==?= =?utf-8?b?YUBnb29kLnRlc3Q=?= <b@evil.test>", "b@evil.test", true, true},
    {" =?utf-8?q?=3Ca=40good.test=3E=2C?= <b@evil.test>", "b@evil.test", true, true},
    {" \"=?utf-8?q?a=40good.test?=\" <b@evil.test>", "b@evil.test", true, true},
    {" =?utf-8?q?J_=28j=40b.test=29_=28x=29?= <j@b.test>", "j@b.test", true, true},
    {" =?utf-8?q?J_=28j=40b.test=29_a=40good.test?= <j@b.test>", "j@b.test", true, true},
    {" =?utf-8?q?j=40b.test_.evil.test?= <j@b.test>", "j@b.test", true, true},
    {" =?utf-8?q?J_=28xj=40b.test=29?= <j@b.test>", "j@b.test", true, true},
    {" =?utf-8?q?=22=28j=40b.test=29?= <j@b.test>", "j@b.test", true, true},
    {" =?utf-8?q?=3C=28j=40b.test=29?= <j@b.test>", "j@b.test", true, true},
    {" =?utf-7?q?a+AEA-good.test?= <b@evil.test>", "b@evil.test", true, true},
    {" =?iso-2022-jp?q?=1B$B?= =?iso-2022-jp?q?a=40good.test?= <b@evil.test>", "b@evil.test", true, true},
    /* quoted, and in comments */
    {" \"ceo@partner.test\" <alice@partner.test>", "alice@partner.test", true, false},
    {" \"bob@other.test via list\" <alice@partner.test>", "alice@partner.test", true, false},
    {" \"<CEO@Partner.test>\" <alice@partner.test>", "alice@partner.test", true, false},
    {" \"ceo @ partner.test\" <alice@partner.test>", "alice@partner.test", true, false},
    {" \"ceo\" \"@partner.test\" <alice@partner.test>", "alice@partner.test", true, false},
    {" \"alice@partner.test.evil.test\" <alice@partner.test>", "alice@partner.test", true, false},
    {" \"malice@partner.test\" <alice@partner.test>", "alice@partner.test", true, false},
    {" \"alice@partner.test ceo@partner.test\" <alice@partner.test>", "alice@partner.test", true, false},
    {" \"ceo@sub.partner.test\": alice@partner.test;", "alice@partner.test", true, false},
    {" alice@partner.test (ceo@partner.test)", "alice@partner.test", true, false},
    {" (mailto:ceo@partner.test) alice@partner.test", "alice@partner.test", true, false},
    {" Alice (ceo@partner.test) <alice@partner.test>", "alice@partner.test", true, false},
    {" a@b.test, \"c@d.test\" <e@f.test>", "a@b.test e@f.test", true, false},
    /* letters that look like "@" and a dot */
    {" \"ceo\uff20partner.test\" <alice@partner.test>", "alice@partner.test", true, false},
    {" ceo\uff20partner.test <alice@partner.test>", "alice@partner.test", true, false},
    {" \"ceo\ufe6bpartner\uff0etest\" <alice@partner.test>", "alice@partner.test", true, false},
    {" \"ceo@partner\u3002test\" <alice@partner.test>", "alice@partner.test", true, false},
    {" \"ceo\u24d0partner.test\" <alice@partner.test>", "alice@partner.test", true, false},
    {" \"ceo@\u200bpartner.test\" <alice@partner.test>", "alice@partner.test", true, false},
    {" \"\uff43\uff45\uff4f\uff20\uff50.\uff54\" <alice@partner.test>", "alice@partner.test", true, false},
    {" \"\u202etset.rentrap@oec\" <alice@partner.test>", "alice@partner.test", true, false},
    {" =?utf-8?q?ceo=EF=BC=A0partner.test?= <alice@partner.test>", "alice@partner.test", true, false},
    {" alice@partner.test (=?utf-8?q?ceo=EF=BC=A0partner.test?=)", "alice@partner.test", true, false},
    /* what is decoded twice */
    {" =?utf-8?q?=3D=3Futf-8=3Fq=3Fceo=3D40partner.test=3F=3D?= <alice@partner.test>", "alice@partner.test", true,
     false},
    /* its own, and no address */
    {" \"alice@partner.test\" <alice@partner.test>", "alice@partner.test", false, false},
    {" \"ALICE@Partner.Test\" <alice@partner.test>", "alice@partner.test", false, false},
    {" \"'alice@partner.test'\" <alice@partner.test>", "alice@partner.test", false, false},
    {" \"Alice (alice@partner.test)\" <alice@partner.test>", "alice@partner.test", false, false},
    {" \"Alice <alice@partner.test>.\" <alice@partner.test>", "alice@partner.test", false, false},
    {" \"alice\uff20partner.test\" <alice@partner.test>", "alice@partner.test", false, false},
    {" \"j@b\u00fccher.test\" <j@xn--bcher-kva.test>", "j@xn--bcher-kva.test", false, false},
    {" \"=?utf-8?q?alice=40partner.test?=\" <alice@partner.test>", "alice@partner.test", false, false},
    {" alice@partner.test (alice@partner.test)", "alice@partner.test", false, false},
    {" \"c@d.test\" <a@b.test>, \"a@b.test\" <c@d.test>", "a@b.test c@d.test", false, false},
    {" \"Really=?\" <a@b.test>", "a@b.test", false, false},
    {" \"Team @ Acme\" <a@b.test>", "a@b.test", false, false},
    {" \"Sales@Acme\" <a@b.test>", "a@b.test", false, false},
    {" \"Dr. Bob Q. Public\" <a@b.test>", "a@b.test", false, false},
    {" =?utf-8?q?J=C3=B6rg?= <j@b.test>", "j@b.test", false, false},
};

Test(addresses, names_that_show_another_address)
{
    for (size_t i = 0; i < G_N_ELEMENTS(named); i++) {
        struct addresses addresses;
        struct error error = {0};
        bool taken = addresses_parse(slice_of(named[i].value), &addresses, &error);
        g_autofree char *text = told(&addresses);
        cr_expect(taken, "%s: %s", named[i].value, error.text);
        cr_expect_str_eq(text, named[i].addresses, "%s: %s", named[i].value, text);
        cr_expect_eq(addresses.shows_another, named[i].shows, "shows: %s", named[i].value);
        cr_expect_eq(addresses.hides_another, named[i].hides, "hides: %s", named[i].value);
        addresses_clear(&addresses);
    }
}

/* Depth and length cost time in proportion, and no stack. */
Test(addresses, huge_fields, .timeout = 10)
{
    static const struct {
        const char *start, *repeat, *end;
        size_t count;
        bool good;
    } rows[] = {
        {" ", "(", " a@b.test", 500000, false},
        {" ", "(", ")", 500000, false},
        {" \"", "\\\\", "\" <a@b.test>", 100000, true},
        {" ", "g:", " a@b.test", 200000, false},
        {" ", "<", "a@b.test", 500000, false},
        {" ", "a@b.test,", "", 5000, true},
        {" ", "x ", "<a@b.test>", 100000, true},
        {" ", "=?", "<a@b.test>", 20000, false},
        {" \"", "a@b.c ", "\" <a@b.c>", 40000, true},
        {" \"", "@", "\" <a@b.c>", 250000, true},
        {" \"", "x ", "@ .\" <a@b.c>", 100000, true},
        {" ", "=?", "<a@b.test>", 1000, true},
        {" ", "=?x", " =?utf-8?q?a=0Ab?= <a@b.test>", 1001, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) text = g_string_new(rows[i].start);
        struct addresses addresses;
        struct error error = {0};
        for (size_t n = 0; n < rows[i].count; n++)
            g_string_append(text, rows[i].repeat);
        g_string_append(text, rows[i].end);
        bool good_field = addresses_parse((struct slice){text->str, text->len}, &addresses, &error);
        cr_expect(good_field == rows[i].good, "row %zu: %s", i, error.text);
        addresses_clear(&addresses);
    }
}

/* Mutations of readable fields: never a crash, and what is taken has a domain. */
Test(addresses, mutated_fields)
{
    static const char inserted[] = "\"()<>@,;:\\[] =?.\r\n\t\0a";
    for (size_t i = 0; i < G_N_ELEMENTS(readable); i++) {
        size_t length = strlen(readable[i].value);
        for (size_t at = 0; at <= length; at++) {
            for (size_t c = 0; c < sizeof(inserted) - 1; c++) {
                struct addresses addresses;
                struct error error = {0};
                g_autoptr(GString) text = g_string_new(readable[i].value);
                g_string_insert_c(text, (gssize)at, inserted[c]);
                bool taken = addresses_parse((struct slice){text->str, text->len}, &addresses, &error);
                cr_assert(taken == (addresses.count > 0));
                cr_assert(!taken || addresses.list[0].domain[0] != '\0');
                addresses_clear(&addresses);
            }
        }
    }
}
