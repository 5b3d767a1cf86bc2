/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examine: walks from the outermost S/MIME layer inwards as long as a layer covers the whole body, then looks for
 * signed or encrypted parts among other parts: those are reported as partial and count for nothing (a verdict on a part
 * is no verdict on the message). What is encrypted beside other parts is decrypted only on its way out, for the
 * signatures in it (RFC 3183 §3.2): nothing of it goes into a message, where it would leak (EFAIL).
 */
#include "internal.h"

#include <string.h>

static void walk(const struct judge *judge, struct examination *examination);

static struct examined_layer *add_layer(struct examination *examination)
{
    examination->layers = g_renew(struct examined_layer, examination->layers, examination->layer_count + 1);
    struct examined_layer *layer = &examination->layers[examination->layer_count++];
    memset(layer, 0, sizeof(*layer));
    return layer;
}

static struct reported_layer *add_report(struct examination *examination, enum layer_type type)
{
    examination->reported = g_renew(struct reported_layer, examination->reported, examination->reported_count + 1);
    struct reported_layer *reported = &examination->reported[examination->reported_count++];
    memset(reported, 0, sizeof(*reported));
    reported->type = type;
    return reported;
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
static bool make_canonical(struct examined_layer *examined, const struct limits *limits, struct slice *inner,
                           struct error *error)
{
    struct slice header, body;
    bool changed;
    if (!part_split(*inner, &header, &body) ? memmem(inner->data, inner->len, "\n\n", 2) == NULL
                                            : mime_is_canonical(header))
        return true;
    examined->spool = spool_new(limits);
    return mime_line_ends(*inner, examined->spool, &changed, error) && spool_finish(examined->spool, inner, error);
}

/* An inner entity that begins without header fields is all body (a CMS of other software may hold bare text). */
static struct part *parse_inner(struct examined_layer *examined, const struct limits *limits, struct error *error)
{
    struct slice inner = examined->layer.inner, header, body;
    struct fields fields = {0};
    if (!make_canonical(examined, limits, &inner, error))
        return NULL;
    if (!part_split(inner, &header, &body))
        return part_parse(SLICE_NONE, inner, limits, error);
    if (!fields_parse(header, limits, &fields, error))
        return NULL;
    bool bare = header.len > 0 && (fields.count == 0 || fields.junk.len > 0);
    fields_clear(&fields);
    return bare ? part_parse(SLICE_NONE, inner, limits, error) : part_parse(header, body, limits, error);
}

static void note_bad_signature(struct examination *examination, const struct reported_layer *reported)
{
    if (reported->signer_count > 0 && reported->finding.outcome != OUTCOME_PASS &&
        examination->bad_signature[0] == '\0')
        g_strlcpy(examination->bad_signature, reported->finding.reason, sizeof(examination->bad_signature));
}

static void judge_opened(const struct judge *judge, struct examination *examination, struct examined_layer *examined,
                         struct reported_layer *reported)
{
    const struct layer *layer = &examined->layer;
    examined->holds = true;
    if (layer->facts.type == LAYER_SIGNED) {
        judge_signed(judge, layer, reported);
        for (size_t i = 0; i < layer->facts.signer_count; i++)
            examined->holds &= layer->facts.signers[i].valid;
        note_bad_signature(examination, reported);
    } else if (layer->facts.type == LAYER_COMPRESSED) {
        finding_set(&reported->finding, OUTCOME_NONE, "compressed, opened");
    } else {
        examination->decrypted = true;
        finding_set(&reported->finding, layer->facts.weak ? OUTCOME_POLICY : OUTCOME_PASS,
                    "decrypted with the key of %s%s%s%s",
                    layer->identity != NULL ? layer->identity->conf->domain : "this gateway",
                    layer->facts.weak ? "; weak cipher " : "", layer->facts.weak ? layer->facts.cipher : "",
                    layer->facts.authenticated ? "" : "; the encryption does not protect against changes");
        judge_encrypted(judge, layer, &reported->finding);
    }
}

/* Nobody knows then whether the signatures in it hold. */
static void note_unseen(struct examination *examination, const struct error *error)
{
    if (examination->bad_signature[0] == '\0')
        g_strlcpy(examination->bad_signature, error->text, sizeof(examination->bad_signature));
}

static void report_shut(struct examination *examination, enum opened opened, const struct layer *layer,
                        struct reported_layer *reported, const struct error *error)
{
    bool encrypted = layer_is_encrypted(&layer->facts);
    if (opened == OPENED_NO_KEY) {
        finding_set(&reported->finding, OUTCOME_NEUTRAL, "encrypted, and none of our keys is a recipient");
    } else if (error->kind != ERROR_PERMANENT) {
        examination->failure = *error;
        finding_set(&reported->finding, OUTCOME_TEMPERROR, "%s", error->text);
    } else {
        finding_set(&reported->finding, encrypted ? OUTCOME_FAIL : OUTCOME_PERMERROR, "%s", error->text);
        reported->shut = !encrypted;
        if (!encrypted)
            note_unseen(examination, error);
    }
    examination->spoiled |= encrypted && opened != OPENED_NO_KEY && examination->malleable;
    if (opened == OPENED_NO_KEY || encrypted) {
        examination->undecryptable = true;
        g_strlcpy(examination->undecryptable_reason, reported->finding.reason,
                  sizeof(examination->undecryptable_reason));
    }
}

/* Before anything is made of whether it opened: what holds in either case. */
static void note_attempt(struct examination *examination, const struct rule *rule, const struct layer_facts *layer,
                         enum opened *opened, struct error *error)
{
    examination->weakly_encrypted |= layer->weak;
    if (layer->authenticated)
        return;
    if (rule->inbound.require_authenticated_encryption) {
        *opened = OPENED_FAILED;
        error_set(error, ERROR_PERMANENT,
                  "encrypted without protection against changes (%s), which the rule does not accept", layer->cipher);
    } else {
        examination->malleable = true;
    }
}

/* What came out of a decryption that failed is worked through like what is good, and nothing of it is kept: so the time
 * that an answer takes does not tell which it was. */
static void work_in_vain(const struct judge *judge, struct examination *examination, struct examined_layer *examined,
                         const struct error *inner_error)
{
    owned(examination) struct examination *vain = g_new0(struct examination, 1);
    vain->depth = examination->depth + examination->layer_count;
    vain->root = steal(&examined->inner);
    if (vain->root != NULL)
        walk(judge, vain);
    else if (inner_error->kind != ERROR_PERMANENT)
        vain->failure = *inner_error;
    examination->failure = vain->failure;
    examined->layer.inner = SLICE_NONE;
    examined->layer.identity = NULL;
}

static bool lacks_certificate(const struct layer_facts *layer)
{
    for (size_t i = 0; i < layer->signer_count; i++)
        if (!layer->signers[i].has_certificate)
            return true;
    return false;
}

static enum opened open_counted(const struct judge *judge, const struct part *part, const struct keys *keys,
                                STACK_OF(X509) * known, struct layer *layer, struct error *error)
{
    enum opened opened = smime_open(part, keys, known, &judge->gateway->conf->limits, layer, error);
    judge->work->layers += opened != OPENED_NOT_SMIME;
    for (size_t i = 0; i < layer->facts.signer_count; i++)
        judge->work->signatures += layer->facts.signers[i].tried;
    return opened;
}

/* Once more with the certificates that we know, if one of the signers has none in the message. */
static enum opened open_layer(const struct judge *judge, const struct part *part, const struct keys *keys,
                              struct layer *layer, struct error *error)
{
    enum opened opened = open_counted(judge, part, keys, NULL, layer, error);
    if (opened != OPENED || !lacks_certificate(&layer->facts))
        return opened;
    owned(x509_stack) STACK_OF(X509) *known =
        correspondents_known(judge->gateway, judge->rule, judge->originator, error);
    if (known == NULL)
        return OPENED_FAILED;
    if (sk_X509_num(known) == 0)
        return opened;
    layer_clear(layer);
    return open_counted(judge, part, keys, known, layer, error);
}

/* Opens one layer; returns the entity inside, or NULL when the walk ends here. */
static const struct part *walk_layer(const struct judge *judge, struct examination *examination,
                                     const struct part *part)
{
    const struct limits *limits = &judge->gateway->conf->limits;
    struct layer layer = {0};
    struct error error = {0}, inner_error = {0};
    enum opened opened = open_layer(judge, part, judge->gateway->keys, &layer, &error);
    if (opened == OPENED_NOT_SMIME)
        return NULL;

    struct reported_layer *reported = add_report(examination, layer.facts.type);
    struct examined_layer *examined = add_layer(examination);
    examined->layer = layer;
    reported->part = layer_path(examination->layer_count - 1);
    if ((opened == OPENED || opened == OPENED_BROKEN) &&
        examination->depth + examination->layer_count > limits->layers) {
        opened = OPENED_FAILED;
        error_set(&error, ERROR_PERMANENT, "more than %u S/MIME layers", limits->layers);
    }
    if (opened == OPENED && examination->malleable && malleable_is_open_ended(part, &layer.facts)) {
        opened = OPENED_FAILED;
        error_set(&error, ERROR_PERMANENT,
                  "unsigned attributes in what is encrypted without protection against changes");
    }
    if (layer.facts.attempted)
        note_attempt(examination, judge->rule, &layer.facts, &opened, &error);
    if ((opened == OPENED || opened == OPENED_BROKEN) && layer.inner.data != NULL)
        examined->inner = parse_inner(examined, limits, &inner_error);
    if (opened == OPENED && layer.facts.attempted && !layer.facts.authenticated &&
        malleable_has_noise(examined->inner)) {
        opened = OPENED_BROKEN;
        error_set(&error, ERROR_PERMANENT, SMIME_CANNOT_DECRYPT);
    }
    if (opened == OPENED_BROKEN)
        work_in_vain(judge, examination, examined, &inner_error);
    if (opened != OPENED) {
        report_shut(examination, opened, &layer, reported, &error);
        return NULL;
    }
    examined->opened = true;
    judge_opened(judge, examination, examined, reported);
    if (layer.inner.data != NULL && examined->inner == NULL) {
        examined->opened = examined->holds = false;
        report_shut(examination, OPENED_FAILED, &layer, reported, &inner_error);
    }
    return examined->inner;
}

/* Each is a verification of its own: a message with hundreds of them must not keep us busy for minutes. The first that
 * is not looked at says so, and none of them counts as good. */
static bool too_many_partial(const struct judge *judge, struct examination *examination)
{
    unsigned limit = judge->gateway->conf->limits.layers;
    if (examination->partial_count < limit)
        return false;
    if (examination->partial_count++ > limit)
        return true;
    struct reported_layer *reported = add_report(examination, LAYER_SIGNED);
    reported->partial = true;
    reported->part = layer_path(examination->layer_count);
    finding_set(&reported->finding, OUTCOME_PERMERROR, "more than %u signed or encrypted parts", limit);
    g_strlcpy(examination->bad_signature, reported->finding.reason, sizeof(examination->bad_signature));
    return true;
}

static void report_partial(const struct judge *judge, struct examination *examination, const struct part *part,
                           const char *path);

/* What is inside a part: a signature in there that does not hold is one of the message, too (RFC 3183 §3.2). */
static void report_inside(const struct judge *judge, struct examination *examination, const struct layer *layer,
                          const char *path)
{
    struct examined_layer examined = {.layer = *layer}; /* lent */
    g_autofree char *within = g_strconcat(path, ".1", NULL);
    struct error error = {0};
    examined.inner = parse_inner(&examined, &judge->gateway->conf->limits, &error);
    if (examined.inner != NULL)
        report_partial(judge, examination, examined.inner, within);
    else if (error.kind != ERROR_PERMANENT)
        examination->failure = error;
    else
        note_unseen(examination, &error);
    part_free(examined.inner);
    spool_free(examined.spool);
}

/* work_in_vain() for a part. Parts that are too many in there are still counted; the next one says so. */
static void report_in_vain(const struct judge *judge, struct examination *examination, const struct layer *layer,
                           const char *path)
{
    owned(examination) struct examination *vain = g_new0(struct examination, 1);
    vain->partial_count = examination->partial_count;
    report_inside(judge, vain, layer, path);
    examination->partial_count = MIN(vain->partial_count, judge->gateway->conf->limits.layers);
    if (vain->failure.kind != ERROR_NONE)
        examination->failure = vain->failure;
}

static void judge_partial(const struct judge *judge, struct examination *examination, enum opened opened,
                          const struct layer *layer, struct reported_layer *reported, const struct error *error)
{
    if (opened == OPENED && layer->facts.type == LAYER_SIGNED)
        judge_signed(judge, layer, reported);
    else if (opened == OPENED)
        finding_set(&reported->finding, OUTCOME_NEUTRAL, "%s part among other parts",
                    layer->facts.type == LAYER_COMPRESSED ? "a compressed" : "an encrypted");
    else if (opened == OPENED_NO_KEY)
        finding_set(&reported->finding, OUTCOME_NEUTRAL, "an encrypted part among other parts is not decrypted");
    else
        finding_set(&reported->finding, OUTCOME_NEUTRAL, "a part that cannot be opened by itself: %s", error->text);
    if (opened == OPENED_FAILED && error->kind != ERROR_PERMANENT)
        examination->failure = *error;
    reported->shut = opened == OPENED_FAILED && !layer_is_encrypted(&layer->facts);
    if (reported->shut && error->kind == ERROR_PERMANENT)
        note_unseen(examination, error);
    note_bad_signature(examination, reported);
    /* Not TEMPERROR either: at no other time is it about the whole message. */
    if (reported->finding.outcome == OUTCOME_TEMPERROR)
        reported->finding.outcome = OUTCOME_NEUTRAL;
    if (reported->finding.outcome == OUTCOME_PASS)
        finding_set(&reported->finding, OUTCOME_NEUTRAL, "the signature covers only part %s of the message",
                    reported->part);
}

/* A signature over one part among others authenticates that part, never the message. */
static void report_partial(const struct judge *judge, struct examination *examination, const struct part *part,
                           const char *path)
{
    struct layer layer = {0};
    struct error error = {0};
    if (!part_is_pkcs7_mime(part) && !part_is_multipart_signed(part)) {
        for (size_t i = 0; i < part->child_count; i++)
            report_partial(judge, examination, &part->children[i], path);
        return;
    }
    if (too_many_partial(judge, examination))
        return;
    enum opened opened = open_layer(judge, part, judge->outbound ? judge->gateway->keys : NULL, &layer, &error);
    if (opened == OPENED_NOT_SMIME)
        return;
    struct reported_layer *reported = add_report(examination, layer.facts.type);
    g_autofree char *inside = part->id[0] != '\0' ? g_strconcat(path, ".", part->id, NULL) : g_strdup(path);
    examination->partial_count++;
    reported->partial = true;
    reported->part = g_strdup(inside);
    judge_partial(judge, examination, opened, &layer, reported, &error);
    if (opened == OPENED_BROKEN)
        report_in_vain(judge, examination, &layer, inside);
    else if (opened == OPENED && layer.inner.data != NULL)
        report_inside(judge, examination, &layer, inside);
    layer_clear(&layer);
}

/* From the root inwards. */
static void walk(const struct judge *judge, struct examination *examination)
{
    const struct part *innermost = examination->root;
    for (const struct part *part = innermost; part != NULL; part = walk_layer(judge, examination, part))
        innermost = part;
    if (examination->layer_count == 0 || examination->layers[examination->layer_count - 1].inner == innermost) {
        g_autofree char *path = layer_path(examination->layer_count);
        report_partial(judge, examination, innermost, path);
    }
}

struct examination *examine(const struct judge *judge, const struct message *message)
{
    owned(examination) struct examination *examination = g_new0(struct examination, 1);
    struct judge counting = *judge;
    struct error error = {0};
    counting.work = &examination->work;
    examination->root =
        part_parse(message_header(message), message_body(message), &judge->gateway->conf->limits, &error);
    if (examination->root == NULL) {
        examination->failure = error;
        finding_set(&examination->domain, OUTCOME_PERMERROR, "%s", error.text);
        finding_set(&examination->originator, OUTCOME_PERMERROR, "%s", error.text);
        return steal(&examination);
    }
    walk(&counting, examination);
    examination_sum_up(examination, judge->originator);
    return steal(&examination);
}

void examination_free(struct examination *examination)
{
    if (examination == NULL)
        return;
    for (size_t i = examination->layer_count; i > 0; i--) {
        part_free(examination->layers[i - 1].inner);
        spool_free(examination->layers[i - 1].spool);
        layer_clear(&examination->layers[i - 1].layer);
    }
    g_free(examination->layers);
    reported_layers_free(examination->reported, examination->reported_count);
    part_free(examination->root);
    g_free(examination->domain_name);
    g_free(examination->originator_name);
    g_free(examination);
}

const struct part *examination_entity(const struct examination *examination, size_t depth)
{
    if (depth == 0)
        return examination->root;
    return depth <= examination->layer_count ? examination->layers[depth - 1].inner : NULL;
}
