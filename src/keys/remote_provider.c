/* SPDX-License-Identifier: Apache-2.0 */
#include "remote_provider.h"

#include "remote_key.h"

#include <openssl/err.h>
#include <openssl/provider.h>

#define NAME "domsec"

static void unquery(void *context)
{
    (void)context;
}

static const OSSL_ALGORITHM *query(void *context, int operation, int *no_cache)
{
    (void)context;
    *no_cache = 0;
    switch (operation) {
    case OSSL_OP_KEYMGMT:
        return remote_keymgmt;
    case OSSL_OP_SIGNATURE:
        return remote_signatures;
    case OSSL_OP_ASYM_CIPHER:
        return remote_ciphers;
    case OSSL_OP_KEYEXCH:
        return remote_exchanges;
    default:
        return NULL;
    }
}

static const OSSL_DISPATCH provider[] = {
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
    {OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))unquery},
    {0, NULL},
};

static int initialise(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
                      void **context)
{
    (void)in;
    *out = provider;
    *context = (void *)handle;
    return 1;
}

/* Made once, for the life of the process: keys refer to it. */
static OSSL_LIB_CTX *library_context(void)
{
    static gsize once;
    if (g_once_init_enter(&once)) {
        OSSL_LIB_CTX *made = OSSL_LIB_CTX_new();
        if (made != NULL &&
            (!OSSL_PROVIDER_add_builtin(made, NAME, initialise) || OSSL_PROVIDER_load(made, NAME) == NULL)) {
            OSSL_LIB_CTX_free(made);
            made = NULL;
        }
        g_once_init_leave(&once, made != NULL ? (gsize)made : (gsize)-1);
    }
    return once != (gsize)-1 ? (OSSL_LIB_CTX *)once : NULL;
}

static EVP_PKEY *wrap(struct linked_key *key, struct error *error)
{
    OSSL_LIB_CTX *library = library_context();
    const char *type = EVP_PKEY_get0_type_name(linked_key_public(key));
    struct remote_key_reference reference = {key};
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_octet_string(REMOTE_KEY_PARAM, &reference, sizeof(reference)),
                               OSSL_PARAM_END};
    EVP_PKEY *made = NULL;
    owned(EVP_PKEY_CTX) EVP_PKEY_CTX *context =
        library != NULL && type != NULL ? EVP_PKEY_CTX_new_from_name(library, type, REMOTE_PROPERTIES) : NULL;
    if (context == NULL || EVP_PKEY_fromdata_init(context) <= 0 ||
        EVP_PKEY_fromdata(context, &made, EVP_PKEY_KEYPAIR, parameters) <= 0)
        error_set_openssl(error, ERROR_CONFIGURATION, "a key of type %s cannot be used",
                          type != NULL ? type : "unknown");
    return made;
}

EVP_PKEY *remote_provider_load(struct key_link *link, const char *location, const char *secret_file, EVP_PKEY *expected,
                               struct error *error)
{
    owned(linked_key) struct linked_key *key = key_link_find(link, location, secret_file, expected, error);
    return key != NULL ? wrap(key, error) : NULL;
}
