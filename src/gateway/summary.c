/* SPDX-License-Identifier: Apache-2.0 */
/*
 * summary: what the layers that examine.c found come to: the two results, the domain's and the person's, and which
 * layers come off. Looks at reports and findings only.
 */
#include "internal.h"

/* The result of one kind of signature: the worst that was found, since a failed check is never hidden by a good one. */
static void sum_up(struct finding *sum, const struct reported_layer *reported, const struct reported_layer **from)
{
    if (*from == NULL || outcome_is_worse(reported->finding.outcome, sum->outcome)) {
        *sum = reported->finding;
        *from = reported;
    }
}

static bool is_about_whole(const struct reported_layer *reported)
{
    return reported != NULL && !reported->partial;
}

static bool is_originators(const struct reported_layer *reported)
{
    return reported->signer_count > 0 && !reported->by_list_agent &&
           (reported->signature_types == 0 || (reported->signature_types & SIGNATURE_TYPE_ORIGINATOR));
}

/* A mailing list agent's signature with none inside is taken for the originator's, as any other. */
static void settle_list_agents(struct examination *examination)
{
    bool encapsulates = false;
    for (size_t i = examination->reported_count; i > 0; i--) {
        struct reported_layer *reported = &examination->reported[i - 1];
        if (reported->by_list_agent && !encapsulates) {
            reported->by_list_agent = false;
            if (reported->finding.outcome == OUTCOME_PASS)
                reported->finding = reported->as_originators;
            if (reported->as_originators.outcome != OUTCOME_PASS && examination->bad_signature[0] == '\0')
                g_strlcpy(examination->bad_signature, reported->as_originators.reason,
                          sizeof(examination->bad_signature));
        }
        encapsulates |= reported->signer_count > 0 && !reported->partial;
    }
}

static void tell_what_counts(struct examination *examination)
{
    bool inside = !examination->malleable;
    for (size_t i = 0; i < examination->layer_count; i++) {
        const struct layer_facts *layer = &examination->layers[i].layer.facts;
        const struct reported_layer *reported = &examination->reported[i];
        bool good = finding_holds(&reported->finding, true);
        examination->domain_counts |= inside && good && (reported->signature_types & SIGNATURE_TYPE_DOMAIN);
        examination->originator_counts |= inside && good && is_originators(reported);
        inside |= layer->attempted && !layer->authenticated;
    }
}

/* RFC 3183 §3.2, last paragraphs: the domain and the person are two statements. */
void examination_sum_up(struct examination *examination, const struct originator *originator)
{
    const struct reported_layer **domain = &examination->domain_from, **person = &examination->originator_from;
    settle_list_agents(examination);
    tell_what_counts(examination);
    for (size_t i = 0; i < examination->reported_count; i++) {
        const struct reported_layer *reported = &examination->reported[i];
        /* Who signed it cannot be seen; nor can it where a compressed layer does not open. */
        bool broken = (reported->type == LAYER_SIGNED || reported->type == LAYER_COMPRESSED) &&
                      reported->signer_count == 0 && reported->finding.outcome != OUTCOME_NONE &&
                      reported->finding.outcome != OUTCOME_NEUTRAL;
        /* The partial ones come last: they count only where nothing covers the whole. */
        if ((broken || (reported->signature_types & SIGNATURE_TYPE_DOMAIN)) &&
            !(reported->partial && is_about_whole(*domain)))
            sum_up(&examination->domain, reported, domain);
        if ((broken || is_originators(reported)) && !(reported->partial && is_about_whole(*person)))
            sum_up(&examination->originator, reported, person);
    }
    if (*domain == NULL)
        finding_set(&examination->domain, OUTCOME_NONE, "no domain signature");
    if (*person == NULL)
        finding_set(&examination->originator, OUTCOME_NONE, "no originator's signature");
    if (*domain != NULL && originator->from.count > 0)
        examination->domain_name = g_strdup(originator->from.list[0].domain);
    if (*person != NULL && originator->from.count > 0)
        examination->originator_name = g_strdup(originator->from.list[0].text);
}

static bool is_removable_signature(const struct examination *examination, size_t i)
{
    const struct examined_layer *examined = &examination->layers[i];
    if (!examined->holds || examined->inner == NULL || examined->layer.facts.type != LAYER_SIGNED)
        return false;
    if (examined->layer.facts.signer_count == 0)
        return i > 0; /* by itself it came from elsewhere, and nobody asked us to open it */
    /* The history that a mailing list agent keeps in its signature is for the next agent (RFC 2634 §4.2). */
    return !is_originators(&examination->reported[i]) && !examination->reported[i].by_list_agent;
}

static bool is_opened_compression(const struct examination *examination, size_t i)
{
    return examination->layers[i].layer.facts.type == LAYER_COMPRESSED && examination->layers[i].inner != NULL;
}

/* Hardly a mail program reads what is compressed: that goes with the layer around it, or with one inside. */
size_t examination_removable(const struct examination *examination)
{
    size_t removable = 0;
    for (size_t i = 0; i < examination->layer_count; i++)
        if (examination->layers[i].layer.identity != NULL && examination->layers[i].inner != NULL)
            removable = i + 1;
    for (size_t i = removable; i < examination->layer_count; i++) {
        bool compressed = is_opened_compression(examination, i);
        if (!compressed && !is_removable_signature(examination, i))
            break;
        if (!compressed || (i > 0 && i == removable))
            removable = i + 1;
    }
    return removable;
}
