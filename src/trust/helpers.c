/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helpers: climbs from the leaf, from each certificate to those that may have issued it by names and key identifiers.
 * The store is asked for an issuer that is not at hand, so that it costs nothing where a message brings its chain. The
 * ways are neither verified nor chosen here: that is for path_search.c, which looks at every one of them.
 *
 * The signer of an indirect list is found by the name in the distribution point (RFC 5280 §4.2.1.13, §6.3.3 (b) (1)),
 * and then needs a path of its own.
 */
#include "helpers.h"

#include "certs/certs.h"
#include "kept.h"
#include "points.h"
#include "store/store.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define LOOKUPS_MAX 8   /* of one path, in the store */
#define REACHED_MAX 100 /* certificates in the ways up */
#define SIGNERS_MAX 8   /* names of list signers in one certificate */
#define WAIT ((int64_t)500000)
#define COST_COMPARED 300
#define COST_LOOKUP 200000

struct climb {
    const struct trust *trust;
    const struct path_query *query;
    struct helpers *helpers;
    STACK_OF(X509) * reached; /* lent */
    unsigned lookups;
};

void helpers_clear(struct helpers *helpers)
{
    sk_X509_pop_free(helpers->list, X509_free);
    sk_X509_free(helpers->orphans);
    *helpers = (struct helpers){0};
}

static void reach(struct climb *climb, X509 *certificate)
{
    for (int i = 0; i < sk_X509_num(climb->reached); i++)
        if (X509_cmp(sk_X509_value(climb->reached, i), certificate) == 0)
            return;
    if (sk_X509_num(climb->reached) < REACHED_MAX && sk_X509_push(climb->reached, certificate) <= 0)
        g_error("out of memory");
}

/* --- the store --- */

static void take(struct climb *climb, const struct store_certificate *stored, const X509_NAME *subject)
{
    const unsigned char *der = (const unsigned char *)stored->der.data;
    owned(X509) X509 *certificate = d2i_X509(NULL, &der, (long)stored->der.len);
    bool fits = certificate != NULL && X509_NAME_cmp(X509_get_subject_name(certificate), subject) == 0;
    if (fits && !X509_add_cert(climb->helpers->list, certificate, X509_ADD_FLAG_UP_REF | X509_ADD_FLAG_NO_DUP))
        g_error("out of memory");
}

static void ask_store(struct climb *climb, const X509_NAME *subject)
{
    owned(store_certificates) struct store_certificates found = {0};
    if (climb->trust->store == NULL || climb->lookups++ >= LOOKUPS_MAX ||
        !budget_spend(climb->query->budget, COST_LOOKUP, NULL))
        return;
    g_autofree char *name = certs_issuer_name(subject);
    const struct store_name names[] = {{name, 0}};
    const struct store_question question = {.names = names,
                                            .count = 1,
                                            .origin = STORE_IMPORTED,
                                            .at = climb->query->at,
                                            .deadline = g_get_monotonic_time() + WAIT};
    if (store_certificates_find(climb->trust->store, &question, &found, &climb->helpers->error) == FOUND_FAILED)
        climb->helpers->failed = true;
    for (size_t i = 0; i < found.count; i++)
        take(climb, &found.list[i], subject);
    ERR_clear_error();
}

/* --- issuers --- */

static void add_fetched(struct climb *climb, X509 *certificate)
{
    if (!climb->trust->fetches_issuers)
        return;
    g_auto(GStrv) urls = points_of_issuers(certificate);
    for (char **url = urls; *url != NULL; url++)
        (void)issuers_find(kept_issuers(climb->trust->kept), *url, certificate, climb->query->at, climb->helpers->list);
}

/* Those in the list from `begin` on. True: one of them is valid now. An authority may have been renewed under its key,
 * and a message bring the certificate of before. */
