/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transaction: one message, as the MTA sends it piece by piece.
 *
 * It collects into struct envelope and struct message. The first failure is kept for the end of the message, and the
 * bytes collected so far are freed at once, because a message that will be refused must not use memory. Every address
 * counts: if a recipient cannot be parsed, the whole message fails, because a recipient that the policy does not see
 * could be sent plaintext. It does not decide about a complete message.
 */
#include "transaction.h"

#include <string.h>

#define TOLD_MAX 512

struct transaction {
    const struct limits *limits;
    struct envelope *envelope;
    struct message *message; /* NULL once it failed */
    enum failure failure;
    struct error error;
    bool header_ended;
    bool finished;
};

struct transaction *transaction_new(const struct limits *limits)
{
    struct transaction *transaction = g_new0(struct transaction, 1);
    transaction->limits = limits;
    transaction->envelope = envelope_new();
    transaction->message = message_new(limits);
    return transaction;
}

void transaction_free(struct transaction *transaction)
{
    if (transaction == NULL)
        return;
    message_free(transaction->message);
    envelope_free(transaction->envelope);
    g_free(transaction);
}

void transaction_fail(struct transaction *transaction, enum failure failure, const struct error *error)
{
    if (transaction->failure != FAILURE_NONE)
        return;
    transaction->failure = failure;
    transaction->error = *error;
    message_free(transaction->message);
    transaction->message = NULL;
}

static void fail_address(struct transaction *transaction, enum failure failure, struct error *error)
{
    /* A bad address is the sender's fault; any other failure is not. */
    transaction_fail(transaction, error->kind == ERROR_PERMANENT ? failure : failure_of(error), error);
}

/* For the log: an address that cannot be parsed is shown as received, and is used for nothing else. */
static struct address as_told(const char *text)
{
    return (struct address){g_strdup(""), g_strdup(""), g_strndup(text != NULL ? text : "", TOLD_MAX)};
}

void transaction_sender(struct transaction *transaction, const char *const *arguments)
{
    struct envelope *envelope = transaction->envelope;
    struct error error = {0};
    address_clear(&envelope->sender);
    if (!address_parse_path(slice_of(arguments[0]), &envelope->sender, &error)) {
        envelope->sender = as_told(arguments[0]);
        fail_address(transaction, FAILURE_SENDER, &error);
    }
    if (arguments[0] == NULL)
        return;
    for (size_t i = 1; arguments[i] != NULL; i++) {
        if (g_ascii_strcasecmp(arguments[i], "SMTPUTF8") == 0)
            envelope->smtputf8 = true;
        else if (g_ascii_strcasecmp(arguments[i], "BODY=8BITMIME") == 0)
            envelope->eight_bit = true;
    }
}

void transaction_recipient(struct transaction *transaction, const char *const *arguments)
{
    struct address address = {0};
    struct error error = {0};
    if (transaction->envelope->recipient_count >= transaction->limits->recipients) {
        error_set(&error, ERROR_PERMANENT, "recipients_limit is %u", transaction->limits->recipients);
        transaction_fail(transaction, FAILURE_RECIPIENTS, &error);
        return;
    }
    bool good = address_parse_path(slice_of(arguments[0]), &address, &error);
    /* Only a sender may have the null path, never a recipient (RFC 5321 §4.1.1.3). */
    if (good && (address.local == NULL || *address.local == '\0'))
        good = error_set(&error, ERROR_PERMANENT, "empty recipient address");
    if (!good) {
        fail_address(transaction, FAILURE_RECIPIENT, &error);
        address_clear(&address);
        address = as_told(arguments[0]);
    }
    envelope_add_recipient(transaction->envelope, &address);
}

void transaction_field(struct transaction *transaction, const char *name, const char *value, bool leading_space)
{
    struct error error = {0};
    if (transaction->failure != FAILURE_NONE)
        return;
    /* Without SMFIP_HDR_LEADSPC the MTA has removed a blank and will add one. Nearly every field has this form, and
     * it is the only one that can be restored. */
    g_autofree char *restored = leading_space || *value == '\0' ? NULL : g_strconcat(" ", value, NULL);
    if (!message_add_field(transaction->message, name, restored != NULL ? restored : value, &error))
        transaction_fail(transaction, failure_of(&error), &error);
}

void transaction_end_header(struct transaction *transaction)
{
    struct error error = {0};
    if (transaction->failure != FAILURE_NONE || transaction->header_ended)
        return;
    transaction->header_ended = true;
    if (!message_end_header(transaction->message, &error))
        transaction_fail(transaction, failure_of(&error), &error);
}

bool transaction_body(struct transaction *transaction, const void *data, size_t length)
{
    struct error error = {0};
    transaction_end_header(transaction);
    if (transaction->failure != FAILURE_NONE)
        return false;
    if (length > 0 && !message_add_body(transaction->message, data, length, &error))
        transaction_fail(transaction, failure_of(&error), &error);
    return transaction->failure == FAILURE_NONE;
}

bool transaction_finish(struct transaction *transaction)
{
    struct error error = {0};
    transaction_end_header(transaction);
    if (transaction->failure != FAILURE_NONE)
        return false;
    if (transaction->envelope->recipient_count == 0) {
        error_set(&error, ERROR_BUG, "the mail server sent no recipient");
        transaction_fail(transaction, FAILURE_PROTOCOL, &error);
        return false;
    }
    if (!message_finish(transaction->message, &error))
        transaction_fail(transaction, failure_of(&error), &error);
    transaction->finished = transaction->failure == FAILURE_NONE;
    return transaction->finished;
}

enum failure transaction_failure(const struct transaction *transaction)
{
    return transaction->failure;
}

const struct error *transaction_error(const struct transaction *transaction)
{
    return &transaction->error;
}

struct envelope *transaction_envelope(struct transaction *transaction)
{
    return transaction->envelope;
}

const struct message *transaction_message(const struct transaction *transaction)
{
    return transaction->finished ? transaction->message : NULL;
}
