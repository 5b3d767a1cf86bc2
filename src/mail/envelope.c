/* SPDX-License-Identifier: Apache-2.0 */
/*
 * envelope: holds the envelope and judges nothing. The collector enforces the limit on recipients.
 *
 * A text that the MTA sends in place of an address, such as the reason why it will not deliver, is not an address.
 */
#include "mail/envelope.h"

struct envelope *envelope_new(void)
{
    return g_new0(struct envelope, 1);
}

static void recipient_clear(struct recipient *recipient)
{
    address_clear(&recipient->address);
    g_free(recipient->argument);
    g_strfreev(recipient->parameters);
    g_free(recipient->mta_address);
    g_free(recipient->mta_host);
    g_free(recipient->mta_mailer);
    address_clear(&recipient->resolved);
}

void envelope_free(struct envelope *envelope)
{
    if (envelope == NULL)
        return;
    g_free(envelope->queue_id);
    g_free(envelope->authenticated);
    g_free(envelope->client_address);
    g_free(envelope->daemon_name);
    g_free(envelope->mta);
    address_clear(&envelope->sender);
    g_strfreev(envelope->sender_parameters);
    for (size_t i = 0; i < envelope->recipient_count; i++)
        recipient_clear(&envelope->recipients[i]);
    g_free(envelope->recipients);
    g_free(envelope);
}

struct recipient *envelope_add_recipient(struct envelope *envelope, struct address *address)
{
    /* The struct is public, so its capacity is not stored but follows from the count: it doubles at every power of
     * two. */
    size_t count = envelope->recipient_count;
    if ((count & (count - 1)) == 0)
        envelope->recipients = g_renew(struct recipient, envelope->recipients, count != 0 ? count * 2 : 1);
    struct recipient *recipient = &envelope->recipients[envelope->recipient_count++];
    *recipient = (struct recipient){.address = *address};
    *address = (struct address){0};
    return recipient;
}

void recipient_set_reading(struct recipient *recipient, const char *address, const char *host, const char *mailer)
{
    struct error ignored = {0};
    recipient->mta_address = g_strdup(address);
    recipient->mta_host = g_strdup(host);
    recipient->mta_mailer = g_strdup(mailer);
    if (address == NULL || mailer == NULL || !address_parse_path(slice_of(address), &recipient->resolved, &ignored))
        return;
    if (*recipient->resolved.local == '\0')
        address_clear(&recipient->resolved);
}

bool recipient_is_redirected(const struct recipient *recipient)
{
    return recipient->resolved.text != NULL && !address_equal(&recipient->address, &recipient->resolved);
}
