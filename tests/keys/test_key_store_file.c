/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/keys.h"

#include "support/pki.h"

#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <sys/resource.h>

static void write_der(const char *folder, const char *name, const unsigned char *der, int length)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    cr_assert(g_file_set_contents(path, (const char *)der, length, NULL));
}

static void write_with(const char *folder, const char *name, const struct pki *pki, const EVP_CIPHER *cipher, bool der)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    owned(BIO) BIO *file = BIO_new_file(path, "w");
    char phrase[] = "secret";
    int length = cipher != NULL ? (int)strlen(phrase) : 0;
    if (der)
        cr_assert(i2d_PKCS8PrivateKey_bio(file, pki->key, cipher, phrase, length, NULL, NULL));
    else
        cr_assert(
            PEM_write_bio_PrivateKey_traditional(file, pki->key, cipher, (unsigned char *)phrase, length, NULL, NULL));
}

static EVP_PKEY *load(const char *folder, const char *name, struct error *error)
{
    g_autofree char *uri = g_strdup_printf("file:%s/%s", folder, name);
    return keys_load(uri, error);
}

Test(key_store_file, reads_every_form_of_key)
{
    char *folder = folder_new();
    PKI_AUTO struct pki *ec = pki_ca("ec");
    PKI_AUTO struct pki *rsa = pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=rsa"), .key = PKI_RSA});
    g_free(pki_write_key(folder, "pkcs8.pem", ec));
    write_with(folder, "ec.pem", ec, NULL, false);
    write_with(folder, "rsa.pem", rsa, NULL, false);
    write_with(folder, "pkcs8.der", rsa, NULL, true);
    unsigned char *der = NULL;
    int length = i2d_PrivateKey(rsa->key, &der);
    write_der(folder, "rsa.der", der, length);
    OPENSSL_free(der);
    g_autofree char *certificate = pki_write(folder, "cert.pem", ec, NULL);
    g_autofree char *key = pki_write_key(folder, "key.pem", ec);
    g_autofree char *first = NULL, *second = NULL;
    cr_assert(g_file_get_contents(certificate, &first, NULL, NULL) && g_file_get_contents(key, &second, NULL, NULL));
    g_autofree char *both = g_strconcat(first, second, NULL);
    folder_write(folder, "both.pem", both);

    static const char *const names[] = {"pkcs8.pem", "ec.pem", "both.pem", "rsa.pem", "pkcs8.der", "rsa.der"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        struct error error = {0};
        owned(EVP_PKEY) EVP_PKEY *loaded = load(folder, names[i], &error);
        cr_assert_not_null(loaded, "%s: %s", names[i], error.text);
        cr_expect_eq(EVP_PKEY_eq(loaded, i < 3 ? ec->key : rsa->key), 1, "%s", names[i]);
        cr_expect_eq(ERR_peek_error(), 0, "%s leaves an error behind", names[i]);
    }
    folder_remove(folder);
}

Test(key_store_file, never_asks_for_a_passphrase)
{
    char *folder = folder_new();
    PKI_AUTO struct pki *rsa = pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=rsa"), .key = PKI_RSA});
    write_with(folder, "traditional.pem", rsa, EVP_aes_128_cbc(), false);
    write_with(folder, "pkcs8.der", rsa, EVP_aes_128_cbc(), true);
    static const char *const names[] = {"traditional.pem", "pkcs8.der"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        struct error error = {0};
        cr_expect_null(load(folder, names[i], &error));
        cr_expect_eq(error.kind, ERROR_CONFIGURATION);
        cr_expect_not_null(strstr(error.text, "encrypted"), "%s: %s", names[i], error.text);
    }
    folder_remove(folder);
}

