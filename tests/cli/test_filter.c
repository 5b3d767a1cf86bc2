/* SPDX-License-Identifier: Apache-2.0 */
/* Two domains made by `domsec init` that know each other, and messages through `domsec filter` and `explain`. */
#include "support/program.h"
#include "support/schema.h"

#define MESSAGE                                                                                                        \
    "From: Alice <alice@acme.test>\nTo: Bob <bob@partner.test>\nSubject: plans\nMessage-ID: <1@acme.test>\n"           \
    "Date: Mon, 04 May 2026 12:00:00 +0000\n\nA line of plans.\n"

/* What administrators do with each other's authority and certificate. */
static void introduce(const char *dir, const char *own, const char *peer, const char *peer_domain, const char *extra)
{
    g_autofree char *from = g_build_filename(dir, peer, NULL);
    g_autofree char *to = g_build_filename(dir, own, NULL);
    folder_copy(from, "ca/ca.pem", to, "anchors/peer.pem");
    folder_copy(from, "keys/dca.pem", to, "certs/peer-dca.pem");
    g_autofree char *name = g_strdup_printf("policy.d/%s.conf", peer_domain);
    g_autofree char *text =
        g_strdup_printf("domain = \"%s\";\noutbound = { protect = \"sign+encrypt\"; no_certificate = \"reject\"; };\n"
                        "inbound = { require = \"sign+encrypt\"; otherwise = \"reject\"; };\n"
                        "certificates = ( \"certs/peer-dca.pem\" );\nanchors = ( \"anchors/peer.pem\" );\n%s",
                        peer_domain, extra);
    folder_write(to, name, text);
}

static char *two_domains(const char *algorithm, const char *extra)
{
    char *dir = folder_new();
    owned(run) struct run a =
        run("domsec init --domain acme.test --algorithm %s --listen 'local:%s/milter' '%s/a'", algorithm, dir, dir);
    owned(run) struct run b = run("domsec init --domain partner.test --algorithm %s '%s/b'", algorithm, dir);
    cr_assert_eq(a.status, 0, "%s", a.err);
    cr_assert_eq(b.status, 0, "%s", b.err);
    g_autofree char *text = folder_read(dir, "a/domsec.conf");
    g_autofree char *refusing = g_strconcat(text, "mixed_recipients = \"reject\";\n", NULL);
    folder_write(dir, "a/domsec.conf", refusing);
    introduce(dir, "a", "b", "partner.test", extra);
    introduce(dir, "b", "a", "acme.test", extra);
    program_give(dir, NULL);
    return dir;
}

static void round_trip(const char *algorithm, const char *extra)
{
    owned(folder) char *dir = two_domains(algorithm, extra);
    owned(run) struct run out = run_with(
        MESSAGE, "domsec filter -c '%s/a/domsec.conf' --direction outbound --auth alice --report '%s/out.json'", dir,
        dir);
    expect_status(out, 0);
    expect_contains(out.out, "application/pkcs7-mime");
    expect_contains(out.out, "Subject: plans\n");
    cr_expect_null(strstr(out.out, "A line of plans"), "plaintext left");
    cr_expect_null(strchr(out.out, '\r'), "line ends are not those of the input");
    g_autofree char *report = folder_read(dir, "out.json");
    schema_expect(report, "outbound");
    expect_contains(report, "\"verdict\": \"accept\"");
    expect_contains(report, "\"protect\": \"sign+encrypt\"");
    expect_contains(report, "bob@partner.test");

    owned(run) struct run in =
        run_with(out.out,
                 "domsec filter -c '%s/b/domsec.conf' --direction inbound --from alice@acme.test "
                 "--to bob@partner.test --report - --output '%s/in'",
                 dir, dir);
    expect_status(in, 0);
    cr_expect_str_empty(in.out);
    expect_contains(in.err, "\"result\": \"pass\"");
    g_autofree char *delivered = folder_read(dir, "in/1.eml");
    expect_contains(delivered, "\n\nA line of plans.\n");
    expect_contains(delivered, "Authentication-Results: partner.test;");
}

