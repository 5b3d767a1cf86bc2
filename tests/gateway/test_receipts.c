/* SPDX-License-Identifier: Apache-2.0 */
/* Signed receipts (RFC 2634 §2), which Outlook and others send, pass like any signed message in both directions. */
#include "support/attack.h"

#define SIGN "outbound = { protect = \"sign\"; };"
#define REQUIRE "inbound = { require = \"sign\"; };"
/* SEQUENCE { INTEGER 1, OID id-data, OCTET STRING, OCTET STRING } */
#define RECEIPT "\x30\x17\x02\x01\x01\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\x04\x02id\x04\x03sig"

static void as_receipt(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)info;
    cr_assert(CMS_set1_eContentType(cms, OBJ_nid2obj(NID_id_smime_ct_receipt)));
}

static void as_other(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)info;
    cr_assert(CMS_set1_eContentType(cms, OBJ_nid2obj(NID_id_smime_ct_TSTInfo)));
}

static void break_signature(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    CMS_SignerInfo_get0_signature(info)->data[9] ^= 1;
}

static char *message(const struct attack *attack)
{
    return attack_opaque(ATTACK_TOP, attack_sign(attack));
}

Test(receipts, come_in_and_go_out)
{
    owned(rig) struct rig *rig = rig_new(SIGN, REQUIRE);
    const struct {
        const char *what;
        struct attack attack;
        bool good;
        const char *says;
    } rows[] = {
        {"a good one", {.content = RECEIPT, .alter = as_receipt}, true, "good signature by CN=alice@acme.test"},
        {"a broken signature",
         {.content = RECEIPT, .alter = as_receipt, .spoil = break_signature},
         false,
         "the signature does not verify"},
        {"no receipt in it",
         {.content = "Content-Type: text/plain\r\n\r\nx", .alter = as_receipt},
         false,
         "the receipt cannot be parsed"},
        {"something behind it", {.content = RECEIPT "x", .alter = as_receipt}, false, "the receipt cannot be parsed"},
        {"another type of content", {.content = RECEIPT, .alter = as_other}, false, "is not of type data"},
        {"an attribute of another type",
         {.content = RECEIPT, .spoil = as_receipt},
         false,
         "differs from the content's type"},
        {"no signed attributes",
         {.content = RECEIPT, .alter = as_receipt, .flags = CMS_NOATTR},
         false,
         "signed attributes are missing"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct attack attack = rows[i].attack;
        attack.signer = rig->acme.alice;
        g_autofree char *text = message(&attack);
        AUTO_SENT struct sent in = attack_in(rig, text);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        const struct finding *finding = &in.result->plan.judgement.originator;
        cr_expect_eq(finding->outcome == OUTCOME_PASS, rows[i].good, "%s: %s", rows[i].what, finding->reason);
        cr_expect_not_null(strstr(finding->reason, rows[i].says), "%s: %s", rows[i].what, finding->reason);
        cr_expect_eq(rig_verdict(&in), rows[i].good ? VERDICT_ACCEPT : VERDICT_REJECT, "%s", rows[i].what);
        cr_expect_eq(rig_verdict(&out), rows[i].good ? VERDICT_ACCEPT : VERDICT_REJECT, "%s: %s", rows[i].what,
                     rig_reason(&out));
        if (!rows[i].good)
            continue;
        cr_expect_not_null(strstr(finding->reason, "(a receipt)"), "%s", finding->reason);
        cr_expect_not_null(strstr(in.bytes, strstr(text, "\r\n\r\n")), "%s", rows[i].what);
        cr_expect_eq(in.result->made.removed, 0u, "nothing is in it that could be delivered");
    }
}

/* What reaches the reader is the receipt, as its software made it. */
Test(receipts, under_the_layers_of_a_gateway)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign+encrypt\"; };",
                                         "inbound = { require = \"sign+encrypt\"; signed_by = \"both\"; };");
    struct attack attack = {.signer = rig->acme.alice, .content = RECEIPT, .alter = as_receipt};
    g_autofree char *text = message(&attack);
    AUTO_SENT struct sent out = rig_outbound(rig, text);
    AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
    g_autofree char *shape = rig_shape(&in);
    cr_expect_str_eq(shape, "EDS");
    cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT, "%s", rig_reason(&in));
    cr_expect_eq(in.result->made.removed, 2u);
    cr_expect_not_null(strstr(in.bytes, strstr(text, "\r\n\r\n") + 4), "%s", in.bytes);
}

/* A clear signature has an entity before it, so a receipt cannot be in it; among other parts it says nothing of the
 * message. */
Test(receipts, elsewhere)
{
    owned(rig) struct rig *rig = rig_new(SIGN, REQUIRE);
    struct attack attack = {
        .signer = rig->acme.alice, .content = ATTACK_ENTITY, .alter = as_receipt, .flags = CMS_DETACHED};
    g_autofree char *clear = attack_clear(ATTACK_TOP, ATTACK_ENTITY, attack_sign(&attack));
    AUTO_SENT struct sent in = attack_in(rig, clear);
    attack_expect_refused(&in, "in a clear signature");
    struct attack good = {.signer = rig->acme.alice, .content = RECEIPT, .alter = as_receipt};
    g_autofree char *part = attack_opaque("", attack_sign(&good));
    g_autofree char *among =
        g_strconcat(ATTACK_TOP "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n", part,
                    "\r\n--b--\r\n", NULL);
    AUTO_SENT struct sent partial = attack_in(rig, among);
    cr_expect_eq(partial.result->lookups.layers.count, 1u);
    cr_expect_eq(partial.result->plan.judgement.originator.outcome, OUTCOME_NEUTRAL);
    cr_expect_eq(rig_verdict(&partial), VERDICT_REJECT);
    AUTO_SENT struct sent out = rig_outbound(rig, among);
    cr_expect_eq(rig_verdict(&out), VERDICT_ACCEPT, "%s", rig_reason(&out));
}
