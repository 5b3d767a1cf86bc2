/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names: are our own authorities called what partners expect (RFC 3183 §3.1.1, §3.2 to §3.4, §4.1, §4.2)? A certificate
 * that breaks the convention makes signatures that every partner flags, and keys that no partner finds: better told at
 * `domsec check` than by them. A warning, not an error: only the partners know what they have agreed to.
 */
#include "gateway/internal.h"

static bool is_signing(const struct rule *rule)
{
    return rule->outbound.protect != PROTECT_NONE && rule->outbound.protect != PROTECT_ENCRYPT;
}

static bool is_encrypting(const struct rule *rule)
{
    return rule->outbound.protect > PROTECT_SIGN || rule->inbound.require > REQUIRE_SIGN;
}

/* Whether the partners under rule get to see this identity's certificate. */
static bool is_shown(const struct rule *rule, enum role role)
{
    switch (role) {
    case ROLE_DOMAIN_SIGNING:
        return is_signing(rule);
    case ROLE_DOMAIN_CONFIDENTIALITY:
        return is_encrypting(rule);
    case ROLE_REVIEW:
        return is_signing(rule) && rule->outbound.review;
    case ROLE_ATTRIBUTE:
        return is_signing(rule) && rule->outbound.attributes;
    }
    return false;
}

static void check_identity(const struct gateway *gateway, const struct identity *identity, struct faults *faults)
{
    const struct identity_conf *entry = identity->conf;
    const char *domain = entry->domain;

    for (size_t i = 0; i < gateway->conf->rule_count; i++) {
        const struct rule *rule = gateway->conf->rules[i];
        struct finding finding = {0};

        /* Which of our certificates a partner pins, only the partner knows. */
        if (rule->naming == NAMING_PINNED || !is_shown(rule, entry->role))
            continue;
        trust_check_role(gateway->trust, rule, identity->certificate, entry->role, &domain, 1, &finding);
        if (finding.outcome == OUTCOME_PASS)
            continue;
        faults_warn(faults, gateway->conf->file, entry->line,
                    "%s: %s; partners under %s (naming = \"%s\") will not take it", entry->certificate, finding.reason,
                    rule->name, naming_name(rule->naming));
        return;
    }
}

void names_check(const struct gateway *gateway, struct faults *faults)
{
    for (size_t i = 0; i < keys_count(gateway->keys); i++)
        check_identity(gateway, keys_at(gateway->keys, i), faults);
}
