/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fold.h"

#include <criterion/criterion.h>

Test(fold, texts)
{
    static const struct {
        const char *text, *folded;
    } rows[] = {
        {"", ""},
        {"  A\t\r\n b ", "a b"},
        {"[ENCRYPT]", "[encrypt]"},
        {"GR\xc3\x9cSSE", "gr\xc3\xbcsse"},
        {"a\xc2\xa0\xe2\x80\x83"
         "b",
         "a b"},                          /* other blanks */
        {"\xef\xbc\xa1", "\xef\xbd\x81"}, /* a wide letter is not an ASCII one */
        {"\xd0\x90", "\xd0\xb0"},         /* nor is a Cyrillic one */
        {"\xe2\x84\xaa", "\xe2\x84\xaa"}, /* nor is the Kelvin sign, */
        {"\xc4\xb0", "\xc4\xb0"},         /* nor an I with a dot */
        {"\xff", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *folded = fold_text(slice_of(rows[i].text));
        cr_expect_eq(g_strcmp0(folded, rows[i].folded), 0, "%s", rows[i].text);
    }
    cr_expect_null(fold_text((struct slice){"a\0b", 3}));
}
