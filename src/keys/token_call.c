/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_call: which mechanism does which work, and what has to be converted around it: DigestInfo, r and s, points.
 *
 * RSA decrypts by the bare operation wherever the token has it. Then OpenSSL looks at the padding, in constant time,
 * and an error of the token is never the doing of the sender. Tokens that refuse the bare operation (FIPS 140 mode)
 * take the padding off themselves.
 */
#include "token_call.h"

#include "token_padding.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

static const struct {
    CK_MECHANISM_TYPE hash;
    CK_RSA_PKCS_MGF_TYPE mgf;
} digests[KEY_DIGESTS] = {
    [KEY_SHA1] = {CKM_SHA_1, CKG_MGF1_SHA1},      [KEY_SHA224] = {CKM_SHA224, CKG_MGF1_SHA224},
    [KEY_SHA256] = {CKM_SHA256, CKG_MGF1_SHA256}, [KEY_SHA384] = {CKM_SHA384, CKG_MGF1_SHA384},
    [KEY_SHA512] = {CKM_SHA512, CKG_MGF1_SHA512},
};

size_t token_key_size(const struct token_key *key)
{
    return ((size_t)EVP_PKEY_get_bits(key->object.public_key) + 7) / 8;
}

static CK_MECHANISM_TYPE mechanism_of(const struct token_key *key, const struct key_work *work)
{
    switch (work->scheme) {
    case KEY_SIGN_RSA_PKCS1:
        return CKM_RSA_PKCS;
    case KEY_SIGN_RSA_PSS:
        return CKM_RSA_PKCS_PSS;
    case KEY_SIGN_ECDSA:
        return CKM_ECDSA;
    case KEY_SIGN_EDDSA:
        return CKM_EDDSA;
    case KEY_DECRYPT_RSA_PKCS1:
        return key->raw ? CKM_RSA_X_509 : CKM_RSA_PKCS;
    case KEY_DECRYPT_RSA_OAEP:
        return key->raw ? CKM_RSA_X_509 : CKM_RSA_PKCS_OAEP;
    default:
        return CKM_ECDH1_DERIVE;
    }
}

bool token_call_known(const struct token_use *use, const struct key_work *work)
{
    CK_MECHANISM_INFO ignored = {0};
    return use->token->module.call->C_GetMechanismInfo(use->token->slot, mechanism_of(use->key, work), &ignored) ==
           CKR_OK;
}

/* Some keys want the PIN between the two calls of an operation. */
static CK_RV begin(const struct token_use *use, CK_RV code)
{
    struct error ignored = {0};
    if (code == CKR_OK && use->key->object.asks_each_time)
        return token_authenticate(use->token, use->session, &ignored);
    return code;
}

/* --- signatures --- */

static CK_RV sign(const struct token_use *use, CK_MECHANISM *mechanism, struct slice input, struct key_output *output)
{
    const CK_FUNCTION_LIST *call = use->token->module.call;
    CK_ULONG length = KEY_OUTPUT_MAX;
    CK_RV code = begin(use, call->C_SignInit(use->session, mechanism, use->handle));
    if (code == CKR_OK)
        code = call->C_Sign(use->session, (unsigned char *)input.data, input.len, output->octets, &length);
    output->length = code == CKR_OK && length <= KEY_OUTPUT_MAX ? length : 0;
    return code;
}

static CK_RV sign_pkcs1(const struct token_use *use, const struct key_work *work, struct key_output *output)
{
    CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};
    unsigned char *der = NULL;
    size_t length = token_padding_digest_info(work, &der);
    if (length == 0)
        return CKR_HOST_MEMORY;
    CK_RV code = sign(use, &mechanism, (struct slice){(char *)der, length}, output);
    OPENSSL_free(der);
    return code;
}

/* A token gives r and s, of the same length. */
static bool convert_ecdsa(struct key_output *output)
{
    size_t half = output->length / 2;
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(output->octets, (int)half, NULL);
    BIGNUM *s = BN_bin2bn(output->octets + half, (int)half, NULL);
    unsigned char *at = output->octets;
    if (signature == NULL || r == NULL || s == NULL || !ECDSA_SIG_set0(signature, r, s)) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(signature);
        return false;
    }
    int length = i2d_ECDSA_SIG(signature, NULL);
    if (length > 0 && length <= KEY_OUTPUT_MAX)
        length = i2d_ECDSA_SIG(signature, &at);
    ECDSA_SIG_free(signature);
    output->length = length > 0 && length <= KEY_OUTPUT_MAX ? (size_t)length : 0;
    return output->length > 0;
}

static CK_RV sign_ecdsa(const struct token_use *use, const struct key_work *work, struct key_output *output)
{
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    /* The leftmost bits count (FIPS 186-4 §6.4). Not every token cuts a longer digest itself. */
    struct slice digest = {work->input.data, MIN(work->input.len, token_key_size(use->key))};
    CK_RV code = sign(use, &mechanism, digest, output);
    if (code == CKR_OK && !convert_ecdsa(output))
        return CKR_GENERAL_ERROR;
    return code;
}

static CK_RV sign_pss(const struct token_use *use, const struct key_work *work, struct key_output *output)
{
    CK_RSA_PKCS_PSS_PARAMS parameters = {digests[work->digest].hash, digests[work->mgf1_digest].mgf, work->salt_length};
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_PSS, &parameters, sizeof(parameters)};
    return sign(use, &mechanism, work->input, output);
}

/* --- decryption --- */

