/* SPDX-License-Identifier: Apache-2.0 */
/* What `domsec check --postfix` says, with a postconf of the test's own. tests/e2e/ asks the real one. */
#include "support/program.h"

#define GOOD                                                                                                           \
    "config_directory = /etc/postfix\ncompatibility_level = 3.6\nqueue_directory = /var/spool/postfix\n"               \
    "mail_owner = no-such-account\ninternal_mail_filter_classes = bounce\nmessage_size_limit = 10240000\n"             \
    "smtpd_recipient_limit = 1000\nmilter_protocol = 6\nsmtpd_forbid_bare_newline = yes\n"                             \
    "milter_rcpt_macros = i {rcpt_addr} {rcpt_host} {rcpt_mailer}\n"
#define ACTION "milter_default_action = tempfail\n"
#define OURS "unix:domsec/milter"
#define MILTERS "smtpd_milters = " OURS "\nnon_smtpd_milters = " OURS "\n"
#define SMTP(chroot) "smtp/inet/command = smtpd -o x=y\nsmtp/inet/chroot = " chroot "\n"
#define CLEANUP(chroot) "cleanup/unix/command = cleanup\ncleanup/unix/chroot = " chroot "\n"
#define SERVICES SMTP("y") CLEANUP("y")
#define SUBMISSION "submission/inet/command = smtpd\nsubmission/inet/chroot = y\n"

static char *dir;

static void setup(void)
{
    dir = folder_new();
    g_autofree char *script = g_build_filename(dir, "postconf", NULL);
    g_autofree char *path = g_strconcat(dir, ":", g_getenv("PATH"), NULL);
    folder_write(dir, "postconf",
                 "#!/bin/sh\nhere=${0%/*}\n[ ! -e \"$here/broken\" ] || { echo 'fatal: broken' >&2; exit 1; }\n"
                 "cat \"$here/postconf$1\"\n[ \"$2 $3\" = '-c /etc/other' ] || [ $# = 1 ]\n");
    cr_assert_eq(chmod(script, 0755), 0);
    /* Answers with $here/TYPE:NAME, if that is there. */
    g_autofree char *postmap = g_build_filename(dir, "postmap", NULL);
    folder_write(
        dir, "postmap",
        "#!/bin/sh\nhere=${0%/*}\n[ \"$1\" = -s ] && table=$2 || table=$3\n"
        "[ -e \"$here/$table\" ] || { echo \"postmap: fatal: open $table\" >&2; exit 1; }\n"
        "[ -s \"$here/$table\" ] || { echo 'postmap: warning: of main.cf' >&2; exit 1; }\ncat \"$here/$table\"\n");
    cr_assert_eq(chmod(postmap, 0755), 0);
    g_setenv("PATH", path, TRUE);
    owned(run) struct run made = run("domsec init --domain acme.test --algorithm p256 '%s/a'", dir);
    expect_status(made, 0);
    g_autofree char *text = folder_read(dir, "a/domsec.conf");
    g_autofree char *whole = g_strconcat(text, "mixed_recipients = \"reject\";\n", NULL);
    folder_write(dir, "a/domsec.conf", whole);
    program_give(dir, NULL);
}

static void teardown(void)
{
    folder_remove(dir);
}

TestSuite(check_postfix, .init = setup, .fini = teardown);

static struct run check(const char *listen, const char *main, const char *overrides, const char *fields)
{
    if (listen != NULL) {
        g_autofree char *text = folder_read(dir, "a/domsec.conf"), *rest = g_strdup(strstr(text, "// Domains whose"));
        g_autofree char *all = g_strdup_printf("listen = \"%s\";\n%s", listen, rest);
        folder_write(dir, "a/domsec.conf", all);
    }
    folder_write(dir, "postconf-x", main);
    folder_write(dir, "postconf-xP", overrides);
    folder_write(dir, "postconf-F", fields);
    return run("domsec check -c '%s/a/domsec.conf' --postfix", dir);
}

/* How many findings are about Postfix. */
static unsigned count(const char *text)
{
    unsigned found = 0;
    for (const char *at = text; (at = strstr(at, "/etc/postfix/m")) != NULL; at++)
        found++;
    return found;
}

