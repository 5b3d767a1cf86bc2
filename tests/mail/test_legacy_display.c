/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/legacy_display.h"

#include "support/mime_help.h"

#include <criterion/criterion.h>
#include <string.h>

#define PLAIN "Content-Type: text/plain; hp-legacy-display=\"1\"\r\n"
#define HTML "Content-Type: text/html; hp-legacy-display=\"1\"\r\n"
#define PLAIN_LEFT "Content-Type: text/plain\r\n"
#define HTML_LEFT "Content-Type: text/html\r\n"
#define DIV "<div class=\"header-protection-legacy-display\">"
#define MULTI(type) "Content-Type: multipart/" type "; boundary=b; hp=\"cipher\"\r\n\r\n"

static const struct {
    const char *before, *after; /* NULL: it stays as it is */
} rows[] = {
    {PLAIN "\r\nSubject: s\r\nTo: t\r\n\r\ntext\r\n\r\nmore\r\n", PLAIN_LEFT "\r\ntext\r\n\r\nmore\r\n"},
    {PLAIN "\r\n\r\nSubject: s\r\n\r\ntext\r\n", PLAIN_LEFT "\r\nSubject: s\r\n\r\ntext\r\n"},
    {PLAIN "\r\nSubject: s\r\ntext\r\n", NULL},
    {PLAIN "\r\nSubject: s\r\n \r\ntext\r\n", NULL},
    {PLAIN "\r\n", NULL},
    {"Content-Type: text/plain; hp-legacy-display=\"0\"\r\n\r\nSubject: s\r\n\r\ntext\r\n", NULL},
    {"Content-Type: text/plain\r\n\r\nSubject: s\r\n\r\ntext\r\n", NULL},
    {"Content-Type: text/calendar; hp-legacy-display=\"1\"\r\n\r\nSubject: s\r\n\r\ntext\r\n", NULL},
    {PLAIN "Content-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogcw0KDQp0ZXh0DQo=\r\n",
     PLAIN_LEFT "Content-Transfer-Encoding: base64\r\n\r\ndGV4dA0K\r\n"},
    {PLAIN "Content-Transfer-Encoding: base64\r\n\r\n!\r\n\r\nx\r\n", NULL},
    {PLAIN "Content-Transfer-Encoding: quoted-printable\r\n\r\nSubject: =C3=BC\r\n\r\n=C3=A4\r\n",
     PLAIN_LEFT "Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4\r\n"},
    {PLAIN "Content-Transfer-Encoding: x-odd\r\n\r\nSubject: s\r\n\r\ntext\r\n", NULL},
    {HTML "\r\n<p>a</p>" DIV "<pre>Subject: s</pre></div><p>text</p>\r\n", HTML_LEFT "\r\n<p>a</p><p>text</p>\r\n"},
    {HTML "\r\n<DIV id=1 CLASS='x header-protection-legacy-display y'><div>s</div ></DIV><p>text</p>\r\n",
     HTML_LEFT "\r\n<p>text</p>\r\n"},
    {HTML "\r\n" DIV "s</div>" DIV "text</div>\r\n", HTML_LEFT "\r\n" DIV "text</div>\r\n"},
    {HTML "\r\n" DIV "s<p>text</p>\r\n", NULL},
    {HTML "\r\n<div class=\"not-header-protection-legacy-display\">s</div>\r\n", NULL},
    {HTML "\r\n<div class=\"header-protection-legacy-displays\">s</div>\r\n", NULL},
    {HTML "\r\n<div title=\"class=header-protection-legacy-display\" id=x>s</div>\r\n", NULL},
    {HTML "\r\n<div class=x header-protection-legacy-display>s</div>\r\n", NULL},
    {HTML "\r\n<div class=x class=header-protection-legacy-display>s</div>\r\n", NULL},
    {HTML "\r\n<div subclass=header-protection-legacy-display>s</div>\r\n", NULL},
    {HTML "\r\n</div class=header-protection-legacy-display>s</div></div>\r\n", NULL},
    {HTML "\r\n<div class=header-protection-legacy-display", NULL},
    {HTML "\r\n<div", NULL},
    {HTML
     "\r\n<div/\vid\n=\tClass / class =\r\n\"it's\fHeader-Protection-Legacy-Display\"><divan></divan></Div><p>\r\n",
     HTML_LEFT "\r\n<p>\r\n"},
    {HTML "\r\n<<div class='header-protection-legacy-display'>s<</div><p>\r\n", HTML_LEFT "\r\n<<p>\r\n"},
    {HTML "\r\n<div title=\"class=header-protection-legacy-display\" id=x>s</div>\r\n", NULL},
    {HTML "\r\n<div class=x header-protection-legacy-display>s</div>\r\n", NULL},
    {HTML "\r\n<div class=x class=header-protection-legacy-display>s</div>\r\n", NULL},
    {HTML "\r\n<div subclass=header-protection-legacy-display>s</div>\r\n", NULL},
    {HTML "\r\n<div =class=header-protection-legacy-display>s</div>\r\n", NULL},
    {HTML "\r\n</div class=header-protection-legacy-display>s</div></div>\r\n", NULL},
    {HTML "\r\n<div class=header-protection-legacy-display", NULL},
    {HTML "\r\n<div class=\"header-protection-legacy-display>s</div>", HTML_LEFT "\r\n"},
    {HTML "\r\n<div class=>s</div>", NULL},
    {HTML "\r\n<div class>s</div>", NULL},
    {HTML "\r\n<div", NULL},
    {HTML "\r\n<", NULL},
    {HTML
     "\r\n<div/\vid\n=\tClass / class =\r\n\"it's\fHeader-Protection-Legacy-Display\"><divan></divan></Div><p>\r\n",
     HTML_LEFT "\r\n<p>\r\n"},
    {HTML "\r\n<<div class='header-protection-legacy-display'>s<</div><p>\r\n", HTML_LEFT "\r\n<<p>\r\n"},
    {HTML "\r\n<divx class=\"header-protection-legacy-display\">s</divx>\r\n", NULL},
    {MULTI("alternative") "--b\r\n" PLAIN "\r\nSubject: s\r\n\r\ntext\r\n--b\r\n" HTML "\r\n" DIV
                          "s</div>t\r\n--b--\r\n",
     MULTI("alternative") "--b\r\n" PLAIN_LEFT "\r\ntext\r\n--b\r\n" HTML_LEFT "\r\nt\r\n--b--\r\n"},
    {MULTI("mixed") "--b\r\n" PLAIN "\r\nSubject: s\r\n\r\ntext\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" PLAIN
                    "\r\nSubject: s\r\n\r\nt\r\n--b--\r\n",
     MULTI("mixed") "--b\r\n" PLAIN_LEFT "\r\ntext\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" PLAIN
                    "\r\nSubject: s\r\n\r\nt\r\n--b--\r\n"},
    {MULTI("mixed") "--b\r\n" PLAIN PLAIN "\r\nSubject: s\r\n\r\ntext\r\n--b--\r\n", NULL},
    {MULTI("signed") "--b\r\n" PLAIN "\r\nSubject: s\r\n\r\ntext\r\n--b\r\n\r\nx\r\n--b--\r\n", NULL},
};

