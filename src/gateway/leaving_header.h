/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaving_header: protects header fields of a message that leaves (RFC 9788).
 */
#ifndef DOMSEC_GATEWAY_LEAVING_HEADER_H
#define DOMSEC_GATEWAY_LEAVING_HEADER_H

#include "internal.h"

/* Makes the entity that gets the first of our layers: canonical, with the fields that wrapping.headers protects. Says
 * in made what was done, and in made->note why less than that was. */
bool leaving_header_make(const struct passage *passage, struct made *made, struct entity *entity, struct error *error);

/* Hides outside what is protected inside. */
void leaving_header_edit(const struct passage *passage, struct made *made);

/* Takes the tags of rules off the Subject outside, also in the copy for a colleague if the message leaves for others.
 */
void leaving_header_remove_tags(const struct passage *passage, struct made *made);

#endif
