/* SPDX-License-Identifier: Apache-2.0 */
/*
 * revocation_ocsp: what the OCSP answers that are kept say of a path. An answer that holds decides where lists leave
 * open whether a certificate has been revoked, and it can always revoke. Last comes the reason why nothing could be
 * fetched, which says more than "there is no CRL".
 */
#include "kept.h"
#include "ocsp.h"
#include "revocation.h"
#include "unknown.h"

/* What is kept of one certificate. */
static void apply(struct kept *kept, const struct kept_key *key, const struct revocation_query *query,
                  struct revocation_answer *answer)
{
    struct kept_answer found;
    const char *reason = NULL;
    if (!query->answers || !kept_find_answer(kept, key, &found))
        return;
    enum revocation_status status = ocsp_judge(&found, query->at, &reason);
    if (status == REVOCATION_REVOKED && answer->status == REVOCATION_GOOD && found.until < query->at)
        return; /* what holds now, and is good, is newer */
    if (status == REVOCATION_REVOKED || answer->status == REVOCATION_UNKNOWN) {
        answer->status = status;
        answer->reason = reason;
    }
    if (found.until >= query->at)
        answer->until = MIN(answer->until, found.until);
    if (found.responder_until > query->at)
        answer->until = MIN(answer->until, found.responder_until - 1);
}

static void ask(void *state, const struct revocation_query *query, struct revocation_answer *answers)
{
    struct kept *kept = state;
    if (query->check == REVOCATION_CHECK_OFF || (!query->fetched && !query->answers))
        return;
    for (int i = 0; i < sk_X509_num(query->chain) - 1; i++) {
        struct kept_key key;
        if (!kept_key(sk_X509_value(query->chain, i), sk_X509_value(query->chain, i + 1), &key))
            continue;
        apply(kept, &key, query, &answers[i]);
        const char *fault = answers[i].status == REVOCATION_UNKNOWN ? kept_fault(kept, &key) : NULL;
        if (fault != NULL)
            answers[i].reason = fault;
    }
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
