/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a policy file as data: lists, criteria, templates, and what is said of bad ones. */
#include "support/scratch.h"

TestSuite(rules_conf, .init = scratch_setup, .fini = scratch_teardown);

#define MAIN "local_domains = ( \"acme.test\" );\npolicy_dir = \"p\";\n"
#define DOMAIN "domain = \"partner.test\";\n"

static struct conf *load(const char *main_text, const char *policy, struct faults *faults)
{
    scratch_write("domsec.conf", main_text);
    scratch_write("p/partner.test.conf", policy);
    return scratch_load(faults);
}

static struct conf *load_good(const char *main_text, const char *policy)
{
    scratch_write("domsec.conf", main_text);
    scratch_write("p/partner.test.conf", policy);
    return scratch_load_good();
}

static void expect_faults(const char *main_text, const char *policy, const char *expected)
{
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = load(main_text, policy, faults);
    g_autofree char *text = scratch_faults(faults);
    cr_expect_str_eq(text, expected);
    cr_expect_eq(conf == NULL, expected[0] != '\0' && strstr(expected, "warning: ") == NULL, "%s", policy);
}

Test(rules_conf, what_a_rule_leaves_out_is_the_bases)
{
    owned(conf) struct conf *conf =
        load_good(MAIN, DOMAIN
                  "outbound = { protect = \"sign\"; no_certificate = \"tempfail\"; require_review = \"r.pem\"; };\n"
                  "inbound = { require = \"sign\"; subject_unverified = \"[?]\"; };\n"
                  "rules = ( { when = { subject = \"[Top  Secret]\"; larger_than = 10; }; protect = \"encrypt\"; },\n"
                  "  { when = { kind = ( \"bounce\", \"list\" ); }; otherwise = \"tag\"; },\n"
                  "  { when = { from = ( \"*@acme.test\", \"a@partner.test\" ); }; otherwise = \"tag\"; "
                  "unauthentic = \"unsigned\"; lowers = true; require_review = (); },\n"
                  "  { when = { header = \"X-A :  B\\tC\"; login = \"joe\"; }; } );\n");
    const struct partner *partner = conf_partner(conf, "partner.test");
    cr_assert_eq(partner->rule_count, 4);
    const struct rule *rule = partner->rules;
    cr_expect_eq(rule[0].partner, partner);
    cr_expect_eq(rule[0].line, 4);
    cr_expect_eq(rule[0].outbound.protect, PROTECT_ENCRYPT);
    cr_expect_eq(rule[0].outbound.no_certificate, NO_CERTIFICATE_TEMPFAIL);
    cr_expect_str_eq(rule[0].outbound.require_review[0], partner->base.outbound.require_review[0]);
    cr_expect_eq(rule[0].criteria, CRITERION_BIT(CRITERION_SUBJECT) | CRITERION_BIT(CRITERION_LARGER_THAN));
    cr_expect_str_eq(rule[0].when.values[CRITERION_SUBJECT][0], "[top secret]");
    cr_expect(rule[0].leaves && !rule[0].arrives);
    cr_expect(!rule[1].leaves && rule[1].arrives);
    cr_expect_eq(rule[1].inbound.otherwise, OTHERWISE_TAG);
    cr_expect_eq(rule[1].inbound.require, REQUIRE_SIGN);
    cr_expect_str_eq(rule[1].inbound.subject_unverified, "[?]");
    cr_expect(rule[2].leaves && rule[2].arrives && rule[2].lowers);
    cr_expect_null(rule[2].outbound.require_review[0]);
    cr_expect_str_eq(rule[3].when.values[CRITERION_HEADER][0], "x-a: b c");
}

