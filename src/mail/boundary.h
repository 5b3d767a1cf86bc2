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

/* A static text that says what is wrong with it, or NULL. *usable: it can be searched for nevertheless. */
const char *boundary_fault(const struct boundary *boundary, bool *usable);

struct split {
    struct slice *parts;
    size_t count;
    struct slice preamble, epilogue;
    const char *fault;
};

/* Never fails for odd input but for too much of it: more parts than max_parts, or *budget lines that almost are
 * delimiters. split is to be cleared in any case. */
bool boundary_split(const struct boundary *boundary, struct slice body, size_t max_parts, size_t *budget,
                    struct split *split, struct error *error);
void split_clear(struct split *split);

#endif
