/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passage: the order of the stages, nothing else. All work is done within a turn, which is given up only while a
 * directory is asked, because that may take long and costs nothing.
 */
#include "base/memory.h"
#include "internal.h"
#include "learn.h"
#include "leaving_header.h"

/* An honest message costs 10 nanoseconds for each of its octets, with a signature within an encryption. */
#define ALLOWED_AN_OCTET 20

static void open_accounts(struct passage *passage, const struct passage_request *request)
{
    const struct turns *turns = request->turns;
    uint64_t octets =
        request->message != NULL ? message_header(request->message).len + message_body(request->message).len : 0;
    struct budget budget = {
        .limit = passage->gateway->conf->limits.work * BUDGET_MILLISECOND + octets * ALLOWED_AN_OCTET,
        .rest = turns != NULL ? turns->rest : NULL,
        .context = turns != NULL ? turns->context : NULL,
    };
    passage->accounts.visible = passage->accounts.inside = budget;
}

static void make_plan(struct passage *passage)
{
    const struct mail *mail = &passage->mail;
    const struct lookups *lookups = &passage->lookups;
    const struct error *failure = &mail->examination->failure;
    const struct plan_input input = {
        .conf = passage->gateway->conf,
        .facts = &lookups->facts,
        .direction = mail->direction,
        .client = &mail->client,
        .originator = &mail->originator,
        .authors = &mail->authors,
        .message = mail->message,
        .layers = &lookups->layers,
        .if_opened = &lookups->if_opened,
        .failure = failure->kind != ERROR_NONE ? failure : &lookups->failure,
        .recipients = lookups->recipients,
        .recipient_count = mail->envelope->recipient_count,
        .own = lookups->own_views,
        .least = mail->least,
    };
    policy_plan(&input, &passage->plan);
}

static bool has_work(const struct passage *passage)
{
    const struct plan *plan = &passage->plan;
    return passage->mail.message != NULL &&
           (plan->direction == DIRECTION_INBOUND || plan->treatment.sign || plan->treatment.encrypt);
}

static void make_unprotected(struct passage *passage)
{
    struct made *made = &passage->made;
    const struct message *message = passage->mail.message;
    if (!passage->plan.is_test)
        leaving_header_edit(passage, made);
    split_remove_field(message, &made->edits);
    if (!edits_are_empty(&made->edits))
        (void)edits_finish(&made->edits, message, &made->failure);
}

static void make_alone(struct passage *passage)
{
    struct made *made = &passage->made;
    const struct message *message = passage->mail.message;
    if (has_work(passage) && passage->plan.direction == DIRECTION_INBOUND)
        made_deliver(made, passage);
    else if (has_work(passage))
        made_protect(made, passage);
    else if (message != NULL && passage->plan.verdict == VERDICT_ACCEPT)
        make_unprotected(passage);
}

static void make(struct passage *passage, const struct passage_request *request)
{
    const struct copy *copy = passage->copy;
    struct made *made = &passage->made;
    bool accepted = passage->plan.verdict == VERDICT_ACCEPT || passage->plan.verdict == VERDICT_QUARANTINE;
    if (!passage->plan.needs_split || !accepted)
        make_alone(passage);
    else if (passage->mail.message != NULL && !request->shows_forms)
        made_seal(made, passage);
    if (copy == NULL || copy->outside == NULL || made->failure.kind != ERROR_NONE)
        return;
    if (!accepted)
        edits_clear(&made->edits);
    else
        (void)copy_finish(copy, &made->edits, &made->failure);
}

static enum reply_kind kind_of_verdict(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_ACCEPT:
        return REPLY_ACCEPT;
    case VERDICT_REJECT:
        return REPLY_REJECT;
    case VERDICT_QUARANTINE:
        return REPLY_QUARANTINE;
    case VERDICT_TEMPFAIL:
        return REPLY_TEMPFAIL;
    }
    return REPLY_BUG;
}

/* A host of ours brings what has our result already, and lacks the protection that came off then. */
static bool may_have_been_here(const struct passage *passage)
{
    const struct plan *plan = &passage->plan;
    return plan->direction == DIRECTION_INBOUND && !plan->met && !plan->internal && passage->mail.client.trusted &&
           passage->mail.message != NULL && results_has_ours(passage->gateway, passage->mail.message);
}

