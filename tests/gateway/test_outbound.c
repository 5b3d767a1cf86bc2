/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is signed for, and that no plaintext leaves where policy says encrypt. RFC 3183 §5.1's examples are in
 * test_rfc3183.c.
 */
#include "gateway/internal.h"
#include "support/rig.h"

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
    {"outbound = { protect = \"sign\"; unauthentic = \"tempfail\"; };", "alice@evil.test", "alice", "192.0.2.7",
     VERDICT_TEMPFAIL, false},
    {"outbound = { protect = \"sign\"; unauthentic = \"unsigned\"; };", "alice@evil.test", "alice", "192.0.2.7",
     VERDICT_ACCEPT, false},
};

Test(outbound, only_an_authentic_originator_is_signed_for)
{
    for (size_t i = 0; i < G_N_ELEMENTS(originators); i++) {
        owned(rig) struct rig *rig = rig_new(originators[i].policy, "");
        g_autofree char *text = g_strdup_printf("From: %s\r\n\r\nx\r\n", originators[i].from);
        AUTO_SENT struct sent out = rig_pass(&rig->acme, DIRECTION_OUTBOUND,
                                             &(struct rig_envelope){originators[i].from, "bob@partner.test", NULL,
                                                                    originators[i].auth, originators[i].client},
                                             text, strlen(text));
        cr_assert_eq(out.result->reply.verdict, originators[i].verdict, "%zu: %s", i, out.result->reply.reason);
        cr_assert_eq(out.result->made.treatment.sign, originators[i].sign, "%zu", i);
        if (originators[i].verdict == VERDICT_TEMPFAIL)
            cr_assert_str_eq(out.result->reply.status, "4.7.1", "%zu: as policy defers", i);
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
        g_autofree char *policy = g_strdup_printf("certificates = ( ); outbound = { protect = \"sign+encrypt\"; "
                                                  "no_certificate = \"%s\"; }; null_signature = false;",
                                                  missing[i].no_certificate);
        owned(rig) struct rig *rig = rig_new(policy, "");
        AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
        cr_assert_eq(out.result->reply.verdict, missing[i].verdict, "%s: %s", missing[i].no_certificate,
                     out.result->reply.reason);
        cr_assert_not(out.result->made.treatment.encrypt);
        if (!missing[i].plain) {
            cr_assert_not_null(strstr(out.result->reply.text, "bob@partner.test"), "%s", out.result->reply.text);
            cr_assert(edits_are_empty(&out.result->made.edits));
        }
    }
}

/* There is a certificate, and whether it is revoked cannot be told now: that is not "no certificate", or the plaintext
 * would leave for an outage. */
Test(outbound, a_certificate_that_cannot_be_checked_now_is_not_none)
{
    for (size_t i = 0; i < G_N_ELEMENTS(missing); i++) {
        owned(rig) struct rig *rig = rig_closed(PKI_EC);
        g_autofree char *crls = g_build_filename(rig->acme.folder, "crls", NULL);
        g_mkdir(crls, 0700);
        g_autofree char *policy =
            g_strdup_printf("outbound = { protect = \"sign+encrypt\"; no_certificate = \"%s\"; }; "
                            "null_signature = false;",
                            missing[i].no_certificate);
        rig_open(&rig->acme, &rig->partner, policy, "crls = ( \"crls\" );");
        AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
        cr_expect_eq(rig_verdict(&out), VERDICT_TEMPFAIL, "%s: %s", missing[i].no_certificate, rig_reason(&out));
        cr_expect_not_null(strstr(rig_reason(&out), "no CRL"), "%s", rig_reason(&out));
        cr_expect(edits_are_empty(&out.result->made.edits));
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
        cr_assert_eq(out.result->reply.verdict, VERDICT_REJECT, "%s", out.result->reply.reason);
        cr_assert_not_null(strstr(out.result->reply.text, other), "%s", out.result->reply.text);
    }
}

Test(outbound, signature_serves_mixed_recipients)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", "");
    AUTO_SENT struct sent out = rig_pass(
        &rig->acme, DIRECTION_OUTBOUND,
        &(struct rig_envelope){"alice@acme.test", "bob@partner.test", "dave@elsewhere.test", "alice", "192.0.2.1"},
        MESSAGE, strlen(MESSAGE));
    cr_assert_eq(out.result->reply.verdict, VERDICT_ACCEPT, "%s", out.result->reply.reason);
    cr_assert(out.result->made.treatment.sign);
}

