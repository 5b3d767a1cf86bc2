/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hints: what an administrator could set for a partner whose gateway is of another vendor. Such a gateway has an
 * address of its own instead of a role of RFC 3183, and its signatures have no SignatureType. Only for the log and for
 * `domsec explain`: a hint is no part of a reason, and never reaches the other side.
 */
#include "internal.h"

#include <string.h>

/* Returns an address of the certificate that is in the partner's domain and does not belong to an author, or NULL.
 * g_free(). */
static char *address_in_domain(const struct partner *partner, const X509 *certificate, const struct addresses *authors)
{
    bool odd = false;
    g_auto(GStrv) addresses = certificate_addresses(certificate, &odd);
    char *found = NULL;
    for (char **each = addresses; !odd && partner->domain != NULL && found == NULL && *each != NULL; each++) {
        struct address address = {0};
        if (!certificate_address_parse(*each, &address))
            continue;
        bool other = domain_is_within(address.domain, partner->domain);
        for (size_t i = 0; i < authors->count; i++)
            other &= !address_equal(&address, &authors->list[i]);
        found = other ? g_strdup(*each) : NULL;
        address_clear(&address);
    }
    return found;
}

static bool may_be_renamed(const struct partner *partner)
{
    return partner->naming != NAMING_PINNED && partner->naming != NAMING_ADDRESS;
}

char *hint_for_candidate(const struct passage *passage, size_t recipient, size_t candidate)
{
    const struct addresses none = {0};
    const struct candidate *found = &passage->lookups.answers[recipient].certificates.list[candidate];
    const struct partner *partner = passage->lookups.answers[recipient].destination.partner;
    struct finding path = {0};
    if (partner == NULL || found->personal || found->group != NULL || found->finding.outcome != OUTCOME_POLICY ||
        !may_be_renamed(partner))
        return NULL;
    g_autofree char *address = address_in_domain(partner, found->certificate, &none);
    const struct chain_query query = {.leaf = found->certificate,
                                      .untrusted = found->authorities,
                                      .purpose = PURPOSE_ENCRYPT,
                                      .partner = partner,
                                      .at = passage->mail.at};
    if (address == NULL)
        return NULL;
    trust_check_chain(passage->gateway->trust, &query, &path);
    if (path.outcome != OUTCOME_PASS)
        return NULL;
    return g_strdup_printf("; if %s is the partner's gateway, set naming = \"address\" and gateway_addresses in %s",
                           address, partner->name);
}

/* The signer of what could be the domain's signature: alone, without a type, around everything but encryption. */
static const X509 *untyped_signer(const struct passage *passage)
{
    const struct layers_view *layers = &passage->lookups.layers;
    for (size_t i = 0; i < layers->whole; i++) {
        const struct layer_view *view = &layers->list[i];
        if (view->facts->type != LAYER_SIGNED)
            continue;
        bool fits = view->opened == OPENED && view->facts->signer_count == 1 && view->signers[0].trust != NULL &&
                    view->signers[0].trust[0].path.outcome == OUTCOME_PASS && view->facts->signers[0].types == 0 &&
                    passage->plan.judgement.layers[i].finding.outcome == OUTCOME_POLICY;
        const struct layer *layer =
            layer_lookup_layer(&passage->lookups.details[i], &passage->mail.examination->layers[i]);
        return fits ? layer->signers[0].certificate : NULL;
    }
    return NULL;
}

char *hint_for_signature(const struct passage *passage)
{
    const struct authors *authors = &passage->mail.authors;
    if (passage->plan.direction != DIRECTION_INBOUND || passage->lookups.views == NULL || authors->count != 1)
        return NULL;
    const struct partner *partner = authors->partners[0];
    const X509 *certificate = untyped_signer(passage);
    if (certificate == NULL)
        return NULL;
    g_autofree char *address = address_in_domain(partner, certificate, &passage->mail.originator.from);
    if (address == NULL || policy_rule(partner)->inbound.without_signature_type == WITHOUT_TYPE_DOMAIN)
        return NULL;
    return g_strdup_printf(
        "if %s signs for %s, set inbound.without_signature_type = \"domain\"%s in %s", address, partner->domain,
        may_be_renamed(partner) ? ", naming = \"address\", gateway_addresses and anchors" : "", partner->name);
}
