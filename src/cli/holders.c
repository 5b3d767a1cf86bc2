/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holders: what partners have configured is not known here. What our policies ask of them is: a partner who must
 * encrypt to us has our certificate, and one who gets our signatures sees it. A gateway for several of our own domains
 * may also name a certificate of one in the policy of another.
 */
#include "holders.h"

#include "policy/policy.h"

static GPtrArray *list_new(void)
{
    return g_ptr_array_new_with_free_func(g_free);
}

/* --- our own files --- */

struct search {
    const X509 *certificate;
    GPtrArray *found;
};

static bool holds(const char *file, const X509 *certificate)
{
    struct error ignored = {0};
    owned(x509_stack) STACK_OF(X509) *list = certificates_load(file, &ignored);
    for (int i = 0; i < sk_X509_num(list); i++)
        if (X509_cmp(sk_X509_value(list, i), certificate) == 0)
            return true;
    return false;
}

static void look(const struct search *search, char *const *files, const char *origin, unsigned line, const char *key)
{
    for (; *files != NULL; files++) {
        if (!holds(*files, search->certificate))
            continue;
        g_autofree char *place = line > 0 ? g_strdup_printf("%s:%u", origin, line) : g_strdup(origin);
        g_ptr_array_add(search->found, g_strdup_printf("%s: %s: %s", place, key, *files));
    }
}

GPtrArray *holders_pinning(const struct conf *conf, const X509 *certificate)
{
    const struct search search = {certificate, list_new()};
    look(&search, conf->trust_anchors, conf->file, conf->trust_anchors_line, "trust_anchors");
    for (size_t i = 0; i < conf->partner_count; i++) {
        const struct partner *partner = conf->partners[i];
        look(&search, partner->certificates, partner->file, partner->certificates_line, "certificates");
        look(&search, partner->anchors, partner->file, partner->anchors_line, "anchors");
        for (size_t j = 0; j < partner->group_count; j++)
            look(&search, partner->groups[j].certificates, partner->file, partner->groups[j].line, "groups");
    }
    return search.found;
}

/* --- what policies ask --- */

static bool must_encrypt(const struct partner *partner, const struct identity_conf *identity)
{
    return identity->role == ROLE_DOMAIN_CONFIDENTIALITY && policy_requires_encryption(policy_rule(partner));
}

static GPtrArray *policies(const struct conf *conf, const struct identity_conf *identity, bool encrypting)
{
    GPtrArray *list = list_new();
    for (size_t i = 0; i < conf->partner_count; i++) {
        const struct partner *partner = conf->partners[i];
        bool must = must_encrypt(partner, identity);
        if (encrypting ? must : !must && policy_shows(partner, identity->role))
            g_ptr_array_add(list, g_strdup(partner->name));
    }
    return list;
}

GPtrArray *holders_encrypting(const struct conf *conf, const struct identity_conf *identity)
{
    return policies(conf, identity, true);
}

GPtrArray *holders_seeing(const struct conf *conf, const struct identity_conf *identity)
{
    return policies(conf, identity, false);
}

/* --- for people --- */

static void print_list(const char *head, GPtrArray *list, int indent)
{
    if (list->len > 0)
        printf("%*s%s:\n", indent, "", head);
    for (guint i = 0; i < list->len; i++)
        printf("%*s%s\n", indent + 2, "", (const char *)list->pdata[i]);
    g_ptr_array_unref(list);
}

void holders_print(const struct conf *conf, const struct identity_conf *identity, const X509 *certificate, int indent)
{
    print_list("partners who encrypt to the old certificate (inbound.require), and need the new one",
               holders_encrypting(conf, identity), indent);
    print_list("partners who see the old certificate, and need the new one if they have pinned it",
               holders_seeing(conf, identity), indent);
    print_list("files of your own that pin the old certificate, and need the new one beside it",
               holders_pinning(conf, certificate), indent);
}