Test(outbound, bad_signature_inside_gets_no_domain_signature)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; }; null_signature = false;", "");
    AUTO_SENT struct sent once = rig_outbound(rig, MESSAGE);
    char *secret = strstr(once.bytes, "secret");
    secret[0] = 'S';
    AUTO_SENT struct sent twice = rig_outbound(rig, once.bytes);
    cr_assert_eq(twice.result->reply.verdict, VERDICT_REJECT, "%s", twice.result->reply.reason);
    cr_assert_not(twice.result->made.treatment.sign);
}

Test(outbound, explain_names_rule_and_certificate)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"encrypt\"; };", "");
    owned(envelope) struct envelope *envelope =
        rig_envelope(&(struct rig_envelope){"alice@acme.test", "bob@partner.test", NULL, "alice", NULL});
    owned(passage) struct passage *result = rig_explain(rig->acme.gateway, envelope, "alice@acme.test");
    cr_assert_eq(result->reply.verdict, VERDICT_ACCEPT);
    cr_assert_eq(result->plan.recipient_count, 1);
    cr_assert_str_eq(result->lookups.recipients[0].claims[0].rule->partner->name, "partner.test.conf");
    cr_assert_eq(result->lookups.answers[0].certificates.count, 1);
    cr_assert_eq(result->lookups.answers[0].certificates.chosen, 0);
    cr_assert(result->plan.treatment.encrypt);
}

#define FOREIGN "From: bob@%s\r\nTo: alice@acme.test\r\nAuthentication-Results: gw.acme.test; smime=pass\r\n\r\npay\r\n"

/* A second recipient, for whom the MTA relays or who is its own postmaster, is no way around what our users' mail must
 * be. */
static const struct {
    const char *domain, *client;
    enum verdict verdict;
    bool stays; /* the forged result */
} strangers[] = {
    {"partner.test", "198.51.100.7", VERDICT_REJECT, true},
    {"partner.test", "192.0.2.7", VERDICT_REJECT, true},
    {"elsewhere.test", "198.51.100.7", VERDICT_ACCEPT, false},
    {"acme.test", "192.0.2.7", VERDICT_ACCEPT, true},
};

Test(outbound, mixed_recipients_are_no_way_around_the_inbound_rule)
{
    owned(rig) struct rig *rig = rig_new("inbound = { require = \"sign\"; otherwise = \"reject\"; };", "");
    for (size_t i = 0; i < G_N_ELEMENTS(strangers) * 2; i++) {
        const char *ours = "alice@acme.test", *other = "postmaster@gw.acme.test";
        g_autofree char *text = g_strdup_printf(FOREIGN, strangers[i / 2].domain);
        const struct rig_envelope spec = {"bob@x.test", i % 2 ? ours : other, i % 2 ? other : ours, NULL,
                                          strangers[i / 2].client};
        owned(envelope) struct envelope *envelope = rig_envelope(&spec);
        cr_assert_eq(policy_direction(gateway_conf(rig->acme.gateway), envelope->recipients, envelope->recipient_count),
                     DIRECTION_OUTBOUND);
        AUTO_SENT struct sent out = rig_pass(&rig->acme, DIRECTION_OUTBOUND, &spec, text, strlen(text));

        cr_assert_eq(out.result->reply.verdict, strangers[i / 2].verdict, "%zu: %s", i, out.result->reply.reason);
        cr_assert_eq(strstr(out.bytes, "smime=pass") != NULL, strangers[i / 2].stays, "%zu: %s", i, out.bytes);
    }
}

/* What is encrypted to us is not opened for a recipient elsewhere. */
Test(outbound, mixed_recipients_get_nothing_decrypted)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"encrypt\"; };", "");
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    AUTO_SENT struct sent in = rig_pass(
        &rig->partner, DIRECTION_OUTBOUND,
        &(struct rig_envelope){"alice@acme.test", "bob@partner.test", "x@elsewhere.test", NULL, "198.51.100.1"},
        out.bytes, out.length);
    cr_assert_eq(in.result->reply.verdict, VERDICT_REJECT, "%s", in.result->reply.reason);
    cr_assert_null(strstr(in.bytes, "the secret line"));
}

