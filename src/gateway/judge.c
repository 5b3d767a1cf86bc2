/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge: may this signature be believed, and for whom? The cryptography was done by smime/; here it meets the chain,
 * the name and the SignatureType (RFC 3183 §3.1). A layer is worth what its worst signature is worth.
 */
#include "internal.h"

#include <string.h>

/* A path that leads nowhere costs most, for all ways are tried. After so many of them in one layer, which is refused
 * then, those of its other signers are not looked for. */
#define BAD_PATHS_MAX 4

/* RFC 8550 §3: Sender is looked at where From is not covered. That makes no pass, since it is From that people see;
 * they are told who vouches. Always false. */
static bool explain_sender(const struct judge *judge, const X509 *certificate, unsigned type, struct finding *finding)
{
    const struct address *sender = judge->originator->sender.list;
    struct finding other = {0};
    if (judge->originator->sender.count != 1)
        return false;
    if (type == SIGNATURE_TYPE_DOMAIN)
        trust_check_role(judge->gateway->trust, judge->rule->partner, certificate, ROLE_DOMAIN_SIGNING,
                         (const char *const *)&sender->domain, 1, &other);
    else
        trust_check_mailbox(certificate, sender, 1, &other);
    if (other.outcome == OUTCOME_PASS)
        finding_set(finding, OUTCOME_POLICY, "the signature stands for the Sender %.100s, not for the author in From",
                    sender->text);
    return false;
}

/* RFC 3183 §3.1.1: what a signature of this type asks of the certificate's name. */
static bool check_names(const struct judge *judge, const X509 *certificate, unsigned types, struct finding *finding)
{
    const char *const *domains = (const char *const *)judge->originator->domains;
    if (types & SIGNATURE_TYPE_DOMAIN) {
        if (judge->originator->fault[0] != '\0')
            return finding_set(finding, OUTCOME_POLICY, "%s", judge->originator->fault);
        trust_check_role(judge->gateway->trust, judge->rule->partner, certificate, ROLE_DOMAIN_SIGNING, domains,
                         judge->originator->from.count, finding);
        if (finding->outcome != OUTCOME_PASS)
            return explain_sender(judge, certificate, SIGNATURE_TYPE_DOMAIN, finding);
    }
    /* §3.1.1: no name mapping is defined for these two. */
    if (types & SIGNATURE_TYPE_REVIEW) {
        trust_check_role(judge->gateway->trust, judge->rule->partner, certificate, ROLE_REVIEW, NULL, 0, finding);
        if (finding->outcome != OUTCOME_PASS)
            return false;
    }
    if (types & SIGNATURE_TYPE_ATTRIBUTES) {
        trust_check_role(judge->gateway->trust, judge->rule->partner, certificate, ROLE_ATTRIBUTE, NULL, 0, finding);
        if (finding->outcome != OUTCOME_PASS)
            return false;
    }
    /* §3.1.2: no type means the originator. */
    if (types == 0 || (types & SIGNATURE_TYPE_ORIGINATOR)) {
        if (judge->originator->fault[0] != '\0')
            return finding_set(finding, OUTCOME_POLICY, "%s", judge->originator->fault);
        trust_check_mailbox(certificate, judge->originator->from.list, judge->originator->from.count, finding);
        if (finding->outcome != OUTCOME_PASS)
            return explain_sender(judge, certificate, SIGNATURE_TYPE_ORIGINATOR, finding);
    }
    return true;
}

/* RFC 2634 §4.3: an agent signs in its own name around what others have signed, and RFC 3183 §3.1.2 takes a signature
 * without a type for the originator's only where it encapsulates no other. Whether it does is seen later. */
static bool may_be_list_agents(const struct layer_facts *layer)
{
    for (size_t i = 0; i < layer->signer_count; i++)
        if (layer->signers[i].types != 0 || layer->signers[i].ess.ml_expansions == 0)
            return false;
    return layer->signer_count > 0;
}

static void judge_signer(const struct judge *judge, const struct layer *layer, const struct signer *signer,
                         unsigned *bad_paths, struct finding *finding)
{
    if (signer->facts->type_fault) {
        finding_set(finding, OUTCOME_PERMERROR, "signed attributes: %s", signer->facts->reason);
        return;
    }
    if (!signer->facts->valid) {
        /* RFC 7281 §3.1: without the certificate nothing was verified. */
        finding_set(finding, signer->facts->has_certificate ? OUTCOME_FAIL : OUTCOME_PERMERROR, "%s",
                    signer->facts->reason);
        return;
    }
    if (*bad_paths >= BAD_PATHS_MAX) {
        finding_set(finding, OUTCOME_POLICY, "not looked at, after %u signers of this layer that are not trusted",
                    *bad_paths);
        return;
    }
    struct chain_query query = {
        .leaf = signer->certificate,
        .untrusted = layer->certificates,
        .crls = layer->crls,
        .purpose = PURPOSE_SIGN,
        .partner = judge->rule->partner,
        .at = judge->at,
    };
    judge->work->paths++;
    trust_check_chain(judge->gateway->trust, &query, finding);
    if (finding->outcome != OUTCOME_PASS)
        ++*bad_paths;
    if (finding->outcome != OUTCOME_PASS ||
        (!may_be_list_agents(&layer->facts) && !check_names(judge, signer->certificate, signer->facts->types, finding)))
        return;
    if (signer->facts->weak) {
        finding_set(finding, OUTCOME_POLICY, "weak signature: %s", signer->facts->reason);
        return;
    }
    g_autofree char *subject = certificate_subject(signer->certificate);
    finding_set(finding, OUTCOME_PASS, "good signature by %s", subject);
}

