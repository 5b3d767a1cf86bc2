/* SPDX-License-Identifier: Apache-2.0 */
/* Rules on the way of a message: what they do to what leaves and to what arrives. */
#include "support/attack.h"
#include "support/rig.h"

#define HEAD "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\n"
#define TAGGED HEAD "Subject: [Encrypt] Wages\r\n\r\nthe secret line\r\n"
#define TAG_RULE(settings) "rules = ( { when = { subject = \"[encrypt]\"; }; " settings " } );"

/* --- a tag comes off in every form --- */

static const struct {
    const char *policy;
    bool sign, encrypt;
} forms[] = {
    {TAG_RULE(""), false, false},
    {TAG_RULE("protect = \"sign\";"), true, false},
    {"format = \"opaque\"; " TAG_RULE("protect = \"sign\";"), true, false},
    {TAG_RULE("protect = \"encrypt\";"), false, true},
    {TAG_RULE("protect = \"sign+encrypt\";"), true, true},
    {TAG_RULE("protect = \"triple\";"), true, true},
    {TAG_RULE("protect = \"sign\"; header_protection = \"sign\";"), true, false},
    {TAG_RULE("protect = \"sign+encrypt\"; header_protection = \"sign\";"), true, true},
    {TAG_RULE("protect = \"sign+encrypt\"; header_protection = \"baseline\";"), true, true},
    {"outbound = { header_protection = \"shy\"; }; " TAG_RULE("protect = \"encrypt\";"), false, true},
    /* whichever rule is taken */
    {"outbound = { protect = \"sign\"; }; rules = ( { when = { to = \"*@partner.test\"; }; },"
     "{ when = { subject = \"[encrypt]\"; }; protect = \"encrypt\"; } );",
     true, false},
    {"outbound = { protect = \"sign\"; }; " TAG_RULE("protect = \"encrypt\";"), true, true},
};

Test(rules, a_tag_comes_off_in_every_form)
{
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        owned(rig) struct rig *rig = rig_new(forms[i].policy, "inbound = { protected_headers = \"restore\"; };");
        AUTO_SENT struct sent out = rig_outbound(rig, TAGGED);
        cr_assert_eq(rig_verdict(&out), VERDICT_ACCEPT, "%s: %s", forms[i].policy, rig_reason(&out));
        cr_expect_eq(out.result->made.treatment.sign, forms[i].sign, "%s", forms[i].policy);
        cr_expect_eq(out.result->made.treatment.encrypt, forms[i].encrypt, "%s", forms[i].policy);
        g_autofree char *lower = g_ascii_strdown(out.bytes, -1);
        cr_expect_null(strstr(lower, "[encrypt]"), "%s:\n%s", forms[i].policy, out.bytes);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        g_autofree char *opened = g_ascii_strdown(in.bytes, -1);
        cr_expect_null(strstr(opened, "[encrypt]"), "%s:\n%s", forms[i].policy, in.bytes);
        bool hidden = strstr(out.bytes, "Subject: [...]") != NULL; /* RFC 9788 */
        cr_expect(strstr(hidden ? in.bytes : out.bytes, "Subject: Wages") != NULL ||
                      strstr(in.bytes, "subject: Wages") != NULL,
                  "%s:\n%s", forms[i].policy, in.bytes);
    }
}

/* A Subject that is hidden stays hidden where it has a tag, and a tag comes off where nothing of its Subject is hidden.
 */
