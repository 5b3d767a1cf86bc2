/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trust: loads the anchors and pins of each partner and the global anchors, once, and opens the sources of revocation.
 * chain.c (paths, revocation and usage), role.c and mailbox.c (names) make the checks.
 *
 * An anchor is any certificate that the administrator named, also an intermediate or an end-entity certificate;
 * whether it is self-signed does not matter.
 */
#include "cache.h"
#include "revocation.h"

#include <string.h>

static void partner_trust_free(void *data)
{
    struct partner_trust *partner = data;
    anchors_free(partner->anchors);
    g_hash_table_destroy(partner->pins);
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
                faults_warn(faults, place->file, place->line,
                            "%s: %s is not a CA certificate, so it is trusted only for itself", place->key, *files);
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

static bool pins_open(const struct partner *partner, GHashTable *pins, struct faults *faults)
{
    const struct place place = {.file = partner->file, .line = partner->certificates_line, .key = "certificates"};
    for (char **file = partner->certificates; *file != NULL; file++) {
        struct error error = {0};
        owned(x509_stack) STACK_OF(X509) *found = certificates_load(*file, &error);
        if (found == NULL) {
            complain(faults, &place, error.text);
            return false;
        }
        for (int i = 0; i < sk_X509_num(found); i++) {
            char *hex = g_malloc(65);
            certificate_fingerprint(sk_X509_value(found, i), hex);
            g_hash_table_add(pins, hex);
        }
    }
    return true;
}

static bool partner_open(struct trust *trust, const struct partner *partner, struct faults *faults)
{
    struct partner_trust *loaded = g_new0(struct partner_trust, 1);
    loaded->pins = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_hash_table_insert(trust->partners, (gpointer)partner, loaded);
    bool good = pins_open(partner, loaded->pins, faults);
    if (partner->anchors[0] != NULL) {
        const struct place place = {.file = partner->file, .line = partner->anchors_line, .key = "anchors"};
        loaded->anchors = anchors_open(partner->anchors, &place, faults);
        good = good && loaded->anchors != NULL;
    }
    return good;
}

struct trust *trust_open_with(const struct conf *conf, const struct revocation_source *const *sources,
                              struct faults *faults)
{
    const struct place place = {.file = conf->file, .line = conf->trust_anchors_line, .key = "trust_anchors"};
    struct trust *trust = g_new0(struct trust, 1);
    trust->partners = g_hash_table_new_full(NULL, NULL, NULL, partner_trust_free);
    trust->cache = path_cache_new();
    trust->revocation = revocation_open(conf, sources, faults);
    trust->global = anchors_open(conf->trust_anchors, &place, faults);
    bool good = trust->revocation != NULL && trust->global != NULL;
    for (size_t i = 0; i < conf->partner_count; i++)
        good = partner_open(trust, conf->partners[i], faults) && good;
    if (good)
        return trust;
    trust_close(trust);
    return NULL;
}

struct trust *trust_open(const struct conf *conf, struct faults *faults)
{
    return trust_open_with(conf, NULL, faults);
}

void trust_close(struct trust *trust)
{
    if (trust == NULL)
        return;
    g_hash_table_destroy(trust->partners);
    anchors_free(trust->global);
    revocation_close(trust->revocation);
    path_cache_free(trust->cache);
    g_free(trust);
}

const struct anchors *trust_anchors(const struct trust *trust, const struct partner *partner)
{
    const struct partner_trust *loaded = g_hash_table_lookup(trust->partners, partner);
    if (loaded == NULL)
        return NULL;
    return loaded->anchors != NULL ? loaded->anchors : trust->global;
}

bool trust_is_pinned(const struct trust *trust, const struct partner *partner, const X509 *certificate)
{
    char hex[65];
    const struct partner_trust *loaded = g_hash_table_lookup(trust->partners, partner);
    certificate_fingerprint(certificate, hex);
    return loaded != NULL && hex[0] != '\0' && g_hash_table_contains(loaded->pins, hex);
}
