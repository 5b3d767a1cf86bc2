/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: the one place that writes to syslog or standard error.
 *
 * A line is formatted on the stack and leaves in one call, so that threads need no lock and never mix their lines.
 * Syslog's files do not show the priority, so errors and warnings say it in words there too, as Postfix does. Not for
 * a report that somebody asked for: that goes to standard output.
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

/* Until log_open(): standard error, so that nothing said early is lost. */
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
    /* Where the log itself cannot be written there is nobody left to tell. */
    if (write(STDERR_FILENO, line, length) < 0)
        return;
}
