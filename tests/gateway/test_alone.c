/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An encrypted part that is alone in a multipart/mixed, as mail servers make it that put one around each message: what
 * arrives is opened as the whole. Nothing is beside it that its content could be mixed with (EFAIL). A user who
 * forwards what is encrypted to us sends it as it is.
 */
#include "support/attack.h"

#include <string.h>

#define AROUND "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#define ENVELOPED "application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m"
#define ENTITY_END "Content-Type: text/plain\r\n\r\n" ATTACK_SECRET "\r\n"

static char *base64_part(const char *type, CMS_ContentInfo *made)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = made;
    g_autoptr(GByteArray) der = attack_der(cms);
    g_autofree char *base64 = attack_base64(der->data, der->len);
    return g_strconcat("Content-Type: ", type, "\r\nContent-Transfer-Encoding: base64\r\n\r\n", base64, NULL);
}

static char *around(const char *before, const char *part, const char *behind)
{
    return g_strconcat(ATTACK_TOP AROUND, before, "--b\r\n", part, "\r\n--b--\r\n", behind, NULL);
}

static CMS_ContentInfo *secret_to(const struct pki *to)
{
    return attack_envelop(EVP_aes_256_gcm(), to, ATTACK_ENTITY, false);
}

Test(alone, an_encrypted_part_is_the_whole_message)
{
    static const struct {
        const char *before, *behind;
        bool opens;
    } rows[] = {
        {"", "", true},
        {"\r\n", "\r\n \r\n", true},
        {"This is a message in MIME format.\r\n", "", false},
        {"", "A banner.\r\n", false},
        {"--b\r\n\r\n\r\n", "", false},
        {"", "--b--x\r\n", false},
    };
    owned(rig) struct rig *rig = rig_new("", "inbound = { require = \"encrypt\"; };");
    g_autofree char *part = base64_part(ENVELOPED, secret_to(rig->partner.dca));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = around(rows[i].before, part, rows[i].behind);
        AUTO_SENT struct sent in = attack_in(rig, text);
        cr_expect_eq(rig_verdict(&in), rows[i].opens ? VERDICT_ACCEPT : VERDICT_REJECT, "row %zu", i);
        cr_expect_eq(in.result->made.removed, rows[i].opens ? 1u : 0u, "row %zu", i);
        cr_expect_eq(g_str_has_suffix(in.bytes, ENTITY_END), rows[i].opens, "row %zu: %s", i, in.bytes);
        cr_expect_eq(strstr(in.bytes, "multipart/mixed") == NULL, rows[i].opens, "row %zu: %s", i, in.bytes);
    }
}

Test(alone, the_content_says_that_it_is_encrypted)
{
    const char *const types[] = {"application/x-pkcs7-mime; name=smime.p7m", "application/octet-stream; name=smime.p7m",
                                 "application/pkcs7-mime; smime-type=signed-data"};
    owned(rig) struct rig *rig = rig_new("", "inbound = { require = \"encrypt\"; };");
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        g_autofree char *part = base64_part(types[i], secret_to(rig->partner.dca));
        g_autofree char *text = around("", part, "");
        AUTO_SENT struct sent in = attack_in(rig, text);
        cr_expect(g_str_has_suffix(in.bytes, ENTITY_END), "%s: %s", types[i], in.bytes);
    }
}

Test(alone, what_is_signed_inside_counts_for_the_whole)
{
    owned(rig) struct rig *rig = rig_new("", "inbound = { require = \"sign+encrypt\"; };");
    g_autofree char *inside = attack_opaque("", attack_sign(&(struct attack){.signer = rig->acme.alice}));
    g_autofree char *part = base64_part(ENVELOPED, attack_envelop(EVP_aes_256_gcm(), rig->partner.dca, inside, false));
    g_autofree char *text = around("", part, "");
    AUTO_SENT struct sent in = attack_in(rig, text);
    attack_expect_believed(&in, false, "signed and encrypted");
}

