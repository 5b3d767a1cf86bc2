/* SPDX-License-Identifier: Apache-2.0 */
/*
 * labels: security labels are chosen by configuration and a header field, and compared by policy and classification. If
 * the field can be read in several ways, the strictest label that any reading gives is chosen. Where a rule limits
 * labels, an unreadable label is refused. The meaning of a policy's categories is not known here; they are ignored.
 */
#include "policy/labels.h"

#include <string.h>

/* The field's value without case, folding and repeated blanks; NULL if its octets are not text. */
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
    g_strlcpy(label->policy, conf->policy, sizeof(label->policy));
    if (conf->mark != NULL)
        g_strlcpy(label->privacy_mark, conf->mark, sizeof(label->privacy_mark));
}

static bool is_named(const struct label_conf *conf, const char *value)
{
    g_autofree char *name = conf->value != NULL ? plain_value(slice_of(conf->value)) : NULL;
    return name != NULL && value != NULL && strcmp(name, value) == 0;
}

static bool fits(const struct label_conf *conf, const char *value)
{
    return conf->value == NULL || is_named(conf, value);
}

/* RFC 2634 §3.4.1: a policy has one label. */
static bool has_policy(const struct labels *labels, const char *policy)
{
    bool found = strcmp(labels->label.policy, policy) == 0;
    for (unsigned i = 0; i < labels->equivalent_count; i++)
        found |= strcmp(labels->equivalents[i].policy, policy) == 0;
    return found;
}

static void choose_by(const struct partner *partner, const char *value, struct labels *labels)
{
    memset(labels, 0, sizeof(*labels));
    for (size_t i = 0; i < partner->label_count; i++) {
        const struct label_conf *conf = &partner->labels[i];
        if (labels->label.policy[0] == '\0' && !conf->equivalent && fits(conf, value))
            copy_label(conf, &labels->label);
    }
    for (size_t i = 0; i < partner->label_count && labels->equivalent_count < ESS_EQUIVALENTS_MAX; i++) {
        const struct label_conf *conf = &partner->labels[i];
        if (conf->equivalent && fits(conf, value) && !has_policy(labels, conf->policy))
            copy_label(conf, &labels->equivalents[labels->equivalent_count++]);
    }
}

/* An equivalent label makes a message acceptable to more. */
static bool is_stricter(const struct labels *a, const struct labels *b)
{
    if (a->label.policy[0] == '\0' || b->label.policy[0] == '\0')
        return a->label.policy[0] != '\0';
    if (a->label.classification != b->label.classification)
        return a->label.classification > b->label.classification;
    return a->equivalent_count < b->equivalent_count;
}

static void take_stricter(const struct partner *partner, const char *value, struct labels *labels)
{
    struct labels other;
    choose_by(partner, value, &other);
    if (is_stricter(&other, labels))
        *labels = other;
}

/* Returns true for a value that is not configured and that programs read differently: encoded words, comments, quotes,
 * lists, letters that look like others. */
static bool is_uncertain(const struct partner *partner, const char *value)
{
    for (size_t i = 0; i < partner->label_count; i++)
        if (is_named(&partner->labels[i], value))
            return false;
    for (const char *c = value; c != NULL && *c != '\0'; c++)
        if (!g_ascii_isprint(*c) || strchr("()\"\\=?,;", *c) != NULL)
            return true;
    return value == NULL;
}

void labels_choose(const struct partner *partner, const struct message *message, struct labels *labels)
{
    const struct fields *fields = message != NULL && partner->label_header != NULL ? message_fields(message) : NULL;
    const struct field *field;
    choose_by(partner, NULL, labels);
    for (unsigned i = 1; fields != NULL && (field = fields_find(fields, partner->label_header, i)) != NULL; i++) {
        g_autofree char *value = plain_value(field->value);
        bool uncertain = is_uncertain(partner, value);
        if (i == 1)
            choose_by(partner, value, labels);
        else
            take_stricter(partner, value, labels);
        for (size_t j = 0; uncertain && j < partner->label_count; j++) {
            g_autofree char *any =
                partner->labels[j].value != NULL ? plain_value(slice_of(partner->labels[j].value)) : NULL;
            take_stricter(partner, any, labels);
        }
    }
}

static bool is_known(const struct rule *rule, const struct security_label *label)
{
    char *const *known = rule->inbound.accept_labels;
    return known[0] == NULL || g_strv_contains((const char *const *)known, label->policy);
}

static bool is_low_enough(const struct rule *rule, const struct security_label *label)
{
    int highest = (int)rule->inbound.max_classification - 1;
    return highest < 0 || label->classification <= highest;
}

/* RFC 2634 §3.4.1: equivalent labels are of no use where a policy is repeated among them or is the label's own. */
static bool are_unique(const struct ess *ess)
{
    for (unsigned i = 0; i < ess->equivalent_count; i++) {
        if (strcmp(ess->equivalents[i].policy, ess->label.policy) == 0)
            return false;
        for (unsigned j = 0; j < i; j++)
            if (strcmp(ess->equivalents[i].policy, ess->equivalents[j].policy) == 0)
                return false;
    }
    return true;
}

/* What equivalent labels say in policies that are known. */
struct equivalents {
    bool accepted, refused;
};