struct row {
    const char *listen; /* NULL: that of init */
    const char *main, *overrides, *fields;
    const char *want; /* NULL: no finding */
};

static void expect_rows(const struct row *rows, size_t rows_count)
{
    for (size_t i = 0; i < rows_count; i++) {
        owned(run) struct run got = check(rows[i].listen, rows[i].main, rows[i].overrides, rows[i].fields);
        bool is_fault =
            rows[i].want != NULL && strstr(rows[i].want, ": warning") == NULL && strstr(rows[i].want, ": note") == NULL;
        cr_expect_eq(got.status, is_fault ? 1 : 0, "row %zu: %d\n%s", i, got.status, got.out);
        cr_expect_eq(count(got.out), rows[i].want != NULL ? 1 : 0, "row %zu:\n%s", i, got.out);
        if (rows[i].want != NULL)
            cr_expect_not_null(strstr(got.out, rows[i].want), "row %zu: %s\n%s", i, rows[i].want, got.out);
    }
}

Test(check_postfix, sockets)
{
    static const struct row rows[] = {
        {NULL, GOOD ACTION MILTERS, "", SERVICES, NULL},
        {NULL, GOOD ACTION MILTERS, "", SMTP("n") CLEANUP("n"), NULL},
        {NULL, GOOD ACTION "smtpd_milters = unix:/domsec/milter\nnon_smtpd_milters = " OURS "\n", "", SERVICES, NULL},
        {NULL, GOOD ACTION "smtpd_milters = unix:/var/spool/postfix/domsec/milter\nnon_smtpd_milters = " OURS "\n", "",
         SMTP("n") CLEANUP("-"), NULL},
        {NULL, GOOD ACTION "smtpd_milters = unix:/var/spool/postfix/domsec/milter\nnon_smtpd_milters = " OURS "\n", "",
         SERVICES,
         "master.cf: smtp/inet runs in a chroot, from which it cannot reach local:/var/spool/postfix/domsec/milter; "
         "use "},
        {NULL, GOOD ACTION "smtpd_milters =\nnon_smtpd_milters = " OURS "\n", "", SERVICES,
         "main.cf: no smtpd calls the gateway, so that nothing is protected; set smtpd_milters = unix:domsec/milter"},
        {NULL, GOOD ACTION MILTERS, "smtp/inet/receive_override_options = no_milters\n", SERVICES,
         "main.cf: no smtpd calls the gateway"},
        {NULL, GOOD ACTION "smtpd_milters = " OURS "\nnon_smtpd_milters =\n", "", SERVICES,
         "main.cf: warning: non_smtpd_milters does not call the gateway"},
        {"local:/run/domsec/milter",
         GOOD ACTION "smtpd_milters = unix:/run/domsec/milter\nnon_smtpd_milters = unix:/run/domsec/milter\n", "",
         SMTP("-") CLEANUP("n"), NULL},
        {"local:/run/domsec/milter",
         GOOD ACTION "smtpd_milters = unix:/run/domsec/milter\nnon_smtpd_milters = unix:/run/domsec/milter\n", "",
         SMTP("y") CLEANUP("n"), "master.cf: smtp/inet runs in a chroot"},
        {"inet:8891@127.0.0.1",
         GOOD ACTION "smtpd_milters = inet:localhost:8891\nnon_smtpd_milters = inet:[127.0.0.1]:8891\n", "", SERVICES,
         NULL},
        {"inet:8891", GOOD ACTION "smtpd_milters = inet:192.0.2.1:8891\nnon_smtpd_milters = inet:127.0.0.1:8891\n", "",
         SERVICES, NULL},
        {"inet6:8891@2001:db8::1",
         GOOD ACTION "smtpd_milters = inet:[2001:db8::1]:8891\nnon_smtpd_milters = inet:[2001:db8::1]:8892\n", "",
         SERVICES,
         "main.cf: warning: non_smtpd_milters does not call the gateway, so that mail of sendmail(1) leaves "
         "unprotected; set "
         "non_smtpd_milters = inet:[2001:db8::1]:8891"},
    };
    expect_rows(rows, G_N_ELEMENTS(rows));
}

