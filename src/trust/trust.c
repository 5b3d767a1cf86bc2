/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust: loads the anchors and pins of each partner and the global anchors, and opens the sources of revocation. A
 * bundle that others publish may bring other anchors later; all else is loaded once. chain.c (paths, revocation and
 * usage), role.c and mailbox.c (names) make the checks.
 *
 * An anchor is any certificate that the administrator named, also an intermediate or an end-entity certificate;
 * whether it is self-signed does not matter.
 */
#include "base/file.h"
#include "bundle_content.h"
#include "bundles.h"
#include "cache.h"
#include "courier.h"
#include "kept.h"
#include "names_cache.h"
#include "own_checks.h"
#include "path.h"
#include "revocation.h"
#include "store/store.h"

#include <string.h>

static void partner_trust_free(void *data)
{
    struct partner_trust *partner = data;
    scope_free(partner->scope);
    g_hash_table_destroy(partner->pins);
    sk_X509_pop_free(partner->issuers, X509_free);
    revocation_close(partner->revocation);
    g_free(partner);
}

/* In a signed bundle the certificates at the top are those of its signers. */
static STACK_OF(X509) * load_anchors(const char *path, struct error *error)
{
    size_t length = 0;
    g_autofree char *text = file_read(path, &length, error);
    const struct slice contents = {text, length};
    STACK_OF(X509) *found = NULL;
    if (text != NULL && bundle_content_is_signed(contents))
        error_set(error, ERROR_CONFIGURATION, "a signed bundle; name its signer: { file = \"…\"; signer = \"…\"; }");
    else if (text != NULL)
        found = certificates_parse(contents, NULL, error);
    if (found == NULL)
        error_prefix(error, "%s", path);
    return found;
}

/* How many of a file's certificates can issue others, and how many may not be used for mail. */
struct counted {
    unsigned authorities, not_for_mail;
};

static bool add_file(struct scope *scope, const char *path, struct counted *counted, struct error *error)
{
    owned(x509_stack) STACK_OF(X509) *found = load_anchors(path, error);
    for (int i = 0; i < sk_X509_num(found); i++) {
        counted->authorities += X509_check_ca(sk_X509_value(found, i)) != 0;
        counted->not_for_mail += !usage_allows_mail(sk_X509_value(found, i));
    }
    if (found != NULL)
        scope_add_anchors(scope, found);
    return found != NULL;
}

struct place {
    const char *file;
    unsigned line;
    const char *key;
};

/* certs/ reads some of the same files and may have complained already. */
static void complain(struct faults *faults, const struct place *place, const char *text)
{
    g_autofree char *said = g_strconcat(place->key, ": ", text, NULL);
    for (size_t i = 0; i < faults_count(faults); i++)
        if (text_begins_with(faults_at(faults, i), place->file) && g_str_has_suffix(faults_at(faults, i), said))
            return;
    faults_add(faults, place->file, place->line, "%s", said);
}

static bool add_files(struct scope *scope, char *const *files, const struct place *place, struct faults *faults)
{
    bool good = true;
    for (; *files != NULL; files++) {
        struct error error = {0};
        struct counted counted = {0};
        if (!add_file(scope, *files, &counted, &error)) {
            complain(faults, place, error.text);
            good = false;
            continue;
        }
        if (counted.authorities == 0)
            faults_warn(
                faults, place->file, place->line,
                "%s: %s is not a CA certificate, so it is trusted only for itself; name the certificate of its CA",
                place->key, *files);
        /* As in a bundle for web servers, which is not for mail. */
        if (counted.not_for_mail > 0)
            faults_warn(faults, place->file, place->line,
                        "%s: %s holds authorities whose extended key usage is not for e-mail (%u of them)", place->key,
                        *files, counted.not_for_mail);
    }
    return good;
}

/* --- bundles that others publish --- */

static bool add_signed_file(struct scope *scope, const struct bundle_conf *bundle, struct error *error)
{
    owned(bundle_content) struct bundle_content content = {0};
    owned(x509_stack) STACK_OF(X509) *signers = bundle_signers(bundle, error);
    size_t length = 0;
    g_autofree char *text = signers != NULL ? file_read(bundle->file, &length, error) : NULL;
    if (signers == NULL)
        return false;
    if (text == NULL || !bundle_content_read((struct slice){text, length}, signers, time(NULL), &content, error))
        return error_prefix(error, "%s", bundle->file);
    scope_add_anchors(scope, content.anchors);
    return true;
}

