/* SPDX-License-Identifier: Apache-2.0 */
/* The real daemon beside a directory that hangs: who needs it is deferred and the mail server told meanwhile, and mail
 * to others goes on. One turn for cryptographic work, so that a lookup that held it would hold up everything. */
#include "support/daemon.h"
#include "support/fake_ldap.h"
#include "support/folder.h"
#include "support/program.h"

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
    pthread_t thread;
    struct mc_outcome outcome;
    gint ended;
};

static void *run_hung(void *data)
{
    struct hung *hung = data;
    g_autofree char *to = g_strdup_printf("bob@d%u.hung.test", hung->number);
    cr_expect(send_to(hung->daemon, to, &hung->outcome));
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
