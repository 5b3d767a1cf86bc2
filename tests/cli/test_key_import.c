/* SPDX-License-Identifier: Apache-2.0 */
/* `domsec key import`: PKCS #12 bundles as openssl writes them. */
#include "support/pki.h"
#include "support/program.h"

#include <openssl/pkcs12.h>
#include <sys/ioctl.h>
#include <termios.h>

#define PASSPHRASE "s\xc3\xa9same, ouvre-toi"

static char *dir;

static void write_secret(const char *name, const char *text)
{
    g_autofree char *path = folder_file(dir, name, text);
    cr_assert_eq(chmod(path, 0600), 0);
}

static void make(void)
{
    dir = folder_new();
    write_secret("pass", PASSPHRASE "\n");
    write_secret("wrong", PASSPHRASE "x\n");
    write_secret("empty", "\n");
    write_secret("other", "another one\n");
    PKI_AUTO struct pki *root = pki_ca("root"), *middle = pki_sub_ca(root, "middle");
    PKI_AUTO struct pki *dsa = pki_role(middle, "domain-signing-authority", "acme.test");
    g_free(pki_write(dir, "dsa.pem", dsa, NULL));
    g_free(pki_write(dir, "chain.pem", middle, root, NULL));
    g_free(pki_write_key(dir, "dsa.key", dsa));
}

static void drop(void)
{
    folder_remove(dir);
}

static void remove_file(const char *name)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    cr_assert_eq(unlink(path), 0);
}

TestSuite(key_import, .init = make, .fini = drop);

/* False if this openssl cannot. */
static bool export_bundle(const char *name, const char *how)
{
    owned(run) struct run made =
        run("openssl pkcs12 -export -in '%s/dsa.pem' -inkey '%s/dsa.key' -certfile '%s/chain.pem' "
            "-out '%s/%s' -passout 'file:%s/pass' %s",
            dir, dir, dir, dir, name, dir, how);
    return made.status == 0;
}

#define import(name, options) run("domsec key import '%s/%s' --passphrase-file '%s/pass' " options, dir, name, dir)

static char *pem_of(const char *command, const char *file)
{
    owned(run) struct run got = run("openssl %s -in '%s/%s'", command, dir, file);
    expect_status(got, 0);
    return g_strdup(got.out);
}

static unsigned certificates_in(const char *file)
{
    g_autofree char *text = folder_read(dir, file);
    g_auto(GStrv) pieces = g_strsplit(text, "-----BEGIN CERTIFICATE-----", -1);
    return g_strv_length(pieces) - 1;
}

/* Also what Windows writes: OpenSSL reads RC2 with its legacy provider alone. */
Test(key_import, makes_the_files_of_an_identity)
{
    static const char *const rows[] = {"", "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1",
                                       "-legacy -certpbe PBE-SHA1-RC2-40",
                                       "-legacy -keypbe PBE-SHA1-RC2-40 -certpbe PBE-SHA1-RC2-128"};
    g_autofree char *key = pem_of("pkey", "dsa.key");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (!export_bundle("edi.p12", rows[i]))
            continue; /* no legacy provider on this machine */
        owned(run) struct run got = import("edi.p12", "");
        expect_status(got, 0);
        cr_expect_str_empty(got.err);
        cr_expect_eq(folder_mode(dir, "edi.key"), 0600);
        cr_expect_eq(folder_mode(dir, "edi.pem"), 0600);
        g_autofree char *imported = pem_of("pkey", "edi.key");
        cr_expect_str_eq(imported, key);
        cr_expect_eq(certificates_in("edi.pem"), 2, "%s: the leaf and its issuer, not the root", rows[i]);
        g_autofree char *leaf = folder_read(dir, "dsa.pem"), *all = folder_read(dir, "edi.pem");
        cr_expect(g_str_has_prefix(all, leaf), "the leaf comes first");
        expect_contains(got.out, "left out CN=root,O=Tests: a root belongs in the partners' anchors\n");
        g_autofree char *lines =
            g_strdup_printf("  { domain = \"acme.test\"; role = \"domain-signing-authority\";\n"
                            "    certificate = \"%s/edi.pem\";\n    key = \"file:%s/edi.key\"; }\n",
                            dir, dir);
        expect_contains(got.out, lines);
        remove_file("edi.key");
        remove_file("edi.pem");
    }
}

