/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What arrives broken, forged or shut: the verdict, and that nothing of it is believed or delivered in part.
 */
#include "support/attack.h"

#define TOP "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\nSubject: s\r\nMIME-Version: 1.0\r\n"
#define MESSAGE TOP "Content-Type: text/plain\r\n\r\nthe secret line\r\n"
#define REQUIRE(what, otherwise) "inbound = { require = \"" what "\"; otherwise = \"" otherwise "\"; };"

/* Flips one bit of the first byte of `what` in the text, which must be there. */
static void damage(struct sent *sent, const char *what, size_t offset)
{
    char *at = memmem(sent->bytes, sent->length, what, strlen(what));
    cr_assert_not_null(at, "%s is there", what);
    at[offset] = at[offset] == 'A' ? 'B' : 'A';
}

Test(inbound, tampered_clear_signature_fails)
{
    owned(rig) struct rig *rig =
        rig_new("outbound = { protect = \"sign\"; }; null_signature = false;", REQUIRE("sign", "reject"));
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    damage(&out, "secret", 0);
    AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
    cr_assert_eq(in.result->plan.judgement.domain.outcome, OUTCOME_FAIL, "%s", in.result->plan.judgement.domain.reason);
    cr_assert_eq(in.result->reply.verdict, VERDICT_REJECT);
    cr_assert_eq(in.result->reply.code, 550);
    cr_assert_str_eq(in.result->reply.status, "5.7.1");
}

Test(inbound, tampered_is_delivered_with_its_fault_where_policy_says_tag)
{
    owned(rig) struct rig *rig =
        rig_new("outbound = { protect = \"sign\"; }; null_signature = false;", REQUIRE("sign", "tag"));
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    damage(&out, "secret", 0);
    AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
    cr_assert_eq(in.result->reply.verdict, VERDICT_ACCEPT);
    cr_assert_not_null(strstr(in.bytes, "smime=fail"));
    cr_assert_null(strstr(in.bytes, "smime=pass"));
    cr_assert_not_null(strstr(in.bytes, "multipart/signed"), "the evidence stays");
}

/* What lacks what the rule requires, and is delivered or held all the same: the header says what is missing. */
static const struct {
    const char *protect, *inbound, *said, *missing;
} lacking[] = {
    {"none", REQUIRE("sign+encrypt", "tag"), "smime=none", "no valid signature"},
    {"none", REQUIRE("sign+encrypt", "quarantine"), "smime=none", "not encrypted to us"},
    {"sign", REQUIRE("sign+encrypt", "tag"), "smime=policy", "not encrypted to us"},
    {"encrypt", REQUIRE("sign", "tag"), "smime=none", "no valid signature"},
    {"sign", REQUIRE("sign", "tag"), "smime=pass", NULL},
    {"none", REQUIRE("none", "tag"), NULL, NULL},
};

Test(inbound, what_is_missing_is_told)
{
    for (size_t i = 0; i < G_N_ELEMENTS(lacking); i++) {
        g_autofree char *outbound = g_strdup_printf("outbound = { protect = \"%s\"; };", lacking[i].protect);
        owned(rig) struct rig *rig = rig_new(outbound, lacking[i].inbound);
        AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        if (lacking[i].said == NULL) {
            cr_expect_null(strstr(in.bytes, "Authentication-Results"), "%zu: %s", i, in.bytes);
            continue;
        }
        cr_assert_not_null(strstr(in.bytes, lacking[i].said), "%zu: %s", i, in.bytes);
        if (lacking[i].missing != NULL)
            cr_expect_not_null(strstr(in.bytes, lacking[i].missing), "%zu: %s", i, in.bytes);
        else
            cr_expect_null(strstr(in.bytes, "smime=policy"), "%zu: %s", i, in.bytes);
    }
}

/* A refused message is not delivered without anything: its field, in the report, holds only what was found. */
Test(inbound, what_is_missing_is_not_told_of_what_is_refused)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", REQUIRE("sign+encrypt", "reject"));
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    AUTO_SENT struct sent signed_only = rig_inbound(rig, out.bytes, out.length);
    AUTO_SENT struct sent plain = rig_inbound(rig, MESSAGE, strlen(MESSAGE));
    cr_assert_eq(signed_only.result->reply.verdict, VERDICT_REJECT);
    cr_expect_not_null(strstr(signed_only.result->made.authentication_results, "smime=pass"));
    cr_expect_null(strstr(signed_only.result->made.authentication_results, "smime=policy"));
    cr_assert_eq(plain.result->reply.verdict, VERDICT_REJECT);
    cr_expect_null(plain.result->made.authentication_results);
}

