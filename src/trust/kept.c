/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept: in memory. A list takes the place of an older one of its scope, never of a newer one, so that a server that was
 * set back, or someone on the way, cannot take a revocation back. An answer "revoked" stays when it runs out, and is
 * not thrown out for want of room.
 */
#include "kept.h"

#include <openssl/sha.h>
#include <string.h>

#define ANSWERS_MAX 50000 /* about 10 MB */
#define FAULTS_MAX 10000

struct kept {
    GMutex lock;
    GHashTable *lists;   /* scope, lent by the table → struct crl_table * */
    GHashTable *answers; /* struct kept_key → struct kept_answer */
    GHashTable *faults;  /* struct kept_key → const char * */
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

struct kept *kept_new(void)
{
    struct kept *kept = g_new0(struct kept, 1);
    g_mutex_init(&kept->lock);
    kept->lists = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, table_unref);
    kept->answers = g_hash_table_new_full(key_hash, key_equal, g_free, g_free);
    kept->faults = g_hash_table_new_full(key_hash, key_equal, g_free, NULL);
    return kept;
}

void kept_free(struct kept *kept)
{
    if (kept == NULL)
        return;
    g_hash_table_destroy(kept->lists);
    g_hash_table_destroy(kept->answers);
    g_hash_table_destroy(kept->faults);
    g_mutex_clear(&kept->lock);
    g_free(kept);
}

/* --- lists --- */

bool kept_add_list(struct kept *kept, struct crl_table *table)
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

static gboolean is_not_revoked(gpointer key, gpointer value, gpointer data)
{
    (void)key;
    (void)data;
    return ((const struct kept_answer *)value)->status != REVOCATION_REVOKED;
}

bool kept_add_answer(struct kept *kept, const struct kept_key *key, const struct kept_answer *answer)
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

bool kept_find_answer(struct kept *kept, const struct kept_key *key, struct kept_answer *answer)
{
    g_mutex_lock(&kept->lock);
    const struct kept_answer *found = g_hash_table_lookup(kept->answers, key);
    if (found != NULL)
        *answer = *found;
    g_mutex_unlock(&kept->lock);
    return found != NULL;
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
