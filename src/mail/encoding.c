/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encoding: transfer encodings (RFC 2045 §6) from and to spools, in pieces, so that memory never holds a second copy
 * of a large body.
 *
 * Base64 uses OpenSSL's block coder on runs without line ends: it checks the alphabet and is faster than GMime's
 * decoder, which ignores unknown characters. GMime decodes quoted-printable; quoted.c encodes it.
 */
#include "lines.h"

#include <gmime/gmime.h>
#include <openssl/evp.h>
#include <string.h>

#define CHUNK 49152 /* a multiple of 4 and of 3 */

struct base64_decoder {
    struct spool *out;
    struct error *error;
    size_t used;
    bool ended; /* padding was seen */
    unsigned char text[CHUNK];
    unsigned char bytes[CHUNK / 4 * 3];
};

/* Decodes the collected characters, a multiple of four. */
static bool decode_collected(struct base64_decoder *decoder)
{
    if (decoder->used == 0)
        return true;
    if (decoder->ended)
        return error_set(decoder->error, ERROR_PERMANENT, "base64 continues after its padding");
    size_t padding = 0;
    const unsigned char *pad = memchr(decoder->text, '=', decoder->used);
    if (pad != NULL) {
        padding = (size_t)(decoder->text + decoder->used - pad);
        if (padding > 2 || (padding == 2 && pad[1] != '='))
            return error_set(decoder->error, ERROR_PERMANENT, "base64 has padding in the middle");
        decoder->ended = true;
    }
    /* EVP_DecodeBlock() drops some characters at both ends; the length then shows it. */
    int length = EVP_DecodeBlock(decoder->bytes, decoder->text, (int)decoder->used);
    if (length < 0 || (size_t)length != decoder->used / 4 * 3)
        return error_set(decoder->error, ERROR_PERMANENT, "base64 contains characters outside its alphabet");
    decoder->used = 0;
    return spool_write(decoder->out, decoder->bytes, (size_t)length - padding, decoder->error);
}

static bool is_white_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool decode_base64(struct slice body, struct spool *out, struct error *error)
{
    g_autofree struct base64_decoder *decoder = g_new(struct base64_decoder, 1);
    decoder->out = out;
    decoder->error = error;
    decoder->used = 0;
    decoder->ended = false;
    const char *p = body.data, *end = p + body.len;
    while (p < end) {
        if (is_white_space(*p)) {
            p++;
            continue;
        }
        /* Takes everything up to the next white space or invalid byte; an invalid byte goes in alone, for the
         * decoder to refuse. */
        size_t room = CHUNK - decoder->used;
        const char *stop = lines_find_outside(p + 1, (size_t)(end - p) > room ? p + room : end, '!');
        memcpy(decoder->text + decoder->used, p, (size_t)(stop - p));
        decoder->used += (size_t)(stop - p);
        p = stop;
        if (decoder->used == CHUNK && !decode_collected(decoder))
            return false;
    }
    if (decoder->used % 4 != 0)
        return error_set(error, ERROR_PERMANENT, "base64 is cut off in the middle of a group");
    return decode_collected(decoder);
}

static bool decode_quoted_printable(struct slice body, struct spool *out, struct error *error)
{
    GMimeEncoding state;
    g_mime_encoding_init_decode(&state, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    g_autofree char *bytes = g_malloc(g_mime_encoding_outlen(&state, MIN(body.len, CHUNK)) + 16);
    for (size_t done = 0; done < body.len; done += CHUNK) {
        size_t length = g_mime_encoding_step(&state, body.data + done, MIN(body.len - done, CHUNK), bytes);
        if (!spool_write(out, bytes, length, error))
            return false;
    }
    size_t length = g_mime_encoding_flush(&state, "", 0, bytes);
    return spool_write(out, bytes, length, error);
}

bool part_decode(const struct part *part, struct spool *out, struct error *error)
{
    if (part->body.len == 0)
        return true;
    switch (part->encoding) {
    case ENCODING_7BIT:
    case ENCODING_8BIT:
    case ENCODING_BINARY:
        return spool_write(out, part->body.data, part->body.len, error);
    case ENCODING_QUOTED_PRINTABLE:
        return decode_quoted_printable(part->body, out, error);
    case ENCODING_BASE64:
        return decode_base64(part->body, out, error) || error_prefix(error, "MIME part %s", part->id);
    case ENCODING_UNKNOWN:
        break;
    }
    return error_set(error, ERROR_PERMANENT, "MIME part %s has an unknown transfer encoding", part->id);
}

#define LINE_BYTES 57 /* 76 characters */
#define LINES 1024    /* at once; more than the buffer of a spool holds, so it is not copied once more */

/* Whole lines of bytes. */
static bool encode_lines(const unsigned char *bytes, size_t lines, struct spool *out, struct error *error)
{
    char text[LINES * 78 + 1]; /* EVP_EncodeBlock() ends in NUL */
    while (lines > 0) {
        size_t count = MIN(lines, LINES);
        char *p = text;
        for (size_t i = 0; i < count; i++, bytes += LINE_BYTES) {
            EVP_EncodeBlock((unsigned char *)p, bytes, LINE_BYTES);
            memcpy(p + 76, "\r\n", 2);
            p += 78;
        }
        if (!spool_write(out, text, (size_t)(p - text), error))
            return false;
        lines -= count;
    }
    return true;
}

bool base64_write(struct base64_state *state, struct slice data, bool final, struct spool *out, struct error *error)
{
    const unsigned char *p = (const unsigned char *)data.data;
    size_t left = data.len;
    if (state->carried > 0 && left > 0) {
        size_t take = MIN(left, LINE_BYTES - state->carried);
        memcpy(state->carry + state->carried, p, take);
        state->carried += take;
        p += take;
        left -= take;
        if (state->carried == LINE_BYTES) {
            state->carried = 0;
            if (!encode_lines(state->carry, 1, out, error))
                return false;
        }
    }
    if (left >= LINE_BYTES && !encode_lines(p, left / LINE_BYTES, out, error))
        return false;
    if (left % LINE_BYTES > 0) {
        memcpy(state->carry, p + left - left % LINE_BYTES, left % LINE_BYTES);
        state->carried = left % LINE_BYTES;
    }
    if (!final || state->carried == 0)
        return true;
    unsigned char text[80];
    int length = EVP_EncodeBlock(text, state->carry, (int)state->carried);
    state->carried = 0;
    return spool_write(out, text, (size_t)length, error) && spool_write(out, "\r\n", 2, error);
}
