/* SPDX-License-Identifier: Apache-2.0 */
/* leaves: the content of an entity, whatever its transfer encodings, so that two can be compared. */
#ifndef DOMSEC_TESTS_SUPPORT_LEAVES_H
#define DOMSEC_TESTS_SUPPORT_LEAVES_H

#include "smime/smime.h"

/* One line for each leaf: its type and the SHA-256 of its decoded content. The parts of a message/rfc822 are leaves,
 * too. A signature, clear or opaque, is "signed", "holds" or "broken", and what is signed. loosely: without the types,
 * and line ends do not count. g_free(). */
char *leaves(struct slice header, struct slice body, bool loosely, const struct limits *limits);

/* How certain it is what the leaves are: some programs could find others (0), they are certain but for line ends, as
 * the header can be read in several ways (1), or certain (2). */
unsigned leaves_certainty(struct slice header, struct slice body, const struct limits *limits);

#endif
