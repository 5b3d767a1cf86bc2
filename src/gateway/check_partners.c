/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_partners: what a configuration asks for and cannot have: an identity that is missing, a partner's certificate
 * that no message will be encrypted to. Either only shows when mail is deferred or refused, so `domsec check` says it
 * before. Warnings, not errors: one partner's expired certificate must not keep the gateway from serving all others.
 */
#include "internal.h"

#include <string.h>

/* --- our identities --- */

/* The key of the rule that needs an identity of this role; NULL if no key does. */
static const char *needing_key(const struct rule *rule, enum role role)
{
    switch (role) {
    case ROLE_DOMAIN_SIGNING:
        return policy_signs_as_domain(rule) ? "protect" : NULL;
    case ROLE_REVIEW:
        return policy_signs(rule) && rule->outbound.review ? "review" : NULL;
    case ROLE_ATTRIBUTE:
        return policy_signs(rule) && rule->outbound.attributes && rule->partner->label_count > 0 ? "attributes" : NULL;
    case ROLE_DOMAIN_CONFIDENTIALITY:
        if (rule->inbound.require > REQUIRE_SIGN)
            return "require";
        return policy_encrypts(rule) && rule->outbound.encrypt_to_self ? "encrypt_to_self" : NULL;
    case ROLE_MAILBOX:
        return NULL;
    }
    return NULL;
}

static unsigned line_of(const struct rule *rule, const char *key)
{
    if (rule->line > 0)
        return rule->line;
    return g_str_equal(key, "require") ? rule->partner->inbound_line : rule->partner->outbound_line;
}

/* The first rule that needs it stands for all. */
static void check_role(const struct gateway *gateway, enum role role, const char *domain, struct faults *faults)
{
    const struct conf *conf = gateway->conf;
    for (size_t i = 0; i < conf->partner_count; i++)
        for (size_t j = 0; j <= conf->partners[i]->rule_count; j++) {
            const struct rule *rule = policy_nth_rule(conf->partners[i], j);
            const char *key = needing_key(rule, role);
            if (key == NULL)
                continue;
            faults_warn(faults, conf->partners[i]->file, line_of(rule, key),
                        "\"%s\" cannot be done for %s: there is no identity with the role %s; add one to identities",
                        key, domain, role_name(role));
            return;
        }
}

/* --- partners' certificates --- */

/* By its path and usage, whomever it names. */
static bool is_fit(const struct gateway *gateway, const struct partner *partner, const struct candidate *candidate)
{
    struct finding finding = {0};
    const struct chain_query query = {.leaf = candidate->certificate,
                                      .untrusted = candidate->authorities,
                                      .purpose = PURPOSE_ENCRYPT,
                                      .partner = partner,
                                      .at = time(NULL)};
    trust_check_chain(gateway->trust, &query, &finding);
    return finding.outcome == OUTCOME_PASS;
}

static void check_pinned(const struct gateway *gateway, const struct rule *rule, const struct candidate *candidate,
                         struct faults *faults)
{
    struct finding finding = {0}, as_signer = {0};
    struct chain_query query = {.leaf = candidate->certificate,
                                .untrusted = candidate->authorities,
                                .purpose = PURPOSE_ENCRYPT,
                                .partner = rule->partner,
                                .at = time(NULL)};
    trust_check_chain(gateway->trust, &query, &finding);
    if (finding.outcome == OUTCOME_PASS || is_to_be_fetched(gateway, rule->partner, &finding)) {
        struct error error = {0};
        if (!self_test_recipient(&rule->partner->form, candidate->certificate, &error))
            faults_warn(faults, rule->partner->file, rule->partner->certificates_line,
                        "certificates: no message can be encrypted for this certificate: %s", error.text);
        return;
    }
    query.purpose = PURPOSE_SIGN;
    if (rule->partner->naming == NAMING_PINNED)
        trust_check_chain(gateway->trust, &query, &as_signer);
    if (as_signer.outcome != OUTCOME_PASS)
        faults_warn(faults, rule->partner->file, rule->partner->certificates_line,
                    "certificates: this certificate is not used for encryption: %s; %s", finding.reason,
                    finding.outcome == OUTCOME_POLICY ? "name its CA in \"anchors\", or set naming = \"pinned\""
                                                      : "ask the partner for another one");
}

/* One of a group's certificates is enough, for encryption or for its signatures. */
static void check_group(const struct gateway *gateway, const struct partner *partner, const struct group_conf *group,
                        struct faults *faults)
{
    owned(certs_answer) struct certs_answer answer = {0};
    struct finding first = {0};
    struct address member = {0};
    struct error error = {0};
    if (group->members[0] == NULL || !address_parse(slice_of(group->members[0]), &member, &error))
        return;
    const struct certs_query query = {.purpose = CERTS_ENCRYPT, .partner = partner, .address = &member, .here = true};
    certs_ask(gateway->certs, &query, 1, CERTS_NO_DEADLINE, NULL, &answer);
    const struct candidate_check how = {.gateway = gateway, .at = time(NULL)};
    bool fits = false;
    for (size_t i = 0; i < answer.count && !fits; i++) {
        struct finding finding = {0};
        if (answer.list[i].group != group)
            continue;
        fits = candidate_fits(&how, &query, &answer.list[i], &finding) || is_to_be_fetched(gateway, partner, &finding);
        if (first.outcome == OUTCOME_NONE)
            first = finding;
    }
    if (!fits && first.outcome != OUTCOME_NONE)
        faults_warn(faults, partner->file, group->line,
                    "groups: no certificate of this group is used for encryption: %s; ask the partner for another one",
                    first.reason);
    address_clear(&member);
}

