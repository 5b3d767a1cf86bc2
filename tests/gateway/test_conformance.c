/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What RFC 3183, RFC 8550 and RFC 8551 demand of a gateway and no other test shows: each test names its section.
 * CONFORMANCE.md has the whole table.
 */
#include "support/attack.h"

#define MESSAGE ATTACK_TOP "Content-Type: text/plain\r\n\r\nthe secret line\r\n"
#define SIGN "outbound = { protect = \"sign\"; };"
#define ENCRYPT "outbound = { protect = \"sign+encrypt\"; };"

/* --- RFC 3183 §3.2 to §3.4, §4.2: our own certificates are named by the convention --- */

static const struct {
    const char *identity; /* of the rig: "dsa" … */
    const char *role;
    const char *const *subject; /* of its new certificate */
    const char *address;
    const char *rule;
    const char *warning; /* NULL: none */
    const char *key_usage, *eku;
} own_names[] = {
    {"dsa", "domain-signing-authority", PKI_LIST("CN=domain-signing-authority"), "domain-signing-authority@acme.test",
     SIGN, NULL},
    {"dsa", "domain-signing-authority", PKI_LIST("CN=Acme mail gateway"), "domain-signing-authority@acme.test", SIGN,
     "common name \"Acme mail gateway\" is not domain-signing-authority"},
    {"dsa", "domain-signing-authority", PKI_LIST("CN=Acme mail gateway"), "domain-signing-authority@acme.test",
     SIGN " naming = \"mailbox\";", NULL},
    {"dsa", "domain-signing-authority", PKI_LIST("CN=domain-signing-authority"), "gateway@acme.test", SIGN,
     "address \"gateway@acme.test\" is not that of a domain-signing-authority"},
    {"dsa", "domain-signing-authority", PKI_LIST("CN=domain-signing-authority"),
     "domain-signing-authority@notacme.test", SIGN, "does not map to acme.test"},
    {"dsa", "domain-signing-authority", PKI_LIST("CN=Acme mail gateway"), "gateway@acme.test",
     "outbound = { protect = \"encrypt\"; };", NULL},
    {"dca", "domain-confidentiality-authority", PKI_LIST("CN=Acme mail gateway"),
     "domain-confidentiality-authority@acme.test", ENCRYPT, "is not domain-confidentiality-authority"},
    {"dca", "domain-confidentiality-authority", PKI_LIST("CN=Acme mail gateway"),
     "domain-confidentiality-authority@acme.test", SIGN, NULL},
    {"review", "review-authority", PKI_LIST("CN=Robin"), "robin@acme.test",
     "outbound = { protect = \"sign\"; review = true; };", "is not review-authority"},
    {"review", "review-authority", PKI_LIST("CN=Robin"), "robin@acme.test", SIGN, NULL},
    {"attribute", "attribute-authority", PKI_LIST("CN=Robin"), "robin@acme.test",
     "outbound = { protect = \"sign\"; attributes = true; };", "is not attribute-authority"},
    /* An X.500 name: whose it is, partners know (§3.1.1). */
    {"dsa", "domain-signing-authority", PKI_LIST("C=US", "O=Acme", "CN=domain-signing-authority"), NULL, SIGN, NULL},
    {"dsa", "domain-signing-authority", PKI_LIST("C=US", "O=Acme", "CN=gateway"), NULL, SIGN,
     "common name \"gateway\" is not domain-signing-authority"},
    {"dsa", "domain-signing-authority", PKI_LIST("C=US", "CN=domain-signing-authority"), NULL, SIGN,
     "contains no mail domain"},
    /* RFC 8550 §4.4.2, §4.4.4 */
    {"dsa", "domain-signing-authority", PKI_LIST("CN=domain-signing-authority"), "domain-signing-authority@acme.test",
     SIGN, "its key usage does not allow signatures; partners will not accept it; have another one issued",
     "critical,keyAgreement"},
    {"dsa", "domain-signing-authority", PKI_LIST("CN=domain-signing-authority"), "domain-signing-authority@acme.test",
     SIGN, "its extended key usage does not include e-mail protection", NULL, "serverAuth"},
    {"dca", "domain-confidentiality-authority", PKI_LIST("CN=domain-confidentiality-authority"),
     "domain-confidentiality-authority@acme.test", SIGN, "its key usage does not allow encryption",
     "critical,digitalSignature"},
};