/* What may be a document, or an attachment that a user forwards. */
Test(alone, others_stay_a_part_among_others)
{
    owned(rig) struct rig *rig = rig_new("", "");
    const struct {
        const char *what, *type;
        bool encrypted;
    } rows[] = {
        {"signed", "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m", false},
        {"a document", "application/octet-stream; name=contract.pdf.p7m", false},
        {"signed, and says that it is encrypted", ENVELOPED, false},
        {"an encrypted document", "application/pkcs7-mime; smime-type=enveloped-data; name=contract.pdf.p7m", true},
        {"another type", "application/octet-stream; smime-type=enveloped-data; name=x.bin", true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        CMS_ContentInfo *cms =
            rows[i].encrypted ? secret_to(rig->partner.dca) : attack_sign(&(struct attack){.signer = rig->acme.alice});
        g_autofree char *part = base64_part(rows[i].type, cms);
        g_autofree char *text = around("", part, "");
        AUTO_SENT struct sent in = attack_in(rig, text);
        cr_expect_eq(in.result->made.removed, 0u, "%s", rows[i].what);
        cr_expect_neq(in.result->plan.judgement.originator.outcome, OUTCOME_PASS, "%s", rows[i].what);
        cr_expect_not_null(strstr(in.bytes, AROUND), "%s", rows[i].what);
    }
}

/* As it is without the multipart: mallory can send on what alice wrote, but not as anybody's. */
Test(alone, authenticates_nobody_else)
{
    owned(rig) struct rig *rig = rig_new("", "inbound = { require = \"sign\"; };");
    g_autofree char *inside = attack_opaque("", attack_sign(&(struct attack){.signer = rig->acme.alice}));
    g_autofree char *part = base64_part(ENVELOPED, attack_envelop(EVP_aes_256_gcm(), rig->partner.dca, inside, false));
    g_autofree char *text =
        g_strconcat("From: mallory@acme.test\r\n" ATTACK_FIELDS AROUND "--b\r\n", part, "\r\n--b--\r\n", NULL);
    AUTO_SENT struct sent in = attack_in(rig, text);
    attack_expect_refused(&in, "alice's, sent on by mallory");
}

Test(alone, what_leaves_is_not_opened)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"none\"; };", "");
    g_autofree char *part = base64_part(ENVELOPED, secret_to(rig->acme.dca));
    g_autofree char *text = around("", part, "");
    AUTO_SENT struct sent out = rig_outbound(rig, text);
    cr_expect_eq(rig_verdict(&out), VERDICT_ACCEPT, "%s", rig_reason(&out));
    cr_expect_str_eq(out.bytes, text);
}

/* A right padding shows a part among others. A wrong one shows the same, even without noise: of the end, which is
 * blank, a block was cut off. */
Test(alone, inside_encryption_it_is_a_part_whatever_the_padding)
{
    owned(rig) struct rig *rig = rig_new("", "");
    g_autofree char *part = base64_part(ENVELOPED, secret_to(rig->partner.dca)), *blank = g_strnfill(64, ' ');
    g_autofree char *inside = g_strconcat(AROUND "--b\r\n", part, "\r\n--b--\r\n", blank, NULL);
    for (unsigned i = 0; i < 2; i++) {
        bool is_cut = i & 1;
        CMS_ContentInfo *cms = attack_envelop(EVP_aes_256_cbc(), rig->partner.dca, inside, false);
        ASN1_OCTET_STRING *octets = *CMS_get0_content(cms);
        int length = ASN1_STRING_length(octets);
        g_autofree unsigned char *data = g_memdup2(ASN1_STRING_get0_data(octets), (gsize)length);
        cr_assert(ASN1_STRING_set(octets, data, length - (is_cut ? 16 : 0)));
        g_autofree char *text = attack_opaque(ATTACK_TOP, cms);
        AUTO_SENT struct sent in = attack_in(rig, text);
        const struct examination *all = in.result->mail.examination, *shown = is_cut ? all->vain : all;
        cr_assert_eq(all->layers[0].opened, is_cut ? OPENED_BROKEN : OPENED, "%s", all->layers[0].error.text);
        cr_assert(shown != NULL && shown->count == (is_cut ? 1 : 2));
        cr_expect(shown->layers[shown->count - 1].partial, "%u", i);
        cr_expect_eq(shown->whole, is_cut ? 0 : 1, "%u", i);
    }
}

