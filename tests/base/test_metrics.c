/* SPDX-License-Identifier: Apache-2.0 */
/* metrics: exposition format, sorting, atomic replacement of the file, threads. */
#include "base/metrics.h"

#include <criterion/criterion.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *printed(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    metrics_print(stream);
    fclose(stream);
    return text;
}

Test(metrics, sorted_with_types)
{
    metrics_reset();
    metrics_add("domsec_messages_total", "direction=\"outbound\"", 1);
    metrics_add("domsec_messages_total", "direction=\"inbound\"", 2);
    metrics_add("domsec_messages", NULL, 1);
    metrics_add("domsec_messages_total", NULL, 0.5);
    metrics_add("domsec_messages_total", "direction=\"inbound\"", 3);
    metrics_add("domsec_bytes_total", NULL, 123456789012345.0);
    char *text = printed();
    cr_expect_str_eq(text, "# TYPE domsec_bytes_total counter\n"
                           "domsec_bytes_total 123456789012345\n"
                           "# TYPE domsec_messages counter\n"
                           "domsec_messages 1\n"
                           "# TYPE domsec_messages_total counter\n"
                           "domsec_messages_total 0.5\n"
                           "domsec_messages_total{direction=\"inbound\"} 5\n"
                           "domsec_messages_total{direction=\"outbound\"} 1\n");
    free(text);
}

Test(metrics, a_label_cannot_start_a_line)
{
    metrics_reset();
    metrics_add("a", "x=\"1\n2\"", 1);
    char *text = printed();
    cr_expect_str_eq(text, "# TYPE a counter\na{x=\"1\\x0A2\"} 1\n");
    free(text);
    metrics_reset();
    text = printed();
    cr_expect_str_eq(text, "");
    free(text);
}

static gpointer add_many(gpointer unused)
{
    (void)unused;
    for (int i = 0; i < 10000; i++)
        metrics_add("hits", i % 2 == 0 ? "k=\"even\"" : "k=\"odd\"", 1);
    return NULL;
}

Test(metrics, threads)
{
    GThread *threads[4];
    metrics_reset();
    for (int i = 0; i < 4; i++)
        threads[i] = g_thread_new("add", add_many, NULL);
    for (int i = 0; i < 4; i++)
        g_thread_join(threads[i]);
    char *text = printed();
    cr_expect_str_eq(text, "# TYPE hits counter\nhits{k=\"even\"} 20000\nhits{k=\"odd\"} 20000\n");
    free(text);
}

Test(metrics, save_replaces_and_leaves_nothing_else)
{
    struct error error = {0};
    g_autofree char *folder = g_dir_make_tmp("domsec-metrics-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "domsec.prom", NULL);
    g_autofree char *text = NULL;
    metrics_reset();
    metrics_add("a", NULL, 1);
    cr_assert(g_file_set_contents(path, "an older and longer content\n", -1, NULL));
    umask(0077);
    cr_assert(metrics_save(path, &error), "%s", error.text);
    cr_assert(g_file_get_contents(path, &text, NULL, NULL));
    cr_expect_str_eq(text, "# TYPE a counter\na 1\n");
    GStatBuf status;
    cr_assert(g_stat(path, &status) == 0);
    cr_expect_eq(status.st_mode & 07777, 0644, "the collector can read it, whatever the umask");
    g_unlink(path);
    cr_expect(g_rmdir(folder) == 0, "a temporary file was left");
}

Test(metrics, save_fails_cleanly)
{
    struct error error = {0};
    g_autofree char *folder = g_dir_make_tmp("domsec-metrics-XXXXXX", NULL);
    cr_expect(!metrics_save("/nonexistent/folder/x.prom", &error));
    cr_expect(error.kind == ERROR_TEMPORARY);
    cr_expect(strstr(error.text, "/nonexistent/folder/x.prom") != NULL);
    error = (struct error){0};
    /* The target is a folder with content: the rename fails after the temporary file was written. */
    g_autofree char *target = g_build_filename(folder, "target", NULL);
    g_autofree char *inside = g_build_filename(target, "inside", NULL);
    cr_assert(g_mkdir_with_parents(inside, 0700) == 0);
    cr_expect(!metrics_save(target, &error));
    cr_expect(error.kind == ERROR_TEMPORARY);
    g_rmdir(inside);
    g_rmdir(target);
    cr_expect(g_rmdir(folder) == 0, "a temporary file was left");
}
