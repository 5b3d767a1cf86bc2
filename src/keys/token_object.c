/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_object: finds private keys, and the public key of each.
 *
 * An RSA key shows its public half itself. That of another key is in a public key object with the same id, or in a
 * certificate with it. A key that shows neither cannot be compared with the certificate of an identity, so it is not
 * used.
 */
#include "token_object.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <string.h>

#define OBJECTS_MAX 4096
#define VALUE_MAX 65536

DECLARE_OWNED(params, OSSL_PARAM *, OSSL_PARAM_free)
DECLARE_OWNED(builder, OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free)

void token_object_clear(struct token_object *object)
{
    if (object->id != NULL)
        g_bytes_unref(object->id);
    g_free(object->label);
    EVP_PKEY_free(object->public_key);
    *object = (struct token_object){0};
}

static void free_object(gpointer object)
{
    token_object_clear(object);
    g_free(object);
}

/* --- attributes --- */

/* NULL: the object does not have or show it. */
static GBytes *read_value(const struct token *token, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                          CK_ATTRIBUTE_TYPE type)
{
    CK_ATTRIBUTE attribute = {type, NULL, 0};
    if (token->module.call->C_GetAttributeValue(session, object, &attribute, 1) != CKR_OK ||
        attribute.ulValueLen > VALUE_MAX)
        return NULL;
    unsigned char *value = g_malloc0(attribute.ulValueLen + 1);
    attribute.pValue = value;
    CK_RV code = token->module.call->C_GetAttributeValue(session, object, &attribute, 1);
    if (code == CKR_OK && attribute.ulValueLen <= VALUE_MAX)
        return g_bytes_new_take(value, attribute.ulValueLen);
    g_free(value);
    return NULL;
}

static CK_RV find_all(const struct token *token, CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count,
                      GArray *handles)
{
    CK_OBJECT_HANDLE each[64];
    CK_ULONG found = 0;
    CK_RV code = token->module.call->C_FindObjectsInit(session, template, count);
    if (code != CKR_OK)
        return code;
    do {
        code = token->module.call->C_FindObjects(session, each, G_N_ELEMENTS(each), &found);
        if (code == CKR_OK)
            g_array_append_vals(handles, each, (guint)MIN(found, G_N_ELEMENTS(each)));
    } while (code == CKR_OK && found > 0 && handles->len < OBJECTS_MAX);
    (void)token->module.call->C_FindObjectsFinal(session);
    return code;
}

/* The first object of a class with that id; 0: no such object. */
static CK_OBJECT_HANDLE find_beside(const struct token *token, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class,
                                    GBytes *id)
{
    gsize length = 0;
    const void *octets = g_bytes_get_data(id, &length);
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof(class)}, {CKA_ID, (void *)octets, length}};
    g_autoptr(GArray) handles = g_array_new(FALSE, FALSE, sizeof(CK_OBJECT_HANDLE));
    if (length == 0 || find_all(token, session, template, G_N_ELEMENTS(template), handles) != CKR_OK ||
        handles->len == 0)
        return 0;
    return g_array_index(handles, CK_OBJECT_HANDLE, 0);
}

/* --- public keys --- */

static EVP_PKEY *make_key(const char *type, OSSL_PARAM_BLD *builder)
{
    EVP_PKEY *key = NULL;
    owned(params) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return NULL;
    return key;
}

static EVP_PKEY *rsa_key(const struct token *token, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    g_autoptr(GBytes) modulus = read_value(token, session, object, CKA_MODULUS);
    g_autoptr(GBytes) exponent = read_value(token, session, object, CKA_PUBLIC_EXPONENT);
    owned(builder) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (modulus == NULL || exponent == NULL || builder == NULL)
        return NULL;
    gsize n_length = 0, e_length = 0;
    const unsigned char *n = g_bytes_get_data(modulus, &n_length), *e = g_bytes_get_data(exponent, &e_length);
    owned(BIGNUM) BIGNUM *n_number = BN_bin2bn(n, (int)n_length, NULL);
    owned(BIGNUM) BIGNUM *e_number = BN_bin2bn(e, (int)e_length, NULL);
    if (n_number == NULL || e_number == NULL || BN_is_zero(n_number) || BN_is_zero(e_number) ||
        !OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n_number) ||
        !OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e_number))
        return NULL;
    return make_key("RSA", builder);
}

