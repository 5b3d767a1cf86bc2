/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protected_headers: what becomes of the header fields of what was signed or encrypted (RFC 9788).
 */
#ifndef DOMSEC_GATEWAY_PROTECTED_HEADERS_H
#define DOMSEC_GATEWAY_PROTECTED_HEADERS_H

#include "internal.h"

/* Decides which fields are restored. */
void protected_headers_decide(struct made_fields *made, const struct passage *passage);

/* Adds to entity, which lies inside the `depth` outermost layers, a part with those fields of the entities inside them
 * that do not stand in the header of the message. if_opened: as if no decryption had failed. */
bool protected_headers_keep(const struct passage *passage, size_t depth, bool if_opened,
                            const struct transport *transport, struct entity *entity, struct error *error);

#endif
