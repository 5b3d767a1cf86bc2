/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own: asks whether a certificate of ours has been revoked.
 */
#include "anchors.h"
#include "kept.h"
#include "own_checks.h"

static bool ask(const struct trust *trust, const struct partner *partner, X509 *certificate, STACK_OF(X509) * chain,
                time_t at)
{
    bool revoked = false;
    struct finding ignored = {0};
    owned(missing) struct missing *missing = NULL;
    const struct chain_query query = {.leaf = certificate,
                                      .untrusted = chain,
                                      .purpose = PURPOSE_PATH,
                                      .partner = partner,
                                      .at = at,
                                      .missing = &missing,
                                      .revoked = &revoked};
    trust_check_chain(trust, &query, &ignored);
    trust_fetch(trust, missing, 0);
    return revoked;
}

bool trust_is_revoked(const struct trust *trust, const struct partner *partner, X509 *certificate,
                      STACK_OF(X509) * chain, time_t at)
{
    char fingerprint[65];
    struct own_check check = {.generation = kept_generation(trust->kept), .from = at};
    if (partner->revocation->check == REVOCATION_CHECK_OFF)
        return false;
    certificate_fingerprint(certificate, fingerprint);
    g_autofree char *name = g_strdup_printf("%s %s", fingerprint, partner->name);
    if (!own_checks_find(trust->own, name, check.generation, at, &check.revoked)) {
        check.revoked = ask(trust, partner, certificate, chain, at);
        own_checks_put(trust->own, name, &check);
    }
    return check.revoked;
}
