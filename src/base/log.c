/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: the only file that writes to syslog, or to standard error in the foreground.
 *
 * A line is formatted on the stack and written by one call, so threads need no lock and never mix their lines. The
 * files of syslog do not show the priority, so errors and warnings begin with that word, as in Postfix. This is not
 * for results that a user requested, which go to standard output.
 */
#include "base/log.h"

#include "base/error.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define LINE_SIZE 8192 /* what rsyslog and journald take in one piece */

static const struct {
    const char *name;
    const char *syslog_prefix;
    int priority;
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", "error: ", LOG_ERR},
    [LOG_LEVEL_WARNING] = {"warning", "warning: ", LOG_WARNING},
    [LOG_LEVEL_INFO] = {"info", "", LOG_INFO},
    [LOG_LEVEL_DEBUG] = {"debug", "", LOG_DEBUG},
};

/* Before log_open(), lines go to standard error, so that none is lost. */
static const char *log_name = "domsec";
static bool log_to_stderr = true;
static atomic_int log_threshold = LOG_LEVEL_INFO;

void log_open(const char *name, bool to_stderr, enum log_level level)
{
    log_name = name;
    log_to_stderr = to_stderr;
    log_set_level(level);
    if (!to_stderr)
        openlog(name, LOG_PID | LOG_NDELAY, LOG_MAIL);
}

void log_set_level(enum log_level level)
{
    atomic_store(&log_threshold, (int)level);
}

void log_write(enum log_level level, const char *format, ...)
{
    char text[LINE_SIZE];
    char line[LINE_SIZE];
    va_list arguments;
    if ((int)level > atomic_load(&log_threshold))
        return;
    if ((unsigned)level > LOG_LEVEL_DEBUG)
        level = LOG_LEVEL_ERROR;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);

    if (!log_to_stderr) {
        text_printable(line, sizeof(line), text, strlen(text));
        syslog(LOG_MAIL | levels[level].priority, "%s%s", levels[level].syslog_prefix, line);
        return;
    }
    int used = snprintf(line, sizeof(line) / 2, "%s: %s: ", log_name, levels[level].name);
    size_t start = (size_t)used < sizeof(line) / 2 ? (size_t)used : sizeof(line) / 2 - 1;
    text_printable(line + start, sizeof(line) - start - 1, text, strlen(text));
    size_t length = strlen(line);
    line[length++] = '\n';
    /* A failure to write the log cannot be reported. */
    if (write(STDERR_FILENO, line, length) < 0)
        return;
}
