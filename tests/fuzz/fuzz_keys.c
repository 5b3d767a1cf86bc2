/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_keys: what the daemon and a key process say to each other, read by either side. What is read and written again
 * is what it was; a process answers each request, and nothing else, under its number.
 *
 * Input: a byte, even: a request; odd: a reply.
 */
#include "keys/key_server.h"
#include "require.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A holder with one key, which does nothing. */

static bool find(void *state, const char *location, const char *secret_file, struct held_key *key, struct error *error)
{
    (void)state;
    if (location[0] != '/')
        return error_set(error, ERROR_CONFIGURATION, "no key %s", location);
    *key = (struct held_key){.location = g_strdup(location),
                             .public_key = EVP_PKEY_new_raw_public_key(
                                 EVP_PKEY_X25519, NULL, (const unsigned char *)"thirty-two octets of public key!", 32),
                             .can = 1,
                             .note = g_strdup(secret_file)};
    return true;
}

static void forget(void *state, void *handle)
{
    (void)state;
    (void)handle;
}

static enum key_answer work(void *state, void *handle, const struct key_work *wanted, struct key_output *output)
{
    (void)state;
    (void)handle;
    require(wanted->scheme < KEY_SCHEMES && wanted->digest < KEY_DIGESTS && wanted->mgf1_digest < KEY_DIGESTS);
    require(wanted->salt_length <= KEY_OUTPUT_MAX && wanted->input.len <= KEY_INPUT_MAX);
    output->length = MIN(wanted->input.len, sizeof(output->octets));
    if (output->length > 0)
        memcpy(output->octets, wanted->input.data, output->length);
    return wanted->input.len % 2 == 0 ? KEY_DONE : KEY_WRONG;
}

static const struct key_holder_type holder = {.scheme = "fuzz", .find = find, .forget = forget, .work = work};

static void answer(const uint8_t *data, size_t size, bool is_request)
{
    static unsigned char octets[KEY_REPLY_MAX];
    const struct key_server_options options = {.type = &holder};
    struct error error = {0};
    struct key_reply reply;
    bool gone;
    owned(key_server) struct key_server *server = key_server_new(&options, &error);
    size_t length = key_server_answer(server, data, size, octets, &gone);
    require((length > 0) == is_request);
    require(length == 0 || key_reply_read(octets, length, &reply));
}

static void read_request(const uint8_t *data, size_t size)
{
    static unsigned char octets[KEY_REQUEST_MAX];
    struct key_request request;
    bool is_request = key_request_read(data, size, &request);
    if (is_request && size <= sizeof(octets))
        require(key_request_write(&request, octets, sizeof(octets)) == size && memcmp(octets, data, size) == 0);
    answer(data, size, is_request);
}

/* But for the padding, whose octets do not count. */
static void read_reply(const uint8_t *data, size_t size)
{
    static unsigned char octets[4 * KEY_REPLY_MAX];
    struct key_reply reply;
    if (key_reply_read(data, size, &reply))
        require(key_reply_write(&reply, octets, sizeof(octets)) == size &&
                memcmp(octets, data, size - reply.padding) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    if (data[0] % 2 == 0)
        read_request(data + 1, size - 1);
    else
        read_reply(data + 1, size - 1);
    return 0;
}
