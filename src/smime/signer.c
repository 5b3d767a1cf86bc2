/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SignerInfo: is it well-formed, whose is it, does it hold (RFC 5652 §5.3–5.6, RFC 5035 §5).
 *
 * Stricter than OpenSSL, which takes a content type attribute that differs from the content's type, and digests and
 * keys of any strength. An error while verifying is a signature that does not hold, whatever the error was. What is
 * valid but rests on a broken algorithm is marked weak.
 */
#include "attributes.h"
#include "compat/edwards.h"
#include "smime_private.h"

#include <openssl/asn1t.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define RSA_BITS_MIN 2048
#define EC_BITS_MIN 224
#define NAMESAKES_MAX 8 /* certificates of one name and number that are tried */

static void __attribute__((format(printf, 2, 3))) say(struct signer_facts *facts, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    text_printable(facts->reason, sizeof(facts->reason), text, strlen(text));
}

static void print_name(const X509_NAME *name, char *text, size_t size)
{
    owned(BIO) BIO *memory = BIO_new(BIO_s_mem());
    char *data;
    long length;
    /* UTF-8 stays, control characters are escaped here and once more by text_printable(). */
    if (memory == NULL || X509_NAME_print_ex(memory, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0)
        return;
    length = BIO_get_mem_data(memory, &data);
    text_printable(text, size, data, (size_t)MAX(length, 0));
}

static void print_hex(const unsigned char *data, int length, char *text, size_t size)
{
    size_t used = 0;
    for (int i = 0; i < length && used + 3 <= size; i++)
        used += (size_t)g_snprintf(text + used, size - used, "%02X", data[i]);
}

static void read_identifier(CMS_SignerInfo *info, struct signer_facts *facts)
{
    ASN1_OCTET_STRING *key_identifier = NULL;
    ASN1_INTEGER *serial = NULL;
    X509_NAME *issuer = NULL;
    if (!CMS_SignerInfo_get0_signer_id(info, &key_identifier, &issuer, &serial))
        return;
    if (issuer != NULL)
        print_name(issuer, facts->issuer, sizeof(facts->issuer));
    if (serial != NULL)
        print_hex(ASN1_STRING_get0_data(serial), ASN1_STRING_length(serial), facts->serial, sizeof(facts->serial));
    if (key_identifier != NULL) {
        g_strlcpy(facts->issuer, "subject key identifier", sizeof(facts->issuer));
        print_hex(ASN1_STRING_get0_data(key_identifier), ASN1_STRING_length(key_identifier), facts->serial,
                  sizeof(facts->serial));
    }
}

/* Without signed attributes the signature is over the content itself. The attributes of some other message, taken as
 * the content of this one, would verify then: they are a DER SET. */
static bool is_attribute_set(struct slice content)
{
    const unsigned char *at = (const unsigned char *)content.data;
    ASN1_TYPE *set;
    bool whole;
    if (content.len == 0 || content.len > INT_MAX || *at != (V_ASN1_SET | V_ASN1_CONSTRUCTED))
        return false;
    set = d2i_ASN1_TYPE(NULL, &at, (long)content.len);
    whole = set != NULL && at == (const unsigned char *)content.data + content.len;
    ASN1_TYPE_free(set);
    ERR_clear_error();
    return whole;
}

/* What the signature must be whatever the mathematics says: RFC 5652 §5.3, §11; the content is of type data, which is
 * checked before. */
static bool is_sound(CMS_SignerInfo *info, const struct verification *by, struct signer *signer, struct error *error)
{
    const struct reading reading = {
        .info = info, .facts = signer->facts, .signer = signer, .certificates = by->certificates, .budget = by->budget};
    if (CMS_signed_get_attr_count(info) >= 0)
        return attributes_read(info, ATTRIBUTE_OF_SIGNATURE, &reading, error);
    if (signer->facts->receipt)
        return error_set(error, ERROR_PERMANENT, "signed attributes are missing (RFC 5652 section 5.3)");
    return !is_attribute_set(by->content) ||
           error_set(error, ERROR_PERMANENT, "content is the signed attributes of another message");
}

static bool names(CMS_SignerInfo *info, const X509 *certificate, struct budget *budget, struct error *error)
{
    const struct reading reading = {.certificate = certificate, .budget = budget};
    return attributes_read(info, ATTRIBUTE_OF_CERTIFICATE, &reading, error);
}

/* Verifies with one key. The signature covers the signed attributes, or the content without them. */
static bool signature_verifies(CMS_SignerInfo *info, EVP_PKEY *key, struct slice content)
{
    if (edwards_is(key))
        return edwards_verify(info, key, content);
    return CMS_signed_get_attr_count(info) < 0 || CMS_SignerInfo_verify(info) == 1; /* the content: see below */
}

static const char *why_content_differs(void)
{
    for (unsigned long each; (each = ERR_get_error()) != 0;)
        if (ERR_GET_LIB(each) == ERR_LIB_CMS && ERR_GET_REASON(each) == CMS_R_MESSAGEDIGEST_ATTRIBUTE_WRONG_LENGTH)
            return "its message digest has the wrong length";
    return "the content is not what was signed";
}

/* NULL only if the whole verification succeeds. Otherwise why not, in our words: OpenSSL's differ between versions. */
static const char *refusal(CMS_SignerInfo *info, X509 *certificate, BIO *digests, struct slice content)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    if (key == NULL)
        return "the signer's key cannot be read";
    if (key_is_slow(key))
        return "the signer's key is of a kind that takes too long";
    if (!digest_is_usable(digest_of(info)))
        return "its digest algorithm is not supported";
    CMS_SignerInfo_set1_signer_cert(info, certificate);
    if (!signature_verifies(info, key, content))
        return "it was not made with the signer's key, or its parameters are wrong";
    if (edwards_is(key) && CMS_signed_get_attr_count(info) < 0)
        return NULL;
    return CMS_SignerInfo_verify_content(info, digests) == 1 ? NULL : why_content_differs();
}