Test(rules, a_tag_shows_nothing_of_a_hidden_subject)
{
    static const char *const headers[] = {
        HEAD "Subject: [encrypt] Wages\r\n",
        "Subject: [encrypt] Wages\r\n" HEAD,
        HEAD "Subject: [encrypt] Wages\r\nSubject: [encrypt] more Wages\r\n",
        HEAD "Subject: [encrypt]\r\nKeywords: Wages\r\n",
    };
    owned(rig) struct rig *rig = rig_new(TAG_RULE("protect = \"encrypt\"; header_protection = \"baseline\";"), "");
    for (size_t i = 0; i < G_N_ELEMENTS(headers); i++) {
        g_autofree char *text = g_strconcat(headers[i], "\r\nthe secret line\r\n", NULL);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        cr_expect(rig_encrypted(&out), "row %zu: %s", i, rig_reason(&out));
        cr_expect_null(strstr(out.bytes, "Wages"), "row %zu: %s", i, out.bytes);
        cr_expect_null(strstr(out.bytes, "[encrypt]"), "row %zu: %s", i, out.bytes);
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        cr_expect_not_null(strstr(in.bytes, "Wages"), "row %zu: %s", i, in.bytes);
    }
}

/* Nothing else is touched. */
Test(rules, only_the_tag_comes_off)
{
    owned(rig) struct rig *rig = rig_new(TAG_RULE(""), "");
    AUTO_SENT struct sent out =
        rig_outbound(rig, HEAD "Subject: Re: [encrypt]\r\n\tWages  \r\nX-A:  b\r\nSubject: [ENCRYPT] two\r\n\r\nx\r\n");
    cr_expect_str_eq(out.bytes, HEAD "Subject: Re: Wages  \r\nX-A:  b\r\nSubject: two\r\n\r\nx\r\n");
}

static const struct {
    const char *from, *auth, *subject;
} untouched[] = {
    {"alice@acme.test", NULL, "[encrypt] x"},      /* a stranger */
    {"eve@other.test", "alice", "[encrypt] x"},    /* a stranger's words */
    {"alice@acme.test", "alice", "x [encrypt]"},   /* in the middle */
    {"alice@acme.test", "alice", "[encrypted] x"}, /* another word */
};

Test(rules, what_is_no_tag_stays)
{
    owned(rig) struct rig *rig = rig_new(TAG_RULE("protect = \"encrypt\";"), "");
    for (size_t i = 0; i < G_N_ELEMENTS(untouched); i++) {
        g_autofree char *text =
            g_strdup_printf("From: %s\r\nSubject: %s\r\n\r\nx\r\n", untouched[i].from, untouched[i].subject);
        const struct rig_envelope spec = {untouched[i].from, "bob@partner.test", NULL, untouched[i].auth,
                                          "198.51.100.7"};
        AUTO_SENT struct sent out = rig_pass(&rig->acme, DIRECTION_OUTBOUND, &spec, text, strlen(text));
        cr_expect_eq(rig_verdict(&out), VERDICT_ACCEPT);
        cr_expect_str_eq(out.bytes, text);
    }
}

/* Nor inside, where its Subject is hidden. */
Test(rules, a_strangers_subject_stays_as_it_is)
{
    owned(rig) struct rig *rig =
        rig_new("outbound = { protect = \"encrypt\"; header_protection = \"baseline\"; }; " TAG_RULE(""), "");
    const struct rig_envelope spec = {"eve@other.test", "bob@partner.test", NULL, "alice", NULL};
    static const char text[] = "From: eve@other.test\r\nSubject: [encrypt] x\r\n\r\nx\r\n";
    AUTO_SENT struct sent out = rig_pass(&rig->acme, DIRECTION_OUTBOUND, &spec, text, strlen(text));
    AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
    cr_expect(rig_encrypted(&out), "%s", rig_reason(&out));
    cr_expect_not_null(strstr(in.bytes, "Subject: [encrypt] x\r\n"), "%s", in.bytes);
}

/* A recipient whose policy knows no tag gets none, either. */
Test(rules, a_tag_comes_off_for_all_recipients)
{
    owned(rig) struct rig *rig = rig_new(TAG_RULE("protect = \"sign\";"), "");
    const struct rig_envelope spec = {"alice@acme.test", "carol@other.test", NULL, "alice", "198.51.100.7"};
    AUTO_SENT struct sent out = rig_pass(&rig->acme, DIRECTION_OUTBOUND, &spec, TAGGED, strlen(TAGGED));
    cr_expect_str_eq(out.bytes, HEAD "Subject: Wages\r\n\r\nthe secret line\r\n");
    const struct rig_envelope both = {"alice@acme.test", "carol@other.test", "bob@partner.test", "alice",
                                      "198.51.100.7"};
    AUTO_SENT struct sent two = rig_pass(&rig->acme, DIRECTION_OUTBOUND, &both, TAGGED, strlen(TAGGED));
    cr_expect_null(strstr(two.bytes, "ncrypt]"));
}

