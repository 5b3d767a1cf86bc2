/* SPDX-License-Identifier: Apache-2.0 */
#include "support/attack.h"

#include <jansson.h>
#include <zlib.h>

char *attack_base64(const unsigned char *der, size_t length)
{
    g_autofree char *base64 = g_base64_encode(der, length);
    GString *text = g_string_sized_new(length * 3 / 2);
    for (const char *at = base64; *at != '\0'; at += strnlen(at, 76))
        g_string_append_printf(text, "%.76s\r\n", at);
    return g_string_free(text, FALSE);
}

GByteArray *attack_der(const CMS_ContentInfo *cms)
{
    unsigned char *der = NULL;
    int length = i2d_CMS_ContentInfo(cms, &der);
    GByteArray *array = g_byte_array_new();
    cr_assert_gt(length, 0, "%s", ERR_reason_error_string(ERR_peek_last_error()));
    g_byte_array_append(array, der, (guint)length);
    OPENSSL_free(der);
    return array;
}

GByteArray *attack_signed_attributes(const CMS_SignerInfo *info)
{
    GByteArray *set = g_byte_array_new();
    unsigned char header[8], *end = header;
    for (int i = 0; i < CMS_signed_get_attr_count(info); i++) {
        unsigned char *one = NULL;
        int size = i2d_X509_ATTRIBUTE(CMS_signed_get_attr(info, i), &one);
        g_byte_array_append(set, one, (guint)size);
        OPENSSL_free(one);
    }
    ASN1_put_object(&end, 1, (int)set->len, V_ASN1_SET, V_ASN1_UNIVERSAL);
    g_byte_array_prepend(set, header, (guint)(end - header));
    return set;
}

char *attack_opaque_der(const char *header, const unsigned char *der, size_t length)
{
    g_autofree char *body = attack_base64(der, length);
    return g_strconcat(
        header, "Content-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        body, NULL);
}

static void attack_wrap(GByteArray *der, int tag, int class, int constructed)
{
    unsigned char header[16], *end = header;
    ASN1_put_object(&end, constructed, (int)der->len, tag, class);
    g_byte_array_prepend(der, header, (guint)(end - header));
}

#define RFC3274_DATA "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
#define RFC3274_HEAD "\x02\x01\x00\x30\x0d\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x03\x08"
#define RFC3274_TYPE "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09"

char *attack_compress(const char *content, size_t length)
{
    uLongf size = compressBound(length);
    GByteArray *der = g_byte_array_sized_new((guint)size);
    g_byte_array_set_size(der, (guint)size);
    cr_assert_eq(compress2(der->data, &size, (const unsigned char *)content, length, 6), Z_OK);
    g_byte_array_set_size(der, (guint)size);
    attack_wrap(der, V_ASN1_OCTET_STRING, V_ASN1_UNIVERSAL, 0);
    attack_wrap(der, 0, V_ASN1_CONTEXT_SPECIFIC, 1);
    g_byte_array_prepend(der, (const guint8 *)RFC3274_DATA, sizeof(RFC3274_DATA) - 1);
    attack_wrap(der, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, 1);
    g_byte_array_prepend(der, (const guint8 *)RFC3274_HEAD, sizeof(RFC3274_HEAD) - 1);
    attack_wrap(der, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, 1);
    attack_wrap(der, 0, V_ASN1_CONTEXT_SPECIFIC, 1);
    g_byte_array_prepend(der, (const guint8 *)RFC3274_TYPE, sizeof(RFC3274_TYPE) - 1);
    attack_wrap(der, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, 1);
    char *entity = attack_opaque_der("", der->data, der->len);
    g_byte_array_unref(der);
    return entity;
}

char *attack_opaque(const char *header, CMS_ContentInfo *cms)
{
    GByteArray *der = attack_der(cms);
    char *text = attack_opaque_der(header, der->data, der->len);
    g_byte_array_unref(der);
    CMS_ContentInfo_free(cms);
    return text;
}

char *attack_clear(const char *header, const char *entity, CMS_ContentInfo *cms)
{
    GByteArray *der = attack_der(cms);
    g_autofree char *signature = attack_base64(der->data, der->len);
    g_byte_array_unref(der);
    CMS_ContentInfo_free(cms);
    return g_strconcat(header,
                       "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; "
                       "boundary=\"sig\"\r\n\r\n--sig\r\n",
                       entity,
                       "\r\n--sig\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n"
                       "Content-Transfer-Encoding: base64\r\n\r\n",
                       signature, "--sig--\r\n", NULL);
}

CMS_SignerInfo *attack_add_signer(CMS_ContentInfo *cms, const struct attack *attack, const struct pki *signer,
                                  unsigned types)
{
    const EVP_MD *digest = EVP_get_digestbyname(attack->digest != NULL ? attack->digest : "SHA256");
    bool is_there = sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms)) > 0 && signer == attack->signer;
    unsigned flags = (is_there ? CMS_NOCERTS : 0) | (attack->flags & ~(unsigned)CMS_DETACHED) | CMS_BINARY |
                     CMS_PARTIAL | CMS_NOSMIMECAP;
    CMS_SignerInfo *info = CMS_add1_signer(cms, signer->cert, signer->key, digest, flags);
    cr_assert_not_null(info, "%s", ERR_reason_error_string(ERR_peek_last_error()));
    if (types != 0)
        craft_add_attribute(info, OID_SIGNATURE_TYPE, &(struct sign_options){.types = types});
    return info;
}

