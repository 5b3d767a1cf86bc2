/* SPDX-License-Identifier: Apache-2.0 */
#include "key_wait.h"

#include "keys/keys.h"

static _Thread_local struct {
    void (*begin)(void *context);
    void (*end)(void *context);
    void *context;
    bool has_begun;
} waiting;

void keys_while_waiting(void (*begin)(void *context), void (*end)(void *context), void *context)
{
    waiting.begin = begin;
    waiting.end = end;
    waiting.context = context;
}

void key_wait_begin(void)
{
    if (waiting.begin == NULL || waiting.has_begun)
        return;
    waiting.has_begun = true;
    waiting.begin(waiting.context);
}

void key_wait_end(void)
{
    if (!waiting.has_begun)
        return;
    waiting.has_begun = false;
    waiting.end(waiting.context);
}
