/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's life: start, faults, reload while mail flows, end with a message in hand. */
#include "support/daemon.h"
#include "support/pki.h"
#include "support/program.h"
#include "support/responder.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* One message on a connection of its own; true if it was accepted and signed. */
static bool send_signed(const struct daemon *daemon)
{
    struct mc client;
    struct mc_outcome outcome = {0};
    bool good = daemon_client(&client, daemon) &&
                daemon_exchange(&client, ALICE, BOB, MESSAGE, strlen(MESSAGE), 0, &outcome) && mc_accepted(&outcome) &&
                outcome.body != NULL && !outcome.disordered;
    mc_outcome_clear(&outcome);
    mc_close(&client);
    return good;
}

struct flow {
    const struct daemon *daemon;
    gint stop, sent, lost;
};

static void *flow_thread(void *argument)
{
    struct flow *flow = argument;
    struct mc client;
    bool open = daemon_client(&client, flow->daemon);
    while (g_atomic_int_get(&flow->stop) == 0) {
        struct mc_outcome outcome = {0};
        bool good = open && daemon_exchange(&client, ALICE, BOB, MESSAGE, strlen(MESSAGE), 0, &outcome) &&
                    mc_accepted(&outcome) && outcome.body != NULL;
        mc_outcome_clear(&outcome);
        g_atomic_int_inc(good ? &flow->sent : &flow->lost);
        if (!good)
            break;
    }
    mc_close(&client);
    return NULL;
}

Test(daemon, reload_while_mail_flows)
{
    struct daemon daemon;
    struct flow flow = {.daemon = &daemon};
    pthread_t threads[4];
    daemon_start(&daemon, false, "");
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, flow_thread, &flow), 0);
    /* SIGHUPs that come while one is pending are one. */
    for (unsigned i = 1; i <= 200; i++) {
        kill(daemon.pid, SIGHUP);
        if (i % 10 == 0)
            cr_assert(daemon_wait_log(&daemon, "is in force", i / 10), "reload %u", i);
        else
            g_usleep(3000);
    }
    g_atomic_int_set(&flow.stop, 1);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        pthread_join(threads[i], NULL);
    cr_expect_eq(flow.lost, 0);
    cr_expect_gt(flow.sent, 20);
    cr_expect_eq(kill(daemon.pid, 0), 0);
    daemon_stop(&daemon);
}

Test(daemon, reload_takes_effect_for_the_next_message)
{
    struct daemon daemon;
    struct mc client;
    struct mc_outcome outcome;
    daemon_start(&daemon, true, "");
    g_autofree char *policy = g_build_filename(daemon.folder, "acme", "policy.d", NULL);

    /* A message begun under the old configuration keeps it to its end. */
    cr_assert(daemon_client(&client, &daemon));
    cr_assert(mc_mail(&client, ALICE, NULL) && mc_rcpt(&client, BOB) && mc_flush(&client));
    g_usleep(200000);
    folder_write(policy, "partner.test.conf", "domain = \"partner.test\"; outbound = { protect = \"none\"; };\n");
    kill(daemon.pid, SIGHUP);
    cr_assert(daemon_wait_log(&daemon, "is in force", 1));
    cr_assert(mc_message(&client, MESSAGE, strlen(MESSAGE), 0) && mc_end(&client, &outcome));
    cr_expect(mc_accepted(&outcome) && outcome.body != NULL, "signed, as was in force when it began");
    mc_outcome_clear(&outcome);
    cr_assert(daemon_exchange(&client, ALICE, BOB, MESSAGE, strlen(MESSAGE), 0, &outcome));
    cr_expect(mc_accepted(&outcome) && outcome.body == NULL, "passed on");
    mc_outcome_clear(&outcome);
    mc_quit(&client);
    daemon_stop(&daemon);
}

