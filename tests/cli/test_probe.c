/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a milter answers: a listener of the test's own that plays a good, a silent, a rude and an absent one. */
#include "cli/probe.h"

#include "support/program.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

struct player {
    int listener;
    const char *answer;
    size_t length;
};

static void *play(void *data)
{
    const struct player *player = data;
    int fd = accept(player->listener, NULL, NULL);
    char received[64];
    if (fd >= 0 && recv(fd, received, sizeof(received), 0) > 0 && player->length > 0)
        (void)send(fd, player->answer, player->length, MSG_NOSIGNAL);
    if (fd >= 0)
        close(fd);
    return NULL;
}

static bool probe(const char *answer, size_t length, unsigned *version, struct error *error)
{
    owned(folder) char *dir = folder_new();
    g_autofree char *path = g_build_filename(dir, "milter", NULL);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    struct player player = {socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), answer, length};
    cr_assert(bind(player.listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
              listen(player.listener, 1) == 0);
    GThread *thread = g_thread_new("milter", play, &player);
    g_autofree char *name = g_strconcat("local:", path, NULL);
    bool good = probe_milter(name, version, error);
    g_thread_join(thread);
    close(player.listener);
    return good;
}

Test(probe, answers)
{
    struct error error = {0};
    unsigned version = 0;
    static const char ours[] = "\0\0\0\050O\0\0\0\006\0\0\0\077\0\0\0\0\0\0\0\0{client_addr} {domsec}";
    cr_expect(probe(ours, sizeof(ours), &version, &error), "%s", error.text);
    cr_expect_eq(version, 6);
}

Test(probe, another_milter)
{
    struct error error = {0};
    unsigned version = 0;
    static const char other[] = "\0\0\0\035O\0\0\0\006\0\0\0\077\0\0\0\0\0\0\0\0{daemon_nam";
    cr_expect_not(probe("\0\0\0\015O\0\0\0\006\0\0\0\077\0\0\0\0", 17, &version, &error));
    expect_contains(error.text, "another milter answers on ");
    cr_expect_not(probe(other, sizeof(other), &version, &error));
    expect_contains(error.text, "another milter answers on ");
    cr_expect_not(probe("\0\0\020\0O\0\0\0\006\0\0\0\077\0\0\0\0", 17, &version, &error));
    expect_contains(error.text, "is not a milter");
}

Test(probe, what_is_no_milter)
{
    struct error error = {0};
    unsigned version = 0;
    cr_expect_not(probe("220 mx.partner.test ESMTP\r\n", 27, &version, &error));
    expect_contains(error.text, "is not a milter");
    cr_expect_not(probe("", 0, &version, &error));
    expect_contains(error.text, "no answer");
    cr_expect_not(probe_milter("local:/nonexistent/socket", &version, &error));
    expect_contains(error.text, "/nonexistent/socket");
    cr_expect_not(probe_milter("inet:1@127.0.0.1", &version, &error));
    expect_contains(error.text, "cannot connect to");
    cr_expect_not(probe_milter("inet:no-such-port@127.0.0.1", &version, &error));
}

Test(status, tells_what_is_wrong)
{
    owned(folder) char *dir = folder_new();
    owned(run) struct run made =
        run("domsec init --domain acme.test --algorithm p256 --listen local:%s/socket '%s/a'", dir, dir);
    expect_status(made, 0);
    owned(run) struct run text = run("domsec status -c '%s/a/domsec.conf'", dir);
    expect_status(text, 1);
    expect_contains(text.out, "cannot connect to");
    expect_contains(text.out, "domain-signing-authority");
    expect_contains(text.out, "(all others)");
    owned(run) struct run json = run("domsec status --json -c '%s/a/domsec.conf'", dir);
    expect_status(json, 1);
    expect_contains(json.out, "\"answers\": false");
    expect_contains(json.out, "\"key\": \"p-256\"");
}

Test(status, all_is_well_while_the_daemon_runs)
{
    owned(folder) char *dir = folder_new();
    owned(run) struct run made =
        run("domsec init --domain acme.test --algorithm p256 --listen local:%s/socket '%s/a'", dir, dir);
    expect_status(made, 0);
    g_autofree char *program = program_path("domsec-milter");
    g_autofree char *configuration = g_build_filename(dir, "a/domsec.conf", NULL);
    char *words[] = {program, (char *)"-f", (char *)"-c", configuration, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t daemon = 0;
    cr_assert_eq(posix_spawn(&daemon, program, &actions, NULL, words, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    for (int tries = 0; tries < 200 && folder_mode(dir, "socket") == 0; tries++)
        g_usleep(50 * 1000);
    owned(run) struct run text = run("domsec status -c '%s/a/domsec.conf'", dir);
    for (int tries = 0; tries < 20 && text.status != 0; tries++) { /* between bind() and listen() */
        g_usleep(50 * 1000);
        cleanup_run(&text);
        text = run("domsec status -c '%s/a/domsec.conf'", dir);
    }
    kill(daemon, SIGTERM);
    waitpid(daemon, NULL, 0);
    expect_status(text, 0);
    expect_contains(text.out, "answers on local:");
    expect_contains(text.out, "milter protocol 6");
}

Test(status, shows_counters)
{
    owned(folder) char *dir = folder_new();
    owned(run) struct run made =
        run("domsec init --domain acme.test --algorithm p256 --listen local:%s/socket '%s'", dir, dir);
    expect_status(made, 0);
    g_autofree char *configuration = folder_read(dir, "domsec.conf");
    g_autofree char *with = g_strconcat(configuration, "metrics_file = \"metrics.prom\";\n", NULL);
    folder_write(dir, "domsec.conf", with);
    folder_write(dir, "metrics.prom", "# TYPE x counter\nx{direction=\"inbound\",reason=\"a b\"} 7\n");
    owned(run) struct run text = run("domsec status -c '%s/domsec.conf'", dir);
    expect_contains(text.out, "x{direction=\"inbound\",reason=\"a b\"}  7\n");
    cr_expect_null(strstr(text.out, "# TYPE"));
    owned(run) struct run json = run("domsec status --json -c '%s/domsec.conf'", dir);
    expect_contains(json.out, "7.0");
}
