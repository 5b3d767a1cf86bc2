/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy: a copy of the whole store as it is at one moment, while others read and write it.
 */
#include "db.h"

bool store_copy(struct store *store, const char *file, struct error *error)
{
    sqlite3 *copy = NULL;
    owned(db) struct db *db = db_read(store, DB_NO_DEADLINE, error);
    if (db == NULL)
        return false;
    int code = sqlite3_open_v2(file, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    sqlite3_backup *backup = code == SQLITE_OK ? sqlite3_backup_init(copy, "main", db_sqlite(db), "main") : NULL;
    if (backup != NULL) {
        (void)sqlite3_backup_step(backup, -1);
        (void)sqlite3_backup_finish(backup); /* its result is that of the copy */
    }
    code = sqlite3_extended_errcode(copy);
    bool good = code == SQLITE_OK || db_error(file, copy, code, error);
    sqlite3_close(copy);
    return good;
}
