/* SPDX-License-Identifier: Apache-2.0 */
/* Help, versions, and what is said to those who mistype; check's exit status. */
#include "support/program.h"

Test(usage, status_and_stream)
{
    const struct {
        const char *call;
        int status;
        const char *out, *err; /* contained; NULL: the stream stays empty */
    } table[] = {
        {"domsec", 64, NULL, "usage: domsec COMMAND"},
        {"domsec --help", 0, "filter", NULL},
        {"domsec help", 0, "filter", NULL},
        {"domsec help filter", 0, "--report FILE", NULL},
        {"domsec help no-such", 64, NULL, "unknown command no-such"},
        {"domsec help cert import", 0, "--dry-run", NULL},
        {"domsec help cert imprt", 64, NULL, "domsec cert: unknown command imprt; did you mean import?\n"},
        {"domsec -c x check", 64, NULL, "the command comes first, and its options follow: domsec COMMAND -c\n"},
        {"domsec --version", 0, "domsec 0.", NULL},
        {"domsec no-such", 64, NULL, "unknown command no-such\n"},
        {"domsec CHEKC", 64, NULL, "unknown command CHEKC; did you mean check?\n"},
        {"domsec filtr", 64, NULL, "; did you mean filter?\n"},
        {"domsec help statsu", 64, NULL, "; did you mean status?\n"},
        {"domsec cert improt", 64, NULL, "domsec cert: unknown command improt; did you mean import?\n"},
        {"domsec key nwe", 64, NULL, "; did you mean new?\n"},
        {"domsec init --help", 0, "--algorithm WORD", NULL},
        {"domsec check --help", 0, "-c, --config FILE", NULL},
        {"domsec explain -h", 0, "--subject TEXT", NULL},
        {"domsec status --help", 0, "--json", NULL},
        {"domsec check --frob", 64, NULL, "unknown option --frob"},
        {"domsec check -x", 64, NULL, "unknown option -x"},
        {"domsec check -c", 64, NULL, "option -c requires a value"},
        {"domsec check --config", 64, NULL, "option --config requires a value"},
        {"domsec check extra", 64, NULL, "unexpected argument extra; a configuration is named with -c\n"},
        {"domsec status x.conf", 64, NULL, "unexpected argument x.conf; a configuration is named with -c\n"},
        {"domsec status extra", 64, NULL, "unexpected argument extra\n"},
        {"domsec check -c a -c b", 64, NULL, "--config is given more than once"},
        {"domsec cert", 64, NULL, "cert import"},
        {"domsec cert --help", 0, "cert import", NULL},
        {"domsec help cert", 0, "cert find", NULL},
        {"domsec cert frob", 64, NULL, "unknown command frob"},
        {"domsec cert show", 64, NULL, "one id"},
        {"domsec cert show xyz", 64, NULL, "xyz is not an id"},
        {"domsec cert show /etc/passwd", 65, NULL, "/etc/passwd: contains no certificate in PEM or DER"},
        {"domsec cert show /nonexistent/file", 64, NULL, "/nonexistent/file is not an id"},
        {"domsec cert export /etc/passwd", 64, NULL, "; `domsec cert show` shows what is in a file\n"},
        {"domsec cert show abc", 64, NULL, "abc is not an id"},
        {"domsec cert import", 64, NULL, "at least one certificate file"},
        {"domsec cert find --help", 0, "ADDRESS", NULL},
        {"domsec cert find 'not an address'", 64, NULL, "domsec: "},
        {"domsec key", 64, NULL, "key new"},
        {"domsec init --domain 192.0.2.1 /nonexistent/d", 64, NULL, "192.0.2.1 is not a mail domain"},
        {"domsec init --domain 192.0.2.1. /nonexistent/d", 64, NULL, "192.0.2.1. is not a mail domain"},
        {"domsec key new --domain 192.0.2.1 --role domain-signing-authority --out /nonexistent/k", 64, NULL,
         "192.0.2.1 is not a mail domain"},
        {"domsec key new --domain acme.test --role x --out /nonexistent/k", 64, NULL, "x is not a role"},
        {"domsec key new --domain acme.test --role review-authority", 64, NULL, "--out"},
        {"domsec key csr --domain acme.test --role review-authority", 64, NULL, "--key"},
        {"domsec explain --from a@acme.test", 64, NULL, "--to"},
        {"domsec explain --from a@@b --to c@d.test", 64, NULL, "domsec: "},
        {"domsec explain --from a@b.test --to ''", 64, NULL, "empty"},
        {"domsec explain --from a@b.test --to c@d.test --client 999.0.0.1", 64, NULL, "999.0.0.1 is not an IP address"},
        {"domsec explain --from a@b.test --to c@d.test --delivered-to e@f.test --delivered-to g@h.test", 64, NULL,
         "--delivered-to needs a --to before it"},
        {"domsec explain --from a@b.test --to c@d.test --delivered-to e@@f.test", 64, NULL,
         "--delivered-to: \"e@@f.test\" is not an address"},
        {"domsec filter --delivered-to e@f.test", 64, NULL, "--delivered-to needs a --to before it"},
        {"domsec filter --direction inbound --client localhost", 64, NULL, "localhost is not an IP address"},
        {"domsec filter", 78, NULL, "/etc/domsec/domsec.conf"},
        {"domsec filter --direction sideways", 64, NULL, "--direction"},
        {"domsec filter --direction inbound --at tomorrow", 64, NULL, "RFC 3339"},
        {"domsec filter --direction inbound --at 2026-05-04T12:00:00", 64, NULL, "RFC 3339"},
        {"domsec filter --direction inbound -c /nonexistent/domsec.conf", 78, NULL, "/nonexistent/domsec.conf"},
        {"domsec explain --from a@b.test --to c@d.test -c /nonexistent/domsec.conf", 78, NULL,
         "/nonexistent/domsec.conf"},
        {"domsec status -c /nonexistent/domsec.conf", 78, NULL, "/nonexistent/domsec.conf"},
        {"domsec cert list -c /nonexistent/domsec.conf", 78, NULL, "/nonexistent/domsec.conf"},
        {"domsec check -c /nonexistent/domsec.conf", 1, "/nonexistent/domsec.conf: cannot be read: no such file", NULL},
        {"domsec check -c /etc", 1, "/etc: cannot be read: is a directory\n", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        owned(run) struct run got = run("%s", table[i].call);
        cr_expect_eq(got.status, table[i].status, "%s: status %d\n%s%s", table[i].call, got.status, got.out, got.err);
        if (table[i].out == NULL)
            cr_expect_str_empty(got.out, "%s: %s", table[i].call, got.out);
        else
            expect_contains(got.out, table[i].out);
        if (table[i].err == NULL)
            cr_expect_str_empty(got.err, "%s: %s", table[i].call, got.err);
        else
            expect_contains(got.err, table[i].err);
        cr_expect_null(strchr(got.out, '\033'), "%s: colours although this is no terminal", table[i].call);
        cr_expect_null(strchr(got.err, '\033'), "%s: colours although this is no terminal", table[i].call);
    }
}

Test(usage, lost_output_is_no_success)
{
    int full = open("/dev/full", O_WRONLY);
    if (full < 0)
        return;
    g_autofree char *program = program_path("domsec");
    char *words[] = {program, (char *)"--help", NULL};
    owned(run) struct run got = run_words(words, "", 0, full);
    close(full);
    expect_status(got, 75);
}

/* `domsec … | head` is no error; a message that is not taken is one. */
Test(usage, a_reader_that_went_away_is_no_error)
{
    owned(folder) char *dir = folder_new();
    owned(run) struct run made = run("domsec init --domain acme.test --algorithm p256 --listen local:none '%s'", dir);
    expect_status(made, 0);
    g_autofree char *program = program_path("domsec");
    g_autofree char *conf = g_build_filename(dir, "domsec.conf", NULL);
    const char *const calls[][6] = {{program, "--help"},
                                    {program, "cert", "import", "--help"},
                                    {program, "cert", "list", "--json", "-c", conf},
                                    {program, "filter", "--direction", "inbound", "-c", conf}};
    for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
        char *words[7] = {NULL};
        for (size_t j = 0; j < G_N_ELEMENTS(calls[i]); j++)
            words[j] = (char *)calls[i][j];
        int ends[2];
        cr_assert_eq(pipe(ends), 0);
        close(ends[0]);
        bool message = strcmp(words[1], "filter") == 0;
        const char *input = "From: a@b.test\nTo: c@acme.test\n\ntext\n";
        owned(run) struct run got = run_words(words, input, message ? strlen(input) : 0, ends[1]);
        close(ends[1]);
        cr_expect_eq(got.status, message ? 75 : 0, "%s: status %d", words[1], got.status);
        cr_expect_eq(*got.err != '\0', message, "%s: %s", words[1], got.err);
    }
}

