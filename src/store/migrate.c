/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migrate: brings a store to the schema of this version. A store that a newer version made is refused and stays as it
 * is, because nothing is known of what its tables mean.
 */
#include "db.h"

static bool run(const char *file, sqlite3 *sqlite, const char *sql, struct error *error)
{
    int code = sqlite3_exec(sqlite, sql, NULL, NULL, NULL);
    return code == SQLITE_OK || db_error(file, sqlite, code, error);
}

bool db_set_up(const char *file, sqlite3 *sqlite, struct error *error)
{
    sqlite3_db_config(sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    /* What was said to be done is done, even if the power fails. The log does not stay large after a large import. */
    return run(file, sqlite,
               "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON;"
               "PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 8388608;",
               error);
}

static bool number(const char *file, sqlite3 *sqlite, const char *sql, int *value, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *value = sqlite3_column_int(statement, 0);
    bool good = code == SQLITE_ROW || db_error(file, sqlite, code, error);
    sqlite3_finalize(statement);
    return good;
}

static bool is_ours(const char *file, sqlite3 *sqlite, int *version, struct error *error)
{
    int application = 0;
    if (!number(file, sqlite, "PRAGMA application_id", &application, error) ||
        !number(file, sqlite, "PRAGMA user_version", version, error))
        return false;
    if (application != DB_APPLICATION)
        return error_set_foreign(error, ERROR_CONFIGURATION, file, "the store is damaged, or is not a store of domsec");
    if (*version > store_step_count || *version < 0)
        return db_newer(file, *version, error);
    return true;
}

static bool do_steps(const char *file, sqlite3 *sqlite, struct error *error)
{
    int version = 0;
    if (!is_ours(file, sqlite, &version, error)) /* another process may have been here first */
        return false;
    for (; version < store_step_count; version++)
        if (!run(file, sqlite, store_steps[version], error))
            return false;
    g_autofree char *done = g_strdup_printf("PRAGMA user_version = %d; COMMIT", store_step_count);
    return run(file, sqlite, done, error);
}

bool db_migrate(const char *file, sqlite3 *sqlite, struct error *error)
{
    int version = 0;
    if (!is_ours(file, sqlite, &version, error))
        return false;
    if (version == store_step_count)
        return true;
    if (!run(file, sqlite, "BEGIN IMMEDIATE", error))
        return false;
    bool good = do_steps(file, sqlite, error);
    if (!good)
        (void)sqlite3_exec(sqlite, "ROLLBACK", NULL, NULL, NULL);
    return good;
}
