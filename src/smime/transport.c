/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks the algorithm and the parameters by which the content key is transported (RSA) or wrapped (key agreement).
 * OpenSSL 3.0 ignores OAEP parameters that it cannot decode or does not know, and then decrypts with PKCS #1 v1.5, so
 * an attacker who changes the parameters in transit could choose the weaker padding. Versions before 3.0.22 crash on a
 * key agreement without parameters (CVE-2026-28389), and on key wraps that mail does not use (CVE-2026-63072). The
 * parameters are public, so refusing them reveals nothing.
 */
#include "smime_private.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

static bool is_known_digest(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *oid;
    if (algorithm == NULL)
        return true; /* DEFAULT: SHA-1 */
    X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
    switch (OBJ_obj2nid(oid)) {
    case NID_sha1:
    case NID_sha224:
    case NID_sha256:
    case NID_sha384:
    case NID_sha512:
        return true;
    default:
        return false;
    }
}

/* MGF1 and a digest (RFC 8017, appendix B.2.1). */
static bool is_known_mask(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *oid;
    if (algorithm == NULL)
        return true; /* DEFAULT: MGF1 with SHA-1 */
    X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
    if (OBJ_obj2nid(oid) != NID_mgf1)
        return false;
    owned(X509_ALGOR) X509_ALGOR *digest = algorithm_parameters(algorithm, ASN1_ITEM_rptr(X509_ALGOR));
    return digest != NULL && is_known_digest(digest);
}

/* A label, which may be empty (RFC 8017, appendix A.2.1). */
static bool is_known_source(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *oid;
    int type;
    if (algorithm == NULL)
        return true;
    X509_ALGOR_get0(&oid, &type, NULL, algorithm);
    return OBJ_obj2nid(oid) == NID_pSpecified && type == V_ASN1_OCTET_STRING;
}

static bool is_known_oaep(const X509_ALGOR *algorithm)
{
    RSA_OAEP_PARAMS *parameters = algorithm_parameters(algorithm, ASN1_ITEM_rptr(RSA_OAEP_PARAMS));
    bool known = parameters != NULL && is_known_digest(parameters->hashFunc) &&
                 is_known_mask(parameters->maskGenFunc) && is_known_source(parameters->pSourceFunc);
    RSA_OAEP_PARAMS_free(parameters);
    ERR_clear_error();
    return known;
}

/* RFC 5753 §7.1.5. Older gateways still send Triple DES, wrapped by Triple DES. Wrapped around the key of another
 * cipher, it would weaken that cipher (RFC 8551 §2.3). */
static bool is_known_wrap(const X509_ALGOR *algorithm, int cipher_nid)
{
    const ASN1_OBJECT *oid;
    X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
    switch (OBJ_obj2nid(oid)) {
    case NID_id_aes128_wrap:
    case NID_id_aes192_wrap:
    case NID_id_aes256_wrap:
        return true;
    case NID_id_smime_alg_CMS3DESwrap:
        return cipher_nid == NID_des_ede3_cbc;
    default:
        return false;
    }
}

bool agreement_is_known(CMS_RecipientInfo *info, int cipher_nid)
{
    X509_ALGOR *algorithm = NULL;
    if (!CMS_RecipientInfo_kari_get0_alg(info, &algorithm, NULL) || algorithm == NULL)
        return false;
    owned(X509_ALGOR) X509_ALGOR *wrap = algorithm_parameters(algorithm, ASN1_ITEM_rptr(X509_ALGOR));
    bool known = wrap != NULL && is_known_wrap(wrap, cipher_nid);
    ERR_clear_error();
    return known;
}

bool transport_is_known(CMS_RecipientInfo *info)
{
    X509_ALGOR *algorithm = NULL;
    const ASN1_OBJECT *oid;
    int type;
    if (!CMS_RecipientInfo_ktri_get0_algs(info, NULL, NULL, &algorithm) || algorithm == NULL)
        return false;
    X509_ALGOR_get0(&oid, &type, NULL, algorithm);
    if (OBJ_obj2nid(oid) == NID_rsaEncryption)
        return type == V_ASN1_NULL || type == V_ASN1_UNDEF;
    return OBJ_obj2nid(oid) == NID_rsaesOaep && is_known_oaep(algorithm);
}
