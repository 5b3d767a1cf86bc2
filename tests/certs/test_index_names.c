/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/index_names.h"

#include "support/pki.h"

#include <criterion/criterion.h>

#define DSA INDEX_ROLE(ROLE_DOMAIN_SIGNING)
#define DCA INDEX_ROLE(ROLE_DOMAIN_CONFIDENTIALITY)

Test(index_names, mailboxes)
{
    const struct {
        const char *const *subject, *const *san;
        const char *expected;
    } rows[] = {
        {PKI_LIST("CN=x"), PKI_LIST("email:Bob@PARTNER.test"), "bob@partner.test"},
        {PKI_LIST("CN=x", "emailAddress=carol@partner.test"), PKI_LIST("email:bob@partner.test"),
         "bob@partner.test carol@partner.test"},
        {PKI_LIST("CN=x", "emailAddress=BOB@partner.test"), PKI_LIST("email:bob@partner.test"), "bob@partner.test"},
        {PKI_LIST("CN=x"), PKI_LIST("utf8:jörg@bücher.test"), "jörg@xn--bcher-kva.test"},
        {PKI_LIST("CN=x"), PKI_LIST("email:partner.test", "email:<bob@partner.test>", "dns:partner.test"), ""},
        {PKI_LIST("CN=bob@partner.test"), NULL, ""},
    };
    PKI_AUTO struct pki *ca = pki_ca("root");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        PKI_AUTO struct pki *pki =
            pki_issue(&(struct pki_spec){.issuer = ca, .subject = rows[i].subject, .san = rows[i].san});
        g_auto(GStrv) found = index_mailboxes(pki->cert);
        g_autofree char *joined = g_strjoinv(" ", found);
        cr_expect_str_eq(joined, rows[i].expected, "row %zu: %s", i, joined);
    }
}

Test(index_names, domains)
{
    const struct {
        const char *const *subject, *const *san;
        const char *name; /* the one domain; NULL: none */
        unsigned roles;
    } rows[] = {
        {PKI_LIST("CN=x"), PKI_LIST("email:domain-confidentiality-authority@A.test"), "a.test", DCA},
        {PKI_LIST("CN=x"), PKI_LIST("email:Domain-Signing-Authority@a.test"), "a.test", DSA},
        {PKI_LIST("CN=x"),
         PKI_LIST("email:domain-signing-authority@a.test", "email:domain-confidentiality-authority@a.test"), "a.test",
         DSA | DCA},
        {PKI_LIST("CN=x"), PKI_LIST("email:review-authority@a.test"), "a.test", INDEX_ROLE(ROLE_REVIEW)},
        {PKI_LIST("CN=x"), PKI_LIST("email:attribute-authority@a.test"), "a.test", INDEX_ROLE(ROLE_ATTRIBUTE)},
        {PKI_LIST("CN=x"), PKI_LIST("dns:A.test."), "a.test", INDEX_ANY_ROLE},
        {PKI_LIST("CN=x"), PKI_LIST("email:XN--bcher-kva.test"), "xn--bcher-kva.test", INDEX_ANY_ROLE},
        {PKI_LIST("DC=test", "DC=a", "CN=domain-signing-authority"), NULL, "a.test", DSA},
        {PKI_LIST("DC=test", "DC=a", "CN=domain-confidentiality-authority"), NULL, "a.test", DCA},
        {PKI_LIST("DC=test", "DC=a", "CN=somebody"), NULL, NULL, 0},
        {PKI_LIST("CN=domain-signing-authority"), NULL, NULL, 0},
        {PKI_LIST("CN=x"), PKI_LIST("email:bob@a.test"), NULL, 0},
        {PKI_LIST("CN=x"), PKI_LIST("dns:a..test"), NULL, 0},
    };
    PKI_AUTO struct pki *ca = pki_ca("root");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        PKI_AUTO struct pki *pki =
            pki_issue(&(struct pki_spec){.issuer = ca, .subject = rows[i].subject, .san = rows[i].san});
        g_autoptr(GArray) found = index_domains(pki->cert);
        cr_assert_eq(found->len, rows[i].name != NULL, "row %zu: %u domains", i, found->len);
        if (rows[i].name == NULL)
            continue;
        const struct index_domain *domain = &g_array_index(found, struct index_domain, 0);
        cr_expect_str_eq(domain->name, rows[i].name, "row %zu", i);
        cr_expect_eq(domain->roles, rows[i].roles, "row %zu: %x", i, domain->roles);
    }
}

Test(index_names, authorities)
{
    PKI_AUTO struct pki *ca = pki_ca("root");
    PKI_AUTO struct pki *bob = pki_person(ca, "bob@partner.test");
    cr_expect(index_is_authority(ca->cert));
    cr_expect_not(index_is_authority(bob->cert));
}
