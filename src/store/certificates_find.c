/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificates_find: the certificates of a name.
 *
 * A damaged page may hide a row without looking damaged, and "none" would then let a message leave in the clear. So
 * what one index answers is held against another one, which keeps the same rows in another order, under a hash of the
 * name: they must agree on how many there are. Each certificate is held against its fingerprint.
 */
#include "certificates.h"

#include "names.h"

static void bind_name(sqlite3_stmt *statement, const struct store_question *question, size_t index)
{
    sqlite3_bind_int64(statement, 2, question->origin);
    sqlite3_bind_int64(statement, 3, STORE_USED);
    sqlite3_bind_int64(statement, 4, question->at);
    sqlite3_bind_int64(statement, 5, question->names[index].roles);
}

#define SELECT_NAMED                                                                                                   \
    "SELECT " CERTIFICATES_COLUMNS " FROM names n INDEXED BY names_by_name"                                            \
    " LEFT JOIN certificates c ON c.id = n.certificate"                                                                \
    " WHERE n.name = ?1 AND n.origin = ?2 AND n.state = ?3 AND (?5 = 0 OR n.roles & ?5)"
static const char valid_sql[] = SELECT_NAMED " AND n.not_before <= ?4 AND n.not_after >= ?4"
                                             " ORDER BY n.not_before DESC, n.not_after DESC LIMIT ?6";
static const char invalid_sql[] = SELECT_NAMED " AND (n.not_before > ?4 OR n.not_after < ?4)"
                                               " ORDER BY n.not_before DESC, n.not_after DESC LIMIT ?6";
static const char count_sql[] =
    "SELECT count(*), total(not_before <= ?4 AND not_after >= ?4) FROM names INDEXED BY names_by_hash"
    " WHERE hash = ?1 AND origin = ?2 AND state = ?3 AND (?5 = 0 OR roles & ?5)";

struct lookup {
    struct db *db;
    const struct store_question *question;
    struct store_certificates *found;
};

struct counts {
    int64_t all, valid;
};

static bool count(const struct lookup *lookup, size_t index, struct counts *counts, struct error *error)
{
    bool is_row = false;
    sqlite3_stmt *statement = db_statement(lookup->db, count_sql, error);
    if (statement == NULL)
        return false;
    sqlite3_bind_int64(statement, 1, names_hash(lookup->question->names[index].name));
    bind_name(statement, lookup->question, index);
    if (!db_row(lookup->db, statement, &is_row, error))
        return false;
    *counts = (struct counts){sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1)};
    return true;
}

/* wanted: how many the other index knows. */
static bool take(const struct lookup *lookup, const char *sql, size_t index, int64_t wanted, struct error *error)
{
    size_t before = lookup->found->count;
    int64_t limit = sql == valid_sql ? STORE_VALID_MAX : STORE_INVALID_MAX;
    sqlite3_stmt *statement = db_statement(lookup->db, sql, error);
    if (statement == NULL)
        return false;
    sqlite3_bind_text(statement, 1, lookup->question->names[index].name, -1, SQLITE_STATIC);
    bind_name(statement, lookup->question, index);
    sqlite3_bind_int64(statement, 6, limit);
    if (!certificates_take_rows(lookup->db, statement, index, lookup->found, error))
        return false;
    return lookup->found->count - before == (size_t)MIN(wanted, limit) ||
           db_damaged(lookup->db, "its indexes do not agree about a name", error);
}

static bool find(const struct lookup *lookup, struct error *error)
{
    for (size_t i = 0; i < lookup->question->count; i++) {
        struct counts counts = {0};
        if (!count(lookup, i, &counts, error) || !take(lookup, valid_sql, i, counts.valid, error) ||
            !take(lookup, invalid_sql, i, counts.all - counts.valid, error))
            return false;
    }
    return true;
}

enum found store_certificates_find(struct store *store, const struct store_question *question,
                                   struct store_certificates *found, struct error *error)
{
    owned(db) struct db *db = db_read(store, question->deadline, error);
    const struct lookup lookup = {db, question, found};
    if (db == NULL || !find(&lookup, error)) {
        store_certificates_clear(found);
        return FOUND_FAILED;
    }
    return found->count > 0 ? FOUND : FOUND_NONE;
}
