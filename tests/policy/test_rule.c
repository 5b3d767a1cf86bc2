/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#include <criterion/criterion.h>

static struct rule deep = {.name = (char *)"deep", .domain = (char *)"eu.mail.partner.test"};
static struct rule mail = {.name = (char *)"mail", .domain = (char *)"mail.partner.test"};
static struct rule partner = {.name = (char *)"partner", .domain = (char *)"partner.test"};
static struct rule top = {.name = (char *)"top", .domain = (char *)"test"};
static struct rule fallback = {.name = (char *)"default"};

static const struct {
    const char *domain, *rule;
} rows[] = {
    {"partner.test", "partner"},     {"mail.partner.test", "mail"},
    {"x.mail.partner.test", "mail"}, {"eu.mail.partner.test", "deep"},
    {"a.b.partner.test", "partner"}, {"notpartner.test", "top"},
    {"other.test", "top"},           {"partner.test.evil", "default"},
    {"example", "default"},          {"", "default"},
    {"[192.0.2.1]", "default"},      {NULL, "default"},
};

Test(rule, most_specific_wins)
{
    struct rule *rules[] = {&deep, &mail, &partner, &top, &fallback};
    struct conf conf = {.rules = rules, .rule_count = 5};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_str_eq(policy_rule(&conf, rows[i].domain)->name, rows[i].rule, "%s", rows[i].domain);
}

Test(rule, only_the_default)
{
    struct rule *rules[] = {&fallback};
    struct conf conf = {.rules = rules, .rule_count = 1};
    cr_expect_eq(policy_rule(&conf, "partner.test"), &fallback);
}

Test(rule, what_protect_asks)
{
    static const struct {
        enum protect protect;
        bool signs, encrypts;
    } asked[] = {
        {PROTECT_NONE, false, false},       {PROTECT_SIGN, true, false},  {PROTECT_ENCRYPT, false, true},
        {PROTECT_SIGN_ENCRYPT, true, true}, {PROTECT_TRIPLE, true, true},
    };
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        const struct rule rule = {.outbound.protect = asked[i].protect};
        cr_expect_eq(policy_signs(&rule), asked[i].signs, "%s", protect_name(asked[i].protect));
        cr_expect_eq(policy_encrypts(&rule), asked[i].encrypts, "%s", protect_name(asked[i].protect));
    }
}

Test(rule, verdict_names)
{
    cr_expect_str_eq(verdict_name(VERDICT_ACCEPT), "accept");
    cr_expect_str_eq(verdict_name(VERDICT_REJECT), "reject");
    cr_expect_str_eq(verdict_name(VERDICT_TEMPFAIL), "tempfail");
    cr_expect_str_eq(verdict_name(VERDICT_QUARANTINE), "quarantine");
    cr_expect_str_eq(verdict_name((enum verdict)99), "?");
}
