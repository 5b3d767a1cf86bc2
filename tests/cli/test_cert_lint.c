/* SPDX-License-Identifier: Apache-2.0 */
/* `domsec cert lint`: one good certificate of each type, and what one change of it leads to. */
#include "cli/lint.h"

#include "support/pki.h"
#include "support/program.h"

#define BR "certificatePolicies=2.23.140.1.5."
#define CRL "crlDistributionPoints=URI:http://ca.test/a.crl"
#define AIA "authorityInfoAccess=caIssuers;URI:http://ca.test/a.cer"
#define SAN PKI_LIST("email:edi@acme.test")
#define DAY ((time_t)86400)

static char *folder;

static void setup(void)
{
    folder = folder_new();
}

static void teardown(void)
{
    folder_remove(folder);
}

TestSuite(cert_lint, .init = setup, .fini = teardown);

/* The sections of the faults and warnings, as "BR 7.1.2.3 b; BR 6.3.2;". */
static char *examine(const char *file, size_t type)
{
    struct error error = {0};
    owned(lint_subject) struct lint_subject subject = {0};
    owned(lint_notes) struct lint_notes notes = {0};
    lint_notes_init(&notes);
    cr_assert(lint_subject_read(file, &subject, &error), "%s", error.text);
    lint_names(&subject, type, g_strcmp0(subject.profile.generation, "legacy") == 0, &notes);
    lint_profile(&subject, &notes);
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < notes.list->len; i++) {
        const struct lint_note *note = notes.list->pdata[i];
        g_string_append_printf(text, "%s%s: %s; ", note->warning ? "(should) " : "", note->section, note->text);
    }
    return g_string_free(text, FALSE);
}

enum { MAILBOX, ORGANIZATION, SPONSOR, INDIVIDUAL };

/* A good certificate but for what a row says. */
struct row {
    const char *says; /* NULL: nothing is found */
    size_t type;
    const char *const *subject, *const *san;
    const char *usage, *eku, *policy, *crl, *aia, *extension;
    enum pki_key key;
    int days;
    bool no_key_ids, ca;
};

static void expect(size_t number, const struct row *row, const struct pki *root)
{
    const char *extensions[6] = {NULL};
    size_t count = 0;
    const char *const parts[] = {row->policy != NULL ? row->policy : BR "1.3", row->crl != NULL ? row->crl : CRL,
                                 row->aia != NULL ? row->aia : AIA};
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        if (*parts[i] != '\0')
            extensions[count++] = parts[i];
    if (row->extension != NULL)
        extensions[count++] = row->extension;
    time_t now = time(NULL);
    PKI_AUTO struct pki *pki =
        pki_issue(&(struct pki_spec){.issuer = root,
                                     .ca = row->ca,
                                     .subject = row->subject != NULL ? row->subject : PKI_LIST("CN=edi@acme.test"),
                                     .san = row->san != NULL ? row->san : SAN,
                                     .key_usage = row->usage != NULL ? row->usage : "critical,digitalSignature",
                                     .eku = row->eku,
                                     .extensions = extensions,
                                     .not_before = now,
                                     .not_after = now + (row->days > 0 ? row->days : 365) * DAY,
                                     .key = row->key,
                                     .no_key_ids = row->no_key_ids});
    g_autofree char *file = pki_write(folder, "x.pem", pki, NULL);
    g_autofree char *found = examine(file, row->type);
    /* The tests' certificates have short serial numbers. */
    g_autofree char *serial = g_strdup("(should) BR 7.1: the serial number should have 64 random bits; ");
    char *at = strstr(found, serial);
    cr_assert_not_null(at, "row %zu: %s", number, found);
    *at = '\0';
    if (row->says == NULL)
        cr_expect_str_eq(found, "", "row %zu: %s", number, found);
    else
        cr_expect(strstr(found, row->says) != NULL, "row %zu: not \"%s\", but %s", number, row->says, found);
}

#define O_NAME "O=Acme Ltd"
#define O_ID "organizationIdentifier=NTRGB-12345678"

