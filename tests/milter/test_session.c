/* SPDX-License-Identifier: Apache-2.0 */
/* The real daemon over its real socket: protocol, collecting, edits, replies. */
#include "support/daemon.h"
#include "support/folder.h"
#include "support/hostile.h"

#include <pthread.h>

static struct daemon daemon_under_test;

static void start_inet(void)
{
    daemon_start(&daemon_under_test, false,
                 "message_size_limit = 65536;\nmemory_limit = 16384;\nrecipients_limit = 5;\n");
}

static void stop(void)
{
    daemon_stop(&daemon_under_test);
}

TestSuite(session, .init = start_inet, .fini = stop);

static void expect_signed(const struct mc_outcome *outcome, const char *content)
{
    cr_assert(mc_accepted(outcome), "'%c' %s", outcome->disposition, outcome->reply);
    cr_assert_not_null(outcome->body);
    cr_expect_not(outcome->disordered);
    const struct mc_edit *type = mc_find_edit(outcome, "Content-Type");
    cr_assert_not_null(type);
    cr_expect_not_null(strstr(type->value, "multipart/signed"), "%s", type->value);
    cr_expect_null(strchr(type->value, '\r'));
    g_autofree char *body = g_strndup((const char *)outcome->body->data, outcome->body->len);
    cr_expect_not_null(strstr(body, content));
    cr_expect_not_null(strstr(body, "application/pkcs7-signature"));
}

Test(session, negotiation)
{
    struct mc client;
    cr_assert(mc_open(&client, daemon_under_test.address));
    cr_assert(mc_negotiate(&client));
    cr_expect_eq(client.version, 6);
    cr_expect_eq(client.actions, MC_ADDHDRS | MC_CHGBODY | MC_CHGHDRS | MC_QUARANTINE | MC_SETSYMLIST);
    /* recipients are answered, for messages that are split */
    cr_expect_eq(client.steps, SMFIP_NOHELO | SMFIP_NOUNKNOWN | SMFIP_HDR_LEADSPC | SMFIP_NR_CONN | SMFIP_NR_HELO |
                                   SMFIP_NR_MAIL | SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY);
    cr_expect_str_eq(client.symbols[0]->str, "{client_addr} {daemon_name} v {domsec}");
    cr_expect_str_eq(client.symbols[2]->str, "i {auth_authen} {daemon_name}");
    cr_expect_str_eq(client.symbols[3]->str, "{rcpt_addr} {rcpt_host} {rcpt_mailer}");
    cr_expect_str_eq(client.symbols[5]->str, "i");
    cr_expect(mc_quit(&client));
}

/* Over a unix socket DATA needs no answer. */
Test(session, negotiation_local, .init = NULL, .fini = NULL)
{
    struct daemon daemon;
    struct mc client;
    daemon_start(&daemon, true, "");
    cr_assert(mc_open(&client, daemon.address) && mc_negotiate(&client));
    cr_expect((client.steps & SMFIP_NODATA) != 0);
    mc_quit(&client);
    daemon_stop(&daemon);
}

/* A mail server that cannot do what is needed is refused, not served by halves. */
Test(session, negotiation_without_body_edits)
{
    struct mc client;
    cr_assert(mc_open(&client, daemon_under_test.address));
    cr_expect_not(mc_negotiate_as(&client, 6, MC_ALL_ACTIONS & ~MC_CHGBODY, MC_ALL_STEPS));
    mc_close(&client);
}

