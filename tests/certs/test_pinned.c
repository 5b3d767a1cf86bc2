/* SPDX-License-Identifier: Apache-2.0 */
#include "support/certs_home.h"

Test(certs_pinned, pinned_come_first_and_once)
{
    owned(certs_home) struct certs_home *home = certs_home_new("certificates = ( \"one.pem\", \"two.pem\" );");
    PKI_AUTO struct pki *one = certs_home_issue(home, PKI_LIST("CN=one"), PKI_LIST("email:" DCA "@elsewhere.test"), 1);
    PKI_AUTO struct pki *two = certs_home_issue(home, PKI_LIST("CN=two"), PKI_LIST("email:bob@partner.test"), 1);
    PKI_AUTO struct pki *three =
        certs_home_issue(home, PKI_LIST("CN=three"), PKI_LIST("email:" DCA "@partner.test"), 1);
    g_free(pki_write(home->folder, "one.pem", one, NULL));
    g_free(pki_write(home->folder, "two.pem", two, three, NULL));
    certs_home_put(home, "two.pem", two);
    certs_home_put(home, "three.pem", three);
    cr_assert(certs_home_open(home), "%s", faults_count(home->faults) > 0 ? faults_at(home->faults, 0) : "");
    g_autofree char *bob = certs_home_names(home, CERTS_ENCRYPT, "bob@partner.test");
    cr_expect_str_eq(bob, "one! two*! three!", "%s", bob);
    g_autofree char *other = certs_home_names(home, CERTS_ENCRYPT, "bob@other.test");
    cr_expect_str_eq(other, "", "%s", other);
}

Test(certs_pinned, a_partner_of_another_configuration_fails)
{
    owned(certs_home) struct certs_home *home = certs_home_new("");
    cr_assert(certs_home_open(home));
    struct partner stranger = *conf_partner(home->conf, "partner.test");
    struct address bob = {.local = (char *)"bob", .domain = (char *)"partner.test", .text = (char *)"bob@partner.test"};
    struct partner beyond = stranger;
    beyond.index = (size_t)1 << 40;
    const struct certs_query queries[] = {{.partner = &stranger, .address = &bob},
                                          {.partner = &beyond, .address = &bob}};
    struct certs_answer answers[G_N_ELEMENTS(queries)];
    certs_ask(home->certs, queries, G_N_ELEMENTS(queries), CERTS_NO_DEADLINE, NULL, answers);
    for (size_t i = 0; i < G_N_ELEMENTS(queries); i++) {
        cr_expect_eq(answers[i].found, FOUND_FAILED);
        cr_expect_eq(answers[i].error.kind, ERROR_BUG);
        cr_expect_eq(answers[i].count, 0);
    }
    certs_answers_clear(answers, G_N_ELEMENTS(answers));
}

/* A partner's files stand for its domains alone, and each purpose gets all of them. */
Test(certs_pinned, each_partner_has_its_own)
{
    owned(certs_home) struct certs_home *home = certs_home_new("certificates = ( \"ours.pem\" );");
    PKI_AUTO struct pki *ours = certs_home_issue(home, PKI_LIST("CN=ours"), NULL, 1);
    PKI_AUTO struct pki *theirs = certs_home_issue(home, PKI_LIST("CN=theirs"), NULL, 1);
    PKI_AUTO struct pki *rest = certs_home_issue(home, PKI_LIST("CN=rest"), NULL, 1);
    g_free(pki_write(home->folder, "ours.pem", ours, NULL));
    g_free(pki_write(home->folder, "policy.d/theirs.pem", theirs, NULL));
    g_free(pki_write(home->folder, "policy.d/rest.pem", rest, NULL));
    folder_write(home->folder, "policy.d/sub.partner.test.conf",
                 "domain = \"sub.partner.test\"; certificates = ( \"policy.d/theirs.pem\" );\n");
    folder_write(home->folder, "policy.d/default.conf", "certificates = ( \"policy.d/rest.pem\" );\n");
    cr_assert(certs_home_open(home), "%s", faults_count(home->faults) > 0 ? faults_at(home->faults, 0) : "");
    static const char *const rows[][2] = {{"bob@partner.test", "ours!"},
                                          {"bob@north.partner.test", "ours!"},
                                          {"bob@sub.partner.test", "theirs!"},
                                          {"bob@other.test", "rest!"}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *to_encrypt = certs_home_names(home, CERTS_ENCRYPT, rows[i][0]);
        g_autofree char *to_verify = certs_home_names(home, CERTS_SIGNER, rows[i][0]);
        cr_expect_str_eq(to_encrypt, rows[i][1], "%s: %s", rows[i][0], to_encrypt);
        cr_expect_str_eq(to_verify, rows[i][1], "%s: %s", rows[i][0], to_verify);
    }
}