/* The entity with the body and the Content-Type that came out. */
static char *with_body(const struct part *part, const char *type, struct slice body)
{
    GString *whole = g_string_new(NULL);
    for (size_t i = 0; i < part->fields.count; i++) {
        const struct field *field = &part->fields.list[i];
        g_autofree char *same = g_strndup(field->value.data, field->value.len);
        bool is_type = slice_equal_nocase(field->name, "Content-Type") && type != NULL;
        g_string_append_len(whole, field->name.data, (gssize)field->name.len);
        g_string_append_printf(whole, ":%s\r\n", is_type ? type : same);
    }
    g_string_append(whole, "\r\n");
    g_string_append_len(whole, body.len > 0 ? body.data : "", (gssize)body.len);
    return g_string_free(whole, FALSE);
}

Test(legacy_display, table)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct error error = {0};
        struct slice bytes = SLICE_NONE;
        owned(display_change) struct display_change change = {0};
        owned(part) struct part *part = part_parse_entity(slice_of(rows[i].before), &help_limits, &error);
        cr_assert(mime_without_legacy_display(part, &help_limits, &change, &error), "%s", error.text);
        cr_assert(spool_finish(change.body, &bytes, &error));
        g_autofree char *after = with_body(part, change.type, bytes);
        cr_expect_eq(change.changed, rows[i].after != NULL, "row %zu", i);
        if (rows[i].after != NULL)
            cr_expect_str_eq(after, rows[i].after, "row %zu", i);
        else
            cr_expect_eq(bytes.len, 0, "row %zu", i);
    }
}
