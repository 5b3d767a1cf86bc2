/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature spoofing ("Johnny, you are fired!", USENIX Security 2019): messages that a program takes for signed by
 * alice, or by acme.test, although nobody there signed what is shown.
 */
#include "support/attack.h"

#define SIGN "outbound = { protect = \"sign\"; }; null_signature = false;"

/* --- the CMS --- */

static void add_content(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    ASN1_OCTET_STRING **content = CMS_get0_content(cms);
    (void)info;
    *content = ASN1_OCTET_STRING_new();
    ASN1_STRING_set(*content, ATTACK_ENTITY, -1);
}

static void remove_signers(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    /* OpenSSL frees a SignerInfo only with the message that it is in: it goes into one that is thrown away. */
    owned(CMS_ContentInfo) CMS_ContentInfo *bin = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL);
    (void)info;
    cr_assert_not_null(CMS_get0_SignerInfos(bin));
    while (sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms)) > 0)
        sk_CMS_SignerInfo_push(CMS_get0_SignerInfos(bin), sk_CMS_SignerInfo_pop(CMS_get0_SignerInfos(cms)));
}

static void break_signature(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(info);
    unsigned char *last = (unsigned char *)ASN1_STRING_get0_data(signature) + ASN1_STRING_length(signature) - 1;
    (void)cms;
    *last ^= 1;
}

/* Everything that makes the attacker's certificate look like the real one but its key. */
struct cast {
    struct rig *rig;
    struct pki *ca, *role, *alice; /* of the attacker's own authority, which bears acme's name */
    struct pki *mallory;           /* really certified by acme's authority, for mallory@acme.test */
    struct pki *twin;              /* issuer and serial of acme's dsa, its own name and key */
    struct pki *rsa;               /* alice's, honest, RSA: for digests that ECDSA has no name for */
    struct pki *renamed; /* the key of mallory's certificate under alice's name, from the attacker's authority */
};

static struct pki *twin_of(const struct pki *ca, const struct pki *real)
{
    return pki_issue(&(struct pki_spec){.issuer = ca,
                                        .subject = PKI_LIST("CN=domain-signing-authority"),
                                        .san = PKI_LIST("email:domain-signing-authority@acme.test"),
                                        .serial = ASN1_INTEGER_get(X509_get0_serialNumber(real->cert))});
}

static struct cast *cast_new(void)
{
    struct cast *cast = g_new0(struct cast, 1);
    cast->rig = rig_new(SIGN, ATTACK_STRICT);
    cast->ca = pki_ca("acme.test");
    cast->role = pki_role(cast->ca, "domain-signing-authority", "acme.test");
    cast->alice = pki_person(cast->ca, "alice@acme.test");
    cast->mallory = pki_person(cast->rig->acme.ca, "mallory@acme.test");
    cast->twin = twin_of(cast->ca, cast->rig->acme.dsa);
    cast->rsa = pki_issue(&(struct pki_spec){.issuer = cast->rig->acme.ca,
                                             .subject = PKI_LIST("CN=alice"),
                                             .san = PKI_LIST("email:alice@acme.test"),
                                             .key = PKI_RSA});
    cast->renamed = pki_issue(&(struct pki_spec){.issuer = cast->ca,
                                                 .subject = PKI_LIST("CN=alice"),
                                                 .san = PKI_LIST("email:alice@acme.test"),
                                                 .use_key = cast->mallory->key});
    return cast;
}

static void cast_free(struct cast *cast)
{
    pki_free(cast->ca);
    pki_free(cast->role);
    pki_free(cast->alice);
    pki_free(cast->mallory);
    pki_free(cast->twin);
    pki_free(cast->rsa);
    pki_free(cast->renamed);
    rig_free(cast->rig);
    g_free(cast);
}
DECLARE_OWNED(cast, struct cast *, cast_free)

#define DOMAIN SIGNATURE_TYPE_DOMAIN

