/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reviewers: the certificates that each rule's outbound.require_review names (RFC 3183 §3.4), read once.
 */
#ifndef DOMSEC_GATEWAY_REVIEWERS_H
#define DOMSEC_GATEWAY_REVIEWERS_H

#include "gateway/gateway.h"

struct reviewers;

/* A file that cannot be read is a fault at the rule. Never NULL. */
struct reviewers *reviewers_open(const struct conf *conf, struct faults *faults);
void reviewers_close(struct reviewers *reviewers);
/* True if one of the layers is a review signature over the whole message that passed, made with a certificate that rule
 * names. */
bool reviewers_have_signed(const struct reviewers *reviewers, const struct rule *rule,
                           const struct reported_layer *layers, size_t count);

#endif
