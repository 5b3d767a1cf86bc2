/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of our identities are tried on a message: those that it names, however many others there are. Counted, not
 * timed. And what becomes of it if the key does not answer.
 */
#include "keys/key_store.h"
#include "support/craft.h"
#include "support/home.h"
#include "support/linked_keys.h"

#include <dlfcn.h>

static unsigned comparisons, keys_used;
static bool in_cms;

int CMS_RecipientInfo_ktri_cert_cmp(CMS_RecipientInfo *info, X509 *certificate)
{
    int (*real)(CMS_RecipientInfo *, X509 *) =
        (int (*)(CMS_RecipientInfo *, X509 *))dlsym(RTLD_NEXT, "CMS_RecipientInfo_ktri_cert_cmp");
    comparisons++;
    return real(info, certificate);
}

int CMS_RecipientEncryptedKey_cert_cmp(CMS_RecipientEncryptedKey *key, X509 *certificate)
{
    int (*real)(CMS_RecipientEncryptedKey *, X509 *) =
        (int (*)(CMS_RecipientEncryptedKey *, X509 *))dlsym(RTLD_NEXT, "CMS_RecipientEncryptedKey_cert_cmp");
    comparisons++;
    return real(key, certificate);
}

/* By RSA and ECDH. */
int CMS_decrypt_set1_pkey_and_peer(CMS_ContentInfo *cms, EVP_PKEY *key, X509 *certificate, X509 *peer)
{
    int (*real)(CMS_ContentInfo *, EVP_PKEY *, X509 *, X509 *) =
        (int (*)(CMS_ContentInfo *, EVP_PKEY *, X509 *, X509 *))dlsym(RTLD_NEXT, "CMS_decrypt_set1_pkey_and_peer");
    keys_used++;
    in_cms = true;
    int decrypted = real(cms, key, certificate, peer);
    in_cms = false;
    return decrypted;
}

/* By X25519, and inside the function above by ECDH. */
int EVP_PKEY_derive(EVP_PKEY_CTX *context, unsigned char *secret, size_t *length)
{
    int (*real)(EVP_PKEY_CTX *, unsigned char *, size_t *) =
        (int (*)(EVP_PKEY_CTX *, unsigned char *, size_t *))dlsym(RTLD_NEXT, "EVP_PKEY_derive");
    keys_used += !in_cms;
    return real(context, secret, length);
}

/* Keys in memory, by their place in the configuration. */
static const struct pki *const *loaded;

static EVP_PKEY *load(void *state, const char *location, const char *passphrase, struct error *error)
{
    (void)state;
    (void)passphrase;
    (void)error;
    EVP_PKEY *key = loaded[g_ascii_strtoull(location, NULL, 10)]->key;
    return EVP_PKEY_up_ref(key) ? key : NULL;
}

static const struct key_store_type memory_type = {.scheme = "memory", .load = load};

#define MANY 1000

static struct keys *open_keys(struct home *home, const struct pki *const *list, size_t count)
{
    const struct key_store_type *const types[] = {&memory_type, NULL};
    loaded = list;
    for (size_t i = 0; i < count; i++) {
        g_autofree char *uri = g_strdup_printf("memory:%zu", i);
        home_add_uri(home, ROLE_DOMAIN_CONFIDENTIALITY, "acme.test", list[i], uri);
    }
    struct keys *keys = keys_open_with(&home->conf, types, home->faults);
    cr_assert_not_null(keys);
    return keys;
}

static struct craft_part encrypted_to(const struct pki *a, const struct pki *b, enum cipher cipher)
{
    struct encrypt_options options = {
        .cipher = cipher, .key_transport = KEY_TRANSPORT_RSA_OAEP, .limits = &craft_limits};
    struct entity content = craft_entity(CRAFT_HEADER, slice_of(CRAFT_BODY)), out = {0};
    struct error error = {0};
    X509 *certificates[] = {a->cert, b->cert};
    cr_assert(smime_encrypt(certificates, 2, &options, &content, &out, &error), "%s", error.text);
    return craft_part_of_entity(&out);
}

static const enum pki_key kinds[] = {PKI_RSA, PKI_EC, PKI_X25519};