/* Mail among our own users does not leave. */
Test(rules, a_tag_stays_within_the_house)
{
    owned(rig) struct rig *rig = rig_new(TAG_RULE(""), "");
    const struct rig_envelope spec = {"alice@acme.test", "carol@acme.test", NULL, "alice", "198.51.100.7"};
    AUTO_SENT struct sent out = rig_pass(&rig->acme, DIRECTION_INBOUND, &spec, TAGGED, strlen(TAGGED));
    cr_expect_not_null(strstr(out.bytes, "Subject: [Encrypt] Wages"));
}

/* --- users raise, and lower only where a rule says so --- */

static const struct {
    const char *policy, *header;
    enum verdict verdict;
    bool sign, encrypt;
    const char *reason;
} raising[] = {
    {"outbound = { protect = \"sign+encrypt\"; }; " TAG_RULE("protect = \"none\";"), "Subject: [encrypt] x\r\n",
     VERDICT_ACCEPT, true, true, "partner.test.conf: outbound.protect = \"sign+encrypt\""},
    {"outbound = { protect = \"sign+encrypt\"; };\n" TAG_RULE("protect = \"none\"; lowers = true;"),
     "Subject: [encrypt] x\r\n", VERDICT_ACCEPT, false, false, ": rules.protect = \"none\""},
    {"outbound = { protect = \"sign\"; };\nrules = ( { when = { header = \"Sensitivity: private\"; }; "
     "protect = \"encrypt\"; } );",
     "Sensitivity: Private\r\n", VERDICT_ACCEPT, true, true, ": rules.protect = \"encrypt\""},
    {"certificates = ( ); outbound = { protect = \"sign\"; no_certificate = \"plain\"; };\n" TAG_RULE(
         "protect = \"encrypt\"; no_certificate = \"reject\";"),
     "Subject: [encrypt] x\r\n", VERDICT_REJECT, false, false, ": rules.no_certificate = \"reject\""},
    {"certificates = ( ); outbound = { protect = \"sign\"; };\n" TAG_RULE(
         "protect = \"encrypt\"; no_certificate = \"plain\";"),
     "Subject: [encrypt] x\r\n", VERDICT_ACCEPT, true, false, NULL},
    {TAG_RULE("refuse = true;"), "Subject: [encrypt] x\r\n", VERDICT_REJECT, false, false, ": rules.refuse = true"},
    {"rules = ( { when = { from = \"alice@acme.test\"; }; protect = \"encrypt\"; } );",
     "From: alice@acme.test alice2@acme.test\r\n", VERDICT_TEMPFAIL, false, false, "From cannot be read"},
};

Test(rules, users_raise)
{
    for (size_t i = 0; i < G_N_ELEMENTS(raising); i++) {
        bool has_from = strstr(raising[i].header, "From:") != NULL;
        g_autofree char *text =
            g_strconcat(has_from ? "" : "From: alice@acme.test\r\n", raising[i].header, "\r\nx\r\n", NULL);
        owned(rig) struct rig *rig = rig_new(raising[i].policy, "");
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        cr_expect_eq(rig_verdict(&out), raising[i].verdict, "%s: %s", raising[i].policy, rig_reason(&out));
        cr_expect_eq(out.result->made.treatment.sign, raising[i].sign, "%s", raising[i].policy);
        cr_expect_eq(out.result->made.treatment.encrypt, raising[i].encrypt, "%s", raising[i].policy);
        cr_expect(raising[i].reason == NULL || strstr(rig_reason(&out), raising[i].reason) != NULL, "%s: %s",
                  raising[i].policy, rig_reason(&out));
    }
}

