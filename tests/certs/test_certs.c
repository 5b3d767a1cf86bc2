/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/certs.h"

#include "support/pki.h"

#include <criterion/criterion.h>

#define DCA "domain-confidentiality-authority"

struct home {
    char *folder;
    struct conf *conf;
    struct faults *faults;
    struct certs *certs;
    struct pki *ca;
};

static struct home *home_new(const char *rule_keys)
{
    struct home *home = g_new0(struct home, 1);
    home->folder = folder_new();
    home->faults = faults_new();
    home->ca = pki_ca("root");
    g_autofree char *store = g_build_filename(home->folder, "store", NULL);
    g_assert_true(g_mkdir(store, 0700) == 0);
    folder_write(home->folder, "domsec.conf",
                 "local_domains = ( \"acme.test\" );\npolicy_dir = \"policy.d\";\n"
                 "certificate_directory = \"store\";\n");
    g_autofree char *rule = g_strconcat("domain = \"partner.test\";\n", rule_keys, "\n", NULL);
    folder_write(home->folder, "policy.d/partner.test.conf", rule);
    return home;
}

static bool home_open(struct home *home)
{
    g_autofree char *file = g_build_filename(home->folder, "domsec.conf", NULL);
    if (home->conf == NULL)
        home->conf = conf_load(file, home->faults);
    if (home->conf == NULL)
        g_error("%s", faults_at(home->faults, 0));
    certs_close(home->certs);
    home->certs = certs_open(home->conf, home->faults);
    return home->certs != NULL;
}

static void home_free(struct home *home)
{
    certs_close(home->certs);
    conf_unref(home->conf);
    faults_free(home->faults);
    pki_free(home->ca);
    folder_remove(home->folder);
    g_free(home);
}

static void put(struct home *home, const char *name, const struct pki *pki)
{
    g_autofree char *path = g_strconcat("store/", name, NULL);
    g_free(pki_write(home->folder, path, pki, NULL));
}

static enum found find(struct home *home, const char *recipient, struct candidates *candidates)
{
    struct address address = {0};
    struct error error = {0};
    cr_assert(address_parse(slice_of(recipient), &address, &error), "%s", error.text);
    const struct partner *partner = conf_partner(home->conf, address.domain);
    enum found found = certs_find(home->certs, partner, &address, candidates, &error);
    address_clear(&address);
    return found;
}

/* The common names of what is found, in order, personal ones marked. */
static char *found_names(struct home *home, const char *recipient)
{
    struct candidates candidates = {0};
    GString *names = g_string_new(NULL);
    enum found found = find(home, recipient, &candidates);
    cr_expect_eq(found, candidates.count > 0 ? FOUND : FOUND_NONE);
    for (size_t i = 0; i < candidates.count; i++) {
        char name[100] = "";
        X509_NAME_get_text_by_NID(X509_get_subject_name(candidates.list[i].certificate), NID_commonName, name,
                                  sizeof(name));
        g_string_append_printf(names, "%s%s%s%s", i > 0 ? " " : "", name, candidates.list[i].personal ? "*" : "",
                               candidates.list[i].pinned ? "!" : "");
        cr_expect_str_eq(candidates.list[i].source, candidates.list[i].pinned ? "file" : "store");
    }
    candidates_clear(&candidates);
    return g_string_free(names, FALSE);
}

static struct pki *issue(struct home *home, const char *const *subject, const char *const *san, int days_old)
{
    return pki_issue(&(struct pki_spec){
        .issuer = home->ca, .subject = subject, .san = san, .not_before = time(NULL) - days_old * 86400});
}

