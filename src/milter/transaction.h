/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transaction: one message, as the MTA sends it piece by piece, until it is complete. It knows nothing of libmilter. A
 * failure is kept and reported at the end, because callbacks that need no reply get none (SMFIP_NR_*). Not
 * thread-safe.
 */
#ifndef DOMSEC_MILTER_TRANSACTION_H
#define DOMSEC_MILTER_TRANSACTION_H

#include "gateway/gateway.h"
#include "mail/envelope.h"
#include "mail/message.h"

struct transaction;

/* limits must outlive the transaction. */
struct transaction *transaction_new(const struct limits *limits);
void transaction_free(struct transaction *transaction);

/* arguments as libmilter gives them: the address, then ESMTP parameters, NULL-terminated. */
void transaction_sender(struct transaction *transaction, const char *const *arguments);
/* reading: how the MTA reads the address, copied; NULL: it does not say. */
struct reading {
    const char *address, *host, *mailer; /* {rcpt_addr}, {rcpt_host}, {rcpt_mailer}; each NULL where unknown */
};
void transaction_recipient(struct transaction *transaction, const char *const *arguments,
                           const struct reading *reading);
/* leading_space: value is everything after the colon (SMFIP_HDR_LEADSPC); otherwise the MTA has removed the space. */
void transaction_field(struct transaction *transaction, const char *name, const char *value, bool leading_space);
void transaction_end_header(struct transaction *transaction);
/* Returns false if no more of the body is needed, because the message has already failed. */
bool transaction_body(struct transaction *transaction, const void *data, size_t length);
/* Completes the message. Returns false if it failed here or before. */
bool transaction_finish(struct transaction *transaction);

/* Records the first failure and frees the bytes of the message. Later failures are ignored. */
void transaction_fail(struct transaction *transaction, enum reply_kind kind, const struct error *error);
enum reply_kind transaction_failure(const struct transaction *transaction); /* REPLY_ACCEPT: nothing failed so far */
const struct error *transaction_error(const struct transaction *transaction);

struct envelope *transaction_envelope(struct transaction *transaction);           /* lent, to be completed */
const struct message *transaction_message(const struct transaction *transaction); /* lent; after transaction_finish() */

DECLARE_OWNED(transaction, struct transaction *, transaction_free)

#endif
