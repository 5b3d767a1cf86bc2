/* SPDX-License-Identifier: Apache-2.0 */
/*
 * role: decides whether a certificate may act in a role for a domain, by its names (RFC 3183 §3.1.1, §4.1).
 *
 * There is one function for each naming mode. The RFC leaves these decisions open:
 * - A CN is compared as X.520's caseIgnoreMatch compares ASCII letters, but spaces are neither trimmed nor folded: a CN
 *   that looks like the role and is not equal to it is refused.
 * - Under `rfc3183` all addresses must match, in SAN and subject alike. If there is one, the dc= components do not
 * count.
 * - Under `mailbox` a domain needs one rfc822Name of the role at that domain or a parent of it. Other addresses are
 *   allowed.
 * - Under `domain` the names must be the domain itself, without ascent and wildcards, because such a certificate does
 *   not name a role.
 * - Under `address` one of the certificate's addresses must be one that the partner's file names; it acts for the
 *   partner's domain and those below it.
 * - "com" and "co.uk" never map, not even to themselves. A suffix with an owner ("github.io") maps only to itself.
 * - X.500 names (c=, o=, ou= …) contain no mail domain; the partner's x500_name maps them (x500.c).
 */
#include "anchors.h"
#include "x500.h"

#include <string.h>

static bool is_ascendant(const char *ascendant, const char *domain)
{
    return strcmp(ascendant, domain) == 0 ? trust_has_owner(domain)
                                          : domain_is_within(domain, ascendant) && trust_is_registrable(ascendant);
}

/* The first domain that this name does not stand for, or NULL. */
static const char *first_unmapped(const struct role_query *query, const char *name)
{
    for (size_t i = 0; i < query->domain_count; i++)
        if (!is_ascendant(name, query->domains[i]))
            return query->domains[i];
    return NULL;
}

static bool refuse_odd(struct finding *finding)
{
    return finding_set(finding, OUTCOME_POLICY, "the certificate contains a name that cannot be parsed safely");
}

static bool accept_name(const struct role_query *query, const char *name, struct finding *finding)
{
    if (query->domain_count == 0)
        return finding_set(finding, OUTCOME_PASS, "the certificate is named %s", role_name(query->role));
    return finding_set(finding, OUTCOME_PASS, "the certificate is the %s of %s", role_name(query->role), name);
}

static bool check_common_name(const struct role_query *query, struct finding *finding)
{
    bool odd = false;
    g_auto(GStrv) names = certificate_common_names(query->certificate, &odd);
    guint count = g_strv_length(names);
    if (odd)
        return refuse_odd(finding);
    if (count != 1)
        return finding_set(finding, OUTCOME_POLICY,
                           "the certificate's subject has %u common names, not one (RFC 3183 section 3.1.1)", count);
    if (g_ascii_strcasecmp(names[0], role_name(query->role)) != 0)
        return finding_set(finding, OUTCOME_POLICY, "the certificate's common name \"%.100s\" is not %s", names[0],
                           role_name(query->role));
    return true;
}

static bool check_address(const struct role_query *query, const char *text, struct finding *finding)
{
    struct address address;
    if (!certificate_address_parse(text, &address))
        return finding_set(finding, OUTCOME_POLICY, "the certificate's address \"%.100s\" is not a valid mail address",
                           text);
    bool named = g_ascii_strcasecmp(address.local, role_name(query->role)) == 0;
    const char *unmapped = first_unmapped(query, address.domain);
    address_clear(&address);
    if (!named)
        return finding_set(finding, OUTCOME_POLICY, "the certificate's address \"%.100s\" is not that of a %s", text,
                           role_name(query->role));
    if (unmapped != NULL)
        return finding_set(finding, OUTCOME_POLICY, "the certificate's address \"%.100s\" does not map to %.100s", text,
                           unmapped);
    return true;
}

