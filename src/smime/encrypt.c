/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encrypting: EnvelopedData (CBC) or AuthEnvelopedData (GCM) for all recipients (RFC 8551 §3.3, §3.4).
 *
 *     entity bytes ─▶ cipher ─▶ base64 ─▶ spool       one pass, one buffer of 48 kB
 *
 * OpenSSL makes the structure: content key, nonce, RecipientInfos, parameters. The bulk goes through its cipher context
 * directly, not through its BIO chain, which copies in pieces of 4 kB. Which certificates are fit is trust's to say.
 */
#include "compat/x25519.h"
#include "smime_private.h"

#include <openssl/rsa.h>

#define PIECE ((size_t)48 << 10)
#define TAG_LENGTH 16 /* RFC 5084 §3.2: the longest; an OCTET STRING of 16 replaces the empty one */

static bool set_transport(CMS_RecipientInfo *info, const struct encrypt_options *options)
{
    EVP_PKEY_CTX *context = CMS_RecipientInfo_get0_pkey_ctx(info);
    if (context == NULL)
        return false;
    if (CMS_RecipientInfo_type(info) == CMS_RECIPINFO_AGREE) /* RFC 5753 §7.1.4; OpenSSL's own choice is SHA-1 */
        return EVP_PKEY_CTX_set_ecdh_kdf_md(context, algorithm_digest(DIGEST_SHA256)) > 0;
    if (options->key_transport == KEY_TRANSPORT_RSA_PKCS1)
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(context, algorithm_digest(DIGEST_SHA256)) > 0 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, algorithm_digest(DIGEST_SHA256)) > 0;
}

static size_t content_key_length(const struct encrypt_options *options)
{
    return (size_t)EVP_CIPHER_get_key_length(algorithm_cipher(options->cipher));
}

static bool add_recipient(CMS_ContentInfo *cms, X509 *recipient, const struct encrypt_options *options,
                          struct error *error)
{
    EVP_PKEY *key = X509_get0_pubkey(recipient);
    CMS_RecipientInfo *info;
    if (key == NULL)
        return error_set_openssl(error, ERROR_PERMANENT, "a recipient's certificate has no usable key");
    if (x25519_is(key))
        return x25519_add_recipient(cms, recipient, content_key_length(options), error);
    if (!EVP_PKEY_is_a(key, "RSA") && !EVP_PKEY_is_a(key, "EC"))
        return error_set(error, ERROR_PERMANENT, "cannot encrypt for a key of type %s", EVP_PKEY_get0_type_name(key));
    info = CMS_add1_recipient_cert(cms, recipient, CMS_KEY_PARAM);
    if (info == NULL || !set_transport(info, options))
        return error_set_openssl(error, ERROR_PERMANENT, "cannot encrypt for a recipient's key");
    return true;
}

static bool is_repeated(X509 *const *recipients, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (X509_cmp(recipients[i], recipients[index]) == 0)
            return true;
    return false;
}

static bool is_aead(const struct encrypt_options *options)
{
    return options->cipher == CIPHER_AES_128_GCM || options->cipher == CIPHER_AES_256_GCM;
}