Test(conformance, own_certificates_follow_the_naming_convention)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_LAX);
    const struct org *acme = &rig->acme;
    g_autofree char *file = g_build_filename(acme->folder, "domsec.conf", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(own_names); i++) {
        g_autofree char *san = g_strconcat("email:", own_names[i].address, NULL);
        const char *const *sans = own_names[i].address != NULL ? PKI_LIST(san) : NULL;
        g_autofree char *pem = g_strconcat(own_names[i].identity, ".pem", NULL);
        g_autofree char *key = g_strconcat(own_names[i].identity, ".key", NULL);
        g_autofree char *rule = g_strconcat("domain = \"partner.test\";\n", own_names[i].rule, "\n", NULL);
        PKI_AUTO struct pki *odd = pki_issue(&(struct pki_spec){.issuer = acme->ca,
                                                                .subject = own_names[i].subject,
                                                                .san = sans,
                                                                .key_usage = own_names[i].key_usage,
                                                                .eku = own_names[i].eku});
        PKI_AUTO struct pki *good = pki_role(acme->ca, own_names[i].role, "acme.test");
        owned(faults) struct faults *faults = faults_new();
        g_free(pki_write(acme->folder, pem, odd, NULL));
        g_free(pki_write_key(acme->folder, key, odd));
        folder_write(acme->folder, "policy.d/partner.test.conf", rule);
        owned(conf) struct conf *conf = conf_load(file, faults);
        cr_assert_not_null(conf, "%zu", i);
        struct gateway *gateway = gateway_open(conf, faults);
        cr_expect_not_null(gateway, "%zu: only a warning", i);
        gateway_unref(gateway);
        size_t told = 0;
        for (size_t j = 0; j < faults_count(faults); j++) {
            const char *fault = faults_at(faults, j);
            if (strstr(fault, "domsec.conf:") == NULL)
                continue; /* not of our own certificates */
            told++;
            cr_expect_not_null(strstr(fault, "warning: "), "%zu: %s", i, fault);
            cr_expect(own_names[i].warning != NULL && strstr(fault, own_names[i].warning) != NULL, "%zu: %s", i, fault);
        }
        cr_expect_eq(told, own_names[i].warning != NULL ? 1u : 0u, "%zu: %zu warnings", i, told);
        g_free(pki_write(acme->folder, pem, good, NULL));
        g_free(pki_write_key(acme->folder, key, good));
    }
}

/* --- RFC 3183 §5, §4.1: originatorInfo --- */

/* An entity encrypted to a confidentiality authority, in the name of originator. */
static char *encrypted_message(const struct org *to, X509 *originator, enum cipher cipher)
{
    struct encrypt_options options = {
        .cipher = cipher, .originator = originator, .limits = &gateway_conf(to->gateway)->limits};
    struct entity entity = {rope_new(), rope_new()}, out = {0};
    struct error error = {0};
    rope_copy(entity.header, slice_of("Content-Type: text/plain\r\n"));
    rope_copy(entity.body, slice_of("the secret line\r\n"));
    cr_assert(smime_encrypt(&to->dca->cert, 1, &options, &entity, &out, &error), "%s", error.text);
    owned(rope) struct rope *bytes = entity_bytes(&out);
    g_autofree char *flat = rope_flatten(bytes, NULL);
    entity_clear(&entity);
    entity_clear(&out);
    return g_strconcat(ATTACK_TOP, flat, NULL);
}

static CMS_ContentInfo *cms_of(const char *message)
{
    g_autofree char *base64 = g_strdup(strstr(message, "\r\n\r\n"));
    gsize length;
    g_autofree guchar *der = g_base64_decode(base64, &length);
    const unsigned char *at = der;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)length);
    cr_assert_not_null(cms);
    cr_assert_eq(at, der + length);
    return cms;
}

