/* SPDX-License-Identifier: Apache-2.0 */
/* How it finds by address and by domain is in test_directory_source.c: both must find the same. */
#include "support/certs_home.h"

#include <sqlite3.h>

static struct store *open_store(const struct certs_home *home)
{
    g_autofree char *file = g_build_filename(home->folder, "store.db", NULL);
    return store_open(file);
}

static struct certs_home *home_with_bob(void)
{
    struct certs_home *home = certs_home_new("");
    certs_home_use_store(home);
    PKI_AUTO struct pki *bob = certs_home_issue(home, PKI_LIST("CN=bob"), PKI_LIST("email:bob@partner.test"), 5);
    certs_home_put(home, "bob", bob);
    cr_assert(certs_home_open(home));
    return home;
}

/* What another process writes counts at once. */
Test(certs_store_source, changes_count_at_once)
{
    owned(certs_home) struct certs_home *home = home_with_bob();
    struct error error = {0};
    g_autofree char *first = certs_home_names(home, CERTS_ENCRYPT, "bob@partner.test");
    cr_expect_str_eq(first, "bob*");
    PKI_AUTO struct pki *next = certs_home_issue(home, PKI_LIST("CN=next"), PKI_LIST("email:bob@partner.test"), 1);
    certs_home_put(home, "next", next);
    g_autofree char *both = certs_home_names(home, CERTS_ENCRYPT, "bob@partner.test");
    cr_expect_str_eq(both, "next* bob*");
    owned(store) struct store *store = open_store(home);
    const int64_t ids[] = {1, 2};
    cr_assert(store_certificates_remove(store, ids, 2, &error), "%s", error.text);
    g_autofree char *none = certs_home_names(home, CERTS_ENCRYPT, "bob@partner.test");
    cr_expect_str_eq(none, "");
}

static enum found ask(const struct certs_home *home, struct error *error)
{
    owned(certs_answer) struct certs_answer answer = certs_home_ask(home, CERTS_ENCRYPT, "bob@partner.test");
    *error = answer.error;
    return answer.found;
}

/* A store that fails is no store that knows nothing, and needs no restart when it is well again. */
Test(certs_store_source, a_failed_store_is_failed_until_it_is_well)
{
    owned(certs_home) struct certs_home *home = home_with_bob();
    struct error error = {0};
    g_autofree char *file = g_build_filename(home->folder, "store.db", NULL);
    g_autofree char *away = g_strconcat(file, ".away", NULL);
    cr_expect_eq(ask(home, &error), FOUND);
    cr_assert_eq(g_rename(file, away), 0);
    cr_expect_eq(ask(home, &error), FOUND_FAILED, "it is gone");
    folder_write(home->folder, "store.db",
                 "this is no database, whatever its name says, and it is long enough for one");
    cr_expect_eq(ask(home, &error), FOUND_FAILED, "it is another file");
    cr_expect_null(strstr(error.said, home->folder), "what a stranger reads: %s", error.said);
    folder_write(home->folder, "store.db", "");
    cr_expect_eq(ask(home, &error), FOUND_FAILED, "it is empty");
    cr_assert_eq(g_rename(away, file), 0);
    cr_expect_eq(ask(home, &error), FOUND, "%s", error.text);
    sqlite3 *other = NULL;
    cr_assert_eq(sqlite3_open(file, &other), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(other, "BEGIN EXCLUSIVE; DELETE FROM names", NULL, NULL, NULL), SQLITE_OK);
    cr_expect_eq(ask(home, &error), FOUND, "who writes, and has not finished, is not in the way");
    sqlite3_close(other);
    cr_expect_eq(ask(home, &error), FOUND);
}

Test(certs_store_source, what_is_no_certificate_is_passed_over)
{
    owned(certs_home) struct certs_home *home = home_with_bob();
    struct error error = {0};
    enum store_added added;
    const struct store_name name = {"bob@partner.test", 0};
    const struct store_addition rubbish = {
        .der = slice_of("rubbish"), .not_after = time(NULL) + 1000, .names = &name, .name_count = 1};
    owned(store) struct store *store = open_store(home);
    cr_assert(store_certificates_add(store, &rubbish, 1, &added, &error), "%s", error.text);
    g_autofree char *names = certs_home_names(home, CERTS_ENCRYPT, "bob@partner.test");
    cr_expect_str_eq(names, "bob*");
}

struct taken {
    unsigned count, enough;
};

static bool take(void *context, X509 *certificate, STACK_OF(X509) * authorities)
{
    struct taken *taken = context;
    cr_expect(certificate != NULL && authorities != NULL);
    return ++taken->count != taken->enough;
}

static unsigned walk(const struct certs_home *home, size_t limit, unsigned enough)
{
    struct taken taken = {.enough = enough};
    const struct certs_walk asked = {.at = time(NULL), .limit = limit, .take = take, .context = &taken};
    certs_walk_store(home->conf, &asked);
    return taken.count;
}

/* All of them, over several pages, up to a limit, or until it is enough. */
Test(certs_store_source, walk)
{
    owned(certs_home) struct certs_home *home = home_with_bob();
    for (int i = 1; i < 120; i++) {
        g_autofree char *san = g_strdup_printf("email:p%d@partner.test", i);
        PKI_AUTO struct pki *person = certs_home_issue(home, PKI_LIST("CN=p"), PKI_LIST(san), 5);
        certs_home_put(home, "person", person);
    }
    cr_expect_eq(walk(home, 1000, 0), 120);
    cr_expect_eq(walk(home, 70, 0), 70);
    cr_expect_eq(walk(home, 0, 0), 0);
    cr_expect_eq(walk(home, 1000, 60), 60);
}