/* From counts as the sender's word, unless the login may use that address. */
Test(rules, an_author_who_is_proven)
{
    static const struct {
        const char *login;
        bool sign;
    } rows[] = {{"alice", false}, {"eve", true}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_closed(PKI_EC);
        rig_open(&rig->acme, &rig->partner,
                 "outbound = { protect = \"sign\"; };\n"
                 "rules = ( { when = { from = \"alice@acme.test\"; }; protect = \"none\"; } );",
                 "identity_logins = ( { login = \"alice\"; addresses = ( \"alice@acme.test\" ); } );");
        const struct rig_envelope spec = {"alice@acme.test", "bob@partner.test", NULL, rows[i].login, "198.51.100.7"};
        const char *text = HEAD "\r\nx\r\n";
        AUTO_SENT struct sent out = rig_pass(&rig->acme, DIRECTION_OUTBOUND, &spec, text, strlen(text));
        cr_expect_eq(rig_verdict(&out), VERDICT_ACCEPT, "%s", rig_reason(&out));
        cr_expect_eq(out.result->made.treatment.sign, rows[i].sign, "%s: %s", rows[i].login, rig_reason(&out));
    }
}

/* As large as an MTA hands it over. */
Test(rules, a_subject_of_60_kilobytes)
{
    owned(rig) struct rig *rig = rig_new(TAG_RULE("protect = \"sign\"; header_protection = \"sign\";"), "");
    g_autofree char *words = g_strnfill(60000, 'x');
    for (size_t i = 70; i < 60000; i += 71)
        memcpy(words + i - 2, "\r\n ", 3);
    const char *const heads[] = {"[encrypt] ", "=?utf-8?q?[encrypt]?= ", ""};
    for (size_t i = 0; i < G_N_ELEMENTS(heads); i++) {
        g_autofree char *text = g_strconcat(HEAD "Subject: ", heads[i], words, "\r\n\r\nx\r\n", NULL);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        cr_expect_eq(rig_verdict(&out), VERDICT_ACCEPT, "%s: %s", heads[i], rig_reason(&out));
        cr_expect_eq(out.result->made.treatment.sign, heads[i][0] != '\0', "%s", heads[i]);
        cr_expect_null(strstr(out.bytes, "encrypt]"), "%s", heads[i]);
    }
}

/* --- what its author has signed --- */

static const struct {
    const char *rule;
    enum verdict verdict;
    const char *shape; /* as the partner sees it */
} of_author[] = {
    {"rules = ( { when = { kind = \"signed\"; }; protect = \"none\"; lowers = true; } );", VERDICT_ACCEPT, "S"},
    {"rules = ( { when = { kind = \"signed\"; }; protect = \"none\"; } );", VERDICT_ACCEPT, "DS"},
    {"", VERDICT_ACCEPT, "DS"},
    {"rules = ( { when = { kind = \"signed\"; }; refuse = true; } );", VERDICT_REJECT, NULL},
};

Test(rules, mail_that_its_author_has_signed)
{
    for (size_t i = 0; i < G_N_ELEMENTS(of_author); i++) {
        g_autofree char *policy = g_strconcat("outbound = { protect = \"sign\"; }; ", of_author[i].rule, NULL);
        owned(rig) struct rig *rig = rig_new(policy, "");
        struct entity content = rig_content("Content-Type: text/plain\r\n", "x\r\n");
        g_autofree char *text = rig_sign(&rig->acme, rig->acme.alice, 0, HEAD, &content);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        cr_assert_eq(rig_verdict(&out), of_author[i].verdict, "%s: %s", policy, rig_reason(&out));
        if (of_author[i].shape == NULL)
            continue;
        AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
        g_autofree char *shape = rig_shape(&in);
        cr_expect_str_eq(shape, of_author[i].shape, "%s", policy);
        cr_expect(of_author[i].shape[0] == 'D' || strcmp(out.bytes, text) == 0, "%s", policy);
    }
}

/* --- what arrives --- */

