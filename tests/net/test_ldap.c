/* SPDX-License-Identifier: Apache-2.0 */
/* Searches in a real slapd: what is found, and what is failed and not none. */
#include "support/fake_ldap.h"
#include "support/slapd.h"

#include "net/ldap.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <sys/time.h>

#define BASE "dc=partner,dc=test"
#define PATIENCE (5 * G_USEC_PER_SEC)
#define SHORT (700 * 1000)

static const char *const wanted[] = {"userCertificate;binary", "userSMIMECertificate", NULL};

static struct net_ldap *ldap;

static void setup(void)
{
    signal(SIGPIPE, SIG_IGN);
    ldap = net_ldap_new();
}

static void teardown(void)
{
    net_ldap_free(ldap);
}

TestSuite(ldap, .init = setup, .fini = teardown, .timeout = 60);

static void ask(const struct net_ldap_server *server, const char *mail, int64_t patience,
                struct net_ldap_answer *answer)
{
    const struct net_ldap_match match = {"mail", mail};
    const struct net_ldap_query query = {.base = BASE, .match = &match, .match_count = 1, .attributes = wanted};
    net_ldap_search(ldap, server, &query, g_get_monotonic_time() + patience, answer);
}

static enum found found_at(const struct net_ldap_server *server, const char *mail)
{
    owned(net_ldap_answer) struct net_ldap_answer answer = {0};
    ask(server, mail, PATIENCE, &answer);
    cr_expect_eq(answer.error.kind != ERROR_NONE, answer.found == FOUND_FAILED);
    if (answer.error.kind != ERROR_NONE)
        cr_log_info("%s: %s", mail, answer.error.text);
    return answer.found;
}

static struct slapd *with_bob(void)
{
    struct slapd *slapd = slapd_new(BASE);
    PKI_AUTO struct pki *bob = pki_person(NULL, "bob@partner.test");
    slapd_person(slapd, "uid=bob," BASE, "bob@partner.test");
    slapd_certificate(slapd, bob->cert);
    return slapd;
}

static struct net_ldap_server server_of(const struct slapd *slapd, enum net_ldap_security security)
{
    return (struct net_ldap_server){.host = "localhost",
                                    .port = security == NET_LDAP_TLS ? slapd->tls_port : slapd->port,
                                    .security = security,
                                    .ca = slapd->ca};
}

static const enum net_ldap_security each_security[] = {NET_LDAP_CLEAR, NET_LDAP_STARTTLS, NET_LDAP_TLS};

Test(ldap, found_and_none)
{
    owned(slapd) struct slapd *slapd = with_bob();
    slapd_start(slapd);
    for (size_t i = 0; i < G_N_ELEMENTS(each_security); i++) {
        const struct net_ldap_server server = server_of(slapd, each_security[i]);
        owned(net_ldap_answer) struct net_ldap_answer answer = {0};
        ask(&server, "bob@partner.test", PATIENCE, &answer);
        cr_assert_eq(answer.found, FOUND, "%s", answer.error.text);
        cr_assert_eq(answer.count, 1);
        cr_expect_eq(answer.entries, 1);
        cr_expect_str_eq(answer.filter, "(mail=bob@partner.test)");
        cr_expect_str_eq(answer.values[0].entry, "uid=bob," BASE);
        cr_expect_str_eq(answer.values[0].attribute, "userCertificate;binary");
        const unsigned char *der = answer.values[0].data;
        owned(X509) X509 *certificate = d2i_X509(NULL, &der, (long)answer.values[0].length);
        cr_expect_not_null(certificate);
        cr_expect_eq(found_at(&server, "carol@partner.test"), FOUND_NONE);
    }
}

/* A directory of which only the server is known. */
Test(ldap, each_naming_context_is_searched)
{
    static const struct net_ldap_match matches[] = {{"mail", "nobody@partner.test"}, {"mail", "bob@partner.test"}};
    const struct net_ldap_query query = {.match = matches, .match_count = 2, .attributes = wanted};
    owned(slapd) struct slapd *slapd = with_bob();
    slapd_start(slapd);
    const struct net_ldap_server server = server_of(slapd, NET_LDAP_TLS);
    for (int i = 0; i < 2; i++) {
        owned(net_ldap_answer) struct net_ldap_answer answer = {0};
        net_ldap_search(ldap, &server, &query, g_get_monotonic_time() + PATIENCE, &answer);
        cr_expect_eq(answer.found, FOUND, "%s", answer.error.text);
        cr_expect_str_eq(answer.filter, "(|(mail=nobody@partner.test)(mail=bob@partner.test))");
    }
}