static bool add_remote(struct bundles *bundles, struct scope *scope, const struct bundle_conf *conf,
                       const struct place *place, struct faults *faults)
{
    struct error error = {0};
    struct remote_bundle *bundle = bundles_add(bundles, conf, &error);
    if (bundle == NULL) {
        complain(faults, place, error.text);
        return false;
    }
    if (!remote_bundle_has_come(bundle))
        faults_note(faults, place->file, place->line,
                    "%s: %s has not been fetched yet; the daemon fetches it, and messages that need it wait or are "
                    "deferred",
                    place->key, conf->url);
    scope_add_bundle(scope, bundle);
    return true;
}

static bool add_bundles(struct bundles *bundles, struct scope *scope, const struct bundles_conf *conf,
                        const struct place *place, struct faults *faults)
{
    bool good = true;
    for (size_t i = 0; i < conf->count; i++) {
        struct error error = {0};
        struct place at = *place;
        at.line = conf->list[i].line;
        if (conf->list[i].url != NULL) {
            good = add_remote(bundles, scope, &conf->list[i], &at, faults) && good;
        } else if (!add_signed_file(scope, &conf->list[i], &error)) {
            complain(faults, &at, error.text);
            good = false;
        }
    }
    return good;
}

/* --- intermediates, and pinned certificates, which may have their chain beside them --- */

/* Adds the authorities among these certificates, and those that sign lists for them, to the list. False: none was
 * added.
 */
static bool add_authorities(STACK_OF(X509) * list, const STACK_OF(X509) * found)
{
    int before = sk_X509_num(list);
    for (int i = 0; i < sk_X509_num(found); i++)
        if ((X509_check_ca(sk_X509_value(found, i)) != 0 || certificate_signs_lists(sk_X509_value(found, i))) &&
            !X509_add_cert(list, sk_X509_value(found, i), X509_ADD_FLAG_UP_REF))
            g_error("out of memory");
    return sk_X509_num(list) > before;
}

static bool intermediates_open(char *const *files, const struct place *place, STACK_OF(X509) * list,
                               struct faults *faults)
{
    bool good = true;
    for (; *files != NULL; files++) {
        struct error error = {0};
        owned(x509_stack) STACK_OF(X509) *found = certificates_load(*files, &error);
        if (found == NULL)
            complain(faults, place, error.text);
        else if (!add_authorities(list, found))
            faults_warn(faults, place->file, place->line, "%s: %s contains no CA certificate", place->key, *files);
        good = good && found != NULL;
    }
    return good;
}

static bool issuers_open(const struct partner *partner, STACK_OF(X509) * list, struct faults *faults)
{
    const struct place place = {
        .file = partner->file, .line = partner->demands.issuers_line, .key = "require_certificate.issuers"};
    return intermediates_open(partner->demands.issuers, &place, list, faults);
}

static char *pin_key(const struct group_conf *group, const char *fingerprint)
{
    return group != NULL ? g_strdup_printf("%zu %s", group->index, fingerprint) : g_strdup(fingerprint);
}

/* group NULL: the partner's own. */
static bool pins_open(const struct partner *partner, const struct group_conf *group, struct partner_trust *loaded,
                      STACK_OF(X509) * authorities, struct faults *faults)
{
    const struct place place = {
        .file = partner->file, .line = group != NULL ? group->line : partner->certificates_line, .key = "certificates"};
    owned(x509_stack) STACK_OF(X509) *all = sk_X509_new_null();
    for (char **file = group != NULL ? group->certificates : partner->certificates; *file != NULL; file++) {
        struct error error = {0};
        owned(x509_stack) STACK_OF(X509) *found = certificates_load(*file, &error);
        if (found == NULL) {
            complain(faults, &place, error.text);
            return false;
        }
        if (all == NULL || !X509_add_certs(all, found, X509_ADD_FLAG_UP_REF))
            g_error("out of memory");
    }
    for (int i = 0; i < sk_X509_num(all); i++) {
        char hex[65];
        certificate_fingerprint(sk_X509_value(all, i), hex);
        bool alone = certificate_stands_alone(sk_X509_value(all, i), all);
        g_hash_table_insert(loaded->pins, pin_key(group, hex), GINT_TO_POINTER(alone ? PIN_ALONE : PIN_PLAIN));
    }
    add_authorities(authorities, all);
    return true;
}

/* --- partners --- */

