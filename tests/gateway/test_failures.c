/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a message when something that has to be asked cannot answer: failed is never none, and never a
 * verdict on the message. Sources of certificates are in test_lookups.c.
 */
#include "gateway/internal.h"

#include "support/attack.h"
#include "support/linked_keys.h"
#include "support/program.h"
#include "support/scripted_keys.h"
#include "support/scripted_revocation.h"

#define MESSAGE "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\n\r\nthe secret line\r\n"
#define CRLS "crls = ( \"crls\" );"

/* Both gateways want to know of revocation, and neither has a CRL. */
static struct rig *rig_without_crls(const char *acme_policy, const char *partner_policy)
{
    struct rig *rig = rig_closed(PKI_EC);
    struct org *orgs[] = {&rig->acme, &rig->partner};
    for (size_t i = 0; i < 2; i++) {
        g_autofree char *crls = g_build_filename(orgs[i]->folder, "crls", NULL);
        g_mkdir(crls, 0700);
        rig_open(orgs[i], orgs[1 - i], i == 0 ? acme_policy : partner_policy, CRLS);
    }
    return rig;
}

/* --- our own keys --- */

/* A message that was to be signed does not leave unsigned because its key fails. */
Test(failures, a_key_that_fails_while_signing)
{
    static const char *const policies[] = {
        "outbound = { protect = \"sign\"; };",
        "outbound = { protect = \"sign+encrypt\"; no_certificate = \"plain\"; unauthentic = \"unsigned\"; };",
        "outbound = { protect = \"triple\"; };",
        "outbound = { protect = \"sign\"; review = true; };",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(policies); i++) {
        owned(rig) struct rig *rig = rig_new(policies[i], "");
        scripted_keys_lose(&rig->acme.gateway->keys, gateway_conf(rig->acme.gateway));
        AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
        cr_expect_eq(rig_verdict(&out), VERDICT_TEMPFAIL, "%s: %s", policies[i], rig_reason(&out));
        cr_expect_str_eq(out.bytes, MESSAGE, "%s: %s", policies[i], out.bytes);
    }
}

/* A message that cannot be decrypted now is not damaged: it waits, also where nothing is required of it. */
Test(failures, a_key_that_fails_while_decrypting)
{
    static const char *const policies[] = {
        "inbound = { require = \"none\"; };",
        "inbound = { require = \"encrypt\"; otherwise = \"reject\"; };",
        "inbound = { require = \"encrypt\"; otherwise = \"tag\"; };",
    };
    for (size_t i = 0; i < 2 * G_N_ELEMENTS(policies); i++) {
        const char *policy = policies[i / 2];
        owned(rig) struct rig *rig =
            rig_with_key(i % 2 ? PKI_EC : PKI_RSA, "outbound = { protect = \"encrypt\"; };", policy);
        linked_keys_open(&rig->partner.gateway->keys, gateway_conf(rig->partner.gateway));
        AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
        cr_assert(rig_encrypted(&out), "%s", rig_reason(&out));
        linked_keys_answer = KEY_GONE;
        AUTO_SENT struct sent away = rig_inbound(rig, out.bytes, out.length);
        cr_expect_eq(rig_verdict(&away), VERDICT_TEMPFAIL, "%s: %s", policy, rig_reason(&away));
        linked_keys_answer = KEY_DONE;
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT, "%s: %s", policy, rig_reason(&in));
        cr_expect_not_null(strstr(in.bytes, "the secret line"), "%s: %s", policy, in.bytes);
    }
}

/* --- revocation of whom we encrypt to --- */

/* What the sources say of partner.test's certificate, and what becomes of a message that has to be encrypted to it. */
static const struct {
    enum revocation_status first, second;
    const char *no_certificate;
    enum verdict verdict;
    bool encrypted;
} recipients[] = {
    {REVOCATION_GOOD, REVOCATION_UNKNOWN, "plain", VERDICT_ACCEPT, true},
    {REVOCATION_UNKNOWN, REVOCATION_GOOD, "plain", VERDICT_ACCEPT, true},
    {REVOCATION_UNKNOWN, REVOCATION_UNKNOWN, "plain", VERDICT_TEMPFAIL, false},
    {REVOCATION_UNKNOWN, REVOCATION_UNKNOWN, "sign", VERDICT_TEMPFAIL, false},
    {REVOCATION_UNKNOWN, REVOCATION_UNKNOWN, "reject", VERDICT_TEMPFAIL, false},
    {REVOCATION_UNKNOWN, REVOCATION_REVOKED, "plain", VERDICT_ACCEPT, false},
    {REVOCATION_REVOKED, REVOCATION_GOOD, "reject", VERDICT_REJECT, false},
};

