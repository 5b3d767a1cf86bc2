/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore: brings back what `domsec backup` wrote. Nothing is written before the whole backup was verified and each
 * place was found free, and nothing is seen under its name before all of it is on disk. What exists is not overwritten.
 */
#include "backup.h"

#include "backup_box.h"
#include "cli.h"
#include "keys/bundle.h"
#include "output.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <jansson.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE 65536

struct restore {
    struct backup_box *box;
    json_t *list; /* of backup.h */
    const char *to;
    char **targets, **temporaries; /* by the index of the file; temporaries NULL: not written, or in its place */
    size_t count;
    GPtrArray *made; /* folders that were made */
};

static bool read_list(struct restore *restore, struct error *error)
{
    guint64 length = 0;
    if (!backup_box_read(restore->box, (char *)&length, BACKUP_LENGTH, error))
        return false;
    length = GUINT64_FROM_BE(length);
    if (length > BACKUP_LIST_MAX)
        return error_set(error, ERROR_PERMANENT, "the list in the backup is too long");
    g_autofree char *text = g_malloc(length + 1);
    if (!backup_box_read(restore->box, text, length, error))
        return false;
    restore->list = json_loadb(text, length, 0, NULL);
    return json_is_array(json_object_get(restore->list, "files")) ||
           error_set(error, ERROR_PERMANENT, "the list in the backup cannot be read");
}

/* Where a path of the backup goes; NULL if it is not the absolute path of a file. g_free(). */
static char *place_of(const struct restore *restore, const json_t *entry)
{
    const char *path = json_string_value(json_object_get(entry, "path"));
    if (path == NULL || !g_path_is_absolute(path))
        return NULL;
    g_autofree char *canonical = g_canonicalize_filename(path, "/");
    if (strcmp(canonical, path) != 0)
        return NULL;
    return restore->to != NULL ? g_build_filename(restore->to, path, NULL) : steal(&canonical);
}

static bool is_taken(const char *target, bool is_store)
{
    struct stat status;
    g_autofree char *log = g_strconcat(target, "-wal", NULL), *index = g_strconcat(target, "-shm", NULL);
    /* The log of another database would be taken for that of this one. */
    return lstat(target, &status) == 0 || (is_store && (lstat(log, &status) == 0 || lstat(index, &status) == 0));
}

static bool find_targets(struct restore *restore, struct error *error)
{
    const json_t *files = json_object_get(restore->list, "files");
    restore->count = json_array_size(files);
    restore->targets = g_new0(char *, restore->count + 1);
    restore->temporaries = g_new0(char *, restore->count + 1);
    for (size_t i = 0; i < restore->count; i++) {
        const json_t *entry = json_array_get(files, i);
        restore->targets[i] = place_of(restore, entry);
        if (restore->targets[i] == NULL || json_integer_value(json_object_get(entry, "size")) < 0)
            return error_set(error, ERROR_PERMANENT, "the list in the backup cannot be read");
        if (is_taken(restore->targets[i], json_is_true(json_object_get(entry, "store"))))
            return error_set(error, ERROR_PERMANENT, "%s exists already; nothing was restored", restore->targets[i]);
    }
    return true;
}

static const char *text_of(const json_t *entry, const char *key)
{
    const char *text = json_string_value(json_object_get(entry, key));
    return text != NULL ? text : "";
}

/* Root gives it to the owner of old, if there is such an account here. */
static bool give(const char *path, const json_t *entry, mode_t fallback, struct error *error)
{
    const json_t *mode = json_object_get(entry, "mode");
    const struct passwd *owner = getpwnam(text_of(entry, "owner"));
    uid_t uid = owner != NULL ? owner->pw_uid : (uid_t)-1;
    const struct group *group = getgrnam(text_of(entry, "group"));
    gid_t gid = group != NULL ? group->gr_gid : (gid_t)-1;
    if ((geteuid() == 0 && lchown(path, uid, gid) != 0) ||
        chmod(path, mode != NULL ? (mode_t)json_integer_value(mode) & 0777 : fallback) != 0)
        return error_set(error, ERROR_TEMPORARY, "%s: %s", path, g_strerror(errno));
    return true;
}

static bool make_folders(struct restore *restore, struct error *error)
{
    size_t index;
    json_t *entry;
    if (restore->to != NULL && g_mkdir_with_parents(restore->to, 0700) != 0)
        return error_set(error, ERROR_TEMPORARY, "%s: %s", restore->to, g_strerror(errno));
    json_array_foreach(json_object_get(restore->list, "folders"), index, entry)
    {
        g_autofree char *path = place_of(restore, entry);
        if (path == NULL)
            return error_set(error, ERROR_PERMANENT, "the list in the backup cannot be read");
        if (g_mkdir(path, 0700) != 0) {
            if (errno == EEXIST)
                continue;
            return error_set(error, ERROR_TEMPORARY, "%s: %s", path, g_strerror(errno));
        }
        g_ptr_array_add(restore->made, g_strdup(path));
        if (!give(path, entry, 0700, error))
            return false;
    }
    return true;
}

