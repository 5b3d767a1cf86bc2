/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation_crls: what the configured CRLs, and those that came with the message, say of a path.
 *
 * CRLs are OpenSSL's work (distribution points, indirect and delta CRLs, the CRL issuer's own path), and OpenSSL looks
 * at them only while it verifies. So the path that was found is verified once more with CRLs: its anchor is the only
 * trusted one, its authorities come first, and its signatures are not computed again. If another path comes out,
 * nothing is known.
 *
 * OpenSSL looks at the CRLs given with a verification first and takes one that will do. A sender could so hide a
 * revocation behind an older CRL of the same authority that has not run out yet. Here all of them are therefore offered
 * in one list, from which OpenSSL picks the newest among equally good ones, and of several with one date the first:
 * they are ordered by their number (RFC 5280 §5.2.3).
 *
 * OpenSSL takes one CRL by its names and gives up if its signature is bad. An authority with a new key under its old
 * name may have one CRL for each key, and nothing in them that tells which is which. So after a bad signature the
 * verification is repeated, and only CRLs are offered whose signature the issuer of the certificate has made.
 */
#include "crls.h"
#include "path.h"
#include "revocation.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define FLAGS                                                                                                          \
    (X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL | X509_V_FLAG_EXTENDED_CRL_SUPPORT | X509_V_FLAG_USE_DELTAS)

#define NOT_CHECKED "cannot be checked for revocation"
#define BAD_SIGNATURE NOT_CHECKED ": its CRL's signature is bad"
#define SIGNATURES_MAX 64 /* a message may bring many CRLs */

static const struct {
    int error;
    const char *reason;
} reasons[] = {
    {X509_V_ERR_UNABLE_TO_GET_CRL, NOT_CHECKED ": there is no CRL for it"},
    {X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, NOT_CHECKED ": its CRL's issuer is unknown"},
    {X509_V_ERR_CRL_NOT_YET_VALID, NOT_CHECKED ": its CRL is not yet valid"},
    {X509_V_ERR_CRL_HAS_EXPIRED, NOT_CHECKED ": its CRL is out of date"},
    {X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, NOT_CHECKED ": its CRL has an invalid date"},
    {X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, NOT_CHECKED ": its CRL has an invalid date"},
    {X509_V_ERR_CRL_SIGNATURE_FAILURE, BAD_SIGNATURE},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, BAD_SIGNATURE},
    {X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, NOT_CHECKED ": its CRL's signer may not sign CRLs"},
    {X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, NOT_CHECKED ": its CRL has an unknown critical extension"},
    {X509_V_ERR_DIFFERENT_CRL_SCOPE, NOT_CHECKED ": its CRL covers other certificates"},
    {X509_V_ERR_CRL_PATH_VALIDATION_ERROR, NOT_CHECKED ": its CRL's signer is not trusted"},
};

/* NULL: it is not about CRLs. */
static const char *reason_of(int error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++)
        if (reasons[i].error == error)
            return reasons[i].reason;
    return NULL;
}

/* One verification with CRLs. */
struct run {
    const struct crls *configured; /* NULL: they do not count */
    STACK_OF(X509_CRL) * received;
    const struct revocation_answer *earlier; /* another source's */
    struct revocation_answer *answers;       /* of the certificates up to the one that ended it */
    const STACK_OF(X509) * chain;
    int count, ended; /* ended: depth of that certificate, or count */
    bool tries;       /* a CRL has to have a good signature to be offered */
    unsigned tried;
};

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
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    return other || (run->tried++ < SIGNATURES_MAX && key != NULL && X509_CRL_verify(crl, key) == 1);
}

static void keep_those_that_hold(struct run *run, STACK_OF(X509_CRL) * list, int depth)
{
    for (int i = sk_X509_CRL_num(list) - 1; i >= 0; i--)
        if (!may_hold(run, sk_X509_CRL_value(list, i), depth))
            X509_CRL_free(sk_X509_CRL_delete(list, i));
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
    STACK_OF(X509_CRL) *list = run->configured != NULL ? crls_of(run->configured, name) : sk_X509_CRL_new_null();
    for (int i = 0; list != NULL && i < sk_X509_CRL_num(run->received); i++)
        crls_add(list, sk_X509_CRL_value(run->received, i));
    if (run->tries && on_path)
        keep_those_that_hold(run, list, depth);
    if (sk_X509_CRL_num(list) > 1) {
        sk_X509_CRL_set_cmp_func(list, compare_numbers);
        sk_X509_CRL_sort(list);
    }
    return list;
}

void crls_attach(X509_STORE *store)
{
    X509_STORE_set_lookup_crls(store, lookup_crls);
}

/* Goes on after what only keeps us from knowing, so that a revocation behind it is seen. */
static int on_step(int good, X509_STORE_CTX *context)
{
    if (good)
        return good;
    struct run *run = X509_STORE_CTX_get_app_data(context);
    if (run == NULL)
        return 0; /* a CRL issuer's path: what fails there comes back as an error of the CRL */
    int error = X509_STORE_CTX_get_error(context), depth = X509_STORE_CTX_get_error_depth(context);
    if (depth == run->count - 1)
        return 1; /* an anchor */
    const char *reason = reason_of(error);
    if (depth < 0 || depth >= run->count || (reason == NULL && error != X509_V_ERR_CERT_REVOKED))
        return 0;
    if (run->earlier[depth].status != REVOCATION_UNKNOWN)
        return 1;
    run->answers[depth].status = reason == NULL ? REVOCATION_REVOKED : REVOCATION_UNKNOWN;
    run->answers[depth].reason = reason;
    bool goes_on = error == X509_V_ERR_UNABLE_TO_GET_CRL || error == X509_V_ERR_CRL_HAS_EXPIRED ||
                   error == X509_V_ERR_CRL_NOT_YET_VALID;
    if (!goes_on)
        run->ended = depth;
    return goes_on;
}

