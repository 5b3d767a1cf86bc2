/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookups: the second stage: asks everything that the plan needs to know, with one deadline. A directory may be slow:
 * the turn is given up while one is asked. What is then verified with its answer is work as any other. Decides nothing.
 */
#include "internal.h"

#include <string.h>

/* For all lookups of one message. Postfix waits 300 seconds for the end of a message. */
#define LOOKUP_SECONDS 10

void lookups_ask(struct lookups *lookups, const struct gateway *gateway, const struct mail *mail,
                 const struct turns *turns)
{
    const struct patience patience = {.deadline = g_get_monotonic_time() + (int64_t)LOOKUP_SECONDS * G_USEC_PER_SEC,
                                      .turns = turns};
    lookups_ask_signers(lookups, gateway, mail, &patience);
    lookups_ask_recipients(lookups, gateway, mail, &patience);
    lookups_ask_identities(lookups, gateway, mail);
}

void lookups_clear(struct lookups *lookups, const struct mail *mail)
{
    lookups_clear_signers(lookups);
    for (size_t i = 0; lookups->answers != NULL && i < mail->envelope->recipient_count; i++) {
        certs_answers_clear(&lookups->answers[i].certificates, 1);
        g_free(lookups->answers[i].name);
    }
    g_free(lookups->answers);
    g_free(lookups->recipients);
    memset(lookups, 0, sizeof(*lookups));
}
