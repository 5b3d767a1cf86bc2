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
    {" alice@sales.acme.test,,@", true},
    {" alice@\xef\xbd\x81\xef\xbd\x83\xef\xbd\x8d\xef\xbd\x85.test <", true}, /* full width */
    {" alice@evil.test <", false},
    {" alice@acme.example", false},
    {"", false},
};

Test(mention, rows)
{
    g_mime_init();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        cr_expect_eq(addresses_mention(slice_of(rows[i].value), "acme.test"), rows[i].mentioned, "%s", rows[i].value);
    cr_expect(addresses_mention((struct slice){"x\0@acme.test", 12}, "acme.test"), "behind a NUL");
}
