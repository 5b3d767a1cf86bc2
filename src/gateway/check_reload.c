/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_reload: would a reload end signing? A certificate that has expired or is not yet valid is only a warning at the
 * start, because the gateway has other work as well. But a configuration that signs must not give way to one that
 * cannot. Confidentiality authorities are not concerned: an expired one still decrypts.
 */
#include "internal.h"

static bool signs(const struct identity *identity, time_t at)
{
    return identity->conf->role != ROLE_DOMAIN_CONFIDENTIALITY && certificate_is_current(identity->certificate, at);
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

bool gateway_check_reload(const struct gateway *in_force, const struct gateway *next, time_t at, struct faults *faults)
{
    size_t before = faults_errors(faults);
    for (size_t i = 0; i < keys_count(in_force->keys); i++) {
        const struct identity *identity = keys_at(in_force->keys, i);
        struct error error = {0};
        enum role role = identity->conf->role;
        const char *domain = identity->conf->domain;
        /* An identity that is no longer configured is the administrator's decision. */
        if (!signs(identity, at) || !keys_has(next->keys, role, domain) ||
            keys_find(next->keys, role, domain, at, &error) != NULL)
            continue;
        faults_add(faults, next->conf->file, line_of(next->keys, role, domain),
                   "%s; the configuration in force has a valid one", error.text);
    }
    return faults_errors(faults) == before;
}
