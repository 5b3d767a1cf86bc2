/* SPDX-License-Identifier: Apache-2.0 */
/* `domsec cert` with a store, beside certificate_directory. */
#include "certs/certs.h"
#include "support/pki.h"
#include "support/program.h"

#include <jansson.h>
#include <sysexits.h>

static char *dir;
static struct pki *ca, *alice, *bob, *carol;

static void make(void)
{
    dir = folder_new();
    folder_write(
        dir, "domsec.conf",
        "local_domains = ( \"acme.test\" );\ncertificate_directory = \"certs\";\nstore = \"sqlite:store.db\";\n");
    ca = pki_ca("root");
    alice = pki_person(ca, "alice@partner.test");
    bob = pki_person(ca, "bob@partner.test");
    carol = pki_person(ca, "carol@partner.test");
    folder_write(dir, "certs/.keep", "");
    g_free(pki_write(dir, "ca.pem", ca, NULL));
    g_free(pki_write(dir, "certs/alice.pem", alice, NULL));
    g_free(pki_write(dir, "all.pem", alice, bob, carol, ca, NULL));
}

static void drop(void)
{
    pki_free(ca);
    pki_free(alice);
    pki_free(bob);
    pki_free(carol);
    folder_remove(dir);
}

TestSuite(cert_store, .init = make, .fini = drop);

#define domsec(command, rest) run("domsec " command " -c '%s/domsec.conf' " rest, dir)
#define of(command, pki) run("domsec " command " -c '%s/domsec.conf' %s", dir, (pki))

static void add_expired(void)
{
    struct error error = {0};
    enum store_added added;
    struct store_addition addition;
    time_t now = time(NULL);
    PKI_AUTO struct pki *old = pki_issue(&(struct pki_spec){.issuer = ca,
                                                            .subject = PKI_LIST("CN=old"),
                                                            .san = PKI_LIST("email:old@partner.test"),
                                                            .not_before = now - 9000,
                                                            .not_after = now - 1000});
    g_autofree char *file = g_build_filename(dir, "store.db", NULL);
    owned(store) struct store *store = store_open(file);
    certs_addition_make(old->cert, &addition);
    cr_assert(store_certificates_add(store, &addition, 1, &added, &error), "%s", error.text);
    certs_addition_clear(&addition);
}

static const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text != NULL ? text : "-";
}

/* wanted: source, origin, state and address of each; NULL: any. */
static void expect_json(size_t count, const char *wanted)
{
    owned(run) struct run listed = domsec("cert list", "--json");
    json_t *list = json_loads(listed.out, 0, NULL);
    cr_expect_eq(json_array_size(list), count, "%s", listed.out);
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *each = json_array_get(list, i);
        g_string_append_printf(text, "%s %s %s %s, ", text_of(each, "source"), text_of(each, "origin"),
                               text_of(each, "state"),
                               json_string_value(json_array_get(json_object_get(each, "addresses"), 0)));
    }
    cr_expect(wanted == NULL || strcmp(text->str, wanted) == 0, "%s", text->str);
    json_decref(list);
}

/* The store takes the certificates, and the folder stays as it is. */
Test(cert_store, import_list_and_find)
{
    owned(run) struct run dry = run("domsec cert import -c '%s/domsec.conf' --dry-run '%s/all.pem'", dir, dir);
    expect_status(dry, 0);
    cr_expect_eq(folder_mode(dir, "store.db"), 0, "a dry run makes no file");
    owned(run) struct run first = run("domsec cert import -c '%s/domsec.conf' '%s/all.pem'", dir, dir);
    expect_status(first, 0);
    cr_expect_not_null(strstr(first.out, "\n3 imported, 0 already there, 1 skipped\n"), "%s", first.out);
    cr_expect_null(strstr(first.out, "reload"), "%s", first.out);
    cr_expect_eq(folder_mode(dir, "store.db"), 0600);
    owned(run) struct run again = run("domsec cert import -c '%s/domsec.conf' '%s/certs' '%s/all.pem'", dir, dir, dir);
    expect_status(again, 0);
    cr_expect_not_null(strstr(again.out, "\n0 imported, 4 already there, 1 skipped\n"), "%s", again.out);
    owned(run) struct run listed = domsec("cert list", "");
    expect_status(listed, 0);
    g_auto(GStrv) lines = g_strsplit(listed.out, "\n", -1);
    cr_expect_eq(g_strv_length(lines), 1 + 1 + 3 + 1, "%s", listed.out);
    cr_expect_not_null(strstr(lines[1], "directory"), "%s", listed.out);
    cr_expect_not_null(strstr(listed.out, "import     alice@partner.test"), "%s", listed.out);
    expect_json(4, "directory - - alice@partner.test, store import used alice@partner.test, "
                   "store import used bob@partner.test, store import used carol@partner.test, ");
    owned(run) struct run found = domsec("cert find", "bob@partner.test");
    expect_status(found, 1); /* it is found, and no anchor makes it usable */
    cr_expect_not_null(strstr(found.out, "store.db"), "%s", found.out);
}

