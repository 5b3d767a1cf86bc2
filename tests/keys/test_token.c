/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/key_holder.h"

#include "keys/token_code.h"
#include "support/pki.h"
#include "support/program.h"
#include "support/token.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

/* --- a key in use --- */

struct used {
    void *state;
    struct held_key key;
};

static bool use(const char *uri, const char *secret_file, struct used *used, struct error *error)
{
    const char *location = uri + strlen("pkcs11:");
    *used = (struct used){0};
    g_autofree char *place = key_holder_pkcs11.place(location, error);
    if (place == NULL || !key_holder_pkcs11.open(place, NULL, &used->state, error))
        return false;
    return key_holder_pkcs11.find(used->state, location, secret_file, &used->key, error);
}

static void cleanup_used(struct used *used)
{
    if (used->key.handle != NULL)
        key_holder_pkcs11.forget(used->state, used->key.handle);
    if (used->state != NULL)
        key_holder_pkcs11.close(used->state);
    held_key_clear(&used->key);
}

static struct used use_good(const struct token_home *home, const char *path)
{
    struct used used;
    struct error error = {0};
    g_autofree char *uri = token_home_uri(home, path);
    cr_assert(use(uri, NULL, &used, &error), "%s: %s", path, error.text);
    return used;
}

static enum key_answer ask(const struct used *used, const struct key_work *work, struct key_output *output)
{
    return key_holder_pkcs11.work(used->state, used->key.handle, work, output);
}

/* Of the leak sanitizer; NULL without it. */
extern void __lsan_disable(void) __attribute__((weak));

/* What a module leaks is not ours. */
static void expect_leaks(void)
{
    if (__lsan_disable != NULL)
        __lsan_disable();
}

static const char digest_octets[64] = "a digest of up to 64 octets, which is all that a signer sees....";

static const EVP_MD *digest_of(enum key_digest digest)
{
    return EVP_get_digestbyname(key_digest_name(digest));
}

static struct key_work signing(enum key_scheme scheme, enum key_digest digest)
{
    size_t size = (size_t)EVP_MD_get_size(digest_of(digest));
    return (struct key_work){scheme, digest, digest, (unsigned)size, SLICE_NONE, {digest_octets, size}};
}

static bool verifies(EVP_PKEY *key, const struct key_work *work, const struct key_output *output)
{
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    cr_assert_eq(EVP_PKEY_verify_init(context), 1);
    cr_assert_eq(EVP_PKEY_CTX_set_signature_md(context, digest_of(work->digest)), 1);
    if (work->scheme == KEY_SIGN_RSA_PSS) {
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest_of(work->mgf1_digest));
        EVP_PKEY_CTX_set_rsa_pss_saltlen(context, (int)work->salt_length);
    }
    return EVP_PKEY_verify(context, output->octets, output->length, (const unsigned char *)work->input.data,
                           work->input.len) == 1;
}

/* What a sender makes of "secret" for this key. */
static size_t encrypt(EVP_PKEY *key, enum key_scheme scheme, enum key_digest digest, unsigned char *block)
{
    size_t length = KEY_OUTPUT_MAX;
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    cr_assert_eq(EVP_PKEY_encrypt_init(context), 1);
    if (scheme == KEY_DECRYPT_RSA_OAEP) {
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING);
        EVP_PKEY_CTX_set_rsa_oaep_md(context, digest_of(digest));
        EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest_of(digest));
    }
    cr_assert_eq(EVP_PKEY_encrypt(context, block, &length, (const unsigned char *)"secret", 6), 1);
    return length;
}

static enum key_answer decrypt(const struct used *used, enum key_scheme scheme, enum key_digest digest)
{
    unsigned char block[KEY_OUTPUT_MAX];
    struct key_output output;
    size_t length = encrypt(used->key.public_key, scheme, digest, block);
    struct key_work work = {scheme, digest, digest, 0, SLICE_NONE, {(char *)block, length}};
    enum key_answer answer = ask(used, &work, &output);
    cr_assert(answer != KEY_DONE || (output.length == 6 && memcmp(output.octets, "secret", 6) == 0));
    return answer;
}

static enum key_answer sign_once(const struct used *used)
{
    struct key_output output;
    struct key_work work = signing(KEY_SIGN_ECDSA, KEY_SHA256);
    enum key_answer answer = ask(used, &work, &output);
    cr_assert(answer != KEY_DONE || verifies(used->key.public_key, &work, &output));
    return answer;
}

static void import(const struct token_home *home, const char *label, const char *id, enum pki_key kind,
                   const char *usage)
{
    owned(EVP_PKEY) EVP_PKEY *key = pki_new_key(kind, 0);
    token_home_import(home, label, id, key, usage);
}

/* A home with the key "ec", which signs and derives. */
static struct token_home *home_with_ec(void)
{
    struct token_home *home = token_home_new();
    import(home, "ec", "01", PKI_EC, "sign,derive");
    return home;
}

/* --- what keys do --- */

