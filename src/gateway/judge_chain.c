/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_chain: a path and its revocation. Trust says what it would have to fetch to know more; that is waited for
 * outside the turn, because it costs nothing, and then trust is asked once more.
 */
#include "internal.h"

#define ROUNDS 2 /* a trust bundle; then what is to be known about the revocation of a path that it opens */

/* The mail server is told now and then that the message is not forgotten. */
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
    return finding->outcome == OUTCOME_TEMPERROR &&
           (partner->revocation->fetch || partner->revocation->ocsp || trust_waits_for_bundle(gateway->trust, partner));
}

void judge_chain(const struct gateway *gateway, const struct chain_query *asked, const struct patience *patience,
                 struct finding *finding)
{
    owned(missing) struct missing *missing = NULL;
    struct chain_query query = *asked;
    query.missing = patience != NULL ? &missing : NULL;
    trust_check_chain(gateway->trust, &query, finding);
    for (int i = 0; i < ROUNDS && missing != NULL; i++) {
        wait_for(gateway, missing, patience);
        missing_free(steal(&missing));
        query.missing = i + 1 < ROUNDS && g_get_monotonic_time() < patience->deadline ? &missing : NULL;
        trust_check_chain(gateway->trust, &query, finding);
    }
}
