/* SPDX-License-Identifier: Apache-2.0 */
/* The groups `require_certificate` and `sign_with` of a policy file. */
#include "support/scratch.h"

#include "conf/conf.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(demands_conf, .init = scratch_setup, .fini = scratch_teardown);

static struct conf *load(const char *group, struct faults *faults)
{
    g_autofree char *policy = g_strdup_printf("domain = \"partner.test\";\nrequire_certificate = { %s };\n", group);
    scratch_write("domsec.conf", "local_domains = ( \"acme.test\" );\npolicy_dir = \"policy.d\";\n");
    scratch_write("policy.d/partner.conf", policy);
    return scratch_load(faults);
}

Test(demands_conf, every_key)
{
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf =
        load("smime_br = ( \"organization\", \"sponsor\" ); generations = \"strict\"; policies = ( \"2.16.1\" );\n"
             "keys = ( \"rsa-3072\", \"p-384\" ); issuers = ( \"anchors/ca.pem\" ); split_keys = true;",
             faults);
    cr_assert_not_null(conf, "%s", faults_count(faults) > 0 ? faults_at(faults, 0) : "");
    const struct demands_conf *demands = &conf_partner(conf, "partner.test")->demands;
    cr_expect_str_eq(demands->types[1], "sponsor");
    cr_expect_str_eq(demands->generations[0], "strict");
    cr_expect_str_eq(demands->policies[0], "2.16.1");
    cr_expect_str_eq(demands->keys[0], "rsa-3072");
    cr_expect(g_path_is_absolute(demands->issuers[0]));
    cr_expect_eq(demands->issuers_line, 3);
    cr_expect(demands->split_keys);
}

Test(demands_conf, nothing_is_asked_for_by_default)
{
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = load("", faults);
    cr_assert_not_null(conf);
    const struct demands_conf *demands = &conf_partner(conf, "other.test")->demands;
    cr_expect_null(demands->types[0]);
    cr_expect_null(demands->generations[0]);
    cr_expect_null(demands->policies[0]);
    cr_expect_null(demands->keys[0]);
    cr_expect_null(demands->issuers[0]);
    cr_expect_not(demands->split_keys);
}

