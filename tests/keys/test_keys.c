/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/keys.h"

#include "support/pki.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>

#define DAY 86400

static void write_der(const char *folder, const char *name, const unsigned char *der, int length)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    cr_assert(g_file_set_contents(path, (const char *)der, length, NULL));
}

static void write_with(const char *folder, const char *name, const struct pki *pki, const EVP_CIPHER *cipher, bool der)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    owned(BIO) BIO *file = BIO_new_file(path, "w");
    char phrase[] = "secret";
    int length = cipher != NULL ? (int)strlen(phrase) : 0;
    if (der)
        cr_assert(i2d_PKCS8PrivateKey_bio(file, pki->key, cipher, phrase, length, NULL, NULL));
    else
        cr_assert(
            PEM_write_bio_PrivateKey_traditional(file, pki->key, cipher, (unsigned char *)phrase, length, NULL, NULL));
}

static EVP_PKEY *load(const char *folder, const char *name, struct error *error)
{
    g_autofree char *uri = g_strdup_printf("file:%s/%s", folder, name);
    return keys_load(uri, error);
}

Test(keys, reads_every_form_of_key)
{
    char *folder = folder_new();
    PKI_AUTO struct pki *ec = pki_ca("ec");
    PKI_AUTO struct pki *rsa = pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=rsa"), .key = PKI_RSA});
    g_free(pki_write_key(folder, "pkcs8.pem", ec));
    write_with(folder, "ec.pem", ec, NULL, false);
    write_with(folder, "rsa.pem", rsa, NULL, false);
    write_with(folder, "pkcs8.der", rsa, NULL, true);
    unsigned char *der = NULL;
    int length = i2d_PrivateKey(rsa->key, &der);
    write_der(folder, "rsa.der", der, length);
    OPENSSL_free(der);
    g_autofree char *certificate = pki_write(folder, "cert.pem", ec, NULL);
    g_autofree char *key = pki_write_key(folder, "key.pem", ec);
    g_autofree char *first = NULL, *second = NULL;
    cr_assert(g_file_get_contents(certificate, &first, NULL, NULL) && g_file_get_contents(key, &second, NULL, NULL));
    g_autofree char *both = g_strconcat(first, second, NULL);
    folder_write(folder, "both.pem", both);

    static const char *const names[] = {"pkcs8.pem", "ec.pem", "both.pem", "rsa.pem", "pkcs8.der", "rsa.der"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        struct error error = {0};
        owned(EVP_PKEY) EVP_PKEY *loaded = load(folder, names[i], &error);
        cr_assert_not_null(loaded, "%s: %s", names[i], error.text);
        cr_expect_eq(EVP_PKEY_eq(loaded, i < 3 ? ec->key : rsa->key), 1, "%s", names[i]);
        cr_expect_eq(ERR_peek_error(), 0, "%s leaves an error behind", names[i]);
    }
    folder_remove(folder);
}

Test(keys, never_asks_for_a_passphrase)
{
    char *folder = folder_new();
    PKI_AUTO struct pki *rsa = pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=rsa"), .key = PKI_RSA});
    write_with(folder, "traditional.pem", rsa, EVP_aes_128_cbc(), false);
    write_with(folder, "pkcs8.der", rsa, EVP_aes_128_cbc(), true);
    static const char *const names[] = {"traditional.pem", "pkcs8.der"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        struct error error = {0};
        cr_expect_null(load(folder, names[i], &error));
        cr_expect_eq(error.kind, ERROR_CONFIGURATION);
        cr_expect_not_null(strstr(error.text, "encrypted"), "%s: %s", names[i], error.text);
    }
    folder_remove(folder);
}

Test(keys, refuses_what_is_no_key)
{
    char *folder = folder_new();
    PKI_AUTO struct pki *ec = pki_ca("ec");
    g_free(pki_write(folder, "certificate.pem", ec, NULL));
    folder_write(folder, "empty.pem", "");
    folder_write(folder, "garbage.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    g_autofree char *public_key = g_build_filename(folder, "public.pem", NULL);
    BIO *file = BIO_new_file(public_key, "w");
    cr_assert(PEM_write_bio_PUBKEY(file, ec->key));
    BIO_free(file);
    static const char *const names[] = {"certificate.pem", "empty.pem", "garbage.pem", "public.pem", "absent.pem", "."};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        struct error error = {0};
        cr_expect_null(load(folder, names[i], &error), "%s", names[i]);
        cr_expect_eq(error.kind, ERROR_CONFIGURATION, "%s", names[i]);
        cr_expect_not_null(strstr(error.text, names[i]), "%s", error.text);
        cr_expect_eq(ERR_peek_error(), 0);
    }
    folder_remove(folder);
}

