/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message to several recipients is sealed, and each recipient's copy is made of what comes back. In place of Postfix,
 * the sealed message is handed to the second pass as it would come.
 */
#include "gateway/box.h"
#include "gateway/internal.h"
#include "gateway/split.h"
#include "support/folder.h"
#include "support/rig.h"
#include "support/scripted_keys.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#define BOTH "outbound = { protect = \"sign+encrypt\"; };"
#define MESSAGE                                                                                                        \
    "Received: from pc.acme.test\r\n\tby mail.acme.test; Mon, 5 Jan 2026 10:00:00 +0000\r\nFrom: Alice "               \
    "<alice@acme.test>\r\nTo: bob@partner.test, dave@plain.test\r\nCc: carol@acme.test\r\nSubject: Gas "               \
    "nomination\r\nMessage-ID: <1@acme.test>\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\nX-Odd:\r\n\tfolded\r\n "       \
    "twice\r\nDomsec-Split: v=1; key=0000000000000000\r\n\r\nThe secret\r\n"
#define ME "alice@acme.test"
#define BOB "bob@partner.test"
#define DAVE "dave@plain.test"
#define CAROL "carol@acme.test"

/* One way through acme.test's gateway, and everything that may differ from the daemon's way. */
struct way {
    const char *to[5];
    const char *orcpt;                         /* of the first recipient; NULL: none */
    bool all_orcpt;                            /* of all recipients */
    const char *login, *client, *mta, *daemon; /* client "": not known */
    const char *resolved; /* where the mail server delivers the first recipient to; NULL: as given */
    const char *argument; /* of the first recipient; NULL: the address in angle brackets */
    const struct turns *turns;
    time_t at;
};

static void write_key(const struct org *org, const char *name, char fill)
{
    char key[BOX_KEY_SIZE];
    memset(key, fill, sizeof(key));
    g_autofree char *path = g_build_filename(org->folder, name, NULL);
    cr_assert(g_file_set_contents(path, key, sizeof(key), NULL));
}

static void open_acme(struct rig *rig, const char *policy, const char *extra)
{
    g_autofree char *all = g_strdup_printf("state_directory = \"%s\";\n%s", rig->acme.folder, extra);
    if (rig->acme.gateway != NULL)
        gateway_unref(g_steal_pointer(&rig->acme.gateway));
    rig_open(&rig->acme, &rig->partner, policy, all);
}

#define SPLIT "split = { keys = ( \"file:split.key\" ); proven = true; };"

static struct rig *open_rig(const char *policy, const char *extra)
{
    struct rig *rig = rig_closed(PKI_EC);
    write_key(&rig->acme, "split.key", 'k');
    write_key(&rig->acme, "new.key", 'n');
    open_acme(rig, policy, extra);
    rig_open(&rig->partner, &rig->acme, "inbound = { require = \"sign+encrypt\"; };", NULL);
    return rig;
}

static struct sent go(const struct rig *rig, const char *bytes, const struct way *way)
{
    struct sent sent = {.message = rig_message(&rig->acme, bytes, strlen(bytes)), .envelope = envelope_new()};
    struct envelope *envelope = sent.envelope;
    struct error error = {0};
    envelope->queue_id = g_strdup("TEST");
    envelope->authenticated = g_strdup(way->login);
    envelope->client_address = g_strdup(way->client == NULL      ? "203.0.113.9"
                                        : way->client[0] != '\0' ? way->client
                                                                 : NULL);
    envelope->eight_bit = way->login != NULL;
    envelope->sender_parameters = g_strsplit(way->login != NULL ? "ENVID=first" : "ENVID=second", "|", -1);
    envelope->mta = g_strdup(way->mta != NULL ? way->mta : "Postfix 3.7.11");
    envelope->daemon_name = g_strdup(way->daemon);
    cr_assert(address_parse(slice_of(ME), &envelope->sender, &error));
    for (size_t i = 0; i < G_N_ELEMENTS(way->to) && way->to[i] != NULL; i++) {
        struct address address = {0};
        cr_assert(address_parse_path(slice_of(way->to[i]), &address, &error), "%s", error.text);
        struct recipient *recipient = envelope_add_recipient(envelope, &address);
        if ((i == 0 || way->all_orcpt) && way->orcpt != NULL)
            recipient->parameters = g_strsplit(way->orcpt, "|", -1);
        recipient->argument =
            i == 0 && way->argument != NULL ? g_strdup(way->argument) : g_strdup_printf("<%s>", way->to[i]);
        if (i == 0 && way->resolved != NULL)
            recipient_set_reading(recipient, way->resolved, "host.test", "smtp");
    }
    sent.result = gateway_pass(rig->acme.gateway, &(struct passage_request){.envelope = envelope,
                                                                            .message = sent.message,
                                                                            .turns = way->turns,
                                                                            .at = way->at != 0 ? way->at : time(NULL)});
    cr_expect_eq(ERR_peek_error(), 0, "left in OpenSSL's queue: %s", ERR_reason_error_string(ERR_peek_error()));
    g_autofree char *report = passage_report(sent.result);
    g_autofree char *line = passage_log_line(sent.result);
    cr_expect(report != NULL && line != NULL);
    owned(rope) struct rope *out = edits_apply(&sent.result->made.edits, sent.message);
    sent.bytes = rope_flatten(out, &sent.length);
    return sent;
}

static struct sent seal(const struct rig *rig, const char *text)
{
    return go(rig, text, &(struct way){.to = {BOB, DAVE, CAROL}, .login = "alice"});
}

/* What Postfix sends back, with what happens to it on the way. */
static char *on_the_way(const struct sent *sealed)
{
    return g_strconcat("Received: by mail.acme.test (Postfix); new\r\nDKIM-Signature: v=1; d=acme.test; b=x\r\n",
                       sealed->bytes, NULL);
}

static struct sent copy(const struct rig *rig, const struct sent *sealed, const char *to)
{
    g_autofree char *text = on_the_way(sealed);
    return go(rig, text, &(struct way){.to = {to}, .daemon = "domsec-split"});
}

static void expect(const struct sent *sent, unsigned code, const char *reason)
{
    cr_expect_eq(sent->result->reply.code, code, "%u %s", sent->result->reply.code, sent->result->reply.reason);
    cr_expect(reason == NULL || strstr(sent->result->reply.reason, reason) != NULL, "%s", sent->result->reply.reason);
}

/* Each partner gets the signature that its rule asks for, also when the mail server brings the copies back, and proof
 * of From is that of the client. */
Test(split, whose_signature)
{
    static const struct {
        const char *to, *roles;
    } rows[] = {{BOB, "mailbox"}, {DAVE, "domain-signing-authority"}};
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    struct org *acme = &rig->acme;
    write_key(acme, "split.key", 'k');
    g_free(pki_write(acme->folder, "alice.pem", acme->alice, NULL));
    g_free(pki_write_key(acme->folder, "alice.key", acme->alice));
    acme->people = "{ address = \"alice@acme.test\"; certificate = \"alice.pem\"; key = \"file:alice.key\"; },\n";
    g_autofree char *policies = g_build_filename(acme->folder, "policy.d", NULL);
    g_mkdir(policies, 0700);
    folder_write(policies, "default.conf", "outbound = { protect = \"sign\"; };\n");
    open_acme(rig, "outbound = { protect = \"sign\"; sign_as = \"mailbox\"; };",
              SPLIT "identity_logins = ( { login = \"alice\"; addresses = ( \"alice@acme.test\" ); } );");
    AUTO_SENT struct sent sealed = seal(rig, MESSAGE);
    expect(&sealed, 250, "the login alice may sign as alice@acme.test");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        AUTO_SENT struct sent sent = copy(rig, &sealed, rows[i].to);
        expect(&sent, 250, NULL);
        g_autofree char *report = passage_report(sent.result);
        g_autofree char *role = g_strdup_printf("\"role\": \"%s\"", rows[i].roles);
        cr_expect_not_null(strstr(report, role), "%s", report);
        cr_expect_eq(strstr(strstr(report, role) + 1, "\"role\""), NULL, "%s", report);
    }
}

