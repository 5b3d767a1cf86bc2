/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificates_list: certificates as a list, page by page, for the command line. A page is a transaction, so that a
 * list that is paused on a terminal holds nothing, and the log of the database does not grow behind it.
 */
#include "certificates.h"

#include <openssl/sha.h>
#include <string.h>

#define SHA256_SIZE 32

void store_certificates_clear(struct store_certificates *certificates)
{
    for (size_t i = 0; i < certificates->count; i++)
        g_free((char *)certificates->list[i].der.data);
    g_free(certificates->list);
    *certificates = (struct store_certificates){0};
}

static void write_hex(const unsigned char *bytes, char hex[65])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[64] = '\0';
}

bool certificates_take_row(struct db *db, sqlite3_stmt *statement, size_t name, struct store_certificates *list,
                           struct error *error)
{
    unsigned char sha256[SHA256_SIZE];
    const unsigned char *wanted = sqlite3_column_blob(statement, 1), *der = sqlite3_column_blob(statement, 2);
    size_t length = (size_t)sqlite3_column_bytes(statement, 2);
    if (der == NULL || wanted == NULL || sqlite3_column_bytes(statement, 1) != SHA256_SIZE ||
        memcmp(SHA256(der, length, sha256), wanted, SHA256_SIZE) != 0)
        return db_damaged(db, "a certificate is not what was written", error);
    struct store_certificate certificate = {.der = {g_memdup2(der, length), length},
                                            .id = sqlite3_column_int64(statement, 0),
                                            .origin = (enum store_origin)sqlite3_column_int(statement, 3),
                                            .state = (enum store_state)sqlite3_column_int(statement, 4),
                                            .added = sqlite3_column_int64(statement, 5),
                                            .not_before = sqlite3_column_int64(statement, 6),
                                            .not_after = sqlite3_column_int64(statement, 7),
                                            .name = name};
    write_hex(sha256, certificate.sha256);
    list->list = g_renew(struct store_certificate, list->list, list->count + 1);
    list->list[list->count++] = certificate;
    return true;
}

bool certificates_take_rows(struct db *db, sqlite3_stmt *statement, size_t name, struct store_certificates *list,
                            struct error *error)
{
    for (;;) {
        bool is_row = false;
        if (!db_row(db, statement, &is_row, error))
            return false;
        if (!is_row)
            return true;
        if (!certificates_take_row(db, statement, name, list, error))
            return false;
    }
}

bool store_certificates_page(struct store *store, int64_t after, size_t count, struct store_certificates *page,
                             struct error *error)
{
    owned(db) struct db *db = db_read(store, DB_NO_DEADLINE, error);
    sqlite3_stmt *statement = db_statement(db,
                                           "SELECT " CERTIFICATES_COLUMNS " FROM certificates c WHERE c.id > ?1"
                                           " ORDER BY c.id LIMIT ?2",
                                           error);
    if (statement == NULL)
        return false;
    sqlite3_bind_int64(statement, 1, after);
    sqlite3_bind_int64(statement, 2, (int64_t)count);
    return certificates_take_rows(db, statement, 0, page, error);
}

bool store_certificates_count(struct store *store, int64_t *count, struct error *error)
{
    bool is_row = false;
    owned(db) struct db *db = db_read(store, DB_NO_DEADLINE, error);
    sqlite3_stmt *statement = db_statement(db, "SELECT count(*) FROM certificates", error);
    if (statement == NULL || !db_row(db, statement, &is_row, error))
        return false;
    *count = sqlite3_column_int64(statement, 0);
    return true;
}

/* The first or the last fingerprint that begins with these digits. */
static void fill_fingerprint(const char *digits, char padding, unsigned char sha256[SHA256_SIZE])
{
    size_t known = strlen(digits);
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        char high = 2 * i < known ? digits[2 * i] : padding;
        char low = 2 * i + 1 < known ? digits[2 * i + 1] : padding;
        sha256[i] = (unsigned char)(g_ascii_xdigit_value(high) << 4 | g_ascii_xdigit_value(low));
    }
}

bool store_certificates_by_id(struct store *store, const char *digits, size_t count, struct store_certificates *found,
                              struct error *error)
{
    unsigned char first[SHA256_SIZE], last[SHA256_SIZE];
    owned(db) struct db *db = db_read(store, DB_NO_DEADLINE, error);
    sqlite3_stmt *statement =
        db_statement(db,
                     "SELECT " CERTIFICATES_COLUMNS " FROM certificates c WHERE c.sha256 BETWEEN ?1 AND ?2"
                     " ORDER BY c.sha256 LIMIT ?3",
                     error);
    if (statement == NULL)
        return false;
    fill_fingerprint(digits, '0', first);
    fill_fingerprint(digits, 'f', last);
    sqlite3_bind_blob(statement, 1, first, SHA256_SIZE, SQLITE_TRANSIENT);
    sqlite3_bind_blob(statement, 2, last, SHA256_SIZE, SQLITE_TRANSIENT);
    sqlite3_bind_int64(statement, 3, (int64_t)count);
    return certificates_take_rows(db, statement, 0, found, error);
}

bool store_certificates_expired(struct store *store, int64_t at, const struct store_certificate *after, size_t count,
                                struct store_certificates *page, struct error *error)
{
    owned(db) struct db *db = db_read(store, DB_NO_DEADLINE, error);
    sqlite3_stmt *statement = db_statement(db,
                                           "SELECT " CERTIFICATES_COLUMNS " FROM certificates c WHERE c.not_after < ?1"
                                           " AND (c.not_after, c.id) > (?2, ?3) ORDER BY c.not_after, c.id LIMIT ?4",
                                           error);
    if (statement == NULL)
        return false;
    sqlite3_bind_int64(statement, 1, at);
    sqlite3_bind_int64(statement, 2, after != NULL ? after->not_after : INT64_MIN);
    sqlite3_bind_int64(statement, 3, after != NULL ? after->id : 0);
    sqlite3_bind_int64(statement, 4, (int64_t)count);
    return certificates_take_rows(db, statement, 0, page, error);
}
