/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that lie, drip, hang in the middle or forget their connections: failed by the deadline, and recovered from.
 */
#include "support/fake_ldap.h"

#include "net/ldap.h"

#include <criterion/criterion.h>
#include <signal.h>

#define SHORT (700 * 1000)

static const char *const wanted[] = {"userCertificate;binary", NULL};

static struct net_ldap *ldap;
static char *folder, *ca;
static struct pki *issuer, *certificate, *bob;
static unsigned char *der;
static int length;

static void setup(void)
{
    signal(SIGPIPE, SIG_IGN);
    ldap = net_ldap_new();
    folder = folder_new();
    issuer = pki_ca("Directory root");
    ca = pki_write(folder, "ca.pem", issuer, NULL);
    certificate = pki_issue(&(struct pki_spec){
        .issuer = issuer, .subject = PKI_LIST("CN=directory"), .san = PKI_LIST("dns:localhost"), .eku = "serverAuth"});
    bob = pki_person(issuer, "bob@partner.test");
    length = i2d_X509(bob->cert, &der);
}

static void teardown(void)
{
    net_ldap_free(ldap);
    OPENSSL_free(der);
    pki_free(bob);
    pki_free(certificate);
    pki_free(issuer);
    g_free(ca);
    folder_remove(folder);
}

TestSuite(ldap_faults, .init = setup, .fini = teardown, .timeout = 60);

static char said[sizeof(((struct error *)NULL)->text)]; /* of the last failure */

static enum found ask(const struct fake_ldap *fake, enum net_ldap_security security, int64_t patience)
{
    const struct net_ldap_server server = {.host = "localhost", .port = fake->port, .security = security, .ca = ca};
    const struct net_ldap_match match = {"mail", "bob@partner.test"};
    const struct net_ldap_query query = {
        .base = "dc=partner,dc=test", .match = &match, .match_count = 1, .attributes = wanted};
    owned(net_ldap_answer) struct net_ldap_answer answer = {0};
    int64_t began = g_get_monotonic_time();
    net_ldap_search(ldap, &server, &query, began + patience, &answer);
    cr_expect_lt(g_get_monotonic_time() - began, patience + 2 * G_USEC_PER_SEC);
    g_strlcpy(said, answer.error.text, sizeof(said));
    return answer.found;
}

#define CLEAR NET_LDAP_CLEAR
#define STARTTLS NET_LDAP_STARTTLS
#define TLS NET_LDAP_TLS

static const struct {
    const char *what;
    enum fake_fault fault;
    enum net_ldap_security security;
    bool speaks_tls;
} faults[] = {
    {"silent", FAKE_SILENT, CLEAR, false},
    {"silent instead of a handshake", FAKE_SILENT, TLS, false},
    {"silent after a handshake", FAKE_SILENT, TLS, true},
    {"silent before StartTLS", FAKE_SILENT, STARTTLS, false},
    {"silent in the handshake after StartTLS", FAKE_STARTTLS_SILENT, STARTTLS, false},
    {"drips", FAKE_DRIP, CLEAR, false},
    {"drips in TLS", FAKE_DRIP, TLS, true},
    {"announces 1 GB", FAKE_HUGE, CLEAR, false},
    {"announces 1 GB in TLS", FAKE_HUGE, TLS, true},
    {"resets", FAKE_RESET, CLEAR, false},
    {"resets TLS", FAKE_RESET, TLS, true},
    {"is no LDAP server", FAKE_GARBAGE, CLEAR, false},
    {"is no LDAP server in TLS", FAKE_GARBAGE, TLS, true},
    {"ends never", FAKE_ENDLESS, CLEAR, false},
};

Test(ldap_faults, failed_by_the_deadline_and_back)
{
    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
        struct fake_ldap *fake =
            fake_ldap_start(faults[i].fault, faults[i].speaks_tls ? certificate : NULL, der, (size_t)length);
        cr_expect_eq(ask(fake, faults[i].security, SHORT), FOUND_FAILED, "%s", faults[i].what);
        fake_ldap_heal(fake, faults[i].speaks_tls ? certificate : NULL);
        if (faults[i].speaks_tls || faults[i].security == CLEAR)
            cr_expect_eq(ask(fake, faults[i].security, 5 * G_USEC_PER_SEC), FOUND, "%s, and back", faults[i].what);
        fake_ldap_stop(fake);
    }
}

/* What is too large is refused as soon as its length is known; nothing is waited for, and no room is made for it. */
Test(ldap_faults, an_announced_gigabyte_is_refused)
{
    struct fake_ldap *fake = fake_ldap_start(FAKE_HUGE, NULL, der, (size_t)length);
    cr_expect_eq(ask(fake, CLEAR, 3 * SHORT), FOUND_FAILED);
    cr_expect_null(strstr(said, "in time"), "%s", said);
    fake_ldap_stop(fake);
}

