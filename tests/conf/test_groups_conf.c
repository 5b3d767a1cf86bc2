/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of a partner, and which kind of certificate it prefers. */
#include "support/scratch.h"

static void setup(void)
{
    scratch_setup();
    scratch_write("domsec.conf", "local_domains = ( \"acme.test\" ); policy_dir = \"p\";\n"
                                 "lists = { desk = ( \"x@partner.test\", \"y@partner.test\" ); };\n");
    g_autofree char *folder = scratch_path("p");
    g_mkdir(folder, 0700);
}
TestSuite(groups_conf, .init = setup, .fini = scratch_teardown);

#define DOMAIN "domain = \"partner.test\";\n"
#define FILES " certificates = ( \"g.pem\" ); "

static const struct group_conf *group_of(const struct conf *conf, const char *text)
{
    struct address address;
    struct error error = {0};
    cr_assert(address_parse(slice_of(text), &address, &error));
    const struct group_conf *group = conf_group(conf_partner(conf, address.domain), &address);
    address_clear(&address);
    return group;
}

Test(groups_conf, the_most_specific_and_first)
{
    scratch_write("p/a.conf", DOMAIN "groups = ( { members = \"*@partner.test\";" FILES "},\n"
                                     "{ members = ( \"Edi@partner.test\", \"list:desk\" ); naming = \"mailbox\";" FILES
                                     "},\n{ members = \"edi@partner.test\";" FILES "} );");
    owned(conf) struct conf *conf = scratch_load_good();
    const struct group_conf *groups = conf->partners[0]->groups;
    cr_assert_eq(conf->partners[0]->group_count, 3);
    cr_expect_eq(groups[0].naming, GROUP_NAMING_PINNED);
    cr_expect_eq(groups[1].naming, GROUP_NAMING_MAILBOX);
    cr_expect_eq(groups[2].line, 4);
    cr_expect_eq(group_of(conf, "EDI@partner.test"), &groups[1]);
    cr_expect_eq(group_of(conf, "y@partner.test"), &groups[1]);
    cr_expect_eq(group_of(conf, "dave@partner.test"), &groups[0]);
    cr_expect_null(group_of(conf, "dave@sub.partner.test"));
    cr_expect_null(group_of(conf, "dave@other.test"));
}

Test(groups_conf, prefer)
{
    static const struct {
        const char *policy;
        unsigned own, group, domain;
    } rows[] = {
        {"", 0, 1, 2},
        {"prefer = ( \"own\", \"group\", \"domain\" );", 0, 1, 2},
        {"prefer = ( \"domain\", \"own\" );", 1, CERTIFICATE_UNWANTED, 0},
        {"prefer = \"group\"; groups = ( { members = \"x@partner.test\";" FILES "} );", CERTIFICATE_UNWANTED, 0,
         CERTIFICATE_UNWANTED},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strconcat(DOMAIN, rows[i].policy, NULL);
        scratch_write("p/a.conf", text);
        owned(conf) struct conf *conf = scratch_load_good();
        const struct partner *partner = conf->partners[0];
        cr_expect_eq(conf_preference(partner, CERTIFICATE_OWN), rows[i].own, "row %zu", i);
        cr_expect_eq(conf_preference(partner, CERTIFICATE_GROUP), rows[i].group, "row %zu", i);
        cr_expect_eq(conf_preference(partner, CERTIFICATE_DOMAIN), rows[i].domain, "row %zu", i);
    }
}

Test(groups_conf, faults)
{
    static const struct {
        const char *policy, *says;
    } rows[] = {
        {"prefer = ( \"own\", \"own\" );", "p/a.conf: \"prefer\" has \"own\" twice"},
        {"prefer = ( \"group\" );", "p/a.conf: warning: \"prefer\" is \"group\", and this policy has no \"groups\""},
        {"prefer = ( \"mine\" );", "p/a.conf:2: \"prefer\": \"mine\" is not one of \"own\", \"group\", \"domain\""},
        {"groups = ( {" FILES "} );", "p/a.conf:2: missing key \"members\""},
        {"groups = ( { members = \"x@partner.test\"; } );", "p/a.conf:2: missing key \"certificates\""},
        {"groups = ( { members = \"x\";" FILES "} );", "p/a.conf:2: \"members\": \"x\" is"},
        {"groups = ( { members = \"list:none\";" FILES "} );", "the list \"list:none\" is missing"},
        {"groups = ( { members = \"x@partner.test\"; naming = \"domain\";" FILES "} );",
         "\"naming\" must be one of \"pinned\", \"mailbox\""},
        {"groups = (\n{ members = ( \"x@partner.test\", \"y@sub.partner.test\", \"*@other.test\" );" FILES "} );",
         "p/a.conf:3: warning: groups: \"*@other.test\" is not in partner.test"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strconcat(DOMAIN, rows[i].policy, NULL);
        scratch_write("p/a.conf", text);
        owned(faults) struct faults *faults = faults_new();
        owned(conf) struct conf *conf = scratch_load(faults);
        g_autofree char *all = scratch_faults(faults);
        cr_expect_not_null(strstr(all, rows[i].says), "row %zu: %s", i, all);
        cr_expect_eq(conf == NULL, strstr(rows[i].says, "warning") == NULL, "row %zu", i);
    }
}
