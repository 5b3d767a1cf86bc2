/* SPDX-License-Identifier: Apache-2.0 */
/* Keys whose private half is elsewhere, as OpenSSL sees them. */
#include "keys/key_holder.h"
#include "keys/keys.h"
#include "keys/remote_provider.h"

#include "support/pki.h"

#include <criterion/criterion.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

/* The holder of files, which counts, and can be told to fail. */
static struct {
    unsigned works;
    struct key_work last;
    enum key_answer fails; /* KEY_DONE: it works */
} script;

static bool find(void *state, const char *location, const char *secret_file, struct held_key *key, struct error *error)
{
    return key_holder_file.find(state, location, secret_file, key, error);
}

static void forget(void *state, void *handle)
{
    key_holder_file.forget(state, handle);
}

static enum key_answer work(void *state, void *handle, const struct key_work *wanted, struct key_output *output)
{
    script.works++;
    script.last = *wanted;
    return script.fails != KEY_DONE ? script.fails : key_holder_file.work(state, handle, wanted, output);
}

static const struct key_holder_type counting = {.scheme = "counting", .find = find, .forget = forget, .work = work};

static EVP_PKEY *linked(EVP_PKEY *key)
{
    const struct pki pki = {.key = key};
    struct error error = {0};
    char *folder = folder_new();
    g_autofree char *file = pki_write_key(folder, "a.key", &pki);
    owned(key_link) struct key_link *link = key_link_local(&counting, NULL, NULL, &error);
    EVP_PKEY *made = remote_provider_load(link, file, NULL, NULL, &error);
    cr_assert_not_null(made, "%s", error.text);
    folder_remove(folder);
    return made;
}

/* --- signing --- */

static bool digest_sign(EVP_PKEY *key, const char *digest, int padding, int salt, unsigned char *signature,
                        size_t *length)
{
    owned(evp_md_ctx) EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters;
    return EVP_DigestSignInit_ex(context, &parameters, digest, NULL, NULL, key, NULL) > 0 &&
           (padding == 0 || EVP_PKEY_CTX_set_rsa_padding(parameters, padding) > 0) &&
           (padding != RSA_PKCS1_PSS_PADDING || EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, salt) > 0) &&
           EVP_DigestSign(context, signature, length, (const unsigned char *)"text", 4) > 0;
}

static bool digest_verify(EVP_PKEY *key, const char *digest, int padding, const unsigned char *signature, size_t length)
{
    owned(evp_md_ctx) EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters;
    return EVP_DigestVerifyInit_ex(context, &parameters, digest, NULL, NULL, key, NULL) > 0 &&
           (padding == 0 || EVP_PKEY_CTX_set_rsa_padding(parameters, padding) > 0) &&
           (padding != RSA_PKCS1_PSS_PADDING ||
            EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, (int)script.last.salt_length) > 0) &&
           EVP_DigestVerify(context, signature, length, (const unsigned char *)"text", 4) == 1;
}

