/* SPDX-License-Identifier: Apache-2.0 */
/* Signed documents that are attached to a message (invoice.xml.p7m, contract.pdf.p7m) are no layers of it. */
#include "support/attack.h"

#define SIGN "outbound = { protect = \"sign\"; }; null_signature = false;"
#define OPAQUE "application/pkcs7-mime; smime-type=signed-data; name=\"contract.pdf.p7m\""
#define OCTETS "application/octet-stream; name=\"invoice.xml.p7m\""

static void break_signature(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    CMS_SignerInfo_get0_signature(info)->data[9] ^= 1;
}

/* The base64 body and its header, of what someone else has signed. */
static char *document(const struct attack *attack, const char *type)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = attack_sign(attack);
    g_autoptr(GByteArray) der = attack_der(cms);
    g_autofree char *base64 = attack_base64(der->data, der->len);
    return g_strconcat("Content-Type: ", type, "\r\nContent-Transfer-Encoding: base64\r\n\r\n", base64, NULL);
}

static char *attached(const char *const *parts)
{
    GString *text = g_string_new(ATTACK_TOP "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                                            "--b\r\n\r\nthe invoice\r\n");
    for (; *parts != NULL; parts++)
        g_string_append_printf(text, "--b\r\n%s\r\n", *parts);
    g_string_append(text, "--b--\r\n");
    return g_string_free(text, FALSE);
}

static const struct {
    const char *what, *type, *content;
    bool is_layer;
} rows[] = {
    {"XML", OCTETS, "<?xml version=\"1.0\"?><invoice>1</invoice>", false},
    {"XML as S/MIME", OPAQUE, "<?xml version=\"1.0\"?>\r\n<invoice a=\"x: y\">\r\n\r\n</invoice>\r\n", false},
    {"PDF", OPAQUE, "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type: x >>\n\n", false},
    {"a letter", OCTETS, "Note: this is no header.\r\n\r\nDear Sir: ...\r\n", false},
    {"a letter in Unix form", OCTETS, "Dear Sir,\n\nContent-Type: text/plain\n\nyours\n", false},
    {"EDIFACT", OCTETS, "UNA:+.? 'UNB+UNOC:3+4078901000005:14'", false},
    {"binary", OCTETS, "PK\x03\x04\x14\x02\x08\x08", false},
    {"a MIME entity", OCTETS, "Content-Type: text/plain\r\n\r\nhello\r\n", true},
    {"a MIME entity in Unix form", OPAQUE, "Subject: x\nContent-type: text/plain\n\nhello\n", true},
    {"a MIME entity without a body", OPAQUE, "MIME-Version: 1.0\r\nContent-Disposition: inline\r\n", true},
    {"a MIME entity that says nothing", OPAQUE, "\r\nhello\r\n", true},
};

/* Who signed a contract need not be the sender, and a document whose signature is broken is still a document. */
Test(documents, are_decided_by_their_content)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_LAX);
    const struct attack signatures[] = {{.signer = rig->partner.dsa},
                                        {.signer = rig->acme.alice, .spoil = break_signature}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (size_t j = 0; j < G_N_ELEMENTS(signatures); j++) {
            struct attack attack = signatures[j];
            attack.content = rows[i].content;
            g_autofree char *part = document(&attack, rows[i].type);
            g_autofree char *text = attached((const char *const[]){part, NULL});
            AUTO_SENT struct sent out = rig_outbound(rig, text);
            AUTO_SENT struct sent in = attack_in(rig, text);
            cr_expect_eq(out.result->lookups.layers.count, rows[i].is_layer, "%s", rows[i].what);
            cr_expect_eq(rig_verdict(&out), rows[i].is_layer ? VERDICT_REJECT : VERDICT_ACCEPT, "%s: %s", rows[i].what,
                         rig_reason(&out));
            cr_expect_eq(in.result->lookups.layers.count, rows[i].is_layer, "%s", rows[i].what);
            if (rows[i].is_layer)
                continue;
            cr_expect_not_null(strstr(out.bytes, part), "%s: it leaves as it is", rows[i].what);
            cr_expect_str_eq(in.bytes, text, "%s", rows[i].what);
            cr_expect_eq(in.result->plan.judgement.originator.outcome, OUTCOME_NONE, "%s", rows[i].what);
        }
}

/* More of them than layers_limit. */
Test(documents, are_not_counted)
{
    owned(rig) struct rig *rig = rig_new(SIGN, "");
    struct attack attack = {.signer = rig->partner.dsa, .content = "<invoice/>"};
    g_autofree char *part = document(&attack, OCTETS);
    const char *parts[13] = {part, part, part, part, part, part, part, part, part, part, part, part, NULL};
    g_autofree char *text = attached(parts);
    AUTO_SENT struct sent out = rig_outbound(rig, text);
    cr_expect_eq(rig_verdict(&out), VERDICT_ACCEPT, "%s", rig_reason(&out));
    const struct work work = rig_work(&rig->acme, text, true);
    cr_expect_eq(work.layers, 0u);
    cr_expect_eq(work.signatures, 0u);
}

/* A message that is nothing but the document. One of bare text that other software signed as a whole has no such name.
 */
Test(documents, that_are_all_of_the_message)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_LAX);
    static const struct {
        const char *type, *content;
        size_t layers;
    } whole[] = {
        {OCTETS, "<invoice/>", 0},
        {OPAQUE, "<invoice/>", 0},
        {OPAQUE, "Content-Type: text/plain\r\n\r\nhello\r\n", 1},
        {"application/pkcs7-mime; name=smime.p7m", "hello, this is bare text", 1},
        {"application/pkcs7-mime", "<invoice/>", 1},
        {"application/octet-stream; name=\".p7m.p7m\"", "hello, this is bare text", 1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(whole); i++) {
        struct attack attack = {.signer = rig->acme.alice, .content = whole[i].content};
        g_autofree char *part = document(&attack, whole[i].type);
        g_autofree char *text = g_strconcat(ATTACK_TOP, part, NULL);
        AUTO_SENT struct sent in = attack_in(rig, text);
        cr_expect_eq(in.result->lookups.layers.count, whole[i].layers, "row %zu", i);
        cr_expect_eq(in.result->plan.judgement.originator.outcome, whole[i].layers > 0 ? OUTCOME_PASS : OUTCOME_NONE,
                     "row %zu: %s", i, in.result->plan.judgement.originator.reason);
    }
}

/* Only what holds its content can be a document. */
Test(documents, are_not_looked_for_in_clear_signatures)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_LAX);
    static const char entity[] = "Subject: no field of MIME\r\n\r\nhello\r\n";
    struct attack attack = {.signer = rig->partner.dsa, .content = entity, .flags = CMS_DETACHED};
    g_autofree char *part = attack_clear("", entity, attack_sign(&attack));
    g_autofree char *text = attached((const char *const[]){part, NULL});
    AUTO_SENT struct sent out = rig_outbound(rig, text);
    cr_expect_eq(rig_verdict(&out), VERDICT_REJECT, "%s", rig_reason(&out));
    cr_expect_eq(out.result->lookups.layers.count, 1);
}
