/* SPDX-License-Identifier: Apache-2.0 */
/*
 * self_test: does each of our keys do its work, with each algorithm that a policy names? A small entity is signed and
 * verified, or encrypted and decrypted, by the calls that messages take. A message must not be the first to find out:
 * OpenSSL may lack an algorithm, a private key may be damaged although its public part fits the certificate, and
 * OpenSSL fetches much at the first use and remembers a fetch that failed. So a gateway that fails here is not opened.
 *
 * There may be a thousand mailboxes with keys of their own, and the start must not wait for them. Their first key of a
 * kind (RSA of 2048 bits, P-256, …) is tested with all algorithms, which finds out what OpenSSL lacks; each further one
 * of that kind only with the first algorithm, which finds out whether the key is damaged.
 *
 * Keys of partners are public. Only the encryption for those that are pinned is tried.
 */
#include "internal.h"

#include <openssl/err.h>

#define CONTENT_HEADER "Content-Type: text/plain\r\n"
#define CONTENT_BODY "self-test\r\n"
#define CONTENT CONTENT_HEADER "\r\n" CONTENT_BODY

/* The content, compressed by zlib in CompressedData (RFC 3274). domsec itself never compresses. */
#define COMPRESSED                                                                                                     \
    "Content-Type: application/pkcs7-mime; smime-type=compressed-data\r\nContent-Transfer-Encoding: base64\r\n\r\n"    \
    "MGMGCyqGSIb3DQEJEAEJoFQwUgIBADANBgsqhkiG9w0BCRADCDA+BgkqhkiG9w0BBwGgMQQveNpz\r\n"                                 \
    "zs8rSc0r0Q2pLEi1UihJrSjRL8hJzMzj5eLlKk7NSdMtSS0u4eUCABPrDOk=\r\n"

/* Not those of the configuration, which are for messages. */
static const struct limits limits = {.message_size = 1 << 20,
                                     .memory = 1 << 20,
                                     .header_size = 1 << 16,
                                     .header_count = 100,
                                     .nesting = 10,
                                     .parts = 10,
                                     .layers = 10,
                                     .recipients = 1,
                                     .signers = 1,
                                     .certificates = 100};

/* Which algorithms some policy names. */
struct algorithms {
    bool signs[SIGNATURE_RSA_PKCS1 + 1][DIGEST_SHA512 + 1];
    bool encrypts[CIPHER_AES_256_CBC + 1][KEY_TRANSPORT_RSA_PKCS1 + 1];
};

static struct entity content_new(void)
{
    struct entity content = {rope_new(), rope_new()};
    rope_borrow(content.header, slice_of(CONTENT_HEADER));
    rope_borrow(content.body, slice_of(CONTENT_BODY));
    return content;
}

/* What is inside must be the content, and a signature must be valid. */
static bool is_as_expected(const struct layer *layer, struct error *error)
{
    if (!slice_equal(layer->inner, slice_of(CONTENT)))
        return error_set(error, ERROR_BUG, "the content comes out changed");
    if (layer->facts.type == LAYER_SIGNED && (layer->facts.signer_count != 1 || !layer->facts.signers[0].valid))
        return error_set(error, ERROR_BUG, "%s",
                         layer->facts.signer_count == 1 ? layer->facts.signers[0].reason : "no signature");
    return true;
}

static bool open_again(struct slice bytes, const struct keys *keys, struct error *error)
{
    owned(part) struct part *part = part_parse_entity(bytes, &limits, error);
    const struct open_options options = {.limits = &limits, .keys = keys};
    struct layer layer = {0};
    if (part == NULL)
        return false;
    enum opened opened = smime_open(part, &options, &layer, error);
    bool good = opened == OPENED && is_as_expected(&layer, error);
    if (opened == OPENED_NO_KEY || opened == OPENED_NOT_SMIME)
        error_set(error, ERROR_BUG, "it is not recognised");
    layer_clear(&layer);
    return good;
}

static bool open_entity(const struct entity *entity, const struct keys *keys, struct error *error)
{
    owned(rope) struct rope *rope = entity_bytes(entity);
    size_t length;
    g_autofree char *bytes = rope_flatten(rope, &length);
    return open_again((struct slice){bytes, length}, keys, error);
}

static bool try_signing(const struct gateway *gateway, const struct identity *identity, enum signature signature,
                        enum digest digest, struct error *error)
{
    owned(entity) struct entity content = content_new();
    owned(entity) struct entity made = {0};
    const struct sign_options options = {
        .format = FORMAT_CLEAR, .signature = signature, .digest = digest, .limits = &limits};
    return smime_sign(identity, &options, &content, &made, error) && open_entity(&made, gateway->keys, error);
}