Test(filter, round_trip_between_two_domains)
{
    round_trip("p256", "");
    round_trip("rsa2048", "cipher = \"aes-256-cbc\"; format = \"opaque\";\n");
}

Test(filter, what_was_tampered_with_is_rejected)
{
    owned(folder) char *dir = two_domains("p256", "");
    owned(run) struct run out =
        run_with(MESSAGE, "domsec filter -c '%s/a/domsec.conf' --direction outbound --auth alice", dir);
    expect_status(out, 0);
    char *body = strstr(out.out, "\n\n");
    cr_assert_not_null(body);
    size_t middle = strlen(body) / 2;
    body[middle] = body[middle] == 'A' ? 'B' : 'A';
    owned(run) struct run in =
        run_with(out.out,
                 "domsec filter -c '%s/b/domsec.conf' --direction inbound --from alice@acme.test "
                 "--to bob@partner.test --report '%s/in.json'",
                 dir, dir);
    expect_status(in, 65);
    cr_expect_str_empty(in.out);
    expect_contains(in.err, "reject: 550 5.");
    g_autofree char *report = folder_read(dir, "in.json");
    schema_expect(report, "inbound");
    expect_contains(report, "\"verdict\": \"reject\"");
}

Test(filter, a_stranger_is_not_signed_for)
{
    owned(folder) char *dir = two_domains("p256", "");
    g_autofree char *folder = g_build_filename(dir, "out", NULL);
    g_mkdir(folder, 0700);
    folder_write(folder, "1.eml", "of an earlier message\n");
    owned(run) struct run out =
        run_with(MESSAGE, "domsec filter -c '%s/a/domsec.conf' --direction outbound --output '%s/out'", dir, dir);
    expect_status(out, 65);
    cr_expect_str_empty(out.out);
    cr_expect_eq(folder_mode(dir, "out/1.eml"), 0);
    expect_contains(out.err, "reject: 5");
    owned(run) struct run trusted =
        run_with(MESSAGE, "domsec filter -c '%s/a/domsec.conf' --direction outbound --client 127.0.0.1", dir);
    expect_status(trusted, 0);
}

/* As the daemon does: outbound if any recipient is not local. */
Test(filter, direction_is_derived_from_the_recipients)
{
    owned(folder) char *dir = two_domains("p256", "");
    static const struct {
        const char *to, *direction;
        int status;
    } rows[] = {{"--to bob@partner.test", "outbound", 0},
                {"--to carol@acme.test", "inbound", 0},
                {"--to carol@acme.test --to bob@partner.test", "outbound", 65}, /* mixed_recipients */
                {"", "outbound", 0}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(run) struct run done = run_with(
            MESSAGE, "domsec filter -c '%s/a/domsec.conf' --auth alice --report '%s/r.json' %s", dir, dir, rows[i].to);
        g_autofree char *report = folder_read(dir, "r.json");
        g_autofree char *wanted = g_strdup_printf("\"direction\": \"%s\"", rows[i].direction);
        expect_status(done, rows[i].status);
        expect_contains(report, wanted);
    }
}