/* The daemon reads what was printed. */
Test(key_import, the_key_may_be_encrypted)
{
    cr_assert(export_bundle("edi.pfx", ""));
    owned(run) struct run got = run(
        "domsec key import '%s/edi.pfx' --passphrase-file '%s/pass' --key-passphrase-file '%s/other'", dir, dir, dir);
    expect_status(got, 0);
    g_autofree char *text = folder_read(dir, "edi.key");
    cr_expect(g_str_has_prefix(text, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), "%s", text);
    const char *lines = strstr(got.out, "  { domain");
    cr_assert_not_null(lines);
    g_autofree char *conf = g_strdup_printf("local_domains = ( \"acme.test\" ); listen = \"local:none\";\n"
                                            "identities = (\n%s );\ntrust_anchors = ( \"chain.pem\" );\n",
                                            lines);
    folder_write(dir, "domsec.conf", conf);
    program_give(dir, NULL);
    cr_assert_eq(chmod(dir, 0755), 0);
    owned(run) struct run good = run("domsec check -c '%s/domsec.conf'", dir);
    expect_status(good, 0);
    owned(run) struct run empty =
        run("domsec key import '%s/edi.pfx' -o '%s/x.key' --passphrase-file '%s/pass' --key-passphrase-file '%s/empty'",
            dir, dir, dir, dir);
    expect_status(empty, 65);
    expect_contains(empty.err, "empty: the first line is empty\n");
}

Test(key_import, never_overwrites)
{
    static const char *const names[] = {"edi.key", "edi.pem"};
    cr_assert(export_bundle("edi.p12", ""));
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        folder_write(dir, names[i], "mine");
        owned(run) struct run got = import("edi.p12", "");
        expect_status(got, 65);
        expect_contains(got.err, "it exists already");
        g_autofree char *kept = folder_read(dir, names[i]);
        cr_expect_str_eq(kept, "mine");
        cr_expect_eq(folder_mode(dir, names[1 - i]), 0, "%s without the other one", names[1 - i]);
        remove_file(names[i]);
    }
}

static void write_bundle(const char *name, STACK_OF(PKCS12_SAFEBAG) * bags)
{
    STACK_OF(PKCS7) *safes = NULL;
    cr_assert(PKCS12_add_safe(&safes, bags, -1, 0, NULL));
    PKCS12 *bundle = PKCS12_add_safes(safes, 0);
    cr_assert(PKCS12_set_mac(bundle, PASSPHRASE, -1, NULL, 0, 0, EVP_sha256()));
    g_autofree char *path = g_build_filename(dir, name, NULL);
    FILE *file = fopen(path, "wb");
    cr_assert(file != NULL && i2d_PKCS12_fp(file, bundle) == 1 && fclose(file) == 0);
    PKCS12_free(bundle);
    sk_PKCS7_pop_free(safes, PKCS7_free);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
}

/* One as it is, one encrypted. */
static void write_two_keys(void)
{
    PKI_AUTO struct pki *one = pki_person(NULL, "a@acme.test"), *two = pki_person(NULL, "b@acme.test");
    STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
    cr_assert(PKCS12_add_key(&bags, one->key, 0, 0, -1, NULL) && PKCS12_add_cert(&bags, one->cert) &&
              PKCS12_add_key(&bags, two->key, 0, 0, NID_aes_256_cbc, PASSPHRASE) && PKCS12_add_cert(&bags, two->cert));
    write_bundle("two.p12", bags);
}

