/* SPDX-License-Identifier: Apache-2.0 */
/* The list `ldap`: its values, its faults, and which groups a domain belongs to. */
#include "support/scratch.h"

TestSuite(directories, .init = scratch_setup, .fini = scratch_teardown);

static struct conf *load(const char *groups, struct faults *faults)
{
    g_autofree char *all = g_strconcat("local_domains = ( \"acme.test\" );\nldap = (\n", groups, " );\n", NULL);
    scratch_write("domsec.conf", all);
    return scratch_load(faults);
}

#define PARTNER "domains = \"partner.test\"; "

Test(directories, values)
{
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf =
        load("{ domains = ( \"Partner.TEST\", \"bücher.test\", \"*\" ); uri = \"ldap://DIR.partner.test:1389/\";\n"
             "base = \"dc=partner,dc=test\"; bind_dn = \"cn=gw\"; password_file = \"p\"; ca = \"ca.pem\"; starttls = "
             "true; timeout = 3; },\n"
             "{ " PARTNER "uri = \"ldaps://[::1]\"; }, { " PARTNER "uri = \"srv:\"; starttls = true; }",
             faults);
    cr_assert_not_null(conf);
    cr_assert_eq(faults_count(faults), 0);
    cr_assert_eq(conf->ldap_count, 3);
    const struct ldap_conf *first = &conf->ldap[0], *second = &conf->ldap[1], *third = &conf->ldap[2];
    cr_expect_str_eq(first->domains[0], "partner.test");
    cr_expect_str_eq(first->domains[1], "xn--bcher-kva.test");
    cr_expect_str_eq(first->domains[2], "*");
    cr_expect_str_eq(first->host, "dir.partner.test");
    cr_expect_eq(first->port, 1389);
    cr_expect(first->starttls && !first->tls);
    cr_expect_str_eq(first->base, "dc=partner,dc=test");
    cr_expect_str_eq(first->bind_dn, "cn=gw");
    cr_expect(g_str_has_prefix(first->password_file, "/") && g_str_has_suffix(first->password_file, "/p"));
    cr_expect(g_str_has_prefix(first->ca, "/") && g_str_has_suffix(first->ca, "/ca.pem"));
    cr_expect_eq(first->timeout, 3);
    cr_expect_eq(first->line, 3);
    cr_expect_str_eq(second->host, "::1");
    cr_expect_eq(second->port, 636);
    cr_expect(second->tls);
    cr_expect_null(second->base);
    cr_expect_str_eq(second->ca, "/etc/ssl/certs/ca-certificates.crt");
    cr_expect_eq(second->timeout, 5);
    cr_expect_null(third->host);
}

Test(directories, the_groups_of_a_domain)
{
    static const struct {
        const char *domain;
        size_t count, first;
    } rows[] = {
        {"partner.test", 2, 0},      {"sub.partner.test", 2, 0}, {"eu.partner.test", 1, 2},
        {"a.eu.partner.test", 1, 2}, {"notpartner.test", 1, 1},  {"test", 1, 1},
    };
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = load("{ " PARTNER "uri = \"ldaps://a.test\"; }, "
                                         "{ domains = \"*\"; uri = \"ldaps://b.test\"; }, "
                                         "{ domains = \"eu.partner.test\"; uri = \"ldaps://c.test\"; }, "
                                         "{ " PARTNER "uri = \"ldaps://d.test\"; }",
                                         faults);
    cr_assert_not_null(conf);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct ldap_conf *groups[LDAP_GROUPS_MAX];
        cr_expect_eq(conf_ldap_groups(conf, rows[i].domain, groups), rows[i].count, "%s", rows[i].domain);
        cr_expect_eq(groups[0], &conf->ldap[rows[i].first], "%s", rows[i].domain);
    }
}

Test(directories, no_group_no_directory)
{
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = load("{ " PARTNER "uri = \"ldaps://a.test\"; }", faults);
    const struct ldap_conf *groups[LDAP_GROUPS_MAX];
    cr_expect_eq(conf_ldap_groups(conf, "other.test", groups), 0);
}

