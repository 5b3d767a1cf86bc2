/* SPDX-License-Identifier: Apache-2.0 */
/* The group dns of domsec.conf. */
#include "support/scratch.h"

TestSuite(dns_conf, .init = scratch_setup, .fini = scratch_teardown);

static void write_group(const char *group)
{
    g_autofree char *text = g_strdup_printf("local_domains = \"acme.test\";\n%s\n", group);
    scratch_write("domsec.conf", text);
}

Test(dns_conf, defaults)
{
    write_group("");
    owned(conf) struct conf *conf = scratch_load_good();
    cr_expect_str_eq(conf->dns.resolver[0], "system");
    cr_expect_null(conf->dns.resolver[1]);
    cr_expect_str_eq(conf->dns.records[0], "smimea");
    cr_expect_str_eq(conf->dns.records[1], "cert");
    cr_expect_eq(conf->dns.timeout, 5);
    cr_expect_null(conf->dns.root_hints);
    if (g_file_test(DNS_ANCHOR_DEFAULT, G_FILE_TEST_EXISTS))
        cr_expect_str_eq(conf->dns.anchors[0], DNS_ANCHOR_DEFAULT);
}

Test(dns_conf, values)
{
    write_group(
        "dns = { resolver = ( \"192.0.2.1\", \"2001:db8::1@5353\" ); anchors = \"a.ds\"; records = \"smimea\"; };");
    owned(conf) struct conf *conf = scratch_load_good();
    g_autofree char *anchor = scratch_path("a.ds");
    cr_expect_str_eq(conf->dns.resolver[0], "192.0.2.1");
    cr_expect_str_eq(conf->dns.resolver[1], "2001:db8::1@5353");
    cr_expect_str_eq(conf->dns.anchors[0], anchor);
    cr_expect_null(conf->dns.anchors[1]);
    cr_expect_null(conf->dns.records[1]);
}

Test(dns_conf, no_anchors)
{
    write_group("dns = { anchors = ( ); };");
    owned(conf) struct conf *conf = scratch_load_good();
    cr_expect_null(conf->dns.anchors[0]);
}

Test(dns_conf, faults)
{
    static const struct {
        const char *group, *fault;
    } rows[] = {
        {"dns = { resolver = \"ns.example\"; };", "is not an IP address"},
        {"dns = { resolver = \"192.0.2.1:53\"; };", "is not an IP address"},
        {"dns = { resolver = \"192.0.2.1@0\"; };", "is not an IP address"},
        {"dns = { resolver = \"192.0.2.1@65536\"; };", "is not an IP address"},
        {"dns = { resolver = \"192.0.2.1@\"; };", "is not an IP address"},
        {"dns = { resolver = ( \"root\", \"192.0.2.1\" ); };", "stand alone"},
        {"dns = { resolver = ( \"192.0.2.1\", \"system\" ); };", "stand alone"},
        {"dns = { records = \"tlsa\"; };", "is not one of"},
        {"sources = ( \"pinned\", \"dns\" );", "note: \"sources\" names \"dns\""},
        {"dns = { root_hints = \"hints\"; };", "has no effect"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct faults *faults = faults_new();
        write_group(rows[i].group);
        conf_unref(scratch_load(faults));
        g_autofree char *text = scratch_faults(faults);
        cr_expect(strstr(text, rows[i].fault) != NULL, "%s: %s", rows[i].group, text);
        cr_expect(strstr(text, "domsec.conf:2") != NULL, "%s: %s", rows[i].group, text);
        faults_free(faults);
    }
}
