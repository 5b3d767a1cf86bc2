/* SPDX-License-Identifier: Apache-2.0 */
/* `domsec backup` and `domsec restore`: what is in it, and what happens to a backup that was changed. */
#include "certs/certs.h"
#include "support/pki.h"
#include "support/program.h"

#include <sysexits.h>

static char *dir;
static struct pki *ca, *dsa;

/* A configuration that names a file of each kind. */
static void make(void)
{
    dir = folder_new();
    ca = pki_ca("root");
    dsa = pki_role(ca, "domain-signing-authority", "acme.test");
    folder_write(
        dir, "c/domsec.conf",
        "local_domains = ( \"acme.test\" );\npolicy_dir = \"policy.d\";\ntrust_anchors = ( \"ca.pem\" );\n"
        "intermediates = ( \"chain.pem\" );\ncertificate_directory = \"certs\";\nstore = \"sqlite:store.db\";\n"
        "crls = ( \"crls\" );\npid_file = \"pid\";\nsplit = { keys = ( \"file:split.key\" ); };\n"
        "identities = ( { domain = \"acme.test\"; role = \"domain-signing-authority\";\n"
        "  certificate = \"dsa.pem\"; key = \"file:dsa.key\"; } );\n"
        "@include \"more.conf\"\n");
    folder_write(dir, "c/more.conf", "log_level = \"debug\";\nlists = { };\n");
    folder_write(dir, "c/policy.d/partner.test.conf",
                 "domain = \"partner.test\";\ncertificates = ( \"theirs.pem\" );\nanchors = ( \"anchor.pem\" );\n"
                 "inbound = { require = \"sign\"; };\n"
                 "groups = ( { members = ( \"file:members\" ); certificates = ( \"group.pem\" ); } );\n");
    folder_write(dir, "c/members", "edi@partner.test\n");
    static const char *const files[] = {"c/ca.pem",     "c/chain.pem", "c/theirs.pem",
                                        "c/anchor.pem", "c/group.pem", "c/certs/one.pem"};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
        g_free(pki_write(dir, files[i], ca, NULL));
    folder_write(dir, "c/crls/.keep", "");
    g_free(pki_write(dir, "c/dsa.pem", dsa, NULL));
    g_free(pki_write_key(dir, "c/dsa.key", dsa));
    folder_write(dir, "c/split.key", "0123456789abcdef0123456789abcdef");
    g_autofree char *key = g_build_filename(dir, "c/split.key", NULL);
    cr_assert_eq(g_chmod(key, 0600), 0);
    folder_write(dir, "pass", "a passphrase\n");
    folder_write(dir, "other", "another\n");
    folder_write(dir, "empty", "\n");
    PKI_AUTO struct pki *bob = pki_person(ca, "bob@partner.test");
    g_free(pki_write(dir, "bob.pem", bob, NULL));
    owned(run) struct run imported = run("domsec cert import -c '%s/c/domsec.conf' '%s/bob.pem'", dir, dir);
    expect_status(imported, 0);
}

static void drop(void)
{
    pki_free(ca);
    pki_free(dsa);
    folder_remove(dir);
}

TestSuite(backup, .init = make, .fini = drop);

#define backup(to) run("domsec backup -c '%s/c/domsec.conf' --passphrase-file '%s/pass' '%s/" to "'", dir, dir, dir)
#define restore(from, pass, to)                                                                                        \
    run("domsec restore --passphrase-file '%s/" pass "' --to '%s/" to "' '%s/%s'", dir, dir, dir, from)

static unsigned entries(const char *folder)
{
    unsigned count = 0;
    g_autoptr(GDir) open = g_dir_open(folder, 0, NULL);
    while (open != NULL && g_dir_read_name(open) != NULL)
        count++;
    return count;
}

