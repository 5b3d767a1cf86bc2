/* SPDX-License-Identifier: Apache-2.0 */
/* What a message that arrives becomes: its fields, what is said of what was taken off, and what cannot be delivered. */
#include "gateway/internal.h"

#include "support/attack.h"

#define MARKS "subject_verified = \"[ok]\"; subject_unverified = \"[?]\"; "
#define TEXT "Content-Type: text/plain\r\n\r\n"
#define LINE "==================================================" /* three times as long in quoted-printable */

#define BLANK "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"

/* --- layers --- */

static char *with_wrong_padding(const struct rig *rig, const char *content)
{
    g_autofree char *longer = g_strconcat(content, LINE "\r\n", NULL);
    GByteArray *der = attack_envelop_der(EVP_aes_128_cbc(), rig->partner.dca, longer, false);
    der->data[der->len - 17] ^= 0x80;
    char *entity = attack_opaque_der("", der->data, der->len);
    g_byte_array_unref(der);
    return entity;
}

/* S: signed by alice; D: by the domain; O: with the domain's certificate, and it does not say for whom; E: encrypted by
 * AES-GCM; C: by AES-CBC; W: with a wrong padding behind a line more; Z: compressed; T: signed by the domain in
 * clear. g_free(). */
static char *put_on(const struct rig *rig, char layer, const char *content)
{
    struct attack attack = {.signer = layer == 'S' ? rig->acme.alice : rig->acme.dsa,
                            .types = layer == 'D' ? SIGNATURE_TYPE_DOMAIN : 0,
                            .content = content};
    switch (layer) {
    case 'E':
        return attack_opaque("", attack_envelop(EVP_aes_128_gcm(), rig->partner.dca, content, false));
    case 'C':
        return attack_opaque("", attack_envelop(EVP_aes_128_cbc(), rig->partner.dca, content, false));
    case 'T':
        attack.types = SIGNATURE_TYPE_DOMAIN;
        attack.flags = CMS_DETACHED;
        return attack_clear("", content, attack_sign(&attack));
    case 'W':
        return with_wrong_padding(rig, content);
    case 'Z':
        return attack_compress(content, strlen(content));
    default:
        return attack_opaque("", attack_sign(&attack));
    }
}

/* A message with these layers, the outermost first; g_free(). */
static char *wrapped(const struct rig *rig, const char *top, const char *layers, const char *content)
{
    char *entity = g_strdup(content);
    for (size_t i = strlen(layers); i > 0; i--) {
        g_autofree char *inside = entity;
        entity = put_on(rig, layers[i - 1], inside);
    }
    char *text = g_strconcat(top, entity, NULL);
    g_free(entity);
    return text;
}

static struct sent take(const struct rig *rig, const char *layers, const char *content)
{
    g_autofree char *text = wrapped(rig, ATTACK_TOP, layers, content);
    return attack_in(rig, text);
}

/* --- the message's own fields --- */

/* Nothing was protected, and nothing was required: as it came, also for a Subject that readers may read in several
 * ways, and that of our own users, which no stranger has written. */
Test(deliver, untouched)
{
    static const struct {
        const char *policy, *subject;
        bool internal;
    } rows[] = {
        {"inbound = { require = \"none\"; };", "caf\xe9 =?utf-8?q?x \x01", false},
        {"inbound = { require = \"none\"; };", "caf\xe9 =?utf-8?q?x \x01", true},
        {"inbound = { require = \"sign\"; otherwise = \"tag\"; " MARKS "};", "[ok] x", true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_new("", rows[i].policy);
        const struct rig_envelope internal = {"bob@partner.test", "carol@partner.test", NULL, "bob", "192.0.2.1"};
        g_autofree char *text =
            g_strdup_printf("From: %s\r\nSubject: %s\r\n\r\nx\r\n",
                            rows[i].internal ? "bob@partner.test" : "alice@acme.test", rows[i].subject);
        AUTO_SENT struct sent in = rows[i].internal
                                       ? rig_pass(&rig->partner, DIRECTION_INBOUND, &internal, text, strlen(text))
                                       : attack_in(rig, text);
        cr_expect_eq(in.result->plan.internal, rows[i].internal, "row %zu", i);
        cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT, "row %zu: %s", i, rig_reason(&in));
        cr_expect_str_eq(in.bytes, text, "row %zu", i);
    }
}

