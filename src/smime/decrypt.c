/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decrypting EnvelopedData and AuthEnvelopedData (RFC 5652 §6, RFC 5083).
 *
 * Cipher, mode and tag length are checked before a key is used, and a weak, unknown or inconsistent one is refused:
 * these facts are public. Everything after that has one outcome and one text, and costs the same. OpenSSL replaces a
 * content key that is not recovered by a random one (RFC 3218 §2.3), so a wrong padding, a wrong key and broken
 * content cannot be distinguished. The output of a failed CBC decryption is given to the caller, who processes it in
 * vain. Authenticated content is released only if its tag is right.
 */
#include "compat/x25519.h"
#include "enveloped.h"

#include "base/moment.h"

#include <openssl/err.h>
#include <string.h>

#define PIECE ((size_t)48 << 10)
#define TRIES_MAX 8        /* our keys that are used on one layer */
#define COST_RECIPIENT 300 /* a RecipientInfo that is compared with an identity */
#define GCM_TAG_MIN 12     /* RFC 5084 §3.2: 12 to 16 */

/* Older gateways still send Triple DES: it is read, and marked as weak (RFC 8551, appendix B). */
static const int ciphers_cbc[] = {NID_aes_128_cbc, NID_aes_192_cbc, NID_aes_256_cbc, NID_des_ede3_cbc};
static const int ciphers_gcm[] = {NID_aes_128_gcm, NID_aes_192_gcm, NID_aes_256_gcm};
static const int ciphers_weak[] = {NID_des_ede_cbc, NID_des_cbc, NID_rc2_cbc,   NID_rc2_40_cbc,
                                   NID_rc2_64_cbc,  NID_rc4,     NID_cast5_cbc, NID_idea_cbc};

static bool is_among(int nid, const int *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == nid)
            return true;
    return false;
}

static bool check_cipher(const struct enveloped_info *info, struct error *error)
{
    if (is_among(info->cipher_nid, ciphers_weak, G_N_ELEMENTS(ciphers_weak)))
        return error_set(error, ERROR_PERMANENT, "encrypted with the weak cipher %s", info->cipher);
    if (!info->authenticated) {
        if (!is_among(info->cipher_nid, ciphers_cbc, G_N_ELEMENTS(ciphers_cbc)))
            return error_set(error, ERROR_PERMANENT, "content encryption %s is not supported in EnvelopedData",
                             info->cipher);
        return true;
    }
    if (!is_among(info->cipher_nid, ciphers_gcm, G_N_ELEMENTS(ciphers_gcm)))
        return error_set(error, ERROR_PERMANENT, "content encryption %s is not supported in AuthEnvelopedData",
                         info->cipher);
    if (info->tag_length < GCM_TAG_MIN || info->tag_length > 16 || info->mac_length != (size_t)info->tag_length)
        return error_set(error, ERROR_PERMANENT,
                         "nonce or authentication tag of a wrong length (RFC 5084 section 3.2)");
    return true;
}

static bool agrees(CMS_RecipientInfo *info, X509 *certificate)
{
    STACK_OF(CMS_RecipientEncryptedKey) *keys = CMS_RecipientInfo_kari_get0_reks(info);
    for (int i = 0; i < sk_CMS_RecipientEncryptedKey_num(keys); i++)
        if (CMS_RecipientEncryptedKey_cert_cmp(sk_CMS_RecipientEncryptedKey_value(keys, i), certificate) == 0)
            return true;
    return false;
}

static bool is_recipient(STACK_OF(CMS_RecipientInfo) * infos, const struct identity *identity)
{
    bool is_rsa = EVP_PKEY_is_a(identity->key, "RSA");
    for (int i = 0; i < sk_CMS_RecipientInfo_num(infos); i++) {
        CMS_RecipientInfo *info = sk_CMS_RecipientInfo_value(infos, i);
        int type = CMS_RecipientInfo_type(info);
        if (is_rsa && type == CMS_RECIPINFO_TRANS && CMS_RecipientInfo_ktri_cert_cmp(info, identity->certificate) == 0)
            return true;
        if (!is_rsa && type == CMS_RECIPINFO_AGREE && agrees(info, identity->certificate))
            return true;
    }
    return false;
}

