/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_keys: makes keys in tokens, and lists those that are there.
 *
 * A new key is sensitive and cannot be extracted: who wants a copy on a second token makes it with the tools of the
 * token's maker. It decrypts only if it is for that. Each signs, because a certificate request is signed by its key.
 */
#include "keys/token_keys.h"

#include "key_holder.h"
#include "token_object.h"

#include <openssl/objects.h>
#include <openssl/rand.h>
#include <string.h>

#define ID_SIZE 8
#define ED25519_NAME "edwards25519"

/* --- the list --- */

static char *uses_of(const struct held_key *key)
{
    static const char *const names[KEY_SCHEMES] = {[KEY_SIGN_RSA_PKCS1] = "signs RSA PKCS #1",
                                                   [KEY_SIGN_RSA_PSS] = "signs RSA-PSS",
                                                   [KEY_SIGN_ECDSA] = "signs ECDSA",
                                                   [KEY_SIGN_EDDSA] = "signs EdDSA",
                                                   [KEY_DECRYPT_RSA_PKCS1] = "decrypts RSA PKCS #1",
                                                   [KEY_DECRYPT_RSA_OAEP] = "decrypts RSA-OAEP",
                                                   [KEY_DERIVE] = "agrees ECDH"};
    GString *words = g_string_new(NULL);
    for (unsigned i = 0; i < KEY_SCHEMES; i++)
        if ((key->can & KEY_CAN(i)) != 0)
            g_string_append_printf(words, "%s%s", words->len > 0 ? ", " : "", names[i]);
    return g_string_free(words, FALSE);
}

static struct token_listing *listing_of(struct held_key *held)
{
    struct token_listing *listing = g_new0(struct token_listing, 1);
    listing->uri = g_strconcat("pkcs11:", held->location, NULL);
    listing->uses = uses_of(held);
    listing->note = steal(&held->note);
    listing->public_key = steal(&held->public_key);
    held_key_clear(held);
    g_free(held);
    return listing;
}

/* Checks the URI; the result is what key_holder_pkcs11 wants. Lent by uri. */
static const char *location_of(const char *uri, struct error *error)
{
    owned(token_uri) P11KitUri *parsed = token_uri_parse(uri, error);
    return parsed != NULL ? uri + strlen("pkcs11:") : NULL;
}

struct token_listing **token_keys_list(const char *uri, struct error *error)
{
    void *state = NULL;
    const char *location = location_of(uri, error);
    if (location == NULL || !key_holder_pkcs11.open(location, NULL, &state, error))
        return NULL;
    struct held_key **held = key_holder_pkcs11.list(state, location, NULL, error);
    key_holder_pkcs11.close(state);
    if (held == NULL)
        return NULL;
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    for (struct held_key **each = held; *each != NULL; each++)
        g_ptr_array_add(list, listing_of(*each));
    g_free(held);
    g_ptr_array_add(list, NULL);
    return (struct token_listing **)g_ptr_array_free(steal(&list), FALSE);
}

void token_listings_free(struct token_listing **list)
{
    for (struct token_listing **each = list; each != NULL && *each != NULL; each++) {
        EVP_PKEY_free((*each)->public_key);
        g_free((*each)->uri);
        g_free((*each)->uses);
        g_free((*each)->note);
        g_free(*each);
    }
    g_free(list);
}

char **token_keys_refused_pins(const char *folder)
{
    return secret_refusal_list(folder);
}

/* --- a new key --- */

/* Which key a token shall make. */
struct order {
    const char *label;
    GBytes *id;
    unsigned bits;
    const char *group; /* NULL: RSA */
    bool decrypts;
};

/* The DER of a curve, as CKA_EC_PARAMS has it; OPENSSL_free() it. 0: unknown. */
static size_t curve_of(const char *group, unsigned char **der)
{
    int length = -1;
    if (g_ascii_strcasecmp(group, "ED25519") == 0) {
        ASN1_STRING *name = ASN1_STRING_type_new(V_ASN1_PRINTABLESTRING);
        if (name != NULL && ASN1_STRING_set(name, ED25519_NAME, -1))
            length = i2d_ASN1_PRINTABLESTRING(name, der);
        ASN1_STRING_free(name);
    } else {
        owned(ASN1_OBJECT) ASN1_OBJECT *curve = OBJ_txt2obj(group, 0);
        length = curve != NULL ? i2d_ASN1_OBJECT(curve, der) : -1;
    }
    return length > 0 ? (size_t)length : 0;
}

static CK_RV generate_with(const struct token *token, CK_SESSION_HANDLE session, const struct order *order,
                           CK_MECHANISM_TYPE type, CK_ATTRIBUTE kind[2])
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE, decrypts = order->decrypts && order->group == NULL,
             agrees = order->decrypts && order->group != NULL;
    gsize length = 0;
    void *id = (void *)g_bytes_get_data(order->id, &length), *label = (void *)order->label;
    CK_ATTRIBUTE public[] = {{CKA_TOKEN, &yes, sizeof(yes)},
                             {CKA_LABEL, label, strlen(label)},
                             {CKA_ID, id, length},
                             {CKA_VERIFY, &yes, sizeof(yes)},
                             {CKA_ENCRYPT, &decrypts, sizeof(decrypts)},
                             kind[0],
                             kind[1]};
    CK_ATTRIBUTE private[] = {{CKA_TOKEN, &yes, sizeof(yes)},       {CKA_PRIVATE, &yes, sizeof(yes)},
                              {CKA_SENSITIVE, &yes, sizeof(yes)},   {CKA_EXTRACTABLE, &no, sizeof(no)},
                              {CKA_LABEL, label, strlen(label)},    {CKA_ID, id, length},
                              {CKA_SIGN, &yes, sizeof(yes)},        {CKA_DECRYPT, &decrypts, sizeof(decrypts)},
                              {CKA_DERIVE, &agrees, sizeof(agrees)}};
    CK_OBJECT_HANDLE first = 0, second = 0;
    CK_ULONG count = G_N_ELEMENTS(public) - (kind[1].ulValueLen == 0 ? 1 : 0);
    return token->module.call->C_GenerateKeyPair(session, &mechanism, public, count, private, G_N_ELEMENTS(private),
                                                 &first, &second);
}