/* RFC 4515 §3. An entry is found by exactly its address, and no address is a pattern or a filter of its own. */
Test(ldap, addresses_are_escaped)
{
    static const char *const odd[] = {"*@partner.test",     "b*b@partner.test",         "a)(uid=*@partner.test",
                                      "a\\2a@partner.test", "(|(mail=*))@partner.test", "\\@partner.test"};
    owned(slapd) struct slapd *with = with_bob(), *without = with_bob();
    for (size_t i = 0; i < G_N_ELEMENTS(odd); i++) {
        g_autofree char *dn = g_strdup_printf("uid=odd%zu," BASE, i);
        slapd_person(with, dn, odd[i]);
    }
    slapd_start(with);
    slapd_start(without);
    const struct net_ldap_server here = server_of(with, NET_LDAP_CLEAR), there = server_of(without, NET_LDAP_CLEAR);
    for (size_t i = 0; i < G_N_ELEMENTS(odd); i++) {
        owned(net_ldap_answer) struct net_ldap_answer answer = {0};
        ask(&here, odd[i], PATIENCE, &answer);
        cr_expect_eq(answer.found, FOUND, "%s: %s", odd[i], answer.error.text);
        cr_expect_eq(answer.entries, 1, "%s", odd[i]);
        cr_expect_eq(found_at(&there, odd[i]), FOUND_NONE, "%s", odd[i]);
    }
}

Test(ldap, all_entries_and_values)
{
    owned(slapd) struct slapd *slapd = slapd_new(BASE);
    g_autofree char *rubbish = g_strnfill(1 << 20, 'x');
    slapd_person(slapd, "uid=user," BASE, "bob@partner.test");
    for (long i = 0; i < 200; i++) {
        PKI_AUTO struct pki *bob = pki_person(NULL, "bob@partner.test");
        slapd_certificate(slapd, bob->cert);
    }
    slapd_person(slapd, "uid=contact," BASE, "bob@partner.test");
    slapd_value(slapd, "userSMIMECertificate", rubbish, 1 << 20);
    slapd_start(slapd);
    const struct net_ldap_server server = server_of(slapd, NET_LDAP_TLS);
    owned(net_ldap_answer) struct net_ldap_answer answer = {0};
    ask(&server, "bob@partner.test", PATIENCE, &answer);
    cr_expect_eq(answer.found, FOUND, "%s", answer.error.text);
    cr_expect_eq(answer.entries, 2);
    cr_expect_eq(answer.count, 201);
}

/* --- failed is never none --- */

Test(ldap, what_the_server_refuses_is_failed)
{
    owned(slapd) struct slapd *slapd = with_bob();
    slapd_start(slapd);
    const struct net_ldap_server server = server_of(slapd, NET_LDAP_TLS);
    const struct net_ldap_match match = {"mail", "bob@partner.test"};
    struct net_ldap_query query = {.base = "dc=other,dc=test", .match = &match, .match_count = 1, .attributes = wanted};
    owned(net_ldap_answer) struct net_ldap_answer elsewhere = {0}, odd = {0};
    net_ldap_search(ldap, &server, &query, g_get_monotonic_time() + PATIENCE, &elsewhere);
    cr_expect_eq(elsewhere.found, FOUND_FAILED);
    query.base = "this is not a name";
    net_ldap_search(ldap, &server, &query, g_get_monotonic_time() + PATIENCE, &odd);
    cr_expect_eq(odd.found, FOUND_FAILED);
    cr_expect(odd.answered && elsewhere.answered);
}

Test(ldap, an_answer_that_is_cut_is_failed)
{
    owned(slapd) struct slapd *slapd = with_bob();
    slapd->options = "sizelimit 1";
    slapd_person(slapd, "uid=other," BASE, "bob@partner.test");
    slapd_start(slapd);
    const struct net_ldap_server server = server_of(slapd, NET_LDAP_TLS);
    owned(net_ldap_answer) struct net_ldap_answer answer = {0};
    ask(&server, "bob@partner.test", PATIENCE, &answer);
    cr_expect_eq(answer.found, FOUND_FAILED);
    cr_expect_eq(answer.entries, 1);
    cr_expect_eq(answer.count, 1, "what came is there");
}

Test(ldap, more_entries_than_the_limit_is_failed)
{
    owned(slapd) struct slapd *slapd = slapd_new(BASE);
    for (int i = 0; i <= NET_LDAP_ENTRIES_MAX; i++) {
        g_autofree char *dn = g_strdup_printf("uid=u%d," BASE, i);
        slapd_person(slapd, dn, i < NET_LDAP_ENTRIES_MAX ? "many@partner.test" : "more@partner.test");
        if (i < NET_LDAP_ENTRIES_MAX)
            slapd_line(slapd, "mail: more@partner.test");
    }
    slapd_start(slapd);
    const struct net_ldap_server server = server_of(slapd, NET_LDAP_CLEAR);
    cr_expect_eq(found_at(&server, "many@partner.test"), FOUND);
    cr_expect_eq(found_at(&server, "more@partner.test"), FOUND_FAILED);
}

