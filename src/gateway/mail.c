/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail: the first stage: what came. Who the client is, who the authors are and whose rules they bring, and the layers
 * taken apart; each is asked once, here.
 */
#include "internal.h"

#include <string.h>

/* "some mechanism external to S/MIME" (RFC 3183 §3.2): SMTP authentication, or the address of the client. */
static void read_client(const struct conf *conf, const struct envelope *envelope, struct client *client)
{
    size_t size = sizeof(client->reason);
    client->trusted = true;
    if (envelope->authenticated != NULL && envelope->authenticated[0] != '\0') {
        g_snprintf(client->reason, size, "client authenticated as %s", envelope->authenticated);
    } else if (conf_is_trusted_network(conf, envelope->client_address)) {
        g_snprintf(client->reason, size, "client %s is in trusted_networks", envelope->client_address);
    } else {
        client->trusted = false;
        g_snprintf(client->reason, size, "client %s is neither authenticated nor in trusted_networks",
                   envelope->client_address != NULL ? envelope->client_address : "(unknown)");
    }
}

/* One author's rule that does not accept CBC is enough. */
static bool refuse_cbc(const struct authors *authors)
{
    for (size_t i = 0; i < authors->count; i++)
        if (policy_counts(authors, i) && policy_refuses_cbc(policy_rule(authors->partners[i])))
            return true;
    return false;
}

void mail_read(struct mail *mail, const struct gateway *gateway, const struct passage_request *request,
               const struct copy *copy)
{
    const struct conf *conf = gateway->conf;
    const struct envelope *envelope = request->envelope;
    mail->envelope = envelope;
    mail->message = request->message;
    mail->question = request->question;
    mail->at = request->at;
    mail->direction = request->direction != NULL
                          ? *request->direction
                          : policy_direction(conf, envelope->recipients, envelope->recipient_count);
    mail->least = copy != NULL ? &copy->least : NULL;
    if (copy != NULL)
        mail->client = copy->client;
    else
        read_client(conf, envelope, &mail->client);
    if (request->message != NULL)
        originator_read(request->message, &mail->originator);
    else
        originator_from_text(request->from, &mail->originator);
    struct client *client = &mail->client;
    client->proves_author = policy_proves_author(conf, &mail->originator, envelope->authenticated, &envelope->sender,
                                                 client->proof, sizeof(client->proof));
    authors_find(conf, &mail->originator, request->message, &envelope->sender, &mail->authors);
    const struct examine_options options = {
        .keys = gateway->keys,
        .at = mail->at,
        .limits = &conf->limits,
        .envelope = envelope,
        .direction = mail->direction,
        .accounts = mail->accounts,
        .refuses_cbc = refuse_cbc(&mail->authors),
        .opens_parts = mail->direction == DIRECTION_OUTBOUND,
        .opens_alone = mail->direction == DIRECTION_INBOUND,
    };
    mail->examination = examine(&options, request->message);
}

void mail_clear(struct mail *mail)
{
    examination_free(mail->examination);
    authors_clear(&mail->authors);
    originator_clear(&mail->originator);
    memset(mail, 0, sizeof(*mail));
}
