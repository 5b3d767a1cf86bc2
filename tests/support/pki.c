/* SPDX-License-Identifier: Apache-2.0 */
#include "support/pki.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <sys/stat.h>

void pki_free(struct pki *pki)
{
    if (pki == NULL)
        return;
    X509_free(pki->cert);
    EVP_PKEY_free(pki->key);
    g_free(pki);
}

void pki_cleanup(struct pki **pki)
{
    pki_free(*pki);
}

static EVP_PKEY *pki_rsa_key(unsigned bits, unsigned slot)
{
    static struct {
        unsigned bits, slot;
        EVP_PKEY *key;
    } kept[16];
    for (size_t i = 0; i < G_N_ELEMENTS(kept); i++) {
        if (kept[i].key == NULL) {
            kept[i].bits = bits;
            kept[i].slot = slot;
            kept[i].key = EVP_RSA_gen(bits);
            g_assert_nonnull(kept[i].key);
        }
        if (kept[i].bits == bits && kept[i].slot == slot) {
            g_assert_true(EVP_PKEY_up_ref(kept[i].key));
            return kept[i].key;
        }
    }
    g_error("too many RSA keys in one test");
}

EVP_PKEY *pki_new_key(enum pki_key kind, unsigned slot)
{
    EVP_PKEY *key = NULL;
    switch (kind) {
    case PKI_EC:
        key = EVP_EC_gen("P-256");
        break;
    case PKI_P384:
        key = EVP_EC_gen("P-384");
        break;
    case PKI_P192:
        key = EVP_EC_gen("P-192");
        break;
    case PKI_ED25519:
        key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        break;
    case PKI_X25519:
        key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
        break;
    case PKI_RSA:
        key = pki_rsa_key(2048, slot);
        break;
    case PKI_RSA_1024:
        key = pki_rsa_key(1024, slot);
        break;
    case PKI_RSA_3072:
        key = pki_rsa_key(3072, slot);
        break;
    }
    g_assert_nonnull(key);
    return key;
}

EVP_PKEY *pki_rsa_public(int bits, int exponent_bits)
{
    EVP_PKEY *key = NULL;
    BIGNUM *n = BN_new(), *e = BN_new();
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (!BN_rand(n, bits, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD) ||
        !BN_rand(e, exponent_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD) ||
        !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) ||
        !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
        g_error("the public key cannot be made");
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(build);
    if (EVP_PKEY_fromdata_init(context) <= 0 || EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) <= 0)
        g_error("the public key cannot be made");
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return key;
}

EVP_PKEY *pki_damaged_key(EVP_PKEY *key)
{
    static const char *const names[] = {OSSL_PKEY_PARAM_PRIV_KEY, OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1,
                                        OSSL_PKEY_PARAM_RSA_EXPONENT1};
    OSSL_PARAM *parameters = NULL;
    EVP_PKEY *made = NULL;
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    if (context == NULL || !EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &parameters))
        g_error("the key cannot be read");
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        OSSL_PARAM *each = OSSL_PARAM_locate(parameters, names[i]);
        if (each != NULL)
            ((unsigned char *)each->data)[each->data_size / 2] ^= 4;
    }
    if (EVP_PKEY_fromdata_init(context) <= 0 || EVP_PKEY_fromdata(context, &made, EVP_PKEY_KEYPAIR, parameters) <= 0)
        g_error("the damaged key cannot be made");
    OSSL_PARAM_free(parameters);
    return made;
}

/* Percent-decodes the text behind the separator. */
static GBytes *pki_value(const char *entry, char separator)
{
    const char *value = strchr(entry, separator);
    g_assert_nonnull(value);
    GBytes *bytes = g_uri_unescape_bytes(value + 1, -1, NULL, NULL);
    g_assert_nonnull(bytes);
    return bytes;
}

