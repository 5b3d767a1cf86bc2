/* SPDX-License-Identifier: Apache-2.0 */
#include "support/counted.h"

#include <dlfcn.h>
#include <openssl/x509_vfy.h>

struct counted counted;

int X509_verify_cert(X509_STORE_CTX *context)
{
    int (*real)(X509_STORE_CTX *) = (int (*)(X509_STORE_CTX *))dlsym(RTLD_NEXT, "X509_verify_cert");
    counted.paths++;
    counted.running++;
    int verified = real(context);
    counted.running--;
    return verified;
}

int X509_verify(X509 *certificate, EVP_PKEY *key)
{
    int (*real)(X509 *, EVP_PKEY *) = (int (*)(X509 *, EVP_PKEY *))dlsym(RTLD_NEXT, "X509_verify");
    counted.signatures++;
    return real(certificate, key);
}
