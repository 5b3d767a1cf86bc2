/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ocsp: OpenSSL knows the format and verifies who signed. An answer counts if the authority that issued the certificate
 * has signed it, or a responder whom that authority has certified for this (RFC 6960 §4.2.2.2): the authority is the
 * only one that is trusted here, whatever other anchors there are. What depends on time is decided by us, because each
 * fault has a reason of its own, and an answer is used at other times than the one at which it came.
 */
#include "ocsp.h"

#include "unknown.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#define NONCE_LENGTH 32 /* RFC 9654 §2.1 */
#define SKEW 300        /* seconds that clocks may differ */
#define UNTIL_NEXT 600  /* for which an answer holds that names no end, but has our nonce */
#define ANSWERS_MAX 256 /* in one response */
#define AUTH_LEVEL 2    /* as of a path */

DECLARE_OWNED(ocsp_response, OCSP_RESPONSE *, OCSP_RESPONSE_free)
DECLARE_OWNED(ocsp_basic, OCSP_BASICRESP *, OCSP_BASICRESP_free)
DECLARE_OWNED(ocsp_id, OCSP_CERTID *, OCSP_CERTID_free)

bool ocsp_ask(struct ocsp_question *question, X509 *certificate, X509 *issuer, bool with_nonce)
{
    unsigned char nonce[NONCE_LENGTH];
    *question = (struct ocsp_question){.certificate = certificate, .issuer = issuer, .has_nonce = with_nonce};
    question->request = OCSP_REQUEST_new();
    /* SHA-1 names the certificate and protects nothing; RFC 5019 §2.1.1 knows no other. */
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), certificate, issuer);
    bool good = question->request != NULL && id != NULL && OCSP_request_add0_id(question->request, id) != NULL;
    if (!good)
        OCSP_CERTID_free(id);
    good = good && (!with_nonce || (RAND_bytes(nonce, sizeof(nonce)) == 1 &&
                                    OCSP_request_add1_nonce(question->request, nonce, sizeof(nonce)) == 1));
    ERR_clear_error();
    return good;
}

void ocsp_question_clear(struct ocsp_question *question)
{
    OCSP_REQUEST_free(question->request);
    *question = (struct ocsp_question){0};
}

unsigned char *ocsp_encode(const struct ocsp_question *question, size_t *length)
{
    unsigned char *der = NULL;
    int size = i2d_OCSP_REQUEST(question->request, &der);
    *length = size > 0 ? (size_t)size : 0;
    return size > 0 ? der : NULL;
}

/* --- who signed --- */

/* A store in which nothing but the issuer is trusted. */
static X509_STORE *store_of(X509 *issuer)
{
    owned(X509_STORE) X509_STORE *store = X509_STORE_new();
    if (store == NULL || X509_STORE_add_cert(store, issuer) != 1)
        return NULL;
    X509_VERIFY_PARAM *parameters = X509_STORE_get0_param(store);
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME);
    X509_VERIFY_PARAM_set_auth_level(parameters, AUTH_LEVEL);
    return steal(&store);
}

/* Anyone may have made the key of a certificate that comes with an answer. */
static bool may_verify(OCSP_BASICRESP *basic, STACK_OF(X509) * certificates, struct budget *budget)
{
    X509 *signer = NULL;
    const EVP_PKEY *key = OCSP_resp_get0_signer(basic, &signer, certificates) == 1 ? X509_get0_pubkey(signer) : NULL;
    const EVP_PKEY *of_issuer = X509_get0_pubkey(sk_X509_value(certificates, 0));
    return key != NULL && !key_is_slow(key) && budget_spend(budget, key_cost(key) + key_cost(of_issuer), NULL);
}

static const char *read_signer(OCSP_BASICRESP *basic, const struct ocsp_question *question, time_t now,
                               struct kept_answer *answer)
{
    X509 *issuer = question->issuer;
    owned(X509_STORE) X509_STORE *store = store_of(issuer);
    owned(x509_lent) STACK_OF(X509) *certificates = sk_X509_new_null();
    X509 *signer = NULL;
    struct key_digest its, own;
    if (store == NULL || certificates == NULL || sk_X509_push(certificates, issuer) <= 0 ||
        !may_verify(basic, certificates, question->budget) ||
        OCSP_basic_verify(basic, certificates, store, OCSP_NOEXPLICIT) != 1 ||
        OCSP_resp_get0_signer(basic, &signer, certificates) != 1 || !key_digest(signer, &its) ||
        !key_digest(issuer, &own))
        return UNKNOWN_ANSWER_SIGNER;
    if (memcmp(its.octets, own.octets, KEY_DIGEST) == 0)
        return NULL;
    if (X509_get_ext_by_NID(signer, NID_id_pkix_OCSP_noCheck, -1) < 0)
        return UNKNOWN_ANSWER_RESPONDER_MAY_BE_REVOKED;
    answer->responder_until = certificate_ends(signer);
    return certificate_is_current(signer, now) ? NULL : UNKNOWN_ANSWER_RESPONDER_EXPIRED;
}

/* --- what it says --- */

