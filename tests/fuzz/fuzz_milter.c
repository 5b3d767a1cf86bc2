/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message as a mail server tells it: envelope, header fields with and without their leading space, body in any
 * chunks. What comes out must hold together, and a field that is sent back as an edit must be the field that came.
 *
 * Input: a byte of options, then records: operation, length (two bytes, big-endian), data. Strings in the data end with
 * NUL.
 */
#include "milter/apply.h"
#include "milter/transaction.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            abort();                                                                                                   \
    } while (0)

static const struct limits limits = {.message_size = 1 << 16,
                                     .memory = 1 << 20,
                                     .spool_dir = (char *)"/tmp",
                                     .header_size = 8192,
                                     .header_count = 64,
                                     .nesting = 10,
                                     .parts = 50,
                                     .layers = 5,
                                     .recipients = 8,
                                     .signers = 4,
                                     .certificates = 8};

static bool is_within(struct slice inner, struct slice outer)
{
    return inner.len == 0 || (inner.data >= outer.data && inner.data + inner.len <= outer.data + outer.len);
}

/* A value goes out with LF folding and with or without its first space, and comes back the same. */
static void check_round_trip(const struct field *field, bool leading_space)
{
    g_autofree char *value = g_strndup(field->value.data, field->value.len);
    g_autofree char *name = g_strndup(field->name.data, field->name.len);
    struct limits wide = limits;
    if (strlen(value) != field->value.len || strlen(name) != field->name.len)
        return; /* NUL cannot travel */
    if (!leading_space && (value[0] != ' ' || g_ascii_isspace(value[1])))
        return; /* the server keeps no other form */
    wide.header_size *= 2;
    g_autofree char *sent = apply_value(value, leading_space);
    owned(transaction) struct transaction *again = transaction_new(&wide);
    transaction_recipient(again, (const char *const[]){"<a@b.test>", NULL}, NULL);
    transaction_field(again, name, sent, leading_space);
    if (!transaction_finish(again))
        return;
    const struct fields *fields = message_fields(transaction_message(again));
    MUST(fields->count == 1 && slice_equal(fields->list[0].value, field->value));
}

static void check_message(const struct message *message, bool leading_space)
{
    struct slice bytes = message_bytes(message), header = message_header(message), body = message_body(message);
    const struct fields *fields = message_fields(message);
    MUST(is_within(header, bytes) && is_within(body, bytes));
    MUST(header.len + 2 + body.len == bytes.len);
    MUST(bytes.len <= limits.message_size + 2);
    for (size_t i = 0; i < fields->count; i++) {
        MUST(is_within(fields->list[i].name, header) && is_within(fields->list[i].value, header));
        check_round_trip(&fields->list[i], leading_space);
    }
}

/* The strings in data, as libmilter hands them over. */
static const char **strings(const char *data, size_t size)
{
    GPtrArray *list = g_ptr_array_new();
    for (const char *at = data; at < data + size; at += strlen(at) + 1)
        g_ptr_array_add(list, (gpointer)at);
    if (list->len == 0)
        g_ptr_array_add(list, (gpointer) "");
    g_ptr_array_add(list, NULL);
    return (const char **)g_ptr_array_free(list, FALSE);
}

static void take(struct transaction *transaction, uint8_t operation, const uint8_t *bytes, size_t size,
                 bool leading_space)
{
    g_autofree char *data = g_malloc(size + 1);
    memcpy(data, bytes, size);
    data[size] = '\0';
    g_autofree const char **list = strings(data, size);

    switch (operation % 5) {
    case 0:
        transaction_sender(transaction, list);
        break;
    case 1:
        transaction_recipient(transaction, list, NULL);
        break;
    case 2:
        transaction_field(transaction, list[0], list[1] != NULL ? list[1] : "", leading_space);
        break;
    case 3:
        transaction_end_header(transaction);
        break;
    case 4:
        transaction_body(transaction, data, size);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    bool leading_space = (data[0] & 1) != 0;
    owned(transaction) struct transaction *transaction = transaction_new(&limits);
    for (size_t at = 1; at + 3 <= size;) {
        size_t length = MIN((size_t)data[at + 1] << 8 | data[at + 2], size - at - 3);
        take(transaction, data[at], data + at + 3, length, leading_space);
        at += 3 + length;
    }
    if (transaction_finish(transaction))
        check_message(transaction_message(transaction), leading_space);
    else
        MUST(transaction_failure(transaction) != REPLY_ACCEPT && transaction_message(transaction) == NULL);
    return 0;
}
