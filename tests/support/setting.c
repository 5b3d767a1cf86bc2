/* SPDX-License-Identifier: Apache-2.0 */
#include "support/setting.h"

struct setting *setting_new(const char *main_keys, const char *rule_keys)
{
    struct setting *setting = g_new0(struct setting, 1);
    setting->folder = folder_new();
    setting->faults = faults_new();
    g_autofree char *main_text =
        g_strconcat("local_domains = ( \"acme.test\" );\npolicy_dir = \"policy.d\";\n", main_keys, "\n", NULL);
    g_autofree char *rule_text = g_strconcat("domain = \"partner.test\";\n", rule_keys, "\n", NULL);
    folder_write(setting->folder, "domsec.conf", main_text);
    folder_write(setting->folder, "policy.d/partner.test.conf", rule_text);
    return setting;
}

bool setting_try(struct setting *setting)
{
    g_autofree char *file = g_build_filename(setting->folder, "domsec.conf", NULL);
    setting->conf = conf_load(file, setting->faults);
    if (setting->conf == NULL)
        g_error("%s", faults_count(setting->faults) > 0 ? faults_at(setting->faults, 0) : "no configuration, no fault");
    setting->trust = trust_open(setting->conf, setting->faults);
    setting->partner = conf_partner(setting->conf, "partner.test");
    g_assert_nonnull(setting->partner->domain);
    return setting->trust != NULL;
}

void setting_open(struct setting *setting)
{
    cr_assert(setting_try(setting), "%s", faults_count(setting->faults) > 0 ? faults_at(setting->faults, 0) : "");
}

void setting_free(struct setting *setting)
{
    trust_close(setting->trust);
    conf_unref(setting->conf);
    faults_free(setting->faults);
    folder_remove(setting->folder);
    g_free(setting);
}

void setting_judge(const struct setting *setting, const struct chain_query *asked, struct finding *finding)
{
    struct chain_query query = *asked;
    query.partner = setting->partner;
    if (query.at == 0)
        query.at = time(NULL);
    *finding = (struct finding){.outcome = OUTCOME_NONE};
    ERR_clear_error();
    trust_check_chain(setting->trust, &query, finding);
    cr_expect(g_utf8_validate(finding->reason, -1, NULL) && finding->reason[0] != '\0');
    cr_expect_eq(ERR_peek_error(), 0, "left in OpenSSL's queue: %s", ERR_reason_error_string(ERR_peek_error()));
}

void setting_expect(const struct setting *setting, const struct chain_query *query, enum outcome expected,
                    const char *says, const char *what)
{
    struct finding finding;
    setting_judge(setting, query, &finding);
    cr_expect_eq(finding.outcome, expected, "%s: %s: %s", what, outcome_name(finding.outcome), finding.reason);
    cr_expect_not_null(strstr(finding.reason, says), "%s: \"%s\" is not in: %s", what, says, finding.reason);
}
