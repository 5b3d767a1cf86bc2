/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing: SignedData with signed attributes, as multipart/signed or opaque (RFC 8551 §3.5).
 *
 *     entity bytes ─▶ digest ─▶ signed attributes ─▶ key ─▶ checked with the certificate ─▶ base64 ─▶ entity
 *
 * The content is hashed where it lies and, clear-signed, sent where it lies. OpenSSL gets it in binary mode: it is
 * canonical already, and what is signed must be what is sent. The signature is verified before it is handed out, so
 * that a key or token that returns garbage costs a retry and not a message. Which identity may sign is the gateway's
 * to say.
 */
#include "attributes.h"
#include "base/memory.h"
#include "compat/edwards.h"
#include "smime_private.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

static bool set_pss(EVP_PKEY_CTX *context, const EVP_MD *digest)
{
    return context != NULL && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest) > 0;
}

bool smime_key_takes_digest(EVP_PKEY *key, enum digest digest)
{
    if (!EVP_PKEY_is_a(key, "RSA-PSS"))
        return true;
    const EVP_MD *md = algorithm_digest(digest);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    bool takes = context != NULL && EVP_PKEY_sign_init(context) > 0 && EVP_PKEY_CTX_set_signature_md(context, md) > 0 &&
                 set_pss(context, md);
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return takes;
}

/* OpenSSL before 3.2 fails when a certificate is added twice. */
static bool is_repeated(const struct identity *signer, int index)
{
    const X509 *certificate = sk_X509_value(signer->chain, index);
    for (int i = 0; i < index; i++)
        if (X509_cmp(sk_X509_value(signer->chain, i), certificate) == 0)
            return true;
    return X509_cmp(signer->certificate, certificate) == 0;
}

static bool add_chain(CMS_ContentInfo *cms, const struct identity *signer)
{
    for (int i = 0; i < sk_X509_num(signer->chain); i++) {
        X509 *each = sk_X509_value(signer->chain, i);
        /* A relying party must not trust a root that comes with the message (RFC 8551 §2.3). */
        if ((X509_get_extension_flags(each) & EXFLAG_SS) == 0 && !is_repeated(signer, i) && !CMS_add1_cert(cms, each))
            return false;
    }
    return true;
}

/* What the signature points at has to come with it. */
static bool add_encryption(CMS_ContentInfo *cms, const struct identity *signer, X509 *encryption)
{
    bool is_there = X509_cmp(signer->certificate, encryption) == 0;
    for (int i = 0; i < sk_X509_num(signer->chain); i++)
        is_there = is_there || X509_cmp(sk_X509_value(signer->chain, i), encryption) == 0;
    return is_there || CMS_add1_cert(cms, encryption) == 1;
}

/* RFC 8419 §2.3: Ed25519 goes with SHA-512. */
static enum digest digest_for(const struct identity *signer, const struct sign_options *options)
{
    return edwards_is(signer->key) ? DIGEST_SHA512 : options->digest;
}

/* The administrator must fix a key whose type cannot sign, or that belongs to another certificate. Any other failure
 * may be temporary, such as a lost session with a key store or a lack of memory, so the mail waits. Always returns
 * false. */
static bool signing_failed(const struct identity *signer, const char *doing, struct error *error)
{
    static const char *const types[] = {"RSA", "RSA-PSS", "EC", "ED25519"};
    bool signs = false;
    for (size_t i = 0; i < G_N_ELEMENTS(types) && !signs; i++)
        signs = EVP_PKEY_is_a(signer->key, types[i]);
    if (!signs)
        return error_set_openssl(error, ERROR_CONFIGURATION, "cannot sign with a key of type %s",
                                 EVP_PKEY_get0_type_name(signer->key));
    ERR_set_mark();
    int same = EVP_PKEY_eq(X509_get0_pubkey(signer->certificate), signer->key);
    ERR_pop_to_mark();
    if (same == 0 || same == -1) /* -2: cannot be compared */
        return error_set_openssl(error, ERROR_CONFIGURATION, "the key does not belong to the certificate");
    return error_set_openssl(error, ERROR_TEMPORARY, "%s", doing);
}

