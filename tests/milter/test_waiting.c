/* SPDX-License-Identifier: Apache-2.0 */
/* The real daemon beside a directory, or a server of revocation lists, that hangs: who needs it is deferred and the
 * mail server told meanwhile, and mail to others goes on. One turn for cryptographic work, so that a lookup that held
 * it would hold up everything. */
#include "support/daemon.h"
#include "support/fake_ldap.h"
#include "support/folder.h"
#include "support/pki.h"
#include "support/program.h"
#include "support/web.h"

#include <pthread.h>

#define HUNG 12 /* messages for the directory, each to a domain of its own */
#define OTHERS 40

static bool send_to(const struct daemon *daemon, const char *to, struct mc_outcome *outcome)
{
    struct mc client;
    g_autofree char *text =
        g_strdup_printf("From: Alice <alice@acme.test>\r\nTo: <%s>\r\nSubject: x\r\n\r\nHello\r\n", to);
    bool good = mc_open(&client, daemon->address) && mc_negotiate(&client);
    mc_timeout(&client, 60);
    good = good && mc_connect(&client, "client.test", "127.0.0.1") && mc_helo(&client, "client.test") &&
           mc_macros(&client, SMFIC_MAIL, "{auth_authen}", "alice", NULL) &&
           mc_mail(&client, "alice@acme.test", NULL) && mc_rcpt(&client, to) && mc_data(&client) &&
           mc_message(&client, text, strlen(text), 0) && mc_end(&client, outcome);
    if (good)
        mc_quit(&client);
    else
        mc_close(&client);
    return good;
}

struct hung {
    const struct daemon *daemon;
    unsigned number;
    const char *to; /* NULL: an address at a domain of its own */
    pthread_t thread;
    struct mc_outcome outcome;
    gint ended;
};

static void *run_hung(void *data)
{
    struct hung *hung = data;
    g_autofree char *to = g_strdup_printf("bob@d%u.hung.test", hung->number);
    cr_expect(send_to(hung->daemon, hung->to != NULL ? hung->to : to, &hung->outcome));
    g_atomic_int_set(&hung->ended, 1);
    return NULL;
}

Test(waiting, a_directory_that_hangs_harms_only_those_who_need_it)
{
    struct daemon daemon;
    struct hung hung[HUNG];
    struct fake_ldap *fake = fake_ldap_start(FAKE_SILENT, NULL, NULL, 0);
    g_autofree char *extra =
        g_strdup_printf("crypto_threads = 1;\nlookup_timeout = 8;\n"
                        "ldap = ( { domains = \"hung.test\"; uri = \"ldap://127.0.0.1:%u\"; timeout = 7; } );\n"
                        "sources = ( \"pinned\", \"directory\", \"ldap\" );\n",
                        fake->port);
    daemon_start(&daemon, true, extra);
    folder_write(daemon.folder, "acme/policy.d/hung.test.conf",
                 "domain = \"hung.test\";\noutbound = { protect = \"encrypt\"; no_certificate = \"plain\"; };\n");
    program_give(daemon.folder, "root");
    cr_assert_eq(kill(daemon.pid, SIGHUP), 0);
    for (int i = 0; i < 200; i++) {
        g_autofree char *log = daemon_log(&daemon);
        if (strstr(log, "reload") != NULL)
            break;
        g_usleep(20000);
    }
    for (unsigned i = 0; i < HUNG; i++) {
        hung[i] = (struct hung){.daemon = &daemon, .number = i};
        cr_assert_eq(pthread_create(&hung[i].thread, NULL, run_hung, &hung[i]), 0);
    }
    while (g_atomic_int_get(&fake->connections) == 0)
        g_usleep(10000);
    for (int i = 0; i < OTHERS; i++) {
        struct mc_outcome outcome = {0};
        cr_expect(send_to(&daemon, "bob@partner.test", &outcome));
        cr_expect(mc_accepted(&outcome));
        mc_outcome_clear(&outcome);
    }
    unsigned ended = 0;
    for (int i = 0; i < HUNG; i++)
        ended += (unsigned)g_atomic_int_get(&hung[i].ended);
    cr_expect_eq(ended, 0, "mail to others went past those that wait: %u have ended", ended);
    for (int i = 0; i < HUNG; i++) {
        pthread_join(hung[i].thread, NULL);
        cr_expect_eq(hung[i].outcome.disposition, 'y', "'%c'", hung[i].outcome.disposition);
        cr_expect(g_str_has_prefix(hung[i].outcome.reply, "451 "), "%s", hung[i].outcome.reply);
        cr_expect_geq(hung[i].outcome.progress, 1, "the mail server is told");
        mc_outcome_clear(&hung[i].outcome);
    }
    daemon_stop(&daemon);
    fake_ldap_stop(fake);
}

