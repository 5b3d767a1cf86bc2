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

/* --- lists --- */

static size_t count_of(const struct identity *const *list)
{
    size_t count = 0;
    while (list[count] != NULL)
        count++;
    return count;
}

/* Sets what was found for a role, unless an error says why no identity is valid. Takes list, of which so many are
 * valid. */
static void set_list(struct lookups *lookups, enum own role, const struct identity **list, size_t valid)
{
    struct own_lookup *own = &lookups->own[role];
    struct own_view *view = &lookups->own_views[role];
    if (view->missing.kind != ERROR_NONE) {
        g_free(list);
        return;
    }
    view->count = count_of(list);
    own->list = list;
    own->candidates = g_new0(struct own_candidate, view->count + 1);
    for (size_t i = 0; i < view->count; i++)
        own->candidates[i] = (struct own_candidate){list[i]->traits, i < valid};
    if (own->owner == NULL && view->count > 0)
        own->owner = g_strdup(identity_owner(list[0]->conf));
    view->list = own->candidates;
    view->owner = own->owner;
}

static void set_one(struct lookups *lookups, enum own role, const struct identity *identity)
{
    const struct identity **list = g_new0(const struct identity *, 2);
    list[0] = identity;
    set_list(lookups, role, list, identity != NULL ? 1 : 0);
}

const struct identity *lookups_own(const struct lookups *lookups, const struct wrapping *wrapping, enum own role)
{
    return lookups->own[role].list != NULL ? lookups->own[role].list[wrapping->chosen[role]] : NULL;
}

void lookups_clear_identities(struct lookups *lookups)
{
    for (size_t i = 0; i < OWN_COUNT; i++) {
        g_free(lookups->own[i].list);
        g_free(lookups->own[i].candidates);
        g_free(lookups->own[i].owner);
    }
}

/* --- the roles --- */

/* Takes out those that do not represent all authors. Returns how many of the valid ones stay. */
static size_t keep_for_all(const struct identity **list, size_t valid, const struct addresses *authors)
{
    size_t kept = 0, kept_valid = 0;
    for (size_t i = 0; list[i] != NULL; i++) {
        if (!stands_for_all(list[i], authors))
            continue;
        kept_valid += i < valid ? 1 : 0;
        list[kept++] = list[i];
    }
    list[kept] = NULL;
    return kept_valid;
}

/* A domain signing authority's domain MUST be that of all authors or above it (RFC 3183 §3.1.1, §3.2); for the others
 * no such rule is defined. */
static void find_domain_signers(struct lookups *lookups, const struct gateway *gateway, const struct mail *mail)
{
    const struct addresses *authors = &mail->originator.from;
    struct error *missing = &lookups->own_views[OWN_DOMAIN].missing;
    for (size_t i = 0; i < authors->count; i++) {
        size_t valid = 0;
        const char *domain = authors->list[i].domain;
        if (keys_find(gateway->keys, ROLE_DOMAIN_SIGNING, domain, mail->at, missing) == NULL)
            return;
        const struct identity **list = keys_list(gateway->keys, ROLE_DOMAIN_SIGNING, domain, mail->at, &valid);
        valid = keep_for_all(list, valid, authors);
        if (valid > 0) {
            set_list(lookups, OWN_DOMAIN, list, valid);
            return;
        }
        g_free(list);
    }
    error_set(missing, ERROR_PERMANENT, "none of our domain-signing-authorities represents all authors in From");
}

/* Signs inside the domain's signature. */
static void find_authorities(struct lookups *lookups, const struct gateway *gateway, const struct mail *mail,
                             enum own role, enum role of)
{
    const char *domain = originator_domain(&mail->originator);
    size_t valid = 0;
    if (keys_find(gateway->keys, of, domain, mail->at, &lookups->own_views[role].missing) == NULL)
        return;
    lookups->own[role].owner = g_strdup_printf("the %s of %s", role_name(of), domain);
    const struct identity **list = keys_list(gateway->keys, of, domain, mail->at, &valid);
    set_list(lookups, role, list, valid);
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
static void find_author_signers(struct lookups *lookups, const struct gateway *gateway, const struct mail *mail)
{
    const struct addresses *authors = &mail->originator.from;
    struct error *missing = &lookups->own_views[OWN_MAILBOX].missing;
    bool wanted = mail->least != NULL && mail->least->treatment.sign_as != SIGN_AS_DOMAIN;
    size_t valid = 0;
    for (size_t i = 0; i < mail->envelope->recipient_count && !wanted; i++)
        wanted = recipient_wants(&lookups->recipients[i], policy_signs_as_mailbox);
    if (!wanted || authors->count != 1) {
        error_set(missing, ERROR_PERMANENT, "no rule asks for the author's own signature");
        return;
    }
    if (keys_find_mailbox(gateway->keys, &authors->list[0], mail->at, missing) == NULL)
        return;
    lookups->own[OWN_MAILBOX].owner = g_strdup(authors->list[0].text);
    const struct identity **list = keys_list_mailbox(gateway->keys, &authors->list[0], mail->at, &valid);
    set_list(lookups, OWN_MAILBOX, list, valid);
}

static bool is_revoked(const struct gateway *gateway, const struct mail *mail, const struct identity *identity)
{
    const struct partner *general = gateway->conf->partners[gateway->conf->partner_count - 1];
    return trust_is_revoked(gateway->trust, general, identity->certificate, identity->chain, mail->at);
}

/* A revoked certificate would make signatures that partners refuse, or encrypt to a key that others may have, so it
 * counts as not valid. Nothing is waited for to find that out. */
static void leave_out_revoked(struct lookups *lookups, const struct gateway *gateway, const struct mail *mail,
                              enum own role)
{
    struct own_lookup *own = &lookups->own[role];
    struct own_view *view = &lookups->own_views[role];
    const struct identity *revoked = NULL;
    size_t current = 0;
    for (size_t i = 0; i < view->count && own->candidates[i].is_current; i++) {
        const struct identity *identity = own->list[i];
        struct own_candidate candidate = own->candidates[i];
        if (is_revoked(gateway, mail, identity)) {
            own->candidates[i].is_current = false;
            revoked = identity;
            continue;
        }
        own->list[i] = own->list[current];
        own->candidates[i] = own->candidates[current];
        own->list[current] = identity;
        own->candidates[current++] = candidate;
    }
    if (current > 0 || revoked == NULL)
        return;
    error_set(&view->missing, ERROR_CONFIGURATION, "the certificate of the %s for %s (%s) is revoked",
              role_name(revoked->conf->role), identity_owner(revoked->conf), revoked->conf->certificate);
    own->list[0] = NULL;
    view->count = 0;
}

void lookups_ask_identities(struct lookups *lookups, const struct gateway *gateway, const struct mail *mail)
{
    if (mail->direction != DIRECTION_OUTBOUND || !puts_layers_on(lookups, mail))
        return;
    find_author_signers(lookups, gateway, mail);
    find_authorities(lookups, gateway, mail, OWN_REVIEW, ROLE_REVIEW);
    find_authorities(lookups, gateway, mail, OWN_ATTRIBUTE, ROLE_ATTRIBUTE);
    find_domain_signers(lookups, gateway, mail);
    set_one(lookups, OWN_AUDITOR, auditor(gateway, mail, &lookups->own_views[OWN_AUDITOR].missing));
    set_one(lookups, OWN_ENCRYPTER, encrypter(gateway, mail));
    for (int role = 0; role < OWN_ENCRYPTER; role++)
        leave_out_revoked(lookups, gateway, mail, (enum own)role);
}
