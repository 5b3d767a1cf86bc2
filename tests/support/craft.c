/* SPDX-License-Identifier: Apache-2.0 */
#include "support/craft.h"

#include "smime/attributes.h"
#include "support/linked_keys.h"

#include <openssl/err.h>

const struct limits craft_limits = {
    .message_size = (size_t)64 << 20,
    .memory = (size_t)256 << 10,
    .spool_dir = (char *)"/tmp",
    .header_size = (size_t)64 << 10,
    .header_count = 200,
    .nesting = 10,
    .parts = 100,
    .layers = 8,
    .recipients = 100,
    .signers = 3,
    .certificates = 5,
};

void craft_init(void)
{
    struct error error = {0};
    mime_init();
    cr_assert(smime_init(&error), "%s", error.text);
}

struct identity craft_signer(const struct pki *pki, const struct pki *chain_1, const struct pki *chain_2)
{
    struct identity identity = {
        .certificate = pki->cert, .key = linked_keys_chosen_of(pki->key), .chain = sk_X509_new_null()};
    if (chain_1 != NULL)
        sk_X509_push(identity.chain, chain_1->cert);
    if (chain_2 != NULL)
        sk_X509_push(identity.chain, chain_2->cert);
    return identity;
}

void craft_keys_open(struct craft_keys *rig, const struct pki *const *list, enum role role)
{
    struct faults *faults = faults_new();
    *rig = (struct craft_keys){.folder = folder_new()};
    rig->conf.file = (char *)"test";
    rig->conf.limits = craft_limits;
    rig->conf.identities = g_new0(struct identity_conf, 8);
    for (; *list != NULL; list++) {
        struct identity_conf *each = &rig->conf.identities[rig->conf.identity_count];
        g_autofree char *certificate = g_strdup_printf("%zu.pem", rig->conf.identity_count);
        g_autofree char *key = g_strdup_printf("%zu.key", rig->conf.identity_count);
        g_autofree char *path = pki_write_key(rig->folder, key, *list);
        each->domain = (char *)"acme.test";
        each->role = role;
        each->certificate = pki_write(rig->folder, certificate, *list, NULL);
        each->key = g_strconcat("file:", path, NULL);
        rig->conf.identity_count++;
    }
    rig->keys = keys_open_with(&rig->conf, linked_keys_chosen(), faults);
    cr_assert_not_null(rig->keys, "%s", faults_count(faults) > 0 ? faults_at(faults, 0) : "");
    faults_free(faults);
}

void craft_keys_close(struct craft_keys *rig)
{
    keys_close(rig->keys);
    for (size_t i = 0; i < rig->conf.identity_count; i++) {
        g_free(rig->conf.identities[i].certificate);
        g_free(rig->conf.identities[i].key);
    }
    g_free(rig->conf.identities);
    folder_remove(rig->folder);
}

struct entity craft_entity(const char *header, struct slice body)
{
    struct entity entity = {.header = rope_new(), .body = rope_new()};
    rope_copy(entity.header, slice_of(header));
    rope_borrow(entity.body, body);
    return entity;
}

char *craft_text(size_t length)
{
    GString *text = g_string_sized_new(length + 80);
    for (unsigned line = 0; text->len < length; line++)
        g_string_append_printf(text, "%08x the quick brown fox jumps over the lazy dog and back again\r\n",
                               line * 2654435761u);
    return g_string_free(text, FALSE);
}

void craft_part_clear(struct craft_part *part)
{
    part_free(part->part);
    g_free(part->bytes);
}

struct craft_part craft_part_of(char *bytes, size_t length)
{
    struct craft_part rig = {.bytes = bytes, .length = length};
    struct error error = {0};
    char *end = memmem(bytes, length, "\r\n\r\n", 4);
    struct slice header = {bytes, 0}, body = {bytes, length};
    if (end != NULL) {
        header.len = (size_t)(end + 2 - bytes);
        body = (struct slice){end + 4, length - header.len - 2};
    }
    rig.part = part_parse(header, body, &craft_limits, &error);
    cr_assert_not_null(rig.part, "%s", error.text);
    return rig;
}

struct craft_part craft_part_of_entity(struct entity *entity)
{
    struct rope *bytes = entity_bytes(entity);
    size_t length;
    char *flat = rope_flatten(bytes, &length);
    rope_free(bytes);
    entity_clear(entity);
    return craft_part_of(flat, length);
}

