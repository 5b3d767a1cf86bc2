/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 3183 §5 and the examples of §5.1, by number. S is a signature by a member of acme.test, E an encryption to
 * acme.test's own confidentiality authority; what leaves is looked at by partner.test's gateway, layer by layer.
 */
#include "smime/attributes.h"
#include "support/rig.h"

#define TOP "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\nSubject: s\r\n"
#define ENCRYPT "outbound = { protect = \"sign+encrypt\"; };"
#define SIGN "outbound = { protect = \"sign\"; };"
#define ACCEPT "inbound = { require = \"none\"; otherwise = \"tag\"; };"

/* mlExpansionHistory with one entry: mail list identifier by key, expansion time (RFC 2634 §4.4). */
static struct carried_attributes *mailing_list_history(const struct org *org)
{
    static const char der[] = "\x30\x19\x30\x17\x04\x04\x01\x02\x03\x04\x18\x0f"
                              "20260101000000Z";
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL);
    CMS_SignerInfo *signer = CMS_add1_signer(cms, org->alice->cert, org->alice->key, NULL, CMS_PARTIAL);
    owned(ASN1_OBJECT) ASN1_OBJECT *oid = OBJ_txt2obj(OID_ML_EXPANSION_HISTORY, 1);
    cr_assert_gt(CMS_signed_add1_attr_by_OBJ(signer, oid, V_ASN1_SEQUENCE, der, sizeof(der) - 1), 0);
    return carried_attributes_of(signer);
}

/* Wraps from the inside out: "SES" is S(E(S(content))); M is a signature of a mailing list agent, who is somebody else;
 * O is an encryption to others: to partner.test's confidentiality authority. */
static char *wrap(const struct rig *rig, const char *layers)
{
    const struct limits *limits = &gateway_conf(rig->acme.gateway)->limits;
    PKI_AUTO struct pki *agent = pki_person(rig->acme.ca, "list@lists.test");
    struct identity alice = {.certificate = rig->acme.alice->cert, .key = rig->acme.alice->key};
    struct identity list = {.certificate = agent->cert, .key = agent->key};
    struct sign_options sign = {.format = FORMAT_OPAQUE, .limits = limits};
    struct encrypt_options encrypt = {.cipher = CIPHER_AES_256_GCM, .limits = limits};
    struct entity entity = {rope_new(), rope_new()};
    struct error error = {0};
    owned(carried_attributes) struct carried_attributes *history = mailing_list_history(&rig->acme);
    rope_copy(entity.header, slice_of("Content-Type: text/plain\r\n"));
    rope_copy(entity.body, slice_of("original content\r\n"));
    for (size_t i = strlen(layers); i > 0; i--) {
        struct entity out = {0};
        sign.carried = layers[i - 1] == 'M' ? history : NULL;
        if (layers[i - 1] != 'E' && layers[i - 1] != 'O')
            cr_assert(smime_sign(layers[i - 1] == 'M' ? &list : &alice, &sign, &entity, &out, &error), "%s",
                      error.text);
        else
            cr_assert(smime_encrypt(layers[i - 1] == 'E' ? &rig->acme.dca->cert : &rig->partner.dca->cert, 1, &encrypt,
                                    &entity, &out, &error),
                      "%s", error.text);
        entity_clear(&entity);
        entity = out;
    }
    owned(rope) struct rope *bytes = entity_bytes(&entity);
    g_autofree char *flat = rope_flatten(bytes, NULL);
    entity_clear(&entity);
    return g_strconcat(TOP "MIME-Version: 1.0\r\n", flat, NULL);
}

static const struct {
    const char *example, *arrives, *policy, *leaves;
} examples[] = {
    {"1", "S", SIGN, "DS"},
    {"2", "SSS", SIGN, "DSSS"},
    {"3, encrypting", "ES", ENCRYPT, "EDS"},
    {"3, not encrypting", "ES", SIGN, "DS"},
    {"4, encrypting", "MES", ENCRYPT, "HEDS"},
    {"4, not encrypting", "MES", SIGN, "HDS"},
    {"5, encrypting", "SSES", ENCRYPT, "EDS"},
    {"5, not encrypting", "SSES", SIGN, "DS"},
    {"6, encrypting", "MSES", ENCRYPT, "HEDS"},
    {"6, not encrypting", "MSES", SIGN, "HDS"},
    {"mailing list without encryption", "MS", SIGN, "HDS"},
    {"7, encrypting", "SESES", ENCRYPT, "EDSX"},
    {"7, encrypted because of the inner layer", "SESES", SIGN, "EDSX"},
    {"encrypted because of an inner layer that we cannot open", "EO", SIGN, "ED0E"},
    {"the same below a signature", "ESO", SIGN, "EDSE"},
    {"encrypted by others, and never by us", "O", SIGN, "D0E"},
    {"a mailing list agent's signature stays where nothing is signed", "MS", "outbound = { protect = \"encrypt\"; };",
     "ESS"},
    {"and comes off with our own encryption", "MES", "outbound = { protect = \"encrypt\"; };", "ES"},
};

