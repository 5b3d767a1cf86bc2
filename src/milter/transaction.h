/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transaction: one message as the MTA tells it piece by piece, until it is whole. Knows nothing of libmilter: what goes
 * wrong on the way is kept and told at the end, because callbacks that need no answer get none (SMFIP_NR_*). Not
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
/* leading_space: value is all that follows the colon (SMFIP_HDR_LEADSPC); else the MTA took the space off. */
void transaction_field(struct transaction *transaction, const char *name, const char *value, bool leading_space);
void transaction_end_header(struct transaction *transaction);
/* Returns false when no more of the body is wanted: the message has failed already. */
bool transaction_body(struct transaction *transaction, const void *data, size_t length);
/* The message is whole. False if it failed here or before. */
bool transaction_finish(struct transaction *transaction);

/* Keeps the first failure, gives the message's bytes back. Later ones are not noted. */
void transaction_fail(struct transaction *transaction, enum reply_kind kind, const struct error *error);
enum reply_kind transaction_failure(const struct transaction *transaction); /* REPLY_ACCEPT: nothing failed so far */
const struct error *transaction_error(const struct transaction *transaction);

struct envelope *transaction_envelope(struct transaction *transaction);           /* lent, to be completed */
const struct message *transaction_message(const struct transaction *transaction); /* lent; after transaction_finish() */

DECLARE_OWNED(transaction, struct transaction *, transaction_free)

#endif