static long version_of(CMS_ContentInfo *cms)
{
    unsigned char *der = NULL;
    int length = i2d_CMS_ContentInfo(cms, &der), tag, class;
    const unsigned char *at = der, *end = der + length;
    long size;
    ASN1_get_object(&at, &size, &tag, &class, end - at); /* ContentInfo */
    ASN1_get_object(&at, &size, &tag, &class, end - at);
    at += size;                                          /* contentType */
    ASN1_get_object(&at, &size, &tag, &class, end - at); /* [0] */
    ASN1_get_object(&at, &size, &tag, &class, end - at); /* EnvelopedData */
    ASN1_get_object(&at, &size, &tag, &class, end - at);
    cr_assert_eq(tag, V_ASN1_INTEGER);
    long version = *at;
    OPENSSL_free(der);
    return version;
}

Test(conformance, what_is_encrypted_again_names_our_authority)
{
    static const struct {
        enum pki_key key;
        const char *cipher, *naming;
        bool again, named;
        long version; /* RFC 5652 §6.1; RFC 5083 §2.1 */
    } rows[] = {
        {PKI_EC, "aes-256-gcm", "rfc3183", true, true, 0},    {PKI_EC, "aes-256-cbc", "rfc3183", true, true, 2},
        {PKI_RSA, "aes-256-cbc", "rfc3183", true, true, 2},   {PKI_RSA, "aes-256-gcm", "rfc3183", true, true, 0},
        {PKI_RSA, "aes-256-cbc", "rfc3183", false, false, 0}, {PKI_EC, "aes-256-gcm", "rfc3183", false, false, 0},
        {PKI_RSA, "aes-256-cbc", "mailbox", true, false, 0}, /* by other conventions: only what everybody reads */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *policy =
            g_strdup_printf(ENCRYPT " cipher = \"%s\"; naming = \"%s\";", rows[i].cipher, rows[i].naming);
        owned(rig) struct rig *rig = rig_with_key(rows[i].key, policy, ATTACK_LAX);
        g_autofree char *text =
            rows[i].again ? encrypted_message(&rig->acme, NULL, CIPHER_AES_256_GCM) : g_strdup(MESSAGE);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        cr_assert_eq(out.result->reply.verdict, VERDICT_ACCEPT, "%zu: %s", i, out.result->reply.reason);
        owned(CMS_ContentInfo) CMS_ContentInfo *cms = cms_of(out.bytes);
        owned(x509_stack) STACK_OF(X509) *certificates = CMS_get1_certs(cms);

        cr_expect_eq(MAX(sk_X509_num(certificates), 0), rows[i].named ? 1 : 0, "%zu", i);
        if (sk_X509_num(certificates) == 1)
            cr_expect_eq(X509_cmp(sk_X509_value(certificates, 0), rig->acme.dca->cert), 0, "%zu", i);
        cr_expect_eq(version_of(cms), rows[i].version, "%zu: version %ld", i, version_of(cms));
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        cr_expect_eq(in.result->plan.judgement.layers[0].finding.outcome, OUTCOME_PASS, "%zu: %s", i,
                     in.result->plan.judgement.layers[0].finding.reason);
        attack_expect_believed(&in, true, rows[i].cipher);
        cr_expect_not_null(strstr(in.bytes, "the secret line"), "%zu", i);
    }
}

