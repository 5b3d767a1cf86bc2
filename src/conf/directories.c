/* SPDX-License-Identifier: Apache-2.0 */
/*
 * directories: what the groups `ldap` come to, and which of them a domain belongs to. The servers are only named here;
 * certs/ asks them. Whether `base` is a name that LDAP can read is certs/'s question, too, because net/ knows LDAP.
 */
#include "directories.h"

#include <libconfig.h>
#include <string.h>

#define PORT_LDAP 389
#define PORT_LDAPS 636

/* What the URI, which is good, says. "srv:" names no host. */
static void take_apart(struct ldap_conf *group)
{
    g_autofree char *scheme = NULL, *host = NULL;
    gint port = -1;
    if (!g_uri_split_network(group->uri, G_URI_FLAGS_NONE, &scheme, &host, &port, NULL))
        return;
    group->tls = strcmp(scheme, "ldaps") == 0;
    group->port = port > 0 ? (unsigned)port : group->tls ? PORT_LDAPS : PORT_LDAP;
    group->host = g_hostname_is_ip_address(host) ? g_strdup(host) : domain_normalise(host);
}

static void check_login(const struct ldap_conf *group, const struct place *place)
{
    if (group->bind_dn != NULL && group->password_file == NULL)
        place_fault(place, "ldap: \"bind_dn\" needs \"password_file\"");
    if (group->bind_dn == NULL && group->password_file != NULL)
        place_fault(place, "ldap: \"password_file\" needs \"bind_dn\"");
}

static void check_encryption(const struct ldap_conf *group, const struct place *place)
{
    if (group->tls && group->starttls)
        place_fault(place, "ldap: \"starttls\" is for ldap: and srv:, because ldaps: is encrypted from the start; "
                           "remove it");
    if (group->tls || group->starttls)
        return;
    if (group->bind_dn != NULL)
        place_fault(place,
                    "ldap: the password for \"%s\" would go to %s in the clear; use ldaps:, or set starttls = true",
                    group->bind_dn, group->uri);
    else if (group->host == NULL || !host_is_loopback(group->host))
        place_warn(
            place,
            "ldap: what %s answers can be read and forged on the way, and a forged \"no certificate\" looks like "
            "a true one; use ldaps:, or set starttls = true",
            group->uri);
}

static void check_names(const struct conf *conf, const struct ldap_conf *group, const struct place *place)
{
    for (char **domain = group->domains; *domain != NULL; domain++) {
        if (g_strv_contains((const char *const *)domain + 1, *domain))
            place_warn(place, "ldap: \"domains\" names \"%s\" twice", *domain);
        if (conf_is_local_domain(conf, *domain))
            place_warn(place, "ldap: \"%s\" is one of local_domains, whose mail needs no certificates of a directory",
                       *domain);
    }
}

void directories_read(struct conf *conf, const config_setting_t *root, const struct place *place)
{
    g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(unsigned));
    size_t before = faults_errors(place->faults);
    conf->ldap = option_read_groups(root, "ldap", &ldap_options, sizeof(struct ldap_conf), lines, place);
    conf->ldap_count = lines->len;
    bool good = faults_errors(place->faults) == before;
    for (size_t i = 0; i < conf->ldap_count && good; i++) {
        struct ldap_conf *group = &conf->ldap[i];
        struct place at = *place;
        group->line = at.line = g_array_index(lines, unsigned, i);
        take_apart(group);
        check_login(group, &at);
        check_encryption(group, &at);
        check_names(conf, group, &at);
    }
}

void directories_free(struct conf *conf)
{
    for (size_t i = 0; i < conf->ldap_count; i++) {
        g_free(conf->ldap[i].host);
        option_clear(&ldap_options, &conf->ldap[i]);
    }
    g_free(conf->ldap);
}

static unsigned groups_that_name(const struct conf *conf, const char *name,
                                 const struct ldap_conf *groups[LDAP_GROUPS_MAX])
{
    unsigned count = 0;
    for (size_t i = 0; i < conf->ldap_count && count < LDAP_GROUPS_MAX; i++)
        if (g_strv_contains((const char *const *)conf->ldap[i].domains, name))
            groups[count++] = &conf->ldap[i];
    return count;
}

unsigned conf_ldap_groups(const struct conf *conf, const char *domain, const struct ldap_conf *groups[LDAP_GROUPS_MAX])
{
    while (domain != NULL && *domain != '\0') {
        unsigned count = groups_that_name(conf, domain, groups);
        if (count > 0)
            return count;
        domain = strchr(domain, '.');
        domain = domain != NULL ? domain + 1 : NULL;
    }
    return groups_that_name(conf, "*", groups);
}
