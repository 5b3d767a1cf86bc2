/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates out of directories: real servers, found by address, by role and by SRV records; failed is never none. */
#include "certs/ldap_targets.h"
#include "certs/source.h"
#include "support/fake_ldap.h"
#include "support/knot.h"
#include "support/slapd.h"

#include <criterion/criterion.h>
#include <signal.h>

#define BASE "dc=partner,dc=test"
#define DCA "domain-confidentiality-authority"
#define BOB "bob@partner.test"

static char *folder;
static struct pki *ca, *bob, *dca;

static void setup(void)
{
    signal(SIGPIPE, SIG_IGN);
    folder = folder_new();
    ca = pki_ca("Partner root");
    bob = pki_person(ca, BOB);
    dca = pki_role(ca, DCA, "partner.test");
}

static void teardown(void)
{
    pki_free(dca);
    pki_free(bob);
    pki_free(ca);
    folder_remove(folder);
}

TestSuite(ldap_source, .init = setup, .fini = teardown, .timeout = 60);

struct home {
    struct conf *conf;
    struct certs *certs;
    char *faults;
};

static void home_clear(struct home *home)
{
    certs_close(home->certs);
    conf_unref(home->conf);
    g_free(home->faults);
}

/* Without certs if there is a fault. */
static void home_open(struct home *home, const char *lines)
{
    owned(faults) struct faults *faults = faults_new();
    g_autofree char *text = g_strconcat("local_domains = ( \"acme.test\" );\nsources = \"ldap\";\n", lines, "\n", NULL);
    g_autofree char *file = folder_file(folder, "domsec.conf", text);
    *home = (struct home){0};
    home->conf = conf_load(file, faults);
    if (home->conf != NULL)
        home->certs = certs_open(home->conf, faults);
    GString *all = g_string_new(NULL);
    for (size_t i = 0; i < faults_count(faults); i++)
        g_string_append_printf(all, "%s\n", faults_at(faults, i));
    home->faults = g_string_free(all, FALSE);
}

/* A group for partner.test. */
static char *group_of(const struct slapd *slapd)
{
    return g_strdup_printf(
        "{ domains = \"partner.test\"; uri = \"ldaps://localhost:%u\"; base = \"%s\"; ca = \"%s\"; timeout = 3; }",
        slapd->tls_port, slapd->suffix, slapd->ca);
}

static void home_of(struct home *home, const struct slapd *slapd)
{
    g_autofree char *group = group_of(slapd), *lines = g_strdup_printf("ldap = ( %s );", group);
    home_open(home, lines);
    cr_assert_not_null(home->certs, "%s", home->faults);
}

static struct certs_answer ask(const struct home *home, enum certs_purpose purpose, const char *text)
{
    struct address address = {0};
    struct error error = {0};
    struct certs_answer answer = {0};
    cr_assert(address_parse(slice_of(text), &address, &error));
    const struct certs_query query = {
        .purpose = purpose, .partner = conf_partner(home->conf, address.domain), .address = &address};
    certs_ask(home->certs, &query, 1, g_get_monotonic_time() + 8 * G_USEC_PER_SEC, NULL, &answer);
    address_clear(&address);
    return answer;
}

static bool has(const struct certs_answer *answer, size_t index, const struct pki *pki, bool personal)
{
    return index < answer->count && answer->list[index].personal == personal &&
           X509_cmp(answer->list[index].certificate, pki->cert) == 0;
}

static void show(const struct certs_answer *answer)
{
    for (size_t i = 0; i < answer->step_count; i++)
        cr_log_info("%s: %d, %zu candidates; %s", answer->steps[i].asked, answer->steps[i].found,
                    answer->steps[i].count, answer->steps[i].note != NULL ? answer->steps[i].note : "");
}

static void expect(const struct home *home, const char *address, enum found found, const char *what)
{
    owned(certs_answer) struct certs_answer answer = ask(home, CERTS_ENCRYPT, address);
    if (answer.found != found)
        show(&answer);
    cr_expect_eq(answer.found, found, "%s: %s", what, answer.error.text);
}

/* --- RFC 3183 §4.2 --- */