static CMS_ContentInfo *envelope_new(X509 *const *recipients, size_t count, const struct encrypt_options *options,
                                     struct error *error)
{
    const EVP_CIPHER *cipher = algorithm_cipher(options->cipher);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms =
        is_aead(options) ? CMS_AuthEnvelopedData_create(cipher) : CMS_EnvelopedData_create(cipher);
    if (cms == NULL) {
        error_set_openssl(error, ERROR_TEMPORARY, "preparing the encryption");
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        if (!is_repeated(recipients, i) && !add_recipient(cms, recipients[i], options, error))
            return NULL;
    return steal(&cms);
}

struct stream {
    EVP_CIPHER_CTX *cipher;
    struct base64_state base64;
    unsigned char *buffer; /* PIECE and a block */
    struct spool *out;
};

static bool encrypt_slice(struct stream *stream, struct slice slice, struct error *error)
{
    while (slice.len > 0) {
        size_t piece = MIN(slice.len, PIECE);
        int length;
        if (!EVP_EncryptUpdate(stream->cipher, stream->buffer, &length, (const unsigned char *)slice.data, (int)piece))
            return error_set_openssl(error, ERROR_TEMPORARY, "encrypting");
        if (!base64_write(&stream->base64, (struct slice){(char *)stream->buffer, (size_t)length}, false, stream->out,
                          error))
            return false;
        slice.data += piece;
        slice.len -= piece;
    }
    return true;
}

static bool encrypt_content(struct stream *stream, const struct rope *content, struct error *error)
{
    int length;
    for (size_t i = 0; i < rope_count(content); i++)
        if (!encrypt_slice(stream, rope_at(content, i), error))
            return false;
    if (!EVP_EncryptFinal_ex(stream->cipher, stream->buffer, &length))
        return error_set_openssl(error, ERROR_TEMPORARY, "encrypting");
    return base64_write(&stream->base64, (struct slice){(char *)stream->buffer, (size_t)length}, false, stream->out,
                        error);
}

static size_t encrypted_length(const struct encrypt_options *options, size_t length)
{
    return is_aead(options) ? length : (length / 16 + 1) * 16; /* RFC 5652 §6.3 */
}

/* What follows the content is encoded again, because the authentication tag is among it. */
static bool write_suffix(const CMS_ContentInfo *cms, const struct frame *frame, struct stream *stream,
                         struct error *error)
{
    owned(openssl_bytes) unsigned char *der = NULL;
    long length = frame_der(cms, &der, error);
    if (length < 0)
        return false;
    if ((size_t)length < frame->suffix_length)
        return error_set(error, ERROR_BUG, "CMS object of an unexpected form");
    return base64_write(&stream->base64,
                        (struct slice){(char *)der + length - frame->suffix_length, frame->suffix_length}, true,
                        stream->out, error);
}

static bool write_envelope(CMS_ContentInfo *cms, const struct encrypt_options *options, const struct rope *content,
                           struct spool *out, struct error *error)
{
    owned(openssl_bytes) unsigned char *der = NULL;
    owned(openssl_bytes) unsigned char *originator = NULL;
    __attribute__((cleanup(cleanup_frame))) struct frame frame = {0};
    /* Detached: a cipher BIO before a null BIO. Makes the content key and encrypts it for each recipient. */
    owned(BIO) BIO *chain = CMS_dataInit(cms, NULL);
    g_autofree unsigned char *buffer = g_malloc(PIECE + EVP_MAX_BLOCK_LENGTH);
    struct stream stream = {.buffer = buffer, .out = out};
    frame.growth = is_aead(options) ? TAG_LENGTH : 0;
    long length;
    if (chain == NULL || BIO_get_cipher_ctx(chain, &stream.cipher) <= 0)
        return error_set_openssl(error, ERROR_PERMANENT, "encrypting for the recipients' keys");
    if (options->originator != NULL) {
        frame.originator_length = originator_info_encode(options->originator, &originator, error);
        if (frame.originator_length < 0)
            return false;
        frame.originator = originator;
        frame.version = is_aead(options) ? 0 : 2; /* RFC 5083 §2.1, RFC 5652 §6.1 */
    }
    length = x25519_der(cms, &der, error);
    if (length < 0 ||
        !frame_make(der, length, CONTENT_ENCRYPTED, encrypted_length(options, rope_length(content)), &frame, error))
        return false;
    if (!base64_write(&stream.base64, (struct slice){(char *)frame.prefix->data, frame.prefix->len}, false, out,
                      error) ||
        !encrypt_content(&stream, content, error))
        return false;
    if (CMS_dataFinal(cms, chain) <= 0)
        return error_set_openssl(error, ERROR_TEMPORARY, "encrypting");
    return write_suffix(cms, &frame, &stream, error);
}

bool smime_encrypt(X509 *const *recipients, size_t count, const struct encrypt_options *options, struct entity *content,
                   struct entity *out, struct error *error)
{
    owned(rope) struct rope *bytes = entity_bytes(content);
    owned(spool) struct spool *body = spool_new(options->limits);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = NULL;
    if (count == 0)
        return error_set(error, ERROR_BUG, "encryption without a recipient");
    cms = envelope_new(recipients, count, options, error);
    if (cms == NULL || !write_envelope(cms, options, bytes, body, error) ||
        !frame_entity(is_aead(options) ? "authEnveloped-data" : "enveloped-data", &body, out, error))
        return false;
    entity_clear(content);
    return true;
}
