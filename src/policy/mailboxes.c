/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailboxes: what a mailbox's or a group's own certificate and key may be used for.
 */
#include "policy/policy.h"

/* --- decrypting --- */

/* Where the MTA delivers to, if that is another address. Sendmail's local mailer gets the local part alone. */
static bool is_resolved_within(const struct identity_conf *identity, const struct recipient *recipient)
{
    const struct address *resolved = &recipient->resolved;
    if (resolved->text == NULL)
        return true;
    if (resolved->domain[0] == '\0')
        return g_ascii_strcasecmp(resolved->local, recipient->address.local) == 0;
    return address_set_holds(identity->mailboxes, resolved);
}

bool policy_may_open(const struct identity_conf *identity, enum direction direction, const struct recipient *recipients,
                     size_t count)
{
    if (identity->role != ROLE_MAILBOX)
        return true;
    for (size_t i = 0; i < count; i++)
        if (!address_set_holds(identity->mailboxes, &recipients[i].address) ||
            !is_resolved_within(identity, &recipients[i]))
            return false;
    return direction == DIRECTION_INBOUND && count > 0;
}