/* The signatures and times of this path were verified when it was found. */
static int already_verified(X509_STORE_CTX *context)
{
    (void)context;
    return 1;
}

static bool is_same(const STACK_OF(X509) * a, const STACK_OF(X509) * b)
{
    if (sk_X509_num(a) != sk_X509_num(b))
        return false;
    for (int i = 0; i < sk_X509_num(a); i++)
        if (X509_cmp(sk_X509_value(a, i), sk_X509_value(b, i)) != 0)
            return false;
    return true;
}

/* The authorities of the path in their order, then the others. */
static bool fill(const struct revocation_query *query, STACK_OF(X509) * untrusted, STACK_OF(X509) * trusted)
{
    int last = sk_X509_num(query->chain) - 1;
    if (untrusted == NULL || trusted == NULL ||
        !X509_add_cert(trusted, sk_X509_value(query->chain, last), X509_ADD_FLAG_UP_REF))
        return false;
    for (int i = 1; i < last; i++)
        if (!X509_add_cert(untrusted, sk_X509_value(query->chain, i), X509_ADD_FLAG_UP_REF))
            return false;
    return query->untrusted == NULL || X509_add_certs(untrusted, query->untrusted, X509_ADD_FLAG_UP_REF);
}

static bool verify(struct run *run, const struct revocation_query *query)
{
    owned(x509_stack) STACK_OF(X509) *untrusted = sk_X509_new_null(), *trusted = sk_X509_new_null();
    owned(X509_STORE_CTX) X509_STORE_CTX *context = NULL;
    struct path_query path = {.anchors = query->anchors,
                              .leaf = sk_X509_value(query->chain, 0),
                              .strength = query->strength,
                              .at = query->at};
    if (fill(query, untrusted, trusted))
        context = path_context(&path, untrusted, trusted, FLAGS);
    if (context == NULL || !X509_STORE_CTX_set_app_data(context, run))
        return false;
    X509_STORE_CTX_set_verify(context, already_verified);
    X509_STORE_CTX_set_verify_cb(context, on_step);
    bool passed = X509_verify_cert(context) == 1;
    ERR_clear_error();
    return (passed || run->ended < run->count) && is_same(X509_STORE_CTX_get0_chain(context), query->chain);
}

static void run_once(struct run *run, const struct revocation_query *query)
{
    for (int i = 0; i < run->count; i++)
        run->answers[i] = (struct revocation_answer){.status = REVOCATION_GOOD};
    run->ended = run->count;
    bool verified = verify(run, query);
    if (!verified)
        run->ended = -1;
    for (int i = run->ended + 1; i < run->count; i++)
        run->answers[i] =
            (struct revocation_answer){.status = REVOCATION_UNKNOWN, .reason = verified ? NULL : NOT_CHECKED};
}

static int first_bad_signature(const struct run *run)
{
    int i = 0;
    while (i < run->count && g_strcmp0(run->answers[i].reason, BAD_SIGNATURE) != 0)
        i++;
    return i;
}

static void run_verification(struct run *run, const struct revocation_query *query)
{
    run->tries = false;
    run_once(run, query);
    int bad = first_bad_signature(run);
    if (bad == run->count)
        return;
    run->tries = true;
    run_once(run, query);
    if (run->answers[bad].status == REVOCATION_UNKNOWN) /* that there is no other CRL is not the reason */
        run->answers[bad].reason = BAD_SIGNATURE;
}

static bool is_undecided(const struct run *run)
{
    bool unknown = false;
    for (int i = 0; i < run->count; i++) {
        if (run->answers[i].status == REVOCATION_REVOKED)
            return false;
        unknown |= run->answers[i].status == REVOCATION_UNKNOWN;
    }
    return unknown;
}

static void ask(void *state, const struct revocation_query *query, struct revocation_answer *answers)
{
    const struct crls *crls = state;
    int count = sk_X509_num(query->chain);
    bool has_received = sk_X509_CRL_num(query->received) > 0;
    bool has_configured = query->check != REVOCATION_CHECK_OFF && crls_are_configured(crls);
    if (!has_received && !has_configured)
        return;
    g_autofree struct revocation_answer *own = g_new0(struct revocation_answer, (gsize)count);
    struct run run = {.configured = has_configured ? crls : NULL,
                      .received = query->received,
                      .earlier = answers,
                      .answers = own,
                      .chain = query->chain,
                      .count = count};
    run_verification(&run, query);
    if (has_received && has_configured && is_undecided(&run)) {
        /* What came with the message may not spoil what the configured CRLs can tell alone. */
        run.received = NULL;
        run_verification(&run, query);
    }
    time_t until = crls_stable_until(crls, query->chain, query->at);
    for (int i = 0; i < count; i++) {
        if (answers[i].status == REVOCATION_UNKNOWN) {
            answers[i].status = own[i].status;
            answers[i].reason = own[i].reason;
        }
        answers[i].until = MIN(answers[i].until, until);
    }
}

static void *open_crls(const struct revocation_conf *conf, const char *file, struct faults *faults)
{
    return crls_open(conf, file, faults);
}

static void close_crls(void *state)
{
    crls_close(state);
}

const struct revocation_source revocation_source_crls = {
    .name = "crls", .open = open_crls, .close = close_crls, .ask = ask};
