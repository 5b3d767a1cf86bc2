/* SPDX-License-Identifier: Apache-2.0 */
/*
 * candidate: may a certificate that certs/ has found be encrypted to? Asked for each message, and by `domsec check`.
 */
#include "internal.h"

#define VOUCHED "vouched for by the zone"

bool candidate_fits(const struct candidate_check *check, const struct certs_query *asked,
                    const struct candidate *candidate, struct finding *finding)
{
    const struct trust *trust = check->gateway->trust;
    bool vouched = false;
    const struct chain_query chain = {.leaf = candidate->certificate,
                                      .untrusted = candidate->authorities,
                                      .purpose = PURPOSE_ENCRYPT,
                                      .partner = asked->partner,
                                      .group = candidate->group,
                                      .at = check->at,
                                      .zone = candidate->associations,
                                      .vouched = &vouched};
    judge_chain(check->gateway, &chain, check->patience, finding);
    if (finding->outcome != OUTCOME_PASS)
        return false;
    const char *domain = asked->address->domain;
    const struct role_query role = {asked->partner, candidate->certificate, ROLE_DOMAIN_CONFIDENTIALITY, &domain, 1};
    if (candidate->personal)
        trust_check_mailbox(trust, candidate->certificate, asked->address, 1, finding);
    else if (candidate->group != NULL)
        trust_check_group(trust, asked->partner, candidate->group, candidate->certificate, finding);
    else
        trust_check_role(trust, &role, finding);
    if (finding->outcome != OUTCOME_PASS || !vouched)
        return finding->outcome == OUTCOME_PASS;
    g_autofree char *names = g_strdup(finding->reason);
    return finding_set(finding, OUTCOME_PASS, VOUCHED "; %s", names);
}

const char *candidate_remark(const struct candidate *candidate)
{
    return text_begins_with(candidate->finding.reason, VOUCHED) ? ", " VOUCHED : "";
}
