/* SPDX-License-Identifier: Apache-2.0 */
#include "support/daemon.h"

#include "support/program.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

unsigned daemon_free_port(void)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(name);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(bind(fd, (struct sockaddr *)&name, length) == 0);
    cr_assert(getsockname(fd, (struct sockaddr *)&name, &length) == 0);
    close(fd);
    return ntohs(name.sin_port);
}

/* Sanitizers start processes. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SECCOMP "seccomp = false;\n"
#define NOTES_CALLS false
#else
#define SECCOMP ""
#define NOTES_CALLS true
#endif

char *daemon_folder(const char *listen, const char *extra)
{
    g_autofree char *domsec = program_path("domsec");
    char *folder = folder_new();
    g_autofree char *home = g_build_filename(folder, "acme", NULL);
    const char *init[] = {domsec, "init",     "--domain", "acme.test", "--algorithm",
                          "p256", "--listen", listen,     home,        NULL};
    cr_assert_eq(run_status(init), 0, "domsec init failed");
    g_autofree char *text = folder_read(home, "domsec.conf");
    cr_assert_not_null(text);
    g_autofree char *whole =
        g_strdup_printf("%s\nspool_directory = \"%s\";\nlog_level = \"debug\";\n" SECCOMP "%s\n", text, folder, extra);
    folder_write(home, "domsec.conf", whole);
    folder_write(home, "policy.d/partner.test.conf", POLICY_SIGN);
    program_give(folder, "root"); /* whatever `user` is */
    return folder;
}

static char *refused_calls(const char *log)
{
    return g_strconcat(log, ".refused", NULL);
}

/* With what notes each system call that the sandbox refuses. */
static char **environment_for(const char *log)
{
    g_autofree char *ours = program_path("preload/refused.so"), *calls = refused_calls(log);
    const char *others = g_getenv("LD_PRELOAD");
    g_autofree char *preload = g_strconcat(ours, others != NULL ? ":" : "", others, NULL);
    char **environment = g_get_environ();
    if (!NOTES_CALLS)
        return environment;
    environment = g_environ_setenv(environment, "LD_PRELOAD", preload, TRUE);
    return g_environ_setenv(environment, "REFUSED_CALLS", calls, TRUE);
}

static void expect_no_refused_calls(const struct daemon *daemon)
{
    g_autofree char *file = refused_calls(daemon->log), *text = NULL;
    if (!g_file_get_contents(file, &text, NULL, NULL))
        return;
    cr_expect_str_empty(text, "the sandbox refused system calls:\n%s", text);
}

pid_t daemon_spawn(const char *conf, const char *log)
{
    g_autofree char *program = program_path("domsec-milter");
    g_auto(GStrv) environment = environment_for(log);
    fflush(NULL);
    pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing running */
        int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(out, 1);
        dup2(out, 2);
        execle(program, "domsec-milter", "-f", "-c", conf, (char *)NULL, environment);
        _exit(127);
    }
    return pid;
}

bool daemon_wait_listening(const struct daemon *daemon)
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

char *daemon_log(const struct daemon *daemon)
{
    char *text = NULL;
    return g_file_get_contents(daemon->log, &text, NULL, NULL) ? text : g_strdup("");
}

void daemon_start(struct daemon *daemon, bool unix_socket, const char *extra)
{
    char *place = folder_new();
    daemon->address = unix_socket ? g_strdup_printf("local:%s/milter", place)
                                  : g_strdup_printf("inet:%u@127.0.0.1", daemon_free_port());
    daemon->folder = daemon_folder(daemon->address, extra);
    daemon->conf = g_build_filename(daemon->folder, "acme", "domsec.conf", NULL);
    daemon->log = g_build_filename(daemon->folder, "log", NULL);
    daemon->pid = daemon_spawn(daemon->conf, daemon->log);
    if (!daemon_wait_listening(daemon)) {
        g_autofree char *log = daemon_log(daemon);
        cr_assert_fail("the daemon did not start:\n%s", log);
    }
    if (unix_socket)
        g_free(place); /* daemon_free() finds it in the address */
    else
        folder_remove(place);
}

int daemon_wait(struct daemon *daemon)
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

void daemon_free(struct daemon *daemon)
{
    if (strncmp(daemon->address, "local:", 6) == 0)
        folder_remove(g_path_get_dirname(daemon->address + 6));
    folder_remove(daemon->folder);
    g_free(daemon->conf);
    g_free(daemon->log);
    g_free(daemon->address);
}

void daemon_stop(struct daemon *daemon)
{
    kill(daemon->pid, SIGTERM);
    int status = daemon_wait(daemon);
    g_autofree char *log = daemon_log(daemon);
    cr_expect_eq(status, 0, "ended with %d:\n%s", status, log);
    cr_expect_null(strstr(log, "Sanitizer"), "%s", log);
    cr_expect_null(strstr(log, "runtime error"), "%s", log);
    expect_no_refused_calls(daemon);
    daemon_free(daemon);
}

bool daemon_wait_log(const struct daemon *daemon, const char *text, unsigned times)
{
    for (int i = 0; i < 1500; i++) {
        g_autofree char *log = daemon_log(daemon);
        unsigned seen = 0;
        for (const char *at = log; (at = strstr(at, text)) != NULL; at++)
            seen++;
        if (seen >= times)
            return true;
        g_usleep(10000);
    }
    return false;
}

bool daemon_client(struct mc *client, const struct daemon *daemon)
{
    if (!mc_open(client, daemon->address))
        return false;
    mc_timeout(client, 30);
    return mc_negotiate(client) &&
           mc_macros(client, SMFIC_CONNECT, "{client_addr}", "127.0.0.1", "{daemon_name}", "test", NULL) &&
           mc_connect(client, "localhost", "127.0.0.1") && mc_helo(client, "localhost");
}

bool daemon_exchange(struct mc *client, const char *from, const char *to, const char *message, size_t length,
                     size_t chunk, struct mc_outcome *outcome)
{
    *outcome = (struct mc_outcome){0};
    return mc_mail(client, from, NULL) && mc_rcpt(client, to) && mc_data(client) &&
           mc_message(client, message, length, chunk) && mc_macros(client, SMFIC_BODYEOB, "i", "4TEST", NULL) &&
           mc_end(client, outcome);
}