Test(decrypt_identities, of_a_thousand_only_the_named_one_is_tried)
{
    craft_init();
    PKI_AUTO struct pki *root = pki_ca("Acme root");
    PKI_AUTO struct pki *stranger = pki_person(root, "eve@elsewhere.test");
    static struct pki *many[MANY];
    for (size_t i = 0; i < MANY; i++)
        many[i] = pki_role_with(root, "domain-confidentiality-authority", "acme.test", kinds[i % 3]);
    struct home *home = home_new();
    struct keys *keys = open_keys(home, (const struct pki *const *)many, MANY);
    for (size_t i = 0; i < 6; i++) {
        enum cipher cipher = i < 3 ? CIPHER_AES_256_CBC : CIPHER_AES_256_GCM;
        CRAFT_PART part = encrypted_to(stranger, many[MANY / 2 + i], cipher);
        CRAFT_LAYER layer;
        struct error error;
        comparisons = keys_used = 0;
        cr_expect_eq(craft_open(part.part, keys, &craft_limits, &layer, &error), OPENED, "%s", error.text);
        cr_expect_eq(layer.identity, keys_at(keys, MANY / 2 + i));
        cr_expect_eq(layer.facts.attempted, 1u, "row %zu", i);
        cr_expect_eq(keys_used, 1u, "row %zu: %u keys used", i, keys_used);
        cr_expect_leq(comparisons, 8u, "row %zu: %u comparisons", i, comparisons);
    }
    CRAFT_PART foreign = encrypted_to(stranger, stranger, CIPHER_AES_256_CBC);
    CRAFT_LAYER layer;
    struct error error;
    comparisons = keys_used = 0;
    cr_expect_eq(craft_open(foreign.part, keys, &craft_limits, &layer, &error), OPENED_NO_KEY);
    cr_expect_eq(layer.facts.attempted + keys_used + comparisons, 0u);
    keys_close(keys);
    home_free(home);
    for (size_t i = 0; i < MANY; i++)
        pki_free(many[i]);
}

/* Without authentication how long it takes must not tell which key opened it, so that all that are named are tried. */
Test(decrypt_identities, all_that_are_named_are_tried_without_authentication)
{
    craft_init();
    PKI_AUTO struct pki *root = pki_ca("Acme root");
    PKI_AUTO struct pki *stranger = pki_person(root, "eve@elsewhere.test");
    for (size_t kind = 0; kind < G_N_ELEMENTS(kinds); kind++) {
        struct pki *list[4];
        for (size_t i = 0; i < G_N_ELEMENTS(list); i++)
            list[i] = pki_role_with(root, "domain-confidentiality-authority", "acme.test", kinds[kind]);
        struct home *home = home_new();
        struct keys *keys = open_keys(home, (const struct pki *const *)list, G_N_ELEMENTS(list));
        for (size_t order = 0; order < 2; order++) {
            CRAFT_PART cbc = encrypted_to(list[order ? 3 : 1], list[order ? 1 : 3], CIPHER_AES_128_CBC);
            CRAFT_PART gcm = encrypted_to(list[order ? 3 : 1], list[order ? 1 : 3], CIPHER_AES_128_GCM);
            CRAFT_LAYER open_to_changes, authenticated;
            struct error error;
            keys_used = 0;
            cr_expect_eq(craft_open(cbc.part, keys, &craft_limits, &open_to_changes, &error), OPENED, "%s", error.text);
            cr_expect_eq(open_to_changes.facts.attempted, 2u, "kind %zu", kind);
            cr_expect_eq(keys_used, 2u, "kind %zu: %u", kind, keys_used);
            cr_expect_eq(open_to_changes.identity, keys_at(keys, 1), "the first of the configuration");
            cr_expect_eq(craft_open(gcm.part, keys, &craft_limits, &authenticated, &error), OPENED, "%s", error.text);
            cr_expect_eq(authenticated.facts.attempted, 1u, "kind %zu", kind);
            cr_expect_eq(authenticated.identity, keys_at(keys, 1));
        }
        keys_close(keys);
        home_free(home);
        for (size_t i = 0; i < G_N_ELEMENTS(list); i++)
            pki_free(list[i]);
    }
}

/* Whoever names all that we have must not have them all used: neither where each is tried in any case, nor where none
 * of them opens it. */
