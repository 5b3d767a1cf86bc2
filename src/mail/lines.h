/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines: finds in one pass what may not pass MTAs unchanged in the lines of a content. Private to mail/.
 */
#ifndef DOMSEC_MAIL_LINES_H
#define DOMSEC_MAIL_LINES_H

#include "mail/mime.h"

enum trouble {
    TROUBLE_EIGHT_BIT = 1 << 0,
    TROUBLE_NUL = 1 << 1,
    TROUBLE_BARE = 1 << 2,  /* CR without LF or LF without CR */
    TROUBLE_LONG = 1 << 3,  /* a line beyond 998 octets, RFC 5322 §2.1.1 */
    TROUBLE_SPACE = 1 << 4, /* white space at the end of a line */
    TROUBLE_FROM = 1 << 5,  /* "From " at the beginning of a line */
    TROUBLE_OPEN = 1 << 6,  /* not empty, and the last line has no CRLF */
};
/* Troubles that no transport allows, declared or not. */
#define TROUBLE_HARD (TROUBLE_EIGHT_BIT | TROUBLE_NUL | TROUBLE_BARE | TROUBLE_LONG)

/* The first byte below lowest (0x80 at most) or above 0x7f, or end. */
const char *lines_find_outside(const char *p, const char *end, unsigned char lowest);

/* A set of enum trouble; 0: nothing. */
unsigned lines_scan(struct slice bytes);

/* mime_line_ends(), but the last line is left open if close is false. */
bool lines_write(struct slice bytes, bool close, struct spool *out, bool *changed, struct error *error);

#endif
