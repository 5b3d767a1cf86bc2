/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signature: may this signature be believed, and for whom? smime/ did the cryptography, trust/ looked at path and
 * names; here they meet the SignatureType (RFC 3183 §3.1). A layer is worth what its worst signature is worth. With
 * several authors each of their partners is asked, and the worst answer counts.
 */
#include "signature.h"

/* The worst of what the authors' partners say of one thing; the first of them where several are as bad. */
static const struct finding *worst(const struct signer_view *signer, const struct authors *authors, size_t offset)
{
    const struct finding *worst = NULL;
    for (size_t i = 0; i < authors->count; i++) {
        const struct finding *finding = G_STRUCT_MEMBER_P(&signer->trust[i], offset);
        if (worst == NULL || outcome_is_worse(finding->outcome, worst->outcome))
            worst = finding;
    }
    return worst;
}
#define WORST(signer, authors, member) worst(signer, authors, offsetof(struct signer_trust, member))

/* The first thing that is not known of revocation; NULL: all is known that has to be. */
static const char *unchecked(const struct signer_view *signer, const struct authors *authors)
{
    const char *reason = NULL;
    for (size_t i = 0; i < authors->count && reason == NULL; i++)
        reason = signer->trust[i].unchecked;
    return reason;
}

static bool sender_domain_is_covered(const struct signer_view *signer, const struct authors *authors)
{
    bool covered = true;
    for (size_t i = 0; i < authors->count; i++)
        covered &= signer->trust[i].sender_domain;
    return covered;
}

/* RFC 8550 §3: Sender is looked at where From is not covered. A match never becomes a pass, because users see From; it
 * only improves the reason. Always returns false. */
static bool explain_sender(const struct originator *originator, bool covered, const struct finding *found,
                           struct finding *finding)
{
    if (covered && originator->sender.count == 1)
        return finding_set(finding, OUTCOME_POLICY,
                           "the signature is for the Sender %.100s, not for the author in From",
                           originator->sender.list[0].text);
    *finding = *found;
    return false;
}

/* RFC 3183 §3.1.1: what a signature of this type asks of the certificate's name. */
static bool check_names(const struct signer_view *signer, unsigned types, const struct originator *originator,
                        const struct authors *authors, struct finding *finding)
{
    bool is_originators = types == 0 || (types & SIGNATURE_TYPE_ORIGINATOR); /* §3.1.2 */
    if (originator->fault[0] != '\0' && (is_originators || (types & SIGNATURE_TYPE_DOMAIN)))
        return finding_set(finding, OUTCOME_POLICY, "%s", originator->fault);
    const struct finding *domain = WORST(signer, authors, domain), *review = WORST(signer, authors, review),
                         *attribute = WORST(signer, authors, attribute);
    if ((types & SIGNATURE_TYPE_DOMAIN) && domain->outcome != OUTCOME_PASS)
        return explain_sender(originator, sender_domain_is_covered(signer, authors), domain, finding);
    if ((types & SIGNATURE_TYPE_REVIEW) && review->outcome != OUTCOME_PASS) {
        *finding = *review;
        return false;
    }
    if ((types & SIGNATURE_TYPE_ATTRIBUTES) && attribute->outcome != OUTCOME_PASS) {
        *finding = *attribute;
        return false;
    }
    if (is_originators && signer->mailbox.outcome != OUTCOME_PASS)
        return explain_sender(originator, signer->sender_mailbox, &signer->mailbox, finding);
    if (originator->misleading[0] != '\0' && (is_originators || (types & SIGNATURE_TYPE_DOMAIN)) &&
        !authors_accept_misleading_names(authors))
        return finding_set(finding, OUTCOME_POLICY, "%s", originator->misleading);
    return true;
}

/* RFC 3183 §3.1.2 takes a signature without a type for the originator's only where it encapsulates no other: a mailing
 * list agent (RFC 2634 §4.3), a secretary or a scanner sign in their own names around what others have signed. Whether
 * it encapsulates one is seen later. Of a part only an agent's can be such. */
static bool may_be_around_others(const struct layer_view *view)
{
    for (size_t i = 0; i < view->facts->signer_count; i++)
        if (view->facts->signers[i].types != 0 || (view->partial && view->facts->signers[i].ess.ml_expansions == 0))
            return false;
    return true;
}

/* The gateways of other vendors sign for their domain without a SignatureType. Each author's partner has to have agreed
 * to that, and to know the certificate by anchors or pins of its own. */