Test(ldap_source, own_before_domain)
{
    owned(slapd) struct slapd *slapd = slapd_new(BASE);
    slapd_person(slapd, "uid=bob," BASE, BOB);
    slapd_certificate(slapd, bob->cert);
    slapd_person(slapd, "cn=dca," BASE, DCA "@partner.test");
    slapd_certificate(slapd, dca->cert);
    slapd_start(slapd);
    struct home home __attribute__((cleanup(home_clear)));
    home_of(&home, slapd);
    owned(certs_answer) struct certs_answer own = ask(&home, CERTS_ENCRYPT, BOB);
    cr_expect_eq(own.found, FOUND, "%s", own.error.text);
    cr_expect_eq(own.count, 2);
    cr_expect(has(&own, 0, bob, true) && has(&own, 1, dca, false));
    cr_expect_str_eq(own.list[0].source, "ldap");
    cr_assert_eq(own.step_count, 1, "one search for both");
    cr_expect_not_null(strstr(own.steps[0].asked, "(mail=bob@partner.test)"), "%s", own.steps[0].asked);
    cr_expect_not_null(strstr(own.steps[0].asked, " at ldaps://localhost:"), "%s", own.steps[0].asked);
    owned(certs_answer) struct certs_answer other = ask(&home, CERTS_ENCRYPT, "Carol@PARTNER.test");
    cr_expect_eq(other.count, 1);
    cr_expect(has(&other, 0, dca, false));
    owned(certs_answer) struct certs_answer below = ask(&home, CERTS_ENCRYPT, "dave@eu.partner.test");
    cr_expect(has(&below, 0, dca, false), "an authority of the domain above");
    expect(&home, "x@other.test", FOUND_NONE, "a domain without a directory");
}

/* Where the certificate of the domain may stand. */
Test(ldap_source, entries_of_the_domain)
{
    static const struct {
        const char *dn, *mail;
        bool found;
    } rows[] = {
        {"cn=" DCA "," BASE, NULL, true},                  /* the name alone */
        {"cn=x," BASE, DCA "@partner.test", true},         /* the address alone */
        {"cn=x," BASE, BOB, true},                         /* in the recipient's entry (§4.2, 1) */
        {"cn=x," BASE, "partner.test", true},              /* the domain as an address */
        {"cn=x," BASE, "gateway@partner.test", true},      /* gateway_addresses */
        {"cn=x," BASE, "someone.else@partner.test", false} /* not asked for */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(slapd) struct slapd *slapd = slapd_new(BASE);
        slapd_person(slapd, rows[i].dn, rows[i].mail);
        slapd_certificate(slapd, dca->cert);
        slapd_start(slapd);
        folder_write(folder, "p/partner.conf",
                     "domain = \"partner.test\"; naming = \"address\"; gateway_addresses = \"gateway@partner.test\";");
        g_autofree char *group = group_of(slapd), *lines = g_strdup_printf("policy_dir = \"p\"; ldap = ( %s );", group);
        struct home home __attribute__((cleanup(home_clear)));
        home_open(&home, lines);
        cr_assert_not_null(home.certs, "%s", home.faults);
        owned(certs_answer) struct certs_answer answer = ask(&home, CERTS_ENCRYPT, BOB);
        cr_expect_eq(answer.found, rows[i].found ? FOUND : FOUND_NONE, "row %zu: %s", i, answer.error.text);
        cr_expect_eq(has(&answer, 0, dca, false), rows[i].found, "row %zu", i);
    }
}

/* A signing authority is of interest only to who verifies. */
Test(ldap_source, signers)
{
    PKI_AUTO struct pki *dsa = pki_role(ca, "domain-signing-authority", "partner.test");
    owned(slapd) struct slapd *slapd = slapd_new(BASE);
    slapd_person(slapd, "cn=dsa," BASE, "domain-signing-authority@partner.test");
    slapd_certificate(slapd, dsa->cert);
    slapd_start(slapd);
    struct home home __attribute__((cleanup(home_clear)));
    home_of(&home, slapd);
    owned(certs_answer) struct certs_answer signer = ask(&home, CERTS_SIGNER, BOB);
    cr_expect(has(&signer, 0, dsa, false));
    expect(&home, BOB, FOUND_NONE, "to encrypt");
}

/* --- values --- */

static unsigned char *bundle_of(int *length, X509 *first, X509 *second)
{
    unsigned char *der = NULL;
    PKCS7 *bundle = PKCS7_new();
    cr_assert(PKCS7_set_type(bundle, NID_pkcs7_signed) == 1 && PKCS7_content_new(bundle, NID_pkcs7_data) == 1);
    cr_assert(PKCS7_add_certificate(bundle, first) == 1 && PKCS7_add_certificate(bundle, second) == 1);
    *length = i2d_PKCS7(bundle, &der);
    PKCS7_free(bundle);
    return der;
}