static bool check_x500(const struct role_query *query, struct finding *finding)
{
    for (size_t i = 0; i < query->domain_count; i++)
        if (!x500_maps(query->partner, query->certificate, query->domains[i]))
            return finding_set(
                finding, OUTCOME_POLICY,
                "the certificate contains no mail domain (no address and no DC components), and its X.500 "
                "name is not that of %.100s",
                query->domains[i]);
    return accept_name(query, query->domains[0], finding);
}

static bool check_components(const struct role_query *query, struct finding *finding)
{
    g_autofree char *domain = certificate_dc_domain(query->certificate);
    if (query->domain_count == 0)
        return accept_name(query, NULL, finding);
    if (domain == NULL)
        return check_x500(query, finding);
    const char *unmapped = first_unmapped(query, domain);
    if (unmapped != NULL)
        return finding_set(finding, OUTCOME_POLICY, "the certificate's domain components %.100s do not map to %.100s",
                           domain, unmapped);
    return accept_name(query, domain, finding);
}

static bool check_strict(const struct role_query *query, struct finding *finding)
{
    bool odd = false;
    g_auto(GStrv) addresses = certificate_addresses(query->certificate, &odd);
    if (odd)
        return refuse_odd(finding);
    if (!check_common_name(query, finding))
        return false;
    if (addresses[0] == NULL)
        return check_components(query, finding);
    for (char **each = addresses; *each != NULL; each++)
        if (!check_address(query, *each, finding))
            return false;
    return accept_name(query, strchr(addresses[0], '@') + 1, finding);
}

static bool has_role_mailbox(const struct role_query *query, char *const *addresses, const char *domain)
{
    for (; *addresses != NULL; addresses++) {
        struct address address;
        if (!certificate_address_parse(*addresses, &address))
            continue;
        bool good = g_ascii_strcasecmp(address.local, role_name(query->role)) == 0 &&
                    (domain == NULL || is_ascendant(address.domain, domain));
        address_clear(&address);
        if (good)
            return true;
    }
    return false;
}

static bool check_mailboxes(const struct role_query *query, struct finding *finding)
{
    bool odd = false, odd_san = false;
    g_auto(GStrv) all = certificate_addresses(query->certificate, &odd);
    g_auto(GStrv) addresses = certificate_san_addresses(query->certificate, &odd_san);
    if (odd || odd_san)
        return refuse_odd(finding);
    if (query->domain_count == 0 && !has_role_mailbox(query, addresses, NULL))
        return finding_set(finding, OUTCOME_POLICY, "no rfc822Name of the certificate is that of a %s",
                           role_name(query->role));
    for (size_t i = 0; i < query->domain_count; i++)
        if (!has_role_mailbox(query, addresses, query->domains[i]))
            return finding_set(finding, OUTCOME_POLICY,
                               "no rfc822Name of the certificate is %s@%.100s or of a domain above it",
                               role_name(query->role), query->domains[i]);
    return accept_name(query, query->domain_count > 0 ? query->domains[0] : NULL, finding);
}

static bool is_domain(const char *name, const char *domain)
{
    g_autofree char *normal = strchr(name, '@') == NULL ? domain_normalise(name) : NULL;
    return normal != NULL && strcmp(normal, domain) == 0;
}

static bool names_domain(char *const *names, const char *domain)
{
    for (; *names != NULL; names++)
        if (is_domain(*names, domain))
            return true;
    return false;
}

static bool check_domains(const struct role_query *query, struct finding *finding)
{
    bool odd_mail = false, odd_dns = false;
    g_auto(GStrv) addresses = certificate_san_addresses(query->certificate, &odd_mail);
    g_auto(GStrv) hosts = certificate_dns_names(query->certificate, &odd_dns);
    if (odd_mail || odd_dns)
        return refuse_odd(finding);
    for (size_t i = 0; i < query->domain_count; i++)
        if (!names_domain(hosts, query->domains[i]) && !names_domain(addresses, query->domains[i]))
            return finding_set(finding, OUTCOME_POLICY, "no dNSName or rfc822Name of the certificate is %.100s",
                               query->domains[i]);
    return finding_set(finding, OUTCOME_PASS, "the certificate names the domain");
}