/* OpenSSL uses the first recipient that matches, or any, so every one that matches must be sound. */
static bool is_sound(STACK_OF(CMS_RecipientInfo) * infos, const struct identity *identity, int cipher_nid)
{
    for (int i = 0; i < sk_CMS_RecipientInfo_num(infos); i++) {
        CMS_RecipientInfo *info = sk_CMS_RecipientInfo_value(infos, i);
        if (CMS_RecipientInfo_type(info) == CMS_RECIPINFO_TRANS &&
            CMS_RecipientInfo_ktri_cert_cmp(info, identity->certificate) == 0 && !transport_is_known(info))
            return false;
        if (CMS_RecipientInfo_type(info) == CMS_RECIPINFO_AGREE && agrees(info, identity->certificate) &&
            (!agreement_is_known(info, cipher_nid) || (x25519_is(identity->key) && !x25519_is_known(info))))
            return false;
    }
    return true;
}

static size_t count_recipients(STACK_OF(CMS_RecipientInfo) * infos)
{
    size_t count = 0;
    for (int i = 0; i < sk_CMS_RecipientInfo_num(infos); i++) {
        CMS_RecipientInfo *info = sk_CMS_RecipientInfo_value(infos, i);
        int keys = 0;
        if (CMS_RecipientInfo_type(info) == CMS_RECIPINFO_AGREE)
            keys = sk_CMS_RecipientEncryptedKey_num(CMS_RecipientInfo_kari_get0_reks(info));
        count += (size_t)MAX(keys, 1);
    }
    return count;
}

/* Writes everything except the bytes held back of the last block to out. Returns false if the disk is full. */
static bool decrypt_bulk(EVP_CIPHER_CTX *cipher, struct slice content, struct spool *out, struct error *error)
{
    g_autofree unsigned char *buffer = g_malloc(PIECE + EVP_MAX_BLOCK_LENGTH);
    while (content.len > 0) {
        size_t piece = MIN(content.len, PIECE);
        int length;
        if (EVP_DecryptUpdate(cipher, buffer, &length, (const unsigned char *)content.data, (int)piece) <= 0)
            return error_set(error, ERROR_PERMANENT, SMIME_CANNOT_DECRYPT);
        if (!spool_write(out, buffer, (size_t)length, error))
            return false;
        content.data += piece;
        content.len -= piece;
    }
    return true;
}

/* The number of content octets in the last block (RFC 5652 §6.3), computed without a branch that depends on them. A
 * wrong padding sets *broken and counts as one octet. */
static size_t content_of_block(const unsigned char *block, size_t size, bool *broken)
{
    size_t padding = block[size - 1];
    unsigned wrong = (unsigned)(padding == 0) | (unsigned)(padding > size);
    for (size_t i = 1; i <= size; i++)
        wrong |= (unsigned)(i <= padding) & (unsigned)(block[size - i] != padding);
    *broken = wrong != 0;
    return size - (size_t)(wrong | (padding * (wrong ^ 1u)));
}

/* OpenSSL does not check the padding, because it keeps a block back if the padding is wrong, and the following work
 * must be the same. */
static bool decrypt_cbc(EVP_CIPHER_CTX *cipher, struct slice content, struct spool *out, bool *broken,
                        struct error *error)
{
    size_t size = (size_t)EVP_CIPHER_CTX_get_block_size(cipher);
    unsigned char block[EVP_MAX_BLOCK_LENGTH];
    int length;
    if (size < 2 || content.len == 0 || content.len % size != 0) /* this fact is public */
        return error_set(error, ERROR_PERMANENT, SMIME_CANNOT_DECRYPT);
    if (EVP_CIPHER_CTX_set_padding(cipher, 0) <= 0)
        return error_set_openssl(error, ERROR_TEMPORARY, "decrypting");
    content.len -= size;
    if (!decrypt_bulk(cipher, content, out, error))
        return false;
    if (EVP_DecryptUpdate(cipher, block, &length, (const unsigned char *)content.data + content.len, (int)size) <= 0 ||
        (size_t)length != size)
        return error_set_openssl(error, ERROR_TEMPORARY, "decrypting");
    return spool_write(out, block, content_of_block(block, size, broken), error);
}