/* What the mail server would say of an address, and what it is without that. */
Test(filter, recipients_as_the_mail_server_reads_them)
{
    owned(folder) char *dir = two_domains("p256", "");
    static const struct {
        const char *to;
        int status;
        const char *says; /* explain */
    } rows[] = {
        {"--to bob%partner.test@localhost --delivered-to bob@partner.test", 0, "delivered to  bob@partner.test"},
        {"--to carol@nowhere.test --to 'bob%partner.test@[127.0.0.1]' --delivered-to carol@nowhere.test "
         "--delivered-to bob@partner.test",
         65, "delivered to  bob@partner.test"}, /* mixed_recipients */
        {"--to bob%partner.test@localhost", 65, "may be a route to another host"},
        {"--to bob@partner.test --delivered-to carol@nowhere.test", 65, "delivered to  carol@nowhere.test"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(run) struct run done = run_with(
            MESSAGE, "domsec filter -c '%s/a/domsec.conf' --auth alice --report '%s/r.json' %s", dir, dir, rows[i].to);
        g_autofree char *report = folder_read(dir, "r.json");
        bool redirected = strstr(rows[i].to, "--delivered-to") != NULL;
        expect_status(done, rows[i].status);
        schema_expect(report, rows[i].to);
        cr_expect_eq(strstr(report, "\"delivered_to\": ") != NULL, redirected, "%s", report);
        cr_expect_null(strstr(done.out, "A line of plans"), "%s", rows[i].to);
        owned(run) struct run told =
            run("domsec explain -c '%s/a/domsec.conf' --auth alice --from alice@acme.test %s", dir, rows[i].to);
        expect_status(told, rows[i].status);
        expect_contains(told.out, rows[i].says);
    }
}

/* What came through here before, and comes back by a listener in pass_daemons. */
Test(filter, a_listener_on_which_nothing_is_done)
{
    owned(folder) char *dir = two_domains("p256", "");
    g_autofree char *configuration = folder_read(dir, "a/domsec.conf");
    g_autofree char *passing = g_strconcat(configuration, "pass_daemons = ( \"reinject\" );\n", NULL);
    folder_write(dir, "a/domsec.conf", passing);
    owned(run) struct run done =
        run_with(MESSAGE, "domsec filter -c '%s/a/domsec.conf' --daemon reinject --report '%s/r.json'", dir, dir);
    g_autofree char *report = folder_read(dir, "r.json");
    expect_status(done, 0);
    cr_expect_str_eq(done.out, MESSAGE);
    schema_expect(report, "reinject");
    expect_contains(report, "nothing is done: pass_daemons has the listener reinject");
    owned(run) struct run told =
        run("domsec explain -c '%s/a/domsec.conf' --from x@y.test --to bob@partner.test --daemon reinject", dir);
    expect_status(told, 0);
    expect_contains(told.out, "nothing is done: pass_daemons has the listener reinject");
    owned(run) struct run other = run_with(MESSAGE, "domsec filter -c '%s/a/domsec.conf' --daemon smtp", dir);
    expect_status(other, 65);
}

Test(filter, untouched_is_the_same_byte_for_byte)
{
    owned(folder) char *dir = two_domains("p256", "");
    const char *const messages[] = {
        "From: alice@acme.test\nTo: carol@nowhere.test\n\nLF lines\n",
        "From: alice@acme.test\r\nTo: carol@nowhere.test\r\n\r\nCRLF lines, no end",
        "From: alice@acme.test\nTo: carol@nowhere.test\nSubject:no space\n folded\n\nodd \rline\n\n\n",
        "From: alice@acme.test\nTo: carol@nowhere.test\n",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(messages); i++) {
        owned(run) struct run out =
            run_with(messages[i], "domsec filter -c '%s/a/domsec.conf' --direction outbound --auth alice", dir);
        expect_status(out, 0);
        cr_expect_str_eq(out.out, messages[i]);
    }
}

Test(filter, a_message_over_the_limit_is_rejected)
{
    owned(folder) char *dir = two_domains("p256", "");
    g_autofree char *configuration = folder_read(dir, "a/domsec.conf");
    g_autofree char *limited = g_strconcat(configuration, "message_size_limit = 20000;\n", NULL);
    folder_write(dir, "a/domsec.conf", limited);
    GString *big = g_string_new(MESSAGE);
    while (big->len < 30000)
        g_string_append(big, "and one more line of them, to make it long\n");
    owned(run) struct run out =
        run_with(big->str, "domsec filter -c '%s/a/domsec.conf' --direction outbound --auth alice", dir);
    expect_status(out, 65);
    cr_expect_str_empty(out.out);
    expect_contains(out.err, "552 5.3.4");
    g_string_free(big, TRUE);
}

Test(filter, certificates_are_judged_at_the_time_given)
{
    owned(folder) char *dir = two_domains("p256", "");
    owned(run) struct run late = run_with(MESSAGE,
                                          "domsec filter -c '%s/a/domsec.conf' --direction outbound --auth alice "
                                          "--at 2099-01-01T00:00:00Z",
                                          dir);
    expect_status(late, 65);
    cr_expect_str_empty(late.out);
    expect_contains(late.err, "expired");
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autoptr(GDateTime) then = g_date_time_add_years(now, 1);
    g_autofree char *text = g_date_time_format_iso8601(then);
    owned(run) struct run in_time =
        run_with(MESSAGE, "domsec filter -c '%s/a/domsec.conf' --direction outbound --auth alice --at %s", dir, text);
    expect_status(in_time, 0);
}

Test(filter, lost_output_is_a_temporary_failure)
{
    owned(folder) char *dir = two_domains("p256", "");
    g_autofree char *configuration = g_build_filename(dir, "a/domsec.conf", NULL);
    g_autofree char *program = program_path("domsec");
    char *words[] = {program,          (char *)"filter",      (char *)"-c",
                     configuration,    (char *)"--direction", (char *)"outbound",
                     (char *)"--auth", (char *)"alice",       NULL};
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]); /* nobody reads */
    owned(run) struct run out = run_words(words, MESSAGE, strlen(MESSAGE), ends[1]);
    close(ends[1]);
    expect_status(out, 75);
    expect_contains(out.err, "standard output");
    owned(run) struct run no_report = run_with(MESSAGE,
                                               "domsec filter -c '%s/a/domsec.conf' --direction outbound --auth alice "
                                               "--report /nonexistent/report",
                                               dir);
    expect_status(no_report, 75);
    cr_expect_str_empty(no_report.out, "a message without the report that was asked for");
}