/* One certificate by its id, wherever it is. */
Test(cert_store, show_export_and_remove)
{
    char alice_id[65], bob_id[65];
    certificate_fingerprint(alice->cert, alice_id);
    certificate_fingerprint(bob->cert, bob_id);
    bob_id[12] = '\0';
    owned(run) struct run imported = run("domsec cert import -c '%s/domsec.conf' '%s/all.pem'", dir, dir);
    expect_status(imported, 0);
    owned(run) struct run shown = of("cert show", bob_id);
    expect_status(shown, 0);
    cr_expect_not_null(strstr(shown.out, "bob@partner.test"), "%s", shown.out);
    owned(run) struct run exported = of("cert export", bob_id);
    expect_status(exported, 0);
    cr_expect(text_begins_with(exported.out, "-----BEGIN CERTIFICATE-----"));
    owned(run) struct run gone = of("cert remove", bob_id);
    expect_status(gone, 0);
    cr_expect_null(strstr(gone.out, "reload"), "%s", gone.out);
    owned(run) struct run missing = of("cert show", bob_id);
    expect_status(missing, EX_DATAERR);
    owned(run) struct run twice = of("cert remove", bob_id);
    expect_status(twice, EX_DATAERR);
    owned(run) struct run both = of("cert remove", alice_id);
    expect_status(both, 0);
    cr_expect_eq(folder_mode(dir, "certs/alice.pem"), 0, "it was in both places");
    owned(run) struct run left = domsec("cert list", "");
    cr_expect_null(strstr(left.out, "alice"), "%s", left.out);
    cr_expect_not_null(strstr(left.out, "carol"), "%s", left.out);
}

Test(cert_store, prune)
{
    owned(run) struct run imported = run("domsec cert import -c '%s/domsec.conf' '%s/all.pem'", dir, dir);
    expect_status(imported, 0);
    add_expired();
    owned(run) struct run shown = domsec("cert prune", "--dry-run");
    expect_status(shown, 0);
    cr_expect_not_null(strstr(shown.out, ": old@partner.test, expired on "), "%s", shown.out);
    owned(run) struct run pruned = domsec("cert prune", "");
    expect_status(pruned, 0);
    cr_expect(text_begins_with(pruned.out, "removed "), "%s", pruned.out);
    owned(run) struct run again = domsec("cert prune", "");
    expect_status(again, 0);
    cr_expect_str_eq(again.out, "nothing to remove\n");
    expect_json(4, NULL);
}

/* Each command says what is wrong with a store, and none of them changes it. */
Test(cert_store, a_broken_store_is_said_so)
{
    static const char *const commands[] = {"cert list", "cert list --json", "cert show 0123456789",
                                           "cert remove 0123456789", "cert prune"};
    folder_write(dir, "store.db", "no database, but long enough to look like one to a careless reader ..........");
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        owned(run) struct run failed = run("domsec %s -c '%s/domsec.conf'", commands[i], dir);
        expect_status(failed, EX_CONFIG);
        cr_expect_not_null(strstr(failed.err, "domsec: the store is damaged, or is not a database: "), "%s: %s",
                           commands[i], failed.err);
    }
    owned(run) struct run import = run("domsec cert import -c '%s/domsec.conf' '%s/all.pem'", dir, dir);
    expect_status(import, EX_CONFIG);
    cr_expect_null(strstr(import.out, "imported "), "%s", import.out);
    g_autofree char *after = folder_read(dir, "store.db");
    cr_expect(text_begins_with(after, "no database"));
}

/* `check` reads the whole store and looks who can change it, and `status` counts it. */
Test(cert_store, check_and_status)
{
    owned(run) struct run absent = domsec("check", "");
    cr_expect_not_null(strstr(absent.out, "store.db does not exist; the daemon creates it"), "%s", absent.out);
    owned(run) struct run imported = run("domsec cert import -c '%s/domsec.conf' '%s/all.pem'", dir, dir);
    expect_status(imported, 0);
    program_give(dir, NULL);
    owned(run) struct run good = domsec("check", "");
    expect_status(good, 0);
    owned(run) struct run counted = domsec("status", "");
    cr_expect_not_null(strstr(counted.out, "store          3 in "), "%s", counted.out);
    g_autofree char *file = g_build_filename(dir, "store.db", NULL);
    cr_assert_eq(g_chmod(file, 0666), 0);
    owned(run) struct run open = domsec("check", "");
    expect_status(open, 1);
    cr_expect_not_null(strstr(open.out, "store.db"), "%s", open.out);
    cr_assert_eq(g_chmod(file, 0600), 0);
    g_autofree char *whole = NULL;
    gsize length = 0;
    cr_assert(g_file_get_contents(file, &whole, &length, NULL));
    memset(whole + length / 2, 'x', 4096);
    cr_assert(g_file_set_contents(file, whole, (gssize)length, NULL));
    owned(run) struct run damaged = domsec("check", "");
    expect_status(damaged, 1);
    cr_expect_not_null(strstr(damaged.out, "the store is damaged"), "%s", damaged.out);
}
