/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys: the identities of a configuration, each with certificate, chain and private key in memory.
 *
 * All is read once, at the start and at a reload: decoding a key costs as much as using it, and a fault is better seen
 * by an administrator who waits for `domsec check` than by a sender. Afterwards nothing here changes, so threads share
 * it without a lock. Whether a chain leads to an anchor is not asked: that is the partner's view (trust/).
 */
#include "keys/keys.h"
#include "store.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

static const struct key_store *const stores[] = {&key_store_file};

struct keys {
    GPtrArray *identities; /* struct identity *, in the order of the configuration */
};

static void identity_free(void *data)
{
    struct identity *identity = data;
    X509_free(identity->certificate);
    sk_X509_pop_free(identity->chain, X509_free);
    EVP_PKEY_free(identity->key);
    g_free(identity);
}

/* location is set to the URI behind its scheme. */
static const struct key_store *store_for(const char *uri, const char **location, struct error *error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(stores); i++) {
        size_t length = strlen(stores[i]->scheme);
        if (g_ascii_strncasecmp(uri, stores[i]->scheme, length) == 0 && uri[length] == ':') {
            *location = uri + length + 1;
            return stores[i];
        }
    }
    if (g_ascii_strncasecmp(uri, "pkcs11:", 7) == 0)
        error_set(error, ERROR_CONFIGURATION, "key \"%s\": keys in a PKCS#11 token are not supported by this build",
                  uri);
    else
        error_set(error, ERROR_CONFIGURATION, "key \"%s\": not a URI of a known kind, such as file:keys/dsa.key", uri);
    return NULL;
}

EVP_PKEY *keys_load(const char *uri, struct error *error)
{
    const char *location = NULL;
    const struct key_store *store = store_for(uri, &location, error);
    return store != NULL ? store->load(location, error) : NULL;
}

/* `domsec init --csr` and `key new` leave a request where the certificate is to be. */
static bool explain_missing(const char *certificate, struct error *error)
{
    const char *dot = strrchr(certificate, '.');
    g_autofree char *request = g_strdup_printf("%.*s.csr", dot != NULL ? (int)(dot - certificate) : 0, certificate);
    if (!g_file_test(certificate, G_FILE_TEST_EXISTS) && g_file_test(request, G_FILE_TEST_EXISTS))
        error_set(error, ERROR_CONFIGURATION, "%s is not there; it is where your authority's answer to %s belongs",
                  certificate, request);
    return false;
}

static bool load_certificates(struct identity *identity, struct error *error)
{
    STACK_OF(X509) *all = certificates_load(identity->conf->certificate, error);
    if (all == NULL)
        return explain_missing(identity->conf->certificate, error);
    identity->certificate = sk_X509_shift(all);
    identity->chain = all;
    certificate_fingerprint(identity->certificate, identity->sha256);
    return true;
}

static bool load_key(struct identity *identity, struct error *error)
{
    identity->key = keys_load(identity->conf->key, error);
    if (identity->key == NULL)
        return false;
    if (!X509_check_private_key(identity->certificate, identity->key)) {
        ERR_clear_error();
        return error_set(error, ERROR_CONFIGURATION, "%s is not the key of the first certificate in %s",
                         identity->conf->key, identity->conf->certificate);
    }
    const char *weakness = key_weakness(identity->key);
    /* What was encrypted to an old key can still be read with it; nobody who is careful encrypts to it any more. */
    if (weakness != NULL && identity->conf->role != ROLE_DOMAIN_CONFIDENTIALITY)
        return error_set(error, ERROR_CONFIGURATION, "%s: %s", identity->conf->key, weakness);
    return true;
}