Test(filter, recipients_from_the_header_must_be_clear)
{
    owned(folder) char *dir = two_domains("p256", "");
    owned(run) struct run none = run_with("From: alice@acme.test\nSubject: x\n\n",
                                          "domsec filter -c '%s/a/domsec.conf' "
                                          "--direction outbound",
                                          dir);
    expect_status(none, 64);
    expect_contains(none.err, "--to");
    owned(run) struct run odd = run_with("From: alice@acme.test\nTo: a@b.test <c@d.test> <e@f.test>\n\n",
                                         "domsec filter -c '%s/a/domsec.conf' --direction outbound", dir);
    expect_status(odd, 64);
    expect_contains(odd.err, "To field");
}

Test(explain, tells_rule_decision_and_certificates)
{
    owned(folder) char *dir = two_domains("p256", "");
    owned(run) struct run known =
        run("domsec explain -c '%s/a/domsec.conf' --from alice@acme.test --to bob@partner.test "
            "--auth alice --subject plans",
            dir);
    expect_status(known, 0);
    const char *const wanted[] = {"partner.test.conf", "accept: sign, encrypt",
                                  "domain-confidentiality-authority@partner.test  used\n", "plans"};
    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
        expect_contains(known.out, wanted[i]);
    owned(run) struct run plain =
        run("domsec explain -c '%s/a/domsec.conf' --from alice@acme.test --to carol@nowhere.test", dir);
    expect_status(plain, 0);
    expect_contains(plain.out, "leave unchanged");
    folder_write(
        dir, "a/policy.d/third.test.conf",
        "domain = \"third.test\";\noutbound = { protect = \"sign+encrypt\"; no_certificate = \"reject\"; };\n");
    owned(run) struct run missing =
        run("domsec explain -c '%s/a/domsec.conf' --from alice@acme.test --to d@third.test --auth alice", dir);
    expect_status(missing, 65);
    expect_contains(missing.out, "none found");
    expect_contains(missing.out, "reject");
}