Test(spoofing, what_the_tests_spoil_is_sound)
{
    owned(cast) struct cast *cast = cast_new();
    const struct org *acme = &cast->rig->acme;
    const struct attack sound[] = {{.signer = acme->dsa, .types = DOMAIN},
                                   {.signer = acme->dsa, .types = DOMAIN, .flags = CMS_DETACHED},
                                   {.signer = acme->alice},
                                   {.signer = acme->alice, .flags = CMS_DETACHED | CMS_USE_KEYID}};
    for (size_t i = 0; i < G_N_ELEMENTS(sound); i++) {
        g_autofree char *text = attack_message(&sound[i]);
        AUTO_SENT struct sent in = attack_in(cast->rig, text);
        attack_expect_believed(&in, sound[i].types != 0, "sound");
    }
}

Test(spoofing, signers_and_certificates)
{
    owned(cast) struct cast *cast = cast_new();
    const struct org *acme = &cast->rig->acme;
    const struct {
        const char *what;
        struct attack attack;
        enum outcome domain, originator;
        const char *says;
    } rows[] = {
        {"content inside a detached signature",
         {.signer = acme->dsa, .types = DOMAIN, .flags = CMS_DETACHED, .spoil = add_content},
         OUTCOME_PERMERROR,
         OUTCOME_PERMERROR,
         "contains content of its own"},
        {"no signers, detached",
         {.signer = acme->dsa, .types = DOMAIN, .flags = CMS_DETACHED, .spoil = remove_signers},
         OUTCOME_NONE,
         OUTCOME_NONE,
         NULL},
        {"no signers, opaque",
         {.signer = acme->dsa, .types = DOMAIN, .spoil = remove_signers},
         OUTCOME_NONE,
         OUTCOME_NONE,
         NULL},
        {"a signature that does not hold beside a good one",
         {.signer = acme->dsa, .second = acme->dsa, .types = DOMAIN, .second_types = DOMAIN, .spoil = break_signature},
         OUTCOME_FAIL,
         OUTCOME_NONE,
         "does not verify"},
        {"the attacker's signature beside the domain's",
         {.signer = acme->dsa, .second = cast->role, .types = DOMAIN, .second_types = DOMAIN},
         OUTCOME_POLICY,
         OUTCOME_NONE,
         "trust anchor"},
        {"the domain's beside the attacker's",
         {.signer = cast->role, .second = acme->dsa, .types = DOMAIN, .second_types = DOMAIN},
         OUTCOME_POLICY,
         OUTCOME_NONE,
         "trust anchor"},
        {"signers of two types",
         {.signer = acme->dsa, .second = acme->alice, .types = DOMAIN},
         OUTCOME_PERMERROR,
         OUTCOME_NONE,
         "differ"},
        {"an authority of the same name",
         {.signer = cast->role, .types = DOMAIN, .carried = {cast->ca}},
         OUTCOME_POLICY,
         OUTCOME_NONE,
         "anchor"},
        {"the same for a person",
         {.signer = cast->alice, .carried = {cast->ca}},
         OUTCOME_NONE,
         OUTCOME_POLICY,
         "anchor"},
        {"issuer and number of the real certificate, which is there too",
         {.signer = cast->twin, .types = DOMAIN, .carried = {acme->dsa}},
         OUTCOME_POLICY,
         OUTCOME_NONE,
         "anchor"},
        {"issuer and number of the real certificate, which alone is there",
         {.signer = cast->twin, .types = DOMAIN, .carried = {acme->dsa}, .flags = CMS_NOCERTS},
         OUTCOME_FAIL,
         OUTCOME_NONE,
         "does not verify"},
        {"no certificate",
         {.signer = acme->dsa, .types = DOMAIN, .flags = CMS_NOCERTS},
         OUTCOME_PERMERROR, /* RFC 7281 §3.1 */
         OUTCOME_NONE,
         "not in the message"},
        {"alice's certificate beside mallory's",
         {.signer = cast->mallory, .carried = {acme->alice}},
         OUTCOME_NONE,
         OUTCOME_POLICY,
         "is not for alice@acme.test"},
        {"alice's name on mallory's key", {.signer = cast->renamed}, OUTCOME_NONE, OUTCOME_POLICY, "anchor"},
        {"a person signs as a domain",
         {.signer = acme->alice, .types = DOMAIN},
         OUTCOME_POLICY,
         OUTCOME_NONE,
         "common name"},
        {"a domain signs as a person",
         {.signer = acme->dsa},
         OUTCOME_NONE,
         OUTCOME_POLICY,
         "is not for alice@acme.test"},
        {"another domain's authority",
         {.signer = cast->rig->partner.dsa, .types = DOMAIN},
         OUTCOME_POLICY,
         OUTCOME_NONE,
         "anchor"},
        {"the confidentiality authority signs",
         {.signer = acme->dca, .types = DOMAIN},
         OUTCOME_FAIL,
         OUTCOME_NONE,
         "key usage"},
        {"a review signature is none of the two",
         {.signer = acme->dsa, .types = SIGNATURE_TYPE_REVIEW},
         OUTCOME_NONE,
         OUTCOME_NONE,
         NULL},
        {"SHA-1", {.signer = acme->dsa, .types = DOMAIN, .digest = "SHA1"}, OUTCOME_POLICY, OUTCOME_NONE, "weak"},
        {"MD5", {.signer = cast->rsa, .digest = "MD5"}, OUTCOME_NONE, OUTCOME_POLICY, "weak"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = attack_message(&rows[i].attack);
        AUTO_SENT struct sent in = attack_in(cast->rig, text);
        attack_expect_refused(&in, rows[i].what);
        attack_expect_outcome(&in.result->plan.judgement.domain, rows[i].domain,
                              rows[i].domain != OUTCOME_NONE ? rows[i].says : NULL, rows[i].what);
        attack_expect_outcome(&in.result->plan.judgement.originator, rows[i].originator,
                              rows[i].originator != OUTCOME_NONE ? rows[i].says : NULL, rows[i].what);
    }
}

/* The same key, issuer and number, but another certificate: signingCertificateV2 (RFC 5035) tells. */
Test(spoofing, certificate_is_swapped_for_another_of_the_same_key)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    PKI_AUTO struct pki *other = pki_issue(&(struct pki_spec){
        .issuer = rig->acme.ca,
        .subject = PKI_LIST("CN=domain-signing-authority"),
        .san = PKI_LIST("email:domain-signing-authority@acme.test"),
        .use_key = rig->acme.dsa->key,
        .serial = ASN1_INTEGER_get(X509_get0_serialNumber(rig->acme.dsa->cert)),
    });
    struct attack attack = {
        .signer = rig->acme.dsa, .types = DOMAIN, .flags = CMS_CADES | CMS_NOCERTS, .carried = {other}};
    g_autofree char *text = attack_message(&attack);
    AUTO_SENT struct sent in = attack_in(rig, text);
    attack_expect_refused(&in, "swapped");
    attack_expect_outcome(&in.result->plan.judgement.domain, OUTCOME_FAIL, "names another certificate", "swapped");
}