/* Of userSMIMECertificate: the person's certificate, and the authorities for its path. */
Test(ldap_source, a_chain_in_pkcs7)
{
    PKI_AUTO struct pki *middle = pki_sub_ca(ca, "Partner users"), *carol = pki_person(middle, "carol@partner.test");
    int length = 0;
    unsigned char *der = bundle_of(&length, middle->cert, carol->cert);
    owned(slapd) struct slapd *slapd = slapd_new(BASE);
    slapd_person(slapd, "uid=carol," BASE, "carol@partner.test");
    slapd_value(slapd, "userSMIMECertificate", der, (size_t)length);
    slapd_start(slapd);
    OPENSSL_free(der);
    struct home home __attribute__((cleanup(home_clear)));
    home_of(&home, slapd);
    owned(certs_answer) struct certs_answer answer = ask(&home, CERTS_ENCRYPT, "carol@partner.test");
    cr_assert_eq(answer.count, 1, "%s", answer.error.text);
    cr_expect(has(&answer, 0, carol, true));
    cr_expect_eq(sk_X509_num(answer.list[0].authorities), 1);
    cr_expect_eq(X509_cmp(sk_X509_value(answer.list[0].authorities, 0), middle->cert), 0);
}

/* Several entries, many values, rubbish among them: what is valid is found, the newest first, and the rest is named. */
Test(ldap_source, valid_ones_among_many)
{
    owned(slapd) struct slapd *slapd = slapd_new(BASE);
    g_autofree char *rubbish = g_strnfill(1 << 20, 'x');
    time_t now = time(NULL);
    slapd_person(slapd, "uid=old," BASE, BOB);
    for (long i = 0; i < 150; i++) {
        PKI_AUTO struct pki *expired = pki_issue(&(struct pki_spec){.issuer = ca,
                                                                    .subject = PKI_LIST("CN=bob"),
                                                                    .san = PKI_LIST("email:" BOB),
                                                                    .not_before = now - 400 * 86400,
                                                                    .not_after = now - (i + 1) * 86400});
        slapd_certificate(slapd, expired->cert);
    }
    slapd_value(slapd, "userSMIMECertificate", rubbish, 1 << 20);
    slapd_value(slapd, "userSMIMECertificate", "short", 5);
    slapd_person(slapd, "uid=contact," BASE, BOB);
    slapd_certificate(slapd, bob->cert);
    slapd_start(slapd);
    struct home home __attribute__((cleanup(home_clear)));
    home_of(&home, slapd);
    owned(certs_answer) struct certs_answer answer = ask(&home, CERTS_ENCRYPT, BOB);
    cr_expect_eq(answer.found, FOUND, "%s", answer.error.text);
    cr_expect_eq(answer.count, 151);
    cr_expect(has(&answer, 0, bob, true));
    const char *note = answer.steps[0].note;
    cr_assert_not_null(note);
    cr_expect_not_null(strstr(note, "userSMIMECertificate of uid=old,dc=partner,dc=test (1048576 bytes): too large"),
                       "%s", note);
    cr_expect_not_null(strstr(note, "(5 bytes): not a certificate"), "%s", note);
    cr_expect_not_null(strstr(note, "2 entries"), "%s", note);
}

/* --- failed is never none --- */

Test(ldap_source, what_cannot_be_read_is_failed)
{
    owned(slapd) struct slapd *slapd = slapd_new(BASE);
    slapd_person(slapd, "uid=bob," BASE, BOB);
    slapd_value(slapd, "userSMIMECertificate", "rubbish", 7);
    slapd_person(slapd, "uid=empty," BASE, "empty@partner.test");
    slapd_start(slapd);
    struct home home __attribute__((cleanup(home_clear)));
    home_of(&home, slapd);
    expect(&home, BOB, FOUND_FAILED, "nothing but rubbish");
    expect(&home, "empty@partner.test", FOUND_NONE, "an entry without a certificate");
}