const char *token_group_name(const unsigned char *der, size_t length)
{
    const unsigned char *at = der;
    owned(ASN1_OBJECT) ASN1_OBJECT *curve = d2i_ASN1_OBJECT(NULL, &at, (long)length);
    int nid = curve != NULL ? OBJ_obj2nid(curve) : NID_undef;
    ERR_clear_error();
    return nid != NID_undef ? OBJ_nid2sn(nid) : NULL;
}

/* A point is in an OCTET STRING, but some tokens leave that out. */
static EVP_PKEY *point_key(const char *type, const char *group, GBytes *value)
{
    gsize length = 0;
    const unsigned char *octets = g_bytes_get_data(value, &length), *at = octets;
    ASN1_OCTET_STRING *wrapped = d2i_ASN1_OCTET_STRING(NULL, &at, (long)length);
    bool is_wrapped = wrapped != NULL && at == octets + length;
    const unsigned char *point = is_wrapped ? ASN1_STRING_get0_data(wrapped) : octets;
    size_t point_length = is_wrapped ? (size_t)ASN1_STRING_length(wrapped) : length;
    EVP_PKEY *key = NULL;
    owned(builder) OSSL_PARAM_BLD *builder = group != NULL ? OSSL_PARAM_BLD_new() : NULL;
    if (group == NULL)
        key = EVP_PKEY_new_raw_public_key_ex(NULL, type, NULL, point, point_length);
    else if (builder != NULL && OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) &&
             OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, point_length))
        key = make_key(type, builder);
    ASN1_OCTET_STRING_free(wrapped);
    return key;
}

static EVP_PKEY *ec_key(const struct token *token, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_KEY_TYPE type)
{
    g_autoptr(GBytes) point = read_value(token, session, object, CKA_EC_POINT);
    g_autoptr(GBytes) curve = read_value(token, session, object, CKA_EC_PARAMS);
    if (point == NULL || curve == NULL)
        return NULL;
    if (type == CKK_EC_EDWARDS) /* Ed448 has 57 octets */
        return point_key(g_bytes_get_size(point) < 50 ? "ED25519" : "ED448", NULL, point);
    gsize length = 0;
    const unsigned char *der = g_bytes_get_data(curve, &length);
    const char *group = token_group_name(der, length);
    return group != NULL ? point_key("EC", group, point) : NULL;
}

static EVP_PKEY *certificate_key(const struct token *token, CK_SESSION_HANDLE session, GBytes *id)
{
    CK_OBJECT_HANDLE object = find_beside(token, session, CKO_CERTIFICATE, id);
    g_autoptr(GBytes) value = object != 0 ? read_value(token, session, object, CKA_VALUE) : NULL;
    gsize length = 0;
    const unsigned char *at = value != NULL ? g_bytes_get_data(value, &length) : NULL;
    owned(X509) X509 *certificate = at != NULL ? d2i_X509(NULL, &at, (long)length) : NULL;
    return certificate != NULL ? X509_get_pubkey(certificate) : NULL;
}

static EVP_PKEY *read_public_key(const struct token *token, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                                 GBytes *id)
{
    CK_KEY_TYPE type = CK_UNAVAILABLE_INFORMATION;
    CK_ATTRIBUTE attribute = {CKA_KEY_TYPE, &type, sizeof(type)};
    EVP_PKEY *key = NULL;
    if (token->module.call->C_GetAttributeValue(session, object, &attribute, 1) != CKR_OK)
        return NULL;
    CK_OBJECT_HANDLE beside = find_beside(token, session, CKO_PUBLIC_KEY, id);
    if (type == CKK_RSA)
        key = rsa_key(token, session, object);
    else if ((type == CKK_EC || type == CKK_EC_EDWARDS) && beside != 0)
        key = ec_key(token, session, beside, type);
    if (key == NULL)
        key = certificate_key(token, session, id);
    ERR_clear_error();
    return key;
}

/* --- private keys --- */

static struct token_object *read_object(const struct token *token, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle)
{
    struct token_object *object = g_new0(struct token_object, 1);
    g_autoptr(GBytes) label = read_value(token, session, handle, CKA_LABEL);
    g_autoptr(GBytes) each_time = read_value(token, session, handle, CKA_ALWAYS_AUTHENTICATE);
    gsize length = 0;
    const char *text = label != NULL ? g_bytes_get_data(label, &length) : "";
    object->handle = handle;
    object->label = g_strndup(text, length);
    object->id = read_value(token, session, handle, CKA_ID);
    if (object->id == NULL)
        object->id = g_bytes_new(NULL, 0);
    const unsigned char *flag = each_time != NULL ? g_bytes_get_data(each_time, &length) : NULL;
    object->asks_each_time = flag != NULL && length > 0 && flag[0] == CK_TRUE;
    object->public_key = read_public_key(token, session, handle, object->id);
    return object;
}