Test(cert_lint, names)
{
    const struct row rows[] = {
        {NULL, MAILBOX},
        {NULL, MAILBOX, .subject = (const char *const[]){NULL}},
        {NULL, MAILBOX, .subject = PKI_LIST("CN=edi@acme.test", "emailAddress=edi@acme.test", "serialNumber=7")},
        {"the bare role", MAILBOX, .subject = PKI_LIST("CN=domain-signing-authority")},
        {"the bare role", MAILBOX, .subject = PKI_LIST("CN=Domain-Confidentiality-Authority")},
        {"the bare role", ORGANIZATION, .subject = PKI_LIST("CN=review-authority", "O=review-authority", O_ID),
         .policy = BR "2.3"},
        {"\"Edi\" is not a mail address", MAILBOX, .subject = PKI_LIST("CN=Edi")},
        {"the common name eve@acme.test is not in subjectAltName", MAILBOX, .subject = PKI_LIST("CN=eve@acme.test")},
        {"the address eve@acme.test of the subject is not in subjectAltName", MAILBOX,
         .subject = PKI_LIST("emailAddress=eve@acme.test")},
        {"not in subjectAltName", MAILBOX, .subject = PKI_LIST("CN=EDI@acme.test")}, /* the local part has its case */
        {NULL, MAILBOX, .subject = PKI_LIST("CN=edi@ACME.test")},
        {"may not have organizationName", MAILBOX, .subject = PKI_LIST("CN=edi@acme.test", O_NAME)},
        {"may not have domainComponent", MAILBOX, .subject = PKI_LIST("DC=test", "DC=acme")},
        {"several common names", MAILBOX, .subject = PKI_LIST("CN=edi@acme.test", "CN=edi@acme.test")},
        {"subjectAltName has no mail address", MAILBOX, .san = PKI_LIST("dns:acme.test")},
        {"has a host", MAILBOX, .san = PKI_LIST("email:edi@acme.test", "dns:acme.test")},
        {"has a host", MAILBOX, .san = PKI_LIST("email:edi@acme.test", "uri:http://acme.test")},
        {NULL, MAILBOX, .san = PKI_LIST("email:edi@acme.test", "utf8:jörg@acme.test")},
        {"\"acme.test\" is not a mail address", MAILBOX, .san = PKI_LIST("email:edi@acme.test", "email:acme.test")},
        {"cannot be parsed safely", MAILBOX, .san = PKI_LIST("email:edi@acme.test", "email:a%00b@acme.test")},
        {NULL, ORGANIZATION, .subject = PKI_LIST(O_NAME, O_ID, "CN=Acme Ltd", "C=GB"), .policy = BR "2.3"},
        {NULL, ORGANIZATION, .subject = PKI_LIST(O_NAME, O_ID, "CN=edi@acme.test"), .policy = BR "2.3"},
        {"neither a mail address nor the organization", ORGANIZATION, .subject = PKI_LIST(O_NAME, O_ID, "CN=Alice"),
         .policy = BR "2.3"},
        {"the subject has no organizationName", ORGANIZATION, .subject = PKI_LIST(O_ID), .policy = BR "2.3"},
        {"the subject has no organizationIdentifier", ORGANIZATION, .subject = PKI_LIST(O_NAME), .policy = BR "2.3"},
        {"may not have givenName", ORGANIZATION, .subject = PKI_LIST(O_NAME, O_ID, "GN=Alice"), .policy = BR "2.3"},
        {"the countryName \"gb\"", ORGANIZATION, .subject = PKI_LIST(O_NAME, O_ID, "C=gb"), .policy = BR "2.3"},
        {NULL, SPONSOR, .subject = PKI_LIST(O_NAME, O_ID, "GN=Alice", "SN=Ball", "CN=Alice Ball"), .policy = BR "3.3"},
        {NULL, SPONSOR, .subject = PKI_LIST(O_NAME, O_ID, "pseudonym=al"), .policy = BR "3.3"},
        {"neither givenName or surname nor a pseudonym", SPONSOR, .subject = PKI_LIST(O_NAME, O_ID),
         .policy = BR "3.3"},
        {"a name and a pseudonym", SPONSOR, .subject = PKI_LIST(O_NAME, O_ID, "GN=Alice", "pseudonym=al"),
         .policy = BR "3.3"},
        {"is not that of a person", SPONSOR, .subject = PKI_LIST(O_NAME, O_ID, "GN=Alice", "CN=Acme Ltd"),
         .policy = BR "3.3"},
        {NULL, INDIVIDUAL, .subject = PKI_LIST("GN=Alice", "CN=Alice"), .policy = BR "4.3"},
        {"may not have organizationName", INDIVIDUAL, .subject = PKI_LIST("GN=Alice", O_NAME), .policy = BR "4.3"},
    };
    PKI_AUTO struct pki *root = pki_ca("Root");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        expect(i, &rows[i], root);
}