#define STRICT "inbound = { require = \"sign\"; otherwise = \"reject\"; subject_unverified = \"[?]\"; };\n"
#define BOUNCE "Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n"

static const struct {
    const char *rules, *sender, *text;
    enum verdict verdict;
    bool marked;
} relaxed[] = {
    {"rules = ( { when = { kind = \"bounce\"; }; otherwise = \"tag\"; } );", "", BOUNCE, VERDICT_ACCEPT, true},
    {"rules = ( { when = { kind = \"bounce\"; }; otherwise = \"quarantine\"; } );", "", BOUNCE, VERDICT_QUARANTINE,
     true},
    {"rules = ( { when = { kind = \"bounce\"; }; otherwise = \"tag\"; } );", "a@acme.test", BOUNCE, VERDICT_REJECT,
     false},
    {"rules = ( { when = { kind = \"list\"; }; otherwise = \"tag\"; } );", "a@acme.test", "List-Id: <a.b>\r\n\r\nx\r\n",
     VERDICT_ACCEPT, true},
    {"rules = ( { when = { kind = \"list\"; to = \"eve@partner.test\"; }; otherwise = \"tag\"; } );", "a@acme.test",
     "List-Id: <a.b>\r\n\r\nx\r\n", VERDICT_REJECT, false},
    {"rules = ( { when = { from = \"alice@acme.test\"; }; otherwise = \"tag\"; } );", "a@acme.test", "\r\nx\r\n",
     VERDICT_ACCEPT, true},
};

/* It is marked as what lacks the protection, and the result names the rule. */
Test(rules, exceptions_for_what_arrives)
{
    for (size_t i = 0; i < G_N_ELEMENTS(relaxed); i++) {
        g_autofree char *policy = g_strconcat(STRICT, relaxed[i].rules, NULL);
        g_autofree char *text = g_strconcat("From: alice@acme.test\r\nSubject: s\r\n", relaxed[i].text, NULL);
        owned(rig) struct rig *rig = rig_new("", policy);
        const struct rig_envelope spec = {relaxed[i].sender, "bob@partner.test", NULL, NULL, "198.51.100.7"};
        AUTO_SENT struct sent in = rig_pass(&rig->partner, DIRECTION_INBOUND, &spec, text, strlen(text));
        cr_expect_eq(rig_verdict(&in), relaxed[i].verdict, "%s: %s", policy, rig_reason(&in));
        cr_expect_eq(strstr(in.bytes, "Subject: [?] s") != NULL, relaxed[i].marked, "%s:\n%s", policy, in.bytes);
        if (!relaxed[i].marked)
            continue;
        cr_expect_not_null(strstr(in.bytes, "smime=none"), "%s", in.bytes);
        cr_expect_not_null(strstr(rig_reason(&in), "acme.test.conf:5: inbound.require"), "%s", rig_reason(&in));
    }
}

/* What meets the requirement is not marked because some rule would let it pass. */
Test(rules, an_exception_is_not_needed)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", STRICT
                                         "rules = ( { when = { from = \"*@acme.test\"; }; otherwise = \"tag\"; } );");
    AUTO_SENT struct sent out = rig_outbound(rig, HEAD "Subject: s\r\n\r\nx\r\n");
    AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
    cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT);
    cr_expect_not_null(strstr(in.bytes, "Subject: s"), "%s", in.bytes);
    cr_expect_not_null(strstr(in.bytes, "smime=pass"), "%s", in.bytes);
}

/* --- mode = "test": decided, and nothing is done --- */

#define TEST_MODE "mode = \"test\";\n"

