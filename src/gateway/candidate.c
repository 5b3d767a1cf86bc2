/* SPDX-License-Identifier: Apache-2.0 */
/*
 * candidate: may a certificate that certs/ has found be encrypted to? Asked for each message, and by `domsec check`.
 */
#include "internal.h"

#include <string.h>

#define VOUCHED "vouched for by the zone"
#define UNCHECKED "one certificate "

/* Before the finding about the names, which may be long. */
static bool remark(const char *words, const char *more, struct finding *finding)
{
    g_autofree char *names = g_strdup(finding->reason);
    return finding_set(finding, OUTCOME_PASS, "%s%s; %s", words, more, names);
}

bool candidate_fits(const struct candidate_check *check, const struct certs_query *asked,
                    const struct candidate *candidate, struct finding *finding)
{
    const struct trust *trust = check->gateway->trust;
    bool vouched = false;
    const char *unchecked = NULL;
    const struct chain_query chain = {.leaf = candidate->certificate,
                                      .untrusted = candidate->authorities,
                                      .purpose = PURPOSE_ENCRYPT,
                                      .partner = asked->partner,
                                      .group = candidate->group,
                                      .at = check->at,
                                      .unchecked = &unchecked,
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
    if (finding->outcome != OUTCOME_PASS)
        return false;
    if (vouched)
        return remark(VOUCHED, "", finding);
    return unchecked == NULL || remark(UNCHECKED, unchecked, finding);
}

char *candidate_unchecked(const struct candidate *candidate)
{
    const char *reason = candidate->finding.reason;
    bool is_unchecked = candidate->finding.outcome == OUTCOME_PASS && text_begins_with(reason, UNCHECKED);
    return is_unchecked ? g_strndup(reason, strcspn(reason, ";")) : NULL;
}

char *candidate_remark(const struct candidate *candidate)
{
    g_autofree char *unchecked = candidate_unchecked(candidate);
    if (unchecked != NULL)
        return g_strconcat(", but ", unchecked, NULL);
    return g_strdup(text_begins_with(candidate->finding.reason, VOUCHED) ? ", " VOUCHED : "");
}
