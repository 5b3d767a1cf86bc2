/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names: under which addresses and domains a certificate is kept in the index.
 *
 * Generous on purpose: a certificate that is found under a name is only a candidate, and trust decides by the partner's
 * naming mode whether it may act there. What is left out here, though, can never be found, so each naming mode's forms
 * are covered.
 */
#include "source.h"

#include <openssl/x509v3.h>
#include <string.h>

bool certs_is_authority(X509 *certificate)
{
    return X509_check_ca(certificate) == 1;
}

char *certs_mailbox(const struct address *address)
{
    g_autofree char *local = g_ascii_strdown(address->local, -1);
    return g_strconcat(local, "@", address->domain, NULL);
}

static char **finish(GPtrArray *list)
{
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}

static void add_once(GPtrArray *list, char *text)
{
    for (guint i = 0; text != NULL && i < list->len; i++) {
        if (strcmp(g_ptr_array_index(list, i), text) == 0) {
            g_free(text);
            return;
        }
    }
    if (text != NULL)
        g_ptr_array_add(list, text);
}

char **certs_mailboxes(const X509 *certificate)
{
    bool odd = false;
    g_auto(GStrv) found = certificate_addresses(certificate, &odd);
    GPtrArray *list = g_ptr_array_new();
    for (char **each = found; *each != NULL; each++) {
        struct address address = {0};
        if (!certificate_address_parse(*each, &address))
            continue;
        add_once(list, certs_mailbox(&address));
        address_clear(&address);
    }
    return finish(list);
}

static void add_address_domains(GPtrArray *list, const X509 *certificate)
{
    bool odd = false;
    g_auto(GStrv) found = certificate_addresses(certificate, &odd);
    for (char **each = found; *each != NULL; each++) {
        struct address address = {0};
        if (strchr(*each, '@') == NULL) {
            add_once(list, domain_normalise(*each));
        } else if (certificate_address_parse(*each, &address)) {
            if (g_ascii_strcasecmp(address.local, role_name(ROLE_DOMAIN_CONFIDENTIALITY)) == 0)
                add_once(list, g_strdup(address.domain));
            address_clear(&address);
        }
    }
}

static bool has_role_name(const X509 *certificate)
{
    bool odd = false;
    g_auto(GStrv) names = certificate_common_names(certificate, &odd);
    for (char **each = names; *each != NULL; each++)
        if (g_ascii_strcasecmp(*each, role_name(ROLE_DOMAIN_CONFIDENTIALITY)) == 0)
            return true;
    return false;
}

char **certs_domains(const X509 *certificate)
{
    bool odd = false;
    GPtrArray *list = g_ptr_array_new();
    g_auto(GStrv) dns = certificate_dns_names(certificate, &odd);
    add_address_domains(list, certificate);
    for (char **each = dns; *each != NULL; each++)
        add_once(list, domain_normalise(*each));
    if (has_role_name(certificate))
        add_once(list, certificate_dc_domain(certificate));
    return finish(list);
}
