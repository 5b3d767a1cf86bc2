/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protect: puts the layers of a plan around a message.
 *
 *     entity ─▶ [empty layer] ─▶ [review] ─▶ [attributes] ─▶ domain signature ─▶ encryption ─▶ [outer signature] ─▶ entity
 *
 * Signatures are added by encapsulation, so that their order can be told (RFC 3183 §3). What was encrypted to our own
 * confidentiality authority, or went through a mailing list agent, is unwrapped first (§5). Which layers there are to be was
 * decided before.
 */
#include "gateway/internal.h"

#include <string.h>

/* How all layers of one message are made. */
struct protection {
    struct sign_options sign;
    struct encrypt_options encrypt;
    struct labels labels;
    bool null_signature, review, attributes, encrypt_to_self;
    bool names_encrypter; /* all partners follow RFC 3183; some other software cannot read an originatorInfo */
    bool is_set;
};

/* --- unwrapping --- */

static bool is_encrypted(const struct examined_layer *layer)
{
    return layer->layer.type == LAYER_ENVELOPED || layer->layer.type == LAYER_AUTHENVELOPED;
}

static const struct ess_attributes *history_of(const struct examined_layer *examined)
{
    for (size_t i = 0; i < examined->layer.signer_count; i++)
        if (examined->layer.signers[i].kept != NULL)
            return examined->layer.signers[i].kept;
    return NULL;
}

/* RFC 3183 §5. The first encrypted layer ends the search: the signatures outside it come off with it. A mailing list agent's
 * signature before it comes off too, and its attributes are remembered for a new one. Without either, nothing comes off. */
void protect_unwrap(const struct way_out *way, struct unwrapping *unwrapping)
{
    const struct examination *examination = way->examination;
    bool decrypted = false;

    *unwrapping = (struct unwrapping){0};
    if (examination == NULL || !way->authentic)
        return;
    for (size_t i = 0; i < examination->layer_count; i++) {
        const struct examined_layer *examined = &examination->layers[i];

        if (examined->inner == NULL)
            unwrapping->reencrypt |= decrypted && is_encrypted(examined);
        else if (decrypted)
            unwrapping->reencrypt |= is_encrypted(examined);
        else if (is_encrypted(examined)) {
            decrypted = unwrapping->decrypted = true;
            unwrapping->depth = i + 1;
        } else if (unwrapping->history == NULL && history_of(examined) != NULL) {
            unwrapping->history = history_of(examined);
            unwrapping->depth = i + 1;
        }
    }
}

/* §5: who encrypts again what was encrypted to this authority says so, in originatorInfo. */
static X509 *reencrypting_authority(const struct way_out *way, const struct unwrapping *unwrapping)
{
    const struct identity *own = NULL;
    struct error ignored = {0};

    if (way_out_domain(way) != NULL)
        own = keys_find(way->gateway->keys, ROLE_DOMAIN_CONFIDENTIALITY, way_out_domain(way), way->at, &ignored);
    if (own == NULL)
        own = way->examination->layers[unwrapping->depth - 1].layer.identity;
    return own->certificate;
}

static bool is_signed(const struct examination *examination, size_t depth)
{
    return depth < examination->layer_count && examination->layers[depth].opened &&
           examination->layers[depth].layer.type == LAYER_SIGNED;
}

/* --- what all rules of the recipients ask for --- */

static void first_rule(const struct way_out *way, const struct rule *rule, struct protection *protection)
{
    protection->sign.format = rule->format;
    protection->sign.signature = rule->signature;
    protection->sign.digest = rule->digest;
    protection->encrypt.cipher = rule->cipher;
    protection->encrypt.key_transport = rule->key_transport;
    protection->null_signature = rule->null_signature && rule->naming == NAMING_RFC3183;
    protection->names_encrypter = rule->naming == NAMING_RFC3183;
    labels_choose(rule, way->message, &protection->labels);
    protection->is_set = true;
}

/* One copy serves recipients under several rules: where they differ, what the software of all of them can read. */
static void another_rule(const struct way_out *way, const struct rule *rule, struct protection *protection)
{
    if (rule->format == FORMAT_CLEAR)
        protection->sign.format = FORMAT_CLEAR;
    if (rule->signature == SIGNATURE_RSA_PKCS1)
        protection->sign.signature = SIGNATURE_RSA_PKCS1;
    protection->sign.digest = MIN(protection->sign.digest, rule->digest);
    if (rule->cipher >= CIPHER_AES_128_CBC && protection->encrypt.cipher < CIPHER_AES_128_CBC)
        protection->encrypt.cipher = rule->cipher;
    if (rule->key_transport == KEY_TRANSPORT_RSA_PKCS1)
        protection->encrypt.key_transport = KEY_TRANSPORT_RSA_PKCS1;
    protection->null_signature &= rule->null_signature && rule->naming == NAMING_RFC3183;
    protection->names_encrypter &= rule->naming == NAMING_RFC3183;
    if (protection->labels.label.policy[0] == '\0')
        labels_choose(rule, way->message, &protection->labels);
}

