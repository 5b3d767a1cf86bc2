/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys: the identities of a configuration, each with certificate, chain and private key in memory.
 *
 * All of them are loaded once, at the start and at a reload: decoding a key costs as much as using it, and a fault is
 * better seen by an administrator who waits for `domsec check` than by a sender. Afterwards nothing here changes, so
 * threads share it without a lock. How one is loaded is in identity.c, where its key comes from in key_store.c, and how
 * it is found again in key_index.c.
 */
#include "awaited.h"
#include "coverage.h"
#include "identity.h"
#include "key_index.h"

#include "base/moment.h"

#include <string.h>

struct keys {
    GPtrArray *identities; /* struct identity *, in the order of the configuration */
    GPtrArray *awaited;    /* struct identity_conf *, lent by the configuration */
    struct key_index *index;
    struct key_stores *stores; /* open as long as their keys are used */
};

EVP_PKEY *keys_load(const char *uri, struct error *error)
{
    owned(key_stores) struct key_stores *stores = key_stores_new(NULL, NULL, NULL);
    return key_stores_load(stores, uri, NULL, NULL, error);
}

static void free_identity(gpointer identity)
{
    identity_free(identity);
}

static bool seal(struct keys *keys, const struct conf *conf, struct faults *faults)
{
    struct error error = {0};
    if (!key_stores_seal(keys->stores, &error))
        faults_add(faults, conf->file, 0, "%s", error.text);
    return error.kind == ERROR_NONE;
}

static void read_traits(struct keys *keys, const struct conf *conf)
{
    g_autofree X509 **certificates = g_new0(X509 *, conf->identity_count + 1);
    g_autofree struct key_traits *traits = g_new0(struct key_traits, conf->identity_count + 1);
    for (size_t i = 0; i < keys_count(keys); i++)
        certificates[keys_at(keys, i)->conf - conf->identities] = keys_at(keys, i)->certificate;
    key_traits_read(conf, certificates, traits);
    for (size_t i = 0; i < keys_count(keys); i++) {
        struct identity *identity = g_ptr_array_index(keys->identities, i);
        identity->traits = traits[identity->conf - conf->identities];
    }
}

/* An identity that has ended may have lost its files, its key above all. */
static bool add_identity(struct keys *keys, const struct conf *conf, const struct identity_conf *entry,
                         struct faults *faults)
{
    bool ended = identity_has_ended(entry, time(NULL));
    owned(faults) struct faults *ignored = faults_new();
    struct identity *identity = identity_open(conf, entry, keys->stores, ended ? ignored : faults);
    if (identity == NULL)
        return ended;
    key_index_add(keys->index, identity, keys->identities->len);
    g_ptr_array_add(keys->identities, identity);
    return true;
}

/* Adds the identities and takes the stores; NULL if there was an error. */
static struct keys *open_from(struct key_stores *stores, const struct conf *conf, struct faults *faults)
{
    owned(keys) struct keys *keys = g_new0(struct keys, 1);
    bool good = true;
    keys->identities = g_ptr_array_new_with_free_func(free_identity);
    keys->awaited = g_ptr_array_new();
    keys->index = key_index_new();
    keys->stores = stores;
    for (size_t i = 0; i < conf->identity_count; i++) {
        if (identity_is_awaited(conf, &conf->identities[i])) {
            awaited_note(conf, &conf->identities[i], time(NULL), faults);
            g_ptr_array_add(keys->awaited, &conf->identities[i]);
        } else if (!add_identity(keys, conf, &conf->identities[i], faults)) {
            good = false;
        }
    }
    coverage_check(conf, keys->identities, time(NULL), faults);
    if (!good || !seal(keys, conf, faults))
        return NULL;
    read_traits(keys, conf);
    return steal(&keys);
}

struct keys *keys_open_with(const struct conf *conf, const struct key_store_type *const *types, struct faults *faults)
{
    return open_from(key_stores_new(types, conf, NULL), conf, faults);
}