/* Each place in the base64 of an encrypted message, one character changed: never a line of the content, never pass. */
Test(inbound, tampered_ciphertext_is_never_delivered_in_part)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign+encrypt\"; };", REQUIRE("none", "tag"));
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    size_t start = (size_t)(strstr(out.bytes, "\r\n\r\n") + 4 - out.bytes);
    for (size_t i = start; i < out.length; i += 13) {
        g_autofree char *copy = g_memdup2(out.bytes, out.length + 1);
        if (copy[i] == '\r' || copy[i] == '\n')
            continue;
        copy[i] = copy[i] == 'A' ? 'B' : 'A';
        AUTO_SENT struct sent in = rig_inbound(rig, copy, out.length);
        if (in.result->plan.judgement.domain.outcome == OUTCOME_PASS)
            continue; /* a place that nothing protects, such as the order of a name's encoding: the content is whole */
        cr_assert_null(strstr(in.bytes, "secret"), "at %zu: %s", i, in.bytes);
        cr_assert_not_null(strstr(in.bytes, "pkcs7-mime"), "at %zu: delivered as it came", i);
    }
}

static const struct {
    const char *policy;
    enum verdict verdict;
} undecryptable[] = {
    {REQUIRE("none", "tag"), VERDICT_ACCEPT},
    {"inbound = { require = \"none\"; undecryptable = \"reject\"; };", VERDICT_REJECT},
    {"inbound = { require = \"none\"; undecryptable = \"tempfail\"; };", VERDICT_TEMPFAIL},
    {REQUIRE("encrypt", "reject"), VERDICT_REJECT},
    {REQUIRE("sign", "quarantine"), VERDICT_QUARANTINE},
};

Test(inbound, encrypted_to_somebody_else)
{
    for (size_t i = 0; i < G_N_ELEMENTS(undecryptable); i++) {
        /* acme's own certificate is pinned for the partner: encrypted, but to a key that partner.test does not have. */
        owned(rig) struct rig *rig = rig_new("outbound = { protect = \"encrypt\"; };", undecryptable[i].policy);
        owned(rig) struct rig *stranger = rig_new("outbound = { protect = \"encrypt\"; };", undecryptable[i].policy);
        AUTO_SENT struct sent out = rig_outbound(stranger, MESSAGE);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        cr_assert_eq(in.result->reply.verdict, undecryptable[i].verdict, "%zu: %s", i, in.result->reply.reason);
        cr_assert_eq(in.result->plan.judgement.layers[0].finding.outcome, OUTCOME_NEUTRAL);
        if (in.result->reply.verdict == VERDICT_TEMPFAIL)
            cr_expect_str_eq(in.result->reply.status, "4.7.1", "%zu: %s", i, in.result->reply.text);
        if (in.result->reply.verdict == VERDICT_ACCEPT)
            cr_assert_not_null(strstr(in.bytes, "pkcs7-mime"));
    }
}

Test(inbound, signature_of_another_domain_does_not_pass)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", REQUIRE("sign", "reject"));
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    char *from = strstr(out.bytes, "alice@acme.test");
    memcpy(from, "alice@evil.test", 15);
    AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
    cr_assert_neq(in.result->plan.judgement.domain.outcome, OUTCOME_PASS);
    cr_assert_neq(in.result->plan.judgement.domain.outcome, OUTCOME_NONE);
}

static const char *const odd_from[] = {
    "To: bob@partner.test\r\n",
    "From: alice@acme.test\r\nFrom: alice@acme.test\r\n",
    "From: alice@acme.test\r\nfrom: ceo@evil.test\r\n",
    "From: alice@acme.test, ceo@evil.test\r\n",
    "From: alice@acme.test <ceo@evil.test>\r\n",
    "From: undisclosed:;\r\n",
};

