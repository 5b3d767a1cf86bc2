/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signing certificate attributes (RFC 5035 §3, §5.4; RFC 2634 §5.4): a signature names its certificate by hash, so
 * that it cannot be given to another one with the same key. Only the first entry names the signer; those that follow
 * restrict the chain and are not used. OpenSSL 3.0's own check wants the whole chain at hand and cannot tell
 * which entry did not fit, hence the templates here. Our own certificates are named again and again: the value is made
 * once and kept with the certificate.
 */
#include "attributes.h"
#include "base/memory.h"
#include "smime_private.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/ess.h>
#include <string.h>

struct certificate_id {
    X509_ALGOR *digest; /* of version 2; NULL: SHA-256 */
    ASN1_OCTET_STRING *hash;
    ASN1_TYPE *issuer_serial;
};

struct signing_certificate {
    STACK_OF(ASN1_TYPE) * ids; /* each a certificate_id, decoded when it is used */
    STACK_OF(ASN1_TYPE) * policies;
};

/* clang-format off */
ASN1_SEQUENCE(CERTIFICATE_ID) = {
    ASN1_OPT(struct certificate_id, digest, X509_ALGOR),
    ASN1_SIMPLE(struct certificate_id, hash, ASN1_OCTET_STRING),
    ASN1_OPT(struct certificate_id, issuer_serial, ASN1_ANY),
} static_ASN1_SEQUENCE_END_name(struct certificate_id, CERTIFICATE_ID)

ASN1_SEQUENCE(SIGNING_CERTIFICATE) = {
    ASN1_SEQUENCE_OF(struct signing_certificate, ids, ASN1_ANY),
    ASN1_SEQUENCE_OF_OPT(struct signing_certificate, policies, ASN1_ANY),
} static_ASN1_SEQUENCE_END_name(struct signing_certificate, SIGNING_CERTIFICATE)
    /* clang-format on */

    static void certificate_id_free(struct certificate_id * id)
{
    ASN1_item_free((ASN1_VALUE *)id, ASN1_ITEM_rptr(CERTIFICATE_ID));
}

static void signing_certificate_free(struct signing_certificate *attribute)
{
    ASN1_item_free((ASN1_VALUE *)attribute, ASN1_ITEM_rptr(SIGNING_CERTIFICATE));
}

DECLARE_OWNED(certificate_id, struct certificate_id *, certificate_id_free)
DECLARE_OWNED(signing_certificate, struct signing_certificate *, signing_certificate_free)
DECLARE_OWNED(ESS_SIGNING_CERT_V2, ESS_SIGNING_CERT_V2 *, ESS_SIGNING_CERT_V2_free)

static void *decode(const ASN1_STRING *value, const ASN1_ITEM *item)
{
    const unsigned char *at = ASN1_STRING_get0_data(value);
    const unsigned char *end = at + ASN1_STRING_length(value);
    ASN1_VALUE *decoded = ASN1_item_d2i(NULL, &at, ASN1_STRING_length(value), item);
    if (decoded != NULL && at != end) {
        ASN1_item_free(decoded, item);
        decoded = NULL;
    }
    return decoded;
}

static struct certificate_id *first_id(const ASN1_STRING *value)
{
    owned(signing_certificate) struct signing_certificate *attribute =
        decode(value, ASN1_ITEM_rptr(SIGNING_CERTIFICATE));
    const ASN1_TYPE *first;
    if (attribute == NULL || sk_ASN1_TYPE_num(attribute->ids) < 1)
        return NULL;
    first = sk_ASN1_TYPE_value(attribute->ids, 0);
    return ASN1_TYPE_get(first) == V_ASN1_SEQUENCE ? decode(first->value.sequence, ASN1_ITEM_rptr(CERTIFICATE_ID))
                                                   : NULL;
}

