/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smime_init(): what the files of smime/ fetch once, in one place, so that none of them needs another for it.
 */
#include "attributes.h"
#include "compat/edwards.h"
#include "compat/x25519.h"
#include "smime_private.h"

bool smime_init(struct error *error)
{
    static GMutex lock;
    static bool done;
    g_mutex_lock(&lock);
    if (!done)
        done = algorithms_init(error) && attributes_init(error) && capabilities_init(error) &&
               signing_certificate_init(error) && agreed_key_init(error) && edwards_init(error);
    bool initialised = done;
    g_mutex_unlock(&lock);
    return initialised;
}