/* Responders name a certificate with the digest that they like. */
static bool is_about(const OCSP_SINGLERESP *single, const struct ocsp_question *question)
{
    ASN1_OBJECT *algorithm = NULL;
    OCSP_CERTID *id = (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single);
    if (OCSP_id_get0_info(NULL, &algorithm, NULL, NULL, id) != 1)
        return false;
    const EVP_MD *digest = EVP_get_digestbyobj(algorithm);
    owned(ocsp_id) OCSP_CERTID *own =
        digest != NULL ? OCSP_cert_to_id(digest, question->certificate, question->issuer) : NULL;
    return own != NULL && OCSP_id_cmp(own, id) == 0;
}

static OCSP_SINGLERESP *find_single(OCSP_BASICRESP *basic, const struct ocsp_question *question)
{
    for (int i = 0; i < MIN(OCSP_resp_count(basic), ANSWERS_MAX); i++)
        if (is_about(OCSP_resp_get0(basic, i), question))
            return OCSP_resp_get0(basic, i);
    return NULL;
}

/* A nonce may be marked as critical; nothing else of what is known here is. */
static bool has_unknown_critical(OCSP_BASICRESP *basic, OCSP_SINGLERESP *single)
{
    for (int i = OCSP_BASICRESP_get_ext_by_critical(basic, 1, -1); i >= 0;
         i = OCSP_BASICRESP_get_ext_by_critical(basic, 1, i))
        if (OBJ_obj2nid(X509_EXTENSION_get_object(OCSP_BASICRESP_get_ext(basic, i))) != NID_id_pkix_OCSP_Nonce)
            return true;
    return OCSP_SINGLERESP_get_ext_by_critical(single, 1, -1) >= 0;
}

static time_t seconds_of(const ASN1_GENERALIZEDTIME *time)
{
    struct tm parts;
    return time != NULL && ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

static const char *read_single(OCSP_SINGLERESP *single, bool is_fresh, time_t now, struct kept_answer *answer)
{
    ASN1_GENERALIZEDTIME *from = NULL, *until = NULL, *revoked_at = NULL;
    int reason = 0, status = OCSP_single_get0_status(single, &reason, &revoked_at, &from, &until);
    answer->from = seconds_of(from);
    answer->until = until != NULL ? seconds_of(until) : now + UNTIL_NEXT;
    if (answer->from == 0 || answer->until == 0)
        return UNKNOWN_ANSWER_IS_NONE;
    if (answer->from > now + SKEW)
        return UNKNOWN_ANSWER_FUTURE;
    if (status != V_OCSP_CERTSTATUS_GOOD && status != V_OCSP_CERTSTATUS_REVOKED)
        return UNKNOWN_ANSWER_UNKNOWN;
    answer->status = status == V_OCSP_CERTSTATUS_GOOD ? REVOCATION_GOOD : REVOCATION_REVOKED;
    if (answer->status == REVOCATION_REVOKED) /* it does not become good by waiting */
        return NULL;
    if (until == NULL && !is_fresh)
        return UNKNOWN_ANSWER_NO_END;
    return answer->until >= now ? NULL : UNKNOWN_ANSWER_STALE;
}

static const char *read_basic(OCSP_BASICRESP *basic, const struct ocsp_question *question, time_t now,
                              struct kept_answer *answer)
{
    int nonces = question->has_nonce ? OCSP_check_nonce(question->request, basic) : -1;
    if (nonces == 0)
        return UNKNOWN_ANSWER_NONCE;
    OCSP_SINGLERESP *single = find_single(basic, question);
    if (single == NULL)
        return UNKNOWN_ANSWER_OTHER;
    const char *fault = read_signer(basic, question, now, answer);
    if (fault != NULL)
        return fault;
    if (has_unknown_critical(basic, single))
        return UNKNOWN_ANSWER_CRITICAL;
    return read_single(single, nonces == 1, now, answer);
}

static const char *read_response(const struct ocsp_question *question, struct slice der, time_t now,
                                 struct kept_answer *answer)
{
    const unsigned char *at = (const unsigned char *)der.data, *end = at + der.len;
    owned(ocsp_response) OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);
    if (response == NULL || at != end)
        return UNKNOWN_ANSWER_IS_NONE;
    int status = OCSP_response_status(response);
    if (status == OCSP_RESPONSE_STATUS_TRYLATER || status == OCSP_RESPONSE_STATUS_INTERNALERROR)
        return UNKNOWN_ANSWER_LATER;
    if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return UNKNOWN_ANSWER_REFUSED;
    owned(ocsp_basic) OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
    return basic != NULL ? read_basic(basic, question, now, answer) : UNKNOWN_ANSWER_IS_NONE;
}

const char *ocsp_read(const struct ocsp_question *question, struct slice der, time_t now, struct kept_answer *answer)
{
    *answer = (struct kept_answer){.status = REVOCATION_UNKNOWN};
    const char *fault = read_response(question, der, now, answer);
    if (fault != NULL)
        answer->status = REVOCATION_UNKNOWN;
    ERR_clear_error();
    return fault;
}

enum revocation_status ocsp_judge(const struct kept_answer *answer, time_t at, const char **reason)
{
    if (answer->status == REVOCATION_REVOKED)
        return REVOCATION_REVOKED;
    if (answer->from > at + SKEW)
        *reason = UNKNOWN_ANSWER_FUTURE;
    else if (answer->until < at)
        *reason = UNKNOWN_ANSWER_STALE;
    else if (answer->responder_until != 0 && answer->responder_until <= at)
        *reason = UNKNOWN_ANSWER_RESPONDER_EXPIRED;
    else
        return answer->status;
    return REVOCATION_UNKNOWN;
}