static const struct {
    const char *policy, *text, *auth;
    const char *test; /* what would have been done */
} tested[] = {
    {"outbound = { protect = \"sign+encrypt\"; };", HEAD "Subject: s\r\n\r\nx\r\n", "alice", "sign+encrypt"},
    {"outbound = { protect = \"sign\"; };", HEAD "\r\nx\r\n", NULL, "reject"},
    {"certificates = ( ); outbound = { protect = \"encrypt\"; no_certificate = \"tempfail\"; };", HEAD "\r\nx\r\n",
     "alice", "tempfail"},
    {"outbound = { refuse = true; };", HEAD "\r\nx\r\n", "alice", "reject"},
    {TAG_RULE("protect = \"encrypt\";"), TAGGED, "alice", "encrypt"},
    {"rules = ( { when = { from = \"a@acme.test\"; }; protect = \"encrypt\"; } );",
     "From: a@acme.test b@acme.test\r\n\r\nx\r\n", "alice", "tempfail"},
    /* it cannot be worked on */
    {"outbound = { protect = \"sign\"; };", HEAD "Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nx\r\n",
     "alice", NULL},
};

Test(rules, a_policy_in_test_mode_leaves_what_leaves_alone)
{
    for (size_t i = 0; i < G_N_ELEMENTS(tested); i++) {
        g_autofree char *policy = g_strconcat(TEST_MODE, tested[i].policy, NULL);
        owned(rig) struct rig *rig = rig_new(policy, "");
        const struct rig_envelope spec = {"alice@acme.test", "bob@partner.test", NULL, tested[i].auth, "198.51.100.7"};
        AUTO_SENT struct sent out =
            rig_pass(&rig->acme, DIRECTION_OUTBOUND, &spec, tested[i].text, strlen(tested[i].text));
        cr_expect_eq(rig_verdict(&out), VERDICT_ACCEPT, "%s: %s", policy, rig_reason(&out));
        cr_expect_str_eq(out.bytes, tested[i].text, "%s", policy);
        g_autofree char *log = passage_log_line(out.result), *report = passage_report(out.result);
        if (tested[i].test == NULL)
            continue;
        g_autofree char *said = g_strdup_printf("test=\"bob@partner.test: %s: ", tested[i].test),
                        *told = g_strdup_printf("\"treatment\": \"%s\"", tested[i].test);
        cr_expect_not_null(strstr(log, said), "%s: %s", policy, log);
        cr_expect_not_null(strstr(report, told), "%s: %s", policy, report);
    }
}

static void write_third(const struct rig *rig, const char *policy)
{
    g_autofree char *text = g_strdup_printf("domain = \"third.test\";\n%s\n", policy);
    folder_write(rig->acme.folder, "policy.d/third.test.conf", text);
}