/* RFC 5321 §4.5.1: <postmaster> alone is ours; a local part that an MTA may take for a route is nobody's. */
static const struct {
    const char *recipient;
    enum direction direction;
    enum verdict verdict;
} locals[] = {
    {"postmaster", DIRECTION_INBOUND, VERDICT_ACCEPT},
    {"carol@acme.test", DIRECTION_INBOUND, VERDICT_ACCEPT},
    {"bob%partner.test@acme.test", DIRECTION_OUTBOUND, VERDICT_REJECT},
    {"partner.test!bob@acme.test", DIRECTION_OUTBOUND, VERDICT_REJECT},
    {"\"bob@partner.test\"@acme.test", DIRECTION_OUTBOUND, VERDICT_REJECT},
    {"bob%x@elsewhere.test", DIRECTION_OUTBOUND, VERDICT_ACCEPT},
};

Test(outbound, recipients_that_are_ours)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"encrypt\"; };", "");
    for (size_t i = 0; i < G_N_ELEMENTS(locals); i++) {
        const struct rig_envelope spec = {"alice@acme.test", locals[i].recipient, NULL, "alice", "192.0.2.1"};
        owned(envelope) struct envelope *envelope = rig_envelope(&spec);
        enum direction direction =
            policy_direction(gateway_conf(rig->acme.gateway), envelope->recipients, envelope->recipient_count);
        cr_assert_eq(direction, locals[i].direction, "%s", locals[i].recipient);
        AUTO_SENT struct sent out = rig_pass(&rig->acme, direction, &spec, MESSAGE, strlen(MESSAGE));
        cr_assert_eq(out.result->reply.verdict, locals[i].verdict, "%s: %s", locals[i].recipient,
                     out.result->reply.reason);
    }
}

/* Only what is encrypted counts as encrypted, not what is called so. */
static const char *const pretended[] = {
    "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n",
    "Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n",
    "Content-Type: application/octet-stream; name=offer.p7m\r\n",
};

Test(outbound, plaintext_that_is_called_encrypted_does_not_leave)
{
    owned(rig) struct rig *rig = rig_new("certificates = ( ); outbound = { protect = \"encrypt\"; };", "");
    for (size_t i = 0; i < G_N_ELEMENTS(pretended); i++) {
        g_autofree char *text = g_strconcat("From: alice@acme.test\r\nMIME-Version: 1.0\r\n", pretended[i],
                                            "\r\ndGhlIHNlY3JldA==\r\n", NULL);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        cr_assert_eq(out.result->reply.verdict, VERDICT_REJECT, "%zu: %s", i, out.result->reply.reason);
    }
}

/* A stranger's message that we sign because its own signature holds is still a stranger's: no result under our name
 * stays. */
Test(outbound, results_under_our_name_go_from_what_a_stranger_sends)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", "");
    struct entity content = rig_content("Content-Type: text/plain\r\n", "x\r\n");
    g_autofree char *text =
        rig_sign(&rig->acme, rig->acme.alice, 0,
                 "Authentication-Results: gw.acme.test; smime=pass\r\nAuthentication-Results: gw.acme.test; "
                 "smime=pass\r\nFrom: alice@acme.test\r\n",
                 &content);
    AUTO_SENT struct sent out =
        rig_pass(&rig->acme, DIRECTION_OUTBOUND,
                 &(struct rig_envelope){"alice@acme.test", "bob@partner.test", "carol@acme.test", NULL, "198.51.100.1"},
                 text, strlen(text));
    cr_assert_eq(out.result->reply.verdict, VERDICT_ACCEPT, "%s", out.result->reply.reason);
    cr_assert(out.result->made.treatment.sign);
    cr_assert_null(strstr(out.bytes, "gw.acme.test; smime=pass"), "%s", out.bytes);
    /* the last field first: mail servers count anew after each */
    const struct edits *edits = &out.result->made.edits;
    size_t deleted = 0;
    for (size_t i = 0; i < edits->count; i++)
        if (edits->list[i].kind == EDIT_DELETE && strcmp(edits->list[i].name, "Authentication-Results") == 0)
            cr_expect_eq(edits->list[i].index, 2 - deleted++, "%u", edits->list[i].index);
    cr_expect_eq(deleted, 2);
}

