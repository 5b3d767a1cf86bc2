/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/daily.h"

#include <criterion/criterion.h>

Test(daily, once_a_day)
{
    static const struct {
        time_t now;
        bool due;
    } rows[] = {{1000000, true},         {1000000, false},         {1000005, false},         {1000000 + 86399, false},
                {1000000 + 86400, true}, {1000000 + 86405, false}, {1000000 + 86399, false}, /* a little back */
                {500000, true},          {500005, false},          {9000000, true}};
    time_t next = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        cr_expect_eq(daily_is_due(&next, rows[i].now), rows[i].due, "row %zu", i);
}
