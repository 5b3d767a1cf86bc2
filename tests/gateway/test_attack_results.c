/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results that are not ours, or say more than was checked: forged Authentication-Results and marks, a domain's
 * signature under another name, headers from inside, and signed attributes that libraries let pass.
 */
#include "support/attack.h"

#include <jansson.h>

#define SIGN "outbound = { protect = \"sign\"; }; null_signature = false;"
#define DOMAIN SIGNATURE_TYPE_DOMAIN

/* --- Authentication-Results --- */

static const char *const forged[] = {
    "Authentication-Results: gw.partner.test; smime=pass",
    "Authentication-Results:gw.partner.test;smime=pass",
    "AUTHENTICATION-RESULTS: GW.PARTNER.TEST; smime=pass",
    "Authentication-Results : gw.partner.test; smime=pass",
    "Authentication-Results\t: gw.partner.test; smime=pass",
    "Authentication-Results:\r\n gw.partner.test;\r\n smime=pass",
    "Authentication-Results:\r\n\t(a (nested \\) comment)) gw.partner.test; smime=pass",
    "Authentication-Results: (;) gw.partner.test (x) 1 (y); smime=pass",
    "Authentication-Results: \"gw.partner.test\"; smime=pass",
    "Authentication-Results: \"gw.part\\ner.test\"; smime=pass",
    "Authentication-Results: gw(x).partner(y).test; smime=pass",
    "Authentication-Results: gw . partner . test; smime=pass",
    "Authentication-Results: gw.partner.test 1 ; smime=pass",
    "Authentication-Results: gw.partner.test/1; smime=pass",
    "Authentication-Results: gw.partner.test smime=pass",
    "Authentication-Results: gw.partner.test.; smime=pass",
    "Authentication-Results: ; gw.partner.test; smime=pass",
    "Authentication-Results: (unclosed gw.partner.test; smime=pass",
    "Authentication-Results: \"unclosed gw.partner.test; smime=pass",
    "Authentication-Results: =?utf-8?q?gw=2Epartner=2Etest?=; smime=pass",
    "Authentication-Results: \xef\xbd\x87\xef\xbd\x97.partner.test; smime=pass", /* full width */
    "Authentication-Results: gw\xe3\x80\x82partner\xe3\x80\x82test; smime=pass", /* ideographic full stop */
};

Test(results, forged_under_our_name)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_LAX);
    g_autofree char *sound = attack_message(&(struct attack){.signer = rig->partner.dsa, .types = DOMAIN});
    for (size_t i = 0; i < G_N_ELEMENTS(forged); i++) {
        g_autofree char *plain = g_strconcat(forged[i], "\r\nAuthentication-Results: mx.other.test; spf=pass\r\n",
                                             ATTACK_TOP ATTACK_ENTITY, NULL);
        g_autofree char *twice = g_strconcat(forged[i], "\r\n", forged[i], "\r\n", sound, NULL);
        AUTO_SENT struct sent one = attack_in(rig, plain);
        AUTO_SENT struct sent two = attack_in(rig, twice);
        attack_expect_safe(&one, forged[i]);
        attack_expect_safe(&two, forged[i]);
        cr_expect_null(strstr(one.bytes, "smime=pass"), "%s", one.bytes);
        cr_expect_not_null(strstr(one.bytes, "mx.other.test; spf=pass"), "%s: another's stays", forged[i]);
        cr_expect_null(strstr(two.bytes, "smime=pass"), "%s", two.bytes);
    }
}

static const char *const marks[] = {
    "[verified] s",
    "[VERIFIED] s",
    " [verified] s",
    "[ve\r\n rified] s",
    "Re: [verified] s",
    "=?utf-8?q?[verified]?= s",
    "=?utf-8?b?W3ZlcmlmaWVkXQ==?= s",
    "=?utf-8?q?[veri?= =?utf-8?q?fied]?= s",
    "[ver[verified]ified] s",
    "=?utf-8?b?eA==W3ZlcmlmaWVkXQ==?= s",
};

