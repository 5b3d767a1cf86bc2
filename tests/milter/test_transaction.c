/* SPDX-License-Identifier: Apache-2.0 */
/* A message piece by piece: what is kept, and which failure is told. */
#include "milter/transaction.h"

#include <criterion/criterion.h>
#include <string.h>

static struct limits limits(void)
{
    return (struct limits){.message_size = 4096,
                           .memory = 65536,
                           .spool_dir = (char *)"/tmp",
                           .header_size = 1024,
                           .header_count = 20,
                           .nesting = 10,
                           .parts = 10,
                           .layers = 10,
                           .recipients = 3,
                           .signers = 10,
                           .certificates = 10};
}

static const char *const alice[] = {"<alice@acme.test>", NULL};
static const char *const bob[] = {"<bob@partner.test>", NULL};

Test(transaction, whole_message)
{
    struct limits some = limits();
    static const char *const from[] = {"<alice@acme.test>", "SIZE=100", "BODY=8BITMIME", "SMTPUTF8", NULL};
    owned(transaction) struct transaction *t = transaction_new(&some);
    transaction_sender(t, from);
    transaction_recipient(t, bob, NULL);
    transaction_recipient(t, alice, NULL);
    transaction_field(t, "Subject", " one\n\ttwo", true);
    transaction_field(t, "X-Empty", "", true);
    transaction_end_header(t);
    cr_assert(transaction_body(t, "line 1\r\n", 8));
    cr_assert(transaction_body(t, "line 2\r\n", 8));
    cr_assert(transaction_finish(t), "%s", transaction_error(t)->text);

    const struct envelope *envelope = transaction_envelope(t);
    cr_expect_str_eq(envelope->sender.text, "alice@acme.test");
    cr_expect_eq(envelope->recipient_count, 2);
    cr_expect_str_eq(envelope->recipients[0].address.text, "bob@partner.test");
    struct slice bytes = message_bytes(transaction_message(t));
    cr_expect(slice_equal(bytes, slice_of("Subject: one\r\n\ttwo\r\nX-Empty:\r\n\r\nline 1\r\nline 2\r\n")), "%.*s",
              (int)bytes.len, bytes.data);
}

Test(transaction, leading_space)
{
    static const struct {
        const char *value;
        bool leading_space;
        const char *want;
    } rows[] = {
        {" a", true, "X: a\r\n"},
        {"a", true, "X:a\r\n"},
        {"\ta", true, "X:\ta\r\n"},
        {"a", false, "X: a\r\n"},
        {"", false, "X:\r\n"},
        {"a\n b", false, "X: a\r\n b\r\n"},
        {" a\r\n b", true, "X: a\r\n b\r\n"},
    };
    struct limits some = limits();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(transaction) struct transaction *t = transaction_new(&some);
        transaction_sender(t, alice);
        transaction_recipient(t, bob, NULL);
        transaction_field(t, "X", rows[i].value, rows[i].leading_space);
        cr_assert(transaction_finish(t));
        struct slice header = message_header(transaction_message(t));
        cr_expect(slice_equal(header, slice_of(rows[i].want)), "row %zu: %.*s", i, (int)header.len, header.data);
    }
}

/* RFC 6152. */
Test(transaction, eight_bit_is_what_the_client_says)
{
    static const struct {
        const char *parameter;
        bool eight_bit;
    } rows[] = {
        {"BODY=8BITMIME", true}, {"body=binarymime", true}, {"BODY=7BIT", false}, {"SIZE=8", false}, {NULL, false}};
    struct limits some = limits();
    owned(transaction) struct transaction *t = transaction_new(&some);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        transaction_sender(t, (const char *const[]){"<a@b.test>", "SIZE=100", rows[i].parameter, NULL});
        cr_expect_eq(transaction_envelope(t)->eight_bit, rows[i].eight_bit, "%zu", i);
    }
}

