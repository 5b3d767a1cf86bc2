/* SPDX-License-Identifier: Apache-2.0 */
/* What OpenSSL's errors come to: our own failure is no verdict on a certificate, and what is unknown fails. */
#include "support/pki.h"

#include "trust/path.h"

#include <criterion/criterion.h>

static const struct {
    int error;
    enum outcome outcome;
    const char *says;
} rows[] = {
    {X509_V_OK, OUTCOME_PASS, "is valid"},
    {X509_V_ERR_OUT_OF_MEM, OUTCOME_TEMPERROR, "could not be checked: out of memory"},
    {X509_V_ERR_UNSPECIFIED, OUTCOME_TEMPERROR, "could not be checked"},
    {X509_V_ERR_STORE_LOOKUP, OUTCOME_TEMPERROR, "could not be checked: the trust store failed"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, OUTCOME_POLICY, "does not lead to a trust anchor"},
    {X509_V_ERR_CERT_HAS_EXPIRED, OUTCOME_FAIL, "has expired"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, OUTCOME_POLICY, "does not lead to a trust anchor"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, OUTCOME_POLICY, "does not lead to a trust anchor"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, OUTCOME_POLICY, "is self-signed"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, OUTCOME_POLICY, "is a root certificate"},
    {X509_V_ERR_CERT_UNTRUSTED, OUTCOME_POLICY, "is not trusted"},
    {X509_V_ERR_CERT_NOT_YET_VALID, OUTCOME_FAIL, "is not yet valid"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, OUTCOME_FAIL, "has a bad signature"},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, OUTCOME_FAIL, "has a bad signature"},
    {X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, OUTCOME_FAIL, "has a key that cannot be read"},
    {X509_V_ERR_INVALID_CA, OUTCOME_FAIL, "is not a CA certificate"},
    {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, OUTCOME_FAIL, "its key usage does not allow"},
    {X509_V_ERR_INVALID_PURPOSE, OUTCOME_FAIL, "may not certify for e-mail"},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, OUTCOME_FAIL, "path length"},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, OUTCOME_FAIL, "too far from a trust anchor"},
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, OUTCOME_FAIL, "unknown critical extension"},
    {X509_V_ERR_INVALID_EXTENSION, OUTCOME_FAIL, "invalid extension"},
    {X509_V_ERR_PERMITTED_VIOLATION, OUTCOME_FAIL, "name constraints"},
    {X509_V_ERR_EXCLUDED_VIOLATION, OUTCOME_FAIL, "name constraints"},
    {X509_V_ERR_NO_EXPLICIT_POLICY, OUTCOME_FAIL, "no valid certificate policy"},
    {X509_V_ERR_INVALID_POLICY_EXTENSION, OUTCOME_FAIL, "invalid certificate policy"},
    {PATH_TOO_MANY_POLICIES, OUTCOME_FAIL, "too many certificate policies"},
    {X509_V_ERR_EE_KEY_TOO_SMALL, OUTCOME_FAIL, "has a weak key"},
    {X509_V_ERR_CA_KEY_TOO_SMALL, OUTCOME_FAIL, "with a weak key"},
    {X509_V_ERR_CA_MD_TOO_WEAK, OUTCOME_FAIL, "weak digest"},
    {X509_V_ERR_PROXY_CERTIFICATES_NOT_ALLOWED, OUTCOME_FAIL, "CN=anything\" fails the check with X.509 error 40"},
    {4711, OUTCOME_FAIL, "X.509 error 4711"},
};

Test(path_explain, our_own_failure_is_no_verdict)
{
    PKI_AUTO struct pki *pki = pki_issue(&(struct pki_spec){.subject = PKI_LIST("CN=anything")});
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct path_result result = {.error = rows[i].error, .culprit = pki->cert};
        struct finding finding = {0};
        cr_expect_eq(path_explain(&result, &finding), rows[i].outcome == OUTCOME_PASS, "row %zu", i);
        cr_expect_eq(finding.outcome, rows[i].outcome, "row %zu: %s: %s", i, outcome_name(finding.outcome),
                     finding.reason);
        cr_expect_not_null(strstr(finding.reason, rows[i].says), "row %zu: %s", i, finding.reason);
    }
}
