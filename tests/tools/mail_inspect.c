/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_inspect [-c CERT]... [-k KEY] FILE: what is protected in a message and how, as anyone on the wire can read it.
 *
 * One line per layer, from the outermost inwards, fields separated by tabs:
 *   media type    signed-data | enveloped-data | authenveloped-data | plain    signers or recipients    algorithms
 * Recipients are only issuer and serial number on the wire: those among the certificates of -c are shown by their name.
 * With -k (and the certificate that belongs to it by -c) it opens what is encrypted and goes on inside. It verifies
 * nothing. OpenSSL reads the CMS, GMime the MIME; nothing of the product is used.
 */
#include <gmime/gmime.h>
#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char **option_certificates, **option_files, *option_key;

static const GOptionEntry OPTIONS[] = {
    {"certificate", 'c', 0, G_OPTION_ARG_FILENAME_ARRAY, &option_certificates, "certificate to name recipients by",
     "FILE"},
    {"key", 'k', 0, G_OPTION_ARG_FILENAME, &option_key, "private key to open encrypted layers with", "FILE"},
    {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &option_files, NULL, "FILE"},
    {0},
};

struct known {
    GPtrArray *certificates;
    EVP_PKEY *key;
};

static struct known known_load(void)
{
    struct known known = {.certificates = g_ptr_array_new()};
    for (char **name = option_certificates; name && *name; name++) {
        BIO *file = BIO_new_file(*name, "r");
        X509 *certificate = file ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
        if (certificate)
            g_ptr_array_add(known.certificates, certificate);
        BIO_free(file);
    }
    BIO *file = option_key ? BIO_new_file(option_key, "r") : NULL;
    known.key = file ? PEM_read_bio_PrivateKey(file, NULL, NULL, NULL) : NULL;
    BIO_free(file);
    return known;
}

/* Appends the first address of a certificate, or its CN. */
static void add_name(GString *out, X509 *certificate)
{
    STACK_OF(OPENSSL_STRING) *addresses = X509_get1_email(certificate);
    if (out->len > 0)
        g_string_append(out, ", ");
    if (sk_OPENSSL_STRING_num(addresses) > 0) {
        g_string_append(out, sk_OPENSSL_STRING_value(addresses, 0));
    } else {
        char name[256] = "?";
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
        g_string_append(out, name);
    }
    X509_email_free(addresses);
}

static const char *algorithm_name(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *object = NULL;
    if (algorithm)
        X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    int nid = object ? OBJ_obj2nid(object) : NID_undef;
    return nid == NID_undef ? "?" : OBJ_nid2ln(nid);
}

/* The words for a signatureType attribute (RFC 3183 2.3), which OpenSSL does not know. */
static void add_types(GString *out, CMS_SignerInfo *signer)
{
    static const char *const WORDS[] = {"?", "originator", "domain", "additional attributes", "review"};
    ASN1_OBJECT *type = OBJ_txt2obj("1.2.840.113549.1.9.16.2.28", 1);
    int at = CMS_signed_get_attr_by_OBJ(signer, type, -1);
    ASN1_TYPE *value = at >= 0 ? X509_ATTRIBUTE_get0_type(CMS_signed_get_attr(signer, at), 0) : NULL;
    ASN1_OBJECT_free(type);
    if (!value || ASN1_TYPE_get(value) != V_ASN1_SEQUENCE)
        return;
    const unsigned char *der = value->value.sequence->data;
    STACK_OF(ASN1_TYPE) *types = d2i_ASN1_SEQUENCE_ANY(NULL, &der, value->value.sequence->length);
    for (int i = 0; i < sk_ASN1_TYPE_num(types); i++) {
        const ASN1_TYPE *item = sk_ASN1_TYPE_value(types, i);
        char oid[64] = "";
        if (item->type == V_ASN1_OBJECT)
            OBJ_obj2txt(oid, sizeof(oid), item->value.object, 1);
        const char *arc = g_str_has_prefix(oid, "1.2.840.113549.1.9.16.9.") ? oid + 24 : "0";
        int number = atoi(arc);
        g_string_append_printf(out, " (%s)", WORDS[number >= 0 && number < (int)G_N_ELEMENTS(WORDS) ? number : 0]);
    }
    sk_ASN1_TYPE_pop_free(types, ASN1_TYPE_free);
}

static void show_signed(const char *media, CMS_ContentInfo *cms)
{
    g_autoptr(GString) who = g_string_new(NULL);
    g_autoptr(GString) how = g_string_new(NULL);
    STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(cms);

    (void)CMS_set1_signers_certs(cms, NULL, 0);
    for (int i = 0; i < sk_CMS_SignerInfo_num(signers); i++) {
        CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(signers, i);
        X509 *certificate = NULL;
        X509_ALGOR *digest = NULL, *signature = NULL;
        CMS_SignerInfo_get0_algs(signer, NULL, &certificate, &digest, &signature);
        if (certificate)
            add_name(who, certificate);
        else
            g_string_append(who, "?");
        add_types(who, signer);
        g_string_append_printf(how, "%s%s, %s", i > 0 ? ", " : "", algorithm_name(signature), algorithm_name(digest));
    }
    printf("%s\tsigned-data\t%s\t%s\n", media, who->len > 0 ? who->str : "(nobody)", how->str);
}

