/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept: in memory, and in the store for the next start. A list takes the place of an older one of its scope, never of a
 * newer one, so that a server that was set back, or someone on the way, cannot take a revocation back. An answer
 * "revoked" stays when it runs out, and is not thrown out for want of room.
 */
#include "kept.h"

#include "base/metrics.h"
#include "store/revocations.h"

#include <openssl/sha.h>
#include <string.h>

#define ANSWERS_MAX 50000 /* about 10 MB */
#define FAULTS_MAX 10000

struct kept {
    int references;
    char *uri;           /* of the store; NULL: there is no store */
    struct store *store; /* NULL as well */
    GMutex lock;
    GHashTable *lists;   /* scope, lent by the table → struct crl_table * */
    GHashTable *answers; /* struct kept_key → struct kept_answer */
    GHashTable *faults;  /* struct kept_key → const char * */
    struct issuers *issuers;
    gint generation;
};

bool kept_key(const X509 *certificate, const X509 *issuer, struct kept_key *key)
{
    struct key_digest digest;
    const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
    g_autoptr(GByteArray) both = g_byte_array_new();
    unsigned char type = (unsigned char)(ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER);
    if (!key_digest(issuer, &digest))
        return false;
    g_byte_array_append(both, digest.octets, KEY_DIGEST);
    g_byte_array_append(both, &type, 1);
    g_byte_array_append(both, ASN1_STRING_get0_data(serial), (guint)ASN1_STRING_length(serial));
    return EVP_Digest(both->data, both->len, key->octets, NULL, EVP_sha256(), NULL) == 1;
}

bool kept_orphan_key(const X509 *certificate, struct kept_key *key)
{
    return X509_digest(certificate, EVP_sha256(), key->octets, NULL) == 1;
}

static guint key_hash(gconstpointer key)
{
    guint hash;
    memcpy(&hash, key, sizeof(hash));
    return hash;
}

static gboolean key_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(struct kept_key)) == 0;
}

static void table_unref(void *table)
{
    crl_table_unref(table);
}

static void count_lost(void)
{
    metrics_add("domsec_revocation_unsaved_total", NULL, 1);
}

static bool put_list(struct kept *kept, struct crl_table *table)
{
    g_mutex_lock(&kept->lock);
    const struct crl_table *old = g_hash_table_lookup(kept->lists, crl_table_scope(table));
    bool newer = old == NULL || !crl_table_is_older(table, old);
    if (newer) {
        g_hash_table_replace(kept->lists, (gpointer)crl_table_scope(table), crl_table_ref(table));
        g_atomic_int_inc(&kept->generation);
    }
    g_mutex_unlock(&kept->lock);
    return newer;
}

static gboolean is_not_revoked(gpointer key, gpointer value, gpointer data)
{
    (void)key;
    (void)data;
    return ((const struct kept_answer *)value)->status != REVOCATION_REVOKED;
}

static bool put_answer(struct kept *kept, const struct kept_key *key, const struct kept_answer *answer)
{
    g_mutex_lock(&kept->lock);
    const struct kept_answer *old = g_hash_table_lookup(kept->answers, key);
    bool newer = old == NULL || old->from <= answer->from;
    if (newer && old == NULL && g_hash_table_size(kept->answers) >= ANSWERS_MAX)
        g_hash_table_foreach_remove(kept->answers, is_not_revoked, NULL);
    if (newer) {
        g_hash_table_insert(kept->answers, g_memdup2(key, sizeof(*key)), g_memdup2(answer, sizeof(*answer)));
        g_atomic_int_inc(&kept->generation);
    }
    g_mutex_unlock(&kept->lock);
    return newer;
}

/* --- what was kept before --- */

static void take_list(void *context, const struct store_list *list)
{
    struct key_digest signer;
    if (list->signer.len != KEY_DIGEST)
        return;
    memcpy(signer.octets, list->signer.data, KEY_DIGEST);
    owned(crl_table) struct crl_table *table = crl_table_restore(list->der, &signer);
    if (table != NULL)
        put_list(context, table);
}

