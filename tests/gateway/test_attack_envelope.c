/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encrypted objects as no honest sender makes them: algorithms exchanged under way, short tags, recipients that are no
 * certificate, contents that are no message. What can be opened authenticates nobody; what cannot is left as it came.
 */
#include "support/attack.h"

#define ENCRYPT "outbound = { protect = \"encrypt\"; };"

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
    {"key wrap unknown", PKI_EC, true, false, NIST_AES "\x2d", NIST_AES "\x7f", 9, "key transport"},
    {"key wrap is CBC", PKI_EC, true, false, NIST_AES "\x2d", NIST_AES "\x2a", 9, "key transport"},
    {"OAEP as PKCS #1 v1.5", PKI_RSA, true, true, PKCS1 "\x07", PKCS1 "\x01", 9, "key transport"},
    {"OAEP as PSS", PKI_RSA, true, true, PKCS1 "\x07", PKCS1 "\x0a", 9, "key transport"},
    {"OAEP with an unknown mask", PKI_RSA, true, true, PKCS1 "\x08", PKCS1 "\x7f", 9, "key transport"},
    {"OAEP with the mask of another digest", PKI_RSA, true, true,
     "\xa1\x1a\x30\x18\x06\x09" PKCS1 "\x08\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01",
     "\xa1\x1a\x30\x18\x06\x09" PKCS1 "\x08\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03", 28, NULL},
    {"PKCS #1 v1.5 as OAEP", PKI_RSA, true, false, "\x06\x09" PKCS1 "\x01\x05\x00\x04\x82",
     "\x06\x09" PKCS1 "\x07\x05\x00\x04\x82", 15, "key transport"},
};

Test(decryption, algorithms_changed_under_way)
{
    owned(rig) struct rig *ec = rig_new(ENCRYPT, ATTACK_STRICT);
    owned(rig) struct rig *rsa = rig_with_key(PKI_RSA, ENCRYPT, ATTACK_STRICT);
    for (size_t i = 0; i < G_N_ELEMENTS(patches); i++) {
        const struct patch *patch = &patches[i];
        const struct rig *rig = patch->key == PKI_RSA ? rsa : ec;
        GByteArray *der = attack_envelop_der(patch->gcm ? EVP_aes_256_gcm() : EVP_aes_256_cbc(), rig->partner.dca,
                                             ATTACK_ENTITY, patch->oaep);
        memcpy(attack_find(der, patch->from, patch->length), patch->to, patch->length);
        AUTO_SENT struct sent in = attack_open_der(rig, der);
        attack_expect_shut(&in, patch->what);
        attack_expect_outcome(&in.result->plan.judgement.layers[0].finding, OUTCOME_FAIL,
                              patch->says != NULL ? patch->says : "cannot be decrypted", patch->what);
        g_byte_array_unref(der);
    }
}

/* The tag as long as it says it is, and too short for its purpose: the last of the object but for a length octet. */
Test(decryption, tags_cut_short)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, ATTACK_STRICT);
    for (guint cut = 1; cut <= 16; cut++) {
        GByteArray *der = attack_envelop_der(EVP_aes_128_gcm(), rig->partner.dca, ATTACK_ENTITY, false);
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
        attack_find(der, "\x02\x01\x10", 3)[2] = (guint8)(16 - cut);
        g_byte_array_set_size(der, der->len - cut);
        AUTO_SENT struct sent in = attack_open_der(rig, der);
        g_autofree char *what = g_strdup_printf("tag of %u", 16 - cut);
        if (16 - cut >= 12) /* RFC 5084 §3.2 allows these */
            attack_expect_safe(&in, what);
        else
            attack_expect_shut(&in, what);
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
    cr_assert_not_null(CMS_add0_recipient_key(cms, NID_id_aes256_wrap, OPENSSL_zalloc(32), 32,
                                              (unsigned char *)OPENSSL_strdup("id"), 2, NULL, NULL, NULL));
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

        attack_expect_shut(&first, "not for us");
        attack_expect_refused(&second, "for us as well");
        cr_expect_not_null(strstr(second.bytes, ATTACK_SECRET));
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
        cr_expect_eq(strstr(in.bytes, ATTACK_SECRET) != NULL, count <= 2000, "%u: %s", count, in.result->reply.reason);
    }
}

/* --- content --- */

static const struct {
    const char *cipher, *content, *delivered; /* NULL: left shut */
} contents[] = {
    {"DES-EDE3-CBC", ATTACK_ENTITY, ATTACK_SECRET}, /* read, marked as weak */
    {"AES-256-CBC", "", ""},
    {"AES-256-CBC", "\r\n", ""},
    {"AES-256-CBC", "no header", "no header"},
    {"AES-256-CBC", "Content-Type: text/plain\r\n\r\na\n.\nQUIT\r\n.\rb", "a\r\n.\r\nQUIT\r\n.\r\nb\r\n"},
    {"AES-256-CBC", "Content-Type: text/plain\nX: y\n\nhidden\r\n\r\nshown\r\n", "hidden"},
    {"AES-256-CBC", "Content-Type: text/plain\r\nContent-X: a\rFrom: x\r\nFrom: ceo@partner.test\r\n\r\nb\r\n",
     "b\r\n"},
};

Test(decryption, odd_contents)
{
    owned(rig) struct rig *rig = rig_new(ENCRYPT, ATTACK_STRICT);
    for (size_t i = 0; i < G_N_ELEMENTS(contents); i++) {
        const EVP_CIPHER *cipher = EVP_get_cipherbyname(contents[i].cipher);
        g_autofree char *text =
            attack_opaque(ATTACK_TOP, attack_envelop(cipher, rig->partner.dca, contents[i].content, false));
        AUTO_SENT struct sent in = attack_in(rig, text);
        attack_expect_refused(&in, contents[i].content);
        cr_expect_not_null(strstr(in.bytes, contents[i].delivered), "%s: %s", contents[i].content, in.bytes);
        g_autofree char *header = g_strndup(in.bytes, (gsize)(strstr(in.bytes, "\r\n\r\n") - in.bytes));
        cr_expect_null(strstr(header, "ceo@partner"), "%s", in.bytes);
        cr_expect_null(strstr(in.bytes, "\rFrom"), "%s", in.bytes);
        for (const char *c = in.bytes; *c != '\0'; c++)
            cr_expect((*c != '\n' || c[-1] == '\r') && (*c != '\r' || c[1] == '\n'), "%s: bare line ends",
                      contents[i].content);
    }
}