struct keys *keys_open(const struct conf *conf, struct key_service *service, struct faults *faults)
{
    return open_from(key_stores_new(NULL, conf, service), conf, faults);
}

void keys_close(struct keys *keys)
{
    if (keys == NULL)
        return;
    key_index_free(keys->index);
    g_ptr_array_free(keys->identities, TRUE);
    g_ptr_array_free(keys->awaited, TRUE);
    key_stores_free(keys->stores);
    g_free(keys);
}

size_t keys_count(const struct keys *keys)
{
    return keys->identities->len;
}

uint64_t keys_arrivals(const struct keys *keys)
{
    return awaited_arrivals(keys->awaited);
}

const struct identity *keys_at(const struct keys *keys, size_t index)
{
    return index < keys->identities->len ? g_ptr_array_index(keys->identities, index) : NULL;
}

static const struct identity *identity_of(const struct keys *keys, const GArray *positions, guint i)
{
    return keys_at(keys, g_array_index(positions, guint, i));
}

/* The newer of two, the first of equals. a may be NULL. */
static const struct identity *newer(const struct identity *a, const struct identity *b)
{
    return a == NULL || identity_is_newer(b->conf, b->certificate, a->conf, a->certificate) ? b : a;
}

/* Of those valid at that time the newest; of the others the newest is left in outdated. */
static const struct identity *newest(const struct keys *keys, const GArray *positions, time_t at,
                                     const struct identity **outdated)
{
    const struct identity *best = NULL;
    for (guint i = 0; i < positions->len; i++) {
        const struct identity *each = identity_of(keys, positions, i);
        if (identity_is_current(each->conf, each->certificate, at))
            best = newer(best, each);
        else
            *outdated = newer(*outdated, each);
    }
    return best;
}

/* The newest valid one with this name. The first one that is not valid, over several names, is left in outdated. */
static const struct identity *find_named(const struct keys *keys, enum role role, const char *name, time_t at,
                                         const struct identity **outdated)
{
    const GArray *positions = key_index_named(keys->index, role, name);
    const struct identity *old = NULL;
    const struct identity *found = positions != NULL ? newest(keys, positions, at, &old) : NULL;
    if (*outdated == NULL)
        *outdated = old;
    return found;
}

static const char *parent_of(const char *domain)
{
    const char *dot = strchr(domain, '.');
    return dot != NULL ? dot + 1 : NULL;
}

static void explain_outdated(const struct identity *identity, time_t at, struct error *error)
{
    const struct identity_conf *conf = identity->conf;
    bool ended = identity_has_ended(conf, at);
    if (ended || at < conf->from) {
        g_autofree char *date = moment_text(ended ? conf->until : conf->from);
        error_set(error, ERROR_CONFIGURATION, "the identity of the %s for %s (%s) %s on %s", role_name(conf->role),
                  identity_owner(conf), conf->certificate, ended ? "ended" : "begins", date);
        return;
    }
    bool early = ASN1_TIME_cmp_time_t(X509_get0_notBefore(identity->certificate), at) == 1;
    error_set(error, ERROR_CONFIGURATION, "the certificate of the %s for %s (%s) %s", role_name(conf->role),
              identity_owner(conf), conf->certificate, early ? "is not yet valid" : "has expired");
}

const struct identity *keys_find(const struct keys *keys, enum role role, const char *domain, time_t at,
                                 struct error *error)
{
    const struct identity *outdated = NULL;
    for (const char *name = domain; name != NULL; name = parent_of(name)) {
        const struct identity *found = find_named(keys, role, name, at, &outdated);
        if (found != NULL)
            return found;
    }
    if (outdated != NULL)
        explain_outdated(outdated, at, error);
    else
        error_set(error, ERROR_CONFIGURATION, "no identity with the role %s is configured for %s", role_name(role),
                  domain != NULL ? domain : "a message without an author");
    return NULL;
}