Test(transaction, no_field_no_body)
{
    struct limits some = limits();
    owned(transaction) struct transaction *t = transaction_new(&some);
    transaction_sender(t, (const char *const[]){"<>", NULL});
    transaction_recipient(t, bob, NULL);
    cr_assert(transaction_finish(t));
    cr_expect_eq(message_body(transaction_message(t)).len, 0);
    cr_expect_str_eq(transaction_envelope(t)->sender.text, "");
}

Test(transaction, addresses)
{
    static const struct {
        const char *sender, *recipient;
        enum reply_kind want;
    } rows[] = {
        {"<a@b.test>", "<c@d.test>", REPLY_ACCEPT},
        {"a@b.test", "c@d.test", REPLY_ACCEPT},
        {"<>", "<c@d.test>", REPLY_ACCEPT},
        {"<\"x y\"@b.test>", "<c@d.test>", REPLY_ACCEPT},
        {"<a@b.test>", "<postmaster>", REPLY_ACCEPT},
        {"<root>", "Postmaster", REPLY_ACCEPT},
        /* policy knows where these go, or refuses them */
        {"<a@b.test>", "<bob%d.test>", REPLY_ACCEPT},
        {"<a@b.test>", "<d.test!bob>", REPLY_ACCEPT},
        {"<a@b.test>", "<\"bob@d.test\">", REPLY_ACCEPT},
        {"<a@b.test>", "<@x.test:c@d.test>", REPLY_ACCEPT},
        {"<bob%d.test>", "<c@d.test>", REPLY_SENDER},
        {"<d.test!bob>", "<c@d.test>", REPLY_SENDER},
        {"<\"bob@d.test\">", "<c@d.test>", REPLY_SENDER},
        {"<bob%d.test@x.test>", "<c@d.test>", REPLY_ACCEPT},
        {"<a@b@c>", "<c@d.test>", REPLY_SENDER},
        {"<a@b.test", "<c@d.test>", REPLY_SENDER},
        {"a\nb@c.test", "<c@d.test>", REPLY_SENDER},
        {"<a@b.test>", "<>", REPLY_RECIPIENT},
        {"<a@b.test>", "", REPLY_RECIPIENT},
        {"<a@b.test>", "<a@b.test,c@d.test>", REPLY_RECIPIENT},
        {"<a@b.test>", "<@x.test:c>", REPLY_RECIPIENT},
        {"<a@b.test>", "c d@e.test", REPLY_RECIPIENT},
    };
    struct limits some = limits();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(transaction) struct transaction *t = transaction_new(&some);
        transaction_sender(t, (const char *const[]){rows[i].sender, NULL});
        transaction_recipient(t, (const char *const[]){rows[i].recipient, NULL}, NULL);
        transaction_field(t, "Subject", " x", true);
        cr_expect_eq(transaction_finish(t), rows[i].want == REPLY_ACCEPT, "row %zu", i);
        cr_expect_eq(transaction_failure(t), rows[i].want, "row %zu: %s", i, transaction_error(t)->text);
    }
}

/* One bad recipient among good ones is never passed over. */
Test(transaction, bad_recipient_among_good)
{
    struct limits some = limits();
    owned(transaction) struct transaction *t = transaction_new(&some);
    transaction_sender(t, alice);
    transaction_recipient(t, bob, NULL);
    transaction_recipient(t, (const char *const[]){"<x@@y>", NULL}, NULL);
    transaction_recipient(t, alice, NULL);
    cr_expect_not(transaction_finish(t));
    cr_expect_eq(transaction_failure(t), REPLY_RECIPIENT);
    cr_expect_null(transaction_message(t));
}

