/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identities: which of our identities would put on the layers of a message (RFC 3183 §2.1). Found before the plan is
 * made, so that a message that cannot be protected as a whole is refused before any work is done on it.
 */
#include "internal.h"

static bool stands_for_all(const struct identity *identity, const struct addresses *authors)
{
    for (size_t i = 0; i < authors->count; i++)
        if (!domain_is_within(authors->list[i].domain, identity->conf->domain))
            return false;
    return true;
}

/* A domain signing authority's domain MUST be that of all authors or above it (RFC 3183 §3.1.1, §3.2); for the others
 * no such rule is defined. */
static const struct identity *domain_signer(const struct gateway *gateway, const struct mail *mail, struct error *error)
{
    const struct addresses *authors = &mail->originator.from;
    for (size_t i = 0; i < authors->count; i++) {
        const struct identity *signer =
            keys_find(gateway->keys, ROLE_DOMAIN_SIGNING, authors->list[i].domain, mail->at, error);
        if (signer == NULL || stands_for_all(signer, authors))
            return signer;
    }
    error_set(error, ERROR_PERMANENT, "none of our domain-signing-authorities represents all authors in From");
    return NULL;
}

/* Our own confidentiality authority: the author's; for a message that we pass on for others, or without a clear author,
 * the first that there is. */
static const struct identity *auditor(const struct gateway *gateway, const struct mail *mail, struct error *error)
{
    const char *domain = originator_domain(&mail->originator);
    if (domain != NULL && conf_is_local_domain(gateway->conf, domain))
        return keys_find(gateway->keys, ROLE_DOMAIN_CONFIDENTIALITY, domain, mail->at, error);
    const struct identity *first = keys_first(gateway->keys, ROLE_DOMAIN_CONFIDENTIALITY, mail->at);
    if (first == NULL)
        error_set(error, ERROR_CONFIGURATION, "encrypt_to_self: there is no valid identity with the role %s",
                  role_name(ROLE_DOMAIN_CONFIDENTIALITY));
    return first;
}

/* §5: a gateway that re-encrypts mail it has decrypted names itself in originatorInfo: by its own authority for the
 * author, else by the one that decrypted. */
static const struct identity *encrypter(const struct gateway *gateway, const struct mail *mail)
{
    const char *domain = originator_domain(&mail->originator);
    const struct identity *own = NULL;
    struct error ignored = {0};
    if (domain != NULL)
        own = keys_find(gateway->keys, ROLE_DOMAIN_CONFIDENTIALITY, domain, mail->at, &ignored);
    for (size_t i = 0; own == NULL && i < mail->examination->whole; i++)
        own = mail->examination->layers[i].layer.identity;
    return own != NULL && mail->at >= own->conf->from ? own : NULL;
}

/* Some recipient's rule signs or encrypts: for other messages our identities do not matter. */
static bool puts_layers_on(const struct lookups *lookups, const struct mail *mail)
{
    const struct treatment *due = mail->least != NULL ? &mail->least->treatment : NULL;
    if (due != NULL && (due->sign || due->encrypt))
        return true;
    for (size_t i = 0; i < mail->envelope->recipient_count; i++)
        if (recipient_wants(&lookups->recipients[i], policy_signs) ||
            recipient_wants(&lookups->recipients[i], policy_encrypts))
            return true;
    return false;
}

/* In whose own name a message from one author may be signed. */
static const struct identity *author_signer(const struct lookups *lookups, const struct gateway *gateway,
                                            const struct mail *mail, struct error *error)
{
    const struct addresses *authors = &mail->originator.from;
    bool wanted = mail->least != NULL && mail->least->treatment.sign_as != SIGN_AS_DOMAIN;
    for (size_t i = 0; i < mail->envelope->recipient_count && !wanted; i++)
        wanted = recipient_wants(&lookups->recipients[i], policy_signs_as_mailbox);
    if (wanted && authors->count == 1)
        return keys_find_mailbox(gateway->keys, &authors->list[0], mail->at, error);
    error_set(error, ERROR_PERMANENT, "no rule asks for the author's own signature");
    return NULL;
}

/* It would make signatures that partners refuse, or encrypt to a key that others may have. Whether that is known is
 * asked and not waited for. */
static void leave_out_revoked(const struct gateway *gateway, const struct mail *mail, const struct identity **own,
                              struct error *missing)
{
    const struct identity *identity = *own;
    const struct partner *general = gateway->conf->partners[gateway->conf->partner_count - 1];
    if (identity == NULL ||
        !trust_is_revoked(gateway->trust, general, identity->certificate, identity->chain, mail->at))
        return;
    error_set(missing, ERROR_CONFIGURATION, "the certificate of the %s for %s (%s) is revoked",
              role_name(identity->conf->role), identity_owner(identity->conf), identity->conf->certificate);
    *own = NULL;
}

void lookups_ask_identities(struct lookups *lookups, const struct gateway *gateway, const struct mail *mail)
{
    const char *domain = originator_domain(&mail->originator);
    const struct identity **own = lookups->own;
    struct error *missing = lookups->missing;
    if (mail->direction != DIRECTION_OUTBOUND || !puts_layers_on(lookups, mail))
        return;
    own[OWN_MAILBOX] = author_signer(lookups, gateway, mail, &missing[OWN_MAILBOX]);
    own[OWN_REVIEW] = keys_find(gateway->keys, ROLE_REVIEW, domain, mail->at, &missing[OWN_REVIEW]);
    own[OWN_ATTRIBUTE] = keys_find(gateway->keys, ROLE_ATTRIBUTE, domain, mail->at, &missing[OWN_ATTRIBUTE]);
    own[OWN_DOMAIN] = domain_signer(gateway, mail, &missing[OWN_DOMAIN]);
    own[OWN_AUDITOR] = auditor(gateway, mail, &missing[OWN_AUDITOR]);
    own[OWN_ENCRYPTER] = encrypter(gateway, mail);
    for (size_t i = 0; i < OWN_ENCRYPTER; i++)
        leave_out_revoked(gateway, mail, &own[i], &missing[i]);
}
