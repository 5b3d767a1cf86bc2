/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon with a signing key in a token that makes trouble. */
#include "support/key_daemon.h"
#include "support/program.h"

static struct token_home *home;

static void prepare(struct daemon *daemon, const char *extra)
{
    home = token_home_new();
    token_daemon_prepare(daemon, home, extra);
}

static void start(struct daemon *daemon, const char *extra)
{
    prepare(daemon, extra);
    token_daemon_start(daemon);
}

static void stop(struct daemon *daemon)
{
    token_daemon_stop(daemon);
    token_home_free(home);
}

static bool log_has(const struct daemon *daemon, const char *text)
{
    g_autofree char *log = daemon_log(daemon);
    return strstr(log, text) != NULL;
}

/* The numbers of all key processes, and an empty word behind them; g_strfreev(). */
static char **key_processes(const struct daemon *daemon)
{
    pid_t keeper = child_of(daemon->pid);
    g_autofree char *path = g_strdup_printf("/proc/%d/task/%d/children", keeper, keeper), *text = NULL;
    cr_assert(g_file_get_contents(path, &text, NULL, NULL));
    return g_strsplit(text, " ", -1);
}

/* --- a token that is away --- */

/* A message on its way in a thread of its own. */
struct sending {
    const struct daemon *daemon;
    GThread *thread;
    gint has_ended;
};

static gpointer send_it(gpointer data)
{
    struct sending *sending = data;
    enum outcome outcome = send_to(sending->daemon, BOB);
    g_atomic_int_set(&sending->has_ended, 1);
    return GINT_TO_POINTER(outcome);
}

static void send_begin(struct sending *sending, const struct daemon *daemon)
{
    *sending = (struct sending){.daemon = daemon};
    sending->thread = g_thread_new("sender", send_it, sending);
}

static enum outcome send_end(struct sending *sending)
{
    return (enum outcome)GPOINTER_TO_INT(g_thread_join(sending->thread));
}

static void wait_for_calls(const char *function, unsigned more_than)
{
    for (unsigned i = 0; token_home_calls(home, function) <= more_than && i < PATIENCE * 20; i++)
        g_usleep(50000);
    cr_assert_gt(token_home_calls(home, function), more_than, "%s", function);
}

/* Neither does the sender notice it, nor does anything end but the key process. */
Test(token_process, mail_waits_for_a_token_that_comes_back)
{
    struct daemon daemon;
    struct sending sending;
    start(&daemon, "lookup_timeout = 60;");
    cr_assert_eq(send_to(&daemon, BOB), SIGNED);
    for (int i = 0; i < 3; i++) {
        token_home_vanish(home);
        unsigned looked = token_home_calls(home, "C_Initialize");
        send_begin(&sending, &daemon);
        wait_for_calls("C_Initialize", looked + 2);
        token_home_return(home);
        cr_expect_eq(send_end(&sending), SIGNED);
    }
    cr_expect(daemon_wait_log(&daemon, "runs again", 3));
    stop(&daemon);
}

/* One turn for all mail, and a message that a token keeps waiting does not hold it. */
Test(token_process, other_mail_does_not_wait_for_the_token)
{
    struct daemon daemon;
    struct sending sending;
    start(&daemon, "lookup_timeout = 5;\ncrypto_threads = 1;");
    cr_assert_eq(send_to(&daemon, BOB), SIGNED);
    unsigned signatures = token_home_calls(home, "C_Sign");
    token_home_trouble(home, "wait C_Sign 300\n");
    send_begin(&sending, &daemon);
    wait_for_calls("C_Sign", signatures);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(send_to(&daemon, CAROL), OTHER, "accepted as it is");
    cr_expect_eq(g_atomic_int_get(&sending.has_ended), 0);
    token_home_trouble(home, "");
    cr_expect_eq(send_end(&sending), DEFERRED);
    stop(&daemon);
}

static void kill_key_processes(const struct daemon *daemon)
{
    g_auto(GStrv) numbers = key_processes(daemon);
    for (char **number = numbers; *number != NULL; number++)
        if (**number != '\0')
            kill((pid_t)strtol(*number, NULL, 10), SIGKILL);
}

#define BERTA "<berta@beta.test>"
#define OF_BERTA                                                                                                       \
    "From: Berta <berta@beta.test>\r\nTo: bob@partner.test\r\nSubject: plans\r\n"                                      \
    "Date: Mon, 01 Jan 2024 00:00:00 +0000\r\nMessage-ID: <1@beta.test>\r\n\r\nHello Bob.\r\n"

