/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: checks what a certificate may be used for by its own extensions and key (RFC 8550 §4.4).
 *
 * OpenSSL's S/MIME purpose is not used: it refuses anyExtendedKeyUsage, which RFC 8550 §4.4.4 allows, and accepts CA
 * certificates as leaves.
 */
#include "path.h"

#include <openssl/x509v3.h>

bool usage_allows_mail(const X509 *certificate)
{
    X509 *certificate_in = (X509 *)certificate; /* OpenSSL 3.0 caches on first use; ours are cached already */
    /* All bits are set when the extension is absent. */
    return (X509_get_extended_key_usage(certificate_in) & (XKU_SMIME | XKU_ANYEKU)) != 0;
}

static const char *key_usage_refusal(X509 *certificate, enum purpose purpose)
{
    uint32_t usage = X509_get_key_usage(certificate); /* all bits set when the extension is absent */
    const EVP_PKEY *key = X509_get0_pubkey(certificate);
    if (purpose == PURPOSE_SIGN) {
        if (EVP_PKEY_is_a(key, "X25519") || EVP_PKEY_is_a(key, "X448"))
            return "its key cannot sign";
        return (usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) == 0 ? "its key usage does not allow signatures"
                                                                          : NULL;
    }
    if (EVP_PKEY_is_a(key, "RSA"))
        return (usage & KU_KEY_ENCIPHERMENT) == 0 ? "its key usage does not allow encryption (no keyEncipherment)"
                                                  : NULL;
    if (EVP_PKEY_is_a(key, "EC") || EVP_PKEY_is_a(key, "X25519") || EVP_PKEY_is_a(key, "X448"))
        return (usage & KU_KEY_AGREEMENT) == 0 ? "its key usage does not allow encryption (no keyAgreement)" : NULL;
    return "its key cannot encrypt";
}

const char *usage_refusal(const X509 *certificate, enum purpose purpose, bool may_be_authority)
{
    X509 *certificate_in = (X509 *)certificate;
    if (X509_check_purpose(certificate_in, -1, 0) != 1)
        return "its extensions cannot be read";
    const char *weakness = key_weakness(X509_get0_pubkey(certificate));
    if (weakness != NULL)
        return weakness;
    /* By basicConstraints, by keyCertSign without them, or if they contradict each other: the holder of such a key
     * can issue certificates. */
    if (!may_be_authority &&
        (X509_check_ca(certificate_in) != 0 || (X509_get_extension_flags(certificate_in) & EXFLAG_CA) != 0))
        return "it is a CA certificate";
    if (!usage_allows_mail(certificate))
        return "its extended key usage does not include e-mail protection";
    return key_usage_refusal(certificate_in, purpose);
}

const char *trust_usage_refusal(const X509 *certificate, enum purpose purpose)
{
    return usage_refusal(certificate, purpose, false);
}