Test(results, forged_marks_in_the_subject)
{
    owned(rig) struct rig *rig = rig_new(SIGN, "inbound = { require = \"sign\"; otherwise = \"tag\"; subject_verified "
                                               "= \"[verified]\"; subject_unverified = \"[?]\"; };");
    for (size_t i = 0; i < G_N_ELEMENTS(marks); i++) {
        g_autofree char *text =
            g_strconcat("From: alice@acme.test\r\nSubject: ", marks[i], "\r\nSubject: [verified]\r\n\r\nx\r\n", NULL);
        AUTO_SENT struct sent in = attack_in(rig, text);
        g_autofree char *lower = g_ascii_strdown(in.bytes, -1);
        attack_expect_safe(&in, marks[i]);
        cr_expect_null(strstr(lower, "verified]"), "%s: %s", marks[i], in.bytes);
        cr_expect_null(strstr(lower, "w3zlcmlmawvkxq"), "%s: %s", marks[i], in.bytes);
        cr_expect_not_null(strstr(in.bytes, "Subject: [?]"), "%s: %s", marks[i], in.bytes);
    }
}

/* The rule of this sender has no mark of its own to put there: neither for its kind of message, nor at all. */
Test(results, forged_marks_where_none_is_put)
{
    static const char *const senders[] = {"alice@acme.test", "eve@evil.test"};
    owned(rig) struct rig *rig =
        rig_new(SIGN, "inbound = { require = \"sign\"; otherwise = \"tag\"; subject_verified = \"[verified]\"; };");
    for (size_t i = 0; i < G_N_ELEMENTS(senders); i++) {
        g_autofree char *first = g_strdup_printf("From: %s\r\nSubject: [verified] s\r\n\r\nx\r\n", senders[i]);
        g_autofree char *second =
            g_strdup_printf("From: %s\r\nSubject: s\r\nSubject: [verified] s\r\n\r\nx\r\n", senders[i]);
        AUTO_SENT struct sent one = attack_in(rig, first);
        AUTO_SENT struct sent two = attack_in(rig, second);
        cr_expect_null(strstr(one.bytes, "verified"), "%s: %s", senders[i], one.bytes);
        cr_expect_null(strstr(two.bytes, "verified"), "%s: %s", senders[i], two.bytes);
        cr_expect_not_null(strstr(two.bytes, "Subject: s\r\n"), "%s: %s", senders[i], two.bytes);
    }
}

/* What others read on behind the padding is gone where marks mean something, and is nobody's business elsewhere. */
Test(results, subjects_that_others_read_differently)
{
    static const char text[] = "From: eve@evil.test\r\nSubject: =?utf-8?b?eA==W3ZlcmlmaWVkXQ==?= s\r\n\r\nx\r\n";
    owned(rig) struct rig *marking =
        rig_new(SIGN, "inbound = { require = \"sign\"; otherwise = \"tag\"; subject_verified = \"[verified]\"; };");
    owned(rig) struct rig *plain = rig_new(SIGN, "inbound = { require = \"sign\"; otherwise = \"tag\"; };");
    AUTO_SENT struct sent rewritten = attack_in(marking, text);
    AUTO_SENT struct sent same = attack_in(plain, text);
    cr_expect_not_null(strstr(rewritten.bytes, "Subject: x s\r\n"), "%s", rewritten.bytes);
    cr_expect_not_null(strstr(same.bytes, "Subject: =?utf-8?b?eA==W3ZlcmlmaWVkXQ==?= s\r\n"), "%s", same.bytes);
}

/* RFC 8601 §2.2: UTF-8 only where the message's own header has it (RFC 6532). */
Test(results, letters_outside_ascii)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_LAX);
    PKI_AUTO struct pki *jorg = pki_issue(&(struct pki_spec){.issuer = rig->acme.ca,
                                                             .subject = PKI_LIST("CN=J\xc3\xb6rg \xe6\xbc\xa2"),
                                                             .san = PKI_LIST("email:alice@acme.test")});
    g_autofree char *plain = attack_message(&(struct attack){.signer = jorg});
    g_autofree char *international = g_strconcat("Comments: \xc3\xb6\r\n", plain, NULL);
    AUTO_SENT struct sent one = attack_in(rig, plain);
    AUTO_SENT struct sent two = attack_in(rig, international);
    attack_expect_safe(&one, "ASCII");
    attack_expect_safe(&two, "UTF-8");
    cr_expect(g_str_is_ascii(one.result->made.authentication_results), "%s", one.result->made.authentication_results);
    cr_expect_not_null(strstr(one.result->made.authentication_results, "CN=J?rg ?\""), "%s",
                       one.result->made.authentication_results);
    cr_expect_not_null(strstr(two.result->made.authentication_results, "CN=J\xc3\xb6rg \xe6\xbc\xa2"));
    cr_expect_not_null(strstr(one.result->plan.judgement.originator.reason, "\xc3\xb6"), "the report has it all");
}