static bool reach_issuers(struct climb *climb, X509 *certificate, int begin)
{
    bool found = false;
    int count = sk_X509_num(climb->helpers->list);
    if (!budget_spend(climb->query->budget, (uint64_t)(count - begin) * COST_COMPARED, NULL))
        return true;
    for (int i = begin; i < count; i++) {
        X509 *issuer = sk_X509_value(climb->helpers->list, i);
        if (X509_check_issued(issuer, certificate) != X509_V_OK)
            continue;
        reach(climb, issuer);
        found = found || certificate_is_current(issuer, climb->query->at);
    }
    return found;
}

static void find_issuers(struct climb *climb, X509 *certificate)
{
    const struct anchors *anchors = climb->query->anchors;
    const X509_NAME *name = X509_get_issuer_name(certificate);
    if ((X509_get_extension_flags(certificate) & EXFLAG_SS) != 0)
        return;
    if (!anchors_add_named(anchors, name, climb->helpers->list))
        g_error("out of memory");
    if (reach_issuers(climb, certificate, 0) || anchors_issue(anchors, certificate))
        return;
    int count = sk_X509_num(climb->helpers->list);
    ask_store(climb, name);
    add_fetched(climb, certificate);
    if (!reach_issuers(climb, certificate, count) && sk_X509_push(climb->helpers->orphans, certificate) <= 0)
        g_error("out of memory");
}

/* --- those that sign lists for others --- */

static bool reach_named(struct climb *climb, const X509_NAME *name)
{
    bool found = false;
    for (int i = 0; i < sk_X509_num(climb->helpers->list); i++) {
        X509 *each = sk_X509_value(climb->helpers->list, i);
        if (X509_NAME_cmp(X509_get_subject_name(each), name) != 0)
            continue;
        reach(climb, each);
        found = true;
    }
    return found;
}

static void find_signer(struct climb *climb, const X509_NAME *name)
{
    if (!anchors_add_named(climb->query->anchors, name, climb->helpers->list))
        g_error("out of memory");
    if (reach_named(climb, name))
        return;
    ask_store(climb, name);
    (void)reach_named(climb, name);
}

static void find_signers_of(struct climb *climb, const DIST_POINT *point, unsigned *count)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(point->CRLissuer); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(point->CRLissuer, i);
        if (name->type == GEN_DIRNAME && (*count)++ < SIGNERS_MAX)
            find_signer(climb, name->d.directoryName);
    }
}

static void find_signers(struct climb *climb, X509 *certificate)
{
    unsigned count = 0;
    int at = X509_get_ext_by_NID(certificate, NID_crl_distribution_points, -1);
    if (at < 0)
        return;
    uint64_t length = (uint64_t)ASN1_STRING_length(X509_EXTENSION_get_data(X509_get_ext(certificate, at)));
    if (!budget_spend(climb->query->budget, length * COST_DER, NULL))
        return;
    CRL_DIST_POINTS *points = X509_get_ext_d2i(certificate, NID_crl_distribution_points, NULL, NULL);
    for (int i = 0; i < sk_DIST_POINT_num(points); i++)
        find_signers_of(climb, sk_DIST_POINT_value(points, i), &count);
    CRL_DIST_POINTS_free(points);
    ERR_clear_error();
}

bool helpers_find(const struct trust *trust, const struct path_query *query, struct helpers *helpers)
{
    owned(x509_lent) STACK_OF(X509) *reached = sk_X509_new_null();
    struct climb climb = {.trust = trust, .query = query, .helpers = helpers, .reached = reached};
    *helpers = (struct helpers){.list = anchors_help(query->anchors, query->leaf, query->untrusted),
                                .orphans = sk_X509_new_null()};
    if (reached == NULL || helpers->list == NULL || helpers->orphans == NULL)
        return false;
    reach(&climb, query->leaf);
    for (int i = 0; i < sk_X509_num(reached); i++) {
        find_issuers(&climb, sk_X509_value(reached, i));
        find_signers(&climb, sk_X509_value(reached, i));
    }
    return true;
}