Test(conformance, who_encrypts_in_anothers_name_is_flagged)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, ATTACK_LAX);
    const struct {
        const struct pki *originator;
        bool flagged;
    } rows[] = {{NULL, false},
                {rig->acme.dca, false},
                {rig->acme.alice, false}, /* case (b): the author encrypts */
                {rig->partner.dca, true},
                {rig->partner.alice, true},
                {rig->acme.dsa, true}, /* of the domain, in another role */
                {rig->acme.ca, false}};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text =
            encrypted_message(&rig->partner, rows[i].originator != NULL ? rows[i].originator->cert : NULL,
                              i % 2 ? CIPHER_AES_256_GCM : CIPHER_AES_128_CBC);
        AUTO_SENT struct sent in = attack_in(rig, text);
        cr_expect_eq(in.result->plan.judgement.layers[0].finding.outcome,
                     rows[i].flagged ? OUTCOME_POLICY : OUTCOME_PASS, "%zu: %s", i,
                     in.result->plan.judgement.layers[0].finding.reason);
        cr_expect_eq(strstr(in.result->plan.judgement.layers[0].finding.reason, "another's name") != NULL,
                     rows[i].flagged, "%zu", i);
        cr_expect_not_null(strstr(in.bytes, "the secret line"), "%zu", i);
    }
}

/* --- RFC 8550 §3: From and Sender --- */

Test(conformance, sender_explains_what_from_does_not_cover)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    static const struct {
        const char *from;
        enum outcome outcome;
        const char *says;
    } rows[] = {
        {"From: alice@acme.test\r\nSender: secretary@elsewhere.test\r\n", OUTCOME_PASS, "good signature"},
        {"From: ceo@elsewhere.test\r\nSender: Alice <alice@acme.test>\r\n", OUTCOME_POLICY,
         "is for the Sender alice@acme.test"},
        {"From: ceo@elsewhere.test\r\nSender: bob@elsewhere.test\r\n", OUTCOME_POLICY,
         "for ceo@elsewhere.test|map to elsewhere.test"},
        {"From: ceo@elsewhere.test\r\nSender: alice@acme.test\r\nSender: alice@acme.test\r\n", OUTCOME_POLICY,
         "for ceo@elsewhere.test|map to elsewhere.test"},
        {"From: ceo@elsewhere.test\r\nSender: alice@acme.test, bob@acme.test\r\n", OUTCOME_POLICY,
         "for ceo@elsewhere.test|map to elsewhere.test"},
        {"From: ceo@elsewhere.test\r\n", OUTCOME_POLICY, "for ceo@elsewhere.test|map to elsewhere.test"},
    };
    /* elsewhere.test and acme.test have the same authority: it is the names that differ. */
    folder_write(rig->partner.folder, "policy.d/elsewhere.test.conf",
                 "domain = \"elsewhere.test\"; anchors = ( \"other-ca.pem\" ); " ATTACK_STRICT "\n");
    gateway_unref(rig->partner.gateway);
    rig_open(&rig->partner, &rig->acme, ATTACK_STRICT, NULL);
    const struct attack attacks[] = {{.signer = rig->acme.alice},
                                     {.signer = rig->acme.dsa, .types = SIGNATURE_TYPE_DOMAIN}};

    for (size_t i = 0; i < 2 * G_N_ELEMENTS(rows); i++) {
        const char *from = rows[i / 2].from;
        bool domain = i % 2;
        g_autofree char *header = g_strconcat(from, ATTACK_FIELDS, NULL);
        g_autofree char *text = attack_opaque(header, attack_sign(&attacks[domain]));
        g_auto(GStrv) says = g_strsplit(rows[i / 2].says, "|", 2);
        AUTO_SENT struct sent in = attack_in(rig, text);

        if (rows[i / 2].outcome != OUTCOME_PASS)
            attack_expect_refused(&in, from);
        attack_expect_outcome(domain ? &in.result->plan.judgement.domain : &in.result->plan.judgement.originator,
                              rows[i / 2].outcome, says[domain && says[1] != NULL ? 1 : 0], from);
    }
}

/* --- RFC 3183 §4: who encrypts, who decrypts --- */

