/* SPDX-License-Identifier: Apache-2.0 */
/*
 * labels: ESS security labels (RFC 2634 §3): which ones a message gets on its way out, and whether those that it brings
 * are accepted.
 */
#ifndef DOMSEC_GATEWAY_LABELS_H
#define DOMSEC_GATEWAY_LABELS_H

#include "examine.h"

struct labels {
    struct security_label label; /* policy empty: none */
    struct security_label equivalents[ESS_EQUIVALENTS_MAX];
    unsigned equivalent_count;
};

/* The labels that rule gives to message; NULL: to every message. Where rule->partner->label_header is there several
 * times, or its value can be read in several ways, those with the highest classification. */
void labels_choose(const struct rule *rule, const struct message *message, struct labels *labels);

/* Why the labels of the signed layers are not what rule->inbound accepts, into reason; false if they are, or there is
 * none. A label is accepted if its policy, or that of a label equivalent to it (RFC 3183 §3.3), is, and it is not
 * classified too high. hoping: as if what could not be checked now had turned out good. */
bool labels_are_refused(const struct rule *rule, const struct examination *examination, bool hoping, char *reason,
                        size_t size);

#endif
