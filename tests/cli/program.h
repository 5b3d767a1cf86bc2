/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program: runs the built domsec (and openssl) as a user would, with standard input from a string and both outputs
 * kept; and a folder that goes away. For the tests of the command line.
 */
#ifndef TESTS_CLI_PROGRAM_H
#define TESTS_CLI_PROGRAM_H

#include "base/cleanup.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct run {
    int status; /* exit status, or 1000 + signal */
    char *out, *err;
    gsize out_length;
};

static inline void run_clear(struct run *run)
{
    g_free(run->out);
    g_free(run->err);
}
static inline __attribute__((unused)) void cleanup_run(struct run *run)
{
    run_clear(run);
}

static inline int scratch_file(const char *bytes, gsize length)
{
    char name[] = "/tmp/domsec-test-XXXXXX";
    int fd = mkstemp(name);
    cr_assert(fd >= 0);
    unlink(name);
    cr_assert(write(fd, bytes, length) == (ssize_t)length);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static inline char *scratch_text(int fd, gsize *length)
{
    struct stat stat;
    cr_assert(fstat(fd, &stat) == 0);
    char *text = g_malloc0((gsize)stat.st_size + 1);
    cr_assert(pread(fd, text, (size_t)stat.st_size, 0) == stat.st_size);
    *length = (gsize)stat.st_size;
    close(fd);
    return text;
}

/* out: a descriptor to be standard output instead of a file, or -1. */
static inline struct run run_words(char *const *words, const char *input, gsize length, int out)
{
    struct run run = {0};
    int in = scratch_file(input, length), kept_out = scratch_file("", 0), err = scratch_file("", 0);
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
    run.out = scratch_text(kept_out, &run.out_length);
    run.err = scratch_text(err, &err_length);
    return run;
}

/* The words of command are split as a shell does; "domsec" is the built program. */
static inline __attribute__((unused, format(printf, 2, 3))) struct run run_with(const char *input, const char *format,
                                                                                ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *command = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_auto(GStrv) words = NULL;
    cr_assert(g_shell_parse_argv(command, NULL, &words, NULL), "%s", command);
    if (strcmp(words[0], "domsec") == 0) {
        const char *build = g_getenv("DOMSEC_BUILD");
        g_free(words[0]);
        words[0] = g_build_filename(build != NULL ? build : "build", "domsec", NULL);
    }
    return run_words(words, input, strlen(input), -1);
}
#define run(...) run_with("", __VA_ARGS__)

static inline __attribute__((unused)) unsigned mode_of(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    struct stat stat;
    return lstat(path, &stat) == 0 ? (unsigned)(stat.st_mode & 07777) : 0;
}

static inline void remove_tree(const char *path)
{
    if (g_file_test(path, G_FILE_TEST_IS_DIR) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK)) {
        g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
        for (const char *name; folder != NULL && (name = g_dir_read_name(folder)) != NULL;) {
            g_autofree char *inner = g_build_filename(path, name, NULL);
            remove_tree(inner);
        }
    }
    g_remove(path);
}
static inline __attribute__((unused)) void cleanup_folder(char **path)
{
    remove_tree(*path);
    g_free(*path);
}
static inline __attribute__((unused)) char *new_folder(void)
{
    char *path = g_dir_make_tmp("domsec-cli-XXXXXX", NULL);
    cr_assert_not_null(path);
    return path;
}

static inline __attribute__((unused)) void write_text(const char *folder, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    cr_assert(g_file_set_contents(path, text, -1, NULL), "%s", path);
}

static inline __attribute__((unused)) char *read_text(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    char *text = NULL;
    return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

static inline __attribute__((unused)) void copy_file(const char *from_folder, const char *from, const char *to_folder,
                                                     const char *to)
{
    g_autofree char *text = read_text(from_folder, from);
    cr_assert_not_null(text, "%s/%s", from_folder, from);
    write_text(to_folder, to, text);
}

#define expect_status(run, wanted)                                                                                     \
    cr_expect_eq((run).status, wanted, "status %d, wanted %d\n%s%s", (run).status, wanted, (run).out, (run).err)
#define expect_contains(text, wanted) cr_expect(strstr(text, wanted) != NULL, "\"%s\" is not in:\n%s", wanted, text)

#endif