/* What came before the limit is there, and an acceptance may take it. */
Test(ldap_source, an_answer_that_is_cut)
{
    owned(slapd) struct slapd *slapd = slapd_new(BASE);
    slapd->options = "sizelimit 1";
    slapd_person(slapd, "uid=bob," BASE, BOB);
    slapd_certificate(slapd, bob->cert);
    slapd_person(slapd, "uid=bob2," BASE, BOB);
    slapd_certificate(slapd, bob->cert);
    slapd_start(slapd);
    struct home home __attribute__((cleanup(home_clear)));
    home_of(&home, slapd);
    owned(certs_answer) struct certs_answer answer = ask(&home, CERTS_ENCRYPT, BOB);
    cr_expect_eq(answer.found, FOUND_FAILED);
    cr_expect(has(&answer, 0, bob, true));
}

Test(ldap_source, down_and_back)
{
    owned(slapd) struct slapd *slapd = slapd_new(BASE);
    slapd_person(slapd, "uid=bob," BASE, BOB);
    slapd_certificate(slapd, bob->cert);
    slapd_start(slapd);
    slapd_stop(slapd);
    struct home home __attribute__((cleanup(home_clear)));
    home_of(&home, slapd);
    expect(&home, BOB, FOUND_FAILED, "down");
    slapd_start(slapd);
    expect(&home, BOB, FOUND, "back");
}

/* A server for all domains that does not answer is soon left alone for all of them. */
Test(ldap_source, a_breaker_for_each_server)
{
    struct fake_ldap *fake = fake_ldap_start(FAKE_GARBAGE, NULL, NULL, 0);
    g_autofree char *lines = g_strdup_printf(
        "ldap = ( { domains = \"*\"; uri = \"ldap://127.0.0.1:%u\"; base = \"dc=test\"; } );", fake->port);
    struct home home __attribute__((cleanup(home_clear)));
    home_open(&home, lines);
    cr_assert_not_null(home.certs, "%s", home.faults);
    for (int i = 0; i < 8; i++) {
        g_autofree char *address = g_strdup_printf("x@d%d.test", i);
        expect(&home, address, FOUND_FAILED, address);
    }
    cr_expect_eq(g_atomic_int_get(&fake->connections), 3);
    fake_ldap_stop(fake);
}

/* Several groups for a domain are asked in their order. */
Test(ldap_source, several_directories)
{
    static const struct {
        bool first_up, first_has, second_up, second_has;
        enum found found;
        size_t steps;
    } rows[] = {
        {true, true, true, true, FOUND, 2},           {true, false, true, true, FOUND, 4},
        {false, false, true, true, FOUND, 3},         {false, false, true, false, FOUND_FAILED, 3},
        {true, false, false, false, FOUND_FAILED, 3}, {true, true, false, false, FOUND, 2},
        {true, false, true, false, FOUND_NONE, 4},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(slapd) struct slapd *first = slapd_new(BASE), *second = slapd_new(BASE);
        slapd_person(first, "uid=bob," BASE, rows[i].first_has ? BOB : "x@partner.test");
        slapd_certificate(first, bob->cert);
        slapd_person(second, "uid=bob," BASE, rows[i].second_has ? BOB : "x@partner.test");
        slapd_certificate(second, bob->cert);
        if (rows[i].first_up)
            slapd_start(first);
        if (rows[i].second_up)
            slapd_start(second);
        g_autofree char *one = group_of(first), *two = group_of(second),
                        *lines = g_strdup_printf("ldap = ( %s, %s );", one, two);
        struct home home __attribute__((cleanup(home_clear)));
        home_open(&home, lines);
        cr_assert_not_null(home.certs, "%s", home.faults);
        owned(certs_answer) struct certs_answer answer = ask(&home, CERTS_ENCRYPT, BOB);
        if (answer.step_count != rows[i].steps)
            show(&answer);
        cr_expect_eq(answer.found, rows[i].found, "row %zu: %s", i, answer.error.text);
        cr_expect_eq(answer.step_count, rows[i].steps, "row %zu", i);
    }
}

Test(ldap_source, faults)
{
    static const struct {
        const char *keys, *says;
    } rows[] = {
        {"base = \"partner.test\";", "\"base\": \"partner.test\" is not a name"},
        {"bind_dn = \"gateway\"; password_file = \"p\";", "\"bind_dn\": \"gateway\" is not a name"},
        {"ca = \"missing.pem\";", "ldap: \"ca\": "},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *lines =
            g_strdup_printf("ldap = ( { domains = \"*\"; uri = \"ldaps://a.test\"; %s } );", rows[i].keys);
        struct home home __attribute__((cleanup(home_clear)));
        home_open(&home, lines);
        cr_expect_null(home.certs, "row %zu", i);
        cr_expect_not_null(strstr(home.faults, rows[i].says), "row %zu: %s", i, home.faults);
    }
}

