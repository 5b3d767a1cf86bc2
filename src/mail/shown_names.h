/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shown_names: does a text beside a mailbox show another address? Private to mail/.
 */
#ifndef DOMSEC_MAIL_SHOWN_NAMES_H
#define DOMSEC_MAIL_SHOWN_NAMES_H

#include "mail/address.h"

/* Returns true if a display name or comment, as it stands in the field, shows its reader an address that is not among
 * own. When in doubt, true. */
bool shows_another_address(const char *raw, const struct addresses *own);

#endif
