/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3183 §3.1.1 and §4.1: names of roles and the domains that they act for, in every naming mode. */
#include "support/setting.h"

#include <dlfcn.h>

#define DSA "domain-signing-authority"
#define DCA "domain-confidentiality-authority"

struct row {
    const char *what;
    const char *const *subject, *const *san;
    enum role role;
    const char *domains; /* separated by spaces */
    enum outcome expected;
};

/* trust_names_role() gives the same answer. */
static void expect_same(const struct role_query *query, const struct finding *finding)
{
    struct finding by_names = {0};
    cr_expect_eq(trust_names_role(query, &by_names), finding->outcome == OUTCOME_PASS, "%s", finding->reason);
    cr_expect_eq(by_names.outcome, finding->outcome, "%s", finding->reason);
    cr_expect_str_eq(by_names.reason, finding->reason);
}

/* Without a domain the query has no list of them, as for a reviewer. */
static enum outcome judge(const struct setting *setting, const struct row *row, struct finding *finding)
{
    PKI_AUTO struct pki *pki = pki_issue(&(struct pki_spec){.subject = row->subject, .san = row->san});
    g_auto(GStrv) domains = g_strsplit(row->domains, " ", -1);
    size_t count = row->domains[0] == '\0' ? 0 : g_strv_length(domains);
    *finding = (struct finding){.outcome = OUTCOME_NONE};
    const struct role_query query = {setting->partner, pki->cert, row->role,
                                     count > 0 ? (const char *const *)domains : NULL, count};
    trust_check_role(setting->trust, &query, finding);
    expect_same(&query, finding);
    return finding->outcome;
}

static void run(const char *naming, const struct row *rows, size_t count)
{
    g_autofree char *keys = g_strdup_printf("naming = \"%s\";", naming);
    AUTO_SETTING setting = setting_new("", keys);
    setting_open(setting);
    for (size_t i = 0; i < count; i++) {
        struct finding finding;
        enum outcome found = judge(setting, &rows[i], &finding);
        cr_expect_eq(found, rows[i].expected, "%s: %s: %s (%s)", naming, rows[i].what, outcome_name(found),
                     finding.reason);
        cr_expect(g_utf8_validate(finding.reason, -1, NULL) && finding.reason[0] != '\0', "%s", rows[i].what);
        for (const char *at = finding.reason; *at != '\0'; at++)
            cr_expect((unsigned char)*at >= 0x20, "%s: control character in the reason", rows[i].what);
    }
}

#define SIGN ROLE_DOMAIN_SIGNING
#define CONF ROLE_DOMAIN_CONFIDENTIALITY
#define PASS OUTCOME_PASS
#define BAD OUTCOME_POLICY

