/* SPDX-License-Identifier: Apache-2.0 */
/*
 * groups: whether a signature is that of a group of the authors' partner (key `groups`). A group's certificate stands
 * for its members alone: for others its path and its names are judged as those of any certificate.
 */
#include "internal.h"

static bool are_members(const struct mail *mail, size_t partner, const struct group_conf *group)
{
    for (size_t i = 0; i < mail->originator.from.count; i++)
        if (mail->authors.partner_of[i] == partner &&
            !address_set_holds(group->mailboxes, &mail->originator.from.list[i]))
            return false;
    return mail->originator.from.count > 0;
}

const struct group_conf *group_of_authors(const struct gateway *gateway, const struct mail *mail, size_t partner,
                                          const X509 *certificate, struct finding *finding)
{
    const struct partner *under = mail->authors.partners[partner];
    for (size_t i = 0; i < under->group_count; i++) {
        if (!are_members(mail, partner, &under->groups[i]))
            continue;
        trust_check_group(gateway->trust, under, &under->groups[i], certificate, finding);
        if (finding->outcome == OUTCOME_PASS)
            return &under->groups[i];
    }
    return NULL;
}

bool groups_sign_for_all(const struct gateway *gateway, const struct mail *mail, const X509 *certificate,
                         struct finding *finding)
{
    struct finding found = {0};
    for (size_t i = 0; i < mail->authors.count; i++)
        if (group_of_authors(gateway, mail, i, certificate, &found) == NULL)
            return false;
    *finding = found;
    return true;
}
