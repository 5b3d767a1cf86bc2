/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule: which rule of a partner fits, what it asks, and the words for verdicts.
 */
#include "policy/policy.h"

/* A partner has one rule so far, without criteria. */
const struct rule *policy_rule(const struct partner *partner)
{
    return &partner->base;
}

bool policy_signs(const struct rule *rule)
{
    return rule->outbound.protect == PROTECT_SIGN || rule->outbound.protect == PROTECT_SIGN_ENCRYPT ||
           rule->outbound.protect == PROTECT_TRIPLE;
}

bool policy_encrypts(const struct rule *rule)
{
    return rule->outbound.protect != PROTECT_NONE && rule->outbound.protect != PROTECT_SIGN;
}

bool policy_requires_signature(const struct rule *rule)
{
    return rule->inbound.require != REQUIRE_NONE && rule->inbound.require != REQUIRE_ENCRYPT;
}

bool policy_requires_encryption(const struct rule *rule)
{
    return rule->inbound.require != REQUIRE_NONE && rule->inbound.require != REQUIRE_SIGN;
}

bool policy_refuses_cbc(const struct rule *rule)
{
    return rule->inbound.require_authenticated_encryption ||
           (rule->inbound.malleable != MALLEABLE_ACCEPT && !policy_requires_signature(rule));
}

const char *direction_name(enum direction direction)
{
    return direction == DIRECTION_OUTBOUND ? "outbound" : "inbound";
}

const char *verdict_name(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_ACCEPT:
        return "accept";
    case VERDICT_REJECT:
        return "reject";
    case VERDICT_TEMPFAIL:
        return "tempfail";
    case VERDICT_QUARANTINE:
        return "quarantine";
    }
    return "?";
}