/* Signed by alice of acme.test and encrypted by her mail program to another. */
static char *signed_and_encrypted_by_alice(const struct rig *rig, X509 *to)
{
    const struct limits *limits = &gateway_conf(rig->acme.gateway)->limits;
    struct identity alice = {.certificate = rig->acme.alice->cert, .key = rig->acme.alice->key};
    struct sign_options sign = {.format = FORMAT_CLEAR, .limits = limits};
    struct encrypt_options encrypt = {.cipher = CIPHER_AES_256_GCM, .limits = limits};
    struct entity entity = {rope_new(), rope_new()}, one = {0}, two = {0};
    struct error error = {0};
    rope_copy(entity.header, slice_of("Content-Type: text/plain\r\n"));
    rope_copy(entity.body, slice_of("the secret line\r\n"));
    cr_assert(smime_sign(&alice, &sign, &entity, &one, &error), "%s", error.text);
    cr_assert(smime_encrypt(&to, 1, &encrypt, &one, &two, &error), "%s", error.text);
    owned(rope) struct rope *bytes = entity_bytes(&two);
    g_autofree char *flat = rope_flatten(bytes, NULL);
    entity_clear(&entity);
    entity_clear(&one);
    entity_clear(&two);
    return g_strconcat(ATTACK_TOP, flat, NULL);
}

/* Case (b), and a person's signature under the encryption: decrypted first, then verified. */
Test(conformance, case_b_originator_encrypts_for_the_domain)
{
    owned(rig) struct rig *rig =
        rig_new(SIGN, "inbound = { require = \"sign+encrypt\"; otherwise = \"quarantine\"; };");
    g_autofree char *text = signed_and_encrypted_by_alice(rig, rig->partner.dca->cert);
    AUTO_SENT struct sent in = attack_in(rig, text);
    attack_expect_believed(&in, false, "case (b)");
    cr_expect_not_null(strstr(in.bytes, "the secret line"));
    cr_expect_not_null(strstr(in.bytes, "multipart/signed"), "alice's signature stays");
}

/* Case (c): the recipient's own key opens it, and the domain signature is inside; (d) is test_roundtrip's. */
Test(conformance, case_c_domain_encrypts_for_the_recipient)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, ATTACK_LAX);
    PKI_AUTO struct pki *bob = pki_person(rig->partner.ca, "bob@partner.test");
    g_free(pki_write(rig->acme.folder, "bob.pem", bob, NULL));
    gateway_unref(rig->acme.gateway);
    rig_open(&rig->acme, &rig->partner, ENCRYPT " certificates = ( \"bob.pem\", \"other-dca.pem\" );", NULL);
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    cr_assert_eq(out.result->reply.verdict, VERDICT_ACCEPT, "%s", out.result->reply.reason);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = cms_of(out.bytes);
    owned(BIO) BIO *plain = BIO_new(BIO_s_mem());
    char *text;

    cr_assert_eq(sk_CMS_RecipientInfo_num(CMS_get0_RecipientInfos(cms)), 1);
    cr_assert_gt(CMS_decrypt_set1_pkey_and_peer(cms, bob->key, bob->cert, NULL), 0);
    cr_assert(CMS_decrypt(cms, NULL, NULL, NULL, plain, CMS_BINARY));
    long length = BIO_get_mem_data(plain, &text);
    cr_expect_not_null(memmem(text, (size_t)length, "multipart/signed", 16), "signed before it was encrypted");
    AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
    cr_expect_eq(in.result->plan.judgement.layers[0].finding.outcome, OUTCOME_NEUTRAL,
                 "partner.test's gateway cannot open it");
    cr_expect_not_null(strstr(in.bytes, strstr(out.bytes, "\r\n\r\n")), "bob gets it as it came");
}