Test(failures, a_recipient_that_cannot_be_checked_for_revocation)
{
    for (size_t i = 0; i < G_N_ELEMENTS(recipients); i++) {
        g_autofree char *policy = g_strdup_printf("outbound = { protect = \"encrypt\"; no_certificate = \"%s\"; };",
                                                  recipients[i].no_certificate);
        owned(rig) struct rig *rig = rig_without_crls(policy, "");
        scripted_revocation_replace(&rig->acme.gateway->trust, gateway_conf(rig->acme.gateway));
        const enum revocation_status says[] = {recipients[i].first, recipients[i].second};
        for (size_t j = 0; j < 2; j++)
            scripted_revocation[j] =
                (struct scripted_revocation){.rows = {{"CN=domain-confidentiality-authority", says[j],
                                                       "cannot be checked for revocation: nobody answers", 0},
                                                      {"O=Tests", REVOCATION_GOOD, NULL, 0}}};
        AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
        cr_expect_eq(rig_verdict(&out), recipients[i].verdict, "%zu: %s", i, rig_reason(&out));
        cr_expect_eq(rig_encrypted(&out), recipients[i].encrypted, "%zu: %s", i, rig_reason(&out));
        if (recipients[i].verdict == VERDICT_TEMPFAIL)
            cr_expect_not_null(strstr(rig_reason(&out), "nobody answers"), "%zu: %s", i, rig_reason(&out));
        cr_expect_gt(scripted_revocation[0].asks, 0u, "%zu", i);
    }
}

/* --- revocation of who signed --- */

static const struct {
    const char *require, *otherwise;
    enum verdict verdict;
} arriving[] = {
    {"sign", "reject", VERDICT_TEMPFAIL},
    {"sign", "quarantine", VERDICT_TEMPFAIL},
    {"sign", "tag", VERDICT_TEMPFAIL},
    {"none", "tag", VERDICT_ACCEPT},
};

Test(failures, a_signer_that_cannot_be_checked_for_revocation)
{
    for (size_t i = 0; i < G_N_ELEMENTS(arriving); i++) {
        g_autofree char *policy = g_strdup_printf("inbound = { require = \"%s\"; otherwise = \"%s\"; };",
                                                  arriving[i].require, arriving[i].otherwise);
        owned(rig) struct rig *rig = rig_without_crls("outbound = { protect = \"sign\"; };", policy);
        AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        cr_expect_eq(rig_verdict(&in), arriving[i].verdict, "%zu: %s", i, rig_reason(&in));
        if (arriving[i].verdict != VERDICT_TEMPFAIL)
            cr_expect_not_null(strstr(in.bytes, "smime=temperror"), "%zu: %s", i, in.bytes);
        cr_expect_null(strstr(in.bytes, "smime=pass"), "%zu: %s", i, in.bytes);
    }
}

/* A part among others is never the message's signature, now or later: waiting would not help. */
Test(failures, a_part_that_cannot_be_checked_now)
{
    static const enum verdict expected[] = {VERDICT_REJECT, VERDICT_ACCEPT};
    for (size_t i = 0; i < 2; i++) {
        owned(rig) struct rig *rig = rig_without_crls("", i == 0 ? "inbound = { require = \"sign\"; };" : ATTACK_LAX);
        g_autofree char *part = attack_opaque("", attack_sign(&(struct attack){.signer = rig->acme.alice}));
        g_autofree char *text =
            g_strconcat(ATTACK_TOP "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n", part, "--o--\r\n", NULL);
        AUTO_SENT struct sent in = attack_in(rig, text);
        cr_expect_eq(rig_verdict(&in), expected[i], "%zu: %s", i, rig_reason(&in));
        cr_expect_null(strstr(in.bytes, "smime=temperror"), "%zu: %s", i, in.bytes);
    }
}

/* The signature inside may be good, and that cannot be said now. */
Test(failures, a_signature_inside_that_cannot_be_checked_now)
{
    static const char *const policies[] = {
        "outbound = { protect = \"sign\"; };",
        "outbound = { protect = \"sign\"; unauthentic = \"unsigned\"; };",
        "outbound = { protect = \"sign\"; unauthentic = \"tempfail\"; };",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(policies); i++) {
        owned(rig) struct rig *rig = rig_without_crls(policies[i], "");
        g_autofree char *text = attack_message(&(struct attack){.signer = rig->acme.alice});
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        cr_expect_eq(rig_verdict(&out), VERDICT_TEMPFAIL, "%s: %s", policies[i], rig_reason(&out));
        AUTO_SENT struct sent stranger =
            rig_pass(&rig->acme, DIRECTION_OUTBOUND,
                     &(struct rig_envelope){"alice@acme.test", "bob@partner.test", NULL, NULL, "198.51.100.7"}, text,
                     strlen(text));
        cr_expect_eq(rig_verdict(&stranger), VERDICT_TEMPFAIL, "stranger %s: %s", policies[i], rig_reason(&stranger));
    }
}