Test(rules_conf, a_rule_for_arriving_mail_has_no_words_of_the_sender)
{
    expect_faults(
        MAIN,
        DOMAIN "rules = ( { when = { header = \"A: b\"; }; otherwise = \"tag\"; },\n"
               "{ when = { subject = \"[x]\"; login = \"a\"; larger_than = 1; }; otherwise = \"tag\"; } );",
        "p/partner.test.conf:2: \"otherwise\" cannot be changed by \"header\"; use \"from\", \"to\" or \"kind\"\n"
        "p/partner.test.conf:3: \"otherwise\" cannot be changed by \"subject\"; use \"from\", \"to\" or \"kind\"\n"
        "p/partner.test.conf:3: \"otherwise\" cannot be changed by \"login\"; use \"from\", \"to\" or \"kind\"\n"
        "p/partner.test.conf:3: \"otherwise\" cannot be changed by \"larger_than\"; use \"from\", \"to\" or "
        "\"kind\"");
}

static const struct {
    const char *rule, *fault;
} bad[] = {
    {"{ protect = \"sign\"; }", "missing key \"when\": When the rule fits"},
    {"{ when = { }; protect = \"sign\"; }",
     "this rule has no criteria in \"when\"; settings for all mail belong in \"outbound\""},
    {"{ when = { from = (); larger_than = 0; }; protect = \"sign\"; }",
     "this rule has no criteria in \"when\"; settings for all mail belong in \"outbound\""},
    {"{ when = { kind = \"calender\"; }; }",
     "\"kind\" must be one of \"calendar\", \"auto-reply\", \"bounce\", \"list\", \"signed\", \"encrypted\", not "
     "\"calender\""},
    {"{ when = { login = \"a\"; }; require = \"none\"; }",
     "unknown key \"require\" here: it belongs in \"inbound\", and no rule changes it"},
    {"{ when = { login = \"a\"; }; cipher = \"aes-128-cbc\"; }",
     "unknown key \"cipher\" here: it belongs in the policy file itself, and no rule changes it"},
    {"{ when = { login = \"a\"; protect = \"sign\"; }; }",
     "unknown key \"protect\" here: it belongs in the rule, beside \"when\""},
    {"{ when = { login = \"a\"; lowers = true; }; }",
     "unknown key \"lowers\" here: it belongs in the rule, beside \"when\""},
    {"{ when = { login = \"a\"; }; lower = true; }", "unknown key \"lower\", did you mean \"lowers\"?"},
    {"{ when = { login = \"a\"; }; protct = \"sign\"; }", "unknown key \"protct\", did you mean \"protect\"?"},
    {"{ when = { login = \"a\"; header = \"X\"; }; }",
     "\"header\": \"X\" is not a field with its value, such as \"Sensitivity: private\""},
    {"{ when = { login = \"a\"; header = \"X Y: z\"; }; }",
     "\"header\": \"X Y\" is not the name of a header field, such as \"Sensitivity\""},
    {"{ when = { login = \"a\"; subject = \" x \"; }; }",
     "\"subject\": \" x \" is not a tag such as \"[encrypt]\", of 2 to 200 bytes"},
    {"{ when = { to = \"*@\"; }; }",
     "\"to\": \"*@\" is neither an address such as \"bob@acme.test\" nor a pattern such as \"*@acme.test\""},
    {"{ when = { login = \"a\"; to = \"bob\"; }; }",
     "\"to\": \"bob\" is neither an address such as \"bob@acme.test\" nor a pattern such as \"*@acme.test\""},
    {"{ when = { login = \"a\"; to = \"b*@acme.test\"; }; }",
     "\"to\": \"b*@acme.test\" is neither an address such as \"bob@acme.test\" nor a pattern such as \"*@acme.test\""},
    {"{ when = { from = \"list:board\"; }; }",
     "the list \"list:board\" is missing: the group \"lists\" in domsec.conf has no \"board\""},
    {"{ when = { from = \"list:\"; login = \"a\"; }; }",
     "\"from\": \"list:\" names no list; write \"list:NAME\" or \"file:PATH\""},
    {"{ when = { from = \"file:none\"; }; }", "the list \"file:none\" is missing: No such file or directory"},
    {"7", "each element of \"rules\" must be a group: { when = { \xe2\x80\xa6 }; \xe2\x80\xa6 }"},
};