Test(decrypt_identities, only_some_of_all_that_are_named_are_tried)
{
    craft_init();
    PKI_AUTO struct pki *root = pki_ca("Acme root");
    struct pki *list[20];
    X509 *certificates[G_N_ELEMENTS(list)];
    for (size_t i = 0; i < G_N_ELEMENTS(list); i++) {
        list[i] = pki_role_with(root, "domain-confidentiality-authority", "acme.test", PKI_EC);
        certificates[i] = list[i]->cert;
    }
    struct home *home = home_new();
    struct keys *keys = open_keys(home, (const struct pki *const *)list, G_N_ELEMENTS(list));
    for (unsigned i = 0; i < 4; i++) {
        bool authenticated = i & 1, broken = i & 2;
        struct encrypt_options options = {.cipher = authenticated ? CIPHER_AES_128_GCM : CIPHER_AES_128_CBC,
                                          .limits = &craft_limits};
        struct entity content = craft_entity(CRAFT_HEADER, slice_of(CRAFT_BODY)), out = {0};
        struct error error = {0};
        cr_assert(smime_encrypt(certificates, G_N_ELEMENTS(list), &options, &content, &out, &error), "%s", error.text);
        CRAFT_PART part = craft_part_of_entity(&out);
        GByteArray *der = craft_der(part.part);
        der->data[der->len - (authenticated ? 1 : 17)] ^= broken ? 0x80 : 0;
        CRAFT_PART sent = craft_part_of_der(der->data, der->len);
        g_byte_array_unref(der);
        CRAFT_LAYER layer;
        keys_used = 0;
        enum opened opened = craft_open(sent.part, keys, &craft_limits, &layer, &error);
        unsigned expected = authenticated && !broken ? 1 : 8;
        cr_expect_eq(opened == OPENED, !broken, "%u: %s", i, error.text);
        cr_expect_eq(keys_used, expected, "%u: %u keys used", i, keys_used);
        cr_expect_eq(layer.facts.attempted, expected, "%u", i);
    }
    keys_close(keys);
    home_free(home);
    for (size_t i = 0; i < G_N_ELEMENTS(list); i++)
        pki_free(list[i]);
}

/* The message names our certificate, but wraps its key for one of another kind, beside one of our kind. */
Test(decrypt_identities, a_key_of_another_kind_is_not_tried)
{
    craft_init();
    PKI_AUTO struct pki *root = pki_ca("Acme root");
    for (size_t kind = 0; kind < 2; kind++) {
        struct pki_spec spec = {.issuer = root, .subject = PKI_LIST("CN=x"), .serial = 77, .key = kinds[kind]};
        PKI_AUTO struct pki *ours = pki_issue(&spec);
        spec.key = kinds[1 - kind];
        PKI_AUTO struct pki *theirs = pki_issue(&spec);
        PKI_AUTO struct pki *other = pki_role_with(root, "domain-confidentiality-authority", "acme.test", kinds[kind]);
        struct home *home = home_new();
        struct keys *keys = open_keys(home, (const struct pki *const[]){ours}, 1);
        CRAFT_PART part = craft_encrypted(theirs, CIPHER_AES_256_CBC, KEY_TRANSPORT_RSA_OAEP);
        CRAFT_PART beside = encrypted_to(theirs, other, CIPHER_AES_256_CBC);
        const struct part *const parts[] = {part.part, beside.part};
        for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
            CRAFT_LAYER layer;
            struct error error;
            cr_expect_eq(craft_open(parts[i], keys, &craft_limits, &layer, &error), OPENED_NO_KEY, "%zu", i);
            cr_expect_eq(layer.facts.attempted, 0u, "%zu", i);
        }
        keys_close(keys);
        home_free(home);
    }
}

