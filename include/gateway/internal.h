/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of gateway/ share and nobody else needs.
 */
#ifndef DOMSEC_GATEWAY_INTERNAL_H
#define DOMSEC_GATEWAY_INTERNAL_H

#include "certs/certs.h"
#include "gateway/examine.h"

struct gateway {
    int references;
    struct conf *conf;
    struct keys *keys;
    struct certs *certs;
    struct trust *trust;
};

struct result *result_new(enum direction direction);
/* Sets the verdict with its SMTP code and status by severity, the reply text and the reason. status NULL: the usual one. */
void result_decide(struct result *result, enum verdict verdict, const char *status, const char *reason);
/* A failure of ours: 4xx by the error's kind. */
void result_fail(struct result *result, const struct error *error);
/* Moves what an examination found out into the result, which outlives it. */
void result_take_examination(struct result *result, struct examination *examination);

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
    bool want_certificates; /* some recipient's rule encrypts: one copy serves all, so all need one */
    time_t at;
};
bool facts_encrypts(const struct gateway *gateway, const struct address *recipient);
/* Completes facts for this recipient, fills out and reported: the rule, the certificates looked at, the decision. */
void facts_recipient(const struct facts_query *query, const struct address *recipient, struct outbound_facts *facts,
                     struct recipient_facts *out, struct reported_recipient *reported);
/* Whether the originator counts as authentic (RFC 3183 §3.2); reason either way. */
bool facts_originator_authentic(const struct gateway *gateway, const struct envelope *envelope,
                                const struct originator *originator, const struct examination *examination,
                                char *reason, size_t size);

/* Judges each signer of an opened SignedData: cryptography, chain, name. Fills reported's finding, types and signers. */
struct judge {
    const struct gateway *gateway;
    const struct rule *rule;
    const struct originator *originator;
    time_t at;
};
void judge_signed(const struct judge *judge, const struct layer *layer, struct reported_layer *reported);

/* The worse of two outcomes: permerror, fail, temperror, policy, neutral, none, pass. */
bool outcome_is_worse(enum outcome a, enum outcome b);

#endif
