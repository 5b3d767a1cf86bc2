/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CMS algorithm protection attribute (RFC 6211): a signature names its own algorithms where they are signed. The
 * SignerInfo names them outside, where anybody could change them.
 */
#include "attributes.h"
#include "smime_private.h"

#include <openssl/asn1t.h>

struct protection {
    X509_ALGOR *digest;
    X509_ALGOR *signature;
    X509_ALGOR *mac; /* of AuthenticatedData */
};

/* clang-format off */
ASN1_SEQUENCE(PROTECTION) = {
    ASN1_SIMPLE(struct protection, digest, X509_ALGOR),
    ASN1_IMP_OPT(struct protection, signature, X509_ALGOR, 1),
    ASN1_IMP_OPT(struct protection, mac, X509_ALGOR, 2),
} static_ASN1_SEQUENCE_END_name(struct protection, PROTECTION)
    /* clang-format on */

    static void protection_free(struct protection * protection)
{
    ASN1_item_free((ASN1_VALUE *)protection, ASN1_ITEM_rptr(PROTECTION));
}

DECLARE_OWNED(protection, struct protection *, protection_free)

static struct protection *decode(const ASN1_STRING *value)
{
    const unsigned char *at = ASN1_STRING_get0_data(value);
    const unsigned char *end = at + ASN1_STRING_length(value);
    owned(protection) struct protection *protection =
        (struct protection *)ASN1_item_d2i(NULL, &at, ASN1_STRING_length(value), ASN1_ITEM_rptr(PROTECTION));
    return protection != NULL && at == end ? steal(&protection) : NULL;
}

static bool has_parameters(const X509_ALGOR *algorithm)
{
    return algorithm->parameter != NULL && ASN1_TYPE_get(algorithm->parameter) != V_ASN1_NULL;
}

/* Programs write "no parameters" as NULL or leave them out, and take one for the other (RFC 5754 §2). */
static bool is_same(const X509_ALGOR *a, const X509_ALGOR *b)
{
    if (OBJ_cmp(a->algorithm, b->algorithm) != 0 || has_parameters(a) != has_parameters(b))
        return false;
    return !has_parameters(a) || ASN1_TYPE_cmp(a->parameter, b->parameter) == 0;
}

const char *algorithm_protection_read(const ASN1_TYPE *value, const struct reading *reading)
{
    owned(protection) struct protection *protection = decode(value->value.sequence);
    X509_ALGOR *digest = NULL, *signature = NULL;
    if (protection == NULL || protection->signature == NULL || protection->mac != NULL)
        return "attribute cannot be parsed";
    CMS_SignerInfo_get0_algs(reading->info, NULL, NULL, &digest, &signature);
    if (!is_same(protection->digest, digest))
        return "attribute names another digest";
    if (!is_same(protection->signature, signature))
        return "attribute names another signature algorithm";
    return NULL;
}
