/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain: decides whether a certificate may be used for a purpose at a time. It combines the path (path.c), revocation
 * in that path (revocation.c), and the certificate's own usage and strength (usage.c), or uses the administrator's pin
 * in place of the path.
 *
 * A certificate that is itself unusable fails even if the path cannot be decided yet, because a retry would not help.
 */
#include "cache.h"
#include "demands.h"
#include "helpers.h"
#include "kept.h"
#include "missing.h"
#include "path.h"
#include "revocation.h"

#include <openssl/err.h>

struct search {
    const struct trust *trust;
    const struct chain_query *query;
    const struct path_query *asked;     /* as the cache knows it; NULL: the cache is not used */
    struct path_query path;             /* with its keys completed */
    const struct associations *through; /* a path has to lead through an authority that these name; NULL: any way */
    bool judged;                        /* there is a valid path, and finding is what came of the first */
    bool known;                         /* the path is from the cache */
    unsigned generation;                /* of what is known about revocation, when the search began */
    STACK_OF(X509) * revoked;           /* authorities that are revoked in a path that was judged; lent */
    struct finding *finding;
};

static bool has_revoked(const struct search *search, const STACK_OF(X509) * chain)
{
    for (int i = 0; i < sk_X509_num(search->revoked); i++)
        for (int j = 0; j < sk_X509_num(chain); j++)
            if (X509_cmp(sk_X509_value(search->revoked, i), sk_X509_value(chain, j)) == 0)
                return true;
    return false;
}

/* What a message says of revocation counts for that message. */
static bool has_received(const struct chain_query *query)
{
    return sk_X509_CRL_num(query->crls) > 0 || query->embedded != NULL;
}

static void remember(const struct search *search, const STACK_OF(X509) * chain, const struct revocation_result *known)
{
    bool received = has_received(search->query);
    if (search->asked == NULL)
        return;
    if (!search->known || !received)
        path_cache_add(search->trust->cache, search->asked, chain, received ? NULL : known, search->generation);
}

/* What is not known is not hidden. */
static bool pass(const struct chain_query *query, const char *unchecked, struct finding *finding)
{
    if (query->unchecked != NULL)
        *query->unchecked = unchecked;
    return finding_set(finding, OUTCOME_PASS, "%s%s%s", PATH_IS_VALID,
                       unchecked != NULL ? ", but one certificate " : "", unchecked != NULL ? unchecked : "");
}

#define COST_CRL 20000 /* a list that is looked at for one certificate */
#define CRLS_TRIED 64  /* as revocation_crls.c limits it */

/* Lists that came with the message are hashed, and several of one name tried, each with a key of the path. */
static uint64_t cost_of_revocation(const STACK_OF(X509_CRL) * received, const STACK_OF(X509) * chain)
{
    uint64_t cost = 0;
    int length = sk_X509_num(chain), count = sk_X509_CRL_num(received);
    for (int i = 0; i < count; i++)
        cost += (uint64_t)MAX(i2d_X509_CRL(sk_X509_CRL_value(received, i), NULL), 0) * COST_HASHED +
                (uint64_t)length * COST_CRL;
    for (int i = 0; i < length && count > 0; i++)
        cost += key_cost(X509_get0_pubkey(sk_X509_value(chain, i))) * (uint64_t)MIN(count, CRLS_TRIED);
    return 2 * cost; /* once with and once without the lists that were configured */
}

/* What is said of the first path stands, unless another one, of which it is not yet known, may have what the partner
 * demands. */
static void note(struct search *search, const struct finding *finding)
{
    bool may_still_pass = search->finding->outcome == OUTCOME_POLICY && finding->outcome == OUTCOME_TEMPERROR;
    if (!search->judged || may_still_pass)
        *search->finding = *finding;
    search->judged = true;
}

static void note_revoked(const struct search *search, bool revoked)
{
    if (search->query->revoked != NULL)
        *search->query->revoked = revoked;
}

static bool leads_through(const struct associations *zone, const STACK_OF(X509) * chain)
{
    for (int i = 1; i < sk_X509_num(chain); i++)
        if (associations_name(zone, USAGE_AUTHORITY, sk_X509_value(chain, i)))
            return true;
    return false;
}

/* Another path may avoid a revoked authority, but not by beginning with it as an anchor. No path makes a revoked leaf
 * good. If revocation cannot be determined, the path that is preferred is the one to report. */
