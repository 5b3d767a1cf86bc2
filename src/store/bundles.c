/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundles: a row for each place from which a trust bundle is fetched. A failure leaves the contents as they are.
 */
#include "store/bundles.h"

#include "db.h"

#include <glib.h>

static char *text_of(sqlite3_stmt *statement, int column)
{
    return g_strdup((const char *)sqlite3_column_text(statement, column));
}

enum found store_bundle_find(struct store *store, const char *scope, struct store_bundle *bundle, struct error *error)
{
    bool is_row = false;
    owned(db) struct db *db = db_read(store, DB_NO_DEADLINE, error);
    sqlite3_stmt *statement =
        db_statement(db, "SELECT contents, fetched, failed, fault FROM trust_bundles WHERE scope = ?1", error);
    if (statement == NULL)
        return FOUND_FAILED;
    sqlite3_bind_text(statement, 1, scope, -1, SQLITE_STATIC);
    if (!db_row(db, statement, &is_row, error))
        return FOUND_FAILED;
    if (!is_row)
        return FOUND_NONE;
    *bundle = (struct store_bundle){.length = (size_t)sqlite3_column_bytes(statement, 0),
                                    .fetched = sqlite3_column_int64(statement, 1),
                                    .failed = sqlite3_column_int64(statement, 2),
                                    .fault = text_of(statement, 3)};
    bundle->contents = g_memdup2(sqlite3_column_blob(statement, 0), bundle->length);
    sqlite3_reset(statement);
    return FOUND;
}

bool store_bundle_put(struct store *store, const char *scope, struct slice contents, int64_t fetched,
                      struct error *error)
{
    owned(db) struct db *db = db_write(store, error);
    sqlite3_stmt *statement =
        db_statement(db,
                     "INSERT INTO trust_bundles (scope, contents, fetched, failed) VALUES (?1, ?2, ?3, 0)"
                     " ON CONFLICT (scope) DO UPDATE SET contents = ?2, fetched = ?3",
                     error);
    if (statement == NULL)
        return false;
    sqlite3_bind_text(statement, 1, scope, -1, SQLITE_STATIC);
    sqlite3_bind_blob64(statement, 2, contents.data, contents.len, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, fetched);
    return db_run(db, statement, error) && db_commit(db, error);
}

bool store_bundle_fail(struct store *store, const char *scope, int64_t failed, const char *fault, struct error *error)
{
    owned(db) struct db *db = db_write(store, error);
    sqlite3_stmt *statement =
        db_statement(db,
                     "INSERT INTO trust_bundles (scope, fetched, failed, fault) VALUES (?1, 0, ?2, ?3)"
                     " ON CONFLICT (scope) DO UPDATE SET failed = ?2, fault = ?3",
                     error);
    if (statement == NULL)
        return false;
    sqlite3_bind_text(statement, 1, scope, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, failed);
    sqlite3_bind_text(statement, 3, fault, -1, SQLITE_STATIC);
    return db_run(db, statement, error) && db_commit(db, error);
}

void store_bundle_clear(struct store_bundle *bundle)
{
    g_free(bundle->contents);
    g_free(bundle->fault);
    *bundle = (struct store_bundle){0};
}
