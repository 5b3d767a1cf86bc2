/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation_crls: what the configured CRLs, and those that came with the message, say of a path.
 *
 * CRLs are OpenSSL's work (distribution points, indirect and delta CRLs, the CRL issuer's own path), and OpenSSL looks
 * at them only while it verifies. So the path that was found is verified once more with CRLs: its anchor is the only
 * trusted one, its authorities come first, and its signatures are not computed again. If another path comes out,
 * nothing is known.
 *
 * OpenSSL takes one CRL by its names and gives up if its signature is bad. An authority with a new key under its old
 * name may have one CRL for each key, and nothing in them that tells which is which. So after a bad signature the
 * verification is repeated, and only CRLs are offered whose signature the issuer of the certificate has made.
 */
#include "crl_lookup.h"
#include "path.h"
#include "revocation.h"
#include "unknown.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define FLAGS                                                                                                          \
    (X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL | X509_V_FLAG_EXTENDED_CRL_SUPPORT | X509_V_FLAG_USE_DELTAS)

#define BAD_SIGNATURE UNKNOWN_LIST_SIGNATURE

static const struct {
    int error;
    const char *reason;
} reasons[] = {
    {X509_V_ERR_UNABLE_TO_GET_CRL, UNKNOWN_NO_LIST},
    {X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, NOT_CHECKED ": its CRL's issuer is unknown"},
    {X509_V_ERR_CRL_NOT_YET_VALID, NOT_CHECKED ": its CRL is not yet valid"},
    {X509_V_ERR_CRL_HAS_EXPIRED, NOT_CHECKED ": its CRL is out of date"},
    {X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, NOT_CHECKED ": its CRL has an invalid date"},
    {X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, NOT_CHECKED ": its CRL has an invalid date"},
    {X509_V_ERR_CRL_SIGNATURE_FAILURE, BAD_SIGNATURE},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, BAD_SIGNATURE},
    {X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, NOT_CHECKED ": its CRL's signer may not sign CRLs"},
    {X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, UNKNOWN_LIST_CRITICAL},
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

/* Goes on after what only keeps us from knowing, so that a revocation behind it is seen. */
static int on_step(int good, X509_STORE_CTX *context)
{
    if (good || crl_was_verified(context))
        return 1;
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

static void unref_table(void *table)
{
    crl_table_unref(table);
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

struct state {
    struct crls *crls;
    struct kept *kept;
};

/* What came with the message may not spoil what is known without it. */
static void run_apart(struct run *run, const struct revocation_query *query)
{
    run_verification(run, query);
    if (sk_X509_CRL_num(run->received) <= 0 || (run->configured == NULL && run->kept == NULL) || !is_undecided(run))
        return;
    run->received = NULL;
    run_verification(run, query);
}

static time_t stable_until(const struct state *state, const struct revocation_query *query)
{
    time_t until = crls_stable_until(state->crls, query->chain, query->at);
    return query->fetched ? MIN(until, kept_stable_until(state->kept, query->chain, query->at)) : until;
}

static void ask(void *data, const struct revocation_query *query, struct revocation_answer *answers)
{
    const struct state *state = data;
    int count = sk_X509_num(query->chain);
    bool counts = query->check != REVOCATION_CHECK_OFF;
    struct run run = {.configured = counts && crls_are_configured(state->crls) ? state->crls : NULL,
                      .kept = counts && query->fetched ? state->kept : NULL,
                      .received = query->received,
                      .earlier = answers,
                      .chain = query->chain,
                      .count = count,
                      .at = query->at};
    if (run.configured == NULL && run.kept == NULL && sk_X509_CRL_num(query->received) <= 0)
        return;
    g_autofree struct revocation_answer *own = g_new0(struct revocation_answer, (gsize)count);
    g_autoptr(GPtrArray) tables = g_ptr_array_new_with_free_func(unref_table);
    run.answers = own;
    run.tables = tables;
    run_apart(&run, query);
    time_t until = stable_until(state, query);
    for (int i = 0; i < count; i++) {
        if (answers[i].status == REVOCATION_UNKNOWN) {
            answers[i].status = own[i].status;
            answers[i].reason = own[i].reason;
            answers[i].from = own[i].from;
        }
        answers[i].until = MIN(answers[i].until, until);
    }
}

static void *open_crls(const struct revocation_setup *setup, struct faults *faults)
{
    struct crls *crls = crls_open(setup->conf, setup->file, faults);
    if (crls == NULL)
        return NULL;
    struct state *state = g_new0(struct state, 1);
    *state = (struct state){.crls = crls, .kept = setup->kept};
    return state;
}

static void close_crls(void *data)
{
    struct state *state = data;
    crls_close(state->crls);
    g_free(state);
}

const struct revocation_source revocation_source_crls = {
    .name = "crls", .open = open_crls, .close = close_crls, .ask = ask};
