/* SPDX-License-Identifier: Apache-2.0 */
/* What `revocation` and `crls` come to, in domsec.conf and under a partner. */
#include "support/scratch.h"

#include "conf/conf.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(revocation_conf, .init = scratch_setup, .fini = scratch_teardown);

#define OFF REVOCATION_CHECK_OFF
#define SOFT REVOCATION_CHECK_SOFT
#define HARD REVOCATION_CHECK_HARD
#define NO_LISTS                                                                                                       \
    "\"check\" is \"hard\", there are no \"crls\", and nothing is fetched, so mail is deferred unless it brings the "  \
    "lists of its signer's authorities"

static void expect_crls(char *const *crls, const char *expected)
{
    g_autoptr(GString) names = g_string_new(NULL);
    for (; *crls != NULL; crls++) {
        g_autofree char *name = g_path_get_basename(*crls);
        g_string_append_printf(names, "%s ", name);
    }
    cr_expect_str_eq(names->str, expected);
}

Test(revocation_conf, groups_and_their_short_form)
{
    static const struct {
        const char *main, *partner;
        enum revocation_check check, partner_check;
        const char *crls, *partner_crls, *warning;
    } rows[] = {
        {"", "", OFF, OFF, "", "", NULL},
        {"crls = ( \"a\" );", "", HARD, HARD, "a ", "a ", NULL},
        {"revocation = { };", "", OFF, OFF, "", "", NULL},
        {"revocation = { crls = ( \"a\", \"b\" ); };", "", HARD, HARD, "a b ", "a b ", NULL},
        {"revocation = { check = \"soft\"; crls = ( \"a\" ); };", "", SOFT, SOFT, "a ", "a ", NULL},
        {"revocation = { check = \"soft\"; };", "", SOFT, SOFT, "", "", NULL},
        {"crls = ( \"a\" );\nrevocation = { check = \"soft\"; };", "", SOFT, SOFT, "a ", "a ", NULL},
        {"revocation = { check = \"off\"; };\ncrls = ( \"a\" );", "", OFF, OFF, "a ", "a ", NULL},
        {"crls = ( \"a\" );", "revocation = { check = \"off\"; };", HARD, OFF, "a ", "", NULL},
        {"crls = ( \"a\" );", "revocation = { };", HARD, OFF, "a ", "", NULL},
        {"crls = ( \"a\" );", "revocation = { check = \"soft\"; crls = ( \"p\" ); };", HARD, SOFT, "a ", "p ", NULL},
        {"crls = ( \"a\" );", "revocation = { check = \"hard\"; };", HARD, HARD, "a ", "", NULL},
        {"", "revocation = { crls = ( \"p\" ); };", OFF, HARD, "", "p ", NULL},
        {"", "revocation = { check = \"hard\"; };", OFF, HARD, "", "", NULL},
        {"", "revocation = { check = \"hard\"; fetch = false; ocsp = false; };", OFF, HARD, "", "",
         "policy.d/partner.conf:2: warning: " NO_LISTS},
        {"revocation = { check = \"hard\"; fetch = false; ocsp = false; };", "", HARD, HARD, "", "",
         "domsec.conf:3: warning: " NO_LISTS},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text =
            g_strconcat("local_domains = ( \"acme.test\" );\npolicy_dir = \"policy.d\";\n", rows[i].main, "\n", NULL);
        g_autofree char *policy = g_strconcat("domain = \"partner.test\";\n", rows[i].partner, "\n", NULL);
        scratch_write("domsec.conf", text);
        scratch_write("policy.d/partner.conf", policy);
        owned(faults) struct faults *faults = faults_new();
        owned(conf) struct conf *conf = scratch_load(faults);
        cr_assert_not_null(conf, "row %zu: %s", i, faults_count(faults) > 0 ? faults_at(faults, 0) : "");
        cr_expect_eq(conf->revocation.check, rows[i].check, "row %zu", i);
        expect_crls(conf->revocation.crls, rows[i].crls);
        const struct partner *partner = conf_partner(conf, "partner.test");
        cr_expect_eq(partner->revocation->check, rows[i].partner_check, "row %zu", i);
        expect_crls(partner->revocation->crls, rows[i].partner_crls);
        cr_expect_eq(conf_partner(conf, "other.test")->revocation, &conf->revocation);
        cr_assert_eq(faults_count(faults), rows[i].warning != NULL, "row %zu", i);
        if (rows[i].warning != NULL)
            cr_expect(g_str_has_suffix(faults_at(faults, 0), rows[i].warning), "%s", faults_at(faults, 0));
    }
}

/* Lists alone mean what they meant before anything could be fetched. */
Test(revocation_conf, what_is_fetched)
{
    static const struct {
        const char *main, *partner;
        bool fetch, ocsp, partner_fetch, partner_ocsp;
    } rows[] = {
        {"revocation = { check = \"hard\"; };", "", true, true, true, true},
        {"crls = ( \"a\" );", "", false, false, false, false},
        {"crls = ( \"a\" );", "revocation = { check = \"hard\"; };", false, false, false, false},
        {"crls = ( \"a\" );", "revocation = { check = \"hard\"; fetch = true; };", false, false, true, false},
        {"revocation = { crls = ( \"a\" ); ocsp = true; };", "", false, true, false, true},
        {"revocation = { check = \"soft\"; fetch = false; };", "revocation = { check = \"hard\"; };", false, true,
         false, true},
        {"revocation = { check = \"soft\"; };", "revocation = { crls = ( \"p\" ); };", true, true, false, false},
        {"", "revocation = { check = \"soft\"; };", true, true, true, true},
        {"", "use = \"t.tpl\"; revocation = { check = \"soft\"; };", true, true, false, true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text =
            g_strconcat("local_domains = ( \"acme.test\" );\npolicy_dir = \"policy.d\";\n", rows[i].main, "\n", NULL);
        g_autofree char *policy = g_strconcat("domain = \"partner.test\";\n", rows[i].partner, "\n", NULL);
        scratch_write("domsec.conf", text);
        scratch_write("policy.d/partner.conf", policy);
        scratch_write("policy.d/t.tpl", "template = true; revocation = { fetch = false; };");
        owned(faults) struct faults *faults = faults_new();
        owned(conf) struct conf *conf = scratch_load(faults);
        cr_assert_not_null(conf, "row %zu: %s", i, faults_count(faults) > 0 ? faults_at(faults, 0) : "");
        const struct revocation_conf *of_partner = conf_partner(conf, "partner.test")->revocation;
        cr_expect_eq(conf->revocation.fetch, rows[i].fetch, "row %zu", i);
        cr_expect_eq(conf->revocation.ocsp, rows[i].ocsp, "row %zu", i);
        cr_expect(conf->revocation.ocsp_nonce);
        cr_expect_eq(of_partner->fetch, rows[i].partner_fetch, "row %zu", i);
        cr_expect_eq(of_partner->ocsp, rows[i].partner_ocsp, "row %zu", i);
    }
}
