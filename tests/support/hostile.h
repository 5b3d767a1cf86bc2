/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile: messages that are made to cost the gateway as much as possible, each in its own way. None of them needs one
 * of our keys. Most are small where they arrive: what is large in them is compressed.
 */
#ifndef DOMSEC_TESTS_SUPPORT_HOSTILE_H
#define DOMSEC_TESTS_SUPPORT_HOSTILE_H

#include "support/attack.h"

struct hostile {
    const char *name;                     /* fit for a file */
    char *(*make)(const struct rig *rig); /* a message to bob@partner.test; g_free() */
    const char *says;  /* in the reason of the layer that ends it; NULL: it does not cost as much as it seems to */
    unsigned verified; /* signatures of messages and certificates that are verified at most */
};

extern const struct hostile hostile_messages[];
extern const size_t hostile_count;

#endif
