/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle: reads a PKCS #12 bundle that is to be taken apart. Windows still writes RC2, which OpenSSL reads with its
 * legacy provider alone. It is loaded while the bundle is open. A library context of its own would not do: OpenSSL 3.0
 * takes the default one for the key.
 */
#include "keys/bundle.h"

#include "passphrase.h"

#include "base/file.h"

#include <openssl/err.h>

#define BUNDLE_MAX (1 << 20)

static bool explain(const char *contents, size_t length, struct error *error)
{
    bool is_pem = g_strstr_len(contents, (gssize)length, "-----BEGIN ") != NULL;
    return error_set(error, ERROR_PERMANENT, "not a PKCS #12 bundle%s",
                     is_pem ? " but PEM; an identity names keys and certificates in PEM as they are" : "");
}

static bool parse_contents(const char *contents, size_t length, struct bundle *bundle, struct error *error)
{
    if (length > BUNDLE_MAX)
        return error_set(error, ERROR_PERMANENT, "larger than %d MiB", BUNDLE_MAX >> 20);
    const unsigned char *at = (const unsigned char *)contents;
    bundle->sealed = d2i_PKCS12(NULL, &at, (long)length);
    ERR_clear_error();
    return bundle->sealed != NULL || explain(contents, length, error);
}

bool bundle_read(const char *file, struct bundle *bundle, struct error *error)
{
    *bundle = (struct bundle){.file = g_strdup(file)};
    size_t length = 0;
    char *contents = file_read(file, &length, error);
    bool good = contents != NULL && parse_contents(contents, length, bundle, error);
    if (contents != NULL)
        OPENSSL_cleanse(contents, length);
    g_free(contents);
    return good || error_prefix(error, "%s", file);
}

bool bundle_open(struct bundle *bundle, const char *passphrase, struct error *error)
{
    /* The default provider is no longer loaded by itself once another one is. */
    if (OSSL_PROVIDER_load(NULL, "default") != NULL && bundle->old == NULL)
        bundle->old = OSSL_PROVIDER_load(NULL, "legacy");
    bundle->certificates = passphrase_open(bundle->sealed, passphrase, &bundle->key, error);
    return bundle->certificates != NULL || error_prefix(error, "%s", bundle->file);
}

void bundle_clear(struct bundle *bundle)
{
    g_free(bundle->file);
    PKCS12_free(bundle->sealed);
    EVP_PKEY_free(bundle->key);
    x509_stack_free(bundle->certificates);
    if (bundle->old != NULL)
        OSSL_PROVIDER_unload(bundle->old);
    *bundle = (struct bundle){0};
}