/* RFC 9788, as it would be done to this recipient. */
Test(explain, tells_how_the_header_is_protected)
{
    static const struct {
        const char *protect, *headers, *says; /* says NULL: nothing */
    } rows[] = {
        {"sign+encrypt", "baseline", "baseline\n"},
        {"sign+encrypt", "none", NULL},
        {"sign", "shy", "sign\n"},
        {"none", "shy", NULL},
    };
    owned(folder) char *dir = two_domains("p256", "");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *policy = g_strdup_printf(
            "domain = \"partner.test\";\noutbound = { protect = \"%s\"; header_protection = \"%s\"; };\n"
            "certificates = ( \"certs/peer-dca.pem\" );\nanchors = ( \"anchors/peer.pem\" );\n",
            rows[i].protect, rows[i].headers);
        folder_write(dir, "a/policy.d/partner.test.conf", policy);
        owned(run) struct run told =
            run("domsec explain -c '%s/a/domsec.conf' --from alice@acme.test --to bob@partner.test --auth alice", dir);
        expect_status(told, 0);
        const char *line = strstr(told.out, "\n  headers ");
        cr_assert_eq(line != NULL, rows[i].says != NULL, "row %zu: %s", i, told.out);
        const char *value = line != NULL ? line + strlen("\n  headers ") : NULL;
        if (value != NULL)
            cr_expect(g_str_has_prefix(value + strspn(value, " "), rows[i].says), "row %zu: %s", i, told.out);
    }
}

/* What filter says to a plain message, which is what the daemon says. */
Test(explain, says_what_filter_does)
{
    static const struct {
        const char *from, *to, *options, *direction;
        int status;
    } table[] = {
        {"alice@acme.test", "--to bob@partner.test", "--auth alice", "outbound", 0},
        {"alice@acme.test", "--to bob@partner.test", "--client 127.0.0.1", "outbound", 0},
        {"alice@acme.test", "--to bob@partner.test", "", "outbound", 65},
        {"alice@elsewhere.test", "--to bob@partner.test", "--auth alice", "outbound", 65},
        {"alice@acme.test", "--to bob@partner.test --to c@elsewhere.test", "--auth alice", "outbound", 65},
        {"alice@acme.test", "--to d@missing.test", "--auth alice", "outbound", 75},
        {"bob@partner.test", "--to alice@acme.test", "", "inbound", 65},
        {"bob@sub.partner.test", "--to alice@acme.test", "--client 192.0.2.1", "inbound", 65},
        {"bob@missing.test", "--to alice@acme.test", "", "inbound", 0},
        {"bob@elsewhere.test", "--to alice@acme.test", "", "inbound", 0},
        {"carol@acme.test", "--to alice@acme.test", "--auth carol", "inbound", 0},
        {"bob@partner.test", "--to alice@acme.test --to c@elsewhere.test", "", "outbound", 65},
        {"bob@elsewhere.test", "--to alice@acme.test --to c@elsewhere.test", "", "outbound", 0},
    };
    owned(folder) char *dir = two_domains("p256", "");
    folder_write(dir, "a/policy.d/missing.test.conf",
                 "domain = \"missing.test\";\noutbound = { protect = \"encrypt\"; no_certificate = \"tempfail\"; };\n"
                 "inbound = { require = \"sign\"; otherwise = \"quarantine\"; };\n");
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autofree char *message = g_strdup_printf("From: %s\nSubject: plans\n\nA line.\n", table[i].from);
        owned(run) struct run told = run("domsec explain -c '%s/a/domsec.conf' --from %s %s %s", dir, table[i].from,
                                         table[i].to, table[i].options);
        owned(run) struct run done = run_with(message, "domsec filter -c '%s/a/domsec.conf' --direction %s %s %s", dir,
                                              table[i].direction, table[i].to, table[i].options);
        expect_status(told, table[i].status);
        expect_status(done, table[i].status);
        g_autofree char *direction = g_strdup_printf("direction  %s\n", table[i].direction);
        expect_contains(told.out, direction);
        const char *reply = strstr(done.err, ".7.1 ");
        if (table[i].status != 0 && reply != NULL)
            expect_contains(told.out, reply + strlen(".7.1 "));
    }
}

