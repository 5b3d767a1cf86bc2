/* SPDX-License-Identifier: Apache-2.0 */
#include "support/scratch.h"

char *scratch;

void scratch_setup(void)
{
    scratch = folder_new();
}

void scratch_teardown(void)
{
    g_clear_pointer(&scratch, folder_remove);
}

char *scratch_path(const char *name)
{
    return g_build_filename(scratch, name, NULL);
}

void scratch_write(const char *name, const char *text)
{
    folder_write(scratch, name, text);
}

struct conf *scratch_load(struct faults *faults)
{
    g_autofree char *file = scratch_path("domsec.conf");
    return conf_load(file, faults);
}

char *scratch_faults(const struct faults *faults)
{
    g_autofree char *prefix = g_strconcat(scratch, "/", NULL);
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < faults_count(faults); i++)
        g_string_append_printf(text, "%s%s", i > 0 ? "\n" : "", faults_at(faults, i));
    g_string_replace(text, prefix, "", 0);
    return g_string_free(text, FALSE);
}

struct conf *scratch_load_good(void)
{
    owned(faults) struct faults *faults = faults_new();
    struct conf *conf = scratch_load(faults);
    g_autofree char *text = scratch_faults(faults);
    cr_assert_str_eq(text, "");
    cr_assert_not_null(conf);
    return conf;
}