static CK_RV generate(const struct token *token, CK_SESSION_HANDLE session, const struct order *order)
{
    CK_ULONG bits = order->bits;
    unsigned char exponent[] = {1, 0, 1}, *der = NULL;
    if (order->group == NULL) {
        CK_ATTRIBUTE kind[2] = {{CKA_MODULUS_BITS, &bits, sizeof(bits)},
                                {CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent)}};
        return generate_with(token, session, order, CKM_RSA_PKCS_KEY_PAIR_GEN, kind);
    }
    size_t length = curve_of(order->group, &der);
    CK_ATTRIBUTE kind[2] = {{CKA_EC_PARAMS, der, length}};
    bool is_edwards = g_ascii_strcasecmp(order->group, "ED25519") == 0;
    CK_RV code = length == 0 ? CKR_CURVE_NOT_SUPPORTED
                             : generate_with(token, session, order,
                                             is_edwards ? CKM_EC_EDWARDS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, kind);
    OPENSSL_free(der);
    return code;
}

static bool is_free(struct token *token, CK_SESSION_HANDLE session, const P11KitUri *uri, struct error *error)
{
    CK_RV code;
    g_autoptr(GPtrArray) objects = token_objects(token, session, uri, &code, error);
    if (objects == NULL || objects->len == 0)
        return objects != NULL;
    return error_set(error, ERROR_CONFIGURATION, "the token has such a key already; choose another object");
}

static bool make(struct token *token, const P11KitUri *uri, const struct order *order, struct error *error)
{
    struct token_session session;
    if (token_take(token, &session, error) != CKR_OK)
        return false;
    bool good = is_free(token, session.handle, uri, error);
    CK_RV code = good ? generate(token, session.handle, order) : CKR_OK;
    token_drop(token, &session);
    return good && (code == CKR_OK || token_code_fails(code, "the token cannot make such a key", error));
}

/* Takes label and id from the URI, or puts them into it. */
static bool name_key(P11KitUri *uri, const char *label, struct order *order, char **own_label)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    unsigned char random[ID_SIZE];
    CK_ATTRIBUTE new_label = {CKA_LABEL, (void *)label, strlen(label)}, new_id = {CKA_ID, random, sizeof(random)},
                 type = {CKA_CLASS, &class, sizeof(class)};
    if (p11_kit_uri_get_attribute(uri, CKA_LABEL) == NULL)
        p11_kit_uri_set_attribute(uri, &new_label);
    if (p11_kit_uri_get_attribute(uri, CKA_ID) == NULL && RAND_bytes(random, sizeof(random)) == 1)
        p11_kit_uri_set_attribute(uri, &new_id);
    p11_kit_uri_set_attribute(uri, &type);
    const CK_ATTRIBUTE *label_now = p11_kit_uri_get_attribute(uri, CKA_LABEL);
    const CK_ATTRIBUTE *id_now = p11_kit_uri_get_attribute(uri, CKA_ID);
    if (label_now == NULL || id_now == NULL)
        return false;
    order->label = *own_label = g_strndup(label_now->pValue, label_now->ulValueLen);
    order->id = g_bytes_new(id_now->pValue, id_now->ulValueLen);
    return true;
}

/* A name that another key has is refused whatever its id. */
static P11KitUri *by_label(const char *label, struct error *error)
{
    P11KitUri *uri = p11_kit_uri_new();
    CK_ATTRIBUTE attribute = {CKA_LABEL, (void *)label, strlen(label)};
    if (uri == NULL || p11_kit_uri_set_attribute(uri, &attribute) != P11_KIT_URI_OK)
        error_set(error, ERROR_TEMPORARY, "out of memory");
    return uri;
}

char *token_keys_new(const char *text, const char *label, unsigned bits, const char *group, enum token_purpose purpose,
                     struct error *error)
{
    owned(token_uri) P11KitUri *uri = token_uri_parse(text, error);
    if (uri == NULL)
        return NULL;
    owned(token) struct token *token = token_open(uri, NULL, true, error);
    g_autofree char *pin_file = token_uri_pin_file(uri), *own_label = NULL;
    struct order order = {.bits = bits, .group = group, .decrypts = purpose == TOKEN_DECRYPTS};
    if (token == NULL)
        return NULL;
    token_set_pin_file(token, pin_file);
    bool good = name_key(uri, label, &order, &own_label) || error_set(error, ERROR_TEMPORARY, "out of memory");
    owned(token_uri) P11KitUri *same = good ? by_label(own_label, error) : NULL;
    good = same != NULL && make(token, same, &order, error);
    char *whole = NULL;
    if (good && p11_kit_uri_format(uri, P11_KIT_URI_FOR_ANY, &whole) != P11_KIT_URI_OK)
        error_set(error, ERROR_TEMPORARY, "out of memory");
    char *result = g_strdup(whole);
    free(whole);
    if (order.id != NULL)
        g_bytes_unref(order.id);
    return result;
}
