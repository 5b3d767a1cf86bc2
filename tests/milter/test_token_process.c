/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon with a signing key in a token that makes trouble. */
#include "support/daemon.h"
#include "support/program.h"
#include "support/token.h"

#define PATIENCE 20 /* seconds */

static struct token_home *home;

/* A daemon whose key for signatures is in the token. */
static void start(struct daemon *daemon)
{
    home = token_home_new();
    g_autofree char *address = g_strdup_printf("local:%s/milter", home->folder);
    *daemon = (struct daemon){.address = g_strdup(address)};
    daemon->folder = daemon_folder(address, "lookup_timeout = 2;");
    g_autofree char *uri = token_home_uri(home, "token=T;object=dsa");
    owned(run) struct run made =
        run("domsec key new --domain acme.test --role domain-signing-authority --algorithm p256 --token '%s' --ca "
            "'%s/acme/ca' --out '%s/acme/keys/token'",
            uri, daemon->folder, daemon->folder);
    expect_status(made, 0);
    g_autofree char *text = folder_read(daemon->folder, "acme/domsec.conf");
    g_auto(GStrv) halves = g_strsplit(text, "file:keys/dsa.key", 2);
    g_autofree char *with_key = g_strjoinv(uri, halves);
    g_auto(GStrv) more = g_strsplit(with_key, "\"keys/dsa.pem\"", 2);
    g_autofree char *whole = g_strjoinv("\"keys/token.pem\"", more);
    folder_write(daemon->folder, "acme/domsec.conf", whole);
    program_give(daemon->folder, "root");
    daemon->conf = g_build_filename(daemon->folder, "acme", "domsec.conf", NULL);
    daemon->log = g_build_filename(daemon->folder, "log", NULL);
    daemon->pid = daemon_spawn(daemon->conf, daemon->log);
    g_autofree char *log = daemon_wait_listening(daemon) ? NULL : daemon_log(daemon);
    cr_assert_null(log, "the daemon did not start:\n%s", log);
}

static void stop(struct daemon *daemon)
{
    g_autofree char *log = daemon_log(daemon);
    cr_expect_null(strstr(log, "1234"), "the PIN is in the log:\n%s", log);
    daemon_stop(daemon);
    token_home_free(home);
}

enum outcome { SIGNED, DEFERRED, OTHER };

static enum outcome send_to(const struct daemon *daemon, const char *to)
{
    struct mc client;
    struct mc_outcome outcome = {0};
    bool whole =
        daemon_client(&client, daemon) && daemon_exchange(&client, ALICE, to, MESSAGE, strlen(MESSAGE), 0, &outcome);
    bool deferred = whole && (outcome.disposition == 't' || (outcome.disposition == 'y' && outcome.reply[0] == '4'));
    bool is_signed = whole && mc_accepted(&outcome) && outcome.body != NULL;
    mc_outcome_clear(&outcome);
    mc_close(&client);
    return is_signed ? SIGNED : deferred ? DEFERRED : OTHER;
}

static bool signs_again(const struct daemon *daemon)
{
    for (unsigned i = 0; i < PATIENCE * 10; i++) {
        enum outcome outcome = send_to(daemon, BOB);
        if (outcome != DEFERRED)
            return outcome == SIGNED;
        g_usleep(100000);
    }
    return false;
}

/* Each trouble defers mail while it lasts, and nothing has to be restarted after it. */
Test(token_process, mail_is_deferred_while_the_token_is_away)
{
    static const char *const troubles[] = {"fail C_SignInit 0x30 -1\n", "wait C_Sign 300\n", NULL};
    struct daemon daemon;
    start(&daemon);
    cr_assert_eq(send_to(&daemon, BOB), SIGNED);
    for (size_t i = 0; i < G_N_ELEMENTS(troubles); i++) {
        if (troubles[i] != NULL)
            token_home_trouble(home, troubles[i]);
        else
            token_home_vanish(home);
        cr_expect_eq(send_to(&daemon, BOB), DEFERRED, "trouble %zu", i);
        cr_expect_eq(send_to(&daemon, BOB), DEFERRED, "trouble %zu", i);
        if (troubles[i] != NULL)
            token_home_trouble(home, "");
        else
            token_home_return(home);
        cr_expect(signs_again(&daemon), "trouble %zu", i);
    }
    stop(&daemon);
}

/* A hung token delays neither a reload nor the end. */
Test(token_process, hung_token_holds_nothing_up)
{
    struct daemon daemon;
    start(&daemon);
    token_home_trouble(home, "wait C_SignInit 300\n");
    cr_expect_eq(send_to(&daemon, BOB), DEFERRED);
    kill(daemon.pid, SIGHUP);
    cr_expect(daemon_wait_log(&daemon, "reload: ", 1));
    stop(&daemon); /* expects that it ends */
}

/* The PIN changes in the token while the daemon runs: it is tried once, by however many processes. */
Test(token_process, refused_pin_is_not_tried_by_the_next_process)
{
    struct daemon daemon;
    start(&daemon);
    token_home_trouble(home, "fail C_SignInit 0x30 1\nfail C_Login 0xa0 -1\n");
    unsigned before = token_home_calls(home, "C_Login");
    for (int i = 0; i < 40; i++) {
        cr_expect_eq(send_to(&daemon, BOB), DEFERRED);
        g_usleep(100000);
    }
    unsigned tries = token_home_calls(home, "C_Login") - before;
    cr_expect_eq(tries, 1, "%u tries", tries);
    token_home_trouble(home, "");
    folder_write(home->folder, "pin", "1234\n");
    cr_expect(signs_again(&daemon));
    stop(&daemon);
}

/* The command line works with the same token at the same time. */
Test(token_process, commands_beside_the_daemon)
{
    struct daemon daemon;
    start(&daemon);
    g_autofree char *token = token_home_uri(home, "token=T");
    for (int i = 0; i < 3; i++) {
        owned(run) struct run listed = run("domsec key list --token '%s'", token);
        expect_status(listed, 0);
        cr_expect_eq(send_to(&daemon, BOB), SIGNED);
        g_autofree char *uri = g_strdup_printf("pkcs11:token=T;object=more%d%s", i, strchr(token, '?'));
        owned(run) struct run made = run("domsec key new --domain acme.test --role review-authority --algorithm p256 "
                                         "--token '%s' --out '%s/more%d'",
                                         uri, daemon.folder, i);
        expect_status(made, 0);
        cr_expect_eq(send_to(&daemon, BOB), SIGNED);
    }
    stop(&daemon);
}
