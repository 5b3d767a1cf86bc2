/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust: loads the anchors and pins of each partner and the global anchors, once, and opens the sources of revocation.
 * chain.c (paths, revocation and usage), role.c and mailbox.c (names) make the checks.
 *
 * An anchor is any certificate that the administrator named, also an intermediate or an end-entity certificate;
 * whether it is self-signed does not matter.
 */
#include "cache.h"
#include "courier.h"
#include "kept.h"
#include "names.h"
#include "revocation.h"
#include "store/store.h"

#include <string.h>

static void partner_trust_free(void *data)
{
    struct partner_trust *partner = data;
    anchors_free(partner->anchors);
    g_hash_table_destroy(partner->pins);
    sk_X509_pop_free(partner->issuers, X509_free);
    revocation_close(partner->revocation);
    g_free(partner);
}

/* *authorities: how many of the file's certificates can issue others. */
static bool add_file(struct anchors *anchors, const char *path, unsigned *authorities, struct error *error)
{
    owned(x509_stack) STACK_OF(X509) *found = certificates_load(path, error);
    if (found == NULL)
        return false;
    for (int i = 0; i < sk_X509_num(found); i++) {
        if (!anchors_add(anchors, sk_X509_value(found, i)))
            return error_set_openssl(error, ERROR_CONFIGURATION, "%s", path);
        *authorities += X509_check_ca(sk_X509_value(found, i)) != 0;
    }
    return true;
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

static struct anchors *anchors_open(char *const *files, const struct place *place, struct faults *faults)
{
    bool good = true;
    struct anchors *anchors = anchors_new();
    for (; *files != NULL; files++) {
        struct error error = {0};
        unsigned authorities = 0;
        if (add_file(anchors, *files, &authorities, &error)) {
            if (authorities == 0)
                faults_warn(
                    faults, place->file, place->line,
                    "%s: %s is not a CA certificate, so it is trusted only for itself; name the certificate of its CA",
                    place->key, *files);
            continue;
        }
        complain(faults, place, error.text);
        good = false;
    }
    if (good)
        return anchors;
    anchors_free(anchors);
    return NULL;
}

static bool add_all(struct anchors *anchors, const STACK_OF(X509) * list,
                    bool (*add)(struct anchors *anchors, X509 *certificate))
{
    for (int i = 0; i < sk_X509_num(list); i++)
        if (!add(anchors, sk_X509_value(list, i)))
            return false;
    return true;
}

/* --- intermediates, and pinned certificates, which may have their chain beside them --- */

/* Adds the authorities among these certificates, and those that sign lists for them, to the list. False: there is none.
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
    if (partner->anchors[0] != NULL)
        loaded->anchors = anchors_open(partner->anchors, &place, faults);
    else if (sk_X509_num(authorities) == 0 || trust->global == NULL)
        return true;
    else
        loaded->anchors = anchors_new();
    if (loaded->anchors == NULL)
        return false;
    if ((partner->anchors[0] == NULL && !add_all(loaded->anchors, trust->global->list, anchors_add)) ||
        !add_all(loaded->anchors, trust->intermediates, anchors_add_helper) ||
        !add_all(loaded->anchors, authorities, anchors_add_helper))
        g_error("out of memory");
    return true;
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
    trust->global = anchors_open(conf->trust_anchors, &place, faults);
    bool good = intermediates_open(conf->intermediates, &chains, trust->intermediates, faults);
    if (trust->global != NULL && !add_all(trust->global, trust->intermediates, anchors_add_helper))
        g_error("out of memory");
    return good && trust->revocation != NULL && trust->global != NULL;
}

static struct trust *open_trust(const struct conf *conf, const struct revocation_source *const *sources,
                                const struct trust *previous, struct faults *faults)
{
    struct trust *trust = g_new0(struct trust, 1);
    trust->partners = g_hash_table_new_full(NULL, NULL, NULL, partner_trust_free);
    trust->cache = path_cache_new();
    trust->names = names_cache_new();
    trust->kept = kept_after(previous != NULL ? previous->kept : NULL, conf->store);
    trust->courier = courier_new(conf, trust->kept);
    trust->store = conf->store != NULL ? store_open(conf->store) : NULL;
    trust->names_limit = conf->limits.names;
    trust->intermediates = sk_X509_new_null();
    if (trust->intermediates == NULL)
        g_error("out of memory");
    bool good = open_global(trust, conf, sources, faults);
    for (size_t i = 0; i < conf->partner_count; i++)
        good = partner_open(trust, conf->partners[i], sources, faults) && good;
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
    g_hash_table_destroy(trust->partners);
    anchors_free(trust->global);
    sk_X509_pop_free(trust->intermediates, X509_free);
    revocation_close(trust->revocation);
    path_cache_free(trust->cache);
    names_cache_free(trust->names);
    store_close(trust->store);
    kept_unref(trust->kept);
    g_free(trust);
}

const struct anchors *trust_anchors(const struct trust *trust, const struct partner *partner)
{
    const struct partner_trust *loaded = g_hash_table_lookup(trust->partners, partner);
    if (loaded == NULL)
        return NULL;
    return loaded->anchors != NULL ? loaded->anchors : trust->global;
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
static const X509 *issuer_among(const STACK_OF(X509) * list, const X509 *certificate, const X509 *other)
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

const X509 *trust_issuer(const struct trust *trust, const X509 *certificate)
{
    return issuer_among(trust->global->list, certificate, issuer_among(trust->intermediates, certificate, NULL));
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