/* What is known to be revoked stays so, without a store, while nothing answers. Here it is our own certificate. */
Test(daemon, reload_forgets_no_revocation)
{
    struct daemon daemon;
    struct responder responder = {.status = V_OCSP_CERTSTATUS_REVOKED};
    daemon_start(&daemon, true, "fetch_networks = ( \"127.0.0.0/8\" ); revocation = { check = \"soft\"; };\n");
    owned(web) struct web *web = web_start();
    g_autofree char *url = web_url(web, "/ocsp"), *access = g_strconcat("authorityInfoAccess=OCSP;URI:", url, NULL);
    g_autofree char *keys = g_build_filename(daemon.folder, "acme", "keys", NULL);
    g_autofree char *authority = g_build_filename(daemon.folder, "acme", "ca", NULL);
    PKI_AUTO struct pki *ca = pki_ca("Acme");
    PKI_AUTO struct pki *dsa = pki_issue(&(struct pki_spec){.issuer = ca,
                                                            .subject = PKI_LIST("CN=domain-signing-authority"),
                                                            .san = PKI_LIST("email:domain-signing-authority@acme.test"),
                                                            .extensions = PKI_LIST(access)});
    const struct fetching place = {.web = web, .root = ca, .authority = ca, .alice = dsa};
    responder_put(&responder, &place, "/ocsp");
    cr_expect(send_signed(&daemon));
    g_free(pki_write(authority, "ca.pem", ca, NULL));
    g_free(pki_write(keys, "dsa.pem", dsa, NULL));
    g_free(pki_write_key(keys, "dsa.key", dsa));
    program_give(daemon.folder, "root");
    kill(daemon.pid, SIGHUP);
    cr_assert(daemon_wait_log(&daemon, "is in force", 1));
    for (int i = 0; i < 500 && send_signed(&daemon); i++)
        g_usleep(20000);
    cr_assert(daemon_wait_log(&daemon, "is revoked", 1));
    web_pause(web);
    kill(daemon.pid, SIGHUP);
    cr_assert(daemon_wait_log(&daemon, "is in force", 2));
    cr_expect_not(send_signed(&daemon));
    daemon_stop(&daemon);
    responder_clear(&responder);
}

Test(daemon, bad_reload_is_refused)
{
    static const struct {
        const char *file, *text, *want;
    } rows[] = {
        {"policy.d/partner.test.conf", "domain = \"partner.test\"; outbund = { };\n", "partner.test.conf:1"},
        {"policy.d/partner.test.conf", "domain = ", "partner.test.conf:1"},
        {"policy.d/partner.test.conf", POLICY_SIGN "certificates = ( \"/nonexistent.pem\" );\n", "/nonexistent.pem"},
        {"domsec.conf", "listen = 5;\n", "domsec.conf:1"},
    };
    struct daemon daemon;
    daemon_start(&daemon, true, "");
    g_autofree char *home = g_build_filename(daemon.folder, "acme", NULL);
    g_autofree char *conf = NULL;
    cr_assert(g_file_get_contents(daemon.conf, &conf, NULL, NULL));
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        folder_write(home, rows[i].file, rows[i].text);
        kill(daemon.pid, SIGHUP);
        cr_assert(daemon_wait_log(&daemon, "reload: rejected", i + 1), "row %u", i);
        g_autofree char *log = daemon_log(&daemon);
        cr_expect_not_null(strstr(log, rows[i].want), "row %u:\n%s", i, log);
        cr_expect(send_signed(&daemon), "row %u: the old one stays", i);
    }
    folder_write(home, "policy.d/partner.test.conf", POLICY_SIGN);
    folder_write(home, "domsec.conf", conf);
    kill(daemon.pid, SIGHUP);
    cr_expect(daemon_wait_log(&daemon, "is in force", 1));
    cr_expect(send_signed(&daemon));
    daemon_stop(&daemon);
}

static void write_expired(const char *home)
{
    time_t now = time(NULL);
    g_autofree char *keys = g_build_filename(home, "keys", NULL);
    PKI_AUTO struct pki *old = pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=domain-signing-authority"),
                                                            .san = PKI_LIST("email:domain-signing-authority@acme.test"),
                                                            .not_before = now - 864000,
                                                            .not_after = now - 86400});
    g_free(pki_write(keys, "dsa.pem", old, NULL));
    g_free(pki_write_key(keys, "dsa.key", old));
}

Test(daemon, reload_that_would_end_signing_is_refused)
{
    struct daemon daemon;
    daemon_start(&daemon, true, "");
    g_autofree char *home = g_build_filename(daemon.folder, "acme", NULL);
    g_autofree char *policy = g_build_filename(home, "policy.d", "partner.test.conf", NULL);
    cr_assert_eq(chmod(policy, 0666), 0);
    kill(daemon.pid, SIGHUP);
    cr_assert(daemon_wait_log(&daemon, "reload: rejected", 1));
    cr_expect(daemon_wait_log(&daemon, "every account can change ", 1));
    cr_assert_eq(chmod(policy, 0644), 0);
    write_expired(home);
    kill(daemon.pid, SIGHUP);
    cr_assert(daemon_wait_log(&daemon, "reload: rejected", 2));
    cr_expect(daemon_wait_log(&daemon, "has expired; the configuration in force has a valid one", 1));
    cr_expect(send_signed(&daemon), "the old one stays");
    daemon_stop(&daemon);
}

