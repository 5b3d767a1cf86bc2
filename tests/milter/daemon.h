/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon: starts the real domsec-milter on a folder of its own and ends it again. Header-only; a failure of the
 * harness aborts the test.
 */
#ifndef DOMSEC_TESTS_MILTER_DAEMON_H
#define DOMSEC_TESTS_MILTER_DAEMON_H

#include "../tools/milter_client.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

struct daemon {
    char *folder, *conf, *log, *address;
    pid_t pid;
};

MC const char *build_folder(void)
{
    const char *folder = getenv("DOMSEC_BUILD");
    cr_assert_not_null(folder, "DOMSEC_BUILD is not set");
    return folder;
}

MC int run_program(const char *const *arguments)
{
    int status = -1;
    g_autoptr(GError) error = NULL;
    g_autofree char *output = NULL, *errors = NULL;
    cr_assert(
        g_spawn_sync(NULL, (char **)arguments, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, &errors, &status, &error),
        "%s", error != NULL ? error->message : "");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

MC void write_file(const char *folder, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    cr_assert(g_file_set_contents(path, text, -1, NULL));
}

MC unsigned free_port(void)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(name);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(bind(fd, (struct sockaddr *)&name, length) == 0);
    cr_assert(getsockname(fd, (struct sockaddr *)&name, &length) == 0);
    close(fd);
    return ntohs(name.sin_port);
}

#define POLICY_SIGN                                                                                                    \
    "domain = \"partner.test\"; outbound = { protect = \"sign\"; };\ninbound = { require = \"none\"; };\n"             \
    "null_signature = false;\n"

/* A new folder with acme/ in it, made by `domsec init`. */
MC char *make_folder(const char *listen, const char *extra)
{
    g_autofree char *domsec = g_build_filename(build_folder(), "domsec", NULL);
    char *folder = g_dir_make_tmp("domsec-milter-XXXXXX", NULL);
    g_autofree char *home = g_build_filename(folder, "acme", NULL);
    cr_assert_not_null(folder);
    const char *init[] = {domsec, "init",     "--domain", "acme.test", "--algorithm",
                          "p256", "--listen", listen,     home,        NULL};
    cr_assert_eq(run_program(init), 0, "domsec init failed");
    g_autofree char *conf = g_build_filename(home, "domsec.conf", NULL);
    g_autofree char *text = NULL;
    cr_assert(g_file_get_contents(conf, &text, NULL, NULL));
    g_autofree char *whole =
        g_strdup_printf("%s\nspool_directory = \"%s\";\nlog_level = \"debug\";\n%s\n", text, folder, extra);
    cr_assert(g_file_set_contents(conf, whole, -1, NULL));
    g_autofree char *policy = g_build_filename(home, "policy.d", NULL);
    write_file(policy, "partner.test.conf", POLICY_SIGN);
    return folder;
}

MC pid_t spawn_daemon(const char *conf, const char *log)
{
    g_autofree char *program = g_build_filename(build_folder(), "domsec-milter", NULL);
    fflush(NULL);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing running */
        int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(out, 1);
        dup2(out, 2);
        execl(program, "domsec-milter", "-f", "-c", conf, (char *)NULL);
        _exit(127);
    }
    return pid;
}

/* True once it takes connections; false if it ended before. */
MC bool wait_listening(const struct daemon *daemon)
{
    for (int i = 0; i < 1000; i++) {
        struct mc client;
        bool open = mc_open(&client, daemon->address);
        mc_close(&client);
        if (open)
            return true;
        if (waitpid(daemon->pid, NULL, WNOHANG) == daemon->pid)
            return false;
        g_usleep(20000);
    }
    return false;
}

MC char *read_log(const struct daemon *daemon)
{
    char *text = NULL;
    return g_file_get_contents(daemon->log, &text, NULL, NULL) ? text : g_strdup("");
}

