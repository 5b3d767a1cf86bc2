/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anchors: the certificates at which a path may end, and those that help to get there.
 *
 * An anchor that is not self-signed is also a helper: the path through it to a self-signed anchor is looked for first,
 * because only in that path can it be revoked.
 */
#include "anchors.h"

#include "revocation.h"

#include <openssl/x509v3.h>

static void list_free(void *data)
{
    g_ptr_array_free(data, TRUE);
}

struct anchors *anchors_new(void)
{
    struct anchors *anchors = g_new0(struct anchors, 1);
    anchors->references = 1;
    anchors->store = X509_STORE_new();
    anchors->list = sk_X509_new_null();
    anchors->roots = sk_X509_new_null();
    anchors->helpers = g_hash_table_new_full(NULL, NULL, NULL, list_free);
    anchors->names = g_hash_table_new_full(NULL, NULL, NULL, list_free);
    if (anchors->store == NULL || anchors->list == NULL || anchors->roots == NULL)
        g_error("out of memory");
    crls_attach(anchors->store);
    return anchors;
}

struct anchors *anchors_ref(const struct anchors *anchors)
{
    struct anchors *shared = (struct anchors *)anchors;
    if (shared != NULL)
        g_atomic_int_inc(&shared->references);
    return shared;
}

void anchors_unref(struct anchors *anchors)
{
    if (anchors == NULL || !g_atomic_int_dec_and_test(&anchors->references))
        return;
    g_free(anchors->unfetched);
    X509_STORE_free(anchors->store);
    sk_X509_pop_free(anchors->list, X509_free);
    sk_X509_pop_free(anchors->roots, X509_free);
    g_hash_table_destroy(anchors->helpers);
    g_hash_table_destroy(anchors->names);
    g_free(anchors);
}

static gpointer name_key(const X509_NAME *name)
{
    return GSIZE_TO_POINTER(X509_NAME_hash_ex(name, NULL, NULL, NULL));
}

/* Those with the certificate's subject. */
static GPtrArray *namesakes(GHashTable *table, const X509 *certificate, GDestroyNotify destroy)
{
    gpointer key = name_key(X509_get_subject_name(certificate));
    GPtrArray *list = g_hash_table_lookup(table, key);
    if (list == NULL) {
        list = g_ptr_array_new_with_free_func(destroy);
        g_hash_table_insert(table, key, list);
    }
    return list;
}

bool anchors_add_helper(struct anchors *anchors, X509 *certificate)
{
    GPtrArray *list = namesakes(anchors->helpers, certificate, (GDestroyNotify)X509_free);
    if (!X509_up_ref(certificate))
        return false;
    g_ptr_array_add(list, certificate);
    return true;
}

bool anchors_add(struct anchors *anchors, X509 *certificate)
{
    if (X509_STORE_add_cert(anchors->store, certificate) != 1 ||
        X509_add_cert(anchors->list, certificate, X509_ADD_FLAG_UP_REF) != 1)
        return false;
    g_ptr_array_add(namesakes(anchors->names, certificate, NULL), certificate);
    if (X509_self_signed(certificate, 0) == 1)
        return X509_add_cert(anchors->roots, certificate, X509_ADD_FLAG_UP_REF) == 1;
    return anchors_add_helper(anchors, certificate);
}

const GPtrArray *anchors_named(const struct anchors *anchors, const X509_NAME *name)
{
    return g_hash_table_lookup(anchors->names, name_key(name));
}

bool anchors_have(const struct anchors *anchors, const X509 *certificate)
{
    const GPtrArray *found = anchors_named(anchors, X509_get_subject_name(certificate));
    for (guint i = 0; found != NULL && i < found->len; i++)
        if (X509_cmp(g_ptr_array_index(found, i), certificate) == 0)
            return true;
    return false;
}

bool anchors_issue(const struct anchors *anchors, X509 *certificate)
{
    const GPtrArray *found = anchors_named(anchors, X509_get_issuer_name(certificate));
    for (guint i = 0; found != NULL && i < found->len; i++)
        if (X509_check_issued(g_ptr_array_index(found, i), certificate) == X509_V_OK)
            return true;
    return false;
}

bool anchors_add_named(const struct anchors *anchors, const X509_NAME *subject, STACK_OF(X509) * list)
{
    const GPtrArray *found = g_hash_table_lookup(anchors->helpers, name_key(subject));
    for (guint i = 0; found != NULL && i < found->len; i++)
        if (!X509_add_cert(list, g_ptr_array_index(found, i), X509_ADD_FLAG_UP_REF | X509_ADD_FLAG_NO_DUP))
            return false;
    return true;
}

static bool add_above(const struct anchors *anchors, const X509 *certificate, STACK_OF(X509) * list)
{
    return anchors_add_named(anchors, X509_get_issuer_name(certificate), list);
}

STACK_OF(X509) * anchors_help(const struct anchors *anchors, const X509 *leaf, STACK_OF(X509) * untrusted)
{
    owned(x509_stack) STACK_OF(X509) *list = sk_X509_new_null();
    if (list == NULL || !X509_add_certs(list, untrusted, X509_ADD_FLAG_UP_REF) || !add_above(anchors, leaf, list))
        return NULL;
    for (int i = 0; i < sk_X509_num(list); i++) /* what is added has an issuer, too */
        if (!add_above(anchors, sk_X509_value(list, i), list))
            return NULL;
    return steal(&list);
}