static void merge_rules(const struct way_out *way, struct protection *protection)
{
    for (size_t i = 0; i < way->envelope->recipient_count; i++) {
        const struct rule *rule = way->recipients[i].rule;

        if (way->recipients[i].local)
            continue;
        if (protection->is_set)
            another_rule(way, rule, protection);
        else
            first_rule(way, rule, protection);
        protection->review |= rule->outbound.review;
        protection->attributes |= rule->outbound.attributes;
        protection->encrypt_to_self |= rule->outbound.encrypt_to_self;
    }
    protection->sign.limits = protection->encrypt.limits = &way->gateway->conf->limits;
}

/* --- layers, one call each --- */

static void replace(struct entity *entity, struct entity *with)
{
    entity_clear(entity);
    *entity = *with;
}

static bool put_null_layer(const struct way_out *way, struct entity *entity, struct error *error)
{
    struct entity out = {0};

    if (!smime_wrap_unsigned(&way->gateway->conf->limits, entity, &out, error))
        return false;
    replace(entity, &out);
    return true;
}

static bool stands_for_all(const struct identity *identity, const struct addresses *authors)
{
    for (size_t i = 0; i < authors->count; i++)
        if (!domain_is_within(authors->list[i].domain, identity->conf->domain))
            return false;
    return true;
}

/* The one who signs. A domain signing authority's domain MUST be that of all authors or above it (RFC 3183 §3.1.1, §3.2); for
 * the others no such rule is defined. */
static const struct identity *find_signer(const struct way_out *way, enum role role, struct error *error)
{
    const struct addresses *authors = &way->originator.from;

    if (role != ROLE_DOMAIN_SIGNING)
        return keys_find(way->gateway->keys, role, way_out_domain(way), way->at, error);
    for (size_t i = 0; i < authors->count; i++) {
        const struct identity *signer = keys_find(way->gateway->keys, role, authors->list[i].domain, way->at, error);

        if (signer == NULL || stands_for_all(signer, authors))
            return signer;
    }
    error_set(error, ERROR_PERMANENT, "no domain-signing-authority of ours stands for all authors in From");
    return NULL;
}

static bool put_signature(const struct way_out *way, enum role role, const struct sign_options *options,
                          struct entity *entity, struct error *error)
{
    struct entity out = {0};
    const struct identity *signer = find_signer(way, role, error);

    if (signer == NULL || !smime_sign(signer, options, entity, &out, error))
        return false;
    replace(entity, &out);
    return true;
}

static void add_labels(struct sign_options *options, const struct labels *labels)
{
    if (labels->label.policy[0] != '\0')
        options->label = &labels->label;
    options->equivalents = labels->equivalents;
    options->equivalent_count = labels->equivalent_count;
}

/* RFC 3183 §3.3, §3.4, then §3.2: who only adds to the message signs inside what says where it comes from. */
static bool put_signatures(const struct way_out *way, const struct protection *protection, struct entity *entity,
                           struct error *error)
{
    struct sign_options review = protection->sign, attributes = protection->sign, domain = protection->sign;
    bool labelled = protection->labels.label.policy[0] != '\0' || protection->labels.equivalent_count > 0;

    review.types = SIGNATURE_TYPE_REVIEW;
    attributes.types = SIGNATURE_TYPE_ATTRIBUTES;
    domain.types = SIGNATURE_TYPE_DOMAIN;
    add_labels(protection->attributes ? &attributes : &domain, &protection->labels);
    if (protection->review && !put_signature(way, ROLE_REVIEW, &review, entity, error))
        return false;
    if (protection->attributes && labelled && !put_signature(way, ROLE_ATTRIBUTE, &attributes, entity, error))
        return false;
    return put_signature(way, ROLE_DOMAIN_SIGNING, &domain, entity, error);
}

/* Our own confidentiality authority: the author's; for a message that we pass on for others, or without a clear author, the first
 * that there is. */
