/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocations: lists as they came, and answers as they were read. A list that has run out stays until a newer one takes
 * its place, because what it revokes is still revoked.
 */
#include "store/revocations.h"

#include "db.h"

#include <string.h>

#define WRITE_WAIT ((int64_t)500000) /* microseconds: a message may wait for what is being kept */

bool store_list_put(struct store *store, const struct store_list *list, struct error *error)
{
    owned(db) struct db *db = db_write_until(store, g_get_monotonic_time() + WRITE_WAIT, error);
    sqlite3_stmt *statement = db_statement(db,
                                           "INSERT INTO revocation_lists (scope, der, signer) VALUES (?1, ?2, ?3)"
                                           " ON CONFLICT (scope) DO UPDATE SET der = ?2, signer = ?3",
                                           error);
    if (statement == NULL)
        return false;
    sqlite3_bind_text(statement, 1, list->scope, -1, SQLITE_STATIC);
    sqlite3_bind_blob64(statement, 2, list->der.data, list->der.len, SQLITE_STATIC);
    sqlite3_bind_blob64(statement, 3, list->signer.data, list->signer.len, SQLITE_STATIC);
    return db_run(db, statement, error) && db_commit(db, error);
}

static struct slice blob_of(sqlite3_stmt *statement, int column)
{
    return (struct slice){sqlite3_column_blob(statement, column), (size_t)sqlite3_column_bytes(statement, column)};
}

enum found store_list_next(struct store *store, int64_t after,
                           void (*take)(void *context, const struct store_list *list), void *context, int64_t *id,
                           struct error *error)
{
    bool is_row = false;
    owned(db) struct db *db = db_read(store, DB_NO_DEADLINE, error);
    sqlite3_stmt *statement = db_statement(
        db, "SELECT id, scope, der, signer FROM revocation_lists WHERE id > ?1 ORDER BY id LIMIT 1", error);
    if (statement == NULL)
        return FOUND_FAILED;
    sqlite3_bind_int64(statement, 1, after);
    if (!db_row(db, statement, &is_row, error))
        return FOUND_FAILED;
    if (!is_row)
        return FOUND_NONE;
    const struct store_list list = {.id = sqlite3_column_int64(statement, 0),
                                    .scope = (const char *)sqlite3_column_text(statement, 1),
                                    .der = blob_of(statement, 2),
                                    .signer = blob_of(statement, 3)};
    *id = list.id;
    take(context, &list);
    sqlite3_reset(statement);
    return FOUND;
}

bool store_answer_put(struct store *store, const struct store_answer *answer, struct error *error)
{
    owned(db) struct db *db = db_write_until(store, g_get_monotonic_time() + WRITE_WAIT, error);
    sqlite3_stmt *statement = db_statement(db,
                                           "INSERT OR REPLACE INTO revocation_answers"
                                           " (certificate, revoked, from_time, until, responder_until)"
                                           " VALUES (?1, ?2, ?3, ?4, ?5)",
                                           error);
    if (statement == NULL)
        return false;
    sqlite3_bind_blob(statement, 1, answer->key, STORE_ANSWER_KEY, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, answer->revoked);
    sqlite3_bind_int64(statement, 3, answer->from);
    sqlite3_bind_int64(statement, 4, answer->until);
    sqlite3_bind_int64(statement, 5, answer->responder_until);
    return db_run(db, statement, error) && db_commit(db, error);
}

static bool take_row(struct db *db, sqlite3_stmt *statement,
                     void (*take)(void *context, const struct store_answer *answer), void *context, struct error *error)
{
    struct slice key = blob_of(statement, 0);
    struct store_answer answer = {.revoked = sqlite3_column_int64(statement, 1) != 0,
                                  .from = sqlite3_column_int64(statement, 2),
                                  .until = sqlite3_column_int64(statement, 3),
                                  .responder_until = sqlite3_column_int64(statement, 4)};
    if (key.len != STORE_ANSWER_KEY)
        return db_damaged(db, "the key of an OCSP answer", error);
    memcpy(answer.key, key.data, STORE_ANSWER_KEY);
    take(context, &answer);
    return true;
}

static bool remove_old(struct store *store, int64_t at, struct error *error)
{
    owned(db) struct db *db = db_write_until(store, g_get_monotonic_time() + WRITE_WAIT, error);
    sqlite3_stmt *statement =
        db_statement(db, "DELETE FROM revocation_answers WHERE revoked = 0 AND until < ?1", error);
    if (statement == NULL)
        return false;
    sqlite3_bind_int64(statement, 1, at);
    return db_run(db, statement, error) && db_commit(db, error);
}

bool store_answers_load(struct store *store, int64_t at, void (*take)(void *context, const struct store_answer *answer),
                        void *context, struct error *error)
{
    struct error ignored = {0};
    bool is_row = false, good = false;
    (void)remove_old(store, at, &ignored); /* they are passed over below */
    owned(db) struct db *db = db_read(store, DB_NO_DEADLINE, error);
    sqlite3_stmt *statement = db_statement(db,
                                           "SELECT certificate, revoked, from_time, until, responder_until"
                                           " FROM revocation_answers WHERE revoked = 1 OR until >= ?1",
                                           error);
    if (statement == NULL)
        return false;
    sqlite3_bind_int64(statement, 1, at);
    while ((good = db_row(db, statement, &is_row, error)) && is_row)
        if (!take_row(db, statement, take, context, error))
            return false;
    return good;
}