/* Chunks of any size, values with and without their leading space, steps with and without answers: the same edits. */
Test(session, offers_and_chunks)
{
    static const struct {
        uint32_t version, steps;
        size_t chunk;
    } rows[] = {
        {6, MC_ALL_STEPS, 65535}, {6, MC_ALL_STEPS, 1},
        {6, MC_ALL_STEPS, 7},     {6, MC_ALL_STEPS & ~(uint32_t)SMFIP_HDR_LEADSPC, 65535},
        {6, 0x7ff, 65535}, /* no SMFIP_NR_ but for header fields, no leading space */
        {2, 0x7f, 1000},   /* an old one */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct mc client;
        struct mc_outcome outcome;
        cr_assert(mc_open(&client, daemon_under_test.address));
        mc_timeout(&client, 30);
        cr_assert(
            mc_negotiate_as(&client, rows[i].version, rows[i].version == 6 ? MC_ALL_ACTIONS : 0x3f, rows[i].steps),
            "row %zu", i);
        cr_assert(mc_macros(&client, SMFIC_CONNECT, "{client_addr}", "127.0.0.1", NULL));
        cr_assert(mc_connect(&client, "localhost", "127.0.0.1") && mc_helo(&client, "localhost"), "row %zu", i);
        cr_assert(daemon_exchange(&client, ALICE, BOB, MESSAGE, strlen(MESSAGE), rows[i].chunk, &outcome), "row %zu",
                  i);
        expect_signed(&outcome, "Hello Bob.\r\nA second line.");
        const struct mc_edit *type = mc_find_edit(&outcome, "Content-Type");
        cr_expect_eq(type->value[0] == ' ', (rows[i].steps & SMFIP_HDR_LEADSPC) != 0, "row %zu: \"%s\"", i,
                     type->value);
        mc_outcome_clear(&outcome);
        mc_quit(&client);
    }
}

Test(session, several_messages_a_connection)
{
    struct mc client;
    struct mc_outcome outcome;
    cr_assert(daemon_client(&client, &daemon_under_test));
    for (int i = 0; i < 20; i++) {
        g_autofree char *message = g_strdup_printf("From: alice@acme.test\r\nSubject: %d\r\n\r\nnumber %d.\r\n", i, i);
        g_autofree char *content = g_strdup_printf("number %d.", i);
        cr_assert(daemon_exchange(&client, ALICE, BOB, message, strlen(message), 65535, &outcome));
        expect_signed(&outcome, content);
        mc_outcome_clear(&outcome);
        if (i % 3 == 0)
            cr_assert(mc_abort(&client));
    }
    mc_quit(&client);
}

Test(session, nothing_to_do_is_no_edit)
{
    static const struct {
        const char *from, *to, *message;
    } rows[] = {
        {ALICE, CAROL, MESSAGE},
        {CAROL, ALICE,
         "From: carol@other.test\r\nSubject:no space\r\nX-Odd:  two\n\tfolded \n\r\n\r\nno final newline"},
    };
    struct mc client;
    struct mc_outcome outcome;
    cr_assert(daemon_client(&client, &daemon_under_test));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        cr_assert(daemon_exchange(&client, rows[i].from, rows[i].to, rows[i].message, strlen(rows[i].message), 65535,
                                  &outcome));
        cr_expect(mc_accepted(&outcome), "row %zu: '%c' %s", i, outcome.disposition, outcome.reply);
        cr_expect_null(outcome.body, "row %zu", i);
        /* Inbound mail may get its Authentication-Results; nothing else. */
        for (guint j = 0; j < outcome.edits->len; j++)
            cr_expect_str_eq(g_array_index(outcome.edits, struct mc_edit, j).name, "Authentication-Results");
        if (i == 0)
            cr_expect_eq(outcome.edits->len, 0);
        mc_outcome_clear(&outcome);
    }
    mc_quit(&client);
}

static char *big_message(size_t body)
{
    GString *text = g_string_new("From: alice@acme.test\r\nSubject: big\r\n\r\n");
    size_t start = text->len;
    while (text->len - start < body)
        g_string_append(text, "0123456789012345678901234567890123456789012345678901234567890123456789\r\n");
    return g_string_free(text, FALSE);
}

/* Through memory, through the spool file, and over the limit. */
Test(session, sizes)
{
    static const struct {
        size_t body;
        bool good;
    } rows[] = {{10000, true}, {40000, true}, {64000, true}, {70000, false}, {3000000, false}, {1000, true}};
    struct mc client;
    struct mc_outcome outcome;
    cr_assert(daemon_client(&client, &daemon_under_test));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *message = big_message(rows[i].body);
        cr_assert(daemon_exchange(&client, ALICE, BOB, message, strlen(message), 4096, &outcome), "row %zu", i);
        if (rows[i].good) {
            expect_signed(&outcome, "0123456789\r\n");
        } else {
            cr_expect_eq(outcome.disposition, SMFIR_REPLYCODE, "row %zu", i);
            cr_expect(g_str_has_prefix(outcome.reply, "552 5.3.4 "), "row %zu: %s", i, outcome.reply);
            cr_expect_eq(outcome.edits->len, 0);
        }
        mc_outcome_clear(&outcome);
    }
    mc_quit(&client);
}

