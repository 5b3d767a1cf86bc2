/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificates: adds certificates, changes their state and removes them. The names under which one is found come from
 * certs/ and are written beside it; store/ reads no DER.
 */
#include "db.h"
#include "names.h"

#include <openssl/sha.h>
#include <string.h>

const char *store_origin_name(enum store_origin origin)
{
    return origin == STORE_IMPORTED ? "import" : "harvest";
}

const char *store_state_name(enum store_state state)
{
    static const char *const names[] = {"used", "pending", "rejected"};
    return (size_t)state < G_N_ELEMENTS(names) ? names[state] : "unknown";
}

static bool add_names(struct db *db, int64_t id, const struct store_addition *addition, struct error *error)
{
    for (size_t i = 0; i < addition->name_count; i++) {
        const struct store_name *name = &addition->names[i];
        sqlite3_stmt *statement =
            db_statement(db,
                         "INSERT INTO names (certificate, name, hash, roles, origin, state, not_before, not_after)"
                         " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                         error);
        if (statement == NULL)
            return false;
        sqlite3_bind_int64(statement, 1, id);
        sqlite3_bind_text(statement, 2, name->name, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 3, names_hash(name->name));
        sqlite3_bind_int64(statement, 4, name->roles);
        sqlite3_bind_int64(statement, 5, addition->origin);
        sqlite3_bind_int64(statement, 6, addition->state);
        sqlite3_bind_int64(statement, 7, addition->not_before);
        sqlite3_bind_int64(statement, 8, addition->not_after);
        if (!db_run(db, statement, error))
            return false;
    }
    return true;
}

static bool insert(struct db *db, const struct store_addition *addition, const unsigned char *sha256, int64_t *id,
                   struct error *error)
{
    bool is_row = false;
    sqlite3_stmt *statement =
        db_statement(db,
                     "INSERT INTO certificates (sha256, der, origin, state, added, not_before, not_after)"
                     " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (sha256) DO NOTHING RETURNING id",
                     error);
    if (statement == NULL)
        return false;
    sqlite3_bind_blob(statement, 1, sha256, SHA256_DIGEST_LENGTH, SQLITE_STATIC);
    sqlite3_bind_blob64(statement, 2, addition->der.data, addition->der.len, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, addition->origin);
    sqlite3_bind_int64(statement, 4, addition->state);
    sqlite3_bind_int64(statement, 5, addition->added);
    sqlite3_bind_int64(statement, 6, addition->not_before);
    sqlite3_bind_int64(statement, 7, addition->not_after);
    if (!db_row(db, statement, &is_row, error))
        return false;
    *id = is_row ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return true;
}

static const char update_certificate[] = "UPDATE certificates SET origin = ?2, state = ?3 WHERE id = ?1";
static const char update_names[] = "UPDATE names SET origin = ?2, state = ?3 WHERE certificate = ?1";

static bool update(struct db *db, int64_t id, enum store_origin origin, enum store_state state, struct error *error)
{
    static const char *const both[] = {update_certificate, update_names};
    for (size_t i = 0; i < G_N_ELEMENTS(both); i++) {
        sqlite3_stmt *statement = db_statement(db, both[i], error);
        if (statement == NULL)
            return false;
        sqlite3_bind_int64(statement, 1, id);
        sqlite3_bind_int64(statement, 2, origin);
        sqlite3_bind_int64(statement, 3, state);
        if (!db_run(db, statement, error))
            return false;
    }
    return true;
}

/* An administrator's import counts more than what a gateway has learned; the reverse changes nothing. */
static bool meet_again(struct db *db, const struct store_addition *addition, const unsigned char *sha256,
                       enum store_added *added, struct error *error)
{
    bool is_row = false;
    *added = STORE_KNOWN;
    if (addition->origin != STORE_IMPORTED)
        return true;
    sqlite3_stmt *statement =
        db_statement(db, "SELECT id FROM certificates WHERE sha256 = ?1 AND (origin <> ?2 OR state <> ?3)", error);
    if (statement == NULL)
        return false;
    sqlite3_bind_blob(statement, 1, sha256, SHA256_DIGEST_LENGTH, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, addition->origin);
    sqlite3_bind_int64(statement, 3, addition->state);
    if (!db_row(db, statement, &is_row, error))
        return false;
    int64_t id = is_row ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    if (!is_row)
        return true;
    *added = STORE_CHANGED;
    return update(db, id, addition->origin, addition->state, error);
}

static bool add(struct db *db, const struct store_addition *addition, enum store_added *added, struct error *error)
{
    unsigned char sha256[SHA256_DIGEST_LENGTH];
    int64_t id = 0;
    SHA256((const unsigned char *)addition->der.data, addition->der.len, sha256);
    if (!insert(db, addition, sha256, &id, error))
        return false;
    if (id == 0)
        return meet_again(db, addition, sha256, added, error);
    *added = STORE_NEW;
    return add_names(db, id, addition, error);
}

bool store_certificates_add(struct store *store, const struct store_addition *list, size_t count,
                            enum store_added *added, struct error *error)
{
    owned(db) struct db *db = db_write(store, error);
    for (size_t i = 0; db != NULL && i < count; i++)
        if (!add(db, &list[i], &added[i], error))
            return false;
    return db != NULL && db_commit(db, error);
}

bool store_certificates_remove(struct store *store, const int64_t *ids, size_t count, struct error *error)
{
    owned(db) struct db *db = db_write(store, error);
    for (size_t i = 0; db != NULL && i < count; i++) {
        sqlite3_stmt *statement = db_statement(db, "DELETE FROM certificates WHERE id = ?1", error);
        if (statement == NULL)
            return false;
        sqlite3_bind_int64(statement, 1, ids[i]);
        if (!db_run(db, statement, error))
            return false;
    }
    return db != NULL && db_commit(db, error);
}
