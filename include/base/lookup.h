/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup: the three answers of every lookup. Failed is never none: a directory that is down must not turn mail into
 * plaintext.
 */
#ifndef DOMSEC_BASE_LOOKUP_H
#define DOMSEC_BASE_LOOKUP_H

enum found { FOUND, FOUND_NONE, FOUND_FAILED };

#endif
