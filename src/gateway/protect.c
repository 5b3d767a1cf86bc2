/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protect: puts the layers of a plan around a message that leaves.
 *
 *     entity ─▶ [author's signature or empty layer] ─▶ [review] ─▶ [attributes] ─▶ domain signature ─▶ encryption ─▶
 *     [outer signature] ─▶ entity
 *
 * Signatures are added by encapsulation, so that their order is known (RFC 3183 §3). What was encrypted to our own
 * confidentiality authority, or went through a mailing list agent, is unwrapped first (§5). Everything that could keep
 * a layer from being made was looked up before; what fails here is a failure of ours.
 */
#include "internal.h"
#include "leaving_header.h"

/* What all layers of one message need. */
struct making {
    const struct passage *passage;
    const struct plan *plan;
    const struct limits *limits;
    struct sign_options sign;
    enum own signers[OWN_COUNT]; /* from the inside out */
    size_t signer_count;
    bool has_attribute_authority;
    struct entity *entity; /* grows from the inside out */
    struct made *made;
    struct error *error;
};

/* --- layers, one call each --- */

static void replace(struct entity *entity, struct entity *with)
{
    entity_clear(entity);
    *entity = *with;
}

static bool put_null_layer(const struct making *making)
{
    struct entity out = {0};
    if (!smime_wrap_unsigned(making->limits, making->entity, &out, making->error))
        return false;
    replace(making->entity, &out);
    return true;
}

static bool put_signature(const struct making *making, enum own by, const struct sign_options *options)
{
    struct entity out = {0};
    const struct identity *signer = lookups_own(&making->passage->lookups, &making->plan->wrapping, by);
    if (signer == NULL)
        return error_set(making->error, ERROR_BUG, "a signature was planned without an identity");
    if (making->entity->fragile && options->format == FORMAT_CLEAR)
        making->made->note = "signed in opaque form, because the content has octets or lines that cannot be encoded "
                             "and that a mail server may change";
    struct sign_options fitting = *options;
    while (fitting.digest > DIGEST_SHA256 && !smime_key_takes_digest(signer->key, fitting.digest))
        fitting.digest--; /* the partner's software announced it; a digest in the file was tried at the start */
    if (!smime_sign(signer, &fitting, making->entity, &out, making->error))
        return false;
    replace(making->entity, &out);
    return true;
}

static void add_labels(struct sign_options *options, const struct labels *labels)
{
    if (labels->label.policy[0] != '\0')
        options->label = &labels->label;
    options->equivalents = labels->equivalents;
    options->equivalent_count = labels->equivalent_count;
}

static unsigned type_of(enum own signer)
{
    switch (signer) {
    case OWN_MAILBOX:
        return SIGNATURE_TYPE_ORIGINATOR;
    case OWN_REVIEW:
        return SIGNATURE_TYPE_REVIEW;
    case OWN_ATTRIBUTE:
        return SIGNATURE_TYPE_ATTRIBUTES;
    case OWN_DOMAIN:
    default:
        return SIGNATURE_TYPE_DOMAIN;
    }
}

/* So that others can harvest it; NULL: it is not announced. Ours for the author's domain is looked up for audits. */
static X509 *announced_key(const struct passage *passage)
{
    const struct identity *own = lookups_own(&passage->lookups, &passage->plan.wrapping, OWN_AUDITOR);
    return passage->gateway->conf->harvest.announce && own != NULL ? own->certificate : NULL;
}

/* RFC 3183 §3.3, §3.4, then §3.2: review and attribute signatures go inside the domain signature. The attribute
 * authority signs the label, else the last who signs. */
static bool put_signatures(const struct making *making)
{
    const struct labels *labels = &making->plan->wrapping.labels;
    for (size_t i = 0; i < making->signer_count; i++) {
        struct sign_options options = making->sign;
        enum own signer = making->signers[i];
        options.types = type_of(signer);
        options.encryption = signer == OWN_DOMAIN ? announced_key(making->passage) : NULL;
        if (signer == OWN_ATTRIBUTE || (i + 1 == making->signer_count && !making->has_attribute_authority))
            add_labels(&options, labels);
        if (!put_signature(making, signer, &options))
            return false;
    }
    return true;
}

static bool put_encryption(const struct making *making)
{
    const struct lookups *lookups = &making->passage->lookups;
    const struct wrapping *wrapping = &making->plan->wrapping;
    const struct envelope *envelope = making->passage->mail.envelope;
    struct encrypt_options options = {
        .cipher = wrapping->form.cipher, .key_transport = wrapping->form.key_transport, .limits = making->limits};
    struct entity out = {0};
    size_t count = 0;
    g_autofree X509 **certificates = g_new0(X509 *, envelope->recipient_count + 2); /* our own may be one more */
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        const struct certs_answer *answer = &lookups->answers[i].certificates;
        if (lookups->recipients[i].certificate != FOUND || answer->chosen >= answer->count)
            return error_set(making->error, ERROR_CONFIGURATION, "no certificate for %s, whose copy must be encrypted",
                             envelope->recipients[i].address.text);
        certificates[count++] = answer->list[answer->chosen].certificate;
    }
    if (wrapping->encrypt_to_self)
        certificates[count++] = lookups_own(lookups, wrapping, OWN_AUDITOR)->certificate;
    const struct identity *encrypter = lookups_own(lookups, wrapping, OWN_ENCRYPTER);
    if (making->plan->unwrapping.decrypted && wrapping->names_encrypter && encrypter != NULL)
        options.originator = encrypter->certificate;
    if (!smime_encrypt(certificates, count, &options, making->entity, &out, making->error))
        return false;
    replace(making->entity, &out);
    return true;
}

