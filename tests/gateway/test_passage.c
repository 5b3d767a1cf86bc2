/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the stages: what happens within a turn at cryptographic work, what outside, and what only once. */
#include "gateway/internal.h"

#include "base/metrics.h"
#include "support/attack.h"
#include "support/counted.h"
#include "support/schema.h"
#include "support/scripted_certs.h"

#define MESSAGE "From: Alice <alice@acme.test>\r\nTo: bob@partner.test\r\n\r\nthe secret line\r\n"

/* What the turns of one message saw. */
struct watch {
    const struct scripted_certs *script;
    bool held;
    unsigned turns;
    unsigned asked_within;               /* batches that were asked while a turn was held */
    unsigned asked_before;               /* … until the turn began */
    unsigned paths_within, paths_before; /* the same of certification paths */
};

static void enter(void *context)
{
    struct watch *watch = context;
    cr_expect_not(watch->held, "one turn at a time");
    watch->held = true;
    watch->turns++;
    watch->asked_before = watch->script->batches;
    watch->paths_before = counted.paths;
}

static void leave(void *context)
{
    struct watch *watch = context;
    cr_expect(watch->held);
    watch->held = false;
    watch->asked_within += watch->script->batches - watch->asked_before;
    watch->paths_within += counted.paths - watch->paths_before;
}

static struct passage *pass(struct gateway *gateway, const struct envelope *envelope, const struct message *message,
                            struct watch *watch)
{
    const struct turns turns = {.enter = enter, .leave = leave, .context = watch};
    const struct passage_request request = {
        .envelope = envelope, .message = message, .at = time(NULL), .turns = &turns};
    counted = (struct counted){0};
    struct passage *passage = gateway_pass(gateway, &request);
    cr_expect_eq(watch->paths_within, counted.paths, "a certification path is work");
    return passage;
}

static const struct {
    const char *policy;
    unsigned turns, batches;
} rows[] = {
    {"outbound = { protect = \"none\"; };", 1, 0},
    {"outbound = { protect = \"sign\"; };", 1, 0},
    {"outbound = { protect = \"sign+encrypt\"; };", 3, 1},
};

/* A directory that is slow must not keep others from their turns. */
Test(passage, lookups_are_asked_outside_the_turns)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(rig) struct rig *rig = rig_new(rows[i].policy, "");
        struct scripted_certs *script = scripted_certs_new("script");
        scripted_certs_replace(&rig->acme.gateway->certs, script, NULL);
        PKI_AUTO struct pki *unknown =
            rig_role(rig, rig->partner.ca, "domain-confidentiality-authority", "partner.test"); /* no path is cached */
        scripted_certs_domain(script, "bob@partner.test", unknown->cert);
        struct watch watch = {.script = script};
        owned(message) struct message *message = rig_message(&rig->acme, MESSAGE, strlen(MESSAGE));
        owned(envelope) struct envelope *envelope =
            rig_envelope(&(struct rig_envelope){"alice@acme.test", "bob@partner.test", NULL, "alice", NULL});
        const int64_t before = g_get_monotonic_time();
        owned(passage) struct passage *passage = pass(rig->acme.gateway, envelope, message, &watch);
        cr_expect_geq(passage->began, before, "%zu: what the log calls its time", i);
        cr_expect_eq(passage->reply.verdict, VERDICT_ACCEPT, "%zu: %s", i, passage->reply.reason);
        cr_expect_eq(watch.turns, rows[i].turns, "%zu: %u turns", i, watch.turns);
        cr_expect_not(watch.held, "%zu", i);
        cr_expect_eq(script->batches, rows[i].batches, "%zu: %u batches", i, script->batches);
        cr_expect_eq(watch.asked_within, 0, "%zu: a source was asked within a turn", i);
        cr_expect_eq(counted.paths > 0, rows[i].batches > 0, "%zu: %u paths", i, counted.paths);
    }
}

