/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Security labels on the way out and in, whose signature counts, authenticated encryption, marks in the Subject, audit.
 */
#include "support/rig.h"

#define TOP "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\nSubject: Plan\r\n"
#define LABELS                                                                                                         \
    "label_header = \"Sensitivity\"; labels = ( { value = \"company-confidential\"; policy = \"1.2.3\"; "              \
    "classification = "                                                                                                \
    "\"secret\"; mark = \"MARK\"; }, { value = \"for  friends\"; policy = \"1.2.3\"; classification = "                \
    "\"confidential\"; }, { policy = \"1.2.3\"; classification = \"restricted\"; }, { policy = \"1.2.9\"; "            \
    "classification = \"unclassified\"; equivalent = true; }, { policy = \"1.2.3\"; classification = "                 \
    "\"unclassified\"; "                                                                                               \
    "equivalent = true; }, { policy = \"1.2.9\"; classification = \"restricted\"; equivalent = true; } );" /* each     \
                                                                                                              policy   \
                                                                                                              once */

static const struct {
    const char *outbound, *sensitivity, *inbound;
    int classification;
    enum verdict verdict;
} rows[] = {
    {"", "", "", 2, VERDICT_ACCEPT},
    {"", "Sensitivity: Company-Confidential\r\n", "", 4, VERDICT_ACCEPT},
    {"attributes = true;", "Sensitivity: Company-Confidential\r\n", "", 4, VERDICT_ACCEPT},
    {"review = true;", "Sensitivity: Company-Confidential\r\n", "", 4, VERDICT_ACCEPT},
    {"review = true; attributes = true;", "Sensitivity: Company-Confidential\r\n", "", 4, VERDICT_ACCEPT},
    {"", "", "accept_labels = ( \"1.2.3\" );", 2, VERDICT_ACCEPT},
    {"", "", "accept_labels = ( \"1.2.4\" );", 2, VERDICT_REJECT},
    {"", "", "accept_labels = ( \"1.2.9\" );", 2, VERDICT_ACCEPT}, /* by the equivalent label */
    {"", "", "accept_labels = ( \"1.2.3\" ); max_classification = \"confidential\";", 2, VERDICT_ACCEPT},
    {"", "sensitivity:\r\n COMPANY-confidential \r\n",
     "accept_labels = ( \"1.2.3\" ); max_classification = \"confidential\";", 4, VERDICT_REJECT},
    {"", "Sensitivity: Personal\r\n", "", 2, VERDICT_ACCEPT},
    {"", "Sensitivity: For\r\n\tFriends\r\n", "", 3, VERDICT_ACCEPT},
    /* several fields: the strictest */
    {"", "Sensitivity: none\r\nSensitivity: company-confidential\r\n", "", 4, VERDICT_ACCEPT},
    {"", "Sensitivity: company-confidential\r\nSensitivity: none\r\n", "", 4, VERDICT_ACCEPT},
    {"", "Sensitivity: for friends\r\nsensitivity: company-confidential\r\n", "", 4, VERDICT_ACCEPT},
    {"", "Sensitivity: none\r\nSensitivity: for friends\r\n", "", 3, VERDICT_ACCEPT},
    /* what can be read in several ways: the strictest that there is */
    {"", "Sensitivity: =?utf-8?q?company-confidential?=\r\n", "", 4, VERDICT_ACCEPT},
    {"", "Sensitivity: company-confidential (of 2026)\r\n", "", 4, VERDICT_ACCEPT},
    {"", "Sensitivity: for friends (company-confidential)\r\n", "", 4, VERDICT_ACCEPT},
    {"", "Sensitivity: \"company-confidential\"\r\n", "", 4, VERDICT_ACCEPT},
    {"", "Sensitivity: for friends, company-confidential\r\n", "", 4, VERDICT_ACCEPT},
    {"",
     "Sensitivity: company\xe2\x80\x91"
     "confidential\r\n",
     "", 4, VERDICT_ACCEPT},
    {"",
     "Sensitivity: company\xad"
     "confidential\r\n",
     "", 4, VERDICT_ACCEPT},
    {"", "Sensitivity: for friends\x01\r\n", "", 4, VERDICT_ACCEPT},
};