/* --- forms --- */

#define MULTI(type) "Content-Type: multipart/" type "; boundary=o\r\n\r\n"
#define TYPE(type) "Content-Type: " type "\r\nContent-Transfer-Encoding: base64\r\n"

/* The base64 of what the partner's gateway can open and of other objects, with its line ends; g_free(). */
enum object { ENVELOPED_DATA, AUTHENVELOPED, FOR_ANOTHER, SIGNED, COMPRESSED, GARBAGE };

static char *object(const struct rig *rig, enum object which)
{
    if (which == GARBAGE)
        return g_strdup("Z2FyYmFnZQ==\r\n");
    struct attack attack = {.signer = rig->acme.dsa, .types = SIGNATURE_TYPE_DOMAIN};
    g_autofree char *signature = attack_opaque("", attack_sign(&attack)), *all = NULL;
    if (which == ENVELOPED_DATA || which == AUTHENVELOPED)
        all = attack_opaque("", attack_envelop(which == ENVELOPED_DATA ? EVP_aes_256_cbc() : EVP_aes_256_gcm(),
                                               rig->partner.dca, signature, false));
    else if (which == FOR_ANOTHER)
        all = attack_opaque("", attack_envelop(EVP_aes_256_gcm(), rig->acme.alice, signature, false));
    else
        all = which == COMPRESSED ? attack_compress(signature, strlen(signature)) : g_strdup(signature);
    return g_strdup(strstr(all, "\r\n\r\n") + 4);
}

static const struct row {
    const char *format; /* with one %s for the object */
    enum object object;
    bool whole; /* a layer around the whole message */
} rows[] = {
    {MULTI("mixed") "--o\r\n" TYPE(
         "application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m") "\r\n%s--o--\r\n",
     ENVELOPED_DATA, true},
    {MULTI("mixed") "--o\r\n" TYPE("application/pkcs7-mime") "\r\n%s--o--\r\n", AUTHENVELOPED, true},
    {MULTI("mixed") "\r\n--o\r\n" TYPE(
         "application/x-pkcs7-mime; name=\"smime.p7m\"") "Content-Disposition: attachment; "
                                                         "filename=\"smime.p7m\"\r\n\r\n%s\r\n--o--\r\n\r\n \r\n",
     AUTHENVELOPED, true},
    {MULTI("mixed") "--o\r\n" TYPE("application/pkcs7-mime") "\r\n%s--o--\r\n", FOR_ANOTHER, true},

    {MULTI("mixed") "read this\r\n--o\r\n" TYPE("application/pkcs7-mime") "\r\n%s--o--\r\n", AUTHENVELOPED, false},
    {MULTI("mixed") "--o\r\n" TYPE("application/pkcs7-mime") "\r\n%s--o--\r\nread this\r\n", AUTHENVELOPED, false},
    {MULTI("mixed") "--o\r\n\r\n\r\n--o\r\n" TYPE("application/pkcs7-mime") "\r\n%s--o--\r\n", AUTHENVELOPED, false},
    {MULTI("mixed") "--o\r\n" TYPE("application/pkcs7-mime") "\r\n%s--o\r\n\r\nfooter\r\n--o--\r\n", AUTHENVELOPED,
     false},
    {MULTI("mixed") "--o\r\n" TYPE("application/pkcs7-mime") "Subject: x\r\n\r\n%s--o--\r\n", AUTHENVELOPED, false},
    {MULTI("mixed") "--o\r\n" TYPE("application/octet-stream; name=smime.p7m") "\r\n%s--o--\r\n", AUTHENVELOPED, true},
    {MULTI("mixed") "--o\r\n" TYPE("application/pkcs7-mime; name=contract.pdf.p7m") "\r\n%s--o--\r\n", AUTHENVELOPED,
     false},
    {MULTI("mixed") "--o\r\n" TYPE("application/pkcs7-mime") "\r\n%s", AUTHENVELOPED, false}, /* it does not end */
    {MULTI("related") "--o\r\n" TYPE("application/pkcs7-mime") "\r\n%s--o--\r\n", AUTHENVELOPED, false},
    {MULTI("alternative") "--o\r\n" TYPE("application/pkcs7-mime") "\r\n%s--o--\r\n", AUTHENVELOPED, false},
    {MULTI("mixed") "--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n" TYPE(
         "application/pkcs7-mime") "\r\n%s--i--\r\n--o--\r\n",
     AUTHENVELOPED, false},

    /* whatever it says of itself */
    {MULTI("mixed") "--o\r\n" TYPE("application/pkcs7-mime; smime-type=enveloped-data") "\r\n%s--o--\r\n", SIGNED,
     false},
    {MULTI("mixed") "--o\r\n" TYPE("application/pkcs7-mime; smime-type=enveloped-data") "\r\n%s--o--\r\n", COMPRESSED,
     false},
    {MULTI("mixed") "--o\r\n" TYPE("application/pkcs7-mime; smime-type=enveloped-data") "\r\n%s--o--\r\n", GARBAGE,
     false},
};

