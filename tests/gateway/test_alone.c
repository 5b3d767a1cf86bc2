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