Test(ldap, login)
{
    static const struct {
        const char *dn, *password;
        enum found found;
    } rows[] = {
        {SLAPD_ADMIN BASE, SLAPD_PASSWORD "\n", FOUND}, {SLAPD_ADMIN BASE, SLAPD_PASSWORD "\r\n", FOUND},
        {SLAPD_ADMIN BASE, "wrong", FOUND_FAILED},      {"cn=stranger," BASE, SLAPD_PASSWORD, FOUND_FAILED},
        {SLAPD_ADMIN BASE, "", FOUND_FAILED},           {SLAPD_ADMIN BASE, "\n" SLAPD_PASSWORD, FOUND_FAILED},
        {NULL, SLAPD_PASSWORD, FOUND_FAILED},
    };
    owned(slapd) struct slapd *slapd = with_bob();
    slapd->options = "access to dn.base=\"\" by * read\naccess to * by * none";
    slapd_start(slapd);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = g_strdup_printf("password%zu", i);
        g_autofree char *file = folder_file(slapd->folder, name, rows[i].password);
        struct net_ldap_server server = server_of(slapd, i % 2 == 0 ? NET_LDAP_TLS : NET_LDAP_STARTTLS);
        server.bind_dn = rows[i].dn;
        server.password_file = file;
        owned(net_ldap_answer) struct net_ldap_answer answer = {0};
        ask(&server, "bob@partner.test", PATIENCE, &answer);
        cr_expect_eq(answer.found, rows[i].found, "row %zu: %s", i, answer.error.text);
        cr_expect_null(strstr(answer.error.text, SLAPD_PASSWORD));
    }
    struct net_ldap_server missing = server_of(slapd, NET_LDAP_TLS);
    missing.bind_dn = SLAPD_ADMIN BASE;
    missing.password_file = "/nonexistent/password";
    cr_expect_eq(found_at(&missing, "bob@partner.test"), FOUND_FAILED);
}

/* A referral opens no connection: neither one to a part of the tree, nor one to the whole of it. */
Test(ldap, referrals_are_not_followed)
{
    struct fake_ldap *hung = fake_ldap_start(FAKE_SILENT, NULL, NULL, 0);
    owned(slapd) struct slapd *slapd = with_bob();
    g_autofree char *line =
        g_strdup_printf("\ndn: ou=else," BASE "\nobjectClass: referral\nobjectClass: extensibleObject\n"
                        "ref: ldap://127.0.0.1:%u/ou=else," BASE,
                        hung->port);
    slapd_line(slapd, line);
    slapd_start(slapd);
    const struct net_ldap_server server = server_of(slapd, NET_LDAP_CLEAR);
    owned(net_ldap_answer) struct net_ldap_answer part = {0}, whole = {0};
    ask(&server, "bob@partner.test", PATIENCE, &part);
    cr_expect_eq(part.found, FOUND, "%s", part.error.text);
    cr_expect_eq(part.referrals, 1);
    const struct net_ldap_match match = {"mail", "bob@partner.test"};
    const struct net_ldap_query query = {
        .base = "ou=else," BASE, .match = &match, .match_count = 1, .attributes = wanted};
    net_ldap_search(ldap, &server, &query, g_get_monotonic_time() + PATIENCE, &whole);
    cr_expect_eq(whole.found, FOUND_FAILED);
    cr_expect_eq(g_atomic_int_get(&hung->connections), 0);
    fake_ldap_stop(hung);
}

/* --- the server's certificate --- */

static struct pki *server_certificate(const struct pki *issuer, const char *const *subject, const char *const *san,
                                      bool expired)
{
    time_t now = time(NULL);
    return pki_issue(&(struct pki_spec){.issuer = issuer,
                                        .subject = subject,
                                        .san = san,
                                        .eku = "serverAuth",
                                        .not_before = now - 30 * 86400,
                                        .not_after = expired ? now - 86400 : now + 86400});
}

static void expect_certificate(const struct pki *certificate, struct slapd *slapd, const char *name, enum found found,
                               const char *what)
{
    slapd_stop(slapd);
    slapd_use(slapd, certificate);
    slapd_start(slapd);
    for (size_t i = 1; i < G_N_ELEMENTS(each_security); i++) {
        struct net_ldap_server server = server_of(slapd, each_security[i]);
        server.name = name;
        cr_expect_eq(found_at(&server, "bob@partner.test"), found, "%s, %s", what, i == 1 ? "StartTLS" : "ldaps");
    }
}

