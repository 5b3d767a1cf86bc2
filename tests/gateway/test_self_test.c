/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway whose keys or algorithms do not work is not opened. */
#include "support/rig.h"

#include <dlfcn.h>
#include <zlib.h>

/* What is made, by sign.c and encrypt.c, and how often a key decrypts. */
static unsigned made, decrypted;

int CMS_dataFinal(CMS_ContentInfo *cms, BIO *chain)
{
    int (*real)(CMS_ContentInfo *, BIO *) = (int (*)(CMS_ContentInfo *, BIO *))dlsym(RTLD_NEXT, __func__);
    made++;
    return real(cms, chain);
}

int CMS_decrypt_set1_pkey_and_peer(CMS_ContentInfo *cms, EVP_PKEY *key, X509 *certificate, X509 *peer)
{
    int (*real)(CMS_ContentInfo *, EVP_PKEY *, X509 *, X509 *) =
        (int (*)(CMS_ContentInfo *, EVP_PKEY *, X509 *, X509 *))dlsym(RTLD_NEXT, __func__);
    decrypted++;
    return real(cms, key, certificate, peer);
}

/* Instead of zlib's, which this one calls. */
static bool is_zlib_broken;
int inflateInit_(z_streamp stream, const char *version, int size)
{
    return is_zlib_broken ? Z_MEM_ERROR : inflateInit2_(stream, MAX_WBITS, version, size);
}

static void damage(const struct org *org, const char *file, const struct pki *pki)
{
    struct pki copy = {pki->cert, pki_damaged_key(pki->key)};
    g_free(pki_write_key(org->folder, file, &copy));
    EVP_PKEY_free(copy.key);
}

/* Opens the gateway of acme.test with these policies. Returns its faults and warnings, one a line; g_free(). */
static char *open_with(struct org *org, const char *signer, const char *decrypter, const char *const *policies)
{
    g_autofree char *text = g_strdup_printf(
        "local_domains = ( \"acme.test\" );\npolicy_dir = \"policy.d\";\ntrust_anchors = ( \"ca.pem\" );\n"
        "spool_directory = \"/tmp\";\nmessage_size_limit = 1024; mime_parts_limit = 1; mime_nesting_limit = 1;\n"
        "identities = (\n"
        " { domain = \"acme.test\"; role = \"%s\"; certificate = \"dsa.pem\"; key = \"file:dsa.key\"; },\n"
        " { domain = \"acme.test\"; role = \"%s\"; certificate = \"dca.pem\"; key = \"file:dca.key\"; } );\n",
        signer, decrypter);
    g_autofree char *file = folder_file(org->folder, "domsec.conf", text);
    for (size_t i = 0; policies[i] != NULL; i++) {
        g_autofree char *name = g_strdup_printf("policy.d/%zu.conf", i);
        g_autofree char *policy = g_strdup_printf("domain = \"%zu.test\";\n%s\n", i, policies[i]);
        folder_write(org->folder, name, policy);
    }
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load(file, faults);
    cr_assert_not_null(conf, "%s", faults_count(faults) > 0 ? faults_at(faults, 0) : "");
    gateway_unref(org->gateway);
    org->gateway = gateway_open(conf, faults);
    cr_expect_eq(org->gateway == NULL, faults_errors(faults) > 0);
    GString *all = g_string_new(NULL);
    for (size_t i = 0; i < faults_count(faults); i++)
        g_string_append_printf(all, "%s\n", faults_at(faults, i));
    return g_string_free(all, FALSE);
}

#define SIGNER "domain-signing-authority"
#define DECRYPTER "domain-confidentiality-authority"

Test(self_test, a_damaged_private_key)
{
    static const struct {
        enum pki_key key;
        const char *role;
        bool decrypts;
        const char *says;
    } rows[] = {
        {PKI_EC, SIGNER, false, "domsec.conf:7: file:"},
        {PKI_EC, SIGNER, false, "dsa.key: the self-test failed: a signature (rsa-pss, sha256): "},
        {PKI_RSA, "review-authority", false, "dsa.key: the self-test failed: a signature (rsa-pss, sha256): "},
        {PKI_RSA, "attribute-authority", false, "dsa.key: the self-test failed: a signature (rsa-pss, sha256): "},
        {PKI_EC, SIGNER, true, "dca.key: the self-test failed: encryption (aes-256-gcm, rsa-oaep): "},
        {PKI_RSA, SIGNER, true, "dca.key: the self-test failed: encryption (aes-256-gcm, rsa-oaep): "},
    };
    static const char *const policies[] = {"", NULL};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_closed(rows[i].key);
        struct org *acme = &rig->acme;
        if (rows[i].decrypts)
            damage(acme, "dca.key", acme->dca);
        else
            damage(acme, "dsa.key", acme->dsa);
        g_autofree char *faults = open_with(acme, rows[i].role, DECRYPTER, policies);
        cr_expect_null(acme->gateway, "row %zu", i);
        cr_expect_not_null(strstr(faults, rows[i].says), "row %zu: %s", i, faults);
    }
}

