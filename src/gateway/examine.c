/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examine: takes a message's layers apart from the outside in, as long as a layer covers the whole body; then looks for
 * signed or encrypted parts among other parts. Those are partial: a verdict on a part is no verdict on the message.
 * What is encrypted beside other parts is decrypted only on its way out, for the signatures in it (RFC 3183 §3.2):
 * nothing of it goes into a message, where it would leak (EFAIL). Where the message is a multipart/mixed of nothing but
 * one encrypted part, as some gateways and mailing lists send it on, nothing is beside it: it is a layer around the
 * whole. What the layers are worth is judged in policy/.
 */
#include "examine.h"

#include "gateway/gateway.h"
#include "malleable.h"

#include <string.h>

#define COST_RECIPIENT 500 /* a recipient of the message that is compared with the addresses of an identity */

static void walk(const struct examine_options *options, struct examination *examination);

static struct examined_layer *add_layer(struct examination *examination, const struct layer *layer, char *part)
{
    examination->layers = g_renew(struct examined_layer, examination->layers, examination->count + 1);
    struct examined_layer *examined = &examination->layers[examination->count++];
    *examined = (struct examined_layer){.layer = *layer, .part = part};
    return examined;
}

/* "1" for the outermost, "1.1" for what is inside it … */
static char *layer_path(size_t depth)
{
    GString *path = g_string_new("1");
    for (size_t i = 0; i < depth; i++)
        g_string_append(path, ".1");
    return g_string_free(path, FALSE);
}

/* Software that skips the canonical form (RFC 8551 §3.1.1) puts lines that end in LF inside. The layer was verified or
 * decrypted as it is; only what is read and delivered from here on has CRLF. */
static bool make_canonical(struct examined_layer *examined, const struct limits *limits, struct budget *budget,
                           struct slice *inner, struct error *error)
{
    struct slice header, body;
    if (!part_split(*inner, &header, &body) ? memmem(inner->data, inner->len, "\n\n", 2) == NULL
                                            : mime_is_canonical(header))
        return true;
    if (!budget_spend(budget, 2 * inner->len * COST_DECODED, error)) /* LF by LF it gets twice as long */
        return false;
    examined->spool = mime_from_unix(*inner, limits, inner, error);
    return examined->spool != NULL;
}

/* In place of noise: the right key would have shown a text with a header. */
static void stand_in(const struct examined_layer *examined, struct slice *header, struct slice *body)
{
    *header = slice_of("Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n");
    *body = examined->source->body;
    body->len = MIN(body->len, examined->layer.inner.len);
}

/* An inner entity whose header is not one is all body (a CMS of other software may hold bare text). */
static struct part *parse_inner(struct examined_layer *examined, const struct limits *limits, struct budget *budget,
                                struct error *error)
{
    struct slice inner = examined->layer.inner, header, body;
    struct fields fields = {0};
    if (examined->layer.noise)
        stand_in(examined, &header, &body);
    else if (!make_canonical(examined, limits, budget, &inner, error))
        return NULL;
    else if (!part_split(inner, &header, &body))
        return part_parse_paid(SLICE_NONE, inner, limits, budget, error);
    if (!fields_parse(header, limits, &fields, error))
        return NULL;
    bool bare = fields.junk.len > 0;
    fields_clear(&fields);
    return bare ? part_parse_paid(SLICE_NONE, inner, limits, budget, error)
                : part_parse_paid(header, body, limits, budget, error);
}

static struct budget *account_of(const struct examine_options *options, bool inside)
{
    return inside ? &options->accounts->inside : &options->accounts->visible;
}

/* Whatever kind of failure, the text is kept; one of ours ends the message. */
static void note_failure(struct examination *examination, const struct error *error)
{
    if (error->kind != ERROR_NONE && error->kind != ERROR_PERMANENT)
        examination->failure = *error;
}

/* What it costs shows to everyone, whatever the key would open. */
static bool admits(const void *context, const struct identity *identity)
{
    const struct examine_options *options = context;
    const struct envelope *envelope = options->envelope;
    struct error ignored = {0};
    return identity->conf->role != ROLE_MAILBOX ||
           (budget_spend(&options->accounts->visible, envelope->recipient_count * COST_RECIPIENT, &ignored) &&
            policy_may_open(identity->conf, options->direction, envelope->recipients, envelope->recipient_count));
}