/* The answer of the authority comes when it comes: no signal is needed then. */
Test(daemon, takes_a_certificate_that_was_awaited)
{
    struct daemon daemon;
    daemon_start(&daemon, true, "");
    g_autofree char *home = g_build_filename(daemon.folder, "acme", NULL), *text = folder_read(home, "domsec.conf");
    owned(run) struct run made =
        run("domsec key new --domain acme.test --role domain-signing-authority --algorithm p256 "
            "--out '%s/keys/next.key' --ca '%s/ca'",
            home, home);
    expect_status(made, 0);
    folder_copy(home, "keys/next.pem", home, "answer.pem");
    folder_write(home, "keys/next.csr", "the request");
    g_autofree char *certificate = g_build_filename(home, "keys/next.pem", NULL);
    cr_assert_eq(unlink(certificate), 0);
    g_autoptr(GString) with = g_string_new(text);
    cr_assert_eq(g_string_replace(with, "identities = (",
                                  "identities = ( { domain = \"acme.test\"; role = \"domain-signing-authority\"; "
                                  "certificate = \"keys/next.pem\"; key = \"file:keys/next.key\"; },",
                                  1),
                 1);
    folder_write(home, "domsec.conf", with->str);
    kill(daemon.pid, SIGHUP);
    cr_assert(daemon_wait_log(&daemon, "is in force", 1));
    cr_expect(daemon_wait_log(&daemon, "keys/next.pem is not there yet; when your CA has answered the request ", 1));
    cr_expect(send_signed(&daemon));
    folder_copy(home, "answer.pem", home, "keys/next.pem");
    cr_expect(daemon_wait_log(&daemon, "a certificate that was awaited is there", 1));
    cr_expect(daemon_wait_log(&daemon, "is in force", 2));
    cr_expect(send_signed(&daemon));
    daemon_stop(&daemon);
}

static void damage_key(const char *home, const char *name)
{
    g_autofree char *text = folder_read(home, name);
    owned(BIO) BIO *file = BIO_new_mem_buf(text, -1);
    owned(EVP_PKEY) EVP_PKEY *key = PEM_read_bio_PrivateKey(file, NULL, NULL, NULL);
    struct pki damaged = {.key = pki_damaged_key(key)};
    g_free(pki_write_key(home, name, &damaged));
    EVP_PKEY_free(damaged.key);
}

Test(daemon, a_key_that_fails_the_self_test)
{
    struct daemon daemon;
    daemon_start(&daemon, true, "");
    g_autofree char *home = g_build_filename(daemon.folder, "acme", NULL);
    damage_key(home, "keys/dsa.key");
    kill(daemon.pid, SIGHUP);
    cr_expect(daemon_wait_log(&daemon, "the self-test failed", 1));
    cr_expect(daemon_wait_log(&daemon, "reload: rejected", 1));
    cr_expect(send_signed(&daemon), "the old one stays");
    kill(daemon.pid, SIGTERM);
    cr_expect_eq(daemon_wait(&daemon), 0);
    daemon.pid = daemon_spawn(daemon.conf, daemon.log);
    cr_expect_eq(daemon_wait(&daemon), 78);
    cr_expect(daemon_wait_log(&daemon, "the self-test failed", 2));
    owned(run) struct run check = run("domsec check -c '%s'", daemon.conf);
    expect_status(check, 1);
    expect_contains(check.out, "keys/dsa.key: the self-test failed: a signature (rsa-pss, sha256): ");
    daemon_free(&daemon);
}

/* Milters that an administrator knows reload on SIGUSR1; none ends on SIGUSR2. */
Test(daemon, user_signals)
{
    struct daemon daemon;
    daemon_start(&daemon, true, "");
    kill(daemon.pid, SIGUSR2);
    kill(daemon.pid, SIGUSR1);
    cr_expect(daemon_wait_log(&daemon, "is in force", 1));
    cr_expect(send_signed(&daemon));
    daemon_stop(&daemon);
}

