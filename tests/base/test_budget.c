/* SPDX-License-Identifier: Apache-2.0 */
#include "base/budget.h"

#include <criterion/criterion.h>
#include <string.h>

Test(budget, ends)
{
    struct budget budget = {.limit = 100};
    struct error error = {0};
    cr_expect(budget_spend(&budget, 60, &error));
    cr_expect(budget_spend(&budget, 30, NULL));
    cr_expect_not(budget_is_spent(&budget));
    cr_expect_eq(error.kind, ERROR_NONE);
    cr_expect_not(budget_spend(&budget, 11, &error));
    cr_expect_eq(error.kind, ERROR_PERMANENT);
    cr_expect_str_eq(error.text, BUDGET_SPENT);
    cr_expect(budget_is_spent(&budget), "what is cheaper is not done instead");
    cr_expect_not(budget_spend(&budget, 1, NULL));
    cr_expect_not(budget_spend(&budget, UINT64_MAX, NULL));
}

Test(budget, to_the_last)
{
    struct budget budget = {.limit = 100};
    cr_expect(budget_spend(&budget, 100, NULL));
    cr_expect(budget_is_spent(&budget));
    cr_expect_not(budget_spend(&budget, 1, NULL));
}

Test(budget, none)
{
    struct error error = {0};
    cr_expect(budget_spend(NULL, UINT64_MAX, &error));
    cr_expect_not(budget_is_spent(NULL));
}

static void count(void *context)
{
    ++*(unsigned *)context;
}

Test(budget, rests)
{
    unsigned rests = 0;
    struct budget budget = {.limit = UINT64_MAX, .rest = count, .context = &rests};
    for (int i = 0; i < 10; i++)
        budget_spend(&budget, BUDGET_REST_EVERY / 2, NULL);
    cr_expect_eq(rests, 5, "%u", rests);
    budget_spend(&budget, 7 * BUDGET_REST_EVERY, NULL);
    cr_expect_eq(rests, 6, "once after much work: %u", rests);
    budget_spend(&budget, BUDGET_REST_EVERY - 1, NULL);
    cr_expect_eq(rests, 6, "%u", rests);
}
