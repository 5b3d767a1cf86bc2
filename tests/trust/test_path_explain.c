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
