/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CompressedData (RFC 3274, RFC 8551 §3.6), with zlib, because Debian's OpenSSL is built without it. It only
 * decompresses: compressed and encrypted content leaks by its length, so we never compress. A decompression bomb ends
 * at message_size_limit, and several of them at the budget of the message.
 */
#include "smime_private.h"

#include <zlib.h>

#define PIECE ((size_t)64 << 10)

static void inflate_end(z_stream *stream)
{
    inflateEnd(stream);
}

/* *status is Z_STREAM_END if all of in was one complete stream. */
static bool inflate_into(const struct opening *opening, z_stream *stream, struct spool *out, int *status)
{
    struct error *error = opening->error;
    g_autofree unsigned char *buffer = g_malloc(PIECE);
    do {
        stream->next_out = buffer;
        stream->avail_out = PIECE;
        if (!budget_spend(opening->budget, PIECE * COST_DECODED, error))
            return false;
        *status = inflate(stream, Z_NO_FLUSH);
        if (*status != Z_OK && *status != Z_STREAM_END)
            return true;
        if (spool_length(out) + (PIECE - stream->avail_out) > opening->limits->message_size)
            return error_set(error, ERROR_PERMANENT, "the compressed content is larger than message_size_limit");
        if (!spool_write(out, buffer, PIECE - stream->avail_out, error))
            return false;
    } while (*status == Z_OK);
    return true;
}

static bool decompress(const struct opening *opening, struct slice in, struct spool *out)
{
    struct error *error = opening->error;
    __attribute__((cleanup(inflate_end)))
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)in.data, .avail_in = (unsigned)in.len};
    int status = inflateInit(&stream);

    if (status != Z_OK)
        return error_set(error, ERROR_TEMPORARY, "zlib: %s", zError(status));
    if (!inflate_into(opening, &stream, out, &status))
        return false;
    if (status != Z_STREAM_END || stream.avail_in != 0)
        return error_set(error, ERROR_PERMANENT, "the compressed content is corrupt");
    return true;
}

enum opened open_compressed(const struct opening *opening, CMS_ContentInfo **cms)
{
    ASN1_OCTET_STRING **content = CMS_get0_content(*cms);
    owned(spool) struct spool *plain = spool_new(opening->limits);
    struct layer_owner *owner;
    struct slice bytes;
    if (content == NULL || *content == NULL || OBJ_obj2nid(CMS_get0_eContentType(*cms)) != NID_pkcs7_data)
        return opening_failed(opening, "the compressed content is missing or not of type data");
    bytes = (struct slice){(const char *)ASN1_STRING_get0_data(*content), (size_t)ASN1_STRING_length(*content)};
    if (!decompress(opening, bytes, plain) || !spool_finish(plain, &opening->layer->inner, opening->error))
        return OPENED_FAILED;
    owner = g_new0(struct layer_owner, 1);
    owner->spool = steal(&plain);
    opening->layer->owner = owner;
    return OPENED;
}