Test(session, huge_header)
{
    struct mc client;
    struct mc_outcome outcome;
    g_autofree char *value = g_strnfill(60000, 'x');
    cr_assert(daemon_client(&client, &daemon_under_test));
    cr_assert(mc_mail(&client, ALICE, NULL) && mc_rcpt(&client, BOB));
    for (int i = 0; i < 10; i++)
        cr_assert(mc_header(&client, "X-Huge", value));
    cr_assert(mc_eoh(&client) && mc_body(&client, "x\r\n", 3, 3) && mc_end(&client, &outcome));
    cr_expect(outcome.reply != NULL && g_str_has_prefix(outcome.reply, "552 5.3.4 "), "%s", outcome.reply);
    mc_outcome_clear(&outcome);
    /* The next one is served. */
    cr_assert(daemon_exchange(&client, ALICE, BOB, MESSAGE, strlen(MESSAGE), 65535, &outcome));
    expect_signed(&outcome, "Hello Bob.");
    mc_outcome_clear(&outcome);
    mc_quit(&client);
}

/* Not the size is what is wrong with it. */
Test(session, field_name_that_breaks_the_header)
{
    struct mc client;
    struct mc_outcome outcome;
    cr_assert(daemon_client(&client, &daemon_under_test));
    cr_assert(mc_mail(&client, ALICE, NULL) && mc_rcpt(&client, BOB) && mc_header(&client, "Su\nject", " x") &&
              mc_eoh(&client) && mc_end(&client, &outcome));
    cr_expect(outcome.reply != NULL && g_str_has_prefix(outcome.reply, "550 5.6.0 "), "%s", outcome.reply);
    mc_outcome_clear(&outcome);
    mc_quit(&client);
}

Test(session, envelope_failures)
{
    static const struct {
        const char *from, *to[8], *want, *logged;
    } rows[] = {
        {ALICE,
         {BOB, "<x@@y.test>", CAROL},
         "553 5.1.3 ",
         "outbound from=\"\" sender=\"alice@acme.test\" to=\"bob@partner.test\" nrcpt=3 verdict=reject code=553"},
        {ALICE,
         {"<x@@y.test>"},
         "553 5.1.3 ",
         "inbound from=\"\" sender=\"alice@acme.test\" to=\"<x@@y.test>\" nrcpt=1 verdict=reject code=553"},
        {ALICE, {"<>"}, "553 5.1.3 ", "to=\"<>\" nrcpt=1 verdict=reject code=553"},
        {"<a@b@c>", {BOB}, "553 5.1.7 ", "sender=\"<a@b@c>\" to=\"bob@partner.test\" nrcpt=1 verdict=reject code=553"},
        {ALICE, {BOB, BOB, BOB, BOB, BOB, BOB}, "550 5.5.3 ", "to=\"bob@partner.test\" nrcpt=5 verdict=reject"},
        /* Not ours, from a network of ours: the policy demands a signature that may not be given. */
        {CAROL,
         {BOB},
         "550 5.7",
         "from=\"carol@other.test\" sender=\"carol@other.test\" to=\"bob@partner.test\" nrcpt=1"},
    };
    struct mc client;
    struct mc_outcome outcome;
    cr_assert(daemon_client(&client, &daemon_under_test));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *message = "From: carol@other.test\r\n\r\nx\r\n";
        cr_assert(mc_mail(&client, rows[i].from, NULL));
        for (size_t j = 0; rows[i].to[j] != NULL; j++)
            cr_assert(mc_rcpt(&client, rows[i].to[j]));
        cr_assert(mc_message(&client, message, strlen(message), 0) && mc_end(&client, &outcome), "row %zu", i);
        cr_expect(outcome.reply != NULL && g_str_has_prefix(outcome.reply, rows[i].want), "row %zu: '%c' %s", i,
                  outcome.disposition, outcome.reply);
        cr_expect_eq(outcome.edits->len, 0);
        cr_expect_null(outcome.body);
        cr_expect(daemon_wait_log(&daemon_under_test, rows[i].logged, 1), "row %zu", i);
        mc_outcome_clear(&outcome);
    }
    mc_quit(&client);
}

