/* SPDX-License-Identifier: Apache-2.0 */
/* Macro packets that libmilter cannot read end the connection, and nothing else. */
#include "support/daemon.h"

#define BYTES(text) text, sizeof(text) - 1

/* A fresh daemon for each packet: it is the first memory that libmilter takes for macros. */
static bool survives(char command, const char *strings, size_t length, bool *closed)
{
    struct daemon daemon;
    struct mc client;
    struct mc_outcome outcome = {0};
    g_autofree char *packet = g_malloc(length + 1);
    packet[0] = command;
    memcpy(packet + 1, strings, length);
    daemon_start(&daemon, true, "");
    cr_assert(daemon_client(&client, &daemon));
    *closed = !mc_send(&client, SMFIC_MACRO, packet, length + 1) ||
              !daemon_exchange(&client, ALICE, BOB, MESSAGE, strlen(MESSAGE), 0, &outcome);
    mc_outcome_clear(&outcome);
    mc_close(&client);
    bool alive = daemon_client(&client, &daemon) &&
                 daemon_exchange(&client, ALICE, BOB, MESSAGE, strlen(MESSAGE), 0, &outcome) && mc_accepted(&outcome) &&
                 outcome.body != NULL;
    mc_outcome_clear(&outcome);
    mc_close(&client);
    if (alive)
        daemon_stop(&daemon);
    return alive;
}

Test(packet, macros_that_are_not_pairs_end_the_connection)
{
    static const struct {
        char command;
        const char *strings;
        size_t length;
    } rows[] = {
        {SMFIC_CONNECT, BYTES("{client_addr}\0")},
        {SMFIC_MAIL, BYTES("{auth_authen}\0alice\0{client_addr}\0")},
        {SMFIC_MAIL, BYTES("{auth_authen}\0alice\0{client_addr}\0"
                           "127.0.0.1\0{daemon_name}\0")},
        {SMFIC_RCPT, BYTES("\0")},
        {SMFIC_MAIL, BYTES("a\0b\0c")},
        {SMFIC_MAIL, BYTES("a\0b")},
        {SMFIC_MAIL, BYTES("abc")},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        bool closed = false;
        cr_expect(survives(rows[i].command, rows[i].strings, rows[i].length, &closed), "row %zu", i);
        cr_expect(closed, "row %zu", i);
    }
}

Test(packet, macros_in_pairs_are_taken)
{
    bool closed = true;
    cr_expect(survives(SMFIC_MAIL, BYTES("{auth_authen}\0\0{daemon_name}\0test\0"), &closed));
    cr_expect_not(closed);
}
