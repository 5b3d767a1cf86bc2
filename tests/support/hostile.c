/* SPDX-License-Identifier: Apache-2.0 */
#include "support/hostile.h"

#define MEGABYTE ((size_t)1 << 20)
#define LARGE (48 * MEGABYTE) /* just below message_size_limit */
#define MIXED "Content-Type: multipart/mixed; boundary=o\r\n\r\n"
#define DOMAIN SIGNATURE_TYPE_DOMAIN

/* --- what they are made of --- */

/* A message of this entity, compressed `times` times. */
static char *compressed(const char *entity, size_t length, unsigned times)
{
    char *inner = attack_compress(entity, length);
    for (unsigned i = 1; i < times; i++) {
        char *outer = attack_compress(inner, strlen(inner));
        g_free(inner);
        inner = outer;
    }
    char *text = g_strconcat(ATTACK_TOP, inner, NULL);
    g_free(inner);
    return text;
}

/* multipart/mixed of `count` copies of an entity. */
static char *copies(const char *entity, unsigned count)
{
    GString *text = g_string_new(MIXED);
    for (unsigned i = 0; i < count; i++)
        g_string_append_printf(text, "--o\r\n%s\r\n", entity);
    g_string_append(text, "--o--\r\n");
    return g_string_free(text, FALSE);
}

/* `length` octets that begin with head, then repeat `unit`. */
static GString *filled(const char *head, const char *unit, size_t length)
{
    GString *text = g_string_sized_new(length + 100);
    size_t size = strlen(unit);
    g_string_append(text, head);
    while (text->len + size <= length)
        g_string_append_len(text, unit, (gssize)size);
    return text;
}

/* Times `depth` the same signature around an entity. */
static char *wrapped(const struct attack *with, char *entity, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++) {
        struct attack attack = *with;
        attack.content = entity;
        CMS_ContentInfo *cms = attack_sign(&attack);
        char *outer = attack.flags & CMS_DETACHED ? attack_clear("", entity, cms) : attack_opaque("", cms);
        g_free(entity);
        entity = outer;
    }
    return entity;
}

/* --- decompression --- */

static char *bombs_among_parts(const struct rig *rig)
{
    (void)rig;
    g_autoptr(GString) plain = filled("Content-Type: text/plain\r\n\r\n", "0", LARGE);
    g_autofree char *bomb = attack_compress(plain->str, plain->len);
    g_autofree char *parts = copies(bomb, 10);
    return compressed(parts, strlen(parts), 1);
}

static char *bomb_of_lines(const struct rig *rig)
{
    (void)rig;
    g_autoptr(GString) plain = filled("Content-Type: text/plain\n\n", "\n", LARGE / 2);
    return compressed(plain->str, plain->len, 3);
}

/* Each layer is white space behind the next one. */
static char *bombs_nested(const struct rig *rig)
{
    (void)rig;
    char *inner = g_strdup(ATTACK_ENTITY);
    for (int i = 0; i < 9; i++) {
        g_autoptr(GString) text = filled(inner, "\r\n", LARGE);
        g_free(inner);
        inner = attack_compress(text->str, text->len);
    }
    char *text = g_strconcat(ATTACK_TOP, inner, NULL);
    g_free(inner);
    return text;
}

static char *bomb_of_delimiters(const struct rig *rig)
{
    (void)rig;
    g_autoptr(GString) plain = filled(MIXED, "\r\n--o-", LARGE);
    return compressed(plain->str, plain->len, 1);
}

static char *bomb_of_parts(const struct rig *rig)
{
    (void)rig;
    g_autoptr(GString) part = g_string_new("Content-Type: text/plain");
    for (int i = 0; i < 60; i++)
        g_string_append_printf(part, ";\r\n x%d*=iso-8859-%d'en'%%e4%%e4%%e4%%e4", i, 1 + i % 9);
    g_string_append(part, "\r\n\r\n");
    g_autofree char *parts = copies(part->str, 990);
    return compressed(parts, strlen(parts), 1);
}

