/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_holder_file: keys in files, held in memory and used by OpenSSL. How a file is read is in key_store_file.c.
 */
#include "key_holder.h"

#include "key_store.h"
#include "passphrase.h"

#include "base/memory.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

/* OSSL_PKEY_PARAM_IMPLICIT_REJECTION, since OpenSSL 3.2 */
#define IMPLICIT_REJECTION "implicit-rejection"

static unsigned can(const EVP_PKEY *key)
{
    if (EVP_PKEY_is_a(key, "RSA"))
        return KEY_CAN(KEY_SIGN_RSA_PKCS1) | KEY_CAN(KEY_SIGN_RSA_PSS) | KEY_CAN(KEY_DECRYPT_RSA_PKCS1) |
               KEY_CAN(KEY_DECRYPT_RSA_OAEP);
    if (EVP_PKEY_is_a(key, "RSA-PSS"))
        return KEY_CAN(KEY_SIGN_RSA_PSS);
    if (EVP_PKEY_is_a(key, "EC"))
        return KEY_CAN(KEY_SIGN_ECDSA) | KEY_CAN(KEY_DERIVE);
    if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"))
        return KEY_CAN(KEY_SIGN_EDDSA);
    return EVP_PKEY_is_a(key, "X25519") || EVP_PKEY_is_a(key, "X448") ? KEY_CAN(KEY_DERIVE) : 0;
}

static EVP_PKEY *public_half(EVP_PKEY *key)
{
    owned(openssl_bytes) unsigned char *der = NULL;
    int length = i2d_PUBKEY(key, &der);
    const unsigned char *at = der;
    return length > 0 ? d2i_PUBKEY(NULL, &at, length) : NULL;
}

static bool find(void *state, const char *location, const char *secret_file, struct held_key *key, struct error *error)
{
    (void)state;
    owned(passphrase) char *passphrase = secret_file != NULL ? passphrase_read(secret_file, error) : NULL;
    if (secret_file != NULL && passphrase == NULL)
        return false;
    owned(EVP_PKEY) EVP_PKEY *loaded = key_store_file.load(NULL, location, passphrase, error);
    if (loaded == NULL)
        return false;
    owned(EVP_PKEY) EVP_PKEY *half = public_half(loaded);
    if (half == NULL)
        return error_set_openssl(error, ERROR_CONFIGURATION, "key file %s", location);
    bool is_rsa = EVP_PKEY_is_a(loaded, "RSA");
    *key = (struct held_key){.location = g_strdup(location),
                             .can = can(loaded),
                             .oaep = is_rsa ? (1U << KEY_DIGESTS) - 1 : 0,
                             .public_key = steal(&half)};
    key->handle = steal(&loaded);
    return true;
}

static void forget(void *state, void *handle)
{
    (void)state;
    EVP_PKEY_free(handle);
}

/* --- work --- */

static const EVP_MD *digest_of(enum key_digest digest)
{
    return EVP_get_digestbyname(key_digest_name(digest));
}

static bool set_padding(EVP_PKEY_CTX *context, const struct key_work *work)
{
    switch (work->scheme) {
    case KEY_SIGN_RSA_PKCS1:
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0;
    case KEY_SIGN_RSA_PSS:
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest_of(work->mgf1_digest)) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(context, (int)work->salt_length) > 0;
    default:
        return true;
    }
}

static enum key_answer sign(EVP_PKEY *key, const struct key_work *work, struct key_output *output)
{
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    bool signs = context != NULL && EVP_PKEY_sign_init(context) > 0 &&
                 EVP_PKEY_CTX_set_signature_md(context, digest_of(work->digest)) > 0 && set_padding(context, work) &&
                 EVP_PKEY_sign(context, output->octets, &output->length, (const unsigned char *)work->input.data,
                               work->input.len) > 0;
    return signs ? KEY_DONE : KEY_UNSUPPORTED;
}

static enum key_answer sign_message(EVP_PKEY *key, const struct key_work *work, struct key_output *output)
{
    owned(evp_md_ctx) EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool signs = context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key) > 0 &&
                 EVP_DigestSign(context, output->octets, &output->length, (const unsigned char *)work->input.data,
                                work->input.len) > 0;
    return signs ? KEY_DONE : KEY_UNSUPPORTED;
}

