/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy: from facts to a decision. Pure functions over plain data: no lookup, no clock, no log; tested from tables.
 * `domsec explain` and the daemon call the same.
 */
#ifndef DOMSEC_POLICY_POLICY_H
#define DOMSEC_POLICY_POLICY_H

#include "base/lookup.h"
#include "conf/conf.h"

/* The rule for a partner: that of the most specific domain that equals `domain` or is a parent of it, else the default.
 * domain is normalised; NULL or "" gives the default rule. Lent by conf. */
const struct rule *policy_rule(const struct conf *conf, const char *domain);
/* Whether rule->outbound.protect asks for a signature, for encryption. */
bool policy_signs(const struct rule *rule);
bool policy_encrypts(const struct rule *rule);

enum verdict { VERDICT_ACCEPT, VERDICT_REJECT, VERDICT_TEMPFAIL, VERDICT_QUARANTINE };
const char *verdict_name(enum verdict verdict);

/* --- outbound --- */

struct outbound_facts {
    bool local_recipient; /* stays in a local domain: nothing is done for it */
    bool originator_authentic;
    const char *originator_reason; /* why (not); for the decision's reason */
    const char *bad_signature;     /* NULL, or why a signature inside does not verify */
    bool already_encrypted;        /* the whole message is encrypted already, and not by us */
    bool unreadable;        /* it is encrypted by others, or broken; or one of its parts says that it is encrypted */
    enum found certificate; /* for this recipient; asked only when the rule encrypts */
    const char *certificate_reason; /* why none or failed */
    bool routed;   /* in a local domain, but with what may be a route to another host in its local part */
    bool reviewed; /* carries a review signature by one of rule->outbound.require_review that passes */
};

struct outbound_decision {
    enum verdict verdict; /* ACCEPT, REJECT or TEMPFAIL for this recipient */
    bool sign;
    bool encrypt;
    bool triple;      /* sign, encrypt, sign */
    char reason[320]; /* one line, says the rule's key that decided */
};

/* For one recipient. Table: protect none → nothing. A signature is due and may not be given (originator not authentic,
 * or a bad signature inside): rule->outbound.unauthentic. Encryption is due: certificate found → encrypt; none →
 * rule->outbound.no_certificate; failed → tempfail, whatever the rule says. already_encrypted counts as encrypted
 * only for `encrypt`'s demand that no plaintext leaves; it is encrypted again where a certificate is found. */
void policy_outbound(const struct rule *rule, const struct outbound_facts *facts, struct outbound_decision *decision);

/* One plan for all recipients of a message that cannot be split: all of them get the same bytes. Combines decisions:
 * any tempfail → tempfail; any reject → reject; else the strictest treatment, if every recipient can read it: a
 * recipient whose decision has no encryption is served an encrypted copy only if has_certificate says that it can
 * decrypt one; otherwise conf's mixed_recipients decides. Signing serves everybody. Never less than any decision asks.
 */
struct plan {
    enum verdict verdict;
    bool sign, encrypt, triple;
    size_t culprit;   /* index of the recipient that made it fail; meaningful with REJECT, TEMPFAIL */
    char reason[640]; /* names the recipient */
};
void policy_plan(enum mixed mixed, const struct outbound_decision *decisions, const bool *has_certificate,
                 const char *const *recipients, size_t count, struct plan *plan);

/* --- inbound --- */

struct inbound_facts {
    bool signed_ok;             /* a domain or originator signature over the whole message passed */
    bool encrypted_ok;          /* the whole message was encrypted to us and decrypted */
    bool undecryptable;         /* it is encrypted and none of our keys opened it */
    bool failed_temporarily;    /* a needed lookup or resource failed: never a pass */
    const char *sign_reason;    /* why signed_ok is false */
    const char *encrypt_reason; /* why encrypted_ok is false */
    const char *label_reason;   /* why its security label is not accepted; NULL: it is, or there is none */
};

/* Whether the signatures that passed are those that rule->inbound.signed_by asks for. */
bool policy_signed_ok(const struct rule *rule, bool domain_ok, bool originator_ok);

struct inbound_decision {
    enum verdict verdict;
    bool met; /* all that the rule requires is there; what is not required counts as there */
    char reason[640];
};

/* failed_temporarily → tempfail when the rule requires anything, unless it is rejected for its encryption anyway.
 * undecryptable → rule->inbound.undecryptable first; then `require`, unmet → `otherwise` (tag: accept). */
void policy_inbound(const struct rule *rule, const struct inbound_facts *facts, struct inbound_decision *decision);

#endif
