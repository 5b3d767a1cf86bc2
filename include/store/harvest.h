/* SPDX-License-Identifier: Apache-2.0 */
/*
 * harvest: what the store keeps of messages that arrive: certificates of correspondents, and what their software reads.
 * Harvested certificates stand among the others, with an origin of their own (store.h). Names are those of store.h.
 *
 * A message must not wait for the store, so what is kept of one has a deadline, also where another process writes.
 */
#ifndef DOMSEC_STORE_HARVEST_H
#define DOMSEC_STORE_HARVEST_H

#include "store/store.h"

/* --- certificates: src/store/harvest.c --- */

/* How many may be new. A day is one of UTC. */
struct harvest_limits {
    unsigned per_sender_daily; /* for one name, on a day */
    unsigned daily;            /* for all names, on a day */
    unsigned total;            /* in the store */
};

struct harvest_offer {
    struct slice der;
    struct slice chain; /* the authorities that came with it, in DER, one after the other; may be empty */
    int64_t at, not_before, not_after;
    struct store_name name; /* for which it is offered */
    bool is_approved;       /* it is used at once */
    struct harvest_limits limits;
};

enum harvested {
    HARVESTED_USED,    /* it is new, and used */
    HARVESTED_PENDING, /* it is new, and waits for approval */
    HARVESTED_KNOWN,   /* it is there already, whatever was decided about it */
    HARVESTED_NOT,     /* another one that is valid waits for approval under this name */
    HARVESTED_SENDER,  /* this name has had enough of them */
    HARVESTED_DAILY,   /* so has this day */
    HARVESTED_FULL,    /* so has the store */
};
#define HARVESTED_COUNT 7
const char *harvested_name(enum harvested result); /* "pending" */

/* How many that are valid and used a name has at most. */
#define HARVEST_PER_NAME 8

/* Keeps it if it is new and no limit is reached. */
bool store_harvest(struct store *store, const struct harvest_offer *offer, int64_t deadline, enum harvested *result,
                   struct error *error);

struct harvest_found {
    struct store_certificates certificates;
    struct slice *chains; /* that of each */
};
void harvest_found_clear(struct harvest_found *found);
/* Those of a name that are used, in the order in which they came, so that a newer one stands behind an older one. A
 * question as for store_certificates_find(), of whatever origin. found: zeroed; harvest_found_clear() after FOUND. */
enum found store_harvest_find(struct store *store, const struct store_question *question, struct harvest_found *found,
                              struct error *error);

/* The next ones before the id `before` (INT64_MAX: from the last) that are used and valid at that time, of whatever
 * origin, the newest first. found: as above, after true. */
bool store_harvest_recent(struct store *store, int64_t before, size_t count, int64_t at, struct harvest_found *found,
                          struct error *error);

struct harvest_pending {
    struct store_certificate certificate;
    char *names; /* those for which it was offered, with blanks between them */
};
/* The next ones behind the id `after` that wait for approval; owned by the list. NULL: error is set. */
struct _GPtrArray *store_harvest_pending(struct store *store, int64_t after, size_t count, struct error *error);

/* Approves a certificate (STORE_USED), or rejects it (STORE_REJECTED). *decided: it was waiting; else nothing changes.
 */
bool store_harvest_decide(struct store *store, int64_t id, enum store_state state, bool *decided, struct error *error);

/* --- what software reads: src/store/capabilities.c --- */

struct announcement {
    char *name;
    int64_t signed_at;
    char *words; /* as the caller reads them */
};
/* Keeps what was announced for a name, unless what is known was signed later, or at the same time. *kept: it is what
 * counts now. */
bool store_capabilities_keep(struct store *store, const struct announcement *announcement, int64_t deadline, bool *kept,
                             struct error *error);
/* announcement->words: g_free() after FOUND. */
enum found store_capabilities_find(struct store *store, int64_t deadline, struct announcement *announcement,
                                   struct error *error);

/* owned(harvest_found) struct harvest_found found = {0}; */
static inline __attribute__((unused)) void cleanup_harvest_found(struct harvest_found *found)
{
    harvest_found_clear(found);
}

#endif