/* The attacker's review signature around alice's: what is said of alice's may not bear the attacker's name. */
Test(spoofing, result_names_the_signer_whose_signature_it_is)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    PKI_AUTO struct pki *ca = pki_ca("evil");
    PKI_AUTO struct pki *ceo = pki_person(ca, "ceo@acme.test");
    g_autofree char *inner = attack_opaque("", attack_sign(&(struct attack){.signer = rig->acme.alice}));
    struct attack outer = {.signer = ceo, .types = SIGNATURE_TYPE_REVIEW, .content = inner};
    g_autofree char *text = attack_message(&outer);
    AUTO_SENT struct sent in = attack_in(rig, text);
    attack_expect_safe(&in, "two names");
    cr_assert_eq(in.result->plan.judgement.originator.outcome, OUTCOME_PASS, "%s",
                 in.result->plan.judgement.originator.reason);
    cr_assert_not_null(strstr(in.result->made.authentication_results, "body.smime-identifier=\"alice@acme.test\""),
                       "%s", in.result->made.authentication_results);
    cr_assert_null(strstr(in.result->made.authentication_results, "=\"ceo@"), "%s",
                   in.result->made.authentication_results);
    cr_assert_null(strstr(in.result->plan.judgement.originator.reason, "ceo@"), "%s",
                   in.result->plan.judgement.originator.reason);
    cr_assert_not_null(strstr(in.result->made.authentication_results, "body.smime-part=1.1"));
}

