/* SPDX-License-Identifier: Apache-2.0 */
#include "support/responder.h"

static struct pki *delegated(const struct pki *issuer, const struct responder *responder)
{
    bool expired = responder->signer == RESPONDER_EXPIRED;
    const char *const with[] = {"noCheck=ignored", NULL}, *const without[] = {NULL};
    return pki_issue(
        &(struct pki_spec){.issuer = issuer,
                           .subject = PKI_LIST("CN=Responder"),
                           .eku = responder->signer == RESPONDER_WITHOUT_RIGHT ? "emailProtection" : "OCSPSigning",
                           .extensions = responder->signer == RESPONDER_CHECKED ? without : with,
                           .not_before = expired ? time(NULL) - 7200 : 0,
                           .not_after = expired                                 ? time(NULL) - 60
                                        : responder->signer == RESPONDER_ENDING ? time(NULL) + 600
                                                                                : 0});
}

static void make_key(struct responder *responder)
{
    const struct fetching *rig = responder->rig;
    if (responder->key != NULL || responder->signer == RESPONDER_AUTHORITY || responder->signer == RESPONDER_SUBJECT)
        return;
    if (responder->signer == RESPONDER_OF_ANOTHER)
        responder->other = pki_sub_ca(rig->root, "Authority");
    responder->key = delegated(responder->other != NULL ? responder->other : rig->authority, responder);
}

static OCSP_CERTID *id_of(const struct responder *responder)
{
    const struct fetching *rig = responder->rig;
    X509 *about = responder->other_certificate ? rig->authority->cert : rig->alice->cert;
    X509 *issuer = responder->other_certificate ? rig->root->cert : rig->authority->cert;
    return OCSP_cert_to_id(responder->sha256 ? EVP_sha256() : EVP_sha1(), about, issuer);
}

static void add_status(const struct responder *responder, OCSP_BASICRESP *basic)
{
    OCSP_CERTID *id = id_of(responder);
    time_t now = responder->now != 0 ? responder->now : time(NULL);
    ASN1_TIME *from = X509_time_adj(NULL, responder->from != 0 ? responder->from : -3600, &now);
    ASN1_TIME *until = X509_time_adj(NULL, responder->until != 0 ? responder->until : 3600, &now);
    ASN1_TIME *revoked = X509_gmtime_adj(NULL, -7200);
    OCSP_SINGLERESP *single = OCSP_basic_add1_status(basic, id, responder->status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
                                                     revoked, from, responder->no_end ? NULL : until);
    cr_assert_not_null(single);
    if (responder->critical) {
        ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
        X509_EXTENSION *extension = NULL;
        cr_assert(ASN1_OCTET_STRING_set(value, (const unsigned char *)"\5\0", 2) == 1);
        ASN1_OBJECT *type = OBJ_txt2obj("1.2.3.4", 1);
        extension = X509_EXTENSION_create_by_OBJ(NULL, type, 1, value);
        cr_assert(OCSP_SINGLERESP_add_ext(single, extension, -1) == 1);
        X509_EXTENSION_free(extension);
        ASN1_OBJECT_free(type);
        ASN1_OCTET_STRING_free(value);
    }
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    ASN1_TIME_free(revoked);
    OCSP_CERTID_free(id);
}

static int nonce_length(OCSP_REQUEST *request)
{
    int at = request != NULL ? OCSP_REQUEST_get_ext_by_NID(request, NID_id_pkix_OCSP_Nonce, -1) : -1;
    if (at < 0)
        return 0;
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(OCSP_REQUEST_get_ext(request, at));
    const unsigned char *der = ASN1_STRING_get0_data(value);
    ASN1_OCTET_STRING *inner = d2i_ASN1_OCTET_STRING(NULL, &der, ASN1_STRING_length(value));
    int length = inner != NULL ? ASN1_STRING_length(inner) : 0;
    ASN1_OCTET_STRING_free(inner);
    return length;
}

static void sign(struct responder *responder, OCSP_BASICRESP *basic)
{
    const struct fetching *rig = responder->rig;
    const struct pki *key = responder->signer == RESPONDER_AUTHORITY ? rig->authority
                            : responder->signer == RESPONDER_SUBJECT ? rig->alice
                                                                     : responder->key;
    cr_assert(OCSP_basic_sign(basic, key->cert, key->key, EVP_sha256(), NULL, 0) == 1);
}

static void append(GByteArray *answer, OCSP_RESPONSE *response, bool damages)
{
    unsigned char *der = NULL;
    int length = i2d_OCSP_RESPONSE(response, &der);
    cr_assert_gt(length, 0);
    if (damages) { /* within the responder's key hash or name, and what was signed is another text */
        unsigned char *tag = memmem(der, (size_t)length, "\x18\x0f", 2);
        cr_assert_not_null(tag);
        tag[2 + 13] ^= 1; /* a digit of producedAt */
    }
    g_byte_array_append(answer, der, (guint)length);
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
}

static void note_question(struct responder *responder, OCSP_REQUEST *request, const char *path)
{
    ASN1_OBJECT *digest = NULL;
    OCSP_ONEREQ *one = request != NULL ? OCSP_request_onereq_get0(request, 0) : NULL;
    if (one != NULL)
        OCSP_id_get0_info(NULL, &digest, NULL, NULL, OCSP_onereq_get0_id(one));
    responder->had_nonce = nonce_length(request);
    responder->digest = OBJ_obj2nid(digest);
    g_strlcpy(responder->path, path, sizeof(responder->path));
}

static void answer_question(void *context, const char *rest, struct slice posted, GByteArray *answer)
{
    struct responder *responder = context;
    g_autofree char *unescaped = g_uri_unescape_string(rest[0] == '/' ? rest + 1 : rest, NULL);
    gsize length = posted.len;
    g_autofree guchar *decoded = posted.len == 0 && unescaped != NULL ? g_base64_decode(unescaped, &length) : NULL;
    const unsigned char *at = decoded != NULL ? decoded : (const unsigned char *)posted.data;
    OCSP_REQUEST *request = d2i_OCSP_REQUEST(NULL, &at, (long)length);
    note_question(responder, request, posted.len == 0 ? rest : "");
    if (responder->text != NULL) {
        g_byte_array_append(answer, (const guint8 *)responder->text, (guint)strlen(responder->text));
        OCSP_REQUEST_free(request);
        return;
    }
    if (responder->error != 0) {
        append(answer, OCSP_response_create(responder->error, NULL), false);
        OCSP_REQUEST_free(request);
        return;
    }
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    make_key(responder);
    add_status(responder, basic);
    if (request != NULL && responder->nonce == RESPONDER_SAME_NONCE)
        OCSP_copy_nonce(basic, request);
    if (responder->nonce == RESPONDER_WRONG_NONCE)
        OCSP_basic_add1_nonce(basic, NULL, 32);
    sign(responder, basic);
    append(answer, OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic), responder->damages);
    OCSP_BASICRESP_free(basic);
    OCSP_REQUEST_free(request);
}

void responder_put(struct responder *responder, const struct fetching *rig, const char *path)
{
    responder->rig = rig;
    web_put(rig->web, path, &(struct web_page){.program = answer_question, .context = responder});
}

GByteArray *responder_answer(struct responder *responder, const struct fetching *rig)
{
    GByteArray *answer = g_byte_array_new();
    responder->rig = rig;
    answer_question(responder, "", SLICE_NONE, answer);
    return answer;
}

void responder_clear(struct responder *responder)
{
    pki_free(responder->key);
    pki_free(responder->other);
    responder->key = responder->other = NULL;
}
