/* SPDX-License-Identifier: Apache-2.0 */
/* address: envelope addresses. */
#include "base/address.h"

#include <criterion/criterion.h>
#include <string.h>

#define BYTES(text) text, sizeof(text) - 1

static const struct {
    const char *input;
    const char *local, *domain, *text;
} good[] = {
    {"", "", "", ""},
    {"<>", "", "", ""},
    {"a@b.test", "a", "b.test", "a@b.test"},
    {"<a@b.test>", "a", "b.test", "a@b.test"},
    {"Bob.Smith+tag@B.TEST", "Bob.Smith+tag", "b.test", "Bob.Smith+tag@b.test"},
    {"!#$%&'*+-/=?^_`{|}~@b.test", "!#$%&'*+-/=?^_`{|}~", "b.test", "!#$%&'*+-/=?^_`{|}~@b.test"},
    {"\"a b\"@b.test", "a b", "b.test", "\"a b\"@b.test"},
    {"\"ab\"@b.test", "ab", "b.test", "ab@b.test"},
    {"\"a.b\"@b.test", "a.b", "b.test", "a.b@b.test"},
    {"\"a\\\"b\\\\c\"@b.test", "a\"b\\c", "b.test", "\"a\\\"b\\\\c\"@b.test"},
    {"\"a@x.test\"@b.test", "a@x.test", "b.test", "\"a@x.test\"@b.test"},
    {"<\"a>b\"@b.test>", "a>b", "b.test", "\"a>b\"@b.test"},
    {"\"\"@b.test", "", "b.test", "\"\"@b.test"},
    {"a..b@b.test", "a..b", "b.test", "\"a..b\"@b.test"},
    {"a.@b.test", "a.", "b.test", "\"a.\"@b.test"},
    {".a@b.test", ".a", "b.test", "\".a\"@b.test"},
    {"a@[192.0.2.1]", "a", "[192.0.2.1]", "a@[192.0.2.1]"},
    {"a@[IPv6:2001:DB8:0::1]", "a", "[ipv6:2001:db8::1]", "a@[ipv6:2001:db8::1]"},
    {"a@b\xc3\xbc"
     "cher.test",
     "a", "xn--bcher-kva.test", "a@xn--bcher-kva.test"},
    {"a@XN--BCHER-KVA.test", "a", "xn--bcher-kva.test", "a@xn--bcher-kva.test"},
    {"j\xc3\xb6rg@b.test", "j\xc3\xb6rg", "b.test", "j\xc3\xb6rg@b.test"},
    {"a@localhost", "a", "localhost", "a@localhost"},
};

Test(address, good)
{
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        struct address address;
        struct error error = {0};
        cr_assert(address_parse(slice_of(good[i].input), &address, &error), "row %zu: %s", i, error.text);
        cr_expect_str_eq(address.local, good[i].local, "row %zu: %s", i, address.local);
        cr_expect_str_eq(address.domain, good[i].domain, "row %zu: %s", i, address.domain);
        cr_expect_str_eq(address.text, good[i].text, "row %zu: %s", i, address.text);
        struct address again;
        cr_assert(address_parse(slice_of(address.text), &again, &error), "row %zu: its text is none", i);
        cr_expect(address_equal(&address, &again) && strcmp(address.text, again.text) == 0, "row %zu", i);
        address_clear(&again);
        address_clear(&address);
        cr_expect(address.text == NULL);
    }
}

static const struct {
    const char *input;
    size_t length;
} bad[] = {
    {BYTES(" ")},
    {BYTES("a")},
    {BYTES("<a>")},
    {BYTES("@b.test")},
    {BYTES("a@")},
    {BYTES("<@b.test>")},
    {BYTES("<")},
    {BYTES(">")},
    {BYTES("<a@b.test")},
    {BYTES("a@b.test>")},
    {BYTES("<<a@b.test>>")},
    {BYTES("<a@b.test> ")},
    {BYTES(" a@b.test")},
    {BYTES("a@b.test ")},
    {BYTES("a @b.test")},
    {BYTES("a b@c.test")},
    {BYTES("a@b@c.test")},
    {BYTES("\"a\"@b@c.test")},
    {BYTES("a@b.test,c@d.test")},
    {BYTES("a@b.test,")},
    {BYTES("Bob <a@b.test>")},
    {BYTES("<@x.test:a@b.test>")},
    {BYTES("@x.test:a@b.test")},
    {BYTES("a:b@c.test")},
    {BYTES("a(c)@b.test")},
    {BYTES("a@b.test(c)")},
    {BYTES("a@b..test")},
    {BYTES("a@.b.test")},
    {BYTES("a@-b.test")},
    {BYTES("a\0@b.test")},
    {BYTES("a@b.test\0")},
    {BYTES("a@b.test\0.evil.test")},
    {BYTES("\0")},
    {BYTES("a\r\n@b.test")},
    {BYTES("a\n@b.test")},
    {BYTES("\"a\nb\"@b.test")},
    {BYTES("a\x7f@b.test")},
    {BYTES("a\x1b@b.test")},
    {BYTES("\"a\tb\"@b.test")},
    {BYTES("\xff@b.test")},
    {BYTES("a@\xff.test")},
    {BYTES("a\xc2\x85@b.test")},
    {BYTES("a\xe2\x80\xa8@b.test")},
    {BYTES("a\xc2\xa0@b.test")},
    {BYTES("\"a@b.test")},
    {BYTES("\"a\\\"@b.test")},
    {BYTES("\"a\\")},
    {BYTES("\"")},
    {BYTES("\"a\"b@c.test")},
    {BYTES("\"a\"")},
    {BYTES("\"a\".b@c.test")},
    {BYTES("a.\"b\"@c.test")},
    {BYTES("a\\@b@c.test")},
    {BYTES("a@[192.0.2.256]")},
    {BYTES("a@[192.0.2.1")},
    {BYTES("a@[]")},
    {BYTES("a@[")},
    {BYTES("a@[x]")},
    {BYTES("a@[IPv6:x]")},
    {BYTES("a@[192.0.2.1]x")},
    {BYTES("a@b_\xe2\x82\xac.te st")},
    {BYTES("a@b.test/x")},
    {BYTES("a@b\xef\xbc\xa0"
           "c.test")},
    {BYTES("a@xn--a.test")},
};