/* Each form. */
Test(alone, forms)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *base64 = object(rig, rows[i].object);
        g_auto(GStrv) halves = g_strsplit(rows[i].format, "%s", 2);
        g_autofree char *text = g_strconcat(ATTACK_TOP, halves[0], base64, halves[1], NULL);
        AUTO_SENT struct sent in = attack_in(rig, text);
        const struct examination *examination = in.result->mail.examination;
        bool opened = rows[i].whole && rows[i].object != FOR_ANOTHER;
        attack_expect_safe(&in, rows[i].format);
        cr_expect_eq(examination->whole > 0, rows[i].whole, "row %zu: %s", i, rig_reason(&in));
        cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT, "row %zu: %s", i, rig_reason(&in));
        cr_expect_eq(in.result->plan.judgement.domain.outcome == OUTCOME_PASS, opened, "row %zu: %s", i,
                     in.result->plan.judgement.domain.reason);
        cr_expect_eq(strstr(in.bytes, ATTACK_SECRET) != NULL, opened, "row %zu: %s", i, in.bytes);
        if (opened)
            cr_expect_not_null(
                strstr(in.bytes,
                       "Subject: s\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n" ATTACK_SECRET "\r\n"),
                "row %zu: %s", i, in.bytes);
        else
            cr_expect_not_null(strstr(in.bytes, strstr(text, "\r\n\r\n")), "row %zu: it stays as it came", i);
        if (rows[i].whole)
            cr_expect_str_eq(examination->layers[0].part, "1");
    }
}

/* Whoever wants nothing that stays encrypted says so; a signature or compression is no encryption. */
Test(alone, what_stays_encrypted_is_for_the_rule)
{
    static const struct {
        const char *undecryptable;
        enum verdict verdict;
    } rules[] = {{"deliver", VERDICT_ACCEPT}, {"reject", VERDICT_REJECT}, {"tempfail", VERDICT_TEMPFAIL}};
    for (size_t r = 0; r < G_N_ELEMENTS(rules); r++) {
        g_autofree char *policy = g_strdup_printf("inbound = { undecryptable = \"%s\"; };", rules[r].undecryptable);
        owned(rig) struct rig *rig = rig_new("", policy);
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
            g_autofree char *base64 = object(rig, rows[i].object);
            g_auto(GStrv) halves = g_strsplit(rows[i].format, "%s", 2);
            g_autofree char *text = g_strconcat(ATTACK_TOP, halves[0], base64, halves[1], NULL);
            AUTO_SENT struct sent in = attack_in(rig, text);
            bool opened = rows[i].whole && rows[i].object != FOR_ANOTHER;
            bool stays = !opened && rows[i].object != SIGNED && rows[i].object != COMPRESSED;
            cr_expect_eq(rig_verdict(&in), stays ? rules[r].verdict : VERDICT_ACCEPT, "%s, row %zu: %s",
                         rules[r].undecryptable, i, rig_reason(&in));
        }
    }
}