Test(token, rsa_signs_and_decrypts)
{
    owned(token_home) struct token_home *home = token_home_new();
    import(home, "rsa", "01", PKI_RSA, "sign,decrypt");
    struct used used __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=rsa");
    for (enum key_digest digest = KEY_SHA1; digest < KEY_DIGESTS; digest++) {
        struct key_output output;
        for (enum key_scheme scheme = KEY_SIGN_RSA_PKCS1; scheme <= KEY_SIGN_RSA_PSS; scheme++) {
            struct key_work work = signing(scheme, digest);
            cr_assert_eq(ask(&used, &work, &output), KEY_DONE, "scheme %d digest %d", scheme, digest);
            cr_assert(verifies(used.key.public_key, &work, &output), "scheme %d digest %d", scheme, digest);
        }
        cr_assert_eq(decrypt(&used, KEY_DECRYPT_RSA_OAEP, digest), KEY_DONE, "OAEP %d", digest);
    }
    cr_assert_eq(decrypt(&used, KEY_DECRYPT_RSA_PKCS1, 0), KEY_DONE);
    cr_assert_eq(used.key.can, KEY_CAN(KEY_SIGN_RSA_PKCS1) | KEY_CAN(KEY_SIGN_RSA_PSS) |
                                   KEY_CAN(KEY_DECRYPT_RSA_PKCS1) | KEY_CAN(KEY_DECRYPT_RSA_OAEP));
}

Test(token, ec_signs_and_agrees)
{
    owned(token_home) struct token_home *home = token_home_new();
    static const enum pki_key kinds[] = {PKI_EC, PKI_P384};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *id = g_strdup_printf("0%zu", i), *path = g_strdup_printf("token=T;id=%%0%zu", i);
        import(home, "ec", id, kinds[i], "sign,derive");
        struct used used __attribute__((cleanup(cleanup_used))) = use_good(home, path);
        struct key_output output;
        for (enum key_digest digest = KEY_SHA256; digest < KEY_DIGESTS; digest++) {
            struct key_work work = signing(KEY_SIGN_ECDSA, digest);
            cr_assert_eq(ask(&used, &work, &output), KEY_DONE);
            cr_assert(verifies(used.key.public_key, &work, &output), "digest %d", digest);
        }
        owned(EVP_PKEY) EVP_PKEY *other = pki_new_key(kinds[i], 0);
        unsigned char *point = NULL, expected[64];
        size_t length = EVP_PKEY_get1_encoded_public_key(other, &point), size = sizeof(expected);
        owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, other, NULL);
        cr_assert(EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer(context, used.key.public_key) == 1 &&
                  EVP_PKEY_derive(context, expected, &size) == 1);
        struct key_work work = {.scheme = KEY_DERIVE, .input = {(char *)point, length}};
        cr_assert_eq(ask(&used, &work, &output), KEY_DONE);
        cr_assert(output.length == size && memcmp(output.octets, expected, size) == 0);
        point[5] ^= 1; /* no longer on the curve: the token is not asked */
        unsigned before = token_home_calls(home, "C_DeriveKey");
        cr_assert_eq(ask(&used, &work, &output), KEY_WRONG);
        work.input = (struct slice){"", 1}; /* infinity */
        cr_assert_eq(ask(&used, &work, &output), KEY_WRONG);
        point[5] ^= 1;
        point[0] = (unsigned char)(2 | (point[length - 1] & 1)); /* compressed, which not every token takes */
        work.input = (struct slice){(char *)point, 1 + length / 2};
        cr_assert_eq(ask(&used, &work, &output), KEY_WRONG);
        cr_assert_eq(token_home_calls(home, "C_DeriveKey"), before);
        OPENSSL_free(point);
    }
}

Test(token, ed25519_signs)
{
    owned(token_home) struct token_home *home = token_home_new();
    expect_leaks(); /* SoftHSM: of the name of the curve */
    token_home_generate(home, "ed", "01", "EC:edwards25519");
    struct used used __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=ed");
    struct key_output output;
    struct key_work work = {.scheme = KEY_SIGN_EDDSA, .input = slice_of("the signed attributes, whole")};
    cr_assert_eq(ask(&used, &work, &output), KEY_DONE);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    cr_assert(EVP_DigestVerifyInit(context, NULL, NULL, NULL, used.key.public_key) == 1 &&
              EVP_DigestVerify(context, output.octets, output.length, (const unsigned char *)work.input.data,
                               work.input.len) == 1);
    EVP_MD_CTX_free(context);
    cr_assert_eq(used.key.can, KEY_CAN(KEY_SIGN_EDDSA));
}

Test(token, key_does_only_what_it_may)
{
    owned(token_home) struct token_home *home = token_home_new();
    import(home, "rsa", "01", PKI_RSA, "sign,decrypt");
    import(home, "agrees-not", "02", PKI_EC, "sign");
    token_home_trouble(home, "fail C_DecryptInit 0x68 -1\n"); /* CKR_KEY_FUNCTION_NOT_PERMITTED */
    struct used signs __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=rsa");
    cr_assert_eq(signs.key.can, KEY_CAN(KEY_SIGN_RSA_PKCS1) | KEY_CAN(KEY_SIGN_RSA_PSS));
    cr_assert_eq(decrypt(&signs, KEY_DECRYPT_RSA_OAEP, KEY_SHA256), KEY_UNSUPPORTED);
    token_home_trouble(home, "fail C_SignInit 0x68 -1\n");
    struct used decrypts __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=rsa");
    cr_assert_eq(decrypts.key.can, KEY_CAN(KEY_DECRYPT_RSA_PKCS1) | KEY_CAN(KEY_DECRYPT_RSA_OAEP));
    token_home_trouble(home, "");
    struct used agrees_not __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=agrees-not");
    cr_assert_eq(agrees_not.key.can, KEY_CAN(KEY_SIGN_ECDSA));
}

