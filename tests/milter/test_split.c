/* SPDX-License-Identifier: Apache-2.0 */
/* The real daemon: a message to two is sealed, and what a mail server sends back is opened for one. */
#include "support/daemon.h"

#include <string.h>

static struct daemon daemon_under_test;

/* `domsec init` has made a key. */
static void start(void)
{
    daemon_start(&daemon_under_test, true, "");
}

static void stop(void)
{
    daemon_stop(&daemon_under_test);
}

TestSuite(split, .init = start, .fini = stop);

static bool connect_as(struct mc *client, const char *mta, const char *daemon)
{
    if (!mc_open(client, daemon_under_test.address))
        return false;
    mc_timeout(client, 30);
    return mc_negotiate(client) &&
           mc_macros(client, SMFIC_CONNECT, "{client_addr}", "127.0.0.1", "{daemon_name}", daemon, "v", mta, NULL) &&
           mc_connect(client, "localhost", "127.0.0.1") && mc_helo(client, "localhost");
}

static bool finish(struct mc *client, const char *message, struct mc_outcome *outcome)
{
    *outcome = (struct mc_outcome){0};
    return mc_data(client) && mc_message(client, message, strlen(message), 0) &&
           mc_macros(client, SMFIC_BODYEOB, "i", "4TEST", NULL) && mc_end(client, outcome);
}

/* As far as the second pass looks at it. */
static char *sealed_message(const struct mc_outcome *outcome)
{
    GString *text = g_string_new("Received: by mail.acme.test\r\nFrom: Alice <alice@acme.test>\r\n");
    static const char *const names[] = {"Domsec-Split", "Subject", "Content-Type"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        const struct mc_edit *edit = mc_find_edit(outcome, names[i]);
        cr_assert_not_null(edit, "%s", names[i]);
        g_string_append_printf(text, "%s:%s\r\n", names[i], edit->value);
    }
    g_string_append(text, "\r\n");
    g_string_append_len(text, (const char *)outcome->body->data, outcome->body->len);
    return g_string_free(text, FALSE);
}

static char *seal(const char *mta)
{
    struct mc client;
    struct mc_outcome outcome;
    cr_assert(connect_as(&client, mta, "test"));
    cr_expect_eq(client.steps & SMFIP_NR_RCPT, 0, "recipients are answered");
    cr_assert(mc_mail(&client, ALICE, NULL) && mc_rcpt(&client, BOB) && mc_rcpt(&client, CAROL));
    cr_assert(finish(&client, MESSAGE, &outcome));
    char *text = mc_accepted(&outcome) ? sealed_message(&outcome) : g_strdup(outcome.reply);
    cr_expect_not(outcome.disordered);
    mc_outcome_clear(&outcome);
    mc_quit(&client);
    return text;
}

static void expect_copy(const char *sealed, const char *to, bool is_signed)
{
    struct mc client;
    struct mc_outcome outcome;
    cr_assert(connect_as(&client, "Postfix 3.7.11", "domsec-split"));
    cr_assert(mc_mail(&client, ALICE, NULL) && mc_rcpt(&client, to));
    cr_assert(finish(&client, sealed, &outcome));
    cr_assert(mc_accepted(&outcome), "%s", outcome.reply);
    cr_expect_not(outcome.disordered);
    g_autofree char *body = g_strndup((const char *)outcome.body->data, outcome.body->len);
    cr_expect_not_null(strstr(body, "Hello Bob.\r\nA second line."));
    cr_expect_eq(strstr(body, "application/pkcs7-signature") != NULL, is_signed, "%s", to);
    cr_expect_eq(mc_find_edit(&outcome, "Domsec-Split")->value[0], '\0');
    bool has_subject = false;
    for (guint i = 0; i < outcome.edits->len; i++) {
        const struct mc_edit *edit = &g_array_index(outcome.edits, struct mc_edit, i);
        has_subject |= edit->kind == MC_ADD && strcmp(edit->name, "Subject") == 0 &&
                       strcmp(edit->value, " =?utf-8?q?fold=C3=A9d?=\n over two lines") == 0;
    }
    cr_expect(has_subject);
    mc_outcome_clear(&outcome);
    mc_quit(&client);
}

Test(split, there_and_back)
{
    g_autofree char *sealed = seal("Postfix 3.7.11");
    cr_expect_null(strstr(sealed, "Hello"));
    expect_copy(sealed, BOB, true);
    expect_copy(sealed, CAROL, false);
    cr_expect(daemon_wait_log(&daemon_under_test, "split=1 forms=2 sealed=", 1));
    cr_expect(daemon_wait_log(&daemon_under_test, "split=2 opened=", 2));
}

Test(split, sendmail_cannot)
{
    g_autofree char *reply = seal("8.17.1.9");
    cr_expect_eq(strncmp(reply, "451 4.3.5 ", 10), 0, "%s", reply);
    cr_expect_not_null(strstr(reply, "only Postfix can split"), "%s", reply);
}

Test(split, a_second_recipient_is_refused_at_once)
{
    struct mc client;
    cr_assert(connect_as(&client, "Postfix 3.7.11", "domsec-split"));
    cr_assert(mc_mail(&client, ALICE, NULL) && mc_rcpt(&client, BOB));
    cr_expect_not(mc_rcpt(&client, CAROL));
    mc_close(&client);
    cr_assert(connect_as(&client, "Postfix 3.7.11", "test"));
    cr_assert(mc_mail(&client, ALICE, NULL) && mc_rcpt(&client, BOB) && mc_rcpt(&client, CAROL));
    mc_quit(&client);
}

Test(split, another_recipient_is_an_error_in_the_log)
{
    g_autofree char *sealed = seal("Postfix 3.7.11");
    struct mc client;
    struct mc_outcome outcome;
    cr_assert(connect_as(&client, "Postfix 3.7.11", "domsec-split"));
    cr_assert(mc_mail(&client, ALICE, NULL) && mc_rcpt(&client, "<eve@evil.test>"));
    cr_assert(finish(&client, sealed, &outcome));
    cr_expect_eq(strncmp(outcome.reply, "451 ", 4), 0, "%s", outcome.reply);
    cr_expect_eq(outcome.edits->len, 0);
    cr_expect_null(outcome.body);
    mc_outcome_clear(&outcome);
    mc_quit(&client);
    cr_expect(daemon_wait_log(&daemon_under_test, "is not for eve@evil.test", 1));
}

/* A round trip for each recipient is the price of splitting alone. */
Test(split, recipients_are_not_answered_without_need)
{
    struct mc client;
    g_autofree char *text = NULL;
    cr_assert(g_file_get_contents(daemon_under_test.conf, &text, NULL, NULL));
    char *group = strstr(text, "\nsplit = ");
    cr_assert_not_null(group);
    memcpy(group + 1, "//", 2);
    cr_assert(g_file_set_contents(daemon_under_test.conf, text, -1, NULL));
    kill(daemon_under_test.pid, SIGHUP);
    cr_assert(daemon_wait_log(&daemon_under_test, "is in force", 1));
    cr_assert(connect_as(&client, "Postfix 3.7.11", "test"));
    cr_expect_neq(client.steps & SMFIP_NR_RCPT, 0);
    mc_quit(&client);
}