/* A mailing list agent signs around what others signed: whoever pretends to be one gets no more than what is inside. */
static void add_history(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    static const char der[] = "\x30\x19\x30\x17\x04\x04\x01\x02\x03\x04\x18\x0f"
                              "20260101000000Z";
    ASN1_OBJECT *oid = OBJ_txt2obj(OID_ML_EXPANSION_HISTORY, 1);
    (void)cms;
    cr_assert_gt(CMS_signed_add1_attr_by_OBJ(info, oid, V_ASN1_SEQUENCE, der, sizeof(der) - 1), 0);
    ASN1_OBJECT_free(oid);
}

static void add_histories(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)info;
    for (int i = 0; i < sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms)); i++)
        add_history(cms, sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), i));
}

Test(spoofing, mailing_list_agents)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    PKI_AUTO struct pki *list = pki_person(rig->acme.ca, "list@lists.test");
    PKI_AUTO struct pki *ca = pki_ca("evil");
    PKI_AUTO struct pki *ceo = pki_person(ca, "ceo@acme.test");
    g_autofree char *alices = attack_opaque("", attack_sign(&(struct attack){.signer = rig->acme.alice}));
    const struct {
        const char *what;
        const struct pki *signer, *second;
        const char *content;
        enum outcome originator;
        const char *says; /* in the header */
        void (*alter)(CMS_ContentInfo *cms, CMS_SignerInfo *info);
    } rows[] = {
        {"around alice's", list, NULL, alices, OUTCOME_PASS, "\"alice@acme.test\""},
        {"alone", list, NULL, NULL, OUTCOME_POLICY, "smime=policy (originator signature)"},
        {"alice alone", rig->acme.alice, NULL, NULL, OUTCOME_PASS, "smime=pass (originator signature)"},
        {"alice and an agent", rig->acme.alice, list, NULL, OUTCOME_POLICY, "\"list@lists.test\"", add_histories},
        {"with a second signer that is none", list, rig->acme.alice, NULL, OUTCOME_POLICY, "list@lists.test"},
        {"of an unknown authority", ceo, NULL, alices, OUTCOME_PASS, "smime=policy (mailing list agent's signature)"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text =
            attack_message(&(struct attack){.signer = rows[i].signer,
                                            .second = rows[i].second,
                                            .content = rows[i].content,
                                            .alter = rows[i].alter != NULL ? rows[i].alter : add_history});
        AUTO_SENT struct sent in = attack_in(rig, text);
        g_autofree char *line = g_strdup(in.result->made.authentication_results);
        g_strdelimit(line, "\r\n\t", ' ');
        attack_expect_safe(&in, rows[i].what);
        attack_expect_outcome(&in.result->plan.judgement.originator, rows[i].originator, NULL, rows[i].what);
        cr_expect_eq(in.result->plan.judgement.domain.outcome, OUTCOME_NONE, "%s", rows[i].what);
        cr_expect_not_null(strstr(line, rows[i].says), "%s: %s", rows[i].what, line);
        cr_expect_eq(in.result->reply.verdict, rows[i].originator == OUTCOME_PASS ? VERDICT_ACCEPT : VERDICT_QUARANTINE,
                     "%s", rows[i].what);
        cr_expect(!(0 < in.result->made.removed), "%s", rows[i].what);
    }
}

static void add_label(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    static const struct security_label label = {.policy = "1.2.4", .classification = 4};
    (void)cms;
    craft_add_attribute(info, OID_SECURITY_LABEL, &(struct sign_options){.label = &label});
}

static void add_equivalents(CMS_SignerInfo *info, const struct security_label *labels, unsigned count)
{
    craft_add_attribute(info, OID_EQUIVALENT_LABELS,
                        &(struct sign_options){.equivalents = labels, .equivalent_count = count});
}

