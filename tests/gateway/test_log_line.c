/* SPDX-License-Identifier: Apache-2.0 */
/* Who could read a message, and with which key: the log line says it. */
#include "support/rig.h"

#define POLICY                                                                                                         \
    "outbound = { protect = \"sign+encrypt\"; encrypt_to_self = true; };\ninbound = { require = \"sign+encrypt\"; "    \
    "};\n"
#define MESSAGE                                                                                                        \
    "From: alice@acme.test\r\nTo: bob@partner.test\r\nMessage-ID:\r\n <1\"\\2@acme.test>\r\nSubject: "                 \
    "x\r\n\r\nHello.\r\n"

static void expect_key(const char *line, const char *key, const struct pki *first, const struct pki *second)
{
    char one[65] = "", two[65] = "";
    certificate_fingerprint(first->cert, one);
    if (second != NULL)
        certificate_fingerprint(second->cert, two);
    g_autofree char *wanted = g_strdup_printf(" %s=%.16s%s%.16s ", key, one, second != NULL ? "," : "", two);
    cr_expect_not_null(strstr(line, wanted), "%s is not in\n%s", wanted, line);
}

Test(log_line, names_the_keys_and_the_message)
{
    owned(rig) struct rig *rig = rig_new(POLICY, POLICY);
    AUTO_SENT struct sent out = rig_pass(
        &rig->acme, DIRECTION_OUTBOUND,
        &(struct rig_envelope){"alice@acme.test", "bob@partner.test", "carol@partner.test", "alice", "192.0.2.1"},
        MESSAGE, strlen(MESSAGE));
    g_autofree char *left = passage_log_line(out.result);
    g_autofree char *size = g_strdup_printf(" size=%zu ", strlen(MESSAGE));
    expect_key(left, "signed_with", rig->acme.dsa, NULL);
    expect_key(left, "encrypted_to", rig->partner.dca, rig->acme.dca);
    cr_expect_not_null(strstr(left, " message_id=\"<1\\\"\\\\2@acme.test>\" "), "%s", left);
    cr_expect_not_null(strstr(left, size), "%s", left);
    cr_expect_not_null(strstr(left, " client=\"192.0.2.1\" login=\"alice\" "), "%s", left);
    cr_expect(g_regex_match_simple(" duration=\\d+\\.\\d{3}$", left, 0, 0), "%s", left);
    cr_expect_null(strstr(left, "opened_with"));
    cr_expect_null(strstr(left, "signed_by"));

    AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
    g_autofree char *arrived = passage_log_line(in.result);
    expect_key(arrived, "opened_with", rig->partner.dca, NULL);
    expect_key(arrived, "signed_by", rig->acme.dsa, NULL);
    cr_expect_not_null(strstr(arrived, " client=\"198.51.100.1\" rule="), "%s", arrived);
    cr_expect_null(strstr(arrived, "signed_with"));
    cr_expect_null(strstr(arrived, "encrypted_to"));
}

/* What was refused before it was read, and what was refused by policy. */
Test(log_line, names_no_key_that_was_not_used)
{
    owned(rig) struct rig *rig = rig_new(POLICY, POLICY);
    owned(envelope) struct envelope *envelope =
        rig_envelope(&(struct rig_envelope){"alice@acme.test", "bob@partner.test", NULL, NULL, NULL});
    struct error error = {0};
    error_set(&error, ERROR_TOO_LARGE, "too large");
    owned(passage) struct passage *failed = passage_failed(rig->acme.gateway, envelope, REPLY_SIZE, &error);
    g_autofree char *unread = passage_log_line(failed);
    cr_expect_not_null(strstr(unread, " message_id=\"\" size=0 client=\"\" protect="), "%s", unread);
    AUTO_SENT struct sent out =
        rig_pass(&rig->acme, DIRECTION_OUTBOUND,
                 &(struct rig_envelope){"alice@acme.test", "bob@partner.test", NULL, NULL, "198.51.100.1"}, MESSAGE,
                 strlen(MESSAGE));
    g_autofree char *refused = passage_log_line(out.result);
    cr_expect_eq(rig_verdict(&out), VERDICT_REJECT);
    cr_expect_null(strstr(refused, "signed_with"), "%s", refused);
    cr_expect_null(strstr(refused, "encrypted_to"), "%s", refused);
}

#define MANY 100u

/* A line has an end. */
Test(log_line, many_certificates_are_counted)
{
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    g_autoptr(GString) files = g_string_new("outbound = { protect = \"encrypt\"; };\ncertificates = ( ");
    owned(envelope) struct envelope *envelope =
        rig_envelope(&(struct rig_envelope){"alice@acme.test", NULL, NULL, "alice", "192.0.2.1"});
    for (unsigned i = 0; i < MANY; i++) {
        struct address address = {0};
        struct error error = {0};
        g_autofree char *name = g_strdup_printf("u%u@partner.test", i);
        PKI_AUTO struct pki *person = pki_person(rig->partner.ca, name);
        g_free(pki_write(rig->acme.folder, name, person, NULL));
        g_string_append_printf(files, "%s\"%s\"", i > 0 ? ", " : "", name);
        cr_assert(address_parse(slice_of(name), &address, &error));
        envelope_add_recipient(envelope, &address);
    }
    g_string_append(files, " );\n");
    rig_open(&rig->acme, &rig->partner, files->str, NULL);
    owned(message) struct message *message = rig_message(&rig->acme, MESSAGE, strlen(MESSAGE));
    owned(passage) struct passage *passage =
        rig_take(rig->acme.gateway, DIRECTION_OUTBOUND, envelope, message, time(NULL));
    cr_expect_eq(passage->reply.verdict, VERDICT_ACCEPT, "%s", passage->reply.reason);
    g_autofree char *line = passage_log_line(passage);
    cr_expect(g_regex_match_simple(" encrypted_to=([0-9a-f]{16},){89}and-11-more ", line, 0, 0), "%s", line);
    cr_expect_lt(strlen(line), 4000);
}
