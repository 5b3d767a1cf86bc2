/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbound: what leaves. Facts, then each recipient's decision, then one plan for all of them, then layers (protect.c),
 * then edits. Every way out that is not the end of the plan defers or rejects the message.
 */
#include "internal.h"

#include <string.h>

static void way_out_clear(struct way_out *way)
{
    originator_clear(&way->originator);
    examination_free(way->examination);
    for (size_t i = 0; i < way->envelope->recipient_count; i++)
        X509_free(way->recipients[i].certificate);
    g_free(way->recipients);
}

const char *way_out_domain(const struct way_out *way)
{
    return way->originator.from.count > 0 ? way->originator.from.list[0].domain : NULL;
}

/* --- facts and plan --- */

/* Encrypted by somebody else, as a whole: no plaintext can leave. What only says so (a media type, a file name) may
 * hold anything; of what is really encrypted the cipher is known, and one that keeps a secret is AES (RFC 8551 §2.7).
 */
static bool keeps_secret(const struct examined_layer *examined)
{
    return layer_is_encrypted(&examined->layer.facts) && text_begins_with(examined->layer.facts.cipher, "aes-");
}

static bool is_encrypted_by_others(const struct examination *examination)
{
    return examination->undecryptable && examination->layer_count > 0 &&
           keeps_secret(&examination->layers[examination->layer_count - 1]);
}

/* The first encryption around the whole message, to us or to others; NULL: none. */
static const struct examined_layer *encryption(const struct examination *examination)
{
    for (size_t i = 0; i < examination->layer_count; i++)
        if (layer_is_encrypted(&examination->layers[i].layer.facts))
            return &examination->layers[i];
    return NULL;
}

/* One part is enough to hide something in; with none of our keys is it decrypted for those who could review it. */
static bool is_unreadable(const struct examination *examination)
{
    for (size_t i = examination->layer_count; i < examination->reported_count; i++)
        if (examination->reported[i].type == LAYER_ENVELOPED || examination->reported[i].type == LAYER_AUTHENVELOPED)
            return true;
    return examination->undecryptable;
}

static void gather(struct way_out *way, struct result *result)
{
    size_t count = way->envelope->recipient_count;
    char reason[sizeof(way->originator.fault) + 400] = "";
    struct outbound_facts facts = {0};
    struct unwrapping unwrapping = {0};
    struct facts_query query = {
        .gateway = way->gateway, .at = way->at, .deadline = g_get_monotonic_time() + LOOKUP_TIMEOUT};
    way->authentic = facts_originator_authentic(way->gateway, way->envelope, &way->originator, way->examination, reason,
                                                sizeof(reason));
    facts.originator_authentic = way->authentic;
    facts.originator_reason = reason;
    if (way->examination != NULL) {
        if (way->examination->bad_signature[0] != '\0')
            facts.bad_signature = way->examination->bad_signature;
        facts.unreadable = is_unreadable(way->examination);
        facts.already_encrypted = is_encrypted_by_others(way->examination);
        /* Nothing is taken off for strangers, and how our key would fare is not for them to learn. */
        if (!way->authentic && encryption(way->examination) != NULL) {
            facts.unreadable = true;
            facts.already_encrypted = keeps_secret(encryption(way->examination));
        }
    }

    g_autofree struct outbound_decision *decisions = g_new0(struct outbound_decision, count + 1);
    g_autofree bool *has_certificate = g_new0(bool, count + 1);
    g_autofree const char **names = g_new0(const char *, count + 1);
    result->recipients = g_new0(struct reported_recipient, count + 1);
    result->recipient_count = count;
    protect_unwrap(way, &unwrapping);
    query.examination = way->examination;
    query.want_certificates = unwrapping.reencrypt;
    for (size_t i = 0; i < count; i++)
        query.want_certificates |= facts_encrypts(way->gateway, &way->envelope->recipients[i]);
    for (size_t i = 0; i < count; i++) {
        facts_recipient(&query, &way->envelope->recipients[i], &facts, &way->recipients[i], &result->recipients[i]);
        decisions[i] = way->recipients[i].decision;
        has_certificate[i] = way->recipients[i].certificate != NULL;
        names[i] = way->envelope->recipients[i].text;
    }
    policy_plan(way->gateway->conf->mixed_recipients, decisions, has_certificate, names, count, &way->plan);
}

/* The certificates that were chosen are used only where something is encrypted for them. */
static void mark_used(struct result *result)
{
    for (size_t i = 0; i < result->recipient_count && !result->encrypt; i++)
        for (size_t j = 0; j < result->recipients[i].certificate_count; j++) {
            struct reported_certificate *certificate = &result->recipients[i].certificates[j];
            if (!certificate->used)
                continue;
            certificate->used = false;
            g_free(certificate->note);
            certificate->note = g_strdup("fit, but nothing is encrypted");
        }
}

/* Authentic by the connection, without what the message itself says. */
static bool client_is_ours(const struct way_out *way)
{
    char reason[sizeof(way->originator.fault) + 400];
    return facts_originator_authentic(way->gateway, way->envelope, &way->originator, NULL, reason, sizeof(reason));
}

