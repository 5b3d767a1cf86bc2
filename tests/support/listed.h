/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listed: revocation lists of a few issuers, from wherever they come, and what revocation_source_crls makes of them. No
 * path is looked for, and nothing is fetched.
 *
 *     TestSuite(…, .init = listed_setup, .fini = listed_teardown);
 *     listed_expect(&(struct listed_row){"revoked", ALICE, {{KEPT, ROOT}, {KEPT, AUTHORITY, ALICE}}, REVOKED});
 */
#ifndef DOMSEC_TESTS_SUPPORT_LISTED_H
#define DOMSEC_TESTS_SUPPORT_LISTED_H

#include "support/pki.h"

#include "trust/anchors.h"
#include "trust/kept.h"
#include "trust/unknown.h"

#include <criterion/criterion.h>

#define DAY 86400
#define GOOD REVOCATION_GOOD
#define REVOKED REVOCATION_REVOKED
#define UNKNOWN REVOCATION_UNKNOWN
#define FOREVER G_MAXINT64

enum who {
    NONE,
    ROOT,
    AUTHORITY,
    ANEW,   /* the authority with another key */
    LISTS,  /* issues lists of others' certificates, below the authority */
    ALICE,  /* below the authority, as are the next two */
    CAROL,  /* signs her own list */
    LATE,   /* has expired */
    BOB,    /* below the root; LISTS issues his list */
    FORGER, /* the authority without its key */
    ROOT_FORGER,
    PEOPLE
};

void listed_setup(void);
void listed_teardown(void);
/* The time of the questions. */
time_t listed_now(void);

#define LISTS_MAX 5
struct listed {
    enum { NOWHERE, CONFIGURED, RECEIVED, KEPT } where;
    enum who issuer, revoked;
    long number, from, until; /* in seconds from now; 0: as of pki_crl(), a day ago, in 30 days */
    const char *extension;
    enum { NO_DELTA, DELTA, REMOVING_DELTA } delta; /* since number 1 */
    bool has_key_id, never_ends;
};

#define ROOT_LIST                                                                                                      \
    {                                                                                                                  \
        KEPT, ROOT                                                                                                     \
    }
#define REVOKING KEPT, AUTHORITY, ALICE
#define USERS "issuingDistributionPoint=critical,onlyuser:TRUE"

/* One question, and where the lists come from. */
struct listing {
    char *folder; /* of those that are configured */
    struct kept *kept;
    STACK_OF(X509) * chain;
    STACK_OF(X509_CRL) * received;
    void *source;
    struct revocation_query query;
    struct revocation_answer answers[3];
};

struct listing *listing_new(enum who leaf, const struct listed *lists);
void listing_free(struct listing *listing);
DECLARE_OWNED(listing, struct listing *, listing_free)

/* As if it was fetched. */
void listing_keep(struct kept *kept, const struct listed *list);

struct listed_row {
    const char *what;
    enum who leaf;
    struct listed lists[LISTS_MAX];
    enum revocation_status status, above; /* of the leaf, and of the authority */
    const char *reason;
    long from; /* when the list was issued that was looked into, in seconds from now; 0: none was */
    long later;
};

void listed_expect(const struct listed_row *row);
#define LISTED_EXPECT_ALL(rows)                                                                                        \
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)                                                                    \
    listed_expect(&(rows)[i])

#endif
