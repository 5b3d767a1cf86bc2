/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header fields of what was signed or encrypted (RFC 9788): nothing that the sender wrote is lost, and nothing becomes
 * a field of the message that must not.
 */
#include "support/attack.h"

#include <string.h>

#define OUTER "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\nSubject: [...]\r\nMIME-Version: 1.0\r\n"
#define REAL "Subject: the real subject\r\n"
#define TEXT "Content-Type: text/plain\r\n"

/* Ends the bytes at the header of the message. */
static char *cut_header(struct sent *in)
{
    char *body = strstr(in->bytes, "\r\n\r\n");
    cr_assert_not_null(body, "%s", in->bytes);
    *body = '\0';
    return body + 4;
}

/* What holds the octets of the second part is as it was. */
Test(protected_headers, what_cannot_be_a_field_of_the_message_is_kept_in_a_part)
{
    static const struct {
        const char *header; /* beside Content-Type */
        const char *shown;  /* in the part; NULL: there is no part */
        const char *hidden; /* nowhere in the body; NULL: nothing in particular */
    } rows[] = {
        {"", NULL, NULL},
        {REAL, "\r\n\r\nSubject: the real subject\r\n\r\n--", NULL},
        {"MIME-Version: 1.0\r\nContent-Language: en\r\nHP-Outer: Subject: [...]\r\n", NULL, NULL},
        {"HP-Outer: Subject: [...]\r\n" REAL, REAL, "HP-Outer: "},
        {"MIME-Version: 1.0 (of another)\r\n", NULL, NULL},
        {"from:Alice\r\n <alice@acme.test>\r\nTO:  bob@partner.test \r\n", NULL, NULL},
        {"From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\n" REAL, "\r\n\r\n" REAL "\r\n--", "To: "},
        {"From: ceo@acme.test\r\nDate: then\r\n", "\r\n\r\nFrom: ceo@acme.test\r\nDate: then\r\n", NULL},
        {REAL REAL "Subject: another\r\n", "\r\n\r\n" REAL "Subject: another\r\n\r\n--", NULL},
        {"X-A: b\r\n folded\r\n", "X-A: b\r\n folded\r\n", NULL},
        {"Received: by x\r\nList-Id: <l>\r\nAuthentication-Results: mx; smime=pass\r\n", "Received: by x", NULL},
        {"Subject: gr\xc3\xbc\xc3\x9f\x65\r\n", "Subject: gr=C3=BC=C3=9Fe\r\n", "\xc3"},
    };
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *header = g_strconcat(TEXT, rows[i].header, NULL);
        g_autofree char *text = rig_encrypt(&rig->partner, OUTER, header, "line\r\n");
        AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
        const char *body = cut_header(&in);
        cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT, "row %zu", i);
        cr_expect_not_null(strstr(in.bytes, "\r\nSubject: [...]"), "row %zu: %s", i, in.bytes);
        cr_expect_null(strstr(in.bytes, "real"), "row %zu: %s", i, in.bytes);
        cr_expect_null(strstr(in.bytes, "ceo@"), "row %zu: %s", i, in.bytes);
        if (rows[i].shown == NULL) {
            cr_expect_str_eq(body, "line\r\n", "row %zu", i);
            continue;
        }
        cr_expect_not_null(strstr(in.bytes, "Content-Type: multipart/mixed; boundary="), "row %zu: %s", i, in.bytes);
        cr_expect_not_null(strstr(body, "Content-Type: text/rfc822-headers\r\nContent-Disposition: inline\r\n"));
        cr_expect_not_null(strstr(body, rows[i].shown), "row %zu: %s", i, body);
        cr_expect_not_null(strstr(body, "\r\n\r\nline\r\n\r\n--domsec-"), "row %zu: %s", i, body);
        cr_expect(rows[i].hidden == NULL || strstr(body, rows[i].hidden) == NULL, "row %zu: %s", i, body);
    }
}

