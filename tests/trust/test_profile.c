/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 8550: certificates and CRLs of old versions, empty subjects, authorities with several certificates. */
#include "support/setting.h"

#define DAY 86400

static void expect(const struct setting *setting, X509 *leaf, STACK_OF(X509) * untrusted, enum outcome expected,
                   const char *what)
{
    setting_expect(setting, &(struct chain_query){.leaf = leaf, .untrusted = untrusted, .purpose = PURPOSE_SIGN},
                   expected, "", what);
}

/* §2.2: no extensions, the address in the subject (§3). */
static X509 *version_1(const struct pki *issuer, EVP_PKEY *key)
{
    X509 *cert = X509_new(), *parsed;
    X509_NAME *name = pki_name(PKI_LIST("CN=Alice", "emailAddress=alice@acme.test"));
    unsigned char *der = NULL;
    int length;
    X509_set_version(cert, X509_VERSION_1);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 4711);
    X509_gmtime_adj(X509_getm_notBefore(cert), -DAY);
    X509_gmtime_adj(X509_getm_notAfter(cert), DAY);
    X509_set_subject_name(cert, name);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer->cert));
    X509_set_pubkey(cert, key);
    cr_assert(X509_sign(cert, issuer->key, EVP_sha256()));
    length = i2d_X509(cert, &der);
    const unsigned char *at = der;
    parsed = d2i_X509(NULL, &at, length);
    OPENSSL_free(der);
    X509_NAME_free(name);
    X509_free(cert);
    return parsed;
}

Test(profile, certificates_of_version_1)
{
    AUTO_SETTING setting = setting_new("trust_anchors = ( \"root.pem\" );", "");
    PKI_AUTO struct pki *root = pki_ca("Root");
    PKI_AUTO struct pki *other = pki_ca("Other");
    struct address alice = {(char *)"alice", (char *)"acme.test", (char *)"alice@acme.test"};
    struct finding finding = {0};
    EVP_PKEY *key = pki_new_key(PKI_EC, 0);
    X509 *good = version_1(root, key), *bad = version_1(other, key);
    g_free(pki_write(setting->folder, "root.pem", root, NULL));
    setting_open(setting);
    cr_assert_eq(X509_get_version(good), X509_VERSION_1);
    expect(setting, good, NULL, OUTCOME_PASS, "version 1");
    expect(setting, bad, NULL, OUTCOME_POLICY, "version 1 of an unknown authority");
    trust_check_mailbox(setting->trust, good, &alice, 1, &finding);
    cr_expect_eq(finding.outcome, OUTCOME_PASS, "%s", finding.reason);
    X509_free(good);
    X509_free(bad);
    EVP_PKEY_free(key);
}

/* A version 1 certificate has no basicConstraints: it issues nothing. */
Test(profile, version_1_is_no_authority)
{
    AUTO_SETTING setting = setting_new("trust_anchors = ( \"root.pem\" );", "");
    PKI_AUTO struct pki *root = pki_ca("Root");
    struct pki old = {.key = pki_new_key(PKI_EC, 0)};
    STACK_OF(X509) *untrusted = sk_X509_new_null();
    g_free(pki_write(setting->folder, "root.pem", root, NULL));
    setting_open(setting);
    old.cert = version_1(root, old.key);
    PKI_AUTO struct pki *leaf =
        pki_issue(&(struct pki_spec){.issuer = &old, .subject = PKI_LIST("CN=leaf"), .no_key_ids = true});
    sk_X509_push(untrusted, old.cert);
    expect(setting, leaf->cert, untrusted, OUTCOME_FAIL, "issued by version 1");
    sk_X509_free(untrusted);
    X509_free(old.cert);
    EVP_PKEY_free(old.key);
}

/* §3: the subject may be empty, where a critical subjectAltName says who it is. */
Test(profile, empty_subject_with_critical_alternative_name)
{
    AUTO_SETTING setting = setting_new("trust_anchors = ( \"root.pem\" );", "");
    PKI_AUTO struct pki *root = pki_ca("Root");
    PKI_AUTO struct pki *leaf = pki_issue(
        &(struct pki_spec){.issuer = root, .extensions = PKI_LIST("subjectAltName=critical,email:alice@acme.test")});
    struct address alice = {(char *)"alice", (char *)"acme.test", (char *)"alice@acme.test"};
    struct finding finding = {0};
    g_free(pki_write(setting->folder, "root.pem", root, NULL));
    setting_open(setting);
    expect(setting, leaf->cert, NULL, OUTCOME_PASS, "empty subject");
    trust_check_mailbox(setting->trust, leaf->cert, &alice, 1, &finding);
    cr_expect_eq(finding.outcome, OUTCOME_PASS, "%s", finding.reason);
}

/* §2.1: CRLs of version 1 have no extensions. */
static void put_version_1(const struct setting *setting, const struct pki *issuer, const struct pki *revoked)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *last = X509_gmtime_adj(NULL, -DAY), *next = X509_gmtime_adj(NULL, DAY);
    X509_CRL_set_version(crl, X509_CRL_VERSION_1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert));
    X509_CRL_set1_lastUpdate(crl, last);
    X509_CRL_set1_nextUpdate(crl, next);
    if (revoked != NULL)
        pki_crl_add(crl, revoked, time(NULL) - 60);
    X509_CRL_sort(crl);
    cr_assert(X509_CRL_sign(crl, issuer->key, EVP_sha256()));
    g_free(pki_write_crl(setting->folder, "root.crl", crl));
    ASN1_TIME_free(last);
    ASN1_TIME_free(next);
    X509_CRL_free(crl);
}