/* With the key that was planned, also when the rule no longer asks for it; without it, the copy waits. */
Test(split, with_which_key)
{
    static const char *const kept =
        "{ domain = \"acme.test\"; role = \"domain-signing-authority\"; certificate = "
        "\"review.pem\"; key = \"file:review.key\"; origin = \"gateway\"; escrowed = false; "
        "},\n";
    static const struct {
        const char *demands;
        bool is_kept; /* the key that satisfies them */
    } rows[] = {{"origin = \"gateway\";", true},       {"origin = ( \"token\", \"gateway\" );", true},
                {"escrowed = false;", true},           {"dual_use = false;", true},
                {"content_commitment = false;", true}, {"origin = ( );", false}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_closed(PKI_EC);
        struct org *acme = &rig->acme;
        g_autofree char *policy =
            g_strdup_printf("outbound = { protect = \"sign\"; sign_with = { %s }; };", rows[i].demands);
        PKI_AUTO struct pki *dual =
            pki_issue(&(struct pki_spec){.issuer = acme->ca,
                                         .subject = PKI_LIST("CN=domain-signing-authority"),
                                         .san = PKI_LIST("email:domain-signing-authority@acme.test"),
                                         .key_usage = "digitalSignature,nonRepudiation,keyAgreement"});
        write_key(acme, "split.key", 'k');
        g_free(pki_write(acme->folder, "dsa.pem", dual, NULL));
        g_free(pki_write_key(acme->folder, "dsa.key", dual));
        acme->people = kept;
        open_acme(rig, policy, SPLIT);
        AUTO_SENT struct sent sealed = seal(rig, MESSAGE);
        expect(&sealed, 250, NULL);
        open_acme(rig, "outbound = { protect = \"sign\"; };", SPLIT);
        AUTO_SENT struct sent bob = copy(rig, &sealed, BOB);
        expect(&bob, 250, NULL);
        g_autofree char *report = passage_report(bob.result);
        cr_expect(!rows[i].is_kept || strstr(report, "\"origin\": \"gateway\"") != NULL, "row %zu: %s", i, report);
        acme->people = NULL;
        open_acme(rig, "outbound = { protect = \"sign\"; };", SPLIT);
        AUTO_SENT struct sent waits = copy(rig, &sealed, BOB);
        expect(&waits, rows[i].is_kept ? 451 : 250,
               rows[i].is_kept ? "no signing key of acme.test fits sign_with" : NULL);
    }
}

/* --- the first pass --- */

Test(split, nothing_of_the_message_is_outside)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed = seal(rig, MESSAGE);
    expect(&sealed, 250, "split: " BOB);
    static const char *const stay[] = {"From: Alice <alice@acme.test>\r\n",
                                       "Message-ID: <1@acme.test>\r\n",
                                       "Date: Mon",
                                       "Received: from pc",
                                       "Subject: [...]\r\n",
                                       "MIME-Version: 1.0\r\n",
                                       "Domsec-Split: v=1; key="};
    static const char *const go[] = {"secret", "Gas", BOB, CAROL, "X-Odd", "key=0000000000000000"};
    for (size_t i = 0; i < G_N_ELEMENTS(stay); i++)
        cr_expect_not_null(strstr(sealed.bytes, stay[i]), "%s\n%s", stay[i], sealed.bytes);
    for (size_t i = 0; i < G_N_ELEMENTS(go); i++)
        cr_expect_null(strstr(sealed.bytes, go[i]), "%s\n%s", go[i], sealed.bytes);
    for (const char *c = sealed.bytes; *c != '\0'; c++)
        cr_assert(g_ascii_isprint(*c) || strchr("\t\r\n", *c) != NULL);
    g_autofree char *line = passage_log_line(sealed.result);
    cr_expect_not_null(strstr(line, " split=1 forms=2 sealed="), "%s", line);
}

Test(split, each_recipient_gets_what_a_message_to_it_alone_would_get)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed = seal(rig, MESSAGE);
    AUTO_SENT struct sent bob = copy(rig, &sealed, BOB), dave = copy(rig, &sealed, DAVE),
                          carol = copy(rig, &sealed, CAROL);
    expect(&bob, 250, NULL);
    cr_expect(bob.result->made.treatment.sign && bob.result->made.treatment.encrypt);
    cr_expect_null(strstr(bob.bytes, "secret"));
    AUTO_SENT struct sent read = rig_inbound(rig, bob.bytes, bob.length);
    expect(&read, 250, NULL);
    cr_expect_not_null(strstr(read.bytes, "The secret\r\n"));
    cr_expect_not_null(strstr(read.bytes, "Subject: Gas nomination\r\n"));
    /* the others get the message as it was sent, behind what is new of its trace */
    const char *was =
        "Received: by mail.acme.test (Postfix); new\r\nReceived: from pc.acme.test\r\n\tby mail.acme.test; "
        "Mon, 5 Jan 2026 10:00:00 +0000\r\nFrom: Alice <alice@acme.test>\r\nTo: bob@partner.test, "
        "dave@plain.test\r\nCc: carol@acme.test\r\nSubject: Gas nomination\r\nMessage-ID: "
        "<1@acme.test>\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\nX-Odd:\r\n\tfolded\r\n "
        "twice\r\n\r\nThe secret\r\n";
    expect(&dave, 250, NULL);
    cr_expect_str_eq(dave.bytes, was);
    expect(&carol, 250, "from our own client to our own domains");
    cr_expect_str_eq(carol.bytes, was);
    g_autofree char *line = passage_log_line(bob.result);
    cr_expect_not_null(strstr(line, " split=2 opened="), "%s", line);
    cr_expect_not_null(strstr(line, "login=\"alice\""), "%s", line);
}

Test(split, one_form_for_all_is_one_copy)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sent = go(rig, MESSAGE, &(struct way){.to = {BOB, "ben@partner.test"}, .login = "alice"});
    expect(&sent, 250, NULL);
    cr_expect(!sent.result->plan.needs_split && sent.result->made.treatment.encrypt);
    cr_expect_null(strstr(sent.bytes, BOX_FIELD), "the forged field is still there");
}

#define PINNED(domain, file)                                                                                           \
    "domain = \"" domain "\";\noutbound = { protect = \"sign+encrypt\"; };\ncertificates = ( \"" file                  \
    "\" );\nnaming = \"pinned\";\n"

Test(split, who_stands_in_no_to_or_cc_is_not_named)
{
    static const struct {
        const char *fields, *other;
        bool splits;
    } rows[] = {
        {"To: bob@partner.test\r\n", "ann@second.test", true},
        {"To: bob@partner.test\r\nBcc: ann@second.test\r\n", "ann@second.test", true},
        {"To: bob@partner.test\r\nReply-To: ann@second.test\r\n", "ann@second.test", true},
        {"To: bob@partner.test, Ann <Ann@Second.TEST>\r\n", "ann@second.test", false},
        {"To: bob@partner.test\r\nCc: x@else.test\r\nCc: all: ann@second.test, y@else.test;\r\n", "ann@second.test",
         false},
        {"To: bob@partner.test\r\nCc: ann@second.test <\r\n", "ann@second.test", true},
        {"To: undisclosed-recipients:;\r\n", "ann@second.test", true},
        {"", "ann@second.test", true},
        {"To: ann@second.test\r\n", "ann@second.test", true}, /* bob is not there */
        {"To: bob@partner.test\r\n", "ben@same.test", false}, /* who has the same certificate */
    };
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    g_autofree char *policies = g_build_filename(rig->acme.folder, "policy.d", NULL);
    folder_write(policies, "second.test.conf", PINNED("second.test", "dca.pem"));
    folder_write(policies, "same.test.conf", PINNED("same.test", "other-dca.pem"));
    open_acme(rig, BOTH " naming = \"pinned\";", SPLIT);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strconcat("From: alice@acme.test\r\n", rows[i].fields, "\r\nThe secret\r\n", NULL);
        AUTO_SENT struct sent sent = go(rig, text, &(struct way){.to = {BOB, rows[i].other}, .login = "alice"});
        expect(&sent, 250, NULL);
        cr_expect_eq(sent.result->plan.needs_split, rows[i].splits, "row %zu: %s", i, sent.result->reply.reason);
    }
}

Test(split, one_refusal_refuses_all)
{
    owned(rig) struct rig *rig = open_rig("outbound = { protect = \"sign+encrypt\"; }; naming = \"domain\";", SPLIT);
    AUTO_SENT struct sent refused = seal(rig, MESSAGE);
    expect(&refused, 550, BOB ": partner.test.conf: outbound.no_certificate");
    cr_expect(edits_are_empty(&refused.result->made.edits));
}

Test(split, only_postfix_splits)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    static const char *const others[] = {"8.17.1.9", "postfix", "My Postfix"};
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        AUTO_SENT struct sent sent =
            go(rig, MESSAGE, &(struct way){.to = {BOB, DAVE}, .login = "alice", .mta = others[i]});
        expect(&sent, 451, "only Postfix can split");
        cr_expect_not_null(strstr(sent.result->reply.reason, others[i]), "%s", sent.result->reply.reason);
        cr_expect(edits_are_empty(&sent.result->made.edits));
    }
}