Test(cert_lint, keys_and_extensions)
{
    const struct row rows[] = {
        {NULL, .key = PKI_RSA},
        {NULL, .key = PKI_RSA, .usage = "critical,keyEncipherment"},
        {NULL, .key = PKI_RSA, .usage = "critical,digitalSignature,nonRepudiation,keyEncipherment"},
        {NULL, .usage = "critical,keyAgreement"},
        {NULL, .usage = "critical,digitalSignature,keyAgreement,encipherOnly"},
        {NULL, .key = PKI_ED25519},
        {NULL, .key = PKI_P384},
        {"BR 6.1.5", .key = PKI_RSA_1024},
        {"BR 7.1.3.1", .key = PKI_X25519, .usage = "critical,keyAgreement"},
        {"BR 7.1.3.1", .key = PKI_P192},
        {"bits that this kind of key may not have", .key = PKI_RSA,
         .usage = "critical,keyEncipherment,dataEncipherment"},
        {NULL, .key = PKI_RSA, .usage = "critical,keyEncipherment,dataEncipherment", .policy = BR "1.2"},
        {"bits that this kind of key may not have", .usage = "critical,digitalSignature,keyCertSign"},
        {"neither digitalSignature nor", .usage = "critical,keyEncipherment"},
        {"neither digitalSignature nor", .usage = "critical,nonRepudiation"},
        {"there is no keyUsage", .usage = ""},
        {"(should) BR 7.1.2.3 e", .usage = "digitalSignature"},
        {"there is no extKeyUsage", .eku = ""},
        {"extKeyUsage has no emailProtection", .eku = "clientAuth"},
        {"has more than emailProtection", .eku = "emailProtection,clientAuth"},
        {NULL, .eku = "emailProtection,clientAuth", .policy = BR "1.2"},
        {"serverAuth, codeSigning", .eku = "emailProtection,serverAuth", .policy = BR "1.2"},
        {"serverAuth, codeSigning", .eku = "emailProtection,anyExtendedKeyUsage", .policy = BR "1.2"},
        {"exactly one of the reserved policies", .policy = "certificatePolicies=1.2.3"},
        {"exactly one of the reserved policies", .policy = BR "1.3,2.23.140.1.5.1.2"},
        {"exactly one of the reserved policies", .policy = ""},
        {"cRLDistributionPoints has no http: address", .crl = ""},
        {"cRLDistributionPoints has no http: address", .crl = "crlDistributionPoints=URI:ldap://ca.test/cn=a"},
        {"an address that is not http:", .crl = "crlDistributionPoints=URI:ldap://ca.test/cn=a,URI:http://ca.test/a"},
        {"(should) BR 7.1.2.3 c", .aia = ""},
        {"authorityInfoAccess has an address", .aia = "authorityInfoAccess=OCSP;URI:ldap://ca.test/"},
        {"authorityKeyIdentifier must", .no_key_ids = true},
        {"it is the certificate of an authority", .ca = true},
        {NULL, .days = 825},
        {"it is valid for 826 days, more than 825", .days = 826},
        {"it is valid for 1186 days, more than 1185", .days = 1186, .policy = BR "1.1"},
        {"\"legacy\" has not been issued", .policy = BR "1.1"},
    };
    PKI_AUTO struct pki *root = pki_ca("Root");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        expect(i, &rows[i], root);
}

#define ADOBE "1.2.840.113583.1.1.9.1=DER:0500"
#define LEI "1.3.6.1.4.1.52266.1="
#define LEI_ROLE "1.3.6.1.4.1.52266.2=DER:0500"
#define QC "1.3.6.1.5.5.7.1.3="
#define DIRECTORY "2.5.29.9=DER:3000"

/* What only some types or generations may have. */
Test(cert_lint, restricted_extensions)
{
#define OF_SPONSOR .subject = PKI_LIST(O_NAME, O_ID, "GN=Alice"), .policy = BR "3.3"
    const struct row rows[] = {
        {"the generation \"strict\" may not have Adobe's", .extension = ADOBE},
        {NULL, .extension = ADOBE, .policy = BR "1.2"},
        {"with Adobe's time-stamp may not be critical", .extension = "1.2.840.113583.1.1.9.1=critical,DER:0500",
         .policy = BR "1.2"},
        {"the type \"mailbox\" may not have a legal entity identifier", .extension = LEI "DER:0500"},
        {NULL, ORGANIZATION, .subject = PKI_LIST(O_NAME, O_ID), .policy = BR "2.3", .extension = LEI "DER:0500"},
        {"may not be critical", ORGANIZATION, .subject = PKI_LIST(O_NAME, O_ID), .policy = BR "2.3",
         .extension = LEI "critical,DER:0500"},
        {"the type \"organization\" may not have a role", ORGANIZATION, .subject = PKI_LIST(O_NAME, O_ID),
         .policy = BR "2.3", .extension = LEI_ROLE},
        {NULL, SPONSOR, OF_SPONSOR, .extension = LEI_ROLE},
        {NULL, .extension = QC "DER:3000"},
        {"with qcStatements may not be critical", .extension = QC "critical,DER:3000"},
        {"the generation \"multipurpose\" may not have subjectDirectoryAttributes", .extension = DIRECTORY,
         .policy = BR "1.2"},
    };
    PKI_AUTO struct pki *root = pki_ca("Root");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        expect(i, &rows[i], root);
}