Test(session, smtputf8)
{
    const char *message = "From: alice@acme.test\r\nTo: b\xc3\xb6"
                          "b@partner.test\r\nSubject: gr\xc3\xbc\xc3\x9f"
                          "e\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
                          "f\xc3\xbcr\r\n";
    struct mc client;
    struct mc_outcome outcome;
    cr_assert(daemon_client(&client, &daemon_under_test));
    cr_assert(mc_mail(&client, ALICE, "SMTPUTF8", "BODY=8BITMIME", NULL) &&
              mc_rcpt(&client, "<b\xc3\xb6"
                               "b@partner.test>") &&
              mc_message(&client, message, strlen(message), 0) && mc_end(&client, &outcome));
    expect_signed(&outcome, "application/pkcs7-signature");
    for (guint i = 0; i < outcome.body->len; i++)
        cr_assert(outcome.body->data[i] < 0x80, "8-bit at %u", i);
    mc_outcome_clear(&outcome);
    mc_quit(&client);
}

/* Trust is for the client that the macros name; without them, for the one of the connection. */
Test(session, client_address)
{
    static const struct {
        const char *macro, *connection, *user;
        bool good;
    } rows[] = {
        {"127.0.0.1", "192.0.2.1", NULL, true},
        {"192.0.2.1", "127.0.0.1", NULL, false},
        {NULL, "127.0.0.1", NULL, true},
        {NULL, "::1", NULL, true},
        {NULL, "192.0.2.1", NULL, false},
        {NULL, "2001:db8::1", NULL, false},
        {NULL, NULL, NULL, false},
        {"192.0.2.1", "192.0.2.1", "alice", true},
        {"192.0.2.1", "192.0.2.1", "", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct mc client;
        struct mc_outcome outcome;
        cr_assert(mc_open(&client, daemon_under_test.address) && mc_negotiate(&client));
        if (rows[i].macro != NULL)
            mc_macros(&client, SMFIC_CONNECT, "{client_addr}", rows[i].macro, NULL);
        cr_assert(mc_connect(&client, "host", rows[i].connection) && mc_helo(&client, "host"));
        if (rows[i].user != NULL)
            mc_macros(&client, SMFIC_MAIL, "{auth_authen}", rows[i].user, NULL);
        cr_assert(daemon_exchange(&client, ALICE, BOB, MESSAGE, strlen(MESSAGE), 0, &outcome), "row %zu", i);
        cr_expect_eq(mc_accepted(&outcome), rows[i].good, "row %zu: '%c' %s", i, outcome.disposition, outcome.reply);
        mc_outcome_clear(&outcome);
        mc_quit(&client);
    }
}

/* Each recipient by the macros that came for it, and by none of an earlier one's. */
Test(session, how_the_mta_reads_a_recipient)
{
#define ROUTE "<bob%partner.test@localhost>"
    static const struct {
        struct {
            const char *to, *addr, *mailer;
        } recipients[3];
        const char *want; /* the reply; NULL: signed, as partner.test's policy says */
    } rows[] = {
        {{{ROUTE, "bob@partner.test", "smtp"}}, NULL},
        {{{ROUTE, NULL, NULL}}, "550 5.7.1 "},
        {{{ROUTE, "bob%partner.test@localhost", NULL}}, "550 5.7.1 "},
        {{{ROUTE, "bob@partner.test", NULL}}, "550 5.7.1 "},
        {{{ROUTE, NULL, "smtp"}}, "550 5.7.1 "},
        {{{BOB, "bob@partner.test", "smtp"}, {ROUTE, NULL, NULL}}, "550 5.7.1 "},
        {{{BOB, "bob@partner.test", "smtp"}, {ROUTE, "", ""}}, "550 5.7.1 "},
        {{{BOB, "bob@partner.test", "smtp"}, {ROUTE, NULL, NULL}, {BOB, "bob@partner.test", "smtp"}}, "550 5.7.1 "},
        {{{BOB, "bob@partner.test", "smtp"}, {BOB, NULL, NULL}, {ROUTE, NULL, NULL}}, "550 5.7.1 "},
        {{{ROUTE, NULL, NULL}, {ROUTE, "bob@partner.test", "smtp"}}, "550 5.7.1 "},
        {{{BOB, NULL, NULL}, {ROUTE, "bob@partner.test", "smtp"}, {BOB, "bob@partner.test", "smtp"}}, NULL},
        {{{ROUTE, "bob@partner.test", "smtp"}, {ROUTE, "bob@partner.test", "smtp"}, {BOB, NULL, NULL}}, NULL},
        {{{ROUTE, NULL, NULL}}, "550 5.7.1 "}, /* behind a message with macros */
    };
    struct mc client;
    struct mc_outcome outcome;
    cr_assert(daemon_client(&client, &daemon_under_test));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        cr_assert(mc_mail(&client, ALICE, NULL));
        for (size_t j = 0; j < 3 && rows[i].recipients[j].to != NULL; j++) {
            const char *addr = rows[i].recipients[j].addr, *mailer = rows[i].recipients[j].mailer;
            if (addr != NULL && mailer != NULL)
                mc_macros(&client, SMFIC_RCPT, "{rcpt_addr}", addr, "{rcpt_mailer}", mailer, NULL);
            else if (addr != NULL || mailer != NULL)
                mc_macros(&client, SMFIC_RCPT, addr != NULL ? "{rcpt_addr}" : "{rcpt_mailer}",
                          addr != NULL ? addr : mailer, NULL);
            cr_assert(mc_rcpt(&client, rows[i].recipients[j].to));
        }
        cr_assert(mc_message(&client, MESSAGE, strlen(MESSAGE), 0) && mc_end(&client, &outcome));
        if (rows[i].want == NULL)
            expect_signed(&outcome, "Hello Bob.");
        else
            cr_expect(outcome.reply != NULL && g_str_has_prefix(outcome.reply, rows[i].want), "row %zu: '%c' %s", i,
                      outcome.disposition, outcome.reply);
        mc_outcome_clear(&outcome);
    }
    mc_quit(&client);
    cr_expect(daemon_wait_log(&daemon_under_test, "redirected=\"bob%partner.test@localhost to bob@partner.test", 4));
}