/* The same as the innermost of nested multipart/signed. */
static char *parts_in_clear_signatures(const struct rig *rig)
{
    g_autoptr(GString) part = g_string_new("Content-Type: text/plain");
    for (int i = 0; i < 60; i++)
        g_string_append_printf(part, ";\r\n x%d*=iso-8859-%d'en'%%e4%%e4%%e4%%e4", i, 1 + i % 9);
    g_string_append(part, "\r\n\r\n");
    g_autofree char *parts = wrapped(&(struct attack){.signer = rig->acme.dsa, .types = DOMAIN, .flags = CMS_DETACHED},
                                     copies(part->str, 900), 9);
    return compressed(parts, strlen(parts), 1);
}

/* Names of files are looked for in both fields. */
static char *bomb_of_dispositions(const struct rig *rig)
{
    (void)rig;
    g_autoptr(GString) part = g_string_new("Content-Type: application/octet-stream\r\nContent-Disposition: attachment");
    for (int i = 0; i < 400; i++)
        g_string_append_printf(part, "; x%d=y%d", i, i);
    g_string_append(part, "\r\n\r\n");
    g_autofree char *parts = copies(part->str, 990);
    return compressed(parts, strlen(parts), 1);
}

static char *bomb_of_file_names(const struct rig *rig)
{
    (void)rig;
    g_autoptr(GString) part = g_string_new("Content-Type: application/octet-stream\r\nContent-Disposition: attachment");
    for (int i = 0; i < 300; i++)
        g_string_append_printf(part, "; x%d*=iso-8859-%d'en'%%e4", i, 1 + i % 9);
    g_string_append(part, "\r\n\r\n");
    g_autofree char *parts = copies(part->str, 990);
    return compressed(parts, strlen(parts), 1);
}

static char *bomb_of_fields(const struct rig *rig)
{
    (void)rig;
    g_autoptr(GString) fields = g_string_new("");
    for (int i = 0; i < 990; i++)
        g_string_append_printf(fields, "Content-X%d: y\r\n", i);
    g_string_append(fields, "\r\n");
    g_autofree char *parts = copies(fields->str, 990);
    return compressed(parts, strlen(parts), 1);
}

/* --- hashing --- */

/* One signer for each digest there is, over content that is large when decompressed. */
static char *digests(const struct rig *rig)
{
    static const char *const names[] = {"MD5",        "SHA1",       "SHA224",   "SHA256",   "SHA384",   "SHA512",
                                        "SHA512-224", "SHA512-256", "SHA3-224", "SHA3-256", "SHA3-384", "SHA3-512"};
    g_autoptr(GString) plain = filled("Content-Type: text/plain\r\n\r\n", "x\r\n", LARGE / 2);
    BIO *data = BIO_new_mem_buf(plain->str, (int)plain->len);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY | CMS_DETACHED);
    PKI_AUTO struct pki *rsa =
        pki_issue(&(struct pki_spec){.issuer = rig->acme.ca, .subject = PKI_LIST("CN=rsa"), .key = PKI_RSA});
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        struct attack attack = {.signer = rsa, .types = DOMAIN, .digest = names[i]};
        attack_add_signer(cms, &attack, rsa, DOMAIN);
    }
    cr_assert_gt(CMS_final(cms, data, NULL, CMS_BINARY | CMS_DETACHED), 0, "%s",
                 ERR_reason_error_string(ERR_peek_last_error()));
    BIO_free(data);
    g_autofree char *entity = attack_clear("", plain->str, cms);
    return compressed(entity, strlen(entity), 1);
}

/* --- keys that are slow --- */

