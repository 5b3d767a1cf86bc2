/* SPDX-License-Identifier: Apache-2.0 */
#include "base/distance.h"

#include <glib.h>
#include <string.h>

#define WORD_MAX 64

unsigned distance_between(const char *typed, const char *known)
{
    g_autofree char *word = g_ascii_strdown(typed, -1);
    size_t word_length = strlen(word), known_length = strlen(known);
    unsigned rows[3][WORD_MAX + 1];
    if (word_length > WORD_MAX || known_length > WORD_MAX)
        return WORD_MAX;
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= known_length; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= word_length; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= known_length; j++) {
            unsigned exchange = last[j - 1] + (word[i - 1] != known[j - 1]);
            row[j] = MIN(exchange, MIN(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && word[i - 1] == known[j - 2] && word[i - 2] == known[j - 1])
                row[j] = MIN(row[j], before[j - 2] + 1);
        }
        unsigned *free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    return last[known_length];
}

unsigned distance_limit(const char *typed)
{
    return 2 + (unsigned)MIN(strlen(typed), 16) / 4;
}
