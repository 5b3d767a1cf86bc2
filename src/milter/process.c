/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process: makes the program a daemon.
 *
 * The parent stays until the child is ready, so that its caller sees the exit status, and the errors on standard
 * error. Under systemd (NOTIFY_SOCKET) the process stays in the foreground and notifies systemd.
 */
#include "process.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

/* The end of the pipe on which the parent waits; -1 in the foreground. It is set before any thread starts. */
static int parent = -1;

static void wait_for_child(pid_t child, int ready)
{
    char byte;
    int status;
    ssize_t got;
    do
        got = read(ready, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got == 1)
        _exit(EX_OK);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            _exit(EX_OSERR);
    _exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : EX_SOFTWARE);
}

bool process_background(struct error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set(error, ERROR_TEMPORARY, "pipe: %s", g_strerror(errno));
    pid_t child = fork();
    if (child < 0)
        return error_set(error, ERROR_TEMPORARY, "fork: %s", g_strerror(errno));
    if (child > 0) {
        close(ends[1]);
        wait_for_child(child, ends[0]);
    }
    close(ends[0]);
    parent = ends[1];
    if (setsid() < 0 || chdir("/") != 0)
        return error_set(error, ERROR_TEMPORARY, "cannot go into the background: %s", g_strerror(errno));
    return true;
}

void process_ready(void)
{
    if (parent < 0)
        return;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        if (null > STDERR_FILENO)
            close(null);
    }
    /* If the parent is gone, there is no process to notify. */
    if (write(parent, "", 1) < 0)
        errno = 0;
    close(parent);
    parent = -1;
}

void process_raise_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    rlim_t before = files.rlim_cur;
    files.rlim_cur = files.rlim_max;
    if (before != files.rlim_max && setrlimit(RLIMIT_NOFILE, &files) != 0)
        files.rlim_cur = before;
    log_write(LOG_LEVEL_DEBUG, "open files: at most %llu", (unsigned long long)files.rlim_cur);
}

bool process_write_pid(const char *path, struct error *error)
{
    if (path == NULL)
        return true;
    g_autofree char *text = g_strdup_printf("%ld\n", (long)getpid());
    g_autoptr(GError) cause = NULL;
    if (!g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, &cause))
        return error_set(error, ERROR_CONFIGURATION, "pid_file: %s", cause->message);
    return true;
}

bool process_under_systemd(void)
{
    const char *socket = getenv("NOTIFY_SOCKET");
    return socket != NULL && *socket != '\0';
}

void process_notify_ready(void)
{
    sd_notify(0, "READY=1\nSTATUS=Filtering mail");
}

void process_notify_reloading(void)
{
    struct timespec now;
    /* Type=notify-reload (systemd 253) needs the time; older versions ignore it. */
    clock_gettime(CLOCK_MONOTONIC, &now);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void process_notify_stopping(void)
{
    sd_notify(0, "STOPPING=1\nSTATUS=Finishing messages in progress");
}
