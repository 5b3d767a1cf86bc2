/* SPDX-License-Identifier: Apache-2.0 */
/*
 * labels: chosen by configuration and a header field, compared by policy and classification. Where the field can be
 * read in several ways, the strictest label that any of them gives is chosen. A label that arrives and cannot be read
 * is no label that was agreed on, and is refused where any are. What a policy's categories mean is not known here: they
 * are passed over.
 */
#include "gateway/labels.h"

#include <string.h>

/* The field's value without case, folding and repeated blanks; NULL: octets that are no text. */
static char *plain_value(struct slice raw)
{
    g_autofree char *value = g_strndup(raw.data, raw.len);

    if (memchr(raw.data, '\0', raw.len) != NULL || !g_utf8_validate(value, -1, NULL))
        return NULL;
    g_auto(GStrv) words = g_strsplit_set(value, " \t\r\n", -1);
    GString *line = g_string_new(NULL);
    for (char **word = words; *word != NULL; word++)
        if (**word != '\0')
            g_string_append_printf(line, "%s%s", line->len > 0 ? " " : "", *word);
    g_autofree char *text = g_string_free(line, FALSE);
    return g_utf8_casefold(text, -1);
}

static void copy_label(const struct label_conf *conf, struct security_label *label)
{
    *label = (struct security_label){.classification = (int)conf->classification - 1};
    g_strlcpy(label->policy, conf->policy, sizeof label->policy);
    if (conf->mark != NULL)
        g_strlcpy(label->privacy_mark, conf->mark, sizeof label->privacy_mark);
}

static bool is_named(const struct label_conf *conf, const char *value)
{
    g_autofree char *name = conf->value != NULL ? plain_value(slice_of(conf->value)) : NULL;

    return name != NULL && value != NULL && strcmp(name, value) == 0;
}

static void choose_by(const struct rule *rule, const char *value, struct labels *labels)
{
    memset(labels, 0, sizeof *labels);
    for (size_t i = 0; i < rule->label_count; i++) {
        const struct label_conf *conf = &rule->labels[i];

        if (conf->value != NULL && !is_named(conf, value))
            continue;
        if (!conf->equivalent && labels->label.policy[0] == '\0')
            copy_label(conf, &labels->label);
        else if (conf->equivalent && labels->equivalent_count < ESS_EQUIVALENTS_MAX)
            copy_label(conf, &labels->equivalents[labels->equivalent_count++]);
    }
}

/* An equivalent label makes a message acceptable to more. */
static bool is_stricter(const struct labels *a, const struct labels *b)
{
    if (a->label.policy[0] == '\0' || b->label.policy[0] == '\0')
        return a->label.policy[0] != '\0' && b->label.policy[0] == '\0';
    if (a->label.classification != b->label.classification)
        return a->label.classification > b->label.classification;
    return a->equivalent_count < b->equivalent_count;
}

static void take_stricter(const struct rule *rule, const char *value, struct labels *labels)
{
    struct labels other;

    choose_by(rule, value, &other);
    if (is_stricter(&other, labels))
        *labels = other;
}

/* A value that is none of the configured ones and that programs read differently: encoded words, comments, quotes,
 * lists, letters that look like others. */
static bool is_uncertain(const struct rule *rule, const char *value)
{
    for (size_t i = 0; i < rule->label_count; i++)
        if (is_named(&rule->labels[i], value))
            return false;
    for (const char *c = value; c != NULL && *c != '\0'; c++)
        if (!g_ascii_isprint(*c) || strchr("()\"\\=?,;", *c) != NULL)
            return true;
    return value == NULL;
}

void labels_choose(const struct rule *rule, const struct message *message, struct labels *labels)
{
    const struct fields *fields = message != NULL && rule->label_header != NULL ? message_fields(message) : NULL;
    const struct field *field;

    choose_by(rule, NULL, labels);
    for (unsigned i = 1; fields != NULL && (field = fields_find(fields, rule->label_header, i)) != NULL; i++) {
        g_autofree char *value = plain_value(field->value);
        bool uncertain = is_uncertain(rule, value);

        if (i == 1)
            choose_by(rule, value, labels);
        else
            take_stricter(rule, value, labels);
        for (size_t j = 0; uncertain && j < rule->label_count; j++) {
            g_autofree char *any = rule->labels[j].value != NULL ? plain_value(slice_of(rule->labels[j].value)) : NULL;

            take_stricter(rule, any, labels);
        }
    }
}