Test(remote_provider, signs_with_each_kind_of_key)
{
    static const struct {
        enum pki_key kind;
        const char *digest;
        int padding;
        int salt;
        enum key_scheme scheme;
        unsigned salt_length;
    } rows[] = {
        {PKI_RSA, "SHA256", 0, 0, KEY_SIGN_RSA_PKCS1, 0},
        {PKI_RSA, "SHA512", RSA_PKCS1_PADDING, 0, KEY_SIGN_RSA_PKCS1, 0},
        {PKI_RSA, "SHA1", RSA_PKCS1_PADDING, 0, KEY_SIGN_RSA_PKCS1, 0},
        {PKI_RSA, "SHA256", RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST, KEY_SIGN_RSA_PSS, 32},
        {PKI_RSA, "SHA384", RSA_PKCS1_PSS_PADDING, 20, KEY_SIGN_RSA_PSS, 20},
        {PKI_RSA, "SHA256", RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_MAX, KEY_SIGN_RSA_PSS, 256 - 32 - 2},
        {PKI_RSA_3072, "SHA512", RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST, KEY_SIGN_RSA_PSS, 64},
        {PKI_EC, "SHA256", 0, 0, KEY_SIGN_ECDSA, 0},
        {PKI_P384, "SHA512", 0, 0, KEY_SIGN_ECDSA, 0},
        {PKI_ED25519, NULL, 0, 0, KEY_SIGN_EDDSA, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        owned(EVP_PKEY) EVP_PKEY *key = pki_new_key(rows[i].kind, 0);
        owned(EVP_PKEY) EVP_PKEY *remote = linked(key);
        unsigned char signature[1024];
        size_t length = sizeof(signature);
        script.works = 0;
        cr_assert(digest_sign(remote, rows[i].digest, rows[i].padding, rows[i].salt, signature, &length), "row %zu", i);
        cr_expect_eq(script.works, 1u, "row %zu: the holder signs, once", i);
        cr_expect_eq(script.last.scheme, rows[i].scheme, "row %zu", i);
        cr_expect_eq(script.last.salt_length, rows[i].salt_length, "row %zu: %u", i, script.last.salt_length);
        cr_expect(digest_verify(key, rows[i].digest, rows[i].padding, signature, length), "row %zu", i);
    }
}

/* RFC 4055 §3.1: a key that is bound to one digest. */
Test(remote_provider, a_key_for_pss_alone_keeps_its_parameters)
{
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    owned(EVP_PKEY) EVP_PKEY *key = NULL;
    unsigned char signature[512];
    size_t length = sizeof(signature);
    cr_assert(EVP_PKEY_keygen_init(context) > 0 && EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048) > 0 &&
              EVP_PKEY_CTX_set_rsa_pss_keygen_md(context, EVP_sha384()) > 0 &&
              EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md(context, EVP_sha384()) > 0 && EVP_PKEY_keygen(context, &key) > 0);
    owned(EVP_PKEY) EVP_PKEY *remote = linked(key);
    cr_expect(EVP_PKEY_is_a(remote, "RSA-PSS"));
    cr_assert(digest_sign(remote, "SHA384", RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST, signature, &length));
    cr_expect(digest_verify(key, "SHA384", RSA_PKCS1_PSS_PADDING, signature, length));
    length = sizeof(signature);
    cr_expect_not(digest_sign(remote, "SHA256", RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST, signature, &length));
    cr_expect_not(digest_sign(remote, "SHA384", RSA_PKCS1_PADDING, 0, signature, &length));
}

/* --- decrypting --- */

struct oaep {
    const char *digest, *mgf1, *label;
};

static bool set_oaep(EVP_PKEY_CTX *context, const struct oaep *oaep)
{
    if (oaep == NULL)
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_oaep_md_name(context, oaep->digest, NULL) > 0 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, oaep->mgf1, NULL) > 0 &&
           (oaep->label == NULL ||
            EVP_PKEY_CTX_set0_rsa_oaep_label(context, OPENSSL_strdup(oaep->label), (int)strlen(oaep->label)) > 0);
}

static size_t encrypt(EVP_PKEY *key, const struct oaep *oaep, unsigned char *block, size_t size)
{
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    cr_assert(EVP_PKEY_encrypt_init(context) > 0 && set_oaep(context, oaep) &&
              EVP_PKEY_encrypt(context, block, &size, (const unsigned char *)"0123456789abcdef", 16) > 0);
    return size;
}

static bool decrypt(EVP_PKEY *key, const struct oaep *oaep, const unsigned char *block, size_t length, char out[17])
{
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    unsigned char plain[1024];
    size_t size = sizeof(plain);
    bool done = EVP_PKEY_decrypt_init(context) > 0 && set_oaep(context, oaep) &&
                EVP_PKEY_decrypt(context, plain, &size, block, length) > 0 && size == 16;
    memcpy(out, done ? plain : (const unsigned char *)"----------------", 16);
    out[16] = '\0';
    return done;
}

