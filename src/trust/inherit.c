/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inherit: completes DSA keys whose parameters are left out because they are the issuer's (RFC 3279 §2.3.2). OpenSSL
 * cannot read such a key at all, and so builds no path through it.
 *
 * Only from a certificate whose key verifies the signature: a namesake of the issuer could otherwise lend parameters of
 * its choice. The completed key is read into a copy of the certificate, since others may be using that; the copy keeps
 * its encoding as received, over which its signature stands. (Such keys then pass as part of a path; for mail they are
 * refused as too weak, like all of DSA.)
 */
#include "path.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define ROUNDS_MAX 4      /* inherited from one that inherited itself */
#define SIGNATURES_MAX 32 /* a message may bring many namesakes */

/* The kind and value of a key's parameters, if it is a DSA key. */
static bool dsa_parameters(const X509 *certificate, int *type, const void **value)
{
    X509_ALGOR *algorithm = NULL;
    const ASN1_OBJECT *object = NULL;
    X509_PUBKEY_get0_param(NULL, NULL, NULL, &algorithm, X509_get_X509_PUBKEY(certificate));
    X509_ALGOR_get0(&object, type, value, algorithm);
    return OBJ_obj2nid(object) == NID_dsa;
}

static bool lacks_parameters(const X509 *certificate)
{
    int type;
    const void *value;
    return dsa_parameters(certificate, &type, &value) && type != V_ASN1_SEQUENCE;
}

/* The encoding of certificate's key with these parameters; its length, or 0. */
static int encode_with(const X509 *certificate, const ASN1_STRING *parameters, unsigned char **der)
{
    const unsigned char *bits = NULL;
    int length = 0, encoded = 0;
    X509_PUBKEY *key = X509_PUBKEY_new();
    ASN1_STRING *copy = ASN1_STRING_dup(parameters);
    X509_PUBKEY_get0_param(NULL, &bits, &length, NULL, X509_get_X509_PUBKEY(certificate));
    unsigned char *bits_copy = length > 0 ? OPENSSL_memdup(bits, (size_t)length) : NULL;
    if (key != NULL && copy != NULL && bits_copy != NULL &&
        X509_PUBKEY_set0_param(key, OBJ_nid2obj(NID_dsa), V_ASN1_SEQUENCE, copy, bits_copy, length)) {
        encoded = i2d_X509_PUBKEY(key, der);
    } else {
        ASN1_STRING_free(copy);
        OPENSSL_free(bits_copy);
    }
    X509_PUBKEY_free(key);
    return encoded > 0 ? encoded : 0;
}

static bool is_readable_key(const unsigned char *der, int length)
{
    X509_PUBKEY *key = d2i_X509_PUBKEY(NULL, &der, length);
    bool readable = key != NULL && X509_PUBKEY_get0(key) != NULL;
    X509_PUBKEY_free(key);
    return readable;
}

static bool complete(X509 *certificate, const ASN1_STRING *parameters)
{
    unsigned char *der = NULL;
    int length = encode_with(certificate, parameters, &der);
    const unsigned char *at = der;
    X509_PUBKEY *own = X509_get_X509_PUBKEY(certificate);
    /* Tried aside first: a failure in place would free what the certificate owns. */
    bool good = length > 0 && is_readable_key(der, length) && d2i_X509_PUBKEY(&own, &at, length) != NULL;
    OPENSSL_free(der);
    return good;
}

struct inheritance {
    struct budget *budget;
    unsigned signatures; /* verified */
};

static bool inherits_from(struct inheritance *inheritance, X509 *certificate, const X509 *issuer)
{
    int type;
    const void *parameters;
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    bool good = key != NULL && dsa_parameters(issuer, &type, &parameters) && type == V_ASN1_SEQUENCE &&
                !key_is_slow(key) &&
                X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(issuer)) == 0 &&
                inheritance->signatures++ < SIGNATURES_MAX && budget_spend(inheritance->budget, key_cost(key), NULL) &&
                X509_verify(certificate, key) == 1 && complete(certificate, parameters);
    ERR_clear_error();
    return good;
}

static bool inherits_from_any(struct inheritance *inheritance, X509 *certificate, const STACK_OF(X509) * issuers)
{
    for (int i = 0; i < sk_X509_num(issuers); i++)
        if (inherits_from(inheritance, certificate, sk_X509_value(issuers, i)))
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

STACK_OF(X509) * path_inherit_parameters(STACK_OF(X509) * untrusted, const struct path_query *query, X509 **leaf)
{
    STACK_OF(X509) *copies = copy_all(untrusted);
    X509 *leaf_copy = copy_if_lacking(*leaf);
    if (leaf_copy != NULL) {
        X509_free(*leaf);
        *leaf = leaf_copy;
    }
    bool changed = true;
    struct inheritance inheritance = {.budget = query->budget};
    for (int round = 0; changed && round < ROUNDS_MAX; round++) {
        changed = false;
        for (int i = -1; i < sk_X509_num(copies); i++) {
            X509 *each = i < 0 ? *leaf : sk_X509_value(copies, i);
            if (lacks_parameters(each) && (inherits_from_any(&inheritance, each, copies) ||
                                           inherits_from_any(&inheritance, each, query->anchors->list)))
                changed = true;
        }
    }
    return copies;
}
