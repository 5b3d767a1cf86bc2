/* SPDX-License-Identifier: Apache-2.0 */
/* Which rules apply to a message: the first that fits, and what has to be satisfied beside it. */
#include "policy/matching.h"

#include "support/scratch.h"
#include "support/views.h"

static void setup(void)
{
    scratch_setup();
    mime_init();
}

TestSuite(matching, .init = setup, .fini = scratch_teardown);

#define MAIN                                                                                                           \
    "local_domains = ( \"acme.test\", \"branch.test\" );\npolicy_dir = \"p\";\n"                                       \
    "lists = { board = ( \"ceo@acme.test\", \"*@branch.test\" ); };\n"

/* Each rule stands in a line of its own, from line 3 on. */
static struct conf *load(const char *rules)
{
    g_autofree char *policy =
        g_strdup_printf("domain = \"partner.test\"; outbound = { protect = \"sign\"; }; rules = (\n\n%s );\n", rules);
    owned(faults) struct faults *faults = faults_new();
    scratch_write("domsec.conf", MAIN);
    scratch_write("p/partner.test.conf", policy);
    struct conf *conf = scratch_load(faults);
    cr_assert_not_null(conf, "%s", faults_count(faults) > 0 ? faults_at(faults, 0) : "");
    return conf;
}

/* --- a message --- */

struct message_like {
    struct envelope *envelope;
    struct originator originator;
    struct authors authors;
    struct client client;
    struct fields fields;
    struct part *entity;
    struct views *views;
    struct rule_facts facts;
    char *text; /* what fields and entity point into */
};

struct spec {
    const char *header; /* with its last line end; "From: a@acme.test" if there is no From */
    const char *layers; /* as for views_new(); NULL: none */
    const char *login;
    const char *to; /* NULL: bob@partner.test */
    bool stranger, null_sender;
    bool proven; /* From is more than the sender's word */
    bool bare;   /* nothing is known but the envelope and From */
    size_t size;
};

static void add_recipients(struct envelope *envelope, const char *list)
{
    g_auto(GStrv) words = g_strsplit(list, " ", -1);
    for (char **word = words; *word != NULL; word++) {
        struct address address;
        struct error error = {0};
        cr_assert(address_parse(slice_of(*word), &address, &error), "%s", *word);
        envelope_add_recipient(envelope, &address);
    }
}

static void read_message(const struct conf *conf, const struct spec *spec, struct message_like *message)
{
    static const char sender[] = "a@acme.test";
    struct error error = {0};
    bool has_from = strstr(spec->header, "From:") != NULL;
    g_autofree char *text = g_strconcat(has_from ? "" : "From: a@acme.test\r\n", spec->header, "\r\nHello\r\n", NULL);
    struct slice header = SLICE_NONE, body = SLICE_NONE;
    *message = (struct message_like){.envelope = envelope_new(),
                                     .client = {.trusted = !spec->stranger, .proves_author = spec->proven}};
    message->envelope->authenticated = g_strdup(spec->login);
    cr_assert(address_parse(slice_of(spec->null_sender ? "" : sender), &message->envelope->sender, &error));
    add_recipients(message->envelope, spec->to != NULL ? spec->to : "bob@partner.test");
    message->text = steal(&text);
    cr_assert(part_split(slice_of(message->text), &header, &body));
    message->entity = part_parse(header, body, &conf->limits, &error);
    cr_assert_not_null(message->entity, "%s", error.text);
    cr_assert(fields_parse(header, &conf->limits, &message->fields, &error));
    const struct field *from = fields_find(&message->fields, "From", 1);
    g_autofree char *value = g_strndup(from->value.data, from->value.len);
    originator_from_text(value, &message->originator);
    authors_find(conf, &message->originator, NULL, &message->envelope->sender, &message->authors);
    message->views = views_new(spec->layers != NULL ? spec->layers : "");
    const struct facts_source source = {.conf = conf,
                                        .envelope = message->envelope,
                                        .client = &message->client,
                                        .originator = &message->originator,
                                        .authors = &message->authors,
                                        .fields = spec->bare ? NULL : &message->fields,
                                        .entity = spec->bare ? NULL : message->entity,
                                        .layers = spec->bare ? NULL : &message->views->all,
                                        .size = spec->size};
    rule_facts_read(&message->facts, &source);
}

static void forget(struct message_like *message)
{
    rule_facts_clear(&message->facts);
    authors_clear(&message->authors);
    originator_clear(&message->originator);
    fields_clear(&message->fields);
    part_free(message->entity);
    views_free(message->views);
    envelope_free(message->envelope);
    g_free(message->text);
}

static void append_rule(GString *text, const struct rule *rule)
{
    if (rule == NULL)
        return;
    if (text->len > 0)
        g_string_append_c(text, '+');
    if (rule->line > 0)
        g_string_append_printf(text, "%u", rule->line);
    else
        g_string_append(text, "base");
}

/* "3+base": the rule in line 3, and the base has to be satisfied as well; "?3": whether it fits is not known. */
static char *tell(const struct matching *matching)
{
    GString *text = g_string_new(NULL);
    append_rule(text, matching->first);
    append_rule(text, matching->floor);
    if (matching->undecided != NULL)
        g_string_append_printf(text, "?%u", matching->undecided->line);
    return g_string_free(text, FALSE);
}

