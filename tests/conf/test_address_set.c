/* SPDX-License-Identifier: Apache-2.0 */
/* address_set: patterns as the configuration writes them, and which addresses they stand for. */
#include "conf/address_set.h"

#include <criterion/criterion.h>
#include <string.h>

Test(address_set, normal_form)
{
    static const struct {
        const char *text, *normal; /* NULL: it is refused */
    } rows[] = {
        {"Bob@Acme.TEST", "bob@acme.test"},
        {"bob+tag@acme.test.", "bob+tag@acme.test"},
        {"\"bob\"@acme.test", "bob@acme.test"},
        {"\"Bob Q\"@acme.test", "\"bob q\"@acme.test"},
        {"\"a@b\"@acme.test", "\"a@b\"@acme.test"},
        {"bob@b\xc3\xbc"
         "cher.test",
         "bob@xn--bcher-kva.test"},
        {"j\xc3\xb6rg@acme.test", "j\xc3\xb6rg@acme.test"},
        {"*@Acme.test", "*@acme.test"},
        {"", NULL},
        {"*", NULL},
        {"bob", NULL},
        {"@acme.test", NULL},
        {"acme.test", NULL},
        {"*.acme.test", NULL},
        {"<bob@acme.test>", NULL},
        {"<>", NULL},
        {"Bob <bob@acme.test>", NULL},
        {"bob@acme.test, eve@acme.test", NULL},
        {"sales-*@acme.test", NULL},
        {"**@acme.test", NULL},
        {"\"*\"@acme.test", NULL},
        {"*@*", NULL},
        {"*@*.acme.test", NULL},
        {"bob@*", NULL},
        {"bob@[192.0.2.1]", NULL},
        {"bob@192.0.2.1", NULL},
        {"bob @acme.test", NULL},
        {"bob@acme..test", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct error error = {0};
        g_autofree char *normal = address_pattern_normalise(rows[i].text, &error);
        cr_expect(g_strcmp0(normal, rows[i].normal) == 0, "%s: %s", rows[i].text, normal);
        cr_expect((error.kind == ERROR_CONFIGURATION) == (rows[i].normal == NULL), "%s", rows[i].text);
        cr_expect(normal != NULL || strstr(error.text, "\"*@acme.test\"") != NULL, "%s: %s", rows[i].text, error.text);
    }
}

static enum address_match match(const struct address_set *set, const char *text)
{
    struct address address;
    struct error error = {0};
    cr_assert(address_parse_path(slice_of(text), &address, &error), "%s", text);
    g_autofree char *key = address_key(&address);
    enum address_match found = address_set_match(set, key);
    cr_expect(address_set_holds(set, &address) == (found != ADDRESS_MATCH_NONE), "%s", text);
    address_clear(&address);
    return found;
}

Test(address_set, matches)
{
    static const char *const patterns[] = {
        "edi@acme.test",
        "Edi.Sub+x@acme.test",
        "*@trading.acme.test",
        "ceo@trading.acme.test",
        "\"a@b\"@acme.test",
        "*@b\xc3\xbc"
        "cher.test",
        "j\xc3\xb6rg@acme.test",
    };
    static const struct {
        const char *address;
        enum address_match match;
    } rows[] = {
        {"edi@acme.test", ADDRESS_MATCH_EXACT},
        {"EDI@ACME.test", ADDRESS_MATCH_EXACT},
        {"\"edi\"@acme.test", ADDRESS_MATCH_EXACT},
        {"edi+x@acme.test", ADDRESS_MATCH_NONE},
        {"edi.sub+X@acme.test", ADDRESS_MATCH_EXACT},
        {"edi@sub.acme.test", ADDRESS_MATCH_NONE},
        {"xedi@acme.test", ADDRESS_MATCH_NONE},
        {"bob@trading.acme.test", ADDRESS_MATCH_DOMAIN},
        {"Ceo@Trading.acme.test", ADDRESS_MATCH_EXACT},
        {"bob@sub.trading.acme.test", ADDRESS_MATCH_NONE},
        {"bob@acme.test", ADDRESS_MATCH_NONE},
        {"\"*\"@trading.acme.test", ADDRESS_MATCH_DOMAIN},
        {"*@trading.acme.test", ADDRESS_MATCH_DOMAIN},
        {"\"x@trading.acme.test\"@evil.test", ADDRESS_MATCH_NONE},
        {"\"\"@trading.acme.test", ADDRESS_MATCH_DOMAIN},
        {"\"a@b\"@acme.test", ADDRESS_MATCH_EXACT},
        {"anna@xn--bcher-kva.test", ADDRESS_MATCH_DOMAIN},
        {"j\xc3\xb6rg@acme.test", ADDRESS_MATCH_EXACT},
        {"J\xc3\x96rg@acme.test", ADDRESS_MATCH_NONE}, /* beyond ASCII, case counts: as address_equal() has it */
        {"<>", ADDRESS_MATCH_NONE},
        {"postmaster", ADDRESS_MATCH_NONE},
    };
    owned(address_set) struct address_set *set = address_set_new();
    for (size_t i = 0; i < G_N_ELEMENTS(patterns); i++) {
        struct error error = {0};
        g_autofree char *pattern = address_pattern_normalise(patterns[i], &error);
        cr_assert_not_null(pattern, "%s", error.text);
        address_set_add(set, pattern);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        cr_expect(match(set, rows[i].address) == rows[i].match, "%s", rows[i].address);
        cr_expect(match(NULL, rows[i].address) == ADDRESS_MATCH_NONE);
    }
}