/* --- the domain's signature is the domain's --- */

Test(results, replay_under_another_name_of_the_domain)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    CMS_ContentInfo *cms = attack_sign(&(struct attack){.signer = rig->acme.dsa, .types = DOMAIN});
    g_autofree char *text = attack_opaque("From: ceo@acme.test\r\n" ATTACK_FIELDS, cms);
    AUTO_SENT struct sent in = attack_in(rig, text);
    g_autofree char *report = passage_report(in.result);
    json_t *json = json_loads(report, 0, NULL);
    attack_expect_believed(&in, true, "replay");
    g_autofree char *domain = rig_name(in.result, true), *originator = rig_name(in.result, false);
    cr_assert_str_eq(domain, "acme.test");
    cr_assert_null(originator);
    cr_assert_eq(in.result->plan.judgement.originator.outcome, OUTCOME_NONE);
    cr_assert_null(strstr(in.result->made.authentication_results, "ceo"), "%s", in.result->made.authentication_results);
    cr_assert_null(strstr(in.result->plan.judgement.domain.reason, "ceo"));
    cr_assert_str_eq(json_string_value(json_object_get(json_object_get(json, "domain"), "name")), "acme.test");
    cr_assert(json_is_null(json_object_get(json_object_get(json, "originator"), "name")));
    json_decref(json);
}

/* And it does not make another person's signature better, nor is it outweighed by a good one inside. */
Test(results, the_two_results_do_not_mix)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    PKI_AUTO struct pki *mallory = pki_person(rig->acme.ca, "mallory@acme.test");
    PKI_AUTO struct pki *ca = pki_ca("evil");
    PKI_AUTO struct pki *role = pki_role(ca, "domain-signing-authority", "acme.test");
    g_autofree char *hers = attack_opaque("", attack_sign(&(struct attack){.signer = mallory}));
    g_autofree char *alices = attack_opaque("", attack_sign(&(struct attack){.signer = rig->acme.alice}));
    g_autofree char *one = attack_message(&(struct attack){.signer = rig->acme.dsa, .types = DOMAIN, .content = hers});
    g_autofree char *two = attack_message(&(struct attack){.signer = role, .types = DOMAIN, .content = alices});
    AUTO_SENT struct sent first = attack_in(rig, one);
    AUTO_SENT struct sent second = attack_in(rig, two);
    attack_expect_safe(&first, "mallory under alice's name");
    cr_assert_eq(first.result->plan.judgement.domain.outcome, OUTCOME_PASS);
    cr_assert_eq(first.result->plan.judgement.originator.outcome, OUTCOME_POLICY, "%s",
                 first.result->plan.judgement.originator.reason);
    attack_expect_safe(&second, "a forged domain around alice's");
    cr_assert_eq(second.result->plan.judgement.domain.outcome, OUTCOME_POLICY, "%s",
                 second.result->plan.judgement.domain.reason);
    cr_assert_eq(second.result->plan.judgement.originator.outcome, OUTCOME_PASS);
    cr_assert_eq(second.result->reply.verdict, VERDICT_QUARANTINE, "%s", second.result->reply.reason);
}

