/* SPDX-License-Identifier: Apache-2.0 */
/* envelope: recipients are taken over in order; everything is freed once (run under a sanitizer to see it). */
#include "mail/envelope.h"

#include <criterion/criterion.h>

Test(envelope, empty)
{
    owned(envelope) struct envelope *envelope = envelope_new();
    cr_expect(envelope->queue_id == NULL && envelope->authenticated == NULL && envelope->client_address == NULL);
    cr_expect(envelope->recipient_count == 0);
    envelope_free(NULL);
}

Test(envelope, recipients_keep_their_order)
{
    owned(envelope) struct envelope *envelope = envelope_new();
    struct error error = {0};
    envelope->queue_id = g_strdup("4XyZ");
    envelope->authenticated = g_strdup("alice");
    envelope->client_address = g_strdup("192.0.2.1");
    envelope->daemon_name = g_strdup("smtpd");
    cr_assert(address_parse(slice_of("<alice@acme.test>"), &envelope->sender, &error));
    for (unsigned i = 0; i < 1000; i++) {
        struct address address;
        g_autofree char *text = g_strdup_printf("r%u@partner.test", i);
        cr_assert(address_parse(slice_of(text), &address, &error));
        envelope_add_recipient(envelope, &address);
        cr_assert(address.local == NULL && address.domain == NULL && address.text == NULL, "taken out");
        cr_assert(envelope->recipient_count == i + 1);
    }
    for (unsigned i = 0; i < 1000; i++) {
        g_autofree char *text = g_strdup_printf("r%u@partner.test", i);
        cr_assert_str_eq(envelope->recipients[i].address.text, text);
    }
}
