/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authres: Authentication-Results (RFC 8601), method smime (RFC 7281).
 */
#ifndef DOMSEC_MAIL_AUTHRES_H
#define DOMSEC_MAIL_AUTHRES_H

#include "base/bytes.h"

/* True if a field value claims to be ours: its authserv-id equals ours without regard to case, without comments,
 * folding and quoting, as U-label or A-label, with or without a version. When in doubt (it cannot be parsed but
 * contains our name), true: RFC 8601 §5. */
bool authres_is_from(struct slice value, const char *authserv_id);

struct authres_property {
    const char *name;  /* "body.smime-part"; NULL ends a list */
    const char *value; /* any bytes: written as token or quoted-string, control characters never raw */
};

struct authres_result {
    const char *result;  /* RFC 8601 / 7281 word */
    const char *comment; /* the authenticated object: "domain signature"; made safe; NULL: none */
    const char *reason;  /* reason="…"; NULL: none */
    struct authres_property properties[6];
};

/* The field value, with a leading space, CRLF TAB folding per result, without final CRLF. count 0 gives "; none".
 * g_free(). */
char *authres_format(const char *authserv_id, const struct authres_result *results, size_t count);

#endif