Test(failures, a_reviewer_that_cannot_be_checked_now)
{
    owned(rig) struct rig *rig =
        rig_without_crls("outbound = { protect = \"sign\"; require_review = ( \"review.pem\" ); };", "");
    struct entity content = rig_content("Content-Type: text/plain\r\n", "x\r\n");
    g_autofree char *text = rig_sign(&rig->acme, rig->acme.review, SIGNATURE_TYPE_REVIEW, ATTACK_TOP, &content);
    AUTO_SENT struct sent out = rig_outbound(rig, text);
    cr_expect_eq(rig_verdict(&out), VERDICT_TEMPFAIL, "%s", rig_reason(&out));
}

/* A signature that is bad for good outranks it, wherever that lies. */
static void break_signature(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    ((unsigned char *)ASN1_STRING_get0_data(CMS_SignerInfo_get0_signature(info)))[20] ^= 1;
}

Test(failures, a_bad_signature_beside_one_that_cannot_be_checked_now)
{
    owned(rig) struct rig *rig = rig_without_crls("outbound = { protect = \"sign\"; };", "");
    for (int outside = 0; outside < 2; outside++) {
        struct attack inner = {.signer = rig->acme.alice, .spoil = outside ? NULL : break_signature};
        g_autofree char *content = attack_opaque("", attack_sign(&inner));
        struct attack outer = {
            .signer = rig->acme.alice, .content = content, .spoil = outside ? break_signature : NULL};
        g_autofree char *text = attack_message(&outer);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        cr_expect_eq(rig_verdict(&out), VERDICT_REJECT, "%d: %s", outside, rig_reason(&out));
        cr_expect_null(strstr(rig_reason(&out), "no CRL"), "%d: %s", outside, rig_reason(&out));
    }
}

/* A stranger does not learn by it whether our key opens the message. */
Test(failures, a_strangers_encrypted_message)
{
    owned(rig) struct rig *rig = rig_without_crls("outbound = { protect = \"sign\"; };", "");
    const struct pki *const to[] = {rig->acme.dca, rig->partner.dca};
    g_autofree char *content = attack_opaque("", attack_sign(&(struct attack){.signer = rig->acme.alice}));
    for (size_t i = 0; i < 2; i++) {
        g_autofree char *text = attack_opaque(ATTACK_TOP, attack_envelop(EVP_aes_256_gcm(), to[i], content, false));
        AUTO_SENT struct sent out =
            rig_pass(&rig->acme, DIRECTION_OUTBOUND,
                     &(struct rig_envelope){"alice@acme.test", "bob@partner.test", NULL, NULL, "198.51.100.7"}, text,
                     strlen(text));
        cr_expect_eq(rig_verdict(&out), VERDICT_REJECT, "%zu: %s", i, rig_reason(&out));
    }
}

/* --- disk --- */

/* Its line ends have to change before it is delivered, and there is no room for that. */
Test(failures, what_is_inside_cannot_be_written)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_LAX);
    g_autofree char *lines = g_strnfill(20000, '\n');
    g_autofree char *content = g_strconcat("Content-Type: text/plain\r\n\r\n", lines, NULL);
    struct attack attack = {.signer = rig->acme.dsa, .types = SIGNATURE_TYPE_DOMAIN, .content = content};
    g_autofree char *text = attack_opaque(ATTACK_TOP, attack_sign(&attack));
    struct limits *limits = (struct limits *)&gateway_conf(rig->partner.gateway)->limits;
    limits->memory = 32000;
    for (size_t i = 0; i < 2; i++) {
        g_autofree char *usual = limits->spool_dir;
        limits->spool_dir = g_strdup(i == 0 ? usual : "/nonexistent");
        AUTO_SENT struct sent in = attack_in(rig, text);
        cr_expect_eq(rig_verdict(&in), i == 0 ? VERDICT_ACCEPT : VERDICT_TEMPFAIL, "%zu: %s", i, rig_reason(&in));
        cr_expect_eq(in.result->made.removed, i == 0 ? 1 : 0);
        cr_expect_eq(strcmp(in.bytes, text) == 0, i == 1, "%s", in.bytes);
    }
}

/* --- what the message brings is no failure of ours --- */