static void say(struct passage *passage)
{
    const struct plan *plan = &passage->plan;
    const struct error failed = {.kind = plan->failure}, *made = &passage->made.failure;
    const char *said = plan->public_reason[0] != '\0' ? plan->public_reason : NULL;
    if (made->kind != ERROR_NONE)
        reply_set(&passage->reply, reply_kind_of(made), made->text, made->said);
    else if (plan->failure != ERROR_NONE)
        reply_set(&passage->reply, reply_kind_of(&failed), plan->reason, said);
    else
        reply_set(&passage->reply, kind_of_verdict(plan->verdict), plan->reason, said);
    if (may_have_been_here(passage))
        g_strlcat(passage->reply.reason, "; it has a result of this gateway: if it was here before, see pass_daemons",
                  sizeof(passage->reply.reason));
}

/* Nothing that was found out after a failed allocation is certain: neither that a signature is bad, nor that the
 * message is protected as planned. */
static void mind_memory(struct passage *passage, unsigned failures)
{
    if (memory_failures() == failures)
        return;
    edits_clear(&passage->made.edits);
    reply_set(&passage->reply, REPLY_RESOURCE, "", NULL);
}

bool gateway_passes(const struct gateway *gateway, const struct envelope *envelope)
{
    const char *name = envelope->daemon_name;
    return name != NULL && g_strv_contains((const char *const *)gateway->conf->pass_daemons, name);
}

/* A passage that ended before anything was asked. said: as for reply_set(). */
static struct passage *ended(struct gateway *gateway, const struct envelope *envelope, enum reply_kind kind,
                             const char *reason, const char *said)
{
    struct passage *passage = g_new0(struct passage, 1);
    passage->gateway = gateway_ref(gateway);
    passage->began = g_get_monotonic_time();
    passage->mail.envelope = envelope;
    passage->mail.direction = passage->plan.direction =
        policy_direction(gateway->conf, envelope->recipients, envelope->recipient_count);
    judgement_init(&passage->plan.judgement);
    reply_set(&passage->reply, kind, reason, said);
    passage->plan.verdict = passage->reply.verdict;
    return passage;
}

/* A content filter hands mail back that has been through here. */
static struct passage *leave_untouched(struct gateway *gateway, const struct passage_request *request)
{
    g_autofree char *reason =
        g_strdup_printf("nothing is done: pass_daemons has the listener %s", request->envelope->daemon_name);
    struct passage *passage = ended(gateway, request->envelope, REPLY_ACCEPT, reason, NULL);
    passage->untouched = true;
    passage->mail.message = request->message;
    passage->mail.at = request->at;
    if (request->message != NULL)
        originator_read(request->message, &passage->mail.originator);
    else
        originator_from_text(request->from, &passage->mail.originator);
    return passage;
}

/* Takes copy. */
static struct passage *pass(struct gateway *gateway, const struct passage_request *request, struct copy *copy)
{
    unsigned failures = memory_failures();
    struct passage *passage = g_new0(struct passage, 1);
    passage->copy = copy;
    passage->gateway = gateway_ref(gateway);
    passage->began = g_get_monotonic_time();
    open_accounts(passage, request);
    passage->mail.accounts = &passage->accounts;
    turns_enter(request->turns);
    mail_read(&passage->mail, gateway, request, copy);
    lookups_ask(&passage->lookups, gateway, &passage->mail, request->turns);
    make_plan(passage);
    make(passage, request);
    turns_leave(request->turns);
    say(passage);
    mind_memory(passage, failures);
    passage_learn(passage, request->turns);
    return passage;
}

/* The same for one copy, as from the client that sent the message. */
static struct passage *pass_copy(struct gateway *gateway, const struct passage_request *request, struct copy *copy)
{
    struct passage_request inside = *request;
    inside.envelope = copy->envelope;
    inside.message = copy->message;
    return pass(gateway, &inside, copy);
}

#define ASTRAY                                                                                                         \
    "a sealed message came by a listener that is not called as split.daemon_name says; set milter_macro_daemon_name "  \
    "for it in master.cf"

static struct passage *pass_second(struct gateway *gateway, const struct passage_request *request)
{
    struct error error = {0};
    bool alarm = false;
    unsigned failures = memory_failures();
    turns_enter(request->turns);
    owned(copy) struct copy *copy = copy_open(gateway, request, &alarm, &error);
    turns_leave(request->turns);
    bool is_certain = memory_failures() == failures;
    struct passage *passage = NULL;
    if (!is_certain)
        passage = ended(gateway, request->envelope, REPLY_RESOURCE, "", NULL);
    else if (copy != NULL)
        passage = pass_copy(gateway, request, steal(&copy));
    else
        passage = ended(gateway, request->envelope, reply_kind_of(&error), error.text, error.said);
    passage->is_second = true;
    passage->alarm = alarm;
    return passage;
}

