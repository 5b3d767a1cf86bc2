/* SPDX-License-Identifier: Apache-2.0 */
/*
 * issue: the certificates that `domsec init` and `domsec key` create. The names follow RFC 3183 strictly: one CN,
 * which is the role, and one rfc822Name role@domain. The extensions follow RFC 5280 and RFC 8550: one usage per key,
 * emailProtection, and both key identifiers. OpenSSL's API builds everything, and no configuration string contains
 * text from outside. This is not a general CA: it serves only our own domain, and has no revocation lists and no
 * renewal of the CA certificate.
 */
#include "issue.h"

#include "output.h"

#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#define DAY (24 * 60 * 60)
#define CERTIFICATE_DAYS 730
#define AUTHORITY_DAYS 3652
/* Allows for a partner's clock that is behind ours. */
#define CLOCK_SKEW 3600
#define SERIAL_BITS 128
/* RFC 5280 appendix A: ub-organization-name */
#define ORGANIZATION_MAX 64
#define COMMON_NAME_MAX 64

static inline void extensions_free(STACK_OF(X509_EXTENSION) * extensions)
{
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}
DECLARE_OWNED(extensions, STACK_OF(X509_EXTENSION) *, extensions_free)
DECLARE_OWNED(X509_NAME, X509_NAME *, X509_NAME_free)
DECLARE_OWNED(GENERAL_NAMES, GENERAL_NAMES *, GENERAL_NAMES_free)

static const struct issue_algorithm algorithms[] = {
    {"rsa2048", 2048, NULL, true, true},   {"rsa3072", 3072, NULL, true, true},  {"rsa4096", 4096, NULL, true, true},
    {"p256", 0, "prime256v1", true, true}, {"p384", 0, "secp384r1", true, true}, {"ed25519", 0, "ED25519", true, false},
    {"x25519", 0, "X25519", false, true},
};

const struct issue_algorithm *issue_algorithm_find(const char *word)
{
    for (size_t i = 0; i < G_N_ELEMENTS(algorithms); i++)
        if (strcmp(word, algorithms[i].word) == 0)
            return &algorithms[i];
    return NULL;
}

const struct issue_algorithm *issue_algorithm_like(const EVP_PKEY *key)
{
    const struct issue_algorithm *found = NULL;
    char group[80] = "";
    (void)EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(algorithms); i++) {
        const struct issue_algorithm *each = &algorithms[i];
        bool fits = each->bits > 0 ? EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) >= (int)each->bits
                                   : g_ascii_strcasecmp(group, each->group) == 0 || EVP_PKEY_is_a(key, each->group);
        if (fits)
            found = each;
    }
    return found;
}

EVP_PKEY *issue_key(const struct issue_algorithm *algorithm, struct error *error)
{
    EVP_PKEY *key = NULL;
    if (algorithm->bits > 0)
        key = EVP_RSA_gen(algorithm->bits);
    else if (algorithm->signs && algorithm->decrypts)
        key = EVP_EC_gen(algorithm->group);
    else
        key = EVP_PKEY_Q_keygen(NULL, NULL, algorithm->group);
    if (key == NULL)
        error_set_openssl(error, ERROR_TEMPORARY, "cannot create a key (%s)", algorithm->word);
    return key;
}

EVP_PKEY *issue_authority_key(const struct issue_algorithm *algorithm, struct error *error)
{
    return issue_key(algorithm->bits == 2048 ? issue_algorithm_find("rsa3072") : algorithm, error);
}

/* Keys on Edwards curves sign without one. */
static const EVP_MD *digest_for(const EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448") ? NULL : EVP_sha256();
}

static bool name_add(X509_NAME *name, int nid, const char *text)
{
    return X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0) == 1;
}

/* The domain as O, or as DC components (RFC 2247) if it is too long for an O; then the CN. */
static X509_NAME *organization_name(const char *domain, const char *common_name, struct error *error)
{
    owned(X509_NAME) X509_NAME *name = X509_NAME_new();
    bool good = name != NULL;
    if (strlen(domain) <= ORGANIZATION_MAX) {
        good = good && name_add(name, NID_organizationName, domain);
    } else {
        g_auto(GStrv) labels = g_strsplit(domain, ".", -1);
        for (unsigned i = g_strv_length(labels); i > 0; i--)
            good = good && name_add(name, NID_domainComponent, labels[i - 1]);
    }
    good = good && name_add(name, NID_commonName, common_name);
    if (!good) {
        error_set_openssl(error, ERROR_PERMANENT, "cannot create a subject name for %s", domain);
        return NULL;
    }
    return steal(&name);
}

int issue_check_address(const struct command *self, const char *chosen, const char *domain)
{
    struct address address = {0};
    if (chosen == NULL)
        return CLI_GO;
    if (!cli_address(chosen, &address))
        return EX_USAGE;
    bool is_ours = g_strcmp0(address.domain, domain) == 0, is_ascii = g_str_is_ascii(address.local);
    address_clear(&address);
    if (!is_ours)
        return cli_usage(self, "%s is not in the domain %s", chosen, domain);
    return is_ascii ? CLI_GO : cli_usage(self, "the part of %s before the @ has to be ASCII", chosen);
}