static CMS_SignerInfo *add_signer(CMS_ContentInfo *cms, const struct identity *signer,
                                  const struct sign_options *options, struct error *error)
{
    /* A certificate with the key type RSA-PSS allows nothing else (RFC 4055 §1.2). */
    bool is_pss = EVP_PKEY_is_a(signer->key, "RSA-PSS") ||
                  (EVP_PKEY_is_a(signer->key, "RSA") && options->signature == SIGNATURE_RSA_PSS);
    const EVP_MD *digest = algorithm_digest(digest_for(signer, options));
    unsigned flags = CMS_BINARY | CMS_PARTIAL | CMS_NOSMIMECAP | (is_pss ? CMS_KEY_PARAM : 0);
    CMS_SignerInfo *info = edwards_is(signer->key)
                               ? edwards_add_signer(cms, signer->certificate, flags)
                               : CMS_add1_signer(cms, signer->certificate, signer->key, digest, flags);
    if (info == NULL) {
        signing_failed(signer, "preparing the signature", error);
        return NULL;
    }
    if ((is_pss && !set_pss(CMS_SignerInfo_get0_pkey_ctx(info), digest)) || !add_chain(cms, signer)) {
        error_set_openssl(error, ERROR_TEMPORARY, "preparing the signature");
        return NULL;
    }
    if (options->encryption != NULL && !add_encryption(cms, signer, options->encryption)) {
        error_set_openssl(error, ERROR_TEMPORARY, "preparing the signature");
        return NULL;
    }
    const struct signing signing = {.signer = signer, .digest = digest_for(signer, options), .options = options};
    if (!attributes_add(info, &signing, error) ||
        (options->carried != NULL && !carried_attributes_add(info, options->carried, error)))
        return NULL;
    return info;
}

static bool digest_and_sign(CMS_ContentInfo *cms, const struct identity *signer, const struct rope *content,
                            struct error *error)
{
    /* Detached: the chain is one digest BIO before a null BIO; a write is one EVP_DigestUpdate() on the slice. */
    owned(BIO) BIO *chain = CMS_dataInit(cms, NULL);
    if (chain == NULL)
        return error_set_openssl(error, ERROR_TEMPORARY, "preparing the signature");
    for (size_t i = 0; i < rope_count(content); i++)
        if (!digest_write(chain, rope_at(content, i), NULL, error))
            return false;
    return CMS_dataFinal(cms, chain) > 0 || signing_failed(signer, "signing", error);
}

static bool sign_and_check(CMS_ContentInfo *cms, CMS_SignerInfo *info, const struct identity *signer,
                           const struct rope *content, struct error *error)
{
    bool verified;
    if (edwards_is(signer->key)) {
        if (!edwards_sign(info, signer->key, content, error))
            return false;
        verified = edwards_verify(info, X509_get0_pubkey(signer->certificate), SLICE_NONE);
    } else {
        if (!digest_and_sign(cms, signer, content, error))
            return false;
        CMS_SignerInfo_set1_signer_cert(info, signer->certificate);
        verified = CMS_SignerInfo_verify(info) == 1;
    }
    if (!verified)
        return signing_failed(signer, "the signature that the key made does not verify with its certificate", error);
    return true;
}

static bool make_opaque(const CMS_ContentInfo *cms, const struct limits *limits, const struct rope *bytes,
                        struct entity *out, struct error *error)
{
    owned(spool) struct spool *body = spool_new(limits);
    owned(openssl_bytes) unsigned char *der = NULL;
    long length = frame_der(cms, &der, error);
    return length >= 0 && frame_write(der, length, bytes, body, error) &&
           frame_entity("signed-data", &body, out, error);
}

/* That the boundary occurs is not to be expected, but it is checked nevertheless. content NULL: base64, where no
 * boundary can occur. */
static bool make_boundary(const struct rope *content, char boundary[BOUNDARY_SIZE], struct error *error)
{
    for (unsigned attempt = 0; attempt < 4; attempt++) {
        bool occurs = false;
        if (!boundary_choose(boundary, error))
            return false;
        for (size_t i = 0; content != NULL && i < rope_count(content) && !occurs; i++) {
            struct slice slice = rope_at(content, i);
            occurs = memmem(slice.data, slice.len, boundary, strlen(boundary)) != NULL;
        }
        if (!occurs)
            return true;
    }
    return error_set(error, ERROR_BUG, "every boundary occurs in the content");
}