Test(backup, comes_back_as_it_was)
{
    owned(run) struct run made = backup("b");
    expect_status(made, 0);
    cr_expect_eq(folder_mode(dir, "b"), 0600);
    owned(run) struct run grep = run("grep -c -e 'BEGIN' -e acme.test -e SQLite '%s/b'", dir);
    cr_expect_str_eq(grep.out, "0\n", "it is encrypted");
    owned(run) struct run back = restore("b", "pass", "new");
    expect_status(back, 0);
    static const char *const names[] = {"domsec.conf",  "more.conf",  "policy.d/partner.test.conf",
                                        "members",      "ca.pem",     "chain.pem",
                                        "theirs.pem",   "anchor.pem", "group.pem",
                                        "dsa.pem",      "dsa.key",    "split.key",
                                        "certs/one.pem"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *was = g_build_filename("c", names[i], NULL),
                        *is = g_strconcat("new", dir, "/c/", names[i], NULL);
        g_autofree char *before = folder_read(dir, was), *after = folder_read(dir, is);
        cr_expect(after != NULL && strcmp(before, after) == 0, "%s", names[i]);
        cr_expect_eq(folder_mode(dir, was), folder_mode(dir, is), "%s", names[i]);
    }
    owned(run) struct run listed = run("domsec cert list -c '%s/new%s/c/domsec.conf'", dir, dir);
    expect_status(listed, 0);
    cr_expect_not_null(strstr(listed.out, "import     bob@partner.test"), "%s", listed.out);
    g_autofree char *folder = g_strconcat(dir, "/new", dir, "/c", NULL);
    cr_expect_eq(entries(dir), 7, "nothing is left beside the backup: %u", entries(dir));
    cr_expect_eq(entries(folder), 15, "nor beside its files: %u", entries(folder));
}

Test(backup, nothing_is_overwritten)
{
    owned(run) struct run made = backup("b");
    expect_status(made, 0);
    owned(run) struct run again = backup("b");
    expect_status(again, EX_DATAERR);
    g_autofree char *taken = g_strconcat("new", dir, "/c/more.conf", NULL);
    folder_write(dir, taken, "mine");
    owned(run) struct run refused = restore("b", "pass", "new");
    expect_status(refused, EX_DATAERR);
    cr_expect_not_null(strstr(refused.err, "/c/more.conf exists already; nothing was restored"), "%s", refused.err);
    g_autofree char *mine = folder_read(dir, taken);
    cr_expect_str_eq(mine, "mine");
    g_autofree char *folder = g_strconcat(dir, "/new", dir, "/c", NULL);
    cr_expect_eq(entries(folder), 1);
    g_autofree char *log = g_strconcat("log", dir, "/c/store.db-wal", NULL);
    folder_write(dir, log, "of another database");
    owned(run) struct run beside = restore("b", "pass", "log");
    expect_status(beside, EX_DATAERR);
}

/* A bit in the head, in the list, in a file, in the tag; a piece that is missing; the wrong passphrase. */
Test(backup, a_changed_backup_writes_nothing)
{
    gsize length = 0;
    g_autofree char *whole = NULL, *file = g_build_filename(dir, "b", NULL), *bad = g_build_filename(dir, "bad", NULL);
    owned(run) struct run made = backup("b");
    expect_status(made, 0);
    cr_assert(g_file_get_contents(file, &whole, &length, NULL));
    const gsize places[] = {0, 8, 9, 12, 30, 50, length / 2, length - 20, length - 1};
    for (size_t i = 0; i < G_N_ELEMENTS(places) + 3; i++) {
        bool flips = i < G_N_ELEMENTS(places);
        gsize kept = flips ? length : (gsize[]){length - 1, length / 2, 10}[i - G_N_ELEMENTS(places)];
        if (flips)
            whole[places[i]] ^= 1;
        cr_assert(g_file_set_contents(bad, whole, (gssize)kept, NULL));
        if (flips)
            whole[places[i]] ^= 1;
        owned(run) struct run refused = restore("bad", "pass", "new");
        expect_status(refused, EX_DATAERR);
        cr_expect_eq(folder_mode(dir, "new"), 0, "%zu", i);
    }
    owned(run) struct run wrong = restore("b", "other", "new");
    expect_status(wrong, EX_DATAERR);
    cr_expect_not_null(strstr(wrong.err, "the passphrase is wrong, or the backup is damaged"), "%s", wrong.err);
    owned(run) struct run empty = restore("b", "empty", "new");
    expect_status(empty, EX_CONFIG);
    cr_expect_eq(folder_mode(dir, "new"), 0);
}

Test(backup, what_is_missing_is_said)
{
    g_autofree char *chain = g_build_filename(dir, "c/dsa.key", NULL);
    cr_assert_eq(g_unlink(chain), 0);
    owned(run) struct run failed = backup("b");
    expect_status(failed, EX_CONFIG);
    cr_expect_not_null(strstr(failed.err, "dsa.key: No such file"), "%s", failed.err);
    cr_expect_eq(folder_mode(dir, "b"), 0);
}