/* §4.1, §4.2: a certificate that is not named for the partner is not encrypted for. */
Test(conformance, misnamed_confidentiality_authority_is_not_used)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, ATTACK_LAX);
    const struct {
        const char *cn, *address;
        bool good;
    } rows[] = {
        {"CN=domain-confidentiality-authority", "domain-confidentiality-authority@partner.test", true},
        {"CN=domain-confidentiality-authority", "domain-confidentiality-authority@sales.partner.test", false},
        {"CN=domain-confidentiality-authority", "domain-confidentiality-authority@evil.test", false},
        {"CN=domain-confidentiality-authority", "mallory@partner.test", false},
        {"CN=domain-signing-authority", "domain-signing-authority@partner.test", false},
        {"CN=Mallory", "domain-confidentiality-authority@partner.test", false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *san = g_strconcat("email:", rows[i].address, NULL);
        PKI_AUTO struct pki *odd = pki_issue(
            &(struct pki_spec){.issuer = rig->partner.ca, .subject = PKI_LIST(rows[i].cn), .san = PKI_LIST(san)});
        g_free(pki_write(rig->acme.folder, "odd.pem", odd, NULL));
        gateway_unref(rig->acme.gateway);
        rig_open(&rig->acme, &rig->partner, ENCRYPT " certificates = ( \"odd.pem\" );", NULL);
        AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
        cr_expect_eq(out.result->reply.verdict, rows[i].good ? VERDICT_ACCEPT : VERDICT_REJECT, "%zu: %s", i,
                     out.result->reply.reason);
        if (!rows[i].good)
            cr_expect(edits_are_empty(&out.result->made.edits), "%zu", i);
    }
}

/* --- RFC 3183 §3.1.1, §3.2 to §3.4: names are checked for each type, on reception --- */

Test(conformance, naming_convention_is_checked_for_each_type)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_LAX);
    const struct {
        const struct pki *signer;
        unsigned types;
        enum outcome outcome;
    } rows[] = {
        {rig->acme.dsa, SIGNATURE_TYPE_DOMAIN, OUTCOME_PASS},
        {rig->acme.review, SIGNATURE_TYPE_REVIEW, OUTCOME_PASS},
        {rig->acme.attribute, SIGNATURE_TYPE_ATTRIBUTES, OUTCOME_PASS},
        {rig->acme.alice, SIGNATURE_TYPE_ORIGINATOR, OUTCOME_PASS},
        {rig->acme.alice, 0, OUTCOME_PASS}, /* §3.1.2: absent means the originator */
        {rig->acme.alice, SIGNATURE_TYPE_DOMAIN, OUTCOME_POLICY},
        {rig->acme.alice, SIGNATURE_TYPE_REVIEW, OUTCOME_POLICY},
        {rig->acme.alice, SIGNATURE_TYPE_ATTRIBUTES, OUTCOME_POLICY},
        {rig->acme.review, SIGNATURE_TYPE_DOMAIN, OUTCOME_POLICY},
        {rig->acme.dsa, SIGNATURE_TYPE_REVIEW, OUTCOME_POLICY},
        {rig->acme.dsa, SIGNATURE_TYPE_ATTRIBUTES, OUTCOME_POLICY},
        {rig->acme.dca, SIGNATURE_TYPE_DOMAIN, OUTCOME_FAIL}, /* its key usage says no already */
        {rig->acme.dsa, SIGNATURE_TYPE_ORIGINATOR, OUTCOME_POLICY},
        {rig->acme.dsa, 0, OUTCOME_POLICY},
        {rig->acme.dsa, SIGNATURE_TYPE_DOMAIN | SIGNATURE_TYPE_REVIEW, OUTCOME_POLICY}, /* each has to hold */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct attack attack = {.signer = rows[i].signer, .types = rows[i].types};
        g_autofree char *text = attack_message(&attack);
        AUTO_SENT struct sent in = attack_in(rig, text);
        const struct passage *result = in.result;
        attack_expect_outcome(&result->plan.judgement.layers[0].finding, rows[i].outcome, NULL, "the layer");
        cr_expect_eq(result->plan.judgement.domain.outcome == OUTCOME_PASS,
                     rows[i].outcome == OUTCOME_PASS && rows[i].types == SIGNATURE_TYPE_DOMAIN, "%zu", i);
        cr_expect_eq(result->plan.judgement.originator.outcome == OUTCOME_PASS,
                     rows[i].outcome == OUTCOME_PASS && (rows[i].types & ~(unsigned)SIGNATURE_TYPE_ORIGINATOR) == 0,
                     "%zu", i);
    }
}

/* --- RFC 3183 §3.1.1, §3.2: the signer stands for each of several authors --- */

