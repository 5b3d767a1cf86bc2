/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db: connections to the store's file. Each call takes one, which no other thread has, and gives it back with its
 * statements prepared, so that nothing is compiled twice and no thread waits for another one's lookup (in WAL mode
 * readers wait for no writer).
 *
 * A connection on which something failed that is not a lock is closed, and so is one whose file is no longer the one
 * that the name means: an administrator who puts another file there is believed by the next call.
 */
#include "db.h"

#include <string.h>
#include <sys/stat.h>

#define IDLE_MAX 32 /* connections that are kept */
#define SCHEME "sqlite:"

struct store {
    char *file;
    GMutex mutex;
    GQueue idle; /* struct db * */
};

struct db {
    struct store *store;
    sqlite3 *sqlite;
    GHashTable *statements; /* by the address of their text */
    dev_t device;
    ino_t inode;
    bool failed;
};

const char *store_file(const char *uri)
{
    return text_begins_with(uri, SCHEME) ? uri + strlen(SCHEME) : uri;
}

struct store *store_open(const char *uri)
{
    struct store *store = g_new0(struct store, 1);
    store->file = g_strdup(store_file(uri));
    g_mutex_init(&store->mutex);
    g_queue_init(&store->idle);
    return store;
}

static void finalise(void *statement)
{
    sqlite3_finalize(statement);
}

static void db_free(struct db *db)
{
    g_hash_table_destroy(db->statements);
    sqlite3_close(db->sqlite);
    g_free(db);
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    for (struct db *db; (db = g_queue_pop_head(&store->idle)) != NULL;)
        db_free(db);
    g_mutex_clear(&store->mutex);
    g_free(store->file);
    g_free(store);
}

/* --- connections --- */

static bool fails(struct db *db, int code, struct error *error)
{
    /* A lock goes away by itself; the schema and the pages in memory are those of the file. */
    db->failed = db->failed || ((code & 0xff) != SQLITE_BUSY && (code & 0xff) != SQLITE_LOCKED);
    return db_error(db->store->file, db->sqlite, code, error);
}

static bool connect_to(struct db *db, int wait, struct error *error)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    const char *file = db->store->file;
    struct stat status;
    if (stat(file, &status) == 0) {
        db->device = status.st_dev;
        db->inode = status.st_ino;
        if (status.st_size == 0)
            return error_set_foreign(error, ERROR_CONFIGURATION, file, "the store is damaged: its file is empty");
    }
    int code = sqlite3_open_v2(file, &db->sqlite, flags, NULL);
    if (code != SQLITE_OK)
        return fails(db, code, error);
    sqlite3_busy_timeout(db->sqlite, wait);
    return db_set_up(file, db->sqlite, error) && db_migrate(file, db->sqlite, error);
}

static struct db *db_new(struct store *store, int wait, struct error *error)
{
    struct db *db = g_new0(struct db, 1);
    db->store = store;
    db->statements = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, finalise);
    if (connect_to(db, wait, error))
        return db;
    db_free(db);
    return NULL;
}

static bool is_same_file(const struct db *db)
{
    struct stat status;
    return stat(db->store->file, &status) == 0 && status.st_dev == db->device && status.st_ino == db->inode;
}

static struct db *db_take(struct store *store, int wait, struct error *error)
{
    for (;;) {
        g_mutex_lock(&store->mutex);
        struct db *db = g_queue_pop_tail(&store->idle);
        g_mutex_unlock(&store->mutex);
        if (db == NULL)
            return db_new(store, wait, error);
        if (is_same_file(db)) {
            sqlite3_busy_timeout(db->sqlite, wait);
            return db;
        }
        db_free(db);
    }
}

void db_give(struct db *db)
{
    if (db == NULL)
        return;
    struct store *store = db->store;
    GHashTableIter each;
    gpointer statement;
    struct error ignored = {0};
    g_hash_table_iter_init(&each, db->statements);
    while (g_hash_table_iter_next(&each, NULL, &statement)) {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
    }
    if (!sqlite3_get_autocommit(db->sqlite)) {
        sqlite3_stmt *rollback = db_statement(db, "ROLLBACK", &ignored);
        db->failed = rollback == NULL || !db_run(db, rollback, &ignored) || db->failed;
    }
    g_mutex_lock(&store->mutex);
    bool kept = !db->failed && g_queue_get_length(&store->idle) < IDLE_MAX;
    if (kept)
        g_queue_push_tail(&store->idle, db);
    g_mutex_unlock(&store->mutex);
    if (!kept)
        db_free(db);
}