Test(split, a_box_has_to_fit)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT "\nmessage_size_limit = 4096;");
    g_autoptr(GString) text = g_string_new(MESSAGE);
    while (text->len < 3000)
        g_string_append(text, "another line\r\n");
    AUTO_SENT struct sent large = seal(rig, text->str);
    expect(&large, 552, "message_size_limit");
    cr_expect_str_eq(large.result->reply.status, "5.3.4");
    cr_expect(edits_are_empty(&large.result->made.edits));
    cr_expect_str_empty(large.result->made.sealed);
    AUTO_SENT struct sent alone = go(rig, text->str, &(struct way){.to = {DAVE}, .login = "alice"});
    expect(&alone, 250, NULL);

    AUTO_SENT struct sent small = seal(rig, MESSAGE);
    size_t body = strlen(strstr(small.bytes, "\r\n\r\n") + 4);
    struct limits *limits = (struct limits *)&gateway_conf(rig->acme.gateway)->limits;
    limits->message_size = message_header(small.message).len + body;
    AUTO_SENT struct sent fits = seal(rig, MESSAGE);
    expect(&fits, 250, NULL);
    limits->message_size--;
    AUTO_SENT struct sent exceeds = seal(rig, MESSAGE);
    expect(&exceeds, 552, "message_size_limit");
}

/* Most of this one is still in a buffer when the disk turns out full. */
Test(split, half_a_box_is_no_box)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed = seal(rig, MESSAGE);
    struct limits *limits = (struct limits *)&gateway_conf(rig->acme.gateway)->limits, usual = *limits;
    const struct passage_request request = {.envelope = sealed.envelope, .message = sealed.message, .at = time(NULL)};
    struct rlimit old, full = {.rlim_cur = 200};
    cr_assert(getrlimit(RLIMIT_FSIZE, &old) == 0);
    full.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    limits->memory = 100;
    cr_assert(setrlimit(RLIMIT_FSIZE, &full) == 0);
    owned(passage) struct passage *passage = gateway_pass(rig->acme.gateway, &request);
    cr_assert(setrlimit(RLIMIT_FSIZE, &old) == 0);
    *limits = usual;
    cr_expect_eq(passage->reply.code, 451, "%u %s", passage->reply.code, passage->reply.reason);
    cr_expect_not_null(strstr(passage->reply.reason, "spool_directory"), "%s", passage->reply.reason);
    cr_expect(edits_are_empty(&passage->made.edits));
    cr_expect_str_empty(passage->made.sealed);
}

Test(split, no_key_no_box)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    struct box_keys *keys = g_steal_pointer(&rig->acme.gateway->box_keys);
    AUTO_SENT struct sent sent = seal(rig, MESSAGE);
    rig->acme.gateway->box_keys = keys;
    expect(&sent, 451, "no key to seal it");
    cr_expect(edits_are_empty(&sent.result->made.edits));
}

Test(split, a_field_has_to_fit)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    g_autofree char *value = g_strnfill(EDIT_MAX, 'x');
    g_autofree char *text = g_strconcat("X-Large: ", value, "\r\n", MESSAGE, NULL);
    AUTO_SENT struct sent sent = seal(rig, text);
    expect(&sent, 552, "X-Large");
    cr_expect(edits_are_empty(&sent.result->made.edits));
    value[EDIT_MAX - strlen("X-Large")] = '\0';
    g_autofree char *largest = g_strconcat("X-Large:", value, "\r\n", MESSAGE, NULL);
    AUTO_SENT struct sent fits = seal(rig, largest);
    expect(&fits, 250, NULL);
    cr_expect_null(strstr(fits.bytes, "X-Large"), "also where it is the first field");
    g_autofree char *name = g_strnfill(81, 'N');
    g_autofree char *named = g_strconcat(name, ":", value, "\r\n", MESSAGE, NULL);
    AUTO_SENT struct sent long_name = seal(rig, named);
    name[80] = '\0';
    g_autofree char *says = g_strconcat("header field ", name, " is larger", NULL);
    expect(&long_name, 552, says);
}

/* --- the second pass --- */

static char *replaced(const char *text, const char *what, const char *with)
{
    GString *string = g_string_new(text);
    cr_assert_eq(g_string_replace(string, what, with, 1), 1, "%s", what);
    return g_string_free(string, FALSE);
}

Test(split, a_message_that_is_not_ours_is_refused)
{
    static const struct {
        const char *what, *with;
        unsigned code;
        const char *reason;
    } rows[] = {
        {"Domsec-Split: ", "X-Domsec-Split: ", 550, "has no field"},
        {"Subject: [...]\r\n", "Domsec-Split: v=1; key=0bd6dd115e9bbc62\r\n", 550, "several fields"},
        {"v=1; key=", "v=2; key=", 550, "cannot be read"},
        {"v=1; key=", "v=1; key=00", 550, "cannot be read"},
        {"Domsec-Split: v=1; key=0bd6", "Domsec-Split: v=1; key=0000", 550, "another key"},
        {"From: Alice <alice@acme.test>", "From: Alice <alice@other.test>", 550, "From is not that"},
        {"From: Alice <alice@acme.test>\r\n", "", 550, "From is not that"},
        {"From: Alice <alice@acme.test>", "From: Alice\r\nFrom: <alice@acme.test>", 550, "From is not that"},
        {"From: Alice <alice@acme.test>\r\n", "From: Alice\r\n <alice@acme.test>\r\n", 250, NULL},
        {"You cannot read it.", "You can read it.", 250, NULL},
        {"multipart/mixed", "multipart/alternative", 250, NULL},
        {"--domsec-split--\r\n", "--domsec-split--\r\nThis message is confidential.\r\n", 250, NULL},
        {"name=\"message.domsec\"", "name=\"other\"", 550, "not as it was sealed"},
        {"base64\r\n\r\n", "base64\r\n\r\nAAAA", 550, "no whole sealed message"},
        {"base64\r\n\r\n", "base64\r\n\r\n!", 550, "base64"},
        {"--domsec-split--", "--domsec-other--", 550, "not as it was sealed"},
    };
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed = seal(rig, MESSAGE);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct sent other = {.bytes = replaced(sealed.bytes, rows[i].what, rows[i].with)};
        AUTO_SENT struct sent dave = copy(rig, &other, DAVE);
        expect(&dave, rows[i].code, rows[i].reason);
        cr_expect(rows[i].code == 250 || edits_are_empty(&dave.result->made.edits), "row %zu", i);
        cr_expect_eq(dave.result->alarm, false);
        g_free(other.bytes);
    }
    g_autofree char *field =
        g_strndup(strstr(sealed.bytes, BOX_FIELD ": v=1; key="), strlen(BOX_FIELD ": v=1; key=") + 16);
    g_autofree char *little = g_strconcat(field, "\r\n\r\n", box_before, "!", box_after, NULL);
    AUTO_SENT struct sent none = go(rig, little, &(struct way){.to = {DAVE}, .daemon = "domsec-split"});
    expect(&none, 550, "base64");
}

/* All that was outside may have gone, but for the field and the box. */
Test(split, a_message_whose_header_is_gone)
{
    static const char text[] = "X-Odd: 1\r\n\r\nThe secret\r\n";
    owned(rig) struct rig *rig = open_rig("outbound = { protect = \"encrypt\"; };", SPLIT);
    AUTO_SENT struct sent sealed = go(rig, text, &(struct way){.to = {BOB, DAVE}, .login = "alice"});
    expect(&sealed, 250, "split");
    g_autofree char *field =
        g_strndup(strstr(sealed.bytes, BOX_FIELD ": v=1; key="), strlen(BOX_FIELD ": v=1; key=") + 16);
    g_autofree char *bare = g_strconcat(field, strstr(sealed.bytes, "\r\n\r\n"), NULL);
    AUTO_SENT struct sent dave = go(rig, bare, &(struct way){.to = {DAVE}, .daemon = "domsec-split"});
    expect(&dave, 250, NULL);
    cr_expect_str_eq(dave.bytes, text);
}

Test(split, no_octet_of_a_box_may_change)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed = seal(rig, MESSAGE);
    char *box = strstr(sealed.bytes, "base64\r\n\r\n") + strlen("base64\r\n\r\n");
    size_t length = (size_t)(strstr(box, "--domsec-split--") - box);
    for (size_t i = 0; i < length; i += i < 60 ? 1 : 37) {
        char was = box[i];
        if (!g_ascii_isalnum(was))
            continue;
        box[i] = was == 'Q' ? 'R' : 'Q';
        AUTO_SENT struct sent dave = copy(rig, &sealed, DAVE);
        unsigned code = dave.result->reply.code;
        cr_expect(code == 550 || code == 451, "%zu: %u", i, code);
        cr_expect_null(strstr(dave.bytes, "secret"));
        box[i] = was;
    }
    char *cut = box + length / 2 / 78 * 78; /* whole lines are missing */
    memmove(box + 78, cut, strlen(cut) + 1);
    AUTO_SENT struct sent dave = copy(rig, &sealed, DAVE);
    expect(&dave, 550, NULL);
}

