/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place: where a value of the configuration stands.
 */
#ifndef DOMSEC_CONF_PLACE_H
#define DOMSEC_CONF_PLACE_H

struct _GPtrArray;
struct faults;
struct option_table;

/* Where a key belongs that this table does not know; NULL if it is unknown there, too. Static. */
typedef const char *place_home(const struct option_table *table, const char *key);

/* The file and line of a value, for its fault. */
struct place {
    struct faults *faults;
    const char *file;
    unsigned line;
    const char *key;
    const char *folder;          /* of domsec.conf: what relative paths are relative to */
    place_home *home;            /* of the kind of file that is read */
    struct _GPtrArray *files;    /* collects each file that is read (char *); may be NULL */
    struct _GHashTable *origins; /* collects where each value comes from (conf_origin()); may be NULL */
};
void place_fault(const struct place *place, const char *format, ...) __attribute__((format(printf, 2, 3)));
void place_warn(const struct place *place, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