GPtrArray *token_objects(struct token *token, CK_SESSION_HANDLE session, const P11KitUri *uri, CK_RV *code,
                         struct error *error)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template[3] = {{CKA_CLASS, &class, sizeof(class)}};
    CK_ULONG count = 1;
    const CK_ATTRIBUTE *id = p11_kit_uri_get_attribute((P11KitUri *)uri, CKA_ID);
    const CK_ATTRIBUTE *label = p11_kit_uri_get_attribute((P11KitUri *)uri, CKA_LABEL);
    if (id != NULL)
        template[count++] = *id;
    if (label != NULL)
        template[count++] = *label;
    g_autoptr(GArray) handles = g_array_new(FALSE, FALSE, sizeof(CK_OBJECT_HANDLE));
    *code = find_all(token, session, template, count, handles);
    if (*code != CKR_OK) {
        token_code_fails(*code, "C_FindObjects", error);
        return NULL;
    }
    GPtrArray *objects = g_ptr_array_new_with_free_func(free_object);
    for (guint i = 0; i < handles->len; i++)
        g_ptr_array_add(objects, read_object(token, session, g_array_index(handles, CK_OBJECT_HANDLE, i)));
    return objects;
}

CK_RV token_object_handle(struct token *token, CK_SESSION_HANDLE session, const struct token_object *object,
                          CK_OBJECT_HANDLE *handle)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    gsize length = 0;
    const void *id = g_bytes_get_data(object->id, &length);
    CK_ATTRIBUTE template[3] = {{CKA_CLASS, &class, sizeof(class)}};
    CK_ULONG count = 1;
    if (object->label[0] != '\0')
        template[count++] = (CK_ATTRIBUTE){CKA_LABEL, object->label, strlen(object->label)};
    if (length > 0)
        template[count++] = (CK_ATTRIBUTE){CKA_ID, (void *)id, length};
    g_autoptr(GArray) handles = g_array_new(FALSE, FALSE, sizeof(CK_OBJECT_HANDLE));
    CK_RV code = find_all(token, session, template, count, handles);
    if (code != CKR_OK)
        return code;
    if (handles->len != 1)
        return CKR_OBJECT_HANDLE_INVALID;
    *handle = g_array_index(handles, CK_OBJECT_HANDLE, 0);
    return CKR_OK;
}

static bool add_attribute(P11KitUri *uri, CK_ATTRIBUTE_TYPE type, const void *value, size_t length)
{
    CK_ATTRIBUTE attribute = {type, (void *)value, length};
    return length == 0 || p11_kit_uri_set_attribute(uri, &attribute) == P11_KIT_URI_OK;
}

char *token_object_location(const struct token *token, const struct token_object *object)
{
    owned(token_uri) P11KitUri *uri = p11_kit_uri_new();
    CK_TOKEN_INFO information = {0};
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    gsize length = 0;
    const void *id = g_bytes_get_data(object->id, &length);
    char *text = NULL;
    if (uri == NULL || token->module.call->C_GetTokenInfo(token->slot, &information) != CKR_OK)
        return NULL;
    CK_TOKEN_INFO *shown = p11_kit_uri_get_token_info(uri);
    memcpy(shown->label, information.label, sizeof(shown->label));
    memcpy(shown->serialNumber, information.serialNumber, sizeof(shown->serialNumber));
    p11_kit_uri_set_module_path(uri, p11_kit_uri_get_module_path(token->uri));
    p11_kit_uri_set_module_name(uri, p11_kit_uri_get_module_name(token->uri));
    p11_kit_uri_set_vendor_query(uri, TOKEN_URI_PARAMETERS, token_uri_parameters(token->uri));
    if (!add_attribute(uri, CKA_CLASS, &class, sizeof(class)) || !add_attribute(uri, CKA_ID, id, length) ||
        !add_attribute(uri, CKA_LABEL, object->label, strlen(object->label)) ||
        p11_kit_uri_format(uri, P11_KIT_URI_FOR_ANY, &text) != P11_KIT_URI_OK)
        return NULL;
    char *location = strdup(text + strlen("pkcs11:"));
    free(text);
    return location;
}