/* A partner without anchors has the global ones, and a partner without authorities of its own the same set of them. */
static bool partner_open_anchors(const struct trust *trust, const struct partner *partner, struct partner_trust *loaded,
                                 const STACK_OF(X509) * authorities, struct faults *faults)
{
    const struct place place = {.file = partner->file, .line = partner->anchors_line, .key = "anchors"};
    bool has_own = conf_has_anchors(partner);
    if (!has_own && sk_X509_num(authorities) == 0)
        return true;
    loaded->scope = scope_new(has_own ? NULL : trust->global);
    bool good = add_files(loaded->scope, partner->anchors, &place, faults);
    good = add_bundles(trust->bundles, loaded->scope, &partner->bundles, &place, faults) && good;
    scope_add_helpers(loaded->scope, trust->intermediates);
    scope_add_helpers(loaded->scope, authorities);
    scope_renew(loaded->scope);
    return good;
}

static bool partner_open(struct trust *trust, const struct partner *partner,
                         const struct revocation_source *const *sources, struct faults *faults)
{
    const struct place place = {.file = partner->file, .line = partner->intermediates_line, .key = "intermediates"};
    struct partner_trust *loaded = g_new0(struct partner_trust, 1);
    owned(x509_stack) STACK_OF(X509) *authorities = sk_X509_new_null();
    loaded->issuers = sk_X509_new_null();
    loaded->pins = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_hash_table_insert(trust->partners, (gpointer)partner, loaded);
    if (authorities == NULL || loaded->issuers == NULL)
        g_error("out of memory");
    bool good = pins_open(partner, NULL, loaded, authorities, faults);
    for (size_t i = 0; i < partner->group_count; i++)
        good = pins_open(partner, &partner->groups[i], loaded, authorities, faults) && good;
    good = intermediates_open(partner->intermediates, &place, authorities, faults) && good;
    good = issuers_open(partner, loaded->issuers, faults) && good;
    good = partner_open_anchors(trust, partner, loaded, authorities, faults) && good;
    if (partner->revocation->crls[0] == NULL || partner->revocation != &partner->own_revocation)
        return good;
    const struct revocation_setup setup = {.conf = partner->revocation, .file = partner->file, .kept = trust->kept};
    loaded->revocation = revocation_open(&setup, sources, faults);
    return good && loaded->revocation != NULL;
}

static bool open_global(struct trust *trust, const struct conf *conf, const struct revocation_source *const *sources,
                        struct faults *faults)
{
    const struct place place = {.file = conf->file, .line = conf->trust_anchors_line, .key = "trust_anchors"};
    const struct place chains = {.file = conf->file, .line = conf->intermediates_line, .key = "intermediates"};
    const struct revocation_setup setup = {.conf = &conf->revocation, .file = conf->file, .kept = trust->kept};
    trust->revocation = revocation_open(&setup, sources, faults);
    bool good = add_files(trust->global, conf->trust_anchors, &place, faults);
    good = add_bundles(trust->bundles, trust->global, &conf->bundles, &place, faults) && good;
    good = intermediates_open(conf->intermediates, &chains, trust->intermediates, faults) && good;
    scope_add_helpers(trust->global, trust->intermediates);
    scope_renew(trust->global);
    return good && trust->revocation != NULL;
}

/* A bundle has brought other anchors. What was concluded from the old ones is forgotten. */
static void renew(void *context)
{
    struct trust *trust = context;
    GHashTableIter each;
    gpointer value;
    g_mutex_lock(&trust->renewing);
    if (scope_has_bundles(trust->global))
        scope_renew(trust->global);
    g_hash_table_iter_init(&each, trust->partners);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        struct scope *scope = ((struct partner_trust *)value)->scope;
        if (scope != NULL && scope_has_bundles(scope))
            scope_renew(scope);
    }
    path_cache_clear(trust->cache);
    g_mutex_unlock(&trust->renewing);
}

static struct trust *open_trust(const struct conf *conf, const struct revocation_source *const *sources,
                                const struct trust *previous, struct faults *faults)
{
    struct trust *trust = g_new0(struct trust, 1);
    trust->partners = g_hash_table_new_full(NULL, NULL, NULL, partner_trust_free);
    trust->cache = path_cache_new();
    trust->own = own_checks_new();
    trust->names = names_cache_new();
    trust->kept = kept_after(previous != NULL ? previous->kept : NULL, conf->store);
    trust->store = conf->store != NULL ? store_open(conf->store) : NULL;
    trust->notices = notices_new();
    trust->courier = courier_new(conf, trust->kept, trust->notices);
    trust->bundles = bundles_new(conf, previous != NULL ? previous->bundles : NULL, trust->notices);
    trust->global = scope_new(NULL);
    g_mutex_init(&trust->renewing);
    trust->fetches_issuers = conf->fetch_issuers;
    trust->names_limit = conf->limits.names;
    trust->intermediates = sk_X509_new_null();
    if (trust->intermediates == NULL)
        g_error("out of memory");
    bool good = open_global(trust, conf, sources, faults);
    for (size_t i = 0; i < conf->partner_count; i++)
        good = partner_open(trust, conf->partners[i], sources, faults) && good;
    bundles_watch(trust->bundles, renew, trust);
    if (good)
        return trust;
    trust_close(trust);
    return NULL;
}

