/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates that should not be believed, by names, usage, strength, time and path, in whole messages. Every row is
 * the domain's or alice's signature by a certificate that is sound but for one thing.
 */
#include "support/attack.h"

#define SIGN "outbound = { protect = \"sign\"; }; null_signature = false;"
#define DOMAIN SIGNATURE_TYPE_DOMAIN
#define DAY 86400
#define ROLE_CN "CN=domain-signing-authority"
#define ROLE_SAN "email:domain-signing-authority@acme.test"

static struct sent arrive(const struct rig *rig, const struct attack *attack)
{
    g_autofree char *text = attack_message(attack);
    return attack_in(rig, text);
}

/* --- the domain's certificate, by its names --- */

static const struct {
    const char *const *subject, *const *san;
    enum outcome outcome;
} names[] = {
    {PKI_LIST(ROLE_CN), PKI_LIST(ROLE_SAN), OUTCOME_PASS},
    {PKI_LIST("CN=Domain-Signing-Authority"), PKI_LIST("email:Domain-Signing-Authority@ACME.Test"), OUTCOME_PASS},
    {PKI_LIST(ROLE_CN "%20"), PKI_LIST(ROLE_SAN), OUTCOME_POLICY},
    {PKI_LIST("CN=%20domain-signing-authority"), PKI_LIST(ROLE_SAN), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN "%00.evil.test"), PKI_LIST(ROLE_SAN), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN "%0d%0aX-Evil: 1"), PKI_LIST(ROLE_SAN), OUTCOME_POLICY},
    {PKI_LIST("CN=domain%e2%80%90signing-authority"), PKI_LIST(ROLE_SAN), OUTCOME_POLICY}, /* another hyphen */
    {PKI_LIST("CN=d%d0%bemain-signing-authority"), PKI_LIST(ROLE_SAN), OUTCOME_POLICY},    /* Cyrillic o */
    {PKI_LIST(ROLE_CN, "CN=evil"), PKI_LIST(ROLE_SAN), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN, ROLE_CN), PKI_LIST(ROLE_SAN), OUTCOME_POLICY},
    {PKI_LIST("O=x"), PKI_LIST(ROLE_SAN), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN), PKI_LIST(ROLE_SAN "%20"), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN), PKI_LIST(ROLE_SAN "%00.evil.test"), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN), PKI_LIST("email:domain-signing-authority@acme.test%0d%0a"), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN), PKI_LIST("email:domain-signing-authority@acme.test."), OUTCOME_PASS}, /* the same domain */
    {PKI_LIST(ROLE_CN), PKI_LIST("email:domain-signing-authority@.acme.test"), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN), PKI_LIST("email:domain-signing-authority@@acme.test"), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN), PKI_LIST("email:domain-signing-authority@evil.test@acme.test"), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN), PKI_LIST("email:\"domain-signing-authority@acme.test\"@evil.test"), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN), PKI_LIST("email:domain-signing-authority@*.test"), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN), PKI_LIST("email:domain-signing-authority@test"), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN), PKI_LIST("email:domain-signing-authority@notacme.test"), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN), PKI_LIST("email:domain-signing-authority@sales.acme.test"), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN), PKI_LIST("email:domain-signing-authority@acme.test.evil.test"), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN), PKI_LIST("utf8:domain-signing-authority@%d0%b0cme.test"), OUTCOME_POLICY}, /* Cyrillic a */
    {PKI_LIST(ROLE_CN), PKI_LIST("email:alice@acme.test"), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN), PKI_LIST(ROLE_SAN, "email:alice@acme.test"), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN), PKI_LIST(ROLE_SAN, "email:domain-signing-authority@evil.test"), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN, "emailAddress=domain-signing-authority@evil.test"), PKI_LIST(ROLE_SAN), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN), PKI_LIST("dns:acme.test"), OUTCOME_POLICY},
    {PKI_LIST(ROLE_CN, "O=acme.test"), NULL, OUTCOME_POLICY},
    {PKI_LIST("DC=test", "DC=acme", ROLE_CN), NULL, OUTCOME_PASS},
    {PKI_LIST("DC=acme", "DC=test", ROLE_CN), NULL, OUTCOME_POLICY},
    {PKI_LIST("DC=acme.test", ROLE_CN), NULL, OUTCOME_POLICY},
    {PKI_LIST("DC=test", ROLE_CN), NULL, OUTCOME_POLICY},
};