/* Certificates that may be encrypted to by their path and usage, and that name no one at this partner. */
static void check_naming(const struct gateway *gateway, const struct certs_query *query,
                         const struct certs_answer *answer, struct faults *faults)
{
    const struct partner *partner = query->partner;
    const struct candidate_check how = {.gateway = gateway, .at = time(NULL)};
    struct finding first = {0};
    size_t unnamed = 0;
    for (size_t i = 0; i < answer->count; i++) {
        struct finding finding = {0};
        if (candidate_fits(&how, query, &answer->list[i], &finding))
            return;
        if (answer->list[i].pinned && is_fit(gateway, partner, &answer->list[i]) && unnamed++ == 0)
            first = finding;
    }
    if (unnamed == 1)
        faults_warn(
            faults, partner->file, partner->certificates_line,
            "certificates: the only certificate does not stand for %s under naming = \"%s\": %s; if it is that "
            "of a gateway, set naming = \"address\" with gateway_addresses, or naming = \"pinned\"; if it is that of a "
            "person, put it into the store (domsec cert import) in place of this list",
            partner->domain, naming_name(partner->naming), first.reason);
    else if (unnamed > 1)
        faults_note(faults, partner->file, partner->certificates_line,
                    "certificates: none of them stands for all of %s under naming = \"%s\": each is used only for the "
                    "addresses that it names",
                    partner->domain, naming_name(partner->naming));
}

static bool store_is_empty(const struct conf *conf)
{
    g_autoptr(GDir) folder = conf->certificate_dir != NULL ? g_dir_open(conf->certificate_dir, 0, NULL) : NULL;

    for (const char *name; folder != NULL && (name = g_dir_read_name(folder)) != NULL;)
        if (g_str_has_suffix(name, ".pem"))
            return false;
    return true;
}

/* Other sources may know certificates of single persons there. */
static void check_any(const struct gateway *gateway, const struct rule *rule, struct faults *faults)
{
    if (rule->partner->group_count > 0 || !store_is_empty(gateway->conf) || certs_has_more(gateway->certs))
        return;
    if (!policy_may_ask(rule->partner, policy_demands_encryption))
        faults_note(faults, rule->partner->file, rule->partner->outbound_line,
                    "\"protect\" is \"opportunistic\", and no source could find a certificate: mail is only signed");
    else if (rule->partner->domain != NULL)
        faults_warn(faults, rule->partner->file, rule->partner->outbound_line,
                    "\"protect\": there is no encryption certificate; name one in \"certificates\" or import one "
                    "(domsec cert import)");
}

static void check_certificates(const struct gateway *gateway, const struct rule *rule, struct faults *faults)
{
    owned(certs_answer) struct certs_answer answer = {0};
    struct address anybody = {0};
    struct error error = {0};
    g_autofree char *text =
        g_strdup_printf("postmaster@%s", rule->partner->domain != NULL ? rule->partner->domain : "example.invalid");
    if (!address_parse(slice_of(text), &anybody, &error))
        return;
    const struct certs_query query = {
        .purpose = CERTS_ENCRYPT, .partner = rule->partner, .address = &anybody, .here = true};
    certs_ask(gateway->certs, &query, 1, CERTS_NO_DEADLINE, NULL, &answer);
    if (answer.found == FOUND_NONE)
        check_any(gateway, rule, faults);
    for (size_t i = 0; i < answer.count; i++)
        if (answer.list[i].pinned)
            check_pinned(gateway, rule, &answer.list[i], faults);
    if (rule->partner->domain != NULL)
        check_naming(gateway, &query, &answer, faults);
    address_clear(&anybody);
}

void check_partners(const struct gateway *gateway, struct faults *faults)
{
    const struct conf *conf = gateway->conf;
    for (char **entry = conf->local_domains; *entry != NULL; entry++) {
        const char *domain = *entry + (**entry == '.');
        for (int role = 0; role < ROLE_COUNT; role++)
            if (!keys_has(gateway->keys, (enum role)role, domain)) /* one that has expired is warned of elsewhere */
                check_role(gateway, (enum role)role, domain, faults);
    }
    for (size_t i = 0; i < conf->partner_count; i++) {
        const struct partner *partner = conf->partners[i];
        if (!policy_may_ask(partner, policy_encrypts))
            continue;
        check_certificates(gateway, &partner->base, faults);
        for (size_t j = 0; j < partner->group_count; j++)
            check_group(gateway, partner, &partner->groups[j], faults);
    }
}

static bool leaves_bare(const struct rule *rule)
{
    return policy_encrypts(rule) && rule->outbound.header_protection == PROTECT_HEADERS_NONE;
}

static bool shows_subjects(const struct partner *partner)
{
    return policy_may_ask(partner, leaves_bare) &&
           policy_rule(partner)->inbound.protected_headers == PROTECTED_HEADERS_RESTORE;
}

/* One note for all partners: each of them is as it should be for most. */
void gateway_check_replies(const struct conf *conf, struct faults *faults)
{
    const struct partner *first = NULL;
    size_t count = 0;
    for (size_t i = 0; i < conf->partner_count; i++)
        if (shows_subjects(conf->partners[i]) && count++ == 0)
            first = conf->partners[i];
    if (first == NULL)
        return;
    g_autofree char *others = count > 1 ? g_strdup_printf(" (in %zu more policies, too)", count - 1) : g_strdup("");
    faults_note(
        faults, first->file, first->outbound_line,
        "\"protect\" encrypts, and inbound.protected_headers = \"restore\"%s: a Subject that is restored leaves "
        "in the clear with the reply; outbound.header_protection = \"baseline\" hides it, and \"keep\" leaves it in "
        "the content",
        others);
}