/* A signature by `signers` SignerInfos, each of which names 8 certificates with such keys. */
static char *slow_signers(int bits, int exponent_bits, unsigned signers, const char *content)
{
    PKI_AUTO struct pki *ca =
        pki_issue(&(struct pki_spec){.ca = true, .subject = PKI_LIST("CN=c"), .no_key_ids = true, .key = PKI_RSA_3072});
    PKI_AUTO struct pki *signer = pki_issue(&(struct pki_spec){
        .issuer = ca, .subject = PKI_LIST("CN=x"), .key = PKI_RSA_3072, .serial = 77, .no_key_ids = true});
    struct attack attack = {.signer = signer, .types = DOMAIN, .flags = CMS_NOCERTS};
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
    BIO *data = BIO_new_mem_buf(content, -1);
    for (unsigned i = 0; i < signers; i++)
        attack_add_signer(cms, &attack, signer, DOMAIN);
    g_autofree unsigned char *signature = g_malloc0((gsize)bits / 8);
    signature[bits / 8 - 1] = 2; /* below each modulus */
    for (unsigned i = 0; i < 8; i++) {
        EVP_PKEY *key = pki_rsa_public(bits, exponent_bits);
        PKI_AUTO struct pki *namesake = pki_issue(&(struct pki_spec){
            .issuer = ca, .subject = PKI_LIST("CN=x"), .serial = 77, .use_key = key, .no_key_ids = true});
        EVP_PKEY_free(key);
        CMS_add1_cert(cms, namesake->cert);
    }
    cr_assert_gt(CMS_final(cms, data, NULL, CMS_BINARY), 0);
    for (int i = 0; i < sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms)); i++)
        ASN1_STRING_set(CMS_SignerInfo_get0_signature(sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), i)), signature,
                        bits / 8);
    BIO_free(data);
    return attack_opaque("", cms);
}

static char *signers_with_slow_keys(const struct rig *rig)
{
    (void)rig;
    g_autofree char *entity = slow_signers(3072, 3071, 20, ATTACK_ENTITY);
    return g_strconcat(ATTACK_TOP, entity, NULL);
}

static char *signers_with_slow_keys_in_parts(const struct rig *rig)
{
    (void)rig;
    g_autofree char *entity = slow_signers(3072, 3071, 20, ATTACK_ENTITY);
    g_autofree char *parts = copies(entity, 10);
    return compressed(parts, strlen(parts), 1);
}

static char *signers_with_long_keys(const struct rig *rig)
{
    (void)rig;
    g_autofree char *entity = slow_signers(16384, 17, 20, ATTACK_ENTITY);
    return g_strconcat(ATTACK_TOP, entity, NULL);
}

/* Certificates of one name beside a signer: none of them has issued it, but each has to be tried. */
static char *slow_path(EVP_PKEY *(*make_key)(void), unsigned signers)
{
    PKI_AUTO struct pki *ca =
        pki_issue(&(struct pki_spec){.ca = true, .subject = PKI_LIST("CN=c"), .no_key_ids = true, .key = PKI_RSA_3072});
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
    BIO *data = BIO_new_mem_buf(ATTACK_ENTITY, -1);
    for (unsigned i = 0; i < signers; i++) {
        PKI_AUTO struct pki *leaf = pki_issue(&(struct pki_spec){
            .issuer = ca, .subject = PKI_LIST("CN=x"), .no_key_ids = true, .san = PKI_LIST("email:alice@acme.test")});
        attack_add_signer(cms, &(struct attack){.types = DOMAIN}, leaf, DOMAIN);
    }
    EVP_PKEY *key = make_key();
    for (unsigned i = 0; i < 70; i++) {
        PKI_AUTO struct pki *namesake = pki_issue(&(struct pki_spec){
            .issuer = ca, .subject = PKI_LIST("CN=c"), .ca = true, .use_key = key, .no_key_ids = true});
        CMS_add1_cert(cms, namesake->cert);
    }
    EVP_PKEY_free(key);
    cr_assert_gt(CMS_final(cms, data, NULL, CMS_BINARY), 0);
    BIO_free(data);
    return attack_opaque("", cms);
}

static EVP_PKEY *huge_exponent(void)
{
    return pki_rsa_public(3072, 3071);
}

static char *paths_with_slow_keys(const struct rig *rig)
{
    (void)rig;
    g_autofree char *entity = slow_path(huge_exponent, 4);
    return g_strconcat(ATTACK_TOP, entity, NULL);
}

static char *paths_with_slow_keys_in_parts(const struct rig *rig)
{
    (void)rig;
    g_autofree char *entity = slow_path(huge_exponent, 4);
    g_autofree char *parts = copies(entity, 10);
    return compressed(parts, strlen(parts), 1);
}

