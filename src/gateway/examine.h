/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examine: takes a message's S/MIME layers apart from the outside in, and does the signatures' mathematics. Shared by
 * inbound (what to deliver, what to say) and outbound (is every signature inside good, RFC 3183 §3.2; what lies under
 * our own encryption, §5). Looks nothing up and decides nothing.
 */
#ifndef DOMSEC_GATEWAY_EXAMINE_H
#define DOMSEC_GATEWAY_EXAMINE_H

#include "policy/policy.h"
#include "smime/smime.h"

struct accounts; /* gateway/gateway.h */

struct examined_layer {
    struct layer layer;
    char *part;                /* part number within the message: "1", "1.1" … */
    const struct part *source; /* what it was opened from */
    enum opened opened;
    struct error error;  /* why it is not open, or why its content cannot be read */
    struct part *inner;  /* the entity inside, parsed; NULL if the layer could not be opened or holds nothing */
    struct spool *spool; /* its bytes, where line ends had to be made CRLF before they could be parsed; else NULL */
    bool partial;        /* it covers one part among others */
    bool by_our_key;     /* inside a part that only our key opens */
    bool inside;         /* an encryption that our key was used on */
    bool over_limit;     /* not opened: the message has too many parts like it */
};

/* What a message costs, in the units that cost most. */
struct work {
    unsigned layers;     /* looked into */
    unsigned signatures; /* verified, with each key that was tried */
    unsigned paths;      /* looked for; counted by the lookups */
    unsigned encrypters; /* certificates whose names were compared; counted by the lookups */
};

struct examination {
    struct part *root;             /* NULL: there is no message, or it cannot be parsed */
    size_t depth;                  /* layers around root */
    struct examined_layer *layers; /* those that cover the whole body, outermost first; then the partial ones */
    size_t count, whole;           /* of all; of those that cover the whole body */
    size_t partial_count;          /* how many partial ones were looked at, in vain or not */
    size_t visible_count;          /* … of those that show without our key */
    bool inside;                   /* our key was used on a layer around the whole, or this is in vain */
    bool malleable;                /* our key was used on an encryption that does not protect against changes (CBC) */
    struct error failure;          /* the message could not be worked on; kind ERROR_PERMANENT: by its own fault */
    struct work work;              /* what was done in vain is counted, too */
    /* What came out of decryptions that failed. Each stage works on it as on the rest, and nothing else uses it. */
    struct examination *vain, *next_vain;
    const struct identity *vain_identity; /* of what came out: whose key was used; NULL: out of a part */
};

struct examine_options {
    const struct keys *keys;
    time_t at;
    const struct limits *limits;
    const struct envelope *envelope; /* a mailbox's own key opens only what all recipients may read; NULL: any */
    enum direction direction;
    struct accounts *accounts;
    bool refuses_cbc;  /* what does not protect against changes is left shut */
    bool opens_parts;  /* what is encrypted to us among other parts is opened, too */
    bool opens_alone;  /* an encrypted part that is alone in a multipart/mixed is opened as the whole message */
    struct work *work; /* private to examine() */
};

/* Never NULL. The examination refers to message, which may be NULL: there are no layers then. */
struct examination *examine(const struct examine_options *options, const struct message *message);
void examination_free(struct examination *examination);

/* The entity inside the `depth` outermost layers; depth 0 is the message itself. NULL if there is no such entity. */
const struct part *examination_entity(const struct examination *examination, size_t depth);

/* What came out of the innermost layer around the whole message, if that is a decryption that failed; else NULL. */
const struct examination *examination_in_vain(const struct examination *examination);
/* examination_entity() as if no decryption had failed. Never for the message: only to do the same work. */
const struct part *examination_if_opened(const struct examination *examination, size_t depth);

DECLARE_OWNED(examination, struct examination *, examination_free)

#endif