Test(profile, crls_of_version_1)
{
    for (int revokes = 0; revokes < 2; revokes++) {
        AUTO_SETTING setting = setting_new("trust_anchors = ( \"root.pem\" ); crls = ( \"root.crl\" );", "");
        PKI_AUTO struct pki *root = pki_ca("Root");
        PKI_AUTO struct pki *leaf = pki_person(root, "alice@acme.test");
        g_free(pki_write(setting->folder, "root.pem", root, NULL));
        put_version_1(setting, root, revokes ? leaf : NULL);
        setting_open(setting);
        expect(setting, leaf->cert, NULL, revokes ? OUTCOME_FAIL : OUTCOME_PASS, revokes ? "revoked" : "not revoked");
    }
}

/* §4.1: one authority, one key, several certificates that are valid at the same time. */
Test(profile, authorities_with_overlapping_certificates)
{
    AUTO_SETTING setting = setting_new("trust_anchors = ( \"root.pem\" );", "");
    PKI_AUTO struct pki *root = pki_ca("Root");
    PKI_AUTO struct pki *first = pki_sub_ca(root, "Authority");
    PKI_AUTO struct pki *second = pki_issue(&(struct pki_spec){.issuer = root,
                                                               .ca = true,
                                                               .subject = PKI_LIST("O=Tests", "CN=Authority"),
                                                               .use_key = first->key,
                                                               .not_before = time(NULL) - 9 * DAY,
                                                               .not_after = time(NULL) + 9 * DAY});
    PKI_AUTO struct pki *leaf = pki_person(first, "alice@acme.test");
    X509 *const orders[][2] = {{first->cert, second->cert}, {second->cert, first->cert}};
    g_free(pki_write(setting->folder, "root.pem", root, NULL));
    setting_open(setting);
    for (int i = 0; i < 2; i++) {
        STACK_OF(X509) *untrusted = sk_X509_new_null();
        sk_X509_push(untrusted, orders[i][0]);
        sk_X509_push(untrusted, orders[i][1]);
        expect(setting, leaf->cert, untrusted, OUTCOME_PASS, "either order");
        sk_X509_free(untrusted);
    }
}

/* §4.3: what certificates and CRLs are signed with. */
static X509 *signed_again_with_pss(const struct pki *leaf, const struct pki *authority)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key_context = NULL;
    X509 *cert = X509_dup(leaf->cert), *parsed;
    unsigned char *der = NULL;
    int length;
    cr_assert(EVP_DigestSignInit(context, &key_context, EVP_sha256(), NULL, authority->key));
    cr_assert(EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) > 0);
    cr_assert(EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_DIGEST) > 0);
    cr_assert(X509_sign_ctx(cert, context) > 0);
    length = i2d_X509(cert, &der);
    const unsigned char *at = der;
    parsed = d2i_X509(NULL, &at, length);
    OPENSSL_free(der);
    X509_free(cert);
    EVP_MD_CTX_free(context);
    return parsed;
}

Test(profile, algorithms_of_authorities)
{
    static const struct {
        const char *what;
        enum pki_key key;
        bool pss;
        int nid;
    } rows[] = {
        {"ECDSA with P-256", PKI_EC, false, NID_ecdsa_with_SHA256},
        {"Ed25519", PKI_ED25519, false, NID_ED25519},
        {"RSA PKCS #1 v1.5", PKI_RSA, false, NID_sha256WithRSAEncryption},
        {"RSA PSS", PKI_RSA, true, NID_rsassaPss},
        {"P-384", PKI_P384, false, NID_ecdsa_with_SHA256},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (int revokes = 0; revokes < 2; revokes++) {
            AUTO_SETTING setting = setting_new("trust_anchors = ( \"root.pem\" ); crls = ( \"root.crl\" );", "");
            PKI_AUTO struct pki *root =
                pki_issue(&(struct pki_spec){.ca = true, .subject = PKI_LIST("CN=Root"), .key = rows[i].key});
            PKI_AUTO struct pki *plain = pki_person(root, "alice@acme.test");
            owned(X509) X509 *leaf = rows[i].pss ? signed_again_with_pss(plain, root) : X509_dup(plain->cert);
            owned(X509_CRL) X509_CRL *crl =
                pki_crl(&(struct pki_crl_spec){.issuer = root, .revoked = {revokes ? plain : NULL}});
            g_free(pki_write(setting->folder, "root.pem", root, NULL));
            g_free(pki_write_crl(setting->folder, "root.crl", crl));
            setting_open(setting);
            cr_expect_eq(X509_get_signature_nid(leaf), rows[i].nid, "%s", rows[i].what);
            expect(setting, leaf, NULL, revokes ? OUTCOME_FAIL : OUTCOME_PASS, rows[i].what);
        }
    }
}
