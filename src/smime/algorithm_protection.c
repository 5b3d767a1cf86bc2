/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CMS algorithm protection attribute (RFC 6211): a signature names its own algorithms where they are signed. The
 * SignerInfo names them outside, where anybody could change them.
 */
#include "attributes.h"
#include "smime_private.h"

#include <openssl/asn1t.h>
#include <openssl/rsa.h>

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

/* --- RSASSA-PSS (RFC 4055 §3.1), whose parameters have defaults; NULL: the default --- */

static bool is_same_hash(const X509_ALGOR *a, const X509_ALGOR *b)
{
    const ASN1_OBJECT *first = a != NULL ? a->algorithm : OBJ_nid2obj(NID_sha1);
    const ASN1_OBJECT *second = b != NULL ? b->algorithm : OBJ_nid2obj(NID_sha1);
    return OBJ_cmp(first, second) == 0 && (a == NULL || !has_parameters(a)) && (b == NULL || !has_parameters(b));
}

/* MGF1 with its hash; false in *known: another one. */
static X509_ALGOR *mask_hash(const X509_ALGOR *mask, bool *known)
{
    *known = mask == NULL || OBJ_obj2nid(mask->algorithm) == NID_mgf1;
    X509_ALGOR *hash = *known && mask != NULL ? algorithm_parameters(mask, ASN1_ITEM_rptr(X509_ALGOR)) : NULL;
    *known &= mask == NULL || hash != NULL;
    return hash;
}

static bool is_same_mask(const X509_ALGOR *a, const X509_ALGOR *b)
{
    bool known_a, known_b;
    owned(X509_ALGOR) X509_ALGOR *first = mask_hash(a, &known_a), *second = mask_hash(b, &known_b);
    return known_a && known_b && is_same_hash(first, second);
}

static bool is_same_number(const ASN1_INTEGER *a, const ASN1_INTEGER *b, long usual)
{
    return (a != NULL ? ASN1_INTEGER_get(a) : usual) == (b != NULL ? ASN1_INTEGER_get(b) : usual);
}

static bool is_same_pss(const X509_ALGOR *a, const X509_ALGOR *b)
{
    RSA_PSS_PARAMS *first = algorithm_parameters(a, ASN1_ITEM_rptr(RSA_PSS_PARAMS)),
                   *second = algorithm_parameters(b, ASN1_ITEM_rptr(RSA_PSS_PARAMS));
    bool same = first != NULL && second != NULL && is_same_hash(first->hashAlgorithm, second->hashAlgorithm) &&
                is_same_mask(first->maskGenAlgorithm, second->maskGenAlgorithm) &&
                is_same_number(first->saltLength, second->saltLength, 20) &&
                is_same_number(first->trailerField, second->trailerField, 1);
    RSA_PSS_PARAMS_free(first);
    RSA_PSS_PARAMS_free(second);
    return same;
}

/* RFC 6211 §3: what is compared is the meaning, not the encoding. */
static bool means_the_same(const X509_ALGOR *a, const X509_ALGOR *b)
{
    bool both_pss = OBJ_obj2nid(a->algorithm) == NID_rsassaPss && OBJ_obj2nid(b->algorithm) == NID_rsassaPss;
    return is_same(a, b) || (both_pss && is_same_pss(a, b));
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
    if (!means_the_same(protection->signature, signature))
        return "attribute names another signature algorithm";
    return NULL;
}