/* --- damaged blocks --- */

static enum key_answer decrypt_damaged(const struct used *used, enum key_scheme scheme)
{
    unsigned char block[KEY_OUTPUT_MAX] = {0};
    struct key_output output;
    size_t size = (size_t)EVP_PKEY_get_size(used->key.public_key);
    cr_assert_eq(RAND_bytes(block + 1, (int)size - 1), 1);
    struct key_work work = {scheme, KEY_SHA1, KEY_SHA1, 0, SLICE_NONE, {(char *)block, size}};
    return ask(used, &work, &output);
}

static enum key_answer decrypt_long(const struct used *used)
{
    unsigned char block[KEY_OUTPUT_MAX];
    struct key_output output;
    memset(block, 0xff, sizeof(block)); /* above any modulus */
    struct key_work work = {KEY_DECRYPT_RSA_OAEP,
                            KEY_SHA1,
                            KEY_SHA1,
                            0,
                            SLICE_NONE,
                            {(char *)block, (size_t)EVP_PKEY_get_size(used->key.public_key)}};
    enum key_answer answer = ask(used, &work, &output);
    work.input.len++;
    return ask(used, &work, &output) == answer ? answer : KEY_GONE;
}

/* Each way in which a token decrypts, and what it says of a damaged block. */
/* A token whose own library rejects damaged PKCS #1 blocks implicitly, as SoftHSM with OpenSSL 3.2 does, answers with
 * random octets, from which a stranger learns nothing either. */
static bool is_rejected(enum key_answer answer, bool raw)
{
    return answer == KEY_WRONG || (!raw && answer == KEY_DONE);
}

Test(token, damaged_block_is_wrong_and_token_stays)
{
    static const struct {
        const char *trouble;
        bool raw;
    } cases[] = {{"", true}, {"hide 3\n", false}, {"hide 3\nmumble\n", false}};
    owned(token_home) struct token_home *home = token_home_new();
    import(home, "rsa", "01", PKI_RSA, "decrypt");
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        token_home_trouble(home, cases[i].trouble);
        struct used used __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=rsa");
        cr_assert_eq(used.key.note != NULL && strstr(used.key.note, "raw RSA") != NULL, cases[i].raw);
        enum key_answer pkcs1 = decrypt_damaged(&used, KEY_DECRYPT_RSA_PKCS1);
        enum key_answer oaep = decrypt_damaged(&used, KEY_DECRYPT_RSA_OAEP);
        cr_assert(is_rejected(pkcs1, cases[i].raw), "case %zu: %d", i, pkcs1);
        cr_assert_eq(oaep, KEY_WRONG, "case %zu: %d", i, oaep);
        cr_assert_eq(decrypt_long(&used), KEY_WRONG, "case %zu", i);
        cr_assert_eq(decrypt(&used, KEY_DECRYPT_RSA_OAEP, KEY_SHA1), KEY_DONE, "case %zu", i);
        cr_assert_eq(decrypt(&used, KEY_DECRYPT_RSA_PKCS1, 0), KEY_DONE, "case %zu", i);
    }
}

/* Where the token mumbles, a good block costs as many operations as a damaged one. */
Test(token, damaged_block_costs_what_a_good_one_costs)
{
    static const char *const troubles[] = {"", "hide 3\n", "hide 3\nmumble\n"};
    owned(token_home) struct token_home *home = token_home_new();
    import(home, "rsa", "01", PKI_RSA, "decrypt");
    for (size_t i = 0; i < G_N_ELEMENTS(troubles); i++) {
        token_home_trouble(home, troubles[i]);
        struct used used __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=rsa");
        unsigned start = token_home_calls(home, "C_Decrypt");
        cr_assert_eq(decrypt(&used, KEY_DECRYPT_RSA_PKCS1, 0), KEY_DONE);
        unsigned good = token_home_calls(home, "C_Decrypt");
        enum key_answer damaged = decrypt_damaged(&used, KEY_DECRYPT_RSA_PKCS1);
        cr_assert(is_rejected(damaged, i == 0), "case %zu: %d", i, damaged);
        cr_assert_eq(token_home_calls(home, "C_Decrypt") - good, good - start, "case %zu", i);
    }
}

/* SoftHSM 2.6 refuses OAEP with SHA-256; without bare RSA nothing is left for it. */
Test(token, capabilities_are_tried)
{
    owned(token_home) struct token_home *home = token_home_new();
    import(home, "rsa", "01", PKI_RSA, "sign,decrypt");
    token_home_trouble(home, "hide 3\n");
    struct used used __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=rsa");
    cr_assert_eq(used.key.oaep, 1U << KEY_SHA1);
    cr_assert_not_null(strstr(used.key.note, "SHA-256"));
    cr_assert_eq(decrypt(&used, KEY_DECRYPT_RSA_OAEP, KEY_SHA1), KEY_DONE);
    cr_assert_eq(decrypt(&used, KEY_DECRYPT_RSA_OAEP, KEY_SHA256), KEY_UNSUPPORTED);
    struct key_output output;
    struct key_work pss = signing(KEY_SIGN_RSA_PSS, KEY_SHA256);
    cr_assert_eq(ask(&used, &pss, &output), KEY_DONE);
    cr_assert(verifies(used.key.public_key, &pss, &output));
    token_home_trouble(home, "hide 0xd\nhide 3\nhide 9\n");
    struct used less __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=rsa");
    cr_assert_eq(less.key.can, KEY_CAN(KEY_SIGN_RSA_PKCS1) | KEY_CAN(KEY_DECRYPT_RSA_PKCS1));
}