Test(inbound, odd_from_never_passes)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", REQUIRE("none", "tag"));
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    char *rest = strstr(out.bytes, "To: bob");
    for (size_t i = 0; i < G_N_ELEMENTS(odd_from); i++) {
        g_autofree char *text = g_strconcat(odd_from[i], rest, NULL);
        AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
        cr_assert_neq(in.result->plan.judgement.domain.outcome, OUTCOME_PASS, "%s", odd_from[i]);
        cr_assert_null(strstr(in.bytes, "smime=pass"), "%s", in.bytes);
    }
}

Test(inbound, signed_part_among_other_parts_is_partial)
{
    owned(rig) struct rig *rig =
        rig_new("outbound = { protect = \"sign\"; }; null_signature = false;", REQUIRE("sign", "reject"));
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    char *type = strstr(out.bytes, "Content-Type: multipart/signed");
    g_autofree char *text = g_strconcat(
        TOP "Content-Type: multipart/mixed; boundary=outer\r\n\r\n--outer\r\n\r\nread this first\r\n--outer\r\n", type,
        "\r\n--outer--\r\n", NULL);
    AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
    cr_assert_eq(in.result->reply.verdict, VERDICT_REJECT);
    cr_assert_eq(in.result->plan.judgement.layer_count, 1);
    cr_assert(in.result->lookups.views[0].partial);
    cr_assert_eq(in.result->plan.judgement.domain.outcome, OUTCOME_NEUTRAL, "%s",
                 in.result->plan.judgement.domain.reason);
}

/* Hundreds of signed parts are not verified one by one; that some were not looked at is no secret. */
Test(inbound, many_signed_parts)
{
    owned(rig) struct rig *rig =
        rig_new("outbound = { protect = \"sign\"; }; null_signature = false;", REQUIRE("none", "tag"));
    unsigned limit = gateway_conf(rig->partner.gateway)->limits.layers;
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    g_autoptr(GString) text = g_string_new(TOP "Content-Type: multipart/mixed; boundary=outer\r\n\r\n");

    for (unsigned i = 0; i < limit + 20; i++)
        g_string_append_printf(text, "--outer\r\n%s\r\n", strstr(out.bytes, "Content-Type: multipart/signed"));
    g_string_append(text, "--outer--\r\n");
    AUTO_SENT struct sent in = rig_inbound(rig, text->str, text->len);

    cr_assert_eq(in.result->plan.judgement.layer_count, limit + 1);
    cr_assert_eq(in.result->plan.judgement.layers[limit].finding.outcome, OUTCOME_PERMERROR, "%s",
                 in.result->plan.judgement.layers[limit].finding.reason);
    cr_assert_eq(in.result->plan.judgement.domain.outcome, OUTCOME_PERMERROR, "%s",
                 in.result->plan.judgement.domain.reason);
    cr_assert_null(strstr(in.bytes, "smime=pass"));
}

Test(inbound, encrypted_part_among_other_parts_is_not_decrypted)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"encrypt\"; };", REQUIRE("none", "tag"));
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    char *type = strstr(out.bytes, "Content-Type: application/pkcs7-mime");
    g_autofree char *text = g_strconcat(TOP "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: "
                                            "text/html\r\n\r\n<img src=\"http://evil.test/\r\n--o\r\n",
                                        type, "\r\n--o--\r\n", NULL);
    AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
    cr_assert_null(strstr(in.bytes, "secret"));
    cr_assert(in.result->lookups.views[0].partial);
    cr_assert_not((0 < in.result->made.removed));
}

static const char *const forged[] = {
    "Authentication-Results: gw.partner.test; smime=pass\r\n",
    "authentication-results:\r\n (x) GW.Partner.Test 1; smime=pass\r\n",
    "Authentication-Results: \"gw.partner.test\"; smime=pass\r\n",
    "Authentication-Results: gw.(c(d))partner.test; smime=pass\r\n",
};

Test(inbound, results_under_our_name_are_removed)
{
    owned(rig) struct rig *rig = rig_new("", REQUIRE("none", "tag"));
    for (size_t i = 0; i < G_N_ELEMENTS(forged); i++) {
        g_autofree char *text =
            g_strconcat(forged[i], "Authentication-Results: mx.other.test; spf=pass\r\n", MESSAGE, NULL);
        AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
        cr_assert_null(strstr(in.bytes, "smime=pass"), "%s", in.bytes);
        cr_assert_not_null(strstr(in.bytes, "mx.other.test"));
    }
}