/* Also where a policy in test mode does nothing else: others believe what they find there. */
Test(deliver, what_outsiders_forged_is_removed)
{
    static const char *const modes[] = {"", "mode = \"test\";\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        g_autofree char *policy =
            g_strconcat(modes[i], "inbound = { require = \"sign\"; otherwise = \"tag\"; " MARKS "};", NULL);
        owned(rig) struct rig *rig = rig_new("", policy);
        AUTO_SENT struct sent in =
            attack_in(rig, "Authentication-Results: gw.partner.test; smime=pass\r\nFrom: alice@acme.test\r\n"
                           "Authentication-Results: gw.partner.test; smime=pass\r\nSubject: [ok] [?] x\r\n"
                           "Domsec-Split: yes\r\nX-Odd: a\r\n \r\n b\r\n\r\nx\r\n");
        const struct edits *edits = &in.result->made.edits;
        unsigned last = 2;
        cr_expect_eq(in.result->plan.is_test, i == 1);
        cr_expect_null(strstr(in.bytes, "smime=pass"), "%zu: %s", i, in.bytes);
        cr_expect_not_null(strstr(in.bytes, i == 0 ? "\r\nSubject: [?] x\r\n" : "\r\nSubject: x\r\n"), "%zu: %s", i,
                           in.bytes);
        cr_expect_null(strstr(in.bytes, "Domsec-Split"), "%zu: %s", i, in.bytes);
        cr_expect_null(strstr(in.bytes, "\r\n \r\n"), "%zu: %s", i, in.bytes);
        for (size_t j = 0; j < edits->count; j++)
            if (edits->list[j].kind == EDIT_DELETE && strcmp(edits->list[j].name, "Authentication-Results") == 0)
                cr_expect_eq(edits->list[j].index, last--, "%zu: the highest first", i);
        cr_expect_eq(last, 0);
    }
}

Test(deliver, a_mark_makes_a_subject)
{
    owned(rig) struct rig *rig = rig_new("", "inbound = { require = \"sign\"; otherwise = \"tag\"; " MARKS "};");
    AUTO_SENT struct sent in = attack_in(rig, "From: alice@acme.test\r\n\r\nx\r\n");
    cr_expect_not_null(strstr(in.bytes, "\r\nSubject: [?]\r\n"), "%s", in.bytes);
}

/* --- what is said of what was taken off --- */

static const struct {
    const char *layers;
    size_t removed;
    bool is_said; /* that a signature of the originator's passed */
} taken_off[] = {
    {"S", 1, true},   {"D", 1, false},  {"E", 1, false},   {"DS", 2, true}, {"ES", 2, true},
    {"SE", 2, false}, {"SES", 3, true}, {"SED", 3, false}, {"SZ", 2, true}, {"DZ", 2, false},
};

Test(deliver, originators_signatures_that_were_taken_off_are_said)
{
    owned(rig) struct rig *rig = rig_new("", "inbound = { require = \"none\"; originator_signatures = \"remove\"; };");
    for (size_t i = 0; i < G_N_ELEMENTS(taken_off); i++) {
        AUTO_SENT struct sent in = take(rig, taken_off[i].layers, ATTACK_ENTITY);
        const char *note = in.result->made.note;
        cr_expect_eq(in.result->made.removed, taken_off[i].removed, "%s: %zu", taken_off[i].layers,
                     in.result->made.removed);
        cr_expect_eq(
            g_strcmp0(note, taken_off[i].is_said ? "the originator's signature passed and was taken off" : NULL), 0,
            "%s: %s", taken_off[i].layers, note);
    }
}

/* --- protected fields --- */

/* A text repeats a field that is not there: it is left, since nothing else would show it. */
Test(deliver, fields_that_are_restored)
{
    static const struct {
        const char *fields, *shown, *hidden; /* NULL: nothing in particular */
    } rows[] = {
        {"Keywords: inner\r\n", "\r\nKeywords: inner\r\n", NULL},
        {"", "\r\n\r\nSubject: inner\r\n\r\nline\r\n", NULL},
        {"HP-Outer: Subject: s\r\nSubject: inner\r\n", "\r\nSubject: inner\r\n", "\r\n\r\nSubject: inner"},
    };
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *content = g_strconcat("Content-Type: text/plain; hp=\"cipher\"; hp-legacy-display=\"1\"\r\n",
                                               rows[i].fields, "\r\nSubject: inner\r\n\r\nline\r\n", NULL);
        AUTO_SENT struct sent in = take(rig, "ED", content);
        cr_expect_not_null(strstr(in.bytes, rows[i].shown), "row %zu: %s", i, in.bytes);
        if (rows[i].hidden != NULL)
            cr_expect_null(strstr(in.bytes, rows[i].hidden), "row %zu: %s", i, in.bytes);
    }
}