static void expect(const struct conf *conf, const struct spec *spec, const char *expected)
{
    struct message_like message;
    struct matching matching;
    read_message(conf, spec, &message);
    policy_match(conf_partner(conf, "partner.test"), &message.facts, &message.envelope->recipients[0].address,
                 &matching);
    g_autofree char *text = tell(&matching);
    cr_expect_str_eq(text, expected, "%s: %s, not %s", spec->header, text, expected);
    matching_clear(&matching);
    forget(&message);
}

/* --- which rule fits --- */

static const struct {
    const char *when;
    struct spec spec;
    bool fits;
} fitting[] = {
    {"subject = \"[x]\";", {"Subject: [X] a\r\n"}, true},
    {"subject = \"[x]\";", {"Subject: a [x]\r\n"}, false},
    {"subject = ( \"[x]\", \"[y]\" );", {"Subject: Re: [y] a\r\n"}, true},
    {"subject = \"[y]\";", {"Subject: a\r\nSubject: [y] b\r\n"}, true}, /* any instance */
    {"subject = \"[x]\";", {"X-Subject: [x]\r\n"}, false},
    {"subject = \"[x]\";", {""}, false},
    {"header = \"Sensitivity: Company-Confidential\";", {"SENSITIVITY:  company-CONFIDENTIAL \r\n"}, true},
    {"header = \"Sensitivity: company-confidential\";", {"Sensitivity: company-confidential too\r\n"}, false},
    {"header = \"Sensitivity: confidential\";", {"Sensitivity: company-confidential\r\n"}, false},
    {"header = \"X-A: one two\";", {"X-A: one\r\n\ttwo\r\n"}, true},
    {"header = \"X-A: b\";", {"X-A: a\r\nX-a: b\r\nX-A: c\r\n"}, true},
    {"header = \"X-A: b\xc3\xbcro\";", {"X-A: =?utf-8?q?B=C3=BCro?=\r\n"}, true},
    {"header = \"X-A: =?utf-8?q?b?=\";", {"X-A: =?utf-8?q?b?=\r\n"}, true},
    {"header = \"X-A:\";", {"X-A:\r\n"}, true},
    {"header = \"X-A: b\";", {"X-AB: b\r\n"}, false},
    {"from = \"a@acme.test\";", {"From: Alice <A@Acme.test>\r\n"}, true},
    {"from = \"b@acme.test\";", {"From: a@acme.test\r\n"}, false},
    {"from = \"*@acme.test\";", {"From: a@acme.test\r\n"}, true},
    {"from = \"*@acme.test\";", {"From: a@sub.acme.test\r\n"}, false},
    {"from = \"list:board\";", {"From: CEO@acme.test\r\n"}, true},
    {"from = \"list:board\";", {"From: any@branch.test\r\n"}, true},
    {"from = \"list:board\";", {"From: cfo@acme.test\r\n"}, false},
    {"from = \"b@acme.test\";", {"From: a@acme.test, b@acme.test\r\n"}, true},
    {"to = \"bob@partner.test\";", {""}, true},
    {"to = \"*@partner.test\";", {""}, true},
    {"to = \"*@partner.test\";", {"", .to = "x@sub.partner.test"}, false},
    {"to = \"eve@partner.test\";", {""}, false},
    {"login = \"alice\";", {"", .login = "alice"}, true},
    {"login = \"alice\";", {"", .login = "ALICE"}, true}, /* Postfix compares logins without case */
    {"login = \"Alice@Acme.test\";", {"", .login = "alice@acme.test"}, true},
    {"login = \"\xc3\x84\";", {"", .login = "\xc3\xa4"}, false},
    {"login = \"alice\";", {"", .login = "alic"}, false},
    {"login = \"alice\";", {""}, false},
    {"larger_than = 100;", {"", .size = 101}, true},
    {"larger_than = 100;", {"", .size = 100}, false},
    {"kind = \"calendar\";", {"Content-Type: text/calendar; method=REQUEST\r\n"}, true},
    {"kind = \"calendar\";", {"Content-Type: text/calendar\r\n"}, false},
    {"kind = \"calendar\";", {"Content-Type: text/plain; method=REQUEST\r\n"}, false},
    {"kind = \"calendar\";",
     {"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
      "--b\r\n\r\nx\r\n--b\r\nContent-Type: TEXT/Calendar; Method=reply\r\n\r\ny\r\n--b--\r\n--a--\r\n"},
     true},
    {"kind = \"calendar\";",
     {"Content-Type: message/rfc822\r\n\r\nContent-Type: text/calendar; method=REQUEST\r\n"},
     false},
    {"kind = \"auto-reply\";", {"Auto-Submitted: auto-replied\r\n"}, true},
    {"kind = \"auto-reply\";", {"Auto-Submitted: auto-generated; owner=x\r\n"}, true},
    {"kind = \"auto-reply\";", {"Auto-Submitted: No\r\n"}, false},
    {"kind = \"auto-reply\";", {"Auto-Submitted: no; x=y\r\n"}, false},
    {"kind = \"auto-reply\";", {"Auto-Submitted:\r\n"}, false},
    {"kind = \"bounce\";",
     {"Content-Type: multipart/report; boundary=a\r\n\r\n--a\r\n\r\nx\r\n--a--\r\n", .null_sender = true},
     true},
    {"kind = \"bounce\";", {"Content-Type: multipart/report; boundary=a\r\n\r\n--a\r\n\r\nx\r\n--a--\r\n"}, false},
    {"kind = \"bounce\";", {"Content-Type: text/plain\r\n", .null_sender = true}, false},
    {"kind = \"list\";", {"List-Id: <l.acme.test>\r\n"}, true},
    {"kind = \"list\";", {"List-Post: <l.acme.test>\r\n"}, false},
    {"kind = \"signed\";", {"", .layers = "originator"}, true},
    {"kind = \"signed\";", {"", .layers = "compressed originator"}, true},
    {"kind = \"signed\";", {"", .layers = "originator gcm"}, true},
    {"kind = \"signed\";", {"", .layers = "gcm originator"}, false}, /* only our key shows it */
    {"kind = \"signed\";", {"", .layers = "part/originator"}, false},
    {"kind = \"encrypted\";", {"", .layers = "gcm/nokey"}, true},
    {"kind = \"encrypted\";", {"", .layers = "originator gcm"}, true},
    {"kind = \"encrypted\";", {"", .layers = "part/gcm"}, false},
    {"kind = \"encrypted\";", {"", .layers = "originator"}, false},
    {"kind = ( \"list\", \"encrypted\" );", {"", .layers = "gcm"}, true},
    /* all must hold */
    {"subject = \"[x]\"; to = \"bob@partner.test\"; login = \"l\";", {"Subject: [x]\r\n", .login = "l"}, true},
    {"subject = \"[x]\"; to = \"bob@partner.test\"; login = \"l\";", {"Subject: [x]\r\n"}, false},
    {"subject = \"[x]\"; to = \"eve@partner.test\"; login = \"l\";", {"Subject: [x]\r\n", .login = "l"}, false},
};

