/* SPDX-License-Identifier: Apache-2.0 */
#include "base/breaker.h"

#include <criterion/criterion.h>
#include <glib.h>

#define SECOND G_USEC_PER_SEC

static bool allows(struct breaker *breaker, int64_t second)
{
    struct error error = {0};
    bool allowed = breaker_allows(breaker, second * SECOND, &error);
    cr_expect_eq(error.kind, allowed ? ERROR_NONE : ERROR_TEMPORARY);
    return allowed;
}

static struct breaker *opened_at(int64_t second)
{
    struct breaker *breaker = breaker_new("ldaps://dir.partner.test");
    for (int i = 0; i < 3; i++) {
        cr_expect(allows(breaker, second));
        cr_expect_eq(breaker_failed(breaker, second * SECOND), i == 2);
    }
    return breaker;
}

Test(breaker, opens_after_three_failures_in_a_row)
{
    owned(breaker) struct breaker *breaker = breaker_new("x");
    for (int i = 0; i < 10; i++) {
        cr_expect_not(breaker_failed(breaker, 0));
        cr_expect_not(breaker_failed(breaker, 0));
        cr_expect_not(breaker_answered(breaker), "it was not open");
        cr_expect(allows(breaker, 0));
    }
    owned(breaker) struct breaker *open = opened_at(100);
    cr_expect_not(allows(open, 100));
    cr_expect_not(allows(open, 101));
}

Test(breaker, says_why_and_until_when)
{
    owned(breaker) struct breaker *breaker = opened_at(100);
    struct error error = {0};
    cr_expect_not(breaker_allows(breaker, 100 * SECOND + 1, &error));
    cr_expect_str_eq(error.text, "ldaps://dir.partner.test is not asked: it did not answer 3 times in a row; the next "
                                 "try is in 2 s");
    cr_expect_str_eq(error.said, error.text);
}

Test(breaker, one_probe_at_a_time)
{
    owned(breaker) struct breaker *breaker = opened_at(100);
    cr_expect(allows(breaker, 102));
    cr_expect_not(allows(breaker, 102));
    cr_expect(breaker_answered(breaker));
    cr_expect(allows(breaker, 102));
    cr_expect(allows(breaker, 102));
    cr_expect_not(breaker_failed(breaker, 102 * SECOND), "the failures before the answer count no longer");
    cr_expect(allows(breaker, 102));
}

Test(breaker, the_pause_doubles_up_to_twenty_seconds)
{
    static const int pauses[] = {2, 4, 8, 16, 20, 20};
    owned(breaker) struct breaker *breaker = opened_at(100);
    int64_t now = 100;
    for (size_t i = 0; i < G_N_ELEMENTS(pauses); i++) {
        cr_expect_not(allows(breaker, now + pauses[i] - 1), "pause %zu", i);
        now += pauses[i];
        cr_expect(allows(breaker, now), "pause %zu", i);
        cr_expect_not(breaker_failed(breaker, now * SECOND));
    }
    cr_expect(allows(breaker, now + 20));
    cr_expect(breaker_answered(breaker));
    for (int i = 0; i < 3; i++)
        breaker_failed(breaker, now * SECOND);
    cr_expect(allows(breaker, now + 2), "the next outage begins anew");
}

/* Those that were asked before it opened end later, one after the other. */
Test(breaker, stragglers_do_not_make_the_pause_longer)
{
    owned(breaker) struct breaker *breaker = opened_at(100);
    for (int i = 0; i < 50; i++)
        cr_expect_not(breaker_failed(breaker, 101 * SECOND));
    cr_expect(allows(breaker, 102));
}

Test(breaker, a_probe_that_never_ends_is_followed_by_another)
{
    owned(breaker) struct breaker *breaker = opened_at(100);
    cr_expect(allows(breaker, 102));
    cr_expect_not(allows(breaker, 103));
    cr_expect(allows(breaker, 104));
    cr_expect_not(allows(breaker, 107), "the pause has doubled");
    cr_expect(allows(breaker, 108));
}