/* Longer than a packet. With a line of blanks it has to be changed whenever anything is. */
static char *long_field(bool plain)
{
    GString *field = g_string_new("Content-Description: x\r\n");
    g_string_append(field, plain ? "" : " \r\n");
    for (unsigned i = 0; i < 7000; i++)
        g_string_append(field, " 123456789\r\n");
    return g_string_free(field, FALSE);
}

/* A message that is delivered as it came stays as a whole so. */
Test(deliver, nothing_is_restored_of_what_is_left_shut)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    g_autofree char *field = long_field("Content-Description");
    g_autofree char *content = g_strconcat("Content-Type: text/plain; hp=\"cipher\"\r\n"
                                           "HP-Outer: Subject: s\r\nSubject: inner\r\n",
                                           field, "\r\nline\r\n", NULL);
    AUTO_SENT struct sent in = take(rig, "ED", content);
    cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT, "%s", rig_reason(&in));
    cr_expect_eq(in.result->made.removed, 0);
    cr_expect_not_null(strstr(in.bytes, "\r\nSubject: s\r\n"));
    cr_expect_null(strstr(in.bytes, "inner"));
}

/* --- what could have come out --- */

/* Each ending has to be made, the right one and the others: if one cannot be, none is delivered. */
Test(deliver, an_ending_that_cannot_be_made)
{
    static const char *const layers[] = {"C", "DC"};
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    g_autofree char *outside = long_field(false), *inside = long_field(true);
    g_autofree char *top = g_strconcat(ATTACK_TOP, outside, NULL);
    g_autofree char *content = g_strconcat(inside, ATTACK_ENTITY, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(layers); i++) {
        g_autofree char *text = wrapped(rig, top, layers[i], i == 0 ? ATTACK_ENTITY : content);
        AUTO_SENT struct sent in = attack_in(rig, text);
        cr_expect_eq(in.result->plan.removable, strlen(layers[i]));
        cr_expect_eq(rig_verdict(&in), VERDICT_REJECT, "%s: %s", layers[i], rig_reason(&in));
        cr_expect_eq(in.result->reply.kind, REPLY_SIZE, "%s", layers[i]);
        cr_expect_eq(in.result->made.removed, 0, "%s", layers[i]);
        cr_expect_null(in.result->made.note, "%s", layers[i]);
        cr_expect_str_eq(in.bytes, text, "%s", layers[i]);
    }
}

/* Where nothing inside is seen that says so, a signature may be the domain's by agreement, and comes off. */
Test(deliver, an_ending_that_was_not_foreseen)
{
    owned(rig) struct rig *rig =
        rig_new("", "naming = \"address\"; gateway_addresses = ( \"domain-signing-authority@acme.test\" ); inbound = { "
                    "require = \"none\"; without_signature_type = \"domain\"; };");
    AUTO_SENT struct sent in = take(rig, "OWT", ATTACK_ENTITY);
    cr_expect_eq(in.result->plan.removable, 1);
    cr_assert_eq(in.result->plan.ending_count, 2);
    cr_expect_eq(in.result->plan.endings[0], 0);
    cr_expect_eq(in.result->made.removed, 1);
    cr_expect(g_str_has_prefix(strstr(in.bytes, "Content-Type:"), "Content-Type: application/pkcs7-mime"));
    cr_expect_null(strstr(in.bytes, ATTACK_SECRET));
}