Test(explain, tells_the_rule_for_what_arrives)
{
    owned(folder) char *dir = two_domains("p256", "");
    owned(run) struct run arrives =
        run("domsec explain -c '%s/a/domsec.conf' --from bob@partner.test --to alice@acme.test", dir);
    expect_contains(arrives.out, "\nverdict    reject, unless it is signed or encrypted as the rule requires\n");
    expect_contains(arrives.out, "\nalice@acme.test\n  rule      partner.test.conf\n");
    cr_expect_null(strstr(arrives.out, "\n  certificates"));
}

Test(explain, tells_who_a_client_without_a_name_is)
{
    owned(folder) char *dir = two_domains("p256", "");
    owned(run) struct run stranger =
        run("domsec explain -c '%s/a/domsec.conf' --from alice@acme.test --to bob@partner.test", dir);
    expect_status(stranger, 65);
    expect_contains(stranger.out, "not trusted (neither --auth nor --client is given)\n");
    expect_contains(stranger.out, "\nreply      550 5.7.1\n");
    expect_contains(stranger.out, "  usable, but nothing is encrypted\n");
}

/* What openssl makes without options is a CA certificate. */
Test(check, a_self_signed_certificate_is_taken_where_it_is_pinned)
{
    owned(folder) char *dir = two_domains("p256", "");
    owned(run) struct run made =
        run("openssl req -x509 -days 400 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "
            "/CN=gw -keyout '%s/gw.key' -out '%s/a/certs/gw.pem'",
            dir, dir);
    expect_status(made, 0);
    static const char policy[] = "domain = \"gw.test\"; outbound = { protect = \"encrypt\"; };\n"
                                 "certificates = ( \"certs/gw.pem\" ); %s\n";
    static const char explain[] =
        "domsec explain -c '%s/a/domsec.conf' --auth alice --from alice@acme.test --to bob@gw.test";
    g_autofree char *unnamed = g_strdup_printf(policy, ""), *pinned = g_strdup_printf(policy, "naming = \"pinned\";");
    folder_write(dir, "a/policy.d/gw.test.conf", unnamed);
    owned(run) struct run warned = run("domsec check -c '%s/a/domsec.conf'", dir);
    expect_contains(warned.out, "gw.test.conf:2: warning: certificates: this certificate is not used for encryption: ");
    expect_contains(warned.out, "; name its CA in \"anchors\", or set naming = \"pinned\"\n");
    owned(run) struct run refused = run(explain, dir);
    expect_status(refused, 65);
    folder_write(dir, "a/policy.d/gw.test.conf", pinned);
    owned(run) struct run good = run("domsec check -c '%s/a/domsec.conf'", dir);
    cr_expect_null(strstr(good.out, "gw.test.conf:2: warning: "), "%s", good.out);
    owned(run) struct run used = run(explain, dir);
    expect_status(used, 0);
    expect_contains(used.out, "CN=gw  used\n");
}