/* Each layer's entity has a header of its own. */
Test(protected_headers, of_every_layer_that_comes_off)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    struct attack attack = {.signer = rig->acme.dsa,
                            .types = SIGNATURE_TYPE_DOMAIN,
                            .content = TEXT "Comments: innermost\r\n" REAL "\r\n" ATTACK_SECRET "\r\n"};
    g_autofree char *signature = attack_opaque(REAL, attack_sign(&attack));
    char *entity = strstr(signature, "\r\n\r\n");
    g_autofree char *header = g_strndup(signature, (gsize)(entity + 2 - signature));
    g_autofree char *text = rig_encrypt(&rig->partner, OUTER, header, entity + 4);
    AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
    g_autofree char *shape = rig_shape(&in);
    const char *body = cut_header(&in);
    cr_expect_str_eq(shape, "ED");
    cr_expect_not_null(strstr(body, "\r\n\r\n" REAL "Comments: innermost\r\n\r\n--"), "%s", body);
    cr_expect_not_null(strstr(body, "\r\n\r\n" ATTACK_SECRET "\r\n\r\n--domsec-"), "%s", body);
}

/* What stays opaque, or was not opened, has its fields inside. */
Test(protected_headers, no_part_where_nothing_comes_off)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    struct attack attack = {.signer = rig->acme.alice, .content = TEXT REAL "\r\n" ATTACK_SECRET "\r\n"};
    g_autofree char *text = attack_message(&attack);
    AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
    const char *body = cut_header(&in);
    cr_expect_str_eq(body, strstr(text, "\r\n\r\n") + 4);
    cr_expect_null(strstr(in.bytes, "real"), "%s", in.bytes);
}

/* 8-bit content and 8-bit fields: the label of the multipart says so. */
Test(protected_headers, eight_bit_where_the_transport_takes_it)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    g_autofree char *text = rig_encrypt(
        &rig->partner, OUTER, TEXT "Content-Transfer-Encoding: 8bit\r\nSubject: \xc3\xbc\r\n", "\xc3\xa4\r\n");
    struct envelope *envelope =
        rig_envelope(&(struct rig_envelope){.from = "alice@acme.test", .to = "bob@partner.test"});
    envelope->eight_bit = true;
    struct message *message = rig_message(&rig->partner, text, strlen(text));
    struct passage *passage = rig_take(rig->partner.gateway, DIRECTION_INBOUND, envelope, message, time(NULL));
    owned(rope) struct rope *rope = edits_apply(&passage->made.edits, message);
    g_autofree char *bytes = rope_flatten(rope, NULL);
    char *body = strstr(bytes, "\r\n\r\n");
    *body = '\0';
    cr_expect_not_null(strstr(bytes, "Content-Transfer-Encoding: 8bit"), "%s", bytes);
    cr_expect_not_null(strstr(body + 4, "Content-Transfer-Encoding: 8bit\r\n\r\nSubject: \xc3\xbc\r\n"), "%s",
                       body + 4);
    cr_expect_not_null(strstr(body + 4, "\r\n\r\n\xc3\xa4\r\n\r\n--"), "%s", body + 4);
    passage_free(passage);
    message_free(message);
    envelope_free(envelope);
}

/* RFC 3183 §5: what users encrypted to our own authority is signed, or encrypted again, with its fields. */
Test(protected_headers, stay_inside_on_the_way_out)
{
    static const char *const policies[] = {
        "outbound = { protect = \"sign\"; }; null_signature = false;",
        "outbound = { protect = \"sign+encrypt\"; }; format = \"opaque\";",
        "outbound = { protect = \"encrypt\"; };",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(policies); i++) {
        owned(rig) struct rig *rig = rig_new(policies[i], ATTACK_LAX);
        g_autofree char *text =
            rig_encrypt(&rig->acme, OUTER,
                        REAL "HP-Outer: Subject: [...]\r\nContent-Type: text/plain; hp=\"cipher\"\r\n", "line\r\n");
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        cr_expect_eq(rig_verdict(&out), VERDICT_ACCEPT, "%zu: %s", i, rig_reason(&out));
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        const struct examination *examination = in.result->mail.examination;
        const struct part *payload = examination_entity(examination, examination->whole);
        g_autofree char *header = g_strndup(payload->header.data, payload->header.len);
        cr_expect_str_eq(header, REAL "HP-Outer: Subject: [...]\r\nContent-Type: text/plain; hp=\"cipher\"\r\n", "%zu",
                         i);
        cut_header(&out);
        cr_expect_not_null(strstr(out.bytes, "Subject: [...]"), "%zu: %s", i, out.bytes);
        cr_expect_null(strstr(out.bytes, "real"), "%zu: %s", i, out.bytes);
    }
}

