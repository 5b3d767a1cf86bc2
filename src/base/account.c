/* SPDX-License-Identifier: Apache-2.0 */
#include "base/account.h"

#include <errno.h>
#include <glib.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

bool account_find(const char *name, struct account *account, struct error *error)
{
    *account = (struct account){NULL, (uid_t)-1, (gid_t)-1};
    if (name == NULL || *name == '\0')
        return true;
    errno = 0;
    const struct passwd *entry = getpwnam(name);
    if (entry == NULL)
        return error_set(error, ERROR_CONFIGURATION, "user %s: %s", name,
                         errno != 0 ? g_strerror(errno) : "no such user");
    *account = (struct account){g_strdup(name), entry->pw_uid, entry->pw_gid};
    return true;
}

bool account_become(const struct account *account, struct error *error)
{
    if (account->name == NULL || (geteuid() == account->uid && getuid() == account->uid))
        return true;
    bool is_hidden = prctl(PR_GET_DUMPABLE) == 0;
    if (initgroups(account->name, account->gid) != 0 || setgid(account->gid) != 0 || setuid(account->uid) != 0)
        return error_set(error, ERROR_CONFIGURATION, "cannot become user %s: %s", account->name, g_strerror(errno));
    /* A setuid() that can be undone does not protect. */
    if (account->uid != 0 && setuid(0) == 0)
        return error_set(error, ERROR_BUG, "still root after becoming user %s", account->name);
    /* The kernel has set it to what the system wants for a changed user (fs.suid_dumpable). */
    if (is_hidden)
        prctl(PR_SET_DUMPABLE, 0);
    return true;
}

void account_clear(struct account *account)
{
    g_clear_pointer(&account->name, g_free);
}