static void add_equivalent(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    add_equivalents(info, (const struct security_label[]){{.policy = "1.2.3", .classification = 1}}, 1);
}

static void add_equivalent_and_history(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    add_equivalent(cms, info);
    add_history(cms, info);
}

static void add_equivalent_too_high(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    add_equivalents(info, (const struct security_label[]){{.policy = "1.2.3", .classification = 4}}, 1);
}

static void add_equivalent_of_two_kinds(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    add_equivalents(info,
                    (const struct security_label[]){{.policy = "1.2.3", .classification = 1},
                                                    {.policy = "1.2.5", .classification = 4}},
                    2);
}

static void add_equivalent_twice(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    add_equivalents(info,
                    (const struct security_label[]){{.policy = "1.2.3", .classification = 1},
                                                    {.policy = "1.2.3", .classification = 4}},
                    2);
}

static void add_unknown_equivalent(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    add_equivalents(info, (const struct security_label[]){{.policy = "1.2.9", .classification = 1}}, 1);
}

static void add_label_and_equivalent(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    add_label(cms, info);
    add_equivalent(cms, info);
}

static void add_label_and_its_equivalent(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    add_label(cms, info);
    add_equivalents(info, (const struct security_label[]){{.policy = "1.2.4", .classification = 1}}, 1);
}

static void label_all(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
    (void)info;
    for (int i = 0; i < sk_CMS_SignerInfo_num(infos); i++)
        add_label(cms, sk_CMS_SignerInfo_value(infos, i));
}

#define KNOWN_3 "accept_labels = ( \"1.2.3\", \"1.2.5\" ); max_classification = \"confidential\";"
#define KNOWN_4 "accept_labels = ( \"1.2.4\", \"1.2.3\" ); max_classification = \"confidential\";"
#define KNOWN_ALL "max_classification = \"confidential\";"

/* Nobody but who vouches for a message may say that its label, of a policy that is not known here, is as good as one
 * that is accepted. The label inside is 1.2.4, secret (RFC 2634 §3.4). */
Test(spoofing, equivalent_labels)
{
    const struct {
        const char *inbound;
        bool by_domain;
        unsigned types;
        void (*alter)(CMS_ContentInfo *cms, CMS_SignerInfo *info);
        enum verdict verdict;
    } rows[] = {
        {KNOWN_3, true, SIGNATURE_TYPE_DOMAIN, add_equivalent, VERDICT_ACCEPT},
        {KNOWN_3, false, SIGNATURE_TYPE_DOMAIN, add_equivalent, VERDICT_REJECT},
        {KNOWN_3, false, 0, add_equivalent, VERDICT_REJECT},
        {KNOWN_3, false, 0, add_equivalent_and_history, VERDICT_REJECT},
        {KNOWN_3, true, SIGNATURE_TYPE_DOMAIN, add_equivalent_too_high, VERDICT_REJECT},
        {KNOWN_3, true, SIGNATURE_TYPE_DOMAIN, add_equivalent_of_two_kinds, VERDICT_REJECT},
        {KNOWN_3, true, SIGNATURE_TYPE_DOMAIN, add_equivalent_twice, VERDICT_REJECT},
        {KNOWN_3, true, SIGNATURE_TYPE_DOMAIN, add_unknown_equivalent, VERDICT_REJECT},
        {KNOWN_3, true, SIGNATURE_TYPE_DOMAIN, add_label_and_equivalent, VERDICT_ACCEPT},
        /* A label that is known is what counts. */
        {KNOWN_4, true, SIGNATURE_TYPE_DOMAIN, add_equivalent, VERDICT_REJECT},
        {KNOWN_4, true, SIGNATURE_TYPE_DOMAIN, add_label_and_its_equivalent, VERDICT_REJECT},
        {KNOWN_ALL, true, SIGNATURE_TYPE_DOMAIN, add_equivalent, VERDICT_REJECT},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *policy =
            g_strdup_printf("inbound = { require = \"sign\"; otherwise = \"reject\"; %s };", rows[i].inbound);
        owned(rig) struct rig *rig = rig_new(SIGN, policy);
        PKI_AUTO struct pki *list = pki_person(rig->acme.ca, "list@lists.test");
        g_autofree char *alices =
            attack_opaque("", attack_sign(&(struct attack){.signer = rig->acme.alice, .alter = add_label}));
        g_autofree char *text = attack_message(&(struct attack){.signer = rows[i].by_domain ? rig->acme.dsa : list,
                                                                .types = rows[i].types,
                                                                .content = alices,
                                                                .alter = rows[i].alter});
        AUTO_SENT struct sent in = attack_in(rig, text);
        cr_expect_eq(in.result->reply.verdict, rows[i].verdict, "%zu: %s", i, in.result->reply.reason);
    }
}