/* Nothing is done by a listener in pass_daemons, whatever the message is, and whoever sends it. */
Test(session, pass_daemons, .init = NULL, .fini = NULL)
{
    static const struct {
        const char *daemon, *from, *to;
        size_t size;
        bool passes;
    } rows[] = {
        {"reinject", CAROL, BOB, 0, true},
        {"reinject", ALICE, BOB, 0, true},
        {"reinject", "<>", "<dave@acme.test>", 0, true},
        {"reinject", ALICE, "<x@@y.test>", 0, true},
        {"reinject", ALICE, "<bob%partner.test@localhost>", 0, true},
        {"reinject", ALICE, BOB, 100000, true}, /* over message_size_limit */
        {"filtered", CAROL, BOB, 0, true},
        {"Reinject", CAROL, BOB, 0, false},
        {"reinject2", CAROL, BOB, 0, false},
        {"", CAROL, BOB, 0, false},
        {NULL, CAROL, BOB, 0, false},
    };
    struct daemon daemon;
    daemon_start(&daemon, true, "message_size_limit = 65536;\npass_daemons = ( \"reinject\", \"filtered\" );\n");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct mc client;
        struct mc_outcome outcome;
        g_autofree char *body = g_strnfill(rows[i].size, 'x');
        g_autofree char *text = g_strconcat("From: carol@other.test\r\n\r\n", body, "\r\n", NULL);
        cr_assert(mc_open(&client, daemon.address) && mc_negotiate(&client));
        if (rows[i].daemon != NULL)
            mc_macros(&client, SMFIC_CONNECT, "{client_addr}", "127.0.0.1", "{daemon_name}", rows[i].daemon, NULL);
        cr_assert(mc_connect(&client, "host", "127.0.0.1") && mc_helo(&client, "host"));
        cr_assert(daemon_exchange(&client, rows[i].from, rows[i].to, text, strlen(text), 0, &outcome), "row %zu", i);
        cr_expect_eq(mc_accepted(&outcome), rows[i].passes, "row %zu: '%c' %s", i, outcome.disposition, outcome.reply);
        cr_expect(outcome.edits->len == 0 && outcome.body == NULL, "row %zu", i);
        mc_outcome_clear(&outcome);
        mc_quit(&client);
    }
    cr_expect(daemon_wait_log(&daemon, "reason=\"nothing is done: pass_daemons has the listener reinject\"", 6));
    daemon_stop(&daemon);
}