Test(remote_provider, decrypts_with_each_padding)
{
    static const struct oaep oaeps[] = {{"SHA1", "SHA1", NULL},
                                        {"SHA256", "SHA256", NULL},
                                        {"SHA256", "SHA1", NULL},
                                        {"SHA384", "SHA384", "a label"},
                                        {"SHA512", "SHA512", NULL}};
    owned(EVP_PKEY) EVP_PKEY *key = pki_new_key(PKI_RSA, 0);
    owned(EVP_PKEY) EVP_PKEY *remote = linked(key);
    for (size_t i = 0; i <= G_N_ELEMENTS(oaeps); i++) {
        const struct oaep *oaep = i < G_N_ELEMENTS(oaeps) ? &oaeps[i] : NULL;
        unsigned char block[512];
        char plain[17];
        size_t length = encrypt(key, oaep, block, sizeof(block));
        cr_expect(decrypt(remote, oaep, block, length, plain), "row %zu", i);
        cr_expect_str_eq(plain, "0123456789abcdef", "row %zu", i);
        script.works = 0;
        block[40] ^= 1;
        cr_expect_not(decrypt(remote, oaep, block, length, plain), "row %zu: a wrong padding is an error", i);
        cr_expect_eq(script.works, 1u, "row %zu: after the same work", i);
    }
    cr_expect_eq(keys_failures(), 0u, "a wrong padding is an answer");
}

/* --- agreeing --- */

static size_t agree(EVP_PKEY *own, EVP_PKEY *other, bool with_kdf, unsigned char secret[128])
{
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(own, NULL);
    size_t length = 128;
    bool done = EVP_PKEY_derive_init(context) > 0;
    if (done && with_kdf)
        done = EVP_PKEY_CTX_set_ecdh_kdf_type(context, EVP_PKEY_ECDH_KDF_X9_63) > 0 &&
               EVP_PKEY_CTX_set_ecdh_kdf_md(context, EVP_sha256()) > 0 &&
               EVP_PKEY_CTX_set_ecdh_kdf_outlen(context, 24) > 0 &&
               EVP_PKEY_CTX_set0_ecdh_kdf_ukm(context, (unsigned char *)OPENSSL_strdup("shared info"), 11) > 0;
    return done && EVP_PKEY_derive_set_peer(context, other) > 0 && EVP_PKEY_derive(context, secret, &length) > 0
               ? length
               : 0;
}

Test(remote_provider, agrees_as_the_key_itself_does)
{
    static const enum pki_key kinds[] = {PKI_EC, PKI_P384, PKI_X25519};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        owned(EVP_PKEY) EVP_PKEY *key = pki_new_key(kinds[i], 0);
        owned(EVP_PKEY) EVP_PKEY *other = pki_new_key(kinds[i], 1);
        owned(EVP_PKEY) EVP_PKEY *remote = linked(key);
        for (int with_kdf = 0; with_kdf <= (kinds[i] != PKI_X25519); with_kdf++) {
            unsigned char one[128] = "", two[128] = "";
            size_t length = agree(remote, other, with_kdf, one);
            cr_expect_eq(length, with_kdf ? 24u : kinds[i] == PKI_P384 ? 48u : 32u);
            cr_expect_eq(agree(other, key, with_kdf, two), length);
            cr_expect_arr_eq(one, two, sizeof(one));
        }
    }
}

/* --- what a key says of itself --- */

