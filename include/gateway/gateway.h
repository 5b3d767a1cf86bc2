/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway: the way of a message. Opens the services that a configuration names (keys, certificates, trust) once, and
 * takes each message through facts, policy, plan, layers and edits. The daemon and the command line both call it, with
 * the same results.
 */
#ifndef DOMSEC_GATEWAY_GATEWAY_H
#define DOMSEC_GATEWAY_GATEWAY_H

#include "mail/edits.h"
#include "mail/envelope.h"
#include "policy/policy.h"
#include "smime/smime.h"
#include "trust/trust.h"

struct gateway;

/* Reads everything that conf names. Takes a reference of conf. NULL if faults has errors. */
struct gateway *gateway_open(struct conf *conf, struct faults *faults);
struct gateway *gateway_ref(struct gateway *gateway);
void gateway_unref(struct gateway *gateway);
const struct conf *gateway_conf(const struct gateway *gateway);

enum direction { DIRECTION_OUTBOUND, DIRECTION_INBOUND };

/* Whether a recipient stays with us: in a local domain or without a domain, and no route to another host in its local
 * part
 * ("bob%x.test@acme.test": some MTAs take it for bob@x.test). */
bool gateway_is_local(const struct gateway *gateway, const struct address *recipient);
/* Which way a message goes: outbound if any recipient does not stay with us; else inbound. */
enum direction gateway_direction(const struct gateway *gateway, const struct envelope *envelope);

struct reported_signer {
    char *address, *subject, *serial, *issuer, *sha256; /* NULL where unknown */
};
struct reported_layer {
    enum layer_type type;
    char *part;         /* part number within the message: "1", "1.1" … */
    bool partial;       /* covers one part among others: never a verdict on the message */
    bool by_list_agent; /* all its signatures are a mailing list agent's (RFC 2634 §4) around others: they authenticate
                           nobody */
    struct finding as_originators; /* … or would be the originator's, if they were around none */
    bool shut;                     /* signed or compressed, and cannot be looked into */
    bool removed;                  /* taken off before delivery */
    struct finding finding;
    unsigned signature_types; /* union over signers */
    struct ess ess;           /* ESS attributes of the first signer; label.policy empty: no label */
    struct reported_signer *signers;
    size_t signer_count;
    size_t signer_judged; /* the one that the finding is about */
};
struct reported_certificate {
    char *sha256, *subject;
    const char *source;
    char *note; /* explain: "used", or why it was passed over */
    bool used;
};
struct reported_recipient {
    char *address;
    char *rule; /* its name */
    struct outbound_decision decision;
    struct reported_certificate *certificates; /* all candidates, with notes */
    size_t certificate_count;
};

/* What became of a message: everything that the reply, the log line, the metrics and the report say. Owns its edits. */
struct result {
    enum direction direction;
    enum verdict verdict;
    unsigned code;    /* 250, 550, 451 … */
    char status[8];   /* "5.7.1" */
    char reply[512];  /* text after code and status, for an administrator; printable ASCII */
    char reason[640]; /* the reply's cause, also set on acceptance */
    struct finding domain, originator;
    char *domain_name;     /* the authenticated domain, or the one claimed; NULL */
    char *originator_name; /* the authenticated address, or the one claimed; NULL */
    struct reported_layer *layers;
    size_t layer_count;
    struct reported_recipient *recipients; /* outbound */
    size_t recipient_count;
    bool sign, encrypt, triple, null_layer, null_layer_omitted; /* outbound: what was applied */
    char *from;                                                 /* the From mailbox; NULL if none or odd */
    char *rule;                                                 /* inbound: the rule's name */
    char *authentication_results; /* inbound: the value of the field that edits insert; NULL */
    struct edits edits;
};

/* Never fails: what goes wrong is a tempfail or what policy says. at: the time for which certificates are judged. The
 * result refers to message, which must outlive it. Thread-safe. */
struct result *gateway_outbound(struct gateway *gateway, const struct envelope *envelope, const struct message *message,
                                time_t at);
struct result *gateway_inbound(struct gateway *gateway, const struct envelope *envelope, const struct message *message,
                               time_t at);
/* What would be decided on a plain message that is not there, in the direction that its recipients give it: for `domsec
 * explain`. from may be NULL. No edits. */
struct result *gateway_explain(struct gateway *gateway, const struct envelope *envelope, const char *from, time_t at);
/* The result of a failure outside the gateway (limits, spool, memory): 4xx, 552 5.3.4 for a message over its size, or
 * 550 5.6.0 for one that is none. */
struct result *gateway_failure(enum direction direction, const struct error *error);
void result_free(struct result *result);

/* The report of interface.md, pretty-printed JSON with a final newline. g_free(). */
char *result_report(const struct result *result);
/* One line: queue id first, then key=value. g_free(). */
char *result_log_line(const struct result *result, const struct envelope *envelope);
/* Counts the result in base/metrics. */
void result_count(const struct result *result);

DECLARE_OWNED(gateway, struct gateway *, gateway_unref)
DECLARE_OWNED(result, struct result *, result_free)

#endif
