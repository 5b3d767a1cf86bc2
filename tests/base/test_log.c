/* SPDX-License-Identifier: Apache-2.0 */
/* log: one printable line per call on standard error, whole also when threads write at once, filtered by level. */
#include "base/log.h"

#include <criterion/criterion.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

/* Runs write_lines() with standard error in a file and gives back what arrived there. */
static char *captured(void (*write_lines)(void))
{
    char path[] = "/tmp/domsec-test-log-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    unlink(path);
    int saved = dup(STDERR_FILENO);
    dup2(fd, STDERR_FILENO);
    write_lines();
    dup2(saved, STDERR_FILENO);
    close(saved);
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = g_malloc0((size_t)size + 1);
    cr_assert(pread(fd, text, (size_t)size, 0) == size);
    close(fd);
    return text;
}

static void write_levels(void)
{
    log_open("domsec-milter", true, LOG_LEVEL_WARNING);
    log_write(LOG_LEVEL_ERROR, "one %d", 1);
    log_write(LOG_LEVEL_WARNING, "two\nforged: error: three");
    log_write(LOG_LEVEL_INFO, "not shown");
    log_set_level(LOG_LEVEL_DEBUG);
    log_write(LOG_LEVEL_DEBUG, "shown %%s");
}

Test(log, levels_and_printable)
{
    g_autofree char *text = captured(write_levels);
    cr_expect_str_eq(text, "domsec-milter: error: one 1\n"
                           "domsec-milter: warning: two\\x0Aforged: error: three\n"
                           "domsec-milter: debug: shown %s\n");
}

static void write_long(void)
{
    g_autofree char *longer = g_strnfill(100000, 'a');
    log_open("n", true, LOG_LEVEL_INFO);
    log_write(LOG_LEVEL_INFO, "%s", longer);
}

Test(log, long_line_is_cut_but_ends)
{
    g_autofree char *text = captured(write_long);
    size_t length = strlen(text);
    cr_expect(length > 4000 && length < 10000);
    cr_expect(text[length - 1] == '\n');
    cr_expect(strchr(text, '\n') == text + length - 1);
}

static gpointer write_many(gpointer letter)
{
    g_autofree char *line = g_strnfill(200, *(char *)letter);
    for (int i = 0; i < 200; i++)
        log_write(LOG_LEVEL_INFO, "%s", line);
    return NULL;
}

static void write_threads(void)
{
    GThread *threads[4];
    static char letters[] = "abcd";
    log_open("t", true, LOG_LEVEL_INFO);
    for (int i = 0; i < 4; i++)
        threads[i] = g_thread_new("log", write_many, &letters[i]);
    for (int i = 0; i < 4; i++)
        g_thread_join(threads[i]);
}

Test(log, threads_do_not_mix_lines)
{
    g_autofree char *text = captured(write_threads);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    unsigned count = 0;
    for (char **line = lines; *line != NULL && **line != '\0'; line++, count++) {
        cr_assert(strlen(*line) == strlen("t: info: ") + 200, "%s", *line);
        const char *first = *line + strlen("t: info: ");
        cr_assert(strspn(first, (char[]){*first, '\0'}) == 200);
    }
    cr_expect(count == 800);
}