/* beta.test has its key in a file. */
static void add_domain(const struct daemon *daemon)
{
    owned(run) struct run made = run("domsec key new --domain beta.test --role domain-signing-authority --algorithm "
                                     "p256 --ca '%s/acme/ca' --out '%s/acme/keys/beta.key'",
                                     daemon->folder, daemon->folder);
    expect_status(made, 0);
    g_autofree char *text = folder_read(daemon->folder, "acme/domsec.conf");
    g_autoptr(GString) conf = g_string_new(text);
    cr_assert_eq(g_string_replace(conf, "( \"acme.test\" )", "( \"acme.test\", \"beta.test\" )", 0), 1);
    cr_assert_eq(g_string_replace(conf, "identities = (\n",
                                  "identities = (\n  { domain = \"beta.test\"; role = \"domain-signing-authority\";\n"
                                  "    certificate = \"keys/beta.pem\"; key = \"file:keys/beta.key\"; },\n",
                                  0),
                 1);
    folder_write(daemon->folder, "acme/domsec.conf", conf->str);
    program_give(daemon->folder, "root");
}

static void expect_only_others(const struct daemon *daemon, const char *when)
{
    cr_expect_eq(send_to(daemon, BOB), DEFERRED, "%s", when);
    cr_expect_eq(send_message(daemon, BERTA, BOB, OF_BERTA), SIGNED, "%s", when);
    cr_expect_eq(send_to(daemon, CAROL), OTHER, "accepted as it is: %s", when);
}

/* A process that cannot use its module harms no other identity. */
Test(token_process, module_fails_when_its_process_starts_again)
{
    struct daemon daemon;
    prepare(&daemon, "lookup_timeout = 1;");
    add_domain(&daemon);
    token_daemon_start(&daemon);
    cr_assert_eq(send_to(&daemon, BOB), SIGNED);
    unsigned calls = token_home_calls(home, "C_Initialize");
    token_home_trouble(home, "fail C_Initialize 0x30 -1\n");
    kill_key_processes(&daemon);
    wait_for_calls("C_Initialize", calls);
    expect_only_others(&daemon, "the module fails");
    token_home_trouble(home, "");
    cr_expect(signs_again(&daemon));
    stop(&daemon);
}

/* The start ends in time, and so does the end. */
Test(token_process, daemon_starts_while_the_token_hangs)
{
    static const char *const troubles[] = {"wait C_Initialize 300\n", "wait C_Login 300\n"};
    struct daemon daemon;
    prepare(&daemon, "lookup_timeout = 1;");
    add_domain(&daemon);
    for (size_t i = 0; i < G_N_ELEMENTS(troubles); i++) {
        token_home_trouble(home, troubles[i]);
        token_daemon_start(&daemon);
        expect_only_others(&daemon, troubles[i]);
        kill(daemon.pid, SIGTERM);
        cr_expect_eq(daemon_wait(&daemon), 0);
    }
    daemon_free(&daemon);
    token_home_free(home);
}

/* A machine that starts while its HSM does not: the gateway is there, and mail that needs the token waits outside. */
Test(token_process, daemon_starts_without_the_token)
{
    struct daemon daemon;
    prepare(&daemon, "lookup_timeout = 1;");
    token_home_vanish(home);
    token_daemon_start(&daemon);
    cr_expect(log_has(&daemon, "mail that needs this key is deferred until it is there"));
    cr_expect_eq(send_to(&daemon, BOB), DEFERRED);
    cr_expect_eq(send_to(&daemon, CAROL), OTHER);
    kill(daemon.pid, SIGHUP);
    cr_expect(daemon_wait_log(&daemon, "is in force", 1), "a reload is possible, too");
    program_give(daemon.folder, NULL);
    program_give(home->folder, NULL);
    owned(run) struct run checked = run("domsec check -c '%s'", daemon.conf);
    program_give(daemon.folder, "root");
    program_give(home->folder, "root");
    expect_status(checked, 0);
    cr_expect_not_null(strstr(checked.out, "is deferred until it is there"), "%s", checked.out);
    token_home_return(home);
    cr_expect(signs_again(&daemon));
    stop(&daemon);
}

static void expect_refusal_to_start(struct daemon *daemon, const char *words)
{
    g_unlink(daemon->log);
    daemon->pid = daemon_spawn(daemon->conf, daemon->log);
    cr_expect_eq(daemon_wait(daemon), 78, "%s", words);
    g_autofree char *log = daemon_log(daemon);
    cr_expect_not_null(strstr(log, words), "%s: %s", words, log);
}

