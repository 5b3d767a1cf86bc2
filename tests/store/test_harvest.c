/* SPDX-License-Identifier: Apache-2.0 */
/* What messages bring, and what keeps it in bounds. The certificates are any bytes. */
#include "store/harvest.h"
#include "support/store_home.h"

#include <sqlite3.h>
#include <string.h>

#define SOON (g_get_monotonic_time() + 200 * 1000)
#define BOB "bob@partner.test"

static const struct harvest_limits wide = {100, 1000, 1000};

struct offered {
    const char *text, *name;
    int from, until; /* days */
    bool is_approved;
    int day; /* on which it is offered */
};

static enum harvested offer(struct store *store, const struct offered *offered, const struct harvest_limits *limits)
{
    struct error error = {0};
    enum harvested result;
    g_autofree char *chain = g_strconcat("chain of ", offered->text, NULL);
    const struct harvest_offer all = {.der = slice_of(offered->text),
                                      .chain = slice_of(chain),
                                      .at = STORE_NOW + (int64_t)offered->day * STORE_DAY,
                                      .not_before = STORE_NOW + (int64_t)offered->from * STORE_DAY,
                                      .not_after = STORE_NOW + (int64_t)offered->until * STORE_DAY,
                                      .name = {offered->name, strchr(offered->name, '@') != NULL ? 0 : 1},
                                      .is_approved = offered->is_approved,
                                      .limits = *limits};
    cr_assert(store_harvest(store, &all, SOON, &result, &error), "%s", error.text);
    return result;
}

/* "a b": those that are used; g_free(). */
static char *used(struct store *store, const char *name, int day)
{
    struct error error = {0};
    owned(harvest_found) struct harvest_found found = {0};
    const struct store_name names[] = {{name, strchr(name, '@') != NULL ? 0 : 1}};
    const struct store_question question = {
        .names = names, .count = 1, .at = STORE_NOW + (int64_t)day * STORE_DAY, .deadline = SOON};
    GString *text = g_string_new(NULL);
    enum found answer = store_harvest_find(store, &question, &found, &error);
    cr_expect_neq(answer, FOUND_FAILED, "%s", error.text);
    for (size_t i = 0; i < found.certificates.count; i++) {
        const struct slice *der = &found.certificates.list[i].der, *chain = &found.chains[i];
        g_string_append_printf(text, "%s%.*s", i > 0 ? " " : "", (int)der->len, der->data);
        cr_expect_eq(chain->len, der->len + strlen("chain of "));
        cr_expect_eq(memcmp(chain->data + strlen("chain of "), der->data, der->len), 0, "its own chain");
    }
    return g_string_free(text, FALSE);
}

#define EXPECT_USED(home, name, day, expected)                                                                         \
    do {                                                                                                               \
        g_autofree char *told = used((home)->store, name, day);                                                        \
        cr_expect_str_eq(told, expected, "%s", told);                                                                  \
    } while (0)

static GPtrArray *pending(struct store *store)
{
    struct error error = {0};
    GPtrArray *list = store_harvest_pending(store, 0, 100, &error);
    cr_assert_not_null(list, "%s", error.text);
    return list;
}

static bool decide(struct store *store, int64_t id, enum store_state state)
{
    struct error error = {0};
    bool decided = false;
    cr_assert(store_harvest_decide(store, id, state, &decided, &error), "%s", error.text);
    return decided;
}

/* Nothing is used before it is approved, and only one waits for each name. */
Test(store_harvest, waits_for_approval)
{
    owned(store_home) struct store_home *home = store_home_new();
    cr_expect_eq(offer(home->store, &(struct offered){"a", BOB, -1, 9}, &wide), HARVESTED_PENDING);
    cr_expect_eq(offer(home->store, &(struct offered){"a", BOB, -1, 9}, &wide), HARVESTED_KNOWN);
    cr_expect_eq(offer(home->store, &(struct offered){"b", BOB, -1, 9}, &wide), HARVESTED_NOT);
    cr_expect_eq(offer(home->store, &(struct offered){"c", "carol@partner.test", -1, 9}, &wide), HARVESTED_PENDING);
    EXPECT_USED(home, BOB, 0, "");
    g_autoptr(GPtrArray) list = pending(home->store);
    cr_assert_eq(list->len, 2);
    const struct harvest_pending *first = g_ptr_array_index(list, 0), *second = g_ptr_array_index(list, 1);
    cr_expect_str_eq(first->names, BOB);
    cr_expect(decide(home->store, first->certificate.id, STORE_USED));
    cr_expect_not(decide(home->store, first->certificate.id, STORE_REJECTED), "it was decided");
    cr_expect(decide(home->store, second->certificate.id, STORE_REJECTED));
    cr_expect_not(decide(home->store, second->certificate.id, STORE_USED));
    cr_expect_not(decide(home->store, 4711, STORE_USED));
    EXPECT_USED(home, BOB, 0, "a");
    EXPECT_USED(home, "carol@partner.test", 0, "");
    cr_expect_eq(offer(home->store, &(struct offered){"c", "carol@partner.test", -1, 9}, &wide), HARVESTED_KNOWN,
                 "it stays rejected");
    g_autoptr(GPtrArray) none = pending(home->store);
    cr_expect_eq(none->len, 0);
}

