/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare_cms: what the cryptography of one message costs when nothing else is done: the measure for the bench.
 *
 *     bare_cms -o sign|encrypt|sign+encrypt|inbound -c CERTIFICATE -k KEY -C CERTIFICATE -K KEY -a ANCHORS -m FILE
 *              [-e CIPHER] [-n TIMES]
 *
 * Small letters sign, capitals encrypt. Keys and certificates are loaded once. `inbound` decrypts and verifies what
 * `sign+encrypt` made. RSA signs with PSS and transports keys with OAEP, as the gateway does by default. Prints the CPU
 * time of one operation in milliseconds, the mean as it is for the daemon.
 */
#include "base/openssl.h"
#include "clock.h"

#include <getopt.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bare {
    X509 *signer, *recipient;
    EVP_PKEY *signing_key, *decryption_key;
    X509_STORE *store;
    const EVP_CIPHER *cipher;
    char *data;
    size_t length;
    unsigned char *signature, *envelope; /* for inbound, DER */
    int signature_length, envelope_length;
};

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "bare_cms: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static CMS_ContentInfo *sign(const struct bare *bare)
{
    owned(BIO) BIO *data = BIO_new_mem_buf(bare->data, (int)bare->length);
    const unsigned flags = CMS_BINARY | CMS_DETACHED | CMS_PARTIAL;
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, data, flags);
    CMS_SignerInfo *signer =
        CMS_add1_signer(cms, bare->signer, bare->signing_key, EVP_sha256(), CMS_BINARY | CMS_PARTIAL | CMS_KEY_PARAM);
    must(signer != NULL, "add signer");
    EVP_PKEY_CTX *context = CMS_SignerInfo_get0_pkey_ctx(signer);
    if (EVP_PKEY_is_a(bare->signing_key, "RSA"))
        must(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
                 EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0,
             "PSS");
    must(CMS_final(cms, data, NULL, CMS_BINARY | CMS_DETACHED) == 1, "sign");
    return cms;
}

static CMS_ContentInfo *encrypt(const struct bare *bare)
{
    owned(BIO) BIO *data = BIO_new_mem_buf(bare->data, (int)bare->length);
    CMS_ContentInfo *cms = CMS_encrypt(NULL, NULL, bare->cipher, CMS_BINARY | CMS_PARTIAL);
    CMS_RecipientInfo *recipient = CMS_add1_recipient_cert(cms, bare->recipient, CMS_KEY_PARAM);
    must(recipient != NULL, "add recipient");
    if (EVP_PKEY_is_a(bare->decryption_key, "RSA")) {
        EVP_PKEY_CTX *context = CMS_RecipientInfo_get0_pkey_ctx(recipient);
        must(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
                 EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) > 0,
             "OAEP");
    }
    must(CMS_final(cms, data, NULL, CMS_BINARY) == 1, "encrypt");
    return cms;
}

static void verify(const struct bare *bare)
{
    const unsigned char *at = bare->signature;
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, bare->signature_length);
    owned(BIO) BIO *data = BIO_new_mem_buf(bare->data, (int)bare->length);
    must(cms != NULL && CMS_verify(cms, NULL, bare->store, data, NULL, CMS_BINARY | CMS_DETACHED) == 1, "verify");
}

static void decrypt(const struct bare *bare)
{
    const unsigned char *at = bare->envelope;
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, bare->envelope_length);
    owned(BIO) BIO *out = BIO_new(BIO_s_mem());
    must(cms != NULL && CMS_decrypt(cms, bare->decryption_key, bare->recipient, NULL, out, CMS_BINARY) == 1, "decrypt");
    must(BIO_pending(out) == (int)bare->length, "decrypted length");
}

static void operate(const struct bare *bare, const char *operation)
{
    if (strcmp(operation, "inbound") == 0) {
        decrypt(bare);
        verify(bare);
        return;
    }
    if (strstr(operation, "sign") != NULL)
        CMS_ContentInfo_free(sign(bare));
    if (strstr(operation, "encrypt") != NULL)
        CMS_ContentInfo_free(encrypt(bare));
}

