/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity_lines: what to add to the configuration for a certificate. It is a proposal: what an identity is for is the
 * administrator's choice.
 */
#include "identity_lines.h"

#include "trust/trust.h"

#include <string.h>

/* The mail addresses of a certificate. NULL-terminated; g_strfreev(). */
static char **addresses_of(const X509 *certificate)
{
    bool odd = false;
    GPtrArray *list = g_ptr_array_new();
    g_auto(GStrv) addresses = certificate_addresses(certificate, &odd);
    for (char **each = addresses; *each != NULL; each++) {
        struct address address = {0};
        if (!certificate_address_parse(*each, &address))
            continue;
        if (!g_ptr_array_find_with_equal_func(list, address.text, g_str_equal, NULL))
            g_ptr_array_add(list, g_strdup(address.text));
        address_clear(&address);
    }
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}

/* The domain of the first address, or of the one whose local part is that. Lent by addresses; NULL: no address has a
 * domain. */
static const char *domain_among(char *const *addresses, const char *local)
{
    for (; *addresses != NULL; addresses++) {
        const char *at = strrchr(*addresses, '@');
        if (local == NULL ||
            ((size_t)(at - *addresses) == strlen(local) && g_ascii_strncasecmp(*addresses, local, strlen(local)) == 0))
            return at + 1;
    }
    return NULL;
}

static bool names_role(const X509 *certificate, char *const *addresses, enum role role)
{
    bool odd = false;
    g_auto(GStrv) names = certificate_common_names(certificate, &odd);
    return domain_among(addresses, role_name(role)) != NULL ||
           (names[0] != NULL && g_ascii_strcasecmp(names[0], role_name(role)) == 0);
}

/* Roles as bits. */
static unsigned named_roles(const X509 *certificate, char *const *addresses)
{
    unsigned roles = 0;
    for (int i = 0; i < ROLE_COUNT; i++)
        if (names_role(certificate, addresses, (enum role)i))
            roles |= 1u << i;
    return roles;
}

static unsigned usable_roles(const X509 *certificate)
{
    unsigned roles = 0;
    if (trust_usage_refusal(certificate, PURPOSE_SIGN) == NULL)
        roles |= 1u << ROLE_DOMAIN_SIGNING;
    if (trust_usage_refusal(certificate, PURPOSE_ENCRYPT) == NULL)
        roles |= 1u << ROLE_DOMAIN_CONFIDENTIALITY;
    return roles;
}

/* owner: the keys that say whose it is. */
static void add(GString *lines, const struct identity_wanted *wanted, const char *owner)
{
    g_string_append_printf(lines, "%s  { %s\n    certificate = \"%s\";\n    key = \"file:%s\";",
                           lines->len > 0 ? ",\n" : "", owner, wanted->certificate, wanted->key);
    if (wanted->passphrase_file != NULL)
        g_string_append_printf(lines, "\n    passphrase_file = \"%s\";", wanted->passphrase_file);
    g_string_append(lines, " }");
}

static void add_addresses(GString *lines, const struct identity_wanted *wanted, char **addresses)
{
    g_autofree char *joined = g_strjoinv("\", \"", addresses);
    g_autofree char *owner = addresses[1] == NULL ? g_strdup_printf("address = \"%s\";", joined)
                                                  : g_strdup_printf("address = ( \"%s\" );", joined);
    add(lines, wanted, owner);
}

static void add_role(GString *lines, const struct identity_wanted *wanted, const X509 *certificate, enum role role,
                     char *const *addresses)
{
    g_autofree char *components = certificate_dc_domain(certificate);
    const char *domain = wanted->domain;
    if (domain == NULL)
        domain = domain_among(addresses, role_name(role));
    if (domain == NULL)
        domain = domain_among(addresses, NULL);
    if (domain == NULL)
        domain = components != NULL ? components : "YOUR.DOMAIN";
    g_autofree char *owner = g_strdup_printf("domain = \"%s\"; role = \"%s\";", domain, role_name(role));
    add(lines, wanted, owner);
}

char *identity_lines(const X509 *certificate, const struct identity_wanted *wanted)
{
    g_autoptr(GString) lines = g_string_new(NULL);
    g_auto(GStrv) addresses = addresses_of(certificate);
    unsigned roles = wanted->role != NULL ? 1u << *wanted->role : named_roles(certificate, addresses);
    unsigned usable = usable_roles(certificate);
    if (usable == 0)
        return NULL;
    if (roles == 0 && wanted->domain == NULL && addresses[0] != NULL)
        add_addresses(lines, wanted, addresses);
    else if (roles == 0)
        roles = usable;
    for (int i = 0; i < ROLE_COUNT; i++)
        if ((roles & 1u << i) != 0)
            add_role(lines, wanted, certificate, (enum role)i, addresses);
    return g_string_free(g_steal_pointer(&lines), FALSE);
}