Test(certificates, names_of_the_domain)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        PKI_AUTO struct pki *odd =
            pki_issue(&(struct pki_spec){.issuer = rig->acme.ca, .subject = names[i].subject, .san = names[i].san});
        AUTO_SENT struct sent in = arrive(rig, &(struct attack){.signer = odd, .types = DOMAIN});
        g_autofree char *what =
            g_strdup_printf("%zu: %s %s", i, names[i].subject[0], names[i].san != NULL ? names[i].san[0] : "");
        if (names[i].outcome == OUTCOME_PASS) {
            attack_expect_believed(&in, true, what);
            continue;
        }
        attack_expect_refused(&in, what);
        attack_expect_outcome(&in.result->plan.judgement.domain, names[i].outcome, NULL, what);
        cr_expect_null(strstr(in.bytes, "\nX-Evil"), "%s", in.bytes);
    }
}

/* --- alice's, by its address --- */

static const struct {
    const char *from, *const *subject, *const *san;
    enum outcome outcome;
} addresses[] = {
    {"alice@acme.test", NULL, PKI_LIST("email:ALICE@Acme.Test"), OUTCOME_PASS},
    {"alice@acme.test", PKI_LIST("emailAddress=alice@acme.test"), NULL, OUTCOME_PASS},
    {"alice@acme.test", NULL, PKI_LIST("email:bob@x.test", "email:alice@acme.test"), OUTCOME_PASS},
    {"alice@b\xc3\xbc"
     "cher.test",
     NULL, PKI_LIST("email:alice@xn--bcher-kva.test"), OUTCOME_PASS},
    {"alice@xn--bcher-kva.test", NULL, PKI_LIST("utf8:alice@b%c3%bccher.test"), OUTCOME_POLICY},
    {"\xc3\xa4lice@acme.test", NULL, PKI_LIST("utf8:%c3%a4lice@acme.test"), OUTCOME_PASS},
    {"\xc3\xa4lice@acme.test", NULL, PKI_LIST("utf8:a%cc%88lice@acme.test"), OUTCOME_POLICY}, /* not composed */
    {"alice@acme.test", NULL, PKI_LIST("utf8:%d0%b0lice@acme.test"), OUTCOME_POLICY},
    {"alice@acme.test", NULL, PKI_LIST("utf8:alice@%d0%b0cme.test"), OUTCOME_POLICY},
    {"alice@acme.test", NULL, PKI_LIST("utf8:%ef%bd%81lice@acme.test"), OUTCOME_POLICY}, /* full width */
    {"alice@acme.test", NULL, PKI_LIST("utf8:alice@%ef%bd%81cme.test"), OUTCOME_POLICY},
    {"alice@acme.test", NULL, PKI_LIST("utf8:alice@acme%e3%80%82test"), OUTCOME_POLICY}, /* ideographic full stop */
    {"alice@xn--bcher-kva.test", NULL, PKI_LIST("utf8:alice@B%c3%9ccher.test"), OUTCOME_POLICY}, /* no lower case */
    {"alice@acme.test", NULL, PKI_LIST("utf8:alice@Acme.test"), OUTCOME_POLICY},
    {"alice@acme.test", NULL, PKI_LIST("utf8:al%c4%b1ce@acme.test"), OUTCOME_POLICY},     /* dotless i */
    {"alice@acme.test", NULL, PKI_LIST("utf8:alice%e2%80%8b@acme.test"), OUTCOME_POLICY}, /* zero width */
    {"alice@acme.test", NULL, PKI_LIST("utf8:%e2%80%aetset.emca@ecila"), OUTCOME_POLICY}, /* right to left */
    {"alice@acme.test", NULL, PKI_LIST("email:alice%20@acme.test"), OUTCOME_POLICY},
    {"alice@acme.test", NULL, PKI_LIST("email:%20alice@acme.test"), OUTCOME_POLICY},
    {"alice@acme.test", NULL, PKI_LIST("email:alice@acme.test%20"), OUTCOME_POLICY},
    {"alice@acme.test", NULL, PKI_LIST("email:alice@acme.test%00.evil.test"), OUTCOME_POLICY},
    {"alice@acme.test", NULL, PKI_LIST("email:alice@acme.test%0a"), OUTCOME_POLICY},
    {"alice@acme.test", NULL, PKI_LIST("email:alice@acme.test%1b[2J"), OUTCOME_POLICY},
    {"alice@acme.test", NULL, PKI_LIST("email:al%ffice@acme.test"), OUTCOME_POLICY},
    {"alice@acme.test", NULL, PKI_LIST("email:alice+x@acme.test"), OUTCOME_POLICY},
    {"alice@acme.test", NULL, PKI_LIST("email:alice@mail.acme.test"), OUTCOME_POLICY},
    {"alice@acme.test", NULL, PKI_LIST("email:alice%25acme.test@evil.test"), OUTCOME_POLICY},
    {"alice@acme.test", NULL, PKI_LIST("email:"), OUTCOME_POLICY},
    {"alice@acme.test", PKI_LIST("CN=alice@acme.test", "emailAddress=bob@acme.test"), NULL, OUTCOME_POLICY},
    {"alice@acme.test", PKI_LIST("emailAddress=alice@acme.test%00@evil.test"), NULL, OUTCOME_POLICY},
};

