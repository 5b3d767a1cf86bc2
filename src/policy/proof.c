/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof: whether a client has proved that it may write in the name that stands in From.
 */
#include "policy/policy.h"

/* Neither a login nor a network says which address is whose. */
bool policy_from_is_proven(const struct conf *conf, const struct envelope *envelope,
                           const struct originator *originator)
{
    (void)conf;
    (void)envelope;
    (void)originator;
    return false;
}
