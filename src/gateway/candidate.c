/* SPDX-License-Identifier: Apache-2.0 */
/*
 * candidate: may a certificate that certs/ has found be encrypted to? Asked for each message, and by `domsec check`.
 */
#include "internal.h"

bool candidate_fits(const struct candidate_check *check, const struct certs_query *asked,
                    const struct candidate *candidate, struct finding *finding)
{
    const struct trust *trust = check->gateway->trust;
    const struct chain_query chain = {.leaf = candidate->certificate,
                                      .untrusted = candidate->authorities,
                                      .purpose = PURPOSE_ENCRYPT,
                                      .partner = asked->partner,
                                      .group = candidate->group,
                                      .at = check->at};
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
    return finding->outcome == OUTCOME_PASS;
}
