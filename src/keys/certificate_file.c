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

static STACK_OF(X509) * open_bundle(PKCS12 *bundle, const char *passphrase, struct error *error)
{
    if (passphrase != NULL)
        return passphrase_open(bundle, passphrase, NULL, error);
    error_set(error, ERROR_CONFIGURATION,
              "a PKCS #12 bundle; if it has our key, take it apart with domsec key import, otherwise extract the "
              "certificates "
              "with openssl pkcs12 -nokeys; only an identity with passphrase_file opens it as it is");
    return NULL;
}

/* What many authorities hand out; NULL: it is something else. */
static PKCS12 *parse_bundle(struct slice contents)
{
    const unsigned char *at = (const unsigned char *)contents.data;
    PKCS12 *bundle = d2i_PKCS12(NULL, &at, (long)contents.len);
    ERR_clear_error();
    return bundle;
}

static bool is_pem(struct slice contents)
{
    return g_strstr_len(contents.data, (gssize)contents.len, "-----BEGIN ") != NULL;
}

static bool is_request(struct slice contents)
{
    const unsigned char *at = (const unsigned char *)contents.data;
    owned(BIO) BIO *file = is_pem(contents) ? BIO_new_mem_buf(contents.data, (int)contents.len) : NULL;
    owned(X509_REQ) X509_REQ *request =
        file != NULL ? PEM_read_bio_X509_REQ(file, NULL, NULL, NULL) : d2i_X509_REQ(NULL, &at, (long)contents.len);
    ERR_clear_error();
    return request != NULL;
}

/* What is there instead of a certificate: the wrong one of several files was most likely named. */
static void explain(struct slice contents, struct error *error)
{
    if (is_request(contents))
        error_set(error, ERROR_CONFIGURATION,
                  "this is a certificate request; the CA to which it is sent answers with the certificate");
    else if (!is_pem(contents))
        error_set(error, ERROR_CONFIGURATION, "contains no certificate in PEM or DER");
    else
        error_set(error, ERROR_CONFIGURATION, "contains %sno certificate",
                  g_strstr_len(contents.data, (gssize)contents.len, "PRIVATE KEY-----") != NULL ? "a private key, but "
                                                                                                : "");
}

STACK_OF(X509) * certificates_parse(struct slice contents, const char *passphrase, struct error *error)
{
    if (contents.len == 0 || contents.len > CERTIFICATE_FILE_MAX) {
        error_set(error, ERROR_CONFIGURATION, contents.len == 0 ? "is empty" : "is larger than %d MiB",
                  CERTIFICATE_FILE_MAX >> 20);
        return NULL;
    }
    owned(PKCS12) PKCS12 *bundle = parse_bundle(contents);
    if (bundle != NULL)
        return open_bundle(bundle, passphrase, error);
    owned(x509_stack) STACK_OF(X509) *list = sk_X509_new_null();
    if (list == NULL) {
        error_set(error, ERROR_TEMPORARY, "out of memory");
        return NULL;
    }
    ERR_clear_error();
    bool good = add_any(list, contents.data, contents.len);
    if (!good && is_pem(contents))
        error_set_openssl(error, ERROR_CONFIGURATION, "cannot parse the certificate");
    else if (!good || sk_X509_num(list) == 0)
        explain(contents, error);
    ERR_clear_error();
    return good && sk_X509_num(list) > 0 ? steal(&list) : NULL;
}

STACK_OF(X509) * certificates_load_with(const char *file, const char *passphrase, struct error *error)
{
    size_t length = 0;
    g_autofree char *contents = file_read(file, &length, error);
    STACK_OF(X509) *list =
        contents != NULL ? certificates_parse((struct slice){contents, length}, passphrase, error) : NULL;
    if (list == NULL)
        error_prefix(error, "%s", file);
    return list;
}

STACK_OF(X509) * certificates_load(const char *file, struct error *error)
{
    return certificates_load_with(file, NULL, error);
}
