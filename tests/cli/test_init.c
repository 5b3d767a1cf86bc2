/* SPDX-License-Identifier: Apache-2.0 */
/* What `domsec init` makes: files and modes, certificates that OpenSSL's own tools accept, and nothing overwritten. */
#include "support/program.h"

Test(init, makes_files_with_the_right_modes)
{
    owned(folder) char *dir = folder_new();
    owned(run) struct run made = run("domsec init --domain acme.test --algorithm p256 '%s/a'", dir);
    expect_status(made, 0);
    expect_contains(made.out, "policy.d/partner.example.conf");
    const struct {
        const char *name;
        unsigned mode;
    } files[] = {{"a", 0755},
                 {"a/domsec.conf", 0644},
                 {"a/policy.d", 0755},
                 {"a/certs", 0755},
                 {"a/certs.d", 0755},
                 {"a/anchors", 0755},
                 {"a/keys", 0700},
                 {"a/keys/dsa.key", 0600},
                 {"a/keys/dsa.pem", 0644},
                 {"a/keys/dca.key", 0600},
                 {"a/keys/dca.pem", 0644},
                 {"a/keys/split.key", 0600},
                 {"a/ca/ca.key", 0600},
                 {"a/ca/ca.pem", 0644}};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
        cr_expect_eq(folder_mode(dir, files[i].name), files[i].mode, "%s: %o", files[i].name,
                     folder_mode(dir, files[i].name));
}

/* Also as Postfix calls it. */
Test(init, the_socket_is_one_that_only_postfix_reaches)
{
    owned(folder) char *dir = folder_new();
    owned(run) struct run made = run("domsec init --domain acme.test --algorithm p256 '%s/a'", dir);
    owned(run) struct run other =
        run("domsec init --domain acme.test --algorithm p256 --listen inet:8891@127.0.0.1 '%s/b'", dir);
    g_autofree char *conf = folder_read(dir, "a/domsec.conf");
    expect_status(made, 0);
    expect_contains(conf, "listen = \"local:/var/spool/postfix/domsec/milter\";");
    expect_contains(made.out, "smtpd_milters = unix:domsec/milter\n");
    expect_status(other, 0);
    cr_expect_null(strstr(other.out, "smtpd_milters"));
    program_give(dir, NULL);
    owned(run) struct run checked = run("domsec check -c '%s/b/domsec.conf'", dir);
    expect_status(checked, 0);
    expect_contains(checked.out, "warning: \"listen\": inet:8891@127.0.0.1: every account of this host");
}

/* The lines of a file of packaging/postfix/ without its comments, as init prints them. */
static char *shipped(const char *name)
{
    g_autofree char *path = g_build_filename("packaging/postfix", name, NULL), *text = NULL;
    cr_assert(g_file_get_contents(path, &text, NULL, NULL), "%s", path);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    GString *printed = g_string_new(NULL);
    for (char **line = lines; *line != NULL; line++)
        if (**line != '\0' && **line != '#')
            g_string_append_printf(printed, "       %s\n", *line);
    return g_string_free(printed, FALSE);
}

Test(init, makes_what_splitting_needs)
{
    owned(folder) char *dir = folder_new();
    owned(run) struct run made = run("domsec init --domain acme.test --algorithm p256 '%s/a'", dir);
    owned(run) struct run other = run("domsec init --domain acme.test --csr --algorithm p256 '%s/b'", dir);
    expect_status(made, 0);
    expect_status(other, 0);
    g_autofree char *conf = folder_read(dir, "a/domsec.conf"), *main = shipped("main.cf"),
                    *master = shipped("master.cf");
    expect_contains(conf, "\nsplit = { keys = ( \"file:keys/split.key\" ); };\n");
    expect_contains(made.out, main);
    expect_contains(made.out, master);
    g_autofree char *a = g_build_filename(dir, "a/keys/split.key", NULL),
                    *b = g_build_filename(dir, "b/keys/split.key", NULL);
    g_autofree char *first = NULL, *second = NULL;
    gsize length = 0, other_length = 0;
    cr_assert(g_file_get_contents(a, &first, &length, NULL) && g_file_get_contents(b, &second, &other_length, NULL));
    cr_expect_eq(length, 32);
    cr_expect_eq(other_length, 32);
    cr_expect_neq(memcmp(first, second, 32), 0);
}