static void follow_plan(struct way_out *way, struct result *result)
{
    struct entity entity = {0};
    struct error error = {0};
    if (way->plan.verdict != VERDICT_ACCEPT) {
        result_decide(result, way->plan.verdict, NULL, way->plan.reason);
        return;
    }
    if (!way->plan.sign && !way->plan.encrypt) {
        result_decide(result, VERDICT_ACCEPT, NULL, way->plan.reason);
        return;
    }
    if (!protect_message(way, &entity, result, &error)) {
        entity_clear(&entity);
        result->sign = result->encrypt = result->triple = false;
        result_refuse(result, &error);
        return;
    }
    edits_replace_entity(&result->edits, way->message, &entity);
    if (!client_is_ours(way))
        results_remove_forged(way->gateway, way->message, &result->edits);
    edits_finish(&result->edits);
    /* What was signed in place may lie in a layer that the examination opened; what was encrypted is a copy. */
    if (result->encrypt)
        message_forget(way->message);
    else
        result_keep_examination(result, steal(&way->examination));
    result_decide(result, VERDICT_ACCEPT, NULL, way->plan.reason);
}

/* --- what arrives for us and for others at once --- */

static bool serves_local(const struct way_out *way)
{
    bool serves = false;
    for (size_t i = 0; i < way->envelope->recipient_count; i++)
        serves |= way->recipients[i].local;
    return serves;
}

/* Was our key used, whether it opened or not? */
static bool is_encrypted_to_us(const struct way_out *way)
{
    const struct examination *examination = way->examination;
    for (size_t i = 0; examination != NULL && i < examination->layer_count; i++)
        if (examination->layers[i].layer.facts.attempted)
            return true;
    return false;
}

/* A recipient elsewhere must not be the way around what our own recipients' mail has to be: a stranger's message that
 * is for both is judged as what arrives, too. What was encrypted to us is not opened for others. Takes result. */
static struct result *also_as_arrived(const struct way_out *way, struct result *result)
{
    if (result->verdict != VERDICT_ACCEPT || !serves_local(way) || client_is_ours(way))
        return result;
    bool to_us = is_encrypted_to_us(way);
    struct result *arrived = gateway_inbound(way->gateway, way->envelope, way->message, way->at);
    if (arrived->verdict == VERDICT_ACCEPT && !edits_are_empty(&result->edits)) {
        result_free(arrived);
        return result;
    }
    if (to_us) {
        edits_clear(&arrived->edits);
        result_decide(arrived, way->gateway->conf->mixed_recipients == MIXED_REJECT ? VERDICT_REJECT : VERDICT_TEMPFAIL,
                      NULL, "encrypted to this gateway, and for recipients elsewhere too; send it to each on its own");
    }
    result_free(result);
    return arrived;
}

struct result *gateway_outbound(struct gateway *gateway, const struct envelope *envelope, const struct message *message,
                                time_t at)
{
    struct result *result = result_new(DIRECTION_OUTBOUND);
    struct way_out way = {.gateway = gateway, .envelope = envelope, .message = message, .at = at};
    way.recipients = g_new0(struct recipient_facts, envelope->recipient_count + 1);
    originator_read(message, &way.originator);
    if (way.originator.from.count > 0)
        result->from = g_strdup(way.originator.from.list[0].text);
    const struct judge judge = {.gateway = gateway,
                                .rule = policy_rule(gateway->conf, way_out_domain(&way)),
                                .originator = &way.originator,
                                .at = at,
                                .outbound = true};
    way.examination = examine(&judge, message);
    if (way.examination->failure.kind != ERROR_NONE)
        result_refuse(result, &way.examination->failure);
    else {
        gather(&way, result);
        result_take_examination(result, way.examination);
        follow_plan(&way, result);
        mark_used(result);
        result = also_as_arrived(&way, result);
    }
    way_out_clear(&way);
    return result;
}

/* also_as_arrived() without a message. Takes result. */
static struct result *also_arriving(const struct way_out *way, const char *from, struct result *result)
{
    if (result->verdict != VERDICT_ACCEPT || !serves_local(way) || client_is_ours(way))
        return result;
    struct result *arrived = inbound_explain(way->gateway, way->envelope, from);
    if (arrived->verdict != VERDICT_ACCEPT)
        result_decide(result, arrived->verdict, NULL, arrived->reason);
    result_free(arrived);
    return result;
}

struct result *gateway_explain(struct gateway *gateway, const struct envelope *envelope, const char *from, time_t at)
{
    if (gateway_direction(gateway, envelope) == DIRECTION_INBOUND)
        return inbound_explain(gateway, envelope, from);
    struct result *result = result_new(DIRECTION_OUTBOUND);
    struct way_out way = {.gateway = gateway, .envelope = envelope, .at = at};
    struct error error = {0};

    way.recipients = g_new0(struct recipient_facts, envelope->recipient_count + 1);
    originator_from_text(from, &way.originator);
    if (way.originator.from.count > 0)
        result->from = g_strdup(way.originator.from.list[0].text);
    gather(&way, result);
    result->sign = way.plan.sign;
    result->encrypt = way.plan.encrypt;
    result->triple = way.plan.triple;
    mark_used(result);
    if (way.plan.verdict == VERDICT_ACCEPT && !protect_foresee(&way, &error))
        result_refuse(result, &error);
    else
        result_decide(result, way.plan.verdict, NULL, way.plan.reason);
    result = also_arriving(&way, from, result);
    way_out_clear(&way);
    return result;
}