/* What was encrypted may hold line ends that end a message in SMTP for a careless server, and headers of its own. */
Test(inbound, decrypted_content_is_made_canonical_and_promotes_no_header)
{
    owned(rig) struct rig *rig = rig_new("", REQUIRE("none", "tag"));
    g_autofree char *text = rig_encrypt(
        &rig->partner, TOP, "Content-Type: text/plain\r\nFrom: ceo@partner.test\r\nSubject: inner\r\nX-Evil: 1\r\n",
        "a\n.\nMAIL FROM:<x@y>\r\n.\rb");
    AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
    cr_assert_eq(in.result->reply.verdict, VERDICT_ACCEPT, "%s", in.result->reply.reason);
    char *body = strstr(in.bytes, "\r\n\r\n");
    *body = '\0';
    cr_assert_null(strstr(in.bytes, "ceo@partner"));
    cr_assert_null(strstr(in.bytes, "Subject: inner"));
    cr_assert_null(strstr(in.bytes, "X-Evil"));
    *body = '\r';
    cr_assert_not_null(strstr(in.bytes, "\r\n\r\na\r\n.\r\nMAIL FROM:<x@y>\r\n.\r\nb"), "%s", in.bytes);
}

/* By itself it came from elsewhere, and protects nothing: nobody asked us to open it. Inside a signature it is a part
 * of that (RFC 3183 §3). */
Test(inbound, empty_layer_by_itself_stays)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", REQUIRE("none", "tag"));
    struct entity content = rig_content("Content-Type: text/plain\r\n", "the secret line\r\n"), out = {0};
    struct error error = {0};
    cr_assert(smime_wrap_unsigned(&gateway_conf(rig->acme.gateway)->limits, &content, &out, &error), "%s", error.text);
    entity_clear(&content);
    g_autofree char *text = rig_text(TOP, &out);
    AUTO_SENT struct sent alone = rig_inbound(rig, text, strlen(text));
    g_autofree char *shape = rig_shape(&alone);
    cr_assert_str_eq(shape, "0");
    cr_assert_eq(rig_verdict(&alone), VERDICT_ACCEPT, "%s", rig_reason(&alone));
    cr_assert(g_str_has_suffix(alone.bytes, text), "as it came: %s", alone.bytes);

    AUTO_SENT struct sent within = rig_outbound(rig, MESSAGE);
    AUTO_SENT struct sent in = rig_inbound(rig, within.bytes, within.length);
    g_autofree char *inner = rig_shape(&in);
    cr_assert_str_eq(inner, "D0");
    cr_assert_not_null(strstr(in.bytes, "\r\n\r\nthe secret line\r\n"), "%s", in.bytes);
}

Test(inbound, too_many_layers_is_an_error_not_a_crash)
{
    owned(rig) struct rig *rig = rig_new("", REQUIRE("none", "tag"));
    const struct limits *limits = &gateway_conf(rig->acme.gateway)->limits;
    struct entity entity = {rope_new(), rope_new()};
    struct error error = {0};
    rope_copy(entity.header, slice_of("Content-Type: text/plain\r\n"));
    rope_copy(entity.body, slice_of("x\r\n"));
    for (unsigned i = 0; i < limits->layers + 5; i++) {
        struct entity out = {0};
        cr_assert(smime_wrap_unsigned(limits, &entity, &out, &error), "%s", error.text);
        entity_clear(&entity);
        entity = out;
    }
    owned(rope) struct rope *bytes = entity_bytes(&entity);
    g_autofree char *flat = rope_flatten(bytes, NULL);
    g_autofree char *text = g_strconcat(TOP, flat, NULL);
    AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
    cr_assert_eq(in.result->plan.judgement.domain.outcome, OUTCOME_PERMERROR, "%s",
                 in.result->plan.judgement.domain.reason);
    entity_clear(&entity);
}

/* Other software may encrypt a file with LF line ends. Its header must not become part of the text. */
Test(inbound, lf_only_content)
{
    owned(rig) struct rig *rig = rig_new("", REQUIRE("none", "tag"));
    g_autofree char *text = rig_encrypt(&rig->partner, TOP, "Content-Type: text/html\n\n<p>hi</p>\n", "");
    AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
    cr_assert_eq(in.result->reply.verdict, VERDICT_ACCEPT, "%s", in.result->reply.reason);
    cr_assert_not_null(strstr(in.bytes, "Content-Type: text/html\r\n\r\n<p>hi</p>\r\n"), "%s", in.bytes);
}

