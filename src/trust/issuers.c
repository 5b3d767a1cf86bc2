/* SPDX-License-Identifier: Apache-2.0 */
#include "issuers.h"

#include "keys/keys.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define DOCUMENTS_MAX 256   /* full, it begins anew */
#define CERTIFICATES_MAX 16 /* of one document */

struct issuers {
    GMutex lock;
    GHashTable *documents; /* URL → STACK_OF(X509) * */
};

static void document_free(void *document)
{
    sk_X509_pop_free(document, X509_free);
}

struct issuers *issuers_new(void)
{
    struct issuers *issuers = g_new0(struct issuers, 1);
    g_mutex_init(&issuers->lock);
    issuers->documents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, document_free);
    return issuers;
}

void issuers_free(struct issuers *issuers)
{
    g_hash_table_destroy(issuers->documents);
    g_mutex_clear(&issuers->lock);
    g_free(issuers);
}

STACK_OF(X509) * issuers_read(struct slice document)
{
    struct error ignored = {0};
    owned(x509_stack) STACK_OF(X509) *found = certificates_parse(document, NULL, &ignored);
    owned(x509_stack) STACK_OF(X509) *authorities = sk_X509_new_null();
    for (int i = 0; i < sk_X509_num(found) && sk_X509_num(authorities) < CERTIFICATES_MAX; i++) {
        X509 *each = sk_X509_value(found, i);
        if (X509_check_ca(each) == 1 && !X509_add_cert(authorities, each, X509_ADD_FLAG_UP_REF | X509_ADD_FLAG_NO_DUP))
            return NULL;
    }
    ERR_clear_error();
    return sk_X509_num(authorities) > 0 ? steal(&authorities) : NULL;
}

void issuers_put(struct issuers *issuers, const char *url, STACK_OF(X509) * certificates)
{
    g_mutex_lock(&issuers->lock);
    if (g_hash_table_size(issuers->documents) >= DOCUMENTS_MAX)
        g_hash_table_remove_all(issuers->documents);
    g_hash_table_insert(issuers->documents, g_strdup(url), certificates);
    g_mutex_unlock(&issuers->lock);
}

bool issuers_have(struct issuers *issuers, const char *url)
{
    g_mutex_lock(&issuers->lock);
    bool found = g_hash_table_contains(issuers->documents, url);
    g_mutex_unlock(&issuers->lock);
    return found;
}

static bool may_issue(const STACK_OF(X509) * document, X509 *certificate, time_t at)
{
    for (int i = 0; i < sk_X509_num(document); i++)
        if (X509_check_issued(sk_X509_value(document, i), certificate) == X509_V_OK &&
            certificate_is_current(sk_X509_value(document, i), at))
            return true;
    return false;
}

bool issuers_find(struct issuers *issuers, const char *url, X509 *certificate, time_t at, STACK_OF(X509) * list)
{
    g_mutex_lock(&issuers->lock);
    STACK_OF(X509) *document = g_hash_table_lookup(issuers->documents, url);
    bool found = document != NULL && may_issue(document, certificate, at);
    if (found && list != NULL && !X509_add_certs(list, document, X509_ADD_FLAG_UP_REF | X509_ADD_FLAG_NO_DUP))
        g_error("out of memory");
    g_mutex_unlock(&issuers->lock);
    return found;
}
