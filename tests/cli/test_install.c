/* SPDX-License-Identifier: Apache-2.0 */
/* What packaging/install-files puts where, and that it never brings a configuration in the way of `domsec init`. */
#include "support/program.h"

static char *install(const char *dir, const char *prefix, const char *sysconfdir)
{
    const char *tests = g_getenv("DOMSEC_TESTS");
    g_autofree char *script =
        g_build_filename(tests != NULL ? tests : "tests", "..", "packaging", "install-files", NULL);
    owned(run) struct run done = run("'%s' '%s' %s %s", script, dir, prefix, sysconfdir);
    cr_assert_eq(done.status, 0, "%s", done.err);
    return g_strconcat(dir, prefix, NULL);
}

Test(install, files_are_where_they_belong)
{
    owned(folder) char *dir = folder_new();
    g_autofree char *prefix = install(dir, "/usr", "/etc");
    const char *const files[] = {"share/man/man1/domsec.1",
                                 "share/man/man7/domsec-partners.7",
                                 "share/man/man5/domsec.conf.5",
                                 "share/domsec/report.schema.json",
                                 "share/domsec/profiles/bdew.conf",
                                 "share/bash-completion/completions/domsec",
                                 "share/domsec/sendmail/domsec.m4",
                                 "share/domsec/postfix/main.cf",
                                 "share/domsec/postfix/master.cf",
                                 "share/domsec/postfix/domsec_header_checks",
                                 "share/doc/domsec/examples/domsec.conf",
                                 "share/doc/domsec/examples/policy/default.conf",
                                 "share/doc/domsec/CONFORMANCE.md",
                                 "share/doc/domsec/NEWS",
                                 "share/doc/domsec/LICENSE"};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
        cr_expect_eq(folder_mode(prefix, files[i]), 0644, "%s", files[i]);
    cr_expect_eq(folder_mode(dir, "etc/domsec"), 0755);
    cr_expect_eq(folder_mode(dir, "etc/domsec/domsec.conf"), 0);
}

Test(install, another_prefix_is_in_the_unit_and_the_profile)
{
    owned(folder) char *dir = folder_new();
    g_autofree char *prefix = install(dir, "/opt/domsec", "/opt/domsec/etc");
    const char *const files[] = {"lib/systemd/system/domsec-milter.service", "etc/apparmor.d/domsec-milter"};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *text = folder_read(prefix, files[i]);
        cr_assert_not_null(text, "%s", files[i]);
        expect_contains(text, "/opt/domsec/sbin/domsec-milter");
        expect_contains(text, "/opt/domsec/etc/domsec/");
        cr_expect_null(strstr(text, "/usr/sbin/domsec-milter"), "%s", files[i]);
        cr_expect_null(strstr(text, "=/etc/domsec"), "%s", files[i]);
        cr_expect_null(strstr(text, " /etc/domsec"), "%s", files[i]);
    }
}

/* A bad configuration ends a reload with an error, and the daemon can create its socket. */
Test(install, the_unit_checks_before_a_reload_and_lets_the_socket_be)
{
    owned(folder) char *dir = folder_new();
    g_autofree char *prefix = install(dir, "/usr", "/etc");
    g_autofree char *unit = folder_read(prefix, "lib/systemd/system/domsec-milter.service");
    cr_assert_not_null(unit);
    expect_contains(unit, "\nExecReload=/usr/bin/domsec check -c /etc/domsec/domsec.conf\n"
                          "ExecReload=/bin/kill -HUP $MAINPID\n");
    expect_contains(unit, "\nExecStartPre=+/usr/lib/domsec/socket-folder\n");
    expect_contains(unit, " -/var/spool/postfix/domsec ");
    cr_expect_eq(folder_mode(prefix, "lib/domsec/socket-folder"), 0755);
}

/* For an account that is there; that of the package may not be. */
Test(install, the_directory_of_the_socket_is_closed_to_others)
{
    if (geteuid() != 0)
        cr_skip_test("only root can give a directory away");
    owned(folder) char *dir = folder_new();
    g_autofree char *prefix = install(dir, "/usr", "/etc"), *folder = g_build_filename(dir, "socket", NULL);
    struct stat status;
    for (int again = 0; again < 2; again++) {
        owned(run) struct run made = run("'%s/lib/domsec/socket-folder' '%s' nobody", prefix, folder);
        expect_status(made, 0);
        cr_assert_eq(stat(folder, &status), 0);
        cr_expect_eq(status.st_mode & 07777, 02710, "%o", status.st_mode);
        cr_expect_neq(status.st_uid, 0);
        cr_expect_neq(status.st_gid, 0, "that of postfix, or of the account");
        cr_assert_eq(chmod(folder, 0777), 0);
    }
}

Test(install, wants_three_words)
{
    const char *tests = g_getenv("DOMSEC_TESTS");
    owned(run) struct run refused =
        run("'%s/../packaging/install-files' /nonexistent", tests != NULL ? tests : "tests");
    expect_status(refused, 64);
}
