/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ess: the signed attributes of Enhanced Security Services (RFC 2634) that RFC 3183 builds on: security label,
 * equivalent labels, receipt request, mailing list expansion history. Plain data, without a type of
 * OpenSSL.
 */
#ifndef DOMSEC_SMIME_ESS_H
#define DOMSEC_SMIME_ESS_H

#include <stdbool.h>

/* ESSSecurityLabel, RFC 2634 §3.2. */
struct security_label {
    char policy[96];        /* security policy identifier, dotted OID; empty: there is no label */
    int classification;     /* 0 unmarked, 1 unclassified, 2 restricted, 3 confidential, 4 secret, 5 top-secret, or the
                               policy's own up to 256; -1: absent */
    char privacy_mark[132]; /* up to 128 characters (ub-privacy-mark-length), printable; empty: absent */
    unsigned categories;    /* how many; their meaning depends on the policy */
    char categories_sha256[65]; /* of their encoding, in hex; empty: no categories */
};

#define ESS_EQUIVALENTS_MAX 8

/* The ESS attributes among the signed attributes of one SignerInfo. */
struct ess {
    struct security_label label;
    struct security_label equivalents[ESS_EQUIVALENTS_MAX];
    unsigned equivalent_count;
    bool receipt_requested;
    unsigned ml_expansions; /* entries of mlExpansionHistory; 0: absent */
};

#define ESS_NONE ((struct ess){.label = {.classification = -1}})

/* "confidential" for 3 …, the number for the policy's own; static or written into buffer. */
const char *classification_name(int classification, char buffer[16]);

#endif
