/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stored: what the sources that ask the store have in common.
 */
#ifndef DOMSEC_CERTS_STORED_H
#define DOMSEC_CERTS_STORED_H

#include "source.h"
#include "store/store.h"

struct stored {
    struct store *store;
    char *file;
};

/* NULL: the configuration names no store. */
struct stored *stored_open(const struct conf *conf);
void stored_close(void *state); /* a struct stored */

/* How one source asks: adds what the store finds to the question. Returns false if the store has failed. *note: what
 * was odd, or NULL; g_free(). */
typedef bool stored_find(struct store *store, struct store_question *asked, struct certs_question *question,
                         char **note, struct error *error);
/* Answers questions. Once the store has failed for one, it has failed for the rest: a store that is locked makes the
 * first wait, and the others need not wait, too. */
void stored_ask(const struct stored *stored, stored_find *find, struct certs_question *const *questions, size_t count,
                int64_t deadline);

/* NULL: the octets are not a certificate. X509_free(). */
X509 *stored_certificate(const struct store_certificate *stored);
/* The authorities that came with one, as they are kept; sk_X509_pop_free(). NULL: the octets are not certificates. */
STACK_OF(X509) * stored_chain(struct slice der);

#endif