Test(keys, names_the_stores_that_are_not_there)
{
    static const struct {
        const char *uri, *says;
    } rows[] = {
        {"pkcs11:token=x;object=dsa", "not supported by this build"},
        {"PKCS11:object=x", "not supported by this build"},
        {"/etc/domsec/dsa.key", "not a URI"},
        {"", "not a URI"},
        {"http://acme.test/key", "not a URI"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct error error = {0};
        cr_expect_null(keys_load(rows[i].uri, &error));
        cr_expect_eq(error.kind, ERROR_CONFIGURATION);
        cr_expect_not_null(strstr(error.text, rows[i].says), "%s", error.text);
    }
}

Test(keys, a_pkcs12_bundle_is_told_as_such)
{
    char *folder = folder_new();
    PKI_AUTO struct pki *rsa = pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=rsa"), .key = PKI_RSA});
    PKCS12 *bundle = PKCS12_create("x", "name", rsa->key, rsa->cert, NULL, 0, 0, 1, 1, 0);
    unsigned char *der = NULL;
    struct error of_key = {0}, of_certificate = {0};
    int length = i2d_PKCS12(bundle, &der);
    PKCS12_free(bundle);
    write_der(folder, "bundle.p12", der, length);
    OPENSSL_free(der);
    cr_expect_null(load(folder, "bundle.p12", &of_key));
    cr_expect_not_null(strstr(of_key.text, "bundle.p12: a PKCS #12 bundle"), "%s", of_key.text);
    g_autofree char *path = g_build_filename(folder, "bundle.p12", NULL);
    cr_expect_null(certificates_load(path, &of_certificate));
    cr_expect_not_null(strstr(of_certificate.text, "bundle.p12: a PKCS #12 bundle"), "%s", of_certificate.text);
    cr_expect_eq(ERR_peek_error(), 0);
    folder_remove(folder);
}

static int count_of(const char *path, struct error *error)
{
    owned(x509_stack) STACK_OF(X509) *list = certificates_load(path, error);
    return list != NULL ? sk_X509_num(list) : -1;
}

Test(certificates_load, reads_every_form)
{
    char *folder = folder_new();
    struct error error = {0};
    PKI_AUTO struct pki *ca = pki_ca("root");
    PKI_AUTO struct pki *leaf = pki_person(ca, "alice@acme.test");
    g_autofree char *chain = pki_write(folder, "chain.pem", leaf, ca, NULL);
    owned(x509_stack) STACK_OF(X509) *list = certificates_load(chain, &error);
    cr_assert_not_null(list, "%s", error.text);
    cr_expect_eq(sk_X509_num(list), 2);
    cr_expect_eq(X509_cmp(sk_X509_value(list, 0), leaf->cert), 0, "the order of the file is kept");

    unsigned char *der = NULL;
    int length = i2d_X509(leaf->cert, &der);
    write_der(folder, "leaf.der", der, length);
    OPENSSL_free(der);
    g_autofree char *leaf_der = g_build_filename(folder, "leaf.der", NULL);
    cr_expect_eq(count_of(leaf_der, &error), 1, "%s", error.text);

    owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_sign(NULL, NULL, list, NULL, CMS_PARTIAL | CMS_DETACHED);
    cr_assert_not_null(cms);
    der = NULL;
    length = i2d_CMS_ContentInfo(cms, &der);
    cr_assert_gt(length, 0);
    write_der(folder, "bundle.p7c", der, length);
    g_autofree char *bundle = g_build_filename(folder, "bundle.p7c", NULL);
    cr_expect_eq(count_of(bundle, &error), 2, "%s", error.text);

    g_autofree char *pem = g_build_filename(folder, "bundle.pem", NULL);
    BIO *file = BIO_new_file(pem, "w");
    cr_assert(PEM_write_bio(file, PEM_STRING_CMS, "", der, length) && PEM_write_bio_X509(file, ca->cert));
    BIO_free(file);
    OPENSSL_free(der);
    cr_expect_eq(count_of(pem, &error), 3, "%s", error.text);
    folder_remove(folder);
}

Test(certificates_load, refuses_the_whole_file_for_one_bad_block)
{
    char *folder = folder_new();
    PKI_AUTO struct pki *ca = pki_ca("root");
    g_autofree char *good = pki_write(folder, "good.pem", ca, NULL);
    g_autofree char *text = NULL;
    cr_assert(g_file_get_contents(good, &text, NULL, NULL));
    g_autofree char *two = g_strconcat(text, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", NULL);
    g_autofree char *cut = g_strndup(text, strlen(text) / 2);
    const struct {
        const char *name, *text, *says;
    } rows[] = {{"two.pem", two, "not a certificate that can be read"},
                {"cut.pem", cut, "not a certificate that can be read"},
                {"empty.pem", "", "holds no certificate"},
                {"text.pem", "no certificate at all\n", "neither in PEM nor in DER"},
                {"key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "a private key, but no"},
                {"der.der", "\x30\x82\x01", "neither in PEM nor in DER"}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct error error = {0};
        g_autofree char *path = folder_file(folder, rows[i].name, rows[i].text);
        cr_expect_eq(count_of(path, &error), -1, "%s", rows[i].name);
        cr_expect_eq(error.kind, ERROR_CONFIGURATION, "%s", rows[i].name);
        cr_expect_not_null(strstr(error.text, rows[i].name), "%s", error.text);
        cr_expect_not_null(strstr(error.text, rows[i].says), "%s", error.text);
    }
    struct error error = {0};
    cr_expect_eq(count_of("/nonexistent/x.pem", &error), -1);
    folder_remove(folder);
}

/* --- identities --- */

struct home {
    char *folder;
    struct conf conf;
    struct identity_conf identities[4];
    struct faults *faults;
};

static void home_add(struct home *home, enum role role, const char *domain, const struct pki *pki,
                     const struct pki *key)
{
    struct identity_conf *entry = &home->identities[home->conf.identity_count];
    g_autofree char *name = g_strdup_printf("id%zu.pem", home->conf.identity_count);
    g_autofree char *key_name = g_strdup_printf("id%zu.key", home->conf.identity_count);
    g_autofree char *key_path = pki_write_key(home->folder, key_name, key);
    *entry = (struct identity_conf){.domain = g_strdup(domain),
                                    .role = role,
                                    .certificate = pki_write(home->folder, name, pki, NULL),
                                    .key = g_strconcat("file:", key_path, NULL),
                                    .line = 10 + (unsigned)home->conf.identity_count};
    home->conf.identity_count++;
}

static struct home *home_new(void)
{
    struct home *home = g_new0(struct home, 1);
    home->folder = folder_new();
    home->conf.file = g_build_filename(home->folder, "domsec.conf", NULL);
    home->conf.identities = home->identities;
    home->faults = faults_new();
    return home;
}

static void home_free(struct home *home)
{
    for (size_t i = 0; i < home->conf.identity_count; i++) {
        g_free(home->identities[i].domain);
        g_free(home->identities[i].certificate);
        g_free(home->identities[i].key);
    }
    g_free(home->conf.file);
    faults_free(home->faults);
    folder_remove(home->folder);
    g_free(home);
}

static bool has_fault(const struct faults *faults, const char *text)
{
    for (size_t i = 0; i < faults_count(faults); i++)
        if (strstr(faults_at(faults, i), text) != NULL)
            return true;
    return false;
}

Test(keys, opens_identities)
{
    struct home *home = home_new();
    PKI_AUTO struct pki *ca = pki_ca("root");
    PKI_AUTO struct pki *dsa = pki_role(ca, "domain-signing-authority", "acme.test");
    home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", dsa, dsa);
    owned(keys) struct keys *keys = keys_open(&home->conf, home->faults);
    cr_assert_not_null(keys, "%s", faults_at(home->faults, 0));
    cr_expect_eq(faults_count(home->faults), 0);
    cr_assert_eq(keys_count(keys), 1);
    cr_expect_null(keys_at(keys, 1));
    char hex[65];
    certificate_fingerprint(dsa->cert, hex);
    cr_expect_str_eq(keys_at(keys, 0)->sha256, hex);
    cr_expect_eq(strlen(hex), 64);
    cr_expect_eq(sk_X509_num(keys_at(keys, 0)->chain), 0);
    home_free(home);
}

Test(keys, reports_each_bad_identity_at_its_line)
{
    struct home *home = home_new();
    PKI_AUTO struct pki *ca = pki_ca("root");
    PKI_AUTO struct pki *a = pki_role(ca, "domain-signing-authority", "acme.test");
    PKI_AUTO struct pki *b = pki_role(ca, "domain-signing-authority", "acme.test");
    PKI_AUTO struct pki *weak = pki_role_with(ca, "domain-signing-authority", "acme.test", PKI_RSA_1024);
    home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", a, b);
    home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", weak, weak);
    home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", a, a);
    home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", a, a);
    g_remove(home->identities[2].certificate);
    g_remove(home->identities[3].key + strlen("file:"));
    cr_expect_null(keys_open(&home->conf, home->faults));
    cr_expect_eq(faults_errors(home->faults), 4);
    cr_expect(has_fault(home->faults, ":10: "));
    cr_expect(has_fault(home->faults, "is not the key of"));
    cr_expect(has_fault(home->faults, "below 2048 bits"));
    cr_expect(has_fault(home->faults, ":12: "));
    cr_expect(has_fault(home->faults, ":13: "));
    home_free(home);
}

Test(keys, warns_of_exposed_keys_and_old_certificates)
{
    struct home *home = home_new();
    time_t now = time(NULL);
    PKI_AUTO struct pki *old = pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=old"), .not_before = now - 20 * DAY, .not_after = now - 10 * DAY});
    home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", old, old);
    cr_assert_eq(chmod(home->identities[0].key + strlen("file:"), 0644), 0);
    owned(keys) struct keys *keys = keys_open(&home->conf, home->faults);
    cr_assert_not_null(keys);
    cr_expect_eq(faults_errors(home->faults), 0);
    cr_expect_eq(faults_count(home->faults), 2);
    cr_expect(has_fault(home->faults, "chmod 600"));
    cr_expect(has_fault(home->faults, "has expired"));
    home_free(home);
}

Test(keys, finds_by_role_domain_and_time)
{
    struct home *home = home_new();
    time_t now = time(NULL);
    PKI_AUTO struct pki *older = pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=older"), .not_before = now - 20 * DAY, .not_after = now + 10 * DAY});
    PKI_AUTO struct pki *newer = pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=newer"), .not_before = now - 5 * DAY, .not_after = now + 20 * DAY});
    PKI_AUTO struct pki *below = pki_issue(
        &(struct pki_spec){.subject = PKI_LIST("CN=below"), .not_before = now - 30 * DAY, .not_after = now + 1 * DAY});
    home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", older, older);
    home_add(home, ROLE_DOMAIN_SIGNING, "acme.test", newer, newer);
    home_add(home, ROLE_DOMAIN_SIGNING, "sales.acme.test", below, below);
    owned(keys) struct keys *keys = keys_open(&home->conf, home->faults);
    cr_assert_not_null(keys);
    const struct {
        enum role role;
        const char *domain;
        int day;
        int index; /* -1: none */
        const char *says;
    } rows[] = {
        {ROLE_DOMAIN_SIGNING, "acme.test", 0, 1, NULL},
        {ROLE_DOMAIN_SIGNING, "acme.test", -7, 0, NULL},
        {ROLE_DOMAIN_SIGNING, "acme.test", 15, 1, NULL},
        {ROLE_DOMAIN_SIGNING, "acme.test", 25, -1, "has expired"},
        {ROLE_DOMAIN_SIGNING, "acme.test", -25, -1, "not yet valid"},
        {ROLE_DOMAIN_SIGNING, "sales.acme.test", 0, 2, NULL},
        {ROLE_DOMAIN_SIGNING, "north.sales.acme.test", 0, 2, NULL},
        {ROLE_DOMAIN_SIGNING, "sales.acme.test", 2, 1, NULL},
        {ROLE_DOMAIN_SIGNING, "dev.acme.test", 0, 1, NULL},
        {ROLE_DOMAIN_SIGNING, "notacme.test", 0, -1, "no identity"},
        {ROLE_DOMAIN_SIGNING, "test", 0, -1, "no identity"},
        {ROLE_DOMAIN_SIGNING, NULL, 0, -1, "no identity"},
        {ROLE_DOMAIN_CONFIDENTIALITY, "acme.test", 0, -1, "domain-confidentiality-authority"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct error error = {0};
        const struct identity *found = keys_find(keys, rows[i].role, rows[i].domain, now + rows[i].day * DAY, &error);
        const struct identity *expected = rows[i].index < 0 ? NULL : keys_at(keys, (size_t)rows[i].index);
        cr_expect_eq(found, expected, "row %zu: %s", i, error.text);
        if (found == NULL) {
            cr_expect_eq(error.kind, ERROR_CONFIGURATION);
            cr_expect_not_null(strstr(error.text, rows[i].says), "row %zu: %s", i, error.text);
        }
    }
    home_free(home);
}

/* --- what a certificate says --- */

Test(certificate, addresses)
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

Test(certificate, broken_or_repeated_alternative_names_are_odd)
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

Test(certificate, domain_components)
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

Test(certificate, names_are_printable)
{
    const struct {
        const char *const *subject;
        const char *expected;
    } rows[] = {
        {PKI_LIST("O=Acme", "CN=Alice"), "CN=Alice,O=Acme"},
        {PKI_LIST("CN=Jörg Müller"), "CN=Jörg Müller"},
        {PKI_LIST("CN=a,b+c"), "CN=a\\,b\\+c"},
        {NULL, "(empty name)"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        PKI_AUTO struct pki *pki = pki_issue(&(struct pki_spec){.subject = rows[i].subject});
        g_autofree char *found = certificate_subject(pki->cert);
        cr_expect_str_eq(found, rows[i].expected, "row %zu: %s", i, found);
    }
    g_autofree char *filler = g_strnfill(5000, 'x');
    g_autofree char *longest = g_strconcat("CN=", filler, NULL);
    const char *const *hostile[] = {PKI_LIST("CN=a%0d%0aX-Evil: 1"), PKI_LIST("CN=a%00b"), PKI_LIST("CN=%ff%fe"),
                                    PKI_LIST(longest)};
    for (size_t i = 0; i < G_N_ELEMENTS(hostile); i++) {
        PKI_AUTO struct pki *pki = pki_issue(&(struct pki_spec){.subject = hostile[i]});
        g_autofree char *subject = certificate_subject(pki->cert);
        g_autofree char *issuer = certificate_issuer(pki->cert);
        cr_expect_str_eq(subject, issuer);
        cr_expect(g_utf8_validate(subject, -1, NULL));
        cr_expect_leq(strlen(subject), 1000);
        for (const char *at = subject; *at != '\0'; at++)
            cr_expect((unsigned char)*at >= 0x20 && *at != 0x7f);
    }
}

Test(certificate, serial_and_time)
{
    PKI_AUTO struct pki *pki = pki_issue(&(struct pki_spec){
        .subject = PKI_LIST("CN=x"), .serial = 0x1a2b, .not_before = 1000000000, .not_after = 2000000000});
    g_autofree char *serial = certificate_serial(pki->cert);
    cr_expect_str_eq(serial, "1A2B");
    cr_expect_not(certificate_is_current(pki->cert, 999999999));
    cr_expect(certificate_is_current(pki->cert, 1000000000));
    cr_expect(certificate_is_current(pki->cert, 2000000000));
    cr_expect_not(certificate_is_current(pki->cert, 2000000001));
}

Test(certificate, key_weakness)
{
    const struct {
        enum pki_key key;
        bool strong;
    } rows[] = {{PKI_EC, true},       {PKI_P384, true},    {PKI_P192, false},     {PKI_RSA, true},
                {PKI_RSA_3072, true}, {PKI_ED25519, true}, {PKI_RSA_1024, false}, {PKI_X25519, true}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        EVP_PKEY *key = pki_new_key(rows[i].key, 0);
        cr_expect_eq(key_weakness(key) == NULL, rows[i].strong, "row %zu: %s", i, key_weakness(key));
        EVP_PKEY_free(key);
    }
    cr_expect_not_null(key_weakness(NULL));
}
