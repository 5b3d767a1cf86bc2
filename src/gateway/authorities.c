/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authorities: which of our identities put on the layers of a message (RFC 3183 §2.1). Found before the first layer is
 * made, and in the same way for `domsec explain`: so what it promises the daemon can do, and a message that cannot be
 * protected as a whole is not worked on in part.
 */
#include "protection.h"

static bool stands_for_all(const struct identity *identity, const struct addresses *authors)
{
    for (size_t i = 0; i < authors->count; i++)
        if (!domain_is_within(authors->list[i].domain, identity->conf->domain))
            return false;
    return true;
}

/* A domain signing authority's domain MUST be that of all authors or above it (RFC 3183 §3.1.1, §3.2); for the others
 * no such rule is defined. */
static const struct identity *domain_signer(const struct way_out *way, struct error *error)
{
    const struct addresses *authors = &way->originator.from;
    for (size_t i = 0; i < authors->count; i++) {
        const struct identity *signer =
            keys_find(way->gateway->keys, ROLE_DOMAIN_SIGNING, authors->list[i].domain, way->at, error);
        if (signer == NULL || stands_for_all(signer, authors))
            return signer;
    }
    error_set(error, ERROR_PERMANENT, "no domain-signing-authority of ours stands for all authors in From");
    return NULL;
}

static bool find_own(const struct way_out *way, enum role role, const struct identity **own, struct error *error)
{
    *own = keys_find(way->gateway->keys, role, way_out_domain(way), way->at, error);
    return *own != NULL;
}

/* Our own confidentiality authority: the author's; for a message that we pass on for others, or without a clear author,
 * the first that there is. */
static const struct identity *auditor(const struct way_out *way, struct error *error)
{
    const struct keys *keys = way->gateway->keys;
    const char *domain = way_out_domain(way);
    if (domain != NULL && conf_is_local_domain(way->gateway->conf, domain))
        return keys_find(keys, ROLE_DOMAIN_CONFIDENTIALITY, domain, way->at, error);
    const struct identity *first = keys_first(keys, ROLE_DOMAIN_CONFIDENTIALITY, way->at);
    if (first == NULL)
        error_set(error, ERROR_CONFIGURATION, "encrypt_to_self: no identity is a %s now",
                  role_name(ROLE_DOMAIN_CONFIDENTIALITY));
    return first;
}

/* §5: who encrypts again what was encrypted to this authority says so, in originatorInfo. */
static const struct identity *encrypter(const struct way_out *way, const struct unwrapping *unwrapping)
{
    const struct identity *own = NULL;
    struct error ignored = {0};
    if (way_out_domain(way) != NULL)
        own = keys_find(way->gateway->keys, ROLE_DOMAIN_CONFIDENTIALITY, way_out_domain(way), way->at, &ignored);
    return own != NULL ? own : way->examination->layers[unwrapping->depth - 1].layer.identity;
}

bool authorities_find(const struct way_out *way, const struct preparation *for_this, struct authorities *authorities,
                      struct error *error)
{
    const struct protection *protection = &for_this->protection;
    bool labelled = protection->labels.label.policy[0] != '\0' || protection->labels.equivalent_count > 0;
    *authorities = (struct authorities){0};
    if (way->plan.sign || way->plan.triple) {
        if (protection->review && !find_own(way, ROLE_REVIEW, &authorities->review, error))
            return false;
        if (protection->attributes && labelled && !find_own(way, ROLE_ATTRIBUTE, &authorities->attribute, error))
            return false;
        authorities->domain = domain_signer(way, error);
        if (authorities->domain == NULL)
            return false;
    }
    if (for_this->encrypt && protection->encrypt_to_self) {
        authorities->auditor = auditor(way, error);
        if (authorities->auditor == NULL)
            return false;
    }
    if (for_this->encrypt && for_this->unwrapping.decrypted && protection->names_encrypter)
        authorities->encrypter = encrypter(way, &for_this->unwrapping);
    return true;
}