Test(split, a_box_does_not_live_for_ever)
{
    owned(rig) struct rig *rig =
        open_rig(BOTH, "split = { keys = ( \"file:split.key\" ); proven = true; max_age = 2; };");
    time_t now = time(NULL);
    AUTO_SENT struct sent sealed = go(rig, MESSAGE, &(struct way){.to = {BOB, DAVE}, .login = "alice", .at = now});
    g_autofree char *text = on_the_way(&sealed);
    const struct way young = {.to = {DAVE}, .daemon = "domsec-split", .at = now + 2 * 86400};
    const struct way old = {.to = {DAVE}, .daemon = "domsec-split", .at = now + 2 * 86400 + 1};
    AUTO_SENT struct sent first = go(rig, text, &young), second = go(rig, text, &old);
    expect(&first, 250, NULL);
    expect(&second, 550, "2 days ago");
}

Test(split, a_box_is_opened_for_its_recipients_only)
{
    static const struct {
        const char *to, *orcpt;
        unsigned code;
        bool encrypts, alarm;
        const char *reason;
    } rows[] = {
        {BOB, NULL, 250, true, false, NULL},
        {"BOB@Partner.TEST", NULL, 250, true, false, NULL},
        {"eve@evil.test", NULL, 451, false, true, "the sealed message TEST is not for eve@evil.test"},
        {"ben@partner.test", NULL, 451, false, true, "is not for ben@partner.test"},
        {"ben@partner.test", "ORCPT=rfc822;eve@evil.test", 451, false, true, "is not for"},
        {"ben@partner.test", "ORCPT=rfc822;carol@acme.test", 250, true, false, NULL},
        {"ben@partner.test", "NOTIFY=NEVER|ORCPT=rfc822;carol+40acme.test", 250, true, false, NULL},
        {"ben@partner.test", "ORCPT=rfc822;carol@acme+2Etest", 250, true, false, NULL},
        {"ben@partner.test", "ORCPT=utf-8;carol@acme\\x{2E}test", 250, true, false, NULL},
        {"ben@partner.test", "ORCPT=utf-8;carol@acme-x{2E}test", 451, false, true, "is not for"},
        {"ben@partner.test", "ORCPT=utf-8;carol@acme-y{2E}test", 451, false, true, "is not for"},
        {"ben@partner.test", "ORCPT=utf-8;carol@acme\\y{2E}test", 451, false, true, "is not for"},
        {"ben@partner.test", "ORCPT=utf-8;carol@acme\\xZ2E}test", 451, false, true, "is not for"},
        {"ben@partner.test", "ORCPT=utf-8;carol@acme\\x{2Ettest", 451, false, true, "is not for"},
        {"ben@partner.test", "ORCPT=utf-8;carol@acme.test\\x{D800}", 250, true, false, NULL}, /* no character */
        {"ben@partner.test", "NOTIFY=NEVER", 451, false, true, "is not for"},
        /* the message was encrypted for bob, so an alias of whomever gets no plaintext */
        {"eve@evil.test", "ORCPT=rfc822;carol@acme.test", 451, false, false, "no certificate for eve@evil.test"},
        /* an address outside that the mail server rewrites was decided as it was */
        {"eve@evil.test", "ORCPT=rfc822;" DAVE, 250, false, false, "outbound.protect = \"none\""},
        {"eve@evil.test", "ORCPT=rfc822;" BOB, 451, false, false, "no certificate for eve@evil.test"},
        {"ann@acme.test", NULL, 250, false, false, "our own domains"},
        {"ann@acme.test", "ORCPT=rfc822;carol@acme.test", 250, false, false, "our own domains"},
        {"archive@vault.test", NULL, 250, false, false, "outbound.protect = \"none\""},
    };
    owned(rig) struct rig *rig = open_rig(
        BOTH, "split = { keys = ( \"file:split.key\" ); proven = true; copies = ( \"archive@vault.test\" ); };");
    AUTO_SENT struct sent sealed = seal(rig, MESSAGE);
    g_autofree char *text = on_the_way(&sealed);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        AUTO_SENT struct sent sent =
            go(rig, text, &(struct way){.to = {rows[i].to}, .orcpt = rows[i].orcpt, .daemon = "domsec-split"});
        expect(&sent, rows[i].code, rows[i].reason);
        cr_expect_eq(sent.result->made.treatment.encrypt, rows[i].encrypts, "row %zu", i);
        cr_expect_eq(sent.result->alarm, rows[i].alarm, "row %zu", i);
        cr_expect(!rows[i].alarm || sent.result->reply.kind == REPLY_CONFIGURATION, "row %zu", i);
    }
    owned(envelope) struct envelope *question = rig_envelope(&(struct rig_envelope){.from = ME, .to = BOB});
    question->daemon_name = g_strdup("domsec-split");
    owned(passage) struct passage *answer = rig_explain(rig->acme.gateway, question, ME);
    cr_expect_eq(answer->reply.code, 550);
    cr_expect_not_null(strstr(answer->reply.reason, "takes sealed messages only"));
    AUTO_SENT struct sent two = go(rig, text, &(struct way){.to = {BOB, DAVE}, .daemon = "domsec-split"});
    expect(&two, 451, "2 recipients at once");
    cr_expect_eq(two.result->reply.kind, REPLY_CONFIGURATION);
}

Test(split, other_ways_of_one_recipient)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed = seal(rig, MESSAGE);
    g_autofree char *text = on_the_way(&sealed);
    /* one that the mail server delivers to us, whatever rule counts for it as well */
    AUTO_SENT struct sent arrives =
        go(rig, text, &(struct way){.to = {"ben@partner.test"}, .resolved = CAROL, .daemon = "domsec-split"});
    expect(&arrives, 550, "delivered to " CAROL ": partner.test.conf: outbound.no_certificate");
    cr_expect_not(arrives.result->alarm);
    AUTO_SENT struct sent broken =
        go(rig, text, &(struct way){.to = {BOB}, .argument = "<" BOB, .daemon = "domsec-split"});
    expect(&broken, 550, "without \">\"");
    cr_expect(edits_are_empty(&broken.result->made.edits));
}

/* Whichever recipient comes first. */
Test(split, an_alias_gets_the_strongest_encryption)
{
    static const char *const to[] = {"x@weak.test", BOB, "y@weak.test"};
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    g_autofree char *policies = g_build_filename(rig->acme.folder, "policy.d", NULL);
#define THEIRS "certificates = ( \"other-dca.pem\" );\nnaming = \"pinned\";\n"
    folder_write(policies, "weak.test.conf",
                 "domain = \"weak.test\";\noutbound = { protect = \"encrypt\"; };\ncipher = \"aes-128-cbc\";\n" THEIRS);
    folder_write(policies, "none.test.conf", "domain = \"none.test\";\ncipher = \"aes-128-cbc\";\n" THEIRS);
    open_acme(rig, BOTH, SPLIT);
    for (size_t i = 0; i + 1 < G_N_ELEMENTS(to); i++) {
        AUTO_SENT struct sent sealed =
            go(rig, MESSAGE, &(struct way){.to = {to[i], to[i + 1], CAROL}, .login = "alice"});
        g_autofree char *text = on_the_way(&sealed);
        AUTO_SENT struct sent sent = go(
            rig, text, &(struct way){.to = {"z@none.test"}, .orcpt = "ORCPT=rfc822;" CAROL, .daemon = "domsec-split"});
        expect(&sent, 250, NULL);
        cr_expect(sent.result->made.treatment.encrypt && !sent.result->made.treatment.sign);
        cr_expect_eq(sent.result->plan.wrapping.form.cipher, CIPHER_AES_256_GCM, "row %zu", i);
    }
}

/* What was found is kept for the recipient for whom it was found. An alias gets what a rule demands, or it would wait
 * for a certificate that its own rule does without. */
Test(split, opportunistic_encryption)
{
    static const struct {
        const char *protect;
        bool all_encrypted;
    } rows[] = {{"opportunistic", false}, {"sign+encrypt", true}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *policy = g_strdup_printf("outbound = { protect = \"%s\"; };", rows[i].protect);
        owned(rig) struct rig *rig = open_rig(policy, SPLIT);
        AUTO_SENT struct sent sealed = seal(rig, MESSAGE);
        g_autofree char *text = on_the_way(&sealed);
        const struct way alias = {.to = {"z@none.test"}, .orcpt = "ORCPT=rfc822;" CAROL, .daemon = "domsec-split"};
        AUTO_SENT struct sent led = go(rig, text, &alias);
        if (rows[i].all_encrypted)
            expect(&led, 451, "no certificate for z@none.test");
        else
            expect(&led, 250, NULL);
        AUTO_SENT struct sent bob = copy(rig, &sealed, BOB);
        expect(&bob, 250, NULL);
        cr_expect(bob.result->made.treatment.encrypt && bob.result->made.treatment.sign);
        /* the certificate has gone since */
        open_acme(rig, "outbound = { protect = \"opportunistic\"; }; certificates = ( );", SPLIT);
        AUTO_SENT struct sent waits = copy(rig, &sealed, BOB);
        expect(&waits, 451, "no certificate for bob@partner.test");
    }
}

