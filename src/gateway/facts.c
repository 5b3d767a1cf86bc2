/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts: what policy needs to know before a message leaves: is the originator authentic, and is there a certificate for
 * this recipient, with the reason why not. Gathers, decides nothing.
 */
#include "internal.h"

#include <string.h>

/* --- the originator, RFC 3183 §3.2 --- */

/* "some mechanism external to S/MIME": SMTP authentication, or the address of the client. */
static bool client_is_trusted(const struct gateway *gateway, const struct envelope *envelope, char *reason, size_t size)
{
    if (envelope->authenticated != NULL && envelope->authenticated[0] != '\0') {
        g_snprintf(reason, size, "client authenticated as %s", envelope->authenticated);
        return true;
    }
    if (conf_is_trusted_network(gateway->conf, envelope->client_address)) {
        g_snprintf(reason, size, "client %s is in trusted_networks", envelope->client_address);
        return true;
    }
    g_snprintf(reason, size, "client %s is neither authenticated nor in trusted_networks",
               envelope->client_address != NULL ? envelope->client_address : "(unknown)");
    return false;
}

bool facts_originator_authentic(const struct gateway *gateway, const struct envelope *envelope,
                                const struct originator *originator, const struct examination *examination,
                                char *reason, size_t size)
{
    if (originator->fault[0] != '\0') {
        g_strlcpy(reason, originator->fault, size);
        return false;
    }
    for (size_t i = 0; i < originator->from.count; i++)
        if (!conf_is_local_domain(gateway->conf, originator->from.list[i].domain)) {
            g_snprintf(reason, size, "From %s is not in local_domains", originator->from.list[i].text);
            return false;
        }
    if (client_is_trusted(gateway, envelope, reason, size))
        return true;
    if (examination != NULL && examination->originator.outcome == OUTCOME_PASS) {
        g_snprintf(reason, size, "originator's signature: %s", examination->originator.reason);
        return true;
    }
    return false;
}

/* --- the recipient's certificate, RFC 3183 §4.2 --- */

/* What the acceptance needs to know. */
struct choice {
    const struct facts_query *facts;
    const struct partner *partner;
    const struct address *recipient;
};

static bool check_candidate(void *context, size_t query, const struct candidate *candidate, struct finding *finding)
{
    (void)query; /* there is one */
    const struct choice *choice = context;
    const struct trust *trust = choice->facts->gateway->trust;
    const struct chain_query chain = {.leaf = candidate->certificate,
                                      .untrusted = candidate->authorities,
                                      .purpose = PURPOSE_ENCRYPT,
                                      .partner = choice->partner,
                                      .at = choice->facts->at};
    const char *domain = choice->recipient->domain;
    trust_check_chain(trust, &chain, finding);
    if (finding->outcome != OUTCOME_PASS)
        return false;
    if (candidate->personal)
        trust_check_mailbox(candidate->certificate, choice->recipient, 1, finding);
    else
        trust_check_role(trust, choice->partner, candidate->certificate, ROLE_DOMAIN_CONFIDENTIALITY, &domain, 1,
                         finding);
    return finding->outcome == OUTCOME_PASS;
}

static void report_candidate(struct reported_certificate *certificate, const struct candidate *candidate, bool used)
{
    certificate->sha256 = g_malloc0(65);
    certificate_fingerprint(candidate->certificate, certificate->sha256);
    certificate->subject = certificate_subject(candidate->certificate);
    certificate->source = candidate->source;
    certificate->used = used;
    if (used)
        certificate->note = g_strdup("used");
    else
        certificate->note = candidate->finding.outcome == OUTCOME_NONE
                                ? g_strdup("not needed, an earlier one is used")
                                : g_strdup_printf("passed over: %s", candidate->finding.reason);
}

static enum found choose(const struct facts_query *facts, const struct address *recipient, struct recipient_facts *out,
                         struct reported_recipient *reported, struct error *error)
{
    struct choice choice = {.facts = facts, .partner = out->rule->partner, .recipient = recipient};
    const struct certs_query query = {.purpose = CERTS_ENCRYPT, .partner = out->rule->partner, .address = recipient};
    const struct certs_acceptance accept = {.check = check_candidate, .context = &choice};
    owned(certs_answer) struct certs_answer answer = {0};
    certs_ask(facts->gateway->certs, &query, 1, facts->deadline, &accept, &answer);
    *error = answer.error;
    reported->certificates = g_new0(struct reported_certificate, answer.count);
    reported->certificate_count = answer.count;
    for (size_t i = 0; i < answer.count; i++)
        report_candidate(&reported->certificates[i], &answer.list[i], i == answer.chosen);
    if (answer.found == FOUND) {
        out->certificate = answer.list[answer.chosen].certificate;
        X509_up_ref(out->certificate);
    }
    return answer.found;
}

bool facts_encrypts(const struct gateway *gateway, const struct address *recipient)
{
    return !gateway_is_local(gateway, recipient) && policy_encrypts(policy_rule(gateway->conf, recipient->domain));
}

void facts_recipient(const struct facts_query *query, const struct address *recipient, struct outbound_facts *facts,
                     struct recipient_facts *out, struct reported_recipient *reported)
{
    const struct gateway *gateway = query->gateway;
    struct error error = {0};
    memset(out, 0, sizeof(*out));
    out->rule = policy_rule(gateway->conf, recipient->domain);
    out->local = gateway_is_local(gateway, recipient);
    facts->local_recipient = out->local;
    facts->routed = !out->local && conf_is_local_domain(gateway->conf, recipient->domain);
    facts->certificate = FOUND_NONE;
    facts->certificate_reason = "not looked for";
    if (query->want_certificates && !out->local) {
        facts->certificate = choose(query, recipient, out, reported, &error);
        facts->certificate_reason = facts->certificate == FOUND ? "found" : error.text;
    }
    facts->reviewed =
        query->examination != NULL && reviewers_have_signed(gateway->reviewers, out->rule, query->examination->reported,
                                                            query->examination->reported_count);
    policy_outbound(out->rule, facts, &out->decision);
    reported->address = g_strdup(recipient->text);
    reported->rule = g_strdup(out->rule->partner->name);
    reported->decision = out->decision;
}
