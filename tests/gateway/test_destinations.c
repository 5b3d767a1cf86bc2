/* SPDX-License-Identifier: Apache-2.0 */
/* Recipients that the MTA delivers to other addresses than those given: no plaintext leaves, and both addresses show.
 */
#include "gateway/internal.h"

#include "support/attack.h"
#include "support/schema.h"
#include "support/scripted_certs.h"

#define MESSAGE "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\n\r\nthe secret line\r\n"
#define ENCRYPT "outbound = { protect = \"sign+encrypt\"; };"

struct way {
    const char *to, *read, *mailer; /* RCPT TO, {rcpt_addr}, {rcpt_mailer} */
    const char *auth;               /* login of the client; NULL: a stranger */
};

static struct envelope *envelope_of(const struct way *way)
{
    struct envelope *envelope =
        rig_envelope(&(struct rig_envelope){"alice@acme.test", way->to, NULL, way->auth, "198.51.100.1"});
    recipient_set_reading(&envelope->recipients[0], way->read, NULL, way->mailer);
    return envelope;
}

/* As the daemon: the direction follows from the recipients. */
static struct sent go(const struct org *org, const struct way *way, const char *text)
{
    struct sent sent = {.envelope = envelope_of(way), .message = rig_message(org, text, strlen(text))};
    const struct passage_request request = {.envelope = sent.envelope, .message = sent.message, .at = time(NULL)};
    sent.result = gateway_pass(org->gateway, &request);
    owned(rope) struct rope *out = edits_apply(&sent.result->made.edits, sent.message);
    sent.bytes = rope_flatten(out, &sent.length);
    return sent;
}

/* Beside partner.test, acme.test has rules for signed.test and for open.test, which gives up without a certificate. */
static struct rig *rig_with_others(const char *acme_policy, const char *partner_policy)
{
    struct rig *rig = rig_closed(PKI_EC);
    g_autofree char *policies = g_build_filename(rig->acme.folder, "policy.d", NULL);
    g_mkdir(policies, 0700);
    folder_write(policies, "signed.test.conf", "domain = \"signed.test\"; outbound = { protect = \"sign\"; };\n");
    folder_write(policies, "open.test.conf",
                 "domain = \"open.test\"; outbound = { protect = \"encrypt\"; no_certificate = \"plain\"; };\n");
    rig_open(&rig->acme, &rig->partner, acme_policy, NULL);
    rig_open(&rig->partner, &rig->acme, partner_policy, NULL);
    return rig;
}

static const struct way resolved[] = {
    {"bob%partner.test@[127.0.0.1]", "bob@partner.test", "smtp", "alice"},
    {"\"bob@partner.test\"@mx.acme.test", "bob@partner.test", "smtp", "alice"},
    {"partner.test!bob@localhost", "bob@partner.test", "smtp", "alice"},
    {"bob%partner.test@acme.test", "bob@partner.test", "smtp", "alice"},
    {"bob%partner.test", "bob@partner.test", "smtp", "alice"},
    {"partner.test!bob", "bob@partner.test", "smtp", "alice"},
    {"alice@acme.test", "bob@partner.test", "esmtp", "alice"}, /* a virtual user */
    {"bob%partner.test@signed.test", "bob@partner.test", "smtp", "alice"},
    {"bob@open.test", "bob@partner.test", "smtp", "alice"},
};

Test(destinations, what_the_mta_resolves_is_protected_and_shown)
{
    owned(rig) struct rig *rig = rig_with_others(ENCRYPT, ATTACK_STRICT);
    struct scripted_certs *script = scripted_certs_new("script");
    scripted_certs_replace(&rig->acme.gateway->certs, script, NULL);
    scripted_certs_domain(script, "bob@partner.test", rig->partner.dca->cert); /* and for no other address */
    for (size_t i = 0; i < G_N_ELEMENTS(resolved); i++) {
        AUTO_SENT struct sent out = go(&rig->acme, &resolved[i], MESSAGE);
        cr_assert_eq(out.result->reply.verdict, VERDICT_ACCEPT, "%s: %s", resolved[i].to, out.result->reply.reason);
        cr_expect(out.result->made.treatment.encrypt && out.result->made.treatment.sign, "%s", resolved[i].to);
        cr_expect_null(strstr(out.bytes, "secret"), "%s", resolved[i].to);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        cr_expect_eq(in.result->reply.verdict, VERDICT_ACCEPT, "%s: %s", resolved[i].to, in.result->reply.reason);
        cr_expect_not_null(strstr(in.bytes, "the secret line"), "%s", resolved[i].to);

        g_autofree char *report = passage_report(out.result), *line = passage_log_line(out.result);
        g_autofree char *reason = g_strdup_printf("%s, delivered to bob@partner.test: partner.test.conf: ",
                                                  out.envelope->recipients[0].address.text);
        schema_expect(report, resolved[i].to);
        cr_expect(g_str_has_prefix(out.result->reply.reason, reason), "%s", out.result->reply.reason);
        cr_expect_not_null(strstr(report, "\"delivered_to\": \"bob@partner.test\""), "%s", report);
        cr_expect_not_null(strstr(line, " to bob@partner.test\" nrcpt=1"), "%s", line);
        cr_expect_not_null(strstr(line, " redirected=\""), "%s", line);
    }
}

