/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy: from what was learned of a message to a decision. Pure functions over plain data: no lookup, no clock, no
 * log, no type of OpenSSL or GMime; tested from tables. This header has the rules and the words; layers.h judges S/MIME
 * layers, labels.h security labels, plan.h decides.
 */
#ifndef DOMSEC_POLICY_POLICY_H
#define DOMSEC_POLICY_POLICY_H

#include "base/lookup.h"
#include "conf/conf.h"
#include "mail/envelope.h"
#include "mail/originator.h"

enum direction { DIRECTION_OUTBOUND, DIRECTION_INBOUND };
const char *direction_name(enum direction direction); /* "outbound" */

enum verdict { VERDICT_ACCEPT, VERDICT_REJECT, VERDICT_TEMPFAIL, VERDICT_QUARANTINE };
const char *verdict_name(enum verdict verdict);

/* The rule of a partner that fits a message. Lent by the partner. */
const struct rule *policy_rule(const struct partner *partner);
/* Whether rule->outbound.protect asks for a signature, for encryption. */
bool policy_signs(const struct rule *rule);
bool policy_encrypts(const struct rule *rule);
/* Whether rule->inbound.require asks for a signature, for encryption. An unknown value asks for both. */
bool policy_requires_signature(const struct rule *rule);
bool policy_requires_encryption(const struct rule *rule);

/* Whether a recipient stays with us: it is in a local domain or has no domain, and its local part cannot be a route to
 * another host ("bob%x.test@acme.test": some MTAs take it for bob@x.test). */
bool policy_is_local(const struct conf *conf, const struct address *recipient);
/* Outbound if any recipient does not stay with us, else inbound: what leaves is bound by the policy for what leaves. */
enum direction policy_direction(const struct conf *conf, const struct recipient *recipients, size_t count);

/* The partners whose certificates and rules a message has to satisfy: those of all its authors. Combined, never
 * chosen: a partner must not vouch for another partner's people. */
struct authors {
    const struct partner **partners; /* each once, the first author's first; at least one */
    size_t count;
    size_t *partner_of; /* for each of originator->from.list, the index of its partner */
};
/* A From that cannot be read may seem to come from each domain that it mentions: then the partners are those of all
 * these domains and of the envelope's sender. message may be NULL. Clear with authors_clear(). */
void authors_find(const struct conf *conf, const struct originator *originator, const struct message *message,
                  const struct address *sender, struct authors *authors);
void authors_clear(struct authors *authors);

#endif
