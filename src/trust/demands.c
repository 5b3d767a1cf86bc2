/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demands: compares a certificate that is trusted with its partner's `require_certificate`.
 *
 * A policy that a certificate asserts counts only if each authority below the anchor may assert it (RFC 5280 §6.1).
 * This is stricter than the RFC and linear: OpenSSL's policy tree can be made to grow exponentially. Policies are not
 * mapped, and where an authority inhibits anyPolicy, none of those below it may use it, however far it reaches.
 */
#include "demands.h"

#include "conf/demands.h"
#include "keys/profile.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define ANY_POLICY "2.5.29.32.0"

static bool refuse(const struct partner *partner, const X509 *certificate, const char *text, struct finding *finding)
{
    g_autofree char *subject = certificate_subject(certificate);
    return finding_set(finding, OUTCOME_POLICY, "%s does not accept the certificate \"%.100s\": %s", partner->name,
                       subject, text);
}

static bool has(char *const *list, const char *word)
{
    return word != NULL && g_strv_contains((const char *const *)list, word);
}

bool demands_concern_path(const struct partner *partner)
{
    return partner->demands.policies[0] != NULL || partner->demands.issuers[0] != NULL;
}

/* --- the certificate alone --- */

static bool key_fits(char *const *kinds, const EVP_PKEY *key)
{
    for (; *kinds != NULL; kinds++)
        if (key_kind_fits(key, *kinds))
            return true;
    return false;
}

bool demands_met_by_leaf(const struct partner *partner, const X509 *leaf, struct finding *finding)
{
    const struct demands_conf *demands = &partner->demands;
    const EVP_PKEY *key = X509_get0_pubkey(leaf);
    owned(certificate_profile) struct certificate_profile profile = {0};
    certificate_profile_read(leaf, &profile);
    if (demands->types[0] != NULL && !has(demands->types, profile.type)) {
        g_autofree char *wanted = g_strjoinv(", ", demands->types);
        g_autofree char *text = g_strdup_printf("its type is %s, and smime_br asks for %s",
                                                profile.type != NULL ? profile.type : "not declared", wanted);
        return refuse(partner, leaf, text, finding);
    }
    if (demands->generations[0] != NULL && !has(demands->generations, profile.generation)) {
        g_autofree char *wanted = g_strjoinv(", ", demands->generations);
        g_autofree char *text =
            g_strdup_printf("its generation is %s, and generations asks for %s",
                            profile.generation != NULL ? profile.generation : "not declared", wanted);
        return refuse(partner, leaf, text, finding);
    }
    if (demands->keys[0] != NULL && !key_fits(demands->keys, key)) {
        g_autofree char *kind = key_kind(key), *wanted = g_strjoinv(", ", demands->keys);
        g_autofree char *text = g_strdup_printf("its key is %s, and keys asks for %s", kind, wanted);
        return refuse(partner, leaf, text, finding);
    }
    if (demands->split_keys && profile.signs && profile.encrypts)
        return refuse(partner, leaf, "its key is for signatures and for encryption, and split_keys is set", finding);
    return true;
}

/* --- the path --- */

/* Whether it asserts one of the policies that are still possible, and takes away those that it does not. */
static bool narrow(GPtrArray *possible, const X509 *certificate, bool may_be_any)
{
    owned(certificate_profile) struct certificate_profile profile = {0};
    certificate_profile_read(certificate, &profile);
    if (may_be_any && has(profile.policies, ANY_POLICY))
        return true;
    for (guint i = possible->len; i > 0; i--)
        if (!has(profile.policies, possible->pdata[i - 1]))
            g_ptr_array_remove_index(possible, i - 1);
    return possible->len > 0;
}

static bool has_extension(const X509 *certificate, int nid)
{
    return X509_get_ext_by_NID(certificate, nid, -1) >= 0;
}

static bool policy_applies(const struct partner *partner, const struct anchors *anchors, const STACK_OF(X509) * chain)
{
    g_autoptr(GPtrArray) possible = g_ptr_array_new();
    int anchor = 0, count = sk_X509_num(chain);
    bool may_be_any = true;
    for (char **each = partner->demands.policies; *each != NULL; each++)
        g_ptr_array_add(possible, *each);
    while (anchor < count && !anchors_have(anchors, sk_X509_value(chain, anchor)))
        anchor++;
    for (int i = MIN(anchor, count) - 1; i > 0; i--) {
        const X509 *authority = sk_X509_value(chain, i);
        if (has_extension(authority, NID_policy_mappings) || !narrow(possible, authority, may_be_any))
            return false;
        may_be_any = may_be_any && !has_extension(authority, NID_inhibit_any_policy);
    }
    return narrow(possible, sk_X509_value(chain, 0), false);
}

static bool is_same_authority(const X509 *a, const X509 *b)
{
    return X509_NAME_cmp(X509_get_subject_name(a), X509_get_subject_name(b)) == 0 &&
           EVP_PKEY_eq(X509_get0_pubkey(a), X509_get0_pubkey(b)) == 1;
}

/* A pinned certificate has no path: its issuer has to have signed it. */
static bool has_issued(X509 *issuer, const STACK_OF(X509) * chain)
{
    X509 *leaf = sk_X509_value(chain, 0);
    if (sk_X509_num(chain) == 1)
        return X509_check_issued(issuer, leaf) == X509_V_OK && X509_verify(leaf, X509_get0_pubkey(issuer)) == 1;
    for (int i = 1; i < sk_X509_num(chain); i++)
        if (is_same_authority(issuer, sk_X509_value(chain, i)))
            return true;
    return false;
}

static bool issuer_fits(const STACK_OF(X509) * issuers, const STACK_OF(X509) * chain)
{
    bool fits = false;
    for (int i = 0; i < sk_X509_num(issuers) && !fits; i++)
        fits = has_issued(sk_X509_value(issuers, i), chain);
    ERR_clear_error();
    return fits;
}

bool demands_met_by_path(const struct trust *trust, const struct partner *partner, const STACK_OF(X509) * chain,
                         struct finding *finding)
{
    const struct demands_conf *demands = &partner->demands;
    const X509 *leaf = sk_X509_value(chain, 0);
    owned(anchors) struct anchors *anchors = trust_anchors(trust, partner);
    if (demands->policies[0] != NULL && !policy_applies(partner, anchors, chain)) {
        g_autofree char *wanted = g_strjoinv(", ", demands->policies);
        g_autofree char *text = g_strdup_printf("no policy applies that policies asks for (%s)", wanted);
        return refuse(partner, leaf, text, finding);
    }
    if (demands->issuers[0] != NULL && !issuer_fits(trust_issuers(trust, partner), chain))
        return refuse(partner, leaf, "no authority that issuers names has issued it", finding);
    return true;
}