/* --- many of what each is allowed some --- */

/* Authorities that all certify each other under one name: as many ways as one likes, none to an anchor. */
static char *crossed(unsigned signers, unsigned count)
{
    struct pki *keys[6];
    PKI_AUTO struct pki *ca =
        pki_issue(&(struct pki_spec){.ca = true, .subject = PKI_LIST("CN=c"), .no_key_ids = true});
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
    BIO *data = BIO_new_mem_buf(ATTACK_ENTITY, -1);
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        keys[i] = pki_issue(&(struct pki_spec){.ca = true, .subject = PKI_LIST("CN=c"), .no_key_ids = true});
    for (unsigned i = 0; i < signers; i++) {
        PKI_AUTO struct pki *leaf =
            pki_issue(&(struct pki_spec){.issuer = keys[i % 6], .subject = PKI_LIST("CN=x"), .no_key_ids = true});
        attack_add_signer(cms, &(struct attack){.types = DOMAIN}, leaf, DOMAIN);
    }
    for (size_t i = 0; i < count; i++) {
        PKI_AUTO struct pki *cross = pki_issue(&(struct pki_spec){.issuer = keys[i % 6],
                                                                  .ca = true,
                                                                  .subject = PKI_LIST("CN=c"),
                                                                  .use_key = keys[i / 6 % 6]->key,
                                                                  .no_key_ids = true});
        cr_assert(CMS_add1_cert(cms, cross->cert));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        pki_free(keys[i]);
    cr_assert_gt(CMS_final(cms, data, NULL, CMS_BINARY), 0);
    BIO_free(data);
    return attack_opaque("", cms);
}

static char *crossed_in_parts(const struct rig *rig)
{
    (void)rig;
    g_autofree char *entity = crossed(20, 75);
    g_autofree char *parts = copies(entity, 10);
    return compressed(parts, strlen(parts), 1);
}

/* Ten layers of 20 signers each. */
static char *signers_in_layers(const struct rig *rig)
{
    char *entity = g_strdup(ATTACK_ENTITY);
    for (int i = 0; i < 9; i++) {
        CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
        BIO *data = BIO_new_mem_buf(entity, -1);
        for (int j = 0; j < 20; j++)
            attack_add_signer(cms, &(struct attack){.signer = rig->acme.dsa, .types = DOMAIN}, rig->acme.dsa, DOMAIN);
        cr_assert_gt(CMS_final(cms, data, NULL, CMS_BINARY), 0);
        BIO_free(data);
        g_free(entity);
        entity = attack_opaque("", cms);
    }
    char *text = compressed(entity, strlen(entity), 1);
    g_free(entity);
    return text;
}

/* What holds certificates only is no layer. */
static char *bags_of_certificates(const struct rig *rig)
{
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY | CMS_DETACHED);
    for (int i = 0; i < 50; i++) {
        PKI_AUTO struct pki *leaf = pki_issue(&(struct pki_spec){.issuer = rig->acme.ca, .subject = PKI_LIST("CN=x")});
        CMS_add1_cert(cms, leaf->cert);
    }
    g_autofree char *entity = attack_opaque("", cms);
    g_autofree char *parts = copies(entity, 900);
    return compressed(parts, strlen(parts), 1);
}

/* Clear signatures that cannot be delivered as they are, each with such a bag: decrypted, they are recoded. */
static char *signatures_to_recode(const struct rig *rig)
{
    static const char content[] = "Content-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\na\nb\n";
    CMS_ContentInfo *cms = attack_sign(
        &(struct attack){.signer = rig->acme.dsa, .types = DOMAIN, .content = content, .flags = CMS_DETACHED});
    for (int i = 0; i < 50; i++) {
        PKI_AUTO struct pki *leaf = pki_issue(&(struct pki_spec){.issuer = rig->acme.ca, .subject = PKI_LIST("CN=x")});
        CMS_add1_cert(cms, leaf->cert);
    }
    g_autofree char *entity = attack_clear("", content, cms);
    g_autofree char *parts = copies(entity, 300);
    return compressed(parts, strlen(parts), 1);
}

