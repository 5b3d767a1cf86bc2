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
        "From: =?utf-8?q?alice=40acme.test?= <ceo@evil.test>\r\n",
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

/* --- names that show another address --- */

static const struct {
    const char *from;
    bool misleads;
    bool leaves; /* as our own user's mail, signed */
} shown_names[] = {
    {"From: \"ceo@acme.test\" <alice@acme.test>\r\n", true, true},
    {"From: \"bob@other.test via list\" <alice@acme.test>\r\n", true, true},
    {"From: \"ceo\uff20acme.test\" <alice@acme.test>\r\n", true, true},
    {"From: =?utf-8?q?ceo=EF=BC=A0acme.test?= <alice@acme.test>\r\n", true, true},
    {"From: alice@acme.test (ceo@acme.test)\r\n", true, true},
    {"From: =?utf-8?q?ceo=40acme.test?= <alice@acme.test>\r\n", true, false},
    {"From: =?utf-8?b?Y2VvQGFjbWUudGVzdA==?= <alice@acme.test>\r\n", true, false},
    {"From: \"=?utf-8?q?ceo=40acme.test?=\" <alice@acme.test>\r\n", true, false},
    {"From: \"alice@acme.test\" <alice@acme.test>\r\n", false, true},
    {"From: =?utf-8?q?alice=40acme.test?= <alice@acme.test>\r\n", false, true},
    {"From: \"Alice (alice@acme.test)\" <alice@acme.test>\r\n", false, true},
    {"From: \"Team @ Acme\" <alice@acme.test>\r\n", false, true},
};

static void expect_shown_names(const char *policy, bool accepts)
{
    owned(rig) struct rig *rig = rig_new(SIGN, policy);
    const struct attack attacks[] = {{.signer = rig->acme.dsa, .types = DOMAIN}, {.signer = rig->acme.alice}};
    for (size_t a = 0; a < G_N_ELEMENTS(attacks); a++) {
        for (size_t i = 0; i < G_N_ELEMENTS(shown_names); i++) {
            const char *from = shown_names[i].from;
            g_autofree char *header = g_strconcat(from, ATTACK_FIELDS, NULL);
            g_autofree char *text = attack_opaque(header, attack_sign(&attacks[a]));
            AUTO_SENT struct sent in = attack_in(rig, text);
            const struct judgement *judgement = &in.result->plan.judgement;
            if (accepts || !shown_names[i].misleads) {
                attack_expect_believed(&in, a == 0, from);
                continue;
            }
            attack_expect_refused(&in, from);
            attack_expect_outcome(a == 0 ? &judgement->domain : &judgement->originator, OUTCOME_POLICY,
                                  "another address than that of its author, alice@acme.test", from);
        }
    }
}

Test(from, name_that_shows_another_address)
{
    expect_shown_names(ATTACK_STRICT, false);
}

Test(from, name_that_shows_another_address_is_accepted)
{
    expect_shown_names("inbound = { require = \"sign\"; otherwise = \"quarantine\"; misleading_names = \"accept\"; };",
                       true);
}

/* What our own users may be called is not changed. A name that some programs take for the author is not signed. */
Test(from, name_of_our_own_user)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    for (size_t i = 0; i < G_N_ELEMENTS(shown_names); i++) {
        const char *from = shown_names[i].from;
        g_autofree char *entity = g_strconcat(from, ATTACK_FIELDS ATTACK_ENTITY, NULL);
        g_autofree char *header = g_strconcat(from, ATTACK_FIELDS, NULL);
        g_autofree char *own = attack_opaque(header, attack_sign(&(struct attack){.signer = rig->acme.alice}));
        AUTO_SENT struct sent plain = rig_outbound(rig, entity);
        AUTO_SENT struct sent with_own = rig_outbound(rig, own);
        enum verdict verdict = shown_names[i].leaves ? VERDICT_ACCEPT : VERDICT_REJECT;
        cr_expect_eq(plain.result->reply.verdict, verdict, "%s: %s", from, plain.result->reply.reason);
        cr_expect_eq(with_own.result->reply.verdict, verdict, "%s: %s", from, with_own.result->reply.reason);
        cr_expect_eq(plain.result->plan.treatment.sign, shown_names[i].leaves, "%s", from);
        if (shown_names[i].leaves)
            cr_expect_not_null(strstr(plain.bytes, from), "%s", from);
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