/* --- sessions --- */

static gpointer sign_often(gpointer data)
{
    unsigned good = 0;
    for (int i = 0; i < 25; i++)
        good += sign_once(data) == KEY_DONE;
    return GUINT_TO_POINTER(good);
}

static unsigned sign_in_threads(struct used *used)
{
    GThread *threads[8];
    unsigned good = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("signer", sign_often, used);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        good += GPOINTER_TO_UINT(g_thread_join(threads[i]));
    return good;
}

Test(token, threads_share_few_sessions)
{
    static const char *const troubles[] = {"", "sessions 1\n", "sessions 3\n"};
    owned(token_home) struct token_home *home = home_with_ec();
    for (size_t i = 0; i < G_N_ELEMENTS(troubles); i++) {
        token_home_trouble(home, troubles[i]);
        struct used used __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=ec");
        unsigned logins = token_home_calls(home, "C_Login");
        cr_assert_eq(sign_in_threads(&used), 200, "case %zu", i);
        cr_assert_eq(token_home_calls(home, "C_Login"), logins, "one login is enough");
        cr_assert_eq(token_home_calls(home, "C_Logout"), 0);
    }
}

/* What a token does to sessions beside their work, and how the next signature goes. */
Test(token, lost_sessions_are_got_anew)
{
    static const char *const troubles[] = {
        "close\n",                          /* idle sessions, and with them the login */
        "fail C_SignInit 0xb3 1\n",         /* CKR_SESSION_HANDLE_INVALID */
        "fail C_SignInit 0xb0 1\n",         /* CKR_SESSION_CLOSED */
        "fail C_SignInit 0x90 1\n",         /* CKR_OPERATION_ACTIVE */
        "fail C_SignInit 0x101 1\n",        /* CKR_USER_NOT_LOGGED_IN */
        "fail C_SignInit 0x60 1\n",         /* CKR_KEY_HANDLE_INVALID */
        "fail C_SignInit 0x82 1\n",         /* CKR_OBJECT_HANDLE_INVALID */
        "fail C_Sign 0x6 1\n",              /* CKR_FUNCTION_FAILED */
        "fail C_Sign 0x5 2\n",              /* CKR_GENERAL_ERROR, twice */
        "sessions 1\nfail C_Sign 0x91 1\n", /* CKR_OPERATION_NOT_INITIALIZED */
        "sessions 1\nclose\n",
    };
    owned(token_home) struct token_home *home = home_with_ec();
    struct used used __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=ec");
    for (size_t i = 0; i < G_N_ELEMENTS(troubles); i++) {
        token_home_trouble(home, troubles[i]);
        cr_assert_eq(sign_once(&used), KEY_DONE, "%s", troubles[i]);
        cr_assert_eq(sign_once(&used), KEY_DONE, "%s", troubles[i]);
    }
    token_home_trouble(home, "close\nclose\nclose\n"); /* while threads work */
    cr_assert_eq(sign_in_threads(&used), 200);
}

/* A library in the same process may have done it. */
Test(token, other_login_is_enough)
{
    owned(token_home) struct token_home *home = home_with_ec();
    struct used first __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=ec");
    unsigned logins = token_home_calls(home, "C_Login");
    struct used second __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=ec");
    cr_assert_eq(token_home_calls(home, "C_Login") - logins, 1U, "CKR_USER_ALREADY_LOGGED_IN is success");
    cr_expect_eq(sign_once(&second), KEY_DONE);
    cr_expect_eq(sign_once(&first), KEY_DONE);
}

/* The same id can name another key after sessions were lost. */
Test(token, other_key_under_the_same_id_is_not_used)
{
    owned(token_home) struct token_home *home = home_with_ec();
    struct used used __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=ec");
    token_home_delete(home, "ec", "privkey");
    token_home_delete(home, "ec", "pubkey");
    import(home, "ec", "01", PKI_EC, "sign,derive");
    token_home_trouble(home, "close\n");
    struct key_output output;
    struct key_work work = signing(KEY_SIGN_ECDSA, KEY_SHA256);
    cr_assert_eq(ask(&used, &work, &output), KEY_GONE);
    cr_assert_eq(output.length, 0, "what the other key made does not leave");
}

