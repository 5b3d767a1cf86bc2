/* SPDX-License-Identifier: Apache-2.0 */
/*
 * malleable: detects signs of tampering in CBC-encrypted content, and constructs that would hide it. Content with
 * either is reported exactly like a failed decryption.
 */
#include "malleable.h"

#include <string.h>

static bool is_readable(const char *from, const char *to)
{
    if (!g_utf8_validate_len(from, (gsize)(to - from), NULL))
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

/* An attacker who changes a ciphertext in CBC gets a block of noise for each block of his own. Around the signed
 * content, where no signature covers the noise, nothing may depend on what it is: not on the padding of blocks that he
 * appends, and not on a quote or a NUL in a header field. Anything there that S/MIME software would not write is
 * therefore treated alike: as broken. DER without a transfer encoding needs no such check, because it states its own
 * length and the signature comes last. Unsigned attributes are the exception: see malleable_is_open_ended(). */
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

/* Data appended to a signature follows it; tampering there is visible only under a transfer encoding. */
bool malleable_is_open_ended(const struct part *part, const struct layer_facts *layer)
{
    bool has_unsigned = false;
    for (size_t i = 0; i < layer->signer_count; i++)
        has_unsigned |= layer->signers[i].has_unsigned;
    return has_unsigned && !layer->detached && part->encoding != ENCODING_BASE64;
}