/* It counts for neither of the two, but the recipient's header tells it, and a good one as well. */
Test(results, reviews_are_not_hidden)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    PKI_AUTO struct pki *ca = pki_ca("evil");
    PKI_AUTO struct pki *evil = pki_role(ca, "review-authority", "acme.test");
    const struct {
        unsigned type;
        const struct pki *signer;
        const char *says;
    } rows[] = {
        {SIGNATURE_TYPE_REVIEW, rig->acme.review, "smime=pass (review signature)"},
        {SIGNATURE_TYPE_ATTRIBUTES, rig->acme.attribute, NULL},
        {SIGNATURE_TYPE_REVIEW, rig->acme.alice, "smime=policy (review signature)"},
        {SIGNATURE_TYPE_REVIEW, evil, "smime=policy (review signature)"},
        {SIGNATURE_TYPE_ATTRIBUTES, rig->acme.dsa, "smime=policy (additional attributes signature)"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *inner =
            attack_opaque("", attack_sign(&(struct attack){.signer = rows[i].signer, .types = rows[i].type}));
        g_autofree char *text =
            attack_message(&(struct attack){.signer = rig->acme.dsa, .types = DOMAIN, .content = inner});
        AUTO_SENT struct sent in = attack_in(rig, text);
        g_autofree char *line = g_strdup(in.result->made.authentication_results);
        g_strdelimit(line, "\r\n\t", ' ');
        attack_expect_safe(&in, "review");
        cr_expect_eq(in.result->plan.judgement.domain.outcome, OUTCOME_PASS, "row %zu: %s", i,
                     in.result->plan.judgement.domain.reason);
        if (rows[i].says != NULL)
            cr_expect_not_null(strstr(line, rows[i].says), "row %zu: %s", i, line);
        else
            cr_expect_null(strstr(line, "smime=policy"), "row %zu: %s", i, line);
    }
}

/* The domain's and the originator's signature have one result each, whatever else they are, and whether they hold. */
Test(results, a_signature_that_is_a_review_too_is_told_once)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    const struct pki *const signers[] = {rig->acme.dsa, rig->acme.alice};
    for (size_t i = 0; i < 2 * G_N_ELEMENTS(signers); i++) {
        bool originators = i & 2;
        unsigned type = originators ? SIGNATURE_TYPE_ORIGINATOR : DOMAIN;
        g_autofree char *text =
            attack_message(&(struct attack){.signer = signers[i & 1], .types = type | SIGNATURE_TYPE_REVIEW});
        AUTO_SENT struct sent in = attack_in(rig, text);
        g_autofree char *line = g_strdup(in.result->made.authentication_results);
        g_strdelimit(line, "\r\n\t", ' ');
        cr_expect_not_null(strstr(line, originators ? "(originator signature)" : "(domain signature)"), "%zu: %s", i,
                           line);
        cr_expect_null(strstr(line, "(review signature)"), "%zu: %s", i, line);
    }
}

static const char *const inner_headers[] = {
    "From: ceo@partner.test\r\nContent-Type: text/plain\r\n\r\n",
    "Content-Type: text/plain\r\nSubject: inner\r\nReply-To: x@evil.test\r\n\r\n",
    "Content-Type: text/plain\r\nAuthentication-Results: gw.partner.test; smime=pass (inner)\r\n\r\n",
    "Content-Type: text/plain\r\nX-Spam-Status: No (inner)\r\nBcc: all@partner.test\r\nReceived: inner\r\n\r\n",
    "Content-Type: text/plain\r\nContent-X: a\r\n b\rFrom: ceo@partner.test\r\n\r\n",
    "Content-Type: text/plain\r\nContent-X : a\r\nFrom : ceo@partner.test\r\n\r\n",
    "Content-Type: text/plain\r\nContent-: a\r\n\r\n",
};

Test(results, headers_from_inside_stay_inside)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_LAX);
    for (size_t i = 0; i < G_N_ELEMENTS(inner_headers); i++) {
        g_autofree char *content = g_strconcat(inner_headers[i], "the secret line\r\n", NULL);
        g_autofree char *encrypted =
            attack_opaque(ATTACK_TOP, attack_envelop(EVP_aes_256_cbc(), rig->partner.dca, content, false));
        AUTO_SENT struct sent in = attack_in(rig, encrypted);
        g_autofree char *header = g_strndup(in.bytes, (gsize)(strstr(in.bytes, "\r\n\r\n") - in.bytes));
        attack_expect_safe(&in, inner_headers[i]);
        cr_expect_not_null(strstr(in.bytes, "the secret line"));
        cr_expect_null(strstr(header, "ceo@"), "%s", header);
        cr_expect_null(strstr(header, "inner"), "%s", header);
        cr_expect_null(strstr(header, "evil.test"), "%s", header);
        cr_expect_null(strstr(header, "smime=pass"), "%s", header);
        cr_expect_null(strstr(header, "Bcc"), "%s", header);
    }
}