static bool is_domains_by_agreement(const struct layer_view *view, const struct authors *authors)
{
    const struct signer_view *signer = &view->signers[0];
    bool agreed = view->facts->signer_count == 1 && signer->facts->types == 0 &&
                  signer->facts->ess.ml_expansions == 0 && signer->trust != NULL && authors->count > 0;
    for (size_t i = 0; i < authors->count && agreed; i++) {
        const struct partner *partner = authors->partners[i];
        agreed = policy_rule(partner)->inbound.without_signature_type == WITHOUT_TYPE_DOMAIN &&
                 (partner->naming == NAMING_PINNED || conf_has_anchors(partner)) &&
                 signer->trust[i].domain.outcome == OUTCOME_PASS;
    }
    return agreed;
}

static void judge_signer(const struct layer_view *view, size_t index, const struct originator *originator,
                         const struct authors *authors, bool by_agreement, struct finding *finding)
{
    bool asks_names = by_agreement || !may_be_around_others(view);
    const struct signer_view *signer = &view->signers[index];
    const struct signer_facts *facts = signer->facts;
    unsigned types = by_agreement ? SIGNATURE_TYPE_DOMAIN : facts->types;
    if (facts->type_fault) {
        finding_set(finding, OUTCOME_PERMERROR, "signed attributes: %s", facts->reason);
        return;
    }
    if (!facts->valid) {
        /* RFC 7281 §3.1: without the certificate nothing was verified. */
        finding_set(finding, facts->has_certificate ? OUTCOME_FAIL : OUTCOME_PERMERROR, "%s", facts->reason);
        return;
    }
    if (signer->trust == NULL) {
        finding_set(finding, OUTCOME_POLICY, "not checked, because %u signers of this layer are not trusted",
                    view->bad_paths);
        return;
    }
    *finding = *WORST(signer, authors, path);
    if (finding->outcome != OUTCOME_PASS || (asks_names && !check_names(signer, types, originator, authors, finding)))
        return;
    const char *unknown = unchecked(signer, authors), *receipt = facts->receipt ? " (a receipt)"
                                                                 : by_agreement
                                                                     ? " (for the domain, without SignatureType)"
                                                                     : "";
    if (facts->weak)
        finding_set(finding, OUTCOME_POLICY, "weak signature: %s", facts->reason);
    else if (unknown != NULL)
        finding_set(finding, OUTCOME_PASS, "good signature by %s%s; a certificate %s", signer->subject, receipt,
                    unknown);
    else
        finding_set(finding, OUTCOME_PASS, "good signature by %s%s", signer->subject, receipt);
}

/* Returns true if it is the worst so far. */
static bool judge_as_originators(const struct signer_view *signer, const struct originator *originator,
                                 const struct authors *authors, const struct finding *finding, struct finding *worst)
{
    struct finding named = {0};
    if (finding->outcome != OUTCOME_PASS || check_names(signer, signer->facts->types, originator, authors, &named))
        named = *finding;
    if (worst->reason[0] != '\0' && !outcome_is_worse(named.outcome, worst->outcome))
        return false;
    *worst = named;
    return true;
}

void signature_judge(const struct layer_view *view, const struct originator *originator, const struct authors *authors,
                     struct judged_layer *judged)
{
    if (view->facts->signer_count == 0) {
        finding_set(&judged->finding, OUTCOME_NONE, "empty signature layer (RFC 3183 section 3)");
        return;
    }
    bool by_agreement = judged->outermost && is_domains_by_agreement(view, authors);
    judged->around_others = !by_agreement && may_be_around_others(view);
    judged->by_list_agent = judged->around_others && view->facts->signers[0].ess.ml_expansions > 0;
    judged->signature_types = by_agreement ? SIGNATURE_TYPE_DOMAIN : 0;
    for (size_t i = 0; i < view->facts->signer_count; i++) {
        struct finding finding = {0};
        judge_signer(view, i, originator, authors, by_agreement, &finding);
        if (i == 0 || outcome_is_worse(finding.outcome, judged->finding.outcome)) {
            judged->finding = finding;
            judged->signer_judged = i;
        }
        if (judged->around_others &&
            judge_as_originators(&view->signers[i], originator, authors, &finding, &judged->as_originators) &&
            judged->finding.outcome == OUTCOME_PASS)
            judged->signer_judged = i;
        judged->signature_types |= view->facts->signers[i].types;
    }
}