static void *finish_later(void *argument)
{
    struct mc *client = argument;
    struct mc_outcome outcome = {0};
    g_usleep(700000);
    bool good = mc_body(client, "late line\r\n", 11, 11) && mc_end(client, &outcome) && mc_accepted(&outcome) &&
                outcome.body != NULL && !outcome.disordered;
    mc_outcome_clear(&outcome);
    return GINT_TO_POINTER(good);
}

Test(daemon, term_finishes_the_message_in_hand)
{
    for (int unix_socket = 0; unix_socket < 2; unix_socket++) {
        struct daemon daemon;
        struct mc client, idle, other;
        pthread_t thread;
        void *good = NULL;
        daemon_start(&daemon, unix_socket != 0, "");
        cr_assert(daemon_client(&idle, &daemon));
        cr_assert(daemon_client(&client, &daemon));
        cr_assert(mc_mail(&client, ALICE, NULL) && mc_rcpt(&client, BOB) &&
                  mc_message(&client, MESSAGE, strlen(MESSAGE), 0) && mc_flush(&client));
        g_usleep(200000);
        cr_assert_eq(pthread_create(&thread, NULL, finish_later, &client), 0);
        kill(daemon.pid, SIGTERM);
        cr_expect(daemon_wait_log(&daemon, "stopping after", 1));
        g_usleep(100000);
        cr_expect_not(mc_open(&other, daemon.address), "no new connection");
        mc_close(&other);
        pthread_join(thread, &good);
        cr_expect(GPOINTER_TO_INT(good), "the message got its verdict");
        cr_expect_eq(daemon_wait(&daemon), 0);
        if (unix_socket != 0)
            cr_expect_not(g_file_test(daemon.address + 6, G_FILE_TEST_EXISTS));
        mc_close(&client);
        mc_close(&idle);
        daemon_free(&daemon);
    }
}

Test(daemon, term_under_load_ends_soon)
{
    struct daemon daemon;
    struct flow flow = {.daemon = &daemon};
    pthread_t threads[4];
    daemon_start(&daemon, false, "");
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, flow_thread, &flow), 0);
    cr_assert(daemon_wait_log(&daemon, "4TEST", 20));
    gint64 begin = g_get_monotonic_time();
    kill(daemon.pid, SIGTERM);
    cr_expect_eq(daemon_wait(&daemon), 0);
    cr_expect_lt(g_get_monotonic_time() - begin, 5 * G_USEC_PER_SEC);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        pthread_join(threads[i], NULL);
    g_autofree char *log = daemon_log(&daemon);
    cr_expect_null(strstr(log, "Sanitizer"), "%s", log);
    cr_expect_not_null(strstr(log, "info: stopped"), "%s", log);
    daemon_free(&daemon);
}

/* It listens before it has made the store, which takes a while. */
Test(daemon, term_during_the_start_waits_for_its_end)
{
    struct daemon daemon;
    daemon_start(&daemon, true, "store = \"sqlite:store.db\";");
    kill(daemon.pid, SIGTERM);
    cr_expect_eq(daemon_wait(&daemon), 0);
    g_autofree char *log = daemon_log(&daemon);
    const char *started = strstr(log, "started, version"), *stopping = strstr(log, "stopping");
    cr_expect(started != NULL && stopping != NULL && started < stopping, "%s", log);
    daemon_free(&daemon);
}

Test(daemon, faults_at_start)
{
    static const struct {
        const char *file, *text, *want;
        int status;
    } rows[] = {
        {"domsec.conf", "listne = \"x\";\n", "domsec.conf:1", 78},
        {"policy.d/partner.test.conf", "domain = \"partner.test\";\noutbound = { protect = \"sgin\"; };\n",
         "partner.test.conf:2", 78},
        {"keys/dsa.key", "no key", "dsa.key", 78},
        {"keys/dca.pem", "no certificate", "dca.pem", 78},
        {"domsec.conf", "local_domains = ( \"acme.test\" );\nlisten = \"local:/nonexistent/milter\";\n",
         "domsec.conf:2: cannot listen on local:/nonexistent/milter: No such file", 69},
        {"domsec.conf",
         "local_domains = ( \"acme.test\" );\nlisten = \"local:milter\";\npid_file = \"/nonexistent/pid\";\n",
         "domsec.conf:3: pid_file: ", 78},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct daemon daemon = {.address = g_strdup("inet:1@127.0.0.1")};
        g_autofree char *listen = g_strdup_printf("inet:%u@127.0.0.1", daemon_free_port());
        daemon.folder = daemon_folder(listen, "");
        daemon.conf = g_build_filename(daemon.folder, "acme", "domsec.conf", NULL);
        daemon.log = g_build_filename(daemon.folder, "log", NULL);
        g_autofree char *home = g_build_filename(daemon.folder, "acme", NULL);
        folder_write(home, rows[i].file, rows[i].text);
        daemon.pid = daemon_spawn(daemon.conf, daemon.log);
        cr_expect_eq(daemon_wait(&daemon), rows[i].status, "row %zu", i);
        g_autofree char *log = daemon_log(&daemon);
        cr_expect_not_null(strstr(log, rows[i].want), "row %zu:\n%s", i, log);
        daemon_free(&daemon);
    }
}