Test(rules_conf, keys_in_the_wrong_group)
{
    expect_faults(
        MAIN, DOMAIN "outbound = { require = \"sign\";\nformat = \"opaque\"; };\ninbound = { protect = \"sign\"; };",
        "p/partner.test.conf:2: unknown key \"require\" here: it belongs in \"inbound\"\n"
        "p/partner.test.conf:3: unknown key \"format\" here: it belongs in the policy file itself, not in a "
        "group\n"
        "p/partner.test.conf:4: unknown key \"protect\" here: it belongs in \"outbound\"");
}

Test(rules_conf, bad_rules)
{
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *policy = g_strdup_printf(DOMAIN "rules = ( %s );", bad[i].rule);
        g_autofree char *expected = g_strdup_printf("p/partner.test.conf:2: %s", bad[i].fault);
        expect_faults(MAIN, policy, expected);
    }
    expect_faults(
        MAIN, DOMAIN "rules = { };",
        "p/partner.test.conf:2: \"rules\" must be a list of groups: ( { when = { \xe2\x80\xa6 }; \xe2\x80\xa6 }, "
        "\xe2\x80\xa6 )");
}

/* --- lists --- */

static char *holders(const struct conf *conf, const char *key)
{
    const char *const *names = conf_lists_holding(conf, key);
    return names != NULL ? g_strjoinv(" ", (char **)names) : g_strdup("");
}

