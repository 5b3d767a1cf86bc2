/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon and the process that holds its private keys. */
#include "keys/keys.h"
#include "support/key_daemon.h"
#include "support/pki.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <pwd.h>
#include <sys/stat.h>

/* --- memory --- */

/* In pieces that overlap, because sanitizers make large buffers costly. */
static bool region_has(int memory, unsigned long from, unsigned long to, const unsigned char *octets, size_t length)
{
    static char piece[1 << 16];
    for (unsigned long at = from; at < to; at += sizeof(piece) - length) {
        ssize_t got = pread(memory, piece, MIN(sizeof(piece), to - at), (off_t)at);
        if (got <= 0)
            return false;
        if (memmem(piece, (size_t)got, octets, length) != NULL)
            return true;
    }
    return false;
}

static bool memory_has(pid_t process, const unsigned char *octets, size_t length)
{
    g_autofree char *maps = g_strdup_printf("/proc/%d/maps", process);
    g_autofree char *path = g_strdup_printf("/proc/%d/mem", process);
    g_autofree char *text = NULL;
    int memory = open(path, O_RDONLY | O_CLOEXEC);
    bool found = false;
    cr_assert(memory >= 0 && g_file_get_contents(maps, &text, NULL, NULL), "process %d", process);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL && !found; line++) {
        unsigned long from, to;
        char rights[8];
        if (sscanf(*line, "%lx-%lx %7s", &from, &to, rights) == 3 && rights[0] == 'r' && to - from < (256UL << 20))
            found = region_has(memory, from, to, octets, length);
    }
    close(memory);
    return found;
}

/* --- */

static void search_for_key(const struct daemon *daemon, const char *name)
{
    g_autofree char *uri = g_strdup_printf("file:%s/acme/keys/%s", daemon->folder, name);
    struct error error = {0};
    owned(EVP_PKEY) EVP_PKEY *key = keys_load(uri, &error);
    cr_assert_not_null(key, "%s", error.text);
    owned(BIGNUM) BIGNUM *number = NULL;
    cr_assert(EVP_PKEY_get_bn_param(
        key, EVP_PKEY_is_a(key, "RSA") ? OSSL_PKEY_PARAM_RSA_FACTOR1 : OSSL_PKEY_PARAM_PRIV_KEY, &number));
    unsigned char forwards[512], backwards[512];
    int length = BN_bn2bin(number, forwards);
    cr_assert_eq(BN_bn2lebinpad(number, backwards, length), length);
    length = MIN(length, 24); /* as numbers are held, and as files are */
    pid_t process = key_process(daemon);
    cr_expect(memory_has(process, backwards, (size_t)length), "%s: the test sees what it is to see", name);
    const pid_t others[] = {daemon->pid, child_of(daemon->pid)};
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        cr_expect_not(memory_has(others[i], backwards, (size_t)length), "%s", name);
        cr_expect_not(memory_has(others[i], forwards, (size_t)length), "%s", name);
    }
}

Test(key_process, holds_the_private_keys_alone)
{
    if (geteuid() != 0)
        cr_skip_test("only root may read the memory of a key process");
    struct daemon daemon;
    daemon_start(&daemon, true, "");
    cr_expect_eq(send_to(&daemon, BOB), SIGNED);
    search_for_key(&daemon, "dsa.key");
    search_for_key(&daemon, "dca.key");
    kill(daemon.pid, SIGHUP);
    cr_assert(daemon_wait_log(&daemon, "is in force", 1));
    cr_expect_eq(send_to(&daemon, BOB), SIGNED);
    search_for_key(&daemon, "dsa.key");
    daemon_stop(&daemon);
}

Test(key_process, can_be_left_out)
{
    struct daemon daemon;
    allow_core();
    daemon_start(&daemon, true, "key_process = false;");
    cr_expect_eq(send_to(&daemon, BOB), SIGNED);
    cr_expect_eq(child_of(child_of(daemon.pid)), 0);
    cr_expect(leaves_no_core(daemon.pid));
    daemon_stop(&daemon);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static bool is_filtered(pid_t process)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/status", process);
    g_autofree char *text = NULL;
    return g_file_get_contents(path, &text, NULL, NULL) && strstr(text, "\nSeccomp:\t2\n") != NULL;
}

Test(key_process, and_the_daemon_give_up_what_they_do_not_need)
{
    static const char *const extras[] = {"", "seccomp = false;"};
    for (size_t i = 0; i < G_N_ELEMENTS(extras); i++) {
        struct daemon daemon;
        daemon_start(&daemon, true, extras[i]);
        cr_expect_eq(send_to(&daemon, BOB), SIGNED);
        cr_expect_eq(is_filtered(daemon.pid), i == 0);
        cr_expect_eq(is_filtered(key_process(&daemon)), i == 0);
        daemon_stop(&daemon);
    }
}
#endif

/* Killed, stopped and reloaded while mail flows: each message is signed or deferred. */
Test(key_process, is_lost_while_mail_flows, .timeout = 100)
{
    struct daemon daemon;
    struct flow flow;
    daemon_start(&daemon, true, "lookup_timeout = 1;");
    flow_begin(&flow, &daemon);
    for (unsigned i = 0; i < 9; i++) {
        kill(key_process(&daemon), i % 3 == 1 ? SIGSTOP : SIGKILL);
        if (i % 3 == 2)
            kill(daemon.pid, SIGHUP);
        flow_wait(&flow, 10);
    }
    flow_end(&flow);
    cr_expect_eq(flow.counts[OTHER], 0, "%d lost or refused", flow.counts[OTHER]);
    cr_expect_gt(flow.counts[DEFERRED], 0, "the test sees what it is to see");
    cr_expect_geq(flow.counts[SIGNED], 90);
    cr_expect(signs_again(&daemon));
    daemon_stop(&daemon);
}

