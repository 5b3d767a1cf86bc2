/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles among the anchors, in domsec.conf and in policy files. */
#include "support/scratch.h"

#include "conf/paths.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(bundles_conf, .init = scratch_setup, .fini = scratch_teardown);

#define MAIN "local_domains = ( \"acme.test\" );\npolicy_dir = \"policy.d\";\n"
#define STORE "store = \"sqlite:store.db\";\n"

/* One line for each: "url|file signers ca refresh". */
static char *shown(const struct bundles_conf *bundles)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < bundles->count; i++) {
        const struct bundle_conf *bundle = &bundles->list[i];
        g_autofree char *file = bundle->file != NULL ? g_path_get_basename(bundle->file) : g_strdup("-");
        g_autofree char *ca = g_path_get_basename(bundle->ca);
        g_string_append_printf(text, "%s %s %u %s %u:%u\n", bundle->url != NULL ? bundle->url : "-", file,
                               g_strv_length(bundle->signers), ca, bundle->refresh, bundle->line);
    }
    return g_strdup(text->str);
}

Test(bundles_conf, files_urls_and_groups_stand_in_one_list)
{
    scratch_write("domsec.conf",
                  MAIN STORE "trust_anchors = ( \"a.pem\",\n"
                             "  \"https://b.test/x.p7b\",\n"
                             "  { url = \"http://b.test/s.p7m\"; signer = \"s.pem\"; ca = \"ca.pem\"; refresh = 2; },\n"
                             "  \"b.pem\",\n"
                             "  { file = \"f.p7m\"; signer = ( \"s.pem\", \"t.pem\" ); } );\n");
    scratch_write("policy.d/partner.test.conf", "domain = \"partner.test\";\nanchors = \"https://p.test/y\";\n");
    scratch_write("policy.d/group.test.conf",
                  "domain = \"group.test\";\nanchors = { url = \"https://g.test/y\"; refresh = 720; };\n");
    scratch_write("policy.d/plain.test.conf", "domain = \"plain.test\";\n");
    owned(conf) struct conf *conf = scratch_load_good();
    g_autofree char *global = shown(&conf->bundles);
    g_autofree char *partner = shown(&conf_partner(conf, "partner.test")->bundles);
    g_autofree char *group = shown(&conf_partner(conf, "group.test")->bundles);
    cr_expect_str_eq(global, "https://b.test/x.p7b - 0 ca-certificates.crt 24:5\n"
                             "http://b.test/s.p7m - 1 ca.pem 2:6\n"
                             "- f.p7m 2 ca-certificates.crt 24:8\n");
    cr_expect_str_eq(partner, "https://p.test/y - 0 ca-certificates.crt 24:2\n");
    cr_expect_str_eq(group, "https://g.test/y - 0 ca-certificates.crt 720:2\n");
    cr_expect_eq(g_strv_length(conf->trust_anchors), 2);
    cr_expect(g_str_has_suffix(conf->trust_anchors[1], "/b.pem"), "%s", conf->trust_anchors[1]);
    cr_expect(conf_has_anchors(conf_partner(conf, "partner.test")));
    cr_expect(conf_has_anchors(conf_partner(conf, "group.test")));
    cr_expect_not(conf_has_anchors(conf_partner(conf, "plain.test")));
}

/* The list of the file replaces that of the template. */
Test(bundles_conf, templates)
{
    scratch_write("domsec.conf", MAIN STORE);
    scratch_write("policy.d/t/base.conf", "template = true;\nanchors = ( \"https://t.test/y\" );\n");
    scratch_write("policy.d/a.test.conf", "domain = \"a.test\";\nuse = \"t/base\";\n");
    scratch_write("policy.d/b.test.conf", "domain = \"b.test\";\nuse = \"t/base\";\nanchors = ( \"b.pem\" );\n");
    owned(conf) struct conf *conf = scratch_load_good();
    const struct partner *a = conf_partner(conf, "a.test"), *b = conf_partner(conf, "b.test");
    cr_expect(a->bundles.count == 1 && a->anchors[0] == NULL);
    cr_expect(b->bundles.count == 0 && b->anchors[0] != NULL && b->anchors[1] == NULL);
}

Test(bundles_conf, faults)
{
    static const struct {
        const char *anchors, *store, *says;
    } rows[] = {
        {"\"http://b.test/x\"", STORE, ":3: http://b.test/x can be changed on the way; use https:"},
        {"{ url = \"http://b.test/x\"; }", STORE, ":3: http://b.test/x can be changed on the way"},
        {"\"https://b.test/x\"", "", ":3: https://b.test/x needs \"store\""},
        {"{ signer = \"s.pem\"; }", STORE, ":3: \"trust_anchors\": a bundle needs either \"url\" or \"file\""},
        {"{ url = \"https://b.test/x\"; file = \"f\"; signer = \"s\"; }", STORE, "either \"url\" or \"file\""},
        {"{ file = \"f\"; }", STORE, ":3: \"trust_anchors\": a bundle with \"file\" needs \"signer\""},
        {"{ file = \"f\"; signer = \"s\"; ca = \"c\"; }", STORE, "\"ca\" is for a bundle with \"url\""},
        {"{ file = \"f\"; signer = \"s\"; refresh = 1; }", STORE, "\"refresh\" is for a bundle with \"url\""},
        {"{ url = \"https://b.test/x\"; refresh = 0; }", STORE, "\"refresh\" must be from 1 to 720"},
        {"{ url = \"ldap://b.test/x\"; signer = \"s\"; }", STORE, "\"ldap://b.test/x\" is not a URL such as"},
        {"\"ftp://b.test/x\"", STORE, "\"ftp://b.test/x\" is not a URL such as"},
        {"\"https:///x\"", STORE, "\"https:///x\" is not a URL such as"},
        {"{ url = \"https://b.test/x\"; signers = \"s\"; }", STORE, "did you mean \"signer\"?"},
        {"7", STORE, "\"trust_anchors\" must be a list of strings"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf("local_domains = ( \"acme.test\" );\n\ntrust_anchors = ( %s );\n%s",
                                                rows[i].anchors, rows[i].store);
        scratch_write("domsec.conf", text);
        owned(faults) struct faults *faults = faults_new();
        owned(conf) struct conf *conf = scratch_load(faults);
        g_autofree char *all = scratch_faults(faults);
        cr_expect_null(conf, "row %zu", i);
        cr_expect_geq(faults_errors(faults), 1, "row %zu: %s", i, all);
        cr_expect_not_null(strstr(all, rows[i].says), "row %zu: %s", i, all);
    }
}

static void count(void *context, const char *path)
{
    static const char *const names[] = {"/f.p7m", "/s.pem", "/ca.pem", "/p.pem", "/a.pem"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        *(unsigned *)context += g_str_has_suffix(path, names[i]);
}

/* For a backup. */
Test(bundles_conf, files_are_named)
{
    unsigned found = 0;
    scratch_write("domsec.conf",
                  MAIN STORE "trust_anchors = ( \"a.pem\", { file = \"f.p7m\"; signer = \"s.pem\"; } );\n");
    scratch_write("policy.d/partner.test.conf",
                  "domain = \"partner.test\";\n"
                  "anchors = { url = \"https://p.test/y\"; ca = \"ca.pem\"; signer = \"p.pem\"; };\n");
    owned(conf) struct conf *conf = scratch_load_good();
    conf_each_path(conf, count, &found);
    cr_expect_eq(found, 5);
}