/* unix_socket: else inet on a free port. extra: more lines of configuration. */
MC void daemon_start(struct daemon *daemon, bool unix_socket, const char *extra)
{
    g_autofree char *place = g_dir_make_tmp("domsec-socket-XXXXXX", NULL);
    daemon->address =
        unix_socket ? g_strdup_printf("local:%s/milter", place) : g_strdup_printf("inet:%u@127.0.0.1", free_port());
    daemon->folder = make_folder(daemon->address, extra);
    daemon->conf = g_build_filename(daemon->folder, "acme", "domsec.conf", NULL);
    daemon->log = g_build_filename(daemon->folder, "log", NULL);
    daemon->pid = spawn_daemon(daemon->conf, daemon->log);
    if (!wait_listening(daemon)) {
        g_autofree char *log = read_log(daemon);
        cr_assert_fail("the daemon did not start:\n%s", log);
    }
    if (!unix_socket)
        g_rmdir(place);
}

/* Waits for its end; the exit status, or 128 + signal. */
MC int daemon_wait(struct daemon *daemon)
{
    int status = 0;
    for (int i = 0; i < 3000; i++) {
        if (waitpid(daemon->pid, &status, WNOHANG) == daemon->pid) {
            daemon->pid = 0;
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
        g_usleep(10000);
    }
    kill(daemon->pid, SIGKILL);
    waitpid(daemon->pid, &status, 0);
    daemon->pid = 0;
    return -1;
}

MC void daemon_free(struct daemon *daemon)
{
    const char *const remove[] = {"rm", "-rf", daemon->folder, NULL};
    g_autoptr(GError) error = NULL;
    g_spawn_sync(NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, &error);
    if (strncmp(daemon->address, "local:", 6) == 0) {
        g_autofree char *place = g_path_get_dirname(daemon->address + 6);
        g_rmdir(place);
    }
    g_free(daemon->folder);
    g_free(daemon->conf);
    g_free(daemon->log);
    g_free(daemon->address);
}

/* SIGTERM; must end with 0 and without a word from a sanitizer. */
MC void daemon_stop(struct daemon *daemon)
{
    kill(daemon->pid, SIGTERM);
    int status = daemon_wait(daemon);
    g_autofree char *log = read_log(daemon);
    cr_expect_eq(status, 0, "ended with %d:\n%s", status, log);
    cr_expect_null(strstr(log, "Sanitizer"), "%s", log);
    cr_expect_null(strstr(log, "runtime error"), "%s", log);
    daemon_free(daemon);
}

/* Waits until the log holds this text n times. */
MC bool wait_log(const struct daemon *daemon, const char *text, unsigned times)
{
    for (int i = 0; i < 1500; i++) {
        g_autofree char *log = read_log(daemon);
        unsigned seen = 0;
        for (const char *at = log; (at = strstr(at, text)) != NULL; at++)
            seen++;
        if (seen >= times)
            return true;
        g_usleep(10000);
    }
    return false;
}

/* A connection of a trusted client, past HELO. */
MC bool client_ready(struct mc *client, const struct daemon *daemon)
{
    if (!mc_open(client, daemon->address))
        return false;
    mc_timeout(client, 30);
    return mc_negotiate(client) &&
           mc_macros(client, SMFIC_CONNECT, "{client_addr}", "127.0.0.1", "{daemon_name}", "test", NULL) &&
           mc_connect(client, "localhost", "127.0.0.1") && mc_helo(client, "localhost");
}

#define MESSAGE                                                                                                        \
    "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\nSubject: =?utf-8?q?fold=C3=A9d?=\r\n over two lines\r\n" \
    "Date: Mon, 01 Jan 2024 00:00:00 +0000\r\nMessage-ID: <1@acme.test>\r\nMIME-Version: 1.0\r\n"                      \
    "Content-Type: text/plain; charset=us-ascii\r\n\r\nHello Bob.\r\nA second line.\r\n"

/* Sender, one recipient, a whole message, end. */
MC bool exchange(struct mc *client, const char *from, const char *to, const char *message, size_t length, size_t chunk,
                 struct mc_outcome *outcome)
{
    *outcome = (struct mc_outcome){0};
    return mc_mail(client, from, NULL) && mc_rcpt(client, to) && mc_data(client) &&
           mc_message(client, message, length, chunk) && mc_macros(client, SMFIC_BODYEOB, "i", "4TEST", NULL) &&
           mc_end(client, outcome);
}

#define ALICE "<alice@acme.test>"
#define BOB "<bob@partner.test>"
#define CAROL "<carol@other.test>"

#endif