/* Of the layers that stay, all fields are the same. */
Test(deliver, edits_and_packets_of_the_largest_ending)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    AUTO_SENT struct sent same = take(rig, "DCS", ATTACK_ENTITY);
    cr_expect_eq(same.result->plan.ending_count, 2);
    cr_expect_eq(same.result->made.removed, 2);
    cr_expect_eq(same.result->made.edits.count, 1, "Authentication-Results");

    g_autofree char *lines = g_strnfill(40000, '\n');
    g_autofree char *content = g_strconcat(TEXT, lines, NULL);
    AUTO_SENT struct sent outside = take(rig, "DC", content);
    cr_expect_eq(outside.result->made.removed, 2);
    cr_expect_eq(outside.result->made.edits.body_chunks, 2, "%zu", outside.result->made.edits.body_chunks);
}

/* As it came, with blank lines up to a packet of the milter protocol, or one octet more. */
Test(deliver, a_packet_that_is_full)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    g_autofree char *text = wrapped(rig, ATTACK_TOP, "C", ATTACK_ENTITY);
    size_t length = strlen(strstr(text, "\r\n\r\n") + 4);
    for (size_t more = 0; more < 2; more++) {
        g_autofree char *blanks = g_strnfill(EDIT_CHUNK + more - length - 2, ' ');
        g_autofree char *filled = g_strconcat(text, blanks, "\r\n", NULL);
        AUTO_SENT struct sent in = attack_in(rig, filled);
        cr_expect_eq(in.result->made.removed, 1);
        cr_expect_eq(in.result->made.edits.body_chunks, 1 + more, "%zu", more);
    }
}

/* Small as it is decrypted, and too large once recoded. Without its last line, one that ends in LF alone is no reason
 * to recode the rest. */
static const struct {
    char cipher;
    const char *last;
    enum verdict verdict;
} in_vain[] = {
    {'E', LINE "\r\n", VERDICT_ACCEPT},         {'C', LINE "\r\n", VERDICT_TEMPFAIL},
    {'E', LINE "\r\n\r\n\r\n", VERDICT_ACCEPT}, {'C', LINE "\r\n\r\n\r\n", VERDICT_TEMPFAIL},
    {'E', LINE "\n", VERDICT_ACCEPT},           {'C', LINE "\n", VERDICT_ACCEPT},
};

Test(deliver, what_is_made_in_vain)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    for (size_t i = 0; i < G_N_ELEMENTS(in_vain); i++) {
        g_autoptr(GString) content = g_string_new(TEXT);
        for (unsigned j = 0; j < 200; j++)
            g_string_append(content, LINE "\r\n");
        g_string_append(content, in_vain[i].last);
        g_autofree char *text = wrapped(rig, ATTACK_TOP, (char[]){in_vain[i].cipher, '\0'}, content->str);
        struct limits *limits = (struct limits *)&gateway_conf(rig->partner.gateway)->limits, usual = *limits;
        limits->memory = 17000;
        limits->spool_dir = (char *)"/nonexistent";
        AUTO_SENT struct sent in = attack_in(rig, text);
        *limits = usual;
        bool good = in_vain[i].verdict == VERDICT_ACCEPT;
        cr_expect_eq(rig_verdict(&in), in_vain[i].verdict, "row %zu: %s", i, rig_reason(&in));
        cr_expect_eq(in.result->made.removed, good, "row %zu", i);
        if (good)
            continue;
        cr_expect_eq(in.result->reply.kind, REPLY_FAILURE, "row %zu", i);
        cr_expect_str_eq(in.bytes, text, "row %zu", i);
    }
}

/* Too short for a garbled end, of blank lines, of one that does not end, and of parts up to the very end. */
Test(deliver, ends_of_any_kind)
{
    g_autofree char *line = g_strnfill(100, 'x');
    g_autofree char *open_line = g_strconcat(TEXT, line, NULL);
    g_autofree char *parts = g_strconcat("Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\n", line, NULL);
    const char *const contents[] = {TEXT,      TEXT "x", TEXT "\r\n", TEXT "x\n", TEXT BLANK BLANK BLANK BLANK BLANK,
                                    open_line, parts};
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    for (size_t i = 0; i < G_N_ELEMENTS(contents); i++) {
        AUTO_SENT struct sent in = take(rig, "C", contents[i]);
        cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT, "%zu: %s", i, rig_reason(&in));
        cr_expect_eq(in.result->made.removed, 1, "%zu", i);
        cr_expect_eq(strstr(in.bytes, "xxxx") != NULL, i >= 5, "%zu: %s", i, in.bytes);
    }
}
