/* SPDX-License-Identifier: Apache-2.0 */
#include "support/scratch.h"

#include "conf/conf.h"

#include <criterion/criterion.h>

TestSuite(partner, .init = scratch_setup, .fini = scratch_teardown);

static void write_policy(const char *domain)
{
    g_autofree char *name = g_strdup_printf("policy.d/%s.conf", domain);
    g_autofree char *text = g_strdup_printf("domain = \"%s\";\n", domain);
    scratch_write(name, text);
}

static const struct {
    const char *domain, *file;
} rows[] = {
    {"partner.test", "partner.test.conf"},
    {"mail.partner.test", "mail.partner.test.conf"},
    {"x.mail.partner.test", "mail.partner.test.conf"},
    {"eu.mail.partner.test", "eu.mail.partner.test.conf"},
    {"a.b.partner.test", "partner.test.conf"},
    {"notpartner.test", "test.conf"},
    {"other.test", "test.conf"},
    {"partner.test.evil", "built-in"},
    {"example", "built-in"},
    {"", "built-in"},
    {"[192.0.2.1]", "built-in"},
    {".", "built-in"},
    {"test.", "built-in"},
    {NULL, "built-in"},
};

Test(partner, most_specific_wins)
{
    scratch_write("domsec.conf", "local_domains = ( \"acme.test\" );\npolicy_dir = \"policy.d\";\n");
    for (const char *const *each =
             (const char *const[]){"eu.mail.partner.test", "mail.partner.test", "partner.test", "test", NULL};
         *each != NULL; each++)
        write_policy(*each);
    owned(conf) struct conf *conf = scratch_load_good();
    cr_assert_eq(conf->partner_count, 5);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct partner *partner = conf_partner(conf, rows[i].domain);
        cr_expect_str_eq(partner->name, rows[i].file, "%s", rows[i].domain);
        cr_expect_eq(conf->partners[partner->index], partner, "%s", rows[i].domain);
        cr_expect_eq(partner->base.partner, partner, "%s", rows[i].domain);
    }
}

Test(partner, only_the_default)
{
    scratch_write("domsec.conf", "local_domains = ( \"acme.test\" );\n");
    owned(conf) struct conf *conf = scratch_load_good();
    cr_expect_eq(conf_partner(conf, "partner.test"), conf->partners[0]);
    cr_expect_null(conf->partners[0]->domain);
}