static struct open_options how_to_open(const struct examine_options *options, bool inside)
{
    return (struct open_options){.limits = options->limits,
                                 .keys = options->keys,
                                 .at = options->at,
                                 .admits = options->envelope != NULL ? admits : NULL,
                                 .admits_context = options,
                                 .budget = account_of(options, inside)};
}

static void count_work(const struct examine_options *options, const struct layer *layer)
{
    options->work->layers++;
    for (size_t i = 0; i < layer->facts.signer_count; i++)
        options->work->signatures += layer->facts.signers[i].tried;
}

/* Records what is true of the attempt whether or not it succeeded. */
static void note_attempt(const struct examine_options *options, struct examination *examination,
                         struct examined_layer *examined)
{
    if (examined->layer.facts.authenticated)
        return;
    if (options->refuses_cbc) {
        examined->opened = OPENED_FAILED;
        error_set(&examined->error, ERROR_PERMANENT,
                  "encrypted without protection against changes (%s), which the rule does not accept",
                  examined->layer.facts.cipher);
    } else {
        examination->malleable = true;
    }
}

static struct examination *vain_of(struct examination *examination, size_t depth)
{
    struct examination *vain = g_new0(struct examination, 1);
    vain->depth = depth;
    vain->inside = true;
    vain->malleable = true;
    vain->next_vain = examination->vain;
    examination->vain = vain;
    return vain;
}

/* What came out of a decryption that failed is worked through like what is good, here and in the lookups, and nothing
 * of it is kept: so the time that an answer takes does not tell which it was. */
static void work_in_vain(const struct examine_options *options, struct examination *examination, size_t index,
                         const struct error *inner_error)
{
    struct examined_layer *examined = &examination->layers[index];
    struct examination *vain = vain_of(examination, examination->depth + examination->count);
    vain->root = steal(&examined->inner);
    vain->vain_identity = steal(&examined->layer.identity);
    if (vain->root != NULL)
        walk(options, vain);
    else
        vain->failure = *inner_error;
    note_failure(examination, &vain->failure);
    examined->layer.inner = SLICE_NONE;
}

/* Some mail servers put a multipart/mixed around what was encrypted as a whole. With nothing beside it there is nothing
 * that its content could be mixed with. NULL: part is not such a multipart, or lies in a layer, where no mail server
 * has been. */
static const struct part *encrypted_alone(const struct examine_options *options, const struct examination *examination,
                                          const struct part *part)
{
    bool may_be = options->opens_alone && part == examination->root && examination->depth == 0;
    const struct part *alone = may_be ? part_alone(part) : NULL;
    return alone != NULL && part_is_pkcs7_mime(alone) && !part_is_named_as_document(alone) ? alone : NULL;
}

