/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db_error: what a result code of SQLite means for the administrator and for a message.
 */
#include "db.h"

static const struct {
    int code; /* without its extension */
    enum error_kind kind;
    const char *words;
} meanings[] = {
    {SQLITE_BUSY, ERROR_TEMPORARY, "the store is locked by another program"},
    {SQLITE_LOCKED, ERROR_TEMPORARY, "the store is locked by another program"},
    {SQLITE_FULL, ERROR_TEMPORARY, "there is no space left for the store"},
    {SQLITE_IOERR, ERROR_TEMPORARY, "the store cannot be read or written"},
    {SQLITE_NOMEM, ERROR_TEMPORARY, "there is not enough memory for the store"},
    {SQLITE_PROTOCOL, ERROR_TEMPORARY, "the store is locked by another program"},
    {SQLITE_INTERRUPT, ERROR_TEMPORARY, "the store did not answer in time"},
    {SQLITE_CANTOPEN, ERROR_CONFIGURATION, "the store cannot be opened"},
    {SQLITE_PERM, ERROR_CONFIGURATION, "the store cannot be opened"},
    {SQLITE_READONLY, ERROR_CONFIGURATION, "the store may not be written"},
    {SQLITE_CORRUPT, ERROR_CONFIGURATION, "the store is damaged"},
    {SQLITE_NOTADB, ERROR_CONFIGURATION, "the store is damaged, or is not a database"},
    {SQLITE_ERROR, ERROR_CONFIGURATION, "the store is damaged, or was changed by another program"},
    {SQLITE_CONSTRAINT, ERROR_CONFIGURATION, "the store is damaged, or was changed by another program"},
};

bool db_error(const char *file, sqlite3 *sqlite, int code, struct error *error)
{
    int system = sqlite != NULL ? sqlite3_system_errno(sqlite) : 0;
    bool by_system = (code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_IOERR;
    g_autofree char *foreign = g_strdup_printf("%s: %s", file,
                                               by_system && system != 0 ? g_strerror(system)
                                               : sqlite != NULL         ? sqlite3_errmsg(sqlite)
                                                                        : sqlite3_errstr(code));
    for (size_t i = 0; i < G_N_ELEMENTS(meanings); i++)
        if (meanings[i].code == (code & 0xff))
            return error_set_foreign(error, meanings[i].kind, foreign, "%s", meanings[i].words);
    return error_set_foreign(error, ERROR_BUG, foreign, "the store was not used as it should be (%d)", code);
}

bool db_newer(const char *file, int version, struct error *error)
{
    if (version < store_step_count)
        return error_set_foreign(error, ERROR_CONFIGURATION, file, "the store is damaged: its schema is %d", version);
    return error_set_foreign(error, ERROR_CONFIGURATION, file,
                             "the store was made by a newer version of domsec (its schema is %d, and ours is %d)",
                             version, store_step_count);
}
