/* SPDX-License-Identifier: Apache-2.0 */
/* What `split` and `mixed_recipients` come to. */
#include "support/scratch.h"

#include "conf/conf.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(split_conf, .init = scratch_setup, .fini = scratch_teardown);

#define KEYS "keys = ( \"file:split.key\" ); "

static struct conf *load(const char *text, struct faults *faults)
{
    g_autofree char *all = g_strconcat("local_domains = ( \"acme.test\" );\n", text, "\n", NULL);
    scratch_write("domsec.conf", all);
    return scratch_load(faults);
}

Test(split_conf, what_is_done_with_mixed_recipients)
{
    static const struct {
        const char *text;
        enum mixed mixed;
    } rows[] = {
        {"", MIXED_REJECT},
        {"mixed_recipients = \"tempfail\";", MIXED_TEMPFAIL},
        {"split = { " KEYS "};", MIXED_SPLIT},
        {"split = { " KEYS "};\nmixed_recipients = \"split\";", MIXED_SPLIT},
        {"split = { " KEYS "};\nmixed_recipients = \"tempfail\";", MIXED_TEMPFAIL},
        {"mixed_recipients = \"reject\";\nsplit = { " KEYS "};", MIXED_REJECT},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(faults) struct faults *faults = faults_new();
        owned(conf) struct conf *conf = load(rows[i].text, faults);
        cr_assert_not_null(conf, "row %zu", i);
        cr_expect_eq(conf->mixed_recipients, rows[i].mixed, "row %zu", i);
    }
}

Test(split_conf, values)
{
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf =
        load("split = { keys = ( \"file:new.key\", \"file:/etc/old.key\" ); daemon_name = \"back\"; copies = ( "
             "\"Archive@VAULT.test\" ); aliases = true; proven = true; max_age = 7; };",
             faults);
    cr_assert_not_null(conf);
    const struct split_conf *split = &conf->split;
    cr_expect_eq(strncmp(split->keys[0], "file:/", 6), 0);
    cr_expect(g_str_has_suffix(split->keys[0], "/new.key"));
    cr_expect_str_eq(split->keys[1], "file:/etc/old.key");
    cr_expect_null(split->keys[2]);
    cr_expect_str_eq(split->daemon_name, "back");
    cr_expect_str_eq(split->copies[0], "archive@vault.test");
    cr_expect(split->aliases && split->proven);
    cr_expect_eq(split->max_age, 7);
    cr_expect_eq(split->line, 2);
}

Test(split_conf, defaults)
{
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = load("split = { " KEYS "};", faults);
    cr_assert_not_null(conf);
    const struct split_conf *split = &conf->split;
    cr_expect_str_eq(split->daemon_name, "domsec-split");
    cr_expect_null(split->copies[0]);
    cr_expect(!split->aliases && !split->proven);
    cr_expect_eq(split->max_age, 30);
}

Test(split_conf, faults)
{
    static const struct {
        const char *text, *fault;
    } rows[] = {
        {"split = { };", "missing key \"keys\""},
        {"split = { keys = ( ); };", "\"keys\" must not be empty"},
        {"split = { keys = ( \"pkcs11:token=x\" ); };", "must be in a file"},
        {"split = { keys = ( \"split.key\" ); };", "is not a URI"},
        {"split = { " KEYS "max_age = 0; };", "must be from 1"},
        {"split = { " KEYS "copies = ( \"vault\" ); };", "is not an address"},
        {"split = { " KEYS "daemon_name = \"MTA\"; };", "a name of its own"},
        {"pass_daemons = ( \"domsec-split\" );\nsplit = { " KEYS "};", "is in pass_daemons"},
        {"mixed_recipients = \"split\";", "domsec.conf:2: \"mixed_recipients\": \"split\" needs the group"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(faults) struct faults *faults = faults_new();
        owned(conf) struct conf *conf = load(rows[i].text, faults);
        cr_expect_null(conf, "row %zu", i);
        cr_assert_eq(faults_count(faults), 1, "row %zu: %u", i, faults_count(faults));
        cr_expect_not_null(strstr(faults_at(faults, 0), rows[i].fault), "row %zu: %s", i, faults_at(faults, 0));
    }
}

Test(split_conf, aliases_need_it)
{
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf =
        load("mixed_recipients = \"reject\";\nsplit = { " KEYS "aliases = true; };", faults);
    cr_assert_not_null(conf);
    cr_assert_eq(faults_count(faults), 1);
    cr_expect_not_null(strstr(faults_at(faults, 0), ":2: warning: \"mixed_recipients\" is not \"split\""));
}