struct craft_part craft_part_of_der(const unsigned char *der, size_t length)
{
    GString *text = g_string_new("Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    g_autofree char *base64 = g_base64_encode(der, length);
    for (const char *at = base64; *at != '\0'; at += strnlen(at, 76))
        g_string_append_printf(text, "%.76s\r\n", at);
    length = text->len;
    return craft_part_of(g_string_free(text, FALSE), length);
}

struct craft_part craft_part_of_clear(struct slice whole, const unsigned char *der, size_t length)
{
    GString *text =
        g_string_new("Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=xyz;"
                     " micalg=sha-256\r\n\r\n--xyz\r\n");
    g_autofree char *base64 = g_base64_encode(der, length);
    g_string_append_len(text, whole.data, (gssize)whole.len);
    g_string_append(
        text, "\r\n--xyz\r\nContent-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    for (const char *at = base64; *at != '\0'; at += strnlen(at, 76))
        g_string_append_printf(text, "%.76s\r\n", at);
    g_string_append(text, "--xyz--\r\n");
    length = text->len;
    return craft_part_of(g_string_free(text, FALSE), length);
}

void craft_add_attribute(CMS_SignerInfo *info, const char *oid, const struct sign_options *options)
{
    const struct signed_attribute *attribute = attributes_find(oid);
    const struct signing signing = {.options = options};
    ASN1_STRING *value = NULL;
    struct error error = {0};
    cr_assert(attribute->add(&signing, &value, &error), "%s", error.text);
    cr_assert_not_null(value);
    cr_assert_gt(CMS_signed_add1_attr_by_txt(info, oid, ASN1_STRING_type(value), ASN1_STRING_get0_data(value),
                                             ASN1_STRING_length(value)),
                 0);
    ASN1_STRING_free(value);
}

GByteArray *craft_der(const struct part *part)
{
    struct spool *spool = spool_new(&craft_limits);
    struct error error = {0};
    struct slice bytes;
    GByteArray *der = g_byte_array_new();
    cr_assert(part_decode(part, spool, &error), "%s", error.text);
    cr_assert(spool_finish(spool, &bytes, &error), "%s", error.text);
    g_byte_array_append(der, (const guint8 *)bytes.data, (guint)bytes.len);
    spool_free(spool);
    return der;
}

CMS_ContentInfo *craft_cms(const struct part *part)
{
    GByteArray *der = craft_der(part);
    const unsigned char *at = der->data;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, der->len);
    cr_assert_not_null(cms);
    cr_assert_eq(at, der->data + der->len, "all of it is one CMS object");
    g_byte_array_unref(der);
    return cms;
}

struct craft_part craft_part_of_cms(const CMS_ContentInfo *cms)
{
    unsigned char *der = NULL;
    int length = i2d_CMS_ContentInfo(cms, &der);
    struct craft_part part;
    cr_assert_gt(length, 0);
    part = craft_part_of_der(der, (size_t)length);
    OPENSSL_free(der);
    return part;
}

void craft_layer_clear(struct layer *layer)
{
    layer_clear(layer);
}

enum opened craft_open(const struct part *part, const struct keys *keys, const struct limits *limits,
                       struct layer *layer, struct error *error)
{
    ERR_clear_error();
    *error = (struct error){0};
    enum opened opened = smime_open(part, &(struct open_options){.limits = limits, .keys = keys}, layer, error);
    cr_expect_eq(ERR_peek_error(), 0, "left in OpenSSL's queue: %s", ERR_reason_error_string(ERR_peek_error()));
    return opened;
}

bool craft_inner_is(const struct layer *layer, const char *text)
{
    return slice_equal(layer->inner, slice_of(text));
}

struct craft_part craft_signed(const struct pki *pki, enum format format, unsigned types)
{
    struct identity signer = craft_signer(pki, NULL, NULL);
    struct sign_options options = {.format = format, .types = types, .limits = &craft_limits};
    struct entity content = craft_entity(CRAFT_HEADER, slice_of(CRAFT_BODY)), out = {0};
    struct error error = {0};
    cr_assert(smime_sign(&signer, &options, &content, &out, &error), "%s", error.text);
    entity_clear(&content);
    sk_X509_free(signer.chain);
    return craft_part_of_entity(&out);
}

struct craft_part craft_encrypted(const struct pki *pki, enum cipher cipher, enum key_transport transport)
{
    struct encrypt_options options = {.cipher = cipher, .key_transport = transport, .limits = &craft_limits};
    struct entity content = craft_entity(CRAFT_HEADER, slice_of(CRAFT_BODY)), out = {0};
    struct error error = {0};
    cr_assert(smime_encrypt(&(X509 *){pki->cert}, 1, &options, &content, &out, &error), "%s", error.text);
    return craft_part_of_entity(&out);
}

CMS_ContentInfo *craft_sign_by_hand(const struct pki *pki, unsigned flags, const char *digest,
                                    void (*alter)(CMS_ContentInfo *, CMS_SignerInfo *))
{
    BIO *data = BIO_new_mem_buf(CRAFT_HEADER "\r\n" CRAFT_BODY, -1);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY | (flags & CMS_DETACHED));
    CMS_SignerInfo *info = CMS_add1_signer(cms, pki->cert, pki->key, EVP_get_digestbyname(digest),
                                           flags | CMS_BINARY | CMS_PARTIAL | CMS_NOSMIMECAP);
    cr_assert_not_null(info);
    if (alter != NULL)
        alter(cms, info);
    if (data != NULL && CMS_final(cms, data, NULL, CMS_BINARY) <= 0)
        cr_assert_fail("%s", ERR_reason_error_string(ERR_peek_last_error()));
    BIO_free(data);
    return cms;
}