/* Rules that fit by the sender's words bring the base with them. */
Test(matching, which_rule_fits)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fitting); i++) {
        bool has_words = strncmp(fitting[i].when, "to", 2) != 0 && strncmp(fitting[i].when, "login", 5) != 0;
        g_autofree char *rule = g_strdup_printf("{ when = { %s }; protect = \"encrypt\"; }", fitting[i].when);
        owned(conf) struct conf *conf = load(rule);
        expect(conf, &fitting[i].spec, !fitting[i].fits ? "base" : has_words ? "3+base" : "3");
    }
}

/* --- the order, and whose words count --- */

#define TAG "{ when = { subject = \"[x]\"; }; }"
#define LOWERS "{ when = { subject = \"[x]\"; }; lowers = true; }"
#define LOGIN "{ when = { login = \"l\"; }; }"
#define LOGIN_TAG "{ when = { login = \"l\"; subject = \"[x]\"; }; }"
#define TO "{ when = { to = \"*@partner.test\"; }; }"
#define FROM "{ when = { from = \"a@acme.test\"; }; }"
#define FROM_LOGIN "{ when = { from = \"a@acme.test\"; login = \"l\"; }; }"
#define HEADER "{ when = { header = \"X-A: b\"; }; }"
#define KIND "{ when = { kind = \"list\"; }; }"
#define FROM_OTHER "{ when = { from = \"b@acme.test\"; }; }"
#define ARRIVES "{ when = { to = \"*@acme.test\"; }; otherwise = \"tag\"; }"
#define ARRIVES_KIND "{ when = { kind = \"list\"; }; otherwise = \"tag\"; }"
#define X "Subject: [x]\r\n"
#define UNREAD "From: a@acme.test b@acme.test\r\n"

static const struct {
    const char *rules;
    struct spec spec;
    const char *expected;
} ordered[] = {
    {TAG, {X}, "3+base"},
    {TAG ",\n" TO, {X}, "3+4"},
    {TO ",\n" TAG, {X}, "3"},
    {TAG ",\n" LOGIN ",\n" TO, {X}, "3+5"},
    {TAG ",\n" LOGIN ",\n" TO, {X, .login = "l"}, "3+4"},
    {TAG ",\n" KIND ",\n" TO, {X "List-Id: <a.b>\r\n"}, "3+5"},
    {KIND ",\n" TAG ",\n" TO, {X}, "4+5"},
    {LOWERS ",\n" TO, {X}, "3"},
    {LOWERS, {X}, "3"},
    {TAG ",\n" LOWERS, {X}, "3+base"},
    {LOGIN_TAG, {X, .login = "l"}, "3+base"},
    {FROM, {""}, "3+base"}, /* From is not proven */
    {FROM, {"", .proven = true}, "3"},
    {FROM_LOGIN, {"", .login = "l"}, "3+base"},
    {ARRIVES, {""}, "base"},
    {ARRIVES ",\n" TAG, {X}, "4+base"},
    {ARRIVES_KIND, {"List-Id: <a.b>\r\n"}, "base"},
    /* strangers, and those who pass on what strangers wrote */
    {TAG, {X, .stranger = true}, "base"},
    {LOWERS, {X, .stranger = true}, "base"},
    {FROM, {"", .stranger = true}, "base"},
    {TO, {X, .stranger = true}, "3"},
    {LOWERS ",\n" TO, {X "From: eve@other.test\r\n"}, "4"},
    {LOWERS ",\n" TO, {X "From: a@acme.test, eve@other.test\r\n"}, "4"},
    /* a From that cannot be read */
    {FROM, {"From: a@acme.test b@acme.test\r\n"}, "base?3"},
    {FROM ",\n" TO, {"From: a@acme.test b@acme.test\r\n"}, "4?3"},
    {TO ",\n" FROM, {"From: a@acme.test b@acme.test\r\n"}, "3"},
    {FROM ",\n" FROM_OTHER, {"From: a@acme.test b@acme.test\r\n"}, "base?3"}, /* the first is named */
    {FROM_LOGIN, {"From: a@acme.test b@acme.test\r\n"}, "base"},
    {FROM_LOGIN, {"From: a@acme.test b@acme.test\r\n", .login = "l"}, "base?3"},
    {TAG, {X "From: a@acme.test b@acme.test\r\n"}, "3+base"},
    {FROM, {"From: a@acme.test b@acme.test\r\n", .stranger = true}, "base"},
};

