/* SPDX-License-Identifier: Apache-2.0 */
#include "support/certs_home.h"

static void find_by_address_and_domain(struct certs_home *home)
{
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
        PKI_AUTO struct pki *pki = certs_home_issue(home, stored[i].subject, stored[i].san, stored[i].age);
        certs_home_put(home, stored[i].file, pki);
    }
    cr_assert(certs_home_open(home), "%s", faults_count(home->faults) > 0 ? faults_at(home->faults, 0) : "");
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
        g_autofree char *names = certs_home_names(home, CERTS_ENCRYPT, rows[i].recipient);
        cr_expect_str_eq(names, rows[i].expected, "%s: %s", rows[i].recipient, names);
    }
}

Test(certs_directory_source, finds_by_address_and_domain)
{
    owned(certs_home) struct certs_home *home = certs_home_new("");
    find_by_address_and_domain(home);
}

Test(certs_store_source, finds_by_address_and_domain)
{
    owned(certs_home) struct certs_home *home = certs_home_new("");
    certs_home_use_store(home);
    find_by_address_and_domain(home);
}

/* Not candidates themselves, but handed along for the path of those that are. */
Test(certs_directory_source, authorities_come_beside_the_candidates)
{
    owned(certs_home) struct certs_home *home = certs_home_new("certificates = ( \"pins.pem\" );");
    PKI_AUTO struct pki *theirs = pki_sub_ca(home->ca, "theirs");
    PKI_AUTO struct pki *other = pki_sub_ca(home->ca, "other");
    PKI_AUTO struct pki *dca = pki_role(theirs, DCA, "partner.test");
    PKI_AUTO struct pki *bob = pki_person(other, "bob@partner.test");
    g_free(pki_write(home->folder, "pins.pem", dca, theirs, NULL));
    certs_home_put(home, "bob.pem", bob);
    certs_home_put(home, "other.pem", other);
    cr_assert(certs_home_open(home), "%s", faults_count(home->faults) > 0 ? faults_at(home->faults, 0) : "");
    owned(certs_answer) struct certs_answer answer = certs_home_ask(home, CERTS_ENCRYPT, "bob@partner.test");
    cr_assert_eq(answer.count, 2);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(sk_X509_num(answer.list[i].authorities), 1);
        X509 *authority = sk_X509_value(answer.list[i].authorities, 0);
        cr_expect_eq(X509_cmp(authority, i == 0 ? theirs->cert : other->cert), 0);
    }
}