/* Certificates of signers that are not in the message are looked up outside the turns, too. */
Test(passage, signers_are_looked_up_outside_the_turns)
{
    owned(rig) struct rig *rig = rig_new("", ATTACK_STRICT);
    struct scripted_certs *script = scripted_certs_new("script");
    scripted_certs_replace(&rig->partner.gateway->certs, script, NULL);
    scripted_certs_domain(script, "alice@acme.test", rig->acme.dsa->cert);
    struct watch watch = {.script = script};
    g_autofree char *text =
        attack_message(&(struct attack){.signer = rig->acme.dsa, .types = SIGNATURE_TYPE_DOMAIN, .flags = CMS_NOCERTS});
    owned(message) struct message *message = rig_message(&rig->partner, text, strlen(text));
    owned(envelope) struct envelope *envelope =
        rig_envelope(&(struct rig_envelope){"alice@acme.test", "bob@partner.test", NULL, NULL, "198.51.100.1"});
    owned(passage) struct passage *passage = pass(rig->partner.gateway, envelope, message, &watch);
    cr_expect_eq(passage->plan.judgement.domain.outcome, OUTCOME_PASS, "%s", passage->plan.judgement.domain.reason);
    cr_expect_eq(script->batches, 1);
    cr_expect_eq(watch.asked_within, 0);
    cr_expect_gt(counted.paths, 0);
}

Test(passage, all_recipients_are_one_batch)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"encrypt\"; };", "");
    struct scripted_certs *script = scripted_certs_new("script");
    scripted_certs_replace(&rig->acme.gateway->certs, script, NULL);
    scripted_certs_domain(script, "bob@partner.test", rig->partner.dca->cert);
    scripted_certs_domain(script, "carol@partner.test", rig->partner.dca->cert);
    const struct rig_envelope spec = {"alice@acme.test", "bob@partner.test", "carol@partner.test", "alice", NULL};
    AUTO_SENT struct sent sent = rig_pass(&rig->acme, DIRECTION_OUTBOUND, &spec, MESSAGE, strlen(MESSAGE));
    cr_expect_eq(rig_verdict(&sent), VERDICT_ACCEPT, "%s", rig_reason(&sent));
    cr_expect_eq(script->batches, 1, "%u", script->batches);
    cr_expect_str_eq(script->asked->str, "bob@partner.test carol@partner.test ");
}

/* As OpenSSL sees it when memory is lacking, after all that is made was made. */
static void lack_memory(void *context)
{
    (void)context;
    cr_expect_null(OPENSSL_malloc(SIZE_MAX / 2));
    ERR_clear_error();
}

static void nothing(void *context)
{
    (void)context;
}

Test(passage, what_was_made_without_memory_is_not_used)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    cr_skip_test("sanitizers end a program that asks for so much");
#endif
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", "");
    owned(message) struct message *message = rig_message(&rig->acme, MESSAGE, strlen(MESSAGE));
    owned(envelope) struct envelope *envelope =
        rig_envelope(&(struct rig_envelope){"alice@acme.test", "bob@partner.test", NULL, "alice", NULL});
    const struct turns turns = {.enter = nothing, .leave = lack_memory};
    const struct passage_request request = {
        .envelope = envelope, .message = message, .at = time(NULL), .turns = &turns};
    owned(passage) struct passage *passage = gateway_pass(rig->acme.gateway, &request);
    cr_expect_eq(passage->reply.verdict, VERDICT_TEMPFAIL);
    cr_expect_eq(passage->reply.code, 452, "%u", passage->reply.code);
    cr_expect_str_eq(passage->reply.status, "4.3.1", "%s", passage->reply.status);
    cr_expect(edits_are_empty(&passage->made.edits));
}