Test(certificates, addresses_of_a_person)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_LAX);
    g_autofree char *ca = pki_write(rig->partner.folder, "ca.pem", rig->partner.ca, rig->acme.ca, NULL);
    gateway_unref(rig->partner.gateway); /* once more, with the authority trusted for all domains */
    rig_open(&rig->partner, &rig->acme, ATTACK_LAX, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(addresses); i++) {
        PKI_AUTO struct pki *odd = pki_issue(
            &(struct pki_spec){.issuer = rig->acme.ca,
                               .subject = addresses[i].subject != NULL ? addresses[i].subject : PKI_LIST("CN=alice"),
                               .san = addresses[i].san});
        g_autofree char *header = g_strdup_printf("From: %s\r\n" ATTACK_FIELDS, addresses[i].from);
        g_autofree char *text = attack_opaque(header, attack_sign(&(struct attack){.signer = odd}));
        AUTO_SENT struct sent in = attack_in(rig, text);
        g_autofree char *what = g_strdup_printf("%zu: %s", i, addresses[i].san != NULL ? addresses[i].san[0] : "");
        attack_expect_safe(&in, what);
        attack_expect_outcome(&in.result->plan.judgement.originator, addresses[i].outcome, NULL, what);
        cr_expect_eq(strstr(in.bytes, "smime=pass") != NULL, addresses[i].outcome == OUTCOME_PASS, "%s", what);
    }
}

/* --- usage, strength, time --- */

static struct pki_spec role_spec(const struct rig *rig, struct pki_spec spec)
{
    static const char *const subject[] = {ROLE_CN, NULL}, *const san[] = {ROLE_SAN, NULL};
    if (spec.issuer == NULL)
        spec.issuer = rig->acme.ca;
    spec.subject = subject;
    spec.san = san;
    return spec;
}

