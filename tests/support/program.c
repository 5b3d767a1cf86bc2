/* SPDX-License-Identifier: Apache-2.0 */
#include "support/program.h"

#include "conf/conf.h"

#include <errno.h>
#include <pwd.h>

char *program_path(const char *name)
{
    const char *build = g_getenv("DOMSEC_BUILD");
    cr_assert_not_null(build, "DOMSEC_BUILD is not set");
    return g_build_filename(build, name, NULL);
}

void cleanup_run(struct run *run)
{
    g_free(run->out);
    g_free(run->err);
}

int run_file(const char *bytes, gsize length)
{
    char name[] = "/tmp/domsec-test-XXXXXX";
    int fd = mkostemp(name, O_CLOEXEC);
    cr_assert(fd >= 0);
    unlink(name);
    cr_assert(write(fd, bytes, length) == (ssize_t)length);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static char *text_of(int fd, gsize *length)
{
    struct stat stat;
    cr_assert(fstat(fd, &stat) == 0);
    char *text = g_malloc0((gsize)stat.st_size + 1);
    cr_assert(pread(fd, text, (size_t)stat.st_size, 0) == stat.st_size);
    *length = (gsize)stat.st_size;
    close(fd);
    return text;
}

struct run run_words(char *const *words, const char *input, gsize length, int out)
{
    struct run run = {0};
    int in = run_file(input, length), kept_out = run_file("", 0), err = run_file("", 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out >= 0 ? out : kept_out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
    pid_t pid = 0;
    int status = 0;
    cr_assert(posix_spawnp(&pid, words[0], &actions, NULL, words, environ) == 0, "cannot start %s", words[0]);
    posix_spawn_file_actions_destroy(&actions);
    while (waitpid(pid, &status, 0) < 0)
        cr_assert(errno == EINTR);
    run.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    gsize err_length = 0;
    close(in);
    run.out = text_of(kept_out, &run.out_length);
    run.err = text_of(err, &err_length);
    return run;
}

int run_status(const char *const *words)
{
    owned(run) struct run run = run_words((char *const *)words, "", 0, -1);
    return run.status;
}

struct run run_with(const char *input, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *command = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_auto(GStrv) words = NULL;
    cr_assert(g_shell_parse_argv(command, NULL, &words, NULL), "%s", command);
    if (strcmp(words[0], "domsec") == 0) {
        g_free(words[0]);
        words[0] = program_path("domsec");
    }
    return run_words(words, input, strlen(input), -1);
}

void program_give(const char *folder, const char *account)
{
    if (account == NULL && getpwnam(CONF_USER_DEFAULT) != NULL)
        account = CONF_USER_DEFAULT;
    if (geteuid() != 0 || account == NULL)
        return;
    owned(run) struct run given = run("chown -R '%s' '%s'", account, folder);
    expect_status(given, 0);
}
