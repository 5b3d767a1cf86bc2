/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sendmail: Sendmail on a machine that is not set up for it, whose host name has no domain (Sendmail would wait a
 * minute for one before it reads its configuration) and which has no syslog.
 *
 *     LD_PRELOAD=…/sendmail.so SENDMAIL_HOST=mx.acme.test SENDMAIL_LOG=FILE sendmail …
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *host, *path;

/* Sendmail forgets its environment later. */
static __attribute__((constructor)) void remember(void)
{
    const char *name = getenv("SENDMAIL_HOST"), *file = getenv("SENDMAIL_LOG");
    host = name != NULL ? strdup(name) : NULL;
    path = file != NULL ? strdup(file) : NULL;
}

int gethostname(char *name, size_t size)
{
    if (host == NULL || strlen(host) >= size)
        return -1;
    memcpy(name, host, strlen(host) + 1);
    return 0;
}

static void write_line(const char *format, va_list arguments)
{
    int file = path != NULL ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644) : -1;
    if (file == -1)
        return;
    vdprintf(file, format, arguments);
    (void)!write(file, "\n", 1);
    close(file);
}

void syslog(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));
void __syslog_chk(int priority, int flag, const char *format, ...) __attribute__((format(printf, 3, 4)));

void syslog(int priority, const char *format, ...)
{
    va_list arguments;
    (void)priority;
    va_start(arguments, format);
    write_line(format, arguments);
    va_end(arguments);
}

/* What syslog() is in a program that was built with _FORTIFY_SOURCE. */
void __syslog_chk(int priority, int flag, const char *format, ...)
{
    va_list arguments;
    (void)priority, (void)flag;
    va_start(arguments, format);
    write_line(format, arguments);
    va_end(arguments);
}
