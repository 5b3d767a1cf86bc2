/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: the database of what is learned and kept, in one file (key `store`).
 *
 * A struct store is a name and a pool of connections. It is thread-safe, and lookups of many threads do not wait for
 * each other. Several of them may be open on one file, in one process and in several; each sees at once what another
 * one has written. store_open() touches no file, so that a store that is broken, locked or not there fails the lookups
 * that need it, and serves the next ones when it is well again.
 *
 * Each call is one transaction: it is done whole or not at all, and nothing stays locked after it. A lookup has three
 * answers, and a store that fails never answers FOUND_NONE. An error is ERROR_TEMPORARY if trying again may help (the
 * file is locked, the disk is full), else ERROR_CONFIGURATION (it is damaged, is not a database, belongs to another
 * account, or was made by a newer version).
 *
 * Times are seconds since 1970, deadlines microseconds of g_get_monotonic_time().
 */
#ifndef DOMSEC_STORE_STORE_H
#define DOMSEC_STORE_STORE_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/lookup.h"

#include <stdint.h>

struct store;

/* uri: conf->store, "sqlite:" and an absolute path. */
struct store *store_open(const char *uri);
void store_close(struct store *store);
/* The path in such a URI; lent. */
const char *store_file(const char *uri);

/* Makes an empty store if the file is not there. It has mode 0600, and what root makes belongs to the owner of the
 * folder. Each call that writes does this by itself; a lookup does not, because a file that has vanished would then
 * look like one that knows nothing. */
bool store_create(struct store *store, struct error *error);

/* Whether it can be read now. */
bool store_ready(struct store *store, struct error *error);

/* Reads the whole file and says what is wrong in it. */
bool store_check(struct store *store, struct error *error);

/* Copies the whole store, as it is at one moment, into an empty file. */
bool store_copy(struct store *store, const char *file, struct error *error);

/* --- certificates: certificates.c --- */

/* The numbers of these two stand in the database. */
enum store_origin { STORE_IMPORTED, STORE_HARVESTED };
enum store_state { STORE_USED, STORE_PENDING, STORE_REJECTED };
const char *store_origin_name(enum store_origin origin);
const char *store_state_name(enum store_state state);

/* A name under which a certificate is looked up: a mailbox as index_mailbox() writes it, with roles 0, or a domain and
 * the roles (a set of bits) in which the certificate may act for it. store/ compares names byte by byte. */
struct store_name {
    const char *name;
    unsigned roles;
};

struct store_addition {
    struct slice der;
    enum store_origin origin;
    enum store_state state;
    int64_t added, not_before, not_after;
    const struct store_name *names; /* each once */
    size_t name_count;
};
enum store_added {
    STORE_NEW,
    STORE_KNOWN,  /* it was there; nothing has changed */
    STORE_CHANGED /* it was there, harvested, pending or rejected, and is now an imported one that is used */
};
/* Adds all of them, or none. added: for each what happened. */
bool store_certificates_add(struct store *store, const struct store_addition *list, size_t count,
                            enum store_added *added, struct error *error);

struct store_certificate {
    struct slice der;
    char sha256[65]; /* lower-case hex */
    enum store_origin origin;
    enum store_state state;
    int64_t id, added, not_before, not_after; /* id: its place in the order in which they came */
    size_t name;                              /* of a lookup: index of the name that it was found under */
};
struct store_certificates {
    struct store_certificate *list;
    size_t count;
};
void store_certificates_clear(struct store_certificates *certificates);

/* How many a name gives at most: of those that are valid the newest, then of the others the newest. */
#define STORE_VALID_MAX 16
#define STORE_INVALID_MAX 4

struct store_question {
    const struct store_name *names; /* in the order of preference; roles: at least one of them */
    size_t count;
    enum store_origin origin; /* only those of this origin, which are used */
    int64_t at;               /* when they should be valid */
    int64_t deadline;
};
/* Those that are found under each name, in the order of the names, the newest notBefore first. Those that are not valid
 * stand behind the valid ones of their name. found: zeroed; clear it after FOUND. */
enum found store_certificates_find(struct store *store, const struct store_question *question,
                                   struct store_certificates *found, struct error *error);

/* The next ones behind the id `after` (0: from the first), at most `count`. Each page is a transaction of its own, so
 * that a reader who takes his time stops no one. page: zeroed; clear it after true. */
bool store_certificates_page(struct store *store, int64_t after, size_t count, struct store_certificates *page,
                             struct error *error);
bool store_certificates_count(struct store *store, int64_t *count, struct error *error);
/* The first `count` of those whose SHA-256 begins with these lower-case hex digits. As above. */
bool store_certificates_by_id(struct store *store, const char *digits, size_t count, struct store_certificates *found,
                              struct error *error);
/* The next ones behind `after` (NULL: from the first), as above, that ended before that time; by their end. */
bool store_certificates_expired(struct store *store, int64_t at, const struct store_certificate *after, size_t count,
                                struct store_certificates *page, struct error *error);
/* Removes those with these ids; one that is gone is no error. */
bool store_certificates_remove(struct store *store, const int64_t *ids, size_t count, struct error *error);

DECLARE_OWNED(store, struct store *, store_close)
/* owned(store_certificates) struct store_certificates list = {0}; */
static inline __attribute__((unused)) void cleanup_store_certificates(struct store_certificates *certificates)
{
    store_certificates_clear(certificates);
}

#endif
