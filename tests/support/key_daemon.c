/* SPDX-License-Identifier: Apache-2.0 */
#include "support/key_daemon.h"

#include "support/program.h"

#include <sys/resource.h>

pid_t child_of(pid_t process)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/task/%d/children", process, process);
    g_autofree char *text = NULL;
    return g_file_get_contents(path, &text, NULL, NULL) ? (pid_t)strtol(text, NULL, 10) : 0;
}

void wait_until_gone(pid_t process)
{
    for (unsigned i = 0; kill(process, 0) == 0 && i < PATIENCE * 20; i++)
        g_usleep(50000);
    cr_assert_neq(kill(process, 0), 0);
}

void allow_core(void)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    if (setrlimit(RLIMIT_CORE, &limit) == 0)
        return;
    cr_assert_eq(getrlimit(RLIMIT_CORE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CORE, &limit);
}

bool leaves_no_core(pid_t process)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/limits", process);
    g_autofree char *limits = NULL;
    cr_assert(g_file_get_contents(path, &limits, NULL, NULL), "%s", path);
    return g_regex_match_simple("Max core file size +0 +0 ", limits, 0, 0);
}

pid_t key_process(const struct daemon *daemon)
{
    for (unsigned i = 0; i < PATIENCE * 20; i++) {
        pid_t keeper = child_of(daemon->pid), process = keeper > 0 ? child_of(keeper) : 0;
        if (process > 0)
            return process;
        g_usleep(50000);
    }
    cr_assert_fail("no key process");
    return 0;
}

unsigned descriptors_of(pid_t process)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/fd", process);
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    unsigned count = 0;
    if (folder == NULL && geteuid() != 0)
        return 0;
    cr_assert_not_null(folder, "%s", path);
    while (g_dir_read_name(folder) != NULL)
        count++;
    return count;
}

enum outcome send_message(const struct daemon *daemon, const char *from, const char *to, const char *message)
{
    struct mc client;
    struct mc_outcome outcome = {0};
    bool whole =
        daemon_client(&client, daemon) && daemon_exchange(&client, from, to, message, strlen(message), 0, &outcome);
    bool deferred = whole && (outcome.disposition == 't' || (outcome.disposition == 'y' && outcome.reply[0] == '4'));
    bool is_signed = whole && mc_accepted(&outcome) && outcome.body != NULL;
    mc_outcome_clear(&outcome);
    mc_close(&client);
    return is_signed ? SIGNED : deferred ? DEFERRED : OTHER;
}

enum outcome send_to(const struct daemon *daemon, const char *to)
{
    return send_message(daemon, ALICE, to, MESSAGE);
}

bool signs_again(const struct daemon *daemon)
{
    for (unsigned i = 0; i < PATIENCE * 10; i++) {
        enum outcome outcome = send_to(daemon, BOB);
        if (outcome != DEFERRED)
            return outcome == SIGNED;
        g_usleep(100000);
    }
    return false;
}

/* --- messages all the time --- */

static gpointer flow_thread(gpointer data)
{
    struct flow *flow = data;
    while (g_atomic_int_get(&flow->stop) == 0)
        g_atomic_int_inc(&flow->counts[send_to(flow->daemon, BOB)]);
    return NULL;
}

void flow_begin(struct flow *flow, const struct daemon *daemon)
{
    *flow = (struct flow){.daemon = daemon};
    for (size_t i = 0; i < G_N_ELEMENTS(flow->threads); i++)
        flow->threads[i] = g_thread_new("flow", flow_thread, flow);
}

void flow_wait(struct flow *flow, gint more)
{
    gint wanted = g_atomic_int_get(&flow->counts[SIGNED]) + more;
    for (unsigned i = 0; g_atomic_int_get(&flow->counts[SIGNED]) < wanted && i < PATIENCE * 20; i++)
        g_usleep(50000);
}

void flow_end(struct flow *flow)
{
    g_atomic_int_set(&flow->stop, 1);
    for (size_t i = 0; i < G_N_ELEMENTS(flow->threads); i++)
        g_thread_join(flow->threads[i]);
}

/* --- a key in a token --- */

void token_daemon_prepare(struct daemon *daemon, const struct token_home *home, const char *extra)
{
    g_autofree char *address = g_strdup_printf("local:%s/milter", home->folder);
    g_autofree char *lines = g_strdup_printf("state_directory = \"%s\";\n%s", home->folder, extra);
    *daemon = (struct daemon){.address = g_strdup(address)};
    daemon->folder = daemon_folder(address, lines);
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
}

void token_daemon_start(struct daemon *daemon)
{
    daemon->pid = daemon_spawn(daemon->conf, daemon->log);
    g_autofree char *log = daemon_wait_listening(daemon) ? NULL : daemon_log(daemon);
    cr_assert_null(log, "the daemon did not start:\n%s", log);
}

void token_daemon_stop(struct daemon *daemon)
{
    g_autofree char *log = daemon_log(daemon);
    cr_expect_null(strstr(log, "1234"), "the PIN is in the log:\n%s", log);
    daemon_stop(daemon);
}
