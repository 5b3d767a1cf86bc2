/* SPDX-License-Identifier: Apache-2.0 */
#include "support/counted.h"

#include <dlfcn.h>
#include <openssl/cms.h>
#include <openssl/crypto.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <zlib.h>

struct counted counted;

/* Several threads may count. */
#define COUNT(counter, more) ((void)__atomic_fetch_add(&counted.counter, more, __ATOMIC_RELAXED))

int X509_verify_cert(X509_STORE_CTX *context)
{
    int (*real)(X509_STORE_CTX *) = (int (*)(X509_STORE_CTX *))dlsym(RTLD_NEXT, "X509_verify_cert");
    COUNT(paths, 1);
    COUNT(running, 1);
    int verified = real(context);
    COUNT(running, -1u);
    return verified;
}

int X509_verify(X509 *certificate, EVP_PKEY *key)
{
    int (*real)(X509 *, EVP_PKEY *) = (int (*)(X509 *, EVP_PKEY *))dlsym(RTLD_NEXT, "X509_verify");
    COUNT(signatures, 1);
    return real(certificate, key);
}

int ASN1_item_verify(const ASN1_ITEM *item, const X509_ALGOR *algorithm, const ASN1_BIT_STRING *signature,
                     const void *data, EVP_PKEY *key)
{
    int (*real)(const ASN1_ITEM *, const X509_ALGOR *, const ASN1_BIT_STRING *, const void *, EVP_PKEY *) =
        (int (*)(const ASN1_ITEM *, const X509_ALGOR *, const ASN1_BIT_STRING *, const void *, EVP_PKEY *))dlsym(
            RTLD_NEXT, "ASN1_item_verify");
    COUNT(lists, 1);
    return real(item, algorithm, signature, data, key);
}

int X509_CRL_verify(X509_CRL *crl, EVP_PKEY *key)
{
    int (*real)(X509_CRL *, EVP_PKEY *) = (int (*)(X509_CRL *, EVP_PKEY *))dlsym(RTLD_NEXT, "X509_CRL_verify");
    COUNT(lists, sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)) > 0);
    return real(crl, key);
}

int CMS_SignerInfo_verify(CMS_SignerInfo *info)
{
    int (*real)(CMS_SignerInfo *) = (int (*)(CMS_SignerInfo *))dlsym(RTLD_NEXT, "CMS_SignerInfo_verify");
    COUNT(signers, 1);
    return real(info);
}

int X509_check_issued(X509 *issuer, X509 *subject)
{
    int (*real)(X509 *, X509 *) = (int (*)(X509 *, X509 *))dlsym(RTLD_NEXT, "X509_check_issued");
    COUNT(compared, 1);
    return real(issuer, subject);
}

void *X509_get_ext_d2i(const X509 *certificate, int nid, int *critical, int *index)
{
    void *(*real)(const X509 *, int, int *, int *) =
        (void *(*)(const X509 *, int, int *, int *))dlsym(RTLD_NEXT, "X509_get_ext_d2i");
    COUNT(names, nid == NID_subject_alt_name);
    return real(certificate, nid, critical, index);
}

CMS_ContentInfo *d2i_CMS_ContentInfo(CMS_ContentInfo **cms, const unsigned char **in, long length)
{
    CMS_ContentInfo *(*real)(CMS_ContentInfo **, const unsigned char **, long) =
        (CMS_ContentInfo * (*)(CMS_ContentInfo **, const unsigned char **, long))
            dlsym(RTLD_NEXT, "d2i_CMS_ContentInfo");
    COUNT(decoded, 1);
    return real(cms, in, length);
}

int inflate(z_streamp stream, int flush)
{
    int (*real)(z_streamp, int) = (int (*)(z_streamp, int))dlsym(RTLD_NEXT, "inflate");
    uLong before = stream->total_out;
    int status = real(stream, flush);
    COUNT(inflated, stream->total_out - before);
    return status;
}

void OPENSSL_thread_stop(void)
{
    void (*real)(void) = (void (*)(void))dlsym(RTLD_NEXT, "OPENSSL_thread_stop");
    real();
    COUNT(ended, 1);
}