static const struct {
    const char *from;
    const char *signer; /* whose domain signs; NULL: nobody, the message is refused */
} authors[] = {
    {"alice@acme.test", "@acme.test"},
    {"bob@sales.acme.test", "@sales.acme.test"},
    {"alice@acme.test, bob@sales.acme.test", "@acme.test"},
    {"bob@sales.acme.test, alice@acme.test", "@acme.test"},
    {"bob@sales.acme.test, carol@sales.acme.test", "@sales.acme.test"},
    {"alice@acme.test, dave@other.test", NULL},
    {"dave@other.test, alice@acme.test", NULL},
};

Test(conformance, signer_stands_for_every_author)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    struct org *acme = &rig->acme;
    g_autofree char *file = g_build_filename(acme->folder, "domsec.conf", NULL), *given = NULL;
    static const char *const names[] = {"sales", "other"}, *const domains[] = {"sales.acme.test", "other.test"};
    cr_assert(g_file_get_contents(file, &given, NULL, NULL));
    g_autoptr(GString) text = g_string_new(given);
    g_string_replace(text, "local_domains = ( ", "local_domains = ( \"sales.acme.test\", \"other.test\", ", 1);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        PKI_AUTO struct pki *dsa = rig_role(rig, acme->ca, "domain-signing-authority", domains[i]);
        g_autofree char *pem = g_strconcat(names[i], ".pem", NULL), *key = g_strconcat(names[i], ".key", NULL);
        g_autofree char *identity = g_strdup_printf(
            "identities = ( { domain = \"%s\"; role = \"domain-signing-authority\"; certificate = \"%s\"; "
            "key = \"file:%s\"; },",
            domains[i], pem, key);
        g_free(pki_write(acme->folder, pem, dsa, NULL));
        g_free(pki_write_key(acme->folder, key, dsa));
        g_string_replace(text, "identities = (", identity, 1);
    }
    folder_write(acme->folder, "domsec.conf", text->str);
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load(file, faults);
    gateway_unref(acme->gateway);
    acme->gateway = conf != NULL ? gateway_open(conf, faults) : NULL;
    cr_assert_not_null(acme->gateway, "%s", faults_count(faults) > 0 ? faults_at(faults, 0) : "");

    for (size_t i = 0; i < G_N_ELEMENTS(authors); i++) {
        g_autofree char *message = g_strconcat("From: ", authors[i].from, "\r\n" ATTACK_FIELDS ATTACK_ENTITY, NULL);
        AUTO_SENT struct sent out = rig_outbound(rig, message);
        cr_expect_eq(out.result->reply.verdict, authors[i].signer != NULL ? VERDICT_ACCEPT : VERDICT_REJECT, "%s: %s",
                     authors[i].from, out.result->reply.reason);
        cr_expect_eq(out.result->made.treatment.sign, authors[i].signer != NULL, "%s", authors[i].from);
        if (authors[i].signer == NULL)
            continue;
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        g_autofree char *address = g_strconcat("domain-signing-authority", authors[i].signer, NULL);
        cr_expect_eq(in.result->plan.judgement.domain.outcome, OUTCOME_PASS, "%s: %s", authors[i].from,
                     in.result->plan.judgement.domain.reason);
        cr_expect_str_eq(in.result->lookups.details[0].names[0].address, address, "%s", authors[i].from);
    }
}

/* --- RFC 3183 §3.2: "all other signatures present are valid, including those that have been encrypted" --- */

