/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare: values of header fields with no more than a mail program needs.
 */
#ifndef DOMSEC_MAIL_BARE_H
#define DOMSEC_MAIL_BARE_H

#include "base/bytes.h"

/* The same mailboxes without display names, comments and groups; with its leading space and folding, g_free(). NULL if
 * it has nothing else, or cannot be read. */
char *bare_addresses(struct slice value);

/* The same time in UTC; with its leading space, g_free(). NULL if it is in UTC, or cannot be read. */
char *bare_date(struct slice value);

/* True if two values name the same mailboxes in the same order, or the same time; false if one cannot be read. */
bool bare_same_addresses(struct slice a, struct slice b);
bool bare_same_date(struct slice a, struct slice b);

#endif