/* An empty signature stands in for the originator's, and is reported where the rule leaves it out. */
Test(passage, the_empty_layer_is_made_or_left_out)
{
    static const char *const policies[] = {"outbound = { protect = \"sign\"; };",
                                           "outbound = { protect = \"sign\"; }; null_signature = false;"};
    g_autofree char *entity = attack_compress(ATTACK_ENTITY, strlen(ATTACK_ENTITY));
    g_autofree char *compressed = g_strconcat(ATTACK_TOP, entity, NULL);
    for (size_t i = 0; i < 6; i++) {
        bool made = i % 2 == 0, is_signed = i / 2 == 1;
        owned(rig) struct rig *rig = rig_new(policies[i % 2], "");
        g_autofree char *text = is_signed ? attack_message(&(struct attack){.signer = rig->acme.alice})
                                          : g_strdup(i / 2 == 0 ? MESSAGE : compressed);
        AUTO_SENT struct sent out = rig_outbound(rig, text);
        cr_expect_eq(rig_verdict(&out), VERDICT_ACCEPT, "%zu: %s", i, rig_reason(&out));
        cr_expect_eq(out.result->made.null_layer, made && !is_signed, "%zu", i);
        cr_expect_eq(out.result->made.null_layer_omitted, !made && !is_signed, "%zu", i);
    }
}

Test(passage, names_of_the_rules)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", "");
    const struct rig_envelope spec = {"alice@acme.test", "bob@partner.test", "carol@partner.test", "alice", NULL};
    owned(envelope) struct envelope *envelope = rig_envelope(&spec);
    owned(passage) struct passage *passage = rig_explain(rig->acme.gateway, envelope, "alice@acme.test");
    const struct error error = {.kind = ERROR_TOO_LARGE, .text = "too large"};
    owned(passage) struct passage *failed = passage_failed(rig->acme.gateway, envelope, REPLY_SIZE, &error);
    g_autofree char *names = passage_rules(passage), *none = passage_rules(failed);
    cr_expect_str_eq(names, "partner.test.conf", "%s: each once", names);
    cr_expect_str_eq(none, "");
}

/* Who may speak for our domains, and what is said of a client who may not. */
Test(passage, which_clients_are_ours)
{
    static const struct {
        const char *authenticated, *client;
        bool trusted;
        const char *reason;
    } clients[] = {
        {"alice", "198.51.100.1", true, "client authenticated as alice"},
        {"", "198.51.100.1", false, "client 198.51.100.1 is neither authenticated nor in trusted_networks"},
        {NULL, "192.0.2.7", true, "client 192.0.2.7 is in trusted_networks"},
        {NULL, "198.51.100.1", false, "client 198.51.100.1 is neither authenticated nor in trusted_networks"},
        {NULL, NULL, false, "client (unknown) is neither authenticated nor in trusted_networks"},
    };
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", "");
    for (size_t i = 0; i < G_N_ELEMENTS(clients); i++) {
        owned(envelope) struct envelope *envelope = rig_envelope(&(struct rig_envelope){
            "alice@acme.test", "bob@partner.test", NULL, clients[i].authenticated, clients[i].client});
        owned(passage) struct passage *passage = rig_explain(rig->acme.gateway, envelope, "alice@acme.test");
        cr_expect_eq(passage->mail.client.trusted, clients[i].trusted, "%zu", i);
        cr_expect_str_eq(passage->mail.client.reason, clients[i].reason, "%zu: %s", i, passage->mail.client.reason);
        cr_expect_eq(passage->reply.verdict, clients[i].trusted ? VERDICT_ACCEPT : VERDICT_REJECT, "%zu", i);
    }
}

