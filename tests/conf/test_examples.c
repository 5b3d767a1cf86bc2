/* SPDX-License-Identifier: Apache-2.0 */
/* The shipped examples: etc/domsec.conf with policy/ as its policy folder, and the configurations in domsec.conf(5). */
#include "support/scratch.h"

#include "conf/option.h"

TestSuite(examples, .init = scratch_setup, .fini = scratch_teardown);

static char *shipped(const char *name)
{
    const char *tests = g_getenv("DOMSEC_TESTS");
    g_autofree char *file = g_build_filename(tests != NULL ? tests : "tests", "..", name, NULL);
    char *text = NULL;
    cr_assert(g_file_get_contents(file, &text, NULL, NULL), "%s", file);
    return text;
}

static size_t install(void)
{
    g_autofree char *main_text = shipped("etc/domsec.conf");
    scratch_write("domsec.conf", main_text);
    const char *tests = g_getenv("DOMSEC_TESTS");
    g_autofree char *folder = g_build_filename(tests != NULL ? tests : "tests", "../policy", NULL);
    g_autoptr(GDir) directory = g_dir_open(folder, 0, NULL);
    cr_assert_not_null(directory);
    size_t count = 0;
    for (const char *name; (name = g_dir_read_name(directory)) != NULL;) {
        if (!g_str_has_suffix(name, ".conf")) /* a directory of templates */
            continue;
        count++;
        g_autofree char *from = g_build_filename("policy", name, NULL);
        g_autofree char *to = g_build_filename("policy.d", name, NULL);
        g_autofree char *text = shipped(from);
        scratch_write(to, text);
    }
    return count;
}

static const struct rule *rule_named(const struct conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->partner_count; i++)
        if (strcmp(conf->partners[i]->name, name) == 0)
            return &conf->partners[i]->base;
    cr_assert_fail("no %s", name);
    return NULL;
}

Test(examples, load)
{
    size_t count = install();
    owned(conf) struct conf *conf = scratch_load_good();
    cr_expect_geq(count, 5);
    cr_expect_eq(conf->partner_count, count);
    cr_expect_eq(conf->identity_count, 2);
    for (size_t i = 0; i + 1 < conf->partner_count; i++) {
        g_autofree char *name = g_strconcat(conf->partners[i]->domain, ".conf", NULL);
        cr_expect_str_eq(conf->partners[i]->name, name);
    }
    cr_expect_eq(rule_named(conf, "default.conf")->outbound.protect, PROTECT_NONE);
    cr_expect_eq(rule_named(conf, "partner.test.conf")->outbound.protect, PROTECT_SIGN_ENCRYPT);
    cr_expect_eq(rule_named(conf, "partner.test.conf")->inbound.require, REQUIRE_SIGN_ENCRYPT);
    cr_expect_eq(rule_named(conf, "mailbox.test.conf")->partner->naming, NAMING_MAILBOX);
    cr_expect_eq(rule_named(conf, "pinned.test.conf")->partner->naming, NAMING_PINNED);
    cr_expect_not(rule_named(conf, "sign-only.test.conf")->partner->form.null_signature);
    cr_expect_eq(rule_named(conf, "labelled.test.conf")->partner->label_count, 3);
}

/* Each template with what its head says that a partner's file adds. */
Test(examples, templates_load)
{
    static const struct {
        const char *name, *lines;
    } profiles[] = {
        {"bdew", ""},
        {"outlook", ""},
        {"rfc3183", "certificates = ( \"p.pem\" );"},
        {"asyncos", "certificates = ( \"p.pem\" ); gateway_addresses = ( \"gateway@%s.test\" );"},
        {"ciphermail", "certificates = ( \"p.pem\" );"},
        {"seppmail", "certificates = ( \"p.pem\" );"},
    };
    install();
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        const char *name = profiles[i].name;
        g_autofree char *from = g_strdup_printf("policy/profiles/%s.conf", name);
        g_autofree char *to = g_strdup_printf("policy.d/profiles/%s.conf", name);
        g_autofree char *file = g_strdup_printf("policy.d/%s.test.conf", name);
        g_autofree char *template = shipped(from);
        GString *lines = g_string_new(profiles[i].lines);
        g_string_replace(lines, "%s", name, 0);
        g_autofree char *policy = g_strdup_printf(
            "domain = \"%s.test\"; use = \"profiles/%s\"; anchors = ( \"a.pem\" ); %s\n", name, name, lines->str);
        g_string_free(lines, TRUE);
        scratch_write(to, template);
        scratch_write(file, policy);
    }
    owned(conf) struct conf *conf = scratch_load_good();
    for (size_t i = 0; i < G_N_ELEMENTS(profiles); i++) {
        g_autofree char *domain = g_strconcat(profiles[i].name, ".test", NULL);
        cr_expect_eq(conf_partner(conf, domain)->base.outbound.protect, PROTECT_SIGN_ENCRYPT, "%s", domain);
    }
}

