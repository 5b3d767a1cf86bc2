/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turns: cryptographic work is done in turns, if the caller has any.
 */
#include "internal.h"

void turns_enter(const struct turns *turns)
{
    if (turns == NULL)
        return;
    turns->enter(turns->context);
    /* Others work while a token keeps this message waiting. */
    keys_while_waiting(turns->leave, turns->enter, turns->context);
}

void turns_leave(const struct turns *turns)
{
    if (turns == NULL)
        return;
    keys_while_waiting(NULL, NULL, NULL);
    turns->leave(turns->context);
}

void turns_tell(const struct turns *turns)
{
    if (turns != NULL && turns->tell != NULL)
        turns->tell(turns->context);
}