/* A sender may give an original recipient of its own (RFC 3461 §4.2). */
Test(split, an_original_recipient_of_the_sender_is_known)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed =
        go(rig, MESSAGE,
           &(struct way){.to = {BOB, DAVE}, .orcpt = "NOTIFY=FAILURE|ORCPT=rfc822;list@else.test", .login = "alice"});
    g_autofree char *text = on_the_way(&sealed);
    AUTO_SENT struct sent ben =
        go(rig, text,
           &(struct way){.to = {"ben@partner.test"}, .orcpt = "ORCPT=rfc822;list@else.test", .daemon = "domsec-split"});
    expect(&ben, 250, NULL);
    cr_expect(ben.result->made.treatment.encrypt);
}

/* Its spelling does not matter, and another one is not taken for it. */
Test(split, an_original_recipient_is_compared_as_an_address)
{
    static const struct {
        const char *orcpt;
        unsigned code;
    } rows[] = {{"ORCPT=rfc822;list+40else.test", 250},
                {"ORCPT=rfc822;other@else.test", 451},
                {"ORCPT=x400;/PN=list/", 451},
                {"ORCPT=rfc822;dave+4x@acme.test", 250}, /* these are no codes of characters */
                {"ORCPT=rfc822;dave+x4@acme.test", 250}};
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed = go(rig, MESSAGE,
                                      &(struct way){.to = {BOB, DAVE, "dave+4x@acme.test", "dave+x4@acme.test"},
                                                    .orcpt = "ORCPT=rfc822;list@else.test",
                                                    .login = "alice"});
    g_autofree char *text = on_the_way(&sealed);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        AUTO_SENT struct sent ben =
            go(rig, text, &(struct way){.to = {"ben@partner.test"}, .orcpt = rows[i].orcpt, .daemon = "domsec-split"});
        expect(&ben, rows[i].code, rows[i].code == 451 ? "is not for ben@partner.test" : NULL);
    }
}

/* One that the mail server delivers elsewhere comes back by either address, and by no third one. */
Test(split, a_recipient_that_is_read_as_another)
{
    static const struct {
        const char *to;
        unsigned code;
    } rows[] = {{"team@plain.test", 250}, {DAVE, 250}, {"eve@plain.test", 451}};
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed =
        go(rig, MESSAGE, &(struct way){.to = {"team@plain.test", BOB}, .login = "alice", .resolved = DAVE});
    g_autofree char *text = on_the_way(&sealed);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        AUTO_SENT struct sent sent = go(rig, text, &(struct way){.to = {rows[i].to}, .daemon = "domsec-split"});
        expect(&sent, rows[i].code, rows[i].code == 451 ? "is not for eve@plain.test" : NULL);
    }
}

/* Of two that lead to it, one is ours, so it may be an alias of ours. */
Test(split, an_alias_of_ours_counts_beside_another)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed =
        go(rig, MESSAGE, &(struct way){.to = {CAROL, DAVE, BOB}, .orcpt = "ORCPT=rfc822;" DAVE, .login = "alice"});
    g_autofree char *text = on_the_way(&sealed);
    AUTO_SENT struct sent eve =
        go(rig, text, &(struct way){.to = {"eve@evil.test"}, .orcpt = "ORCPT=rfc822;" DAVE, .daemon = "domsec-split"});
    expect(&eve, 451, "no certificate for eve@evil.test");
}

/* The client's words come from the box, those of the mail server from the second pass. */
Test(split, the_envelope_of_a_copy)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed = go(rig, MESSAGE, &(struct way){.to = {BOB, DAVE}, .login = "alice"});
    g_autofree char *text = on_the_way(&sealed);
    AUTO_SENT struct sent bob = go(rig, text,
                                   &(struct way){.to = {BOB},
                                                 .orcpt = "NOTIFY=NEVER|ORCPT=rfc822;" BOB,
                                                 .client = "127.0.0.1",
                                                 .mta = "Postfix 9",
                                                 .daemon = "domsec-split",
                                                 .resolved = BOB});
    expect(&bob, 250, NULL);
    const struct envelope *envelope = bob.result->mail.envelope;
    const struct recipient *recipient = &envelope->recipients[0];
    cr_assert_eq(envelope->recipient_count, 1);
    cr_expect_str_eq(envelope->sender.text, ME);
    cr_expect_str_eq(envelope->queue_id, "TEST");
    cr_expect_str_eq(envelope->authenticated, "alice");
    cr_expect_str_eq(envelope->client_address, "203.0.113.9");
    cr_expect_str_eq(envelope->mta, "Postfix 9");
    cr_expect_str_eq(envelope->daemon_name, "domsec-split");
    cr_expect_str_eq(envelope->sender_parameters[0], "ENVID=first");
    cr_expect(envelope->eight_bit);
    cr_expect_str_eq(recipient->argument, "<" BOB ">");
    cr_expect_str_eq(recipient->parameters[0], "NOTIFY=NEVER");
    cr_expect_str_eq(recipient->mta_address, BOB);
}

/* One that is decoded in several pieces. */
Test(split, a_large_message_comes_back)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    g_autoptr(GString) text = g_string_new(MESSAGE);
    for (unsigned i = 0; text->len < 600000; i++)
        g_string_append_printf(text, "line %u of many\r\n", i);
    AUTO_SENT struct sent sealed = seal(rig, text->str);
    AUTO_SENT struct sent dave = copy(rig, &sealed, DAVE);
    expect(&dave, 250, NULL);
    cr_expect_str_eq(strstr(dave.bytes, "\r\n\r\n"), strstr(text->str, "\r\n\r\n"));
}

/* A list of another system hands in several recipients with one original (RFC 3461 §5.2.7): whichever led to the
 * target, it gets what was planned for any of them. */
Test(split, recipients_may_share_an_original)
{
    static const struct {
        const char *to[3];
        bool encrypts;
    } rows[] = {
        {{DAVE, CAROL, BOB}, true},
        {{BOB, DAVE, CAROL}, true},
        {{DAVE, BOB, NULL}, true},
        {{DAVE, CAROL, NULL}, false},
    };
    owned(rig) struct rig *rig =
        open_rig(BOTH, "split = { keys = ( \"file:split.key\" ); proven = true; aliases = true; };");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct way way = {.login = "alice", .orcpt = "ORCPT=rfc822;all@list.test", .all_orcpt = true};
        memcpy(way.to, rows[i].to, sizeof(rows[i].to));
        AUTO_SENT struct sent sealed = go(rig, MESSAGE, &way);
        g_autofree char *text = on_the_way(&sealed);
        AUTO_SENT struct sent ben = go(
            rig, text,
            &(struct way){.to = {"ben@partner.test"}, .orcpt = "ORCPT=rfc822;all@list.test", .daemon = "domsec-split"});
        expect(&ben, 250, NULL);
        cr_expect(ben.result->made.treatment.encrypt, "row %zu", i); /* by its own rule at least */
        AUTO_SENT struct sent eve =
            go(rig, text,
               &(struct way){.to = {"eve@evil.test"}, .orcpt = "ORCPT=rfc822;all@list.test", .daemon = "domsec-split"});
        expect(&eve, rows[i].encrypts ? 451 : 250, NULL);
    }
}

/* "<team>" is one of ours, which the mail server completes. */
Test(split, an_alias_without_a_domain_is_ours)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed = go(rig, MESSAGE, &(struct way){.to = {"team", BOB}, .login = "alice"});
    g_autofree char *text = on_the_way(&sealed);
    AUTO_SENT struct sent eve =
        go(rig, text, &(struct way){.to = {"eve@evil.test"}, .orcpt = "ORCPT=rfc822;team", .daemon = "domsec-split"});
    expect(&eve, 451, "no certificate for eve@evil.test");
}

/* An original recipient need not be a mail address (RFC 3461 §4.2). */
Test(split, an_original_of_another_type_is_compared_as_it_is)
{
    static const char original[] = "ORCPT=x400;/PN=John+20Smith/O=acme/";
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed =
        go(rig, MESSAGE, &(struct way){.to = {CAROL, BOB}, .orcpt = original, .login = "alice"});
    g_autofree char *text = on_the_way(&sealed);
    AUTO_SENT struct sent ben =
        go(rig, text, &(struct way){.to = {"ben@partner.test"}, .orcpt = original, .daemon = "domsec-split"});
    expect(&ben, 250, NULL);
    AUTO_SENT struct sent other = go(
        rig, text,
        &(struct way){.to = {"ben@partner.test"}, .orcpt = "ORCPT=x400;carol+40acme.test", .daemon = "domsec-split"});
    expect(&other, 451, "is not for");
}