static bool copy_out(struct restore *restore, int fd, const char *name, json_int_t size, struct error *error)
{
    g_autofree char *piece = g_malloc(PIECE);
    while (size > 0) {
        size_t length = (size_t)MIN(size, PIECE);
        if (!backup_box_read(restore->box, piece, length, error) ||
            !output_write(fd, name, (struct slice){piece, length}, error))
            return false;
        size -= (json_int_t)length;
    }
    explicit_bzero(piece, PIECE);
    return fsync(fd) == 0 || error_set(error, ERROR_TEMPORARY, "%s: %s", name, g_strerror(errno));
}

static bool write_one(struct restore *restore, size_t index, struct error *error)
{
    const json_t *entry = json_array_get(json_object_get(restore->list, "files"), index);
    char *temporary = g_strconcat(restore->targets[index], ".XXXXXX", NULL);
    int fd = g_mkstemp_full(temporary, O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) {
        error_set(error, ERROR_TEMPORARY, "cannot create %s: %s", temporary, g_strerror(errno));
        g_free(temporary);
        return false;
    }
    restore->temporaries[index] = temporary;
    bool good =
        copy_out(restore, fd, restore->targets[index], json_integer_value(json_object_get(entry, "size")), error);
    close(fd);
    if (!good)
        return false;
    if (json_is_true(json_object_get(entry, "store"))) {
        owned(store) struct store *store = store_open(temporary);
        if (!store_check(store, error))
            return false;
    }
    return give(temporary, entry, 0600, error);
}

/* Each gets its name, unless another file has got it meanwhile. */
static bool put_in_place(struct restore *restore, struct error *error)
{
    for (size_t i = 0; i < restore->count; i++) {
        if (link(restore->temporaries[i], restore->targets[i]) == 0)
            continue;
        error_set(error, ERROR_TEMPORARY, "%s: %s; nothing was restored", restore->targets[i], g_strerror(errno));
        while (i-- > 0)
            (void)g_unlink(restore->targets[i]);
        return false;
    }
    return true;
}

static void clear(struct restore *restore, bool good)
{
    for (size_t i = 0; i < restore->count; i++)
        if (restore->temporaries[i] != NULL)
            (void)g_unlink(restore->temporaries[i]);
    for (guint i = restore->made->len; !good && i > 0; i--)
        (void)g_rmdir(g_ptr_array_index(restore->made, i - 1));
    g_strfreev(restore->targets);
    g_strfreev(restore->temporaries);
    g_ptr_array_unref(restore->made);
    json_decref(restore->list);
}

static bool write_all(struct restore *restore, struct error *error)
{
    if (!read_list(restore, error) || !find_targets(restore, error) || !make_folders(restore, error))
        return false;
    for (size_t i = 0; i < restore->count; i++)
        if (!write_one(restore, i, error))
            return false;
    return backup_box_end(restore->box, error) && put_in_place(restore, error);
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *passphrase_file = NULL, *to = NULL;
    int operands = 0;
    const struct option_spec options[] = {
        {"passphrase-file", 0, OPTION_TEXT, &passphrase_file, "FILE", "file with the passphrase in its first line"},
        {"to", 0, OPTION_TEXT, &to, "DIR", "directory under which all paths are made; default: where they were"},
    };
    int status = cli_options(self, options, G_N_ELEMENTS(options), argc, argv, &operands);
    if (status != CLI_GO)
        return status;
    if (argc - operands != 1 || passphrase_file == NULL)
        return cli_usage(self, "one FILE and --passphrase-file are required");
    struct error error = {0};
    owned(passphrase) char *passphrase = backup_passphrase(passphrase_file, &error);
    owned(backup_box) struct backup_box *box =
        passphrase != NULL ? backup_box_open(argv[operands], passphrase, &error) : NULL;
    if (box == NULL)
        return cli_failed(&error);
    g_autofree char *under = to != NULL ? g_canonicalize_filename(to, NULL) : NULL;
    struct restore restore = {.box = box, .to = under, .made = g_ptr_array_new_with_free_func(g_free)};
    bool good = write_all(&restore, &error);
    if (good)
        printf("%zu files restored\n", restore.count);
    clear(&restore, good);
    return good ? EX_OK : cli_failed(&error);
}

const struct command command_restore = {
    .name = "restore",
    .arguments = "--passphrase-file FILE [--to DIR] FILE",
    .summary = "bring back what backup wrote",
    .details =
        "The whole backup is verified before anything is written. An existing file is never overwritten: if one\n"
        "is in the way, nothing is restored. Stop the daemon before.\n",
    .run = run,
};