Test(role, rfc3183)
{
    const struct row rows[] = {
        {"plain", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@acme.test"), SIGN, "acme.test", PASS},
        {"RFC's example, address", PKI_LIST("C=US", "O=acme", "CN=" DSA), PKI_LIST("email:" DSA "@acme.com"), SIGN,
         "marketing.acme.com", PASS},
        {"RFC's example, components", PKI_LIST("DC=us", "DC=acme", "CN=" DSA), NULL, SIGN, "marketing.acme.us", PASS},
        {"RFC's second example", PKI_LIST("C=US", "O=acme", "OU=defence", "CN=" DSA),
         PKI_LIST("email:" DSA "@defence.acme.com"), SIGN, "marketing.defence.acme.com", PASS},
        {"a sibling", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@defence.acme.com"), SIGN, "marketing.acme.com", BAD},
        {"a child for its parent", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@sales.acme.test"), SIGN, "acme.test",
         BAD},
        {"emailAddress in the subject", PKI_LIST("CN=" DSA, "emailAddress=" DSA "@acme.test"), NULL, SIGN, "acme.test",
         PASS},

        {"confidentiality", PKI_LIST("CN=" DCA), PKI_LIST("email:" DCA "@acme.test"), CONF, "acme.test", PASS},
        {"one role for the other", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@acme.test"), CONF, "acme.test", BAD},
        {"CN of one, address of the other", PKI_LIST("CN=" DSA), PKI_LIST("email:" DCA "@acme.test"), SIGN, "acme.test",
         BAD},
        {"review, no domain asked", PKI_LIST("CN=review-authority"), PKI_LIST("email:review-authority@acme.test"),
         ROLE_REVIEW, "", PASS},
        {"review, X.500 name, no domain asked", PKI_LIST("C=US", "CN=review-authority"), NULL, ROLE_REVIEW, "", PASS},
        {"review, wrong local part", PKI_LIST("CN=review-authority"), PKI_LIST("email:bob@acme.test"), ROLE_REVIEW, "",
         BAD},
        {"attribute, mapped", PKI_LIST("CN=attribute-authority"), PKI_LIST("email:attribute-authority@acme.test"),
         ROLE_ATTRIBUTE, "acme.test", PASS},
        {"attribute, other domain", PKI_LIST("CN=attribute-authority"), PKI_LIST("email:attribute-authority@acme.test"),
         ROLE_ATTRIBUTE, "evil.test", BAD},
        {"domain signing for no domain", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@acme.test"), SIGN, "", BAD},
        {"confidentiality for no domain", PKI_LIST("CN=" DCA), PKI_LIST("email:" DCA "@acme.test"), CONF, "", BAD},

        {"no CN", PKI_LIST("O=Acme"), PKI_LIST("email:" DSA "@acme.test"), SIGN, "acme.test", BAD},
        {"empty subject", NULL, PKI_LIST("email:" DSA "@acme.test"), SIGN, "acme.test", BAD},
        {"two CNs", PKI_LIST("CN=" DSA, "CN=" DSA), PKI_LIST("email:" DSA "@acme.test"), SIGN, "acme.test", BAD},
        {"two CNs, one of a person", PKI_LIST("CN=Bob", "CN=" DSA), PKI_LIST("email:" DSA "@acme.test"), SIGN,
         "acme.test", BAD},
        {"CN with a trailing space", PKI_LIST("CN=" DSA " "), PKI_LIST("email:" DSA "@acme.test"), SIGN, "acme.test",
         BAD},
        {"CN with a leading space", PKI_LIST("CN= " DSA), PKI_LIST("email:" DSA "@acme.test"), SIGN, "acme.test", BAD},
        {"CN with a no-break space", PKI_LIST("CN=" DSA "%c2%a0"), PKI_LIST("email:" DSA "@acme.test"), SIGN,
         "acme.test", BAD},
        {"CN in capitals (caseIgnoreMatch)", PKI_LIST("CN=Domain-Signing-Authority"),
         PKI_LIST("email:" DSA "@acme.test"), SIGN, "acme.test", PASS},
        {"CN with NUL beside a good one", PKI_LIST("CN=" DSA, "CN=x%00"), PKI_LIST("email:" DSA "@acme.test"), SIGN,
         "acme.test", BAD},
        {"CN with NUL", PKI_LIST("CN=" DSA "%00x"), PKI_LIST("email:" DSA "@acme.test"), SIGN, "acme.test", BAD},
        {"CN with CR LF", PKI_LIST("CN=" DSA "%0d%0aX-Evil: 1"), PKI_LIST("email:" DSA "@acme.test"), SIGN, "acme.test",
         BAD},
        {"CN with a longer name", PKI_LIST("CN=" DSA "-x"), PKI_LIST("email:" DSA "@acme.test"), SIGN, "acme.test",
         BAD},
        {"CN with spaces for hyphens", PKI_LIST("CN=domain signing authority"), PKI_LIST("email:" DSA "@acme.test"),
         SIGN, "acme.test", BAD},
        {"CN with U+2010 hyphens", PKI_LIST("CN=domain%e2%80%90signing%e2%80%90authority"),
         PKI_LIST("email:" DSA "@acme.test"), SIGN, "acme.test", BAD},
        {"CN with a Cyrillic o", PKI_LIST("CN=d%d0%bemain-signing-authority"), PKI_LIST("email:" DSA "@acme.test"),
         SIGN, "acme.test", BAD},
        {"CN with full-width d", PKI_LIST("CN=%ef%bd%84omain-signing-authority"), PKI_LIST("email:" DSA "@acme.test"),
         SIGN, "acme.test", BAD},

        {"local part in capitals", PKI_LIST("CN=" DSA), PKI_LIST("email:DOMAIN-SIGNING-AUTHORITY@acme.test"), SIGN,
         "acme.test", PASS},
        {"a person's address", PKI_LIST("CN=" DSA), PKI_LIST("email:bob@acme.test"), SIGN, "acme.test", BAD},
        {"second address wrong", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@acme.test", "email:bob@acme.test"), SIGN,
         "acme.test", BAD},
        {"first address wrong", PKI_LIST("CN=" DSA), PKI_LIST("email:bob@acme.test", "email:" DSA "@acme.test"), SIGN,
         "acme.test", BAD},
        {"several addresses of other domains", PKI_LIST("CN=" DSA),
         PKI_LIST("email:" DSA "@acme.test", "email:" DSA "@evil.test"), SIGN, "acme.test", BAD},
        {"several emailAddress, one wrong",
         PKI_LIST("CN=" DSA, "emailAddress=" DSA "@acme.test", "emailAddress=x@acme.test"), NULL, SIGN, "acme.test",
         BAD},
        {"SAN good, emailAddress of another domain", PKI_LIST("CN=" DSA, "emailAddress=" DSA "@evil.test"),
         PKI_LIST("email:" DSA "@acme.test"), SIGN, "acme.test", BAD},
        {"SmtpUTF8Mailbox wrong beside a good one", PKI_LIST("CN=" DSA),
         PKI_LIST("email:" DSA "@acme.test", "utf8:bøb@acme.test"), SIGN, "acme.test", BAD},
        {"address with NUL", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@acme.test%00.evil.test"), SIGN, "acme.test",
         BAD},
        {"good address and one with NUL", PKI_LIST("CN=" DSA),
         PKI_LIST("email:" DSA "@acme.test", "email:" DSA "@acme.test%00"), SIGN, "acme.test", BAD},
        {"address with a trailing space", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@acme.test "), SIGN, "acme.test",
         BAD},
        {"address in angle brackets", PKI_LIST("CN=" DSA), PKI_LIST("email:<" DSA "@acme.test>"), SIGN, "acme.test",
         BAD},
        {"two at signs", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@acme.test@evil.test"), SIGN, "acme.test", BAD},
        {"bare domain", PKI_LIST("CN=" DSA), PKI_LIST("email:acme.test"), SIGN, "acme.test", BAD},
        {"no local part", PKI_LIST("CN=" DSA), PKI_LIST("email:@acme.test"), SIGN, "acme.test", BAD},
        {"quoted local part", PKI_LIST("CN=" DSA), PKI_LIST("email:\"" DSA "\"@acme.test"), SIGN, "acme.test", PASS},

        {"notacme.test", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@acme.test"), SIGN, "notacme.test", BAD},
        {"acme.test.evil.test", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@acme.test"), SIGN, "acme.test.evil.test",
         BAD},
        {"domain in capitals", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@ACME.Test"), SIGN, "acme.test", PASS},
        {"deep below", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@acme.test"), SIGN, "a.b.c.acme.test", PASS},
        {"two domains, both below", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@acme.test"), SIGN,
         "sales.acme.test acme.test", PASS},
        {"two domains, one not", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@acme.test"), SIGN, "acme.test evil.test",
         BAD},
        {"com", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@com"), SIGN, "acme.com", BAD},
        {"co.uk", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@co.uk"), SIGN, "acme.co.uk", BAD},
        {"uk", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@uk"), SIGN, "acme.co.uk", BAD},
        {"acme.co.uk", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@acme.co.uk"), SIGN, "sales.acme.co.uk", PASS},
        {"test", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@test"), SIGN, "acme.test", BAD},
        {"github.io (private suffix)", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@github.io"), SIGN, "acme.github.io",
         BAD},
        {"co.uk itself", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@co.uk"), SIGN, "co.uk", BAD},
        {"com itself", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@com"), SIGN, "com", BAD},
        {"com itself, by components", PKI_LIST("DC=com", "CN=" DSA), NULL, SIGN, "com", BAD},
        {"co.uk itself, confidentiality", PKI_LIST("CN=" DCA), PKI_LIST("email:" DCA "@co.uk"), CONF, "co.uk", BAD},
        {"test itself", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@test"), SIGN, "test", BAD},
        {"github.io itself, which has an owner", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@github.io"), SIGN,
         "github.io", PASS},
        {"another one below github.io", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@acme.github.io"), SIGN,
         "evil.github.io", BAD},
        {"A-label for U-label", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@xn--bcher-kva.test"), SIGN,
         "xn--bcher-kva.test", PASS},
        {"SmtpUTF8Mailbox, though the role is ASCII", PKI_LIST("CN=" DSA), PKI_LIST("utf8:" DSA "@bücher.test"), SIGN,
         "xn--bcher-kva.test", BAD},
        {"SmtpUTF8Mailbox that names no one beside a good address", PKI_LIST("CN=" DSA),
         PKI_LIST("email:" DSA "@acme.test", "utf8:bob@acme.test"), SIGN, "acme.test", PASS},
        {"look-alike domain", PKI_LIST("CN=" DSA), PKI_LIST("utf8:" DSA "@%d0%b0cme.test"), SIGN, "acme.test", BAD},
        {"address literal", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@[192.0.2.1]"), SIGN, "acme.test", BAD},

        {"components reversed", PKI_LIST("DC=acme", "DC=test", "CN=" DSA), NULL, SIGN, "acme.test", BAD},
        {"components of a suffix", PKI_LIST("DC=com", "CN=" DSA), NULL, SIGN, "acme.com", BAD},
        {"components after the CN", PKI_LIST("CN=" DSA, "DC=test", "DC=acme"), NULL, SIGN, "acme.test", PASS},
        {"components with something between", PKI_LIST("DC=test", "O=x", "DC=acme", "CN=" DSA), NULL, SIGN, "acme.test",
         BAD},
        {"component with a dot", PKI_LIST("DC=acme.test", "CN=" DSA), NULL, SIGN, "acme.test", BAD},
        {"component with NUL", PKI_LIST("DC=test", "DC=acme%00", "CN=" DSA), NULL, SIGN, "acme.test", BAD},
        {"good components, bad address", PKI_LIST("DC=test", "DC=acme", "CN=" DSA), PKI_LIST("email:" DSA "@evil.test"),
         SIGN, "acme.test", BAD},
        {"other components, good address (the address is the domain part)", PKI_LIST("DC=test", "DC=evil", "CN=" DSA),
         PKI_LIST("email:" DSA "@acme.test"), SIGN, "acme.test", PASS},
        {"X.500 name alone", PKI_LIST("C=US", "O=acme", "CN=" DSA), NULL, SIGN, "acme.test", BAD},
        {"dNSName does not count", PKI_LIST("CN=" DSA), PKI_LIST("dns:acme.test"), SIGN, "acme.test", BAD},
    };
    run("rfc3183", rows, G_N_ELEMENTS(rows));
}

Test(role, mailbox)
{
    const struct row rows[] = {
        {"any CN", PKI_LIST("O=Acme", "CN=Acme Ltd"), PKI_LIST("email:" DSA "@acme.test"), SIGN, "acme.test", PASS},
        {"no CN", NULL, PKI_LIST("email:" DSA "@acme.test"), SIGN, "sales.acme.test", PASS},
        {"several CNs", PKI_LIST("CN=a", "CN=b"), PKI_LIST("email:" DSA "@acme.test"), SIGN, "acme.test", PASS},
        {"beside other addresses", PKI_LIST("CN=a"), PKI_LIST("email:postmaster@acme.test", "email:" DSA "@acme.test"),
         SIGN, "acme.test", PASS},
        {"one for each domain", PKI_LIST("CN=a"), PKI_LIST("email:" DSA "@acme.test", "email:" DSA "@acme.example"),
         SIGN, "acme.test acme.example", PASS},
        {"one domain without", PKI_LIST("CN=a"), PKI_LIST("email:" DSA "@acme.test"), SIGN, "acme.test acme.example",
         BAD},
        {"only in the subject", PKI_LIST("CN=a", "emailAddress=" DSA "@acme.test"), NULL, SIGN, "acme.test", BAD},
        {"only in the CN", PKI_LIST("CN=" DSA "@acme.test"), NULL, SIGN, "acme.test", BAD},
        {"CN alone", PKI_LIST("CN=" DSA), PKI_LIST("email:bob@acme.test"), SIGN, "acme.test", BAD},
        {"other role", PKI_LIST("CN=a"), PKI_LIST("email:" DCA "@acme.test"), SIGN, "acme.test", BAD},
        {"other domain", PKI_LIST("CN=a"), PKI_LIST("email:" DSA "@acme.test"), SIGN, "notacme.test", BAD},
        {"a child", PKI_LIST("CN=a"), PKI_LIST("email:" DSA "@sales.acme.test"), SIGN, "acme.test", BAD},
        {"a suffix", PKI_LIST("CN=a"), PKI_LIST("email:" DSA "@com"), SIGN, "acme.com", BAD},
        {"a suffix itself", PKI_LIST("CN=a"), PKI_LIST("email:" DSA "@co.uk"), SIGN, "co.uk", BAD},
        {"components do not count", PKI_LIST("DC=test", "DC=acme", "CN=" DSA), NULL, SIGN, "acme.test", BAD},
        {"NUL beside a good one", PKI_LIST("CN=a"), PKI_LIST("email:" DSA "@acme.test", "email:x%00@acme.test"), SIGN,
         "acme.test", BAD},
        {"NUL in the subject's", PKI_LIST("emailAddress=x%00@acme.test"), PKI_LIST("email:" DSA "@acme.test"), SIGN,
         "acme.test", BAD},
        {"no domain", PKI_LIST("CN=a"), PKI_LIST("email:" DSA "@acme.test"), SIGN, "", BAD},
        {"review, no domain asked", PKI_LIST("CN=a"), PKI_LIST("email:review-authority@acme.test"), ROLE_REVIEW, "",
         PASS},
        {"review, not named", PKI_LIST("CN=review-authority"), PKI_LIST("email:bob@acme.test"), ROLE_REVIEW, "", BAD},
        {"review, no address", PKI_LIST("CN=a"), PKI_LIST("email:acme.test"), ROLE_REVIEW, "", BAD},
        {"a name that is no address", PKI_LIST("CN=a"), PKI_LIST("email:acme.test"), SIGN, "acme.test", BAD},
        {"a name that is no address beside a good one", PKI_LIST("CN=a"),
         PKI_LIST("email:acme.test", "email:" DSA "@acme.test"), SIGN, "acme.test", PASS},
    };
    run("mailbox", rows, G_N_ELEMENTS(rows));
}

Test(role, domain)
{
    const struct row rows[] = {
        {"dNSName", PKI_LIST("CN=a"), PKI_LIST("dns:acme.test"), SIGN, "acme.test", PASS},
        {"dNSName in capitals", PKI_LIST("CN=a"), PKI_LIST("dns:ACME.test"), CONF, "acme.test", PASS},
        {"bare rfc822Name", PKI_LIST("CN=a"), PKI_LIST("email:acme.test"), SIGN, "acme.test", PASS},
        {"one name for each", PKI_LIST("CN=a"), PKI_LIST("dns:acme.test", "email:acme.example"), SIGN,
         "acme.test acme.example", PASS},
        {"one without", PKI_LIST("CN=a"), PKI_LIST("dns:acme.test"), SIGN, "acme.test acme.example", BAD},
        {"no ascent", PKI_LIST("CN=a"), PKI_LIST("dns:acme.test"), SIGN, "sales.acme.test", BAD},
        {"wildcard", PKI_LIST("CN=a"), PKI_LIST("dns:*.acme.test"), SIGN, "sales.acme.test", BAD},
        {"other domain", PKI_LIST("CN=a"), PKI_LIST("dns:acme.test"), SIGN, "notacme.test", BAD},
        {"an address of it", PKI_LIST("CN=a"), PKI_LIST("email:" DSA "@acme.test"), SIGN, "acme.test", BAD},
        {"in the CN", PKI_LIST("CN=acme.test"), NULL, SIGN, "acme.test", BAD},
        {"emailAddress", PKI_LIST("emailAddress=acme.test"), NULL, SIGN, "acme.test", BAD},
        {"NUL", PKI_LIST("CN=a"), PKI_LIST("dns:acme.test%00.evil.test"), SIGN, "acme.test", BAD},
        {"NUL beside a good one", PKI_LIST("CN=a"), PKI_LIST("dns:acme.test", "dns:evil%00"), SIGN, "acme.test", BAD},
        {"NUL in an address beside a good one", PKI_LIST("CN=a"), PKI_LIST("dns:acme.test", "email:x%00@acme.test"),
         SIGN, "acme.test", BAD},
        {"no domain", PKI_LIST("CN=a"), PKI_LIST("dns:acme.test"), SIGN, "", BAD},
        {"no domain, review", PKI_LIST("CN=a"), PKI_LIST("dns:acme.test"), ROLE_REVIEW, "", BAD},
    };
    run("domain", rows, G_N_ELEMENTS(rows));
}

/* Exactly the addresses that the partner's file names. */
Test(role, address)
{
    const struct row rows[] = {
        {"CN free", PKI_LIST("CN=anything"), PKI_LIST("email:gateway@partner.test"), SIGN, "partner.test", PASS},
        {"to encrypt for", PKI_LIST("CN=anything"), PKI_LIST("email:gateway@partner.test"), CONF, "partner.test", PASS},
        {"the other one", NULL, PKI_LIST("email:gw2@eu.partner.test"), SIGN, "partner.test", PASS},
        {"in capitals", NULL, PKI_LIST("email:GateWay@PARTNER.test"), SIGN, "partner.test", PASS},
        {"beside others", NULL, PKI_LIST("email:bob@partner.test", "email:gateway@partner.test"), SIGN, "partner.test",
         PASS},
        {"in the subject", PKI_LIST("CN=a", "emailAddress=gateway@partner.test"), NULL, SIGN, "partner.test", PASS},
        {"for a domain below", NULL, PKI_LIST("email:gateway@partner.test"), SIGN, "a.partner.test partner.test", PASS},
        {"for another domain", NULL, PKI_LIST("email:gateway@partner.test"), SIGN, "acme.test", BAD},
        {"for another domain beside", NULL, PKI_LIST("email:gateway@partner.test"), SIGN, "partner.test acme.test",
         BAD},
        {"another address", NULL, PKI_LIST("email:bob@partner.test"), SIGN, "partner.test", BAD},
        {"in another domain", NULL, PKI_LIST("email:gateway@a.partner.test"), SIGN, "partner.test", BAD},
        {"a role", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@partner.test"), SIGN, "partner.test", BAD},
        {"the domain", NULL, PKI_LIST("dns:partner.test", "email:partner.test"), SIGN, "partner.test", BAD},
        {"NUL", NULL, PKI_LIST("email:gateway@partner.test%00"), SIGN, "partner.test", BAD},
        {"NUL beside a good one", NULL, PKI_LIST("email:gateway@partner.test", "email:x%00@partner.test"), SIGN,
         "partner.test", BAD},
        {"no address", PKI_LIST("CN=gateway@partner.test"), NULL, SIGN, "partner.test", BAD},
        {"no domain", NULL, PKI_LIST("email:gateway@partner.test"), SIGN, "", BAD},
    };
    run("address\"; gateway_addresses = ( \"Gateway@partner.test\", \"gw2@eu.partner.test\" ); x500_name = \"O=a", rows,
        G_N_ELEMENTS(rows));
}

Test(role, pinned)
{
    AUTO_SETTING setting = setting_new("names_limit = 1;", "naming = \"pinned\"; certificates = ( \"pin.pem\" );");
    PKI_AUTO struct pki *pinned = pki_issue(&(struct pki_spec){
        .subject = PKI_LIST("CN=anything"), .san = PKI_LIST("email:a@acme.test", "email:b@acme.test")});
    PKI_AUTO struct pki *namesake = pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=anything")});
    PKI_AUTO struct pki *same_key =
        pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=anything"), .use_key = pinned->key});
    g_free(pki_write(setting->folder, "pin.pem", pinned, NULL));
    setting_open(setting);
    const char *domain = "partner.test";
    const struct {
        const struct pki *pki;
        enum role role;
        size_t domains;
        enum outcome expected;
        const char *reason;
    } rows[] = {
        {pinned, SIGN, 1, PASS, "the certificate is pinned by partner.test.conf"},
        {pinned, CONF, 1, PASS, "the certificate is pinned by partner.test.conf"},
        {pinned, SIGN, 0, BAD, "there is no domain to compare the certificate with"},
        {pinned, CONF, 0, BAD, "there is no domain to compare the certificate with"},
        {pinned, ROLE_REVIEW, 0, PASS, "the certificate is pinned by partner.test.conf"},
        {pinned, ROLE_COUNT, 1, BAD, "the role or the partner is unknown"},
        {namesake, SIGN, 1, BAD, "the certificate is not pinned by partner.test.conf"},
        {same_key, SIGN, 1, BAD, "the certificate is not pinned by partner.test.conf"},
        {same_key, ROLE_REVIEW, 0, BAD, "the certificate is not pinned by partner.test.conf"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct finding finding = {0};
        bool is_pinned = rows[i].pki == pinned;
        const struct role_query query = {setting->partner, rows[i].pki->cert, rows[i].role, &domain, rows[i].domains};
        trust_check_role(setting->trust, &query, &finding);
        cr_expect_eq(finding.outcome, rows[i].expected, "row %zu: %s", i, finding.reason);
        cr_expect_str_eq(finding.reason, rows[i].reason, "row %zu: %s", i, finding.reason);
        if (rows[i].expected == BAD)
            expect_same(&query, &finding);
        cr_expect_eq(trust_is_pinned(setting->trust, setting->partner, rows[i].pki->cert), is_pinned);
        cr_expect_not(trust_is_pinned(setting->trust, conf_partner(setting->conf, ""), rows[i].pki->cert),
                      "another rule's pin");
        struct partner stranger = *setting->partner;
        cr_expect_not(trust_is_pinned(setting->trust, &stranger, rows[i].pki->cert), "another configuration's rule");
    }
}

/* The rule says that partner.test is C=US, O=acme, OU=defence, OU=marketing, as in the RFC's example. */
Test(role, x500)
{
    const struct row rows[] = {
        {"the organization", PKI_LIST("C=US", "O=acme", "CN=" DSA), NULL, SIGN, "partner.test", PASS},
        {"its first unit", PKI_LIST("C=US", "O=acme", "OU=defence", "CN=" DSA), NULL, SIGN, "partner.test", PASS},
        {"both units", PKI_LIST("C=US", "O=acme", "OU=defence", "OU=marketing", "CN=" DSA), NULL, SIGN, "partner.test",
         PASS},
        {"a domain below", PKI_LIST("C=US", "O=acme", "CN=" DSA), NULL, SIGN, "sales.partner.test", PASS},
        {"confidentiality", PKI_LIST("C=US", "O=acme", "CN=" DCA), NULL, CONF, "partner.test", PASS},
        {"case and spaces", PKI_LIST("C=us", "O=ACME", "OU= Defence ", "CN=" DSA), NULL, SIGN, "partner.test", PASS},
        {"CN first", PKI_LIST("CN=" DSA, "C=US", "O=acme"), NULL, SIGN, "partner.test", PASS},
        {"units in the other order", PKI_LIST("C=US", "O=acme", "OU=marketing", "OU=defence", "CN=" DSA), NULL, SIGN,
         "partner.test", BAD},
        {"its second unit alone", PKI_LIST("C=US", "O=acme", "OU=marketing", "CN=" DSA), NULL, SIGN, "partner.test",
         BAD},
        {"a unit below", PKI_LIST("C=US", "O=acme", "OU=defence", "OU=marketing", "OU=x", "CN=" DSA), NULL, SIGN,
         "partner.test", BAD},
        {"another organization", PKI_LIST("C=US", "O=evil", "CN=" DSA), NULL, SIGN, "partner.test", BAD},
        {"a state between", PKI_LIST("C=US", "ST=acme", "O=acme", "CN=" DSA), NULL, SIGN, "partner.test", BAD},
        {"a locality between", PKI_LIST("C=US", "L=acme", "O=acme", "CN=" DSA), NULL, SIGN, "partner.test", BAD},
        {"another country", PKI_LIST("C=DE", "O=acme", "CN=" DSA), NULL, SIGN, "partner.test", BAD},
        {"no country", PKI_LIST("O=acme", "CN=" DSA), NULL, SIGN, "partner.test", BAD},
        {"a country stands for nobody", PKI_LIST("C=US", "CN=" DSA), NULL, SIGN, "partner.test", BAD},
        {"no domain part", PKI_LIST("CN=" DSA), NULL, SIGN, "partner.test", BAD},
        {"least significant first", PKI_LIST("CN=" DSA, "O=acme", "C=US"), NULL, SIGN, "partner.test", BAD},
        {"a domain of somebody else", PKI_LIST("C=US", "O=acme", "CN=" DSA), NULL, SIGN, "evil.test", BAD},
        {"two domains, one not", PKI_LIST("C=US", "O=acme", "CN=" DSA), NULL, SIGN, "partner.test evil.test", BAD},
        {"an address counts first", PKI_LIST("C=US", "O=acme", "CN=" DSA), PKI_LIST("email:" DSA "@evil.test"), SIGN,
         "partner.test", BAD},
        {"components count first", PKI_LIST("DC=test", "DC=evil", "C=US", "O=acme", "CN=" DSA), NULL, SIGN,
         "partner.test", BAD},
        {"components that cannot be read", PKI_LIST("DC=evil.test", "C=US", "O=acme", "CN=" DSA), NULL, SIGN,
         "partner.test", BAD},
        {"another CN", PKI_LIST("C=US", "O=acme", "CN=Bob"), NULL, SIGN, "partner.test", BAD},
        {"value with NUL", PKI_LIST("C=US", "O=acme%00", "CN=" DSA), NULL, SIGN, "partner.test", BAD},
        {"two components in one", PKI_LIST("C=US", "+O=acme", "CN=" DSA), NULL, SIGN, "partner.test", BAD},
        {"two further components in one", PKI_LIST("C=US", "O=acme", "+OU=defence", "CN=" DSA), NULL, SIGN,
         "partner.test", BAD},
        {"the common name in one with another", PKI_LIST("C=US", "O=acme", "+CN=" DSA), NULL, SIGN, "partner.test",
         BAD},
    };
    AUTO_SETTING setting = setting_new("", "x500_name = ( \"C=US\", \"O=acme\", \"OU=defence\", \"OU=marketing\" );");
    setting_open(setting);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct finding finding;
        cr_expect_eq(judge(setting, &rows[i], &finding), rows[i].expected, "%s: %s", rows[i].what, finding.reason);
    }
}

/* Each setting's x500_name, and a certificate that has only the organization. */
Test(role, x500_of_other_partners)
{
    static const struct {
        const char *keys;
        enum outcome expected;
    } rows[] = {
        {"x500_name = ( \"O=acme\" );", PASS},
        {"x500_name = ( \"O=acme\", \"OU=defence\" );", PASS},
        {"x500_name = ( \"C=US\", \"O=acme\" );", BAD},
        {"", BAD},
        /* longer than X.520 allows */
        {"x500_name = ( \"O=acme acme acme acme acme acme acme acme acme acme acme acme acme acme\" );", BAD},
    };
    const struct row row = {"O alone", PKI_LIST("O=acme", "CN=" DSA), NULL, SIGN, "partner.test", PASS};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        AUTO_SETTING setting = setting_new("", rows[i].keys);
        struct finding finding;
        setting_open(setting);
        cr_expect_eq(judge(setting, &row, &finding), rows[i].expected, "%s: %s", rows[i].keys, finding.reason);
        cr_expect_eq(ERR_peek_error(), 0, "%s", rows[i].keys);
    }
}

Test(role, reasons)
{
    const struct {
        struct row row;
        const char *reason;
    } rows[] = {
        {{"an address", PKI_LIST("CN=" DSA), PKI_LIST("email:" DSA "@acme.test"), SIGN, "sales.acme.test", PASS},
         "the certificate is the " DSA " of acme.test"},
        {{"components", PKI_LIST("DC=test", "DC=acme", "CN=" DSA), NULL, SIGN, "sales.acme.test", PASS},
         "the certificate is the " DSA " of acme.test"},
        {{"a reviewer", PKI_LIST("DC=test", "DC=acme", "CN=review-authority"), NULL, ROLE_REVIEW, "", PASS},
         "the certificate is named review-authority"},
        {{"a reviewer without components", PKI_LIST("CN=review-authority"), NULL, ROLE_REVIEW, "", PASS},
         "the certificate is named review-authority"},
        {{"another common name", PKI_LIST("CN=x"), NULL, SIGN, "acme.test", BAD},
         "the certificate's common name \"x\" is not " DSA},
        {{"mailbox", NULL, PKI_LIST("email:" DSA "@acme.test"), SIGN, "sales.acme.test", PASS},
         "the certificate is the " DSA " of sales.acme.test"},
        {{"mailbox", NULL, PKI_LIST("email:bob@acme.test"), SIGN, "acme.test", BAD},
         "no rfc822Name of the certificate is " DSA "@acme.test or of a domain above it"},
        {{"mailbox", NULL, PKI_LIST("email:bob@acme.test"), ROLE_REVIEW, "", BAD},
         "no rfc822Name of the certificate is that of a review-authority"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        bool by_mailbox = strcmp(rows[i].row.what, "mailbox") == 0;
        AUTO_SETTING setting = setting_new("", by_mailbox ? "naming = \"mailbox\";" : "naming = \"rfc3183\";");
        setting_open(setting);
        struct finding finding;
        cr_expect_eq(judge(setting, &rows[i].row, &finding), rows[i].row.expected, "%s", rows[i].row.what);
        cr_expect_str_eq(finding.reason, rows[i].reason, "%s: %s", rows[i].row.what, finding.reason);
    }
}

Test(role, reasons_name_the_first_domain)
{
    const struct row rows[] = {
        {"mailbox", NULL, PKI_LIST("email:" DSA "@partner.test"), SIGN, "a.partner.test b.partner.test", PASS},
        {"rfc3183", PKI_LIST("C=US", "O=acme", "CN=" DSA), NULL, SIGN, "a.partner.test b.partner.test", PASS},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *keys = g_strdup_printf("naming = \"%s\"; x500_name = ( \"C=US\", \"O=acme\" );", rows[i].what);
        AUTO_SETTING setting = setting_new("", keys);
        struct finding finding;
        setting_open(setting);
        cr_expect_eq(judge(setting, &rows[i], &finding), rows[i].expected, "%s: %s", rows[i].what, finding.reason);
        cr_expect_str_eq(finding.reason, "the certificate is the " DSA " of a.partner.test");
    }
}

Test(role, names_limit)
{
    static const struct {
        unsigned limit;
        enum outcome expected;
        const char *reason;
    } rows[] = {
        {1, BAD, "the certificate has 2 names, more than names_limit (1)"},
        {2, PASS, "the certificate is the " DSA " of acme.test"},
        {3, PASS, "the certificate is the " DSA " of acme.test"},
    };
    PKI_AUTO struct pki *pki =
        pki_issue(&(struct pki_spec){.san = PKI_LIST("email:" DSA "@acme.test", "email:bob@acme.test")});
    const char *domain = "acme.test";
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *keys = g_strdup_printf("names_limit = %u;", rows[i].limit);
        AUTO_SETTING setting = setting_new(keys, "naming = \"mailbox\";");
        struct finding finding = {0};
        setting_open(setting);
        const struct role_query query = {setting->partner, pki->cert, SIGN, &domain, 1};
        trust_check_role(setting->trust, &query, &finding);
        cr_expect_eq(finding.outcome, rows[i].expected, "row %zu: %s", i, finding.reason);
        cr_expect_str_eq(finding.reason, rows[i].reason, "row %zu: %s", i, finding.reason);
    }
}

/* What no configuration has is refused, and not taken for something else. */
Test(role, what_is_unknown)
{
    AUTO_SETTING setting = setting_new("", "naming = \"address\"; gateway_addresses = ( \"gateway@partner.test\" );");
    setting_open(setting);
    struct partner odd = *setting->partner, everyone = *setting->partner, named = *setting->partner;
    char *x500_name[] = {(char *)"O=acme", NULL};
    odd.naming = (enum naming)99;
    everyone.domain = NULL;
    named.naming = NAMING_RFC3183;
    named.domain = NULL;
    named.x500_name = x500_name;
    const struct {
        const struct partner *partner;
        enum role role;
        enum outcome expected;
        const char *reason;
    } rows[] = {
        {setting->partner, SIGN, PASS, "gateway@partner.test is a gateway address of partner.test.conf"},
        {setting->partner, ROLE_COUNT, BAD, "the role or the partner is unknown"},
        {NULL, SIGN, BAD, "the role or the partner is unknown"},
        {&odd, SIGN, BAD, "the partner's naming is unknown"},
        {&everyone, SIGN, BAD, "partner.test is not a domain of partner.test.conf"},
        {&named, SIGN, BAD,
         "the certificate contains no mail domain (no address and no DC components), and its X.500 name is not that of "
         "partner.test"},
    };
    PKI_AUTO struct pki *pki = pki_issue(&(struct pki_spec){.san = PKI_LIST("email:gateway@partner.test")});
    PKI_AUTO struct pki *by_x500 = pki_issue(&(struct pki_spec){.subject = PKI_LIST("O=acme", "CN=" DSA)});
    const char *domain = "partner.test";
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct finding finding = {0};
        const struct role_query query = {rows[i].partner, rows[i].partner == &named ? by_x500->cert : pki->cert,
                                         rows[i].role, &domain, 1};
        trust_check_role(setting->trust, &query, &finding);
        expect_same(&query, &finding);
        cr_expect_eq(finding.outcome, rows[i].expected, "row %zu: %s", i, finding.reason);
        cr_expect_str_eq(finding.reason, rows[i].reason, "row %zu: %s", i, finding.reason);
    }
}

/* A certificate's name may have more components than the partner's. */
Test(role, an_x500_name_ends_where_it_ends)
{
    AUTO_SETTING setting = setting_new("", "x500_name = ( \"O=acme\" );");
    setting_open(setting);
    char *x500_name[] = {(char *)"O=acme", NULL, GSIZE_TO_POINTER(1)};
    struct partner partner = *setting->partner;
    partner.x500_name = x500_name;
    PKI_AUTO struct pki *longer =
        pki_issue(&(struct pki_spec){.subject = PKI_LIST("O=acme", "OU=defence", "OU=marketing", "CN=" DSA)});
    const char *domain = "partner.test";
    struct finding finding = {0};
    trust_check_role(setting->trust, &(struct role_query){&partner, longer->cert, SIGN, &domain, 1}, &finding);
    cr_expect_eq(finding.outcome, BAD, "%s", finding.reason);
}

Test(role, registrable)
{
    static const struct {
        const char *domain;
        bool registrable;
    } rows[] = {
        {"com", false},       {"co.uk", false},         {"uk", false},        {"test", false},
        {"acme.test", true},  {"acme.com", true},       {"acme.co.uk", true}, {"a.b.acme.test", true},
        {"github.io", false}, {"acme.github.io", true}, {"xn--p1ai", false},  {"", false},
        {NULL, false},        {"[192.0.2.1]", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        cr_expect_eq(trust_is_registrable(rows[i].domain), rows[i].registrable, "%s", rows[i].domain);
}

static unsigned entry_fails; /* which entry cannot be added to a name; 0: each can */

int X509_NAME_add_entry(X509_NAME *name, const X509_NAME_ENTRY *entry, int place, int set)
{
    int (*real)(X509_NAME *, const X509_NAME_ENTRY *, int, int) =
        (int (*)(X509_NAME *, const X509_NAME_ENTRY *, int, int))dlsym(RTLD_NEXT, "X509_NAME_add_entry");
    return entry_fails > 0 && --entry_fails == 0 ? 0 : real(name, entry, place, set);
}

/* A name of which a part is missing maps to no domain. */
Test(role, x500_without_memory)
{
    static const char *const domain = "partner.test";
    PKI_AUTO struct pki *good = pki_issue(&(struct pki_spec){.subject = PKI_LIST("C=US", "O=acme", "CN=" DSA)}),
                        *bad = pki_issue(&(struct pki_spec){.subject = PKI_LIST("C=US", "O=acme", "OU=x", "CN=" DSA)});
    AUTO_SETTING setting = setting_new("", "x500_name = ( \"C=US\", \"O=acme\" );");
    setting_open(setting);
    for (unsigned fails = 0; fails <= 3; fails++)
        for (int i = 0; i < 2; i++) {
            struct finding finding = {0};
            const struct role_query query = {setting->partner, i == 0 ? good->cert : bad->cert, SIGN, &domain, 1};
            entry_fails = fails;
            trust_check_role(setting->trust, &query, &finding);
            cr_expect_eq(finding.outcome, i == 0 && fails == 0 ? PASS : BAD, "%u, %d: %s", fails, i, finding.reason);
            entry_fails = 0;
        }
}

/* A public suffix of the private part is somebody's domain, too. */
Test(suffix, has_an_owner)
{
    static const struct {
        const char *domain;
        bool has_owner, is_registrable;
    } rows[] = {{"acme.test", true, true}, {"github.io", true, false}, {"acme.github.io", true, true},
                {"co.uk", false, false},   {"com", false, false},      {"", false, false},
                {NULL, false, false}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        cr_expect_eq(trust_has_owner(rows[i].domain), rows[i].has_owner, "row %zu", i);
        cr_expect_eq(trust_is_registrable(rows[i].domain), rows[i].is_registrable, "row %zu", i);
    }
}