Test(token, public_key_of_another_is_found_out)
{
    owned(token_home) struct token_home *home = home_with_ec();
    struct used used;
    struct error error = {0};
    token_home_delete(home, "ec", "pubkey");
    g_autofree char *uri = token_home_uri(home, "token=T;object=ec");
    cr_assert(!use(uri, NULL, &used, &error));
    cr_assert(error.kind == ERROR_CONFIGURATION && strstr(error.text, "shows no public key") != NULL, "%s", error.text);
    cr_expect_eq(token_home_calls(home, "C_Initialize"), 3, "it is looked for again");
    cleanup_used(&used);
    import(home, "other", "02", PKI_EC, "sign");
    token_home_delete(home, "other", "privkey");
    cr_assert_eq(run_status((const char *[]){"pkcs11-tool", "--module", TOKEN_SOFTHSM, "--token-label", "T", "--pin",
                                             "1234", "--set-id", "01", "--type", "pubkey", "--id", "02", NULL}),
                 0);
    cr_assert(!use(uri, NULL, &used, &error));
    cr_assert_not_null(strstr(error.text, "that of another key"), "%s", error.text);
    cleanup_used(&used);
}

/* --- what the token says --- */

Test(token, each_code_has_its_answer)
{
    static const struct {
        CK_RV code;
        enum key_answer answer; /* if it comes from C_Sign once; for ever, nothing that was not busy is left */
    } cases[] = {
        {CKR_CANCEL, KEY_DONE},
        {CKR_HOST_MEMORY, KEY_BUSY},
        {CKR_SLOT_ID_INVALID, KEY_GONE},
        {CKR_GENERAL_ERROR, KEY_DONE},
        {CKR_FUNCTION_FAILED, KEY_DONE},
        {CKR_ARGUMENTS_BAD, KEY_UNSUPPORTED},
        {CKR_DATA_LEN_RANGE, KEY_UNSUPPORTED},
        {CKR_DEVICE_ERROR, KEY_GONE},
        {CKR_DEVICE_MEMORY, KEY_BUSY},
        {CKR_DEVICE_REMOVED, KEY_GONE},
        {CKR_FUNCTION_CANCELED, KEY_DONE},
        {CKR_FUNCTION_NOT_SUPPORTED, KEY_UNSUPPORTED},
        {CKR_KEY_HANDLE_INVALID, KEY_DONE},
        {CKR_KEY_FUNCTION_NOT_PERMITTED, KEY_UNSUPPORTED},
        {CKR_MECHANISM_INVALID, KEY_UNSUPPORTED},
        {CKR_MECHANISM_PARAM_INVALID, KEY_UNSUPPORTED},
        {CKR_OPERATION_ACTIVE, KEY_DONE},
        {CKR_PIN_EXPIRED, KEY_BUSY},
        {CKR_SESSION_CLOSED, KEY_DONE},
        {CKR_SESSION_HANDLE_INVALID, KEY_DONE},
        {CKR_TOKEN_NOT_PRESENT, KEY_GONE},
        {CKR_TOKEN_NOT_RECOGNIZED, KEY_GONE},
        {CKR_USER_NOT_LOGGED_IN, KEY_DONE},
        {CKR_CRYPTOKI_NOT_INITIALIZED, KEY_GONE},
        {CKR_MUTEX_BAD, KEY_GONE},
        {CKR_DATA_INVALID, KEY_UNSUPPORTED},
        {CKR_ENCRYPTED_DATA_INVALID, KEY_UNSUPPORTED},
        {CKR_ENCRYPTED_DATA_LEN_RANGE, KEY_UNSUPPORTED},
        {CKR_ACTION_PROHIBITED, KEY_UNSUPPORTED},
        {CKR_ATTRIBUTE_READ_ONLY, KEY_UNSUPPORTED},
        {CKR_ATTRIBUTE_SENSITIVE, KEY_UNSUPPORTED},
        {CKR_ATTRIBUTE_TYPE_INVALID, KEY_UNSUPPORTED},
        {CKR_ATTRIBUTE_VALUE_INVALID, KEY_UNSUPPORTED},
        {CKR_CURVE_NOT_SUPPORTED, KEY_UNSUPPORTED},
        {CKR_DOMAIN_PARAMS_INVALID, KEY_UNSUPPORTED},
        {CKR_FUNCTION_REJECTED, KEY_UNSUPPORTED},
        {CKR_KEY_SIZE_RANGE, KEY_UNSUPPORTED},
        {CKR_KEY_TYPE_INCONSISTENT, KEY_UNSUPPORTED},
        {CKR_TEMPLATE_INCOMPLETE, KEY_UNSUPPORTED},
        {CKR_TEMPLATE_INCONSISTENT, KEY_UNSUPPORTED},
        {CKR_TOKEN_WRITE_PROTECTED, KEY_UNSUPPORTED},
        {CKR_SESSION_COUNT, KEY_BUSY},
        {CKR_SESSION_EXISTS, KEY_BUSY},
        {CKR_SESSION_READ_WRITE_SO_EXISTS, KEY_BUSY},
        {CKR_USER_ANOTHER_ALREADY_LOGGED_IN, KEY_BUSY},
        {CKR_USER_TOO_MANY_TYPES, KEY_BUSY},
        {CKR_KEY_CHANGED, KEY_DONE},
        {CKR_OBJECT_HANDLE_INVALID, KEY_DONE},
        {CKR_OPERATION_NOT_INITIALIZED, KEY_DONE},
        {CKR_PIN_INCORRECT, KEY_BUSY},
        {CKR_PIN_INVALID, KEY_BUSY},
        {CKR_PIN_LEN_RANGE, KEY_BUSY},
        {CKR_PIN_LOCKED, KEY_BUSY},
        {CKR_USER_PIN_NOT_INITIALIZED, KEY_BUSY},
        {CKR_CANT_LOCK, KEY_GONE},
        {CKR_FIPS_SELF_TEST_FAILED, KEY_GONE},
        {CKR_MUTEX_NOT_LOCKED, KEY_GONE},
        {CKR_NEED_TO_CREATE_THREADS, KEY_GONE},
        {CKR_VENDOR_DEFINED | 7, KEY_DONE},
        {0x7777, KEY_DONE},
    };
    owned(token_home) struct token_home *home = home_with_ec();
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        for (int for_ever = 0; for_ever < 2; for_ever++) {
            struct used used __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=ec");
            g_autofree char *trouble = g_strdup_printf("fail C_Sign 0x%lx %d\n", cases[i].code, for_ever ? -1 : 1);
            token_home_trouble(home, trouble);
            enum key_answer expected = for_ever && cases[i].answer != KEY_BUSY ? KEY_GONE : cases[i].answer;
            enum key_answer answer = sign_once(&used);
            cr_assert_eq(answer, expected, "0x%lx, for ever: %d: %d", cases[i].code, for_ever, answer);
            token_home_trouble(home, "");
        }
}