char *issue_request_address(const char *chosen, enum role role, const char *domain)
{
    struct address address = {0};
    struct error ignored = {0};
    if (chosen == NULL)
        return g_strdup_printf("%s@%s", role_name(role), domain);
    if (!address_parse(slice_of(chosen), &address, &ignored))
        return g_strdup(chosen);
    char *text = g_strdup(address.text);
    address_clear(&address);
    return text;
}

/* Without a common name if the address is too long for one (RFC 5280, ub-common-name): subjectAltName has it. */
static X509_NAME *address_name(const char *address, struct error *error)
{
    owned(X509_NAME) X509_NAME *name = X509_NAME_new();
    if (name == NULL || (strlen(address) <= COMMON_NAME_MAX && !name_add(name, NID_commonName, address))) {
        error_set_openssl(error, ERROR_PERMANENT, "cannot create a subject name for %s", address);
        return NULL;
    }
    return steal(&name);
}

static X509_NAME *subject_name(const struct subject *subject, struct error *error)
{
    return subject->address != NULL ? address_name(subject->address, error)
                                    : organization_name(subject->domain, role_name(subject->role), error);
}

/* Appends an extension that is written in OpenSSL's configuration syntax; text is a constant of this file. */
static bool add_words(STACK_OF(X509_EXTENSION) * extensions, X509V3_CTX *context, int nid, const char *text)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, nid, text);
    if (extension == NULL)
        return false;
    if (sk_X509_EXTENSION_push(extensions, extension) <= 0) {
        X509_EXTENSION_free(extension);
        return false;
    }
    return true;
}

static bool push_address(GENERAL_NAMES *names, const char *address)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    if (name == NULL || text == NULL || ASN1_STRING_set(text, address, -1) != 1 ||
        sk_GENERAL_NAME_push(names, name) <= 0) {
        GENERAL_NAME_free(name);
        ASN1_IA5STRING_free(text);
        return false;
    }
    GENERAL_NAME_set0_value(name, GEN_EMAIL, text);
    return true;
}

static bool add_addresses(STACK_OF(X509_EXTENSION) * *extensions, const struct subject *subject)
{
    g_autofree char *address = issue_request_address(subject->address, subject->role, subject->domain);
    owned(GENERAL_NAMES) GENERAL_NAMES *names = GENERAL_NAMES_new();
    bool good = names != NULL && push_address(names, address);
    for (char *const *other = subject->others; good && other != NULL && *other != NULL; other++)
        good = push_address(names, *other);
    return good && X509V3_add1_i2d(extensions, NID_subject_alt_name, names, 0, X509V3_ADD_APPEND) == 1;
}

bool issue_signs(const struct subject *subject)
{
    return subject->role == ROLE_MAILBOX ? subject->signs : subject->role != ROLE_DOMAIN_CONFIDENTIALITY;
}

bool issue_decrypts(const struct subject *subject)
{
    return subject->role == ROLE_MAILBOX ? subject->decrypts : subject->role == ROLE_DOMAIN_CONFIDENTIALITY;
}

static const char *key_usage(const struct subject *subject)
{
    bool is_rsa = EVP_PKEY_is_a(subject->key, "RSA");
    if (!issue_decrypts(subject))
        return "critical,digitalSignature";
    if (issue_signs(subject))
        return is_rsa ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature,keyAgreement";
    return is_rsa ? "critical,keyEncipherment" : "critical,keyAgreement";
}

/* The extensions that a request and a certificate have in common. */
static STACK_OF(X509_EXTENSION) * subject_extensions(const struct subject *subject, struct error *error)
{
    owned(extensions) STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    X509V3_CTX context;
    X509V3_set_ctx(&context, NULL, NULL, NULL, NULL, 0);
    if (extensions == NULL || !add_words(extensions, &context, NID_basic_constraints, "critical,CA:FALSE") ||
        !add_words(extensions, &context, NID_key_usage, key_usage(subject)) ||
        !add_words(extensions, &context, NID_ext_key_usage, "emailProtection") ||
        !add_addresses(&extensions, subject)) {
        error_set_openssl(error, ERROR_BUG, "cannot create the extensions of a certificate for %s", subject->domain);
        return NULL;
    }
    return steal(&extensions);
}

static bool set_serial(X509 *certificate)
{
    owned(BIGNUM) BIGNUM *serial = BN_new();
    return serial != NULL && BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
           !BN_is_zero(serial) && BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate)) != NULL;
}

/* Version, serial number, validity and key. */
static X509 *blank_certificate(const EVP_PKEY *key, int days, struct error *error)
{
    owned(X509) X509 *certificate = X509_new();
    owned(EVP_PKEY) EVP_PKEY *public_half = key_public_half(key);
    if (certificate == NULL || X509_set_version(certificate, X509_VERSION_3) != 1 || !set_serial(certificate) ||
        X509_gmtime_adj(X509_getm_notBefore(certificate), -CLOCK_SKEW) == NULL ||
        X509_gmtime_adj(X509_getm_notAfter(certificate), (long)days * DAY) == NULL ||
        X509_set_pubkey(certificate, public_half) != 1) {
        error_set_openssl(error, ERROR_TEMPORARY, "cannot create a certificate");
        return NULL;
    }
    return steal(&certificate);
}

