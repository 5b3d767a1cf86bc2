/* SPDX-License-Identifier: Apache-2.0 */
/*
 * labels: ESS security labels (RFC 2634 §3): which ones a message gets on its way out, and whether those that it brings
 * are accepted.
 */
#ifndef DOMSEC_POLICY_LABELS_H
#define DOMSEC_POLICY_LABELS_H

#include "policy/layers.h"

struct labels {
    struct security_label label; /* policy empty: no label */
    struct security_label equivalents[ESS_EQUIVALENTS_MAX];
    unsigned equivalent_count;
};

/* The labels that a partner's `labels` give to message; NULL: to every message. Where label_header is there several
 * times, or its value can be read in several ways, the one with the highest classification. */
void labels_choose(const struct partner *partner, const struct message *message, struct labels *labels);

/* Returns true, with the reason, if the labels of the signed layers are not what rule->inbound accepts. A label is
 * accepted if its policy, or that of a label equivalent to it (RFC 3183 §3.3), is, and if its classification is not too
 * high. hoping: as if what could not be checked now had turned out good. */
bool labels_are_refused(const struct rule *rule, const struct layers_view *view, const struct judgement *judgement,
                        bool hoping, char *reason, size_t size);

#endif
