/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What acme.test sends under each policy reaches partner.test as it was, and says who sent it.
 */
#include "support/rig.h"

#define ACCEPT "inbound = { require = \"none\"; otherwise = \"tag\"; };"

static const struct {
    const char *name, *outbound;
    bool signs, encrypts;
    enum pki_key key;
} policies[] = {
    {"sign clear", "outbound = { protect = \"sign\"; }; null_signature = false;", true, false, PKI_EC},
    {"sign clear, empty layer", "outbound = { protect = \"sign\"; };", true, false, PKI_EC},
    {"sign opaque", "outbound = { protect = \"sign\"; }; format = \"opaque\";", true, false, PKI_EC},
    {"encrypt gcm", "outbound = { protect = \"encrypt\"; };", false, true, PKI_EC},
    {"encrypt cbc", "outbound = { protect = \"encrypt\"; }; cipher = \"aes-256-cbc\";", false, true, PKI_EC},
    {"encrypt 192", "outbound = { protect = \"encrypt\"; }; cipher = \"aes-192-cbc\";", false, true, PKI_EC},
    {"sign+encrypt", "outbound = { protect = \"sign+encrypt\"; };", true, true, PKI_EC},
    {"triple", "outbound = { protect = \"triple\"; };", true, true, PKI_EC},
    {"rsa pss oaep", "outbound = { protect = \"sign+encrypt\"; };", true, true, PKI_RSA},
    {"rsa pkcs1",
     "outbound = { protect = \"sign+encrypt\"; }; signature = \"rsa-pkcs1\"; key_transport = \"rsa-pkcs1\"; cipher = "
     "\"aes-128-cbc\";",
     true, true, PKI_RSA},
    {"sha512 triple rsa", "outbound = { protect = \"triple\"; }; digest = \"sha512\"; cipher = \"aes-128-gcm\";", true,
     true, PKI_RSA},
};

#define TOP                                                                                                            \
    "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\nSubject: Gas nomination\r\nMessage-ID: "                 \
    "<1@acme.test>\r\n"

static const struct {
    const char *name, *text;
    const char *type;    /* of what is delivered */
    const char *content; /* its body, decoded */
} messages[] = {
    {"plain", TOP "\r\nFirst line\r\nsecond line\r\n", "text/plain", "First line\r\nsecond line\r\n"},
    {"no body", TOP "\r\n", "text/plain", ""},
    {"no final newline", TOP "\r\nno newline", "text/plain", "no newline"},
    {"utf-8",
     TOP "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
         "8bit\r\n\r\nGr\xc3\xbc\xc3\x9f"
         "e\r\n",
     "text/plain",
     "Gr\xc3\xbc\xc3\x9f"
     "e\r\n"},
    {"odd lines", TOP "Content-Type: text/plain\r\n\r\nFrom the start\r\ntrailing \t \r\n.\r\n..\r\n-- \r\n",
     "text/plain", "From the start\r\ntrailing \t \r\n.\r\n..\r\n-- \r\n"},
    {"html", TOP "Content-Type: text/html; charset=us-ascii\r\nContent-Language: en\r\n\r\n<p>hi</p>\r\n", "text/html",
     "<p>hi</p>\r\n"},
};

static void expect_content(const struct rig *rig, const struct sent *sent, size_t m, const char *policy)
{
    struct error error = {0};
    owned(message) struct message *message = rig_message(&rig->partner, sent->bytes, sent->length);
    const struct limits *limits = &gateway_conf(rig->partner.gateway)->limits;
    owned(part) struct part *part = part_parse(message_header(message), message_body(message), limits, &error);
    owned(spool) struct spool *spool = spool_new(limits);
    struct slice content;
    cr_assert_str_eq(part->type, messages[m].type, "%s, %s: %s", policy, messages[m].name, sent->bytes);
    cr_assert(part_decode(part, spool, &error) && spool_finish(spool, &content, &error), "%s", error.text);
    cr_assert(slice_equal(content, slice_of(messages[m].content)), "%s, %s: [%.*s]", policy, messages[m].name,
              (int)content.len, content.data);
}

static void round_trip(size_t p, size_t m)
{
    g_autofree char *acme = g_strdup(policies[p].outbound);
    owned(rig) struct rig *rig = rig_with_key(policies[p].key, acme, ACCEPT);
    AUTO_SENT struct sent out = rig_outbound(rig, messages[m].text);
    cr_assert_eq(out.result->reply.verdict, VERDICT_ACCEPT, "%s: %s", policies[p].name, out.result->reply.reason);
    cr_assert_eq(out.result->made.treatment.sign, policies[p].signs);
    cr_assert_eq(out.result->made.treatment.encrypt, policies[p].encrypts);
    if (policies[p].encrypts)
        cr_assert_null(strstr(out.bytes, "line"), "%s: plaintext leaves", policies[p].name);
    cr_assert_not_null(strstr(out.bytes, "Subject: Gas nomination\r\n"));
    cr_assert_not_null(strstr(out.bytes, "MIME-Version: 1.0\r\n"));

    AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
    cr_assert_eq(in.result->reply.verdict, VERDICT_ACCEPT, "%s: %s", policies[p].name, in.result->reply.reason);
    cr_assert_eq(in.result->plan.judgement.domain.outcome, policies[p].signs ? OUTCOME_PASS : OUTCOME_NONE, "%s: %s",
                 policies[p].name, in.result->plan.judgement.domain.reason);
    g_autofree char *domain = rig_name(in.result, true);
    if (policies[p].signs)
        cr_assert_str_eq(domain, "acme.test");
    cr_assert_eq(in.result->plan.judgement.originator.outcome, OUTCOME_NONE, "%s",
                 in.result->plan.judgement.originator.reason);
    cr_assert_not_null(strstr(in.bytes, "Authentication-Results: gw.partner.test"));
    cr_assert_not_null(strstr(in.bytes, policies[p].signs ? "smime=pass" : "smime=none"));
    cr_assert_null(strstr(in.bytes, "pkcs7"), "%s: layers are left: %s", policies[p].name, in.bytes);
    expect_content(rig, &in, m, policies[p].name);
}

