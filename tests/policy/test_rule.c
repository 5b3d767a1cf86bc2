/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#include <criterion/criterion.h>

Test(rule, what_protect_asks)
{
    static const struct {
        enum protect protect;
        bool signs, encrypts, demands;
    } asked[] = {
        {PROTECT_NONE, false, false, false},  {PROTECT_SIGN, true, false, false},
        {PROTECT_ENCRYPT, false, true, true}, {PROTECT_SIGN_ENCRYPT, true, true, true},
        {PROTECT_TRIPLE, true, true, true},   {PROTECT_OPPORTUNISTIC, true, true, false},
    };
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        const struct rule rule = {.outbound.protect = asked[i].protect};
        cr_expect_eq(policy_signs(&rule), asked[i].signs, "%s", protect_name(asked[i].protect));
        cr_expect_eq(policy_encrypts(&rule), asked[i].encrypts, "%s", protect_name(asked[i].protect));
        cr_expect_eq(policy_demands_encryption(&rule), asked[i].demands, "%s", protect_name(asked[i].protect));
    }
}

Test(rule, whose_cbc_is_left_shut)
{
    static const struct {
        enum require require;
        enum malleable malleable;
        bool authenticated, refused;
    } rules[] = {
        {REQUIRE_NONE, MALLEABLE_ACCEPT, false, false},         {REQUIRE_NONE, MALLEABLE_REFUSE, false, true},
        {REQUIRE_ENCRYPT, MALLEABLE_REFUSE, false, true},       {REQUIRE_SIGN, MALLEABLE_REFUSE, false, false},
        {REQUIRE_SIGN_ENCRYPT, MALLEABLE_REFUSE, false, false}, {REQUIRE_SIGN, MALLEABLE_ACCEPT, true, true},
        {REQUIRE_NONE, MALLEABLE_ACCEPT, true, true},           {REQUIRE_NONE, (enum malleable)99, false, true},
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        const struct rule rule = {.inbound = {.require = rules[i].require,
                                              .malleable = rules[i].malleable,
                                              .require_authenticated_encryption = rules[i].authenticated}};
        cr_expect_eq(policy_refuses_cbc(&rule), rules[i].refused, "%zu", i);
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

/* A rule is named by its line; the base by its file alone. */
Test(rule, names)
{
    static const struct {
        unsigned line;
        const char *name, *key;
    } names[] = {
        {0, "x.conf", "x.conf: outbound.protect"},
        {1, "x.conf:1", "x.conf:1: rules.protect"},
        {30, "x.conf:30", "x.conf:30: rules.protect"},
    };
    const struct partner partner = {.name = (char *)"x.conf"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct rule rule = {.partner = &partner, .line = names[i].line};
        cr_expect_str_eq(policy_rule_name(&rule).text, names[i].name);
        cr_expect_str_eq(policy_key_name(&rule, "protect").text, names[i].key);
    }
}

/* The base, and each rule for mail that leaves. */
Test(rule, what_a_partner_may_ask)
{
    static const struct {
        struct rule base, rules[2];
        size_t count;
        bool may;
    } partners[] = {
        {{0}, {{0}}, 0, false},
        {{.outbound.protect = PROTECT_SIGN}, {{0}}, 0, true},
        {{.outbound.protect = PROTECT_SIGN}, {{.leaves = true}}, 1, true},
        {{0}, {{.outbound.protect = PROTECT_SIGN, .leaves = true}}, 1, true},
        {{0}, {{.leaves = true}, {.outbound.protect = PROTECT_SIGN, .leaves = true}}, 2, true},
        {{0}, {{.leaves = true}, {.outbound.protect = PROTECT_SIGN, .leaves = true}}, 1, false},
        {{0}, {{.leaves = true}, {.leaves = true}}, 2, false},
        {{0}, {{.outbound.protect = PROTECT_SIGN, .arrives = true}}, 1, false},
        {{0}, {{.outbound.protect = PROTECT_ENCRYPT, .leaves = true}}, 1, false},
    };
    for (size_t i = 0; i < sizeof(partners) / sizeof(partners[0]); i++) {
        struct rule rules[] = {partners[i].rules[0], partners[i].rules[1]};
        const struct partner partner = {.base = partners[i].base, .rules = rules, .rule_count = partners[i].count};
        cr_expect_eq(policy_may_ask(&partner, policy_signs), partners[i].may, "%zu", i);
    }
}

/* Which of our certificates partners get to see, by the base or by any other rule. */
Test(rule, whose_certificates_are_shown)
{
    enum {
        SIGNING = 1 << ROLE_DOMAIN_SIGNING,
        READING = 1 << ROLE_DOMAIN_CONFIDENTIALITY,
        REVIEW = 1 << ROLE_REVIEW,
        ATTRIBUTE = 1 << ROLE_ATTRIBUTE,
        MAILBOX = 1 << ROLE_MAILBOX,
    };
    static const struct {
        struct rule rule;
        int shown;
    } rules[] = {
        {{0}, 0},
        {{.outbound.protect = PROTECT_SIGN}, SIGNING},
        {{.outbound.protect = PROTECT_ENCRYPT}, READING},
        {{.outbound.protect = PROTECT_TRIPLE}, SIGNING | READING},
        {{.inbound.require = REQUIRE_SIGN}, 0},
        {{.inbound.require = REQUIRE_ENCRYPT}, READING},
        {{.inbound.require = REQUIRE_SIGN_ENCRYPT}, READING},
        {{.outbound = {.protect = PROTECT_SIGN, .review = true}}, SIGNING | REVIEW},
        {{.outbound = {.protect = PROTECT_SIGN, .attributes = true}}, SIGNING | ATTRIBUTE},
        {{.outbound = {.protect = PROTECT_ENCRYPT, .review = true, .attributes = true}}, READING},
        {{.outbound = {.sign_as = SIGN_AS_MAILBOX, .review = true, .attributes = true}}, 0},
        {{.outbound = {.protect = PROTECT_SIGN, .sign_as = SIGN_AS_MAILBOX}}, MAILBOX},
        {{.outbound = {.protect = PROTECT_SIGN, .sign_as = SIGN_AS_BOTH}}, SIGNING | MAILBOX},
        {{.outbound = {.protect = PROTECT_SIGN, .sign_as = SIGN_AS_MAILBOX, .no_identity = NO_IDENTITY_DOMAIN}},
         SIGNING | MAILBOX},
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        struct rule others[] = {{0}, rules[i].rule};
        const struct partner alone = {.base = rules[i].rule}, last = {.rules = others, .rule_count = 2},
                             fewer = {.rules = others, .rule_count = 1};
        for (int role = ROLE_DOMAIN_SIGNING; role <= ROLE_MAILBOX; role++) {
            bool shown = (rules[i].shown & (1 << role)) != 0;
            cr_expect_eq(policy_shows(&alone, (enum role)role), shown, "%zu: %d", i, role);
            cr_expect_eq(policy_shows(&last, (enum role)role), shown, "%zu: %d", i, role);
            cr_expect_not(policy_shows(&fewer, (enum role)role), "%zu: %d", i, role);
        }
        cr_expect_not(policy_shows(&alone, (enum role)99), "%zu: an unknown one", i);
    }
}
