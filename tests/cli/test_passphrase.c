/* SPDX-License-Identifier: Apache-2.0 */
/* Identities whose key is encrypted, in files as openssl makes them. */
#include "support/program.h"

#define PASSPHRASE "s\xc3\xa9same, ouvre-toi" /* not ASCII, with spaces */

static char *dir;

/* A file that only its owner reads. */
static void write_secret(const char *name, const char *text)
{
    g_autofree char *path = folder_file(dir, name, text);
    cr_assert_eq(chmod(path, 0600), 0);
}

static void make(void)
{
    dir = folder_new();
    cr_assert_eq(chmod(dir, 0755), 0);
    owned(run) struct run made = run("domsec init --domain acme.test --algorithm rsa2048 --owner root '%s'", dir);
    expect_status(made, 0);
    write_secret("keys/pass", PASSPHRASE "\nanother line\n");
    write_secret("keys/wrong", PASSPHRASE "x\n");
}

static void drop(void)
{
    folder_remove(dir);
}

/* Encrypts the signing key to a file that only its owner reads. False if this openssl cannot. */
static bool encrypt(const char *how, const char *file)
{
    owned(run) struct run made = run("openssl %s -out '%s/keys/%s' -passout 'file:%s/keys/pass'", how, dir, file, dir);
    g_autofree char *path = g_build_filename(dir, "keys", file, NULL);
    return made.status == 0 && chmod(path, 0600) == 0;
}

/* domsec.conf with one identity in line 2. */
static void configure(const char *certificate, const char *key, const char *passphrase_file)
{
    g_autofree char *last =
        passphrase_file != NULL ? g_strdup_printf(" passphrase_file = \"%s\";", passphrase_file) : g_strdup("");
    g_autofree char *text =
        g_strdup_printf("local_domains = ( \"acme.test\" ); user = \"root\"; listen = \"local:none\";\n"
                        "identities = ( { domain = \"acme.test\"; role = \"domain-signing-authority\"; certificate = "
                        "\"%s\"; key = \"file:%s\";%s } );\ntrust_anchors = ( \"ca/ca.pem\" );\n",
                        certificate, key, last);
    folder_write(dir, "domsec.conf", text);
}

TestSuite(passphrase, .init = make, .fini = drop);

Test(passphrase, opens_what_openssl_writes)
{
    const struct {
        const char *how;
        bool bundle;
    } rows[] = {{"pkcs12 -export", true},
                {"pkcs12 -export -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1", true},
                {"pkcs8 -topk8", false},
                {"pkcs8 -topk8 -outform DER", false},
                {"rsa -traditional -aes256", false}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *from =
            rows[i].bundle
                ? g_strdup_printf("%s -in '%s/keys/dsa.pem' -inkey '%s/keys/dsa.key' -certfile '%s/ca/ca.pem'",
                                  rows[i].how, dir, dir, dir)
                : g_strdup_printf("%s -in '%s/keys/dsa.key'", rows[i].how, dir);
        cr_assert(encrypt(from, "encrypted"), "%s", rows[i].how);
        const char *certificate = rows[i].bundle ? "keys/encrypted" : "keys/dsa.pem";
        configure(certificate, "keys/encrypted", "keys/pass");
        owned(run) struct run good = run("domsec check -c '%s/domsec.conf'", dir);
        cr_expect_eq(good.status, 0, "%s: %s", rows[i].how, good.out);
        owned(run) struct run status = run("domsec status -c '%s/domsec.conf'", dir);
        cr_expect_null(strstr(status.out, "unreadable"), "%s: %s", rows[i].how, status.out);
        configure(certificate, "keys/encrypted", "keys/wrong");
        owned(run) struct run wrong = run("domsec check -c '%s/domsec.conf'", dir);
        cr_expect_eq(wrong.status, 1, "%s", rows[i].how);
        expect_contains(wrong.out, "domsec.conf:2: ");
        expect_contains(wrong.out, "keys/encrypted: cannot be decrypted; the passphrase is wrong\n");
        configure(certificate, "keys/encrypted", NULL);
        owned(run) struct run without = run("domsec check -c '%s/domsec.conf'", dir);
        cr_expect_eq(without.status, 1, "%s", rows[i].how);
        expect_contains(without.out, "passphrase_file");
    }
}

/* What the library has not, a wrong passphrase is not to be blamed for. */
Test(passphrase, old_algorithms_are_named)
{
    g_autofree char *bundle =
        g_strdup_printf("pkcs12 -export -legacy -in '%s/keys/dsa.pem' -inkey '%s/keys/dsa.key'", dir, dir);
    g_autofree char *pem =
        g_strdup_printf("pkcs8 -topk8 -v1 PBE-MD5-DES -provider legacy -provider default -in '%s/keys/dsa.key'", dir);
    const char *const rows[] = {bundle, pem};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (!encrypt(rows[i], "old"))
            continue; /* no legacy provider on this machine */
        configure(i == 0 ? "keys/old" : "keys/dsa.pem", "keys/old", "keys/pass");
        owned(run) struct run got = run("domsec check -c '%s/domsec.conf'", dir);
        expect_status(got, 1);
        expect_contains(got.out, "domsec.conf:2: ");
        expect_contains(got.out, "keys/old: encrypted with an old algorithm");
    }
}

Test(passphrase, the_file_is_a_secret)
{
    g_autofree char *how = g_strdup_printf("pkcs8 -topk8 -in '%s/keys/dsa.key'", dir);
    cr_assert(encrypt(how, "encrypted"));
    configure("keys/dsa.pem", "keys/encrypted", "keys/pass");
    g_autofree char *path = g_build_filename(dir, "keys/pass", NULL);
    cr_assert_eq(chmod(path, 0644), 0);
    owned(run) struct run open = run("domsec check -c '%s/domsec.conf'", dir);
    expect_status(open, 1);
    expect_contains(open.out, "can read ");
    expect_contains(open.out, "keys/pass (mode 0644); run: chmod 600");
    cr_assert_eq(g_remove(path), 0);
    owned(run) struct run absent = run("domsec check -c '%s/domsec.conf'", dir);
    expect_status(absent, 1);
    expect_contains(absent.out, "keys/pass: ");
    expect_contains(absent.out, "domsec.conf:2: passphrase_file ");
}

/* The end of a line in any form, or of the file. */
Test(passphrase, is_the_first_line_of_its_file)
{
    g_autofree char *how = g_strdup_printf("pkcs8 -topk8 -in '%s/keys/dsa.key'", dir);
    cr_assert(encrypt(how, "encrypted"));
    configure("keys/dsa.pem", "keys/encrypted", "keys/pass");
    g_autofree char *late = g_strconcat("\n", PASSPHRASE, NULL), *spaced = g_strconcat(PASSPHRASE, " \n", NULL);
    g_autofree char *large = g_strnfill(1025, 'x');
    const struct {
        const char *text;
        int status;
    } rows[] = {{PASSPHRASE, 0}, {PASSPHRASE "\r\n", 0}, {PASSPHRASE "\r\nmore", 0}, {late, 1}, {spaced, 1},
                {large, 1}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        write_secret("keys/pass", rows[i].text);
        owned(run) struct run got = run("domsec check -c '%s/domsec.conf'", dir);
        cr_expect_null(strstr(got.out, "chmod"), "%s", got.out);
        cr_expect_eq(got.status, rows[i].status, "row %zu: %s", i, got.out);
    }
}
