/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of a Content-Type, put in and taken out so that all programs find what they should. */
#include "mail/content_type.h"

#include "support/mime_help.h"

TestSuite(content_type, .init = mime_init);

#define HP ";\r\n\thp=\"cipher\""

static const struct {
    const char *value, *with, *without; /* NULL: it cannot be */
} rows[] = {
    {" text/plain", " text/plain" HP, NULL},
    {" text/plain;", " text/plain" HP, NULL},
    {" text/plain; charset=utf-8 ; ", " text/plain; charset=utf-8" HP, NULL},
    {" text/plain; hp=clear", " text/plain" HP, " text/plain"},
    {" text/plain; HP=\"clear\"; charset=utf-8", " text/plain; charset=utf-8" HP, " text/plain; charset=utf-8"},
    {" text/plain; charset=utf-8;\r\n\thp=cipher;\r\n format=flowed",
     " text/plain; charset=utf-8;\r\n format=flowed" HP, " text/plain; charset=utf-8;\r\n format=flowed"},
    {" text/plain; hp=clear; hp=cipher", " text/plain" HP, NULL},
    {" text/plain; hp*=us-ascii''clear; hp*0=a", " text/plain" HP, NULL},
    {" text/plain; hp-legacy-display=\"1\"", " text/plain; hp-legacy-display=\"1\"" HP, NULL},
    {" text/plain; x=\"; hp=clear\"", " text/plain; x=\"; hp=clear\"" HP, NULL},
    {" text/plain; x=(; hp=clear)y", " text/plain; x=(; hp=clear)y" HP, NULL},
    {" text/plain; name=my file.txt", " text/plain; name=my file.txt" HP, NULL},
    {" multipart/mixed; boundary=\"a b\"; hp=clear", " multipart/mixed; boundary=\"a b\"" HP,
     " multipart/mixed; boundary=\"a b\""},
    {" application/pkcs7-mime; smime-type=signed-data; name=\"smime.p7m\"",
     " application/pkcs7-mime; smime-type=signed-data; name=\"smime.p7m\"" HP, NULL},
    {" text/plain; x=\"open", NULL, NULL},
    {" text/plain; x=(open", NULL, NULL},
    {" text/plain; x", NULL, NULL},
    {" text/plain; x=\\", NULL, NULL},
    {" multipart/mixed; boundary=a; boundary=b", NULL, NULL},
    {" plain", NULL, NULL},
    {"", NULL, NULL},
};

Test(content_type, parameters)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *with = content_type_with(slice_of(rows[i].value), "hp", "cipher");
        g_autofree char *without = content_type_without(slice_of(rows[i].value), "hp");
        cr_expect(g_strcmp0(with, rows[i].with) == 0, "row %zu: %s", i, with);
        cr_expect(g_strcmp0(without, rows[i].without) == 0, "row %zu: %s", i, without);
    }
}