/* systemd starts it again after 71, and not after 78. OpenSSL itself may crash where it got no memory, and GLib ends
 * the process by SIGTRAP. */
Test(daemon, a_start_with_too_little_memory)
{
    static const char *const failing[] = {"40", "400", "800", "1200", "1600"};
    const struct rlimit no_core = {0, 0};
    struct daemon daemon;
    unsigned said = 0;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    cr_skip_test("sanitizers have a malloc() of their own");
#endif
    setrlimit(RLIMIT_CORE, &no_core);
    daemon_start(&daemon, true, "");
    kill(daemon.pid, SIGTERM);
    cr_assert_eq(daemon_wait(&daemon), 0);
    g_autofree char *preload = program_path("preload/no_memory.so");
    g_setenv("LD_PRELOAD", preload, TRUE);
    for (size_t i = 0; i < G_N_ELEMENTS(failing); i++) {
        g_setenv("NO_MEMORY", failing[i], TRUE);
        daemon.pid = daemon_spawn(daemon.conf, daemon.log);
        int status = daemon_wait(&daemon);
        cr_expect(status == 71 || status == 128 + SIGSEGV || status == 128 + SIGTRAP, "%s: %d", failing[i], status);
        said += status == 71;
        cr_expect(daemon_wait_log(&daemon, "there was not enough memory", said), "%s", failing[i]);
    }
    cr_expect_gt(said, 2);
    g_unsetenv("LD_PRELOAD");
    daemon_free(&daemon);
}

Test(daemon, socket_file)
{
    struct daemon daemon;
    struct stat status;
    daemon_start(&daemon, true, "");
    const char *path = daemon.address + strlen("local:");
    cr_assert_eq(stat(path, &status), 0);
    cr_expect_eq(status.st_mode & 07777, 0660);

    /* A second one finds it in use. */
    struct daemon second = {.pid = daemon_spawn(daemon.conf, daemon.log)};
    cr_expect_eq(daemon_wait(&second), 69);
    cr_expect(send_signed(&daemon), "the first one still serves");

    /* Killed, it leaves the file; the next start takes it over. */
    kill(daemon.pid, SIGKILL);
    daemon_wait(&daemon);
    cr_assert_eq(stat(path, &status), 0);
    daemon.pid = daemon_spawn(daemon.conf, daemon.log);
    cr_assert(daemon_wait_listening(&daemon));
    cr_expect(send_signed(&daemon));
    daemon_stop(&daemon);
}

Test(daemon, socket_path_is_a_file)
{
    struct daemon daemon;
    daemon_start(&daemon, true, "");
    kill(daemon.pid, SIGTERM);
    cr_assert_eq(daemon_wait(&daemon), 0);
    const char *path = daemon.address + strlen("local:");
    cr_assert(g_file_set_contents(path, "precious", -1, NULL));
    daemon.pid = daemon_spawn(daemon.conf, daemon.log);
    cr_expect_eq(daemon_wait(&daemon), 78);
    cr_expect(g_file_test(path, G_FILE_TEST_IS_REGULAR), "it is not deleted");
    g_unlink(path);
    daemon_free(&daemon);
}