/* A partner whose certificate names a list on that server. check: how it is asked about. */
static void add_partner(const struct daemon *daemon, const struct pki *ca, const char *list, const char *check)
{
    g_autofree char *home = g_build_filename(daemon->folder, "acme", NULL);
    g_autofree char *address = g_strdup_printf("email:domain-confidentiality-authority@%s.test", check);
    g_autofree char *point = g_strconcat("crlDistributionPoints=URI:", list, NULL);
    g_autofree char *name = g_strdup_printf("certs/%s.pem", check), *file = g_strdup_printf("policy.d/%s.conf", check);
    PKI_AUTO struct pki *dca = pki_issue(&(struct pki_spec){.issuer = ca,
                                                            .subject = PKI_LIST("CN=domain-confidentiality-authority"),
                                                            .san = PKI_LIST(address),
                                                            .key_usage = "keyAgreement",
                                                            .extensions = PKI_LIST(point)});
    g_autofree char *policy = g_strdup_printf("domain = \"%s.test\";\noutbound = { protect = \"encrypt\"; };\n"
                                              "certificates = ( \"%s/%s\" );\nanchors = ( \"%s/anchors/ca.pem\" );\n"
                                              "revocation = { check = \"%s\"; };\n",
                                              check, home, name, home, check);
    g_free(pki_write(home, name, dca, NULL));
    g_free(pki_write(home, "anchors/ca.pem", ca, NULL));
    folder_write(home, file, policy);
}

/* Each message is either accepted or deferred, and counted once. */
Test(waiting, each_message_has_one_end_while_a_revocation_server_hangs)
{
    enum { EACH = 4 };
    static const char *const to[] = {"bob@hard.test", "bob@soft.test", "bob@partner.test"};
    struct daemon daemon;
    struct hung sent[G_N_ELEMENTS(to) * EACH];
    g_autofree char *place = folder_new(), *metrics = g_build_filename(place, "metrics.prom", NULL), *text = NULL;
    g_autofree char *extra = g_strdup_printf("crypto_threads = 1;\nlookup_timeout = 1;\nmetrics_file = \"%s\";\n"
                                             "fetch_networks = ( \"127.0.0.0/8\" );\n",
                                             metrics);
    owned(web) struct web *web = web_start();
    web_put(web, "/list", &(struct web_page){.manner = WEB_HANG});
    g_autofree char *list = web_url(web, "/list");
    PKI_AUTO struct pki *ca = pki_ca("Partners");
    daemon_start(&daemon, true, extra);
    add_partner(&daemon, ca, list, "hard");
    add_partner(&daemon, ca, list, "soft");
    program_give(daemon.folder, "root");
    cr_assert_eq(kill(daemon.pid, SIGHUP), 0);
    cr_assert(daemon_wait_log(&daemon, "is in force", 1));
    for (unsigned i = 0; i < G_N_ELEMENTS(sent); i++) {
        sent[i] = (struct hung){.daemon = &daemon, .to = to[i % G_N_ELEMENTS(to)]};
        cr_assert_eq(pthread_create(&sent[i].thread, NULL, run_hung, &sent[i]), 0);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(sent); i++) {
        struct mc_outcome *outcome = &sent[i].outcome;
        pthread_join(sent[i].thread, NULL);
        bool deferred = outcome->disposition == 'y' && g_str_has_prefix(outcome->reply, "451 ") &&
                        strstr(outcome->reply, "the deadline of this message's lookups has passed") != NULL;
        cr_expect_eq(deferred, sent[i].to == to[0], "%s: '%c' %s", sent[i].to, outcome->disposition, outcome->reply);
        cr_expect_eq(mc_accepted(outcome), !deferred, "%s: '%c'", sent[i].to, outcome->disposition);
        cr_expect_eq(outcome->body != NULL, !deferred, "%s", sent[i].to);
        mc_outcome_clear(outcome);
    }
    cr_expect_geq(web_count(web, "/list"), 1);
    daemon_stop(&daemon);
    cr_assert(g_file_get_contents(metrics, &text, NULL, NULL));
    expect_contains(text, "\ndomsec_messages_total{direction=\"outbound\",verdict=\"accept\"} 8\n");
    expect_contains(text, "\ndomsec_messages_total{direction=\"outbound\",verdict=\"tempfail\"} 4\n");
    folder_remove(steal(&place));
}
