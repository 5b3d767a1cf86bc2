/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle_content: the anchors in a published bundle, and whether it may be believed. Each check holds for the whole
 * bundle: a part of it is never taken.
 */
#ifndef DOMSEC_TRUST_BUNDLE_CONTENT_H
#define DOMSEC_TRUST_BUNDLE_CONTENT_H

#include "keys/keys.h"

#define BUNDLE_OCTETS_MAX ((size_t)16 << 20)
#define BUNDLE_ANCHORS_MAX 5000

struct bundle_content {
    STACK_OF(X509) * anchors;
    time_t signed_at; /* signingTime (RFC 5652 §11.3); 0: it has none */
};

/* Reads PEM, or PKCS #7 with certificates only, in DER or PEM; with signers the same as the content of a SignedData
 * that one of them has signed with a certificate that is valid at `at`. Each certificate is that of an authority, and
 * one at least is valid. False: ERROR_PERMANENT with the reason, or ERROR_TEMPORARY. */
bool bundle_content_read(struct slice contents, const STACK_OF(X509) * signers, time_t at,
                         struct bundle_content *content, struct error *error);
void bundle_content_clear(struct bundle_content *content);

/* Whether it is a SignedData with a content and a signature. */
bool bundle_content_is_signed(struct slice contents);

static inline __attribute__((unused)) void cleanup_bundle_content(struct bundle_content *content)
{
    bundle_content_clear(content);
}

#endif