/* explain goes the same way and stops before anything is made. */
Test(passage, a_question_makes_nothing)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign+encrypt\"; };", "");
    owned(envelope) struct envelope *envelope =
        rig_envelope(&(struct rig_envelope){"alice@acme.test", "bob@partner.test", NULL, "alice", NULL});
    owned(passage) struct passage *passage = rig_explain(rig->acme.gateway, envelope, "alice@acme.test");
    AUTO_SENT struct sent sent = rig_outbound(rig, MESSAGE);
    cr_expect_eq(passage->reply.verdict, VERDICT_ACCEPT, "%s", passage->reply.reason);
    cr_expect_str_eq(passage->reply.reason, rig_reason(&sent));
    cr_expect(passage->plan.treatment.sign && passage->plan.treatment.encrypt);
    cr_expect(edits_are_empty(&passage->made.edits));
    cr_expect_not(passage->made.treatment.sign || passage->made.treatment.encrypt);
    /* what it may cost: an amount for each message, and 20 nanoseconds for each octet */
    const uint64_t base = gateway_conf(rig->acme.gateway)->limits.work * BUDGET_MILLISECOND;
    const struct message *message = sent.message;
    const size_t octets = message_header(message).len + message_body(message).len;
    cr_expect_eq(passage->accounts.visible.limit, base);
    /* rules look at what is known of the message */
    const struct question question = {.size = 12345};
    owned(passage) struct passage *more =
        gateway_pass(rig->acme.gateway,
                     &(struct passage_request){
                         .envelope = envelope, .from = "alice@acme.test", .question = &question, .at = time(NULL)});
    cr_expect_eq(more->mail.question, &question);
    /* nor is anything delivered where the question is about what arrives */
    owned(envelope) struct envelope *back =
        rig_envelope(&(struct rig_envelope){"bob@partner.test", "alice@acme.test", NULL, NULL, "198.51.100.1"});
    owned(passage) struct passage *arrives = rig_explain(rig->acme.gateway, back, "bob@partner.test");
    cr_expect_eq(arrives->reply.verdict, VERDICT_ACCEPT, "%s", arrives->reply.reason);
    cr_expect(edits_are_empty(&arrives->made.edits));
    cr_expect_eq(sent.result->accounts.visible.limit, base + 20 * octets);
    cr_expect_eq(sent.result->accounts.inside.limit, base + 20 * octets);
}

/* By a listener in pass_daemons nothing is asked and nothing is done; it is logged, reported and counted. */
Test(passage, by_a_listener_that_passes)
{
    owned(rig) struct rig *rig = rig_closed(PKI_EC);
    rig_open(&rig->acme, &rig->partner, "outbound = { protect = \"sign+encrypt\"; };", "pass_daemons = \"reinject\";");
    rig_open(&rig->partner, &rig->acme, "", NULL);
    struct scripted_certs *script = scripted_certs_new("script");
    scripted_certs_replace(&rig->acme.gateway->certs, script, NULL);
    struct watch watch = {.script = script};
    owned(message) struct message *message = rig_message(&rig->acme, MESSAGE, strlen(MESSAGE));
    owned(envelope) struct envelope *envelope =
        rig_envelope(&(struct rig_envelope){"mallory@evil.test", "bob@partner.test", NULL, NULL, "198.51.100.1"});
    envelope->daemon_name = g_strdup("reinject");
    metrics_reset();
    const int64_t before = g_get_monotonic_time();
    owned(passage) struct passage *passage = pass(rig->acme.gateway, envelope, message, &watch);
    cr_expect(passage->gateway == rig->acme.gateway && passage->began >= before);
    cr_expect(passage->mail.message == message && passage->mail.at > 0);
    g_autofree char *report = passage_report(passage), *line = passage_log_line(passage);
    passage_count(passage);
    char *counters = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&counters, &length);
    metrics_print(stream);
    fclose(stream);

    cr_expect_eq(passage->reply.verdict, VERDICT_ACCEPT, "%s", passage->reply.reason);
    cr_expect(edits_are_empty(&passage->made.edits));
    cr_expect(watch.turns == 0 && script->batches == 0);
    schema_expect(report, "reinject");
    cr_expect_not_null(strstr(line, "direction=outbound from=\"alice@acme.test\" sender=\"mallory@evil.test\""), "%s",
                       line);
    cr_expect_not_null(strstr(line, "reason=\"nothing is done: pass_daemons has the listener reinject\""), "%s", line);
    cr_expect_str_eq(counters, "# TYPE domsec_messages_total counter\n"
                               "domsec_messages_total{direction=\"outbound\",verdict=\"accept\"} 1\n"
                               "# TYPE domsec_untouched_total counter\n"
                               "domsec_untouched_total{direction=\"outbound\"} 1\n");
    free(counters);
    owned(passage) struct passage *answer = rig_explain(rig->acme.gateway, envelope, "alice@acme.test");
    g_autofree char *author = passage_log_line(answer);
    cr_expect_not_null(strstr(author, "from=\"alice@acme.test\""), "%s", author);
    /* mail by a listener without a name is not passed, and worth no complaint of GLib */
    g_clear_pointer(&envelope->daemon_name, g_free);
    GLogLevelFlags usual = g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR);
    cr_expect_not(gateway_passes(rig->acme.gateway, envelope));
    g_log_set_always_fatal(usual);
}

