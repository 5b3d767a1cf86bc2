/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protect: puts the layers of a plan around a message.
 *
 *     entity ─▶ [empty layer] ─▶ [review] ─▶ [attributes] ─▶ domain signature ─▶ encryption ─▶ [outer signature] ─▶
 * entity
 *
 * Signatures are added by encapsulation, so that their order can be told (RFC 3183 §3). What was encrypted to our own
 * confidentiality authority, or went through a mailing list agent, is unwrapped first (§5). All that can be known
 * before the first layer is known then: how the layers are made (protection.c) and by which identities (authorities.c).
 */
#include "protection.h"

/* --- unwrapping --- */

static bool is_encrypted(const struct examined_layer *layer)
{
    return layer_is_encrypted(&layer->layer.facts);
}

static const struct carried_attributes *history_of(const struct examined_layer *examined)
{
    for (size_t i = 0; i < examined->layer.facts.signer_count; i++)
        if (examined->layer.signers[i].carried != NULL)
            return examined->layer.signers[i].carried;
    return NULL;
}

/* RFC 3183 §5. The first encrypted layer ends the search: the signatures outside it come off with it. A mailing list
 * agent's signature before it comes off too, and its attributes are remembered for a new one. Without either, nothing
 * comes off. */
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

static bool is_signed(const struct examination *examination, size_t depth)
{
    return depth < examination->layer_count && examination->layers[depth].opened &&
           examination->layers[depth].layer.facts.type == LAYER_SIGNED;
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

static bool put_signature(const struct identity *signer, const struct sign_options *options, struct entity *entity,
                          struct error *error)
{
    struct entity out = {0};
    if (!smime_sign(signer, options, entity, &out, error))
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
static bool put_signatures(const struct preparation *made, struct entity *entity, struct error *error)
{
    const struct authorities *by = &made->authorities;
    struct sign_options review = made->protection.sign, attributes = review, domain = review;
    review.types = SIGNATURE_TYPE_REVIEW;
    attributes.types = SIGNATURE_TYPE_ATTRIBUTES;
    domain.types = SIGNATURE_TYPE_DOMAIN;
    add_labels(by->attribute != NULL ? &attributes : &domain, &made->protection.labels);
    if (by->review != NULL && !put_signature(by->review, &review, entity, error))
        return false;
    if (by->attribute != NULL && !put_signature(by->attribute, &attributes, entity, error))
        return false;
    return put_signature(by->domain, &domain, entity, error);
}

static bool put_encryption(const struct way_out *way, const struct preparation *made, struct entity *entity,
                           struct error *error)
{
    struct encrypt_options options = made->protection.encrypt;
    struct entity out = {0};
    size_t count = 0;
    g_autofree X509 **certificates = g_new0(X509 *, way->envelope->recipient_count + 2); /* our own may be one more */
    for (size_t i = 0; i < way->envelope->recipient_count; i++) {
        if (way->recipients[i].certificate == NULL)
            return error_set(error, ERROR_CONFIGURATION, "no certificate for %s, whose copy must be encrypted",
                             way->envelope->recipients[i].text);
        certificates[count++] = way->recipients[i].certificate;
    }
    if (made->authorities.auditor != NULL)
        certificates[count++] = made->authorities.auditor->certificate;
    if (made->authorities.encrypter != NULL)
        options.originator = made->authorities.encrypter->certificate;
    if (!smime_encrypt(certificates, count, &options, entity, &out, error))
        return false;
    replace(entity, &out);
    return true;
}

/* The outermost signature: of triple wrapping, or the one that carries on a mailing list agent's attributes (§5, step
 * 4). */
static bool put_outer_signature(const struct preparation *made, struct entity *entity, struct error *error)
{
    struct sign_options outer = made->protection.sign;
    outer.types = SIGNATURE_TYPE_DOMAIN;
    outer.carried = made->unwrapping.history;
    return put_signature(made->authorities.domain, &outer, entity, error);
}

/* --- all of them --- */

static bool prepare(const struct way_out *way, struct preparation *made, struct error *error)
{
    *made = (struct preparation){0};
    protect_unwrap(way, &made->unwrapping);
    if (!way->plan.sign && !made->unwrapping.decrypted)
        made->unwrapping.depth = 0; /* only a new signature takes the place of the mailing list agent's */
    made->encrypt = way->plan.encrypt || made->unwrapping.reencrypt;
    protection_choose(way, &made->protection);
    return authorities_find(way, made, &made->authorities, error);
}

bool protect_foresee(const struct way_out *way, struct error *error)
{
    struct preparation made;
    return prepare(way, &made, error);
}

/* RFC 3183 §3 and §3.1.2: a domain signature encapsulates another one, if need be an empty one. */
static bool put_inner_signature(const struct way_out *way, const struct preparation *made, struct entity *entity,
                                struct result *result, struct error *error)
{
    if (is_signed(way->examination, made->unwrapping.depth))
        return true;
    result->null_layer = made->protection.null_signature;
    result->null_layer_omitted = !made->protection.null_signature;
    if (!made->protection.null_signature)
        return true;
    if (!put_null_layer(way, entity, error))
        return false;
    message_forget(way->message); /* the layer is a copy */
    return true;
}

bool protect_message(const struct way_out *way, struct entity *entity, struct result *result, struct error *error)
{
    const struct plan *plan = &way->plan;
    struct preparation made;
    if (!prepare(way, &made, error))
        return false;
    result->sign = plan->sign;
    result->encrypt = made.encrypt;
    result->triple = plan->triple;
    if (!mime_canonical(examination_entity(way->examination, made.unwrapping.depth), &way->gateway->conf->limits,
                        entity, error))
        return false;
    if (plan->sign &&
        (!put_inner_signature(way, &made, entity, result, error) || !put_signatures(&made, entity, error)))
        return false;
    if (made.encrypt && !put_encryption(way, &made, entity, error))
        return false;
    if (!plan->triple && !(plan->sign && made.unwrapping.history != NULL))
        return true;
    return put_outer_signature(&made, entity, error);
}