Test(init, keys_are_private_under_any_umask)
{
    owned(folder) char *dir = folder_new();
    umask(0);
    owned(run) struct run loose = run("domsec init --domain acme.test --algorithm p256 '%s/a'", dir);
    umask(077);
    owned(run) struct run tight = run("domsec init --domain acme.test --algorithm p256 '%s/b'", dir);
    expect_status(loose, 0);
    expect_status(tight, 0);
    cr_expect_eq(folder_mode(dir, "a/keys/dca.key"), 0600);
    cr_expect_eq(folder_mode(dir, "a/domsec.conf"), 0644);
    cr_expect_eq(folder_mode(dir, "b/ca/ca.pem"), 0644);
    cr_expect_eq(folder_mode(dir, "b"), 0755);
}

Test(init, keys_are_given_to_the_daemon)
{
    if (geteuid() != 0)
        return;
    owned(folder) char *dir = folder_new();
    g_chmod(dir, 0755); /* the account that runs the daemon gets there */
    owned(run) struct run made = run("domsec init --domain acme.test --algorithm p256 --owner nobody '%s/a'", dir);
    expect_status(made, 0);
    expect_contains(made.out, "owner: nobody");
    owned(run) struct run checked = run("domsec check -c '%s/a/domsec.conf'", dir);
    expect_status(checked, 0);
    const struct {
        const char *name;
        bool given;
    } files[] = {{"a/keys", true},           {"a/keys/dsa.key", true}, {"a/keys/dca.key", true},
                 {"a/keys/split.key", true}, {"a/ca/ca.key", false},   {"a", false}};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(dir, files[i].name, NULL);
        struct stat stat;
        cr_assert_eq(lstat(path, &stat), 0);
        cr_expect_eq(stat.st_uid != 0, files[i].given, "%s belongs to %u", files[i].name, (unsigned)stat.st_uid);
    }
}

struct expectation {
    const char *algorithm, *dca_usage, *dca_purpose, *key, *authority_key;
};

static void expect_certificate(const char *dir, const char *stem, const char *role, const char *usage, const char *key)
{
    owned(run) struct run shown = run("openssl x509 -in '%s/keys/%s.pem' -noout -text -nameopt RFC2253", dir, stem);
    g_autofree char *address = g_strdup_printf("email:%s@acme.test\n", role);
    g_autofree char *subject = g_strdup_printf("Subject: CN=%s,O=acme.test\n", role);
    expect_status(shown, 0);
    const char *const wanted[] = {address,
                                  subject,
                                  usage,
                                  key,
                                  "X509v3 Extended Key Usage: \n                E-mail Protection\n",
                                  "CA:FALSE",
                                  "X509v3 Subject Key Identifier",
                                  "X509v3 Authority Key Identifier"};
    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
        expect_contains(shown.out, wanted[i]);
}

static void expect_chain(const char *dir, const char *stem, const char *purpose)
{
    owned(run) struct run verified =
        run("openssl verify -x509_strict -purpose %s -CAfile '%s/ca/ca.pem' '%s/keys/%s.pem'", purpose, dir, dir, stem);
    expect_status(verified, 0);
    owned(run) struct run public_of_key = run("openssl pkey -in '%s/keys/%s.key' -pubout", dir, stem);
    owned(run) struct run public_of_certificate = run("openssl x509 -in '%s/keys/%s.pem' -noout -pubkey", dir, stem);
    cr_expect_str_eq(public_of_key.out, public_of_certificate.out);
}

