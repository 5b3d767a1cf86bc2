/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boundary: finds the delimiter lines of one multipart (RFC 2046 §5.1.1). Private to mail/.
 */
#ifndef DOMSEC_MAIL_BOUNDARY_H
#define DOMSEC_MAIL_BOUNDARY_H

#include "base/bytes.h"
#include "base/error.h"

/* A boundary with those of the multiparts around it. */
struct boundary {
    const char *text; /* NULL: none */
    size_t length;
    const struct boundary *outer;
    unsigned depth; /* 1: outermost */
};

/* Returns NULL, or a static text that describes the fault. *usable: true if the boundary can be searched for
 * nevertheless. */
const char *boundary_fault(const struct boundary *boundary, bool *usable);

struct split {
    struct slice *parts;
    size_t count;
    struct slice preamble, epilogue;
    const char *fault;
};

/* Does not fail on malformed input, only on too much of it: more parts than max_parts, or *budget lines that are
 * nearly delimiters. Always clear split. */
bool boundary_split(const struct boundary *boundary, struct slice body, size_t max_parts, size_t *budget,
                    struct split *split, struct error *error);
void split_clear(struct split *split);

#endif
