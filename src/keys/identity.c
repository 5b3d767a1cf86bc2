/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity: loads one identity: its certificate, chain and private key. Checks that they belong together and are fit
 * for use. Whether the chain leads to an anchor depends on the partner: that is for trust/.
 */
#include "identity.h"

#include "passphrase.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

void identity_free(struct identity *identity)
{
    if (identity == NULL)
        return;
    X509_free(identity->certificate);
    sk_X509_pop_free(identity->chain, X509_free);
    EVP_PKEY_free(identity->key);
    g_free(identity);
}

DECLARE_OWNED(identity, struct identity *, identity_free)

/* --- what it is for --- */

bool identity_signs(const struct identity *identity)
{
    if (identity->conf->role != ROLE_MAILBOX)
        return identity->conf->role != ROLE_DOMAIN_CONFIDENTIALITY;
    bool is_for_agreement = EVP_PKEY_is_a(identity->key, "X25519") || EVP_PKEY_is_a(identity->key, "X448");
    uint32_t usage = X509_get_key_usage(identity->certificate); /* all bits set when the extension is absent */
    return !is_for_agreement && (usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0 &&
           key_weakness(identity->key) == NULL;
}

bool identity_decrypts(const struct identity *identity)
{
    if (identity->conf->role != ROLE_MAILBOX)
        return identity->conf->role == ROLE_DOMAIN_CONFIDENTIALITY;
    return EVP_PKEY_is_a(identity->key, "RSA") || EVP_PKEY_is_a(identity->key, "EC") ||
           EVP_PKEY_is_a(identity->key, "X25519") || EVP_PKEY_is_a(identity->key, "X448");
}

/* --- when --- */

bool identity_is_current(const struct identity_conf *conf, const X509 *certificate, time_t at)
{
    return at >= conf->from && !identity_has_ended(conf, at) && certificate_is_current(certificate, at);
}

time_t identity_begins(const struct identity_conf *conf, const X509 *certificate)
{
    return MAX(conf->from, certificate_begins(certificate));
}

bool identity_is_newer(const struct identity_conf *a, const X509 *certificate_a, const struct identity_conf *b,
                       const X509 *certificate_b)
{
    time_t a_begins = identity_begins(a, certificate_a), b_begins = identity_begins(b, certificate_b);
    return a_begins != b_begins ? a_begins > b_begins : a->from > b->from;
}

/* --- loading --- */

/* `domsec init --csr` and `key new` leave a request where the certificate is to be. */
static bool explain_missing(const struct identity_conf *identity, struct error *error)
{
    g_autofree char *request = identity_request(identity);
    if (request != NULL)
        error_set(error, ERROR_CONFIGURATION, "%s does not exist; put the answer of your CA to %s there",
                  identity->certificate, request);
    return false;
}

STACK_OF(X509) * identity_certificates(const struct identity_conf *conf, struct error *error)
{
    owned(passphrase) char *passphrase =
        conf->passphrase_file != NULL ? passphrase_read(conf->passphrase_file, error) : NULL;
    if (conf->passphrase_file != NULL && passphrase == NULL)
        return NULL;
    return certificates_load_with(conf->certificate, passphrase, error);
}

static bool load_certificates(struct identity *identity, struct error *error)
{
    STACK_OF(X509) *all = identity_certificates(identity->conf, error);
    if (all == NULL)
        return explain_missing(identity->conf, error);
    identity->certificate = sk_X509_shift(all);
    identity->chain = all;
    certificate_fingerprint(identity->certificate, identity->sha256);
    return true;
}

static bool load_key(struct identity *identity, struct key_stores *stores, struct error *error)
{
    identity->key = key_stores_load(stores, identity->conf->key, identity->conf->passphrase_file,
                                    X509_get0_pubkey(identity->certificate), error);
    if (identity->key == NULL)
        return false;
    identity->is_away = error->kind == ERROR_TEMPORARY;
    if (!X509_check_private_key(identity->certificate, identity->key)) {
        ERR_clear_error();
        return error_set(error, ERROR_CONFIGURATION, "%s is not the key of the first certificate in %s",
                         identity->conf->key, identity->conf->certificate);
    }
    const char *weakness = key_weakness(identity->key);
    /* An old key can still decrypt old mail, but careful partners no longer encrypt to it. */
    if (weakness != NULL && !identity_decrypts(identity))
        return error_set(error, ERROR_CONFIGURATION, "%s: %s", identity->conf->key, weakness);
    return true;
}

/* Warns of what works today but should be fixed. Dates are for coverage.c. */
static void warn(const struct conf *conf, const struct identity *identity, struct faults *faults)
{
    const char *weakness = key_weakness(identity->key);
    if (weakness != NULL)
        faults_warn(faults, conf->file, identity->conf->line,
                    "%s: %s; it can decrypt, but partners will not encrypt to it; create a new one (domsec key new)",
                    identity->conf->key, weakness);
}

struct identity *identity_open(const struct conf *conf, const struct identity_conf *entry, struct key_stores *stores,
                               struct faults *faults)
{
    owned(identity) struct identity *identity = g_new0(struct identity, 1);
    struct error error = {0};
    identity->conf = entry;
    if (!load_certificates(identity, &error) || !load_key(identity, stores, &error)) {
        faults_add(faults, conf->file, entry->line, "%s%s", error.text,
                   error.kind == ERROR_TEMPORARY ? " (temporary: trying again may help)" : "");
        return NULL;
    }
    if (identity->is_away)
        faults_warn(faults, conf->file, entry->line, "%s: %s; mail that needs this key is deferred until it is there",
                    entry->key, error.text);
    warn(conf, identity, faults);
    return steal(&identity);
}