/* --- signed attributes --- */

/* Signs the attributes as they are: OpenSSL's own functions refuse to sign such. Consumes cms, and returns it encoded
 * and decoded, for the encoding puts the attributes in order. */
static CMS_ContentInfo *sign_again(CMS_ContentInfo *cms, EVP_PKEY *key)
{
    GByteArray *der = attack_der(cms);
    const unsigned char *at = der->data;
    unsigned char signature[512];
    size_t length = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    CMS_ContentInfo_free(cms);
    cms = d2i_CMS_ContentInfo(NULL, &at, der->len);
    CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
    GByteArray *set = attack_signed_attributes(info);

    cr_assert(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) > 0 &&
              EVP_DigestSign(context, signature, &length, set->data, set->len) > 0);
    ASN1_STRING_set(CMS_SignerInfo_get0_signature(info), signature, (int)length);
    EVP_MD_CTX_free(context);
    g_byte_array_unref(der);
    g_byte_array_unref(set);
    return cms;
}

static X509_ATTRIBUTE *take(CMS_SignerInfo *info, int nid)
{
    return CMS_signed_delete_attr(info, CMS_signed_get_attr_by_NID(info, nid, -1));
}

static void nothing(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    (void)info;
}

static void no_type(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    X509_ATTRIBUTE_free(take(info, NID_pkcs9_contentType));
}

static void no_digest(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    X509_ATTRIBUTE_free(take(info, NID_pkcs9_messageDigest));
}

static void other_type(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    no_type(cms, info);
    CMS_signed_add1_attr_by_NID(info, NID_pkcs9_contentType, V_ASN1_OBJECT, OBJ_nid2obj(NID_id_smime_ct_TSTInfo), -1);
}

static void other_content(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)info;
    CMS_set1_eContentType(cms, OBJ_nid2obj(NID_id_smime_ct_TSTInfo));
}

static void both_other(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    other_type(cms, info);
    other_content(cms, info);
}

static void add_value(CMS_SignerInfo *info, int nid, int type, const void *data, int length)
{
    X509_ATTRIBUTE *attribute = CMS_signed_get_attr(info, CMS_signed_get_attr_by_NID(info, nid, -1));
    cr_assert(X509_ATTRIBUTE_set1_data(attribute, type, data, length));
}

static void two_types(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    add_value(info, NID_pkcs9_contentType, V_ASN1_OBJECT, OBJ_nid2obj(NID_id_smime_ct_TSTInfo), -1);
}

static void two_digests(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    add_value(info, NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING, "01234567890123456789012345678901", 32);
}

static void repeat(CMS_SignerInfo *info, int nid)
{
    X509_ATTRIBUTE *attribute = take(info, nid);
    cr_assert(CMS_signed_add1_attr(info, attribute));
    /* the second one under another number, which is then changed to be the same */
    X509_ATTRIBUTE *second = X509_ATTRIBUTE_dup(attribute);
    X509_ATTRIBUTE_set1_object(second, OBJ_nid2obj(NID_pkcs9_countersignature));
    cr_assert(CMS_signed_add1_attr(info, second));
    X509_ATTRIBUTE_set1_object(
        CMS_signed_get_attr(info, CMS_signed_get_attr_by_NID(info, NID_pkcs9_countersignature, -1)), OBJ_nid2obj(nid));
    X509_ATTRIBUTE_free(attribute);
    X509_ATTRIBUTE_free(second);
}

static void type_twice(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    repeat(info, NID_pkcs9_contentType);
}

static void digest_twice(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    repeat(info, NID_pkcs9_messageDigest);
}

static void wrong_kind_of_digest(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    no_digest(cms, info);
    CMS_signed_add1_attr_by_NID(info, NID_pkcs9_messageDigest, V_ASN1_UTF8STRING, "01234567890123456789012345678901",
                                32);
}