/* The target of an alias gets no Subject in clear that the others do not. */
Test(split, an_alias_hides_what_the_others_hide)
{
#define HIDING "outbound = { protect = \"sign+encrypt\"; header_protection = \"baseline\"; };"
    owned(rig) struct rig *rig = open_rig(HIDING, SPLIT);
    g_autofree char *policies = g_build_filename(rig->acme.folder, "policy.d", NULL);
    folder_write(policies, "open.test.conf",
                 "domain = \"open.test\";\noutbound = { protect = \"encrypt\"; };\n" THEIRS);
    open_acme(rig, HIDING, SPLIT);
    AUTO_SENT struct sent sealed = seal(rig, MESSAGE);
    g_autofree char *text = on_the_way(&sealed);
    AUTO_SENT struct sent sent =
        go(rig, text, &(struct way){.to = {"z@open.test"}, .orcpt = "ORCPT=rfc822;" CAROL, .daemon = "domsec-split"});
    expect(&sent, 250, NULL);
    cr_expect_null(strstr(sent.bytes, "nomination"), "%s", sent.bytes);
}

Test(split, what_was_planned_holds)
{
    static const struct {
        const char *policy; /* in force when the copy comes back */
        unsigned code;
        const char *reason;
    } rows[] = {
        {"outbound = { protect = \"none\"; };", 250, NULL},
        {"outbound = { protect = \"sign\"; }; cipher = \"aes-128-cbc\"; key_transport = \"rsa-pkcs1\";", 250, NULL},
        {"outbound = { protect = \"triple\"; };", 250, NULL},
        {BOTH " naming = \"domain\";", 451, "no_certificate"},
        {"outbound = { protect = \"encrypt\"; no_certificate = \"plain\"; }; naming = \"domain\";", 451,
         "no certificate for"},
        {"outbound = { protect = \"none\"; }; naming = \"domain\";", 451, "no certificate for"},
    };
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed = seal(rig, MESSAGE);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        open_acme(rig, rows[i].policy, SPLIT);
        AUTO_SENT struct sent bob = copy(rig, &sealed, BOB);
        expect(&bob, rows[i].code, rows[i].reason);
        const struct treatment *made = &bob.result->made.treatment;
        cr_expect_eq(rows[i].code == 250, made->sign && made->encrypt, "row %zu", i);
        cr_expect_null(strstr(bob.bytes, "secret"), "row %zu", i);
        if (rows[i].code == 250)
            cr_expect_eq(bob.result->plan.wrapping.form.cipher, CIPHER_AES_256_GCM, "row %zu", i);
    }
}

/* So it does for a form that is made at once, without a box. */
Test(split, what_was_planned_holds_for_a_form)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed = seal(rig, MESSAGE);
    open_acme(rig, BOTH " naming = \"domain\";", SPLIT);
    const struct passage_request request = {.envelope = sealed.envelope, .message = sealed.message, .at = time(NULL)};
    owned(passage) struct passage *bob = gateway_pass_form(rig->acme.gateway, &request, sealed.result, 0);
    cr_expect_eq(bob->reply.code, 451, "%u %s", bob->reply.code, bob->reply.reason);
    cr_expect_not_null(strstr(bob->reply.reason, "no_certificate"), "%s", bob->reply.reason);
}

/* A form is made of the message itself, of which nothing came back. */
Test(split, a_form_is_made_without_a_box)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed = seal(rig, MESSAGE);
    const struct passage_request request = {.envelope = sealed.envelope, .message = sealed.message, .at = time(NULL)};
    owned(passage) struct passage *bob = gateway_pass_form(rig->acme.gateway, &request, sealed.result, 0);
    cr_expect_eq(bob->reply.code, 250, "%u %s", bob->reply.code, bob->reply.reason);
    cr_expect(bob->made.treatment.sign && bob->made.treatment.encrypt);
    owned(rope) struct rope *bytes = edits_apply(&bob->made.edits, sealed.message);
    g_autofree char *text = rope_flatten(bytes, NULL);
    AUTO_SENT struct sent read = rig_inbound(rig, text, strlen(text));
    expect(&read, 250, NULL);
    cr_expect_not_null(strstr(read.bytes, "The secret\r\n"));
    /* the sender is no address any more */
    g_strlcpy(sealed.envelope->sender.text, "<", 2);
    owned(passage) struct passage *bad = gateway_pass_form(rig->acme.gateway, &request, sealed.result, 0);
    cr_expect_neq(bad->reply.code, 250, "%s", bad->reply.reason);
    cr_expect(edits_are_empty(&bad->made.edits));
}

/* Nothing comes out of the box then. */
Test(split, a_copy_that_cannot_be_signed)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed = seal(rig, MESSAGE);
    scripted_keys_lose(&rig->acme.gateway->keys, gateway_conf(rig->acme.gateway));
    AUTO_SENT struct sent bob = copy(rig, &sealed, BOB);
    expect(&bob, 451, NULL);
    cr_expect(edits_are_empty(&bob.result->made.edits));
    cr_expect_null(strstr(bob.bytes, "secret"));
}

/* What is held is held as the client sent it, not in its box. */
Test(split, a_copy_that_is_held)
{
    owned(rig) struct rig *rig = open_rig("inbound = { require = \"sign\"; otherwise = \"quarantine\"; };", SPLIT);
    g_autofree char *text = rig_encrypt(&rig->acme, "From: bob@partner.test\r\nTo: carol@acme.test\r\n",
                                        "Content-Type: text/plain\r\n", "The secret\r\n");
    AUTO_SENT struct sent sealed = go(rig, text, &(struct way){.to = {CAROL, DAVE}});
    cr_assert(sealed.result->plan.needs_split, "%s", sealed.result->reply.reason);
    AUTO_SENT struct sent carol = copy(rig, &sealed, CAROL);
    cr_expect_eq(carol.result->reply.verdict, VERDICT_QUARANTINE, "%s", carol.result->reply.reason);
    cr_expect_not_null(strstr(carol.bytes, "The secret\r\n"), "%s", carol.bytes);
}

struct hooks {
    unsigned entered, left, lacks; /* at which entry memory is short */
};

static void enter(void *context)
{
    struct hooks *hooks = context;
    cr_expect_eq(hooks->entered, hooks->left);
    if (++hooks->entered == hooks->lacks) {
        cr_expect_null(OPENSSL_malloc(SIZE_MAX / 2));
        ERR_clear_error();
    }
}

static void leave(void *context)
{
    struct hooks *hooks = context;
    hooks->left++;
    cr_expect_eq(hooks->entered, hooks->left);
}

/* What a box holds, and whether it is one, is looked at within a turn; without memory, nothing that is found is
 * certain.
 */
Test(split, without_memory_the_copy_waits)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    cr_skip_test("sanitizers end a program that asks for so much");
#endif
    static const struct {
        const char *daemon;
        unsigned lacks, code;
    } rows[] = {{"domsec-split", 0, 250}, {"domsec-split", 1, 452}, {NULL, 0, 451}, {NULL, 1, 452}};
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed = seal(rig, MESSAGE);
    g_autofree char *text = on_the_way(&sealed);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        AUTO_SENT struct sent came = {.message = rig_message(&rig->acme, text, strlen(text))};
        came.envelope = rig_envelope(&(struct rig_envelope){ME, BOB, NULL, NULL, "192.0.2.1"});
        came.envelope->mta = g_strdup("Postfix 3.7.11");
        came.envelope->daemon_name = g_strdup(rows[i].daemon);
        struct hooks hooks = {.lacks = rows[i].lacks};
        const struct turns turns = {.enter = enter, .leave = leave, .context = &hooks};
        const struct passage_request request = {
            .envelope = came.envelope, .message = came.message, .at = time(NULL), .turns = &turns};
        came.result = gateway_pass(rig->acme.gateway, &request);
        cr_expect_eq(came.result->reply.code, rows[i].code, "row %zu: %u %s", i, came.result->reply.code,
                     came.result->reply.reason);
        cr_expect_eq(edits_are_empty(&came.result->made.edits), rows[i].code != 250, "row %zu", i);
        cr_expect(hooks.entered > 0 && hooks.entered == hooks.left, "row %zu", i);
    }
}

Test(split, what_has_expired_is_waited_for)
{
    owned(rig) struct rig *rig =
        open_rig(BOTH, "split = { keys = ( \"file:split.key\" ); proven = true; max_age = 3650; };");
    AUTO_SENT struct sent sealed = seal(rig, MESSAGE);
    g_autofree char *text = on_the_way(&sealed);
    const time_t later = time(NULL) + (time_t)400 * 86400;
    AUTO_SENT struct sent bob = go(rig, text, &(struct way){.to = {BOB}, .daemon = "domsec-split", .at = later});
    AUTO_SENT struct sent dave = go(rig, text, &(struct way){.to = {DAVE}, .daemon = "domsec-split", .at = later});
    expect(&bob, 451, NULL);
    cr_expect(edits_are_empty(&bob.result->made.edits));
    expect(&dave, 250, NULL);
}