Test(transaction, limits)
{
    struct limits some = limits();
    char big[8192];
    memset(big, 'x', sizeof(big));
    big[sizeof(big) - 1] = '\0';

    owned(transaction) struct transaction *recipients = transaction_new(&some);
    transaction_sender(recipients, alice);
    for (int i = 0; i < 4; i++)
        transaction_recipient(recipients, bob, NULL);
    cr_expect_not(transaction_finish(recipients));
    cr_expect_eq(transaction_failure(recipients), REPLY_RECIPIENTS);

    owned(transaction) struct transaction *body = transaction_new(&some);
    transaction_sender(body, alice);
    transaction_recipient(body, bob, NULL);
    cr_expect(transaction_body(body, big, 4000));
    cr_expect_not(transaction_body(body, big, 1000));
    cr_expect_not(transaction_body(body, big, 1));
    cr_expect_not(transaction_finish(body));
    cr_expect_eq(transaction_failure(body), REPLY_SIZE);

    owned(transaction) struct transaction *header = transaction_new(&some);
    transaction_sender(header, alice);
    transaction_recipient(header, bob, NULL);
    transaction_field(header, "X", big, true);
    transaction_field(header, "Y", " later", true);
    transaction_end_header(header);
    cr_expect_not(transaction_body(header, "x", 1));
    cr_expect_not(transaction_finish(header));
    cr_expect_eq(transaction_failure(header), REPLY_SIZE);

    owned(transaction) struct transaction *count = transaction_new(&some);
    transaction_sender(count, alice);
    transaction_recipient(count, bob, NULL);
    for (int i = 0; i < 21; i++)
        transaction_field(count, "X", " y", true);
    cr_expect_not(transaction_finish(count));
    cr_expect_eq(transaction_failure(count), REPLY_SIZE);
}

Test(transaction, first_failure_stays)
{
    struct limits some = limits();
    struct error error = {0};
    owned(transaction) struct transaction *t = transaction_new(&some);
    transaction_sender(t, alice);
    error_set(&error, ERROR_BUG, "first");
    transaction_fail(t, REPLY_PROTOCOL, &error);
    transaction_recipient(t, (const char *const[]){"<>", NULL}, NULL);
    transaction_fail(t, REPLY_SIZE, &error);
    cr_expect_eq(transaction_failure(t), REPLY_PROTOCOL);
    cr_expect_str_eq(transaction_error(t)->text, "first");
}

Test(transaction, no_recipient)
{
    struct limits some = limits();
    owned(transaction) struct transaction *t = transaction_new(&some);
    transaction_sender(t, alice);
    cr_expect_not(transaction_finish(t));
    cr_expect_eq(transaction_failure(t), REPLY_PROTOCOL);
}

Test(transaction, full_spool_is_ours)
{
    struct limits some = limits();
    some.memory = 0;
    some.spool_dir = (char *)"/nonexistent/spool";
    owned(transaction) struct transaction *t = transaction_new(&some);
    transaction_sender(t, alice);
    transaction_recipient(t, bob, NULL);
    transaction_body(t, "x", 1);
    cr_expect_not(transaction_finish(t));
    cr_expect_eq(transaction_failure(t), REPLY_RESOURCE);
}

Test(transaction, recipients_as_given_and_as_the_mta_reads_them)
{
    struct limits some = limits();
    static const char *const given[] = {"<bob%partner.test@[127.0.0.1]>", "NOTIFY=NEVER", "ORCPT=rfc822;bob@x.test",
                                        NULL};
    const struct reading reading = {"bob@partner.test", "partner.test", "smtp"};
    owned(transaction) struct transaction *t = transaction_new(&some);
    transaction_sender(t, alice);
    transaction_recipient(t, given, &reading);
    transaction_recipient(t, bob, NULL);
    const struct recipient *recipients = transaction_envelope(t)->recipients;
    cr_expect_str_eq(recipients[0].argument, given[0]);
    cr_expect_str_eq(recipients[0].parameters[0], "NOTIFY=NEVER");
    cr_expect_str_eq(recipients[0].parameters[1], "ORCPT=rfc822;bob@x.test");
    cr_expect_null(recipients[0].parameters[2]);
    cr_expect_str_eq(recipients[0].mta_address, "bob@partner.test");
    cr_expect_str_eq(recipients[0].mta_host, "partner.test");
    cr_expect_str_eq(recipients[0].mta_mailer, "smtp");
    cr_expect_str_eq(recipients[0].resolved.text, "bob@partner.test");
    cr_expect_str_eq(recipients[1].argument, bob[0]);
    cr_expect(recipients[1].parameters == NULL && recipients[1].mta_address == NULL);
}