Test(check_postfix, settings)
{
    static const struct row rows[] = {
        {NULL, GOOD MILTERS "milter_default_action = accept\n", "", SERVICES,
         "main.cf: milter_default_action is \"accept\" for smtp/inet: mail leaves unprotected"},
        {NULL, GOOD MILTERS "milter_default_action = reject\n", "", SERVICES,
         "main.cf: warning: milter_default_action is \"reject\" for smtp/inet"},
        {NULL, GOOD MILTERS "milter_default_action = shutdown\n", "", SERVICES, NULL},
        {NULL, GOOD MILTERS ACTION, "smtp/inet/milter_default_action = accept\n", SERVICES,
         "is \"accept\" for smtp/inet"},
        {NULL,
         GOOD "milter_default_action = accept\nsmtpd_milters = { " OURS
              ", connect_timeout=9s,default_action = tempfail }\n"
              "non_smtpd_milters = " OURS "\n",
         "", SERVICES, NULL},
        {NULL, GOOD ACTION "smtpd_milters = {" OURS ",default_action=accept}\nnon_smtpd_milters = " OURS "\n", "",
         SERVICES, "is \"accept\" for smtp/inet"},
        {NULL, GOOD ACTION MILTERS "internal_mail_filter_classes = notify\n", "", SERVICES,
         "main.cf: warning: internal_mail_filter_classes lacks \"bounce\""},
        {NULL, GOOD ACTION MILTERS "message_size_limit = 52428801\n", "", SERVICES,
         "main.cf: warning: message_size_limit is 52428801, and that of the gateway 52428800"},
        {NULL, GOOD ACTION MILTERS "message_size_limit = 0\n", "", SERVICES,
         "main.cf: warning: message_size_limit is 0"},
        {NULL, GOOD ACTION MILTERS "smtpd_recipient_limit = 1001\n", "", SERVICES,
         "main.cf: warning: smtpd_recipient_limit is 1001, and recipients_limit 1000"},
        {NULL, GOOD ACTION MILTERS "milter_protocol = 2\n", "", SERVICES, "main.cf: warning: milter_protocol is 2"},
        {NULL, GOOD ACTION MILTERS "milter_rcpt_macros = i {rcpt_addr}\n", "", SERVICES,
         "main.cf: note: milter_rcpt_macros lacks {rcpt_host}"},
        {NULL, GOOD ACTION MILTERS "smtpd_forbid_bare_newline = no\n", "", SERVICES,
         "main.cf: note: smtpd_forbid_bare_newline is \"no\""},
        {NULL, GOOD ACTION MILTERS "smtpd_milter_maps = cidr:/x\n", "", SERVICES, "main.cf: note: smtpd_milter_maps"},
    };
    expect_rows(rows, G_N_ELEMENTS(rows));
}

Test(check_postfix, services_and_order)
{
#define DKIM "unix:opendkim/dkim.sock"
    static const struct row rows[] = {
        {NULL, GOOD ACTION MILTERS, "submission/inet/smtpd_milters =\n", SERVICES SUBMISSION,
         "master.cf: warning: submission/inet does not call the gateway, so that mail of your users leaves "
         "unprotected"},
        {NULL, GOOD ACTION MILTERS, "127.0.0.1:10025/inet/smtpd_milters =\n",
         SERVICES "127.0.0.1:10025/inet/command = smtpd\n127.0.0.1:10025/inet/chroot = y\n",
         "master.cf: note: 127.0.0.1:10025/inet does not call the gateway"},
        {NULL, GOOD ACTION "smtpd_milters = " DKIM ", " OURS "\nnon_smtpd_milters = " OURS " " DKIM "\n", "", SERVICES,
         NULL},
        {NULL, GOOD ACTION "smtpd_milters = " OURS "," DKIM "\nnon_smtpd_milters = " OURS "\n", "", SERVICES,
         "main.cf: warning: smtp/inet: unix:opendkim/dkim.sock verifies after the gateway has changed the message"},
        {NULL, GOOD ACTION MILTERS, "submission/inet/smtpd_milters = " DKIM " " OURS "\n", SERVICES SUBMISSION,
         "main.cf: warning: submission/inet: unix:opendkim/dkim.sock signs before the gateway changes the message"},
        {NULL, GOOD ACTION "smtpd_milters = " OURS "\nnon_smtpd_milters = " DKIM "\t" OURS "\n", "", SERVICES,
         "main.cf: warning: non_smtpd_milters: unix:opendkim/dkim.sock signs before"},
        {NULL, GOOD ACTION "smtpd_milters = inet:127.0.0.1:9 " OURS "\nnon_smtpd_milters = " OURS "\n", "", SERVICES,
         "main.cf: note: smtp/inet: the gateway is milter 2 of 2"},
    };
    expect_rows(rows, G_N_ELEMENTS(rows));
}