Test(rfc3183, section_5_1)
{
    for (size_t i = 0; i < G_N_ELEMENTS(examples); i++) {
        owned(rig) struct rig *rig = rig_new(examples[i].policy, ACCEPT);
        g_autofree char *text = wrap(rig, examples[i].arrives);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        cr_assert_eq(out.result->reply.verdict, VERDICT_ACCEPT, "%s: %s", examples[i].example,
                     out.result->reply.reason);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        g_autofree char *leaves = rig_shape(&in);
        cr_assert_str_eq(leaves, examples[i].leaves, "example %s: %s", examples[i].example, leaves);
    }
}

/* §3, method 1: the empty layer has id-data inside and no signer; §3.1.2: the domain signature encapsulates it. */
Test(rfc3183, unsigned_message_gets_an_empty_layer)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ACCEPT);
    AUTO_SENT struct sent out = rig_outbound(rig, TOP "\r\noriginal content\r\n");
    AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
    cr_assert(out.result->made.null_layer);
    cr_assert_eq(in.result->plan.judgement.layer_count, 2);
    cr_assert_eq(in.result->lookups.details[1].signer_count, 0);
    cr_assert_eq(in.result->plan.judgement.layers[1].finding.outcome, OUTCOME_NONE);
    cr_assert_not_null(strstr(in.bytes, "\r\n\r\noriginal content\r\n"));
}

/* §3.2: valid for the originator's domain and what lies below it; flagged for any other. */
static const struct {
    const char *from;
    enum outcome outcome;
} mapped[] = {
    {"alice@acme.test", OUTCOME_PASS},       {"alice@ACME.Test", OUTCOME_PASS},
    {"alice@sales.acme.test", OUTCOME_PASS}, {"alice@notacme.test", OUTCOME_POLICY},
    {"alice@test", OUTCOME_POLICY},          {"alice@acme.test.evil.test", OUTCOME_POLICY},
};

Test(rfc3183, name_mapping)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ACCEPT);
    AUTO_SENT struct sent out = rig_outbound(rig, TOP "\r\noriginal content\r\n");
    char *rest = strstr(out.bytes, "To: bob");
    for (size_t i = 0; i < G_N_ELEMENTS(mapped); i++) {
        g_autofree char *text = g_strdup_printf("From: %s\r\n%s", mapped[i].from, rest);
        AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
        cr_assert_eq(in.result->plan.judgement.domain.outcome, mapped[i].outcome, "%s: %s", mapped[i].from,
                     in.result->plan.judgement.domain.reason);
    }
}

/* §3.3, §3.4: each by encapsulation, in their order. */
static const struct {
    const char *policy, *leaves;
} made[] = {
    {"outbound = { protect = \"sign\"; review = true; };", "DR0"},
    {"outbound = { protect = \"sign\"; attributes = true; }; labels = ( { policy = \"1.2.3\"; } );", "DA0"},
    {"outbound = { protect = \"sign\"; attributes = true; };", "D0"},
    {"outbound = { protect = \"triple\"; review = true; attributes = true; }; labels = ( { policy = \"1.2.3\"; } );",
     "DEDAR0"},
};

Test(rfc3183, review_and_additional_attributes_are_made_and_verified)
{
    for (size_t i = 0; i < G_N_ELEMENTS(made); i++) {
        owned(rig) struct rig *rig = rig_new(made[i].policy, ACCEPT);
        AUTO_SENT struct sent out = rig_outbound(rig, TOP "\r\noriginal content\r\n");
        cr_assert_eq(out.result->reply.verdict, VERDICT_ACCEPT, "%s", out.result->reply.reason);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        g_autofree char *leaves = rig_shape(&in);

        cr_assert_str_eq(leaves, made[i].leaves, "%s: %s", made[i].policy, leaves);
        cr_assert_eq(in.result->plan.judgement.domain.outcome, OUTCOME_PASS);
        cr_assert_eq(in.result->plan.judgement.originator.outcome, OUTCOME_NONE,
                     "neither authenticates the originator");
        cr_assert_not_null(strstr(in.bytes, "\r\n\r\noriginal content\r\n"), "all of them come off");
    }
}