static void write_key_alone(void)
{
    PKI_AUTO struct pki *one = pki_person(NULL, "a@acme.test");
    STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
    cr_assert(PKCS12_add_key(&bags, one->key, 0, 0, -1, NULL) != NULL);
    write_bundle("bare.p12", bags);
}

Test(key_import, says_what_is_wrong)
{
    cr_assert(export_bundle("good.p12", ""));
    cr_assert(export_bundle("nokey.p12", "-nokeys"));
    cr_assert(export_bundle("nomac.p12", "-nomac"));
    write_two_keys();
    write_key_alone();
    folder_write(dir, "nothing.p12", "");
    static const struct {
        const char *file, *passphrase, *err;
        int status;
    } rows[] = {
        {"good.p12", "wrong", "good.p12: cannot be decrypted; the passphrase is wrong\n", 65},
        {"good.p12", "none", "none: No such file or directory\n", 65},
        {"nokey.p12", "pass", "nokey.p12: the PKCS #12 bundle contains no private key\n", 65},
        {"nomac.p12", "pass", "nomac.p12: the PKCS #12 bundle has no MAC, ", 65},
        {"bare.p12", "pass", "bare.p12: the PKCS #12 bundle contains no certificate of its key\n", 65},
        {"two.p12", "pass", "two.p12: the PKCS #12 bundle contains 2 private keys, and an identity has one; ", 65},
        {"dsa.key", "pass", "dsa.key: not a PKCS #12 bundle but PEM; an identity names keys ", 65},
        {"dsa.pem", "pass", "dsa.pem: not a PKCS #12 bundle but PEM; ", 65},
        {"nothing.p12", "pass", "nothing.p12: not a PKCS #12 bundle\n", 65},
        {"absent.p12", "pass", "absent.p12: No such file or directory\n", 65},
        {".", "pass", ".: is a directory\n", 65},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(run) struct run got = run("domsec key import '%s/%s' --passphrase-file '%s/%s' -o '%s/new.key'", dir,
                                        rows[i].file, dir, rows[i].passphrase, dir);
        cr_expect_eq(got.status, rows[i].status, "%s: %d", rows[i].file, got.status);
        cr_expect_str_empty(got.out);
        expect_contains(got.err, rows[i].err);
        cr_expect(folder_mode(dir, "new.key") == 0 && folder_mode(dir, "new.pem") == 0, "%s", rows[i].file);
    }
}

static void put(const char *name, const struct pki *pki)
{
    g_free(pki_write(dir, "dsa.pem", pki, NULL));
    g_autofree char *key = g_build_filename(dir, "dsa.key", NULL);
    g_assert_true(unlink(key) == 0);
    g_free(pki_write_key(dir, "dsa.key", pki));
    cr_assert(export_bundle(name, ""));
}