static bool set_oaep(EVP_PKEY_CTX *context, const struct key_work *work)
{
    if (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) <= 0 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(context, digest_of(work->digest)) <= 0 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest_of(work->mgf1_digest)) <= 0)
        return false;
    if (work->label.len == 0)
        return true;
    void *label = OPENSSL_memdup(work->label.data, work->label.len);
    if (label != NULL && EVP_PKEY_CTX_set0_rsa_oaep_label(context, label, (int)work->label.len) > 0)
        return true;
    OPENSSL_free(label);
    return false;
}

/* As OpenSSL's CMS decrypts: without what later versions put in the place of a wrong padding. */
static bool set_pkcs1(EVP_PKEY_CTX *context)
{
    unsigned off = 0;
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_uint(IMPLICIT_REJECTION, &off), OSSL_PARAM_END};
    if (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) <= 0)
        return false;
    (void)EVP_PKEY_CTX_set_params(context, parameters);
    return true;
}

static enum key_answer decrypt(EVP_PKEY *key, const struct key_work *work, struct key_output *output)
{
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    if (context == NULL || EVP_PKEY_decrypt_init(context) <= 0 ||
        !(work->scheme == KEY_DECRYPT_RSA_OAEP ? set_oaep(context, work) : set_pkcs1(context)))
        return KEY_UNSUPPORTED;
    int decrypted = EVP_PKEY_decrypt(context, output->octets, &output->length, (const unsigned char *)work->input.data,
                                     work->input.len);
    return decrypted > 0 ? KEY_DONE : KEY_WRONG;
}

static EVP_PKEY *peer_of(EVP_PKEY *key, struct slice point)
{
    const unsigned char *octets = (const unsigned char *)point.data;
    if (!EVP_PKEY_is_a(key, "EC"))
        return EVP_PKEY_new_raw_public_key_ex(NULL, EVP_PKEY_get0_type_name(key), NULL, octets, point.len);
    owned(EVP_PKEY) EVP_PKEY *peer = EVP_PKEY_new();
    if (peer == NULL || EVP_PKEY_copy_parameters(peer, key) <= 0 ||
        EVP_PKEY_set1_encoded_public_key(peer, octets, point.len) <= 0)
        return NULL;
    return steal(&peer);
}

static enum key_answer derive(EVP_PKEY *key, const struct key_work *work, struct key_output *output)
{
    owned(EVP_PKEY) EVP_PKEY *peer = peer_of(key, work->input);
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    if (context == NULL || EVP_PKEY_derive_init(context) <= 0)
        return KEY_UNSUPPORTED;
    bool derived = peer != NULL && EVP_PKEY_derive_set_peer(context, peer) > 0 &&
                   EVP_PKEY_derive(context, output->octets, &output->length) > 0;
    return derived ? KEY_DONE : KEY_WRONG;
}

static enum key_answer do_work(EVP_PKEY *key, const struct key_work *work, struct key_output *output)
{
    switch (work->scheme) {
    case KEY_SIGN_EDDSA:
        return sign_message(key, work, output);
    case KEY_DECRYPT_RSA_PKCS1:
    case KEY_DECRYPT_RSA_OAEP:
        return decrypt(key, work, output);
    case KEY_DERIVE:
        return derive(key, work, output);
    default:
        return sign(key, work, output);
    }
}

static enum key_answer work_with(void *state, void *handle, const struct key_work *work, struct key_output *output)
{
    unsigned failures = memory_failures();
    (void)state;
    if ((can(handle) & KEY_CAN(work->scheme)) == 0)
        return KEY_UNSUPPORTED;
    output->length = sizeof(output->octets);
    enum key_answer answer = do_work(handle, work, output);
    ERR_clear_error();
    if (answer != KEY_DONE)
        output->length = 0;
    return memory_failures() != failures ? KEY_BUSY : answer;
}

const struct key_holder_type key_holder_file = {.scheme = "file", .find = find, .forget = forget, .work = work_with};
