/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lint_profile: key, extensions, validity and signature of a certificate, by the S/MIME Baseline Requirements §6 and
 * §7.1. The rules of the generation "strict" count where a file does not declare one, because they satisfy the others.
 */
#include "lint.h"

#include <openssl/core_names.h>
#include <openssl/x509v3.h>
#include <string.h>

#define STRICT_DAYS 825  /* §6.3.2, also multipurpose */
#define LEGACY_DAYS 1185 /* §6.3.2 */
/* Ballot SMC08: no certificate of the legacy generation is issued from 2025-07-15 on. */
#define LEGACY_ENDS 1752537600
#define SERIAL_OCTETS 8 /* §7.1: 64 bits from a random generator */

static bool is_legacy(const struct lint_subject *subject)
{
    return g_strcmp0(subject->profile.generation, "legacy") == 0;
}

static bool is_strict(const struct lint_subject *subject)
{
    return subject->profile.generation == NULL || strcmp(subject->profile.generation, "strict") == 0;
}

/* --- key --- */

/* ML-DSA and ML-KEM (FIPS 203 and 204), as OpenSSL may not know them. */
static bool is_post_quantum(const X509 *certificate)
{
    static const char *const known[] = {"2.16.840.1.101.3.4.3.17",
                                        "2.16.840.1.101.3.4.3.18",
                                        "2.16.840.1.101.3.4.3.19",
                                        "2.16.840.1.101.3.4.4.1",
                                        "2.16.840.1.101.3.4.4.2",
                                        "2.16.840.1.101.3.4.4.3",
                                        NULL};
    ASN1_OBJECT *algorithm = NULL;
    char oid[64];
    return X509_PUBKEY_get0_param(&algorithm, NULL, NULL, NULL, X509_get_X509_PUBKEY(certificate)) == 1 &&
           OBJ_obj2txt(oid, sizeof(oid), algorithm, 1) > 0 && g_strv_contains(known, oid);
}

static void check_key(const struct lint_subject *subject, struct lint_notes *notes)
{
    const EVP_PKEY *key = X509_get0_pubkey(subject->certificate);
    g_autofree char *kind = key_kind(key);
    if (is_post_quantum(subject->certificate)) {
        lint_warn(notes, "BR 7.1.3.1", "domsec cannot use keys of ML-DSA and ML-KEM");
        return;
    }
    if (key == NULL || strcmp(kind, "other") == 0 || strcmp(kind, "x25519") == 0 || strcmp(kind, "x448") == 0) {
        lint_fault(notes, "BR 7.1.3.1", "the key is not RSA, P-256, P-384, P-521, Ed25519 or Ed448");
        return;
    }
    if (!EVP_PKEY_is_a(key, "RSA"))
        return;
    BIGNUM *exponent = NULL;
    int bits = EVP_PKEY_get_bits(key);
    if (bits < 2048 || bits % 8 != 0)
        lint_fault(notes, "BR 6.1.5", "the RSA key has %d bits; it needs 2048 or more, in octets", bits);
    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) != 1 || !BN_is_odd(exponent) ||
        BN_num_bits(exponent) < 17)
        lint_warn(notes, "BR 6.1.6", "the RSA exponent should be odd and 65537 or more");
    BN_free(exponent);
}

/* --- extensions --- */

#define SIGNING (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)

/* What keyUsage may have, by the key and what is asked of it (§7.1.2.3 e). */
static uint32_t allowed_usage(const struct lint_subject *subject, uint32_t usage)
{
    const EVP_PKEY *key = X509_get0_pubkey(subject->certificate);
    bool is_rsa = EVP_PKEY_is_a(key, "RSA"), is_ec = EVP_PKEY_is_a(key, "EC");
    uint32_t allowed = 0, exchange = is_rsa ? KU_KEY_ENCIPHERMENT : is_ec ? KU_KEY_AGREEMENT : 0;
    if ((usage & KU_DIGITAL_SIGNATURE) != 0)
        allowed |= SIGNING;
    if ((usage & exchange) == 0)
        return allowed;
    allowed |= exchange;
    if (is_rsa && !is_strict(subject))
        allowed |= KU_DATA_ENCIPHERMENT;
    return is_ec ? allowed | KU_ENCIPHER_ONLY | KU_DECIPHER_ONLY : allowed;
}