/* Puts extra before the configuration and opens it again. */
static void reopen(struct org *org, const char *extra)
{
    g_autofree char *file = g_build_filename(org->folder, "domsec.conf", NULL), *old = NULL, *text = NULL;
    owned(faults) struct faults *faults = faults_new();
    cr_assert(g_file_get_contents(file, &old, NULL, NULL));
    text = g_strconcat(extra, old, NULL);
    cr_assert(g_file_set_contents(file, text, -1, NULL));
    owned(conf) struct conf *conf = conf_load(file, faults);
    cr_assert_not_null(conf);
    gateway_unref(org->gateway);
    org->gateway = gateway_open(conf, faults);
    cr_assert_not_null(org->gateway);
}

/* Alice's authority has no list of what it revoked at hand: her signature cannot be checked now, the domain's can.
 * Where hers is asked for the message is to come again, never to go back. */
static const struct {
    const char *require, *signed_by;
    enum verdict verdict;
} unchecked[] = {
    {"sign", "any", VERDICT_ACCEPT},
    {"sign", "domain", VERDICT_ACCEPT},
    {"sign", "originator", VERDICT_TEMPFAIL},
    {"sign", "both", VERDICT_TEMPFAIL},
    {"none", "both", VERDICT_ACCEPT},
    {"encrypt", "both", VERDICT_ACCEPT},
    {"sign+encrypt", "both", VERDICT_TEMPFAIL},
};

Test(inbound, what_cannot_be_checked_now_is_not_rejected)
{
    for (size_t i = 0; i < G_N_ELEMENTS(unchecked); i++) {
        g_autofree char *policy =
            g_strdup_printf("inbound = { require = \"%s\"; otherwise = \"reject\"; signed_by = \"%s\"; };",
                            unchecked[i].require, unchecked[i].signed_by);
        owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign+encrypt\"; };", policy);
        struct pki *authority = pki_sub_ca(rig->acme.ca, "people"), *alice = pki_person(authority, "alice@acme.test");
        X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = rig->acme.ca});
        struct entity content = {rope_new(), rope_new()};
        g_free(pki_write(rig->acme.folder, "ca.pem", rig->acme.ca, authority, NULL));
        g_free(pki_write(rig->partner.folder, "other-ca.pem", rig->acme.ca, authority, NULL));
        g_free(pki_write_crl(rig->partner.folder, "acme.crl", crl));
        X509_CRL_free(crl);
        reopen(&rig->acme, "");
        reopen(&rig->partner, "crls = ( \"acme.crl\" );\n");
        rope_copy(content.header, slice_of("Content-Type: text/plain\r\n"));
        rope_copy(content.body, slice_of("x\r\n"));
        g_autofree char *text = rig_sign(&rig->acme, alice, 0, TOP "MIME-Version: 1.0\r\n", &content);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        cr_assert_eq(out.result->reply.verdict, VERDICT_ACCEPT, "%s", out.result->reply.reason);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        cr_assert_eq(in.result->plan.judgement.domain.outcome, OUTCOME_PASS, "%s",
                     in.result->plan.judgement.domain.reason);
        cr_assert_eq(in.result->plan.judgement.originator.outcome, OUTCOME_TEMPERROR, "%s",
                     in.result->plan.judgement.originator.reason);
        cr_assert_eq(in.result->reply.verdict, unchecked[i].verdict, "%zu: %s", i, in.result->reply.reason);
        pki_free(alice);
        pki_free(authority);
    }
}

/* More authors than anybody has: nobody's, and the strictest rule of those that are named. */
Test(inbound, endless_from)
{
    owned(rig) struct rig *rig =
        rig_new("outbound = { protect = \"sign\"; }; null_signature = false;", REQUIRE("sign", "reject"));
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    g_autoptr(GString) text = g_string_new("From: ");

    for (unsigned i = 0; i < 100; i++)
        g_string_append_printf(text, "a%u@elsewhere.test,\r\n ", i);
    g_string_append_printf(text, "alice@acme.test%s", strchr(out.bytes, '>') + 1);
    AUTO_SENT struct sent in = rig_inbound(rig, text->str, text->len);

    cr_assert_eq(in.result->reply.verdict, VERDICT_REJECT, "%s", in.result->reply.reason);
    cr_assert_neq(in.result->plan.judgement.domain.outcome, OUTCOME_PASS);
    cr_assert_eq(in.result->mail.originator.from.count, 0);
}

