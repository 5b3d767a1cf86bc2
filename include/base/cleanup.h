/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cleanup: declares what frees what, for early returns without goto.
 *
 *     owned(rope) struct rope *text = rope_new();
 *     owned(CMS_ContentInfo) CMS_ContentInfo *cms = NULL;
 *
 * A domsec type is declared in its own header with DECLARE_OWNED(name, struct x *, x_free), the OpenSSL types here.
 * To give the object away: return steal(&text). (g_autofree and g_autoptr serve for GLib's own.)
 */
#ifndef DOMSEC_BASE_CLEANUP_H
#define DOMSEC_BASE_CLEANUP_H

#include <glib.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#define owned(name) __attribute__((cleanup(cleanup_##name)))
#define steal(pointer) g_steal_pointer(pointer)

#define DECLARE_OWNED(name, type, destroy)                                                                             \
    static inline __attribute__((unused)) void cleanup_##name(type *variable)                                          \
    {                                                                                                                  \
        if (*variable != NULL)                                                                                         \
            destroy(*variable);                                                                                        \
    }

static inline __attribute__((unused)) void x509_stack_free(STACK_OF(X509) * stack)
{
    sk_X509_pop_free(stack, X509_free);
}

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

#endif