static bool judge(void *data, STACK_OF(X509) * chain, bool first)
{
    struct search *search = data;
    struct finding finding = {0};
    if (has_revoked(search, chain) || (search->through != NULL && !leads_through(search->through, chain)))
        return false;
    const struct revocation_conf *conf = search->query->partner->revocation;
    struct revocation_result result;
    struct revocation_query query = {.anchors = search->path.anchors,
                                     .chain = chain,
                                     .untrusted = search->path.untrusted,
                                     .received = search->query->crls,
                                     .embedded = search->query->embedded,
                                     .check = conf->check,
                                     .fetched = conf->fetch,
                                     .answers = conf->ocsp,
                                     .strength = search->path.strength,
                                     .at = search->path.at,
                                     .budget = search->path.budget};
    if (!budget_spend(search->path.budget, cost_of_revocation(search->query->crls, chain), NULL)) {
        search->judged = true;
        return true;
    }
    revocation_check(trust_revocation(search->trust, search->query->partner), &query, &result, &finding);
    if (missing_note(search->trust, &query, &result, conf, first ? search->query->missing : NULL))
        result.until = 0; /* it is asked again, when something may have come */
    if (result.status == REVOCATION_GOOD) {
        remember(search, chain, &result);
        if (!demands_met_by_path(search->trust, search->query->partner, chain, &finding)) {
            note(search, &finding);
            return false;
        }
        search->judged = pass(search->query, result.unchecked, search->finding);
        note_revoked(search, false);
        return true;
    }
    note(search, &finding);
    note_revoked(search, result.status == REVOCATION_REVOKED);
    if (result.status == REVOCATION_REVOKED)
        return result.depth == 0 || sk_X509_push(search->revoked, sk_X509_value(chain, result.depth)) <= 0;
    if (first)
        remember(search, chain, NULL);
    return first;
}

/* Where a path leads, and how. */
struct way {
    const struct anchors *anchors;
    const struct associations *through; /* as in struct search */
    bool is_own;                        /* the anchors live no longer than this: no cache knows them */
    bool exists; /* if it is not good: becomes true if there is a valid path, whatever is known of revocation in it */
};

static bool search_path(struct search *search, struct finding *finding)
{
    owned(path_result) struct path_result failure = {0};
    const struct path_visitor visitor = {.judge = judge, .data = search};
    if (path_find(&search->path, &visitor, &failure) || search->judged)
        return finding->outcome == OUTCOME_PASS;
    if (failure.error == X509_V_OK)
        return finding_set(finding, OUTCOME_POLICY, "the path does not lead through an authority that the zone names");
    return path_explain(&failure, finding);
}

/* Whether another path could make it good. A leaf that has run out is no better under any anchor, and what is known to
 * be revoked stays so. */
static bool is_open(const struct search *search, const struct finding *finding)
{
    return (finding->outcome == OUTCOME_POLICY || (finding->outcome == OUTCOME_FAIL && !search->judged)) &&
           certificate_is_current(search->query->leaf, search->query->at);
}

/* A bundle that is still to come may have the anchor, so the certificate is not refused for good. */
static void wait_for_bundle(const struct search *search, const struct way *way, struct finding *finding)
{
    const struct chain_query *query = search->query;
    const char *url = way->anchors->unfetched;
    if (url == NULL)
        return;
    missing_note_bundles(search->trust, query->partner, query->missing);
    finding_set(finding, OUTCOME_TEMPERROR,
                "it leads to no anchor that is here, and the trust bundle %.200s has not been fetched yet", url);
}

/* No way leads to an anchor. Says so if that may be because of what could not be looked up. */
static void explain_missing(const struct trust *trust, const struct chain_query *query, const struct helpers *helpers,
                            struct finding *finding)
{
    X509 *orphan = NULL;
    bool for_now = false;
    if (helpers->failed && sk_X509_num(helpers->orphans) > 0) {
        finding_set(finding, OUTCOME_TEMPERROR, "an authority may be in the store: %s", helpers->error.text);
        return;
    }
    const char *reason = missing_note_issuers(trust, helpers->orphans, query, &orphan, &for_now);
    if (reason != NULL && (for_now || finding->outcome == OUTCOME_POLICY))
        path_explain_one(orphan, for_now ? OUTCOME_TEMPERROR : OUTCOME_POLICY, reason, finding);
}

