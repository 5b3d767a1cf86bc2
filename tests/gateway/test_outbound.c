/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is signed for, and that no plaintext leaves where policy says encrypt. RFC 3183 §5.1's examples are in test_rfc3183.c.
 */
#include "rig.h"

#define MESSAGE "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\n\r\nthe secret line\r\n"

static const struct {
    const char *policy, *from, *auth, *client;
    enum verdict verdict;
    bool sign;
} originators[] = {
    {"outbound = { protect = \"sign\"; };", "alice@acme.test", "alice", "198.51.100.7", VERDICT_ACCEPT, true},
    {"outbound = { protect = \"sign\"; };", "alice@acme.test", NULL, "192.0.2.7", VERDICT_ACCEPT, true},
    {"outbound = { protect = \"sign\"; };", "alice@acme.test", NULL, "198.51.100.7", VERDICT_REJECT, false},
    {"outbound = { protect = \"sign\"; };", "alice@acme.test", NULL, NULL, VERDICT_REJECT, false},
    {"outbound = { protect = \"sign\"; };", "alice@evil.test", "alice", "192.0.2.7", VERDICT_REJECT, false},
    {"outbound = { protect = \"sign\"; };", "alice@notacme.test", "alice", "192.0.2.7", VERDICT_REJECT, false},
    {"outbound = { protect = \"sign\"; unauthentic = \"tempfail\"; };", "alice@evil.test", "alice", "192.0.2.7", VERDICT_TEMPFAIL, false},
    {"outbound = { protect = \"sign\"; unauthentic = \"unsigned\"; };", "alice@evil.test", "alice", "192.0.2.7", VERDICT_ACCEPT, false},
};

Test(outbound, only_an_authentic_originator_is_signed_for)
{
    for (size_t i = 0; i < G_N_ELEMENTS(originators); i++) {
        owned(rig) struct rig *rig = rig_new(originators[i].policy, "");
        g_autofree char *text = g_strdup_printf("From: %s\r\n\r\nx\r\n", originators[i].from);
        AUTO_SENT struct sent out =
            rig_pass(&rig->acme, DIRECTION_OUTBOUND,
                     &(struct rig_envelope){originators[i].from, "bob@partner.test", NULL, originators[i].auth, originators[i].client},
                     text, strlen(text));

        cr_assert_eq(out.result->verdict, originators[i].verdict, "%zu: %s", i, out.result->reason);
        cr_assert_eq(out.result->sign, originators[i].sign, "%zu", i);
        cr_assert_eq(strstr(out.bytes, "multipart/signed") != NULL, originators[i].sign, "%zu", i);
    }
}

static const struct {
    const char *no_certificate;
    enum verdict verdict;
    bool plain;
} missing[] = {
    {"reject", VERDICT_REJECT, false},
    {"tempfail", VERDICT_TEMPFAIL, false},
    {"sign", VERDICT_ACCEPT, true},
    {"plain", VERDICT_ACCEPT, true},
};

Test(outbound, no_certificate)
{
    for (size_t i = 0; i < G_N_ELEMENTS(missing); i++) {
        g_autofree char *policy = g_strdup_printf(
            "certificates = ( ); outbound = { protect = \"sign+encrypt\"; no_certificate = \"%s\"; }; null_signature = false;",
            missing[i].no_certificate);
        owned(rig) struct rig *rig = rig_new(policy, "");
        AUTO_SENT struct sent out = rig_out(rig, MESSAGE);

        cr_assert_eq(out.result->verdict, missing[i].verdict, "%s: %s", missing[i].no_certificate, out.result->reason);
        cr_assert_not(out.result->encrypt);
        if (!missing[i].plain) {
            cr_assert_not_null(strstr(out.result->reply, "bob@partner.test"), "%s", out.result->reply);
            cr_assert(edits_are_empty(&out.result->edits));
        }
    }
}

/* One recipient's policy says encrypt and the other cannot read that: no copy at all, in either order. */
Test(outbound, mixed_recipients_never_get_plaintext)
{
    static const char *const others[] = {"carol@acme.test", "dave@elsewhere.test"};
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"encrypt\"; };", "");

    for (size_t i = 0; i < 4; i++) {
        const char *other = others[i / 2], *bob = "bob@partner.test";
        AUTO_SENT struct sent out = rig_pass(
            &rig->acme, DIRECTION_OUTBOUND,
            &(struct rig_envelope){"alice@acme.test", i % 2 ? bob : other, i % 2 ? other : bob, "alice", "192.0.2.1"},
            MESSAGE, strlen(MESSAGE));

        cr_assert_eq(out.result->verdict, VERDICT_REJECT, "%s", out.result->reason);
        cr_assert_not_null(strstr(out.result->reply, other), "%s", out.result->reply);
    }
}

Test(outbound, signature_serves_mixed_recipients)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", "");
    AUTO_SENT struct sent out = rig_pass(
        &rig->acme, DIRECTION_OUTBOUND,
        &(struct rig_envelope){"alice@acme.test", "bob@partner.test", "dave@elsewhere.test", "alice", "192.0.2.1"},
        MESSAGE, strlen(MESSAGE));

    cr_assert_eq(out.result->verdict, VERDICT_ACCEPT, "%s", out.result->reason);
    cr_assert(out.result->sign);
}

Test(outbound, bad_signature_inside_gets_no_domain_signature)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; }; null_signature = false;", "");
    AUTO_SENT struct sent once = rig_out(rig, MESSAGE);
    char *secret = strstr(once.bytes, "secret");

    secret[0] = 'S';
    AUTO_SENT struct sent twice = rig_out(rig, once.bytes);
    cr_assert_eq(twice.result->verdict, VERDICT_REJECT, "%s", twice.result->reason);
    cr_assert_not(twice.result->sign);
}

Test(outbound, explain_names_rule_and_certificate)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"encrypt\"; };", "");
    owned(envelope) struct envelope *envelope =
        rig_envelope(&(struct rig_envelope){"alice@acme.test", "bob@partner.test", NULL, "alice", NULL});
    owned(result) struct result *result = gateway_explain(rig->acme.gateway, envelope, "alice@acme.test", time(NULL));

    cr_assert_eq(result->verdict, VERDICT_ACCEPT);
    cr_assert_eq(result->recipient_count, 1);
    cr_assert_str_eq(result->recipients[0].rule, "partner.test.conf");
    cr_assert_eq(result->recipients[0].certificate_count, 1);
    cr_assert(result->recipients[0].certificates[0].used);
}
