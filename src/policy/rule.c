/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule: which rule of a partner fits, what it asks, and the words for verdicts.
 */
#include "policy/policy.h"

const struct rule *policy_rule(const struct partner *partner)
{
    return &partner->base;
}

const struct rule *policy_nth_rule(const struct partner *partner, size_t index)
{
    return index == 0 ? &partner->base : &partner->rules[index - 1];
}

bool policy_may_ask(const struct partner *partner, bool (*asks)(const struct rule *rule))
{
    for (size_t i = 0; i <= partner->rule_count; i++) {
        const struct rule *rule = policy_nth_rule(partner, i);
        if ((i == 0 || rule->leaves) && asks(rule))
            return true;
    }
    return false;
}

struct rule_name policy_rule_name(const struct rule *rule)
{
    struct rule_name name = {""};
    if (rule->line > 0)
        g_snprintf(name.text, sizeof(name.text), "%s:%u", rule->partner->name, rule->line);
    else
        g_strlcpy(name.text, rule->partner->name, sizeof(name.text));
    return name;
}

struct rule_name policy_key_name(const struct rule *rule, const char *key)
{
    struct rule_name name = policy_rule_name(rule);
    g_strlcat(name.text, rule->line > 0 ? ": rules." : ": outbound.", sizeof(name.text));
    g_strlcat(name.text, key, sizeof(name.text));
    return name;
}

bool policy_signs(const struct rule *rule)
{
    return rule->outbound.protect != PROTECT_NONE && rule->outbound.protect != PROTECT_ENCRYPT;
}

bool policy_signs_as_mailbox(const struct rule *rule)
{
    return rule->outbound.protect != PROTECT_NONE && rule->outbound.sign_as != SIGN_AS_DOMAIN;
}

bool policy_signs_as_domain(const struct rule *rule)
{
    return policy_signs(rule) &&
           (rule->outbound.sign_as != SIGN_AS_MAILBOX || rule->outbound.no_identity == NO_IDENTITY_DOMAIN);
}

bool policy_encrypts(const struct rule *rule)
{
    return rule->outbound.protect != PROTECT_NONE && rule->outbound.protect != PROTECT_SIGN;
}

bool policy_demands_encryption(const struct rule *rule)
{
    return policy_encrypts(rule) && rule->outbound.protect != PROTECT_OPPORTUNISTIC;
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

/* Returns true if the partners under rule get to see this identity's certificate. */
static bool is_shown_by(const struct rule *rule, enum role role)
{
    switch (role) {
    case ROLE_DOMAIN_SIGNING:
        return policy_signs_as_domain(rule);
    case ROLE_DOMAIN_CONFIDENTIALITY:
        return policy_encrypts(rule) || rule->inbound.require > REQUIRE_SIGN;
    case ROLE_REVIEW:
        return policy_signs(rule) && rule->outbound.review;
    case ROLE_ATTRIBUTE:
        return policy_signs(rule) && rule->outbound.attributes;
    case ROLE_MAILBOX:
        return policy_signs_as_mailbox(rule);
    }
    return false;
}

bool policy_shows(const struct partner *partner, enum role role)
{
    for (size_t i = 0; i <= partner->rule_count; i++)
        if (is_shown_by(policy_nth_rule(partner, i), role))
            return true;
    return false;
}