/* A certificate with as many names as fit. */
static char *names_by_the_thousand(const struct rig *rig)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < 40000; i++)
        g_ptr_array_add(names, g_strdup_printf("email:a%d@b.c", i));
    g_ptr_array_add(names, NULL);
    PKI_AUTO struct pki *leaf = pki_issue(&(struct pki_spec){
        .issuer = rig->acme.ca, .subject = PKI_LIST("CN=x"), .san = (const char *const *)names->pdata});
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY);
    BIO *data = BIO_new_mem_buf(ATTACK_ENTITY, -1);
    for (int j = 0; j < 20; j++)
        attack_add_signer(cms, &(struct attack){.signer = leaf, .types = DOMAIN}, leaf, DOMAIN);
    cr_assert_gt(CMS_final(cms, data, NULL, CMS_BINARY), 0);
    BIO_free(data);
    g_autofree char *entity = attack_opaque("", cms);
    return compressed(entity, strlen(entity), 1);
}

/* A list of revoked certificates with as many entries as fit. */
static char *crls(const struct rig *rig)
{
    CMS_ContentInfo *cms = attack_sign(&(struct attack){.signer = rig->acme.dsa, .types = DOMAIN});
    for (int i = 0; i < 2; i++) {
        X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = rig->acme.ca});
        for (int j = 0; j < 25000; j++) {
            X509_REVOKED *entry = X509_REVOKED_new();
            ASN1_INTEGER *number = ASN1_INTEGER_new();
            ASN1_TIME *at = ASN1_TIME_set(NULL, time(NULL) - 3600);
            ASN1_INTEGER_set(number, 1000000 + j);
            X509_REVOKED_set_serialNumber(entry, number);
            X509_REVOKED_set_revocationDate(entry, at);
            X509_CRL_add0_revoked(crl, entry);
            ASN1_TIME_free(at);
            ASN1_INTEGER_free(number);
        }
        cr_assert(X509_CRL_sign(crl, rig->acme.ca->key, EVP_sha256()));
        cr_assert(CMS_add1_crl(cms, crl));
        X509_CRL_free(crl);
    }
    g_autofree char *entity = attack_opaque("", cms);
    g_autofree char *parts = copies(entity, 10);
    return compressed(parts, strlen(parts), 1);
}

/* A list of 95 lists. */
static char *many_crls(const struct rig *rig)
{
    CMS_ContentInfo *cms = attack_sign(&(struct attack){.signer = rig->acme.dsa, .types = DOMAIN});
    for (int i = 0; i < 95; i++) {
        X509_CRL *crl = pki_crl(&(struct pki_crl_spec){.issuer = rig->acme.ca, .number = i + 1});
        cr_assert(CMS_add1_crl(cms, crl));
        X509_CRL_free(crl);
    }
    g_autofree char *entity = attack_opaque("", cms);
    g_autofree char *parts = copies(entity, 10);
    return compressed(parts, strlen(parts), 1);
}

/* --- DER of very small elements --- */

static void append_der(GByteArray *der, int tag, int class, bool constructed, const GByteArray *content)
{
    unsigned char header[16], *end = header;
    ASN1_put_object(&end, constructed, (int)content->len, tag, class);
    g_byte_array_append(der, header, (guint)(end - header));
    g_byte_array_append(der, content->data, content->len);
}