Test(check_postfix, listeners_that_pass)
{
#define FILTER GOOD ACTION MILTERS "content_filter = scan:[127.0.0.1]:10024\nmilter_macro_daemon_name = mx.acme.test\n"
#define LISTENER(name) SERVICES name "/command = smtpd\n" name "/chroot = y\n"
#define RETURNS(name) name "/content_filter =\n"
#define NAMED(name) RETURNS(name) name "/milter_macro_daemon_name = reinject\n"
    static const struct row rows[] = {
        {NULL, FILTER, "", SERVICES, NULL},
        {NULL, FILTER, NAMED("127.0.0.1:10025/inet"), LISTENER("127.0.0.1:10025/inet"), NULL},
        {NULL, FILTER, NAMED("localhost:10025/inet"), LISTENER("localhost:10025/inet"), NULL},
        {NULL, FILTER, NAMED("[::1]:10025/inet"), LISTENER("[::1]:10025/inet"), NULL},
        {NULL, FILTER, NAMED("returned/unix"), LISTENER("returned/unix"), NULL},
        {NULL, FILTER "inet_interfaces = loopback-only\n", NAMED("10025/inet"), LISTENER("10025/inet"), NULL},
        {NULL, FILTER, NAMED("10025/inet"), LISTENER("10025/inet"),
         "master.cf: warning: 10025/inet has the name \"reinject\", which is in pass_daemons: hosts that"},
        {NULL, FILTER, NAMED("192.0.2.1:10025/inet"), LISTENER("192.0.2.1:10025/inet"),
         "master.cf: warning: 192.0.2.1:10025/inet has the name"},
        {NULL, FILTER, RETURNS("127.0.0.1:10025/inet"), LISTENER("127.0.0.1:10025/inet"),
         "master.cf: warning: 127.0.0.1:10025/inet calls the gateway again for mail that a content filter returns"},
        {NULL, FILTER, RETURNS("submission/inet"), LISTENER("submission/inet"), NULL},
        {NULL, FILTER, NAMED("submission/inet"), LISTENER("submission/inet"),
         "master.cf: submission/inet has the name \"reinject\", which is in pass_daemons, so that its mail leaves"},
        {NULL, GOOD ACTION MILTERS "milter_macro_daemon_name = reinject\n", "", SERVICES,
         "master.cf: smtp/inet has the name \"reinject\", which is in pass_daemons"},
    };
    g_autofree char *text = folder_read(dir, "a/domsec.conf");
    g_autofree char *passing = g_strconcat(text, "pass_daemons = ( \"reinject\" );\n", NULL);
    folder_write(dir, "a/domsec.conf", passing);
    expect_rows(rows, G_N_ELEMENTS(rows));
}

/* --- the way of split messages --- */

#define SPLIT_MAIN(table, limit)                                                                                       \
    GOOD ACTION MILTERS "mail_version = 3.10.1\nmilter_header_checks = " table "\n"                                    \
                        "domsec-split_destination_recipient_limit = " limit "\nsmtp_tls_security_level = encrypt\n"    \
                        "smtpd_banner = mx ESMTP\nsmtpd_milter_maps =\n"
