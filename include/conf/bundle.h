/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle: a published bundle of trust anchors: a group or a URL in `trust_anchors` or `anchors`, as data.
 */
#ifndef DOMSEC_CONF_BUNDLE_H
#define DOMSEC_CONF_BUNDLE_H

#include <stddef.h>

struct bundle_conf {
    char *url;        /* "https:", or "http:" with signers; NULL: a file */
    char *file;       /* NULL: a URL */
    char **signers;   /* key `signer`: files with the certificates, one of which has signed the bundle; empty: it is not
                         signed */
    char *ca;         /* file with the authorities that the server's certificate must lead to */
    unsigned refresh; /* hours */
    unsigned line;    /* for faults */
};

struct bundles_conf {
    struct bundle_conf *list;
    size_t count;
};

#endif
