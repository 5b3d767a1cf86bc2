/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup: writes configuration, policies, keys, certificates and the store into one encrypted file. What belongs to it
 * is what the keys of the configuration name (conf/paths.h).
 */
#include "backup.h"

#include "backup_box.h"
#include "base/file.h"
#include "cli.h"
#include "conf/paths.h"
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

#define DEPTH_MAX 8 /* folders in each other */

struct file {
    char *path;
    char *contents; /* NULL: the store, whose copy has this size */
    size_t size;
};

struct collection {
    GPtrArray *files;     /* struct file * */
    GHashTable *seen;     /* their paths */
    GHashTable *folders;  /* paths of folders */
    json_t *list, *nests; /* the arrays of the JSON */
    struct error *error;
    bool failed;
};

static void file_free(void *data)
{
    struct file *file = data;
    if (file->contents != NULL)
        explicit_bzero(file->contents, file->size); /* it may be a key */
    g_free(file->contents);
    g_free(file->path);
    g_free(file);
}

static json_t *describe(const char *path, const struct stat *status)
{
    const struct passwd *owner = getpwuid(status->st_uid);
    json_t *json = json_object();
    json_object_set_new(json, "path", json_string(path));
    json_object_set_new(json, "mode", json_integer(status->st_mode & 07777));
    json_object_set_new(json, "owner", json_string(owner != NULL ? owner->pw_name : ""));
    const struct group *group = getgrgid(status->st_gid);
    json_object_set_new(json, "group", json_string(group != NULL ? group->gr_name : ""));
    return json;
}

/* Outer folders first. */
static void add_folders(struct collection *all, const char *path)
{
    struct stat status;
    g_autofree char *folder = g_path_get_dirname(path);
    if (strcmp(folder, path) == 0 || !g_hash_table_add(all->folders, g_strdup(folder)))
        return;
    add_folders(all, folder);
    if (stat(folder, &status) == 0)
        json_array_append_new(all->nests, describe(folder, &status));
}

static void add_listed(struct collection *all, struct file *file, const struct stat *status, bool is_store)
{
    json_t *json = describe(file->path, status);
    add_folders(all, file->path);
    if (json_object_get(json, "path") == NULL && !all->failed) {
        error_set(all->error, ERROR_CONFIGURATION, "%s: the name is not UTF-8", file->path);
        all->failed = true;
    }
    json_object_set_new(json, "size", json_integer((json_int_t)file->size));
    json_object_set_new(json, "store", json_boolean(is_store));
    json_array_append_new(all->list, json);
    g_ptr_array_add(all->files, file);
}

static void add_path(struct collection *all, const char *path, unsigned depth);

static void add_folder(struct collection *all, const char *path, unsigned depth)
{
    g_autoptr(GDir) folder = depth < DEPTH_MAX ? g_dir_open(path, 0, NULL) : NULL;
    if (folder == NULL) {
        all->failed = true;
        error_set(all->error, ERROR_CONFIGURATION, "%s: the directory cannot be read", path);
        return;
    }
    for (const char *name; (name = g_dir_read_name(folder)) != NULL;) {
        g_autofree char *inside = g_build_filename(path, name, NULL);
        add_path(all, inside, depth + 1);
    }
}

static void add_path(struct collection *all, const char *path, unsigned depth)
{
    struct stat status;
    if (all->failed || !g_hash_table_add(all->seen, g_strdup(path)))
        return;
    bool is_there = stat(path, &status) == 0;
    if (depth > 0 && (!is_there || (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode))))
        return; /* a directory may hold anything else; nothing reads it */
    if (!is_there) {
        all->failed = true;
        error_set(all->error, ERROR_CONFIGURATION, "%s: %s", path, g_strerror(errno));
        return;
    }
    if (S_ISDIR(status.st_mode)) {
        add_folder(all, path, depth);
        return;
    }
    struct file *file = g_new0(struct file, 1);
    file->path = g_strdup(path);
    file->contents = file_read(path, &file->size, all->error);
    if (file->contents != NULL) {
        add_listed(all, file, &status, false);
        return;
    }
    error_prefix(all->error, "%s", path);
    all->failed = true;
    file_free(file);
}

static void see(void *context, const char *path)
{
    add_path(context, path, 0);
}

/* --- the store --- */

