/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index_names: generous on purpose. A certificate that is found under a name is only a candidate, and trust decides by
 * the partner's naming mode whether it may act there. A name that is left out here can never be found, so the forms of
 * every naming mode are covered.
 */
#include "index_names.h"

#include <libpsl.h>
#include <openssl/x509v3.h>
#include <string.h>

bool index_is_authority(X509 *certificate)
{
    return X509_check_ca(certificate) == 1;
}

/* --- addresses --- */

char *index_mailbox(const struct address *address)
{
    g_autofree char *local = g_ascii_strdown(address->local, -1);
    return g_strconcat(local, "@", address->domain, NULL);
}

/* Takes text. */
static void add_once(GPtrArray *list, char *text)
{
    if (g_ptr_array_find_with_equal_func(list, text, g_str_equal, NULL))
        g_free(text);
    else
        g_ptr_array_add(list, text);
}

char **index_mailboxes(const X509 *certificate)
{
    bool odd = false;
    g_auto(GStrv) found = certificate_addresses(certificate, &odd);
    GPtrArray *list = g_ptr_array_new();
    for (char **each = found; *each != NULL; each++) {
        struct address address = {0};
        if (!certificate_address_parse(*each, &address))
            continue;
        add_once(list, index_mailbox(&address));
        address_clear(&address);
    }
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}

/* --- domains --- */

static void domain_clear(void *data)
{
    struct index_domain *domain = data;
    g_free(domain->name);
}

/* Takes name; NULL is ignored. */
static void add_domain(GArray *list, char *name, unsigned roles)
{
    struct index_domain added = {.name = name, .roles = roles};
    if (name == NULL || roles == 0) {
        g_free(name);
        return;
    }
    for (guint i = 0; i < list->len; i++) {
        struct index_domain *each = &g_array_index(list, struct index_domain, i);
        if (strcmp(each->name, name) == 0) {
            each->roles |= roles;
            g_free(name);
            return;
        }
    }
    g_array_append_val(list, added);
}

/* The role with that name, in any case; 0: it is not the name of a role. */
static unsigned role_named(const char *name)
{
    for (int role = 0; role < ROLE_COUNT; role++)
        if (g_ascii_strcasecmp(name, role_name((enum role)role)) == 0)
            return INDEX_ROLE(role);
    return 0;
}

static void add_address_domains(GArray *list, const X509 *certificate)
{
    bool odd = false;
    g_auto(GStrv) found = certificate_addresses(certificate, &odd);
    for (char **each = found; *each != NULL; each++) {
        struct address address = {0};
        if (strchr(*each, '@') == NULL) {
            add_domain(list, domain_normalise(*each), INDEX_ANY_ROLE);
        } else if (certificate_address_parse(*each, &address)) {
            add_domain(list, g_strdup(address.domain), role_named(address.local));
            address_clear(&address);
        }
    }
}

static unsigned roles_of_common_names(const X509 *certificate)
{
    bool odd = false;
    unsigned roles = 0;
    g_auto(GStrv) names = certificate_common_names(certificate, &odd);
    for (char **each = names; *each != NULL; each++)
        roles |= role_named(*each);
    return roles;
}

GArray *index_domains(const X509 *certificate)
{
    bool odd = false;
    GArray *list = g_array_new(FALSE, FALSE, sizeof(struct index_domain));
    g_array_set_clear_func(list, domain_clear);
    add_address_domains(list, certificate);
    g_auto(GStrv) dns = certificate_dns_names(certificate, &odd);
    for (char **each = dns; *each != NULL; each++)
        add_domain(list, domain_normalise(*each), INDEX_ANY_ROLE);
    add_domain(list, certificate_dc_domain(certificate), roles_of_common_names(certificate));
    return list;
}

/* Nothing is indexed under a piece of an address literal. */
char **index_ascent(const char *domain)
{
    GPtrArray *list = g_ptr_array_new();
    const psl_ctx_t *suffixes = psl_builtin();
    g_ptr_array_add(list, g_strdup(domain));
    for (const char *dot = strchr(domain, '.'); suffixes != NULL && dot != NULL; dot = strchr(dot + 1, '.')) {
        if (psl_is_public_suffix(suffixes, dot + 1))
            break;
        g_ptr_array_add(list, g_strdup(dot + 1));
    }
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}
