/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own_checks: whether certificates of ours are known to be revoked. They are asked about for each message that leaves,
 * so what came out stands until something new is known, or for a minute.
 */
#include "own_checks.h"

#include "anchors.h"
#include "kept.h"

#define STANDS_FOR 60 /* seconds */

struct own_checks {
    GMutex lock;
    GHashTable *known; /* fingerprint → struct standing * */
};

struct standing {
    unsigned generation; /* of what was known then */
    time_t from;
    bool revoked;
};

struct own_checks *own_checks_new(void)
{
    struct own_checks *own = g_new0(struct own_checks, 1);
    g_mutex_init(&own->lock);
    own->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return own;
}

void own_checks_free(struct own_checks *own)
{
    g_hash_table_destroy(own->known);
    g_mutex_clear(&own->lock);
    g_free(own);
}

static bool find(struct own_checks *own, const char *fingerprint, unsigned generation, time_t at, bool *revoked)
{
    g_mutex_lock(&own->lock);
    const struct standing *standing = g_hash_table_lookup(own->known, fingerprint);
    bool stands = standing != NULL && standing->generation == generation && at >= standing->from &&
                  at < standing->from + STANDS_FOR;
    if (stands)
        *revoked = standing->revoked;
    g_mutex_unlock(&own->lock);
    return stands;
}

static void put(struct own_checks *own, const char *fingerprint, const struct standing *standing)
{
    g_mutex_lock(&own->lock);
    g_hash_table_insert(own->known, g_strdup(fingerprint), g_memdup2(standing, sizeof(*standing)));
    g_mutex_unlock(&own->lock);
}

static bool ask(const struct trust *trust, const struct partner *partner, X509 *certificate, STACK_OF(X509) * chain,
                time_t at)
{
    bool revoked = false;
    struct finding ignored = {0};
    owned(missing) struct missing *missing = NULL;
    const struct chain_query query = {.leaf = certificate,
                                      .untrusted = chain,
                                      .purpose = PURPOSE_PATH,
                                      .partner = partner,
                                      .at = at,
                                      .missing = &missing,
                                      .revoked = &revoked};
    trust_check_chain(trust, &query, &ignored);
    trust_fetch(trust, missing, 0);
    return revoked;
}

bool trust_is_revoked(const struct trust *trust, const struct partner *partner, X509 *certificate,
                      STACK_OF(X509) * chain, time_t at)
{
    char fingerprint[65];
    struct standing standing = {.generation = kept_generation(trust->kept), .from = at};
    if (partner->revocation->check == REVOCATION_CHECK_OFF)
        return false;
    certificate_fingerprint(certificate, fingerprint);
    if (find(trust->own, fingerprint, standing.generation, at, &standing.revoked))
        return standing.revoked;
    standing.revoked = ask(trust, partner, certificate, chain, at);
    put(trust->own, fingerprint, &standing);
    return standing.revoked;
}
