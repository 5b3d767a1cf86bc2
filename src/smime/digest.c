/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digests of a SignedData. The content is hashed once for each digest algorithm that a SignerInfo names; the
 * digestAlgorithms field is not used for that, since a sender could list one algorithm a thousand times.
 */
#include "smime_private.h"

#define PIECE ((size_t)1 << 20)

const EVP_MD *digest_of(CMS_SignerInfo *info)
{
    const ASN1_OBJECT *oid;
    X509_ALGOR *algorithm;
    CMS_SignerInfo_get0_algs(info, NULL, NULL, &algorithm, NULL);
    X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
    return EVP_get_digestbyobj(oid);
}

/* OpenSSL knows the names of digests that no provider of it has, such as MD4. */
bool digest_is_usable(const EVP_MD *digest)
{
    owned(EVP_MD) EVP_MD *fetched = digest != NULL ? EVP_MD_fetch(NULL, EVP_MD_get0_name(digest), NULL) : NULL;
    return fetched != NULL;
}

static bool has_digest(BIO *chain, const EVP_MD *digest)
{
    for (BIO *each = BIO_find_type(chain, BIO_TYPE_MD); each != NULL;
         each = BIO_find_type(BIO_next(each), BIO_TYPE_MD)) {
        const EVP_MD *there = NULL;
        if (BIO_get_md(each, &there) > 0 && there != NULL && EVP_MD_get_type(there) == EVP_MD_get_type(digest))
            return true;
        if (BIO_next(each) == NULL)
            break;
    }
    return false;
}

BIO *digest_chain(STACK_OF(CMS_SignerInfo) * infos)
{
    owned(BIO) BIO *chain = BIO_new(BIO_s_null());
    if (chain == NULL)
        return NULL;
    for (int i = 0; i < sk_CMS_SignerInfo_num(infos); i++) {
        const EVP_MD *digest = digest_of(sk_CMS_SignerInfo_value(infos, i));
        BIO *filter;
        if (!digest_is_usable(digest) || has_digest(chain, digest))
            continue;
        filter = BIO_new(BIO_f_md());
        if (filter == NULL || BIO_set_md(filter, digest) <= 0) {
            BIO_free(filter);
            return NULL;
        }
        chain = BIO_push(filter, steal(&chain));
    }
    return steal(&chain);
}

static unsigned digest_count(BIO *chain)
{
    unsigned count = 0;
    for (BIO *each = chain; (each = BIO_find_type(each, BIO_TYPE_MD)) != NULL; each = BIO_next(each))
        count++;
    return count;
}

bool digest_write(BIO *chain, struct slice content, struct budget *budget, struct error *error)
{
    unsigned count = digest_count(chain);
    while (content.len > 0) {
        size_t piece = MIN(content.len, PIECE), written;
        if (!budget_spend(budget, piece * count * COST_HASHED, error))
            return false;
        if (!BIO_write_ex(chain, content.data, piece, &written))
            return error_set_openssl(error, ERROR_TEMPORARY, "digest of the content");
        content.data += written;
        content.len -= written;
    }
    return true;
}
