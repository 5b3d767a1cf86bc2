/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule: which policy file speaks for a domain, and the words for verdicts.
 */
#include "policy/policy.h"

const struct rule *policy_rule(const struct conf *conf, const char *domain)
{
    /* Most specific first, so the first that fits is the one; the default rule stands last and has no domain. */
    for (size_t i = 0; i + 1 < conf->rule_count; i++)
        if (domain != NULL && domain_is_within(domain, conf->rules[i]->domain))
            return conf->rules[i];
    return conf->rules[conf->rule_count - 1];
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