static const struct option_table *const policy_tables[] = {&partner_options, &outbound_options, &inbound_options,
                                                           &label_options,   &rule_options,     &when_options};

/* Keys of domsec.conf are all there, live or commented out, and those commented out show the default. */
Test(examples, show_every_key)
{
    g_autofree char *text = shipped("etc/domsec.conf");
    g_autofree char *policy = shipped("policy/partner.test.conf");
    for (size_t i = 0; i < main_options.count; i++) {
        const struct conf_option *option = &main_options.options[i];
        g_autofree char *live = g_strdup_printf("\n%s = ", option->key);
        g_autofree char *off = g_strdup_printf("\n# %s = ", option->key);
        const char *shown = strstr(text, off);
        cr_expect(shown != NULL || strstr(text, live) != NULL, "%s", option->key);
        if (shown == NULL || (option->fallback == NULL && option->computed == NULL))
            continue;
        g_autofree char *fallback = option_default_text(option);
        size_t length = strcspn(fallback, " ;"); /* a computed one may say more */
        cr_expect_eq(strncmp(shown + strlen(off), fallback, length), 0, "%s is not %s", option->key, fallback);
    }
    g_autofree char *labelled = shipped("policy/labelled.test.conf");
    g_autofree char *rules = shipped("policy/rules.test.conf");
    for (size_t t = 0; t < G_N_ELEMENTS(policy_tables); t++)
        for (size_t i = 0; i < policy_tables[t]->count; i++) {
            const char *key = policy_tables[t]->options[i].key;
            cr_expect(strstr(policy, key) != NULL || strstr(labelled, key) != NULL || strstr(rules, key) != NULL, "%s",
                      key);
        }
}

/* What is commented out is good too. */
Test(examples, commented_out_keys_load)
{
    install();
    g_autofree char *text = shipped("etc/domsec.conf");
    GString *all = g_string_new(text);
    g_string_replace(all, "\n# spool_directory", "\n#spool_directory", 0); /* need not exist here */
    g_string_replace(all, "\n# state_directory", "\n#state_directory", 0);
    g_string_replace(all, "\n# ", "\n", 0);
    scratch_write("domsec.conf", all->str);
    g_string_free(all, TRUE);
    owned(conf) struct conf *conf = scratch_load_good();
    cr_expect_str_eq(conf->user, "domsec");
}

/* The lists of anchors stand in an example of their own. */
static void expect_bundles(const char *example)
{
    GString *text = g_string_new(example);
    g_string_replace(text, "\\-", "-", 0);
    g_string_prepend(text, "local_domains = ( \"acme.test\" );\n");
    scratch_write("domsec.conf", text->str);
    g_string_free(text, TRUE);
    owned(conf) struct conf *conf = scratch_load_good();
    cr_expect_eq(conf->bundles.count, 2);
    cr_expect_eq(g_strv_length(conf->trust_anchors), 1);
}

Test(examples, of_the_manual)
{
    g_autofree char *page = shipped("man/domsec.conf.5");
    g_auto(GStrv) pieces = g_strsplit(page, ".EX\n", -1);
    cr_assert_eq(g_strv_length(pieces), 8);
    for (int i = 1; i < 8; i++) {
        char *end = strstr(pieces[i], ".EE\n");
        cr_assert_not_null(end);
        *end = '\0';
    }
    expect_bundles(pieces[1]);
    for (int i = 4; i < 8; i++) {
        GString *text = g_string_new(pieces[i]);
        g_string_replace(text, "\\-", "-", 0);
        g_autofree char *name = i == 5 ? g_strdup("domsec.conf") : g_strdup_printf("policy.d/%d.conf", i);
        if (i == 4)
            g_string_replace(text, "partner.test", "rules.test", 0);
        if (i == 4)
            g_string_prepend(text, "domain = \"rules.test\";\n");
        if (i == 5)
            g_string_append_printf(text, "lists = { board = ( \"ceo@acme.test\" ); };\n%s%s", pieces[2], pieces[3]);
        scratch_write(name, text->str);
        g_string_free(text, TRUE);
    }
    owned(conf) struct conf *conf = scratch_load_good();
    cr_expect_eq(conf->partner_count, 4);
    cr_expect_eq(conf->login_count, 2);
    cr_expect_eq(conf->ldap_count, 2);
}