static bool add_key_identifiers(X509 *certificate, X509 *authority)
{
    owned(extensions) STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    X509V3_CTX context;
    X509V3_set_ctx(&context, authority, certificate, NULL, NULL, 0);
    /* The subject key identifier comes first: in a self-signed certificate, the authority key identifier is copied
     * from it. */
    if (extensions == NULL || !add_words(extensions, &context, NID_subject_key_identifier, "hash") ||
        X509_add_ext(certificate, sk_X509_EXTENSION_value(extensions, 0), -1) != 1)
        return false;
    return add_words(extensions, &context, NID_authority_key_identifier, "keyid:always") &&
           X509_add_ext(certificate, sk_X509_EXTENSION_value(extensions, 1), -1) == 1;
}

static bool add_extensions(X509 *certificate, const STACK_OF(X509_EXTENSION) * extensions)
{
    for (int i = 0; i < sk_X509_EXTENSION_num(extensions); i++)
        if (X509_add_ext(certificate, sk_X509_EXTENSION_value(extensions, i), -1) != 1)
            return false;
    return true;
}

X509 *issue_authority(const char *domain, EVP_PKEY *key, struct error *error)
{
    owned(X509) X509 *certificate = blank_certificate(key, AUTHORITY_DAYS, error);
    owned(X509_NAME) X509_NAME *name = organization_name(domain, "private mail gateway authority", error);
    if (certificate == NULL || name == NULL)
        return NULL;
    owned(extensions) STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    X509V3_CTX context;
    X509V3_set_ctx(&context, NULL, NULL, NULL, NULL, 0);
    if (extensions == NULL || X509_set_subject_name(certificate, name) != 1 ||
        X509_set_issuer_name(certificate, name) != 1 ||
        !add_words(extensions, &context, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
        !add_words(extensions, &context, NID_key_usage, "critical,keyCertSign,cRLSign") ||
        !add_extensions(certificate, extensions) || !add_key_identifiers(certificate, certificate) ||
        X509_sign(certificate, key, digest_for(key)) <= 0) {
        error_set_openssl(error, ERROR_TEMPORARY, "cannot create the CA certificate for %s", domain);
        return NULL;
    }
    return steal(&certificate);
}

X509 *issue_certificate(const struct subject *subject, X509 *authority, EVP_PKEY *authority_key, struct error *error)
{
    if (X509_check_private_key(authority, authority_key) != 1 || X509_check_ca(authority) != 1) {
        error_set_openssl(error, ERROR_PERMANENT, "the key of the CA does not match its certificate");
        return NULL;
    }
    owned(X509) X509 *certificate = blank_certificate(subject->key, CERTIFICATE_DAYS, error);
    owned(X509_NAME) X509_NAME *name = subject_name(subject, error);
    owned(extensions) STACK_OF(X509_EXTENSION) *extensions = subject_extensions(subject, error);
    if (certificate == NULL || name == NULL || extensions == NULL)
        return NULL;
    const ASN1_TIME *end = X509_get0_notAfter(authority);
    if (ASN1_TIME_compare(end, X509_get0_notAfter(certificate)) < 0 && X509_set1_notAfter(certificate, end) != 1) {
        error_set_openssl(error, ERROR_TEMPORARY, "cannot create a certificate");
        return NULL;
    }
    if (X509_set_subject_name(certificate, name) != 1 ||
        X509_set_issuer_name(certificate, X509_get_subject_name(authority)) != 1 ||
        !add_extensions(certificate, extensions) || !add_key_identifiers(certificate, authority) ||
        X509_sign(certificate, authority_key, digest_for(authority_key)) <= 0) {
        error_set_openssl(error, ERROR_TEMPORARY, "cannot create the certificate of %s@%s", role_name(subject->role),
                          subject->domain);
        return NULL;
    }
    return steal(&certificate);
}

X509_REQ *issue_request(const struct subject *subject, struct error *error)
{
    owned(X509_REQ) X509_REQ *request = X509_REQ_new();
    owned(EVP_PKEY) EVP_PKEY *public_half = key_public_half(subject->key);
    owned(X509_NAME) X509_NAME *name = subject_name(subject, error);
    owned(extensions) STACK_OF(X509_EXTENSION) *extensions = subject_extensions(subject, error);
    if (name == NULL || extensions == NULL)
        return NULL;
    if (request == NULL || X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 ||
        X509_REQ_set_subject_name(request, name) != 1 || X509_REQ_set_pubkey(request, public_half) != 1 ||
        X509_REQ_add_extensions(request, extensions) != 1 ||
        X509_REQ_sign(request, subject->key, digest_for(subject->key)) <= 0) {
        error_set_openssl(error, ERROR_TEMPORARY, "cannot create the request for %s@%s", role_name(subject->role),
                          subject->domain);
        return NULL;
    }
    return steal(&request);
}