Test(demands_conf, faults_name_the_words)
{
    static const struct {
        const char *group, *fault;
    } rows[] = {
        {"smime_br = ( \"sponsored\" );",
         "\"sponsored\" is not one of \"mailbox\", \"organization\", \"sponsor\", \"individual\""},
        {"generations = ( \"modern\" );", "\"modern\" is not one of \"legacy\", \"multipurpose\", \"strict\""},
        {"policies = ( \"organization\" );", "\"organization\" is not a dotted object identifier"},
        {"keys = ( \"rsa-1024\" );", "\"rsa-1024\" is not a kind of key"},
        {"keys = ( \"rsa-\" );", "is not a kind of key"},
        {"keys = ( \"rsa-3072x\" );", "is not a kind of key"},
        {"keys = ( \"secp256k1\" );", "is not a kind of key"},
        {"split_key = true;", "unknown key \"split_key\""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(faults) struct faults *faults = faults_new();
        owned(conf) struct conf *conf = load(rows[i].group, faults);
        cr_expect_null(conf, "row %zu", i);
        cr_expect(faults_count(faults) > 0 && strstr(faults_at(faults, 0), rows[i].fault) != NULL, "row %zu: %s", i,
                  faults_count(faults) > 0 ? faults_at(faults, 0) : "");
    }
}

/* --- sign_with --- */

static struct conf *load_policy(const char *policy, struct faults *faults)
{
    g_autofree char *text = g_strdup_printf("domain = \"partner.test\";\n%s\n", policy);
    scratch_write("domsec.conf", "local_domains = ( \"acme.test\" );\npolicy_dir = \"policy.d\";\n");
    scratch_write("policy.d/partner.conf", text);
    scratch_write("policy.d/profiles/strict",
                  "template = true; outbound = { protect = \"sign\"; sign_with = { origin = ( "
                  "\"token\" ); escrowed = false; }; };\n");
    return scratch_load(faults);
}

/* "token,cloud false - true" */
static char *tell(const struct sign_with_conf *with)
{
    static const char *const words[] = {"-", "false", "true"};
    g_autofree char *origins = g_strjoinv(",", with->origins);
    return g_strdup_printf("%s %s %s %s", origins, words[with->escrowed], words[with->dual_use],
                           words[with->content_commitment]);
}

/* A key that a rule, or a file that uses another, leaves out is that of the base, or of the other file. */
Test(demands_conf, sign_with)
{
    static const struct {
        const char *policy, *base, *rule; /* rule NULL: there is none */
    } rows[] = {
        {"outbound = { protect = \"sign\"; };", " - - -", NULL},
        {"outbound = { sign_with = { }; };", " - - -", NULL},
        {"outbound = { sign_with = { origin = ( \"token\", \"cloud\" ); escrowed = false; dual_use = false; "
         "content_commitment = true; }; };",
         "token,cloud false false true", NULL},
        {"outbound = { sign_with = { origin = \"os\"; escrowed = true; dual_use = true; content_commitment = false; }; "
         "};",
         "os true true false", NULL},
        {"outbound = { sign_with = { origin = \"os\"; escrowed = false; }; };\n"
         "rules = ( { when = { from = \"a@acme.test\"; }; protect = \"sign\"; } );",
         "os false - -", "os false - -"},
        {"outbound = { sign_with = { origin = \"os\"; escrowed = false; }; };\n"
         "rules = ( { when = { from = \"a@acme.test\"; }; sign_with = { escrowed = true; dual_use = false; }; } );",
         "os false - -", "os true false -"},
        {"rules = ( { when = { from = \"a@acme.test\"; }; sign_with = { origin = ( ); content_commitment = true; }; } "
         ");",
         " - - -", " - - true"},
        {"use = \"profiles/strict\"; outbound = { sign_with = { escrowed = true; content_commitment = true; }; };",
         "token true - true", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(faults) struct faults *faults = faults_new();
        owned(conf) struct conf *conf = load_policy(rows[i].policy, faults);
        cr_assert_not_null(conf, "row %zu: %s", i, faults_count(faults) > 0 ? faults_at(faults, 0) : "");
        const struct partner *partner = conf_partner(conf, "partner.test");
        g_autofree char *base = tell(&partner->base.outbound.sign_with);
        cr_expect_str_eq(base, rows[i].base, "row %zu", i);
        cr_expect_eq(partner->rule_count, rows[i].rule != NULL ? 1 : 0);
        g_autofree char *rule = partner->rule_count > 0 ? tell(&partner->rules[0].outbound.sign_with) : NULL;
        cr_expect_eq(g_strcmp0(rule, rows[i].rule), 0, "row %zu: %s", i, rule);
    }
}

Test(demands_conf, sign_with_faults)
{
    static const struct {
        const char *group, *fault;
    } rows[] = {
        {"origin = ( \"tokens\" );", "\"origin\": \"tokens\" is not one of \"ca\", \"token\", \"os\""},
        {"escrowed = \"no\";", "\"escrowed\" must be true or false, not a string"},
        {"split_keys = true;", "unknown key \"split_keys\""},
        {"dual = false;", "unknown key \"dual\""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(faults) struct faults *faults = faults_new();
        g_autofree char *policy = g_strdup_printf("outbound = { sign_with = { %s }; };", rows[i].group);
        owned(conf) struct conf *conf = load_policy(policy, faults);
        cr_expect_null(conf, "row %zu", i);
        cr_expect(faults_count(faults) > 0 && strstr(faults_at(faults, 0), rows[i].fault) != NULL, "row %zu: %s", i,
                  faults_count(faults) > 0 ? faults_at(faults, 0) : "");
    }
}
