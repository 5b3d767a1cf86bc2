/* SPDX-License-Identifier: Apache-2.0 */
#include "secret_refusal.h"

#include "base/bytes.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define GROUP "refused"
#define PREFIX "refused-pin-"

void secret_refusal_clear(struct secret_refusal *refusal)
{
    g_free(refusal->file);
    *refusal = (struct secret_refusal){0};
}

void secret_refusal_note(struct secret_refusal *refusal, const char *file)
{
    struct stat status = {0};
    char *copy = g_strdup(file);
    if (stat(file, &status) != 0)
        status = (struct stat){0};
    secret_refusal_clear(refusal);
    refusal->file = copy;
    refusal->status = status;
}

/* Not by its device, whose number may change when the machine starts. */
static bool is_same(const struct stat *now, const struct stat *then)
{
    return now->st_ino == then->st_ino && now->st_size == then->st_size &&
           now->st_mtim.tv_sec == then->st_mtim.tv_sec && now->st_mtim.tv_nsec == then->st_mtim.tv_nsec;
}

bool secret_refusal_holds(const struct secret_refusal *refusal, const char *file)
{
    struct stat now;
    return file != NULL && g_strcmp0(refusal->file, file) == 0 && stat(file, &now) == 0 &&
           is_same(&now, &refusal->status);
}

/* --- over the end of this process --- */

static char *path_of(const char *folder, const char *name)
{
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);
    digest[16] = '\0';
    g_autofree char *file = g_strconcat(PREFIX, digest, NULL);
    return g_build_filename(folder, file, NULL);
}

/* The owner of the folder is the account of the daemon, which must be able to read it when root has written it. */
static bool give(const char *path, const char *folder)
{
    struct stat status;
    return geteuid() != 0 || (stat(folder, &status) == 0 && lchown(path, status.st_uid, status.st_gid) == 0);
}

bool secret_refusal_save(const struct secret_refusal *refusal, const char *folder, const char *name,
                         struct error *error)
{
    if (folder == NULL || refusal->file == NULL)
        return true;
    g_autofree char *path = path_of(folder, name);
    g_autoptr(GKeyFile) text = g_key_file_new();
    g_autoptr(GError) failure = NULL;
    g_key_file_set_comment(text, NULL, NULL, " A PIN that the token refused; it is tried again when its file changes.",
                           NULL);
    g_key_file_set_string(text, GROUP, "token", name);
    g_key_file_set_string(text, GROUP, "file", refusal->file);
    g_key_file_set_uint64(text, GROUP, "inode", refusal->status.st_ino);
    g_key_file_set_int64(text, GROUP, "size", refusal->status.st_size);
    g_key_file_set_int64(text, GROUP, "seconds", refusal->status.st_mtim.tv_sec);
    g_key_file_set_int64(text, GROUP, "nanoseconds", refusal->status.st_mtim.tv_nsec);
    gsize length = 0;
    g_autofree char *octets = g_key_file_to_data(text, &length, NULL);
    if (!g_file_set_contents_full(path, octets, (gssize)length, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &failure))
        return error_set(error, ERROR_TEMPORARY, "%s", failure->message);
    return give(path, folder) || error_set(error, ERROR_TEMPORARY, "%s: %s", path, g_strerror(errno));
}

/* Returns the name of the token; g_free(). NULL: it cannot be read. */
static char *read_file(const char *path, struct secret_refusal *refusal)
{
    g_autoptr(GKeyFile) text = g_key_file_new();
    if (!g_key_file_load_from_file(text, path, G_KEY_FILE_NONE, NULL))
        return NULL;
    refusal->file = g_key_file_get_string(text, GROUP, "file", NULL);
    refusal->status.st_ino = (ino_t)g_key_file_get_uint64(text, GROUP, "inode", NULL);
    refusal->status.st_size = g_key_file_get_int64(text, GROUP, "size", NULL);
    refusal->status.st_mtim.tv_sec = g_key_file_get_int64(text, GROUP, "seconds", NULL);
    refusal->status.st_mtim.tv_nsec = g_key_file_get_int64(text, GROUP, "nanoseconds", NULL);
    return g_key_file_get_string(text, GROUP, "token", NULL);
}

void secret_refusal_load(struct secret_refusal *refusal, const char *folder, const char *name)
{
    if (folder == NULL)
        return;
    g_autofree char *path = path_of(folder, name);
    secret_refusal_clear(refusal);
    g_free(read_file(path, refusal));
}

void secret_refusal_forget(const char *folder, const char *name)
{
    if (folder == NULL)
        return;
    g_autofree char *path = path_of(folder, name);
    (void)g_unlink(path);
}

char **secret_refusal_list(const char *folder)
{
    GPtrArray *list = g_ptr_array_new();
    GDir *directory = g_dir_open(folder, 0, NULL);
    for (const char *name; directory != NULL && (name = g_dir_read_name(directory)) != NULL;) {
        struct secret_refusal refusal = {0};
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *token = text_begins_with(name, PREFIX) ? read_file(path, &refusal) : NULL;
        if (secret_refusal_holds(&refusal, refusal.file))
            g_ptr_array_add(list, g_strdup_printf("the token %s refused the PIN in %s, which has not changed since",
                                                  token, refusal.file));
        secret_refusal_clear(&refusal);
    }
    if (directory != NULL)
        g_dir_close(directory);
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}