#define SPLIT_FIELDS                                                                                                   \
    SERVICES "domsec-split/unix/command = smtp\ndomsec-split/unix/chroot = n\n"                                        \
             "127.0.0.1:10026/inet/command = smtpd\n127.0.0.1:10026/inet/chroot = n\n"                                 \
             "domsec-cleanup/unix/command = cleanup\ndomsec-cleanup/unix/chroot = n\n"
#define SPLIT_CLIENT "domsec-split/unix/smtp_tls_security_level = none\n"
#define SPLIT_NAME "127.0.0.1:10026/inet/milter_macro_daemon_name = domsec-split\n"
#define SPLIT_SIZE "127.0.0.1:10026/inet/message_size_limit = 0\n"
#define SPLIT_NETWORKS SPLIT_SIZE "127.0.0.1:10026/inet/mynetworks = 127.0.0.0/8 [::1]/128\n"
#define SPLIT_OVERRIDES                                                                                                \
    "127.0.0.1:10026/inet/receive_override_options = no_address_mappings no_header_body_checks "                       \
    "no_unknown_recipient_checks\n"
#define SPLIT_CLEANUP                                                                                                  \
    "127.0.0.1:10026/inet/cleanup_service_name = domsec-cleanup\ndomsec-cleanup/unix/message_size_limit = 0\n"         \
    "domsec-cleanup/unix/milter_header_checks =\n"
#define SPLIT_MASTER SPLIT_CLIENT SPLIT_NAME SPLIT_NETWORKS SPLIT_OVERRIDES SPLIT_CLEANUP
#define ROUTE "FILTER domsec-split:[127.0.0.1]:10026\n"

/* With the configuration of init, and the answer of the table regexp:split. */
static void expect_split_rows(const struct row *rows, size_t count, const char *answer, const char *more)
{
    g_autofree char *text = folder_read(dir, "a/domsec.conf");
    g_auto(GStrv) halves = g_strsplit(text, "\nmixed_recipients", 2);
    g_autofree char *splitting = g_strconcat(halves[0], "\n", more, NULL);
    folder_write(dir, "a/domsec.conf", splitting);
    if (answer != NULL)
        folder_write(dir, "regexp:split", answer);
    expect_rows(rows, count);
}

