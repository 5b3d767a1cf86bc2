/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailboxes: what a mailbox's or a group's own certificate and key may be used for.
 */
#include "policy/policy.h"

#include "reason.h"

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

/* --- signing --- */

/* By identity_logins alone. */
static bool login_is_authors(const struct conf *conf, const char *login, const struct address *author)
{
    struct address address;
    struct error ignored = {0};
    const struct login_conf *entry = conf_login(conf, login);
    if (entry != NULL)
        return address_set_holds(entry->mailboxes, author);
    if (!conf->logins_are_addresses || !address_parse(slice_of(login), &address, &ignored))
        return false;
    bool same = address_equal(&address, author);
    address_clear(&address);
    return same;
}

bool policy_proves_author(const struct conf *conf, const struct originator *originator, const char *login,
                          const struct address *mail_from, char *reason, size_t size)
{
    const struct addresses *from = &originator->from;
    const struct address *author = &from->list[0];
    if (originator->fault[0] != '\0' || from->hides_another) {
        g_strlcpy(reason, originator->fault[0] != '\0' ? originator->fault : originator->misleading, size);
        return false;
    }
    if (from->count != 1) {
        g_strlcpy(reason, "From names several authors", size);
        return false;
    }
    if (login == NULL || login[0] == '\0') {
        g_strlcpy(reason, "the client is not logged in", size);
        return false;
    }
    if (login_is_authors(conf, login, author)) {
        reason_set(reason, size, "identity_logins: the login %s may sign as %s", login, author->text);
        return true;
    }
    if (!conf->mail_from_is_checked) {
        reason_set(reason, size, "identity_logins%s does not let the login %s sign as %s",
                   conf->logins_are_addresses ? " = \"same\"" : "", login, author->text);
        return false;
    }
    bool same = address_equal(mail_from, author);
    reason_set(reason, size,
               same ? "MAIL FROM, which the mail server lets the login %s use, is %s"
                    : "neither identity_logins nor MAIL FROM lets the login %s sign as %s",
               login, author->text);
    return same;
}