/* OpenSSL goes on with a random content key then. What comes out says nothing about the message. */
Test(decrypt_identities, a_key_that_does_not_answer_says_nothing_about_the_message)
{
    static const struct {
        enum pki_key kind;
        enum key_transport transport;
        enum cipher cipher;
    } rows[] = {
        {PKI_RSA, KEY_TRANSPORT_RSA_OAEP, CIPHER_AES_256_CBC},
        {PKI_RSA, KEY_TRANSPORT_RSA_OAEP, CIPHER_AES_256_GCM},
        {PKI_RSA, KEY_TRANSPORT_RSA_PKCS1, CIPHER_AES_256_CBC},
        {PKI_EC, KEY_TRANSPORT_RSA_OAEP, CIPHER_AES_256_CBC},
        {PKI_EC, KEY_TRANSPORT_RSA_OAEP, CIPHER_AES_256_GCM},
        {PKI_X25519, KEY_TRANSPORT_RSA_OAEP, CIPHER_AES_256_CBC},
        {PKI_X25519, KEY_TRANSPORT_RSA_OAEP, CIPHER_AES_256_GCM},
    };
    static const enum key_answer answers[] = {KEY_GONE, KEY_BUSY, KEY_DONE};
    craft_init();
    PKI_AUTO struct pki *root = pki_ca("Acme root");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        PKI_AUTO struct pki *ours = pki_role_with(root, "domain-confidentiality-authority", "acme.test", rows[i].kind);
        owned(EVP_PKEY) EVP_PKEY *linked = linked_keys_of(ours->key);
        struct pki behind = *ours;
        behind.key = linked;
        CRAFT_PART part = craft_encrypted(ours, rows[i].cipher, rows[i].transport);
        struct home *home = home_new();
        struct keys *keys = open_keys(home, (const struct pki *const[]){&behind}, 1);
        for (size_t j = 0; j < G_N_ELEMENTS(answers); j++) {
            CRAFT_LAYER layer;
            struct error error;
            linked_keys_answer = answers[j];
            enum opened opened = craft_open(part.part, keys, &craft_limits, &layer, &error);
            cr_expect_eq(opened, answers[j] == KEY_DONE ? OPENED : OPENED_FAILED, "row %zu, answer %zu", i, j);
            if (answers[j] != KEY_DONE)
                cr_expect_eq(error.kind, ERROR_TEMPORARY, "row %zu, answer %zu: %s", i, j, error.text);
        }
        keys_close(keys);
        home_free(home);
    }
}

/* Else the answer would say whether the other key opens it. */
Test(decrypt_identities, a_key_that_does_not_answer_counts_beside_one_that_does)
{
    craft_init();
    PKI_AUTO struct pki *root = pki_ca("Acme root");
    for (size_t i = 0; i < 2 * G_N_ELEMENTS(kinds); i++) {
        bool away_first = i & 1;
        PKI_AUTO struct pki *there = pki_role_with(root, "domain-confidentiality-authority", "acme.test", kinds[i / 2]);
        PKI_AUTO struct pki *away = pki_role_with(root, "domain-confidentiality-authority", "acme.test", kinds[i / 2]);
        owned(EVP_PKEY) EVP_PKEY *linked = linked_keys_of(away->key);
        struct pki behind = *away;
        behind.key = linked;
        CRAFT_PART part = encrypted_to(there, away, CIPHER_AES_128_CBC);
        struct home *home = home_new();
        const struct pki *const list[] = {away_first ? &behind : there, away_first ? there : &behind};
        struct keys *keys = open_keys(home, list, 2);
        CRAFT_LAYER layer, later;
        struct error error;
        linked_keys_answer = KEY_BUSY;
        cr_expect_eq(craft_open(part.part, keys, &craft_limits, &layer, &error), OPENED_FAILED, "row %zu", i);
        cr_expect_eq(error.kind, ERROR_TEMPORARY, "row %zu: %s", i, error.text);
        cr_expect_null(layer.inner.data, "row %zu", i);
        linked_keys_answer = KEY_DONE;
        cr_expect_eq(craft_open(part.part, keys, &craft_limits, &later, &error), OPENED, "row %zu: %s", i, error.text);
        keys_close(keys);
        home_free(home);
    }
}

/* --- what counts if our keys meet different things in one message --- */

enum state { OPENS, IS_BROKEN, IS_UNSOUND, STATES };

struct recipient {
    struct pki *named, *held; /* the same certificate for who looks at its name */
};