static bool decrypt_gcm(EVP_CIPHER_CTX *cipher, struct slice content, struct spool *out, struct error *error)
{
    unsigned char nothing[EVP_MAX_BLOCK_LENGTH];
    int length;
    if (!decrypt_bulk(cipher, content, out, error))
        return false;
    return EVP_DecryptFinal_ex(cipher, nothing, &length) > 0 || error_set(error, ERROR_PERMANENT, SMIME_CANNOT_DECRYPT);
}

/* Octets that stand in neither a header line nor a text, even if it is in an old character set (ISO-2022-JP). */
static bool is_odd(char c)
{
    return g_ascii_iscntrl(c) && !g_ascii_isspace(c) && c != '\033';
}

/* A whole line of a header. */
static bool begins_with_field(struct slice plain)
{
    size_t i = 0;
    while (i < plain.len && plain.data[i] > ' ' && plain.data[i] < 0x7f && plain.data[i] != ':')
        i++;
    while (i < plain.len && (plain.data[i] == ' ' || plain.data[i] == '\t'))
        i++;
    if (i == 0 || i == plain.len || plain.data[i] != ':')
        return false;
    while (i < plain.len && plain.data[i] != '\n' && !is_odd(plain.data[i]))
        i++;
    return i == plain.len || plain.data[i] == '\n';
}

static bool begins_with_text(struct slice plain)
{
    for (size_t i = 0; i < MIN(plain.len, 512); i++)
        if (is_odd(plain.data[i]))
            return false;
    return true;
}

/* With a random key, one CBC message in 256 has a valid padding. The result is then neither a MIME entity (RFC 2045
 * §3) nor the bare text that some software encrypts. */
static bool looks_like_entity(struct slice plain)
{
    return begins_with_field(plain) || begins_with_text(plain);
}

/* A cipher BIO before a null BIO; only its cipher context is used. */
static BIO *decryption_chain(CMS_ContentInfo *cms)
{
    owned(BIO) BIO *nothing = BIO_new(BIO_s_null());
    BIO *chain = nothing != NULL ? CMS_dataInit(cms, nothing) : NULL;
    if (chain != NULL)
        steal(&nothing); /* the chain now owns it */
    return chain;
}

/* Into out; false with ERROR_PERMANENT and the one text, or ERROR_TEMPORARY when the disk is full. */
static bool decrypt_with(const struct opening *opening, CMS_ContentInfo *cms, const struct identity *identity,
                         struct slice content, struct spool *out, bool *broken)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *agreed = NULL;
    owned(BIO) BIO *chain = NULL;
    EVP_CIPHER_CTX *cipher = NULL;
    unsigned failures = keys_failures();
    bool decrypted;
    /* A key that does not come out leaves none behind, and the content is decrypted with a random one: for key
     * transport that is inside this call (without CMS_DEBUG_DECRYPT and with the certificate given), for key agreement
     * in the next. */
    if (x25519_is(identity->key)) {
        agreed = x25519_decrypt(cms, identity);
        cms = agreed;
    } else {
        CMS_decrypt_set1_pkey_and_peer(cms, identity->key, identity->certificate, NULL);
    }
    if (cms != NULL)
        chain = decryption_chain(cms);
    if (chain == NULL || BIO_get_cipher_ctx(chain, &cipher) <= 0)
        decrypted = error_set(opening->error, ERROR_PERMANENT, SMIME_CANNOT_DECRYPT);
    else if (opening->layer->facts.authenticated)
        decrypted = decrypt_gcm(cipher, content, out, opening->error);
    else
        decrypted = decrypt_cbc(cipher, content, out, broken, opening->error);
    ERR_clear_error();
    /* OpenSSL then decrypts with a random content key, too. */
    if (keys_failures() != failures)
        return error_set_foreign(opening->error, ERROR_TEMPORARY, keys_failure(), "the private key cannot be used now");
    return decrypted;
}

