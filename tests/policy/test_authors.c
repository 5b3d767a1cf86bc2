/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mime.h"
#include "policy/policy.h"

#include "support/scratch.h"

static void setup(void)
{
    mime_init();
    scratch_setup();
}

TestSuite(authors, .init = setup, .fini = scratch_teardown);

static struct conf *load(void)
{
    scratch_write("domsec.conf", "listen = \"inet:8891@127.0.0.1\";\nlocal_domains = ( \"us.test\" );\n"
                                 "policy_dir = \"p\";\n");
    scratch_write("p/a.test.conf", "domain = \"a.test\";");
    scratch_write("p/b.test.conf", "domain = \"b.test\"; inbound = { misleading_names = \"accept\"; };");
    scratch_write("p/sub.a.test.conf", "domain = \"sub.a.test\";");
    scratch_write("p/default.conf", "");
    return scratch_load_good();
}

/* A message with these fields, separated by "|". */
static struct message *message_with(const char *fields)
{
    static const struct limits limits = {
        .message_size = 65536, .memory = 65536, .header_size = 65536, .header_count = 100, .nesting = 5, .parts = 5};
    struct message *message = message_new(&limits);
    struct error error = {0};
    g_auto(GStrv) list = g_strsplit(fields, "|", -1);
    for (char **field = list; *field != NULL; field++) {
        g_auto(GStrv) parts = g_strsplit(*field, ":", 2);
        cr_assert(message_add_field(message, parts[0], parts[1], &error), "%s", error.text);
    }
    cr_assert(message_end_header(message, &error) && message_finish(message, &error));
    return message;
}

/* The domains of the partners, then the partner of each author by number: "a.test b.test: 0 1 0". */
static char *tell(const struct authors *authors, size_t from_count)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < authors->count; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? " " : "",
                               authors->partners[i]->domain != NULL ? authors->partners[i]->domain : "default");
    g_string_append_c(text, ':');
    for (size_t i = 0; i < from_count; i++)
        g_string_append_printf(text, " %zu", authors->partner_of[i]);
    return g_string_free(text, FALSE);
}

Test(authors, whose_rules_a_message_has_to_satisfy)
{
    static const struct {
        const char *name;
        const char *fields;
        const char *sender; /* domain of the envelope's */
        const char *authors;
    } rows[] = {
        {"one author", "From: x@a.test", "b.test", "a.test: 0"},
        {"one of a subdomain", "From: x@y.a.test", "", "a.test: 0"},
        {"one of a subdomain with its own rule", "From: x@sub.a.test", "", "sub.a.test: 0"},
        {"one without a rule", "From: x@c.test", "a.test", "default: 0"},
        {"two authors of two partners", "From: x@b.test, y@a.test", "", "b.test a.test: 0 1"},
        {"each partner once", "From: x@a.test, y@b.test, z@a.test, w@b.test", "", "a.test b.test: 0 1 0 1"},
        {"two without a rule", "From: x@c.test, y@d.test", "", "default: 0 0"},
        {"another field does not count", "From: x@a.test|Sender: y@b.test|To: z@b.test", "", "a.test: 0"},

        /* a name that shows another address */
        {"a quoted name", "From: \"x@b.test\" <x@a.test>", "b.test", "a.test: 0"},
        {"a name that is encoded hides its domain", "From: =?utf-8?q?x=40b.test?= <x@a.test>", "c.test",
         "a.test b.test: 0"},
        {"… one without a rule", "From: =?utf-8?q?x=40d.test?= <x@a.test>", "c.test", "a.test: 0"},
        {"… its own author's", "From: =?utf-8?q?y=40a.test?= <x@a.test>", "c.test", "a.test: 0"},
        {"… under the default", "From: =?utf-8?q?x=40a.test?= <x@c.test>", "b.test", "default a.test: 0"},
        {"… by a partner who accepts that", "From: =?utf-8?q?x=40a.test?= <x@b.test>", "c.test", "b.test: 0"},
        {"… by one of two", "From: =?utf-8?q?x=40sub.a.test?= <x@b.test>, x@a.test", "c.test",
         "b.test a.test sub.a.test: 0 1"},

        /* a From that programs read differently */
        {"no From: the sender's", "Sender: x@a.test", "b.test", "b.test:"},
        {"no From, no sender: the default", "To: x@a.test", "", "default:"},
        {"two Froms: all that they mention, after the sender's", "From: x@a.test|From: y@b.test", "c.test",
         "default a.test b.test:"},
        {"… each once", "From: x@a.test|From: y@b.test", "b.test", "b.test a.test:"},
        {"… in any case", "From: x@c.test|fROM: y@B.Test", "c.test", "default b.test:"},
        {"two addresses in one", "From: x@a.test <y@b.test> <z@c.test>", "c.test", "default a.test b.test:"},
        {"another field beside it", "From: x@a.test, <|To: y@b.test", "c.test", "default a.test:"},
        {"a subdomain mentions its parent", "From: x@sub.a.test, <", "c.test", "default sub.a.test a.test:"},
    };
    owned(conf) struct conf *conf = load();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(message) struct message *message = message_with(rows[i].fields);
        const struct address sender = {.domain = (char *)rows[i].sender};
        struct originator originator;
        struct authors authors;
        originator_read(message, &originator);
        authors_find(conf, &originator, message, &sender, &authors);
        g_autofree char *told = tell(&authors, originator.from.count);
        cr_expect_str_eq(told, rows[i].authors, "%s: %s", rows[i].name, told);
        authors_clear(&authors);
        cr_expect(authors.partners == NULL && authors.partner_of == NULL && authors.count == 0);
        originator_clear(&originator);
    }
}

Test(authors, without_a_message)
{
    owned(conf) struct conf *conf = load();
    const struct address sender = {.domain = (char *)"b.test"};
    struct originator originator;
    struct authors authors;
    originator_from_text(NULL, &originator);
    authors_find(conf, &originator, NULL, &sender, &authors);
    g_autofree char *told = tell(&authors, 0);
    cr_expect_str_eq(told, "b.test:");
    cr_expect(authors_accept_misleading_names(&authors));
    authors_clear(&authors);
    cr_expect_not(authors_accept_misleading_names(&authors), "without an author it is accepted by nothing");
    originator_clear(&originator);
}
