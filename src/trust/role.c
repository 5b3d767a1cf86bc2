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
#include "names_cache.h"
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

static bool check_common_name(const struct role_query *query, const struct certificate_names *names,
                              struct finding *finding)
{
    guint count = g_strv_length(names->common_names);
    if (names->odd_common_name)
        return refuse_odd(finding);
    if (count != 1)
        return finding_set(finding, OUTCOME_POLICY,
                           "the certificate's subject has %u common names, not one (RFC 3183 section 3.1.1)", count);
    if (g_ascii_strcasecmp(names->common_names[0], role_name(query->role)) != 0)
        return finding_set(finding, OUTCOME_POLICY, "the certificate's common name \"%.100s\" is not %s",
                           names->common_names[0], role_name(query->role));
    return true;
}

static bool check_address(const struct role_query *query, const char *text, const struct address *address,
                          struct finding *finding)
{
    if (address->local == NULL)
        return finding_set(finding, OUTCOME_POLICY, "the certificate's address \"%.100s\" is not a valid mail address",
                           text);
    const char *unmapped = first_unmapped(query, address->domain);
    if (g_ascii_strcasecmp(address->local, role_name(query->role)) != 0)
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

static bool check_strict(const struct role_query *query, const struct certificate_names *names, struct finding *finding)
{
    if (names->odd_address)
        return refuse_odd(finding);
    if (!check_common_name(query, names, finding))
        return false;
    if (names->address_count == 0)
        return check_components(query, finding);
    for (size_t i = 0; i < names->address_count; i++)
        if (!check_address(query, names->addresses[i], &names->mailboxes[i], finding))
            return false;
    return accept_name(query, strchr(names->addresses[0], '@') + 1, finding);
}

static bool has_role_mailbox(const struct role_query *query, const struct certificate_names *names, const char *domain)
{
    for (size_t i = 0; i < names->san_count; i++) {
        const struct address *address = &names->mailboxes[i];
        if (address->local != NULL && g_ascii_strcasecmp(address->local, role_name(query->role)) == 0 &&
            (domain == NULL || is_ascendant(address->domain, domain)))
            return true;
    }
    return false;
}

static bool check_mailboxes(const struct role_query *query, const struct certificate_names *names,
                            struct finding *finding)
{
    if (names->odd_address)
        return refuse_odd(finding);
    if (query->domain_count == 0 && !has_role_mailbox(query, names, NULL))
        return finding_set(finding, OUTCOME_POLICY, "no rfc822Name of the certificate is that of a %s",
                           role_name(query->role));
    for (size_t i = 0; i < query->domain_count; i++)
        if (!has_role_mailbox(query, names, query->domains[i]))
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

static bool names_domain(const struct certificate_names *names, const char *domain)
{
    for (char **each = names->dns_names; *each != NULL; each++)
        if (is_domain(*each, domain))
            return true;
    for (size_t i = 0; i < names->san_count; i++)
        if (is_domain(names->addresses[i], domain))
            return true;
    return false;
}

static bool check_domains(const struct role_query *query, const struct certificate_names *names,
                          struct finding *finding)
{
    if (names->odd_san || names->odd_dns_name)
        return refuse_odd(finding);
    for (size_t i = 0; i < query->domain_count; i++)
        if (!names_domain(names, query->domains[i]))
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

static bool check_gateway(const struct role_query *query, const struct certificate_names *names,
                          struct finding *finding)
{
    const struct partner *partner = query->partner;
    if (names->odd_address)
        return refuse_odd(finding);
    for (size_t i = 0; i < query->domain_count; i++)
        if (partner->domain == NULL || !domain_is_within(query->domains[i], partner->domain))
            return finding_set(finding, OUTCOME_POLICY, "%.100s is not a domain of %s", query->domains[i],
                               partner->name);
    for (size_t i = 0; i < names->address_count; i++)
        if (names->mailboxes[i].local != NULL && is_gateway(partner, &names->mailboxes[i]))
            return finding_set(finding, OUTCOME_PASS, "%.100s is a gateway address of %s", names->addresses[i],
                               partner->name);
    return finding_set(finding, OUTCOME_POLICY, "the certificate names none of the gateway addresses of %s",
                       partner->name);
}

/* RFC 3183 §3.1.1 has no mapping rule for the other roles. */
static bool must_map(enum role role)
{
    return role == ROLE_DOMAIN_SIGNING || role == ROLE_DOMAIN_CONFIDENTIALITY;
}

struct certificate_names *trust_names(const struct trust *trust, const X509 *certificate)
{
    return names_cache_get(trust->names, certificate);
}

bool trust_counts_names(const struct trust *trust, const struct certificate_names *names, struct finding *finding)
{
    return names->count <= trust->names_limit ||
           finding_set(finding, OUTCOME_POLICY, "the certificate has %u names, more than names_limit (%u)",
                       names->count, trust->names_limit);
}

static bool check_names(const struct role_query *query, const struct certificate_names *names, struct finding *finding)
{
    const struct partner *partner = query->partner;
    if ((unsigned)query->role >= ROLE_COUNT || partner == NULL)
        return finding_set(finding, OUTCOME_POLICY, "the role or the partner is unknown");
    if (query->domain_count == 0 && (must_map(query->role) || partner->naming == NAMING_DOMAIN))
        return finding_set(finding, OUTCOME_POLICY, "there is no domain to compare the certificate with");
    switch (partner->naming) {
    case NAMING_RFC3183:
        return check_strict(query, names, finding);
    case NAMING_MAILBOX:
        return check_mailboxes(query, names, finding);
    case NAMING_DOMAIN:
        return check_domains(query, names, finding);
    case NAMING_ADDRESS:
        return check_gateway(query, names, finding);
    case NAMING_PINNED:
        return finding_set(finding, OUTCOME_POLICY, "the certificate is not pinned by %s", partner->name);
    }
    return finding_set(finding, OUTCOME_POLICY, "the partner's naming is unknown");
}

bool trust_names_role(const struct role_query *query, struct finding *finding)
{
    owned(certificate_names) struct certificate_names *names = certificate_names_new(query->certificate);
    return check_names(query, names, finding);
}

void trust_check_role(const struct trust *trust, const struct role_query *query, struct finding *finding)
{
    const struct partner *partner = query->partner;
    bool by_pin = partner != NULL && partner->naming == NAMING_PINNED;
    owned(certificate_names) struct certificate_names *names = trust_names(trust, query->certificate);
    if (!by_pin && !trust_counts_names(trust, names, finding))
        return;
    if (by_pin && (unsigned)query->role < ROLE_COUNT && (query->domain_count > 0 || !must_map(query->role)) &&
        trust_is_pinned(trust, partner, query->certificate))
        finding_set(finding, OUTCOME_PASS, "the certificate is pinned by %s", partner->name);
    else
        check_names(query, names, finding);
}