/* --- transactions --- */

/* Another process may have brought the schema to a later version since the connection was opened. */
static bool is_current(struct db *db, struct error *error)
{
    bool is_row = false;
    sqlite3_stmt *statement = db_statement(db, "PRAGMA user_version", error);
    if (statement == NULL || !db_row(db, statement, &is_row, error))
        return false;
    int version = is_row ? sqlite3_column_int(statement, 0) : 0;
    sqlite3_reset(statement);
    if (version == store_step_count)
        return true;
    db->failed = true;
    return db_newer(db->store->file, version, error);
}

static struct db *begin(struct store *store, const char *sql, int wait, struct error *error)
{
    owned(db) struct db *db = db_take(store, wait, error);
    sqlite3_stmt *statement = db_statement(db, sql, error);
    return statement != NULL && db_run(db, statement, error) && is_current(db, error) ? steal(&db) : NULL;
}

struct db *db_read(struct store *store, int64_t deadline, struct error *error)
{
    int64_t left = deadline != DB_NO_DEADLINE ? (deadline - g_get_monotonic_time()) / 1000 : DB_READ_WAIT;
    return begin(store, "BEGIN", (int)CLAMP(left, 0, DB_READ_WAIT), error);
}

struct db *db_write_until(struct store *store, int64_t deadline, struct error *error)
{
    int64_t left = deadline != DB_NO_DEADLINE ? (deadline - g_get_monotonic_time()) / 1000 : DB_WRITE_WAIT;
    return db_create(store->file, error) ? begin(store, "BEGIN IMMEDIATE", (int)CLAMP(left, 0, DB_WRITE_WAIT), error)
                                         : NULL;
}

struct db *db_write(struct store *store, struct error *error)
{
    return db_write_until(store, DB_NO_DEADLINE, error);
}

bool db_commit(struct db *db, struct error *error)
{
    sqlite3_stmt *statement = db_statement(db, "COMMIT", error);
    return statement != NULL && db_run(db, statement, error);
}

bool store_create(struct store *store, struct error *error)
{
    return db_create(store->file, error);
}

bool store_ready(struct store *store, struct error *error)
{
    owned(db) struct db *db = db_read(store, DB_NO_DEADLINE, error);
    return db != NULL;
}

/* --- statements --- */

sqlite3_stmt *db_statement(struct db *db, const char *sql, struct error *error)
{
    if (db == NULL)
        return NULL;
    sqlite3_stmt *statement = g_hash_table_lookup(db->statements, sql);
    if (statement != NULL) {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
        return statement;
    }
    int code = sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
    if (code != SQLITE_OK) {
        fails(db, code, error);
        return NULL;
    }
    g_hash_table_insert(db->statements, (void *)sql, statement);
    return statement;
}

bool db_row(struct db *db, sqlite3_stmt *statement, bool *is_row, struct error *error)
{
    int code = sqlite3_step(statement);
    *is_row = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE || fails(db, code, error);
}

bool db_run(struct db *db, sqlite3_stmt *statement, struct error *error)
{
    int code = sqlite3_step(statement);
    bool good = code == SQLITE_DONE || fails(db, code == SQLITE_ROW ? SQLITE_MISUSE : code, error);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return good;
}

sqlite3 *db_sqlite(const struct db *db)
{
    return db->sqlite;
}

int db_changes(const struct db *db)
{
    return sqlite3_changes(db->sqlite);
}

bool db_damaged(struct db *db, const char *what, struct error *error)
{
    db->failed = true;
    g_autofree char *foreign = g_strdup_printf("%s: %s", db->store->file, what);
    return error_set_foreign(error, ERROR_CONFIGURATION, foreign, "the store is damaged");
}

bool store_check(struct store *store, struct error *error)
{
    bool is_row = false;
    owned(db) struct db *db = db_read(store, DB_NO_DEADLINE, error);
    sqlite3_stmt *statement = db_statement(db, "PRAGMA integrity_check(1)", error);
    if (statement == NULL || !db_row(db, statement, &is_row, error))
        return false;
    const char *said = is_row ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    return g_strcmp0(said, "ok") == 0 || db_damaged(db, said != NULL ? said : "it cannot be checked", error);
}
