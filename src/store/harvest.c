/* SPDX-License-Identifier: Apache-2.0 */
/*
 * harvest: certificates that messages bring. Whether one may be kept is for others to say; here is what keeps them from
 * filling the store, and from taking the place of those that are used: the limits are counted in the transaction that
 * adds one, so that several gateways together keep to them.
 */
#include "store/harvest.h"

#include "certificates.h"
#include "names.h"

#include <openssl/sha.h>

#define DAY 86400

const char *harvested_name(enum harvested result)
{
    static const char *const names[HARVESTED_COUNT] = {"used",   "pending", "known", "another-pending",
                                                       "sender", "daily",   "full"};
    return (size_t)result < G_N_ELEMENTS(names) ? names[result] : "unknown";
}

/* An offer on its way. */
struct keeping {
    struct db *db;
    const struct harvest_offer *offer;
    unsigned char sha256[SHA256_DIGEST_LENGTH];
    int64_t id; /* of the certificate; 0: it is not there */
    int state;  /* enum store_state */
    bool is_named, is_imported;
};

/* Binds what the statements below share. */
static sqlite3_stmt *prepare(const struct keeping *keeping, const char *sql, struct error *error)
{
    sqlite3_stmt *statement = db_statement(keeping->db, sql, error);
    if (statement == NULL)
        return NULL;
    if (sqlite3_bind_parameter_index(statement, ":name") > 0)
        sqlite3_bind_text(statement, sqlite3_bind_parameter_index(statement, ":name"), keeping->offer->name.name, -1,
                          SQLITE_STATIC);
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {{":roles", keeping->offer->name.roles},
                   {":at", keeping->offer->at},
                   {":day", keeping->offer->at - keeping->offer->at % DAY},
                   {":from", keeping->offer->not_before},
                   {":until", keeping->offer->not_after},
                   {":id", keeping->id},
                   {":state", keeping->state},
                   {":hash", names_hash(keeping->offer->name.name)}};
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        int index = sqlite3_bind_parameter_index(statement, numbers[i].name);
        if (index > 0)
            sqlite3_bind_int64(statement, index, numbers[i].value);
    }
    int blob = sqlite3_bind_parameter_index(statement, ":sha256");
    if (blob > 0)
        sqlite3_bind_blob(statement, blob, keeping->sha256, sizeof(keeping->sha256), SQLITE_STATIC);
    return statement;
}

static bool count(const struct keeping *keeping, const char *sql, int64_t *result, struct error *error)
{
    bool is_row = false;
    sqlite3_stmt *statement = prepare(keeping, sql, error);
    if (statement == NULL || !db_row(keeping->db, statement, &is_row, error))
        return false;
    *result = is_row ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return true;
}

static bool look(struct keeping *keeping, struct error *error)
{
    bool is_row = false;
    sqlite3_stmt *statement =
        prepare(keeping,
                "SELECT id, state, origin, EXISTS (SELECT 1 FROM names WHERE certificate = c.id AND name = :name)"
                " FROM certificates c WHERE sha256 = :sha256",
                error);
    if (statement == NULL || !db_row(keeping->db, statement, &is_row, error))
        return false;
    keeping->id = 0;
    if (is_row) {
        keeping->id = sqlite3_column_int64(statement, 0);
        keeping->state = sqlite3_column_int(statement, 1);
        keeping->is_imported = sqlite3_column_int(statement, 2) == STORE_IMPORTED;
        keeping->is_named = sqlite3_column_int(statement, 3) != 0;
    }
    sqlite3_reset(statement);
    return true;
}

static bool is_known(const struct keeping *keeping)
{
    return keeping->id != 0 && (keeping->is_named || keeping->is_imported);
}