/* --- what is restored --- */

#define SENT "HP-Outer: Subject: [...]\r\n"
#define CIPHER "Content-Type: text/plain; hp=\"cipher\"; hp-legacy-display=\"1\"\r\n"
#define PARTIES "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\n"
#define TWICE "Subject: the real subject\r\n\r\n"
#define MARKS "subject_verified = \"[ok]\"; subject_unverified = \"[bad]\";"

/* An entity, signed (types 0: by alice herself, else by the domain), then encrypted for partner.test. g_free(). */
static char *protect(const struct rig *rig, const char *entity, unsigned types, const char *outer)
{
    struct attack attack = {.signer = types != 0 ? rig->acme.dsa : rig->acme.alice, .types = types, .content = entity};
    g_autofree char *signature = attack_opaque("", attack_sign(&attack));
    char *body = strstr(signature, "\r\n\r\n");
    g_autofree char *header = g_strndup(signature, (gsize)(body + 2 - signature));
    return rig_encrypt(&rig->partner, outer, header, body + 4);
}

Test(protected_headers, come_back_under_a_signature)
{
    static const struct {
        const char *policy, *entity;
        unsigned types;
        const char *outer;
        const char *subject; /* of what is delivered */
        const char *body;    /* it ends in */
        bool kept;           /* the header inside has a part of its own */
    } rows[] = {
        {ATTACK_LAX, CIPHER SENT PARTIES REAL "\r\n" TWICE "line\r\n", SIGNATURE_TYPE_DOMAIN, OUTER,
         " the real subject", "line\r\n", false},
        {"", CIPHER SENT "Subject: =?utf-8?q?gr=C3=BC?=\r\n\r\n" TWICE "line\r\n", SIGNATURE_TYPE_DOMAIN, OUTER,
         " =?utf-8?q?gr=C3=BC?=", "line\r\n", false},
        {"", TEXT SENT REAL "\r\n" TWICE "line\r\n", SIGNATURE_TYPE_DOMAIN, OUTER, " [...]", NULL, true},
        {"", CIPHER "HP-Outer: Subject: else\r\n" REAL "\r\n" TWICE "line\r\n", SIGNATURE_TYPE_DOMAIN, OUTER, " [...]",
         NULL, true},
        {"",
         "Content-Type: multipart/mixed; boundary=b; hp=\"cipher\"\r\n" SENT REAL "\r\n--b\r\n\r\nit does not end\r\n",
         SIGNATURE_TYPE_DOMAIN, OUTER, " [...]", NULL, true},
        {"", CIPHER SENT REAL REAL "\r\n" TWICE "line\r\n", SIGNATURE_TYPE_DOMAIN, OUTER, " [...]", NULL, true},
        {"inbound = { protected_headers = \"keep\"; };", CIPHER SENT REAL "\r\n" TWICE "line\r\n",
         SIGNATURE_TYPE_DOMAIN, OUTER, " [...]", NULL, true},
        {"inbound = { require = \"sign\"; signed_by = \"originator\"; otherwise = \"tag\"; };",
         CIPHER SENT REAL "\r\n" TWICE "line\r\n", SIGNATURE_TYPE_DOMAIN, OUTER, " [...]", NULL, true},
        {"", CIPHER SENT REAL "\r\n" TWICE "line\r\n", SIGNATURE_TYPE_REVIEW, OUTER, " [...]", NULL, true},
        /* the originator's signature stays, and with it the text */
        {"", CIPHER SENT PARTIES REAL "\r\n" TWICE "line\r\n", 0, OUTER, " the real subject", NULL, false},
        {"inbound = { originator_signatures = \"remove\"; };", CIPHER SENT PARTIES REAL "\r\n" TWICE "line\r\n", 0,
         OUTER, " the real subject", "line\r\n", false},
        /* marks are ours alone */
        {"inbound = { require = \"sign\"; " MARKS " };", CIPHER SENT REAL "\r\n" TWICE "line\r\n",
         SIGNATURE_TYPE_DOMAIN, OUTER, " [ok] the real subject", "line\r\n", false},
        {"inbound = { require = \"none\"; " MARKS " };",
         CIPHER SENT "Subject: [o=?us-ascii?q?k?=] [ok] a\r\n\r\n" TWICE "line\r\n", SIGNATURE_TYPE_DOMAIN, OUTER, NULL,
         "line\r\n", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_new("", rows[i].policy);
        g_autofree char *text = protect(rig, rows[i].entity, rows[i].types, rows[i].outer);
        AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
        const char *body = cut_header(&in);
        g_autofree char *line = passage_log_line(in.result);
        g_autofree char *field = g_strconcat("\r\nSubject:", rows[i].subject, "\r\n", NULL);
        cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT, "row %zu: %s", i, rig_reason(&in));
        cr_expect(rows[i].subject == NULL || strstr(in.bytes, field) != NULL, "row %zu: %s", i, in.bytes);
        cr_expect_null(strstr(in.bytes, "[ok] a"), "row %zu: %s", i, in.bytes);
        cr_expect(rows[i].body == NULL || strcmp(body, rows[i].body) == 0, "row %zu: %s", i, body);
        cr_expect_eq(strstr(body, "text/rfc822-headers") != NULL, rows[i].kept, "row %zu: %s", i, body);
        cr_expect_eq(strstr(line, " restored=\"Subject\"") == NULL, rows[i].kept, "row %zu: %s", i, line);
    }
}