/* A CA certificate is a candidate only where it is pinned for itself: not beside what it has issued. */
Test(certs_pinned, an_authority_that_stands_alone)
{
    owned(certs_home) struct certs_home *home =
        certs_home_new("certificates = ( \"alone.pem\", \"leaf.pem\", \"chain.pem\", \"root.pem\" );");
    const struct pki_spec spec = {.ca = true, .subject = PKI_LIST("CN=alone"), .key_usage = ""};
    struct pki_spec issuing = spec;
    issuing.subject = PKI_LIST("CN=issuing");
    PKI_AUTO struct pki *alone = pki_issue(&spec), *issuer = pki_issue(&issuing);
    PKI_AUTO struct pki *leaf = pki_issue(&(struct pki_spec){.issuer = issuer, .subject = PKI_LIST("CN=leaf")});
    g_free(pki_write(home->folder, "alone.pem", alone, NULL));
    g_free(pki_write(home->folder, "leaf.pem", leaf, NULL));
    g_free(pki_write(home->folder, "chain.pem", issuer, NULL));
    g_free(pki_write(home->folder, "root.pem", home->ca, NULL));
    cr_assert(certs_home_open(home), "%s", faults_count(home->faults) > 0 ? faults_at(home->faults, 0) : "");
    g_autofree char *names = certs_home_names(home, CERTS_ENCRYPT, "bob@partner.test");
    cr_expect_str_eq(names, "alone! leaf!", "%s", names);
    cr_assert_eq(faults_count(home->faults), 2);
    cr_expect(strstr(faults_at(home->faults, 0), "chain.pem contains only CA certificates") != NULL);
    cr_expect(strstr(faults_at(home->faults, 1), "root.pem contains only CA certificates") != NULL);
}

Test(certs_pinned, unreadable_files_are_faults)
{
    static const char *const rows[] = {"absent.pem", "broken.pem"};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *keys = g_strdup_printf("certificates = ( \"%s\" );", rows[i]);
        owned(certs_home) struct certs_home *home = certs_home_new(keys);
        folder_write(home->folder, "broken.pem", "nothing");
        cr_expect_not(certs_home_open(home), "%s", rows[i]);
        cr_expect_eq(faults_errors(home->faults), 1, "%s", rows[i]);
    }
}

/* A group's certificates are for its members, between the person's own and the domain's. */
Test(certs_pinned, groups)
{
    owned(certs_home) struct certs_home *home = certs_home_new(
        "certificates = ( \"domain.pem\", \"bob.pem\" );\n"
        "groups = ( { members = ( \"edi@partner.test\", \"bob@partner.test\" ); certificates = ( \"g1.pem\" ); },\n"
        "{ members = ( \"*@partner.test\" ); certificates = ( \"g2.pem\", \"g3.pem\" ); } );");
    PKI_AUTO struct pki *domain = certs_home_issue(home, PKI_LIST("CN=domain"), NULL, 1);
    PKI_AUTO struct pki *bob = certs_home_issue(home, PKI_LIST("CN=bob"), PKI_LIST("email:bob@partner.test"), 1);
    PKI_AUTO struct pki *one = certs_home_issue(home, PKI_LIST("CN=g1"), NULL, 1);
    PKI_AUTO struct pki *two = certs_home_issue(home, PKI_LIST("CN=g2"), NULL, 1);
    PKI_AUTO struct pki *three = certs_home_issue(home, PKI_LIST("CN=g3"), NULL, 1);
    g_free(pki_write(home->folder, "domain.pem", domain, NULL));
    g_free(pki_write(home->folder, "bob.pem", bob, NULL));
    g_free(pki_write(home->folder, "g1.pem", one, NULL));
    g_free(pki_write(home->folder, "g2.pem", two, NULL));
    g_free(pki_write(home->folder, "g3.pem", three, NULL));
    cr_assert(certs_home_open(home), "%s", faults_count(home->faults) > 0 ? faults_at(home->faults, 0) : "");
    static const char *const rows[][2] = {{"bob@partner.test", "bob*! g1! domain!"},
                                          {"EDI@Partner.test", "g1! domain! bob!"},
                                          {"dave@partner.test", "g2! g3! domain! bob!"},
                                          {"dave@sub.partner.test", "domain! bob!"}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *to_encrypt = certs_home_names(home, CERTS_ENCRYPT, rows[i][0]);
        g_autofree char *to_verify = certs_home_names(home, CERTS_SIGNER, rows[i][0]);
        cr_expect_str_eq(to_encrypt, rows[i][1], "%s: %s", rows[i][0], to_encrypt);
        cr_expect_str_eq(to_verify, rows[i][1], "%s: %s", rows[i][0], to_verify);
    }
}

Test(certs_pinned, a_certificate_of_a_group_that_cannot_be_read)
{
    owned(certs_home) struct certs_home *home =
        certs_home_new("groups = (\n{ members = \"edi@partner.test\"; certificates = ( \"none.pem\" ); } );");
    cr_expect_not(certs_home_open(home));
    cr_expect_not_null(strstr(faults_at(home->faults, 0), "none.pem"), "%s", faults_at(home->faults, 0));
}