static void expect_algorithm(const struct expectation *expected)
{
    owned(folder) char *dir = folder_new();
    owned(run) struct run made = run("domsec init --algorithm %s '%s' --domain acme.test", expected->algorithm, dir);
    expect_status(made, 0);
    expect_chain(dir, "dsa", "smimesign");
    expect_chain(dir, "dca", expected->dca_purpose);
    expect_certificate(dir, "dsa", "domain-signing-authority", "critical\n                Digital Signature\n",
                       expected->key);
    expect_certificate(dir, "dca", "domain-confidentiality-authority", expected->dca_usage, expected->key);
    owned(run) struct run authority = run("openssl x509 -in '%s/ca/ca.pem' -noout -text", dir);
    expect_contains(authority.out, "CA:TRUE, pathlen:0");
    expect_contains(authority.out, "critical\n                Certificate Sign, CRL Sign\n");
    expect_contains(authority.out, expected->authority_key);
    program_give(dir, NULL);
    owned(run) struct run checked = run("domsec check -c '%s/domsec.conf'", dir);
    expect_status(checked, 0);
    expect_contains(checked.out, "configuration is good: 2 identities, 0 policies");
}

Test(init, certificates_are_strict_and_verify)
{
    const struct expectation table[] = {
        {"rsa2048", "critical\n                Key Encipherment\n", "smimeencrypt", "(2048 bit)", "(3072 bit)"},
        /* openssl verify knows key transport only */
        {"p256", "critical\n                Key Agreement\n", "any", "prime256v1", "prime256v1"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
        expect_algorithm(&table[i]);
}

Test(init, serials_differ_and_validity_is_two_and_ten_years)
{
    owned(folder) char *dir = folder_new();
    owned(run) struct run made = run("domsec init --domain acme.test --algorithm p256 '%s'", dir);
    expect_status(made, 0);
    owned(run) struct run first = run("openssl x509 -in '%s/keys/dsa.pem' -noout -serial", dir);
    owned(run) struct run second = run("openssl x509 -in '%s/keys/dca.pem' -noout -serial", dir);
    cr_expect_str_neq(first.out, second.out);
    cr_expect_geq(strlen(first.out), strlen("serial=") + 24);
    const struct {
        const char *file;
        int days;
        bool over;
    } ends[] = {{"keys/dsa.pem", 729, false},
                {"keys/dsa.pem", 731, true},
                {"ca/ca.pem", 3650, false},
                {"ca/ca.pem", 3654, true}};
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        owned(run) struct run checked =
            run("openssl x509 -in '%s/%s' -noout -checkend %d", dir, ends[i].file, ends[i].days * 24 * 60 * 60);
        expect_status(checked, ends[i].over ? 1 : 0);
    }
}

Test(init, requests_for_another_authority)
{
    owned(folder) char *dir = folder_new();
    owned(run) struct run made = run("domsec init --domain acme.test --csr '%s/a'", dir);
    expect_status(made, 0);
    expect_contains(made.out, "keys/dsa.csr");
    cr_expect_eq(folder_mode(dir, "a/ca"), 0, "a private authority was made");
    cr_expect_eq(folder_mode(dir, "a/keys/dsa.key"), 0600);
    owned(run) struct run shown = run("openssl req -in '%s/a/keys/dca.csr' -noout -text -verify -nameopt RFC2253", dir);
    expect_status(shown, 0);
    expect_contains(shown.out, "Subject: CN=domain-confidentiality-authority@acme.test\n");
    expect_contains(shown.out, "email:domain-confidentiality-authority@acme.test");
    expect_contains(shown.out, "Key Encipherment");
    /* the certificates are still missing, and check says which */
    owned(run) struct run checked = run("domsec check -c '%s/a/domsec.conf'", dir);
    expect_status(checked, 1);
    expect_contains(checked.out, "domsec.conf:");
    expect_contains(checked.out, "keys/dsa.pem does not exist; put the answer of your CA to ");
}

#define WHY "The requests name a mail address and not the bare role, which a public CA may not certify. So your\n"

/* Why, and what partners have to set. */
Test(init, says_why_requests_name_a_mailbox)
{
    static const struct {
        const char *option, *says; /* says: NULL: the names are the roles, so nothing */
    } rows[] = {
        {"", "     " WHY "     partner sets naming = \"mailbox\"; in its policy for acme.test.\n"},
        {"--address gateway@acme.test",
         "     " WHY
         "     partner sets naming = \"address\"; gateway_addresses = ( \"gateway@acme.test\" ); in its policy "
         "for acme.test.\n"},
        {"--role-names", NULL},
    };
    owned(folder) char *dir = folder_new();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(run) struct run made =
            run("domsec init --domain acme.test --csr %s --algorithm p256 '%s/%zu'", rows[i].option, dir, i);
        expect_status(made, 0);
        if (rows[i].says != NULL)
            expect_contains(made.out, rows[i].says);
        else
            cr_expect_null(strstr(made.out, "naming = "), "%s", made.out);
    }
    owned(run) struct run private = run("domsec init --domain acme.test --algorithm p256 '%s/private'", dir);
    cr_expect_null(strstr(private.out, "naming = "), "%s", private.out);
    owned(run) struct run help = run("domsec init --help");
    g_autofree char *line = g_strdelimit(g_strdup(help.out), "\n", ' ');
    expect_contains(line, "The requests have a mail address as their only name, because a public authority may not "
                          "certify a role as a name. Partners then set naming = \"mailbox\", or \"address\" with "
                          "the ADDRESS of --address.");
}

