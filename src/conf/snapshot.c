/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot: small questions to a configuration that has been read.
 */
#include "conf/conf.h"

#include <glib.h>
#include <string.h>

const struct value_origin *conf_origin(const struct conf *conf, const void *value)
{
    return g_hash_table_lookup(conf->origins, value);
}

bool conf_is_local_domain(const struct conf *conf, const char *domain)
{
    for (char **entry = conf->local_domains; *entry != NULL; entry++) {
        const char *local = *entry;
        if (local[0] == '.' ? domain_is_within(domain, local + 1) : g_str_equal(domain, local))
            return true;
    }
    return false;
}

const struct partner *conf_partner(const struct conf *conf, const char *domain)
{
    while (domain != NULL && *domain != '\0') {
        const struct partner *partner = g_hash_table_lookup(conf->partners_by_domain, domain);
        if (partner != NULL)
            return partner;
        domain = strchr(domain, '.');
        domain = domain != NULL ? domain + 1 : NULL;
    }
    return conf->partners[conf->partner_count - 1];
}