static bool is_from(const struct judge *judge, const char *text)
{
    struct address address = {0};
    struct error error = {0};
    bool found = false;
    if (!address_parse(slice_of(text), &address, &error))
        return false;
    for (size_t i = 0; i < judge->originator->from.count && !found; i++)
        found = address_equal(&address, &judge->originator->from.list[i]);
    address_clear(&address);
    return found;
}

/* The address that the certificate was believed for, or its first. */
static char *signer_address(const struct judge *judge, const X509 *certificate)
{
    bool odd = false;
    g_auto(GStrv) addresses = certificate_addresses(certificate, &odd);

    for (size_t i = 0; addresses[i] != NULL; i++)
        if (is_from(judge, addresses[i]))
            return g_strdup(addresses[i]);
    return g_strdup(addresses[0]);
}

static void report_signer(const struct judge *judge, const struct signer *signer, struct reported_signer *reported)
{
    if (signer->certificate == NULL) {
        reported->issuer = g_strdup(signer->facts->issuer);
        reported->serial = g_strdup(signer->facts->serial);
        return;
    }
    reported->address = signer_address(judge, signer->certificate);
    reported->subject = certificate_subject(signer->certificate);
    reported->issuer = certificate_issuer(signer->certificate);
    reported->serial = certificate_serial(signer->certificate);
    reported->sha256 = g_malloc0(65);
    certificate_fingerprint(signer->certificate, reported->sha256);
}

/* True if it is the worst so far. */
static bool judge_as_originators(const struct judge *judge, const struct signer *signer, const struct finding *finding,
                                 struct finding *worst)
{
    struct finding named = {0};
    if (finding->outcome != OUTCOME_PASS || check_names(judge, signer->certificate, signer->facts->types, &named))
        named = *finding;
    if (worst->reason[0] != '\0' && !outcome_is_worse(named.outcome, worst->outcome))
        return false;
    *worst = named;
    return true;
}

void judge_signed(const struct judge *judge, const struct layer *layer, struct reported_layer *reported)
{
    unsigned bad_paths = 0;
    if (layer->facts.signer_count == 0) {
        finding_set(&reported->finding, OUTCOME_NONE, "empty signature layer (RFC 3183 section 3)");
        return;
    }
    reported->signers = g_new0(struct reported_signer, layer->facts.signer_count);
    reported->signer_count = layer->facts.signer_count;
    finding_set(&reported->finding, OUTCOME_PASS, "no signature");
    reported->ess = layer->facts.signers[0].ess;
    reported->by_list_agent = may_be_list_agents(&layer->facts);

    for (size_t i = 0; i < layer->facts.signer_count; i++) {
        struct finding finding = {0};
        judge_signer(judge, layer, &layer->signers[i], &bad_paths, &finding);
        if (i == 0 || outcome_is_worse(finding.outcome, reported->finding.outcome)) {
            reported->finding = finding;
            reported->signer_judged = i;
        }
        if (reported->by_list_agent &&
            judge_as_originators(judge, &layer->signers[i], &finding, &reported->as_originators) &&
            reported->finding.outcome == OUTCOME_PASS)
            reported->signer_judged = i;
        reported->signature_types |= layer->facts.signers[i].types;
        report_signer(judge, &layer->signers[i], &reported->signers[i]);
    }
}

/* RFC 3183 §4.1. The certificates there prove nothing, anybody can copy them, so a good name earns nothing; one that
 * fits neither the author nor the author's domain is to be flagged. */
bool judge_encrypted(const struct judge *judge, const struct layer *layer, struct finding *finding)
{
    const struct addresses *from = &judge->originator->from;
    for (int i = 0; i < sk_X509_num(layer->certificates); i++) {
        X509 *certificate = sk_X509_value(layer->certificates, i);
        struct finding person = {0}, authority = {0};
        if (X509_check_ca(certificate) != 0) /* of the chain */
            continue;
        trust_check_mailbox(certificate, from->list, from->count, &person);
        trust_check_role(judge->gateway->trust, judge->rule->partner, certificate, ROLE_DOMAIN_CONFIDENTIALITY,
                         (const char *const *)judge->originator->domains, from->count, &authority);
        if (person.outcome != OUTCOME_PASS && authority.outcome != OUTCOME_PASS)
            return finding_set(finding, OUTCOME_POLICY, "encrypted in another's name: %s", authority.reason);
    }
    return true;
}