Test(init, overwrites_nothing)
{
    owned(folder) char *dir = folder_new();
    folder_write(dir, "domsec.conf", "mine\n");
    owned(run) struct run again = run("domsec init --domain acme.test --algorithm p256 '%s'", dir);
    expect_status(again, 65);
    expect_contains(again.err, "exists");
    g_autofree char *text = folder_read(dir, "domsec.conf");
    cr_expect_str_eq(text, "mine\n");
    cr_expect_eq(folder_mode(dir, "keys"), 0);
}

Test(init, takes_away_what_it_made_when_it_cannot_finish)
{
    owned(folder) char *dir = folder_new();
    folder_write(dir, "ca", "a file where a folder should be\n");
    owned(run) struct run failed = run("domsec init --domain acme.test --algorithm p256 '%s'", dir);
    cr_expect_neq(failed.status, 0);
    cr_expect_eq(folder_mode(dir, "keys"), 0);
    cr_expect_eq(folder_mode(dir, "policy.d"), 0);
    cr_expect_eq(folder_mode(dir, "ca"), folder_mode(dir, "ca"));
    g_autofree char *text = folder_read(dir, "ca");
    cr_expect_str_eq(text, "a file where a folder should be\n");
}

Test(init, takes_domains_beyond_ascii_and_long_ones)
{
    owned(folder) char *dir = folder_new();
    owned(run) struct run made = run("domsec init --domain MÜLLER.test --algorithm p256 '%s/a'", dir);
    expect_status(made, 0);
    owned(run) struct run shown = run("openssl x509 -in '%s/a/keys/dsa.pem' -noout -ext subjectAltName", dir);
    expect_contains(shown.out, "email:domain-signing-authority@xn--mller-kva.test");
    /* longer than an O may be (64): DC components instead */
    const char *label = "a-label-of-forty-characters-and-some-more";
    owned(run) struct run long_one = run("domsec init --domain %s.%s.test --algorithm p256 '%s/b'", label, label, dir);
    expect_status(long_one, 0);
    owned(run) struct run subject = run("openssl x509 -in '%s/b/keys/dsa.pem' -noout -subject -nameopt RFC2253", dir);
    g_autofree char *wanted =
        g_strdup_printf("subject=CN=domain-signing-authority,DC=%s,DC=%s,DC=test\n", label, label);
    cr_expect_str_eq(subject.out, wanted);
}

Test(init, refuses_what_it_does_not_understand)
{
    const char *const calls[] = {
        "",
        "--domain acme.test",
        "/nonexistent/x",
        "--domain acme.test /nonexistent/x /nonexistent/y",
        "--domain acme.test --algorithm rsa1024 /nonexistent/x",
        "--domain 'acme test' /nonexistent/x",
        "--domain test /nonexistent/x",
        "--domain acme..test /nonexistent/x",
        "--domain 'acme.test\"; x = \"' /nonexistent/x",
        "--domain acme.test --listen 'inet:1\"' /nonexistent/x",
        "--domain acme.test --owner no-such-user-here /nonexistent/x",
        "--domain acme.test --domain b.test /nonexistent/x",
        "--unknown",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
        owned(run) struct run refused = run("domsec init %s", calls[i]);
        expect_status(refused, 64);
        cr_expect_str_empty(refused.out);
        cr_expect(!g_file_test("/nonexistent", G_FILE_TEST_EXISTS), "%s", calls[i]);
    }
}