/* A signature that stays holds afterwards. */
Test(protected_headers, the_text_under_a_signature_stays)
{
    static const char entity[] = CIPHER SENT PARTIES REAL "\r\n" TWICE "line\r\n";
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    struct attack attack = {.signer = rig->acme.alice, .content = entity, .flags = CMS_DETACHED};
    g_autofree char *signature = attack_clear("", entity, attack_sign(&attack));
    char *end = strstr(signature, "\r\n\r\n");
    g_autofree char *header = g_strndup(signature, (gsize)(end + 2 - signature));
    g_autofree char *text = rig_encrypt(&rig->partner, OUTER, header, end + 4);
    AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
    AUTO_SENT struct sent again = rig_inbound(rig, in.bytes, in.length);
    g_autofree char *shape = rig_shape(&again);
    const char *body = cut_header(&in);
    cr_expect_not_null(strstr(in.bytes, "\r\nSubject: the real subject\r\n"), "%s", in.bytes);
    cr_expect_not_null(strstr(body, entity), "%s", body);
    cr_expect_str_eq(shape, "S");
}

/* One layer is enough, and without one nothing is protected. */
Test(protected_headers, of_one_layer_or_none)
{
    static const char entity[] = CIPHER SENT PARTIES REAL "\r\n" TWICE "line\r\n";
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    struct attack attack = {.signer = rig->acme.dsa, .types = SIGNATURE_TYPE_DOMAIN, .content = entity};
    g_autofree char *alone = attack_opaque(OUTER, attack_sign(&attack));
    AUTO_SENT struct sent in = rig_inbound(rig, alone, strlen(alone));
    cr_expect_not_null(strstr(cut_header(&in), "line\r\n"));
    cr_expect_not_null(strstr(in.bytes, "\r\nSubject: the real subject\r\n"), "%s", in.bytes);

    g_autofree char *plain = g_strconcat(OUTER, entity, NULL);
    AUTO_SENT struct sent same = rig_inbound(rig, plain, strlen(plain));
    g_autofree char *line = passage_log_line(same.result);
    cr_expect_str_eq(cut_header(&same), TWICE "line\r\n");
    cr_expect_null(strstr(line, " restored="), "%s", line);
}