#define OUR_RESULT "Authentication-Results: gw.partner.test; smime=pass\r\n"

/* The cause of a refusal for what a content filter returns: for our log, and for clients of ours alone. */
Test(passage, hint_at_what_was_here_before)
{
    static const struct {
        const char *client, *field, *from;
        enum direction direction;
        enum verdict verdict;
        bool hint;
    } returned[] = {
        {"192.0.2.1", OUR_RESULT, "alice@acme.test", DIRECTION_INBOUND, VERDICT_REJECT, true},
        {"192.0.2.1", "Authentication-Results: gw.acme.test; smime=pass\r\n", "alice@acme.test", DIRECTION_INBOUND,
         VERDICT_REJECT, false},
        {"192.0.2.1", "", "alice@acme.test", DIRECTION_INBOUND, VERDICT_REJECT, false},
        {"198.51.100.1", OUR_RESULT, "alice@acme.test", DIRECTION_INBOUND, VERDICT_REJECT, false},
        {"192.0.2.1", OUR_RESULT, "carol@partner.test", DIRECTION_INBOUND, VERDICT_ACCEPT, false},
        {"192.0.2.1", OUR_RESULT, "eve@other.test", DIRECTION_INBOUND, VERDICT_ACCEPT, false}, /* nothing is missing */
        {"192.0.2.1", OUR_RESULT, "carol@partner.test", DIRECTION_OUTBOUND, VERDICT_ACCEPT, false},
    };
    owned(rig) struct rig *rig = rig_new("", "inbound = { require = \"sign\"; };");
    for (size_t i = 0; i < G_N_ELEMENTS(returned); i++) {
        const struct rig_envelope spec = {"alice@acme.test", "bob@partner.test", NULL, NULL, returned[i].client};
        g_autofree char *text =
            g_strdup_printf("%sFrom: %s\r\nTo: bob@partner.test\r\n\r\nx\r\n", returned[i].field, returned[i].from);
        AUTO_SENT struct sent in = rig_pass(&rig->partner, returned[i].direction, &spec, text, strlen(text));
        cr_expect_eq(in.result->reply.verdict, returned[i].verdict, "%zu: %s", i, in.result->reply.reason);
        cr_expect_eq(strstr(in.result->reply.reason, "see pass_daemons") != NULL, returned[i].hint, "%zu: %s", i,
                     in.result->reply.reason);
        cr_expect_null(strstr(in.result->reply.text, "pass_daemons"), "%s", in.result->reply.text);
    }
    owned(envelope) struct envelope *question =
        rig_envelope(&(struct rig_envelope){"alice@acme.test", "bob@partner.test", NULL, NULL, "192.0.2.1"});
    owned(passage) struct passage *answer = rig_explain(rig->partner.gateway, question, "alice@acme.test");
    cr_expect_null(strstr(answer->reply.reason, "pass_daemons"), "%s", answer->reply.reason);
}
