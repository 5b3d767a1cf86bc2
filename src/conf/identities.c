/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identities: reads `identities`. An identity is a domain's, with a role of RFC 3183, or it is a
 * mailbox's or a group's own. Certificates and keys are only named here.
 */
#include "identities.h"

#include <libconfig.h>
#include <string.h>

static struct address_set *set_of(char *const *patterns)
{
    struct address_set *set = address_set_new();
    for (; *patterns != NULL; patterns++)
        address_set_add(set, *patterns);
    return set;
}

/* --- identities --- */

const char *identity_owner(const struct identity_conf *identity)
{
    return identity->domain != NULL ? identity->domain : identity->name;
}

/* Either a domain with its role, or addresses. */
static void settle(struct identity_conf *identity, const config_setting_t *group, const struct place *place)
{
    bool has_domain = config_setting_get_member(group, "domain") != NULL;
    bool has_role = config_setting_get_member(group, "role") != NULL;
    bool has_address = config_setting_get_member(group, "address") != NULL;
    if (has_address && (has_domain || has_role))
        place_fault(place, "\"address\" cannot stand beside \"%s\": an identity belongs to a domain or to mailboxes",
                    has_domain ? "domain" : "role");
    else if (!has_address && !has_domain && !has_role)
        place_fault(place, "missing key \"domain\" with \"role\", or \"address\": whose identity this is");
    else if (!has_address && !has_domain)
        place_fault(place, "missing key \"domain\": Domain that the identity acts for");
    else if (!has_address && !has_role)
        place_fault(place, "missing key \"role\": Role in which the identity acts");
    if (has_address) {
        guint more = g_strv_length(identity->addresses);
        identity->role = ROLE_MAILBOX;
        identity->mailboxes = set_of(identity->addresses);
        if (more == 0)
            place_fault(place, "\"address\" must not be empty");
        else if (more == 1)
            identity->name = g_strdup(identity->addresses[0]);
        else
            identity->name = g_strdup_printf("%s and %u more", identity->addresses[0], more - 1);
    }
}

static void read_list(struct conf *conf, const config_setting_t *root, const struct place *place)
{
    g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(unsigned));
    const config_setting_t *list = config_setting_get_member(root, "identities");
    conf->identities =
        option_read_groups(root, "identities", &identity_options, sizeof(struct identity_conf), lines, place);
    conf->identity_count = lines->len;
    for (unsigned i = 0; i < conf->identity_count; i++) {
        const config_setting_t *group = config_setting_get_elem(list, i);
        struct place at = *place;
        conf->identities[i].line = at.line = g_array_index(lines, unsigned, i);
        if (config_setting_is_group(group))
            settle(&conf->identities[i], group, &at);
    }
}

/* An identity of a foreign domain does no harm, but is most likely a typing error. */
static bool is_related(const struct conf *conf, const char *domain)
{
    for (char **entry = conf->local_domains; *entry != NULL; entry++) {
        const char *local = *entry + (**entry == '.');
        if (domain_is_within(local, domain) || domain_is_within(domain, local))
            return true;
    }
    return false;
}

static void check_domains(const struct conf *conf, const struct place *place)
{
    for (size_t i = 0; i < conf->identity_count && conf->local_domains[0] != NULL; i++) {
        const struct identity_conf *identity = &conf->identities[i];
        if (identity->domain != NULL && !is_related(conf, identity->domain))
            faults_warn(place->faults, place->file, identity->line,
                        "no local domain is \"%s\" or below it, so this identity is never used; correct the domain, or "
                        "add it to local_domains",
                        identity->domain);
        for (char **address = identity->addresses; address != NULL && *address != NULL; address++)
            if (!conf_is_local_domain(conf, strrchr(*address, '@') + 1))
                faults_warn(place->faults, place->file, identity->line,
                            "\"%s\" is not in local_domains, so this identity is never used for it; correct the "
                            "address, or add its domain to local_domains",
                            *address);
    }
}

void identities_read(struct conf *conf, const config_setting_t *root, const struct place *place)
{
    read_list(conf, root, place);
    check_domains(conf, place);
}

void identities_free(struct conf *conf)
{
    for (size_t i = 0; i < conf->identity_count; i++) {
        option_clear(&identity_options, &conf->identities[i]);
        address_set_free(conf->identities[i].mailboxes);
        g_free(conf->identities[i].name);
    }
    g_free(conf->identities);
}