X509_NAME *pki_name(const char *const *entries)
{
    X509_NAME *name = X509_NAME_new();
    for (; entries != NULL && *entries != NULL; entries++) {
        bool joins = **entries == '+';
        g_autofree char *type = g_strndup(*entries + joins, strcspn(*entries + joins, "="));
        g_autoptr(GBytes) value = pki_value(*entries, '=');
        gsize length = 0;
        const unsigned char *data = g_bytes_get_data(value, &length);
        int form = strcmp(type, "emailAddress") == 0 || strcmp(type, "DC") == 0 ? V_ASN1_IA5STRING : V_ASN1_UTF8STRING;
        if (strcmp(type, "C") == 0)
            form = V_ASN1_PRINTABLESTRING;
        ASN1_OBJECT *object = OBJ_txt2obj(type, 0);
        g_assert_nonnull(object);
        /* By object and type, so that nothing is checked or converted: tests want odd names too. */
        g_assert_true(X509_NAME_add_entry_by_OBJ(name, object, form, length ? data : (const unsigned char *)"",
                                                 (int)length, -1, joins ? -1 : 0));
        ASN1_OBJECT_free(object);
    }
    return name;
}

static GENERAL_NAME *pki_general_name(const char *entry)
{
    g_autoptr(GBytes) value = pki_value(entry, ':');
    gsize length = 0;
    const void *data = g_bytes_get_data(value, &length);
    GENERAL_NAME *name = GENERAL_NAME_new();
    if (g_str_has_prefix(entry, "utf8:")) {
        ASN1_TYPE *type = ASN1_TYPE_new();
        ASN1_UTF8STRING *text = ASN1_UTF8STRING_new();
        g_assert_true(ASN1_STRING_set(text, length ? data : "", (int)length));
        ASN1_TYPE_set(type, V_ASN1_UTF8STRING, text);
        g_assert_true(GENERAL_NAME_set0_othername(name, OBJ_nid2obj(NID_id_on_SmtpUTF8Mailbox), type));
        return name;
    }
    int form = g_str_has_prefix(entry, "email:") ? GEN_EMAIL : g_str_has_prefix(entry, "dns:") ? GEN_DNS : GEN_URI;
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    g_assert_true(ASN1_STRING_set(text, length ? data : "", (int)length));
    GENERAL_NAME_set0_value(name, form, text);
    return name;
}

static void pki_add_san(X509 *cert, const char *const *san)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    for (; *san != NULL; san++)
        sk_GENERAL_NAME_push(names, pki_general_name(*san));
    g_assert_true(X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0));
    GENERAL_NAMES_free(names);
}

static X509_EXTENSION *pki_extension(X509V3_CTX *context, const char *name, const char *value)
{
    CONF *empty = NCONF_new(NULL); /* certificatePolicies may name a section of it */
    X509V3_set_nconf(context, empty);
    X509_EXTENSION *extension = X509V3_EXT_nconf(NULL, context, name, value);
    X509V3_set_nconf(context, NULL);
    NCONF_free(empty);
    if (extension == NULL)
        g_error("extension %s=%s cannot be made", name, value);
    return extension;
}

static void pki_add_extension(X509V3_CTX *context, X509 *cert, const char *name, const char *value)
{
    if (value == NULL || *value == '\0')
        return;
    X509_EXTENSION *extension = pki_extension(context, name, value);
    g_assert_true(X509_add_ext(cert, extension, -1));
    X509_EXTENSION_free(extension);
}

static bool pki_key_is(const EVP_PKEY *key, const char *a, const char *b)
{
    return EVP_PKEY_is_a(key, a) || EVP_PKEY_is_a(key, b);
}