/* One that has ended while it waited is in nobody's way. */
Test(store_harvest, a_pending_one_that_has_ended)
{
    owned(store_home) struct store_home *home = store_home_new();
    cr_expect_eq(offer(home->store, &(struct offered){"a", BOB, -1, 9}, &wide), HARVESTED_PENDING);
    cr_expect_eq(offer(home->store, &(struct offered){"b", BOB, -1, 99, .day = 8}, &wide), HARVESTED_NOT);
    cr_expect_eq(offer(home->store, &(struct offered){"b", BOB, -1, 99, .day = 10}, &wide), HARVESTED_PENDING);
}

/* Whatever it says of its own validity, and in whatever order they are asked for. */
Test(store_harvest, a_newer_one_never_outranks_an_older_one)
{
    owned(store_home) struct store_home *home = store_home_new();
    cr_expect_eq(offer(home->store, &(struct offered){"old", BOB, -50, 5, true}, &wide), HARVESTED_USED);
    cr_expect_eq(offer(home->store, &(struct offered){"newer", BOB, -1, 99, true}, &wide), HARVESTED_USED);
    cr_expect_eq(offer(home->store, &(struct offered){"newest", BOB, -20, 50, true}, &wide), HARVESTED_USED);
    EXPECT_USED(home, BOB, 0, "old newer newest");
    EXPECT_USED(home, BOB, 6, "old newer newest"); /* those that have ended are left to trust/ */
    for (int i = 0; i < 20; i++) {
        g_autofree char *text = g_strdup_printf("more%d", i);
        enum harvested result = offer(home->store, &(struct offered){text, BOB, -1, 200, true}, &wide);
        cr_expect_eq(result, i < HARVEST_PER_NAME - 3 ? HARVESTED_USED : HARVESTED_SENDER, "%d", i);
    }
    EXPECT_USED(home, BOB, 0, "old newer newest more0 more1 more2 more3 more4");
}

