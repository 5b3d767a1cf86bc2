/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_search: the ways from a leaf to an anchor, OpenSSL's own first. OpenSSL ends a path at the first anchor, and so
 * it is asked for a path to a self-signed anchor before. It chooses one issuer at each step and never looks back: where
 * it fails, other ways may be there (two authorities of one name, a root that has an expired cross-certificate beside a
 * good one, a new key without an identifier of its own).
 *
 * Depth first over the certificates at hand, following only issuers whose key verifies the signature, so that each way
 * found is a real one; then OpenSSL judges it. Limits keep a message stuffed with certificates from costing much:
 * signature checks, and whole ways tried. Not for fetching issuers from elsewhere: nothing here opens a connection.
 */
#include "path.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define SIGNATURES_MAX 64
#define WAYS_MAX 16
#define LENGTH_MAX 10
#define COST_COMPARED 1000 /* a certificate that may have issued another */

struct search {
    const struct path_query *query;
    const struct path_visitor *visitor;
    const STACK_OF(X509) * seen; /* the path that the visitor has seen already, or NULL */
    unsigned signatures, ways;
    X509 *way[LENGTH_MAX]; /* leaf first */
    int length;
};

static bool is_on_way(const struct search *search, const X509 *certificate)
{
    for (int i = 0; i < search->length; i++)
        if (X509_cmp(search->way[i], certificate) == 0)
            return true;
    return false;
}

static bool is_issuer(struct search *search, X509 *issuer, X509 *subject)
{
    if (search->signatures >= SIGNATURES_MAX || is_on_way(search, issuer) ||
        X509_check_issued(issuer, subject) != X509_V_OK)
        return false;
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    if (key_is_slow(key) || !budget_spend(search->query->budget, key_cost(key), NULL))
        return false;
    search->signatures++;
    bool good = key != NULL && X509_verify(subject, key) == 1;
    ERR_clear_error();
    return good;
}

static bool is_seen(const struct search *search, const X509 *anchor)
{
    if (search->seen == NULL || sk_X509_num(search->seen) != search->length + 1)
        return false;
    for (int i = 0; i < search->length; i++)
        if (X509_cmp(search->way[i], sk_X509_value(search->seen, i)) != 0)
            return false;
    return X509_cmp(anchor, sk_X509_value(search->seen, search->length)) == 0;
}

/* The issuers of this way first, then all others: a CRL's issuer may be among them. */
static bool try_way(struct search *search, X509 *anchor)
{
    owned(x509_stack) STACK_OF(X509) *ordered = sk_X509_new_null(), *trusted = sk_X509_new_null();
    owned(path_result) struct path_result result = {0};
    if (is_seen(search, anchor) || search->ways++ >= WAYS_MAX || ordered == NULL || trusted == NULL ||
        !X509_add_cert(trusted, anchor, X509_ADD_FLAG_UP_REF))
        return false;
    for (int i = 1; i < search->length; i++)
        if (!X509_add_cert(ordered, search->way[i], X509_ADD_FLAG_UP_REF))
            return false;
    if (search->query->untrusted != NULL && !X509_add_certs(ordered, search->query->untrusted, X509_ADD_FLAG_UP_REF))
        return false;
    path_try(search->query, ordered, trusted, &result);
    return result.error == X509_V_OK && search->visitor->judge(search->visitor->data, result.chain, false);
}

static bool extend(struct search *search)
{
    X509 *last = search->way[search->length - 1];
    const GPtrArray *anchors = anchors_named(search->query->anchors, X509_get_issuer_name(last));
    guint count = anchors != NULL ? anchors->len : 0;
    uint64_t candidates = count + (uint64_t)MAX(sk_X509_num(search->query->untrusted), 0);
    if (!budget_spend(search->query->budget, candidates * COST_COMPARED, NULL))
        return false;
    for (guint i = 0; i < count; i++)
        if (is_issuer(search, anchors->pdata[i], last) && try_way(search, anchors->pdata[i]))
            return true;
    for (int i = 0; i < sk_X509_num(search->query->untrusted) && search->length < LENGTH_MAX; i++) {
        X509 *issuer = sk_X509_value(search->query->untrusted, i);
        if (!is_issuer(search, issuer, last))
            continue;
        search->way[search->length++] = issuer;
        bool found = extend(search);
        search->length--;
        if (found)
            return true;
    }
    return false;
}

bool path_find(const struct path_query *query, const struct path_visitor *visitor, struct path_result *failure)
{
    const STACK_OF(X509) *roots = query->anchors->roots, *list = query->anchors->list;
    bool has_others = sk_X509_num(roots) > 0 && sk_X509_num(roots) < sk_X509_num(list);
    if (has_others)
        path_try(query, query->untrusted, query->anchors->roots, failure);
    if (!has_others || failure->error != X509_V_OK)
        path_try(query, query->untrusted, NULL, failure);
    if (failure->error == X509_V_OK && visitor->judge(visitor->data, failure->chain, true))
        return true;
    struct search search = {
        .query = query, .visitor = visitor, .seen = failure->chain, .way = {query->leaf}, .length = 1};
    return extend(&search);
}