static bool is_gateway(const struct partner *partner, const struct address *address)
{
    for (char **each = partner->gateway_addresses; *each != NULL; each++) {
        const char *at = strchr(*each, '@');
        g_autofree char *local = g_strndup(*each, (gsize)(at - *each));
        if (g_ascii_strcasecmp(local, address->local) == 0 && strcmp(at + 1, address->domain) == 0)
            return true;
    }
    return false;
}

static bool check_gateway(const struct role_query *query, struct finding *finding)
{
    bool odd = false;
    g_auto(GStrv) addresses = certificate_addresses(query->certificate, &odd);
    const struct partner *partner = query->partner;
    if (odd)
        return refuse_odd(finding);
    for (size_t i = 0; i < query->domain_count; i++)
        if (partner->domain == NULL || !domain_is_within(query->domains[i], partner->domain))
            return finding_set(finding, OUTCOME_POLICY, "%.100s is not a domain of %s", query->domains[i],
                               partner->name);
    for (char **each = addresses; *each != NULL; each++) {
        struct address address = {0};
        if (!certificate_address_parse(*each, &address))
            continue;
        bool found = is_gateway(partner, &address);
        address_clear(&address);
        if (found)
            return finding_set(finding, OUTCOME_PASS, "%.100s is a gateway address of %s", *each, partner->name);
    }
    return finding_set(finding, OUTCOME_POLICY, "the certificate names none of the gateway addresses of %s",
                       partner->name);
}

/* RFC 3183 §3.1.1 has no mapping rule for the other roles. */
static bool must_map(enum role role)
{
    return role == ROLE_DOMAIN_SIGNING || role == ROLE_DOMAIN_CONFIDENTIALITY;
}

bool trust_counts_names(const struct trust *trust, const X509 *certificate, struct finding *finding)
{
    unsigned count = certificate_name_count(certificate);
    return count <= trust->names_limit ||
           finding_set(finding, OUTCOME_POLICY, "the certificate has %u names, more than names_limit (%u)", count,
                       trust->names_limit);
}

bool trust_names_role(const struct role_query *query, struct finding *finding)
{
    const struct partner *partner = query->partner;
    if ((unsigned)query->role >= ROLE_COUNT || partner == NULL)
        return finding_set(finding, OUTCOME_POLICY, "the role or the partner is unknown");
    if (query->domain_count == 0 && (must_map(query->role) || partner->naming == NAMING_DOMAIN))
        return finding_set(finding, OUTCOME_POLICY, "there is no domain to compare the certificate with");
    switch (partner->naming) {
    case NAMING_RFC3183:
        return check_strict(query, finding);
    case NAMING_MAILBOX:
        return check_mailboxes(query, finding);
    case NAMING_DOMAIN:
        return check_domains(query, finding);
    case NAMING_ADDRESS:
        return check_gateway(query, finding);
    case NAMING_PINNED:
        return finding_set(finding, OUTCOME_POLICY, "the certificate is not pinned by %s", partner->name);
    }
    return finding_set(finding, OUTCOME_POLICY, "the partner's naming is unknown");
}

void trust_check_role(const struct trust *trust, const struct role_query *query, struct finding *finding)
{
    const struct partner *partner = query->partner;
    bool by_pin = partner != NULL && partner->naming == NAMING_PINNED;
    if (!by_pin && !trust_counts_names(trust, query->certificate, finding))
        return;
    if (by_pin && (unsigned)query->role < ROLE_COUNT && (query->domain_count > 0 || !must_map(query->role)) &&
        trust_is_pinned(trust, partner, query->certificate))
        finding_set(finding, OUTCOME_PASS, "the certificate is pinned by %s", partner->name);
    else
        trust_names_role(query, finding);
}
