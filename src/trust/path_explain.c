/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_explain: OpenSSL's verification errors as outcomes and sentences for an administrator who has to act on them,
 * one table.
 *
 * What is not in the table fails: an error that a later OpenSSL brings is never a pass and never "try again".
 */
#include "path.h"

#define SUBJECT_SHOWN 120 /* characters of a subject within a reason */

struct explanation {
    int error;
    enum outcome outcome;
    const char *text; /* follows "the certificate X " */
};

static const struct explanation explanations[] = {
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, OUTCOME_POLICY, "does not lead to a trust anchor: its issuer is unknown"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, OUTCOME_POLICY,
     "does not lead to a trust anchor: its issuer is unknown"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, OUTCOME_POLICY,
     "does not lead to a trust anchor: its issuer is unknown"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, OUTCOME_POLICY, "is self-signed and not a trust anchor"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, OUTCOME_POLICY, "is a root certificate and not a trust anchor"},
    {X509_V_ERR_CERT_UNTRUSTED, OUTCOME_POLICY, "is not trusted"},
    {X509_V_ERR_OUT_OF_MEM, OUTCOME_TEMPERROR, "could not be checked: out of memory"},
    {X509_V_ERR_UNSPECIFIED, OUTCOME_TEMPERROR, "could not be checked"},
    {X509_V_ERR_STORE_LOOKUP, OUTCOME_TEMPERROR, "could not be checked: the trust store failed"},
    {X509_V_ERR_CERT_HAS_EXPIRED, OUTCOME_FAIL, "has expired"},
    {X509_V_ERR_CERT_NOT_YET_VALID, OUTCOME_FAIL, "is not yet valid"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, OUTCOME_FAIL, "has a bad signature"},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, OUTCOME_FAIL, "has a bad signature"},
    {X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, OUTCOME_FAIL, "has a key that cannot be read"},
    {X509_V_ERR_INVALID_CA, OUTCOME_FAIL, "issues certificates and is not a CA certificate"},
    {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, OUTCOME_FAIL, "issues certificates, which its key usage does not allow"},
    {X509_V_ERR_INVALID_PURPOSE, OUTCOME_FAIL, "belongs to a CA that may not certify for e-mail"},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, OUTCOME_FAIL, "exceeds a path length constraint"},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, OUTCOME_FAIL, "is too far from a trust anchor"},
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, OUTCOME_FAIL, "has an unknown critical extension"},
    {X509_V_ERR_INVALID_EXTENSION, OUTCOME_FAIL, "has an invalid extension"},
    {X509_V_ERR_PERMITTED_VIOLATION, OUTCOME_FAIL, "has a name that its issuer may not certify (name constraints)"},
    {X509_V_ERR_EXCLUDED_VIOLATION, OUTCOME_FAIL, "has a name that its issuer may not certify (name constraints)"},
    {X509_V_ERR_NO_EXPLICIT_POLICY, OUTCOME_FAIL, "has no valid certificate policy, and one is required"},
    {X509_V_ERR_INVALID_POLICY_EXTENSION, OUTCOME_FAIL, "has an invalid certificate policy extension"},
    {PATH_TOO_MANY_POLICIES, OUTCOME_FAIL, "has a path with too many certificate policies"},
    {X509_V_ERR_EE_KEY_TOO_SMALL, OUTCOME_FAIL, "has a weak key"},
    {X509_V_ERR_CA_KEY_TOO_SMALL, OUTCOME_FAIL, "issues certificates with a weak key"},
    {X509_V_ERR_CA_MD_TOO_WEAK, OUTCOME_FAIL, "is signed with a weak digest (such as MD5 or SHA-1)"},
};

static const struct explanation *explanation_of(int error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(explanations); i++)
        if (explanations[i].error == error)
            return &explanations[i];
    return NULL;
}

static char *short_subject(const X509 *certificate)
{
    g_autofree char *subject = certificate != NULL ? certificate_subject(certificate) : g_strdup("(unknown)");
    if (g_utf8_strlen(subject, -1) <= SUBJECT_SHOWN)
        return steal(&subject);
    g_autofree char *begin = g_utf8_substring(subject, 0, SUBJECT_SHOWN - 3);
    return g_strconcat(begin, "...", NULL);
}

bool path_explain_one(const X509 *certificate, enum outcome outcome, const char *text, struct finding *finding)
{
    g_autofree char *subject = short_subject(certificate);
    return finding_set(finding, outcome, "the certificate \"%s\" %s", subject, text);
}

bool path_explain(const struct path_result *result, struct finding *finding)
{
    if (result->error == X509_V_OK)
        return finding_set(finding, OUTCOME_PASS, PATH_IS_VALID);
    g_autofree char *subject = short_subject(result->culprit);
    const struct explanation *known = explanation_of(result->error);
    if (known == NULL)
        return finding_set(finding, OUTCOME_FAIL, "the certificate \"%s\" fails the check with X.509 error %d", subject,
                           result->error);
    return finding_set(finding, known->outcome, "the certificate \"%s\" %s%s%s", subject, known->text,
                       result->weakness != NULL ? ": " : "", result->weakness != NULL ? result->weakness : "");
}
