/* SPDX-License-Identifier: Apache-2.0 */
#include "errand.h"

#include "points.h"
#include "unknown.h"

#include <openssl/x509v3.h>
#include <string.h>

#define OTHERS_MAX 16

void errand_unref(struct errand *errand)
{
    if (errand == NULL || !g_atomic_int_dec_and_test(&errand->references))
        return;
    X509_free(errand->certificate);
    sk_X509_pop_free(errand->signers, X509_free);
    g_free(errand);
}

struct errand *errand_ref(struct errand *errand)
{
    g_atomic_int_inc(&errand->references);
    return errand;
}

/* Who may sign lists, but is no authority of the path (RFC 5280 §6.3.3 (f)). */
static bool add_signers(STACK_OF(X509) * signers, const struct errand_order *order)
{
    if (!X509_add_cert(signers, order->issuer, X509_ADD_FLAG_UP_REF))
        return false;
    for (int i = 0; i < sk_X509_num(order->others) && sk_X509_num(signers) < OTHERS_MAX; i++) {
        X509 *other = sk_X509_value(order->others, i);
        if ((X509_get_key_usage(other) & X509v3_KU_CRL_SIGN) != 0 &&
            !X509_add_cert(signers, other, X509_ADD_FLAG_UP_REF | X509_ADD_FLAG_NO_DUP))
            return false;
    }
    return true;
}

struct errand *errand_new(const struct errand_order *order, const struct errand_key *key)
{
    owned(errand) struct errand *errand = g_new0(struct errand, 1);
    errand->references = 1;
    errand->key = *key;
    errand->certificate = X509_up_ref(order->certificate) ? order->certificate : NULL;
    errand->signers = sk_X509_new_null();
    errand->due = order->known_until != 0 ? fetch_due(time(NULL), order->known_until) : 0;
    return errand->certificate != NULL && errand->signers != NULL &&
                   (order->issuer == NULL || add_signers(errand->signers, order))
               ? steal(&errand)
               : NULL;
}

/* --- the work --- */

static void note_due(time_t due, time_t *first)
{
    if (due != 0 && (*first == 0 || due < *first))
        *first = due;
}

/* Any address of a point will do. NULL: one did. */
static const char *fetch_point(const struct errand_means *means, const struct errand *errand, const char *addresses,
                               time_t *first)
{
    const char *fault = UNKNOWN_NO_URL;
    g_auto(GStrv) urls = g_strsplit(addresses, " ", -1);
    for (char **url = urls; *url != NULL; url++) {
        time_t due = 0;
        fault = fetch_list(means->fetcher, *url, errand->signers, &due);
        if (fault == NULL) {
            note_due(due, first);
            return NULL;
        }
    }
    return fault;
}

/* NULL: all of them came, and there was one at least. */
static const char *fetch_points(const struct errand_means *means, const struct errand *errand, char *const *points,
                                time_t *first)
{
    const char *fault = points[0] == NULL ? UNKNOWN_NO_URL : NULL;
    for (; *points != NULL; points++) {
        const char *failed = fetch_point(means, errand, *points, first);
        fault = fault == NULL ? failed : fault;
    }
    return fault;
}

/* Without them the full lists still count. */
static void fetch_deltas(const struct errand_means *means, const struct errand *errand, time_t *first)
{
    g_auto(GStrv) named = points_of_deltas(errand->certificate);
    (void)fetch_points(means, errand, named, first);
    g_autoptr(GPtrArray) lists = kept_lists(means->kept, X509_get_issuer_name(errand->certificate));
    for (guint i = 0; i < lists->len; i++) {
        g_auto(GStrv) points = points_of_deltas_in(crl_table_hollow(g_ptr_array_index(lists, i)));
        (void)fetch_points(means, errand, points, first);
    }
}

static const char *ask_responders(const struct errand_means *means, const struct errand *errand, time_t *first)
{
    const char *fault = UNKNOWN_NO_URL;
    const struct fetch_question question = {.certificate = errand->certificate,
                                            .issuer = sk_X509_value(errand->signers, 0),
                                            .key = &errand->key.certificate,
                                            .has_nonce = errand->key.nonce};
    g_auto(GStrv) responders = points_of_responders(errand->certificate);
    for (char **url = responders; *url != NULL && fault != NULL; url++) {
        time_t due = 0;
        fault = fetch_answer(means->fetcher, *url, &question, &due);
        if (fault == NULL)
            note_due(due, first);
    }
    return fault;
}

static const char *seek_at(const struct errand_means *means, X509 *certificate, const char *url)
{
    const char *fault = fetch_issuers(means->fetcher, url);
    struct issuers *issuers = kept_issuers(means->kept);
    if (fault != NULL || issuers_find(issuers, url, certificate, time(NULL), NULL))
        return fault;
    return issuers_have(issuers, url) ? UNKNOWN_ISSUER_OTHER : UNKNOWN_ISSUER_NOT_YET;
}

static void seek_issuer(const struct errand_means *means, const struct errand *errand)
{
    const char *fault = UNKNOWN_ISSUER_UNFETCHED;
    g_auto(GStrv) urls = points_of_issuers(errand->certificate);
    for (char **url = urls; *url != NULL && fault != NULL; url++)
        fault = seek_at(means, errand->certificate, *url);
    kept_set_fault(means->kept, &errand->key.certificate, fault);
}

time_t errand_run(const struct errand *errand, const struct errand_means *means)
{
    time_t first = 0;
    if (errand->key.issuer) {
        seek_issuer(means, errand);
        return 0;
    }
    const char *fault = errand->key.ocsp ? ask_responders(means, errand, &first) : UNKNOWN_NO_URL;
    if (fault != NULL && errand->key.fetch) {
        g_auto(GStrv) points = points_of_lists(errand->certificate);
        const char *of_lists = fetch_points(means, errand, points, &first);
        fault = of_lists == NULL || strcmp(fault, UNKNOWN_NO_URL) == 0 ? of_lists : fault;
        if (of_lists == NULL)
            fetch_deltas(means, errand, &first);
    }
    kept_set_fault(means->kept, &errand->key.certificate, fault);
    return first;
}
