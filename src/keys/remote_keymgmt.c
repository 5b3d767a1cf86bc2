/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote_keymgmt: what kinds of keys the provider knows, and what may be asked of them. Everything but the private half
 * is answered by the public one, an ordinary EVP_PKEY of OpenSSL's own provider.
 */
#include "remote_key.h"

#include <string.h>

static void *key_new(const char *type)
{
    struct remote_key *key = g_new0(struct remote_key, 1);
    key->references = 1;
    key->type = type;
    return key;
}

static void key_free(void *data)
{
    remote_key_unref(data);
}

/* For the side that agrees with ours: a key of the same group without a point (EVP_PKEY_copy_parameters()). */
static EVP_PKEY *parameters_of(EVP_PKEY *key)
{
    owned(EVP_PKEY) EVP_PKEY *copy = EVP_PKEY_new();
    return copy != NULL && EVP_PKEY_copy_parameters(copy, key) > 0 ? steal(&copy) : NULL;
}

static void *key_dup(const void *data, int selection)
{
    const struct remote_key *from = data;
    owned(remote_key) struct remote_key *key = key_new(from->type);
    if (from->public_half != NULL)
        key->public_half = (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0 ? EVP_PKEY_dup(from->public_half)
                                                                             : parameters_of(from->public_half);
    if (from->public_half != NULL && key->public_half == NULL)
        return NULL;
    if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 && from->linked != NULL)
        key->linked = linked_key_ref(from->linked);
    return steal(&key);
}

static int key_has(const void *data, int selection)
{
    const struct remote_key *key = data;
    if (key == NULL || ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 && key->linked == NULL))
        return 0;
    return (selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0 || key->public_half != NULL;
}

static int key_match(const void *one, const void *other, int selection)
{
    const struct remote_key *left = one, *right = other;
    if (left->public_half == NULL || right->public_half == NULL)
        return 0;
    if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0)
        return EVP_PKEY_parameters_eq(left->public_half, right->public_half) == 1;
    return EVP_PKEY_eq(left->public_half, right->public_half) == 1;
}

static int key_validate(const void *data, int selection, int check)
{
    const struct remote_key *key = data;
    (void)check;
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key->public_half, NULL);
    if (context == NULL)
        return 0;
    if ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0)
        return EVP_PKEY_param_check(context) > 0;
    return EVP_PKEY_public_check(context) > 0;
}

/* A linked key by its address, or the public half of any key in OpenSSL's parameters. */
static int key_import(void *data, int selection, const OSSL_PARAM parameters[])
{
    struct remote_key *key = data;
    const OSSL_PARAM *address = OSSL_PARAM_locate_const(parameters, REMOTE_KEY_PARAM);
    if (key == NULL || key->public_half != NULL)
        return 0;
    struct remote_key_reference reference;
    if (address != NULL && address->data_size == sizeof(reference)) {
        memcpy(&reference, address->data, sizeof(reference));
        key->public_half = linked_key_public(reference.key);
        if (!EVP_PKEY_up_ref(key->public_half))
            return 0;
        key->linked = linked_key_ref(reference.key);
        return 1;
    }
    (void)selection;
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, key->type, NULL);
    return context != NULL && EVP_PKEY_fromdata_init(context) > 0 &&
           EVP_PKEY_fromdata(context, &key->public_half, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)parameters) > 0;
}

/* OpenSSL's own provider would take an operation over if it got a key that looks complete. */
static int key_export(void *data, int selection, OSSL_CALLBACK *callback, void *context)
{
    const struct remote_key *key = data;
    if (key == NULL || key->public_half == NULL || (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0)
        return 0;
    return EVP_PKEY_export(key->public_half, selection, callback, context);
}

/* Enough for OpenSSL to see that there is something to exchange. */
static const OSSL_PARAM *key_types(int selection)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_octet_string(REMOTE_KEY_PARAM, NULL, 0),
        OSSL_PARAM_END,
    };
    return (selection & OSSL_KEYMGMT_SELECT_ALL) != 0 ? types : NULL;
}

