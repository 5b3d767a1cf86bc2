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

static bool add_found(STACK_OF(X509) * known, const struct gateway *gateway, const struct rule *rule,
                      const struct address *address, struct error *error)
{
    __attribute__((cleanup(cleanup_candidates))) struct candidates candidates = {0};
    if (certs_find(gateway->certs, rule->partner, address, &candidates, error) == FOUND_FAILED)
        return false;
    for (size_t i = 0; i < candidates.count; i++) {
        add(known, candidates.list[i].certificate);
        for (int j = 0; j < sk_X509_num(candidates.list[i].authorities); j++)
            add(known, sk_X509_value(candidates.list[i].authorities, j));
    }
    return true;
}

/* Under the names of RFC 3183 §3.1.1. */
static bool add_authorities(STACK_OF(X509) * known, const struct gateway *gateway, const struct rule *rule,
                            const char *domain, struct error *error)
{
    bool found = true;
    for (int role = 0; role < ROLE_COUNT && found; role++) {
        g_autofree char *text = g_strdup_printf("%s@%s", role_name((enum role)role), domain);
        struct address address = {0};
        struct error odd = {0};
        if (address_parse(slice_of(text), &address, &odd))
            found = add_found(known, gateway, rule, &address, error);
        address_clear(&address);
    }
    return found;
}

STACK_OF(X509) * correspondents_known(const struct gateway *gateway, const struct rule *rule,
                                      const struct originator *originator, struct error *error)
{
    owned(x509_stack) STACK_OF(X509) *known = sk_X509_new_null();
    if (known == NULL) {
        error_set_openssl(error, ERROR_TEMPORARY, "certificates of signers");
        return NULL;
    }
    if (originator->from.count > 0 && (!add_found(known, gateway, rule, &originator->from.list[0], error) ||
                                       !add_authorities(known, gateway, rule, originator->from.list[0].domain, error)))
        return NULL;
    return steal(&known);
}
