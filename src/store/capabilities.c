/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capabilities: which algorithms the software of a name reads, as it was last announced. An older message that comes
 * late, or once more, changes nothing.
 */
#include "db.h"
#include "store/harvest.h"

/* Names come from signatures under our anchors, so this is only the last line of defence. */
#define NAMES_MAX 1000000

static bool find(struct db *db, const char *name, bool *is_row, struct announcement *found, struct error *error)
{
    sqlite3_stmt *statement = db_statement(db, "SELECT signed_at, words FROM capabilities WHERE name = ?1", error);
    if (statement == NULL)
        return false;
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    if (!db_row(db, statement, is_row, error))
        return false;
    if (*is_row) {
        found->signed_at = sqlite3_column_int64(statement, 0);
        found->words = g_strdup((const char *)sqlite3_column_text(statement, 1));
    }
    sqlite3_reset(statement);
    return true;
}

static bool write_newer(struct db *db, const struct announcement *announcement, struct error *error)
{
    sqlite3_stmt *statement =
        db_statement(db,
                     "INSERT INTO capabilities (name, signed_at, words) SELECT ?1, ?2, ?3"
                     " WHERE (SELECT coalesce(max(id), 0) FROM capabilities) < ?4 OR EXISTS (SELECT 1 FROM "
                     "capabilities WHERE name = ?1)"
                     " ON CONFLICT (name) DO UPDATE SET signed_at = excluded.signed_at, words = excluded.words"
                     " WHERE excluded.signed_at > signed_at",
                     error);
    if (statement == NULL)
        return false;
    sqlite3_bind_text(statement, 1, announcement->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, announcement->signed_at);
    sqlite3_bind_text(statement, 3, announcement->words, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 4, NAMES_MAX);
    return db_run(db, statement, error);
}

bool store_capabilities_keep(struct store *store, const struct announcement *announcement, int64_t deadline, bool *kept,
                             struct error *error)
{
    bool is_row = false;
    struct announcement known = {0};
    *kept = false;
    if (!store_create(store, error))
        return false;
    owned(db) struct db *reader = db_read(store, deadline, error);
    if (reader == NULL || !find(reader, announcement->name, &is_row, &known, error))
        return false;
    g_free(known.words);
    if (is_row && known.signed_at >= announcement->signed_at)
        return true;
    db_give(steal(&reader));
    owned(db) struct db *writer = db_write_until(store, deadline, error);
    if (writer == NULL || !write_newer(writer, announcement, error))
        return false;
    *kept = db_changes(writer) > 0;
    return db_commit(writer, error);
}

enum found store_capabilities_find(struct store *store, int64_t deadline, struct announcement *announcement,
                                   struct error *error)
{
    bool is_row = false;
    owned(db) struct db *db = db_read(store, deadline, error);
    if (db == NULL || !find(db, announcement->name, &is_row, announcement, error))
        return FOUND_FAILED;
    return is_row ? FOUND : FOUND_NONE;
}
