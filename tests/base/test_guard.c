/* SPDX-License-Identifier: Apache-2.0 */
#include "base/guard.h"

#include "support/scratch.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STRANGER 54321u
#define SAME ((gid_t)-1)

TestSuite(guard, .init = scratch_setup, .fini = scratch_teardown);

static char *path_of(const char *name)
{
    return g_build_filename(scratch, name, NULL);
}

static void set(const char *name, mode_t mode, gid_t group)
{
    g_autofree char *path = path_of(name);
    cr_assert(group == SAME || chown(path, (uid_t)-1, group) == 0);
    cr_assert_eq(chmod(path, mode), 0);
}

static void give(const char *name, uid_t owner)
{
    g_autofree char *path = path_of(name);
    cr_assert_eq(lchown(path, owner, (gid_t)-1), 0);
}

static void expect(const char *name, enum guard_kind kind, enum guard_verdict verdict, const char *culprit,
                   const char *text)
{
    struct guard guard;
    struct error why = {0};
    g_autofree char *path = path_of(name), *found = NULL, *wanted = culprit != NULL ? path_of(culprit) : NULL;
    guard_init(&guard, NULL);
    cr_expect_eq(guard_check(&guard, path, kind, &found, &why), verdict, "%s: %s", name, why.text);
    cr_expect_str_eq(found != NULL ? found : "-", wanted != NULL ? wanted : "-", "%s", name);
    if (text != NULL)
        cr_expect_not_null(strstr(why.text, text), "%s: %s", name, why.text);
}

static void tree(void)
{
    folder_write(scratch, "a/b/file", "x");
    set("a", 0755, SAME);
    set("a/b", 0755, SAME);
    set("a/b/file", 0600, SAME);
}

Test(guard, modes_of_a_file)
{
    static const struct {
        mode_t mode;
        bool foreign_group;
        enum guard_verdict secret, file;
        const char *text;
    } rows[] = {
        {0600, true, GUARD_GOOD, GUARD_GOOD, NULL},
        {0400, true, GUARD_GOOD, GUARD_GOOD, NULL},
        {0640, false, GUARD_GOOD, GUARD_GOOD, NULL},
        {0660, false, GUARD_GOOD, GUARD_GOOD, NULL},
        {0640, true, GUARD_BAD, GUARD_GOOD, "the group 54321 can read "},
        {0644, false, GUARD_BAD, GUARD_GOOD, "every account can read "},
        {0604, false, GUARD_BAD, GUARD_GOOD, "(mode 0604); run: chmod 600 "},
        {0660, true, GUARD_BAD, GUARD_BAD, "the group 54321 can change "},
        {0620, true, GUARD_BAD, GUARD_BAD, "the group 54321 can change "},
        {0666, false, GUARD_BAD, GUARD_BAD, "every account can change "},
        {0602, false, GUARD_BAD, GUARD_BAD, "every account can change "},
    };
    tree();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].foreign_group && geteuid() != 0)
            continue;
        set("a/b/file", rows[i].mode, rows[i].foreign_group ? STRANGER : getegid());
        expect("a/b/file", GUARD_SECRET, rows[i].secret, rows[i].secret == GUARD_GOOD ? NULL : "a/b/file",
               rows[i].text);
        expect("a/b/file", GUARD_FILE, rows[i].file, rows[i].file == GUARD_GOOD ? NULL : "a/b/file", NULL);
    }
}

Test(guard, directories_above)
{
    tree();
    set("a", 0777, SAME);
    expect("a/b/file", GUARD_FILE, GUARD_BAD, "a", "every account can change ");
    set("a", 01777, SAME);
    expect("a/b/file", GUARD_FILE, GUARD_GOOD, NULL, NULL);
    set("a/b", 0733, SAME);
    expect("a/b/file", GUARD_FILE, GUARD_BAD, "a/b", "; run: chmod go-w ");
    set("a/b", 01777, SAME);
    expect("a/b/file", GUARD_FILE, GUARD_GOOD, NULL, NULL);
    expect("a/b", GUARD_FOLDER, GUARD_BAD, "a/b", "every account can change ");
    set("a/b", 0775, getegid());
    expect("a/b/file", GUARD_FILE, GUARD_GOOD, NULL, NULL);
    if (geteuid() != 0)
        cr_skip_test("only root can give a directory away");
    set("a/b", 0775, STRANGER);
    expect("a/b/file", GUARD_FILE, GUARD_BAD, "a/b", "the group 54321 can change ");
}

