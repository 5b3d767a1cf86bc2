/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ess: the signed attributes of Enhanced Security Services (RFC 2634) that RFC 3183 builds on: security label,
 * equivalent labels, receipt request, mailing list expansion history.
 */
#ifndef DOMSEC_SMIME_ESS_H
#define DOMSEC_SMIME_ESS_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/openssl.h"

#define OID_RECEIPT_REQUEST "1.2.840.113549.1.9.16.2.1"
#define OID_SECURITY_LABEL "1.2.840.113549.1.9.16.2.2"
#define OID_ML_EXPANSION_HISTORY "1.2.840.113549.1.9.16.2.3"
#define OID_EQUIVALENT_LABELS "1.2.840.113549.1.9.16.2.9"

/* ESSSecurityLabel, RFC 2634 §3.2. */
struct security_label {
    char policy[96];        /* security policy identifier, dotted OID; empty: there is no label */
    int classification;     /* 0 unmarked, 1 unclassified, 2 restricted, 3 confidential, 4 secret, 5 top-secret, or the
                               policy's     own up to 256; -1: absent */
    char privacy_mark[132]; /* up to 128 characters (ub-privacy-mark-length), printable; empty: absent */
    unsigned categories;    /* how many; what they say is the policy's */
};

#define ESS_EQUIVALENTS_MAX 8

/* What the signed attributes of one SignerInfo say. */
struct ess {
    struct security_label label;
    struct security_label equivalents[ESS_EQUIVALENTS_MAX];
    unsigned equivalent_count;
    bool receipt_requested;
    unsigned ml_expansions; /* entries of mlExpansionHistory; 0: absent */
};

/* Reads all four. Absent ones leave their members empty. Fails with ERROR_PERMANENT when one is there and cannot be
 * read, is repeated, has not exactly one value, or stands among the unsigned attributes (RFC 2634 §1.3.4: MUST be
 * signed). */
bool ess_read(CMS_SignerInfo *signer, struct ess *ess, struct error *error);

bool ess_add_label(CMS_SignerInfo *signer, const struct security_label *label, struct error *error);
bool ess_add_equivalents(CMS_SignerInfo *signer, const struct security_label *labels, unsigned count,
                         struct error *error);

/* The signed attributes of a SignerInfo that can be put on another signature (RFC 3183 §5, step 4): all but those that
 * belong to the signature itself (content type, message digest, signing time, signing certificate, capabilities,
 * signature type). */
struct ess_attributes;
struct ess_attributes *ess_attributes_keep(CMS_SignerInfo *signer);
void ess_attributes_free(struct ess_attributes *attributes);
bool ess_attributes_add(CMS_SignerInfo *signer, const struct ess_attributes *attributes, struct error *error);

/* "confidential" for 3 …, the number for the policy's own; static or written into buffer. */
const char *classification_name(int classification, char buffer[16]);
/* -1 if the word is none of them and no number up to 256. */
int classification_parse(const char *word);

DECLARE_OWNED(ess_attributes, struct ess_attributes *, ess_attributes_free)

#endif
