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

static void note(void *context, const struct certs_pruned *pruned)
{
    g_autofree char *name = g_path_get_basename(pruned->file);
    g_autofree char *kept = pruned->kept != NULL ? g_path_get_basename(pruned->kept) : NULL;
    g_string_append_printf(context, "%.6s%s%.6s ", name, kept != NULL ? "=" : "", kept != NULL ? kept : "");
}

static char *pruned(const struct certs_home *home, time_t at, bool only_show)
{
    struct error error = {0};
    GString *text = g_string_new(NULL);
    const struct certs_pruning pruning = {.at = at, .only_show = only_show, .removed = note, .context = text};
    cr_expect(certs_directory_prune(home->conf, &pruning, home->faults, &error), "%s", error.text);
    return g_string_free(text, FALSE);
}

/* The file that is named after its certificate stays, wherever it stands in the order. What is valid or cannot be read
 * stays in any case. */
Test(certs_directory, prune_removes_what_is_of_no_use)
{
    owned(certs_home) struct certs_home *home = certs_home_new("");
    struct error error = {0};
    bool is_new = false;
    char hex[65];
    time_t now = time(NULL);
    PKI_AUTO struct pki *bob = pki_person(home->ca, "bob@partner.test");
    PKI_AUTO struct pki *carol = pki_person(home->ca, "carol@partner.test");
    PKI_AUTO struct pki *soon = pki_issue(&(struct pki_spec){
        .issuer = home->ca, .subject = PKI_LIST("CN=soon"), .not_before = now - 9000, .not_after = now + 1000});
    cr_assert(certs_home_open(home));
    cr_assert(certs_directory_import(home->conf, bob->cert, &is_new, &error), "%s", error.text);
    certificate_fingerprint(bob->cert, hex);
    certs_home_put(home, "!bob.pem", bob);
    certs_home_put(home, "zbob-2.pem", bob);
    certs_home_put(home, "carol1.pem", carol);
    certs_home_put(home, "carol2.pem", carol);
    certs_home_put(home, "soon-1.pem", soon);
    certs_home_put(home, "soon-2.pem", soon);
    folder_write(home->folder, "store/broken.pem", "nothing");
    g_autofree char *wanted = g_strdup_printf("!bob.p=%.6s carol2=carol1 soon-2=soon-1 zbob-2=%.6s ", hex, hex);
    g_autofree char *shown = pruned(home, now, true), *removed = pruned(home, now, false);
    cr_expect_str_eq(shown, wanted, "%s", shown);
    cr_expect_str_eq(removed, wanted, "%s", removed);
    g_autofree char *nothing = pruned(home, now + 1000, false), *late = pruned(home, now + 1001, false);
    cr_expect_str_eq(nothing, "", "%s", nothing);
    cr_expect_str_eq(late, "soon-1 ", "%s", late);
    cr_expect_eq(faults_errors(home->faults), 4, "the broken file, each time");
    cr_expect_eq(stored(home), 2);
    g_autofree char *broken = folder_read(home->folder, "store/broken.pem");
    cr_expect_str_eq(broken, "nothing");
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
