/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openssl: which function frees which OpenSSL type, for owned(). Apart from cleanup.h, so that a folder that knows no
 * OpenSSL, such as policy/, includes none.
 *
 *     owned(CMS_ContentInfo) CMS_ContentInfo *cms = NULL;
 */
#ifndef DOMSEC_BASE_OPENSSL_H
#define DOMSEC_BASE_OPENSSL_H

#include "base/cleanup.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

static inline __attribute__((unused)) void x509_stack_free(STACK_OF(X509) * stack)
{
    sk_X509_pop_free(stack, X509_free);
}

/* What i2d_…() allocates. */
static inline __attribute__((unused)) void openssl_free(void *memory)
{
    OPENSSL_free(memory);
}

DECLARE_OWNED(openssl_bytes, unsigned char *, openssl_free)
DECLARE_OWNED(evp_md_ctx, EVP_MD_CTX *, EVP_MD_CTX_free)
DECLARE_OWNED(ASN1_OBJECT, ASN1_OBJECT *, ASN1_OBJECT_free)
DECLARE_OWNED(BIGNUM, BIGNUM *, BN_free)
DECLARE_OWNED(BIO, BIO *, BIO_free_all)
DECLARE_OWNED(CMS_ContentInfo, CMS_ContentInfo *, CMS_ContentInfo_free)
DECLARE_OWNED(EVP_PKEY, EVP_PKEY *, EVP_PKEY_free)
DECLARE_OWNED(EVP_PKEY_CTX, EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DECLARE_OWNED(EVP_MD, EVP_MD *, EVP_MD_free)
DECLARE_OWNED(X509, X509 *, X509_free)
DECLARE_OWNED(X509_CRL, X509_CRL *, X509_CRL_free)
DECLARE_OWNED(X509_REQ, X509_REQ *, X509_REQ_free)
DECLARE_OWNED(X509_STORE, X509_STORE *, X509_STORE_free)
DECLARE_OWNED(X509_STORE_CTX, X509_STORE_CTX *, X509_STORE_CTX_free)
DECLARE_OWNED(x509_stack, STACK_OF(X509) *, x509_stack_free)
DECLARE_OWNED(x509_lent, STACK_OF(X509) *, sk_X509_free) /* not the certificates in it */

#endif