CMS_ContentInfo *attack_sign(const struct attack *attack)
{
    const char *content = attack->content != NULL ? attack->content : ATTACK_ENTITY;
    BIO *data = BIO_new_mem_buf(content, -1);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | CMS_BINARY | (attack->flags & CMS_DETACHED));
    CMS_SignerInfo *info = attack_add_signer(cms, attack, attack->signer, attack->types);
    if (attack->second != NULL)
        attack_add_signer(cms, attack, attack->second, attack->second_types);
    for (size_t i = 0; i < G_N_ELEMENTS(attack->carried) && attack->carried[i] != NULL; i++)
        cr_assert(CMS_add1_cert(cms, attack->carried[i]->cert));
    if (attack->alter != NULL)
        attack->alter(cms, info);
    cr_assert_gt(CMS_final(cms, data, NULL, CMS_BINARY), 0, "%s", ERR_reason_error_string(ERR_peek_error()));
    if (attack->spoil != NULL)
        attack->spoil(cms, info);
    BIO_free(data);
    return cms;
}

char *attack_message(const struct attack *attack)
{
    CMS_ContentInfo *cms = attack_sign(attack);
    if (attack->flags & CMS_DETACHED)
        return attack_clear(ATTACK_TOP, attack->content != NULL ? attack->content : ATTACK_ENTITY, cms);
    return attack_opaque(ATTACK_TOP, cms);
}

const char *attack_entity_of(const struct sent *out)
{
    const char *type = strstr(out->bytes, "Content-Type:");
    cr_assert_not_null(type);
    return type;
}

static void attack_expect_no_controls(const char *text, const char *allowed, const char *what, const char *where)
{
    cr_expect(g_utf8_validate(text, -1, NULL), "%s: %s is not UTF-8", what, where);
    for (const char *c = text; *c != '\0'; c++)
        cr_expect(!g_ascii_iscntrl(*c) || strchr(allowed, *c) != NULL, "%s: \\x%02x in %s: %s", what, *c, where, text);
}

void attack_expect_safe(const struct sent *in, const char *what)
{
    const struct passage *result = in->result;
    g_autofree char *report = passage_report(result);
    g_autofree char *line = passage_log_line(result);
    json_t *json = json_loads(report, 0, NULL);
    cr_expect_not_null(json, "%s: the report is JSON", what);
    json_decref(json);
    attack_expect_no_controls(report, "\n", what, "the report");
    attack_expect_no_controls(line, "", what, "the log line");
    attack_expect_no_controls(result->reply.text, "", what, "the reply");
    attack_expect_no_controls(result->reply.reason, "", what, "the reason");
    cr_expect(g_str_is_ascii(result->reply.text), "%s: %s", what, result->reply.text);
    cr_expect_neq(result->reply.verdict, VERDICT_TEMPFAIL, "%s: no failure of ours: %s", what, result->reply.reason);
    cr_expect_neq(result->reply.reason[0], '\0', "%s", what);
    if (result->made.authentication_results != NULL)
        attack_expect_no_controls(result->made.authentication_results, "\r\n\t", what, "Authentication-Results");
    cr_expect_eq(ERR_peek_error(), 0, "%s: nothing is left in OpenSSL's error queue", what);
}

