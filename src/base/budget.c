/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget: adds up what a message costs, and says when it is enough.
 */
#include "base/budget.h"

bool budget_is_spent(const struct budget *budget)
{
    return budget != NULL && budget->spent >= budget->limit;
}

bool budget_spend(struct budget *budget, uint64_t cost, struct error *error)
{
    if (budget == NULL)
        return true;
    bool enough = !budget_is_spent(budget) && cost <= budget->limit - budget->spent;
    if (!enough) {
        budget->spent = budget->limit; /* what is cheaper is not done instead */
        return error != NULL && error_set(error, ERROR_PERMANENT, BUDGET_SPENT);
    }
    budget->spent += cost;
    if (budget->rest != NULL && budget->spent - budget->rested >= BUDGET_REST_EVERY) {
        budget->rested = budget->spent;
        budget->rest(budget->context);
    }
    return true;
}
