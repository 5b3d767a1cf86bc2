/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/keys.h"

#include "support/pki.h"

#include <criterion/criterion.h>

Test(certificate_names, addresses)
{
    const struct {
        const char *const *subject, *const *san;
        const char *expected; /* joined by spaces */
        bool odd;
    } rows[] = {
        {PKI_LIST("CN=x"), NULL, "", false},
        {PKI_LIST("CN=a@cn.test"), PKI_LIST("email:a@b.test"), "a@b.test", false},
        {PKI_LIST("CN=x", "emailAddress=c@d.test"), PKI_LIST("email:a@b.test", "email:e@f.test"),
         "a@b.test e@f.test c@d.test", false},
        {PKI_LIST("emailAddress=a@b.test", "emailAddress=c@d.test"), NULL, "a@b.test c@d.test", false},
        {PKI_LIST("CN=x"), PKI_LIST("utf8:jörg@b.test", "dns:b.test", "uri:mailto:no@b.test"), "jörg@b.test", false},
        {PKI_LIST("CN=x"), PKI_LIST("email:acme.test"), "acme.test", false},
        {PKI_LIST("CN=x"), PKI_LIST("email:alice@acme.test%00.evil.test", "email:a@b.test"), "a@b.test", true},
        {PKI_LIST("CN=x"), PKI_LIST("email:a%0d%0aBcc:x@b.test"), "", true},
        {PKI_LIST("CN=x"), PKI_LIST("email:a@b.test%7f"), "", true},
        {PKI_LIST("CN=x"), PKI_LIST("email:jörg@b.test"), "", true},
        {PKI_LIST("CN=x"), PKI_LIST("email:"), "", true},
        {PKI_LIST("CN=x"), PKI_LIST("utf8:a@b.test"), "", false},
        {PKI_LIST("CN=x"), PKI_LIST("utf8:a@bücher.test"), "", false},
        {PKI_LIST("CN=x"), PKI_LIST("utf8:ä", "email:a@b.test"), "ä a@b.test", false},
        {PKI_LIST("CN=x"), PKI_LIST("utf8:a", "email:a@b.test"), "a@b.test", false},
        {PKI_LIST("CN=x"), PKI_LIST("utf8:a%ff@b.test"), "", true},
        {PKI_LIST("CN=x"), PKI_LIST("utf8:a%00@b.test"), "", true},
        {PKI_LIST("CN=x"), PKI_LIST("utf8:a%e2%80%aeb@b.test"), "", true}, /* right-to-left override */
        {PKI_LIST("CN=x"), PKI_LIST("utf8:a%c2%85b@b.test"), "", true},    /* C1 control */
        {PKI_LIST("emailAddress=a@b.test%00"), NULL, "", true},
        {PKI_LIST("emailAddress=jörg@b.test"), NULL, "", true},
    };
    PKI_AUTO struct pki *ca = pki_ca("root");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        PKI_AUTO struct pki *pki =
            pki_issue(&(struct pki_spec){.issuer = ca, .subject = rows[i].subject, .san = rows[i].san});
        bool odd = !rows[i].odd;
        g_auto(GStrv) found = certificate_addresses(pki->cert, &odd);
        g_autofree char *joined = g_strjoinv(" ", found);
        cr_expect_str_eq(joined, rows[i].expected, "row %zu: %s", i, joined);
        cr_expect_eq(odd, rows[i].odd, "row %zu", i);
    }
}

Test(certificate_names, broken_or_repeated_alternative_names_are_odd)
{
    const char *const *const extensions[] = {
        PKI_LIST("subjectAltName=DER:300581016161"),
        PKI_LIST("subjectAltName=DER:04"),
        PKI_LIST("subjectAltName=email:a@b.test", "subjectAltName=email:c@d.test"),
        PKI_LIST("subjectAltName=otherName:1.3.6.1.5.5.7.8.9;IA5STRING:a@b.test"),
    };
    PKI_AUTO struct pki *ca = pki_ca("root");
    for (size_t i = 0; i < G_N_ELEMENTS(extensions); i++) {
        PKI_AUTO struct pki *pki =
            pki_issue(&(struct pki_spec){.issuer = ca, .subject = PKI_LIST("CN=x"), .extensions = extensions[i]});
        bool odd = false;
        g_auto(GStrv) found = certificate_addresses(pki->cert, &odd);
        cr_expect(odd, "row %zu", i);
        cr_expect_null(found[0], "row %zu", i);
    }
}

Test(certificate_names, domain_components)
{
    const struct {
        const char *const *subject;
        const char *expected;
    } rows[] = {
        {PKI_LIST("DC=test", "DC=acme", "CN=x"), "acme.test"},
        {PKI_LIST("DC=TEST", "DC=Acme", "CN=x"), "acme.test"},
        {PKI_LIST("CN=x", "DC=test", "DC=acme", "DC=sales"), "sales.acme.test"},
        {PKI_LIST("DC=acme", "DC=test", "CN=x"), "test.acme"},
        {PKI_LIST("DC=test", "CN=x"), "test"},
        {PKI_LIST("DC=test", "O=between", "DC=acme"), NULL},
        {PKI_LIST("DC=acme.test", "CN=x"), NULL},
        {PKI_LIST("DC=test", "DC=", "CN=x"), NULL},
        {PKI_LIST("DC=test", "DC=ac%00me", "CN=x"), NULL},
        {PKI_LIST("DC=test", "DC=ac me", "CN=x"), NULL},
        {PKI_LIST("O=none", "CN=x"), NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        PKI_AUTO struct pki *pki = pki_issue(&(struct pki_spec){.subject = rows[i].subject});
        g_autofree char *found = certificate_dc_domain(pki->cert);
        cr_expect_eq(g_strcmp0(found, rows[i].expected), 0, "row %zu: %s", i, found);
    }
}
