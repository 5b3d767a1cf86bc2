/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inbound: what arrives. Examined from the outside in, decided by the sender's rule, stripped of the layers that were
 * put on for the domain, and marked with the result (RFC 8601, 7281). A message that cannot be opened is never
 * delivered in part.
 */
#include "internal.h"
#include "mail/subject.h"

#define INTERNAL_MAIL "from a client of ours to our own domains"
#define NOT_ENCRYPTED "the message is not encrypted to this gateway"

struct way_in {
    struct gateway *gateway;
    const struct envelope *envelope;
    const struct message *message;
    time_t at;
    struct originator originator;
    const struct rule *rule;
    struct examination *examination;
    size_t removable; /* layers that come off */
    bool internal;    /* from a client of ours to our own domains */
    bool met;         /* all that the rule requires is there */
};

/* --- the decision --- */

#define OUTSIDE "it is only around what was encrypted without protection against changes"

/* hoping: what could not be checked now will turn out good. RFC 3183 §3.2: a good domain signature authenticates the
 * message; one that does not hold is not outweighed by an originator's inside it. */
static bool signed_as_required(const struct way_in *way, bool hoping)
{
    const struct examination *examination = way->examination;
    const struct finding *domain = &examination->domain, *originator = &examination->originator;
    bool domain_broken = !finding_holds(domain, hoping) && outcome_is_worse(domain->outcome, OUTCOME_NEUTRAL);
    return policy_signed_ok(way->rule, finding_holds(domain, hoping) && examination->domain_counts,
                            finding_holds(originator, hoping) && examination->originator_counts && !domain_broken);
}

static bool sign_is_due(const struct rule *rule)
{
    return rule->inbound.require != REQUIRE_NONE && rule->inbound.require != REQUIRE_ENCRYPT;
}

/* It could be checked another time, and would do then. */
static bool failed_temporarily(const struct way_in *way)
{
    return sign_is_due(way->rule) && !signed_as_required(way, false) && signed_as_required(way, true);
}

/* Mail between our own users that never left: no partner's rule applies to it. */
static bool is_internal(const struct way_in *way)
{
    char reason[800];
    return facts_originator_authentic(way->gateway, way->envelope, &way->originator, NULL, reason, sizeof(reason));
}

/* What is wrong with the signature that the rule asks for, never what is good about another. */
static const char *sign_reason(const struct rule *rule, const struct finding *domain, const struct finding *originator)
{
    bool domain_broken = outcome_is_worse(domain->outcome, OUTCOME_NEUTRAL);
    const struct finding *wrong = originator;
    if (rule->inbound.signed_by == SIGNED_BY_ANY && domain->outcome == OUTCOME_NONE &&
        originator->outcome == OUTCOME_NONE)
        return "neither the domain's nor the originator's";
    switch (rule->inbound.signed_by) {
    case SIGNED_BY_DOMAIN:
        wrong = domain;
        break;
    case SIGNED_BY_ORIGINATOR:
        wrong = domain_broken ? domain : originator;
        break;
    case SIGNED_BY_BOTH:
        wrong = domain->outcome != OUTCOME_PASS ? domain : originator;
        break;
    case SIGNED_BY_ANY:
        wrong = domain_broken || originator->outcome == OUTCOME_NONE ? domain : originator;
        break;
    }
    return wrong->outcome == OUTCOME_PASS ? OUTSIDE : wrong->reason;
}

static void decide(struct way_in *way, struct result *result)
{
    const struct examination *examination = way->examination;
    struct inbound_decision decision = {0};
    struct inbound_facts facts = {
        .signed_ok = signed_as_required(way, false),
        .encrypted_ok = (examination->decrypted || examination->spoiled) && !examination->weakly_encrypted,
        .undecryptable = examination->undecryptable && !examination->spoiled,
        .failed_temporarily = failed_temporarily(way),
        .sign_reason = sign_reason(way->rule, &examination->domain, &examination->originator),
        .encrypt_reason = examination->undecryptable      ? examination->undecryptable_reason
                          : examination->weakly_encrypted ? "the cipher is weak"
                                                          : NOT_ENCRYPTED,
    };
    char label_reason[320] = "";

    way->internal = is_internal(way);
    if (way->internal) {
        result_decide(result, VERDICT_ACCEPT, NULL, INTERNAL_MAIL);
        return;
    }
    if (labels_are_refused(way->rule, examination, false, label_reason, sizeof(label_reason))) {
        facts.label_reason = label_reason;
        facts.failed_temporarily |=
            (facts.signed_ok || !sign_is_due(way->rule)) &&
            !labels_are_refused(way->rule, examination, true, label_reason, sizeof(label_reason));
    }
    policy_inbound(way->rule, &facts, &decision);
    way->met = decision.met;
    result_decide(result, decision.verdict, NULL, decision.reason);
    if (examination->malleable && (result->verdict == VERDICT_REJECT || result->verdict == VERDICT_TEMPFAIL))
        result_reply(result, "the encrypted message is not as this gateway requires");
}

