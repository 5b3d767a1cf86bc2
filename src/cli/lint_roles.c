/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lint_roles: under which naming modes a partner's domsec lets a certificate act for its domain (RFC 3183 §3.1.1,
 * §4.1), by the functions that judge mail.
 */
#include "lint.h"

#include "trust/trust.h"

#include <string.h>

static char *domain_of(const struct lint_subject *subject)
{
    for (char **each = subject->san_addresses; *each != NULL; each++) {
        struct address address = {0};
        if (!certificate_address_parse(*each, &address))
            continue;
        char *domain = g_strdup(address.domain);
        address_clear(&address);
        return domain;
    }
    bool odd = false;
    g_auto(GStrv) hosts = certificate_dns_names(subject->certificate, &odd);
    char *host = hosts[0] != NULL ? domain_normalise(hosts[0]) : NULL;
    return host != NULL ? host : certificate_dc_domain(subject->certificate);
}

static void role_free(void *data)
{
    struct lint_role *role = data;
    g_free(role->reason);
    g_free(role);
}

static struct lint_role *ask(const struct lint_subject *subject, enum naming naming, enum role role, const char *domain)
{
    /* Under "address" the partner names the addresses that the certificate has. */
    char *none[] = {NULL};
    struct partner partner = {.name = (char *)"the partner",
                              .domain = (char *)domain,
                              .naming = naming,
                              .gateway_addresses = subject->san_addresses != NULL ? subject->san_addresses : none,
                              .x500_name = none};
    struct role_query query = {.partner = &partner,
                               .certificate = subject->certificate,
                               .role = role,
                               .domains = &domain,
                               .domain_count = domain != NULL ? 1 : 0};
    struct finding finding = {0};
    struct lint_role *out = g_new0(struct lint_role, 1);
    *out = (struct lint_role){.naming = naming, .role = role, .fits = trust_names_role(&query, &finding)};
    out->reason = g_strdup(finding.reason);
    return out;
}

GPtrArray *lint_roles(const struct lint_subject *subject, char **domain)
{
    static const enum naming namings[] = {NAMING_RFC3183, NAMING_MAILBOX, NAMING_DOMAIN, NAMING_ADDRESS};
    GPtrArray *list = g_ptr_array_new_with_free_func(role_free);
    *domain = domain_of(subject);
    for (size_t i = 0; i < G_N_ELEMENTS(namings); i++) {
        if (subject->profile.signs)
            g_ptr_array_add(list, ask(subject, namings[i], ROLE_DOMAIN_SIGNING, *domain));
        if (subject->profile.encrypts)
            g_ptr_array_add(list, ask(subject, namings[i], ROLE_DOMAIN_CONFIDENTIALITY, *domain));
    }
    return list;
}