static const struct carried_attributes *history_of(const struct passage *passage)
{
    size_t index = passage->plan.unwrapping.history_layer;
    if (index == JUDGED_NO_LAYER)
        return NULL;
    const struct layer *layer =
        layer_lookup_layer(&passage->lookups.details[index], &passage->mail.examination->layers[index]);
    for (size_t i = 0; i < layer->facts.signer_count; i++)
        if (layer->signers[i].carried != NULL)
            return layer->signers[i].carried;
    return NULL;
}

/* The outermost signature: of triple wrapping, or the one that carries on a mailing list agent's attributes (§5, step
 * 4). */
static bool put_outer_signature(const struct making *making)
{
    struct sign_options outer = making->sign;
    enum own last = making->signers[making->signer_count - 1];
    outer.types = type_of(last);
    outer.carried = history_of(making->passage);
    if (!making->plan->treatment.triple && outer.carried == NULL)
        return true;
    return put_signature(making, last, &outer);
}

/* --- all of them --- */

/* Policy lets us sign around no signature that is bad or cannot be read. */
static bool is_signed(const struct passage *passage, size_t depth)
{
    const struct examination *examination = passage->mail.examination;
    return depth < examination->whole && examination->layers[depth].layer.facts.type == LAYER_SIGNED;
}

/* RFC 3183 §3 and §3.1.2: a domain signature encapsulates another one, if need be an empty one. The author's is the
 * innermost. */
static bool put_inner_signature(const struct making *making)
{
    struct made *made = making->made;
    if (making->signers[0] == OWN_MAILBOX || is_signed(making->passage, making->plan->unwrapping.depth))
        return true;
    made->null_layer = making->plan->wrapping.form.null_signature;
    made->null_layer_omitted = !made->null_layer;
    if (!made->null_layer)
        return true;
    if (!put_null_layer(making))
        return false;
    message_forget(making->passage->mail.message); /* the layer is a copy */
    return true;
}

static bool put_layers(const struct making *making)
{
    const struct plan *plan = making->plan;
    if (!leaving_header_make(making->passage, making->made, making->entity, making->error))
        return false;
    if (plan->treatment.sign && (!put_inner_signature(making) || !put_signatures(making)))
        return false;
    if (plan->treatment.encrypt && !put_encryption(making))
        return false;
    return !plan->treatment.sign || put_outer_signature(making);
}

void made_protect(struct made *made, const struct passage *passage)
{
    const struct plan *plan = &passage->plan;
    const struct form *form = &plan->wrapping.form;
    const struct conf *conf = passage->gateway->conf;
    struct entity entity = {0};
    struct making making = {
        .passage = passage,
        .plan = plan,
        .limits = &conf->limits,
        .sign = {.format = form->format, .signature = form->signature, .digest = form->digest, .limits = &conf->limits},
        .entity = &entity,
        .made = made,
        .error = &made->failure,
    };
    making.signer_count = policy_signers(&plan->treatment, &plan->wrapping, making.signers);
    for (size_t i = 0; i < making.signer_count; i++)
        making.has_attribute_authority |= making.signers[i] == OWN_ATTRIBUTE;
    if (!put_layers(&making)) {
        entity_clear(&entity);
        return;
    }
    made->treatment = plan->treatment;
    edits_replace_entity(&made->edits, passage->mail.message, &entity);
    leaving_header_edit(passage, made);
    if (!plan->client_is_ours)
        results_remove_forged(passage->gateway, passage->mail.message, &made->edits);
    split_remove_field(passage->mail.message, &made->edits);
    (void)edits_finish(&made->edits, passage->mail.message, &made->failure);
    if (plan->treatment.encrypt) /* what was encrypted is a copy */
        message_forget(passage->mail.message);
}

void made_clear(struct made *made)
{
    edits_clear(&made->edits);
    leaving_fields_clear(&made->leaving);
    fields_clear(&made->header);
    g_free(made->authentication_results);
    *made = (struct made){0};
}