struct trust *trust_open_with(const struct conf *conf, const struct revocation_source *const *sources,
                              struct faults *faults)
{
    return open_trust(conf, sources, NULL, faults);
}

struct trust *trust_open_after(const struct conf *conf, const struct trust *previous, struct faults *faults)
{
    return open_trust(conf, NULL, previous, faults);
}

struct trust *trust_open(const struct conf *conf, struct faults *faults)
{
    return trust_open_after(conf, NULL, faults);
}

void trust_close(struct trust *trust)
{
    if (trust == NULL)
        return;
    courier_free(trust->courier);
    bundles_stop(trust->bundles);
    g_hash_table_destroy(trust->partners);
    scope_free(trust->global);
    bundles_free(trust->bundles);
    notices_free(trust->notices);
    g_mutex_clear(&trust->renewing);
    sk_X509_pop_free(trust->intermediates, X509_free);
    revocation_close(trust->revocation);
    path_cache_free(trust->cache);
    own_checks_free(trust->own);
    names_cache_free(trust->names);
    store_close(trust->store);
    kept_unref(trust->kept);
    g_free(trust);
}

const struct scope *trust_scope(const struct trust *trust, const struct partner *partner)
{
    const struct partner_trust *loaded = g_hash_table_lookup(trust->partners, partner);
    if (loaded == NULL)
        return NULL;
    return loaded->scope != NULL ? loaded->scope : trust->global;
}

struct anchors *trust_anchors(const struct trust *trust, const struct partner *partner)
{
    const struct scope *scope = trust_scope(trust, partner);
    return scope != NULL ? scope_anchors(scope) : NULL;
}

bool trust_waits_for_bundle(const struct trust *trust, const struct partner *partner)
{
    owned(anchors) struct anchors *anchors = trust_anchors(trust, partner);
    return anchors != NULL && anchors->unfetched != NULL;
}

const STACK_OF(X509) * trust_issuers(const struct trust *trust, const struct partner *partner)
{
    const struct partner_trust *loaded = g_hash_table_lookup(trust->partners, partner);
    return loaded != NULL ? loaded->issuers : NULL;
}

const struct revocation *trust_revocation(const struct trust *trust, const struct partner *partner)
{
    const struct partner_trust *loaded = g_hash_table_lookup(trust->partners, partner);
    return loaded != NULL && loaded->revocation != NULL ? loaded->revocation : trust->revocation;
}

/* A self-signed one is returned at once, another one only if none follows. */
static X509 *issuer_among(const STACK_OF(X509) * list, const X509 *certificate, X509 *other)
{
    for (int i = 0; i < sk_X509_num(list); i++) {
        X509 *each = sk_X509_value(list, i);
        if (X509_check_issued(each, (X509 *)certificate) != X509_V_OK)
            continue;
        if ((X509_get_extension_flags(each) & EXFLAG_SS) != 0)
            return each;
        other = each;
    }
    return other;
}

X509 *trust_issuer(const struct trust *trust, const X509 *certificate)
{
    owned(anchors) struct anchors *anchors = scope_anchors(trust->global);
    X509 *other = issuer_among(trust->intermediates, certificate, NULL);
    X509 *issuer = issuer_among(anchors->list, certificate, other);
    return issuer != NULL && X509_up_ref(issuer) ? issuer : NULL;
}

enum pin trust_pin(const struct trust *trust, const struct partner *partner, const struct group_conf *group,
                   const X509 *certificate)
{
    char hex[65];
    const struct partner_trust *loaded = g_hash_table_lookup(trust->partners, partner);
    if (loaded == NULL || g_hash_table_size(loaded->pins) == 0)
        return PIN_NONE;
    certificate_fingerprint(certificate, hex);
    g_autofree char *key = pin_key(group, hex);
    return hex[0] != '\0' ? (enum pin)GPOINTER_TO_INT(g_hash_table_lookup(loaded->pins, key)) : PIN_NONE;
}

bool trust_is_pinned(const struct trust *trust, const struct partner *partner, const X509 *certificate)
{
    return trust_pin(trust, partner, NULL, certificate) != PIN_NONE;
}