/* What keeps an offer out; in this order. */
static bool check_limits(const struct keeping *keeping, enum harvested *result, struct error *error)
{
    const struct harvest_limits *limits = &keeping->offer->limits;
    const struct {
        const char *sql;
        int64_t most;
        enum harvested result;
        bool only_new, only_pending;
    } checks[] = {
        {"SELECT count(*) FROM names WHERE name = :name AND origin = 1 AND state = 1 AND not_after >= :at", 1,
         HARVESTED_NOT, false, true},
        {"SELECT count(*) FROM names WHERE name = :name AND origin = 1 AND state = 0 AND not_after >= :at",
         HARVEST_PER_NAME, HARVESTED_SENDER, false, false},
        {"SELECT count(*) FROM names n JOIN certificates c ON c.id = n.certificate WHERE n.name = :name AND n.origin = "
         "1"
         " AND c.added >= :day",
         limits->per_sender_daily, HARVESTED_SENDER, false, false},
        {"SELECT count(*) FROM certificates WHERE origin = 1 AND added >= :day", limits->daily, HARVESTED_DAILY, true,
         false},
        {"SELECT count(*) FROM certificates WHERE origin = 1", limits->total, HARVESTED_FULL, true, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(checks); i++) {
        int64_t found = 0;
        if ((checks[i].only_new && keeping->id != 0) || (checks[i].only_pending && keeping->state != STORE_PENDING))
            continue;
        if (!count(keeping, checks[i].sql, &found, error))
            return false;
        if (found < checks[i].most)
            continue;
        *result = checks[i].result;
        return true;
    }
    return true;
}

static bool run(const struct keeping *keeping, const char *sql, struct error *error)
{
    sqlite3_stmt *statement = prepare(keeping, sql, error);
    return statement != NULL && db_run(keeping->db, statement, error);
}

static bool insert(struct keeping *keeping, struct error *error)
{
    bool is_row = false;
    sqlite3_stmt *statement =
        prepare(keeping,
                "INSERT INTO certificates (sha256, der, origin, state, added, not_before, not_after)"
                " VALUES (:sha256, :der, 1, :state, :at, :from, :until) RETURNING id",
                error);
    if (statement == NULL)
        return false;
    sqlite3_bind_blob64(statement, sqlite3_bind_parameter_index(statement, ":der"), keeping->offer->der.data,
                        keeping->offer->der.len, SQLITE_STATIC);
    if (!db_row(keeping->db, statement, &is_row, error))
        return false;
    keeping->id = is_row ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return is_row || db_damaged(keeping->db, "a new certificate has no number", error);
}

static bool insert_chain(struct keeping *keeping, struct error *error)
{
    if (keeping->offer->chain.len == 0)
        return true;
    sqlite3_stmt *statement = prepare(keeping, "INSERT INTO chains (certificate, der) VALUES (:id, :der)", error);
    if (statement == NULL)
        return false;
    sqlite3_bind_blob64(statement, sqlite3_bind_parameter_index(statement, ":der"), keeping->offer->chain.data,
                        keeping->offer->chain.len, SQLITE_STATIC);
    return db_run(keeping->db, statement, error);
}

/* Under the writer's lock: what was read before may have changed. */
static bool keep(struct keeping *keeping, enum harvested *result, struct error *error)
{
    if (!look(keeping, error))
        return false;
    *result = HARVESTED_KNOWN;
    if (is_known(keeping))
        return true;
    bool is_new = keeping->id == 0;
    if (is_new)
        keeping->state = keeping->offer->is_approved ? STORE_USED : STORE_PENDING;
    if (!check_limits(keeping, result, error))
        return false;
    if (*result != HARVESTED_KNOWN)
        return true;
    if ((is_new && (!insert(keeping, error) || !insert_chain(keeping, error))) ||
        !run(keeping,
             "INSERT INTO names (certificate, name, hash, roles, origin, state, not_before, not_after)"
             " VALUES (:id, :name, :hash, :roles, 1, :state, :from, :until)",
             error))
        return false;
    if (is_new)
        *result = keeping->offer->is_approved ? HARVESTED_USED : HARVESTED_PENDING;
    return db_commit(keeping->db, error);
}

bool store_harvest(struct store *store, const struct harvest_offer *offer, int64_t deadline, enum harvested *result,
                   struct error *error)
{
    struct keeping keeping = {.offer = offer};
    SHA256((const unsigned char *)offer->der.data, offer->der.len, keeping.sha256);
    if (!store_create(store, error))
        return false;
    owned(db) struct db *reader = db_read(store, deadline, error);
    keeping.db = reader;
    *result = HARVESTED_KNOWN;
    if (reader == NULL || !look(&keeping, error))
        return false;
    if (is_known(&keeping)) /* as nearly always: no one waits for a lock */
        return true;
    db_give(steal(&reader));
    owned(db) struct db *writer = db_write_until(store, deadline, error);
    keeping.db = writer;
    return writer != NULL && keep(&keeping, result, error);
}

/* --- finding --- */

void harvest_found_clear(struct harvest_found *found)
{
    for (size_t i = 0; found->chains != NULL && i < found->certificates.count; i++)
        g_free((char *)found->chains[i].data);
    g_free(found->chains);
    store_certificates_clear(&found->certificates);
    *found = (struct harvest_found){0};
}

/* A few: HARVEST_PER_NAME for each name. */
static void sort_by_arrival(struct store_certificates *found)
{
    for (size_t i = 1; i < found->count; i++)
        for (size_t j = i;
             j > 0 && found->list[j].name == found->list[j - 1].name && found->list[j].id < found->list[j - 1].id;
             j--) {
            struct store_certificate earlier = found->list[j];
            found->list[j] = found->list[j - 1];
            found->list[j - 1] = earlier;
        }
}

static bool find_chains(struct store *store, int64_t deadline, struct harvest_found *found, struct error *error)
{
    owned(db) struct db *db = db_read(store, deadline, error);
    found->chains = g_new0(struct slice, found->certificates.count + 1);
    for (size_t i = 0; db != NULL && i < found->certificates.count; i++) {
        bool is_row = false;
        sqlite3_stmt *statement = db_statement(db, "SELECT der FROM chains WHERE certificate = ?1", error);
        if (statement == NULL)
            return false;
        sqlite3_bind_int64(statement, 1, found->certificates.list[i].id);
        if (!db_row(db, statement, &is_row, error))
            return false;
        size_t length = is_row ? (size_t)sqlite3_column_bytes(statement, 0) : 0;
        if (length > 0)
            found->chains[i] = (struct slice){g_memdup2(sqlite3_column_blob(statement, 0), length), length};
    }
    return db != NULL;
}

enum found store_harvest_find(struct store *store, const struct store_question *question, struct harvest_found *found,
                              struct error *error)
{
    struct store_question harvested = *question;
    harvested.origin = STORE_HARVESTED;
    enum found answer = store_certificates_find(store, &harvested, &found->certificates, error);
    if (answer != FOUND)
        return answer;
    sort_by_arrival(&found->certificates);
    if (find_chains(store, question->deadline, found, error))
        return FOUND;
    harvest_found_clear(found);
    return FOUND_FAILED;
}

bool store_harvest_recent(struct store *store, int64_t before, size_t count, int64_t at, struct harvest_found *found,
                          struct error *error)
{
    owned(db) struct db *db = db_read(store, DB_NO_DEADLINE, error);
    sqlite3_stmt *statement =
        db_statement(db,
                     "SELECT " CERTIFICATES_COLUMNS " FROM certificates c WHERE c.id < ?1 AND c.state = 0"
                     " AND ?2 BETWEEN c.not_before AND c.not_after ORDER BY c.id DESC LIMIT ?3",
                     error);
    if (statement == NULL)
        return false;
    sqlite3_bind_int64(statement, 1, before);
    sqlite3_bind_int64(statement, 2, at);
    sqlite3_bind_int64(statement, 3, (int64_t)count);
    if (certificates_take_rows(db, statement, 0, &found->certificates, error) &&
        find_chains(store, DB_NO_DEADLINE, found, error))
        return true;
    harvest_found_clear(found);
    return false;
}

/* --- deciding --- */

static void pending_free(gpointer pending)
{
    struct harvest_pending *each = pending;
    g_free((char *)each->certificate.der.data);
    g_free(each->names);
    g_free(each);
}

static bool take_pending(struct db *db, sqlite3_stmt *statement, GPtrArray *list, struct error *error)
{
    for (;;) {
        bool is_row = false;
        owned(store_certificates) struct store_certificates one = {0};
        if (!db_row(db, statement, &is_row, error))
            return false;
        if (!is_row)
            return true;
        if (!certificates_take_row(db, statement, 0, &one, error))
            return false;
        struct harvest_pending *pending = g_new0(struct harvest_pending, 1);
        pending->certificate = one.list[0];
        one.list[0].der.data = NULL;
        pending->names = g_strdup((const char *)sqlite3_column_text(statement, 8));
        g_ptr_array_add(list, pending);
    }
}

GPtrArray *store_harvest_pending(struct store *store, int64_t after, size_t count, struct error *error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(pending_free);
    owned(db) struct db *db = db_read(store, DB_NO_DEADLINE, error);
    sqlite3_stmt *statement = db_statement(
        db,
        "SELECT " CERTIFICATES_COLUMNS ", (SELECT group_concat(n.name, ' ') FROM names n WHERE n.certificate = c.id)"
        " FROM certificates c WHERE c.origin = 1 AND c.state = 1 AND c.id > ?1"
        " ORDER BY c.id LIMIT ?2",
        error);
    if (statement == NULL)
        return NULL;
    sqlite3_bind_int64(statement, 1, after);
    sqlite3_bind_int64(statement, 2, (int64_t)count);
    return take_pending(db, statement, list, error) ? g_steal_pointer(&list) : NULL;
}

bool store_harvest_decide(struct store *store, int64_t id, enum store_state state, bool *decided, struct error *error)
{
    static const char *const both[] = {
        "UPDATE names SET state = ?2 WHERE certificate = ?1 AND origin = 1 AND state = 1",
        "UPDATE certificates SET state = ?2 WHERE id = ?1 AND origin = 1 AND state = 1"};
    owned(db) struct db *db = db_write(store, error);
    for (size_t i = 0; db != NULL && i < G_N_ELEMENTS(both); i++) {
        sqlite3_stmt *statement = db_statement(db, both[i], error);
        if (statement == NULL)
            return false;
        sqlite3_bind_int64(statement, 1, id);
        sqlite3_bind_int64(statement, 2, state);
        if (!db_run(db, statement, error))
            return false;
        *decided = db_changes(db) > 0;
    }
    return db != NULL && db_commit(db, error);
}