/* What only we may insert goes from mail that is not protected, too; the last one first, as mail servers count. */
Test(outbound, fields_that_ask_for_a_split_go_from_plain_mail)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"none\"; };", "");
    AUTO_SENT struct sent out = rig_outbound(rig, "Domsec-Split: v=1; key=0000000000000000\r\n"
                                                  "Domsec-Split: v=1; key=0000000000000001\r\n" MESSAGE);
    cr_assert_eq(rig_verdict(&out), VERDICT_ACCEPT, "%s", rig_reason(&out));
    const struct edits *edits = &out.result->made.edits;
    cr_assert_eq(edits->count, 2);
    cr_expect(edits->list[0].index == 2 && edits->list[1].index == 1);
    cr_expect_str_eq(out.bytes, MESSAGE);
}

/* The milter protocol has no packet for such a field. */
Test(outbound, a_subject_that_is_too_large_without_its_tag)
{
    owned(rig) struct rig *rig =
        rig_new("outbound = { protect = \"none\"; };\nrules = ( { when = { subject = \"[x]\"; }; "
                "sign_with = { }; } );",
                "");
    for (size_t i = 0; i < 2; i++) {
        g_autofree char *subject = g_strnfill(i == 0 ? 100 : EDIT_MAX, 'x');
        g_autofree char *text = g_strconcat("Subject: [x] ", subject, "\r\n" MESSAGE, NULL);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        cr_expect_eq(out.result->reply.code, i == 0 ? 250 : 552, "%zu: %s", i, rig_reason(&out));
        cr_expect_eq(edits_are_empty(&out.result->made.edits), i == 1, "%zu", i);
    }
}

/* What is encrypted to our own authority is not opened for a stranger who sends it through us. */
Test(outbound, nothing_is_unwrapped_for_a_stranger)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"encrypt\"; unauthentic = \"unsigned\"; };", "");
    g_autofree char *text = rig_encrypt(&rig->acme, "From: mallory@evil.test\r\nTo: bob@partner.test\r\n",
                                        "Content-Type: text/plain\r\n", "the secret line\r\n");
    for (unsigned i = 0; i < 2; i++) {
        AUTO_SENT struct sent out = rig_pass(&rig->acme, DIRECTION_OUTBOUND,
                                             &(struct rig_envelope){"mallory@evil.test", "bob@partner.test", NULL,
                                                                    i == 0 ? NULL : "mallory", "198.51.100.1"},
                                             text, strlen(text));
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        cr_assert_null(strstr(in.bytes, "secret"), "%s", in.bytes);
    }
}

/* Splits a message without a top into what rig_content() takes. */
static char *split(char *text)
{
    char *body = strstr(text, "\r\n\r\n");
    cr_assert_not_null(body);
    body[2] = '\0';
    return body + 4;
}

#define SECRET "Content-Type: text/plain\r\n", "the secret line\r\n"
#define TO_PARTNER "From: alice@acme.test\r\nTo: bob@partner.test\r\n"

/* Alice's signature around what is encrypted to us, or inside of it: a colleague's mail to us, replayed. */
static char *signed_and_encrypted(const struct org *org, bool outside)
{
    struct entity content = rig_content(SECRET);
    if (!outside) {
        g_autofree char *inner = rig_sign(org, org->alice, 0, "", &content);
        char *body = split(inner);
        return rig_encrypt(org, TO_PARTNER, inner, body);
    }
    entity_clear(&content);
    g_autofree char *inner = rig_encrypt(org, "", SECRET);
    char *body = split(inner);
    content = rig_content(inner, body);
    return rig_sign(org, org->alice, 0, TO_PARTNER, &content);
}

/* Anybody can replay a message that is encrypted to us: only a signature that he shows without our key makes its
 * originator authentic, and only an authentic originator's mail is decrypted on its way out. */
static const struct {
    bool outside;
    const char *protect, *auth;
    bool opened;
} replayed[] = {
    {false, "sign", NULL, false},    {false, "sign", "alice", true},    {true, "sign", NULL, true},
    {false, "encrypt", NULL, false}, {false, "encrypt", "alice", true}, {true, "encrypt", NULL, true},
};