/* Who logged in for one message has not for the next. */
Test(session, login_ends_with_its_message)
{
    struct mc client;
    struct mc_outcome outcome;
    cr_assert(mc_open(&client, daemon_under_test.address) && mc_negotiate(&client));
    cr_assert(mc_macros(&client, SMFIC_CONNECT, "{client_addr}", "192.0.2.1", "{daemon_name}", "test", NULL));
    cr_assert(mc_connect(&client, "host", "192.0.2.1") && mc_helo(&client, "host"));
    for (int i = 0; i < 4; i++) {
        if (i % 2 == 0)
            mc_macros(&client, SMFIC_MAIL, "{auth_authen}", "alice", "{daemon_name}", "test", NULL);
        else
            mc_macros(&client, SMFIC_MAIL, "{daemon_name}", "test", NULL);
        cr_assert(daemon_exchange(&client, ALICE, BOB, MESSAGE, strlen(MESSAGE), 0, &outcome));
        cr_expect_eq(mc_accepted(&outcome), i % 2 == 0, "message %d: '%c' %s", i, outcome.disposition, outcome.reply);
        mc_outcome_clear(&outcome);
    }
    mc_quit(&client);
}

/* Gone without a word after each step; the daemon neither minds nor keeps anything (LeakSanitizer looks). */
Test(session, killed_at_each_step)
{
    for (int step = 0; step < 10; step++) {
        struct mc client;
        bool good = mc_open(&client, daemon_under_test.address);
        good = good && (step < 1 || mc_negotiate(&client));
        good = good && (step < 2 || mc_connect(&client, "localhost", "127.0.0.1"));
        good = good && (step < 3 || mc_mail(&client, ALICE, NULL));
        good = good && (step < 4 || mc_rcpt(&client, BOB));
        good = good && (step < 5 || mc_header(&client, "Subject", " x"));
        good = good && (step < 6 || mc_eoh(&client));
        good = good && (step < 7 || mc_body(&client, "x\r\n", 3, 3));
        good = good && (step < 8 || mc_send(&client, SMFIC_BODYEOB, NULL, 0));
        good = good && mc_flush(&client);
        cr_assert(good, "step %d", step);
        if (step == 9) { /* half a packet */
            cr_assert(send(client.fd, "\0\0\1", 3, MSG_NOSIGNAL) == 3);
        }
        mc_close(&client);
    }
    struct mc client;
    struct mc_outcome outcome;
    cr_assert(daemon_client(&client, &daemon_under_test));
    cr_assert(daemon_exchange(&client, ALICE, BOB, MESSAGE, strlen(MESSAGE), 0, &outcome));
    expect_signed(&outcome, "Hello Bob.");
    mc_outcome_clear(&outcome);
    mc_quit(&client);
}

Test(session, aborted_in_the_body)
{
    struct mc client;
    struct mc_outcome outcome;
    g_autofree char *message = big_message(50000);
    cr_assert(daemon_client(&client, &daemon_under_test));
    for (int i = 0; i < 10; i++) {
        cr_assert(mc_mail(&client, ALICE, NULL) && mc_rcpt(&client, BOB) &&
                  mc_message(&client, message, strlen(message) / 2, 0) && mc_abort(&client));
    }
    cr_assert(daemon_exchange(&client, ALICE, BOB, MESSAGE, strlen(MESSAGE), 0, &outcome));
    expect_signed(&outcome, "Hello Bob.");
    g_autofree char *body = g_strndup((const char *)outcome.body->data, outcome.body->len);
    cr_expect_null(strstr(body, "0123456789"), "nothing of the aborted ones is left");
    mc_outcome_clear(&outcome);
    mc_quit(&client);
}