static X509 *read_certificate(const char *path)
{
    owned(BIO) BIO *file = BIO_new_file(path, "r");
    X509 *certificate = file != NULL ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
    must(certificate != NULL, path);
    return certificate;
}

static EVP_PKEY *read_key(const char *path)
{
    owned(BIO) BIO *file = BIO_new_file(path, "r");
    EVP_PKEY *key = file != NULL ? PEM_read_bio_PrivateKey(file, NULL, NULL, NULL) : NULL;
    must(key != NULL, path);
    return key;
}

static void prepare_inbound(struct bare *bare)
{
    owned(CMS_ContentInfo) CMS_ContentInfo *signature = sign(bare);
    owned(CMS_ContentInfo) CMS_ContentInfo *envelope = encrypt(bare);
    bare->signature_length = i2d_CMS_ContentInfo(signature, &bare->signature);
    bare->envelope_length = i2d_CMS_ContentInfo(envelope, &bare->envelope);
    must(bare->signature_length > 0 && bare->envelope_length > 0, "encode");
}

struct options {
    const char *operation, *certificate, *key, *to_certificate, *to_key, *anchors, *file, *cipher;
    unsigned times;
};

static void load(struct bare *bare, const struct options *options)
{
    bare->cipher = EVP_get_cipherbyname(options->cipher);
    must(bare->cipher != NULL, options->cipher);
    bare->signer = read_certificate(options->certificate);
    bare->signing_key = read_key(options->key);
    bare->recipient = read_certificate(options->to_certificate);
    bare->decryption_key = read_key(options->to_key);
    bare->store = X509_STORE_new();
    must(X509_STORE_load_file(bare->store, options->anchors) == 1, options->anchors);
    must(g_file_get_contents(options->file, &bare->data, &bare->length, NULL), options->file);
}

static bool read_options(int argc, char **argv, struct options *options)
{
    int option;
    while ((option = getopt(argc, argv, "o:c:k:C:K:a:m:e:n:")) != -1) {
        switch (option) {
        case 'o':
            options->operation = optarg;
            break;
        case 'c':
            options->certificate = optarg;
            break;
        case 'k':
            options->key = optarg;
            break;
        case 'C':
            options->to_certificate = optarg;
            break;
        case 'K':
            options->to_key = optarg;
            break;
        case 'a':
            options->anchors = optarg;
            break;
        case 'm':
            options->file = optarg;
            break;
        case 'e':
            options->cipher = optarg;
            break;
        case 'n':
            options->times = (unsigned)strtoul(optarg, NULL, 10);
            break;
        default:
            return false;
        }
    }
    return options->operation != NULL && options->certificate != NULL && options->key != NULL &&
           options->to_certificate != NULL && options->to_key != NULL && options->anchors != NULL &&
           options->file != NULL && options->times > 0;
}

int main(int argc, char **argv)
{
    struct options options = {.cipher = "aes-256-gcm", .times = 100};
    struct bare bare = {0};
    if (!read_options(argc, argv, &options))
        return 64;
    load(&bare, &options);
    if (strcmp(options.operation, "inbound") == 0)
        prepare_inbound(&bare);

    operate(&bare, options.operation); /* the first one fills caches */
    double begin = clock_ms(CLOCK_THREAD_CPUTIME_ID);
    for (unsigned i = 0; i < options.times; i++)
        operate(&bare, options.operation);
    printf("%.4f\n", (clock_ms(CLOCK_THREAD_CPUTIME_ID) - begin) / options.times);
    g_free(bare.data);
    OPENSSL_free(bare.signature);
    OPENSSL_free(bare.envelope);
    X509_STORE_free(bare.store);
    X509_free(bare.signer);
    X509_free(bare.recipient);
    EVP_PKEY_free(bare.signing_key);
    EVP_PKEY_free(bare.decryption_key);
    return 0;
}