Test(daemon, background_pid_file_and_metrics)
{
    struct daemon daemon;
    g_autofree char *place = g_dir_make_tmp("domsec-run-XXXXXX", NULL);
    g_autofree char *pid_file = g_build_filename(place, "pid", NULL);
    g_autofree char *metrics = g_build_filename(place, "metrics.prom", NULL);
    g_autofree char *extra = g_strdup_printf("pid_file = \"%s\";\nmetrics_file = \"%s\";\n", pid_file, metrics);
    g_autofree char *text = NULL, *program = program_path("domsec-milter");
    daemon_start(&daemon, false, extra);
    kill(daemon.pid, SIGTERM);
    cr_assert_eq(daemon_wait(&daemon), 0);
    cr_expect_not(g_file_test(pid_file, G_FILE_TEST_EXISTS));

    /* When the command comes back, the daemon is ready. */
    const char *start[] = {program, "-c", daemon.conf, NULL};
    g_unsetenv("NOTIFY_SOCKET");
    cr_assert_eq(run_status(start), 0);
    cr_assert(send_signed(&daemon));
    cr_assert(g_file_get_contents(pid_file, &text, NULL, NULL));
    pid_t pid = (pid_t)strtol(text, NULL, 10);
    cr_assert_gt(pid, 1);
    cr_assert_eq(kill(pid, SIGTERM), 0);
    for (int i = 0; i < 1000 && kill(pid, 0) == 0; i++)
        g_usleep(10000);
    cr_expect_neq(kill(pid, 0), 0);
    g_clear_pointer(&text, g_free);
    cr_assert(g_file_get_contents(metrics, &text, NULL, NULL));
    cr_expect_not_null(strstr(text, "domsec_messages_total{direction=\"outbound\",verdict=\"accept\"} 1"), "%s", text);

    /* Faults come back as the command's own status. */
    g_autofree char *home = g_build_filename(daemon.folder, "acme", NULL);
    folder_write(home, "domsec.conf", "nonsense = 1;\n");
    cr_expect_eq(run_status(start), 78);
    g_unlink(metrics);
    g_unlink(pid_file);
    g_rmdir(place);
    daemon_free(&daemon);
}

/* Root's folder is not the daemon's any more when it ends: the file stays, and names nobody's process. */
Test(daemon, pid_file_in_a_folder_of_root)
{
    struct daemon daemon;
    if (geteuid() != 0)
        cr_skip_test("only root can become somebody else");
    g_autofree char *place = g_dir_make_tmp("domsec-run-XXXXXX", NULL);
    g_autofree char *pid_file = g_build_filename(place, "pid", NULL);
    g_autofree char *extra = g_strdup_printf("user = \"nobody\";\npid_file = \"%s\";\n", pid_file);
    g_autofree char *text = NULL;
    daemon_start(&daemon, false, extra);
    /* It listens before it writes the file. */
    for (int i = 0; i < 1000 && !g_file_test(pid_file, G_FILE_TEST_EXISTS); i++)
        g_usleep(10000);
    cr_assert(g_file_get_contents(pid_file, &text, NULL, NULL));
    cr_expect_eq(strtol(text, NULL, 10), daemon.pid);
    g_clear_pointer(&text, g_free);
    kill(daemon.pid, SIGTERM);
    cr_assert_eq(daemon_wait(&daemon), 0);
    cr_assert(g_file_get_contents(pid_file, &text, NULL, NULL));
    cr_expect_str_empty(text);
    g_unlink(pid_file);
    g_rmdir(place);
    daemon_free(&daemon);
}

Test(daemon, warnings_are_no_errors)
{
    struct daemon daemon;
    daemon_start(&daemon, true, "crypto_threads = 1;\n");
    g_autofree char *home = g_build_filename(daemon.folder, "acme", NULL);
    cr_assert(daemon_wait_log(&daemon, "started", 1));
    folder_write(home, "policy.d/misnamed", "");
    kill(daemon.pid, SIGHUP);
    cr_assert(daemon_wait_log(&daemon, "in force", 1));
    g_autofree char *log = daemon_log(&daemon);
    cr_expect_not_null(strstr(log, "warning: reload: "), "%s", log);
    cr_expect_eq(strstr(log, "warning: running as root") != NULL, geteuid() == 0, "%s", log);
    kill(daemon.pid, SIGTERM);
    cr_assert_eq(daemon_wait(&daemon), 0);
    daemon.pid = daemon_spawn(daemon.conf, daemon.log);
    cr_assert(daemon_wait_log(&daemon, "started", 2));
    g_autofree char *again = daemon_log(&daemon);
    cr_expect_not_null(strstr(again, "warning: /"), "%s", again);
    cr_expect_null(strstr(again, "error: "), "%s", again);
    daemon_stop(&daemon);
}