/* Public authorities may certify such keys. OpenSSL 3.0 does not know them. */
Test(cert_lint, post_quantum_keys)
{
    static const struct {
        const char *oid, *says;
    } rows[] = {{"2.16.840.1.101.3.4.3.17", "(should) BR 7.1.3.1: domsec cannot use"},
                {"2.16.840.1.101.3.4.4.3", "(should) BR 7.1.3.1: domsec cannot use"},
                {"2.16.840.1.101.3.4.4.4", "BR 7.1.3.1: the key is not RSA"}};
    PKI_AUTO struct pki *root = pki_ca("Root");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        PKI_AUTO struct pki *pki = pki_issue(&(struct pki_spec){.issuer = root, .key = PKI_X25519});
        static const unsigned char bits[32];
        cr_assert(X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(pki->cert), OBJ_txt2obj(rows[i].oid, 1), V_ASN1_UNDEF,
                                         NULL, OPENSSL_memdup(bits, 32), 32));
        cr_assert_gt(X509_sign(pki->cert, root->key, EVP_sha256()), 0);
        g_autofree char *file = pki_write(folder, "x.pem", pki, NULL);
        g_autofree char *found = examine(file, MAILBOX);
        expect_contains(found, rows[i].says);
    }
}

/* What `domsec init --csr` and `domsec key csr` write can be issued, but for the names of RFC 3183. */
Test(cert_lint, our_requests)
{
    static const struct {
        const char *domain, *options, *naming; /* under which a partner accepts it */
        int status;
    } rows[] = {{"acme.test", "", "naming = \"mailbox\"  accepted", 0},
                {"acme.test", "--address gateway@acme.test", "naming = \"address\"  accepted", 0},
                {"acme.test", "--role-names", "naming = \"rfc3183\"  accepted", 65},
                {"b\u00fccher.test", "", "naming = \"mailbox\"  accepted", 0},
                {"xn--bcher-kva.test", "--address gateway@B\u00fccher.test", "naming = \"address\"  accepted", 0}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *home = g_strdup_printf("%s/%zu", folder, i);
        owned(run) struct run made =
            run("domsec init --csr --domain %s %s '%s'", rows[i].domain, rows[i].options, home);
        expect_status(made, 0);
        for (int key = 0; key < 2; key++) {
            const char *stem = key == 0 ? "dsa" : "dca";
            owned(run) struct run got = run("domsec cert lint '%s/keys/%s.csr'", home, stem);
            expect_status(got, rows[i].status);
            expect_contains(got.out, rows[i].naming);
            owned(run) struct run again =
                run("domsec key csr --domain %s --role %s %s --key '%s/keys/%s.key' --out "
                    "'%s/again.csr'",
                    rows[i].domain, role_name(key == 0 ? ROLE_DOMAIN_SIGNING : ROLE_DOMAIN_CONFIDENTIALITY),
                    rows[i].options, home, stem, home);
            expect_status(again, 0);
            owned(run) struct run same = run("domsec cert lint '%s/again.csr'", home);
            expect_status(same, rows[i].status);
            owned(run) struct run remove = run("rm '%s/again.csr'", home);
            expect_status(remove, 0);
        }
    }
}

Test(cert_lint, addresses_in_requests_are_ours)
{
    static const char *const bad[] = {"init --csr --domain acme.test --address gateway@other.test",
                                      "init --csr --domain acme.test --address gateway",
                                      "init --csr --domain acme.test --address g@acme.test --role-names",
                                      "init --domain acme.test --address gateway@acme.test",
                                      "init --domain acme.test --role-names",
                                      "init --csr --domain acme.test --address j\u00f6rg@acme.test"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        owned(run) struct run got = run("domsec %s '%s/x'", bad[i], folder);
        expect_status(got, 64);
    }
}

Test(cert_lint, as_json)
{
    g_autofree char *home = g_build_filename(folder, "h", NULL);
    owned(run) struct run made = run("domsec init --domain acme.test '%s'", home);
    expect_status(made, 0);
    owned(run) struct run got = run("domsec cert lint --json '%s/keys/dsa.pem'", home);
    expect_status(got, 65);
    expect_contains(got.out, "\"issuable\": false");
    expect_contains(got.out, "\"accepted\": true");
    expect_contains(got.out, "\"domain\": \"acme.test\"");
}

Test(cert_lint, files_that_are_neither)
{
    static const char *const bad[] = {"", "no certificate",
                                      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                                      "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *file = g_build_filename(folder, "bad", NULL);
        cr_assert(g_file_set_contents(file, bad[i], -1, NULL));
        owned(run) struct run got = run("domsec cert lint '%s'", file);
        expect_status(got, 65);
        expect_contains(got.err, "bad");
    }
    owned(run) struct run missing = run("domsec cert lint '%s/missing'", folder);
    expect_status(missing, 65);
    owned(run) struct run none = run("domsec cert lint");
    expect_status(none, 64);
}