/* With a damaged key, each algorithm that was tried has a fault. */
Test(self_test, each_algorithm_that_a_policy_names)
{
    static const char *const policies[] = {
        "signature = \"rsa-pkcs1\"; digest = \"sha384\"; cipher = \"aes-128-cbc\"; key_transport = \"rsa-pkcs1\";",
        "signature = \"rsa-pss\"; digest = \"sha512\"; cipher = \"aes-128-gcm\";",
        "signature = \"rsa-pkcs1\"; digest = \"sha384\"; cipher = \"aes-256-cbc\"; key_transport = \"rsa-oaep\";",
        "cipher = \"aes-192-cbc\";", NULL};
    static const char *const tried[] = {
        "(rsa-pss, sha256)",        "(rsa-pkcs1, sha384)",     "(rsa-pss, sha512)",       "(aes-256-gcm, rsa-oaep)",
        "(aes-128-cbc, rsa-pkcs1)", "(aes-128-gcm, rsa-oaep)", "(aes-256-cbc, rsa-oaep)", "(aes-192-cbc, rsa-oaep)"};
    owned(rig) struct rig *rig = rig_closed(PKI_RSA);
    damage(&rig->acme, "dsa.key", rig->acme.dsa);
    damage(&rig->acme, "dca.key", rig->acme.dca);
    g_autofree char *faults = open_with(&rig->acme, SIGNER, DECRYPTER, policies);
    for (size_t i = 0; i < G_N_ELEMENTS(tried); i++)
        cr_expect_not_null(strstr(faults, tried[i]), "%s: %s", tried[i], faults);
    unsigned count = 0;
    for (const char *at = faults; (at = strstr(at, "the self-test failed")) != NULL; at++)
        count++;
    cr_expect_eq(count, G_N_ELEMENTS(tried), "%s", faults);
}

/* The limits of the configuration are for messages. */
Test(self_test, each_algorithm_works)
{
    static const char *const policies[] = {
        "signature = \"rsa-pkcs1\"; digest = \"sha384\"; cipher = \"aes-128-cbc\"; key_transport = \"rsa-pkcs1\";",
        "signature = \"rsa-pss\"; digest = \"sha512\"; cipher = \"aes-128-gcm\"; key_transport = \"rsa-pkcs1\";",
        "signature = \"rsa-pkcs1\"; digest = \"sha256\"; cipher = \"aes-256-cbc\"; key_transport = \"rsa-oaep\";",
        "signature = \"rsa-pkcs1\"; digest = \"sha512\"; cipher = \"aes-128-cbc\"; key_transport = \"rsa-oaep\";",
        "signature = \"rsa-pss\"; digest = \"sha384\"; cipher = \"aes-256-cbc\"; key_transport = \"rsa-pkcs1\";",
        "cipher = \"aes-192-cbc\"; key_transport = \"rsa-oaep\";",
        "cipher = \"aes-192-cbc\"; key_transport = \"rsa-pkcs1\";",
        NULL};
    static const enum pki_key signers[] = {PKI_RSA, PKI_EC, PKI_P384, PKI_ED25519};
    static const enum pki_key decrypters[] = {PKI_RSA, PKI_EC, PKI_P384, PKI_X25519};
    for (size_t i = 0; i < G_N_ELEMENTS(signers); i++) {
        owned(rig) struct rig *rig = rig_closed(PKI_EC);
        struct org *acme = &rig->acme;
        PKI_AUTO struct pki *dsa = pki_issue(&(struct pki_spec){.issuer = acme->ca,
                                                                .subject = PKI_LIST("CN=" SIGNER),
                                                                .san = PKI_LIST("email:" SIGNER "@acme.test"),
                                                                .key = signers[i],
                                                                .key_usage = "digitalSignature"});
        PKI_AUTO struct pki *dca =
            pki_issue(&(struct pki_spec){.issuer = acme->ca,
                                         .subject = PKI_LIST("CN=" DECRYPTER),
                                         .san = PKI_LIST("email:" DECRYPTER "@acme.test"),
                                         .key = decrypters[i],
                                         .key_usage = decrypters[i] == PKI_RSA ? "keyEncipherment" : "keyAgreement"});
        g_free(pki_write(acme->folder, "dsa.pem", dsa, NULL));
        g_free(pki_write_key(acme->folder, "dsa.key", dsa));
        g_free(pki_write(acme->folder, "dca.pem", dca, NULL));
        g_free(pki_write_key(acme->folder, "dca.key", dca));
        g_autofree char *faults = open_with(acme, SIGNER, DECRYPTER, policies);
        cr_expect_not_null(acme->gateway, "%s", faults);
        cr_expect_str_empty(faults, "%s", faults);
    }
}

Test(self_test, compression)
{
    static const char *const policies[] = {"", NULL};
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    is_zlib_broken = true;
    g_autofree char *faults = open_with(&rig->acme, SIGNER, DECRYPTER, policies);
    is_zlib_broken = false;
    cr_expect_null(rig->acme.gateway);
    cr_expect_not_null(strstr(faults, "domsec.conf: the self-test failed: compressed content: zlib"), "%s", faults);
}