Test(roundtrip, every_policy_with_a_plain_message)
{
    for (size_t p = 0; p < G_N_ELEMENTS(policies); p++)
        round_trip(p, 0);
}

Test(roundtrip, every_message_signed_and_encrypted)
{
    for (size_t m = 0; m < G_N_ELEMENTS(messages); m++) {
        round_trip(0, m);
        round_trip(5, m);
    }
}

Test(roundtrip, every_kind_of_confidentiality_key)
{
    static const enum pki_key kinds[] = {PKI_RSA, PKI_EC, PKI_P384, PKI_X25519};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        owned(rig) struct rig *rig = rig_with_key(kinds[i], "outbound = { protect = \"sign+encrypt\"; };",
                                                  "inbound = { require = \"sign+encrypt\"; };");
        AUTO_SENT struct sent out = rig_outbound(rig, TOP "Content-Type: text/plain\r\n\r\nthe secret\r\n");
        cr_assert_eq(out.result->reply.verdict, VERDICT_ACCEPT, "%zu: %s", i, out.result->reply.reason);
        cr_expect_null(strstr(out.bytes, "the secret"), "%zu", i);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        cr_expect_eq(in.result->reply.verdict, VERDICT_ACCEPT, "%zu: %s", i, in.result->reply.reason);
        cr_expect_not_null(strstr(in.bytes, "the secret"), "%zu", i);
    }
}

Test(roundtrip, through_the_spool_file)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"triple\"; };", ACCEPT);
    g_autoptr(GString) text = g_string_new(TOP "Content-Type: text/plain\r\n\r\n");

    for (int i = 0; i < 100000; i++)
        g_string_append_printf(text, "line %d of a message larger than memory_limit\r\n", i);
    AUTO_SENT struct sent out = rig_outbound(rig, text->str);
    cr_assert_eq(out.result->reply.verdict, VERDICT_ACCEPT, "%s", out.result->reply.reason);
    AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
    cr_assert_eq(in.result->plan.judgement.domain.outcome, OUTCOME_PASS, "%s", in.result->plan.judgement.domain.reason);
    const char *body = strstr(in.bytes, "\r\n\r\n") + 4, *sent = strstr(text->str, "\r\n\r\n") + 4;
    cr_assert_str_eq(body, sent);
}

Test(roundtrip, message_for_which_nothing_is_to_be_done_is_untouched)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"none\"; };", ACCEPT);
    const char *text = "Subject:no space\nFROM: alice@acme.test\n\tfolded: \n\nbody \xff\0with\n";
    AUTO_SENT struct sent out = rig_outbound(rig, text);
    cr_assert(edits_are_empty(&out.result->made.edits));
    cr_assert_str_eq(out.bytes, text);
    AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
    cr_assert(edits_are_empty(&in.result->made.edits));
    cr_assert_str_eq(in.bytes, text);
    cr_assert_null(in.result->made.authentication_results);
}

Test(roundtrip, originators_own_signature_stays_in_place)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign+encrypt\"; };", ACCEPT);
    struct entity content = rig_content("Content-Type: text/plain\r\n", "signed by alice\r\n");
    g_autofree char *text = rig_sign(&rig->acme, rig->acme.alice, 0, TOP "MIME-Version: 1.0\r\n", &content);
    AUTO_SENT struct sent out = rig_outbound(rig, text);
    cr_assert_eq(out.result->reply.verdict, VERDICT_ACCEPT, "%s", out.result->reply.reason);
    cr_assert_not(out.result->made.null_layer, "a signature is there already");
    AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
    cr_assert_eq(in.result->plan.judgement.domain.outcome, OUTCOME_PASS, "%s", in.result->plan.judgement.domain.reason);
    cr_assert_eq(in.result->plan.judgement.originator.outcome, OUTCOME_PASS, "%s",
                 in.result->plan.judgement.originator.reason);
    g_autofree char *originator = rig_name(in.result, false);
    cr_assert_str_eq(originator, "alice@acme.test");
    cr_assert_not_null(strstr(in.bytes, strstr(text, "\r\n\r\n")), "alice's bytes are as she signed them");
}