/* --- the edits --- */

/* It is delivered or held without all that the rule requires. */
static bool is_tagged(const struct way_in *way, enum verdict verdict)
{
    return !way->met && !way->internal && (verdict == VERDICT_ACCEPT || verdict == VERDICT_QUARANTINE);
}

/* The marks of all rules: to a reader, any of them says that the gateway has looked. */
static GPtrArray *all_marks(const struct conf *conf)
{
    GPtrArray *marks = g_ptr_array_new();
    for (size_t i = 0; i < conf->partner_count; i++) {
        const char *const own[] = {conf->partners[i]->base.inbound.subject_verified,
                                   conf->partners[i]->base.inbound.subject_unverified};
        for (size_t j = 0; j < G_N_ELEMENTS(own); j++)
            if (own[j] != NULL && !g_ptr_array_find_with_equal_func(marks, own[j], g_str_equal, NULL))
                g_ptr_array_add(marks, (gpointer)own[j]);
    }
    return marks;
}

/* Which of several Subject fields is shown is the reader's to choose. */
static void remove_marked_subjects(const struct way_in *way, const GPtrArray *marks, struct edits *edits)
{
    const struct field *field;
    for (unsigned i = 2; (field = fields_find(message_fields(way->message), "Subject", i)) != NULL; i++) {
        g_autofree char *without = subject_mark(field->value, (const char *const *)marks->pdata, marks->len, NULL);
        if (without != NULL)
            edits_delete(edits, "Subject", i);
    }
}

/* Optional marks for people's eyes. They are worth something only if nobody outside can put them there. */
static void mark_subject(const struct way_in *way, struct edits *edits)
{
    const struct inbound_rule *rule = &way->rule->inbound;
    const struct field *field = fields_find(message_fields(way->message), "Subject", 1);
    g_autoptr(GPtrArray) marks = all_marks(way->gateway->conf);
    const char *mark = NULL;

    if (way->internal || marks->len == 0)
        return;
    if (!way->met)
        mark = rule->subject_unverified;
    else if (rule->require != REQUIRE_NONE)
        mark = rule->subject_verified;
    if (field == NULL && mark == NULL)
        return;
    g_autofree char *value =
        subject_mark(field != NULL ? field->value : SLICE_NONE, (const char *const *)marks->pdata, marks->len, mark);
    if (value == NULL) {
        remove_marked_subjects(way, marks, edits);
        return;
    }
    edits_set(edits, way->message, "Subject", value);
}

/* Only the Content-* fields of what was inside come out: no inner From, Subject or Received is ever promoted. */
static struct rope *mime_fields(const struct part *part)
{
    struct rope *header = rope_new();
    for (size_t i = 0; i < part->fields.count; i++) {
        const struct field *field = &part->fields.list[i];
        if (field_is_content(field)) {
            rope_borrow(header, field->name);
            rope_copy(header, slice_of(":"));
            rope_borrow(header, field->value);
            rope_copy(header, slice_of("\r\n"));
        }
    }
    return header;
}

/* What goes back to the MTA has CRLF line ends only, whatever was encrypted: nothing can be smuggled into SMTP. */
static bool make_entity(const struct way_in *way, const struct part *part, struct entity *entity, struct error *error)
{
    struct rope *body = rope_new();
    struct slice bytes = part->body;
    entity->header = mime_fields(part);
    entity->body = body;
    if (!mime_is_canonical(bytes)) {
        struct spool *spool = spool_new(&way->gateway->conf->limits);
        bool changed = false;
        spool_give(spool, body);
        if (!mime_line_ends(bytes, spool, &changed, error) || !spool_finish(spool, &bytes, error))
            return false;
    }
    rope_borrow(body, bytes);
    return true;
}

