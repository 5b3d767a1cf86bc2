/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain: may this certificate be used for this, now? Its path (path.c) and its own usage and strength (usage.c)
 * together, or the administrator's pin in place of the path.
 *
 * A certificate that is wrong in itself fails also where the path cannot be told yet: trying again would not help it.
 */
#include "cache.h"

#include "store.h"
#include <openssl/err.h>

static bool check_path(const struct trust *trust, const struct chain_query *query, struct finding *finding)
{
    const struct anchors *anchors = trust_anchors(trust, query->partner);
    if (anchors == NULL)
        return finding_set(finding, OUTCOME_TEMPERROR, "the partner belongs to another configuration");
    struct path_query path = {.anchors = anchors,
                              .crls = trust->crls,
                              .leaf = query->leaf,
                              .untrusted = query->untrusted,
                              .received = query->crls,
                              .strength = query->purpose != PURPOSE_PATH,
                              .at = query->at};
    owned(x509_stack) STACK_OF(X509) *chain = NULL;
    if (path_cache_holds(trust->cache, &path))
        return finding_set(finding, OUTCOME_PASS, PATH_IS_VALID);
    bool good = path_check(&path, &chain, finding);
    if (good)
        path_cache_add(trust->cache, &path, chain);
    return good;
}

static bool check_pinned(const struct chain_query *query, struct finding *finding)
{
    if (!certificate_is_current(query->leaf, query->at))
        return finding_set(finding, OUTCOME_FAIL, "the pinned certificate has expired or is not yet valid");
    return finding_set(finding, OUTCOME_PASS, "the certificate is pinned by %s", query->partner->name);
}

static void check(const struct trust *trust, const struct chain_query *query, struct finding *finding)
{
    bool pinned = query->partner->naming == NAMING_PINNED && trust_is_pinned(trust, query->partner, query->leaf);
    bool good = pinned ? check_pinned(query, finding) : check_path(trust, query, finding);
    const char *refusal = query->purpose == PURPOSE_PATH ? NULL : trust_usage_refusal(query->leaf, query->purpose);
    if (refusal == NULL || finding->outcome == OUTCOME_FAIL || finding->outcome == OUTCOME_POLICY)
        return;
    g_autofree char *subject = certificate_subject(query->leaf);
    g_autofree char *shown = g_utf8_substring(subject, 0, MIN(g_utf8_strlen(subject, -1), 120));
    finding_set(finding, OUTCOME_FAIL, "the certificate \"%s\" cannot be used: %s%s", shown, refusal,
                good ? " (its certification path is valid)" : "");
}

void trust_check_chain(const struct trust *trust, const struct chain_query *query, struct finding *finding)
{
    check(trust, query, finding);
    ERR_clear_error(); /* what OpenSSL had to say is in the finding */
}
