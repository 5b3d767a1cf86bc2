/* SPDX-License-Identifier: Apache-2.0 */
/* scratch: a folder of a test's own, with the files that the test writes; gone when it ends. */
#ifndef DOMSEC_TESTS_CONF_SCRATCH_H
#define DOMSEC_TESTS_CONF_SCRATCH_H

#include "conf/conf.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <string.h>

static char *scratch; /* the folder */

static inline void scratch_remove(const char *path)
{
    GDir *folder = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
    for (const char *name; folder != NULL && (name = g_dir_read_name(folder)) != NULL;) {
        g_autofree char *inner = g_build_filename(path, name, NULL);
        scratch_remove(inner);
    }
    if (folder != NULL)
        g_dir_close(folder);
    g_remove(path);
}

static inline void scratch_setup(void)
{
    scratch = g_dir_make_tmp("domsec-test-XXXXXX", NULL);
    cr_assert_not_null(scratch);
}

static inline void scratch_teardown(void)
{
    scratch_remove(scratch);
    g_clear_pointer(&scratch, g_free);
}

static inline char *scratch_path(const char *name)
{
    return g_build_filename(scratch, name, NULL);
}

static inline void scratch_write(const char *name, const char *text)
{
    g_autofree char *path = scratch_path(name);
    g_autofree char *folder = g_path_get_dirname(path);
    cr_assert_eq(g_mkdir_with_parents(folder, 0700), 0);
    cr_assert(g_file_set_contents(path, text, -1, NULL));
}

/* Loads domsec.conf of the scratch folder. */
static inline struct conf *scratch_load(struct faults *faults)
{
    g_autofree char *file = scratch_path("domsec.conf");
    return conf_load(file, faults);
}

/* All faults, one per line, with the scratch folder's name left out. */
static inline char *scratch_faults(const struct faults *faults)
{
    g_autofree char *prefix = g_strconcat(scratch, "/", NULL);
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < faults_count(faults); i++)
        g_string_append_printf(text, "%s%s", i > 0 ? "\n" : "", faults_at(faults, i));
    g_string_replace(text, prefix, "", 0);
    return g_string_free(text, FALSE);
}

/* scratch_load() that fails the test with the faults if there are any. */
static inline struct conf *scratch_load_good(void)
{
    owned(faults) struct faults *faults = faults_new();
    struct conf *conf = scratch_load(faults);
    g_autofree char *text = scratch_faults(faults);
    cr_assert_str_eq(text, "");
    cr_assert_not_null(conf);
    return conf;
}

#endif