static void add_equivalents(const struct rule *rule, const struct ess *ess, struct equivalents *equivalents)
{
    for (unsigned i = 0; i < ess->equivalent_count && are_unique(ess); i++) {
        const struct security_label *label = &ess->equivalents[i];
        equivalents->accepted |= is_known(rule, label) && is_low_enough(rule, label);
        equivalents->refused |= is_known(rule, label) && !is_low_enough(rule, label);
    }
}

/* RFC 3183 §3.3: the equivalent labels of an outer signature stand for the label of an inner one; not those of a
 * mailing list agent, whose name was compared with nothing. */
static void find_equivalents(const struct rule *rule, const struct layers_view *view, const struct judgement *judgement,
                             size_t depth, struct equivalents *equivalents)
{
    for (size_t i = 0; i <= depth; i++) {
        const struct layer_facts *layer = view->list[i].facts;
        if (judgement->layers[i].finding.outcome != OUTCOME_PASS || judgement->layers[i].around_others)
            continue;
        for (size_t j = 0; j < layer->signer_count; j++)
            add_equivalents(rule, &layer->signers[j].ess, equivalents);
    }
}

/* Equivalent labels count only for a label whose own policy is not known (RFC 2634 §3.4.2). Where there is no label,
 * they are it (§3.4.1). NULL: nothing is refused. */
static const struct security_label *refused_label(const struct rule *rule, const struct ess *ess,
                                                  const struct equivalents *equivalents)
{
    struct equivalents own = {0};
    if (ess->label.policy[0] == '\0' && ess->equivalent_count > 0) {
        add_equivalents(rule, ess, &own);
        return own.accepted && !own.refused ? NULL : &ess->equivalents[0];
    }
    if (ess->label.policy[0] == '\0')
        return NULL;
    if (is_known(rule, &ess->label))
        return is_low_enough(rule, &ess->label) ? NULL : &ess->label;
    return equivalents->accepted && !equivalents->refused ? NULL : &ess->label;
}

/* A layer that cannot be opened may have a label. */
static bool refuse_shut(const struct judged_layer *judged, char *reason, size_t size)
{
    if (judged->shut)
        g_snprintf(reason, size, "it cannot be determined whether there is a security label: %s",
                   judged->finding.reason);
    return judged->shut;
}

static bool refuse_label(const struct security_label *label, char *reason, size_t size)
{
    char buffer[16];
    if (label != NULL)
        g_snprintf(reason, size, "the security label is not accepted: policy %s, %s", label->policy,
                   label->classification < 0 ? "not classified" : classification_name(label->classification, buffer));
    return label != NULL;
}

/* The label of a single part applies to the whole message; otherwise a mailing list footer would strip it. */
static bool partial_is_refused(const struct rule *rule, const struct layer_view *view,
                               const struct judged_layer *judged, char *reason, size_t size)
{
    struct equivalents equivalents = {0};
    bool has_signers = view->opened == OPENED && view->facts->signer_count > 0;
    if (view->hidden)
        return false;
    if (judged->finding.outcome == OUTCOME_PERMERROR) {
        g_snprintf(reason, size, "the security label of part %s cannot be relied on: %s", view->part,
                   judged->finding.reason);
        return true;
    }
    if (has_signers && judged->finding.outcome == OUTCOME_NEUTRAL)
        add_equivalents(rule, &view->facts->signers[0].ess, &equivalents);
    return refuse_shut(judged, reason, size) ||
           (has_signers && refuse_label(refused_label(rule, &view->facts->signers[0].ess, &equivalents), reason, size));
}

/* The label of a layer around the whole message. */
static bool layer_is_refused(const struct rule *rule, const struct layers_view *view, const struct judgement *judgement,
                             size_t depth, char *reason, size_t size)
{
    const struct layer_facts *layer = view->list[depth].facts;
    struct equivalents equivalents = {0};
    find_equivalents(rule, view, judgement, depth, &equivalents);
    for (size_t i = 0; i < layer->signer_count; i++) {
        const struct signer_facts *signer = &layer->signers[i];
        if (signer->type_fault) {
            g_snprintf(reason, size, "the security label cannot be relied on: %s", signer->reason);
            return true;
        }
        if (refuse_label(refused_label(rule, &signer->ess, &equivalents), reason, size))
            return true;
    }
    return refuse_shut(&judgement->layers[depth], reason, size);
}

/* An attacker who changes a ciphertext in CBC can make a signature fail, and with it a label appear or vanish, and
 * would learn from the answer what the change did. So a label, or its absence, counts there only under a signature that
 * passes. */
static bool is_changeable(const struct judgement *judgement, bool hoping)
{
    bool domain = finding_holds(&judgement->domain, hoping) && judgement->domain_counts;
    bool originator = finding_holds(&judgement->originator, hoping) && judgement->originator_counts;
    return judgement->malleable && !domain && !originator;
}

bool labels_are_refused(const struct rule *rule, const struct layers_view *view, const struct judgement *judgement,
                        bool hoping, char *reason, size_t size)
{
    if (rule->inbound.accept_labels[0] == NULL && rule->inbound.max_classification == 0)
        return false;
    if (is_changeable(judgement, hoping)) {
        g_strlcpy(reason, "encrypted without protection against changes, and no signature protects its security label",
                  size);
        return true;
    }
    for (size_t i = 0; i < view->whole; i++)
        if (layer_is_refused(rule, view, judgement, i, reason, size))
            return true;
    for (size_t i = view->whole; i < view->count; i++)
        if (partial_is_refused(rule, &view->list[i], &judgement->layers[i], reason, size))
            return true;
    return false;
}