/* Beside a recipient under a policy in force: that one is carried out as if it were alone. */
Test(rules, a_policy_in_force_beside_one_in_test_mode)
{
    static const struct {
        const char *third;
        enum verdict verdict;
        bool sign;
    } rows[] = {
        {"outbound = { protect = \"sign\"; };", VERDICT_ACCEPT, true},
        {"outbound = { refuse = true; };", VERDICT_REJECT, false},
        {"outbound = { protect = \"none\"; };", VERDICT_ACCEPT, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_closed(PKI_EC);
        write_third(rig, rows[i].third);
        rig_open(&rig->acme, &rig->partner,
                 TEST_MODE "outbound = { protect = \"encrypt\"; header_protection = \"sign\"; no_certificate = "
                           "\"reject\"; }; certificates = ( );",
                 NULL);
        const struct rig_envelope spec = {"alice@acme.test", "bob@partner.test", "carol@third.test", "alice",
                                          "198.51.100.7"};
        const char *text = HEAD "\r\nx\r\n";
        AUTO_SENT struct sent out = rig_pass(&rig->acme, DIRECTION_OUTBOUND, &spec, text, strlen(text));
        cr_expect_eq(rig_verdict(&out), rows[i].verdict, "%s: %s", rows[i].third, rig_reason(&out));
        cr_expect_eq(out.result->made.treatment.sign, rows[i].sign, "%s", rows[i].third);
        cr_expect_not(out.result->made.treatment.encrypt);
        cr_expect_eq(out.result->made.leaving.count, 0u, "%s", rows[i].third);
        g_autofree char *log = passage_log_line(out.result);
        cr_expect_not_null(strstr(log, "test=\"bob@partner.test: reject: "), "%s", log);
    }
}

/* An address that may be a route: a policy in test mode refuses nothing by it, and hides none that is in force. */
Test(rules, a_route_beside_a_policy_in_test_mode)
{
    static const struct {
        const char *to;
        enum verdict verdict;
    } rows[] = {
        {"bob%partner.test@other.test", VERDICT_ACCEPT},
        {"bob%third.test@other.test", VERDICT_REJECT},
        {"bob%third.test@partner.test", VERDICT_REJECT},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_closed(PKI_EC);
        write_third(rig, "outbound = { protect = \"sign\"; };");
        rig_open(&rig->acme, &rig->partner, TEST_MODE "outbound = { protect = \"encrypt\"; };", NULL);
        const struct rig_envelope spec = {"alice@acme.test", rows[i].to, NULL, "alice", "198.51.100.7"};
        const char *text = HEAD "\r\nx\r\n";
        AUTO_SENT struct sent out = rig_pass(&rig->acme, DIRECTION_OUTBOUND, &spec, text, strlen(text));
        cr_expect_eq(rig_verdict(&out), rows[i].verdict, "%s: %s", rows[i].to, rig_reason(&out));
    }
}

/* Deeper than mime_nesting_limit. */
static char *too_deep(void)
{
    GString *text = g_string_new(HEAD);
    for (int i = 0; i < 30; i++)
        g_string_append_printf(text, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i);
    g_string_append(text, "\r\nx\r\n");
    for (int i = 29; i >= 0; i--)
        g_string_append_printf(text, "--b%d--\r\n", i);
    return g_string_free(text, FALSE);
}

Test(rules, what_cannot_be_worked_on_passes_a_policy_in_test_mode)
{
    g_autofree char *text = too_deep();
    for (int tests = 0; tests < 2; tests++) {
        const char *mode = tests != 0 ? TEST_MODE : "";
        g_autofree char *leaving = g_strconcat(mode, "outbound = { protect = \"sign\"; };", NULL);
        g_autofree char *arriving = g_strconcat(mode, "inbound = { require = \"sign\"; };", NULL);
        owned(rig) struct rig *rig = rig_new(leaving, arriving);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
        cr_expect_eq(rig_verdict(&out) == VERDICT_ACCEPT, tests != 0, "%s", rig_reason(&out));
        cr_expect_eq(rig_verdict(&in) == VERDICT_ACCEPT, tests != 0, "%s", rig_reason(&in));
        if (tests != 0) {
            cr_expect_str_eq(out.bytes, text);
            cr_expect_str_eq(in.bytes, text);
        }
    }
}

#define FORGED "Authentication-Results: gw.partner.test; smime=pass\r\n"

/* What arrives is delivered as it came, without a result; only what was forged in our name comes off. */
Test(rules, a_policy_in_test_mode_leaves_what_arrives_alone)
{
    owned(rig) struct rig *rig =
        rig_new("outbound = { protect = \"sign+encrypt\"; };", TEST_MODE "inbound = { require = \"sign+encrypt\"; };");
    AUTO_SENT struct sent out = rig_outbound(rig, HEAD "Subject: s\r\n\r\nx\r\n");
    AUTO_SENT struct sent in = rig_inbound(rig, out.bytes, out.length);
    cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT);
    cr_expect_str_eq(in.bytes, out.bytes);
    g_autofree char *log = passage_log_line(in.result);
    cr_expect_not_null(strstr(log, "test=\"accept: "), "%s", log);
    const char *plain = HEAD "Subject: s\r\n\r\nx\r\n";
    AUTO_SENT struct sent bare = rig_inbound(rig, plain, strlen(plain));
    cr_expect_eq(rig_verdict(&bare), VERDICT_ACCEPT);
    cr_expect_str_eq(bare.bytes, plain);
    g_autofree char *refused = passage_log_line(bare.result);
    cr_expect_not_null(strstr(refused, "test=\"reject: acme.test.conf: inbound.require"), "%s", refused);
    AUTO_SENT struct sent forged = rig_inbound(rig, FORGED HEAD "\r\nx\r\n", strlen(FORGED HEAD "\r\nx\r\n"));
    cr_expect_str_eq(forged.bytes, HEAD "\r\nx\r\n");
}