/* A signature that is none, and a token that breaks while it decrypts what was damaged. */
Test(token, broken_token_is_not_taken_for_a_damaged_message)
{
    owned(token_home) struct token_home *home = token_home_new();
    import(home, "rsa", "01", PKI_RSA, "decrypt");
    static const struct {
        const char *before, *then;
        enum key_answer answer;
    } cases[] = {
        {"", "fail C_Decrypt 0x5 -1\n", KEY_GONE},
        {"hide 3\n", "hide 3\nfail C_Decrypt 0x30 -1\n", KEY_GONE},
        {"hide 3\nmumble\n", "hide 3\nmumble\nfail C_Decrypt 0x5 -1\n", KEY_GONE},
        {"hide 3\nmumble\n", "hide 3\nmumble\nfail C_Decrypt 0x82 -1\n", KEY_GONE},
        {"", "close\nfail C_Decrypt 0x40 1\n", KEY_DONE}, /* of the proof, after a session was lost */
        {"", "garbage C_Decrypt\n", KEY_WRONG},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        token_home_trouble(home, cases[i].before);
        struct used used __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=rsa");
        token_home_trouble(home, cases[i].then);
        cr_assert_eq(decrypt(&used, KEY_DECRYPT_RSA_PKCS1, 0), cases[i].answer, "case %zu", i);
        token_home_trouble(home, "");
    }
}

Test(token, vanished_token_is_gone_and_works_when_it_is_back)
{
    owned(token_home) struct token_home *home = home_with_ec();
    for (int i = 0; i < 3; i++) {
        struct used used __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=ec");
        token_home_vanish(home);
        cr_assert_eq(sign_once(&used), KEY_GONE);
        struct used without;
        struct error error = {0};
        g_autofree char *uri = token_home_uri(home, "token=T;object=ec");
        cleanup_used(&used); /* as when the process ends */
        used = (struct used){0};
        cr_assert(!use(uri, NULL, &without, &error));
        cr_assert_eq(error.kind, ERROR_TEMPORARY, "%s", error.text);
        cleanup_used(&without);
        token_home_return(home);
        used = use_good(home, "token=T;object=ec");
        cr_assert_eq(sign_once(&used), KEY_DONE);
    }
}

/* --- the PIN --- */

static bool fails_with(const struct token_home *home, const char *pin, enum error_kind kind, const char *words)
{
    struct used used;
    struct error error = {0};
    g_autofree char *file = folder_file(home->folder, "other-pin", pin);
    g_autofree char *uri = g_strdup_printf("pkcs11:token=T;object=ec?module-path=%s", home->shim);
    bool good = use(uri, file, &used, &error);
    cleanup_used(&used);
    return !good && error.kind == kind && strstr(error.text, words) != NULL && strstr(error.text, "9999") == NULL;
}

Test(token, refused_pin_is_tried_once)
{
    owned(token_home) struct token_home *home = home_with_ec();
    g_autofree char *uri = g_strdup_printf("pkcs11:token=T;object=ec?module-path=%s", home->shim);
    g_autofree char *file = folder_file(home->folder, "other-pin", "9999\n");
    struct used used __attribute__((cleanup(cleanup_used)));
    struct error error = {0};
    cr_assert(!use(uri, file, &used, &error));
    cr_assert_eq(error.kind, ERROR_PERMANENT, "%s", error.text);
    for (int i = 0; i < 5; i++)
        cr_assert(!key_holder_pkcs11.find(used.state, uri + strlen("pkcs11:"), file, &used.key, &error));
    cr_assert_eq(error.kind, ERROR_PERMANENT, "%s", error.text);
    cr_assert_eq(token_home_calls(home, "C_Login"), 1);
    folder_write(home->folder, "other-pin", "1234\n");
    cr_assert(key_holder_pkcs11.find(used.state, uri + strlen("pkcs11:"), file, &used.key, &error), "%s", error.text);
    cr_assert_eq(token_home_calls(home, "C_Login"), 2);
}