static void name_md4(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    X509_ALGOR *digest;
    (void)cms;
    CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, NULL);
    cr_assert(X509_ALGOR_set0(digest, OBJ_nid2obj(NID_md4), V_ASN1_NULL, NULL));
}

/* Around the message, and in one part among others: policy decides, in both directions. */
Test(failures, a_digest_that_cannot_be_computed)
{
    static const struct {
        const char *partner;
        enum verdict verdict;
    } rows[] = {{ATTACK_LAX, VERDICT_ACCEPT},
                {ATTACK_STRICT, VERDICT_QUARANTINE},
                {"inbound = { require = \"sign\"; };", VERDICT_REJECT}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", rows[i].partner);
        struct attack attack = {.signer = rig->acme.alice, .spoil = name_md4};
        g_autofree char *whole = attack_message(&attack);
        g_autofree char *part = attack_opaque("", attack_sign(&attack));
        g_autofree char *among =
            g_strconcat(ATTACK_TOP "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n", part,
                        "\r\n--b--\r\n", NULL);
        const char *const texts[] = {whole, among};
        for (size_t j = 0; j < G_N_ELEMENTS(texts); j++) {
            AUTO_SENT struct sent in = attack_in(rig, texts[j]);
            AUTO_SENT struct sent out = rig_outbound(rig, texts[j]);
            cr_expect_eq(rig_verdict(&in), rows[i].verdict, "%zu %zu: %s", i, j, rig_reason(&in));
            cr_expect_eq(rig_verdict(&out), VERDICT_REJECT, "%zu %zu: %s", i, j, rig_reason(&out));
            cr_expect_not_null(strstr(rig_reason(&out), "digest algorithm is not supported"), "%s", rig_reason(&out));
        }
    }
}

/* --- failures of ours --- */

static EVP_PKEY *restricted_key(void)
{
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    EVP_PKEY *key = NULL;
    cr_assert(EVP_PKEY_keygen_init(context) > 0 && EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048) > 0 &&
              EVP_PKEY_CTX_set_rsa_pss_keygen_md(context, EVP_sha512()) > 0 &&
              EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md(context, EVP_sha512()) > 0 &&
              EVP_PKEY_CTX_set_rsa_pss_keygen_saltlen(context, 64) > 0 && EVP_PKEY_generate(context, &key) > 0);
    return key;
}

/* OpenSSL says why it does not sign, and only the log repeats it. */
Test(failures, a_key_that_does_not_sign)
{
    owned(rig) struct rig *rig = rig_new("", "");
    owned(EVP_PKEY) EVP_PKEY *key = restricted_key();
    PKI_AUTO struct pki *dsa = pki_issue(&(struct pki_spec){.issuer = rig->acme.ca,
                                                            .subject = PKI_LIST("CN=domain-signing-authority"),
                                                            .san = PKI_LIST("email:domain-signing-authority@acme.test"),
                                                            .use_key = key});
    g_free(pki_write(rig->acme.folder, "dsa.pem", dsa, NULL));
    g_free(pki_write_key(rig->acme.folder, "dsa.key", dsa));
    gateway_unref(rig->acme.gateway);
    rig_open(&rig->acme, &rig->partner, "outbound = { protect = \"sign\"; }; digest = \"sha512\";", NULL);
    const struct conf *conf = gateway_conf(rig->acme.gateway); /* which is not read when it asks for SHA-256 */
    for (size_t i = 0; i < conf->partner_count; i++)
        ((struct partner *)conf->partners[i])->form.digest = DIGEST_SHA256;
    AUTO_SENT struct sent out = rig_outbound(rig, ATTACK_TOP "\r\nx\r\n");
    cr_expect_eq(rig_verdict(&out), VERDICT_TEMPFAIL, "%s", rig_reason(&out));
    cr_expect_str_eq(out.result->reply.text, "preparing the signature");
    cr_expect(g_str_has_prefix(rig_reason(&out), "preparing the signature: "), "%s", rig_reason(&out));
}

/* --- memory --- */

/* A sample of what `make torture` tries: an allocation that fails leads to a temporary failure, or changes nothing. */
Test(failures, memory)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    cr_skip_test("torture replaces malloc(), which a sanitizer needs");
#endif
    owned(folder) char *folder = folder_new();
    owned(run) struct run tried =
        run("env TORTURE_FOLDER='%s/torture' TORTURE_STEP=41 '%s/torture/run' '%s' sign encrypt verify decrypt", folder,
            getenv("DOMSEC_TESTS"), getenv("DOMSEC_BUILD"));
    expect_status(tried, 0);
    expect_contains(tried.out, "decrypt, warm");
}
