/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steps: the tables, as they came into being. Each row brings a store from one version of the schema to the next. To
 * change the schema, append a row; a row that was released stays as it is, because stores exist that were made by it.
 */
#include "db.h"

const char *const store_steps[] = {
    /* 1: certificates, and the names under which they are looked up. origin, state and validity stand in both tables,
     * so that one index answers which certificates count; certificates_find.c says why there are two indexes. */
    "CREATE TABLE certificates (id INTEGER PRIMARY KEY AUTOINCREMENT, sha256 BLOB NOT NULL UNIQUE, der BLOB NOT NULL,"
    " origin INTEGER NOT NULL, state INTEGER NOT NULL, added INTEGER NOT NULL, not_before INTEGER NOT NULL,"
    " not_after INTEGER NOT NULL) STRICT;"
    "CREATE INDEX certificates_by_end ON certificates (not_after);"
    "CREATE TABLE names (id INTEGER PRIMARY KEY,"
    " certificate INTEGER NOT NULL REFERENCES certificates (id) ON DELETE CASCADE, name TEXT NOT NULL,"
    " hash INTEGER NOT NULL, roles INTEGER NOT NULL, origin INTEGER NOT NULL, state INTEGER NOT NULL,"
    " not_before INTEGER NOT NULL, not_after INTEGER NOT NULL) STRICT;"
    "CREATE INDEX names_by_name ON names (name, origin, state, not_before, not_after, roles, certificate);"
    "CREATE INDEX names_by_hash ON names (hash, origin, state, not_before, not_after, roles);"
    "CREATE INDEX names_by_certificate ON names (certificate);",
    /* 2: what was harvested is counted, and has the authorities that came with it; and what the software of
     * correspondents reads. */
    "CREATE INDEX certificates_harvested ON certificates (added) WHERE origin = 1;"
    "CREATE TABLE chains (certificate INTEGER PRIMARY KEY REFERENCES certificates (id) ON DELETE CASCADE,"
    " der BLOB NOT NULL) STRICT;"
    "CREATE TABLE capabilities (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, signed_at INTEGER NOT NULL,"
    " words TEXT NOT NULL) STRICT;",
    /* 3: what was fetched about revocation. */
    "CREATE TABLE revocation_lists (id INTEGER PRIMARY KEY, scope TEXT NOT NULL UNIQUE, der BLOB NOT NULL,"
    " signer BLOB NOT NULL) STRICT;"
    "CREATE TABLE revocation_answers (certificate BLOB PRIMARY KEY, revoked INTEGER NOT NULL,"
    " from_time INTEGER NOT NULL, until INTEGER NOT NULL, responder_until INTEGER NOT NULL) STRICT, WITHOUT ROWID;",
    /* 4: trust bundles. */
    "CREATE TABLE trust_bundles (id INTEGER PRIMARY KEY, scope TEXT NOT NULL UNIQUE, contents BLOB,"
    " fetched INTEGER NOT NULL, failed INTEGER NOT NULL, fault TEXT) STRICT;",
};

const int store_step_count = G_N_ELEMENTS(store_steps);