Test(token, pin_that_can_not_be_tried)
{
    owned(token_home) struct token_home *home = home_with_ec();
    cr_assert(fails_with(home, "9999\n", ERROR_PERMANENT, "refuses the PIN"));
    token_home_trouble(home, "fail C_Login 0xa4 -1\n");
    cr_assert(fails_with(home, "1234\n", ERROR_PERMANENT, "CKR_PIN_LOCKED"));
    unsigned before = token_home_calls(home, "C_Login");
    token_home_trouble(home, "flags 0x20000\n"); /* CKF_USER_PIN_FINAL_TRY */
    cr_assert(fails_with(home, "1234\n", ERROR_PERMANENT, "one more try"));
    token_home_trouble(home, "flags 0x40000\n"); /* CKF_USER_PIN_LOCKED */
    cr_assert(fails_with(home, "1234\n", ERROR_PERMANENT, "is locked"));
    cr_assert_eq(token_home_calls(home, "C_Login"), before);
    token_home_trouble(home, "");
    struct used used;
    struct error error = {0};
    g_autofree char *uri = g_strdup_printf("pkcs11:token=T;object=ec?module-path=%s", home->shim);
    cr_assert(!use(uri, NULL, &used, &error));
    cr_assert(error.kind == ERROR_CONFIGURATION && strstr(error.text, "passphrase_file") != NULL, "%s", error.text);
    cleanup_used(&used);
}

/* --- which token, which key --- */

Test(token, token_is_found_by_what_is_written_on_it)
{
    owned(token_home) struct token_home *home = home_with_ec();
    struct used used __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=ec");
    token_home_add(home, "A"); /* slots change their order, and one is always empty */
    cr_assert_eq(sign_once(&used), KEY_DONE);
    struct used again __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=ec;type=private");
    cr_assert_eq(sign_once(&again), KEY_DONE);
    g_autofree char *location = g_strconcat("pkcs11:", again.key.location, NULL);
    cr_assert_null(strstr(location, "pin-"), "%s", location);
    struct used by_location __attribute__((cleanup(cleanup_used)));
    struct error error = {0};
    cr_assert(use(location, home->pin_file, &by_location, &error), "%s: %s", location, error.text);
    cr_assert_eq(sign_once(&by_location), KEY_DONE);
}

Test(token, what_does_not_fit_is_named)
{
    owned(token_home) struct token_home *home = home_with_ec();
    import(home, "ec", "02", PKI_EC, "sign");
    token_home_add(home, "A");
    static const struct {
        const char *path;
        enum error_kind kind;
        const char *words;
    } cases[] = {
        {"token=X;object=ec", ERROR_TEMPORARY, "\"T\""},
        {"object=ec", ERROR_CONFIGURATION, "several tokens fit"},
        {"token=T;object=ec", ERROR_CONFIGURATION, "several private keys fit"},
        {"token=T;object=dsa", ERROR_CONFIGURATION, "object=ec id=%02"},
        {"token=T;id=%03", ERROR_CONFIGURATION, "no such private key"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct used used;
        struct error error = {0};
        g_autofree char *uri = token_home_uri(home, cases[i].path);
        cr_assert(!use(uri, NULL, &used, &error), "%s", cases[i].path);
        cr_assert_eq(error.kind, cases[i].kind, "%s: %s", cases[i].path, error.text);
        cr_assert_not_null(strstr(error.text, cases[i].words), "%s: %s", cases[i].path, error.text);
        cleanup_used(&used);
    }
}

/* As when several processes start with SoftHSM at once. */
Test(token, key_that_is_not_seen_at_first_is_found)
{
    owned(token_home) struct token_home *home = home_with_ec();
    token_home_trouble(home, "unseen 2\n");
    struct used used __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=ec");
    cr_expect_eq(sign_once(&used), KEY_DONE);
    cr_expect_eq(token_home_calls(home, "C_Initialize"), 2);
}

static gpointer sign_in_thread(gpointer data)
{
    return GUINT_TO_POINTER(sign_once(data));
}

/* The module is not initialised anew below those who work with it. */
Test(token, key_that_is_not_there_is_looked_for_beside_work)
{
    owned(token_home) struct token_home *home = home_with_ec();
    struct used used __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=ec");
    g_autofree char *uri = token_home_uri(home, "token=T;object=dsa");
    unsigned signatures = token_home_calls(home, "C_Sign");
    struct held_key missing = {0};
    struct error error = {0};
    token_home_trouble(home, "wait C_Sign 1\n");
    GThread *signer = g_thread_new("signer", sign_in_thread, &used);
    while (token_home_calls(home, "C_Sign") == signatures)
        g_usleep(1000);
    cr_expect_not(key_holder_pkcs11.find(used.state, uri + strlen("pkcs11:"), NULL, &missing, &error));
    cr_expect_eq(error.kind, ERROR_CONFIGURATION, "%s", error.text);
    cr_expect_eq(token_home_calls(home, "C_Initialize"), 1);
    cr_expect_eq(GPOINTER_TO_UINT(g_thread_join(signer)), KEY_DONE);
}

Test(token, bad_modules_are_faults)
{
    owned(folder) char *folder = folder_new();
    g_autofree char *text = folder_file(folder, "text.so", "no module"), *missing = g_strconcat(folder, "/x.so", NULL);
    g_autofree char *preload = g_canonicalize_filename("preload/later.so", g_getenv("DOMSEC_BUILD"));
    const char *const files[] = {text, missing, preload};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        struct used used;
        struct error error = {0};
        g_autofree char *uri = g_strdup_printf("pkcs11:token=T;object=x?module-path=%s", files[i]);
        cr_assert(!use(uri, NULL, &used, &error));
        cr_assert(error.kind == ERROR_CONFIGURATION && strstr(error.text, files[i]) != NULL, "%s", error.text);
        cleanup_used(&used);
    }
}