Test(key_process, a_reload_with_a_bad_key_is_refused_and_changes_nothing)
{
    struct daemon daemon;
    daemon_start(&daemon, true, "");
    g_autofree char *file = g_build_filename(daemon.folder, "acme", "keys", "dsa.key", NULL);
    g_autofree char *good = NULL;
    gsize length;
    pid_t before = key_process(&daemon);
    cr_assert(g_file_get_contents(file, &good, &length, NULL));
    cr_assert(g_file_set_contents(file, "no key", -1, NULL));
    kill(daemon.pid, SIGHUP);
    cr_assert(daemon_wait_log(&daemon, "reload: rejected", 1));
    g_autofree char *log = daemon_log(&daemon);
    cr_expect_not_null(strstr(log, "contains no private key"), "%s", log);
    cr_expect_eq(send_to(&daemon, BOB), SIGNED);
    cr_expect_eq(key_process(&daemon), before);
    cr_assert(g_file_set_contents_full(file, good, (gssize)length, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
    kill(daemon.pid, SIGHUP);
    cr_assert(daemon_wait_log(&daemon, "is in force", 1));
    cr_expect_eq(send_to(&daemon, BOB), SIGNED);
    wait_until_gone(before); /* the process of the old configuration */
    daemon_stop(&daemon);
}

static void open_to_all(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    cr_assert_eq(chmod(path, g_file_test(path, G_FILE_TEST_IS_DIR) ? 0755 : 0644), 0, "%s", path);
}

/* Which the account of the daemon cannot read, neither at the start nor at a reload. */
Test(key_process, reads_keys_of_root)
{
    if (geteuid() != 0)
        cr_skip_test("needs root");
    struct daemon daemon;
    static const char *const names[] = {"",
                                        "acme",
                                        "acme/keys",
                                        "acme/ca",
                                        "acme/certs.d",
                                        "acme/policy.d",
                                        "acme/domsec.conf",
                                        "acme/keys/dsa.pem",
                                        "acme/keys/dca.pem",
                                        "acme/ca/ca.pem",
                                        "acme/policy.d/partner.test.conf"};
    daemon_start(&daemon, true, "user = \"nobody\";\n");
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        open_to_all(daemon.folder, names[i]);
    g_autofree char *box = g_build_filename(daemon.folder, "acme", "keys", "split.key", NULL);
    cr_assert_eq(chown(box, getpwnam("nobody")->pw_uid, 0), 0); /* the daemon's own secret */
    cr_assert_eq(chmod(daemon.folder, 01777), 0);               /* its spool */
    g_autofree char *key = g_build_filename(daemon.folder, "acme", "keys", "dsa.key", NULL);
    cr_assert(chmod(key, 0600) == 0 && chown(key, 0, 0) == 0);
    kill(daemon.pid, SIGHUP);
    bool taken = daemon_wait_log(&daemon, "is in force", 1);
    g_autofree char *log = daemon_log(&daemon);
    cr_expect(taken, "%s", log);
    cr_expect_eq(send_to(&daemon, BOB), SIGNED);
    kill(key_process(&daemon), SIGKILL);
    cr_expect_eq(send_to(&daemon, BOB), SIGNED, "it waits for the next process");
    kill(daemon.pid, SIGTERM);
    cr_expect_eq(daemon_wait(&daemon), 0);
    g_unlink(daemon.address + strlen("local:"));
    daemon_free(&daemon);
}

/* Whoever starts the daemon starts it again, with a new keeper. */
Test(key_process, cannot_come_back_without_its_keeper)
{
    struct daemon daemon;
    daemon_start(&daemon, true, "");
    cr_expect_eq(send_to(&daemon, BOB), SIGNED);
    kill(child_of(daemon.pid), SIGKILL);
    cr_expect_eq(daemon_wait(&daemon), 70);
    g_autofree char *log = daemon_log(&daemon);
    cr_expect_not_null(strstr(log, "the process that starts the key processes has ended"));
    daemon_free(&daemon);
}

/* systemd sends SIGTERM to all processes of a service: the keys serve the messages in hand. */
Test(key_process, outlives_the_end_of_the_daemon_by_nothing)
{
    struct daemon daemon;
    struct mc client;
    struct mc_outcome outcome = {0};
    daemon_start(&daemon, true, "");
    pid_t keeper = child_of(daemon.pid), process = key_process(&daemon);
    cr_assert(daemon_client(&client, &daemon) && mc_mail(&client, ALICE, NULL) && mc_rcpt(&client, BOB) &&
              mc_message(&client, MESSAGE, strlen(MESSAGE), 0));
    const pid_t all[] = {process, keeper, daemon.pid};
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        kill(all[i], SIGTERM);
    cr_expect(daemon_wait_log(&daemon, "stopping after", 1));
    cr_expect(mc_end(&client, &outcome) && mc_accepted(&outcome) && outcome.body != NULL, "signed to the end");
    mc_outcome_clear(&outcome);
    mc_close(&client);
    daemon_stop(&daemon);
    wait_until_gone(process);
    wait_until_gone(keeper);
}