Test(certificates, usage_strength_time)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    time_t now = time(NULL);
    const struct {
        const char *what;
        struct pki_spec spec;
        const char *digest;
        enum outcome outcome;
        const char *says;
    } rows[] = {
        {"nothing", {.ca = false}, NULL, OUTCOME_PASS, NULL},
        {"anyExtendedKeyUsage", {.eku = "anyExtendedKeyUsage"}, NULL, OUTCOME_PASS, NULL},
        {"no EKU, no KU", {.eku = "", .key_usage = ""}, NULL, OUTCOME_PASS, NULL},
        {"a CA", {.ca = true}, NULL, OUTCOME_FAIL, "it is a CA certificate"},
        {"a CA that signs mail",
         {.basic = "CA:TRUE", .key_usage = "digitalSignature,keyCertSign"},
         NULL,
         OUTCOME_FAIL,
         "CA certificate"},
        {"keyCertSign",
         {.basic = "", .key_usage = "digitalSignature,keyCertSign"},
         NULL,
         OUTCOME_FAIL,
         "CA certificate"},
        {"EKU of a server", {.eku = "serverAuth"}, NULL, OUTCOME_FAIL, "extended key usage"},
        {"EKU of code", {.eku = "critical,codeSigning,timeStamping"}, NULL, OUTCOME_FAIL, "extended key usage"},
        {"KU of encryption", {.key_usage = "critical,keyAgreement"}, NULL, OUTCOME_FAIL, "key usage"},
        {"unknown critical extension",
         {.extensions = PKI_LIST("1.2.3.4=critical,DER:0500")},
         NULL,
         OUTCOME_FAIL,
         "critical extension"},
        {"key usage twice",
         {.extensions = PKI_LIST("keyUsage=keyEncipherment")},
         NULL,
         OUTCOME_FAIL,
         "invalid extension"},
        {"key usage that is none",
         {.key_usage = "", .extensions = PKI_LIST("keyUsage=DER:0500")},
         NULL,
         OUTCOME_FAIL,
         "invalid extension"},
        {"expired", {.not_before = now - 40 * DAY, .not_after = now - 1}, NULL, OUTCOME_FAIL, "expired"},
        {"not yet valid", {.not_before = now + DAY}, NULL, OUTCOME_FAIL, "not yet valid"},
        {"RSA 1024", {.key = PKI_RSA_1024}, NULL, OUTCOME_FAIL, "weak"},
        {"P-192", {.key = PKI_P192}, NULL, OUTCOME_FAIL, "weak"},
        {"certificate signed with SHA-1", {.digest = "SHA1"}, NULL, OUTCOME_FAIL, "weak digest"},
        {"signed with SHA-1", {.ca = false}, "SHA1", OUTCOME_POLICY, "weak"},
        {"RSA, signed with MD5", {.key = PKI_RSA}, "MD5", OUTCOME_POLICY, "weak"},
        {"RSA, signed with RIPEMD-160", {.key = PKI_RSA}, "RIPEMD160", OUTCOME_POLICY, "weak"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct pki_spec spec = role_spec(rig, rows[i].spec);
        PKI_AUTO struct pki *odd = pki_issue(&spec);
        if (rows[i].digest != NULL && EVP_get_digestbyname(rows[i].digest) == NULL)
            continue; /* this OpenSSL does not know it any more */
        AUTO_SENT struct sent in =
            arrive(rig, &(struct attack){.signer = odd, .types = DOMAIN, .digest = rows[i].digest});
        if (rows[i].outcome == OUTCOME_PASS) {
            attack_expect_believed(&in, true, rows[i].what);
            continue;
        }
        attack_expect_refused(&in, rows[i].what);
        attack_expect_outcome(&in.result->plan.judgement.domain, rows[i].outcome, rows[i].says, rows[i].what);
    }
}

static void back_date(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    ASN1_TIME *when = ASN1_TIME_set(NULL, time(NULL) - 20 * DAY);
    (void)cms;
    cr_assert(CMS_signed_add1_attr_by_NID(info, NID_pkcs9_signingTime, when->type, when, -1));
    ASN1_TIME_free(when);
}

Test(certificates, signing_time_is_a_claim)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    time_t now = time(NULL);
    struct pki_spec spec = role_spec(rig, (struct pki_spec){.not_before = now - 40 * DAY, .not_after = now - DAY});
    PKI_AUTO struct pki *expired = pki_issue(&spec);
    AUTO_SENT struct sent in = arrive(rig, &(struct attack){.signer = expired, .types = DOMAIN, .alter = back_date});
    attack_expect_refused(&in, "back-dated");
    attack_expect_outcome(&in.result->plan.judgement.domain, OUTCOME_FAIL, "expired", "back-dated");
}