#define LOGIN "bind_dn = \"cn=gw\"; password_file = \"p\"; "

Test(directories, faults_and_warnings)
{
    static const struct {
        const char *group, *says;
        bool is_fault;
    } rows[] = {
        {"uri = \"ldaps://a.test\";", "missing key \"domains\"", true},
        {"domains = ( ); uri = \"ldaps://a.test\";", "\"domains\" must not be empty", true},
        {"domains = \"*.test\"; uri = \"ldaps://a.test\";", "\"*.test\" is not a domain", true},
        {PARTNER, "missing key \"uri\"", true},
        {PARTNER "uri = \"dir.partner.test\";", "is not a server such as", true},
        {PARTNER "uri = \"http://dir.partner.test\";", "is not a server such as", true},
        {PARTNER "uri = \"ldapi:///\";", "is not a server such as", true},
        {PARTNER "uri = \"ldaps://\";", "is not a server such as", true},
        {PARTNER "uri = \"ldaps://gw@dir.partner.test\";", "is not a server such as", true},
        {PARTNER "uri = \"ldaps://a.test ldaps://b.test\";", "names more than a server", true},
        {PARTNER "uri = \"ldaps://a.test:99999\";", "is not a server such as", true},
        {PARTNER "uri = \"srv:partner.test\";", "is not a server such as", true},
        {PARTNER "uri = \"ldaps://a.test/dc=partner\";", "write the entry to search below as \"base\"", true},
        {PARTNER "uri = \"ldaps://a.test/??sub\";", "write the entry to search below as \"base\"", true},
        {PARTNER "uri = \"ldaps://a..test\";", "is not the name or the address of a host", true},
        {PARTNER "uri = \"ldaps://a.test\"; timeout = 0;", "\"timeout\" must be", true},
        {PARTNER "uri = \"ldaps://a.test\"; starttls = true;", "encrypted from the start", true},
        {PARTNER "uri = \"ldaps://a.test\"; bind_dn = \"cn=gw\";", "\"bind_dn\" needs \"password_file\"", true},
        {PARTNER "uri = \"ldaps://a.test\"; password_file = \"p\";", "\"password_file\" needs \"bind_dn\"", true},
        {PARTNER "uri = \"ldap://a.test\"; " LOGIN, "would go to ldap://a.test in the clear", true},
        {PARTNER "uri = \"ldap://127.0.0.1\"; " LOGIN, "would go to ldap://127.0.0.1 in the clear", true},
        {PARTNER "uri = \"srv:\"; " LOGIN, "would go to srv: in the clear", true},
        {PARTNER "uri = \"ldap://a.test\";", "can be read and forged", false},
        {PARTNER "uri = \"srv:\";", "can be read and forged", false},
        {"domains = \"acme.test\"; uri = \"ldaps://a.test\";", "is one of local_domains", false},
        {"domains = ( \"a.test\", \"A.test\" ); uri = \"ldaps://a.test\";", "names \"a.test\" twice", false},
        {PARTNER "uri = \"ldap://localhost:1389\";", NULL, false},
        {PARTNER "uri = \"ldap://a.test\"; starttls = true; " LOGIN, NULL, false},
        {PARTNER "uri = \"ldaps://a.test\"; " LOGIN, NULL, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(faults) struct faults *faults = faults_new();
        g_autofree char *group = g_strconcat("{ ", rows[i].group, " }", NULL);
        owned(conf) struct conf *conf = load(group, faults);
        g_autofree char *all = scratch_faults(faults);
        cr_expect_eq(conf == NULL, rows[i].is_fault, "row %zu: %s", i, all);
        cr_expect_eq(faults_count(faults), rows[i].says != NULL ? 1 : 0, "row %zu: %s", i, all);
        if (rows[i].says != NULL)
            cr_expect_not_null(strstr(all, rows[i].says), "row %zu: %s", i, all);
        if (rows[i].says != NULL)
            cr_expect_not_null(strstr(all, "domsec.conf:3: "), "row %zu: %s", i, all);
    }
}
