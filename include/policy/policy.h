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

/* The base of a partner: what is done where no other rule fits, and what no rule changes. Lent by the partner. */
const struct rule *policy_rule(const struct partner *partner);
/* The same and then its other rules; index up to rule_count. */
const struct rule *policy_nth_rule(const struct partner *partner, size_t index);
/* Whether some rule of a partner asks for something, such as policy_encrypts(). */
bool policy_may_ask(const struct partner *partner, bool (*asks)(const struct rule *rule));
/* Whether the partners of a policy get to see the certificate of an identity of ours with that role. */
bool policy_shows(const struct partner *partner, enum role role);
/* A rule as reasons name it ("partner.test.conf", "partner.test.conf:12"), and a key of it for mail that leaves
 * ("partner.test.conf: outbound.protect", "partner.test.conf:12: rules.protect"). */
struct rule_name {
    char text[320];
};
struct rule_name policy_rule_name(const struct rule *rule);
struct rule_name policy_key_name(const struct rule *rule, const char *key);
/* Whether rule->outbound.protect asks for a signature, for encryption where there is a certificate, for encryption in
 * any case. */
bool policy_signs(const struct rule *rule);
bool policy_encrypts(const struct rule *rule);
bool policy_demands_encryption(const struct rule *rule);
/* Whether rule->inbound.require asks for a signature, for encryption. An unknown value asks for both. */
bool policy_requires_signature(const struct rule *rule);
bool policy_requires_encryption(const struct rule *rule);
/* Whether what is encrypted without protection against changes (CBC) is left shut, whatever is inside. */
bool policy_refuses_cbc(const struct rule *rule);

/* Why it is not clear which rules apply to a recipient. */
enum unclear {
    UNCLEAR_NOT,
    UNCLEAR_ROUTE,  /* the MTA may read a route in it (bob%x.test@acme.test as bob@x.test), and does not say whether */
    UNCLEAR_DOMAIN, /* the MTA may complete its domain to another, and does not say whether */
    UNCLEAR_NEXT,   /* the next MTA may read a route in it, which cannot be read here */
    UNCLEAR_RULE    /* whether one of the rules fits the message cannot be said */
};

/* The address that the MTA delivers to, that given, and what may be domains in its local part bring a rule each. */
#define DESTINATION_RULES 8

/* Where a recipient's copy goes. What is in it is lent by the recipient and by conf. */
struct destination {
    const struct address *address; /* the MTA delivers to it, as far as is known: certificates are looked up for it */
    const struct partner *partner; /* the partner of that address */
    bool local;                    /* it stays with us: no rule for what leaves applies */
    bool arrives;                  /* the MTA delivers it to one of ours, though as given it may be another's */
    enum unclear unclear;
    const struct rule *rules[DESTINATION_RULES]; /* the bases of the partners that count; the first is that of the
                                                    address. policy_claims() has the rules */
    const struct address *addresses[DESTINATION_RULES]; /* for each, the address that brings it */
    size_t rule_count;                                  /* at least one */
};
void policy_destination(const struct conf *conf, const struct recipient *recipient, struct destination *destination);
/* Outbound if any recipient does not stay with us, else inbound: what leaves is bound by the policy for what leaves. */
enum direction policy_direction(const struct conf *conf, const struct recipient *recipients, size_t count);

/* Whether the key of one of our identities may be used to decrypt a message in that direction for these recipients. A
 * mailbox's or a group's own key opens only what arrives for its addresses alone: others must not read it. */
bool policy_may_open(const struct identity_conf *identity, enum direction direction, const struct recipient *recipients,
                     size_t count);

/* Whether the address in From is proven to be the client's own, with the reason either way: the client is logged in,
 * and identity_logins lets its login sign as that address, or MAIL FROM is that address and the mail server has checked
 * it. Neither the client's network nor Sender proves anything. login may be NULL. */
bool policy_proves_author(const struct conf *conf, const struct originator *originator, const char *login,
                          const struct address *mail_from, char *reason, size_t size);
/* Whether rule->outbound may lead to a signature of the domain. */
bool policy_signs_as_domain(const struct rule *rule);
/* Whether rule->outbound may ask for the author's own signature; also in place of encryption (no_certificate). */
bool policy_signs_as_mailbox(const struct rule *rule);

/* The partners whose certificates and rules a message has to satisfy: those of all its authors. Combined, never
 * chosen: a partner must not vouch for another partner's people. */
struct authors {
    const struct partner **partners; /* each once, the first author's first; at least one */
    size_t count;
    size_t *partner_of; /* for each of originator->from.list, the index of its partner */
};
/* A display name that hides another address may seem to come from its domain, too, unless the authors' partners accept
 * such names. A From that cannot be read may seem to come from each domain that it mentions: then the partners are
 * those of all these domains and of the envelope's sender. message may be NULL. Clear with authors_clear(). */
void authors_find(const struct conf *conf, const struct originator *originator, const struct message *message,
                  const struct address *sender, struct authors *authors);
void authors_clear(struct authors *authors);
/* Whether all of them accept a display name that shows another address. */
bool authors_accept_misleading_names(const struct authors *authors);

#endif
