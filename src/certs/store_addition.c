/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_addition: a certificate as the store takes it, with the names under which it will be looked up. An authority is
 * looked up to complete paths, and not to encrypt to it.
 */
#include "index_names.h"

#include "certs/certs.h"

static void add_correspondent(GArray *names, const X509 *certificate)
{
    g_autofree char **mailboxes = index_mailboxes(certificate);
    for (char **each = mailboxes; *each != NULL; each++)
        g_array_append_val(names, ((const struct store_name){*each, 0}));
    g_autoptr(GArray) domains = index_domains(certificate);
    for (guint i = 0; i < domains->len; i++) {
        const struct index_domain *domain = &g_array_index(domains, struct index_domain, i);
        g_array_append_val(names, ((const struct store_name){g_strdup(domain->name), domain->roles}));
    }
}

void certs_addition_make(X509 *certificate, struct store_addition *addition)
{
    unsigned char *der = NULL;
    int length = i2d_X509(certificate, &der);
    if (length <= 0)
        g_error("out of memory");
    GArray *names = g_array_new(FALSE, FALSE, sizeof(struct store_name));
    bool is_authority = index_is_authority(certificate);
    if (!is_authority)
        add_correspondent(names, certificate);
    if (is_authority || certificate_signs_lists(certificate)) {
        char *name = certs_issuer_name(X509_get_subject_name(certificate));
        g_array_append_val(names, ((const struct store_name){name, 0}));
    }
    *addition = (struct store_addition){.der = {(const char *)g_memdup2(der, (size_t)length), (size_t)length},
                                        .added = time(NULL),
                                        .not_before = certificate_begins(certificate),
                                        .not_after = certificate_ends(certificate),
                                        .name_count = names->len};
    OPENSSL_free(der);
    addition->names = (const struct store_name *)(void *)g_array_free(names, FALSE);
}

char *certs_mailbox_name(const struct address *address)
{
    return index_mailbox(address);
}

char *certs_issuer_name(const X509_NAME *subject)
{
    return g_strdup_printf("issuer:%08lx", X509_NAME_hash_ex(subject, NULL, NULL, NULL));
}

void certs_addition_clear(struct store_addition *addition)
{
    for (size_t i = 0; i < addition->name_count; i++)
        g_free((char *)addition->names[i].name);
    g_free((void *)addition->names);
    g_free((char *)addition->der.data);
    *addition = (struct store_addition){0};
}