static bool check_way(const struct trust *trust, const struct chain_query *query, struct way *way,
                      struct finding *finding)
{
    const struct path_query asked = {.anchors = way->anchors,
                                     .leaf = query->leaf,
                                     .untrusted = query->untrusted,
                                     .strength = query->purpose != PURPOSE_PATH,
                                     .revocation = query->partner->revocation,
                                     .at = query->at,
                                     .budget = query->budget};
    const char *unchecked = NULL;
    unsigned generation = kept_generation(trust->kept);
    if (way->anchors == NULL)
        return finding_set(finding, OUTCOME_TEMPERROR, "the partner belongs to another configuration");
    if (!way->is_own && way->through == NULL && !has_received(query) && !demands_concern_path(query->partner) &&
        path_cache_is_unrevoked(trust->cache, &asked, generation, &unchecked))
        return pass(query, unchecked, finding);
    owned(x509_stack) STACK_OF(X509) *known = way->is_own ? NULL : path_cache_find(trust->cache, &asked);
    owned(X509) X509 *leaf = X509_up_ref(query->leaf) ? query->leaf : NULL;
    owned(helpers) struct helpers helpers = {0};
    owned(x509_stack) STACK_OF(X509) *untrusted = leaf != NULL && helpers_find(trust, &asked, &helpers)
                                                      ? path_inherit_parameters(helpers.list, &asked, &leaf)
                                                      : NULL;
    owned(x509_lent) STACK_OF(X509) *revoked = sk_X509_new_null();
    if (untrusted == NULL || revoked == NULL)
        return finding_set(finding, OUTCOME_TEMPERROR, "out of memory");
    struct search search = {.trust = trust,
                            .query = query,
                            .asked = way->is_own ? NULL : &asked,
                            .path = asked,
                            .through = way->through,
                            .revoked = revoked,
                            .finding = finding};
    search.path.leaf = leaf;
    search.path.untrusted = untrusted;
    search.known = known != NULL;
    search.generation = generation;
    if (known != NULL && judge(&search, known, true)) {
        way->exists = true;
        return finding->outcome == OUTCOME_PASS;
    }
    search.known = false;
    bool good = search_path(&search, finding);
    way->exists = search.judged;
    bool may_be_good = is_open(&search, finding);
    if (!way->exists && may_be_good)
        explain_missing(trust, query, &helpers, finding);
    if (may_be_good)
        wait_for_bundle(&search, way, finding);
    return good;
}

static bool check_path(const struct trust *trust, const struct chain_query *query, struct finding *finding)
{
    owned(anchors) struct anchors *anchors = trust_anchors(trust, query->partner);
    struct way way = {.anchors = anchors};
    return check_way(trust, query, &way, finding);
}

/* --- what the zone says --- */

static bool vouch(const struct chain_query *query)
{
    if (query->vouched != NULL)
        *query->vouched = true;
    return true;
}

static bool check_vouched(const struct chain_query *query, struct finding *finding)
{
    if (!certificate_is_current(query->leaf, query->at))
        return finding_set(finding, OUTCOME_FAIL, "the certificate in the zone has expired or is not yet valid");
    finding_set(finding, OUTCOME_PASS, "the zone vouches for the certificate");
    return vouch(query);
}

/* A path to an authority that the zone asserts and that came with the certificate. */
static bool check_zone_anchors(const struct trust *trust, const struct chain_query *query, struct finding *finding)
{
    owned(anchors) struct anchors *anchors = anchors_new();
    for (int i = 0; i < sk_X509_num(query->untrusted); i++)
        if (associations_name(query->zone, USAGE_ANCHOR, sk_X509_value(query->untrusted, i)) &&
            !anchors_add(anchors, sk_X509_value(query->untrusted, i)))
            g_error("out of memory");
    struct way way = {.anchors = anchors, .is_own = true};
    return check_way(trust, query, &way, finding) && vouch(query);
}