/* A message of a client of ours that may be a sealed one, by a listener for all mail. */
static struct passage *pass_stray(struct gateway *gateway, const struct passage_request *request)
{
    unsigned failures = memory_failures();
    turns_enter(request->turns);
    bool is_astray = copy_is_astray(gateway, request);
    turns_leave(request->turns);
    if (memory_failures() != failures)
        return ended(gateway, request->envelope, REPLY_RESOURCE, "", NULL);
    if (is_astray)
        return ended(gateway, request->envelope, REPLY_CONFIGURATION, ASTRAY, NULL);
    return pass(gateway, request, NULL);
}

struct passage *gateway_pass(struct gateway *gateway, const struct passage_request *request)
{
    if (gateway_passes(gateway, request->envelope))
        return leave_untouched(gateway, request);
    if (gateway_is_second(gateway, request->envelope->daemon_name))
        return pass_second(gateway, request);
    if (copy_may_be_astray(gateway, request))
        return pass_stray(gateway, request);
    return pass(gateway, request, NULL);
}

struct passage *gateway_pass_form(struct gateway *gateway, const struct passage_request *request,
                                  const struct passage *whole, size_t form)
{
    struct error error = {0};
    struct copy *copy = copy_of_form(whole, form, &error);
    if (copy == NULL)
        return ended(gateway, request->envelope, reply_kind_of(&error), error.text, error.said);
    return pass_copy(gateway, request, copy);
}

struct passage *passage_failed(struct gateway *gateway, const struct envelope *envelope, enum reply_kind kind,
                               const struct error *error)
{
    return ended(gateway, envelope, kind, error->text, error->said);
}

void passage_free(struct passage *passage)
{
    if (passage == NULL)
        return;
    learned_clear(&passage->learned);
    made_clear(&passage->made);
    plan_clear(&passage->plan);
    lookups_clear(&passage->lookups, &passage->mail);
    mail_clear(&passage->mail);
    copy_free(passage->copy);
    gateway_unref(passage->gateway);
    g_free(passage);
}

static bool encrypts(const struct plan *plan, size_t recipient)
{
    return plan->shares != NULL ? plan->manners[plan->shares[recipient].manner].treatment.encrypt
                                : plan->treatment.encrypt;
}

char *passage_note(const struct passage *passage, size_t recipient, size_t candidate)
{
    const struct certs_answer *answer = &passage->lookups.answers[recipient].certificates;
    const struct finding *finding = &answer->list[candidate].finding;
    g_autofree char *remark = candidate_remark(&answer->list[candidate]);
    if (candidate == answer->chosen)
        return g_strconcat(encrypts(&passage->plan, recipient) ? "used" : "usable, but nothing is encrypted", remark,
                           NULL);
    if (finding->outcome == OUTCOME_NONE)
        return g_strdup("not needed, an earlier one is used");
    g_autofree char *hint = hint_for_candidate(passage, recipient, candidate);
    return g_strdup_printf("not used: %s%s", finding->reason, hint != NULL ? hint : "");
}

/* Each name once. */
static void add_rule(GPtrArray *names, const struct rule *rule)
{
    if (!g_ptr_array_find_with_equal_func(names, rule->partner->name, g_str_equal, NULL))
        g_ptr_array_add(names, rule->partner->name);
}

void passage_add_rules_of(const struct passage *passage, size_t index, GPtrArray *names)
{
    if (passage->lookups.recipients == NULL)
        return;
    const struct recipient_view *recipient = &passage->lookups.recipients[index];
    for (size_t i = 0; i < recipient->claim_count; i++)
        add_rule(names, recipient->claims[i].rule);
}

static char *join(GPtrArray *names)
{
    g_ptr_array_add(names, NULL);
    return g_strjoinv(", ", (char **)names->pdata);
}

char *passage_rules_of(const struct passage *passage, size_t recipient)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    passage_add_rules_of(passage, recipient, names);
    return join(names);
}

char *passage_rules(const struct passage *passage)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const struct lookups *lookups = &passage->lookups;
    if (passage->plan.direction == DIRECTION_INBOUND) {
        for (size_t i = 0; i < passage->mail.authors.count; i++)
            add_rule(names, policy_rule(passage->mail.authors.partners[i]));
    } else {
        for (size_t i = 0; lookups->recipients != NULL && i < passage->mail.envelope->recipient_count; i++)
            passage_add_rules_of(passage, i, names);
    }
    return join(names);
}
