/* SPDX-License-Identifier: Apache-2.0 */
/*
 * correspondents: the certificates that we know of a message's author, for signers whose certificate is not in the
 * message (RFC 8550 §2.3). They are candidates only: the signature, the chain and the name are judged as always. Of
 * several authors the first will do, since a signature has to stand for each.
 */
#include "internal.h"

static void add(STACK_OF(X509) * known, X509 *certificate)
{
    (void)X509_add_cert(known, certificate, X509_ADD_FLAG_UP_REF | X509_ADD_FLAG_NO_DUP);
}

STACK_OF(X509) * correspondents_known(const struct gateway *gateway, const struct rule *rule,
                                      const struct originator *originator, struct error *error)
{
    owned(x509_stack) STACK_OF(X509) *known = sk_X509_new_null();
    if (known == NULL) {
        error_set_openssl(error, ERROR_TEMPORARY, "certificates of signers");
        return NULL;
    }
    if (originator->from.count == 0)
        return steal(&known);
    const struct certs_query query = {
        .purpose = CERTS_SIGNER, .partner = rule->partner, .address = &originator->from.list[0]};
    owned(certs_answer) struct certs_answer answer = {0};
    certs_ask(gateway->certs, &query, 1, g_get_monotonic_time() + LOOKUP_TIMEOUT, NULL, &answer);
    if (answer.found == FOUND_FAILED) {
        *error = answer.error;
        return NULL;
    }
    for (size_t i = 0; i < answer.count; i++) {
        add(known, answer.list[i].certificate);
        for (int j = 0; j < sk_X509_num(answer.list[i].authorities); j++)
            add(known, sk_X509_value(answer.list[i].authorities, j));
    }
    return steal(&known);
}
