/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/key_protocol.h"

#include <criterion/criterion.h>

static const struct key_request work = {.id = 7,
                                        .operation = KEY_WORK,
                                        .key = 300,
                                        .work = {.scheme = KEY_DECRYPT_RSA_OAEP,
                                                 .digest = KEY_SHA256,
                                                 .mgf1_digest = KEY_SHA1,
                                                 .salt_length = 20,
                                                 .label = {"label", 5},
                                                 .input = {"some octets", 11}}};

Test(key_protocol, a_request_comes_out_as_it_went_in)
{
    unsigned char octets[KEY_REQUEST_MAX];
    struct key_request read;
    const struct key_request find = {
        .id = 1, .operation = KEY_FIND, .location = {"/a.key", 6}, .secret_file = {"/pin", 4}};
    size_t length = key_request_write(&work, octets, sizeof(octets));
    cr_assert(key_request_read(octets, length, &read));
    cr_expect(read.id == 7 && read.operation == KEY_WORK && read.key == 300);
    cr_expect(read.work.scheme == KEY_DECRYPT_RSA_OAEP && read.work.digest == KEY_SHA256 &&
              read.work.mgf1_digest == KEY_SHA1 && read.work.salt_length == 20);
    cr_expect(slice_equal(read.work.label, slice_of("label")) && slice_equal(read.work.input, slice_of("some octets")));
    length = key_request_write(&find, octets, sizeof(octets));
    cr_assert(key_request_read(octets, length, &read));
    cr_expect(slice_equal(read.location, slice_of("/a.key")) && slice_equal(read.secret_file, slice_of("/pin")));
}

Test(key_protocol, a_reply_comes_out_as_it_went_in)
{
    unsigned char octets[KEY_REPLY_MAX];
    const struct key_reply reply = {.id = 9,
                                    .answer = KEY_WRONG,
                                    .kind = ERROR_TEMPORARY,
                                    .text = {"why", 3},
                                    .key = 4,
                                    .can = 5,
                                    .oaep = 6,
                                    .public_key = {"key", 3},
                                    .note = {"note", 4},
                                    .output = {"output", 6},
                                    .padding = 8};
    struct key_reply read;
    size_t length = key_reply_write(&reply, octets, sizeof(octets));
    cr_assert(key_reply_read(octets, length, &read));
    cr_expect(read.id == 9 && read.answer == KEY_WRONG && read.kind == ERROR_TEMPORARY && read.key == 4 &&
              read.can == 5 && read.oaep == 6 && read.padding == 8);
    cr_expect(slice_equal(read.text, reply.text) && slice_equal(read.public_key, reply.public_key) &&
              slice_equal(read.note, reply.note) && slice_equal(read.output, reply.output));
}

/* A reply tells by its length no more than the request: how long the content key was stays inside. */
Test(key_protocol, a_reply_is_as_long_whatever_it_holds)
{
    unsigned char octets[KEY_REPLY_MAX];
    const struct key_reply right = {.answer = KEY_DONE, .output = {"12345678", 8}, .padding = 248};
    const struct key_reply wrong = {.answer = KEY_WRONG, .padding = 256};
    cr_expect_eq(key_reply_write(&right, octets, sizeof(octets)), key_reply_write(&wrong, octets, sizeof(octets)));
}

Test(key_protocol, nothing_else_is_read)
{
    unsigned char octets[KEY_REQUEST_MAX];
    struct key_request request;
    struct key_reply reply;
    size_t length = key_request_write(&work, octets, sizeof(octets));
    for (size_t shorter = 0; shorter < length; shorter++)
        cr_expect_not(key_request_read(octets, shorter, &request), "%zu octets", shorter);
    cr_expect_not(key_request_read(octets, length + 1, &request), "what follows");
    cr_expect_not(key_reply_read(octets, length, &reply), "a request is no reply");
    /* Each number that has few values, at its highest octet. */
    for (size_t at = 0; at < 28; at += 4) {
        if (at == 4 || at == 12) /* the id and the key */
            continue;
        octets[at] ^= 0x80;
        cr_expect_not(key_request_read(octets, length, &request), "octet %zu", at);
        octets[at] ^= 0x80;
    }
    cr_expect(key_request_read(octets, length, &request));
}

Test(key_protocol, what_is_too_long_is_not_written)
{
    g_autofree unsigned char *octets = g_malloc(4 * KEY_INPUT_MAX);
    struct key_request long_one = work;
    g_autofree char *input = g_malloc0(KEY_INPUT_MAX + 1);
    long_one.work.input = (struct slice){input, KEY_INPUT_MAX};
    cr_expect_gt(key_request_write(&long_one, octets, KEY_REQUEST_MAX), (size_t)KEY_INPUT_MAX);
    long_one.work.input.len++;
    cr_expect_eq(key_request_write(&long_one, octets, 4 * KEY_INPUT_MAX), 0u);
    cr_expect_eq(key_request_write(&work, octets, 20), 0u);
}