static bool names(const struct certificate_id *id, const EVP_MD *digest, const X509 *certificate)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length;
    if (id->digest != NULL) {
        const ASN1_OBJECT *oid;
        X509_ALGOR_get0(&oid, NULL, NULL, id->digest);
        digest = EVP_get_digestbyobj(oid);
    }
    return digest != NULL && X509_digest(certificate, digest, hash, &length) &&
           length == (unsigned)ASN1_STRING_length(id->hash) &&
           memcmp(hash, ASN1_STRING_get0_data(id->hash), length) == 0;
}

static const char *fault_of(const ASN1_TYPE *value, const EVP_MD *digest, const X509 *certificate)
{
    owned(certificate_id) struct certificate_id *id = first_id(value->value.sequence);
    const char *fault = NULL;
    if (id == NULL)
        fault = "attribute cannot be parsed";
    else if (!names(id, digest, certificate))
        fault = "attribute names another certificate";
    ERR_clear_error(); /* `fault` says it */
    return fault;
}

const char *signing_certificate_read(const ASN1_TYPE *value, const struct reading *reading)
{
    return fault_of(value, EVP_sha256(), reading->certificate);
}

const char *signing_certificate_read_sha1(const ASN1_TYPE *value, const struct reading *reading)
{
    return fault_of(value, EVP_sha1(), reading->certificate);
}

/* --- ours --- */

struct made {
    unsigned char *der[DIGEST_SHA512 + 1];
    int length[DIGEST_SHA512 + 1];
};

static void made_free(void *parent, void *pointer, CRYPTO_EX_DATA *data, int index, long argument, void *context)
{
    struct made *made = pointer;
    (void)parent, (void)data, (void)index, (void)argument, (void)context;
    for (size_t i = 0; made != NULL && i < G_N_ELEMENTS(made->der); i++)
        OPENSSL_free(made->der[i]);
    g_free(made);
}

/* Where a certificate keeps it; by signing_certificate_init(). */
static int made_index = -1;

bool signing_certificate_init(struct error *error)
{
    if (made_index < 0)
        made_index = X509_get_ex_new_index(0, NULL, NULL, NULL, made_free);
    return made_index >= 0 || error_set_openssl(error, ERROR_TEMPORARY, "data of certificates");
}

static int make(X509 *certificate, enum digest digest, unsigned char **der)
{
    owned(ESS_SIGNING_CERT_V2) ESS_SIGNING_CERT_V2 *value =
        OSSL_ESS_signing_cert_v2_new_init(algorithm_digest(digest), certificate, NULL, 1);
    return value != NULL ? i2d_ESS_SIGNING_CERT_V2(value, der) : -1;
}

/* Called with the lock. NULL: it cannot be made. */
static const struct made *made_with(X509 *certificate, enum digest digest)
{
    struct made *made = X509_get_ex_data(certificate, made_index);
    if (made == NULL) {
        made = g_new0(struct made, 1);
        if (!X509_set_ex_data(certificate, made_index, made)) {
            g_free(made);
            return NULL;
        }
    }
    if (made->der[digest] != NULL)
        return made;
    unsigned failures = memory_failures();
    made->length[digest] = make(certificate, digest, &made->der[digest]);
    if (made->length[digest] <= 0 || memory_failures() != failures) { /* what lacks memory is not kept */
        OPENSSL_free(made->der[digest]);
        made->der[digest] = NULL;
        return NULL;
    }
    return made;
}

bool signing_certificate_add(const struct signing *signing, ASN1_STRING **value, struct error *error)
{
    static GMutex lock;
    struct slice der = SLICE_NONE;
    g_mutex_lock(&lock);
    const struct made *made = made_with(signing->signer->certificate, signing->digest);
    g_mutex_unlock(&lock);
    if (made != NULL)
        der = der_slice(made->der[signing->digest], made->length[signing->digest]);
    *value = der_string(V_ASN1_SEQUENCE, der, error);
    return *value != NULL;
}