/* For readers that cannot read signed mail: what is taken off then stands in the field and the log. */
Test(inbound, originators_signatures_can_be_taken_off)
{
    static const struct {
        const char *policy;
        bool opaque, changed, removed;
    } rows[] = {
        {"inbound = { originator_signatures = \"remove\"; };", true, false, true},
        {"inbound = { originator_signatures = \"remove\"; };", false, false, true},
        {"inbound = { originator_signatures = \"remove\"; };", false, true, false},
        {"inbound = { originator_signatures = \"keep\"; };", true, false, false},
        {"", false, false, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_new("", rows[i].policy);
        struct attack attack = {.signer = rig->acme.alice, .flags = rows[i].opaque ? 0 : CMS_DETACHED};
        const char *entity = rows[i].changed ? "Content-Type: text/plain\r\n\r\nelse\r\n" : ATTACK_ENTITY;
        g_autofree char *text =
            rows[i].opaque ? attack_message(&attack) : attack_clear(ATTACK_TOP, entity, attack_sign(&attack));
        AUTO_SENT struct sent in = attack_in(rig, text);
        g_autofree char *line = passage_log_line(in.result);
        cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT, "row %zu", i);
        cr_expect_eq(g_str_has_suffix(in.bytes, "Content-Type: text/plain\r\n\r\n" ATTACK_SECRET "\r\n"),
                     rows[i].removed, "row %zu: %s", i, in.bytes);
        cr_expect_eq(strstr(in.bytes, "pkcs7") == NULL, rows[i].removed, "row %zu: %s", i, in.bytes);
        cr_expect_eq(strstr(line, "note=\"the originator's signature passed and was taken off\"") != NULL,
                     rows[i].removed, "row %zu: %s", i, line);
        if (rows[i].changed)
            continue;
        cr_expect_not_null(strstr(line, " originator=pass"), "%s", line);
        cr_expect_not_null(strstr(line, " signed_by="), "%s", line);
        cr_expect_not_null(strstr(in.bytes, "smime=pass (originator signature)"), "%s", in.bytes);
        cr_expect_not_null(strstr(in.bytes, "body.smime-identifier=\"alice@acme.test\""), "%s", in.bytes);
    }
}

/* --- where all programs read a thing one way --- */

/* Fill behind the object, a field twice, a value without quotes. */
Test(inbound, oddities_that_mean_one_thing)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_STRICT);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = attack_sign(&(struct attack){.signer = rig->acme.alice});
    g_autoptr(GByteArray) der = attack_der(cms);
    g_byte_array_append(der, (const guint8 *)"\0\0\0", 3);
    g_autofree char *filled = attack_opaque_der(ATTACK_TOP, der->data, der->len);
    g_autofree char *base64 = attack_base64(der->data, der->len);
    g_autofree char *odd =
        g_strconcat(ATTACK_TOP "Content-Type: application/pkcs7-mime; name=my mail.p7m; name=\"my mail.p7m\"\r\n"
                               "Content-Transfer-Encoding: base64\r\n"
                               "Content-Transfer-Encoding: base64\r\n\r\n",
                    base64, NULL);
    g_autofree char *clear = attack_clear(
        ATTACK_TOP, ATTACK_ENTITY, attack_sign(&(struct attack){.signer = rig->acme.alice, .flags = CMS_DETACHED}));
    GString *unquoted = g_string_new(clear);
    g_string_replace(unquoted, "\"application/pkcs7-signature\"", "application/pkcs7-signature", 1);
    const char *const texts[] = {filled, unquoted->str};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        AUTO_SENT struct sent in = attack_in(rig, texts[i]);
        attack_expect_believed(&in, false, texts[i]);
    }
    AUTO_SENT struct sent repeated = attack_in(rig, odd);
    cr_expect_eq(rig_verdict(&repeated), VERDICT_QUARANTINE, "one value with quotes, one without");
    g_string_free(unquoted, TRUE);
}