/* §3.4: "A recipient MUST NOT assume that its successful verification also authenticates the message originator." */
Test(rfc3183, review_signature_alone_authenticates_nobody)
{
    owned(rig) struct rig *rig = rig_new(SIGN, "inbound = { require = \"sign\"; otherwise = \"reject\"; };");
    struct entity content = rig_content("Content-Type: text/plain\r\n", "x\r\n");
    g_autofree char *text = rig_sign(&rig->acme, rig->acme.review, SIGNATURE_TYPE_REVIEW, TOP, &content);
    AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
    cr_assert_eq(in.result->plan.judgement.layers[0].finding.outcome, OUTCOME_PASS, "%s",
                 in.result->plan.judgement.layers[0].finding.reason);
    cr_assert_eq(in.result->plan.judgement.domain.outcome, OUTCOME_NONE);
    cr_assert_eq(in.result->plan.judgement.originator.outcome, OUTCOME_NONE);
    cr_assert_eq(in.result->reply.verdict, VERDICT_REJECT);
    cr_assert_null(strstr(in.bytes, "smime=pass"));
}

/* §2.2: only reviewed messages are released. */
Test(rfc3183, require_review)
{
    owned(rig) struct rig *rig =
        rig_new("outbound = { protect = \"sign\"; require_review = ( \"review.pem\" ); };", ACCEPT);
    owned(rig) struct rig *other = rig_new("outbound = { protect = \"sign\"; review = true; };", ACCEPT);
    struct entity content = rig_content("Content-Type: text/plain\r\n", "x\r\n");
    g_autofree char *text = rig_sign(&rig->acme, rig->acme.review, SIGNATURE_TYPE_REVIEW, TOP, &content);
    AUTO_SENT struct sent without = rig_outbound(rig, TOP "\r\nx\r\n");
    cr_assert_eq(without.result->reply.verdict, VERDICT_REJECT, "%s", without.result->reply.reason);
    AUTO_SENT struct sent foreign = rig_outbound(other, TOP "\r\nx\r\n");
    AUTO_SENT struct sent wrong = rig_outbound(rig, foreign.bytes);
    cr_assert_eq(wrong.result->reply.verdict, VERDICT_REJECT, "a reviewer that the rule does not name: %s",
                 wrong.result->reply.reason);

    AUTO_SENT struct sent with = rig_outbound(rig, text);
    cr_assert_eq(with.result->reply.verdict, VERDICT_ACCEPT, "%s", with.result->reply.reason);
}

/* A rule names reviewers of its own, or takes those of its partner. */
Test(rfc3183, require_review_by_rule)
{
    static const struct {
        const char *subject;
        enum verdict first, second; /* when one of the two reviewers has signed */
    } rows[] = {
        {"s", VERDICT_ACCEPT, VERDICT_REJECT},
        {"[same] s", VERDICT_ACCEPT, VERDICT_REJECT},
        {"[other] s", VERDICT_REJECT, VERDICT_ACCEPT},
        {"[free] s", VERDICT_ACCEPT, VERDICT_ACCEPT},
    };
    static const char policy[] =
        "outbound = { protect = \"sign\"; require_review = ( \"review.pem\" ); };\n"
        "rules = ( { when = { subject = \"[same]\"; }; lowers = true; protect = \"sign\"; },\n"
        "{ when = { subject = \"[other]\"; }; lowers = true; require_review = ( \"second.pem\" ); },\n"
        "{ when = { subject = \"[free]\"; }; lowers = true; require_review = ( ); } );";
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    PKI_AUTO struct pki *second = rig_role(rig, rig->acme.ca, "review-authority", "acme.test");
    g_free(pki_write(rig->acme.folder, "second.pem", second, NULL));
    rig_open(&rig->acme, &rig->partner, policy, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (int by_second = 0; by_second < 2; by_second++) {
            g_autofree char *top =
                g_strdup_printf("From: alice@acme.test\r\nTo: bob@partner.test\r\nSubject: %s\r\n", rows[i].subject);
            struct entity content = rig_content("Content-Type: text/plain\r\n", "x\r\n");
            g_autofree char *text =
                rig_sign(&rig->acme, by_second ? second : rig->acme.review, SIGNATURE_TYPE_REVIEW, top, &content);
            AUTO_SENT struct sent out = rig_outbound(rig, text);
            cr_expect_eq(rig_verdict(&out), by_second ? rows[i].second : rows[i].first, "row %zu, %d: %s", i, by_second,
                         rig_reason(&out));
        }
}
