/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address_set: one hash table. A mailbox stands in it by the key of its address, a pattern as "@domain", which is the
 * end of the key of each address of that domain and the key of no address.
 */
#include "conf/address_set.h"

#include "base/domain.h"

#include <string.h>

struct address_set {
    GHashTable *keys;
};

bool address_pattern_is_wide(const char *pattern)
{
    return pattern[0] == '*';
}

static bool fault(struct error *error, const char *text)
{
    return error_set(error, ERROR_CONFIGURATION,
                     "\"%s\" is neither an address such as \"bob@acme.test\" nor a pattern such as \"*@acme.test\"",
                     text);
}

char *address_pattern_normalise(const char *text, struct error *error)
{
    struct address address;
    struct error ignored = {0};
    if (!address_parse(slice_of(text), &address, &ignored)) {
        fault(error, text);
        return NULL;
    }
    bool wide = text[0] == '*' && text[1] == '@';
    g_autofree char *domain = text[0] != '<' ? domain_of_mail(address.domain) : NULL;
    g_autofree char *key = address_key(&address);
    bool good = domain != NULL && (wide || strchr(address.local, '*') == NULL);
    address_clear(&address);
    if (good)
        return steal(&key);
    fault(error, text);
    return NULL;
}

struct address_set *address_set_new(void)
{
    struct address_set *set = g_new(struct address_set, 1);
    set->keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return set;
}

void address_set_free(struct address_set *set)
{
    if (set == NULL)
        return;
    g_hash_table_destroy(set->keys);
    g_free(set);
}

void address_set_add(struct address_set *set, const char *pattern)
{
    g_hash_table_add(set->keys, g_strdup(pattern + (address_pattern_is_wide(pattern) ? 1 : 0)));
}

enum address_match address_set_match(const struct address_set *set, const char *key)
{
    const char *domain = strrchr(key, '@');
    if (set == NULL || domain == NULL)
        return ADDRESS_MATCH_NONE;
    if (domain != key && g_hash_table_contains(set->keys, key))
        return ADDRESS_MATCH_EXACT;
    return g_hash_table_contains(set->keys, domain) ? ADDRESS_MATCH_DOMAIN : ADDRESS_MATCH_NONE;
}

bool address_set_holds(const struct address_set *set, const struct address *address)
{
    g_autofree char *key = address_key(address);
    return address_set_match(set, key) != ADDRESS_MATCH_NONE;
}
