/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turns: cryptographic work is done in turns, if the caller has any.
 */
#include "internal.h"

void turns_enter(const struct turns *turns)
{
    if (turns != NULL)
        turns->enter(turns->context);
}

void turns_leave(const struct turns *turns)
{
    if (turns != NULL)
        turns->leave(turns->context);
}

void turns_tell(const struct turns *turns)
{
    if (turns != NULL && turns->tell != NULL)
        turns->tell(turns->context);
}
