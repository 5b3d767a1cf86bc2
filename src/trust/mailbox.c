/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailbox: does a person's certificate stand for the addresses that a message claims (RFC 8550 §3)?
 *
 * Both sides are parsed by the one strict parser and compared as addresses: the domain as A-labels, so that a
 * rfc822Name and an SmtpUTF8Mailbox (RFC 8398) of one domain are equal; the local part without regard to ASCII case, as
 * mail systems treat it, and otherwise byte by byte, so that look-alikes differ. A certificate with an unreadable
 * address is refused as a whole.
 */
#include "anchors.h"

static bool names_address(const struct certificate_names *names, const struct address *wanted)
{
    for (size_t i = 0; i < names->address_count; i++)
        if (names->mailboxes[i].local != NULL && address_equal(&names->mailboxes[i], wanted))
            return true;
    return false;
}

void trust_check_mailbox(const struct trust *trust, const X509 *certificate, const struct address *addresses,
                         size_t count, struct finding *finding)
{
    owned(certificate_names) struct certificate_names *names = trust_names(trust, certificate);
    char *const *named = names->addresses;
    if (!trust_counts_names(trust, names, finding))
        return;
    if (names->odd_address) {
        finding_set(finding, OUTCOME_POLICY, "the certificate contains an address that cannot be parsed safely");
        return;
    }
    if (count == 0) {
        finding_set(finding, OUTCOME_POLICY, "there is no address to compare the certificate with");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (addresses[i].domain == NULL || addresses[i].domain[0] == '\0' || !names_address(names, &addresses[i])) {
            finding_set(finding, OUTCOME_POLICY, "the certificate is not for %.200s (it names %.60s%s)",
                        addresses[i].text != NULL ? addresses[i].text : "", named[0] != NULL ? named[0] : "no address",
                        named[0] != NULL && named[1] != NULL ? " and others" : "");
            return;
        }
    }
    finding_set(finding, OUTCOME_PASS, "the certificate names %.200s%s", addresses[0].text,
                count > 1 ? " and the other addresses" : "");
}

static bool names_member(const struct group_conf *group, const struct certificate_names *names)
{
    for (size_t i = 0; i < names->address_count; i++)
        if (names->mailboxes[i].local != NULL && address_set_holds(group->mailboxes, &names->mailboxes[i]))
            return true;
    return false;
}

void trust_check_group(const struct trust *trust, const struct partner *partner, const struct group_conf *group,
                       const X509 *certificate, struct finding *finding)
{
    if (trust_pin(trust, partner, group, certificate) == PIN_NONE) {
        finding_set(finding, OUTCOME_POLICY, "the certificate is not one of the group's");
        return;
    }
    if (group->naming == GROUP_NAMING_PINNED) {
        finding_set(finding, OUTCOME_PASS, "the certificate is pinned for a group by %s", partner->name);
        return;
    }
    owned(certificate_names) struct certificate_names *names = trust_names(trust, certificate);
    if (names->odd_address || !names_member(group, names))
        finding_set(finding, OUTCOME_POLICY, "the certificate names no member of the group (it names %.60s)",
                    names->address_count > 0 ? names->addresses[0] : "no address");
    else
        finding_set(finding, OUTCOME_PASS, "the certificate is that of a group of %s", partner->name);
}