/* Around what has no label: then the equivalent ones are it (RFC 2634 §3.4.1). */
Test(spoofing, equivalent_labels_without_a_label)
{
    static const struct {
        const char *inbound;
        void (*alter)(CMS_ContentInfo *cms, CMS_SignerInfo *info);
        enum verdict verdict;
    } rows[] = {
        {KNOWN_3, NULL, VERDICT_ACCEPT},
        {KNOWN_3, add_equivalent, VERDICT_ACCEPT},
        {KNOWN_3, add_equivalent_too_high, VERDICT_REJECT},
        {KNOWN_3, add_unknown_equivalent, VERDICT_REJECT},
        {KNOWN_ALL, add_equivalent_too_high, VERDICT_REJECT},
        {KNOWN_ALL, add_unknown_equivalent, VERDICT_ACCEPT},
        {"", add_equivalent_too_high, VERDICT_ACCEPT},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *policy =
            g_strdup_printf("inbound = { require = \"sign\"; otherwise = \"reject\"; %s };", rows[i].inbound);
        owned(rig) struct rig *rig = rig_new(SIGN, policy);
        g_autofree char *text = attack_message(&(struct attack){.signer = rig->acme.alice, .alter = rows[i].alter});
        AUTO_SENT struct sent in = attack_in(rig, text);
        cr_expect_eq(in.result->reply.verdict, rows[i].verdict, "%zu: %s", i, in.result->reply.reason);
    }
}

/* RFC 2634 §3.1.1: all signers of a layer give the same, or none. */
Test(spoofing, labels_that_differ)
{
    owned(rig) struct rig *rig = rig_new(SIGN, "inbound = { require = \"sign\"; otherwise = \"reject\"; };");
    const struct {
        void (*alter)(CMS_ContentInfo *cms, CMS_SignerInfo *info);
        enum outcome outcome;
    } rows[] = {{label_all, OUTCOME_PASS}, {add_label, OUTCOME_PERMERROR}};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = attack_message(
            &(struct attack){.signer = rig->acme.alice, .second = rig->acme.alice, .alter = rows[i].alter});
        AUTO_SENT struct sent in = attack_in(rig, text);
        attack_expect_outcome(&in.result->plan.judgement.originator, rows[i].outcome,
                              i > 0 ? "labels of the signers differ" : NULL, "");
    }
}

/* --- the signed part among others, %s; nothing but the whole body counts --- */

