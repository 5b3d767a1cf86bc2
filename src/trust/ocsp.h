/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ocsp: questions to OCSP responders and what their answers are worth (RFC 6960).
 */
#ifndef DOMSEC_TRUST_OCSP_H
#define DOMSEC_TRUST_OCSP_H

#include "base/bytes.h"
#include "kept.h"

#include <openssl/ocsp.h>

struct ocsp_question {
    X509 *certificate, *issuer; /* lent */
    OCSP_REQUEST *request;      /* NULL: an answer that came without a question */
    bool has_nonce;
    struct budget *budget; /* for signatures; NULL: no limit */
};

/* with_nonce: RFC 9654; without it is a request of the lightweight profile (RFC 5019). False: out of memory. */
bool ocsp_ask(struct ocsp_question *question, X509 *certificate, X509 *issuer, bool with_nonce);
void ocsp_question_clear(struct ocsp_question *question);
/* In DER; OPENSSL_free(). */
unsigned char *ocsp_encode(const struct ocsp_question *question, size_t *length);

/* NULL: the answer says that the certificate is good or revoked. Else why it says nothing (unknown.h). */
const char *ocsp_read(const struct ocsp_question *question, struct slice der, time_t now, struct kept_answer *answer);

/* What an answer comes to at a time: REVOKED for ever, GOOD as long as it holds. UNKNOWN with *reason. */
enum revocation_status ocsp_judge(const struct kept_answer *answer, time_t at, const char **reason);

static inline __attribute__((unused)) void cleanup_ocsp_question(struct ocsp_question *question)
{
    ocsp_question_clear(question);
}

#endif