/* Decrypts the content with this identity's key, into the layer unless it already holds a better result. True: done. */
static bool try_identity(const struct opening *opening, CMS_ContentInfo *cms, const struct identity *identity,
                         struct slice content, enum opened *opened)
{
    owned(spool) struct spool *plain = spool_new(opening->limits);
    struct layer *layer = opening->layer;
    struct slice bytes;
    bool broken = false, noise = false;
    if (!decrypt_with(opening, cms, identity, content, plain, &broken) ||
        !spool_finish(plain, &bytes, opening->error)) {
        if (*opened == OPENED_NO_KEY || opening->error->kind != ERROR_PERMANENT)
            *opened = OPENED_FAILED;
        return opening->error->kind != ERROR_PERMANENT;
    }
    if (!layer->facts.authenticated)
        noise = !looks_like_entity(bytes);
    broken |= noise;
    if (*opened == OPENED || (broken && *opened == OPENED_BROKEN))
        return false;
    layer_owner_free(layer->owner);
    struct layer_owner *owner = g_new0(struct layer_owner, 1);
    owner->spool = steal(&plain);
    layer->owner = owner;
    layer->inner = bytes;
    layer->noise = noise;
    layer->identity = identity;
    *opened = broken ? OPENED_BROKEN : OPENED;
    return layer->facts.authenticated;
}

static void add_id(GArray *ids, const X509_NAME *issuer, const ASN1_INTEGER *serial, const ASN1_OCTET_STRING *key_id)
{
    struct recipient_id id = {.issuer = issuer, .serial = serial, .key_id = key_id};
    if (key_id != NULL || (issuer != NULL && serial != NULL))
        g_array_append_val(ids, id);
}

static void add_transport_id(GArray *ids, CMS_RecipientInfo *info)
{
    ASN1_OCTET_STRING *key_id = NULL;
    X509_NAME *issuer = NULL;
    ASN1_INTEGER *serial = NULL;
    if (CMS_RecipientInfo_ktri_get0_signer_id(info, &key_id, &issuer, &serial))
        add_id(ids, issuer, serial, key_id);
}

static void add_agreed_ids(GArray *ids, CMS_RecipientInfo *info)
{
    STACK_OF(CMS_RecipientEncryptedKey) *keys = CMS_RecipientInfo_kari_get0_reks(info);
    for (int i = 0; i < sk_CMS_RecipientEncryptedKey_num(keys); i++) {
        CMS_RecipientEncryptedKey *key = sk_CMS_RecipientEncryptedKey_value(keys, i);
        ASN1_OCTET_STRING *key_id = NULL;
        X509_NAME *issuer = NULL;
        ASN1_INTEGER *serial = NULL;
        if (CMS_RecipientEncryptedKey_get0_id(key, &key_id, NULL, NULL, &issuer, &serial))
            add_id(ids, issuer, serial, key_id);
    }
}

/* Our identities that the recipients name, NULL-terminated; g_free(). Other identities have no key for this message
 * and are not tried. */
static const struct identity **named_identities(const struct keys *keys, STACK_OF(CMS_RecipientInfo) * infos)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(struct recipient_id));
    for (int i = 0; i < sk_CMS_RecipientInfo_num(infos); i++) {
        CMS_RecipientInfo *info = sk_CMS_RecipientInfo_value(infos, i);
        if (CMS_RecipientInfo_type(info) == CMS_RECIPINFO_TRANS)
            add_transport_id(ids, info);
        else if (CMS_RecipientInfo_type(info) == CMS_RECIPINFO_AGREE)
            add_agreed_ids(ids, info);
    }
    return keys_by_recipients(keys, (const struct recipient_id *)(const void *)ids->data, ids->len);
}

/* By what everyone can see, whether the key opens the layer or not. */
static bool pay_for(const struct opening *opening, STACK_OF(CMS_RecipientInfo) * infos, const struct identity *identity,
                    struct slice content)
{
    uint64_t comparing = (uint64_t)sk_CMS_RecipientInfo_num(infos) * COST_RECIPIENT;
    return budget_spend(opening->budget, comparing + key_private_cost(identity->key) + content.len * COST_DECODED,
                        opening->error);
}

/* The message names the first, which is not for its recipients, or the second, which is no longer used; or NULL. */
static void explain_no_key(const struct opening *opening, const struct identity *barred, const struct identity *ended)
{
    g_autofree char *until = ended != NULL ? moment_text(ended->conf->until) : NULL;
    if (barred != NULL)
        error_set(opening->error, ERROR_PERMANENT,
                  "encrypted for %s, and not each recipient of the message is among its addresses",
                  identity_owner(barred->conf));
    else if (ended != NULL)
        error_set(opening->error, ERROR_PERMANENT,
                  "encrypted for %s with a certificate that was replaced, and whose key decrypted until %s",
                  identity_owner(ended->conf), until);
    else
        error_set(opening->error, ERROR_PERMANENT, "encrypted, and none of our keys is among the recipients");
}

