/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reviewers: the certificates that each partner's outbound.require_review names (RFC 3183 §3.4), read once.
 */
#ifndef DOMSEC_GATEWAY_REVIEWERS_H
#define DOMSEC_GATEWAY_REVIEWERS_H

#include "conf/conf.h"

struct reviewers;

/* A file that cannot be read is a fault at the rule. Never NULL. */
struct reviewers *reviewers_open(const struct conf *conf, struct faults *faults);
void reviewers_close(struct reviewers *reviewers);
/* The SHA-256 fingerprints of the review authorities that may release a message under this rule, NULL-terminated; lent.
 */
const char *const *reviewers_of(const struct reviewers *reviewers, const struct rule *rule);

#endif
