/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_identities: will partners take our own certificates: are they named as expected (RFC 3183 §3.1.1, §3.2 to §3.4,
 * §4.1, §4.2), and may they be used for what they are for (RFC 8550 §4.4)? One that breaks the convention makes
 * signatures that every partner flags, and keys that no partner finds: `domsec check` should say so before they do. A
 * warning, not an error: only the partners know what they have agreed to.
 */
#include "internal.h"

#include <openssl/x509v3.h>

/* Named by an X.500 name, as RFC 3183 §3.1.1 allows: that it is our domain's is for partners to know (their x500_name).
 */
static bool is_x500_named(const X509 *certificate, enum role role)
{
    bool odd = false, odd_name = false;
    g_auto(GStrv) addresses = certificate_addresses(certificate, &odd);
    g_auto(GStrv) names = certificate_common_names(certificate, &odd_name);
    const X509_NAME *subject = X509_get_subject_name(certificate);

    return !odd && !odd_name && addresses[0] == NULL && g_strv_length(names) == 1 &&
           g_ascii_strcasecmp(names[0], role_name(role)) == 0 &&
           X509_NAME_get_index_by_NID(subject, NID_domainComponent, -1) < 0 &&
           X509_NAME_get_index_by_NID(subject, NID_organizationName, -1) >= 0;
}

/* A mailbox's certificate need not be for both. */
static void check_usage(const struct gateway *gateway, const struct identity *identity, struct faults *faults)
{
    enum purpose purpose = identity_decrypts(identity) ? PURPOSE_ENCRYPT : PURPOSE_SIGN;
    const char *refusal = trust_usage_refusal(identity->certificate, purpose);
    if (refusal != NULL && identity_signs(identity))
        refusal = trust_usage_refusal(identity->certificate, PURPOSE_SIGN);
    if (refusal != NULL && key_weakness(identity->key) == NULL) /* keys/ warns of a weak key */
        faults_warn(faults, gateway->conf->file, identity->conf->line,
                    "%s: %s; partners will not accept it; have another one issued", identity->conf->certificate,
                    refusal);
}

static void check_identity(const struct gateway *gateway, const struct identity *identity, struct faults *faults)
{
    const struct identity_conf *entry = identity->conf;
    const char *domain = entry->domain;
    if (entry->role == ROLE_MAILBOX)
        return;
    for (size_t i = 0; i < gateway->conf->partner_count; i++) {
        const struct rule *rule = &gateway->conf->partners[i]->base;
        struct finding finding = {0};
        /* Only the partner knows which of our certificates it pins. */
        if (rule->partner->naming == NAMING_PINNED || rule->partner->naming == NAMING_ADDRESS ||
            !policy_shows(rule->partner, entry->role))
            continue;
        const struct role_query query = {rule->partner, identity->certificate, entry->role, &domain, 1};
        trust_check_role(gateway->trust, &query, &finding);
        if (finding.outcome == OUTCOME_PASS ||
            (rule->partner->naming == NAMING_RFC3183 && is_x500_named(identity->certificate, entry->role)))
            continue;
        faults_warn(faults, gateway->conf->file, entry->line,
                    "%s: %s; partners under %s (naming = \"%s\") will not accept it; have another one issued",
                    entry->certificate, finding.reason, rule->partner->name, naming_name(rule->partner->naming));
        return;
    }
}

/* --- the chain --- */

/* The last certificate on the way up from our own that its file holds. */
static X509 *top_of(const struct identity *identity)
{
    X509 *top = identity->certificate;
    for (int step = 0; step <= sk_X509_num(identity->chain); step++) {
        X509 *next = NULL;
        for (int i = 0; i < sk_X509_num(identity->chain) && next == NULL; i++)
            if (X509_check_issued(sk_X509_value(identity->chain, i), top) == X509_V_OK)
                next = sk_X509_value(identity->chain, i);
        if (next == NULL || X509_cmp(next, top) == 0)
            break;
        top = next;
    }
    return top;
}

/* A partner that trusts the root needs every authority between: they come with our signatures, and beside the
 * certificate that it encrypts to. */
static void check_chain(const struct gateway *gateway, const struct identity *identity, struct faults *faults)
{
    X509 *top = top_of(identity);
    owned(X509) X509 *issuer = trust_issuer(gateway->trust, top);
    const char *file = gateway->conf->file, *certificate = identity->conf->certificate;
    unsigned line = identity->conf->line;
    bool known = issuer != NULL, is_root = known && (X509_get_extension_flags(issuer) & EXFLAG_SS) != 0;
    if ((X509_get_extension_flags(top) & EXFLAG_SS) != 0 || is_root)
        return;
    g_autofree char *name = certificate_issuer(top);
    if (known)
        faults_warn(faults, file, line,
                    "%s: the certificate of the issuing authority \"%s\" is missing, and partners cannot build a path "
                    "without it; append it to the file",
                    certificate, name);
    else if (top == identity->certificate)
        faults_warn(faults, file, line,
                    "%s: the issuing authority \"%s\" is not known; if it is an intermediate one, append its "
                    "certificate to the file; if it is the root, name it in trust_anchors",
                    certificate, name);
    else
        faults_note(faults, file, line,
                    "%s: the chain ends below \"%s\"; partners must have that certificate as a trust anchor",
                    certificate, name);
}

/* --- the key --- */

/* The first digest that the key takes; NULL: none of ours. */
static const char *digest_of(EVP_PKEY *key)
{
    static const enum digest all[] = {DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512};
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        if (smime_key_takes_digest(key, all[i]))
            return digest_name(all[i]);
    return NULL;
}

/* Each message under such a rule would be deferred. */
static void check_digest(const struct gateway *gateway, const struct identity *identity, struct faults *faults)
{
    for (size_t i = 0; i < gateway->conf->partner_count; i++) {
        const struct partner *partner = gateway->conf->partners[i];
        if (!identity_signs(identity) || !policy_shows(partner, identity->conf->role) ||
            smime_key_takes_digest(identity->key, partner->form.digest))
            continue;
        const char *other = digest_of(identity->key);
        faults_add(faults, partner->file, partner->outbound_line,
                   "\"digest\": the parameters of the RSA-PSS key of %s exclude %s, so that it cannot sign; %s%s",
                   identity->conf->certificate, digest_name(partner->form.digest),
                   other != NULL ? "set digest to " : "use another key", other != NULL ? other : "");
    }
}

void check_identities(const struct gateway *gateway, struct faults *faults)
{
    for (size_t i = 0; i < keys_count(gateway->keys); i++) {
        const struct identity *identity = keys_at(gateway->keys, i);
        if (identity_has_ended(identity->conf, time(NULL)))
            continue;
        check_usage(gateway, identity, faults);
        check_identity(gateway, identity, faults);
        check_chain(gateway, identity, faults);
        check_digest(gateway, identity, faults);
    }
}
