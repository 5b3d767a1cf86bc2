/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recipients: each recipient's rule, and a certificate to encrypt to (RFC 3183 §4.2), all in one batch. certs/ knows
 * candidates, trust/ says which of them may be used.
 */
#include "internal.h"

struct acceptance {
    const struct gateway *gateway;
    const struct certs_query *queries;
    time_t at;
};

static bool check_candidate(void *context, size_t query, const struct candidate *candidate, struct finding *finding)
{
    const struct acceptance *acceptance = context;
    const struct certs_query *asked = &acceptance->queries[query];
    const struct chain_query chain = {.leaf = candidate->certificate,
                                      .untrusted = candidate->authorities,
                                      .purpose = PURPOSE_ENCRYPT,
                                      .partner = asked->partner,
                                      .at = acceptance->at};
    trust_check_chain(acceptance->gateway->trust, &chain, finding);
    if (finding->outcome != OUTCOME_PASS)
        return false;
    const char *domain = asked->address->domain;
    const struct role_query role = {asked->partner, candidate->certificate, ROLE_DOMAIN_CONFIDENTIALITY, &domain, 1};
    if (candidate->personal)
        trust_check_mailbox(candidate->certificate, asked->address, 1, finding);
    else
        trust_check_role(acceptance->gateway->trust, &role, finding);
    return finding->outcome == OUTCOME_PASS;
}

static void read_recipient(const struct gateway *gateway, const struct address *address, struct recipient_view *view)
{
    const struct partner *partner = conf_partner(gateway->conf, address->domain);
    view->text = address->text;
    view->rule = policy_rule(partner);
    view->local = policy_is_local(gateway->conf, address);
    view->routed = !view->local && conf_is_local_domain(gateway->conf, address->domain);
    view->certificate = FOUND_NONE;
    view->certificate_reason = "not looked up";
    view->reviewers = reviewers_of(gateway->reviewers, partner);
}

static void ask_certificates(struct lookups *lookups, const struct gateway *gateway, const struct mail *mail,
                             int64_t deadline)
{
    size_t total = mail->envelope->recipient_count, count = 0;
    g_autofree struct certs_query *queries = g_new0(struct certs_query, total + 1);
    g_autofree struct certs_answer *answers = g_new0(struct certs_answer, total + 1);
    g_autofree size_t *recipient_of = g_new0(size_t, total + 1);
    for (size_t i = 0; i < total; i++) {
        if (lookups->recipients[i].local)
            continue;
        recipient_of[count] = i;
        queries[count++] = (struct certs_query){.purpose = CERTS_ENCRYPT,
                                                .partner = lookups->recipients[i].rule->partner,
                                                .address = &mail->envelope->recipients[i].address};
    }
    struct acceptance context = {.gateway = gateway, .queries = queries, .at = mail->at};
    const struct certs_acceptance accept = {.check = check_candidate, .context = &context};
    certs_ask(gateway->certs, queries, count, deadline, &accept, answers);
    for (size_t i = 0; i < count; i++) {
        struct recipient_view *view = &lookups->recipients[recipient_of[i]];
        struct certs_answer *answer = &lookups->answers[recipient_of[i]].certificates;
        *answer = answers[i];
        view->certificate = answer->found;
        view->certificate_reason = answer->found == FOUND ? "found" : answer->error.text;
    }
}

void lookups_ask_recipients(struct lookups *lookups, const struct gateway *gateway, const struct mail *mail,
                            int64_t deadline)
{
    size_t count = mail->envelope->recipient_count;
    lookups->recipients = g_new0(struct recipient_view, count + 1);
    lookups->answers = g_new0(struct recipient_lookup, count + 1);
    for (size_t i = 0; i < count; i++)
        read_recipient(gateway, &mail->envelope->recipients[i].address, &lookups->recipients[i]);
    const struct plan_input input = {.conf = gateway->conf,
                                     .direction = mail->direction,
                                     .client = &mail->client,
                                     .originator = &mail->originator,
                                     .authors = &mail->authors,
                                     .message = mail->message,
                                     .layers = &lookups->layers,
                                     .recipients = lookups->recipients,
                                     .recipient_count = count};
    lookups->wants_certificates = mail->direction == DIRECTION_OUTBOUND && policy_wants_certificates(&input);
    if (lookups->wants_certificates)
        ask_certificates(lookups, gateway, mail, deadline);
}
