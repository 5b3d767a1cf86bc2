/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sandbox.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each returns 0 where it may do what it tries. */

static int start_program(void)
{
    return execl("/bin/true", "true", NULL);
}

static int fork_process(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return child < 0;
}

static int change_user(void)
{
    return setuid(1);
}

static int open_file(void)
{
    return open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0;
}

static int open_socket(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0;
}

static int use_pipe(void)
{
    char byte = 0;
    return write(STDOUT_FILENO, &byte, 0) != 0 || getpid() <= 0;
}

static void *nothing(void *argument)
{
    return argument;
}

static int start_thread(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0;
}

static int unknown_call(void)
{
    return syscall(100000) == -1 && errno == ENOSYS ? 0 : 1;
}

/* 0, 1, or 128 and the signal that ended it. */
static int try_in(enum sandbox sandbox, int (*act)(void))
{
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit none = {0, 0};
        struct error error = {0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGSYS, SIG_DFL);
        if (!sandbox_enter(sandbox, &error))
            _exit(77);
        _exit(act() == 0 ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

Test(sandbox, lets_each_process_do_its_work_alone)
{
    static const struct {
        const char *name;
        int (*act)(void);
        int daemon, keys;
    } rows[] = {
        {"start a program", start_program, 128 + SIGSYS, 128 + SIGSYS},
        {"start a process", fork_process, 128 + SIGSYS, 128 + SIGSYS},
        {"change the user", change_user, 128 + SIGSYS, 128 + SIGSYS},
        {"open a file", open_file, 0, 1},
        {"open a socket", open_socket, 0, 1},
        {"use what is open", use_pipe, 0, 0},
        {"start a thread", start_thread, 0, 1},
        {"a call of a later kernel", unknown_call, 0, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        cr_expect_eq(try_in(SANDBOX_DAEMON, rows[i].act), rows[i].daemon, "the daemon: %s", rows[i].name);
        cr_expect_eq(try_in(SANDBOX_KEYS, rows[i].act), rows[i].keys, "a key process: %s", rows[i].name);
    }
}

static gint step;

static void *wait_and_start(void *argument)
{
    while (g_atomic_int_get(&step) == 0)
        g_usleep(1000);
    execl("/bin/true", "true", NULL);
    return argument;
}

static int start_program_in_a_thread_before(void)
{
    g_atomic_int_set(&step, 1);
    g_usleep(5 * G_USEC_PER_SEC);
    return 1;
}

/* Threads that run already are not left out. */
Test(sandbox, holds_for_all_threads)
{
    pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        struct error error = {0};
        pthread_create(&thread, NULL, wait_and_start, NULL);
        if (!sandbox_enter(SANDBOX_KEYS, &error))
            _exit(77);
        _exit(start_program_in_a_thread_before());
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}