/* One partner's certificate does not keep the gateway from serving all others. */
Test(self_test, a_certificate_that_cannot_be_used)
{
    static const char *const policies[] = {
        "outbound = { protect = \"encrypt\"; }; certificates = ( \"x448.pem\" ); anchors = ( \"other.pem\" );", NULL};
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "X448");
    PKI_AUTO struct pki *x448 = pki_issue(&(struct pki_spec){.issuer = rig->partner.ca,
                                                             .subject = PKI_LIST("CN=" DECRYPTER),
                                                             .san = PKI_LIST("email:" DECRYPTER "@0.test"),
                                                             .use_key = key,
                                                             .key_usage = "keyAgreement"});
    EVP_PKEY_free(key);
    g_free(pki_write(rig->acme.folder, "x448.pem", x448, NULL));
    g_free(pki_write(rig->acme.folder, "other.pem", rig->partner.ca, NULL));
    g_autofree char *faults = open_with(&rig->acme, SIGNER, DECRYPTER, policies);
    cr_expect_not_null(rig->acme.gateway, "%s", faults);
    cr_expect_not_null(strstr(faults, "no message can be encrypted for this certificate: cannot encrypt for a key of "
                                      "type X448"),
                       "%s", faults);
}

/* --- mailboxes --- */

#define MANY 20

/* Writes a certificate and a key for each, and opens the gateway. damaged: the key of this one; MANY: of none. usage:
 * of all certificates. Returns the faults; g_free(). */
static char *open_people(struct org *acme, size_t damaged, const char *usage)
{
    g_autoptr(GString) text = g_string_new(
        "local_domains = ( \"acme.test\" );\ntrust_anchors = ( \"ca.pem\" );\nspool_directory = \"/tmp\";\n"
        "identities = (\n");
    for (size_t i = 0; i < MANY; i++) {
        g_autofree char *address = g_strdup_printf("email:u%zu@acme.test", i);
        g_autofree char *certificate = g_strdup_printf("u%zu.pem", i), *key = g_strdup_printf("u%zu.key", i);
        PKI_AUTO struct pki *pki = pki_issue(&(struct pki_spec){.issuer = acme->ca,
                                                                .subject = PKI_LIST("CN=u"),
                                                                .san = PKI_LIST(address),
                                                                .key = i % 2 == 0 ? PKI_EC : PKI_P384,
                                                                .key_usage = usage});
        g_free(pki_write(acme->folder, certificate, pki, NULL));
        if (i == damaged)
            damage(acme, key, pki);
        else
            g_free(pki_write_key(acme->folder, key, pki));
        g_string_append_printf(text, "%s{ address = \"u%zu@acme.test\"; certificate = \"%s\"; key = \"file:%s\"; }",
                               i > 0 ? ",\n" : "", i, certificate, key);
    }
    g_string_append(text, " );\n");
    g_autofree char *file = folder_file(acme->folder, "domsec.conf", text->str);
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load(file, faults);
    cr_assert_not_null(conf);
    gateway_unref(acme->gateway);
    made = decrypted = 0;
    acme->gateway = gateway_open(conf, faults);
    g_string_truncate(text, 0);
    for (size_t i = 0; i < faults_count(faults); i++)
        g_string_append_printf(text, "%s\n", faults_at(faults, i));
    return g_strdup(text->str);
}

/* A thousand keys must not delay the start: each is used once, and only the first of a kind with each algorithm. */
Test(self_test, each_key_of_a_mailbox_is_used_once)
{
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    g_autofree char *faults = open_people(&rig->acme, MANY, "digitalSignature,keyAgreement");
    cr_expect_not_null(rig->acme.gateway, "%s", faults);
    cr_expect_eq(made, MANY + 2, "%u", made); /* a signature each, and an encryption for the first of each kind */
    cr_expect_eq(decrypted, 2, "%u", decrypted);
    g_autofree char *others = open_people(&rig->acme, MANY, "keyAgreement");
    cr_expect_not_null(rig->acme.gateway, "%s", others);
    cr_expect_eq(made, MANY, "%u", made);
    cr_expect_eq(decrypted, MANY, "%u", decrypted);
}

Test(self_test, a_damaged_key_of_a_mailbox)
{
    static const struct {
        size_t damaged;
        const char *usage, *says;
    } rows[] = {
        {0, "digitalSignature", "u0.key: the self-test failed: a signature (rsa-pss, sha256): "},
        {7, "digitalSignature", "domsec.conf:12: file:"},
        {7, "digitalSignature", "u7.key: the self-test failed: a signature (rsa-pss, sha256): "},
        {19, "keyAgreement", "u19.key: the self-test failed: encryption (aes-256-gcm, rsa-oaep): "},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_closed(PKI_EC);
        g_autofree char *faults = open_people(&rig->acme, rows[i].damaged, rows[i].usage);
        cr_expect_null(rig->acme.gateway, "row %zu", i);
        cr_expect_not_null(strstr(faults, rows[i].says), "row %zu: %s", i, faults);
    }
}