#define MIXED "Content-Type: multipart/mixed; boundary=o\r\n\r\n"
static const char *const hiding[] = {
    MIXED "--o\r\nContent-Type: text/plain\r\n\r\nYou are fired.\r\n--o\r\n%s\r\n--o--\r\n",
    MIXED "--o\r\n%s\r\n--o\r\nContent-Type: text/plain\r\n\r\nYou are fired.\r\n--o--\r\n",
    MIXED "--o\r\nContent-Type: text/html\r\n\r\nYou are fired.<div style=\"display:none\">\r\n--o\r\n%s\r\n--o--\r\n",
    MIXED "--o\r\n%s\r\n--o--\r\n",
    "Content-Type: multipart/related; boundary=o\r\n\r\n--o\r\nContent-Type: text/html\r\n\r\n<img "
    "src=\"cid:s\">\r\n--o\r\nContent-ID: "
    "<s>\r\n%s\r\n--o--\r\n",
    "Content-Type: multipart/alternative; boundary=o\r\n\r\n--o\r\nContent-Type: text/plain\r\n\r\nYou are "
    "fired.\r\n--o\r\n%s\r\n--o--\r\n",
    MIXED "--o\r\n\r\nYou are fired.\r\n--o\r\nContent-Disposition: attachment; filename=a.eml\r\n%s\r\n--o--\r\n",
    MIXED
    "--o\r\n\r\nYou are fired.\r\n--o\r\nContent-Type: message/rfc822\r\n\r\nFrom: alice@acme.test\r\n%s\r\n--o--\r\n",
    "Content-Type: message/rfc822\r\n\r\nFrom: alice@acme.test\r\n%s",
    "Content-Type: message/global\r\n\r\nFrom: alice@acme.test\r\n%s",
    "Content-Type: message/partial; number=1; total=1; id=\"x\"\r\n\r\nFrom: alice@acme.test\r\n%s",
    "Content-Type: message/external-body; access-type=local-file; name=x\r\n\r\n%s",
    "Content-Type: multipart/digest; boundary=o\r\n\r\n--o\r\n\r\nFrom: alice@acme.test\r\n%s\r\n--o--\r\n",
    "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; "
    "boundary=o\r\n\r\n--o\r\n%s\r\n--o\r\nContent-Type: "
    "application/pgp-signature\r\n\r\nx\r\n--o--\r\n",
    "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; "
    "boundary=o\r\n\r\n--o\r\n%s\r\n--o\r\nContent-Type: "
    "application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--o--\r\n",
    "Content-Type: multipart/x-unknown; boundary=o\r\n\r\n--o\r\n%s\r\n--o\r\n\r\nYou are fired.\r\n--o--\r\n",
    "Content-Type: text/plain\r\n\r\n%s",
    "Content-Type: text/html\r\n\r\n<pre>\r\n%s",
};

Test(spoofing, signed_part_hidden_among_others)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    const struct attack attacks[] = {{.signer = rig->acme.dsa, .types = DOMAIN},
                                     {.signer = rig->acme.dsa, .types = DOMAIN, .flags = CMS_DETACHED},
                                     {.signer = rig->acme.alice, .flags = CMS_DETACHED}};
    for (size_t a = 0; a < G_N_ELEMENTS(attacks); a++) {
        g_autofree char *whole = attack_message(&attacks[a]);
        const char *entity = strstr(whole, "Content-Type:");
        for (size_t i = 0; i < G_N_ELEMENTS(hiding); i++) {
            g_auto(GStrv) halves = g_strsplit(hiding[i], "%s", 2);
            g_autofree char *text = g_strconcat(ATTACK_TOP, halves[0], entity, halves[1], NULL);
            AUTO_SENT struct sent in = attack_in(rig, text);

            attack_expect_refused(&in, hiding[i]);
            cr_expect_not_null(strstr(in.bytes, entity), "%s: what nobody vouches for is left as it came", hiding[i]);
        }
    }
}

/* What a client may show of a signed message beside what was signed goes when the layer comes off. */
Test(spoofing, text_around_the_parts_is_not_delivered_with_a_pass)
{
    owned(rig) struct rig *rig = rig_new(SIGN, "inbound = { require = \"sign\"; otherwise = \"quarantine\"; };");
    struct attack attack = {.signer = rig->acme.dsa, .types = DOMAIN, .flags = CMS_DETACHED};
    g_autofree char *text = attack_message(&attack);
    g_auto(GStrv) halves = g_strsplit(text, "\r\n\r\n--sig\r\n", 2);
    g_autofree char *padded =
        g_strconcat(halves[0], "\r\n\r\nYou are fired.\r\n\r\n--sig\r\n", halves[1], "You are fired.\r\n", NULL);

    cr_assert_not_null(halves[1]);
    AUTO_SENT struct sent in = attack_in(rig, padded);
    attack_expect_safe(&in, "around");
    cr_assert_eq(in.result->plan.judgement.layers[0].finding.outcome, OUTCOME_PASS, "%s",
                 in.result->plan.judgement.layers[0].finding.reason);
}
