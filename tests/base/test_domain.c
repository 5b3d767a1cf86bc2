/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "base/domain.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct {
    const char *input, *expected; /* expected NULL: refused */
} forms[] = {
    {"acme.test", "acme.test"},
    {"Acme.TEST", "acme.test"},
    {"acme.test.", "acme.test"},
    {"test", "test"},
    {"192.0.2.1", "192.0.2.1"},
    {"_dmarc.acme.test", "_dmarc.acme.test"},
    {"a_b.acme.test", "a_b.acme.test"},
    {"r3--sn.acme.test", "r3--sn.acme.test"},
    {"B\xc3\xbc"
     "cher.test",
     "xn--bcher-kva.test"},
    {"XN--BCHER-KVA.Test.", "xn--bcher-kva.test"},
    {"bu\xcc\x88"
     "cher.test",
     "xn--bcher-kva.test"},                           /* u and a combining diaeresis: NFC */
    {"fa\xc3\x9f.test", "xn--fa-hia.test"},           /* sharp s stays one in IDNA 2008 */
    {"\xef\xbc\xa1\xef\xbc\xa3me.test", "acme.test"}, /* full-width letters */
    {"acme\xe3\x80\x82test", "acme.test"},            /* ideographic full stop */
    {"\xd0\xb0"
     "cme.test",
     "xn--cme-5cd.test"}, /* Cyrillic a: another domain than acme.test */
    {"_x.b\xc3\xbc"
     "cher.test",
     "_x.xn--bcher-kva.test"},
    {NULL, NULL},
    {"", NULL},
    {".", NULL},
    {"..", NULL},
    {".acme.test", NULL},
    {"acme..test", NULL},
    {"acme.test..", NULL},
    {"-acme.test", NULL},
    {"acme-.test", NULL},
    {"ac me.test", NULL},
    {" acme.test", NULL},
    {"acme.test\n", NULL},
    {"acme.test\r\nX: y", NULL},
    {"acme\x7f.test", NULL},
    {"acme@test", NULL},
    {"*.acme.test", NULL},
    {"acme/test", NULL},
    {"[192.0.2.1]", NULL},
    {"[IPv6:2001:db8::1]", NULL},
    {"xn--acme.test", NULL},      /* no punycode */
    {"xn--acme-.test", NULL},     /* punycode of plain ASCII */
    {"i\xe2\x9d\xa4.test", NULL}, /* a heart: refused by IDNA 2008 */
    {"a\xef\xbc\xa0"
     "b.test",
     NULL}, /* full-width @ */
    {"a\xe2\x92\x88"
     "b.test",
     NULL}, /* "1." as one character */
    {"a\xe2\x80\x8d"
     "b.test",
     NULL},                  /* zero-width joiner out of place */
    {"\xff\xfe.test", NULL}, /* no UTF-8 */
    {"\xc3", NULL},
};

Test(domain, normal_form)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        g_autofree char *domain = domain_normalise(forms[i].input);
        cr_expect_str_eq(domain ? domain : "(refused)", forms[i].expected ? forms[i].expected : "(refused)",
                         "row %zu: %s", i, forms[i].input);
        if (domain == NULL)
            continue;
        g_autofree char *again = domain_normalise(domain);
        cr_expect_str_eq(again, domain, "row %zu is not stable", i);
    }
}

Test(domain, proper)
{
    const struct {
        const char *domain;
        bool proper;
    } rows[] = {
        {"acme.test", true},
        {"Acme.TEST", true},
        {"acme.test.", true},
        {"b\xc3\xbc"
         "cher.test",
         true},
        {"B\xc3\xbc"
         "cher.Test",
         true},
        {"XN--bcher-kva.test", true},
        {"B\xc3\x9c"
         "cher.test",
         false}, /* U with diaeresis */
        {"bu\xcc\x88"
         "cher.test",
         false},
        {"\xef\xbd\x81"
         "cme.test",
         false},
        {"acme\xe3\x80\x82test", false},
        {"ac\xc2\xadme.test", false},
        {"xn--acme-.test", false},
        {"*.acme.test", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(domain_is_proper(rows[i].domain), rows[i].proper, "row %zu: %s", i, rows[i].domain);
}

Test(domain, lengths)
{
    g_autofree char *label63 = g_strnfill(63, 'a');
    g_autofree char *label64 = g_strnfill(64, 'a');
    g_autofree char *longest = g_strdup_printf("%s.%s.%s.%.61s", label63, label63, label63, label63);
    g_autofree char *longer = g_strdup_printf("%s.%s.%s.%.62s", label63, label63, label63, label63);
    g_autofree char *endless = g_strnfill(1000000, 'a');
    cr_assert_eq(strlen(longest), 253);
    g_autofree char *a = domain_normalise(label63);
    g_autofree char *b = domain_normalise(label64);
    g_autofree char *c = domain_normalise(longest);
    g_autofree char *d = domain_normalise(longer);
    g_autofree char *e = domain_normalise(endless);
    cr_expect_str_eq(a, label63);
    cr_expect_null(b);
    cr_expect_str_eq(c, longest);
    cr_expect_null(d);
    cr_expect_null(e);
}

static const struct {
    const char *child, *parent;
    bool within;
} relations[] = {
    {"acme.test", "acme.test", true},
    {"mail.acme.test", "acme.test", true},
    {"a.b.acme.test", "acme.test", true},
    {"acme.test", "test", true},
    {"notacme.test", "acme.test", false},
    {"acme.test", "mail.acme.test", false},
    {"acme.test.evil", "acme.test", false},
    {"acme.test", "", false},
    {"", "", false},
    {"", "acme.test", false},
    {"xacme.test", "acme.test", false},
    {"acme-test", "test", false},
};

Test(domain, within)
{
    for (size_t i = 0; i < sizeof(relations) / sizeof(relations[0]); i++)
        cr_expect_eq(domain_is_within(relations[i].child, relations[i].parent), relations[i].within, "%s within %s",
                     relations[i].child, relations[i].parent);
}

Test(domain, loopback)
{
    static const char *const ours[] = {"localhost", "LocalHost", "127.0.0.1", "127.1.2.3", "::1"};
    static const char *const others[] = {"", "localhost.test", "128.0.0.1", "1127.0.0.1", "::2", "::", "[::1]"};
    for (size_t i = 0; i < G_N_ELEMENTS(ours); i++)
        cr_expect(host_is_loopback(ours[i]), "%s", ours[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        cr_expect_not(host_is_loopback(others[i]), "%s", others[i]);
}