Test(matching, first_match_and_what_it_may_not_lower)
{
    for (size_t i = 0; i < G_N_ELEMENTS(ordered); i++) {
        owned(conf) struct conf *conf = load(ordered[i].rules);
        expect(conf, &ordered[i].spec, ordered[i].expected);
    }
}

/* --- what comes of two rules: never less than the floor alone --- */

struct circumstances {
    bool authentic, encrypted;
    enum found certificate;
};

static void decide(const struct rule *rule, const struct circumstances *facts, struct outbound_decision *decision)
{
    static const struct own_view ours[OWN_COUNT];
    const struct outbound_facts outbound = {.own = ours,
                                            .originator_authentic = facts->authentic,
                                            .originator_reason = "x",
                                            .already_encrypted = facts->encrypted,
                                            .unreadable = facts->encrypted,
                                            .certificate = facts->certificate,
                                            .certificate_reason = "y"};
    policy_outbound(rule, &outbound, decision);
}

static bool is_at_least(const struct outbound_decision *both, const struct outbound_decision *floor)
{
    if (floor->verdict == VERDICT_TEMPFAIL)
        return both->verdict == VERDICT_TEMPFAIL;
    if (both->verdict != VERDICT_ACCEPT || floor->verdict != VERDICT_ACCEPT)
        return both->verdict != VERDICT_ACCEPT;
    return both->sign >= floor->sign && both->encrypt >= floor->encrypt && both->triple >= floor->triple;
}

#define SETTINGS (5 * 4 * 3 * 3 * 2)

static struct rule setting(const struct partner *partner, int number)
{
    struct rule rule = {.partner = partner};
    rule.outbound.protect = (enum protect)(number % 5);
    rule.outbound.no_certificate = (enum no_certificate)(number / 5 % 4);
    rule.outbound.unauthentic = (enum unauthentic)(number / 20 % 3);
    rule.outbound.unreadable = (enum unreadable)(number / 60 % 3);
    rule.outbound.refuse = number / 180 % 2 != 0;
    return rule;
}

/* Every pair of settings under all circumstances. */
Test(matching, what_a_user_asks_for_never_lowers)
{
    static const enum found found[] = {FOUND, FOUND_NONE, FOUND_FAILED};
    const struct partner partner = {.name = "p"};
    unsigned raised = 0;
    for (int c = 0; c < 12; c++) {
        const struct circumstances facts = {c % 2 != 0, c / 2 % 2 != 0, found[c / 4]};
        for (int pair = 0; pair < SETTINGS * SETTINGS; pair++) {
            struct outbound_decision floor, both;
            const struct rule lower = setting(&partner, pair % SETTINGS), user = setting(&partner, pair / SETTINGS);
            decide(&lower, &facts, &floor);
            decide(&user, &facts, &both);
            policy_stricter(&floor, &both);
            if (!is_at_least(&both, &floor))
                cr_assert_fail("%d under %d", pair, c);
            raised += is_at_least(&floor, &both) ? 0 : 1;
        }
    }
    cr_expect_gt(raised, 0);
}

/* The same of whose signature it is. */
static bool holds_signer(const struct outbound_decision *both, const struct outbound_decision *floor)
{
    if (both->verdict != VERDICT_ACCEPT || !floor->sign)
        return true;
    return both->sign_as == floor->sign_as || both->sign_as == SIGN_AS_BOTH;
}

#define SIGNER_SETTINGS (5 * 3 * 3 * 2)

static struct rule signer_setting(const struct partner *partner, int number)
{
    struct rule rule = {.partner = partner};
    rule.outbound.protect = (enum protect)(number % 5);
    rule.outbound.unauthentic = (enum unauthentic)(number / 5 % 3);
    rule.outbound.sign_as = (enum sign_as)(number / 15 % 3);
    rule.outbound.no_identity = (enum no_identity)(number / 45);
    return rule;
}

Test(matching, what_a_user_asks_for_takes_no_signature_away)
{
    const struct partner partner = {.name = "p"};
    for (int c = 0; c < 16; c++) {
        struct own_view own[OWN_COUNT] = {0};
        if (c / 4 % 2 != 0)
            error_set(&own[OWN_MAILBOX].missing, ERROR_CONFIGURATION, "outdated");
        const struct outbound_facts facts = {.own = own,
                                             .originator_authentic = c % 2 != 0,
                                             .originator_reason = "x",
                                             .certificate = FOUND,
                                             .certificate_reason = "y",
                                             .no_mailbox = c / 2 % 2 != 0 ? "z" : NULL,
                                             .bad_signature = c / 8 != 0 ? "b" : NULL};
        for (int pair = 0; pair < SIGNER_SETTINGS * SIGNER_SETTINGS; pair++) {
            struct outbound_decision floor, both;
            const struct rule lower = signer_setting(&partner, pair % SIGNER_SETTINGS),
                              user = signer_setting(&partner, pair / SIGNER_SETTINGS);
            policy_outbound(&lower, &facts, &floor);
            policy_outbound(&user, &facts, &both);
            policy_stricter(&floor, &both);
            if (!is_at_least(&both, &floor) || !holds_signer(&both, &floor))
                cr_assert_fail("%d under %d", pair, c);
        }
    }
}

/* --- all claims on one recipient --- */