/* --- SRV records --- */

static unsigned drawn;

static unsigned draw(unsigned most)
{
    return MIN(drawn, most);
}

/* RFC 2782 */
Test(ldap_source, the_order_of_srv_records)
{
    static const struct {
        unsigned drawn;
        unsigned ports[5];
    } rows[] = {
        {0, {5, 3, 1, 2, 4}}, {1, {5, 1, 2, 3, 4}}, {3, {5, 1, 2, 3, 4}}, {4, {5, 2, 1, 3, 4}}, {9, {5, 2, 1, 3, 4}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct dns_srv list[] = {{.priority = 20, .weight = 3, .port = 1},
                                 {.priority = 20, .weight = 6, .port = 2},
                                 {.priority = 20, .weight = 0, .port = 3},
                                 {.priority = 30, .weight = 9, .port = 4},
                                 {.priority = 10, .weight = 0, .port = 5}};
        drawn = rows[i].drawn;
        ldap_targets_order(list, G_N_ELEMENTS(list), draw);
        for (size_t j = 0; j < G_N_ELEMENTS(list); j++)
            cr_expect_eq(list[j].port, rows[i].ports[j], "row %zu, %zu: %u", i, j, list[j].port);
    }
}

/* The first server is dead, the second has no entry, the third has it. */
Test(ldap_source, all_targets_are_tried)
{
    unsigned dead_port = 0;
    int reserved = slapd_reserve_port(&dead_port);
    owned(slapd) struct slapd *without = slapd_new(BASE), *with = slapd_new(BASE);
    slapd_person(with, "uid=bob," BASE, BOB);
    slapd_certificate(with, bob->cert);
    slapd_start(without);
    slapd_start(with);
    g_autofree char *records = g_strdup_printf("_ldap._tcp SRV 1 0 %u localhost.\n_ldap._tcp SRV 2 0 %u localhost.\n"
                                               "_ldap._tcp SRV 3 0 %u localhost.\n",
                                               dead_port, without->port, with->port);
    const struct knot_zone zones[] = {{"partner.test", KNOT_SIGNED, records},
                                      {"plain.test", KNOT_UNSIGNED, records},
                                      {"torn.test", KNOT_TAMPERED, "_ldap._tcp SRV 1 0 1 good.torn.test.\n"},
                                      {"shut.test", KNOT_SIGNED, "_ldap._tcp SRV 0 0 0 .\n"},
                                      {"bare.test", KNOT_SIGNED, ""}};
    struct knot knot;
    knot_start(&knot, zones, G_N_ELEMENTS(zones));
    g_autofree char *roots = pki_write(folder, "roots.pem", without->issuer, with->issuer, NULL);
    g_autofree char *lines = g_strdup_printf(
        "dns = { resolver = \"%s\"; anchors = \"%s\"; };\nldap = ( { domains = \"*\"; uri = \"srv:\"; starttls = true; "
        "ca = \"%s\"; timeout = 6; } );",
        knot.address, knot.anchor, roots);
    struct home home __attribute__((cleanup(home_clear)));
    home_open(&home, lines);
    cr_assert_not_null(home.certs, "%s", home.faults);
    owned(certs_answer) struct certs_answer proven = ask(&home, CERTS_ENCRYPT, BOB);
    cr_expect_eq(proven.found, FOUND, "%s", proven.error.text);
    cr_expect(has(&proven, 0, bob, true));
    cr_expect_str_eq(proven.steps[0].asked, "SRV _ldap._tcp.partner.test");
    owned(certs_answer) struct certs_answer forged = ask(&home, CERTS_ENCRYPT, "x@plain.test");
    cr_expect_eq(forged.found, FOUND_FAILED, "an unproven record, and no server has the domain's name");
    cr_expect_not_null(strstr(forged.steps[forged.step_count - 1].note, "has another name: plain.test"));
    expect(&home, "x@torn.test", FOUND_FAILED, "bogus");
    expect(&home, "x@shut.test", FOUND_NONE, "the service is not offered");
    expect(&home, "x@bare.test", FOUND_NONE, "no record");
    expect(&home, "x@acme.org.test", FOUND_NONE, "no domain");
    knot_freeze(&knot);
    expect(&home, "x@other.test", FOUND_FAILED, "the DNS hangs");
    knot_thaw(&knot);
    knot_stop(&knot);
    close(reserved);
}