Test(remote_provider, is_the_key_of_its_certificate)
{
    static const enum pki_key kinds[] = {PKI_RSA, PKI_EC, PKI_P384, PKI_ED25519, PKI_X25519};
    PKI_AUTO struct pki *ca = pki_ca("root");
    PKI_AUTO struct pki *other = pki_person(ca, "other@acme.test");
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        PKI_AUTO struct pki *pki = pki_role_with(ca, "domain-signing-authority", "acme.test", kinds[i]);
        owned(EVP_PKEY) EVP_PKEY *remote = linked(pki->key);
        char group[80] = "", expected[80] = "";
        EVP_PKEY_get_group_name(remote, group, sizeof(group), NULL);
        EVP_PKEY_get_group_name(pki->key, expected, sizeof(expected), NULL);
        cr_expect(X509_check_private_key(pki->cert, remote));
        cr_expect_not(X509_check_private_key(other->cert, remote));
        cr_expect_str_eq(group, expected);
        cr_expect_eq(EVP_PKEY_get_bits(remote), EVP_PKEY_get_bits(pki->key));
        cr_expect_eq(EVP_PKEY_get_security_bits(remote), EVP_PKEY_get_security_bits(pki->key));
        cr_expect_eq(EVP_PKEY_get_size(remote), EVP_PKEY_get_size(pki->key));
        cr_expect_null(key_weakness(remote), "%s", key_weakness(remote));
        cr_expect_eq(key_private_cost(remote), key_private_cost(pki->key));
        ERR_clear_error();
    }
}

Test(remote_provider, gives_no_private_half_away)
{
    static const enum pki_key kinds[] = {PKI_RSA, PKI_EC, PKI_ED25519};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        owned(EVP_PKEY) EVP_PKEY *key = pki_new_key(kinds[i], 0);
        owned(EVP_PKEY) EVP_PKEY *remote = linked(key);
        owned(openssl_bytes) unsigned char *der = NULL;
        owned(BIGNUM) BIGNUM *number = NULL;
        unsigned char raw[64];
        size_t length = sizeof(raw);
        cr_expect_leq(i2d_PrivateKey(remote, &der), 0);
        cr_expect_not(EVP_PKEY_get_bn_param(remote, OSSL_PKEY_PARAM_RSA_D, &number));
        cr_expect_not(EVP_PKEY_get_bn_param(remote, OSSL_PKEY_PARAM_PRIV_KEY, &number));
        cr_expect_not(EVP_PKEY_get_raw_private_key(remote, raw, &length));
    }
}

/* The provider is in a library context of its own. */
Test(remote_provider, ordinary_keys_do_not_meet_it)
{
    owned(EVP_PKEY) EVP_PKEY *key = pki_new_key(PKI_RSA, 0);
    owned(EVP_PKEY) EVP_PKEY *remote = linked(key);
    unsigned char signature[512];
    size_t length = sizeof(signature);
    script.works = 0;
    cr_expect(digest_sign(key, "SHA256", 0, 0, signature, &length));
    cr_expect_eq(script.works, 0u);
    cr_expect_null(EVP_PKEY_CTX_new_from_name(NULL, "RSA", "provider=domsec"));
    cr_expect_str_eq(OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(key)), "default");
    cr_expect_str_eq(OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(remote)), "domsec");
}

/* --- no answer --- */

Test(remote_provider, counts_what_got_no_answer)
{
    static const struct {
        enum key_answer answer;
        bool counts;
    } rows[] = {{KEY_BUSY, true}, {KEY_GONE, true}, {KEY_WRONG, false}, {KEY_UNSUPPORTED, false}};
    owned(EVP_PKEY) EVP_PKEY *key = pki_new_key(PKI_RSA, 0);
    owned(EVP_PKEY) EVP_PKEY *remote = linked(key);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        unsigned char signature[512], block[512];
        size_t length = sizeof(signature), encrypted = encrypt(key, NULL, block, sizeof(block));
        unsigned before = keys_failures();
        char plain[17];
        script.fails = rows[i].answer;
        cr_expect_not(digest_sign(remote, "SHA256", 0, 0, signature, &length));
        cr_expect_not(decrypt(remote, NULL, block, encrypted, plain));
        script.fails = KEY_DONE;
        cr_expect_eq(keys_failures() - before, rows[i].counts ? 2u : 0u, "row %zu", i);
        cr_expect_not(rows[i].counts && keys_failure()[0] == '\0');
    }
}