/* A renewed certificate may keep its key: the one that the signature names counts (RFC 5035), then the one that lasts
 * longer. */
static bool is_better(CMS_SignerInfo *info, X509 *candidate, X509 *best, struct budget *budget)
{
    if (best == NULL)
        return true;
    struct error error = {0};
    bool named = names(info, candidate, budget, &error);
    if (named != names(info, best, budget, &error))
        return named;
    return ASN1_TIME_compare(X509_get0_notAfter(candidate), X509_get0_notAfter(best)) > 0;
}

#define COST_ATTRIBUTE 2000 /* a signed attribute, which is encoded, sorted and hashed */

static uint64_t cost_of_try(CMS_SignerInfo *info, const X509 *certificate, struct slice content)
{
    int attributes = CMS_signed_get_attr_count(info);
    uint64_t covered = attributes < 0 ? content.len * COST_HASHED : (uint64_t)attributes * COST_ATTRIBUTE;
    const EVP_PKEY *key = X509_get0_pubkey(certificate);
    return key_is_slow(key) ? 0 : key_cost(key) + covered;
}

/* Several certificates may carry the signer's name and number, or its key identifier: the best of those whose key
 * verifies counts; if none does, the first is named. */
static bool find_certificate(CMS_SignerInfo *info, const struct verification *by, struct signer *signer,
                             struct error *error)
{
    X509 *first = NULL, *best = NULL;
    const char *first_why = NULL;
    unsigned *tried = &signer->facts->tried;
    ERR_clear_error();
    for (int i = 0; i < sk_X509_num(by->certificates) && *tried < NAMESAKES_MAX; i++) {
        X509 *each = sk_X509_value(by->certificates, i);
        if (CMS_SignerInfo_cert_cmp(info, each) != 0)
            continue;
        if (!budget_spend(by->budget, cost_of_try(info, each, by->content), error))
            return false;
        ++*tried;
        const char *why = refusal(info, each, by->digests, by->content);
        if (why == NULL && is_better(info, each, best, by->budget))
            best = each;
        if (first == NULL) {
            first = each;
            first_why = why;
        }
    }
    if (best != NULL) {
        X509_up_ref(best);
        signer->certificate = best;
        ERR_clear_error();
        return true;
    }
    if (first == NULL) {
        say(signer->facts, "the signer's certificate is not in the message");
        return false;
    }
    X509_up_ref(first);
    signer->certificate = first;
    say(signer->facts, "the signature does not verify: %s", first_why);
    ERR_clear_error();
    return false;
}