/* Also where there was something else to say. */
Test(usage, lost_output_is_told)
{
    owned(folder) char *dir = folder_new();
    owned(run) struct run made = run("domsec init --domain acme.test --algorithm p256 --listen local:none '%s'", dir);
    expect_status(made, 0);
    g_autofree char *program = program_path("domsec");
    g_autofree char *conf = g_build_filename(dir, "domsec.conf", NULL);
    char *words[] = {program, (char *)"status", (char *)"--json", (char *)"-c", conf, NULL};
    int full = open("/dev/full", O_WRONLY);
    cr_assert(full >= 0);
    owned(run) struct run got = run_words(words, "", 0, full);
    close(full);
    expect_status(got, 1);
    expect_contains(got.err, "cannot write to standard output");
}

Test(check, each_fault_has_its_line)
{
    owned(folder) char *dir = folder_new();
    cr_assert_eq(chmod(dir, 0755), 0); /* the daemon's account, if there is one, has to come in */
    owned(run) struct run made = run("domsec init --domain acme.test --algorithm p256 '%s'", dir);
    expect_status(made, 0);
    folder_write(
        dir, "policy.d/partner.test.conf",
        "domain = \"partner.test\";\noutbound = { protct = \"sign\"; };\nanchors = ( \"anchors/none.pem\" );\n");
    owned(run) struct run bad = run("domsec check -c '%s/domsec.conf'", dir);
    expect_status(bad, 1);
    expect_contains(bad.out, "partner.test.conf:2: ");
    expect_contains(bad.out, "protect");
    expect_contains(bad.out, "configuration is bad: ");
    folder_write(dir, "policy.d/partner.test.conf",
                 "domain = \"partner.test\";\noutbound = { protect = \"sign\"; };\n");
    owned(run) struct run good = run("domsec check -c '%s/domsec.conf'", dir);
    expect_status(good, 0);
    expect_contains(good.out, "configuration is good: 2 identities, 1 policy, 1 trust anchor file");
}