/* What the message names, and what we have under that name: with another key nothing is opened. */
static struct recipient recipient_new(const struct pki *root, unsigned number, enum state state)
{
    struct pki_spec spec = {.issuer = root,
                            .subject = PKI_LIST("CN=x"),
                            .serial = 70 + number,
                            .key = PKI_RSA,
                            .slot = 1 + number,
                            .no_key_ids = true};
    struct recipient recipient = {.named = pki_issue(&spec)};
    spec.slot = state == IS_BROKEN ? 3 : spec.slot;
    recipient.held = pki_issue(&spec);
    return recipient;
}

static struct craft_part message_to(const struct recipient *recipients, const enum state *states, enum cipher cipher)
{
    CRAFT_PART sent = encrypted_to(recipients[0].named, recipients[1].named, cipher);
    owned(CMS_ContentInfo) CMS_ContentInfo *cms = craft_cms(sent.part);
    STACK_OF(CMS_RecipientInfo) *infos = CMS_get0_RecipientInfos(cms);
    for (int i = 0; i < 4; i++) {
        CMS_RecipientInfo *info = sk_CMS_RecipientInfo_value(infos, i / 2);
        X509_ALGOR *algorithm;
        if (states[i % 2] != IS_UNSOUND || CMS_RecipientInfo_ktri_cert_cmp(info, recipients[i % 2].named->cert) != 0)
            continue;
        cr_assert(CMS_RecipientInfo_ktri_get0_algs(info, NULL, NULL, &algorithm));
        cr_assert(X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_rsassaPss), V_ASN1_UNDEF, NULL));
    }
    return craft_part_of_cms(cms);
}

/* The one that counts: the first that opens it, else the first that has made something of it. */
static size_t best_of(const enum state *states)
{
    return states[1] < states[0] ? 1 : 0;
}

static void expect_result(const enum state *states, bool authenticated, const struct keys *keys,
                          const struct craft_part *part)
{
    size_t best = best_of(states);
    bool opens = states[best] == OPENS, is_broken = states[best] == IS_BROKEN && !authenticated;
    bool stops = authenticated && states[0] == OPENS;
    unsigned attempted = (states[0] != IS_UNSOUND) + (states[1] != IS_UNSOUND && !stops);
    CRAFT_LAYER layer;
    struct error error;
    keys_used = 0;
    enum opened opened = craft_open(part->part, keys, &craft_limits, &layer, &error);
    cr_expect_eq(opened,
                 opens       ? OPENED
                 : is_broken ? OPENED_BROKEN
                             : OPENED_FAILED,
                 "%d, %d: %s", states[0], states[1], error.text);
    cr_expect_eq(error.kind, opens ? ERROR_NONE : ERROR_PERMANENT, "%d, %d: %s", states[0], states[1], error.text);
    cr_expect_eq(layer.facts.attempted, attempted, "%d, %d", states[0], states[1]);
    cr_expect_eq(keys_used, attempted, "%d, %d", states[0], states[1]);
    if (is_broken)
        cr_expect_str_eq(error.text, SMIME_CANNOT_DECRYPT, "%d, %d", states[0], states[1]);
    if (opens || is_broken)
        cr_expect_eq(layer.identity, keys_at(keys, best), "%d, %d", states[0], states[1]);
    if (opens)
        cr_expect(craft_inner_is(&layer, CRAFT_WHOLE), "%d, %d", states[0], states[1]);
}

Test(decrypt_identities, the_best_result_counts_in_whatever_order)
{
    craft_init();
    PKI_AUTO struct pki *root = pki_ca("Acme root");
    for (unsigned i = 0; i < 2 * STATES * STATES; i++) {
        const enum state states[] = {i / 2 % STATES, i / 2 / STATES};
        struct recipient recipients[2];
        for (unsigned j = 0; j < 2; j++)
            recipients[j] = recipient_new(root, j, states[j]);
        struct home *home = home_new();
        struct keys *keys = open_keys(home, (const struct pki *const[]){recipients[0].held, recipients[1].held}, 2);
        CRAFT_PART part = message_to(recipients, states, i & 1 ? CIPHER_AES_128_GCM : CIPHER_AES_128_CBC);
        expect_result(states, i & 1, keys, &part);
        keys_close(keys);
        home_free(home);
        for (unsigned j = 0; j < 2; j++) {
            pki_free(recipients[j].named);
            pki_free(recipients[j].held);
        }
    }
}
