/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crl_lookup: what OpenSSL asks us while it verifies with CRLs.
 *
 * OpenSSL looks at the CRLs given with a verification first and takes one that will do. A sender could so hide a
 * revocation behind an older CRL of the same authority that has not run out yet. Here all of them are therefore offered
 * in one list, from which OpenSSL picks the newest among equally good ones, and of several with one date the first:
 * they are ordered by their number (RFC 5280 §5.2.3).
 */
#include "crl_lookup.h"

#include "revocation.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define SIGNATURES_MAX 64 /* a message may bring many CRLs */

/* OpenSSL validates a CRL issuer's own path in a context below the one that we made. */
static struct run *run_of(const X509_STORE_CTX *context)
{
    X509_STORE_CTX *at = (X509_STORE_CTX *)context;
    for (X509_STORE_CTX *parent; (parent = X509_STORE_CTX_get0_parent_ctx(at)) != NULL;)
        at = parent;
    return X509_STORE_CTX_get_app_data(at);
}

/* The higher number first; a CRL without a number last. */
static int compare_numbers(const X509_CRL *const *a, const X509_CRL *const *b)
{
    ASN1_INTEGER *first = X509_CRL_get_ext_d2i(*a, NID_crl_number, NULL, NULL);
    ASN1_INTEGER *second = X509_CRL_get_ext_d2i(*b, NID_crl_number, NULL, NULL);
    int order = first != NULL && second != NULL ? ASN1_INTEGER_cmp(second, first) : (first == NULL) - (second == NULL);
    ASN1_INTEGER_free(first);
    ASN1_INTEGER_free(second);
    return order;
}

/* True if the CRL has a good signature by the issuer of that certificate of the chain, or does not claim to have it: a
 * CRL of another name or key is OpenSSL's to judge. */
static bool may_hold(struct run *run, X509_CRL *crl, int depth)
{
    X509 *issuer = sk_X509_value(run->chain, depth + 1);
    if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)) != 0)
        return true;
    AUTHORITY_KEYID *identifier = X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL, NULL);
    bool other = X509_check_akid(issuer, identifier) != X509_V_OK;
    AUTHORITY_KEYID_free(identifier);
    const struct crl_table *table = crl_table_of(crl);
    if (other || table != NULL)
        return other || crl_table_is_signed_by(table, issuer);
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    return (run->tried++ < SIGNATURES_MAX && key != NULL && X509_CRL_verify(crl, key) == 1);
}

static void keep_those_that_hold(struct run *run, STACK_OF(X509_CRL) * list, int depth)
{
    for (int i = sk_X509_CRL_num(list) - 1; i >= 0; i--)
        if (!may_hold(run, sk_X509_CRL_value(list, i), depth))
            X509_CRL_free(sk_X509_CRL_delete(list, i));
}

static time_t seconds_of(const ASN1_TIME *time)
{
    struct tm parts;
    return time != NULL && ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

/* OpenSSL takes a delta list that has run out, and takes one for some reasons as a full list. */
static bool is_usable(const X509_CRL *crl, time_t at)
{
    if (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) < 0)
        return true;
    ISSUING_DIST_POINT *point = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, NULL, NULL);
    bool for_some_reasons = point != NULL && point->onlysomereasons != NULL;
    ISSUING_DIST_POINT_free(point);
    time_t until = seconds_of(X509_CRL_get0_nextUpdate(crl));
    return !for_some_reasons && seconds_of(X509_CRL_get0_lastUpdate(crl)) <= at && (until == 0 || at <= until);
}

static void leave_unusable(STACK_OF(X509_CRL) * list, time_t at)
{
    for (int i = sk_X509_CRL_num(list) - 1; i >= 0; i--)
        if (!is_usable(sk_X509_CRL_value(list, i), at))
            X509_CRL_free(sk_X509_CRL_delete(list, i));
}

static void add_kept(struct run *run, const X509_NAME *name, STACK_OF(X509_CRL) * list)
{
    g_autoptr(GPtrArray) tables = kept_lists(run->kept, name);
    for (guint i = 0; i < tables->len; i++) {
        crls_add(list, crl_table_hollow(g_ptr_array_index(tables, i)));
        g_ptr_array_add(run->tables, crl_table_ref(g_ptr_array_index(tables, i)));
    }
}

static STACK_OF(X509_CRL) * all_of(struct run *run, const X509_NAME *name)
{
    STACK_OF(X509_CRL) *list = run->configured != NULL ? crls_of(run->configured, name) : sk_X509_CRL_new_null();
    for (int i = 0; list != NULL && i < sk_X509_CRL_num(run->received); i++)
        crls_add(list, sk_X509_CRL_value(run->received, i));
    if (list != NULL && run->kept != NULL)
        add_kept(run, name, list);
    return list;
}