Test(labels, chosen_reported_and_acted_on)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *acme = g_strdup_printf("outbound = { protect = \"sign\"; %s }; " LABELS, rows[i].outbound);
        g_autofree char *partner =
            g_strdup_printf("inbound = { require = \"sign\"; otherwise = \"reject\"; %s };", rows[i].inbound);
        g_autofree char *text = g_strconcat(TOP, rows[i].sensitivity, "\r\nx\r\n", NULL);
        owned(rig) struct rig *rig = rig_new(acme, partner);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        cr_assert_eq(out.result->reply.verdict, VERDICT_ACCEPT, "%s", out.result->reply.reason);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        /* the attribute authority signs it, inside the domain's signature; no other signature has it */
        size_t at = strstr(rows[i].outbound, "attributes") != NULL ? 1 : 0;
        for (size_t j = 0; j < in.result->lookups.layers.count; j++)
            if (in.result->lookups.views[j].facts->signer_count > 0)
                cr_assert_eq(in.result->lookups.views[j].facts->signers[0].ess.label.policy[0] != '\0', j == at,
                             "%zu: layer %zu", i, j);

        cr_assert_eq(in.result->reply.verdict, rows[i].verdict, "%zu: %s", i, in.result->reply.reason);
        cr_assert_str_eq(in.result->lookups.views[at].facts->signers[0].ess.label.policy, "1.2.3", "%zu", i);
        cr_assert_eq(in.result->lookups.views[at].facts->signers[0].ess.label.classification, rows[i].classification,
                     "%zu", i);
        cr_assert_eq(in.result->lookups.views[at].facts->signers[0].ess.equivalent_count, 1);
        g_autofree char *report = passage_report(in.result);
        cr_assert_not_null(strstr(report, "\"security_label\""));
    }
}

/* The reply speaks of what is asked for. */
static const struct {
    const char *signed_by;
    enum verdict domain_only;
    const char *otherwise_says, *none;
} signed_by[] = {
    {"any", VERDICT_ACCEPT, NULL, "(neither the domain's nor the originator's)"},
    {"domain", VERDICT_ACCEPT, NULL, "(no domain signature)"},
    {"originator", VERDICT_REJECT, "(no originator's signature)", "(no originator's signature)"},
    {"both", VERDICT_REJECT, "(no originator's signature)", "(no domain signature)"},
};

Test(labels, whose_signature_is_asked_for)
{
    for (size_t i = 0; i < G_N_ELEMENTS(signed_by); i++) {
        g_autofree char *policy =
            g_strdup_printf("inbound = { require = \"sign\"; signed_by = \"%s\"; };", signed_by[i].signed_by);
        owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", policy);
        AUTO_SENT struct sent out = rig_outbound(rig, TOP "\r\nx\r\n");
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        cr_assert_eq(in.result->reply.verdict, signed_by[i].domain_only, "%s: %s", signed_by[i].signed_by,
                     in.result->reply.reason);
        if (signed_by[i].otherwise_says != NULL)
            cr_assert_not_null(strstr(in.result->reply.text, signed_by[i].otherwise_says), "%s", in.result->reply.text);
        AUTO_SENT struct sent plain = rig_inbound(rig, TOP "\r\nx\r\n", strlen(TOP "\r\nx\r\n"));
        cr_assert_eq(plain.result->reply.verdict, VERDICT_REJECT);
        cr_assert_not_null(strstr(plain.result->reply.text, signed_by[i].none), "%s", plain.result->reply.text);
    }
}

