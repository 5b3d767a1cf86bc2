/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examine: takes a message's S/MIME layers apart from the outside in, judges each one (cryptography by smime/, chain
 * and name by trust/) and sums up in two results kept apart: the domain's and the person's. Shared by inbound (what to
 * deliver, what to say) and outbound (is every signature inside good, RFC 3183 §3.2; what lies under our own
 * encryption, §5).
 */
#ifndef DOMSEC_GATEWAY_EXAMINE_H
#define DOMSEC_GATEWAY_EXAMINE_H

#include "gateway/gateway.h"

/* The mailboxes of From, and why they cannot be used if they cannot. */
struct originator {
    struct addresses from;
    char fault[320];         /* no From, two From fields, odd syntax; empty if all is well */
    char **domains;          /* of from, in its order, NULL-terminated; lent by from */
    struct addresses sender; /* the mailbox of Sender; none unless there is exactly one that can be read */
};
void originator_read(const struct message *message, struct originator *originator);
/* For `domsec explain`: from an address without a message. */
void originator_from_text(const char *from, struct originator *originator);
void originator_clear(struct originator *originator);
/* The rule for a message that arrives: the strictest one of all its authors' domains. A From that cannot be read may
 * seem to come from each domain that it mentions; then the envelope's sender counts as well. */
const struct rule *originator_rule(const struct conf *conf, const struct originator *originator,
                                   const struct message *message, const struct address *sender);

struct examined_layer {
    struct layer layer;
    struct part *inner;  /* the entity inside, parsed; NULL if the layer could not be opened or holds nothing */
    struct spool *spool; /* its bytes, where line ends had to be made CRLF before they could be parsed; else NULL */
    bool opened;
    bool holds; /* opened; and, if signed, each signature's cryptography holds */
};

/* What an examination costs, in the units that cost most. */
struct work {
    unsigned layers;     /* looked into */
    unsigned signatures; /* verified, with each key that was tried */
    unsigned paths;      /* looked for */
};

struct examination {
    struct part *root;
    size_t depth;                  /* layers around root */
    struct examined_layer *layers; /* those that cover the whole body, outermost first */
    size_t layer_count;
    struct reported_layer *reported; /* the same, then the partial ones */
    size_t reported_count;
    size_t partial_count; /* how many partial ones were looked at, in vain or not */
    struct finding domain, originator;
    const struct reported_layer *domain_from,
        *originator_from; /* the layer that each is about; NULL: no such signature */
    char *domain_name, *originator_name;
    /* Our key was used on an encryption that does not protect against changes (CBC). Whoever sends changed copies of
     * somebody's message learns its content from how that goes, so no answer may depend on it. spoiled: it, or what is
     * inside, is broken. */
    bool malleable, spoiled;
    /* A signature of that kind inside it may be relied on, now or once it can be checked: one around it vouches for the
     * sender of a changed copy as well. Without such an encryption, any. */
    bool domain_counts, originator_counts;
    bool decrypted;        /* one of the layers was encrypted to us and is open */
    bool weakly_encrypted; /* … with a cipher that is no protection any more */
    bool undecryptable;    /* the innermost reached is encrypted and stays shut */
    char undecryptable_reason[320];
    char bad_signature[320]; /* why some signature does not hold; empty: all hold or there is none */
    struct error failure;    /* kind other than NONE and PERMANENT: we failed, not the message */
    struct work work;        /* what was done in vain is counted, too */
};

/* What layers are judged by. */
struct judge {
    const struct gateway *gateway;
    const struct rule *rule; /* its anchors and naming */
    const struct originator *originator;
    time_t at;
    bool outbound;     /* no domain signature over a bad one: looks into what is encrypted to us among other parts */
    struct work *work; /* where what is done is counted; examine() sets it */
};
/* The examination refers to message. */
struct examination *examine(const struct judge *judge, const struct message *message);
/* Sums up the reported layers in the two results, their names and the layers that they are about. */
void examination_sum_up(struct examination *examination, const struct originator *originator);
void examination_free(struct examination *examination);

/* The entity inside the `depth` outermost layers, depth 0 is the message itself; NULL if there is none. */
const struct part *examination_entity(const struct examination *examination, size_t depth);
/* How many of the outermost layers come off before local delivery: all down to the last one that was encrypted to us,
 * then domain, review and additional-attributes signatures and empty-signature layers; an originator's signature and
 * all in it stays, and so does a signature that does not hold. */
size_t examination_removable(const struct examination *examination);

DECLARE_OWNED(examination, struct examination *, examination_free)

#endif