Test(guard, owners)
{
    if (geteuid() != 0)
        cr_skip_test("only root can give a file away");
    tree();
    give("a/b/file", STRANGER);
    expect("a/b/file", GUARD_SECRET, GUARD_BAD, "a/b/file", "belongs to the account 54321");
    expect("a/b/file", GUARD_FILE, GUARD_BAD, "a/b/file", "; run: chown root ");
    give("a/b/file", 0);
    give("a/b", STRANGER);
    expect("a/b/file", GUARD_FILE, GUARD_BAD, "a/b", "belongs to the account 54321");
    give("a/b", 0);
    give("a", STRANGER);
    expect("a/b/file", GUARD_FILE, GUARD_DOUBTFUL, "a", "belongs to the account 54321");
    set("a/b/file", 0666, SAME);
    expect("a/b/file", GUARD_FILE, GUARD_BAD, "a/b/file", "every account can change ");
}

/* Its target counts, its own directory, and the directories of links on the way. */
Test(guard, symbolic_links)
{
    tree();
    folder_write(scratch, "links/one", "x");
    g_autofree char *one = path_of("links/one"), *two = path_of("two"), *folder = path_of("folder");
    set("links", 0755, SAME);
    cr_assert_eq(g_remove(one), 0);
    cr_assert_eq(symlink("../a/b/file", one), 0);
    cr_assert_eq(symlink(one, two), 0);
    cr_assert_eq(symlink("a/b", folder), 0);
    static const char *const names[] = {"links/one", "two", "folder/file"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        expect(names[i], GUARD_SECRET, GUARD_GOOD, NULL, NULL);
        set("a/b/file", 0644, SAME);
        expect(names[i], GUARD_SECRET, GUARD_BAD, "a/b/file", "every account can read ");
        set("a/b/file", 0600, SAME);
        set("a", 0777, SAME);
        expect(names[i], GUARD_FILE, GUARD_BAD, "a", "every account can change ");
        set("a", 0755, SAME);
    }
    set("links", 0777, SAME);
    expect("links/one", GUARD_FILE, GUARD_BAD, "links", NULL);
    expect("two", GUARD_FILE, GUARD_BAD, "links", NULL);
    if (geteuid() == 0) {
        set("links", 01777, SAME);
        give("links/one", STRANGER);
        expect("two", GUARD_FILE, GUARD_BAD, "links/one", "belongs to the account 54321");
    }
}

Test(guard, what_cannot_be_seen_is_for_its_reader)
{
    g_autofree char *loop = path_of("loop");
    cr_assert_eq(symlink("loop", loop), 0);
    expect("loop", GUARD_SECRET, GUARD_GOOD, NULL, NULL);
    expect("absent/file", GUARD_SECRET, GUARD_GOOD, NULL, NULL);
}

Test(guard, trusts_the_named_account_and_its_group)
{
    struct guard guard;
    struct error why = {0};
    g_autofree char *path = path_of("a/b/file"), *culprit = NULL;
    if (geteuid() != 0)
        cr_skip_test("only root can give a file away");
    tree();
    guard_init(&guard, "nobody");
    cr_assert_eq(chown(path, guard.uids[0], guard.gids[0]), 0);
    cr_assert_eq(chmod(path, 0640), 0);
    cr_expect_eq(guard_check(&guard, path, GUARD_SECRET, &culprit, &why), GUARD_GOOD, "%s", why.text);
    expect("a/b/file", GUARD_SECRET, GUARD_BAD, "a/b/file", "the group nogroup can read ");
    guard_init(&guard, "no such account");
    cr_expect_eq(guard.count, 2);
}