Test(store_harvest, limits)
{
    owned(store_home) struct store_home *home = store_home_new();
    const struct harvest_limits limits = {.per_sender_daily = 2, .daily = 4, .total = 6};
    static const struct {
        struct offered offered;
        enum harvested result;
    } rows[] = {
        {{"1", BOB, -1, 9, true}, HARVESTED_USED},
        {{"2", BOB, -1, 9, true}, HARVESTED_USED},
        {{"3", BOB, -1, 9, true}, HARVESTED_SENDER},
        {{"1", BOB, -1, 9, true}, HARVESTED_KNOWN},
        {{"4", "carol@partner.test", -1, 9, true}, HARVESTED_USED},
        {{"5", "partner.test", -1, 9, true}, HARVESTED_USED},
        {{"6", "dave@partner.test", -1, 9, true}, HARVESTED_DAILY},
        {{"3", BOB, -1, 9, true, .day = 1}, HARVESTED_USED},
        {{"6", "dave@partner.test", -1, 9, true, .day = 1}, HARVESTED_USED},
        {{"7", "dave@partner.test", -1, 9, true, .day = 1}, HARVESTED_FULL},
        {{"7", "erin@partner.test", -1, 9, true, .day = 5}, HARVESTED_FULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        enum harvested result = offer(home->store, &rows[i].offered, &limits);
        cr_expect_eq(result, rows[i].result, "row %zu: %s", i, harvested_name(result));
    }
}

/* What an administrator has imported is not harvested, and is none of the harvest's to decide. */
Test(store_harvest, what_was_imported)
{
    owned(store_home) struct store_home *home = store_home_new();
    struct error error = {0};
    cr_assert(store_home_add(home->store, "mine", BOB, -1, 9, &error));
    cr_expect_eq(offer(home->store, &(struct offered){"mine", BOB, -1, 9}, &wide), HARVESTED_KNOWN);
    cr_expect_eq(offer(home->store, &(struct offered){"mine", "carol@partner.test", -1, 9}, &wide), HARVESTED_KNOWN);
    cr_expect_not(decide(home->store, 1, STORE_REJECTED));
    EXPECT_USED(home, BOB, 0, "");
    g_autofree char *imported = store_home_find(home->store, BOB);
    cr_expect_str_eq(imported, "mine");
    cr_expect_eq(offer(home->store, &(struct offered){"theirs", BOB, -1, 9, true}, &wide), HARVESTED_USED);
    g_autofree char *still = store_home_find(home->store, BOB);
    cr_expect_str_eq(still, "mine", "the sources stay apart");
}

/* One certificate may be offered for several names. */
Test(store_harvest, another_name)
{
    owned(store_home) struct store_home *home = store_home_new();
    cr_expect_eq(offer(home->store, &(struct offered){"a", BOB, -1, 9}, &wide), HARVESTED_PENDING);
    cr_expect_eq(offer(home->store, &(struct offered){"a", "b@partner.test", -1, 9, true}, &wide), HARVESTED_KNOWN);
    EXPECT_USED(home, "b@partner.test", 0, "");
    g_autoptr(GPtrArray) list = pending(home->store);
    cr_assert_eq(list->len, 1);
    const struct harvest_pending *only = g_ptr_array_index(list, 0);
    cr_expect_str_eq(only->names, BOB " b@partner.test");
    cr_expect(decide(home->store, only->certificate.id, STORE_USED));
    EXPECT_USED(home, "b@partner.test", 0, "a");
}

/* Two administrators decide at once: one of them does. */
struct deciding {
    const char *uri;
    enum store_state state;
    gint *done;
};

static gpointer decide_all(gpointer data)
{
    const struct deciding *deciding = data;
    owned(store) struct store *store = store_open(deciding->uri);
    for (int id = 1; id <= 20; id++)
        if (decide(store, id, deciding->state))
            g_atomic_int_inc(deciding->done);
    return NULL;
}

Test(store_harvest, is_decided_once)
{
    owned(store_home) struct store_home *home = store_home_new();
    gint done = 0;
    for (int i = 0; i < 20; i++) {
        g_autofree char *name = g_strdup_printf("p%d@partner.test", i);
        cr_expect_eq(offer(home->store, &(struct offered){name, name, -1, 9}, &wide), HARVESTED_PENDING);
    }
    struct deciding approving = {home->uri, STORE_USED, &done}, rejecting = {home->uri, STORE_REJECTED, &done};
    GThread *threads[] = {g_thread_new("approve", decide_all, &approving),
                          g_thread_new("reject", decide_all, &rejecting)};
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    cr_expect_eq(done, 20, "%d", done);
}

static bool keep_words(struct store *store, int64_t signed_at, const char *words, int64_t deadline, bool *kept,
                       struct error *error)
{
    const struct announcement announcement = {(char *)BOB, signed_at, (char *)words};
    return store_capabilities_keep(store, &announcement, deadline, kept, error);
}

/* A message does not wait for who writes; and where nothing is new, it does not even meet him. */
Test(store_harvest, a_store_that_is_locked)
{
    owned(store_home) struct store_home *home = store_home_new();
    struct error error = {0};
    sqlite3 *other = NULL;
    enum harvested result;
    bool kept = true;
    cr_expect_eq(offer(home->store, &(struct offered){"a", BOB, -1, 9}, &wide), HARVESTED_PENDING);
    cr_assert(keep_words(home->store, 7, "x", SOON, &kept, &error));
    cr_assert_eq(sqlite3_open(home->file, &other), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    cr_expect_eq(offer(home->store, &(struct offered){"a", BOB, -1, 9}, &wide), HARVESTED_KNOWN);
    cr_assert(keep_words(home->store, 7, "x", SOON, &kept, &error));
    const struct harvest_offer fresh = {
        .der = slice_of("b"), .at = STORE_NOW, .not_after = STORE_NOW, .name = {"c@d.test", 0}, .limits = wide};
    cr_expect_not(store_harvest(home->store, &fresh, g_get_monotonic_time(), &result, &error));
    cr_expect_eq(error.kind, ERROR_TEMPORARY);
    cr_expect_not(keep_words(home->store, 8, "y", g_get_monotonic_time(), &kept, &error));
    sqlite3_close(other);
    cr_expect(store_harvest(home->store, &fresh, SOON, &result, &error), "%s", error.text);
}

/* --- capabilities --- */

static void expect_words(struct store *store, const char *name, const char *words, int64_t signed_at)
{
    struct error error = {0};
    struct announcement found = {.name = (char *)name};
    enum found answer = store_capabilities_find(store, SOON, &found, &error);
    cr_expect_eq(answer, words != NULL ? FOUND : FOUND_NONE, "%s", error.text);
    cr_expect(g_strcmp0(found.words, words) == 0, "%s", found.words);
    cr_expect_eq(found.signed_at, signed_at);
    g_free(found.words);
}

Test(store_capabilities, the_last_signature_counts)
{
    owned(store_home) struct store_home *home = store_home_new();
    struct error error = {0};
    static const struct {
        int64_t signed_at;
        const char *words;
        bool kept;
    } rows[] = {
        {100, "new", true}, {99, "old", false}, {100, "same", false}, {101, "newer", true}, {100, "new", false}};
    cr_assert(store_create(home->store, &error));
    expect_words(home->store, BOB, NULL, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        bool kept = !rows[i].kept;
        cr_assert(keep_words(home->store, rows[i].signed_at, rows[i].words, SOON, &kept, &error), "%s", error.text);
        cr_expect_eq(kept, rows[i].kept, "row %zu", i);
    }
    expect_words(home->store, BOB, "newer", 101);
    expect_words(home->store, "partner.test", NULL, 0);
}

/* Whoever comes first to the lock. */
struct announcing {
    const char *uri;
    int first;
};

static gpointer announce(gpointer data)
{
    const struct announcing *announcing = data;
    owned(store) struct store *store = store_open(announcing->uri);
    struct error error = {0};
    bool kept;
    for (int i = announcing->first; i < 200; i += 2) {
        g_autofree char *words = g_strdup_printf("%d", i);
        int64_t deadline = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
        cr_assert(keep_words(store, i, words, deadline, &kept, &error), "%s", error.text);
    }
    return NULL;
}

Test(store_capabilities, two_gateways_learn_at_once)
{
    owned(store_home) struct store_home *home = store_home_new();
    struct error error = {0};
    struct announcing even = {home->uri, 2}, odd = {home->uri, 1};
    cr_assert(store_create(home->store, &error));
    GThread *threads[] = {g_thread_new("even", announce, &even), g_thread_new("odd", announce, &odd)};
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    expect_words(home->store, BOB, "199", 199);
}

Test(store_capabilities, a_store_that_fails_is_not_none)
{
    owned(store_home) struct store_home *home = store_home_new();
    struct error error = {0};
    struct announcement none = {.name = (char *)BOB};
    cr_expect_eq(store_capabilities_find(home->store, SOON, &none, &error), FOUND_FAILED, "it is not there");
}

/* Page by page, the newest first, whatever brought them; with the chain of each that has one. */
Test(harvest, recent)
{
    struct error error = {0};
    owned(store_home) struct store_home *home = store_home_new();
    g_autoptr(GString) all = g_string_new(NULL);
    int64_t before = INT64_MAX;
    offer(home->store, &(struct offered){"one", BOB, -1, 9, true, 0}, &wide);
    offer(home->store, &(struct offered){"over", BOB, -9, -1, true, -2}, &wide);
    offer(home->store, &(struct offered){"waits", "carol@partner.test", -1, 9, false, 0}, &wide);
    cr_assert(store_home_add(home->store, "imported", BOB, -1, 9, &error), "%s", error.text);
    offer(home->store, &(struct offered){"later", BOB, 1, 9, true, 0}, &wide);
    offer(home->store, &(struct offered){"two", BOB, -1, 9, true, 0}, &wide);
    for (size_t count = 2; count == 2;) {
        owned(harvest_found) struct harvest_found found = {0};
        cr_assert(store_harvest_recent(home->store, before, 2, STORE_NOW, &found, &error), "%s", error.text);
        count = found.certificates.count;
        for (size_t i = 0; i < count; i++) {
            const struct store_certificate *each = &found.certificates.list[i];
            before = each->id;
            g_string_append_printf(all, "%.*s(%zu) ", (int)each->der.len, each->der.data, found.chains[i].len);
        }
        g_string_append(all, "/ ");
    }
    cr_expect_str_eq(all->str, "two(12) imported(0) / one(12) / ");
}
