/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema: compares reports with etc/report.schema.json. It is stricter than JSON Schema: a key that the schema does not
 * list is a fault, because the schema documents every key. It knows only the keywords that the schema uses, and
 * aborts at another one.
 */
#ifndef DOMSEC_TESTS_SUPPORT_SCHEMA_H
#define DOMSEC_TESTS_SUPPORT_SCHEMA_H

#include <glib.h>

/* The faults of a report, one a line; "" if there are none. g_free(). */
char *schema_faults(const char *report);

/* Expects a report without faults. what: names the case in a failure. */
void schema_expect(const char *report, const char *what);

/* Expects that the words of an enumeration are exactly these. pointer: where it is, such as "/properties/verdict".
 * words end with NULL. */
void schema_expect_words(const char *pointer, const char *const *words);

#endif