Test(matching, claims_of_both_addresses)
{
    owned(conf) struct conf *conf = load("{ when = { to = \"bob@partner.test\"; }; },\n"
                                         "{ when = { subject = \"[x]\"; }; },\n"
                                         "{ when = { to = \"eve@partner.test\"; }; }");
    struct message_like message;
    read_message(conf, &(struct spec){X}, &message);
    struct recipient *recipient = &message.envelope->recipients[0];
    const struct rule *rules[CLAIMS_MAX];
    size_t count = 0;
    recipient_set_reading(recipient, "eve@partner.test", "partner.test", "smtp");
    struct destination destination;
    policy_destination(conf, recipient, &destination);
    cr_expect_null(policy_claims(&message.facts, &destination, rules, &count));
    cr_assert_eq(count, 3); /* eve: 4 and 5; bob: 3 */
    cr_expect_eq(rules[0]->line, 4);
    cr_expect_eq(rules[1]->line, 5);
    cr_expect_eq(rules[2]->line, 3);
    forget(&message);
}

/* Three partners with the same rules, one of them in test mode; none.test has none. */
static struct conf *load_several(void)
{
    static const char rule[] = "rules = (\n\n{ when = { from = \"a@acme.test\"; }; },\n"
                               "{ when = { to = \"*@a.test\"; }; },\n{ when = { to = \"*@b.test\"; }; } );\n";
    static const char *const partners[] = {"partner.test", "a.test", "tests.test", "none.test"};
    owned(faults) struct faults *faults = faults_new();
    scratch_write("domsec.conf", MAIN);
    for (size_t i = 0; i < G_N_ELEMENTS(partners); i++) {
        g_autofree char *name = g_strdup_printf("p/%s.conf", partners[i]);
        g_autofree char *policy = g_strdup_printf("domain = \"%s\"; %s %s", partners[i],
                                                  strcmp(partners[i], "tests.test") == 0 ? "mode = \"test\";" : "",
                                                  strcmp(partners[i], "none.test") == 0 ? "" : rule);
        scratch_write(name, policy);
    }
    struct conf *conf = scratch_load(faults);
    cr_assert_not_null(conf, "%s", faults_count(faults) > 0 ? faults_at(faults, 0) : "");
    return conf;
}

/* The lines of the rules, in the order of the claims; "?" and a line: whether that rule fits is not known. */
static void expect_claims(const struct conf *conf, const struct spec *spec, const char *const to[2],
                          const char *expected)
{
    struct message_like message;
    struct address addresses[2];
    struct error error = {0};
    struct destination destination = {0};
    const struct rule *rules[CLAIMS_MAX];
    size_t count = CLAIMS_MAX;
    g_autoptr(GString) text = g_string_new(NULL);
    read_message(conf, spec, &message);
    for (size_t i = 0; i < 2 && to[i] != NULL; i++) {
        cr_assert(address_parse(slice_of(to[i]), &addresses[i], &error));
        destination.addresses[i] = &addresses[i];
        destination.rules[destination.rule_count++] = &conf_partner(conf, addresses[i].domain)->base;
    }
    for (size_t i = 0; i < CLAIMS_MAX; i++) /* what was there before is no claim */
        rules[i] = &conf_partner(conf, "partner.test")->rules[0];
    const struct rule *undecided = policy_claims(&message.facts, &destination, rules, &count);
    for (size_t i = 0; i < count; i++) {
        cr_assert_not_null(rules[i], "%s", expected);
        append_rule(text, rules[i]);
    }
    if (undecided != NULL)
        g_string_append_printf(text, "?%s:%u", undecided->partner->name, undecided->line);
    cr_expect_str_eq(text->str, expected, "%s: %s", expected, text->str);
    for (size_t i = 0; i < destination.rule_count; i++)
        address_clear(&addresses[i]);
    forget(&message);
}

/* Each rule once. The rule that may apply is the first of them, but one in test mode hides none that is in force. */
Test(matching, claims_on_one_recipient)
{
    static const struct {
        struct spec spec;
        const char *to[2];
        const char *expected;
    } claims[] = {
        {{""}, {"x@partner.test"}, "3+base"},
        {{""}, {"x@partner.test", "y@partner.test"}, "3+base"},
        {{"", .proven = true}, {"x@partner.test", "y@partner.test"}, "3"},
        {{"From: c@acme.test\r\n"}, {"x@partner.test", "y@partner.test"}, "base"},
        {{"From: c@acme.test\r\n"}, {"x@partner.test", "x@a.test"}, "base+4"},
        {{UNREAD}, {"x@partner.test"}, "base?partner.test.conf:3"},
        {{UNREAD}, {"x@partner.test", "x@none.test"}, "base+base?partner.test.conf:3"},
        {{UNREAD}, {"x@none.test", "x@partner.test"}, "base+base?partner.test.conf:3"},
        {{UNREAD}, {"x@partner.test", "x@a.test"}, "base+4?partner.test.conf:3"},
        {{UNREAD}, {"x@a.test", "x@partner.test"}, "4+base?a.test.conf:3"},
        {{UNREAD}, {"x@tests.test", "x@none.test"}, "base+base?tests.test.conf:3"},
        {{UNREAD}, {"x@tests.test", "x@partner.test"}, "base+base?partner.test.conf:3"},
        {{UNREAD}, {"x@partner.test", "x@tests.test"}, "base+base?partner.test.conf:3"},
    };
    owned(conf) struct conf *conf = load_several();
    for (size_t i = 0; i < G_N_ELEMENTS(claims); i++)
        expect_claims(conf, &claims[i].spec, claims[i].to, claims[i].expected);
}

