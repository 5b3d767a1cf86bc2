/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule: which policy file speaks for a domain, and the words for verdicts.
 */
#include "policy/policy.h"

const struct rule *policy_rule(const struct conf *conf, const char *domain)
{
    return &conf_partner(conf, domain)->base;
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