/* What claims to protect its fields, and does not: it is not signed or encrypted, or can be read in several ways. */
Test(protected_headers, no_claim_is_believed_without_protection)
{
    static const char *const entities[] = {
        CIPHER SENT "Date: then\r\nDate: now\r\n\r\nline\r\n",
        CIPHER "Content-Type: text/html\r\n" SENT "From: The Boss <boss@acme.test>\r\n\r\nline\r\n",
        CIPHER SENT "From: The Boss <boss@acme.test>\r\n\r\nline\r\n", /* under one signature, a claim that holds */
    };
    owned(rig) struct rig *rig = rig_new("", "inbound = { require = \"sign\"; otherwise = \"tag\"; };");
    for (size_t i = 0; i < G_N_ELEMENTS(entities); i++) {
        struct attack attack = {.signer = rig->acme.dsa, .types = SIGNATURE_TYPE_DOMAIN, .content = entities[i]};
        g_autofree char *text = i == 0 ? g_strconcat(PARTIES "MIME-Version: 1.0\r\n", entities[i], NULL)
                                       : attack_opaque(OUTER, attack_sign(&attack));
        AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
        g_autofree char *line = passage_log_line(in.result);
        cr_expect_eq(in.result->made.fields.restored_count, 0, "%zu: %s", i, line);
        cr_expect_eq(in.result->made.fields.difference_count, i == 2, "%zu: %s", i, line);
        cr_expect_eq(in.result->made.fields.settled, i == 2, "%zu", i);
    }
}

/* Where the rule leaves the encryption shut, whose content anyone may have changed. */
Test(protected_headers, nothing_of_what_stays_encrypted_is_shown)
{
    static const char entity[] = CIPHER SENT "From: The Boss <boss@acme.test>\r\n" REAL "\r\n" TWICE "line\r\n";
    static const char *const shapes[] = {"X", "DX", "X", "DX"};
    owned(rig) struct rig *rig =
        rig_new("", "inbound = { require = \"sign\"; otherwise = \"tag\"; malleable = \"refuse\"; };");
    for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++) {
        bool is_signed = i & 1, nested = i & 2;
        struct attack inside = {.signer = rig->partner.alice, .content = entity};
        g_autofree char *content = nested ? attack_opaque(CIPHER SENT REAL, attack_sign(&inside)) : g_strdup(entity);
        g_autofree char *shut = attack_opaque("", attack_envelop(EVP_aes_128_cbc(), rig->partner.dca, content, false));
        struct attack around = {.signer = rig->acme.dsa, .types = SIGNATURE_TYPE_DOMAIN, .content = shut};
        g_autofree char *text = is_signed ? attack_opaque(OUTER, attack_sign(&around)) : g_strconcat(OUTER, shut, NULL);
        AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
        g_autofree char *shape = rig_shape(&in), *line = passage_log_line(in.result);
        cr_expect_str_eq(shape, shapes[i], "%zu: %s", i, shape);
        cr_expect_not_null(strstr(in.bytes, "\r\nSubject: [...]\r\n"), "%zu: %s", i, in.bytes);
        cr_expect_null(strstr(in.bytes, "real"), "%zu: %s", i, in.bytes);
        cr_expect_null(strstr(line, "protected_"), "%zu: %s", i, line);
        cr_expect_null(strstr(line, "restored="), "%zu: %s", i, line);
        cr_expect_eq(in.result->made.fields.difference_count, 0, "%zu", i);
        cr_expect_eq(in.result->made.fields.restored_count, 0, "%zu", i);
    }
}

/* Whoever signs for himself speaks for himself only. */
Test(protected_headers, come_back_under_no_other_signature)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    struct attack attack = {.signer = rig->partner.alice, .content = CIPHER SENT REAL "\r\n" TWICE "line\r\n"};
    g_autofree char *text = attack_opaque(OUTER, attack_sign(&attack));
    AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
    cut_header(&in);
    cr_expect_not_null(strstr(in.bytes, "\r\nSubject: [...]\r\n"), "%s", in.bytes);
    g_autofree char *unsigned_text = rig_encrypt(&rig->partner, OUTER, CIPHER SENT REAL, TWICE "line\r\n");
    AUTO_SENT struct sent plain = rig_inbound(rig, unsigned_text, strlen(unsigned_text));
    const char *body = cut_header(&plain);
    cr_expect_not_null(strstr(plain.bytes, "\r\nSubject: [...]\r\n"), "%s", plain.bytes);
    cr_expect_not_null(strstr(body, "\r\n\r\n" REAL), "%s", body);
    cr_expect_not_null(strstr(body, "\r\n\r\n" TWICE "line\r\n"), "%s", body);
}