const struct identity *keys_find_mailbox(const struct keys *keys, const struct address *address, time_t at,
                                         struct error *error)
{
    g_autofree char *mailbox = address_key(address), *pattern = g_strconcat("*@", address->domain, NULL);
    const char *const names[] = {mailbox, pattern};
    const struct identity *outdated = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        const struct identity *found = find_named(keys, ROLE_MAILBOX, names[i], at, &outdated);
        if (found != NULL)
            return found;
    }
    if (outdated != NULL)
        explain_outdated(outdated, at, error);
    else
        error_set(error, ERROR_PERMANENT, "no identity signs for %s", address->text);
    return NULL;
}

/* --- all of them --- */

struct listing {
    GPtrArray *valid, *others;
};

/* The newest first, the first of equals; after those of the names before. */
static void list_named(const struct keys *keys, enum role role, const char *name, time_t at, struct listing *listing)
{
    const GArray *positions = key_index_named(keys->index, role, name);
    guint start = listing->valid->len;
    for (guint i = 0; positions != NULL && i < positions->len; i++) {
        const struct identity *each = identity_of(keys, positions, i);
        guint place = start;
        if (!identity_is_current(each->conf, each->certificate, at)) {
            g_ptr_array_add(listing->others, (gpointer)each);
            continue;
        }
        while (place < listing->valid->len && newer(listing->valid->pdata[place], each) != each)
            place++;
        g_ptr_array_insert(listing->valid, (int)place, (gpointer)each);
    }
}

static const struct identity **end_list(struct listing *listing, size_t *current)
{
    *current = listing->valid->len;
    g_ptr_array_extend_and_steal(listing->valid, listing->others);
    g_ptr_array_add(listing->valid, NULL);
    return (const struct identity **)g_ptr_array_free(listing->valid, FALSE);
}

const struct identity **keys_list(const struct keys *keys, enum role role, const char *domain, time_t at,
                                  size_t *current)
{
    struct listing listing = {g_ptr_array_new(), g_ptr_array_new()};
    for (const char *name = domain; name != NULL; name = parent_of(name))
        list_named(keys, role, name, at, &listing);
    return end_list(&listing, current);
}

const struct identity **keys_list_mailbox(const struct keys *keys, const struct address *address, time_t at,
                                          size_t *current)
{
    struct listing listing = {g_ptr_array_new(), g_ptr_array_new()};
    g_autofree char *mailbox = address_key(address), *pattern = g_strconcat("*@", address->domain, NULL);
    list_named(keys, ROLE_MAILBOX, mailbox, at, &listing);
    list_named(keys, ROLE_MAILBOX, pattern, at, &listing);
    return end_list(&listing, current);
}

bool keys_has(const struct keys *keys, enum role role, const char *domain)
{
    for (const char *name = domain; name != NULL; name = parent_of(name))
        if (key_index_named(keys->index, role, name) != NULL)
            return true;
    return false;
}

const struct identity *keys_first(const struct keys *keys, enum role role, time_t at)
{
    const GArray *positions = key_index_role(keys->index, role);
    for (guint i = 0; i < positions->len; i++) {
        const struct identity *each = identity_of(keys, positions, i), *ignored = NULL;
        if (identity_is_current(each->conf, each->certificate, at))
            return find_named(keys, role, each->conf->domain, at, &ignored);
    }
    return NULL;
}

static gint compare_positions(gconstpointer a, gconstpointer b)
{
    guint left = *(const guint *)a, right = *(const guint *)b;
    return (left > right) - (left < right);
}

const struct identity **keys_by_recipients(const struct keys *keys, const struct recipient_id *ids, size_t count)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(guint));
    for (size_t i = 0; i < count; i++) {
        const GArray *positions = key_index_recipient(keys->index, &ids[i]);
        if (positions != NULL)
            g_array_append_vals(all, positions->data, positions->len);
    }
    g_array_sort(all, compare_positions);
    const struct identity **list = g_new0(const struct identity *, all->len + 1);
    for (guint i = 0, found = 0; i < all->len; i++)
        if (i == 0 || g_array_index(all, guint, i) != g_array_index(all, guint, i - 1))
            list[found++] = identity_of(keys, all, i);
    return list;
}
