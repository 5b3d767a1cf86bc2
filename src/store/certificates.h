/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificates: what the files about the table of certificates share.
 */
#ifndef DOMSEC_STORE_CERTIFICATES_H
#define DOMSEC_STORE_CERTIFICATES_H

#include "db.h"

/* The columns that certificates_take_row() reads, in this order. */
#define CERTIFICATES_COLUMNS "c.id, c.sha256, c.der, c.origin, c.state, c.added, c.not_before, c.not_after"

/* Appends the row; false if its DER is not what was written. name: index of the name that it was found under. */
bool certificates_take_row(struct db *db, sqlite3_stmt *statement, size_t name, struct store_certificates *list,
                           struct error *error);
/* Runs a statement that has its values, and appends each row. */
bool certificates_take_rows(struct db *db, sqlite3_stmt *statement, size_t name, struct store_certificates *list,
                            struct error *error);

#endif