Test(outbound, signature_inside_an_encryption_to_us_makes_nobody_authentic)
{
    for (size_t i = 0; i < G_N_ELEMENTS(replayed); i++) {
        for (unsigned j = 0; j < 2; j++) {
            g_autofree char *rule = g_strdup_printf("outbound = { protect = \"%s\"; unauthentic = \"%s\"; };",
                                                    replayed[i].protect, j == 0 ? "reject" : "unsigned");
            owned(rig) struct rig *rig = rig_new(rule, "");
            g_autofree char *text = signed_and_encrypted(&rig->acme, replayed[i].outside);
            AUTO_SENT struct sent out = rig_pass(
                &rig->acme, DIRECTION_OUTBOUND,
                &(struct rig_envelope){"alice@acme.test", "bob@partner.test", NULL, replayed[i].auth, "198.51.100.1"},
                text, strlen(text));
            AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
            cr_expect_eq(out.result->plan.unwrapping.decrypted, replayed[i].opened, "%zu: %s", i,
                         out.result->reply.reason);
            cr_expect(replayed[i].opened || strstr(in.bytes, "secret") == NULL, "%zu: %s", i, in.bytes);
            cr_expect(replayed[i].opened || !out.result->made.treatment.sign, "%zu", i);
        }
    }
}

