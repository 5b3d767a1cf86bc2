/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookups: the second stage: asks everything that the plan needs to know, with one deadline. A directory may be slow:
 * the turn is given up while one is asked. What is then verified with its answer is work as any other. Decides nothing.
 */
#include "internal.h"

#include <string.h>

/* What rules look at. Layers are known by now. */
static void read_facts(struct lookups *lookups, const struct conf *conf, const struct mail *mail)
{
    const struct message *message = mail->message;
    const struct question none = {0}, *question = mail->question != NULL ? mail->question : &none;
    const struct facts_source source = {
        .conf = conf,
        .envelope = mail->envelope,
        .client = &mail->client,
        .originator = &mail->originator,
        .authors = &mail->authors,
        .fields = message != NULL ? message_fields(message) : question->fields,
        .entity = message != NULL ? examination_entity(mail->examination, 0) : question->entity,
        .layers = &lookups->layers,
        .size = message != NULL ? message_header(message).len + message_body(message).len : question->size,
    };
    rule_facts_read(&lookups->facts, &source);
}

void lookups_ask(struct lookups *lookups, const struct gateway *gateway, const struct mail *mail,
                 const struct turns *turns)
{
    unsigned issuers = ISSUERS_MAX;
    const struct patience patience = {.deadline = g_get_monotonic_time() +
                                                  (int64_t)gateway->conf->lookup_timeout * G_USEC_PER_SEC,
                                      .issuers = &issuers,
                                      .turns = turns};
    lookups_ask_signers(lookups, gateway, mail, &patience);
    read_facts(lookups, gateway->conf, mail);
    lookups_ask_recipients(lookups, gateway, mail, &patience);
    lookups_ask_identities(lookups, gateway, mail);
}

void lookups_clear(struct lookups *lookups, const struct mail *mail)
{
    lookups_clear_signers(lookups);
    lookups_clear_identities(lookups);
    for (size_t i = 0; lookups->answers != NULL && i < mail->envelope->recipient_count; i++) {
        certs_answers_clear(&lookups->answers[i].certificates, 1);
        g_free(lookups->answers[i].name);
    }
    rule_facts_clear(&lookups->facts);
    g_free(lookups->answers);
    g_free(lookups->recipients);
    memset(lookups, 0, sizeof(*lookups));
}
