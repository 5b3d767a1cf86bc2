/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alternatives: other ways from a leaf to an anchor, when the first one that OpenSSL built has failed: two authorities
 * of one name, a root that has an expired cross-certificate beside a good one, a new key that nobody told apart by
 * identifier.
 *
 * Depth first over the certificates at hand, following only issuers whose key verifies the signature, so that each way
 * found is a real one; then OpenSSL judges it. Limits keep a message stuffed with certificates from costing much:
 * signature checks, and whole ways tried. Not for fetching issuers from elsewhere: nothing here opens a connection.
 */
#include "store.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define SIGNATURES_MAX 64
#define WAYS_MAX 16
#define LENGTH_MAX 10

struct search {
    const struct path_query *query;
    STACK_OF(X509) * untrusted;
    struct path_result *result;
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
    search->signatures++;
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    bool good = key != NULL && X509_verify(subject, key) == 1;
    ERR_clear_error();
    return good;
}

/* The issuers of this way first, then all others: a CRL's issuer may be among them. */
static bool try_way(struct search *search, X509 *anchor)
{
    owned(x509_stack) STACK_OF(X509) *ordered = sk_X509_new_null();
    if (search->ways++ >= WAYS_MAX || ordered == NULL)
        return false;
    for (int i = 1; i < search->length; i++)
        if (!X509_add_cert(ordered, search->way[i], X509_ADD_FLAG_UP_REF))
            return false;
    if (search->untrusted != NULL && !X509_add_certs(ordered, search->untrusted, X509_ADD_FLAG_UP_REF))
        return false;
    path_try(search->query, ordered, anchor, search->result);
    return search->result->error == X509_V_OK;
}

static bool extend(struct search *search)
{
    X509 *last = search->way[search->length - 1];
    const STACK_OF(X509) *anchors = search->query->anchors->list;
    for (int i = 0; i < sk_X509_num(anchors); i++)
        if (is_issuer(search, sk_X509_value(anchors, i), last) && try_way(search, sk_X509_value(anchors, i)))
            return true;
    for (int i = 0; i < sk_X509_num(search->untrusted) && search->length < LENGTH_MAX; i++) {
        X509 *issuer = sk_X509_value(search->untrusted, i);
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

bool path_try_alternatives(const struct path_query *query, STACK_OF(X509) * untrusted, struct path_result *result)
{
    struct search search = {
        .query = query, .untrusted = untrusted, .result = result, .way = {query->leaf}, .length = 1};
    return extend(&search);
}
