/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What else can be sent by a stranger or by a user of ours: odd algorithms, empty and misleading objects, and ways to
 * make the gateway sign, or let out, what it should not.
 */
#include "support/attack.h"

#define SIGN "outbound = { protect = \"sign\"; }; null_signature = false;"
#define DOMAIN SIGNATURE_TYPE_DOMAIN

/* --- algorithms --- */

static void set_pss(CMS_SignerInfo *info, int salt, const char *mask)
{
    EVP_PKEY_CTX *context = CMS_SignerInfo_get0_pkey_ctx(info);
    cr_assert(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
              EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt) > 0 &&
              EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_get_digestbyname(mask)) > 0);
}

static void pss_sound(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    set_pss(info, 32, "SHA256");
}

static void pss_no_salt(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    set_pss(info, 0, "SHA256");
}

static void pss_other_mask(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    set_pss(info, 32, "SHA1");
}

Test(odds, algorithms)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    const struct {
        const char *what;
        enum pki_key key;
        const char *digest;
        unsigned flags;
        void (*alter)(CMS_ContentInfo *cms, CMS_SignerInfo *info);
        enum outcome outcome;
    } rows[] = {
        {"RSA PKCS #1 v1.5", PKI_RSA, "SHA256", 0, NULL, OUTCOME_PASS},
        {"RSA-PSS", PKI_RSA, "SHA256", CMS_KEY_PARAM, pss_sound, OUTCOME_PASS},
        /* Neither is a weakness: the mask need not resist collisions, and without salt it is a full domain hash. */
        {"RSA-PSS without salt", PKI_RSA, "SHA256", CMS_KEY_PARAM, pss_no_salt, OUTCOME_PASS},
        {"RSA-PSS, mask with SHA-1", PKI_RSA, "SHA256", CMS_KEY_PARAM, pss_other_mask, OUTCOME_PASS},
        {"RSA-PSS with SHA-1", PKI_RSA, "SHA1", CMS_KEY_PARAM, pss_sound, OUTCOME_POLICY},
        {"P-384 with SHA-512", PKI_P384, "SHA512", 0, NULL, OUTCOME_PASS},
        {"P-192", PKI_P192, "SHA256", 0, NULL, OUTCOME_FAIL},
        {"SHA-224", PKI_EC, "SHA224", 0, NULL, OUTCOME_PASS},
        {"SHA-1", PKI_EC, "SHA1", 0, NULL, OUTCOME_POLICY},
        {"no signed attributes", PKI_EC, "SHA256", CMS_NOATTR, NULL,
         OUTCOME_NONE}, /* no signature type, so a person's */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        PKI_AUTO struct pki *signer =
            pki_issue(&(struct pki_spec){.issuer = rig->acme.ca,
                                         .subject = PKI_LIST("CN=domain-signing-authority"),
                                         .san = PKI_LIST("email:domain-signing-authority@acme.test"),
                                         .key = rows[i].key});
        struct attack attack = {.signer = signer,
                                .types = rows[i].flags & CMS_NOATTR ? 0 : DOMAIN,
                                .digest = rows[i].digest,
                                .flags = rows[i].flags,
                                .alter = rows[i].alter};
        g_autofree char *text = attack_message(&attack);
        AUTO_SENT struct sent in = attack_in(rig, text);
        if (rows[i].outcome == OUTCOME_PASS) {
            attack_expect_believed(&in, true, rows[i].what);
            continue;
        }
        attack_expect_refused(&in, rows[i].what);
        attack_expect_outcome(&in.result->plan.judgement.domain, rows[i].outcome, NULL, rows[i].what);
    }
}

/* The attributes of the domain's signature taken as a content that needs none: an old trick with CMS (RFC 5652 has one
 * hash for both). */
Test(odds, signed_attributes_as_content)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    CMS_ContentInfo *cms = attack_sign(&(struct attack){.signer = rig->acme.alice});
    CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
    GByteArray *set = attack_signed_attributes(info);
    while (CMS_signed_get_attr_count(info) > 0)
        X509_ATTRIBUTE_free(CMS_signed_delete_attr(info, 0));
    ASN1_STRING_set(*CMS_get0_content(cms), set->data, (int)set->len);
    g_byte_array_unref(set);
    g_autofree char *text = attack_opaque(ATTACK_TOP, cms);
    AUTO_SENT struct sent in = attack_in(rig, text);
    attack_expect_refused(&in, "attributes as content");
}

/* --- objects that hold nothing, or not what they say --- */

static CMS_ContentInfo *certificates_only(const struct rig *rig)
{
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_DETACHED | CMS_PARTIAL);
    CMS_add1_cert(cms, rig->acme.dsa->cert);
    return cms;
}

static CMS_ContentInfo *bare_data(void)
{
    BIO *data = BIO_new_mem_buf(ATTACK_ENTITY, -1);
    CMS_ContentInfo *cms = CMS_data_create(data, CMS_BINARY);
    BIO_free(data);
    return cms;
}