/* A copy of the database beside the backup, where there is room for it. *copy stays NULL if there is no store. */
static bool copy_store(const struct conf *conf, const char *target, char **copy, struct error *error)
{
    if (conf->store == NULL || !g_file_test(store_file(conf->store), G_FILE_TEST_EXISTS))
        return true;
    g_autofree char *temporary = g_strconcat(target, ".XXXXXX", NULL);
    int fd = g_mkstemp_full(temporary, O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(error, ERROR_TEMPORARY, "cannot create %s: %s", temporary, g_strerror(errno));
    close(fd);
    owned(store) struct store *store = store_open(conf->store);
    *copy = steal(&temporary);
    return store_copy(store, *copy, error);
}

static bool add_store(struct collection *all, const struct conf *conf, const char *copy)
{
    struct stat status, copied;
    const char *path = store_file(conf->store);
    if (stat(path, &status) != 0 || stat(copy, &copied) != 0)
        return error_set(all->error, ERROR_TEMPORARY, "%s: %s", path, g_strerror(errno));
    struct file *file = g_new0(struct file, 1);
    file->path = g_strdup(path);
    file->size = (size_t)copied.st_size;
    add_listed(all, file, &status, true);
    return true;
}

/* --- writing --- */

static bool write_store(struct backup_box *box, const char *copy, size_t size, struct error *error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(GMappedFile) map = g_mapped_file_new(copy, FALSE, &failure);
    if (map == NULL || g_mapped_file_get_length(map) != size)
        return error_set(error, ERROR_TEMPORARY, "%s: %s", copy,
                         failure != NULL ? failure->message : "another program has changed it");
    return backup_box_write(box, (struct slice){g_mapped_file_get_contents(map), size}, error);
}

static bool write_contents(const struct collection *all, const char *copy, struct backup_box *box, struct error *error)
{
    json_t *json = json_pack("{s:O, s:O}", "files", all->list, "folders", all->nests);
    g_autofree char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    guint64 length = GUINT64_TO_BE((guint64)strlen(text));
    G_STATIC_ASSERT(sizeof(length) == BACKUP_LENGTH);
    if (!backup_box_write(box, (struct slice){(const char *)&length, sizeof(length)}, error) ||
        !backup_box_write(box, slice_of(text), error))
        return false;
    for (guint i = 0; i < all->files->len; i++) {
        const struct file *file = g_ptr_array_index(all->files, i);
        if (file->contents != NULL ? !backup_box_write(box, (struct slice){file->contents, file->size}, error)
                                   : !write_store(box, copy, file->size, error))
            return false;
    }
    return backup_box_finish(box, error);
}

/* The file appears when it is whole. */
static bool write_file(const struct collection *all, const char *copy, const char *target, const char *passphrase,
                       struct error *error)
{
    g_autofree char *temporary = g_strconcat(target, ".XXXXXX", NULL);
    int fd = g_mkstemp_full(temporary, O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(error, ERROR_TEMPORARY, "cannot create %s: %s", target, g_strerror(errno));
    owned(backup_box) struct backup_box *box = backup_box_new(fd, target, passphrase, error);
    bool good = box != NULL && write_contents(all, copy, box, error);
    if (good && (fsync(fd) != 0 || link(temporary, target) != 0))
        good = error_set(error, errno == EEXIST ? ERROR_PERMANENT : ERROR_TEMPORARY, "cannot create %s: %s", target,
                         errno == EEXIST ? "it exists already" : g_strerror(errno));
    close(fd);
    (void)g_unlink(temporary);
    return good;
}

static bool make(const struct conf *conf, const char *target, const char *passphrase, struct error *error)
{
    struct collection all = {.files = g_ptr_array_new_with_free_func(file_free),
                             .seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                             .folders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                             .list = json_array(),
                             .nests = json_array(),
                             .error = error};
    char *copy = NULL;
    conf_each_path(conf, see, &all);
    bool good = !all.failed && copy_store(conf, target, &copy, error) &&
                (copy == NULL || add_store(&all, conf, copy)) && !all.failed &&
                write_file(&all, copy, target, passphrase, error);
    if (good)
        printf("%u files%s in %s\n", all.files->len, copy != NULL ? ", with the store," : "", target);
    if (copy != NULL)
        (void)g_unlink(copy);
    g_free(copy);
    g_ptr_array_unref(all.files);
    g_hash_table_destroy(all.seen);
    g_hash_table_destroy(all.folders);
    json_decref(all.list);
    json_decref(all.nests);
    return good;
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *file = CLI_CONFIGURATION, *passphrase_file = NULL;
    int operands = 0;
    const struct option_spec options[] = {
        CLI_OPTION_CONFIGURATION(file),
        {"passphrase-file", 0, OPTION_TEXT, &passphrase_file, "FILE", "file with the passphrase in its first line"},
    };
    int status = cli_options(self, options, G_N_ELEMENTS(options), argc, argv, &operands);
    if (status != CLI_GO)
        return status;
    if (argc - operands != 1 || passphrase_file == NULL)
        return cli_usage(self, "one FILE and --passphrase-file are required");
    struct error error = {0};
    owned(passphrase) char *passphrase = backup_passphrase(passphrase_file, &error);
    if (passphrase == NULL)
        return cli_failed(&error);
    owned(conf) struct conf *conf = cli_conf(file);
    if (conf == NULL)
        return EX_CONFIG;
    if (g_file_test(argv[operands], G_FILE_TEST_EXISTS))
        error_set(&error, ERROR_PERMANENT, "cannot create %s: it exists already", argv[operands]);
    return error.kind == ERROR_NONE && make(conf, argv[operands], passphrase, &error) ? EX_OK : cli_failed(&error);
}

const struct command command_backup = {
    .name = "backup",
    .arguments = "[-c FILE] --passphrase-file FILE FILE",
    .summary = "write configuration, keys and store into one encrypted file",
    .details = "What the configuration names is in it: policies, lists, keys with their passphrases, certificates,\n"
               "anchors and revocation lists. Keys in tokens stay there. `domsec restore` brings it back.\n",
    .run = run,
};