/* A protected author is never promoted, but what differs is told to the administrator. */
Test(protected_headers, a_difference_is_reported)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    g_autofree char *text = protect(
        rig,
        CIPHER SENT "From: The Boss <boss@acme.test>\r\nDate: Sat, 1 Jan 2000 00:00:00 +0000\r\n" REAL "\r\nline\r\n",
        SIGNATURE_TYPE_DOMAIN, OUTER);
    AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
    g_autofree char *line = passage_log_line(in.result);
    g_autofree char *report = passage_report(in.result);
    const char *body = cut_header(&in);
    cr_expect_not_null(strstr(line, "protected_policy=\"From: The Boss <boss@acme.test> (protected), Alice "
                                    "<alice@acme.test> (received); Date: Sat, 1 Jan 2000 00:00:00 +0000 (protected), "
                                    "not one field (received)\""),
                       "%s", line);
    cr_expect_not_null(strstr(report, "\"protected\": \"The Boss <boss@acme.test>\""), "%s", report);
    cr_expect_not_null(strstr(report, "\"received\": \"Alice <alice@acme.test>\""), "%s", report);
    cr_expect_null(strstr(in.bytes, "boss@"), "%s", in.bytes);
    cr_expect_not_null(strstr(body, "\r\n\r\nFrom: The Boss <boss@acme.test>\r\n"), "%s", body);
}

/* --- as other software writes them --- */

#define FIELDS                                                                                                         \
    "Subject: the real subject\r\nMessage-ID: <1@acme.test>\r\nFrom: Alice <alice@acme.test>\r\n"                      \
    "To: bob@partner.test\r\nDate: Sat, 20 Feb 2021 10:18:02 -0500\r\nUser-Agent: Sample MUA Version 1.0\r\n"
#define OUTER_FIELDS                                                                                                   \
    "HP-Outer: Subject: [...]\r\nHP-Outer: Message-ID: <1@acme.test>\r\n"                                              \
    "HP-Outer: From: Alice <alice@acme.test>\r\nHP-Outer: To: bob@partner.test\r\n"                                    \
    "HP-Outer: Date: Sat, 20 Feb 2021 10:18:02 -0500\r\nHP-Outer: User-Agent: Sample MUA Version 1.0\r\n"
#define FOREIGN_TOP(subject)                                                                                           \
    "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\nSubject: " subject "\r\nMessage-ID: <1@acme.test>\r\n"   \
    "Date: Sat, 20 Feb 2021 10:18:02 -0500\r\nUser-Agent: Sample MUA Version 1.0\r\nMIME-Version: 1.0\r\n"
#define TWO_FORMS                                                                                                      \
    "--b\r\nContent-Type: text/plain; charset=\"us-ascii\"; hp-legacy-display=\"1\"\r\n\r\n"                           \
    "Subject: the real subject\r\n\r\nline\r\n--b\r\n"                                                                 \
    "Content-Type: text/html; charset=\"us-ascii\"; hp-legacy-display=\"1\"\r\n\r\n"                                   \
    "<html><head><title></title></head><body>\r\n<div class=\"header-protection-legacy-display\">\r\n"                 \
    "<pre>Subject: the real subject</pre></div>\r\n<p>line</p></body></html>\r\n--b--\r\n"

