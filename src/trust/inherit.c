/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inherit: completes DSA keys whose parameters are left out because they are the issuer's (RFC 3279 §2.3.2), which
 * OpenSSL does only once it has a chain, and it cannot build one without them.
 *
 * Only from a certificate whose key verifies the signature: a namesake of the issuer could otherwise lend parameters of
 * its choice. The work is done on copies, since others may be using the certificates. (Such keys then pass as part of a
 * path; for signing mail they are refused as too weak like all of DSA.)
 */
#include "store.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define ROUNDS_MAX 4 /* inherited from one that inherited itself */

static bool lacks_parameters(const X509 *certificate)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    return key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_DSA && EVP_PKEY_missing_parameters(key);
}

static bool inherits_from(X509 *certificate, const X509 *issuer)
{
    EVP_PKEY *own = X509_get0_pubkey(certificate), *theirs = X509_get0_pubkey(issuer);
    bool good = theirs != NULL && EVP_PKEY_get_base_id(theirs) == EVP_PKEY_DSA &&
                !EVP_PKEY_missing_parameters(theirs) &&
                X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(issuer)) == 0 &&
                X509_verify(certificate, theirs) == 1 && EVP_PKEY_copy_parameters(own, theirs) == 1;
    ERR_clear_error();
    return good;
}

static bool inherits_from_any(X509 *certificate, const STACK_OF(X509) * issuers)
{
    for (int i = 0; i < sk_X509_num(issuers); i++)
        if (inherits_from(certificate, sk_X509_value(issuers, i)))
            return true;
    return false;
}

/* The certificate, or a copy if it lacks parameters. NULL: out of memory. */
static X509 *copy_if_lacking(X509 *certificate)
{
    if (lacks_parameters(certificate))
        return X509_dup(certificate);
    return X509_up_ref(certificate) ? certificate : NULL;
}

static STACK_OF(X509) * copy_all(const STACK_OF(X509) * certificates)
{
    owned(x509_stack) STACK_OF(X509) *copies = sk_X509_new_null();
    for (int i = 0; copies != NULL && i < sk_X509_num(certificates); i++) {
        X509 *copy = copy_if_lacking(sk_X509_value(certificates, i));
        if (copy == NULL || sk_X509_push(copies, copy) <= 0) {
            X509_free(copy);
            return NULL;
        }
    }
    return steal(&copies);
}

STACK_OF(X509) * path_inherit_parameters(STACK_OF(X509) * untrusted, STACK_OF(X509) * anchors, X509 **leaf)
{
    STACK_OF(X509) *copies = copy_all(untrusted);
    X509 *leaf_copy = copy_if_lacking(*leaf);
    if (leaf_copy != NULL) {
        X509_free(*leaf);
        *leaf = leaf_copy;
    }
    bool changed = true;
    for (int round = 0; changed && round < ROUNDS_MAX; round++) {
        changed = false;
        for (int i = -1; i < sk_X509_num(copies); i++) {
            X509 *each = i < 0 ? *leaf : sk_X509_value(copies, i);
            if (lacks_parameters(each) && (inherits_from_any(each, copies) || inherits_from_any(each, anchors)))
                changed = true;
        }
    }
    return copies;
}
