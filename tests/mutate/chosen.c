/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chosen: which of the changes that tests/mutate/variants.py compiled into a program is in effect; 0: none. The
 * environment chooses it in programs that tests start, tests/tsan/runner.c in the tests themselves.
 */
#include <stdlib.h>
#include <string.h>

/* A table, and what takes its place under one of the changes. */
struct mutant_table {
    int number;
    void *table;
    const void *changed;
    size_t size;
};

extern const struct mutant_table __start_mutant_tables[], __stop_mutant_tables[];
#pragma weak __start_mutant_tables
#pragma weak __stop_mutant_tables

int domsec_mutant;
void domsec_mutant_choose(int number);

void domsec_mutant_choose(int number)
{
    domsec_mutant = number;
    for (const struct mutant_table *table = __start_mutant_tables; table != __stop_mutant_tables; table++)
        if (table->number == number)
            memcpy(table->table, table->changed, table->size);
}

__attribute__((constructor)) static void choose_by_environment(void)
{
    const char *number = getenv("DOMSEC_MUTANT");
    if (number != NULL)
        domsec_mutant_choose((int)strtol(number, NULL, 10));
}
