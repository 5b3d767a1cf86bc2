/* SPDX-License-Identifier: Apache-2.0 */
/*
 * destination: where a recipient's copy goes, and which rules it must satisfy.
 *
 * An MTA may read a route in an address: Postfix and Sendmail deliver bob%partner.test@localhost, partner.test!bob and
 * "bob@partner.test"@[192.0.2.1] to bob@partner.test, if the last domain is one of their own. Which domains these are,
 * only the MTA knows, and it says so ({rcpt_addr} with {rcpt_mailer}). If it does not, an address that may be a route
 * to a protected domain is refused, whatever domain it ends in.
 *
 * What still looks like a route after the MTA has read it is read by the next host, perhaps by a relay of ours. So the
 * rules of the domains in it count as well. Each rule can only add protection.
 */
#include "policy/policy.h"

#include <string.h>

#define OPERATORS "%!@"
#define HOSTS_MAX (DESTINATION_RULES - 2) /* a rule each, beside the two of the addresses */

/* The domains in a local part and a source route. */
struct hosts {
    char *list[HOSTS_MAX]; /* normalised */
    size_t count;
    bool is_route; /* the MTA may see a route here */
    bool obscure;  /* there are too many of them, or one is not a domain as it stands */
};

static void hosts_clear(struct hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++)
        g_free(hosts->list[i]);
}

static void add_host(struct hosts *hosts, const char *text, size_t length)
{
    g_autofree char *name = g_strndup(text, length);
    if (length == 0)
        return;
    g_autofree char *domain = domain_normalise(name);
    if (domain == NULL || hosts->count == HOSTS_MAX)
        hosts->obscure = true;
    else
        hosts->list[hosts->count++] = steal(&domain);
}

/* A host stands behind "%" or "@", or before "!". */
static void read_hosts(const struct address *address, struct hosts *hosts)
{
    g_auto(GStrv) route = address->route != NULL ? g_strsplit(address->route, ",", -1) : NULL;
    *hosts = (struct hosts){.is_route = route != NULL || strpbrk(address->local, OPERATORS) != NULL};
    for (char **host = route; host != NULL && *host != NULL; host++)
        add_host(hosts, *host, strlen(*host));
    if (route != NULL)
        add_host(hosts, address->domain, strlen(address->domain));
    char before = '\0';
    for (const char *word = address->local;; word++) {
        size_t length = strcspn(word, OPERATORS);
        if (before == '%' || before == '@' || word[length] == '!')
            add_host(hosts, word, length);
        word += length;
        before = *word;
        if (before == '\0')
            return;
    }
}

/* Whether a rule asks for anything. */
static bool asks(const struct rule *rule)
{
    const struct outbound_rule *outbound = &rule->outbound;
    return outbound->protect != PROTECT_NONE || outbound->refuse || outbound->unreadable != UNREADABLE_PASS ||
           (outbound->require_review != NULL && outbound->require_review[0] != NULL);
}

/* One whose policy is in test mode asks for nothing that is done. */
static bool partner_may_ask(const struct partner *partner)
{
    return partner->mode == MODE_ENFORCE && policy_may_ask(partner, asks);
}

static bool partner_asks(const struct conf *conf, const char *domain)
{
    return partner_may_ask(conf_partner(conf, domain));
}

/* The partner of a domain, for the sake of an address. */
static void add_partner(const struct conf *conf, const char *domain, const struct address *address,
                        struct destination *destination)
{
    const struct rule *rule = policy_rule(conf_partner(conf, domain));
    for (size_t i = 0; i < destination->rule_count; i++)
        if (destination->rules[i] == rule && address_equal(destination->addresses[i], address))
            return;
    destination->addresses[destination->rule_count] = address;
    destination->rules[destination->rule_count++] = rule;
}

/* --- the MTA does not say where it delivers to --- */

static bool begins_with_label(const char *domain, const char *label, size_t length)
{
    return domain != NULL && strncmp(domain, label, length) == 0 && domain[length] == '.';
}

/* Some MTAs complete "partner" to partner.test, by a domain that is not known here. True if a domain that is ours or
 * that a rule protects may be meant. */