Test(certs, finds_by_address_and_domain)
{
    struct home *home = home_new("");
    const struct {
        const char *file;
        const char *const *subject, *const *san;
        int age;
    } stored[] = {
        {"a.pem", PKI_LIST("CN=bob-old"), PKI_LIST("email:Bob@partner.test"), 9},
        {"b.pem", PKI_LIST("CN=bob-new"), PKI_LIST("email:bob@PARTNER.test", "email:robert@partner.test"), 3},
        {"c.pem", PKI_LIST("CN=dca"), PKI_LIST("email:" DCA "@partner.test"), 5},
        {"d.pem", PKI_LIST("CN=dca-sales"), PKI_LIST("email:" DCA "@sales.partner.test"), 5},
        {"e.pem", PKI_LIST("DC=test", "DC=dc", "CN=" DCA), NULL, 5},
        {"f.pem", PKI_LIST("CN=direct"), PKI_LIST("dns:direct.test"), 5},
        {"g.pem", PKI_LIST("CN=bare"), PKI_LIST("email:bare.test"), 5},
        {"h.pem", PKI_LIST("CN=suffix"), PKI_LIST("email:" DCA "@co.uk", "email:" DCA "@test"), 5},
        {"i.pem", PKI_LIST("CN=dsa"), PKI_LIST("email:domain-signing-authority@partner.test"), 5},
        {"j.pem", PKI_LIST("CN=idn"), PKI_LIST("utf8:jörg@bücher.test", "email:" DCA "@xn--bcher-kva.test"), 5},
        {"k.pem", PKI_LIST("CN=subject", "emailAddress=carol@partner.test"), NULL, 5},
        {"l.pem", PKI_LIST("CN=nul"), PKI_LIST("email:victim@partner.test%00.evil.test"), 5},
        {"m.pem", PKI_LIST("DC=test", "DC=nocn", "CN=somebody"), NULL, 5},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(stored); i++) {
        PKI_AUTO struct pki *pki = issue(home, stored[i].subject, stored[i].san, stored[i].age);
        put(home, stored[i].file, pki);
    }
    cr_assert(home_open(home), "%s", faults_count(home->faults) > 0 ? faults_at(home->faults, 0) : "");
    static const struct {
        const char *recipient, *expected;
    } rows[] = {
        {"bob@partner.test", "bob-new* bob-old* dca"},
        {"BOB@Partner.Test", "bob-new* bob-old* dca"},
        {"robert@partner.test", "bob-new* dca"},
        {"alice@partner.test", "dca"},
        {"alice@sales.partner.test", "dca-sales dca"},
        {"alice@north.sales.partner.test", "dca-sales dca"},
        {"alice@notpartner.test", ""},
        {"alice@dc.test", DCA},
        {"alice@deep.dc.test", DCA},
        {"alice@direct.test", "direct"},
        {"alice@bare.test", "bare"},
        {"alice@acme.co.uk", ""},
        {"alice@co.uk", "suffix"},
        {"alice@other.test", ""},
        {"jörg@bücher.test", "idn*"},
        {"jörg@xn--bcher-kva.test", "idn*"},
        {"alice@bücher.test", "idn"},
        {"carol@partner.test", "subject* dca"},
        {"victim@partner.test", "dca"},
        {"alice@nocn.test", ""},
        {DCA "@partner.test", "dca*"},
        {"alice@[192.0.2.1]", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *names = found_names(home, rows[i].recipient);
        cr_expect_str_eq(names, rows[i].expected, "%s: %s", rows[i].recipient, names);
    }
    home_free(home);
}

Test(certs, pinned_come_first_and_once)
{
    struct home *home = home_new("certificates = ( \"one.pem\", \"two.pem\" );");
    PKI_AUTO struct pki *one = issue(home, PKI_LIST("CN=one"), PKI_LIST("email:" DCA "@elsewhere.test"), 1);
    PKI_AUTO struct pki *two = issue(home, PKI_LIST("CN=two"), PKI_LIST("email:bob@partner.test"), 1);
    PKI_AUTO struct pki *three = issue(home, PKI_LIST("CN=three"), PKI_LIST("email:" DCA "@partner.test"), 1);
    g_free(pki_write(home->folder, "one.pem", one, NULL));
    g_free(pki_write(home->folder, "two.pem", two, three, NULL));
    put(home, "two.pem", two);
    put(home, "three.pem", three);
    cr_assert(home_open(home), "%s", faults_count(home->faults) > 0 ? faults_at(home->faults, 0) : "");
    g_autofree char *bob = found_names(home, "bob@partner.test");
    cr_expect_str_eq(bob, "one! two*! three!", "%s", bob);
    g_autofree char *other = found_names(home, "bob@other.test");
    cr_expect_str_eq(other, "", "%s", other);
    home_free(home);
}

/* Not candidates themselves, but handed along for the path of those that are. */
Test(certs, authorities_come_beside_the_candidates)
{
    struct home *home = home_new("certificates = ( \"pins.pem\" );");
    PKI_AUTO struct pki *theirs = pki_sub_ca(home->ca, "theirs");
    PKI_AUTO struct pki *other = pki_sub_ca(home->ca, "other");
    PKI_AUTO struct pki *dca = pki_role(theirs, DCA, "partner.test");
    PKI_AUTO struct pki *bob = pki_person(other, "bob@partner.test");
    g_free(pki_write(home->folder, "pins.pem", dca, theirs, NULL));
    put(home, "bob.pem", bob);
    put(home, "other.pem", other);
    cr_assert(home_open(home), "%s", faults_count(home->faults) > 0 ? faults_at(home->faults, 0) : "");
    struct candidates candidates = {0};
    cr_assert_eq(find(home, "bob@partner.test", &candidates), FOUND);
    cr_assert_eq(candidates.count, 2);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(sk_X509_num(candidates.list[i].authorities), 1);
        X509 *authority = sk_X509_value(candidates.list[i].authorities, 0);
        cr_expect_eq(X509_cmp(authority, i == 0 ? theirs->cert : other->cert), 0);
    }
    candidates_clear(&candidates);
    home_free(home);
}

Test(certs, null_reverse_path_has_none)
{
    struct home *home = home_new("");
    struct candidates candidates = {0};
    struct address nobody = {.local = (char *)"", .domain = (char *)"", .text = (char *)""};
    struct error error = {0};
    cr_assert(home_open(home));
    cr_expect_eq(certs_find(home->certs, conf_partner(home->conf, ""), &nobody, &candidates, &error), FOUND_NONE);
    home_free(home);
}