/* What works today but should not stay so. */
static void warn(const struct conf *conf, const struct identity *identity, struct faults *faults)
{
    const char *location = NULL;
    struct error ignored = {0};
    const struct key_store *store = store_for(identity->conf->key, &location, &ignored);
    if (store != NULL && store->is_exposed != NULL && store->is_exposed(location))
        faults_warn(faults, conf->file, identity->conf->line, "%s: others than its owner may read this key (chmod 600)",
                    identity->conf->key);
    const char *weakness = key_weakness(identity->key);
    if (weakness != NULL)
        faults_warn(faults, conf->file, identity->conf->line,
                    "%s: %s: it decrypts, but partners will not encrypt to it", identity->conf->key, weakness);
    time_t now = time(NULL);
    if (certificate_is_current(identity->certificate, now))
        return;
    bool early = ASN1_TIME_cmp_time_t(X509_get0_notBefore(identity->certificate), now) == 1;
    faults_warn(faults, conf->file, identity->conf->line, "%s: the certificate %s", identity->conf->certificate,
                early ? "is not yet valid" : "has expired");
}

static struct identity *identity_open(const struct conf *conf, const struct identity_conf *entry, struct faults *faults)
{
    struct error error = {0};
    struct identity *identity = g_new0(struct identity, 1);
    identity->conf = entry;
    if (!load_certificates(identity, &error) || !load_key(identity, &error)) {
        faults_add(faults, conf->file, entry->line, "%s", error.text);
        identity_free(identity);
        return NULL;
    }
    warn(conf, identity, faults);
    return identity;
}

struct keys *keys_open(const struct conf *conf, struct faults *faults)
{
    bool good = true;
    struct keys *keys = g_new0(struct keys, 1);
    keys->identities = g_ptr_array_new_with_free_func(identity_free);
    for (size_t i = 0; i < conf->identity_count; i++) {
        struct identity *identity = identity_open(conf, &conf->identities[i], faults);
        if (identity != NULL)
            g_ptr_array_add(keys->identities, identity);
        else
            good = false;
    }
    if (good)
        return keys;
    keys_close(keys);
    return NULL;
}

void keys_close(struct keys *keys)
{
    if (keys == NULL)
        return;
    g_ptr_array_free(keys->identities, TRUE);
    g_free(keys);
}

size_t keys_count(const struct keys *keys)
{
    return keys->identities->len;
}

const struct identity *keys_at(const struct keys *keys, size_t index)
{
    return index < keys->identities->len ? g_ptr_array_index(keys->identities, index) : NULL;
}

/* True if a is to be preferred to b: the more specific domain, then the later notBefore. The first of equals stays. */
static bool is_better(const struct identity *a, const struct identity *b)
{
    size_t a_length = strlen(a->conf->domain), b_length = strlen(b->conf->domain);
    if (a_length != b_length)
        return a_length > b_length; /* both are suffixes of the same name */
    return ASN1_TIME_compare(X509_get0_notBefore(a->certificate), X509_get0_notBefore(b->certificate)) > 0;
}

const struct identity *keys_find(const struct keys *keys, enum role role, const char *domain, time_t at,
                                 struct error *error)
{
    const struct identity *best = NULL, *outdated = NULL;
    for (guint i = 0; i < keys->identities->len; i++) {
        const struct identity *each = g_ptr_array_index(keys->identities, i);
        if (each->conf->role != role || domain == NULL || !domain_is_within(domain, each->conf->domain))
            continue;
        if (!certificate_is_current(each->certificate, at))
            outdated = each;
        else if (best == NULL || is_better(each, best))
            best = each;
    }
    if (best != NULL)
        return best;
    if (outdated != NULL) {
        bool early = ASN1_TIME_cmp_time_t(X509_get0_notBefore(outdated->certificate), at) == 1;
        error_set(error, ERROR_CONFIGURATION, "the certificate of the %s for %s (%s) %s", role_name(role),
                  outdated->conf->domain, outdated->conf->certificate, early ? "is not yet valid" : "has expired");
    } else {
        error_set(error, ERROR_CONFIGURATION, "no identity is configured as %s for %s", role_name(role),
                  domain != NULL ? domain : "a message without an author");
    }
    return NULL;
}