Test(rules_conf, who_is_in_a_list)
{
    scratch_write("more", "# the others\n\n  Bob@ACME.test \nlist:two\n*@b\xc3\xbc"
                          "cher.test\r\n");
    owned(conf) struct conf *conf = load_good(
        MAIN
        "lists = { board = ( \"CEO@Acme.test\", \"*@legal.acme.test\", \"file:more\" ); two = \"ceo@acme.test\"; };",
        DOMAIN "rules = ( { when = { from = ( \"list:board\", \"x@acme.test\" ); }; } );");
    g_autofree char *file = scratch_path("more"), *name = g_strconcat("file:", file, NULL);
    static const struct {
        const char *key;
        bool board, two, more;
    } rows[] = {
        {"ceo@acme.test", true, true, true},      {"bob@acme.test", true, false, true},
        {"@legal.acme.test", true, false, false}, {"@xn--bcher-kva.test", true, false, true},
        {"@acme.test", false, false, false},      {"x@acme.test", false, false, false},
        {"CEO@acme.test", false, false, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *names = holders(conf, rows[i].key);
        cr_expect_eq(strstr(names, "list:board") != NULL, rows[i].board, "%s", rows[i].key);
        cr_expect_eq(strstr(names, "list:two") != NULL, rows[i].two, "%s", rows[i].key);
        cr_expect_eq(strstr(names, name) != NULL, rows[i].more, "%s", rows[i].key);
    }
    bool listed = g_strv_contains((const char *const *)conf->files, file);
    cr_expect(listed, "who may change the file is not looked at");
}

Test(rules_conf, bad_lists)
{
    scratch_write("bad", "bob@acme.test\nbob\n");
    scratch_write("round", "list:a\n");
    expect_faults(MAIN "lists = ( );", DOMAIN,
                  "domsec.conf:3: \"lists\" must be a group: { board = ( \"ceo@acme.test\" ); }");
    expect_faults(MAIN "lists = { a = 5; };", DOMAIN, "domsec.conf:3: \"a\" must be a list of strings, not an integer");
    expect_faults(MAIN "lists = { a = \"file:round\"; };", DOMAIN, "round:1: the list \"list:a\" contains itself");
    expect_faults(MAIN "lists = { a = \"file:bad\"; };", DOMAIN,
                  "bad:2: \"list\": \"bob\" is neither an address such as \"bob@acme.test\" nor a pattern such as "
                  "\"*@acme.test\"");
}

/* Also of a second reload. */
Test(rules_conf, a_missing_list_stays_at_a_reload)
{
    g_autofree char *file = scratch_path("domsec.conf"), *more = scratch_path("more");
    scratch_write("more", "bob@acme.test\n");
    owned(conf) struct conf *first =
        load_good(MAIN "lists = { board = \"ceo@acme.test\"; };",
                  DOMAIN "rules = ( { when = { from = \"list:board\"; }; }, { when = { from = \"file:more\"; }; } );");
    cr_expect_eq(g_unlink(more), 0);
    scratch_write("domsec.conf", MAIN);
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *second = conf_reload(file, first, faults);
    cr_assert_not_null(second);
    g_autofree char *text = scratch_faults(faults);
    cr_expect_str_eq(
        text,
        "p/partner.test.conf:2: warning: the list \"list:board\" is missing: the group \"lists\" in domsec.conf has "
        "no \"board\"; the old one stays in force\n"
        "p/partner.test.conf:2: warning: the list \"file:more\" is missing: No such file or directory; the old one "
        "stays in force");
    owned(conf) struct conf *third = conf_reload(file, second, faults);
    cr_assert_not_null(third);
    g_autofree char *board = holders(third, "ceo@acme.test"), *others = holders(third, "bob@acme.test");
    cr_expect_str_eq(board, "list:board");
    cr_expect(g_str_has_prefix(others, "file:"));
    owned(faults) struct faults *at_start = faults_new();
    owned(conf) struct conf *started = conf_load(file, at_start);
    cr_expect_null(started);
}

/* A program that writes the file anew empties it first. */
Test(rules_conf, an_emptied_list_stays_at_a_reload)
{
    static const char *const emptied[] = {"", "\n", "# the board\n", " \r\n#\n\n"};
    g_autofree char *file = scratch_path("domsec.conf");
    for (size_t i = 0; i < G_N_ELEMENTS(emptied); i++) {
        scratch_write("more", "# the board\nbob@acme.test\n");
        owned(conf) struct conf *first = load_good(MAIN "lists = { board = \"file:more\"; };",
                                                   DOMAIN "rules = ( { when = { from = \"file:more\"; }; } );");
        scratch_write("more", emptied[i]);
        owned(faults) struct faults *faults = faults_new(), *at_start = faults_new();
        owned(conf) struct conf *second = conf_reload(file, first, faults);
        cr_assert_not_null(second);
        g_autofree char *text = scratch_faults(faults), *holding = holders(second, "bob@acme.test");
        cr_expect_str_eq(text,
                         "domsec.conf:3: warning: the list \"file:more\" is missing: the file has no members; the "
                         "old one stays in force");
        cr_expect_not_null(strstr(holding, "list:board"), "%s", holding);
        cr_expect_not_null(strstr(holding, "file:"), "%s", holding);
        owned(conf) struct conf *started = conf_load(file, at_start);
        cr_expect_null(started);
        g_autofree char *told = scratch_faults(at_start);
        cr_expect_str_eq(told, "domsec.conf:3: the list \"file:more\" is missing: the file has no members");
    }
    scratch_write("more", "bob@acme.test\n");
    owned(conf) struct conf *none = load_good(MAIN "lists = { board = ( ); };", DOMAIN);
    cr_expect_null(conf_lists_holding(none, "bob@acme.test"));
}

/* --- rules that can never fit --- */

#define RULE(when) "{ when = { " when " }; }"

/* hidden: whether the second one can never fit. */
static const struct {
    const char *first, *second;
    bool hidden;
} pairs[] = {
    {RULE("subject = \"[a]\";"), RULE("subject = \"[A]\";"), true},
    {RULE("subject = ( \"[a]\", \"[b]\" );"), RULE("subject = \"[b]\";"), true},
    {RULE("subject = \"[b]\";"), RULE("subject = ( \"[a]\", \"[b]\" );"), false},
    {RULE("subject = \"[a]\";"), RULE("subject = \"[a]\"; login = \"x\";"), true},
    {RULE("subject = \"[a]\"; login = \"x\";"), RULE("subject = \"[a]\";"), false},
    {RULE("from = \"*@acme.test\";"), RULE("from = \"bob@acme.test\";"), true},
    {RULE("from = \"*@acme.test\";"), RULE("from = \"*@acme.test\"; kind = \"list\";"), true},
    {RULE("from = \"bob@acme.test\";"), RULE("from = \"*@acme.test\";"), false},
    {RULE("from = \"list:l\";"), RULE("from = \"list:l\";"), true},
    {RULE("from = \"list:l\";"), RULE("from = \"ceo@acme.test\";"), true},
    {RULE("from = ( \"list:l\", \"cfo@acme.test\" );"), RULE("from = ( \"ceo@acme.test\", \"cfo@acme.test\" );"), true},
    {RULE("from = \"list:l\";"), RULE("from = ( \"ceo@acme.test\", \"cfo@acme.test\" );"), false},
    {RULE("from = ( \"ceo@acme.test\", \"*@acme.test\" );"), RULE("from = \"ceo@acme.test\";"), true},
    {RULE("to = \"bob@partner.test\";"), RULE("from = \"bob@acme.test\";"), false},
    {RULE("larger_than = 10;"), RULE("larger_than = 20;"), true},
    {RULE("larger_than = 20;"), RULE("larger_than = 10;"), false},
    {RULE("login = \"x\";"), RULE("login = \"X\";"), true},
    {RULE("header = \"A: b\";"), RULE("header = \"a:  B\";"), true},
    {"{ when = { kind = \"list\"; }; otherwise = \"tag\"; }",
     "{ when = { kind = \"list\"; }; otherwise = \"reject\"; protect = \"none\"; }", false},
    {RULE("kind = \"list\";"), "{ when = { kind = \"list\"; }; otherwise = \"tag\"; }", false},
    {"{ when = { kind = \"list\"; }; otherwise = \"tag\"; protect = \"none\"; }", RULE("kind = \"list\";"), true},
};

Test(rules_conf, hidden_rules)
{
    for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autofree char *policy = g_strdup_printf(DOMAIN "rules = ( %s,\n%s );", pairs[i].first, pairs[i].second);
        expect_faults(MAIN "lists = { l = \"ceo@acme.test\"; };", policy,
                      pairs[i].hidden
                          ? "p/partner.test.conf:3: warning: this rule can never fit, because the one in line "
                            "2 fits whenever it would; put it before that one"
                          : "");
    }
}