Test(labels, unauthenticated_encryption_is_not_delivered_as_decrypted)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"encrypt\"; }; cipher = \"aes-256-cbc\";",
                                         "inbound = { require = \"none\"; require_authenticated_encryption = true; };");
    AUTO_SENT struct sent out = rig_outbound(rig, TOP "\r\nthe secret line\r\n");
    AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
    cr_assert_eq(in.result->reply.verdict, VERDICT_ACCEPT);
    cr_assert_eq(in.result->plan.judgement.layers[0].finding.outcome, OUTCOME_FAIL);
    cr_assert_null(strstr(in.bytes, "secret"));
    cr_assert_not_null(strstr(in.bytes, "pkcs7-mime"));
}

/* The field keeps its place. */
static const struct {
    const char *subject, *require, *expected;
    bool sign;
} subjects[] = {
    {"Plan", "sign", "\r\nSubject: [ok] Plan\r\nTo:", true},
    {"Plan", "none", "\r\nSubject: Plan\r\nTo:", true},
    {"Plan", "sign", "\r\nSubject: [bad] Plan\r\nTo:", false},
    {"[OK] Plan", "sign", "\r\nSubject: [bad] Plan\r\nTo:", false},
    {"=?utf-8?Q?=5Bok=5D?= Plan", "none", "\r\nSubject: Plan\r\nTo:", false},
};

Test(labels, subject_marks)
{
    for (size_t i = 0; i < G_N_ELEMENTS(subjects); i++) {
        g_autofree char *policy =
            g_strdup_printf("inbound = { require = \"%s\"; otherwise = \"tag\"; subject_verified = \"[ok]\"; "
                            "subject_unverified = \"[bad]\"; };",
                            subjects[i].require);
        g_autofree char *text = g_strdup_printf(
            "From: alice@acme.test\r\nSubject: %s\r\nTo: bob@partner.test\r\n\r\nx\r\n", subjects[i].subject);
        owned(rig) struct rig *rig = rig_new(subjects[i].sign ? "outbound = { protect = \"sign\"; };" : "", policy);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        g_autofree char *bytes = g_strconcat("\r\n", in.bytes, NULL);
        cr_assert_not_null(strstr(bytes, subjects[i].expected), "%zu: %s", i, in.bytes);
    }
}

Test(labels, audit_copy_can_be_decrypted_by_ourselves)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"encrypt\"; encrypt_to_self = true; };", "");
    AUTO_SENT struct sent out = rig_outbound(rig, TOP "\r\nthe secret line\r\n");
    AUTO_SENT struct sent own =
        rig_pass(&rig->acme, DIRECTION_INBOUND,
                 &(struct rig_envelope){"alice@acme.test", "audit@acme.test", NULL, NULL, "198.51.100.1"}, out.bytes,
                 out.length);
    AUTO_SENT struct sent theirs = rig_inbound(rig, out.bytes, out.length);
    cr_assert_not_null(strstr(own.bytes, "the secret line"), "%s", own.result->reply.reason);
    cr_assert_not_null(strstr(theirs.bytes, "the secret line"));
}

/* The copy does not depend on who wrote the message, not even on there being an author. */
static const char *const passed_on[] = {"From: carol@elsewhere.test\r\n", "",
                                        "From: a@acme.test\r\nFrom: b@acme.test\r\n"};

Test(labels, audit_copy_of_what_others_wrote)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"encrypt\"; encrypt_to_self = true; };", "");
    for (size_t i = 0; i < G_N_ELEMENTS(passed_on); i++) {
        g_autofree char *text = g_strconcat(passed_on[i], "Subject: x\r\n\r\nthe secret line\r\n", NULL);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        cr_assert_eq(out.result->reply.verdict, VERDICT_ACCEPT, "%zu: %s", i, out.result->reply.reason);
        AUTO_SENT struct sent own =
            rig_pass(&rig->acme, DIRECTION_INBOUND,
                     &(struct rig_envelope){"a@acme.test", "audit@acme.test", NULL, NULL, "198.51.100.1"}, out.bytes,
                     out.length);
        cr_assert_not_null(strstr(own.bytes, "the secret line"), "%zu: %s", i, own.result->reply.reason);
    }
}