Test(ldap, the_certificate_of_the_server)
{
    owned(slapd) struct slapd *slapd = with_bob();
    PKI_AUTO struct pki *stranger = pki_ca("Another root");
    const char *const *localhost = PKI_LIST("dns:localhost"), *const *directory = PKI_LIST("CN=directory");
    PKI_AUTO struct pki *good = server_certificate(slapd->issuer, directory, localhost, false);
    PKI_AUTO struct pki *expired = server_certificate(slapd->issuer, directory, localhost, true);
    PKI_AUTO struct pki *untrusted = server_certificate(stranger, directory, localhost, false);
    PKI_AUTO struct pki *other = server_certificate(slapd->issuer, directory, PKI_LIST("dns:dir.other.test"), false);
    PKI_AUTO struct pki *old = server_certificate(slapd->issuer, PKI_LIST("CN=localhost"), NULL, false);
    /* RFC 6125 §6.4.4: the common name does not count beside a name in the extension. */
    PKI_AUTO struct pki *both =
        server_certificate(slapd->issuer, PKI_LIST("CN=localhost"), PKI_LIST("dns:dir.other.test"), false);
    expect_certificate(good, slapd, NULL, FOUND, "good");
    expect_certificate(good, slapd, "dir.other.test", FOUND_FAILED, "the name of an SRV record's domain");
    expect_certificate(other, slapd, "dir.other.test", FOUND, "the same, with its certificate");
    expect_certificate(other, slapd, NULL, FOUND_FAILED, "another name");
    expect_certificate(old, slapd, NULL, FOUND, "the common name alone");
    expect_certificate(both, slapd, NULL, FOUND_FAILED, "the common name beside another name");
    expect_certificate(expired, slapd, NULL, FOUND_FAILED, "expired");
    expect_certificate(untrusted, slapd, NULL, FOUND_FAILED, "untrusted");
    expect_certificate(good, slapd, NULL, FOUND, "good again");
}

Test(ldap, without_authorities_nothing_is_asked)
{
    owned(slapd) struct slapd *slapd = with_bob();
    slapd_start(slapd);
    struct net_ldap_server server = server_of(slapd, NET_LDAP_TLS);
    server.ca = "/nonexistent/ca.pem";
    cr_expect_eq(found_at(&server, "bob@partner.test"), FOUND_FAILED);
}

/* --- a server that does not answer, and is back --- */

static void expect_failed_in_time(const struct net_ldap_server *server, const char *what)
{
    int64_t began = g_get_monotonic_time();
    owned(net_ldap_answer) struct net_ldap_answer answer = {0};
    ask(server, "bob@partner.test", SHORT, &answer);
    cr_expect_eq(answer.found, FOUND_FAILED, "%s", what);
    cr_expect_not(answer.answered, "%s", what);
    cr_expect_lt(g_get_monotonic_time() - began, SHORT + 2 * G_USEC_PER_SEC, "%s", what);
    cr_log_info("%s: %s", what, answer.error.text);
}

Test(ldap, stopped_and_back)
{
    owned(slapd) struct slapd *slapd = with_bob();
    slapd_start(slapd);
    for (size_t i = 0; i < G_N_ELEMENTS(each_security); i++) {
        const struct net_ldap_server server = server_of(slapd, each_security[i]);
        slapd_pause(slapd);
        expect_failed_in_time(&server, "hung before a connection");
        slapd_resume(slapd);
        cr_expect_eq(found_at(&server, "bob@partner.test"), FOUND);
        slapd_pause(slapd);
        expect_failed_in_time(&server, "hung with a connection kept");
        slapd_resume(slapd);
        cr_expect_eq(found_at(&server, "bob@partner.test"), FOUND);
        slapd_stop(slapd);
        expect_failed_in_time(&server, "closed port");
        slapd_start(slapd);
        cr_expect_eq(found_at(&server, "bob@partner.test"), FOUND);
        slapd_stop(slapd);
        slapd_start(slapd);
        cr_expect_eq(found_at(&server, "bob@partner.test"), FOUND, "a kept connection of a server that was restarted");
    }
}

static int alarms;

static void count_alarm(int number)
{
    (void)number;
    alarms++;
}

/* Signals that interrupt each system call, also in the handshake, neither end a lookup nor its encryption. */
Test(ldap, interrupted_all_the_time)
{
    owned(slapd) struct slapd *slapd = with_bob();
    slapd_start(slapd);
    const struct sigaction action = {.sa_handler = count_alarm};
    const struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
    cr_assert_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (int i = 0; i < 12; i++) {
        const struct net_ldap_server server = server_of(slapd, each_security[i % 3]);
        cr_expect_eq(found_at(&server, "bob@partner.test"), FOUND, "search %d", i);
        net_ldap_free(ldap);
        ldap = net_ldap_new();
    }
    cr_assert_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
    cr_expect_gt(alarms, 0);
}

Test(ldap, a_name_that_is_not_known)
{
    const struct net_ldap_server server = {.host = "no-such-host.invalid", .port = 389};
    expect_failed_in_time(&server, "unknown host");
}