/* As an MTA accepts it in RCPT TO. */
static const struct {
    const char *input, *local, *domain, *text, *route; /* local NULL: it is not a path */
} paths[] = {
    {"<postmaster>", "postmaster", "", "postmaster", NULL},
    {"postmaster", "postmaster", "", "postmaster", NULL},
    {"<a@b.test>", "a", "b.test", "a@b.test", NULL},
    {"<bob%x.test>", "bob%x.test", "", "bob%x.test", NULL},
    {"<x.test!bob>", "x.test!bob", "", "x.test!bob", NULL},
    {"<\"bob@x.test\">", "bob@x.test", "", "\"bob@x.test\"", NULL},
    {"<\"a b\">", "a b", "", "\"a b\"", NULL},
    {"<@X.test:a@b.test>", "a", "b.test", "a@b.test", "x.test"},
    {"<@x.test,@[192.0.2.1],@b\xc3\xbc"
     "cher.test:\"a:b\"@c.test>",
     "a:b", "c.test", "\"a:b\"@c.test", "x.test,[192.0.2.1],xn--bcher-kva.test"},
    {"<@x.test:bob%y.test@c.test>", "bob%y.test", "c.test", "bob%y.test@c.test", "x.test"},
    {"<@x.test:a>", NULL},
    {"<@x.test:@y.test:a@b.test>", NULL},
    {"<@x.test,y.test:a@b.test>", NULL},
    {"<@x.test,:a@b.test>", NULL},
    {"<@:a@b.test>", NULL},
    {"<@x..test:a@b.test>", NULL},
    {"<@x.test>", NULL},
    {"<@x.test:>", NULL},
    {"<x.test:a@b.test>", NULL},
    {"<a b>", NULL},
    {"<a@>", NULL},
};

Test(address, paths)
{
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        struct address address;
        struct error error = {0};
        bool parsed = address_parse_path(slice_of(paths[i].input), &address, &error);
        cr_assert_eq(parsed, paths[i].local != NULL, "%s: %s", paths[i].input, error.text);
        if (!parsed) {
            cr_expect(error.kind == ERROR_PERMANENT && address.text == NULL && address.route == NULL, "%s",
                      paths[i].input);
            continue;
        }
        cr_expect_str_eq(address.local, paths[i].local, "%s: %s", paths[i].input, address.local);
        cr_expect_str_eq(address.domain, paths[i].domain, "%s: %s", paths[i].input, address.domain);
        cr_expect_str_eq(address.text, paths[i].text, "%s: %s", paths[i].input, address.text);
        cr_expect_eq(g_strcmp0(address.route, paths[i].route), 0, "%s: %s", paths[i].input, address.route);
        address_clear(&address);
        cr_expect_null(address.route);
    }
}

Test(address, bad)
{
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        struct address address;
        struct error error = {0};
        g_autofree char *copy = g_memdup2(bad[i].input, bad[i].length); /* not terminated */
        cr_expect(!address_parse((struct slice){copy, bad[i].length}, &address, &error), "row %zu: %s", i,
                  bad[i].input);
        cr_expect(error.kind == ERROR_PERMANENT && error.text[0] != '\0', "row %zu", i);
        cr_expect(address.local == NULL && address.domain == NULL && address.text == NULL, "row %zu", i);
    }
}

Test(address, too_long)
{
    struct address address;
    struct error error = {0};
    g_autofree char *local = g_strnfill(600, 'a');
    g_autofree char *text = g_strconcat(local, "@b.test", NULL);
    cr_expect(!address_parse(slice_of(text), &address, &error) && error.kind == ERROR_PERMANENT);
}

Test(address, equal)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } pairs[] = {
        {"a@b.test", "A@B.test", true},
        {"\"a\"@b.test", "a@b.test", true},
        {"a@b.test", "ab@b.test", false},
        {"a@b.test", "a@c.test", false},
        {"<>", "", true},
        {"<>", "a@b.test", false},
        {"\"\"@b.test", "<>", false},
        {"\xc3\xa4@b.test", "\xc3\x84@b.test", false},
        {"a@b\xc3\xbc.test", "a@xn--b-eha.test", true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
        struct address a, b;
        struct error error = {0};
        cr_assert(address_parse(slice_of(pairs[i].a), &a, &error));
        cr_assert(address_parse(slice_of(pairs[i].b), &b, &error));
        g_autofree char *key = address_key(&a), *other = address_key(&b);
        cr_expect(address_equal(&a, &b) == pairs[i].equal, "row %zu", i);
        cr_expect((strcmp(key, other) == 0) == pairs[i].equal, "row %zu: %s, %s", i, key, other);
        address_clear(&a);
        address_clear(&b);
    }
}