/* Neither what is looked for nor a password goes out. */
Test(ldap_faults, after_a_failed_starttls_nothing_is_sent_in_the_clear)
{
    static const enum fake_fault kinds[] = {FAKE_STARTTLS_REFUSED, FAKE_STARTTLS_GARBAGE, FAKE_STARTTLS_SILENT};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        struct fake_ldap *fake = fake_ldap_start(kinds[i], NULL, der, (size_t)length);
        for (int again = 0; again < 2; again++)
            cr_expect_eq(ask(fake, STARTTLS, SHORT), FOUND_FAILED, "fault %zu", i);
        cr_expect_not(fake_ldap_saw(fake, "bob"), "fault %zu", i);
        cr_expect_not(fake_ldap_saw(fake, "userCertificate"), "fault %zu", i);
        cr_expect_eq(g_atomic_int_get(&fake->searches), 0, "fault %zu", i);
        cr_expect_eq(g_atomic_int_get(&fake->connections), 2, "each failed attempt is one connection");
        fake_ldap_stop(fake);
    }
}

/* The control of the test above: in the clear it is seen. */
Test(ldap_faults, in_the_clear_it_is_seen)
{
    struct fake_ldap *fake = fake_ldap_start(FAKE_GOOD, NULL, der, (size_t)length);
    cr_expect_eq(ask(fake, CLEAR, SHORT), FOUND);
    cr_expect(fake_ldap_saw(fake, "bob"));
    fake_ldap_stop(fake);
}

Test(ldap_faults, connections_are_kept)
{
    struct fake_ldap *fake = fake_ldap_start(FAKE_GOOD, certificate, der, (size_t)length);
    for (int i = 0; i < 5; i++)
        cr_expect_eq(ask(fake, TLS, SHORT), FOUND);
    cr_expect_eq(g_atomic_int_get(&fake->connections), 1);
    cr_expect_eq(g_atomic_int_get(&fake->searches), 5);
    fake_ldap_stop(fake);
}

/* One that the server has closed, and one that a firewall has forgotten, cost no lookup. */
Test(ldap_faults, a_dead_connection_is_replaced)
{
    static const enum fake_fault kinds[] = {FAKE_CLOSES, FAKE_ONCE};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        for (int tls = 0; tls < 2; tls++) {
            struct fake_ldap *fake = fake_ldap_start(kinds[i], tls ? certificate : NULL, der, (size_t)length);
            for (int n = 0; n < 3; n++)
                cr_expect_eq(ask(fake, tls ? TLS : CLEAR, 3 * SHORT), FOUND, "fault %zu, search %d", i, n);
            cr_expect_eq(g_atomic_int_get(&fake->connections), 3);
            fake_ldap_stop(fake);
        }
}

static gpointer ask_aside(gpointer data)
{
    return GINT_TO_POINTER((int)ask(data, TLS, SHORT));
}

static gpointer ask_patiently(gpointer data)
{
    return GINT_TO_POINTER((int)ask(data, TLS, 3 * SHORT));
}

/* A hung server holds up a few connections, not one for each message. */
Test(ldap_faults, a_hung_server_gets_few_connections)
{
    struct fake_ldap *fake = fake_ldap_start(FAKE_SILENT, NULL, NULL, 0);
    GThread *patient[8], *others[20];
    for (size_t i = 0; i < G_N_ELEMENTS(patient); i++)
        patient[i] = g_thread_new("asker", ask_patiently, fake);
    while (g_atomic_int_get(&fake->connections) < 8)
        g_usleep(1000);
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        others[i] = g_thread_new("asker", ask_aside, fake);
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        cr_expect_eq(GPOINTER_TO_INT(g_thread_join(others[i])), FOUND_FAILED);
    cr_expect_eq(g_atomic_int_get(&fake->connections), 8);
    for (size_t i = 0; i < G_N_ELEMENTS(patient); i++)
        cr_expect_eq(GPOINTER_TO_INT(g_thread_join(patient[i])), FOUND_FAILED);
    fake_ldap_heal(fake, certificate);
    cr_expect_eq(ask(fake, TLS, 5 * G_USEC_PER_SEC), FOUND, "and back");
    fake_ldap_stop(fake);
}

Test(ldap_faults, many_threads_share_the_connections)
{
    struct fake_ldap *fake = fake_ldap_start(FAKE_GOOD, certificate, der, (size_t)length);
    GThread *threads[40];
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("asker", ask_aside, fake);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        cr_expect_eq(GPOINTER_TO_INT(g_thread_join(threads[i])), FOUND);
    cr_expect_leq(g_atomic_int_get(&fake->connections), 8);
    fake_ldap_stop(fake);
}