Test(odds, empty_objects)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    g_autofree char *certificates = attack_opaque(ATTACK_TOP, certificates_only(rig));
    g_autofree char *clear = attack_clear(ATTACK_TOP, ATTACK_ENTITY, certificates_only(rig));
    g_autofree char *data = attack_opaque(ATTACK_TOP, bare_data());
    g_autofree char *nothing = attack_opaque_der(ATTACK_TOP, (const unsigned char *)"", 0);
    g_autofree char *zero = attack_opaque_der(ATTACK_TOP, (const unsigned char *)"\x30\x00", 2);
    g_autofree char *endless = attack_opaque_der(ATTACK_TOP, (const unsigned char *)"\x30\x80", 2);
    g_autofree char *huge = attack_opaque_der(ATTACK_TOP, (const unsigned char *)"\x30\x84\x7f\xff\xff\xff", 6);
    g_autofree unsigned char *nested = g_malloc(200000);
    const char *const rows[] = {certificates, clear, data, nothing, zero, endless, huge, NULL};
    memset(nested, 0x30, 200000);
    for (size_t i = 1; i < 200000; i += 2)
        nested[i] = 0x80;
    g_autofree char *deep = attack_opaque_der(ATTACK_TOP, nested, 200000);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        AUTO_SENT struct sent in = attack_in(rig, rows[i] != NULL ? rows[i] : deep);
        attack_expect_refused(&in, "empty");
    }
}

Test(odds, empty_content_is_a_content)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    static const char *const contents[] = {"", "\r\n", ".", "Content-Type: text/plain\r\n",
                                           "Content-Type: application/pkcs7-mime\r\n\r\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(contents); i++) {
        g_autofree char *text =
            attack_message(&(struct attack){.signer = rig->acme.dsa, .types = DOMAIN, .content = contents[i]});
        AUTO_SENT struct sent in = attack_in(rig, text);
        attack_expect_safe(&in, contents[i]);
        cr_expect_neq(in.result->plan.judgement.domain.outcome, OUTCOME_NONE);
    }
}

/* --- a user of ours --- */

static struct sent leave(const struct rig *rig, const char *auth, const char *text)
{
    return rig_pass(&rig->acme, DIRECTION_OUTBOUND,
                    &(struct rig_envelope){"alice@acme.test", "bob@partner.test", NULL, auth,
                                           auth != NULL ? "192.0.2.1" : "198.51.100.9"},
                    text, strlen(text));
}

static const struct {
    const char *auth, *header;
} unsignable[] = {
    {NULL, "From: alice@acme.test\r\n"},
    {"mallory", "From: ceo@partner.test\r\n"},
    {"mallory", "From: alice@acme.test, ceo@partner.test\r\n"},
    {"mallory", "From: alice@acme.test\r\nFrom: ceo@partner.test\r\n"},
    {"mallory", "From: alice@acme.test <ceo@partner.test>\r\n"},
    {"mallory", "From: undisclosed:;\r\n"},
    {"mallory", "Sender: alice@acme.test\r\n"},
    {"mallory", "From: alice@notacme.test\r\n"},
    {"mallory", "From: alice@test\r\n"},
};

/* RFC 3183 §3.2: no domain signature for who is not authentic. */
Test(odds, no_signature_for_a_doubtful_originator)
{
    owned(rig) struct rig *rig =
        rig_new("outbound = { protect = \"sign\"; unauthentic = \"reject\"; };", ATTACK_STRICT);
    for (size_t i = 0; i < G_N_ELEMENTS(unsignable); i++) {
        g_autofree char *text = g_strconcat(unsignable[i].header, ATTACK_FIELDS ATTACK_ENTITY, NULL);
        AUTO_SENT struct sent out = leave(rig, unsignable[i].auth, text);
        attack_expect_safe(&out, unsignable[i].header);
        cr_expect_eq(out.result->reply.verdict, VERDICT_REJECT, "%s: %s", unsignable[i].header,
                     out.result->reply.reason);
        cr_expect_null(strstr(out.bytes, "pkcs7"));
    }
}

/* What says that it is encrypted, and is not, is treated as the plain text it is. */
static const char *const pretending[] = {
    "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\nContent-Transfer-Encoding: "
    "base64\r\n\r\ndGhlIHNlY3JldCBsaW5lDQo=\r\n",
    "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nthe secret line\r\n",
    "Content-Type: application/pkcs7-mime; smime-type=authenveloped-data\r\nContent-Transfer-Encoding: "
    "quoted-printable\r\n\r\nthe secret line\r\n",
    "Content-Type: application/x-pkcs7-mime\r\nContent-Type: application/pkcs7-mime\r\n\r\nthe secret line\r\n",
    "Content-Type: application/octet-stream; name=smime.p7m\r\n\r\nthe secret line\r\n",
    "Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n\r\nthe secret line\r\n--b--\r\n",
};

Test(odds, what_only_pretends_to_be_encrypted_does_not_leave)
{
    owned(rig) struct rig *rig = rig_new(
        "outbound = { protect = \"encrypt\"; no_certificate = \"reject\"; }; certificates = ( );", ATTACK_STRICT);
    for (size_t i = 0; i < G_N_ELEMENTS(pretending); i++) {
        g_autofree char *text = g_strconcat(ATTACK_TOP, pretending[i], NULL);
        AUTO_SENT struct sent out = leave(rig, "alice", text);
        attack_expect_safe(&out, pretending[i]);
        cr_expect_eq(out.result->reply.verdict, VERDICT_REJECT, "%s: %s", pretending[i], out.result->reply.reason);
    }
}
