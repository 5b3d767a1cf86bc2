/* SPDX-License-Identifier: Apache-2.0 */
#include "passphrase.h"

#include "base/file.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#define PASSPHRASE_MAX 1024 /* what OpenSSL has room for */

char *passphrase_read(const char *file, struct error *error)
{
    size_t length = 0;
    char *contents = file_read(file, &length, error);
    if (contents == NULL) {
        error_prefix(error, "passphrase_file %s", file);
        return NULL;
    }
    size_t line = strcspn(contents, "\n");
    if (line > 0 && contents[line] == '\n' && contents[line - 1] == '\r')
        line--;
    bool good = line <= PASSPHRASE_MAX && (line < length ? contents[line] != '\0' : true);
    OPENSSL_cleanse(contents + line, length - line);
    if (good)
        return contents;
    error_set(error, ERROR_CONFIGURATION, "passphrase_file %s: the first line is not a passphrase of up to %d bytes",
              file, PASSPHRASE_MAX);
    passphrase_free(contents);
    return NULL;
}

void passphrase_free(char *passphrase)
{
    if (passphrase != NULL)
        OPENSSL_cleanse(passphrase, strlen(passphrase));
    g_free(passphrase);
}

bool passphrase_failed(struct error *error)
{
    bool unsupported = false;
    for (unsigned long code; (code = ERR_get_error()) != 0;)
        unsupported = unsupported || (ERR_GET_LIB(code) == ERR_LIB_EVP && ERR_GET_REASON(code) == ERR_R_UNSUPPORTED);
    if (unsupported)
        return error_set(error, ERROR_CONFIGURATION,
                         "encrypted with an old algorithm that OpenSSL no longer supports; write it anew on a machine "
                         "with openssl's legacy provider (for a bundle: domsec key import)");
    return error_set(error, ERROR_CONFIGURATION, "cannot be decrypted; the passphrase is wrong");
}

/* The extensions are decoded now: later that would need a lock. */
static bool add(STACK_OF(X509) * list, X509 *certificate)
{
    if (!X509_up_ref(certificate))
        return false;
    if (sk_X509_push(list, certificate) <= 0) {
        X509_free(certificate);
        return false;
    }
    X509_check_purpose(certificate, -1, 0);
    return true;
}

static int count_keys(const STACK_OF(PKCS12_SAFEBAG) * bags)
{
    int count = 0;
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++) {
        int type = PKCS12_SAFEBAG_get_nid(sk_PKCS12_SAFEBAG_value(bags, i));
        count += type == NID_keyBag || type == NID_pkcs8ShroudedKeyBag;
    }
    return count;
}

static void free_safes(STACK_OF(PKCS7) * safes)
{
    sk_PKCS7_pop_free(safes, PKCS7_free);
}
DECLARE_OWNED(safes, STACK_OF(PKCS7) *, free_safes)

/* PKCS12_parse() takes the first and does not mention the others. */
static int keys_in(const PKCS12 *bundle, const char *passphrase)
{
    int count = 0;
    owned(safes) STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(bundle);
    for (int i = 0; i < sk_PKCS7_num(safes); i++) {
        PKCS7 *safe = sk_PKCS7_value(safes, i);
        STACK_OF(PKCS12_SAFEBAG) *bags = PKCS7_type_is_encrypted(safe)
                                             ? PKCS12_unpack_p7encdata(safe, passphrase, (int)strlen(passphrase))
                                             : PKCS12_unpack_p7data(safe);
        count += count_keys(bags);
        sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    }
    return count;
}

static bool is_complete(const PKCS12 *bundle, const char *passphrase, const EVP_PKEY *key, const X509 *leaf,
                        struct error *error)
{
    int count = keys_in(bundle, passphrase);
    if (count > 1)
        return error_set(error, ERROR_CONFIGURATION,
                         "the PKCS #12 bundle contains %d private keys, and an identity has one; export each of them "
                         "with its certificate alone",
                         count);
    if (key == NULL || leaf == NULL)
        return error_set(error, ERROR_CONFIGURATION, "the PKCS #12 bundle contains no %s",
                         key == NULL ? "private key" : "certificate of its key");
    return true;
}

STACK_OF(X509) * passphrase_open(PKCS12 *bundle, const char *passphrase, EVP_PKEY **key, struct error *error)
{
    owned(EVP_PKEY) EVP_PKEY *found = NULL;
    owned(X509) X509 *leaf = NULL;
    owned(x509_stack) STACK_OF(X509) *others = NULL;
    ERR_clear_error();
    if (!PKCS12_mac_present(bundle)) {
        error_set(error, ERROR_CONFIGURATION,
                  "the PKCS #12 bundle has no MAC, so a change would not be noticed; export it with one");
        return NULL;
    }
    if (!PKCS12_parse(bundle, passphrase, &found, &leaf, &others)) {
        passphrase_failed(error);
        return NULL;
    }
    if (!is_complete(bundle, passphrase, found, leaf, error))
        return NULL;
    owned(x509_stack) STACK_OF(X509) *list = sk_X509_new_null();
    bool good = list != NULL && add(list, leaf);
    for (int i = 0; good && i < sk_X509_num(others); i++)
        good = add(list, sk_X509_value(others, i));
    ERR_clear_error();
    if (!good) {
        error_set(error, ERROR_TEMPORARY, "out of memory");
        return NULL;
    }
    if (key != NULL)
        *key = steal(&found);
    return steal(&list);
}