/* Without authentication every matching identity is tried, even if another one has opened the layer, because the
 * duration must not reveal which: up to TRIES_MAX of them, since a sender could name all that we have. */
static enum opened try_identities(const struct opening *opening, CMS_ContentInfo *cms, int cipher_nid,
                                  struct slice content)
{
    STACK_OF(CMS_RecipientInfo) *infos = CMS_get0_RecipientInfos(cms);
    g_autofree const struct identity **named = NULL;
    const struct identity *barred = NULL, *ended = NULL;
    enum opened opened = OPENED_NO_KEY;
    if (opening->keys != NULL)
        named = named_identities(opening->keys, infos);
    for (size_t i = 0; named != NULL && named[i] != NULL; i++) {
        const struct identity *identity = named[i];
        if (identity_has_ended(identity->conf, opening->at)) {
            ended = identity;
            continue;
        }
        if (opening->admits != NULL && !opening->admits(opening->admits_context, identity)) {
            barred = identity;
            continue;
        }
        if (opening->layer->facts.attempted >= TRIES_MAX || !pay_for(opening, infos, identity, content))
            break;
        if (!is_recipient(infos, identity)) /* not with a key of this kind */
            continue;
        bool is_last = false;
        if (is_sound(infos, identity, cipher_nid)) {
            opening->layer->facts.attempted++;
            is_last = try_identity(opening, cms, identity, content, &opened);
        } else {
            opened = opened == OPENED_NO_KEY ? OPENED_FAILED : opened;
            error_set(opening->error, ERROR_PERMANENT, "the key transport is unknown, or its parameters are malformed");
        }
        if (opened == OPENED) /* whatever another identity has met */
            *opening->error = (struct error){0};
        if (is_last)
            return opened;
    }
    if (opened == OPENED_NO_KEY && budget_is_spent(opening->budget))
        return OPENED_FAILED;
    if (opened == OPENED_NO_KEY)
        explain_no_key(opening, barred, ended);
    if (opened == OPENED_BROKEN)
        error_set(opening->error, ERROR_PERMANENT, SMIME_CANNOT_DECRYPT);
    return opened;
}

enum opened open_enveloped(const struct opening *opening, CMS_ContentInfo **cms)
{
    STACK_OF(CMS_RecipientInfo) *infos = CMS_get0_RecipientInfos(*cms);
    ASN1_OCTET_STRING **content = CMS_get0_content(*cms);
    owned(CMS_ContentInfo) CMS_ContentInfo *told = NULL;
    struct enveloped_info info = {0};
    struct slice bytes;
    if (count_recipients(infos) > (size_t)opening->limits->signers * 100) {
        error_set(opening->error, ERROR_PERMANENT, "more than %u recipients", opening->limits->signers * 100);
        return OPENED_FAILED;
    }
    if (!enveloped_info_read(*cms, &info, opening->error))
        return OPENED_FAILED;
    g_strlcpy(opening->layer->facts.cipher, info.cipher, sizeof(opening->layer->facts.cipher));
    opening->layer->facts.authenticated = info.authenticated;
    opening->layer->facts.weak = info.cipher_nid == NID_des_ede3_cbc;
    if (!check_cipher(&info, opening->error))
        return OPENED_FAILED;
    opening->layer->certificates = CMS_get1_certs(*cms); /* of originatorInfo */
    if (sk_X509_num(opening->layer->certificates) > (int)MIN(opening->limits->certificates, INT_MAX))
        return opening_failed(opening, "more certificates than certificates_limit");
    if (OBJ_obj2nid(CMS_get0_eContentType(*cms)) != NID_pkcs7_data || content == NULL || *content == NULL)
        return opening_failed(opening, "the encrypted content is missing or not of type data");
    bytes = (struct slice){(const char *)ASN1_STRING_get0_data(*content), (size_t)ASN1_STRING_length(*content)};
    if (info.tag_length_is_default) {
        told = enveloped_tell_tag_length(*cms, opening->error);
        if (told == NULL)
            return OPENED_FAILED;
    }
    return try_identities(opening, told != NULL ? told : *cms, info.cipher_nid, bytes);
}
