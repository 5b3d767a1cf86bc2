/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked about each recipient, and what is kept of the answers. */
#include "gateway/internal.h"

#include "support/rig.h"
#include "support/scripted_certs.h"

#define ENCRYPT "outbound = { protect = \"encrypt\"; no_certificate = \"plain\"; };"
#define MESSAGE "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\n\r\nthe secret line\r\n"

static struct scripted_certs *script_in(struct gateway *gateway)
{
    struct scripted_certs *script = scripted_certs_new("script");
    scripted_certs_replace(&gateway->certs, script, NULL);
    return script;
}

static struct sent go(const struct rig *rig, const char *to, const char *other)
{
    return rig_pass(&rig->acme, DIRECTION_OUTBOUND,
                    &(struct rig_envelope){"alice@acme.test", to, other, "alice", "192.0.2.1"}, MESSAGE,
                    strlen(MESSAGE));
}

/* Which certificate it is, and only of one that may be used. */
Test(recipients, what_is_kept_of_an_answer)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, "");
    struct scripted_certs *script = script_in(rig->acme.gateway);
    scripted_certs_domain(script, "bob@partner.test", rig->partner.dca->cert);
    scripted_certs_domain(script, "ben@partner.test", rig->partner.dsa->cert); /* which is not for encryption */
    AUTO_SENT struct sent out = go(rig, "bob@partner.test", "ben@partner.test");
    const struct recipient_view *bob = &out.result->lookups.recipients[0], *ben = bob + 1;
    char sha256[65];
    certificate_fingerprint(rig->partner.dca->cert, sha256);
    cr_expect_eq(bob->certificate, FOUND, "%s", bob->certificate_reason);
    cr_expect_str_eq(bob->certificate_id, sha256);
    cr_expect_str_eq(bob->certificate_reason, "found");
    cr_expect_eq(ben->certificate, FOUND_NONE, "%s", ben->certificate_reason);
    cr_expect_null(ben->certificate_id);
    cr_expect_str_eq(ben->certificate_reason, out.result->lookups.answers[1].certificates.error.said);
    cr_expect_str_neq(ben->certificate_reason, "found");
}

/* No directory learns whom else a message is for. */
Test(recipients, our_own_are_not_asked_about)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, "");
    struct scripted_certs *script = script_in(rig->acme.gateway);
    AUTO_SENT struct sent out = go(rig, "carol@acme.test", "bob@partner.test");
    cr_expect_str_eq(script->asked->str, "bob@partner.test ");
    cr_expect_str_eq(out.result->lookups.recipients[0].certificate_reason, "not looked up");
}

/* What the mail server delivers to us, whatever rule the given address has. */
Test(recipients, nothing_is_asked_for_what_arrives)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, "");
    struct scripted_certs *script = script_in(rig->acme.gateway);
    owned(envelope) struct envelope *envelope =
        rig_envelope(&(struct rig_envelope){"eve@evil.test", "bob@partner.test", NULL, NULL, "198.51.100.1"});
    owned(message) struct message *message = rig_message(&rig->acme, MESSAGE, strlen(MESSAGE));
    recipient_set_reading(&envelope->recipients[0], "alice@acme.test", NULL, "virtual");
    owned(passage) struct passage *passage =
        rig_take(rig->acme.gateway, DIRECTION_INBOUND, envelope, message, time(NULL));
    cr_expect_not(passage->lookups.wants_certificates);
    cr_expect_str_empty(script->asked->str);
}

/* Who is hidden from the others matters where certificates would name a message's recipients, and it can be split. */
Test(recipients, who_is_hidden)
{
    static const struct {
        const char *policy;
        enum mixed mixed;
        const char *to, *other;
        bool is_question, hides;
    } rows[] = {
        {ENCRYPT, MIXED_SPLIT, "bob@partner.test", "ben@partner.test", false, true},
        {ENCRYPT, MIXED_SPLIT, "ben@partner.test", NULL, false, false},
        {ENCRYPT, MIXED_SPLIT, "bob@partner.test", "ben@partner.test", true, false},
        {ENCRYPT, MIXED_REJECT, "bob@partner.test", "ben@partner.test", false, false},
        {"outbound = { protect = \"sign\"; };", MIXED_SPLIT, "bob@partner.test", "ben@partner.test", false, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_new(rows[i].policy, "");
        rig->acme.gateway->conf->mixed_recipients = rows[i].mixed;
        const struct rig_envelope spec = {"alice@acme.test", rows[i].to, rows[i].other, "alice", "192.0.2.1"};
        owned(envelope) struct envelope *envelope = rig_envelope(&spec);
        owned(message) struct message *message = rig_message(&rig->acme, MESSAGE, strlen(MESSAGE));
        owned(passage) struct passage *passage =
            rows[i].is_question ? rig_explain(rig->acme.gateway, envelope, "alice@acme.test")
                                : rig_take(rig->acme.gateway, DIRECTION_OUTBOUND, envelope, message, time(NULL));
        cr_expect_eq(passage->reply.verdict, VERDICT_ACCEPT, "row %zu: %s", i, passage->reply.reason);
        for (size_t j = 0; j < envelope->recipient_count; j++)
            cr_expect_eq(passage->lookups.recipients[j].hidden, j == 1 && rows[i].hides, "row %zu: %zu", i, j);
    }
}

/* Its From cannot be read, so a rule for an author may apply. What is said first is that the address itself is not
 * clear: the sender can mend that. */
Test(recipients, what_is_not_clear)
{
    static const struct {
        const char *to;
        enum unclear unclear;
    } rows[] = {
        {"dave@else.test", UNCLEAR_RULE},
        {"bob@partner", UNCLEAR_DOMAIN},
        {"bob%partner.test@acme.test", UNCLEAR_ROUTE},
    };
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    folder_write(rig->acme.folder, "policy.d/default.conf",
                 "rules = ( { when = { from = \"ann@acme.test\"; }; protect = \"sign\"; } );\n");
    rig_open(&rig->acme, &rig->partner, ENCRYPT, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct rig_envelope spec = {"alice@acme.test", rows[i].to, NULL, "alice", "192.0.2.1"};
        AUTO_SENT struct sent out = rig_pass(&rig->acme, DIRECTION_OUTBOUND, &spec, "\r\nx\r\n", 5);
        const struct recipient_view *view = &out.result->lookups.recipients[0];
        cr_expect_eq(view->unclear, rows[i].unclear, "row %zu: %d", i, (int)view->unclear);
        cr_expect_eq(view->undecided != NULL, rows[i].unclear == UNCLEAR_RULE, "row %zu", i);
    }
}
