/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path: RFC 5280 §6 by OpenSSL, and what OpenSSL leaves to its caller: that an authority limited to other uses does not
 * certify for mail (OpenSSL's own S/MIME purpose is not used, see usage.c), and keys that are long but bad. Not for
 * revocation: that is asked for a path that is valid otherwise (revocation.c).
 */
#include "path.h"

#include "base/memory.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define DEPTH_MAX 12
#define AUTH_LEVEL 2 /* 112 bits: RSA and DSA 2048, SHA-224; SHA-1 and MD5 are below it */

/* Without POLICY_CHECK OpenSSL ignores requireExplicitPolicy and the other policy constraints of authorities (RFC 5280
 * §6.1, which PKITS tests). A path with many policies costs little: OpenSSL limits the nodes of its policy tree. */
#define FLAGS (X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_POLICY_CHECK)

void path_result_clear(struct path_result *result)
{
    X509_free(result->culprit);
    sk_X509_pop_free(result->chain, X509_free);
    *result = (struct path_result){.error = X509_V_ERR_UNSPECIFIED};
}

/* OpenSSL asks for no issuer of a certificate with an extension that is there twice or cannot be read. */
static int cause_of(int error, X509 *culprit)
{
    bool no_issuer = error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
                     error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
                     error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
    return no_issuer && culprit != NULL && X509_get_extension_flags(culprit) & EXFLAG_INVALID
               ? X509_V_ERR_INVALID_EXTENSION
               : error;
}

static void blame(struct path_result *result, int error, X509 *culprit)
{
    X509_free(result->culprit);
    result->error = cause_of(error, culprit);
    result->culprit = culprit != NULL && X509_up_ref(culprit) ? culprit : NULL;
}

static int on_step(int good, X509_STORE_CTX *context)
{
    if (!good)
        blame(X509_STORE_CTX_get_app_data(context), X509_STORE_CTX_get_error(context),
              X509_STORE_CTX_get_current_cert(context));
    return good;
}

X509_STORE_CTX *path_context(const struct path_query *query, STACK_OF(X509) * untrusted, STACK_OF(X509) * trusted,
                             unsigned long flags)
{
    owned(X509_STORE_CTX) X509_STORE_CTX *context = X509_STORE_CTX_new();
    if (context == NULL || !X509_STORE_CTX_init(context, query->anchors->store, query->leaf, untrusted))
        return NULL;
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_flags(parameters, FLAGS | flags);
    X509_VERIFY_PARAM_set_depth(parameters, DEPTH_MAX);
    X509_VERIFY_PARAM_set_auth_level(parameters, query->strength ? AUTH_LEVEL : 0);
    X509_VERIFY_PARAM_set_time(parameters, query->at);
    /* RFC 5280 §6.1.1 (c): any policy will do. Without this OpenSSL fails where an authority requires an explicit one.
     */
    ASN1_OBJECT *any_policy = OBJ_nid2obj(NID_any_policy);
    if (!X509_VERIFY_PARAM_add0_policy(parameters, any_policy))
        return NULL;
    if (trusted != NULL)
        X509_STORE_CTX_set0_trusted_stack(context, trusted);
    return steal(&context);
}

/* Looks at the issuing certificates once more; the last of the chain is the anchor. */
static void check_issuers(const struct path_query *query, STACK_OF(X509) * chain, struct path_result *result)
{
    int last = sk_X509_num(chain) - 1;
    for (int i = 1; i <= last; i++) {
        X509 *issuer = sk_X509_value(chain, i);
        const char *weakness = query->strength ? key_weakness(X509_get0_pubkey(issuer)) : NULL;
        if (i < last && !usage_allows_mail(issuer))
            blame(result, X509_V_ERR_INVALID_PURPOSE, issuer);
        else if (weakness != NULL)
            blame(result, X509_V_ERR_CA_KEY_TOO_SMALL, issuer);
        else
            continue;
        result->weakness = weakness;
        return;
    }
}

#define COST_PATH ((uint64_t)100000)
#define COST_CANDIDATE 10000 /* a certificate that may be the next of a path, at each of its steps */

/* Which they are is known only then. */
static void pay_for_signatures(struct budget *budget, const STACK_OF(X509) * chain)
{
    for (int i = 1; i < sk_X509_num(chain); i++)
        budget_spend(budget, key_cost(X509_get0_pubkey(sk_X509_value(chain, i))), NULL);
}

void path_try(const struct path_query *query, STACK_OF(X509) * untrusted, STACK_OF(X509) * trusted,
              struct path_result *result)
{
    owned(X509_STORE_CTX) X509_STORE_CTX *context = path_context(query, untrusted, trusted, 0);
    path_result_clear(result);
    result->error = X509_V_OK;
    if (context == NULL || !X509_STORE_CTX_set_app_data(context, result)) {
        blame(result, X509_V_ERR_OUT_OF_MEM, query->leaf);
        ERR_clear_error();
        return;
    }
    if (!budget_spend(query->budget, COST_PATH + (uint64_t)MAX(sk_X509_num(untrusted), 0) * COST_CANDIDATE, NULL)) {
        blame(result, X509_V_ERR_UNSPECIFIED, query->leaf);
        return;
    }
    X509_STORE_CTX_set_verify_cb(context, on_step);
    unsigned failures = memory_failures();
    int verified = X509_verify_cert(context);
    if (verified == 1 && result->error == X509_V_OK) {
        check_issuers(query, X509_STORE_CTX_get0_chain(context), result);
        if (result->error == X509_V_OK)
            result->chain = X509_STORE_CTX_get1_chain(context);
    } else if (result->error == X509_V_OK) { /* it failed without a word to on_step() */
        int error = X509_STORE_CTX_get_error(context);
        if (error == X509_V_ERR_OUT_OF_MEM && memory_failures() == failures)
            error = PATH_TOO_MANY_POLICIES; /* OpenSSL limits the nodes of the tree (RFC 5280 §6.1.2) */
        blame(result, error != X509_V_OK ? error : X509_V_ERR_UNSPECIFIED, query->leaf);
    }
    if (result->error != X509_V_OK && result->culprit == NULL) /* the path as a whole, as with its policies */
        blame(result, result->error, query->leaf);
    pay_for_signatures(query->budget, X509_STORE_CTX_get0_chain(context));
    ERR_clear_error();
}
