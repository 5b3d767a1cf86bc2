/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/keys.h"

#include "support/pki.h"

#include <criterion/criterion.h>

static void write_der(const char *folder, const char *name, const unsigned char *der, int length)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    cr_assert(g_file_set_contents(path, (const char *)der, length, NULL));
}

static int count_of(const char *path, struct error *error)
{
    owned(x509_stack) STACK_OF(X509) *list = certificates_load(path, error);
    return list != NULL ? sk_X509_num(list) : -1;
}

Test(certificate_file, reads_every_form)
{
    char *folder = folder_new();
    struct error error = {0};
    PKI_AUTO struct pki *ca = pki_ca("root");
    PKI_AUTO struct pki *leaf = pki_person(ca, "alice@acme.test");
    g_autofree char *chain = pki_write(folder, "chain.pem", leaf, ca, NULL);
    owned(x509_stack) STACK_OF(X509) *list = certificates_load(chain, &error);
    cr_assert_not_null(list, "%s", error.text);
    cr_expect_eq(sk_X509_num(list), 2);
    cr_expect_eq(X509_cmp(sk_X509_value(list, 0), leaf->cert), 0, "the order of the file is kept");

    unsigned char *der = NULL;
    int length = i2d_X509(leaf->cert, &der);
    write_der(folder, "leaf.der", der, length);
    OPENSSL_free(der);
    g_autofree char *leaf_der = g_build_filename(folder, "leaf.der", NULL);
    cr_expect_eq(count_of(leaf_der, &error), 1, "%s", error.text);

    owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_sign(NULL, NULL, list, NULL, CMS_PARTIAL | CMS_DETACHED);
    cr_assert_not_null(cms);
    der = NULL;
    length = i2d_CMS_ContentInfo(cms, &der);
    cr_assert_gt(length, 0);
    write_der(folder, "bundle.p7c", der, length);
    g_autofree char *bundle = g_build_filename(folder, "bundle.p7c", NULL);
    cr_expect_eq(count_of(bundle, &error), 2, "%s", error.text);

    g_autofree char *pem = g_build_filename(folder, "bundle.pem", NULL);
    BIO *file = BIO_new_file(pem, "w");
    cr_assert(PEM_write_bio(file, PEM_STRING_CMS, "", der, length) && PEM_write_bio_X509(file, ca->cert));
    BIO_free(file);
    OPENSSL_free(der);
    cr_expect_eq(count_of(pem, &error), 3, "%s", error.text);
    folder_remove(folder);
}

Test(certificate_file, refuses_the_whole_file_for_one_bad_block)
{
    char *folder = folder_new();
    PKI_AUTO struct pki *ca = pki_ca("root");
    g_autofree char *good = pki_write(folder, "good.pem", ca, NULL);
    g_autofree char *text = NULL;
    cr_assert(g_file_get_contents(good, &text, NULL, NULL));
    g_autofree char *two = g_strconcat(text, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", NULL);
    g_autofree char *cut = g_strndup(text, strlen(text) / 2);
    const struct {
        const char *name, *text, *says;
    } rows[] = {{"two.pem", two, "cannot parse the certificate"},
                {"cut.pem", cut, "cannot parse the certificate"},
                {"empty.pem", "", "empty.pem: is empty"},
                {"text.pem", "no certificate at all\n", "contains no certificate in PEM or DER"},
                {"key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "a private key, but no"},
                {"der.der", "\x30\x82\x01", "contains no certificate in PEM or DER"}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct error error = {0};
        g_autofree char *path = folder_file(folder, rows[i].name, rows[i].text);
        cr_expect_eq(count_of(path, &error), -1, "%s", rows[i].name);
        cr_expect_eq(error.kind, ERROR_CONFIGURATION, "%s", rows[i].name);
        cr_expect_not_null(strstr(error.text, rows[i].name), "%s", error.text);
        cr_expect_not_null(strstr(error.text, rows[i].says), "%s", error.text);
    }
    struct error error = {0};
    cr_expect_eq(count_of("/nonexistent/x.pem", &error), -1);
    folder_remove(folder);
}