static void add_key_transport(GString *who, GString *how, CMS_RecipientInfo *recipient, const struct known *known)
{
    X509_ALGOR *algorithm = NULL;
    bool named = false;
    for (guint i = 0; i < known->certificates->len && !named; i++)
        if (CMS_RecipientInfo_ktri_cert_cmp(recipient, known->certificates->pdata[i]) == 0) {
            add_name(who, known->certificates->pdata[i]);
            named = true;
        }
    if (!named)
        g_string_append_printf(who, "%s(unknown)", who->len > 0 ? ", " : "");
    CMS_RecipientInfo_ktri_get0_algs(recipient, NULL, NULL, &algorithm);
    if (!strstr(how->str, algorithm_name(algorithm)))
        g_string_append_printf(how, ", %s", algorithm_name(algorithm));
}

static void add_key_agreement(GString *who, GString *how, CMS_RecipientInfo *recipient, const struct known *known)
{
    X509_ALGOR *algorithm = NULL;
    STACK_OF(CMS_RecipientEncryptedKey) *keys = CMS_RecipientInfo_kari_get0_reks(recipient);
    for (int i = 0; i < sk_CMS_RecipientEncryptedKey_num(keys); i++) {
        bool named = false;
        for (guint j = 0; j < known->certificates->len && !named; j++)
            if (CMS_RecipientEncryptedKey_cert_cmp(sk_CMS_RecipientEncryptedKey_value(keys, i),
                                                   known->certificates->pdata[j]) == 0) {
                add_name(who, known->certificates->pdata[j]);
                named = true;
            }
        if (!named)
            g_string_append_printf(who, "%s(unknown)", who->len > 0 ? ", " : "");
    }
    CMS_RecipientInfo_kari_get0_alg(recipient, &algorithm, NULL);
    g_string_append_printf(how, ", %s", algorithm_name(algorithm));
}

/* OpenSSL has no accessor for the content encryption algorithm: it is read from its print of the structure, with the
 * ciphertext taken out first. */
static char *cipher_of(CMS_ContentInfo *cms)
{
    BIO *memory = BIO_new(BIO_s_mem());
    ASN1_OCTET_STRING **content = CMS_get0_content(cms);
    char *text = NULL;
    if (content && *content)
        ASN1_STRING_set(*content, "", 0);
    CMS_ContentInfo_print_ctx(memory, cms, 0, NULL);
    BIO_write(memory, "", 1);
    BIO_get_mem_data(memory, &text);
    const char *place = text ? strstr(text, "contentEncryptionAlgorithm:") : NULL;
    place = place ? strstr(place, "algorithm: ") : NULL;
    char *name = place ? g_strndup(place + 11, strcspn(place + 11, " \n")) : g_strdup("?");
    BIO_free(memory);
    return name;
}

static void show_enveloped(const char *media, const char *type, CMS_ContentInfo *cms, const struct known *known)
{
    g_autoptr(GString) who = g_string_new(NULL);
    g_autofree char *cipher = cipher_of(cms);
    g_autoptr(GString) how = g_string_new(cipher);
    STACK_OF(CMS_RecipientInfo) *recipients = CMS_get0_RecipientInfos(cms);

    for (int i = 0; i < sk_CMS_RecipientInfo_num(recipients); i++) {
        CMS_RecipientInfo *recipient = sk_CMS_RecipientInfo_value(recipients, i);
        if (CMS_RecipientInfo_type(recipient) == CMS_RECIPINFO_TRANS)
            add_key_transport(who, how, recipient, known);
        else if (CMS_RecipientInfo_type(recipient) == CMS_RECIPINFO_AGREE)
            add_key_agreement(who, how, recipient, known);
        else
            g_string_append(who, "(other)");
    }
    printf("%s\t%s\t%s\t%s\n", media, type, who->str, how->str);
}

static GByteArray *decoded(GMimePart *part)
{
    GByteArray *bytes = g_byte_array_new();
    GMimeDataWrapper *wrapper = g_mime_part_get_content(part);
    if (wrapper) {
        GMimeStream *memory = g_mime_stream_mem_new_with_byte_array(bytes);
        g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(memory), FALSE);
        g_mime_data_wrapper_write_to_stream(wrapper, memory);
        g_object_unref(memory);
    }
    return bytes;
}

