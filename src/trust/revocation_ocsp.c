/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation_ocsp: what the OCSP answers that are kept, and those that came with the message (RFC 5940), say of a path.
 * An answer that holds decides where lists leave open whether a certificate has been revoked, and it can always revoke.
 * Last comes the reason why nothing could be fetched, which says more than "there is no CRL".
 *
 * The sender chooses what comes with a message: it can make good what is unknown, and cannot take a revocation back.
 */
#include "kept.h"
#include "ocsp.h"
#include "revocation.h"
#include "unknown.h"

#define COST_ANSWER (COST_DER + 60) /* an octet of an answer: each certificate in it is compared, by digests */

/* An answer that is known of one certificate. */
static void apply(const struct kept_answer *known, time_t at, struct revocation_answer *answer)
{
    const char *reason = NULL;
    enum revocation_status status = ocsp_judge(known, at, &reason);
    if (status == REVOCATION_REVOKED && answer->status == REVOCATION_GOOD && known->until < at &&
        known->from < answer->from)
        return; /* it was on hold until then */
    if (status == REVOCATION_REVOKED || answer->status == REVOCATION_UNKNOWN) {
        answer->status = status;
        answer->reason = reason;
        answer->from = known->from;
    }
    if (known->until >= at)
        answer->until = MIN(answer->until, known->until);
    if (known->responder_until > at)
        answer->until = MIN(answer->until, known->responder_until - 1);
}

/* The newest of those in the message that holds; of the same time, that which revokes. */
static bool find_embedded(const struct revocation_query *query, int depth, struct kept_answer *newest)
{
    bool found = false;
    const struct ocsp_question question = {.certificate = sk_X509_value(query->chain, depth),
                                           .issuer = sk_X509_value(query->chain, depth + 1),
                                           .budget = query->budget};
    for (guint i = 0; query->embedded != NULL && i < query->embedded->len; i++) {
        gsize length;
        struct kept_answer read;
        const char *der = g_bytes_get_data(g_ptr_array_index(query->embedded, i), &length);
        if (!budget_spend(query->budget, length * COST_ANSWER, NULL) ||
            ocsp_read(&question, (struct slice){der, length}, query->at, &read) != NULL)
            continue;
        bool is_newer =
            !found || read.from > newest->from || (read.from == newest->from && read.status == REVOCATION_REVOKED);
        if (is_newer)
            *newest = read;
        found = true;
    }
    return found;
}

/* A message does not take back what is known and newer. */
static void ask_of(struct kept *kept, const struct revocation_query *query, int depth, struct revocation_answer *answer)
{
    struct kept_key key;
    struct kept_answer known, embedded;
    bool counts = query->check != REVOCATION_CHECK_OFF;
    bool has_key = counts && (query->fetched || query->answers) &&
                   kept_key(sk_X509_value(query->chain, depth), sk_X509_value(query->chain, depth + 1), &key);
    bool is_known = has_key && query->answers && kept_find_answer(kept, &key, &known);
    if (is_known)
        apply(&known, query->at, answer);
    if (find_embedded(query, depth, &embedded) && !(is_known && embedded.from < known.from))
        apply(&embedded, query->at, answer);
    const char *fault = has_key && answer->status == REVOCATION_UNKNOWN ? kept_fault(kept, &key) : NULL;
    if (fault != NULL)
        answer->reason = fault;
}

static void ask(void *state, const struct revocation_query *query, struct revocation_answer *answers)
{
    for (int i = 0; i < sk_X509_num(query->chain) - 1; i++)
        ask_of(state, query, i, &answers[i]);
}

static void *open_kept(const struct revocation_setup *setup, struct faults *faults)
{
    (void)faults;
    return setup->kept;
}

static void close_kept(void *state)
{
    (void)state;
}

const struct revocation_source revocation_source_ocsp = {
    .name = "ocsp", .open = open_kept, .close = close_kept, .ask = ask};