/* What is left of a signature when the public exponent is 1: the padded digest itself, which everybody can make. */
static void sign_without_key(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(info);
    unsigned char padded[256];
    size_t length = sizeof(padded);
    EVP_PKEY *key = NULL;
    (void)cms;
    CMS_SignerInfo_get0_algs(info, &key, NULL, NULL, NULL);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    cr_assert(EVP_PKEY_encrypt_init(context) > 0 && EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) > 0 &&
              EVP_PKEY_encrypt(context, padded, &length, ASN1_STRING_get0_data(signature),
                               (size_t)ASN1_STRING_length(signature)) > 0);
    ASN1_STRING_set(signature, padded, (int)length);
    EVP_PKEY_CTX_free(context);
}

/* One public exponent with which everybody can sign, and one that is even. */
Test(certificates, rsa_exponents)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    for (unsigned long exponent = 1; exponent <= 2; exponent++) {
        struct pki_spec spec = role_spec(rig, (struct pki_spec){.key = PKI_RSA});
        PKI_AUTO struct pki *honest = pki_issue(&spec);
        X509_PUBKEY *place = X509_get_X509_PUBKEY(honest->cert);
        PKI_AUTO struct pki *odd = g_new0(struct pki, 1);
        unsigned char *der = NULL;
        int length = i2d_X509(honest->cert, &der);
        /* 65537 is the last of the key: INTEGER of three octets. Signed anew by the authority. */
        unsigned char *e = memmem(der, (size_t)length, "\x02\x03\x01\x00\x01", 5);
        const unsigned char *at = der;
        cr_assert(place != NULL && e != NULL);
        e[2] = 0;
        e[3] = 0;
        e[4] = (unsigned char)exponent;
        odd->cert = d2i_X509(NULL, &at, length);
        OPENSSL_free(der);
        EVP_PKEY_up_ref(honest->key);
        odd->key = honest->key;
        if (odd->cert == NULL)
            continue; /* not even a certificate */
        X509_sign(odd->cert, rig->acme.ca->key, EVP_sha256());
        struct attack attack = {
            .signer = honest, .types = DOMAIN, .flags = CMS_NOCERTS, .carried = {odd}, .spoil = sign_without_key};
        AUTO_SENT struct sent in = arrive(rig, &attack);
        attack_expect_refused(&in, "exponent");
        attack_expect_outcome(&in.result->plan.judgement.domain, OUTCOME_FAIL, exponent == 1 ? "exponent" : NULL,
                              "exponent");
    }
}

/* Thousands of names, alice's among them. */
Test(certificates, names_by_the_thousand)
{
    owned(rig) struct rig *rig = rig_new(SIGN, ATTACK_STRICT);
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(list, g_strdup("email:alice@acme.test"));
    for (int i = 0; i < 2000; i++)
        g_ptr_array_add(list, g_strdup_printf("email:a%d@acme.test", i));
    g_ptr_array_add(list, NULL);
    PKI_AUTO struct pki *crowd = pki_issue(&(struct pki_spec){
        .issuer = rig->acme.ca, .subject = PKI_LIST("CN=crowd"), .san = (const char *const *)list->pdata});
    g_autofree char *text = attack_message(&(struct attack){.signer = crowd});
    AUTO_SENT struct sent in = attack_in(rig, text);
    attack_expect_refused(&in, "crowd");
    attack_expect_outcome(&in.result->plan.judgement.originator, OUTCOME_POLICY,
                          "has 2001 names, more than names_limit (500)", "crowd");
    gateway_unref(rig->partner.gateway);
    rig_open(&rig->partner, &rig->acme, ATTACK_STRICT, "names_limit = 2001;\n");
    AUTO_SENT struct sent allowed = attack_in(rig, text);
    attack_expect_believed(&allowed, false, "crowd");
}
