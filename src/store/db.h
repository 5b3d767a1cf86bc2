/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db: what the file of each table needs of SQLite: a connection in a transaction, and prepared statements.
 *
 *     owned(db) struct db *db = db_read(store, deadline, error);
 *     sqlite3_stmt *statement = db_statement(db, "SELECT ...", error);
 *     if (statement == NULL)
 *         return FOUND_FAILED;
 *     sqlite3_bind_int64(statement, 1, id);
 *     while (db_row(db, statement, &is_row, error) && is_row) ...
 *
 * What is not committed when a connection is given back did not happen. A new table is a step in steps.c, and a file of
 * its own.
 */
#ifndef DOMSEC_STORE_DB_H
#define DOMSEC_STORE_DB_H

#include "store/store.h"

#include <sqlite3.h>

/* A connection, in a transaction, for one thread. */
struct db;

/* A transaction that reads. Waits for a lock up to the deadline, and not longer than DB_READ_WAIT. */
struct db *db_read(struct store *store, int64_t deadline, struct error *error);
/* A transaction that writes, alone; makes the file if it is not there. Waits for others up to DB_WRITE_WAIT. */
struct db *db_write(struct store *store, struct error *error);
/* The same, for a message: waits for others up to the deadline. */
struct db *db_write_until(struct store *store, int64_t deadline, struct error *error);
#define DB_READ_WAIT 2000   /* milliseconds */
#define DB_WRITE_WAIT 10000 /* milliseconds */
#define DB_NO_DEADLINE INT64_MAX

bool db_commit(struct db *db, struct error *error);
/* Ends the transaction. NULL is ignored. */
void db_give(struct db *db);

/* sql: a string constant, because the statement is kept under its address. Lent until db_give(), without values. NULL
 * without a connection, too, whose error stands. */
sqlite3_stmt *db_statement(struct db *db, const char *sql, struct error *error);
/* The next row, if there is one. */
bool db_row(struct db *db, sqlite3_stmt *statement, bool *is_row, struct error *error);
/* Runs a statement that gives no row, and takes its values off. */
bool db_run(struct db *db, sqlite3_stmt *statement, struct error *error);
/* The connection itself, for what has no statement; lent. */
sqlite3 *db_sqlite(const struct db *db);
/* How many rows the last statement changed. */
int db_changes(const struct db *db);
/* Says that what was read cannot be what was written. Returns false. */
bool db_damaged(struct db *db, const char *what, struct error *error);

DECLARE_OWNED(db, struct db *, db_give)

/* --- db_error.c --- */

/* Sets the error of a result code; sqlite may be NULL. Returns false. */
bool db_error(const char *file, sqlite3 *sqlite, int code, struct error *error);
/* Says that the schema is not of this version. Returns false. */
bool db_newer(const char *file, int version, struct error *error);

/* --- migrate.c --- */

/* PRAGMA application_id: "dmsc". */
#define DB_APPLICATION 0x646d7363

/* Sets a new connection up. */
bool db_set_up(const char *file, sqlite3 *sqlite, struct error *error);
/* Refuses what is not ours or is newer, and brings an older schema to this version. */
bool db_migrate(const char *file, sqlite3 *sqlite, struct error *error);

/* --- create.c --- */

/* Makes the file with its tables if it is not there. */
bool db_create(const char *file, struct error *error);

/* --- steps.c --- */

/* SQL for each version of the schema; PRAGMA user_version is the number of those that were done. */
extern const char *const store_steps[];
extern const int store_step_count;

#endif
