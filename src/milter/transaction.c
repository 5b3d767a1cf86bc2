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
    enum reply_kind kind;    /* REPLY_ACCEPT: nothing has failed */
    struct error error;
    bool header_ended;
    bool finished;
};

struct transaction *transaction_new(const struct limits *limits)
{
    struct transaction *transaction = g_new0(struct transaction, 1);
    transaction->limits = limits;
    transaction->kind = REPLY_ACCEPT;
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

/* What an error on storing a piece of a message stands for. */
static enum reply_kind kind_of(const struct error *error)
{
    switch (error->kind) {
    case ERROR_PERMANENT:
        return REPLY_MALFORMED;
    case ERROR_TOO_LARGE:
        return REPLY_SIZE;
    case ERROR_TEMPORARY:
        return REPLY_RESOURCE;
    case ERROR_NONE:
    case ERROR_CONFIGURATION:
    case ERROR_BUG:
        break;
    }
    return REPLY_BUG;
}

void transaction_fail(struct transaction *transaction, enum reply_kind kind, const struct error *error)
{
    if (transaction->kind != REPLY_ACCEPT)
        return;
    transaction->kind = kind;
    transaction->error = *error;
    message_free(transaction->message);
    transaction->message = NULL;
}

static void fail_address(struct transaction *transaction, enum reply_kind kind, struct error *error)
{
    /* A bad address is the sender's fault; any other failure is not. */
    transaction_fail(transaction, error->kind == ERROR_PERMANENT ? kind : kind_of(error), error);
}

/* For the log: an address that cannot be parsed is shown as received, and is used for nothing else. */
static struct address as_told(const char *text)
{
    return (struct address){g_strdup(""), g_strdup(""), g_strndup(text != NULL ? text : "", TOLD_MAX)};
}

static bool says_eight_bit(const char *const *parameters)
{
    for (; *parameters != NULL; parameters++)
        if (g_ascii_strcasecmp(*parameters, "BODY=8BITMIME") == 0 ||
            g_ascii_strcasecmp(*parameters, "BODY=BINARYMIME") == 0)
            return true;
    return false;
}

void transaction_sender(struct transaction *transaction, const char *const *arguments)
{
    struct envelope *envelope = transaction->envelope;
    struct error error = {0};
    envelope->eight_bit = arguments[0] != NULL && says_eight_bit(arguments + 1);
    if (arguments[0] != NULL && arguments[1] != NULL && envelope->sender_parameters == NULL)
        envelope->sender_parameters = g_strdupv((char **)arguments + 1);
    address_clear(&envelope->sender);
    bool good = address_parse_path(slice_of(arguments[0]), &envelope->sender, &error);
    if (good && *envelope->sender.domain == '\0' && strpbrk(envelope->sender.local, "%!@") != NULL) {
        good = error_set(&error, ERROR_PERMANENT, "address \"%s\": it may be a route and has no domain",
                         envelope->sender.text);
        address_clear(&envelope->sender);
    }
    if (!good) {
        envelope->sender = as_told(arguments[0]);
        fail_address(transaction, REPLY_SENDER, &error);
    }
}

void transaction_recipient(struct transaction *transaction, const char *const *arguments, const struct reading *reading)
{
    struct address address = {0};
    struct error error = {0};
    if (transaction->envelope->recipient_count >= transaction->limits->recipients) {
        error_set(&error, ERROR_PERMANENT, "recipients_limit is %u", transaction->limits->recipients);
        transaction_fail(transaction, REPLY_RECIPIENTS, &error);
        return;
    }
    bool good = address_parse_path(slice_of(arguments[0]), &address, &error);
    /* Only a sender may have the null path, never a recipient (RFC 5321 §4.1.1.3). */
    if (good && (address.local == NULL || *address.local == '\0'))
        good = error_set(&error, ERROR_PERMANENT, "empty recipient address");
    if (!good) {
        fail_address(transaction, REPLY_RECIPIENT, &error);
        address_clear(&address);
        address = as_told(arguments[0]);
    }
    struct recipient *recipient = envelope_add_recipient(transaction->envelope, &address);
    recipient->argument = g_strdup(arguments[0]);
    if (arguments[0] != NULL && arguments[1] != NULL)
        recipient->parameters = g_strdupv((char **)arguments + 1);
    if (reading != NULL)
        recipient_set_reading(recipient, reading->address, reading->host, reading->mailer);
}

void transaction_field(struct transaction *transaction, const char *name, const char *value, bool leading_space)
{
    struct error error = {0};
    if (transaction->kind != REPLY_ACCEPT)
        return;
    /* Without SMFIP_HDR_LEADSPC the MTA has removed a blank and will add one. Nearly every field has this form, and
     * it is the only one that can be restored. */
    g_autofree char *restored = leading_space || *value == '\0' ? NULL : g_strconcat(" ", value, NULL);
    if (!message_add_field(transaction->message, name, restored != NULL ? restored : value, &error))
        transaction_fail(transaction, kind_of(&error), &error);
}

void transaction_end_header(struct transaction *transaction)
{
    struct error error = {0};
    if (transaction->kind != REPLY_ACCEPT || transaction->header_ended)
        return;
    transaction->header_ended = true;
    if (!message_end_header(transaction->message, &error))
        transaction_fail(transaction, kind_of(&error), &error);
}

bool transaction_body(struct transaction *transaction, const void *data, size_t length)
{
    struct error error = {0};
    transaction_end_header(transaction);
    if (transaction->kind != REPLY_ACCEPT)
        return false;
    if (length > 0 && !message_add_body(transaction->message, data, length, &error))
        transaction_fail(transaction, kind_of(&error), &error);
    return transaction->kind == REPLY_ACCEPT;
}

bool transaction_finish(struct transaction *transaction)
{
    struct error error = {0};
    transaction_end_header(transaction);
    if (transaction->kind != REPLY_ACCEPT)
        return false;
    if (transaction->envelope->recipient_count == 0) {
        error_set(&error, ERROR_BUG, "the mail server sent no recipient");
        transaction_fail(transaction, REPLY_PROTOCOL, &error);
        return false;
    }
    if (!message_finish(transaction->message, &error))
        transaction_fail(transaction, kind_of(&error), &error);
    transaction->finished = transaction->kind == REPLY_ACCEPT;
    return transaction->finished;
}

enum reply_kind transaction_failure(const struct transaction *transaction)
{
    return transaction->kind;
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