Test(check_postfix, the_way_of_split_messages_is_whole)
{
    static const struct row rows[] = {
        {NULL, SPLIT_MAIN("regexp:split", "1"), SPLIT_MASTER, SPLIT_FIELDS, NULL},
        {NULL, SPLIT_MAIN("regexp:split", "50"), SPLIT_MASTER, SPLIT_FIELDS,
         "main.cf: domsec-split_destination_recipient_limit is 50: "},
        {NULL, SPLIT_MAIN("", "1"), SPLIT_MASTER, SPLIT_FIELDS,
         "main.cf: milter_header_checks does not bring sealed messages back to the gateway"},
        {NULL, SPLIT_MAIN("regexp:none", "1"), SPLIT_MASTER, SPLIT_FIELDS,
         "main.cf: milter_header_checks: postmap cannot read regexp:none"},
        {NULL, SPLIT_MAIN("regexp:split", "1"), SPLIT_MASTER, SERVICES,
         "master.cf: no service domsec-split with the command smtp"},
        {NULL, SPLIT_MAIN("regexp:split", "1"), SPLIT_CLIENT SPLIT_NETWORKS SPLIT_OVERRIDES SPLIT_CLEANUP, SPLIT_FIELDS,
         "master.cf: 127.0.0.1:10026/inet has the name \"\", so that the gateway does not open what comes back"},
        {NULL, SPLIT_MAIN("regexp:split", "1"), SPLIT_MASTER "127.0.0.1:10026/inet/smtpd_milters =\n", SPLIT_FIELDS,
         "master.cf: 127.0.0.1:10026/inet does not call the gateway, so that recipients get sealed messages"},
        {NULL, SPLIT_MAIN("regexp:split", "1"), SPLIT_MASTER "smtp/inet/milter_macro_daemon_name = domsec-split\n",
         SPLIT_FIELDS, "master.cf: smtp/inet has the name \"domsec-split\", on which the gateway accepts only sealed"},
        {NULL, SPLIT_MAIN("regexp:split", "1"), SPLIT_CLIENT SPLIT_NAME SPLIT_SIZE SPLIT_OVERRIDES SPLIT_CLEANUP,
         SPLIT_FIELDS, NULL},
        {NULL, SPLIT_MAIN("regexp:split", "1") "mynetworks = 192.0.2.0/24\n",
         SPLIT_CLIENT SPLIT_NAME SPLIT_SIZE SPLIT_OVERRIDES SPLIT_CLEANUP, SPLIT_FIELDS,
         "master.cf: warning: 127.0.0.1:10026/inet: other hosts can hand messages to it"},
        {NULL, SPLIT_MAIN("regexp:split", "1"),
         SPLIT_CLIENT SPLIT_NAME SPLIT_NETWORKS SPLIT_CLEANUP
         "127.0.0.1:10026/inet/receive_override_options = no_address_mappings no_header_body_checks\n",
         SPLIT_FIELDS,
         "master.cf: warning: 127.0.0.1:10026/inet: receive_override_options lacks no_unknown_recipient_checks"},
        {NULL, SPLIT_MAIN("regexp:split", "1"), SPLIT_NAME SPLIT_NETWORKS SPLIT_OVERRIDES SPLIT_CLEANUP, SPLIT_FIELDS,
         "master.cf: warning: domsec-split/unix: smtp_tls_security_level is \"encrypt\": sealed messages are held"},
        {NULL, SPLIT_MAIN("regexp:split", "1") "smtpd_command_filter = pcre:/x\n", SPLIT_MASTER, SPLIT_FIELDS,
         "master.cf: warning: 127.0.0.1:10026/inet: smtpd_command_filter is \"pcre:/x\": "},
        {NULL, SPLIT_MAIN("regexp:split", "1"),
         SPLIT_CLIENT SPLIT_NAME SPLIT_NETWORKS SPLIT_OVERRIDES
         "127.0.0.1:10026/inet/cleanup_service_name = domsec-cleanup\ndomsec-cleanup/unix/milter_header_checks =\n",
         SPLIT_FIELDS,
         "master.cf: warning: domsec-cleanup/unix: message_size_limit is \"10240000\": sealed messages are held"},
        {NULL, SPLIT_MAIN("regexp:split", "1"),
         SPLIT_CLIENT SPLIT_NAME SPLIT_NETWORKS SPLIT_OVERRIDES "127.0.0.1:10026/inet/cleanup_service_name = gone\n",
         SPLIT_FIELDS, "master.cf: 127.0.0.1:10026/inet: no service gone with the command cleanup"},
        {NULL, SPLIT_MAIN("regexp:split", "1") "smtpd_banner = mx ready\n", SPLIT_MASTER, SPLIT_FIELDS,
         "master.cf: warning: 127.0.0.1:10026/inet: the smtpd_banner \"mx ready\" may keep"},
        {NULL, SPLIT_MAIN("regexp:split", "1") "enable_original_recipient = no\n", SPLIT_MASTER, SPLIT_FIELDS,
         "main.cf: warning: enable_original_recipient is \"no\""},
        {NULL, SPLIT_MAIN("regexp:split", "1") "milter_macro_v = Mail 1\n", SPLIT_MASTER, SPLIT_FIELDS,
         "main.cf: milter_macro_v is \"Mail 1\": "},
        {NULL, SPLIT_MAIN("regexp:split", "1") "milter_macro_v = Postfix 3.7.11\n", SPLIT_MASTER, SPLIT_FIELDS, NULL},
        {NULL, SPLIT_MAIN("regexp:split", "1") "mail_version = 3.6.4\n", SPLIT_MASTER, SPLIT_FIELDS, NULL},
        {NULL, SPLIT_MAIN("regexp:split", "1") "mail_version = 2.11.1\n", SPLIT_MASTER, SPLIT_FIELDS,
         "main.cf: Postfix 2.11.1 cannot split messages"},
    };
    expect_split_rows(rows, G_N_ELEMENTS(rows), ROUTE, "");
}