static bool is_accepted(const struct rule *rule, const struct security_label *label)
{
    bool known = rule->inbound.accept_labels[0] == NULL;
    int highest = (int)rule->inbound.max_classification - 1;

    for (char **policy = rule->inbound.accept_labels; *policy != NULL; policy++)
        known |= strcmp(*policy, label->policy) == 0;
    return known && (highest < 0 || label->classification <= highest);
}

/* RFC 3183 §3.3: the equivalent labels of an outer signature stand for the label of an inner one; not those of a
 * mailing list agent, whose name was compared with nothing. */
static bool has_accepted_equivalent(const struct rule *rule, const struct examination *examination, size_t depth)
{
    for (size_t i = 0; i <= depth; i++) {
        const struct layer *layer = &examination->layers[i].layer;

        if (examination->reported[i].finding.outcome != OUTCOME_PASS || examination->reported[i].by_list_agent)
            continue;
        for (size_t j = 0; j < layer->signer_count; j++)
            for (unsigned k = 0; k < layer->signers[j].ess.equivalent_count; k++)
                if (is_accepted(rule, &layer->signers[j].ess.equivalents[k]))
                    return true;
    }
    return false;
}

static bool refuse_label(const struct security_label *label, char *reason, size_t size)
{
    char buffer[16];

    g_snprintf(reason, size, "the security label is not accepted: policy %s, %s", label->policy,
               label->classification < 0 ? "not classified" : classification_name(label->classification, buffer));
    return true;
}

/* What the label of one part among others says, the message says as well: a footer behind it does not take it off. */
static bool partial_is_refused(const struct rule *rule, const struct reported_layer *reported, char *reason,
                               size_t size)
{
    const struct ess *ess = &reported->ess;
    bool equivalent = false;

    if (reported->finding.outcome == OUTCOME_PERMERROR || reported->labels_differ) {
        g_snprintf(reason, size, "the security label of part %s cannot be relied on: %s", reported->part,
                   reported->labels_differ ? "its signatures have different ones (RFC 2634 section 3.1)"
                                           : reported->finding.reason);
        return true;
    }
    if (ess->label.policy[0] == '\0' || is_accepted(rule, &ess->label))
        return false;
    for (unsigned i = 0; i < ess->equivalent_count && reported->finding.outcome == OUTCOME_NEUTRAL; i++)
        equivalent |= is_accepted(rule, &ess->equivalents[i]);
    return !equivalent && refuse_label(&ess->label, reason, size);
}

/* Who changes a ciphertext in CBC can make a signature fail, and with it a label appear or vanish, and would learn from
 * the answer what the change did. So a label counts there, or that there is none, only under a signature that passes. */
static bool is_changeable(const struct examination *examination)
{
    return examination->malleable && examination->domain.outcome != OUTCOME_PASS &&
           examination->originator.outcome != OUTCOME_PASS;
}

bool labels_are_refused(const struct rule *rule, const struct examination *examination, char *reason, size_t size)
{
    if (rule->inbound.accept_labels[0] == NULL && rule->inbound.max_classification == 0)
        return false;
    if (is_changeable(examination)) {
        g_strlcpy(reason, "encrypted without protection against changes, and no signature vouches for its security label",
                  size);
        return true;
    }
    for (size_t i = 0; i < examination->layer_count; i++) {
        const struct layer *layer = &examination->layers[i].layer;

        for (size_t j = 0; j < layer->signer_count; j++) {
            const struct security_label *label = &layer->signers[j].ess.label;

            if (layer->signers[j].type_fault) {
                g_snprintf(reason, size, "the security label cannot be relied on: %s", layer->signers[j].reason);
                return true;
            }
            if (label->policy[0] != '\0' && !is_accepted(rule, label) && !has_accepted_equivalent(rule, examination, i))
                return refuse_label(label, reason, size);
        }
    }
    for (size_t i = examination->layer_count; i < examination->reported_count; i++)
        if (partial_is_refused(rule, &examination->reported[i], reason, size))
            return true;
    return false;
}