/* Written every five seconds; one that waits that long is enough. */
Test(daemon, metrics_that_cannot_be_written_are_told_once)
{
    struct daemon daemon;
    unsigned count = 0;
    daemon_start(&daemon, true, "metrics_file = \"/nonexistent/x.prom\";\n");
    cr_assert(daemon_wait_log(&daemon, "metrics file", 1));
    kill(daemon.pid, SIGTERM); /* tries once more */
    cr_assert_eq(daemon_wait(&daemon), 0);
    g_autofree char *log = daemon_log(&daemon);
    for (const char *at = log; (at = strstr(at, "metrics file")) != NULL; at++)
        count++;
    cr_expect_eq(count, 1, "%s", log);
    daemon_free(&daemon);
}

Test(daemon, options)
{
    static const struct {
        const char *option;
        int status;
    } rows[] = {{"-V", 0}, {"-h", 0}, {"--version", 0}, {"--help", 0}, {"-x", 64}, {"--frob", 64}, {"stray", 64}};
    g_autofree char *program = program_path("domsec-milter");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *command[] = {program, rows[i].option, NULL};
        cr_expect_eq(run_status(command), rows[i].status, "row %zu", i);
    }
    const char *missing[] = {program, "-f", "-c", "/nonexistent/domsec.conf", NULL};
    cr_expect_eq(run_status(missing), 78);
}

#define CONNECTIONS 80

/* How many of as many connections get an answer. */
static unsigned connect_many(const struct daemon *daemon, struct mc *clients)
{
    unsigned answered = 0;
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        clients[i] = (struct mc){.fd = -1};
        if (answered < i || !mc_open(&clients[i], daemon->address))
            continue;
        mc_timeout(&clients[i], 1);
        answered += mc_negotiate(&clients[i]);
    }
    return answered;
}

Test(daemon, takes_all_descriptors_that_it_may_have)
{
    struct daemon daemon;
    struct mc clients[CONNECTIONS];
    struct rlimit before, few;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = (struct rlimit){40, before.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    daemon_start(&daemon, true, "");
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    cr_expect_eq(connect_many(&daemon, clients), CONNECTIONS);
    g_autofree char *log = daemon_log(&daemon);
    cr_expect_not_null(strstr(log, "debug: open files: at most "), "%s", log);
    for (int i = 0; i < CONNECTIONS; i++)
        mc_close(&clients[i]);
    daemon_stop(&daemon);
}

static unsigned long processor_ticks(const struct daemon *daemon)
{
    unsigned long user = 0, system = 0;
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)daemon->pid);
    g_autofree char *text = NULL;
    cr_assert(g_file_get_contents(path, &text, NULL, NULL));
    const char *behind_name = strrchr(text, ')'); /* proc(5): utime and stime are fields 14 and 15 */
    cr_assert_eq(sscanf(behind_name, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system), 2);
    return user + system;
}

Test(daemon, out_of_descriptors)
{
    struct daemon daemon;
    struct mc clients[CONNECTIONS];
    daemon_start(&daemon, true, "");
    cr_assert_eq(prlimit(daemon.pid, RLIMIT_NOFILE, &(struct rlimit){40, 40}, NULL), 0);
    cr_expect_lt(connect_many(&daemon, clients), 40);
    unsigned long begin = processor_ticks(&daemon);
    g_usleep(G_USEC_PER_SEC);
    cr_expect_lt(processor_ticks(&daemon) - begin, (unsigned long)sysconf(_SC_CLK_TCK) / 10, "it does not spin");
    cr_expect(daemon_wait_log(&daemon, "a connection has to wait: Too many open files", 1));
    for (int i = 0; i < CONNECTIONS; i++)
        mc_close(&clients[i]);
    cr_expect(send_signed(&daemon), "it serves again");
    daemon_stop(&daemon);
}

/* With Nagle's algorithm on, each message would take 40 ms. */
Test(daemon, inet_is_not_delayed)
{
    struct daemon daemon;
    struct mc client;
    daemon_start(&daemon, false, "");
    cr_assert(daemon_client(&client, &daemon));
    gint64 fastest = G_MAXINT64;
    for (int i = 0; i < 20; i++) {
        struct mc_outcome outcome;
        gint64 begin = g_get_monotonic_time();
        cr_assert(daemon_exchange(&client, ALICE, BOB, MESSAGE, strlen(MESSAGE), 0, &outcome));
        fastest = MIN(fastest, g_get_monotonic_time() - begin);
        mc_outcome_clear(&outcome);
    }
    cr_expect_lt(fastest, 30000, "%" G_GINT64_FORMAT " microseconds", fastest);
    mc_quit(&client);
    daemon_stop(&daemon);
}