Test(rules_conf, addresses_that_no_mail_has)
{
    static const struct {
        const char *rule, *warning;
    } rows[] = {
        {RULE("to = \"bob@acme.test\";"), "no address in \"to\" is of a domain that this file is for"},
        {RULE("to = \"*@sub.partner.test\";"), NULL},
        {RULE("to = ( \"bob@acme.test\", \"bob@partner.test\" );"), NULL},
        {RULE("from = \"*@partner.test\";"), "no address in \"from\" is in local_domains"},
        {RULE("from = \"list:foreign\";"), "no address in \"from\" is in local_domains"},
        {RULE("from = \"list:none\";"), "no address in \"from\" is in local_domains"},
        {"{ when = { from = \"*@partner.test\"; }; otherwise = \"tag\"; }", NULL},
        {"{ when = { from = \"*@acme.test\"; }; otherwise = \"tag\"; }",
         "no address in \"from\" is of a domain that this file is for"},
        {"{ when = { to = \"*@partner.test\"; }; otherwise = \"tag\"; }", "no address in \"to\" is in local_domains"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *policy = g_strdup_printf(DOMAIN "rules = ( %s );", rows[i].rule);
        g_autofree char *expected =
            rows[i].warning != NULL
                ? g_strdup_printf("p/partner.test.conf:2: warning: this rule can never fit: %s", rows[i].warning)
                : g_strdup("");
        expect_faults(MAIN "lists = { foreign = ( \"a@partner.test\", \"*@other.test\" ); none = (); };", policy,
                      expected);
    }
}

/* What others than users ask for may be less than `outbound`. */
Test(rules_conf, words_that_do_not_lower)
{
    static const struct {
        const char *base, *rules;
        bool warned;
    } rows[] = {
        {"sign", "{ when = { kind = \"calendar\"; }; protect = \"none\"; }", true},
        {"sign+encrypt", "{ when = { subject = \"[plain]\"; login = \"a\"; }; protect = \"sign\"; }", true},
        {"triple", "{ when = { larger_than = 9; }; protect = \"sign+encrypt\"; }", true},
        {"sign+encrypt", "{ when = { header = \"A: b\"; }; protect = \"encrypt\"; lowers = true; }", false},
        {"sign+encrypt", "{ when = { header = \"A: b\"; }; protect = \"none\"; refuse = true; }", false},
        {"sign", "{ when = { subject = \"[encrypt]\"; }; protect = \"encrypt\"; }", false},
        {"sign", "{ when = { subject = \"[x]\"; }; header_protection = \"sign\"; }", false},
        {"opportunistic", "{ when = { kind = \"calendar\"; }; protect = \"sign\"; }", true},
        {"sign+encrypt", "{ when = { header = \"A: b\"; }; protect = \"opportunistic\"; }", true},
        {"sign", "{ when = { header = \"A: b\"; }; protect = \"opportunistic\"; }", false},
        {"opportunistic", "{ when = { header = \"A: b\"; }; protect = \"encrypt\"; }", false},
        {"sign", "{ when = { kind = \"list\"; }; otherwise = \"tag\"; }", false},
        {"sign", "{ when = { from = \"a@acme.test\"; }; protect = \"none\"; }", false},
        {"none", "{ when = { kind = \"calendar\"; }; protect = \"none\"; }", false},
        {"sign+encrypt",
         "{ when = { subject = \"[s]\"; }; protect = \"sign\"; }, { when = { login = \"a\"; }; protect = \"none\"; }",
         false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *policy =
            g_strdup_printf(DOMAIN "outbound = { protect = \"%s\"; }; rules = ( %s );", rows[i].base, rows[i].rules);
        expect_faults(MAIN, policy,
                      rows[i].warned ? "p/partner.test.conf:2: warning: \"protect\" has no effect: the rule fits by "
                                       "the sender's words, which only add protection; write lowers = true if mail "
                                       "that fits shall have less than other mail"
                                     : "");
    }
}

Test(rules_conf, tags_that_are_words)
{
    expect_faults(
        MAIN, DOMAIN "rules = ( { when = { subject = ( \"Geheim\", \"[geheim]\", \"geheim:\" ); }; } );",
        "p/partner.test.conf:2: warning: \"subject\": each Subject that begins with \"geheim\" has this tag, and loses "
        "it; write \"[geheim]\"");
    expect_faults(MAIN, DOMAIN "rules = ( { when = { subject = \"streng vertraulich\"; }; } );",
                  "p/partner.test.conf:2: warning: \"subject\": each Subject that begins with \"streng vertraulich\" "
                  "has this tag, and loses it; write \"[streng vertraulich]\"");
}

Test(rules_conf, lowers_and_test_mode_are_named)
{
    owned(conf) struct conf *conf =
        load_good(MAIN, DOMAIN "mode = \"test\"; rules = ( { when = { kind = \"list\"; }; lowers = true; },\n"
                               "{ when = { login = \"a\"; }; lowers = true; }, { when = { kind = \"bounce\"; }; } );");
    owned(faults) struct faults *faults = faults_new();
    conf_note_policies(conf, faults);
    g_autofree char *text = scratch_faults(faults);
    cr_expect_str_eq(text, "p/partner.test.conf:2: note: \"mode\" is \"test\": what this policy decides is logged and "
                           "not done\n"
                           "p/partner.test.conf:2: note: \"lowers\": by this rule, what a sender writes can lower the "
                           "protection\n"
                           "p/partner.test.conf:3: note: \"lowers\" has no effect: the rule does not fit by the "
                           "sender's words");
}

/* --- templates --- */

#define TEMPLATE                                                                                                       \
    "template = true;\noutbound = { protect = \"sign\"; unauthentic = \"unsigned\"; };\ncipher = \"aes-128-cbc\";\n"   \
    "revocation = { check = \"soft\"; };\nrules = ( { when = { login = \"t\"; }; protect = \"encrypt\"; } );\n"

static void expect_origin(const struct conf *conf, const void *value, const char *file, unsigned line)
{
    const struct value_origin *origin = conf_origin(conf, value);
    cr_assert_eq(origin != NULL, file != NULL);
    if (file == NULL)
        return;
    g_autofree char *path = scratch_path(file);
    cr_expect_str_eq(origin->file, path);
    cr_expect_eq(origin->line, line);
}

Test(rules_conf, what_stands_in_the_file_wins)
{
    scratch_write("p/profiles/t.conf", TEMPLATE);
    for (int i = 0; i < 2; i++) {
        g_autofree char *policy = g_strdup_printf(
            DOMAIN "outbound = { protect = \"triple\"; };\nuse = \"profiles/t%s\";\nrevocation = { crls = \"c\"; };",
            i > 0 ? ".conf" : "");
        owned(conf) struct conf *conf = load_good(MAIN, policy);
        cr_assert_eq(conf->partner_count, 2);
        const struct partner *partner = conf_partner(conf, "partner.test");
        cr_expect_eq(partner->base.outbound.protect, PROTECT_TRIPLE);
        cr_expect_eq(partner->base.outbound.unauthentic, UNAUTHENTIC_UNSIGNED);
        cr_expect_eq(partner->form.cipher, CIPHER_AES_128_CBC);
        cr_expect_eq(partner->revocation->check, REVOCATION_CHECK_SOFT);
        cr_assert_eq(partner->rule_count, 1);
        cr_expect_eq(partner->rules[0].outbound.unauthentic, UNAUTHENTIC_UNSIGNED);
        expect_origin(conf, &partner->base.outbound.protect, "p/partner.test.conf", 2);
        expect_origin(conf, &partner->base.outbound.unauthentic, "p/profiles/t.conf", 2);
        expect_origin(conf, &partner->form.cipher, "p/profiles/t.conf", 3);
        expect_origin(conf, &partner->rules[0].outbound.protect, "p/profiles/t.conf", 5);
        expect_origin(conf, &partner->form.digest, NULL, 0);
        bool listed = false;
        for (char **file = conf->files; *file != NULL; file++)
            listed |= g_str_has_suffix(*file, "/p/profiles/t.conf");
        cr_expect(listed, "who may change the file is not looked at");
    }
}

Test(rules_conf, a_list_of_the_file_replaces_that_of_the_template)
{
    scratch_write("p/t.conf", TEMPLATE);
    owned(conf) struct conf *conf = load_good(MAIN, DOMAIN "use = \"t\"; rules = ( );");
    cr_assert_eq(conf->partner_count, 2); /* the template is no policy */
    cr_expect_eq(conf_partner(conf, "partner.test")->rule_count, 0);
}

/* The values that a rule leaves out are those of the file, wherever the rule stands. */
Test(rules_conf, rules_of_a_template_follow_the_file)
{
    scratch_write("p/t.conf",
                  "template = true;\noutbound = { protect = \"sign\"; no_certificate = \"tempfail\"; };\n"
                  "inbound = { require = \"sign+encrypt\"; otherwise = \"reject\"; subject_unverified = \"[old]\"; "
                  "subject_verified = \"[kept]\"; };\n"
                  "rules = ( { when = { from = \"*@partner.test\"; }; otherwise = \"tag\"; },\n"
                  "  { when = { login = \"l\"; }; } );\nlabels = ( { policy = \"1.2.3\"; value = \"T\"; } );\n");
    owned(conf) struct conf *conf =
        load_good(MAIN, DOMAIN "use = \"t\";\nlabel_header = \"X-Label\";\n"
                               "outbound = { protect = \"sign+encrypt\"; };\n"
                               "inbound = { require = \"sign\"; subject_unverified = \"[new]\"; };\n");
    const struct partner *partner = conf_partner(conf, "partner.test");
    cr_assert_eq(partner->rule_count, 2);
    const struct rule *arrives = &partner->rules[0], *leaves = &partner->rules[1];
    cr_expect_eq(arrives->inbound.otherwise, OTHERWISE_TAG);
    cr_expect_eq(arrives->inbound.require, REQUIRE_SIGN);
    cr_expect_str_eq(arrives->inbound.subject_unverified, "[new]");
    cr_expect_str_eq(arrives->inbound.subject_verified, "[kept]");
    cr_expect_eq(leaves->outbound.protect, PROTECT_SIGN_ENCRYPT);
    cr_expect_eq(leaves->outbound.no_certificate, NO_CERTIFICATE_TEMPFAIL);
    cr_expect(g_str_has_suffix(leaves->file, "/p/t.conf"));
    cr_expect_eq(leaves->line, 5);
    cr_expect_eq(partner->label_count, 1);
}

/* What is wrong with a rule of the template is said of its line, under the values that the file gives it. */
Test(rules_conf, rules_of_a_template_are_checked_with_the_file)
{
    scratch_write("p/t.conf", "template = true;\nrules = ( { when = { login = \"l\"; }; review = true; },\n"
                              "  { when = { login = \"m\"; }; sign_as = \"domain\"; review = true; } );\n");
    expect_faults(
        MAIN, DOMAIN "use = \"t\"; outbound = { sign_as = \"mailbox\"; };",
        "p/t.conf:2: \"review\" goes inside the domain's signature, and \"sign_as\" is \"mailbox\"; set it to "
        "\"mailbox+domain\"");
}

/* No value of a list that was replaced is left where another one may come to stand. */
Test(rules_conf, a_list_of_a_template_that_is_replaced_is_not_read)
{
    scratch_write("p/t.conf",
                  "template = true;\nrules = ( { when = { kind = \"calender\"; }; protect = \"sign\"; } );\n");
    owned(conf) struct conf *conf =
        load_good(MAIN, DOMAIN "use = \"t\"; rules = ( { when = { login = \"l\"; }; lowers = true; } );");
    const struct rule *rule = conf_partner(conf, "partner.test")->rules;
    expect_origin(conf, &rule->outbound.protect, NULL, 0);
    expect_origin(conf, &rule->lowers, "p/partner.test.conf", 2);
}

Test(rules_conf, bad_templates)
{
    scratch_write("p/a/plain.conf", "cipher = \"aes-128-cbc\";\n");
    scratch_write("p/a/nested.conf", "template = true;\nuse = \"a/plain\";\n");
    scratch_write("p/a/named.conf", "template = true;\ndomain = \"x.test\";\n");
    scratch_write("p/a/bad.conf", "template = true;\ndigest = \"rot13\";\n");
    static const struct {
        const char *use, *faults;
    } rows[] = {
        {"a/plain", "p/partner.test.conf:2: \"use\": p/a/plain.conf does not say template = true"},
        {"a/nested", "p/a/nested.conf: a template has neither \"domain\" nor \"use\""},
        {"a/named", "p/a/named.conf: a template has neither \"domain\" nor \"use\""},
        {"a/bad", "p/a/bad.conf:2: \"digest\" must be one of \"sha256\", \"sha384\", \"sha512\", not \"rot13\""},
        {"a/none", "p/partner.test.conf:2: \"use\": no such file: a/none, neither beside the policy files nor beside "
                   "domsec.conf nor in " DOMSEC_DATADIR},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *policy = g_strdup_printf(DOMAIN "use = \"%s\";\n", rows[i].use);
        expect_faults(MAIN, policy, rows[i].faults);
    }
}

/* --- many --- */

/* The steps of the check for hidden rules are at most a few for each pair. */
Test(rules_conf, thousands_of_rules_load)
{
    GString *policy = g_string_new(DOMAIN "rules = (\n");
    for (int i = 0; i < 5000; i++)
        g_string_append_printf(
            policy, "%s{ when = { from = ( \"u%d@acme.test\", \"v%d@acme.test\" ); subject = \"[t%d]\"; }; }",
            i > 0 ? ",\n" : "", i, i, i);
    g_string_append(policy, " );");
    owned(conf) struct conf *conf = load_good(MAIN, policy->str);
    g_string_free(policy, TRUE);
    const struct partner *partner = conf_partner(conf, "partner.test");
    size_t count = 0;
    const unsigned *rules = partner_rules_with(partner, CRITERION_FROM, "v4711@acme.test", &count);
    cr_assert_eq(count, 1);
    cr_expect_eq(rules[0], 4711);
    cr_expect_null(partner_rules_with(partner, CRITERION_FROM, "u1@partner.test", &count));
    cr_expect_eq(count, 0);
    cr_expect_eq(g_strv_length(conf->tags), 5000);
}
