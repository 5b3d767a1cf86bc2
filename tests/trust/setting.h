/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setting: a configuration in a temporary folder, loaded, with its trust: what each test of trust/ begins with.
 *
 *     struct setting *setting = setting_new("trust_anchors = ( \"ca.pem\" );", "naming = \"domain\";");
 *     ... write "ca.pem" and so on into setting->folder before setting_open(setting); rule is partner.test's ...
 *     setting_free(setting);
 */
#ifndef DOMSEC_TESTS_TRUST_SETTING_H
#define DOMSEC_TESTS_TRUST_SETTING_H

#include "../pki.h"
#include "trust/trust.h"

struct setting {
    char *folder;
    struct conf *conf;
    struct trust *trust;
    struct faults *faults;
    const struct rule *rule; /* partner.test.conf */
};

static PKI_UNUSED struct setting *setting_new(const char *main_keys, const char *rule_keys)
{
    struct setting *setting = g_new0(struct setting, 1);
    setting->folder = pki_folder();
    setting->faults = faults_new();
    g_autofree char *main_text =
        g_strconcat("local_domains = ( \"acme.test\" );\npolicy_dir = \"policy.d\";\n", main_keys, "\n", NULL);
    g_autofree char *rule_text = g_strconcat("domain = \"partner.test\";\n", rule_keys, "\n", NULL);
    g_free(pki_write_text(setting->folder, "domsec.conf", main_text));
    g_free(pki_write_text(setting->folder, "policy.d/partner.test.conf", rule_text));
    return setting;
}

/* False if trust_open() refused; the reasons are in faults. */
static PKI_UNUSED bool setting_open(struct setting *setting)
{
    g_autofree char *file = g_build_filename(setting->folder, "domsec.conf", NULL);
    setting->conf = conf_load(file, setting->faults);
    if (setting->conf == NULL)
        g_error("%s", faults_count(setting->faults) > 0 ? faults_at(setting->faults, 0) : "no configuration, no fault");
    setting->trust = trust_open(setting->conf, setting->faults);
    setting->rule = policy_rule(setting->conf, "partner.test");
    g_assert_nonnull(setting->rule->domain);
    return setting->trust != NULL;
}

static PKI_UNUSED void setting_free(struct setting *setting)
{
    trust_close(setting->trust);
    conf_unref(setting->conf);
    faults_free(setting->faults);
    pki_remove(setting->folder);
    g_free(setting);
}

#endif
