/* SPDX-License-Identifier: Apache-2.0 */
/*
 * malleable: what shows that a content was changed under encryption without authentication (CBC), or would let a change
 * go unseen. Only what has neither may be told from a decryption that failed.
 */
#include "malleable.h"

#include <string.h>

static bool is_readable(const char *from, const char *to)
{
    if (!g_utf8_validate_len(from, (gsize)MAX(to - from, 0), NULL))
        return false;
    for (; from < to; from++)
        if (g_ascii_iscntrl(*from) && strchr("\r\n\t", *from) == NULL)
            return false;
    return true;
}

static bool slice_is_readable(struct slice slice)
{
    return is_readable(slice.data, slice.data + slice.len);
}

/* Whoever changes a ciphertext in CBC gets a block of noise for each of his own. Where a signature does not cover it,
 * in what is around the signed content, nothing may depend on what the noise is: neither on the padding of blocks that
 * he adds at the end, nor on a quote or a NUL in a header field. So all that has octets there that S/MIME software does
 * not write is one: broken. DER in no transfer encoding needs no such look, it ends where it says and fits or does not,
 * and the signature comes last: but for unsigned attributes, see malleable_is_open_ended(). */
bool malleable_has_noise(const struct part *part)
{
    if (part == NULL)
        return false;
    if (part_is_multipart_signed(part)) {
        struct slice content = part->child_count > 0 ? part->children[0].whole : SLICE_NONE;
        return !slice_is_readable(part->header) || part->child_count == 0 ||
               !is_readable(part->body.data, content.data) ||
               !is_readable(content.data + content.len, part->body.data + part->body.len);
    }
    if (part_is_pkcs7_mime(part))
        return !slice_is_readable(part->header) ||
               (part->encoding == ENCODING_BASE64 && !slice_is_readable(part->body));
    return false;
}

/* What was added to a signature lies behind it, and only a transfer encoding would show noise there. */
bool malleable_is_open_ended(const struct part *part, const struct layer_facts *layer)
{
    bool has_unsigned = false;
    for (size_t i = 0; i < layer->signer_count; i++)
        has_unsigned |= layer->signers[i].has_unsigned;
    return has_unsigned && !layer->detached && part->encoding != ENCODING_BASE64;
}
