/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard: walks to a file as the kernel does, one component after another, and looks at each directory that it passes.
 *
 * Who can write a directory can put another file in the place of ours. So a symbolic link counts as well: the directory
 * that holds it, and the way to its target. A directory with the sticky bit (/tmp) protects the files in it, and the
 * owner of each of them is checked. An account that owns a directory further up is only doubtful: it is usual in a test
 * set-up below a home directory.
 */
#include "base/guard.h"

#include "base/cleanup.h"

#include <glib.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* the kernel's own */

struct walk {
    const struct guard *guard;
    enum guard_kind kind;
    unsigned links;
    enum guard_verdict verdict;
    char **culprit;
    struct error *why;
};

static void trust(struct guard *guard, uid_t uid, gid_t gid)
{
    guard->uids[guard->count] = uid;
    guard->gids[guard->count++] = gid;
}

void guard_init(struct guard *guard, const char *user)
{
    const struct passwd *account = user != NULL ? getpwnam(user) : NULL;
    *guard = (struct guard){.count = 0};
    if (account != NULL)
        trust(guard, account->pw_uid, account->pw_gid);
    trust(guard, geteuid(), getegid());
    trust(guard, 0, 0);
}

static bool trusts_owner(const struct guard *guard, uid_t uid)
{
    for (unsigned i = 0; i < guard->count; i++)
        if (guard->uids[i] == uid)
            return true;
    return false;
}

static bool trusts_group(const struct guard *guard, gid_t gid)
{
    for (unsigned i = 0; i < guard->count; i++)
        if (guard->gids[i] == gid)
            return true;
    return false;
}

/* "every account", "the group mail"; NULL if only those that we trust have one of the bits. */
static char *others_with(const struct guard *guard, const struct stat *status, mode_t group_bits, mode_t other_bits)
{
    if ((status->st_mode & other_bits) != 0)
        return g_strdup("every account");
    if ((status->st_mode & group_bits) == 0 || trusts_group(guard, status->st_gid))
        return NULL;
    const struct group *group = getgrgid(status->st_gid);
    return group != NULL ? g_strdup_printf("the group %s", group->gr_name)
                         : g_strdup_printf("the group %u", (unsigned)status->st_gid);
}

static void find(struct walk *walk, enum guard_verdict verdict, const char *path)
{
    walk->verdict = verdict;
    g_free(*walk->culprit);
    *walk->culprit = g_strdup(path);
}

static void check_owner(struct walk *walk, const char *path, const struct stat *status, enum guard_verdict verdict)
{
    if (trusts_owner(walk->guard, status->st_uid))
        return;
    const struct passwd *account = getpwuid(status->st_uid);
    g_autofree char *name =
        account != NULL ? g_strdup(account->pw_name) : g_strdup_printf("%u", (unsigned)status->st_uid);
    find(walk, verdict, path);
    error_set(walk->why, ERROR_CONFIGURATION, "%s belongs to the account %s, which can change it; run: chown root %s",
              path, name, path);
}

/* What others must not do with what is on the way, or at its end. */
static void check_mode(struct walk *walk, const char *path, const struct stat *status, bool is_secret)
{
    const char *remedy = is_secret ? "chmod 600" : "chmod go-w", *does = "change";
    g_autofree char *others = others_with(walk->guard, status, S_IWGRP, S_IWOTH);
    if (others == NULL && is_secret) {
        does = "read";
        others = others_with(walk->guard, status, S_IRGRP, S_IROTH);
    }
    if (others == NULL)
        return;
    find(walk, GUARD_BAD, path);
    error_set(walk->why, ERROR_CONFIGURATION, "%s can %s %s (mode %04o); run: %s %s", others, does, path,
              (unsigned)status->st_mode & 07777, remedy, path);
}

static void check_last(struct walk *walk, const char *path, const struct stat *status)
{
    check_mode(walk, path, status, walk->kind == GUARD_SECRET);
    if (walk->verdict != GUARD_BAD)
        check_owner(walk, path, status, GUARD_BAD);
}

/* A directory on the way; nearest: it holds the file itself. */
static void check_folder(struct walk *walk, const char *path, const struct stat *status, bool nearest)
{
    if ((status->st_mode & S_ISVTX) == 0)
        check_mode(walk, path, status, false);
    if (walk->verdict == GUARD_GOOD)
        check_owner(walk, path, status, nearest ? GUARD_BAD : GUARD_DOUBTFUL);
}

static void walk_to(struct walk *walk, const char *path);

static void follow(struct walk *walk, const char *folder, const char *link, const char *rest)
{
    g_autofree char *target = g_file_read_link(link, NULL);
    if (target == NULL || ++walk->links > LINKS_MAX)
        return;
    g_autofree char *next = g_path_is_absolute(target) ? g_build_filename(target, rest, NULL)
                                                       : g_build_filename(folder, target, rest, NULL);
    walk_to(walk, next);
}

/* The components that mean something. */
static GPtrArray *components(char **parts)
{
    GPtrArray *list = g_ptr_array_new();
    for (; *parts != NULL; parts++)
        if (**parts != '\0' && !g_str_equal(*parts, "."))
            g_ptr_array_add(list, *parts);
    g_ptr_array_add(list, NULL);
    return list;
}

/* Each directory on the way is real by then, so that ".." is its parent. */
static void walk_to(struct walk *walk, const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    g_autoptr(GPtrArray) list = components(parts);
    g_autofree char *at = g_strdup("/");
    struct stat status;
    for (guint i = 0; i + 1 < list->len && walk->verdict != GUARD_BAD; i++) {
        if (lstat(at, &status) != 0)
            return;
        check_folder(walk, at, &status, i + 2 == list->len);
        const char *part = list->pdata[i];
        g_autofree char *folder = steal(&at);
        at = g_str_equal(part, "..") ? g_path_get_dirname(folder) : g_build_filename(folder, part, NULL);
        if (lstat(at, &status) != 0)
            return;
        if (S_ISLNK(status.st_mode)) {
            check_owner(walk, at, &status, GUARD_BAD);
            g_autofree char *rest = g_strjoinv("/", (char **)list->pdata + i + 1);
            follow(walk, folder, at, rest);
            return;
        }
    }
    if (walk->verdict != GUARD_BAD && lstat(at, &status) == 0)
        check_last(walk, at, &status);
}

enum guard_verdict guard_check(const struct guard *guard, const char *path, enum guard_kind kind, char **culprit,
                               struct error *why)
{
    struct walk walk = {.guard = guard, .kind = kind, .culprit = culprit, .why = why};
    *culprit = NULL;
    walk_to(&walk, path);
    return walk.verdict;
}