/* Opens one layer; returns the entity inside, or NULL when the walk ends here. */
static const struct part *walk_layer(const struct examine_options *options, struct examination *examination,
                                     const struct part *part)
{
    const struct limits *limits = options->limits;
    struct layer layer = {0};
    struct error error = {0}, inner_error = {0};
    bool inside = examination->inside;
    const struct open_options how = how_to_open(options, inside);
    const struct part *alone = encrypted_alone(options, examination, part);
    part = alone != NULL ? alone : part;
    enum opened opened = (alone != NULL ? smime_open_encrypted : smime_open)(part, &how, &layer, &error);
    if (opened == OPENED_NOT_SMIME)
        return NULL;
    count_work(options, &layer);
    size_t index = examination->count;
    struct examined_layer *examined = add_layer(examination, &layer, layer_path(index));
    examined->inside = inside;
    examination->inside |= layer.facts.attempted > 0;
    examination->whole = examination->count;
    examined->source = part;
    examined->opened = opened;
    examined->error = error;
    if ((opened == OPENED || opened == OPENED_BROKEN) && examination->depth + examination->count > limits->layers) {
        examined->opened = OPENED_FAILED;
        error_set(&examined->error, ERROR_PERMANENT, "more than %u S/MIME layers", limits->layers);
    }
    if (examined->opened == OPENED && examination->malleable && malleable_is_open_ended(part, &layer.facts)) {
        examined->opened = OPENED_FAILED;
        error_set(&examined->error, ERROR_PERMANENT,
                  "unsigned attributes inside encryption without protection against changes");
    }
    if (layer.facts.attempted)
        note_attempt(options, examination, examined);
    if ((examined->opened == OPENED || examined->opened == OPENED_BROKEN) && layer.inner.data != NULL)
        examined->inner = parse_inner(examined, limits, account_of(options, examination->inside), &inner_error);
    bool noise = layer.facts.attempted && !layer.facts.authenticated && malleable_has_noise(examined->inner);
    if (examined->opened == OPENED && noise) {
        examined->opened = OPENED_BROKEN;
        error_set(&examined->error, ERROR_PERMANENT, SMIME_CANNOT_DECRYPT);
    }
    if (examined->opened == OPENED_BROKEN)
        work_in_vain(options, examination, index, &inner_error);
    else if (examined->opened == OPENED && layer.inner.data != NULL && examined->inner == NULL)
        examined->error = inner_error;
    note_failure(examination, &examined->error);
    return examined->opened == OPENED ? examined->inner : NULL;
}

/* --- parts among other parts --- */

static void note_too_many(const struct examine_options *options, struct examination *examination, bool by_our_key)
{
    const struct layer unopened = {.facts.type = LAYER_SIGNED};
    struct examined_layer *examined = add_layer(examination, &unopened, layer_path(examination->whole));
    examined->partial = examined->over_limit = true;
    examined->by_our_key = by_our_key;
    examined->opened = OPENED_FAILED;
    error_set(&examined->error, ERROR_PERMANENT, "more than %u signed or encrypted parts", options->limits->layers);
}

/* Each is a verification of its own: a message with hundreds of them must not keep us busy for minutes. The first that
 * is not looked at says so, and then none of them counts as good. Whether a part that everyone sees is looked at does
 * not depend on what our key opens beside it: a stranger must not learn of that. */
static bool too_many_partial(const struct examine_options *options, struct examination *examination, bool by_our_key)
{
    unsigned limit = options->limits->layers;
    bool too_many = examination->partial_count >= limit;
    if (!by_our_key && examination->visible_count >= limit) {
        if (examination->visible_count++ == limit)
            note_too_many(options, examination, false);
        return true;
    }
    if (too_many && examination->partial_count++ == limit)
        note_too_many(options, examination, true);
    return too_many && by_our_key;
}

static void walk_parts(const struct examine_options *options, struct examination *examination, const struct part *part,
                       const char *path, bool by_our_key);

/* What is inside a part: a signature in there that does not hold is one of the message, too (RFC 3183 §3.2). The layer
 * is in `home`, what is found in it goes to `examination`. */
static void walk_inside(const struct examine_options *options, struct examined_layer *examined,
                        struct examination *examination, bool by_our_key)
{
    g_autofree char *within = g_strconcat(examined->part, ".1", NULL);
    struct error error = {0};
    struct budget *budget = account_of(options, examination->inside || by_our_key);
    struct part *inner = examined->inner = parse_inner(examined, options->limits, budget, &error);
    if (inner == NULL) {
        examined->error = error;
        note_failure(examination, &error);
        return;
    }
    walk_parts(options, examination, inner, within, by_our_key); /* may move the layers */
}

/* work_in_vain() for a part. Parts that are too many in there are still counted; the next one says so. */
static void walk_in_vain(const struct examine_options *options, struct examination *examination, size_t index,
                         bool by_our_key)
{
    struct examined_layer copy = examination->layers[index];
    struct examination *vain = vain_of(examination, examination->depth);
    vain->partial_count = examination->partial_count;
    walk_inside(options, &copy, vain, by_our_key);
    examination->layers[index].inner = copy.inner;
    examination->layers[index].spool = copy.spool;
    examination->partial_count = MIN(vain->partial_count, options->limits->layers);
    note_failure(examination, &vain->failure);
}