static bool take_off(struct way_in *way, struct result *result, struct error *error)
{
    struct entity entity = {0};
    if (way->removable == 0)
        return true;
    if (!make_entity(way, examination_entity(way->examination, way->removable), &entity, error)) {
        entity_clear(&entity);
        return false;
    }
    edits_replace_entity(&result->edits, way->message, &entity);
    for (size_t i = 0; i < way->removable; i++)
        result->layers[i].removed = true;
    return true;
}

static void make_edits(struct way_in *way, struct result *result)
{
    struct error error = {0};
    if (!take_off(way, result, &error)) {
        edits_clear(&result->edits);
        result_fail(result, &error);
        return;
    }
    results_remove_forged(way->gateway, way->message, &result->edits);
    mark_subject(way, &result->edits);
    if (result->authentication_results != NULL)
        edits_insert(&result->edits, "Authentication-Results", result->authentication_results);
    edits_finish(&result->edits);
    if (result->edits.body != NULL)
        result_keep_examination(result, steal(&way->examination));
}

struct result *gateway_inbound(struct gateway *gateway, const struct envelope *envelope, const struct message *message,
                               time_t at)
{
    struct result *result = result_new(DIRECTION_INBOUND);
    struct way_in way = {.gateway = gateway, .envelope = envelope, .message = message, .at = at};
    originator_read(message, &way.originator);
    bool has_from = way.originator.from.count > 0;
    if (has_from)
        result->from = g_strdup(way.originator.from.list[0].text);
    way.rule = originator_rule(gateway->conf, &way.originator, message, &envelope->sender);
    result->rule = g_strdup(way.rule->partner->name);
    const struct judge judge = {.gateway = gateway, .rule = way.rule, .originator = &way.originator, .at = at};
    way.examination = examine(&judge, message);
    if (way.examination->failure.kind != ERROR_NONE)
        result_refuse(result, &way.examination->failure);
    else {
        decide(&way, result);
        way.removable = examination_removable(way.examination);
        result->authentication_results = authentication_results(
            gateway, message, way.examination, is_tagged(&way, result->verdict) ? result->reason : NULL);
        result_take_examination(result, way.examination);
        if (result->verdict == VERDICT_ACCEPT || result->verdict == VERDICT_QUARANTINE)
            make_edits(&way, result);
    }
    examination_free(way.examination);
    originator_clear(&way.originator);
    return result;
}

/* The author's rule is one for all recipients. */
static void report_recipients(const struct way_in *way, struct result *result)
{
    result->recipient_count = way->envelope->recipient_count;
    result->recipients = g_new0(struct reported_recipient, result->recipient_count + 1);
    for (size_t i = 0; i < result->recipient_count; i++) {
        struct reported_recipient *recipient = &result->recipients[i];
        recipient->address = g_strdup(way->envelope->recipients[i].text);
        recipient->rule = g_strdup(way->rule->partner->name);
        recipient->decision.verdict = result->verdict;
        g_strlcpy(recipient->decision.reason, result->reason, sizeof(recipient->decision.reason));
    }
}

/* What becomes of a message that nobody has signed or encrypted. */
struct result *inbound_explain(struct gateway *gateway, const struct envelope *envelope, const char *from)
{
    struct result *result = result_new(DIRECTION_INBOUND);
    struct way_in way = {.gateway = gateway, .envelope = envelope};
    struct inbound_facts facts = {0};
    struct inbound_decision decision = {0};
    originator_from_text(from, &way.originator);
    bool has_from = way.originator.from.count > 0;
    if (has_from)
        result->from = g_strdup(way.originator.from.list[0].text);
    way.rule = policy_rule(gateway->conf, has_from ? way.originator.from.list[0].domain : envelope->sender.domain);
    result->rule = g_strdup(way.rule->partner->name);
    if (is_internal(&way)) {
        result_decide(result, VERDICT_ACCEPT, NULL, INTERNAL_MAIL);
    } else {
        facts.sign_reason = sign_reason(way.rule, &result->domain, &result->originator);
        facts.encrypt_reason = NOT_ENCRYPTED;
        policy_inbound(way.rule, &facts, &decision);
        result_decide(result, decision.verdict, NULL, decision.reason);
    }
    report_recipients(&way, result);
    originator_clear(&way.originator);
    return result;
}
