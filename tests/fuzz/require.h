/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold for every input: says which line, then aborts, so that the fuzzer keeps the input. */
#ifndef DOMSEC_TESTS_FUZZ_REQUIRE_H
#define DOMSEC_TESTS_FUZZ_REQUIRE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static inline void require_at(bool holds, const char *file, int line, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}
#define require(condition) require_at(condition, __FILE__, __LINE__, #condition)

#endif