/* Commands out of their order, and no negotiation: never accepted, never a crash. */
Test(session, broken_protocol)
{
    struct mc client;
    struct mc_outcome outcome;
    cr_assert(mc_open(&client, daemon_under_test.address));
    mc_timeout(&client, 5);
    mc_send(&client, SMFIC_MAIL, ALICE, sizeof(ALICE));
    mc_send(&client, SMFIC_RCPT, BOB, sizeof(BOB));
    mc_send(&client, SMFIC_EOH, NULL, 0);
    bool answered = mc_end(&client, &outcome);
    cr_expect(!answered || !mc_accepted(&outcome), "'%c'", outcome.disposition);
    mc_outcome_clear(&outcome);
    mc_close(&client);

    static const char packets[][7] = {"\0\0\0\0", "\xff\xff\xff\xff", "\0\0\0\1Z", "\0\0\0\2L", "\0\0\0\1O"};
    for (size_t i = 0; i < G_N_ELEMENTS(packets); i++) {
        cr_assert(mc_open(&client, daemon_under_test.address));
        cr_assert(mc_negotiate(&client));
        send(client.fd, packets[i], 6, MSG_NOSIGNAL);
        mc_close(&client);
    }
    cr_assert(daemon_client(&client, &daemon_under_test));
    mc_quit(&client);
}

Test(session, log_line)
{
    struct mc client;
    struct mc_outcome outcome;
    cr_assert(daemon_client(&client, &daemon_under_test));
    cr_assert(daemon_exchange(&client, ALICE, BOB, MESSAGE, strlen(MESSAGE), 0, &outcome));
    mc_outcome_clear(&outcome);
    mc_quit(&client);
    cr_expect(daemon_wait_log(&daemon_under_test, "4TEST: direction=outbound", 1));
}

/* Sendmail gives the queue ID with the sender, and nothing at the end of the message. */
Test(session, queue_id_of_sendmail)
{
    struct mc client;
    cr_assert(daemon_client(&client, &daemon_under_test));
    for (int i = 0; i < 2; i++) {
        struct mc_outcome outcome = {0};
        g_autofree char *id = g_strdup_printf("4MAIL%d", i), *line = g_strdup_printf("%s: direction=outbound", id);
        cr_assert(mc_macros(&client, SMFIC_MAIL, "i", id, "{daemon_name}", "MTA", NULL));
        cr_assert(mc_mail(&client, ALICE, NULL) && mc_rcpt(&client, BOB) && mc_data(&client) &&
                  mc_message(&client, MESSAGE, strlen(MESSAGE), 0) && mc_end(&client, &outcome));
        cr_expect(daemon_wait_log(&daemon_under_test, line, 1));
        mc_outcome_clear(&outcome);
    }
    mc_quit(&client);
}

/* --- fields near the largest packet of the protocol --- */

#define MARKING                                                                                                        \
    "domain = \"partner.test\"; outbound = { protect = \"sign\"; };\n"                                                 \
    "inbound = { require = \"sign\"; otherwise = \"tag\"; subject_unverified = \"[unverified]\"; };\n"

static char *message_with(const char *from, const char *to, const char *name, const char *unit, unsigned count)
{
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "From: %s\r\nTo: %s\r\n%s: ", from, to, name);
    for (unsigned i = 0; i < count; i++)
        g_string_append(text, unit);
    g_string_append(text, "\r\n\r\nHello.\r\n");
    return g_string_free(text, FALSE);
}

static void start_marking(struct daemon *daemon)
{
    daemon_start(daemon, true, "");
    g_autofree char *policy = g_build_filename(daemon->folder, "acme", "policy.d", NULL);
    folder_write(policy, "partner.test.conf", MARKING);
    kill(daemon->pid, SIGHUP);
    cr_assert(daemon_wait_log(daemon, "is in force", 1));
}

/* A Subject that cannot be marked is refused for good: left alone it would look as if it needed no mark, and a
 * temporary failure would come back for ever. */
