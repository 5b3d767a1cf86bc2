/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a message is from: a From that two programs read differently, or that shows another one than who signed, and
 * signers that are nobody's mailbox.
 */
#include "support/attack.h"

#define SIGN "outbound = { protect = \"sign\"; }; null_signature = false;"
#define DOMAIN SIGNATURE_TYPE_DOMAIN

/* --- From --- */

static const struct {
    const char *from;
    enum outcome domain; /* the originator's is never better */
} froms[] = {
    {"", OUTCOME_POLICY},
    {"From:\r\n", OUTCOME_POLICY},
    {"From: <>\r\n", OUTCOME_POLICY},
    {"From: alice\r\n", OUTCOME_POLICY},
    {"From: alice@acme.test\r\nFrom: ceo@evil.test\r\n", OUTCOME_POLICY},
    {"From: alice@acme.test\r\nFROM : ceo@evil.test\r\n", OUTCOME_POLICY},
    {"From : ceo@evil.test\r\nX: alice@acme.test\r\n", OUTCOME_POLICY},
    {"From: alice@acme.test\r\nfrom: alice@acme.test\r\n", OUTCOME_POLICY},
    {"From: \"alice@acme.test\" <ceo@evil.test>\r\n", OUTCOME_POLICY},
    {"From: alice@acme.test <ceo@evil.test>\r\n", OUTCOME_POLICY},
    {"From: <alice@acme.test> <ceo@evil.test>\r\n", OUTCOME_POLICY},
    {"From: <alice@acme.test>, ceo@evil.test\r\n", OUTCOME_POLICY},
    {"From: alice@acme.test, ceo@evil.test\r\n", OUTCOME_POLICY},
    {"From: staff:alice@acme.test,ceo@evil.test;\r\n", OUTCOME_POLICY},
    {"From: alice@acme.test:ceo@evil.test;\r\n", OUTCOME_POLICY},
    {"From: undisclosed:;\r\n", OUTCOME_POLICY},
    {"From: ceo@evil.test (alice@acme.test)\r\n", OUTCOME_POLICY},
    {"From: (x\\) ceo@evil.test (y) alice@acme.test\r\n", OUTCOME_POLICY},
    {"From: <@acme.test:ceo@evil.test>\r\n", OUTCOME_POLICY},
    {"From: \"alice@acme.test\"@evil.test\r\n", OUTCOME_POLICY},
    {"From: alice@acme.test@evil.test\r\n", OUTCOME_POLICY},
    {"From: alice%acme.test@evil.test\r\n", OUTCOME_POLICY},
    {"From: =?utf-8?q?alice=40acme.test=00?= <ceo@evil.test>\r\n", OUTCOME_POLICY},
    {"From: =?utf-8?q?=3Cceo=40evil.test=3E?= <alice@acme.test>\r\n", OUTCOME_POLICY},
    {"From: =?utf-8?b?eA==PGNlb0BldmlsLnRlc3Q+?= <alice@acme.test>\r\n", OUTCOME_POLICY},
    {"From: alice@acme.test\r\n .evil.test\r\n", OUTCOME_POLICY},
    {"From: alice@acme.test\rFrom: ceo@evil.test\r\n", OUTCOME_NONE}, /* not even opened */
    {"From: ceo@evil.test\r\nSender: alice@acme.test\r\n", OUTCOME_POLICY},
    {"From: ceo@evil.test\r\nReply-To: alice@acme.test\r\nResent-From: alice@acme.test\r\n", OUTCOME_POLICY},
    {"From: alice@xn--acme-.test\r\n", OUTCOME_POLICY},
    {"From: alice@[192.0.2.1]\r\n", OUTCOME_POLICY},
};

Test(from, odd)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    const struct attack attacks[] = {{.signer = rig->acme.dsa, .types = DOMAIN}, {.signer = rig->acme.alice}};
    for (size_t a = 0; a < G_N_ELEMENTS(attacks); a++) {
        for (size_t i = 0; i < G_N_ELEMENTS(froms); i++) {
            g_autofree char *header = g_strconcat(froms[i].from, ATTACK_FIELDS, NULL);
            g_autofree char *text = attack_opaque(header, attack_sign(&attacks[a]));
            AUTO_SENT struct sent in = attack_in(rig, text);
            const struct finding *finding =
                a == 0 ? &in.result->plan.judgement.domain : &in.result->plan.judgement.originator;
            attack_expect_safe(&in, froms[i].from);
            cr_expect_eq(finding->outcome, froms[i].domain, "%s: %s: %s", froms[i].from, outcome_name(finding->outcome),
                         finding->reason);
            cr_expect_null(strstr(in.bytes, "smime=pass"), "%s", froms[i].from);
        }
    }
}

/* What acme.test must sign, it must sign under every From that shows its name: no second or first author helps. */
Test(from, does_not_choose_a_milder_rule)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    static const char *const fields[] = {
        "From: ceo@evil.test, alice@acme.test\r\n",
        "From: ceo@evil.test\r\nFrom: alice@acme.test\r\n",
        "From: alice@acme.test\r\nFrom: ceo@evil.test\r\n",
        "From: alice@acme.test <ceo@evil.test>, \r\n",
        "From: ceo@evil.test, <alice@ACME.test\r\n",
        "From : alice@acme.test\r\n",
        "From: =?utf-8?b?eA==YWxpY2VAYWNtZS50ZXN0?= <ceo@evil.test>\r\n",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        g_autofree char *text =
            g_strconcat(fields[i], ATTACK_FIELDS "Content-Type: text/plain\r\n\r\nYou are fired.\r\n", NULL);
        AUTO_SENT struct sent in = rig_pass(
            &rig->partner, DIRECTION_INBOUND,
            &(struct rig_envelope){"x@evil.test", "bob@partner.test", NULL, NULL, "198.51.100.1"}, text, strlen(text));
        attack_expect_refused(&in, fields[i]);
    }
}

/* --- signers without a mailbox --- */

Test(from, signer_is_no_mailbox)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    const char *const *const names[] = {
        PKI_LIST("uri:mailto:alice@acme.test"),
        PKI_LIST("dns:acme.test"),
        PKI_LIST("email:acme.test"),
        PKI_LIST("email:alice"),
        PKI_LIST("email:@acme.test"),
        PKI_LIST("email:*@acme.test"),
        PKI_LIST("email:<alice@acme.test>"),
        PKI_LIST("email:Alice <alice@acme.test>"),
        PKI_LIST("email:mailto:alice@acme.test"),
        PKI_LIST("email:alice@acme.test, x@y.test"),
    };
    for (size_t i = 0; i <= G_N_ELEMENTS(names); i++) {
        PKI_AUTO struct pki *odd =
            pki_issue(&(struct pki_spec){.issuer = rig->acme.ca,
                                         .subject = PKI_LIST("CN=alice@acme.test", "O=alice@acme.test"),
                                         .san = i < G_N_ELEMENTS(names) ? names[i] : NULL});
        g_autofree char *text = attack_message(&(struct attack){.signer = odd});
        AUTO_SENT struct sent in = attack_in(rig, text);
        attack_expect_refused(&in, i < G_N_ELEMENTS(names) ? names[i][0] : "no address");
        attack_expect_outcome(&in.result->plan.judgement.originator, OUTCOME_POLICY, NULL,
                              i < G_N_ELEMENTS(names) ? names[i][0] : "no address");
    }
}