Test(token, list_shows_each_key)
{
    owned(token_home) struct token_home *home = home_with_ec();
    import(home, "rsa", "02", PKI_RSA, "sign,decrypt");
    struct used used __attribute__((cleanup(cleanup_used))) = use_good(home, "token=T;object=ec");
    struct error error = {0};
    struct held_key **list = key_holder_pkcs11.list(used.state, "token=T", NULL, &error);
    cr_assert_not_null(list, "%s", error.text);
    unsigned count = 0;
    for (; list[count] != NULL; count++) {
        bool is_rsa = EVP_PKEY_is_a(list[count]->public_key, "RSA");
        cr_assert(strstr(list[count]->location, is_rsa ? "object=rsa" : "object=ec") != NULL);
        cr_assert_eq((list[count]->can & KEY_CAN(KEY_DERIVE)) != 0, !is_rsa);
        cr_assert_eq(list[count]->note != NULL, is_rsa, "raw RSA is said");
        held_key_clear(list[count]);
        g_free(list[count]);
    }
    cr_assert_eq(count, 2);
    g_free(list);
}

/* --- another module --- */

static char *nss_module(void)
{
    glob_t found;
    expect_leaks();
    cr_assert_eq(glob("/usr/lib/*/libsoftokn3.so", 0, NULL, &found), 0);
    char *path = g_strdup(found.gl_pathv[0]);
    globfree(&found);
    return path;
}

/* NSS keeps keys in a database and gives them no labels. Its module wants its parameters at the start. */
Test(token, nss_is_a_token)
{
    owned(token_home) struct token_home *home = token_home_new();
    g_autofree char *database = g_strconcat("sql:", home->folder, NULL), *module = nss_module();
    g_autofree char *noise = folder_file(home->folder, "noise", "what certutil takes for its random numbers");
    cr_assert_eq(run_status((const char *[]){"certutil", "-N", "-d", database, "-f", home->pin_file, NULL}), 0);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(run_status((const char *[]){"certutil",
                                                 "-S",
                                                 "-d",
                                                 database,
                                                 "-f",
                                                 home->pin_file,
                                                 "-z",
                                                 noise,
                                                 "-n",
                                                 i == 0 ? "rsa" : "ec",
                                                 "-s",
                                                 i == 0 ? "CN=rsa" : "CN=ec",
                                                 "-x",
                                                 "-t",
                                                 ",,",
                                                 "-m",
                                                 i == 0 ? "1" : "2",
                                                 "-k",
                                                 i == 0 ? "rsa" : "ec",
                                                 i == 0 ? "-g" : "-q",
                                                 i == 0 ? "2048" : "nistp256",
                                                 NULL}),
                     0);
    g_autofree char *parameters =
        g_strdup_printf("configdir='%s' certPrefix='' keyPrefix='' secmod='secmod.db' flags=readOnly", database);
    g_autofree char *escaped = g_uri_escape_string(parameters, NULL, FALSE);
    g_autofree char *token =
        g_strdup_printf("token=NSS%%20Certificate%%20DB?module-path=%s&x-init-reserved=%s", module, escaped);
    struct error error = {0};
    void *state = NULL;
    cr_assert(key_holder_pkcs11.open(token, NULL, &state, &error), "%s", error.text);
    struct held_key **list = key_holder_pkcs11.list(state, token, home->pin_file, &error);
    cr_assert(list != NULL && list[0] != NULL && list[1] != NULL && list[2] == NULL, "%s", error.text);
    for (int i = 0; i < 2; i++) {
        struct used used = {.state = state};
        cr_assert(key_holder_pkcs11.find(state, list[i]->location, NULL, &used.key, &error), "%s: %s",
                  list[i]->location, error.text);
        if (EVP_PKEY_is_a(used.key.public_key, "RSA")) {
            cr_assert_eq(decrypt(&used, KEY_DECRYPT_RSA_OAEP, KEY_SHA256), KEY_DONE);
            cr_assert_eq(decrypt(&used, KEY_DECRYPT_RSA_OAEP, KEY_SHA1), KEY_DONE);
            cr_assert_eq(decrypt(&used, KEY_DECRYPT_RSA_PKCS1, 0), KEY_DONE);
            cr_assert_eq(decrypt_damaged(&used, KEY_DECRYPT_RSA_OAEP), KEY_WRONG);
            cr_assert_neq(used.key.can & KEY_CAN(KEY_SIGN_RSA_PSS), 0);
        } else {
            cr_assert_eq(used.key.can, KEY_CAN(KEY_SIGN_ECDSA) | KEY_CAN(KEY_DERIVE));
            cr_assert_eq(sign_once(&used), KEY_DONE);
        }
        key_holder_pkcs11.forget(state, used.key.handle);
        held_key_clear(&used.key);
        held_key_clear(list[i]);
        g_free(list[i]);
    }
    g_free(list);
    key_holder_pkcs11.close(state);
}
