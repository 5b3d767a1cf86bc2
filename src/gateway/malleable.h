/* SPDX-License-Identifier: Apache-2.0 */
/*
 * malleable: detects signs of tampering in CBC-encrypted content, and constructs that would hide it.
 */
#ifndef DOMSEC_GATEWAY_MALLEABLE_H
#define DOMSEC_GATEWAY_MALLEABLE_H

#include "mail/mime.h"
#include "smime/layer.h"

/* True if, in what was decrypted without authentication, octets outside the signed content are such that S/MIME
 * software does not write them. part may be NULL. */
bool malleable_has_noise(const struct part *part);
/* True if the layer, opened from part, has something behind its signature that nothing protects. */
bool malleable_is_open_ended(const struct part *part, const struct layer_facts *layer);

#endif