/* What is revoked, or may be, on the way to an anchor of ours stays so, also if a zone vouches. */
static bool check_associated(const struct trust *trust, const struct chain_query *query, struct finding *finding)
{
    bool vouched = associations_name(query->zone, USAGE_ZONE, query->leaf);
    bool named = vouched || associations_name(query->zone, USAGE_CERTIFICATE, query->leaf);
    owned(anchors) struct anchors *anchors = trust_anchors(trust, query->partner);
    struct way way = {.anchors = anchors, .through = named ? NULL : query->zone};
    finding_set(finding, OUTCOME_POLICY, "the zone names other certificates and no authority of this one");
    if ((named || associations_have(query->zone, USAGE_AUTHORITY)) &&
        (check_way(trust, query, &way, finding) || way.exists || finding->outcome == OUTCOME_TEMPERROR))
        return finding->outcome == OUTCOME_PASS;
    if (demands_concern_path(query->partner))
        return finding_set(finding, OUTCOME_POLICY, "no authority of ours stands for it, as require_certificate asks");
    if (vouched)
        return check_vouched(query, finding);
    return associations_have(query->zone, USAGE_ANCHOR) && check_zone_anchors(trust, query, finding);
}

static bool check_pinned(const struct trust *trust, const struct chain_query *query, struct finding *finding)
{
    if (!certificate_is_current(query->leaf, query->at))
        return finding_set(finding, OUTCOME_FAIL, "the pinned certificate has expired or is not yet valid");
    owned(x509_lent) STACK_OF(X509) *alone = sk_X509_new_null();
    if (alone == NULL || sk_X509_push(alone, query->leaf) <= 0)
        return finding_set(finding, OUTCOME_TEMPERROR, "out of memory");
    if (!demands_met_by_path(trust, query->partner, alone, finding))
        return false;
    return finding_set(finding, OUTCOME_PASS, "the certificate is pinned by %s", query->partner->name);
}

static void check(const struct trust *trust, const struct chain_query *query, struct finding *finding)
{
    const struct group_conf *group = query->group;
    enum pin pin = trust_pin(trust, query->partner, NULL, query->leaf);
    enum pin of_group = group != NULL ? trust_pin(trust, query->partner, group, query->leaf) : PIN_NONE;
    bool pinned = (query->partner->naming == NAMING_PINNED && pin != PIN_NONE) ||
                  (of_group != PIN_NONE && group->naming == GROUP_NAMING_PINNED);
    pin = pin != PIN_NONE ? pin : of_group;
    bool good = pinned                ? check_pinned(trust, query, finding)
                : query->zone != NULL ? check_associated(trust, query, finding)
                                      : check_path(trust, query, finding);
    /* A pin says that this certificate is meant, whatever else its key could do; it makes it an anchor of no other. */
    bool may_be_authority = pin == PIN_ALONE && (pinned || query->purpose == PURPOSE_ENCRYPT);
    const char *refusal =
        query->purpose == PURPOSE_PATH ? NULL : usage_refusal(query->leaf, query->purpose, may_be_authority);
    if (finding->outcome == OUTCOME_FAIL || finding->outcome == OUTCOME_POLICY)
        return;
    if (refusal == NULL) {
        if (query->purpose != PURPOSE_PATH)
            demands_met_by_leaf(query->partner, query->leaf, finding);
        return;
    }
    g_autofree char *subject = certificate_subject(query->leaf);
    g_autofree char *shown = g_utf8_substring(subject, 0, MIN(g_utf8_strlen(subject, -1), 120));
    finding_set(finding, OUTCOME_FAIL, "the certificate \"%s\" cannot be used: %s%s", shown, refusal,
                good ? " (otherwise it is trusted)" : "");
}

static uint64_t octets_of(const STACK_OF(X509) * certificates)
{
    uint64_t octets = 0;
    for (int i = 0; i < sk_X509_num(certificates); i++)
        octets += (uint64_t)MAX(i2d_X509(sk_X509_value(certificates, i), NULL), 0);
    return octets;
}

/* The cache knows a path by the fingerprints of all certificates. */
static uint64_t cost_of_lookup(const struct chain_query *query)
{
    return 3 * COST_HASHED * octets_of(query->untrusted) + COST_CERTIFICATE;
}

void trust_check_chain(const struct trust *trust, const struct chain_query *query, struct finding *finding)
{
    if (query->missing != NULL)
        *query->missing = NULL;
    if (query->revoked != NULL)
        *query->revoked = false;
    if (budget_spend(query->budget, cost_of_lookup(query), NULL))
        check(trust, query, finding);
    if (budget_is_spent(query->budget) && finding->outcome != OUTCOME_PASS)
        finding_set(finding, OUTCOME_PERMERROR, BUDGET_SPENT);
    ERR_clear_error(); /* the finding has OpenSSL's error */
}