/* With another line in domsec.conf. */
static void reload(struct rig *rig, const char *what, const char *with)
{
    g_autofree char *file = g_build_filename(rig->acme.folder, "domsec.conf", NULL), *text = NULL;
    cr_assert(g_file_get_contents(file, &text, NULL, NULL));
    g_autofree char *changed = replaced(text, what, with);
    cr_assert(g_file_set_contents(file, changed, -1, NULL));
    owned(faults) struct faults *faults = faults_new();
    owned(conf) struct conf *conf = conf_load(file, faults);
    cr_assert_not_null(conf, "%s", faults_count(faults) > 0 ? faults_at(faults, 0) : "");
    gateway_unref(rig->acme.gateway);
    rig->acme.gateway = gateway_open(conf, faults);
}

/* The client counts as it did when it sent the message. */
Test(split, a_client_stays_who_it_was)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed = go(rig, MESSAGE, &(struct way){.to = {BOB, DAVE}, .client = "192.0.2.1"});
    expect(&sealed, 250, NULL);
    reload(rig, "trusted_networks = ( \"192.0.2.0/24\"", "trusted_networks = ( \"192.0.2.2\"");
    AUTO_SENT struct sent bob = copy(rig, &sealed, BOB);
    expect(&bob, 250, NULL);
    cr_expect_str_eq(bob.result->mail.client.reason, "client 192.0.2.1 is in trusted_networks");
    AUTO_SENT struct sent late = go(rig, MESSAGE, &(struct way){.to = {BOB}, .client = "192.0.2.1"});
    expect(&late, 550, "neither authenticated nor");
}

Test(split, a_recipient_that_became_ours_is_not_weaker)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed = seal(rig, MESSAGE);
    reload(rig, "local_domains = ( \"acme.test\"", "local_domains = ( \"acme.test\", \"partner.test\"");
    AUTO_SENT struct sent bob = copy(rig, &sealed, BOB);
    expect(&bob, 451, "protection was planned");
}

Test(split, keys_roll_over)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed = seal(rig, MESSAGE);
    open_acme(rig, BOTH, "split = { keys = ( \"file:new.key\" ); proven = true; };");
    AUTO_SENT struct sent without = copy(rig, &sealed, DAVE);
    expect(&without, 451, "split.keys has no key");
    open_acme(rig, BOTH, "split = { keys = ( \"file:new.key\", \"file:split.key\" ); proven = true; };");
    AUTO_SENT struct sent with = copy(rig, &sealed, DAVE), next = seal(rig, MESSAGE);
    expect(&with, 250, NULL);
    cr_expect_str_neq(next.result->made.sealed, sealed.result->made.sealed);
    AUTO_SENT struct sent of_next = copy(rig, &next, DAVE);
    expect(&of_next, 250, NULL);
}

/* Elsewhere the field is nothing but a forgery, also where nothing else changes. */
Test(split, the_field_comes_off_elsewhere)
{
    static const char forged[] = "From: eve@evil.test\r\nDomsec-Split: v=1; key=0bd6dd115e9bbc62\r\nSubject: "
                                 "x\r\ndomsec-split:\r\n v=1\r\n\r\nx\r\n";
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent in = go(rig, forged, &(struct way){.to = {CAROL}});
    AUTO_SENT struct sent out = go(rig, forged, &(struct way){.to = {DAVE}, .login = "alice"});
    AUTO_SENT struct sent of_ours =
        go(rig, forged, &(struct way){.to = {DAVE}, .client = "192.0.2.1", .login = "alice"});
    expect(&of_ours, 250, NULL);
    expect(&in, 250, NULL);
    expect(&out, 250, NULL);
    cr_expect_null(strcasestr(in.bytes, BOX_FIELD), "%s", in.bytes);
    cr_expect_null(strcasestr(out.bytes, BOX_FIELD), "%s", out.bytes);
    open_acme(rig, BOTH, "");
    /* also where nothing is split: what is left of the lines in main.cf would act on it */
    AUTO_SENT struct sent plain = go(rig, forged, &(struct way){.to = {DAVE}, .login = "alice"});
    cr_expect_str_eq(plain.bytes, "From: eve@evil.test\r\nSubject: x\r\n\r\nx\r\n");
}

/* Otherwise a box would leave, signed and encrypted like other mail. */
Test(split, a_listener_without_its_name_is_noticed)
{
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    AUTO_SENT struct sent sealed = seal(rig, MESSAGE);
    g_autofree char *text = on_the_way(&sealed);
    g_autofree char *forged = replaced(text, "key=0bd6", "key=0000"), *changed = replaced(text, "RE9N", "RE9O");
    g_autofree char *unreadable = replaced(text, "v=1; key=", "v=2; key=");
    AUTO_SENT struct sent later =
        go(rig, unreadable, &(struct way){.to = {CAROL}, .client = "192.0.2.1", .daemon = "mail"});
    expect(&later, 250, NULL); /* nothing that main.cf would send by that listener */
    AUTO_SENT struct sent ours = go(rig, text, &(struct way){.to = {BOB}, .client = "192.0.2.1", .daemon = "mail"});
    expect(&ours, 451, "milter_macro_daemon_name");
    reload(rig, "trusted_networks = ( \"192.0.2.0/24\"", "trusted_networks = ( \"192.0.2.1\"");
    static const char *const loopback[] = {"127.0.0.1", "::1"};
    for (size_t i = 0; i < G_N_ELEMENTS(loopback); i++) {
        AUTO_SENT struct sent local =
            go(rig, text, &(struct way){.to = {CAROL}, .client = loopback[i], .daemon = "mail"});
        expect(&local, 451, "milter_macro_daemon_name");
    }
    AUTO_SENT struct sent sent_back = go(rig, text, &(struct way){.to = {CAROL}, .daemon = "mail"});
    AUTO_SENT struct sent unknown = go(rig, text, &(struct way){.to = {CAROL}, .client = "", .daemon = "mail"});
    expect(&unknown, 250, NULL);
    AUTO_SENT struct sent other =
        go(rig, changed, &(struct way){.to = {CAROL}, .client = "192.0.2.1", .daemon = "mail"});
    AUTO_SENT struct sent another =
        go(rig, forged, &(struct way){.to = {CAROL}, .client = "192.0.2.1", .daemon = "mail"});
    expect(&sent_back, 250, NULL);
    expect(&other, 250, NULL);
    expect(&another, 451, NULL);
    cr_expect_null(strstr(sent_back.bytes, BOX_FIELD));
    cr_expect_null(strstr(other.bytes, BOX_FIELD));
    open_acme(rig, BOTH, ""); /* without keys */
    AUTO_SENT struct sent shut = copy(rig, &sealed, BOB);
    expect(&shut, 451, "split.keys has no key");
}

static void count(void *context)
{
    ++*(unsigned *)context;
}

static void nothing(void *context)
{
    (void)context;
}

/* A look at its header is enough, so it has no more turns than others. */
Test(split, a_message_without_the_field_is_not_opened)
{
    static const char text[] = "From: eve@evil.test\r\n\r\nx\r\n";
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    unsigned of_ours = 0, of_others = 0, with_field = 0;
    const struct turns turns = {.enter = count, .leave = nothing, .context = &of_ours};
    const struct turns others = {.enter = count, .leave = nothing, .context = &of_others};
    const struct turns third = {.enter = count, .leave = nothing, .context = &with_field};
    g_autofree char *forged = g_strconcat(BOX_FIELD ": v=1\r\n", text, NULL);
    AUTO_SENT struct sent one = go(rig, text, &(struct way){.to = {CAROL}, .client = "127.0.0.1", .turns = &turns});
    AUTO_SENT struct sent other = go(rig, text, &(struct way){.to = {CAROL}, .turns = &others});
    AUTO_SENT struct sent field = go(rig, forged, &(struct way){.to = {CAROL}, .client = "127.0.0.1", .turns = &third});
    cr_expect_eq(of_ours, of_others, "%u, %u", of_ours, of_others);
    cr_expect_eq(with_field, of_others + 1);
}