/* EnvelopedData with a set of `count` small recipients. */
static GByteArray *small_elements(unsigned count)
{
    static const guint8 recipient[] = {0xa4, 0x05, 0x06, 0x01, 0x2a, 0x05, 0x00}; /* [4] OtherRecipientInfo */
    static const guint8 oid_enveloped[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03};
    static const guint8 version[] = {0x02, 0x01, 0x02};
    static const guint8 content[] = {0x30, 0x2b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07,
                                     0x01, 0x30, 0x1d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
                                     0x01, 0x2a, 0x04, 0x10, 0,    0,    0,    0,    0,    0,    0,    0,
                                     0,    0,    0,    0,    0,    0,    0,    0,    0x80, 0x00};
    g_autoptr(GByteArray) set = g_byte_array_new(), fields = g_byte_array_new(), sequence = g_byte_array_new(),
                          whole = g_byte_array_new();
    for (unsigned i = 0; i < count; i++)
        g_byte_array_append(set, recipient, sizeof(recipient));
    g_byte_array_append(fields, version, sizeof(version));
    append_der(fields, V_ASN1_SET, V_ASN1_UNIVERSAL, true, set);
    g_byte_array_append(fields, content, sizeof(content));
    append_der(sequence, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, true, fields);
    g_byte_array_append(whole, oid_enveloped, sizeof(oid_enveloped));
    append_der(whole, 0, V_ASN1_CONTEXT_SPECIFIC, true, sequence);
    GByteArray *der = g_byte_array_new();
    append_der(der, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, true, whole);
    return der;
}

static char *elements(const struct rig *rig)
{
    (void)rig;
    GByteArray *der = small_elements(290000);
    g_autofree char *entity = attack_opaque_der("", der->data, der->len);
    g_byte_array_unref(der);
    g_autofree char *parts = copies(entity, 10);
    return compressed(parts, strlen(parts), 1);
}

/* --- recipients --- */

/* As many RecipientInfos as are allowed for one key of ours, none of which it opens. */
static char *recipients(const struct rig *rig)
{
    CMS_ContentInfo *cms = CMS_EnvelopedData_create(EVP_aes_128_cbc());
    BIO *data = BIO_new_mem_buf(ATTACK_ENTITY, -1);
    for (int i = 0; i < 1900; i++)
        cr_assert(CMS_add1_recipient_cert(cms, rig->partner.dca->cert, 0));
    cr_assert(CMS_set_detached(cms, 0) && CMS_final(cms, data, NULL, CMS_BINARY));
    BIO_free(data);
    return attack_opaque(ATTACK_TOP, cms);
}

/* A password that takes years to derive a key from. */
static char *password_recipients(const struct rig *rig)
{
    CMS_ContentInfo *cms = CMS_EnvelopedData_create(EVP_aes_128_cbc());
    BIO *data = BIO_new_mem_buf(ATTACK_ENTITY, -1);
    for (int i = 0; i < 100; i++)
        cr_assert(CMS_add0_recipient_password(cms, -1, NID_id_alg_PWRI_KEK, NID_undef,
                                              (unsigned char *)g_strdup("secret"), 6, EVP_aes_128_cbc()));
    cr_assert(CMS_add1_recipient_cert(cms, rig->acme.dca->cert, 0));
    cr_assert(CMS_set_detached(cms, 0) && CMS_final(cms, data, NULL, CMS_BINARY));
    BIO_free(data);
    return attack_opaque(ATTACK_TOP, cms);
}

/* --- attributes --- */

static void many_attributes(CMS_ContentInfo *cms, CMS_SignerInfo *info)
{
    (void)cms;
    for (int i = 0; i < 2000; i++) {
        g_autofree char *oid = g_strdup_printf("1.2.3.4.%d", i);
        cr_assert(CMS_signed_add1_attr_by_txt(info, oid, V_ASN1_UTF8STRING, "x", 1));
    }
}

static char *attributes(const struct rig *rig)
{
    g_autofree char *entity = attack_opaque(
        "", attack_sign(&(struct attack){.signer = rig->acme.dsa, .types = DOMAIN, .alter = many_attributes}));
    g_autofree char *parts = copies(entity, 10);
    return compressed(parts, strlen(parts), 1);
}

/* --- the message's own header --- */

static char *with_field(const char *name, const char *unit, size_t length)
{
    g_autofree char *begin = g_strconcat(name, ": ", NULL);
    g_autoptr(GString) field = filled(begin, unit, length);
    return g_strconcat(field->str, "\r\n", strcmp(name, "From") == 0 ? ATTACK_FIELDS : ATTACK_TOP, ATTACK_ENTITY, NULL);
}

