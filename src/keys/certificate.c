/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate: what a certificate says of itself, in forms that logs, reports and comparisons can use. Whoever made the
 * certificate chose these bytes: nothing leaves here that is not printable. Whether any of it is true is trust's to
 * say.
 */
#include "keys/keys.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#define NAME_MAX_SHOWN 1000 /* bytes of a subject; a name made to flood a log is cut */
#define RSA_MIN_BITS 2048
#define EC_MIN_BITS 256

static time_t seconds_of(const ASN1_TIME *time)
{
    struct tm parts = {0};
    return ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

time_t certificate_begins(const X509 *certificate)
{
    return seconds_of(X509_get0_notBefore(certificate));
}

time_t certificate_ends(const X509 *certificate)
{
    return seconds_of(X509_get0_notAfter(certificate));
}

bool certificate_has_expired(const X509 *certificate, time_t at)
{
    time_t ends = certificate_ends(certificate);
    return ends != 0 && ends < at;
}

void certificate_fingerprint(const X509 *certificate, char hex[65])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    hex[0] = '\0';
    if (!X509_digest(certificate, EVP_sha256(), digest, &length) || length != 32)
        return; /* an empty fingerprint equals none */
    for (unsigned i = 0; i < length; i++)
        g_snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

static char *printable(const char *data, size_t length)
{
    size_t size = 4 * length + 1;
    char *text = g_malloc(size);
    text_printable(text, size, data, length);
    if (strlen(text) > NAME_MAX_SHOWN) {
        char *end = g_utf8_find_prev_char(text, text + NAME_MAX_SHOWN - 3);
        memcpy(end != NULL ? end : text, "...", 4);
    }
    return text;
}

static char *name_text(const X509_NAME *name)
{
    owned(BIO) BIO *memory = BIO_new(BIO_s_mem());
    char *data = NULL;
    if (memory == NULL || X509_NAME_print_ex(memory, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) {
        ERR_clear_error();
        return g_strdup("(unreadable name)");
    }
    long length = BIO_get_mem_data(memory, &data);
    return length > 0 ? printable(data, (size_t)length) : g_strdup("(empty name)");
}

char *certificate_subject(const X509 *certificate)
{
    return name_text(X509_get_subject_name(certificate));
}

char *certificate_issuer(const X509 *certificate)
{
    return name_text(X509_get_issuer_name(certificate));
}

char *certificate_serial(const X509 *certificate)
{
    owned(BIGNUM) BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *hex = number != NULL ? BN_bn2hex(number) : NULL;
    char *text = g_strdup(hex != NULL ? hex : "");
    OPENSSL_free(hex);
    return text;
}

#define KU_OF_END (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION | KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT)

/* By names alone: whatever looks like the issuer of another is part of its chain. */
bool certificate_stands_alone(const X509 *certificate, const STACK_OF(X509) * list)
{
    if (X509_self_signed((X509 *)certificate, 0) != 1 || (X509_get_key_usage((X509 *)certificate) & KU_OF_END) == 0)
        return false;
    for (int i = 0; i < sk_X509_num(list); i++) {
        X509 *other = sk_X509_value(list, i);
        if (X509_self_signed(other, 0) != 1 &&
            X509_NAME_cmp(X509_get_issuer_name(other), X509_get_subject_name(certificate)) == 0)
            return false;
    }
    return true;
}

#define COST_KEY ((uint64_t)150000) /* a use of a key of 128 bits of security */
#define COST_KEY_MAX (5 * BUDGET_MILLISECOND / 2)
#define COST_MULTIPLIED ((uint64_t)1000) /* two numbers of 2048 bits */

/* Long numbers cost by the square of their length, and an exponent by each of its bits: of a key of up to 3072 bits
 * OpenSSL takes any. */
static uint64_t rsa_cost(const EVP_PKEY *key)
{
    owned(BIGNUM) BIGNUM *exponent = NULL;
    uint64_t length = (uint64_t)EVP_PKEY_get_bits(key), bits = length;
    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent))
        bits = (uint64_t)BN_num_bits(exponent);
    return COST_MULTIPLIED * (bits + 16) * length / 2048 * length / 2048;
}

static bool is_rsa(const EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS");
}

uint64_t key_cost(const EVP_PKEY *key)
{
    if (key == NULL)
        return 0;
    uint64_t bits = (uint64_t)MAX(EVP_PKEY_get_bits(key), 0);
    if (is_rsa(key))
        return rsa_cost(key);
    if (EVP_PKEY_is_a(key, "DSA"))
        return COST_KEY * 2 * bits / 2048 * bits / 2048;
    if (EVP_PKEY_is_a(key, "EC"))
        return COST_KEY * bits / 256 * bits / 256 * bits / 256;
    return COST_KEY;
}

bool key_is_slow(const EVP_PKEY *key)
{
    return key_cost(key) > COST_KEY_MAX;
}

uint64_t key_private_cost(const EVP_PKEY *key)
{
    if (key == NULL || !is_rsa(key))
        return key_cost(key);
    uint64_t length = (uint64_t)EVP_PKEY_get_bits(key);
    return 4 * COST_KEY * length / 2048 * length / 2048 * length / 2048;
}

bool certificate_signs_lists(const X509 *certificate)
{
    return (X509_get_extension_flags((X509 *)certificate) & EXFLAG_KUSAGE) != 0 &&
           (X509_get_key_usage((X509 *)certificate) & X509v3_KU_CRL_SIGN) != 0;
}

bool certificate_is_current(const X509 *certificate, time_t at)
{
    int before = ASN1_TIME_cmp_time_t(X509_get0_notBefore(certificate), at);
    int after = ASN1_TIME_cmp_time_t(X509_get0_notAfter(certificate), at);
    return (before == -1 || before == 0) && (after == 0 || after == 1); /* -2: a time that cannot be read */
}

static const char *rsa_weakness(const EVP_PKEY *key)
{
    owned(BIGNUM) BIGNUM *exponent = NULL;
    if (EVP_PKEY_get_bits(key) < RSA_MIN_BITS)
        return "RSA key below 2048 bits";
    if (!EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent))
        return "RSA key without an exponent";
    /* With e = 1 every signature is its own message; an even e has no private key. */
    if (BN_cmp(exponent, BN_value_one()) <= 0 || !BN_is_odd(exponent))
        return "RSA key with an unsafe exponent";
    return NULL;
}

DECLARE_OWNED(params, OSSL_PARAM *, OSSL_PARAM_free)

EVP_PKEY *key_public_half(const EVP_PKEY *key)
{
    owned(params) OSSL_PARAM *params = NULL;
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, EVP_PKEY_get0_type_name(key), NULL);
    EVP_PKEY *half = NULL;
    if (context == NULL || EVP_PKEY_todata(key, EVP_PKEY_PUBLIC_KEY, &params) != 1 ||
        EVP_PKEY_fromdata_init(context) != 1 || EVP_PKEY_fromdata(context, &half, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return NULL;
    return half;
}

bool key_is_rsa(const EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS");
}

const char *key_weakness(const EVP_PKEY *key)
{
    if (key == NULL)
        return "a key that cannot be parsed";
    if (key_is_rsa(key))
        return rsa_weakness(key);
    if (EVP_PKEY_is_a(key, "EC"))
        return EVP_PKEY_get_bits(key) < EC_MIN_BITS ? "EC key below 256 bits" : NULL;
    if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448") || EVP_PKEY_is_a(key, "X25519") ||
        EVP_PKEY_is_a(key, "X448"))
        return NULL;
    return "a key of a type that is not used for mail";
}
