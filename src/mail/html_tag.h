/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html_tag: finds tags in HTML, as far as a Legacy Display Element (RFC 9788) needs it. Comments and scripts are read
 * as any text. Allocates nothing. Private to mail/.
 */
#ifndef DOMSEC_MAIL_HTML_TAG_H
#define DOMSEC_MAIL_HTML_TAG_H

#include "base/bytes.h"

struct html_tag {
    struct slice whole;      /* from < to > */
    struct slice attributes; /* from behind the name to before > */
    bool is_end;             /* </name> */
};

/* The next tag of that name, in any case, from *at on. *at then stands behind it. end: the text ends here. */
bool html_next_tag(const char **at, const char *end, const char *name, struct html_tag *tag);

/* Whether the attribute class names that class. ASCII case-insensitive. */
bool html_tag_has_class(const struct html_tag *tag, const char *name);

#endif