/* Anyone can forge a signature for an exponent of one, or an even one. */
static bool is_forgeable(const EVP_PKEY *key)
{
    owned(BIGNUM) BIGNUM *exponent = NULL;
    return EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) &&
           (BN_is_one(exponent) || !BN_is_odd(exponent));
}

static const char *weak_digest(CMS_SignerInfo *info)
{
    const EVP_MD *digest = digest_of(info);
    if (digest == NULL || EVP_MD_get_size(digest) >= 28)
        return NULL;
    return EVP_MD_get0_name(digest);
}

static void judge_strength(CMS_SignerInfo *info, const X509 *certificate, struct signer_facts *facts)
{
    const EVP_PKEY *key = X509_get0_pubkey(certificate);
    const char *digest = weak_digest(info);
    int bits = EVP_PKEY_get_bits(key);
    if (key_is_rsa(key) && is_forgeable(key)) {
        facts->valid = false;
        say(facts, "the signer's RSA key has a public exponent that lets anybody sign");
        return;
    }
    facts->weak = true;
    if (digest != NULL)
        say(facts, "signed with the weak digest %s", digest);
    else if (key_is_rsa(key) && bits < RSA_BITS_MIN)
        say(facts, "signed with a weak RSA key of %d bits", bits);
    else if (EVP_PKEY_is_a(key, "EC") && bits < EC_BITS_MIN)
        say(facts, "signed with a weak EC key of %d bits", bits);
    else if (EVP_PKEY_is_a(key, "DSA"))
        say(facts, "signed with a DSA key");
    else
        facts->weak = false;
    if (!facts->weak && CMS_signed_get_attr_count(info) < 0)
        say(facts, "no signed attributes");
}

static bool check_signature(CMS_SignerInfo *info, const struct verification *by, struct signer *signer,
                            struct error *over)
{
    struct error error = {0};
    bool sound = is_sound(info, by, signer, &error);
    bool verified = find_certificate(info, by, signer, over);
    if (sound && verified)
        sound = names(info, signer->certificate, by->budget, &error);
    if (over->kind != ERROR_NONE || budget_is_spent(by->budget)) { /* then nothing else counts */
        ERR_clear_error();
        return error_set(over, ERROR_PERMANENT, BUDGET_SPENT);
    }
    if (!sound) {
        say(signer->facts, "the %s", error.said);
        return true;
    }
    signer->facts->valid = verified;
    if (verified)
        judge_strength(info, signer->certificate, signer->facts);
    return true;
}

bool signer_check(CMS_SignerInfo *info, const struct verification *by, struct signer *signer, struct error *over)
{
    struct signer_facts *facts = signer->facts;
    struct error error = {0};
    read_identifier(info, facts);
    facts->ess = ESS_NONE;
    facts->has_unsigned = CMS_unsigned_get_attr_count(info) > 0;
    if (!check_signature(info, by, signer, over))
        return false;
    facts->has_certificate = signer->certificate != NULL;
    bool readable =
        attributes_read(info, ATTRIBUTE_OF_MESSAGE, &(struct reading){.facts = facts, .budget = by->budget}, &error);
    /* Attributes without a valid signature are ignored. */
    if (!readable && facts->valid) {
        facts->type_fault = true;
        say(facts, "%s", error.said);
    }
    if (facts->ess.ml_expansions > 0)
        signer->carried = carried_attributes_of(info);
    return true;
}