static void pki_add_extensions(const struct pki_spec *spec, X509 *issuer, X509 *cert, EVP_PKEY *key)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&context);
    const char *usage = spec->ca                       ? "critical,keyCertSign,cRLSign"
                        : EVP_PKEY_is_a(key, "EC")     ? "critical,digitalSignature,keyAgreement"
                        : EVP_PKEY_is_a(key, "RSA")    ? "critical,digitalSignature,keyEncipherment"
                        : EVP_PKEY_is_a(key, "X25519") ? "critical,keyAgreement"
                                                       : "critical,digitalSignature";
    const char *basic = spec->ca ? "critical,CA:TRUE" : "critical,CA:FALSE";
    pki_add_extension(&context, cert, "basicConstraints", spec->basic != NULL ? spec->basic : basic);
    pki_add_extension(&context, cert, "keyUsage", spec->key_usage != NULL ? spec->key_usage : usage);
    pki_add_extension(&context, cert, "extendedKeyUsage",
                      spec->eku != NULL ? spec->eku
                      : spec->ca        ? ""
                                        : "emailProtection");
    if (!spec->no_key_ids) {
        pki_add_extension(&context, cert, "subjectKeyIdentifier", "hash");
        pki_add_extension(&context, cert, "authorityKeyIdentifier", issuer == cert ? "" : "keyid:always");
    }
    if (spec->san != NULL)
        pki_add_san(cert, spec->san);
    for (const char *const *entry = spec->extensions; entry != NULL && *entry != NULL; entry++) {
        g_autofree char *name = g_strndup(*entry, strcspn(*entry, "="));
        pki_add_extension(&context, cert, name, strchr(*entry, '=') + 1);
    }
}

static const EVP_MD *pki_digest(const EVP_PKEY *key, const char *digest)
{
    return pki_key_is(key, "ED25519", "ED448") ? NULL : EVP_get_digestbyname(digest != NULL ? digest : "SHA256");
}

struct pki *pki_issue(const struct pki_spec *spec)
{
    static long counter = 0x1000;
    struct pki *made = g_new0(struct pki, 1);
    if (spec->use_key != NULL) {
        EVP_PKEY_up_ref(spec->use_key);
        made->key = spec->use_key;
    } else {
        made->key = pki_new_key(spec->key, spec->slot != 0 ? spec->slot : spec->ca ? 0 : 1000);
    }
    X509 *cert = made->cert = X509_new();
    X509 *issuer = spec->issuer != NULL ? spec->issuer->cert : cert;
    EVP_PKEY *signer = spec->issuer != NULL ? spec->issuer->key : made->key;
    time_t now = time(NULL);
    X509_NAME *name = pki_name(spec->subject);
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), spec->serial != 0 ? spec->serial : counter++);
    ASN1_TIME_set(X509_getm_notBefore(cert), spec->not_before != 0 ? spec->not_before : now - 86400);
    ASN1_TIME_set(X509_getm_notAfter(cert), spec->not_after != 0 ? spec->not_after : now + 365 * 86400);
    X509_set_subject_name(cert, name);
    X509_NAME_free(name);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer));
    g_assert_true(X509_set_pubkey(cert, made->key));
    pki_add_extensions(spec, issuer, cert, made->key);
    g_assert_true(X509_sign(cert, signer, pki_digest(signer, spec->digest)) > 0);
    /* Encode and parse again: a certificate just made lacks what a received one has (cached extensions, encoding). */
    unsigned char *der = NULL;
    int length = i2d_X509(cert, &der);
    const unsigned char *at = der;
    made->cert = d2i_X509(NULL, &at, length);
    g_assert_nonnull(made->cert);
    OPENSSL_free(der);
    X509_free(cert);
    return made;
}

struct pki *pki_ca(const char *name)
{
    g_autofree char *cn = g_strconcat("CN=", name, NULL);
    return pki_issue(&(struct pki_spec){.ca = true, .subject = PKI_LIST("O=Tests", cn)});
}

struct pki *pki_sub_ca(const struct pki *issuer, const char *name)
{
    g_autofree char *cn = g_strconcat("CN=", name, NULL);
    return pki_issue(&(struct pki_spec){.issuer = issuer, .ca = true, .subject = PKI_LIST("O=Tests", cn)});
}

struct pki *pki_role_with(const struct pki *issuer, const char *role, const char *domain, enum pki_key key)
{
    g_autofree char *cn = g_strconcat("CN=", role, NULL);
    g_autofree char *mail = g_strconcat("email:", role, "@", domain, NULL);
    return pki_issue(
        &(struct pki_spec){.issuer = issuer, .subject = PKI_LIST("O=Tests", cn), .san = PKI_LIST(mail), .key = key});
}

struct pki *pki_role(const struct pki *issuer, const char *role, const char *domain)
{
    return pki_role_with(issuer, role, domain, PKI_EC);
}