static void unsigned_copy(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    CMS_unsigned_add1_attr_by_NID(info, NID_pkcs9_contentType, V_ASN1_OBJECT, OBJ_nid2obj(NID_pkcs7_data), -1);
}

static void unsigned_role(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(OID_SIGNATURE_TYPE, 1);
    X509_ATTRIBUTE *attribute = CMS_signed_delete_attr(info, CMS_signed_get_attr_by_OBJ(info, oid, -1));
    (void)cms;
    cr_assert(CMS_unsigned_add1_attr(info, attribute));
    X509_ATTRIBUTE_free(attribute);
    ASN1_OBJECT_free(oid);
}

static const struct {
    const char *what;
    void (*change)(CMS_ContentInfo *cms, CMS_SignerInfo *info);
    enum outcome outcome;
    const char *says;
} attributes[] = {
    {"content type missing", no_type, OUTCOME_FAIL, "content type attribute is missing"},
    {"content type differs", other_type, OUTCOME_FAIL, "content type attribute differs"},
    {"content of another type", other_content, OUTCOME_PERMERROR, "not of type data"},
    {"both of another type", both_other, OUTCOME_PERMERROR, "not of type data"},
    {"two content types in one", two_types, OUTCOME_FAIL, "content type attribute"},
    {"content type twice", type_twice, OUTCOME_FAIL, "content type attribute"},
    {"content type unsigned as well", unsigned_copy, OUTCOME_FAIL, "content type attribute is not signed"},
    {"digest missing", no_digest, OUTCOME_FAIL, "message digest attribute"},
    {"two digests in one", two_digests, OUTCOME_FAIL, "message digest attribute"},
    {"digest twice", digest_twice, OUTCOME_FAIL, "message digest attribute"},
    {"digest of another kind", wrong_kind_of_digest, OUTCOME_FAIL, "message digest attribute"},
    {"signature type unsigned", unsigned_role, OUTCOME_NONE, NULL}, /* and permerror for the originator */
};

static struct sent pass_changed(const struct rig *rig, void (*change)(CMS_ContentInfo *, CMS_SignerInfo *))
{
    CMS_ContentInfo *cms = attack_sign(&(struct attack){.signer = rig->acme.dsa, .types = DOMAIN, .spoil = change});
    g_autofree char *text = attack_opaque(ATTACK_TOP, sign_again(cms, rig->acme.dsa->key));
    return attack_in(rig, text);
}

Test(results, signed_attributes)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    AUTO_SENT struct sent sound = pass_changed(rig, nothing);
    attack_expect_believed(&sound, true, "signed by hand, nothing changed");
    for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++) {
        AUTO_SENT struct sent in = pass_changed(rig, attributes[i].change);
        attack_expect_refused(&in, attributes[i].what);
        attack_expect_outcome(&in.result->plan.judgement.domain, attributes[i].outcome, attributes[i].says,
                              attributes[i].what);
    }
}

/* A good signature by somebody else around the author's whole signed mail: what is inside decides. */
Test(results, of_a_signature_around_others)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    PKI_AUTO struct pki *secretary = pki_person(rig->acme.ca, "secretary@acme.test");
    g_autofree char *inner = attack_opaque("", attack_sign(&(struct attack){.signer = rig->acme.alice}));
    g_autofree char *around = attack_message(&(struct attack){.signer = secretary, .content = inner});
    g_autofree char *alone = attack_message(&(struct attack){.signer = secretary});
    AUTO_SENT struct sent in = attack_in(rig, around);
    AUTO_SENT struct sent without = attack_in(rig, alone);
    AUTO_SENT struct sent out = rig_outbound(rig, around);
    attack_expect_believed(&in, false, "around the author's");
    cr_expect_eq(in.result->plan.judgement.originator_layer, 1u);
    cr_expect_null(strstr(in.bytes, "secretary"), "%s", in.bytes);
    attack_expect_refused(&without, "around nothing");
    cr_expect_eq(rig_verdict(&out), VERDICT_ACCEPT, "%s", rig_reason(&out));
}
