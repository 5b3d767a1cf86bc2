/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_chain: a path and its revocation. Trust says what it would have to fetch to know more; that is waited for
 * outside the turn, because it costs nothing, and then trust is asked once more. An issuer that was fetched may need
 * one itself, and then there is a path of which something may be missing.
 */
#include "internal.h"

#define ROUNDS 2 /* beside those for issuers: a trust bundle, and the revocation of a path that it opens */

/* Now and then the mail server learns that the message is not forgotten. */
static void wait_for(const struct gateway *gateway, const struct missing *missing, const struct patience *patience)
{
    int64_t now = g_get_monotonic_time();
    turns_leave(patience->turns);
    while (!trust_fetch(gateway->trust, missing, MIN(now + TELL_EVERY, patience->deadline))) {
        now = g_get_monotonic_time();
        if (now >= patience->deadline)
            break;
        turns_tell(patience->turns);
    }
    turns_enter(patience->turns);
}

bool is_to_be_fetched(const struct gateway *gateway, const struct partner *partner, const struct finding *finding)
{
    const struct revocation_conf *revocation = partner->revocation;
    bool fetches = revocation->fetch || revocation->ocsp || gateway->conf->fetch_issuers ||
                   trust_waits_for_bundle(gateway->trust, partner);
    return finding->outcome == OUTCOME_TEMPERROR && fetches;
}

/* Each round has fewer issuers left to fetch. */
void judge_chain(const struct gateway *gateway, const struct chain_query *asked, const struct patience *patience,
                 struct finding *finding)
{
    struct chain_query query = *asked;
    query.issuers = patience != NULL ? patience->issuers : NULL;
    for (int others = 0; patience != NULL && others < ROUNDS && g_get_monotonic_time() < patience->deadline;) {
        owned(missing) struct missing *missing = NULL;
        query.missing = &missing;
        trust_check_chain(gateway->trust, &query, finding);
        if (missing == NULL)
            return;
        wait_for(gateway, missing, patience);
        others += !trust_missing_issuers(missing);
    }
    query.missing = NULL;
    trust_check_chain(gateway->trust, &query, finding);
}
