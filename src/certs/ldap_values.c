/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ldap_values: reads each value as a certificate or as the certificates of a PKCS #7 object, whatever the attribute is
 * called: some directories keep either in both. What is neither is counted and named, and the others count.
 *
 * Servers return entries and values in no certain order. The newest certificate is the first here, so that each lookup
 * makes the same choice.
 */
#include "ldap_values.h"

#include "index_names.h"

#define VALUE_MAX (256u << 10) /* bytes: a PKCS #7 object with a chain has a tenth of that */
#define LEAVES_MAX 200
#define NAMED_MAX 3

static void push(STACK_OF(X509) * list, X509 *certificate)
{
    if (!X509_add_cert(list, certificate, X509_ADD_FLAG_UP_REF | X509_ADD_FLAG_NO_DUP))
        g_error("out of memory");
}

static void name_unreadable(GString *note, const struct net_ldap_value *value, size_t number, const char *why)
{
    if (number <= NAMED_MAX)
        g_string_append_printf(note, "%s%s of %s (%zu bytes): %s", note->len > 0 ? "; " : "", value->attribute,
                               value->entry, value->length, why);
    else if (number == NAMED_MAX + 1)
        g_string_append(note, "; and more");
}

static void read_value(const struct net_ldap_value *value, struct ldap_values *values, GString *note)
{
    struct error error = {0};
    owned(x509_stack) STACK_OF(X509) *list =
        value->length <= VALUE_MAX
            ? certificates_parse((struct slice){(const char *)value->data, value->length}, NULL, &error)
            : NULL;
    if (list == NULL || sk_X509_num(list) == 0) {
        name_unreadable(note, value, ++values->unreadable,
                        value->length > VALUE_MAX ? "too large for a certificate" : "not a certificate");
        return;
    }
    for (int i = 0; i < sk_X509_num(list); i++) {
        X509 *certificate = sk_X509_value(list, i);
        push(index_is_authority(certificate) ? values->authorities : values->leaves, certificate);
    }
}

static int newest_first(const X509 *const *a, const X509 *const *b)
{
    int order = ASN1_TIME_compare(X509_get0_notBefore(*b), X509_get0_notBefore(*a));
    return order != 0 ? order : X509_cmp(*a, *b);
}

void ldap_values_read(const struct net_ldap_answer *answer, struct ldap_values *values)
{
    GString *note = g_string_new(NULL);
    *values = (struct ldap_values){.leaves = sk_X509_new(newest_first), .authorities = sk_X509_new_null()};
    if (values->leaves == NULL || values->authorities == NULL)
        g_error("out of memory");
    for (size_t i = 0; i < answer->count; i++)
        read_value(&answer->values[i], values, note);
    sk_X509_sort(values->leaves);
    while (sk_X509_num(values->leaves) > LEAVES_MAX)
        X509_free(sk_X509_pop(values->leaves));
    if (answer->entries > 1)
        g_string_append_printf(note, "%s%zu entries", note->len > 0 ? "; " : "", answer->entries);
    if (answer->referrals > 0)
        g_string_append_printf(note, "%s%zu referrals, which are not followed", note->len > 0 ? "; " : "",
                               answer->referrals);
    values->note = g_string_free(note, note->len == 0);
}

void ldap_values_clear(struct ldap_values *values)
{
    x509_stack_free(values->leaves);
    x509_stack_free(values->authorities);
    g_free(values->note);
    *values = (struct ldap_values){0};
}
