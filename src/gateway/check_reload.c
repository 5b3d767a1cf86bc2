/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_reload: would a reload end signing? A certificate that has expired or is not yet valid is only a warning at the
 * start, because the gateway has other work as well. But a configuration that signs must not give way to one that
 * cannot. Confidentiality authorities are not concerned: an expired one still decrypts.
 */
#include "internal.h"

static bool signs(const struct identity *identity, time_t at)
{
    return identity_signs(identity) && identity_is_current(identity->conf, identity->certificate, at);
}

/* The line of the identity that would sign; 0 if that is one of a parent domain. */
static unsigned line_of(const struct keys *keys, enum role role, const char *domain)
{
    for (size_t i = 0; i < keys_count(keys); i++) {
        const struct identity_conf *entry = keys_at(keys, i)->conf;
        if (entry->role == role && g_str_equal(entry->domain, domain))
            return entry->line;
    }
    return 0;
}

static void check_domain(const struct gateway *next, const struct identity_conf *entry, time_t at,
                         struct faults *faults)
{
    struct error error = {0};
    /* An identity that is no longer configured is the administrator's decision. */
    if (!keys_has(next->keys, entry->role, entry->domain) ||
        keys_find(next->keys, entry->role, entry->domain, at, &error) != NULL)
        return;
    faults_add(faults, next->conf->file, line_of(next->keys, entry->role, entry->domain),
               "%s; the configuration in force has a valid one", error.text);
}

/* For each address. A pattern has the form of an address, and is found as one. */
static void check_addresses(const struct gateway *next, const struct identity_conf *entry, time_t at,
                            struct faults *faults)
{
    for (char **pattern = entry->addresses; *pattern != NULL; pattern++) {
        struct address address;
        struct error error = {0}, ignored = {0};
        if (!address_parse(slice_of(*pattern), &address, &ignored))
            continue;
        if (keys_find_mailbox(next->keys, &address, at, &error) == NULL && error.kind == ERROR_CONFIGURATION)
            faults_add(faults, next->conf->file, 0, "identities: %s; the configuration in force has a valid one",
                       error.text);
        address_clear(&address);
    }
}

bool gateway_check_reload(const struct gateway *in_force, const struct gateway *next, time_t at, struct faults *faults)
{
    size_t before = faults_errors(faults);
    for (size_t i = 0; i < keys_count(in_force->keys); i++) {
        const struct identity *identity = keys_at(in_force->keys, i);
        if (!signs(identity, at))
            continue;
        if (identity->conf->role == ROLE_MAILBOX)
            check_addresses(next, identity->conf, at, faults);
        else
            check_domain(next, identity->conf, at, faults);
    }
    return faults_errors(faults) == before;
}
