/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segments: a body composed of borrowed and of new bytes. All new bytes are in one spool, so that the memory limit
 * holds for the body as a whole. Private to mail/.
 */
#ifndef DOMSEC_MAIL_SEGMENTS_H
#define DOMSEC_MAIL_SEGMENTS_H

#include "mail/spool.h"

struct segments {
    const struct limits *limits;
    GArray *list;
    struct segments *base; /* whose spool is used; NULL: own */
    struct spool *spool;
    size_t start; /* where segments_begin() was */
    bool is_open; /* the last bytes are not CRLF */
};

void segments_init(struct segments *segments, const struct limits *limits);
/* A new list that writes into the spool of base. Always return it with segments_merge(). */
void segments_nest(struct segments *inner, struct segments *base);
/* Appends inner to the list and frees it. */
void segments_merge(struct segments *segments, struct segments *inner);
void segments_clear(struct segments *segments);

/* Adjacent slices become one. */
void segments_borrow(struct segments *segments, struct slice bytes);
bool segments_copy(struct segments *segments, struct slice bytes, struct error *error);
/* The bytes written into segments_spool() between the two calls are the next segment. */
void segments_begin(struct segments *segments);
struct spool *segments_spool(struct segments *segments);
void segments_end(struct segments *segments);
/* True if there are bytes and the last segment does not end in CRLF; new bytes are checked, too. */
bool segments_is_open(const struct segments *segments);

/* All segments in order; the rope owns the spool. NULL with an error. */
struct rope *segments_rope(struct segments *segments, struct error *error);

#endif
