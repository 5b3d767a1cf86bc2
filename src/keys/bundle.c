/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle: reads a PKCS #12 bundle that is to be taken apart. Windows still writes RC2 and 3DES, which OpenSSL reads
 * with its legacy provider alone; it is loaded for this bundle and not for the whole program.
 */
#include "keys/bundle.h"

#include "passphrase.h"

#include "base/file.h"

#include <openssl/err.h>
#include <openssl/provider.h>

#define BUNDLE_MAX (1 << 20)

static PKCS12 *parse(const char *contents, size_t length, OSSL_LIB_CTX *library)
{
    const unsigned char *at = (const unsigned char *)contents;
    PKCS12 *bundle = PKCS12_init_ex(NID_pkcs7_data, library, NULL);
    return bundle != NULL ? d2i_PKCS12(&bundle, &at, (long)length) : NULL;
}

/* NULL: the legacy provider is not installed. */
static OSSL_LIB_CTX *legacy_library(void)
{
    OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
    if (library != NULL && OSSL_PROVIDER_load(library, "legacy") != NULL &&
        OSSL_PROVIDER_load(library, "default") != NULL)
        return library;
    OSSL_LIB_CTX_free(library);
    return NULL;
}

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
    bundle->library = legacy_library();
    bundle->sealed = parse(contents, length, bundle->library);
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
    bundle->certificates = passphrase_open(bundle->sealed, passphrase, &bundle->key, error);
    return bundle->certificates != NULL || error_prefix(error, "%s", bundle->file);
}

void bundle_clear(struct bundle *bundle)
{
    g_free(bundle->file);
    PKCS12_free(bundle->sealed);
    EVP_PKEY_free(bundle->key);
    x509_stack_free(bundle->certificates);
    OSSL_LIB_CTX_free(bundle->library); /* its providers, too */
    *bundle = (struct bundle){0};
}
