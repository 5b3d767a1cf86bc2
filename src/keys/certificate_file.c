/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate_file: certificates from a file in any of the forms that people have them in: PEM (several, with other
 * things between them), DER (one after another), PKCS#7 or CMS certs-only in either, or PKCS #12. Told apart by trying,
 * never by the file's name.
 *
 * One bad block makes the whole file bad: a chain of which a part was left out silently would be a riddle later.
 */
#include "keys/keys.h"

#include "passphrase.h"

#include "base/file.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>
#include <string.h>

#define CERTIFICATE_FILE_MAX (16 << 20)
#define CERTIFICATES_MAX 10000

/* Takes the certificate, also on failure. Its extensions are decoded now: later that would need a lock. */
static bool append(STACK_OF(X509) * list, X509 *certificate)
{
    if (sk_X509_num(list) >= CERTIFICATES_MAX || sk_X509_push(list, certificate) <= 0) {
        X509_free(certificate);
        return false;
    }
    X509_check_purpose(certificate, -1, 0);
    ERR_clear_error(); /* that a certificate's extensions are bad is for trust to say */
    return true;
}

static bool add_bundle(STACK_OF(X509) * list, const unsigned char *data, long length)
{
    PKCS7 *bundle = d2i_PKCS7(NULL, &data, length);
    bool good = bundle != NULL && PKCS7_type_is_signed(bundle) && bundle->d.sign != NULL;
    for (int i = 0; good && i < sk_X509_num(bundle->d.sign->cert); i++) {
        X509 *certificate = sk_X509_value(bundle->d.sign->cert, i);
        good = X509_up_ref(certificate) && append(list, certificate);
    }
    PKCS7_free(bundle);
    return good;
}

static bool add_der(STACK_OF(X509) * list, const unsigned char *data, long length)
{
    const unsigned char *end = data + length;
    const unsigned char *at = data;
    while (at < end) {
        X509 *certificate = d2i_X509(NULL, &at, end - at);
        if (certificate == NULL)
            break;
        if (!append(list, certificate))
            return false;
    }
    return at == end || (at == data && add_bundle(list, data, length));
}

/* A block that is neither a certificate nor a bundle of them (a key, a CRL, parameters) is passed over. */
static bool add_pem_block(STACK_OF(X509) * list, const char *name, const unsigned char *data, long length)
{
    const unsigned char *at = data;
    if (strcmp(name, PEM_STRING_PKCS7) == 0 || strcmp(name, PEM_STRING_CMS) == 0)
        return add_bundle(list, data, length);
    if (strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0) {
        X509 *certificate = d2i_X509(NULL, &at, length);
        return certificate != NULL && append(list, certificate);
    }
    if (strcmp(name, PEM_STRING_X509_TRUSTED) == 0) {
        X509 *certificate = d2i_X509_AUX(NULL, &at, length);
        return certificate != NULL && append(list, certificate);
    }
    return true;
}

static bool add_pem(STACK_OF(X509) * list, BIO *file)
{
    for (;;) {
        char *name = NULL, *header = NULL;
        unsigned char *data = NULL;
        long length = 0;
        if (!PEM_read_bio(file, &name, &header, &data, &length))
            return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
        bool good = add_pem_block(list, name, data, length);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(data);
        if (!good)
            return false;
    }
}

static bool add_any(STACK_OF(X509) * list, const char *contents, gsize length)
{
    if (g_strstr_len(contents, (gssize)length, "-----BEGIN ") == NULL)
        return add_der(list, (const unsigned char *)contents, (long)length);
    owned(BIO) BIO *file = BIO_new_mem_buf(contents, (int)length);
    return file != NULL && add_pem(list, file);
}

static STACK_OF(X509) * open_bundle(PKCS12 *bundle, const char *file, const char *passphrase, struct error *error)
{
    STACK_OF(X509) *list = NULL;
    if (passphrase != NULL)
        list = passphrase_open(bundle, passphrase, NULL, error);
    else
        error_set(error, ERROR_CONFIGURATION,
                  "a PKCS #12 bundle; an identity opens it with passphrase_file, elsewhere extract the certificates "
                  "with openssl pkcs12 -nokeys");
    if (list == NULL)
        error_prefix(error, "%s", file);
    return list;
}

STACK_OF(X509) * certificates_load(const char *file, struct error *error)
{
    return certificates_load_with(file, NULL, error);
}

/* What many authorities hand out; NULL: it is something else. */
static PKCS12 *parse_bundle(const char *contents, size_t length)
{
    const unsigned char *at = (const unsigned char *)contents;
    PKCS12 *bundle = d2i_PKCS12(NULL, &at, (long)length);
    ERR_clear_error();
    return bundle;
}

static bool is_request(const char *contents, size_t length, bool is_pem)
{
    const unsigned char *at = (const unsigned char *)contents;
    owned(BIO) BIO *file = is_pem ? BIO_new_mem_buf(contents, (int)length) : NULL;
    owned(X509_REQ) X509_REQ *request =
        is_pem ? PEM_read_bio_X509_REQ(file, NULL, NULL, NULL) : d2i_X509_REQ(NULL, &at, (long)length);
    ERR_clear_error();
    return request != NULL;
}

/* What a file without a certificate is instead: the wrong one of several files was most likely named. */
static void explain(const char *file, const char *contents, size_t length, struct error *error)
{
    bool is_pem = g_strstr_len(contents, (gssize)length, "-----BEGIN ") != NULL;
    if (is_request(contents, length, is_pem))
        error_set(error, ERROR_CONFIGURATION,
                  "%s: this is a certificate request; the CA to which it is sent answers with the certificate", file);
    else if (!is_pem)
        error_set(error, ERROR_CONFIGURATION, "%s: contains no certificate in PEM or DER", file);
    else
        error_set(error, ERROR_CONFIGURATION, "%s: contains %sno certificate", file,
                  g_strstr_len(contents, (gssize)length, "PRIVATE KEY-----") != NULL ? "a private key, but " : "");
}

STACK_OF(X509) * certificates_load_with(const char *file, const char *passphrase, struct error *error)
{
    size_t length = 0;
    g_autofree char *contents = file_read(file, &length, error);
    if (contents == NULL) {
        error_prefix(error, "%s", file);
        return NULL;
    }
    if (length > CERTIFICATE_FILE_MAX) {
        error_set(error, ERROR_CONFIGURATION, "%s: larger than %d MiB", file, CERTIFICATE_FILE_MAX >> 20);
        return NULL;
    }
    owned(PKCS12) PKCS12 *bundle = parse_bundle(contents, length);
    if (bundle != NULL)
        return open_bundle(bundle, file, passphrase, error);
    owned(x509_stack) STACK_OF(X509) *list = sk_X509_new_null();
    if (list == NULL) {
        error_set(error, ERROR_TEMPORARY, "out of memory");
        return NULL;
    }
    ERR_clear_error();
    bool is_pem = g_strstr_len(contents, (gssize)length, "-----BEGIN ") != NULL;
    if (!add_any(list, contents, length)) {
        if (is_pem)
            error_set_openssl(error, ERROR_CONFIGURATION, "%s: cannot parse the certificate", file);
        else
            explain(file, contents, length, error);
        ERR_clear_error();
        return NULL;
    }
    ERR_clear_error();
    if (sk_X509_num(list) == 0) {
        explain(file, contents, length, error);
        return NULL;
    }
    return steal(&list);
}