/* What is missing here leaves a certificate unknown, never good: an empty list is "no CRL". */
static STACK_OF(X509_CRL) * lookup_crls(const X509_STORE_CTX *context, const X509_NAME *name)
{
    X509_STORE_CTX *context_in = (X509_STORE_CTX *)context;
    struct run *run = run_of(context);
    int depth = X509_STORE_CTX_get_error_depth(context_in);
    bool on_path = X509_STORE_CTX_get0_parent_ctx(context_in) == NULL;
    if (on_path && depth >= run->count - 1)
        return sk_X509_CRL_new_null(); /* no one asks about an anchor */
    STACK_OF(X509_CRL) *list = all_of(run, name);
    leave_unusable(list, run->at);
    if (run->tries && on_path)
        keep_those_that_hold(run, list, depth);
    if (sk_X509_CRL_num(list) > 1) {
        sk_X509_CRL_set_cmp_func(list, compare_numbers);
        sk_X509_CRL_sort(list);
    }
    return list;
}

/* --- lists that were fetched: OpenSSL sees them without their entries --- */

/* OpenSSL's own functions, for which it has no names. */
struct own {
    X509_STORE_CTX_cert_crl_fn look;
    X509_STORE_CTX_check_crl_fn check;
};

static const struct own *own(void)
{
    static struct own functions;
    static gsize once;
    if (g_once_init_enter(&once)) {
        owned(X509_STORE) X509_STORE *store = X509_STORE_new();
        owned(X509_STORE_CTX) X509_STORE_CTX *context = X509_STORE_CTX_new();
        if (store == NULL || context == NULL || X509_STORE_CTX_init(context, store, NULL, NULL) != 1)
            g_error("out of memory");
        functions.look = X509_STORE_CTX_get_cert_crl(context);
        functions.check = X509_STORE_CTX_get_check_crl(context);
        g_once_init_leave(&once, 1);
    }
    return &functions;
}

#define LOOK_REMOVED 2 /* OpenSSL's value: a delta list takes the certificate off the full one */

static int look_into(X509_STORE_CTX *context, X509_CRL *crl, X509 *certificate)
{
    const struct crl_table *table = crl_table_of(crl);
    int result = own()->look(context, crl, certificate);
    if (table == NULL || result != 1)
        return result;
    switch (crl_table_find(table, X509_get0_serialNumber(certificate), X509_get_issuer_name(certificate))) {
    case CRL_ENTRY_NONE:
        return 1;
    case CRL_ENTRY_REMOVED:
        return LOOK_REMOVED;
    case CRL_ENTRY_REVOKED:
        break;
    }
    X509_STORE_CTX_set_error(context, X509_V_ERR_CERT_REVOKED);
    return X509_STORE_CTX_get_verify_cb(context)(0, context);
}

/* Notes how new what is known is: an answer of a responder may be newer. */
static int look(X509_STORE_CTX *context, X509_CRL *crl, X509 *certificate)
{
    struct run *run = run_of(context);
    int result = look_into(context, crl, certificate), depth = X509_STORE_CTX_get_error_depth(context);
    if (result > 0 && X509_STORE_CTX_get0_parent_ctx(context) == NULL && depth < run->count)
        run->answers[depth].from = MAX(run->answers[depth].from, seconds_of(X509_CRL_get0_lastUpdate(crl)));
    return result;
}

/* Notes which list is being judged: the context has forgotten it when its signature is looked at after its dates.
 * Within comes the path of its issuer, with lists of its own. */
static int check(X509_STORE_CTX *context, X509_CRL *crl)
{
    struct run *run = run_of(context);
    X509_CRL *around = run->judged;
    run->judged = crl;
    int result = own()->check(context, crl);
    run->judged = around;
    return result;
}

/* OpenSSL has found the issuer of each list that it judges. */
bool crl_was_verified(X509_STORE_CTX *context)
{
    if (X509_STORE_CTX_get_error(context) != X509_V_ERR_CRL_SIGNATURE_FAILURE)
        return false;
    X509_CRL *crl = run_of(context)->judged;
    const struct crl_table *table = crl != NULL ? crl_table_of(crl) : NULL;
    const X509 *issuer = X509_STORE_CTX_get0_current_issuer(context);
    return table != NULL && issuer != NULL && crl_table_is_signed_by(table, issuer);
}

void crls_attach(X509_STORE *store)
{
    X509_STORE_set_lookup_crls(store, lookup_crls);
    X509_STORE_set_cert_crl(store, look);
    X509_STORE_set_check_crl(store, check);
}