/* --- mail that arrives --- */

#define FROM_PARTNER "{ when = { from = ( \"a@partner.test\", \"b@partner.test\" ); }; otherwise = \"tag\"; }"
#define TO_US "{ when = { to = ( \"x@acme.test\", \"*@branch.test\" ); }; otherwise = \"quarantine\"; }"
#define LIST "{ when = { kind = \"list\"; from = \"*@partner.test\"; }; otherwise = \"tag\"; }"
#define FROM_TO "{ when = { from = \"*@partner.test\"; to = \"*@acme.test\"; }; otherwise = \"tag\"; }"

static const struct {
    const char *rules;
    struct spec spec;
    unsigned line; /* 0: the base */
} arriving[] = {
    {FROM_PARTNER, {"From: a@partner.test\r\n", .to = "x@acme.test"}, 3},
    {FROM_PARTNER, {"From: c@partner.test\r\n", .to = "x@acme.test"}, 0},
    {FROM_PARTNER, {"From: a@partner.test, b@partner.test\r\n", .to = "x@acme.test"}, 3},
    {FROM_PARTNER, {"From: a@partner.test, c@partner.test\r\n", .to = "x@acme.test"}, 0},
    {FROM_PARTNER, {"From: a@partner.test, c@other.test\r\n", .to = "x@acme.test"}, 3}, /* that has its own partner */
    {FROM_PARTNER, {"From: a@partner.test b@partner.test\r\n", .to = "x@acme.test"}, 0},
    {TO_US, {"From: a@partner.test\r\n", .to = "x@acme.test"}, 3},
    {TO_US, {"From: a@partner.test\r\n", .to = "x@acme.test y@branch.test"}, 3},
    {TO_US, {"From: a@partner.test\r\n", .to = "x@acme.test z@acme.test"}, 0},
    {TO_US, {"From: a@partner.test\r\n", .to = "z@acme.test x@acme.test"}, 0},
    {"{ when = { to = ( \"y@branch.test\", \"*@branch.test\" ); }; otherwise = \"tag\"; }",
     {"From: a@partner.test\r\n", .to = "y@branch.test z@acme.test"},
     0},
    {LIST, {"From: a@partner.test\r\nList-Id: <a.b>\r\n", .to = "x@acme.test"}, 3},
    {LIST, {"From: a@partner.test\r\n", .to = "x@acme.test"}, 0},
    {LIST ",\n" TO_US, {"From: a@partner.test\r\n", .to = "x@acme.test"}, 4},
    {TAG ",\n" TO_US, {"From: a@partner.test\r\n" X, .to = "x@acme.test"}, 4},
    {FROM_PARTNER ",\n" TO_US, {"From: a@partner.test\r\n", .to = "x@acme.test"}, 3},
    {KIND ",\n" TO_US, {"From: a@partner.test\r\nList-Id: <a.b>\r\n", .to = "x@acme.test"}, 4},
    {FROM_TO, {"From: a@partner.test\r\n", .to = "x@acme.test"}, 3},
    {FROM_TO, {"From: a@partner.test\r\n", .to = "x@branch.test"}, 0},
};

Test(matching, arriving)
{
    for (size_t i = 0; i < G_N_ELEMENTS(arriving); i++) {
        owned(conf) struct conf *conf = load(arriving[i].rules);
        struct message_like message;
        read_message(conf, &arriving[i].spec, &message);
        const struct partner *partner = conf_partner(conf, "partner.test");
        const struct rule *rule = policy_arriving_rule(partner, &message.facts);
        cr_expect_eq(rule->line, arriving[i].line, "%zu: %u", i, rule->line);
        cr_expect_eq(policy_arriving_rule(partner, NULL), &partner->base, "what is not known fits no rule");
        forget(&message);
    }
}

/* A rule that is not one of the partner's does not count, wherever its memory is. */
Test(matching, what_is_behind_the_rules)
{
    owned(conf) struct conf *conf =
        load(LOGIN ",\n{ when = { to = \"*@partner.test\"; }; protect = \"sign\"; otherwise = \"tag\"; }");
    struct partner partner = *conf_partner(conf, "partner.test");
    struct message_like message;
    struct matching out, in;
    read_message(conf, &(struct spec){""}, &message);
    for (; partner.rule_count > 0; partner.rule_count--) {
        policy_match(&partner, &message.facts, &message.envelope->recipients[0].address, &out);
        policy_match_arriving(&partner, &message.facts, &in);
        g_autofree char *leaving = tell(&out), *arrives = tell(&in);
        cr_expect_str_eq(leaving, partner.rule_count == 2 ? "4" : "base", "%zu: %s", partner.rule_count, leaving);
        cr_expect_str_eq(arrives, partner.rule_count == 2 ? "4" : "", "%zu: %s", partner.rule_count, arrives);
        matching_clear(&out);
        matching_clear(&in);
    }
    forget(&message);
}

/* --- what is read --- */

#define ALL_KINDS                                                                                                      \
    "Auto-Submitted: auto-replied\r\nList-Id: <a.b>\r\n"                                                               \
    "Content-Type: multipart/report; boundary=a\r\n\r\n--a\r\nContent-Type: text/calendar; method=REPLY\r\n\r\nx\r\n"  \
    "--a--\r\n"

