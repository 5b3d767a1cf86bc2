/* SPDX-License-Identifier: Apache-2.0 */
/* Files complete or not there at all, tables aligned and safe to show. */
#include "cli/output.h"

#include "support/program.h"

#include <locale.h>

Test(output, create_never_overwrites)
{
    owned(folder) char *dir = folder_new();
    g_autofree char *path = g_build_filename(dir, "key", NULL);
    struct error error = {0};
    cr_assert(output_create(path, 0600, slice_of("one"), &error));
    cr_expect_eq(folder_mode(dir, "key"), 0600);
    cr_expect_not(output_create(path, 0600, slice_of("two"), &error));
    cr_expect_eq(error.kind, ERROR_PERMANENT);
    g_autofree char *text = folder_read(dir, "key");
    cr_expect_str_eq(text, "one");
    g_autofree char *link = g_build_filename(dir, "link", NULL);
    cr_assert_eq(symlink("elsewhere", link), 0);
    cr_expect_not(output_create(link, 0600, slice_of("three"), &error));
    cr_expect_eq(folder_mode(dir, "elsewhere"), 0);
}

Test(output, replace_is_whole_and_leaves_no_traces)
{
    owned(folder) char *dir = folder_new();
    g_autofree char *path = g_build_filename(dir, "1.eml", NULL);
    owned(rope) struct rope *rope = rope_new();
    rope_copy(rope, slice_of("first "));
    rope_copy(rope, slice_of("second"));
    struct error error = {0};
    folder_write(dir, "1.eml", "what was there before, and longer");
    cr_assert(output_replace(path, 0640, rope, &error));
    g_autofree char *text = folder_read(dir, "1.eml");
    cr_expect_str_eq(text, "first second");
    cr_expect_eq(folder_mode(dir, "1.eml"), 0640);
    g_autoptr(GDir) folder = g_dir_open(dir, 0, NULL);
    unsigned count = 0;
    while (g_dir_read_name(folder) != NULL)
        count++;
    cr_expect_eq(count, 1);
    cr_expect_not(output_replace("/nonexistent/x", 0600, rope, &error));
    cr_expect_eq(error.kind, ERROR_TEMPORARY);
}

Test(output, wraps_between_words)
{
    const struct {
        const char *text;
        unsigned column, left, width;
        const char *wanted;
    } table[] = {
        {"one two three", 0, 2, 0, "one two three\n"},
        {"one two three", 0, 2, 13, "one two three\n"},
        {"one two three", 0, 2, 12, "one two\n  three\n"},
        {"one two\nthree", 0, 0, 7, "one two\nthree\n"},
        {"one two three", 4, 4, 8, "one\n    two\n    three\n"},
        {"incomprehensibilities of", 0, 1, 8, "incomprehensibilities\n of\n"},
        {"\xc3\xa4\xc3\xb6\xc3\xbc \xc3\xa4", 0, 0, 5, "\xc3\xa4\xc3\xb6\xc3\xbc \xc3\xa4\n"},
        {"", 0, 0, 5, "\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        char *text = NULL;
        size_t length = 0;
        FILE *stream = open_memstream(&text, &length);
        output_wrap(stream, table[i].text, table[i].column, table[i].left, table[i].width);
        fclose(stream);
        cr_expect_str_eq(text, table[i].wanted, "%zu: %s", i, text);
        free(text);
    }
}

Test(output, a_full_disk_is_told)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (full < 0)
        return;
    struct error error = {0};
    cr_expect_not(output_write(full, "the disk", slice_of("x"), &error));
    cr_expect_eq(error.kind, ERROR_TEMPORARY);
    close(full);
    FILE *stream = fopen("/dev/full", "w");
    cr_assert_not_null(stream);
    fputs("x", stream);
    cr_expect_not(output_close_stream(stream, "the disk", &error));
}

Test(output, tables_align_by_characters_and_show_no_control_characters)
{
    owned(table) struct table *table = table_new(3);
    const char *const rows[][3] = {{"name", "n", "last"}, {"m\303\274ller", NULL, "\033[31mred"}, {"a", "", "b"}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        table_row(table, rows[i]);
    cr_expect_eq(table_rows(table), 3);
    char text[256] = {0};
    int fd = run_file("", 0);
    FILE *stream = fdopen(dup(fd), "w");
    setlocale(LC_CTYPE, "C.UTF-8");
    table_print(table, stream, 2, true);
    fclose(stream);
    cr_assert(pread(fd, text, sizeof(text) - 1, 0) > 0);
    close(fd);
    cr_expect_str_eq(text, "  name    n  last\n  m\303\274ller  -  \\x1B[31mred\n  a       -  b\n");
}
