/* SPDX-License-Identifier: Apache-2.0 */
/* Which files of a configuration are looked at; how is in tests/base/test_guard.c. */
#include "support/rig.h"

#include <sys/stat.h>

/* The faults of acme's configuration as it is now, one a line. */
static char *faults_of(const struct rig *rig, bool *opened)
{
    g_autofree char *file = g_build_filename(rig->acme.folder, "domsec.conf", NULL);
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load(file, faults);
    cr_assert_not_null(conf);
    gateway_check_exposure(conf, faults);
    owned(gateway) struct gateway *gateway = gateway_open(conf, faults);
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < faults_count(faults); i++)
        g_string_append_printf(text, "%s\n", faults_at(faults, i));
    *opened = gateway != NULL;
    return g_string_free(text, FALSE);
}

static void set_mode(const struct rig *rig, const char *name, mode_t mode)
{
    g_autofree char *path = g_build_filename(rig->acme.folder, name, NULL);
    cr_assert_eq(chmod(path, mode), 0, "%s", name);
}

Test(check_exposure, what_others_can_change_or_read_is_a_fault)
{
    static const struct {
        const char *name;
        mode_t bad, good;
        const char *want; /* at the end of the place */
    } rows[] = {
        {"dsa.key", 0644, 0600, "domsec.conf:9: every account can read "},
        {"dca.key", 0666, 0600, "domsec.conf:10: every account can change "},
        {"dsa.pem", 0666, 0644, "domsec.conf:9: every account can change "},
        {"domsec.conf", 0666, 0644, "domsec.conf: every account can change "},
        {"policy.d/partner.test.conf", 0666, 0644, "partner.test.conf: every account can change "},
        {"policy.d/more.inc", 0666, 0644, "more.inc: every account can change "},
        {"policy.d", 0777, 0700, "policy.d (mode 0777); run: chmod go-w "},
        {"policy.d", 01777, 0700, "policy.d (mode 1777); run: chmod go-w "},
        {"ca.pem", 0666, 0644, "domsec.conf:5: every account can change "},
        {"other-ca.pem", 0666, 0644, "partner.test.conf:2: every account can change "},
        {"other-dca.pem", 0666, 0644, "partner.test.conf:3: every account can change "},
        {"review.pem", 0666, 0644, "every account can change "},
    };
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    folder_write(rig->acme.folder, "policy.d/more.inc", "naming = \"rfc3183\";\n");
    rig_open(&rig->acme, &rig->partner,
             "outbound = { protect = \"sign\"; require_review = ( \"review.pem\" ); };\n"
             "@include \"policy.d/more.inc\"",
             NULL);
    bool opened = false;
    g_autofree char *before = faults_of(rig, &opened);
    cr_assert(opened, "%s", before);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        set_mode(rig, rows[i].name, rows[i].bad);
        g_autofree char *text = faults_of(rig, &opened);
        cr_expect_not(opened, "%s", rows[i].name);
        cr_expect_not_null(strstr(text, rows[i].want), "%s:\n%s", rows[i].name, text);
        set_mode(rig, rows[i].name, rows[i].good);
    }
    set_mode(rig, "", 0777);
    g_autofree char *once = faults_of(rig, &opened);
    cr_expect_not(opened);
    const char *first = strstr(once, "every account can change ");
    cr_assert_not_null(first);
    cr_expect_null(strstr(first + 1, "every account can change "), "a directory is named once:\n%s", once);
}

Test(check_exposure, a_socket_that_others_reach_is_a_warning)
{
    static const struct {
        const char *listen, *want; /* NULL: no warning */
    } rows[] = {
        {"inet:8891@127.0.0.1",
         "domsec.conf:7: warning: \"listen\": inet:8891@127.0.0.1: every account of this host can "},
        {"inet6:8891@::1", "every account of this host can have mail signed and decrypted; use a unix socket"},
        {"inet:localhost:8891", "every account of this host can "},
        {"inet:8891", "it listens on all addresses, and every host that reaches one of them can "},
        {"inet:8891@0.0.0.0", "it listens on all addresses"},
        {"inet6:8891@::", "it listens on all addresses"},
        {"inet:8891@192.0.2.1", "every host that reaches it can "},
        {"inet:8891@192.0.2.1", "or let only the mail server connect (firewall)"},
        {"local:milter", NULL},
        {"local:open/milter", "domsec.conf:7: warning: \"listen\": every account can change "},
        {"local:absent/milter", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_closed(PKI_EC);
        bool opened = false;
        g_autofree char *line = g_strdup_printf("listen = \"%s\";", rows[i].listen);
        folder_write(rig->acme.folder, "open/x", "");
        set_mode(rig, "open", 01777);
        rig_open(&rig->acme, &rig->partner, "outbound = { protect = \"sign\"; };", line);
        g_autofree char *text = faults_of(rig, &opened);
        cr_expect(opened, "%s", text);
        if (rows[i].want != NULL)
            cr_expect_not_null(strstr(text, rows[i].want), "row %zu: %s", i, text);
        else
            cr_expect_null(strstr(text, "listen"), "row %zu: %s", i, text);
    }
}