Test(daemon, quarantine)
{
    struct daemon daemon;
    struct mc client;
    struct mc_outcome outcome;
    daemon_start(&daemon, true, "");
    g_autofree char *policy = g_build_filename(daemon.folder, "acme", "policy.d", NULL);
    folder_write(policy, "partner.test.conf",
                 "domain = \"partner.test\"; inbound = { require = \"sign\"; otherwise = \"quarantine\"; };\n");
    kill(daemon.pid, SIGHUP);
    cr_assert(daemon_wait_log(&daemon, "is in force", 1));
    const char *message = "From: bob@partner.test\r\nTo: alice@acme.test\r\nSubject: x\r\n\r\nnot signed\r\n";
    cr_assert(daemon_client(&client, &daemon));
    cr_assert(daemon_exchange(&client, BOB, ALICE, message, strlen(message), 0, &outcome));
    cr_expect(mc_accepted(&outcome), "'%c' %s", outcome.disposition, outcome.reply);
    cr_expect_not_null(outcome.quarantine);
    mc_outcome_clear(&outcome);
    mc_quit(&client);

    /* A mail server without a quarantine: deferred, never delivered. */
    cr_assert(mc_open(&client, daemon.address) &&
              mc_negotiate_as(&client, 6, MC_ALL_ACTIONS & ~MC_QUARANTINE, MC_ALL_STEPS));
    cr_assert(mc_connect(&client, "localhost", "127.0.0.1") && mc_helo(&client, "localhost"));
    cr_assert(daemon_exchange(&client, BOB, ALICE, message, strlen(message), 0, &outcome));
    cr_expect(outcome.reply != NULL && outcome.reply[0] == '4', "'%c' %s", outcome.disposition, outcome.reply);
    mc_outcome_clear(&outcome);
    mc_quit(&client);
    daemon_stop(&daemon);
}

Test(daemon, becomes_its_user)
{
    struct daemon daemon;
    struct stat status;
    if (geteuid() != 0)
        cr_skip_test("needs root");
    daemon_start(&daemon, true, "user = \"nobody\";\n");
    /* The socket accepts connections before the daemon has become its user. */
    cr_assert(daemon_wait_log(&daemon, "started, version", 1));
    g_autofree char *path = g_strdup_printf("/proc/%d", (int)daemon.pid);
    cr_assert_eq(stat(path, &status), 0);
    cr_expect_neq(status.st_uid, 0);
    uid_t user = status.st_uid;
    cr_assert_eq(stat(daemon.address + strlen("local:"), &status), 0);
    cr_expect_eq(status.st_uid, user);
    cr_expect(send_signed(&daemon));
    /* What it may not read any more is a fault of the reload, and the old configuration goes on. */
    kill(daemon.pid, SIGHUP);
    cr_expect(daemon_wait_log(&daemon, "reload: rejected", 1));
    cr_expect(send_signed(&daemon));
    kill(daemon.pid, SIGTERM);
    cr_expect_eq(daemon_wait(&daemon), 0);
    g_unlink(daemon.address + strlen("local:"));
    daemon_free(&daemon);
}

/* Within five seconds of the start, and not again. */
Test(daemon, certificates_that_end_soon_are_logged)
{
    struct daemon daemon;
    daemon_start(&daemon, true, "");
    g_autofree char *anchors = g_build_filename(daemon.folder, "acme", "ca", NULL);
    PKI_AUTO struct pki *soon =
        pki_issue(&(struct pki_spec){.ca = true, .subject = PKI_LIST("CN=Soon"), .not_after = time(NULL) + 5 * 86400});
    g_free(pki_write(anchors, "ca.pem", soon, NULL));
    kill(daemon.pid, SIGHUP);
    cr_assert(daemon_wait_log(&daemon, "is in force", 1));
    cr_expect(daemon_wait_log(&daemon, "warning: /", 1));
    cr_expect(daemon_wait_log(&daemon, "the certificate of CN=Soon (anchor) ends on ", 1));
    daemon_stop(&daemon);
}