Test(check_postfix, what_the_table_says_of_a_sealed_message)
{
    static const struct row other[] = {
        {NULL, SPLIT_MAIN("regexp:split", "1"), SPLIT_MASTER, SPLIT_FIELDS,
         "main.cf: milter_header_checks: regexp:split answers \"REJECT\" to a sealed message; it must be FILTER"},
    };
    static const struct row nothing[] = {
        {NULL, SPLIT_MAIN("regexp:split", "1"), SPLIT_MASTER, SPLIT_FIELDS,
         "main.cf: milter_header_checks does not bring"},
        {NULL, SPLIT_MAIN("regexp:split, regexp:second", "1"), SPLIT_MASTER, SPLIT_FIELDS, NULL},
    };
    static const struct row elsewhere[] = {
        {NULL, SPLIT_MAIN("regexp:split", "1"), SPLIT_MASTER, SPLIT_FIELDS,
         "master.cf: no smtpd listens on [127.0.0.1]:10027, to which milter_header_checks sends sealed messages"},
    };
    folder_write(dir, "regexp:second", ROUTE);
    expect_split_rows(other, G_N_ELEMENTS(other), "REJECT\n", "");
    expect_split_rows(nothing, G_N_ELEMENTS(nothing), "", "");
    expect_split_rows(elsewhere, G_N_ELEMENTS(elsewhere), "FILTER domsec-split:[127.0.0.1]:10027\n", "");
}

/* --- aliases --- */

/* One recipient more must not be a way around a scanner, nor past aliases. */
Test(check_postfix, other_listeners_beside_that_of_split_messages)
{
#define SPLIT_GOOD SPLIT_MAIN("regexp:split", "1")
#define SCANNED "smtp/inet/content_filter = scan:[127.0.0.1]:10024\n"
#define SPLIT_MILTERS(list) "127.0.0.1:10026/inet/smtpd_milters = " list "\n"
#define UNMAPPED "smtp/inet/receive_override_options = no_address_mappings\n"
    static const struct row rows[] = {
        {NULL, SPLIT_GOOD, SPLIT_MASTER SCANNED, SPLIT_FIELDS,
         "master.cf: warning: smtp/inet: content_filter is \"scan:[127.0.0.1]:10024\", and messages that are split"},
        {NULL, SPLIT_GOOD, SPLIT_MASTER SCANNED "127.0.0.1:10026/inet/content_filter = scan:[127.0.0.1]:10024\n",
         SPLIT_FIELDS, NULL},
        {NULL, SPLIT_GOOD "content_filter = scan:[127.0.0.1]:10024\n", SPLIT_MASTER, SPLIT_FIELDS, NULL},
        {NULL, SPLIT_GOOD, SPLIT_MASTER SCANNED "smtp/inet/smtpd_milters =\n", SPLIT_FIELDS,
         "master.cf: note: smtp/inet does not call the gateway"},
        {NULL, SPLIT_GOOD, SPLIT_MASTER "submission/inet/smtpd_milters = " OURS " unix:opendkim/socket\n",
         SPLIT_FIELDS SUBMISSION,
         "master.cf: warning: submission/inet: the milter unix:opendkim/socket behind the gateway sees messages that "
         "are "
         "split only as sealed ones"},
        {NULL, SPLIT_GOOD,
         SPLIT_MASTER "submission/inet/smtpd_milters = " OURS
                      " unix:opendkim/socket\n" SPLIT_MILTERS(OURS " unix:opendkim/socket"),
         SPLIT_FIELDS SUBMISSION, NULL},
        {NULL, SPLIT_GOOD, SPLIT_MASTER UNMAPPED, SPLIT_FIELDS,
         "master.cf: warning: smtp/inet: receive_override_options has no_address_mappings"},
    };
    static const struct row sealed[] = {
        {NULL, SPLIT_GOOD, SPLIT_MASTER UNMAPPED, SPLIT_FIELDS,
         "master.cf: smtp/inet: receive_override_options has no_address_mappings"},
    };
    g_autofree char *text = folder_read(dir, "a/domsec.conf");
    expect_split_rows(rows, G_N_ELEMENTS(rows), ROUTE, "");
    g_auto(GStrv) parts = g_strsplit(text, "split.key\" ); ", 2);
    g_autofree char *aliases = g_strconcat(parts[0], "split.key\" ); aliases = true; ", parts[1], NULL);
    folder_write(dir, "a/domsec.conf", aliases);
    expect_split_rows(sealed, G_N_ELEMENTS(sealed), ROUTE, "");
}