/* What only a person can put right is a fault of the configuration. */
Test(token_process, daemon_does_not_start_with_a_wrong_key)
{
    struct daemon daemon;
    prepare(&daemon, "");
    g_autofree char *text = folder_read(daemon.folder, "acme/domsec.conf");
    static const char *const wrong[][3] = {{"object=dsa", "object=other", "no such private key"},
                                           {"preload/token.so", "preload/no.so", "cannot load the module"}};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_auto(GStrv) parts = g_strsplit(text, wrong[i][0], -1);
        g_autofree char *changed = g_strjoinv(wrong[i][1], parts);
        folder_write(daemon.folder, "acme/domsec.conf", changed);
        program_give(daemon.folder, "root");
        expect_refusal_to_start(&daemon, wrong[i][2]);
    }
    daemon_free(&daemon);
    token_home_free(home);
}

/* --- */

/* Each trouble defers mail while it lasts, and nothing has to be restarted after it. */
Test(token_process, mail_is_deferred_while_the_token_is_away)
{
    static const char *const troubles[] = {"fail C_SignInit 0x30 -1\n", "wait C_Sign 300\n", NULL};
    struct daemon daemon;
    start(&daemon, "lookup_timeout = 1;");
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

static unsigned lines_with(const struct daemon *daemon, const char *text)
{
    g_autofree char *log = daemon_log(daemon);
    g_auto(GStrv) lines = g_strsplit(log, "\n", -1);
    unsigned count = 0;
    for (char **line = lines; *line != NULL; line++)
        count += strstr(*line, "key process ") != NULL && strstr(*line, text) != NULL;
    return count;
}

static void expect_lines_with(const struct daemon *daemon, const char *text, unsigned expected)
{
    g_autofree char *log = daemon_log(daemon);
    cr_expect_eq(lines_with(daemon, text), expected, "not %u with \"%s\": %s", expected, text, log);
}

/* However many messages need it: the log and the token notice the outage, not each message. On a slow machine there may
 * have been an outage when the daemon started. */
Test(token_process, outage_is_one_outage)
{
    struct daemon daemon;
    start(&daemon, "lookup_timeout = 1;");
    cr_assert_eq(send_to(&daemon, BOB), SIGNED);
    unsigned calls = token_home_calls(home, "C_Initialize"), lines = lines_with(&daemon, "");
    unsigned lost = lines_with(&daemon, "was lost"), again = lines_with(&daemon, "runs again");
    gint64 began = g_get_monotonic_time();
    token_home_vanish(home);
    for (int i = 0; i < 60; i++)
        cr_expect_eq(send_to(&daemon, BOB), DEFERRED, "message %d", i);
    gint64 tenths = (g_get_monotonic_time() - began) / 100000;
    calls = token_home_calls(home, "C_Initialize") - calls;
    cr_expect_leq(calls, tenths + 2, "%u calls in %d tenths of a second", calls, (int)tenths);
    expect_lines_with(&daemon, "was lost", lost + 1);
    token_home_return(home);
    cr_expect(signs_again(&daemon));
    cr_expect(daemon_wait_log(&daemon, "runs again", again + 1));
    expect_lines_with(&daemon, "runs again", again + 1);
    cr_expect_leq(lines_with(&daemon, ""), lines + 3, "that it was lost, why, and that it is back");
    stop(&daemon);
}

/* As when the server of a token has ended, and its module writes to it. */
Test(token_process, a_write_to_a_closed_connection_ends_nothing)
{
    struct daemon daemon;
    signal(SIGPIPE, SIG_DFL); /* who started the test may ignore it */
    start(&daemon, "lookup_timeout = 1;");
    token_home_trouble(home, "pipe C_Sign\n");
    cr_expect_eq(send_to(&daemon, BOB), SIGNED);
    cr_expect_not(log_has(&daemon, "runs again"));
    token_home_trouble(home, "");
    stop(&daemon);
}

/* A hung token delays neither a reload nor the end. */
Test(token_process, hung_token_holds_nothing_up)
{
    struct daemon daemon;
    start(&daemon, "lookup_timeout = 1;");
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
    start(&daemon, "lookup_timeout = 1;");
    token_home_trouble(home, "fail C_SignInit 0x30 1\nfail C_Login 0xa0 -1\n");
    unsigned before = token_home_calls(home, "C_Login");
    for (int i = 0; i < 15; i++) {
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

/* --- while mail flows --- */

static void expect_all_signed(const struct flow *flow)
{
    cr_expect_eq(flow->counts[DEFERRED], 0, "%d deferred", flow->counts[DEFERRED]);
    cr_expect_eq(flow->counts[OTHER], 0, "%d lost or refused", flow->counts[OTHER]);
    cr_expect_not(log_has(flow->daemon, "was lost"), "no message waited for another key process");
}

struct possessions {
    unsigned of_daemon, of_keeper, of_key_process; /* descriptors; of the token's process, which a reload keeps */
    unsigned key_processes;
};

static struct possessions possessions(const struct daemon *daemon)
{
    g_auto(GStrv) processes = key_processes(daemon);
    return (struct possessions){descriptors_of(daemon->pid), descriptors_of(child_of(daemon->pid)),
                                descriptors_of(key_process(daemon)), g_strv_length(processes)};
}

/* What a reload replaced goes away when the last message with it has ended. */
static bool is_as_before(const struct daemon *daemon, const struct possessions *before)
{
    struct possessions now = possessions(daemon);
    return now.of_daemon <= before->of_daemon && now.of_keeper <= before->of_keeper &&
           now.of_key_process <= before->of_key_process && now.key_processes == before->key_processes;
}

/* The same key is loaded again and again, and the one before is given up under messages that use it. */
Test(token_process, reloads_while_mail_flows)
{
    struct daemon daemon;
    struct flow flow;
    start(&daemon, "lookup_timeout = 60;");
    cr_assert_eq(send_to(&daemon, BOB), SIGNED);
    struct possessions before = possessions(&daemon);
    flow_begin(&flow, &daemon);
    for (unsigned i = 1; i <= 50; i++) {
        kill(daemon.pid, SIGHUP);
        cr_assert(daemon_wait_log(&daemon, "is in force", i), "reload %u", i);
    }
    flow_end(&flow);
    expect_all_signed(&flow);
    cr_expect_gt(flow.counts[SIGNED], 50, "the test sees what it is to see");
    bool same = is_as_before(&daemon, &before);
    for (unsigned i = 0; !same && i < PATIENCE * 20; i++) {
        g_usleep(50000);
        same = is_as_before(&daemon, &before);
    }
    cr_expect(same);
    stop(&daemon);
}

/* The command line works with the same token at the same time. */
Test(token_process, commands_beside_the_daemon)
{
    struct daemon daemon;
    struct flow flow;
    start(&daemon, "lookup_timeout = 60;");
    g_autofree char *token = token_home_uri(home, "token=T");
    flow_begin(&flow, &daemon);
    flow_wait(&flow, 1);
    gint before = g_atomic_int_get(&flow.counts[SIGNED]);
    for (int i = 0; i < 3; i++) {
        owned(run) struct run listed = run("domsec key list --token '%s'", token);
        expect_status(listed, 0);
        g_autofree char *uri = g_strdup_printf("pkcs11:token=T;object=more%d%s", i, strchr(token, '?'));
        owned(run) struct run made = run("domsec key new --domain acme.test --role review-authority --algorithm p256 "
                                         "--token '%s' --out '%s/more%d'",
                                         uri, daemon.folder, i);
        expect_status(made, 0);
    }
    cr_expect_gt(g_atomic_int_get(&flow.counts[SIGNED]), before + 2, "mail flows while the commands run");
    flow_wait(&flow, 4); /* one after the last command */
    flow_end(&flow);
    expect_all_signed(&flow);
    stop(&daemon);
}

static void write_pin(const char *pin)
{
    folder_write(home->folder, "pin", pin);
    cr_assert_eq(chmod(home->pin_file, 0600), 0);
}

/* A service manager, or a person, may start the daemon again and again, and looks with `check` in between. */
Test(token_process, refused_pin_is_not_tried_by_the_next_start)
{
    struct daemon daemon;
    prepare(&daemon, "");
    write_pin("9999\n");
    unsigned before = token_home_calls(home, "C_Login");
    expect_refusal_to_start(&daemon, "the token refuses the PIN");
    for (int i = 0; i < 2; i++)
        expect_refusal_to_start(&daemon, "which has not changed since");
    owned(run) struct run checked = run("domsec check -c '%s'", daemon.conf);
    expect_status(checked, 1);
    cr_expect_not_null(strstr(checked.out, "which has not changed since"), "%s", checked.out);
    unsigned tries = token_home_calls(home, "C_Login") - before;
    cr_expect_eq(tries, 1, "%u tries", tries);
    write_pin("1234\n");
    token_daemon_start(&daemon);
    cr_expect_eq(send_to(&daemon, BOB), SIGNED);
    stop(&daemon);
}