/* A FIFO in the place of a file is a fault, and not to be waited for. */
Test(check, what_is_no_file, .timeout = 60)
{
    static const char *const names[] = {
        "policy.d/partner.test.conf", "keys/dsa.pem", "keys/dca.key", "certs.d/x.pem", "ca/ca.pem", "crls/x.pem"};
    owned(folder) char *dir = folder_new();
    owned(run) struct run made = run("domsec init --domain acme.test --algorithm p256 '%s'", dir);
    expect_status(made, 0);
    g_autofree char *conf = g_build_filename(dir, "domsec.conf", NULL);
    g_autofree char *text = NULL;
    cr_assert(g_file_get_contents(conf, &text, NULL, NULL));
    g_autofree char *with_crls = g_strconcat(text, "crls = ( \"crls\" );\n", NULL);
    folder_write(dir, "domsec.conf", with_crls);
    g_autofree char *crls = g_build_filename(dir, "crls", NULL);
    cr_assert_eq(g_mkdir(crls, 0700), 0);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(dir, names[i], NULL), *kept = g_strconcat(path, ".kept", NULL);
        (void)g_rename(path, kept);
        cr_assert_eq(mkfifo(path, 0600), 0);
        owned(run) struct run got = run("domsec check -c '%s'", conf);
        expect_status(got, 1);
        expect_contains(got.out, path);
        expect_contains(got.out, "regular file");
        g_unlink(path);
        (void)g_rename(kept, path);
    }
}

Test(check, slips_that_no_single_key_shows)
{
    owned(folder) char *dir = folder_new();
    owned(run) struct run made = run("domsec init --domain acme.test --algorithm p256 '%s'", dir);
    expect_status(made, 0);
    folder_write(dir, "policy.d/partner.test", "domain = \"partner.test\";\n");
    g_autofree char *text = folder_read(dir, "domsec.conf");
    g_autofree char *more = g_strconcat("user = \"no-such-account\";\nmetrics_file = \"nowhere/x.prom\";\n"
                                        "pid_file = \"policy.d\";\n",
                                        text, NULL);
    folder_write(dir, "domsec.conf", more);
    program_give(dir, "root"); /* another account than `user` must not own the keys */
    owned(run) struct run bad = run("domsec check -c '%s/domsec.conf'", dir);
    expect_status(bad, 1);
    expect_contains(bad.out, "policy.d/partner.test: warning: ignored: the name of a policy file must end in .conf\n");
    expect_contains(bad.out, "domsec.conf:1: \"user\": no such account: \"no-such-account\"; create it, ");
    expect_contains(bad.out, "domsec.conf:2: warning: \"metrics_file\": no file can be created in ");
    expect_contains(bad.out, "domsec.conf:3: warning: \"pid_file\": ");
    expect_contains(bad.out, "/policy.d is a directory; name a file\n");
    expect_contains(bad.out, "configuration is bad: 1 fault\n");
}

Test(check, a_key_of_another_certificate_is_a_fault)
{
    owned(folder) char *dir = folder_new();
    owned(run) struct run made = run("domsec init --domain acme.test --algorithm p256 '%s'", dir);
    expect_status(made, 0);
    folder_copy(dir, "keys/dca.key", dir, "keys/dsa.key");
    owned(run) struct run bad = run("domsec check -c '%s/domsec.conf'", dir);
    expect_status(bad, 1);
    expect_contains(bad.out, "domsec.conf:");
}