Test(check_postfix, aliases_that_lead_to_a_partner)
{
#define ALIASES(name, table) GOOD ACTION MILTERS name " = " table "\n"
    static const struct row rows[] = {
        {NULL, ALIASES("virtual_alias_maps", "hash:local"), "", SERVICES, NULL},
        {NULL, ALIASES("virtual_alias_maps", "hash:local, hash:team"), "", SERVICES,
         "main.cf: warning: virtual_alias_maps leads team@acme.test to bob@partner.test behind the gateway"},
        {NULL, ALIASES("recipient_canonical_maps", "hash:team"), "", SERVICES,
         "main.cf: warning: recipient_canonical_maps leads team@acme.test to bob@partner.test"},
        {NULL, ALIASES("canonical_maps", "hash:many"), "", SERVICES,
         "main.cf: warning: canonical_maps leads a to x@partner.test, b to x@sub.partner.test, c to x@partner.test, "
         "and 2 more behind"},
        {NULL, ALIASES("virtual_alias_maps", "ldap:x"), "", SERVICES,
         "main.cf: note: virtual_alias_maps: postmap cannot list ldap:x; if an address there leads to a partner, its "
         "mail "
         "leaves unprotected without split.aliases"},
    };
    static const struct row sealed[] = {
        {NULL, SPLIT_MAIN("regexp:split", "1") "virtual_alias_maps = hash:team\n", SPLIT_MASTER, SPLIT_FIELDS, NULL},
        {NULL, SPLIT_MAIN("regexp:split", "1") "virtual_alias_maps = ldap:x\n", SPLIT_MASTER, SPLIT_FIELDS,
         "main.cf: note: virtual_alias_maps: postmap cannot list ldap:x; if an address there leads to a partner, its "
         "mail is "
         "protected by split.aliases"},
    };
    folder_write(dir, "a/policy.d/partner.conf", "domain = \"partner.test\";\noutbound = { protect = \"sign\"; };\n");
    folder_write(dir, "a/policy.d/open.conf", "domain = \"open.test\";\n");
    folder_write(dir, "hash:local",
                 "team@acme.test\tbob@acme.test, joe\nopen@acme.test\tx@open.test y@other.test\n"
                 "bob@partner.test\trobert@partner.test\n");
    folder_write(dir, "hash:team", "team@acme.test\tjoe, bob@partner.test\n");
    folder_write(dir, "hash:many",
                 "a\tx@partner.test\nb\tx@sub.partner.test\nc\tx@partner.test\nd\tx@partner.test y@partner.test\n");
    expect_rows(rows, G_N_ELEMENTS(rows));
    g_autofree char *text = folder_read(dir, "a/domsec.conf");
    g_auto(GStrv) parts = g_strsplit(text, "split.key\" ); ", 2);
    g_autofree char *aliases = g_strconcat(parts[0], "split.key\" ); aliases = true; ", parts[1], NULL);
    folder_write(dir, "a/domsec.conf", aliases);
    expect_split_rows(sealed, G_N_ELEMENTS(sealed), ROUTE, "");
}

Test(check_postfix, of_another_directory_and_of_none)
{
    owned(run) struct run good = check(NULL, GOOD ACTION MILTERS, "", SERVICES);
    expect_status(good, 0);
    owned(run) struct run other = run("domsec check -c '%s/a/domsec.conf' --postfix /etc/other", dir);
    expect_status(other, 0);
    owned(run) struct run stray = run("domsec check -c '%s/a/domsec.conf' /etc/other", dir);
    expect_status(stray, 64);
    folder_write(dir, "broken", "");
    owned(run) struct run broken = run("domsec check -c '%s/a/domsec.conf' --postfix", dir);
    expect_status(broken, 1);
    expect_contains(broken.out, "postconf failed: fatal: broken");
}
