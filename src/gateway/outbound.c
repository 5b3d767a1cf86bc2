/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbound: what leaves. Facts, then each recipient's decision, then one plan for all of them, then layers, then edits. Every way out
 * that is not the end of the plan defers or rejects the message.
 */
#include "gateway/internal.h"

#include <string.h>

/* All that is known of one message on its way out. */
struct way_out {
    struct gateway *gateway;
    const struct envelope *envelope;
    const struct message *message;
    time_t at;
    struct originator originator;
    struct examination *examination;
    struct recipient_facts *recipients;
    struct plan plan;
};

static void way_out_clear(struct way_out *way)
{
    originator_clear(&way->originator);
    examination_free(way->examination);
    for (size_t i = 0; i < way->envelope->recipient_count; i++)
        X509_free(way->recipients[i].certificate);
    g_free(way->recipients);
}

static const char *from_domain(const struct way_out *way)
{
    return way->originator.from.count > 0 ? way->originator.from.list[0].domain : NULL;
}

/* --- facts and plan --- */

/* RFC 3183 §5: the signatures outside an encryption to our own confidentiality authority come off with it, and the domain
 * signature goes on what was inside. Without such a layer the message as it is gets signed. Returns how many layers come off;
 * *reencrypt tells that an encrypted layer lies deeper, so that the result MUST be encrypted again. */
static size_t depth_to_protect(const struct examination *examination, bool *reencrypt)
{
    size_t depth = 0;

    *reencrypt = false;
    for (size_t i = 0; i < examination->layer_count; i++) {
        bool encrypted = examination->layers[i].layer.type == LAYER_ENVELOPED ||
                         examination->layers[i].layer.type == LAYER_AUTHENVELOPED;

        if (encrypted && depth == 0 && examination->layers[i].inner != NULL)
            depth = i + 1;
        else if (encrypted && depth > 0)
            *reencrypt = true;
    }
    return depth;
}

/* Encrypted by somebody else, as a whole: no plaintext can leave, and we cannot look inside. */
static bool is_shut(const struct examination *examination)
{
    return examination != NULL && examination->undecryptable;
}

