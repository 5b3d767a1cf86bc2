/* SPDX-License-Identifier: Apache-2.0 */
/* Tags at the head of a Subject: which are found, and what is left. */
#include "mail/tags.h"

#include "mail/mime.h"
#include "support/scratch.h"

static void setup(void)
{
    scratch_setup();
    mime_init();
}

TestSuite(tags, .init = setup, .fini = scratch_teardown);

static struct conf *load(const char *tags)
{
    g_autofree char *policy =
        g_strdup_printf("domain = \"partner.test\"; rules = ( { when = { subject = ( %s ); }; } );", tags);
    scratch_write("domsec.conf", "local_domains = ( \"acme.test\" );\npolicy_dir = \"p\";\n");
    scratch_write("p/partner.test.conf", policy);
    owned(faults) struct faults *faults = faults_new(); /* warnings of tags without brackets */
    struct conf *conf = scratch_load(faults);
    cr_assert_not_null(conf);
    return conf;
}

#define TAGS "\"[encrypt]\", \"[sign]\", \"[top secret]\", \"secure\", \"secure mail\", \"geheim:\", \"#\xc3\x9c#\""

/* rest NULL: there are none. */
static const struct {
    const char *value, *found, *rest;
} rows[] = {
    {" [encrypt] hello", "[encrypt]", " hello"},
    {" hello", "", NULL},
    {"", "", NULL},
    {" [ENCRYPT] hello", "[encrypt]", " hello"},
    {"[encrypt]hello", "[encrypt]", " hello"},
    {" [encrypt]", "[encrypt]", " "},
    {"\t[encrypt]   hello  ", "[encrypt]", " hello  "},
    {"\r\n [encrypt]\r\n hello\r\n\tworld", "[encrypt]", " hello\r\n\tworld"},
    {" [top\r\n  Secret] x", "[top secret]", " x"},
    {" geheim: x", "geheim:", " x"},
    {" Secure Mail x", "secure mail", " x"},
    {" Secure x", "secure", " x"},
    {" secure", "secure", " "},
    {" secure, x", "secure", " , x"},
    {" #\xc3\xbc# x", "#\xc3\xbc#", " x"},
    /* behind what programs put before replies */
    {" Re: [encrypt] hello", "[encrypt]", " Re: hello"},
    {" [encrypt] Re: hello", "[encrypt]", " Re: hello"},
    {" Fwd: AW: [encrypt] hello", "[encrypt]", " Fwd: AW: hello"},
    {" WG:[encrypt]hello", "[encrypt]", " WG: hello"},
    {" re[2]: [encrypt] hello", "[encrypt]", " re[2]: hello"},
    {" RE(12): [encrypt] hello", "[encrypt]", " RE(12): hello"},
    {" Re: hello", "", NULL},
    {" Rex: [encrypt]", "", NULL},
    {" Re[x]: [encrypt]", "", NULL},
    {" Re [encrypt]", "", NULL},
    /* several */
    {" [encrypt] [sign] hello", "[encrypt] [sign]", " hello"},
    {" [sign][encrypt]hello", "[sign] [encrypt]", " hello"},
    {" [sign] Re: [sign] hello", "[sign]", " Re: hello"},
    /* in the middle */
    {" hello [encrypt]", "", NULL},
    {" hello [encrypt] world", "", NULL},
    {" [encrypt] hello [sign]", "[encrypt]", " hello [sign]"},
    {" Re hello: [encrypt]", "", NULL},
    {" [other] [encrypt] hello", "", NULL},
    /* what only looks like one */
    {" [ encrypt] x", "", NULL},
    {" [encrypt ] x", "", NULL},
    {" [encrypted] x", "", NULL},
    {" [encrypt x", "", NULL},
    {" encrypt x", "", NULL},
    {" [\xd0\xb5ncrypt] x", "", NULL}, /* a Cyrillic letter */
    {" \xef\xbc\xbb"
     "encrypt\xef\xbc\xbd x",
     "", NULL},                             /* wide brackets */
    {" [e\xe2\x80\x8bncrypt] x", "", NULL}, /* a blank without width */
    {" [encr\xc3\xbdpt] x", "", NULL},
    {" securely x", "", NULL},
    {" secure2 x", "", NULL},
    {" secure\xc3\xa4 x", "", NULL},
    {" secure mails", "secure", " mails"},
    {" \"[encrypt]\" x", "", NULL},
    /* encoded words */
    {" =?utf-8?q?[encrypt]_hello?=", "[encrypt]", " hello"},
    {" =?utf-8?b?W2VuY3J5cHRdIEdyw7zDn2U=?=", "[encrypt]", " =?UTF-8?B?R3LDvMOfZQ==?="},
    {" =?utf-8?q?Re=3A_[en?=\r\n =?utf-8?q?crypt]_hello?=", "[encrypt]", " Re: hello"},
    {" Re: =?iso-8859-1?q?[encrypt]?= hello", "[encrypt]", " Re: hello"},
    {" [encrypt] =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "[encrypt]", " =?utf-8?q?Gr=C3=BC=C3=9Fe?="},
    {" [encrypt] =?utf-8?q?[sign]_hello?=", "[encrypt] [sign]", " hello"},
    {" =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "", NULL},
    {" =?utf-8?q?hello?= [encrypt]", "", NULL},
    {" [enc=?utf-8?q?rypt]?= x", "", NULL},
    {" =?utf-8?q?[encrypt]_=3D=3Futf-8=3Fq=3Fx=3F=3D?=", "[encrypt]", " = ?utf-8?q?x?="},
    {" [encrypt] Gr\xc3\xbc\xc3\x9f"
     "e",
     "[encrypt]",
     " Gr\xc3\xbc\xc3\x9f"
     "e"},
    {" [encrypt] Gr\xfc\xdf"
     "e",
     "[encrypt]",
     " Gr\xfc\xdf"
     "e"}, /* octets of another charset stay */
    {" \xfc[encrypt]", "", NULL},
    /* each once, and none is left */
    {" [encrypt][sign] Re: [ENCRYPT] [encrypt] a", "[encrypt] [sign]", " Re: a"},
    {" [encrypt] =?utf-8?q?[encrypt]_hello?=", "[encrypt]", " hello"},
};

Test(tags, what_is_found_and_what_is_left)
{
    owned(conf) struct conf *conf = load(TAGS);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct subject_tags tags;
        subject_tags_read(conf, slice_of(rows[i].value), &tags);
        g_autofree char *found = g_strjoinv(" ", tags.found);
        cr_expect_str_eq(found, rows[i].found, "%s: %s", rows[i].value, found);
        cr_expect_eq(g_strcmp0(tags.rest, rows[i].rest), 0, "%s: \"%s\"", rows[i].value, tags.rest);
        subject_tags_clear(&tags);
    }
}

Test(tags, a_nul_ends_no_tag)
{
    owned(conf) struct conf *conf = load(TAGS);
    struct subject_tags tags;
    subject_tags_read(conf, (struct slice){" [encrypt]\0 x", 13}, &tags);
    cr_expect_null(tags.rest);
    subject_tags_clear(&tags);
}

/* As long as a header may be: what is left is not larger than what came. */
Test(tags, long_subjects)
{
    owned(conf) struct conf *conf = load(TAGS);
    g_autofree char *words = g_strnfill(60000, 'x');
    for (size_t i = 70; i < 60000; i += 70)
        words[i] = ' ';
    g_autofree char *value = g_strconcat(" [encrypt] ", words, NULL), *blanks = g_strnfill(60000, ' ');
    g_autofree char *late = g_strconcat(blanks, "[encrypt] x", NULL);
    struct subject_tags tags;
    subject_tags_read(conf, slice_of(value), &tags);
    cr_assert_not_null(tags.rest);
    cr_expect_str_eq(tags.rest + 1, words);
    subject_tags_clear(&tags);
    subject_tags_read(conf, slice_of(late), &tags);
    cr_expect_str_eq(tags.rest, " x");
    subject_tags_clear(&tags);
}

Test(tags, texts_of_a_field)
{
    static const struct {
        const char *value, *plain, *decoded;
    } values[] = {
        {" A  b\r\n\tC ", "a b c", "a b c"},
        {" =?utf-8?q?B=C3=9Cro?=", "=?utf-8?q?b=c3=9cro?=", "b\xc3\xbcro"},
        {"", "", ""},
        {" \xff", NULL, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        char *plain = NULL, *decoded = NULL;
        field_texts(slice_of(values[i].value), &plain, &decoded);
        cr_expect_eq(g_strcmp0(plain, values[i].plain), 0, "%s: %s", values[i].value, plain);
        cr_expect_eq(g_strcmp0(decoded, values[i].decoded), 0, "%s: %s", values[i].value, decoded);
        g_free(plain);
        g_free(decoded);
    }
    char *plain = NULL, *decoded = NULL;
    field_texts((struct slice){"a\0b", 3}, &plain, &decoded);
    cr_expect(plain == NULL && decoded == NULL);
}