/* There is no room for one of the things that are made of it: nothing of it leaves. */
Test(outbound, what_leaves_cannot_be_written)
{
    static const struct {
        const char *policy, *line;
    } rows[] = {
        {"outbound = { protect = \"sign\"; }; null_signature = false;",
         "b\xc3\xbcro b\xc3\xbcro"}, /* the canonical form */
        {"outbound = { protect = \"encrypt\"; };", "b\xc3\xbcro b\xc3\xbcro"},
        {"outbound = { protect = \"sign\"; };", "the secret line"},    /* the empty layer */
        {"outbound = { protect = \"encrypt\"; };", "the secret line"}, /* the encryption */
        {"outbound = { protect = \"sign+encrypt\"; };", "the secret line"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_new(rows[i].policy, "");
        g_autoptr(GString) text = g_string_new("From: alice@acme.test\r\nTo: bob@partner.test\r\n\r\n");
        while (text->len < 60000)
            g_string_append_printf(text, "%s\r\n", rows[i].line);
        owned(message) struct message *message = rig_message(&rig->acme, text->str, text->len);
        owned(envelope) struct envelope *envelope =
            rig_envelope(&(struct rig_envelope){"alice@acme.test", "bob@partner.test", NULL, "alice", NULL});
        struct limits *limits = (struct limits *)&gateway_conf(rig->acme.gateway)->limits;
        limits->memory = 32000;
        for (size_t j = 0; j < 2; j++) {
            g_autofree char *usual = limits->spool_dir;
            limits->spool_dir = g_strdup(j == 0 ? usual : "/nonexistent");
            owned(passage) struct passage *passage =
                rig_take(rig->acme.gateway, DIRECTION_OUTBOUND, envelope, message, time(NULL));
            const struct made *made = &passage->made;
            cr_expect_eq(passage->reply.verdict, j == 0 ? VERDICT_ACCEPT : VERDICT_TEMPFAIL, "%zu %zu: %s", i, j,
                         passage->reply.reason);
            cr_expect_eq(edits_are_empty(&made->edits), j == 1, "%zu %zu", i, j);
            cr_expect_eq(made->treatment.sign || made->treatment.encrypt, j == 0, "%zu %zu", i, j);
        }
    }
}

/* What leaves is looked into, for what is inside may be badly signed; what arrives is not (a stranger would learn of
 * it).
 */
Test(outbound, an_encrypted_part_is_opened_on_its_way_out_alone)
{
    owned(rig) struct rig *rig = rig_new("", "");
    g_autofree char *part = rig_encrypt(&rig->acme, "", SECRET);
    g_autofree char *text = g_strconcat("From: alice@acme.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; "
                                        "boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n",
                                        part, "\r\n--b--\r\n", NULL);
    for (size_t i = 0; i < 2; i++) {
        const struct rig_envelope spec = {"alice@acme.test", i == 0 ? "bob@partner.test" : "alice@acme.test", NULL,
                                          "alice", "192.0.2.1"};
        AUTO_SENT struct sent sent =
            rig_pass(&rig->acme, i == 0 ? DIRECTION_OUTBOUND : DIRECTION_INBOUND, &spec, text, strlen(text));
        const struct examination *examination = sent.result->mail.examination;
        cr_assert_eq(examination->count, 1, "%zu", i);
        cr_expect_eq(examination->layers[0].opened == OPENED, i == 0, "%zu", i);
    }
}

#define REVIEWED(by, rules) "outbound = { protect = \"sign\"; require_review = ( \"" by "\" ); };\n" rules
#define RULE(more) "rules = ( { when = { from = \"alice@acme.test\"; }; " more " } );"

/* A rule may name reviewers of its own; without them it has those of the base. */
Test(outbound, whose_review_counts)
{
    static const struct {
        const char *policy;
        bool counts;
    } rows[] = {
        {REVIEWED("review.pem", ""), true},
        {REVIEWED("dsa.pem", ""), false},
        {REVIEWED("review.pem", RULE("")), true},
        {REVIEWED("dsa.pem", RULE("")), false},
        {REVIEWED("review.pem", RULE("require_review = ( \"dsa.pem\" );")), false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_new(rows[i].policy, "");
        struct entity content = rig_content("Content-Type: text/plain\r\n", "x\r\n");
        g_autofree char *text = rig_sign(&rig->acme, rig->acme.review, SIGNATURE_TYPE_REVIEW, TO_PARTNER, &content);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        cr_expect_eq(rig_verdict(&out), rows[i].counts ? VERDICT_ACCEPT : VERDICT_REJECT, "row %zu: %s", i,
                     rig_reason(&out));
    }
}

/* check = "soft": it is encrypted to, and the note says what is not known. */
Test(outbound, a_certificate_whose_revocation_is_not_known)
{
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    g_autofree char *crls = g_build_filename(rig->acme.folder, "crls", NULL);
    g_mkdir(crls, 0700);
    rig_open(&rig->acme, &rig->partner, "outbound = { protect = \"encrypt\"; };",
             "crls = ( \"crls\" ); revocation = { check = \"soft\"; };");
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    cr_assert_eq(rig_verdict(&out), VERDICT_ACCEPT, "%s", rig_reason(&out));
    cr_expect(rig_encrypted(&out));
    g_autofree char *note = passage_note(out.result, 0, out.result->lookups.answers[0].certificates.chosen);
    cr_expect(g_str_has_prefix(note, "used, but one certificate "), "%s", note);
}

/* What was encrypted to us is encrypted again; without an authority of ours that is valid now, in no one's name. */
Test(outbound, what_is_encrypted_again_need_not_name_us)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"encrypt\"; };", "");
    g_autofree char *text = rig_encrypt(&rig->acme, TO_PARTNER, SECRET);
    AUTO_SENT struct sent out = rig_outbound(rig, text);
    cr_assert_eq(rig_verdict(&out), VERDICT_ACCEPT, "%s", rig_reason(&out));
    cr_assert(out.result->plan.unwrapping.decrypted);
    out.result->lookups.own[OWN_ENCRYPTER].list[0] = NULL;
    struct made made = {0};
    made_protect(&made, out.result);
    cr_expect_eq(made.failure.kind, ERROR_NONE, "%s", made.failure.text);
    cr_expect(made.treatment.encrypt);
    made_clear(&made);
}

/* What the plan takes for granted is looked at once more where a layer is made. */
Test(outbound, what_was_planned_is_no_longer_there)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign+encrypt\"; };", "");
    for (size_t i = 0; i < 3; i++) {
        AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
        cr_assert_eq(rig_verdict(&out), VERDICT_ACCEPT, "%s", rig_reason(&out));
        struct lookups *lookups = &out.result->lookups;
        if (i == 0)
            lookups->own[OWN_DOMAIN].list[0] = NULL;
        else if (i == 1)
            lookups->recipients[0].certificate = FOUND_NONE;
        else
            lookups->answers[0].certificates.chosen = lookups->answers[0].certificates.count;
        struct made made = {0};
        made_protect(&made, out.result);
        cr_expect_eq(made.failure.kind, i == 0 ? ERROR_BUG : ERROR_CONFIGURATION, "%zu: %s", i, made.failure.text);
        cr_expect(edits_are_empty(&made.edits), "%zu", i);
        cr_expect_not(made.treatment.sign || made.treatment.encrypt, "%zu", i);
        made_clear(&made);
    }
}