static void take_answer(void *context, const struct store_answer *stored)
{
    struct kept *kept = context;
    struct kept_answer answer = {.status = stored->revoked ? REVOCATION_REVOKED : REVOCATION_GOOD,
                                 .from = stored->from,
                                 .until = stored->until,
                                 .responder_until = stored->responder_until};
    G_STATIC_ASSERT(sizeof(stored->key) == sizeof(struct kept_key));
    if (g_hash_table_size(kept->answers) < ANSWERS_MAX)
        g_hash_table_insert(kept->answers, g_memdup2(stored->key, sizeof(stored->key)),
                            g_memdup2(&answer, sizeof(answer)));
}

/* A store that cannot be read leaves certificates unknown, and they are asked about again. */
static void load(struct kept *kept)
{
    struct error error = {0};
    int64_t id = 0;
    enum found found;
    while ((found = store_list_next(kept->store, id, take_list, kept, &id, &error)) == FOUND)
        ;
    if (found == FOUND_FAILED || !store_answers_load(kept->store, time(NULL), take_answer, kept, &error))
        count_lost();
}

struct kept *kept_new(const char *store)
{
    struct kept *kept = g_new0(struct kept, 1);
    kept->references = 1;
    kept->uri = g_strdup(store);
    kept->store = store != NULL ? store_open(store) : NULL;
    g_mutex_init(&kept->lock);
    kept->lists = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, table_unref);
    kept->answers = g_hash_table_new_full(key_hash, key_equal, g_free, g_free);
    kept->faults = g_hash_table_new_full(key_hash, key_equal, g_free, NULL);
    kept->issuers = issuers_new();
    if (store != NULL && g_file_test(store_file(store), G_FILE_TEST_EXISTS))
        load(kept);
    return kept;
}

static void copy_from(struct kept *kept, struct kept *previous)
{
    GHashTableIter each;
    gpointer key, value;
    g_mutex_lock(&previous->lock);
    g_hash_table_iter_init(&each, previous->lists);
    while (g_hash_table_iter_next(&each, NULL, &value))
        put_list(kept, value);
    g_hash_table_iter_init(&each, previous->answers);
    while (g_hash_table_iter_next(&each, &key, &value))
        put_answer(kept, key, value);
    g_mutex_unlock(&previous->lock);
}

struct kept *kept_after(struct kept *previous, const char *store)
{
    if (previous != NULL && g_strcmp0(previous->uri, store) == 0) {
        g_atomic_int_inc(&previous->references);
        return previous;
    }
    struct kept *kept = kept_new(store);
    if (previous != NULL)
        copy_from(kept, previous);
    return kept;
}

void kept_unref(struct kept *kept)
{
    if (kept == NULL || !g_atomic_int_dec_and_test(&kept->references))
        return;
    g_free(kept->uri);
    g_hash_table_destroy(kept->lists);
    g_hash_table_destroy(kept->answers);
    g_hash_table_destroy(kept->faults);
    issuers_free(kept->issuers);
    g_mutex_clear(&kept->lock);
    store_close(kept->store);
    g_free(kept);
}

/* --- lists --- */

bool kept_add_list(struct kept *kept, struct crl_table *table, struct slice der)
{
    struct error error = {0};
    if (!put_list(kept, table))
        return false;
    const struct store_list list = {
        .scope = crl_table_scope(table),
        .der = der,
        .signer = {(const char *)crl_table_signer(table)->octets, KEY_DIGEST},
    };
    if (kept->store != NULL && !store_list_put(kept->store, &list, &error))
        count_lost();
    return true;
}

static bool speaks_of(const struct crl_table *table, const X509_NAME *issuer)
{
    return crl_table_is_indirect(table) || X509_NAME_cmp(X509_CRL_get_issuer(crl_table_hollow(table)), issuer) == 0;
}

GPtrArray *kept_lists(struct kept *kept, const X509_NAME *issuer)
{
    GPtrArray *found = g_ptr_array_new_with_free_func(table_unref);
    GHashTableIter each;
    gpointer table;
    g_mutex_lock(&kept->lock);
    g_hash_table_iter_init(&each, kept->lists);
    while (g_hash_table_iter_next(&each, NULL, &table))
        if (speaks_of(table, issuer))
            g_ptr_array_add(found, crl_table_ref(table));
    g_mutex_unlock(&kept->lock);
    return found;
}