Test(session, a_subject_too_large_to_be_marked, .init = NULL, .fini = NULL)
{
    static const struct {
        const char *unit;
        unsigned count;
        bool marked;
    } rows[] = {{"word ", 4000, true},
                {"word ", 18000, false},
                {"\xc3\xbc", 28000, false},
                {"=?utf-8?b?w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvA==?= ", 1600, false}};
    struct daemon daemon;
    struct mc client;
    start_marking(&daemon);
    cr_assert(daemon_client(&client, &daemon));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct mc_outcome outcome;
        g_autofree char *text =
            message_with("bob@partner.test", "alice@acme.test", "Subject", rows[i].unit, rows[i].count);
        cr_assert(daemon_exchange(&client, BOB, ALICE, text, strlen(text), 0, &outcome), "%zu", i);
        const struct mc_edit *edit = mc_find_edit(&outcome, "Subject");
        if (rows[i].marked)
            cr_expect(mc_accepted(&outcome) && edit != NULL && strstr(edit->value, "[unverified]") != NULL, "%zu", i);
        else
            cr_expect(outcome.disposition == 'y' && g_str_has_prefix(outcome.reply, "552 5.3.4 "), "%zu: '%c' %s", i,
                      outcome.disposition, outcome.reply);
        mc_outcome_clear(&outcome);
    }
    mc_quit(&client);
    daemon_stop(&daemon);
}

/* libmilter would end the connection. */
Test(session, a_field_over_64_kilobytes_arrives, .init = NULL, .fini = NULL)
{
    struct daemon daemon;
    struct mc client;
    struct mc_outcome outcome;
    daemon_start(&daemon, true, "");
    cr_assert(daemon_client(&client, &daemon));
    g_autofree char *text = message_with("alice@acme.test", "bob@partner.test", "X-Long", "word ", 20000);
    cr_assert(daemon_exchange(&client, ALICE, BOB, text, strlen(text), 0, &outcome));
    expect_signed(&outcome, "Hello.");
    mc_outcome_clear(&outcome);
    mc_quit(&client);
    daemon_stop(&daemon);
}

/* A client that sends one message. */
struct sender {
    const struct daemon *daemon;
    const char *address, *message;
    gint *sent, *answered; /* how many of them all */
};

static void *send_from(void *argument)
{
    struct sender *sender = argument;
    struct mc client;
    struct mc_outcome outcome = {0};
    bool good = mc_open(&client, sender->daemon->address) && mc_negotiate(&client);
    mc_timeout(&client, 60);
    good = good && mc_macros(&client, SMFIC_CONNECT, "{client_addr}", sender->address, "{daemon_name}", "test", NULL) &&
           mc_connect(&client, "client.test", sender->address) && mc_helo(&client, "client.test") &&
           mc_mail(&client, "<mallory@evil.test>", NULL) && mc_rcpt(&client, ALICE) && mc_data(&client) &&
           mc_message(&client, sender->message, strlen(sender->message), 0);
    g_atomic_int_inc(sender->sent);
    good = good && mc_end(&client, &outcome);
    g_atomic_int_inc(sender->answered);
    mc_outcome_clear(&outcome);
    mc_close(&client);
    return good ? argument : NULL;
}

/* However many connections a client has, and however long one of its messages takes: a message of another client does
 * not wait until it is done. */
Test(session, a_hostile_client_waits_behind_others, .init = NULL, .fini = NULL)
{
    struct daemon daemon;
    daemon_start(&daemon, true, "crypto_threads = 1;\nwork_limit = 100000;\n");
    g_autofree char *bombs = hostile_messages[0].make(NULL);
    gint sent = 0, answered = 0, others = 0;
    struct sender hostile = {&daemon, "198.51.100.66", bombs, &sent, &answered};
    struct sender other = {&daemon, "203.0.113.1", MESSAGE, &others, &others};
    pthread_t threads[3];
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, send_from, &hostile), 0);
    while (g_atomic_int_get(&sent) < (gint)G_N_ELEMENTS(threads))
        g_usleep(1000);
    g_usleep(50000); /* their ends are on their way: each takes half a second of work */
    /* libmilter may hand over the last of them only after another one is done. */
    gint before = g_atomic_int_get(&answered);
    for (int i = 0; i < 4; i++)
        cr_expect_not_null(send_from(&other));
    gint meanwhile = g_atomic_int_get(&answered) - before;
    cr_expect_leq(meanwhile, 1, "%d were done meanwhile, where four messages take a hundredth of one", meanwhile);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++) {
        void *good = NULL;
        pthread_join(threads[i], &good);
        cr_expect_not_null(good);
    }
    daemon_stop(&daemon);
}