Test(certs, a_partner_of_another_configuration_fails)
{
    struct home *home = home_new("");
    struct candidates candidates = {0};
    struct error error = {0};
    cr_assert(home_open(home));
    struct partner stranger = *conf_partner(home->conf, "partner.test");
    struct address bob = {.local = (char *)"bob", .domain = (char *)"partner.test", .text = (char *)"bob@partner.test"};
    cr_expect_eq(certs_find(home->certs, &stranger, &bob, &candidates, &error), FOUND_FAILED);
    cr_expect_eq(error.kind, ERROR_BUG);
    cr_expect_eq(candidates.count, 0);
    home_free(home);
}

Test(certs, unreadable_files_are_faults)
{
    static const struct {
        const char *rule, *name, *text;
    } rows[] = {
        {"", "store/broken.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"},
        {"", "store/empty.pem", ""},
        {"certificates = ( \"absent.pem\" );", "unused", ""},
        {"certificates = ( \"broken.pem\" );", "broken.pem", "nothing"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct home *home = home_new(rows[i].rule);
        folder_write(home->folder, rows[i].name, rows[i].text);
        cr_expect_not(home_open(home), "row %zu", i);
        cr_expect_eq(faults_errors(home->faults), 1, "row %zu", i);
        home_free(home);
    }
}

Test(certs, several_certificates_in_a_store_file_are_a_fault)
{
    struct home *home = home_new("");
    PKI_AUTO struct pki *bob = pki_person(home->ca, "bob@partner.test");
    g_free(pki_write(home->folder, "store/bob.pem", bob, home->ca, NULL));
    cr_expect_not(home_open(home));
    home_free(home);
}

Test(certs, missing_store_is_a_fault)
{
    struct home *home = home_new("");
    g_autofree char *store = g_build_filename(home->folder, "store", NULL);
    g_assert_true(g_rmdir(store) == 0);
    cr_expect_not(home_open(home));
    home_free(home);
}

Test(certs, other_names_in_the_store_are_warned_about)
{
    struct home *home = home_new("");
    PKI_AUTO struct pki *bob = pki_person(home->ca, "bob@partner.test");
    put(home, "bob.crt", bob);
    put(home, ".hidden.pem", bob);
    cr_expect(home_open(home));
    cr_expect_eq(faults_count(home->faults), 1);
    cr_expect_eq(faults_errors(home->faults), 0);
    home_free(home);
}

static int stored(struct home *home)
{
    owned(x509_stack) STACK_OF(X509) *all = certs_store_list(home->conf, home->faults);
    return sk_X509_num(all);
}

Test(certs_store, import_and_remove)
{
    struct home *home = home_new("");
    struct error error = {0};
    char hex[65];
    PKI_AUTO struct pki *bob = pki_person(home->ca, "bob@partner.test");
    PKI_AUTO struct pki *carol = pki_person(home->ca, "carol@partner.test");
    cr_assert(home_open(home));
    cr_expect_eq(stored(home), 0);
    cr_assert(certs_store_import(home->conf, bob->cert, &error), "%s", error.text);
    cr_assert(certs_store_import(home->conf, bob->cert, &error), "%s", error.text);
    cr_assert(certs_store_import(home->conf, carol->cert, &error), "%s", error.text);
    cr_expect_eq(stored(home), 2);
    certificate_fingerprint(bob->cert, hex);
    g_autofree char *path = g_strdup_printf("%s/store/%s.pem", home->folder, hex);
    cr_expect(g_file_test(path, G_FILE_TEST_IS_REGULAR));
    g_autofree char *before = found_names(home, "bob@partner.test");
    cr_expect_str_eq(before, "", "the running store changes with the next open only");
    cr_assert(home_open(home));
    g_autofree char *after = found_names(home, "bob@partner.test");
    cr_expect_str_eq(after, "bob@partner.test*");

    static const char *const bad[] = {"", "1234567", "zzzzzzzz", "../../etc/passwd", "*"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        cr_expect_not(certs_store_remove(home->conf, bad[i], &error), "%s", bad[i]);
    cr_expect_eq(stored(home), 2);
    g_autofree char *shouted = g_ascii_strup(hex, 12);
    g_autofree char *colons = g_strdup_printf("%.2s:%s", shouted, shouted + 2);
    cr_assert(certs_store_remove(home->conf, colons, &error), "%s", error.text);
    cr_expect_not(certs_store_remove(home->conf, hex, &error));
    cr_expect_eq(error.kind, ERROR_PERMANENT);
    cr_expect_eq(stored(home), 1);
    home_free(home);
}

Test(certs_store, needs_a_folder_in_the_configuration)
{
    struct home *home = home_new("");
    struct error error = {0};
    folder_write(home->folder, "domsec.conf", "local_domains = ( \"acme.test\" );\n");
    cr_assert(home_open(home));
    cr_expect_not(certs_store_import(home->conf, home->ca->cert, &error));
    cr_expect_eq(error.kind, ERROR_CONFIGURATION);
    cr_expect_not(certs_store_remove(home->conf, "0123456789", &error));
    cr_expect_eq(stored(home), 0);
    home_free(home);
}