static void note_time(time_t when, time_t at, time_t *until)
{
    if (when != 0 && when >= at)
        *until = MIN(*until, when - 1);
}

time_t kept_stable_until(struct kept *kept, const STACK_OF(X509) * chain, time_t at)
{
    time_t until = G_MAXINT64;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        g_autoptr(GPtrArray) lists = kept_lists(kept, X509_get_issuer_name(sk_X509_value(chain, i)));
        for (guint j = 0; j < lists->len; j++) {
            note_time(crl_table_from(g_ptr_array_index(lists, j)), at, &until);
            note_time(crl_table_until(g_ptr_array_index(lists, j)), at, &until);
        }
    }
    return until;
}

/* --- answers --- */

bool kept_add_answer(struct kept *kept, const struct kept_key *key, const struct kept_answer *answer)
{
    struct error error = {0};
    if (!put_answer(kept, key, answer))
        return false;
    struct store_answer stored = {.revoked = answer->status == REVOCATION_REVOKED,
                                  .from = answer->from,
                                  .until = answer->until,
                                  .responder_until = answer->responder_until};
    memcpy(stored.key, key->octets, sizeof(stored.key));
    if (kept->store != NULL && !store_answer_put(kept->store, &stored, &error))
        count_lost();
    return true;
}

bool kept_find_answer(struct kept *kept, const struct kept_key *key, struct kept_answer *answer)
{
    g_mutex_lock(&kept->lock);
    const struct kept_answer *found = g_hash_table_lookup(kept->answers, key);
    if (found != NULL)
        *answer = *found;
    g_mutex_unlock(&kept->lock);
    return found != NULL;
}

struct issuers *kept_issuers(const struct kept *kept)
{
    return kept->issuers;
}

void kept_set_fault(struct kept *kept, const struct kept_key *key, const char *fault)
{
    g_mutex_lock(&kept->lock);
    if (g_hash_table_size(kept->faults) >= FAULTS_MAX)
        g_hash_table_remove_all(kept->faults);
    if (fault == NULL)
        g_hash_table_remove(kept->faults, key);
    else
        g_hash_table_insert(kept->faults, g_memdup2(key, sizeof(*key)), (gpointer)fault);
    g_mutex_unlock(&kept->lock);
}

const char *kept_fault(struct kept *kept, const struct kept_key *key)
{
    g_mutex_lock(&kept->lock);
    const char *fault = g_hash_table_lookup(kept->faults, key);
    g_mutex_unlock(&kept->lock);
    return fault;
}

unsigned kept_generation(const struct kept *kept)
{
    return (unsigned)g_atomic_int_get(&kept->generation);
}

/* --- for people --- */

struct measure {
    const char *what;
    time_t at;
    unsigned count;
    time_t oldest; /* how long ago it was made */
};

static void measure(struct measure *measure, time_t from, time_t until)
{
    if (from > measure->at || (until != 0 && until < measure->at))
        return;
    measure->count++;
    measure->oldest = MAX(measure->oldest, measure->at - from);
}

static void publish(const struct measure *measure)
{
    g_autofree char *labels = g_strdup_printf("what=\"%s\"", measure->what);
    metrics_set("domsec_revocation_known", labels, measure->count);
    metrics_set("domsec_revocation_age_seconds", labels, (double)measure->oldest);
}

void kept_measure(struct kept *kept, time_t at)
{
    struct measure lists = {.what = "crl", .at = at}, answers = {.what = "ocsp", .at = at};
    GHashTableIter each;
    gpointer value;
    g_mutex_lock(&kept->lock);
    g_hash_table_iter_init(&each, kept->lists);
    while (g_hash_table_iter_next(&each, NULL, &value))
        measure(&lists, crl_table_from(value), crl_table_until(value));
    g_hash_table_iter_init(&each, kept->answers);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        const struct kept_answer *answer = value;
        measure(&answers, answer->from, answer->until);
    }
    g_mutex_unlock(&kept->lock);
    publish(&lists);
    publish(&answers);
}