static const struct {
    const char *form; /* and where it is from */
    const char *outer, *entity;
    bool encrypted;
    const char *subject; /* of what is delivered, where the domain has signed it */
    bool kept;           /* fields stand in a part */
} others[] = {
    {"RFC 9788 appendix C, signed, not encrypted", FOREIGN_TOP("the real subject"),
     "MIME-Version: 1.0\r\nContent-Transfer-Encoding: 7bit\r\n" FIELDS
     "Content-Type: text/plain; charset=\"us-ascii\"; hp=\"clear\"\r\n\r\nline\r\n",
     false, "the real subject", false},
    {"RFC 9788 appendix C, baseline", FOREIGN_TOP("[...]"),
     "MIME-Version: 1.0\r\nContent-Transfer-Encoding: 7bit\r\n" FIELDS OUTER_FIELDS
     "Content-Type: text/plain; charset=\"us-ascii\"; hp=\"cipher\"\r\n\r\nline\r\n",
     true, "the real subject", false},
    {"RFC 9788 appendix C, baseline, legacy display", FOREIGN_TOP("[...]"),
     "MIME-Version: 1.0\r\nContent-Transfer-Encoding: 7bit\r\n" FIELDS OUTER_FIELDS
     "Content-Type: text/plain; charset=\"us-ascii\"; hp-legacy-display=\"1\";\r\n hp=\"cipher\"\r\n\r\n"
     "Subject: the real subject\r\n\r\nline\r\n",
     true, "the real subject", false},
    {"RFC 9788 appendix C, complex", FOREIGN_TOP("[...]"),
     "MIME-Version: 1.0\r\n" FIELDS OUTER_FIELDS
     "Content-Type: multipart/alternative; boundary=\"b\"; hp=\"cipher\"\r\n\r\n" TWO_FORMS,
     true, "the real subject", false},
    {"draft-autocrypt-lamps-protected-headers (Enigmail, K-9, mutt): no hp=", FOREIGN_TOP("..."),
     "Content-Type: multipart/mixed; boundary=\"b\";\r\n protected-headers=\"v1\"\r\n" FIELDS
     "\r\n--b\r\nContent-Type: text/plain\r\n\r\nline\r\n--b--\r\n",
     true, "...", true},
    {"the same with its legacy part (corpora/lamps, smime-enc+legacy-disp.eml)", FOREIGN_TOP("..."),
     "Content-Type: multipart/mixed; boundary=\"b\"; protected-headers=\"v1\"\r\n" FIELDS
     "\r\n--b\r\nContent-Type: text/plain; protected-headers=\"v1\"\r\nContent-Disposition: inline\r\n\r\n"
     "Subject: the real subject\r\n--b\r\nContent-Type: text/plain\r\n\r\nline\r\n--b--\r\n",
     true, "...", true},
    {"RFC 8551 section 3.1: a whole message as message/rfc822", FOREIGN_TOP("[...]"),
     "Content-Type: message/rfc822; forwarded=no\r\n\r\n" FIELDS "Content-Type: text/plain\r\n\r\nline\r\n", true,
     "[...]", false},
    {"a whole message without message/rfc822", FOREIGN_TOP("[...]"),
     FIELDS "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nline\r\n", true, "[...]", true},
};

Test(protected_headers, of_other_software)
{
    owned(rig) struct rig *rig = rig_new("", "inbound = { require = \"sign\"; };");
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        struct attack attack = {.signer = rig->acme.dsa, .types = SIGNATURE_TYPE_DOMAIN, .content = others[i].entity};
        g_autofree char *text = others[i].encrypted
                                    ? protect(rig, others[i].entity, SIGNATURE_TYPE_DOMAIN, others[i].outer)
                                    : attack_opaque(others[i].outer, attack_sign(&attack));
        AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
        const char *body = cut_header(&in);
        g_autofree char *field = g_strconcat("\r\nSubject: ", others[i].subject, "\r\n", NULL);
        g_autofree char *line = passage_log_line(in.result);
        cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT, "%s: %s", others[i].form, rig_reason(&in));
        cr_expect_not_null(strstr(in.bytes, field), "%s: %s", others[i].form, in.bytes);
        cr_expect_eq(strstr(body, "text/rfc822-headers") != NULL, others[i].kept, "%s: %s", others[i].form, body);
        cr_expect(strstr(in.bytes, "the real subject") != NULL || strstr(body, "the real subject") != NULL, "%s",
                  others[i].form);
        cr_expect_not_null(strstr(body, "line"), "%s: %s", others[i].form, body);
        cr_expect_null(strstr(line, "protected_policy"), "%s: %s", others[i].form, line);
        if (strcmp(others[i].subject, "the real subject") == 0)
            cr_expect_null(strstr(body, "real"), "%s: %s", others[i].form, body);
    }
}
