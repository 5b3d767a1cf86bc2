/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are read whole, and what is refused instead of waited for. */
#include "base/file.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder;

static void make(void)
{
    g_autofree char *big = g_strnfill(200000, 'x');
    folder = g_dir_make_tmp("domsec-file-XXXXXX", NULL);
    cr_assert(folder != NULL && g_chdir(folder) == 0);
    cr_assert(g_file_set_contents("text", "a\nb\n", 4, NULL) && g_file_set_contents("nul", "a\0b", 3, NULL) &&
              g_file_set_contents("empty", "", 0, NULL) && g_file_set_contents("big", big, 200000, NULL));
    cr_assert(symlink("text", "link") == 0 && symlink("pipe", "link-to-pipe") == 0 && symlink("x", "broken") == 0);
    cr_assert(mkfifo("pipe", 0600) == 0 && mkdir("folder", 0700) == 0);
}

static void clean(void)
{
    static const char *const names[] = {"text",         "nul",    "empty", "big",   "link",
                                        "link-to-pipe", "broken", "pipe",  "folder"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        g_remove(names[i]);
    g_rmdir(folder);
    g_free(folder);
}

TestSuite(file, .init = make, .fini = clean, .timeout = 10);

Test(file, reads)
{
    static const struct {
        const char *path;
        size_t length;
        const char *start; /* NULL: refused */
        const char *reason;
    } rows[] = {
        {"text", 4, "a\nb\n", NULL},
        {"link", 4, "a\nb\n", NULL},
        {"nul", 3, "a", NULL},
        {"empty", 0, "", NULL},
        {"big", 200000, "xxx", NULL},
        {"pipe", 0, NULL, "not a regular file"},
        {"link-to-pipe", 0, NULL, "not a regular file"},
        {"folder", 0, NULL, "is a directory"},
        {"/dev/zero", 0, NULL, "not a regular file"},
        {"nothing", 0, NULL, "No such file or directory"},
        {"broken", 0, NULL, "No such file or directory"},
        {"text/x", 0, NULL, "Not a directory"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct error error = {0};
        size_t length = 0;
        g_autofree char *text = file_read(rows[i].path, &length, &error);
        cr_assert_eq(text != NULL, rows[i].start != NULL, "row %zu: %s", i, error.text);
        if (text == NULL) {
            cr_expect_eq(error.kind, ERROR_CONFIGURATION, "row %zu", i);
            cr_expect_str_eq(error.text, rows[i].reason, "row %zu", i);
            continue;
        }
        cr_expect_eq(length, rows[i].length, "row %zu", i);
        cr_expect(g_str_has_prefix(text, rows[i].start) && text[length] == '\0', "row %zu", i);
    }
}

/* domsec cert import <(command) */
Test(file, descriptor_of_the_caller)
{
    struct error error = {0};
    size_t length = 0;
    int ends[2];
    cr_assert(pipe(ends) == 0 && write(ends[1], "piped", 5) == 5);
    close(ends[1]);
    g_autofree char *path = g_strdup_printf("/dev/fd/%d", ends[0]);
    g_autofree char *text = file_read(path, &length, &error);
    cr_assert_not_null(text, "%s", error.text);
    cr_expect(length == 5 && strcmp(text, "piped") == 0);
    close(ends[0]);
}