/* What no role is named for is shown in each role in which it can be used. */
Test(key_import, the_lines_follow_the_certificate)
{
    const struct {
        const char *what;
        struct pki_spec spec;
        const char *options;
        const char *wanted, *also; /* NULL: nothing else */
    } rows[] = {
        {"dca",
         {.subject = PKI_LIST("CN=domain-confidentiality-authority", "DC=acme", "DC=test")},
         "",
         "domain = \"test.acme\"; role = \"domain-confidentiality-authority\"",
         NULL},
        {"person",
         {.subject = PKI_LIST("CN=Al"), .san = PKI_LIST("email:Al@Acme.test")},
         "",
         "  { address = \"Al@acme.test\";\n    certificate = ",
         NULL},
        {"group",
         {.subject = PKI_LIST("CN=edi"),
          .san = PKI_LIST("email:edi@acme.test", "email:x@acme.test", "email:acme.test")},
         "",
         "  { address = ( \"edi@acme.test\", \"x@acme.test\" );\n",
         NULL},
        {"both",
         {.subject = PKI_LIST("CN=gw"), .san = PKI_LIST("email:gw@elsewhere.test"), .key = PKI_RSA},
         "-d acme.test",
         "domain = \"acme.test\"; role = \"domain-signing-authority\"",
         "domain = \"acme.test\"; role = \"domain-confidentiality-authority\""},
        {"sign",
         {.subject = PKI_LIST("CN=gw"), .key_usage = "digitalSignature"},
         "",
         "domain = \"YOUR.DOMAIN\"; role = \"domain-signing-authority\"",
         NULL},
        {"asked",
         {.subject = PKI_LIST("CN=gw")},
         "--domain Acme.TEST -r review-authority",
         "domain = \"acme.test\"; role = \"review-authority\"",
         NULL},
        {"web",
         {.subject = PKI_LIST("CN=www"), .eku = "serverAuth"},
         "",
         "it is of no use as an identity: its extended key usage does not include e-mail protection",
         NULL},
        {"old",
         {.subject = PKI_LIST("CN=old"), .not_after = time(NULL) - 60},
         "-r domain-signing-authority",
         "it signs nothing now, and its key decrypts\n",
         "role = \"domain-signing-authority\""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        PKI_AUTO struct pki *pki = pki_issue(&rows[i].spec);
        g_autofree char *name = g_strconcat(rows[i].what, ".p12", NULL);
        put(name, pki);
        owned(run) struct run got =
            run("domsec key import '%s/%s' --passphrase-file '%s/pass' %s", dir, name, dir, rows[i].options);
        cr_expect_eq(got.status, 0, "%s: %s", rows[i].what, got.err);
        expect_contains(got.out, rows[i].wanted);
        if (rows[i].also != NULL)
            expect_contains(got.out, rows[i].also);
        else
            cr_expect_null(strstr(got.out, "},"), "%s: %s", rows[i].what, got.out);
    }
}

/* The prompt shows before the echo is off; who types faster than that is not a person. */
static void wait_for_silence(int terminal)
{
    struct termios state;
    do
        g_usleep(1000);
    while (tcgetattr(terminal, &state) == 0 && (state.c_lflag & ECHO) != 0);
}

/* Runs the command with a terminal of its own, types a line when it is asked, and returns what the terminal showed. */
static char *in_a_terminal(char *const *words, const char *typed, int *status)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    const char *slave = ptsname(master);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        setsid();
        int fd = open(slave, O_RDWR); /* the first terminal that a session opens is its own */
        ioctl(fd, TIOCSCTTY, 0);
        for (int i = 0; i < 3; i++)
            dup2(fd, i);
        execv(words[0], words);
        _exit(127);
    }
    g_autoptr(GString) shown = g_string_new(NULL);
    bool asked = false;
    char piece[512];
    for (ssize_t got; (got = read(master, piece, sizeof(piece))) > 0;) {
        g_string_append_len(shown, piece, got);
        if (!asked && strstr(shown->str, "passphrase of ") != NULL && g_str_has_suffix(shown->str, ": ")) {
            asked = true;
            wait_for_silence(master);
            cr_assert_eq(write(master, typed, strlen(typed)), (ssize_t)strlen(typed));
        }
    }
    int ended = 0;
    cr_assert_eq(waitpid(child, &ended, 0), child);
    close(master);
    *status = WEXITSTATUS(ended);
    return g_strdup(shown->str);
}

Test(key_import, asks_without_echo, .timeout = 60)
{
    cr_assert(export_bundle("edi.p12", ""));
    g_autofree char *program = program_path("domsec"), *bundle = g_build_filename(dir, "edi.p12", NULL);
    char *words[] = {program, (char *)"key", (char *)"import", bundle, NULL};
    int status = 0;
    g_autofree char *wrong = in_a_terminal(words, "no\n", &status);
    cr_expect_eq(status, 65, "%s", wrong);
    expect_contains(wrong, "the passphrase is wrong");
    g_autofree char *shown = in_a_terminal(words, PASSPHRASE "\n", &status);
    cr_expect_eq(status, 0, "%s", shown);
    expect_contains(shown, "created ");
    cr_expect_null(strstr(shown, "ouvre-toi"), "%s", shown);
}