static const struct identity *auditor(const struct way_out *way, struct error *error)
{
    const struct keys *keys = way->gateway->keys;
    const char *domain = way_out_domain(way);

    if (domain != NULL && conf_is_local_domain(way->gateway->conf, domain))
        return keys_find(keys, ROLE_DOMAIN_CONFIDENTIALITY, domain, way->at, error);
    for (size_t i = 0; i < keys_count(keys); i++)
        if (keys_at(keys, i)->conf->role == ROLE_DOMAIN_CONFIDENTIALITY &&
            certificate_is_current(keys_at(keys, i)->certificate, way->at))
            return keys_at(keys, i);
    error_set(error, ERROR_CONFIGURATION, "encrypt_to_self: no identity is a %s now", role_name(ROLE_DOMAIN_CONFIDENTIALITY));
    return NULL;
}

static bool put_encryption(const struct way_out *way, const struct protection *protection, struct entity *entity,
                           struct error *error)
{
    struct entity out = {0};
    size_t count = 0;
    g_autofree X509 **certificates = g_new0(X509 *, way->envelope->recipient_count + 2); /* our own may be one more */

    for (size_t i = 0; i < way->envelope->recipient_count; i++) {
        if (way->recipients[i].certificate == NULL)
            return error_set(error, ERROR_CONFIGURATION, "no certificate for %s, whose copy must be encrypted",
                             way->envelope->recipients[i].text);
        certificates[count++] = way->recipients[i].certificate;
    }
    if (protection->encrypt_to_self) {
        const struct identity *own = auditor(way, error);
        if (own == NULL)
            return false;
        certificates[count++] = own->certificate;
    }
    if (!smime_encrypt(certificates, count, &protection->encrypt, entity, &out, error))
        return false;
    replace(entity, &out);
    return true;
}

/* The outermost signature: of triple wrapping, or the one that carries on a mailing list agent's attributes (§5, step 4). */
static bool put_outer_signature(const struct way_out *way, const struct protection *protection,
                                const struct ess_attributes *history, struct entity *entity, struct error *error)
{
    struct sign_options outer = protection->sign;

    outer.types = SIGNATURE_TYPE_DOMAIN;
    outer.add = history;
    return put_signature(way, ROLE_DOMAIN_SIGNING, &outer, entity, error);
}

bool protect_foresee(const struct way_out *way, struct error *error)
{
    const struct keys *keys = way->gateway->keys;
    const char *domain = way_out_domain(way);
    bool review = false, encrypt_to_self = false;

    for (size_t i = 0; i < way->envelope->recipient_count; i++) {
        review |= !way->recipients[i].local && way->recipients[i].rule->outbound.review;
        encrypt_to_self |= !way->recipients[i].local && way->recipients[i].rule->outbound.encrypt_to_self;
    }
    if (way->plan.sign && review && keys_find(keys, ROLE_REVIEW, domain, way->at, error) == NULL)
        return false;
    if (way->plan.sign && keys_find(keys, ROLE_DOMAIN_SIGNING, domain, way->at, error) == NULL)
        return false;
    return !way->plan.encrypt || !encrypt_to_self || auditor(way, error) != NULL;
}

bool protect_message(const struct way_out *way, struct entity *entity, struct result *result, struct error *error)
{
    struct protection protection = {0};
    struct unwrapping unwrapping;
    const struct plan *plan = &way->plan;

    protect_unwrap(way, &unwrapping);
    merge_rules(way, &protection);
    result->sign = plan->sign;
    result->encrypt = plan->encrypt || unwrapping.reencrypt;
    result->triple = plan->triple;
    if (unwrapping.decrypted && protection.names_encrypter)
        protection.encrypt.originator = reencrypting_authority(way, &unwrapping);
    if (!plan->sign && !unwrapping.decrypted)
        unwrapping.depth = 0; /* only a new signature takes the place of the mailing list agent's */
    if (!mime_canonical(examination_entity(way->examination, unwrapping.depth), &way->gateway->conf->limits, entity, error))
        return false;
    /* RFC 3183 §3 and §3.1.2: a domain signature encapsulates another one, if need be an empty one. */
    if (plan->sign && !is_signed(way->examination, unwrapping.depth)) {
        result->null_layer = protection.null_signature;
        result->null_layer_omitted = !protection.null_signature;
        if (protection.null_signature && !put_null_layer(way, entity, error))
            return false;
        if (protection.null_signature)
            message_forget(way->message); /* the layer is a copy */
    }
    if (plan->sign && !put_signatures(way, &protection, entity, error))
        return false;
    if (result->encrypt && !put_encryption(way, &protection, entity, error))
        return false;
    if (!plan->triple && !(plan->sign && unwrapping.history != NULL))
        return true;
    return put_outer_signature(way, &protection, unwrapping.history, entity, error);
}