Test(conformance, bad_signature_under_encryption_gets_no_domain_signature)
{
    for (int bad = 0; bad < 2; bad++) {
        owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_LAX);
        const struct attack attack = {.signer = bad ? rig->partner.alice : rig->acme.alice};
        g_autofree char *inner = attack_opaque("", attack_sign(&attack));
        struct encrypt_options options = {.cipher = CIPHER_AES_256_GCM,
                                          .limits = &gateway_conf(rig->acme.gateway)->limits};
        struct entity entity = {rope_new(), rope_new()}, out = {0};
        struct error error = {0};
        char *body = strstr(inner, "\r\n\r\n") + 2;
        rope_borrow(entity.header, (struct slice){inner, (size_t)(body - inner)});
        rope_borrow(entity.body, slice_of(body + 2));
        cr_assert(smime_encrypt(&rig->acme.dca->cert, 1, &options, &entity, &out, &error), "%s", error.text);
        owned(rope) struct rope *bytes = entity_bytes(&out);
        g_autofree char *flat = rope_flatten(bytes, NULL);
        g_autofree char *text = g_strconcat(ATTACK_TOP, flat, NULL);
        AUTO_SENT struct sent sent = rig_outbound(rig, text);

        cr_expect_eq(sent.result->reply.verdict, bad ? VERDICT_REJECT : VERDICT_ACCEPT, "%s",
                     sent.result->reply.reason);
        cr_expect_eq(sent.result->made.treatment.sign, !bad);
        entity_clear(&entity);
        entity_clear(&out);
    }
}

/* --- RFC 8551 §3.10, §3.2: how an S/MIME message is told --- */

Test(conformance, generic_media_types_with_a_name)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"encrypt\"; };", ATTACK_LAX);
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    const char *begin = strstr(out.bytes, "Content-Type:"), *body = strstr(out.bytes, "\r\n\r\n");
    static const struct {
        const char *fields;
        bool opened;
    } rows[] = {
        {"Content-Type: application/pkcs7-mime\r\n", true},
        {"Content-Type: application/x-pkcs7-mime; name=x\r\n", true},
        {"Content-Type: APPLICATION/PKCS7-MIME; smime-type=signed-data\r\n", true}, /* the content decides */
        {"Content-Type: application/octet-stream; name=smime.p7m\r\n", true},
        {"Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"SMIME.P7M\"\r\n", true},
        {"Content-Type: application/octet-stream; name=smime.bin\r\n", false},
        {"Content-Type: text/plain; name=smime.p7m\r\n", false},
    };

    cr_assert(begin < body, "Content-Type is in the header");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text =
            g_strconcat(ATTACK_TOP, rows[i].fields, "Content-Transfer-Encoding: base64", body, NULL);
        AUTO_SENT struct sent in = attack_in(rig, text);
        cr_expect_eq(strstr(in.bytes, "the secret line") != NULL, rows[i].opened, "%s", rows[i].fields);
    }
}

/* §3.8: a message that only carries certificates is no signature, good or bad. */
Test(conformance, certificates_only)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_LAX);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL);
    CMS_add1_cert(cms, rig->acme.alice->cert);
    CMS_set_detached(cms, 1);
    g_autofree char *text = attack_opaque(ATTACK_TOP, cms);
    AUTO_SENT struct sent in = attack_in(rig, text);
    attack_expect_safe(&in, "certs-only");
    cr_expect_eq(in.result->reply.verdict, VERDICT_ACCEPT, "%s", in.result->reply.reason);
    cr_expect_eq(in.result->plan.judgement.domain.outcome, OUTCOME_NONE, "%s", in.result->plan.judgement.domain.reason);
    cr_expect_eq(in.result->plan.judgement.originator.outcome, OUTCOME_NONE, "%s",
                 in.result->plan.judgement.originator.reason);
    cr_expect_not_null(strstr(in.bytes, strstr(text, "\r\n\r\n")), "untouched");
}

/* §2.7, §6: the weaker copy of a message is not sent beside the stronger one: one message, one cipher. */
Test(conformance, one_cipher_for_all_recipients)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"encrypt\"; encrypt_to_self = true; };", ATTACK_LAX);
    AUTO_SENT struct sent out = rig_outbound(rig, MESSAGE);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = cms_of(out.bytes);
    cr_expect_eq(OBJ_obj2nid(CMS_get0_type(cms)), NID_id_smime_ct_authEnvelopedData);
    cr_expect_eq(sk_CMS_RecipientInfo_num(CMS_get0_RecipientInfos(cms)), 2, "recipient and our own (RFC 8551 §3.4)");
}
