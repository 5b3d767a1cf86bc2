/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of gateway/ share and nobody else needs.
 */
#ifndef DOMSEC_GATEWAY_INTERNAL_H
#define DOMSEC_GATEWAY_INTERNAL_H

#include "certs/certs.h"
#include "examine.h"
#include "labels.h"
#include "reviewers.h"

/* Microseconds that the lookups for one message may take. */
#define LOOKUP_TIMEOUT (INT64_C(10) * G_USEC_PER_SEC)

struct gateway {
    int references;
    struct conf *conf;
    struct keys *keys;
    struct certs *certs;
    struct trust *trust;
    struct reviewers *reviewers;
};

/* Warns of each identity whose certificate breaks the naming of a rule under which it is shown, or is not for its use.
 */
void names_check(const struct gateway *gateway, struct faults *faults);
/* Warns of what rules ask for and cannot have: identities that are missing, pinned certificates that are not fit. */
void foresight_check(const struct gateway *gateway, struct faults *faults);

/* All that is known of one message on its way out. */
struct way_out {
    struct gateway *gateway;
    const struct envelope *envelope;
    const struct message *message;
    time_t at;
    struct originator originator;
    struct examination *examination;    /* NULL: there is no message, only a question */
    struct recipient_facts *recipients; /* one for each of envelope's */
    bool authentic;                     /* the originator (RFC 3183 §3.2) */
    struct plan plan;
};

/* What comes off before a domain signature goes on (RFC 3183 §5). */
struct unwrapping {
    size_t depth;                             /* outermost layers that come off */
    bool decrypted;                           /* one of them was encrypted to us */
    bool reencrypt;                           /* an encrypted layer lies deeper, so the result MUST be encrypted */
    const struct carried_attributes *history; /* signed attributes of the mailing list agent's signature, to go on a new
                                             outer one; NULL: none */
};
/* Nothing comes off what is not authentic: nobody gets what is encrypted to us opened by sending it out. */
void protect_unwrap(const struct way_out *way, struct unwrapping *unwrapping);
/* Puts the layers of way->plan around the message's entity, and says in result which. */
bool protect_message(const struct way_out *way, struct entity *entity, struct result *result, struct error *error);
/* False: protect_message() would fail for want of an identity of ours, told in error; asked where there is no message.
 */
bool protect_foresee(const struct way_out *way, struct error *error);
/* The domain of the first From address; NULL if there is none. */
const char *way_out_domain(const struct way_out *way);

/* gateway_explain() for what arrives. from may be NULL. */
struct result *inbound_explain(struct gateway *gateway, const struct envelope *envelope, const char *from);

struct result *result_new(enum direction direction);
/* Sets the verdict with its SMTP code and status by severity, the reply text and the reason. status NULL: the usual
 * one. */
void result_decide(struct result *result, enum verdict verdict, const char *status, const char *reason);
/* Another text for the other side than the reason, which stays in the log and the report. */
void result_reply(struct result *result, const char *text);
/* A failure of ours: 4xx by the error's kind. */
void result_fail(struct result *result, const struct error *error);
/* A message that cannot be worked on: rejected where that is its own fault, by the error's kind, else a failure of
 * ours. */
void result_refuse(struct result *result, const struct error *error);
/* The field's value, g_free(); NULL for a message without S/MIME of which none is required: nothing was authenticated,
 * and what needs no change is not touched. missing: why it is delivered or held without all that the rule requires;
 * NULL: it is not. */
char *authentication_results(const struct gateway *gateway, const struct message *message,
                             const struct examination *examination, const char *missing);
/* Takes out each Authentication-Results under our name (RFC 8601 §5). */
void results_remove_forged(const struct gateway *gateway, const struct message *message, struct edits *edits);
/* Moves what an examination found out into the result, which outlives it. */
void result_take_examination(struct result *result, struct examination *examination);
/* Takes it: the body that the edits put in borrows from the layers that it opened. */
void result_keep_examination(struct result *result, struct examination *examination);

void reported_layers_free(struct reported_layer *layers, size_t count);

/* What is known of one recipient. */
struct recipient_facts {
    const struct rule *rule;
    bool local;
    struct outbound_decision decision;
    X509 *certificate; /* the one to encrypt for, a reference of its own; NULL: none */
};
struct facts_query {
    const struct gateway *gateway;
    const struct examination *examination; /* NULL: there is no message */
    bool want_certificates;                /* some recipient's rule encrypts: one copy serves all, so all need one */
    time_t at;
    int64_t deadline; /* of the lookups, for certs_ask() */
};
bool facts_encrypts(const struct gateway *gateway, const struct address *recipient);
/* Completes facts for this recipient, fills out and reported: the rule, the certificates looked at, the decision. */
void facts_recipient(const struct facts_query *query, const struct address *recipient, struct outbound_facts *facts,
                     struct recipient_facts *out, struct reported_recipient *reported);
/* Whether the originator counts as authentic (RFC 3183 §3.2); reason either way. */
bool facts_originator_authentic(const struct gateway *gateway, const struct envelope *envelope,
                                const struct originator *originator, const struct examination *examination,
                                char *reason, size_t size);

/* The certificates that we know of the author, with those of their issuers. NULL: error is set. */
STACK_OF(X509) * correspondents_known(const struct gateway *gateway, const struct rule *rule,
                                      const struct originator *originator, struct error *error);

/* EnvelopedData or AuthEnvelopedData, open or not. */

/* In what was decrypted without authentication: octets outside the signed content that S/MIME software does not write.
 */
bool malleable_has_noise(const struct part *part);
/* Whether a layer, opened from part, has something behind its signature that nothing protects. */
bool malleable_is_open_ended(const struct part *part, const struct layer_facts *layer);

/* Judges each signer of an opened SignedData: cryptography, chain, name. Fills reported's finding, types and signers.
 */
void judge_signed(const struct judge *judge, const struct layer *layer, struct reported_layer *reported);
/* Judges the names of who encrypted an opened layer, where originatorInfo tells. False: finding is set to a fault. */
bool judge_encrypted(const struct judge *judge, const struct layer *layer, struct finding *finding);

#endif
