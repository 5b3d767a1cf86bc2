/* SPDX-License-Identifier: Apache-2.0 */
#include "support/folder.h"

#include <glib/gstdio.h>
#include <sys/stat.h>

char *folder_new(void)
{
    char *folder = g_dir_make_tmp("domsec-test-XXXXXX", NULL);
    g_assert_nonnull(folder);
    return folder;
}

static void remove_tree(const char *path)
{
    if (g_file_test(path, G_FILE_TEST_IS_DIR) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK)) {
        g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
        for (const char *name; folder != NULL && (name = g_dir_read_name(folder)) != NULL;) {
            g_autofree char *inner = g_build_filename(path, name, NULL);
            remove_tree(inner);
        }
    }
    g_remove(path);
}

void folder_remove(char *folder)
{
    if (folder == NULL)
        return;
    remove_tree(folder);
    g_free(folder);
}

char *folder_file(const char *folder, const char *name, const char *text)
{
    char *path = g_build_filename(folder, name, NULL);
    g_autofree char *parent = g_path_get_dirname(path);
    g_assert_true(g_mkdir_with_parents(parent, 0700) == 0);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    return path;
}

void folder_write(const char *folder, const char *name, const char *text)
{
    g_free(folder_file(folder, name, text));
}

char *folder_read(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    char *text = NULL;
    return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

void folder_copy(const char *from_folder, const char *from, const char *to_folder, const char *to)
{
    g_autofree char *text = folder_read(from_folder, from);
    if (text == NULL)
        g_error("%s/%s cannot be read", from_folder, from);
    folder_write(to_folder, to, text);
}

unsigned folder_mode(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    struct stat stat;
    return lstat(path, &stat) == 0 ? (unsigned)(stat.st_mode & 07777) : 0;
}