struct pki *pki_person(const struct pki *issuer, const char *address)
{
    g_autofree char *cn = g_strconcat("CN=", address, NULL);
    g_autofree char *mail = g_strconcat("email:", address, NULL);
    return pki_issue(&(struct pki_spec){.issuer = issuer, .subject = PKI_LIST("O=Tests", cn), .san = PKI_LIST(mail)});
}

void pki_crl_add(X509_CRL *crl, const struct pki *revoked, time_t when)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *at = ASN1_TIME_set(NULL, when);
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->cert));
    X509_REVOKED_set_revocationDate(entry, at);
    X509_CRL_add0_revoked(crl, entry);
    ASN1_TIME_free(at);
}

static void pki_crl_extensions(const struct pki_crl_spec *spec, X509_CRL *crl)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, spec->issuer->cert, NULL, NULL, crl, 0);
    X509V3_set_ctx_nodb(&context);
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_INTEGER_set(number, spec->number != 0 ? spec->number : 1);
    if (spec->number != -1)
        X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0);
    ASN1_INTEGER_free(number);
    for (const char *const *entry = spec->extensions; entry != NULL && *entry != NULL; entry++) {
        g_autofree char *name = g_strndup(*entry, strcspn(*entry, "="));
        X509_EXTENSION *extension = pki_extension(&context, name, strchr(*entry, '=') + 1);
        X509_CRL_add_ext(crl, extension, -1);
        X509_EXTENSION_free(extension);
    }
}

X509_CRL *pki_crl(const struct pki_crl_spec *spec)
{
    time_t now = time(NULL);
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *last = ASN1_TIME_set(NULL, spec->this_update != 0 ? spec->this_update : now - 86400);
    X509_CRL_set_version(crl, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(spec->issuer->cert));
    X509_CRL_set1_lastUpdate(crl, last);
    if (spec->next_update != -1) {
        ASN1_TIME *next = ASN1_TIME_set(NULL, spec->next_update != 0 ? spec->next_update : now + 30 * 86400);
        X509_CRL_set1_nextUpdate(crl, next);
        ASN1_TIME_free(next);
    }
    ASN1_TIME_free(last);
    for (size_t i = 0; i < PKI_REVOKED_MAX && spec->revoked[i] != NULL; i++)
        pki_crl_add(crl, spec->revoked[i], now - 3600);
    pki_crl_extensions(spec, crl);
    X509_CRL_sort(crl);
    g_assert_true(X509_CRL_sign(crl, spec->issuer->key, pki_digest(spec->issuer->key, NULL)) > 0);
    unsigned char *der = NULL;
    int length = i2d_X509_CRL(crl, &der);
    const unsigned char *at = der;
    X509_CRL *parsed = d2i_X509_CRL(NULL, &at, length);
    g_assert_nonnull(parsed);
    OPENSSL_free(der);
    X509_CRL_free(crl);
    return parsed;
}

static BIO *pki_open(const char *folder, const char *name, mode_t mode, char **path)
{
    *path = folder_file(folder, name, "");
    g_assert_true(chmod(*path, mode) == 0);
    BIO *file = BIO_new_file(*path, "w");
    g_assert_nonnull(file);
    return file;
}

char *pki_write(const char *folder, const char *name, ...)
{
    char *path;
    BIO *file = pki_open(folder, name, 0644, &path);
    va_list list;
    va_start(list, name);
    for (const struct pki *each; (each = va_arg(list, const struct pki *)) != NULL;)
        g_assert_true(PEM_write_bio_X509(file, each->cert));
    va_end(list);
    BIO_free(file);
    return path;
}

char *pki_write_key(const char *folder, const char *name, const struct pki *pki)
{
    char *path;
    BIO *file = pki_open(folder, name, 0600, &path);
    g_assert_true(PEM_write_bio_PKCS8PrivateKey(file, pki->key, NULL, NULL, 0, NULL, NULL));
    BIO_free(file);
    return path;
}

char *pki_write_crl(const char *folder, const char *name, const X509_CRL *crl)
{
    char *path;
    BIO *file = pki_open(folder, name, 0644, &path);
    g_assert_true(PEM_write_bio_X509_CRL(file, crl));
    BIO_free(file);
    return path;
}