void attack_expect_refused(const struct sent *in, const char *what)
{
    const struct passage *result = in->result;
    attack_expect_safe(in, what);
    cr_expect_neq(result->plan.judgement.domain.outcome, OUTCOME_PASS, "%s: %s", what,
                  result->plan.judgement.domain.reason);
    cr_expect_neq(result->plan.judgement.originator.outcome, OUTCOME_PASS, "%s: %s", what,
                  result->plan.judgement.originator.reason);
    cr_expect(result->reply.verdict == VERDICT_QUARANTINE || result->reply.verdict == VERDICT_REJECT, "%s: %s: %s",
              what, verdict_name(result->reply.verdict), result->reply.reason);
    cr_expect_null(strstr(in->bytes, "smime=pass"), "%s: %s", what, in->bytes);
}

void attack_expect_outcome(const struct finding *finding, enum outcome outcome, const char *says, const char *what)
{
    cr_expect_eq(finding->outcome, outcome, "%s: %s: %s", what, outcome_name(finding->outcome), finding->reason);
    if (says != NULL)
        cr_expect_not_null(strstr(finding->reason, says), "%s: \"%s\" is not in \"%s\"", what, says, finding->reason);
}

struct sent attack_in(const struct rig *rig, const char *text)
{
    return rig_inbound(rig, text, strlen(text));
}

void attack_expect_believed(const struct sent *in, bool domain, const char *what)
{
    const struct finding *finding =
        domain ? &in->result->plan.judgement.domain : &in->result->plan.judgement.originator;
    attack_expect_safe(in, what);
    cr_expect_eq(finding->outcome, OUTCOME_PASS, "%s: %s: %s", what, outcome_name(finding->outcome), finding->reason);
    cr_expect_eq(in->result->reply.verdict, VERDICT_ACCEPT, "%s: %s", what, in->result->reply.reason);
}

CMS_ContentInfo *attack_envelop(const EVP_CIPHER *cipher, const struct pki *to, const char *content, bool oaep)
{
    bool gcm = EVP_CIPHER_get_mode(cipher) == EVP_CIPH_GCM_MODE;
    CMS_ContentInfo *cms = gcm ? CMS_AuthEnvelopedData_create(cipher) : CMS_EnvelopedData_create(cipher);
    CMS_RecipientInfo *info = CMS_add1_recipient_cert(cms, to->cert, oaep ? CMS_KEY_PARAM : 0);
    BIO *data = BIO_new_mem_buf(content, -1);
    cr_assert(info != NULL && CMS_set_detached(cms, 0));
    if (oaep) {
        EVP_PKEY_CTX *context = CMS_RecipientInfo_get0_pkey_ctx(info);
        cr_assert(EVP_PKEY_encrypt_init(context) > 0 &&
                  EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
                  EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) > 0);
    }
    cr_assert_gt(CMS_final(cms, data, NULL, CMS_BINARY), 0, "%s", ERR_reason_error_string(ERR_peek_error()));
    BIO_free(data);
    return cms;
}

GByteArray *attack_envelop_der(const EVP_CIPHER *cipher, const struct pki *to, const char *content, bool oaep)
{
    CMS_ContentInfo *cms = attack_envelop(cipher, to, content, oaep);
    GByteArray *der = attack_der(cms);
    CMS_ContentInfo_free(cms);
    return der;
}

guint8 *attack_find(GByteArray *der, const char *octets, size_t length)
{
    guint8 *at = memmem(der->data, der->len, octets, length);
    cr_assert_not_null(at);
    return at;
}

struct sent attack_open_der(const struct rig *rig, GByteArray *der)
{
    g_autofree char *text = attack_opaque_der(ATTACK_TOP, der->data, der->len);
    return attack_in(rig, text);
}

void attack_expect_shut(const struct sent *in, const char *what)
{
    g_autofree char *report = passage_report(in->result);
    attack_expect_refused(in, what);
    cr_expect_null(strstr(in->bytes, ATTACK_SECRET), "%s: %s", what, in->bytes);
    cr_expect_null(strstr(report, ATTACK_SECRET), "%s: %s", what, report);
    cr_expect_not_null(strstr(in->bytes, "pkcs7-mime"), "%s: delivered as it came", what);
}