/* A signature over one part among others authenticates that part, never the message. */
static void walk_parts(const struct examine_options *options, struct examination *examination, const struct part *part,
                       const char *path, bool by_our_key)
{
    struct layer layer = {0};
    struct error error = {0};
    if (!part_is_pkcs7_mime(part) && !part_is_multipart_signed(part)) {
        for (size_t i = 0; i < part->child_count; i++)
            walk_parts(options, examination, &part->children[i], path, by_our_key);
        return;
    }
    if (too_many_partial(options, examination, by_our_key))
        return;
    bool inside = examination->inside || by_our_key;
    struct open_options how = how_to_open(options, inside);
    how.keys = options->opens_parts ? options->keys : NULL;
    enum opened opened = smime_open_part(part, &how, &layer, &error);
    if (opened == OPENED_NOT_SMIME)
        return;
    count_work(options, &layer);
    size_t index = examination->count;
    struct examined_layer *examined =
        add_layer(examination, &layer, part->id[0] != '\0' ? g_strconcat(path, ".", part->id, NULL) : g_strdup(path));
    examination->partial_count++;
    examination->visible_count += !by_our_key;
    examined->partial = true;
    examined->inside = inside;
    examined->by_our_key = by_our_key;
    examined->source = part;
    examined->opened = opened;
    examined->error = error;
    if (opened == OPENED_FAILED)
        note_failure(examination, &error);
    bool inside_is_ours = by_our_key || layer_is_encrypted(&layer.facts);
    if (opened == OPENED_BROKEN) {
        walk_in_vain(options, examination, index, inside_is_ours);
    } else if (opened == OPENED && layer.inner.data != NULL) {
        struct examined_layer copy = *examined;
        walk_inside(options, &copy, examination, inside_is_ours);
        examination->layers[index] = copy;
    }
}

/* From the root inwards. */
static void walk(const struct examine_options *options, struct examination *examination)
{
    const struct part *innermost = examination->root;
    for (const struct part *part = innermost; part != NULL; part = walk_layer(options, examination, part))
        innermost = part;
    if (examination->count == 0 || examination->layers[examination->count - 1].inner == innermost) {
        g_autofree char *path = layer_path(examination->count);
        walk_parts(options, examination, innermost, path, false);
    }
}

struct examination *examine(const struct examine_options *options, const struct message *message)
{
    struct examination *examination = g_new0(struct examination, 1);
    struct examine_options counting = *options;
    counting.work = &examination->work;
    if (message == NULL)
        return examination;
    examination->root = part_parse_message(message, options->limits, account_of(options, false), &examination->failure);
    if (examination->root != NULL)
        walk(&counting, examination);
    return examination;
}

static void layers_free(struct examination *examination)
{
    for (size_t i = examination->count; i > 0; i--) {
        struct examined_layer *examined = &examination->layers[i - 1];
        part_free(examined->inner);
        spool_free(examined->spool);
        layer_clear(&examined->layer);
        g_free(examined->part);
    }
    g_free(examination->layers);
}

void examination_free(struct examination *examination)
{
    if (examination == NULL)
        return;
    /* What was worked through in vain lies in the layers of the rest. */
    while (examination->vain != NULL) {
        struct examination *vain = examination->vain;
        examination->vain = steal(&vain->next_vain);
        examination_free(vain);
    }
    layers_free(examination);
    part_free(examination->root);
    g_free(examination);
}

const struct part *examination_entity(const struct examination *examination, size_t depth)
{
    if (depth == 0)
        return examination->root;
    return depth <= examination->whole ? examination->layers[depth - 1].inner : NULL;
}

const struct examination *examination_in_vain(const struct examination *examination)
{
    size_t whole = examination->whole;
    return whole > 0 && examination->layers[whole - 1].opened == OPENED_BROKEN ? examination->vain : NULL;
}

const struct part *examination_if_opened(const struct examination *examination, size_t depth)
{
    const struct examination *vain = examination_in_vain(examination);
    if (vain != NULL && depth >= examination->whole)
        return examination_if_opened(vain, depth - examination->whole);
    return examination_entity(examination, depth);
}