Test(check, foresees_what_policies_ask_for_and_cannot_have)
{
    owned(folder) char *dir = two_domains("p256", "");
    cr_assert_eq(chmod(dir, 0755), 0); /* the daemon's account, if there is one, has to come in */
    folder_copy(dir, "b/keys/dsa.pem", dir, "a/certs/peer-dca.pem");
    folder_write(dir, "a/policy.d/third.test.conf",
                 "domain = \"third.test\";\noutbound = { protect = \"sign\"; review = true; };\n");
    folder_write(dir, "a/policy.d/pins.test.conf",
                 "domain = \"pins.test\"; naming = \"pinned\";\noutbound = { protect = \"encrypt\"; };\n"
                 "certificates = ( \"certs/peer-dca.pem\" );\n");
    owned(run) struct run warned = run("domsec check -c '%s/a/domsec.conf'", dir);
    expect_status(warned, 0);
    expect_contains(warned.out,
                    "partner.test.conf:4: warning: certificates: this certificate is not used for encryption: ");
    expect_contains(warned.out, "its key usage does not allow encryption");
    expect_contains(warned.out, "third.test.conf:2: warning: \"review\" cannot be done for acme.test: "
                                "there is no identity with the role review-authority; add one to identities\n");
    folder_write(dir, "a/policy.d/nobody.test.conf",
                 "domain = \"nobody.test\";\n\noutbound = { protect = \"encrypt\";\n"
                 "  require_review = ( \"certs/none.pem\" ); };\n");
    owned(run) struct run nobody = run("domsec check -c '%s/a/domsec.conf'", dir);
    expect_contains(nobody.out, "nobody.test.conf:4: \"require_review\": ");
    folder_write(dir, "a/policy.d/nobody.test.conf",
                 "domain = \"nobody.test\";\n\noutbound = { protect = \"encrypt\"; };\n");
    owned(run) struct run uncertified = run("domsec check -c '%s/a/domsec.conf'", dir);
    expect_contains(uncertified.out, "nobody.test.conf:3: warning: \"protect\": there is no encryption certificate; ");
    owned(run) struct run leaf = run("cp '%s/b/keys/dca.pem' '%s/a/anchors/leaf.pem'", dir, dir);
    expect_status(leaf, 0);
    folder_write(dir, "a/policy.d/leaf.test.conf", "domain = \"leaf.test\";\nanchors = ( \"anchors/leaf.pem\" );\n");
    owned(run) struct run unfit = run("domsec check -c '%s/a/domsec.conf'", dir);
    expect_contains(unfit.out, "leaf.test.conf:2: warning: anchors: ");
    expect_contains(
        unfit.out,
        "leaf.pem is not a CA certificate, so it is trusted only for itself; name the certificate of its CA\n");
    expect_contains(warned.out, ", 2 warnings, 1 note\n"); /* what signs under "pinned" is in its place there */
}

/* What filter would say, not what policy alone says. */
Test(explain, misses_the_identity_that_would_sign)
{
    owned(folder) char *dir = two_domains("p256", "");
    folder_write(dir, "a/policy.d/partner.test.conf",
                 "domain = \"partner.test\";\noutbound = { protect = \"sign\"; review = true; };\n");
    owned(run) struct run missing =
        run("domsec explain -c '%s/a/domsec.conf' --from alice@acme.test --to bob@partner.test --auth alice", dir);
    expect_status(missing, 75);
    expect_contains(missing.out, "no identity with the role review-authority is configured for acme.test");
}

/* Nothing that the sender wrote is lost, and the other gateway is not in doubt where the header ends. */
Test(filter, malformed_header_lines_are_kept_as_fields)
{
    static const char message[] = "Not a field\n folded\nFrom: Alice <alice@acme.test>\n>From somebody\n"
                                  "To: Bob <bob@partner.test>\nSubject: plans\n \n of mine\nno colon\n\nA line.\n";
    owned(folder) char *dir = two_domains("p256", "");
    owned(run) struct run out =
        run_with(message, "domsec filter -c '%s/a/domsec.conf' --direction outbound --auth alice", dir);
    expect_status(out, 0);
    expect_contains(out.out, "X-Malformed-Line: Not a field\n folded\nFrom: Alice");
    expect_contains(out.out, "\nX-Malformed-Line: >From somebody\nTo: ");
    expect_contains(out.out, "\nSubject: plans\n of mine\nX-Malformed-Line: no colon\n");
    owned(run) struct run in =
        run_with(out.out,
                 "domsec filter -c '%s/b/domsec.conf' --direction inbound --from alice@acme.test "
                 "--to bob@partner.test",
                 dir);
    expect_status(in, 0);
    expect_contains(in.out, "smime=pass");
    expect_contains(in.out, "\nX-Malformed-Line: no colon\n");
    expect_contains(in.out, "\n\nA line.\n");
}