/* Kinds do not exclude each other, and without the message none is known. */
Test(matching, kinds)
{
    static const struct {
        struct spec spec;
        unsigned kinds;
    } messages[] = {
        {{ALL_KINDS, .layers = "originator gcm", .null_sender = true}, (1u << KIND_COUNT) - 1},
        {{ALL_KINDS, .layers = "originator"}, KIND_SIGNED | KIND_CALENDAR | KIND_AUTO_REPLY | KIND_LIST},
        {{""}, 0},
        {{ALL_KINDS, .layers = "originator gcm", .null_sender = true, .bare = true}, 0},
    };
    owned(conf) struct conf *conf = load(KIND);
    for (size_t i = 0; i < G_N_ELEMENTS(messages); i++) {
        struct message_like message;
        read_message(conf, &messages[i].spec, &message);
        cr_expect_eq(message.facts.kinds, messages[i].kinds, "%zu: %x", i, message.facts.kinds);
        forget(&message);
    }
}

/* Of a message, only what some rule asks for is read. */
Test(matching, what_is_read)
{
    static const struct {
        const char *rules;
        bool from, to, subject, header, kinds;
    } asked[] = {
        {LOGIN, false, false, false, false, false}, {FROM, true, false, false, false, false},
        {TO, false, true, false, false, false},     {TAG, false, false, true, false, false},
        {HEADER, false, false, false, true, false}, {KIND, false, false, false, false, true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(asked); i++)
        for (int bare = 0; bare < 2; bare++) {
            owned(conf) struct conf *conf = load(asked[i].rules);
            struct message_like message;
            read_message(conf, &(struct spec){X "X-A: b\r\nList-Id: <a.b>\r\n", .login = "", .bare = bare != 0},
                         &message);
            const struct rule_facts *facts = &message.facts;
            cr_expect_eq(facts->from[0].names != NULL, asked[i].from, "%zu", i);
            cr_expect_eq(facts->to[0].names != NULL, asked[i].to, "%zu", i);
            cr_expect_eq(facts->tags != NULL, asked[i].subject && bare == 0, "%zu", i);
            cr_expect_eq(facts->subject_count, asked[i].subject && bare == 0 ? 1 : 0, "%zu", i);
            cr_expect_eq(facts->headers != NULL, asked[i].header && bare == 0, "%zu", i);
            cr_expect_eq(facts->kinds, asked[i].kinds && bare == 0 ? KIND_LIST : 0, "%zu", i);
            cr_expect_null(facts->login, "an empty login is none");
            forget(&message);
        }
}

Test(matching, what_was_never_read_can_be_cleared)
{
    struct rule_facts facts = {0};
    rule_facts_clear(&facts);
    cr_expect_null(facts.from);
}

/* A field with a NUL is no text, and has no value that a rule could name. */
Test(matching, a_header_with_a_nul)
{
    static const char header[] = "X-A: b\0c\r\nX-A: b\r\n";
    owned(conf) struct conf *conf = load(HEADER);
    struct message_like message;
    struct fields fields;
    struct rule_facts facts;
    struct error error = {0};
    read_message(conf, &(struct spec){""}, &message);
    cr_assert(fields_parse((struct slice){header, sizeof(header) - 1}, &conf->limits, &fields, &error), "%s",
              error.text);
    const struct facts_source source = {.conf = conf,
                                        .envelope = message.envelope,
                                        .client = &message.client,
                                        .originator = &message.originator,
                                        .authors = &message.authors,
                                        .fields = &fields};
    rule_facts_read(&facts, &source);
    cr_expect_eq(g_strv_length(facts.headers), 1);
    cr_expect_str_eq(facts.headers[0], "x-a: b");
    rule_facts_clear(&facts);
    fields_clear(&fields);
    forget(&message);
}

/* --- what it costs --- */

/* One step for each lookup, one for each rule that it leads to, and one for each rule that is looked at. */
Test(matching, steps)
{
    static const struct {
        const char *rules;
        struct spec spec;
        unsigned leaving, arriving;
    } costs[] = {
        {"", {X, .login = "l"}, 0, 0},
        {"", {X, .stranger = true}, 0, 0},
        {LOGIN, {""}, 2 + 1, 1}, /* the recipient is looked up by address and by domain */
        {LOGIN, {"", .login = "l"}, 2 + 2 + 1, 1},
        {TO, {""}, 2 + 1 + 1, 2 + 1 + 1},
        {TAG ",\n" LOGIN ",\n" TO, {X, .login = "l"}, 2 + 1 + 2 + 2 + 2, 2 + 1 + 3},
        {FROM, {""}, 2 + 2 + 1 + 1, 1}, /* it comes from no author of this partner */
        {FROM_PARTNER, {"From: a@partner.test\r\n"}, 2 + 2 + 1 + 1, 2 + 1 + 1},
        {KIND, {"List-Id: <a.b>\r\n"}, 2 + 2 + 1, 2 + 1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(costs); i++) {
        owned(conf) struct conf *conf = load(costs[i].rules);
        const struct partner *partner = conf_partner(conf, "partner.test");
        struct message_like message;
        struct matching out, in;
        read_message(conf, &costs[i].spec, &message);
        policy_match(partner, &message.facts, &message.envelope->recipients[0].address, &out);
        policy_match_arriving(partner, &message.facts, &in);
        cr_expect_eq(out.steps, costs[i].leaving, "%zu: %u", i, out.steps);
        cr_expect_eq(in.steps, costs[i].arriving, "%zu: %u", i, in.steps);
        cr_expect(partner->rule_count > 0 || out.unread == 0, "%zu: without rules nothing is left unread", i);
        matching_clear(&out);
        matching_clear(&in);
        forget(&message);
    }
}

static unsigned steps_of(const char *format, const struct spec *spec, bool numbered)
{
    GString *rules = g_string_new(NULL);
    struct message_like message;
    struct matching matching;
    for (int i = 0; i < 5000; i++) {
        g_autofree char *value = numbered ? g_strdup_printf("%d", i) : g_strdup("0");
        g_auto(GStrv) pieces = g_strsplit(format, "#", -1);
        g_autofree char *when = g_strjoinv(value, pieces);
        g_string_append_printf(rules, "%s{ when = { %s }; }", i > 0 ? ",\n" : "", when);
    }
    owned(conf) struct conf *conf = load(rules->str);
    g_string_free(rules, TRUE);
    read_message(conf, spec, &message);
    policy_match(conf_partner(conf, "partner.test"), &message.facts, &message.envelope->recipients[0].address,
                 &matching);
    unsigned steps = matching.steps;
    if (g_getenv("MATCHING_COST") != NULL) { /* for people: seconds of processor for 10,000 messages */
        clock_t began = clock();
        for (int i = 0; i < 10000; i++) {
            struct matching again;
            policy_match(conf_partner(conf, "partner.test"), &message.facts, &message.envelope->recipients[0].address,
                         &again);
            matching_clear(&again);
        }
        fprintf(stderr, "%s: %.4f ms\n", format, (double)(clock() - began) / CLOCKS_PER_SEC / 10);
    }
    matching_clear(&matching);
    forget(&message);
    return steps;
}

/* The number of the line stands in the place of "#". */
static char *repeated(const char *line, int times)
{
    GString *text = g_string_new(NULL);
    for (int i = 0; i < times; i++) {
        g_autofree char *number = g_strdup_printf("%d", i);
        g_auto(GStrv) pieces = g_strsplit(line, "#", -1);
        g_autofree char *numbered = g_strjoinv(number, pieces);
        g_string_append(text, numbered);
    }
    return g_string_free(text, FALSE);
}

/* What others' rules look for is not looked up for a partner without rules. */
Test(matching, steps_without_rules)
{
    owned(conf) struct conf *conf = load_several();
    struct message_like message;
    struct matching matching;
    read_message(conf, &(struct spec){"From: a@none.test\r\n"}, &message);
    policy_match_arriving(conf_partner(conf, "none.test"), &message.facts, &matching);
    cr_expect_eq(matching.steps, 0, "%u", matching.steps);
    cr_expect_null(matching.first);
    matching_clear(&matching);
    forget(&message);
}

/* Nothing that its sender can repeat makes a message cost more for each recipient. */
Test(matching, what_is_repeated_costs_once)
{
    g_autofree char *tags = repeated("[t1]", 1000), *tagged = g_strconcat("Subject: ", tags, "\r\n", NULL),
                    *subjects = repeated("Subject: [t1] a\r\n", 400), *fields = repeated("X-A: 1\r\n", 400),
                    *encoded = repeated("X-A: =?utf-8?q?1?=\r\n", 400),
                    *others = repeated("X-A: no rule has #\r\n", 400);
    const struct {
        const char *when;
        struct spec spec;
        bool numbered;
        unsigned most;
    } rows[] = {
        {"subject = \"[t#]\";", {tagged}, true, 5010},
        {"subject = \"[t#]\";", {subjects}, true, 5010},
        {"header = \"X-A: #\";", {fields}, true, 5010},
        {"header = \"X-A: #\";", {encoded}, true, 5010},
        {"header = \"X-A: #\";", {others}, true, 5010},
        /* the sender's words where they do not count */
        {"subject = \"[t#]\";", {"Subject: [t0]\r\n", .stranger = true}, false, 5010},
        {"header = \"X-A: #\";", {"X-A: 0\r\n", .stranger = true}, false, 5010},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        unsigned steps = steps_of(rows[i].when, &rows[i].spec, rows[i].numbered);
        cr_expect_leq(steps, rows[i].most, "%zu: %u", i, steps);
    }
}

/* One step for each rule, and one for each that a value of the message leads to. */
Test(matching, thousands_of_rules_cost_little)
{
    g_autofree char *long_subject = g_strnfill(60000, 'x'),
                    *subject = g_strconcat("Subject: [t4999] ", long_subject, "\r\n", NULL);
    g_autofree char *long_header = g_strconcat("X-A: ", long_subject, "\r\n", NULL);
    const struct {
        const char *when;
        struct spec spec;
        bool numbered;
        unsigned most;
    } rows[] = {
        {"from = ( \"u#@acme.test\", \"v#@acme.test\" );", {"From: v4999@acme.test\r\n"}, true, 5100},
        {"subject = \"[t#]\";", {subject}, true, 5100},
        {"header = \"X-A: #\";", {long_header}, true, 5100},
        {"header = \"X-A: #\"; to = \"bob@partner.test\";", {"X-A: 4999\r\n"}, true, 10100},
        {"login = \"l#\";", {"", .login = "l4999"}, true, 5100},
        {"from = \"list:board\"; subject = \"[t#]\";", {"From: ceo@acme.test\r\n"}, true, 10100},
        {"larger_than = #1;", {"", .size = 100000000}, true, 15100},
        {"kind = \"list\"; to = \"*@partner.test\"; header = \"X: y\";", {"List-Id: <a.b>\r\n"}, false, 15100},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        unsigned steps = steps_of(rows[i].when, &rows[i].spec, rows[i].numbered);
        cr_expect_leq(steps, rows[i].most, "%s: %u", rows[i].when, steps);
    }
}
