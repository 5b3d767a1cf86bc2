/* SPDX-License-Identifier: Apache-2.0 */
/* `domsec explain` of rules: which is taken, by which criterion, why not the earlier ones, and what another
 * configuration would change. */
#include "support/program.h"

#define EXPLAIN "domsec explain -c '%s/a/domsec.conf' --from alice@acme.test --to bob@partner.test "

static char *gateway(const char *policy)
{
    char *dir = folder_new();
    owned(run) struct run a =
        run("domsec init --domain acme.test --algorithm p256 --listen 'local:%s/milter' '%s/a'", dir, dir);
    cr_assert_eq(a.status, 0, "%s", a.err);
    folder_write(dir, "a/policy.d/partner.test.conf", policy);
    program_give(dir, NULL);
    return dir;
}

#define POLICY                                                                                                         \
    "domain = \"partner.test\";\n"                                                                                     \
    "outbound = { protect = \"sign\"; };\n"                                                                            \
    "cipher = \"aes-128-gcm\";\n"                                                                                      \
    "rules = (\n"                                                                                                      \
    "  { when = { header = \"Sensitivity: private\"; login = \"bob\"; }; protect = \"encrypt\"; },\n"                  \
    "  { when = { kind = \"list\"; }; otherwise = \"tag\"; },\n"                                                       \
    "  { when = { subject = \"[keep]\"; }; protect = \"none\"; },\n"                                                   \
    "  { when = { kind = \"calendar\"; }; protect = \"none\"; lowers = true; },\n"                                     \
    "  { when = { larger_than = 1000; }; refuse = true; } );\n"

static const struct {
    const char *options;
    int status;
    const char *says[5];
} asked[] = {
    {"--auth alice", 0, {"accept: sign", "partner.test.conf    taken: no rule fits", "\"aes-128-gcm\"", "conf:3"}},
    {"--auth alice --header 'Sensitivity: PRIVATE'", 0, {"partner.test.conf:5  does not fit: login", "accept: sign"}},
    {"--auth alice --subject '[Keep] x'",
     0,
     {"partner.test.conf:5  does not fit: header, login", "partner.test.conf:6  only for mail that arrives",
      "partner.test.conf:7  taken: subject", "partner.test.conf    applies as well", "accept: sign"}},
    {"--subject '[Keep] x'", 65, {"partner.test.conf:7  does not count: subject is the sender's own words"}},
    {"--header 'Sensitivity: private'", 65, {"partner.test.conf:5  does not fit: login"}},
    {"--auth alice --header 'Content-Type: text/calendar; method=REQUEST'",
     0,
     {"partner.test.conf:8  taken: kind", "accept: leave unchanged", "rules.protect"}},
    {"--auth alice --size 1001", 65, {"partner.test.conf:9  taken: larger_than", "rules.refuse = true"}},
    {"--auth alice --size 1000", 0, {"taken: no rule fits"}},
    {"--header X", 64, {NULL}},
    {"--size many", 64, {NULL}},
    {"--batch x", 64, {NULL}},
};

Test(explain_rules, says_which_rule_and_why)
{
    owned(folder) char *dir = gateway(POLICY);
    for (size_t i = 0; i < G_N_ELEMENTS(asked); i++) {
        g_autofree char *format = g_strconcat(EXPLAIN, asked[i].options, NULL);
        g_autofree char *command = g_strdup(format);
        GString *text = g_string_new(command);
        g_string_replace(text, "%s", dir, 0);
        owned(run) struct run told = run("%s", text->str);
        g_string_free(text, TRUE);
        cr_expect_eq(told.status, asked[i].status, "%s: %d\n%s%s", asked[i].options, told.status, told.out, told.err);
        for (size_t j = 0; j < G_N_ELEMENTS(asked[i].says) && asked[i].says[j] != NULL; j++)
            cr_expect_not_null(strstr(told.out, asked[i].says[j]), "%s: \"%s\" is not in\n%s", asked[i].options,
                               asked[i].says[j], told.out);
    }
}

Test(explain_rules, in_json)
{
    owned(folder) char *dir = gateway(POLICY);
    owned(run) struct run told = run(EXPLAIN "--auth alice --subject '[keep] x' --json", dir);
    expect_status(told, 0);
    static const char *const says[] = {
        "\"rule_line\": 7",           "\"taken\": true",     "\"note\": \"does not fit: header, login\"",
        "\"key\": \"rules.protect\"", "\"key\": \"cipher\"", "\"sign\": true",
        "\"verdict\": \"accept\""};
    for (size_t i = 0; i < G_N_ELEMENTS(says); i++)
        expect_contains(told.out, says[i]);
}

/* Where the values come from that a template has. */
Test(explain_rules, where_values_come_from)
{
    owned(folder) char *dir =
        gateway("domain = \"partner.test\";\nuse = \"t\";\noutbound = { protect = \"sign\"; };\n");
    folder_write(dir, "a/policy.d/t.conf",
                 "template = true;\ndigest = \"sha512\";\noutbound = { protect = \"none\"; "
                 "unauthentic = \"tempfail\"; };\n");
    owned(run) struct run told = run(EXPLAIN "--auth alice", dir);
    expect_status(told, 0);
    expect_contains(told.out, "policy.d/partner.test.conf:3");
    expect_contains(told.out, "policy.d/t.conf:2");
    expect_contains(told.out, "policy.d/t.conf:3");
    cr_expect_null(strstr(told.out, "outbound.protect       \"none\""), "%s", told.out);
}