static void gather(struct way_out *way, struct result *result)
{
    size_t count = way->envelope->recipient_count;
    char reason[sizeof way->originator.fault + 400] = "";
    struct outbound_facts facts = {0};
    struct facts_query query = {.gateway = way->gateway, .at = way->at};

    facts.originator_authentic = facts_originator_authentic(way->gateway, way->envelope, &way->originator,
                                                            way->examination, reason, sizeof reason);
    facts.originator_reason = reason;
    if (way->examination != NULL && way->examination->bad_signature[0] != '\0')
        facts.bad_signature = way->examination->bad_signature;
    facts.already_encrypted = is_shut(way->examination);

    g_autofree struct outbound_decision *decisions = g_new0(struct outbound_decision, count + 1);
    g_autofree bool *has_certificate = g_new0(bool, count + 1);
    g_autofree const char **names = g_new0(const char *, count + 1);
    result->recipients = g_new0(struct reported_recipient, count + 1);
    result->recipient_count = count;
    if (way->examination != NULL)
        depth_to_protect(way->examination, &query.want_certificates);
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

/* --- layers --- */

/* One copy serves recipients under several rules: where they differ, what all of their software can read. */
static void merge_rules(const struct way_out *way, struct sign_options *sign, struct encrypt_options *encrypt,
                        bool *null_signature)
{
    bool first = true;

    for (size_t i = 0; i < way->envelope->recipient_count; i++) {
        const struct rule *rule = way->recipients[i].rule;

        if (way->recipients[i].local)
            continue;
        if (first) {
            *sign = (struct sign_options){.format = rule->format, .signature = rule->signature, .digest = rule->digest};
            *encrypt = (struct encrypt_options){.cipher = rule->cipher, .key_transport = rule->key_transport};
            *null_signature = rule->null_signature && rule->naming == NAMING_RFC3183;
            first = false;
            continue;
        }
        if (rule->format == FORMAT_CLEAR)
            sign->format = FORMAT_CLEAR;
        if (rule->signature == SIGNATURE_RSA_PKCS1)
            sign->signature = SIGNATURE_RSA_PKCS1;
        sign->digest = MIN(sign->digest, rule->digest);
        if (rule->cipher >= CIPHER_AES_128_CBC && encrypt->cipher < CIPHER_AES_128_CBC)
            encrypt->cipher = rule->cipher;
        if (rule->key_transport == KEY_TRANSPORT_RSA_PKCS1)
            encrypt->key_transport = KEY_TRANSPORT_RSA_PKCS1;
        *null_signature &= rule->null_signature && rule->naming == NAMING_RFC3183;
    }
    sign->types = SIGNATURE_TYPE_DOMAIN;
    sign->limits = encrypt->limits = &way->gateway->conf->limits;
}

static bool is_signed(const struct examination *examination, size_t depth)
{
    return depth < examination->layer_count && examination->layers[depth].opened &&
           examination->layers[depth].layer.type == LAYER_SIGNED;
}

static bool put_signature(const struct way_out *way, const struct sign_options *options, struct entity *entity,
                          struct error *error)
{
    struct entity out = {0};
    const struct identity *signer =
        keys_find(way->gateway->keys, ROLE_DOMAIN_SIGNING, from_domain(way), way->at, error);

    if (signer == NULL || !smime_sign(signer, options, entity, &out, error))
        return false;
    entity_clear(entity);
    *entity = out;
    return true;
}

static bool put_null_layer(const struct way_out *way, struct entity *entity, struct error *error)
{
    struct entity out = {0};

    if (!smime_wrap_unsigned(&way->gateway->conf->limits, entity, &out, error))
        return false;
    entity_clear(entity);
    *entity = out;
    return true;
}

static bool put_encryption(const struct way_out *way, const struct encrypt_options *options, struct entity *entity,
                           struct error *error)
{
    struct entity out = {0};
    size_t count = 0;
    g_autofree X509 **certificates = g_new0(X509 *, way->envelope->recipient_count + 1);

    for (size_t i = 0; i < way->envelope->recipient_count; i++)
        if (way->recipients[i].certificate != NULL)
            certificates[count++] = way->recipients[i].certificate;
        else
            return error_set(error, ERROR_CONFIGURATION, "no certificate for %s, whose copy must be encrypted",
                             way->envelope->recipients[i].text);
    if (!smime_encrypt(certificates, count, options, entity, &out, error))
        return false;
    entity_clear(entity);
    *entity = out;
    return true;
}

static bool put_layers(const struct way_out *way, struct entity *entity, struct result *result, struct error *error)
{
    struct sign_options sign = {0};
    struct encrypt_options encrypt = {0};
    bool null_signature = false, reencrypt = false;
    const struct plan *plan = &way->plan;
    size_t depth = depth_to_protect(way->examination, &reencrypt);

    merge_rules(way, &sign, &encrypt, &null_signature);
    if (!mime_canonical(examination_entity(way->examination, depth), &way->gateway->conf->limits, entity, error))
        return false;
    /* RFC 3183 §3 and §3.1.2: a domain signature encapsulates another one, if need be an empty one. */
    if (plan->sign && !is_signed(way->examination, depth)) {
        result->null_layer = null_signature;
        result->null_layer_omitted = !null_signature;
        if (null_signature && !put_null_layer(way, entity, error))
            return false;
    }
    if (plan->sign && !put_signature(way, &sign, entity, error))
        return false;
    if ((plan->encrypt || reencrypt) && !put_encryption(way, &encrypt, entity, error))
        return false;
    if (plan->triple && !put_signature(way, &sign, entity, error))
        return false;
    result->sign = plan->sign;
    result->encrypt = plan->encrypt || reencrypt;
    result->triple = plan->triple;
    return true;
}

static void mark_used(const struct way_out *way, struct result *result)
{
    for (size_t i = 0; i < result->recipient_count; i++)
        for (size_t j = 0; j < result->recipients[i].certificate_count; j++)
            result->recipients[i].certificates[j].used &= way->plan.encrypt;
}

static void follow_plan(struct way_out *way, struct result *result)
{
    struct entity entity = {0};
    struct error error = {0};

    mark_used(way, result);
    if (way->plan.verdict != VERDICT_ACCEPT) {
        result_decide(result, way->plan.verdict, NULL, way->plan.reason);
        return;
    }
    if (!way->plan.sign && !way->plan.encrypt) {
        result_decide(result, VERDICT_ACCEPT, NULL, way->plan.reason);
        return;
    }
    if (!put_layers(way, &entity, result, &error)) {
        entity_clear(&entity);
        result->sign = result->encrypt = result->triple = false;
        if (error.kind == ERROR_PERMANENT)
            result_decide(result, VERDICT_REJECT, "5.6.0", error.text);
        else
            result_fail(result, &error);
        return;
    }
    edits_replace_entity(&result->edits, way->message, &entity);
    edits_finish(&result->edits);
    /* What was signed in place may lie in a layer that the examination opened; what was encrypted is a copy. */
    if (result->encrypt)
        message_forget(way->message);
    else
        rope_own(result->edits.body, steal(&way->examination), (void (*)(void *))examination_free);
    result_decide(result, VERDICT_ACCEPT, NULL, way->plan.reason);
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
    way.examination = examine(gateway, message, policy_rule(gateway->conf, from_domain(&way)), &way.originator, at);
    if (way.examination->failure.kind == ERROR_PERMANENT)
        result_decide(result, VERDICT_REJECT, "5.6.0", way.examination->failure.text);
    else if (way.examination->failure.kind != ERROR_NONE)
        result_fail(result, &way.examination->failure);
    else {
        gather(&way, result);
        result_take_examination(result, way.examination);
        follow_plan(&way, result);
    }
    way_out_clear(&way);
    return result;
}

struct result *gateway_explain(struct gateway *gateway, const struct envelope *envelope, const char *from, time_t at)
{
    struct result *result = result_new(DIRECTION_OUTBOUND);
    struct way_out way = {.gateway = gateway, .envelope = envelope, .at = at};

    way.recipients = g_new0(struct recipient_facts, envelope->recipient_count + 1);
    originator_from_text(from, &way.originator);
    if (way.originator.from.count > 0)
        result->from = g_strdup(way.originator.from.list[0].text);
    gather(&way, result);
    mark_used(&way, result);
    result->sign = way.plan.sign;
    result->encrypt = way.plan.encrypt;
    result->triple = way.plan.triple;
    result_decide(result, way.plan.verdict, NULL, way.plan.reason);
    way_out_clear(&way);
    return result;
}