/* A tag is for us alone. */
Test(split, a_tag_comes_off_each_copy)
{
    static const char tagged[] = "From: alice@acme.test\r\nTo: bob@partner.test\r\nCc: carol@acme.test\r\nSubject: "
                                 "[secret] plans\r\n\r\nThe secret\r\n";
    owned(rig) struct rig *rig =
        open_rig("outbound = { protect = \"none\"; };\nrules = ( { when = { subject = \"[secret]\"; }; protect = "
                 "\"encrypt\"; } );",
                 SPLIT);
    AUTO_SENT struct sent sealed = seal(rig, tagged);
    cr_expect(sealed.result->plan.needs_split);
    static const char *const to[] = {BOB, DAVE, CAROL};
    for (size_t i = 0; i < G_N_ELEMENTS(to); i++) {
        AUTO_SENT struct sent one = copy(rig, &sealed, to[i]);
        expect(&one, 250, NULL);
        cr_expect_eq(one.result->made.treatment.encrypt, i == 0);
        cr_expect_not_null(strstr(one.bytes, "Subject: plans\r\n"), "%s: %s", to[i], one.bytes);
    }
    AUTO_SENT struct sent alone = go(rig, tagged, &(struct way){.to = {CAROL}, .login = "alice"});
    cr_expect_not_null(strstr(alone.bytes, "Subject: [secret] plans\r\n"));
}

/* A copy that stays with us keeps it, as it would without a split. */
Test(split, a_tag_stays_on_a_copy_that_does_not_leave)
{
    static const char tagged[] = "From: alice@acme.test\r\nSubject: [secret] plans\r\n\r\nThe secret\r\n";
    owned(rig) struct rig *rig =
        open_rig("outbound = { protect = \"none\"; };\nrules = ( { when = { subject = \"[secret]\"; }; } );",
                 "split = { keys = ( \"file:split.key\" ); proven = true; aliases = true; };");
    AUTO_SENT struct sent sealed = go(rig, tagged, &(struct way){.to = {CAROL}, .login = "alice"});
    cr_expect(sealed.result->plan.needs_split);
    AUTO_SENT struct sent carol = copy(rig, &sealed, CAROL);
    expect(&carol, 250, NULL);
    cr_expect_not_null(strstr(carol.bytes, "Subject: [secret] plans\r\n"), "%s", carol.bytes);
}

/* What `domsec filter` shows in place of sealing a message. */
Test(split, each_form_is_shown)
{
    static const struct {
        const char *to;
        bool encrypts;
    } forms[] = {{BOB, true}, {DAVE, false}};
    owned(rig) struct rig *rig = open_rig(BOTH, SPLIT);
    owned(envelope) struct envelope *envelope =
        rig_envelope(&(struct rig_envelope){ME, BOB, DAVE, "alice", "192.0.2.1"});
    owned(message) struct message *message = rig_message(&rig->acme, MESSAGE, strlen(MESSAGE));
    const struct passage_request request = {
        .envelope = envelope, .message = message, .at = time(NULL), .shows_forms = true};
    owned(passage) struct passage *whole = gateway_pass(rig->acme.gateway, &request);
    cr_assert_eq(whole->plan.form_count, G_N_ELEMENTS(forms), "%s", whole->reply.reason);
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        owned(passage) struct passage *one = gateway_pass_form(rig->acme.gateway, &request, whole, i);
        cr_assert_eq(one->mail.envelope->recipient_count, 1, "%s", one->reply.reason);
        cr_expect_str_eq(one->mail.envelope->recipients[0].address.text, forms[i].to);
        cr_expect_eq(one->made.treatment.encrypt, forms[i].encrypts, "%s", one->reply.reason);
        cr_expect(one->mail.least->is_planned && one->mail.least->treatment.encrypt == forms[i].encrypts);
        cr_expect_eq(one->copy->direction, DIRECTION_OUTBOUND);
    }
    open_acme(rig, BOTH, "split = { keys = ( \"file:split.key\" ); proven = true; aliases = true; };");
    owned(envelope) struct envelope *inside =
        rig_envelope(&(struct rig_envelope){ME, CAROL, NULL, "alice", "192.0.2.1"});
    const struct passage_request within = {
        .envelope = inside, .message = message, .at = time(NULL), .shows_forms = true};
    owned(passage) struct passage *stays = gateway_pass(rig->acme.gateway, &within);
    owned(passage) struct passage *carol = gateway_pass_form(rig->acme.gateway, &within, stays, 0);
    cr_expect_eq(carol->copy->direction, DIRECTION_INBOUND, "%s", stays->reply.reason);
}

/* --- does the mail server bring them back? --- */

Test(split, one_message_at_a_time_until_the_way_is_proven)
{
    owned(rig) struct rig *rig = open_rig(BOTH, "split = { keys = ( \"file:split.key\" ); };");
    time_t now = time(NULL);
    struct error error = {0};
    const struct way at_once = {.to = {BOB, DAVE}, .login = "alice", .at = now};
    const struct way almost = {.to = {BOB, DAVE}, .login = "alice", .at = now + 59};
    const struct way later = {.to = {BOB, DAVE}, .login = "alice", .at = now + 60};
    AUTO_SENT struct sent first = go(rig, MESSAGE, &at_once), second = go(rig, MESSAGE, &almost);
    expect(&first, 250, NULL);
    expect(&second, 451, "has not yet brought back the first sealed message (TEST)");
    cr_expect_str_eq(second.result->reply.status, "4.3.5", "%s: for the administrator", second.result->reply.status);
    cr_expect(edits_are_empty(&second.result->made.edits));
    cr_expect_not(gateway_misses_copies(rig->acme.gateway, now + 59, &error));
    open_acme(rig, BOTH, "split = { keys = ( \"file:split.key\" ); };"); /* it is remembered */
    cr_expect(gateway_misses_copies(rig->acme.gateway, now + 60, &error));
    cr_expect_not(gateway_misses_copies(rig->acme.gateway, now + 61, &error), "once");
    AUTO_SENT struct sent third = go(rig, MESSAGE, &later), fourth = go(rig, MESSAGE, &later);
    expect(&third, 250, NULL);
    expect(&fourth, 451, NULL);
    cr_expect(gateway_misses_copies(rig->acme.gateway, now + 120, &error), "the next one that is lost");
    AUTO_SENT struct sent back = copy(rig, &third, DAVE), fifth = go(rig, MESSAGE, &later);
    expect(&back, 250, NULL);
    expect(&fifth, 250, NULL);
    open_acme(rig, BOTH, "split = { keys = ( \"file:split.key\" ); };");
    AUTO_SENT struct sent sixth = go(rig, MESSAGE, &later), seventh = go(rig, MESSAGE, &later);
    expect(&sixth, 250, NULL);
    expect(&seventh, 250, NULL);
    open_acme(rig, BOTH, "split = { keys = ( \"file:new.key\", \"file:split.key\" ); };");
    AUTO_SENT struct sent anew = go(rig, MESSAGE, &later), waits = go(rig, MESSAGE, &later);
    expect(&anew, 250, NULL);
    expect(&waits, 451, NULL);
    AUTO_SENT struct sent older = copy(rig, &third, DAVE), still = go(rig, MESSAGE, &later);
    expect(&older, 250, NULL); /* which says nothing of the new key */
    expect(&still, 451, NULL);
}

/* Else messages would wait until that time comes again. */
Test(split, a_clock_that_was_set_back)
{
    owned(rig) struct rig *rig = open_rig(BOTH, "split = { keys = ( \"file:split.key\" ); };");
    time_t now = time(NULL);
    AUTO_SENT struct sent first = go(rig, MESSAGE, &(struct way){.to = {BOB, DAVE}, .login = "alice", .at = now});
    AUTO_SENT struct sent next = go(rig, MESSAGE, &(struct way){.to = {BOB, DAVE}, .login = "alice", .at = now - 10});
    expect(&first, 250, NULL);
    expect(&next, 250, NULL);
}

/* --- aliases --- */

Test(split, an_alias_among_our_own_addresses_is_seen)
{
    owned(rig) struct rig *rig =
        open_rig(BOTH, "split = { keys = ( \"file:split.key\" ); proven = true; aliases = true; };");
    AUTO_SENT struct sent sealed = go(rig, MESSAGE, &(struct way){.to = {CAROL}, .login = "alice"});
    AUTO_SENT struct sent stranger = go(rig, MESSAGE, &(struct way){.to = {CAROL}});
    cr_expect(sealed.result->plan.needs_split);
    cr_expect_not(stranger.result->plan.needs_split);
    g_autofree char *text = on_the_way(&sealed);
    AUTO_SENT struct sent carol = copy(rig, &sealed, CAROL);
    AUTO_SENT struct sent bob =
        go(rig, text, &(struct way){.to = {BOB}, .orcpt = "ORCPT=rfc822;" CAROL, .daemon = "domsec-split"});
    AUTO_SENT struct sent dave =
        go(rig, text, &(struct way){.to = {DAVE}, .orcpt = "ORCPT=rfc822;" CAROL, .daemon = "domsec-split"});
    expect(&carol, 250, NULL);
    expect(&bob, 250, NULL);
    expect(&dave, 250, NULL);
    cr_expect_not_null(strstr(carol.bytes, "The secret"));
    cr_expect_null(strstr(bob.bytes, "The secret"));
    cr_expect_not_null(strstr(dave.bytes, "The secret"), "nothing was planned for it");
}