Test(explain_rules, what_another_configuration_would_change)
{
    owned(folder) char *dir = gateway(POLICY);
    g_autofree char *from = g_build_filename(dir, "a", NULL);
    owned(run) struct run copied = run("cp -a '%s/a' '%s/b'", dir, dir);
    expect_status(copied, 0);
    folder_write(dir, "b/policy.d/partner.test.conf",
                 POLICY "mode = \"enforce\"; inbound = { require = \"none\"; }; digest = \"sha384\";\n");
    folder_write(dir, "b/policy.d/other.test.conf", "domain = \"other.test\"; outbound = { protect = \"sign\"; };\n");
    folder_write(dir, "list",
                 "# correspondents\nalice@acme.test bob@partner.test alice\nalice@acme.test, bob@other.test, alice\n"
                 "\nalice@acme.test\tbob@partner.test\n");
    owned(run) struct run told =
        run("domsec explain -c '%s/a/domsec.conf' --batch '%s/list' --against '%s/b/domsec.conf'", dir, dir, dir);
    expect_status(told, 0);
    expect_contains(told.out, "3 asked, 1 would change");
    expect_contains(told.out, "alice@acme.test  bob@other.test  alice  accept: leave unchanged  accept: sign");
    folder_write(dir, "list", "alice@acme.test bob@partner.test\nalice@acme.test\n");
    owned(run) struct run bad =
        run("domsec explain -c '%s/a/domsec.conf' --batch '%s/list' --against '%s/b/domsec.conf'", dir, dir, dir);
    expect_status(bad, 65);
    expect_contains(bad.err, "list:2: this line must have a sender, a recipient and perhaps a login");
}

/* Rules that can never fit, missing lists and lowers are named by check. */
Test(check_rules, names_what_is_odd)
{
    owned(folder) char *dir = gateway(POLICY);
    owned(run) struct run good = run("domsec check -c '%s/a/domsec.conf'", dir);
    expect_contains(good.out, "partner.test.conf:8: note: \"lowers\"");
    folder_write(dir, "a/policy.d/partner.test.conf",
                 "domain = \"partner.test\";\nrules = ( { when = { from = \"*@acme.test\"; }; },\n"
                 "{ when = { from = \"alice@acme.test\"; }; } );\n");
    owned(run) struct run hidden = run("domsec check -c '%s/a/domsec.conf'", dir);
    expect_contains(hidden.out, "partner.test.conf:3: warning: this rule can never fit, because the one in line 2");
    folder_write(dir, "a/policy.d/partner.test.conf",
                 "domain = \"partner.test\";\nrules = ( { when = { from = \"list:board\"; }; } );\n");
    owned(run) struct run missing = run("domsec check -c '%s/a/domsec.conf'", dir);
    expect_status(missing, 1);
    expect_contains(missing.out, "partner.test.conf:2: the list \"list:board\" is missing");
}

/* Who signs, from the inside out, and why, or why not. */
Test(explain_rules, who_signs)
{
    static const struct {
        const char *options;
        int status;
        const char *says[3];
    } rows[] = {
        {"--auth al",
         0,
         {"the login al may sign as alice@acme.test",
          "alice@acme.test (mailbox), then acme.test (domain-signing-authority)"}},
        {"--auth bob", 65, {"identity_logins does not let the login bob sign as alice@acme.test"}},
        {"--client 127.0.0.1", 65, {"the client is not logged in"}},
    };
    owned(folder) char *dir = gateway("domain = \"partner.test\";\n"
                                      "outbound = { protect = \"sign\"; sign_as = \"mailbox+domain\"; };\n");
    g_autofree char *path = g_build_filename(dir, "a/domsec.conf", NULL);
    g_autofree char *text = NULL;
    cr_assert(g_file_get_contents(path, &text, NULL, NULL));
    GString *conf = g_string_new(text);
    g_string_replace(conf, "identities = (",
                     "identity_logins = ( { login = \"al\"; addresses = \"alice@acme.test\"; } );\nidentities = (\n"
                     "{ address = \"alice@acme.test\"; certificate = \"keys/dsa.pem\"; key = \"file:keys/dsa.key\"; },",
                     1);
    folder_write(dir, "a/domsec.conf", conf->str);
    program_give(dir, NULL);
    g_string_free(conf, TRUE);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *command = g_strdup_printf(EXPLAIN, dir);
        owned(run) struct run told = run("%s%s", command, rows[i].options);
        cr_expect_eq(told.status, rows[i].status, "%s: %d\n%s%s", rows[i].options, told.status, told.out, told.err);
        for (size_t j = 0; j < G_N_ELEMENTS(rows[i].says) && rows[i].says[j] != NULL; j++)
            cr_expect_not_null(strstr(told.out, rows[i].says[j]), "%s: \"%s\" is not in\n%s", rows[i].options,
                               rows[i].says[j], told.out);
    }
}
