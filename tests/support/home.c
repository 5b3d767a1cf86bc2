/* SPDX-License-Identifier: Apache-2.0 */
#include "support/home.h"

#include <criterion/criterion.h>

void home_add_uri(struct home *home, enum role role, const char *domain, const struct pki *pki, const char *uri)
{
    cr_assert_lt(home->conf.identity_count, HOME_MAX);
    struct identity_conf *entry = &home->identities[home->conf.identity_count];
    g_autofree char *name = g_strdup_printf("id%zu.pem", home->conf.identity_count);
    *entry = (struct identity_conf){.domain = g_strdup(domain),
                                    .role = role,
                                    .certificate = pki_write(home->folder, name, pki, NULL),
                                    .key = g_strdup(uri),
                                    .line = 10 + (unsigned)home->conf.identity_count};
    home->conf.identity_count++;
}

void home_add(struct home *home, enum role role, const char *domain, const struct pki *pki, const struct pki *key)
{
    g_autofree char *name = g_strdup_printf("id%zu.key", home->conf.identity_count);
    g_autofree char *path = pki_write_key(home->folder, name, key);
    g_autofree char *uri = g_strconcat("file:", path, NULL);
    home_add_uri(home, role, domain, pki, uri);
}

void home_add_mailbox(struct home *home, const char *const *addresses, const struct pki *pki, const char *uri)
{
    struct identity_conf *entry = &home->identities[home->conf.identity_count];
    if (uri != NULL)
        home_add_uri(home, ROLE_MAILBOX, NULL, pki, uri);
    else
        home_add(home, ROLE_MAILBOX, NULL, pki, pki);
    entry->addresses = g_strdupv((char **)addresses);
    entry->mailboxes = address_set_new();
    entry->name = g_strdup(addresses[0]);
    for (; *addresses != NULL; addresses++)
        address_set_add(entry->mailboxes, *addresses);
}

struct home *home_new(void)
{
    struct home *home = g_new0(struct home, 1);
    home->folder = folder_new();
    home->conf.file = g_build_filename(home->folder, "domsec.conf", NULL);
    home->conf.identities = home->identities;
    home->faults = faults_new();
    return home;
}

void home_free(struct home *home)
{
    for (size_t i = 0; i < home->conf.identity_count; i++) {
        g_free(home->identities[i].domain);
        g_strfreev(home->identities[i].addresses);
        address_set_free(home->identities[i].mailboxes);
        g_free(home->identities[i].name);
        g_free(home->identities[i].certificate);
        g_free(home->identities[i].key);
    }
    g_free(home->conf.file);
    faults_free(home->faults);
    folder_remove(home->folder);
    g_free(home);
}

bool home_has_fault(const struct home *home, const char *text)
{
    for (size_t i = 0; i < faults_count(home->faults); i++)
        if (strstr(faults_at(home->faults, i), text) != NULL)
            return true;
    return false;
}
