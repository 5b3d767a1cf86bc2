/* SPDX-License-Identifier: Apache-2.0 */
/*
 * create: makes a new store beside the place where it shall stand, and links it there when it is whole. So a store that
 * can be seen is never half made, and an empty file is damage, not a store that knows nothing.
 */
#include "db.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool failed(const char *file, struct error *error)
{
    g_autofree char *foreign = g_strdup_printf("%s: %s", file, g_strerror(errno));
    enum error_kind kind = errno == ENOSPC || errno == EMFILE ? ERROR_TEMPORARY : ERROR_CONFIGURATION;
    return error_set_foreign(error, kind, foreign, "the store cannot be made");
}

/* Root makes it for the daemon's account, which owns the folder. */
static bool give_away(int fd, const char *folder)
{
    struct stat status;
    if (geteuid() != 0)
        return true;
    return stat(folder, &status) == 0 && fchown(fd, status.st_uid, status.st_gid) == 0;
}

static bool fill(const char *file, struct error *error)
{
    sqlite3 *sqlite = NULL;
    int code =
        sqlite3_open_v2(file, &sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(sqlite,
                            "PRAGMA page_size = 4096; PRAGMA application_id = " G_STRINGIFY(
                                DB_APPLICATION) "; PRAGMA journal_mode = WAL",
                            NULL, NULL, NULL);
    bool good = code == SQLITE_OK || db_error(file, sqlite, code, error);
    good = good && db_set_up(file, sqlite, error) && db_migrate(file, sqlite, error);
    code = sqlite3_close(sqlite);
    return good && (code == SQLITE_OK || db_error(file, NULL, code, error));
}

/* The name of a new file must not be lost either. */
static void sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

bool db_create(const char *file, struct error *error)
{
    if (access(file, F_OK) == 0)
        return true;
    g_autofree char *folder = g_path_get_dirname(file);
    g_autofree char *temporary = g_strconcat(file, ".XXXXXX", NULL);
    int fd = g_mkstemp_full(temporary, O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed(file, error);
    bool good = give_away(fd, folder) || failed(file, error);
    close(fd);
    good = good && fill(temporary, error);
    if (good && link(temporary, file) != 0 && errno != EEXIST)
        good = failed(file, error);
    (void)g_unlink(temporary);
    sync_folder(folder);
    return good;
}
