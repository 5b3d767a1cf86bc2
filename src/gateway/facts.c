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

static void check_candidate(const struct facts_query *facts, const struct rule *rule, const struct address *recipient,
                            const struct candidate *candidate, struct finding *finding)
{
    const struct gateway *gateway = facts->gateway;
    const struct chain_query query = {.leaf = candidate->certificate,
                                      .untrusted = candidate->authorities,
                                      .purpose = PURPOSE_ENCRYPT,
                                      .partner = rule->partner,
                                      .at = facts->at};
    const char *domain = recipient->domain;
    trust_check_chain(gateway->trust, &query, finding);
    if (finding->outcome != OUTCOME_PASS)
        return;
    if (candidate->personal)
        trust_check_mailbox(candidate->certificate, recipient, 1, finding);
    else
        trust_check_role(gateway->trust, rule->partner, candidate->certificate, ROLE_DOMAIN_CONFIDENTIALITY, &domain, 1,
                         finding);
}

static void report_candidate(struct reported_recipient *reported, const struct candidate *candidate,
                             const struct finding *finding, bool used)
{
    reported->certificates =
        g_renew(struct reported_certificate, reported->certificates, reported->certificate_count + 1);
    struct reported_certificate *certificate = &reported->certificates[reported->certificate_count++];
    memset(certificate, 0, sizeof(*certificate));
    certificate->sha256 = g_malloc0(65);
    certificate_fingerprint(candidate->certificate, certificate->sha256);
    certificate->subject = certificate_subject(candidate->certificate);
    certificate->source = candidate->source;
    certificate->used = used;
    if (used)
        certificate->note = g_strdup("used");
    else
        certificate->note = finding->outcome == OUTCOME_PASS ? g_strdup("not needed, an earlier one is used")
                                                             : g_strdup_printf("passed over: %s", finding->reason);
}

/* The first candidate that passes. A candidate that could not be checked makes the answer "failed" unless another one
 * passes: an outage must not turn into "no certificate". */
static enum found choose(const struct facts_query *query, const struct address *recipient, struct recipient_facts *out,
                         struct reported_recipient *reported, struct error *error)
{
    __attribute__((cleanup(cleanup_candidates))) struct candidates candidates = {0};
    enum found found = certs_find(query->gateway->certs, out->rule->partner, recipient, &candidates, error);
    X509 **chosen = &out->certificate;
    if (found != FOUND) {
        if (found == FOUND_NONE)
            error_set(error, ERROR_PERMANENT, "no source knows one");
        return found;
    }
    found = FOUND_NONE;
    for (size_t i = 0; i < candidates.count; i++) {
        struct finding finding = {0};
        check_candidate(query, out->rule, recipient, &candidates.list[i], &finding);
        bool used = finding.outcome == OUTCOME_PASS && *chosen == NULL;
        if (used) {
            X509_up_ref(candidates.list[i].certificate);
            *chosen = candidates.list[i].certificate;
            found = FOUND;
        } else if (*chosen == NULL) {
            if (finding.outcome == OUTCOME_TEMPERROR)
                found = FOUND_FAILED;
            if (found == FOUND_FAILED || i == 0)
                error_set(error, found == FOUND_FAILED ? ERROR_TEMPORARY : ERROR_PERMANENT, "%s", finding.reason);
        }
        report_candidate(reported, &candidates.list[i], &finding, used);
    }
    return found;
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