Test(key_store_file, refuses_what_is_no_key)
{
    char *folder = folder_new();
    PKI_AUTO struct pki *ec = pki_ca("ec");
    g_free(pki_write(folder, "certificate.pem", ec, NULL));
    folder_write(folder, "empty.pem", "");
    folder_write(folder, "garbage.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    g_autofree char *public_key = g_build_filename(folder, "public.pem", NULL);
    BIO *file = BIO_new_file(public_key, "w");
    cr_assert(PEM_write_bio_PUBKEY(file, ec->key));
    BIO_free(file);
    static const char *const names[] = {"certificate.pem", "empty.pem", "garbage.pem", "public.pem", "absent.pem", "."};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        struct error error = {0};
        cr_expect_null(load(folder, names[i], &error), "%s", names[i]);
        cr_expect_eq(error.kind, ERROR_CONFIGURATION, "%s", names[i]);
        cr_expect_not_null(strstr(error.text, names[i]), "%s", error.text);
        cr_expect_eq(ERR_peek_error(), 0);
    }
    folder_remove(folder);
}

Test(key_store_file, a_pkcs12_bundle_is_told_as_such)
{
    char *folder = folder_new();
    PKI_AUTO struct pki *rsa = pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=rsa"), .key = PKI_RSA});
    PKCS12 *bundle = PKCS12_create("x", "name", rsa->key, rsa->cert, NULL, 0, 0, 1, 1, 0);
    unsigned char *der = NULL;
    struct error of_key = {0}, of_certificate = {0};
    int length = i2d_PKCS12(bundle, &der);
    PKCS12_free(bundle);
    write_der(folder, "bundle.p12", der, length);
    OPENSSL_free(der);
    cr_expect_null(load(folder, "bundle.p12", &of_key));
    cr_expect_not_null(strstr(of_key.text, "bundle.p12: a PKCS #12 bundle"), "%s", of_key.text);
    g_autofree char *path = g_build_filename(folder, "bundle.p12", NULL);
    cr_expect_null(certificates_load(path, &of_certificate));
    cr_expect_not_null(strstr(of_certificate.text, "bundle.p12: a PKCS #12 bundle"), "%s", of_certificate.text);
    cr_expect_eq(ERR_peek_error(), 0);
    folder_remove(folder);
}

Test(key_store_file, tells_which_keys_are_beside_one_that_is_not_there)
{
    char *folder = folder_new();
    PKI_AUTO struct pki *ec = pki_ca("ec");
    struct error error = {0};
    cr_expect_null(load(folder, "dsa.kye", &error));
    cr_expect_null(strstr(error.text, "beside"), "%s", error.text);
    static const char *const names[] = {"c.key", "a.key", ".hidden.key", "e.key", "d.key", "b.key", "a.pem"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        g_free(pki_write_key(folder, names[i], ec));
    cr_expect_null(load(folder, "dsa.kye", &error));
    cr_expect_eq(error.kind, ERROR_CONFIGURATION);
    cr_expect(g_str_has_suffix(error.text,
                               "No such file or directory; the other keys there are a.key, b.key, c.key, d.key, "
                               "e.key"),
              "%s", error.text);
    g_free(pki_write_key(folder, "f.key", ec));
    g_free(pki_write_key(folder, "g.key", ec));
    cr_expect_null(load(folder, "dsa.kye", &error));
    cr_expect(g_str_has_suffix(error.text, "d.key, e.key and 2 more"), "%s", error.text);
    folder_write(folder, "a.key", "nothing");
    cr_expect_null(load(folder, "a.key", &error));
    cr_expect_null(strstr(error.text, "beside"), "%s", error.text);
    folder_remove(folder);
}

Test(key_store_file, what_may_pass_is_temporary)
{
    char *folder = folder_new();
    PKI_AUTO struct pki *ec = pki_ca("ec");
    struct rlimit before, none = {0};
    struct error error = {0};
    g_free(pki_write_key(folder, "a.key", ec));
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none.rlim_max = before.rlim_max;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    EVP_PKEY *key = load(folder, "a.key", &error);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    cr_expect_null(key);
    cr_expect_eq(error.kind, ERROR_TEMPORARY, "%s", error.text);
    cr_expect_eq(ERR_peek_error(), 0);
    folder_remove(folder);
}
