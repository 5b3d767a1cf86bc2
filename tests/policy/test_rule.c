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
