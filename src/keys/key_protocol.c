/* SPDX-License-Identifier: Apache-2.0 */
#include "key_protocol.h"

#include <string.h>

#define VERSION 1
#define TEXT_MAX 4096 /* a location, a file, a reason, a public key */

/* --- writing --- */

struct writer {
    unsigned char *octets;
    size_t size;
    size_t used;
    bool failed;
};

static void put(struct writer *writer, const void *octets, size_t length)
{
    if (writer->failed || length > writer->size - writer->used) {
        writer->failed = true;
        return;
    }
    if (length > 0)
        memcpy(writer->octets + writer->used, octets, length);
    writer->used += length;
}

static void put_number(struct writer *writer, uint32_t number)
{
    uint32_t ordered = GUINT32_TO_BE(number);
    put(writer, &ordered, sizeof(ordered));
}

static void put_octets(struct writer *writer, struct slice slice, size_t most)
{
    writer->failed = writer->failed || slice.len > most;
    put_number(writer, (uint32_t)slice.len);
    put(writer, slice.data, slice.len);
}

static size_t written(const struct writer *writer)
{
    return writer->failed ? 0 : writer->used;
}

size_t key_request_write(const struct key_request *request, unsigned char *octets, size_t size)
{
    struct writer writer = {octets, size, 0, false};
    const struct key_work *work = &request->work;
    put_number(&writer, VERSION);
    put_number(&writer, request->id);
    put_number(&writer, request->operation);
    if (request->operation == KEY_FIND) {
        put_octets(&writer, request->location, TEXT_MAX);
        put_octets(&writer, request->secret_file, TEXT_MAX);
    }
    if (request->operation == KEY_WORK) {
        put_number(&writer, request->key);
        put_number(&writer, work->scheme);
        put_number(&writer, work->digest);
        put_number(&writer, work->mgf1_digest);
        put_number(&writer, work->salt_length);
        put_octets(&writer, work->label, TEXT_MAX);
        put_octets(&writer, work->input, KEY_INPUT_MAX);
    }
    return written(&writer);
}

static void put_zeros(struct writer *writer, size_t length)
{
    static const unsigned char zeros[KEY_OUTPUT_MAX];
    writer->failed = writer->failed || length > sizeof(zeros);
    put_number(writer, (uint32_t)length);
    put(writer, zeros, writer->failed ? 0 : length);
}

size_t key_reply_write(const struct key_reply *reply, unsigned char *octets, size_t size)
{
    struct writer writer = {octets, size, 0, false};
    put_number(&writer, VERSION);
    put_number(&writer, reply->id);
    put_number(&writer, reply->answer);
    put_number(&writer, reply->kind);
    put_octets(&writer, reply->text, TEXT_MAX);
    put_number(&writer, reply->key);
    put_number(&writer, reply->can);
    put_number(&writer, reply->oaep);
    put_octets(&writer, reply->public_key, TEXT_MAX);
    put_octets(&writer, reply->note, TEXT_MAX);
    put_octets(&writer, reply->output, KEY_OUTPUT_MAX);
    put_zeros(&writer, reply->padding);
    return written(&writer);
}

/* --- reading --- */

struct reader {
    const unsigned char *octets;
    size_t left;
    bool failed;
};

static const unsigned char *take(struct reader *reader, size_t length)
{
    const unsigned char *at = reader->octets;
    if (reader->failed || length > reader->left) {
        reader->failed = true;
        return NULL;
    }
    reader->octets += length;
    reader->left -= length;
    return at;
}

static uint32_t take_number(struct reader *reader)
{
    uint32_t ordered = 0;
    const unsigned char *at = take(reader, sizeof(ordered));
    if (at != NULL)
        memcpy(&ordered, at, sizeof(ordered));
    return GUINT32_FROM_BE(ordered);
}

static unsigned take_below(struct reader *reader, unsigned count)
{
    uint32_t number = take_number(reader);
    if (number >= count) {
        reader->failed = true;
        return 0;
    }
    return number;
}

static struct slice take_octets(struct reader *reader, size_t most)
{
    size_t length = take_number(reader);
    if (length > most)
        reader->failed = true;
    const unsigned char *at = take(reader, length);
    return at != NULL ? (struct slice){(const char *)at, length} : SLICE_NONE;
}

static bool is_whole(const struct reader *reader)
{
    return !reader->failed && reader->left == 0;
}

bool key_request_read(const unsigned char *octets, size_t length, struct key_request *request)
{
    struct reader reader = {octets, length, false};
    struct key_work *work = &request->work;
    *request = (struct key_request){0};
    reader.failed = take_number(&reader) != VERSION;
    request->id = take_number(&reader);
    request->operation = (enum key_operation)take_below(&reader, KEY_PROBE + 1);
    if (request->operation == KEY_FIND) {
        request->location = take_octets(&reader, TEXT_MAX);
        request->secret_file = take_octets(&reader, TEXT_MAX);
    }
    if (request->operation == KEY_WORK) {
        request->key = take_number(&reader);
        work->scheme = (enum key_scheme)take_below(&reader, KEY_SCHEMES);
        work->digest = (enum key_digest)take_below(&reader, KEY_DIGESTS);
        work->mgf1_digest = (enum key_digest)take_below(&reader, KEY_DIGESTS);
        work->salt_length = take_below(&reader, KEY_OUTPUT_MAX + 1);
        work->label = take_octets(&reader, TEXT_MAX);
        work->input = take_octets(&reader, KEY_INPUT_MAX);
    }
    return is_whole(&reader);
}

bool key_reply_read(const unsigned char *octets, size_t length, struct key_reply *reply)
{
    struct reader reader = {octets, length, false};
    *reply = (struct key_reply){0};
    reader.failed = take_number(&reader) != VERSION;
    reply->id = take_number(&reader);
    reply->answer = (enum key_answer)take_below(&reader, KEY_GONE + 1);
    reply->kind = (enum error_kind)take_below(&reader, ERROR_BUG + 1);
    reply->text = take_octets(&reader, TEXT_MAX);
    reply->key = take_number(&reader);
    reply->can = take_below(&reader, 1U << KEY_SCHEMES);
    reply->oaep = take_below(&reader, 1U << KEY_DIGESTS);
    reply->public_key = take_octets(&reader, TEXT_MAX);
    reply->note = take_octets(&reader, TEXT_MAX);
    reply->output = take_octets(&reader, KEY_OUTPUT_MAX);
    reply->padding = take_below(&reader, KEY_OUTPUT_MAX + 1);
    take(&reader, reply->padding);
    return is_whole(&reader);
}