static void check_usage(const struct lint_subject *subject, struct lint_notes *notes)
{
    X509 *certificate = subject->certificate;
    const EVP_PKEY *key = X509_get0_pubkey(certificate);
    int at = X509_get_ext_by_NID(certificate, NID_key_usage, -1);
    if (at < 0) {
        if (!subject->is_request)
            lint_fault(notes, "BR 7.1.2.3 e", "there is no keyUsage");
        return;
    }
    if (key == NULL)
        return;
    uint32_t usage = X509_get_key_usage(certificate), allowed = allowed_usage(subject, usage);
    if (allowed == 0)
        lint_fault(notes, "BR 7.1.2.3 e",
                   "keyUsage allows neither digitalSignature nor what encryption to this key needs");
    else if ((usage & ~allowed) != 0)
        lint_fault(notes, "BR 7.1.2.3 e", "keyUsage has bits that this kind of key may not have beside the others");
    if (X509_EXTENSION_get_critical(X509_get_ext(certificate, at)) == 0)
        lint_warn(notes, "BR 7.1.2.3 e", "keyUsage should be critical");
}

static void check_extended_usage(const struct lint_subject *subject, struct lint_notes *notes)
{
    X509 *certificate = subject->certificate;
    if (X509_get_ext_by_NID(certificate, NID_ext_key_usage, -1) < 0) {
        if (!subject->is_request)
            lint_fault(notes, "BR 7.1.2.3 f", "there is no extKeyUsage with emailProtection");
        return;
    }
    uint32_t usage = X509_get_extended_key_usage(certificate);
    if ((usage & XKU_SMIME) == 0)
        lint_fault(notes, "BR 7.1.2.3 f", "extKeyUsage has no emailProtection");
    if ((usage & (XKU_ANYEKU | XKU_SSL_SERVER | XKU_CODE_SIGN | XKU_TIMESTAMP)) != 0)
        lint_fault(notes, "BR 7.1.2.3 f",
                   "extKeyUsage has serverAuth, codeSigning, timeStamping or anyExtendedKeyUsage");
    EXTENDED_KEY_USAGE *list = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
    if (is_strict(subject) && sk_ASN1_OBJECT_num(list) > 1)
        lint_fault(notes, "BR 7.1.2.3 f",
                   "extKeyUsage has more than emailProtection, which only the generation "
                   "\"multipurpose\" allows");
    EXTENDED_KEY_USAGE_free(list);
}

#define ANY ~0u
#define ORGANIZATION 2u
#define SPONSOR 4u
#define LEGACY 1u
#define MULTIPURPOSE 2u
#define STRICT 4u

/* §7.1.2.3 j to n. None of them may be critical. */
static const struct {
    const char *oid, *name;
    unsigned types, generations; /* in which it may be */
} extensions[] = {
    {"1.2.840.113583.1.1.9.1", "Adobe's time-stamp", ANY, LEGACY | MULTIPURPOSE},
    {"1.2.840.113583.1.1.9.2", "Adobe's ArchiveRevInfo", ANY, LEGACY | MULTIPURPOSE},
    {"1.3.6.1.4.1.52266.1", "a legal entity identifier", ORGANIZATION | SPONSOR, LEGACY | MULTIPURPOSE | STRICT},
    {"1.3.6.1.4.1.52266.2", "a role at a legal entity", SPONSOR, LEGACY | MULTIPURPOSE | STRICT},
    {"1.3.6.1.5.5.7.1.3", "qcStatements", ANY, LEGACY | MULTIPURPOSE | STRICT},
    {"2.5.29.9", "subjectDirectoryAttributes", ANY, LEGACY},
};

