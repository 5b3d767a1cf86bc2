/* SPDX-License-Identifier: Apache-2.0 */
#include "support/certs_home.h"

static int stored(struct certs_home *home)
{
    owned(x509_stack) STACK_OF(X509) *all = certs_directory_list(home->conf, home->faults);
    return sk_X509_num(all);
}

Test(certs_directory, import_and_remove)
{
    owned(certs_home) struct certs_home *home = certs_home_new("");
    struct error error = {0};
    char hex[65];
    bool is_new = false;
    PKI_AUTO struct pki *bob = pki_person(home->ca, "bob@partner.test");
    PKI_AUTO struct pki *carol = pki_person(home->ca, "carol@partner.test");
    cr_assert(certs_home_open(home));
    cr_expect_eq(stored(home), 0);
    cr_assert(certs_directory_import(home->conf, bob->cert, &is_new, &error) && is_new, "%s", error.text);
    cr_assert(certs_directory_import(home->conf, bob->cert, &is_new, &error) && !is_new, "%s", error.text);
    cr_assert(certs_directory_import(home->conf, carol->cert, &is_new, &error), "%s", error.text);
    cr_expect_eq(stored(home), 2);
    certificate_fingerprint(bob->cert, hex);
    g_autofree char *path = g_strdup_printf("%s/store/%s.pem", home->folder, hex);
    cr_expect(g_file_test(path, G_FILE_TEST_IS_REGULAR));
    g_autofree char *before = certs_home_names(home, CERTS_ENCRYPT, "bob@partner.test");
    cr_expect_str_eq(before, "", "the running store changes with the next open only");
    cr_assert(certs_home_open(home));
    g_autofree char *after = certs_home_names(home, CERTS_ENCRYPT, "bob@partner.test");
    cr_expect_str_eq(after, "bob@partner.test*");

    static const char *const bad[] = {"", "1234567", "zzzzzzzz", "../../etc/passwd", "*"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        cr_expect_not(certs_directory_remove(home->conf, bad[i], &error), "%s", bad[i]);
    cr_expect_eq(stored(home), 2);
    g_autofree char *shouted = g_ascii_strup(hex, 12);
    g_autofree char *colons = g_strdup_printf("%.2s:%s", shouted, shouted + 2);
    cr_assert(certs_directory_remove(home->conf, colons, &error), "%s", error.text);
    cr_expect_not(certs_directory_remove(home->conf, hex, &error));
    cr_expect_eq(error.kind, ERROR_PERMANENT);
    cr_expect_eq(stored(home), 1);
}

Test(certs_directory, needs_a_folder_in_the_configuration)
{
    owned(certs_home) struct certs_home *home = certs_home_new("");
    struct error error = {0};
    bool is_new = false;
    folder_write(home->folder, "domsec.conf", "local_domains = ( \"acme.test\" );\n");
    cr_assert(certs_home_open(home));
    cr_expect_not(certs_directory_import(home->conf, home->ca->cert, &is_new, &error));
    cr_expect_eq(error.kind, ERROR_CONFIGURATION);
    cr_expect_not(certs_directory_remove(home->conf, "0123456789", &error));
    cr_expect_eq(stored(home), 0);
}
