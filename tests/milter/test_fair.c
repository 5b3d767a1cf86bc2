/* SPDX-License-Identifier: Apache-2.0 */
/* Who is next: counted in what clients use, never timed. */
#include "milter/fair.h"

#include <criterion/criterion.h>
#include <string.h>

static void fair_cleanup(struct fair **fair)
{
    fair_free(*fair);
}
#define FAIR __attribute__((cleanup(fair_cleanup))) struct fair

static struct waiter waiter_of(const char *client)
{
    return (struct waiter){.client = client};
}

/* Gives the one who is next its turn, lets it use that much, and returns it. */
static struct waiter *serve(struct fair *fair, uint64_t used)
{
    struct waiter *next = fair_next(fair, false);
    cr_assert_not_null(next);
    fair_begin(fair, next->client);
    fair_wait_no_more(fair, next);
    fair_charge(fair, next->client, used);
    fair_end(fair, next->client);
    return next;
}

Test(fair, one_client_is_served_in_order)
{
    FAIR *fair = fair_new();
    struct waiter list[4] = {waiter_of("a"), waiter_of("a"), waiter_of("a"), waiter_of("a")};
    list[3].resuming = true;
    cr_expect_null(fair_next(fair, false));
    for (size_t i = 0; i < G_N_ELEMENTS(list); i++)
        fair_wait(fair, &list[i]);
    cr_expect_eq(serve(fair, 5), &list[3], "what has begun comes before what has not");
    for (size_t i = 0; i < 3; i++)
        cr_expect_eq(serve(fair, 5), &list[i], "%zu", i);
    cr_expect_null(fair_next(fair, false));
}

/* Twenty connections of one client whose messages cost much, and one of each of three others. */
Test(fair, clients_use_the_same)
{
    FAIR *fair = fair_new();
    static const char *const clients[] = {"dear", "a", "b", "c"};
    static const uint64_t costs[] = {100000, 1000, 500, 2000};
    uint64_t used[4] = {0};
    unsigned turns[4] = {0};
    struct waiter list[23];
    for (size_t i = 0; i < G_N_ELEMENTS(list); i++) {
        list[i] = waiter_of(clients[i < 20 ? 0 : i - 19]);
        fair_wait(fair, &list[i]);
    }
    for (unsigned i = 0; i < 4000; i++) {
        struct waiter *next = fair_next(fair, false);
        size_t who = next < list + 20 ? 0 : (size_t)(next - list) - 19;
        fair_begin(fair, next->client);
        fair_wait_no_more(fair, next);
        fair_charge(fair, next->client, costs[who]);
        fair_wait(fair, next); /* the next message is there before the end of this one */
        fair_end(fair, next->client);
        used[who] += costs[who];
        turns[who]++;
    }
    for (size_t i = 1; i < 4; i++) {
        cr_expect_leq(used[0], used[i] + 2 * costs[0], "%zu: %lu and %lu", i, used[0], used[i]);
        cr_expect_leq(used[i], used[0] + costs[0], "%zu: %lu and %lu", i, used[0], used[i]);
    }
    cr_expect_lt(turns[0], 20, "%u", turns[0]);
}

/* Who comes begins where the others are: he neither makes up for the past nor pays for it. */
Test(fair, the_past_does_not_count)
{
    FAIR *fair = fair_new();
    struct waiter dear = waiter_of("dear"), dear_again = waiter_of("dear"), late = waiter_of("late"),
                  later = waiter_of("late");
    fair_wait(fair, &dear);
    serve(fair, 1000000);
    fair_wait(fair, &dear_again);
    fair_wait(fair, &late);
    cr_expect_eq(fair_next(fair, false), &dear_again, "nobody had waited");
    serve(fair, 1000);
    fair_wait(fair, &dear);
    cr_expect_eq(serve(fair, 500), &late);
    fair_wait(fair, &later);
    cr_expect_eq(serve(fair, 600), &later, "it has used less since it came");
    fair_wait(fair, &later);
    cr_expect_eq(serve(fair, 1), &dear);
}

Test(fair, who_comes_back_has_saved_up_nothing)
{
    FAIR *fair = fair_new();
    struct waiter busy[2] = {waiter_of("busy"), waiter_of("busy")}, idle[9];
    for (size_t i = 0; i < 2; i++)
        fair_wait(fair, &busy[i]);
    for (unsigned i = 0; i < 100; i++)
        fair_wait(fair, serve(fair, 1000));
    for (size_t i = 0; i < G_N_ELEMENTS(idle); i++) {
        idle[i] = waiter_of("idle");
        fair_wait(fair, &idle[i]);
    }
    unsigned turns = 0;
    for (unsigned i = 0; i < 6; i++) {
        struct waiter *next = serve(fair, 1000);
        turns += strcmp(next->client, "idle") == 0;
        if (strcmp(next->client, "busy") == 0)
            fair_wait(fair, next);
    }
    cr_expect(turns == 3 || turns == 4, "%u of 6", turns);
}

Test(fair, a_turn_under_way_counts)
{
    FAIR *fair = fair_new();
    struct waiter first = waiter_of("a"), second = waiter_of("a"), other = waiter_of("b");
    fair_wait(fair, &first);
    fair_wait(fair, &second);
    fair_wait(fair, &other);
    fair_begin(fair, "a");
    fair_wait_no_more(fair, &first);
    cr_expect_eq(fair_next(fair, false), &other);
    cr_expect_not(fair_is_due(fair, "a"), "it has used nothing yet");
    fair_charge(fair, "a", 10);
    cr_expect(fair_is_due(fair, "a"));
    fair_charge(fair, "a", 100000);
    cr_expect(fair_is_due(fair, "a"));
    fair_wait_no_more(fair, &other);
    cr_expect_not(fair_is_due(fair, "a"), "only one of its own waits");
    fair_wait_no_more(fair, &second);
    cr_expect_not(fair_is_due(fair, "a"));
    fair_end(fair, "a");
}

Test(fair, only_those_that_resume)
{
    FAIR *fair = fair_new();
    struct waiter fresh = waiter_of("a"), fresh_too = waiter_of("b"), resuming = waiter_of("b");
    resuming.resuming = true;
    fair_wait(fair, &fresh);
    fair_wait(fair, &fresh_too);
    cr_expect_null(fair_next(fair, true));
    fair_wait(fair, &resuming);
    cr_expect_eq(fair_next(fair, true), &resuming);
    cr_expect_eq(fair_next(fair, false), &fresh);
}

/* Thousands of addresses, one after another, while one client is always there. */
Test(fair, many_clients)
{
    FAIR *fair = fair_new();
    struct waiter always = waiter_of("always");
    fair_wait(fair, &always);
    for (unsigned i = 0; i < 5000; i++) {
        g_autofree char *name = g_strdup_printf("client %u", i);
        struct waiter one = waiter_of(name);
        fair_wait(fair, &one);
        struct waiter *next = serve(fair, 1000);
        if (next == &always)
            fair_wait(fair, &always);
        if (next != &one)
            fair_wait_no_more(fair, &one);
    }
    cr_expect_eq(fair_next(fair, false), &always);
}

Test(fair, clients)
{
    static const char *const rows[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"2001:db8::1", "2001:db8::"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
        {"IPv6:2001:DB8::1", "2001:db8::"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"unknown", "unknown"},
        {NULL, ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *client = fair_client(rows[i][0]);
        cr_expect_str_eq(client, rows[i][1], "%zu: %s", i, client);
    }
}