/* The bit of the word in a list; all if there is no word. */
static unsigned bit_of(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (g_strcmp0(word, words[i]) == 0)
            return 1u << i;
    return ~0u;
}

static void check_extensions(const struct lint_subject *subject, struct lint_notes *notes)
{
    static const char *const generations[] = {"legacy", "multipurpose", "strict"};
    const struct certificate_profile *profile = &subject->profile;
    unsigned type = bit_of(profile->type, lint_types, LINT_TYPES);
    unsigned generation = bit_of(profile->generation, generations, G_N_ELEMENTS(generations));
    for (size_t i = 0; i < G_N_ELEMENTS(extensions); i++) {
        owned(ASN1_OBJECT) ASN1_OBJECT *object = OBJ_txt2obj(extensions[i].oid, 1);
        int at = object != NULL ? X509_get_ext_by_OBJ(subject->certificate, object, -1) : -1;
        if (at < 0)
            continue;
        if ((extensions[i].types & type) == 0)
            lint_fault(notes, "BR 7.1.2.3", "a certificate of the type \"%s\" may not have %s", profile->type,
                       extensions[i].name);
        if ((extensions[i].generations & generation) == 0)
            lint_fault(notes, "BR 7.1.2.3", "a certificate of the generation \"%s\" may not have %s",
                       profile->generation, extensions[i].name);
        if (X509_EXTENSION_get_critical(X509_get_ext(subject->certificate, at)) != 0)
            lint_fault(notes, "BR 7.1.2.3", "the extension with %s may not be critical", extensions[i].name);
    }
}

static void check_constraints(const struct lint_subject *subject, struct lint_notes *notes)
{
    BASIC_CONSTRAINTS *constraints = X509_get_ext_d2i(subject->certificate, NID_basic_constraints, NULL, NULL);
    if (constraints != NULL && constraints->ca)
        lint_fault(notes, "BR 7.1.2.3 d", "it is the certificate of an authority");
    BASIC_CONSTRAINTS_free(constraints);
}

static void check_policies(const struct lint_subject *subject, struct lint_notes *notes)
{
    if (subject->profile.type == NULL)
        lint_fault(notes, "BR 7.1.6.1",
                   "certificatePolicies does not have exactly one of the reserved policies "
                   "2.23.140.1.5.x.y, so a public authority has not issued it for mail");
}

static bool is_web(const ASN1_STRING *uri)
{
    const char *text = (const char *)ASN1_STRING_get0_data(uri);
    return ASN1_STRING_length(uri) > 7 && g_ascii_strncasecmp(text, "http://", 7) == 0;
}

static void check_crls(const struct lint_subject *subject, struct lint_notes *notes)
{
    unsigned web = 0, other = 0;
    CRL_DIST_POINTS *points = X509_get_ext_d2i(subject->certificate, NID_crl_distribution_points, NULL, NULL);
    for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
        const DIST_POINT_NAME *name = sk_DIST_POINT_value(points, i)->distpoint;
        for (int j = 0; name != NULL && name->type == 0 && j < sk_GENERAL_NAME_num(name->name.fullname); j++) {
            const GENERAL_NAME *each = sk_GENERAL_NAME_value(name->name.fullname, j);
            bool is_http = each->type == GEN_URI && is_web(each->d.uniformResourceIdentifier);
            web += is_http;
            other += !is_http;
        }
    }
    CRL_DIST_POINTS_free(points);
    if (web == 0)
        lint_fault(notes, "BR 7.1.2.3 b", "cRLDistributionPoints has no http: address");
    else if (other > 0 && !is_legacy(subject))
        lint_fault(notes, "BR 7.1.2.3 b", "cRLDistributionPoints has an address that is not http:");
}

