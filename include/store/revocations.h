/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocations: what has been fetched about revocation, so that a restart knows it.
 */
#ifndef DOMSEC_STORE_REVOCATIONS_H
#define DOMSEC_STORE_REVOCATIONS_H

#include "store/store.h"

/* A revocation list whose signature was verified. */
struct store_list {
    int64_t id;
    const char *scope;   /* what it is about; of each scope one is kept */
    struct slice der;    /* the whole list */
    struct slice signer; /* digest of the key that signed it */
};
/* Replaces that of its scope. */
bool store_list_put(struct store *store, const struct store_list *list, struct error *error);
/* Calls take() with the first list behind the id `after` (0: the first of all), which is lent for that long.
 * FOUND_NONE: there is no more. *id: its place. */
enum found store_list_next(struct store *store, int64_t after,
                           void (*take)(void *context, const struct store_list *list), void *context, int64_t *id,
                           struct error *error);

/* What an OCSP responder has said of a certificate. */
#define STORE_ANSWER_KEY 32
struct store_answer {
    unsigned char key[STORE_ANSWER_KEY]; /* of the certificate */
    bool revoked;
    int64_t from, until, responder_until;
};
bool store_answer_put(struct store *store, const struct store_answer *answer, struct error *error);
/* Calls take() with each answer that is revoked or runs out after `at`, and removes the others. */
bool store_answers_load(struct store *store, int64_t at, void (*take)(void *context, const struct store_answer *answer),
                        void *context, struct error *error);

#endif