static CK_RV decrypt(const struct token_use *use, CK_MECHANISM *mechanism, const struct key_work *work,
                     struct key_output *output)
{
    unsigned char block[KEY_OUTPUT_MAX] = {0};
    size_t size = token_key_size(use->key);
    memcpy(block + size - work->input.len, work->input.data, work->input.len);
    const CK_FUNCTION_LIST *call = use->token->module.call;
    CK_ULONG length = KEY_OUTPUT_MAX;
    CK_RV code = begin(use, call->C_DecryptInit(use->session, mechanism, use->handle));
    if (code == CKR_OK)
        code = call->C_Decrypt(use->session, block, size, output->octets, &length);
    output->length = code == CKR_OK && length <= KEY_OUTPUT_MAX ? length : 0;
    return code;
}

static CK_RV decrypt_raw(const struct token_use *use, const struct key_work *work, struct key_output *output)
{
    CK_MECHANISM mechanism = {CKM_RSA_X_509, NULL, 0};
    struct key_output raw;
    CK_RV code = decrypt(use, &mechanism, work, &raw);
    if (code != CKR_OK)
        return code;
    size_t size = token_key_size(use->key);
    unsigned char block[KEY_OUTPUT_MAX] = {0}; /* some tokens leave out leading zeros */
    bool fits = raw.length > 0 && raw.length <= size;
    if (fits)
        memcpy(block + size - raw.length, raw.octets, raw.length);
    bool good = fits && token_padding_remove(work, (struct slice){(char *)block, size}, output);
    OPENSSL_cleanse(block, sizeof(block));
    OPENSSL_cleanse(&raw, sizeof(raw));
    return !fits ? CKR_GENERAL_ERROR : good ? CKR_OK : CKR_ENCRYPTED_DATA_INVALID;
}

static CK_RV decrypt_oaep(const struct token_use *use, const struct key_work *work, struct key_output *output)
{
    CK_RSA_PKCS_OAEP_PARAMS parameters = {digests[work->digest].hash, digests[work->mgf1_digest].mgf,
                                          CKZ_DATA_SPECIFIED, (void *)work->label.data, work->label.len};
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &parameters, sizeof(parameters)};
    return decrypt(use, &mechanism, work, output);
}

static CK_RV decrypt_pkcs1(const struct token_use *use, const struct key_work *work, struct key_output *output)
{
    CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};
    return decrypt(use, &mechanism, work, output);
}

/* --- key agreement --- */

static CK_RV read_secret(const struct token_use *use, CK_OBJECT_HANDLE secret, size_t size, struct key_output *output)
{
    CK_ATTRIBUTE value = {CKA_VALUE, output->octets, KEY_OUTPUT_MAX};
    CK_RV code = use->token->module.call->C_GetAttributeValue(use->session, secret, &value, 1);
    (void)use->token->module.call->C_DestroyObject(use->session, secret);
    if (code != CKR_OK)
        return code;
    if (value.ulValueLen != size)
        return CKR_GENERAL_ERROR;
    output->length = size;
    return CKR_OK;
}

static CK_RV derive_with(const struct token_use *use, struct slice point, struct key_output *output)
{
    CK_ECDH1_DERIVE_PARAMS parameters = {CKD_NULL, 0, NULL, point.len, (unsigned char *)point.data};
    CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &parameters, sizeof(parameters)};
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ULONG size = token_key_size(use->key);
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof(class)},   {CKA_KEY_TYPE, &type, sizeof(type)},
                               {CKA_TOKEN, &no, sizeof(no)},         {CKA_SENSITIVE, &no, sizeof(no)},
                               {CKA_EXTRACTABLE, &yes, sizeof(yes)}, {CKA_VALUE_LEN, &size, sizeof(size)}};
    CK_OBJECT_HANDLE secret = 0;
    CK_RV code = use->token->module.call->C_DeriveKey(use->session, &mechanism, use->handle, template,
                                                      G_N_ELEMENTS(template), &secret);
    return code == CKR_OK ? read_secret(use, secret, size, output) : code;
}

static CK_RV derive(const struct token_use *use, const struct key_work *work, struct key_output *output)
{
    if (!use->key->wrapped_point)
        return derive_with(use, work->input, output);
    ASN1_OCTET_STRING *string = ASN1_OCTET_STRING_new();
    unsigned char *der = NULL;
    int length = -1;
    if (string != NULL && ASN1_OCTET_STRING_set(string, (const unsigned char *)work->input.data, (int)work->input.len))
        length = i2d_ASN1_OCTET_STRING(string, &der);
    ASN1_OCTET_STRING_free(string);
    if (length <= 0)
        return CKR_HOST_MEMORY;
    CK_RV code = derive_with(use, (struct slice){(char *)der, (size_t)length}, output);
    OPENSSL_free(der);
    return code;
}

CK_RV token_call(const struct token_use *use, const struct key_work *work, struct key_output *output)
{
    CK_MECHANISM eddsa = {CKM_EDDSA, NULL, 0};
    switch (work->scheme) {
    case KEY_SIGN_RSA_PKCS1:
        return sign_pkcs1(use, work, output);
    case KEY_SIGN_RSA_PSS:
        return sign_pss(use, work, output);
    case KEY_SIGN_ECDSA:
        return sign_ecdsa(use, work, output);
    case KEY_SIGN_EDDSA:
        return sign(use, &eddsa, work->input, output);
    case KEY_DECRYPT_RSA_PKCS1:
        return use->key->raw ? decrypt_raw(use, work, output) : decrypt_pkcs1(use, work, output);
    case KEY_DECRYPT_RSA_OAEP:
        return use->key->raw ? decrypt_raw(use, work, output) : decrypt_oaep(use, work, output);
    case KEY_DERIVE:
        return derive(use, work, output);
    }
    return CKR_MECHANISM_INVALID;
}