/* A second author's policy is in force. */
Test(rules, a_second_author_whose_policy_is_in_force)
{
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    folder_write(rig->partner.folder, "policy.d/third.test.conf",
                 "domain = \"third.test\"; inbound = { require = \"sign\"; };\n");
    rig_open(&rig->partner, &rig->acme, TEST_MODE "inbound = { require = \"none\"; };", NULL);
    const char *text = "From: alice@acme.test, carol@third.test\r\n\r\nx\r\n";
    AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
    cr_expect_eq(rig_verdict(&in), VERDICT_REJECT);
    cr_expect_not_null(strstr(rig_reason(&in), "third.test.conf"), "%s", rig_reason(&in));
}

/* A policy in test mode leaves no encryption shut that another author's policy accepts. */
Test(rules, a_second_author_whose_policy_accepts_cbc)
{
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    folder_write(rig->partner.folder, "policy.d/third.test.conf",
                 "domain = \"third.test\"; inbound = { require = \"none\"; };\n");
    rig_open(&rig->partner, &rig->acme, TEST_MODE "inbound = { require_authenticated_encryption = true; };", NULL);
    g_autofree char *body =
        attack_opaque("", attack_envelop(EVP_aes_128_cbc(), rig->partner.dca, ATTACK_ENTITY, false));
    g_autofree char *text = g_strconcat("From: alice@acme.test, carol@third.test\r\n", body, NULL);
    AUTO_SENT struct sent in = rig_inbound(rig, text, strlen(text));
    cr_expect_eq(rig_verdict(&in), VERDICT_ACCEPT, "%s", rig_reason(&in));
    cr_expect_eq(in.result->made.removed, 1);
    g_autofree char *alone = g_strconcat("From: alice@acme.test\r\n", body, NULL);
    AUTO_SENT struct sent shut = rig_inbound(rig, alone, strlen(alone));
    cr_expect_eq(shut.result->made.removed, 0, "nothing is done");
}

/* A stranger's mail that is for us and for others: whether the authors' policies are in test mode decides on what
 * arrives, and not those of the other recipients. */
Test(rules, what_arrives_beside_a_recipient_whose_policy_is_in_test_mode)
{
    static const struct {
        const char *author, *other; /* mode of their policies */
        enum verdict verdict;
    } rows[] = {
        {"", "", VERDICT_REJECT},
        {"", TEST_MODE, VERDICT_REJECT},
        {TEST_MODE, "", VERDICT_ACCEPT},
        {TEST_MODE, TEST_MODE, VERDICT_ACCEPT},
    };
    const char *forged = HEAD "\r\nx\r\n";
    g_autofree char *deep = too_deep();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_closed(PKI_EC);
        g_autofree char *policy = g_strconcat(rows[i].author, "inbound = { require = \"sign\"; };", NULL);
        g_autofree char *third = g_strconcat("domain = \"third.test\";\n", rows[i].other, NULL);
        folder_write(rig->partner.folder, "policy.d/third.test.conf", third);
        rig_open(&rig->partner, &rig->acme, policy, NULL);
        const struct rig_envelope spec = {"alice@acme.test", "bob@partner.test", "carol@third.test", NULL,
                                          "198.51.100.7"};
        AUTO_SENT struct sent sent = rig_pass(&rig->partner, DIRECTION_OUTBOUND, &spec, forged, strlen(forged));
        cr_expect_eq(rig_verdict(&sent), rows[i].verdict, "row %zu: %s", i, rig_reason(&sent));
        AUTO_SENT struct sent broken = rig_pass(&rig->partner, DIRECTION_OUTBOUND, &spec, deep, strlen(deep));
        cr_expect_neq(rig_verdict(&broken), VERDICT_ACCEPT, "row %zu: %s", i, rig_reason(&broken));
    }
}