static CMS_ContentInfo *parse_cms(GByteArray *der)
{
    const unsigned char *at = der->data;
    return d2i_CMS_ContentInfo(NULL, &at, (long)der->len);
}

static bool show(GMimeObject *object, const struct known *known);

static bool show_inside(const char *bytes, long length, const struct known *known)
{
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(bytes, (size_t)length);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeObject *inside = g_mime_parser_construct_part(parser, NULL);
    bool shown = inside && show(inside, known);
    if (inside)
        g_object_unref(inside);
    g_object_unref(parser);
    g_object_unref(stream);
    return shown;
}

static bool open_envelope(GByteArray *der, const struct known *known)
{
    CMS_ContentInfo *cms = parse_cms(der);
    BIO *memory = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    bool shown = true;
    for (guint i = 0; i < known->certificates->len; i++)
        if (X509_check_private_key(known->certificates->pdata[i], known->key) == 1 &&
            CMS_decrypt(cms, known->key, known->certificates->pdata[i], NULL, memory, 0) == 1) {
            long length = BIO_get_mem_data(memory, &bytes);
            shown = show_inside(bytes, length, known);
            break;
        }
    BIO_free(memory);
    CMS_ContentInfo_free(cms);
    return shown;
}

static bool show_cms(GMimeObject *object, const struct known *known)
{
    g_autoptr(GByteArray) der = decoded(GMIME_PART(object));
    g_autofree char *type = g_mime_content_type_get_mime_type(g_mime_object_get_content_type(object));
    const char *named = g_mime_object_get_content_type_parameter(object, "smime-type");
    g_autofree char *media = named ? g_strdup_printf("%s; smime-type=%s", type, named) : g_strdup(type);
    CMS_ContentInfo *cms = parse_cms(der);
    bool shown = cms != NULL;

    if (!cms) {
        printf("%s\tbroken\t\t\n", media);
    } else if (OBJ_obj2nid(CMS_get0_type(cms)) == NID_pkcs7_signed) {
        show_signed(media, cms);
        ASN1_OCTET_STRING **content = CMS_get0_content(cms);
        if (content && *content)
            shown = show_inside((const char *)ASN1_STRING_get0_data(*content), ASN1_STRING_length(*content), known);
    } else {
        bool authenticated = OBJ_obj2nid(CMS_get0_type(cms)) == NID_id_smime_ct_authEnvelopedData;
        show_enveloped(media, authenticated ? "authenveloped-data" : "enveloped-data", cms, known);
        if (known->key)
            shown = open_envelope(der, known);
    }
    CMS_ContentInfo_free(cms);
    return shown;
}

static bool show(GMimeObject *object, const struct known *known)
{
    GMimeContentType *type = g_mime_object_get_content_type(object);
    g_autofree char *media = g_mime_content_type_get_mime_type(type);
    if (GMIME_IS_PART(object) && (g_mime_content_type_is_type(type, "application", "pkcs7-mime") ||
                                  g_mime_content_type_is_type(type, "application", "x-pkcs7-mime")))
        return show_cms(object, known);
    if (GMIME_IS_MULTIPART(object) && g_mime_content_type_is_type(type, "multipart", "signed") &&
        g_mime_multipart_get_count(GMIME_MULTIPART(object)) == 2) {
        GMimeObject *signature = g_mime_multipart_get_part(GMIME_MULTIPART(object), 1);
        g_autoptr(GByteArray) der = decoded(GMIME_PART(signature));
        CMS_ContentInfo *cms = parse_cms(der);
        if (cms)
            show_signed(media, cms);
        else
            printf("%s\tbroken\t\t\n", media);
        bool shown = cms && show(g_mime_multipart_get_part(GMIME_MULTIPART(object), 0), known);
        CMS_ContentInfo_free(cms);
        return shown;
    }
    printf("%s\tplain\t\t\n", media);
    return true;
}

static void known_clear(struct known *known)
{
    for (guint i = 0; i < known->certificates->len; i++)
        X509_free(known->certificates->pdata[i]);
    g_ptr_array_unref(known->certificates);
    EVP_PKEY_free(known->key);
}

int main(int argc, char **argv)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);

    g_option_context_add_main_entries(context, OPTIONS, NULL);
    if (!g_option_context_parse(context, &argc, &argv, NULL) || !option_files || option_files[1]) {
        fprintf(stderr, "usage: mail_inspect [-c CERT]... [-k KEY] FILE\n");
        return 64;
    }
    g_mime_init();
    GMimeStream *stream = g_mime_stream_file_open(option_files[0], "r", NULL);
    if (!stream)
        return 66;
    struct known known = known_load();
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    GMimeObject *root = message ? g_mime_message_get_mime_part(message) : NULL;
    int status = root && show(root, &known) ? 0 : 65;
    known_clear(&known);
    if (message)
        g_object_unref(message);
    g_object_unref(parser);
    g_object_unref(stream);
    return status;
}