Test(destinations, an_address_that_is_read_as_given_shows_once)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, ATTACK_STRICT);
    const struct way way = {"Bob@Partner.test.", "bob@partner.test", "smtp", "alice"};
    AUTO_SENT struct sent out = go(&rig->acme, &way, MESSAGE);
    g_autofree char *report = passage_report(out.result), *line = passage_log_line(out.result);
    cr_expect_eq(out.result->reply.verdict, VERDICT_ACCEPT);
    cr_expect(g_str_has_prefix(out.result->reply.reason, "Bob@partner.test: "), "%s", out.result->reply.reason);
    cr_expect_not_null(strstr(report, "\"redirections\": []"), "%s", report);
    cr_expect_null(strstr(line, "redirected"), "%s", line);
}

/* 550 for each, whatever the rule of the last domain. */
static const struct way refused[] = {
    {"bob%partner.test@[127.0.0.1]", NULL, NULL, "alice"},
    {"bob%partner.test@other.test", NULL, NULL, "alice"},
    {"bob%partner.test", NULL, NULL, "alice"},
    {"<@other.test:bob@partner.test>", NULL, NULL, "alice"},
    {"bob%partner.test@localhost", "bob%partner.test@localhost", NULL, "alice"}, /* sendmail(1) */
    {"bob%partner.test@localhost", "bob@other.test", NULL, "alice"},
    {"bob%partner.test@localhost", NULL, "smtp", "alice"},
    {"bob%partner.test@localhost", "bob%partner.test@localhost", "smtp", "alice"}, /* for the next host to read */
    {"bob%partner.test@acme.test", "bob%partner.test@acme.test", "virtual", "alice"},
    {"bob@partner.test", "bob@other.test", "smtp", "alice"}, /* no certificate for whom it would be delivered to */
    {"bob@partner.test", "alice@acme.test", "virtual", "alice"},
    {"bob@partner", NULL, NULL, "alice"},
    /* … and for what arrives */
    {"alice%acme.test@[192.0.2.1]", NULL, NULL, NULL},
    {"alice%acme.test", NULL, NULL, NULL},
    {"alice%acme.test@[192.0.2.1]", "alice@acme.test", "virtual", NULL},
    {"alice@other.test", "alice@acme.test", "virtual", NULL},
    {"alice@open.test", "alice@acme.test", "virtual", NULL}, /* as given it would leave as it is */
};

Test(destinations, what_may_be_another_address_is_refused)
{
    owned(rig) struct rig *rig = rig_with_others(ENCRYPT "inbound = { require = \"sign\"; };", "");
    struct scripted_certs *script = scripted_certs_new("script");
    scripted_certs_replace(&rig->acme.gateway->certs, script, NULL);
    scripted_certs_domain(script, "bob@partner.test", rig->partner.dca->cert);
    const char *forged = "From: bob@partner.test\r\n\r\nx\r\n";
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        AUTO_SENT struct sent out = go(&rig->acme, &refused[i], refused[i].auth != NULL ? MESSAGE : forged);
        cr_expect_eq(out.result->reply.verdict, VERDICT_REJECT, "%s: %s", refused[i].to, out.result->reply.reason);
        cr_expect_eq(out.result->reply.code, 550, "%s", refused[i].to);
        owned(envelope) struct envelope *envelope = envelope_of(&refused[i]);
        owned(passage) struct passage *asked = rig_explain(rig->acme.gateway, envelope, "alice@acme.test");
        cr_expect(asked->reply.verdict == VERDICT_REJECT || refused[i].auth == NULL, "%s: %s", refused[i].to,
                  asked->reply.reason);
    }
}

/* What is encrypted to us is opened for the address that the MTA delivers to. */
Test(destinations, what_arrives_by_another_address_is_opened)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, ATTACK_STRICT);
    const struct way way = {"bob%partner.test@[192.0.2.1]", "bob@partner.test", "virtual", NULL};
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    AUTO_SENT struct sent in = go(&rig->partner, &way, out.bytes);
    cr_expect_eq(in.result->plan.direction, DIRECTION_INBOUND);
    cr_expect_eq(in.result->reply.verdict, VERDICT_ACCEPT, "%s", in.result->reply.reason);
    cr_expect_not_null(strstr(in.bytes, "the secret line"));
}
