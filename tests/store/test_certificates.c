/* SPDX-License-Identifier: Apache-2.0 */
#include "support/store_home.h"

#include <string.h>

Test(store_certificates, finds_by_name_the_newest_valid_first)
{
    owned(store_home) struct store_home *home = store_home_new();
    struct error error = {0};
    static const struct {
        const char *text, *name;
        int from, until;
    } stored[] = {
        {"old", "bob@partner.test", -20, 20},     {"expired", "bob@partner.test", -5, -1},
        {"new", "bob@partner.test", -10, 1},      {"future", "bob@partner.test", 3, 9},
        {"dca", "partner.test", -10, 10},         {"quote", "o'neil@partner.test", -1, 1},
        {"last", "bob@partner.test", -30, 0},     {"gone", "carol@partner.test", -9, -3},
        {"lower", "bob@partner.test.", -10, 100},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(stored); i++)
        cr_assert(store_home_add(home->store, stored[i].text, stored[i].name, stored[i].from, stored[i].until, &error),
                  "%s", error.text);
    static const struct {
        const char *name, *found;
    } rows[] = {
        {"bob@partner.test", "new old last future expired"},
        {"partner.test", "dca"},
        {"o'neil@partner.test", "quote"},
        {"carol@partner.test", "gone"},
        {"BOB@partner.test", "none"},
        {"bob@partner.tes", "none"},
        {"test", "none"},
        {"", "none"},
        {"%", "none"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *found = store_home_find(home->store, rows[i].name);
        cr_expect_str_eq(found, rows[i].found, "%s: %s", rows[i].name, found);
    }
}

/* Whatever else is there, the valid ones come; and one name has its bounds. */
Test(store_certificates, others_never_crowd_out_valid_ones)
{
    owned(store_home) struct store_home *home = store_home_new();
    struct error error = {0};
    for (int i = 0; i < 100; i++) {
        g_autofree char *expired = g_strdup_printf("expired%d", i), *future = g_strdup_printf("future%d", i);
        cr_assert(store_home_add(home->store, expired, "bob@partner.test", -50 + i / 10, -1, &error));
        cr_assert(store_home_add(home->store, future, "bob@partner.test", 1 + i, 500, &error));
    }
    cr_assert(store_home_add(home->store, "valid", "bob@partner.test", -100, 1, &error));
    g_autofree char *found = store_home_find(home->store, "bob@partner.test");
    cr_expect_str_eq(found, "valid future99 future98 future97 future96");
    for (int i = 0; i < 100; i++) {
        g_autofree char *valid = g_strdup_printf("v%d", i);
        cr_assert(store_home_add(home->store, valid, "bob@partner.test", -100 + i, 10, &error));
    }
    g_autofree char *bounded = store_home_find(home->store, "bob@partner.test");
    cr_expect(text_begins_with(bounded, "v99 v98 v97 "), "%s", bounded);
    g_auto(GStrv) all = g_strsplit(bounded, " ", -1);
    cr_expect_eq(g_strv_length(all), STORE_VALID_MAX + STORE_INVALID_MAX);
}

static size_t found_for(struct store *store, const struct store_question *question, const char **first)
{
    struct error error = {0};
    owned(store_certificates) struct store_certificates found = {0};
    cr_expect_neq(store_certificates_find(store, question, &found, &error), FOUND_FAILED, "%s", error.text);
    static char text[20];
    g_snprintf(text, sizeof(text), "%.*s", found.count > 0 ? (int)found.list[0].der.len : 0,
               found.count > 0 ? found.list[0].der.data : "");
    *first = text;
    return found.count;
}

/* A domain is found in a role, and the names of a question in their order. */
Test(store_certificates, roles_origins_and_the_order_of_names)
{
    owned(store_home) struct store_home *home = store_home_new();
    struct error error = {0};
    const char *first = "";
    enum store_added added[4];
    const struct store_name signs[] = {{"partner.test", 1}}, decrypts[] = {{"partner.test", 2}, {"sub.test", 2}},
                            any[] = {{"bob@partner.test", 0}};
    const struct store_addition list[] = {
        {.der = slice_of("dsa"), .not_after = STORE_NOW, .names = signs, .name_count = 1},
        {.der = slice_of("dca"), .not_after = STORE_NOW, .names = decrypts, .name_count = 2},
        {.der = slice_of("own"), .not_after = STORE_NOW, .names = any, .name_count = 1, .origin = STORE_HARVESTED},
        {.der = slice_of("wait"),
         .not_after = STORE_NOW,
         .names = any,
         .name_count = 1,
         .origin = STORE_HARVESTED,
         .state = STORE_PENDING},
    };
    cr_assert(store_certificates_add(home->store, list, 4, added, &error), "%s", error.text);
    const struct store_name asked[] = {{"bob@partner.test", 0}, {"sub.test", 2}, {"partner.test", 3}};
    struct store_question question = {.names = asked, .count = 3, .at = STORE_NOW, .deadline = INT64_MAX};
    cr_expect_eq(found_for(home->store, &question, &first), 3, "sub.test's dca, and both of partner.test");
    cr_expect_str_eq(first, "dca");
    question = (struct store_question){.names = signs, .count = 1, .at = STORE_NOW, .deadline = INT64_MAX};
    cr_expect_eq(found_for(home->store, &question, &first), 1);
    cr_expect_str_eq(first, "dsa");
    question.names = any;
    cr_expect_eq(found_for(home->store, &question, &first), 0, "an imported one is asked for");
    question.origin = STORE_HARVESTED;
    cr_expect_eq(found_for(home->store, &question, &first), 1, "the other one is pending");
    cr_expect_str_eq(first, "own");
}

Test(store_certificates, one_is_there_once_and_an_import_counts_more)
{
    owned(store_home) struct store_home *home = store_home_new();
    struct error error = {0};
    enum store_added added[2];
    const struct store_name names[] = {{"bob@partner.test", 0}};
    struct store_addition list[] = {{.der = slice_of("same"),
                                     .not_after = STORE_NOW + 1,
                                     .names = names,
                                     .name_count = 1,
                                     .origin = STORE_HARVESTED,
                                     .state = STORE_REJECTED},
                                    {.der = slice_of("same"), .names = names, .name_count = 1}};
    list[1].not_after = STORE_NOW + 1;
    cr_assert(store_certificates_add(home->store, list, 1, added, &error), "%s", error.text);
    cr_expect_eq(added[0], STORE_NEW);
    cr_assert(store_certificates_add(home->store, list, 2, added, &error), "%s", error.text);
    cr_expect_eq(added[0], STORE_KNOWN);
    cr_expect_eq(added[1], STORE_CHANGED);
    cr_assert(store_certificates_add(home->store, list, 2, added, &error), "%s", error.text);
    cr_expect_eq(added[0], STORE_KNOWN, "what was learned does not take back what an administrator did");
    cr_expect_eq(added[1], STORE_KNOWN);
    cr_expect_eq(store_home_count(home->store, &error), 1);
    g_autofree char *found = store_home_find(home->store, "bob@partner.test");
    cr_expect_str_eq(found, "same");
}

Test(store_certificates, state_and_removal)
{
    owned(store_home) struct store_home *home = store_home_new();
    struct error error = {0};
    static const char *const texts[] = {"a", "b", "c"};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        cr_assert(store_home_add(home->store, texts[i], "bob@partner.test", -10, (int)i - 1, &error), "%s", error.text);
    owned(store_certificates) struct store_certificates all = {0}, expired = {0}, one = {0};
    cr_assert(store_certificates_page(home->store, 0, 10, &all, &error));
    cr_assert_eq(all.count, 3);
    cr_assert(store_certificates_expired(home->store, STORE_NOW, NULL, 10, &expired, &error));
    cr_assert_eq(expired.count, 1);
    cr_expect_str_eq(expired.list[0].sha256, all.list[0].sha256);
    g_autofree char *prefix = g_strndup(all.list[1].sha256, 9);
    cr_assert(store_certificates_by_id(home->store, prefix, 2, &one, &error));
    cr_assert_eq(one.count, 1);
    cr_expect_eq(one.list[0].id, all.list[1].id);
    const int64_t ids[] = {all.list[0].id, all.list[2].id, 9999};
    cr_assert(store_certificates_remove(home->store, ids, 3, &error), "%s", error.text);
    g_autofree char *rest = store_home_find(home->store, "bob@partner.test");
    cr_expect_str_eq(rest, "b");
    cr_expect_eq(store_home_count(home->store, &error), 1);
    cr_expect(store_check(home->store, &error), "%s", error.text);
}

Test(store_certificates, the_file_is_private_and_is_made_by_who_writes)
{
    owned(store_home) struct store_home *home = store_home_new();
    struct error error = {0};
    g_autofree char *before = store_home_find(home->store, "bob@partner.test");
    cr_expect(text_begins_with(before, "failed: "), "a file that is not there knows not that there is none");
    cr_expect_eq(folder_mode(home->folder, "store.db"), 0);
    cr_assert(store_create(home->store, &error), "%s", error.text);
    cr_expect_eq(folder_mode(home->folder, "store.db"), 0600);
    g_autofree char *after = store_home_find(home->store, "bob@partner.test");
    cr_expect_str_eq(after, "none");
    g_autoptr(GDir) left = g_dir_open(home->folder, 0, NULL);
    for (const char *name; (name = g_dir_read_name(left)) != NULL;)
        cr_expect(strlen(name) <= strlen("store.db-wal"), "left behind: %s", name);
}