static char *authors(const struct rig *rig)
{
    (void)rig;
    return with_field("From", "a@b.c,\r\n ", 250000);
}

static char *authors_in_words(const struct rig *rig)
{
    (void)rig;
    return with_field("From", "=?utf-8?q?a?= =?iso-8859-1?b?4eHh?= <a@b.c>,\r\n ", 250000);
}

static char *authors_in_comments(const struct rig *rig)
{
    (void)rig;
    return with_field("From", "a@b.c (=?utf-8?q?a?= \\( ((x)) )\r\n ,", 250000);
}

static char *subject_in_words(const struct rig *rig)
{
    (void)rig;
    return with_field("Subject", "=?x-unknown?q?a?=\r\n =?iso-8859-1?b?4eHh?=\r\n ", 250000);
}

static char *forged_results(const struct rig *rig)
{
    (void)rig;
    g_autoptr(GString) text = g_string_new("");
    for (int i = 0; i < 980; i++)
        g_string_append(
            text,
            "Authentication-Results: =?utf-8?q?gw?= =?utf-8?b?LnBhcnRuZXIudGVzdA==?= (a (b (c))) gw partner test; "
            "smime=pass (x)(y)(z) =?utf-8?q?gw.partner.test?= =?utf-8?q?gw.partner.test?= "
            "=?utf-8?q?gw.partner.test?=\r\n");
    return g_strconcat(text->str, ATTACK_TOP, ATTACK_ENTITY, NULL);
}

#define CONVERSIONS "more than 2000 parameters and words in other character sets"

const struct hostile hostile_messages[] = {
    {"bombs-among-parts", bombs_among_parts, BUDGET_SPENT, 0},
    {"bomb-of-lines", bomb_of_lines, BUDGET_SPENT, 0},
    {"bombs-nested", bombs_nested, BUDGET_SPENT, 0},
    {"bomb-of-delimiters", bomb_of_delimiters, BUDGET_SPENT, 0},
    {"bomb-of-parts", bomb_of_parts, CONVERSIONS, 0},
    {"parts-in-clear-signatures", parts_in_clear_signatures, CONVERSIONS, 0},
    {"bomb-of-dispositions", bomb_of_dispositions, BUDGET_SPENT, 0},
    {"bomb-of-file-names", bomb_of_file_names, "more ", 0},
    {"bomb-of-fields", bomb_of_fields, BUDGET_SPENT, 0},
    {"digests", digests, BUDGET_SPENT, 0},
    {"signers-with-slow-keys", signers_with_slow_keys, "takes too long", 0},
    {"signers-with-slow-keys-in-parts", signers_with_slow_keys_in_parts, "takes too long", 0},
    {"signers-with-long-keys", signers_with_long_keys, BUDGET_SPENT, 50},
    {"paths-with-slow-keys", paths_with_slow_keys, "trust anchor", 10},
    {"paths-with-slow-keys-in-parts", paths_with_slow_keys_in_parts, BUDGET_SPENT, 40},
    {"crossed-in-parts", crossed_in_parts, BUDGET_SPENT, 200},
    {"signers-in-layers", signers_in_layers, NULL, 200},
    {"bags-of-certificates", bags_of_certificates, BUDGET_SPENT, 0},
    {"signatures-to-recode", signatures_to_recode, "more ", 20},
    {"names-by-the-thousand", names_by_the_thousand, BUDGET_SPENT, 0},
    {"crls", crls, BUDGET_SPENT, 5},
    {"many-crls", many_crls, BUDGET_SPENT, 20},
    {"elements", elements, BUDGET_SPENT, 0},
    {"recipients", recipients, NULL, 0},
    {"password-recipients", password_recipients, NULL, 0},
    {"attributes", attributes, NULL, 20},
    {"authors", authors, NULL, 0},
    {"authors-in-words", authors_in_words, NULL, 0},
    {"authors-in-comments", authors_in_comments, NULL, 0},
    {"subject-in-words", subject_in_words, NULL, 0},
    {"forged-results", forged_results, NULL, 0},
};
const size_t hostile_count = G_N_ELEMENTS(hostile_messages);
