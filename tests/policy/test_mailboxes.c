/* SPDX-License-Identifier: Apache-2.0 */
/* What a mailbox's or a group's own key may be used for. */
#include "policy/policy.h"

#include <criterion/criterion.h>

#define RECIPIENTS_MAX 3

static struct identity_conf identity_of(const char *const *patterns)
{
    struct identity_conf identity = {.role = ROLE_MAILBOX, .mailboxes = address_set_new()};
    for (; *patterns != NULL; patterns++)
        address_set_add(identity.mailboxes, *patterns);
    return identity;
}

/* One that is delivered elsewhere: "given>where the MTA delivers to". */
static void add_recipient(struct envelope *envelope, const char *text)
{
    g_auto(GStrv) halves = g_strsplit(text, ">", 2);
    struct address address;
    struct error error = {0};
    cr_assert(address_parse_path(slice_of(halves[0]), &address, &error), "%s", error.text);
    struct recipient *recipient = envelope_add_recipient(envelope, &address);
    if (halves[1] != NULL)
        recipient_set_reading(recipient, halves[1], "host", "local");
}

Test(mailboxes, opens_only_for_its_own_addresses)
{
    static const char *const group[] = {"edi@acme.test", "*@trading.acme.test", NULL};
    static const struct {
        const char *recipients[RECIPIENTS_MAX];
        enum direction direction;
        bool opens;
    } rows[] = {
        {{"edi@acme.test"}, DIRECTION_INBOUND, true},
        {{"EDI@Acme.Test"}, DIRECTION_INBOUND, true},
        {{"edi@acme.test", "bob@trading.acme.test"}, DIRECTION_INBOUND, true},
        {{"edi@acme.test", "eve@acme.test"}, DIRECTION_INBOUND, false},
        {{"eve@acme.test", "edi@acme.test"}, DIRECTION_INBOUND, false},
        {{"edi@acme.test", "bob@trading.acme.test", "eve@partner.test"}, DIRECTION_INBOUND, false},
        {{"edi+x@acme.test"}, DIRECTION_INBOUND, false},
        {{"bob@sub.trading.acme.test"}, DIRECTION_INBOUND, false},
        {{"edi"}, DIRECTION_INBOUND, false},
        {{NULL}, DIRECTION_INBOUND, false},
        {{"edi@acme.test"}, DIRECTION_OUTBOUND, false},
        /* the MTA delivers elsewhere */
        {{"edi@acme.test>eve@acme.test"}, DIRECTION_INBOUND, false},
        {{"eve@acme.test>edi@acme.test"}, DIRECTION_INBOUND, false},
        {{"edi@acme.test>bob@trading.acme.test"}, DIRECTION_INBOUND, true},
        {{"edi@acme.test>edi@acme.test"}, DIRECTION_INBOUND, true},
        {{"edi@acme.test>Edi"}, DIRECTION_INBOUND, true}, /* Sendmail's local mailer */
        {{"edi@acme.test>eve"}, DIRECTION_INBOUND, false},
    };
    struct identity_conf identity = identity_of(group);
    const struct identity_conf domain = {.role = ROLE_DOMAIN_CONFIDENTIALITY, .domain = (char *)"acme.test"};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(envelope) struct envelope *envelope = envelope_new();
        for (size_t j = 0; j < RECIPIENTS_MAX && rows[i].recipients[j] != NULL; j++)
            add_recipient(envelope, rows[i].recipients[j]);
        cr_expect_eq(policy_may_open(&identity, rows[i].direction, envelope->recipients, envelope->recipient_count),
                     rows[i].opens, "row %zu", i);
        cr_expect(policy_may_open(&domain, rows[i].direction, envelope->recipients, envelope->recipient_count));
    }
    address_set_free(identity.mailboxes);
}