static void check_issuer_access(const struct lint_subject *subject, struct lint_notes *notes)
{
    unsigned web = 0, other = 0;
    AUTHORITY_INFO_ACCESS *list = X509_get_ext_d2i(subject->certificate, NID_info_access, NULL, NULL);
    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(list); i++) {
        const GENERAL_NAME *place = sk_ACCESS_DESCRIPTION_value(list, i)->location;
        bool is_http = place->type == GEN_URI && is_web(place->d.uniformResourceIdentifier);
        web += is_http;
        other += !is_http;
    }
    if (list == NULL)
        lint_warn(notes, "BR 7.1.2.3 c", "authorityInfoAccess should be there");
    else if (web == 0 || (other > 0 && !is_legacy(subject)))
        lint_fault(notes, "BR 7.1.2.3 c", "authorityInfoAccess has an address that is not http:");
    AUTHORITY_INFO_ACCESS_free(list);
}

static void check_key_identifier(const struct lint_subject *subject, struct lint_notes *notes)
{
    int critical = 0;
    AUTHORITY_KEYID *id = X509_get_ext_d2i(subject->certificate, NID_authority_key_identifier, &critical, NULL);
    if (id == NULL || id->keyid == NULL || id->issuer != NULL || id->serial != NULL || critical == 1)
        lint_fault(notes, "BR 7.1.2.3 g",
                   "authorityKeyIdentifier must have a keyIdentifier, nothing else, and not be "
                   "critical");
    AUTHORITY_KEYID_free(id);
}

/* --- the rest --- */

static void check_validity(const struct lint_subject *subject, struct lint_notes *notes)
{
    const ASN1_TIME *from = X509_get0_notBefore(subject->certificate);
    int days = 0, seconds = 0, most = is_legacy(subject) ? LEGACY_DAYS : STRICT_DAYS;
    struct tm began = {0};
    if (ASN1_TIME_diff(&days, &seconds, from, X509_get0_notAfter(subject->certificate)) != 1 ||
        ASN1_TIME_to_tm(from, &began) != 1) {
        lint_fault(notes, "BR 6.3.2", "the validity cannot be read");
        return;
    }
    if (days > most || (days == most && seconds > 0))
        lint_fault(notes, "BR 6.3.2", "it is valid for %d days, more than %d", days, most);
    if (is_legacy(subject) && timegm(&began) >= LEGACY_ENDS)
        lint_fault(notes, "BR 7.1.6.1", "the generation \"legacy\" has not been issued since 2025-07-15");
}

static void check_signature(const struct lint_subject *subject, struct lint_notes *notes)
{
    static const int good[] = {NID_sha256WithRSAEncryption,
                               NID_sha384WithRSAEncryption,
                               NID_sha512WithRSAEncryption,
                               NID_rsassaPss,
                               NID_ecdsa_with_SHA256,
                               NID_ecdsa_with_SHA384,
                               NID_ecdsa_with_SHA512,
                               NID_ED25519,
                               NID_ED448};
    const ASN1_INTEGER *serial = X509_get0_serialNumber(subject->certificate);
    int nid = X509_get_signature_nid(subject->certificate);
    bool known = false;
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        known = known || good[i] == nid;
    if (!known)
        lint_fault(notes, "BR 7.1.3.2", "the signature algorithm %s is not allowed", OBJ_nid2ln(nid));
    if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER || ASN1_STRING_length(serial) < SERIAL_OCTETS)
        lint_warn(notes, "BR 7.1", "the serial number should have 64 random bits");
}

void lint_profile(const struct lint_subject *subject, struct lint_notes *notes)
{
    check_key(subject, notes);
    check_usage(subject, notes);
    check_extended_usage(subject, notes);
    check_constraints(subject, notes);
    check_extensions(subject, notes);
    if (subject->is_request)
        return;
    check_policies(subject, notes);
    check_crls(subject, notes);
    check_issuer_access(subject, notes);
    check_key_identifier(subject, notes);
    check_validity(subject, notes);
    check_signature(subject, notes);
}