Test(certs_directory_source, unreadable_files_are_faults)
{
    static const struct {
        const char *name, *text;
    } rows[] = {
        {"store/broken.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"},
        {"store/empty.pem", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(certs_home) struct certs_home *home = certs_home_new("");
        folder_write(home->folder, rows[i].name, rows[i].text);
        cr_expect_not(certs_home_open(home), "row %zu", i);
        cr_expect_eq(faults_errors(home->faults), 1, "row %zu", i);
    }
}

Test(certs_directory_source, several_certificates_in_a_store_file_are_a_fault)
{
    owned(certs_home) struct certs_home *home = certs_home_new("");
    PKI_AUTO struct pki *bob = pki_person(home->ca, "bob@partner.test");
    g_free(pki_write(home->folder, "store/bob.pem", bob, home->ca, NULL));
    cr_expect_not(certs_home_open(home));
}

Test(certs_directory_source, missing_store_is_a_fault)
{
    owned(certs_home) struct certs_home *home = certs_home_new("");
    g_autofree char *store = g_build_filename(home->folder, "store", NULL);
    g_assert_true(g_rmdir(store) == 0);
    cr_expect_not(certs_home_open(home));
}

Test(certs_directory_source, other_names_in_the_store_are_warned_about)
{
    owned(certs_home) struct certs_home *home = certs_home_new("");
    PKI_AUTO struct pki *bob = pki_person(home->ca, "bob@partner.test");
    certs_home_put(home, "bob.crt", bob);
    certs_home_put(home, ".hidden.pem", bob);
    cr_expect(certs_home_open(home));
    cr_expect_eq(faults_count(home->faults), 1);
    cr_expect_eq(faults_errors(home->faults), 0);
}

/* A signature may come from any role of the author's domain or of a parent of it; to encrypt, one role counts. */
static void find_signers(struct certs_home *home)
{
    const struct {
        const char *file;
        const char *const *subject, *const *san;
    } stored[] = {
        {"a.pem", PKI_LIST("CN=bob"), PKI_LIST("email:bob@partner.test")},
        {"b.pem", PKI_LIST("CN=dsa"), PKI_LIST("email:domain-signing-authority@partner.test")},
        {"c.pem", PKI_LIST("CN=dca"), PKI_LIST("email:" DCA "@partner.test")},
        {"d.pem", PKI_LIST("CN=review"), PKI_LIST("email:Review-Authority@partner.test")},
        {"e.pem", PKI_LIST("CN=attribute"), PKI_LIST("email:attribute-authority@partner.test")},
        {"f.pem", PKI_LIST("DC=test", "DC=dc", "CN=domain-signing-authority"), NULL},
        {"g.pem", PKI_LIST("CN=carol"), PKI_LIST("email:carol@partner.test")},
        {"h.pem", PKI_LIST("CN=direct"), PKI_LIST("dns:direct.test")},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(stored); i++) {
        PKI_AUTO struct pki *pki = certs_home_issue(home, stored[i].subject, stored[i].san, (int)(i + 1));
        certs_home_put(home, stored[i].file, pki);
    }
    cr_assert(certs_home_open(home));
    static const struct {
        const char *author, *to_verify, *to_encrypt;
    } rows[] = {
        {"bob@partner.test", "bob* dsa dca review attribute", "bob* dca"},
        {"alice@sales.partner.test", "dsa dca review attribute", "dca"},
        {"domain-signing-authority@partner.test", "dsa* dca review attribute", "dsa* dca"},
        {"alice@dc.test", "domain-signing-authority", ""},
        {"alice@direct.test", "direct", "direct"},
        {"alice@notpartner.test", "", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *to_verify = certs_home_names(home, CERTS_SIGNER, rows[i].author);
        g_autofree char *to_encrypt = certs_home_names(home, CERTS_ENCRYPT, rows[i].author);
        cr_expect_str_eq(to_verify, rows[i].to_verify, "%s: %s", rows[i].author, to_verify);
        cr_expect_str_eq(to_encrypt, rows[i].to_encrypt, "%s: %s", rows[i].author, to_encrypt);
    }
}

Test(certs_directory_source, signers_are_found_in_each_role)
{
    owned(certs_home) struct certs_home *home = certs_home_new("");
    find_signers(home);
}

Test(certs_store_source, signers_are_found_in_each_role)
{
    owned(certs_home) struct certs_home *home = certs_home_new("");
    certs_home_use_store(home);
    find_signers(home);
}

/* Of a partner with another vendor's gateway. */
Test(certs_directory_source, finds_gateway_addresses)
{
    owned(certs_home) struct certs_home *home =
        certs_home_new("naming = \"address\"; gateway_addresses = ( \"Gateway@partner.test\", \"gw2@partner.test\" );");
    PKI_AUTO struct pki *gateway =
        certs_home_issue(home, PKI_LIST("CN=gateway"), PKI_LIST("email:gateway@partner.test"), 5);
    PKI_AUTO struct pki *other = certs_home_issue(home, PKI_LIST("CN=other"), PKI_LIST("email:gateway@acme.test"), 5);
    certs_home_put(home, "a.pem", gateway);
    certs_home_put(home, "b.pem", other);
    cr_assert(certs_home_open(home), "%s", faults_count(home->faults) > 0 ? faults_at(home->faults, 0) : "");
    static const struct {
        const char *recipient, *expected;
    } rows[] = {
        {"bob@partner.test", "gateway"},
        {"bob@eu.partner.test", "gateway"},
        {"gateway@partner.test", "gateway*"},
        {"bob@acme.test", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *names = certs_home_names(home, CERTS_ENCRYPT, rows[i].recipient);
        cr_expect_str_eq(names, rows[i].expected, "%s: %s", rows[i].recipient, names);
    }
}

Test(certs_directory_source, the_key_sources_says_who_is_asked_first_and_who_is_not)
{
    static const char *const rows[][2] = {{"\"pinned\", \"directory\"", "pinned! kept"},
                                          {"\"directory\", \"pinned\"", "kept pinned!"},
                                          {"\"directory\"", "kept"},
                                          {"\"pinned\"", "pinned!"},
                                          {"", ""}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(certs_home) struct certs_home *home = certs_home_new("certificates = ( \"pinned.pem\" );");
        g_autofree char *text = g_strdup_printf("local_domains = ( \"acme.test\" );\npolicy_dir = \"policy.d\";\n"
                                                "certificate_directory = \"store\";\nsources = ( %s );\n",
                                                rows[i][0]);
        folder_write(home->folder, "domsec.conf", text);
        PKI_AUTO struct pki *pinned = certs_home_issue(home, PKI_LIST("CN=pinned"), NULL, 1);
        PKI_AUTO struct pki *kept =
            certs_home_issue(home, PKI_LIST("CN=kept"), PKI_LIST("email:" DCA "@partner.test"), 1);
        g_free(pki_write(home->folder, "pinned.pem", pinned, NULL));
        certs_home_put(home, "kept.pem", kept);
        cr_assert(certs_home_open(home));
        g_autofree char *names = certs_home_names(home, CERTS_ENCRYPT, "bob@partner.test");
        cr_expect_str_eq(names, rows[i][1], "%s: %s", rows[i][0], names);
    }
}