static struct spool *detached_signature(const CMS_ContentInfo *cms, const struct limits *limits, struct slice *text,
                                        struct error *error)
{
    owned(spool) struct spool *spool = spool_new(limits);
    owned(openssl_bytes) unsigned char *der = NULL;
    struct base64_state state = {0};
    long length = frame_der(cms, &der, error);
    if (length < 0 || !base64_write(&state, (struct slice){(char *)der, (size_t)length}, true, spool, error) ||
        !spool_finish(spool, text, error))
        return NULL;
    return steal(&spool);
}

/* The parameters in the header of a clear-signed message. */
struct clear_form {
    const char *micalg;
    char boundary[BOUNDARY_SIZE];
};

/* RFC 1847 §2.1, RFC 8551 §3.5.3. The CRLF before a boundary belongs to the boundary. */
static bool make_clear(const CMS_ContentInfo *cms, const struct limits *limits, const struct clear_form *form,
                       struct entity *content, struct entity *out, struct error *error)
{
    struct slice text;
    struct spool *signature = detached_signature(cms, limits, &text, error);
    if (signature == NULL)
        return false;
    out->header = rope_new();
    rope_printf(out->header,
                "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n"
                "\tmicalg=%s; boundary=\"%s\"\r\n",
                form->micalg, form->boundary);
    out->body = rope_new();
    rope_printf(out->body, "This is a signed message in MIME format (S/MIME).\r\n\r\n--%s\r\n", form->boundary);
    rope_take(out->body, steal(&content->header));
    rope_copy(out->body, slice_of("\r\n"));
    rope_take(out->body, steal(&content->body));
    rope_printf(out->body,
                "\r\n--%s\r\n"
                "Content-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n"
                "Content-Transfer-Encoding: base64\r\n"
                "Content-Disposition: attachment; filename=\"smime.p7s\"\r\n\r\n",
                form->boundary);
    spool_give(signature, out->body);
    rope_borrow(out->body, text);
    rope_printf(out->body, "--%s--\r\n", form->boundary);
    return true;
}

bool smime_sign(const struct identity *signer, const struct sign_options *options, struct entity *content,
                struct entity *out, struct error *error)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_ContentInfo_new();
    owned(rope) struct rope *bytes = entity_bytes(content);
    struct clear_form form = {.micalg = algorithm_micalg(digest_for(signer, options))};
    CMS_SignerInfo *info;
    unsigned failures = memory_failures(), unanswered = keys_failures();
    if (cms == NULL || !CMS_SignedData_init(cms))
        return error_set_openssl(error, ERROR_TEMPORARY, "preparing the signature");
    info = add_signer(cms, signer, options, error);
    if (info == NULL || !sign_and_check(cms, info, signer, bytes, error)) {
        /* OpenSSL 3.0 frees the signature's algorithm when it has no memory for its parameters, and leaves it in the
         * structure. Losing the structure is better than freeing that twice. */
        if (memory_failures() != failures)
            steal(&cms);
        if (keys_failures() != unanswered)
            error_set_foreign(error, ERROR_TEMPORARY, keys_failure(), "the private key cannot be used now");
        return false;
    }
    if (options->format == FORMAT_CLEAR && !content->fragile)
        return make_boundary(content->is_base64 ? NULL : bytes, form.boundary, error) &&
               make_clear(cms, options->limits, &form, content, out, error);
    if (!make_opaque(cms, options->limits, bytes, out, error))
        return false;
    entity_clear(content);
    return true;
}

bool smime_wrap_unsigned(const struct limits *limits, struct entity *content, struct entity *out, struct error *error)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = CMS_ContentInfo_new();
    owned(rope) struct rope *bytes = entity_bytes(content);
    if (cms == NULL || !CMS_SignedData_init(cms))
        return error_set_openssl(error, ERROR_TEMPORARY, "empty signature layer");
    if (!make_opaque(cms, limits, bytes, out, error))
        return false;
    entity_clear(content);
    return true;
}