static int key_get(void *data, OSSL_PARAM parameters[])
{
    const struct remote_key *key = data;
    return key->public_half != NULL && EVP_PKEY_get_params(key->public_half, parameters) > 0;
}

static const OSSL_PARAM *key_gettable(void *context)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)context;
    return list;
}

/* CMS gives the other side's point to a copy of our parameters. */
static int key_set(void *data, const OSSL_PARAM parameters[])
{
    struct remote_key *key = data;
    if (parameters == NULL || parameters[0].key == NULL)
        return 1;
    return key->linked == NULL && key->public_half != NULL &&
           EVP_PKEY_set_params(key->public_half, (OSSL_PARAM *)parameters) > 0;
}

static const OSSL_PARAM *key_settable(void *context)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
        OSSL_PARAM_END,
    };
    (void)context;
    return list;
}

static const char *operation_of_pss(int operation)
{
    (void)operation;
    return "RSA";
}

static const char *operation_of_ec(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "ECDSA" : operation == OSSL_OP_KEYEXCH ? "ECDH" : "EC";
}

#define FUNCTION(id, function)                                                                                         \
    {                                                                                                                  \
        id, (void (*)(void))(function)                                                                                 \
    }

#define KIND(name, type, ...)                                                                                          \
    static void *new_##name(void *context)                                                                             \
    {                                                                                                                  \
        (void)context;                                                                                                 \
        return key_new(type);                                                                                          \
    }                                                                                                                  \
    static const OSSL_DISPATCH kind_##name[] = {                                                                       \
        FUNCTION(OSSL_FUNC_KEYMGMT_NEW, new_##name),                                                                   \
        FUNCTION(OSSL_FUNC_KEYMGMT_FREE, key_free),                                                                    \
        FUNCTION(OSSL_FUNC_KEYMGMT_DUP, key_dup),                                                                      \
        FUNCTION(OSSL_FUNC_KEYMGMT_HAS, key_has),                                                                      \
        FUNCTION(OSSL_FUNC_KEYMGMT_MATCH, key_match),                                                                  \
        FUNCTION(OSSL_FUNC_KEYMGMT_VALIDATE, key_validate),                                                            \
        FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT, key_import),                                                                \
        FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_types),                                                           \
        FUNCTION(OSSL_FUNC_KEYMGMT_EXPORT, key_export),                                                                \
        FUNCTION(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, key_types),                                                           \
        FUNCTION(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get),                                                               \
        FUNCTION(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable),                                                     \
        FUNCTION(OSSL_FUNC_KEYMGMT_SET_PARAMS, key_set),                                                               \
        FUNCTION(OSSL_FUNC_KEYMGMT_SETTABLE_PARAMS, key_settable),                                                     \
        __VA_ARGS__{0, NULL},                                                                                          \
    };

#define QUERY(function) FUNCTION(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, function),

KIND(rsa, "RSA", )
KIND(pss, "RSA-PSS", QUERY(operation_of_pss))
KIND(ec, "EC", QUERY(operation_of_ec))
KIND(ed25519, "ED25519", )
KIND(ed448, "ED448", )
KIND(x25519, "X25519", )
KIND(x448, "X448", )

/* With the names that OpenSSL gives them, so that a key is_a() what its certificate says. */
const OSSL_ALGORITHM remote_keymgmt[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", REMOTE_PROPERTIES, kind_rsa, NULL},
    {"RSA-PSS:RSASSA-PSS:1.2.840.113549.1.1.10", REMOTE_PROPERTIES, kind_pss, NULL},
    {"EC:id-ecPublicKey:1.2.840.10045.2.1", REMOTE_PROPERTIES, kind_ec, NULL},
    {"ED25519:1.3.101.112", REMOTE_PROPERTIES, kind_ed25519, NULL},
    {"ED448:1.3.101.113", REMOTE_PROPERTIES, kind_ed448, NULL},
    {"X25519:1.3.101.110", REMOTE_PROPERTIES, kind_x25519, NULL},
    {"X448:1.3.101.111", REMOTE_PROPERTIES, kind_x448, NULL},
    {NULL, NULL, NULL, NULL},
};