static bool encrypt(X509 *certificate, enum cipher cipher, enum key_transport transport, struct entity *made,
                    struct error *error)
{
    owned(entity) struct entity content = content_new();
    const struct encrypt_options options = {.cipher = cipher, .key_transport = transport, .limits = &limits};
    return smime_encrypt(&certificate, 1, &options, &content, made, error);
}

static bool try_decrypting(const struct gateway *gateway, const struct identity *identity, enum cipher cipher,
                           enum key_transport transport, struct error *error)
{
    owned(entity) struct entity made = {0};
    return encrypt(identity->certificate, cipher, transport, &made, error) && open_entity(&made, gateway->keys, error);
}

static void complain(const struct gateway *gateway, const struct identity *identity, const char *what,
                     const struct error *error, struct faults *faults)
{
    faults_add(faults, gateway->conf->file, identity->conf->line, "%s: the self-test failed: %s: %s",
               identity->conf->key, what, error->text);
}

/* with_each: not with the first algorithm alone. */
static void test_signing(const struct gateway *gateway, const struct identity *identity,
                         const struct algorithms *algorithms, bool with_each, struct faults *faults)
{
    bool done = false;
    for (int signature = 0; signature <= SIGNATURE_RSA_PKCS1; signature++)
        for (int digest = 0; digest <= DIGEST_SHA512; digest++) {
            struct error error = {0};
            if (done || !algorithms->signs[signature][digest] ||
                !smime_key_takes_digest(identity->key, (enum digest)digest))
                continue;
            done = !with_each;
            if (try_signing(gateway, identity, (enum signature)signature, (enum digest)digest, &error))
                continue;
            g_autofree char *what = g_strdup_printf("a signature (%s, %s)", signature_name((enum signature)signature),
                                                    digest_name((enum digest)digest));
            complain(gateway, identity, what, &error, faults);
        }
}

static void test_decrypting(const struct gateway *gateway, const struct identity *identity,
                            const struct algorithms *algorithms, bool with_each, struct faults *faults)
{
    bool done = false;
    for (int cipher = 0; cipher <= CIPHER_AES_256_CBC; cipher++)
        for (int transport = 0; transport <= KEY_TRANSPORT_RSA_PKCS1; transport++) {
            struct error error = {0};
            if (done || !algorithms->encrypts[cipher][transport])
                continue;
            done = !with_each;
            if (try_decrypting(gateway, identity, (enum cipher)cipher, (enum key_transport)transport, &error))
                continue;
            g_autofree char *what = g_strdup_printf("encryption (%s, %s)", cipher_name((enum cipher)cipher),
                                                    key_transport_name((enum key_transport)transport));
            complain(gateway, identity, what, &error, faults);
        }
}

/* "RSA 2048 sign decrypt". */
static char *kind_of(const struct identity *identity)
{
    char group[80] = "";
    (void)EVP_PKEY_get_group_name(identity->key, group, sizeof(group), NULL);
    return g_strdup_printf("%s %d %s %s %s", EVP_PKEY_get0_type_name(identity->key), EVP_PKEY_get_bits(identity->key),
                           group, identity_signs(identity) ? "sign" : "", identity_decrypts(identity) ? "decrypt" : "");
}

/* kinds: of the keys of mailboxes that were tested with each algorithm. */
static void test_identity(const struct gateway *gateway, const struct identity *identity,
                          const struct algorithms *algorithms, GHashTable *kinds, struct faults *faults)
{
    if (identity->is_away) /* each key of a token is tried when the token comes back */
        return;
    bool signs = identity_signs(identity);
    bool with_each = identity->conf->role != ROLE_MAILBOX || g_hash_table_add(kinds, kind_of(identity));
    if (signs)
        test_signing(gateway, identity, algorithms, with_each, faults);
    if (identity_decrypts(identity) && (with_each || !signs)) /* one use shows whether the key is damaged */
        test_decrypting(gateway, identity, algorithms, with_each, faults);
}

void self_test(const struct gateway *gateway, struct faults *faults)
{
    g_autoptr(GHashTable) kinds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const struct conf *conf = gateway->conf;
    struct algorithms algorithms = {0};
    struct error error = {0};
    for (size_t i = 0; i < conf->partner_count; i++) {
        const struct form *form = &conf->partners[i]->form;
        algorithms.signs[form->signature][form->digest] = true;
        algorithms.encrypts[form->cipher][form->key_transport] = true;
    }
    for (size_t i = 0; i < keys_count(gateway->keys); i++)
        test_identity(gateway, keys_at(gateway->keys, i), &algorithms, kinds, faults);
    if (!open_again(slice_of(COMPRESSED), gateway->keys, &error))
        faults_add(faults, conf->file, 0, "the self-test failed: compressed content: %s", error.text);
    ERR_clear_error();
}

bool self_test_recipient(const struct form *form, X509 *certificate, struct error *error)
{
    owned(entity) struct entity made = {0};
    return encrypt(certificate, form->cipher, form->key_transport, &made, error);
}
