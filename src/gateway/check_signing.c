/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_signing: rules whose sign_with none of our keys satisfies. All mail under them would be rejected, which shows
 * only then. Whether a key is valid now does not matter here: that is said of each certificate.
 */
#include "internal.h"

/* Whether a rule's signatures are made in this role, always or where the author's own may not be made. */
static bool needs(const struct rule *rule, enum role role)
{
    const struct outbound_rule *outbound = &rule->outbound;
    bool signs = policy_signs(rule) || (policy_encrypts(rule) && outbound->no_certificate == NO_CERTIFICATE_SIGN);
    bool by_domain = outbound->sign_as != SIGN_AS_MAILBOX;
    switch (role) {
    case ROLE_DOMAIN_SIGNING:
        return signs && by_domain;
    case ROLE_REVIEW:
        return signs && by_domain && outbound->review;
    case ROLE_ATTRIBUTE:
        return signs && by_domain && outbound->attributes && rule->partner->label_count > 0;
    case ROLE_MAILBOX:
        return signs && outbound->sign_as != SIGN_AS_DOMAIN;
    case ROLE_DOMAIN_CONFIDENTIALITY:
        break;
    }
    return false;
}

/* Whether some identity in this role fits, of a domain and those above it or, for NULL, of all. True if there is no
 * identity in that role at all, which others warn of. */
static bool some_fits(const struct gateway *gateway, const struct rule *rule, enum role role, const char *domain,
                      struct error *error)
{
    size_t count = keys_count(gateway->keys), index = 0;
    g_autofree struct own_candidate *list = g_new0(struct own_candidate, count + 1);
    struct own_view own = {.owner = domain != NULL ? domain : "any mailbox", .list = list};
    struct sign_with with = {0};
    for (size_t i = 0; i < count; i++) {
        const struct identity *identity = keys_at(gateway->keys, i);
        if (identity->conf->role == role && identity_signs(identity) &&
            (domain == NULL || domain_is_within(domain, identity->conf->domain)))
            list[own.count++] = (struct own_candidate){identity->traits, true};
    }
    sign_with_add(&rule->outbound.sign_with, &with);
    return own.count == 0 || own_find(&own, &with, &index, error);
}

static void say(const struct rule *rule, enum fault_grade grade, const char *text, struct faults *faults)
{
    const char *file = rule->line > 0 ? rule->file : rule->partner->file;
    unsigned line = rule->line > 0 ? rule->line : rule->partner->outbound_line;
    bool is_fault = grade == FAULT_ERROR && rule->partner->mode != MODE_TEST;
    (is_fault ? faults_add : faults_warn)(
        faults, file, line,
        "%s; mail under this rule is rejected; use such a key, or say what yours is (\"origin\" and \"escrowed\" in "
        "identities)",
        text);
}

/* The mail of a domain for which none fits is rejected; that is a fault if none fits for any domain. */
static void check_role(const struct gateway *gateway, const struct rule *rule, enum role role, enum fault_grade grade,
                       struct faults *faults)
{
    char **domains = gateway->conf->local_domains;
    struct error error = {0};
    bool any_fits = some_fits(gateway, rule, role, NULL, &error);
    for (char **entry = domains; *entry != NULL; entry++)
        if (!some_fits(gateway, rule, role, *entry + (**entry == '.'), &error))
            say(rule, any_fits ? FAULT_WARNING : grade, error.text, faults);
}

static void check_rule(const struct gateway *gateway, const struct rule *rule, enum fault_grade grade,
                       struct faults *faults)
{
    static const enum role roles[] = {ROLE_DOMAIN_SIGNING, ROLE_REVIEW, ROLE_ATTRIBUTE};
    struct error error = {0};
    bool falls_back = rule->outbound.no_identity == NO_IDENTITY_DOMAIN;
    for (size_t i = 0; i < G_N_ELEMENTS(roles); i++)
        if (needs(rule, roles[i]))
            check_role(gateway, rule, roles[i], grade, faults);
    if (!needs(rule, ROLE_MAILBOX) || some_fits(gateway, rule, ROLE_MAILBOX, NULL, &error))
        return;
    if (!falls_back)
        say(rule, grade, error.text, faults);
    else if (rule->outbound.sign_as == SIGN_AS_MAILBOX)
        check_role(gateway, rule, ROLE_DOMAIN_SIGNING, grade, faults);
}

void gateway_check_signing(const struct gateway *gateway, enum fault_grade grade, struct faults *faults)
{
    for (size_t i = 0; i < gateway->conf->partner_count; i++) {
        const struct partner *partner = gateway->conf->partners[i];
        for (size_t j = 0; j <= partner->rule_count; j++) {
            const struct rule *rule = policy_nth_rule(partner, j);
            if (j == 0 || rule->leaves)
                check_rule(gateway, rule, grade, faults);
        }
    }
}