static bool may_be_completed(const struct conf *conf, const char *host)
{
    size_t length = strlen(host);
    if (strchr(host, '.') != NULL)
        return false;
    for (char **local = conf->local_domains; *local != NULL; local++)
        if (begins_with_label(*local, host, length))
            return true;
    for (size_t i = 0; i < conf->partner_count; i++)
        if (begins_with_label(conf->partners[i]->domain, host, length) && partner_may_ask(conf->partners[i]))
            return true;
    return false;
}

/* Our own domains count, too: their mail must be judged as what arrives. */
static bool leads_to_a_rule(const struct conf *conf, const struct hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++)
        if (conf_is_local_domain(conf, hosts->list[i]) || partner_asks(conf, hosts->list[i]) ||
            may_be_completed(conf, hosts->list[i]))
            return true;
    return hosts->obscure;
}

static void read_as_given(const struct conf *conf, const struct recipient *recipient, struct destination *destination)
{
    const struct address *given = &recipient->address;
    struct hosts hosts;
    read_hosts(given, &hosts);
    bool ours = given->domain[0] == '\0' || conf_is_local_domain(conf, given->domain);
    if (hosts.is_route && (ours || leads_to_a_rule(conf, &hosts)))
        destination->unclear = UNCLEAR_ROUTE;
    else if (!ours && recipient->mta_address == NULL && may_be_completed(conf, given->domain))
        destination->unclear = UNCLEAR_DOMAIN;
    destination->local = destination->arrives = ours && !hosts.is_route;
    hosts_clear(&hosts);
}

/* --- it says so --- */

/* Sendmail's local mailer gets the local part alone. An address that was given without a domain is completed with a
 * name of the MTA's own, which need not be one of local_domains. */
static bool arrives(const struct conf *conf, const struct recipient *recipient)
{
    const struct address *given = &recipient->address;
    const char *domain = recipient->resolved.domain;
    return domain[0] == '\0' || conf_is_local_domain(conf, domain) ||
           (given->domain[0] == '\0' && strpbrk(given->local, OPERATORS) == NULL &&
            strcmp(recipient->mta_mailer, "local") == 0);
}

static bool some_rule_asks(const struct conf *conf)
{
    for (size_t i = 0; i < conf->partner_count; i++)
        if (partner_may_ask(conf->partners[i]))
            return true;
    return false;
}

static void add_rules_behind(const struct conf *conf, const struct address *address, struct destination *destination)
{
    struct hosts hosts;
    read_hosts(address, &hosts);
    for (size_t i = 0; i < hosts.count; i++) {
        if (!conf_is_local_domain(conf, hosts.list[i]) && partner_asks(conf, hosts.list[i]))
            add_partner(conf, hosts.list[i], address, destination);
    }
    if (hosts.obscure && some_rule_asks(conf))
        destination->unclear = UNCLEAR_NEXT;
    hosts_clear(&hosts);
}

static void read_as_resolved(const struct conf *conf, const struct recipient *recipient,
                             struct destination *destination)
{
    const struct address *given = &recipient->address, *resolved = &recipient->resolved;
    destination->address = resolved;
    destination->arrives = arrives(conf, recipient);
    if (!destination->arrives)
        add_partner(conf, resolved->domain, resolved, destination);
    if (given->domain[0] != '\0' && !conf_is_local_domain(conf, given->domain) && partner_asks(conf, given->domain))
        add_partner(conf, given->domain, given, destination);
    add_rules_behind(conf, resolved, destination);
    destination->local = destination->rule_count == 0 && destination->unclear == UNCLEAR_NOT;
}

void policy_destination(const struct conf *conf, const struct recipient *recipient, struct destination *destination)
{
    *destination = (struct destination){.address = &recipient->address};
    if (recipient->resolved.text != NULL)
        read_as_resolved(conf, recipient, destination);
    else
        read_as_given(conf, recipient, destination);
    destination->partner = conf_partner(conf, destination->address->domain);
    if (destination->rule_count == 0)
        add_partner(conf, destination->address->domain, destination->address, destination);
}

enum direction policy_direction(const struct conf *conf, const struct recipient *recipients, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct destination destination;
        policy_destination(conf, &recipients[i], &destination);
        if (!destination.local)
            return DIRECTION_OUTBOUND;
    }
    return DIRECTION_INBOUND;
}
